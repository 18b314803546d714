//! The commits since the build before, from the `changelog*.xml` of a build.
//!
//! Each version control plugin writes its own format, git plain text. Invariant: an entry that cannot be understood is left
//! out with a note, and the others are kept.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::fmt::strtime;
use jiff::tz::TimeZone;
use weir_protocol::redact::excerpt;
use weir_protocol::{CommitEntry, ScmKind};

use crate::encoding::{self, Encoding};
use crate::notes::Notes;
use crate::xml::{self, Limits, Node};

const ENTRIES_MAX: usize = 1000;
const BYTES_MAX: u64 = 16 << 20;
const MESSAGE_BYTES_MAX: usize = 2 << 10;

/// Reads one file. Local times are taken in `zone`; without one they stay unknown.
pub(crate) fn read(path: &Path, zone: Option<&TimeZone>, notes: &mut Notes) -> Vec<CommitEntry> {
    let subject = path.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
    let mut bytes = Vec::new();
    if let Err(error) = File::open(path).and_then(|file| file.take(BYTES_MAX).read_to_end(&mut bytes)) {
        notes.add("unreadable", &subject, error.to_string());
        return Vec::new();
    }
    if bytes.len() as u64 == BYTES_MAX {
        notes.add("truncated", &subject, format!("only the first {BYTES_MAX} bytes were read"));
    }
    let mut entries = match bytes.trim_ascii_start().first() {
        None => Vec::new(),
        Some(b'<') => read_xml(path, zone, &subject, notes),
        Some(_) => {
            let (text, replaced) = encoding::text(Encoding::Utf8, &bytes);
            if replaced {
                notes.add("encoding", &subject, "holds bytes that are no text; replaced");
            }
            git(&text)
        }
    };
    if entries.len() > ENTRIES_MAX {
        notes.add(
            "truncated",
            &subject,
            format!("only the first {ENTRIES_MAX} of {} commits were kept", entries.len()),
        );
        entries.truncate(ENTRIES_MAX);
    }
    entries
}

fn read_xml(path: &Path, zone: Option<&TimeZone>, subject: &str, notes: &mut Notes) -> Vec<CommitEntry> {
    let mut tree = xml::read(path, Limits::BUILD);
    notes.add_all(subject, std::mem::take(&mut tree.notes));
    let Some(root) = tree.root() else { return Vec::new() };
    match root.name() {
        "log" => root.children().filter(|entry| entry.name() == "logentry").map(subversion).collect(),
        "changesets" => root.children().filter(|entry| entry.name() == "changeset").map(mercurial).collect(),
        "changelog" | "changes" => root.children().map(|entry| cvs_or_perforce(entry, zone)).collect(),
        unknown => {
            notes.add("unknown-format", subject, format!("a change list in <{unknown}> is not known"));
            Vec::new()
        }
    }
}

/// The raw log of git: headers at the start of a line, the message indented, the files with a colon.
fn git(text: &str) -> Vec<CommitEntry> {
    let mut entries: Vec<CommitEntry> = Vec::new();
    let mut message = String::new();
    for line in text.lines() {
        if let Some(id) = line.strip_prefix("commit ") {
            close(&mut entries, &mut message);
            let id = id.split_whitespace().next().map(str::to_owned);
            entries.push(CommitEntry { scm: ScmKind::Git, commit: id, ..CommitEntry::default() });
            continue;
        }
        let Some(entry) = entries.last_mut() else { continue };
        if let Some(said) = line.strip_prefix("    ") {
            message.push_str(said);
            message.push('\n');
        } else if let Some(author) = line.strip_prefix("author ") {
            (entry.author, entry.author_email, entry.time) = signature(author);
        } else if let Some(parents) = line.strip_prefix("parent ") {
            entry.parents.extend(parents.split_whitespace().map(str::to_owned));
        }
    }
    close(&mut entries, &mut message);
    entries
}

fn close(entries: &mut [CommitEntry], message: &mut String) {
    if let Some(entry) = entries.last_mut() {
        entry.message = excerpt(message, MESSAGE_BYTES_MAX);
    }
    message.clear();
}

/// `Name <mail> 2020-06-21 00:32:17 -0700`, or with seconds since 1970 in place of the date.
fn signature(text: &str) -> (Option<String>, Option<String>, Option<i64>) {
    let Some((name, rest)) = text.split_once('<') else { return (some(text), None, None) };
    let (mail, time) = rest.split_once('>').unwrap_or((rest, ""));
    (some(name), some(mail), git_time(time.trim()))
}

fn git_time(text: &str) -> Option<i64> {
    let formats = ["%Y-%m-%d %H:%M:%S %z", "%Y-%m-%dT%H:%M:%S%z", "%Y-%m-%dT%H:%M:%S %z"];
    let parsed =
        formats.iter().find_map(|format| strtime::parse(format, text).and_then(|time| time.to_timestamp()).ok());
    match parsed.or_else(|| text.parse::<Timestamp>().ok()) {
        Some(time) => Some(time.as_millisecond()),
        None => text.split_whitespace().next()?.parse::<i64>().ok()?.checked_mul(1000),
    }
}

fn subversion(entry: Node<'_>) -> CommitEntry {
    CommitEntry {
        scm: ScmKind::Subversion,
        commit: entry.attribute("revision").and_then(some),
        author: entry.value("author").and_then(some),
        time: entry.value("date").and_then(|date| date.parse::<Timestamp>().ok()).map(Timestamp::as_millisecond),
        message: message(entry, &["msg"]),
        ..CommitEntry::default()
    }
}

fn mercurial(entry: Node<'_>) -> CommitEntry {
    let (author, author_email, _) = signature(entry.attribute("author").unwrap_or_default());
    // Seconds since 1970 and the offset of the author, which says nothing about the instant.
    let seconds = entry.attribute("date").and_then(|date| date.split([' ', '.']).next()?.parse::<i64>().ok());
    CommitEntry {
        scm: ScmKind::Mercurial,
        commit: entry.attribute("node").and_then(some),
        author,
        author_email,
        time: seconds.and_then(|seconds| seconds.checked_mul(1000)),
        message: message(entry, &["msg"]),
        parents: entry.value("parents").or_else(|| entry.attribute("parent")).and_then(some).into_iter().collect(),
    }
}

/// Both call their root `changelog`; only perforce numbers its changes.
fn cvs_or_perforce(entry: Node<'_>, zone: Option<&TimeZone>) -> CommitEntry {
    let perforce = entry.child("changenumber");
    let detail = perforce.filter(|change| !change.is_leaf()).unwrap_or(entry);
    let number = perforce.and_then(|change| change.value("changeInfo").or_else(|| some_text(change)));
    let first = |names: &[&str]| names.iter().find_map(|name| detail.value(name));
    let time = first(&["changeTime", "changeDate", "date"]).map(|date| match first(&["time"]) {
        Some(time) if !date.contains(':') => format!("{date} {time}"),
        Some(_) | None => date.to_owned(),
    });
    CommitEntry {
        scm: if perforce.is_some() { ScmKind::Perforce } else { ScmKind::Cvs },
        commit: number.and_then(some),
        author: first(&["changeUser", "user", "author"]).and_then(some),
        time: time.and_then(|time| local_time(&time, zone)),
        message: message(detail, &["msg", "description"]),
        ..CommitEntry::default()
    }
}

/// A time with an offset, or one without in the zone of the home.
fn local_time(text: &str, zone: Option<&TimeZone>) -> Option<i64> {
    if let Ok(time) = text.parse::<Timestamp>() {
        return Some(time.as_millisecond());
    }
    let formats = ["%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M", "%Y/%m/%d %H:%M:%S"];
    let time = formats.iter().find_map(|format| DateTime::strptime(format, text).ok())?;
    Some(zone?.to_timestamp(time).ok()?.as_millisecond())
}

fn message(entry: Node<'_>, names: &[&str]) -> Option<String> {
    names.iter().find_map(|name| entry.child(name)).and_then(|message| excerpt(message.exact_text(), MESSAGE_BYTES_MAX))
}

fn some(text: &str) -> Option<String> {
    let text = text.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

fn some_text(node: Node<'_>) -> Option<&str> {
    Some(node.text()).filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::*;

    fn check(text: &str, expected: &Expect) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("changelog.xml");
        std::fs::write(&path, text).unwrap();
        let mut notes = Notes::default();
        let zone = TimeZone::get("Europe/Berlin").unwrap();
        let mut told = String::new();
        for entry in read(&path, Some(&zone), &mut notes) {
            told.push_str(&serde_json::to_string(&entry).unwrap());
            told.push('\n');
        }
        for diagnostic in notes.into_diagnostics() {
            told.extend([&diagnostic.code, ": ", &diagnostic.message, "\n"]);
        }
        expected.assert_eq(&told);
    }

    #[test]
    fn reads_git() {
        check(
            "Changes in branch origin/main, between a and b\n\
             commit 4a4353c6d9d471826328b298fe3042c28bbe318d\ntree e7d51ecfc5fc91ffb89c33df065ddaa63c5360dd\n\
             parent 92ed815527b401d4f2240fdcffc4bff28776333a\nparent 1111111111111111111111111111111111111111\n\
             author Ana Li <ana@example.com> 2020-06-21 00:32:17 -0700\ncommitter X <x@example.com> 2020-06-21 00:32:17 -0700\n\n\
             \x20   Fix it\n    \n    commit deadbeef was wrong\n\n\n:100644 100644 ce679 71dc7 M\ta.java\n\
             commit 08d386c3b05997a04bf1ffdc0948af0f44b5bd2d\nparent \nauthor B <b@example.com> 1592724737 -0700\n",
            &expect![[r#"
                {"scm":"git","commit":"4a4353c6d9d471826328b298fe3042c28bbe318d","author":"Ana Li","author_email":"ana@example.com","time":1592724737000,"message":"Fix it\n\ncommit deadbeef was wrong","parents":["92ed815527b401d4f2240fdcffc4bff28776333a","1111111111111111111111111111111111111111"]}
                {"scm":"git","commit":"08d386c3b05997a04bf1ffdc0948af0f44b5bd2d","author":"B","author_email":"b@example.com","time":1592724737000}
            "#]],
        );
    }

    #[test]
    fn reads_the_formats_in_xml() {
        check(
            "<log><logentry revision='42'><author>ana</author><date>2011-01-02T03:04:05.678Z</date><paths><path>/a</path></paths><msg>Fix</msg></logentry></log>",
            &expect![[r#"
                {"scm":"subversion","commit":"42","author":"ana","time":1293937445678,"message":"Fix"}
            "#]],
        );
        check(
            "<?xml version='1.0'?><changesets><changeset node='ab12' author='Ana &lt;ana@example.com&gt;' rev='3' date='1300000000 -3600'><msg>Fix</msg></changeset></changesets>",
            &expect![[r#"
                {"scm":"mercurial","commit":"ab12","author":"Ana","author_email":"ana@example.com","time":1300000000000,"message":"Fix"}
            "#]],
        );
        check(
            "<changelog><entry><changenumber><changeInfo>21</changeInfo><msg>New\n</msg><changeUser>super</changeUser><changeTime>2021-02-24 20:06:28</changeTime></changenumber></entry>\
             <entry><changenumber>22</changenumber><date>2021-02-24 20:06:28</date><description>d</description><user>u</user></entry></changelog>",
            &expect![[r#"
                {"scm":"perforce","commit":"21","author":"super","time":1614193588000,"message":"New"}
                {"scm":"perforce","commit":"22","author":"u","time":1614193588000,"message":"d"}
            "#]],
        );
        check(
            "<changelog><entry><date>2011-03-04</date><time>05:06</time><author>ana</author><file><name>a</name></file><msg>Fix</msg></entry></changelog>",
            &expect![[r#"
                {"scm":"cvs","commit":null,"author":"ana","time":1299211560000,"message":"Fix"}
            "#]],
        );
    }

    #[test]
    fn says_what_it_cannot_read() {
        check("", &expect![""]);
        check("<log/>", &expect![""]);
        check(
            "<bzr><x/></bzr>",
            &expect![[r"
            unknown-format: a change list in <bzr> is not known
        "]],
        );
        check(
            "<log><logentry revision='1'><msg>a",
            &expect![[r#"
            {"scm":"subversion","commit":"1","time":null,"message":"a"}
            damaged: ends within <msg>
        "#]],
        );
    }
}

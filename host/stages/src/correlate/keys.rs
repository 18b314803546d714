//! Handles of work items in titles, branch names, messages and descriptions.
//!
//! Only keys of known projects are trusted; where no tracker is connected everything is a guess, and what merely looks
//! like a key (`UTF-8`, `SHA-256`) is left out.

use std::collections::BTreeSet;

use serde::Serialize;

/// Confidence in a handle that can mean only one thing.
const STRONG: f64 = 0.8;
/// Confidence in a guess.
const WEAK: f64 = 0.5;
/// What looks like the key of a project and is none.
const NO_PROJECTS: &[&str] = &[
    "AES", "ASCII", "BASE", "CIS", "COVID", "CVE", "CWE", "ECMA", "EN", "ES", "GH", "HTTP", "IEC", "IEEE", "IPV",
    "ISO", "JEP", "JSR", "LATIN", "MD", "MP", "PEP", "PKCS", "RC", "RFC", "RSA", "SHA", "SSL", "TLS", "UCS", "USB",
    "UTC", "UTF", "WIN", "X",
];
const CLOSING: &[&str] = &["close", "closes", "closed", "fix", "fixes", "fixed", "resolve", "resolves", "resolved"];

/// Where a text stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TextSource {
    /// Title of a change.
    Title,
    /// Description of a change.
    Body,
    /// Name of a branch, the only place where the case of letters does not matter.
    Branch,
    /// Message of a commit.
    Commit,
}

/// What the text says about the work item.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum KeyRelation {
    /// Names it.
    Mentions,
    /// Ends it.
    Closes,
    /// Takes work for it back; not counted as work.
    Reverts,
}

/// A handle found in a text.
#[derive(Debug, Clone, PartialEq)]
pub struct FoundKey {
    /// As people write it: `PROJ-12`, `#42`, `acme/api#42`, `!17`, `AB#88`, `INC0010001`.
    pub key: String,
    /// What is said about it.
    pub relation: KeyRelation,
    /// 0.8 strong, 0.5 weak.
    pub confidence: f64,
}

/// Handles in a text, each once, in the order they stand there. `known_projects` are the keys of the projects of all
/// connected trackers, former keys too; none when no tracker is connected.
pub fn keys_in(text: &str, source: TextSource, known_projects: &BTreeSet<String>) -> Vec<FoundKey> {
    let folded = if source == TextSource::Branch { text.to_ascii_uppercase() } else { text.to_owned() };
    let scanner = Scanner { text: &folded, original: text, source, known_projects };
    let mut found: Vec<FoundKey> = Vec::new();
    for key in scanner.numbers().filter_map(|number| scanner.key(number)) {
        if !found.iter().any(|other| other.key == key.key) {
            found.push(key);
        }
    }
    found
}

struct Scanner<'a> {
    text: &'a str,
    /// The text before letters were made capital.
    original: &'a str,
    source: TextSource,
    known_projects: &'a BTreeSet<String>,
}

/// A run of digits: where it begins and ends.
#[derive(Clone, Copy)]
struct Number {
    start: usize,
    end: usize,
}

impl Scanner<'_> {
    fn numbers(&self) -> impl Iterator<Item = Number> {
        let bytes = self.text.as_bytes();
        let starts = move |at: &usize| bytes[*at].is_ascii_digit() && (*at == 0 || !bytes[*at - 1].is_ascii_digit());
        let end = move |start: usize| bytes[start..].iter().position(|b| !b.is_ascii_digit());
        (0..bytes.len())
            .filter(starts)
            .map(move |start| Number { start, end: end(start).map_or(bytes.len(), |n_digits| start + n_digits) })
    }

    fn key(&self, number: Number) -> Option<FoundKey> {
        let before = &self.text[..number.start];
        match before.chars().next_back()? {
            '-' => self.tracker_key(number),
            '#' => self.issue(number),
            '!' => self.merge_request(number),
            _ => self.record(number),
        }
    }

    /// `PROJ-12`, `GH-12`
    fn tracker_key(&self, number: Number) -> Option<FoundKey> {
        let digits = self.digits(number)?;
        let project = trailing(&self.text[..number.start - 1], |c| c.is_alphanumeric() || c == '_');
        if project == "GH" && !self.known_projects.contains("GH") {
            return Some(self.found(format!("#{digits}"), KeyRelation::Mentions, STRONG));
        }
        let after_underscore = project.rsplit('_').next().unwrap_or(project);
        let project = [project, after_underscore].into_iter().find(|project| self.is_project(project))?;
        let confidence = if self.known_projects.is_empty() { WEAK } else { STRONG };
        Some(self.found(format!("{project}-{digits}"), KeyRelation::Mentions, confidence))
    }

    fn is_project(&self, text: &str) -> bool {
        let shaped = text.len() > 1
            && text.starts_with(|c: char| c.is_ascii_uppercase())
            && text.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_');
        if self.known_projects.is_empty() {
            shaped && !NO_PROJECTS.contains(&text)
        } else {
            self.known_projects.contains(text)
        }
    }

    /// `#42`, `acme/api#42`, `AB#88`
    fn issue(&self, number: Number) -> Option<FoundKey> {
        let digits = self.digits(number)?;
        let before = &self.original[..number.start - 1];
        let prefix = trailing(before, |c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '/'));
        let key = match prefix {
            // `&#39;` is an apostrophe.
            "" if before.ends_with('&') => return None,
            "" => format!("#{digits}"),
            "AB" => format!("AB#{digits}"),
            repository if is_repository(repository) => format!("{repository}#{digits}"),
            _ => return None,
        };
        let relation =
            if self.closes(before.len() - prefix.len()) { KeyRelation::Closes } else { KeyRelation::Mentions };
        Some(self.found(key, relation, STRONG))
    }

    /// `!17`
    fn merge_request(&self, number: Number) -> Option<FoundKey> {
        let digits = self.digits(number)?;
        let stands_alone = !self.text[..number.start - 1].ends_with(|c: char| c.is_alphanumeric());
        stands_alone.then(|| self.found(format!("!{digits}"), KeyRelation::Mentions, STRONG))
    }

    /// `INC0010001`, `CHG0030001`
    fn record(&self, number: Number) -> Option<FoundKey> {
        let prefix = trailing(&self.text[..number.start], char::is_alphanumeric);
        let is_record = matches!(prefix, "INC" | "CHG" | "PRB") && number.end - number.start >= 7;
        is_record.then(|| {
            self.found(format!("{prefix}{}", &self.text[number.start..number.end]), KeyRelation::Mentions, STRONG)
        })
    }

    /// The digits, unless they begin with 0.
    fn digits(&self, number: Number) -> Option<&str> {
        Some(&self.text[number.start..number.end]).filter(|digits| !digits.starts_with('0'))
    }

    fn closes(&self, at: usize) -> bool {
        let before = self.original[..at].trim_end().trim_end_matches(':').trim_end();
        let word = trailing(before, char::is_alphanumeric).to_lowercase();
        CLOSING.contains(&word.as_str())
    }

    fn found(&self, key: String, relation: KeyRelation, confidence: f64) -> FoundKey {
        let reverts = starts_with(self.original, "revert \"");
        let merges = self.source == TextSource::Commit && starts_with(self.original, "merge ");
        let relation = if reverts { KeyRelation::Reverts } else { relation };
        FoundKey { key, relation, confidence: if merges { WEAK } else { confidence } }
    }
}

fn starts_with(text: &str, prefix: &str) -> bool {
    text.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix))
}

/// The characters at the end of a text that are like this.
fn trailing(text: &str, like: impl Fn(char) -> bool) -> &str {
    let start = text.char_indices().rev().take_while(|(_, c)| like(*c)).last().map_or(text.len(), |(at, _)| at);
    &text[start..]
}

/// `owner/name`, or deeper.
fn is_repository(text: &str) -> bool {
    text.contains('/') && text.split('/').all(|part| !part.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::{Expect, expect};

    #[expect(clippy::needless_pass_by_value, reason = "an `Expect` is written in place")]
    fn check(projects: &[&str], texts: &[(TextSource, &str)], expected: Expect) {
        let projects: BTreeSet<String> = projects.iter().map(|project| (*project).to_owned()).collect();
        let show = |key: &FoundKey| format!(" {} {:?} {}", key.key, key.relation, key.confidence);
        let line = |(source, text): &(TextSource, &str)| {
            let keys: Vec<String> = keys_in(text, *source, &projects).iter().map(show).collect();
            format!("{text} ->{}\n", keys.join(","))
        };
        expected.assert_eq(&texts.iter().map(line).collect::<String>());
    }

    #[test]
    fn keys_of_known_projects() {
        use TextSource::{Body, Branch, Commit, Title};
        let texts = [
            (Title, "PROJ-12: fix login"),
            (Branch, "feature/PROJ-12_fix"),
            (Branch, "proj-12-fix"),
            (Commit, "see proj-12"),
            (Commit, "UTF-8, SHA-256, ISO-8601, COVID-19"),
            (Commit, "CVE-2021-44228 and PROJ-7"),
            (Title, "PROJ-1, PROJ-2/PROJ-10"),
            (Title, "PROJ-123"),
            (Title, "PROJ-0, PROJ-012, XPROJ-1"),
            (Body, "https://host/browse/PROJ-5?x=1"),
            (Title, "Revert \"PROJ-9 add cache\""),
            (Commit, "Merge branch 'PROJ-3' into main"),
            (Title, "OLD_PROJ-4 PROJ-4"),
            (Body, "Fixes #42, o/r#43; GH-44"),
            (Body, "#17 !17 &#39; #12 and issue#9 x!8"),
            (Body, "AB#88 INC0010001 CHG0030001 INC12"),
        ];
        check(
            &["PROJ"],
            &texts,
            expect![[r#"
            PROJ-12: fix login -> PROJ-12 Mentions 0.8
            feature/PROJ-12_fix -> PROJ-12 Mentions 0.8
            proj-12-fix -> PROJ-12 Mentions 0.8
            see proj-12 ->
            UTF-8, SHA-256, ISO-8601, COVID-19 ->
            CVE-2021-44228 and PROJ-7 -> PROJ-7 Mentions 0.8
            PROJ-1, PROJ-2/PROJ-10 -> PROJ-1 Mentions 0.8, PROJ-2 Mentions 0.8, PROJ-10 Mentions 0.8
            PROJ-123 -> PROJ-123 Mentions 0.8
            PROJ-0, PROJ-012, XPROJ-1 ->
            https://host/browse/PROJ-5?x=1 -> PROJ-5 Mentions 0.8
            Revert "PROJ-9 add cache" -> PROJ-9 Reverts 0.8
            Merge branch 'PROJ-3' into main -> PROJ-3 Mentions 0.5
            OLD_PROJ-4 PROJ-4 -> PROJ-4 Mentions 0.8
            Fixes #42, o/r#43; GH-44 -> #42 Closes 0.8, o/r#43 Mentions 0.8, #44 Mentions 0.8
            #17 !17 &#39; #12 and issue#9 x!8 -> #17 Mentions 0.8, !17 Mentions 0.8, #12 Mentions 0.8
            AB#88 INC0010001 CHG0030001 INC12 -> AB#88 Mentions 0.8, INC0010001 Mentions 0.8, CHG0030001 Mentions 0.8
        "#]],
        );
    }

    #[test]
    fn without_a_tracker_every_key_is_a_guess() {
        let texts = [
            (TextSource::Title, "ABC-7 over UTF-8"),
            (TextSource::Branch, "abc-7-é"),
            (TextSource::Commit, "é-1 -2 A-3"),
        ];
        check(
            &[],
            &texts,
            expect![[r"
            ABC-7 over UTF-8 -> ABC-7 Mentions 0.5
            abc-7-é -> ABC-7 Mentions 0.5
            é-1 -2 A-3 ->
        "]],
        );
    }
}

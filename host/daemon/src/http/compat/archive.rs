//! The zip that may come beside a report: logs, reports of test runners, whatever else. Each file becomes a raw record.
//!
//! Names in it are names only, nothing is written to a path; all the same, a name that leads elsewhere is refused, and so
//! are links. The archive is read through its directory, entry by entry, within bounds of count, size and ratio.

use std::borrow::Cow;
use std::fs::File;
use std::io::{Cursor, Read, Seek};

use serde_json::json;
use uuid::Uuid;
use weir_junit::Limits;
use weir_model::id::KEY_BYTES_MAX;
use weir_model::raw::{PAYLOAD_BYTES_MAX, fingerprint};
use weir_model::{DatasetName, RawRecord};
use zip::ZipArchive;

use super::sender::dataset;
use crate::http::unpack::RATIO_MAX;

/// Dataset of logs; the key of one is the name that a report gives it.
const LOGS: &str = "logs";
/// Dataset of files that nobody reads.
const ATTACHMENTS: &str = "attachments";
/// Most files of one archive, those in archives within it included.
const FILES_MAX: usize = 10_000;
/// Longest log that is kept whole; of a longer one its end is, in bytes.
const LOG_BYTES_MAX: usize = 4 << 20;
/// Bytes that may be unpacked whatever the size of the archive.
const FREE_BYTES: u64 = 16 << 20;
/// Most mistakes that are told.
const TROUBLE_MAX: usize = 20;
/// Bytes of records that are handed over together, before the last of them.
const BATCH_BYTES: usize = 4 << 20;

/// What an archive belongs to.
pub(super) struct Of {
    /// Key of the report it came with.
    pub(super) build: String,
    /// Dataset of reports of test runners.
    pub(super) test_reports: DatasetName,
    /// Most bytes it may unpack to.
    pub(super) unpacked_bytes_max: u64,
}

/// Records that are handed over together.
pub(super) type Batch = Vec<(DatasetName, RawRecord)>;

/// Reads the archive that came beside the report of a build, and gives its files in batches until `give` wants no more.
/// What could not be read is told.
pub(super) fn read(file: File, of: &Of, give: &mut dyn FnMut(Batch) -> bool) -> Vec<String> {
    let packed = file.metadata().map_or(0, |metadata| metadata.len());
    let by_ratio = packed.saturating_mul(u64::try_from(RATIO_MAX).unwrap_or(u64::MAX)).max(FREE_BYTES);
    let mut reading = Reading {
        of,
        bytes_left: of.unpacked_bytes_max.min(by_ratio),
        files_left: FILES_MAX,
        batch: Vec::new(),
        batch_bytes: 0,
        is_over: false,
        trouble: Vec::new(),
        give,
    };
    reading.archive(file, "");
    reading.hand_over();
    reading.trouble
}

struct Reading<'a> {
    of: &'a Of,
    bytes_left: u64,
    files_left: usize,
    batch: Batch,
    batch_bytes: usize,
    /// Nothing more is wanted, or a bound is reached.
    is_over: bool,
    trouble: Vec<String>,
    give: &'a mut dyn FnMut(Batch) -> bool,
}

impl Reading<'_> {
    /// Reads an archive; `within` is the name of the one it lies in, and no third lies in that.
    fn archive(&mut self, archive: impl Read + Seek, within: &str) {
        let mut archive = match ZipArchive::new(archive) {
            Ok(archive) => archive,
            Err(error) => return self.complain(within, &format!("is no zip: {error}")),
        };
        for index in 0..archive.len() {
            if self.is_over {
                return;
            }
            let mut entry = match archive.by_index(index) {
                Ok(entry) => entry,
                Err(error) => {
                    self.complain(within, &format!("holds a file that cannot be read: {error}"));
                    continue;
                }
            };
            let Ok(name) = entry.name().map(Cow::into_owned) else {
                self.complain(within, "holds a file without a readable name");
                continue;
            };
            let path = if within.is_empty() { name.clone() } else { format!("{within}/{name}") };
            if entry.is_dir() {
                continue;
            }
            if entry.is_symlink() || leads_elsewhere(&name) {
                self.complain(&path, "is a link or leads elsewhere, and was left out");
                continue;
            }
            match self.bytes(&path, &mut entry) {
                Some(inner) if within.is_empty() && has_extension(&path, "zip") => {
                    self.archive(Cursor::new(inner.bytes), &path);
                }
                Some(read) => self.take(&path, read),
                None => {}
            }
        }
    }

    /// What a file holds, its end when it is a long log.
    fn bytes(&mut self, path: &str, entry: &mut impl Read) -> Option<End> {
        if self.files_left == 0 {
            self.is_over = true;
            self.complain("", &format!("holds more than {FILES_MAX} files"));
            return None;
        }
        self.files_left -= 1;
        let bytes_max = if is_log(path) { LOG_BYTES_MAX } else { PAYLOAD_BYTES_MAX };
        let end = match end(entry, bytes_max, self.bytes_left) {
            Ok(end) => end,
            Err(error) => {
                self.complain(path, &format!("cannot be unpacked: {error}"));
                return None;
            }
        };
        if end.total > self.bytes_left {
            self.is_over = true;
            self.complain("", "unpacks to more than is allowed (`unpacked_bytes_max` of `[intake]`)");
            return None;
        }
        self.bytes_left -= end.total;
        if end.is_cut() && !is_log(path) {
            self.complain(path, &format!("is larger than {bytes_max} bytes, and was left out"));
            return None;
        }
        Some(end)
    }

    fn take(&mut self, path: &str, read: End) {
        let is_report = has_extension(path, "xml") && is_test_report(&read.bytes);
        let of_build = format!("{}/{path}", self.of.build);
        let (dataset, key) = if is_log(path) {
            (dataset(LOGS), path.to_owned())
        } else if is_report {
            (self.of.test_reports.clone(), of_build)
        } else {
            (dataset(ATTACHMENTS), of_build)
        };
        let key = if key.len() <= KEY_BYTES_MAX { key } else { fingerprint(key.as_bytes()) };
        let context =
            json!({ "build_key": self.of.build, "path": path, "bytes": read.total, "truncated": read.is_cut() });
        let record = RawRecord { context: Some(context.to_string()), ..RawRecord::upsert(key, None, read.bytes) };
        self.batch_bytes += record.size();
        self.batch.push((dataset, record));
        if self.batch_bytes >= BATCH_BYTES {
            self.hand_over();
        }
    }

    fn hand_over(&mut self) {
        let batch = std::mem::take(&mut self.batch);
        self.batch_bytes = 0;
        if !batch.is_empty() && !(self.give)(batch) {
            self.is_over = true;
        }
    }

    fn complain(&mut self, path: &str, what: &str) {
        if self.trouble.len() < TROUBLE_MAX {
            let whose = if path.is_empty() { "the archive".to_owned() } else { format!("`{path}`") };
            self.trouble.push(format!("{whose} {what}"));
        }
    }
}

/// The end of a file.
struct End {
    bytes: Vec<u8>,
    /// Bytes of the whole file.
    total: u64,
}

impl End {
    fn is_cut(&self) -> bool {
        u64::try_from(self.bytes.len()).is_ok_and(|kept| kept < self.total)
    }
}

/// Reads a file and keeps its last bytes. It is not read far beyond `total_max`.
fn end(file: &mut impl Read, bytes_max: usize, total_max: u64) -> std::io::Result<End> {
    let (mut bytes, mut total, mut chunk) = (Vec::new(), 0_u64, vec![0; 64 << 10]);
    while total <= total_max {
        let read = file.read(&mut chunk)?;
        if read == 0 {
            break;
        }
        total += u64::try_from(read).unwrap_or(u64::MAX);
        bytes.extend_from_slice(&chunk[..read]);
        if bytes.len() > bytes_max * 2 {
            bytes.drain(..bytes.len() - bytes_max);
        }
    }
    bytes.drain(..bytes.len().saturating_sub(bytes_max));
    Ok(End { bytes, total })
}

/// Reports name their logs by UUIDs.
fn is_log(path: &str) -> bool {
    Uuid::try_parse(path).is_ok()
}

/// Whether XML is the report of a test runner, rather than of coverage or the like.
fn is_test_report(xml: &[u8]) -> bool {
    weir_junit::read(xml, &Limits { cases_max: 0, ..Limits::default() }).dialect.is_some()
}

fn has_extension(path: &str, extension: &str) -> bool {
    path.rsplit_once('.').is_some_and(|(_, found)| found.eq_ignore_ascii_case(extension))
}

fn leads_elsewhere(name: &str) -> bool {
    let mut parts = name.split(['/', '\\']);
    name.is_empty() || name.starts_with('/') || name.contains(['\\', ':', '\0']) || parts.any(|part| part == "..")
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::{Expect, expect};
    use std::io::{Seek, Write};
    use zip::ZipWriter;
    use zip::write::SimpleFileOptions;

    const LOG: &str = "04659eed-9fd7-432e-b1da-42804713c190";

    fn zipped(files: &[(&str, &[u8])]) -> Vec<u8> {
        let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
        for (name, bytes) in files {
            if let Some(name) = name.strip_prefix("link:") {
                zip.add_symlink(name, "/etc/passwd", SimpleFileOptions::default()).unwrap();
            } else {
                zip.start_file(*name, SimpleFileOptions::default()).unwrap();
                zip.write_all(bytes).unwrap();
            }
        }
        zip.finish().unwrap().into_inner()
    }

    fn of(build: &str, unpacked_bytes_max: u64) -> Of {
        Of { build: build.to_owned(), test_reports: dataset("test-reports"), unpacked_bytes_max }
    }

    fn check(archive: &[u8], unpacked_bytes_max: u64, expected: Expect) {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(archive).unwrap();
        file.rewind().unwrap();
        let mut lines = String::new();
        let trouble = read(file, &of("g/job/1", unpacked_bytes_max), &mut |batch| {
            for (dataset, record) in batch {
                let (key, bytes) = (&record.key, record.payload.len());
                lines += &format!("{dataset} {key} {bytes} {}\n", record.context.unwrap());
            }
            true
        });
        expected.assert_eq(&(lines + &trouble.iter().map(|line| format!("! {line}\n")).collect::<String>()));
    }

    #[test]
    fn files_become_records() {
        let reports = zipped(&[("a/TEST-x.xml", b"<testsuite/>"), ("inner.zip", &zipped(&[("deep", b"x")]))]);
        let log = vec![b'x'; LOG_BYTES_MAX + 1];
        let archive =
            zipped(&[(LOG, b"console"), ("folder/", b""), ("junit_reports.zip", &reports), ("cover.cov", b"?")]);
        check(
            &archive,
            1 << 30,
            expect![[r#"
            logs 04659eed-9fd7-432e-b1da-42804713c190 7 {"build_key":"g/job/1","bytes":7,"path":"04659eed-9fd7-432e-b1da-42804713c190","truncated":false}
            test-reports g/job/1/junit_reports.zip/a/TEST-x.xml 12 {"build_key":"g/job/1","bytes":12,"path":"junit_reports.zip/a/TEST-x.xml","truncated":false}
            attachments g/job/1/junit_reports.zip/inner.zip 109 {"build_key":"g/job/1","bytes":109,"path":"junit_reports.zip/inner.zip","truncated":false}
            attachments g/job/1/cover.cov 1 {"build_key":"g/job/1","bytes":1,"path":"cover.cov","truncated":false}
        "#]],
        );
        check(
            &zipped(&[(LOG, &log)]),
            1 << 30,
            expect![[r#"
            logs 04659eed-9fd7-432e-b1da-42804713c190 4194304 {"build_key":"g/job/1","bytes":4194305,"path":"04659eed-9fd7-432e-b1da-42804713c190","truncated":true}
        "#]],
        );
    }

    #[test]
    fn what_leads_elsewhere_and_what_is_too_much_is_left_out() {
        let archive = zipped(&[
            ("../../etc/passwd", b"x"),
            ("/etc/passwd", b"x"),
            ("c:\\x", b"x"),
            ("link:here", b""),
            (LOG, b"fine"),
        ]);
        check(
            &archive,
            1 << 30,
            expect![[r#"
            logs 04659eed-9fd7-432e-b1da-42804713c190 4 {"build_key":"g/job/1","bytes":4,"path":"04659eed-9fd7-432e-b1da-42804713c190","truncated":false}
            ! `../../etc/passwd` is a link or leads elsewhere, and was left out
            ! `/etc/passwd` is a link or leads elsewhere, and was left out
            ! `c:\x` is a link or leads elsewhere, and was left out
            ! `here` is a link or leads elsewhere, and was left out
        "#]],
        );
        check(
            &zipped(&[(LOG, b"12345"), ("later", b"6")]),
            5,
            expect![[r#"
            logs 04659eed-9fd7-432e-b1da-42804713c190 5 {"build_key":"g/job/1","bytes":5,"path":"04659eed-9fd7-432e-b1da-42804713c190","truncated":false}
            ! the archive unpacks to more than is allowed (`unpacked_bytes_max` of `[intake]`)
        "#]],
        );
        check(
            &zipped(&[("bomb", &vec![0; 20 << 20]), ("later", b"6")]),
            1 << 30,
            expect![[r"
            ! the archive unpacks to more than is allowed (`unpacked_bytes_max` of `[intake]`)
        "]],
        );
        check(
            b"no zip",
            1 << 30,
            expect![[r"
            ! the archive is no zip: invalid Zip archive: Could not find EOCD
        "]],
        );
        let mut torn = zipped(&[(LOG, b"console"), ("b", b"more")]);
        torn[68] ^= 0xff;
        check(
            &torn,
            1 << 30,
            expect![[r#"
            attachments g/job/1/b 4 {"build_key":"g/job/1","bytes":4,"path":"b","truncated":false}
            ! `04659eed-9fd7-432e-b1da-42804713c190` cannot be unpacked: Invalid checksum
        "#]],
        );
    }

    #[test]
    fn nobody_has_to_take_all() {
        let mut file = tempfile::tempfile().unwrap();
        let big = vec![b'x'; BATCH_BYTES];
        file.write_all(&zipped(&[("a", &big), ("b", &big), ("c", &big)])).unwrap();
        let mut given = 0;
        let trouble = read(file, &of("b", 1 << 30), &mut |batch| {
            given += batch.len();
            false
        });
        assert_eq!((given, trouble.len()), (1, 0));
    }
}

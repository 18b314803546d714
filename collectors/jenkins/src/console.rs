//! The end of a build's console log.
//!
//! Invariant: at most [`EXCERPT_BYTES_MAX`] bytes are read and given, and they are redacted.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;
use std::sync::LazyLock;

use regex::Regex;
use weir_protocol::LogExcerpt;

use crate::encoding::{self, Encoding};
use crate::notes::Notes;
use crate::redact::redact;

/// Size of the part that is kept.
pub(crate) const EXCERPT_BYTES_MAX: u64 = 64 << 10;

/// Annotations of Jenkins are objects in Base64 between two escape sequences; colours are escape sequences too.
static ESCAPES: LazyLock<Regex> = LazyLock::new(|| {
    let pattern = r"\x1b\[8mha:[A-Za-z0-9+/=:]*(?:\x1b\[0m)?|\x1b\[[0-9;?]*[A-Za-z]";
    Regex::new(pattern).expect("the pattern is a constant, and tested")
});

/// Reads the end of `log`; None when the build has no readable log.
pub(crate) fn read(dir: &Path, charset: Option<&str>, notes: &mut Notes) -> Option<LogExcerpt> {
    match tail(&dir.join("log")) {
        Ok((bytes, bytes_total)) => Some(excerpt(&bytes, bytes_total, charset)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            if dir.join("log.gz").is_file() {
                notes.add("unreadable", "log.gz", "packed logs are not read");
            }
            None
        }
        Err(error) => {
            notes.add("unreadable", "log", error.to_string());
            None
        }
    }
}

fn tail(path: &Path) -> io::Result<(Vec<u8>, u64)> {
    let mut file = File::open(path)?;
    let bytes_total = file.metadata()?.len();
    file.seek(SeekFrom::Start(bytes_total.saturating_sub(EXCERPT_BYTES_MAX)))?;
    let mut bytes = Vec::new();
    file.take(EXCERPT_BYTES_MAX).read_to_end(&mut bytes)?;
    Ok((bytes, bytes_total))
}

fn excerpt(bytes: &[u8], bytes_total: u64, charset: Option<&str>) -> LogExcerpt {
    let truncated = bytes_total > bytes.len() as u64;
    // Half a line may be the second half of a secret, or of an annotation.
    let whole_lines = if truncated { bytes.iter().position(|byte| *byte == b'\n').map_or(0, |end| end + 1) } else { 0 };
    let encoding = charset.and_then(encoding::named).unwrap_or(Encoding::Utf8);
    let (text, _) = encoding::text(encoding, &bytes[whole_lines..]);
    let (text, redactions) = redact(&ESCAPES.replace_all(&text, ""));
    LogExcerpt { text, truncated, bytes_total, redactions }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strips_annotations_and_secrets() {
        let log = "Started by \x1b[8mha:////4Abc+/=\x1b[0muser ana\n\x1b[31mred\x1b[0m PASSWORD=x \n";
        let kept = excerpt(log.as_bytes(), log.len() as u64, Some("UTF-8"));
        assert_eq!(
            (kept.text.as_str(), kept.truncated, kept.redactions),
            ("Started by user ana\nred PASSWORD=**** \n", false, 1)
        );
        assert_eq!(excerpt(b"\xFC", 1, Some("ISO-8859-1")).text, "ü");
    }

    #[test]
    fn keeps_whole_lines_of_the_end() {
        let dir = tempfile::tempdir().unwrap();
        let mut notes = Notes::default();
        let limit = usize::try_from(EXCERPT_BYTES_MAX).unwrap();
        for (extra, truncated, n_lines) in [(0, false, limit / 16), (16, true, limit / 16 - 1)] {
            std::fs::write(dir.path().join("log"), "0123456789abcde\n".repeat((limit + extra) / 16)).unwrap();
            let kept = read(dir.path(), None, &mut notes).unwrap();
            assert_eq!((kept.truncated, kept.text.lines().count()), (truncated, n_lines));
        }
    }
}

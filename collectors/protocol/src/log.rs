//! The end of a build's log, as it leaves the machine.
//!
//! Invariant: at most [`LogEnd::BYTES_MAX`] bytes of a log are held, however long it is, and an excerpt has no secrets.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;
use std::sync::LazyLock;

use regex::Regex;
use serde::{Deserialize, Serialize};

use crate::redact::redact;

/// Notes of Jenkins are objects in Base64 between two escape sequences; colours are escape sequences too. Other control
/// characters are no text, and a file with a hole is full of them.
static NO_TEXT: LazyLock<Regex> = LazyLock::new(|| {
    let pattern = r"\x1b\[8mha:[A-Za-z0-9+/=:]*(?:\x1b\[0m)?|\x1b\[[0-9;?]*[A-Za-z]|[\x00-\x08\x0b\x0c\x0e-\x1a\x7f]";
    Regex::new(pattern).expect("the pattern is a constant, and tested")
});

/// The end of a log.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct LogExcerpt {
    /// Text without console annotations and colours.
    pub text: String,
    /// There was more before it.
    pub truncated: bool,
    /// Size of the whole log in bytes.
    pub bytes_total: u64,
    /// Places where a secret was taken out.
    pub redactions: u64,
}

/// The last bytes of a log, as they were written.
#[derive(Debug)]
pub struct LogEnd {
    bytes: Vec<u8>,
    bytes_total: u64,
}

impl LogEnd {
    /// Most bytes that are held.
    pub const BYTES_MAX: usize = 64 << 10;

    /// Reads the end of a file. What is before it is not read, unless the file is a pipe.
    pub fn of_file(path: &Path) -> io::Result<Self> {
        let mut file = File::open(path)?;
        let meta = file.metadata()?;
        if !meta.is_file() {
            return Self::of_stream(file);
        }
        let bytes_total = meta.len();
        file.seek(SeekFrom::Start(bytes_total.saturating_sub(Self::BYTES_MAX as u64)))?;
        let mut bytes = Vec::new();
        file.take(Self::BYTES_MAX as u64).read_to_end(&mut bytes)?;
        Ok(Self { bytes, bytes_total })
    }

    /// Reads all of a stream and holds its end.
    pub fn of_stream(mut stream: impl Read) -> io::Result<Self> {
        let (mut bytes, mut bytes_total) = (Vec::new(), 0);
        loop {
            let n_read = stream.by_ref().take(Self::BYTES_MAX as u64).read_to_end(&mut bytes)?;
            bytes_total += n_read as u64;
            bytes.drain(..bytes.len().saturating_sub(Self::BYTES_MAX));
            if n_read == 0 {
                return Ok(Self { bytes, bytes_total });
            }
        }
    }

    /// Its text without annotations, colours and secrets. `decode` knows the encoding of the log.
    pub fn excerpt(&self, decode: impl FnOnce(&[u8]) -> String) -> LogExcerpt {
        let truncated = self.bytes_total > self.bytes.len() as u64;
        // Half a line may be the second half of a secret, or of an annotation.
        let line_end = self.bytes.iter().position(|byte| *byte == b'\n').filter(|_| truncated);
        let text = decode(&self.bytes[line_end.map_or(0, |end| end + 1)..]);
        let (text, redactions) = redact(&NO_TEXT.replace_all(&text, ""));
        LogExcerpt { text, truncated, bytes_total: self.bytes_total, redactions }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn utf8(bytes: &[u8]) -> String {
        String::from_utf8_lossy(bytes).into_owned()
    }

    #[test]
    fn strips_annotations_and_secrets() {
        let log = "Started by \x1b[8mha:////4Abc+/=\x1b[0muser ana\n\x1b[31mred\x1b[0m PASSWORD=x \0\x07\n\tat <b>\r\n";
        let kept = LogEnd::of_stream(log.as_bytes()).unwrap().excerpt(utf8);
        assert_eq!(
            (kept.text.as_str(), kept.truncated, kept.redactions),
            ("Started by user ana\nred PASSWORD=**** \n\tat <b>\r\n", false, 1)
        );
    }

    #[test]
    fn keeps_whole_lines_of_the_end() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log");
        for (extra, truncated, n_lines) in [(0, false, LogEnd::BYTES_MAX / 16), (16, true, LogEnd::BYTES_MAX / 16 - 1)]
        {
            let log = "0123456789abcde\n".repeat((LogEnd::BYTES_MAX + extra) / 16);
            std::fs::write(&path, &log).unwrap();
            let of_file = LogEnd::of_file(&path).unwrap().excerpt(utf8);
            assert_eq!((of_file.truncated, of_file.text.lines().count()), (truncated, n_lines));
            assert_eq!(LogEnd::of_stream(log.as_bytes()).unwrap().excerpt(utf8), of_file);
        }
    }

    #[test]
    fn a_hostile_log_is_read_in_little_memory() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log");
        File::create(&path).unwrap().set_len(4 << 30).unwrap();
        let hole = LogEnd::of_file(&path).unwrap();
        assert!(hole.bytes.capacity() <= 2 * LogEnd::BYTES_MAX);
        let excerpt = hole.excerpt(utf8);
        assert_eq!((excerpt.text.as_str(), excerpt.truncated, excerpt.bytes_total), ("", true, 4 << 30));

        let endless = LogEnd::of_stream(io::repeat(b'x').take(8 << 20)).unwrap();
        assert!(endless.bytes.capacity() <= 4 * LogEnd::BYTES_MAX);
        assert_eq!(endless.excerpt(utf8).text.len(), LogEnd::BYTES_MAX);
        assert_eq!(LogEnd::of_stream(&b"a\xff\xfeb\n"[..]).unwrap().excerpt(utf8).text, "a\u{fffd}\u{fffd}b\n");
    }
}

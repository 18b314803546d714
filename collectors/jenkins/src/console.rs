//! The end of a build's console log, in the encoding the build says.

use std::io::{self, ErrorKind};
use std::path::Path;

use weir_protocol::{LogEnd, LogExcerpt};

use crate::encoding::{self, Encoding};
use crate::notes::Notes;

/// Reads the end of `log`; none when the build has no readable log.
pub(crate) fn read(dir: &Path, charset: Option<&str>, notes: &mut Notes) -> Option<LogExcerpt> {
    match end(&dir.join("log")) {
        Ok(end) => Some(end.excerpt(|bytes| decoded(bytes, charset))),
        Err(error) if error.kind() == ErrorKind::NotFound => {
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

/// A pipe in a home would be waited for.
fn end(path: &Path) -> io::Result<LogEnd> {
    if !path.metadata()?.is_file() {
        return Err(io::Error::new(ErrorKind::InvalidInput, "not a file"));
    }
    LogEnd::of_file(path)
}

fn decoded(bytes: &[u8], charset: Option<&str>) -> String {
    let encoding = charset.and_then(encoding::named).unwrap_or(Encoding::Utf8);
    encoding::text(encoding, bytes).0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_a_build_has_for_a_log() {
        let dir = tempfile::tempdir().unwrap();
        let log = dir.path().join("log");
        let read = || {
            let mut notes = Notes::default();
            let text = read(dir.path(), Some("ISO-8859-1"), &mut notes).map(|log| log.text);
            (text, notes.into_diagnostics().len())
        };
        assert_eq!(read(), (None, 0));
        std::fs::write(&log, b"\xFC\n").unwrap();
        assert_eq!(read(), (Some("ü\n".to_owned()), 0));
        std::fs::remove_file(&log).unwrap();
        std::fs::create_dir(&log).unwrap();
        assert_eq!(read(), (None, 1));
    }
}

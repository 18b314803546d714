//! The end of a build's log, as people read it.
//!
//! Invariant: whoever made it, it is plain text of at most [`LogTail::BYTES_MAX`] bytes, whole lines where there are any.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How much of the end of a log is looked at, in bytes: much of it may be colours and notes.
const LOOKED_AT: usize = 64 << 10;
/// What Jenkins hides between escape sequences begins and ends so.
const NOTE: (&str, &str) = ("\x1b[8mha:", "\x1b[0m");

/// Last lines of the log of a build that did not succeed, at most 16 KiB: no colours, no control characters.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(from = "String", into = "String")]
pub struct LogTail(String);

impl LogTail {
    /// Most bytes that are kept.
    pub const BYTES_MAX: usize = 16 << 10;

    /// The end of a log; none when nothing in it can be read.
    pub fn of(log: &str) -> Option<Self> {
        let log = end(log, LOOKED_AT);
        let text = if is_plain(log) { log.to_owned() } else { plain(log) };
        let text = end(text.trim_end(), Self::BYTES_MAX);
        (!text.trim().is_empty()).then(|| Self(text.to_owned()))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<String> for LogTail {
    fn from(log: String) -> Self {
        Self::of(&log).unwrap_or_default()
    }
}

impl From<LogTail> for String {
    fn from(tail: LogTail) -> Self {
        tail.0
    }
}

fn is_plain(log: &str) -> bool {
    !log.contains(|c: char| c.is_control() && !matches!(c, '\n' | '\t'))
}

/// The last whole lines that are few enough; of a line without an end its end.
fn end(text: &str, bytes_max: usize) -> &str {
    let Some(over) = text.len().checked_sub(bytes_max).filter(|over| *over > 0) else { return text };
    let (before, end) = text.split_at(text.ceil_char_boundary(over));
    // A line that ends just before is not half of one.
    match end.split_once('\n') {
        Some((_, lines)) if !before.ends_with('\n') => lines,
        _ => end,
    }
}

/// A log without escape sequences and control characters; a return to the begin of a line ends it.
fn plain(log: &str) -> String {
    let mut text = String::with_capacity(log.len());
    let mut rest = log;
    while let Some(c) = rest.chars().next() {
        let after = &rest[c.len_utf8()..];
        rest = match c {
            '\x1b' => behind_escape(rest),
            '\r' if after.starts_with('\n') => after,
            '\r' => {
                text.push('\n');
                after
            }
            c => {
                text.extend(Some(c).filter(|c| !c.is_control() || matches!(c, '\n' | '\t')));
                after
            }
        };
    }
    text
}

/// What follows an escape sequence. One that does not end takes nothing but its own sign along.
fn behind_escape(text: &str) -> &str {
    let (begin, finish) = NOTE;
    if let Some(note) = text.strip_prefix(begin) {
        let hidden = &note[note.find(['\n', '\x1b']).unwrap_or(note.len())..];
        return hidden.strip_prefix(finish).unwrap_or(hidden);
    }
    let after = &text[1..];
    if let Some(title) = after.strip_prefix(']') {
        let hidden = &title[title.find(char::is_control).unwrap_or(title.len())..];
        return hidden.strip_prefix('\x07').unwrap_or(hidden);
    }
    let (parameters, last) = match after.strip_prefix('[') {
        Some(parameters) => (parameters.trim_start_matches(|c| matches!(c, ' '..='?')), '@'..='~'),
        None => (after.trim_start_matches(|c| matches!(c, ' '..='/')), '0'..='~'),
    };
    parameters.strip_prefix(|c| last.contains(&c)).unwrap_or(after)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tail(log: &str) -> String {
        LogTail::of(log).map(String::from).unwrap_or_default()
    }

    #[test]
    fn what_is_no_text_is_taken_out() {
        for (log, kept) in [
            ("by \x1b[8mha:////4Abc+/=\x1b[0mana\n", "by ana"),
            ("cut \x1b[8mha:////4Abc\nnext", "cut \nnext"),
            ("\x1b[1;31mred\x1b[0m and \x1b]0;title\x07plain", "red and plain"),
            ("10 %\r50 %\rdone\r\n\tok\r\n", "10 %\n50 %\ndone\n\tok"),
            ("\0\0a\u{7}\u{9b}b\x1b", "ab"),
            ("bold\x1b(B\x1b[m \x1b]8;;http://a\x1b\\link", "bold link"),
            ("\x1b[31\x1b", "[31"),
            ("<script>alert(1)</script> ü \u{fffd}", "<script>alert(1)</script> ü \u{fffd}"),
            (" \n\0\n", ""),
        ] {
            assert_eq!(tail(log), kept, "{log:?}");
            assert_eq!(tail(kept), kept, "{log:?} again");
        }
    }

    #[test]
    fn the_last_whole_lines_are_kept() {
        let line = "0123456789abcde\n";
        let fits = line.repeat(LogTail::BYTES_MAX / 16);
        assert_eq!(tail(&fits).len(), LogTail::BYTES_MAX - 1);
        let more = format!("first\n{fits}last");
        assert!(
            tail(&more).len() <= LogTail::BYTES_MAX && tail(&more).starts_with("0123") && tail(&more).ends_with("last")
        );
        // The limit falls between two lines, and one byte behind.
        assert_eq!(tail(&format!("x\n{}", "y".repeat(LogTail::BYTES_MAX))).len(), LogTail::BYTES_MAX);
        assert_eq!(tail(&"ü".repeat(LogTail::BYTES_MAX)).len(), LogTail::BYTES_MAX);
        assert_eq!(tail(&format!("a{}", "ü".repeat(LogTail::BYTES_MAX / 2))).len(), LogTail::BYTES_MAX);
        assert_eq!(tail(&format!("{}a", "ü".repeat(LogTail::BYTES_MAX / 2))).len(), LogTail::BYTES_MAX - 1);
    }
}

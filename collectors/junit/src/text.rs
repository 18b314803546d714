//! From bytes to text, and to places in it.

use std::borrow::Cow;

use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE};

/// Bytes at the beginning in which an encoding is declared.
const DECLARATION_BYTES_MAX: usize = 256;

/// The text of a file, without its byte order mark, and what is wrong with its encoding.
pub(crate) fn decode(bytes: &[u8]) -> (Cow<'_, str>, Option<String>) {
    let (encoding, unknown) = encoding(bytes);
    let (text, encoding, replaced) = encoding.decode(bytes);
    let problem = match (unknown, replaced) {
        (Some(label), _) => Some(format!("unknown encoding `{label}`, read as UTF-8")),
        (None, true) => Some(format!("holds bytes that are no {}, replaced", encoding.name())),
        (None, false) => None,
    };
    (text, problem)
}

/// The encoding, and the name of an unknown one. A byte order mark wins later, in [`Encoding::decode`].
fn encoding(bytes: &[u8]) -> (&'static Encoding, Option<String>) {
    match bytes {
        [0, b'<', ..] => return (UTF_16BE, None),
        [b'<', 0, ..] => return (UTF_16LE, None),
        _ => {}
    }
    let Some(label) = declared(bytes) else { return (UTF_8, None) };
    match Encoding::for_label(label.as_bytes()) {
        // A declaration that can be read byte by byte is not in UTF-16, whatever it says.
        Some(encoding) if encoding == UTF_16BE || encoding == UTF_16LE => (UTF_8, None),
        Some(encoding) => (encoding, None),
        None => (UTF_8, Some(label)),
    }
}

fn declared(bytes: &[u8]) -> Option<String> {
    let head = String::from_utf8_lossy(&bytes[..bytes.len().min(DECLARATION_BYTES_MAX)]);
    let declaration = head.trim_start_matches(['\u{feff}', ' ', '\n', '\r', '\t']).strip_prefix("<?xml")?;
    let value = declaration.split_once("?>")?.0.split_once("encoding")?.1;
    let value = value.trim_start().strip_prefix('=')?.trim_start();
    let quote = value.chars().next().filter(|quote| matches!(quote, '"' | '\''))?;
    Some(value[1..].split_once(quote)?.0.to_owned())
}

/// Line and column of a byte, both from 1.
pub(crate) fn place(text: &str, byte: usize) -> (u64, u64) {
    let before = &text[..text.floor_char_boundary(byte)];
    let line_start = before.rfind('\n').map_or(0, |at| at + 1);
    let count = |n: usize| u64::try_from(n).unwrap_or(u64::MAX);
    (count(before.matches('\n').count() + 1), count(before[line_start..].chars().count() + 1))
}

/// Appends as much as fits within `bytes_max`.
pub(crate) fn push_within(text: &mut String, more: &str, bytes_max: usize) {
    let room = bytes_max.saturating_sub(text.len());
    text.push_str(&more[..more.floor_char_boundary(room)]);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_of_every_encoding() {
        let check = |bytes: &[u8], text: &str, problem: Option<&str>| {
            let (read, found) = decode(bytes);
            assert_eq!((read.as_ref(), found.as_deref()), (text, problem));
        };
        check("<a>ü</a>".as_bytes(), "<a>ü</a>", None);
        check(b"\xEF\xBB\xBF<a/>", "<a/>", None);
        check(b"\xFF\xFE<\0a\0/\0>\0", "<a/>", None);
        check(b"\0<\0a\0/\0>", "<a/>", None);
        check(b"<?xml version='1.0' encoding='ISO-8859-1'?>\xFC", "<?xml version='1.0' encoding='ISO-8859-1'?>ü", None);
        check(b"<?xml encoding=\"utf-16\"?><a/>", "<?xml encoding=\"utf-16\"?><a/>", None);
        check(b"<a>\xFC", "<a>\u{FFFD}", Some("holds bytes that are no UTF-8, replaced"));
        let odd = "<?xml encoding='EBCDIC'?>";
        check(odd.as_bytes(), odd, Some("unknown encoding `EBCDIC`, read as UTF-8"));
    }

    #[test]
    fn places_count_from_one() {
        assert_eq!([0, 3, 4, 99].map(|at| place("aé\nb", at)), [(1, 1), (1, 3), (2, 1), (2, 2)]);
    }
}

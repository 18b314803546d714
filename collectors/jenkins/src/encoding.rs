//! Bytes of any encoding to UTF-8, as a stream.
//!
//! Invariant: what comes out is valid UTF-8 whatever goes in, and [`Utf8Reader::replaced`] tells when something was lost.

use std::io::{self, Read};

/// How the bytes of a file stand for text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Encoding {
    Utf8,
    Latin1,
    Utf16 { big_endian: bool },
}

const CHUNK: usize = 16 << 10;

/// Reads a source as UTF-8. What cannot be decoded becomes U+FFFD.
pub(crate) struct Utf8Reader<R> {
    source: R,
    encoding: Encoding,
    /// Read but not decoded: the beginning of a character whose end has not come yet.
    undecoded: Vec<u8>,
    decoded: String,
    position: usize,
    ended: bool,
    replaced: bool,
    unknown: Option<String>,
}

impl<R: Read> Utf8Reader<R> {
    /// Looks at the first bytes of `source` to find out its encoding.
    pub(crate) fn sniff(mut source: R) -> io::Result<Self> {
        let mut head = Vec::new();
        source.by_ref().take(256).read_to_end(&mut head)?;
        let (encoding, mark_bytes, unknown) = detect(&head);
        head.drain(..mark_bytes);
        Ok(Self {
            source,
            encoding,
            undecoded: head,
            decoded: String::new(),
            position: 0,
            ended: false,
            replaced: false,
            unknown,
        })
    }

    /// Something was not text in the encoding of the file.
    pub(crate) fn replaced(&self) -> bool {
        self.replaced
    }

    /// The encoding the file names, if we do not know it and took it for UTF-8.
    pub(crate) fn unknown(&self) -> Option<&str> {
        self.unknown.as_deref()
    }

    fn refill(&mut self) -> io::Result<()> {
        self.decoded.clear();
        self.position = 0;
        while self.decoded.is_empty() && !self.ended {
            let read = self.source.by_ref().take(CHUNK as u64).read_to_end(&mut self.undecoded)?;
            self.ended = read == 0;
            let bytes = std::mem::take(&mut self.undecoded);
            let kept = decode(self.encoding, &bytes, self.ended, &mut self.decoded, &mut self.replaced);
            self.undecoded.extend_from_slice(&bytes[bytes.len() - kept..]);
        }
        Ok(())
    }
}

impl<R: Read> Read for Utf8Reader<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.position == self.decoded.len() {
            self.refill()?;
        }
        let ready = &self.decoded.as_bytes()[self.position..];
        let n_bytes = ready.len().min(buffer.len());
        buffer[..n_bytes].copy_from_slice(&ready[..n_bytes]);
        self.position += n_bytes;
        Ok(n_bytes)
    }
}

/// All of `bytes` as text, and whether something had to be replaced.
pub(crate) fn text(encoding: Encoding, bytes: &[u8]) -> (String, bool) {
    let (mut text, mut replaced) = (String::with_capacity(bytes.len()), false);
    decode(encoding, bytes, true, &mut text, &mut replaced);
    (text, replaced)
}

/// The encoding with that name; None if unknown.
pub(crate) fn named(name: &str) -> Option<Encoding> {
    match name.to_ascii_lowercase().as_str() {
        "utf-8" | "utf8" | "us-ascii" | "ascii" | "ansi_x3.4-1968" => Some(Encoding::Utf8),
        "iso-8859-1" | "iso8859-1" | "latin1" | "iso-8859-15" | "windows-1252" | "cp1252" => Some(Encoding::Latin1),
        "utf-16" | "utf-16be" => Some(Encoding::Utf16 { big_endian: true }),
        "utf-16le" => Some(Encoding::Utf16 { big_endian: false }),
        _ => None,
    }
}

/// Encoding, length of the byte order mark, and the name of an unknown encoding.
fn detect(head: &[u8]) -> (Encoding, usize, Option<String>) {
    match head {
        [0xEF, 0xBB, 0xBF, ..] => return (Encoding::Utf8, 3, None),
        [0xFE, 0xFF, ..] => return (Encoding::Utf16 { big_endian: true }, 2, None),
        [0xFF, 0xFE, ..] => return (Encoding::Utf16 { big_endian: false }, 2, None),
        [0, b'<', ..] => return (Encoding::Utf16 { big_endian: true }, 0, None),
        [b'<', 0, ..] => return (Encoding::Utf16 { big_endian: false }, 0, None),
        _ => {}
    }
    let Some(name) = declared(head) else { return (Encoding::Utf8, 0, None) };
    match named(&name) {
        // A file that begins with plain `<` is not UTF-16, whatever it says.
        Some(Encoding::Utf16 { .. }) | None => (Encoding::Utf8, 0, Some(name)),
        Some(encoding) => (encoding, 0, None),
    }
}

fn declared(head: &[u8]) -> Option<String> {
    let head = String::from_utf8_lossy(head);
    let declaration = head.trim_start().strip_prefix("<?xml")?.split_once("?>")?.0;
    let value = declaration.split_once("encoding")?.1.trim_start().strip_prefix('=')?.trim_start();
    let quote = value.chars().next().filter(|quote| matches!(quote, '"' | '\''))?;
    Some(value[1..].split_once(quote)?.0.to_owned())
}

/// Appends text, gives the number of bytes at the end that wait for more.
fn decode(encoding: Encoding, bytes: &[u8], last: bool, text: &mut String, replaced: &mut bool) -> usize {
    match encoding {
        Encoding::Utf8 => decode_utf8(bytes, last, text, replaced),
        Encoding::Latin1 => {
            text.extend(bytes.iter().map(|byte| char::from(*byte)));
            0
        }
        Encoding::Utf16 { big_endian } => decode_utf16(bytes, big_endian, last, text, replaced),
    }
}

fn decode_utf8(mut bytes: &[u8], last: bool, text: &mut String, replaced: &mut bool) -> usize {
    loop {
        let error = match std::str::from_utf8(bytes) {
            Ok(valid) => {
                text.push_str(valid);
                return 0;
            }
            Err(error) => error,
        };
        let (valid, rest) = bytes.split_at(error.valid_up_to());
        text.push_str(&String::from_utf8_lossy(valid));
        if error.error_len().is_none() && !last {
            return rest.len();
        }
        text.push(char::REPLACEMENT_CHARACTER);
        *replaced = true;
        bytes = &rest[error.error_len().unwrap_or(rest.len())..];
    }
}

fn decode_utf16(bytes: &[u8], big_endian: bool, last: bool, text: &mut String, replaced: &mut bool) -> usize {
    let unit = |pair: &[u8]| if big_endian { [pair[0], pair[1]] } else { [pair[1], pair[0]] };
    let mut units: Vec<u16> = bytes.chunks_exact(2).map(|pair| u16::from_be_bytes(unit(pair))).collect();
    let mut kept = bytes.len() % 2;
    if !last && units.last().is_some_and(|unit| (0xD800..0xDC00).contains(unit)) {
        units.pop();
        kept += 2;
    }
    for decoded in char::decode_utf16(units) {
        *replaced |= decoded.is_err();
        text.push(decoded.unwrap_or(char::REPLACEMENT_CHARACTER));
    }
    *replaced |= last && kept > 0;
    if last { 0 } else { kept }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(bytes: &[u8], expected: &str, replaced: bool) {
        // One byte at a time: no character may depend on where a read ends.
        struct Drip<'a>(&'a [u8]);
        impl Read for Drip<'_> {
            fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
                let Some((first, rest)) = self.0.split_first() else { return Ok(0) };
                buffer[0] = *first;
                self.0 = rest;
                Ok(1)
            }
        }
        let mut reader = Utf8Reader::sniff(Drip(bytes)).unwrap();
        let mut text = String::new();
        reader.read_to_string(&mut text).unwrap();
        assert_eq!((text.as_str(), reader.replaced()), (expected, replaced));
    }

    #[test]
    fn decodes_what_jenkins_writes() {
        check("<a>ü𝄞</a>".as_bytes(), "<a>ü𝄞</a>", false);
        check(b"\xEF\xBB\xBF<a/>", "<a/>", false);
        check(
            b"<?xml version='1.0' encoding='ISO-8859-1'?><a>\xFC</a>",
            "<?xml version='1.0' encoding='ISO-8859-1'?><a>ü</a>",
            false,
        );
        check(b"\xFF\xFE<\0a\0/\0>\0", "<a/>", false);
        check(b"\0<\0a\0/\0>", "<a/>", false);
        check(b"<a>\xFCx\xC3", "<a>\u{FFFD}x\u{FFFD}", true);
        check(b"", "", false);
    }

    #[test]
    fn names_the_encoding_it_does_not_know() {
        let reader = Utf8Reader::sniff(&b"<?xml version='1.1' encoding='EBCDIC'?><a/>"[..]).unwrap();
        assert_eq!(reader.unknown(), Some("EBCDIC"));
    }
}

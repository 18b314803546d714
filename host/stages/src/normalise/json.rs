//! JSON that is nested deeper than the parser goes: what lies too deep is cut out, and the rest is read.

use std::borrow::Cow;

use serde_json::Value;

/// Deepest nesting that is kept; the parser refuses documents a little deeper. A tree of runs takes four levels for each
/// run within a run.
const DEPTH_MAX: usize = 120;

/// A document, and whether something was cut out of it.
pub(super) struct Read {
    pub(super) value: Value,
    pub(super) is_cut: bool,
}

/// Reads a document.
pub(super) fn read(bytes: &[u8]) -> Result<Read, serde_json::Error> {
    match serde_json::from_slice(bytes) {
        Ok(value) => Ok(Read { value, is_cut: false }),
        Err(error) => match shallow(bytes) {
            Cow::Owned(shallow) => Ok(Read { value: serde_json::from_slice(&shallow)?, is_cut: true }),
            Cow::Borrowed(_) => Err(error),
        },
    }
}

/// The document with null in place of every list and object that lies too deep.
fn shallow(bytes: &[u8]) -> Cow<'_, [u8]> {
    let (mut depth, mut is_cut, mut is_text, mut is_escaped) = (0_usize, false, false, false);
    let mut kept = Vec::with_capacity(bytes.len());
    for byte in bytes {
        let opens = !is_text && matches!(byte, b'[' | b'{');
        let closes = !is_text && matches!(byte, b']' | b'}');
        if opens {
            depth += 1;
        }
        if depth <= DEPTH_MAX {
            kept.push(*byte);
        } else if opens && depth == DEPTH_MAX + 1 {
            is_cut = true;
            kept.extend_from_slice(b"null");
        }
        if closes {
            depth = depth.saturating_sub(1);
        }
        is_text ^= *byte == b'"' && !is_escaped;
        is_escaped = is_text && *byte == b'\\' && !is_escaped;
    }
    if is_cut { Cow::Owned(kept) } else { Cow::Borrowed(bytes) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nested(levels: usize) -> String {
        format!("{}\"]}}\\\"{{\"{}", "{\"a\":[".repeat(levels), "]}".repeat(levels))
    }

    #[test]
    fn what_lies_too_deep_is_cut() {
        let fits = read(nested(DEPTH_MAX / 2).as_bytes()).unwrap();
        assert!(!fits.is_cut);
        let deep = read(nested(DEPTH_MAX).as_bytes()).unwrap();
        assert!(deep.is_cut);
        assert_eq!(deep.value.to_string(), format!("{}null{}", "{\"a\":[".repeat(60), "]}".repeat(60)));
        assert!(read(b"{\"a\":").is_err());
    }
}

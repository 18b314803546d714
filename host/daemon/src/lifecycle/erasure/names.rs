//! The names of one person, found in what was said, and replaced there.

use std::borrow::Cow;

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use regex::bytes::{Captures, Regex, RegexBuilder};

use crate::error::Fault;

/// Where a name may begin: after what is no part of a word, after an escape of JSON, after a byte of an encoded form.
const BEGIN: &str = r"(?<before>\b{start-half}|\\[bfnrt]|%[0-9A-F]{2})";
/// Escaped characters in a row, or something else that is escaped.
const ESCAPES: &str = r"(?:\\u[0-9a-fA-F]{4})+|\\.";

/// Names, addresses and log-ins of one person.
#[derive(Debug)]
pub(super) struct Names {
    names: Regex,
    escapes: Regex,
}

impl Names {
    /// Those of a person who goes by all of these.
    pub(super) fn new(names: &[String]) -> Result<Self, Fault> {
        let mut spelt: Vec<String> = names.iter().flat_map(|name| spellings(name.trim())).collect();
        if names.iter().any(|name| name.trim().is_empty()) {
            return Err(Fault::config("a name of a person is empty").hint("give each name, address and log-in apart"));
        }
        // Of two that begin at one place the longer is meant.
        spelt.sort_by_key(|name| std::cmp::Reverse(name.len()));
        let any = spelt.iter().map(|name| regex::escape(name)).collect::<Vec<_>>().join("|");
        let names = RegexBuilder::new(&format!(r"{BEGIN}(?<name>{any})\b{{end-half}}")).case_insensitive(true).build();
        let too_many = |error| Fault::config("these are too many names for one person").caused_by(error);
        let escapes = Regex::new(ESCAPES).map_err(too_many)?;
        Ok(Self { names: names.map_err(too_many)?, escapes })
    }

    /// Whether one of them occurs as a word of its own, in any case of letters.
    pub(super) fn occur(&self, text: &[u8]) -> bool {
        self.names.is_match(&self.unescaped(text))
    }

    /// The text with `pseudonym` in the place of each; none when none occurs.
    pub(super) fn replaced(&self, text: &[u8], pseudonym: &str) -> Option<Vec<u8>> {
        let text = self.unescaped(text);
        let other = |found: &Captures<'_>| [&found["before"], alike(&found["name"], pseudonym).as_bytes()].concat();
        match self.names.replace_all(&text, other) {
            Cow::Owned(text) => Some(text),
            Cow::Borrowed(_) => None,
        }
    }

    /// The text with characters that JSON escapes without need written as they are: some tools write é as `\u00e9`.
    fn unescaped<'t>(&self, text: &'t [u8]) -> Cow<'t, [u8]> {
        self.escapes.replace_all(text, |found: &Captures<'_>| {
            let as_written = || found[0].to_vec();
            let Ok(escaped) = std::str::from_utf8(&found[0]) else { return as_written() };
            let Ok(plain) = serde_json::from_str::<String>(&format!("\"{escaped}\"")) else { return as_written() };
            let quoted = serde_json::to_vec(&plain).unwrap_or_default();
            quoted.get(1..quoted.len().saturating_sub(1)).map_or_else(as_written, <[u8]>::to_vec)
        })
    }
}

/// A name as it stands in text, and in what a browser sends.
fn spellings(name: &str) -> Vec<String> {
    let encoded = utf8_percent_encode(name, NON_ALPHANUMERIC).to_string();
    // Of the marks, a form leaves these as they are.
    let form = [("%2D", "-"), ("%2E", "."), ("%5F", "_"), ("%2A", "*")]
        .iter()
        .fold(encoded, |text, (byte, mark)| text.replace(byte, mark));
    let mut all = vec![name.to_owned(), form.replace("%20", "+"), form];
    all.sort();
    all.dedup();
    all
}

/// The pseudonym in the shape of what it stands for: an address stays one.
fn alike(name: &[u8], pseudonym: &str) -> String {
    let has = |mark: &[u8]| name.windows(mark.len()).any(|window| window == mark);
    match (has(b"@"), has(b"%40")) {
        (true, _) => format!("{pseudonym}@pseudonym.invalid"),
        (_, true) => format!("{pseudonym}%40pseudonym.invalid"),
        _ => pseudonym.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names() -> Names {
        Names::new(&["ada".to_owned(), "Ada@x.org".to_owned(), "José Álvarez".to_owned()]).unwrap()
    }

    #[test]
    fn each_name_is_replaced_where_it_is_a_word_and_nowhere_else() {
        let names = names();
        for (text, expected) in [
            (r#"{"login":"ada","by":"ADA"}"#, r#"{"login":"p","by":"p"}"#),
            ("From: ada@x.org, ada@y.org", "From: p@pseudonym.invalid, p@y.org"),
            (r#"{"t":"line\nada said"}"#, r#"{"t":"line\np said"}"#),
            (r#"{"name":"Jos\u00e9 \u00C1lvarez"}"#, r#"{"name":"p"}"#),
            (r#"{"name":"josé álvarez","o":"\u0022ada\u0022"}"#, r#"{"name":"p","o":"\"p\""}"#),
            (
                "payload=%7B%22login%22%3A%22ada%22%7D&m=ada%40x.org",
                "payload=%7B%22login%22%3A%22p%22%7D&m=p%40pseudonym.invalid",
            ),
            ("n=Jos%C3%A9+%C3%81lvarez", "n=p"),
            ("person:github:ada", "person:github:p"),
        ] {
            assert!(names.occur(text.as_bytes()), "{text}");
            let replaced = names.replaced(text.as_bytes(), "p").unwrap();
            assert_eq!(String::from_utf8(replaced.clone()).unwrap(), expected);
            assert!(!names.occur(&replaced), "{expected}");
        }
        for text in ["adapter", "canada", "ada_2", "", r"C:\\u0061da", "jose alvarez"] {
            assert!(!names.occur(text.as_bytes()) && names.replaced(text.as_bytes(), "p").is_none(), "{text}");
        }
    }

    #[test]
    fn bytes_that_are_no_text_stay() {
        let replaced = names().replaced(b"\xff ada \xc3", "p").unwrap();
        assert_eq!(replaced, b"\xff p \xc3");
    }

    #[test]
    fn what_is_escaped_with_a_need_stays_so() {
        let text = br#"{"a":"\u0000\u0041\ud83d\ude00\ud800","who":"ada"}"#;
        let replaced = names().replaced(text, "p").unwrap();
        let text = String::from_utf8(replaced).unwrap();
        assert!(text.starts_with("{\"a\":\"") && text.ends_with("\"who\":\"p\"}"), "{text}");
    }

    #[test]
    fn an_empty_name_is_refused() {
        assert!(Names::new(&[" ".to_owned()]).is_err());
    }
}

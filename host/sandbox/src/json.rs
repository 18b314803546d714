//! JSON on the host without building trees: checked once, then walked by slices, so that what is cut out is byte for
//! byte what came.
//!
//! Only text that [`Json::check`] has passed is walked. The walk never panics, whatever it is given.

use std::borrow::Cow;

use bytes::Bytes;
use serde::de::IgnoredAny;

/// Deepest nesting that is taken.
pub(crate) const DEPTH_MAX: usize = 64;

/// Why a body is no use as JSON.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum JsonError {
    #[error("body is not UTF-8")]
    NotUtf8,
    #[error("body is not JSON: {0}")]
    NotJson(String),
    #[error("body nests deeper than {DEPTH_MAX}")]
    TooDeep,
    #[error("`{0}` is no JSON pointer")]
    Pointer(String),
}

/// A body that may be JSON. It is checked at most once: checking it for each pointer would be a way to have the host
/// work for nothing.
#[derive(Debug)]
pub(crate) struct Body {
    bytes: Bytes,
    checked: Option<Result<(), JsonError>>,
}

impl Body {
    pub(crate) fn new(bytes: Bytes) -> Self {
        Self { bytes, checked: None }
    }

    pub(crate) fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// The body as JSON.
    pub(crate) fn json(&mut self) -> Result<Json<'_>, JsonError> {
        let bytes = &self.bytes;
        self.checked.get_or_insert_with(|| Json::check(bytes).map(|_| ())).clone()?;
        Json::unchecked(bytes)
    }
}

/// One JSON value as it is written, without the blanks around it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Json<'a>(&'a str);

impl<'a> Json<'a> {
    /// Checks that a body is one JSON value, nested at most [`DEPTH_MAX`] deep.
    fn check(body: &'a [u8]) -> Result<Self, JsonError> {
        let json = Self::unchecked(body)?;
        serde_json::from_str::<IgnoredAny>(json.0).map_err(|error| JsonError::NotJson(error.to_string()))?;
        if depth(json.0.as_bytes()) > DEPTH_MAX {
            return Err(JsonError::TooDeep);
        }
        Ok(json)
    }

    /// A body that was checked before. Any other gives wrong values, but does no harm.
    fn unchecked(body: &'a [u8]) -> Result<Self, JsonError> {
        let text = std::str::from_utf8(body).map_err(|_| JsonError::NotUtf8)?;
        Ok(Self(text.trim_matches(is_blank)))
    }

    /// The value as written.
    pub(crate) fn as_str(self) -> &'a str {
        self.0
    }

    /// What a pointer leads to.
    pub(crate) fn at(self, pointer: &Pointer) -> Option<Self> {
        pointer.0.iter().try_fold(self, |value, token| value.child(token))
    }

    /// The elements of an array; none for any other value.
    pub(crate) fn elements(self) -> impl Iterator<Item = Self> {
        let mut walk = Walk::into(self, b'[');
        std::iter::from_fn(move || walk.value())
    }

    fn members(self) -> impl Iterator<Item = (Self, Self)> {
        let mut walk = Walk::into(self, b'{');
        std::iter::from_fn(move || Some((walk.value()?, walk.value()?)))
    }

    fn child(self, token: &str) -> Option<Self> {
        if self.0.starts_with('[') {
            return self.elements().nth(array_index(token)?);
        }
        self.members().find(|(name, _)| name.text().is_some_and(|name| name == token)).map(|(_, value)| value)
    }

    /// The text of a string value.
    pub(crate) fn text(self) -> Option<Cow<'a, str>> {
        let inner = self.0.strip_prefix('"')?.strip_suffix('"')?;
        if inner.contains('\\') {
            serde_json::from_str(self.0).ok().map(Cow::Owned)
        } else {
            Some(Cow::Borrowed(inner))
        }
    }

    /// The digits of a whole number, as written.
    pub(crate) fn whole_number(self) -> Option<&'a str> {
        let digits = self.0.strip_prefix('-').unwrap_or(self.0);
        (!digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit())).then_some(self.0)
    }

    /// Whether it is `null`.
    pub(crate) fn is_null(self) -> bool {
        self.0 == "null"
    }
}

/// An RFC 6901 pointer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Pointer(Vec<String>);

impl Pointer {
    pub(crate) fn parse(text: &str) -> Result<Self, JsonError> {
        let error = || JsonError::Pointer(crate::output::cut(text, 128).to_owned());
        if text.is_empty() {
            return Ok(Self(Vec::new()));
        }
        let tokens = text.strip_prefix('/').ok_or_else(error)?.split('/');
        tokens.map(|token| unescape(token).ok_or_else(error)).collect::<Result<_, _>>().map(Self)
    }
}

fn unescape(token: &str) -> Option<String> {
    let rest = token.replace("~0", "").replace("~1", "");
    (!rest.contains('~')).then(|| token.replace("~1", "/").replace("~0", "~"))
}

fn array_index(token: &str) -> Option<usize> {
    let is_plain = token == "0" || !token.starts_with(['0', '+']);
    is_plain.then(|| token.parse().ok()).flatten()
}

fn is_blank(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\n' | '\r')
}

fn depth(bytes: &[u8]) -> usize {
    let (mut at, mut open, mut deepest) = (0, 0_usize, 0);
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'"' => {
                at = string_end(bytes, at);
                continue;
            }
            b'{' | b'[' => {
                open += 1;
                deepest = deepest.max(open);
            }
            b'}' | b']' => open = open.saturating_sub(1),
            _ => {}
        }
        at += 1;
    }
    deepest
}

/// Walks over the direct values of a container; in an object names and values take turns.
struct Walk<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Walk<'a> {
    fn into(container: Json<'a>, open: u8) -> Self {
        let text = container.0;
        let is_open = text.as_bytes().first() == Some(&open);
        Self { text, at: if is_open { 1 } else { text.len() } }
    }

    fn value(&mut self) -> Option<Json<'a>> {
        let bytes = self.text.as_bytes();
        let separators =
            bytes.get(self.at..)?.iter().position(|b| !matches!(b, b' ' | b'\t' | b'\n' | b'\r' | b',' | b':'))?;
        let start = self.at + separators;
        self.at = value_end(bytes, start);
        self.text.get(start..self.at).filter(|text| !text.is_empty()).map(Json)
    }
}

/// Where the value that begins at `start` ends. A closing bracket is no value: it ends where it begins.
fn value_end(bytes: &[u8], start: usize) -> usize {
    match bytes.get(start) {
        Some(b'"') => string_end(bytes, start),
        Some(b'{' | b'[') => container_end(bytes, start),
        _ => {
            let ends = |b: &u8| matches!(b, b',' | b'}' | b']' | b' ' | b'\t' | b'\n' | b'\r');
            bytes.get(start..).and_then(|rest| rest.iter().position(ends)).map_or(bytes.len(), |n| start + n)
        }
    }
}

fn container_end(bytes: &[u8], start: usize) -> usize {
    let (mut at, mut open) = (start, 0_usize);
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'"' => {
                at = string_end(bytes, at);
                continue;
            }
            b'{' | b'[' => open += 1,
            b'}' | b']' if open <= 1 => return at + 1,
            b'}' | b']' => open -= 1,
            _ => {}
        }
        at += 1;
    }
    bytes.len()
}

/// Where the string whose quote is at `start` ends, after its closing quote.
fn string_end(bytes: &[u8], start: usize) -> usize {
    let mut at = start + 1;
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'"' => return at + 1,
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
    bytes.len()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;

    fn find<'a>(json: Json<'a>, pointer: &str) -> Result<Option<&'a str>, JsonError> {
        Ok(json.at(&Pointer::parse(pointer)?).map(Json::as_str))
    }

    fn check(body: &str, pointer: &str, expected: Option<&str>) {
        let json = Json::check(body.as_bytes()).unwrap();
        assert_eq!(find(json, pointer).unwrap(), expected, "{body} {pointer}");
    }

    #[test]
    fn pointers_find_what_rfc_6901_says() {
        let body = r#" { "foo": ["bar", "baz" ], "": 0, "a/b": 1, "c%d": 2, "i\\j": 5, "k\"l": 6, " ": 7, "m~n": 8 } "#;
        check(body, "", Some(body.trim()));
        check(body, "/foo", Some(r#"["bar", "baz" ]"#));
        check(body, "/foo/0", Some(r#""bar""#));
        check(body, "/foo/1", Some(r#""baz""#));
        check(body, "/foo/2", None);
        check(body, "/foo/01", None);
        check(body, "/foo/-", None);
        check(body, "/", Some("0"));
        check(body, "/a~1b", Some("1"));
        check(body, "/c%d", Some("2"));
        check(body, "/i\\j", Some("5"));
        check(body, "/k\"l", Some("6"));
        check(body, "/ ", Some("7"));
        check(body, "/m~0n", Some("8"));
        check(body, "/none/x", None);
    }

    #[test]
    fn escaped_names_and_nested_values_are_found() {
        check(r#"{"\u0061":{"b":[{},[],{"c":null}]}}"#, "/a/b/2/c", Some("null"));
        check(r#"{"x":"}{][\"","y":-1.5e3}"#, "/y", Some("-1.5e3"));
        check("[]", "/0", None);
        check("{}", "/a", None);
        check("17", "", Some("17"));
    }

    #[test]
    fn what_is_no_pointer_is_refused() {
        let json = Json::check(b"{}").unwrap();
        for bad in ["a", "#/a", "/~", "/~2", "/a~"] {
            assert_eq!(find(json, bad), Err(JsonError::Pointer(bad.to_owned())));
        }
    }

    #[test]
    fn what_is_no_json_is_refused() {
        for bad in ["", " ", "{", "[1,]", "{\"a\" 1}", "\"\u{1}\"", "[1] 2", "nul", "<html>", "\"\\x\""] {
            assert!(matches!(Json::check(bad.as_bytes()), Err(JsonError::NotJson(_))), "{bad}");
        }
        assert_eq!(Json::check(b"\"\xff\""), Err(JsonError::NotUtf8));
    }

    #[test]
    fn nesting_has_a_limit() {
        let nested = |n: usize| "[".repeat(n) + &"]".repeat(n);
        assert!(Json::check(nested(DEPTH_MAX).as_bytes()).is_ok());
        assert_eq!(Json::check(nested(DEPTH_MAX + 1).as_bytes()), Err(JsonError::TooDeep));
        assert_eq!(Json::check(nested(1_000_000).as_bytes()), Err(JsonError::TooDeep));
        // Brackets in strings do not nest.
        assert!(Json::check(format!("\"{}\"", "[".repeat(100)).as_bytes()).is_ok());
    }

    #[test]
    fn a_walk_over_broken_text_ends() {
        for broken in ["[", "[1", "{\"a", "{\"a\":", "[\"\\", "[[[", "]", "{\"a\":1,,", "[}"] {
            assert!(Json(broken).elements().take(10).count() < 10, "{broken}");
            assert!(Json(broken).members().take(10).count() < 10, "{broken}");
        }
    }

    fn values() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<String>().prop_map(Value::from),
        ];
        leaf.prop_recursive(6, 60, 6, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
                proptest::collection::btree_map(any::<String>(), inner, 0..6)
                    .prop_map(|members| Value::Object(members.into_iter().collect())),
            ]
        })
    }

    /// Every pointer into a value, with what it leads to.
    fn places(value: &Value, pointer: &str, found: &mut Vec<(String, Value)>) {
        found.push((pointer.to_owned(), value.clone()));
        if let Value::Array(items) = value {
            for (index, item) in items.iter().enumerate() {
                places(item, &format!("{pointer}/{index}"), found);
            }
        }
        for (name, member) in value.as_object().into_iter().flatten() {
            let name = name.replace('~', "~0").replace('/', "~1");
            places(member, &format!("{pointer}/{name}"), found);
        }
    }

    proptest! {
        #[test]
        fn every_place_is_found_as_the_parser_reads_it(value in values(), pretty in any::<bool>()) {
            let written = if pretty { serde_json::to_string_pretty(&value) } else { serde_json::to_string(&value) };
            let written = written.unwrap();
            let json = Json::check(written.as_bytes()).unwrap();
            let mut found = Vec::new();
            places(&value, "", &mut found);
            for (pointer, expected) in found {
                let text = find(json, &pointer).unwrap().unwrap();
                prop_assert_eq!(serde_json::from_str::<Value>(text).unwrap(), expected);
            }
        }

        #[test]
        fn anything_can_be_walked(text in "[\\[\\]{}:,\"\\\\a1 ]{0,40}", pointer in "(/[a01]?){0,4}") {
            let _ = Json(&text).at(&Pointer::parse(&pointer).unwrap());
            let _ = Json::check(text.as_bytes());
        }
    }
}

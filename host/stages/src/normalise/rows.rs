//! Splits a file into raw records: JSON lines, JSON objects one after the other, a JSON array, or CSV with a header.
//!
//! Each row keeps its exact bytes where it is JSON; a row of CSV becomes one object of texts. A row that cannot be read
//! is named with its line and the next one is read.

use std::borrow::Cow;

use serde_json::value::RawValue;
use serde_json::{Map, Value};
use weir_model::{Diagnostic, DiagnosticKind};

/// One row of a file.
#[derive(Debug, Clone, PartialEq)]
pub struct Row<'a> {
    /// Line it begins on, from 1.
    pub line: usize,
    /// The payload of its raw record.
    pub bytes: Cow<'a, [u8]>,
    /// The same, read.
    pub object: Map<String, Value>,
}

/// Splits `bytes`, whatever their shape.
pub fn rows(bytes: &[u8]) -> Box<dyn Iterator<Item = Result<Row<'_>, Diagnostic>> + '_> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    match bytes.iter().find(|b| !b.is_ascii_whitespace()) {
        None => Box::new(std::iter::empty()),
        Some(b'[') => array(bytes),
        Some(b'{') if first_line_is_whole(bytes) => Box::new(lines(bytes)),
        Some(b'{') => Box::new(objects(bytes)),
        Some(_) => Box::new(Csv::new(bytes)),
    }
}

fn first_line_is_whole(bytes: &[u8]) -> bool {
    let mut lines = bytes.split(|b| *b == b'\n').filter(|line| !line.trim_ascii().is_empty());
    // A broken first line of several is one bad row, not the beginning of a longer object.
    let begins = |line: &[u8]| line.trim_ascii_start().starts_with(b"{") && line.trim_ascii_end().ends_with(b"}");
    lines.next().is_some_and(|line| begins(line) || serde_json::from_slice::<&RawValue>(line).is_ok())
}

fn lines(bytes: &[u8]) -> impl Iterator<Item = Result<Row<'_>, Diagnostic>> {
    let numbered = bytes.split(|b| *b == b'\n').zip(1..);
    numbered
        .map(|(line, number)| (line.trim_ascii(), number))
        .filter(|(line, _)| !line.is_empty())
        .map(|(line, number)| row(line, number))
}

fn row(bytes: &[u8], line: usize) -> Result<Row<'_>, Diagnostic> {
    match serde_json::from_slice(bytes) {
        Ok(Value::Object(object)) => Ok(Row { line, bytes: Cow::Borrowed(bytes), object }),
        Ok(_) => Err(bad(line, "not an object")),
        Err(error) => Err(bad(line, &error.to_string())),
    }
}

fn bad(line: usize, why: &str) -> Diagnostic {
    Diagnostic::new(DiagnosticKind::Malformed, "rows.line").at(format!("line {line}")).found(why)
}

fn array(bytes: &[u8]) -> Box<dyn Iterator<Item = Result<Row<'_>, Diagnostic>> + '_> {
    match serde_json::from_slice::<Vec<&RawValue>>(bytes) {
        Ok(elements) => {
            let mut lines = Lines::new(bytes);
            Box::new(elements.into_iter().map(move |element| {
                let element = element.get().as_bytes();
                row(element, lines.of(element))
            }))
        }
        Err(error) => Box::new(std::iter::once(Err(bad(error.line(), &error.to_string())))),
    }
}

/// Objects that go over several lines. Nothing behind a broken one can be told apart.
fn objects(bytes: &[u8]) -> impl Iterator<Item = Result<Row<'_>, Diagnostic>> {
    let mut stream = serde_json::Deserializer::from_slice(bytes).into_iter::<&RawValue>();
    let (mut broken, mut lines) = (false, Lines::new(bytes));
    std::iter::from_fn(move || {
        let next = stream.next().filter(|_| !broken)?;
        broken = next.is_err();
        Some(match next {
            Ok(object) => row(object.get().as_bytes(), lines.of(object.get().as_bytes())),
            Err(error) => Err(bad(error.line(), &error.to_string())),
        })
    })
}

/// Counts lines on the way through a file.
struct Lines<'a> {
    bytes: &'a [u8],
    at: usize,
    line: usize,
}

impl<'a> Lines<'a> {
    fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0, line: 1 }
    }

    /// Line on which a part of the file begins, which lies behind the parts before.
    fn of(&mut self, part: &[u8]) -> usize {
        let start = (part.as_ptr() as usize).saturating_sub(self.bytes.as_ptr() as usize).min(self.bytes.len());
        self.line += line_ends(self.bytes.get(self.at..start).unwrap_or_default());
        self.at = start;
        self.line
    }
}

fn line_ends(bytes: &[u8]) -> usize {
    bytes.split(|b| *b == b'\n').count() - 1
}

/// Rows of comma-separated values as RFC 4180 has them.
struct Csv<'a> {
    rest: &'a [u8],
    line: usize,
    header: Vec<String>,
}

impl<'a> Csv<'a> {
    fn new(bytes: &'a [u8]) -> Self {
        let mut csv = Self { rest: bytes, line: 1, header: Vec::new() };
        csv.header = csv.record().map(|(_, fields)| fields).unwrap_or_default();
        csv
    }

    /// The next record that is not empty, with the line it begins on.
    fn record(&mut self) -> Option<(usize, Vec<String>)> {
        while !self.rest.is_empty() {
            let line = self.line;
            let end = self.record_end();
            let (record, rest) = self.rest.split_at(end);
            self.line += line_ends(record);
            self.rest = rest;
            let record = String::from_utf8_lossy(record);
            if !record.trim().is_empty() {
                return Some((line, fields(record.trim_end_matches(['\n', '\r']))));
            }
        }
        None
    }

    /// Just behind the first line end that is not within quotes.
    fn record_end(&self) -> usize {
        let mut quoted = false;
        for (at, byte) in self.rest.iter().enumerate() {
            match byte {
                b'"' => quoted = !quoted,
                b'\n' if !quoted => return at + 1,
                _ => {}
            }
        }
        self.rest.len()
    }
}

fn fields(record: &str) -> Vec<String> {
    let (mut fields, mut field, mut quoted) = (Vec::new(), String::new(), false);
    let mut chars = record.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '"' if quoted && chars.next_if_eq(&'"').is_some() => field.push('"'),
            '"' => quoted = !quoted,
            ',' if !quoted => fields.push(std::mem::take(&mut field)),
            c => field.push(c),
        }
    }
    fields.push(field);
    fields
}

impl<'a> Iterator for Csv<'a> {
    type Item = Result<Row<'a>, Diagnostic>;

    fn next(&mut self) -> Option<Self::Item> {
        let (line, fields) = self.record()?;
        if fields.len() != self.header.len() {
            return Some(Err(bad(line, &format!("{} fields, the header has {}", fields.len(), self.header.len()))));
        }
        let object: Map<String, Value> =
            self.header.iter().cloned().zip(fields.into_iter().map(Value::String)).collect();
        let bytes = Value::Object(object.clone()).to_string().into_bytes();
        Some(Ok(Row { line, bytes: Cow::Owned(bytes), object }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::{Expect, expect};

    #[expect(clippy::needless_pass_by_value, reason = "an `Expect` is written in place")]
    fn check(files: &[&str], expected: Expect) {
        let mut text = String::new();
        for file in files {
            for row in rows(file.as_bytes()) {
                text += &match row {
                    Ok(row) => format!("{} {}\n", row.line, String::from_utf8_lossy(&row.bytes)),
                    Err(diagnostic) => format!("bad {} {}\n", diagnostic.place.unwrap(), diagnostic.found.unwrap()),
                };
            }
            text += "--\n";
        }
        expected.assert_eq(&text);
    }

    #[test]
    fn every_shape_gives_one_payload_a_row() {
        check(
            &[
                "{\"a\": 1}\n\n{\"a\":2}\n{bad}\n7\n{\"a\":3}",
                "[{\"a\": 1},\n {\"b\":2}, 3]",
                "{\n \"a\": 1\n}\n{\"b\":\n2}",
                "\u{feff}a,\"b \"\"x\"\"\",c\r\n1,\"two\nlines\",\n4,5\n6,7,é\n",
                " \n",
                "[1, 2",
            ],
            expect![[r#"
                1 {"a": 1}
                3 {"a":2}
                bad line 4 key must be a string at line 1 column 2
                bad line 5 not an object
                6 {"a":3}
                --
                1 {"a": 1}
                2 {"b":2}
                bad line 2 not an object
                --
                1 {
                 "a": 1
                }
                4 {"b":
                2}
                --
                2 {"a":"1","b \"x\"":"two\nlines","c":""}
                bad line 4 2 fields, the header has 3
                5 {"a":"6","b \"x\"":"7","c":"é"}
                --
                --
                bad line 1 EOF while parsing a list at line 1 column 5
                --
            "#]],
        );
    }
}

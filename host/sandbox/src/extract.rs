//! Cuts a JSON body into raw records, so that its bytes never enter a guest. A payload is exactly the bytes of its
//! element. Nothing is lost: what has no key is kept under a key made from its bytes.

use weir_model::diagnostic::{Diagnostic, DiagnosticKind};
use weir_model::{Op, RawRecord, Timestamp, Version};

use crate::error::CallErrorKind;
use crate::json::{Body, Json, JsonError, Pointer};
use crate::limits::Limits;
use crate::page::{check_context, check_key};

/// What the guest asked for.
#[derive(Debug, Clone)]
pub(crate) struct Order {
    pub(crate) items: String,
    pub(crate) key_prefix: String,
    pub(crate) key: String,
    pub(crate) version: Option<String>,
    pub(crate) context: Option<String>,
}

/// What came of it.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Cut {
    pub(crate) records: Vec<RawRecord>,
    pub(crate) diagnostics: Vec<Diagnostic>,
}

/// Cuts one body.
pub(crate) fn cut(body: &mut Body, order: &Order, limits: &Limits) -> Result<Cut, ExtractError> {
    let pointers = Pointers::parse(order)?;
    let mut cut = Cut::default();
    let found = body.json()?.at(&pointers.items).filter(|items| !items.is_null());
    // An error page in JSON must not pass for an empty list: in a full pass that would delete everything.
    let items = found.ok_or_else(|| ExtractError::Missing(order.items.clone()))?;
    if items.as_str().starts_with('[') {
        for (index, element) in items.elements().enumerate() {
            if index == limits.extract_records_max {
                let (what, limit) = ("records in an extracted body", limits.extract_records_max);
                return Err(ExtractError::TooMuch { what, found: items.elements().count(), limit });
            }
            let place = || format!("{}/{index}", order.items);
            cut.take(element, order, &pointers, limits, place);
        }
    } else {
        // The pointer leads to one record and not to a list of them.
        cut.take(items, order, &pointers, limits, || order.items.clone());
    }
    Ok(cut)
}

/// Why a body was not cut.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum ExtractError {
    /// The tool sent something else.
    Body(JsonError),
    /// Nothing lies where the records should.
    Missing(String),
    /// The guest asked for something that cannot be.
    Order(String),
    /// More records than a page may have.
    TooMuch { what: &'static str, found: usize, limit: usize },
}

impl From<JsonError> for ExtractError {
    fn from(error: JsonError) -> Self {
        match error {
            JsonError::Pointer(_) => Self::Order(error.to_string()),
            _ => Self::Body(error),
        }
    }
}

impl From<ExtractError> for CallErrorKind {
    fn from(error: ExtractError) -> Self {
        match error {
            ExtractError::Body(error) => unfit(&error),
            ExtractError::Missing(pointer) => unfit(&format!("nothing lies at `{pointer}`")),
            ExtractError::Order(what) => Self::Invalid(what),
            ExtractError::TooMuch { what, found, limit } => Self::TooMuch { what, found, limit },
        }
    }
}

fn unfit(why: &dyn std::fmt::Display) -> CallErrorKind {
    CallErrorKind::Failure(crate::bindings::Failure {
        kind: crate::bindings::FailureKind::Transient,
        code: "weir.extract.body".to_owned(),
        message: format!("the tool sent something else than the records asked for: {why}"),
        retry_after: None,
        details: None,
    })
}

struct Pointers {
    items: Pointer,
    key: Pointer,
    version: Option<Pointer>,
}

impl Pointers {
    fn parse(order: &Order) -> Result<Self, ExtractError> {
        if let Some(context) = &order.context {
            check_context(context).map_err(|what| ExtractError::Order(what.to_owned()))?;
        }
        Ok(Self {
            items: Pointer::parse(&order.items)?,
            key: Pointer::parse(&order.key)?,
            version: order.version.as_deref().map(Pointer::parse).transpose()?,
        })
    }
}

impl Cut {
    fn take(
        &mut self,
        element: Json<'_>,
        order: &Order,
        pointers: &Pointers,
        limits: &Limits,
        place: impl Fn() -> String,
    ) {
        let key = match key(element, order, pointers, limits) {
            Ok(key) => key,
            Err(diagnostic) => return self.reject(element, diagnostic.at(place() + &order.key)),
        };
        let found = pointers.version.as_ref().and_then(|pointer| element.at(pointer)).filter(|found| !found.is_null());
        let version = found.and_then(version);
        if let (Some(found), None) = (found, version) {
            let place = place() + order.version.as_deref().unwrap_or_default();
            let diagnostic = Diagnostic::new(DiagnosticKind::BadTime, "weir.extract.version");
            self.diagnostics.push(diagnostic.at(place).found(found.as_str()));
        }
        let payload = element.as_str().as_bytes().to_vec();
        self.records.push(RawRecord { op: Op::Upsert, key, version, context: order.context.clone(), payload });
    }

    fn reject(&mut self, element: Json<'_>, diagnostic: Diagnostic) {
        self.records.push(RawRecord::unreadable(element.as_str()));
        self.diagnostics.push(diagnostic);
    }
}

fn key(element: Json<'_>, order: &Order, pointers: &Pointers, limits: &Limits) -> Result<String, Diagnostic> {
    let finding = |kind| Diagnostic::new(kind, "weir.extract.key");
    let size = element.as_str().len();
    if size > limits.payload_bytes_max {
        let finding = Diagnostic::new(DiagnosticKind::Unsupported, "weir.extract.size");
        return Err(finding.found(&format!("{size} bytes")));
    }
    let found = element.at(&pointers.key).filter(|found| !found.is_null());
    let found = found.ok_or_else(|| finding(DiagnosticKind::Missing))?;
    let text = found.text().or_else(|| found.whole_number().map(Into::into));
    let text = text.ok_or_else(|| finding(DiagnosticKind::WrongType).found(found.as_str()))?;
    let key = format!("{}{text}", order.key_prefix);
    // An empty text is no key, whatever is put before it.
    let checked = if text.is_empty() { Err("empty") } else { check_key(&key) };
    checked.map_err(|_| finding(DiagnosticKind::Malformed).found(found.as_str()))?;
    Ok(key)
}

fn version(found: Json<'_>) -> Option<Version> {
    match found.text() {
        Some(text) => text.parse::<Timestamp>().ok().map(Timestamp::ms),
        None => found.whole_number().and_then(|number| number.parse().ok()),
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use expect_test::{Expect, expect};

    use super::*;

    fn order(items: &str) -> Order {
        Order {
            items: items.to_owned(),
            key_prefix: "p/".to_owned(),
            key: "/id".to_owned(),
            version: Some("/at".to_owned()),
            context: None,
        }
    }

    fn show(cut: &Cut) -> String {
        let records = cut.records.iter().map(|record| {
            let payload = String::from_utf8_lossy(&record.payload);
            format!("{} @{:?} {payload}\n", record.key, record.version)
        });
        let findings = cut.diagnostics.iter().map(|finding| {
            let Diagnostic { kind, code, place, found } = finding;
            format!("{kind:?} {code} {place:?} {found:?}\n")
        });
        records.chain(findings).collect()
    }

    fn cut(body: &[u8], order: &Order, limits: &Limits) -> Result<Cut, ExtractError> {
        super::cut(&mut Body::new(Bytes::copy_from_slice(body)), order, limits)
    }

    fn check(body: &str, items: &str, expected: &Expect) {
        let shown = match cut(body.as_bytes(), &order(items), &Limits::default()) {
            Ok(cut) => show(&cut),
            Err(error) => format!("{error:?}\n"),
        };
        expected.assert_eq(&shown);
    }

    #[test]
    fn payloads_are_the_bytes_of_the_elements() {
        check(
            r#"{"items": [ {"id": "a",  "at":5, "x":1.10} ,{"id":7,"at":"2024-03-01T00:00:00.000+0000"}, {"id":"\u0062"}]}"#,
            "/items",
            &expect![[r#"
                p/a @Some(5) {"id": "a",  "at":5, "x":1.10}
                p/7 @Some(1709251200000) {"id":7,"at":"2024-03-01T00:00:00.000+0000"}
                p/b @None {"id":"\u0062"}
            "#]],
        );
    }

    #[test]
    fn elements_without_a_key_are_kept_aside() {
        check(
            r#"[{"id":""},{"id":null},{"x":1},{"id":1.5},3,{"id":"a\u0000"},{"id":"ok"}]"#,
            "",
            &expect![[r#"
                unreadable/a07e658dfbce89a0179a3930b5c0393f @None {"id":""}
                unreadable/2051c5913f94dd83ddf7309706db407c @None {"id":null}
                unreadable/bdd3d53c3a0b3fd6c84f97e0d91f762d @None {"x":1}
                unreadable/c7a3aea48cfaad445d461e41f61c5125 @None {"id":1.5}
                unreadable/af63ae4c86019e62789e90398d408155 @None 3
                unreadable/d812d1b0665e8e163a31aaf1f6bea1c3 @None {"id":"a\u0000"}
                p/ok @None {"id":"ok"}
                Malformed weir.extract.key Some("/0/id") Some("\"\"")
                Missing weir.extract.key Some("/1/id") None
                Missing weir.extract.key Some("/2/id") None
                WrongType weir.extract.key Some("/3/id") Some("1.5")
                Missing weir.extract.key Some("/4/id") None
                Malformed weir.extract.key Some("/5/id") Some("\"a\\u0000\"")
            "#]],
        );
    }

    #[test]
    fn an_unreadable_version_is_a_finding_and_the_record_is_kept() {
        check(
            r#"[{"id":1,"at":"soon"},{"id":2,"at":null}]"#,
            "",
            &expect![[r#"
                p/1 @None {"id":1,"at":"soon"}
                p/2 @None {"id":2,"at":null}
                BadTime weir.extract.version Some("/0/at") Some("\"soon\"")
            "#]],
        );
    }

    #[test]
    fn only_an_empty_list_is_no_records() {
        check("[]", "", &expect![""]);
        for (body, items) in [("", ""), (" \n", "/a"), ("{}", "/a"), (r#"{"a":null}"#, "/a")] {
            assert!(cut(body.as_bytes(), &order(items), &Limits::default()).is_err(), "{body}");
        }
    }

    #[test]
    fn a_single_object_is_one_record() {
        check(
            r#"{"a":{"id":1}}"#,
            "/a",
            &expect![[r#"
            p/1 @None {"id":1}
        "#]],
        );
    }

    #[test]
    fn other_bodies_and_bad_orders_are_told_apart() {
        check(
            "<html>",
            "",
            &expect![[r#"
            Body(NotJson("expected value at line 1 column 1"))
        "#]],
        );
        check(
            "[]",
            "items",
            &expect![[r#"
            Order("`items` is no JSON pointer")
        "#]],
        );
    }

    #[test]
    fn keys_have_at_most_512_bytes_with_their_prefix() {
        let body = |bytes: usize| format!(r#"[{{"id":"{}"}}]"#, "k".repeat(bytes));
        let cut = |bytes| cut(body(bytes).as_bytes(), &order(""), &Limits::default()).unwrap();
        assert_eq!(cut(510).records.len(), 1);
        assert_eq!(cut(511).diagnostics.len(), 1);
    }

    #[test]
    fn records_have_a_limit() {
        let limits = Limits { extract_records_max: 2, ..Limits::default() };
        assert!(cut(b"[{\"id\":1},{\"id\":2}]", &order(""), &limits).is_ok());
        let what = "records in an extracted body";
        let error = ExtractError::TooMuch { what, found: 3, limit: 2 };
        assert_eq!(cut(b"[{\"id\":1},{\"id\":2},{\"id\":3}]", &order(""), &limits), Err(error));
    }

    #[test]
    fn payloads_have_a_limit() {
        let limits = Limits { payload_bytes_max: 8, ..Limits::default() };
        let cut = |body: &str| cut(body.as_bytes(), &order(""), &limits).unwrap();
        assert_eq!(cut(r#"[{"id":1}]"#).records.len(), 1);
        assert_eq!(cut(r#"[{"id":12}]"#).diagnostics.len(), 1);
    }
}

//! Documents made by plugins and other hosts, checked against the model field by field.

use serde_json::{Map, Value};
use weir_model::entity::{DOCUMENT_BYTES_MAX, Misfit};
use weir_model::id::KEY_BYTES_MAX;
use weir_model::{Diagnostic, DiagnosticKind, Entity, EntityKind};

/// Reads a document of `kind`. What does not fit is left out and named; no entity when kind, key or document as a
/// whole cannot be.
pub fn document(kind: &str, key: &str, json: &str) -> (Option<Entity>, Vec<Diagnostic>) {
    let Ok(kind) = kind.parse::<EntityKind>() else {
        return refused(DiagnosticKind::Unsupported, "model.kind".to_owned(), kind);
    };
    if key.is_empty() || key.len() > KEY_BYTES_MAX {
        return refused(DiagnosticKind::WrongType, format!("model.{kind}.key"), key);
    }
    if json.len() > DOCUMENT_BYTES_MAX {
        return refused(DiagnosticKind::Truncated, format!("model.{kind}.size"), &json.len().to_string());
    }
    // A list of values in the order of the fields would be read too.
    if !json.trim_start().starts_with('{') {
        return refused(DiagnosticKind::Malformed, format!("model.{kind}"), json);
    }
    // Nearly all documents fit; only the others pay for finding out where they do not.
    if let Ok(entity) = Entity::read(&kind, json)
        && within_limits(json)
    {
        return (Some(entity), Vec::new());
    }
    match serde_json::from_str::<Map<String, Value>>(json) {
        Ok(map) => {
            let (entity, misfits) = Entity::read_leniently(&kind, map);
            (Some(entity), misfits.into_iter().map(|misfit| diagnostic(&kind, misfit)).collect())
        }
        Err(error) => refused(DiagnosticKind::Malformed, format!("model.{kind}"), &error.to_string()),
    }
}

/// Whether no list can be over its limit: an element takes at least two bytes.
fn within_limits(json: &str) -> bool {
    json.len() / 2 <= weir_model::entity::LIST_ELEMENTS_MAX
        || json.bytes().filter(|b| *b == b',').count() < weir_model::entity::LIST_ELEMENTS_MAX
}

fn refused(kind: DiagnosticKind, code: String, found: &str) -> (Option<Entity>, Vec<Diagnostic>) {
    (None, vec![Diagnostic::new(kind, code).found(found)])
}

fn diagnostic(kind: &EntityKind, misfit: Misfit) -> Diagnostic {
    let field = misfit.place.split('/').nth(1).unwrap_or_default();
    let sort = if misfit.reason.contains("are kept") {
        DiagnosticKind::Truncated
    } else if field.ends_with("_at") {
        DiagnosticKind::BadTime
    } else if misfit.reason == "unknown field" {
        DiagnosticKind::Unsupported
    } else {
        DiagnosticKind::WrongType
    };
    Diagnostic::new(sort, format!("model.{kind}.{field}")).at(misfit.place).found(&misfit.found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::{Expect, expect};

    #[expect(clippy::needless_pass_by_value, reason = "an `Expect` is written in place")]
    fn check(documents: &[(&str, &str, &str)], expected: Expect) {
        let mut lines = String::new();
        for (kind, key, json) in documents {
            let (entity, diagnostics) = document(kind, key, json);
            lines += &entity.map_or("none".to_owned(), |entity| entity.to_json());
            for diagnostic in diagnostics {
                lines +=
                    &format!(" | {:?} {} {}", diagnostic.kind, diagnostic.code, diagnostic.found.unwrap_or_default());
            }
            lines += "\n";
        }
        expected.assert_eq(&lines);
    }

    #[test]
    fn what_fits_is_kept_and_the_rest_is_named() {
        let long = "k".repeat(KEY_BYTES_MAX + 1);
        check(
            &[
                ("build", "a/1", r#"{"number":1,"result":"success"}"#),
                ("build", "a/1", r#"{"number":"one","started_at":"soon","colour":"red","job":"a"}"#),
                ("build", "", "{}"),
                ("build", &long[1..], "{}"),
                ("build", &long, "{}"),
                ("Build!", "a", "{}"),
                ("build", "a", "[1]"),
            ],
            expect![[r#"
                {"number":1,"result":"success"}
                {"job":"a"} | WrongType model.build.number "one" | BadTime model.build.started_at "soon" | Unsupported model.build.colour "red"
                none | WrongType model.build.key 
                {}
                none | WrongType model.build.key kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk
                none | Unsupported model.kind Build!
                none | Malformed model.build [1]
            "#]],
        );
    }
}

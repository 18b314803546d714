//! Results of scanners and other plugins: `{"tool", "version", "results", "labels", ..}`. Counts of tests among the
//! results make a test report; everything else is kept as attributes.

use serde_json::{Map, Value};
use weir_model::entity::Custom;
use weir_model::{DiagnosticKind, EntityKind, raw};

use super::fields::Fields;
use super::{Produced, attributes, tests_run};

/// Kind of the entity of a result.
const KIND: &str = "scan-result";

/// Fields that must be there.
pub(super) const REQUIRED: [&[&str]; 1] = [&["tool", "plugin_name"]];

pub(super) fn record_key(fields: &mut Fields<'_>, payload: &Map<String, Value>) -> Option<String> {
    let payload = Value::Object(payload.clone()).to_string();
    Some(format!("{}/{}", tool(fields)?, raw::fingerprint(payload.as_bytes())))
}

pub(super) fn read(fields: &mut Fields<'_>, key: &str) -> Vec<Produced> {
    let Some(tool) = tool(fields) else {
        fields.note(DiagnosticKind::Missing, "tool", "");
        return Vec::new();
    };
    let at = fields.time(&["timestamp", "created_at"]);
    let title = [Some(tool.clone()), fields.text(&["version"])].into_iter().flatten().collect::<Vec<_>>().join(" ");
    let mut result = Custom::default().title(title).at(at);
    for name in [
        "tool",
        "plugin_name",
        "class",
        "version",
        "successful",
        "tags",
        "product_ids",
        "labels",
        "metadata",
        "results",
    ] {
        if let Some((_, value)) = fields.find(&[name]) {
            attributes::add(&mut result.attributes, &format!("scan.{name}"), value);
        }
    }
    let tests = fields.within("results", tests_run::counters).flatten();
    let tests = tests.map(|report| report.name(tool).finished_at(at));
    let report = tests.map(|report| Produced::new(EntityKind::TestReport, key.to_owned(), report));
    let result = Produced::custom(KIND, key.to_owned(), result);
    report.into_iter().chain([result]).collect()
}

fn tool(fields: &mut Fields<'_>) -> Option<String> {
    fields.text(&["tool"]).or_else(|| fields.text(&["plugin_name"]))
}

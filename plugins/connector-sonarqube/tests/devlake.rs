//! Recorded issues and hotspots beside what `DevLake` makes of them; `docs/devlake/sonarqube.md` has the reasons. The
//! other recordings are read, and counted.

use connector_sonarqube::SonarQube;
use expect_test::expect;
use serde_json::Value;
use weir_recordings::devlake::{Comparison, Entities, Row, id, made, raw, text};
use weir_sdk::record::RawRecord;

/// Tables of recordings, and the dataset whose records their rows are. Measures of files have the shape of those of
/// projects; accounts are users.
const TABLES: &[(&str, &str)] = &[
    ("issues", "issues"),
    ("hotspots", "hotspots"),
    ("accounts", "users"),
    ("filemetrics", "measures"),
    ("filemetrics_additional", "measures"),
];

fn ours() -> Entities {
    let mut entities = Entities::default();
    for (table, dataset) in TABLES {
        let rows = raw("sonarqube", &format!("_raw_sonarqube_api_{table}"));
        let records: Vec<_> = rows.iter().map(|row| RawRecord::upsert("x", row["data"].as_bytes())).collect();
        entities.add::<SonarQube>(dataset, &records);
    }
    entities
}

/// Columns of theirs and attributes of ours that say the same.
const COLUMNS: &[(&str, &str)] = &[
    ("rule", "rule"),
    ("severity", "severity"),
    ("component", "component"),
    ("line", "line"),
    ("status", "status"),
    ("debt", "effort_minutes"),
    ("effort", "effort_minutes"),
    ("hash", "hash"),
    ("type", "type"),
    ("scope", "scope"),
    ("author", "author"),
    ("commit_author_email", "author"),
    ("assignee", "assignee"),
    ("vulnerability_probability", "probability"),
    ("security_category", "category"),
    ("creation_date", "at"),
    ("created_date", "at"),
    ("update_date", "updated_at"),
    ("updated_date", "updated_at"),
    ("message", "title"),
    ("tags", "tags"),
    ("project_key", "project"),
];

/// What ours says: a field of its own, or an attribute.
fn said(entity: &Value, name: &str) -> String {
    match name {
        "at" | "title" => text(entity, &format!("/{name}")),
        "tags" => {
            let tags = entity["attributes"]["sonar.tags"].as_array().into_iter().flatten();
            tags.filter_map(Value::as_str).collect::<Vec<_>>().join(",")
        }
        _ => text(entity, &format!("/attributes/sonar.{name}")),
    }
}

fn compare(compared: &mut Comparison, table: &str, kind: &str, ours: &Entities) {
    for row in made("sonarqube", table) {
        let key = id(row.get("issue_key").unwrap_or_else(|| &row["id"])).to_owned();
        let entity = ours.get(kind, &key).unwrap_or(&Value::Null);
        let stated = |column: &str| {
            Row::get(&row, column).map(|text| if column == "project_key" { id(text).to_owned() } else { text.clone() })
        };
        for (column, name) in COLUMNS {
            if let Some(theirs) = stated(column) {
                compared.fact(&format!("{table}.{column}"), &theirs, &said(entity, name));
            }
        }
    }
}

#[test]
fn findings_beside_devlake() {
    if made("sonarqube", "issues").is_empty() {
        return;
    }
    let (ours, mut compared) = (ours(), Comparison::default());
    compare(&mut compared, "issues", "code-issue", &ours);
    compare(&mut compared, "_tool_sonarqube_issues", "code-issue", &ours);
    compare(&mut compared, "issue_hotspots", "security-hotspot", &ours);
    let kinds = ["code-issue", "security-hotspot", "person", "code-project"];
    let counts: String = kinds.iter().map(|kind| format!("{kind}: {} of ours\n", ours.of_kind(kind).count())).collect();
    expect![[r"
        code-issue: 6 of ours
        security-hotspot: 5 of ours
        person: 5 of ours
        code-project: 6 of ours
        same: 171
        issue_hotspots.debt: 0 | none: 3
        issue_hotspots.effort: 0 | none: 3
        issue_hotspots.type: HOTSPOTS | none: 3
    "]]
    .assert_eq(&format!("{counts}{}", compared.lines()));
}

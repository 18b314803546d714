//! Recorded incidents beside what `DevLake` makes of them; `docs/devlake/pagerduty.md` has the reasons.

use connector_pagerduty::PagerDuty;
use expect_test::expect;
use serde_json::{Value, json};
use weir_recordings::devlake::{Comparison, Entities, made, raw, text};
use weir_sdk::model::Timestamp;
use weir_sdk::record::RawRecord;

/// What our side makes of the recordings: the incidents, and what the log recorded with each says of it.
fn ours() -> Entities {
    let mut entities = Entities::default();
    for row in raw("pagerduty", "_raw_pagerduty_incidents") {
        let incident: Value = serde_json::from_str(&row["data"]).unwrap_or_default();
        let id = incident["id"].as_str().unwrap_or_default();
        entities.add::<PagerDuty>("incidents", &[RawRecord::upsert(id, row["data"].as_bytes())]);
        let log = RawRecord::upsert(id, row["data"].as_bytes()).context(&json!({ "incident": id }));
        entities.add::<PagerDuty>("log-entries", &[log]);
    }
    entities
}

fn status(incident: &Value) -> String {
    let state = text(incident, "/state");
    match state.as_str() {
        "open" => "TODO",
        "acknowledged" => "IN_PROGRESS",
        "resolved" => "DONE",
        other => other,
    }
    .to_owned()
}

fn lead_minutes(incident: &Value) -> String {
    let time = |pointer: &str| text(incident, pointer).parse::<Timestamp>().ok();
    let lead = time("/resolved_at").zip(time("/detected_at")).and_then(|(end, begin)| end.since(begin));
    lead.map(|lead| (lead.0 / 60_000).to_string()).unwrap_or_default()
}

fn assignees(incident: &Value) -> String {
    let assignees = incident["assignees"].as_array().into_iter().flatten();
    let mut keys: Vec<_> = assignees.map(|assignee| text(assignee, "/key")).collect();
    keys.sort_unstable();
    keys.join(" ")
}

#[test]
fn incidents_beside_devlake() {
    let rows = made("pagerduty", "issues");
    if rows.is_empty() {
        return;
    }
    let (ours, mut compared) = (ours(), Comparison::default());
    let id = |url: &str| url.rsplit('/').next().unwrap_or_default().to_owned();
    compared.table(
        ("issues", &rows),
        &ours,
        |row| ("incident", id(&row["url"])),
        &[
            ("url", &|incident| text(incident, "/url")),
            ("issue_key", &|incident| text(incident, "/handle").replace('#', "")),
            ("title", &|incident| text(incident, "/title")),
            ("status", &status),
            ("original_status", &|incident| text(incident, "/state_word")),
            ("urgency", &|incident| text(incident, "/urgency")),
            ("created_date", &|incident| text(incident, "/detected_at")),
            ("updated_date", &|incident| text(incident, "/updated_at")),
            ("resolution_date", &|incident| text(incident, "/resolved_at")),
            ("lead_time_minutes", &lead_minutes),
        ],
    );
    for row in &rows {
        let assigned = made("pagerduty", "issue_assignees").into_iter().filter(|link| link["issue_id"] == row["id"]);
        let mut theirs: Vec<_> = assigned.map(|link| link["assignee_id"].clone()).collect();
        theirs.sort_unstable();
        let incident = ours.get("incident", &id(&row["url"])).unwrap_or(&Value::Null);
        compared.fact("issue_assignees", &theirs.join(" "), &assignees(incident));
    }
    let taken = ours
        .of_kind("incident")
        .map(|(key, incident)| format!("{key} taken at {}\n", text(incident, "/acknowledged_at")));
    let taken: String = taken.collect();
    expect![[r"
        same: 25
        issues.title: none | Crash reported: 1
        issues.title: none | Slow startup: 1
        issues.title: none | Spamming logs: 1
        Q1OHFWFP3GPXOG taken at 2022-11-03T06:45:46.000Z
        Q3CZAU7Q4008QD taken at 2022-11-03T06:44:37.000Z
        Q3YON8WNWTZMRQ taken at 2022-11-03T06:23:07.000Z
    "]]
    .assert_eq(&format!("{}{taken}", compared.lines()));
}

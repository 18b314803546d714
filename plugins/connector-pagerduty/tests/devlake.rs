//! Recorded incidents against what `DevLake` makes of them, field by field; `docs/devlake/pagerduty.md` has the reasons.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by it")]

use std::collections::{BTreeMap, BTreeSet};

use connector_pagerduty::PagerDuty;
use expect_test::expect;
use weir_sdk::mock;
use weir_sdk::model::Timestamp;
use weir_sdk::model::entity::{Incident, IncidentState, Reference};
use weir_sdk::outcome::Outcome;
use weir_sdk::record::RawRecord;

/// What our side makes of every recorded incident, by its number.
fn ours() -> Option<BTreeMap<String, Incident>> {
    let rows = weir_recordings::csv(&weir_recordings::shared("devlake-raw/pagerduty/_raw_pagerduty_incidents.csv")?);
    let records: Vec<_> = rows.iter().map(|row| RawRecord::upsert("PX", row["data"].as_bytes())).collect();
    let incidents = mock::normalize::<PagerDuty>("incidents", "{}", &records).unwrap().into_iter().map(|outcome| {
        let Outcome::Produced(produced) = outcome else { panic!("{outcome:?}") };
        assert_eq!(produced.diagnostics, []);
        let incident: Incident = serde_json::from_str(&produced.entities[0].document).unwrap();
        (incident.handle.clone().unwrap().trim_start_matches('#').to_owned(), incident)
    });
    Some(incidents.collect())
}

#[test]
fn incidents_agree() {
    let (Some(ours), Some(folder)) = (ours(), weir_recordings::shared("devlake-expected/pagerduty")) else { return };
    let theirs = weir_recordings::csv(&folder.join("issues.csv"));
    let assigned: BTreeSet<_> = weir_recordings::csv(&folder.join("issue_assignees.csv"))
        .into_iter()
        .map(|row| (row["issue_id"].clone(), row["assignee_id"].clone()))
        .collect();
    assert_eq!(theirs.len(), ours.len());
    let mut differences: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut n_agreed = 0;
    for row in &theirs {
        let incident = &ours[&row["issue_key"]];
        let time = |column: &str| row[column].parse::<Timestamp>().ok();
        let text = |column: &str| Some(row[column].clone()).filter(|text| !text.is_empty());
        let assignees: BTreeSet<_> =
            incident.assignees.iter().map(Reference::text).map(|id| (row["id"].clone(), id.to_owned())).collect();
        let lead_minutes = incident.resolved_at.zip(incident.detected_at).and_then(|(end, begin)| end.since(begin));
        let status = incident.state.as_ref().map(|state| match state {
            IncidentState::Open => "TODO".to_owned(),
            IncidentState::Acknowledged => "IN_PROGRESS".to_owned(),
            _ => "DONE".to_owned(),
        });
        let facts = [
            ("url", text("url") == incident.url),
            ("title", text("title") == incident.title),
            ("status", text("status") == status),
            ("status word", text("original_status") == incident.state_word),
            ("urgency", text("urgency") == incident.urgency),
            ("created", time("created_date") == incident.detected_at),
            ("updated", time("updated_date") == incident.updated_at),
            ("resolved", time("resolution_date") == incident.resolved_at),
            ("lead time", text("lead_time_minutes") == lead_minutes.map(|lead| (lead.0 / 60_000).to_string())),
            ("assignees", assigned.iter().filter(|(id, _)| *id == row["id"]).eq(&assignees)),
        ];
        for (field, agrees) in facts {
            if agrees {
                n_agreed += 1;
            } else {
                differences.entry(field.to_owned()).or_default().push(row["issue_key"].clone());
            }
        }
    }
    let lines: String = differences.iter().map(|(field, keys)| format!("{field}: {}\n", keys.join(" "))).collect();
    expect![[r"
        agreed: 27
        title: 4 5 6
    "]]
    .assert_eq(&format!("agreed: {n_agreed}\n{lines}"));
}

/// The recordings hold each incident's log too: what it says of the first acknowledgement, theirs does not keep.
#[test]
fn the_log_adds_the_acknowledgement() {
    let Some(file) = weir_recordings::shared("devlake-raw/pagerduty/_raw_pagerduty_incidents.csv") else { return };
    let records = weir_recordings::csv(&file).into_iter().map(|row| {
        let context = serde_json::json!({ "incident": "PX" });
        RawRecord::upsert("PX", row["data"].as_bytes()).context(&context)
    });
    let outcomes = mock::normalize::<PagerDuty>("log-entries", "{}", &records.collect::<Vec<_>>()).unwrap();
    let lines: String = outcomes.iter().map(mock::describe).collect();
    expect![[r#"
          incident PX {"acknowledged_at":"2022-11-03T06:23:07.000Z"}
          incident PX {"acknowledged_at":"2022-11-03T06:44:37.000Z"}
          incident PX {"acknowledged_at":"2022-11-03T06:45:46.000Z"}
    "#]]
    .assert_eq(&lines);
}

//! The work items of a real project, whose Jira told no transitions: counted here and through the samples.

#![expect(clippy::unwrap_used, reason = "a test fails by it")]

use serde_json::Value;
use weir_model::entity::{WorkCategory, WorkItem, WorkStatus};
use weir_model::metric::Sample;
use weir_model::{Entity, EntityId, Timestamp};
use weir_stages::Context;
use weir_stages::aggregate::own_samples;

fn at(issue: &Value, field: &str) -> Option<Timestamp> {
    // Jira writes offsets without the colon.
    issue["fields"][field].as_str().map(|text| text.replace("+0000", "Z").parse().unwrap())
}

fn item(issue: &Value) -> WorkItem {
    let status = &issue["fields"]["status"];
    let category = match status["statusCategory"]["key"].as_str().unwrap() {
        "new" => WorkCategory::Todo,
        "done" => WorkCategory::Done,
        _ => WorkCategory::Doing,
    };
    WorkItem::default()
        .created_at(at(issue, "created"))
        .updated_at(at(issue, "updated"))
        .resolved_at(at(issue, "resolutiondate"))
        .status(WorkStatus { name: status["name"].as_str().unwrap().to_owned(), category: Some(category) })
}

#[test]
fn times_and_levels_of_a_real_project() {
    let Some(file) = weir_recordings::shared("jira/titanium-archive/ALOY.jsonl.gz") else { return };
    let issues: Vec<Value> =
        weir_recordings::gunzip(&file).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(issues.len(), 1_499);
    let mut samples: Vec<Sample> = Vec::new();
    for issue in &issues {
        let id: EntityId = format!("work-item:jira:{}", issue["id"].as_str().unwrap()).parse().unwrap();
        samples.extend(own_samples(&id, &Entity::from(item(issue)), &Context::default()));
    }
    let of = |metric: &'static str| samples.iter().filter(move |sample| sample.metric == metric);
    let known = |metric| of(metric).filter(|sample| sample.value.is_some()).count();
    let reasons = |metric, reason: &str| of(metric).filter(|sample| sample.unknown.as_deref() == Some(reason)).count();

    // 1,283 have a time of their end, one is done without one, 215 are open.
    assert_eq!((known("work-item-lead-time"), reasons("work-item-lead-time", "no-end")), (1_283, 1));
    assert_eq!(reasons("work-item-lead-time", "not-reached"), 215);
    assert_eq!((known("throughput"), known("work-items-created")), (1_283, 1_499));
    // Nothing is made up of what was not told.
    assert_eq!((known("work-item-cycle-time"), known("flow-efficiency"), known("reopen-rate")), (0, 0, 0));
    let mut lead_times: Vec<f64> = of("work-item-lead-time").filter_map(|sample| sample.value).collect();
    let span = |issue: &Value| Some(at(issue, "resolutiondate")?.ms() - at(issue, "created")?.ms());
    let mut spans: Vec<i64> = issues.iter().filter_map(span).collect();
    lead_times.sort_by(f64::total_cmp);
    spans.sort_unstable();
    assert!(lead_times.iter().zip(&spans).all(|(ours, theirs)| ours.to_string() == theirs.to_string()));

    for year in 2012..2022 {
        let then: Timestamp = format!("{year}-06-01T00:00:00Z").parse().unwrap();
        let level: f64 = of("open-items").filter(|sample| sample.at < then).filter_map(|sample| sample.value).sum();
        let is_open = |issue: &&Value| {
            let end = at(issue, "resolutiondate").or_else(|| {
                let is_done = issue["fields"]["status"]["statusCategory"]["key"] == "done";
                at(issue, "updated").filter(|_| is_done)
            });
            at(issue, "created").unwrap() < then && end.is_none_or(|end| end >= then)
        };
        assert_eq!(level.to_string(), issues.iter().filter(is_open).count().to_string(), "{year}");
    }
}

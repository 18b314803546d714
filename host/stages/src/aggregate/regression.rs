//! Errors of other systems, each as a row: what they make of an input and what is right. Rows about sprints, hygiene
//! and links stand where these are computed.

use expect_test::{Expect, expect};
use weir_model::entity::{
    Build, Change, ChangeState, Deployment, DeploymentKind, Environment, Incident, IncidentLink, IncidentLinkKind,
    Review, ReviewVerdict, RunResult, Stage,
};
use weir_model::filter::Vocabulary;
use weir_model::metric::Sample;
use weir_model::statistics::percentile;
use weir_model::{Bucket, Calendar, Entity, EntityId, Reference, Timestamp};

use super::bands::{Measured, band};
use super::compat::{
    CompatChange, CompatDeployment, CompatFacts, CompatIncident, Family, compat, harness_stages, lower_median,
    summed_percentile,
};
use super::{
    ChangeFacts, Deployed, DeploymentFacts, Flag, MetricSettings, Rollouts, ValueSettings, change_samples,
    custom_metrics, deployment_samples, own_samples, passage, rhythm,
};
use crate::Context;
use crate::correlate::{decisive, involved};

const MINUTE: f64 = 60_000.0;

/// A clock of 2 March 2026, or a day of that month with a clock: `10:00`, `3T10:00`. Empty: none.
fn at(text: &str) -> Option<Timestamp> {
    let (day, clock) = text.split_once('T').unwrap_or(("2", text));
    (!text.is_empty()).then(|| format!("2026-03-{day:0>2}T{clock:0>5}:00Z").parse().unwrap())
}

fn sure(text: &str) -> Timestamp {
    at(text).unwrap()
}

fn times(text: &str) -> Vec<Option<Timestamp>> {
    text.split(',').map(|clock| at(clock.trim())).collect()
}

/// Minutes of each segment with its flags, and of the total.
fn segments(text: &str) -> String {
    const NAMES: [&str; 9] = ["a", "b", "c", "d", "e", "f", "g", "h", "i"];
    let boundaries = times(text);
    let found = passage(&boundaries, &NAMES[..boundaries.len() - 1], &Calendar::default());
    let mut shown = String::new();
    for segment in &found.segments {
        let length = segment.duration.map(|length| (length.0 / 60_000).to_string());
        shown += &length.unwrap_or_else(|| segment.unknown.unwrap().to_owned());
        shown.extend(segment.flags.iter().map(|flag| if *flag == Flag::Extended { '+' } else { '*' }));
        shown.push(' ');
    }
    let total = found.total.map(|total| (total.0 / 60_000).to_string());
    format!("{shown}= {}", total.unwrap_or_else(|| found.unknown.unwrap().to_owned()))
}

/// Median, ninth decile and mean of the known values.
fn statistics(values: &[f64]) -> String {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let mean = values.iter().sum::<f64>() / f64::from(u32::try_from(values.len()).unwrap());
    let [p50, p90] = [0.5, 0.9].map(|p| percentile(&sorted, p).unwrap());
    format!("p50 {p50} p90 {p90} mean {mean} n {}", values.len())
}

fn show(samples: &[Sample], metric: &str) -> String {
    let one = |sample: &Sample| sample.value.map(|value| value.to_string()).or_else(|| sample.unknown.clone()).unwrap();
    let found: Vec<String> = samples.iter().filter(|sample| sample.metric == metric).map(one).collect();
    if found.is_empty() { "none".to_owned() } else { found.join(" ") }
}

#[expect(clippy::needless_pass_by_value, reason = "an `Expect` is written in place")]
fn check(rows: &[(&str, String)], expected: Expect) {
    expected.assert_eq(&rows.iter().map(|(row, found)| format!("{row}: {found}\n")).collect::<String>());
}

#[test]
fn lead_times_are_the_time_that_passed() {
    let harness = |text: &str| {
        let stages = harness_stages(&times(text));
        (stages.iter().sum::<f64>() / MINUTE).to_string()
    };
    let h1 = "9:50, 10:00, 10:05, 10:10, 10:11, 10:45, 10:16, 10:17, 10:20, 11:00";
    let h2 = "9:50, 10:00, 10:05, 10:08, 10:11, 10:50, 10:16, 10:17, 10:20, 11:00";
    let h3 = "9:50, 10:00, 10:05, 10:08, 10:11, 11:50, 10:16, 10:17, 10:20, 11:00";
    let h4 = "9:50, 10:00, , , , , , , 10:20, 11:00";
    let h5 = "9:50, 10:00, 10:05, 10:10, 10:11, 10:15, 10:16, 10:17, 10:20, 11:00";
    let both = |text: &str| format!("{} (theirs {})", segments(text), harness(text));
    check(
        &[
            ("H1", both(h1)),
            ("H2", both(h2)),
            ("H3", both(h3)),
            ("H4", both(h4)),
            ("H5", both(h5)),
            ("H11", both("12:00, 1:00")),
            ("H14", segments("9:50, 10:40, 11:00")),
            ("H15", segments("10:10, 10:11, 10:15")),
        ],
        expect![[r"
            H1: 10 5 5 1 34 0* 0* 0* 15 = 70 (theirs 99)
            H2: 10 5 3 3 39 0* 0* 0* 10 = 70 (theirs 104)
            H3: 10 5 3 3 5+ skipped 1 3 40 = 70 (theirs 164)
            H4: 10 20+ skipped skipped skipped skipped skipped skipped 40 = 70 (theirs 70)
            H5: 10 5 5 1 4 1 1 3 40 = 70 (theirs 70)
            H11: end-before-start = end-before-start (theirs 0)
            H14: 50 20 = 70
            H15: 1 4 = 5
        "]],
    );
}

#[test]
fn statistics_are_of_totals_and_leave_out_what_is_unknown() {
    let mut stages = [vec![1.0, 2.0, 10.0], vec![10.0, 1.0, 1.0]];
    let theirs = [0.5, 0.9].map(|p| summed_percentile(&mut stages, p));
    let d1 = [10.0, 20.0, 30.0, 40.0];
    check(
        &[
            ("H6", format!("{} (theirs p50 {} p90 {:.1})", statistics(&[11.0, 3.0, 11.0]), theirs[0], theirs[1])),
            ("H7", statistics(&[10.0, 20.0])),
            ("D1", format!("{} (theirs {})", statistics(&d1), lower_median(&mut d1.to_vec()).unwrap())),
        ],
        expect![[r"
            H6: p50 11 p90 11 mean 8.333333333333334 n 3 (theirs p50 3 p90 16.6)
            H7: p50 15 p90 19 mean 15 n 2
            D1: p50 25 p90 37 mean 25 n 4 (theirs 20)
        "]],
    );
}

#[test]
fn frequencies_divide_by_the_real_length_of_the_window() {
    let day = |zone: &str, date: &str| {
        let calendar = Calendar::of_zone(zone).unwrap();
        let start = calendar.start_of_date(date).unwrap();
        let hours = calendar.length_of(calendar.day_of(start), Bucket::Day).0 / 3_600_000;
        format!("{hours} h")
    };
    let naive = |text: &str| text.parse::<Timestamp>().map_or("unknown".to_owned(), |at| at.to_string());
    let harness = |n: usize, days: i64| {
        let window = (Timestamp::from_ms(0), Timestamp::from_ms(days * 86_400_000));
        let deployment = CompatDeployment { finished_at: Timestamp::from_ms(1), succeeded: true };
        let calendar = Calendar::default();
        let deployments = vec![deployment; n];
        let facts =
            CompatFacts { deployments: &deployments, incidents: &[], changes: &[], window, calendar: &calendar };
        compat(Family::Harness1, "deployment-frequency", &facts).unwrap().value.unwrap()
    };
    check(
        &[
            ("H8", format!("{:.3}/day (theirs {:.2})", 960.0 / 14.0, harness(960, 14))),
            ("H9", format!("{:.4}/day, {:.3}/week", 24.0 / 91.0, 24.0 / 91.0 * 7.0)),
            ("G2 spring", day("Europe/Berlin", "2026-03-29")),
            ("G2 autumn", day("Europe/Berlin", "2026-10-25")),
            ("G3", naive("2026-03-29T10:00:00")),
        ],
        expect![[r"
            H8: 68.571/day (theirs 73.85)
            H9: 0.2637/day, 1.846/week
            G2 spring: 23 h
            G2 autumn: 25 h
            G3: unknown
        "]],
    );
}

#[test]
fn bands_are_total() {
    let share = |value| Measured { value: Some(value), ..Measured::default() };
    let fail_rate = |value| band("harness", "change-fail-rate", &share(value)).unwrap().to_owned();
    check(
        &[
            ("H10", band("harness", "recovery-time", &share(90.0 * MINUTE)).unwrap().to_owned()),
            ("H13 15.5 %", fail_rate(0.155)),
            ("H13 30.5 %", fail_rate(0.305)),
        ],
        expect![[r"
            H10: high
            H13 15.5 %: high
            H13 30.5 %: medium
        "]],
    );
}

#[test]
fn a_share_of_what_is_not_over_is_refused() {
    let settings = MetricSettings {
        value: ValueSettings::Share("status:Done".to_owned()),
        ..toml::from_str("name = \"fail-rate\"\nof = \"kind:work-item\"\nat = \"created\"\nvalue = \"count\"").unwrap()
    };
    let refused =
        |settings: &[MetricSettings]| custom_metrics(settings, &Vocabulary::default()).unwrap_err().to_string();
    let other = MetricSettings { value: ValueSettings::Count, ..settings.clone() };
    check(
        &[
            ("H12", refused(&[settings])),
            ("H20", refused(&[other.clone(), MetricSettings { version: "custom/2".to_owned(), ..other }])),
        ],
        expect![[r"
            H12: metric `fail-rate` is a share of what may not be over yet
            H20: metric `fail-rate` is defined twice
        "]],
    );
}

/// `ana` opens; a review is "clock who" with `+` for an approval.
fn change(first_commit: &str, opened: &str, reviews: &str, merged: &str, deployed: Option<&str>) -> Vec<Sample> {
    let person = |name: &str| Reference::Name(name.to_owned());
    let state = if merged.is_empty() { ChangeState::Open } else { ChangeState::Merged };
    let change = Change::default().author(person("ana")).created_at(at(opened)).merged_at(at(merged)).state(state);
    let review = |text: &str| {
        let (clock, who) = text.split_once(' ').unwrap();
        let verdict = who.ends_with('+').then_some(ReviewVerdict::Approved);
        Review::default().author(person(who.trim_end_matches('+'))).submitted_at(at(clock)).verdict(verdict)
    };
    let reviews: Vec<Review> = reviews.split(", ").filter(|text| !text.is_empty()).map(review).collect();
    let deployed: Vec<(String, Deployed)> =
        deployed.iter().map(|clock| ("shop".to_owned(), at(clock).map_or(Deployed::NoBase, Deployed::At))).collect();
    let facts =
        ChangeFacts { change: &change, reviews: &reviews, first_commit_at: at(first_commit), deployed: &deployed };
    change_samples(&"change:gh:1".parse().unwrap(), &facts, &Context::default())
}

#[test]
fn changes() {
    let seconds = |from: &str, to: &str| -> u64 {
        let at = |clock: &str| format!("2026-03-02T{clock}Z").parse::<Timestamp>().unwrap();
        at(to).since(at(from)).unwrap().0
    };
    let early = change("2T09:00", "2T10:00", "2T09:59 bo", "2T11:00", Some("2T12:00"));
    let late_commit = change("2T10:10", "2T10:00", "", "2T11:00", Some("2T11:00"));
    let approved = change("2T09:00", "2T10:00", "2T10:30 bo+", "2T11:00", None);
    let d2 = CompatChange {
        first_commit: at("1T00:00"),
        opened: at("2T00:00"),
        merged: at("3T00:00"),
        ..CompatChange::default()
    };
    check(
        &[
            ("D2", show(&change("1T00:00", "2T00:00", "", "3T00:00", None), "change-lead-time")),
            ("D2 (theirs)", devlake_minutes(&d2)),
            ("D3", format!("pickup {}", show(&early, "pickup-time"))),
            ("D4", (3 * seconds("10:00:00", "10:01:01")).to_string()),
            ("D6", show(&change("2T09:00", "2T10:00", "", "2T11:00", Some("")), "change-lead-time")),
            ("D8 author", show(&change("2T09:00", "2T10:00", "2T10:01 ana", "2T11:00", None), "unreviewed-rate")),
            ("D8 bot", show(&change("2T09:00", "2T10:00", "2T10:01 ci[bot]+", "2T11:00", None), "unreviewed-rate")),
            ("D8 peer", show(&approved, "unreviewed-rate")),
            ("M1", show(&change("2T09:00", "2T10:00", "2T10:01 ana, 2T11:00 bo", "2T12:00", None), "pickup-time")),
            ("M2", show(&late_commit, "change-lead-time")),
            ("M2 coding", show(&late_commit, "change-lead-time.coding")),
            ("M4 approved after", show(&approved, "pickup-time")),
            ("M4 rework", show(&approved, "rework-time")),
        ],
        expect![[r"
            D2: not-reached
            D2 (theirs): 2880
            D3: pickup 0
            D4: 183000
            D6: no-base
            D8 author: 1
            D8 bot: 1
            D8 peer: 0
            M1: 3600000
            M2: 3600000
            M2 coding: 0
            M4 approved after: 1800000
            M4 rework: 0
        "]],
    );
}

fn devlake_minutes(change: &CompatChange) -> String {
    let calendar = Calendar::default();
    let changes = [*change];
    let window = (sure("1T00:00"), sure("9T00:00"));
    let facts = CompatFacts { deployments: &[], incidents: &[], changes: &changes, window, calendar: &calendar };
    (compat(Family::Devlake2023, "change-lead-time", &facts).unwrap().value.unwrap() / MINUTE).to_string()
}

#[test]
fn a_share_of_linked_changes_is_of_those_that_are_linked() {
    let linked = |title: &str| {
        let change = Change::default().title(title.to_owned()).state(ChangeState::Merged).merged_at(at("10:00"));
        let facts = ChangeFacts { change: &change, reviews: &[], first_commit_at: None, deployed: &[] };
        let samples = change_samples(&"change:gh:1".parse().unwrap(), &facts, &Context::default());
        samples.iter().find(|sample| sample.metric == "linked-rate").unwrap().value.unwrap()
    };
    let titles = [
        "PROJ-1: fix",
        "PROJ-2 and more",
        "chore",
        "PROJ-4",
        "PROJ-5",
        "PROJ-6",
        "UTF-8",
        "docs",
        "PROJ-9",
        "x PROJ-10",
    ];
    let unlinked = 1.0 - titles.iter().map(|title| linked(title)).sum::<f64>() / 10.0;
    check(
        &[("D7", format!("{:.0} % unlinked", unlinked * 100.0))],
        expect![[r"
        D7: 30 % unlinked
    "]],
    );
}

/// A build whose stages run side by side takes as long as it took, whatever the stages add up to.
#[test]
fn stages_are_not_added_up() {
    let stage = |key: &str| Stage {
        key: key.to_owned(),
        started_at: at("10:00"),
        finished_at: at("10:10"),
        ..Stage::default()
    };
    let build = Build::default().stages(["a", "b", "c"].map(stage)).started_at(at("10:00")).finished_at(at("10:11"));
    let samples = own_samples(&"build:ci:1".parse().unwrap(), &Entity::from(build), &Context::default());
    check(
        &[("side by side", show(&samples, "build-duration"))],
        expect![[r"
        side by side: 660000
    "]],
    );
}

#[test]
fn results_that_say_nothing_about_the_code_stand_apart() {
    let results = [
        &[const { RunResult::Success }; 6][..],
        &[RunResult::Unstable, RunResult::Unstable, RunResult::Cancelled, RunResult::Failure],
    ];
    let sample = |result: &RunResult| {
        let build = Build::default().result(result.clone()).finished_at(at("10:00"));
        let samples = own_samples(&"build:ci:1".parse().unwrap(), &Entity::from(build), &Context::default());
        samples.into_iter().find(|sample| sample.metric == "build-success").unwrap()
    };
    let samples: Vec<Sample> = results.concat().iter().map(sample).collect();
    let known: Vec<f64> = samples.iter().filter_map(|sample| sample.value).collect();
    let unknown: Vec<String> = samples.iter().filter_map(|sample| sample.unknown.clone()).collect();
    check(
        &[("D9", format!("{}/{}, apart: {}", known.iter().sum::<f64>(), known.len(), unknown.join(" ")))],
        expect![[r"
            D9: 6/9, apart: cancelled
        "]],
    );
}

fn deployment(finished: &str, kind: DeploymentKind, result: RunResult) -> Deployment {
    let environment = Environment { name: "production".to_owned(), class: None };
    let finished_at = at(finished);
    Deployment::default()
        .service("shop".to_owned())
        .environment(environment)
        .finished_at(finished_at)
        .kind(kind)
        .result(result)
}

/// The worked example: D2 brings about an incident, D3 rolls back, D5 repairs an outage that no deployment brought
/// about; an attempt fails before it reaches production.
struct Week {
    deployments: Vec<(EntityId, Deployment)>,
    incidents: Vec<Incident>,
}

fn week() -> Week {
    use RunResult::{Failure, Success};
    let row = |key: &str, finished: &str, kind, result| {
        (format!("deployment:cd:{key}").parse().unwrap(), deployment(finished, kind, result))
    };
    let incident = |created: &str, resolved: &str, of: &str, kind| {
        let link = IncidentLink { deployment: Reference::Key(of.to_owned()), kind };
        Incident::default().detected_at(at(created)).resolved_at(at(resolved)).deployments([link])
    };
    Week {
        deployments: vec![
            row("D1", "2T10:00", DeploymentKind::Deploy, Success),
            row("D2", "3T10:00", DeploymentKind::Deploy, Success),
            row("D3", "3T11:45", DeploymentKind::Rollback, Success),
            row("D4", "5T09:00", DeploymentKind::Deploy, Success),
            row("attempt", "6T15:00", DeploymentKind::Deploy, Failure),
            row("D5", "6T16:00", DeploymentKind::Deploy, Success),
        ],
        incidents: vec![
            incident("3T10:30", "3T12:00", "D2", IncidentLinkKind::Caused),
            incident("6T15:30", "", "D5", IncidentLinkKind::Fixed),
        ],
    }
}

fn of_deployments(deployments: Vec<(EntityId, Deployment)>, incidents: &[Incident]) -> Vec<Sample> {
    let succeeded = |(_, deployment): &(EntityId, Deployment)| super::is_rollout(deployment);
    let rows = Rollouts::of(deployments.into_iter().filter(succeeded).collect()).counted;
    let context = Context::default();
    let mut linked: Vec<(EntityId, IncidentLinkKind, Incident)> = Vec::new();
    for incident in incidents {
        let all = involved(&"incident:cd:I".parse().unwrap(), incident, &rows, |_| None, context.look_back());
        linked.extend(decisive(incident, all).into_iter().map(|it| (it.deployment, it.kind, incident.clone())));
    }
    let mut samples = Vec::new();
    for (index, (id, deployment)) in rows.iter().enumerate() {
        let next = rows.get(index + 1).map(|(_, next)| next);
        let of_this = linked.iter().filter(|(linked, ..)| linked == id);
        let incidents: Vec<_> = of_this.map(|(_, kind, incident)| (kind.clone(), incident.clone())).collect();
        let facts = DeploymentFacts { deployment, incidents: &incidents, next };
        samples.extend(deployment_samples(id, &facts, &Context::default()));
    }
    samples
}

fn ours(samples: &[Sample], metric: &str) -> String {
    let known: Vec<f64> =
        samples.iter().filter(|sample| sample.metric == metric).filter_map(|sample| sample.value).collect();
    format!("{}/{}", known.iter().sum::<f64>(), known.len())
}

#[test]
fn the_worked_week_as_three_systems_see_it() {
    let Week { deployments, incidents } = week();
    let compat_deployments: Vec<CompatDeployment> = deployments
        .iter()
        .map(|(_, deployment)| CompatDeployment {
            finished_at: deployment.finished_at.unwrap(),
            succeeded: deployment.result == Some(RunResult::Success),
        })
        .collect();
    let compat_incidents: Vec<CompatIncident> = incidents
        .iter()
        .map(|incident| CompatIncident { created_at: incident.detected_at.unwrap(), resolved_at: incident.resolved_at })
        .collect();
    let calendar = Calendar::default();
    let window = (sure("2T00:00"), sure("9T00:00"));
    let facts = CompatFacts {
        deployments: &compat_deployments,
        incidents: &compat_incidents,
        changes: &[],
        window,
        calendar: &calendar,
    };
    let theirs = |family: Family, metric: &str| {
        let found = compat(family, metric, &facts).unwrap();
        format!("{:.3} {}", found.value.unwrap(), found.unit)
    };
    let samples = of_deployments(deployments.clone(), &incidents);
    let finished: Vec<Timestamp> =
        samples.iter().filter(|sample| sample.metric == "deployment-frequency").map(|sample| sample.at).collect();
    let rhythm = rhythm(&finished, window.0..window.1, &calendar);
    let attempts: Vec<Sample> = deployments
        .iter()
        .flat_map(|(id, deployment)| own_samples(id, &Entity::from(deployment.clone()), &Context::default()))
        .collect();
    let row = |metric: &str, ours: String| {
        format!("{ours} | {} | {}", theirs(Family::Devlake2023, metric), theirs(Family::Middleware1, metric))
    };
    check(
        &[
            ("frequency", row("deployment-frequency", format!("{}/7, {} days", finished.len(), rhythm.days))),
            ("fail rate", row("change-fail-rate", ours(&samples, "change-fail-rate"))),
            ("recovery", row("recovery-time", show(&samples, "recovery-time"))),
            ("rework rate", ours(&samples, "rework-rate")),
            ("attempts failed", ours(&attempts, "deployment-attempt-failure-rate")),
        ],
        expect![[r"
            frequency: 5/7, 4 days | 4.000 days-per-week | 0.714 per-day
            fail rate: 1/5 | 0.400 ratio | 0.333 ratio
            recovery: 7200000 | 7200000.000 ms | 5400000.000 ms
            rework rate: 2/5
            attempts failed: 1/6
        "]],
    );
}

#[test]
fn deployments() {
    let success = |key: &str, attempt| {
        let deployment = deployment("3T10:00", DeploymentKind::Deploy, RunResult::Success).attempt(attempt);
        (format!("deployment:cd:{key}").parse().unwrap(), deployment)
    };
    let again = vec![success("run/7/1", 1), success("run/7/2", 2)];
    let nothing = of_deployments(Vec::new(), &[]);
    let calendar = Calendar::default();
    let window = (sure("2T00:00"), sure("9T00:00"));
    let none = CompatFacts { deployments: &[], incidents: &[], changes: &[], window, calendar: &calendar };
    let theirs = compat(Family::Middleware1, "change-fail-rate", &none).unwrap().value;
    // Of the same service, and too long after the deployment.
    let unlinked = Incident::default().services(["shop".to_owned()]).detected_at(at("30T10:00"));
    check(
        &[
            ("M3", format!("{} (theirs {theirs:?})", show(&nothing, "change-fail-rate"))),
            ("M5", show(&of_deployments(vec![success("a", 1)], &[unlinked]), "change-fail-rate")),
            ("G1", show(&of_deployments(again, &[]), "deployment-frequency")),
        ],
        expect![[r"
            M3: none (theirs Some(0.0))
            M5: 0
            G1: 1
        "]],
    );
}

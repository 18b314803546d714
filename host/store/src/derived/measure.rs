//! Measurements, to be run by hand: `cargo test --release -p weir-store measure -- --ignored --nocapture`, with
//! `WEIR_MEASURE_ENTITIES` entities.

use std::time::Instant;

use weir_model::entity::{AttributeValue, Build, RunResult};
use weir_model::metric::{DerivedRows, Lookup, Sample};
use weir_model::{Bucket, Entity, EntityId, SearchDocument, Seq, Timestamp};

use super::*;
use crate::index::{SearchQuery, Sort};
use crate::projection::{RecordEntities, SampleQuery};

const DAY: i64 = 86_400_000;
const TEAMS: u64 = 40;
const JOBS: u64 = 320;
const BATCH: u64 = 5_000;

/// A build of a year with as many builds as entities: `version` tells whether it failed and how long it took.
fn record(number: u64, entities: u64, seq: u64, version: u64) -> RecordEntities {
    let stream = weir_model::StreamId { integration: "ci".parse().unwrap(), dataset: "builds".parse().unwrap() };
    let id: EntityId = format!("build:ci:folder/job-{}/{number}", number % JOBS).parse().unwrap();
    let started_at = Timestamp::from_ms(signed(number) * 365 * DAY / signed(entities));
    let result = if (number + version).is_multiple_of(7) { RunResult::Failure } else { RunResult::Success };
    let mut build = Build::default().number(number).result(result).started_at(started_at);
    build.job = Some(format!("folder/job-{}", number % JOBS));
    for (key, value) in
        [("jenkins.node", "agent-linux-amd64"), ("jenkins.cause", "Started by an SCM change of the branch")]
    {
        build.attributes.insert(key.to_owned(), AttributeValue::Text(format!("{value} {}", number % 97).repeat(5)));
    }
    let version = signed(version);
    RecordEntities {
        stream,
        key: number.to_string(),
        version,
        seq: Seq(seq),
        said: None,
        entities: vec![(id, build.into())],
    }
}

fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap()
}

fn derived(entity: &Entity) -> DerivedRows {
    let Entity::Build(build) = entity else { return DerivedRows::default() };
    let number = build.number.unwrap();
    let sample = |metric: &str, value| Sample {
        metric: metric.to_owned(),
        at: build.started_at.unwrap(),
        value: Some(value),
        unknown: None,
        project: build.job.clone(),
        teams: vec![format!("team-{}", number % TEAMS)],
        service: None,
    };
    let failed = if build.result == Some(RunResult::Failure) { 1.0 } else { 0.0 };
    let duration = f64::from(u32::try_from(number * 7919 % 100_000).unwrap());
    let lookup = |name: &str, value: String, order| Lookup { name: name.to_owned(), value, order };
    DerivedRows {
        lookups: vec![
            lookup("line", build.job.clone().unwrap(), signed(number)),
            lookup("sha", format!("{:040x}", number.wrapping_mul(0x9E37_79B9_7F4A_7C15)), 0),
        ],
        own_metrics: vec!["build-duration".to_owned(), "build-success".to_owned()],
        samples: vec![sample("build-duration", duration + failed), sample("build-success", failed)],
    }
}

fn document(id: &EntityId, entity: &Entity) -> SearchDocument {
    let Entity::Build(build) = entity else { return SearchDocument::default() };
    let number = build.number.unwrap();
    let mut document =
        SearchDocument { title: Some(format!("Build {number} of {}", id.key)), ..SearchDocument::default() };
    let text = format!("timeout while waiting for agent {} then retry {}", number % 53, number % 11);
    document.text = Some(text);
    for (field, value) in [
        ("id", id.to_string()),
        ("kind", "build".to_owned()),
        ("integration", "ci".to_owned()),
        ("team", format!("Team {}", number % TEAMS)),
        ("project", build.job.clone().unwrap()),
        ("result", build.result.clone().unwrap().as_str().to_owned()),
        ("branch", format!("branch-{}", number % 200)),
        ("environment", format!("env-{}", number % 5)),
        ("labels", format!("label-{}", number % 30)),
    ] {
        document.add(field, value);
    }
    document.set_date("updated", build.started_at);
    document.set_number("number", Some(f64::from(u32::try_from(number).unwrap())));
    document
}

fn apply(derived_: &Derived, records: impl Iterator<Item = RecordEntities>) -> Vec<(EntityId, Option<SearchDocument>)> {
    let mut apply = derived_.projection.apply().unwrap();
    let mut documents = Vec::new();
    let mut last = Seq::ZERO;
    for record in records {
        for changed in apply.record(&record).unwrap() {
            let entity = changed.after.unwrap();
            apply.derive(&changed.id, &derived(&entity)).unwrap();
            documents.push((changed.id.clone(), Some(document(&changed.id, &entity))));
        }
        last = record.seq;
    }
    apply.finish(last).unwrap();
    documents
}

fn timed<T>(what: &str, run: impl FnOnce() -> T) -> T {
    let start = Instant::now();
    let result = run();
    eprintln!("{what}: {:.2} ms", start.elapsed().as_secs_f64() * 1e3);
    result
}

/// The median of some runs.
fn repeated<T>(what: &str, mut run: impl FnMut() -> T) {
    let mut times: Vec<_> = (0..9)
        .map(|_| {
            let start = Instant::now();
            run();
            start.elapsed().as_secs_f64() * 1e3
        })
        .collect();
    times.sort_by(f64::total_cmp);
    eprintln!("{what}: {:.2} ms", times[4]);
}

fn memory() -> String {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    status.lines().filter(|line| line.starts_with("VmRSS") || line.starts_with("VmHWM")).collect::<Vec<_>>().join(" ")
}

#[test]
#[ignore = "a measurement"]
fn measure() {
    let entities: u64 = std::env::var("WEIR_MEASURE_ENTITIES").map_or(100_000, |n| n.parse().unwrap());
    let dir = tempfile::tempdir().unwrap();
    let derived = Derived::open(dir.path(), &"measure".into()).unwrap();
    let start = Instant::now();
    let (mut projecting, mut indexing) = (0.0, 0.0);
    for first in (0..entities).step_by(usize::try_from(BATCH).unwrap()) {
        let start = Instant::now();
        let records = (first..entities.min(first + BATCH)).map(|number| record(number, entities, number + 1, 1));
        let documents = apply(&derived, records);
        projecting += start.elapsed().as_secs_f64();
        let start = Instant::now();
        derived.index.apply(&documents).unwrap();
        derived.index.commit(Seq(first)).unwrap();
        indexing += start.elapsed().as_secs_f64();
    }
    #[expect(clippy::cast_precision_loss, reason = "shown only")]
    let rate = |seconds: f64| entities as f64 / seconds;
    eprintln!(
        "{entities} entities in {:.1} s: {:.0}/s into the projection, {:.0}/s into the index",
        start.elapsed().as_secs_f64(),
        rate(projecting),
        rate(indexing)
    );
    eprintln!("model.db {} MB; {}", fs::metadata(dir.path().join("1/model.db")).unwrap().len() >> 20, memory());

    let spread = |round: u64| {
        (0..1000).map(move |n| record(n * entities / 1000, entities, entities + 1 + round * 1000 + n, 1 + round))
    };
    let recent = |round: u64| {
        (0..1000).map(move |n| record(entities - 1000 + n, entities, entities + 1 + round * 1000 + n, 1 + round))
    };
    let documents = timed("1,000 changed entities of the whole year", || apply(&derived, spread(6)));
    timed("1,000 changed entities of late", || apply(&derived, recent(13)));
    timed("1,000 that did not change", || apply(&derived, recent(13)));
    timed("1,000 documents", || {
        derived.index.apply(&documents).unwrap();
        derived.index.commit(Seq(entities)).unwrap();
    });

    let reader = derived.projection.reader().unwrap();
    let all = SampleQuery::of("build-duration");
    let team = SampleQuery { team: Some("team-7".to_owned()), ..all.clone() };
    repeated("365 days", || reader.cells(&all, Bucket::Day).unwrap());
    repeated("53 weeks", || reader.cells(&all, Bucket::Week).unwrap());
    repeated("53 weeks of a team", || reader.cells(&team, Bucket::Week).unwrap());
    repeated("total", || reader.total(&all).unwrap());
    repeated("total of a team", || reader.total(&team).unwrap());
    repeated("lookup", || reader.lookup("line", "folder/job-7", i64::MIN..=i64::MAX, true, 20).unwrap());

    let facets: Vec<_> =
        ["team", "project", "result", "branch", "environment", "labels", "kind"].map(str::to_owned).to_vec();
    let search = |filter: &str, facets: &[String], sort| {
        let query = SearchQuery { facets: facets.to_vec(), sort, ..SearchQuery::new(filter.parse().unwrap(), 20) };
        derived.index.search(&query).unwrap().total
    };
    for filter in [
        "*",
        "result:failure team:\"team 3\"",
        "timeout retry",
        "agent 7",
        "branch:*-1*",
        "NOT result:success",
        "updated:[1970-03-01 TO 1970-04-01]",
    ] {
        let total = search(filter, &facets, Sort::default());
        repeated(&format!("search `{filter}` ({total} hits), 7 facets"), || search(filter, &facets, Sort::default()));
        repeated(&format!("search `{filter}`, none"), || search(filter, &[], Sort::default()));
    }
    repeated("search `timeout agent` by relevance", || search("timeout agent", &[], Sort::Relevance));
    eprintln!("{}", memory());
}

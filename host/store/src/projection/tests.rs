use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use expect_test::{Expect, expect};
use proptest::prelude::*;
use weir_model::diagnostic::RecordOutcome;
use weir_model::entity::{Build, Commit, RunResult};
use weir_model::event::{EventNumber, NewEvent};
use weir_model::metric::{DerivedRows, Lookup, Sample};
use weir_model::statistics::{Sketch, percentile};
use weir_model::{Entity, EntityId, EntityKind, Seq, StreamId, Timestamp};

use super::*;
use weir_model::calendar::{Bucket, Calendar, first_day};

fn stream(text: &str) -> StreamId {
    let (integration, dataset) = text.split_once('/').unwrap();
    StreamId { integration: integration.parse().unwrap(), dataset: dataset.parse().unwrap() }
}

fn id(text: &str) -> EntityId {
    text.parse().unwrap()
}

fn temporary() -> (tempfile::TempDir, Projection) {
    let dir = tempfile::tempdir().unwrap();
    let projection = Projection::open(&dir.path().join("model.db"), &"one".into()).unwrap();
    (dir, projection)
}

/// `ci/builds 12/1 v7: build:ci:12/1 {"number":12}; ...`, nothing behind the colon for a withdrawn record.
fn record(seq: u64, text: &str) -> RecordEntities {
    let (head, entities) = text.split_once(": ").unwrap_or((text.trim_end_matches(':'), ""));
    let parts: Vec<_> = head.split(' ').collect();
    let entity = |text: &str| {
        let (entity, json) = text.split_once(' ').unwrap();
        let entity = id(entity);
        let document = Entity::read(&entity.kind, json).unwrap();
        (entity, document)
    };
    RecordEntities {
        stream: stream(parts[0]),
        key: parts[1].to_owned(),
        version: parts[2][1..].parse().unwrap(),
        seq: Seq(seq),
        said: None,
        entities: entities.split("; ").filter(|text| !text.is_empty()).map(entity).collect(),
    }
}

fn json(entity: Option<&Entity>) -> String {
    entity.map_or("none".to_owned(), Entity::to_json)
}

/// Applies records one after the other; shows what each changed, and then all entities with their contributions.
#[expect(clippy::needless_pass_by_value, reason = "an `Expect` is written in place")]
fn check(records: &[&str], expected: Expect) {
    let (_dir, projection) = temporary();
    let mut shown = String::new();
    for (seq, text) in (1..).zip(records) {
        let mut apply = projection.apply().unwrap();
        for Changed { id, before, after } in apply.record(&record(seq, text)).unwrap() {
            writeln!(shown, "{seq} {id}: {} -> {}", json(before.as_ref()), json(after.as_ref())).unwrap();
        }
        apply.finish(Seq(seq)).unwrap();
    }
    let reader = projection.reader().unwrap();
    for row in reader.changed_since(Seq::ZERO, 100).unwrap() {
        let contributions = reader.contributions(&row.id).unwrap();
        let from: Vec<_> = contributions.iter().map(|c| format!("{} {} v{}", c.stream, c.key, c.version)).collect();
        let entity = json(row.entity.as_ref());
        writeln!(shown, "{} = {entity} by {} from [{}]", row.id, row.updated_seq, from.join(", ")).unwrap();
    }
    expected.assert_eq(&shown);
}

#[test]
fn a_record_replaces_what_it_said() {
    check(
        &[
            r#"ci/builds 12 v1: build:ci:12 {"number":12}"#,
            r#"ci/builds 12 v2: build:ci:12 {"number":12,"result":"success"}"#,
            // Late, the same again, a new version that says the same, of equal versions the later one.
            r#"ci/builds 12 v1: build:ci:12 {"number":1}"#,
            r#"ci/builds 12 v2: build:ci:12 {"number":12,"result":"success"}"#,
            r#"ci/builds 12 v3: build:ci:12 {"number":12,"result":"success"}"#,
            r#"ci/builds 12 v3: build:ci:12 {"number":12,"result":"failure"}"#,
        ],
        expect![[r#"
            1 build:ci:12: none -> {"number":12}
            2 build:ci:12: {"number":12} -> {"number":12,"result":"success"}
            6 build:ci:12: {"number":12,"result":"success"} -> {"number":12,"result":"failure"}
            build:ci:12 = {"number":12,"result":"failure"} by 6 from [ci/builds 12 v3]
        "#]],
    );
}

#[test]
fn contributions_merge_by_rank_and_can_be_withdrawn() {
    check(
        &[
            r#"ci/builds 12 v1: build:ci:12 {"number":12,"job":"a"}"#,
            r#"ci/hooks x v5: build:ci:12 {"job":"b","result":"success"}; commit::abcdef1 {"message":"m"}"#,
            r#"git/commits abcdef1 v5: commit::abcdef1 {"message":"n"}"#,
            "ci/hooks x v6:",
            "git/commits abcdef1 v9:",
            r#"git/commits abcdef1 v8: commit::abcdef1 {"message":"late"}"#,
            r#"git/commits abcdef1 v9: commit::abcdef1 {"message":"back"}"#,
        ],
        expect![[r#"
            1 build:ci:12: none -> {"job":"a","number":12}
            2 commit::abcdef1: none -> {"message":"m"}
            2 build:ci:12: {"job":"a","number":12} -> {"job":"b","number":12,"result":"success"}
            3 commit::abcdef1: {"message":"m"} -> {"message":"n"}
            4 build:ci:12: {"job":"b","number":12,"result":"success"} -> {"job":"a","number":12}
            5 commit::abcdef1: {"message":"n"} -> none
            7 commit::abcdef1: none -> {"message":"back"}
            build:ci:12 = {"job":"a","number":12} by 4 from [ci/builds 12 v1]
            commit::abcdef1 = {"message":"back"} by 7 from [git/commits abcdef1 v9]
        "#]],
    );
}

#[test]
fn an_entity_of_another_kind_is_refused_and_leaves_no_trace() {
    let (_dir, projection) = temporary();
    let mut apply = projection.apply().unwrap();
    let mut wrong = record(1, r#"ci/builds 12 v1: build:ci:12 {"number":12}"#);
    wrong.entities[0].1 = Commit::default().into();
    let error = apply.record(&wrong).unwrap_err();
    assert_eq!(error.to_string(), "cannot apply what a record states about `build:ci:12`: it is of another kind");
    drop(apply);
    assert_eq!(projection.reader().unwrap().entity(&id("build:ci:12")).unwrap(), None);
}

#[test]
fn an_unfinished_transaction_leaves_no_trace_and_readers_see_one_moment() {
    let (_dir, projection) = temporary();
    let build = record(1, r#"ci/builds 12 v1: build:ci:12 {"number":12}"#);
    let mut apply = projection.apply().unwrap();
    apply.record(&build).unwrap();
    assert!(apply.entity(&id("build:ci:12")).unwrap().is_some());
    drop(apply);

    let before = projection.reader().unwrap();
    let mut apply = projection.apply().unwrap();
    apply.record(&build).unwrap();
    apply.finish(Seq(7)).unwrap();
    assert_eq!((before.watermark(), before.entity(&id("build:ci:12")).unwrap()), (Seq::ZERO, None));
    let after = projection.reader().unwrap();
    assert_eq!(after.watermark(), Seq(7));
    assert!(after.entity(&id("build:ci:12")).unwrap().is_some());
}

fn sample(metric: &str, at: i64, value: Option<f64>, team: Option<&str>, project: Option<&str>) -> Sample {
    let unknown = value.is_none().then(|| "not-reached".to_owned());
    let (teams, project) = (team.into_iter().map(str::to_owned).collect(), project.map(str::to_owned));
    Sample { metric: metric.to_owned(), at: Timestamp::from_ms(at), value, unknown, project, teams, service: None }
}

fn lookup(name: &str, value: &str, order: i64) -> Lookup {
    Lookup { name: name.to_owned(), value: value.to_owned(), order }
}

fn build(apply: &mut Apply<'_>, seq: u64, number: i64) -> EntityId {
    let text = format!(r#"ci/builds {number} v1: build:ci:{number} {{"number":{number}}}"#);
    apply.record(&record(seq, &text)).unwrap().pop().unwrap().id
}

#[test]
fn what_is_derived_follows_its_entity() {
    let (_dir, projection) = temporary();
    let mut apply = projection.apply().unwrap();
    for number in 1..=3 {
        let build = build(&mut apply, number, i64::try_from(number).unwrap());
        let order = i64::try_from(number).unwrap();
        let samples = vec![sample("build-duration", 0, Some(1.0), Some("a"), None)];
        let own_metrics = vec!["build-duration".to_owned()];
        let lookups = vec![lookup("line", "main", order), lookup("sha", "abc", 0)];
        apply.derive(&build, &DerivedRows { lookups, own_metrics, samples }).unwrap();
    }
    apply.finish(Seq(3)).unwrap();
    let ids = |rows: Vec<EntityRow>| rows.iter().map(|row| row.id.key.clone()).collect::<Vec<_>>().join(" ");
    let reader = projection.reader().unwrap();
    assert_eq!(ids(reader.lookup("line", "main", 1..=2, true, 9).unwrap()), "2 1");
    assert_eq!(ids(reader.lookup("line", "main", i64::MIN..=i64::MAX, false, 2).unwrap()), "1 2");
    assert_eq!(reader.total(&SampleQuery::of("build-duration")).unwrap().n, 3);
    assert_eq!(ids(reader.kind(&EntityKind::Build, Some(&id("build:ci:1")), 9).unwrap()), "2 3");
    assert_eq!(reader.kind(&EntityKind::Commit, None, 9).unwrap(), []);
    drop(reader);

    let mut apply = projection.apply().unwrap();
    apply
        .derive(&id("build:ci:1"), &DerivedRows { lookups: vec![lookup("line", "next", 1)], ..Default::default() })
        .unwrap();
    apply.record(&record(4, "ci/builds 2 v2:")).unwrap();
    apply.finish(Seq(4)).unwrap();
    let reader = projection.reader().unwrap();
    assert_eq!(ids(reader.lookup("line", "main", 0..=9, false, 9).unwrap()), "3");
    assert_eq!(reader.total(&SampleQuery::of("build-duration")).unwrap().n, 2);
    assert_eq!(reader.samples(&SampleQuery::of("build-duration")).unwrap().len(), 2);
    let counts: Vec<_> = reader.counts().unwrap().into_iter().map(|((_, kind), n)| (kind, n)).collect();
    assert_eq!(counts, [(EntityKind::Build, 2)]);
    assert!(reader.entity(&id("build:ci:2")).unwrap().unwrap().entity.is_none());
}

/// Entries and exits: the sum of a window that is open to the past is how many are inside when it ends.
#[test]
fn an_entity_can_say_several_things_about_a_metric() {
    let (_dir, projection) = temporary();
    let write = |seq, steps: [&[(i64, f64)]; 2]| {
        let mut apply = projection.apply().unwrap();
        for (number, steps) in (1..).zip(steps) {
            let build = if seq == 1 { build(&mut apply, seq, number) } else { id(&format!("build:ci:{number}")) };
            let samples = steps.iter().map(|(day, step)| sample("wip", day * DAY, Some(*step), None, None)).collect();
            let rows = DerivedRows { lookups: Vec::new(), own_metrics: vec!["wip".to_owned()], samples };
            apply.derive(&build, &rows).unwrap();
        }
        apply.finish(Seq(seq)).unwrap();
    };
    let levels = || {
        let reader = projection.reader().unwrap();
        let level = |day: i64| {
            let query = SampleQuery { to: Some(Timestamp::from_ms(day * DAY)), ..SampleQuery::of("wip") };
            let inside = reader.inside(&query).unwrap();
            assert!((reader.total(&query).unwrap().sum - f64::from(u32::try_from(inside.len()).unwrap())).abs() < 1e-9);
            inside.iter().map(|(id, at)| format!("{}@{}", id.key, at.ms() / DAY)).collect::<Vec<_>>().join(" ")
        };
        (1..7).map(level).collect::<Vec<_>>().join(", ")
    };
    write(1, [&[(0, 1.0), (1, -1.0), (3, 1.0)], &[(2, 1.0), (5, -1.0)]]);
    expect!["1@0, , 2@2, 1@0 2@2, 1@0 2@2, 1@0"].assert_eq(&levels());
    write(2, [&[(4, 1.0)], &[]]);
    expect![", , , , 1@4, 1@4"].assert_eq(&levels());
}

#[test]
fn nothing_can_be_stored_beside_what_is_not_there() {
    let (_dir, projection) = temporary();
    let mut apply = projection.apply().unwrap();
    let error = apply.derive(&id("build:ci:9"), &DerivedRows::default()).unwrap_err();
    assert_eq!(error.to_string(), "cannot store what is derived of `build:ci:9`: no record has named it");
}

#[test]
fn events_are_numbered_and_outcomes_kept() {
    let (_dir, projection) = temporary();
    let mut apply = projection.apply().unwrap();
    let event = |kind: &str| NewEvent {
        kind: kind.to_owned(),
        at: Timestamp::from_ms(0),
        seq: Seq(1),
        entity: id("build:ci:1"),
        changes: None,
    };
    let numbers = ["build.started", "build.finished"].map(|kind| apply.event(&event(kind)).unwrap());
    assert_eq!(numbers, [EventNumber(1), EventNumber(2)]);
    let ignored = |reason: &str| RecordOutcome::Ignored { reason: reason.to_owned() };
    apply.outcome(Seq(1), &stream("ci/builds"), "a", &ignored("one")).unwrap();
    apply.outcome(Seq(2), &stream("git/commits"), "b", &ignored("two")).unwrap();
    apply.finish(Seq(2)).unwrap();
    let reader = projection.reader().unwrap();
    let kinds = |after| reader.events(after, 9).unwrap().into_iter().map(|event| event.event.kind).collect::<Vec<_>>();
    assert_eq!(kinds(NO_EVENT), ["build.started", "build.finished"]);
    assert_eq!(kinds(EventNumber(1)), ["build.finished"]);
    assert_eq!(reader.last_event().unwrap(), EventNumber(2));
    let keys =
        |of: Option<&StreamId>| reader.outcomes(of, 9).unwrap().into_iter().map(|row| row.key).collect::<Vec<_>>();
    assert_eq!(keys(None), ["b", "a"]);
    assert_eq!(keys(Some(&stream("ci/builds"))), ["a"]);
}

#[test]
fn changes_are_paged_by_whole_records() {
    let (_dir, projection) = temporary();
    let mut apply = projection.apply().unwrap();
    build(&mut apply, 1, 1);
    apply.record(&record(2, "ci/all a v1: build:ci:2 {}; build:ci:3 {}; build:ci:4 {}")).unwrap();
    build(&mut apply, 3, 5);
    let page = |after, limit| {
        let rows = apply.changed_since(Seq(after), limit).unwrap();
        rows.iter().map(|row| row.updated_seq.0).collect::<Vec<_>>()
    };
    assert_eq!(page(0, 1), [1]);
    assert_eq!(page(0, 2), [1, 2, 2, 2]);
    assert_eq!(page(2, 2), [3]);
    assert_eq!(page(3, 2), [0; 0]);
}

#[test]
fn what_is_no_projection_is_damage() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("model.db");
    std::fs::write(&path, "this is not a database, but it is long enough to look like one".repeat(100)).unwrap();
    assert!(Projection::open(&path, &"one".into()).unwrap_err().is_damage());

    let path = dir.path().join("other.db");
    drop(Projection::open(&path, &"one".into()).unwrap());
    Connection::open(&path).unwrap().pragma_update(None, "user_version", 99).unwrap();
    let error = Projection::open(&path, &"one".into()).unwrap_err();
    assert!(error.is_damage());
    let source = std::error::Error::source(&error).unwrap().to_string();
    assert_eq!(source, format!("it is of format 99, this version of Weir reads format {}", super::FORMAT));
}

// Properties.

const DAY: i64 = 86_400_000;

fn records() -> impl Strategy<Value = Vec<RecordEntities>> {
    let result = prop_oneof![Just(None), Just(Some(RunResult::Success)), Just(Some(RunResult::Failure))];
    let number = prop_oneof![Just(None), (0..9_u64).prop_map(Some)];
    let labels = prop::collection::vec(0.01..9e9_f64, 0..3);
    let entity = (0..4_u8, result, number, labels).prop_map(|(key, result, number, labels)| {
        let mut build = Build::default().result(result).number(number);
        for (place, number) in labels.into_iter().enumerate() {
            build.attributes.insert(place.to_string(), weir_model::entity::AttributeValue::Decimal(number));
        }
        (id(&format!("build:ci:{key}")), Entity::from(build))
    });
    let record = (0..3_u8, 0..3_u8, 0..4_i64, prop::collection::vec(entity, 0..3));
    prop::collection::vec(record, 1..25).prop_map(|records| {
        // Of equal versions the last accepted wins by design, so here each version of a key says one thing.
        let mut versions = BTreeMap::new();
        for (stream_, key, version, entities) in records {
            versions.entry((stream_, key, version)).or_insert(entities);
        }
        let record = |(seq, ((dataset, key, version), entities)): (u64, _)| RecordEntities {
            stream: stream(&format!("ci/data{dataset}")),
            key: format!("key{key}"),
            version,
            seq: Seq(seq),
            said: None,
            entities,
        };
        (1..).zip(versions).map(record).collect()
    })
}

/// Applies records in batches, each with what a stage might derive; gives a dump of the file.
fn dump(records: &[RecordEntities], batch: usize) -> Vec<u8> {
    let (dir, projection) = temporary();
    apply_all(&projection, records, batch);
    dump_of(dir.path(), &projection)
}

/// The same of one that was filled in a hurry.
fn hurried_dump(records: &[RecordEntities], batch: usize) -> Vec<u8> {
    let (dir, projection) = temporary();
    projection.hurry().unwrap();
    apply_all(&projection, records, batch);
    projection.settle().unwrap();
    dump_of(dir.path(), &projection)
}

fn dump_of(dir: &Path, projection: &Projection) -> Vec<u8> {
    let to = dir.join("dump.db");
    projection.canonical_dump(&to).unwrap();
    std::fs::read(to).unwrap()
}

fn apply_all(projection: &Projection, records: &[RecordEntities], batch: usize) {
    for records in records.chunks(batch) {
        let mut apply = projection.apply().unwrap();
        for record in records {
            for changed in apply.record(record).unwrap() {
                apply.derive(&changed.id, &derived(changed.after.as_ref())).unwrap();
                apply.event(&event(record, &changed)).unwrap();
            }
        }
        apply.finish(records.last().unwrap().seq).unwrap();
    }
}

fn derived(entity: Option<&Entity>) -> DerivedRows {
    let Some(Entity::Build(build)) = entity else { return DerivedRows::default() };
    let number = build.number.map_or(-1, |number| i64::try_from(number).unwrap());
    let value = build.attributes.get("0").map(|value| match value {
        weir_model::entity::AttributeValue::Decimal(value) => *value,
        _ => 0.0,
    });
    let team = build.result.as_ref().map(RunResult::as_str);
    let samples = vec![sample("build-duration", number * DAY / 3, value, team, Some("p"))];
    DerivedRows {
        lookups: vec![lookup("line", "main", number)],
        own_metrics: vec!["build-duration".to_owned()],
        samples,
    }
}

fn event(record: &RecordEntities, changed: &Changed) -> NewEvent {
    let kind = "build.changed".to_owned();
    NewEvent { kind, at: Timestamp::from_ms(0), seq: record.seq, entity: changed.id.clone(), changes: None }
}

/// All that must not depend on the order of arrival.
fn content(projection: &Projection) -> String {
    let reader = projection.reader().unwrap();
    let mut shown = String::new();
    for row in reader.kind(&EntityKind::Build, None, 100).unwrap() {
        // A tombstone is what an entity leaves that was there for a while: whether it was, does depend on the order.
        let Some(entity) = row.entity else { continue };
        let from = reader.contributions(&row.id).unwrap();
        let from: Vec<_> = from.iter().map(|c| (c.stream.to_string(), &c.key, c.version)).collect();
        writeln!(shown, "{} {} {from:?}", row.id, entity.to_json()).unwrap();
    }
    let query = SampleQuery::of("build-duration");
    let mut samples = reader.samples(&query).unwrap();
    samples.sort_by(|a, b| a.entity.cmp(&b.entity));
    writeln!(shown, "{samples:?}").unwrap();
    for team in [None, Some("success".to_owned()), Some("failure".to_owned())] {
        let query = SampleQuery { team, ..query.clone() };
        writeln!(shown, "{:?}", reader.cells(&query, Bucket::Day).unwrap()).unwrap();
    }
    writeln!(shown, "{:?}", reader.counts().unwrap()).unwrap();
    shown
}

#[derive(Debug, Clone)]
struct Numbers {
    samples: Vec<Sample>,
    query: SampleQuery,
    calendar: Calendar,
}

fn numbers() -> impl Strategy<Value = Numbers> {
    let name = |names: &'static [&'static str]| prop::option::of(prop::sample::select(names));
    let (team, project, service) = (name(&["a", "b"]), name(&["p", "q"]), name(&["s", "t"]));
    let value = prop::option::weighted(0.9, -50.0..1e6_f64);
    // Many on one day, where a tile keeps what they come to instead of them.
    let at = prop_oneof![-20 * DAY..60 * DAY, 0..DAY / 2];
    let one =
        (at, value, team.clone(), project.clone(), service.clone()).prop_map(|(at, value, team, project, service)| {
            let service = service.map(str::to_owned);
            let above = team.filter(|team| *team == "a").map(|_| "b".to_owned());
            let mut sample = Sample { service, ..sample("m", at, value, team, project) };
            sample.teams.extend(above);
            sample
        });
    let end = || prop::option::of(prop_oneof![-20 * DAY..60 * DAY, (-20..60_i64).prop_map(|day| day * DAY)]);
    let query = (end(), end(), team, project, service).prop_map(|(from, to, team, project, service)| SampleQuery {
        metric: "m".to_owned(),
        from: from.map(Timestamp::from_ms),
        to: to.map(Timestamp::from_ms),
        team: team.map(str::to_owned),
        project: project.map(str::to_owned),
        service: service.map(str::to_owned),
    });
    let zone = prop::sample::select(vec!["UTC", "Europe/Berlin", "America/St_Johns", "Pacific/Apia"]);
    (prop::collection::vec(one, 0..60), query, zone).prop_map(|(samples, query, zone)| {
        let calendar = Calendar::of_zone(zone).unwrap();
        Numbers { samples, query, calendar }
    })
}

impl Numbers {
    fn projection(&self) -> (tempfile::TempDir, Projection) {
        let dir = tempfile::tempdir().unwrap();
        let definition = Definition { calendar: self.calendar.clone(), ..Definition::from("one") };
        let projection = Projection::open(&dir.path().join("model.db"), &definition).unwrap();
        self.store(&projection);
        (dir, projection)
    }

    /// The teams, projects or services of the wanted samples.
    fn names(&self, by: Dimension) -> Vec<String> {
        let names = self.wanted().flat_map(|sample| match by {
            Dimension::Team => sample.teams.clone(),
            Dimension::Project => Vec::from_iter(sample.project.clone()),
            Dimension::Service => Vec::from_iter(sample.service.clone()),
        });
        let is_other =
            |name: &String| by == Dimension::Team && self.query.team.as_ref().is_some_and(|team| team != name);
        names.filter(|name| !is_other(name)).collect::<BTreeSet<_>>().into_iter().collect()
    }

    /// The samples first stand elsewhere or are more, then move or go. Each entity has two.
    fn store(&self, projection: &Projection) {
        let pairs = || (1..).zip(self.samples.chunks(2));
        let mut apply = projection.apply().unwrap();
        for (number, samples) in pairs() {
            let build = build(&mut apply, u64::try_from(number).unwrap(), number);
            let elsewhere = |sample: &Sample| Sample { at: Timestamp::from_ms(number * DAY), ..sample.clone() };
            let mut elsewhere: Vec<Sample> = samples.iter().map(elsewhere).collect();
            elsewhere.push(samples[0].clone());
            apply.set_samples(&["m"], &build, &elsewhere).unwrap();
        }
        apply.finish(Seq(1)).unwrap();
        let mut apply = projection.apply().unwrap();
        for (number, samples) in pairs() {
            apply.set_samples(&["m"], &id(&format!("build:ci:{number}")), samples).unwrap();
        }
        apply.finish(Seq(2)).unwrap();
    }

    fn wanted(&self) -> impl Iterator<Item = &Sample> {
        let Self { samples, query, .. } = self;
        samples.iter().filter(|sample| {
            query.from.is_none_or(|from| from <= sample.at)
                && query.to.is_none_or(|to| sample.at < to)
                && query.team.as_ref().is_none_or(|team| sample.teams.contains(team))
                && (query.project.is_none() || query.project == sample.project)
                && (query.service.is_none() || query.service == sample.service)
        })
    }

    fn cells(&self, by: Bucket) -> Vec<Parts> {
        let mut buckets: BTreeMap<i64, (Vec<f64>, u64)> = BTreeMap::new();
        for sample in self.wanted() {
            let bucket = buckets.entry(first_day(self.calendar.day_of(sample.at), by)).or_default();
            bucket.0.extend(sample.value);
            bucket.1 += u64::from(sample.value.is_none());
        }
        let cell = |(day, (mut values, unknown)): (i64, (Vec<f64>, u64))| -> Parts {
            values.sort_by(f64::total_cmp);
            let p = |p| percentile(&values, p);
            let statistics = [p(0.0), p(1.0), p(0.5), p(0.75), p(0.9), p(0.95)];
            (self.calendar.start_of(day), values.len() as u64, unknown, values.iter().sum(), statistics)
        };
        buckets.into_iter().map(cell).collect()
    }
}

/// Start, n, unknown, sum; smallest, largest and the percentiles.
type Parts = (Timestamp, u64, u64, f64, [Option<f64>; 6]);

fn parts(cell: &Cell) -> Parts {
    let statistics = [cell.min, cell.max, cell.p50, cell.p75, cell.p90, cell.p95];
    (cell.at, cell.n, cell.unknown, cell.sum, statistics)
}

fn is_near(near: Option<f64>, exact: Option<f64>, largest: f64) -> bool {
    match (near, exact) {
        (Some(near), Some(exact)) => (near - exact).abs() <= Sketch::RELATIVE_ERROR * largest.max(exact.abs()) + 1e-9,
        (near, exact) => near == exact,
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn batches_do_not_show(records in records()) {
        let one = dump(&records, 1);
        prop_assert!(one == dump(&records, 7));
        prop_assert!(one == dump(&records, 1000));
        prop_assert!(one == hurried_dump(&records, 7));
    }

    #[test]
    fn the_order_of_arrival_does_not_show(records in records(), order in any::<prop::sample::Index>(), again in any::<u64>()) {
        let (_one, in_order) = temporary();
        apply_all(&in_order, &records, 5);
        let mut other = records.clone();
        other.reverse();
        other.rotate_left(order.index(records.len()));
        other.extend(records.iter().enumerate().filter(|(place, _)| again >> (place % 64) & 1 == 1).map(|(_, r)| r.clone()));
        // Positions only grow, as in a log; they are all that may differ.
        for (record, seq) in other.iter_mut().zip(1..) {
            record.seq = Seq(seq);
        }
        let (_two, shuffled) = temporary();
        apply_all(&shuffled, &other, 3);
        prop_assert_eq!(content(&in_order), content(&shuffled));
    }

    #[test]
    fn cells_are_the_statistics_of_their_samples(numbers in numbers()) {
        let (_dir, projection) = numbers.projection();
        let reader = projection.reader().unwrap();
        for by in [Bucket::Day, Bucket::Week, Bucket::Month] {
            let cells = reader.cells(&numbers.query, by).unwrap();
            prop_assert!(cells.iter().all(|cell| cell.exact));
            prop_assert_eq!(cells.iter().map(parts).collect::<Vec<_>>(), numbers.cells(by));

            let merged = reader.merged(&numbers.query, |day| first_day(day, by)).unwrap();
            prop_assert_eq!(merged.len(), cells.len());
            for (near, exact) in merged.iter().zip(&cells) {
                let largest = exact.min.into_iter().chain(exact.max).fold(0.0, |a: f64, b| a.max(b.abs()));
                let largest = if exact.min.is_some_and(|min| min < 0.0) { largest } else { 0.0 };
                prop_assert_eq!((near.at, near.n, near.unknown, near.min, near.max), (exact.at, exact.n, exact.unknown, exact.min, exact.max));
                prop_assert!((near.sum - exact.sum).abs() <= 1e-6);
                for (near, exact) in [(near.p50, exact.p50), (near.p75, exact.p75), (near.p90, exact.p90), (near.p95, exact.p95)] {
                    prop_assert!(is_near(near, exact, largest), "{:?} for {:?}", near, exact);
                }
            }
        }
        let total = reader.total(&numbers.query).unwrap();
        prop_assert_eq!(total.n + total.unknown, numbers.wanted().count() as u64);
        prop_assert_eq!(reader.samples(&numbers.query).unwrap().len(), numbers.wanted().count());
        prop_assert_eq!(reader.reasons(&numbers.query).unwrap().values().sum::<u64>(), total.unknown);
        let mut ever = numbers;
        (ever.query.from, ever.query.to) = (None, None);
        for by in [Dimension::Team, Dimension::Project, Dimension::Service] {
            prop_assert_eq!(reader.groups(&ever.query, by).unwrap(), ever.names(by));
        }
    }
}

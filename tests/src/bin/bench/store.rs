//! The stores alone: the log, the projection with its tiles, and the search index over 100,000 builds.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use weir_model::{
    AccountId, Bucket, DatasetName, Entity, EntityId, IntegrationName, RawRecord, Seq, StreamId, Timestamp,
};
use weir_stages::normalise::{Arrival, Format, Outcome, native, record_key, rows};
use weir_stages::{Context, ContextSettings, facets};
use weir_store::{
    Commit, Derived, Keys, Log, LogLimits, LogOptions, OsDisk, Put, RecordEntities, SampleQuery, SearchQuery, StateKey,
};

use crate::builds::build;
use crate::figures::{print, print_spread};

const ENTITIES: u64 = 100_000;
const BATCH: u64 = 2_000;
const CHANGED: u64 = 1_000;
const FACETS: [&str; 7] = ["kind", "project", "result", "branch", "person", "integration", "job"];

/// Measures.
pub(crate) fn run() {
    let folder = tempfile::tempdir().unwrap();
    log(&folder.path().join("log"));
    derived(&folder.path().join("derived"));
}

fn stream() -> StreamId {
    StreamId { integration: IntegrationName::new("push").unwrap(), dataset: DatasetName::new("builds").unwrap() }
}

fn log(dir: &Path) {
    let account = AccountId::new("bench").unwrap();
    let keys = Arc::new(Keys::open_or_create(&dir.join("keys"), &account).unwrap());
    let options =
        LogOptions { dir: dir.join("bench"), account, keys, disk: Arc::new(OsDisk), limits: LogLimits::default() };
    let log = Log::open(options).unwrap();
    for n_threads in [1, 64] {
        append(&log, n_threads);
    }
    pages(&log);
    read(&log, "the journal");
    let started = Instant::now();
    log.seal().unwrap();
    print("log: seal of a generation", started.elapsed().as_secs_f64(), "s", "", "packed, verified");
    read(&log, "packs");
    let bytes: u64 = log.health().generations.iter().map(|generation| generation.bytes).sum();
    print("log: bytes kept of a record", bytes as f64 / log.last().0 as f64, "bytes", "", "of about 2 kB");
    log.close().unwrap();
}

/// One record a commit, each thread waiting for its own.
fn append(log: &Log, n_threads: u64) {
    let n_appends = AtomicU64::new(0);
    let started = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..n_threads {
            scope.spawn(|| {
                while started.elapsed() < Duration::from_secs(3) {
                    let number = n_appends.fetch_add(1, Ordering::Relaxed);
                    let record = RawRecord::upsert(number.to_string(), None, build("log", number));
                    let commit = Commit {
                        records: vec![(stream(), record)],
                        received_at: Timestamp::from_ms(1),
                        puts: Vec::new(),
                    };
                    log.append(commit).unwrap();
                }
            });
        }
    });
    let rate = n_appends.into_inner() as f64 / started.elapsed().as_secs_f64();
    print(&format!("log: append, {n_threads} threads"), rate, "records/s", "", "one record a commit, synced");
}

/// Pages of 100 with a cursor, one after the other.
fn pages(log: &Log) {
    let page = |page: u64| {
        (0..100).map(move |n| RawRecord::upsert(format!("{page}/{n}"), None, build("page", page * 100 + n)))
    };
    let pages: Vec<Vec<_>> = (0..200).map(|number| page(number).map(|record| (stream(), record)).collect()).collect();
    let bytes: usize = pages.iter().flatten().map(|(_, record)| record.size()).sum();
    let n: usize = pages.iter().map(Vec::len).sum();
    let started = Instant::now();
    for records in pages {
        let puts = vec![Put::set(StateKey::new(&["cursor"]), "next")];
        log.append(Commit { records, received_at: Timestamp::from_ms(2), puts }).unwrap();
    }
    let seconds = started.elapsed().as_secs_f64();
    let note = format!("{:.0} MB/s, each page synced with its cursor", bytes as f64 / seconds / 1e6);
    print("log: append of pages of 100", n as f64 / seconds, "records/s", "", &note);
}

fn read(log: &Log, from: &str) {
    let started = Instant::now();
    let (mut after, mut n, mut bytes) = (Seq::ZERO, 0, 0);
    loop {
        let batch = log.read(after, 2_000, 8 << 20).unwrap();
        if batch.next == after {
            break;
        }
        n += batch.records.len();
        bytes += batch.records.iter().map(|record| record.record.size()).sum::<usize>();
        after = batch.next;
    }
    let seconds = started.elapsed().as_secs_f64();
    print(
        &format!("log: read from {from}"),
        n as f64 / seconds,
        "records/s",
        "",
        &format!("{:.0} MB/s", bytes as f64 / seconds / 1e6),
    );
}

fn derived(dir: &Path) {
    std::fs::create_dir_all(dir).unwrap();
    let stores = Derived::open(dir, &"bench".into()).unwrap();
    let context = Context::new(ContextSettings::default()).unwrap();
    let started = Instant::now();
    let mut applying = Duration::ZERO;
    for first in (0..ENTITIES).step_by(usize::try_from(BATCH).unwrap()) {
        let stated: Vec<_> = (first..first + BATCH).map(|number| stated("store", number, number)).collect();
        let began = Instant::now();
        apply(&stores, &context, &stated, Seq(first + BATCH));
        applying += began.elapsed();
    }
    let note =
        format!("{ENTITIES} builds in batches of {BATCH}, {:.1} s with normalising", started.elapsed().as_secs_f64());
    print("store: apply and index", ENTITIES as f64 / applying.as_secs_f64(), "entities/s", "", &note);
    changes(&stores, &context);
    tiles(&stores);
    searches(&stores);
}

/// What one record of a build says, as of version `version`.
fn stated(sender: &str, number: u64, version: u64) -> RecordEntities {
    let text = build(sender, number).replace("61000", &(61_000 + version).to_string());
    let row = rows(text.as_bytes()).next().unwrap().unwrap();
    let key = record_key(Format::Builds, &row.object).unwrap().key;
    let version = i64::try_from(version).unwrap();
    let record = RawRecord::upsert(key.clone(), Some(version), row.bytes);
    let made = native(Format::Builds, &record, Arrival::default());
    let Outcome::Produced(made) = made.outcome else { panic!("no build: {:?}", made.diagnostics) };
    let integration = stream().integration;
    let entities = made.into_iter().map(|made| (made.id(&integration), made.entity)).collect();
    RecordEntities { stream: stream(), key, version, seq: Seq(number + 1), said: None, entities }
}

fn apply(stores: &Derived, context: &Context, stated: &[RecordEntities], watermark: Seq) {
    let mut apply = stores.projection.apply().unwrap();
    let mut documents = Vec::new();
    for record in stated {
        for changed in apply.record(record).unwrap() {
            let after = changed.after.as_ref().unwrap();
            apply.derive(&changed.id, &facets::derived(&changed.id, after, context)).unwrap();
            documents.push((changed.id.clone(), Some(facets::search_document(&changed.id, after, context))));
        }
    }
    apply.finish(watermark).unwrap();
    stores.index.apply(&documents).unwrap();
    stores.index.commit(watermark).unwrap();
}

fn changes(stores: &Derived, context: &Context) {
    let mut rounds: Vec<_> = (1..=20_u64)
        .map(|round| {
            let numbers = (0..CHANGED).map(|n| n * (ENTITIES / CHANGED) + round);
            let stated: Vec<_> = numbers
                .map(|number| {
                    let mut stated = stated("store", number, ENTITIES + round);
                    for (_, entity) in &mut stated.entities {
                        rename(entity, round);
                    }
                    stated
                })
                .collect();
            let started = Instant::now();
            apply(stores, context, &stated, Seq(ENTITIES + round));
            started.elapsed()
        })
        .collect();
    print_spread(
        &format!("store: {CHANGED} changed of {ENTITIES}"),
        &mut rounds,
        "",
        "merged, derived, tiles, indexed, durable",
    );
}

fn rename(entity: &mut Entity, round: u64) {
    if let Entity::Build(build) = entity {
        build.title = Some(format!("again {round}"));
    }
}

fn tiles(stores: &Derived) {
    let query = SampleQuery::of("build-success");
    let asked = || stores.projection.reader().unwrap();
    assert!(asked().total(&query).unwrap().n > 0, "there are samples");
    let mut weeks = timed(200, || assert!(!asked().cells(&query, Bucket::Week).unwrap().is_empty()));
    print_spread("store: tiles by week", &mut weeks, "", "all builds of half a year");
    let mut totals = timed(50, || assert!(asked().total(&query).unwrap().n > 0));
    print_spread("store: total with exact percentiles", &mut totals, "", "over all samples");
    let id: EntityId = stated("store", 7, 7).entities[0].0.clone();
    let mut one = timed(1_000, || assert!(asked().entity(&id).unwrap().is_some()));
    print_spread("store: one entity", &mut one, "", "");
}

fn searches(stores: &Derived) {
    let facets: Vec<String> = FACETS.map(str::to_owned).to_vec();
    for text in ["", "kind:build AND result:failure", "project:*service-7 AND branch:main"] {
        let query = SearchQuery { facets: facets.clone(), ..SearchQuery::new(text.parse().unwrap(), 20) };
        let found = stores.index.search(&query).unwrap();
        let mut searches = timed(100, || drop(stores.index.search(&query).unwrap()));
        let name = if text.is_empty() { "everything" } else { text };
        print_spread(
            &format!("store: search with 7 facets, {name}"),
            &mut searches,
            "",
            &format!("{} found", found.total),
        );
    }
}

fn timed(times: usize, mut run: impl FnMut()) -> Vec<Duration> {
    let one = |_| {
        let started = Instant::now();
        run();
        started.elapsed()
    };
    (0..times).map(one).collect()
}

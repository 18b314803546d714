//! Whatever order records come in, however the batches are cut and whatever comes twice, the samples are the same.

use std::collections::BTreeMap;
use std::sync::Arc;

use rusqlite::Connection;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::runtime::Runtime;
use weir_daemon::config::Config;
use weir_daemon::host::Host;
use weir_daemon::process::Processor;
use weir_daemon::query::{self, View};
use weir_model::{DatasetName, IntegrationName, RawRecord, Seq, StreamId, Timestamp};
use weir_store::{Commit, HITS_MAX, SearchQuery};
use weir_tests::Chance;

const START_MS: i64 = 1_750_000_000_000;
const HOUR_MS: i64 = 3_600_000;
/// Commits of the one history; of some of them nobody ever tells.
const COMMITS: u64 = 14;

/// What a sender says about one thing, and how new that is. Nothing: it is gone.
type Said = (String, i64, Option<Value>);

fn sha(number: u64) -> String {
    format!("{:040x}", number + 0xabc_def0)
}

fn time(chance: &mut Chance) -> String {
    let hours = i64::try_from(chance.pick(0..60)).unwrap();
    Timestamp::from_ms(START_MS + hours * HOUR_MS).to_string()
}

fn one<'a>(chance: &mut Chance, of: &[&'a str]) -> &'a str {
    of[usize::try_from(chance.pick(0..of.len() as u64)).unwrap()]
}

fn build(chance: &mut Chance, number: u64) -> Value {
    let mut build = json!({
        "job": one(chance, &["api", "web"]), "state": "finished", "finished_at": time(chance),
        "result": one(chance, &["success", "success", "failure", "unstable", "cancelled"]),
        "checkouts": [{ "commit": sha(chance.pick(0..COMMITS)), "branch": one(chance, &["main", "main", "next"]) }],
    });
    match chance.pick(0..8) {
        0 => build["started_at"] = json!(time(chance)),
        1 => build["number"] = json!(7),
        2 => build["state"] = json!("running"),
        _ => build["number"] = json!(number),
    }
    build
}

fn deployment(chance: &mut Chance) -> Value {
    json!({
        "service": one(chance, &["shop", "shop", "search"]), "environment": { "name": "production" },
        "kind": one(chance, &["deploy", "deploy", "deploy", "rollback"]), "finished_at": time(chance),
        "result": one(chance, &["success", "success", "success", "failure"]), "commits": [sha(chance.pick(0..COMMITS))],
    })
}

fn change(chance: &mut Chance) -> Value {
    json!({
        "state": "merged", "created_at": Timestamp::from_ms(START_MS - HOUR_MS).to_string(), "merged_at": time(chance),
        "merge_commit": sha(chance.pick(0..COMMITS)),
    })
}

/// Everything that is said, in no order.
fn world(chance: &mut Chance) -> Vec<Said> {
    let mut all: Vec<Said> = Vec::new();
    for number in 0..COMMITS {
        if !chance.once_in(8) {
            let parents: Vec<String> = number.checked_sub(1).map(sha).into_iter().collect();
            let root = if number == 0 { json!({ "git.root": true }) } else { json!({}) };
            let at = Timestamp::from_ms(START_MS - HOUR_MS * 3).to_string();
            let document = json!({ "parents": parents, "authored_at": at, "attributes": root });
            all.push((format!("commit::{}", sha(number)), 1, Some(document)));
        }
    }
    for number in 1..60 {
        let (kind, made): (_, &dyn Fn(&mut Chance) -> Value) = match number % 6 {
            0 => ("change", &change),
            1 => ("deployment", &deployment),
            _ => ("build", &|chance| build(chance, number)),
        };
        for version in 1..=i64::try_from(chance.pick(1..4)).unwrap() {
            let document = if chance.once_in(12) { None } else { Some(made(chance)) };
            all.push((format!("{kind}:ci:{number}"), version, document));
        }
    }
    all
}

/// A host without a process of its own, and what it runs on.
struct Quiet {
    host: Arc<Host>,
    runtime: Runtime,
    _folder: TempDir,
}

impl Quiet {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let head = "[host]\nname = \"test\"\nlisten = \"127.0.0.1:0\"\n";
        let config = format!("{head}data_dir = \"{}\"\n", folder.path().join("data").display());
        let host = runtime.block_on(async { Host::open(Config::parse(&config, "test").unwrap()).unwrap() });
        Self { host, runtime, _folder: folder }
    }

    fn processor(&self) -> Processor {
        let _entered = self.runtime.enter();
        Processor::new(self.host.account.clone(), self.host.normaliser().unwrap())
    }

    fn hear(&self, said: &[Said]) {
        let dataset = DatasetName::new("forwarded").unwrap();
        let stream = StreamId { integration: IntegrationName::new("ci").unwrap(), dataset };
        let record = |(id, version, document): &Said| {
            let payload = json!({ "id": id, "document": document }).to_string();
            (stream.clone(), RawRecord::upsert(id.clone(), Some(*version), payload))
        };
        let records = said.iter().map(record).collect();
        let received_at = Timestamp::from_ms(START_MS);
        self.host.account.log.append(Commit { records, received_at, puts: Vec::new() }).unwrap();
    }

    /// All samples of all metrics.
    fn samples(&self) -> BTreeMap<String, Vec<String>> {
        assert_eq!(found(&self.host), alive(&self.host), "what is found is what there is, once");
        let of = |name: &str| {
            let (params, view) = (serde_json::from_value(json!({})).unwrap(), View::whole(&self.host.account));
            let samples = query::samples_behind(&view, name, &params).unwrap();
            let mut texts: Vec<_> = samples.iter().map(|sample| serde_json::to_string(sample).unwrap()).collect();
            texts.sort();
            texts
        };
        let context = self.host.account.context();
        query::list_metrics(&context).map(|metric| (metric.name.to_string(), of(&metric.name))).collect()
    }
}

/// All samples of all metrics, when it is said in this order and processed now and then.
fn samples(said: &[Said], chance: &mut Chance, often: u64) -> BTreeMap<String, Vec<String>> {
    let quiet = Quiet::new();
    for batch in said.chunk_by(|_, _| !chance.once_in(often)) {
        quiet.hear(batch);
        quiet.processor().catch_up(&mut |_| {}).unwrap();
    }
    quiet.samples()
}

/// Ids of everything a search finds.
fn found(host: &Host) -> Vec<String> {
    let all = SearchQuery::new("*".parse().unwrap(), HITS_MAX);
    let result = host.account.derived().index.search(&all).unwrap();
    let mut ids: Vec<_> = result.hits.iter().map(|hit| hit.id.to_string()).collect();
    ids.sort();
    assert_eq!(result.total, ids.len() as u64);
    ids
}

/// Ids of everything that is no tombstone.
fn alive(host: &Host) -> Vec<String> {
    let derived = host.account.derived().clone();
    let rows = derived.projection.reader().unwrap().changed_since(Seq::ZERO, usize::MAX).unwrap();
    let mut ids: Vec<_> = rows.iter().filter(|row| row.entity.is_some()).map(|row| row.id.to_string()).collect();
    ids.sort();
    ids
}

fn shuffled(said: &[Said], chance: &mut Chance) -> Vec<Said> {
    let mut said: Vec<Said> = said.iter().chain(said.iter().take(10)).cloned().collect();
    for last in (1..said.len()).rev() {
        let other = usize::try_from(chance.pick(0..last as u64 + 1)).unwrap();
        said.swap(last, other);
    }
    said
}

#[test]
fn samples_depend_on_what_was_said_and_not_on_its_order() {
    let mut chance = Chance::new("arrival");
    let said = world(&mut chance);
    let at_once = samples(&said, &mut chance, u64::MAX);
    assert!(at_once["time-to-green"].len() + at_once["flaky-rate"].len() > 2, "builds are compared: {at_once:?}");
    for often in [2, 10] {
        let order = shuffled(&said, &mut chance);
        let bit_by_bit = samples(&order, &mut chance, often);
        for (metric, samples) in &at_once {
            assert_eq!(bit_by_bit.get(metric), Some(samples), "{metric}");
        }
    }
}

#[test]
fn a_failure_among_many_batches_loses_and_doubles_nothing() {
    let mut chance = Chance::new("failure");
    let said = |number| (format!("build:ci:{number}"), 1, Some(build(&mut chance, number)));
    let said: Vec<Said> = (1..=1_800).map(said).collect();
    let undisturbed = samples(&said, &mut chance, u64::MAX);

    let quiet = Quiet::new();
    quiet.hear(&said);
    let derived = quiet.host.account.derived_folder();
    let current = std::fs::read_to_string(derived.join("CURRENT")).unwrap();
    let model = Connection::open(derived.join(current.trim()).join("model.db")).unwrap();
    let trigger = "CREATE TRIGGER broken BEFORE INSERT ON entity WHEN NEW.id = 'build:ci:1700'
        BEGIN SELECT RAISE(ABORT, 'it cannot be written'); END";
    model.execute_batch(trigger).unwrap();
    let mut processor = quiet.processor();
    for _ in 0..3 {
        let fault = processor.catch_up(&mut |_| {}).unwrap_err();
        assert!(fault.chain().contains("it cannot be written"), "{}", fault.chain());
    }
    let kept = found(&quiet.host);
    assert!((1..1_700).contains(&kept.len()), "batches before the one that fails are kept: {}", kept.len());
    assert_eq!(kept, alive(&quiet.host));

    model.execute_batch("DROP TRIGGER broken").unwrap();
    processor.catch_up(&mut |_| {}).unwrap();
    assert_eq!(quiet.samples(), undisturbed);
}

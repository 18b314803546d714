//! Collecting: pages of issues over HTTP, each kept and synced with its cursor before the next one is asked for.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use weir_daemon::account::Account;
use weir_daemon::collect::{Collection, Depth, collect};
use weir_daemon::normaliser::Source;
use weir_model::{AccountId, IntegrationName};
use weir_sandbox::Plugin;
use weir_store::{DataDir, Keys};

use crate::figures::print;
use crate::github::{connection, sandbox, settings, wasm};
use crate::host::Installed;
use crate::machine::{cpu, cpu_of_children};
use crate::served::Served;

const ISSUES: usize = 10_000;
const ROUNDS: usize = 5;

/// Measures.
pub(crate) fn run() {
    let served = Served::issues(ISSUES);
    keep(&served);
    command(&served);
}

/// Fetching and keeping alone, in this process.
fn keep(served: &Served) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let plugin = runtime.block_on(sandbox(&folder.path().join("cache")).load(wasm())).unwrap();
    // The server writes its answers once and then remembers them.
    let mut rounds = (0..=ROUNDS).map(|round| {
        let data = folder.path().join(round.to_string());
        runtime.block_on(keep_once(served, &plugin, &data))
    });
    rounds.next();
    let mut rounds: Vec<_> = rounds.collect();
    rounds.sort_unstable();
    let (cpu, wall) = rounds[ROUNDS / 2];
    let note = format!("{ISSUES} issues, page by page, {:.0} ms CPU, middle of {ROUNDS}", cpu.as_secs_f64() * 1e3);
    print("collect: fetch, keep, checkpoint", ISSUES as f64 / cpu.as_secs_f64(), "issues/CPU s", ">= 30,000", &note);
    print("collect: fetch, keep, checkpoint", ISSUES as f64 / wall.as_secs_f64(), "issues/s", "", "one connection");
}

async fn keep_once(served: &Served, plugin: &Arc<Plugin>, data: &Path) -> (Duration, Duration) {
    let id = AccountId::new("bench").unwrap();
    let folder = DataDir::lock(data).unwrap();
    let keys = Arc::new(Keys::open_or_create(&folder.keys(), &id).unwrap());
    let source =
        Source { plugin: Some("connector-github".to_owned()), settings: settings(&served.repositories, &["issues"]) };
    let collection = Collection {
        account: Account::open(data, id, keys, weir_stages::ContextSettings::default()).unwrap(),
        integration: IntegrationName::new("github").unwrap(),
        plugin: plugin.clone(),
        connection: connection(served),
        source,
    };
    let (cpu_before, started) = (cpu("self"), Instant::now());
    let run = collect(&collection, Depth::Incremental, &|_| {}).await.unwrap();
    let measured = (cpu("self") - cpu_before, started.elapsed());
    assert_eq!((run.records, run.failures.len()), (ISSUES as u64, 0), "{:?}", run.failures);
    measured
}

/// The command, which also processes what it collects.
fn command(served: &Served) {
    let weir = Installed::new(&served.integration(&["issues"]));
    // Compiles the plugin.
    weir.command(&["check"]);
    let (cpu_before, started) = (cpu_of_children(), Instant::now());
    weir.command(&["collect"]);
    let (cpu, wall) = (cpu_of_children() - cpu_before, started.elapsed());
    let note = format!("normalised, merged, indexed; {:.1} s on the clock", wall.as_secs_f64());
    print("collect: `weir collect` with processing", ISSUES as f64 / cpu.as_secs_f64(), "issues/CPU s", "", &note);
}

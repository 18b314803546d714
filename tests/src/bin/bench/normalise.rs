//! From raw records to entities: the connector in the sandbox, and the same code compiled into this program.

use std::time::Duration;

use connector_github::GitHub;
use weir_model::RawRecord;
use weir_sdk::mock;

use crate::figures::print;
use crate::github::{records, sandbox, settings, wasm};
use crate::machine::cpu_of_thread;
use crate::served::Served;

/// Records of each dataset.
const RECORDS: usize = 2_000;
/// CPU time each way is measured for.
const MEASURED: Duration = Duration::from_millis(800);

/// Measures.
pub(crate) fn run() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let plugin = runtime.block_on(sandbox(folder.path()).load(wasm())).unwrap();
    let served = Served::demo();
    for dataset in ["issues", "workflow-runs", "commits"] {
        let records = runtime.block_on(records(&plugin, &served, dataset, RECORDS));
        let bytes: usize = records.iter().map(|record| record.payload.len()).sum();
        let settings = settings(&served.repositories, &[dataset]);
        let in_sandbox = per_second(records.len(), || {
            assert_eq!(runtime.block_on(plugin.normalize(dataset, &settings, &records)).unwrap().len(), records.len());
        });
        let of_sdk: Vec<_> = records.iter().map(for_sdk).collect();
        let natively = per_second(records.len(), || {
            assert_eq!(mock::normalize::<GitHub>(dataset, &settings, &of_sdk).unwrap().len(), of_sdk.len());
        });
        let size = format!("{} records of {} bytes", records.len(), bytes / records.len().max(1));
        print(&format!("normalise: {dataset} in the sandbox"), in_sandbox, "records/CPU s", ">= 100,000", &size);
        print(&format!("normalise: {dataset} natively"), natively, "records/CPU s", "", "the same code");
        print(&format!("normalise: {dataset}, share of native speed"), in_sandbox / natively, "", ">= 0.5", "");
    }
}

fn for_sdk(record: &RawRecord) -> weir_sdk::record::RawRecord {
    let RawRecord { key, version, context, payload, .. } = record.clone();
    weir_sdk::record::RawRecord { context, ..weir_sdk::record::RawRecord::upsert(key, payload).version(version) }
}

/// Records a second of CPU of this thread, of the best fifth: other programs take caches away.
fn per_second(n: usize, mut run: impl FnMut()) -> f64 {
    run();
    let started = cpu_of_thread();
    let mut rounds = Vec::new();
    while cpu_of_thread() - started < MEASURED {
        let before = cpu_of_thread();
        run();
        rounds.push(cpu_of_thread() - before);
    }
    rounds.sort_unstable();
    n as f64 / rounds[rounds.len() / 5].as_secs_f64()
}

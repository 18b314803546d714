//! The GitHub connector as the host runs it: sandbox, egress, readers.

use std::path::Path;
use std::sync::Arc;

use weir_daemon::egress::{Auth, ConnectionSpec, Egress, EgressOptions, Grant, HostConnection, Secret};
use weir_model::{RawRecord, Timestamp};
use weir_sandbox::{Connection, Job, Limits, Pass, Plugin, PluginState, Reader, Sandbox, SandboxOptions};

use crate::built;
use crate::served::{SECRET, Served};

/// The component as cargo built it.
pub(crate) fn wasm() -> Vec<u8> {
    let path = built().join("plugins/connector-github.wasm");
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}; run `cargo xtask plugins`", path.display()))
}

/// A sandbox whose compiled plugins are in `cache`.
pub(crate) fn sandbox(cache: &Path) -> Sandbox {
    Sandbox::new(SandboxOptions { cache_dir: cache.to_owned(), cache_key: [7; 32], limits: Limits::default() }).unwrap()
}

/// The way out to a served company.
pub(crate) fn connection(served: &Served) -> Arc<HostConnection> {
    let egress = Egress::new(EgressOptions::default()).unwrap();
    let auth = Auth::Bearer(Secret::new(SECRET));
    egress.connection(ConnectionSpec::new("github", "github", &served.url, auth, Grant::reading(["GET"]))).unwrap()
}

/// Settings for these datasets of some repositories.
pub(crate) fn settings(repositories: &[String], datasets: &[&str]) -> String {
    serde_json::json!({ "repositories": repositories, "datasets": datasets }).to_string()
}

/// A reader from the start.
pub(crate) async fn open(
    plugin: &Arc<Plugin>,
    connection: Arc<dyn Connection>,
    dataset: &str,
    settings: &str,
) -> Reader {
    let job = Job {
        dataset: dataset.to_owned(),
        parent: None,
        settings: settings.to_owned(),
        pass: Pass::Incremental,
        run_at: Timestamp::from_ms(1_780_000_000_000),
        since: None,
        cursor: None,
    };
    plugin.open(connection, job, PluginState::new()).await.unwrap()
}

/// At most about `n` records of a dataset.
pub(crate) async fn records(plugin: &Arc<Plugin>, served: &Served, dataset: &str, n: usize) -> Vec<RawRecord> {
    let settings = settings(&served.repositories, &[dataset]);
    let mut reader = open(plugin, connection(served), dataset, &settings).await;
    let mut records = Vec::new();
    loop {
        let page = reader.step().await.unwrap();
        records.extend(page.records);
        if page.done || records.len() >= n {
            return records;
        }
    }
}

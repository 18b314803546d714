//! The running host: one task or thread for each thing it does, all ended by one token and awaited.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use serde_json::json;
use tokio::task::JoinHandle;

use super::copies::copy_again;
use super::{Host, Processing, connections, presence_file};
use crate::audit::{self, AuditParams};
use crate::collect::run_on_schedule;
use crate::config::{Collector, IntegrationConfig};
use crate::egress::HostConnection;
use crate::error::Fault;
use crate::forward::{Sender, drain};
use crate::http::{Server, Tls, routes, serve};
use crate::ingest::keep_all;
use crate::lifecycle::{Folder, erasure};
use crate::normaliser::Source;
use crate::{clock, tasks};

/// Longest wait between two looks of the loops that are usually woken.
const IDLE_LOOK: Duration = Duration::from_secs(5);

/// Time between two looks for records whose time is over.
const DAY: Duration = Duration::from_secs(86_400);
/// Wait between two looks for a decommissioning that is due.
const LIFECYCLE_LOOK: Duration = Duration::from_millis(500);
/// The same after one that failed, and the longest after several: each try pauses the host.
const LIFECYCLE_AGAIN: Duration = Duration::from_secs(30);
const LIFECYCLE_AGAIN_MAX: Duration = Duration::from_secs(960);

/// A host that serves.
pub struct Running {
    /// The host.
    pub host: Arc<Host>,
    /// Where it serves.
    pub address: SocketAddr,
    /// The same as a URL.
    pub url: String,
    tasks: Vec<JoinHandle<()>>,
}

/// Binds, starts everything, and returns as soon as requests are answered.
pub async fn run(host: Arc<Host>) -> Result<Running, Fault> {
    let tls = host.config.tls.as_ref().map(Tls::open).transpose()?;
    let server = Server::bind(&host.config.host.listen, &host.config.http, tls.clone()).await?;
    let address = server.address;
    let url = format!("{}://{address}", if tls.is_some() { "https" } else { "http" });
    let central = connections::to_central(&host.egress, &host.config)?;
    if let Err(fault) = note_start(&host).await {
        // After a pause for what could not be erased the disk may take nothing; what is there is read all the same.
        if host.lifecycle_error().is_none() {
            return Err(fault);
        }
        tracing::error!(error = fault.chain(), "the start cannot be noted");
    }
    let propels: Vec<_> = host.propels().await?.values().cloned().collect();
    for propel in &propels {
        crate::propel::begin(&host.account, propel).await?;
    }
    for integration in &host.config.integration {
        if integration.collector == Some(Collector::Push) {
            remember(&host, integration).await?;
        }
    }
    let api = routes(host.clone());
    let mut tasks = vec![
        Processing::start(&host)?.into_task(),
        tasks::spawn("http", serve(server, api.clone(), host.stop.clone())),
    ];
    let mut own_address = address;
    if let Some(tls) = tls {
        // The certificate is for a name, not for this machine: its own commands come by a door that nobody else reaches.
        let here = Server::bind("127.0.0.1:0", &host.config.http, None).await?;
        own_address = here.address;
        tasks.push(tasks::spawn("http here", serve(here, api, host.stop.clone())));
        tasks.push(tasks::spawn("certificate", tls.follow(host.stop.clone())));
    }
    for propel in propels {
        tasks.push(tasks::spawn("propel", crate::propel::work(host.clone(), propel.clone())));
        tasks.push(tasks::spawn("outbox", crate::propel::carry_out(host.clone(), propel)));
    }
    if let Some(wanted) = host.config.backup.clone() {
        tasks.push(tasks::spawn("backup", copy_again(host.clone(), wanted.every, wanted)));
    }
    if let Some(wanted) = host.config.export.clone() {
        tasks.push(tasks::spawn("export", copy_again(host.clone(), wanted.every, wanted)));
    }
    for threshold in host.config.threshold.clone() {
        tasks.push(tasks::spawn("threshold", crate::news::watch(host.clone(), threshold)));
    }
    if let Some(central) = central {
        tasks.push(tasks::spawn("forwarder", forwarding(host.clone(), central)));
    }
    for integration in &host.config.integration {
        match integration.collector {
            Some(Collector::JenkinsHome) => tasks.push(watching(host.clone(), integration.clone())?),
            Some(Collector::Git) => {
                tasks.push(tasks::spawn("git", run_on_schedule(host.clone(), integration.clone())));
            }
            None if integration.connection.is_some() => {
                tasks.push(tasks::spawn("collector", run_on_schedule(host.clone(), integration.clone())));
            }
            Some(Collector::Push) | None => {}
        }
    }
    tasks.push(tasks::spawn("plugins", load_ahead(host.clone())));
    tasks.push(tasks::spawn("lifecycle", watch_lifecycle(host.clone())));
    announce(&host.config.host.data_dir, own_address, &host.own_token);
    Ok(Running { host, address, url, tasks })
}

/// Notes that the host begins, and that its configuration is another than when it last did.
async fn note_start(host: &Host) -> Result<(), Fault> {
    let dir = audit::folder(&host.config.host.data_dir);
    let params = AuditParams {
        account: Some(host.account.id.clone()),
        action: Some("host.start".to_owned()),
        limit: Some(1),
        ..AuditParams::default()
    };
    let last = audit::list(&dir, &params)?.entries.into_iter().next().and_then(|entry| entry.after);
    let before = last.and_then(|last| Some(last["configuration"].as_str()?.to_owned())).unwrap_or_default();
    let now = &host.config.fingerprint;
    if !before.is_empty() && before != *now {
        let change = audit::by_hand("configuration.change", "weir.toml");
        let change = change.before(json!({ "sha256": before })).after(json!({ "sha256": now }));
        audit::note(&host.account, change).await?;
    }
    let after = json!({ "configuration": now, "version": env!("CARGO_PKG_VERSION") });
    audit::note(&host.account, audit::by_hand("host.start", host.config.host.name.as_str()).after(after)).await
}

/// Makes the log remember how the pushes of an integration are read, before the first of them comes.
async fn remember(host: &Host, integration: &IntegrationConfig) -> Result<(), Fault> {
    let source = Source { plugin: None, settings: integration.settings_json() };
    keep_all(&host.account, &integration.name, &source, Vec::new(), Vec::new()).await
}

impl Running {
    /// Ends everything and waits for it.
    pub async fn stop(self) {
        self.host.stop.cancel();
        for task in self.tasks {
            if let Err(error) = task.await {
                tracing::error!(%error, "a task ended in a panic");
            }
        }
        let _ = std::fs::remove_file(presence_file(&self.host.config.host.data_dir));
    }
}

/// Loads the plugins that will be needed, so that the first delivery does not wait for a compiler.
async fn load_ahead(host: Arc<Host>) {
    for plugin in host.config.integration.iter().filter_map(|integration| integration.plugin.as_deref()) {
        if let Err(fault) = host.plugins.get(plugin).await {
            tracing::error!(plugin, error = fault.chain(), "the plugin cannot be used");
        }
    }
}

/// Tells commands of the same user how to reach this host; nobody else can read it. Without it, as on a full disk, they
/// find that the data folder is in use.
pub(crate) fn announce(data_dir: &Path, address: SocketAddr, token: &str) {
    use std::io::Write;
    use std::os::unix::fs::OpenOptionsExt;
    let path = presence_file(data_dir);
    let text = serde_json::json!({ "url": format!("http://{address}"), "token": token, "pid": std::process::id() });
    let _ = std::fs::remove_file(&path);
    let file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path);
    if let Err(error) = file.and_then(|mut file| file.write_all(text.to_string().as_bytes())) {
        tracing::error!(%error, "commands of this machine do not find the host");
    }
}

/// Ends the host when something is to be erased: that is done while nothing else goes on. Looks once a day whether the
/// time of anything is over.
async fn watch_lifecycle(host: Arc<Host>) {
    let mut retired: Option<Instant> = None;
    loop {
        tokio::select! {
            () = host.stop.cancelled() => return,
            () = tokio::time::sleep(lifecycle_wait(&host)) => {}
        }
        let is_day_over = retired.is_none_or(|retired| retired.elapsed() >= DAY);
        let asking = host.clone();
        let looked = tasks::blocking(move || is_to_erase(&asking, is_day_over)).await;
        match looked {
            Ok(true) => return host.stop.cancel(),
            Ok(false) if is_day_over => retired = Some(Instant::now()),
            Ok(false) | Err(_) => {}
        }
        host.note_lifecycle(looked.as_ref().err());
    }
}

fn lifecycle_wait(host: &Host) -> Duration {
    match host.lifecycle_error() {
        None => LIFECYCLE_LOOK,
        Some(_) => again_after(host.pauses_in_vain.load(Ordering::Relaxed)),
    }
}

/// Twice as long with each pause that was in vain.
fn again_after(pauses_in_vain: u32) -> Duration {
    let times = 2_u32.saturating_pow(pauses_in_vain.saturating_sub(1));
    LIFECYCLE_AGAIN.saturating_mul(times).min(LIFECYCLE_AGAIN_MAX)
}

fn is_to_erase(host: &Host, is_day_over: bool) -> Result<bool, Fault> {
    let folder = Folder::new(&host.config.host.data_dir);
    if folder.list()?.iter().any(|one| one.is_due(clock::now())) || erasure::is_waiting(&folder)? {
        // A disk that takes nothing is found before the host pauses for it.
        return folder.try_to_write().map(|()| true);
    }
    if is_day_over && erasure::has_policy(host)? {
        erasure::retire_by_itself(host)?;
    }
    erasure::is_waiting(&folder)
}

/// Sends what central does not have, and then tells it what is gone, where it has not been told of late.
async fn forward(
    host: &Arc<Host>,
    url: &str,
    central: &HostConnection,
    told: &mut Option<Instant>,
) -> Result<(), Fault> {
    let sender = Sender { host: &host.config.host.name, installation: host.installation(), url, central };
    drain(&host.account, sender).await?;
    if told.is_none_or(|told| told.elapsed() >= IDLE_LOOK) {
        erasure::tell_central(host, url, central).await?;
        *told = Some(Instant::now());
    }
    Ok(())
}

async fn forwarding(host: Arc<Host>, central: Arc<HostConnection>) {
    let mut applied = host.account.applied();
    let (mut failures, mut told) = (0_u32, None);
    let url = host.config.central.as_ref().map(|central| central.url.clone()).unwrap_or_default();
    loop {
        match forward(&host, &url, &central, &mut told).await {
            Ok(()) => {
                failures = 0;
                host.note_forwarding(None);
            }
            Err(fault) => {
                failures = failures.saturating_add(1);
                tracing::warn!(error = fault.chain(), failures, "results wait to be forwarded");
                host.note_forwarding(Some(fault.told()));
            }
        }
        let pause = if failures == 0 { IDLE_LOOK } else { Duration::from_secs(1 << failures.min(6)) };
        tokio::select! {
            () = host.stop.cancelled() => return,
            changed = applied.changed(), if failures == 0 => if changed.is_err() { return },
            () = tokio::time::sleep(pause) => {}
        }
    }
}

/// Watches a Jenkins home on a thread of its own, for reading a home blocks.
fn watching(host: Arc<Host>, integration: crate::config::IntegrationConfig) -> Result<JoinHandle<()>, Fault> {
    let watch = crate::jenkins::Watch::open(&host, &integration)?;
    let stop = watch.stop();
    Ok(tasks::spawn("jenkins-home", async move {
        let watching = tokio::task::spawn_blocking(move || watch.run());
        host.stop.cancelled().await;
        stop.stop();
        if let Err(error) = watching.await {
            tracing::error!(%error, "watching ended in a panic");
        }
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_pauses_less_often_the_more_often_it_was_in_vain() {
        let waits = [0, 1, 2, 3, 6, 7, u32::MAX].map(|pauses| again_after(pauses).as_secs());
        assert_eq!(waits, [30, 30, 60, 120, 960, 960, 960]);
    }
}

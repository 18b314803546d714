//! `weir run` and `weir central`.

use std::path::Path;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;
use weir_store::{DataDir, DataDirError};

use super::args::Scope;
use super::logs::Logs;
use super::{Answer, access, logs};
use crate::access::invite_first;
use crate::config::Config;
use crate::error::Fault;
use crate::hex::random_hex;
use crate::host::{Running, announce, presence_file, run as start};
use crate::http::{Gone, Server, Tls, gone_routes, serve as serve_routes};
use crate::lifecycle::{Folder, carry_on, erasure, has_work};

/// Longest wait for a host of this process to let go of its data folder.
const LOCK_PATIENCE: Duration = Duration::from_secs(60);
/// Wait between two tries of what could not be done yet.
const PROOF_LOOK: Duration = Duration::from_secs(5);

pub(super) async fn run(scope: &Scope, logs: Logs) -> Answer {
    let config = access::config(scope)?;
    logs::told(logs, &config, Box::pin(serve(config.clone(), "dashboard", None))).await
}

/// The same process with nothing of its own to collect: hosts bring everything.
pub(super) async fn central(scope: &Scope, logs: Logs) -> Answer {
    let mut config = access::config(scope)?;
    if config.central.is_some() {
        return Err(Fault::config("a central does not forward").hint("take `[central]` out of its configuration"));
    }
    config.integration.clear();
    logs::told(logs, &config, Box::pin(serve(config.clone(), "central", None))).await
}

/// Serves until told to stop, first by the host that runs already, if one does. When something is to be erased the host
/// ends, that is done, and the host begins again; with the account gone, only the proof is served.
pub(super) async fn serve(mut config: Config, what: &str, mut begun: Option<Running>) -> Answer {
    let mut told = begun.is_some();
    let mut pauses_in_vain = 0;
    loop {
        let running = match begun.take() {
            Some(running) => running,
            None => match begin(&config, pauses_in_vain).await {
                Ok(Begun::Account(running)) => running,
                Ok(Begun::Proof(failed)) => return serve_proof(&config, what, told, failed).await,
                // It has served, and nobody may sit before it any more: a full disk is waited for.
                Err(fault) if told => {
                    tracing::error!(error = fault.chain(), "the host does not begin again");
                    if told_to_end_within(PROOF_LOOK).await? {
                        return Ok(true);
                    }
                    continue;
                }
                Err(fault) => return Err(fault),
            },
        };
        if !told {
            println!("{what} {}", running.url);
            welcome(&running)?;
        }
        told = true;
        config.host.listen = running.address.to_string();
        let ended = running.host.stop.clone();
        let asked = tokio::select! {
            asked = signalled() => { asked?; true }
            () = ended.cancelled() => false,
        };
        pauses_in_vain = running.host.pauses_in_vain.load(Ordering::Relaxed);
        running.stop().await;
        if asked {
            return Ok(true);
        }
    }
}

/// What there is to serve.
enum Begun {
    Account(Running),
    /// The account is gone, or goes; and why it does not, if so.
    Proof(Option<Fault>),
}

/// Erases what is to be erased, and starts the host. What cannot be erased now keeps nobody from reading the rest.
async fn begin(config: &Config, pauses_in_vain: u32) -> Result<Begun, Fault> {
    let (is_gone, failed) = decommission(config).await?;
    if is_gone {
        return Ok(Begun::Proof(failed));
    }
    let host = access::stores(config.clone()).await?;
    let erasing = host.clone();
    let erased = access::blocking(move || erasure::carry_on(&erasing)).await;
    let in_the_way = failed.as_ref().or(erased.as_ref().err());
    host.note_lifecycle(in_the_way);
    if in_the_way.is_some() {
        host.pauses_in_vain.store(pauses_in_vain + 1, Ordering::Relaxed);
    }
    let running = start(host.clone()).await;
    // What of it has begun ends, and lets go of the data folder.
    running.map(Begun::Account).inspect_err(|_| host.stop.cancel())
}

/// Tells where the first administrator sets a password, where one is needed.
fn welcome(running: &Running) -> Result<(), Fault> {
    if let Some(text) = invite_first(&running.host)? {
        let base = if running.host.config.access.public_url.is_none() { running.url.as_str() } else { "" };
        let link = running.host.link(&text);
        eprintln!("nobody administers this host yet: set a password within an hour at {base}{link}");
    }
    Ok(())
}

/// Carries out what is due, or was begun when the process ended. Whether the account is gone, or goes; and what is in
/// the way of it.
async fn decommission(config: &Config) -> Result<(bool, Option<Fault>), Fault> {
    let config = config.clone();
    access::blocking(move || {
        let data_dir = &config.host.data_dir;
        let folder = Folder::new(data_dir);
        let mut failed = None;
        if folder.list()?.iter().any(|one| has_work(one, &config)) {
            let done = carry_on(&locked(data_dir)?, &config)?;
            failed = done.into_iter().find_map(|one| one.error).map(Fault::host);
        }
        Ok((folder.begun(&config.host.account)?.is_some(), failed))
    })
    .await
}

/// Locks the data folder; the host of this process that had it may take a moment to let go.
fn locked(data_dir: &Path) -> Result<DataDir, Fault> {
    let began = Instant::now();
    loop {
        match DataDir::lock(data_dir) {
            Ok(locked) => return Ok(locked),
            Err(DataDirError::InUse { .. }) if began.elapsed() < LOCK_PATIENCE => {
                std::thread::sleep(Duration::from_millis(20));
            }
            Err(error) => {
                return Err(Fault::config(format!("cannot use the data folder {}", data_dir.display()))
                    .caused_by(error)
                    .hint("start weir again: it goes on where it was"));
            }
        }
    }
}

/// Serves what is left, and goes on with what could not be done yet.
async fn serve_proof(config: &Config, what: &str, told: bool, failed: Option<Fault>) -> Answer {
    let data_dir = config.host.data_dir.clone();
    let tls = config.tls.as_ref().map(Tls::open).transpose()?;
    let scheme = if tls.is_some() { "https" } else { "http" };
    let (token, keys_required) = (random_hex::<32>()?, config.host.keys_required());
    let gone = Arc::new(Gone { data_dir: data_dir.clone(), token, keys_required, failed: Mutex::default() });
    gone.note(failed);
    let stop = CancellationToken::new();
    let mut own_address = None;
    let mut serving = Vec::new();
    // As for a host: behind a certificate, commands of this machine come by a door of their own.
    let doors = [(config.host.listen.as_str(), tls.clone()), ("127.0.0.1:0", None)];
    for (listen, tls) in doors.into_iter().take(if tls.is_some() { 2 } else { 1 }) {
        let server = Server::bind(listen, &config.http, tls).await?;
        if own_address.is_none() && !told {
            println!("{what} {scheme}://{}", server.address);
        }
        own_address = Some(server.address);
        serving.push(crate::tasks::spawn("http", serve_routes(server, gone_routes(gone.clone()), stop.clone())));
    }
    if let Some(address) = own_address {
        announce(&data_dir, address, &gone.token);
    }
    let mut look = tokio::time::interval(PROOF_LOOK);
    let mut signal = Box::pin(signalled());
    loop {
        tokio::select! {
            asked = &mut signal => { asked?; break }
            _ = look.tick() => {
                let failed = decommission(config).await.map_or_else(Some, |(_, failed)| failed);
                gone.note(failed);
            }
        }
    }
    stop.cancel();
    for task in serving {
        if let Err(error) = task.await {
            tracing::error!(%error, "serving ended in a panic");
        }
    }
    let _ = std::fs::remove_file(presence_file(&data_dir));
    Ok(true)
}

/// Waits, and tells whether a signal to end came meanwhile.
async fn told_to_end_within(wait: Duration) -> Result<bool, Fault> {
    tokio::time::timeout(wait, signalled()).await.map_or(Ok(false), |signalled| signalled.map(|()| true))
}

/// Waits for a signal to end.
async fn signalled() -> Result<(), Fault> {
    let failed = |error| Fault::host("cannot listen for signals").caused_by(error);
    let mut terminate = signal(SignalKind::terminate()).map_err(failed)?;
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = terminate.recv() => {}
    }
    Ok(())
}

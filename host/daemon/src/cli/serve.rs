//! `weir run` and `weir central`.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;
use weir_store::{DataDir, DataDirError};

use super::args::Scope;
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

pub(super) async fn run(scope: &Scope, verbose: u8) -> Answer {
    let config = access::config(scope)?;
    logs::told(verbose, &config, Box::pin(serve(config.clone(), "dashboard", None))).await
}

/// The same process with nothing of its own to collect: hosts bring everything.
pub(super) async fn central(scope: &Scope, verbose: u8) -> Answer {
    let mut config = access::config(scope)?;
    if config.central.is_some() {
        return Err(Fault::config("a central does not forward").hint("take `[central]` out of its configuration"));
    }
    config.integration.clear();
    logs::told(verbose, &config, Box::pin(serve(config.clone(), "central", None))).await
}

/// Serves until told to stop, first by the host that runs already, if one does. When something is to be erased the host
/// ends, that is done, and the host begins again; with the account gone, only the proof is served.
pub(super) async fn serve(mut config: Config, what: &str, mut begun: Option<Running>) -> Answer {
    let mut told = begun.is_some();
    loop {
        let running = match begun.take() {
            Some(running) => running,
            None => match decommission(&config).await? {
                Served::Account => begin(&config).await?,
                Served::Proof => return serve_proof(&config, what, told).await,
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
        running.stop().await;
        if asked {
            return Ok(true);
        }
    }
}

/// Erases what is to be erased, and starts the host.
async fn begin(config: &Config) -> Result<Running, Fault> {
    let host = access::stores(config.clone()).await?;
    let erasing = host.clone();
    access::blocking(move || erasure::carry_on(&erasing)).await?;
    start(host).await
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

/// What there is to serve.
enum Served {
    Account,
    Proof,
}

/// Carries out what is due, or was begun when the process ended.
async fn decommission(config: &Config) -> Result<Served, Fault> {
    let config = config.clone();
    access::blocking(move || {
        let data_dir = &config.host.data_dir;
        let folder = Folder::new(data_dir);
        if folder.list()?.iter().any(|one| has_work(one, &config)) {
            carry_on(&locked(data_dir)?, &config)?;
        }
        let begun = folder.begun(&config.host.account)?;
        Ok(if begun.is_some() { Served::Proof } else { Served::Account })
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
async fn serve_proof(config: &Config, what: &str, told: bool) -> Answer {
    let data_dir = config.host.data_dir.clone();
    let tls = config.tls.as_ref().map(Tls::open).transpose()?;
    let scheme = if tls.is_some() { "https" } else { "http" };
    let gone =
        Gone { data_dir: data_dir.clone(), token: random_hex::<32>()?, keys_required: config.host.keys_required() };
    let gone = Arc::new(gone);
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
        announce(&data_dir, address, &gone.token)?;
    }
    let mut look = tokio::time::interval(PROOF_LOOK);
    let mut signal = Box::pin(signalled());
    loop {
        tokio::select! {
            asked = &mut signal => { asked?; break }
            _ = look.tick() => {
                if let Err(fault) = decommission(config).await {
                    tracing::error!(error = fault.chain(), "a decommissioning does not go on");
                }
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

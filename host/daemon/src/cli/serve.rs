//! `weir run` and `weir central`.

use tokio::signal::unix::{SignalKind, signal};

use super::args::Scope;
use super::{Answer, access};
use crate::config::Config;
use crate::error::Fault;
use crate::host::{Running, run as start};

pub(super) async fn run(scope: &Scope) -> Answer {
    serve(access::config(scope)?, "dashboard").await
}

/// The same process with nothing of its own to collect: hosts bring everything.
pub(super) async fn central(scope: &Scope) -> Answer {
    let mut config = access::config(scope)?;
    if config.central.is_some() {
        return Err(Fault::config("a central does not forward").hint("take `[central]` out of its configuration"));
    }
    config.integration.clear();
    serve(config, "central").await
}

async fn serve(config: Config, what: &str) -> Answer {
    let host = access::stores(config).await?;
    let running = start(host).await?;
    println!("{what} {}", running.url);
    until_told_to_stop(running).await
}

pub(super) async fn until_told_to_stop(running: Running) -> Answer {
    let failed = |error| Fault::host("cannot listen for signals").caused_by(error);
    let mut terminate = signal(SignalKind::terminate()).map_err(failed)?;
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = terminate.recv() => {}
    }
    running.stop().await;
    Ok(true)
}

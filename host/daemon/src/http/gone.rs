//! What a host serves when its account is gone: that it is, and the proof.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::extract::ConnectInfo;
use axum::http::request::Parts;
use axum::http::{StatusCode, header};
use axum::routing::get;

use super::problem::Problem;
use super::{lifecycle, ui};
use crate::error::Fault;

/// What is left of a host.
#[derive(Debug)]
pub struct Gone {
    /// Its data folder.
    pub data_dir: PathBuf,
    /// What commands of the same user prove themselves by.
    pub token: String,
    /// Whether others of this machine must not ask.
    pub keys_required: bool,
    /// Why what is left to be done is not, if so.
    pub failed: Mutex<Option<String>>,
}

impl Gone {
    /// Notes why what is left to be done is not, or that nothing is in the way.
    pub fn note(&self, failed: Option<Fault>) {
        if let Some(fault) = &failed {
            tracing::error!(error = fault.chain(), "a decommissioning does not go on");
        }
        *self.failed.lock().unwrap_or_else(PoisonError::into_inner) = failed.as_ref().map(Fault::chain);
    }

    /// Whether a request comes from the user of the host, or from this machine when that is enough.
    pub(super) fn admits(&self, parts: &Parts) -> bool {
        let sent = parts.headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        if let Some(sent) = sent {
            return sent.split_once(' ').is_some_and(|(_, key)| key == self.token);
        }
        let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>();
        let from_here = peer.is_some_and(|ConnectInfo(peer)| peer.ip().to_canonical().is_loopback());
        let host = parts.headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
        let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
        from_here && !self.keys_required && matches!(name, "localhost" | "127.0.0.1" | "[::1]")
    }
}

/// Its routes.
pub fn gone_routes(gone: Arc<Gone>) -> Router {
    lifecycle::remains()
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/", get(ui::index))
        .route("/assets/{*path}", get(ui::asset))
        .fallback(|| async {
            Problem::new(StatusCode::GONE, "the account of this host was decommissioned, or is being so")
                .hint("GET /v1/decommissions tells how far it is")
        })
        .with_state(gone)
}

//! How a command reaches the data: the stores themselves while no host runs on them, else the running host's API.
//! Both give the same answers.

use std::path::Path;
use std::sync::Arc;

use axum::body::Body;
use bytes::Bytes;
use http::{Method, Request, StatusCode, header};
use http_body_util::BodyExt;
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::Value;
use tower::ServiceExt;
use weir_model::AccountId;

use super::args::Scope;
use super::remote::{Remote, answer};
use crate::config::Config;
use crate::error::Fault;
use crate::host::{Host, presence_file};
use crate::http::api;
pub(super) use crate::tasks::blocking;

/// The way to the data.
pub(super) enum Access {
    /// No host runs: this command is the host for its time.
    Stores(Arc<Host>),
    /// A host runs.
    Running(Box<Remote>),
}

impl Access {
    /// Asks the API, which answers the same whether a host runs or not; none when there is no such thing.
    pub(super) async fn ask(&self, method: Method, path: &str, body: &Value) -> Result<Option<Value>, Fault> {
        let body = if body.is_null() { Bytes::new() } else { Bytes::from(body.to_string()) };
        match self {
            Self::Running(remote) => remote.ask(method, path, body).await,
            Self::Stores(host) => here(host, method, path, body).await,
        }
    }
}

async fn here(host: &Arc<Host>, method: Method, path: &str, body: Bytes) -> Result<Option<Value>, Fault> {
    let failed = || Fault::host("cannot ask the stores");
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header(header::AUTHORIZATION, format!("Bearer {}", host.own_token()))
        .body(Body::from(body))
        .map_err(|error| failed().caused_by(error))?;
    let Ok(response) = api(host.clone()).oneshot(request).await;
    let status = response.status();
    let body = response.into_body().collect().await.map_err(|error| failed().caused_by(error))?.to_bytes();
    if status == StatusCode::NOT_FOUND { Ok(None) } else { answer(status, &body).map(Some) }
}

/// The configuration the command is for.
pub(super) fn config(scope: &Scope) -> Result<Config, Fault> {
    let default = Path::new("weir.toml");
    let mut config = match &scope.config {
        Some(path) => Config::read(path)?,
        None if default.exists() => Config::read(default)?,
        None => Config::default(),
    };
    if let Some(data_dir) = &scope.data_dir {
        config.host.data_dir.clone_from(data_dir);
    }
    if scope.config.is_none() && !default.exists() {
        // A data folder alone says which account is meant when it holds just one.
        config.host.account = only_account(&config.host.data_dir).unwrap_or(config.host.account);
    }
    Ok(config)
}

fn only_account(data_dir: &Path) -> Option<AccountId> {
    let mut names = std::fs::read_dir(data_dir.join("accounts")).ok()?.flatten();
    let (first, second) = (names.next()?, names.next());
    let name = first.file_name().into_string().ok()?;
    second.is_none().then(|| AccountId::new(name).ok()).flatten()
}

/// Opens the data, with everything the log holds processed.
pub(super) async fn open(scope: &Scope) -> Result<Access, Fault> {
    let config = config(scope)?;
    let data_dir = config.host.data_dir.clone();
    match stores(config).await {
        Ok(host) => Ok(Access::Stores(host)),
        Err(fault) => match Remote::of(&presence_file(&data_dir)).await {
            Some(remote) => Ok(Access::Running(Box::new(remote))),
            None => Err(fault),
        },
    }
}

/// Opens the stores themselves; an error when a host runs on them.
pub(super) async fn stores(config: Config) -> Result<Arc<Host>, Fault> {
    blocking(move || Host::open(config)).await
}

/// Processes what waits, with progress.
pub(super) async fn catch_up(host: &Arc<Host>) -> Result<crate::process::Processed, Fault> {
    let host = host.clone();
    blocking(move || {
        let last = host.account.log.last();
        let bar = bar("processing", Some(last.0));
        let result = host.catch_up(&mut |watermark| bar.set_position(watermark.0));
        bar.finish_and_clear();
        result
    })
    .await
}

/// A progress bar on stderr, seen only at a terminal.
pub(super) fn bar(what: &'static str, total: Option<u64>) -> ProgressBar {
    let bar = ProgressBar::new(total.unwrap_or(0));
    let template =
        if total.is_some() { "{msg} {wide_bar} {human_pos}/{human_len}" } else { "{spinner} {msg} {human_pos}" };
    bar.set_style(ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar()));
    bar.set_message(what);
    bar
}

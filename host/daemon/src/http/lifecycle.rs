//! What happens to data and who did what: the audit log and the end of an account. The reading part is served on after
//! the account is gone.

use std::path::{Path as FilePath, PathBuf};
use std::sync::{Arc, PoisonError};

use axum::extract::{FromRequestParts, State};
use axum::http::request::Parts;
use axum::http::{StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use axum::{Json, Router, routing};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use uuid::Uuid;

use super::auth::Needs::Whole;
use super::extract::{Body, Path, Query};
use super::gone::Gone;
use super::problem::Problem;
use super::{Route, Shared, get, post};
use crate::access;
use crate::access::Permission::{Audit, Lifecycle};
use crate::audit::{self, Actor, AuditParams};
use crate::backup;
use crate::error::Fault;
use crate::export::{self, To, Wanted};
use crate::lifecycle::erasure::{self, Erasure, Stage, ToErase};
use crate::lifecycle::{Asked, Decommission, Folder, Office, page, statement};
use crate::{clock, signing, tasks};

type Answer = Result<Response, Problem>;

/// What serves a data folder: a host, or what is left of one.
pub(super) trait Place: Clone + Send + Sync + 'static {
    fn data_dir(&self) -> &FilePath;

    /// Why what is to be erased is not, if so; a full disk keeps that from being written down.
    fn failed(&self) -> Option<String>;
}

impl Place for Shared {
    fn data_dir(&self) -> &FilePath {
        &self.config.host.data_dir
    }

    fn failed(&self) -> Option<String> {
        self.lifecycle_error()
    }
}

impl Place for Arc<Gone> {
    fn data_dir(&self) -> &FilePath {
        &self.data_dir
    }

    fn failed(&self) -> Option<String> {
        self.failed.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Who asks. On a host, the route has let them pass; where the account is gone, only the user of the host may.
pub(super) struct By(Actor);

impl FromRequestParts<Shared> for By {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, host: &Shared) -> Result<Self, Problem> {
        let principal = access::Principal::from_request_parts(parts, host).await?;
        Ok(Self(Actor::from(&principal)))
    }
}

impl FromRequestParts<Arc<Gone>> for By {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, gone: &Arc<Gone>) -> Result<Self, Problem> {
        if gone.admits(parts) {
            return Ok(Self(Actor::operator()));
        }
        let problem = Problem::new(StatusCode::UNAUTHORIZED, "the account is gone, and its keys with it");
        Err(problem.hint("ask from the machine itself, as the user of the host"))
    }
}

/// What is served on when the account is gone.
pub(super) fn remains() -> Router<Arc<Gone>> {
    Router::new()
        .route("/v1/audit", routing::get(audit_log::<Arc<Gone>>))
        .route("/v1/audit/verify", routing::get(verify::<Arc<Gone>>))
        .route("/v1/decommissions", routing::get(list::<Arc<Gone>>))
        .route("/v1/decommissions/{id}", routing::get(one::<Arc<Gone>>))
        .route("/v1/decommissions/{id}/receipt", routing::get(receipt::<Arc<Gone>>))
        .route("/v1/decommissions/{id}/receipt.html", routing::get(receipt_page::<Arc<Gone>>))
}

/// What a host serves.
pub(super) fn table() -> Vec<Route> {
    vec![
        get("/v1/audit", Whole(Audit), audit_log::<Shared>),
        get("/v1/audit/verify", Whole(Audit), verify::<Shared>),
        get("/v1/exports", Whole(Lifecycle), exports),
        post("/v1/exports", Whole(Lifecycle), write_export),
        get("/v1/backups", Whole(Lifecycle), backups),
        post("/v1/backups", Whole(Lifecycle), back_up),
        get("/v1/erasures", Whole(Lifecycle), erasures),
        post("/v1/erasures", Whole(Lifecycle), erase),
        get("/v1/erasures/{id}/receipt", Whole(Lifecycle), receipt::<Shared>),
        post("/v1/erasures/{id}/confirm", Whole(Lifecycle), confirm_erasure),
        post("/v1/erasures/{id}/cancel", Whole(Lifecycle), cancel_erasure),
        get("/v1/retention/preview", Whole(Lifecycle), preview),
        post("/v1/retention/run", Whole(Lifecycle), retire),
        get("/v1/decommissions", Whole(Lifecycle), list::<Shared>),
        post("/v1/decommissions", Whole(Lifecycle), request),
        get("/v1/decommissions/inventory", Whole(Lifecycle), count),
        get("/v1/decommissions/statement", Whole(Lifecycle), sentence),
        get("/v1/decommissions/{id}", Whole(Lifecycle), one::<Shared>),
        get("/v1/decommissions/{id}/receipt", Whole(Lifecycle), receipt::<Shared>),
        get("/v1/decommissions/{id}/receipt.html", Whole(Lifecycle), receipt_page::<Shared>),
        post("/v1/decommissions/{id}/confirm", Whole(Lifecycle), confirm),
        post("/v1/decommissions/{id}/cancel", Whole(Lifecycle), cancel),
        post("/v1/decommissions/{id}/hold", Whole(Lifecycle), hold),
        post("/v1/decommissions/{id}/release", Whole(Lifecycle), release),
    ]
}

async fn audit_log<P: Place>(_: By, State(place): State<P>, Query(params): Query<AuditParams>) -> Answer {
    let page = blocking(move || audit::list(&audit::folder(place.data_dir()), &params)).await?;
    Ok(Json(page).into_response())
}

async fn verify<P: Place>(_: By, State(place): State<P>) -> Answer {
    let verified = blocking(move || {
        let data_dir = place.data_dir();
        let key = signing::public_key(&data_dir.join("keys")).unwrap_or_default();
        audit::verify(&audit::folder(data_dir), &key, &[])
    });
    Ok(Json(verified.await?).into_response())
}

fn folder(data_dir: &FilePath) -> Folder {
    Folder::new(data_dir)
}

async fn list<P: Place>(_: By, State(place): State<P>) -> Answer {
    let failed = place.failed();
    let all = blocking(move || folder(place.data_dir()).list()).await?;
    let all: Vec<_> = all.iter().map(|one| told_with(one, failed.as_ref())).collect();
    Ok(Json(json!({ "decommissions": all })).into_response())
}

async fn one<P: Place>(_: By, State(place): State<P>, Path(id): Path<Uuid>) -> Answer {
    let failed = place.failed();
    let one = blocking(move || folder(place.data_dir()).get(id)).await?;
    Ok(Json(told_with(&one, failed.as_ref())).into_response())
}

async fn receipt<P: Place>(_: By, State(place): State<P>, Path(id): Path<Uuid>) -> Answer {
    let text = receipt_text(place, id).await?;
    Ok(([(header::CONTENT_TYPE, "application/json")], text).into_response())
}

async fn receipt_page<P: Place>(_: By, State(place): State<P>, Path(id): Path<Uuid>) -> Answer {
    Ok(Html(page(&receipt_text(place, id).await?)).into_response())
}

async fn receipt_text<P: Place>(place: P, id: Uuid) -> Result<String, Problem> {
    let text = blocking(move || folder(place.data_dir()).receipt(id)).await?;
    text.ok_or_else(|| Problem::not_found("there is no receipt yet").hint("it is written when all is verified"))
}

/// A decommissioning as it is shown: markers are for the search alone.
pub(crate) fn told(one: &Decommission) -> Value {
    let mut value = json!(one);
    let receipt =
        (one.state == crate::lifecycle::State::Completed).then(|| format!("/v1/decommissions/{}/receipt", one.id));
    if let Some(fields) = value.as_object_mut() {
        fields.remove("markers");
        fields.insert("receipt".to_owned(), json!(receipt));
    }
    value
}

/// The same with what is in its way, where that could not be written down.
fn told_with(one: &Decommission, failed: Option<&String>) -> Value {
    let mut value = told(one);
    if one.error.is_none() && (one.is_due(clock::now()) || one.state.is_under_way()) {
        value["error"] = json!(failed);
    }
    value
}

async fn sentence(_: By, State(host): State<Shared>) -> Answer {
    let account = &host.account.id;
    Ok(Json(json!({ "account": account, "statement": statement(account) })).into_response())
}

async fn count(_: By, State(host): State<Shared>) -> Answer {
    Ok(Json(blocking(move || host.inventory()).await?).into_response())
}

async fn request(By(by): By, State(host): State<Shared>, Body(body): Body) -> Answer {
    let asked: Asked = read(&body)?;
    let one = blocking(move || {
        let inventory = host.inventory()?;
        office(&host).request(host.account.id.clone(), asked, inventory, &by)
    });
    Ok((StatusCode::CREATED, Json(told(&one.await?))).into_response())
}

async fn exports(_: By, State(host): State<Shared>) -> Answer {
    Ok(Json(json!({ "exports": written(host, "export.write", ["files", "records"]).await? })).into_response())
}

async fn backups(_: By, State(host): State<Shared>) -> Answer {
    Ok(Json(json!({ "backups": written(host, "backup.write", ["files", "generations"]).await? })).into_response())
}

/// What was written where, as the audit log knows it, the newest first.
async fn written(host: Shared, action: &str, counts: [&str; 2]) -> Result<Vec<Value>, Problem> {
    let params = AuditParams { action: Some(action.to_owned()), ..AuditParams::default() };
    let page = blocking(move || audit::list(&audit::folder(&host.config.host.data_dir), &params)).await?;
    let told = |noted: audit::Noted| {
        let after = noted.after.unwrap_or_default();
        let mut told = json!({ "at": noted.at, "by": noted.actor, "to": noted.subject, "outcome": noted.outcome });
        for count in counts {
            told[count] = after[count].clone();
        }
        told
    };
    Ok(page.entries.into_iter().map(told).collect())
}

/// Takes a backup into a folder of the host's machine.
async fn back_up(By(by): By, State(host): State<Shared>, Body(body): Body) -> Answer {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct To {
        to: PathBuf,
    }
    let To { to } = read(&body)?;
    on_this_machine(&to)?;
    let taken = blocking(move || backup::take(&host.account, &host.config.host.data_dir, &to, &by)).await?;
    Ok((StatusCode::CREATED, Json(taken)).into_response())
}

fn on_this_machine(to: &FilePath) -> Result<(), Problem> {
    if to.is_absolute() {
        return Ok(());
    }
    Err(Problem::new(StatusCode::BAD_REQUEST, "`to` is no absolute path").hint("it is one of the host's machine"))
}

/// Writes an export to a folder of the host's machine, or to its store.
async fn write_export(By(by): By, State(host): State<Shared>, Body(body): Body) -> Answer {
    #[derive(Deserialize)]
    struct ToWrite {
        to: To,
        #[serde(flatten)]
        wanted: Wanted,
    }
    let asked: ToWrite = read(&body)?;
    if let To::Folder(to) = &asked.to {
        on_this_machine(to)?;
    }
    let written = blocking(move || {
        let place = host.place(&asked.to)?;
        export::noted(&host.account, asked.wanted, &*place, &by, &mut |_| {})
    });
    Ok((StatusCode::CREATED, Json(written.await?)).into_response())
}

async fn erasures(_: By, State(host): State<Shared>) -> Answer {
    let failed = host.lifecycle_error();
    let all = blocking(move || erasure::list(&folder(&host.config.host.data_dir))).await?;
    let all: Vec<_> = all.iter().map(|one| told_erasure(one, failed.as_ref())).collect();
    Ok(Json(json!({ "erasures": all })).into_response())
}

/// An erasure with the place of its receipt, or with what is in its way.
fn told_erasure(one: &Erasure, failed: Option<&String>) -> Value {
    let mut value = json!(one);
    value["error"] = json!(failed.filter(|_| matches!(one.state, Stage::Requested | Stage::Running)));
    value["receipt"] = json!((one.state == Stage::Completed).then(|| format!("/v1/erasures/{}/receipt", one.id)));
    value
}

/// Erases a part, while the host pauses; or counts what that would be.
async fn erase(By(by): By, State(host): State<Shared>, Body(body): Body) -> Answer {
    let asked: ToErase = read(&body)?;
    let one = blocking(move || erasure::request(&host, asked, &by)).await?;
    Ok((StatusCode::ACCEPTED, Json(one)).into_response())
}

async fn confirm_erasure(By(by): By, State(host): State<Shared>, Path(id): Path<Uuid>, Body(body): Body) -> Answer {
    let said: Said = read(&body)?;
    let one = blocking(move || erasure::confirm(&host, id, said.owner_key.as_deref(), &by)).await?;
    Ok((StatusCode::ACCEPTED, Json(one)).into_response())
}

async fn cancel_erasure(By(by): By, State(host): State<Shared>, Path(id): Path<Uuid>) -> Answer {
    Ok(Json(blocking(move || erasure::cancel(&host, id, &by)).await?).into_response())
}

async fn preview(_: By, State(host): State<Shared>) -> Answer {
    Ok(Json(blocking(move || erasure::preview(&host)).await?).into_response())
}

async fn retire(By(by): By, State(host): State<Shared>) -> Answer {
    let retired = blocking(move || erasure::retire(&host, &by)).await?;
    Ok((StatusCode::ACCEPTED, Json(retired)).into_response())
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Said {
    owner_key: Option<String>,
    reason: Option<String>,
}

async fn confirm(By(by): By, State(host): State<Shared>, Path(id): Path<Uuid>, Body(body): Body) -> Answer {
    let said: Said = read(&body)?;
    act(host, move |office| office.confirm(id, said.owner_key.as_deref(), &by)).await
}

async fn cancel(By(by): By, State(host): State<Shared>, Path(id): Path<Uuid>) -> Answer {
    act(host, move |office| office.cancel(id, &by)).await
}

async fn hold(By(by): By, State(host): State<Shared>, Path(id): Path<Uuid>, Body(body): Body) -> Answer {
    let said: Said = read(&body)?;
    act(host, move |office| office.hold(id, &said.reason.unwrap_or_default(), &by)).await
}

async fn release(By(by): By, State(host): State<Shared>, Path(id): Path<Uuid>) -> Answer {
    act(host, move |office| office.release(id, &by)).await
}

async fn act(host: Shared, act: impl FnOnce(&Office) -> Result<Decommission, Fault> + Send + 'static) -> Answer {
    let one = blocking(move || act(&office(&host))).await?;
    Ok(Json(told(&one)).into_response())
}

fn office(host: &Shared) -> Office {
    Office::new(&host.config.host.data_dir, host.account.audit.clone())
}

/// A body of JSON; an empty one says nothing.
fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, Problem> {
    let body = if body.is_empty() { b"{}" } else { body };
    serde_json::from_slice(body).map_err(|error| {
        Problem::new(StatusCode::BAD_REQUEST, error.to_string()).hint("the API is described in docs/API.md")
    })
}

async fn blocking<T: Send + 'static>(ask: impl FnOnce() -> Result<T, Fault> + Send + 'static) -> Result<T, Problem> {
    Ok(tasks::blocking(ask).await?)
}

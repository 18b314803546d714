//! What happens to data and who did what: the audit log and the end of an account. The reading part is served on after
//! the account is gone.

use std::path::{Path as FilePath, PathBuf};
use std::sync::Arc;

use axum::extract::{FromRequestParts, State};
use axum::http::request::Parts;
use axum::http::{StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::json;
use uuid::Uuid;
use weir_store::OsDisk;

use super::Shared;
use super::auth::demand;
use super::extract::{Body, Path, Query};
use super::gone::Gone;
use super::problem::Problem;
use crate::access::{Permission, Who};
use crate::audit::{self, AuditParams};
use crate::error::Fault;
use crate::export::{self, Wanted};
use crate::lifecycle::erasure::{self, ToErase};
use crate::lifecycle::{Asked, Decommission, Folder, Office, Principal, page, statement};
use crate::signing;

type Answer = Result<Response, Problem>;

/// What serves a data folder: a host, or what is left of one.
pub(super) trait Place: Clone + Send + Sync + 'static {
    fn data_dir(&self) -> &FilePath;
}

impl Place for Shared {
    fn data_dir(&self) -> &FilePath {
        &self.config.host.data_dir
    }
}

impl Place for Arc<Gone> {
    fn data_dir(&self) -> &FilePath {
        &self.data_dir
    }
}

/// Somebody who may do everything, by name.
pub(super) struct Admin(Principal);

impl FromRequestParts<Shared> for Admin {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, host: &Shared) -> Result<Self, Problem> {
        let principal = demand(parts, host, Permission::Lifecycle)?;
        let who = if principal.who == Who::Command { audit::operator() } else { principal.name() };
        Ok(Self(Principal { who, from: "api".to_owned() }))
    }
}

impl FromRequestParts<Arc<Gone>> for Admin {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, gone: &Arc<Gone>) -> Result<Self, Problem> {
        if gone.admits(parts) {
            return Ok(Self(Principal { who: audit::operator(), from: "api".to_owned() }));
        }
        let problem = Problem::new(StatusCode::UNAUTHORIZED, "the account is gone, and its keys with it");
        Err(problem.hint("ask from the machine itself, as the user of the host"))
    }
}

/// What is only read.
pub(super) fn reading<P: Place>() -> Router<P>
where
    Admin: FromRequestParts<P, Rejection = Problem>,
{
    Router::new()
        .route("/v1/audit", get(audit_log::<P>))
        .route("/v1/audit/verify", get(verify::<P>))
        .route("/v1/decommissions", get(list::<P>))
        .route("/v1/decommissions/{id}", get(one::<P>))
        .route("/v1/decommissions/{id}/receipt", get(receipt::<P>))
        .route("/v1/decommissions/{id}/receipt.html", get(receipt_page::<P>))
}

pub(super) fn routes() -> Router<Shared> {
    reading()
        .route("/v1/exports", get(exports).post(write_export))
        .route("/v1/erasures", get(erasures).post(erase))
        .route("/v1/retention/preview", get(preview))
        .route("/v1/retention/run", post(retire))
        .route("/v1/decommissions", post(request))
        .route("/v1/decommissions/inventory", get(count))
        .route("/v1/decommissions/statement", get(sentence))
        .route("/v1/decommissions/{id}/confirm", post(confirm))
        .route("/v1/decommissions/{id}/cancel", post(cancel))
        .route("/v1/decommissions/{id}/hold", post(hold))
        .route("/v1/decommissions/{id}/release", post(release))
}

async fn audit_log<P: Place>(_: Admin, State(place): State<P>, Query(params): Query<AuditParams>) -> Answer {
    let page = blocking(move || audit::list(&audit::folder(place.data_dir()), &params)).await?;
    Ok(Json(page).into_response())
}

async fn verify<P: Place>(_: Admin, State(place): State<P>) -> Answer {
    let verified = blocking(move || {
        let data_dir = place.data_dir();
        let key = signing::public_key(&data_dir.join("keys")).unwrap_or_default();
        audit::verify(&audit::folder(data_dir), &key, &[])
    });
    Ok(Json(verified.await?).into_response())
}

fn folder(data_dir: &FilePath) -> Folder {
    Folder::new(Arc::new(OsDisk), data_dir)
}

async fn list<P: Place>(_: Admin, State(place): State<P>) -> Answer {
    let all = blocking(move || folder(place.data_dir()).list()).await?;
    let all: Vec<_> = all.iter().map(told).collect();
    Ok(Json(json!({ "decommissions": all })).into_response())
}

async fn one<P: Place>(_: Admin, State(place): State<P>, Path(id): Path<Uuid>) -> Answer {
    let one = blocking(move || folder(place.data_dir()).get(id)).await?;
    Ok(Json(told(&one)).into_response())
}

async fn receipt<P: Place>(_: Admin, State(place): State<P>, Path(id): Path<Uuid>) -> Answer {
    let text = receipt_text(place, id).await?;
    Ok(([(header::CONTENT_TYPE, "application/json")], text).into_response())
}

async fn receipt_page<P: Place>(_: Admin, State(place): State<P>, Path(id): Path<Uuid>) -> Answer {
    Ok(Html(page(&receipt_text(place, id).await?)).into_response())
}

async fn receipt_text<P: Place>(place: P, id: Uuid) -> Result<String, Problem> {
    let text = blocking(move || folder(place.data_dir()).receipt(id)).await?;
    text.ok_or_else(|| Problem::not_found("there is no receipt yet").hint("it is written when all is verified"))
}

/// A decommissioning as it is shown: markers are for the search alone.
pub(crate) fn told(one: &Decommission) -> serde_json::Value {
    let mut value = json!(one);
    let receipt =
        (one.state == crate::lifecycle::State::Completed).then(|| format!("/v1/decommissions/{}/receipt", one.id));
    if let Some(fields) = value.as_object_mut() {
        fields.remove("markers");
        fields.insert("receipt".to_owned(), json!(receipt));
    }
    value
}

async fn sentence(_: Admin, State(host): State<Shared>) -> Answer {
    let account = &host.account.id;
    Ok(Json(json!({ "account": account, "statement": statement(account) })).into_response())
}

async fn count(_: Admin, State(host): State<Shared>) -> Answer {
    Ok(Json(blocking(move || host.inventory()).await?).into_response())
}

async fn request(Admin(by): Admin, State(host): State<Shared>, Body(body): Body) -> Answer {
    let asked: Asked = read(&body)?;
    let one = blocking(move || {
        let inventory = host.inventory()?;
        office(&host).request(host.account.id.clone(), asked, inventory, &by)
    });
    Ok((StatusCode::CREATED, Json(told(&one.await?))).into_response())
}

/// Exports that were written, as the audit log knows them.
async fn exports(_: Admin, State(host): State<Shared>) -> Answer {
    let params = AuditParams { action: Some("export.write".to_owned()), ..AuditParams::default() };
    let page = blocking(move || audit::list(&audit::folder(&host.config.host.data_dir), &params)).await?;
    let told = |noted: audit::Noted| {
        let after = noted.after.unwrap_or_default();
        json!({ "at": noted.at, "by": noted.actor, "to": noted.subject, "files": after["files"], "records": after["records"] })
    };
    Ok(Json(json!({ "exports": page.entries.into_iter().map(told).collect::<Vec<_>>() })).into_response())
}

/// Writes an export to a folder of the host's machine.
async fn write_export(Admin(by): Admin, State(host): State<Shared>, Body(body): Body) -> Answer {
    #[derive(Deserialize)]
    struct ToWrite {
        to: PathBuf,
        #[serde(flatten)]
        wanted: Wanted,
    }
    let asked: ToWrite = read(&body)?;
    if !asked.to.is_absolute() {
        return Err(
            Problem::new(StatusCode::BAD_REQUEST, "`to` is no absolute path").hint("it is one of the host's machine")
        );
    }
    let written = blocking(move || export::noted(&host.account, asked.wanted, &asked.to, &by, &mut |_| {})).await?;
    Ok((StatusCode::CREATED, Json(written)).into_response())
}

async fn erasures(_: Admin, State(host): State<Shared>) -> Answer {
    let all = blocking(move || erasure::list(&host.config.host.data_dir)).await?;
    Ok(Json(json!({ "erasures": all })).into_response())
}

/// Erases a part, while the host pauses; or counts what that would be.
async fn erase(Admin(by): Admin, State(host): State<Shared>, Body(body): Body) -> Answer {
    let asked: ToErase = read(&body)?;
    let one = blocking(move || erasure::request(&host, asked, &by)).await?;
    Ok((StatusCode::ACCEPTED, Json(one)).into_response())
}

async fn preview(_: Admin, State(host): State<Shared>) -> Answer {
    Ok(Json(blocking(move || erasure::preview(&host)).await?).into_response())
}

async fn retire(Admin(by): Admin, State(host): State<Shared>) -> Answer {
    let one = blocking(move || erasure::retire(&host, &by)).await?;
    Ok((StatusCode::ACCEPTED, Json(json!({ "erasure": one }))).into_response())
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Said {
    owner_key: Option<String>,
    reason: Option<String>,
}

async fn confirm(Admin(by): Admin, State(host): State<Shared>, Path(id): Path<Uuid>, Body(body): Body) -> Answer {
    let said: Said = read(&body)?;
    act(host, move |office| office.confirm(id, said.owner_key.as_deref(), &by)).await
}

async fn cancel(Admin(by): Admin, State(host): State<Shared>, Path(id): Path<Uuid>) -> Answer {
    act(host, move |office| office.cancel(id, &by)).await
}

async fn hold(Admin(by): Admin, State(host): State<Shared>, Path(id): Path<Uuid>, Body(body): Body) -> Answer {
    let said: Said = read(&body)?;
    act(host, move |office| office.hold(id, &said.reason.unwrap_or_default(), &by)).await
}

async fn release(Admin(by): Admin, State(host): State<Shared>, Path(id): Path<Uuid>) -> Answer {
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
    let answered = tokio::task::spawn_blocking(ask).await;
    let lost = |error| Problem::from(Fault::host("the question was not answered").caused_by(error));
    answered.map_err(lost)?.map_err(Problem::from)
}

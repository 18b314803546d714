//! What happens to data and who did what: the audit log and the end of an account. The reading part is served on after
//! the account is gone.

use std::path::{Path as FilePath, PathBuf};
use std::sync::{Arc, PoisonError};

use axum::extract::{FromRequestParts, State};
use axum::http::request::Parts;
use axum::http::{StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use axum::{Json, Router, routing};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use uuid::Uuid;
use weir_model::{AccountId, Timestamp};

use super::answer::{Accepted, Created};
use super::auth::Needs::Whole;
use super::describe::{Gives, Operation, Takes};
use super::extract::{Path, Query, Said};
use super::gone::Gone;
use super::problem::Problem;
use super::{Route, Shared, get, post};
use crate::access;
use crate::access::Permission::{Audit, Lifecycle};
use crate::audit::{self, Actor, AuditPage, AuditParams, Outcome, Verified};
use crate::backup::{self, Backup};
use crate::error::Fault;
use crate::export::{self, Manifest, To, Wanted};
use crate::lifecycle::erasure::{self, Erasure, Preview, Retired, Stage, ToErase};
use crate::lifecycle::{Asked, Decommission, Folder, Inventory, Office, page, statement};
use crate::{clock, signing, tasks};

type Answer<T> = Result<Json<T>, Problem>;

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

impl Takes for By {}

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
        get("/v1/audit", "Who did what", Whole(Audit), audit_log::<Shared>),
        get("/v1/audit/verify", "Whether the audit log is as it was written", Whole(Audit), verify::<Shared>),
        get("/v1/exports", "Exports that were written", Whole(Lifecycle), exports),
        post("/v1/exports", "Writes an export", Whole(Lifecycle), write_export),
        get("/v1/backups", "Backups that were taken", Whole(Lifecycle), backups),
        post("/v1/backups", "Takes a backup", Whole(Lifecycle), back_up),
        get("/v1/erasures", "Parts that were erased", Whole(Lifecycle), erasures),
        post("/v1/erasures", "Erases a part, or counts it", Whole(Lifecycle), erase),
        get("/v1/erasures/{id}/receipt", "The signed receipt of an erasure", Whole(Lifecycle), receipt::<Shared>),
        post(
            "/v1/erasures/{id}/confirm",
            "Confirms what somebody else wants to erase",
            Whole(Lifecycle),
            confirm_erasure,
        ),
        post("/v1/erasures/{id}/cancel", "Takes an erasure back", Whole(Lifecycle), cancel_erasure),
        get("/v1/retention/preview", "What policies would let go", Whole(Lifecycle), preview),
        post("/v1/retention/run", "Lets go what policies say", Whole(Lifecycle), retire),
        get("/v1/decommissions", "Ends of accounts", Whole(Lifecycle), list::<Shared>),
        post("/v1/decommissions", "Asks for the end of the account", Whole(Lifecycle), request),
        get("/v1/decommissions/inventory", "What would go", Whole(Lifecycle), count),
        get("/v1/decommissions/statement", "The sentence to type", Whole(Lifecycle), sentence),
        get("/v1/decommissions/{id}", "How far a decommissioning is", Whole(Lifecycle), one::<Shared>),
        get("/v1/decommissions/{id}/receipt", "The signed receipt", Whole(Lifecycle), receipt::<Shared>),
        get("/v1/decommissions/{id}/receipt.html", "The receipt to print", Whole(Lifecycle), receipt_page::<Shared>),
        post("/v1/decommissions/{id}/confirm", "Confirms a decommissioning", Whole(Lifecycle), confirm),
        post("/v1/decommissions/{id}/cancel", "Takes a decommissioning back", Whole(Lifecycle), cancel),
        post("/v1/decommissions/{id}/hold", "Holds a decommissioning", Whole(Lifecycle), hold),
        post("/v1/decommissions/{id}/release", "Lifts a hold", Whole(Lifecycle), release),
    ]
}

async fn audit_log<P: Place>(_: By, State(place): State<P>, Query(params): Query<AuditParams>) -> Answer<AuditPage> {
    blocking(move || audit::list(&audit::folder(place.data_dir()), &params)).await.map(Json)
}

async fn verify<P: Place>(_: By, State(place): State<P>) -> Answer<Verified> {
    let verified = blocking(move || {
        let data_dir = place.data_dir();
        let key = signing::public_key(&data_dir.join("keys")).unwrap_or_default();
        audit::verify(&audit::folder(data_dir), &key, &[])
    });
    verified.await.map(Json)
}

fn folder(data_dir: &FilePath) -> Folder {
    Folder::new(data_dir)
}

/// Ends of accounts, asked for or over.
#[derive(Serialize, JsonSchema)]
struct Decommissions {
    decommissions: Vec<DecommissionAnswer>,
}

/// A decommissioning as it is shown.
#[derive(Serialize, JsonSchema)]
pub(crate) struct DecommissionAnswer {
    #[serde(flatten)]
    one: Decommission,
    /// Where its receipt is, once there is one.
    receipt: Option<String>,
}

async fn list<P: Place>(_: By, State(place): State<P>) -> Answer<Decommissions> {
    let failed = place.failed();
    let all = blocking(move || folder(place.data_dir()).list()).await?;
    let decommissions = all.into_iter().map(|one| told_with(one, failed.as_ref())).collect();
    Ok(Json(Decommissions { decommissions }))
}

async fn one<P: Place>(_: By, State(place): State<P>, Path(id): Path<Uuid>) -> Answer<DecommissionAnswer> {
    let failed = place.failed();
    let one = blocking(move || folder(place.data_dir()).get(id)).await?;
    Ok(Json(told_with(one, failed.as_ref())))
}

/// A receipt, to the byte as it was signed.
struct Receipt(String);

impl IntoResponse for Receipt {
    fn into_response(self) -> Response {
        ([(header::CONTENT_TYPE, "application/json")], self.0).into_response()
    }
}

impl Gives for Receipt {
    fn tell(operation: &mut Operation<'_>) {
        operation.answer_json::<Map<String, Value>>("200", "The receipt, to the byte as it was signed");
    }
}

async fn receipt<P: Place>(_: By, State(place): State<P>, Path(id): Path<Uuid>) -> Result<Receipt, Problem> {
    receipt_text(place, id).await.map(Receipt)
}

async fn receipt_page<P: Place>(_: By, State(place): State<P>, Path(id): Path<Uuid>) -> Result<Html<String>, Problem> {
    Ok(Html(page(&receipt_text(place, id).await?)))
}

async fn receipt_text<P: Place>(place: P, id: Uuid) -> Result<String, Problem> {
    let text = blocking(move || folder(place.data_dir()).receipt(id)).await?;
    text.ok_or_else(|| Problem::not_found("there is no receipt yet").hint("it is written when all is verified"))
}

/// A decommissioning as it is shown: markers are for the search alone.
pub(crate) fn told(one: Decommission) -> DecommissionAnswer {
    let is_over = one.state == crate::lifecycle::State::Completed;
    let receipt = is_over.then(|| format!("/v1/decommissions/{}/receipt", one.id));
    DecommissionAnswer { one: Decommission { markers: Vec::new(), ..one }, receipt }
}

/// The same with what is in its way, where that could not be written down.
fn told_with(mut one: Decommission, failed: Option<&String>) -> DecommissionAnswer {
    if one.error.is_none() && (one.is_due(clock::now()) || one.state.is_under_way()) {
        one.error = failed.cloned();
    }
    told(one)
}

/// The sentence to type.
#[derive(Serialize, JsonSchema)]
struct Sentence {
    account: AccountId,
    statement: String,
}

async fn sentence(_: By, State(host): State<Shared>) -> Json<Sentence> {
    let account = host.account.id.clone();
    Json(Sentence { statement: statement(&account), account })
}

async fn count(_: By, State(host): State<Shared>) -> Answer<Inventory> {
    blocking(move || host.inventory()).await.map(Json)
}

async fn request(
    By(by): By,
    State(host): State<Shared>,
    Said(asked): Said<Asked>,
) -> Result<Created<DecommissionAnswer>, Problem> {
    let one = blocking(move || {
        let inventory = host.inventory()?;
        office(&host).request(host.account.id.clone(), asked, inventory, &by)
    });
    Ok(Created(told(one.await?)))
}

/// Exports that were written, the newest first.
#[derive(Serialize, JsonSchema)]
struct Exports {
    exports: Vec<Exported>,
}

/// An export, as the audit log knows it.
#[derive(Serialize, JsonSchema)]
struct Exported {
    #[serde(flatten)]
    written: Written,
    files: Option<u64>,
    records: Option<u64>,
}

/// Backups that were taken, the newest first.
#[derive(Serialize, JsonSchema)]
struct Backups {
    backups: Vec<BackedUp>,
}

/// A backup, as the audit log knows it.
#[derive(Serialize, JsonSchema)]
struct BackedUp {
    #[serde(flatten)]
    written: Written,
    files: Option<u64>,
    generations: Option<u64>,
}

/// Something that was written somewhere.
#[derive(Serialize, JsonSchema)]
struct Written {
    at: Timestamp,
    /// Who did it; nobody knows any more when the details are erased.
    by: Option<String>,
    /// Where it is.
    to: Option<String>,
    outcome: Outcome,
}

async fn exports(_: By, State(host): State<Shared>) -> Answer<Exports> {
    let told = |(written, counts): (Written, Value)| Exported {
        written,
        files: counts["files"].as_u64(),
        records: counts["records"].as_u64(),
    };
    Ok(Json(Exports { exports: written(host, "export.write").await?.map(told).collect() }))
}

async fn backups(_: By, State(host): State<Shared>) -> Answer<Backups> {
    let told = |(written, counts): (Written, Value)| BackedUp {
        written,
        files: counts["files"].as_u64(),
        generations: counts["generations"].as_u64(),
    };
    Ok(Json(Backups { backups: written(host, "backup.write").await?.map(told).collect() }))
}

/// What was written, as the audit log knows it, the newest first, and what it came to.
async fn written(host: Shared, action: &str) -> Result<impl Iterator<Item = (Written, Value)>, Problem> {
    let params = AuditParams { action: Some(action.to_owned()), ..AuditParams::default() };
    let page = blocking(move || audit::list(&audit::folder(&host.config.host.data_dir), &params)).await?;
    let told = |noted: audit::Noted| {
        let audit::Noted { at, actor: by, subject: to, outcome, after, .. } = noted;
        (Written { at, by, to, outcome }, after.unwrap_or_default())
    };
    Ok(page.entries.into_iter().map(told))
}

/// Where a backup goes.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct ToBackUp {
    /// A folder of the host's machine, by its absolute path.
    to: PathBuf,
}

/// Takes a backup into a folder of the host's machine.
async fn back_up(
    By(by): By,
    State(host): State<Shared>,
    Said(ToBackUp { to }): Said<ToBackUp>,
) -> Result<Created<Backup>, Problem> {
    on_this_machine(&to)?;
    let taken = blocking(move || backup::take(&host.account, &host.config.host.data_dir, &to, &by)).await?;
    Ok(Created(taken))
}

fn on_this_machine(to: &FilePath) -> Result<(), Problem> {
    if to.is_absolute() {
        return Ok(());
    }
    Err(Problem::new(StatusCode::BAD_REQUEST, "`to` is no absolute path").hint("it is one of the host's machine"))
}

/// An export that is to be written.
#[derive(Deserialize, JsonSchema)]
struct ToWrite {
    /// A folder of the host's machine, or `s3://bucket/prefix`.
    to: To,
    #[serde(flatten)]
    wanted: Wanted,
}

/// Writes an export to a folder of the host's machine, or to its store.
async fn write_export(
    By(by): By,
    State(host): State<Shared>,
    Said(asked): Said<ToWrite>,
) -> Result<Created<Manifest>, Problem> {
    if let To::Folder(to) = &asked.to {
        on_this_machine(to)?;
    }
    let written = blocking(move || {
        let place = host.place(&asked.to)?;
        export::noted(&host.account, asked.wanted, &*place, &by, &mut |_| {})
    });
    Ok(Created(written.await?))
}

/// Erasures, the newest first.
#[derive(Serialize, JsonSchema)]
struct Erasures {
    erasures: Vec<ErasureAnswer>,
}

/// An erasure as it is shown.
#[derive(Serialize, JsonSchema)]
struct ErasureAnswer {
    #[serde(flatten)]
    one: Erasure,
    /// What is in its way.
    error: Option<String>,
    /// Where its receipt is, once there is one.
    receipt: Option<String>,
}

async fn erasures(_: By, State(host): State<Shared>) -> Answer<Erasures> {
    let failed = host.lifecycle_error();
    let all = blocking(move || erasure::list(&folder(&host.config.host.data_dir))).await?;
    Ok(Json(Erasures { erasures: all.into_iter().map(|one| told_erasure(one, failed.as_ref())).collect() }))
}

/// An erasure with the place of its receipt, or with what is in its way.
fn told_erasure(one: Erasure, failed: Option<&String>) -> ErasureAnswer {
    let error = failed.filter(|_| matches!(one.state, Stage::Requested | Stage::Running)).cloned();
    let receipt = (one.state == Stage::Completed).then(|| format!("/v1/erasures/{}/receipt", one.id));
    ErasureAnswer { one, error, receipt }
}

/// Erases a part, while the host pauses; or counts what that would be.
async fn erase(
    By(by): By,
    State(host): State<Shared>,
    Said(asked): Said<ToErase>,
) -> Result<Accepted<Erasure>, Problem> {
    blocking(move || erasure::request(&host, asked, &by)).await.map(Accepted)
}

async fn confirm_erasure(
    By(by): By,
    State(host): State<Shared>,
    Path(id): Path<Uuid>,
    Said(said): Said<Confirming>,
) -> Result<Accepted<Erasure>, Problem> {
    blocking(move || erasure::confirm(&host, id, said.owner_key.as_deref(), &by)).await.map(Accepted)
}

async fn cancel_erasure(By(by): By, State(host): State<Shared>, Path(id): Path<Uuid>) -> Answer<Erasure> {
    blocking(move || erasure::cancel(&host, id, &by)).await.map(Json)
}

async fn preview(_: By, State(host): State<Shared>) -> Answer<Preview> {
    blocking(move || erasure::preview(&host)).await.map(Json)
}

async fn retire(By(by): By, State(host): State<Shared>) -> Result<Accepted<Retired>, Problem> {
    blocking(move || erasure::retire(&host, &by)).await.map(Accepted)
}

/// Who confirms.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Confirming {
    /// The owner key, for those who have no name of their own.
    owner_key: Option<String>,
}

/// Why it is held.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Holding {
    reason: Option<String>,
}

async fn confirm(
    By(by): By,
    State(host): State<Shared>,
    Path(id): Path<Uuid>,
    Said(said): Said<Confirming>,
) -> Answer<DecommissionAnswer> {
    act(host, move |office| office.confirm(id, said.owner_key.as_deref(), &by)).await
}

async fn cancel(By(by): By, State(host): State<Shared>, Path(id): Path<Uuid>) -> Answer<DecommissionAnswer> {
    act(host, move |office| office.cancel(id, &by)).await
}

async fn hold(
    By(by): By,
    State(host): State<Shared>,
    Path(id): Path<Uuid>,
    Said(said): Said<Holding>,
) -> Answer<DecommissionAnswer> {
    act(host, move |office| office.hold(id, &said.reason.unwrap_or_default(), &by)).await
}

async fn release(By(by): By, State(host): State<Shared>, Path(id): Path<Uuid>) -> Answer<DecommissionAnswer> {
    act(host, move |office| office.release(id, &by)).await
}

async fn act(
    host: Shared,
    act: impl FnOnce(&Office) -> Result<Decommission, Fault> + Send + 'static,
) -> Answer<DecommissionAnswer> {
    let one = blocking(move || act(&office(&host))).await?;
    Ok(Json(told(one)))
}

fn office(host: &Shared) -> Office {
    Office::new(&host.config.host.data_dir, host.account.audit.clone())
}

async fn blocking<T: Send + 'static>(ask: impl FnOnce() -> Result<T, Fault> + Send + 'static) -> Result<T, Problem> {
    Ok(tasks::blocking(ask).await?)
}

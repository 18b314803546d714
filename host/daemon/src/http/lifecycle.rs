//! What happens to data and who did what: the audit log.

use axum::Json;
use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::get;

use super::Shared;
use super::auth::MayAdmin;
use super::extract::Query;
use super::problem::Problem;
use super::read::blocking;
use crate::audit::{self, AuditParams};
use crate::signing;

type Answer = Result<Response, Problem>;

pub(super) fn routes() -> Router<Shared> {
    Router::new().route("/v1/audit", get(list)).route("/v1/audit/verify", get(verify))
}

async fn list(_: MayAdmin, State(host): State<Shared>, Query(params): Query<AuditParams>) -> Answer {
    let page = blocking(host, move |host| audit::list(&audit::folder(&host.config.host.data_dir), &params)).await?;
    Ok(Json(page).into_response())
}

async fn verify(_: MayAdmin, State(host): State<Shared>) -> Answer {
    let verified = blocking(host, |host| {
        let data_dir = &host.config.host.data_dir;
        let key = signing::public_key(&data_dir.join("keys")).unwrap_or_default();
        audit::verify(&audit::folder(data_dir), &key, &[])
    });
    Ok(Json(verified.await?).into_response())
}

//! The interfaces that plugins, workflows and scripts of SEI were written for, under whatever base.
//!
//! Like everything handed over, what comes is kept as it came before it is read, and 2xx means durable.

mod archive;
mod clearance;
mod endpoint;
mod envelope;
mod instances;
mod parcel;
mod rows;
mod sender;
mod table;

use axum::body::Bytes;
use axum::extract::{FromRequest, Request, State};
use axum::http::Method;
use axum::response::Response;
use weir_stages::normalise::Format;

use super::Shared;
use super::auth::demand;
use super::extract::Body;
use super::problem::Problem;
use super::read::{not_allowed, not_found};
use super::unpack::decompressed;
use crate::access::Permission;
use endpoint::Endpoint;
use sender::Claim;

/// Integration of envelopes whose sender nobody knows.
const JENKINS: &str = "jenkins";
/// Integration of everything else of that kind.
const PUSH: &str = "push";

/// Answers what no other route does.
pub(super) async fn any(State(host): State<Shared>, request: Request) -> Result<Response, Problem> {
    let Some(endpoint) = Endpoint::at(request.uri().path()) else { return Err(not_found().await) };
    if request.method() != Method::POST {
        return Err(not_allowed().await);
    }
    let (parts, body) = request.into_parts();
    demand(&parts, &host, Permission::Ingest)?;
    let (uri, headers) = (parts.uri.clone(), parts.headers.clone());
    let claim = |usual| Claim::of(&uri, usual);
    let request = Request::from_parts(parts, body);
    if endpoint == Endpoint::Parcel {
        return parcel::take(&host, claim(JENKINS)?, request).await;
    }
    let Body(body) = Body::from_request(request, &host).await?;
    let body: Bytes = decompressed(&host, &headers, body)?;
    match endpoint {
        Endpoint::Parcel | Endpoint::Envelope => envelope::take(&host, claim(JENKINS)?, &body).await,
        Endpoint::Build => rows::build(&host, claim(PUSH)?, &body).await,
        Endpoint::Instances => instances::make(&host, claim(PUSH)?, &body).await,
        Endpoint::Artifacts | Endpoint::Parameters => {
            rows::take(&host, claim(PUSH)?, Format::RunAdditions, &body).await
        }
        Endpoint::Results => rows::take(&host, claim(PUSH)?, Format::ScanResults, &body).await,
        Endpoint::Rows(table) => table::take(&host, claim(PUSH)?, &table, &body).await,
    }
}

//! What handlers take out of a request. The framework's own say in plain text what does not fit; these say it as
//! everything else here does.

use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::StatusCode;
use axum::http::request::Parts;
use serde::de::DeserializeOwned;

use super::Shared;
use super::problem::Problem;

/// Parameters of the query.
pub(super) struct Query<T>(pub(super) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, host: &S) -> Result<Self, Problem> {
        let taken = axum::extract::Query::<T>::from_request_parts(parts, host).await;
        let unfit = |error: axum::extract::rejection::QueryRejection| {
            Problem::new(StatusCode::BAD_REQUEST, error.body_text()).hint("parameters are described in docs/API.md")
        };
        taken.map(|axum::extract::Query(query)| Self(query)).map_err(unfit)
    }
}

/// Parts of the path.
pub(super) struct Path<T>(pub(super) T);

impl<S: Send + Sync, T: DeserializeOwned + Send> FromRequestParts<S> for Path<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, host: &S) -> Result<Self, Problem> {
        let taken = axum::extract::Path::<T>::from_request_parts(parts, host).await;
        let unfit = |error: axum::extract::rejection::PathRejection| {
            Problem::new(StatusCode::BAD_REQUEST, error.body_text()).hint("names and ids in paths are percent-encoded")
        };
        taken.map(|axum::extract::Path(path)| Self(path)).map_err(unfit)
    }
}

/// The body, whole.
pub(super) struct Body(pub(super) Bytes);

impl Body {
    /// What it says.
    pub(super) fn json<T: DeserializeOwned>(&self) -> Result<T, Problem> {
        serde_json::from_slice(&self.0).map_err(|error| {
            Problem::new(StatusCode::BAD_REQUEST, format!("the body does not fit: {error}"))
                .hint("it is JSON; see docs/API.md")
        })
    }
}

impl FromRequest<Shared> for Body {
    type Rejection = Problem;

    async fn from_request(request: Request, host: &Shared) -> Result<Self, Problem> {
        let unfit = |error: BytesRejection| match error.status() {
            StatusCode::PAYLOAD_TOO_LARGE => too_large(host.config.intake.body_bytes_max),
            status => Problem::new(status, error.body_text()).hint("send it again"),
        };
        Bytes::from_request(request, host).await.map(Self).map_err(unfit)
    }
}

/// A body over the limit.
pub(super) fn too_large(bytes_max: usize) -> Problem {
    let detail = format!("a body holds at most {bytes_max} bytes (`body_bytes_max` of `[intake]`)");
    Problem::new(StatusCode::PAYLOAD_TOO_LARGE, detail).hint("send it in parts")
}

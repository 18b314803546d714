//! What handlers take out of a request. The framework's own say in plain text what does not fit; these say it as
//! everything else here does, and tell the document of the API what they take.

use std::convert::Infallible;
use std::marker::PhantomData;

use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::StatusCode;
use axum::http::request::Parts;
use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::Shared;
use super::describe::{Operation, Takes, in_path, in_query};
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

impl<T: JsonSchema> Takes for Query<T> {
    fn tell(operation: &mut Operation<'_>) {
        in_query::<T>(operation);
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

impl<T: JsonSchema> Takes for Path<T> {
    fn tell(operation: &mut Operation<'_>) {
        in_path::<T>(operation);
    }
}

/// What a body of JSON says. An empty one says `{}`.
pub(super) struct Said<T>(pub(super) T);

impl<T: DeserializeOwned> FromRequest<Shared> for Said<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, host: &Shared) -> Result<Self, Problem> {
        let Body(body) = Body::from_request(request, host).await?;
        let said = if body.trim_ascii().is_empty() { b"{}" } else { body.as_ref() };
        serde_json::from_slice(said).map(Self).map_err(|error| {
            Problem::new(StatusCode::BAD_REQUEST, format!("the body does not fit: {error}"))
                .hint("it is JSON; see docs/API.md")
        })
    }
}

impl<T: JsonSchema> Takes for Said<T> {
    fn tell(operation: &mut Operation<'_>) {
        let schema = operation.asked::<T>();
        let says_nothing = schema.get("required").is_none();
        let content = [("application/json", schema)];
        if says_nothing { operation.take_body(content) } else { operation.demand_body(content) }
    }
}

/// The body, whole, in one of the forms `F` comes in.
pub(super) struct Sent<F>(pub(super) Bytes, PhantomData<F>);

/// Forms a body may have that a handler reads by itself.
pub(super) trait Forms {
    /// Media types, and schemas of what they hold.
    fn content() -> Vec<(&'static str, Value)>;
}

impl<F> FromRequest<Shared> for Sent<F> {
    type Rejection = Problem;

    async fn from_request(request: Request, host: &Shared) -> Result<Self, Problem> {
        Body::from_request(request, host).await.map(|Body(bytes)| Self(bytes, PhantomData))
    }
}

impl<F: Forms> Takes for Sent<F> {
    fn tell(operation: &mut Operation<'_>) {
        operation.demand_body(F::content());
    }
}

/// A request whose body is not read yet, for those who look at the rest first.
pub(super) struct Unread(pub(super) Request);

impl FromRequest<Shared> for Unread {
    type Rejection = Infallible;

    async fn from_request(request: Request, _: &Shared) -> Result<Self, Infallible> {
        Ok(Self(request))
    }
}

impl Takes for Unread {
    fn tell(operation: &mut Operation<'_>) {
        operation.take_body(Anything::content());
    }
}

/// Any body.
pub(super) struct Anything;

impl Forms for Anything {
    fn content() -> Vec<(&'static str, Value)> {
        vec![("*/*", json!({}))]
    }
}

/// The body, whole.
pub(super) struct Body(pub(super) Bytes);

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

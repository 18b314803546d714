//! What handlers answer where the framework has no type for it that names its status.

use std::marker::PhantomData;

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use schemars::JsonSchema;
use serde::Serialize;

use super::describe::{Gives, Operation};

/// It was made: 201.
pub(super) struct Created<T>(pub(super) T);

/// It is taken, and kept: 202.
pub(super) struct Accepted<T>(pub(super) T);

/// An answer that is written already, with headers of its own. What it says is a `T`.
pub(super) struct Written<T> {
    response: Response,
    says: PhantomData<fn() -> T>,
}

impl<T> Written<T> {
    pub(super) fn new(response: impl IntoResponse) -> Self {
        Self { response: response.into_response(), says: PhantomData }
    }
}

impl<T: Serialize> IntoResponse for Created<T> {
    fn into_response(self) -> Response {
        (StatusCode::CREATED, Json(self.0)).into_response()
    }
}

impl<T: JsonSchema> Gives for Created<T> {
    fn tell(operation: &mut Operation<'_>) {
        operation.answer_json::<T>("201", "It was made");
    }
}

impl<T: Serialize> IntoResponse for Accepted<T> {
    fn into_response(self) -> Response {
        (StatusCode::ACCEPTED, Json(self.0)).into_response()
    }
}

impl<T: JsonSchema> Gives for Accepted<T> {
    fn tell(operation: &mut Operation<'_>) {
        operation.answer_json::<T>("202", "It is taken");
    }
}

impl<T> IntoResponse for Written<T> {
    fn into_response(self) -> Response {
        self.response
    }
}

impl<T: JsonSchema> Gives for Written<T> {
    fn tell(operation: &mut Operation<'_>) {
        operation.answer_json::<T>("200", "The answer");
    }
}

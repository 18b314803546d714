//! What every request passes before its handler, and its answer after it. Nothing here knows what is asked for.

mod admit;
mod headers;
mod identify;
mod pace;
mod patience;
mod rate;
mod traffic;

use std::sync::Arc;

use axum::http::{HeaderName, HeaderValue, Method, header};
use axum::middleware::{from_fn, from_fn_with_state};
use axum::{Extension, Router};
use tower_http::compression::CompressionLayer;
use tower_http::cors::CorsLayer;

use crate::config::HttpConfig;
use admit::Door;

pub(super) use identify::request_id;
pub(super) use traffic::Traffic;

/// Header by which a request and its answer are found in the log.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The routes behind all of it. What is added last is passed first.
pub(super) fn around(routes: Router, config: &HttpConfig) -> Router {
    let traffic = Arc::new(Traffic::default());
    let inner = routes
        .layer(from_fn_with_state(Arc::new(config.clone()), patience::wait))
        .layer(from_fn_with_state(Arc::new(Door::new(config)), admit::admit));
    let shared = if config.origins.is_empty() { inner } else { inner.layer(cors(&config.origins)) };
    shared
        .layer(from_fn(headers::secure))
        .layer(CompressionLayer::new())
        .layer(Extension(traffic.clone()))
        .layer(from_fn_with_state(traffic, identify::identify))
}

/// Lets pages of other origins ask. They send a key, never a cookie.
fn cors(origins: &[String]) -> CorsLayer {
    let asked = [header::AUTHORIZATION, header::CONTENT_TYPE, header::IF_NONE_MATCH, REQUEST_ID];
    let own = ["idempotency-key", "last-event-id"].map(HeaderName::from_static);
    let shown = ["ratelimit-limit", "ratelimit-remaining", "ratelimit-reset"].map(HeaderName::from_static);
    let shown = shown.into_iter().chain([header::ETAG, header::LINK, header::RETRY_AFTER, REQUEST_ID]);
    CorsLayer::new()
        .allow_origin(origins.iter().filter_map(|origin| HeaderValue::from_str(origin).ok()).collect::<Vec<_>>())
        .allow_methods([Method::GET, Method::POST, Method::PUT, Method::DELETE])
        .allow_headers(asked.into_iter().chain(own).collect::<Vec<_>>())
        .expose_headers(shown.collect::<Vec<_>>())
        .max_age(std::time::Duration::from_mins(10))
}

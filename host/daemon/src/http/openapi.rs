//! The API as OpenAPI 3.1, told from the table of routes and the types of their handlers. The same document is committed
//! as docs/openapi.json. What the fields mean in full is said in docs/API.md.

use std::sync::LazyLock;

use axum::http::header;
use bytes::Bytes;
use serde_json::{Map, Value, json};

use super::answer::Written;
use super::describe::Schemas;
use super::table;

/// What is told: what the page is made of is no part of the API.
const PREFIX: &str = "/v1/";

/// Anybody may ask for it: it is written once.
static DOCUMENT: LazyLock<Bytes> = LazyLock::new(|| openapi().to_string().into());

pub(super) async fn document() -> Written<Value> {
    Written::new(([(header::CONTENT_TYPE, "application/json")], DOCUMENT.clone()))
}

/// The whole document.
pub fn openapi() -> Value {
    let mut schemas = Schemas::default();
    let mut paths: Map<String, Value> = Map::new();
    for route in table().iter().filter(|route| route.path.starts_with(PREFIX)) {
        let entry = paths.entry(route.path.to_owned()).or_insert_with(|| json!({}));
        entry[route.method.as_str().to_lowercase()] = schemas.operation(route);
    }
    json!({
        "openapi": "3.1.0",
        "info": { "title": "Weir", "version": env!("CARGO_PKG_VERSION"), "license": { "name": "Apache-2.0", "identifier": "Apache-2.0" } },
        "security": [{}, { "key": [] }],
        "paths": paths,
        "components": {
            "securitySchemes": { "key": { "type": "http", "scheme": "bearer", "description": "A key of `weir key create`" } },
            "schemas": schemas.named(),
        },
    })
}

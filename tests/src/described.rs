//! Every answer the suite gets is held against the document of the API: nothing is answered that it does not tell.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use jsonschema::Validator;
use serde_json::{Map, Value, json};

use crate::Response;

/// What is answered to those who have the answer already.
const NOT_MODIFIED: u16 = 304;

static DOCUMENT: LazyLock<Value> = LazyLock::new(weir_daemon::http::openapi);

/// What answers were held against in this process.
static KNOWN: LazyLock<Mutex<HashMap<String, Option<Arc<Validator>>>>> = LazyLock::new(Mutex::default);

/// Panics when an answer of a host is not as its document says. Other servers are not its business.
pub(crate) fn check(method: &str, target: &str, answer: &Response) {
    let path = target.split('?').next().unwrap_or(target);
    if !path.starts_with("/v1/") || answer.header("x-request-id").is_empty() || answer.status == NOT_MODIFIED {
        return;
    }
    let Some(operation) = operation(method, path) else { return };
    let place = format!("{method} {target} answers {}", answer.status);
    let told = &operation["responses"];
    let status = answer.status.to_string();
    let told = match (told.get(&status), answer.status) {
        (Some(told), _) => told,
        (None, 400..) => &told["default"],
        (None, _) => panic!("{place}, which docs/openapi.json does not tell: {told}"),
    };
    let kind = answer.header("content-type").split(';').next().unwrap_or_default();
    let content = told["content"].as_object();
    match content.and_then(|content| content.get(kind)) {
        // Where no content is told there is none, or one that is as whoever asked wants it.
        None if content.is_none_or(Map::is_empty) => {}
        None => panic!("{place} with `{kind}`, which docs/openapi.json does not tell: {told}"),
        Some(told) => compare(&place, &told["schema"], answer),
    }
}

fn compare(place: &str, schema: &Value, answer: &Response) {
    // What is no JSON by its media type is told as text.
    let is_json = answer.header("content-type").contains("json") && answer.header("content-encoding").is_empty();
    let Some(validator) = validator(schema).filter(|_| is_json) else { return };
    let found = answer.json();
    let faults: Vec<String> =
        validator.iter_errors(&found).map(|fault| format!("{}: {fault}", fault.instance_path())).take(5).collect();
    assert!(faults.is_empty(), "{place}, which does not fit docs/openapi.json:\n{}\n{found:#}", faults.join("\n"));
}

/// The operation whose path has the most parts that are given literally.
fn operation(method: &str, path: &str) -> Option<&'static Value> {
    let fits = |template: &&String| {
        let mut parts = path.split('/');
        let same = |wanted: &str| parts.next().is_some_and(|part| wanted.starts_with('{') || wanted == part);
        template.split('/').all(same) && parts.next().is_none()
    };
    let paths = DOCUMENT["paths"].as_object()?;
    let template = paths.keys().filter(fits).min_by_key(|template| template.matches('{').count())?;
    DOCUMENT["paths"][template].get(method.to_lowercase())
}

/// None where anything goes.
fn validator(schema: &Value) -> Option<Arc<Validator>> {
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    let made = || {
        let mut whole = schema.as_object().filter(|schema| !schema.is_empty())?.clone();
        whole.insert("components".to_owned(), json!({ "schemas": DOCUMENT["components"]["schemas"] }));
        Some(Arc::new(jsonschema::validator_for(&Value::Object(whole)).unwrap()))
    };
    known.entry(schema.to_string()).or_insert_with(made).clone()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(status: u16, kind: &str, body: &Value) -> Response {
        let headers = [("x-request-id", "1"), ("content-type", kind)];
        let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
        Response { status, headers, body: body.to_string().into_bytes() }
    }

    #[test]
    fn what_is_told_may_be_answered() {
        check("GET", "/v1/keys", &keys(200, "application/json", &json!({ "keys": [] })));
        let problem = json!({ "type": "about:blank", "title": "Unauthorized", "status": 401, "detail": "who?" });
        check("GET", "/v1/keys?x=1", &keys(401, "application/problem+json", &problem));
    }

    #[test]
    #[should_panic(expected = "does not fit")]
    fn no_field_is_of_another_type() {
        check("GET", "/v1/keys", &keys(200, "application/json", &json!({ "keys": [1] })));
    }

    #[test]
    #[should_panic(expected = "does not tell")]
    fn no_other_status_is_answered() {
        check("GET", "/v1/keys", &keys(201, "application/json", &json!({ "keys": [] })));
    }

    #[test]
    #[should_panic(expected = "does not tell")]
    fn no_other_form_is_answered() {
        check("GET", "/v1/keys", &keys(200, "text/plain", &json!({ "keys": [] })));
    }
}

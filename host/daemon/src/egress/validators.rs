//! Validators of conditional requests. Invariant: one is remembered only together with the page that was made of
//! the response it came with; so egress collects new ones and whoever commits the page stores them.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::header::{ACCEPT, ETAG, HeaderMap, HeaderValue, IF_MODIFIED_SINCE, IF_NONE_MATCH, LAST_MODIFIED};
use ring::digest::{Context, SHA256};
use serde::{Deserialize, Serialize};
use url::Url;

/// What a tool gave to ask "has this changed" with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Validator {
    /// `ETag`, as it came.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub etag: Option<String>,
    /// `Last-Modified`, as it came.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub last_modified: Option<String>,
}

/// Remembers validators, durably, for one reader: a validator that one reader earned would hide the page from
/// another.
pub trait Validators: Send + Sync {
    /// The validator stored under `key`.
    fn get(&self, key: &str) -> Option<Validator>;
}

impl Validator {
    pub(crate) fn of(headers: &HeaderMap) -> Option<Self> {
        let text = |name| headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
        let found = Self { etag: text(ETAG), last_modified: text(LAST_MODIFIED) };
        (found.etag.is_some() || found.last_modified.is_some()).then_some(found)
    }

    pub(crate) fn ask(&self, headers: &mut HeaderMap) {
        let value = |text: &Option<String>| text.as_deref().and_then(|text| HeaderValue::from_str(text).ok());
        if let Some(etag) = value(&self.etag) {
            headers.insert(IF_NONE_MATCH, etag);
        }
        if let Some(at) = value(&self.last_modified) {
            headers.insert(IF_MODIFIED_SINCE, at);
        }
    }
}

/// Key of a target: of fixed length, equal for equal requests. `url` is without the credential.
pub(crate) fn key(url: &Url, headers: &HeaderMap) -> String {
    let mut context = Context::new(&SHA256);
    context.update(url.as_str().as_bytes());
    for accept in headers.get_all(ACCEPT) {
        context.update(b"\n");
        context.update(accept.as_bytes());
    }
    URL_SAFE_NO_PAD.encode(&context.finish().as_ref()[..16])
}

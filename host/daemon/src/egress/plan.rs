//! A request of a plugin, checked: everything that can be refused before the wire is refused here.

use std::time::Duration;

use bytes::Bytes;
use http::header::{HeaderMap, HeaderValue, USER_AGENT};
use url::Url;
use weir_sandbox::{HttpError, Method, Request};

use super::connection::Core;
use super::headers;
use super::validators::{self, Validators};

/// A request that may be sent, without its credential.
pub(crate) struct Plan {
    pub(crate) method: Method,
    pub(crate) url: Url,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    pub(crate) bytes_max: u64,
    pub(crate) total_wait: Duration,
    /// First segment of the path: tools count some of them apart.
    pub(crate) lane: String,
    /// Where the validator of the response is kept; none for an unconditional request.
    pub(crate) validator_key: Option<String>,
}

impl Plan {
    /// Checks `request` against the grant of `core`.
    pub(crate) fn new(core: &Core, request: Request, known: Option<&dyn Validators>) -> Result<Self, HttpError> {
        let denied = |rule: &str| HttpError::Denied(rule.to_owned());
        let url = core.base.join(&request.target, &core.grant.origins).map_err(denied)?;
        let path = core.base.granted_path(&url);
        if !core.grant.allows(request.method, path) {
            return Err(HttpError::Denied(format!("{} on this path is not granted", method(request.method))));
        }
        let lane = path.split('/').find(|segment| !segment.is_empty()).unwrap_or_default().to_owned();
        let mut headers = headers::read(&request.headers, core.credential.header()).map_err(HttpError::Denied)?;
        headers.entry(USER_AGENT).or_insert(HeaderValue::from_static(concat!("weir/", env!("CARGO_PKG_VERSION"))));
        let is_conditional = request.conditional && request.method == Method::Get;
        let validator_key = is_conditional.then(|| validators::key(&url, &headers));
        if let Some(validator) = validator_key.as_deref().and_then(|key| known?.get(key)) {
            validator.ask(&mut headers);
        }
        let limits = &core.limits;
        Ok(Self {
            method: request.method,
            url,
            headers,
            body: request.body.map(Bytes::from).unwrap_or_default(),
            bytes_max: request.body_bytes_max.map_or(limits.body_bytes_max, |max| max.min(limits.body_bytes_max)),
            total_wait: request.timeout.map_or(limits.total_wait, |wait| wait.min(limits.total_wait)),
            lane,
            validator_key,
        })
    }

    /// Whether it may be carried out twice.
    pub(crate) fn is_idempotent(&self) -> bool {
        !matches!(self.method, Method::Post | Method::Patch)
    }

    /// Whether redirects are followed.
    pub(crate) fn is_reading(&self) -> bool {
        matches!(self.method, Method::Get | Method::Head)
    }
}

/// The method as hyper knows it.
pub(crate) fn method(method: Method) -> http::Method {
    match method {
        Method::Get => http::Method::GET,
        Method::Head => http::Method::HEAD,
        Method::Post => http::Method::POST,
        Method::Put => http::Method::PUT,
        Method::Patch => http::Method::PATCH,
        Method::Delete => http::Method::DELETE,
    }
}

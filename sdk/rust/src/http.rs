//! HTTP through connections that an operator granted. A plugin names a path and never sees a credential.
//!
//! Redirects, rate limits, proxies and credentials are the host's business; statuses become typed failures here.

use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::address;
use crate::failure::{Failure, FailureKind};
#[cfg(target_family = "wasm")]
use crate::guest::wire::{Wire, WireResponse};
#[cfg(not(target_family = "wasm"))]
use crate::mock::{Wire, WireResponse};

/// Request method.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Method {
    /// Read.
    #[default]
    Get,
    /// Read the head only.
    Head,
    /// Create, or search where a tool searches by POST.
    Post,
    /// Replace.
    Put,
    /// Change.
    Patch,
    /// Delete.
    Delete,
}

/// Where a request goes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Target {
    /// Path, with query if any, relative to the base URL of the connection; already percent-encoded. Empty: the base
    /// URL itself.
    Path(String),
    /// Absolute URL found in a response, such as the next page.
    Link(String),
}

/// One request.
#[derive(Debug, Clone)]
pub struct Request {
    /// Method.
    pub method: Method,
    /// Path or link.
    pub target: Target,
    /// Headers, names in lower case.
    pub headers: Vec<(String, Vec<u8>)>,
    /// Body.
    pub body: Option<Vec<u8>>,
    /// Longest wait for the whole exchange.
    pub timeout: Option<Duration>,
    /// Most bytes of body after decompression.
    pub body_bytes_max: Option<u64>,
    /// Whether the host may answer 304 when nothing changed since the last incremental pass.
    pub conditional: bool,
}

impl Request {
    /// A plain request without headers and body.
    pub fn new(method: Method, target: Target) -> Self {
        Self {
            method,
            target,
            headers: Vec::new(),
            body: None,
            timeout: None,
            body_bytes_max: None,
            conditional: false,
        }
    }
}

/// Why there is no response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HttpError {
    /// Origin, method, path or header not granted.
    Denied(String),
    /// Name could not be resolved.
    Dns(String),
    /// No connection, or it was lost.
    Connect(String),
    /// Handshake or certificate failed.
    Tls(String),
    /// The time limit passed.
    Timeout,
    /// The body is larger than allowed.
    TooLarge,
    /// Still throttled after the host's own waiting.
    Throttled(Option<Duration>),
    /// The other side does not speak HTTP, or not the format asked of it.
    Protocol(String),
    /// The request budget of this run is used up.
    Exhausted,
}

impl From<HttpError> for Failure {
    fn from(error: HttpError) -> Self {
        match error {
            HttpError::Denied(rule) => Self::config("http.denied", format!("a request was not granted: {rule}")),
            HttpError::Dns(text) => Self::transient("http.dns", format!("the name could not be resolved: {text}")),
            HttpError::Connect(text) => Self::transient("http.connect", format!("no connection: {text}")),
            HttpError::Tls(text) => Self::config("http.tls", format!("no secure connection: {text}")),
            HttpError::Timeout => Self::transient("http.timeout", "the tool did not answer in time"),
            HttpError::TooLarge => Self::poison("http.too-large", "the answer is larger than allowed"),
            HttpError::Throttled(wait) => Self::throttled("http.throttled", "the tool asks to slow down").after(wait),
            HttpError::Protocol(text) => {
                Self::transient("http.protocol", format!("the answer is not readable: {text}"))
            }
            HttpError::Exhausted => Self::transient("http.exhausted", "the request budget of this run is used up"),
        }
    }
}

/// A granted connection.
pub struct Connection<'a>(pub(crate) Wire<'a>);

impl Connection<'_> {
    /// Name the operator gave it, unique in the account.
    pub fn name(&self) -> String {
        self.0.name()
    }

    /// Kind of tool from the manifest: `github`.
    pub fn kind(&self) -> String {
        self.0.kind()
    }

    /// Public part of the base URL, for building links in entities.
    pub fn site(&self) -> String {
        self.0.site()
    }

    /// Begins a GET of an encoded path.
    pub fn get(&self, path: impl Into<String>) -> Call<'_> {
        self.call(Method::Get, Target::Path(path.into()))
    }

    /// Begins a GET of an absolute URL that a response named.
    pub fn follow(&self, link: impl Into<String>) -> Call<'_> {
        self.call(Method::Get, Target::Link(link.into()))
    }

    /// Begins a POST to an encoded path, for tools that search by POST.
    pub fn post(&self, path: impl Into<String>) -> Call<'_> {
        self.call(Method::Post, Target::Path(path.into()))
    }

    /// Begins any request.
    pub fn call(&self, method: Method, target: Target) -> Call<'_> {
        Call { wire: &self.0, request: Request::new(method, target) }
    }

    /// Sends several requests at once, at most 64; results in the same order, statuses as in [`Call::send`].
    pub fn send_all(&self, requests: &[Request]) -> Vec<Result<Response, Failure>> {
        let judged = |result: Result<WireResponse, HttpError>| Response(result?).accepted();
        self.0.send_many(requests).into_iter().map(judged).collect()
    }
}

/// A request being put together.
#[must_use = "a call does nothing until it is sent"]
pub struct Call<'a> {
    wire: &'a Wire<'a>,
    request: Request,
}

impl Call<'_> {
    /// Adds a query parameter, encoded.
    pub fn query(mut self, name: &str, value: impl AsRef<str>) -> Self {
        let (Target::Path(target) | Target::Link(target)) = &mut self.request.target;
        address::push_query(target, name, value.as_ref());
        self
    }

    /// Adds a header; the name in lower case.
    pub fn header(mut self, name: &str, value: impl Into<Vec<u8>>) -> Self {
        self.request.headers.push((name.to_owned(), value.into()));
        self
    }

    /// Lets the host answer 304 when nothing changed since the last incremental pass; see [`Response::unchanged`].
    pub fn conditional(mut self, conditional: bool) -> Self {
        self.request.conditional = conditional;
        self
    }

    /// Limits the whole exchange.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.request.timeout = Some(timeout);
        self
    }

    /// Sets a JSON body.
    pub fn json(mut self, body: &impl Serialize) -> Self {
        self.request.body = serde_json::to_vec(body).ok();
        self.header("content-type", "application/json")
    }

    /// The request, for [`Connection::send_all`] and for actions of propels.
    pub fn into_request(self) -> Request {
        self.request
    }

    /// Sends it. A status of 400 or more is a [`Failure`] of the fitting kind.
    pub fn send(self) -> Result<Response, Failure> {
        self.send_any()?.accepted()
    }

    /// Sends it and gives back a response of any status.
    pub fn send_any(self) -> Result<Response, HttpError> {
        self.wire.send(&self.request).map(Response)
    }
}

/// A response whose body stays on the host until it is asked for.
pub struct Response(pub(crate) WireResponse);

/// Where tools say what was wrong with a request.
const EXPLANATIONS: &[&str] = &[
    "/message",
    "/error/message",
    "/errorMessages/0",
    "/errors/0/message",
    "/errors/0/msg",
    "/error_description",
    "/error",
];

impl Response {
    /// Status code.
    pub fn status(&self) -> u16 {
        self.0.status()
    }

    /// Whether the host's validators say that nothing changed; the body is empty then.
    pub fn unchanged(&self) -> bool {
        self.status() == 304
    }

    /// First header of that name.
    pub fn header(&self, name: &str) -> Option<String> {
        self.0.header(name)
    }

    /// The next page, as the `Link` header gives it.
    pub fn next_link(&self) -> Option<String> {
        address::link(&self.header("link")?, "next").map(str::to_owned)
    }

    /// The body as text.
    pub fn text(&self) -> Result<String, HttpError> {
        self.0.text()
    }

    /// The body read as JSON.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, Failure> {
        let text = self.text()?;
        serde_json::from_str(&text)
            .map_err(|error| Failure::transient("http.json", format!("the answer is not readable: {error}")))
    }

    /// What lies at an RFC 6901 pointer, read on the host; the body stays usable for extraction. None when nothing is
    /// there, or something that is no `T`, or nothing changed.
    pub fn pointer<T: DeserializeOwned>(&self, pointer: &str) -> Result<Option<T>, Failure> {
        if self.unchanged() {
            return Ok(None);
        }
        let found = self.0.pointer(pointer)?;
        Ok(found.and_then(|json| serde_json::from_str(&json).ok()))
    }

    /// The response, or the failure its status stands for.
    pub fn accepted(self) -> Result<Self, Failure> {
        match self.failure_kind() {
            None => Ok(self),
            Some(kind) => {
                let says = EXPLANATIONS.iter().find_map(|pointer| self.pointer::<String>(pointer).ok().flatten());
                let (status, says) = (self.status(), says.map_or_else(String::new, |says| format!(": {says}")));
                let message = format!("the tool answered with status {status}{says}");
                Err(Failure::new(kind, format!("http.status.{status}"), message).after(self.retry_after()))
            }
        }
    }

    fn failure_kind(&self) -> Option<FailureKind> {
        Some(match self.status() {
            ..=399 => return None,
            401 => FailureKind::Auth,
            403 if self.rate_limited() => FailureKind::Throttled,
            402 | 403 | 407 | 451 => FailureKind::Forbidden,
            404 | 410 => FailureKind::Gone,
            408 | 425 | 500.. => FailureKind::Transient,
            429 => FailureKind::Throttled,
            _ => FailureKind::Config,
        })
    }

    /// Some tools say "too many" with 403 and only the headers tell it from "may not".
    fn rate_limited(&self) -> bool {
        let used_up = |name| self.header(name).is_some_and(|left| left.trim() == "0");
        self.header("retry-after").is_some() || used_up("x-ratelimit-remaining") || used_up("ratelimit-remaining")
    }

    /// `Retry-After` in seconds. A date is left to the host, which has a clock.
    fn retry_after(&self) -> Option<Duration> {
        self.header("retry-after")?.trim().parse().ok().map(Duration::from_secs)
    }
}

//! What the sandbox asks of the world outside: a granted connection. The daemon's egress implements it; the
//! credential is added there, last, and never comes this far.

use std::time::Duration;

use bytes::Bytes;
use futures_util::future::BoxFuture;

use crate::bindings::{Method, Target};

/// A connection an operator configured and granted.
pub trait Connection: Send + Sync {
    /// Name the operator gave it, unique in the account.
    fn name(&self) -> &str;
    /// Kind of tool: "github".
    fn kind(&self) -> &str;
    /// Public part of the base URL, without user, password and query.
    fn site(&self) -> &str;
    /// Sends one request. Grants of origin, method and path are checked here, for they belong to the connection;
    /// the shape of target and headers was checked before. The body comes whole, within its limit.
    fn send(&self, request: Request) -> BoxFuture<'_, Result<Response, HttpError>>;
}

/// One request of a plugin.
#[derive(Debug, Clone)]
pub struct Request {
    /// Method.
    pub method: Method,
    /// Path on the connection, or a link found in a response.
    pub target: Target,
    /// Names in lower case; none that carries a credential or framing.
    pub headers: Vec<(String, Vec<u8>)>,
    /// Body, sent as it is.
    pub body: Option<Vec<u8>>,
    /// Longest wait for the whole exchange.
    pub timeout: Option<Duration>,
    /// Most bytes of body after decompression.
    pub body_bytes_max: Option<u64>,
    /// Send validators, and take 304 for an answer.
    pub conditional: bool,
}

/// One response, its body whole.
#[derive(Debug, Clone)]
pub struct Response {
    /// Status code.
    pub status: u16,
    /// Names in lower case. Cookies and challenges may be left in; the sandbox takes them out.
    pub headers: Vec<(String, Vec<u8>)>,
    /// Body after decompression.
    pub body: Bytes,
}

/// Why there is no response.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HttpError {
    /// Origin, method, path or header not granted; names the rule.
    #[error("request is not granted: {0}")]
    Denied(String),
    /// Name could not be resolved.
    #[error("name cannot be resolved: {0}")]
    Dns(String),
    /// No connection, or it was lost.
    #[error("no connection: {0}")]
    Connect(String),
    /// Handshake or certificate failed.
    #[error("no secure connection: {0}")]
    Tls(String),
    /// The time limit passed.
    #[error("no answer in time")]
    Timeout,
    /// The body is over its limit.
    #[error("body is too large")]
    TooLarge,
    /// Still throttled after the host's own waiting; the wait the tool asked for.
    #[error("throttled by the tool")]
    Throttled(Option<Duration>),
    /// The other side does not speak HTTP properly.
    #[error("broken answer: {0}")]
    Protocol(String),
    /// The request budget of this run is used up.
    #[error("request budget is used up")]
    Exhausted,
}

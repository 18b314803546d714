//! One request, one response, on connections of its own: no other connection of ours shares a socket or a TLS
//! session, for both carry an identity and a decision with them.

use std::error::Error;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT_ENCODING, HeaderMap, HeaderValue};
use http::{Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper_rustls::HttpsConnector;
use hyper_util::client::legacy::{Client, Error as ClientError};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use tokio::time::{Instant, timeout_at};

use super::body::{self, BodyError, Encoding};
use super::connector::{ConnectError, PrivateHosts, VettedConnector};
use super::resolve::Resolve;
use weir_sandbox::HttpError;

const IDLE_CONNECTIONS_MAX: usize = 16;
const IDLE_WAIT: Duration = Duration::from_mins(1);
const RESPONSE_HEADERS_MAX: usize = 128;
const RESPONSE_HEADER_BYTES_MAX: u32 = 64 * 1024;
/// Most a tool may send ahead on one stream and on all; a page of 300 kB then needs no round trip of its own.
const STREAM_WINDOW_BYTES: u32 = 2 * 1024 * 1024;
const CONNECTION_WINDOW_BYTES: u32 = 8 * 1024 * 1024;

/// A response as it came, its body whole.
pub(crate) struct Received {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

/// A request that got none.
#[derive(Debug)]
pub(crate) struct Failed {
    pub(crate) error: HttpError,
    pub(crate) again: Again,
}

/// When a failed request may be repeated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Again {
    Never,
    /// It may have been carried out.
    IfIdempotent,
    /// It never left.
    Always,
}

/// How long pieces of an exchange may take.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Waits {
    pub(crate) connect: Duration,
    pub(crate) first_byte: Duration,
    pub(crate) idle: Duration,
}

/// An HTTP client of one connection.
pub(crate) struct Wire {
    client: Client<HttpsConnector<VettedConnector>, Full<Bytes>>,
    waits: Waits,
}

impl Wire {
    pub(crate) fn new(
        resolver: Arc<dyn Resolve>,
        private: PrivateHosts,
        tls: rustls::ClientConfig,
        waits: Waits,
    ) -> Self {
        let connector = VettedConnector { resolver, private: Arc::new(private), wait_max: waits.connect };
        let connector = hyper_rustls::HttpsConnectorBuilder::new()
            .with_tls_config(tls)
            .https_or_http()
            .enable_all_versions()
            .wrap_connector(connector);
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .timer(TokioTimer::new())
            .pool_idle_timeout(IDLE_WAIT)
            .pool_max_idle_per_host(IDLE_CONNECTIONS_MAX)
            .http1_max_headers(RESPONSE_HEADERS_MAX)
            .http2_max_header_list_size(RESPONSE_HEADER_BYTES_MAX)
            .http2_initial_stream_window_size(STREAM_WINDOW_BYTES)
            .http2_initial_connection_window_size(CONNECTION_WINDOW_BYTES)
            .build(connector);
        Self { client, waits }
    }

    /// Sends `request` and reads the response whole, all before `deadline`. At most `bytes_max` of body.
    pub(crate) async fn send(
        &self,
        mut request: Request<Full<Bytes>>,
        deadline: Instant,
        bytes_max: u64,
    ) -> Result<Received, Failed> {
        request.headers_mut().insert(ACCEPT_ENCODING, HeaderValue::from_static("gzip"));
        let first_byte = deadline.min(Instant::now() + self.waits.first_byte);
        let response = timeout_at(first_byte, self.client.request(request)).await.map_err(|_| timed_out())?;
        let response = response.map_err(|error| classify(&error))?;
        timeout_at(deadline, self.read(response, bytes_max)).await.map_err(|_| timed_out())?
    }

    async fn read(&self, response: Response<Incoming>, bytes_max: u64) -> Result<Received, Failed> {
        let (head, body) = response.into_parts();
        let Some(encoding) = Encoding::of(&head.headers) else {
            return Err(never(HttpError::Protocol("body has an encoding that was not asked for".to_owned())));
        };
        let body = body::read(body, encoding, bytes_max, self.waits.idle).await.map_err(body_failure)?;
        Ok(Received { status: head.status, headers: head.headers, body })
    }
}

fn never(error: HttpError) -> Failed {
    Failed { error, again: Again::Never }
}

/// Waiting once more would only double the wait.
fn timed_out() -> Failed {
    never(HttpError::Timeout)
}

fn body_failure(error: BodyError<hyper::Error>) -> Failed {
    match error {
        BodyError::TooLarge => never(HttpError::TooLarge),
        BodyError::Stalled => timed_out(),
        BodyError::Broken(what) => never(HttpError::Protocol(what.to_owned())),
        BodyError::Lost(error) => lost(&error),
    }
}

fn classify(error: &ClientError) -> Failed {
    let causes = causes(error);
    if let Some(refused) = find::<ConnectError>(&causes) {
        let text = chain(refused);
        return match refused {
            ConnectError::Refused(_) => never(HttpError::Denied(text)),
            ConnectError::Dns(..) => Failed { error: HttpError::Dns(text), again: Again::Always },
            ConnectError::Tcp(..) => Failed { error: HttpError::Connect(text), again: Again::Always },
        };
    }
    if let Some(tls) = find::<rustls::Error>(&causes) {
        return never(HttpError::Tls(tls.to_string()));
    }
    match find::<hyper::Error>(&causes) {
        _ if error.is_connect() => Failed { error: HttpError::Connect(chain(error)), again: Again::Always },
        Some(cause) => lost(cause),
        None => Failed { error: HttpError::Connect(chain(error)), again: Again::IfIdempotent },
    }
}

fn lost(error: &hyper::Error) -> Failed {
    if error.is_parse() || error.is_user() {
        return never(HttpError::Protocol(chain(error)));
    }
    Failed { error: HttpError::Connect(chain(error)), again: Again::IfIdempotent }
}

/// `error` and what caused it; an I/O error hides its cause from `source`, so it is opened.
fn causes<'a>(error: &'a (dyn Error + 'static)) -> Vec<&'a (dyn Error + 'static)> {
    let mut causes = Vec::new();
    let mut next = Some(error);
    while let Some(error) = next {
        causes.push(error);
        let inner = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        next = inner.map(|inner| inner as &(dyn Error + 'static)).or_else(|| error.source());
    }
    causes
}

fn find<'a, E: Error + 'static>(causes: &[&'a (dyn Error + 'static)]) -> Option<&'a E> {
    causes.iter().find_map(|cause| cause.downcast_ref())
}

fn chain(error: &(dyn Error + 'static)) -> String {
    let mut texts: Vec<String> = causes(error).iter().map(ToString::to_string).collect();
    texts.dedup();
    texts.join(": ")
}

//! `weir:http` for guests: a granted connection, and responses whose bodies stay on the host.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream::{self, StreamExt};
use wasmtime::component::Resource;

use super::rules;
use crate::bindings::http;
use crate::connection::{Connection, HttpError, Request, Response};
use crate::context::Ctx;
use crate::json::{Body, JsonError, Pointer};

/// Requests of one `send-many`.
const SEND_MANY_MAX: usize = 64;

/// A connection in the hands of a guest.
#[expect(unreachable_pub, reason = "the generated code re-exports it")]
pub struct Granted(pub(crate) Arc<dyn Connection>);

/// A response in the hands of a guest. The body stays here until asked for.
#[expect(unreachable_pub, reason = "the generated code re-exports it")]
pub struct Received {
    status: u16,
    headers: Vec<(String, Vec<u8>)>,
    body: Body,
    read: usize,
}

impl Received {
    fn new(response: Response) -> Self {
        let lower = |(name, value): (String, Vec<u8>)| (name.to_ascii_lowercase(), value);
        let mut headers: Vec<_> = response.headers.into_iter().map(lower).collect();
        headers.retain(|(name, _)| rules::is_readable(name));
        Self { status: response.status, headers, body: Body::new(response.body), read: 0 }
    }

    /// Whether the status says that there is something: not when nothing changed.
    pub(crate) fn has_content(&self) -> bool {
        !matches!(self.status, 204 | 304)
    }

    /// The whole body, whatever of it was read.
    pub(crate) fn into_body(self) -> Body {
        self.body
    }

    fn find(&mut self, pointer: &str) -> Result<Option<String>, JsonError> {
        let found = self.body.json()?.at(&Pointer::parse(pointer)?);
        Ok(found.map(|found| found.as_str().to_owned()))
    }

    fn take(&mut self, max: usize) -> Bytes {
        let body = self.body.bytes();
        let end = body.len().min(self.read.saturating_add(max));
        let piece = body.slice(self.read..end);
        self.read = end;
        piece
    }
}

impl Ctx {
    /// Hands a connection to the guest.
    pub(crate) fn grant(&mut self, connection: Arc<dyn Connection>) -> wasmtime::Result<Resource<Granted>> {
        let handle = self.table.push(Granted(connection))?;
        self.handles_live += 1;
        Ok(handle)
    }

    /// Takes a response back from the guest.
    pub(crate) fn take_response(&mut self, handle: Resource<Received>) -> wasmtime::Result<Received> {
        let received = self.table.delete(handle)?;
        self.handles_live -= 1;
        Ok(received)
    }

    fn receive(&mut self, response: Response) -> wasmtime::Result<Resource<Received>> {
        let handle = self.table.push(Received::new(response))?;
        self.handles_live += 1;
        Ok(handle)
    }

    /// Checks one request and takes it from the budget of the run.
    fn admit(&mut self, request: http::Request) -> Result<Request, HttpError> {
        rules::check_target(&request.target).map_err(HttpError::Denied)?;
        rules::check_headers(&request.headers).map_err(HttpError::Denied)?;
        self.requests_left = self.requests_left.checked_sub(1).ok_or(HttpError::Exhausted)?;
        Ok(Request {
            method: request.method,
            target: request.target,
            headers: request.headers,
            body: request.body,
            timeout: request.timeout.map(Duration::from_millis),
            body_bytes_max: request.max_body,
            conditional: request.conditional,
        })
    }

    fn answer(
        &mut self,
        response: Result<Response, HttpError>,
    ) -> wasmtime::Result<Result<Resource<Received>, http::HttpError>> {
        match response {
            Ok(response) => self.receive(response).map(Ok),
            Err(error) => Ok(Err(error.into())),
        }
    }
}

impl http::Host for Ctx {}

impl http::HostConnection for Ctx {
    fn name(&mut self, this: Resource<Granted>) -> wasmtime::Result<String> {
        Ok(self.table.get(&this)?.0.name().to_owned())
    }

    fn kind(&mut self, this: Resource<Granted>) -> wasmtime::Result<String> {
        Ok(self.table.get(&this)?.0.kind().to_owned())
    }

    fn site(&mut self, this: Resource<Granted>) -> wasmtime::Result<String> {
        Ok(self.table.get(&this)?.0.site().to_owned())
    }

    async fn send(
        &mut self,
        this: Resource<Granted>,
        request: http::Request,
    ) -> wasmtime::Result<Result<Resource<Received>, http::HttpError>> {
        let connection = Arc::clone(&self.table.get(&this)?.0);
        let response = match self.admit(request) {
            Ok(request) => connection.send(request).await,
            Err(error) => Err(error),
        };
        self.cpu.waited();
        self.answer(response)
    }

    async fn send_many(
        &mut self,
        this: Resource<Granted>,
        requests: Vec<http::Request>,
    ) -> wasmtime::Result<Vec<Result<Resource<Received>, http::HttpError>>> {
        let connection = &Arc::clone(&self.table.get(&this)?.0);
        if requests.len() > SEND_MANY_MAX {
            let rule = format!("{} requests at once, the limit is {SEND_MANY_MAX}", requests.len());
            return Ok(requests.iter().map(|_| Err(http::HttpError::Denied(rule.clone()))).collect());
        }
        let admitted: Vec<_> = requests.into_iter().map(|request| self.admit(request)).collect();
        let sent = admitted.into_iter().map(|request| async move { connection.send(request?).await });
        let responses: Vec<_> = stream::iter(sent).buffered(self.limits.requests_parallel.max(1)).collect().await;
        self.cpu.waited();
        responses.into_iter().map(|response| self.answer(response)).collect()
    }

    fn drop(&mut self, this: Resource<Granted>) -> wasmtime::Result<()> {
        self.table.delete(this)?;
        self.handles_live -= 1;
        Ok(())
    }
}

impl http::HostResponse for Ctx {
    fn status(&mut self, this: Resource<Received>) -> wasmtime::Result<u16> {
        Ok(self.table.get(&this)?.status)
    }

    fn header(&mut self, this: Resource<Received>, name: String) -> wasmtime::Result<Option<String>> {
        let headers = &self.table.get(&this)?.headers;
        let found = headers.iter().find(|(other, _)| other.eq_ignore_ascii_case(&name));
        Ok(found.and_then(|(_, value)| String::from_utf8(value.clone()).ok()))
    }

    fn headers(&mut self, this: Resource<Received>) -> wasmtime::Result<Vec<(String, Vec<u8>)>> {
        Ok(self.table.get(&this)?.headers.clone())
    }

    fn read(&mut self, this: Resource<Received>, max: u32) -> wasmtime::Result<Result<Vec<u8>, http::HttpError>> {
        let piece = self.table.get_mut(&this)?.take(usize::try_from(max).unwrap_or(usize::MAX));
        Ok(Ok(piece.to_vec()))
    }

    fn bytes(&mut self, this: Resource<Received>) -> wasmtime::Result<Result<Vec<u8>, http::HttpError>> {
        Ok(Ok(self.table.get_mut(&this)?.take(usize::MAX).to_vec()))
    }

    fn text(&mut self, this: Resource<Received>) -> wasmtime::Result<Result<String, http::HttpError>> {
        let rest = self.table.get_mut(&this)?.take(usize::MAX);
        Ok(String::from_utf8(rest.to_vec()).map_err(|_| protocol("body is not UTF-8")))
    }

    fn pointer(
        &mut self,
        this: Resource<Received>,
        pointer: String,
    ) -> wasmtime::Result<Result<Option<String>, http::HttpError>> {
        let found = self.table.get_mut(&this)?.find(&pointer);
        Ok(found.map_err(|error| protocol(&error.to_string())))
    }

    fn drop(&mut self, this: Resource<Received>) -> wasmtime::Result<()> {
        self.take_response(this).map(|_| ())
    }
}

fn protocol(what: &str) -> http::HttpError {
    http::HttpError::Protocol(what.to_owned())
}

impl From<HttpError> for http::HttpError {
    fn from(error: HttpError) -> Self {
        match error {
            HttpError::Denied(rule) => Self::Denied(rule),
            HttpError::Dns(what) => Self::Dns(what),
            HttpError::Connect(what) => Self::Connect(what),
            HttpError::Tls(what) => Self::Tls(what),
            HttpError::Timeout => Self::Timeout,
            HttpError::TooLarge => Self::TooLarge,
            HttpError::Throttled(wait) => {
                Self::Throttled(wait.map(|wait| u64::try_from(wait.as_millis()).unwrap_or(u64::MAX)))
            }
            HttpError::Protocol(what) => Self::Protocol(what),
            HttpError::Exhausted => Self::Exhausted,
        }
    }
}

//! A running host, asked over its API with the token it left for commands of the same user.

use std::path::Path;

use bytes::Bytes;
use http::{Method, Request, StatusCode, header};
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::{Client, connect::HttpConnector};
use hyper_util::rt::TokioExecutor;
use serde::Deserialize;
use serde_json::Value;
use weir_sandbox::Blame;

use crate::error::Fault;

#[derive(Deserialize)]
struct Presence {
    url: String,
    token: String,
}

/// A running host.
pub(super) struct Remote {
    client: Client<HttpConnector, Full<Bytes>>,
    presence: Presence,
}

impl Remote {
    /// The host that wrote `presence`, when it answers.
    pub(super) async fn of(presence: &Path) -> Option<Self> {
        let presence = serde_json::from_slice(&std::fs::read(presence).ok()?).ok()?;
        let remote = Self { client: Client::builder(TokioExecutor::new()).build_http(), presence };
        remote.send(Method::GET, "/healthz", Bytes::new()).await.ok()?;
        Some(remote)
    }

    /// Asks; `query` holds names and values.
    pub(super) async fn get(&self, path: &str, query: &[(&str, Option<&str>)]) -> Result<Value, Fault> {
        let mut pairs = url::form_urlencoded::Serializer::new(String::new());
        for (name, value) in query {
            if let Some(value) = value {
                pairs.append_pair(name, value);
            }
        }
        let (status, body) = self.send(Method::GET, &format!("{path}?{}", pairs.finish()), Bytes::new()).await?;
        answer(status, &body)
    }

    /// Asks for one thing; none when there is none.
    pub(super) async fn find(&self, path: &str) -> Result<Option<Value>, Fault> {
        self.ask(Method::GET, path, Bytes::new()).await
    }

    /// Hands over.
    pub(super) async fn post(&self, path: &str, body: Bytes) -> Result<Value, Fault> {
        let (status, body) = self.send(Method::POST, path, body).await?;
        answer(status, &body)
    }

    /// Puts in place.
    pub(super) async fn put(&self, path: &str, body: Bytes) -> Result<Value, Fault> {
        let (status, body) = self.send(Method::PUT, path, body).await?;
        answer(status, &body)
    }

    /// Asks with a body; none when there is no such thing.
    pub(super) async fn ask(&self, method: Method, path: &str, body: Bytes) -> Result<Option<Value>, Fault> {
        let (status, body) = self.send(method, path, body).await?;
        if status == StatusCode::NOT_FOUND { Ok(None) } else { answer(status, &body).map(Some) }
    }

    async fn send(&self, method: Method, path: &str, body: Bytes) -> Result<(StatusCode, Bytes), Fault> {
        let failed = || Fault::host("cannot reach the running host");
        let request = Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.presence.url))
            .header(header::AUTHORIZATION, format!("Bearer {}", self.presence.token))
            .body(Full::new(body))
            .map_err(|error| failed().caused_by(error))?;
        let response = self.client.request(request).await.map_err(|error| failed().caused_by(error))?;
        let status = response.status();
        let body = response.into_body().collect().await.map_err(|error| failed().caused_by(error))?;
        Ok((status, body.to_bytes()))
    }
}

pub(super) fn answer(status: StatusCode, body: &[u8]) -> Result<Value, Fault> {
    let value: Value = serde_json::from_slice(body).unwrap_or(Value::Null);
    if status.is_success() {
        return Ok(value);
    }
    let text = |name: &str| value.get(name).and_then(Value::as_str).map(str::to_owned);
    let blame = match status.as_u16() {
        400..=499 => Blame::Config,
        502 => Blame::Upstream,
        _ => Blame::Host,
    };
    let fault = Fault::new(blame, text("detail").unwrap_or_else(|| format!("the host answers with status {status}")));
    Err(match text("hint") {
        Some(hint) => fault.hint(hint),
        None => fault,
    })
}

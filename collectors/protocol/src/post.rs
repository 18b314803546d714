//! One request to the host, and what its answer means for the report.
//!
//! Invariant: the key is written into the request and nowhere else; no error, log line or `Debug` shows it.

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use http::{HeaderMap, HeaderValue, Method, Request, StatusCode, Uri, header};
use http_body_util::{BodyExt, Collected, Full, Limited};
use hyper::body::Bytes;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::{Client, connect::HttpConnector};
use hyper_util::rt::TokioExecutor;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};

use crate::client::ClientOptions;
use crate::report::Kind;

/// The secret a collector shows to the host.
#[derive(Clone)]
pub struct Key(HeaderValue);

impl Key {
    /// A key as the host gave it, with white space around it removed. None if it cannot stand in a header.
    pub fn new(key: &str) -> Option<Self> {
        let mut value = HeaderValue::from_str(&format!("Bearer {}", key.trim())).ok()?;
        value.set_sensitive(true);
        Some(Self(value))
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(***)")
    }
}

/// Why a batch was not delivered.
#[derive(Debug, thiserror::Error)]
pub enum PostError {
    /// The address of the host is no `http` or `https` address.
    #[error("`{url}` is not the address of a host")]
    Address {
        /// What was given.
        url: String,
    },
    /// The certificates to trust could not be read.
    #[error("cannot read certificates{}", path.as_ref().map_or_else(String::new, |path| format!(" from `{}`", path.display())))]
    Certificates {
        /// The file, if one was named.
        path: Option<PathBuf>,
        /// Why not.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// No answer.
    #[error("cannot reach the host")]
    Unreachable {
        /// Why not.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// No answer in time.
    #[error("no answer from the host within {} s", timeout.as_secs())]
    Timeout {
        /// The deadline.
        timeout: Duration,
    },
    /// The host cannot take it now, or not from us: worth another try.
    #[error("the host answers {status}")]
    NotNow {
        /// Its answer.
        status: StatusCode,
        /// Wait it asked for.
        retry_after: Option<Duration>,
    },
    /// The host will never take this content.
    #[error("the host refuses the content with {status}: {reason}")]
    Refused {
        /// Its answer.
        status: StatusCode,
        /// First part of its body.
        reason: String,
    },
}

impl PostError {
    /// The wait the host asked for.
    pub(crate) fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::NotNow { retry_after, .. } => *retry_after,
            _ => None,
        }
    }
}

const ANSWER_BYTES_MAX: usize = 64 << 10;

/// Sends batches to one host. Redirects are not followed: they are an answer like any other that is not 2xx.
pub(crate) struct Poster {
    client: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
    base: String,
    query: String,
    key: Option<Key>,
    timeout: Duration,
}

impl Poster {
    pub(crate) fn new(options: &ClientOptions) -> Result<Self, PostError> {
        let ClientOptions { url, key, ca_file, integration, timeout, .. } = options;
        let base = url.trim_end_matches('/').to_owned();
        let uri: Option<Uri> = base.parse().ok();
        let is_address = |uri: &Uri| matches!(uri.scheme_str(), Some("http" | "https")) && uri.host().is_some();
        let Some(uri) = uri.filter(is_address) else { return Err(PostError::Address { url: base }) };
        let roots = if uri.scheme_str() == Some("https") { roots(ca_file.clone())? } else { RootCertStore::empty() };
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let tls = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("ring has cipher suites for the default protocol versions")
            .with_root_certificates(roots)
            .with_no_client_auth();
        let connector = HttpsConnectorBuilder::new().with_tls_config(tls).https_or_http().enable_all_versions().build();
        let query = integration.as_ref().map(|name| format!("?integration={name}")).unwrap_or_default();
        let client = Client::builder(TokioExecutor::new()).build(connector);
        Ok(Self { client, base, query, key: key.clone(), timeout: *timeout })
    }

    pub(crate) async fn post(&self, kind: Kind, idempotency_key: &str, body: Vec<u8>) -> Result<(), PostError> {
        let request = self.request(kind, idempotency_key, body)?;
        let exchange = async {
            let response = self.client.request(request).await.map_err(unreachable)?;
            let (parts, body) = response.into_parts();
            let body =
                Limited::new(body, ANSWER_BYTES_MAX).collect().await.map(Collected::to_bytes).unwrap_or_default();
            Ok((parts.status, parts.headers, body))
        };
        let timed_out = |_| PostError::Timeout { timeout: self.timeout };
        let (status, headers, body) = tokio::time::timeout(self.timeout, exchange).await.map_err(timed_out)??;
        judge(status, &headers, &body)
    }

    fn request(&self, kind: Kind, idempotency_key: &str, body: Vec<u8>) -> Result<Request<Full<Bytes>>, PostError> {
        let mut request = Request::builder()
            .method(Method::POST)
            .uri(format!("{}/v1/{}{}", self.base, kind.name(), self.query))
            .header(header::CONTENT_TYPE, "application/json")
            .header(header::USER_AGENT, concat!("weir-collector/", env!("CARGO_PKG_VERSION")))
            .header("idempotency-key", idempotency_key);
        if let Some(Key(key)) = &self.key {
            request = request.header(header::AUTHORIZATION, key.clone());
        }
        request.body(Full::new(Bytes::from(body))).map_err(|_| PostError::Address { url: self.base.clone() })
    }
}

/// Only an answer about the content itself is final. A refused key or a wrong path is put right by people, and what
/// waits meanwhile must not be lost.
fn judge(status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Result<(), PostError> {
    match status {
        status if status.is_success() => Ok(()),
        StatusCode::BAD_REQUEST | StatusCode::PAYLOAD_TOO_LARGE | StatusCode::UNPROCESSABLE_ENTITY => {
            let reason = String::from_utf8_lossy(body).chars().take(1000).collect();
            Err(PostError::Refused { status, reason })
        }
        status => Err(PostError::NotNow { status, retry_after: retry_after(headers) }),
    }
}

/// Seconds or an HTTP date.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let value = headers.get(header::RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = value.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let at = jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(value).ok()?;
    Duration::try_from(at.duration_since(jiff::Timestamp::now())).ok()
}

fn roots(ca_file: Option<PathBuf>) -> Result<RootCertStore, PostError> {
    let mut roots = RootCertStore::empty();
    let native = rustls_native_certs::load_native_certs();
    roots.add_parsable_certificates(native.certs);
    if let Some(path) = ca_file {
        let failed = |source| PostError::Certificates { path: Some(path.clone()), source };
        for certificate in CertificateDer::pem_file_iter(&path).map_err(|source| failed(source.into()))? {
            roots.add(certificate.map_err(|source| failed(source.into()))?).map_err(|source| failed(source.into()))?;
        }
    }
    if roots.is_empty() {
        let source = io::Error::new(io::ErrorKind::NotFound, "the system has no trusted certificates");
        return Err(PostError::Certificates { path: None, source: source.into() });
    }
    Ok(roots)
}

fn unreachable(source: hyper_util::client::legacy::Error) -> PostError {
    PostError::Unreachable { source: source.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_answers_about_the_content_are_final() {
        let verdict = |status: u16| match judge(StatusCode::from_u16(status).unwrap(), &HeaderMap::new(), b"no") {
            Ok(()) => "taken",
            Err(PostError::Refused { .. }) => "refused",
            Err(_) => "again",
        };
        let statuses = [200, 202, 204, 302, 400, 401, 403, 404, 409, 413, 422, 429, 500, 503];
        let verdicts = statuses.map(verdict);
        assert_eq!(verdicts[..3], ["taken"; 3]);
        let refused: Vec<u16> = statuses.into_iter().filter(|status| verdict(*status) == "refused").collect();
        assert_eq!(refused, [400, 413, 422]);
    }

    #[test]
    fn reads_both_forms_of_retry_after() {
        let asked = |value: &str| {
            let headers = HeaderMap::from_iter([(header::RETRY_AFTER, HeaderValue::from_str(value).unwrap())]);
            retry_after(&headers).map(|wait| wait.as_secs())
        };
        assert_eq!(asked("7"), Some(7));
        assert!(asked("Fri, 31 Dec 2399 23:59:59 GMT").is_some_and(|seconds| seconds > 1_000_000_000));
        assert_eq!((asked("Fri, 31 Dec 1999 23:59:59 GMT"), asked("soon")), (None, None));
    }

    #[test]
    fn a_key_is_not_shown() {
        assert_eq!(format!("{:?}", Key::new("secret\n").unwrap()), "Key(***)");
        assert!(Key::new("se\ncret").is_none());
    }
}

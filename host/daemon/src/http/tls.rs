//! TLS of our own: certificate and key from files, read again when they change. What is open stays open; what cannot be
//! used never takes the place of what can.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use arc_swap::ArcSwap;
use axum::extract::FromRequestParts;
use axum::http::StatusCode;
use axum::http::request::Parts;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tokio_util::sync::CancellationToken;

use super::Shared;
use super::problem::Problem;
use super::socket::Patient;
use crate::config::TlsConfig;
use crate::error::Fault;

/// How often the files are looked at.
const LOOK_EVERY: Duration = Duration::from_secs(2);
/// First byte of every TLS connection.
const HANDSHAKE: u8 = 0x16;
/// Most bytes read of someone who does not speak TLS, so that the answer reaches them.
const PLAIN_BYTES_MAX: u64 = 64 << 10;
const PLAIN: &str = "this port speaks https: write https:// in place of http://\n";

/// Size and time of change of each file.
type Stamps = Vec<Option<(u64, SystemTime)>>;

/// Certificate and key in use.
pub struct Tls {
    files: TlsConfig,
    current: ArcSwap<ServerConfig>,
    seen: Mutex<Stamps>,
}

impl Tls {
    /// Reads the files.
    pub fn open(files: &TlsConfig) -> Result<Arc<Self>, Fault> {
        let seen = Mutex::new(stamps(files));
        Ok(Arc::new(Self { current: ArcSwap::from_pointee(load(files)?), files: files.clone(), seen }))
    }

    /// Looks at the files until `stop`, and takes what is new in them.
    pub async fn follow(self: Arc<Self>, stop: CancellationToken) {
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(LOOK_EVERY) => {}
            }
            let tls = self.clone();
            if let Ok(Err(fault)) = tokio::task::spawn_blocking(move || tls.look()).await {
                tracing::error!(error = fault.chain(), "the new certificate is not used, the one before stays");
            }
        }
    }

    /// Takes what is new in the files. What was found wanting is not looked at again until it changes.
    fn look(&self) -> Result<(), Fault> {
        let now = stamps(&self.files);
        let before = std::mem::replace(&mut *self.seen.lock().unwrap_or_else(PoisonError::into_inner), now.clone());
        if now != before {
            self.current.store(Arc::new(load(&self.files)?));
            tracing::info!("certificate and key were read again");
        }
        Ok(())
    }

    /// Opens a connection of someone who may or may not speak TLS.
    pub(super) async fn accept(
        &self,
        mut stream: TcpStream,
        write_timeout: Duration,
    ) -> std::io::Result<Option<TlsStream<Patient<TcpStream>>>> {
        let mut first = [0];
        if stream.peek(&mut first).await? == 1 && first[0] != HANDSHAKE {
            explain(&mut stream).await?;
            return Ok(None);
        }
        let acceptor = TlsAcceptor::from(self.current.load_full());
        acceptor.accept(Patient::new(stream, write_timeout)).await.map(Some)
    }
}

/// Tells someone who speaks plain HTTP how to ask.
async fn explain(stream: &mut TcpStream) -> std::io::Result<()> {
    let length = PLAIN.len();
    let head = "HTTP/1.1 400 Bad Request\r\ncontent-type: text/plain; charset=utf-8\r\nconnection: close";
    stream.write_all(format!("{head}\r\ncontent-length: {length}\r\n\r\n{PLAIN}").as_bytes()).await?;
    stream.shutdown().await?;
    tokio::io::copy(&mut stream.take(PLAIN_BYTES_MAX), &mut tokio::io::sink()).await.map(|_| ())
}

fn stamps(files: &TlsConfig) -> Stamps {
    let stamp = |path: &std::path::PathBuf| {
        let about = std::fs::metadata(path).ok()?;
        Some((about.len(), about.modified().ok()?))
    };
    [&files.certificate, &files.key].into_iter().chain(&files.client_ca).map(stamp).collect()
}

fn load(files: &TlsConfig) -> Result<ServerConfig, Fault> {
    let chain = certificates(&files.certificate)?;
    let key = PrivateKeyDer::from_pem_file(&files.key).map_err(|error| unusable(&files.key).caused_by(error))?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ServerConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .map_err(|error| Fault::host("cannot prepare TLS").caused_by(error))?;
    let builder = match &files.client_ca {
        None => builder.with_no_client_auth(),
        Some(path) => {
            let mut roots = RootCertStore::empty();
            roots.add_parsable_certificates(certificates(path)?);
            // People and pipelines come without a certificate; who shows one must be vouched for.
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider)
                .allow_unauthenticated()
                .build()
                .map_err(|error| unusable(path).caused_by(error))?;
            builder.with_client_cert_verifier(verifier)
        }
    };
    let mut config =
        builder.with_single_cert(chain, key).map_err(|error| unusable(&files.certificate).caused_by(error))?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(config)
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, Fault> {
    let read = CertificateDer::pem_file_iter(path).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let certificates = read.map_err(|error| unusable(path).caused_by(error))?;
    if certificates.is_empty() { Err(unusable(path)) } else { Ok(certificates) }
}

fn unusable(path: &Path) -> Fault {
    Fault::config(format!("cannot use {} of `[tls]`", path.display()))
        .hint("files are in PEM; the key belongs to the first certificate")
}

/// Set on requests over connections whose client showed a certificate that is vouched for.
#[derive(Debug, Clone, Copy)]
pub(super) struct ShownCertificate;

/// The request comes from a host that is vouched for, where `client_ca` asks for that.
pub(super) struct Vouched;

impl FromRequestParts<Shared> for Vouched {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, host: &Shared) -> Result<Self, Problem> {
        let is_needed = host.config.tls.as_ref().is_some_and(|tls| tls.client_ca.is_some());
        if !is_needed || parts.extensions.get::<ShownCertificate>().is_some() {
            return Ok(Self);
        }
        Err(Problem::new(StatusCode::FORBIDDEN, "a host that forwards has to show a certificate")
            .hint("name it on that host: `tls = { certificate, key }` in `[central]`"))
    }
}

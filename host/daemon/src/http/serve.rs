//! The accept loop: bounded connections, bounded headers, and an end that lets answers under way finish.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{ConnectInfo, Request};
use axum::http::{HeaderValue, header};
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

use super::places::{Full, Place, Places};
use super::socket::Patient;
use super::tls::{ShownCertificate, Tls};
use crate::config::HttpConfig;
use crate::error::Fault;

/// Requests of one connection that are answered at a time, where its protocol allows several.
const STREAMS_MAX: u32 = 64;
/// Most header fields of a request.
const HEADERS_MAX: usize = 128;
/// Tells browsers to ask by https alone, for half a year.
const HTTPS_ONLY: &str = "max-age=15552000";
/// Longest wait for answers under way when stopping.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(10);

/// A bound address, before anything is served.
pub struct Server {
    listener: TcpListener,
    config: HttpConfig,
    tls: Option<Arc<Tls>>,
    /// Address it is bound to.
    pub address: SocketAddr,
}

impl Server {
    /// Binds `listen`; port 0 takes a free one.
    pub async fn bind(listen: &str, config: &HttpConfig, tls: Option<Arc<Tls>>) -> Result<Self, Fault> {
        let failed = |error| {
            Fault::host(format!("cannot listen on {listen}"))
                .hint("another Weir may be running; `listen` in `[host]` names the address")
                .caused_by(error)
        };
        let listener = TcpListener::bind(listen).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        Ok(Self { listener, config: config.clone(), tls, address })
    }
}

/// Serves until `stop`, then lets answers under way finish.
pub async fn serve(server: Server, routes: Router, stop: CancellationToken) {
    let graceful = GracefulShutdown::new();
    let places = Places::new(&server.config);
    let protocols = Protocols::new(&server.config);
    loop {
        // Both branches can be dropped at any point without losing anything: a connection is taken in one step.
        let accepted = tokio::select! {
            () = stop.cancelled() => break,
            accepted = server.listener.accept() => accepted,
        };
        let Ok((stream, peer)) = accepted else {
            // Out of descriptors, most likely: give others time to close.
            tokio::time::sleep(Duration::from_millis(50)).await;
            continue;
        };
        let place = match places.take(peer.ip()) {
            Ok(place) => place,
            Err(full) => {
                turn_away(&stream, full);
                continue;
            }
        };
        let client = Client { peer, place, routes: routes.clone(), protocols: protocols.clone() };
        let tls = server.tls.clone();
        crate::tasks::spawn("http connection", client.open(stream, tls, graceful.watcher()));
    }
    drop(server);
    if tokio::time::timeout(DRAIN_TIMEOUT, graceful.shutdown()).await.is_err() {
        tracing::warn!("answers under way were cut off");
    }
}

/// How connections are served. Which protocol is spoken is said by TLS, never guessed from what comes first: who sends
/// nothing would be waited for.
#[derive(Clone)]
struct Protocols {
    http1: Builder<TokioExecutor>,
    http2: Builder<TokioExecutor>,
    header_timeout: Duration,
    write_timeout: Duration,
}

impl Protocols {
    fn new(config: &HttpConfig) -> Self {
        // What is a little too large is still read, so that it can be answered with a hint.
        let read_bytes_max = config.header_bytes_max.saturating_mul(2).max(16 << 10);
        let mut http1 = Builder::new(TokioExecutor::new()).http1_only();
        http1
            .http1()
            .timer(TokioTimer::new())
            .header_read_timeout(config.header_timeout.0)
            .max_buf_size(read_bytes_max)
            .max_headers(HEADERS_MAX);
        let mut http2 = Builder::new(TokioExecutor::new()).http2_only();
        http2
            .http2()
            .timer(TokioTimer::new())
            .keep_alive_interval(config.write_timeout.0)
            .max_concurrent_streams(STREAMS_MAX)
            .max_header_list_size(u32::try_from(read_bytes_max).unwrap_or(u32::MAX));
        Self { http1, http2, header_timeout: config.header_timeout.0, write_timeout: config.write_timeout.0 }
    }
}

/// One connection.
struct Client {
    peer: SocketAddr,
    place: Place,
    routes: Router,
    protocols: Protocols,
}

impl Client {
    /// Serves it, behind TLS when there is one.
    async fn open(self, stream: TcpStream, tls: Option<Arc<Tls>>, watcher: Watcher) {
        let write_timeout = self.protocols.write_timeout;
        let Some(tls) = tls else {
            let builder = self.protocols.http1.clone();
            return self.serve(Patient::new(stream, write_timeout), Secured::No, &builder, watcher).await;
        };
        let peer = self.peer;
        match tokio::time::timeout(self.protocols.header_timeout, tls.accept(stream, write_timeout)).await {
            Ok(Ok(Some(stream))) => {
                let (_, session) = stream.get_ref();
                let is_http2 = session.alpn_protocol() == Some(b"h2");
                let secured =
                    if session.peer_certificates().is_some() { Secured::WithCertificate } else { Secured::Yes };
                let builder = if is_http2 { &self.protocols.http2 } else { &self.protocols.http1 }.clone();
                self.serve(stream, secured, &builder, watcher).await;
            }
            Ok(Ok(None)) => tracing::debug!(%peer, "a client spoke plain http"),
            Ok(Err(error)) => tracing::debug!(%peer, %error, "a connection was not opened"),
            Err(_) => tracing::debug!(%peer, "a connection was not opened in time"),
        }
    }

    async fn serve(
        self,
        stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
        secured: Secured,
        builder: &Builder<TokioExecutor>,
        watcher: Watcher,
    ) {
        let Self { peer, place, routes, protocols: _ } = self;
        let service = hyper::service::service_fn(move |request: hyper::Request<Incoming>| {
            let mut request: Request = request.map(axum::body::Body::new);
            request.extensions_mut().insert(ConnectInfo(peer));
            name_host(&mut request);
            if secured == Secured::WithCertificate {
                request.extensions_mut().insert(ShownCertificate);
            }
            let answering = routes.clone().oneshot(request);
            async move {
                let mut response = answering.await?;
                if secured != Secured::No {
                    let https_only = HeaderValue::from_static(HTTPS_ONLY);
                    response.headers_mut().insert(header::STRICT_TRANSPORT_SECURITY, https_only);
                }
                Ok::<_, Infallible>(response)
            }
        });
        let connection = builder.serve_connection(TokioIo::new(stream), service).into_owned();
        if let Err(error) = watcher.watch(connection).await {
            tracing::debug!(%peer, error, "connection ended early");
        }
        drop(place);
    }
}

/// HTTP/2 names the host in the address alone; whoever reads the header finds it there as well.
fn name_host(request: &mut Request) {
    let named = request.uri().authority().and_then(|host| HeaderValue::from_str(host.as_str()).ok());
    if let Some(host) = named {
        request.headers_mut().entry(header::HOST).or_insert(host);
    }
}

/// Whether a connection is behind TLS, and its client showed a certificate.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Secured {
    No,
    Yes,
    WithCertificate,
}

/// Says that there is no place, as far as that can be said without waiting.
fn turn_away(stream: &TcpStream, full: Full) {
    let (status, detail, hint) = match full {
        Full::All => ("503 Service Unavailable", "all connections are taken", "connections_max"),
        Full::OfAddress => {
            ("429 Too Many Requests", "this address has too many connections", "connections_per_address_max")
        }
    };
    let (code, title) = status.split_at(3);
    let body = serde_json::json!({
        "type": "about:blank", "title": title.trim(), "status": code.parse::<u16>().unwrap_or(503),
        "detail": detail, "hint": format!("wait a little; `{hint}` of `[http]` allows more"),
    })
    .to_string();
    let text = format!(
        "HTTP/1.1 {status}\r\ncontent-type: application/problem+json\r\ncontent-length: {}\r\nretry-after: 1\r\n\
         connection: close\r\n\r\n{body}",
        body.len()
    );
    // A socket that was just opened takes this much at once, or it does not matter.
    let _ = stream.try_write(text.as_bytes());
}

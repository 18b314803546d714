//! The accept loop: bounded connections, bounded headers, and an end that lets answers under way finish.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{ConnectInfo, Request};
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

use crate::error::Fault;

/// Most connections at a time.
const CONNECTIONS_MAX: usize = 1_024;
/// Longest time a client may take for its headers.
const HEADERS_TIMEOUT: Duration = Duration::from_secs(10);
/// Most bytes of headers.
const HEADER_BYTES_MAX: usize = 64 << 10;
/// Longest wait for answers under way when stopping.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(10);

/// A bound address, before anything is served.
pub struct Server {
    listener: TcpListener,
    /// Address it is bound to.
    pub address: SocketAddr,
}

impl Server {
    /// Binds `listen`; port 0 takes a free one.
    pub async fn bind(listen: &str) -> Result<Self, Fault> {
        let failed = |error| {
            Fault::host(format!("cannot listen on {listen}"))
                .hint("another Weir may be running; `listen` in `[host]` names the address")
                .caused_by(error)
        };
        let listener = TcpListener::bind(listen).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        Ok(Self { listener, address })
    }
}

/// Serves until `stop`, then lets answers under way finish.
pub async fn serve(server: Server, routes: Router, stop: CancellationToken) {
    let graceful = GracefulShutdown::new();
    let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
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
        let Ok(place) = places.clone().try_acquire_owned() else { continue };
        let connection = graceful.watch(connection(stream, peer, routes.clone()).into_owned());
        crate::tasks::spawn("http connection", async move {
            if let Err(error) = connection.await {
                tracing::debug!(%peer, error, "connection ended early");
            }
            drop(place);
        });
    }
    drop(server);
    if tokio::time::timeout(DRAIN_TIMEOUT, graceful.shutdown()).await.is_err() {
        tracing::warn!("answers under way were cut off");
    }
}

type Serving<'a, S> = hyper_util::server::conn::auto::UpgradeableConnection<'a, TokioIo<TcpStream>, S, TokioExecutor>;

fn connection(
    stream: TcpStream,
    peer: SocketAddr,
    routes: Router,
) -> Serving<
    'static,
    impl hyper::service::Service<
        hyper::Request<Incoming>,
        Response = axum::response::Response,
        Error = std::convert::Infallible,
        Future: Send,
    > + Send,
> {
    let _ = stream.set_nodelay(true);
    let service = hyper::service::service_fn(move |request: hyper::Request<Incoming>| {
        let mut request: Request = request.map(axum::body::Body::new);
        request.extensions_mut().insert(ConnectInfo(peer));
        routes.clone().oneshot(request)
    });
    let mut builder = Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(HEADERS_TIMEOUT).max_buf_size(HEADER_BYTES_MAX);
    builder.serve_connection_with_upgrades(TokioIo::new(stream), service).into_owned()
}

//! Opens TCP connections, and only to vetted addresses: resolves once, checks every address, connects to those
//! that passed. Nothing else in egress opens a socket, so a name that changes its answer gains nothing.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::future::BoxFuture;
use http::Uri;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tower::Service;
use url::Url;

use super::address::{AddressClass, classify};
use super::resolve::Resolve;

/// Hosts and ports whose private addresses the operator granted by naming them.
#[derive(Debug, Clone, Default)]
pub(crate) struct PrivateHosts(pub(crate) Vec<(String, u16)>);

impl PrivateHosts {
    /// Whether the host of `url` is among them.
    pub(crate) fn names(&self, url: &Url) -> bool {
        let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
        self.holds(host, url.port_or_known_default().unwrap_or(0))
    }

    fn holds(&self, host: &str, port: u16) -> bool {
        self.0.iter().any(|(known, at)| known.eq_ignore_ascii_case(host) && *at == port)
    }
}

/// Why no connection was opened.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConnectError {
    #[error("{0}")]
    Refused(String),
    #[error("`{0}` has no address")]
    Dns(String, #[source] Option<io::Error>),
    #[error("`{0}` does not answer")]
    Tcp(String, #[source] Option<io::Error>),
}

/// The connector below TLS.
#[derive(Clone)]
pub(crate) struct VettedConnector {
    pub(crate) resolver: Arc<dyn Resolve>,
    pub(crate) private: Arc<PrivateHosts>,
    pub(crate) wait_max: Duration,
}

impl Service<Uri> for VettedConnector {
    type Response = TokioIo<TcpStream>;
    type Error = ConnectError;
    type Future = BoxFuture<'static, Result<Self::Response, Self::Error>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let connector = self.clone();
        Box::pin(async move {
            let host = uri.host().unwrap_or_default().trim_matches(['[', ']']);
            let port = uri.port_u16().unwrap_or(if uri.scheme_str() == Some("https") { 443 } else { 80 });
            connector.connect(host, port).await.map(TokioIo::new)
        })
    }
}

impl VettedConnector {
    /// Connects to the first vetted address that answers.
    pub(crate) async fn connect(&self, host: &str, port: u16) -> Result<TcpStream, ConnectError> {
        let mut last = None;
        for address in self.vetted(host, port).await? {
            match self.open(SocketAddr::new(address, port)).await {
                Ok(stream) => return Ok(stream),
                Err(error) => last = Some(error),
            }
        }
        Err(ConnectError::Tcp(host.to_owned(), last))
    }

    async fn vetted(&self, host: &str, port: u16) -> Result<Vec<IpAddr>, ConnectError> {
        vet(host, &self.addresses(host).await?, self.private.holds(host, port))
    }

    async fn addresses(&self, host: &str) -> Result<Vec<IpAddr>, ConnectError> {
        if let Ok(literal) = host.parse() {
            return Ok(vec![literal]);
        }
        let failed = |error| ConnectError::Dns(host.to_owned(), error);
        let found = self.resolver.resolve(host).await.map_err(|error| failed(Some(error)))?;
        if found.is_empty() { Err(failed(None)) } else { Ok(found) }
    }

    async fn open(&self, address: SocketAddr) -> io::Result<TcpStream> {
        let stream = tokio::time::timeout(self.wait_max, TcpStream::connect(address)).await??;
        stream.set_nodelay(true)?;
        Ok(stream)
    }
}

fn vet(host: &str, found: &[IpAddr], private_granted: bool) -> Result<Vec<IpAddr>, ConnectError> {
    let allowed = |address: &&IpAddr| match classify(**address) {
        AddressClass::Public => true,
        AddressClass::Private => private_granted,
        AddressClass::Forbidden => false,
    };
    let vetted: Vec<IpAddr> = found.iter().filter(allowed).copied().collect();
    if vetted.is_empty() { Err(ConnectError::Refused(refusal(host, found))) } else { Ok(vetted) }
}

fn refusal(host: &str, found: &[IpAddr]) -> String {
    let private = found.iter().find(|address| classify(**address) == AddressClass::Private);
    match private.or(found.first()) {
        Some(address) if private.is_some() => format!("`{host}` is at the private address {address}, not granted"),
        Some(address) => format!("`{host}` is at {address}, which is never reached"),
        None => format!("`{host}` has no address"),
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::support::Names;
    use super::*;

    async fn check(answers: &[&str], private: &[(&str, u16)]) -> Vec<String> {
        let private = PrivateHosts(private.iter().map(|(host, port)| ((*host).to_owned(), *port)).collect());
        let resolver = Names::answering("tool.example.com", answers);
        let connector = VettedConnector { resolver, private: Arc::new(private), wait_max: Duration::from_secs(1) };
        let mut outcomes = Vec::new();
        for _ in answers {
            let outcome = connector.vetted("tool.example.com", 443).await;
            outcomes.push(outcome.map_or_else(|error| error.to_string(), |vetted| format!("{vetted:?}")));
        }
        outcomes
    }

    #[tokio::test]
    async fn a_name_that_changes_its_answer_is_vetted_each_time_and_resolved_once_a_time() {
        let outcomes =
            check(&["8.8.8.8", "10.0.0.5", "169.254.169.254", "8.8.8.8 127.0.0.1 ::ffff:10.0.0.1"], &[]).await;
        expect_test::expect![[r#"
            [
                "[8.8.8.8]",
                "`tool.example.com` is at the private address 10.0.0.5, not granted",
                "`tool.example.com` is at 169.254.169.254, which is never reached",
                "[8.8.8.8]",
            ]
        "#]]
        .assert_debug_eq(&outcomes);
    }

    #[tokio::test]
    async fn a_grant_opens_private_addresses_of_that_host_and_port_and_no_metadata() {
        let granted = check(&["10.0.0.5", "169.254.169.254", "fd00:ec2::254"], &[("tool.example.com", 443)]).await;
        expect_test::expect![[r#"
            [
                "[10.0.0.5]",
                "`tool.example.com` is at 169.254.169.254, which is never reached",
                "`tool.example.com` is at fd00:ec2::254, which is never reached",
            ]
        "#]]
        .assert_debug_eq(&granted);
        let elsewhere = check(&["10.0.0.5"], &[("tool.example.com", 8443), ("other", 443)]).await;
        expect_test::expect![[r#"
            [
                "`tool.example.com` is at the private address 10.0.0.5, not granted",
            ]
        "#]]
        .assert_debug_eq(&elsewhere);
    }
}

use std::sync::Arc;

use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::TlsAcceptor;

use super::support::*;

// Made for these tests: a leaf for 127.0.0.1 and its root, whose key was thrown away.
const ROOT: &[u8] = include_bytes!("tls/root.pem");
const LEAF: &[u8] = include_bytes!("tls/leaf.pem");
const KEY: &[u8] = include_bytes!("tls/leaf.key.pem");

async fn secure(script: impl Fn(usize, &str) -> Reply + Send + Sync + 'static) -> Tool {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let chain = vec![CertificateDer::from_pem_slice(LEAF).unwrap()];
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain, PrivateKeyDer::from_pem_slice(KEY).unwrap())
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    Tool::start("https", script, move |stream| {
        let accepting = acceptor.accept(stream);
        Box::pin(async move { accepting.await.ok().map(|stream| Box::new(stream) as Box<dyn Stream>) })
    })
    .await
}

fn trusting() -> World {
    World::with(Names::answering("nobody", &[]), Some(ROOT.to_vec()))
}

#[tokio::test]
async fn certificates_are_checked_against_the_trusted_roots() {
    let tool = secure(|_, _| reply("200 OK", &[], "secure")).await;
    assert_eq!(outcome(&trusting().connection(spec(&tool.origin)), get("/x")).await, "200 secure");
    let said = outcome(&World::new().connection(spec(&tool.origin)), get("/x")).await;
    assert!(said.starts_with("Tls(\"invalid peer certificate"), "{said}");
    let elsewhere = tool.origin.replace("127.0.0.1", "[::1]");
    assert!(!outcome(&trusting().connection(spec(&elsewhere)), get("/x")).await.starts_with("200"));
}

#[tokio::test]
async fn a_redirect_never_leads_from_https_to_http() {
    let plain = Tool::replying(vec![reply("200 OK", &[], "plain")]).await;
    let location = format!("location: {}/x", plain.origin);
    let tool = secure(move |_, _| reply("302 Found", &[&location], "")).await;
    let said = outcome(&trusting().connection(spec(&tool.origin)), get("/x")).await;
    assert_eq!(said, "Denied(\"redirect leads from https to http\")");
    assert_eq!(plain.lines().len(), 0);
}

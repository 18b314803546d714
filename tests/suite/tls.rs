//! TLS of the host's own, with certificates made for the test.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Empty;
use hyper_util::rt::{TokioExecutor, TokioIo};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, date_time_ymd};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use serde_json::{Value, json};
use tokio_rustls::TlsConnector;
use weir_tests::{Client, Running, Weir, until};

const TLS: &str = "[tls]\ncertificate = \"host.pem\"\nkey = \"host.key\"\n";

/// Someone who vouches.
struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
}

impl Authority {
    fn new() -> Self {
        let mut about = CertificateParams::new(Vec::<String>::new()).unwrap();
        about.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let pem = about.self_signed(&key).unwrap().pem();
        Self { issuer: Issuer::new(about, key), pem }
    }

    /// A certificate and its key.
    fn vouch(&self) -> (String, String) {
        self.vouch_until(2099)
    }

    /// The same until the begin of a year.
    fn vouch_until(&self, year: i32) -> (String, String) {
        let key = KeyPair::generate().unwrap();
        let mut about = CertificateParams::new(["127.0.0.1".to_owned(), "localhost".to_owned()]).unwrap();
        about.not_after = date_time_ymd(year, 1, 1);
        (about.signed_by(&key, &self.issuer).unwrap().pem(), key.serialize_pem())
    }

    /// Puts a certificate of this one in place.
    fn install(&self, weir: &Weir) {
        let (certificate, key) = self.vouch();
        weir.write("host.key", key);
        weir.write("host.pem", certificate);
    }
}

type Stream = StreamOwned<ClientConnection, TcpStream>;

fn connect(host: &Running, trusted: &Authority, shown: Option<(String, String)>) -> Stream {
    let stream = TcpStream::connect(host.url().trim_start_matches("https://")).unwrap();
    stream.set_read_timeout(Some(Duration::from_mins(1))).unwrap();
    let config = Arc::new(client_config(trusted, shown));
    let session = ClientConnection::new(config, ServerName::try_from("localhost").unwrap()).unwrap();
    StreamOwned::new(session, stream)
}

fn client_config(trusted: &Authority, shown: Option<(String, String)>) -> ClientConfig {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(trusted.pem.as_bytes()).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let builder = builder.with_root_certificates(roots);
    match shown {
        None => builder.with_no_client_auth(),
        Some((certificate, key)) => {
            let chain = vec![CertificateDer::from_pem_slice(certificate.as_bytes()).unwrap()];
            builder.with_client_auth_cert(chain, PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap()).unwrap()
        }
    }
}

/// Asks over an open connection and reads the head and body of the answer.
fn ask(stream: &mut Stream, request: &str) -> std::io::Result<String> {
    stream.write_all(request.as_bytes())?;
    let mut answer = String::new();
    while !answer.ends_with("ok\n") && !answer.contains("}") {
        let mut bytes = [0; 4096];
        match stream.read(&mut bytes)? {
            0 => break,
            n => answer += &String::from_utf8_lossy(&bytes[..n]),
        }
    }
    Ok(answer)
}

const ALIVE: &str = "GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n";

/// The door for commands of the same user, which speaks plain HTTP.
fn own_door(weir: &Weir) -> Client {
    let presence: Value = serde_json::from_slice(&std::fs::read(weir.path("data/host.json")).unwrap()).unwrap();
    Client::new(presence["url"].as_str().unwrap())
}

#[test]
fn a_host_speaks_tls_and_takes_a_new_certificate_without_dropping_anyone() {
    let weir = Weir::new(TLS);
    let (before, after) = (Authority::new(), Authority::new());
    before.install(&weir);
    let host = weir.run();
    let mut open = connect(&host, &before, None);
    let answer = ask(&mut open, ALIVE).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200") && answer.contains("strict-transport-security"), "{answer}");
    assert!(ask(&mut connect(&host, &after, None), ALIVE).is_err(), "a stranger's certificate is trusted");
    weir.write("host.pem", "no certificate");
    std::thread::sleep(Duration::from_millis(100));
    after.install(&weir);
    until("the new certificate", || ask(&mut connect(&host, &after, None), ALIVE).is_ok());
    assert!(ask(&mut open, ALIVE).unwrap().starts_with("HTTP/1.1 200"), "an open connection was dropped");
    assert_eq!(weir.json(&["status"])["host"], "lab", "commands of the same user do not reach it");
    host.stop();
}

#[tokio::test]
async fn browsers_speak_http2_and_find_the_door_open_as_others_do() {
    let weir = Weir::new(TLS);
    let authority = Authority::new();
    authority.install(&weir);
    let host = weir.run();
    let mut config = client_config(&authority, None);
    config.alpn_protocols = vec![b"h2".to_vec()];
    let stream = tokio::net::TcpStream::connect(host.url().trim_start_matches("https://")).await.unwrap();
    let name = ServerName::try_from("localhost").unwrap();
    let stream = TlsConnector::from(Arc::new(config)).connect(name, stream).await.unwrap();
    let (mut sender, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
    let connection = tokio::spawn(connection);
    let request = hyper::Request::get("https://localhost/v1/status").body(Empty::<Bytes>::new()).unwrap();
    let answer = sender.send_request(request).await.unwrap();
    assert_eq!((answer.status().as_u16(), answer.version()), (200, hyper::Version::HTTP_2));
    connection.abort();
    host.stop();
}

#[test]
fn who_speaks_plain_http_is_told_how_to_ask() {
    let weir = Weir::new(TLS);
    Authority::new().install(&weir);
    let host = weir.run();
    let answer = Client::new(&host.url().replace("https://", "http://")).get("/healthz");
    assert_eq!(answer.status, 400);
    assert!(answer.text().contains("https://"), "{}", answer.text());
    host.stop();
}

#[test]
fn a_certificate_that_cannot_be_used_is_named() {
    let weir = Weir::new(TLS);
    let answer = weir.command(&["run"]);
    assert_eq!(answer.code, 2, "{}", answer.stderr);
    assert!(answer.stderr.contains("host.pem of `[tls]`") && answer.stderr.contains("hint:"), "{}", answer.stderr);
}

#[test]
fn the_doctor_says_that_a_certificate_ends() {
    let weir = Weir::new(TLS);
    let (certificate, key) = Authority::new().vouch_until(2020);
    weir.write("host.key", key);
    weir.write("host.pem", certificate);
    let told = weir.command(&["doctor"]);
    assert!(told.code == 1 && told.stdout.contains("ends in -"), "{}", told.stdout);
    Authority::new().install(&weir);
    assert!(!weir.command(&["doctor"]).stdout.contains("certificate"));
}

#[test]
fn only_hosts_that_are_vouched_for_forward() {
    let (servers, hosts, strangers) = (Authority::new(), Authority::new(), Authority::new());
    let central = Weir::named("central", &format!("{TLS}client_ca = \"hosts.pem\"\n"));
    servers.install(&central);
    central.write("hosts.pem", &hosts.pem);
    let key = central.json(&["key", "create", "lab", "--scope", "forward"])["key"].as_str().unwrap().to_owned();
    let central_runs = central.start("central");

    let request = format!(
        "POST /v1/forward HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {key}\r\ncontent-length: 2\r\n\r\n{{}}"
    );
    let refused = ask(&mut connect(&central_runs, &servers, None), &request).unwrap();
    assert!(refused.starts_with("HTTP/1.1 403") && refused.contains("hint"), "{refused}");
    assert!(ask(&mut connect(&central_runs, &servers, Some(strangers.vouch())), ALIVE).is_err());

    let url = central_runs.url();
    let tls = "tls = { ca = \"central.pem\", certificate = \"mine.pem\", key = \"mine.key\" }";
    let lab = Weir::new(&format!("[central]\nurl = \"{url}\"\nkey = {{ env = \"CENTRAL_KEY\" }}\n{tls}\n"));
    let lab = lab.with_secret("CENTRAL_KEY", &key);
    lab.write("central.pem", &servers.pem);
    let (certificate, private) = hosts.vouch();
    lab.write("mine.pem", certificate);
    lab.write("mine.key", private);
    let lab_runs = lab.run();
    let build = json!({ "pipeline": "ci", "build_number": 1, "result": "SUCCESS", "start_time": 1_700_000_000_000_u64, "duration": 1 });
    assert_eq!(lab_runs.client().post("/v1/builds", build.to_string().as_bytes()).status, 202);
    until("central to have it", || own_door(&central).get("/v1/search?q=kind%3Abuild").json()["total"] == 1);
    lab_runs.stop();
    central_runs.stop();
}

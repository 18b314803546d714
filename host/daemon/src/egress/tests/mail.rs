//! Mail against a relay that the tests play: what is said before TLS, after it, and what becomes of a refusal.

use std::sync::{Arc, Mutex};

use expect_test::{Expect, expect};
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use super::support::*;
use crate::egress::*;

const ROOT: &[u8] = include_bytes!("tls/root.pem");
const LEAF: &[u8] = include_bytes!("tls/leaf.pem");
const KEY: &[u8] = include_bytes!("tls/leaf.key.pem");

#[derive(Debug, Clone, Copy, PartialEq)]
enum Kind {
    Plain,
    StartTls,
    Tls,
}

/// A relay; answers a command that begins with `refuse.0` with `refuse.1`.
struct Relay {
    port: u16,
    heard: Arc<Mutex<Vec<String>>>,
}

impl Relay {
    async fn start(kind: Kind, refuse: (&'static str, &'static str)) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let heard = Arc::<Mutex<Vec<String>>>::default();
        let log = heard.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(Box::new(stream), kind, refuse, log.clone()));
            }
        });
        Self { port, heard }
    }
}

fn acceptor() -> TlsAcceptor {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let chain = vec![CertificateDer::from_pem_slice(LEAF).unwrap()];
    let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let config = config.with_no_client_auth().with_single_cert(chain, PrivateKeyDer::from_pem_slice(KEY).unwrap());
    TlsAcceptor::from(Arc::new(config.unwrap()))
}

async fn serve(
    stream: Box<dyn Stream>,
    kind: Kind,
    (command, answer): (&'static str, &'static str),
    log: Arc<Mutex<Vec<String>>>,
) -> Option<()> {
    let stream = if kind == Kind::Tls { Box::new(acceptor().accept(stream).await.ok()?) } else { stream };
    let mut line = BufReader::new(stream);
    line.write_all(b"220 relay\r\n").await.ok()?;
    let (mut is_data, mut is_secure) = (false, kind == Kind::Tls);
    loop {
        let mut heard = String::new();
        line.read_line(&mut heard).await.ok().filter(|bytes| *bytes > 0)?;
        let heard = heard.trim_end().to_owned();
        log.lock().unwrap().push(format!("{}{heard}", if is_secure { "* " } else { "" }));
        let told = match heard.split([' ', ':']).next().unwrap_or_default() {
            "." => "250 taken",
            _ if is_data => continue,
            _ if heard.starts_with(command) => answer,
            "EHLO" if kind == Kind::StartTls && !is_secure => "250-relay\r\n250-AUTH PLAIN\r\n250 STARTTLS",
            "EHLO" => "250-relay\r\n250 AUTH LOGIN PLAIN",
            "STARTTLS" => "220 go on",
            "AUTH" => "235 welcome",
            "DATA" => "354 go on",
            _ => "250 fine",
        };
        is_data = (heard == "DATA" && told.starts_with("354")) || (is_data && heard != ".");
        line.write_all(format!("{told}\r\n").as_bytes()).await.ok()?;
        if heard == "STARTTLS" {
            let plain: Box<dyn Stream> = line.into_inner();
            line = BufReader::new(Box::new(acceptor().accept(plain).await.ok()?));
            is_secure = true;
        }
    }
}

fn spec(url: String) -> MailSpec {
    MailSpec {
        name: "mail".to_owned(),
        url,
        login: Some(("weir".to_owned(), Secret::new("open sesame"))),
        from: "Weir <weir@example.com>".to_owned(),
        to: vec!["team@example.com".to_owned(), "*@acme.example".to_owned()],
        private: false,
    }
}

fn url(kind: Kind, port: u16) -> String {
    match kind {
        Kind::Plain => format!("smtp://127.0.0.1:{port}?tls=none"),
        Kind::StartTls => format!("smtp://127.0.0.1:{port}"),
        Kind::Tls => format!("smtps://127.0.0.1:{port}"),
    }
}

fn mail(people: &[&str]) -> Mail {
    let people = people.iter().map(|it| (*it).to_owned()).collect();
    Mail { subject: "Überfällig\r\nBcc: x@y.z".to_owned(), text: "It waits.\n.\nSince Monday.".to_owned(), people }
}

async fn check(offered: Kind, used: Kind, refuse: (&'static str, &'static str), people: &[&str], expected: Expect) {
    let relay = Relay::start(offered, refuse).await;
    let world = World::with(Names::answering("nobody", &[]), Some(ROOT.to_vec()));
    let way = world.egress.mail(spec(url(used, relay.port))).unwrap();
    let sent = way.send(&mail(people), "run.1", weir_model::Timestamp::from_ms(NOW_MS)).await;
    let heard = relay.heard.lock().unwrap().join("\n");
    expected.assert_eq(&format!("{sent:?}\n{heard}\n"));
}

#[tokio::test]
async fn a_message_is_handed_over_behind_starttls() {
    check(
        Kind::StartTls,
        Kind::StartTls,
        ("-", ""),
        &["ana", "Ana <ana@acme.example>"],
        expect![[r#"
        Ok("mail to ana@acme.example")
        EHLO [127.0.0.1]
        STARTTLS
        * EHLO [127.0.0.1]
        * AUTH PLAIN AHdlaXIAb3BlbiBzZXNhbWU=
        * MAIL FROM:<weir@example.com>
        * RCPT TO:<ana@acme.example>
        * DATA
        * From: Weir <weir@example.com>
        * Subject: =?utf-8?b?w5xiZXJmw6RsbGln?=  Bcc: x@y.z
        * Date: Wed, 01 Jan 2025 00:00:00 +0000
        * Message-ID: <weir.7a0df76a338a0c872b4e55909728ce84@example.com>
        * To: Ana <ana@acme.example>
        * MIME-Version: 1.0
        * Auto-Submitted: auto-generated
        * Content-Type: text/plain; charset=utf-8
        * Content-Transfer-Encoding: 7bit
        * 
        * It waits.
        * ..
        * Since Monday.
        * .
    "#]],
    )
    .await;
}

#[tokio::test]
async fn a_relay_may_speak_tls_from_the_start_or_not_at_all() {
    check(
        Kind::Tls,
        Kind::Tls,
        ("DATA", "451 not now"),
        &[],
        expect![[r#"
        Err(Later("the relay answers DATA with 451 not now"))
        * EHLO [127.0.0.1]
        * AUTH PLAIN AHdlaXIAb3BlbiBzZXNhbWU=
        * MAIL FROM:<weir@example.com>
        * RCPT TO:<team@example.com>
        * DATA
    "#]],
    )
    .await;
    check(
        Kind::Plain,
        Kind::Plain,
        ("RCPT", "550 no such box"),
        &[],
        expect![[r#"
        Err(Never("the relay answers the recipient team@example.com with 550 no such box"))
        EHLO [127.0.0.1]
        AUTH PLAIN AHdlaXIAb3BlbiBzZXNhbWU=
        MAIL FROM:<weir@example.com>
        RCPT TO:<team@example.com>
    "#]],
    )
    .await;
}

#[tokio::test]
async fn no_password_is_sent_where_tls_is_not_offered() {
    check(
        Kind::Plain,
        Kind::StartTls,
        ("-", ""),
        &[],
        expect![[r#"
        Err(Never("the relay offers no STARTTLS"))
        EHLO [127.0.0.1]
    "#]],
    )
    .await;
}

#[tokio::test]
async fn nobody_is_written_to_whom_the_operator_does_not_know() {
    check(
        Kind::Plain,
        Kind::Plain,
        ("-", ""),
        &["eve@elsewhere.example"],
        expect![[r#"
        Err(Never("eve@elsewhere.example is not among those that `to` grants"))

    "#]],
    )
    .await;
}

#[test]
fn a_relay_that_cannot_be_is_told() {
    let refused = |change: fn(&mut MailSpec)| {
        let mut spec = spec("smtps://mail.example.com".to_owned());
        change(&mut spec);
        format!("{}\n", World::new().egress.mail(spec).err().unwrap())
    };
    let text = [
        refused(|spec| spec.url = "smtp://mail.example.com?tls=none".to_owned()),
        refused(|spec| spec.url = "smtp://user@mail.example.com".to_owned()),
        refused(|spec| spec.url = "smtp:mail".to_owned()),
        refused(|spec| spec.from = "nobody".to_owned()),
        refused(|spec| spec.to = vec!["[".to_owned()]),
    ];
    expect![[r"
        connection `mail` would send its credential over plain http
        mail connection `mail` has a URL with more or less than a host and a port
        mail connection `mail` has a URL with more or less than a host and a port
        mail connection `mail` knows no address `nobody`
        mail connection `mail` knows no address `[`
    "]]
    .assert_eq(&text.concat());
}

//! A tool that answers as a test scripts it, byte for byte, and a world without time and without names.

use std::collections::VecDeque;
use std::io;
use std::net::IpAddr;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;
use weir_model::Timestamp;
use weir_sandbox::{Connection, HttpError, Method, Request, Response, Target};

use crate::egress::*;

/// 2025-01-01T00:00:00Z.
pub(crate) const NOW_MS: i64 = 1_735_689_600_000;

/// What the tool does with one request.
#[derive(Clone)]
pub(crate) enum Reply {
    /// Sends these bytes and keeps the connection.
    Send(Vec<u8>),
    /// Sends these bytes and closes.
    SendAndClose(Vec<u8>),
    /// Sends these bytes and then nothing, for ever.
    SendAndHang(Vec<u8>),
}

/// A reply with its length.
pub(crate) fn reply(status: &str, headers: &[&str], body: impl AsRef<[u8]>) -> Reply {
    let body = body.as_ref();
    let headers: String = headers.iter().map(|header| format!("{header}\r\n")).collect();
    let head = format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\n{headers}\r\n", body.len());
    Reply::Send([head.as_bytes(), body].concat())
}

/// A tool on a port of this machine.
pub(crate) struct Tool {
    pub(crate) origin: String,
    pub(crate) seen: Arc<Mutex<Vec<String>>>,
}

type Script = Arc<dyn Fn(usize, &str) -> Reply + Send + Sync>;

impl Tool {
    /// Replies in this order, the last one again and again.
    pub(crate) async fn replying(replies: Vec<Reply>) -> Self {
        Self::scripted(move |index, _| replies[index.min(replies.len() - 1)].clone()).await
    }

    /// Replies as `script` says, given the number of the request and its head.
    pub(crate) async fn scripted(script: impl Fn(usize, &str) -> Reply + Send + Sync + 'static) -> Self {
        Self::start("http", script, |stream| Box::pin(async move { Some(Box::new(stream) as Box<dyn Stream>) })).await
    }

    pub(crate) async fn start(
        scheme: &str,
        script: impl Fn(usize, &str) -> Reply + Send + Sync + 'static,
        accept: impl Fn(tokio::net::TcpStream) -> BoxFuture<'static, Option<Box<dyn Stream>>> + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let origin = format!("{scheme}://{}", listener.local_addr().unwrap());
        let seen = Arc::new(Mutex::new(Vec::new()));
        let (script, log): (Script, _) = (Arc::new(script), seen.clone());
        let accept = Arc::new(accept);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (script, log, accept) = (script.clone(), log.clone(), accept.clone());
                tokio::spawn(async move {
                    if let Some(stream) = accept(stream).await {
                        converse(stream, &script, &log).await.ok();
                    }
                });
            }
        });
        Self { origin, seen }
    }

    pub(crate) fn port(&self) -> u16 {
        self.origin.rsplit_once(':').unwrap().1.parse().unwrap()
    }

    /// First lines of the requests seen.
    pub(crate) fn lines(&self) -> Vec<String> {
        self.seen.lock().unwrap().iter().map(|head| head.lines().next().unwrap_or_default().to_owned()).collect()
    }

    /// Value of a header in each request seen, "-" where it was missing.
    pub(crate) fn header(&self, name: &str) -> Vec<String> {
        let value = |head: &String| {
            let mut pairs = head.lines().filter_map(|line| line.split_once(": "));
            pairs.find(|(key, _)| key.eq_ignore_ascii_case(name)).map_or("-".to_owned(), |(_, value)| value.to_owned())
        };
        self.seen.lock().unwrap().iter().map(value).collect()
    }
}

pub(crate) trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}
impl<S: AsyncRead + AsyncWrite + Unpin + Send> Stream for S {}

async fn converse(mut stream: Box<dyn Stream>, script: &Script, log: &Mutex<Vec<String>>) -> io::Result<()> {
    loop {
        let request = read_request(&mut stream).await?;
        let index = {
            let mut log = log.lock().unwrap();
            log.push(request.clone());
            log.len() - 1
        };
        match script(index, &request) {
            Reply::Send(bytes) => stream.write_all(&bytes).await?,
            Reply::SendAndClose(bytes) => {
                stream.write_all(&bytes).await?;
                return stream.shutdown().await;
            }
            Reply::SendAndHang(bytes) => {
                stream.write_all(&bytes).await?;
                stream.flush().await?;
                std::future::pending::<()>().await;
            }
        }
        stream.flush().await?;
    }
}

/// Head and body of one request as text.
async fn read_request(stream: &mut Box<dyn Stream>) -> io::Result<String> {
    let mut bytes = Vec::new();
    while !bytes.ends_with(b"\r\n\r\n") {
        bytes.push(stream.read_u8().await?);
    }
    let head = String::from_utf8_lossy(&bytes).into_owned();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).map_or(0, |n| n.parse().unwrap());
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await?;
    Ok(head + &String::from_utf8_lossy(&body))
}

/// A clock on which every pause is over at once and noted down.
#[derive(Default)]
pub(crate) struct Skipping {
    passed_ms: AtomicI64,
    pauses: Mutex<Vec<Duration>>,
}

impl Skipping {
    pub(crate) fn pauses_ms(&self) -> Vec<u128> {
        self.pauses.lock().unwrap().iter().map(Duration::as_millis).collect()
    }

    pub(crate) fn pass(&self, wait: Duration) {
        self.passed_ms.fetch_add(i64::try_from(wait.as_millis()).unwrap(), Ordering::SeqCst);
    }
}

impl Clock for Skipping {
    fn now(&self) -> Timestamp {
        Timestamp::from_ms(NOW_MS + self.passed_ms.load(Ordering::SeqCst))
    }

    fn pause(&self, wait: Duration) -> BoxFuture<'static, ()> {
        self.pauses.lock().unwrap().push(wait);
        self.pass(wait);
        Box::pin(async {})
    }
}

/// A resolver that knows one name; each question takes the next answer, the last one stays.
pub(crate) struct Names {
    name: String,
    answers: Mutex<VecDeque<Vec<IpAddr>>>,
}

impl Names {
    pub(crate) fn answering(name: &str, answers: &[&str]) -> Arc<dyn Resolve> {
        let read = |answer: &&str| answer.split_whitespace().map(|address| address.parse().unwrap()).collect();
        Arc::new(Self { name: name.to_owned(), answers: Mutex::new(answers.iter().map(read).collect()) })
    }
}

impl Resolve for Names {
    fn resolve<'a>(&'a self, host: &'a str) -> BoxFuture<'a, io::Result<Vec<IpAddr>>> {
        let mut answers = self.answers.lock().unwrap();
        let known = host == self.name;
        let answer = if known && answers.len() > 1 { answers.pop_front() } else { answers.front().cloned() };
        let answer = answer.filter(|_| known).ok_or_else(|| io::Error::other("no such name"));
        Box::pin(async { answer })
    }
}

/// Egress in a world of its own.
pub(crate) struct World {
    pub(crate) egress: Egress,
    pub(crate) clock: Arc<Skipping>,
}

impl World {
    pub(crate) fn new() -> Self {
        Self::with(Names::answering("nobody", &[]), None)
    }

    pub(crate) fn with(resolver: Arc<dyn Resolve>, extra_roots_pem: Option<Vec<u8>>) -> Self {
        let clock = Arc::new(Skipping::default());
        let options = EgressOptions { resolver, clock: clock.clone(), jitter_seed: 7, extra_roots_pem };
        Self { egress: Egress::new(options).unwrap(), clock }
    }

    pub(crate) fn connection(&self, spec: ConnectionSpec) -> Arc<HostConnection> {
        self.egress.connection(spec).unwrap()
    }
}

/// A connection that may read and write everywhere on `base_url`.
pub(crate) fn spec(base_url: &str) -> ConnectionSpec {
    let grant = Grant::methods(&[Method::Get, Method::Head, Method::Post, Method::Delete]);
    ConnectionSpec::new("tool", "test", base_url, Auth::None, grant)
}

pub(crate) fn bearer() -> Auth {
    Auth::Bearer(Secret::new("s3cr3t-token"))
}

pub(crate) fn get(path: &str) -> Request {
    request(Method::Get, Target::Path(path.to_owned()))
}

pub(crate) fn link(url: impl Into<String>) -> Request {
    request(Method::Get, Target::Link(url.into()))
}

pub(crate) fn request(method: Method, target: Target) -> Request {
    let (headers, body) = (Vec::new(), (method == Method::Post).then(|| b"{}".to_vec()));
    Request { method, target, headers, body, timeout: None, body_bytes_max: None, conditional: false }
}

/// What came back, in one line.
pub(crate) async fn outcome(connection: &HostConnection, request: Request) -> String {
    said(connection.send(request).await)
}

pub(crate) fn said(result: Result<Response, HttpError>) -> String {
    match result {
        Ok(Response { status, body, .. }) => format!("{status} {}", excerpt(&body)),
        Err(error) => format!("{error:?}"),
    }
}

fn excerpt(body: &Bytes) -> String {
    if body.len() > 100 { format!("({} bytes)", body.len()) } else { String::from_utf8_lossy(body).into_owned() }
}

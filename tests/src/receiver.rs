//! A tool that takes what propels send: it remembers every request with its idempotency key, and gives what was sent
//! to a path to those who read it.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// One request that came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Received {
    /// Method.
    pub method: String,
    /// Path with query.
    pub path: String,
    /// What makes it the same effect when it comes again.
    pub idempotency_key: String,
    /// Its headers, names in lower case.
    pub headers: Vec<(String, String)>,
    /// Its body.
    pub body: String,
    /// Its body, where it is no text.
    pub bytes: Vec<u8>,
}

/// A server on a port of its own, for as long as the test lasts.
#[derive(Debug)]
pub struct Receiver {
    url: String,
    received: Arc<Mutex<Vec<Received>>>,
    script: Arc<Script>,
}

/// How it answers.
#[derive(Debug)]
struct Script {
    /// Bodies, by the path of a GET.
    answers: Mutex<BTreeMap<String, String>>,
    /// Status of all answers.
    status: AtomicU16,
}

impl Received {
    /// A header, empty when it is not there.
    pub fn header(&self, name: &str) -> &str {
        self.headers.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value)
    }
}

impl Receiver {
    /// Starts it.
    #[expect(clippy::new_without_default, reason = "it starts a server")]
    pub fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let received = Arc::<Mutex<Vec<Received>>>::default();
        let script = Arc::new(Script { answers: Mutex::default(), status: AtomicU16::new(200) });
        let (kept, scripted) = (received.clone(), script.clone());
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (kept, scripted) = (kept.clone(), scripted.clone());
                std::thread::spawn(move || while serve(&stream, &kept, &scripted).is_some() {});
            }
        });
        Self { url, received, script }
    }

    /// Answers with another status from now on.
    pub fn answer_with(&self, status: u16) {
        self.script.status.store(status, Ordering::SeqCst);
    }

    /// Answers GET of a path with this, or POST of one that follows that word; a path without an answer of its own gives
    /// the list of what was sent to it.
    pub fn answer(&self, path: &str, body: &str) {
        self.script.answers.lock().unwrap_or_else(PoisonError::into_inner).insert(path.to_owned(), body.to_owned());
    }

    /// Where it listens.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// What came so far, oldest first.
    pub fn received(&self) -> Vec<Received> {
        self.received.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Bodies that were sent to a path, each effect once.
    pub fn bodies(&self, path: &str) -> Vec<String> {
        let mut keys = std::collections::BTreeSet::new();
        let sent = self.received().into_iter().filter(|received| received.method != "GET");
        let of_path = sent.filter(|received| received.path == path);
        of_path.filter(|received| keys.insert(received.idempotency_key.clone())).map(|received| received.body).collect()
    }
}

/// Answers one request of a connection.
fn serve(stream: &TcpStream, kept: &Mutex<Vec<Received>>, script: &Script) -> Option<()> {
    let mut reader = BufReader::new(stream);
    let mut first = String::new();
    reader.read_line(&mut first).ok().filter(|bytes| *bytes > 0)?;
    let mut words = first.split(' ').map(str::to_owned);
    let (method, path) = (words.next()?, words.next()?);
    let mut headers = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok().filter(|bytes| *bytes > 0)?;
        let Some((name, value)) = line.trim_end().split_once(':') else { break };
        headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
    let header = |name: &str| headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone());
    let length = header("content-length").map_or(Some(0), |length| length.parse().ok())?;
    let idempotency_key = header("idempotency-key").unwrap_or_default();
    let mut bytes = vec![0; length];
    reader.read_exact(&mut bytes).ok()?;
    let body = String::from_utf8_lossy(&bytes).into_owned();
    let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
    let answer = if method == "GET" {
        let route = path.split('?').next().unwrap_or_default();
        let scripted = script.answers.lock().unwrap_or_else(PoisonError::into_inner).get(&path).cloned();
        let sent = kept.iter().filter(|sent| sent.method != "GET" && sent.path == route).map(|sent| sent.body.as_str());
        scripted.unwrap_or_else(|| format!("[{}]", sent.collect::<Vec<_>>().join(",")))
    } else {
        let scripted = script.answers.lock().unwrap_or_else(PoisonError::into_inner);
        scripted.get(&format!("{method} {path}")).cloned().unwrap_or_else(|| "ok".to_owned())
    };
    kept.push(Received { method, path, idempotency_key, headers, body, bytes });
    drop(kept);
    let mut stream = stream;
    let status = script.status.load(Ordering::SeqCst);
    stream
        .write_all(format!("HTTP/1.1 {status} Told\r\ncontent-length: {}\r\n\r\n{answer}", answer.len()).as_bytes())
        .ok()
}

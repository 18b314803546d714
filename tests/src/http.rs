//! A small HTTP client: one request per connection, HTTP/1.0, so that a body is what comes until the end.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use ring::hmac;
use serde_json::Value;

use crate::described;

/// Longest silence of a server.
const SILENCE_MAX: Duration = Duration::from_mins(1);

/// Asks one server.
#[derive(Debug, Clone)]
pub struct Client {
    address: String,
    headers: Vec<(String, String)>,
}

/// What a server answered.
#[derive(Debug, Clone)]
pub struct Response {
    /// Status code.
    pub status: u16,
    /// Fields, names in lower case.
    pub headers: Vec<(String, String)>,
    /// Body.
    pub body: Vec<u8>,
}

/// Server-sent events as they come.
#[derive(Debug)]
pub struct Events {
    lines: BufReader<TcpStream>,
}

impl Client {
    /// A client of `http://host:port`.
    pub fn new(url: &str) -> Self {
        Self { address: url.trim_start_matches("http://").to_owned(), headers: Vec::new() }
    }

    /// The same with a field in every request.
    #[must_use]
    pub fn with(&self, name: &str, value: &str) -> Self {
        let mut client = self.clone();
        client.headers.push((name.to_owned(), value.to_owned()));
        client
    }

    /// The same of another server.
    #[must_use]
    pub fn at(&self, url: &str) -> Self {
        Self { address: url.trim_start_matches("http://").to_owned(), headers: self.headers.clone() }
    }

    /// Asks; panics when there is no answer.
    pub fn get(&self, path: &str) -> Response {
        self.try_send("GET", path, b"").unwrap_or_else(|error| panic!("GET {path}: {error}"))
    }

    /// Hands over; panics when there is no answer.
    pub fn post(&self, path: &str, body: &[u8]) -> Response {
        self.try_send("POST", path, body).unwrap_or_else(|error| panic!("POST {path}: {error}"))
    }

    /// Sends a request and reads the answer to its end.
    pub fn try_send(&self, method: &str, path: &str, body: &[u8]) -> std::io::Result<Response> {
        let mut stream = self.request(method, path, body)?;
        let mut bytes = Vec::new();
        let read = stream.read_to_end(&mut bytes);
        // A server that has said all it wants to may close before it has read all of a request that is too large.
        if bytes.is_empty() {
            read?;
        }
        let answer = Response::parse(&bytes).ok_or(std::io::ErrorKind::UnexpectedEof)?;
        described::check(method, path, &answer);
        Ok(answer)
    }

    /// Follows server-sent events.
    pub fn events(&self, path: &str) -> Events {
        let stream = self.with("accept", "text/event-stream").request("GET", path, b"").unwrap();
        let mut lines = BufReader::new(stream);
        let mut line = String::new();
        while lines.read_line(&mut line).unwrap() > 2 {
            line.clear();
        }
        Events { lines }
    }

    fn request(&self, method: &str, path: &str, body: &[u8]) -> std::io::Result<TcpStream> {
        let mut stream = TcpStream::connect(&self.address)?;
        stream.set_read_timeout(Some(SILENCE_MAX))?;
        stream.set_nodelay(true)?;
        let fields =
            self.headers.iter().fold(String::new(), |fields, (name, value)| fields + &format!("{name}: {value}\r\n"));
        let (host, length) = (&self.address, body.len());
        let head = format!("{method} {path} HTTP/1.0\r\nhost: {host}\r\ncontent-length: {length}\r\n{fields}\r\n");
        let sent = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body));
        if body.len() < 1 << 20 {
            sent?;
        }
        Ok(stream)
    }
}

impl Response {
    fn parse(bytes: &[u8]) -> Option<Self> {
        let end = bytes.windows(4).position(|window| window == b"\r\n\r\n")?;
        let head = std::str::from_utf8(&bytes[..end]).ok()?;
        let fields = head.lines().skip(1).filter_map(|line| line.split_once(':'));
        let headers = fields.map(|(name, value)| (name.to_lowercase(), value.trim().to_owned())).collect();
        Some(Self { status: head.get(9..12)?.parse().ok()?, headers, body: bytes[end + 4..].to_vec() })
    }

    /// A field, empty when it is not there.
    pub fn header(&self, name: &str) -> &str {
        self.headers.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value)
    }

    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body as JSON; panics when it is none.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error} in {} {}", self.status, self.text()))
    }

    /// Whether it was done.
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }
}

impl Events {
    /// The next event as (id, event, data); panics when the stream ends.
    pub fn next_event(&mut self) -> (String, String, String) {
        let (mut id, mut event, mut data) = (String::new(), String::new(), String::new());
        loop {
            let mut line = String::new();
            assert!(self.lines.read_line(&mut line).unwrap() > 0, "the stream of events ended");
            let line = line.trim_end();
            let Some((name, value)) = line.split_once(':') else {
                if line.is_empty() && !(event.is_empty() && data.is_empty()) {
                    return (id, event, data);
                }
                continue;
            };
            match name {
                "id" => value.trim_start().clone_into(&mut id),
                "event" => value.trim_start().clone_into(&mut event),
                "data" => value.trim_start().clone_into(&mut data),
                _ => {}
            }
        }
    }
}

/// `sha256=...` of a body, as GitHub signs.
pub fn signature(secret: &str, body: &[u8]) -> String {
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes()), body);
    tag.as_ref().iter().fold("sha256=".to_owned(), |hex, byte| hex + &format!("{byte:02x}"))
}

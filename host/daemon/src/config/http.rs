//! `[http]`: what those who ask may take of this host. Limits left out spare this machine, for whoever is on it can do
//! worse, and a proxy on it stands for many; a limit that is set counts for everyone.

use std::time::Duration;

use serde::Deserialize;
use url::Url;

use super::{ConfigError, Interval};

/// The table.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct HttpConfig {
    /// Most connections at a time.
    pub connections_max: usize,
    /// Most connections of one address at a time. Left out: 128 of another machine.
    pub connections_per_address_max: Option<usize>,
    /// Most bytes of a request's first line and headers, from 4 KiB to 1 MiB.
    pub header_bytes_max: usize,
    /// Longest time the headers of a request may take, and a connection may be idle before.
    pub header_timeout: Interval,
    /// Fewest bytes a second of a body, once `body_grace` is over.
    pub body_bytes_per_second_min: u64,
    /// Longest wait for bytes of a body beyond the time that its size allows.
    pub body_grace: Interval,
    /// Longest time a client may take nothing of its answer.
    pub write_timeout: Interval,
    /// Longest time until a question is answered.
    pub answer_timeout: Interval,
    /// Most bytes of answers that are kept to be given again; 0 keeps none.
    pub answers_bytes_max: u64,
    /// Requests a second that one caller may keep up: a key, or an address without one. Left out: 500, and any number
    /// from this machine without a key.
    pub requests_per_second: Option<u32>,
    /// Requests that one caller may send at once before that counts.
    pub requests_burst: u32,
    /// Origins of pages elsewhere that may ask from a browser: `https://portal.example.com`.
    pub origins: Vec<String>,
}

impl Default for HttpConfig {
    fn default() -> Self {
        let seconds = |seconds| Interval(Duration::from_secs(seconds));
        Self {
            connections_max: 1_024,
            connections_per_address_max: None,
            header_bytes_max: 64 << 10,
            header_timeout: seconds(10),
            body_bytes_per_second_min: 8 << 10,
            body_grace: seconds(10),
            write_timeout: seconds(60),
            answer_timeout: seconds(60),
            answers_bytes_max: 16 << 20,
            requests_per_second: None,
            requests_burst: 1_000,
            origins: Vec::new(),
        }
    }
}

impl HttpConfig {
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        let counts = [
            ("connections_max", self.connections_max),
            ("connections_per_address_max", self.connections_per_address_max.unwrap_or(1)),
            ("requests_per_second", usize::try_from(self.requests_per_second.unwrap_or(1)).unwrap_or(1)),
            ("requests_burst", usize::try_from(self.requests_burst).unwrap_or(1)),
            ("body_bytes_per_second_min", usize::try_from(self.body_bytes_per_second_min).unwrap_or(1)),
        ];
        if let Some((name, _)) = counts.into_iter().find(|(_, count)| *count == 0) {
            return Err(wrong(name, "is 0", "with none, nobody could ask; leave it out for the default"));
        }
        if !(4 << 10..=1 << 20).contains(&self.header_bytes_max) {
            return Err(wrong("header_bytes_max", "is not from 4096 to 1048576", "64 KiB do for every browser"));
        }
        match self.origins.iter().find(|origin| !is_origin(origin)) {
            Some(odd) => {
                Err(wrong("origins", &format!("has `{odd}`, which is no origin"), "write `https://host[:port]`"))
            }
            None => Ok(()),
        }
    }
}

fn is_origin(text: &str) -> bool {
    Url::parse(text).is_ok_and(|url| url.origin().is_tuple() && url.origin().ascii_serialization() == text)
}

fn wrong(name: &str, what: &str, hint: &str) -> ConfigError {
    ConfigError::Wrong { place: format!("`{name}` of `[http]`"), what: what.to_owned(), hint: hint.to_owned() }
}

//! Who is let in to ask at all: within the size of headers, and not too often.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::extract::{ConnectInfo, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::rate::{Allowances, Caller, Left};
use crate::config::HttpConfig;
use crate::http::problem::Problem;

/// Requests a second of one caller when nothing is said.
const REQUESTS_PER_SECOND: u32 = 500;
/// What a refused key costs the address it came from, in requests: guessing ends soon.
const REFUSAL_COST: u32 = 100;
/// Senders there do not send again what was turned away.
const NEVER_LIMITED: &str = "/v1/webhooks/";

/// What is needed to let someone in.
pub(super) struct Door {
    header_bytes_max: usize,
    allowances: Allowances,
    /// Whether those on this machine without a key are let in however often they ask.
    spares_this_machine: bool,
}

impl Door {
    pub(super) fn new(config: &HttpConfig) -> Self {
        let per_second = config.requests_per_second.unwrap_or(REQUESTS_PER_SECOND);
        Self {
            header_bytes_max: config.header_bytes_max,
            allowances: Allowances::new(per_second, config.requests_burst),
            spares_this_machine: config.requests_per_second.is_none(),
        }
    }

    /// What is left to the caller, where that is counted.
    fn let_in(&self, request: &Request, address: IpAddr) -> Result<Option<Left>, Problem> {
        self.headers_fit(request)?;
        if request.uri().path().starts_with(NEVER_LIMITED) {
            return Ok(None);
        }
        let (at, key, now) = (Caller::at(address), key(request.headers()), Instant::now());
        let is_spared = self.is_spared(address);
        if is_spared && key.is_none() {
            return Ok(None);
        }
        let too_often = |wait| too_often(&self.allowances, wait);
        let caller = match key {
            Some(key) => {
                // Whoever tried many keys is not let in with another.
                if !is_spared {
                    self.allowances.take(&at, 0, now).map_err(too_often)?;
                }
                key
            }
            None => at,
        };
        self.allowances.take(&caller, 1, now).map(Some).map_err(too_often)
    }

    fn is_spared(&self, address: IpAddr) -> bool {
        self.spares_this_machine && address.to_canonical().is_loopback()
    }

    fn headers_fit(&self, request: &Request) -> Result<(), Problem> {
        let line = request.uri().path_and_query().map_or(0, |path| path.as_str().len());
        let headers: usize = request.headers().iter().map(|(name, value)| name.as_str().len() + value.len() + 4).sum();
        if line + headers <= self.header_bytes_max {
            return Ok(());
        }
        let most = self.header_bytes_max;
        let detail = format!("path and headers hold at most {most} bytes (`header_bytes_max` of `[http]`)");
        Err(Problem::new(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, detail).hint("send fewer cookies and headers"))
    }
}

/// Lets a request in, or says why not.
pub(super) async fn admit(
    State(door): State<Arc<Door>>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    request: Request,
    next: Next,
) -> Response {
    let left = match door.let_in(&request, peer.ip()) {
        Ok(left) => left,
        Err(problem) => return problem.into_response(),
    };
    let had_key = request.headers().contains_key(header::AUTHORIZATION);
    let mut response = next.run(request).await;
    if response.status() == StatusCode::UNAUTHORIZED && had_key && !door.is_spared(peer.ip()) {
        door.allowances.charge(&Caller::at(peer.ip()), REFUSAL_COST, Instant::now());
    }
    if let Some(left) = left {
        tell(response.headers_mut(), door.allowances.burst, left);
    }
    response
}

/// The public part of a key of ours.
fn key(headers: &HeaderMap) -> Option<Caller> {
    let (_, key) = text(headers, &header::AUTHORIZATION)?.split_once(' ')?;
    let (id, _) = key.trim().strip_prefix("weir_")?.split_once('_')?;
    Some(Caller::Key(id.get(..32).unwrap_or(id).to_owned()))
}

fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

fn too_often(allowances: &Allowances, wait: Duration) -> Problem {
    let detail = format!("too many requests: at most {} at once", allowances.burst);
    let hint = "wait as long as `Retry-After` says; `requests_per_second` and `requests_burst` of `[http]` allow more";
    Problem { retry_after_s: Some(seconds(wait)), ..Problem::new(StatusCode::TOO_MANY_REQUESTS, detail).hint(hint) }
}

fn tell(headers: &mut HeaderMap, burst: u32, left: Left) {
    let told = [
        ("ratelimit-limit", u64::from(burst)),
        ("ratelimit-remaining", u64::from(left.requests)),
        ("ratelimit-reset", seconds(left.whole_in)),
    ];
    for (name, value) in told {
        headers.insert(HeaderName::from_static(name), HeaderValue::from(value));
    }
}

/// Whole seconds, never fewer than needed.
fn seconds(time: Duration) -> u64 {
    time.as_secs() + u64::from(time.subsec_nanos() > 0)
}

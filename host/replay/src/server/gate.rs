//! What every request passes: recorder, faults, token, quota; and what every answer gets: headers, links, a tag.

use std::collections::BTreeMap;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Query as Params, Request, State};
use axum::http::{HeaderMap, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use jiff::Timestamp;
use serde_json::json;

use super::faults::{Fault, Faults};
use super::live::Delivery;
use super::recorder::{Recorder, Seen};
use super::{Options, TOKEN, Webhooks, lock};
use crate::company::{Company, Happening};
use crate::github::{Answer, Hook, Query, Roots, answer, hooks};
use crate::time::{HOUR, SECOND};

const CHAT_BYTES_MAX: usize = 1024 * 1024;
const DOCUMENTATION: &str = "https://docs.github.com/rest";

#[derive(Debug)]
pub(super) struct Gate {
    company: RwLock<Company>,
    pub(super) roots: Roots,
    pub(super) recorder: Recorder,
    pub(super) faults: Mutex<Faults>,
    pub(super) chat: Mutex<Vec<String>>,
    pub(super) webhooks: Option<Webhooks>,
    pub(super) deliveries: Mutex<Vec<Delivery>>,
    n_requests: AtomicU64,
    quota: Mutex<Quota>,
    remembered: Option<Mutex<BTreeMap<String, Written>>>,
}

/// Requests left in the current hour.
#[derive(Debug)]
struct Quota {
    limit: u32,
    used: u32,
    resets_at: i64,
}

/// An answer as bytes.
#[derive(Debug, Clone)]
struct Written {
    status: u16,
    etag: String,
    links: Option<String>,
    body: Bytes,
}

/// The wall clock, here and nowhere else in this crate.
pub(super) fn now_ms() -> i64 {
    Timestamp::now().as_millisecond()
}

impl Gate {
    pub(super) fn new(company: Company, roots: Roots, options: Options) -> Self {
        Self {
            company: RwLock::new(company),
            roots,
            recorder: Recorder::default(),
            faults: Mutex::new(options.faults),
            chat: Mutex::default(),
            webhooks: options.webhooks,
            deliveries: Mutex::default(),
            n_requests: AtomicU64::new(0),
            quota: Mutex::new(Quota { limit: options.quota, used: 0, resets_at: now_ms() + HOUR }),
            remembered: options.remember.then(Mutex::default),
        }
    }

    pub(super) fn company(&self) -> RwLockReadGuard<'_, Company> {
        self.company.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// The company, to change it; what was remembered of it is forgotten.
    pub(super) fn company_mut(&self) -> RwLockWriteGuard<'_, Company> {
        let company = self.company.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(remembered) = &self.remembered {
            lock(remembered).clear();
        }
        company
    }

    /// The webhooks of `happenings`, when somebody wants them.
    pub(super) fn hooks(&self, company: &Company, happenings: &[Happening]) -> Vec<Hook> {
        if self.webhooks.is_some() { hooks(company, &self.roots, happenings) } else { Vec::new() }
    }

    fn written(&self, uri: &Uri) -> Written {
        let key = uri.to_string();
        let remembered = self.remembered.as_ref().and_then(|remembered| lock(remembered).get(&key).cloned());
        remembered.unwrap_or_else(|| {
            let written = self.write(uri);
            if let Some(remembered) = &self.remembered {
                lock(remembered).insert(key, written.clone());
            }
            written
        })
    }

    fn write(&self, uri: &Uri) -> Written {
        let query =
            Params::<BTreeMap<String, String>>::try_from_uri(uri).map(|params| Query(params.0)).unwrap_or_default();
        let company = self.company();
        match self.answer_own(uri.path()).unwrap_or_else(|| answer(&company, &self.roots, uri.path(), &query)) {
            Answer::One(value) => Written::new(200, value.to_string(), None),
            Answer::List(value, page) => {
                let url = format!("{}{}", self.roots.api, Self::numbered(&company, uri.path()));
                Written::new(200, value.to_string(), page.links(&url, uri.query().unwrap_or_default()))
            }
            Answer::Refused(status, message) => Written::refused(status, &message),
        }
    }

    /// What is not the company's but the server's own.
    fn answer_own(&self, path: &str) -> Option<Answer> {
        match path {
            "/rate_limit" => Some(Answer::One(lock(&self.quota).document())),
            "/app/hook/deliveries" => {
                let newest_first = lock(&self.deliveries).iter().rev().take(100).map(Delivery::document).collect();
                Some(Answer::One(newest_first))
            }
            _ => None,
        }
    }

    /// `/repos/owner/name/...` as `/repositories/id/...`, which is how GitHub's links name it.
    fn numbered(company: &Company, path: &str) -> String {
        let mut parts = path.splitn(5, '/').skip(1);
        let (Some("repos"), Some(owner), Some(name)) = (parts.next(), parts.next(), parts.next()) else {
            return path.to_owned();
        };
        let found = company.find(&format!("{owner}/{name}")).map(|at| company.repository(at).id);
        match (found, parts.next()) {
            (Some(id), Some(rest)) => format!("/repositories/{id}/{rest}"),
            _ => path.to_owned(),
        }
    }

    /// Why a request is turned away before anything is looked up.
    fn refuse(&self, method: &Method, headers: &HeaderMap) -> Option<Written> {
        let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
        if text(header::USER_AGENT).is_none_or(str::is_empty) {
            return Some(Written::refused(
                403,
                "Request forbidden by administrative rules. Please make sure your request has a User-Agent header",
            ));
        }
        let token = text(header::AUTHORIZATION).and_then(|value| value.split_once(' '));
        match token {
            None => return Some(Written::refused(401, "Requires authentication")),
            Some((scheme, token)) => {
                let known = scheme.eq_ignore_ascii_case("bearer") || scheme.eq_ignore_ascii_case("token");
                if !known || token != TOKEN {
                    return Some(Written::refused(401, "Bad credentials"));
                }
            }
        }
        if method != Method::GET && method != Method::HEAD {
            return Some(Written::refused(404, "Not Found"));
        }
        lock(&self.quota)
            .is_spent(now_ms())
            .then(|| Written::refused(403, "API rate limit exceeded for user ID 990001."))
    }
}

/// Answers one request.
pub(super) async fn handle(State(gate): State<Arc<Gate>>, request: Request) -> Response {
    let number = gate.n_requests.fetch_add(1, Ordering::Relaxed) + 1;
    let (parts, body) = request.into_parts();
    let path = parts.uri.path_and_query().map_or("/", |path| path.as_str()).to_owned();
    let fault = lock(&gate.faults).draw(number, &path);
    if let Some(Fault::Slow(delay)) = fault {
        tokio::time::sleep(delay).await;
    }
    let is_chat = parts.method == Method::POST && parts.uri.path() == "/chat";
    let response = match fault {
        Some(Fault::Throttled { status, retry_after_s }) => throttled(status, retry_after_s),
        Some(Fault::Status(status)) => page_of_html(status),
        Some(Fault::NotJson) => page_of_html(200),
        Some(Fault::OtherJson) => axum::Json(serde_json::json!({ "error": "upstream is busy" })).into_response(),
        _ if is_chat => take_message(&gate, body).await,
        Some(Fault::Closed | Fault::Truncated | Fault::Slow(_)) | None => {
            respond(&gate, &parts.method, &parts.uri, &parts.headers, fault)
        }
    };
    let (method, status) = (parts.method.to_string(), response.status().as_u16());
    gate.recorder.record(Seen { number, method, path, status, faulty: fault.is_some() });
    response
}

async fn take_message(gate: &Gate, body: Body) -> Response {
    let Ok(body) = to_bytes(body, CHAT_BYTES_MAX).await else { return page_of_html(413) };
    lock(&gate.chat).push(String::from_utf8_lossy(&body).into_owned());
    build(StatusCode::OK, &[(header::CONTENT_TYPE.as_str(), "application/json")], Body::from(r#"{"ok":true}"#))
}

fn respond(gate: &Gate, method: &Method, uri: &Uri, headers: &HeaderMap, fault: Option<Fault>) -> Response {
    let refused = gate.refuse(method, headers);
    let free = refused.is_some() || uri.path() == "/rate_limit";
    let written = refused.unwrap_or_else(|| gate.written(uri));
    let known = headers.get(header::IF_NONE_MATCH).and_then(|value| value.to_str().ok());
    let unchanged = written.status == 200 && known.is_some_and(|known| matches_any(known, &written.etag));
    let quota = lock(&gate.quota).charge(u32::from(!free && !unchanged));
    let status = if unchanged { 304 } else { written.status };
    let mut fields = vec![
        ("content-type", "application/json; charset=utf-8".to_owned()),
        ("x-github-media-type", "github.v3; format=json".to_owned()),
        ("x-github-request-id", format!("{:04X}:{status}", written.body.len())),
    ];
    fields.extend(quota);
    if written.status == 200 {
        fields.push(("etag", written.etag.clone()));
        fields.push(("cache-control", "private, max-age=60, s-maxage=60".to_owned()));
    }
    fields.extend(written.links.clone().map(|links| ("link", links)));
    let body = match fault {
        _ if unchanged => Body::empty(),
        Some(Fault::Truncated) => Body::from(written.body.slice(..written.body.len() / 2)),
        Some(Fault::Closed) => {
            fields.push(("content-length", written.body.len().to_string()));
            closing(written.body.slice(..written.body.len() / 2))
        }
        _ => Body::from(written.body),
    };
    let fields: Vec<_> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
    build(StatusCode::from_u16(status).unwrap_or_default(), &fields, body)
}

/// A body that breaks off after `sent`. The pause lets what was sent leave first.
fn closing(sent: Bytes) -> Body {
    let parts = stream::unfold(Some(sent), |sent| async move {
        match sent {
            Some(sent) if !sent.is_empty() => Some((Ok(sent), Some(Bytes::new()))),
            _ => {
                tokio::task::yield_now().await;
                Some((Err(io::Error::from(io::ErrorKind::ConnectionReset)), None))
            }
        }
    });
    Body::from_stream(parts)
}

fn throttled(status: u16, retry_after_s: u64) -> Response {
    let written = Written::refused(
        status,
        "You have exceeded a secondary rate limit. Please wait a few minutes before you try again.",
    );
    let fields = [("content-type", "application/json; charset=utf-8"), ("retry-after", &retry_after_s.to_string())];
    build(StatusCode::from_u16(status).unwrap_or_default(), &fields, Body::from(written.body))
}

fn page_of_html(status: u16) -> Response {
    let page = "<!DOCTYPE html><html><body><p>This page is taking too long to load.</p></body></html>";
    let status = StatusCode::from_u16(status).unwrap_or_default();
    build(status, &[("content-type", "text/html; charset=utf-8")], Body::from(page))
}

fn build(status: StatusCode, fields: &[(&str, &str)], body: Body) -> Response {
    let builder = Response::builder().status(status).header("server", "github.com");
    let builder = fields.iter().fold(builder, |builder, (name, value)| builder.header(*name, *value));
    builder.body(body).expect("header names are constants and values are printable")
}

/// True when one of the tags in `If-None-Match` is `etag`; weak comparison, as the standard asks for.
fn matches_any(known: &str, etag: &str) -> bool {
    let strong = |tag: &str| tag.trim().trim_start_matches("W/").to_owned();
    known.split(',').any(|tag| tag.trim() == "*" || strong(tag) == strong(etag))
}

impl Written {
    fn new(status: u16, body: String, links: Option<String>) -> Self {
        // FNV-1a: the tag must change with the body and needs no more than that.
        let mix = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        let hash = body.as_bytes().iter().fold(0xcbf2_9ce4_8422_2325, mix);
        Self { status, etag: format!("W/\"{hash:016x}\""), links, body: Bytes::from(body) }
    }

    fn refused(status: u16, message: &str) -> Self {
        let body = json!({"message": message, "documentation_url": DOCUMENTATION, "status": status.to_string()});
        Self::new(status, body.to_string(), None)
    }
}

impl Quota {
    fn is_spent(&mut self, now: i64) -> bool {
        if now >= self.resets_at {
            (self.used, self.resets_at) = (0, now + HOUR);
        }
        self.used >= self.limit
    }

    /// Takes `cost` and tells what is left, as headers.
    fn charge(&mut self, cost: u32) -> [(&'static str, String); 5] {
        self.used += cost;
        [
            ("x-ratelimit-limit", self.limit.to_string()),
            ("x-ratelimit-remaining", self.remaining().to_string()),
            ("x-ratelimit-reset", (self.resets_at / SECOND).to_string()),
            ("x-ratelimit-used", self.used.to_string()),
            ("x-ratelimit-resource", "core".to_owned()),
        ]
    }

    fn remaining(&self) -> u32 {
        self.limit.saturating_sub(self.used)
    }

    fn document(&self) -> serde_json::Value {
        let core = json!({
            "limit": self.limit, "used": self.used, "remaining": self.remaining(), "reset": self.resets_at / SECOND,
        });
        json!({"resources": {"core": core}, "rate": core})
    }
}

//! One attempt: the request and its redirects. Every hop is checked anew, and the credential stays behind when
//! the origin changes.

use http::header::LOCATION;
use http::{Request, StatusCode};
use http_body_util::Full;
use tokio::time::Instant;
use url::Url;
use weir_sandbox::HttpError;

use super::connection::Core;
use super::plan::{Plan, method};
use super::secret::Secret;
use super::stats;
use super::target::{check_segments, has_user};
use super::wire::{Again, Failed, Received};

const REDIRECTS_MAX: usize = 5;

/// Sends `plan` and follows its redirects; `token` is the fetched credential where one is fetched.
pub(crate) async fn follow(
    core: &Core,
    plan: &Plan,
    token: Option<&Secret>,
    deadline: Instant,
) -> Result<Received, Failed> {
    let mut url = plan.url.clone();
    let mut is_trusted = core.grant.trusts(&url.origin());
    for _ in 0..=REDIRECTS_MAX {
        let request = hop(core, plan, &url, is_trusted, token)?;
        stats::add(&core.counters.requests, 1);
        let received = core.wire.send(request, deadline, plan.bytes_max).await?;
        stats::add(&core.counters.bytes, received.body.len() as u64);
        let Some(next) = redirect(core, plan, &url, &received).map_err(never)? else { return Ok(received) };
        is_trusted &= next.origin() == url.origin();
        url = next;
    }
    Err(never(HttpError::Protocol(format!("more than {REDIRECTS_MAX} redirects"))))
}

fn never(error: HttpError) -> Failed {
    Failed { error, again: Again::Never }
}

fn hop(
    core: &Core,
    plan: &Plan,
    url: &Url,
    is_trusted: bool,
    token: Option<&Secret>,
) -> Result<Request<Full<bytes::Bytes>>, Failed> {
    let mut url = url.clone();
    let mut headers = plan.headers.clone();
    if is_trusted {
        add_base_query(core, &mut url);
        core.credential.add(&mut url, &mut headers, token, &plan.body, core.clock.now());
        core.credential.sign(plan.method, &mut url, core.clock.now());
    }
    let request = Request::builder().method(method(plan.method)).uri(url.as_str()).body(Full::new(plan.body.clone()));
    let mut request = request.map_err(|_| never(HttpError::Denied("target is no valid URI".to_owned())))?;
    *request.headers_mut() = headers;
    Ok(request)
}

fn add_base_query(core: &Core, url: &mut Url) {
    let Some(base) = core.base.query() else { return };
    if url.origin() == core.base.url().origin() {
        let query = url.query().map_or_else(|| base.expose().to_owned(), |query| format!("{query}&{}", base.expose()));
        url.set_query(Some(&query));
    }
}

/// Where `received` redirects to; none when it is the answer.
fn redirect(core: &Core, plan: &Plan, from: &Url, received: &Received) -> Result<Option<Url>, HttpError> {
    let redirects = matches!(
        received.status,
        StatusCode::MOVED_PERMANENTLY
            | StatusCode::FOUND
            | StatusCode::SEE_OTHER
            | StatusCode::TEMPORARY_REDIRECT
            | StatusCode::PERMANENT_REDIRECT
    );
    let Some(location) = received.headers.get(LOCATION).filter(|_| redirects && plan.is_reading()) else {
        return Ok(None);
    };
    let text = location.to_str().map_err(|_| HttpError::Protocol("redirect is malformed".to_owned()))?;
    let mut next = from.join(text).map_err(|_| HttpError::Protocol("redirect is malformed".to_owned()))?;
    next.set_fragment(None);
    check(core, plan, from, &next).map_err(|rule| HttpError::Denied(rule.to_owned()))?;
    Ok(Some(next))
}

fn check(core: &Core, plan: &Plan, from: &Url, next: &Url) -> Result<(), &'static str> {
    match (from.scheme(), next.scheme()) {
        (_, "https") | ("http", "http") => {}
        ("https", "http") => return Err("redirect leads from https to http"),
        _ => return Err("redirect leads to another scheme"),
    }
    if has_user(next) {
        return Err("redirect holds a user");
    }
    let origin = next.origin();
    if origin != from.origin() && core.mask.text(next.as_str()) != next.as_str() {
        return Err("redirect carries the credential to another origin");
    }
    let belongs = origin == core.base.url().origin() || core.grant.origins.contains(&origin);
    if !belongs {
        return Ok(());
    }
    check_segments(next.path())?;
    let is_granted = core.grant.allows(plan.method, core.base.granted_path(next));
    is_granted.then_some(()).ok_or("redirect leads to a path that is not granted")
}

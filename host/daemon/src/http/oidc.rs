//! Logging in at a provider: a browser is sent there, comes back, and has a session. What goes wrong is told by the page,
//! in one word, and by the audit log, in full.

use axum::extract::State;
use axum::http::request::Parts;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;

use super::Shared;
use super::auth::{self, Caller};
use super::describe::{Gives, Operation};
use super::extract::Query;
use super::problem::Problem;
use super::session::{busy, cookie, enter, network, person, with_cookie};
use crate::access::{Admission, NotAdmitted, Provided, User, admit, list_users};
use crate::audit::{Actor, Note, Outcome, note};
use crate::error::Fault;
use crate::oidc::{Denied, LASTS_MS, Oidc, Returned};
use crate::{clock, intake};

/// Where a browser begins.
pub(super) const START: &str = "/v1/login/oidc";
/// Who is named in the audit log while nobody is known, and for what the provider has us do.
const ACTOR: &str = "oidc";
/// Longest address to return to, in bytes.
const RETURN_BYTES_MAX: usize = 2_048;

#[derive(Deserialize, JsonSchema)]
pub(super) struct Start {
    /// Where the page goes on: `#/...`.
    return_to: Option<String>,
}

/// Sends a browser elsewhere.
pub(super) struct Sent(Response);

impl IntoResponse for Sent {
    fn into_response(self) -> Response {
        self.0
    }
}

impl Gives for Sent {
    fn tell(operation: &mut Operation<'_>) {
        operation.answer("303", "Where to go on", []);
    }
}

/// Sends a browser to the provider.
pub(super) async fn start(
    State(host): State<Shared>,
    caller: Caller,
    Query(asked): Query<Start>,
) -> Result<Sent, Problem> {
    let oidc = configured(&host)?;
    match oidc.begin(asked.return_to.filter(|place| is_of_page(place)), clock::now()).await {
        Ok((place, text)) => {
            let secure = auth::is_secure(&caller.0, &host);
            let cookie = cookie(cookie_name(secure), secure, &text, LASTS_MS / 1_000);
            Ok(Sent(with_cookie(sent_to(place.as_str())?, &cookie)))
        }
        Err(fault) => told(&host, &caller.0, None, &fault.into()).await.map(Sent),
    }
}

/// Takes a browser back from the provider. Those who try often wait, as with passwords.
pub(super) async fn end(
    State(host): State<Shared>,
    caller: Caller,
    Query(returned): Query<Returned>,
) -> Result<Sent, Problem> {
    let (oidc, now) = (configured(&host)?, clock::now());
    let address = network(auth::address(&caller.0, &host));
    let attempt = host.access.throttle.begin(&address, &format!("{ACTOR} {address}"), now).ok_or_else(busy)?;
    tokio::time::sleep(attempt.delay).await;
    let secure = auth::is_secure(&caller.0, &host);
    let held = auth::sent_cookie(&caller.0, cookie_name(secure));
    let came = oidc.end(returned, held, clock::now()).await;
    let who = came.as_ref().ok().map(|(provided, _)| provided.name.to_lowercase());
    // Until the session has begun nobody else changes users, else what an administrator does meanwhile would be undone.
    let turn = host.turn("users");
    let _turn = turn.lock().await;
    let entered = match came {
        Ok((provided, return_to)) => admitted(&host, provided).await.map(|user| (user, return_to)),
        Err(denied) => Err(denied),
    };
    let answer = match entered {
        Ok((user, return_to)) => {
            attempt.succeeded();
            noted(&host, &user.name, person(format!("user:{}", user.name), &caller.0, &host), None).await?;
            let (_, session) = enter(&host, user, &caller.0).await?;
            with_cookie(sent_to(&home(&host, return_to.as_deref().unwrap_or("#/")))?, &session)
        }
        Err(denied) => {
            attempt.failed(clock::now());
            told(&host, &caller.0, who.as_deref(), &denied).await?
        }
    };
    Ok(Sent(with_cookie(answer, &cookie(cookie_name(secure), secure, "", 0))))
}

/// The user of somebody the provider vouches for, made or changed as it says.
async fn admitted(host: &Shared, provided: Provided) -> Result<User, Denied> {
    let (user, action, denied) = match admit(&list_users(&host.account)?, provided)? {
        Admission::Known(user) => return Ok(user),
        Admission::Made(user) => (user, "user.create", None),
        Admission::Changed(user) => (user, "user.change", None),
        Admission::Ended(user, denied) => (user, "user.change", Some(denied)),
    };
    intake::keep(&host.account, vec![user.put()]).await?;
    let is_now = denied.as_ref().map_or_else(|| json!(user.shown()), |denied: &NotAdmitted| json!(denied.to_string()));
    note(&host.account, Note::new(action).by(Actor::host(ACTOR)).about(user.name.as_str()).after(is_now)).await?;
    denied.map_or(Ok(user), |denied| Err(denied.into()))
}

/// Notes why somebody is not let in, and has the page say it.
async fn told(host: &Shared, parts: &Parts, who: Option<&str>, denied: &Denied) -> Result<Response, Problem> {
    let actor = who.map_or_else(|| ACTOR.to_owned(), |name| format!("user:{name}"));
    noted(host, who.unwrap_or_default(), person(actor, parts, host), Some(denied)).await?;
    Ok(sent_to(&home(host, &format!("#/login?error={}", denied.word())))?)
}

async fn noted(host: &Shared, name: &str, person: Actor, denied: Option<&Denied>) -> Result<(), Fault> {
    let outcome = match denied {
        None => Outcome::Done,
        Some(Denied::Broken(_)) => Outcome::Failed,
        Some(_) => Outcome::Refused,
    };
    let reason = denied.map(ToString::to_string);
    let told = json!({ "by": "oidc", "reason": reason });
    note(&host.account, Note::new("session.begin").by(person).about(name).after(told).outcome(outcome)).await
}

/// Whether it is an address of the page: what follows `#` leads nowhere else.
fn is_of_page(place: &str) -> bool {
    place.starts_with("#/") && place.len() <= RETURN_BYTES_MAX && place.bytes().all(|byte| byte.is_ascii_graphic())
}

/// An address of the page, as people reach it.
fn home(host: &Shared, fragment: &str) -> String {
    let base = host.config.access.public_url.as_deref().unwrap_or_default().trim_end_matches('/');
    format!("{base}/{fragment}")
}

fn sent_to(place: &str) -> Result<Response, Fault> {
    let place = HeaderValue::from_str(place).map_err(|error| Fault::host("no address to go to").caused_by(error))?;
    let headers = [(header::LOCATION, place), (header::CACHE_CONTROL, HeaderValue::from_static("no-store"))];
    Ok((StatusCode::SEE_OTHER, headers).into_response())
}

/// Name of the cookie of a log-in under way.
fn cookie_name(secure: bool) -> &'static str {
    if secure { "__Host-weir-login" } else { "weir-login" }
}

fn configured(host: &Shared) -> Result<&Oidc, Problem> {
    host.oidc.as_ref().ok_or_else(|| {
        Problem::not_found("people do not log in at a provider here")
            .hint("`[access.oidc]` names one; see docs/ACCESS.md")
    })
}

//! Logging in and out, who one is, and the links by which people set their first password.

use std::collections::BTreeSet;
use std::net::IpAddr;

use axum::Json;
use axum::extract::State;
use axum::http::request::Parts;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, NoContent, Response};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use weir_model::Timestamp;

use super::Shared;
use super::answer::Written;
use super::auth::{self, Caller};
use super::describe::{Gives, Operation};
use super::extract::{Query, Said};
use super::problem::Problem;
use crate::access::{self, Permissions, Principal, Role, User, Who, session};
use crate::audit::{Actor, Outcome};
use crate::error::Fault;
use crate::{clock, intake};

/// Who asks.
pub(super) async fn show(State(host): State<Shared>, caller: Caller) -> Result<Written<Session>, Problem> {
    match auth::resolve(&caller.0, &host) {
        Ok(principal) => Ok(Written::new(Json(told(&host, &principal)?))),
        Err(refusal) => {
            let mut problem = json!(Problem::from(refusal));
            problem["login"] = json!(["password"]);
            if let Some(oidc) = &host.oidc {
                problem["login"] = json!(["password", "oidc"]);
                problem["oidc"] = json!({ "title": oidc.config().shown_title(), "path": super::oidc::START });
            }
            problem["welcome"] = json!(access::lacks_administrator(&host.account)?);
            let kind = [(header::CONTENT_TYPE, "application/problem+json")];
            Ok(Written::new((StatusCode::UNAUTHORIZED, kind, problem.to_string())))
        }
    }
}

/// Who one is.
#[derive(Serialize, JsonSchema)]
pub(super) struct Session {
    /// `user`, `key`, `command` of the host's user, or `machine` for whoever is on it.
    kind: &'static str,
    name: String,
    /// Name to show.
    title: Option<String>,
    role: Option<Role>,
    /// Names of teams one is limited to.
    teams: BTreeSet<String>,
    /// Projects one is limited to.
    projects: BTreeSet<String>,
    /// Whether there is any limit.
    limited: bool,
    permissions: Permissions,
    /// What is sent as `X-Weir-Token` with every change.
    token: Option<String>,
    /// When the session ends.
    expires_at: Option<Timestamp>,
    /// Whether one has a password here.
    password: bool,
}

/// What is told of a principal.
fn told(host: &Shared, principal: &Principal) -> Result<Session, Fault> {
    let (kind, session, name) = match &principal.who {
        Who::User { name, session } => ("user", Some(session), name.as_str()),
        Who::Key { name, .. } => ("key", None, name.as_str()),
        Who::Command => ("command", None, "command"),
        Who::Machine => ("machine", None, "machine"),
    };
    let user = if session.is_some() { access::find_user(&host.account, name)? } else { None };
    Ok(Session {
        kind,
        name: name.to_owned(),
        title: user.as_ref().and_then(|user| user.title.clone()),
        role: principal.role,
        teams: principal.limits.teams.clone(),
        projects: principal.limits.projects.clone(),
        limited: principal.limits.any(),
        permissions: principal.permissions.clone(),
        token: session.map(|session| host.access.token(session)),
        expires_at: principal.expires_at,
        password: user.is_some_and(|user| user.has_password()),
    })
}

/// Name and password.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct LogIn {
    name: String,
    password: String,
}

/// Logs in.
pub(super) async fn log_in(
    State(host): State<Shared>,
    caller: Caller,
    Said(LogIn { name, password }): Said<LogIn>,
) -> Result<Written<Session>, Problem> {
    auth::own_origin(&caller.0)?;
    let name = name.trim().to_lowercase();
    let address = network(auth::address(&caller.0, &host));
    let person = person(format!("user:{name}"), &caller.0, &host);
    let attempt = host.access.throttle.begin(&address, &name, clock::now()).ok_or_else(busy)?;
    tokio::time::sleep(attempt.delay).await;
    let user = access::find_user(&host.account, &name)?;
    let (user, right) = verify(&host, user, password).await?;
    let Some(user) = user.filter(|_| right) else {
        attempt.failed(clock::now());
        access::audit(&host, person, "session.begin", &name, Outcome::Refused).await?;
        return Err(Problem::new(StatusCode::UNAUTHORIZED, "name and password do not fit")
            .hint("an administrator can make a link for another password: `weir user password NAME`"));
    };
    attempt.succeeded();
    access::audit(&host, person, "session.begin", &name, Outcome::Done).await?;
    begin(&host, user, &caller.0).await
}

/// Too many attempts wait already.
pub(super) fn busy() -> Problem {
    let problem = Problem::new(StatusCode::TOO_MANY_REQUESTS, "too many log-ins of this address are under way");
    Problem { retry_after_s: Some(10), ..problem.hint("wait a little") }
}

/// Off the threads that serve connections, and not more at a time than there is memory for.
async fn verify(host: &Shared, user: Option<User>, password: String) -> Result<(Option<User>, bool), Problem> {
    let failed = || Fault::host("the password was not checked");
    let _turn = host.access.hashing.acquire().await.map_err(|error| failed().caused_by(error))?;
    let work = tokio::task::spawn_blocking(move || {
        let right = access::verified(user.as_ref(), &password);
        (user, right)
    });
    Ok(work.await.map_err(|error| failed().caused_by(error))?)
}

/// The hash of a password that is long enough.
pub(super) async fn hash(host: &Shared, password: String) -> Result<String, Problem> {
    access::check_password(&password)?;
    let failed = || Fault::host("the password was not hashed");
    let _turn = host.access.hashing.acquire().await.map_err(|error| failed().caused_by(error))?;
    let work = tokio::task::spawn_blocking(move || access::hashed(&password));
    Ok(work.await.map_err(|error| failed().caused_by(error))??)
}

/// Begins a session of a user, and tells who they are.
async fn begin(host: &Shared, user: User, parts: &Parts) -> Result<Written<Session>, Problem> {
    let (principal, cookie) = enter(host, user, parts).await?;
    Ok(Written::new(with_cookie(Json(told(host, &principal)?).into_response(), &cookie)))
}

/// Begins a session of a user, who is kept with it; the cookie is that of the session.
pub(super) async fn enter(host: &Shared, mut user: User, parts: &Parts) -> Result<(Principal, String), Fault> {
    user.last_login_at = Some(clock::now());
    let (text, mut puts) = session::begin(&host.account, &user, host.config.access.lasting())?;
    puts.push(user.put());
    intake::keep(&host.account, puts).await?;
    let held = host.access.session(&host.account, &text, host.config.access.lasting());
    let held = held.ok_or_else(|| Fault::host("the session did not begin"))?;
    let ends_in_s = held.expires_at.since(clock::now()).map_or(0, |left| left.0 / 1_000);
    let secure = auth::is_secure(parts, host);
    Ok((auth::of_session(held), cookie(auth::cookie_name(secure), secure, &text, ends_in_s)))
}

/// Logs out. Who has no session has nothing to end.
pub(super) async fn log_out(
    State(host): State<Shared>,
    principal: Principal,
    caller: Caller,
) -> Result<LoggedOut, Problem> {
    if let Who::User { session, name } = &principal.who {
        intake::keep(&host.account, vec![session::end(session)]).await?;
        access::audit(&host, &principal, "session.end", name, Outcome::Done).await?;
    }
    let secure = auth::is_secure(&caller.0, &host);
    let gone = cookie(auth::cookie_name(secure), secure, "", 0);
    Ok(LoggedOut(gone))
}

/// The cookie that takes the place of that of the session.
pub(super) struct LoggedOut(String);

impl IntoResponse for LoggedOut {
    fn into_response(self) -> Response {
        with_cookie(StatusCode::NO_CONTENT.into_response(), &self.0)
    }
}

impl Gives for LoggedOut {
    fn tell(operation: &mut Operation<'_>) {
        NoContent::tell(operation);
    }
}

/// The password one has, and the one that is to be in its place.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewPassword {
    old: String,
    /// At least 12 characters.
    new: String,
}

/// Changes one's own password. Other sessions end, and this one begins anew.
pub(super) async fn change_password(
    State(host): State<Shared>,
    principal: Principal,
    caller: Caller,
    Said(NewPassword { old, new }): Said<NewPassword>,
) -> Result<Written<Session>, Problem> {
    let Who::User { name, session } = &principal.who else {
        return Err(Problem::new(StatusCode::BAD_REQUEST, "nobody is logged in").hint("only users have passwords"));
    };
    let address = network(auth::address(&caller.0, &host));
    let attempt = host.access.throttle.begin(&address, name, clock::now()).ok_or_else(busy)?;
    tokio::time::sleep(attempt.delay).await;
    let (user, right) = verify(&host, access::find_user(&host.account, name)?, old).await?;
    let Some(mut user) = user.filter(|_| right) else {
        attempt.failed(clock::now());
        access::audit(&host, &principal, "user.password", name, Outcome::Refused).await?;
        return Err(Problem::new(StatusCode::FORBIDDEN, "the old password is another one"));
    };
    user.set_password(hash(&host, new).await?);
    intake::keep(&host.account, vec![user.put(), session::end(session)]).await?;
    access::audit(&host, &principal, "user.password", name, Outcome::Done).await?;
    begin(&host, user, &caller.0).await
}

/// Who uses a link.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Welcome {
    /// That of the link.
    token: String,
    /// Name of the first administrator.
    name: Option<String>,
    /// Name to show.
    title: Option<String>,
    /// At least 12 characters.
    password: String,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct WelcomeParams {
    /// That of the link.
    token: String,
}

/// Whom a link is for.
#[derive(Serialize, JsonSchema)]
pub(super) struct Invitation {
    /// Whether they become the first administrator.
    first: bool,
    /// Name of the user; none where they choose it.
    name: Option<String>,
    /// When the link ends.
    expires_at: Timestamp,
}

/// Whom a link is for.
enum Invited {
    /// The first administrator.
    First(Timestamp),
    /// A user without a password.
    User(Box<User>, Timestamp),
}

fn invited(host: &Shared, token: &str) -> Result<Invited, Problem> {
    if let Some(link) = access::first_link(host, token)? {
        return Ok(Invited::First(link));
    }
    for user in access::list_users(&host.account)? {
        if let Some(ends) = user.link(token).map(|link| link.expires_at) {
            return Ok(Invited::User(Box::new(user), ends));
        }
    }
    Err(Problem::new(StatusCode::FORBIDDEN, "the link is used, too old, or none of this host").hint(
        "an administrator makes another one with `weir user password NAME`; the host prints the first at its start",
    ))
}

/// Whom a link is for.
pub(super) async fn invitation(
    State(host): State<Shared>,
    Query(params): Query<WelcomeParams>,
) -> Result<Json<Invitation>, Problem> {
    Ok(Json(match invited(&host, &params.token)? {
        Invited::First(expires_at) => Invitation { first: true, name: None, expires_at },
        Invited::User(user, expires_at) => Invitation { first: false, name: Some(user.name), expires_at },
    }))
}

/// Sets the password of whom a link is for, and logs in.
pub(super) async fn welcome(
    State(host): State<Shared>,
    caller: Caller,
    Said(asked): Said<Welcome>,
) -> Result<Written<Session>, Problem> {
    auth::own_origin(&caller.0)?;
    let turn = host.turn("users");
    let _turn = turn.lock().await;
    let mut user = match invited(&host, &asked.token)? {
        Invited::First(_) => {
            let name = asked.name.as_deref().unwrap_or_default();
            if access::find_user(&host.account, name)?.is_some() {
                return Err(super::users::taken(name));
            }
            User::new(name, access::Role::Administrator)?
        }
        Invited::User(user, _) => *user,
    };
    user.title = asked.title.or(user.title);
    user.set_password(hash(&host, asked.password).await?);
    access::audit(
        &host,
        person(format!("user:{}", user.name), &caller.0, &host),
        "user.welcome",
        &user.name,
        Outcome::Done,
    )
    .await?;
    begin(&host, user, &caller.0).await
}

/// Who is about to be known by a session.
pub(super) fn person(who: impl Into<String>, parts: &Parts, host: &Shared) -> Actor {
    let address = auth::address(parts, host).map_or_else(|| "unknown".to_owned(), |address| address.to_string());
    Actor::new(who, address)
}

/// Addresses of one network count as one where a sender has many.
pub(super) fn network(address: Option<IpAddr>) -> String {
    match address.map(|address| address.to_canonical()) {
        Some(IpAddr::V6(address)) => {
            let [a, b, c, d, ..] = address.segments();
            format!("{a:x}:{b:x}:{c:x}:{d:x}::/64")
        }
        Some(address) => address.to_string(),
        None => "unknown".to_owned(),
    }
}

/// A cookie that no script reads and no page elsewhere has sent along, but for links that lead here.
pub(super) fn cookie(name: &str, secure: bool, text: &str, age_s: u64) -> String {
    let secure = if secure { "; Secure" } else { "" };
    format!("{name}={text}; Path=/; Max-Age={age_s}; HttpOnly; SameSite=Lax{secure}")
}

/// The answer with one more cookie, for nobody else to keep.
pub(super) fn with_cookie(mut response: Response, cookie: &str) -> Response {
    if let Ok(value) = HeaderValue::from_str(cookie) {
        response.headers_mut().append(header::SET_COOKIE, value);
    }
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

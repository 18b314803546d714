//! Who asks: every request is resolved to one [`Principal`], and to no handler before it may.

use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};

use axum::extract::{ConnectInfo, FromRequestParts, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::Response;

use super::Shared;
use super::problem::Problem;
use crate::access::session::Held;
use crate::access::{self, KeyError, Permission, Principal, User, Who, find_key, find_user};
use crate::audit::Outcome;

/// What a route wants of who asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Needs {
    /// Nothing: it tells nothing about anybody.
    Nothing,
    /// A signature of the sender's, which the handler checks.
    Signature,
    /// Somebody who is known.
    Known,
    /// A permission. Who is limited to teams or projects is answered from these.
    Seen(Permission),
    /// A permission, without limits: the answer cannot be parted.
    Whole(Permission),
}

/// Somebody may not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum Refusal {
    /// Nobody is known.
    #[error("logging in or an API key is needed")]
    Unknown,
    /// Bad key.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// A page elsewhere had a browser send it.
    #[error("the request was sent by a page of another origin")]
    Forged,
    /// A change by a session without its token.
    #[error("the header `X-Weir-Token` is missing or of another session")]
    Token,
    /// Not for this.
    #[error("this needs the permission {0:?}")]
    Permission(Permission),
    /// Not for part of it.
    #[error("this is not for those who are limited to teams or projects")]
    Limited,
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        let status = match refusal {
            Refusal::Unknown | Refusal::Key(_) => StatusCode::UNAUTHORIZED,
            Refusal::Forged | Refusal::Token | Refusal::Permission(_) | Refusal::Limited => StatusCode::FORBIDDEN,
        };
        Self::new(status, refusal.to_string()).hint(match refusal {
            Refusal::Unknown | Refusal::Key(_) => {
                "make a key with `weir key create`, send it as `Authorization: Bearer`; or log in"
            }
            Refusal::Forged => "send it from the page of this host, or with an API key",
            Refusal::Token => "send the `token` of GET /v1/session with every change",
            Refusal::Permission(_) => {
                "docs/ACCESS.md says which roles and scopes have it; `weir key create` makes a key"
            }
            Refusal::Limited => "ask somebody who sees everything",
        })
    }
}

/// Lets a request pass that may, and tells the handler who it is.
pub(super) async fn guard(
    State((host, needs)): State<(Shared, Needs)>,
    request: Request,
    next: Next,
) -> Result<Response, Problem> {
    let permission = match needs {
        Needs::Nothing | Needs::Signature => return Ok(next.run(request).await),
        Needs::Known => None,
        Needs::Seen(permission) | Needs::Whole(permission) => Some(permission),
    };
    let (parts, body) = request.into_parts();
    let principal = resolve(&parts, &host)?;
    if let Some(permission) = permission {
        let limited = matches!(needs, Needs::Whole(_)) && principal.limits.any();
        let allowed = permit(&principal, permission).and(if limited { Err(Refusal::Limited) } else { Ok(()) });
        if let Err(refusal) = allowed {
            let subject = format!("{} {}", parts.method, parts.uri.path());
            access::audit(&host, &principal, "request", &subject, Outcome::Refused).await?;
            return Err(refusal.into());
        }
    }
    let mut request = Request::from_parts(parts, body);
    request.extensions_mut().insert(principal);
    Ok(next.run(request).await)
}

/// Of a route whose handler checks by itself: the principal, when it may.
pub(super) fn demand(parts: &Parts, host: &Shared, permission: Permission) -> Result<Principal, Problem> {
    let principal = resolve(parts, host)?;
    permit(&principal, permission)?;
    if principal.limits.any() { Err(Refusal::Limited.into()) } else { Ok(principal) }
}

fn permit(principal: &Principal, permission: Permission) -> Result<(), Refusal> {
    // Forwarding is for hosts, which have a key of their own.
    let lent = principal.who == Who::Machine && permission == Permission::Forward;
    match principal.may(permission) {
        _ if lent => Err(Refusal::Unknown),
        true => Ok(()),
        false => Err(Refusal::Permission(permission)),
    }
}

impl FromRequestParts<Shared> for Principal {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &Shared) -> Result<Self, Problem> {
        parts.extensions.get::<Self>().cloned().ok_or_else(|| Refusal::Unknown.into())
    }
}

/// A request without its body.
pub(super) struct Caller(pub(super) Parts);

impl FromRequestParts<Shared> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &Shared) -> Result<Self, Problem> {
        Ok(Self(parts.clone()))
    }
}

/// Who sent a request, and from where.
pub(super) fn resolve(parts: &Parts, host: &Shared) -> Result<Principal, Refusal> {
    let principal = known(parts, host)?;
    Ok(Principal { from: address(parts, host), ..principal })
}

fn known(parts: &Parts, host: &Shared) -> Result<Principal, Refusal> {
    match sent_key(parts) {
        Some(key) if host.is_own_token(key) => Ok(Principal::trusted(Who::Command)),
        Some(text) => {
            let key = find_key(&host.account, text)?;
            host.access.key_uses.note(&host.account, &key.id);
            let permissions = key.permissions();
            let access::ApiKey { id, name, limits, hosts, .. } = key;
            let who = Who::Key { id, name };
            Ok(Principal { who, role: None, permissions, limits, hosts, expires_at: None, from: None })
        }
        None => match session(parts, host).or_else(|| vouched(parts, host)) {
            Some(principal) => unforged(parts, host, principal),
            None => nameless(parts, host),
        },
    }
}

/// Who has no name: somebody on this machine, where these need none.
fn nameless(parts: &Parts, host: &Shared) -> Result<Principal, Refusal> {
    if host.keys_required() || !is_local(parts) {
        return Err(Refusal::Unknown);
    }
    if is_forged(parts) { Err(Refusal::Forged) } else { Ok(Principal::trusted(Who::Machine)) }
}

/// Who logged in.
fn session(parts: &Parts, host: &Shared) -> Option<Principal> {
    let text = sent_cookie(parts, cookie_name(is_secure(parts, host)))?;
    host.access.session(&host.account, text, host.config.access.lasting()).map(of_session)
}

/// A cookie that a browser sent.
pub(super) fn sent_cookie<'p>(parts: &'p Parts, name: &str) -> Option<&'p str> {
    let cookies = parts.headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut pairs = cookies.flat_map(|cookies| cookies.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(known, _)| *known == name).map(|(_, text)| text)
}

/// Who has a session.
pub(super) fn of_session(held: Held) -> Principal {
    Principal { expires_at: Some(held.expires_at), ..of_user(held.user, held.id) }
}

fn of_user(user: User, session: String) -> Principal {
    let User { name, role, limits, .. } = user;
    let permissions = role.permissions();
    let (who, hosts) = (Who::User { name, session }, BTreeSet::new());
    Principal { who, role: Some(role), permissions, limits, hosts, expires_at: None, from: None }
}

/// Whom a proxy of ours vouches for by a header.
fn vouched(parts: &Parts, host: &Shared) -> Option<Principal> {
    let name = text(&parts.headers, host.config.access.proxy_header.as_deref()?)?;
    let from_proxy = peer(parts).is_some_and(|peer| host.config.access.trusts(peer.ip()));
    let user = find_user(&host.account, name).ok().flatten();
    let user = user.filter(|user| from_proxy && !user.disabled)?;
    let session = format!("proxy:{}", user.name);
    Some(of_user(user, session))
}

/// A browser sends cookies with every request: a change must come from our page and carry what only it knows.
fn unforged(parts: &Parts, host: &Shared, principal: Principal) -> Result<Principal, Refusal> {
    let Who::User { session, .. } = &principal.who else { return Ok(principal) };
    if is_reading(parts) {
        return Ok(principal);
    }
    own_origin(parts)?;
    let token = text(&parts.headers, "x-weir-token").unwrap_or_default();
    if host.access.is_token(session, token) { Ok(principal) } else { Err(Refusal::Token) }
}

/// Refuses what a page of another origin had a browser send.
pub(super) fn own_origin(parts: &Parts) -> Result<(), Refusal> {
    if is_forged(parts) { Err(Refusal::Forged) } else { Ok(()) }
}

/// Name of the cookie of a session. Browsers take one that begins with `__Host-` from this host over TLS alone.
pub(super) fn cookie_name(secure: bool) -> &'static str {
    if secure { "__Host-weir" } else { "weir" }
}

/// Whether the browser reached us by TLS, here or at a proxy of ours.
pub(super) fn is_secure(parts: &Parts, host: &Shared) -> bool {
    let by_proxy = || {
        peer(parts).is_some_and(|peer| host.config.access.trusts(peer.ip()))
            && text(&parts.headers, "x-forwarded-proto") == Some("https")
    };
    let named = host.config.access.public_url.as_ref().is_some_and(|url| url.starts_with("https:"));
    host.config.tls.is_some() || named || by_proxy()
}

/// Where a request comes from: what a proxy of ours says, else the other end of the connection.
pub(super) fn address(parts: &Parts, host: &Shared) -> Option<IpAddr> {
    let peer = peer(parts)?.ip();
    let last = text(&parts.headers, "x-forwarded-for").and_then(|value| value.rsplit(',').next());
    let told = last.filter(|_| host.config.access.trusts(peer)).and_then(|address| address.trim().parse().ok());
    Some(told.unwrap_or(peer))
}

fn is_reading(parts: &Parts) -> bool {
    matches!(parts.method, Method::GET | Method::HEAD | Method::OPTIONS)
}

/// `Authorization: Bearer <key>`; the older schemes `Apikey`, `ApiKey` and `APIKEY` mean the same.
fn sent_key(parts: &Parts) -> Option<&str> {
    let value = text(&parts.headers, &header::AUTHORIZATION)?;
    let (scheme, key) = value.split_once(' ')?;
    let known = scheme.eq_ignore_ascii_case("bearer") || scheme.eq_ignore_ascii_case("apikey");
    known.then(|| key.trim())
}

/// From this machine, and meant for it: a page elsewhere that got its name to resolve to us sends its own `Host`, and a
/// proxy on this machine says for whom it asks.
fn is_local(parts: &Parts) -> bool {
    let from_here = peer(parts).is_some_and(|peer| peer.ip().to_canonical().is_loopback());
    let host = text(&parts.headers, &header::HOST).unwrap_or_default();
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
    let for_another = [header::FORWARDED.as_str(), "x-forwarded-for"].iter().any(|it| parts.headers.contains_key(*it));
    from_here && !for_another && matches!(name, "localhost" | "127.0.0.1" | "[::1]")
}

pub(super) fn peer(parts: &Parts) -> Option<SocketAddr> {
    parts.extensions.get::<ConnectInfo<SocketAddr>>().map(|ConnectInfo(peer)| *peer)
}

/// Whether a page of another origin had a browser send a change. Programs that are no browsers say nothing of an origin.
fn is_forged(parts: &Parts) -> bool {
    if is_reading(parts) {
        return false;
    }
    match text(&parts.headers, "sec-fetch-site") {
        Some(site) => !matches!(site, "same-origin" | "none"),
        None => text(&parts.headers, &header::ORIGIN).is_some_and(|origin| {
            let (_, place) = origin.split_once("://").unwrap_or_default();
            Some(place) != text(&parts.headers, &header::HOST)
        }),
    }
}

fn text(headers: &HeaderMap, name: impl header::AsHeaderName) -> Option<&str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

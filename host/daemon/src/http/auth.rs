//! Who asks: every request is resolved to one [`Principal`], and to no handler before it may.

use std::net::SocketAddr;

use axum::extract::{ConnectInfo, FromRequestParts, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::Response;

use super::Shared;
use super::problem::Problem;
use crate::access::{self, KeyError, Permission, Principal, Who, find_key};

/// What a route wants of who asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Needs {
    /// Nothing: it tells nothing about anybody.
    Nothing,
    /// A signature of the sender's, which the handler checks.
    Signature,
    /// A permission. Who is limited to teams or projects is answered from these.
    Seen(Permission),
    /// A permission, without limits: the answer cannot be parted.
    Whole(Permission),
}

/// Somebody may not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum Refusal {
    /// Nobody is known.
    #[error("an API key is needed")]
    Unknown,
    /// Bad key.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// A page elsewhere had a browser send it.
    #[error("the request was sent by a page of another origin")]
    Forged,
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
            Refusal::Forged | Refusal::Permission(_) | Refusal::Limited => StatusCode::FORBIDDEN,
        };
        Self::new(status, refusal.to_string()).hint(match refusal {
            Refusal::Unknown | Refusal::Key(_) => "make one with `weir key create`, send it as `Authorization: Bearer`",
            Refusal::Forged => "send it from the page of this host, or with an API key",
            Refusal::Permission(_) => "docs/ACCESS.md says which roles and scopes have it",
            Refusal::Limited => "ask somebody who sees everything",
        })
    }
}

/// Lets a request pass that may, and tells the handler who it is.
pub(super) async fn guard(
    State((host, needs)): State<(Shared, Needs)>,
    mut request: Request,
    next: Next,
) -> Result<Response, Problem> {
    if let Needs::Seen(permission) | Needs::Whole(permission) = needs {
        let (parts, body) = request.into_parts();
        let principal = resolve(&parts, &host)?;
        let limited = matches!(needs, Needs::Whole(_)) && principal.limits.any();
        let allowed = permit(&principal, permission).and(if limited { Err(Refusal::Limited) } else { Ok(()) });
        if let Err(refusal) = allowed {
            let subject = format!("{} {}", parts.method, parts.uri.path());
            access::audit(&host, &principal.name(), "request", &subject, "denied");
            return Err(refusal.into());
        }
        request = Request::from_parts(parts, body);
        request.extensions_mut().insert(principal);
    }
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

/// Who sent a request.
pub(super) fn resolve(parts: &Parts, host: &Shared) -> Result<Principal, Refusal> {
    match sent_key(parts) {
        Some(key) if host.is_own_token(key) => Ok(Principal::trusted(Who::Command)),
        Some(text) => {
            let key = find_key(&host.account, text)?;
            host.key_uses.note(&host.account, &key.id);
            let permissions = key.permissions();
            let access::ApiKey { id, name, limits, .. } = key;
            Ok(Principal { who: Who::Key { id, name }, role: None, permissions, limits })
        }
        None if !host.keys_required() && is_local(parts) => {
            if is_forged(parts) {
                Err(Refusal::Forged)
            } else {
                Ok(Principal::trusted(Who::Machine))
            }
        }
        None => Err(Refusal::Unknown),
    }
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
    if matches!(parts.method, Method::GET | Method::HEAD | Method::OPTIONS) {
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

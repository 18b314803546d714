//! Who may ask. A key is shown once and kept as a hash; requests from this machine need none unless configured.

use std::collections::BTreeSet;
use std::net::SocketAddr;

use axum::extract::{ConnectInfo, FromRequestParts};
use axum::http::request::Parts;
use axum::http::{StatusCode, header};
use ring::digest::{SHA256, digest};
use ring::rand::{SecureRandom, SystemRandom};
use serde::{Deserialize, Serialize};
use weir_model::Timestamp;
use weir_store::{Commit, Put};

use super::Shared;
use super::problem::Problem;
use crate::account::Account;
use crate::error::Fault;
use crate::{audit, clock, intake, state_keys};

/// What a key may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Scope {
    /// Push builds, commits and the like.
    Ingest,
    /// Read everything.
    Read,
    /// Forward a host's results to this central.
    Forward,
    /// Everything.
    Admin,
}

/// A key as it is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApiKey {
    /// Public part.
    pub id: String,
    /// What it is for, as the operator said.
    pub name: String,
    /// What it may do.
    pub scopes: BTreeSet<Scope>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it ends; none: never.
    pub expires_at: Option<Timestamp>,
    hash: String,
}

/// A key cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// None was sent.
    #[error("an API key is needed")]
    Missing,
    /// None such, revoked, or expired.
    #[error("the API key is not valid")]
    Invalid,
    /// Not for this.
    #[error("the API key may not do this")]
    Scope,
}

/// Makes a key and gives its text, which is not kept and cannot be shown again.
pub async fn create_key(
    account: &Account,
    name: &str,
    scopes: BTreeSet<Scope>,
    expires_at: Option<Timestamp>,
) -> Result<(ApiKey, String), Fault> {
    let (id, secret) = (random_hex::<6>()?, random_hex::<32>()?);
    let key = ApiKey {
        id: id.clone(),
        name: name.to_owned(),
        scopes,
        created_at: clock::now(),
        expires_at,
        hash: hash(&secret),
    };
    let value = serde_json::to_vec(&key).expect("a key is JSON");
    let puts = vec![Put { key: state_keys::api_key(&id), value: Some(value) }];
    let noted = serde_json::json!({ "name": key.name, "scopes": key.scopes, "expires_at": key.expires_at });
    audit::note(account, audit::by_hand("key.create", &format!("key {id}")).after(noted)).await?;
    intake::append(account, Commit { records: Vec::new(), received_at: clock::now(), puts }).await?;
    Ok((key, format!("weir_{id}_{secret}")))
}

/// The keys there are.
pub fn list_keys(account: &Account) -> Result<Vec<ApiKey>, Fault> {
    let keys = account.log.state_under(&state_keys::api_keys()).map_err(Fault::from_log)?;
    Ok(keys.into_iter().filter_map(|(_, value)| serde_json::from_slice(&value).ok()).collect())
}

/// Ends a key at once; whether there was one.
pub async fn revoke_key(account: &Account, id: &str) -> Result<bool, Fault> {
    let key = state_keys::api_key(id);
    let known = account.log.state(&key).map_err(Fault::from_log)?.is_some();
    if known {
        audit::note(account, audit::by_hand("key.revoke", &format!("key {id}"))).await?;
        let commit = Commit { records: Vec::new(), received_at: clock::now(), puts: vec![Put { key, value: None }] };
        intake::append(account, commit).await?;
    }
    Ok(known)
}

fn random_hex<const N: usize>() -> Result<String, Fault> {
    let mut bytes = [0; N];
    SystemRandom::new().fill(&mut bytes).map_err(|_| Fault::host("the system gives no random numbers"))?;
    Ok(hex(&bytes))
}

fn hash(secret: &str) -> String {
    hex(digest(&SHA256, secret.as_bytes()).as_ref())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn check(account: &Account, text: &str, scope: Scope) -> Result<(), KeyError> {
    let mut parts = text.strip_prefix("weir_").unwrap_or_default().splitn(2, '_');
    let (id, secret) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    let stored = account.log.state(&state_keys::api_key(id)).map_err(|_| KeyError::Invalid)?;
    let key: ApiKey = stored.and_then(|bytes| serde_json::from_slice(&bytes).ok()).ok_or(KeyError::Invalid)?;
    // Both are hashes of random secrets: comparing them tells nothing about either, even when it stops early.
    if hash(secret) != key.hash || key.expires_at.is_some_and(|end| end <= clock::now()) {
        return Err(KeyError::Invalid);
    }
    let allowed = key.scopes.contains(&scope) || key.scopes.contains(&Scope::Admin);
    if allowed { Ok(()) } else { Err(KeyError::Scope) }
}

macro_rules! permission {
    ($(#[$doc:meta])* $type:ident, $scope:ident, $open_here:literal) => {
        $(#[$doc])*
        pub(super) struct $type;

        impl FromRequestParts<Shared> for $type {
            type Rejection = Problem;

            async fn from_request_parts(parts: &mut Parts, host: &Shared) -> Result<Self, Problem> {
                permit(parts, host, Scope::$scope, $open_here).map(|()| Self).map_err(refuse)
            }
        }
    };
}

permission!(
    /// The request may read.
    MayRead, Read, true
);
permission!(
    /// The request may push.
    MayIngest, Ingest, true
);
permission!(
    /// The request may change what Weir does.
    MayAdmin, Admin, true
);
permission!(
    /// The request comes from a host that may forward; never without a key.
    MayForward, Forward, false
);

fn permit(parts: &Parts, host: &Shared, scope: Scope, open_here: bool) -> Result<(), KeyError> {
    match sent_key(parts) {
        Some(key) if host.is_own_token(key) => Ok(()),
        Some(key) => check(&host.account, key, scope),
        None if open_here && !host.keys_required() && is_local(parts) => Ok(()),
        None => Err(KeyError::Missing),
    }
}

/// `Authorization: Bearer <key>`; the older schemes `Apikey`, `ApiKey` and `APIKEY` mean the same.
fn sent_key(parts: &Parts) -> Option<&str> {
    let value = parts.headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, key) = value.split_once(' ')?;
    let known = scheme.eq_ignore_ascii_case("bearer") || scheme.eq_ignore_ascii_case("apikey");
    known.then(|| key.trim())
}

/// From this machine, and meant for it: a page elsewhere that got its name to resolve to us sends its own `Host`.
fn is_local(parts: &Parts) -> bool {
    let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>();
    let from_here = peer.is_some_and(|ConnectInfo(peer)| peer.ip().to_canonical().is_loopback());
    let host = parts.headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
    from_here && matches!(name, "localhost" | "127.0.0.1" | "[::1]")
}

fn refuse(error: KeyError) -> Problem {
    let status = match error {
        KeyError::Missing | KeyError::Invalid => StatusCode::UNAUTHORIZED,
        KeyError::Scope => StatusCode::FORBIDDEN,
    };
    Problem::new(status, error.to_string()).hint("make one with `weir key create`, send it as `Authorization: Bearer`")
}

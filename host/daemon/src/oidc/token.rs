//! ID tokens: whether one is of the provider, for this host, of this log-in, and of now.
//!
//! Invariant: no claim is read before the signature is right.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use serde_json::{Map, Value};
use weir_model::Timestamp;

use super::keys::{Algorithm, KeySet, SignatureError};

/// How far clocks may be apart, in seconds.
const LEEWAY_S: i64 = 60;
/// Longest token, in bytes.
const TOKEN_BYTES_MAX: usize = 64 << 10;

/// What somebody is said to be.
pub(crate) type Claims = Map<String, Value>;

/// What a token has to say to be taken.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Expected<'e> {
    pub(crate) issuer: &'e str,
    pub(crate) client_id: &'e str,
    /// What was sent along when the log-in began.
    pub(crate) nonce: &'e str,
    pub(crate) now: Timestamp,
}

/// Why a token is not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum TokenError {
    /// It is no signed token.
    #[error("it is none")]
    Malformed,
    /// Unsigned, or signed by a secret, or by what is not known.
    #[error("it is signed by `{0}`, which is not taken")]
    Algorithm(String),
    /// It wants to be understood in a way that is not known.
    #[error("it names extensions that are not known")]
    Critical,
    /// By a key the provider does not name.
    #[error("it is signed by a key that the provider does not name")]
    UnknownKey,
    /// Somebody changed it.
    #[error("its signature is wrong")]
    Signature,
    /// Of somebody else.
    #[error("it is of another issuer")]
    Issuer,
    /// For somebody else.
    #[error("it is for another client")]
    Audience,
    /// Given to somebody else.
    #[error("it was given to another client")]
    Party,
    /// Over.
    #[error("it has expired")]
    Expired,
    /// From the future.
    #[error("it is of a time to come; are the clocks right?")]
    NotYet,
    /// Of another log-in.
    #[error("it is of another log-in")]
    Nonce,
    /// Without what it must have.
    #[error("it has no `{0}`")]
    Lacks(&'static str),
}

#[derive(Deserialize)]
struct Header {
    alg: String,
    kid: Option<String>,
    crit: Option<Value>,
}

/// What a token claims, when it is to be believed.
pub(crate) fn verified(token: &str, keys: &KeySet, expected: &Expected<'_>) -> Result<Claims, TokenError> {
    let claims = signed_claims(token, keys)?;
    check(&claims, expected)?;
    Ok(claims)
}

fn signed_claims(token: &str, keys: &KeySet) -> Result<Claims, TokenError> {
    if token.len() > TOKEN_BYTES_MAX {
        return Err(TokenError::Malformed);
    }
    let (signed, signature) = token.rsplit_once('.').ok_or(TokenError::Malformed)?;
    let (header, claims) = signed.split_once('.').ok_or(TokenError::Malformed)?;
    let decoded = |part: &str| URL_SAFE_NO_PAD.decode(part).map_err(|_| TokenError::Malformed);
    let header: Header = serde_json::from_slice(&decoded(header)?).map_err(|_| TokenError::Malformed)?;
    let algorithm = Algorithm::named(&header.alg).ok_or_else(|| TokenError::Algorithm(header.alg.clone()))?;
    if header.crit.is_some() {
        return Err(TokenError::Critical);
    }
    let by = (algorithm, header.alg.as_str());
    keys.verify(by, header.kid.as_deref(), signed.as_bytes(), &decoded(signature)?).map_err(|error| match error {
        SignatureError::UnknownKey => TokenError::UnknownKey,
        SignatureError::Wrong => TokenError::Signature,
    })?;
    serde_json::from_slice(&decoded(claims)?).map_err(|_| TokenError::Malformed)
}

/// What OIDC Core 1.0 asks for in 3.1.3.7.
fn check(claims: &Claims, expected: &Expected<'_>) -> Result<(), TokenError> {
    let is = |claim: &str, value: &str| claims.get(claim).and_then(Value::as_str) == Some(value);
    if !is("iss", expected.issuer) {
        return Err(TokenError::Issuer);
    }
    let audiences = texts(claims.get("aud"));
    if !audiences.contains(&expected.client_id) {
        return Err(TokenError::Audience);
    }
    // Who is one of several that a token is for, wants to know whom it was given to.
    if (audiences.len() > 1 || claims.contains_key("azp")) && !is("azp", expected.client_id) {
        return Err(TokenError::Party);
    }
    let now = expected.now.ms().div_euclid(1_000);
    let time = |name| claims.get(name).map(|value| seconds(value).ok_or(TokenError::Lacks(name))).transpose();
    if time("exp")?.ok_or(TokenError::Lacks("exp"))?.saturating_add(LEEWAY_S) <= now {
        return Err(TokenError::Expired);
    }
    let began = [time("iat")?.ok_or(TokenError::Lacks("iat"))?, time("nbf")?.unwrap_or(i64::MIN)];
    if began.iter().any(|began| began.saturating_sub(LEEWAY_S) > now) {
        return Err(TokenError::NotYet);
    }
    if !is("nonce", expected.nonce) {
        return Err(TokenError::Nonce);
    }
    let subject = claims.get("sub").and_then(Value::as_str).unwrap_or_default();
    if subject.is_empty() { Err(TokenError::Lacks("sub")) } else { Ok(()) }
}

/// One text, or several.
pub(crate) fn texts(value: Option<&Value>) -> Vec<&str> {
    match value {
        Some(Value::String(text)) => vec![text],
        Some(Value::Array(all)) => all.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    }
}

/// Seconds since 1970; some write parts of them, too.
fn seconds(value: &Value) -> Option<i64> {
    let Value::Number(number) = value else { return None };
    number.to_string().split('.').next()?.parse().ok()
}

#[cfg(test)]
#[path = "tests/token.rs"]
mod tests;

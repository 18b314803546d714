//! Credentials of a connection. Invariant: a credential goes into a request as the last step before the wire, and
//! into nothing else.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};
use ring::digest::{Context, SHA256};
use ring::hmac;
use url::Url;
use weir_model::Timestamp;
use weir_sandbox::Method;
use zeroize::Zeroizing;

use super::EgressError;
use super::oauth::TokenSource;
use super::s3::S3Key;
use super::secret::{Mask, Secret};

/// How a connection proves who it is. App installation tokens (`github-app`) are not among them yet.
#[derive(Clone)]
pub enum Auth {
    /// It does not.
    None,
    /// User and password.
    Basic {
        /// User.
        user: String,
        /// Password or token.
        password: Secret,
    },
    /// `Authorization: Bearer`.
    Bearer(Secret),
    /// A header of the tool's own: `PRIVATE-TOKEN`.
    Header {
        /// Name of the header.
        name: String,
        /// Whole value.
        value: Secret,
    },
    /// A query parameter.
    Query {
        /// Name of the parameter.
        name: String,
        /// Its value, unencoded.
        value: Secret,
    },
    /// A bearer token fetched, and fetched again before it expires.
    OAuth2(OAuth2),
    /// Requests signed as Standard Webhooks (standardwebhooks.com) are; the secret is one of theirs, `whsec_...`.
    StandardWebhooks(Secret),
    /// Requests signed for a store of the S3 kind.
    S3(S3Key),
}

/// Header with the signature of a Standard Webhook.
static SIGNATURE: HeaderName = HeaderName::from_static("webhook-signature");
/// What their secrets begin with; base64 follows.
const SECRET_PREFIX: &str = "whsec_";

/// OAuth 2 without a user at the screen: by refresh token when there is one, else by client credentials.
#[derive(Clone)]
pub struct OAuth2 {
    /// Where tokens are fetched.
    pub token_url: String,
    /// Id of the client.
    pub client_id: String,
    /// Secret of the client, sent in the body of the token request.
    pub client_secret: Secret,
    /// Scopes, separated by blanks.
    pub scope: Option<String>,
    /// Refresh token.
    pub refresh_token: Option<Secret>,
}

/// A credential ready to be added.
pub(crate) enum Credential {
    None,
    Header(HeaderName, Secret),
    Query(String, Secret),
    Token(Box<TokenSource>),
    /// The secret, and the key in it.
    Signature(Secret, hmac::Key),
    S3(S3Key),
}

impl Credential {
    /// Checks `auth` and tells `mask` what never to show.
    pub(crate) fn new(auth: Auth, connection: &str, mask: &Mask) -> Result<Self, EgressError> {
        let invalid = |what: &str| EgressError::Auth { connection: connection.to_owned(), reason: what.to_owned() };
        let credential = match auth {
            Auth::None => Self::None,
            Auth::Basic { user, password } => {
                mask.add(password.expose());
                let pair = Secret::new(STANDARD.encode(format!("{user}:{}", password.expose())));
                mask.add(pair.expose());
                Self::Header(AUTHORIZATION, Secret::new(format!("Basic {}", pair.expose())))
            }
            Auth::Bearer(token) => {
                mask.add(token.expose());
                if token.is_empty() {
                    return Err(invalid("the token is empty"));
                }
                Self::Header(AUTHORIZATION, Secret::new(format!("Bearer {}", token.expose())))
            }
            Auth::Header { name, value } => {
                mask.add(value.expose());
                let name =
                    HeaderName::from_bytes(name.as_bytes()).map_err(|_| invalid("the header name is malformed"))?;
                Self::Header(name, value)
            }
            Auth::Query { name, value } => {
                mask.add(value.expose());
                Self::Query(name, value)
            }
            Auth::StandardWebhooks(secret) => {
                mask.add(secret.expose());
                let key = signing_key(&secret).ok_or_else(|| invalid("the secret is none of Standard Webhooks"))?;
                Self::Signature(secret, key)
            }
            Auth::S3(key) => {
                mask.add(key.access_key.expose());
                mask.add(key.secret_key.expose());
                Self::S3(key)
            }
            Auth::OAuth2(settings) => Self::Token(Box::new(TokenSource::new(settings, mask).map_err(invalid)?)),
        };
        match &credential {
            Self::Header(_, value) if HeaderValue::from_str(value.expose()).is_err() => {
                Err(invalid("the secret holds characters no header can carry"))
            }
            _ => Ok(credential),
        }
    }

    pub(crate) fn is_none(&self) -> bool {
        matches!(self, Self::None)
    }

    pub(crate) fn token_source(&self) -> Option<&TokenSource> {
        if let Self::Token(source) = self { Some(source) } else { None }
    }

    /// Header that carries it.
    pub(crate) fn header(&self) -> Option<&HeaderName> {
        match self {
            Self::Header(name, _) => Some(name),
            Self::Token(_) => Some(&AUTHORIZATION),
            Self::Signature(..) => Some(&SIGNATURE),
            Self::None | Self::Query(..) | Self::S3(_) => None,
        }
    }

    /// Adds the credential; `token` is the fetched one, where one is fetched; `body` goes out `now`.
    pub(crate) fn add(
        &self,
        url: &mut Url,
        headers: &mut HeaderMap,
        token: Option<&Secret>,
        body: &Bytes,
        now: Timestamp,
    ) {
        match self {
            Self::Signature(_, key) => sign(headers, key, body, now),
            Self::None | Self::S3(_) => {}
            Self::Header(name, value) => add_header(headers, name.clone(), value.expose()),
            Self::Query(name, value) => set_query(url, name, value),
            Self::Token(_) => {
                if let Some(token) = token {
                    add_header(headers, AUTHORIZATION, &format!("Bearer {}", token.expose()));
                }
            }
        }
    }

    /// Signs a request that nothing will be added to any more, where that is how it is proven who sends it.
    pub(crate) fn sign(&self, method: Method, url: &mut Url, now: Timestamp) {
        if let Self::S3(key) = self {
            key.sign(method, url, now);
        }
    }

    /// Tells credentials apart without keeping them: requests with equal ones share a rate budget.
    pub(crate) fn fingerprint(&self) -> [u8; 32] {
        let parts = match self {
            Self::None => [String::new(), String::new()],
            Self::Header(name, value) => [name.to_string(), value.expose().to_owned()],
            Self::Query(name, value) => [name.clone(), value.expose().to_owned()],
            Self::Token(source) => ["token".to_owned(), source.identity()],
            Self::Signature(secret, _) => ["signature".to_owned(), secret.expose().to_owned()],
            Self::S3(key) => [key.access_key.expose().to_owned(), key.secret_key.expose().to_owned()],
        };
        let mut context = Context::new(&SHA256);
        for part in parts.map(Zeroizing::new) {
            context.update(part.as_bytes());
            context.update(b"\n");
        }
        context.finish().as_ref().try_into().expect("SHA-256 has 32 bytes")
    }
}

/// The bytes behind the prefix, else the text itself, which is what both sides then sign with.
fn signing_key(secret: &Secret) -> Option<hmac::Key> {
    let text = secret.expose();
    let bytes = match text.strip_prefix(SECRET_PREFIX) {
        Some(encoded) => Zeroizing::new(STANDARD.decode(encoded).ok()?),
        None => Zeroizing::new(text.as_bytes().to_vec()),
    };
    (!bytes.is_empty()).then(|| hmac::Key::new(hmac::HMAC_SHA256, &bytes))
}

/// Signs id, time and body together. What is sent again has the id it had: that of its effect.
fn sign(headers: &mut HeaderMap, key: &hmac::Key, body: &Bytes, now: Timestamp) {
    let id = headers.get("idempotency-key").and_then(|id| id.to_str().ok()).map(str::to_owned);
    let id = id.unwrap_or_else(|| uuid::Uuid::now_v7().to_string());
    let seconds = now.ms().div_euclid(1_000).to_string();
    let signed = [id.as_bytes(), b".", seconds.as_bytes(), b".", body].concat();
    let signature = format!("v1,{}", STANDARD.encode(hmac::sign(key, &signed)));
    for (name, value) in [("webhook-id", &id), ("webhook-timestamp", &seconds), ("webhook-signature", &signature)] {
        add_header(headers, HeaderName::from_static(name), value);
    }
}

fn add_header(headers: &mut HeaderMap, name: HeaderName, value: &str) {
    let mut value = HeaderValue::from_str(value).expect("was checked when the credential was made");
    value.set_sensitive(true);
    headers.insert(name, value);
}

/// Replaces the parameter: a `next` link of the tool may carry it already, blotted out or stale.
fn set_query(url: &mut Url, name: &str, value: &Secret) {
    let kept: Vec<_> =
        url.query_pairs().filter(|(key, _)| key != name).map(|(k, v)| (k.into_owned(), v.into_owned())).collect();
    let had_any = url.query_pairs().count() != kept.len();
    if had_any {
        url.query_pairs_mut().clear().extend_pairs(kept);
    }
    url.query_pairs_mut().append_pair(name, value.expose());
}

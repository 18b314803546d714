//! Logging in at a provider by OIDC: authorization code with PKCE. The provider says who somebody is and which
//! groups they are of; what they may here is said by the configuration.
//!
//! Invariant: nobody is let in by anything but an ID token that was fetched from the provider with a code, for a log-in
//! that began in the same browser.

mod claims;
mod keys;
mod pending;
mod provider;
mod token;

use std::sync::Arc;

use schemars::JsonSchema;
use serde::Deserialize;
use url::Url;
use weir_model::Timestamp;

use crate::access::{NotAdmitted, Provided};
use crate::config::{AccessConfig, OidcConfig};
use crate::egress::Egress;
use crate::error::Fault;
use keys::KeySet;
use pending::Pending;
use provider::{Metadata, Provider, Tokens};
use token::{Claims, Expected, TokenError};

pub(crate) use pending::{Begun, LASTS_MS};

/// What is known of the provider is asked for again when it is older, in milliseconds.
const KNOWN_MS: u64 = 60 * 60_000;
/// A key that is not known makes the keys be asked for again, this often at most, in milliseconds.
const KEYS_MS_MIN: u64 = 60_000;

/// Where people come back to.
pub(crate) const CALLBACK: &str = "/v1/login/oidc/callback";

/// Log-ins at the provider.
pub(crate) struct Oidc {
    provider: Provider,
    pending: Pending,
    known: tokio::sync::Mutex<Option<Known>>,
}

/// What the provider said.
#[derive(Clone)]
struct Known {
    metadata: Arc<Metadata>,
    at: Timestamp,
    keys: Arc<KeySet>,
    /// When a key was not among them and they were asked for again.
    asked_again_at: Option<Timestamp>,
}

/// What a browser brings back from the provider.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
pub(crate) struct Returned {
    pub(crate) state: Option<String>,
    pub(crate) code: Option<String>,
    pub(crate) error: Option<String>,
    pub(crate) iss: Option<String>,
}

/// Why somebody is not let in.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Denied {
    /// There is no such log-in.
    #[error("the log-in took too long, began in another browser, or has ended before")]
    Stale,
    /// The provider says no, in a word of its own.
    #[error("the provider refuses: {0}")]
    Provider(String),
    /// The ID token is not to be believed.
    #[error("the ID token is not taken: {0}")]
    Token(#[from] TokenError),
    /// There is no name.
    #[error("the provider tells no name that can be one here")]
    Name,
    /// They are known, and may not come in.
    #[error(transparent)]
    NotAdmitted(#[from] NotAdmitted),
    /// Something does not work.
    #[error("{}", .0.chain())]
    Broken(#[from] Fault),
}

impl Denied {
    /// One word for the page.
    pub(crate) fn word(&self) -> &'static str {
        match self {
            Self::Stale => "stale",
            Self::Provider(_) => "refused",
            Self::Token(_) => "token",
            Self::Name => "name",
            Self::NotAdmitted(denied) => denied.word(),
            Self::Broken(_) => "broken",
        }
    }
}

impl Oidc {
    /// Log-ins as the configuration wants them; none when it wants none. Nothing is asked.
    pub(crate) fn new(config: &AccessConfig, egress: &Arc<Egress>) -> Option<Self> {
        let base = config.public_url.as_deref().unwrap_or_default().trim_end_matches('/');
        let provider = Provider::new(config.oidc.clone()?, format!("{base}{CALLBACK}"), egress.clone());
        Some(Self { provider, pending: Pending::default(), known: tokio::sync::Mutex::default() })
    }

    /// How it is configured.
    pub(crate) fn config(&self) -> &OidcConfig {
        &self.provider.config
    }

    /// Begins a log-in: where to go, and what the browser keeps.
    pub(crate) async fn begin(&self, return_to: Option<String>, now: Timestamp) -> Result<(Url, String), Fault> {
        let known = self.known(now).await?;
        let begun = self.pending.begin(return_to, now)?;
        Ok((self.provider.entrance(&known.metadata, &begun), begun.cookie))
    }

    /// Ends a log-in: who it is, and where they wanted to go.
    pub(crate) async fn end(
        &self,
        returned: Returned,
        cookie: Option<&str>,
        now: Timestamp,
    ) -> Result<(Provided, Option<String>), Denied> {
        let Returned { state, code, error, iss } = returned;
        let log_in = self.pending.take(&state.unwrap_or_default(), cookie, now).ok_or(Denied::Stale)?;
        if iss.is_some_and(|iss| iss != self.config().issuer) {
            return Err(TokenError::Issuer.into());
        }
        let Some(code) = code.filter(|_| error.is_none()) else {
            return Err(Denied::Provider(provider::word(error.as_deref().unwrap_or("it gives no code"))));
        };
        let known = self.known(now).await?;
        let tokens = self.provider.exchange(&known.metadata, &code, &log_in.verifier).await?;
        let mut claims = self.claims(known.clone(), &tokens, &log_in.nonce, now).await?;
        if claims::lacking(self.config(), &claims)
            && let Some(more) = self.provider.person(&known.metadata, &tokens).await?
        {
            claims::join(&mut claims, more)?;
        }
        Ok((claims::provided(self.config(), &claims)?, log_in.return_to))
    }

    /// What the ID token says. When its key is new, the keys are asked for again.
    async fn claims(&self, known: Known, tokens: &Tokens, nonce: &str, now: Timestamp) -> Result<Claims, Denied> {
        let OidcConfig { issuer, client_id, .. } = self.config();
        let expected = Expected { issuer, client_id, nonce, now };
        match token::verified(&tokens.id_token, &known.keys, &expected) {
            Err(TokenError::UnknownKey) => {
                let keys = self.newer_keys(&known.keys, now).await?;
                Ok(token::verified(&tokens.id_token, &keys, &expected)?)
            }
            checked => Ok(checked?),
        }
    }

    /// What the provider says of itself, asked for once an hour.
    async fn known(&self, now: Timestamp) -> Result<Known, Fault> {
        let mut slot = self.known.lock().await;
        if let Some(known) = slot.as_ref().filter(|known| is_younger(known.at, KNOWN_MS, now)) {
            return Ok(known.clone());
        }
        let metadata = Arc::new(self.provider.discover().await?);
        let keys = Arc::new(self.provider.keys(&metadata).await?);
        Ok(slot.insert(Known { metadata, at: now, keys, asked_again_at: None }).clone())
    }

    /// Keys in place of those among which one was missing; the same ones when that was asked a moment ago.
    async fn newer_keys(&self, than: &Arc<KeySet>, now: Timestamp) -> Result<Arc<KeySet>, Fault> {
        let mut slot = self.known.lock().await;
        let known = slot.as_mut().ok_or_else(|| Fault::host("the provider is forgotten"))?;
        let just_asked = known.asked_again_at.is_some_and(|at| is_younger(at, KEYS_MS_MIN, now));
        if Arc::ptr_eq(&known.keys, than) && !just_asked {
            known.asked_again_at = Some(now);
            known.keys = Arc::new(self.provider.keys(&known.metadata).await?);
        }
        Ok(known.keys.clone())
    }
}

fn is_younger(at: Timestamp, ms: u64, now: Timestamp) -> bool {
    now.since(at).is_some_and(|age| age.0 < ms)
}

/// Asks the provider what it is, and how many keys it has.
pub(crate) async fn probe(config: &AccessConfig, egress: &Arc<Egress>) -> Result<usize, Fault> {
    let Some(oidc) = Oidc::new(config, egress) else { return Ok(0) };
    if let Some(secret) = &oidc.config().client_secret {
        secret.resolve()?;
    }
    Ok(oidc.known(crate::clock::now()).await?.keys.len())
}

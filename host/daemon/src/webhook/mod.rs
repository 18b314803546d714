//! Who sent a webhook, and is it fresh: answered over the raw bytes, in constant time, before anything is parsed.
//!
//! Pure. Invariant: secrets belong to the endpoint and never come from the request; where a scheme signs, nothing
//! weaker is taken in its place.

mod body;
mod exclude;
mod request;
mod scheme;
mod schemes;
mod signature;
mod standard;
#[cfg(test)]
mod tests;

use crate::egress::Secret;

pub use exclude::without;
pub use request::WebhookRequest;
pub use scheme::{Scheme, UnknownScheme};

/// A delivery of the sender it claims to be from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// Id the sender gave it, the same when it is delivered again.
    pub delivery_id: Option<String>,
    /// A handshake: answer with this text and keep nothing.
    pub challenge: Option<String>,
}

/// A delivery that is not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("webhook is refused: {reason}")]
pub struct Refusal {
    /// Why.
    pub reason: RefusalReason,
    /// HTTP status to answer with.
    pub status: u16,
}

/// Why a delivery is not taken. Tells the operator what to look at, and a stranger nothing worth knowing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, thiserror::Error)]
pub enum RefusalReason {
    /// The endpoint has no secret, or none of the form its scheme needs.
    #[error("no secret of the right form is configured")]
    NotConfigured,
    /// The delivery is not signed the way the scheme says.
    #[error("signature is missing")]
    Missing,
    /// The signature, or what is signed with it, cannot be read.
    #[error("signature is malformed")]
    Malformed,
    /// It is signed with something weaker than the scheme asks for.
    #[error("signature is of a weak kind")]
    Weak,
    /// The signature is of another secret or of another body.
    #[error("signature does not match")]
    Mismatch,
    /// It was signed too long ago, or ahead of our clock.
    #[error("timestamp is out of the window of five minutes")]
    Stale,
}

impl From<RefusalReason> for Refusal {
    fn from(reason: RefusalReason) -> Self {
        // Without a secret the sender did nothing wrong and may well come back once there is one.
        let status = if reason == RefusalReason::NotConfigured { 503 } else { 401 };
        Self { reason, status }
    }
}

/// Checks `request` by `scheme`. Any of `secrets` may match, so that they can be exchanged without a gap.
pub fn verify(scheme: &Scheme, secrets: &[Secret], request: &WebhookRequest<'_>) -> Result<Verified, Refusal> {
    let secrets: Vec<&str> = secrets.iter().map(Secret::expose).filter(|secret| !secret.is_empty()).collect();
    if secrets.is_empty() && *scheme != Scheme::None {
        return Err(RefusalReason::NotConfigured.into());
    }
    let verified = match scheme {
        Scheme::Github => schemes::github(&secrets, request)?,
        Scheme::Gitlab => schemes::gitlab(&secrets, request)?,
        Scheme::Jira => schemes::jira(&secrets, request)?,
        Scheme::Bitbucket => schemes::bitbucket(&secrets, request)?,
        Scheme::Slack => schemes::slack(&secrets, request)?,
        Scheme::StandardWebhooks => standard::verify(&secrets, request)?,
        Scheme::Gogs => schemes::gogs(&secrets, request)?,
        Scheme::HmacSha256 { header } => schemes::hmac_sha256(header, &secrets, request)?,
        Scheme::AzureDevops => schemes::azure_devops(&secrets, request)?,
        Scheme::Pagerduty => schemes::pagerduty(&secrets, request)?,
        Scheme::None => schemes::unverified(request)?,
    };
    Ok(verified)
}

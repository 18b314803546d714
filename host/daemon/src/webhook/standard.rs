//! Standard Webhooks (standardwebhooks.com): id, timestamp and body are signed together.

use ring::signature::{ED25519, UnparsedPublicKey};
use zeroize::Zeroizing;

use super::request::is_id;
use super::{RefusalReason, Verified, WebhookRequest, signature};

/// Prefix of a shared secret and of a public key, both base64 behind it.
pub(super) const SECRET_PREFIX: &str = "whsec_";
const PUBLIC_PREFIX: &str = "whpk_";
/// A sender signs with its old and its new key; nobody has more than a few.
const SIGNATURES_MAX: usize = 16;

/// What a delivery may be signed with.
#[derive(Default)]
struct Keys {
    shared: Vec<Zeroizing<Vec<u8>>>,
    public: Vec<Vec<u8>>,
}

pub(super) fn verify(secrets: &[&str], request: &WebhookRequest<'_>) -> Result<Verified, RefusalReason> {
    let id = request.required("webhook-id")?;
    let timestamp = request.required("webhook-timestamp")?;
    let signatures = request.required("webhook-signature")?;
    if !is_id(id) {
        return Err(RefusalReason::Malformed);
    }
    let signed = [id.as_bytes(), b".", timestamp.as_bytes(), b".", request.body].concat();
    check(&Keys::read(secrets)?, signatures, &signed)?;
    request.check_fresh(timestamp)?;
    Ok(Verified { delivery_id: Some(id.to_owned()), challenge: None })
}

fn check(keys: &Keys, signatures: &str, signed: &[u8]) -> Result<(), RefusalReason> {
    let mut n_known = 0;
    let mut is_match = false;
    for signature in signatures.split(' ').take(SIGNATURES_MAX) {
        let (version, text) = signature.split_once(',').ok_or(RefusalReason::Malformed)?;
        match version {
            "v1" => is_match |= signature::matches(&keys.shared, &[signed], &signature::base64(text)?),
            "v1a" => is_match |= keys.has_signed(signed, &signature::base64(text)?),
            _ => continue,
        }
        n_known += 1;
    }
    if n_known == 0 { Err(RefusalReason::Weak) } else { signature::require(is_match) }
}

impl Keys {
    fn read(secrets: &[&str]) -> Result<Self, RefusalReason> {
        let unusable = |_| RefusalReason::NotConfigured;
        let mut keys = Self::default();
        for secret in secrets {
            if let Some(text) = secret.strip_prefix(SECRET_PREFIX) {
                keys.shared.push(Zeroizing::new(signature::base64(text).map_err(unusable)?));
            } else if let Some(text) = secret.strip_prefix(PUBLIC_PREFIX) {
                keys.public.push(signature::base64(text).map_err(unusable)?);
            } else {
                // Senders disagree on whether a secret without prefix is base64; whoever signs holds one of the two.
                keys.shared.extend(signature::base64(secret).ok().filter(|key| !key.is_empty()).map(Zeroizing::new));
                keys.shared.push(Zeroizing::new(secret.as_bytes().to_vec()));
            }
        }
        let is_empty = keys.shared.iter().any(|key| key.is_empty());
        if is_empty { Err(RefusalReason::NotConfigured) } else { Ok(keys) }
    }

    fn has_signed(&self, signed: &[u8], signature: &[u8]) -> bool {
        self.public.iter().any(|key| UnparsedPublicKey::new(&ED25519, key).verify(signed, signature).is_ok())
    }
}

//! `[trust]`

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;

use super::ConfigError;

/// Bytes of a public key of Ed25519.
const KEY_BYTES: usize = 32;
/// Characters of a SHA-256 in hex.
const DIGEST_CHARS: usize = 64;

/// `[trust]`: whose plugins may be used.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TrustConfig {
    /// Public keys of those whose signatures count, by the names they are shown with.
    pub publishers: BTreeMap<String, String>,
    /// How many of them must have signed a plugin that did not come with Weir. Left out: one, when there are any.
    pub signatures: Option<usize>,
    /// SHA-256 of components that must not be used, whoever signed them.
    pub revoked: Vec<String>,
}

impl TrustConfig {
    /// How many publishers must have signed a plugin.
    pub fn signatures(&self) -> usize {
        self.signatures.unwrap_or(usize::from(!self.publishers.is_empty()))
    }

    pub(super) fn check(&self) -> Result<(), ConfigError> {
        let wrong =
            |what: String, hint: &str| Err(ConfigError::Wrong { place: "`[trust]`".into(), what, hint: hint.into() });
        let is_key = |key: &str| STANDARD.decode(key).is_ok_and(|key| key.len() == KEY_BYTES);
        if let Some((name, _)) = self.publishers.iter().find(|(_, key)| !is_key(key)) {
            let hint = "it is the line that `weir plugin keygen` prints, 44 characters of base64";
            return wrong(format!("has no public key for `{name}`"), hint);
        }
        if self.signatures() > self.publishers.len() {
            let what = format!("wants {} signatures of {} publishers", self.signatures(), self.publishers.len());
            return wrong(what, "name more of them in `publishers`, or lower `signatures`");
        }
        let is_digest = |text: &str| text.len() == DIGEST_CHARS && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        match self.revoked.iter().find(|digest| !is_digest(digest)) {
            Some(other) => wrong(format!("revokes `{other}`"), "`weir plugin inspect FILE` prints the digest to name"),
            None => Ok(()),
        }
    }
}

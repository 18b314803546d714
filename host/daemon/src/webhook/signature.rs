//! Signatures, compared in constant time. Every secret is tried, whether one before it matched or not, so that the
//! time taken does not tell which did.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::hmac::{self, HMAC_SHA256, Key};

use super::RefusalReason;

/// Bytes of an HMAC-SHA256.
pub(super) const TAG_BYTES: usize = 32;

/// Whether `tag` is the HMAC-SHA256 of `message` under any of `keys`.
pub(super) fn matches<K: AsRef<[u8]>>(keys: &[K], message: &[&[u8]], tag: &[u8]) -> bool {
    let matching = |key: &K| {
        let key = Key::new(HMAC_SHA256, key.as_ref());
        match message {
            [one] => hmac::verify(&key, one, tag).is_ok(),
            parts => hmac::verify(&key, &parts.concat(), tag).is_ok(),
        }
    };
    keys.iter().fold(false, |found, key| matching(key) | found)
}

/// Whether `given` is any of `secrets`. Compares digests, for the length of a secret is one too.
pub(super) fn equals(secrets: &[&str], given: &[u8]) -> bool {
    let same = |secret: &&str| {
        let key = Key::new(HMAC_SHA256, secret.as_bytes());
        hmac::verify(&key, secret.as_bytes(), hmac::sign(&key, given).as_ref()).is_ok()
    };
    secrets.iter().fold(false, |found, secret| same(secret) | found)
}

/// Turns "does it match" into an answer.
pub(super) fn require(is_match: bool) -> Result<(), RefusalReason> {
    if is_match { Ok(()) } else { Err(RefusalReason::Mismatch) }
}

/// Reads `sha256=<hex>`.
pub(super) fn sha256_hex(text: &str) -> Result<Vec<u8>, RefusalReason> {
    match text.split_once('=') {
        Some(("sha256", digits)) => hex(digits),
        Some(("sha1" | "md5", _)) => Err(RefusalReason::Weak),
        _ => Err(RefusalReason::Malformed),
    }
}

/// Reads 64 hexadecimal digits.
pub(super) fn hex(digits: &str) -> Result<Vec<u8>, RefusalReason> {
    let digit = |byte: &u8| char::from(*byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let pair = |pair: &[u8]| Some(digit(&pair[0])? << 4 | digit(&pair[1])?);
    if digits.len() != 2 * TAG_BYTES {
        return Err(RefusalReason::Malformed);
    }
    digits.as_bytes().chunks_exact(2).map(pair).collect::<Option<_>>().ok_or(RefusalReason::Malformed)
}

/// Reads base64 with padding.
pub(super) fn base64(text: &str) -> Result<Vec<u8>, RefusalReason> {
    STANDARD.decode(text).map_err(|_| RefusalReason::Malformed)
}

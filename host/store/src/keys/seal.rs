//! Sealing: AES-256-GCM with a random nonce in front. What does not verify is never given out.

use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::rand::{SecureRandom, SystemRandom};

use super::KeyBytes;

/// Bytes that sealing adds.
pub(crate) const SEAL_BYTES: usize = NONCE_LEN + 16;

/// A key that seals. One is derived for each generation, so that random nonces stay far from their bound.
pub(crate) struct SealKey {
    key: LessSafeKey,
    random: SystemRandom,
}

impl SealKey {
    pub(crate) fn new(key: &KeyBytes) -> Self {
        let key = UnboundKey::new(&AES_256_GCM, &key[..]).expect("the key has 32 bytes");
        Self { key: LessSafeKey::new(key), random: SystemRandom::new() }
    }

    /// Seals `plain` and binds it to the parts of `aad`. None: the system gives no random bytes.
    pub(crate) fn seal(&self, aad: &[&[u8]], plain: &[u8]) -> Option<Vec<u8>> {
        let mut nonce = [0; NONCE_LEN];
        self.random.fill(&mut nonce).ok()?;
        let mut sealed = Vec::with_capacity(plain.len() + SEAL_BYTES);
        sealed.extend_from_slice(&nonce);
        sealed.extend_from_slice(plain);
        let nonce = Nonce::assume_unique_for_key(nonce);
        let tag = self.key.seal_in_place_separate_tag(nonce, bound(aad), &mut sealed[NONCE_LEN..]).ok()?;
        sealed.extend_from_slice(tag.as_ref());
        Some(sealed)
    }

    /// Opens what was sealed under the same key and bound to the same parts; none for anything else.
    pub(crate) fn open(&self, aad: &[&[u8]], sealed: &[u8]) -> Option<Vec<u8>> {
        let (nonce, sealed) = sealed.split_at_checked(NONCE_LEN)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
        let mut bytes = sealed.to_vec();
        let n_plain = self.key.open_in_place(nonce, bound(aad), &mut bytes).ok()?.len();
        bytes.truncate(n_plain);
        Some(bytes)
    }
}

/// Parts with their lengths, so that two lists of parts never give the same bytes.
fn bound(parts: &[&[u8]]) -> Aad<Vec<u8>> {
    let mut bytes = Vec::new();
    for part in parts {
        bytes.extend_from_slice(&(part.len() as u64).to_be_bytes());
        bytes.extend_from_slice(part);
    }
    Aad::from(bytes)
}

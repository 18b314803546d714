//! Log-ins that have begun here and go on at the provider. Each ends once, in the browser it began in, in time.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::digest::{SHA256, digest};
use weir_model::{DurationMs, Timestamp};

use crate::error::Fault;
use crate::hex::{random, random_hex, sha256};

/// How long somebody may take at the provider, in milliseconds.
pub(crate) const LASTS_MS: u64 = 10 * 60_000;
/// Most log-ins under way; with one more the oldest is given up.
const PENDING_MAX: usize = 10_000;

/// Log-ins under way, by the hash of their state.
#[derive(Debug, Default)]
pub(crate) struct Pending(Mutex<BTreeMap<String, LogIn>>);

/// A log-in under way.
#[derive(Debug, Clone)]
pub(crate) struct LogIn {
    /// What the ID token must carry.
    pub(crate) nonce: String,
    /// What proves to the provider that who began also ends.
    pub(crate) verifier: String,
    /// Where the person wanted to go.
    pub(crate) return_to: Option<String>,
    /// Hash of what the browser has in a cookie.
    browser: String,
    began_at: Timestamp,
}

/// What the browser is sent off with.
#[derive(Debug)]
pub(crate) struct Begun {
    /// Comes back with the answer of the provider.
    pub(crate) state: String,
    /// Stays in the browser.
    pub(crate) cookie: String,
    pub(crate) nonce: String,
    /// What the provider is told of the verifier.
    pub(crate) challenge: String,
}

impl Pending {
    /// Begins a log-in.
    pub(crate) fn begin(&self, return_to: Option<String>, now: Timestamp) -> Result<Begun, Fault> {
        let (state, cookie, nonce) = (random_hex::<32>()?, random_hex::<32>()?, random_hex::<16>()?);
        let verifier = URL_SAFE_NO_PAD.encode(random::<32>()?);
        let challenge = URL_SAFE_NO_PAD.encode(digest(&SHA256, verifier.as_bytes()));
        let log_in = LogIn { nonce: nonce.clone(), verifier, return_to, browser: sha256(&cookie), began_at: now };
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= PENDING_MAX {
            all.retain(|_, log_in| log_in.holds(now));
            give_up_oldest(&mut all);
        }
        all.insert(sha256(&state), log_in);
        Ok(Begun { state, cookie, nonce, challenge })
    }

    /// Ends a log-in; none when there is none such, it took too long, or it began in another browser. Whoever brings a
    /// state has used it up.
    pub(crate) fn take(&self, state: &str, cookie: Option<&str>, now: Timestamp) -> Option<LogIn> {
        let log_in = self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&sha256(state))?;
        // Both are hashes of random secrets: comparing them tells nothing about either, even when it stops early.
        let same = cookie.is_some_and(|cookie| sha256(cookie) == log_in.browser);
        (same && log_in.holds(now)).then_some(log_in)
    }
}

fn give_up_oldest(all: &mut BTreeMap<String, LogIn>) {
    let oldest = all.iter().min_by_key(|(_, log_in)| log_in.began_at).map(|(state, _)| state.clone());
    if let Some(state) = oldest.filter(|_| all.len() >= PENDING_MAX) {
        all.remove(&state);
    }
}

impl LogIn {
    fn holds(&self, now: Timestamp) -> bool {
        now < self.began_at.plus(DurationMs(LASTS_MS))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> Timestamp {
        Timestamp::from_ms(1_700_000_000_000)
    }

    #[test]
    fn a_log_in_ends_once_in_its_browser_and_in_time() {
        let pending = Pending::default();
        let begin = || pending.begin(None, now()).unwrap();
        let (first, second) = (begin(), begin());
        assert!(pending.take(&first.state, Some(&first.cookie), now()).is_some());
        assert!(pending.take(&first.state, Some(&first.cookie), now()).is_none(), "a second time");
        assert!(pending.take(&second.state, Some(&first.cookie), now()).is_none(), "in another browser");
        assert!(pending.take(&second.state, Some(&second.cookie), now()).is_none(), "after another browser tried");
        let without = begin();
        assert!(pending.take(&without.state, None, now()).is_none(), "without a cookie");
        assert!(pending.take("made up", Some(&first.cookie), now()).is_none());
        for (late_ms, expected) in [(LASTS_MS - 1, true), (LASTS_MS, false)] {
            let third = begin();
            let taken = pending.take(&third.state, Some(&third.cookie), now().plus(DurationMs(late_ms)));
            assert_eq!(taken.is_some(), expected, "{late_ms}");
        }
    }

    #[test]
    fn the_oldest_is_given_up_when_there_are_too_many() {
        let pending = Pending::default();
        let at = |n: usize| now().plus(DurationMs(u64::try_from(n).unwrap()));
        let begun: Vec<_> = (0..=PENDING_MAX).map(|n| pending.begin(None, at(n)).unwrap()).collect();
        assert!(pending.take(&begun[0].state, Some(&begun[0].cookie), at(PENDING_MAX)).is_none());
        assert!(pending.take(&begun[1].state, Some(&begun[1].cookie), at(PENDING_MAX)).is_some());
    }

    #[test]
    fn the_challenge_is_that_of_the_verifier() {
        let pending = Pending::default();
        let begun = pending.begin(None, now()).unwrap();
        let log_in = pending.take(&begun.state, Some(&begun.cookie), now()).unwrap();
        assert_eq!((log_in.verifier.len(), &log_in.nonce), (43, &begun.nonce));
        assert_eq!(URL_SAFE_NO_PAD.encode(digest(&SHA256, log_in.verifier.as_bytes())), begun.challenge);
    }
}

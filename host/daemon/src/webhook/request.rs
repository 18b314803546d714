//! A delivery as it came in. A header that decides must be there once: of two, a proxy and we might read another.

use weir_model::Timestamp;

use super::RefusalReason;

/// How far the sender's clock may be from ours, in milliseconds, either way.
const WINDOW_MS: i64 = 5 * 60 * 1_000;
/// A longer id is none of a sender we know.
const ID_BYTES_MAX: usize = 256;

/// One delivery.
#[derive(Debug, Clone, Copy)]
pub struct WebhookRequest<'a> {
    /// Headers, names in lower case.
    pub headers: &'a [(String, String)],
    /// Path it came to.
    pub path: &'a str,
    /// Query, decoded.
    pub query: &'a [(String, String)],
    /// Body, byte for byte.
    pub body: &'a [u8],
    /// When it came.
    pub received_at: Timestamp,
}

impl<'a> WebhookRequest<'a> {
    /// A header that may be missing.
    pub(super) fn optional(&self, name: &str) -> Result<Option<&'a str>, RefusalReason> {
        let mut values = self.headers.iter().filter(|(key, _)| key.eq_ignore_ascii_case(name));
        let first = values.next().map(|(_, value)| value.trim());
        if values.next().is_some() { Err(RefusalReason::Malformed) } else { Ok(first) }
    }

    /// A header without which nothing can be verified.
    pub(super) fn required(&self, name: &str) -> Result<&'a str, RefusalReason> {
        self.optional(name)?.filter(|value| !value.is_empty()).ok_or(RefusalReason::Missing)
    }

    /// The first of `names` that carries an id.
    pub(super) fn id(&self, names: &[&str]) -> Option<String> {
        let value = |name: &&str| self.optional(name).ok().flatten().filter(|value| is_id(value));
        names.iter().find_map(value).map(str::to_owned)
    }

    /// Checks a timestamp in seconds against the window.
    pub(super) fn check_fresh(&self, timestamp: &str) -> Result<(), RefusalReason> {
        let seconds: i64 = timestamp.parse().map_err(|_| RefusalReason::Malformed)?;
        let apart = self.received_at.ms().saturating_sub(seconds.saturating_mul(1_000));
        if apart.unsigned_abs() <= WINDOW_MS.unsigned_abs() { Ok(()) } else { Err(RefusalReason::Stale) }
    }
}

pub(super) fn is_id(text: &str) -> bool {
    !text.is_empty() && text.len() <= ID_BYTES_MAX && !text.chars().any(char::is_control)
}

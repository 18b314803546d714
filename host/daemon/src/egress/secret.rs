//! Secrets and the mask that keeps them out of what leaves egress. A [`Secret`] cannot be printed, is wiped from
//! memory when dropped, and is read in one place only: where it goes into a request or into a signature.

use std::borrow::Cow;
use std::sync::{Arc, RwLock, RwLockReadGuard};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::{Bytes, BytesMut};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use zeroize::Zeroizing;

/// A password, token or key. Has no `Debug`, `Display` or `Serialize`, on purpose.
#[derive(Clone)]
pub struct Secret(Arc<Zeroizing<String>>);

impl Secret {
    /// Takes the text over; surrounding white space, as files end with it, is not part of a secret.
    pub fn new(text: impl Into<String>) -> Self {
        let text = Zeroizing::new(text.into());
        let trimmed = text.trim();
        Self(Arc::new(if trimmed.len() == text.len() { text } else { Zeroizing::new(trimmed.to_owned()) }))
    }

    /// The text itself. Whoever calls this must not log it, store it or put it into an error.
    pub fn expose(&self) -> &str {
        &self.0
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Finds secrets in what a tool echoes and blots them out.
#[derive(Default)]
pub(crate) struct Mask(RwLock<Vec<Secret>>);

/// A shorter one would blot out ordinary words.
const MASKED_BYTES_MIN: usize = 6;

impl Mask {
    /// Adds a secret in each spelling it may come back in: as it is, URL-encoded, base64.
    pub(crate) fn add(&self, secret: &str) {
        let encoded = utf8_percent_encode(secret, NON_ALPHANUMERIC).to_string();
        let spellings = [secret.to_owned(), encoded, STANDARD.encode(secret)];
        let mut known = self.0.write().expect("nothing panics while it is held");
        for spelling in spellings {
            let spelling = Secret::new(spelling);
            let new = !known.iter().any(|secret| secret.expose() == spelling.expose());
            if new && spelling.expose().len() >= MASKED_BYTES_MIN {
                known.push(spelling);
            }
        }
    }

    /// Text with every secret blotted out.
    pub(crate) fn text(&self, text: impl Into<String>) -> String {
        let mut text = text.into();
        for secret in self.known().iter() {
            if text.contains(secret.expose()) {
                text = text.replace(secret.expose(), "***");
            }
        }
        text
    }

    /// Header value with every secret blotted out.
    pub(crate) fn header<'a>(&self, value: &'a [u8]) -> Cow<'a, [u8]> {
        let known = self.known();
        if !known.iter().any(|secret| holds(value, secret)) {
            return Cow::Borrowed(value);
        }
        let mut value = value.to_vec();
        known.iter().for_each(|secret| blot(&mut value, secret));
        Cow::Owned(value)
    }

    /// Body with every secret blotted out by stars, its length unchanged. Copies nothing when there is none.
    pub(crate) fn body(&self, body: Bytes) -> Bytes {
        let known = self.known();
        if !known.iter().any(|secret| holds(&body, secret)) {
            return body;
        }
        let mut body = BytesMut::from(body);
        known.iter().for_each(|secret| blot(&mut body, secret));
        body.freeze()
    }

    fn known(&self) -> RwLockReadGuard<'_, Vec<Secret>> {
        self.0.read().expect("nothing panics while it is held")
    }
}

/// Secrets are text, so they can only stand in those parts of a body that are.
fn holds(bytes: &[u8], secret: &Secret) -> bool {
    match std::str::from_utf8(bytes) {
        Ok(text) => text.contains(secret.expose()),
        Err(_) => bytes.utf8_chunks().any(|chunk| chunk.valid().contains(secret.expose())),
    }
}

fn blot(bytes: &mut [u8], secret: &Secret) {
    let n_bytes = secret.expose().len();
    let mut starts = Vec::new();
    let mut chunk_start = 0;
    for chunk in bytes.utf8_chunks() {
        starts.extend(chunk.valid().match_indices(secret.expose()).map(|(at, _)| chunk_start + at));
        chunk_start += chunk.valid().len() + chunk.invalid().len();
    }
    for start in starts {
        bytes[start..start + n_bytes].fill(b'*');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blots_out_each_spelling() {
        let mask = Mask::default();
        mask.add("s3cr t/token");
        assert_eq!(mask.text("a s3cr t/token b s3cr%20t%2Ftoken c czNjciB0L3Rva2Vu"), "a *** b *** c ***");
        let body = mask.body(Bytes::from_static(b"{\"echo\":\"s3cr t/token\"}"));
        assert_eq!(body, Bytes::from_static(b"{\"echo\":\"************\"}"));
        let binary = mask.body(Bytes::from_static(b"\xff\xfes3cr t/token\xff"));
        assert_eq!(binary, Bytes::from_static(b"\xff\xfe************\xff"));
        assert_eq!(mask.header(b"key=s3cr%20t%2Ftoken;").as_ref(), b"key=****************;");
    }

    #[test]
    fn a_body_without_secrets_is_not_copied() {
        let mask = Mask::default();
        mask.add("s3cr3t-token");
        let body = Bytes::from_static(b"nothing here");
        assert_eq!(mask.body(body.clone()).as_ptr(), body.as_ptr());
    }
}

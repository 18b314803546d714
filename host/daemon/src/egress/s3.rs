//! Signatures for stores of the S3 kind: AWS Signature Version 4, in the query.
//!
//! A request is signed as it leaves, so one that is tried again is signed anew. The body is not covered; TLS is.

use std::collections::BTreeSet;

use rusty_s3::signing;
use url::Url;
use weir_model::Timestamp;
use weir_sandbox::Method;

use super::secret::Secret;

/// Time for which a signature is good, in seconds; clocks differ, and a large body takes a while.
const GOOD_S: u64 = 900;

/// What a store of the S3 kind knows somebody by.
#[derive(Clone)]
pub struct S3Key {
    /// Region that the store says it is in: `eu-central-1`.
    pub region: String,
    /// Name of the key.
    pub access_key: Secret,
    /// The key.
    pub secret_key: Secret,
}

impl S3Key {
    /// Puts a signature of method, host, path and query into the query of `url`.
    pub(crate) fn sign(&self, method: Method, url: &mut Url, now: Timestamp) {
        let (Some(method), Ok(now)) = (known(method), jiff::Timestamp::from_millisecond(now.ms())) else { return };
        let pairs: BTreeSet<(String, String)> =
            url.query_pairs().map(|(name, value)| (name.into_owned(), value.into_owned())).collect();
        *url = signing::sign(
            &now,
            method,
            url.clone(),
            self.access_key.expose(),
            self.secret_key.expose(),
            None,
            &self.region,
            GOOD_S,
            pairs.iter().map(|(name, value)| (name.as_str(), value.as_str())),
            std::iter::empty(),
        );
    }
}

/// None of a method that stores do not have; such a request goes out unsigned and is refused there.
fn known(method: Method) -> Option<rusty_s3::Method> {
    Some(match method {
        Method::Get => rusty_s3::Method::Get,
        Method::Head => rusty_s3::Method::Head,
        Method::Post => rusty_s3::Method::Post,
        Method::Put => rusty_s3::Method::Put,
        Method::Delete => rusty_s3::Method::Delete,
        Method::Patch => return None,
    })
}

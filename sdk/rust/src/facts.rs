//! Read-only questions of a propel to the derived data, by names the operator granted.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::failure::Failure;
#[cfg(target_family = "wasm")]
use crate::guest::wire as host;
#[cfg(not(target_family = "wasm"))]
use crate::mock as host;

/// Runs a named query; parameters and answer are JSON.
pub fn query<T: DeserializeOwned>(name: &str, params: &impl Serialize) -> Result<T, Failure> {
    let unfit = |error| Failure::internal("facts.unreadable", format!("query `{name}`: {error}"));
    let params = serde_json::to_string(params).map_err(unfit)?;
    serde_json::from_str(&host::facts_query(name, &params)?).map_err(unfit)
}

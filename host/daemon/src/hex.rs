//! Digests and random values as hexadecimal digits, two for each byte.

use ring::digest::{SHA256, digest};
use ring::rand::{SecureRandom, SystemRandom};

use crate::error::Fault;

/// Bytes as digits.
pub(crate) fn hex(bytes: impl AsRef<[u8]>) -> String {
    bytes.as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// SHA-256, 64 digits. Right for random secrets of 256 bits; passwords want something slower.
pub(crate) fn sha256(bytes: impl AsRef<[u8]>) -> String {
    hex(digest(&SHA256, bytes.as_ref()))
}

/// Random bytes, fit to be secrets.
pub(crate) fn random<const N: usize>() -> Result<[u8; N], Fault> {
    let mut bytes = [0; N];
    SystemRandom::new().fill(&mut bytes).map_err(|_| Fault::host("the system gives no random numbers"))?;
    Ok(bytes)
}

/// Random digits of `N` bytes.
pub(crate) fn random_hex<const N: usize>() -> Result<String, Fault> {
    random::<N>().map(hex)
}

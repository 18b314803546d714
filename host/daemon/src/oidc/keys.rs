//! Keys of a provider, and whether one of them signed something.
//!
//! Invariant: only public-key signatures are known here. A shared secret signs nothing, and nothing is ever unsigned.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, ED25519, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_2048_8192_SHA384,
    RSA_PKCS1_2048_8192_SHA512, RSA_PSS_2048_8192_SHA256, RsaParameters, RsaPublicKeyComponents, UnparsedPublicKey,
    VerificationAlgorithm,
};
use serde::Deserialize;

/// A way to sign.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Algorithm {
    Rs256,
    Rs384,
    Rs512,
    Ps256,
    Es256,
    Es384,
    EdDsa,
}

/// The public keys a provider names.
#[derive(Debug, Default)]
pub(crate) struct KeySet(Vec<Key>);

#[derive(Debug)]
struct Key {
    id: Option<String>,
    algorithm: Option<String>,
    material: Material,
}

#[derive(Debug)]
enum Material {
    Rsa { n: Vec<u8>, e: Vec<u8> },
    P256(Vec<u8>),
    P384(Vec<u8>),
    Ed25519(Vec<u8>),
}

/// A key as it is written (RFC 7517). What is private in one is not read.
#[derive(Deserialize)]
struct Written {
    kty: String,
    kid: Option<String>,
    alg: Option<String>,
    #[serde(rename = "use")]
    usage: Option<String>,
    crv: Option<String>,
    n: Option<String>,
    e: Option<String>,
    x: Option<String>,
    y: Option<String>,
}

#[derive(Deserialize)]
struct WrittenSet {
    keys: Vec<serde_json::Value>,
}

/// Why a signature does not count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SignatureError {
    /// None of the keys is the one that is named.
    UnknownKey,
    /// It is not of that key.
    Wrong,
}

impl Algorithm {
    /// The algorithm with this name (RFC 7518); none for those that are not taken.
    pub(crate) fn named(name: &str) -> Option<Self> {
        Some(match name {
            "RS256" => Self::Rs256,
            "RS384" => Self::Rs384,
            "RS512" => Self::Rs512,
            "PS256" => Self::Ps256,
            "ES256" => Self::Es256,
            "ES384" => Self::Es384,
            "EdDSA" => Self::EdDsa,
            _ => return None,
        })
    }

    fn rsa(self) -> Option<&'static RsaParameters> {
        Some(match self {
            Self::Rs256 => &RSA_PKCS1_2048_8192_SHA256,
            Self::Rs384 => &RSA_PKCS1_2048_8192_SHA384,
            Self::Rs512 => &RSA_PKCS1_2048_8192_SHA512,
            Self::Ps256 => &RSA_PSS_2048_8192_SHA256,
            Self::Es256 | Self::Es384 | Self::EdDsa => return None,
        })
    }
}

impl KeySet {
    /// Reads a set. A key of a kind that is not known, or not for signatures, is passed over.
    pub(crate) fn read(json: &[u8]) -> Result<Self, serde_json::Error> {
        let set: WrittenSet = serde_json::from_slice(json)?;
        let written = set.keys.into_iter().filter_map(|key| serde_json::from_value::<Written>(key).ok());
        Ok(Self(written.filter_map(Key::read).collect()))
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether `signed` was signed by the key that is named, or by the only one that fits when none is.
    pub(crate) fn verify(
        &self,
        (algorithm, name): (Algorithm, &str),
        key_id: Option<&str>,
        signed: &[u8],
        signature: &[u8],
    ) -> Result<(), SignatureError> {
        let fits = |key: &&Key| key.algorithm.as_deref().is_none_or(|own| own == name) && key.fits(algorithm);
        let mut fitting = self.0.iter().filter(fits);
        let key = match key_id {
            Some(id) => fitting.find(|key| key.id.as_deref() == Some(id)),
            None => fitting.next().filter(|_| fitting.next().is_none()),
        };
        let key = key.ok_or(SignatureError::UnknownKey)?;
        if key.verifies(algorithm, signed, signature) { Ok(()) } else { Err(SignatureError::Wrong) }
    }
}

impl Key {
    fn read(written: Written) -> Option<Self> {
        let Written { kty, kid, alg, usage, crv, n, e, x, y } = written;
        if usage.is_some_and(|usage| usage != "sig") {
            return None;
        }
        let material = match (kty.as_str(), crv.as_deref()) {
            ("RSA", None) => Material::Rsa { n: number(n)?, e: number(e)? },
            ("EC", Some("P-256")) => Material::P256(point::<32>(x, y)?),
            ("EC", Some("P-384")) => Material::P384(point::<48>(x, y)?),
            ("OKP", Some("Ed25519")) => Material::Ed25519(bytes(x)?),
            _ => return None,
        };
        Some(Self { id: kid, algorithm: alg, material })
    }

    /// Whether the algorithm is for keys of its kind.
    fn fits(&self, algorithm: Algorithm) -> bool {
        match &self.material {
            Material::Rsa { .. } => algorithm.rsa().is_some(),
            Material::P256(_) => algorithm == Algorithm::Es256,
            Material::P384(_) => algorithm == Algorithm::Es384,
            Material::Ed25519(_) => algorithm == Algorithm::EdDsa,
        }
    }

    fn verifies(&self, algorithm: Algorithm, signed: &[u8], signature: &[u8]) -> bool {
        let plain = |with: &'static dyn VerificationAlgorithm, key: &[u8]| {
            UnparsedPublicKey::new(with, key).verify(signed, signature).is_ok()
        };
        match (&self.material, algorithm) {
            (Material::P256(key), Algorithm::Es256) => plain(&ECDSA_P256_SHA256_FIXED, key),
            (Material::P384(key), Algorithm::Es384) => plain(&ECDSA_P384_SHA384_FIXED, key),
            (Material::Ed25519(key), Algorithm::EdDsa) => plain(&ED25519, key),
            (Material::Rsa { n, e }, algorithm) => {
                let key = RsaPublicKeyComponents { n, e };
                algorithm.rsa().is_some_and(|with| key.verify(with, signed, signature).is_ok())
            }
            _ => false,
        }
    }
}

fn bytes(text: Option<String>) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text?.trim_end_matches('=')).ok()
}

/// A big-endian number without the zeros some write before it.
fn number(text: Option<String>) -> Option<Vec<u8>> {
    let bytes = bytes(text)?;
    let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
    Some(bytes[zeros..].to_vec()).filter(|bytes| !bytes.is_empty())
}

/// An uncompressed point of a curve whose coordinates have `N` bytes.
fn point<const N: usize>(x: Option<String>, y: Option<String>) -> Option<Vec<u8>> {
    let (x, y) = (bytes(x)?, bytes(y)?);
    (x.len() == N && y.len() == N).then(|| [&[4], x.as_slice(), y.as_slice()].concat())
}

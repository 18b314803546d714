//! What is taken for an ID token, and what is not.

use base64::Engine as _;
use ring::hmac;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _};
use serde_json::json;

use super::*;

const NOW_S: i64 = 1_700_000_000;

/// A provider that signs.
struct Signer {
    key: EcdsaKeyPair,
    id: &'static str,
}

impl Signer {
    fn new(id: &'static str) -> Self {
        let (random, with) = (SystemRandom::new(), &ECDSA_P256_SHA256_FIXED_SIGNING);
        let key = EcdsaKeyPair::generate_pkcs8(with, &random).unwrap();
        Self { key: EcdsaKeyPair::from_pkcs8(with, key.as_ref(), &random).unwrap(), id }
    }

    fn jwk(&self) -> Value {
        let (x, y) = self.key.public_key().as_ref()[1..].split_at(32);
        json!({ "kty": "EC", "crv": "P-256", "use": "sig", "alg": "ES256", "kid": self.id, "x": text(x), "y": text(y) })
    }

    fn sign(&self, header: &Value, claims: &Value) -> String {
        let signed = joined(header, claims);
        let signature = self.key.sign(&SystemRandom::new(), signed.as_bytes()).unwrap();
        format!("{signed}.{}", text(signature.as_ref()))
    }

    fn token(&self, claims: &Value) -> String {
        self.sign(&json!({ "alg": "ES256", "kid": self.id }), claims)
    }
}

fn text(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

fn joined(header: &Value, claims: &Value) -> String {
    format!("{}.{}", text(header.to_string().as_bytes()), text(claims.to_string().as_bytes()))
}

fn keys(keys: &[Value]) -> KeySet {
    KeySet::read(json!({ "keys": keys }).to_string().as_bytes()).unwrap()
}

/// What a good token claims, with something else; null takes a claim away.
fn claims(other: &Value) -> Value {
    let mut claims = json!({
        "iss": "https://login.example.com", "aud": "weir", "sub": "1", "nonce": "n", "iat": NOW_S, "exp": NOW_S + 300,
    });
    for (name, value) in other.as_object().unwrap() {
        claims[name] = value.clone();
    }
    claims.as_object_mut().unwrap().retain(|_, value| !value.is_null());
    claims
}

fn judged(token: &str, keys: &KeySet) -> Result<(), TokenError> {
    let now = Timestamp::from_ms(NOW_S * 1_000);
    let expected = Expected { issuer: "https://login.example.com", client_id: "weir", nonce: "n", now };
    verified(token, keys, &expected).map(|_| ())
}

#[test]
fn every_claim_is_checked() {
    let signer = Signer::new("a");
    let keys = keys(&[signer.jwk()]);
    let cases = [
        (json!({}), Ok(())),
        (json!({ "iss": "https://login.example.com/" }), Err(TokenError::Issuer)),
        (json!({ "iss": "https://evil.example.com" }), Err(TokenError::Issuer)),
        (json!({ "iss": null }), Err(TokenError::Issuer)),
        (json!({ "aud": "other" }), Err(TokenError::Audience)),
        (json!({ "aud": ["other"] }), Err(TokenError::Audience)),
        (json!({ "aud": null }), Err(TokenError::Audience)),
        (json!({ "aud": ["weir"] }), Ok(())),
        (json!({ "aud": ["weir", "other"] }), Err(TokenError::Party)),
        (json!({ "aud": ["weir", "other"], "azp": "weir" }), Ok(())),
        (json!({ "aud": ["weir", "other"], "azp": "other" }), Err(TokenError::Party)),
        (json!({ "azp": "other" }), Err(TokenError::Party)),
        (json!({ "azp": 1 }), Err(TokenError::Party)),
        (json!({ "exp": NOW_S - 59 }), Ok(())),
        (json!({ "exp": NOW_S - 60 }), Err(TokenError::Expired)),
        (json!({ "exp": null }), Err(TokenError::Lacks("exp"))),
        (json!({ "exp": "2100-01-01" }), Err(TokenError::Lacks("exp"))),
        (json!({ "exp": 1_700_000_300.5 }), Ok(())),
        (json!({ "iat": NOW_S + 60 }), Ok(())),
        (json!({ "iat": NOW_S + 61 }), Err(TokenError::NotYet)),
        (json!({ "iat": null }), Err(TokenError::Lacks("iat"))),
        (json!({ "nbf": NOW_S + 61 }), Err(TokenError::NotYet)),
        (json!({ "nbf": "soon" }), Err(TokenError::Lacks("nbf"))),
        (json!({ "nonce": "m" }), Err(TokenError::Nonce)),
        (json!({ "nonce": null }), Err(TokenError::Nonce)),
        (json!({ "sub": "" }), Err(TokenError::Lacks("sub"))),
        (json!({ "sub": 1 }), Err(TokenError::Lacks("sub"))),
    ];
    for (other, expected) in cases {
        assert_eq!(judged(&signer.token(&claims(&other)), &keys), expected, "{other}");
    }
}

#[test]
fn only_the_providers_signature_counts() {
    let (signer, stranger) = (Signer::new("a"), Signer::new("a"));
    let keys = keys(&[signer.jwk()]);
    let good = claims(&json!({}));
    let token = signer.token(&good);
    let (content, signature) = token.rsplit_once('.').unwrap();
    let header = |alg: &str| json!({ "alg": alg, "kid": "a" });
    let algorithm = |alg: &str| Err(TokenError::Algorithm(alg.to_owned()));
    // A secret that everybody knows: the public key, in each form somebody may take for it.
    let public = signer.key.public_key().as_ref();
    let by_secret = |secret: &[u8]| {
        let forged = joined(&header("HS256"), &good);
        let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), forged.as_bytes());
        format!("{forged}.{}", text(tag.as_ref()))
    };
    let other_claims = joined(&header("ES256"), &claims(&json!({ "sub": "2" })));
    let cases = [
        (token.clone(), Ok(())),
        (stranger.token(&good), Err(TokenError::Signature)),
        (format!("{other_claims}.{signature}"), Err(TokenError::Signature)),
        (format!("{content}."), Err(TokenError::Signature)),
        (format!("{}.", joined(&header("none"), &good)), algorithm("none")),
        (format!("{}.", joined(&header("None"), &good)), algorithm("None")),
        (format!("{}.{signature}", joined(&header("none"), &good)), algorithm("none")),
        (by_secret(public), algorithm("HS256")),
        (by_secret(signer.jwk().to_string().as_bytes()), algorithm("HS256")),
        (signer.sign(&header("ES384"), &good), Err(TokenError::UnknownKey)),
        (signer.sign(&header("RS256"), &good), Err(TokenError::UnknownKey)),
        (signer.sign(&header("EdDSA"), &good), Err(TokenError::UnknownKey)),
        (signer.sign(&json!({ "alg": "ES256", "kid": "b" }), &good), Err(TokenError::UnknownKey)),
        (signer.sign(&json!({ "alg": "ES256" }), &good), Ok(())),
        (signer.sign(&json!({ "alg": "ES256", "kid": "a", "crit": ["b64"] }), &good), Err(TokenError::Critical)),
        // A key that comes with the token is nobody's.
        (stranger.sign(&json!({ "alg": "ES256", "jwk": stranger.jwk() }), &good), Err(TokenError::Signature)),
        (content.to_owned(), Err(TokenError::Malformed)),
        (format!("{token}.{signature}"), Err(TokenError::Signature)),
        (format!("{token}="), Err(TokenError::Malformed)),
        (String::new(), Err(TokenError::Malformed)),
        ("..".to_owned(), Err(TokenError::Malformed)),
        ("a".repeat(TOKEN_BYTES_MAX + 1), Err(TokenError::Malformed)),
    ];
    for (token, expected) in cases {
        assert_eq!(judged(&token, &keys), expected, "{token}");
    }
}

#[test]
fn keys_come_and_go() {
    let (old, new) = (Signer::new("old"), Signer::new("new"));
    let token = |signer: &Signer| signer.token(&claims(&json!({})));
    let (before, during, after) = (keys(&[old.jwk()]), keys(&[new.jwk(), old.jwk()]), keys(&[new.jwk()]));
    let unknown = Err(TokenError::UnknownKey);
    assert_eq!((judged(&token(&old), &before), judged(&token(&new), &before)), (Ok(()), unknown.clone()));
    assert_eq!((judged(&token(&old), &during), judged(&token(&new), &during)), (Ok(()), Ok(())));
    assert_eq!((judged(&token(&old), &after), judged(&token(&new), &after)), (unknown.clone(), Ok(())));
    // Without a name it must be the only one that fits.
    let nameless = new.sign(&json!({ "alg": "ES256" }), &claims(&json!({})));
    assert_eq!((judged(&nameless, &during), judged(&nameless, &after)), (unknown, Ok(())));
}

#[test]
fn keys_that_are_not_for_signatures_are_passed_over() {
    let signer = Signer::new("a");
    let with = |name: &str, value: &str| {
        let mut jwk = signer.jwk();
        jwk[name] = json!(value);
        jwk
    };
    let token = signer.token(&claims(&json!({})));
    for key in [
        with("use", "enc"),
        with("alg", "ES384"),
        with("kty", "oct"),
        with("crv", "P-384"),
        with("x", "AAAA"),
        with("y", "not base64!"),
        json!({ "kty": "oct", "kid": "a", "k": "c2VjcmV0" }),
        json!("no key"),
    ] {
        assert_eq!(judged(&token, &keys(std::slice::from_ref(&key))), Err(TokenError::UnknownKey), "{key}");
        assert_eq!(judged(&token, &keys(&[key, signer.jwk()])), Ok(()));
    }
    assert!(KeySet::read(b"{}").is_err() && KeySet::read(b"[]").is_err());
}

#[test]
fn other_kinds_of_keys_sign_too() {
    let pkcs8 = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).unwrap();
    let pair = Ed25519KeyPair::from_pkcs8(pkcs8.as_ref()).unwrap();
    let edwards = json!({ "kty": "OKP", "crv": "Ed25519", "x": text(pair.public_key().as_ref()) });
    let rsa = |padding: &str| json!({ "kty": "RSA", "e": "AQAB", "n": format!("{padding}{RSA_MODULUS}") });
    let decoded = |text: &str| URL_SAFE_NO_PAD.decode(text).unwrap();
    let cases = [
        ("EdDSA", edwards, pair.sign(b"weir").as_ref().to_vec()),
        ("RS256", rsa(""), decoded(RSA_RS256)),
        ("RS384", rsa(""), decoded(RSA_RS384)),
        // Some write a number with zeros before it.
        ("RS256", rsa("AAAA"), decoded(RSA_RS256)),
        ("PS256", rsa(""), decoded(RSA_PS256)),
    ];
    for (name, jwk, signature) in cases {
        let keys = keys(&[jwk]);
        let by = |name| (Algorithm::named(name).unwrap(), name);
        assert_eq!(keys.verify(by(name), None, b"weir", &signature), Ok(()), "{name}");
        assert_eq!(keys.verify(by(name), None, b"weis", &signature), Err(SignatureError::Wrong), "{name}");
        let other = if name == "PS256" { "RS256" } else { "PS256" };
        assert!(keys.verify(by(other), None, b"weir", &signature).is_err(), "{name}");
    }
}

/// The modulus of an RSA key, and what it signed: `weir`.
const RSA_MODULUS: &str = "lTQl_pRX9K2O3_ncK4hics8YJa8MJZgs8f70KsCNbJ7cVqk0QhsCagJ9vhu0Do1Qhd0Y1bInKSp9jXmfxdRMPayIp56Qnqzfg2eobN2ZxQJIB7xv-OV5Qit9oOZTtcFLcFEHEghZ_TSCTGJY85uXCOv0ILgfHqGTQVT1XNnpN0rNdl6aFzy603dMzf-W5p3SzzuERx9Pm4lwx0NjAm3QJ_BLqa7XSHL-GQR0EYI8bv-1JC0EhFKhic_f-oj7qIGJshd8Gf1sVwkQ-HimM10lCtbdJTy_1J-MZM39D13ADy4x-qrg3vKK95tiHrV5moHOemm1wzu39Y6_hDrArO7gtw";
const RSA_RS256: &str = "Lt1IDfv_1hlR4Ba96UDQdJ7Ipz95sC3QT0hRfACDJFKY0qO3VBK2wSLNwAIGySr-Bx7XsmSCMJiMlTl88oaRX_z20AMgzy5Hh4hxZSLLWYvmcvNlCNJ2Sf2Zk3IC_2031-Q-G85YcqiFuKh1Jk4JdEjhM4VDpL0cICVmlCXgpmdZ51SkYMA2l4Gcc1iDckyot8sRdEcqNtPF636CJw-eozp2M1Q5yWRbtIQFCWigXhxTNU3a_e8MRd-DcKoRm_LsmYU4ZnvQxeD6tP6IAp_8m9ycxJZBoPSaO-bysSjEaRwhVGlPfMiXonNUfCeAVGvgOrhfMFZqw-khS5G0juh3hA";
const RSA_RS384: &str = "U6mIN92r_2t9ro3lDPA-4OAGNJFb2VbAfmXfwKGhGyigVlqpqIpb57zj-eGNhl7b3UiTaHDn8F99nF3cMebdIoFQtA_QxokJ226afBfx3SyJeqR_ZrFBabvgp8fG9cRajvNgJeZ-6vjfe1eVrLed0EoLj0H96Ur8K-_W_kB8omMzaTyD5gCG5SxU68AQM5Bp_HdoOY3EBvCB_evuMjW280ue3FS201abSqXT-t4LarjgtntFpJSqn4pkecJZc0s3mmnbD-YtyzCRYZ182WslL_hTZX662wV9_usx6QP58AB9CpHSsCjj6y9NvOsNUJ001eacx-X-HatTjQ8yDhZPZg";
const RSA_PS256: &str = "HJH8NlaxPen39INcCxD2JaM95i5VBIiuZPCrjixWXCb1-o49O5J_ppSUMuOGTiBxkmC4Ds0tybeCJe8wHALeBLrvLQVODzYV5bnGzw0hX9hAz6OGzRjbwl77kjaYJ3_utjr2I2EUGVoWj_QB7OW8nsD97O7Pkxr3ts5ZlKBjYl9Tkp1Hho1t33XlrGgdsdJtiN6Y-R97ZLaKszkxWQ7tdozuhDyTptME5Xw8vHx4PTX9Ez0fpyq6HUTtcd5SFGBs0qGRbl8pW6bnkLtgOUHo7JuiU9m7NYM-ggKtdjDOqUc6ICHV6a0ueymmYqIT4VbpBnI2dyQvPYY76aDVlNBrLQ";

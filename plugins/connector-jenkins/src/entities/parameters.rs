//! Parameters of a build, without those that are secret.

use std::borrow::Cow;

use serde::Deserialize;
use weir_sdk::field::Lenient;
use weir_sdk::model::entity::Parameter;
use weir_sdk::prelude::*;

use super::{cut, simple_name};

/// What the names of secrets hold, in small letters and digits alone.
const SECRET_NAMES: [&str; 10] = [
    "password",
    "passwd",
    "passphrase",
    "secret",
    "token",
    "apikey",
    "privatekey",
    "accesskey",
    "credential",
    "authorization",
];
/// How well-known keys begin.
const SECRET_BEGINNINGS: [&str; 9] =
    ["ghp_", "gho_", "ghs_", "github_pat_", "glpat-", "xox", "AKIA", "eyJ", "-----BEGIN"];

/// A parameter.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct ParameterJson<'a> {
    #[serde(rename = "_class", borrow)]
    class: Text<'a>,
    #[serde(borrow)]
    name: Text<'a>,
    value: Field<Value>,
}

/// The value of a parameter as text, whatever its type. Values made of parts have none.
#[derive(Debug)]
struct Value(Option<String>);

impl<'de> Lenient<'de> for Value {
    fn from_flag(flag: bool) -> Field<Self> {
        Field::Stated(Self(Some(flag.to_string())))
    }
    fn from_whole(number: i64) -> Field<Self> {
        Field::Stated(Self(Some(number.to_string())))
    }
    fn from_decimal(number: f64) -> Field<Self> {
        Field::Stated(Self(Some(number.to_string())))
    }
    fn from_text(text: Cow<'de, str>) -> Field<Self> {
        Field::Stated(Self(Some(text.into_owned())))
    }
}

/// A parameter; the value of one that is secret by its type, its name or its looks is withheld.
pub(super) fn parameter(raw: &Raw<'_>, json: ParameterJson<'_>) -> Option<Parameter> {
    let name = raw.text("/actions/parameters/name", json.name)?;
    let class = raw.take("/actions/parameters/_class", json.class);
    let kind = class.map(|class| simple_name(&class).to_owned());
    let value = raw.take("/actions/parameters/value", json.value).and_then(|value| value.0);
    let is_secret_kind = kind.as_deref().is_some_and(|k| k.contains("Password") || k.contains("Credentials"));
    let withheld = is_secret_kind || is_secret_name(&name) || value.as_deref().is_some_and(looks_secret);
    Some(Parameter { name, kind, value: value.filter(|_| !withheld).map(cut), withheld })
}

fn is_secret_name(name: &str) -> bool {
    let plain: String = name.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase();
    SECRET_NAMES.iter().any(|word| plain.contains(word))
}

/// Whether a value begins as well-known keys do, or is an address with a password in it.
fn looks_secret(value: &str) -> bool {
    let authority = value.split_once("://").and_then(|(_, rest)| rest.split('/').next());
    let signs_in =
        authority.and_then(|authority| authority.rsplit_once('@')).is_some_and(|(user, _)| user.contains(':'));
    signs_in || SECRET_BEGINNINGS.iter().any(|beginning| value.starts_with(beginning))
}

//! Parameters of builds, without their secrets.

use serde_json::{Map, Value};
use weir_model::entity::Parameter;

use super::fields::{Fields, text_of};

/// Longest value that is kept, in bytes.
const VALUE_BYTES_MAX: usize = 4096;
/// Shortest word that may be a key by its looks, in bytes.
const KEY_BYTES_MIN: usize = 20;
const SECRET_NAMES: &[&str] = &[
    "password",
    "passwd",
    "passphrase",
    "secret",
    "token",
    "apikey",
    "privatekey",
    "credential",
    "accesskey",
    "authorization",
];
const SECRET_BEGINNINGS: &[&str] =
    &["ghp_", "gho_", "ghs_", "github_pat_", "glpat-", "xox", "AKIA", "eyJ", "-----BEGIN"];

/// Names and values of parameters, without those that are secret or look so.
pub fn shown_parameters(object: &Map<String, Value>) -> Map<String, Value> {
    let read = read(&mut Fields::new("parameters", object));
    read.into_iter().filter_map(|parameter| Some((parameter.name, Value::String(parameter.value?)))).collect()
}

/// Parameters, from a list of objects or an object of names and values.
pub(super) fn read(fields: &mut Fields<'_>) -> Vec<Parameter> {
    let names = ["job_run_params", "execution_parameters", "parameters", "params"];
    if let Some((_, Value::Object(values))) = fields.find(&names) {
        return values.iter().map(|(name, value)| parameter(name.clone(), None, text_of(value), false)).collect();
    }
    let one = |field: &mut Fields<'_>| {
        let name = field.text(&["name"])?;
        let kind = field.text(&["type"]);
        let value = field.find(&["value"]).and_then(|(_, value)| text_of(value));
        Some(parameter(name, kind, value, field.boolean(&["withheld"]).unwrap_or(false)))
    };
    fields.each(&names, one).into_iter().flatten().collect()
}

/// A parameter, without its value where that is a secret.
pub(super) fn parameter(name: String, kind: Option<String>, value: Option<String>, withheld: bool) -> Parameter {
    let kind_is_secret = kind.as_deref().is_some_and(|kind| kind.contains("Password") || kind.contains("Credentials"));
    let withheld = withheld || kind_is_secret || is_secret_name(&name) || value.as_deref().is_some_and(looks_secret);
    let value = value.filter(|_| !withheld).map(|value| cut(&value, VALUE_BYTES_MAX));
    Parameter { name, kind, value, withheld }
}

fn is_secret_name(name: &str) -> bool {
    let plain: String = name.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase();
    SECRET_NAMES.iter().any(|word| plain.contains(word))
}

/// Whether a value has the beginning of a well-known key, holds a password in a URL, or is one long word of mixed
/// letters and digits.
fn looks_secret(value: &str) -> bool {
    let url_with_password = value.split_once("://").is_some_and(|(_, rest)| {
        rest.split('/').next().is_some_and(|authority| {
            authority.split('@').next().is_some_and(|user| authority.contains('@') && user.contains(':'))
        })
    });
    let known = SECRET_BEGINNINGS.iter().any(|beginning| value.starts_with(beginning));
    known || url_with_password || value.split_whitespace().any(is_random)
}

fn is_random(word: &str) -> bool {
    let is_key = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '=');
    let has = |like: fn(&char) -> bool| word.chars().any(|c| like(&c));
    word.len() >= KEY_BYTES_MIN
        && word.chars().all(is_key)
        && has(char::is_ascii_uppercase)
        && has(char::is_ascii_lowercase)
        && word.chars().filter(char::is_ascii_digit).count() >= 3
}

/// The text, at most that long.
pub(super) fn cut(text: &str, bytes_max: usize) -> String {
    let end = (0..=bytes_max.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    text[..end].to_owned()
}

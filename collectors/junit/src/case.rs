//! One test, from the attributes of its element.

use std::collections::BTreeMap;

use crate::dialect::outcome_of;
use crate::{Case, Dialect, Outcome, number};

/// Attributes of an element; those without a value are not there.
pub(crate) type Attributes = BTreeMap<String, String>;

/// The test an element begins; what lies within the element may still change its outcome.
pub(crate) fn begun(dialect: Dialect, attributes: &Attributes) -> Case {
    let get = |names: &[&str]| names.iter().find_map(|name| attributes.get(*name)).cloned();
    let case = Case { outcome: stated(dialect, attributes), ..Case::default() };
    match dialect {
        Dialect::Junit => Case {
            class: get(&["classname", "class"]),
            name: get(&["name"]),
            file: get(&["file"]),
            line: get(&["line"]).and_then(|line| line.parse().ok()),
            duration_ms: get(&["time"]).and_then(|time| number::seconds(&time)),
            ..case
        },
        Dialect::Xunit => {
            let class = get(&["type"]);
            let name = get(&["name", "method"]).map(|name| within(class.as_deref(), name));
            Case { class, name, duration_ms: get(&["time"]).and_then(|time| number::seconds(&time)), ..case }
        }
        Dialect::Nunit => {
            let full_name = get(&["fullname", "name"]);
            let class = get(&["classname"]).or_else(|| full_name.as_deref().and_then(class_of));
            let name = full_name.map(|name| within(class.as_deref(), name));
            let duration_ms = get(&["duration", "time"]).and_then(|time| number::seconds(&time));
            Case { class, name, duration_ms, ..case }
        }
        Dialect::Trx => {
            let full_name = get(&["testName"]);
            let class = full_name.as_deref().and_then(class_of);
            let name = full_name.map(|name| within(class.as_deref(), name));
            Case { class, name, duration_ms: get(&["duration"]).and_then(|time| number::clock(&time)), ..case }
        }
    }
}

/// The outcome that the attributes tell. JUnit's attribute is none of the standard's and only counts when it is known:
/// some write the name of a phase there.
fn stated(dialect: Dialect, attributes: &Attributes) -> Outcome {
    let word = |name: &str| attributes.get(name).map(|word| outcome_of(word));
    let missing = || Outcome::Unknown(String::new());
    match dialect {
        Dialect::Junit => {
            let known = |outcome: &Outcome| !matches!(outcome, Outcome::Unknown(_));
            ["status", "result"].into_iter().filter_map(word).filter(known).max().unwrap_or_default()
        }
        Dialect::Xunit => word("result").unwrap_or_else(missing),
        Dialect::Nunit => match (word("label"), word("result")) {
            // "Failed" with the label "Error" is an error; labels of one's own mean nothing.
            (Some(Outcome::Error), Some(Outcome::Failed)) => Outcome::Error,
            (_, Some(result)) => result,
            (_, None) => of_flags(attributes),
        },
        Dialect::Trx => word("outcome").unwrap_or_else(missing),
    }
}

/// NUnit before 2.5 has no word, but says whether a test ran and whether it went well; the first versions leave the
/// latter to an element `failure`.
fn of_flags(attributes: &Attributes) -> Outcome {
    let flag = |name: &str| attributes.get(name).map(|value| value.to_ascii_lowercase());
    match (flag("executed").as_deref(), flag("success").as_deref()) {
        (Some("false"), _) => Outcome::Skipped,
        (_, Some("true")) | (Some("true"), None) => Outcome::Passed,
        (_, Some("false")) => Outcome::Failed,
        (_, other) => Outcome::Unknown(other.unwrap_or_default().to_owned()),
    }
}

/// The class of a full name: what is before the last dot outside of arguments.
fn class_of(full_name: &str) -> Option<String> {
    let plain = full_name.find(['(', '<', '"']).map_or(full_name, |at| &full_name[..at]);
    plain.rsplit_once('.').map(|(class, _)| class.to_owned()).filter(|class| !class.is_empty())
}

/// A name without its class in front.
fn within(class: Option<&str>, name: String) -> String {
    let shorter = class.and_then(|class| name.strip_prefix(class)?.strip_prefix(['.', '+']));
    shorter.filter(|shorter| !shorter.is_empty()).map(str::to_owned).unwrap_or(name)
}

/// Gives a test of a TRX file the class that its definition names: ", Assembly, Version=..." is no part of it.
pub(crate) fn define(case: &mut Case, class: &str) {
    let class = class.split(',').next().unwrap_or(class).trim();
    let full_name = match (&case.class, &case.name) {
        (Some(class), Some(name)) => format!("{class}.{name}"),
        (_, name) => name.clone().unwrap_or_default(),
    };
    case.name = Some(within(Some(class), full_name));
    case.class = Some(class.to_owned());
}

//! From Jira's JSON to entities. Pure; an odd field is reported and left out, never the record.

mod adf;
mod agile;
mod directory;
mod entries;
mod fields;
mod history;
mod work;

use serde::Deserialize;
use weir_sdk::model::entity::WorkCategory;
use weir_sdk::prelude::*;

pub(crate) use agile::{board, sprint};
pub(crate) use directory::{project, status, user};
pub(crate) use entries::{comment, remote_link, worklog};
pub(crate) use fields::custom_fields;
pub(crate) use history::history;
pub(crate) use work::issue;

/// A user: by account id on Cloud, by name and key on Server.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Account<'a> {
    #[serde(rename = "accountId", borrow)]
    id: Text<'a>,
    #[serde(borrow)]
    name: Text<'a>,
    #[serde(borrow)]
    key: Text<'a>,
    #[serde(rename = "accountType", borrow)]
    kind: Text<'a>,
    #[serde(rename = "displayName", borrow)]
    display_name: Text<'a>,
    #[serde(rename = "emailAddress", borrow)]
    email: Text<'a>,
    active: Field<bool>,
}

/// Anything of which only id and name matter.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Named<'a> {
    #[serde(borrow)]
    id: Text<'a>,
    #[serde(borrow)]
    name: Text<'a>,
}

/// A person: by login where there are logins, as in other tools; else by the key of the account.
fn person(raw: &Raw<'_>, place: &str, account: Nested<Account<'_>>) -> Option<Reference> {
    let account = raw.take(place, account)?.0;
    let account_id = raw.filled(place, account.id);
    let login = raw.filled(place, account.name);
    let key = raw.filled(place, account.key);
    account_id.map(Reference::Key).or(login.map(Reference::Name)).or(key.map(Reference::Key))
}

fn name(raw: &Raw<'_>, place: &str, named: Nested<Named<'_>>) -> Option<String> {
    let name = raw.take(place, named)?.0.name;
    raw.filled(place, name)
}

fn names(raw: &Raw<'_>, place: &str, list: List<Object<Named<'_>>>) -> Vec<String> {
    raw.list(place, list).into_iter().filter_map(|named| raw.filled(place, named.0.name)).collect()
}

/// The class of a status by the key of its category; Jira's "undefined" says nothing.
fn category(raw: &Raw<'_>, place: &str, key: &str) -> Option<WorkCategory> {
    Some(match key {
        "new" => WorkCategory::Todo,
        "indeterminate" => WorkCategory::Doing,
        "done" => WorkCategory::Done,
        "undefined" => return None,
        other => {
            raw.report(DiagnosticKind::UnknownWord, place, other);
            WorkCategory::Unknown(other.to_owned())
        }
    })
}

/// The page for people, by the API's address of a thing. What goes through Atlassian's gateway has none to tell.
fn page(address: Option<&str>, path: &str) -> Option<String> {
    let (site, _) = address?.split_once("/rest/")?;
    (!site.starts_with("https://api.atlassian.com/")).then(|| format!("{site}{path}"))
}

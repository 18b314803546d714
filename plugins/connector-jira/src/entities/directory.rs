//! What issues refer to: projects, statuses, users.

use serde::Deserialize;
use weir_sdk::model::entity::{AttributeValue, Custom};
use weir_sdk::prelude::*;

use super::{Account, category, page};
use crate::settings::Settings;

/// A project.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct ProjectJson<'a> {
    #[serde(borrow)]
    id: Text<'a>,
    #[serde(rename = "self", borrow)]
    address: Text<'a>,
    #[serde(borrow)]
    key: Text<'a>,
    #[serde(borrow)]
    name: Text<'a>,
    #[serde(rename = "projectTypeKey", borrow)]
    kind: Text<'a>,
    archived: Field<bool>,
}

pub(crate) fn project(json: ProjectJson<'_>, raw: &Raw<'_>) -> Outcome {
    let Some(id) = raw.filled("/id", json.id) else { return raw.missing("/id") };
    let Some(key) = raw.filled("/key", json.key) else { return raw.missing("/key") };
    let address = raw.take("/self", json.address);
    let url = page(address.as_deref(), &format!("/browse/{key}"));
    let mut project = Custom::default().title(raw.filled("/name", json.name)).url(url);
    let attributes = [
        ("jira.key", Some(AttributeValue::Text(key))),
        ("jira.type", raw.filled("/projectTypeKey", json.kind).map(AttributeValue::Text)),
        ("jira.archived", raw.take("/archived", json.archived).map(AttributeValue::Boolean)),
    ];
    project.attributes = stated(attributes);
    Produced::default().with_custom("project", id, &project).into()
}

/// A status.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct StatusJson<'a> {
    #[serde(borrow)]
    id: Text<'a>,
    #[serde(borrow)]
    name: Text<'a>,
    #[serde(rename = "statusCategory", borrow)]
    category: Nested<CategoryJson<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct CategoryJson<'a> {
    #[serde(borrow)]
    key: Text<'a>,
}

pub(crate) fn status(json: StatusJson<'_>, settings: &Settings, raw: &Raw<'_>) -> Outcome {
    let Some(id) = raw.filled("/id", json.id) else { return raw.missing("/id") };
    let Some(name) = raw.filled("/name", json.name) else { return raw.missing("/name") };
    let key = raw.take("/statusCategory", json.category).unwrap_or_default().0.key;
    let key = raw.take("/statusCategory/key", key);
    let of_jira = || category(raw, "/statusCategory/key", &key?);
    let class = settings.category(&id, &name).or_else(of_jira);
    let mut status = Custom::default().title(name);
    let class = class.map(|class| AttributeValue::Text(class.as_str().to_owned()));
    status.attributes = stated([("jira.category", class)]);
    Produced::default().with_custom("status", id, &status).into()
}

fn stated<const N: usize>(attributes: [(&str, Option<AttributeValue>); N]) -> weir_sdk::model::entity::Attributes {
    attributes.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
}

/// A user. Whoever only writes to a service desk is a customer and no person of ours.
pub(crate) fn user(json: UserJson<'_>, raw: &Raw<'_>) -> Outcome {
    let account = json.0;
    let account_id = raw.filled("/accountId", account.id);
    let Some(key) = account_id.or_else(|| raw.filled("/key", account.key)) else {
        return raw.missing("/accountId");
    };
    let kind = raw.take("/accountType", account.kind);
    if kind.as_deref() == Some("customer") {
        return Outcome::ignored("jira.user.customer");
    }
    let email = raw.filled("/emailAddress", account.email).filter(|email| email.contains('@'));
    let person = Person::default()
        .name(raw.filled("/displayName", account.display_name))
        .login(raw.filled("/name", account.name))
        .emails(email.map(|email| email.to_lowercase()))
        .bot(kind.map(|kind| kind == "app"))
        .active(raw.take("/active", account.active));
    Outcome::entity(key, &person)
}

/// A user.
#[derive(Default, Deserialize)]
#[serde(transparent)]
pub(crate) struct UserJson<'a>(#[serde(borrow)] Account<'a>);

//! From a member of a workspace to a person.

use serde::Deserialize;
use weir_sdk::prelude::*;

/// A member. Of the profile only what says who it is; status, phone and pictures are left where they are.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct UserJson<'a> {
    #[serde(borrow)]
    id: Text<'a>,
    #[serde(borrow)]
    name: Text<'a>,
    #[serde(borrow)]
    real_name: Text<'a>,
    deleted: Field<bool>,
    is_bot: Field<bool>,
    is_workflow_bot: Field<bool>,
    #[serde(borrow)]
    profile: Nested<ProfileJson<'a>>,
    #[serde(borrow)]
    enterprise_user: Nested<EnterpriseJson<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct ProfileJson<'a> {
    #[serde(borrow)]
    real_name: Text<'a>,
    #[serde(borrow)]
    email: Text<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct EnterpriseJson<'a> {
    #[serde(borrow)]
    enterprise_name: Text<'a>,
}

/// Slack's own assistant, which it does not call a bot.
const SLACKBOT: &str = "USLACKBOT";

pub(crate) fn person(json: UserJson<'_>, raw: &Raw<'_>) -> Outcome {
    let Some(id) = raw.filled("/id", json.id) else { return raw.missing("/id") };
    let profile = raw.take("/profile", json.profile).unwrap_or_default().0;
    let enterprise = raw.take("/enterprise_user", json.enterprise_user).unwrap_or_default().0;
    let name = raw.filled("/profile/real_name", profile.real_name);
    let bots = [raw.take("/is_bot", json.is_bot), raw.take("/is_workflow_bot", json.is_workflow_bot)];
    let is_bot = id == SLACKBOT || bots.contains(&Some(true));
    let person = Person::default()
        .name(name.or_else(|| raw.filled("/real_name", json.real_name)))
        .login(raw.filled("/name", json.name))
        .emails(raw.filled("/profile/email", profile.email).map(|email| email.to_lowercase()))
        .bot(is_bot)
        .active(raw.take("/deleted", json.deleted).map(|deleted| !deleted))
        .organisation(raw.filled("/enterprise_user/enterprise_name", enterprise.enterprise_name));
    Outcome::entity(id, &person)
}

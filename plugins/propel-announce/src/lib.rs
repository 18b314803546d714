//! Announces a deployment with the changes since the one before it.

use serde::Deserialize;
use weir_sdk::facts::{self, Known, Link};
use weir_sdk::failure::Failure;
use weir_sdk::http::Connection;
use weir_sdk::model::Entity;
use weir_sdk::model::entity::{Deployment, DeploymentKind};
use weir_sdk::propel::{Action, Event, Notice, Outcome, Propel};

/// The propel.
pub struct Announce;

/// Settings, as in `weir.toml`.
#[derive(Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Connection of a chat or mail.
    channel: String,
    /// Most changes that are listed.
    most: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self { channel: "chat".to_owned(), most: 20 }
    }
}

impl Propel for Announce {
    type Settings = Settings;

    fn handle(event: &Event, _: &[Connection<'_>], settings: &Settings) -> Result<Outcome, Failure> {
        let Some((id, Entity::Deployment(deployment))) = event.entity() else {
            return Ok(Outcome::skipped("announce.not-a-deployment"));
        };
        let Some(known) = facts::entity(id)? else { return Ok(Outcome::skipped("announce.gone")) };
        let notice = Notice::new(&settings.channel, title(&deployment), brought(&known, &deployment, settings.most));
        Ok(Outcome::done(vec![Action::notify("announce", notice.url(deployment.url.clone()))]))
    }
}

fn title(deployment: &Deployment) -> String {
    let service = deployment.service.as_deref().unwrap_or("something");
    let version = deployment.version.as_deref().map(|version| format!(" {version}")).unwrap_or_default();
    let place = deployment.environment.as_ref().map(|place| format!(" on {}", place.name)).unwrap_or_default();
    let end = deployment.result.as_ref().map(|result| format!(": {}", result.as_str())).unwrap_or_default();
    format!("{service}{version}{place}{end}")
}

/// The changes, and how many commits came without one.
fn brought(known: &Known, deployment: &Deployment, most: usize) -> String {
    let is_rollback = deployment.kind == Some(DeploymentKind::Rollback);
    let links = known.linked(if is_rollback { "undeploys" } else { "delivers" });
    let is = |link: &&&Link, kind: &str| link.other(&known.id).starts_with(kind);
    let changes: Vec<_> = links.iter().filter(|link| is(link, "change:")).collect();
    let n_commits = links.iter().filter(|link| is(link, "commit:")).count();
    let what = if is_rollback { "takes back" } else { "brings" };
    let line = |link: &&&Link| format!("- {}\n", link.title.as_deref().unwrap_or(link.other(&known.id)));
    let mut text = match (changes.len(), n_commits) {
        (0, 0) => return "It is not known what it brings.".to_owned(),
        (0, commits) => return format!("It {what} {commits} commits, none of them by a change that is known."),
        (changes, commits) => format!("It {what} {changes} changes with {commits} commits:\n"),
    };
    text.extend(changes.iter().take(most).map(line));
    if changes.len() > most {
        text += &format!("- and {} more\n", changes.len() - most);
    }
    text.trim_end().to_owned()
}

weir_sdk::export_propel!(Announce, manifest = "../manifest.json");

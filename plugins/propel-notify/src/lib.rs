//! Tells a chat who may have broken the build: once, when a line of builds turns red.

mod form;
mod message;

use serde::Deserialize;
use weir_sdk::facts::{self, Suspects};
use weir_sdk::failure::Failure;
use weir_sdk::http::Connection;
use weir_sdk::model::Entity;
use weir_sdk::model::entity::{Build, RunResult};
use weir_sdk::outcome::EntityDocument;
use weir_sdk::propel::{Action, Event, EventBody, Notice, Outcome, Propel, Urgency};

use form::Form;

/// The propel.
pub struct Notify;

/// Settings, as in `weir.toml`.
#[derive(Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Branches whose builds matter; `*` at the end stands for anything.
    branches: Vec<String>,
    /// Text to send.
    template: String,
    /// Name of the connection it is sent to.
    connection: String,
    /// How the other side wants it; none: as the kind of the connection says.
    form: Option<Form>,
}

impl Default for Settings {
    fn default() -> Self {
        let branches = vec!["main".to_owned(), "master".to_owned()];
        Self { branches, template: message::TEMPLATE.to_owned(), connection: "chat".to_owned(), form: None }
    }
}

impl Propel for Notify {
    type Settings = Settings;

    fn handle(event: &Event, connections: &[Connection<'_>], settings: &Settings) -> Result<Outcome, Failure> {
        let Some((document, build)) = finished_build(event) else { return Ok(Outcome::skipped("notify.not-a-build")) };
        if !build.result.as_ref().is_some_and(RunResult::is_red) {
            return Ok(Outcome::skipped("notify.not-red"));
        }
        let branch = message::branch(&build).unwrap_or_default();
        if !settings.branches.iter().any(|chosen| matches(chosen, branch)) {
            return Ok(Outcome::skipped("notify.other-branch"));
        }
        let suspects = facts::suspects(&document.key)?;
        if let Some(wait) = suspects.as_ref().and_then(|suspects| suspects.wait(event.attempt)) {
            return Ok(Outcome::later(wait));
        }
        // A build that was red before was told of before; of one that is only unclear there is nothing to tell. Where
        // no commits come, a break is still one.
        let is_break =
            |suspects: &Suspects| suspects.is_broken() || event.kind == "build.broken" && suspects.lacks_commits();
        let Some(suspects) = suspects.filter(is_break) else {
            return Ok(Outcome::skipped("notify.not-broken"));
        };
        let text = message::text(&settings.template, &build, &suspects);
        let chat = connections.iter().find(|connection| connection.name() == settings.connection);
        let form = settings.form.unwrap_or_else(|| chat.map_or(Form::Mail, |chat| Form::of(&chat.kind())));
        let action = match (form, chat) {
            // A mail relay is no connection that requests go through: the host sends what it is told.
            (Form::Mail, _) => {
                let (title, rest) = text.split_once('\n').unwrap_or((&text, ""));
                let notice = Notice::new(&settings.connection, title, rest);
                Action::notify("tell", Notice { urgency: Urgency::Warning, ..notice })
            }
            (_, None) => return Err(missing(&settings.connection)),
            (form, Some(chat)) => {
                let body = form.body(&text, build.url.as_deref());
                Action::call("tell", &settings.connection, chat.post("").json(&body))
            }
        };
        Ok(Outcome::done(vec![action]))
    }
}

fn finished_build(event: &Event) -> Option<(&EntityDocument, Build)> {
    let EventBody::Entity { after: Some(document), .. } = &event.body else { return None };
    match document.read()? {
        Entity::Build(build) => Some((document, *build)),
        _ => None,
    }
}

fn matches(chosen: &str, branch: &str) -> bool {
    chosen.strip_suffix('*').map_or(chosen == branch, |begin| branch.starts_with(begin))
}

fn missing(connection: &str) -> Failure {
    Failure::config("notify.connection", format!("there is no connection `{connection}`; name one under `connections`"))
}

weir_sdk::export_propel!(Notify, manifest = "../manifest.json");

//! Links an incident to the deployment that may have brought it about, and to the changes of that, by comments.

use serde::Deserialize;
use weir_sdk::facts::{self, Known};
use weir_sdk::failure::Failure;
use weir_sdk::http::Connection;
use weir_sdk::propel::{Event, EventBody, Outcome, Propel};
use weir_sdk::tool::Place;

/// The propel.
pub struct Incident;

/// Settings, as in `weir.toml`.
#[derive(Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Least confidence that a deployment brought the incident about.
    at_least: f64,
    /// Most changes that are commented on.
    most: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self { at_least: 0.3, most: 10 }
    }
}

impl Propel for Incident {
    type Settings = Settings;

    fn handle(event: &Event, connections: &[Connection<'_>], settings: &Settings) -> Result<Outcome, Failure> {
        let EventBody::Entity { after: Some(subject), .. } = &event.body else {
            return Ok(Outcome::skipped("incident.no-entity"));
        };
        let Some(incident) = facts::entity(&subject.key)? else { return Ok(Outcome::skipped("incident.gone")) };
        let cause = incident.linked("caused-by").into_iter().find(|link| link.confidence >= settings.at_least);
        let Some(cause) = cause else { return Ok(Outcome::skipped("incident.no-cause")) };
        let deployment = cause.other(&incident.id);
        let Some(deployment) = facts::entity(deployment)? else { return Ok(Outcome::skipped("incident.no-cause")) };
        let marker = format!("incident:{}", incident.id);
        let surety = format!("{:.0} % sure ({})", cause.confidence * 100.0, cause.reason);
        let changes = changes(&deployment, settings.most);
        let mut actions = Vec::new();
        // An incident of a tool without comments is told at its changes alone.
        if let Ok(place) = Place::of(&incident.id, connections) {
            let list: String = changes.iter().map(|(_, title)| format!("- {title}\n")).collect();
            let text = format!("{} may have brought this about, {surety}. It delivered:\n{list}", name(&deployment));
            actions.push(place.comment("incident", text.trim_end(), &marker, event.at));
        }
        for (index, (change, _)) in changes.iter().enumerate() {
            let text = format!(
                "{} may have brought about {}, {surety}. It delivered this change.",
                name(&deployment),
                name(&incident)
            );
            let place = Place::of(change, connections)?;
            actions.push(place.comment(format!("change-{index}"), &text, &marker, event.at));
        }
        Ok(if actions.is_empty() { Outcome::skipped("incident.nowhere-to-tell") } else { Outcome::done(actions) })
    }
}

/// Ids and titles of the changes that a deployment delivered.
fn changes(deployment: &Known, most: usize) -> Vec<(String, String)> {
    let links = deployment.linked("delivers").into_iter();
    let changes = links.filter_map(|link| {
        let id = link.other(&deployment.id);
        let title = link.title.clone().unwrap_or_else(|| id.to_owned());
        id.starts_with("change:").then(|| (id.to_owned(), title))
    });
    changes.take(most).collect()
}

/// What people call an entity: its title, with its page where there is one.
fn name(known: &Known) -> String {
    let text = |field: &str| known.document.get(field).and_then(|value| value.as_str());
    let title = text("title").or(text("handle")).unwrap_or(&known.id);
    text("url").map_or_else(|| title.to_owned(), |url| format!("{title} ({url})"))
}

weir_sdk::export_propel!(Incident, manifest = "../manifest.json");

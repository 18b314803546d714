//! Moves the work items of a change that was merged, or of what a deployment brought.

use std::collections::BTreeSet;

use serde::Deserialize;
use weir_sdk::facts;
use weir_sdk::failure::{Failure, FailureKind};
use weir_sdk::http::Connection;
use weir_sdk::log::{self, Level};
use weir_sdk::propel::{Event, EventBody, Outcome, Propel};
use weir_sdk::tool::Place;

/// The propel.
pub struct Transition;

/// Settings, as in `weir.toml`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Status that items are moved to.
    to: String,
    /// Least confidence of the link to an item.
    #[serde(default = "at_least")]
    at_least: f64,
    /// Most items of one event.
    #[serde(default = "most")]
    most: usize,
}

fn at_least() -> f64 {
    0.8
}

fn most() -> usize {
    20
}

impl Propel for Transition {
    type Settings = Settings;

    fn handle(event: &Event, connections: &[Connection<'_>], settings: &Settings) -> Result<Outcome, Failure> {
        let EventBody::Entity { after: Some(subject), .. } = &event.body else {
            return Ok(Outcome::skipped("transition.no-entity"));
        };
        let mut items = BTreeSet::new();
        let mut changes = BTreeSet::new();
        linked(&subject.key, settings, &mut items, &mut changes)?;
        // A deployment leads to its items by the changes it brought; a change leads to its own alone.
        if subject.kind == "deployment" {
            for change in changes.iter().take(settings.most) {
                linked(change, settings, &mut items, &mut BTreeSet::new())?;
            }
        }
        let mut actions = Vec::new();
        for (index, item) in items.iter().take(settings.most).enumerate() {
            match Place::of(item, connections)?.transition(format!("move-{index}"), &settings.to) {
                Ok(action) => actions.extend(action),
                // One that cannot be moved does not hold up the others.
                Err(failure) if matches!(failure.kind, FailureKind::Config | FailureKind::Gone) => {
                    log::write(Level::Warn, &failure.message, &[("item", item)]);
                }
                Err(failure) => return Err(failure),
            }
        }
        Ok(if actions.is_empty() { Outcome::skipped("transition.nothing-to-move") } else { Outcome::done(actions) })
    }
}

/// Adds the items and changes that an entity leads to.
fn linked(
    id: &str,
    settings: &Settings,
    items: &mut BTreeSet<String>,
    changes: &mut BTreeSet<String>,
) -> Result<(), Failure> {
    let known = facts::entity(id)?;
    for link in known.iter().flat_map(|known| &known.links).filter(|link| link.confidence >= settings.at_least) {
        let other = link.other(id);
        if other.starts_with("work-item:") {
            items.insert(other.to_owned());
        } else if other.starts_with("change:") && link.kind == "delivers" {
            changes.insert(other.to_owned());
        }
    }
    Ok(())
}

weir_sdk::export_propel!(Transition, manifest = "../manifest.json");

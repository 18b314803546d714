//! Comments on the change or work item behind a broken build, and says why it is suspected.

use serde::Deserialize;
use weir_sdk::facts::{self, Suspect};
use weir_sdk::failure::Failure;
use weir_sdk::http::Connection;
use weir_sdk::model::Entity;
use weir_sdk::model::entity::Build;
use weir_sdk::propel::{Event, Outcome, Propel};
use weir_sdk::tool::Place;

/// The propel.
pub struct Suspects;

/// Settings, as in `weir.toml`.
#[derive(Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Least confidence of a commit whose change and work items are told.
    at_least: f64,
    /// Most comments of one build.
    most: usize,
    /// What is commented on: kinds of entity.
    about: Vec<String>,
}

impl Default for Settings {
    fn default() -> Self {
        Self { at_least: 0.3, most: 5, about: vec!["change".to_owned()] }
    }
}

impl Propel for Suspects {
    type Settings = Settings;

    fn handle(event: &Event, connections: &[Connection<'_>], settings: &Settings) -> Result<Outcome, Failure> {
        let Some((id, Entity::Build(build))) = event.entity() else {
            return Ok(Outcome::skipped("suspects.not-a-build"));
        };
        let found = facts::suspects(id)?;
        if let Some(wait) = found.as_ref().and_then(|found| found.wait(event.attempt)) {
            return Ok(Outcome::later(wait));
        }
        let Some(found) = found.filter(facts::Suspects::is_broken) else {
            return Ok(Outcome::skipped("suspects.not-broken"));
        };
        let mut told: Vec<(String, &Suspect)> = Vec::new();
        for suspect in found.commits.iter().filter(|suspect| suspect.confidence >= settings.at_least) {
            let commit = facts::entity(&suspect.id)?;
            for link in commit.iter().flat_map(|commit| &commit.links) {
                let place = link.other(&suspect.id);
                let kind = place.split(':').next().unwrap_or_default();
                if settings.about.iter().any(|about| about == kind) && !told.iter().any(|(known, _)| known == place) {
                    told.push((place.to_owned(), suspect));
                }
            }
        }
        if told.is_empty() {
            return Ok(Outcome::skipped("suspects.nobody-to-tell"));
        }
        let comment = |(index, (place, suspect)): (usize, &(String, &Suspect))| {
            let marker = format!("suspects:{id}");
            let text = text(&build, suspect);
            Ok(Place::of(place, connections)?.comment(format!("tell-{index}"), &text, &marker, event.at))
        };
        let actions = told.iter().take(settings.most).enumerate().map(comment);
        Ok(Outcome::done(actions.collect::<Result<_, Failure>>()?))
    }
}

fn text(build: &Build, suspect: &Suspect) -> String {
    let job = build.job.as_deref().unwrap_or("a build");
    let number = build.number.map(|number| format!(" #{number}")).unwrap_or_default();
    let sha = suspect.sha.get(..8).unwrap_or(&suspect.sha);
    let title = suspect.title.as_deref().map(|title| format!(" ({title})")).unwrap_or_default();
    let surety = if suspect.confidence >= 1.0 {
        "it is the only commit since the last green build".to_owned()
    } else {
        format!("{:.0} % by {}", suspect.confidence * 100.0, evidence(suspect))
    };
    let url = build.url.as_deref().map(|url| format!("\n{url}")).unwrap_or_default();
    format!("{job}{number} broke, and {sha}{title} may be why: {surety}.{url}")
}

fn evidence(suspect: &Suspect) -> String {
    let words = [&suspect.reason].into_iter().chain(&suspect.evidence).filter(|word| !word.is_empty());
    words.map(String::as_str).collect::<Vec<_>>().join(", ")
}

weir_sdk::export_propel!(Suspects, manifest = "../manifest.json");

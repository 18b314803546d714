//! `[[propel]]`, `[[rule]]`, `[[subscription]]`, `[[gate]]`: what reacts, to what, and within which limits.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use weir_model::Timestamp;
use weir_model::filter::Vocabulary;

use super::problem::{self, ConfigError};
use super::{AuthConfig, ConnectionConfig, Interval, SecretSource};
use crate::propel::{FACTS, Hours, Otherwise, Step, is_fact};

/// A propel: `[[propel]]` with a `plugin`, `[[rule]]` with steps under `do`, or `[[subscription]]` with a receiver under `to`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PropelConfig {
    /// Unique name.
    pub name: String,
    /// Propel plugin.
    pub plugin: Option<String>,
    /// Steps of a rule.
    #[serde(rename = "do")]
    pub steps: Vec<Step>,
    /// Steps of a rule for the answer of each request.
    pub then: Vec<Step>,
    /// Receiver of a subscription.
    pub to: Option<ConnectionConfig>,
    /// Kinds of event it is given: `build.broken`, `change.*`, `*`.
    pub on: Vec<String>,
    /// Filter over the entity the event is about.
    pub when: Option<String>,
    /// Filter over entities it is not for.
    pub unless: Option<String>,
    /// Runs always after as long.
    pub every: Option<Interval>,
    /// Runs by a cron line.
    pub cron: Option<String>,
    /// Zone of `cron` and `quiet`, such as `Europe/Berlin`; UTC when left out.
    pub time_zone: Option<String>,
    /// Entities each run of a rule goes through, as `items`.
    pub for_each: Option<String>,
    /// Gates it decides on.
    pub gates: BTreeSet<String>,
    /// Triggers that start it: names that those outside may pull.
    pub triggers: BTreeSet<String>,
    /// One run for all events of a span as long.
    pub digest: Option<Interval>,
    /// At most one run about an entity in a span as long.
    pub throttle: Option<Interval>,
    /// Runs at a time.
    pub concurrency: Option<usize>,
    /// Most runs in any minute.
    pub per_minute: Option<usize>,
    /// When it is silent: `22:00-07:00`.
    pub quiet: Option<String>,
    /// Tries of one run.
    pub attempts: Option<u32>,
    /// Runs that are remembered.
    pub keep_runs: Option<usize>,
    /// Questions it may ask; all of them when left out.
    pub facts: Option<BTreeSet<String>>,
    /// Tables a plugin may write to.
    pub tables: BTreeSet<String>,
    /// Whether its actions are only written down.
    pub dry_run: bool,
    /// Settings of the plugin.
    pub settings: toml::Table,
    /// Connections it may use, by name.
    pub connections: BTreeMap<String, ConnectionConfig>,
}

/// `[[gate]]`: how a gate is kept that propels decide on.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GateConfig {
    /// Its name.
    pub name: String,
    /// Longest wait for an answer, at most a minute.
    pub deadline: Option<Interval>,
    /// What is answered when there is none: `allow` or `stop`.
    #[serde(default)]
    pub otherwise: Otherwise,
}

/// `[[trigger]]`: how those prove themselves who start propels from outside. Without one they need an API key.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TriggerConfig {
    /// Its name, the last part of the path it is pulled at.
    pub name: String,
    /// How requests are signed, by the names webhooks have.
    pub scheme: String,
    /// Secret shared with the sender.
    pub secret: Option<SecretSource>,
    /// Secret that is being replaced; still accepted.
    pub previous_secret: Option<SecretSource>,
    /// Of a chat: the triggers its people may pull, `/propel NAME words`.
    #[serde(default)]
    pub commands: BTreeSet<String>,
}

impl PropelConfig {
    /// Checks what needs nothing but the text. `word` is `propel` or `rule`.
    pub(super) fn check(&self, word: &str, vocabulary: &Vocabulary) -> Result<(), ConfigError> {
        let place = format!("{word} `{}`", self.name);
        let wrong = |what: &str, hint: &str| {
            Err(ConfigError::Wrong { place: place.clone(), what: what.to_owned(), hint: hint.to_owned() })
        };
        [&self.when, &self.unless].into_iter().flatten().try_for_each(|text| problem::filter(text, vocabulary))?;
        // It is asked anew in each run, so it may speak of the present.
        let present = Vocabulary { now: Some(Timestamp::from_ms(0)), ..vocabulary.clone() };
        self.for_each.iter().try_for_each(|text| problem::filter(text, &present))?;
        if let Some(hours) = &self.quiet
            && let Err(error) = hours.parse::<Hours>()
        {
            return wrong(&format!("has quiet hours that are none: {error}"), "write quiet = \"22:00-07:00\"");
        }
        if let Some(odd) = self.facts.iter().flatten().find(|fact| !is_fact(fact)) {
            let known: Vec<&str> = FACTS.iter().map(|(fact, _)| *fact).collect();
            return wrong(&format!("may ask `{odd}`, which is no fact"), &format!("there are {}", known.join(", ")));
        }
        let needed = self.all_steps().filter_map(Step::connection).find(|name| !self.connections.contains_key(*name));
        if let Some(name) = needed {
            return wrong(
                &format!("names the connection `{name}`, which it does not have"),
                "add it under `connections`",
            );
        }
        self.check_mail(&place)?;
        let is_asked = !self.gates.is_empty() || !self.triggers.is_empty();
        let is_started = !self.on.is_empty() || self.every.is_some() || self.cron.is_some() || is_asked;
        match (word, &self.plugin, self.steps.is_empty()) {
            _ if self.name.is_empty() => wrong("has no name", "add `name`"),
            ("propel", None, _) => {
                wrong("names no plugin", "add `plugin = \"propel-notify\"`, or write it as a `[[rule]]`")
            }
            ("propel", Some(_), false) => wrong("has both a plugin and steps", "steps belong to a `[[rule]]`"),
            ("subscription", None, true) if self.to.is_none() || self.on.is_empty() => {
                wrong("has no receiver or no events", "add `to = { url = \"...\" }` and `on = [\"build.finished\"]`")
            }
            ("subscription", ..) if self.every.is_some() || self.cron.is_some() || is_asked => {
                wrong("is started by more than events", "leave `every`, `cron`, `gates` and `triggers` out")
            }
            ("subscription", None, true) => Ok(()),
            ("subscription", ..) => wrong("has a plugin or steps", "it sends events and does nothing else"),
            _ if self.to.is_some() => wrong("has a receiver", "`to` belongs to a `[[subscription]]`"),
            ("rule", Some(_), _) => wrong("names a plugin", "plugins belong to a `[[propel]]`"),
            ("rule", None, _) if !self.tables.is_empty() => {
                wrong("has `tables`", "a rule may write to every table; leave them out")
            }
            ("rule", None, true) => wrong("does nothing", "add steps under `do`"),
            _ if !self.then.is_empty() && !self.steps.iter().any(|step| step.called().is_some()) => {
                wrong("waits for the answer of no request", "`then` belongs to a rule with a `call` under `do`")
            }
            _ if !is_started => wrong("is never started", "add `on`, `every`, `cron`, `gates` or `triggers`"),
            _ if self.every.is_some() && self.cron.is_some() => {
                wrong("has both `every` and `cron`", "keep one of the two")
            }
            _ if self.digest.is_some() && self.on.is_empty() => {
                wrong("gathers no events", "add `on`, or leave `digest` out")
            }
            _ => Ok(()),
        }
    }

    /// The steps of a rule, those for answers too.
    pub fn all_steps(&self) -> impl Iterator<Item = &Step> {
        self.steps.iter().chain(&self.then)
    }

    /// Mail has a sender and no requests; other connections have neither sender nor recipients.
    fn check_mail(&self, place: &str) -> Result<(), ConfigError> {
        for (name, connection) in &self.connections {
            let wrong = |what: &str, hint: &str| {
                let (place, what) = (format!("connection `{name}` of {place}"), what.to_owned());
                Err(ConfigError::Wrong { place, what, hint: hint.to_owned() })
            };
            let is_called = self.all_steps().any(|step| step.called() == Some(name));
            match (connection.is_mail(), &connection.auth) {
                (true, _) if connection.from.is_none() => wrong("has no sender", "add `from = \"weir@example.com\"`"),
                (true, _) if is_called => {
                    wrong("is for mail and takes no requests", "write `notify` in place of `call`")
                }
                (true, AuthConfig::None | AuthConfig::Basic { .. }) => Ok(()),
                (true, _) => wrong("has a credential that no relay takes", "write auth = { kind = \"basic\", ... }"),
                (false, _) if connection.from.is_some() || !connection.to.is_empty() => {
                    wrong("has a sender or recipients and is no mail", "its URL begins with smtps:// or smtp://")
                }
                (false, _) => Ok(()),
            }?;
        }
        Ok(())
    }
}

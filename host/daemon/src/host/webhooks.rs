//! Webhooks as configured, and what has become of them since the start.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};

use schemars::JsonSchema;
use serde::Serialize;
use weir_model::{IntegrationName, Timestamp};

use crate::clock;
use crate::config::{Config, IntegrationConfig, TriggerConfig};
use crate::egress::Secret;
use crate::error::Fault;
use crate::normaliser::Source;
use crate::webhook::Scheme;
use weir_stages::normalise::Format;

/// How webhooks of one integration are verified.
pub struct Hook {
    /// How they are signed.
    pub scheme: Scheme,
    /// Secrets of which any may match.
    pub secrets: Vec<Secret>,
    /// Who decodes them.
    pub source: Source,
    /// Parts of bodies that are not kept.
    pub exclude: Vec<String>,
    /// What the bodies are when nobody needs to decode them.
    pub format: Option<Format>,
}

/// How those prove themselves who pull a trigger.
pub struct TriggerHook {
    /// How their requests are signed.
    pub scheme: Scheme,
    /// Secrets of which any may match.
    pub secrets: Vec<Secret>,
    /// Of a chat: the triggers its people may pull.
    pub commands: BTreeSet<String>,
}

/// Webhooks of one integration since the start.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct HookStatus {
    /// Which.
    pub integration: String,
    /// When the last one was taken.
    pub last_at: Option<Timestamp>,
    /// How many were taken.
    pub taken: u64,
    /// How many were refused.
    pub refused: u64,
    /// Why the last one was.
    pub last_refusal: Option<String>,
}

#[derive(Default)]
pub(super) struct Deliveries(Mutex<BTreeMap<IntegrationName, HookStatus>>);

impl Deliveries {
    pub(super) fn taken(&self, name: &IntegrationName) {
        self.update(name, |status| {
            status.taken += 1;
            status.last_at = Some(clock::now());
        });
    }

    pub(super) fn refused(&self, name: &IntegrationName, reason: &str) {
        self.update(name, |status| {
            status.refused += 1;
            status.last_refusal = Some(reason.to_owned());
        });
    }

    pub(super) fn status<'a>(&self, names: impl Iterator<Item = &'a IntegrationName>) -> Vec<HookStatus> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        names.map(|name| known.get(name).cloned().unwrap_or_else(|| none(name))).collect()
    }

    fn update(&self, name: &IntegrationName, change: impl FnOnce(&mut HookStatus)) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        change(known.entry(name.clone()).or_insert_with(|| none(name)));
    }
}

fn none(name: &IntegrationName) -> HookStatus {
    HookStatus { integration: name.to_string(), last_at: None, taken: 0, refused: 0, last_refusal: None }
}

pub(super) fn hooks(config: &Config) -> Result<BTreeMap<IntegrationName, Hook>, Fault> {
    let mut hooks = BTreeMap::new();
    for integration in &config.integration {
        let Some(webhook) = &integration.webhook else { continue };
        let scheme: Scheme = webhook.scheme.parse().map_err(|error| {
            Fault::config(format!("webhook of integration `{}`", integration.name)).caused_by(error)
        })?;
        let sources = webhook.secret.iter().chain(&webhook.previous_secret);
        let secrets = sources.map(crate::config::SecretSource::resolve).collect::<Result<Vec<_>, _>>()?;
        let source = Source { plugin: integration.plugin.clone(), settings: integration.settings_json() };
        let format = webhook.format.as_deref().map(|name| format(integration, name)).transpose()?;
        hooks.insert(
            integration.name.clone(),
            Hook { scheme, secrets, source, exclude: webhook.exclude.clone(), format },
        );
    }
    Ok(hooks)
}

/// The triggers that are pulled without an API key.
pub(super) fn trigger_hooks(config: &Config) -> Result<BTreeMap<String, TriggerHook>, Fault> {
    let one = |trigger: &TriggerConfig| {
        let unknown = |error| Fault::config(format!("trigger `{}`", trigger.name)).caused_by(error);
        let scheme: Scheme = trigger.scheme.parse().map_err(unknown)?;
        let secrets = trigger.secret.iter().chain(&trigger.previous_secret);
        let secrets = secrets.map(crate::config::SecretSource::resolve).collect::<Result<Vec<_>, _>>()?;
        Ok((trigger.name.clone(), TriggerHook { scheme, secrets, commands: trigger.commands.clone() }))
    };
    config.trigger.iter().map(one).collect()
}

/// The format of bodies that need no plugin. A plugin beside it would be left without anything to decode.
fn format(integration: &IntegrationConfig, name: &str) -> Result<Format, Fault> {
    let place = format!("webhook of integration `{}`", integration.name);
    if integration.plugin.is_some() {
        return Err(
            Fault::config(format!("{place} names a format, and its plugin decodes")).hint("leave one of both out")
        );
    }
    Format::named(name).filter(|format| *format != Format::Forwarded).ok_or_else(|| {
        Fault::config(format!("{place} has bodies of the unknown format `{name}`"))
            .hint("one of builds, commits, deployments, test-reports, cdevents")
    })
}

//! Which plugins there are.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Serialize;
use weir_sandbox::{Inspection, PluginKind};

use crate::error::Fault;
use crate::plugins::Plugins;

/// A plugin.
#[derive(Debug, Serialize, JsonSchema)]
pub struct PluginAnswer {
    /// Its id.
    pub id: String,
    /// Its file.
    pub path: PathBuf,
    /// What it is, when it can be used.
    #[serde(flatten)]
    pub usable: Option<UsablePlugin>,
    /// Why it cannot be used.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// What a plugin is, and asks for.
#[derive(Debug, Serialize, JsonSchema)]
pub struct UsablePlugin {
    /// Its version.
    pub version: String,
    /// `connector` or `propel`.
    #[schemars(with = "String")]
    pub kind: PluginKind,
    /// Its name for people.
    pub title: String,
    /// SHA-256 of the component, in hex.
    pub digest: String,
    /// Size of the component.
    pub bytes: usize,
    /// Methods it asks for.
    pub methods: Vec<String>,
    /// Hosts it asks for, where the tool has fixed ones.
    pub hosts: Vec<String>,
    /// Datasets it gives.
    pub datasets: Vec<String>,
    /// Kinds of events it wants.
    pub events: Vec<String>,
    /// Signature scheme of its webhooks.
    pub webhook: Option<String>,
}

/// All of them.
pub fn plugins(plugins: &Plugins) -> Vec<PluginAnswer> {
    plugins.described().into_iter().map(told).collect()
}

fn told((id, path, inspected): (String, PathBuf, Result<Inspection, Fault>)) -> PluginAnswer {
    match inspected {
        Ok(inspection) => PluginAnswer { id, path, usable: Some(usable(inspection)), error: None },
        Err(fault) => PluginAnswer { id, path, usable: None, error: Some(fault.to_string()) },
    }
}

fn usable(Inspection { manifest, digest, bytes, .. }: Inspection) -> UsablePlugin {
    UsablePlugin {
        version: manifest.version,
        kind: manifest.kind,
        title: manifest.title,
        digest,
        bytes,
        methods: manifest.methods,
        hosts: manifest.hosts,
        datasets: manifest.datasets,
        events: manifest.events,
        webhook: manifest.webhook,
    }
}

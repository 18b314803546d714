//! What a plugin says about itself: JSON in the custom section `weir:manifest`. It asks; the operator grants.

use serde::{Deserialize, Serialize};

/// Version of the contract this host serves.
pub(crate) const CONTRACT: &str = "0.1";

/// The manifest of a plugin.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// Stable id, `[a-z0-9-]`: "connector-github".
    pub id: String,
    /// Version of the plugin.
    pub version: String,
    /// Version of the contract it was built for: "0.1".
    pub contract: String,
    /// What it is.
    pub kind: PluginKind,
    /// Name for people.
    #[serde(default)]
    pub title: String,
    /// Kind of tool it connects to: "github".
    #[serde(default)]
    pub connection_kind: Option<String>,
    /// Methods it asks for: "GET".
    #[serde(default)]
    pub methods: Vec<String>,
    /// Hosts it asks for, where the tool has fixed ones.
    #[serde(default)]
    pub hosts: Vec<String>,
    /// Names of the datasets it gives.
    #[serde(default)]
    pub datasets: Vec<String>,
    /// Signature scheme of its webhooks: "github".
    #[serde(default)]
    pub webhook: Option<String>,
    /// JSON Schema of its settings.
    #[serde(default)]
    pub settings: serde_json::Value,
    /// Kinds of events a propel wants.
    #[serde(default)]
    pub events: Vec<String>,
}

/// What a plugin is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PluginKind {
    /// Pulls or takes webhooks, and normalises.
    Connector,
    /// Reacts to events.
    Propel,
}

impl Manifest {
    /// What is wrong with it, all of it.
    pub(crate) fn misfits(&self) -> Vec<String> {
        let mut misfits = Vec::new();
        let is_id_byte = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
        if !(1..=64).contains(&self.id.len()) || !self.id.bytes().all(is_id_byte) {
            misfits.push(format!("id `{}` is not 1 to 64 of a-z, 0-9 and `-`", crate::output::cut(&self.id, 64)));
        }
        if self.contract != CONTRACT {
            misfits.push(format!("it is built for contract {}, this host serves {CONTRACT}", self.contract));
        }
        for dataset in &self.datasets {
            misfits.extend(weir_model::DatasetName::new(dataset.as_str()).err().map(|error| error.to_string()));
        }
        misfits
    }
}

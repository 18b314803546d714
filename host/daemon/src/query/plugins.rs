//! Which plugins there are.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Serialize;
use weir_sandbox::{Inspection, PluginKind};

use crate::plugins::{Described, PluginFiles};

/// A plugin.
#[derive(Debug, Serialize, JsonSchema)]
pub struct PluginAnswer {
    /// Its id.
    pub id: String,
    /// Its file.
    pub path: PathBuf,
    /// Whether it was installed with Weir.
    pub comes_with_weir: bool,
    /// Publishers named in `[trust]` that signed it.
    pub signers: Vec<String>,
    /// What it is, when it is a plugin.
    #[serde(flatten)]
    pub says: Option<PluginManifest>,
    /// Why it cannot be used.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// What a plugin says of itself.
#[derive(Debug, Serialize, JsonSchema)]
pub struct PluginManifest {
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
pub fn plugins(files: &PluginFiles) -> Vec<PluginAnswer> {
    files.described().into_iter().map(told).collect()
}

fn told(Described { id, file, inspection, signers, refused }: Described) -> PluginAnswer {
    PluginAnswer {
        id,
        path: file.path,
        comes_with_weir: file.is_own,
        signers,
        says: inspection.map(manifest),
        error: refused.map(|fault| fault.to_string()),
    }
}

fn manifest(Inspection { manifest, digest, bytes, .. }: Inspection) -> PluginManifest {
    PluginManifest {
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

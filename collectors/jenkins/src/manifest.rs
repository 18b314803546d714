//! Artifacts a build made or used, from the manifest it archived.
//!
//! Invariant: an artifact without type, location or name is left out with a note.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde::Deserialize;
use serde_json::Value;
use weir_protocol::Artifact;

use crate::notes::Notes;

const NAMES: [&str; 2] = ["artifact-manifest.json", "sei-artifacts.json"];
const BYTES_MAX: u64 = 4 << 20;
const ARTIFACTS_MAX: usize = 1000;

/// Reads the manifests in the archive of a build.
pub(crate) fn read(dir: &Path, notes: &mut Notes) -> Vec<Artifact> {
    let archive = dir.join("archive");
    let mut artifacts = Vec::new();
    for name in NAMES {
        let path = archive.join(name);
        let Ok(size) = fs::symlink_metadata(&path).map(|meta| meta.len()) else { continue };
        if size > BYTES_MAX {
            notes.add("truncated", name, format!("bigger than {BYTES_MAX} bytes, not read"));
            continue;
        }
        match fs::read(&path).map_err(|error| error.to_string()).and_then(|json| parse(&json)) {
            Ok(entries) => artifacts.extend(entries.into_iter().filter_map(|entry| entry.into_artifact(name, notes))),
            Err(error) => notes.add("damaged", name, error),
        }
    }
    artifacts.truncate(ARTIFACTS_MAX);
    artifacts
}

/// The three shapes people write: a list, one under a name, one bare.
#[derive(Deserialize)]
#[serde(untagged)]
enum Manifest {
    Many { artifacts: Vec<Entry> },
    One { artifact: Entry },
    Bare(Entry),
}

#[derive(Deserialize)]
struct Entry {
    #[serde(default)]
    input: bool,
    #[serde(default)]
    output: bool,
    #[serde(rename = "type")]
    kind: Option<String>,
    location: Option<String>,
    name: Option<String>,
    #[serde(alias = "tag", alias = "version")]
    qualifier: Option<String>,
    #[serde(alias = "digest")]
    hash: Option<String>,
    #[serde(default)]
    metadata: BTreeMap<String, Value>,
}

fn parse(json: &[u8]) -> Result<Vec<Entry>, String> {
    let manifest = serde_json::from_slice(json).map_err(|error| error.to_string())?;
    Ok(match manifest {
        Manifest::Many { artifacts } => artifacts,
        Manifest::One { artifact } | Manifest::Bare(artifact) => vec![artifact],
    })
}

impl Entry {
    fn into_artifact(self, subject: &str, notes: &mut Notes) -> Option<Artifact> {
        let (Some(kind), Some(location), Some(name)) = (self.kind, self.location, self.name) else {
            notes.add("missing", subject, "an artifact without type, location or name was left out");
            return None;
        };
        let text = |value: Value| if let Value::String(text) = value { text } else { value.to_string() };
        Some(Artifact {
            input: self.input,
            output: self.output,
            kind,
            location,
            name,
            qualifier: self.qualifier,
            hash: self.hash,
            metadata: self.metadata.into_iter().map(|(key, value)| (key, text(value))).collect(),
        })
    }
}

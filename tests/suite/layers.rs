//! The arrows between our crates, and who may name which library.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use serde_json::Value;

/// What each of our crates may depend on among our crates; dev-dependencies do not count.
const ARROWS: &[(&str, &[&str])] = &[
    ("weir-model", &[]),
    ("weir-stages", &["weir-junit", "weir-model"]),
    ("weir-store", &["weir-model"]),
    ("weir-sandbox", &["weir-model"]),
    ("weir-protocol", &[]),
    ("weir-emit", &["weir-protocol"]),
    ("weir-git", &["weir-protocol"]),
    ("weir-jenkins", &["weir-protocol"]),
    ("weir-junit", &[]),
    ("weir-replay", &[]),
    (
        "weir",
        &[
            "weir-emit",
            "weir-git",
            "weir-jenkins",
            "weir-junit",
            "weir-model",
            "weir-protocol",
            "weir-replay",
            "weir-sandbox",
            "weir-stages",
            "weir-store",
        ],
    ),
    ("weir-sdk", &["weir-model"]),
    ("weir-recordings", &["weir-sdk"]),
    ("weir-guests", &["weir-sdk"]),
    ("xtask", &[]),
];

/// What every plugin may depend on: the public SDK, like anybody's.
const PLUGIN_ARROWS: &[&str] = &["weir-sdk"];

/// Libraries with owners: nobody else names them.
const OWNERS: &[(&str, &[&str])] = &[
    ("sled", &["weir-store"]),
    // The benches ask plain tables the same questions.
    ("rusqlite", &["weir-store", "weir-tests"]),
    ("tantivy", &["weir-store"]),
    ("wasmtime", &["weir-sandbox"]),
    ("wasmtime-wasi", &["weir-sandbox"]),
    ("wit-bindgen", &["weir-sdk", "weir-guests"]),
    ("notify", &["weir-jenkins", "weir"]),
    ("toml", &["weir", "weir-stages"]),
    ("axum", &["weir", "weir-replay"]),
    ("age", &["weir"]),
    ("rusty-s3", &["weir"]),
];

fn is_plugin(name: &str) -> bool {
    name.starts_with("connector-") || name.starts_with("propel-")
}

fn metadata() -> Value {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let output = Command::new(cargo).args(["metadata", "--format-version", "1", "--no-deps", "--offline"]).output();
    serde_json::from_slice(&output.unwrap().stdout).unwrap()
}

/// Normal and build dependencies of every crate of the workspace.
fn dependencies() -> BTreeMap<String, BTreeSet<String>> {
    let metadata = metadata();
    let package = |package: &Value| {
        let dependencies = package["dependencies"].as_array().unwrap().iter();
        let names = dependencies.filter(|dependency| dependency["kind"] != "dev");
        let names = names.map(|dependency| dependency["name"].as_str().unwrap().to_owned()).collect();
        (package["name"].as_str().unwrap().to_owned(), names)
    };
    metadata["packages"].as_array().unwrap().iter().map(package).collect()
}

#[test]
fn arrows_point_down() {
    let dependencies = dependencies();
    let ours: BTreeSet<&String> = dependencies.keys().collect();
    let plugins = ours.iter().filter(|name| is_plugin(name)).map(|name| (name.as_str(), PLUGIN_ARROWS));
    for (name, allowed) in ARROWS.iter().copied().chain(plugins) {
        let wanted = dependencies[name].iter().filter(|dependency| ours.contains(dependency));
        let forbidden: Vec<_> = wanted.filter(|dependency| !allowed.contains(&dependency.as_str())).collect();
        assert!(forbidden.is_empty(), "{name} must not depend on {forbidden:?}");
    }
    let listed: BTreeSet<&str> = ARROWS.iter().map(|(name, _)| *name).collect();
    let unlisted: Vec<_> = ours
        .iter()
        .filter(|name| !listed.contains(name.as_str()) && !is_plugin(name) && **name != "weir-tests")
        .collect();
    assert!(unlisted.is_empty(), "say in ARROWS what these may depend on: {unlisted:?}");
}

#[test]
fn libraries_have_owners() {
    for (library, owners) in OWNERS {
        for (name, dependencies) in dependencies() {
            let owns = owners.contains(&name.as_str()) || name == "weir-tests";
            assert!(
                owns || !dependencies.contains(*library),
                "{name} must not name {library}: it belongs to {owners:?}"
            );
        }
    }
}

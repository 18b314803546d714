//! Every first-party plugin as it is installed: it is a plugin of this Weir, and its folder says what it is.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;
use weir_tests::{Weir, installed_plugin};

/// Folders of first-party plugins.
fn folders() -> Vec<PathBuf> {
    let plugins = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join("plugins");
    let entries = fs::read_dir(plugins).unwrap().map(|entry| entry.unwrap().path());
    let mut folders: Vec<_> = entries.filter(|folder| folder.join("Cargo.toml").exists()).collect();
    folders.sort();
    folders
}

#[test]
fn each_is_installed_and_is_what_its_manifest_says() {
    let weir = Weir::new("");
    for folder in folders() {
        let name = folder.file_name().unwrap().to_str().unwrap();
        let installed = installed_plugin(name);
        let inspected = weir.json(&["plugin", "inspect", installed.to_str().unwrap()]);
        let manifest: Value = serde_json::from_slice(&fs::read(folder.join("manifest.json")).unwrap()).unwrap();
        assert_eq!(inspected["manifest"]["id"], name, "{name}");
        assert_eq!(inspected["manifest"]["version"], manifest["version"], "{name} is not the one built last");
        assert_eq!(inspected["manifest"]["datasets"], manifest["datasets"], "{name} is not the one built last");
    }
}

#[test]
fn each_tells_what_it_collects_and_what_it_needs() {
    for folder in folders() {
        let readme = fs::read_to_string(folder.join("README.md")).unwrap();
        let manifest: Value = serde_json::from_slice(&fs::read(folder.join("manifest.json")).unwrap()).unwrap();
        let settings =
            manifest["settings"]["properties"].as_object().into_iter().flatten().map(|(name, _)| name.as_str());
        let datasets = manifest["datasets"].as_array().into_iter().flatten().filter_map(Value::as_str);
        for named in datasets.chain(settings) {
            assert!(readme.contains(&format!("`{named}`")), "{} does not tell of `{named}`", folder.display());
        }
        if manifest["kind"] == "connector" {
            let told = readme.to_lowercase();
            assert!(told.contains("never collected") || told.contains("never is collected"), "{}", folder.display());
            assert!(told.contains("permission"), "{} does not tell which permissions it needs", folder.display());
        }
    }
}

//! The JSON Schemas of the entities, generated from the model and committed for those who write plugins.

use std::fs;
use std::path::Path;

use weir_model::Entity;

#[test]
fn schemas_are_those_of_the_model() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join("wit/entities");
    let write = std::env::var_os("WEIR_WRITE_SCHEMAS").is_some();
    if write {
        fs::create_dir_all(&folder).unwrap();
    }
    for (kind, schema) in Entity::schemas() {
        let path = folder.join(format!("{kind}.schema.json"));
        let text = format!("{}\n", serde_json::to_string_pretty(&schema).unwrap());
        if write {
            fs::write(&path, text).unwrap();
        } else {
            let committed = fs::read_to_string(&path).unwrap_or_default();
            assert!(committed == text, "{} is not what the model gives; run `cargo xtask schemas`", path.display());
        }
    }
}

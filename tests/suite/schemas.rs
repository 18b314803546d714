//! What is generated and committed: JSON Schemas of the entities for those who write plugins, and the API as OpenAPI.

use std::fs;
use std::path::Path;

use weir_model::Entity;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

#[test]
fn the_committed_openapi_is_that_of_the_host() {
    let path = root().join("docs/openapi.json");
    let text = format!("{}\n", serde_json::to_string_pretty(&weir_daemon::http::openapi()).unwrap());
    if std::env::var_os("WEIR_WRITE_SCHEMAS").is_some() {
        fs::write(&path, &text).unwrap();
    }
    let committed = fs::read_to_string(&path).unwrap_or_default();
    assert!(committed == text, "docs/openapi.json is not what the host gives; run `cargo xtask schemas`");
}

#[test]
fn every_operation_tells_what_it_answers() {
    let document = weir_daemon::http::openapi();
    let routes = weir_daemon::http::table();
    let ours = routes.iter().filter(|route| route.path.starts_with("/v1/"));
    for route in ours {
        let told = &document["paths"][route.path][route.method.as_str().to_lowercase()];
        let place = format!("{} {}", route.method, route.path);
        let answers = told["responses"].as_object().unwrap_or_else(|| panic!("{place} is not told"));
        let good = |status: &String| status.starts_with('2') || status.starts_with('3');
        assert!(answers.keys().any(good), "{place} has no good answer");
        let named = told["parameters"].as_array().unwrap().iter().filter(|parameter| parameter["in"] == "path");
        assert_eq!(named.count(), route.path.matches('{').count(), "{place} does not tell its path");
    }
}

/// Two types of one name get a number behind it, which says nothing to those who read it.
#[test]
fn schemas_have_names_of_their_own() {
    let document = weir_daemon::http::openapi();
    let schemas = document["components"]["schemas"].as_object().unwrap();
    let numbered: Vec<&String> = schemas.keys().filter(|name| name.ends_with(|c: char| c.is_ascii_digit())).collect();
    assert!(numbered.is_empty(), "{numbered:?}: give one of them `#[schemars(rename)]`");
    let text = document.to_string();
    for name in text.split("#/components/schemas/").skip(1).filter_map(|rest| rest.split('"').next()) {
        assert!(schemas.contains_key(name), "{name} is not there");
    }
}

#[test]
fn schemas_are_those_of_the_model() {
    let folder = root().join("wit/entities");
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

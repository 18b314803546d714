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
fn every_route_is_described() {
    let described = weir_daemon::http::openapi();
    let is_described = |path: &str, method: &str| described["paths"][path][method.to_lowercase()].is_object();
    let routes = weir_daemon::http::table();
    let ours = routes.iter().filter(|route| route.path.starts_with("/v1/") && route.path != "/v1/openapi.json");
    let missing = ours.filter(|route| !is_described(route.path, route.method.as_str()));
    let missing: Vec<_> = missing.map(|route| format!("{} {}", route.method, route.path)).collect();
    assert!(missing.is_empty(), "add to OPERATIONS of http/openapi.rs, then run `cargo xtask schemas`: {missing:?}");
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

//! The API as OpenAPI, in outline: every path with its method, parameters and scope. Shapes are in docs/API.md.

use axum::Json;
use serde_json::{Map, Value, json};

use crate::query::SEARCH;

/// Method, path, what it does, query parameters.
const OPERATIONS: &[(&str, &str, &str, &[&str])] = &[
    ("get", "/v1/search", "Searches entities", &SEARCH),
    ("get", "/v1/searches", "Searches that are kept under a name, and variables", &[]),
    ("get", "/v1/metrics", "Definitions of the metrics", &[]),
    (
        "get",
        "/v1/metrics/{name}",
        "Numbers of one metric",
        &["from", "to", "by", "team", "project", "service", "group", "definition", "bands", "reasons"],
    ),
    ("get", "/v1/metrics/{name}/samples", "Samples behind a number", &["from", "to", "team", "project", "service"]),
    ("get", "/v1/entities/{id}", "One entity", &[]),
    ("get", "/v1/entities/{id}/raw", "Raw records behind an entity", &[]),
    ("get", "/v1/entities/{id}/links", "What belongs to an entity, and why", &["depth"]),
    ("get", "/v1/links/dangling", "Keys of known projects that name no work item", &[]),
    ("get", "/v1/builds/{id}/suspects", "Commits that may have broken a build", &[]),
    ("get", "/v1/red-builds", "Newest builds that broke their branch", &["limit"]),
    (
        "get",
        "/v1/outcomes",
        "Records that were ignored, refused or taken in part",
        &["integration", "dataset", "limit"],
    ),
    (
        "get",
        "/v1/work/items",
        "Work items open or in progress at an instant",
        &["at", "begun", "team", "project", "limit"],
    ),
    ("get", "/v1/work/statuses", "Time in status of finished work items", &["from", "to", "team", "project"]),
    ("get", "/v1/work/sprints", "Sprints and their numbers", &["board", "id", "limit"]),
    ("get", "/v1/work/hygiene", "How well open work items are kept", &["team", "project", "by", "limit"]),
    (
        "get",
        "/v1/work/alignment",
        "What finished work went into",
        &["from", "to", "team", "project", "effort", "limit"],
    ),
    ("get", "/v1/people", "Who is who", &["q", "merged", "limit"]),
    ("get", "/v1/teams", "Teams of the configuration", &[]),
    ("get", "/v1/integrations", "Health of every integration", &[]),
    ("get", "/v1/status", "Health of the host", &[]),
    ("get", "/v1/propels", "Configured propels", &[]),
    ("get", "/v1/propels/runs", "What propels did", &["propel", "q", "limit"]),
    ("get", "/v1/propels/runs/{id}", "One run of a propel", &[]),
    ("get", "/v1/propels/dead-letters", "Actions of propels that were given up", &["propel", "limit"]),
    ("get", "/v1/tables", "Tables that people keep", &[]),
    ("get", "/v1/tables/{name}", "Rows of a table", &[]),
    ("get", "/v1/plugins", "Plugins that can be used", &[]),
    ("get", "/v1/audit", "Who did what", &["account", "action", "actor", "q", "from", "to", "before", "limit"]),
    ("get", "/v1/audit/verify", "Whether the audit log is as it was written", &[]),
    ("get", "/v1/decommissions", "Ends of accounts", &[]),
    ("post", "/v1/decommissions", "Asks for the end of the account", &[]),
    ("get", "/v1/decommissions/inventory", "What would go", &[]),
    ("get", "/v1/decommissions/statement", "The sentence to type", &[]),
    ("get", "/v1/decommissions/{id}", "How far one is", &[]),
    ("post", "/v1/decommissions/{id}/confirm", "Confirms one", &[]),
    ("post", "/v1/decommissions/{id}/cancel", "Takes one back", &[]),
    ("post", "/v1/decommissions/{id}/hold", "Holds one", &[]),
    ("post", "/v1/decommissions/{id}/release", "Lifts a hold", &[]),
    ("get", "/v1/decommissions/{id}/receipt", "The signed receipt", &[]),
    ("get", "/v1/decommissions/{id}/receipt.html", "The receipt to print", &[]),
    ("get", "/v1/exports", "Exports that were written", &[]),
    ("post", "/v1/exports", "Writes an export", &[]),
    ("get", "/v1/erasures", "Parts that were erased", &[]),
    ("post", "/v1/erasures", "Erases a part, or counts it", &[]),
    ("get", "/v1/retention/preview", "What policies would let go", &[]),
    ("post", "/v1/retention/run", "Lets go what policies say", &[]),
    ("get", "/v1/events", "Domain events, as a page or as a stream", &["after", "limit", "format"]),
    ("post", "/v1/builds", "Takes builds", &["integration"]),
    ("post", "/v1/commits", "Takes commits", &["integration"]),
    ("post", "/v1/deployments", "Takes deployments", &["integration"]),
    (
        "post",
        "/v1/test-reports",
        "Takes test reports, in JSON or as XML of a test runner",
        &["integration", "id", "name", "instance_name", "job_full_name", "build_number", "attempt", "stage", "commit"],
    ),
    ("get", "/v1/data", "Kinds of custom data", &[]),
    ("post", "/v1/data/{kind}", "Takes rows of custom data", &["integration"]),
    ("get", "/v1/data/{kind}/schema", "The schema of a kind of custom data", &[]),
    ("put", "/v1/data/{kind}/schema", "Declares a kind of custom data", &[]),
    ("post", "/v1/cdevents", "Takes CDEvents", &["integration"]),
    ("post", "/v1/otlp/v1/traces", "Takes spans", &["integration"]),
    ("post", "/v1/otlp/v1/metrics", "Refuses data points", &["integration"]),
    ("post", "/v1/otlp/v1/logs", "Refuses log records", &["integration"]),
    ("post", "/v1/integrations/{name}/collect", "Collects now", &["full"]),
    ("post", "/v1/propels/{name}/run", "Starts a propel by hand", &[]),
    ("post", "/v1/propels/{name}/dry-run", "Shows what a propel would do", &[]),
    ("post", "/v1/propels/{name}/dead-letters/send", "Sends actions again that were given up", &["run"]),
    ("post", "/v1/propels/runs/{id}/repeat", "Repeats a run", &[]),
    ("post", "/v1/propels/runs/{id}/cancel", "Takes back a run that waits", &[]),
    ("post", "/v1/gates/{name}", "Asks whether a build may go on", &[]),
    ("post", "/v1/triggers/{name}", "Starts the propels of a trigger", &[]),
    ("post", "/v1/tables/{name}", "Sets rows of a table", &["by"]),
    ("delete", "/v1/tables/{name}/{key}", "Removes a row", &[]),
    ("post", "/v1/webhooks/{integration}", "Takes a webhook", &[]),
    ("post", "/v1/forward", "Takes results of a host", &[]),
];

pub(super) async fn document() -> Json<Value> {
    let mut paths: Map<String, Value> = Map::new();
    for (method, path, summary, query) in OPERATIONS {
        let operation = json!({
            "summary": summary,
            "parameters": in_path(path).chain(in_query(query)).collect::<Vec<_>>(),
            "responses": { "default": { "description": "JSON; errors are application/problem+json" } },
        });
        let entry = paths.entry((*path).to_owned()).or_insert_with(|| json!({}));
        entry[*method] = operation;
    }
    Json(json!({
        "openapi": "3.1.0",
        "info": { "title": "Weir", "version": env!("CARGO_PKG_VERSION") },
        "paths": paths,
    }))
}

fn in_path(path: &'static str) -> impl Iterator<Item = Value> {
    let names = path.split('{').skip(1).filter_map(|rest| rest.split('}').next());
    names.map(|name| json!({ "name": name, "in": "path", "required": true, "schema": { "type": "string" } }))
}

fn in_query(names: &'static [&'static str]) -> impl Iterator<Item = Value> {
    names.iter().map(|name| json!({ "name": name, "in": "query", "schema": { "type": "string" } }))
}

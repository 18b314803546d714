//! The API as OpenAPI 3.1: every operation with its parameters, its body, and what its answer holds at least. The same
//! document is committed as docs/openapi.json. What the fields mean is said in docs/API.md.

use axum::Json;
use serde_json::{Map, Value, json};

use crate::query::SEARCH;

/// Something that can be asked.
struct Operation {
    method: &'static str,
    path: &'static str,
    summary: &'static str,
    /// Parameters of the query.
    query: &'static [&'static str],
    /// Whether it takes a body.
    has_body: bool,
    /// Status of a good answer; none where there are several.
    status: Option<u16>,
    /// What a good answer always holds.
    fields: &'static [&'static str],
}

type Names = &'static [&'static str];

const fn asks(path: &'static str, summary: &'static str, query: Names, fields: Names) -> Operation {
    Operation { method: "get", path, summary, query, has_body: false, status: Some(200), fields }
}

const fn takes(
    method: &'static str,
    path: &'static str,
    summary: &'static str,
    query: Names,
    (status, fields): (u16, Names),
) -> Operation {
    Operation { method, path, summary, query, has_body: true, status: Some(status), fields }
}

const fn does(method: &'static str, path: &'static str, summary: &'static str, query: Names) -> Operation {
    Operation { method, path, summary, query, has_body: false, status: None, fields: &[] }
}

const fn sends(method: &'static str, path: &'static str, summary: &'static str) -> Operation {
    Operation { method, path, summary, query: &[], has_body: true, status: None, fields: &[] }
}

const OPERATIONS: &[Operation] = &[
    asks("/v1/search", "Searches entities", &SEARCH, &["total", "took_ms", "hits", "facets"]),
    asks("/v1/searches", "Searches that are kept under a name, and variables", &[], &["searches", "variables"]),
    asks("/v1/metrics", "Definitions of the metrics", &[], &["metrics"]),
    asks(
        "/v1/metrics/{name}",
        "Numbers of one metric",
        &["from", "to", "by", "team", "project", "service", "group", "definition", "bands", "reasons"],
        &["metric", "definition", "unit", "points", "total", "unknown"],
    ),
    asks(
        "/v1/metrics/{name}/samples",
        "Samples behind a number",
        &["from", "to", "team", "project", "service"],
        &["samples"],
    ),
    asks("/v1/entities/{id}", "One entity", &[], &["id", "kind", "document", "sources", "links"]),
    asks("/v1/entities/{id}/raw", "Raw records behind an entity", &[], &["records"]),
    asks(
        "/v1/entities/{id}/links",
        "What belongs to an entity, and why",
        &["depth"],
        &["id", "links", "loose", "truncated"],
    ),
    asks("/v1/entities/{id}/notes", "Notes on an entity", &[], &["notes"]),
    takes("post", "/v1/entities/{id}/notes", "Writes a note on an entity", &[], (200, &["name", "at", "text"])),
    does("delete", "/v1/entities/{id}/notes/{name}", "Takes a note away", &[]),
    asks("/v1/links/dangling", "Keys of known projects that name no work item", &[], &["keys"]),
    asks(
        "/v1/builds/{id}/suspects",
        "Commits that may have broken a build",
        &[],
        &["build", "state", "commits", "waiting"],
    ),
    asks("/v1/red-builds", "Newest builds that broke their branch", &["limit"], &["builds"]),
    asks(
        "/v1/outcomes",
        "Records that were ignored, refused or taken in part",
        &["integration", "dataset", "limit"],
        &["outcomes"],
    ),
    asks(
        "/v1/work/items",
        "Work items open or in progress at an instant",
        &["at", "begun", "team", "project", "limit"],
        &["definition", "n", "unknown", "items"],
    ),
    asks(
        "/v1/work/statuses",
        "Time in status of finished work items",
        &["from", "to", "team", "project"],
        &["definition", "n", "unknown", "statuses"],
    ),
    asks("/v1/work/sprints", "Sprints and their numbers", &["board", "id", "limit"], &["definition", "sprints"]),
    asks(
        "/v1/work/hygiene",
        "How well open work items are kept",
        &["team", "project", "by", "limit"],
        &["definition", "n", "score", "categories"],
    ),
    asks(
        "/v1/work/alignment",
        "What finished work went into",
        &["from", "to", "team", "project", "effort", "limit"],
        &["definition", "n", "unknown", "categories"],
    ),
    asks("/v1/people", "Who is who", &["q", "merged", "limit"], &["people", "suggestions"]),
    asks("/v1/teams", "Teams of the configuration", &[], &["teams"]),
    asks("/v1/integrations", "Health of every integration", &[], &["integrations"]),
    asks("/v1/status", "Health of the host", &[], &["host", "integrations", "accepted", "processed"]),
    asks("/v1/propels", "Configured propels", &[], &["propels"]),
    asks("/v1/propels/runs", "What propels did", &["propel", "q", "limit"], &["runs"]),
    asks("/v1/propels/runs/{id}", "One run of a propel", &[], &["id"]),
    asks("/v1/propels/dead-letters", "Actions of propels that were given up", &["propel", "limit"], &["dead_letters"]),
    asks("/v1/tables", "Tables that people keep", &[], &["tables"]),
    asks("/v1/tables/{name}", "Rows of a table", &[], &[]),
    asks("/v1/plugins", "Plugins that can be used", &[], &["plugins"]),
    asks("/v1/events", "Domain events, as a page or as a stream", &["after", "limit", "format"], &["events", "next"]),
    takes("post", "/v1/builds", "Takes builds", &["integration"], (202, &["accepted", "duplicate", "problems"])),
    takes("post", "/v1/commits", "Takes commits", &["integration"], (202, &["accepted", "duplicate", "problems"])),
    takes(
        "post",
        "/v1/deployments",
        "Takes deployments",
        &["integration"],
        (202, &["accepted", "duplicate", "problems"]),
    ),
    takes(
        "post",
        "/v1/test-reports",
        "Takes test reports, in JSON or as XML of a test runner",
        &["integration", "id", "name", "instance_name", "job_full_name", "build_number", "attempt", "stage", "commit"],
        (202, &["accepted", "duplicate", "problems"]),
    ),
    asks("/v1/data", "Kinds of custom data", &[], &["kinds"]),
    takes(
        "post",
        "/v1/data/{kind}",
        "Takes rows of custom data",
        &["integration"],
        (202, &["accepted", "valid", "duplicate", "problems"]),
    ),
    asks("/v1/data/{kind}/schema", "The schema of a kind of custom data", &[], &[]),
    takes("put", "/v1/data/{kind}/schema", "Declares a kind of custom data", &[], (200, &[])),
    takes("post", "/v1/cdevents", "Takes CDEvents", &["integration"], (202, &["accepted", "duplicate", "problems"])),
    takes("post", "/v1/otlp/v1/traces", "Takes spans", &["integration"], (200, &[])),
    takes("post", "/v1/otlp/v1/metrics", "Refuses data points", &["integration"], (200, &[])),
    takes("post", "/v1/otlp/v1/logs", "Refuses log records", &["integration"], (200, &[])),
    does("post", "/v1/integrations/{name}/collect", "Collects now", &["full"]),
    takes("post", "/v1/propels/{name}/run", "Starts a propel by hand", &[], (200, &[])),
    takes("post", "/v1/propels/{name}/dry-run", "Shows what a propel would do", &[], (200, &[])),
    does("post", "/v1/propels/{name}/dead-letters/send", "Sends actions again that were given up", &["run"]),
    does("post", "/v1/propels/runs/{id}/repeat", "Repeats a run", &[]),
    does("post", "/v1/propels/runs/{id}/cancel", "Takes back a run that waits", &[]),
    takes("post", "/v1/gates/{name}", "Asks whether a build may go on", &[], (200, &[])),
    takes("post", "/v1/triggers/{name}", "Starts the propels of a trigger", &[], (202, &["runs"])),
    takes("post", "/v1/tables/{name}", "Sets rows of a table", &[], (200, &[])),
    does("delete", "/v1/tables/{name}/{key}", "Removes a row", &[]),
    takes("post", "/v1/webhooks/{integration}", "Takes a webhook", &[], (200, &[])),
    takes("post", "/v1/forward", "Takes results of a host", &[], (200, &["acknowledged"])),
    takes("post", "/v1/forward/gone", "Erases what a host has erased", &[], (200, &["state", "held", "receipt"])),
    asks("/v1/audit", "Who did what", &["account", "action", "actor", "q", "from", "to", "before", "limit"], &[]),
    asks("/v1/audit/verify", "Whether the audit log is as it was written", &[], &[]),
    asks("/v1/decommissions", "Ends of accounts", &[], &[]),
    sends("post", "/v1/decommissions", "Asks for the end of the account"),
    asks("/v1/decommissions/inventory", "What would go", &[], &[]),
    asks("/v1/decommissions/statement", "The sentence to type", &[], &[]),
    asks("/v1/decommissions/{id}", "How far one is", &[], &[]),
    sends("post", "/v1/decommissions/{id}/confirm", "Confirms one"),
    sends("post", "/v1/decommissions/{id}/cancel", "Takes one back"),
    sends("post", "/v1/decommissions/{id}/hold", "Holds one"),
    sends("post", "/v1/decommissions/{id}/release", "Lifts a hold"),
    asks("/v1/decommissions/{id}/receipt", "The signed receipt", &[], &[]),
    asks("/v1/decommissions/{id}/receipt.html", "The receipt to print", &[], &[]),
    asks("/v1/exports", "Exports that were written", &[], &[]),
    sends("post", "/v1/exports", "Writes an export"),
    asks("/v1/backups", "Backups that were taken", &[], &["backups"]),
    sends("post", "/v1/backups", "Takes a backup"),
    asks("/v1/erasures", "Parts that were erased", &[], &[]),
    sends("post", "/v1/erasures", "Erases a part, or counts it"),
    asks("/v1/erasures/{id}/receipt", "The signed receipt of an erasure", &[], &[]),
    sends("post", "/v1/erasures/{id}/confirm", "Confirms what somebody else wants to erase"),
    sends("post", "/v1/erasures/{id}/cancel", "Takes one back"),
    asks("/v1/retention/preview", "What policies would let go", &[], &[]),
    sends("post", "/v1/retention/run", "Lets go what policies say"),
    asks("/v1/session", "Who one is", &[], &["kind", "name", "permissions"]),
    sends("post", "/v1/session", "Logs in"),
    does("delete", "/v1/session", "Logs out", &[]),
    sends("post", "/v1/session/password", "Changes one's password"),
    does("get", "/v1/login/oidc", "Sends a browser to the provider to log in", &["return_to"]),
    does(
        "get",
        "/v1/login/oidc/callback",
        "Takes a browser back from the provider",
        &["state", "code", "error", "iss"],
    ),
    asks("/v1/welcome", "Whom a link welcomes", &["token"], &["first", "name", "expires_at"]),
    sends("post", "/v1/welcome", "Sets the password of somebody who was welcomed"),
    asks("/v1/users", "People who log in, and roles", &[], &["users", "roles"]),
    takes("post", "/v1/users", "Makes a user", &[], (201, &["name", "role"])),
    takes("put", "/v1/users/{name}", "Changes a user", &[], (200, &["name", "role"])),
    does("delete", "/v1/users/{name}", "Removes a user", &[]),
    sends("post", "/v1/users/{name}/password", "Sets a password, or gives a link for it"),
    asks("/v1/keys", "API keys", &[], &["keys"]),
    takes("post", "/v1/keys", "Makes a key and shows it once", &[], (201, &["id", "key"])),
    takes("post", "/v1/keys/{id}/rotate", "Makes a key in place of another", &[], (201, &["id", "key", "replaces"])),
    does("delete", "/v1/keys/{id}", "Ends a key", &[]),
];

pub(super) async fn document() -> Json<Value> {
    Json(openapi())
}

/// The whole document.
pub fn openapi() -> Value {
    let mut paths: Map<String, Value> = Map::new();
    for operation in OPERATIONS {
        let entry = paths.entry(operation.path.to_owned()).or_insert_with(|| json!({}));
        entry[operation.method] = operation.described();
    }
    json!({
        "openapi": "3.1.0",
        "info": { "title": "Weir", "version": env!("CARGO_PKG_VERSION"), "license": { "name": "Apache-2.0", "identifier": "Apache-2.0" } },
        "security": [{}, { "key": [] }],
        "paths": paths,
        "components": {
            "securitySchemes": { "key": { "type": "http", "scheme": "bearer", "description": "A key of `weir key create`" } },
            "schemas": { "Problem": problem() },
        },
    })
}

impl Operation {
    fn described(&self) -> Value {
        let parameters: Vec<Value> = in_path(self.path).chain(self.query.iter().map(|name| in_query(name))).collect();
        let mut responses = json!({ "default": {
            "description": "A problem says what is wrong and what to do",
            "content": { "application/problem+json": { "schema": { "$ref": "#/components/schemas/Problem" } } },
        } });
        match self.status {
            Some(status) => responses[status.to_string()] = self.answer(),
            None => responses["2XX"] = json!({ "description": "It was done" }),
        }
        let mut told = json!({ "summary": self.summary, "parameters": parameters, "responses": responses });
        if self.has_body {
            told["requestBody"] = json!({ "content": { "application/json": { "schema": {} } } });
        }
        told
    }

    fn answer(&self) -> Value {
        let mut content = json!({ "application/json": { "schema": { "type": "object", "required": self.fields } } });
        if self.path == "/v1/events" {
            content["text/event-stream"] = json!({ "schema": { "type": "string" } });
            content["application/cloudevents-batch+json"] = json!({ "schema": { "type": "array" } });
        }
        // What holds no certain field may be of any kind: the schema of a kind of data is its owner's.
        if self.fields.is_empty() {
            return json!({ "description": "The answer" });
        }
        json!({ "description": "The answer", "content": content })
    }
}

fn problem() -> Value {
    let text = json!({ "type": "string" });
    json!({
        "type": "object",
        "required": ["type", "title", "status", "detail"],
        "properties": {
            "type": text, "title": text, "status": { "type": "integer" }, "detail": text, "hint": text,
            "request_id": text,
        },
    })
}

fn in_path(path: &'static str) -> impl Iterator<Item = Value> {
    let names = path.split('{').skip(1).filter_map(|rest| rest.split('}').next());
    names.map(|name| json!({ "name": name, "in": "path", "required": true, "schema": { "type": "string" } }))
}

fn in_query(name: &str) -> Value {
    let schema = match name {
        "limit" | "facet_limit" | "groups" => json!({ "type": "integer", "minimum": 0 }),
        "depth" => json!({ "type": "integer", "minimum": 0, "maximum": 8 }),
        "by" => json!({ "type": "string", "examples": ["day", "week", "month"] }),
        "from" | "to" | "at" => json!({ "type": "string", "examples": ["2026-01-31", "2026-01-31T12:00:00Z"] }),
        "full" | "begun" | "highlight" | "reasons" | "merged" => json!({ "type": "boolean" }),
        _ => json!({ "type": "string" }),
    };
    json!({ "name": name, "in": "query", "schema": schema })
}

//! CDEvents and spans, as their senders send them over HTTP, and the conformance examples.

use std::io::Write;
use std::path::Path;

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};
use weir_tests::{Running, Weir, files_below, shared};

const TRACE: &str = "731ec8a47fd7450f753a812a4a8aa5a0";

fn event(kind: &str, id: &str, content: Value) -> Value {
    json!({
        "context": {
            "specversion": "0.5.0", "id": id, "source": "https://ci.acme.dev", "type": format!("dev.cdevents.{kind}.0.3.0"),
            "timestamp": "2026-03-02T10:00:00Z",
        },
        "subject": { "id": "9", "content": content },
    })
}

fn structured(event: &Value) -> Value {
    let context = &event["context"];
    json!({ "specversion": "1.0", "id": context["id"], "source": context["source"], "type": context["type"], "data": event })
}

fn gzipped(body: &[u8]) -> Vec<u8> {
    let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
    packed.write_all(body).unwrap();
    packed.finish().unwrap()
}

fn entity(host: &Running, id: &str) -> Value {
    host.processed();
    let encoded = id.replace(':', "%3A").replace('/', "%2F");
    let mut found = host.get(&format!("/v1/entities/{encoded}"));
    found["document"].take()
}

/// Number of entities of each kind.
fn kinds(found: &Value) -> Vec<(String, u64)> {
    let values = found["facets"]["kind"].as_array().unwrap().iter();
    let mut kinds: Vec<_> =
        values.map(|value| (value["value"].as_str().unwrap().to_owned(), value["count"].as_u64().unwrap())).collect();
    kinds.sort();
    kinds
}

#[test]
fn a_run_told_in_every_mode_is_one_build() {
    let weir = Weir::new("");
    let host = weir.run();
    let pipeline = json!({ "pipelineName": "api" });
    let queued = event("pipelinerun.queued", "1", pipeline.clone());
    let started = event("pipelinerun.started", "2", pipeline);
    let finished = event("pipelinerun.finished", "3", json!({ "outcome": "failure" }));
    let client = host.client().with("content-type", "application/json");
    let binary = client
        .with("ce-specversion", "1.0")
        .with("ce-id", "1")
        .with("ce-source", "https://ci.acme.dev")
        .with("ce-type", "dev.cdevents.pipelinerun.queued.0.3.0");
    assert_eq!(binary.post("/v1/cdevents", queued.to_string().as_bytes()).status, 202);
    let whole = host.client().with("content-type", "application/cloudevents+json").with("content-encoding", "gzip");
    assert_eq!(whole.post("/v1/cdevents", &gzipped(structured(&started).to_string().as_bytes())).status, 202);
    let batch = host.client().with("content-type", "application/cloudevents-batch+json");
    let twice = json!([structured(&finished), structured(&finished)]).to_string();
    assert_eq!(batch.post("/v1/cdevents", twice.as_bytes()).json()["accepted"], 2);
    assert_eq!(batch.post("/v1/cdevents", b"[]").status, 202);

    let build = entity(&host, "build:push:pipelinerun/https://ci.acme.dev/9");
    assert_eq!(
        (&build["job"], &build["state"], &build["result"]),
        (&json!("api"), &json!("finished"), &json!("failure"))
    );
    for time in ["queued_at", "started_at", "finished_at"] {
        assert_eq!(build[time], "2026-03-02T10:00:00.000Z", "{time}");
    }
    assert_eq!(host.get("/v1/search?limit=0")["total"], 1);
    host.stop();
}

#[test]
fn what_is_no_event_is_refused_and_kept() {
    let weir = Weir::new("");
    let host = weir.run();
    assert_eq!(host.client().post("/v1/cdevents", b"{nope").status, 400);
    let headers = host.client().with("ce-type", "com.acme.thing").with("ce-id", "7").with("ce-source", "s%20s");
    assert_eq!(headers.post("/v1/cdevents", br#"{"a":1}"#).status, 202);
    assert_eq!(host.client().post("/v1/otlp/v1/traces", b"{nope").status, 400);
    host.processed();
    let outcomes = host.get("/v1/outcomes?limit=10");
    let outcome = |key: &str| {
        let all = outcomes["outcomes"].as_array().unwrap();
        all.iter().find(|one| one["key"].as_str().unwrap().starts_with(key)).cloned().unwrap_or_default()
    };
    assert_eq!(outcome("unreadable/")["outcome"], "rejected", "{outcomes}");
    assert_eq!(outcome("other/s s/7")["reason"], "cdevents.type.com.acme.thing", "{outcomes}");
    assert_eq!(outcome("body/")["outcome"], "rejected", "{outcomes}");
    host.stop();
}

#[test]
fn exporters_are_answered_in_their_encoding() {
    let weir = Weir::new("");
    let host = weir.run();
    let text = |key: &str, value: &str| json!({ "key": key, "value": { "stringValue": value } });
    let root = json!({
        "traceId": TRACE, "spanId": "aba151af7cfbcf0f", "name": "RUN api", "startTimeUnixNano": "1744837733000000000",
        "endTimeUnixNano": "1744837827000000000", "attributes": [text("cicd.pipeline.name", "api"), text("cicd.pipeline.result", "timeout")],
    });
    let body = |spans: Value| json!({ "resourceSpans": [{ "scopeSpans": [{ "spans": spans }] }] }).to_string();
    let json = host.client().with("content-type", "application/json");
    let first = json.post("/v1/otlp/v1/traces", body(json!([root])).as_bytes());
    assert_eq!((first.status, first.text().as_str(), first.header("content-type")), (200, "{}", "application/json"));
    let lost = json.post("/v1/otlp/v1/traces", body(json!([{ "traceId": "00" }])).as_bytes());
    assert_eq!(lost.json()["partialSuccess"]["rejectedSpans"], "1");

    // One step of the same trace: its name, and an attribute that says what it is of.
    let pair = [&[0x0a, 17][..], b"cicd.pipeline.tas", &[0x12, 3, 0x0a, 1, b'x']].concat();
    let mut span =
        [&[0x0a, 16][..], &hex(TRACE), &[0x12, 8, 1, 2, 3, 4, 5, 6, 7, 8, 0x2a, 4], b"test", &[0x4a, 24]].concat();
    span.extend(&pair);
    let binary = [3, 2, 1].iter().fold(span, |inner, depth| {
        let field = if *depth == 1 { 0x0a } else { 0x12 };
        [&[field, u8::try_from(inner.len()).unwrap()], inner.as_slice()].concat()
    });
    let protobuf = host.client().with("content-type", "application/x-protobuf").with("content-encoding", "gzip");
    let second = protobuf.post("/v1/otlp/v1/traces", &gzipped(&binary));
    assert_eq!((second.status, second.body.len(), second.header("content-type")), (200, 0, "application/x-protobuf"));
    let logs = host
        .client()
        .with("content-type", "application/x-protobuf")
        .post("/v1/otlp/v1/logs", b"\x0a\x04\x12\x02\x12\x00");
    assert_eq!((logs.status, &logs.body[2..4]), (200, &[0x08, 1][..]));

    let build = entity(&host, &format!("build:push:{TRACE}"));
    assert_eq!((&build["job"], &build["result"]), (&json!("api"), &json!("timeout")));
    assert_eq!(build["stages"][0]["name"], "test");
    host.stop();
}

fn hex(text: &str) -> Vec<u8> {
    (0..text.len() / 2).map(|at| u8::from_str_radix(&text[at * 2..at * 2 + 2], 16).unwrap()).collect()
}

#[test]
fn every_conformance_example_becomes_what_it_is_about() {
    let Some(folder) = shared("cdevents/spec/conformance") else { return };
    let weir = Weir::new("");
    let files: Vec<_> =
        files_below(&folder, ".json").into_iter().filter(|file| !file.ends_with("formats/domainid.json")).collect();
    let files: Vec<&Path> = files.iter().map(std::path::PathBuf::as_path).collect();
    let ingested = weir.ingest("cdevents", &files);
    assert_eq!((&ingested["records"], &ingested["rejected"], &ingested["ignored"]), (&json!(48), &json!(0), &json!(0)));
    let found = weir.json(&["search", "", "--facets", "kind", "--limit", "0"]);
    let expected = [
        ("approval", 1),
        ("artifact", 2),
        ("build", 2),
        ("change", 1),
        ("deployment", 1),
        ("incident", 1),
        ("repository", 1),
        ("review", 1),
        ("service", 1),
        ("test-report", 4),
        ("work-item", 1),
    ];
    let expected: Vec<_> = expected.map(|(kind, n)| (kind.to_owned(), n)).into();
    // The repository and the environment were deleted in the end; of the repository its branches are left.
    assert_eq!(kinds(&found), expected);
}

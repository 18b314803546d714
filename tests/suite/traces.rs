//! Traces of Weir itself, as a collector of OpenTelemetry gets them.

use std::collections::{BTreeMap, BTreeSet};
use std::net::TcpListener;

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::trace::v1::Span;
use opentelemetry_proto::tonic::trace::v1::status::StatusCode;
use prost::Message;
use serde_json::{Value, json};
use weir_replay::Options;
use weir_tests::{Receiver, Replayed, Running, Weir, until};

const SECRET: &str = "Bearer of-the-collector";

fn sent_to(collector: &Receiver) -> String {
    format!(
        "[tracing]\nendpoint = \"{}\"\nauth = {{ kind = \"header\", name = \"authorization\", value = {{ env = \"COLLECTOR\" }} }}\n",
        collector.url()
    )
}

/// All spans that came.
fn spans(collector: &Receiver) -> Vec<Span> {
    let sent = collector.received().into_iter().filter(|sent| sent.path == "/v1/traces");
    let read = sent.map(|sent| ExportTraceServiceRequest::decode(sent.bytes.as_slice()).unwrap());
    let scopes = read.flat_map(|request| request.resource_spans).flat_map(|resource| resource.scope_spans);
    scopes.flat_map(|scope| scope.spans).collect()
}

/// Spans of a name, once there are some.
fn named(collector: &Receiver, name: &str) -> Vec<Span> {
    let find = || spans(collector).into_iter().filter(|span| span.name == name).collect::<Vec<_>>();
    until(&format!("spans called {name}"), || !find().is_empty());
    find()
}

fn attributes(span: &Span) -> BTreeMap<String, String> {
    let text = |value: &opentelemetry_proto::tonic::common::v1::AnyValue| format!("{:?}", value.value);
    span.attributes.iter().map(|one| (one.key.clone(), one.value.as_ref().map(text).unwrap_or_default())).collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Whether some span of a name lies in one of another name.
fn lies_in(collector: &Receiver, name: &str, parent: &str) -> bool {
    let parents: BTreeSet<Vec<u8>> = named(collector, parent).into_iter().map(|span| span.span_id).collect();
    named(collector, name).iter().any(|span| parents.contains(&span.parent_span_id))
}

fn counted(host: &Running, metric: &str) -> u64 {
    let text = host.client().get("/metrics").text();
    let line = text.lines().find(|line| line.starts_with(&format!("{metric} "))).unwrap().to_owned();
    line.rsplit(' ').next().unwrap().parse().unwrap()
}

fn push(host: &Running) {
    let now = jiff::Timestamp::now().to_string();
    let build =
        json!({ "job_full_name": "shop", "build_number": 1, "result": "failure", "start_time": now, "end_time": now });
    assert_eq!(host.client().post("/v1/builds", build.to_string().as_bytes()).status, 202);
    host.processed();
}

#[test]
fn a_request_is_a_part_of_the_trace_of_who_asks() {
    let collector = Receiver::new();
    let weir = Weir::new(&sent_to(&collector)).with_secret("COLLECTOR", SECRET);
    let host = weir.run();
    let parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let missing = host.client().with("traceparent", parent).get("/v1/entities/build%3Aci%3Asomebody");
    assert_eq!(missing.status, 404);
    let span = named(&collector, "GET /v1/entities/{id}").remove(0);
    assert_eq!(hex(&span.trace_id), "4bf92f3577b34da6a3ce929d0e0e4736");
    assert_eq!(hex(&span.parent_span_id), "00f067aa0ba902b7");
    let told = attributes(&span);
    assert!(told["http.response.status_code"].contains("404") && told["http.route"].contains("{id}"), "{told:?}");
    assert!(span.status.is_none_or(|status| status.code() != StatusCode::Error), "who asks is wrong, not the host");
    let odd = host.client().with("traceparent", "00-zz-zz-01").get("/v1/status");
    assert_eq!(odd.status, 200);
    assert!(named(&collector, "GET /v1/status").iter().all(|span| span.parent_span_id.is_empty()));
    let all = format!("{:?}", spans(&collector));
    assert!(!all.contains("somebody"), "{all}");
    assert_eq!(collector.received()[0].header("authorization"), SECRET);
    host.stop();
}

#[test]
fn work_is_told_with_its_steps() {
    let (collector, chat) = (Receiver::new(), Receiver::new());
    let central = Weir::named("central", "");
    let key = central.json(&["key", "create", "lab", "--scope", "forward"])["key"].as_str().unwrap().to_owned();
    let receiving = central.start("central");
    let replayed = Replayed::new(Options::default());
    let config = format!(
        "{}[central]\nurl = \"{}\"\nkey = {{ env = \"CENTRAL_KEY\" }}\n{}\n[[rule]]\nname = \"red\"\non = [\"build.finished\"]\n\
         connections = {{ chat = {{ url = \"{}\", auth = {{ kind = \"none\" }} }} }}\n[[rule.do]]\ncall = \"chat\"\njson = {{ text = \"x\" }}\n",
        sent_to(&collector),
        receiving.url(),
        replayed.integration(),
        chat.url()
    );
    let weir = Weir::new(&config).with_secret("COLLECTOR", SECRET).with_secret("CENTRAL_KEY", &key);
    let host = weir.run();
    assert_eq!(host.collected("github")["failures"], json!([]));
    push(&host);
    until("the message", || !chat.received().is_empty());
    for (name, parent) in [
        ("page", "collect"),
        ("normalise", "batch"),
        ("plugin", "normalise"),
        ("apply", "batch"),
        ("derive", "batch"),
        ("index", "batch"),
        ("commit", "batch"),
    ] {
        assert!(lies_in(&collector, name, parent), "{name} in {parent}");
    }
    assert!(attributes(&named(&collector, "page")[0])["weir.integration"].contains("github"));
    assert!(named(&collector, "propel").iter().any(|span| attributes(span)["weir.propel"].contains("red")));
    named(&collector, "action");
    named(&collector, "forward");
    // A collector is no tool: what is sent to it is in no trace.
    assert!(spans(&collector).iter().all(|span| !span.name.contains("/v1/traces")));
    let all = collector.received().iter().map(|sent| sent.body.clone()).collect::<String>();
    assert!(!all.contains("demo-token") && !all.contains(&key) && !all.contains("of-the-collector"));
    assert!(counted(&host, "weir_traces_sent_spans_total") > 0);
    host.stop();
    receiving.stop();
}

#[test]
fn a_collector_that_is_away_is_nobodys_trouble() {
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let weir = Weir::new(&format!("[tracing]\nendpoint = \"http://{closed}\"\n"));
    let host = weir.run();
    push(&host);
    until("spans to be lost", || counted(&host, "weir_traces_lost_spans_total") > 0);
    push(&host);
    assert_eq!(counted(&host, "weir_traces_sent_spans_total"), 0);
    assert_eq!(weir.log().matches("traces are lost").count(), 1, "{}", weir.log());
    assert!(host.stop().success());
}

#[test]
fn a_collector_that_comes_back_gets_what_comes_then() {
    let collector = Receiver::new();
    collector.answer_with(503);
    let weir = Weir::new("").with_secret("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url());
    let host = weir.run();
    until("spans to be lost", || counted(&host, "weir_traces_lost_spans_total") > 0);
    collector.answer_with(200);
    until("spans to be sent", || counted(&host, "weir_traces_sent_spans_total") > 0);
    host.stop();
    let silent = Receiver::new();
    let weir = Weir::new(&format!("[tracing]\nendpoint = \"{}\"\nsample = 0.0\n", silent.url()));
    let host = weir.run();
    push(&host);
    host.stop();
    assert_eq!(silent.received(), [], "nothing is sampled");
}

#[test]
fn the_log_is_json_lines_where_that_is_wanted() {
    let weir = Weir::new("");
    let told = weir.command(&["search", "kind:build", "-vv", "--log-format", "json"]);
    assert_eq!(told.code, 0, "{}", told.stderr);
    let lines: Vec<Value> = told.stderr.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(!lines.is_empty());
    for line in lines {
        for name in ["timestamp", "level", "target", "message"] {
            assert!(line[name].is_string(), "no {name} in {line}");
        }
    }
    assert_eq!(weir.command(&["status", "--log-format", "xml"]).code, 2);
}

use super::super::tests::check;
use super::super::{Arrival, Format, native};
use super::*;
use expect_test::{Expect, expect};
use proptest::prelude::*;
use serde_json::{Value, json};
use weir_model::{Entity, RawRecord};

const TRACE: &str = "731ec8a47fd7450f753a812a4a8aa5a0";
const ROOT: &str = "aba151af7cfbcf0f";

/// Attributes as exporters write them.
fn attributes(plain: &Value) -> Value {
    fn value(plain: &Value) -> Value {
        match plain {
            Value::Null => json!({}),
            Value::Bool(_) => json!({ "boolValue": plain }),
            Value::Number(number) if number.is_f64() => json!({ "doubleValue": plain }),
            Value::Number(number) => json!({ "intValue": number.to_string() }),
            Value::Array(all) => json!({ "arrayValue": { "values": all.iter().map(value).collect::<Vec<_>>() } }),
            _ => json!({ "stringValue": plain }),
        }
    }
    let pairs = plain.as_object().unwrap().iter();
    pairs.map(|(key, plain)| json!({ "key": key, "value": value(plain) })).collect()
}

/// A span from `start` to `end`, in seconds of one minute.
fn span(id: &str, parent: &str, name: &str, (start, end): (u64, u64), own: Value) -> Value {
    let at = |s: u64| (1_772_445_600_000_000_000 + s * 1_000_000_000).to_string();
    json!({ "traceId": TRACE, "spanId": id, "parentSpanId": parent, "name": name, "kind": 2,
        "startTimeUnixNano": at(start), "endTimeUnixNano": at(end), "attributes": attributes(&own) })
}

fn body(resource: Value, spans: &[Value]) -> Value {
    json!({ "resourceSpans": [{ "resource": { "attributes": attributes(&resource) }, "scopeSpans": [{ "scope": { "name": "s" }, "spans": spans }] }] })
}

fn check_bodies(bodies: &[Value], expected: Expect) {
    let bodies: Vec<String> = bodies.iter().map(Value::to_string).collect();
    check(Format::Otlp, &bodies.iter().map(String::as_str).collect::<Vec<_>>(), expected);
}

#[test]
fn spans_of_the_current_names() {
    let resource = json!({ "service.name": "tekton", "vcs.repository.url.full": "https://git.acme.dev/acme/api", "vcs.ref.head.name": "refs/heads/main",
        "vcs.ref.head.revision": "c77b3cb39312b83b053d23a2158b99ac7de44dd3", "vcs.change.id": "7", "deployment.environment.name": "ci-cluster" });
    let run = json!({ "cicd.pipeline.name": "api", "cicd.pipeline.run.id": "r-9", "cicd.pipeline.result": "timeout", "cicd.pipeline.run.url.full": "https://ci/r-9" });
    let task = |name: &str, result: &str| {
        json!({ "cicd.pipeline.task.name": name, "cicd.pipeline.task.run.id": name, "cicd.pipeline.task.run.result": result,
        "cicd.pipeline.task.run.url.full": "https://ci/t", "cicd.worker.name": "w1" })
    };
    let mut deploy = task("deploy", "success");
    deploy["deployment.environment.name"] = json!("eu-prod");
    deploy["deployment.name"] = json!("api");
    deploy["deployment.status"] = json!("succeeded");
    deploy["artifact.purl"] =
        json!("pkg:oci/api@sha256%3A0b31b1c02ff458ad9b7b81cbdf8f028bd54699fa151f221d1e8de6817db93427");
    check_bodies(
        &[
            body(
                resource.clone(),
                &[
                    span(ROOT, "", "RUN api", (0, 40), run),
                    span("0000000000000001", ROOT, "t", (1, 20), task("test", "failure")),
                ],
            ),
            body(resource, &[span("0000000000000002", ROOT, "t", (20, 39), deploy)]),
            body(json!({ "service.name": "shop" }), &[span(ROOT, "", "GET /", (0, 1), json!({ "http.route": "/" }))]),
        ],
        expect![[r#"
            build:me:731ec8a47fd7450f753a812a4a8aa5a0 {"job":"api","url":"https://ci/r-9","state":"finished","result":"timeout","result_word":"timeout","checkouts":[{"repository":{"name":"https://git.acme.dev/acme/api"},"branch":"main","commit":"c77b3cb39312b83b053d23a2158b99ac7de44dd3"}],"change":{"name":"acme/api#7"},"stages":[{"key":"0000000000000001","name":"test","kind":"job","state":"finished","result":"failure","result_word":"failure","started_at":"2026-03-02T10:00:01.000Z","finished_at":"2026-03-02T10:00:20.000Z","duration":19000,"worker":"w1","url":"https://ci/t"}],"started_at":"2026-03-02T10:00:00.000Z","finished_at":"2026-03-02T10:00:40.000Z","duration":40000,"attributes":{"otel.run":"r-9","otel.service":"tekton","otel.trace":"731ec8a47fd7450f753a812a4a8aa5a0"}}
            artifact:me:sha256:0b31b1c02ff458ad9b7b81cbdf8f028bd54699fa151f221d1e8de6817db93427 {"kind":"image","name":"api","digest":"sha256:0b31b1c02ff458ad9b7b81cbdf8f028bd54699fa151f221d1e8de6817db93427","purl":"pkg:oci/api@sha256:0b31b1c02ff458ad9b7b81cbdf8f028bd54699fa151f221d1e8de6817db93427","build":{"key":"731ec8a47fd7450f753a812a4a8aa5a0"},"created_at":"2026-03-02T10:00:39.000Z"}
            deployment:me:731ec8a47fd7450f753a812a4a8aa5a0/0000000000000002 {"service":"api","environment":{"name":"eu-prod","class":"production"},"state":"finished","result":"success","result_word":"succeeded","build":{"key":"731ec8a47fd7450f753a812a4a8aa5a0"},"stage":"0000000000000002","commits":["c77b3cb39312b83b053d23a2158b99ac7de44dd3"],"artifacts":[{"key":"sha256:0b31b1c02ff458ad9b7b81cbdf8f028bd54699fa151f221d1e8de6817db93427"}],"started_at":"2026-03-02T10:00:20.000Z","finished_at":"2026-03-02T10:00:39.000Z"}
            build:me:731ec8a47fd7450f753a812a4a8aa5a0 {"checkouts":[{"repository":{"name":"https://git.acme.dev/acme/api"},"branch":"main","commit":"c77b3cb39312b83b053d23a2158b99ac7de44dd3"}],"stages":[{"key":"0000000000000002","parent":"aba151af7cfbcf0f","name":"deploy","kind":"job","state":"finished","result":"success","result_word":"success","started_at":"2026-03-02T10:00:20.000Z","finished_at":"2026-03-02T10:00:39.000Z","duration":19000,"worker":"w1","url":"https://ci/t"}],"artifacts":[{"artifact":{"key":"sha256:0b31b1c02ff458ad9b7b81cbdf8f028bd54699fa151f221d1e8de6817db93427"},"role":"produced"}]}
            Ignored("otlp.no-pipeline")
        "#]],
    );
}

#[test]
fn spans_of_the_jenkins_plugin() {
    let jenkins = json!({ "service.name": "jenkins" });
    let run = json!({ "ci.pipeline.id": "Team A/api", "ci.pipeline.name": "Team A » api", "ci.pipeline.run.number": 12, "ci.pipeline.run.result": "aborted",
        "ci.pipeline.run.url": "https://ci/job/api/12/", "ci.pipeline.run.durationMillis": 4200, "ci.pipeline.run.user": "ana", "ci.pipeline.type": "workflow",
        "ci.pipeline.run.cause": ["UserIdCause:ana", "TimerTriggerCause"],
        "ci.pipeline.parameter.name": ["env", "pin", "note", "late"], "ci.pipeline.parameter.value": ["uat", "0000", Value::Null], "ci.pipeline.parameter.sensitive": [false, true, false] });
    let step = |kind: &str, result: &str, name: &str| json!({ "jenkins.pipeline.step.name": name, "jenkins.pipeline.step.type": kind, "jenkins.pipeline.step.id": "5", "jenkins.pipeline.step.result": result });
    let git = json!({ "jenkins.pipeline.step.name": "git", "jenkins.pipeline.step.type": "git", "git.repository": "https://u:p@git.acme.dev/acme/api.git", "git.branch": "origin/main" });
    let mut stopped = span(
        "0000000000000004",
        ROOT,
        "sleep",
        (2, 3),
        json!({ "jenkins.pipeline.step.type": "sleep", "jenkins.pipeline.step.interruption.causes": ["UserInterruption"] }),
    );
    stopped["status"] = json!({ "code": 0 });
    let old = json!({ "ci.pipeline.id": "old", "ci.pipeline.number": 3, "ci.pipeline.run.result": "not_build", "ci.pipeline.node.name": "built-in" });
    let nested = span(
        "0000000000000009",
        "0000000000000002",
        "BUILD down",
        (2, 4),
        json!({ "ci.pipeline.id": "down", "ci.pipeline.run.number": 1, "ci.pipeline.run.result": "success" }),
    );
    let mut late = span(ROOT, "", "old", (0, 4), old);
    late["traceId"] = json!("00000000000000000000000000000001");
    check_bodies(
        &[
            body(
                jenkins.clone(),
                &[
                    span("0000000000000001", ROOT, "Phase: Run", (0, 4), json!({})),
                    span(
                        "0000000000000002",
                        "0000000000000001",
                        "Stage: Build",
                        (1, 4),
                        step("stage", "UNSTABLE", "Build"),
                    ),
                    span("0000000000000003", "0000000000000002", "git", (1, 2), git),
                    span(
                        "0000000000000005",
                        "0000000000000002",
                        "input",
                        (1, 2),
                        step("input", "PAUSED_PENDING_INPUT", "input"),
                    ),
                    stopped,
                ],
            ),
            body(jenkins.clone(), &[nested]),
            body(jenkins.clone(), &[span(ROOT, "", "BUILD api", (0, 5), run)]),
            body(jenkins, &[late]),
        ],
        expect![[r#"
            build:me:731ec8a47fd7450f753a812a4a8aa5a0 {"checkouts":[{"repository":{"name":"https://git.acme.dev/acme/api.git"},"branch":"main"}],"stages":[{"key":"0000000000000001","parent":"aba151af7cfbcf0f","name":"Phase: Run","kind":"stage","state":"finished","started_at":"2026-03-02T10:00:00.000Z","finished_at":"2026-03-02T10:00:04.000Z","duration":4000},{"key":"0000000000000002","parent":"0000000000000001","name":"Build","kind":"stage","state":"finished","result":"unstable","result_word":"UNSTABLE","started_at":"2026-03-02T10:00:01.000Z","finished_at":"2026-03-02T10:00:04.000Z","duration":3000},{"key":"0000000000000003","parent":"0000000000000002","name":"git","kind":"step","state":"finished","started_at":"2026-03-02T10:00:01.000Z","finished_at":"2026-03-02T10:00:02.000Z","duration":1000},{"key":"0000000000000005","parent":"0000000000000002","name":"input","kind":"step","state":"waiting","result_word":"PAUSED_PENDING_INPUT","started_at":"2026-03-02T10:00:01.000Z"},{"key":"0000000000000004","parent":"aba151af7cfbcf0f","name":"sleep","kind":"step","state":"finished","result":"cancelled","started_at":"2026-03-02T10:00:02.000Z","finished_at":"2026-03-02T10:00:03.000Z","duration":1000}]}
            build:me:731ec8a47fd7450f753a812a4a8aa5a0/0000000000000009 {"job":"down","number":1,"state":"finished","result":"success","result_word":"success","parent":{"key":"731ec8a47fd7450f753a812a4a8aa5a0"},"started_at":"2026-03-02T10:00:02.000Z","finished_at":"2026-03-02T10:00:04.000Z","duration":2000,"attributes":{"otel.service":"jenkins","otel.trace":"731ec8a47fd7450f753a812a4a8aa5a0"}}
            build:me:731ec8a47fd7450f753a812a4a8aa5a0 {"stages":[{"key":"0000000000000009","parent":"0000000000000002","name":"BUILD down","kind":"job","state":"finished","result":"success","result_word":"success","started_at":"2026-03-02T10:00:02.000Z","finished_at":"2026-03-02T10:00:04.000Z","duration":2000,"child":{"key":"731ec8a47fd7450f753a812a4a8aa5a0/0000000000000009"}}]}
            build:me:731ec8a47fd7450f753a812a4a8aa5a0 {"job":"Team A/api","number":12,"url":"https://ci/job/api/12/","state":"finished","result":"cancelled","result_word":"aborted","triggers":[{"kind":"manual","text":"ana","person":{"name":"ana"}},{"kind":"schedule"}],"parameters":[{"name":"env","value":"uat","withheld":false},{"name":"pin","withheld":true},{"name":"note","withheld":false},{"name":"late","withheld":true}],"started_at":"2026-03-02T10:00:00.000Z","finished_at":"2026-03-02T10:00:05.000Z","duration":4200,"attributes":{"otel.job_type":"workflow","otel.service":"jenkins","otel.trace":"731ec8a47fd7450f753a812a4a8aa5a0"}}
            build:me:00000000000000000000000000000001 {"job":"old","number":3,"state":"finished","result":"skipped","result_word":"not_build","worker":"built-in","started_at":"2026-03-02T10:00:00.000Z","finished_at":"2026-03-02T10:00:04.000Z","duration":4000,"attributes":{"otel.service":"jenkins","otel.trace":"00000000000000000000000000000001"}}
        "#]],
    );
}

#[test]
fn a_build_is_the_same_whatever_batches_it_came_in() {
    let root = span(
        ROOT,
        "",
        "BUILD api",
        (0, 5),
        json!({ "ci.pipeline.id": "api", "ci.pipeline.run.number": 12, "ci.pipeline.run.result": "success" }),
    );
    let child = span(
        "0000000000000001",
        "00000000000000ff",
        "sh",
        (1, 2),
        json!({ "jenkins.pipeline.step.type": "sh", "jenkins.pipeline.step.result": "SUCCESS" }),
    );
    let resource = json!({ "service.name": "jenkins" });
    let whole = build_of(&[body(resource.clone(), &[child.clone(), root.clone()])]);
    let early = body(resource.clone(), &[child]);
    let late = body(resource, &[root]);
    assert_eq!(build_of(&[late.clone(), early.clone()]), whole);
    assert_eq!(build_of(&[early, late]), whole);
}

/// The build that bodies give, the last one with the highest rank.
fn build_of(bodies: &[Value]) -> Option<Entity> {
    let parts = bodies.iter().rev().flat_map(|body| match read(body.to_string().as_bytes()).outcome {
        Outcome::Produced(all) => all,
        other => panic!("{other:?}"),
    });
    Entity::merge(parts.map(|part| part.entity))
}

#[test]
fn tests_and_files() {
    let suite =
        json!({ "cicd.pipeline.task.name": "test", "test.suite.name": "auth", "test.suite.run.status": "failure" });
    let case = |status: &str| json!({ "test.suite.name": "auth", "test.case.name": format!("login {status}"), "test.case.result.status": status });
    let file = json!({ "cicd.pipeline.task.name": "pack", "artifact.filename": "api.jar", "artifact.version": "1.2" });
    check_bodies(
        &[body(
            json!({}),
            &[
                span("0000000000000001", ROOT, "s", (0, 9), suite),
                span("0000000000000002", "0000000000000001", "c", (0, 1), case("pass")),
                span("0000000000000003", "0000000000000001", "c", (1, 2), case("fail")),
                span("0000000000000004", ROOT, "p", (1, 2), file),
            ],
        )],
        expect![[r#"
            artifact:me:api.jar:1.2 {"name":"api.jar","version":"1.2","build":{"key":"731ec8a47fd7450f753a812a4a8aa5a0"},"created_at":"2026-03-02T10:00:02.000Z"}
            test-report:me:731ec8a47fd7450f753a812a4a8aa5a0/auth {"name":"auth","build":{"key":"731ec8a47fd7450f753a812a4a8aa5a0"},"duration":9000,"started_at":"2026-03-02T10:00:00.000Z","finished_at":"2026-03-02T10:00:09.000Z","cases":[{"name":"login pass","result":"passed","duration":1000},{"name":"login fail","result":"failed","duration":1000}],"attributes":{"otel.suite_status":"failure"}}
            build:me:731ec8a47fd7450f753a812a4a8aa5a0 {"stages":[{"key":"0000000000000001","parent":"aba151af7cfbcf0f","name":"test","kind":"step","state":"finished","started_at":"2026-03-02T10:00:00.000Z","finished_at":"2026-03-02T10:00:09.000Z","duration":9000},{"key":"0000000000000004","parent":"aba151af7cfbcf0f","name":"pack","kind":"step","state":"finished","started_at":"2026-03-02T10:00:01.000Z","finished_at":"2026-03-02T10:00:02.000Z","duration":1000}],"artifacts":[{"artifact":{"key":"api.jar:1.2"},"role":"produced"}]}
        "#]],
    );
}

#[test]
fn what_is_wrong_is_told() {
    let mut sampled =
        span(ROOT, "", "RUN", (0, 1), json!({ "cicd.pipeline.name": "a", "cicd.pipeline.result": "splendid" }));
    sampled["traceState"] = json!("vendor=1,ot=p:8;th:8");
    let mut lost = sampled.clone();
    lost["traceId"] = json!("00000000000000000000000000000000");
    check_bodies(
        &[
            body(json!({}), &[sampled, lost.clone()]),
            body(json!({}), &[lost]),
            json!({}),
            json!({ "resourceSpans": 5 }),
            json!({ "resourceLogs": [] }),
        ],
        expect![[r#"
            build:me:731ec8a47fd7450f753a812a4a8aa5a0 {"job":"a","state":"finished","result":{"unknown":"splendid"},"result_word":"splendid","started_at":"2026-03-02T10:00:00.000Z","finished_at":"2026-03-02T10:00:01.000Z","duration":1000,"attributes":{"otel.sampled":true,"otel.trace":"731ec8a47fd7450f753a812a4a8aa5a0"}}
            ! Malformed otlp.span.id 1
            ! UnknownWord otlp.result splendid
            ! Unknown("sampled") otlp.sampled 
            Rejected
            ! Malformed otlp.span.id 1
            Ignored("otlp.no-pipeline")
            Rejected
            ! Malformed otlp.payload no list `resourceSpans`
            Rejected
            ! Malformed otlp.payload no list `resourceSpans`
        "#]],
    );
    check(
        Format::Otlp,
        &["{", "[1]", "\u{a}\u{5}abc", ""],
        expect![[r#"
        Rejected
        ! Malformed otlp.payload EOF while parsing an object at line 1 column 1
        Rejected
        ! Malformed otlp.payload bad kind of field
        Rejected
        ! Malformed otlp.payload bad end of the body
        Ignored("otlp.no-pipeline")
    "#]],
    );
}

/// The binary encoding of a tree.
fn binary(tree: &Value) -> Vec<u8> {
    message(&tree["resourceSpans"], |part, out| {
        out.bytes(1, &message(&part["resource"]["attributes"], pair));
        for scope in part["scopeSpans"].as_array().unwrap() {
            let mut spans = wire::Writer::default();
            scope["spans"].as_array().unwrap().iter().for_each(|span| spans.bytes(2, &binary_span(span)));
            out.bytes(2, &spans.finish());
        }
    })
}

/// A message whose first field is a list.
fn message(list: &Value, write: impl Fn(&Value, &mut wire::Writer)) -> Vec<u8> {
    let mut out = wire::Writer::default();
    for one in list.as_array().into_iter().flatten() {
        let mut inner = wire::Writer::default();
        write(one, &mut inner);
        out.bytes(1, &inner.finish());
    }
    out.finish()
}

fn binary_span(span: &Value) -> Vec<u8> {
    let hex = |name: &str| {
        let text = span[name].as_str().unwrap_or_default();
        (0..text.len() / 2).map(|at| u8::from_str_radix(&text[at * 2..at * 2 + 2], 16).unwrap()).collect::<Vec<u8>>()
    };
    let mut out = wire::Writer::default();
    out.bytes(1, &hex("traceId"));
    out.bytes(2, &hex("spanId"));
    out.bytes(4, &hex("parentSpanId"));
    out.bytes(5, span["name"].as_str().unwrap().as_bytes());
    for attribute in span["attributes"].as_array().unwrap() {
        let mut inner = wire::Writer::default();
        pair(attribute, &mut inner);
        out.bytes(9, &inner.finish());
    }
    let mut out = out.finish();
    for (number, name) in [(7, "startTimeUnixNano"), (8, "endTimeUnixNano")] {
        out.push(number << 3 | 1);
        out.extend(span[name].as_str().unwrap().parse::<u64>().unwrap().to_le_bytes());
    }
    // A field nobody knows.
    out.extend([0xfa, 0x3f, 0x01, 0xff]);
    out
}

fn pair(attribute: &Value, out: &mut wire::Writer) {
    out.bytes(1, attribute["key"].as_str().unwrap().as_bytes());
    out.bytes(2, &any_value(&attribute["value"]));
}

fn any_value(value: &Value) -> Vec<u8> {
    let mut out = wire::Writer::default();
    if let Some(text) = value["stringValue"].as_str() {
        out.bytes(1, text.as_bytes());
    } else if let Some(flag) = value["boolValue"].as_bool() {
        out.number(2, u64::from(flag));
    } else if let Some(number) = value["intValue"].as_str() {
        out.number(3, number.parse::<i64>().unwrap().cast_unsigned());
    } else if let Some(number) = value["doubleValue"].as_f64() {
        return [&[4 << 3 | 1][..], &number.to_bits().to_le_bytes()].concat();
    } else if let Some(all) = value["arrayValue"]["values"].as_array() {
        let mut list = wire::Writer::default();
        for one in all {
            list.bytes(1, &any_value(one));
        }
        out.bytes(5, &list.finish());
    }
    out.finish()
}

#[test]
fn both_encodings_say_the_same() {
    let own = json!({ "cicd.pipeline.name": "api", "cicd.pipeline.result": "success", "ci.pipeline.run.number": -1, "x": 1.5, "ci.pipeline.run.completed": true,
        "ci.pipeline.parameter.name": ["a", "b"], "ci.pipeline.parameter.value": ["1", Value::Null], "ci.pipeline.parameter.sensitive": [false, true] });
    let tree = body(
        json!({ "service.name": "ci", "n": i64::MIN }),
        &[span(ROOT, "", "RUN", (0, 300), own), span("0000000000000001", ROOT, "step", (0, 1), json!({}))],
    );
    let binary = binary(&tree);
    assert_eq!(read(&binary), read(tree.to_string().as_bytes()));
    assert_eq!(count(Signal::Traces, &binary), Ok(Counted { items: 2, unusable: 0 }));
    for cut in 0..binary.len() {
        let _ = read(&binary[..cut]);
    }
}

#[test]
fn what_is_not_used_is_counted() {
    let logs = json!({ "resourceLogs": [{ "scopeLogs": [{ "logRecords": [{}, {}] }] }] });
    let metrics = json!({ "resourceMetrics": [{ "scopeMetrics": [{ "metrics": [{ "sum": { "dataPoints": [{}] } }, { "gauge": { "dataPoints": [{}, {}] } }] }] }] });
    let counted = |signal, body: &Value| count(signal, body.to_string().as_bytes()).unwrap().items;
    assert_eq!((counted(Signal::Logs, &logs), counted(Signal::Metrics, &metrics)), (2, 3));
    let mut binary = wire::Writer::default();
    binary.bytes(1, &[0x12, 0x04, 0x12, 0x00, 0x12, 0x00]);
    assert_eq!(count(Signal::Logs, &binary.finish()), Ok(Counted { items: 2, unusable: 0 }));
}

#[test]
fn answers_say_what_was_not_taken() {
    let json = |refused| String::from_utf8(answer(Signal::Traces, Encoding::Json, refused)).unwrap();
    assert_eq!(json(None), "{}");
    assert_eq!(json(Some((2, "no id"))), r#"{"partialSuccess":{"errorMessage":"no id","rejectedSpans":"2"}}"#);
    assert_eq!(answer(Signal::Logs, Encoding::Binary, None), b"");
    assert_eq!(answer(Signal::Logs, Encoding::Binary, Some((300, "no"))), b"\x0a\x07\x08\xac\x02\x12\x02no");
}

proptest! {
    #[test]
    fn any_bytes_give_an_outcome(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let record = RawRecord::upsert("k", None, bytes.as_slice());
        native(Format::Otlp, &record, Arrival::default());
        for signal in [Signal::Traces, Signal::Metrics, Signal::Logs] {
            let _ = count(signal, &bytes);
        }
    }

    #[test]
    fn odd_values_give_an_outcome(place in 0_usize..8, number in any::<i64>(), text in ".{0,12}") {
        let own = json!({ "cicd.pipeline.name": text, "cicd.pipeline.run.id": number, "cicd.pipeline.result": text });
        let mut tree = body(json!({}), &[span(ROOT, "", &text, (0, 1), own)]);
        let odd = [json!(number), json!(text), json!([text]), Value::Null][place % 4].clone();
        let at = ["/resourceSpans", "/resourceSpans/0/resource", "/resourceSpans/0/scopeSpans/0/spans/0/attributes/1/value",
            "/resourceSpans/0/scopeSpans/0/spans/0/startTimeUnixNano"][place / 2];
        *tree.pointer_mut(at).unwrap() = odd;
        read(tree.to_string().as_bytes());
    }
}

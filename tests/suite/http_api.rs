//! The API as a client sees it.

use std::io::Write;
use std::time::{Duration, Instant};

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};
use weir_tests::{Client, Response, Running, Weir, signature, until};

use crate::hooks;

fn host() -> (Weir, Running) {
    let weir = Weir::new(hooks::INTEGRATION);
    let host = weir.run();
    (weir, host)
}

fn build(number: u64) -> String {
    json!({ "pipeline": "ci", "build_number": number, "result": "SUCCESS", "start_time": 1_700_000_000_000_u64, "duration": 1_000 }).to_string()
}

/// A problem as RFC 9457 wants it.
fn problem(response: &Response, status: u16) -> Value {
    assert_eq!(response.status, status, "{}", response.text());
    assert_eq!(response.header("content-type"), "application/problem+json", "{}", response.text());
    let problem = response.json();
    assert_eq!(problem["status"], status);
    for field in ["type", "title", "detail"] {
        assert!(!problem[field].as_str().unwrap().is_empty(), "{problem}");
    }
    problem
}

/// The same, with what to do.
fn hinted(response: &Response, status: u16) -> Value {
    let problem = problem(response, status);
    assert!(problem["hint"].as_str().is_some_and(|hint| !hint.is_empty()), "no hint in {problem}");
    problem
}

#[test]
fn everything_named_in_the_interface_answers() {
    let (_weir, host) = host();
    assert_eq!(host.client().post("/v1/builds", build(1).as_bytes()).status, 202);
    host.processed();
    for path in ["/", "/healthz", "/readyz", "/metrics", "/v1/openapi.json"] {
        assert_eq!(host.client().get(path).status, 200, "{path}");
    }
    let reading = [
        "/v1/search",
        "/v1/search?q=kind%3Abuild&facets=result,branch&limit=1",
        "/v1/metrics",
        "/v1/metrics/build-success?by=month",
        "/v1/metrics/build-success/samples",
        "/v1/entities/build%3Apush%3Aci%2F1%2F1",
        "/v1/entities/build%3Apush%3Aci%2F1%2F1/raw",
        "/v1/builds/build%3Apush%3Aci%2F1%2F1/suspects",
        "/v1/red-builds",
        "/v1/integrations",
        "/v1/status",
        "/v1/propels",
        "/v1/propels/runs",
        "/v1/plugins",
        "/v1/events",
    ];
    for path in reading {
        assert!(host.get(path).is_object(), "{path}");
    }
    host.stop();
}

#[test]
fn what_is_not_there_is_a_problem_with_a_hint() {
    let (_weir, host) = host();
    let client = host.client();
    hinted(&client.get("/v1/nothing"), 404);
    hinted(&client.get("/v1/metrics/nothing"), 400);
    hinted(&client.get("/v1/search?q=kind%3A%28"), 400);
    hinted(&client.get("/v1/search?facets=nothing"), 400);
    hinted(&client.get("/v1/metrics/build-success?by=hour"), 400);
    hinted(&client.get("/v1/metrics/build-success?from=yesterday"), 400);
    problem(&client.get("/v1/entities/build%3Aci%3Anothing"), 404);
    problem(&client.get("/v1/entities/nothing"), 400);
    problem(&client.get("/v1/builds/build%3Aci%3Anothing/suspects"), 404);
    hinted(&client.post("/v1/webhooks/nothing", b"{}"), 404);
    hinted(&client.post("/v1/integrations/nothing/collect", b""), 400);
    hinted(&client.post("/v1/builds", b""), 400);
    hinted(&client.post("/v1/builds", b"{ this is no JSON"), 400);
    host.stop();
}

#[test]
fn requests_the_framework_refuses_are_problems_too() {
    let (_weir, host) = host();
    let client = host.client();
    problem(&client.get("/v1/search?limit=many"), 400);
    problem(&client.get("/v1/search?nothing=1"), 400);
    problem(&client.get("/v1/metrics/build-success?nothing=1"), 400);
    problem(&client.post("/v1/integrations/Not%20a%20name/collect", b""), 400);
    problem(&client.try_send("DELETE", "/v1/search", b"").unwrap(), 405);
    host.stop();
}

#[test]
fn an_answer_is_not_sent_again_until_something_changed() {
    let (_weir, host) = host();
    let client = host.client();
    client.post("/v1/builds", build(1).as_bytes());
    host.processed();
    let first = client.get("/v1/search");
    let tag = first.header("etag").to_owned();
    assert!(!tag.is_empty());
    let again = client.with("if-none-match", &tag).get("/v1/search");
    assert_eq!((again.status, again.body.len(), again.header("etag")), (304, 0, tag.as_str()));
    client.post("/v1/builds", build(2).as_bytes());
    host.processed();
    let changed = client.with("if-none-match", &tag).get("/v1/search");
    assert_eq!((changed.status, changed.json()["total"].as_u64()), (200, Some(2)));
    assert_ne!(changed.header("etag"), tag);
    host.stop();
}

#[test]
fn an_answer_of_before_a_restart_is_not_mistaken_for_one_of_after() {
    let (weir, host) = host();
    host.client().post("/v1/builds", build(1).as_bytes());
    host.processed();
    let tag = host.client().get("/v1/metrics/build-success").header("etag").to_owned();
    host.stop();
    weir.configure(&format!("{}\n[[team]]\nname = \"all\"\nprojects = [\"*\"]\n", hooks::INTEGRATION));
    let host = weir.run();
    host.processed();
    let now = host.client().get("/v1/search?facets=team");
    assert_eq!(now.json()["facets"]["team"][0]["count"], 1);
    // The same watermark, but other definitions: a client that kept the old answer must be given the new one.
    let asked = host.client().with("if-none-match", &tag).get("/v1/search?facets=team");
    assert_eq!(asked.status, 200, "a tag of other definitions still counts");
    host.stop();
}

#[test]
fn a_page_that_watches_hears_of_a_delivery_within_a_second() {
    let (_weir, host) = host();
    // The first delivery after a start waits for its plugin.
    assert_eq!(hooks::send(&host.client(), "zero", "issues", &hooks::issue(9, "Before")), 202);
    host.processed();
    let mut events = host.client().events("/v1/events?after=now");
    let began = Instant::now();
    assert_eq!(hooks::send(&host.client(), "one", "issues", &hooks::issue(1, "First")), 202);
    let (id, name, data) = events.next_event();
    println!("heard after {:?}: {id} {name} {data}", began.elapsed());
    assert!(began.elapsed() < Duration::from_secs(1), "{:?}", began.elapsed());
    let mut heard = vec![(id, name, data)];
    while !heard.iter().any(|(_, name, data)| {
        name.is_empty() && data.contains("work-item.opened") || data.contains("work-item.created")
    }) {
        heard.push(events.next_event());
    }
    host.stop();
}

#[test]
fn who_lost_the_connection_goes_on_where_it_was() {
    let (_weir, host) = host();
    for number in 1..=3 {
        hooks::send(&host.client(), &number.to_string(), "issues", &hooks::issue(number, "Again"));
    }
    host.processed();
    let page = host.get("/v1/events");
    let numbers: Vec<u64> =
        page["events"].as_array().unwrap().iter().map(|event| event["number"].as_u64().unwrap()).collect();
    assert_eq!(numbers, (1..=numbers.len() as u64).collect::<Vec<_>>(), "numbers without a gap");
    let mut events = host.client().with("last-event-id", "2").events("/v1/events");
    for expected in 3..=*numbers.last().unwrap() {
        let (id, _, data) = events.next_event();
        assert_eq!(id, expected.to_string());
        assert_eq!(
            serde_json::from_str::<Value>(&data).unwrap(),
            page["events"][usize::try_from(expected).unwrap() - 1]
        );
    }
    let rest = host.get("/v1/events?after=2&limit=1");
    assert_eq!((&rest["events"][0]["number"], &rest["next"]), (&json!(3), &json!(3)));
    host.stop();
}

#[test]
fn a_push_sent_twice_under_one_key_is_kept_once() {
    let (_weir, host) = host();
    let client = host.client().with("idempotency-key", "run-17");
    let first = client.post("/v1/builds", build(1).as_bytes());
    assert_eq!((first.status, first.json()["accepted"].as_u64()), (202, Some(1)));
    let again = client.post("/v1/builds", build(1).as_bytes());
    assert!(again.is_success(), "{}", again.text());
    assert_eq!((&again.json()["accepted"], &again.json()["duplicate"]), (&json!(0), &json!(true)));
    assert_eq!(host.processed()["accepted"], 1);
    host.stop();
}

#[test]
fn a_push_may_be_one_or_many_and_compressed() {
    let (_weir, host) = host();
    let lines = [build(1), build(2)].join("\n");
    assert_eq!(host.client().post("/v1/builds", lines.as_bytes()).json()["accepted"], 2);
    let list = format!("[{},{}]", build(3), build(4));
    assert_eq!(host.client().post("/v1/builds", list.as_bytes()).json()["accepted"], 2);
    let mut packer = GzEncoder::new(Vec::new(), Compression::fast());
    packer.write_all(build(5).as_bytes()).unwrap();
    let body = packer.finish().unwrap();
    assert_eq!(host.client().with("content-encoding", "gzip").post("/v1/builds?integration=ci", &body).status, 202);
    host.processed();
    assert_eq!(host.get("/v1/search?q=kind%3Abuild")["total"], 5);
    assert_eq!(host.get("/v1/search?q=integration%3Aci")["total"], 1);
    hinted(&host.client().with("content-encoding", "gzip").post("/v1/builds", b"no gzip"), 400);
    host.stop();
}

#[test]
fn bad_lines_are_named_and_kept() {
    let (_weir, host) = host();
    let body = [build(1), "{ broken".to_owned(), build(2)].join("\n");
    let answer = host.client().post("/v1/builds", body.as_bytes());
    assert_eq!(answer.status, 202, "{}", answer.text());
    let answer = answer.json();
    assert_eq!(answer["accepted"], 3);
    assert_eq!(answer["problems"][0]["place"], "line 2", "{answer}");
    assert_eq!(host.processed()["accepted"], 3);
    assert_eq!(host.get("/v1/search?q=kind%3Abuild")["total"], 2);
    host.stop();
}

const BODY_BYTES_MAX: usize = 25 << 20;

#[test]
fn the_largest_body_is_taken_and_one_byte_more_is_not() {
    let (_weir, host) = host();
    let mut body = build(1).into_bytes();
    body.resize(BODY_BYTES_MAX, b' ');
    assert_eq!(host.client().post("/v1/builds", &body).status, 202);
    body.push(b' ');
    let refused = host.client().post("/v1/builds", &body);
    assert_eq!(refused.status, 413, "{}", refused.text());
    let signed =
        host.client().with("x-hub-signature-256", &signature(hooks::SECRET, &body)).with("x-github-event", "issues");
    assert_eq!(signed.with("x-github-delivery", "large").post("/v1/webhooks/hook", &body).status, 413);
    // Small on the wire, too large unpacked.
    let mut packer = GzEncoder::new(Vec::new(), Compression::fast());
    packer.write_all(&body).unwrap();
    let bomb = host.client().with("content-encoding", "gzip").post("/v1/builds", &packer.finish().unwrap());
    assert_eq!(bomb.status, 413);
    assert_eq!(host.processed()["accepted"], 1);
    hinted(&bomb, 413);
    hinted(&refused, 413);
    host.stop();
}

#[test]
fn what_is_badly_signed_is_refused_and_not_kept() {
    let (_weir, host) = host();
    let body = hooks::issue(1, "Forged").to_string();
    let unsigned = host.client().with("x-github-event", "issues").with("x-github-delivery", "forged");
    hinted(&unsigned.post("/v1/webhooks/hook", body.as_bytes()), 401);
    let wrong = unsigned.with("x-hub-signature-256", &signature("another secret", body.as_bytes()));
    hinted(&wrong.post("/v1/webhooks/hook", body.as_bytes()), 401);
    let weak = unsigned.with("x-hub-signature", "sha1=7d38cdd689735b008b3c702edd92eea23791c5f6");
    hinted(&weak.post("/v1/webhooks/hook", body.as_bytes()), 401);
    let status = host.processed();
    assert_eq!(status["accepted"], 0);
    assert_eq!((&status["webhooks"][0]["refused"], &status["webhooks"][0]["taken"]), (&json!(3), &json!(0)));
    // The id of a forged delivery is not burnt.
    assert_eq!(hooks::send(&host.client(), "forged", "issues", &hooks::issue(1, "Genuine")), 202);
    host.stop();
}

#[test]
fn a_delivery_sent_twice_is_kept_once() {
    let (weir, host) = host();
    let issue = hooks::issue(1, "Once");
    assert_eq!(hooks::send(&host.client(), "same", "issues", &issue), 202);
    assert_eq!(hooks::send(&host.client(), "same", "issues", &issue), 200);
    assert_eq!(host.processed()["accepted"], 1);
    host.stop();
    let host = weir.run();
    assert_eq!(hooks::send(&host.client(), "same", "issues", &issue), 200, "a restart forgot it");
    assert_eq!(host.processed()["accepted"], 1);
    host.stop();
}

#[test]
fn keys_allow_what_their_scope_says() {
    let weir = Weir::new("require_keys = true\n");
    let key = |scope: &str| weir.json(&["key", "create", scope, "--scope", scope])["key"].as_str().unwrap().to_owned();
    let (read, ingest, admin) = (key("read"), key("ingest"), key("admin"));
    let host = weir.run();
    let bearer = |key: &str| host.client().with("authorization", &format!("Bearer {key}"));
    let asked = |client: &Client| {
        (
            client.get("/v1/search").status,
            client.post("/v1/builds", build(1).as_bytes()).status,
            client.get("/v1/status").status,
        )
    };
    assert_eq!(asked(&host.client()), (401, 401, 401));
    assert_eq!(asked(&bearer("weir_0123_4567")), (401, 401, 401));
    assert_eq!(asked(&bearer(&read)), (200, 403, 200));
    assert_eq!(asked(&bearer(&ingest)), (403, 202, 403));
    assert_eq!(asked(&bearer(&admin)), (200, 202, 200));
    let older = host.client().with("authorization", &format!("APIKEY {read}"));
    assert_eq!(older.get("/v1/search").status, 200);
    let refused = hinted(&host.client().get("/v1/search"), 401);
    assert!(!refused.to_string().contains(&read));
    assert_eq!(host.client().get("/healthz").status, 200);
    host.stop();
    // Only hashes are kept.
    for file in weir_tests::files_below(&weir.path("data"), "") {
        let bytes = std::fs::read(&file).unwrap();
        assert!(
            !bytes.windows(read.len()).any(|window| window == read.as_bytes()),
            "the key stands in {}",
            file.display()
        );
    }
}

#[test]
fn a_page_elsewhere_cannot_use_the_open_door() {
    let (_weir, host) = host();
    let elsewhere = Client::new(host.url());
    // The name of an attacker's page that was made to lead to this machine.
    let request = "GET /v1/search HTTP/1.1\r\nhost: evil.example\r\nconnection: close\r\n\r\n";
    let mut stream = std::net::TcpStream::connect(host.url().trim_start_matches("http://")).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    std::io::Read::read_to_string(&mut stream, &mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 401"), "{answer}");
    assert_eq!(elsewhere.get("/v1/search").status, 200);
    host.stop();
}

#[test]
fn a_stopping_host_ends_cleanly() {
    let (weir, host) = host();
    let mut watched = host.client().events("/v1/events?after=now");
    hooks::send(&host.client(), "last", "issues", &hooks::issue(1, "Last"));
    watched.next_event();
    assert!(host.stop().success());
    assert!(!weir.path("data/host.json").exists());
    let host = weir.run();
    until("what was taken before", || host.get("/v1/search?q=Last")["total"] == 1);
    host.stop();
}

#[test]
fn keys_are_made_rotated_and_ended_while_the_host_runs() {
    let weir = Weir::new("require_keys = true\n");
    let host = weir.run();
    let made = weir.json(&["key", "create", "ci", "--scope", "ingest"]);
    let status = |key: &serde_json::Value| {
        let key = format!("Bearer {}", key["key"].as_str().unwrap());
        host.client().with("authorization", &key).post("/v1/builds", build(1).as_bytes()).status
    };
    let id = made["id"].as_str().unwrap();
    let next = weir.json(&["key", "rotate", id, "--overlap", "1s"]);
    assert_eq!((status(&next), &next["replaces"]), (202, &made["id"]));
    until("the old key ends", || status(&made) == 401);
    let listed = weir.json(&["key", "list"]);
    assert!(listed["keys"][0]["hash"].is_null() && listed["keys"].as_array().unwrap().len() == 2, "{listed}");
    assert_eq!(weir.json(&["key", "revoke", next["id"].as_str().unwrap()])["revoked"], true);
    assert_eq!(status(&next), 401);
    host.stop();
    assert_eq!(weir.command(&["key", "revoke", next["id"].as_str().unwrap()]).code, 1);
    let limited = weir.command(&["key", "create", "x", "--scope", "ingest", "--team", "a"]);
    assert!(limited.code == 2 && limited.stderr.contains("only reading can be limited"), "{}", limited.stderr);
}

#[test]
fn a_page_of_another_origin_changes_nothing_here() {
    let (_weir, host) = host();
    let post = |name: &str, value: &str| host.client().with(name, value).post("/v1/builds", build(1).as_bytes()).status;
    assert_eq!(post("sec-fetch-site", "cross-site"), 403);
    assert_eq!(post("origin", "https://evil.example"), 403);
    assert_eq!(post("sec-fetch-site", "same-origin"), 202);
    assert_eq!(host.client().with("sec-fetch-site", "cross-site").get("/v1/search").status, 200);
    assert_eq!(host.client().with("x-forwarded-for", "10.0.0.1").get("/v1/search").status, 401);
    host.stop();
}

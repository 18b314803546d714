//! What every request passes: limits at the limit and one past it, over real sockets.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use flate2::read::GzDecoder;
use serde_json::{Value, json};
use weir_tests::{Response, Running, Weir, until};

use crate::hooks;

fn host(http: &str) -> (Weir, Running) {
    let weir = Weir::new(&format!("[http]\n{http}\n{}", hooks::INTEGRATION));
    let host = weir.run();
    (weir, host)
}

fn connect(host: &Running) -> TcpStream {
    let stream = TcpStream::connect(host.url().trim_start_matches("http://")).unwrap();
    stream.set_read_timeout(Some(Duration::from_mins(1))).unwrap();
    stream
}

/// What a connection gives until its end.
fn rest(mut stream: TcpStream) -> String {
    let mut bytes = Vec::new();
    match stream.read_to_end(&mut bytes) {
        Ok(_) => {}
        Err(error) if error.kind() == ErrorKind::ConnectionReset => {}
        Err(error) => panic!("the connection stays open: {error}"),
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn hinted(response: &Response, status: u16) -> Value {
    assert_eq!(response.status, status, "{}", response.text());
    assert_eq!(response.header("content-type"), "application/problem+json");
    let problem = response.json();
    assert!(problem["hint"].as_str().is_some_and(|hint| !hint.is_empty()), "no hint in {problem}");
    problem
}

#[test]
fn a_request_has_a_name_in_answer_problem_and_log() {
    let weir = Weir::new("");
    let host = weir.run();
    let named = |id: &str| host.client().with("x-request-id", id).get("/v1/nothing");
    let answer = named("build-42/step:3");
    assert_eq!(answer.header("x-request-id"), "build-42/step:3");
    assert_eq!(hinted(&answer, 404)["request_id"], "build-42/step:3");
    for odd in ["two words", "quote\"", &"long".repeat(40)] {
        let made = named(odd).header("x-request-id").to_owned();
        assert!(made.len() == 32 && made.bytes().all(|byte| byte.is_ascii_hexdigit()), "{made}");
    }
    assert_eq!(host.client().get("/healthz").header("x-request-id").len(), 32);
    let metrics = host.client().get("/metrics").text();
    for counted in [
        "weir_http_requests_total{method=\"GET\",route=\"other\",status=\"404\"} 4",
        "weir_http_request_seconds_count{route=\"/healthz\"} 1",
    ] {
        assert!(metrics.contains(counted), "{metrics}");
    }
    host.stop();
}

#[test]
fn a_browser_is_told_what_an_answer_may_do() {
    let (_weir, host) = host("");
    for path in ["/", "/v1/status", "/v1/nothing"] {
        let answer = host.client().get(path);
        for (name, value) in [("x-content-type-options", "nosniff"), ("x-frame-options", "DENY")] {
            assert_eq!(answer.header(name), value, "{path}");
        }
        let policy = answer.header("content-security-policy");
        let scripts = policy.split(';').find(|part| part.trim().starts_with("script-src")).unwrap_or_default();
        assert!(policy.contains("frame-ancestors 'none'") && !scripts.contains("unsafe-inline"), "{path}: {policy}");
    }
    assert_eq!(host.client().get("/v1/status").header("cache-control"), "no-store");
    host.stop();
}

#[test]
fn answers_are_compressed_for_those_who_can_read_it() {
    let (_weir, host) = host("");
    let plain = host.client().get("/v1/openapi.json");
    assert_eq!(plain.header("content-encoding"), "");
    let packed = host.client().with("accept-encoding", "gzip").get("/v1/openapi.json");
    assert_eq!(packed.header("content-encoding"), "gzip");
    assert!(packed.body.len() < plain.body.len() / 2);
    let mut unpacked = Vec::new();
    GzDecoder::new(packed.body.as_slice()).read_to_end(&mut unpacked).unwrap();
    assert_eq!(unpacked, plain.body);
    assert_eq!(
        host.client().with("accept-encoding", "zstd, gzip").get("/v1/openapi.json").header("content-encoding"),
        "zstd"
    );
    host.stop();
}

#[test]
fn headers_up_to_the_limit_are_taken() {
    let (_weir, host) = host("header_bytes_max = 4096");
    let of_size = |bytes: usize| {
        // Path, `host`, `content-length: 0` and this one, each header with its colon and line end.
        let others = "/healthz".len() + "host".len() + host.url().len() - "http://".len() + "content-length0".len() + 8;
        host.client().with("x-fill", &"x".repeat(bytes - others - "x-fill".len() - 4)).get("/healthz")
    };
    assert_eq!(of_size(4_096).status, 200);
    hinted(&of_size(4_097), 431);
    assert_eq!(of_size(100_000).status, 431);
    host.stop();
}

#[test]
fn who_asks_too_often_is_told_when_to_come_again() {
    let (_weir, host) = host("requests_per_second = 1\nrequests_burst = 3");
    let began = Instant::now();
    let answers: Vec<Response> =
        (0..60).map(|_| host.client().get("/v1/status")).take_while(|one| one.status == 200).collect();
    let seconds = usize::try_from(began.elapsed().as_secs()).unwrap();
    assert!((3..=3 + seconds + 1).contains(&answers.len()), "{} within {seconds} s", answers.len());
    assert_eq!((answers[0].header("ratelimit-limit"), answers[0].header("ratelimit-remaining")), ("3", "2"));
    let refused = (0..60).map(|_| host.client().get("/v1/status")).find(|one| one.status != 200).unwrap();
    hinted(&refused, 429);
    assert!(refused.header("retry-after").parse::<u64>().is_ok_and(|seconds| seconds >= 1));
    // Those who send webhooks do not send again what was turned away.
    for n in 0..5 {
        assert_eq!(hooks::send(&host.client(), &format!("hook-{n}"), "issues", &hooks::issue(n, "Often")), 202);
    }
    until("the allowance to fill up again", || host.client().get("/v1/status").status == 200);
    host.stop();
}

#[test]
fn a_body_has_to_come_at_some_pace() {
    let (_weir, host) = host("body_grace = \"2s\"\nbody_bytes_per_second_min = 1000000");
    let build = json!({ "pipeline": "ci", "build_number": 1, "result": "SUCCESS", "start_time": 1_700_000_000_000_u64, "duration": 1 }).to_string();
    let begin = |stream: &mut TcpStream| {
        let length = build.len();
        let head = format!(
            "POST /v1/builds HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n"
        );
        stream.write_all(head.as_bytes()).unwrap();
        stream.write_all(&build.as_bytes()[..10]).unwrap();
    };
    let mut halting = connect(&host);
    begin(&mut halting);
    std::thread::sleep(Duration::from_millis(300));
    halting.write_all(&build.as_bytes()[10..]).unwrap();
    let answer = rest(halting);
    assert!(answer.starts_with("HTTP/1.1 202"), "{answer}");
    let mut silent = connect(&host);
    begin(&mut silent);
    let answer = rest(silent);
    assert!(answer.starts_with("HTTP/1.1 408") && answer.contains("\"hint\""), "{answer}");
    assert_eq!(host.processed()["accepted"], 1);
    host.stop();
}

#[test]
fn who_never_ends_its_headers_is_not_waited_for() {
    let (_weir, host) = host("header_timeout = \"1s\"");
    for begin in ["", "P", "GET /healthz HTTP/1.1\r\nhost: local"] {
        let mut stream = connect(&host);
        stream.write_all(begin.as_bytes()).unwrap();
        assert!(!rest(stream).contains(" 200 "), "{begin}");
    }
    assert_eq!(host.client().get("/healthz").status, 200);
    host.stop();
}

#[test]
fn an_address_has_so_many_connections_and_no_more() {
    let (_weir, host) = host("connections_per_address_max = 2");
    let held = [connect(&host), connect(&host)];
    let answer = rest(connect(&host));
    assert!(answer.starts_with("HTTP/1.1 429") && answer.contains("connections_per_address_max"), "{answer}");
    drop(held);
    until("a place", || host.client().try_send("GET", "/healthz", b"").is_ok_and(|answer| answer.status == 200));
    host.stop();
}

#[test]
fn pages_that_are_named_may_ask() {
    let (_weir, host) = host("origins = [\"https://portal.example\"]");
    let from = |origin: &str| host.client().with("origin", origin);
    assert_eq!(from("https://evil.example").get("/v1/status").header("access-control-allow-origin"), "");
    let shared = from("https://portal.example");
    assert_eq!(shared.get("/v1/status").header("access-control-allow-origin"), "https://portal.example");
    let asked =
        shared.with("access-control-request-method", "POST").with("access-control-request-headers", "authorization");
    let preflight = asked.try_send("OPTIONS", "/v1/builds", b"").unwrap();
    assert!(preflight.is_success() && preflight.header("access-control-allow-headers").contains("authorization"));
    host.stop();
}

#[test]
fn limits_that_cannot_be_are_named() {
    let weir = Weir::new("[http]\nrequests_burst = 0\n");
    let answer = weir.command(&["status"]);
    assert_eq!(answer.code, 2);
    assert!(
        answer.stderr.contains("`requests_burst` of `[http]`") && answer.stderr.contains("hint:"),
        "{}",
        answer.stderr
    );
    weir.configure("[http]\norigins = [\"portal.example/app\"]\n");
    assert!(weir.command(&["status"]).stderr.contains("no origin"));
}

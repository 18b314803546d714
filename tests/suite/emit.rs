//! `weir emit` as a step of a build calls it: hosts that are away, slow or killed, and steps that are killed.

use std::net::TcpListener;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use weir_tests::{Relay, Running, Weir, encoded, eventually, ids};

use crate::hooks;

const BUILD: [&str; 8] = ["--instance", "lab", "--job", "api", "--number", "7", "--attempt", "1"];
const ID: &str = "build:push:lab/api/7/1";

/// An installation, and a relay that stands for its host as steps see it.
fn lab() -> (Weir, Relay) {
    let relay = Relay::new();
    let weir = Weir::new("").with_secret("WEIR_URL", relay.url());
    let spool = weir.path("spool").display().to_string();
    (weir.with_secret("WEIR_SPOOL", &spool), relay)
}

/// Calls `weir emit` for the build and gives what it said.
fn emit(weir: &Weir, arguments: &[&str]) -> String {
    let answer = weir.command(&[&["emit"], &BUILD[..], arguments].concat());
    assert_eq!(answer.code, 0, "{}", answer.stderr);
    answer.stderr
}

fn entity(host: &Running, id: &str) -> Value {
    host.processed();
    host.get(&format!("/v1/entities/{}", encoded(id)))["document"].clone()
}

/// Reports that wait below a spool.
fn waiting(spool: &Path) -> usize {
    let folders = std::fs::read_dir(spool).into_iter().flatten().flatten().filter(|entry| entry.path().is_dir());
    let names = folders.flat_map(|folder| std::fs::read_dir(folder.path()).unwrap().flatten());
    names.filter(|entry| entry.file_name().to_string_lossy().ends_with("s.json")).count()
}

#[test]
fn a_build_is_told_in_parts_and_is_one() {
    let (weir, relay) = lab();
    let host = weir.run();
    relay.point_to(host.url());
    let commit = "1111111111111111111111111111111111111111";
    assert_eq!(emit(&weir, &["build", "start", "--commit", commit, "--branch", "main", "--param", "env=prod"]), "");
    assert_eq!(entity(&host, ID)["state"], "running");
    emit(&weir, &["stage", "unit"]);
    emit(&weir, &["stage", "unit", "--result", "failed"]);
    emit(&weir, &["artifact", "api", "--version", "1.2", "--location", "ghcr.io/acme"]);
    emit(&weir, &["deployment", "production", "--component", "api", "--result", "success"]);
    weir.write(
        "reports/a.xml",
        "<testsuite name='unit'><testcase name='x'/><testcase name='y'><failure/></testcase></testsuite>",
    );
    emit(&weir, &["test", "reports"]);
    emit(&weir, &["build", "finish", "--result", "1"]);
    let build = entity(&host, ID);
    assert_eq!((&build["state"], &build["result"]), (&json!("finished"), &json!("failure")));
    assert_eq!(build["checkouts"][0]["commit"], commit);
    assert_eq!(build["parameters"][0]["name"], "env");
    assert!(build["duration"].is_u64() && build["started_at"].is_string(), "{build}");
    assert_eq!((&build["stages"][0]["name"], &build["stages"][0]["result"]), (&json!("unit"), &json!("failure")));
    assert_eq!(build["artifacts"].as_array().unwrap().len(), 1);
    let deployment = entity(&host, "deployment:push:lab/api/7/1/production/api");
    assert_eq!((&deployment["result"], &deployment["build"]["key"]), (&json!("success"), &json!("lab/api/7/1")));
    let tests = entity(&host, "test-report:push:lab/api/7/1/reports/a.xml");
    assert_eq!(
        (&tests["passed"], &tests["failed"], &tests["build"]["key"]),
        (&json!(1), &json!(1), &json!("lab/api/7/1"))
    );
    assert_eq!(ids(&host, "kind:build").len(), 1);
    host.stop();
}

#[test]
fn a_host_that_is_away_costs_nothing() {
    let (weir, relay) = lab();
    let said = emit(&weir, &["build", "start"]);
    assert!(said.contains("1 reports wait"), "{said}");
    let strict = weir.command(&[&["emit", "--strict"], &BUILD[..], &["stage", "a"]].concat());
    assert_ne!(strict.code, 0);
    assert_eq!(waiting(&weir.path("spool")), 2);
    let host = weir.run();
    relay.point_to(host.url());
    assert_eq!(emit(&weir, &["build", "finish", "--result", "success"]), "");
    assert_eq!(waiting(&weir.path("spool")), 0);
    assert_eq!(entity(&host, ID)["result"], "success");
    assert_eq!(emit(&weir, &["flush"]), "");
    assert_eq!(host.processed()["accepted"], 3);
    host.stop();
}

#[test]
fn a_host_that_never_answers_does_not_hold_up_the_step() {
    let (weir, _) = lab();
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", silent.local_addr().unwrap());
    let begun = Instant::now();
    let said = emit(&weir, &["--url", &url, "--budget", "300ms", "build", "start"]);
    // The budget, and the start of a process on a busy machine.
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
    assert!(said.contains("1 reports wait"), "{said}");
}

#[test]
fn a_step_that_is_killed_has_told_what_it_had_to_tell() {
    let (weir, relay) = lab();
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    relay.point_to(&format!("http://{}", silent.local_addr().unwrap()));
    let mut step = weir.program(&[&["emit", "--budget", "1m"], &BUILD[..], &["build", "start"]].concat());
    let mut step = step.stderr(Stdio::null()).spawn().unwrap();
    eventually("the report on disk", || (waiting(&weir.path("spool")) == 1).then_some(()));
    let (connection, _) = silent.accept().unwrap();
    step.kill().unwrap();
    step.wait().unwrap();
    drop(connection);
    let host = weir.run();
    relay.point_to(host.url());
    emit(&weir, &["flush"]);
    assert_eq!((host.processed()["accepted"].clone(), waiting(&weir.path("spool"))), (json!(1), 0));
    assert_eq!(entity(&host, ID)["state"], "running");
    host.stop();
}

#[test]
fn steps_at_the_same_time_share_a_spool() {
    let (weir, relay) = lab();
    let host = weir.run();
    relay.point_to(host.url());
    std::thread::scope(|scope| {
        for n in 0..8 {
            let weir = &weir;
            scope.spawn(move || emit(weir, &["stage", &format!("part-{n}"), "--result", "success"]));
        }
    });
    emit(&weir, &["flush", "--budget", "1m"]);
    assert_eq!(entity(&host, ID)["stages"].as_array().unwrap().len(), 8);
    assert_eq!(host.processed()["accepted"], 8);
    host.stop();
}

#[test]
fn a_stage_ends_as_its_command_does() {
    let (weir, relay) = lab();
    let host = weir.run();
    relay.point_to(host.url());
    let status = |command: &str| {
        let stage = ["stage", "make", "--", "sh", "-c", command];
        weir.command(&[&["emit"], &BUILD[..], &stage].concat()).code
    };
    assert_eq!((status("exit 3"), status("kill -9 $$")), (3, 128));
    assert_eq!(entity(&host, ID)["stages"][0]["result"], "failure");
    assert_eq!(status("true"), 0);
    assert_eq!(entity(&host, ID)["stages"][0]["result"], "success");
    host.stop();
}

#[test]
fn what_is_typed_wrongly_fails_no_build() {
    let weir = Weir::new("");
    let code = |arguments: &[&str]| weir.command(arguments).code;
    assert_eq!(code(&["emit", "bild", "start"]), 0);
    assert_eq!(code(&["emit", "--strict", "bild", "start"]), 2);
    assert_eq!(code(&["emit", "build", "start", "--job", "a", "--number", "1"]), 0, "no host is named");
    assert_eq!(code(&["serve"]), 2);
    let dry = weir.command(&[&["emit", "--dry-run"], &BUILD[..], &["build", "start"]].concat());
    let report: Value = serde_json::from_str(&dry.stdout).unwrap();
    assert_eq!((&report["part"], &report["build_number"], dry.code), (&json!("start"), &json!(7), 0));
}

#[test]
fn a_connector_and_a_step_speak_of_the_same_build() {
    let relay = Relay::new();
    let weir = Weir::new(hooks::INTEGRATION).with_secret("WEIR_URL", relay.url());
    let spool = weir.path("spool").display().to_string();
    let weir = weir.with_secret("WEIR_SPOOL", &spool).with_secret("WEIR_INTEGRATION", "hook");
    let weir = [
        ("GITHUB_ACTIONS", "true"),
        ("GITHUB_SERVER_URL", "https://github.com"),
        ("GITHUB_REPOSITORY", "acme/api"),
        ("GITHUB_WORKFLOW", "CI"),
        ("GITHUB_RUN_ID", "777"),
        ("GITHUB_RUN_NUMBER", "42"),
        ("GITHUB_RUN_ATTEMPT", "2"),
    ]
    .iter()
    .fold(weir, |weir, (name, value)| weir.with_secret(name, value));
    let host = weir.run();
    relay.point_to(host.url());
    assert_eq!(hooks::send(&host.client(), "1", "issues", &hooks::issue(1, "Slow")), 202);
    let answer = weir.command(&["emit", "artifact", "api", "--version", "1.2"]);
    assert_eq!((answer.code, answer.stderr.as_str()), (0, ""));
    let both = ["build:hook:acme/api/777/2", "work-item:hook:acme/api#1"];
    let found = |host: &Running| {
        host.processed();
        both.map(|id| ids(host, "").contains(id))
    };
    assert_eq!(found(&host), [true, true]);
    host.stop();
    assert_eq!(weir.command(&["replay"]).code, 0);
    let host = weir.run();
    assert_eq!(found(&host), [true, true], "what was pushed is no matter of the connector");
    host.stop();
}

#[test]
fn it_is_quick_to_start() {
    let weir = Weir::new("");
    let mut times: Vec<Duration> = (0..5)
        .map(|_| {
            let begun = Instant::now();
            weir.command(&[&["emit", "--dry-run"], &BUILD[..], &["build", "start"]].concat());
            begun.elapsed()
        })
        .collect();
    times.sort();
    println!("`weir emit --dry-run` takes {:?} at best, {:?} in the middle", times[0], times[2]);
    assert!(times[0] < Duration::from_secs(2), "{times:?}");
}

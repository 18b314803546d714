//! What is told of a build from the environment of each CI system, and that the document names every variable.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that panics has failed")]

use std::collections::BTreeMap;
use std::path::Path;

use expect_test::{expect, expect_file};
use weir_emit::{Artifact, Context, Deployment, Event, Given, Stage};

fn environment(name: &str) -> BTreeMap<String, String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/environments").join(format!("{name}.env"));
    let text = std::fs::read_to_string(path).unwrap();
    let pairs = text.lines().map(|line| line.split_once('=').unwrap());
    pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

fn context(name: &str, given: &Given) -> Context {
    let environment = environment(name);
    Context::detect(&|name| environment.get(name).cloned(), given).unwrap()
}

#[test]
fn every_system_tells_which_build_it_is() {
    let mut text = String::new();
    for (name, _) in weir_emit::variables() {
        let context = context(name, &Given::default());
        let start = context.report(Event::Started { parameters: Vec::new() }, 1000, None);
        let finish = context.report(Event::Finished { result: context.result("auto"), log: None }, 61_000, Some(1000));
        text += &format!("{name}\n  {}\n  {}\n", start.json, finish.json);
        let given = Given { integration: Some("it".to_owned()), ..Given::default() };
        let span = self::context(name, &given).span(&Event::Finished { result: None, log: None });
        text += &format!("  {}\n", span.unwrap());
    }
    assert!(!text.contains("secret"), "{text}");
    expect_file!["systems.txt"].assert_eq(&text);
}

#[test]
fn what_the_caller_says_goes_first() {
    let given = Given {
        instance: Some("lab".to_owned()),
        job: Some("nightly".to_owned()),
        number: Some("2026-01-02".to_owned()),
        attempt: Some(3),
        ..Given::default()
    };
    let context = Context::detect(&|_| None, &given).unwrap();
    let report = |event| context.report(event, 61_000, Some(1000)).json;
    let stage = Stage { name: Some("unit".to_owned()), result: Some("failure".to_owned()), ..Stage::default() };
    let artifact = Artifact { name: "api".to_owned(), output: true, ..Artifact::default() };
    let deployment = Deployment { environment: "production".to_owned(), ..Deployment::default() };
    let reports = [
        report(Event::Stage(stage)),
        report(Event::Artifact(artifact)),
        report(Event::Deployment(deployment)),
        report(Event::Tests { name: "unit.xml".to_owned(), xml: "<testsuite/>".to_owned() }),
    ];
    expect![[r#"
        {"collector":{"name":"emit","version":"0.1.0"},"part":"stage/unit","reported_at":61000,"instance_name":"lab","job_full_name":"nightly","execution_id":"2026-01-02","attempt":3,"job_run":{"stages":[{"id":"unit","displayName":"unit","state":"FINISHED","result":"failure","startTime":1000,"endTime":61000,"durationInMillis":60000}]}}
        {"collector":{"name":"emit","version":"0.1.0"},"part":"artifact/api:","reported_at":61000,"instance_name":"lab","job_full_name":"nightly","execution_id":"2026-01-02","attempt":3,"artifacts":[{"name":"api","input":false,"output":true}]}
        {"id":"lab/nightly/2026-01-02/3/production","reported_at":61000,"build":"lab/nightly/2026-01-02/3","environment":"production","component":null,"version":null,"state":"running","result":null,"started_at":1000,"finished_at":null,"repository":null,"commit":null,"artifacts":[],"web_url":null,"user_id":null}
        {"id":"lab/nightly/2026-01-02/3/unit.xml","reported_at":61000,"name":"unit.xml","instance_name":"lab","job_full_name":"nightly","execution_id":"2026-01-02","attempt":3,"stage":null,"commit":null,"xml":"<testsuite/>"}
    "#]].assert_eq(&(reports.join("\n") + "\n"));
}

#[test]
fn what_cannot_be_told_is_named() {
    let failed = |lookup: &dyn Fn(&str) -> Option<String>| {
        Context::detect(lookup, &Given::default()).map(|_| ()).unwrap_err().to_string()
    };
    expect!["cannot tell which build this is: no number of the run and no CI system that is known"]
        .assert_eq(&failed(&|_| None));
    expect!["cannot tell which build this is: no number of the run in the environment of gitlab-ci"]
        .assert_eq(&failed(&|name| (name == "GITLAB_CI").then(|| "true".to_owned())));
}

#[test]
fn the_document_names_every_variable() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/EMIT.md");
    let document = std::fs::read_to_string(path).unwrap();
    for (system, names) in weir_emit::variables() {
        let missing: Vec<_> = names.iter().filter(|name| !document.contains(&format!("`{name}`"))).collect();
        assert!(missing.is_empty(), "docs/EMIT.md does not name {missing:?} of {system}");
    }
}

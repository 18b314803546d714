//! Measurements, to be compared with the budgets of the design. Not checked: run
//! `cargo test --profile fast -p weir-sandbox -- --ignored numbers --nocapture`.

#![allow(clippy::print_stderr, reason = "printing is what it is for")]

use std::fmt::Write;
use std::time::{Duration, Instant};

use weir_model::{RawRecord, Timestamp};
use weir_sandbox::{Delivery, Limits, PluginState};

use crate::support::{Guest, job, sandbox, tool, tool_with_body};

/// Best of several: the machine has other work too.
async fn best<F: Future<Output = ()>>(times: usize, mut run: impl FnMut() -> F) -> Duration {
    let mut best = Duration::MAX;
    for _ in 0..times {
        let started = Instant::now();
        run().await;
        best = best.min(started.elapsed());
    }
    best
}

fn build_json(n_stages: usize) -> String {
    let mut json =
        r#"{"id":"jobs/api/main/1842","number":1842,"result":"SUCCESS","branch":"main","stages":["#.to_owned();
    for i in 0..n_stages {
        let comma = if i == 0 { "" } else { "," };
        let name = format!("stage number {i} with a name of some length, as people write them, and its tool");
        write!(json, r#"{comma}{{"name":"{name}","status":"SUCCESS","startTimeMillis":17000000{i:05},"durationMillis":{i},"id":"{i}","pauseDurationMillis":0}}"#).unwrap();
    }
    json + "]}"
}

fn issues(n: usize) -> String {
    let mut body = r#"{"items":["#.to_owned();
    for i in 0..n {
        let comma = if i == 0 { "" } else { "," };
        write!(body, r#"{comma}{{"url":"https://api.example.com/repos/acme/api/issues/{i}","id":{i},"title":"Something does not work as \"expected\" here","user":{{"login":"someone","id":77,"avatar_url":"https://avatars.example.com/u/77?v=4"}},"labels":[{{"name":"bug","color":"d73a4a"}}],"state":"open","body":"{}","updated_at":"2024-03-01T09:30:00Z"}}"#, "A longer description of what went wrong. ".repeat(20)).unwrap();
    }
    body + "]}"
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "measures, checks nothing"]
async fn numbers() {
    let component = Guest::Connector.wasm();
    let sandbox = sandbox(Limits { step_cpu: Duration::from_mins(1), ..Limits::default() });
    let plugin = sandbox.load(component.clone()).await.unwrap();
    let load = best(20, || async { drop(sandbox.load(component.clone()).await.unwrap()) }).await;
    eprintln!("load from cache {load:?}");

    let received_at = Timestamp::from_ms(0);
    let delivery = Delivery { headers: Vec::new(), query: Vec::new(), body: b"ping".to_vec(), received_at };
    let call = best(2_000, || async { drop(plugin.decode("{}", &delivery).await.unwrap()) }).await;
    eprintln!("store, instance, one call, drop {call:?}");

    let mut reader = plugin.open(tool(), job(r#"{"do":"path","text":"/"}"#), PluginState::new()).await.unwrap();
    let mut step = Duration::MAX;
    for _ in 0..5_000 {
        let started = Instant::now();
        reader.step().await.unwrap();
        step = step.min(started.elapsed());
    }
    eprintln!("warm step with one mock request {step:?}");

    for n_stages in [0, 8, 100] {
        let json = build_json(n_stages);
        let records: Vec<_> = (0..2_560).map(|i| RawRecord::upsert(format!("k{i}"), None, json.as_str())).collect();
        let took =
            best(5, || async { drop(plugin.normalize("items", r#"{"do":"x"}"#, &records).await.unwrap()) }).await;
        let per_second = 2_560.0 / took.as_secs_f64();
        eprintln!("normalize, {} bytes: {per_second:.0} records/s", json.len());
    }

    let body = issues(8_000);
    let mib = body.len() >> 20;
    let source = tool_with_body(body);
    let took = best(5, || async {
        let mut reader = plugin.open(source.clone(), job(r#"{"do":"read"}"#), PluginState::new()).await.unwrap();
        assert_eq!(reader.step().await.unwrap().records.len(), 8_000);
    })
    .await;
    let per_second = (u32::try_from(mib).map_or(0.0, f64::from)) / took.as_secs_f64();
    eprintln!("extract of {mib} MiB with a pointer and an instance: {per_second:.0} MiB/s");
}

//! Taking in: pushed builds over HTTP, acknowledged only when durable, and how soon they are found.

use std::time::{Duration, Instant};

use weir_tests::Client;

use crate::builds::build;
use crate::figures::{at, ms, print, print_spread};
use crate::host::{Installed, Running};
use crate::load::{Order, Sent, finish};
use crate::machine::cpu;

/// Builds looked for while others stream in.
const PROBES: u64 = 100;
/// Builds a second that stream in meanwhile.
const BACKGROUND: u32 = 500;

/// Measures the rate.
pub(crate) fn run() {
    let weir = Installed::new("");
    let host = weir.run();
    for connections in [64, 256] {
        let name = format!("intake: single builds, {connections} connections");
        let sent = measure(&host, &Order { connections, sender: format!("single{connections}"), ..order(&host) });
        print(&name, sent.builds as f64 / sent.seconds, "builds/s", ">= 20,000", &about(&sent));
        print_waits(&name, &sent);
    }
    let backlog = host.catch_up();
    let name = "intake: batches of 100, 8 connections";
    let sent = measure(&host, &Order { connections: 8, batch: 100, sender: "batch".to_owned(), ..order(&host) });
    print(name, sent.builds as f64 / sent.seconds, "builds/s", "", &about(&sent));
    print_waits(name, &sent);
    print("intake: backlog of the single builds", backlog.as_secs_f64(), "s", "", "processed after the load ended");
    processing(&host);
}

/// How fast the backlog is worked off when nothing else happens.
fn processing(host: &Running) {
    let pid = host.pid().to_string();
    let before = host.get("/v1/status")["processed"].as_u64().unwrap();
    let (cpu_before, started) = (cpu(&pid), Instant::now());
    std::thread::sleep(Duration::from_secs(10));
    let done = host.get("/v1/status")["processed"].as_u64().unwrap() - before;
    let (cpu, wall) = (cpu(&pid) - cpu_before, started.elapsed());
    let note = format!("{:.1} s CPU in {:.1} s", cpu.as_secs_f64(), wall.as_secs_f64());
    print("intake: processing of a backlog", done as f64 / wall.as_secs_f64(), "builds/s", "", &note);
}

pub(crate) fn order(host: &Running) -> Order {
    Order { url: host.url.clone(), sender: "load".to_owned(), connections: 64, batch: 1, seconds: 5, rate: 0 }
}

fn measure(host: &Running, order: &Order) -> Sent {
    let pid = host.pid().to_string();
    let before = cpu(&pid);
    let sent = order.run();
    let cpu = cpu(&pid) - before;
    print("intake: of it, CPU of the host", cpu.as_secs_f64() / sent.seconds, "cores", "", "processing included");
    sent
}

fn about(sent: &Sent) -> String {
    format!("{} bytes each, {:.0} MB/s, synced", sent.bytes / sent.builds, sent.bytes as f64 / sent.seconds / 1e6)
}

fn print_waits(name: &str, sent: &Sent) {
    let waits = sent.waits();
    print(&format!("{name}, p50"), ms(at(&waits, 50)), "ms", "", "until acknowledged");
    print(&format!("{name}, p99"), ms(at(&waits, 99)), "ms", "< 50", "");
}

/// Measures how soon a pushed build is found.
pub(crate) fn run_visible() {
    let weir = Installed::new("");
    let host = weir.run();
    let seconds = 40;
    let background = Order { connections: 16, rate: BACKGROUND, seconds, ..order(&host) }.start();
    let started = Instant::now();
    std::thread::sleep(Duration::from_secs(2));
    let probes = (0..PROBES).take_while(|_| started.elapsed() < Duration::from_secs(seconds - 2));
    let mut waits: Vec<_> = probes.map(|number| visible_after(&host, number)).collect();
    let sent = finish(background);
    let note = format!("while {:.0} others/s come in", sent.builds as f64 / sent.seconds);
    print_spread("visible: from push to /v1/search", &mut waits, "< 1,000", &note);
}

fn visible_after(host: &Running, number: u64) -> Duration {
    let client = Client::new(&host.url);
    let sender = format!("probe{number}");
    let started = Instant::now();
    assert_eq!(client.post("/v1/builds", build(&sender, number).as_bytes()).status, 202);
    let path = format!("/v1/search?limit=1&q=kind:build%20AND%20job:{sender}*");
    while client.get(&path).json()["total"] != 1 {
        assert!(started.elapsed() < Duration::from_mins(1), "build of {sender} is not found");
        std::thread::sleep(Duration::from_millis(5));
    }
    started.elapsed()
}

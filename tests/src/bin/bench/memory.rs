//! Memory of the host: doing nothing, holding the demo's data, and under load.

use crate::figures::print;
use crate::host::{Installed, Running, bytes_below};
use crate::intake::order;
use crate::load::Order;
use crate::machine::memory_mb;

/// Measures.
pub(crate) fn run() {
    let weir = Installed::new("");
    let host = weir.run();
    settle();
    print_now("memory: idle, no data", &host, "< 40");
    let sent = Order { seconds: 10, ..order(&host) }.run();
    let [_, _, peak] = memory_mb(host.pid());
    print("memory: most under load", peak, "MB", "< 150", &format!("{} builds pushed by 64 connections", sent.builds));
    host.catch_up();
    settle();
    print_now("memory: after the load", &host, "");
    let [_, _, peak] = memory_mb(host.pid());
    print("memory: most until all was processed", peak, "MB", "< 150", "");
    drop(host);
    with_the_demo();
}

fn with_the_demo() {
    let weir = Installed::new("");
    let data = weir.data();
    weir.command(&["demo", "--once", "--listen", "127.0.0.1:0", "--data-dir", data.to_str().unwrap()]);
    let host = weir.run();
    host.catch_up();
    settle();
    let bytes = bytes_below(&data) as f64 / 1e6;
    let entities = host.get("/v1/search?limit=0")["total"].to_string();
    print("memory: data of the demo on disk", bytes, "MB", "", &format!("{entities} entities"));
    print_now("memory: idle, data of the demo", &host, "< 40");
    for path in [
        "/v1/search?facets=kind,project,team,person,result,branch,state",
        "/v1/metrics/change-lead-time",
        "/v1/red-builds",
    ] {
        host.get(path);
    }
    print_now("memory: the same after some questions", &host, "");
}

/// Threads that only wanted to begin have done so.
fn settle() {
    std::thread::sleep(std::time::Duration::from_secs(3));
}

fn print_now(name: &str, host: &Running, aim: &str) {
    let [resident, own, _] = memory_mb(host.pid());
    print(name, resident, "MB", aim, &format!("resident; {own:.0} MB of it not backed by files"));
}

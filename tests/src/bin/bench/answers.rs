//! Reading: answers that are computed against those that are kept, one after the other and side by side.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use weir_tests::Client;

use crate::figures::{at, ms, print};
use crate::host::{Installed, Running};
use crate::intake::order;
use crate::load::Order;

/// What pages ask.
const QUESTIONS: [&str; 4] = [
    "/v1/search?facets=job,result,branch&limit=20",
    "/v1/search?group=job&by=day&stats=count&limit=0",
    "/v1/metrics/build-success?by=day",
    "/v1/red-builds?limit=20",
];
/// Times each is asked.
const TIMES: usize = 50;
/// Those who ask side by side, and how long.
const READERS: usize = 8;
const SECONDS: u64 = 3;

pub(crate) fn run() {
    let weir = Installed::new("");
    let host = weir.run();
    let sent = Order { connections: 8, batch: 100, seconds: 3, ..order(&host) }.run();
    host.catch_up();
    for question in QUESTIONS {
        // An empty pair more makes it another question with the same answer.
        let computed = middle(&host, |n| format!("{question}{}", "&".repeat(n + 1)));
        let kept = middle(&host, |_| question.to_owned());
        let note = format!("{:.2} ms computed, {:.2} ms kept, {} builds", ms(computed), ms(kept), sent.builds);
        let name = format!("answers: {}", question.split(['?', '&']).take(2).collect::<Vec<_>>().join("?"));
        print(&name, computed.as_secs_f64() / kept.as_secs_f64(), "times faster", "", &note);
    }
    let rate = side_by_side(&host, QUESTIONS[0]);
    print("answers: kept, 8 side by side", rate, "reads/s", "", "each on a connection of its own");
}

fn middle(host: &Running, question: impl Fn(usize) -> String) -> Duration {
    let client = Client::new(&host.url);
    let mut times: Vec<_> = (0..TIMES)
        .map(|n| {
            let (question, started) = (question(n), Instant::now());
            let answer = client.get(&question);
            assert_eq!(answer.status, 200, "{}", answer.text());
            started.elapsed()
        })
        .collect();
    times.sort_unstable();
    at(&times, 50)
}

fn side_by_side(host: &Running, question: &str) -> f64 {
    let (n, started) = (AtomicU64::new(0), Instant::now());
    std::thread::scope(|scope| {
        for _ in 0..READERS {
            scope.spawn(|| {
                let client = Client::new(&host.url);
                while started.elapsed() < Duration::from_secs(SECONDS) {
                    assert_eq!(client.get(question).status, 200);
                    n.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
    });
    n.into_inner() as f64 / started.elapsed().as_secs_f64()
}

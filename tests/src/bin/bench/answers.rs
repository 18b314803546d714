//! Reading: answers that are computed against those that are kept, one after the other and side by side.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use weir_tests::Client;

use crate::figures::{at, ms, print, print_spread};
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
/// Numbers of the overview.
const DORA: [&str; 5] =
    ["change-lead-time", "deployment-frequency", "change-fail-rate", "recovery-time", "rework-rate"];
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

/// What the overview asks, about half a year: all of it, computed and kept, and kept answers from two cores.
pub(crate) fn overview(host: &Running, name: &str) {
    let client = Client::new(&host.url);
    let page = |more: usize| {
        let started = Instant::now();
        for metric in DORA {
            let window = "from=2025-03-01&to=2025-09-01&by=week";
            let answer = client.get(&format!("/v1/metrics/{metric}?{window}{}", "&".repeat(more)));
            assert_eq!(answer.status, 200, "{}", answer.text());
        }
        started.elapsed()
    };
    page(0);
    print_spread(
        &format!("{name}, computed"),
        &mut (1..=TIMES).map(page).collect::<Vec<_>>(),
        "< 50",
        "5 numbers by week, over HTTP",
    );
    print_spread(&format!("{name}, kept"), &mut (0..TIMES).map(|_| page(0)).collect::<Vec<_>>(), "< 5", "the same");
    let rate = side_by_side(host, &format!("/v1/metrics/{}?from=2025-03-01&to=2025-09-01&by=week", DORA[0]));
    print(
        &format!("{name}, kept, {READERS} side by side"),
        rate,
        "reads/s",
        ">= 2,000",
        "beside those who ask, on the same cores",
    );
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

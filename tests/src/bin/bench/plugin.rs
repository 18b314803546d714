//! What a plugin costs before it does anything: compiling, loading, one step.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::future::BoxFuture;
use weir_sandbox::{Connection, HttpError, Request, Response};

use crate::figures::{best, ms, print};
use crate::github::{open, sandbox, settings, wasm};

/// A tool at the speed of memory: every page has one issue and a link to the next page.
struct Endless;

const PAGE: &[u8] = br#"[{"id":1,"number":1,"updated_at":"2026-03-01T09:30:00Z"}]"#;
const LINK: &[u8] = br#"<https://api.github.example/repos/acme/api/issues?page=2>; rel="next""#;

impl Connection for Endless {
    fn name(&self) -> &'static str {
        "github"
    }

    fn kind(&self) -> &'static str {
        "github"
    }

    fn site(&self) -> &'static str {
        "https://api.github.example"
    }

    fn send(&self, _: Request) -> BoxFuture<'_, Result<Response, HttpError>> {
        let header = |name: &str, value: &[u8]| (name.to_owned(), value.to_vec());
        let headers = vec![header("content-type", b"application/json"), header("link", LINK)];
        Box::pin(async { Ok(Response { status: 200, headers, body: Bytes::from_static(PAGE) }) })
    }
}

/// Measures.
pub(crate) fn run() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let component = wasm();
    let sandbox = sandbox(folder.path());
    let load = || {
        let started = Instant::now();
        drop(runtime.block_on(sandbox.load(component.clone())).unwrap());
        started.elapsed()
    };
    let first = load();
    let size = format!("connector-github, {} kB", component.len() >> 10);
    print("plugin: first load, compiled", ms(first), "ms", "", &size);
    print("plugin: load from the cache", ms(best(20, load)), "ms", "< 5", "best of 20, verified and linked");

    let plugin = runtime.block_on(sandbox.load(component)).unwrap();
    let steps = || {
        runtime.block_on(async {
            let settings = settings(&["acme/api".to_owned()], &["issues"]);
            let mut reader = open(&plugin, Arc::new(Endless), "issues", &settings).await;
            let mut shortest = Duration::MAX;
            for _ in 0..1_000 {
                let started = Instant::now();
                assert_eq!(reader.step().await.unwrap().records.len(), 1);
                shortest = shortest.min(started.elapsed());
            }
            shortest
        })
    };
    let step = best(3, steps);
    print(
        "plugin: overhead of a step",
        step.as_secs_f64() * 1e6,
        "us",
        "< 100",
        "a page of one issue from memory, best",
    );
}

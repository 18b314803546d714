//! Sandboxes, and the tool that the guests talk to.

use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock, Mutex};

use bytes::Bytes;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use weir_model::Timestamp;
use weir_sandbox::{
    CallError, Connection, HttpError, Job, Limits, Page, Pass, Plugin, PluginState, Request, Response, Sandbox,
    SandboxOptions, Target,
};

pub(crate) use crate::guests::Guest;

/// Key of the cache that all tests share.
pub(crate) const CACHE_KEY: [u8; 32] = [7; 32];

/// A sandbox with these limits. All share one cache, so that each guest is compiled once.
pub(crate) fn sandbox(limits: Limits) -> Sandbox {
    let cache_dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join("compiled");
    Sandbox::new(SandboxOptions { cache_dir, cache_key: CACHE_KEY, limits }).unwrap()
}

pub(crate) async fn connector(limits: Limits) -> Arc<Plugin> {
    sandbox(limits).load(Guest::Connector.wasm()).await.unwrap()
}

/// A tool with three pages of two items, on `fake.example`.
#[derive(Default)]
pub(crate) struct Tool {
    pub(crate) seen: Mutex<Vec<Request>>,
    in_flight: AtomicUsize,
    pub(crate) most_in_flight: AtomicUsize,
    body: Option<Bytes>,
}

pub(crate) fn tool() -> Arc<Tool> {
    Arc::new(Tool::default())
}

/// A tool that answers everything with this body.
pub(crate) fn tool_with_body(body: String) -> Arc<Tool> {
    Arc::new(Tool { body: Some(Bytes::from(body)), ..Tool::default() })
}

impl Tool {
    pub(crate) fn n_requests(&self) -> usize {
        self.seen.lock().unwrap().len()
    }

    async fn answer(&self, request: Request) -> Result<Response, HttpError> {
        let n = self.in_flight.fetch_add(1, Ordering::SeqCst) + 1;
        self.most_in_flight.fetch_max(n, Ordering::SeqCst);
        let target = request.target.clone();
        self.seen.lock().unwrap().push(request);
        tokio::task::yield_now().await;
        self.in_flight.fetch_sub(1, Ordering::SeqCst);
        if let Some(body) = self.body.clone() {
            return Ok(Response { body, ..response(String::new()) });
        }
        match target {
            Target::Link(link) if !link.starts_with("https://fake.example/") => {
                Err(HttpError::Denied("origin is not granted".to_owned()))
            }
            Target::Link(_) => Ok(response("{}".to_owned())),
            Target::Path(path) if path == "/panic" => panic!("the egress has a defect"),
            Target::Path(path) => match path.strip_prefix("/items?page=") {
                Some(page) => Ok(response(items(page.parse().unwrap()))),
                None => Ok(response("{}".to_owned())),
            },
        }
    }
}

fn items(page: u32) -> String {
    let next = if page < 2 { (page + 1).to_string() } else { "null".to_owned() };
    format!(r#"{{"items": [{{"id": "{page}a", "at": {page}}}, {{"at": {page},"id":"{page}b"}}], "next": {next}}}"#)
}

fn response(body: String) -> Response {
    let headers = [("Content-Type", "application/json"), ("Set-Cookie", "session=1"), ("WWW-Authenticate", "Basic")];
    let headers = headers.map(|(name, value)| (name.to_owned(), value.as_bytes().to_vec()));
    Response { status: 200, headers: headers.to_vec(), body: Bytes::from(body) }
}

impl Connection for Tool {
    fn name(&self) -> &'static str {
        "fake"
    }

    fn kind(&self) -> &'static str {
        "tool"
    }

    fn site(&self) -> &'static str {
        "https://fake.example"
    }

    fn send(&self, request: Request) -> BoxFuture<'_, Result<Response, HttpError>> {
        self.answer(request).boxed()
    }
}

pub(crate) fn job(settings: &str) -> Job {
    Job {
        dataset: "items".to_owned(),
        parent: None,
        settings: settings.to_owned(),
        pass: Pass::Incremental,
        run_at: Timestamp::from_ms(1_700_000_000_000),
        since: None,
        cursor: None,
    }
}

/// One step with these settings on a fresh reader.
pub(crate) async fn step(plugin: &Arc<Plugin>, settings: &str) -> Result<Page, CallError> {
    let mut reader = plugin.open(tool(), job(settings), PluginState::new()).await?;
    reader.step().await
}

/// A whole honest run: keys of all records, in order.
pub(crate) async fn honest_run(plugin: &Arc<Plugin>) -> Vec<String> {
    let mut reader = plugin.open(tool(), job(r#"{"do":"read"}"#), PluginState::new()).await.unwrap();
    let mut keys = Vec::new();
    loop {
        let page = reader.step().await.unwrap();
        keys.extend(page.records.into_iter().map(|record| record.key));
        if page.done {
            break;
        }
    }
    reader.close().await.unwrap();
    keys
}

/// What a caller sees of an error.
pub(crate) fn show(error: &CallError) -> String {
    format!("{error}\n{} {:?} {:?}\n", error.code(), error.blame(), error.retry())
}

/// Keys of an honest run.
pub(crate) static HONEST: LazyLock<Vec<String>> =
    LazyLock::new(|| ["0a", "0b", "1a", "1b", "2a", "2b"].map(str::to_owned).to_vec());

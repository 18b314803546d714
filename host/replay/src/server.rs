//! The server: HTTP around `github::answer`, with what makes the real one hard to read from: tokens, quotas, pages,
//! conditional requests and faults. It also takes chat messages, and can keep the company working.

pub(crate) mod faults;
mod gate;
mod live;
pub(crate) mod recorder;

use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::serve::ListenerExt;
use faults::{Fault, Faults};
use gate::Gate;
use recorder::Recorder;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::company::{Company, Counts, Happening, RepositoryRef};
use crate::github::{HTML_URL, Roots};

/// The token every request must carry: `Authorization: Bearer demo-token`.
pub const TOKEN: &str = "demo-token";

/// How long `Server::stop` waits for answers under way.
const STOP_MAX: Duration = Duration::from_secs(2);

/// How the server behaves.
#[derive(Debug, Clone)]
pub struct Options {
    /// Faults to make.
    pub faults: Faults,
    /// Requests an hour, as `X-RateLimit-Limit` tells them. Answers 304 cost none.
    pub quota: u32,
    /// Keep the company working. None: nothing changes by itself.
    pub live: Option<Live>,
    /// Send what happens, while live and by hand, to a receiver of GitHub webhooks.
    pub webhooks: Option<Webhooks>,
    /// Root of the addresses of pages for people. Nothing is served there.
    pub html_url: String,
    /// Keep every answer once written, for benches that read the same pages again and again.
    pub remember: bool,
}

/// A company that keeps working.
#[derive(Debug, Clone, Copy)]
pub struct Live {
    /// Time between two things that happen.
    pub every: Duration,
}

/// Where webhooks go.
#[derive(Clone)]
pub struct Webhooks {
    /// `http://host:port/path`; no TLS.
    pub url: String,
    /// Signs each body in `X-Hub-Signature-256`.
    pub secret: String,
}

/// A running server. Dropping it ends its tasks at once; `stop` lets answers under way finish.
#[derive(Debug)]
pub struct Server {
    url: String,
    gate: Arc<Gate>,
    stop: Option<oneshot::Sender<()>>,
    tasks: Vec<JoinHandle<()>>,
}

/// Commits pushed to a main branch by hand, oldest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pushed {
    /// Head of the branch before.
    pub before: String,
    /// Ids of the pushed commits.
    pub commits: Vec<String>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            faults: Faults::none(),
            quota: 100_000,
            live: None,
            webhooks: None,
            html_url: HTML_URL.to_owned(),
            remember: false,
        }
    }
}

impl std::fmt::Debug for Webhooks {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Webhooks").field("url", &self.url).finish_non_exhaustive()
    }
}

/// Serves `company` on a free port of this machine.
pub async fn serve(company: Company, options: Options) -> io::Result<Server> {
    serve_on(TcpListener::bind(("127.0.0.1", 0)).await?, company, options).await
}

/// Serves `company` on `listener`.
pub async fn serve_on(listener: TcpListener, company: Company, options: Options) -> io::Result<Server> {
    let url = format!("http://{}", listener.local_addr()?);
    let roots = Roots { api: url.clone(), html: options.html_url.clone() };
    let live = options.live;
    let gate = Arc::new(Gate::new(company, roots, options));
    let app = Router::new().fallback(gate::handle).with_state(Arc::clone(&gate));
    let (stop, stopped) = oneshot::channel();
    let no_delay = listener.tap_io(|stream| drop(stream.set_nodelay(true)));
    let answering = axum::serve(no_delay, app).with_graceful_shutdown(async move {
        // A sender that is gone means the same as one that sent.
        drop(stopped.await);
    });
    let mut tasks = vec![tokio::spawn(async move { drop(answering.await) })];
    tasks.extend(live.map(|live| tokio::spawn(live::work(Arc::clone(&gate), live.every))));
    Ok(Server { url, gate, stop: Some(stop), tasks })
}

impl Server {
    /// Root of the API, `http://127.0.0.1:port`.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// What was asked so far.
    pub fn recorder(&self) -> &Recorder {
        &self.gate.recorder
    }

    /// How much the company has now.
    pub fn counts(&self) -> Counts {
        self.gate.company().counts()
    }

    /// Bodies of the messages posted to `/chat`, oldest first.
    pub fn chat_messages(&self) -> Vec<String> {
        lock(&self.gate.chat).clone()
    }

    /// Makes `fault` at the next `times` requests whose path and query contain `part`.
    pub fn fail(&self, part: &str, fault: Fault, times: u32) {
        lock(&self.gate.faults).add(part, fault, times);
    }

    /// Pushes `n_commits` to the main branch of `repository` (`owner/name`); the build of the last one is red.
    /// None: no such repository.
    pub async fn break_main(&self, repository: &str, n_commits: usize) -> Option<Pushed> {
        self.push(repository, |company, at, now| company.break_main(at, n_commits, now)).await
    }

    /// Pushes one commit to the main branch of `repository` (`owner/name`), whose build is green.
    pub async fn fix_main(&self, repository: &str) -> Option<Pushed> {
        self.push(repository, Company::fix_main).await
    }

    /// Takes the newest issue of `repository` (`owner/name`) out of the world, with what was said on it; its number. Not
    /// for a company that works on: it may come back to what it remembers.
    pub fn delete_issue(&self, repository: &str) -> Option<u64> {
        let mut company = self.gate.company_mut();
        let at = company.find(repository)?;
        let there = company.repository_mut(at);
        let number = there.issues.pop_last()?.0;
        there.comments.retain(|comment| comment.number != number);
        Some(number)
    }

    /// Lets the company take steps until something happened, as the live mode does every few seconds.
    pub async fn step(&self) {
        live::step(&self.gate).await;
    }

    /// Stops taking connections, waits for answers under way, and ends.
    pub async fn stop(mut self) {
        self.stop.take();
        for task in self.tasks.iter().skip(1) {
            task.abort();
        }
        if let Some(answering) = self.tasks.first_mut() {
            // Whoever still reads after that has given up long ago.
            drop(tokio::time::timeout(STOP_MAX, answering).await);
        }
    }

    async fn push(
        &self,
        repository: &str,
        act: impl FnOnce(&mut Company, RepositoryRef, i64) -> (Vec<Happening>, Vec<String>),
    ) -> Option<Pushed> {
        let (hooks, pushed) = {
            let mut company = self.gate.company_mut();
            let at = company.find(repository)?;
            let there = company.repository(at);
            let before = there.commit(there.head()).sha.clone();
            let (happenings, commits) = act(&mut company, at, gate::now_ms());
            (self.gate.hooks(&company, &happenings), Pushed { before, commits })
        };
        live::send(&self.gate, hooks).await;
        Some(pushed)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}

/// A lock whose holder cannot leave its content half changed, so a poisoned one is as good as any.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

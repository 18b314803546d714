//! Sends reports: into the spool at once, to the host in the background.
//!
//! Invariant: delivery is at least once and in order within a kind; a repeat of a batch carries the same idempotency key.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use ring::rand::{SecureRandom, SystemRandom};
use tokio::sync::Notify;
use tracing::{debug, warn};

use crate::backoff::Backoff;
use crate::post::{Key, PostError, Poster};
use crate::report::Kind;
use crate::spool::{Batch, BatchLimits, Spool, SpoolDepth, SpoolError, SpoolOptions};

/// Where to deliver, and how hard to try.
#[derive(Debug, Clone)]
pub struct ClientOptions {
    /// Address of the host, `http://host:7878`; a path in it is kept.
    pub url: String,
    /// Key with the ingest right; None only where the host asks for none.
    pub key: Option<Key>,
    /// Certificates to trust besides those of the system, as PEM.
    pub ca_file: Option<PathBuf>,
    /// Integration the reports belong to; None: what the host takes for pushes that name none.
    pub integration: Option<String>,
    /// Where reports wait.
    pub spool: SpoolOptions,
    /// Most reports in a batch.
    pub batch_reports_max: usize,
    /// Most bytes in a batch; a bigger report goes alone.
    pub batch_bytes_max: u64,
    /// Deadline of one request.
    pub timeout: Duration,
    /// Waits after failures.
    pub backoff: Backoff,
}

impl ClientOptions {
    /// The usual limits: batches of at most 500 reports or 1 MiB, 30 s a request.
    pub fn new(url: impl Into<String>, key: Option<Key>, spool: SpoolOptions) -> Self {
        Self {
            url: url.into(),
            key,
            ca_file: None,
            integration: None,
            spool,
            batch_reports_max: 500,
            batch_bytes_max: 1 << 20,
            timeout: Duration::from_secs(30),
            backoff: Backoff::default(),
        }
    }
}

/// Why a client could not be made or stopped trying.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The spool.
    #[error("cannot use the spool")]
    Spool(#[source] SpoolError),
    /// The host.
    #[error("cannot deliver")]
    Post(#[source] PostError),
}

/// How delivery goes.
#[derive(Debug, Clone, Default)]
pub struct ClientStatus {
    /// What waits.
    pub spool: SpoolDepth,
    /// Reports delivered since the client was made.
    pub delivered: u64,
    /// Failures in a row.
    pub failures: u32,
    /// The last of them, for people.
    pub last_error: Option<String>,
}

/// A durable way to the host.
pub struct Client {
    spool: Arc<Spool>,
    poster: Poster,
    limits: BatchLimits,
    backoff: Backoff,
    wake: Notify,
    progress: Mutex<Progress>,
}

#[derive(Debug, Default)]
struct Progress {
    delivered: u64,
    failures: u32,
    last_error: Option<String>,
}

enum Next {
    Again,
    Empty,
    Wait(Duration, ClientError),
}

impl Client {
    /// Opens the spool; nothing is sent before [`Client::deliver`] runs.
    pub fn open(options: ClientOptions) -> Result<Self, ClientError> {
        let poster = Poster::new(&options).map_err(ClientError::Post)?;
        Ok(Self {
            spool: Arc::new(Spool::open(options.spool).map_err(ClientError::Spool)?),
            poster,
            limits: BatchLimits { reports_max: options.batch_reports_max, bytes_max: options.batch_bytes_max },
            backoff: options.backoff,
            wake: Notify::new(),
            progress: Mutex::default(),
        })
    }

    /// Keeps a report, a JSON document, for delivery. Durable on return; blocks for one write to disk.
    ///
    /// # Errors
    /// [`SpoolError::Full`] when the host was away too long; the caller still has the report and may come again.
    pub fn send(&self, kind: Kind, report: &[u8]) -> Result<(), SpoolError> {
        self.spool.put(kind, report)?;
        self.wake.notify_one();
        Ok(())
    }

    /// Delivers for ever. May be dropped at any moment; what was not acknowledged is sent by the next call.
    pub async fn deliver(&self) {
        loop {
            match self.next().await {
                Next::Again => {}
                Next::Empty => self.wake.notified().await,
                Next::Wait(wait, _) => tokio::time::sleep(wait).await,
            }
        }
    }

    /// Delivers until nothing waits, giving up after `failures_max` failures in a row.
    pub async fn drain(&self, failures_max: u32) -> Result<(), ClientError> {
        loop {
            match self.next().await {
                Next::Again => {}
                Next::Empty => return Ok(()),
                Next::Wait(_, error) if self.status().failures >= failures_max => return Err(error),
                Next::Wait(wait, _) => tokio::time::sleep(wait).await,
            }
        }
    }

    /// How delivery goes.
    pub fn status(&self) -> ClientStatus {
        let spool = self.spool.depth();
        let progress = self.progress.lock().unwrap_or_else(PoisonError::into_inner);
        let Progress { delivered, failures, ref last_error } = *progress;
        ClientStatus { spool, delivered, failures, last_error: last_error.clone() }
    }

    async fn next(&self) -> Next {
        match self.attempt().await {
            Ok(Some(n_reports)) => {
                self.note_success(n_reports);
                Next::Again
            }
            Ok(None) => Next::Empty,
            Err(error) => {
                let wait = self.note_failure(&error);
                Next::Wait(wait, error)
            }
        }
    }

    /// Sends one batch. None: nothing waits. `Some(0)`: a refused batch was halved or buried.
    async fn attempt(&self) -> Result<Option<usize>, ClientError> {
        let limits = self.limits;
        let Some((batch, body)) = self.with_spool(move |spool| take(spool, limits)).await? else { return Ok(None) };
        match self.poster.post(batch.kind, &batch.key, body).await {
            Ok(()) => {
                let n_reports = batch.positions.len();
                self.with_spool(move |spool| spool.remove(&batch)).await?;
                debug!(n_reports, "delivered batch");
                Ok(Some(n_reports))
            }
            Err(PostError::Refused { status, reason }) => {
                self.refuse(batch, format!("{status}: {reason}")).await?;
                Ok(Some(0))
            }
            Err(error) => Err(ClientError::Post(error)),
        }
    }

    /// Narrows a refused batch down to the report at fault, so that the others still arrive.
    async fn refuse(&self, batch: Batch, reason: String) -> Result<(), ClientError> {
        if batch.positions.len() > 1 {
            return self.with_spool(move |spool| spool.halve(&batch)).await;
        }
        warn!(kind = batch.kind.name(), reason, "host refuses report, put aside as dead letter");
        self.with_spool(move |spool| spool.bury(&batch, &reason)).await
    }

    async fn with_spool<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Spool) -> Result<T, SpoolError> + Send + 'static,
    ) -> Result<T, ClientError> {
        let spool = Arc::clone(&self.spool);
        let done = tokio::task::spawn_blocking(move || work(&spool)).await;
        done.expect("work on the spool does not panic and is not aborted").map_err(ClientError::Spool)
    }

    fn note_success(&self, n_reports: usize) {
        let mut progress = self.progress.lock().unwrap_or_else(PoisonError::into_inner);
        progress.delivered += n_reports as u64;
        progress.failures = 0;
    }

    fn note_failure(&self, error: &ClientError) -> Duration {
        let mut progress = self.progress.lock().unwrap_or_else(PoisonError::into_inner);
        progress.failures = progress.failures.saturating_add(1);
        let asked = if let ClientError::Post(error) = error { error.retry_after() } else { None };
        let wait = self.backoff.wait(progress.failures, asked, chance());
        let error = chain(error);
        warn!(failures = progress.failures, wait_ms = wait.as_millis(), error, "cannot deliver, will retry");
        progress.last_error = Some(error);
        wait
    }
}

fn take(spool: &Spool, limits: BatchLimits) -> Result<Option<(Batch, Vec<u8>)>, SpoolError> {
    let Some(batch) = spool.batch(limits)? else { return Ok(None) };
    let body = spool.body(&batch)?;
    Ok(Some((batch, body)))
}

fn chance() -> u32 {
    let mut bytes = [0; 4];
    // Without randomness there is no jitter, which costs nothing but some bunching.
    let _ = SystemRandom::new().fill(&mut bytes);
    u32::from_le_bytes(bytes)
}

fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

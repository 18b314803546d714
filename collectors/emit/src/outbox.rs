//! Reports on their way: on disk first, to the host as far as the time budget goes.
//!
//! Steps of one machine share a spool; whoever holds its lock delivers for all. Invariant: [`Outbox::leave`] needs no
//! lock, and no call takes longer than the budget and one write to disk.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use weir_protocol::{Client, ClientError, ClientOptions, Key, Spool, SpoolError, SpoolOptions};

use crate::Report;

/// Where reports go, and how long that may take.
#[derive(Debug, Clone)]
pub struct OutboxOptions {
    /// Folder of spools; each host and integration has its own below it.
    pub dir: PathBuf,
    /// Address of the host.
    pub url: String,
    /// Key with the ingest right.
    pub key: Option<Key>,
    /// Integration the reports belong to; none: the host's own choice.
    pub integration: Option<String>,
    /// Longest time spent on delivery.
    pub budget: Duration,
}

/// Why a report could not be kept or sent.
#[derive(Debug, thiserror::Error)]
pub enum OutboxError {
    /// The disk.
    #[error("cannot keep the report")]
    Keep(#[source] SpoolError),
    /// Delivery cannot even be tried.
    #[error("cannot prepare delivery")]
    Prepare(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// What became of the reports.
#[derive(Debug)]
pub enum Delivery {
    /// The host has all of them.
    Done,
    /// Some wait; the next report or `flush` takes them along.
    Waiting {
        /// How many.
        reports: usize,
        /// Why, as far as it is known.
        why: String,
    },
}

/// The way to one host.
#[derive(Debug)]
pub struct Outbox {
    client: ClientOptions,
    budget: Duration,
}

/// Wait for whoever holds the lock.
const LOCK_LOOK: Duration = Duration::from_millis(25);

impl Outbox {
    /// The way to the host of the options.
    pub fn new(options: OutboxOptions) -> Self {
        let OutboxOptions { dir, url, key, integration, budget } = options;
        let target = format!("{url} {}", integration.as_deref().unwrap_or_default());
        let spool = SpoolOptions::new(dir.join(folder(&target)));
        let client = ClientOptions { integration, timeout: budget, ..ClientOptions::new(url, key, spool) };
        Self { client, budget }
    }

    /// Keeps a report for delivery. Durable on return.
    pub fn leave(&self, report: &Report) -> Result<(), OutboxError> {
        Spool::leave(&self.client.spool, report.kind, report.json.as_bytes()).map_err(OutboxError::Keep)
    }

    /// Delivers what waits, for as long as the budget goes.
    pub fn deliver(&self) -> Result<Delivery, OutboxError> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| OutboxError::Prepare(error.into()))?;
        let outcome = runtime.block_on(self.until(Instant::now() + self.budget));
        // A write to disk that is under way must not hold up the step.
        runtime.shutdown_background();
        outcome
    }

    async fn until(&self, deadline: Instant) -> Result<Delivery, OutboxError> {
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let why = match Client::open(self.client.clone()) {
                Ok(client) => match tokio::time::timeout(left, client.drain(1)).await {
                    Ok(Ok(())) => None,
                    Ok(Err(error)) => return Ok(self.waiting(chain(&error))),
                    Err(_) => return Ok(self.waiting("no time left".to_owned())),
                },
                Err(ClientError::Spool(SpoolError::InUse { .. })) => Some("another step delivers"),
                Err(error) => return Err(OutboxError::Prepare(error.into())),
            };
            match (self.waits(), why) {
                (0, None) => return Ok(Delivery::Done),
                // Another step left one while this one delivered.
                (_, None) => {}
                (_, Some(why)) if left.is_zero() => return Ok(self.waiting(why.to_owned())),
                (_, Some(_)) => tokio::time::sleep(LOCK_LOOK.min(left)).await,
            }
        }
    }

    fn waits(&self) -> usize {
        Spool::waiting(&self.client.spool.dir)
    }

    fn waiting(&self, why: String) -> Delivery {
        match self.waits() {
            0 => Delivery::Done,
            reports => Delivery::Waiting { reports, why },
        }
    }
}

fn folder(target: &str) -> String {
    let hash = ring::digest::digest(&ring::digest::SHA256, target.as_bytes());
    hash.as_ref().iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

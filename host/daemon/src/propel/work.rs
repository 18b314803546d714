//! The work of one propel, in a task of its own, so that none waits for another: runs that are due, then the time, then
//! events, in small frames.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures_util::stream::{self, StreamExt};
use uuid::Uuid;
use weir_model::{DomainEvent, Timestamp};
use weir_store::{Put, StateKey};

use super::attempt::{Attempted, attempt, keep, later};
use super::feed::Feed;
use super::pace::Recent;
use super::run::{Cause, Run, RunState, to_json};
use super::{Propel, dead_letters};
use crate::account::Account;
use crate::error::Fault;
use crate::host::Host;
use crate::{clock, state_keys};

/// Most runs of one frame.
const FRAME_RUNS: usize = 64;
/// Longest wait for a wake that was missed.
const IDLE_LOOK: Duration = Duration::from_secs(5);
/// Most runs that wait; then events wait too, and cost nothing.
const WAITING_MAX: usize = 10_000;
/// Most events of a digest, and their bytes: a run must fit into a value of the state.
const DIGEST_MAX: usize = 500;
const DIGEST_BYTES_MAX: usize = 512 << 10;
/// Runs between two looks at how many are remembered.
const PRUNE_EVERY: usize = 500;
/// Most entities whose last run is remembered for the throttle.
const THROTTLED_MAX: usize = 10_000;

/// Remembers where a propel that is new begins. Before anything is taken in, so that it misses nothing of that.
pub async fn begin(account: &Arc<Account>, propel: &Propel) -> Result<(), Fault> {
    let (_, put) = Feed::open(account, &propel.name)?;
    match put {
        Some(put) => keep(account, Vec::new(), vec![put]).await,
        None => Ok(()),
    }
}

/// Works until the host ends.
pub async fn work(host: Arc<Host>, propel: Arc<Propel>) {
    let mut applied = host.account.applied();
    let mut worker = None;
    loop {
        let round = async {
            if worker.is_none() {
                worker = Some(Worker::open(host.account.clone(), propel.clone()).await?);
            }
            match &mut worker {
                Some(worker) => worker.round().await,
                None => Ok(Round::Idle(None)),
            }
        };
        let wait = match round.await {
            Ok(Round::Busy) => Duration::ZERO,
            Ok(Round::Idle(until)) => until.map_or(IDLE_LOOK, |until| IDLE_LOOK.min(span(clock::now(), until))),
            Err(fault) => {
                tracing::error!(propel = propel.name, error = fault.chain(), "events wait for the propel");
                worker = None;
                propel.forget().await;
                IDLE_LOOK
            }
        };
        tokio::select! {
            () = host.stop.cancelled() => return,
            () = tokio::time::sleep(wait) => {}
            () = propel.live.wake.notified() => {}
            changed = applied.changed(), if wait > Duration::ZERO => if changed.is_err() { return },
        }
    }
}

/// Works until nothing is left to do by now; how many runs were tried.
pub async fn drain(account: &Arc<Account>, propel: &Arc<Propel>) -> Result<u64, Fault> {
    let mut worker = Worker::open(account.clone(), propel.clone()).await?;
    while matches!(worker.round().await?, Round::Busy) {}
    Ok(worker.tried)
}

fn span(from: Timestamp, to: Timestamp) -> Duration {
    Duration::from_millis(u64::try_from(to.ms().saturating_sub(from.ms())).unwrap_or(0))
}

/// What a round found.
enum Round {
    /// There may be more.
    Busy,
    /// Nothing, until then at most.
    Idle(Option<Timestamp>),
}

/// Runs that wait.
struct Due {
    /// Keys of those to be tried now.
    runs: Vec<StateKey>,
    /// When the next is due.
    next: Option<Timestamp>,
    /// How many wait, as far as it matters.
    waiting: usize,
}

struct Worker {
    account: Arc<Account>,
    propel: Arc<Propel>,
    feed: Feed,
    recent: Recent,
    /// Last run about an entity, for the throttle.
    last: BTreeMap<String, Timestamp>,
    tried: u64,
    since_pruned: usize,
}

impl Worker {
    async fn open(account: Arc<Account>, propel: Arc<Propel>) -> Result<Self, Fault> {
        begin(&account, &propel).await?;
        let (feed, _) = Feed::open(&account, &propel.name)?;
        let (recent, last) = (Recent::default(), BTreeMap::new());
        Ok(Self { account, propel, feed, recent, last, tried: 0, since_pruned: 0 })
    }

    async fn round(&mut self) -> Result<Round, Fault> {
        let now = clock::now();
        if let Some(until) = self.resting(now) {
            return Ok(Round::Idle(Some(until)));
        }
        let Due { runs, next, waiting } = self.due(now)?;
        let worked = self.again(runs).await? | self.on_time(now).await? | self.gathered(now).await?;
        let worked = (waiting < WAITING_MAX && self.events().await?) | worked;
        if worked {
            return Ok(Round::Busy);
        }
        let schedule = self.propel.trigger.schedule.as_ref().zip(self.last_due()?);
        let on_time = schedule.and_then(|(schedule, last)| schedule.next(last));
        Ok(Round::Idle([next, on_time].into_iter().flatten().min()))
    }

    fn resting(&self, now: Timestamp) -> Option<Timestamp> {
        self.propel.live.health().resting_until.filter(|until| *until > now)
    }

    /// Runs that are due, and when the next is.
    fn due(&self, now: Timestamp) -> Result<Due, Fault> {
        let dues = state_keys::propel_dues(&self.propel.name);
        let waiting = self.account.log.state_first(&dues, WAITING_MAX).map_err(Fault::from_log)?;
        let keys: Vec<StateKey> = waiting.into_iter().map(|(key, _)| key).collect();
        let n_due = keys.iter().take_while(|key| state_keys::time_of(key, 2).is_some_and(|due| due <= now)).count();
        let next = keys.get(n_due).and_then(|key| state_keys::time_of(key, 2));
        let waiting = keys.len();
        Ok(Due { runs: keys.into_iter().take(n_due.min(FRAME_RUNS)).collect(), next, waiting })
    }

    /// Tries the runs behind some keys; a run that is not waiting any more is left alone.
    async fn again(&mut self, keys: Vec<StateKey>) -> Result<bool, Fault> {
        let mut runs = Vec::with_capacity(keys.len());
        for key in &keys {
            let id = key.last_part().and_then(|id| id.parse::<Uuid>().ok()).unwrap_or_default();
            let stored =
                self.account.log.state(&state_keys::propel_run(&self.propel.name, id)).map_err(Fault::from_log)?;
            let run = stored.and_then(|value| serde_json::from_slice::<Run>(&value).ok());
            runs.extend(run.filter(|run| run.state == RunState::Waiting));
        }
        let found = !keys.is_empty();
        self.work_on(runs, keys.into_iter().map(Put::remove).collect()).await?;
        Ok(found)
    }

    /// A run when the time has come. Times that passed while the host was down are one run.
    async fn on_time(&mut self, now: Timestamp) -> Result<bool, Fault> {
        let Some(schedule) = &self.propel.trigger.schedule else { return Ok(false) };
        let key = state_keys::propel_schedule(&self.propel.name);
        let Some(last) = self.last_due()? else {
            keep(&self.account, Vec::new(), vec![Put::set(key, to_json(&now))]).await?;
            return Ok(false);
        };
        let Some(due) = schedule.next(last).filter(|due| *due <= now) else { return Ok(false) };
        let run = Run::new(Uuid::now_v7(), &self.propel.name, Cause::Schedule { due }, now);
        self.work_on(vec![run], vec![Put::set(key, to_json(&now))]).await?;
        Ok(true)
    }

    fn last_due(&self) -> Result<Option<Timestamp>, Fault> {
        let stored =
            self.account.log.state(&state_keys::propel_schedule(&self.propel.name)).map_err(Fault::from_log)?;
        Ok(stored.and_then(|value| serde_json::from_slice(&value).ok()))
    }

    /// One run for the events of a span that is over.
    async fn gathered(&mut self, now: Timestamp) -> Result<bool, Fault> {
        if self.propel.trigger.digest.is_none() {
            return Ok(false);
        }
        let digests = state_keys::propel_digests(&self.propel.name);
        let stored = self.account.log.state_first(&digests, DIGEST_MAX).map_err(Fault::from_log)?;
        let over = |key: &StateKey| state_keys::time_of(key, 2).is_some_and(|end| end <= now);
        let mut bytes = 0;
        let (keys, events): (Vec<StateKey>, Vec<DomainEvent>) = stored
            .into_iter()
            .take_while(|(key, value)| {
                let fits = bytes == 0 || bytes + value.len() <= DIGEST_BYTES_MAX;
                bytes += value.len();
                over(key) && fits
            })
            .filter_map(|(key, value)| Some((key, serde_json::from_slice(&value).ok()?)))
            .unzip();
        if keys.is_empty() {
            return Ok(false);
        }
        let run = Run::new(Uuid::now_v7(), &self.propel.name, Cause::Digest(events), now);
        self.work_on(vec![run], keys.into_iter().map(Put::remove).collect()).await?;
        Ok(true)
    }

    /// The next events.
    async fn events(&mut self) -> Result<bool, Fault> {
        let (account, propel) = (self.account.clone(), self.propel.clone());
        let Some(mut fed) = self.feed.next(&account, &propel, FRAME_RUNS)? else { return Ok(false) };
        let runs = std::mem::take(&mut fed.runs);
        let put = fed.put.clone();
        match propel.trigger.digest {
            Some(every) => {
                let puts = runs.into_iter().filter_map(|run| put_aside(run, every)).chain([put]).collect();
                keep(&account, Vec::new(), puts).await?;
            }
            None => self.work_on(runs, vec![put]).await?,
        }
        self.feed.advance(fed);
        Ok(true)
    }

    /// Tries runs, and keeps what came of them in one frame together with `puts`.
    async fn work_on(&mut self, runs: Vec<Run>, mut puts: Vec<Put>) -> Result<(), Fault> {
        let now = clock::now();
        let mut tried = Vec::with_capacity(runs.len());
        for mut run in runs {
            if self.may_begin(&mut run, now, &mut puts)? {
                tried.push(run);
            } else {
                puts.extend(run.puts());
            }
        }
        let (account, propel) = (&self.account, &self.propel);
        let attempts = stream::iter(tried).map(|run| attempt(account, propel, run));
        let attempts: Vec<Attempted> = attempts.buffered(propel.pace.concurrency.max(1)).collect().await;
        let mut records = Vec::new();
        self.tried += u64::try_from(attempts.len()).unwrap_or(u64::MAX);
        self.since_pruned += attempts.len();
        for Attempted { run, failed, puts: more, records: said, .. } in attempts {
            propel.live.tried(&run, failed, clock::now());
            puts.extend(more);
            records.extend(said);
        }
        keep(account, records, puts).await?;
        propel.live.outbox.notify_one();
        if self.since_pruned >= PRUNE_EVERY {
            self.since_pruned = 0;
            self.prune().await?;
        }
        Ok(())
    }

    /// Whether a run may be tried now; if not, it is put off or skipped.
    fn may_begin(&mut self, run: &mut Run, now: Timestamp, puts: &mut Vec<Put>) -> Result<bool, Fault> {
        if let Some(until) = self.resting(now) {
            run.put_off(until, Some("the propel rests after failures".to_owned()));
            return Ok(false);
        }
        if self.is_throttled(run, now)? {
            run.end(RunState::Skipped, Some("throttled".to_owned()), now);
            return Ok(false);
        }
        let by_hand = matches!(run.cause, Cause::Hand { .. }) || run.repeats.is_some();
        match self.recent.allowed(&self.propel.pace, now) {
            Err((until, reason)) if !by_hand => {
                run.put_off(until, Some(reason.to_owned()));
                return Ok(false);
            }
            _ => {}
        }
        // Only of what begins: what is put off would else be held back by itself.
        puts.extend(self.throttle(run, now));
        Ok(true)
    }

    /// Whether there was a run about the same entity a short while ago. Only first tries are counted.
    fn is_throttled(&self, run: &Run, now: Timestamp) -> Result<bool, Fault> {
        let Some((span, entity)) = self.throttled(run) else { return Ok(false) };
        let key = state_keys::propel_throttle(&self.propel.name, entity);
        let last = if let Some(last) = self.last.get(entity) {
            Some(*last)
        } else {
            let stored = self.account.log.state(&key).map_err(Fault::from_log)?;
            stored.and_then(|value| serde_json::from_slice(&value).ok())
        };
        Ok(last.is_some_and(|last| later(last, span) > now))
    }

    /// Remembers that a run about an entity begins.
    fn throttle(&mut self, run: &Run, now: Timestamp) -> Option<Put> {
        let (_, entity) = self.throttled(run)?;
        let entity = entity.to_owned();
        if self.last.len() >= THROTTLED_MAX {
            self.last.clear();
        }
        let key = state_keys::propel_throttle(&self.propel.name, &entity);
        self.last.insert(entity, now);
        Some(Put::set(key, to_json(&now)))
    }

    /// The span in which there is one run about an entity, and the entity, for a run that this is about.
    fn throttled<'r>(&self, run: &'r Run) -> Option<(Duration, &'r str)> {
        self.propel.trigger.throttle.zip(run.entity.as_deref()).filter(|_| run.attempts == 0)
    }

    /// Forgets the oldest runs that are over, with what became of their actions, and what was given up long ago.
    async fn prune(&self) -> Result<(), Fault> {
        let name = &self.propel.name;
        let prefix = state_keys::propel_runs().with(name);
        let stored = self.account.log.state_under(&prefix).map_err(Fault::from_log)?;
        let surplus = stored.len().saturating_sub(self.propel.pace.keep_runs);
        // Ids sort by time, so the first keys are the oldest runs.
        let runs = stored.iter().take(surplus).filter_map(|(_, value)| serde_json::from_slice::<Run>(value).ok());
        let over = runs.filter(|run| run.state != RunState::Waiting);
        let mut puts: Vec<Put> = over.flat_map(|run| run.forgotten()).collect();
        let letters = self.account.log.state_under(&state_keys::dead_letters().with(name)).map_err(Fault::from_log)?;
        let surplus = letters.len().saturating_sub(dead_letters::KEPT_MAX);
        puts.extend(letters.into_iter().take(surplus).map(|(key, _)| Put::remove(key)));
        keep(&self.account, Vec::new(), puts).await
    }
}

/// The event of a run, kept until the span it fell into is over.
fn put_aside(run: Run, every: Duration) -> Option<Put> {
    let Cause::Event(event) = &run.cause else { return None };
    let every = i64::try_from(every.as_millis()).ok().filter(|every| *every > 0)?;
    let end = Timestamp::from_ms((run.at.ms().div_euclid(every) + 1) * every);
    Some(Put::set(state_keys::propel_digest(&run.propel, end, run.id), to_json(event)))
}

//! A connection as a plugin holds it: waits for the rate budget, tries, tries again, and hands over what came.
//!
//! Several may share one core (pool, credential, budget); each is for one reader, for a validator belongs to the
//! reader that kept the page.

use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use futures_util::future::BoxFuture;
use http::StatusCode;
use tokio::sync::Semaphore;
use tokio::time::Instant;
use url::Origin;
use weir_model::{DurationMs, Timestamp};
use weir_sandbox::{Connection, HttpError, Request, Response};

use super::ConnectionLimits;
use super::auth::Credential;
use super::budget::{self, Budget};
use super::clock::{Clock, Jitter};
use super::exchange::follow;
use super::grant::CompiledGrant;
use super::headers;
use super::plan::Plan;
use super::rate;
use super::secret::{Mask, Secret};
use super::stats::{self, ConnectionStats, Counters};
use super::target::Base;
use super::validators::{Validator, Validators};
use super::wire::{Again, Failed, Received, Wire};

/// Times a tool may turn one request away.
const STOPS_MAX: u32 = 4;
/// First pause before a retry; doubles each time.
const PAUSE_FIRST: Duration = Duration::from_millis(250);
const PAUSE_MAX: Duration = Duration::from_secs(5);

pub(crate) type OriginBudgets = Vec<(Origin, Arc<Budget>)>;

/// What all holders of a connection share.
pub(crate) struct Core {
    pub(crate) name: String,
    pub(crate) kind: String,
    pub(crate) base: Base,
    pub(crate) grant: CompiledGrant,
    pub(crate) credential: Credential,
    pub(crate) budgets: OriginBudgets,
    pub(crate) wire: Wire,
    pub(crate) slots: Semaphore,
    pub(crate) mask: Mask,
    pub(crate) limits: ConnectionLimits,
    pub(crate) counters: Counters,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) jitter: Arc<Jitter>,
}

/// A granted connection.
pub struct HostConnection {
    core: Arc<Core>,
    known: Option<Arc<dyn Validators>>,
    fresh: Mutex<Vec<(String, Validator)>>,
}

impl HostConnection {
    pub(crate) fn new(core: Arc<Core>, known: Option<Arc<dyn Validators>>) -> Self {
        Self { core, known, fresh: Mutex::default() }
    }

    /// The same connection for one reader: sends the validators that reader earned. Without it, and so in full
    /// passes, none are sent; new ones are collected either way.
    #[must_use]
    pub fn with_validators(&self, known: Arc<dyn Validators>) -> Arc<Self> {
        Arc::new(Self::new(self.core.clone(), Some(known)))
    }

    /// The same connection for one reader, with no validators to send.
    #[must_use]
    pub fn without_validators(&self) -> Arc<Self> {
        Arc::new(Self::new(self.core.clone(), None))
    }

    /// Validators that came since the last call, by key. Store them in the commit of the page they came with; drop
    /// them when that page is dropped.
    pub fn take_validators(&self) -> Vec<(String, Validator)> {
        std::mem::take(&mut *self.fresh())
    }

    /// Counters, over all holders of this connection.
    pub fn stats(&self) -> ConnectionStats {
        self.core.counters.read()
    }

    /// The refresh token a tool put in place of the configured one, once; without it a restart begins with a token
    /// that is no longer valid.
    pub fn take_rotated_refresh_token(&self) -> Option<Secret> {
        self.core.credential.token_source().and_then(super::oauth::TokenSource::take_rotated)
    }

    /// Text with every secret of this connection blotted out.
    pub fn masked(&self, text: impl Into<String>) -> String {
        self.core.mask.text(text)
    }

    fn fresh(&self) -> MutexGuard<'_, Vec<(String, Validator)>> {
        self.fresh.lock().expect("nothing panics while it is held")
    }

    async fn exchange(&self, request: Request) -> Result<Response, HttpError> {
        let plan = Plan::new(&self.core, request, self.known.as_deref())?;
        let received = self.core.persist(&plan).await?;
        if received.status == StatusCode::NOT_MODIFIED {
            stats::add(&self.core.counters.not_modified, 1);
        }
        if let Some(key) = plan.validator_key.filter(|_| received.status == StatusCode::OK)
            && let Some(validator) = Validator::of(&received.headers)
        {
            self.fresh().push((key, validator));
        }
        Ok(self.core.shown(received))
    }
}

impl Connection for HostConnection {
    fn name(&self) -> &str {
        &self.core.name
    }

    fn kind(&self) -> &str {
        &self.core.kind
    }

    fn site(&self) -> &str {
        self.core.base.site()
    }

    fn send(&self, request: Request) -> BoxFuture<'_, Result<Response, HttpError>> {
        Box::pin(async move { self.exchange(request).await.map_err(|error| self.core.failed(error)) })
    }
}

/// How far one request has come.
struct Effort {
    deadline: Instant,
    retries: u32,
    stops: u32,
    throttled: Duration,
    refused: Option<Secret>,
}

impl Core {
    /// Tries until there is an answer or no hope for one.
    async fn persist(&self, plan: &Plan) -> Result<Received, HttpError> {
        let _slot = self.slots.acquire().await.map_err(|_| HttpError::Connect("connection is closed".to_owned()))?;
        let deadline = Instant::now() + plan.total_wait;
        let mut effort = Effort { deadline, retries: 0, stops: 0, throttled: Duration::ZERO, refused: None };
        loop {
            self.await_budget(plan, &mut effort).await?;
            let token = self.token(&effort).await?;
            match follow(self, plan, token.as_ref(), effort.deadline).await {
                Ok(received) => {
                    if let Some(answer) = self.judge(plan, received, token, &mut effort).await? {
                        return Ok(answer);
                    }
                }
                Err(failed) => self.pause_after(plan, failed, &mut effort).await?,
            }
        }
    }

    async fn token(&self, effort: &Effort) -> Result<Option<Secret>, HttpError> {
        let Some(source) = self.credential.token_source() else { return Ok(None) };
        source.token(&self.wire, &self.clock, &self.mask, effort.refused.as_ref()).await.map(Some)
    }

    async fn await_budget(&self, plan: &Plan, effort: &mut Effort) -> Result<(), HttpError> {
        let Some(budget) = self.budget(plan) else { return Ok(()) };
        loop {
            let now = self.clock.now();
            let Err(until) = budget.claim(&plan.lane, self.limits.share_percent, now) else { return Ok(()) };
            let wait = budget::wait(until, now);
            if effort.throttled + wait > self.limits.throttle_wait {
                return Err(HttpError::Throttled(Some(wait)));
            }
            let started = Instant::now();
            self.clock.pause(wait).await;
            self.counters.waited(wait);
            effort.throttled += wait;
            effort.deadline += started.elapsed();
        }
    }

    /// The answer, unless it is worth another try.
    async fn judge(
        &self,
        plan: &Plan,
        received: Received,
        token: Option<Secret>,
        effort: &mut Effort,
    ) -> Result<Option<Received>, HttpError> {
        let now = self.clock.now();
        let signal = rate::read(received.status, &received.headers, &received.body, now);
        // A busy server may have carried out what it answers 503 to; a request over a limit was not looked at.
        let is_safe = plan.is_idempotent() || received.status != StatusCode::SERVICE_UNAVAILABLE;
        let is_stopped = signal.stop.is_some() && is_safe;
        if is_stopped {
            effort.stops += 1;
        }
        let earliest = self.earliest(effort.stops, now);
        if let Some(budget) = self.budget(plan) {
            budget.note(&plan.lane, signal, earliest);
        }
        if is_stopped {
            let wait = budget::wait(earliest, now);
            return if effort.stops > STOPS_MAX { Err(HttpError::Throttled(Some(wait))) } else { Ok(None) };
        }
        if received.status == StatusCode::UNAUTHORIZED && token.is_some() && effort.refused.is_none() {
            effort.refused = token;
            return Ok(None);
        }
        let again = is_passing(received.status) && plan.is_idempotent() && self.pause(effort).await;
        Ok((!again).then_some(received))
    }

    async fn pause_after(&self, plan: &Plan, failed: Failed, effort: &mut Effort) -> Result<(), HttpError> {
        let may = match failed.again {
            Again::Never => false,
            Again::IfIdempotent => plan.is_idempotent(),
            Again::Always => true,
        };
        if may && self.pause(effort).await { Ok(()) } else { Err(failed.error) }
    }

    /// Waits before another try; false when none is left, or when it would end after the deadline.
    async fn pause(&self, effort: &mut Effort) -> bool {
        let pause = self.jitter.up_to((PAUSE_FIRST * 2_u32.saturating_pow(effort.retries)).min(PAUSE_MAX));
        if effort.retries >= self.limits.retries_max || Instant::now() + pause >= effort.deadline {
            return false;
        }
        effort.retries += 1;
        stats::add(&self.counters.retries, 1);
        self.clock.pause(pause).await;
        true
    }

    /// Soonest return to a tool that turned a request away: doubling from a second, the upper half left to chance.
    fn earliest(&self, stops: u32, now: Timestamp) -> Timestamp {
        let half = Duration::from_millis(250) * 2_u32.saturating_pow(stops.min(8));
        let wait = half + self.jitter.up_to(half);
        now.plus(DurationMs(u64::try_from(wait.as_millis()).unwrap_or(u64::MAX)))
    }

    fn budget(&self, plan: &Plan) -> Option<&Budget> {
        let origin = plan.url.origin();
        self.budgets.iter().find(|(known, _)| *known == origin).map(|(_, budget)| budget.as_ref())
    }

    /// What the plugin gets to see.
    fn shown(&self, received: Received) -> Response {
        let shown = received.headers.iter().filter(|(name, _)| headers::is_shown(name.as_str()));
        let headers = shown
            .map(|(name, value)| (name.as_str().to_owned(), self.mask.header(value.as_bytes()).into_owned()))
            .collect();
        Response { status: received.status.as_u16(), headers, body: self.mask.body(received.body) }
    }

    /// Counts an error and takes secrets out of its text.
    fn failed(&self, error: HttpError) -> HttpError {
        stats::add(&self.counters.errors, 1);
        let mask = |text: String| self.mask.text(text);
        match error {
            HttpError::Denied(rule) => {
                stats::add(&self.counters.denied, 1);
                let rule = mask(rule);
                tracing::warn!(connection = self.name, rule, "refused a request");
                HttpError::Denied(rule)
            }
            HttpError::Dns(text) => HttpError::Dns(mask(text)),
            HttpError::Connect(text) => HttpError::Connect(mask(text)),
            HttpError::Tls(text) => HttpError::Tls(mask(text)),
            HttpError::Protocol(text) => HttpError::Protocol(mask(text)),
            other @ (HttpError::Timeout | HttpError::TooLarge | HttpError::Throttled(_) | HttpError::Exhausted) => {
                other
            }
        }
    }
}

/// Troubles of a gateway, gone in a moment more often than not.
fn is_passing(status: StatusCode) -> bool {
    matches!(status, StatusCode::BAD_GATEWAY | StatusCode::SERVICE_UNAVAILABLE | StatusCode::GATEWAY_TIMEOUT)
}

//! A loaded plugin and the calls into it. Each call but `step` is a run of its own, in a store of its own.

use std::fmt;
use std::sync::Arc;

use tokio::sync::Semaphore;
use wasmtime::component::InstancePre;

use crate::bindings::{Checkup, Dataset, handler, normalizer, source, webhook};
use crate::connection::Connection;
use crate::context::{Ctx, Purpose};
use crate::error::{CallError, CallErrorKind};
use crate::limits::Limits;
use crate::manifest::Manifest;
use crate::output::{RunLog, cut};
use crate::page::{Job, Reader, lend, within};
use crate::run::{Budget, Run, limited};
use crate::state::{PluginState, State};

/// Datasets of one connector.
const DATASETS_MAX: usize = 256;
/// Missing permissions that are kept.
const MISSING_MAX: usize = 100;
/// Text that is only shown, in bytes.
const SHOWN_BYTES_MAX: usize = 1 << 10;

/// A component, compiled and linked, ready to be instantiated.
pub struct Plugin {
    pub(crate) manifest: Manifest,
    pub(crate) digest: String,
    pub(crate) pre: InstancePre<Ctx>,
    pub(crate) exports: Exports,
    pub(crate) shared: Arc<Shared>,
}

impl fmt::Debug for Plugin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Plugin({} {})", self.manifest.id, self.digest)
    }
}

/// What all plugins of a sandbox share.
pub(crate) struct Shared {
    pub(crate) limits: Arc<Limits>,
    /// Readers live long and calls are short: with one pool for both, idle readers could keep `normalize` waiting.
    pub(crate) readers: Arc<Semaphore>,
    pub(crate) calls: Arc<Semaphore>,
}

/// Where the exports are; none for what the plugin does not export.
pub(crate) struct Exports {
    pub(crate) source: Option<source::GuestIndices>,
    pub(crate) normalizer: Option<normalizer::GuestIndices>,
    pub(crate) webhook: Option<webhook::GuestIndices>,
    pub(crate) handler: Option<handler::GuestIndices>,
}

impl Plugin {
    /// What the plugin says about itself.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// SHA-256 of the component, in hex.
    pub fn digest(&self) -> &str {
        &self.digest
    }

    /// Whether it decodes webhooks.
    pub fn has_webhook(&self) -> bool {
        self.exports.webhook.is_some()
    }

    /// Tries the connection: credentials, reachability, permissions.
    pub async fn check(&self, connection: Arc<dyn Connection>, settings: &str) -> Result<Checkup, CallError> {
        self.check_inner(connection, settings).await.map_err(|kind| self.error("check", kind))
    }

    /// Datasets this connection offers with these settings.
    pub async fn datasets(&self, connection: Arc<dyn Connection>, settings: &str) -> Result<Vec<Dataset>, CallError> {
        self.datasets_inner(connection, settings).await.map_err(|kind| self.error("datasets", kind))
    }

    /// Prepares a reader.
    pub async fn open(
        self: &Arc<Self>,
        connection: Arc<dyn Connection>,
        job: Job,
        state: PluginState,
    ) -> Result<Reader, CallError> {
        self.open_inner(connection, job, state).await.map_err(|kind| self.error("open", kind))
    }

    pub(crate) fn limits(&self) -> &Arc<Limits> {
        &self.shared.limits
    }

    pub(crate) fn error(&self, call: &'static str, kind: CallErrorKind) -> CallError {
        CallError { plugin: self.manifest.id.clone(), call, kind }
    }

    /// A run for one call.
    pub(crate) async fn run(&self, purpose: Purpose, budget: Budget) -> Result<Run, CallErrorKind> {
        self.start(&self.shared.calls, purpose, budget).await
    }

    async fn start(&self, slots: &Arc<Semaphore>, purpose: Purpose, budget: Budget) -> Result<Run, CallErrorKind> {
        Run::start(&self.pre, slots, &self.manifest.id, purpose, self.limits(), budget).await
    }

    fn connected(&self, connection: &dyn Connection, state: PluginState) -> Purpose {
        let state = State::held(state, self.limits().state_bytes_max);
        Purpose { connection: connection.name().to_owned(), state, facts: None, log: RunLog::default() }
    }

    fn check_budget(&self) -> Budget {
        Budget { cpu: self.limits().step_cpu, wall: self.limits().check_wall }
    }

    fn source(&self) -> Result<&source::GuestIndices, CallErrorKind> {
        self.exports.source.as_ref().ok_or_else(|| missing("source"))
    }

    async fn check_inner(&self, connection: Arc<dyn Connection>, settings: &str) -> Result<Checkup, CallErrorKind> {
        let budget = self.check_budget();
        let mut run = self.run(self.connected(&*connection, PluginState::new()), budget).await?;
        let guest = self.source()?.load(&mut run.store, &run.instance).map_err(host)?;
        let handle = run.store.data_mut().grant(connection).map_err(host)?;
        let called = limited(budget, guest.call_check(&mut run.store, lend(&handle), settings)).await;
        run.judge(budget, called)?.map(shorten).map_err(CallErrorKind::said)
    }

    async fn datasets_inner(
        &self,
        connection: Arc<dyn Connection>,
        settings: &str,
    ) -> Result<Vec<Dataset>, CallErrorKind> {
        let budget = self.check_budget();
        let mut run = self.run(self.connected(&*connection, PluginState::new()), budget).await?;
        let guest = self.source()?.load(&mut run.store, &run.instance).map_err(host)?;
        let handle = run.store.data_mut().grant(connection).map_err(host)?;
        let called = limited(budget, guest.call_datasets(&mut run.store, lend(&handle), settings)).await;
        let datasets = run.judge(budget, called)?.map_err(CallErrorKind::said)?;
        within("datasets", datasets.len(), DATASETS_MAX)?;
        datasets.iter().try_for_each(check_dataset)?;
        Ok(datasets)
    }

    async fn open_inner(
        self: &Arc<Self>,
        connection: Arc<dyn Connection>,
        job: Job,
        state: PluginState,
    ) -> Result<Reader, CallErrorKind> {
        let budget = self.check_budget();
        let purpose = self.connected(&*connection, state);
        let mut run = self.start(&self.shared.readers, purpose, budget).await?;
        let guest = self.source()?.load(&mut run.store, &run.instance).map_err(host)?;
        let handle = run.store.data_mut().grant(connection).map_err(host)?;
        let called = limited(budget, guest.call_open(&mut run.store, handle, &job.into_guest())).await;
        let reader = run.judge(budget, called)?.map_err(CallErrorKind::said)?;
        Ok(Reader::new(Arc::clone(self), run, guest, reader))
    }
}

/// Cuts what is only shown.
fn shorten(checkup: Checkup) -> Checkup {
    let short = |text: String| cut(&text, SHOWN_BYTES_MAX).to_owned();
    Checkup {
        tool: short(checkup.tool),
        identity: checkup.identity.map(short),
        missing: checkup.missing.into_iter().take(MISSING_MAX).map(short).collect(),
    }
}

fn check_dataset(dataset: &Dataset) -> Result<(), CallErrorKind> {
    match weir_model::DatasetName::new(dataset.name.as_str()) {
        Ok(_) => Ok(()),
        Err(error) => Err(CallErrorKind::Invalid(error.to_string())),
    }
}

/// A call that the plugin's world does not have.
pub(crate) fn missing(interface: &str) -> CallErrorKind {
    CallErrorKind::Invalid(format!("it does not export `{interface}`"))
}

/// An error of the engine that no guest can bring about.
#[expect(clippy::needless_pass_by_value, reason = "this is how `map_err` gives it")]
pub(crate) fn host(error: wasmtime::Error) -> CallErrorKind {
    CallErrorKind::Host(format!("{error:#}"))
}

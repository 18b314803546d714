//! The host: everything of one process, put together. [`open`] configures without binding, [`run`] binds and serves.

mod background;
mod connections;
mod copies;
mod processing;
mod propels;
mod webhooks;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use schemars::JsonSchema;
use serde::Serialize;
use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;
use weir_model::{EventNumber, HostName, IntegrationName, Timestamp};
use weir_sandbox::{Sandbox, SandboxOptions};
use weir_store::{Commit, DataDir, Keys};

use crate::access::{Principal, Remembered, Sight};
use crate::account::Account;
use crate::collect::{CollectProgress, Collection, Depth, RunRecord, collect};
use crate::config::{Collector, Config, IntegrationConfig};
use crate::egress::{BudgetStatus, Egress, HostConnection};
use crate::error::Fault;
use crate::hex::random_hex;
use crate::lifecycle::{Folder, Inventory, inventory, refuse_if_gone};
use crate::memory;
use crate::normaliser::{Normaliser, Source};
use crate::oidc::Oidc;
use crate::plugins::{PluginFiles, Plugins};
use crate::propel::{Gate, Propel};
use crate::query::{self, Answers, StatusAnswer};
use crate::tables::Tables;

pub(crate) use background::announce;
pub use background::{Running, run};
pub(crate) use connections::{auth, egress, mail_relay, to_central};
pub use processing::Processing;
use webhooks::Deliveries;
pub use webhooks::{Hook, TriggerHook};

/// One host.
pub struct Host {
    /// Its configuration.
    pub config: Config,
    /// The account it collects for.
    pub account: Arc<Account>,
    /// Plugins it can use.
    pub plugins: Arc<Plugins>,
    /// The way out.
    pub egress: Arc<Egress>,
    /// Set when the host is to end.
    pub stop: CancellationToken,
    /// When this process opened its stores.
    pub started_at: Timestamp,
    stuck: Mutex<Option<String>>,
    forwarding_error: Mutex<Option<String>>,
    lifecycle_error: Mutex<Option<String>>,
    /// How often in a row the host paused for what is to be erased, and could not erase it.
    pub(crate) pauses_in_vain: AtomicU32,
    hooks: BTreeMap<IntegrationName, Hook>,
    trigger_hooks: BTreeMap<String, TriggerHook>,
    deliveries: Deliveries,
    own_token: String,
    /// What is remembered of who asks.
    pub(crate) access: Remembered,
    /// Answers that were given and are still true.
    pub(crate) answers: Answers,
    /// Log-ins at a provider; none where none is configured.
    pub(crate) oidc: Option<Oidc>,
    connections: Mutex<BTreeMap<IntegrationName, Arc<HostConnection>>>,
    turns: Mutex<BTreeMap<String, Arc<tokio::sync::Mutex<()>>>>,
    asked_for: Mutex<BTreeMap<IntegrationName, Arc<tokio::sync::Notify>>>,
    propels: tokio::sync::OnceCell<BTreeMap<String, Arc<Propel>>>,
    /// Tables that people keep.
    pub tables: Arc<Tables>,
    progress: Mutex<BTreeMap<IntegrationName, CollectProgress>>,
    backed_up_at: Mutex<Option<Timestamp>>,
    data_dir: DataDir,
}

/// Health of a host.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct HostStatus {
    /// Name of the host.
    pub host: HostName,
    /// Stores and integrations.
    #[serde(flatten)]
    pub health: StatusAnswer,
    /// Rate budgets of the tools.
    pub budgets: Vec<BudgetStatus>,
    /// Why nothing is processed at present, if so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub processing_error: Option<String>,
    /// Why what is to be erased is not erased at present, if so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lifecycle_error: Option<String>,
    /// How forwarding is, when there is a central.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub central: Option<CentralStatus>,
    /// Webhooks: the last delivery and what was refused.
    pub webhooks: Vec<webhooks::HookStatus>,
}

/// How forwarding is.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct CentralStatus {
    /// Where to.
    pub url: String,
    /// Last event central has.
    pub acknowledged: EventNumber,
    /// Last event there is.
    pub last_event: EventNumber,
    /// Why it does not go on, if so.
    pub last_error: Option<String>,
}

impl Host {
    /// Opens the stores and prepares everything, without binding an address or starting a task.
    pub fn open(config: Config) -> Result<Arc<Self>, Fault> {
        memory::give_back_soon();
        let lock = DataDir::lock(&config.host.data_dir).map_err(|error| {
            Fault::config(format!("cannot use the data folder {}", config.host.data_dir.display()))
                .hint("is another Weir running on it? `data_dir` in `[host]` or `--data-dir` names another")
                .caused_by(error)
        })?;
        let data_dir = lock.path().to_owned();
        let lifecycle = Folder::new(&data_dir);
        refuse_if_gone(&lifecycle, &config.host.account)?;
        let locked =
            |error| Fault::host("cannot open the keys").hint("restore data/keys from a backup").caused_by(error);
        let keys = Keys::open_or_create(&lock.keys(), &config.host.account).map_err(locked)?;
        let plugins = Arc::new(plugins(&config, &data_dir, &keys)?);
        let access = Remembered::new(&keys);
        let account = Account::open(&data_dir, config.host.account.clone(), Arc::new(keys), config.context())?;
        declare_data(&config, &account)?;
        let egress = Arc::new(egress()?);
        let hooks = webhooks::hooks(&config)?;
        let trigger_hooks = webhooks::trigger_hooks(&config)?;
        let tables = Arc::new(Tables::new(&config.table)?);
        let oidc = Oidc::new(&config.access, &egress);
        let answers = Answers::new(config.http.answers_bytes_max);
        let own_token = random_hex::<32>()?;
        Ok(Arc::new(Self {
            config,
            account,
            plugins,
            egress,
            stop: CancellationToken::new(),
            started_at: crate::clock::now(),
            stuck: Mutex::default(),
            forwarding_error: Mutex::default(),
            lifecycle_error: Mutex::default(),
            pauses_in_vain: AtomicU32::default(),
            hooks,
            trigger_hooks,
            deliveries: Deliveries::default(),
            own_token,
            access,
            answers,
            oidc,
            connections: Mutex::default(),
            turns: Mutex::default(),
            asked_for: Mutex::default(),
            propels: tokio::sync::OnceCell::new(),
            tables,
            progress: Mutex::default(),
            backed_up_at: Mutex::default(),
            data_dir: lock,
        }))
    }

    /// Which data folder this is.
    pub fn installation(&self) -> Uuid {
        self.data_dir.instance()
    }

    /// Processes what the log holds beyond the watermark. Blocking.
    pub fn catch_up(&self, progress: &mut dyn FnMut(weir_model::Seq)) -> Result<crate::process::Processed, Fault> {
        crate::process::Processor::new(self.account.clone(), self.normaliser()?).catch_up(progress)
    }

    /// A normaliser for a blocking thread.
    pub fn normaliser(&self) -> Result<Normaliser, Fault> {
        let runtime = Handle::try_current().map_err(|error| Fault::host("no runtime").caused_by(error))?;
        Ok(Normaliser::new(self.plugins.clone(), runtime))
    }

    /// Collects an integration now, or when the collection of it that is under way has ended.
    pub async fn collect_now(
        &self,
        name: &IntegrationName,
        depth: Depth,
        progress: &(dyn Fn(&CollectProgress) + Sync),
    ) -> Result<RunRecord, Fault> {
        let integration = self.integration(name)?;
        let turn = self.turn(&format!("collect {name}"));
        let _turn = turn.lock().await;
        let outcome = self.collect_in_turn(integration, depth, progress).await;
        if let Err(fault) = crate::news::collected(self, name, &outcome).await {
            tracing::error!(integration = %name, error = fault.chain(), "nobody is told of a collection");
        }
        outcome
    }

    async fn collect_in_turn(
        &self,
        integration: &IntegrationConfig,
        depth: Depth,
        progress: &(dyn Fn(&CollectProgress) + Sync),
    ) -> Result<RunRecord, Fault> {
        let name = &integration.name;
        if integration.collector == Some(Collector::Git) {
            return crate::git::collect(self, integration, depth).await;
        }
        let collection = self.collection(integration).await?;
        let told = |now: &CollectProgress| {
            self.progress.lock().unwrap_or_else(PoisonError::into_inner).insert(name.clone(), now.clone());
            progress(now);
        };
        let run = collect(&collection, depth, &told).await;
        self.progress.lock().unwrap_or_else(PoisonError::into_inner).remove(name);
        run
    }

    /// How far the collection of an integration is that is under way.
    pub fn progress(&self, name: &IntegrationName) -> Option<CollectProgress> {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner).get(name).cloned()
    }

    /// What a collection of an integration needs.
    pub async fn collection(&self, integration: &IntegrationConfig) -> Result<Collection, Fault> {
        let id = integration.plugin.as_deref().ok_or_else(|| {
            Fault::config(format!("integration `{}` has no connector to poll with", integration.name))
                .hint("its collector runs with `weir run`; `weir ingest DIR --as jenkins-home` reads a home once")
        })?;
        let plugin = self.plugins.get(id).await?;
        let connection = connections::of_integration(self, integration, &plugin)?;
        let source = Source { plugin: Some(id.to_owned()), settings: integration.settings_json() };
        Ok(Collection {
            account: self.account.clone(),
            integration: integration.name.clone(),
            plugin,
            connection,
            source,
        })
    }

    /// The integration called `name`.
    pub fn integration(&self, name: &IntegrationName) -> Result<&IntegrationConfig, Fault> {
        self.config.integration(name).ok_or_else(|| {
            let names = self.config.integration.iter().map(|integration| integration.name.as_str());
            let names = names.collect::<Vec<_>>().join(", ");
            Fault::config(format!("no integration `{name}`")).hint(format!("the configuration has: {names}"))
        })
    }

    /// The propels, ready to run; made once, for what they remember is theirs.
    pub async fn propels(&self) -> Result<&BTreeMap<String, Arc<Propel>>, Fault> {
        self.propels.get_or_try_init(|| propels::of(self)).await
    }

    /// The propel called `name`.
    pub async fn propel(&self, name: &str) -> Result<Arc<Propel>, Fault> {
        let propels = self.propels().await?;
        propels.get(name).cloned().ok_or_else(|| {
            let names: Vec<&str> = propels.keys().map(String::as_str).collect();
            Fault::config(format!("no propel `{name}`")).hint(format!("the configuration has: {}", names.join(", ")))
        })
    }

    /// The same propel, which only writes down what it would do.
    pub async fn dry_propel(&self, name: &str) -> Result<Propel, Fault> {
        propels::dry(self, name).await
    }

    /// How a gate is kept.
    pub fn gate(&self, name: &str) -> Gate {
        let config = self.config.gate.iter().find(|gate| gate.name == name);
        let default = Gate::default();
        config.map_or(default, |gate| Gate {
            deadline: gate.deadline.map_or(default.deadline, |deadline| deadline.0),
            otherwise: gate.otherwise,
        })
    }

    /// How everything is.
    pub fn status(&self) -> Result<HostStatus, Fault> {
        let configured: Vec<_> = self.config.integration.iter().map(|integration| integration.name.clone()).collect();
        let mut health = query::status(&self.account, &configured)?;
        for one in &mut health.integrations {
            let config = self.config.integration.iter().find(|config| config.name.as_str() == one.name);
            let every = config.and_then(crate::collect::interval_of);
            one.standing =
                query::standing(one, every.map(|every| every.as_millis().try_into().unwrap_or(u64::MAX))).to_owned();
        }
        Ok(HostStatus {
            host: self.config.host.name.clone(),
            health,
            budgets: self.egress.budgets(),
            central: self.central_status()?,
            processing_error: self.stuck.lock().unwrap_or_else(PoisonError::into_inner).clone(),
            lifecycle_error: self.lifecycle_error(),
            webhooks: self.deliveries.status(self.hooks.keys()),
        })
    }

    /// How webhooks of an integration are verified.
    pub fn webhook(&self, name: &IntegrationName) -> Option<&Hook> {
        self.hooks.get(name)
    }

    /// How those prove themselves who pull a trigger; none: by an API key.
    pub fn trigger_hook(&self, trigger: &str) -> Option<&TriggerHook> {
        self.trigger_hooks.get(trigger)
    }

    pub(crate) fn note_delivery(&self, name: &IntegrationName) {
        self.deliveries.taken(name);
    }

    pub(crate) fn note_refused(&self, name: &IntegrationName, reason: &str) {
        self.deliveries.refused(name, reason);
    }

    /// Integration of pushes that name none.
    pub fn push_integration(&self) -> IntegrationName {
        IntegrationName::new("push").expect("a constant name is one")
    }

    /// What names this host to those who read its events.
    pub fn uri(&self) -> String {
        format!("weir://{}", self.config.host.name)
    }

    /// What the account consists of, counted. It reads the whole log. Blocking.
    pub fn inventory(&self) -> Result<Inventory, Fault> {
        inventory(&self.account, &self.config.host.data_dir, &self.config.integration, crate::clock::now())
    }

    /// Whether requests from this machine need a key too.
    pub fn keys_required(&self) -> bool {
        self.config.host.keys_required()
    }

    /// Whether a key is the token that this process wrote for commands of the same user.
    pub fn is_own_token(&self, key: &str) -> bool {
        // The token is as long as a hash and random; an early end of the comparison tells nothing useful.
        key == self.own_token
    }

    /// What a principal may see.
    pub fn sight(&self, principal: &Principal) -> Sight {
        Sight::of(principal, &self.account.settings().teams, &self.access.pseudonyms)
    }

    /// The address of the page at which somebody sets a password.
    pub fn link(&self, text: &str) -> String {
        let base = self.config.access.public_url.as_deref().unwrap_or_default().trim_end_matches('/');
        format!("{base}/#/welcome?token={text}")
    }

    /// The token of this process.
    pub(crate) fn own_token(&self) -> &str {
        &self.own_token
    }

    fn central_status(&self) -> Result<Option<CentralStatus>, Fault> {
        let Some(central) = &self.config.central else { return Ok(None) };
        let derived = self.account.derived();
        let last = derived.projection.reader().and_then(|reader| reader.last_event()).map_err(Fault::from_derived)?;
        Ok(Some(CentralStatus {
            url: central.url.clone(),
            acknowledged: crate::forward::acknowledged(&self.account, &central.url)?,
            last_event: last,
            last_error: self.forwarding_error.lock().unwrap_or_else(PoisonError::into_inner).clone(),
        }))
    }

    /// Notes why results are not forwarded, or that they are again.
    pub(crate) fn note_forwarding(&self, error: Option<String>) {
        *self.forwarding_error.lock().unwrap_or_else(PoisonError::into_inner) = error;
    }

    /// Notes why nothing is processed, or that it is again.
    pub(crate) fn note_processing(&self, stuck: Option<String>) {
        *self.stuck.lock().unwrap_or_else(PoisonError::into_inner) = stuck;
    }

    /// Why what is to be erased is not erased at present, if so.
    pub(crate) fn lifecycle_error(&self) -> Option<String> {
        self.lifecycle_error.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Notes why what is to be erased is not, or that nothing is in the way.
    pub(crate) fn note_lifecycle(&self, fault: Option<&Fault>) {
        if let Some(fault) = fault {
            tracing::error!(error = fault.chain(), "what is to be erased cannot be erased now");
        } else {
            self.pauses_in_vain.store(0, Ordering::Relaxed);
        }
        *self.lifecycle_error.lock().unwrap_or_else(PoisonError::into_inner) = fault.map(Fault::told);
    }

    /// Notified when a webhook asks for a collection of an integration.
    pub(crate) fn asked_for(&self, name: &IntegrationName) -> Arc<tokio::sync::Notify> {
        self.asked_for.lock().unwrap_or_else(PoisonError::into_inner).entry(name.clone()).or_default().clone()
    }

    fn open_connections(&self) -> MutexGuard<'_, BTreeMap<IntegrationName, Arc<HostConnection>>> {
        self.connections.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The lock under which something is done that must not be done twice at a time.
    pub(crate) fn turn(&self, what: &str) -> Arc<tokio::sync::Mutex<()>> {
        let mut turns = self.turns.lock().unwrap_or_else(PoisonError::into_inner);
        turns.entry(what.to_owned()).or_default().clone()
    }
}

fn plugins(config: &Config, data_dir: &Path, keys: &Keys) -> Result<Plugins, Fault> {
    let options = SandboxOptions {
        cache_dir: data_dir.join("cache").join("plugins"),
        cache_key: *keys.purpose("plugin-cache"),
        limits: weir_sandbox::Limits::default(),
    };
    let sandbox = Sandbox::new(options).map_err(|error| Fault::host("cannot prepare the sandbox").caused_by(error))?;
    Ok(Plugins::new(sandbox, PluginFiles::of(config)))
}

/// Gives the kinds of custom data the schemas of the configuration.
fn declare_data(config: &Config, account: &Account) -> Result<(), Fault> {
    let mut puts = Vec::new();
    for data in &config.data {
        let file = data.schema.display();
        let schema = crate::ingest::read_file(&data.schema)?;
        let mut schema: serde_json::Value = serde_json::from_slice(&schema)
            .map_err(|error| Fault::config(format!("{file} is no JSON")).caused_by(error).hint("see docs/DATA.md"))?;
        let own = [("unique", json(&data.key)), ("time", json(&data.time)), ("title", json(&data.title))];
        if let Some(schema) = schema.as_object_mut() {
            schema.extend(
                own.into_iter().filter(|(_, value)| !value.is_null()).map(|(name, value)| (name.into(), value)),
            );
        }
        let in_file =
            |fault: Fault| Fault::config(format!("cannot use {file}")).caused_by(fault).hint("see docs/DATA.md");
        puts.extend(crate::ingest::data::declare(&account.log, &data.kind, &schema).map_err(in_file)?.1);
    }
    if !puts.is_empty() {
        let commit = Commit { records: Vec::new(), received_at: crate::clock::now(), puts };
        account.log.append(commit).map_err(Fault::from_log)?;
    }
    Ok(())
}

fn json(value: &impl Serialize) -> serde_json::Value {
    serde_json::to_value(value).unwrap_or_default()
}

/// Where a running host says how to reach it, for commands of the same user.
pub fn presence_file(data_dir: &Path) -> PathBuf {
    data_dir.join("host.json")
}

//! `weir.toml`: what the operator wants. Read once, checked whole, passed down; unknown keys are errors.

mod access;
mod auth;
mod copies;
mod http;
mod intake;
mod interval;
mod metrics;
pub(crate) mod oidc;
mod problem;
mod propel;
mod retention;
mod secret_source;
mod threshold;
mod tls;
mod traces;
mod trust;
mod work;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use weir_model::filter::Vocabulary;
use weir_model::{AccountId, HostName, IntegrationName};
use weir_stages::CorrelationSettings;
use weir_stages::aggregate::{AlignmentCategory, HygieneSettings, MetricSettings, WorkSettings};
use weir_stages::normalise::PushSettings;
use weir_stages::people::{PersonSettings, ServiceSettings, TeamSettings};

use crate::tables::TableConfig;

pub use access::AccessConfig;
pub use auth::AuthConfig;
pub use copies::{BackupConfig, ExportConfig, StoreConfig};
pub use http::HttpConfig;
pub use intake::IntakeConfig;
pub use interval::Interval;
pub use oidc::{OidcConfig, OidcMap};
pub use problem::ConfigError;
pub use propel::{GateConfig, PropelConfig, TriggerConfig};
pub use retention::{DecommissionConfig, ErasureConfig, HoldConfig, Keep, PolicyConfig, RetentionConfig};
pub use secret_source::SecretSource;
pub use threshold::ThresholdConfig;
pub use tls::{CentralTlsConfig, TlsConfig};
pub use traces::TracingConfig;
pub use trust::TrustConfig;

/// The whole file.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// This host.
    #[serde(default)]
    pub host: HostConfig,
    /// Where results go; none: nowhere.
    pub central: Option<CentralConfig>,
    /// How people are known.
    #[serde(default)]
    pub access: AccessConfig,
    /// Whose plugins may be used.
    #[serde(default)]
    pub trust: TrustConfig,
    /// Bounds of what is handed over.
    #[serde(default)]
    pub intake: IntakeConfig,
    /// Bounds of those who ask.
    #[serde(default)]
    pub http: HttpConfig,
    /// How this host proves itself to those who ask; none: it speaks plain HTTP.
    pub tls: Option<TlsConfig>,
    /// Who gathers traces of this host; none: nobody, unless the environment names one.
    pub tracing: Option<TracingConfig>,
    /// Tools to collect from.
    #[serde(default)]
    pub integration: Vec<IntegrationConfig>,
    /// Reactions to events.
    #[serde(default)]
    pub propel: Vec<PropelConfig>,
    /// Files with more teams, services and persons; relative to this one.
    #[serde(default)]
    pub include: Vec<PathBuf>,
    /// Reactions that are written here.
    #[serde(default)]
    pub rule: Vec<PropelConfig>,
    /// Receivers of events.
    #[serde(default)]
    pub subscription: Vec<PropelConfig>,
    /// Gates that propels decide on.
    #[serde(default)]
    pub gate: Vec<GateConfig>,
    /// How those prove themselves who start propels from outside.
    #[serde(default)]
    pub trigger: Vec<TriggerConfig>,
    /// Numbers that are news when they cross a line.
    #[serde(default)]
    pub threshold: Vec<ThresholdConfig>,
    /// Tables that people keep, and propels read and write.
    #[serde(default)]
    pub table: Vec<TableConfig>,
    /// Teams and what belongs to them.
    #[serde(default)]
    pub team: Vec<TeamSettings>,
    /// Services and what they are made of.
    #[serde(default)]
    pub service: Vec<ServiceSettings>,
    /// Names that are one human, or are not.
    #[serde(default)]
    pub person: Vec<PersonSettings>,
    /// What a status of a work item means.
    #[serde(default)]
    pub work: WorkSettings,
    /// How well work items should be kept.
    #[serde(default)]
    pub hygiene: HygieneSettings,
    /// What work goes into, by rank.
    #[serde(default)]
    pub alignment: Vec<AlignmentCategory>,
    /// Searches that are kept under a name.
    #[serde(default)]
    pub search: Vec<SearchConfig>,
    /// Values of variables in filters; a question may give others.
    #[serde(default)]
    pub variables: BTreeMap<String, String>,
    /// Kinds of custom data.
    #[serde(default)]
    pub data: Vec<DataConfig>,
    /// What counts as what.
    #[serde(default)]
    pub metrics: MetricsConfig,
    /// Metrics of the operator's own.
    #[serde(default)]
    pub metric: Vec<MetricSettings>,
    /// How things are found to belong together.
    #[serde(default)]
    pub correlation: CorrelationSettings,
    /// How long things are kept.
    #[serde(default)]
    pub retention: RetentionConfig,
    /// How parts are erased.
    #[serde(default)]
    pub erasure: ErasureConfig,
    /// Ends of accounts.
    #[serde(default)]
    pub decommission: DecommissionConfig,
    /// Copies that are taken by themselves; none: only when asked.
    pub backup: Option<BackupConfig>,
    /// Exports that are written by themselves; none: only when asked.
    pub export: Option<ExportConfig>,
    /// What is kept whatever else says that it goes.
    #[serde(default)]
    pub hold: Vec<HoldConfig>,
    /// SHA-256 of its file, by which a change is noticed; empty when it was read from none.
    #[serde(skip)]
    pub fingerprint: String,
}

/// `[host]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct HostConfig {
    /// Name shown at central.
    pub name: HostName,
    /// Where everything is kept.
    pub data_dir: PathBuf,
    /// Address of API, UI and webhooks.
    pub listen: String,
    /// Folder of plugins; relative to the file. First-party plugins are found without it.
    pub plugins: Option<PathBuf>,
    /// Account of everything this host collects.
    pub account: AccountId,
    /// Whether requests need an API key. Left out: only when `listen` is not a loopback address.
    pub require_keys: Option<bool>,
}

impl HostConfig {
    /// Whether requests from this machine need a key too.
    pub fn keys_required(&self) -> bool {
        let host = self.listen.rsplit_once(':').map_or("", |(host, _)| host);
        let local = matches!(host, "localhost" | "127.0.0.1" | "[::1]");
        self.require_keys.unwrap_or(!local)
    }
}

impl Default for HostConfig {
    fn default() -> Self {
        Self {
            name: HostName::new("weir").expect("a constant name is one"),
            data_dir: PathBuf::from("weir-data"),
            listen: "127.0.0.1:7878".to_owned(),
            plugins: None,
            account: AccountId::new("main").expect("a constant name is one"),
            require_keys: None,
        }
    }
}

/// `[central]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CentralConfig {
    /// Base URL of the central API.
    pub url: String,
    /// Key with the scope `forward`, made at central.
    pub key: SecretSource,
    /// Certificates of both sides, where the usual ones do not do.
    #[serde(default)]
    pub tls: CentralTlsConfig,
    /// What is sent. Events and tiles are derived again at central from the entities.
    #[serde(default = "everything")]
    pub send: Vec<Sent>,
}

/// What a host sends to central.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Sent {
    /// Entities as merged on this host.
    Entities,
    /// Pre-calculated cells.
    Tiles,
    /// Domain events.
    Events,
}

fn everything() -> Vec<Sent> {
    vec![Sent::Entities, Sent::Tiles, Sent::Events]
}

/// `[[integration]]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IntegrationConfig {
    /// Unique name.
    pub name: IntegrationName,
    /// Words that senders use for it: the id it had elsewhere, the id or name of a CI system.
    #[serde(default)]
    pub aliases: Vec<String>,
    /// Connector plugin.
    pub plugin: Option<String>,
    /// Native collector, in place of a plugin.
    pub collector: Option<Collector>,
    /// How often it is polled.
    pub every: Option<Interval>,
    /// When it is polled, as a cron line in UTC; in place of `every`.
    pub cron: Option<String>,
    /// How often everything is read again, so that what was deleted at the tool goes here too. Left out: every 7 days.
    pub full_every: Option<Interval>,
    /// Settings of the plugin or collector.
    #[serde(default)]
    pub settings: toml::Table,
    /// How the tool is reached.
    pub connection: Option<ConnectionConfig>,
    /// How its webhooks are verified.
    pub webhook: Option<WebhookConfig>,
}

/// A collector that is part of the host.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Collector {
    /// Watches a Jenkins home on disk.
    JenkinsHome,
    /// Reads repositories on disk.
    Git,
    /// Fetches nothing: others hand over. Its settings say how to read them.
    Push,
}

/// `[integration.connection]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConnectionConfig {
    /// Base URL. A private address in it is a grant in itself.
    pub url: String,
    /// Whether a name that looks public may lead to a private address, as in most company networks with own names.
    #[serde(default)]
    pub private: bool,
    /// Credential, added by the host and never seen by the plugin.
    #[serde(default)]
    pub auth: AuthConfig,
    /// Of a propel: what is at the other end, as its plugin asks for it: `github`, `slack`. Left out: its name.
    pub kind: Option<String>,
    /// Of mail: who it is from.
    pub from: Option<String>,
    /// Of mail: addresses it is for, and patterns such as `*@example.com` of those it may be for.
    #[serde(default)]
    pub to: Vec<String>,
}

impl ConnectionConfig {
    /// Whether it leads to a mail relay.
    pub fn is_mail(&self) -> bool {
        self.url.starts_with("smtp:") || self.url.starts_with("smtps:")
    }
}

/// `[integration.webhook]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WebhookConfig {
    /// How deliveries are signed: `github`, `gitlab`, `jira`, `bitbucket`, `slack`, `standard-webhooks`, `gogs`,
    /// `hmac-sha256`, `none`.
    pub scheme: String,
    /// Secret shared with the sender.
    pub secret: Option<SecretSource>,
    /// Secret that is being replaced; still accepted.
    pub previous_secret: Option<SecretSource>,
    /// Parts of bodies that are not to be kept, as JSON pointers; `*` stands for every element.
    #[serde(default)]
    pub exclude: Vec<String>,
    /// What the bodies are when no plugin decodes them: `builds`, `commits`, `deployments`, `test-reports`, `cdevents`.
    pub format: Option<String>,
}

/// `[[search]]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SearchConfig {
    /// Unique name, used as `saved:name` in filters.
    pub name: String,
    /// What it finds, in search syntax.
    pub q: String,
    /// What it is for.
    pub description: Option<String>,
}

/// `[[data]]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DataConfig {
    /// Unique name; its entities are of the kind `custom-<kind>`.
    pub kind: String,
    /// File of its schema; relative to the configuration.
    pub schema: PathBuf,
    /// Columns that tell rows apart, in place of the schema's `unique`.
    pub key: Option<Vec<String>>,
    /// Path of the time of a row, in place of the schema's.
    pub time: Option<String>,
    /// Path of the title of a row, in place of the schema's.
    pub title: Option<String>,
}

/// `[metrics]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct MetricsConfig {
    /// Which deployments count, in search syntax.
    pub deployments: Vec<String>,
    /// What is an incident, in search syntax.
    pub incidents: Vec<String>,
    /// Names of machines among the people; globs.
    pub bots: Vec<String>,
    /// Zone of the days, weeks and months numbers are grouped by: `Europe/Berlin`. Left out: UTC.
    pub time_zone: Option<String>,
    /// Days of the week and dates that are no part of the times people take: `saturday`, `2026-12-25`.
    pub days_off: Vec<String>,
    /// Files with more `[[metric]]`; relative to this one.
    pub files: Vec<PathBuf>,
}

impl Default for MetricsConfig {
    fn default() -> Self {
        Self {
            deployments: vec!["environment:production".to_owned()],
            incidents: vec!["kind:incident".to_owned(), "kind:work-item AND type:incident".to_owned()],
            bots: vec!["*[bot]".to_owned(), "renovate*".to_owned(), "dependabot*".to_owned()],
            time_zone: None,
            days_off: Vec::new(),
            files: Vec::new(),
        }
    }
}

impl Config {
    /// Reads and checks a file. Relative paths in it are taken from its folder.
    pub fn read(path: &Path) -> Result<Self, ConfigError> {
        let folder = path.parent().unwrap_or(Path::new("."));
        let mut config: Self = work::read(path)?;
        config.include_from(folder)?;
        config.check()?;
        config.host.data_dir = folder.join(&config.host.data_dir);
        config.host.plugins = config.host.plugins.map(|plugins| folder.join(plugins));
        config.data.iter_mut().for_each(|data| data.schema = folder.join(&data.schema));
        config.secrets().for_each(|secret| secret.lie_in(folder));
        config.tls.iter_mut().for_each(|tls| tls.lie_in(folder));
        config.central.iter_mut().for_each(|central| central.tls.lie_in(folder));
        config.backup.iter_mut().try_for_each(|backup| backup.lie_in(folder, &config.host.data_dir))?;
        config.export.iter_mut().try_for_each(|export| export.lie_in(folder, &config.host.data_dir))?;
        for integration in &mut config.integration {
            for setting in ["home", "repositories"] {
                integration.settings.get_mut(setting).into_iter().for_each(|paths| lie_in(folder, paths));
            }
        }
        for file in &config.metrics.files {
            config.metric.extend(metrics::read(&folder.join(file))?);
        }
        metrics::check(&config.metric, &config.vocabulary())?;
        config.threshold.iter().try_for_each(|threshold| threshold.check(&config))?;
        config.fingerprint = config.fingerprint_of(path);
        Ok(config)
    }

    /// Of the bytes of the file and of those it includes; what cannot be read any more counts as empty.
    fn fingerprint_of(&self, path: &Path) -> String {
        let folder = path.parent().unwrap_or(Path::new("."));
        let included = self.include.iter().chain(&self.metrics.files).map(|file| folder.join(file));
        let files = std::iter::once(path.to_owned()).chain(included);
        let bytes: Vec<u8> = files.flat_map(|file| std::fs::read(file).unwrap_or_default()).collect();
        crate::hex::sha256(&bytes)
    }

    /// Every secret that is named.
    fn secrets(&mut self) -> impl Iterator<Item = &mut SecretSource> {
        let connections = self.integration.iter_mut().flat_map(|integration| {
            let hook =
                integration.webhook.iter_mut().flat_map(|hook| hook.secret.iter_mut().chain(&mut hook.previous_secret));
            hook.chain(integration.connection.iter_mut().filter_map(|connection| connection.auth.secrets()))
        });
        let propels = self.propel.iter_mut().chain(&mut self.rule).chain(&mut self.subscription);
        let propels = propels.flat_map(|propel| propel.connections.values_mut().chain(&mut propel.to));
        let propels = propels.filter_map(|connection| connection.auth.secrets());
        let triggers = self.trigger.iter_mut().flat_map(|one| one.secret.iter_mut().chain(&mut one.previous_secret));
        let own = self.central.iter_mut().map(|central| &mut central.key);
        let oidc = self.access.oidc.iter_mut().filter_map(|oidc| oidc.client_secret.as_mut());
        let export = self.export.iter_mut().flat_map(ExportConfig::secrets);
        let tracing = self.tracing.iter_mut().filter_map(|tracing| tracing.auth.secrets());
        let mail = self.decommission.mail.iter_mut().filter_map(|mail| mail.auth.secrets());
        connections.chain(propels).chain(triggers).chain(own).chain(oidc).chain(export).chain(tracing).chain(mail)
    }

    /// Parses and checks a text; `name` is what errors call it.
    pub fn parse(text: &str, name: &str) -> Result<Self, ConfigError> {
        let config: Self = work::parse(text, name)?;
        config.check()?;
        Ok(config)
    }

    /// The integration called `name`.
    pub fn integration(&self, name: &IntegrationName) -> Option<&IntegrationConfig> {
        self.integration.iter().find(|integration| integration.name == *name)
    }

    fn check(&self) -> Result<(), ConfigError> {
        problem::unique("integration", self.integration.iter().map(|integration| integration.name.as_str()))?;
        problem::unique("alias", self.integration.iter().flat_map(|one| one.aliases.iter().map(String::as_str)))?;
        problem::unique("propel", self.propels().map(|propel| propel.name.as_str()))?;
        problem::unique("threshold", self.threshold.iter().map(|threshold| threshold.name.as_str()))?;
        problem::unique("trigger", self.trigger.iter().map(|trigger| trigger.name.as_str()))?;
        problem::unique("gate", self.gate.iter().map(|gate| gate.name.as_str()))?;
        problem::unique("team", self.team.iter().map(|team| team.name.as_str()))?;
        problem::unique("service", self.service.iter().map(|service| service.name.as_str()))?;
        problem::unique("alignment category", self.alignment.iter().map(|category| category.name.as_str()))?;
        self.integration.iter().try_for_each(IntegrationConfig::check)?;
        self.intake.check()?;
        self.http.check()?;
        self.tracing.iter().try_for_each(TracingConfig::check)?;
        self.central.iter().try_for_each(|central| central.tls.check())?;
        self.access.check()?;
        self.trust.check()?;
        self.retention.check()?;
        self.decommission.check()?;
        problem::unique("data", self.data.iter().map(|data| data.kind.as_str()))?;
        problem::unique("search", self.search.iter().map(|search| search.name.as_str()))?;
        let vocabulary = self.vocabulary();
        self.search.iter().try_for_each(|search| problem::saved(&search.q, &vocabulary))?;
        metrics::check(&self.metric, &vocabulary)?;
        metrics::check_calendar(&self.metrics)?;
        self.propel.iter().try_for_each(|propel| propel.check("propel", &vocabulary))?;
        self.rule.iter().try_for_each(|rule| rule.check("rule", &vocabulary))?;
        self.subscription.iter().try_for_each(|one| one.check("subscription", &vocabulary))?;
        let mut filters = self.metrics.deployments.iter().chain(&self.metrics.incidents);
        filters.try_for_each(|text| problem::filter(text, &vocabulary))?;
        self.check_work()
    }

    /// What every filter of this configuration may name. There is no present: only a search has one.
    pub fn vocabulary(&self) -> Vocabulary {
        let saved = self.search.iter().map(|search| (search.name.clone(), search.q.clone())).collect();
        Vocabulary { saved, variables: self.variables.clone(), now: None, calendar: self.metrics.calendar() }
    }

    /// Plugins, rules and subscriptions that react.
    pub fn propels(&self) -> impl Iterator<Item = &PropelConfig> {
        self.propel.iter().chain(&self.rule).chain(&self.subscription)
    }
}

impl IntegrationConfig {
    fn check(&self) -> Result<(), ConfigError> {
        let wrong = |what: &str, hint: &str| {
            Err(ConfigError::Wrong {
                place: format!("integration `{}`", self.name),
                what: what.into(),
                hint: hint.into(),
            })
        };
        match (&self.plugin, &self.collector) {
            (None, None) if self.webhook.as_ref().is_none_or(|webhook| webhook.format.is_none()) => {
                wrong("names neither a plugin nor a collector", "add `plugin = \"connector-github\"`")
            }
            (Some(_), Some(_)) => wrong("names both a plugin and a collector", "keep one of the two"),
            (Some(_), None) if self.connection.is_none() && self.webhook.is_none() => {
                wrong("has no way to its tool", "add `[integration.connection]` with a `url`")
            }
            (None, Some(Collector::Push)) if self.push_settings().is_err() => {
                wrong("has settings that are none of a push", "they are { duration_unit, cfr_status_failed }")
            }
            _ if self.every.is_some() && self.cron.is_some() => {
                wrong("has both `every` and `cron`", "keep one of the two")
            }
            _ => Ok(()),
        }
    }

    /// Settings as those of a push.
    fn push_settings(&self) -> Result<PushSettings, toml::de::Error> {
        self.settings.clone().try_into()
    }

    /// Settings as the JSON object a plugin is given.
    pub fn settings_json(&self) -> String {
        settings_json(&self.settings)
    }
}

/// Takes relative paths from a folder.
fn lie_in(folder: &Path, paths: &mut toml::Value) {
    match paths {
        toml::Value::String(path) => *path = folder.join(&*path).display().to_string(),
        toml::Value::Array(paths) => paths.iter_mut().for_each(|path| lie_in(folder, path)),
        _ => {}
    }
}

/// A table of settings as the JSON object a plugin is given.
pub fn settings_json(settings: &toml::Table) -> String {
    serde_json::to_string(settings).expect("a TOML table has text keys and finite numbers")
}

#[cfg(test)]
mod tests;

//! Who sends: the integration that what comes belongs to.
//!
//! The first that fits: what the request asks for (`?integration=`); an integration whose name or one of whose `aliases`
//! is a word of the sender for itself; the one a CI system was made known for; the usual one of the endpoint.

use axum::http::{StatusCode, Uri};
use weir_model::{DatasetName, IntegrationName, RawRecord};
use weir_stages::normalise::Format;
use weir_store::Put;

use crate::config::IntegrationConfig;
use crate::error::Fault;
use crate::host::Host;
use crate::http::problem::Problem;
use crate::ingest::keep_all;
use crate::normaliser::Source;
use crate::state_keys;

/// Longest word of a sender for itself, in bytes.
const WORD_BYTES_MAX: usize = 256;
/// Dataset of what was refused. It is kept, and never read.
const REFUSED: &str = "refused";

/// An integration with what normalises its records.
pub(super) struct Sender {
    pub(super) integration: IntegrationName,
    source: Source,
}

/// What a request says about its sender.
pub(super) struct Claim {
    asked: Option<IntegrationName>,
    /// The best first: the id of an integration elsewhere, id and name of a CI system.
    words: Vec<String>,
    usual: &'static str,
}

impl Claim {
    /// A claim by what the address asks for alone.
    pub(super) fn of(uri: &Uri, usual: &'static str) -> Result<Self, Problem> {
        let query = uri.query().unwrap_or_default().as_bytes();
        let asked = url::form_urlencoded::parse(query).find(|(name, _)| name == "integration");
        let asked = asked.map(|(_, value)| IntegrationName::new(value)).transpose();
        let unfit = |error: weir_model::NameError| {
            Problem::new(StatusCode::BAD_REQUEST, error.to_string()).hint("`integration` names one of yours")
        };
        Ok(Self { asked: asked.map_err(unfit)?, words: Vec::new(), usual })
    }

    /// The same with the sender's words for itself.
    pub(super) fn named(mut self, words: impl IntoIterator<Item = Option<String>>) -> Self {
        self.words.extend(words.into_iter().flatten().filter(|word| word.len() <= WORD_BYTES_MAX));
        self
    }

    /// Who it is.
    pub(super) fn sender(&self, host: &Host) -> Result<Sender, Fault> {
        if let Some(asked) = &self.asked {
            return sender(host, asked.clone());
        }
        for word in &self.words {
            if let Some(name) = known(host, word)? {
                return sender(host, name);
            }
        }
        sender(host, IntegrationName::new(self.usual).expect("a constant name is one"))
    }
}

impl Sender {
    /// Dataset of its records of a format.
    pub(super) fn dataset(&self, format: Format) -> DatasetName {
        self.source.dataset_of_push(format)
    }

    /// Keeps what it sent; durable when it returns.
    pub(super) async fn keep(
        &self,
        host: &Host,
        records: Vec<(DatasetName, RawRecord)>,
        puts: Vec<Put>,
    ) -> Result<(), Fault> {
        keep_all(&host.account, &self.integration, &self.source, records, puts).await
    }

    /// Keeps bytes that are refused, so that somebody can look at them.
    pub(super) async fn keep_refused(&self, host: &Host, bytes: &[u8]) -> Result<(), Fault> {
        self.keep(host, vec![(dataset(REFUSED), RawRecord::unreadable(bytes))], Vec::new()).await
    }
}

/// A dataset with a name of ours.
pub(super) fn dataset(name: &'static str) -> DatasetName {
    DatasetName::new(name).expect("a constant name is one")
}

fn sender(host: &Host, integration: IntegrationName) -> Result<Sender, Fault> {
    let source = match host.config.integration(&integration) {
        Some(configured) => Source { plugin: configured.plugin.clone(), settings: configured.settings_json() },
        None => Source::recall(&host.account.log, &integration)?.unwrap_or_else(Source::native),
    };
    Ok(Sender { integration, source })
}

fn known(host: &Host, word: &str) -> Result<Option<IntegrationName>, Fault> {
    let configured = host.config.integration.iter().find(|integration| answers_to(integration, word));
    if let Some(configured) = configured {
        return Ok(Some(configured.name.clone()));
    }
    let made_known = host.account.log.state(&state_keys::instance(word)).map_err(Fault::from_log)?;
    Ok(made_known.and_then(|name| IntegrationName::new(String::from_utf8(name).ok()?).ok()))
}

fn answers_to(integration: &IntegrationConfig, word: &str) -> bool {
    integration.name.as_str() == word || integration.aliases.iter().any(|alias| alias.eq_ignore_ascii_case(word))
}

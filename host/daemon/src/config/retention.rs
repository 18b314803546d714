//! `[retention]` and `[[hold]]`: how long raw records, runs of propels and the audit log are kept, and what is kept
//! whatever else is said.

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};
use weir_model::{EntityKind, IntegrationName};

use super::ConnectionConfig;
use super::problem::ConfigError;
use crate::lifecycle::erasure::How;

/// `[retention]`
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RetentionConfig {
    /// Raw records of integrations that have no policy of their own.
    pub raw: Keep,
    /// Runs of propels that are over.
    pub runs: Keep,
    /// Who did what to what, in the audit log. That something was done is kept for ever.
    pub audit: Keep,
    /// No policy lets anything go sooner.
    pub at_least: Option<Keep>,
    /// Policies of integrations and kinds.
    pub policy: Vec<PolicyConfig>,
}

impl RetentionConfig {
    /// How long raw records of an integration are kept that no policy of a kind lets go before.
    pub fn of(&self, integration: &IntegrationName) -> Keep {
        let policy = |policy: &&PolicyConfig| policy.kind.is_none() && policy.integration.as_ref() == Some(integration);
        self.policy.iter().find(policy).map_or(self.raw, |policy| policy.raw)
    }

    /// A policy that never does anything would only be believed to.
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        let wrong = |what: &str, hint: &str| {
            let place = "`[[retention.policy]]`".to_owned();
            Err(ConfigError::Wrong { place, what: what.to_owned(), hint: hint.to_owned() })
        };
        let classes = [("raw", self.raw), ("runs", self.runs), ("audit", self.audit)];
        let all = classes.into_iter().chain(self.policy.iter().map(|policy| ("raw", policy.raw)));
        if let Some((class, _)) = all.into_iter().find(|(_, keep)| self.at_least.is_some_and(|least| *keep < least)) {
            return Err(ConfigError::Wrong {
                place: format!("`{class}` of `[retention]`"),
                what: "is kept for a shorter time than `at_least`".to_owned(),
                hint: "keep it longer, or lower `at_least`".to_owned(),
            });
        }
        let of_integrations = self.policy.iter().filter(|policy| policy.kind.is_none()).map(|policy| policy.raw);
        let longest = of_integrations.fold(self.raw, Keep::max);
        for policy in &self.policy {
            let others = match (&policy.integration, &policy.kind) {
                (None, None) => return wrong("it names nothing", "say `integration`, `kind` or both"),
                (_, None) => continue,
                (integration, Some(_)) => integration.as_ref().map_or(longest, |name| self.of(name)),
            };
            if policy.raw >= others {
                return wrong(
                    "a kind is not kept longer than all records of its integrations",
                    "keep those longer, and name the kinds that go before",
                );
            }
        }
        Ok(())
    }
}

/// `[[retention.policy]]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PolicyConfig {
    /// Whose raw records; those of all integrations when left out.
    pub integration: Option<IntegrationName>,
    /// Only those that say something about entities of this kind.
    pub kind: Option<EntityKind>,
    /// How long they are kept.
    pub raw: Keep,
}

/// `[erasure]`
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ErasureConfig {
    /// Whether what one person wants to erase waits for another to confirm it.
    pub confirm: bool,
    /// What becomes of records that name a person, where the request does not say.
    pub person: How,
}

/// `[decommission]`
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DecommissionConfig {
    /// The relay that takes the confirmation to the contact. `to` says which contacts may be written to; all when left
    /// out.
    pub mail: Option<ConnectionConfig>,
}

impl DecommissionConfig {
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        match &self.mail {
            Some(mail) if !mail.is_mail() || mail.from.is_none() => Err(ConfigError::Wrong {
                place: "`mail` of `[decommission]`".to_owned(),
                what: "is no relay with a sender".to_owned(),
                hint: "its URL begins with smtps:// or smtp://, and it has `from = \"weir@example.com\"`".to_owned(),
            }),
            _ => Ok(()),
        }
    }
}

/// How long something is kept after it was accepted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Keep {
    /// As many days, at least one.
    Days(u32),
    /// Nothing is dropped.
    #[default]
    Forever,
}

impl<'de> Deserialize<'de> for Keep {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let days = || text.strip_suffix('d')?.parse().ok().filter(|days| *days > 0);
        match text.as_str() {
            "forever" => Ok(Self::Forever),
            _ => days().map(Self::Days).ok_or_else(|| {
                serde::de::Error::custom(format!("`{text}` is no time to keep; write `forever` or `400d`"))
            }),
        }
    }
}

/// `[[hold]]`
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HoldConfig {
    /// What it is called.
    pub name: String,
    /// Whose raw records are held; those of all integrations when left out.
    pub integration: Option<IntegrationName>,
    /// Why.
    pub reason: String,
}

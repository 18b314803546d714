//! Settings of the connector, as in `weir.toml`.

use std::collections::BTreeMap;

use serde::Deserialize;
use weir_sdk::model::entity::{IncidentState, WorkCategory};
use weir_sdk::prelude::*;
use weir_sdk::settings::Since;

/// What to read, and what the words of this instance mean.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// No incident or change request last updated before this.
    pub since: Option<Since>,
    /// Datasets to read. None: all.
    pub datasets: Vec<String>,
    /// Encoded query by dataset.
    pub filters: BTreeMap<String, String>,
    /// Further columns to keep as attributes.
    pub columns: Vec<String>,
    /// What codes of states of incidents mean, before the usual ones.
    pub incident_states: BTreeMap<String, IncidentState>,
    /// What codes of states of change requests mean, before the usual ones.
    pub change_states: BTreeMap<String, WorkCategory>,
    /// Which change requests are deployments. None: none.
    pub deployments: Option<Deployments>,
}

/// Change requests that bring something to an environment.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Deployments {
    /// Where to.
    pub environment: String,
    /// Types of change request that deploy. None: all.
    #[serde(default)]
    pub types: Vec<String>,
}

impl Settings {
    /// The operator's conditions on a dataset. A part that begins a query of its own, or orders it, would undo ours.
    pub(crate) fn filter(&self, dataset: &str) -> Result<Option<&str>, Failure> {
        let Some(filter) = self.filters.get(dataset).map(|filter| filter.trim().trim_matches('^')) else {
            return Ok(None);
        };
        let reserved = ["NQ", "ORDERBY", "GROUPBY", "EQ"];
        if let Some(part) = filter.split('^').find(|part| reserved.iter().any(|word| part.starts_with(word))) {
            let message = format!("the filter of `{dataset}` may only hold conditions, and has `^{part}`");
            return Err(Failure::config("servicenow.settings.filters", message));
        }
        Ok(Some(filter).filter(|filter| !filter.is_empty()))
    }
}

impl Deployments {
    /// Whether a change request of this type deploys.
    pub(crate) fn include(&self, kind: Option<&str>) -> bool {
        self.types.is_empty()
            || kind.is_some_and(|kind| self.types.iter().any(|wanted| wanted.eq_ignore_ascii_case(kind)))
    }
}

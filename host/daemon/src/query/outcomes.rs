//! What became of records that did not simply become entities: ignored, refused, or taken with something left out.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use weir_model::diagnostic::RecordOutcome;
use weir_model::{DatasetName, IntegrationName, Seq, StreamId};

use crate::account::Account;
use crate::error::Fault;

/// Most outcomes of one answer.
const OUTCOMES_MAX: usize = 1_000;

/// Which outcomes.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct OutcomeParams {
    /// Of one integration.
    pub integration: Option<IntegrationName>,
    /// Of one dataset of it.
    pub dataset: Option<DatasetName>,
    /// Most of them, newest first.
    pub limit: Option<usize>,
}

/// What became of one record.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct OutcomeAnswer {
    /// Position of the record in the log.
    pub seq: Seq,
    /// Where it came from.
    pub stream: String,
    /// Its key.
    pub key: String,
    /// `produced` with diagnostics, `rejected` with diagnostics, or `ignored` with a reason.
    #[serde(flatten)]
    pub outcome: RecordOutcome,
}

/// Outcomes, newest first.
pub fn outcomes(account: &Account, params: &OutcomeParams) -> Result<Vec<OutcomeAnswer>, Fault> {
    let derived = account.derived();
    let reader = derived.projection.reader().map_err(Fault::from_derived)?;
    let stream = params.integration.clone().zip(params.dataset.clone());
    let stream = stream.map(|(integration, dataset)| StreamId { integration, dataset });
    let limit = params.limit.unwrap_or(100).min(OUTCOMES_MAX);
    let rows = reader.outcomes(stream.as_ref(), OUTCOMES_MAX).map_err(Fault::from_derived)?;
    let wanted =
        rows.into_iter().filter(|row| params.integration.as_ref().is_none_or(|name| row.stream.integration == *name));
    let answer = wanted.take(limit).map(|row| OutcomeAnswer {
        seq: row.seq,
        stream: row.stream.to_string(),
        key: row.key,
        outcome: row.outcome,
    });
    Ok(answer.collect())
}

//! What a workflow says about its own run beside what its code host reports: artifacts it made, parameters it had.
//!
//! The run is named as a workflow knows it, by repository, workflow and number. Which build that is, is found when the
//! record is applied, and again when builds arrive; until then what is said waits in an entity of its own.

use serde_json::{Map, Value};
use weir_model::entity::{AttributeValue, Build, Custom};
use weir_model::{DiagnosticKind, EntityKind, raw};

use super::fields::Fields;
use super::{Produced, artifacts, params};

/// Kind of the entity that stands for what is said about a run.
pub const ADDITION_KIND: &str = "run-addition";
/// Attribute of it that names the run, as [`run_name`] does.
pub const RUN_ATTRIBUTE: &str = "run.name";
/// Attribute of it that names the attempt, where it is said.
pub const ATTEMPT_ATTRIBUTE: &str = "run.attempt";

/// Fields that must be there.
pub(super) const REQUIRED: [&[&str]; 3] =
    [&["repository"], &["job_run_number", "run_number"], &["job_name", "workflow_name"]];

/// The name by which a run is known outside its system: job and number, "acme/api/ci#42".
pub fn run_name(job: &str, number: u64) -> String {
    format!("{}#{number}", job.to_lowercase())
}

/// The same bytes are the same record; others about the same run are another, for a run may push in several steps.
pub(super) fn record_key(fields: &mut Fields<'_>, payload: &Map<String, Value>) -> Option<String> {
    let payload = Value::Object(payload.clone()).to_string();
    Some(format!("{}/{}", run(fields)?, raw::fingerprint(payload.as_bytes())))
}

pub(super) fn read(fields: &mut Fields<'_>, key: &str) -> Vec<Produced> {
    let Some(run) = run(fields) else {
        fields.note(DiagnosticKind::Missing, "repository, job_run_number or job_name", "");
        return Vec::new();
    };
    let attempt = fields.count(&["run_attempt", "attempt"]);
    if attempt.is_none() {
        fields.note(DiagnosticKind::Missing, "run_attempt", "the newest attempt is taken");
    }
    let all = artifacts::read(fields, &artifacts::Maker { build: &run, branch: None });
    let (made, uses): (Vec<_>, Vec<_>) = all.into_iter().map(|used| (used.produced, used.uses)).unzip();
    let build = Build::default().parameters(params::read(fields)).artifacts(uses.into_iter().flatten());
    let mut addition = Custom::default().title(run.clone());
    addition.attributes.insert(RUN_ATTRIBUTE.to_owned(), AttributeValue::Text(run.clone()));
    let attempt = attempt.map(|attempt| AttributeValue::Integer(attempt.into()));
    addition.attributes.extend(attempt.map(|attempt| (ATTEMPT_ATTRIBUTE.to_owned(), attempt)));
    let mut produced = made;
    produced.push(Produced::new(EntityKind::Build, run, build));
    produced.push(Produced::custom(ADDITION_KIND, key.to_owned(), addition));
    produced
}

fn run(fields: &mut Fields<'_>) -> Option<String> {
    let number = fields.whole(&["job_run_number", "run_number"])?;
    let (repository, workflow) = (fields.text(&["repository"])?, fields.text(&["job_name", "workflow_name"])?);
    Some(run_name(&format!("{}/{workflow}", super::repository_name(&repository)), number))
}

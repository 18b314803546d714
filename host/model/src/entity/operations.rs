//! What runs and who runs it: artifacts, deployments, incidents, persons, and kinds of the operator's own.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::parts::{Environment, Identity, Reference};
use super::words::{ArtifactKind, DeploymentKind, IncidentLinkKind, IncidentState, RunResult, RunState};
use crate::id::ObjectId;
use crate::time::{DurationMs, Timestamp};
entity!(
    /// Something built that can be shipped.
    Artifact {
        /// Sort.
        one kind: ArtifactKind,
        /// Name without version.
        one name: String,
        /// Registry and path it is kept at.
        one location: String,
        /// Version, tag or other qualifier.
        one version: String,
        /// "algorithm:hex", lower case.
        one digest: String,
        /// Package URL (purl), the name artifacts have in `CDEvents`.
        one purl: String,
        /// Page for people.
        one url: String,
        /// Build that made it.
        one build: Reference,
        /// Object ids it was made from.
        list commits: ObjectId,
        /// Made.
        one created_at: Timestamp,
        /// Put where others can take it.
        one published_at: Timestamp,
    }
);

entity!(
    /// One attempt to bring something to one environment.
    Deployment {
        /// Counts from 1; 1 when the tool has no repeats.
        one attempt: u32,
        /// Service or application deployed, as the tool names it.
        one service: String,
        /// Where to.
        one environment: Environment,
        /// What it does.
        one kind: DeploymentKind,
        /// Title as people read it.
        one title: String,
        /// Page for people.
        one url: String,
        /// Where it stands.
        one state: RunState,
        /// How it ended.
        one result: RunResult,
        /// The tool's word for the result.
        one result_word: String,
        /// Version, tag or branch deployed, as the tool says.
        one version: String,
        /// Who asked for it.
        one author: Reference,
        /// Build that carried it out.
        one build: Reference,
        /// Key of the stage that carried it out.
        one stage: String,
        /// Repositories deployed from.
        list repositories: Reference,
        /// Head object ids deployed, one per repository. The host works out what is new.
        list commits: ObjectId,
        /// Artifacts deployed.
        list artifacts: Reference,
        /// Work items the tool itself links, such as a change request.
        list work_items: Reference,
        /// Made only to repair an incident, when the tool says so.
        one unplanned: bool,
        /// Accepted.
        one queued_at: Timestamp,
        /// Begun.
        one started_at: Timestamp,
        /// Over.
        one finished_at: Timestamp,
        /// Time it ran, as the tool says.
        one duration: DurationMs,
    }
);

entity!(
    /// A failure of a running service.
    Incident {
        /// Handle as people write it: "INC0010001".
        one handle: String,
        /// Page for people.
        one url: String,
        /// Title.
        one title: String,
        /// Description.
        one description: String,
        /// Services hit, as the tool names them.
        list services: String,
        /// Where it happened.
        one environment: Environment,
        /// Where it stands.
        one state: IncidentState,
        /// The tool's word for the state.
        one state_word: String,
        /// Severity, the tool's word.
        one severity: String,
        /// Priority, the tool's word.
        one priority: String,
        /// Urgency, the tool's word.
        one urgency: String,
        /// Who or what reported it.
        one creator: Reference,
        /// Who works on it.
        list assignees: Reference,
        /// Work item it is also kept as.
        one work_item: Reference,
        /// Deployments stated to have to do with it.
        list deployments: IncidentLink,
        /// Harm began.
        one started_at: Timestamp,
        /// Noticed or reported.
        one detected_at: Timestamp,
        /// Taken by somebody.
        one acknowledged_at: Timestamp,
        /// Harm ended.
        one resolved_at: Timestamp,
        /// Nothing left to do.
        one closed_at: Timestamp,
        /// Last changed upstream.
        one updated_at: Timestamp,
    }
);

entity!(
    /// An identity in one tool. The host decides which of them are the same human.
    Person {
        /// Name as people read it.
        one name: String,
        /// Login.
        one login: String,
        /// E-mail addresses, lower case.
        list emails: String,
        /// A machine, not a human.
        one bot: bool,
        /// May still log in.
        one active: bool,
        /// Organisation.
        one organisation: String,
        /// Teams, as the tool names them.
        list teams: String,
        /// Person they report to.
        one manager: Reference,
        /// Page for people.
        one url: String,
        /// Created upstream.
        one created_at: Timestamp,
    }
);

entity!(
    /// A thing of a kind this version has no record for. Stored, searched and erased like any other entity; no metric reads it.
    Custom {
        /// Title as people read it.
        one title: String,
        /// Page for people.
        one url: String,
        /// When it happened or was measured.
        one at: Timestamp,
        /// All of it as it was sent, nested as it is. Can be searched as `data.<path>`.
        one data: Value,
    }
);

/// Stated link between an incident and a deployment. Links found by rule are the host's and carry a confidence of their own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct IncidentLink {
    /// Which deployment.
    pub deployment: Reference,
    /// What it had to do with it.
    pub kind: IncidentLinkKind,
}

impl Identity for IncidentLink {
    type Id = (Reference, IncidentLinkKind);

    fn identity(&self) -> Self::Id {
        (self.deployment.clone(), self.kind.clone())
    }
}

//! What is to go because its time is over, as the policies of the configuration say.

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::json;
use uuid::Uuid;
use weir_model::{EntityId, IntegrationName, Timestamp};
use weir_store::{Commit, Put};

use super::select::{Meaning, select};
use super::{Erasure, Scope, Selected, Stage, ToErase, ask};
use crate::audit::{self, Actor, AuditParams, Note};
use crate::config::{HoldConfig, Keep};
use crate::error::Fault;
use crate::host::Host;
use crate::propel::{Run, over_before};
use crate::{clock, state_keys};

/// Milliseconds of a day.
const DAY_MS: i64 = 86_400_000;
/// Days between two looks of a host by itself, above which its clock may be the reason and not the time.
const DAYS_BETWEEN_MAX: i64 = 7;

/// Action of the audit log.
const RUN: &str = "retention.run";

/// What was let go.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Retired {
    /// Of raw records; none when there is nothing.
    pub erasure: Option<Erasure>,
    /// Runs of propels that are forgotten.
    pub runs: usize,
    /// Entries of the audit log that say no more who did it.
    pub audit: usize,
}

/// The instant before which a thing's time is over.
fn before(keep: Keep) -> Option<Timestamp> {
    match keep {
        Keep::Forever => None,
        Keep::Days(days) => Some(Timestamp::from_ms(clock::now().ms() - i64::from(days) * DAY_MS)),
    }
}

/// What the policies say is to go of the raw records, by now.
fn retention(host: &Host) -> Result<Vec<Scope>, Fault> {
    let settings = &host.config.retention;
    let known = host.account.log.state_under(&state_keys::integrations()).map_err(Fault::from_log)?;
    let known = known.into_iter().filter_map(|(key, _)| IntegrationName::new(key.last_part()?).ok());
    let of_all = known.filter_map(|name: IntegrationName| {
        let before = before(settings.of(&name))?;
        Some(Scope { integration: Some(name), before: Some(before), ..Scope::default() })
    });
    let of_kinds = settings.policy.iter().filter(|policy| policy.kind.is_some()).filter_map(|policy| {
        let before = before(policy.raw)?;
        let (integration, kind) = (policy.integration.clone(), policy.kind.clone());
        Some(Scope { integration, kind, before: Some(before), ..Scope::default() })
    });
    Ok(of_all.chain(of_kinds).collect())
}

/// The same, and what it comes to.
fn due(host: &Host) -> Result<(Vec<Scope>, Selected), Fault> {
    let scopes = retention(host)?;
    if scopes.is_empty() {
        return Ok((scopes, Selected::default()));
    }
    let selected =
        select(&host.account, Meaning { scopes: &scopes, holds: &host.config.hold, up_to: None, pseudonym: None })?;
    Ok((scopes, selected))
}

/// Runs whose time is over and that are not about what is held.
fn runs_due(host: &Host) -> Result<Vec<Run>, Fault> {
    let Some(before) = before(host.config.retention.runs) else { return Ok(Vec::new()) };
    let is_held = |run: &Run| host.config.hold.iter().any(|hold| holds_run(hold, run));
    Ok(over_before(&host.account, before)?.into_iter().filter(|run| !is_held(run)).collect())
}

fn holds_run(hold: &HoldConfig, run: &Run) -> bool {
    let about = run.entity.as_ref().and_then(|id| id.parse::<EntityId>().ok()).and_then(|id| id.integration);
    hold.integration.as_ref().is_none_or(|held| about.as_ref() == Some(held))
}

/// What policies would let go.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "RetentionPreview")]
pub struct Preview {
    /// What they say is to go of the raw records.
    pub policies: Vec<Scope>,
    /// What keeps records that policies would let go.
    pub holds: Vec<HoldConfig>,
    /// What both come to.
    pub selected: Selected,
    /// Runs of propels; none where they are kept for good.
    pub runs: Option<usize>,
    /// Entries of the audit log that would say no more who did it; none where they are kept for good.
    pub audit: Option<usize>,
}

/// The instant before which the audit log tells no more who did something; none while everything is held.
fn audit_before(host: &Host) -> Option<Timestamp> {
    let is_held = host.config.hold.iter().any(|hold| hold.integration.is_none());
    before(host.config.retention.audit).filter(|_| !is_held)
}

/// What the policies and holds of the configuration are, and what is to go by now.
pub fn preview(host: &Host) -> Result<Preview, Fault> {
    let (policies, selected) = due(host)?;
    let audit = audit_before(host).map(|before| host.account.audit.older(&host.account.id, before)).transpose()?;
    let runs = before(host.config.retention.runs).map(|_| runs_due(host)).transpose()?.map(|runs| runs.len());
    Ok(Preview { policies, holds: host.config.hold.clone(), selected, runs, audit })
}

/// Lets go what the policies say, as a host does by itself day by day. What was let go does not come back, so that a
/// clock that went far ahead since the last time is not believed before somebody has looked at it and does it by hand.
pub fn retire_by_itself(host: &Host) -> Result<(), Fault> {
    let params = AuditParams {
        account: Some(host.account.id.clone()),
        action: Some(RUN.to_owned()),
        limit: Some(1),
        ..AuditParams::default()
    };
    let last = audit::list(&audit::folder(&host.config.host.data_dir), &params)?.entries.into_iter().next();
    let days = last.map_or(0, |last| (clock::now().ms() - last.at.ms()) / DAY_MS);
    if days > DAYS_BETWEEN_MAX {
        return Err(Fault::host(format!("the clock is {days} days ahead of when records were let go last"))
            .hint("if the clock is right, `weir retention run` lets go what its time is over for"));
    }
    retire(host, &Actor::host("retention")).map(drop)
}

/// Lets go what the policies say is to go. Nobody has to confirm it: the policies are what was agreed. The erasure of
/// raw records is asked for; the rest goes at once.
pub fn retire(host: &Host, by: &Actor) -> Result<Retired, Fault> {
    let (scopes, selected) = due(host)?;
    let runs = runs_due(host)?;
    let nothing = selected.selected == 0 && runs.is_empty();
    let note = Note::new(RUN).by(by);
    let told = json!({ "policies": scopes.len(), "runs": runs.len(), "nothing": nothing });
    host.account.audit.note(&host.account.id, note.after(told))?;
    if !runs.is_empty() {
        let puts: Vec<Put> = runs.iter().flat_map(Run::forgotten).collect();
        let commit = Commit { records: Vec::new(), received_at: clock::now(), puts };
        host.account.log.append(commit).map_err(Fault::from_log)?;
    }
    let audit = audit_before(host).map(|before| host.account.audit.retire(&host.account.id, before)).transpose()?;
    let erasure = if selected.selected == 0 {
        None
    } else {
        let asked = ToErase { scopes, reason: Some("retention".to_owned()), ..ToErase::default() };
        let one = Erasure::new(host, Uuid::new_v4(), asked, Stage::Requested, by)?;
        Some(ask(host, Erasure { records: selected, is_policy: true, ..one }, by)?)
    };
    Ok(Retired { erasure, runs: runs.len(), audit: audit.unwrap_or_default() })
}

/// Whether there is a policy at all.
pub fn has_policy(host: &Host) -> Result<bool, Fault> {
    let settings = &host.config.retention;
    Ok([settings.runs, settings.audit].iter().any(|keep| *keep != Keep::Forever) || !retention(host)?.is_empty())
}

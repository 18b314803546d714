//! What is to go because its time is over, as the policies of the configuration say.

use serde_json::{Value, json};
use weir_model::{IntegrationName, Timestamp};

use super::select::select;
use super::{Erasure, Scope, Selected, Stage, ToErase, ask};
use crate::audit::{Actor, Note};
use crate::config::Keep;
use crate::error::Fault;
use crate::host::Host;
use crate::{clock, state_keys};

/// Milliseconds of a day.
const DAY_MS: i64 = 86_400_000;

/// What the policies say is to go, by now.
pub fn retention(host: &Host) -> Result<Vec<Scope>, Fault> {
    let (settings, now) = (&host.config.retention, clock::now());
    let before = |keep: Keep| match keep {
        Keep::Forever => None,
        Keep::Days(days) => Some(Timestamp::from_ms(now.ms() - i64::from(days) * DAY_MS)),
    };
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
    let selected = select(&host.account, &scopes, &host.config.hold)?;
    Ok((scopes, selected))
}

/// What the policies and holds of the configuration are, and what is to go by now.
pub fn preview(host: &Host) -> Result<Value, Fault> {
    let (scopes, selected) = due(host)?;
    let holds = host.config.hold.iter();
    let holds = holds.map(|hold| json!({ "name": hold.name, "integration": hold.integration, "reason": hold.reason }));
    Ok(json!({ "policies": scopes, "holds": holds.collect::<Vec<_>>(), "selected": selected }))
}

/// Asks for the erasure of what the policies say is to go; none when there is nothing. Nobody has to confirm it: the
/// policies are what was agreed.
pub fn retire(host: &Host, by: &Actor) -> Result<Option<Erasure>, Fault> {
    let (scopes, selected) = due(host)?;
    let nothing = selected.selected == 0;
    let note = Note::new("retention.run").by(by);
    host.account.audit.note(&host.account.id, note.after(json!({ "policies": scopes.len(), "nothing": nothing })))?;
    if nothing {
        return Ok(None);
    }
    let asked = ToErase { scopes, dry_run: false, reason: Some("retention".to_owned()) };
    ask(host, asked, selected, Stage::Requested, by).map(Some)
}

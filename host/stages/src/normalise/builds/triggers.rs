//! Why a build ran.

use weir_model::Reference;
use weir_model::entity::{Trigger, TriggerKind};

use super::super::fields::Fields;

/// Deepest chain of upstream runs that is read.
const DEPTH_MAX: usize = 64;
/// Most triggers of one build.
const TRIGGERS_MAX: usize = 256;
/// What tools write where nobody is meant.
const NOBODY: [&str; 6] = ["SCMTrigger", "SYSTEM", "system", "anonymous", "unknown", "timer"];

/// The chain of causes, direct ones first; else the causes; else the user.
pub(super) fn read(fields: &mut Fields<'_>) -> Vec<Trigger> {
    let user = fields.text(&["user_id", "triggered_by"]);
    let mut triggers = Vec::new();
    let causes = if fields.has("trigger_chain") { "trigger_chain" } else { "causes" };
    fields.each(&[causes], |cause| chain(cause, None, 0, &mut triggers));
    if triggers.is_empty() {
        triggers.extend(user.as_deref().map(of_user));
    }
    if let (Some(user), Some(first)) = (user.filter(|user| is_person(user)), triggers.first_mut())
        && first.person.is_none()
        && first.kind == TriggerKind::Manual
    {
        first.person = Some(Reference::Name(user));
    }
    triggers
}

fn chain(cause: &mut Fields<'_>, led_to: Option<u32>, depth: usize, triggers: &mut Vec<Trigger>) {
    if depth >= DEPTH_MAX || triggers.len() >= TRIGGERS_MAX {
        return;
    }
    let name = cause.text(&["type"]).unwrap_or_default();
    let kind = kind(&name);
    let person = cause.text(&["id", "user_id"]).or_else(|| cause.within("fields", |f| f.text(&["user_id"])).flatten());
    let person = person.filter(|person| kind == TriggerKind::Manual && is_person(person));
    let text = match (cause.text(&["id"]), cause.text(&["job_run_number"])) {
        (Some(job), Some(number)) => Some(format!("{job} #{number}")),
        (id, _) => cause.text(&["short_description"]).or(id),
    };
    let index = u32::try_from(triggers.len()).ok();
    triggers.push(Trigger { kind, text, person: person.map(Reference::Name), build: None, led_to });
    cause.each(&["direct_parents"], |parent| chain(parent, index, depth + 1, triggers));
}

fn of_user(user: &str) -> Trigger {
    let kind = match user {
        "SCMTrigger" => TriggerKind::Push,
        "timer" | "SYSTEM" | "system" => TriggerKind::Unknown(user.to_owned()),
        _ => TriggerKind::Manual,
    };
    let person = is_person(user).then(|| Reference::Name(user.to_owned()));
    Trigger { kind, text: None, person, build: None, led_to: None }
}

fn is_person(user: &str) -> bool {
    !NOBODY.contains(&user)
}

/// What a class of causes of Jenkins means.
pub(in super::super) fn kind(name: &str) -> TriggerKind {
    match name {
        "UserIdCause" | "UserCause" => TriggerKind::Manual,
        "TimerTriggerCause" => TriggerKind::Schedule,
        "SCMTriggerCause" | "GitHubPushCause" | "BitbucketPushCause" | "GitLabWebHookCause" | "BranchEventCause" => {
            TriggerKind::Push
        }
        "GitHubPullRequestCause" | "GhprbCause" | "GitHubPRCause" => TriggerKind::Change,
        "UpstreamCause" | "BuildUpstreamCause" => TriggerKind::Upstream,
        "RemoteCause" => TriggerKind::Api,
        "ReplayCause" | "RebuildCause" | "NaginatorCause" => TriggerKind::Rerun,
        other => TriggerKind::from_word(other),
    }
}

//! Why a build ran.

use serde::Deserialize;
use weir_sdk::model::entity::{Trigger, TriggerKind};
use weir_sdk::prelude::*;

use super::simple_name;
use crate::origin::build_key;
use crate::settings::Settings;

/// What Jenkins writes where nobody is meant.
const NOBODY: [&str; 5] = ["SCMTrigger", "SYSTEM", "anonymous", "unknown", "timer"];

/// A cause of a build, or of its end.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct CauseJson<'a> {
    #[serde(rename = "_class", borrow)]
    class: Text<'a>,
    #[serde(borrow)]
    short_description: Text<'a>,
    #[serde(borrow)]
    user_id: Text<'a>,
    #[serde(borrow)]
    user_name: Text<'a>,
    #[serde(borrow)]
    upstream_project: Text<'a>,
    upstream_build: Field<u64>,
}

impl CauseJson<'_> {
    /// Whether it is a time limit that ended the build.
    pub(super) fn is_timeout(&self) -> bool {
        self.class.quietly().is_some_and(|class| simple_name(class).contains("Timeout"))
    }
}

/// A cause as one link of the chain; Jenkins tells only the last of them.
pub(super) fn trigger(raw: &Raw<'_>, json: CauseJson<'_>, settings: &Settings) -> Trigger {
    let class = raw.take("/actions/causes/_class", json.class);
    let upstream = raw.text("/actions/causes/upstreamProject", json.upstream_project);
    let number = raw.take("/actions/causes/upstreamBuild", json.upstream_build);
    let user = raw.filled("/actions/causes/userId", json.user_id);
    let user = user.or_else(|| raw.filled("/actions/causes/userName", json.user_name));
    let text = raw.filled("/actions/causes/shortDescription", json.short_description);
    let kind = match class.as_deref().map(simple_name) {
        // Pushes, and all that happens to change requests.
        Some("BranchEventCause") if text.as_deref().is_some_and(is_of_change) => TriggerKind::Change,
        Some(name) => kind(name),
        // Jenkins before 2.0 does not say what a cause is.
        None if upstream.is_some() => TriggerKind::Upstream,
        None if user.is_some() => TriggerKind::Manual,
        None => TriggerKind::Unknown("cause".to_owned()),
    };
    let build = upstream.zip(number).map(|(job, number)| Reference::Key(build_key(settings, &job, number)));
    let person = user.filter(|user| kind == TriggerKind::Manual && !NOBODY.contains(&user.as_str()));
    Trigger { kind, text, person: person.map(Reference::Name), build, led_to: None }
}

/// "Pull request #2 opened", "Merge request !7 updated".
fn is_of_change(text: &str) -> bool {
    text.starts_with("Pull request ") || text.starts_with("Merge request ")
}

fn kind(name: &str) -> TriggerKind {
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

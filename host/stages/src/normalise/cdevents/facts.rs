//! What events do not say in their content and senders put into `customData`: Weir's own `customData.weir`, and the
//! objects of the Jenkins plugin.
//!
//! The Jenkins plugin loses facts on the way to the content: UNSTABLE becomes a success, ABORTED a failure, FAILURE an
//! error, and URLs are relative. Its own words, beside the content, are preferred.

use weir_model::entity::{Checkout, Parameter};
use weir_model::{DurationMs, ObjectId, Reference, Timestamp};

use super::super::fields::Fields;
use super::super::names::{plain_branch, without_credentials};
use super::super::params;
use super::event::Event;

/// What the Jenkins plugin writes for every block that ended well.
const NO_ERROR: &str = "Unable to get Display Name of the Node Error.";

/// Facts about a run.
#[derive(Debug, Default)]
pub(super) struct Facts {
    pub(super) job: Option<String>,
    pub(super) number: Option<u64>,
    pub(super) attempt: Option<u32>,
    pub(super) url: Option<String>,
    /// The tool's word for the result.
    pub(super) word: Option<String>,
    pub(super) checkout: Checkout,
    pub(super) parameters: Vec<Parameter>,
    pub(super) queued_at: Option<Timestamp>,
    /// None while it is under way.
    pub(super) duration: Option<DurationMs>,
}

impl Facts {
    /// Reads them.
    pub(super) fn of(event: &mut Event<'_>) -> Self {
        let custom = &mut event.custom;
        let own = custom.within("weir", own);
        own.or_else(|| jenkins(custom)).unwrap_or_default()
    }

    /// Commits and repositories, for what has no checkouts.
    pub(super) fn commit(&self) -> Option<ObjectId> {
        self.checkout.commit.clone()
    }
}

fn own(weir: &mut Fields<'_>) -> Facts {
    Facts {
        number: weir.whole(&["number"]),
        attempt: weir.count(&["attempt"]),
        word: weir.text(&["result_word"]),
        checkout: checkout(weir),
        parameters: params::read(weir),
        queued_at: weir.time(&["queued_at"]),
        ..Facts::default()
    }
}

fn checkout(fields: &mut Fields<'_>) -> Checkout {
    Checkout {
        repository: fields.text(&["repository", "url"]).map(|url| Reference::Name(without_credentials(&url))),
        branch: fields.text(&["branch"]).map(|branch| plain_branch(&branch).to_owned()),
        commit: fields.text(&["revision", "commit"]).and_then(|id| ObjectId::new(&id)),
        ..Checkout::default()
    }
}

fn jenkins(custom: &mut Fields<'_>) -> Option<Facts> {
    let job = custom.text(&["url"]).and_then(|url| job(&url));
    let facts = custom.within("build", |build| Facts {
        number: build.whole(&["number"]),
        url: build.text(&["fullUrl"]),
        word: build.text(&["status"]),
        checkout: build.within("scmState", checkout).unwrap_or_default(),
        parameters: params::read(build),
        duration: build.milliseconds(&["duration"]).filter(|duration| duration.0 > 0),
        ..Facts::default()
    })?;
    Some(Facts { job, ..facts })
}

/// "Folder/api/main" of "job/Folder/job/api/job/main/".
fn job(url: &str) -> Option<String> {
    let (_, path) = url.split_once("job/")?;
    let path = path.trim_end_matches('/').replace("/job/", "/");
    Some(percent_encoding::percent_decode_str(&path).decode_utf8_lossy().into_owned())
}

/// Whether the event is about an item of the queue of Jenkins. It has a number of its own, which no event of the run
/// repeats, so that nothing can be said about the run.
pub(super) fn is_queue_item(event: &mut Event<'_>) -> bool {
    event.kind.name == "pipelinerun.queued"
        && event.custom.has("causes")
        && event.custom.text(&["id"]).as_deref() == Some(&event.subject)
}

/// Id, name and whether its outcome means anything, of a block of a Jenkins pipeline: what the event is said to be
/// about is the run.
pub(super) fn jenkins_block(event: &mut Event<'_>) -> Option<(String, String)> {
    let name = event.custom.text(&["stageName"])?;
    let url = event.custom.text(&["stageNodeUrl"]);
    Some((url.unwrap_or_else(|| name.clone()), name))
}

/// Whether the outcome of a Jenkins block is made up: a block without an error is reported as one.
pub(super) fn is_made_up(errors: Option<&str>) -> bool {
    errors == Some(NO_ERROR)
}

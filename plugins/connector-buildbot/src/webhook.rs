//! What the reporter `HttpStatusPush` sends, by default or with steps: a build, with its builder, request and set in it.

use serde::Deserialize;
use serde_json::value::RawValue;
use weir_sdk::prelude::*;

use crate::context::{BuildRequest, Builder, Buildset, Context, Site};
use crate::requests::Head;
use crate::settings::Settings;

/// The parts of a push that matter.
#[derive(Deserialize)]
struct Pushed<'a> {
    builder: Option<Builder>,
    buildrequest: Option<BuildRequest>,
    buildset: Option<Buildset>,
    url: Option<String>,
    #[serde(default, borrow)]
    steps: Option<Vec<&'a RawValue>>,
}

pub(crate) fn decode(settings: &Settings, delivery: &Delivery) -> Result<Decoded, Failure> {
    let text = std::str::from_utf8(&delivery.body).map_err(|error| unreadable(&error))?;
    if !text.trim_start().starts_with('{') {
        return Err(unreadable(&"it is no object"));
    }
    let head: Head = serde_json::from_str(text).map_err(|error| unreadable(&error))?;
    // Reports about requests and workers come the same way.
    let Some(id) = head.buildid.quietly() else { return Ok(Decoded::ignored("buildbot.push.no-build")) };
    let pushed: Pushed<'_> = serde_json::from_str(text).map_err(|error| unreadable(&error))?;
    let Some(builder) = pushed.builder else { return Ok(Decoded::ignored("buildbot.push.no-builder")) };
    if !settings.chooses(&builder.name) {
        return Ok(Decoded::ignored("buildbot.push.other-builder"));
    }
    let site = pushed.url.as_deref().and_then(Site::of_page);
    let context = Context::new(site.as_ref(), &builder, head.number.quietly().copied());
    let context = context.asked_by(pushed.buildrequest.as_ref(), pushed.buildset.as_ref());
    // A little older than what a poll gives, so that the poll still finds it new and reads what a push does not bring.
    let version = head.version().map(|version| version.saturating_sub(1));
    let build = RawRecord::upsert(id.to_string(), text).version(version).context(&context);
    let steps = pushed.steps.unwrap_or_default().into_iter().map(|json| step(*id, json));
    let accepted = Accepted::default().with("builds", vec![build]).with("steps", steps.collect());
    Ok(if head.is_over() { accepted.refresh("builds") } else { accepted }.into())
}

fn step(build: u64, json: &RawValue) -> RawRecord {
    #[derive(Default, Deserialize)]
    #[serde(default)]
    struct Step {
        number: Field<u64>,
    }
    let head: Step = serde_json::from_str(json.get()).unwrap_or_default();
    let keyed = |number: &u64| RawRecord::upsert(format!("{build}/{number}"), json.get());
    head.number.quietly().map_or_else(|| RawRecord::unreadable(json.get()), keyed)
}

fn unreadable(error: &dyn std::fmt::Display) -> Failure {
    Failure::poison("buildbot.push.unreadable", format!("the push is no JSON of a build: {error}"))
}

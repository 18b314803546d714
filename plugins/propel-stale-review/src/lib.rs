//! Reminds of reviews that wait: by a comment on each, and by a list for the team.

use serde::Deserialize;
use weir_sdk::facts::{self, Hit};
use weir_sdk::failure::Failure;
use weir_sdk::http::Connection;
use weir_sdk::model::Timestamp;
use weir_sdk::propel::{Action, Event, Notice, Outcome, Propel};
use weir_sdk::tool::Place;

/// Most changes of one run.
const CHANGES_MAX: usize = 50;
const DAY_MS: i64 = 86_400_000;

/// The propel.
pub struct StaleReview;

/// Settings, as in `weir.toml`.
#[derive(Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Which changes are looked at.
    q: String,
    /// Days without a sign of life after which a change waits.
    days: u32,
    /// Days after which one is reminded of it again.
    again_days: u32,
    /// Connection of a chat or mail that gets the list.
    channel: Option<String>,
    /// Whether a comment is left on each change.
    comment: bool,
    /// The comment.
    text: String,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            q: "kind:change AND state:open".to_owned(),
            days: 3,
            again_days: 7,
            channel: None,
            comment: true,
            text: "Nothing has happened here for {days} days. Is something needed?".to_owned(),
        }
    }
}

impl Propel for StaleReview {
    type Settings = Settings;

    fn handle(event: &Event, connections: &[Connection<'_>], settings: &Settings) -> Result<Outcome, Failure> {
        let found = facts::search(&format!("({}) AND updated:<now-{}d", settings.q, settings.days), CHANGES_MAX)?;
        if found.hits.is_empty() {
            return Ok(Outcome::skipped("stale-review.none"));
        }
        let mut actions = Vec::new();
        if settings.comment {
            for (index, hit) in found.hits.iter().enumerate() {
                actions.push(comment(index, hit, event, connections, settings)?);
            }
        }
        actions.extend(settings.channel.as_ref().map(|channel| {
            let title = format!("{} reviews wait", found.total);
            Action::notify("list", Notice::new(channel, title, list(&found.hits)))
        }));
        Ok(Outcome::done(actions))
    }
}

/// One comment on a change in each span of `again_days`.
fn comment(
    index: usize,
    hit: &Hit,
    event: &Event,
    connections: &[Connection<'_>],
    settings: &Settings,
) -> Result<Action, Failure> {
    let span = i64::from(settings.again_days.max(1)) * DAY_MS;
    let begin = event.at.ms().div_euclid(span) * span;
    let marker = format!("stale-review:{}:{begin}", hit.id);
    let text = settings.text.replace("{days}", &settings.days.to_string());
    let place = Place::of(&hit.id, connections)?;
    Ok(place.comment(format!("remind-{index}"), &text, &marker, Timestamp::from_ms(begin)))
}

fn list(hits: &[Hit]) -> String {
    let line = |hit: &Hit| {
        let title = hit.text("title").unwrap_or(&hit.id);
        let url = hit.text("url").map(|url| format!(" {url}")).unwrap_or_default();
        format!("- {title}{url}")
    };
    hits.iter().map(line).collect::<Vec<_>>().join("\n")
}

weir_sdk::export_propel!(StaleReview, manifest = "../manifest.json");

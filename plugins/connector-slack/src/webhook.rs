//! Deliveries: events, interactions and slash commands. A changed member is a record; all else is named and left.

use serde::Deserialize;
use serde_json::value::RawValue;
use weir_sdk::prelude::*;
use weir_sdk::webhook::{Event, word};

/// The parts of a JSON delivery that matter, uncut.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Envelope<'a> {
    #[serde(rename = "type", borrow)]
    kind: Text<'a>,
    #[serde(borrow)]
    challenge: Text<'a>,
    #[serde(borrow)]
    event_id: Text<'a>,
    #[serde(borrow)]
    event: Option<&'a RawValue>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Sent<'a> {
    #[serde(rename = "type", borrow)]
    kind: Text<'a>,
    /// A member in some events, only an id in others.
    #[serde(borrow)]
    user: Option<&'a RawValue>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Head<'a> {
    #[serde(borrow)]
    id: Text<'a>,
    updated: Field<i64>,
}

/// A delivery whose event is not known yet.
const UNNAMED: Event<'_> = Event { tool: "slack", name: "" };

pub(crate) fn decode(delivery: &Delivery) -> Result<Decoded, Failure> {
    if delivery.form("command").is_some() {
        return Ok(Decoded::ignored("slack.command"));
    }
    let body = delivery.json(UNNAMED)?;
    let envelope: Envelope<'_> = UNNAMED.read(&body)?;
    let kind = envelope.kind.quietly().map_or("", AsRef::as_ref);
    if delivery.form("payload").is_some() {
        return Ok(Decoded::ignored(format!("slack.interaction.{}", word(kind))));
    }
    if let Some(sent) = envelope.event {
        return Ok(happened(sent.get())?.id(envelope.event_id.filled()));
    }
    Ok(match (kind, envelope.challenge.text()) {
        ("url_verification", Some(challenge)) => Decoded::Challenge(challenge),
        _ => Decoded::ignored(format!("slack.{}", word(kind))),
    })
}

/// What happened in the workspace. Other changes of a member, such as of the status, come with one of these too.
fn happened(json: &str) -> Result<Decoded, Failure> {
    let sent: Sent<'_> = UNNAMED.read(json)?;
    let event = Event { name: sent.kind.quietly().map_or("", AsRef::as_ref), ..UNNAMED };
    if !matches!(event.name, "team_join" | "user_change") {
        return Ok(event.ignored());
    }
    let user = sent.user.ok_or_else(|| event.incomplete("user"))?.get();
    let head: Head<'_> = event.read(user)?;
    let key = head.id.filled().ok_or_else(|| event.incomplete("user.id"))?;
    let record = RawRecord::upsert(key, user).version(head.updated.quietly().copied());
    Ok(Accepted::default().with("users", vec![record]).into())
}

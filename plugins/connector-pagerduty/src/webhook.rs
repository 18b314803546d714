//! Webhooks of version 3: an event brings the incident as it is then, and asks for the rest of it.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;
use weir_sdk::prelude::*;

use crate::Settings;
use crate::entities::Happened;

#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(borrow)]
    event: Event<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Event<'a> {
    #[serde(borrow)]
    id: Field<Cow<'a, str>>,
    #[serde(rename = "event_type", borrow)]
    kind: Field<Cow<'a, str>>,
    occurred_at: Field<Timestamp>,
    #[serde(borrow)]
    data: Option<&'a RawValue>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Head<'a> {
    #[serde(borrow)]
    id: Field<Cow<'a, str>>,
    #[serde(rename = "type", borrow)]
    kind: Field<Cow<'a, str>>,
    created_at: Field<Timestamp>,
    #[serde(borrow)]
    service: Nested<ServiceHead<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct ServiceHead<'a> {
    #[serde(borrow)]
    id: Field<Cow<'a, str>>,
}

pub(crate) fn decode(settings: &Settings, delivery: &Delivery) -> Result<Decoded, Failure> {
    let unreadable = |error: serde_json::Error| {
        Failure::poison("pagerduty.delivery.unreadable", format!("a delivery cannot be read: {error}"))
    };
    let Envelope { event }: Envelope<'_> = serde_json::from_slice(&delivery.body).map_err(unreadable)?;
    let kind = event.kind.quietly().map_or("", AsRef::as_ref);
    let head: Head<'_> =
        event.data.map_or(Ok(Head::default()), |data| serde_json::from_str(data.get())).map_err(unreadable)?;
    // Notes, responders, status updates and pings are things of their own.
    let (Some(data), Some("incident")) = (event.data, head.kind.quietly().map(AsRef::as_ref)) else {
        return Ok(Decoded::Ignored(format!("pagerduty.event.{}", word(kind))));
    };
    let service = head.service.quietly().and_then(|service| service.0.id.quietly());
    if !settings.chooses(service.map(AsRef::as_ref)) {
        return Ok(Decoded::Ignored("pagerduty.service.not-chosen".to_owned()));
    }
    if settings.since.zip(head.created_at.ms()).is_some_and(|(since, created)| created < since.ms()) {
        return Ok(Decoded::Ignored("pagerduty.incident.before-since".to_owned()));
    }
    let incomplete =
        || Failure::poison("pagerduty.delivery.incomplete", format!("a delivery of `{kind}` lacks id or time"));
    let (key, at) = head.id.quietly().zip(event.occurred_at.quietly()).ok_or_else(incomplete)?;
    // A listing has whole seconds; so that what it says of the same moment comes on top, this has too.
    let version = at.ms() - at.ms().rem_euclid(1_000);
    let happened = Happened { event: Cow::Borrowed(kind), at: *at };
    let record = RawRecord::upsert(key.as_ref(), data.get()).version(version).context(&happened);
    let id = event.id.quietly().map(|id| id.clone().into_owned());
    Ok(Accepted { id, ..Accepted::default().with("incidents", vec![record]).refresh("incidents") }.into())
}

/// `PagerDuty`'s word as part of a reason, which has to be short and plain.
fn word(kind: &str) -> &str {
    let is_plain = |byte: u8| byte.is_ascii_lowercase() || matches!(byte, b'_' | b'.');
    if (1..=64).contains(&kind.len()) && kind.bytes().all(is_plain) { kind } else { "unnamed" }
}

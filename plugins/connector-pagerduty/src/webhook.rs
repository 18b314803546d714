//! Webhooks of version 3: an event brings the incident as it is then, and asks for the rest of it.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;
use weir_sdk::prelude::*;
use weir_sdk::webhook::Event;

use crate::Settings;
use crate::entities::Happened;

#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(borrow)]
    event: Sent<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Sent<'a> {
    #[serde(borrow)]
    id: Text<'a>,
    #[serde(rename = "event_type", borrow)]
    kind: Text<'a>,
    occurred_at: Instant,
    #[serde(borrow)]
    data: Option<&'a RawValue>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Head<'a> {
    #[serde(borrow)]
    id: Text<'a>,
    #[serde(rename = "type", borrow)]
    kind: Text<'a>,
    created_at: Instant,
    #[serde(borrow)]
    service: Nested<ServiceHead<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct ServiceHead<'a> {
    #[serde(borrow)]
    id: Text<'a>,
}

pub(crate) fn decode(settings: &Settings, delivery: &Delivery) -> Result<Decoded, Failure> {
    let unnamed = Event { tool: "pagerduty", name: "" };
    let body = delivery.json(unnamed)?;
    let Envelope { event: sent }: Envelope<'_> = unnamed.read(&body)?;
    let event = Event { name: sent.kind.quietly().map_or("", AsRef::as_ref), ..unnamed };
    let head = sent.data.map_or(Ok(Head::default()), |data| event.read(data.get()))?;
    // Notes, responders, status updates and pings are things of their own.
    let (Some(data), Some("incident")) = (sent.data, head.kind.quietly().map(AsRef::as_ref)) else {
        return Ok(event.ignored());
    };
    let service = head.service.inner().and_then(|service| service.id.quietly());
    if !settings.chooses(service.map(AsRef::as_ref)) {
        return Ok(Decoded::ignored("pagerduty.service.not-chosen"));
    }
    if settings.since.zip(head.created_at.ms()).is_some_and(|(since, created)| created < since.ms()) {
        return Ok(Decoded::ignored("pagerduty.incident.before-since"));
    }
    let named = head.id.quietly().zip(sent.occurred_at.quietly());
    let (key, at) = named.ok_or_else(|| event.incomplete("data.id and occurred_at"))?;
    // A listing has whole seconds; so that what it says of the same moment comes on top, this has too.
    let version = at.ms() - at.ms().rem_euclid(1_000);
    let happened = Happened { event: Cow::Borrowed(event.name), at: *at };
    let record = RawRecord::upsert(key.as_ref(), data.get()).version(version).context(&happened);
    let id = sent.id.text();
    Ok(Accepted { id, ..Accepted::default().with("incidents", vec![record]).refresh("incidents") }.into())
}

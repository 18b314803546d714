//! Deliveries: events, interactions and slash commands. A changed member is a record; all else is named and left.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;
use weir_sdk::prelude::*;

/// The parts of a JSON delivery that matter, uncut.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Envelope<'a> {
    #[serde(rename = "type", borrow)]
    kind: Field<Cow<'a, str>>,
    #[serde(borrow)]
    challenge: Field<Cow<'a, str>>,
    #[serde(borrow)]
    event_id: Field<Cow<'a, str>>,
    #[serde(borrow)]
    event: Option<&'a RawValue>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Event<'a> {
    #[serde(rename = "type", borrow)]
    kind: Field<Cow<'a, str>>,
    /// A member in some events, only an id in others.
    #[serde(borrow)]
    user: Option<&'a RawValue>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Head<'a> {
    #[serde(borrow)]
    id: Field<Cow<'a, str>>,
    updated: Field<i64>,
}

pub(crate) fn decode(delivery: &Delivery) -> Result<Decoded, Failure> {
    let media = delivery.header("content-type").unwrap_or_default();
    let body = text(&delivery.body)?;
    if media.starts_with("application/x-www-form-urlencoded") { form(body) } else { json(body) }
}

fn json(body: &str) -> Result<Decoded, Failure> {
    let envelope: Envelope<'_> = read(body)?;
    if let Some(event) = envelope.event {
        let id = envelope.event_id.quietly().filter(|id| !id.is_empty()).map(|id| id.clone().into_owned());
        return self::event(id, event.get());
    }
    let kind = envelope.kind.quietly().map_or("", AsRef::as_ref);
    Ok(match (kind, envelope.challenge.quietly()) {
        ("url_verification", Some(challenge)) => Decoded::Challenge(challenge.clone().into_owned()),
        _ => Decoded::Ignored(format!("slack.{}", word(kind))),
    })
}

/// What happened in the workspace. Other changes of a member, such as of the status, come with one of these too.
fn event(id: Option<String>, event: &str) -> Result<Decoded, Failure> {
    let event: Event<'_> = read(event)?;
    let kind = event.kind.quietly().map_or("", AsRef::as_ref);
    if !matches!(kind, "team_join" | "user_change") {
        return Ok(Decoded::Ignored(format!("slack.event.{}", word(kind))));
    }
    let incomplete = || Failure::poison("slack.delivery.incomplete", format!("a delivery of `{kind}` names no member"));
    let user = event.user.ok_or_else(incomplete)?.get();
    let head: Head<'_> = read(user)?;
    let key = head.id.quietly().filter(|id| !id.is_empty()).ok_or_else(incomplete)?;
    let record = RawRecord::upsert(key.as_ref(), user).version(head.updated.quietly().copied());
    Ok(Accepted { id, ..Accepted::default().with("users", vec![record]) }.into())
}

/// A press of a button comes as JSON in the field `payload`; a slash command is the form itself.
fn form(body: &str) -> Result<Decoded, Failure> {
    let field = |name: &str| body.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='));
    if let Some(payload) = field("payload") {
        let payload = percent_decoded(payload);
        let envelope: Envelope<'_> = read(text(&payload)?)?;
        let kind = envelope.kind.quietly().map_or("", AsRef::as_ref);
        return Ok(Decoded::Ignored(format!("slack.interaction.{}", word(kind))));
    }
    match field("command") {
        Some(_) => Ok(Decoded::Ignored("slack.command".to_owned())),
        None => Err(Failure::poison("slack.delivery.unreadable", "the form has neither `payload` nor `command`")),
    }
}

/// Slack's word as part of a reason, which has to be short and plain.
fn word(kind: &str) -> &str {
    let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    if (1..=64).contains(&kind.len()) && kind.bytes().all(is_plain) { kind } else { "unnamed" }
}

fn read<'a, T: Deserialize<'a>>(json: &'a str) -> Result<T, Failure> {
    serde_json::from_str(json).map_err(|error| unreadable(&error))
}

fn text(bytes: &[u8]) -> Result<&str, Failure> {
    std::str::from_utf8(bytes).map_err(|error| unreadable(&error))
}

fn unreadable(error: &dyn std::error::Error) -> Failure {
    Failure::poison("slack.delivery.unreadable", format!("a delivery cannot be read: {error}"))
}

/// Decodes a value of a form; a broken escape stands for itself.
fn percent_decoded(value: &str) -> Vec<u8> {
    let mut decoded = Vec::with_capacity(value.len());
    let mut rest = value.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let hex = after.get(..2).filter(|_| *first == b'%').and_then(|hex| std::str::from_utf8(hex).ok());
        let escaped = hex.and_then(|hex| u8::from_str_radix(hex, 16).ok());
        decoded.push(escaped.unwrap_or(if *first == b'+' { b' ' } else { *first }));
        rest = if escaped.is_some() { &after[2..] } else { after };
    }
    decoded
}

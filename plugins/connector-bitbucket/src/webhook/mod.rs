//! Webhooks: each delivery becomes the records that a poll would have brought, with the same keys, or says why not.

mod cloud;
mod server;

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;
use weir_sdk::prelude::*;

use crate::origin::Origin;
use crate::requests::Head;
use crate::settings::Settings;

pub(crate) fn decode(settings: &Settings, delivery: &Delivery) -> Result<Decoded, Failure> {
    let Some(event) = delivery.header("x-event-key") else {
        return Err(Failure::poison("bitbucket.delivery.no-event", "the delivery has no header X-Event-Key"));
    };
    // Cloud numbers its requests by UUID and Server by id; both are unique.
    let id = delivery.header("x-request-uuid").or(delivery.header("x-request-id")).map(str::to_owned);
    let received = Received { settings, event, body: &delivery.body };
    let decoded = if event.starts_with("pr:") || matches!(event, "repo:refs_changed" | "diagnostics:ping") {
        server::decode(&received)?
    } else {
        cloud::decode(&received)?
    };
    Ok(match decoded {
        Decoded::Accepted(accepted) if accepted.batches.is_empty() && accepted.refresh.is_empty() => {
            Decoded::Ignored("bitbucket.push.nothing-new".to_owned())
        }
        Decoded::Accepted(accepted) => Decoded::Accepted(Accepted { id, ..accepted }),
        other => other,
    })
}

/// One delivery.
struct Received<'a> {
    settings: &'a Settings,
    event: &'a str,
    body: &'a [u8],
}

impl<'a> Received<'a> {
    fn read<T: Deserialize<'a>>(&self) -> Result<T, Failure> {
        serde_json::from_slice(self.body).map_err(|error| self.unreadable(&error))
    }

    fn head(&self, part: &'a RawValue) -> Result<Head<'a>, Failure> {
        Head::read(part.get()).map_err(|error| self.unreadable(&error))
    }

    fn unreadable(&self, error: &serde_json::Error) -> Failure {
        let message = format!("a delivery of `{}` cannot be read: {error}", self.event);
        Failure::poison("bitbucket.delivery.unreadable", message)
    }

    fn incomplete(&self, part: &str) -> Failure {
        let message = format!("a delivery of `{}` has no `{part}`", self.event);
        Failure::poison("bitbucket.delivery.incomplete", message)
    }

    fn ignored(&self) -> Decoded {
        Decoded::Ignored(format!("bitbucket.event.{}", self.event.replace([':', '_'], "-")))
    }

    fn not_chosen() -> Decoded {
        Decoded::Ignored("bitbucket.repository.not-chosen".to_owned())
    }

    /// The pull request a delivery is about, as a poll lists it.
    fn pull(&self, part: &'a RawValue, origin: &Origin<'_>) -> Result<(RawRecord, u64), Failure> {
        let head = self.head(part)?;
        let number = head.id.quietly().and_then(|id| id.parse().ok());
        let number: u64 = number.ok_or_else(|| self.incomplete("pull request id"))?;
        let record = RawRecord::upsert(origin.numbered(number), part.get()).version(head.updated_ms());
        Ok((record.context(origin), number))
    }

    /// The delivery as a whole, for what no listing has alike. Its key says what it is about.
    fn whole(&self, key: String, version: Option<i64>, origin: Origin<'_>) -> RawRecord {
        RawRecord::upsert(key, self.body).version(version).context(&origin.event(self.event))
    }
}

fn text(field: &Field<Cow<'_, str>>) -> Option<String> {
    field.quietly().map(|text| text.clone().into_owned())
}

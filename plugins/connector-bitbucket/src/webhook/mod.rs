//! Webhooks: each delivery becomes the records that a poll would have brought, with the same keys, or says why not.

mod cloud;
mod server;

use serde_json::value::RawValue;
use weir_sdk::prelude::*;
use weir_sdk::webhook::Event;

use crate::origin::Origin;
use crate::requests::Head;
use crate::settings::Settings;

pub(crate) fn decode(settings: &Settings, delivery: &Delivery) -> Result<Decoded, Failure> {
    let Some(name) = delivery.header("x-event-key") else {
        return Err(Failure::poison("bitbucket.delivery.no-event", "the delivery has no header X-Event-Key"));
    };
    // Cloud numbers its requests by UUID and Server by id; both are unique.
    let id = delivery.header("x-request-uuid").or(delivery.header("x-request-id")).map(str::to_owned);
    let event = Event { tool: "bitbucket", name };
    let body = delivery.json(event)?;
    let received = Received { settings, event, body: &body };
    let decoded = if name.starts_with("pr:") || matches!(name, "repo:refs_changed" | "diagnostics:ping") {
        server::decode(&received)?
    } else {
        cloud::decode(&received)?
    };
    Ok(match decoded {
        Decoded::Accepted(accepted) if accepted.batches.is_empty() && accepted.refresh.is_empty() => {
            Decoded::ignored("bitbucket.push.nothing-new")
        }
        decoded => decoded.id(id),
    })
}

/// One delivery.
struct Received<'a> {
    settings: &'a Settings,
    event: Event<'a>,
    body: &'a str,
}

impl<'a> Received<'a> {
    fn ignored(&self) -> Decoded {
        Event { name: &self.event.name.replace([':', '_'], "-"), ..self.event }.ignored()
    }

    fn not_chosen() -> Decoded {
        Decoded::ignored("bitbucket.repository.not-chosen")
    }

    /// The pull request a delivery is about, as a poll lists it.
    fn pull(&self, part: &'a RawValue, origin: &Origin<'_>) -> Result<(RawRecord, u64), Failure> {
        let head: Head<'_> = self.event.read(part.get())?;
        let number = head.id.quietly().and_then(|id| id.parse().ok());
        let number: u64 = number.ok_or_else(|| self.event.incomplete("pull request id"))?;
        let record = RawRecord::upsert(origin.numbered(number), part.get()).version(head.updated_ms());
        Ok((record.context(origin), number))
    }

    /// The delivery as a whole, for what no listing has alike. Its key says what it is about.
    fn whole(&self, key: String, version: Option<i64>, origin: Origin<'_>) -> RawRecord {
        RawRecord::upsert(key, self.body).version(version).context(&origin.event(self.event.name))
    }
}

//! Webhooks: deliveries in, raw records out. As pure as normalising. Origin, size and signature were checked before.

use weir_model::{RawRecord, Timestamp};

use crate::bindings::webhook;
use crate::context::Purpose;
use crate::error::{CallError, CallErrorKind};
use crate::limits::Limits;
use crate::page::{check_key, check_records, payload_to_guest, within};
use crate::plugin::{Plugin, host, missing};
use crate::run::{Budget, limited};

/// Longest answer to a handshake, in bytes.
const CHALLENGE_BYTES_MAX: usize = 4 << 10;

/// One call from the tool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// Names in lower case, without signatures and credentials.
    pub headers: Vec<(String, String)>,
    /// Query parameters, decoded, in order.
    pub query: Vec<(String, String)>,
    /// Body as it came.
    pub body: Vec<u8>,
    /// When the host took it.
    pub received_at: Timestamp,
}

/// What a delivery means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decoded {
    /// Take these.
    Accepted {
        /// Id the tool gave the delivery.
        id: Option<String>,
        /// Records by dataset.
        batches: Vec<(String, Vec<RawRecord>)>,
        /// Datasets to poll soon.
        refresh: Vec<String>,
    },
    /// Not of interest; the reason.
    Ignored(String),
    /// A handshake: answer with this text, store nothing.
    Challenge(String),
}

impl Plugin {
    /// Decodes one delivery.
    pub async fn decode(&self, settings: &str, delivery: &Delivery) -> Result<Decoded, CallError> {
        self.decode_inner(settings, delivery).await.map_err(|kind| self.error("decode", kind))
    }

    async fn decode_inner(&self, settings: &str, delivery: &Delivery) -> Result<Decoded, CallErrorKind> {
        let indices = self.exports.webhook.as_ref().ok_or_else(|| missing("webhook"))?;
        let budget = Budget { cpu: self.limits().normalize_cpu, wall: self.limits().normalize_wall };
        let mut run = self.run(Purpose::pure(), budget).await?;
        let guest = indices.load(&mut run.store, &run.instance).map_err(host)?;
        let delivery = to_guest(delivery);
        let called = limited(budget, guest.call_decode(&mut run.store, settings, &delivery)).await;
        let decoded = run.judge(budget, called)?.map_err(CallErrorKind::said)?;
        check(decoded, self.limits())
    }
}

fn to_guest(delivery: &Delivery) -> webhook::Delivery {
    webhook::Delivery {
        headers: delivery.headers.clone(),
        query: delivery.query.clone(),
        body: payload_to_guest(delivery.body.clone()),
        received_at: delivery.received_at.ms(),
    }
}

fn check(decoded: webhook::Decoded, limits: &Limits) -> Result<Decoded, CallErrorKind> {
    match decoded {
        webhook::Decoded::Accepted(accepted) => check_accepted(accepted, limits),
        webhook::Decoded::Ignored(reason) => Ok(Decoded::Ignored(crate::output::cut(&reason, 128).to_owned())),
        webhook::Decoded::Challenge(answer) => {
            within("bytes in the answer to a handshake", answer.len(), CHALLENGE_BYTES_MAX)?;
            Ok(Decoded::Challenge(answer))
        }
    }
}

fn check_accepted(accepted: webhook::Accepted, limits: &Limits) -> Result<Decoded, CallErrorKind> {
    let names = accepted.batches.iter().map(|batch| &batch.dataset).chain(&accepted.refresh);
    for name in names {
        weir_model::DatasetName::new(name.as_str()).map_err(|error| CallErrorKind::Invalid(error.to_string()))?;
    }
    if let Some(id) = &accepted.id {
        check_key(id).map_err(|what| CallErrorKind::Invalid(format!("id of a delivery: {what}")))?;
    }
    let n_records = accepted.batches.iter().map(|batch| batch.records.len()).sum();
    within("records in a delivery", n_records, limits.page_records_max)?;
    let checked = |batch: webhook::Batch| Ok((batch.dataset, check_records(batch.records, limits)?));
    let batches = accepted.batches.into_iter().map(checked).collect::<Result<_, CallErrorKind>>()?;
    Ok(Decoded::Accepted { id: accepted.id, batches, refresh: accepted.refresh })
}

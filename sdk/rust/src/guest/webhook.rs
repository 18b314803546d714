//! What a connector that takes webhooks exports on top: a world of this one interface, which the linker of components
//! unites with world `connector` to `connector-webhook`.

use weir_model::Timestamp;

use super::connector::Exported;
use super::convert;
use crate::connector::{Webhook, read_settings};
use crate::webhook::{Accepted, Batch, Decoded, Delivery};

#[allow(unsafe_code, unreachable_pub, clippy::all, clippy::pedantic, reason = "generated")]
pub mod bindings {
    wit_bindgen::generate!({
        path: "../../wit",
        inline: "package weir:sdk; world webhook { export weir:connector/webhook@0.1.0; }",
        world: "weir:sdk/webhook",
        generate_all,
        pub_export_macro: true,
        with: {
            "weir:types/types@0.1.0": crate::guest::connector::bindings::weir::types::types,
            "weir:connector/raw@0.1.0": crate::guest::connector::bindings::weir::connector::raw,
        },
    });
}

use bindings::exports::weir::connector::webhook as wit;

impl<C: Webhook> wit::Guest for Exported<C> {
    fn decode(settings: String, delivery: wit::Delivery) -> Result<wit::Decoded, wit::Failure> {
        let settings = read_settings(&settings)?;
        let wit::Delivery { headers, query, body, received_at } = delivery;
        let received_at = Timestamp::from_ms(received_at);
        let delivery = Delivery { headers, query, body: convert::bytes(body), received_at };
        Ok(C::decode(&settings, &delivery)?.into())
    }
}

impl From<Decoded> for wit::Decoded {
    fn from(decoded: Decoded) -> Self {
        match decoded {
            Decoded::Accepted(accepted) => Self::Accepted(accepted.into()),
            Decoded::Ignored(reason) => Self::Ignored(reason),
            Decoded::Challenge(answer) => Self::Challenge(answer),
        }
    }
}

impl From<Accepted> for wit::Accepted {
    fn from(Accepted { id, batches, refresh }: Accepted) -> Self {
        Self { id, batches: batches.into_iter().map(Into::into).collect(), refresh }
    }
}

impl From<Batch> for wit::Batch {
    fn from(Batch { dataset, records }: Batch) -> Self {
        Self { dataset, records: records.into_iter().map(Into::into).collect() }
    }
}

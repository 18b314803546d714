//! The confirmation to whoever was named as the contact: a letter with the receipt.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio::runtime::Handle;
use weir_model::{DurationMs, Timestamp};

use super::request::{Decommission, State};
use crate::config::{Config, ConnectionConfig};
use crate::egress::Mail;
use crate::error::Fault;
use crate::host::{egress, mail_relay};

/// Wait between two tries.
const AGAIN: DurationMs = DurationMs(10 * 60_000);

/// Whether the contact has been told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Confirmation {
    /// When it was tried last.
    pub tried_at: Timestamp,
    /// Whether the relay took the letter.
    pub sent: bool,
    /// Why it did not.
    pub error: Option<String>,
}

/// Whether the contact is still to be told: it is an address, and there is a relay.
pub(super) fn is_due(one: &Decommission, config: &Config, now: Timestamp) -> bool {
    let waits = one.confirmation.as_ref().is_none_or(|last| !last.sent && last.tried_at.plus(AGAIN) <= now);
    waits && one.state == State::Completed && one.contact.contains('@') && relay(one, config).is_some()
}

/// Sends the receipt.
pub(super) fn tell(one: &Decommission, config: &Config, receipt: &str, now: Timestamp) -> Confirmation {
    let error = relay(one, config).and_then(|relay| send(one, relay, receipt, now).err()).map(|fault| fault.chain());
    Confirmation { tried_at: now, sent: error.is_none(), error }
}

/// The relay, if the configuration is that of the account.
fn relay<'c>(one: &Decommission, config: &'c Config) -> Option<&'c ConnectionConfig> {
    config.decommission.mail.as_ref().filter(|_| config.host.account == one.account)
}

fn send(one: &Decommission, relay: &ConnectionConfig, receipt: &str, now: Timestamp) -> Result<(), Fault> {
    // Who the contact is was confirmed by a second person.
    let to = if relay.to.is_empty() { vec![one.contact.clone()] } else { relay.to.clone() };
    let relay = ConnectionConfig { to, ..relay.clone() };
    let relay = mail_relay(&egress()?, "`mail` of `[decommission]`", "decommission", &relay)?;
    let runtime = Handle::try_current().map_err(|error| Fault::host("no runtime").caused_by(error))?;
    let sent = runtime.block_on(relay.send(&letter(one, receipt), &one.id.to_string(), now));
    sent.map(drop).map_err(|error| Fault::host("the relay did not take the letter").caused_by(error))
}

fn letter(one: &Decommission, receipt: &str) -> Mail {
    Mail {
        subject: format!("All data of the account {} has been erased", one.account),
        text: format!(
            "You were named as the contact of decommissioning {}. It is completed.\n\n\
            Below is its receipt. Kept as a file, whoever has the public key of the installation can check it:\n\
            weir receipt verify FILE --public-key KEY\n\n{receipt}",
            one.id
        ),
        people: vec![one.contact.clone()],
    }
}

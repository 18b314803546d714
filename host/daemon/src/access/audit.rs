//! What is told of who did what by the server API.

use crate::audit::{Note, Outcome, note};
use crate::error::Fault;
use crate::host::Host;

/// Notes an act of somebody, or that it was refused. What cannot be noted is an error.
pub(crate) async fn audit(
    host: &Host,
    actor: &str,
    action: &'static str,
    subject: &str,
    outcome: Outcome,
) -> Result<(), Fault> {
    note(&host.account, act(actor, action, subject).outcome(outcome)).await
}

/// An act of somebody, to be noted with what else there is to say.
pub(crate) fn act(actor: &str, action: &'static str, subject: &str) -> Note {
    Note::new(action).by(actor).from("api").about(subject)
}

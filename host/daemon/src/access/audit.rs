//! What is told of who did what.

use crate::host::Host;

/// Notes an act of somebody, or that it was refused.
pub(crate) fn audit(host: &Host, actor: &str, action: &'static str, subject: &str, outcome: &'static str) {
    tracing::info!(account = %host.account.id, actor, action, subject, outcome, "audit");
}

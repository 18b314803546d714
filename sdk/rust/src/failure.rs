//! Why a call did not succeed, and what the host is to do about it.
//!
//! The kinds are closed on purpose: the host acts on them. Detail goes into `code` and `message`.

use std::fmt;
use std::time::Duration;

/// What the host does about a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FailureKind {
    /// Settings or input are wrong: the run stops and the operator is shown the message.
    Config,
    /// The tool refused the credentials: the connection pauses until it is authorised again.
    Auth,
    /// The credentials are good but may not read this: the dataset stops, not the connection.
    Forbidden,
    /// The thing asked for is no longer there: this reader ends and its parent is read again.
    Gone,
    /// The tool asks to slow down.
    Throttled,
    /// Worth trying again from the last committed cursor.
    Transient,
    /// This one input can never succeed: it goes into quarantine, the rest goes on.
    Poison,
    /// The stored cursor is no longer usable: the host drops it and starts a full pass.
    CursorExpired,
    /// A defect of the plugin.
    Internal,
}

/// Why a call did not succeed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// What the host is to do.
    pub kind: FailureKind,
    /// Short, stable, dotted, lower case: `jira.jql.invalid`. Counted and alerted on.
    pub code: String,
    /// One sentence for the operator, without secrets.
    pub message: String,
    /// How long to wait; read for [`FailureKind::Throttled`] and [`FailureKind::Transient`].
    pub retry_after: Option<Duration>,
    /// JSON object with more about it.
    pub details: Option<String>,
}

macro_rules! kinds {
    ($($(#[$doc:meta])* $name:ident = $kind:ident,)*) => {
        impl Failure {
            $($(#[$doc])*
            pub fn $name(code: impl Into<String>, message: impl Into<String>) -> Self {
                Self::new(FailureKind::$kind, code, message)
            })*
        }
    };
}

kinds! {
    /// Settings or input are wrong.
    config = Config,
    /// The tool refused the credentials.
    auth = Auth,
    /// The credentials may not read this.
    forbidden = Forbidden,
    /// The thing is no longer there.
    gone = Gone,
    /// The tool asks to slow down.
    throttled = Throttled,
    /// Worth trying again.
    transient = Transient,
    /// This input can never succeed.
    poison = Poison,
    /// The stored cursor is no longer usable.
    cursor_expired = CursorExpired,
    /// A defect of the plugin.
    internal = Internal,
}

impl Failure {
    /// A failure of any kind.
    pub fn new(kind: FailureKind, code: impl Into<String>, message: impl Into<String>) -> Self {
        Self { kind, code: code.into(), message: message.into(), retry_after: None, details: None }
    }

    /// Says how long to wait.
    #[must_use]
    pub fn after(mut self, wait: Option<Duration>) -> Self {
        self.retry_after = wait;
        self
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code, self.message)
    }
}

impl std::error::Error for Failure {}

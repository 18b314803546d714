//! Errors of the log. Each says what was being done, whose fault it is and what may help.

use std::fmt;
use std::io;
use std::sync::Arc;

/// Whose fault an error is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Blame {
    /// The operator's: a wrong key or folder.
    Config,
    /// Of whoever gave the record: it is over a limit.
    Plugin,
    /// This machine's: full or failing disk, damage.
    Host,
}

/// What may help after an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retry {
    /// The same call again, later.
    Later,
    /// Closing the log and opening it again.
    Reopen,
    /// Nothing, before somebody acts.
    Never,
}

/// What went wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LogErrorKind {
    /// No space is left, or a quota is reached.
    Full,
    /// The queue before the journal is full; the disk is slower than what comes in.
    Busy,
    /// The disk failed.
    Io,
    /// A sync failed, so nobody knows what is on the disk. Nothing is appended before the log is opened again.
    Suspect,
    /// The log is closed.
    Closed,
    /// The commit is over a limit.
    TooLarge(String),
    /// The data was sealed under another key.
    WrongKey,
    /// The files are of an unknown version.
    Format,
    /// Stored bytes are damaged.
    Damaged(String),
    /// The system gave no random bytes.
    Random,
}

impl fmt::Display for LogErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Full => f.write_str("the disk is full"),
            Self::Busy => f.write_str("the queue before the journal is full"),
            Self::Io => f.write_str("the disk failed"),
            Self::Suspect => f.write_str("a sync failed and the journal takes nothing before it is opened again"),
            Self::Closed => f.write_str("the log is closed"),
            Self::WrongKey => f.write_str("it is sealed under another key"),
            Self::Format => f.write_str("it is of an unknown version"),
            Self::TooLarge(what) | Self::Damaged(what) => f.write_str(what),
            Self::Random => f.write_str("the system gives no random bytes"),
        }
    }
}

/// An error of the log.
#[derive(Debug, Clone, thiserror::Error)]
#[error("cannot {action}: {kind}")]
pub struct LogError {
    action: String,
    kind: LogErrorKind,
    #[source]
    source: Option<Arc<io::Error>>,
}

impl LogError {
    pub(crate) fn new(action: impl Into<String>, kind: LogErrorKind) -> Self {
        Self { action: action.into(), kind, source: None }
    }

    pub(crate) fn io(action: impl Into<String>, error: io::Error) -> Self {
        let full = matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded);
        let kind = if full { LogErrorKind::Full } else { LogErrorKind::Io };
        Self { action: action.into(), kind, source: Some(Arc::new(error)) }
    }

    /// The same error, after which the journal cannot be trusted.
    pub(crate) fn suspect(self) -> Self {
        Self { kind: LogErrorKind::Suspect, ..self }
    }

    /// What went wrong.
    pub fn kind(&self) -> &LogErrorKind {
        &self.kind
    }

    /// Whose fault it is.
    pub fn blame(&self) -> Blame {
        match self.kind {
            LogErrorKind::WrongKey | LogErrorKind::Format => Blame::Config,
            LogErrorKind::TooLarge(_) => Blame::Plugin,
            LogErrorKind::Full
            | LogErrorKind::Busy
            | LogErrorKind::Io
            | LogErrorKind::Suspect
            | LogErrorKind::Closed
            | LogErrorKind::Damaged(_)
            | LogErrorKind::Random => Blame::Host,
        }
    }

    /// What may help.
    pub fn retry(&self) -> Retry {
        match self.kind {
            LogErrorKind::Full | LogErrorKind::Busy | LogErrorKind::Io | LogErrorKind::Random => Retry::Later,
            LogErrorKind::Suspect | LogErrorKind::Closed => Retry::Reopen,
            LogErrorKind::TooLarge(_) | LogErrorKind::WrongKey | LogErrorKind::Format | LogErrorKind::Damaged(_) => {
                Retry::Never
            }
        }
    }
}

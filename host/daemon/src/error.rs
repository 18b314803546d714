//! What went wrong, whose fault it is, whether to try again, and what to do about it. The control loops act on
//! blame and retry and on nothing else; people read the text and the hint.

use std::error::Error;
use std::time::Duration;

use weir_sandbox::{Blame, CallError, CallErrorKind, FailureKind, Retry};
use weir_store::{DerivedError, LogError, LogErrorKind};

use crate::config::ConfigError;

/// A failed operation of the daemon.
#[derive(Debug, thiserror::Error)]
#[error("{doing}")]
pub struct Fault {
    doing: String,
    blame: Blame,
    retry: Retry,
    hint: Option<String>,
    #[source]
    source: Option<Box<dyn Error + Send + Sync>>,
}

impl Fault {
    /// A fault of `blame` while doing something; not to be tried again as it is.
    pub fn new(blame: Blame, doing: impl Into<String>) -> Self {
        Self { doing: doing.into(), blame, retry: Retry::Never, hint: None, source: None }
    }

    /// The operator's to mend.
    pub fn config(doing: impl Into<String>) -> Self {
        Self::new(Blame::Config, doing)
    }

    /// This host's own.
    pub fn host(doing: impl Into<String>) -> Self {
        Self::new(Blame::Host, doing)
    }

    /// Says what to do about it.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Names what brought it about.
    #[must_use]
    pub fn caused_by(mut self, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    pub(crate) fn from_log(error: LogError) -> Self {
        let hint = match error.kind() {
            LogErrorKind::Full => "make room where the data lies; nothing was kept, and it can be sent again",
            _ => "see `weir doctor`",
        };
        Self::host("cannot use the log").hint(hint).caused_by(error)
    }

    pub(crate) fn from_derived(error: DerivedError) -> Self {
        Self::host("cannot use the derived stores").hint("`weir replay` builds them again").caused_by(error)
    }

    pub(crate) fn from_call(doing: impl Into<String>, error: CallError) -> Self {
        let (blame, retry) = (error.blame(), error.retry());
        Self { doing: doing.into(), blame, retry, hint: None, source: Some(Box::new(error)) }
    }

    /// Whose fault it is.
    pub fn blame(&self) -> Blame {
        self.blame
    }

    /// Whose fault, as one word.
    pub fn blame_word(&self) -> &'static str {
        match self.blame {
            Blame::Config => "config",
            Blame::Upstream => "upstream",
            Blame::Plugin => "plugin",
            Blame::Host => "host",
        }
    }

    /// Whether the thing asked for is no longer there.
    pub fn gone(&self) -> bool {
        let call = self.source.as_ref().and_then(|source| source.downcast_ref::<CallError>());
        let kind = call.map(CallError::kind);
        matches!(kind, Some(CallErrorKind::Failure(failure)) if failure.kind == FailureKind::Gone)
    }

    /// Whether the disk that the log lies on is full.
    pub fn disk_is_full(&self) -> bool {
        let log = self.source.as_ref().and_then(|source| source.downcast_ref::<LogError>());
        log.is_some_and(|error| *error.kind() == LogErrorKind::Full)
    }

    /// Whether to try again.
    pub fn retry(&self) -> Retry {
        self.retry
    }

    /// How long to wait before trying again, when the other side said so.
    pub fn wait(&self) -> Option<Duration> {
        match self.retry {
            Retry::Later(wait) => wait,
            Retry::Never | Retry::WithoutCursor => None,
        }
    }

    /// What to do about it.
    pub fn hint_text(&self) -> Option<&str> {
        self.hint.as_deref()
    }

    /// The whole chain in one line.
    pub fn chain(&self) -> String {
        let mut text = self.doing.clone();
        let mut cause: Option<&(dyn Error + 'static)> = self.source();
        while let Some(error) = cause {
            text.push_str(": ");
            text.push_str(&error.to_string());
            cause = error.source();
        }
        text
    }

    /// The chain and what to do about it, in one line.
    pub fn told(&self) -> String {
        let hint = self.hint.as_ref().map(|hint| format!("; {hint}")).unwrap_or_default();
        self.chain() + &hint
    }

    /// Exit code: 2 usage or configuration, 3 a tool failed, 4 host trouble.
    pub fn exit_code(&self) -> u8 {
        match self.blame {
            Blame::Config => 2,
            Blame::Upstream | Blame::Plugin => 3,
            Blame::Host => 4,
        }
    }
}

impl From<ConfigError> for Fault {
    fn from(error: ConfigError) -> Self {
        let fault = Self::config(error.to_string());
        match error.hint() {
            Some(hint) => fault.hint(hint),
            None => fault,
        }
    }
}

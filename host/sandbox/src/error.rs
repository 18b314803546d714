//! What can go wrong with a plugin, whose fault it is and whether to try again. The control loop acts on
//! [`CallError::blame`] and [`CallError::retry`] and on nothing else.

use std::fmt;
use std::time::Duration;

use crate::bindings::{Failure, FailureKind};
use crate::output::{cut, printable};

const CODE_BYTES_MAX: usize = 128;
const MESSAGE_BYTES_MAX: usize = 4 << 10;
const DETAILS_BYTES_MAX: usize = 16 << 10;

/// The sandbox could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum SandboxError {
    /// The engine refused its configuration.
    #[error("cannot start the WASM engine")]
    Engine(#[source] wasmtime::Error),
    /// The host functions do not fit the contract.
    #[error("cannot link the host functions of world `{world}`")]
    Link {
        /// World that was being linked.
        world: &'static str,
        /// Why.
        #[source]
        source: wasmtime::Error,
    },
    /// The folder for compiled code cannot be used.
    #[error("cannot use the folder for compiled plugins")]
    Cache(#[source] std::io::Error),
    /// The thread that counts time slices did not start.
    #[error("cannot start the epoch thread")]
    Thread(#[source] std::io::Error),
}

/// A file that is not loaded as a plugin.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// Too big to look at.
    #[error("plugin of {found_bytes} bytes is over the limit of {limit_bytes}")]
    TooLarge {
        /// Its size.
        found_bytes: usize,
        /// The limit.
        limit_bytes: usize,
    },
    /// Machine code, which only the host's own cache may hold.
    #[error("file holds compiled code; only WASM components are taken")]
    Precompiled,
    /// A core module or something else.
    #[error("file is no WASM component; build it for the target wasm32-wasip2")]
    NotAComponent,
    /// Not WASM, or damaged.
    #[error("file cannot be read as WASM")]
    Malformed(#[source] wasmparser::BinaryReaderError),
    /// Nobody said what it is.
    #[error("component has no custom section `weir:manifest`; the SDK puts it there")]
    NoManifest,
    /// The manifest is not what the contract says.
    #[error("manifest cannot be read")]
    Manifest(#[source] serde_json::Error),
    /// It asks for something the sandbox does not have, or lacks something it must have. All of it, at once.
    #[error("component does not fit the contract: {}", .0.join("; "))]
    Misfits(Vec<String>),
    /// The compiler refused it.
    #[error("cannot compile the component")]
    Compile(#[source] wasmtime::Error),
    /// Its imports or exports have other types than the contract.
    #[error("component does not match the types of the contract")]
    Types(#[source] wasmtime::Error),
    /// The compiling task was lost.
    #[error("compiling the component was cut short")]
    Interrupted(#[source] tokio::task::JoinError),
}

/// Whose fault a failed call is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Blame {
    /// The operator's: settings, credentials, permissions.
    Config,
    /// The tool's, or the way to it.
    Upstream,
    /// The plugin's. Counts towards its breaker.
    Plugin,
    /// Weir's own.
    Host,
}

/// Whether trying again can help.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retry {
    /// Not before something else changes.
    Never,
    /// Later: after this time, or with back-off when it is none.
    Later(Option<Duration>),
    /// At once, but with no cursor: the stored one is of no use any more.
    WithoutCursor,
}

/// A call into a plugin that brought no result.
#[derive(Debug, thiserror::Error)]
#[error("cannot run `{call}` of plugin `{plugin}`: {kind}")]
pub struct CallError {
    pub(crate) plugin: String,
    pub(crate) call: &'static str,
    pub(crate) kind: CallErrorKind,
}

/// Why a call brought no result.
#[derive(Debug)]
pub enum CallErrorKind {
    /// The plugin said so.
    Failure(Failure),
    /// It crashed.
    Trap {
        /// Kind of the trap and where, as the engine saw it.
        message: String,
        /// What it wrote last: the text of its panic.
        guest_stderr: String,
    },
    /// It used up its CPU.
    CpuBudget {
        /// What it had.
        limit: Duration,
    },
    /// It asked for more memory than it may have, and gave up.
    Memory {
        /// What it had, in bytes.
        limit_bytes: usize,
    },
    /// It did not come back in time.
    Deadline {
        /// What it had.
        limit: Duration,
    },
    /// It handed over more bytes in one call than it may.
    Crossing {
        /// What it had, in bytes.
        limit_bytes: usize,
    },
    /// What it returned breaks the contract.
    Invalid(String),
    /// It returned or holds more than it may.
    TooMuch {
        /// Of what, with the unit: "records in a page".
        what: &'static str,
        /// How many there were.
        found: usize,
        /// How many there may be.
        limit: usize,
    },
    /// A defect of the host, caught.
    Host(String),
}

impl CallError {
    /// What happened.
    pub fn kind(&self) -> &CallErrorKind {
        &self.kind
    }

    /// Whose fault it is.
    pub fn blame(&self) -> Blame {
        match &self.kind {
            CallErrorKind::Failure(failure) => failure_blame(failure.kind),
            CallErrorKind::Deadline { .. } => Blame::Upstream,
            CallErrorKind::Host(_) => Blame::Host,
            CallErrorKind::Trap { .. }
            | CallErrorKind::CpuBudget { .. }
            | CallErrorKind::Memory { .. }
            | CallErrorKind::Crossing { .. }
            | CallErrorKind::Invalid(_)
            | CallErrorKind::TooMuch { .. } => Blame::Plugin,
        }
    }

    /// Whether trying again can help. For defects of the plugin the answer is "later", until its breaker opens.
    pub fn retry(&self) -> Retry {
        match &self.kind {
            CallErrorKind::Failure(failure) => failure_retry(failure),
            _ => Retry::Later(None),
        }
    }

    /// Short and stable, for counting: "weir.plugin.trap", or the code the plugin gave.
    pub fn code(&self) -> &str {
        match &self.kind {
            CallErrorKind::Failure(failure) => &failure.code,
            CallErrorKind::Trap { .. } => "weir.plugin.trap",
            CallErrorKind::CpuBudget { .. } => "weir.plugin.cpu",
            CallErrorKind::Memory { .. } => "weir.plugin.memory",
            CallErrorKind::Deadline { .. } => "weir.plugin.deadline",
            CallErrorKind::Crossing { .. } => "weir.plugin.crossing",
            CallErrorKind::Invalid(_) => "weir.plugin.invalid",
            CallErrorKind::TooMuch { .. } => "weir.plugin.too-much",
            CallErrorKind::Host(_) => "weir.host",
        }
    }
}

impl CallErrorKind {
    /// A failure in the guest's words, cut to what the contract allows and safe to show.
    pub(crate) fn said(failure: Failure) -> Self {
        let code = printable(cut(&failure.code, CODE_BYTES_MAX));
        let message = printable(cut(&failure.message, MESSAGE_BYTES_MAX));
        let details = failure.details.filter(|details| details.len() <= DETAILS_BYTES_MAX);
        Self::Failure(Failure { code, message, details, ..failure })
    }
}

fn failure_blame(kind: FailureKind) -> Blame {
    match kind {
        FailureKind::Config | FailureKind::Auth | FailureKind::Forbidden => Blame::Config,
        FailureKind::Gone
        | FailureKind::Throttled
        | FailureKind::Transient
        | FailureKind::Poison
        | FailureKind::CursorExpired => Blame::Upstream,
        FailureKind::Internal => Blame::Plugin,
    }
}

fn failure_retry(failure: &Failure) -> Retry {
    match failure.kind {
        FailureKind::Config | FailureKind::Auth | FailureKind::Forbidden | FailureKind::Gone | FailureKind::Poison => {
            Retry::Never
        }
        FailureKind::Throttled | FailureKind::Transient => Retry::Later(failure.retry_after.map(Duration::from_millis)),
        FailureKind::CursorExpired => Retry::WithoutCursor,
        FailureKind::Internal => Retry::Later(None),
    }
}

impl fmt::Display for CallErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Failure(failure) => write!(f, "{} ({})", failure.message, failure.code),
            Self::Trap { message, guest_stderr } if guest_stderr.is_empty() => write!(f, "it crashed: {message}"),
            Self::Trap { guest_stderr, .. } => write!(f, "it crashed: {guest_stderr}"),
            Self::CpuBudget { limit } => write!(f, "it used more than {limit:?} of CPU"),
            Self::Memory { limit_bytes } => write!(f, "it needs more than {limit_bytes} bytes of memory"),
            Self::Deadline { limit } => write!(f, "it did not answer within {limit:?}"),
            Self::Crossing { limit_bytes } => write!(f, "it handed over more than {limit_bytes} bytes"),
            Self::Invalid(what) => write!(f, "it broke the contract: {what}"),
            Self::TooMuch { what, found, limit } => write!(f, "{found} {what}, the limit is {limit}"),
            Self::Host(what) => write!(f, "the host failed: {what}"),
        }
    }
}

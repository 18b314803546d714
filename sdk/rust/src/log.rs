//! Lines for the operator. The host adds plugin, version, connection and run, and masks secrets.

#[cfg(target_family = "wasm")]
use crate::guest::wire as host;
#[cfg(not(target_family = "wasm"))]
use crate::mock as host;

/// Severity, least first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Every request and decision; off by default.
    Trace,
    /// Useful while writing the plugin; off by default.
    Debug,
    /// Milestones of a run.
    Info,
    /// Something was lost or worked around.
    Warn,
    /// The run is about to fail.
    Error,
}

/// Whether a line of this level would be kept.
pub fn enabled(level: Level) -> bool {
    host::log_enabled(level)
}

/// Writes one line: a constant phrase, the facts as fields.
pub fn write(level: Level, message: &str, fields: &[(&str, &str)]) {
    host::log(level, message, fields);
}

/// Writes a line of level [`Level::Info`].
pub fn info(message: &str, fields: &[(&str, &str)]) {
    write(Level::Info, message, fields);
}

/// Writes a line of level [`Level::Warn`].
pub fn warn(message: &str, fields: &[(&str, &str)]) {
    write(Level::Warn, message, fields);
}

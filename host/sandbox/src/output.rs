//! What a plugin says: log lines, stdout and stderr of one run, under one quota. Lines over it are counted and
//! dropped; the end of stderr is kept in any case, for it holds the text of a panic.

use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use bytes::Bytes;
use tokio::io::AsyncWrite;
use wasmtime_wasi::cli::{IsTerminal, StdoutStream};
use wasmtime_wasi::p2::{OutputStream, Pollable, StreamResult};

use crate::bindings::log::Level;
use crate::limits::Limits;

/// Target of the log lines of plugins, for filters.
pub(crate) const TARGET: &str = "weir::plugin";
/// Bytes of stderr that are kept.
const TAIL_BYTES: usize = 4 << 10;
/// Lines, and their bytes, that are kept with a run.
const KEPT_LINES_MAX: usize = 100;
const KEPT_BYTES_MAX: usize = 4 << 10;
/// Fields of one line.
const FIELDS_MAX: usize = 32;

/// The two streams a guest can write to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stream {
    Stdout,
    Stderr,
}

/// What a plugin logged in one run, the first of it, for those who look at the run. Shared with the run, so that it is
/// there whatever end that came to.
#[derive(Debug, Clone, Default)]
pub struct RunLog(Arc<Mutex<Vec<String>>>);

impl RunLog {
    /// The lines: level, message, fields.
    pub fn lines(&self) -> Vec<String> {
        self.lock().clone()
    }

    fn push(&self, line: &str) {
        let (line, mut lines) = (cut(line.trim_end(), KEPT_BYTES_MAX / 4), self.lock());
        let bytes: usize = lines.iter().map(String::len).sum();
        if lines.len() < KEPT_LINES_MAX && bytes + line.len() <= KEPT_BYTES_MAX {
            lines.push(line.to_owned());
        }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Quota and tail of one run.
#[derive(Debug)]
pub(crate) struct Output {
    plugin: String,
    connection: String,
    line_bytes_max: usize,
    bytes_left: usize,
    lines: LineBudget,
    dropped: u64,
    stderr_tail: Vec<u8>,
    kept: RunLog,
}

/// Shared by the store and the streams the guest holds.
#[derive(Debug, Clone)]
pub(crate) struct SharedOutput(Arc<Mutex<Output>>);

impl SharedOutput {
    pub(crate) fn new(plugin: &str, connection: &str, kept: RunLog, limits: &Limits) -> Self {
        Self(Arc::new(Mutex::new(Output {
            plugin: plugin.to_owned(),
            connection: connection.to_owned(),
            line_bytes_max: limits.log_line_bytes_max,
            bytes_left: limits.log_bytes_max,
            lines: LineBudget::new(limits, Instant::now()),
            dropped: 0,
            stderr_tail: Vec::new(),
            kept,
        })))
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, Output> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn stream(&self, stream: Stream) -> GuestStream {
        GuestStream { output: self.clone(), stream }
    }
}

impl Output {
    /// Writes one line of the guest's log.
    pub(crate) fn log(&mut self, level: Level, message: &str, fields: &[(String, String)]) {
        let fields = fields.iter().take(FIELDS_MAX).map(|(name, value)| format!("{name}={value}"));
        let fields = fields.collect::<Vec<_>>().join(" ");
        let message = printable(cut(message, self.line_bytes_max));
        let fields = printable(cut(&fields, self.line_bytes_max));
        if self.admit(message.len() + fields.len(), Instant::now()) {
            emit(level, &self.plugin, &self.connection, &fields, &message);
            self.kept.push(&format!("{} {message} {fields}", level_name(level)));
        }
    }

    fn write(&mut self, stream: Stream, bytes: &[u8]) {
        if stream == Stream::Stderr {
            self.stderr_tail.extend_from_slice(bytes);
            let excess = self.stderr_tail.len().saturating_sub(TAIL_BYTES);
            self.stderr_tail.drain(..excess);
        }
        let text = String::from_utf8_lossy(bytes);
        let text = printable(cut(text.trim_end(), self.line_bytes_max));
        if !text.is_empty() && self.admit(text.len(), Instant::now()) {
            emit(Level::Debug, &self.plugin, &self.connection, "", &text);
        }
    }

    fn admit(&mut self, bytes: usize, now: Instant) -> bool {
        let admitted = bytes <= self.bytes_left && self.lines.take(now);
        if admitted {
            self.bytes_left -= bytes;
        } else {
            self.dropped += 1;
        }
        admitted
    }

    /// The last 4 KiB of stderr, without the hint Rust adds to panics.
    pub(crate) fn stderr_tail(&self) -> String {
        let text = String::from_utf8_lossy(&self.stderr_tail);
        let lines = text.lines().filter(|line| !line.starts_with("note: run with `RUST_BACKTRACE"));
        let lines = lines.map(printable).collect::<Vec<_>>();
        lines.join("\n").trim().to_owned()
    }
}

impl Drop for Output {
    fn drop(&mut self) {
        if self.dropped > 0 {
            let Self { plugin, connection, dropped, .. } = self;
            tracing::warn!(target: TARGET, plugin, connection, dropped, "plugin wrote more than its log quota");
        }
    }
}

/// Lines a guest may write: a burst, refilled at a steady rate.
#[derive(Debug)]
struct LineBudget {
    burst: f64,
    per_second: f64,
    left: f64,
    at: Instant,
}

impl LineBudget {
    fn new(limits: &Limits, now: Instant) -> Self {
        let burst = f64::from(limits.log_lines_burst);
        Self { burst, per_second: f64::from(limits.log_lines_per_second), left: burst, at: now }
    }

    fn take(&mut self, now: Instant) -> bool {
        let refill = now.saturating_duration_since(self.at).as_secs_f64() * self.per_second;
        self.at = now;
        self.left = (self.left + refill).min(self.burst);
        let admitted = self.left >= 1.0;
        if admitted {
            self.left -= 1.0;
        }
        admitted
    }
}

/// The longest beginning of `text` of at most `bytes_max` bytes.
pub(crate) fn cut(text: &str, bytes_max: usize) -> &str {
    let end = (0..=bytes_max.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    &text[..end]
}

/// Escapes what could act on a terminal.
pub(crate) fn printable(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_control() && c != '\t' {
            out.extend(c.escape_default());
        } else {
            out.push(c);
        }
    }
    out
}

fn level_name(level: Level) -> &'static str {
    match level {
        Level::Trace => "trace",
        Level::Debug => "debug",
        Level::Info => "info",
        Level::Warn => "warn",
        Level::Error => "error",
    }
}

/// Whether a line of this level is kept.
pub(crate) fn is_enabled(level: Level) -> bool {
    match level {
        Level::Trace => tracing::enabled!(target: TARGET, tracing::Level::TRACE),
        Level::Debug => tracing::enabled!(target: TARGET, tracing::Level::DEBUG),
        Level::Info => tracing::enabled!(target: TARGET, tracing::Level::INFO),
        Level::Warn => tracing::enabled!(target: TARGET, tracing::Level::WARN),
        Level::Error => tracing::enabled!(target: TARGET, tracing::Level::ERROR),
    }
}

fn emit(level: Level, plugin: &str, connection: &str, fields: &str, said: &str) {
    match level {
        Level::Trace => tracing::trace!(target: TARGET, plugin, connection, fields, said, "plugin log line"),
        Level::Debug => tracing::debug!(target: TARGET, plugin, connection, fields, said, "plugin log line"),
        Level::Info => tracing::info!(target: TARGET, plugin, connection, fields, said, "plugin log line"),
        Level::Warn => tracing::warn!(target: TARGET, plugin, connection, fields, said, "plugin log line"),
        Level::Error => tracing::error!(target: TARGET, plugin, connection, fields, said, "plugin log line"),
    }
}

/// One of the guest's standard streams. Takes everything at once and keeps what the quota allows.
#[derive(Debug, Clone)]
pub(crate) struct GuestStream {
    output: SharedOutput,
    stream: Stream,
}

impl IsTerminal for GuestStream {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for GuestStream {
    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        // Only asked for by WASI 0.3, which is not linked.
        Box::new(tokio::io::sink())
    }

    fn p2_stream(&self) -> Box<dyn OutputStream> {
        Box::new(self.clone())
    }
}

impl OutputStream for GuestStream {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        self.output.lock().write(self.stream, &bytes);
        Ok(())
    }

    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        Ok(64 << 10)
    }
}

impl Pollable for GuestStream {
    fn ready<'a, 'b>(&'a mut self) -> Pin<Box<dyn Future<Output = ()> + Send + 'b>>
    where
        'a: 'b,
        Self: 'b,
    {
        Box::pin(std::future::ready(()))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn output(limits: &Limits) -> SharedOutput {
        SharedOutput::new("p", "c", RunLog::default(), limits)
    }

    #[test]
    fn a_burst_is_admitted_and_then_a_steady_rate() {
        let limits = Limits { log_lines_burst: 3, log_lines_per_second: 2, ..Limits::default() };
        let start = Instant::now();
        let mut lines = LineBudget::new(&limits, start);
        let mut admitted = |at| (0..10).filter(|_| lines.take(at)).count();
        assert_eq!(admitted(start), 3);
        assert_eq!(admitted(start + Duration::from_secs(1)), 2);
        assert_eq!(admitted(start + Duration::from_secs(100)), 3);
    }

    #[test]
    fn bytes_of_a_run_have_a_limit() {
        let shared = output(&Limits { log_bytes_max: 10, ..Limits::default() });
        shared.lock().log(Level::Info, "0123456789", &[]);
        assert_eq!(shared.lock().dropped, 0);
        shared.lock().log(Level::Info, "x", &[]);
        assert_eq!(shared.lock().dropped, 1);
    }

    #[test]
    fn the_tail_of_stderr_is_kept_past_the_quota() {
        let shared = output(&Limits { log_bytes_max: 0, ..Limits::default() });
        shared.lock().write(Stream::Stderr, &[b'x'; 10_000]);
        shared.lock().write(Stream::Stderr, b"\nthe end\x1b[0m\nnote: run with `RUST_BACKTRACE=1`\n");
        let tail = shared.lock().stderr_tail();
        assert!(tail.ends_with("the end\\u{1b}[0m"), "{tail}");
        assert!(tail.len() <= TAIL_BYTES);
    }

    #[test]
    fn texts_are_cut_between_characters() {
        assert_eq!(cut("añb", 2), "a");
        assert_eq!(cut("añb", 3), "añ");
        assert_eq!(cut("añb", 9), "añb");
    }
}

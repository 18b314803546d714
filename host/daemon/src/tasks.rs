//! The one place that starts tasks: each has a name, and a panic in one is said aloud instead of lost.

use std::future::Future;

use tokio::task::JoinHandle;

/// Starts a task under a name.
pub(crate) fn spawn<T: Send + 'static>(
    name: &'static str,
    task: impl Future<Output = T> + Send + 'static,
) -> JoinHandle<T> {
    use tracing::Instrument;
    tokio::spawn(task.instrument(tracing::debug_span!("task", name)))
}

//! The one place that starts tasks: each has a name, and a panic in one is said aloud instead of lost.

use std::future::Future;

use tokio::task::JoinHandle;

use crate::error::Fault;

/// Starts a task under a name.
pub(crate) fn spawn<T: Send + 'static>(
    name: &'static str,
    task: impl Future<Output = T> + Send + 'static,
) -> JoinHandle<T> {
    use tracing::Instrument;
    tokio::spawn(task.instrument(tracing::debug_span!("task", name)))
}

/// Does blocking work off the runtime's threads, where plugins can still be called.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Fault> + Send + 'static,
) -> Result<T, Fault> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|error| Fault::host("the work was not finished").caused_by(error))?
}

//! The processor at work: woken by the log, on a thread that may block, ended with the host or before.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use weir_model::Seq;

use super::Host;
use crate::error::Fault;
use crate::process::Processor;
use crate::tasks;

/// Pause before a failed round is tried again, and longest wait for a wake that was missed.
const PAUSE: Duration = Duration::from_secs(5);

/// Pause between rounds.
const GATHER: Duration = Duration::from_millis(30);

/// Processing in the background.
pub struct Processing {
    stop: CancellationToken,
    task: JoinHandle<()>,
}

impl Processing {
    /// Processes what the log holds and what comes, until stopped.
    pub fn start(host: &Arc<Host>) -> Result<Self, Fault> {
        let wake = Arc::new(Notify::new());
        let woken = wake.clone();
        host.account.log.on_append(Box::new(move |_: Seq| woken.notify_one()));
        let processor = Processor::new(host.account.clone(), host.normaliser()?);
        let stop = host.stop.child_token();
        Ok(Self { stop: stop.clone(), task: tasks::spawn("processor", work(host.clone(), processor, wake, stop)) })
    }

    /// Ends after the round under way.
    pub async fn stop(self) {
        self.stop.cancel();
        if let Err(error) = self.task.await {
            tracing::error!(%error, "processing ended in a panic");
        }
    }

    /// The task, for an owner who ends the host as a whole.
    pub(super) fn into_task(self) -> JoinHandle<()> {
        self.task
    }
}

async fn work(host: Arc<Host>, mut processor: Processor, wake: Arc<Notify>, stop: CancellationToken) {
    loop {
        let round = tokio::task::spawn_blocking(move || {
            processor.refresh();
            let result = processor.catch_up(&mut |_| {});
            (processor, result)
        });
        let result = match round.await {
            Ok((returned, result)) => {
                processor = returned;
                processor.take_asked_for().iter().for_each(|name| host.asked_for(name).notify_one());
                result
            }
            Err(error) => return tracing::error!(%error, "processing ended in a panic; restart the host"),
        };
        host.note_processing(result.as_ref().err().map(Fault::chain));
        if let Err(fault) = &result {
            tracing::error!(error = fault.chain(), "processing is stuck and will be tried again");
        }
        // A moment to gather: a page that follows at once is then part of the next round and not a round of its own.
        tokio::time::sleep(GATHER).await;
        // Each of the waits can be dropped: what they wait for stays in the log.
        tokio::select! {
            () = stop.cancelled() => return,
            () = wake.notified(), if result.is_ok() => {}
            () = tokio::time::sleep(PAUSE) => {}
        }
    }
}

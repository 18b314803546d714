//! Backups that nobody has to think of.

use std::sync::{Arc, PoisonError};
use std::time::Duration;

use weir_model::Timestamp;

use super::Host;
use crate::audit::Actor;
use crate::config::BackupConfig;
use crate::error::Fault;
use crate::{backup, clock, tasks};

/// Wait after a backup that failed.
const AGAIN: Duration = Duration::from_secs(600);

impl Host {
    /// When the last backup of `[backup]` was taken, if that is known.
    pub fn backed_up_at(&self) -> Option<Timestamp> {
        *self.backed_up_at.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn note_backup(&self, at: Timestamp) {
        *self.backed_up_at.lock().unwrap_or_else(PoisonError::into_inner) = Some(at);
    }
}

/// Backs up as often as is wanted, until the host ends.
pub(super) async fn back_up(host: Arc<Host>, wanted: BackupConfig) {
    if let Ok(last) = backup::read(&wanted.to, None) {
        host.note_backup(last.at);
    }
    let mut wait = until_due(&host, &wanted);
    loop {
        tokio::select! {
            () = host.stop.cancelled() => return,
            () = tokio::time::sleep(wait) => {}
        }
        wait = match take(&host, &wanted).await {
            Ok(()) => until_due(&host, &wanted),
            Err(fault) => {
                tracing::error!(to = %wanted.to.display(), error = fault.chain(), "no backup was taken");
                AGAIN
            }
        };
    }
}

fn until_due(host: &Host, wanted: &BackupConfig) -> Duration {
    let Some(last) = host.backed_up_at() else { return Duration::ZERO };
    let age = clock::now().since(last).map_or(Duration::ZERO, |age| Duration::from_millis(age.0));
    wanted.every.0.saturating_sub(age)
}

async fn take(host: &Arc<Host>, wanted: &BackupConfig) -> Result<(), Fault> {
    let (taking, to) = (host.clone(), wanted.to.clone());
    let work = move || {
        let data_dir = &taking.config.host.data_dir;
        backup::take(&taking.account, data_dir, &to, &Actor::host("backup"))
    };
    let taken = tasks::blocking(work).await?;
    for problem in &taken.damaged {
        tracing::error!(problem, "a part of the log is damaged and not in the backup");
    }
    host.note_backup(taken.at);
    Ok(())
}

//! Backups and exports that nobody has to think of.

use std::path::Path;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use weir_model::Timestamp;

use super::Host;
use crate::audit::Actor;
use crate::config::{BackupConfig, ExportConfig};
use crate::error::Fault;
use crate::{backup, clock, export, tasks};

/// Wait after one that failed.
const AGAIN: Duration = Duration::from_secs(600);

/// A copy that is made again and again.
pub(super) trait Copying: Send + Sync + 'static {
    /// What it is called.
    const NAME: &'static str;

    fn to(&self) -> &Path;

    fn every(&self) -> Duration;

    /// When it was made last, as it says itself.
    fn last(&self, host: &Host) -> Option<Timestamp>;

    /// Makes it; when that was.
    fn make(&self, host: &Host) -> Result<Timestamp, Fault>;
}

impl Copying for BackupConfig {
    const NAME: &'static str = "backup";

    fn to(&self) -> &Path {
        &self.to
    }

    fn every(&self) -> Duration {
        self.every.0
    }

    fn last(&self, host: &Host) -> Option<Timestamp> {
        let at = backup::read(&self.to, None).ok()?.at;
        host.note_backup(at);
        Some(at)
    }

    fn make(&self, host: &Host) -> Result<Timestamp, Fault> {
        let taken = backup::take(&host.account, &host.config.host.data_dir, &self.to, &Actor::host(Self::NAME))?;
        for problem in &taken.damaged {
            tracing::error!(problem, "a part of the log is damaged and not in the backup as it was");
        }
        host.note_backup(taken.at);
        Ok(taken.at)
    }
}

impl Copying for ExportConfig {
    const NAME: &'static str = "export";

    fn to(&self) -> &Path {
        &self.to
    }

    fn every(&self) -> Duration {
        self.every.0
    }

    fn last(&self, _: &Host) -> Option<Timestamp> {
        export::finished_at(&self.to)
    }

    fn make(&self, host: &Host) -> Result<Timestamp, Fault> {
        let by = Actor::host(Self::NAME);
        Ok(export::noted(&host.account, self.wanted(), &self.to, &by, &mut |_| {})?.at)
    }
}

impl Host {
    /// When the last backup of `[backup]` was taken, if that is known.
    pub fn backed_up_at(&self) -> Option<Timestamp> {
        *self.backed_up_at.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn note_backup(&self, at: Timestamp) {
        *self.backed_up_at.lock().unwrap_or_else(PoisonError::into_inner) = Some(at);
    }
}

/// Copies as often as is wanted, until the host ends.
pub(super) async fn copy_again<C: Copying>(host: Arc<Host>, copying: C) {
    let copying = Arc::new(copying);
    let mut wait = match off_thread(&host, &copying, |host, copying| Ok(copying.last(host))).await {
        Ok(Some(last)) => copying.every().saturating_sub(age(last)),
        Ok(None) | Err(_) => Duration::ZERO,
    };
    loop {
        tokio::select! {
            () = host.stop.cancelled() => return,
            () = tokio::time::sleep(wait) => {}
        }
        wait = match off_thread(&host, &copying, |host, copying| copying.make(host)).await {
            Ok(at) => copying.every().saturating_sub(age(at)),
            Err(fault) => {
                tracing::error!(to = %copying.to().display(), error = fault.chain(), "no {} was made", C::NAME);
                AGAIN
            }
        };
    }
}

async fn off_thread<C: Copying, T: Send + 'static>(
    host: &Arc<Host>,
    copying: &Arc<C>,
    work: impl FnOnce(&Host, &C) -> Result<T, Fault> + Send + 'static,
) -> Result<T, Fault> {
    let (host, copying) = (host.clone(), copying.clone());
    tasks::blocking(move || work(&host, &copying)).await
}

fn age(at: Timestamp) -> Duration {
    clock::now().since(at).map_or(Duration::ZERO, |age| Duration::from_millis(age.0))
}

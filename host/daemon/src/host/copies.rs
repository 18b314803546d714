//! Backups and exports that nobody has to think of.

use std::sync::{Arc, PoisonError};
use std::time::Duration;

use weir_model::Timestamp;

use super::Host;
use crate::audit::Actor;
use crate::config::{BackupConfig, ExportConfig, Interval};
use crate::error::Fault;
use crate::export::{Place, To};
use crate::{backup, clock, export, tasks};

/// Wait after one that failed.
const AGAIN: Duration = Duration::from_secs(600);

/// A copy that is made again and again.
pub(super) trait Copying: Send + Sync + 'static {
    /// What it is called.
    const NAME: &'static str;

    /// When it was made last, as it says itself.
    fn last(&self, host: &Host) -> Result<Option<Timestamp>, Fault>;

    /// Makes it; when that was.
    fn make(&self, host: &Host) -> Result<Timestamp, Fault>;

    /// Hears when it was made last.
    fn made(_host: &Host, _at: Timestamp) {}
}

impl Copying for BackupConfig {
    const NAME: &'static str = "backup";

    fn last(&self, _host: &Host) -> Result<Option<Timestamp>, Fault> {
        Ok(backup::read(&self.to, None).ok().map(|backup| backup.at))
    }

    fn make(&self, host: &Host) -> Result<Timestamp, Fault> {
        let taken = backup::take(&host.account, &host.config.host.data_dir, &self.to, &Actor::host(Self::NAME))?;
        for problem in &taken.damaged {
            tracing::error!(problem, "a part of the log is damaged and not in the backup as it was");
        }
        Ok(taken.at)
    }

    fn made(host: &Host, at: Timestamp) {
        *host.backed_up_at.lock().unwrap_or_else(PoisonError::into_inner) = Some(at);
    }
}

impl Copying for ExportConfig {
    const NAME: &'static str = "export";

    fn last(&self, host: &Host) -> Result<Option<Timestamp>, Fault> {
        export::finished_at(&*host.place(&self.to)?)
    }

    fn make(&self, host: &Host) -> Result<Timestamp, Fault> {
        let (by, place) = (Actor::host(Self::NAME), host.place(&self.to)?);
        Ok(export::noted(&host.account, self.wanted(), &*place, &by, &mut |_| {})?.at)
    }
}

impl Host {
    /// When the last backup of `[backup]` was taken, if that is known.
    pub fn backed_up_at(&self) -> Option<Timestamp> {
        *self.backed_up_at.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Opens a place for exports.
    pub fn place(&self, to: &To) -> Result<Box<dyn Place>, Fault> {
        export::open(to, &self.config, &self.egress)
    }
}

/// Copies as often as is wanted, until the host ends.
pub(super) async fn copy_again<C: Copying>(host: Arc<Host>, every: Interval, copying: C) {
    let copying = Arc::new(copying);
    let mut last = off_thread(&host, &copying, |host, copying| copying.last(host)).await;
    loop {
        let wait = match last {
            Ok(Some(at)) => {
                C::made(&host, at);
                let age = clock::now().since(at).map_or(Duration::ZERO, |age| Duration::from_millis(age.0));
                every.0.saturating_sub(age)
            }
            Ok(None) => Duration::ZERO,
            Err(fault) => {
                tracing::error!(error = fault.chain(), "no {} was made", C::NAME);
                AGAIN
            }
        };
        tokio::select! {
            () = host.stop.cancelled() => return,
            () = tokio::time::sleep(wait) => {}
        }
        last = off_thread(&host, &copying, |host, copying| copying.make(host).map(Some)).await;
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

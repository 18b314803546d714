//! The Jenkins collector inside the host: watches a home on disk and feeds what it finds into the log.

use std::cell::RefCell;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use weir_jenkins::{Home, Report, Scan, Seen, Settings, Stop, WatchOptions};
use weir_model::{IntegrationName, RawRecord, StreamId};
use weir_stages::normalise::Format;
use weir_store::Commit;

use crate::account::Account;
use crate::clock;
use crate::config::IntegrationConfig;
use crate::error::Fault;
use crate::hex::sha256;
use crate::host::Host;
use crate::normaliser::{Source, dataset};

/// Reports of every build below a folder, of however many homes.
pub fn scan_folder(folder: &Path) -> Result<Vec<Report>, Fault> {
    let unreadable = |error| Fault::config(format!("cannot read {}", folder.display())).caused_by(error);
    let mut reports = Vec::new();
    for home in Home::discover(&Settings::new(folder)).map_err(unreadable)? {
        home.scan(&mut Seen::default(), &mut |report| {
            reports.push(report);
            ControlFlow::Continue(())
        });
    }
    Ok(reports)
}

/// Settings of the collector, from the integration's.
fn settings(integration: &IntegrationConfig) -> Result<weir_jenkins::Settings, Fault> {
    serde_json::from_str(&integration.settings_json()).map_err(|error| {
        Fault::config(format!("settings of integration `{}` do not fit", integration.name))
            .hint("they are { home, jobs, deployments }")
            .caused_by(error)
    })
}

/// The home of an integration.
pub fn home(integration: &IntegrationConfig) -> Result<Home, Fault> {
    Home::open(&settings(integration)?).map_err(|error| {
        Fault::config(format!("cannot watch the Jenkins home of `{}`", integration.name))
            .hint("`home` in its settings is the folder that holds `jobs`")
            .caused_by(error)
    })
}

/// Reports kept in one commit.
const BATCH: usize = 64;

/// A home being watched. What was reported is remembered beside the data, so that a restart reads only what is new.
pub struct Watch {
    account: Arc<Account>,
    name: IntegrationName,
    home: Home,
    memory: PathBuf,
    stop: Stop,
}

impl Watch {
    /// Prepares the watch of an integration.
    pub fn open(host: &Host, integration: &IntegrationConfig) -> Result<Self, Fault> {
        let home = home(integration)?;
        // Other settings report other builds: they begin with a memory of their own.
        let tag = &sha256(integration.settings_json())[..12];
        let memory = host.config.host.data_dir.join("cache").join(format!("jenkins-{}-{tag}.json", integration.name));
        let (account, name) = (host.account.clone(), integration.name.clone());
        Ok(Self { account, name, home, memory, stop: Stop::default() })
    }

    /// Ends [`Watch::run`] from another thread.
    pub fn stop(&self) -> Stop {
        self.stop.clone()
    }

    /// Feeds builds into the log as they come. Blocks until stopped.
    pub fn run(self) {
        let mut seen = Seen::load(&self.memory).unwrap_or_default();
        let waiting = RefCell::new(Vec::new());
        let mut sink = |report: Report| {
            let mut waiting = waiting.borrow_mut();
            waiting.push(report);
            // A build counts as seen only when it is durable: what cannot be kept now is reported again.
            if waiting.len() < BATCH || self.keep(&mut waiting) {
                ControlFlow::Continue(())
            } else {
                ControlFlow::Break(())
            }
        };
        let mut after = |seen: &Seen, _: &Scan| {
            if self.keep(&mut waiting.borrow_mut())
                && let Err(error) = seen.save(&self.memory)
            {
                tracing::warn!(integration = %self.name, %error, "what was read of the Jenkins home is not remembered");
            }
        };
        weir_jenkins::watch(&self.home, &WatchOptions::default(), &mut seen, &self.stop, &mut sink, &mut after);
    }

    /// Keeps reports in one commit; whether they are durable.
    fn keep(&self, reports: &mut Vec<Report>) -> bool {
        if reports.is_empty() {
            return true;
        }
        let stream = StreamId { integration: self.name.clone(), dataset: dataset(Format::Builds) };
        let puts = match Source::native().remember(&self.account.log, &self.name) {
            Ok(put) => put.into_iter().collect(),
            Err(_) => Vec::new(),
        };
        let records = reports.iter().cloned().map(|report| (stream.clone(), raw(report))).collect();
        match self.account.log.append(Commit { records, received_at: clock::now(), puts }) {
            Ok(_) => {
                reports.clear();
                true
            }
            Err(error) => {
                tracing::error!(integration = %self.name, %error, "builds wait in the Jenkins home");
                false
            }
        }
    }
}

/// A report as a raw record; what Jenkins wrote last counts.
pub fn raw(report: Report) -> RawRecord {
    RawRecord::upsert(report.key, Some(report.changed_at), report.json)
}

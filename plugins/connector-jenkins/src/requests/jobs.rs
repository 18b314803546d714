//! All jobs of an instance, however deep they lie, with one request for five levels of folders.

use serde::Deserialize;
use weir_sdk::address;
use weir_sdk::prelude::*;

use super::unreadable;
use crate::origin::{Origin, decoded};
use crate::settings::Settings;

/// Levels of folders one request asks for; what lies deeper is asked for folder by folder.
const LEVELS: usize = 5;
/// Longest full name; the key of a record is little longer, and must not be longer than 512 bytes.
const NAME_BYTES_MAX: usize = 480;
/// How addresses of change requests look at the code hosts.
const CHANGE_PAGES: [&str; 4] = ["/pull/", "/pulls/", "/pull-requests/", "/merge_requests/"];

/// A job that has builds.
#[derive(Debug, Clone)]
pub(super) struct Job {
    pub(super) origin: Origin,
    /// When its last build began, in milliseconds.
    pub(super) last_build_at: i64,
    /// Class of Jenkins.
    pub(super) class: String,
}

/// The children of a folder. An answer without them is none.
#[derive(Deserialize)]
struct Folder {
    jobs: Vec<Item>,
}

#[derive(Deserialize)]
struct Item {
    #[serde(default, rename = "_class")]
    class: String,
    name: String,
    jobs: Option<Vec<Item>>,
    #[serde(rename = "lastBuild")]
    last_build: Option<LastBuild>,
    #[serde(default)]
    actions: Vec<Option<ItemAction>>,
    #[serde(default)]
    modules: Vec<Item>,
    #[serde(default, rename = "activeConfigurations")]
    configurations: Vec<Item>,
}

#[derive(Deserialize)]
struct LastBuild {
    timestamp: i64,
}

#[derive(Deserialize)]
struct ItemAction {
    #[serde(rename = "objectUrl")]
    object_url: Option<String>,
}

/// Every job with builds the settings choose, by name.
pub(super) fn list(connection: &Connection<'_>, settings: &Settings) -> Result<Vec<Job>, Failure> {
    let system = settings.instance.clone().unwrap_or_else(|| host(&connection.site()));
    let mut waiting = vec![Origin { system, ..Origin::default() }];
    let mut listing = Listing { settings, jobs: Vec::new(), deeper: Vec::new() };
    while let Some(folder) = waiting.pop() {
        let answer = connection.get(format!("{}/api/json", folder.path)).query("tree", tree()).send();
        let answer = match answer {
            // A folder that went since it was listed has no jobs any more.
            Err(failure) if failure.kind == FailureKind::Gone && !folder.job.is_empty() => continue,
            answer => answer?,
        };
        let text = answer.text()?;
        let found: Folder = serde_json::from_str(&text).map_err(|error| unreadable("the list of jobs", &error))?;
        listing.walk(&folder, Sort::Folder, found.jobs, 1);
        waiting.append(&mut listing.deeper);
    }
    listing.jobs.sort_unstable_by(|one, other| one.origin.job.cmp(&other.origin.job));
    listing.jobs.dedup_by(|one, other| one.origin.job == other.origin.job);
    Ok(listing.jobs)
}

/// What an item lies in.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Sort {
    Folder,
    Multibranch,
    /// A job made of jobs.
    Job,
}

struct Listing<'a> {
    settings: &'a Settings,
    jobs: Vec<Job>,
    /// Folders that were too deep.
    deeper: Vec<Origin>,
}

impl Listing<'_> {
    fn walk(&mut self, above: &Origin, sort: Sort, items: Vec<Item>, level: usize) {
        for item in items {
            let origin = below(above, sort, &item);
            match item.jobs {
                Some(jobs) if level == LEVELS && !jobs.is_empty() => self.deeper.push(origin),
                Some(jobs) => self.walk(&origin, sort_of(&item.class), jobs, level + 1),
                None => {
                    self.walk(&origin, Sort::Job, item.modules, level);
                    self.walk(&origin, Sort::Job, item.configurations, level);
                    self.add(origin, item.class, item.last_build);
                }
            }
        }
    }

    fn add(&mut self, origin: Origin, class: String, last_build: Option<LastBuild>) {
        let Some(last_build) = last_build.filter(|_| self.settings.chooses(&origin)) else { return };
        if origin.job.len() > NAME_BYTES_MAX {
            return weir_sdk::log::warn("left out a job whose name is too long", &[("job", &origin.job)]);
        }
        self.jobs.push(Job { origin, last_build_at: last_build.timestamp, class });
    }
}

/// A multibranch project below a folder of an organisation is a folder of branches too.
fn sort_of(class: &str) -> Sort {
    if class.ends_with("MultiBranchProject") { Sort::Multibranch } else { Sort::Folder }
}

fn below(above: &Origin, sort: Sort, item: &Item) -> Origin {
    let joint = if above.job.is_empty() { "" } else { "/" };
    let part = address::path([item.name.as_str()]);
    let step = if sort == Sort::Job { "" } else { "/job" };
    let pages = item.actions.iter().flatten().filter_map(|action| action.object_url.clone());
    Origin {
        system: above.system.clone(),
        job: format!("{}{joint}{}", above.job, item.name),
        path: format!("{}{step}{part}", above.path),
        branch: (sort == Sort::Multibranch).then(|| decoded(&item.name)),
        change: pages.into_iter().find(|url| CHANGE_PAGES.iter().any(|page| url.contains(page))),
        within: (sort == Sort::Job).then(|| above.job.clone()),
    }
}

fn tree() -> String {
    const FIELDS: &str = "name,lastBuild[timestamp],actions[objectUrl],modules[name,lastBuild[timestamp]],\
                          activeConfigurations[name,lastBuild[timestamp]]";
    (0..LEVELS).fold("jobs[name]".to_owned(), |below, _| format!("jobs[{FIELDS},{below}]"))
}

/// Host of the instance, by which builds of two stay apart.
fn host(site: &str) -> String {
    let rest = site.split_once("://").map_or(site, |(_, rest)| rest);
    rest.split('/').next().unwrap_or_default().to_owned()
}

//! What the settings of a job say about its builds.
//!
//! Settings hold credentials, so only four things are looked at: the name of the branch, the pull request, the repository
//! and nothing else. Invariant: no other text of a `config.xml` is kept.

use std::fs;
use std::path::{Path, PathBuf};

use weir_protocol::Change;
use weir_protocol::redact::without_user;

use crate::checkouts::change;
use crate::xml::{self, Limits, simple_name};

/// Known of a job.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Job {
    /// Name of its item where the folder's name had to be changed.
    pub(crate) name: Option<String>,
    /// Branch it is for.
    pub(crate) branch: Option<String>,
    pub(crate) change: Option<Change>,
    pub(crate) repository: Option<String>,
}

/// The job read last: builds come job by job.
#[derive(Debug, Default)]
pub(crate) struct Jobs {
    last: Option<(PathBuf, Job)>,
}

impl Jobs {
    /// The job in `dir`.
    pub(crate) fn get(&mut self, dir: &Path) -> &Job {
        let known = self.last.take().filter(|(path, _)| path == dir);
        let (_, job) = self.last.insert(known.unwrap_or_else(|| (dir.to_owned(), read(dir))));
        job
    }
}

fn read(dir: &Path) -> Job {
    let name = fs::read_to_string(dir.join("name-utf8.txt")).ok();
    let name = name.map(|name| name.trim().to_owned()).filter(|name| !name.is_empty());
    let tree = xml::read(&dir.join("config.xml"), Limits::BUILD);
    let Some(root) = tree.root() else { return Job { name, ..Job::default() } };
    let properties = root.child("properties").into_iter().flat_map(xml::Node::children);
    let mut properties = properties.filter(|property| simple_name(property.name()) == "BranchJobProperty");
    let head = properties.find_map(|property| property.at(&["branch", "head"]));
    let scm = root.child("scm").or_else(|| root.at(&["definition", "scm"]));
    let url = scm.and_then(|scm| scm.descendants().find(|field| matches!(field.name(), "url" | "remote" | "source")));
    Job {
        name,
        branch: head.and_then(|head| head.value("name")).map(str::to_owned),
        change: head.and_then(change),
        repository: url.map(|url| without_user(url.text())).filter(|url| !url.is_empty()),
    }
}

//! What the company knows of itself: people, repositories and all that happened in them.
//!
//! Nothing lies in the future of the last step: a build that still runs has no end, a commit not yet written is not
//! here.

mod builds;
mod changes;
mod deployments;
mod issues;
mod plot;
mod profile;
#[cfg(test)]
mod tests;
mod words;

use std::collections::BTreeMap;

pub(crate) use builds::{Attempt, Conclusion, Job, Run, Workflow};
pub(crate) use changes::{Comment, Pull, Review, Verdict};
pub(crate) use deployments::{Deployment, DeploymentStatus, Release};
pub(crate) use issues::Issue;
pub(crate) use plot::Happening;
use plot::Plot;
pub(crate) use profile::{Ci, Merge, Profile};

use crate::time::Office;

/// How much company to make up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Size {
    /// Three repositories over four weeks: for tests.
    Small,
    /// Eight repositories of four teams over half a year: for the demo.
    Demo,
}

/// A company: its people, its repositories, and what is about to happen next.
#[derive(Debug, Clone)]
pub struct Company {
    pub(crate) organisation: String,
    pub(crate) people: Vec<Person>,
    pub(crate) repositories: Vec<Repository>,
    plot: Plot,
}

/// How many of each thing a company has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// Repositories.
    pub repositories: usize,
    /// People, bots among them.
    pub people: usize,
    /// Commits on all branches.
    pub commits: usize,
    /// Pull requests.
    pub pulls: usize,
    /// Issues that are no pull requests.
    pub issues: usize,
    /// Workflow runs, each counted once however often it was tried.
    pub runs: usize,
    /// Deployments.
    pub deployments: usize,
    /// Releases.
    pub releases: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct PersonRef(usize);

/// A commit of one repository, by the order in which it was written there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct CommitRef(usize);

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct RepositoryRef(usize);

#[derive(Debug, Clone)]
pub(crate) struct Person {
    pub(crate) id: u64,
    pub(crate) login: String,
    pub(crate) name: String,
    pub(crate) email: String,
    pub(crate) bot: bool,
    pub(crate) team: &'static str,
    pub(crate) office: Office,
}

#[derive(Debug, Clone)]
pub(crate) struct Repository {
    pub(crate) id: u64,
    pub(crate) profile: &'static Profile,
    pub(crate) created_at: i64,
    pub(crate) commits: Vec<Commit>,
    pub(crate) shas: BTreeMap<String, CommitRef>,
    /// Heads of the main branch over time, oldest first.
    pub(crate) heads: Vec<CommitRef>,
    pub(crate) branches: BTreeMap<String, CommitRef>,
    pub(crate) pulls: BTreeMap<u64, Pull>,
    pub(crate) issues: BTreeMap<u64, Issue>,
    /// Of issues and of pull requests.
    pub(crate) comments: Vec<Comment>,
    pub(crate) runs: Vec<Run>,
    pub(crate) deployments: Vec<Deployment>,
    pub(crate) releases: Vec<Release>,
    last_number: u64,
    last_run: BTreeMap<Workflow, u64>,
    /// The run that broke the main branch, while it is broken.
    broken_by: Option<usize>,
}

#[derive(Debug, Clone)]
pub(crate) struct Commit {
    pub(crate) sha: String,
    pub(crate) tree: String,
    pub(crate) parents: Vec<CommitRef>,
    pub(crate) author: PersonRef,
    pub(crate) authored_at: i64,
    /// None: the web page wrote it, on a merge.
    pub(crate) committer: Option<PersonRef>,
    pub(crate) committed_at: i64,
    pub(crate) message: String,
    pub(crate) files: Vec<FileChange>,
}

#[derive(Debug, Clone)]
pub(crate) struct FileChange {
    pub(crate) path: String,
    pub(crate) additions: i64,
    pub(crate) deletions: i64,
}

impl Company {
    /// The organisation's login: the part before the slash of every repository.
    pub fn organisation(&self) -> &str {
        &self.organisation
    }

    /// Full names of all repositories that GitHub hosts and builds, `owner/name`; the one that builds in Jenkins is
    /// among them, for its code is hosted here too.
    pub fn repository_names(&self) -> Vec<String> {
        self.repositories.iter().map(|repository| self.full_name(repository)).collect()
    }

    /// Full name of the repository that builds and deploys in Jenkins.
    pub fn jenkins_repository(&self) -> Option<String> {
        let builds = |repository: &&Repository| repository.profile.ci == Ci::Jenkins;
        self.repositories.iter().find(builds).map(|repository| self.full_name(repository))
    }

    /// Team names with the full names of their repositories and the e-mail addresses of their members.
    pub fn teams(&self) -> BTreeMap<&'static str, (Vec<String>, Vec<String>)> {
        let mut teams: BTreeMap<_, (Vec<_>, Vec<_>)> = BTreeMap::new();
        for repository in &self.repositories {
            teams.entry(repository.profile.team).or_default().0.push(self.full_name(repository));
        }
        for person in self.people.iter().filter(|person| !person.bot) {
            if let Some((_, members)) = teams.get_mut(person.team) {
                members.push(person.email.clone());
            }
        }
        teams
    }

    /// How much there is.
    pub fn counts(&self) -> Counts {
        let mut counts =
            Counts { repositories: self.repositories.len(), people: self.people.len(), ..Counts::default() };
        for repository in &self.repositories {
            counts.commits += repository.commits.len();
            counts.pulls += repository.pulls.len();
            counts.issues += repository.issues.len();
            counts.runs += repository.runs.len();
            counts.deployments += repository.deployments.len();
            counts.releases += repository.releases.len();
        }
        counts
    }

    pub(crate) fn full_name(&self, repository: &Repository) -> String {
        format!("{}/{}", self.organisation, repository.profile.name)
    }

    pub(crate) fn person(&self, person: PersonRef) -> &Person {
        &self.people[person.0]
    }

    pub(crate) fn repository(&self, at: RepositoryRef) -> &Repository {
        &self.repositories[at.0]
    }

    pub(crate) fn find(&self, full_name: &str) -> Option<RepositoryRef> {
        let matches = |repository: &Repository| self.full_name(repository).eq_ignore_ascii_case(full_name);
        self.repositories.iter().position(matches).map(RepositoryRef)
    }

    pub(crate) fn find_by_id(&self, id: u64) -> Option<RepositoryRef> {
        self.repositories.iter().position(|repository| repository.id == id).map(RepositoryRef)
    }

    /// When the last step was taken.
    #[cfg(test)]
    pub(crate) fn now(&self) -> i64 {
        self.plot.stamp
    }
}

impl Repository {
    pub(crate) fn commit(&self, at: CommitRef) -> &Commit {
        &self.commits[at.0]
    }

    pub(crate) fn head(&self) -> CommitRef {
        *self.heads.last().expect("a repository starts with one commit on main")
    }

    /// Commits reachable from `head`, newest first.
    pub(crate) fn reachable(&self, head: CommitRef) -> Vec<CommitRef> {
        let mut seen = vec![false; self.commits.len()];
        let mut open = vec![head];
        while let Some(at) = open.pop() {
            if !std::mem::replace(&mut seen[at.0], true) {
                open.extend(&self.commit(at).parents);
            }
        }
        let mut found: Vec<_> = (0..seen.len()).filter(|&at| seen[at]).map(CommitRef).collect();
        found.sort_by_key(|&at| (std::cmp::Reverse(self.commit(at).committed_at), std::cmp::Reverse(at)));
        found
    }

    /// The commit a branch, tag, full sha or unique prefix of one names.
    pub(crate) fn resolve(&self, name: &str) -> Option<CommitRef> {
        if name == "main" {
            return Some(self.head());
        }
        let tag = || self.releases.iter().find(|release| release.tag == name).map(|release| release.commit);
        let prefix = || {
            let mut hits = self.shas.range(name.to_owned()..).take_while(|(sha, _)| sha.starts_with(name));
            let (first, second) = (hits.next(), hits.next());
            if name.len() >= 7 && second.is_none() { first.map(|(_, at)| *at) } else { None }
        };
        self.branches.get(name).copied().or_else(tag).or_else(prefix)
    }

    fn add_commit(&mut self, commit: Commit) -> CommitRef {
        let at = CommitRef(self.commits.len());
        assert!(commit.parents.iter().all(|parent| *parent < at), "a commit follows its parents");
        self.shas.insert(commit.sha.clone(), at);
        self.commits.push(commit);
        at
    }

    fn next_number(&mut self) -> u64 {
        self.last_number += 1;
        self.last_number
    }
}

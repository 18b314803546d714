//! One reading of a repository: its commits and refs that are new, and the refs that are gone.
//!
//! Invariant: refs are reported after the commits they point to, and the new [`Tips`] are handed out only when all was
//! taken; a reading that is broken off is done again from the former ones.

use std::ops::ControlFlow;

use gix::ObjectId;
use weir_protocol::{Diagnostic, Ref};

use crate::refs::{Found, Refs};
use crate::report::diagnostic;
use crate::{Report, Repository, Tips};

/// How much of a history to report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extent {
    /// What cannot be reached from the known refs.
    New,
    /// Everything.
    All,
}

/// What one reading brought.
#[derive(Debug, Clone, Default)]
pub struct Scan {
    /// Commits reported.
    pub commits: u64,
    /// Refs reported: new, moved or gone.
    pub refs: u64,
    /// Refs that do not hold any more what they held.
    pub rewritten: u64,
    /// Where the refs point now; none when the sink did not take everything.
    pub tips: Option<Tips>,
    /// What could not be read.
    pub problems: Vec<Diagnostic>,
}

/// What to read, and when that is.
#[derive(Clone, Copy)]
struct Job<'a> {
    known: &'a Tips,
    extent: Extent,
    now_ms: i64,
}

impl Repository {
    /// Reports what changed since `known`. `now_ms` is the time of this reading; the sink breaks off when it cannot take
    /// more.
    pub fn read(
        &self,
        known: &Tips,
        extent: Extent,
        now_ms: i64,
        sink: &mut dyn FnMut(Report) -> ControlFlow<()>,
    ) -> Scan {
        let mut scan = Scan::default();
        if self.git.is_shallow().unwrap_or(false) {
            scan.problems.push(diagnostic(
                "shallow",
                "history",
                "the repository is shallow: older commits are missing",
            ));
        }
        let refs = self.refs(&mut scan.problems);
        let taken = self.report(Job { known, extent, now_ms }, &refs, &mut scan, sink);
        scan.tips = taken.is_continue().then(|| tips(known, &refs));
        scan
    }

    fn report(
        &self,
        Job { known, extent, now_ms }: Job<'_>,
        refs: &Refs,
        scan: &mut Scan,
        sink: &mut dyn FnMut(Report) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        let tips: Vec<ObjectId> = refs.found.iter().map(|found| found.commit).collect();
        let read_before = if extent == Extent::New { known.commits() } else { Vec::new() };
        for id in self.new_commits(&tips, &read_before, &mut scan.problems) {
            sink(self.commit(id))?;
            scan.commits += 1;
        }
        for found in &refs.found {
            let previous = known.0.get(&found.name);
            if extent == Extent::New && previous == Some(&found.commit.to_string()) {
                continue;
            }
            let report = self.moved(found, previous, now_ms);
            scan.rewritten += u64::from(report.rewritten.is_some());
            sink(Report::new(self.ref_key(&report.name), &report))?;
            scan.refs += 1;
        }
        for gone in known.0.keys().filter(|name| !refs.is_partial && !refs.holds(name)) {
            sink(Report::gone(self.ref_key(gone)))?;
            scan.refs += 1;
        }
        ControlFlow::Continue(())
    }

    fn moved(&self, found: &Found, previous: Option<&String>, now_ms: i64) -> Ref {
        let before = previous.and_then(|sha| ObjectId::from_hex(sha.as_bytes()).ok());
        let is_rewritten = before.is_some_and(|before| self.holds(found.commit, before) != Some(true));
        Ref {
            name: found.name.clone(),
            sha: found.commit.to_string(),
            repository: Some(self.name.clone()),
            at: found.at.clone(),
            previous: previous.cloned(),
            rewritten: is_rewritten.then_some(true),
            reported_at: Some(now_ms),
        }
    }

    fn ref_key(&self, name: &str) -> String {
        format!("{name}@{}", self.name)
    }
}

/// Where the refs point now. What could not be read this time is as it was.
fn tips(known: &Tips, refs: &Refs) -> Tips {
    let found = refs.found.iter().map(|found| (found.name.clone(), found.commit.to_string()));
    let kept = known.0.iter().filter(|(name, _)| refs.is_partial && !refs.holds(name));
    Tips(kept.map(|(name, sha)| (name.clone(), sha.clone())).chain(found).collect())
}

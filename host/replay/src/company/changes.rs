//! From an intention to a merge: branches, pull requests, reviews and comments.

use super::plot::{Event, Happening};
use super::{Ci, Commit, CommitRef, Company, Conclusion, FileChange, Merge, PersonRef, RepositoryRef, words};
use crate::time::{HOUR, MINUTE};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct BranchRef(usize);

/// Why someone starts a branch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Intent {
    Feature,
    Dependency,
    /// An issue to close.
    Bug(u64),
    /// The main branch is red; by repair, or by taking a commit back.
    Repair,
    Revert(CommitRef),
    /// An incident to end.
    Hotfix(u64),
}

/// Work in progress: what a clone on someone's machine knows and the server may not yet.
#[derive(Debug, Clone)]
pub(super) struct Branch {
    pub(super) repository: RepositoryRef,
    pub(super) intent: Intent,
    name: String,
    title: String,
    module: &'static str,
    author: PersonRef,
    base: Option<CommitRef>,
    commits: Vec<CommitRef>,
    n_to_write: i64,
    pull: Option<u64>,
}

#[derive(Debug, Clone)]
pub(crate) struct Pull {
    pub(crate) id: u64,
    pub(crate) number: u64,
    pub(crate) title: String,
    pub(crate) body: String,
    pub(crate) author: PersonRef,
    pub(crate) branch: String,
    pub(crate) base: CommitRef,
    pub(crate) commits: Vec<CommitRef>,
    pub(crate) labels: Vec<&'static str>,
    pub(crate) draft: bool,
    pub(crate) reviewer: Option<PersonRef>,
    pub(crate) reviews: Vec<Review>,
    pub(crate) created_at: i64,
    pub(crate) updated_at: i64,
    /// When it left draft, if it ever was one.
    pub(crate) ready_at: Option<i64>,
    pub(crate) closed_at: Option<i64>,
    pub(crate) merged: Option<Merged>,
    origin: BranchRef,
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct Merged {
    pub(crate) at: i64,
    pub(crate) by: PersonRef,
    pub(crate) commit: CommitRef,
}

#[derive(Debug, Clone)]
pub(crate) struct Review {
    pub(crate) id: u64,
    pub(crate) author: PersonRef,
    pub(crate) verdict: Verdict,
    pub(crate) body: String,
    pub(crate) commit: CommitRef,
    pub(crate) at: i64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    Approved,
    ChangesRequested,
    Commented,
}

/// A remark on an issue or a pull request.
#[derive(Debug, Clone)]
pub(crate) struct Comment {
    pub(crate) id: u64,
    /// The issue or pull request.
    pub(crate) number: u64,
    pub(crate) author: PersonRef,
    pub(crate) body: String,
    pub(crate) at: i64,
    /// The line it stands at, when it is part of a review.
    pub(crate) place: Option<Place>,
}

#[derive(Debug, Clone)]
pub(crate) struct Place {
    pub(crate) review: u64,
    pub(crate) commit: CommitRef,
    pub(crate) path: String,
    pub(crate) line: i64,
    pub(crate) reply_to: Option<u64>,
}

impl Pull {
    pub(crate) fn head(&self) -> CommitRef {
        *self.commits.last().expect("a pull request has commits")
    }

    pub(crate) fn is_open(&self) -> bool {
        self.closed_at.is_none()
    }
}

impl Company {
    /// Starts a piece of ordinary work and plans the next one.
    pub(super) fn begin(&mut self, repository: RepositoryRef) {
        let weekly = self.repository(repository).profile.pulls_a_week;
        let intent = if self.plot.random.chance(9) { Intent::Dependency } else { Intent::Feature };
        self.start_branch(repository, intent);
        let who = self.colleague(repository, None);
        let at = self.plot.random.spread(38 * HOUR / weekly);
        let wait = self.person(who).office.after(self.plot.planned, at) - self.plot.planned;
        self.plot.schedule(wait, Event::Begin(repository));
    }

    pub(super) fn start_branch(&mut self, repository: RepositoryRef, intent: Intent) {
        let profile = self.repository(repository).profile;
        let author = if intent == Intent::Dependency { self.bot() } else { self.colleague(repository, None) };
        let random = &mut self.plot.random;
        let module = *random.pick(profile.modules);
        let key = random.chance(64).then(|| format!("{}-{}", profile.project, random.between(100, 2_400)));
        let title = self.title(repository, intent, module);
        let random = &mut self.plot.random;
        let (kind, n_to_write) = match intent {
            Intent::Feature => ("feature", 1 + random.spread(10) / 16),
            Intent::Dependency => ("renovate", 1),
            Intent::Bug(_) | Intent::Repair => ("fix", random.between(1, 2)),
            Intent::Revert(_) => ("revert", 1),
            Intent::Hotfix(_) => ("hotfix", 1),
        };
        let key = key.filter(|_| matches!(intent, Intent::Feature | Intent::Bug(_)));
        let slug = words::slug(&title);
        let (name, title) = match key {
            Some(key) => (format!("{kind}/{key}-{slug}"), format!("{key}: {title}")),
            None => (format!("{kind}/{slug}-{}", random.between(10, 99)), title),
        };
        let branch = BranchRef(self.plot.branches.len());
        let (base, commits, pull) = (None, Vec::new(), None);
        self.plot.branches.push(Branch {
            repository,
            intent,
            name,
            title,
            module,
            author,
            base,
            commits,
            n_to_write,
            pull,
        });
        self.plan_code(branch);
    }

    fn title(&mut self, repository: RepositoryRef, intent: Intent, module: &str) -> String {
        let random = &mut self.plot.random;
        let repository = &self.repositories[repository.0];
        match intent {
            Intent::Feature => words::feature(random, module),
            Intent::Dependency => words::dependency(random),
            Intent::Bug(number) => format!("Fix: {}", repository.issues[&number].title),
            Intent::Repair => format!("Fix the build of {module}"),
            Intent::Revert(commit) => {
                let message = &repository.commit(commit).message;
                format!("Revert \"{}\"", message.lines().next().unwrap_or_default())
            }
            Intent::Hotfix(number) => format!("Hotfix: {} (#{number})", repository.issues[&number].title),
        }
    }

    fn plan_code(&mut self, branch: BranchRef) {
        let Branch { repository, intent, author, .. } = self.plot.branches[branch.0];
        let event = Event::Code(branch);
        match intent {
            Intent::Feature | Intent::Bug(_) => self.later(repository, author, 3 * HOUR, event),
            Intent::Repair | Intent::Revert(_) => self.later(repository, author, 15 * MINUTE, event),
            Intent::Hotfix(_) => self.soon(25 * MINUTE, event),
            Intent::Dependency => self.soon(5 * MINUTE, event),
        }
    }

    /// Writes the next commit of a branch; the last one opens the pull request, or is pushed to an open one.
    pub(super) fn code(&mut self, at: BranchRef) {
        let Branch { repository, base, .. } = self.plot.branches[at.0];
        let base = base.unwrap_or_else(|| self.repository(repository).head());
        let branch = &self.plot.branches[at.0];
        let (author, module, parent) = (branch.author, branch.module, branch.commits.last().copied().unwrap_or(base));
        let message = match branch.intent {
            Intent::Feature | Intent::Bug(_) if branch.n_to_write > 1 || branch.pull.is_some() => {
                words::step(&mut self.plot.random, module)
            }
            Intent::Revert(commit) => {
                format!("{}\n\nThis reverts commit {}.", branch.title, self.repository(repository).commit(commit).sha)
            }
            _ => branch.title.clone(),
        };
        let commit = self.write_commit(repository, author, vec![parent], message, module);
        let branch = &mut self.plot.branches[at.0];
        branch.base = Some(base);
        branch.commits.push(commit);
        branch.n_to_write -= 1;
        match (branch.n_to_write > 0, branch.pull) {
            (true, _) => self.plan_code(at),
            (false, None) => self.plot.schedule(6 * MINUTE, Event::Open(at)),
            (false, Some(number)) => self.push(repository, number, commit),
        }
    }

    pub(super) fn write_commit(
        &mut self,
        repository: RepositoryRef,
        author: PersonRef,
        parents: Vec<CommitRef>,
        message: String,
        module: &str,
    ) -> CommitRef {
        let stamp = self.plot.stamp;
        let random = &mut self.plot.random;
        let repository = &mut self.repositories[repository.0];
        let n_files = random.spread(2).min(9);
        let files = (0..n_files).map(|_| FileChange {
            path: words::path(random, repository.profile, module),
            additions: random.spread(18),
            deletions: random.spread(7) - 1,
        });
        let files = files.collect();
        let (sha, tree) = (random.sha(), random.sha());
        let committer = Some(author);
        repository.add_commit(Commit {
            sha,
            tree,
            parents,
            author,
            authored_at: stamp,
            committer,
            committed_at: stamp,
            message,
            files,
        })
    }

    pub(super) fn open(&mut self, origin: BranchRef) {
        let (id, created_at) = (self.plot.id(), self.plot.stamp);
        let branch = self.plot.branches[origin.0].clone();
        let (repository, author, urgent) = (branch.repository, branch.author, branch.is_urgent());
        let reviewer = self.colleague(repository, Some(author));
        let random = &mut self.plot.random;
        let draft = branch.intent == Intent::Feature && random.chance(16);
        let mut body = words::paragraph(random, 3);
        let mut labels = Vec::new();
        match branch.intent {
            Intent::Bug(number) => {
                body = format!("Fixes #{number}.\n\n{body}");
                labels.push("bug");
            }
            Intent::Hotfix(number) => {
                body = format!("Fixes #{number}, see there.");
                labels.push("hotfix");
            }
            Intent::Dependency => labels.push("dependencies"),
            Intent::Feature if random.chance(50) => labels.push("enhancement"),
            Intent::Feature | Intent::Repair | Intent::Revert(_) => (),
        }
        let at = self.repository_mut(repository);
        let number = at.next_number();
        let pull = Pull {
            id,
            number,
            title: branch.title,
            body,
            author,
            branch: branch.name,
            base: branch.base.expect("the first commit of a branch set its base"),
            commits: branch.commits,
            labels,
            draft,
            reviewer: (!draft).then_some(reviewer),
            reviews: Vec::new(),
            created_at,
            updated_at: created_at,
            ready_at: None,
            closed_at: None,
            merged: None,
            origin,
        };
        at.branches.insert(pull.branch.clone(), pull.head());
        at.pulls.insert(number, pull);
        self.plot.branches[origin.0].pull = Some(number);
        self.plot.tell(Happening::Pull { repository, number, action: "opened" });
        self.build_pull(repository, number);
        self.plan_review(repository, number, draft, urgent);
    }

    fn plan_review(&mut self, repository: RepositoryRef, number: u64, draft: bool, urgent: bool) {
        let pull = &self.repository(repository).pulls[&number];
        let (author, reviewer) = (pull.author, pull.reviewer.unwrap_or(pull.author));
        match self.plot.random.between(0, 99) {
            _ if draft => self.later(repository, author, 6 * HOUR, Event::Ready(repository, number)),
            _ if urgent => self.soon(12 * MINUTE, Event::Review(repository, number)),
            0..4 => self.later(repository, author, 30 * HOUR, Event::Close(repository, number)),
            4 => (),
            5..11 => self.later(repository, author, 2 * HOUR, Event::Merge(repository, number)),
            _ => self.later(repository, reviewer, 4 * HOUR, Event::Review(repository, number)),
        }
        if self.plot.random.chance(22) {
            self.later(repository, author, 3 * HOUR, Event::Discuss(repository, number));
        }
    }

    pub(super) fn ready(&mut self, repository: RepositoryRef, number: u64) {
        let stamp = self.plot.stamp;
        let author = self.repository(repository).pulls[&number].author;
        let reviewer = self.colleague(repository, Some(author));
        let pull = self.pull_mut(repository, number);
        (pull.draft, pull.ready_at, pull.reviewer, pull.updated_at) = (false, Some(stamp), Some(reviewer), stamp);
        self.plot.tell(Happening::Pull { repository, number, action: "ready_for_review" });
        self.later(repository, reviewer, 3 * HOUR, Event::Review(repository, number));
    }

    /// New commits on an open pull request: a new build, and the reviewer looks again if asked for changes.
    fn push(&mut self, repository: RepositoryRef, number: u64, commit: CommitRef) {
        let stamp = self.plot.stamp;
        let pull = self.pull_mut(repository, number);
        pull.commits.push(commit);
        pull.updated_at = stamp;
        let waits = pull.reviews.last().is_some_and(|review| review.verdict != Verdict::Approved);
        let (name, open, reviewer) = (pull.branch.clone(), pull.is_open(), pull.reviewer.unwrap_or(pull.author));
        if !open {
            return;
        }
        self.repository_mut(repository).branches.insert(name, commit);
        self.plot.tell(Happening::Pull { repository, number, action: "synchronize" });
        self.build_pull(repository, number);
        if waits {
            self.later(repository, reviewer, 2 * HOUR, Event::Review(repository, number));
        }
    }

    pub(super) fn review(&mut self, repository: RepositoryRef, number: u64) {
        let pull = &self.repository(repository).pulls[&number];
        if !pull.is_open() {
            return;
        }
        let (author, origin, commit, round) = (pull.author, pull.origin, pull.head(), pull.reviews.len());
        let reviewer = pull.reviewer.unwrap_or(author);
        let easy = self.plot.branches[origin.0].intent != Intent::Feature || round > 2;
        let random = &mut self.plot.random;
        let verdict = match random.between(0, 99) + if easy || round > 0 { 30 } else { 0 } {
            0..27 => Verdict::ChangesRequested,
            27..41 => Verdict::Commented,
            _ => Verdict::Approved,
        };
        let (body, n_remarks) = match verdict {
            Verdict::Approved => (words::approval(random), i64::from(random.chance(25))),
            Verdict::ChangesRequested => (words::remark(random), random.between(1, 4)),
            Verdict::Commented => (String::new(), random.between(1, 2)),
        };
        let (id, at) = (self.plot.id(), self.plot.stamp);
        let pull = self.pull_mut(repository, number);
        pull.reviews.push(Review { id, author: reviewer, verdict, body, commit, at });
        pull.updated_at = at;
        self.plot.tell(Happening::Reviewed { repository, number });
        for _ in 0..n_remarks {
            self.remark(repository, number, id, reviewer);
        }
        match verdict {
            Verdict::Approved => self.later(repository, author, HOUR, Event::Merge(repository, number)),
            Verdict::ChangesRequested | Verdict::Commented => {
                self.plot.branches[origin.0].n_to_write = 1;
                self.later(repository, author, 3 * HOUR, Event::Code(origin));
            }
        }
    }

    /// A remark at a line of the pull request, and in a third of cases the author's answer to it.
    fn remark(&mut self, repository: RepositoryRef, number: u64, review: u64, author: PersonRef) {
        let (id, reply_id, at) = (self.plot.id(), self.plot.id(), self.plot.stamp);
        let random = &mut self.plot.random;
        let (line, body) = (random.between(3, 180), words::remark(random));
        let reply = random.chance(35).then(|| words::reply(random));
        let there = &mut self.repositories[repository.0];
        let pull = &there.pulls[&number];
        let (commit, pull_author) = (pull.head(), pull.author);
        let file = there.commit(commit).files.first();
        let path = file.map_or_else(|| "README.md".to_owned(), |file| file.path.clone());
        let place = Place { review, commit, path, line, reply_to: None };
        let answer = Place { reply_to: Some(id), ..place.clone() };
        there.comments.push(Comment { id, number, author, body, at, place: Some(place) });
        if let Some(body) = reply {
            let (author, place) = (pull_author, Some(answer));
            there.comments.push(Comment { id: reply_id, number, author, body, at, place });
        }
    }

    /// Merges when the build is green; else looks again later.
    pub(super) fn merge(&mut self, repository: RepositoryRef, number: u64) {
        let there = self.repository(repository);
        let pull = &there.pulls[&number];
        if !pull.is_open() {
            return;
        }
        let (author, origin, head) = (pull.author, pull.origin, pull.head());
        let build = there.runs.iter().rev().find(|run| run.pull == Some(number) && run.commit == head);
        let state = build.map(|run| run.latest().conclusion());
        let repairs = self.plot.branches[origin.0].is_urgent();
        let red = there.broken_by.is_some() && !repairs && self.plot.random.chance(70);
        match state {
            Some(None) => self.soon(8 * MINUTE, Event::Merge(repository, number)),
            Some(Some(conclusion)) if conclusion != Conclusion::Success => {
                self.later(repository, author, HOUR, Event::Merge(repository, number));
            }
            _ if red => self.later(repository, author, HOUR, Event::Merge(repository, number)),
            _ => self.merge_now(repository, number, origin),
        }
    }

    fn merge_now(&mut self, repository: RepositoryRef, number: u64, origin: BranchRef) {
        let intent = self.plot.branches[origin.0].intent;
        let commit = self.write_merge(repository, number);
        let stamp = self.plot.stamp;
        let there = self.repository_mut(repository);
        let before = there.head();
        there.heads.push(commit);
        let pull = there.pulls.get_mut(&number).expect("the caller read it");
        let by = pull.reviews.last().map_or(pull.author, |review| review.author);
        pull.merged = Some(Merged { at: stamp, by, commit });
        (pull.closed_at, pull.updated_at) = (Some(stamp), stamp);
        let branch = pull.branch.clone();
        there.branches.remove(&branch);
        self.plot.tell(Happening::Pull { repository, number, action: "closed" });
        self.plot.tell(Happening::Pushed { repository, before, after: commit });
        if let Intent::Bug(issue) = intent {
            self.close_issue(repository, issue);
        }
        self.build_main(repository, by, intent);
    }

    fn write_merge(&mut self, repository: RepositoryRef, number: u64) -> CommitRef {
        let (sha, tree, at) = (self.plot.random.sha(), self.plot.random.sha(), self.plot.stamp);
        let owner = self.organisation.clone();
        let there = self.repository_mut(repository);
        let pull = &there.pulls[&number];
        let message = match there.profile.merge {
            Merge::Squash => format!("{} (#{number})", pull.title),
            Merge::Commit => format!("Merge pull request #{number} from {owner}/{}\n\n{}", pull.branch, pull.title),
        };
        let (parents, files) = match there.profile.merge {
            Merge::Squash => {
                let files = pull.commits.iter().flat_map(|&commit| there.commit(commit).files.clone()).collect();
                (vec![there.head()], files)
            }
            Merge::Commit => (vec![there.head(), pull.head()], Vec::new()),
        };
        let author = pull.author;
        there.add_commit(Commit {
            sha,
            tree,
            parents,
            author,
            authored_at: at,
            committer: None,
            committed_at: at,
            message,
            files,
        })
    }

    /// Closes without merging: a pull request given up, or an issue that needs no work.
    pub(super) fn close(&mut self, repository: RepositoryRef, number: u64) {
        if self.repository(repository).issues.contains_key(&number) {
            return self.close_issue(repository, number);
        }
        let stamp = self.plot.stamp;
        let pull = self.pull_mut(repository, number);
        if pull.is_open() {
            (pull.closed_at, pull.updated_at) = (Some(stamp), stamp);
            self.plot.tell(Happening::Pull { repository, number, action: "closed" });
        }
    }

    /// The author of a red pull request writes a fix.
    pub(super) fn mend(&mut self, repository: RepositoryRef, number: u64) {
        let pull = &self.repository(repository).pulls[&number];
        if pull.is_open() {
            let (author, origin) = (pull.author, pull.origin);
            self.plot.branches[origin.0].n_to_write = 1;
            self.later(repository, author, 45 * MINUTE, Event::Code(origin));
        }
    }

    pub(super) fn pull_mut(&mut self, repository: RepositoryRef, number: u64) -> &mut Pull {
        self.repository_mut(repository).pulls.get_mut(&number).expect("pull requests are never taken away")
    }
}

impl Branch {
    fn is_urgent(&self) -> bool {
        match self.intent {
            Intent::Dependency | Intent::Repair | Intent::Revert(_) | Intent::Hotfix(_) => true,
            Intent::Feature | Intent::Bug(_) => false,
        }
    }
}

/// Builds of a repository that Jenkins runs are no workflow runs.
impl super::Repository {
    pub(crate) fn is_on_actions(&self) -> bool {
        self.profile.ci == Ci::Actions
    }
}

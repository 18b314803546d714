//! Builds: workflow runs, their attempts and jobs, and a main branch that breaks and is mended.

use super::changes::Intent;
use super::deployments::Rollout;
use super::plot::{Event, Happening};
use super::{CommitRef, Company, PersonRef, RepositoryRef};
use crate::time::{HOUR, MINUTE, SECOND};

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Workflow {
    Ci,
    Deploy,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Conclusion {
    Success,
    Failure,
    Cancelled,
    TimedOut,
}

#[derive(Debug, Clone)]
pub(crate) struct Run {
    pub(crate) id: u64,
    pub(crate) workflow: Workflow,
    pub(crate) number: u64,
    /// What started it: `push`, `pull_request` or `workflow_dispatch`.
    pub(crate) event: &'static str,
    pub(crate) branch: String,
    pub(crate) commit: CommitRef,
    pub(crate) pull: Option<u64>,
    pub(crate) title: String,
    pub(crate) actor: PersonRef,
    pub(crate) created_at: i64,
    pub(crate) updated_at: i64,
    pub(crate) attempts: Vec<Attempt>,
    fate: Fate,
    hotfix: Option<u64>,
}

/// What the run is going to say, and whether a second try says the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Green,
    Red,
    Flaky,
    Stuck(Conclusion),
}

#[derive(Debug, Clone)]
pub(crate) struct Attempt {
    pub(crate) actor: PersonRef,
    pub(crate) queued_at: i64,
    pub(crate) jobs: Vec<Job>,
    planned: Conclusion,
    /// When it finished; None while it runs.
    pub(crate) finished_at: Option<i64>,
}

#[derive(Debug, Clone)]
pub(crate) struct Job {
    pub(crate) id: u64,
    pub(crate) name: &'static str,
    /// After the attempt was queued.
    pub(crate) starts_after: i64,
    pub(crate) takes: i64,
    pub(crate) conclusion: Conclusion,
}

/// Job names with percent of the build's length.
const CI_JOBS: [(&str, i64); 3] = [("lint", 25), ("test", 100), ("build", 60)];
const DEPLOY_JOBS: [(&str, i64); 1] = [("deploy", 100)];

/// A push by hand and its build fit into this much time before now.
const PUSHED_BEFORE: i64 = 2 * SECOND;

impl Conclusion {
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Failure => "failure",
            Self::Cancelled => "cancelled",
            Self::TimedOut => "timed_out",
        }
    }
}

impl Run {
    pub(crate) fn latest(&self) -> &Attempt {
        self.attempts.last().expect("a run has an attempt")
    }
}

impl Attempt {
    /// None while it runs.
    pub(crate) fn conclusion(&self) -> Option<Conclusion> {
        self.finished_at.map(|_| self.planned)
    }

    /// When the first job got a machine.
    pub(crate) fn started_at(&self) -> i64 {
        self.queued_at + self.jobs.first().map_or(0, |job| job.starts_after)
    }
}

/// What is asked of the CI.
struct Order {
    workflow: Workflow,
    event: &'static str,
    branch: String,
    commit: CommitRef,
    pull: Option<u64>,
    title: String,
    actor: PersonRef,
    fate: Fate,
    hotfix: Option<u64>,
    minutes: i64,
}

impl Company {
    pub(super) fn build_pull(&mut self, repository: RepositoryRef, number: u64) {
        let there = &self.repositories[repository.0];
        let pull = &there.pulls[&number];
        let minutes = there.profile.build_minutes;
        let fate = match self.plot.random.between(0, 999) {
            0..105 => Fate::Red,
            105..160 => Fate::Flaky,
            160..175 => Fate::Stuck(Conclusion::Cancelled),
            175..180 => Fate::Stuck(Conclusion::TimedOut),
            _ => Fate::Green,
        };
        let order = Order {
            workflow: Workflow::Ci,
            event: "pull_request",
            branch: pull.branch.clone(),
            commit: pull.head(),
            pull: Some(number),
            title: pull.title.clone(),
            actor: pull.author,
            fate,
            hotfix: None,
            minutes,
        };
        self.start_run(repository, order);
    }

    /// Builds the head of the main branch. While it is broken everything stays red until a repair arrives.
    pub(super) fn build_main(&mut self, repository: RepositoryRef, actor: PersonRef, intent: Intent) {
        let repairs = matches!(intent, Intent::Repair | Intent::Revert(_));
        let broken = self.repository(repository).broken_by.is_some();
        let breaks_per_mille = 80 - self.progress() / 2;
        let fate = match self.plot.random.between(0, 999) {
            0..930 if repairs => Fate::Green,
            _ if broken => Fate::Red,
            draw if draw < breaks_per_mille && !repairs => Fate::Red,
            200..235 => Fate::Flaky,
            _ => Fate::Green,
        };
        let hotfix = if let Intent::Hotfix(number) = intent { Some(number) } else { None };
        self.build_head(repository, actor, fate, hotfix);
    }

    fn build_head(&mut self, repository: RepositoryRef, actor: PersonRef, fate: Fate, hotfix: Option<u64>) -> usize {
        let there = &self.repositories[repository.0];
        let (commit, minutes) = (there.head(), there.profile.build_minutes);
        let title = there.commit(commit).message.lines().next().unwrap_or_default().to_owned();
        let was_broken = there.broken_by.is_some();
        let run = self.start_run(
            repository,
            Order {
                workflow: Workflow::Ci,
                event: "push",
                branch: "main".to_owned(),
                commit,
                pull: None,
                title,
                actor,
                fate,
                hotfix,
                minutes,
            },
        );
        let there = self.repository_mut(repository);
        match fate {
            Fate::Red if !was_broken => there.broken_by = Some(run),
            Fate::Green => there.broken_by = None,
            Fate::Red | Fate::Flaky | Fate::Stuck(_) => (),
        }
        run
    }

    /// The workflow that carries out a deployment; the deployment itself says how it ended.
    pub(super) fn run_deployment(
        &mut self,
        repository: RepositoryRef,
        commit: CommitRef,
        title: String,
        actor: PersonRef,
        succeeds: bool,
    ) -> usize {
        let fate = if succeeds { Fate::Green } else { Fate::Red };
        let branch = "main".to_owned();
        self.start_run(
            repository,
            Order {
                workflow: Workflow::Deploy,
                event: "workflow_dispatch",
                branch,
                commit,
                pull: None,
                title,
                actor,
                fate,
                hotfix: None,
                minutes: 4,
            },
        )
    }

    fn start_run(&mut self, repository: RepositoryRef, order: Order) -> usize {
        let (id, stamp) = (self.plot.id(), self.plot.stamp);
        let there = self.repository_mut(repository);
        let number = there.last_run.entry(order.workflow).or_insert(400);
        *number += 1;
        let number = *number;
        let Order { workflow, event, branch, commit, pull, title, actor, fate, hotfix, minutes } = order;
        let run = there.runs.len();
        there.runs.push(Run {
            id,
            workflow,
            number,
            event,
            branch,
            commit,
            pull,
            title,
            actor,
            fate,
            hotfix,
            created_at: stamp,
            updated_at: stamp,
            attempts: Vec::new(),
        });
        let planned = match fate {
            Fate::Green => Conclusion::Success,
            Fate::Red | Fate::Flaky => Conclusion::Failure,
            Fate::Stuck(conclusion) => conclusion,
        };
        self.attempt(repository, run, actor, planned, minutes * MINUTE);
        run
    }

    fn attempt(&mut self, repository: RepositoryRef, run: usize, actor: PersonRef, planned: Conclusion, usual: i64) {
        let stamp = self.plot.stamp;
        let names = match self.repository(repository).runs[run].workflow {
            Workflow::Ci => &CI_JOBS[..],
            Workflow::Deploy => &DEPLOY_JOBS[..],
        };
        let mut starts_after = self.plot.random.between(4, 40) * SECOND;
        let mut jobs = Vec::new();
        for &(name, percent) in names {
            let takes = (usual * percent / 100 * self.plot.random.between(80, 135) / 100).max(20 * SECOND);
            let takes = if planned == Conclusion::TimedOut && name == "test" { 2 * HOUR } else { takes };
            let conclusion = if name == "test" || names.len() == 1 { planned } else { Conclusion::Success };
            jobs.push(Job { id: self.plot.id(), name, starts_after, takes: takes / SECOND * SECOND, conclusion });
            // The package is built after the tests; lint and tests run side by side.
            if name == "test" {
                if planned != Conclusion::Success {
                    break;
                }
                starts_after += takes / SECOND * SECOND + 3 * SECOND;
            }
        }
        let wait = jobs.iter().map(|job| job.starts_after + job.takes).max().unwrap_or(0) + 2 * SECOND;
        let there = self.repository_mut(repository);
        there.runs[run].updated_at = stamp;
        there.runs[run].attempts.push(Attempt { actor, queued_at: stamp, jobs, planned, finished_at: None });
        self.plot.schedule(wait, Event::FinishRun(repository, run));
        self.plot.tell(Happening::Run { repository, run, action: "requested" });
    }

    pub(super) fn finish_run(&mut self, repository: RepositoryRef, index: usize) {
        let stamp = self.plot.stamp;
        let there = self.repository_mut(repository);
        let run = &mut there.runs[index];
        run.updated_at = stamp;
        let attempt = run.attempts.last_mut().expect("a run has an attempt");
        attempt.end(stamp);
        let (planned, fate, pull, on_ci) = (attempt.planned, run.fate, run.pull, run.workflow == Workflow::Ci);
        let (hotfix, commit) = (run.hotfix, run.commit);
        let broke_main = there.broken_by == Some(index);
        self.plot.tell(Happening::Run { repository, run: index, action: "completed" });
        match (planned, fate, pull) {
            (Conclusion::Success, _, None) if on_ci => self.green_main(repository, commit, hotfix),
            (Conclusion::Success, ..) => (),
            (_, Fate::Flaky | Fate::Stuck(_), _) => self.soon(15 * MINUTE, Event::Rerun(repository, index)),
            (_, _, Some(number)) => self.mend(repository, number),
            (..) if broke_main => self.answer_broken_main(repository, commit),
            (..) => (),
        }
    }

    fn answer_broken_main(&mut self, repository: RepositoryRef, commit: CommitRef) {
        let intent = if self.plot.random.chance(35) { Intent::Revert(commit) } else { Intent::Repair };
        let who = self.colleague(repository, None);
        self.later(repository, who, 12 * MINUTE, Event::Work(repository, intent));
        // Should the repair itself be red, the next one comes by itself.
        let wait = 20 * HOUR;
        self.plot.schedule(wait, Event::Work(repository, Intent::Repair));
    }

    pub(super) fn rerun(&mut self, repository: RepositoryRef, run: usize) {
        let minutes = self.repository(repository).profile.build_minutes;
        let actor = self.repository(repository).runs[run].actor;
        self.attempt(repository, run, actor, Conclusion::Success, minutes * MINUTE);
    }

    fn green_main(&mut self, repository: RepositoryRef, commit: CommitRef, hotfix: Option<u64>) {
        match hotfix {
            Some(incident) => self.soon(4 * MINUTE, Event::Deploy(repository, Rollout::Hotfix { commit, incident })),
            None => self.soon(3 * MINUTE, Event::Deploy(repository, Rollout::Staging { commit })),
        }
    }

    /// Pushes `n_commits` to main at `at` whose build is red. Gives the green head before and the pushed commits.
    pub(crate) fn break_main(
        &mut self,
        at: RepositoryRef,
        n_commits: usize,
        stamp: i64,
    ) -> (Vec<Happening>, Vec<String>) {
        self.push_to_main(at, n_commits, stamp, Fate::Red, "Skip the check for empty batches in")
    }

    /// Pushes a commit to main at `at` whose build is green.
    pub(crate) fn fix_main(&mut self, at: RepositoryRef, stamp: i64) -> (Vec<Happening>, Vec<String>) {
        self.push_to_main(at, 1, stamp, Fate::Green, "Bring back the check for empty batches in")
    }

    fn push_to_main(
        &mut self,
        repository: RepositoryRef,
        n_commits: usize,
        stamp: i64,
        fate: Fate,
        message: &str,
    ) -> (Vec<Happening>, Vec<String>) {
        self.plot.stamp = stamp / SECOND * SECOND - PUSHED_BEFORE;
        let before = self.repository(repository).head();
        let author = self.colleague(repository, None);
        let modules = self.repository(repository).profile.modules;
        let mut shas = Vec::new();
        for module in modules.iter().cycle().take(n_commits) {
            let parents = vec![self.repository(repository).head()];
            let commit = self.write_commit(repository, author, parents, format!("{message} {module}"), module);
            self.repository_mut(repository).heads.push(commit);
            shas.push(self.repository(repository).commit(commit).sha.clone());
        }
        let after = self.repository(repository).head();
        self.plot.tell(Happening::Pushed { repository, before, after });
        let run = self.build_head(repository, author, fate, None);
        self.plot.unschedule_run(repository, run);
        self.plot.stamp += PUSHED_BEFORE;
        self.finish_run(repository, run);
        (self.plot.take_happenings(), shas)
    }
}

impl Attempt {
    /// Ends it at `stamp`, and squeezes its jobs into the time it really had.
    fn end(&mut self, stamp: i64) {
        let planned = self.jobs.iter().map(|job| job.starts_after + job.takes).max().unwrap_or(0).max(1);
        let real = (stamp - self.queued_at).max(0);
        if real < planned {
            for job in &mut self.jobs {
                job.starts_after = job.starts_after * real / planned / SECOND * SECOND;
                job.takes = job.takes * real / planned / SECOND * SECOND;
            }
        }
        self.finished_at = Some(stamp);
    }
}

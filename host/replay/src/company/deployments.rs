//! Deployments, what goes wrong with them, and releases.

use super::changes::Intent;
use super::plot::{Event, Happening};
use super::{CommitRef, Company, PersonRef, Repository, RepositoryRef};
use crate::time::{DAY, HOUR, MINUTE};

#[derive(Debug, Clone)]
pub(crate) struct Deployment {
    pub(crate) id: u64,
    pub(crate) commit: CommitRef,
    pub(crate) environment: &'static str,
    pub(crate) description: String,
    pub(crate) task: &'static str,
    pub(crate) creator: PersonRef,
    pub(crate) created_at: i64,
    pub(crate) run: Option<usize>,
    pub(crate) statuses: Vec<DeploymentStatus>,
    rollout: Rollout,
    succeeds: bool,
    /// When it was created by the plan, whose pace the gaps between deployments keep.
    planned_at: i64,
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct DeploymentStatus {
    pub(crate) id: u64,
    pub(crate) state: DeploymentState,
    pub(crate) at: i64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum DeploymentState {
    InProgress,
    Success,
    Failure,
    /// A later deployment took its place.
    Inactive,
}

/// What is to be rolled out, and why.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rollout {
    Staging { commit: CommitRef },
    Production { commit: CommitRef },
    Retry { commit: CommitRef },
    Hotfix { commit: CommitRef, incident: u64 },
    Rollback { commit: CommitRef, incident: u64 },
}

#[derive(Debug, Clone)]
pub(crate) struct Release {
    pub(crate) id: u64,
    pub(crate) tag: String,
    pub(crate) commit: CommitRef,
    pub(crate) author: PersonRef,
    pub(crate) at: i64,
    pub(crate) body: String,
}

impl DeploymentState {
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::InProgress => "in_progress",
            Self::Success => "success",
            Self::Failure => "failure",
            Self::Inactive => "inactive",
        }
    }
}

impl Deployment {
    pub(crate) fn succeeded(&self) -> bool {
        self.statuses.iter().any(|status| status.state == DeploymentState::Success)
    }

    /// When it succeeded or failed; None while it runs.
    pub(crate) fn finished_at(&self) -> Option<i64> {
        let ends = |state| matches!(state, DeploymentState::Success | DeploymentState::Failure);
        self.statuses.iter().find(|status| ends(status.state)).map(|status| status.at)
    }

    pub(crate) fn updated_at(&self) -> i64 {
        self.statuses.last().map_or(self.created_at, |status| status.at)
    }

    pub(crate) fn is_rollback(&self) -> bool {
        matches!(self.rollout, Rollout::Rollback { .. })
    }
}

impl Rollout {
    fn commit(self) -> CommitRef {
        match self {
            Self::Staging { commit }
            | Self::Production { commit }
            | Self::Retry { commit }
            | Self::Hotfix { commit, .. }
            | Self::Rollback { commit, .. } => commit,
        }
    }

    fn environment(self) -> &'static str {
        if matches!(self, Self::Staging { .. }) { "staging" } else { "production" }
    }

    fn incident(self) -> Option<u64> {
        match self {
            Self::Hotfix { incident, .. } | Self::Rollback { incident, .. } => Some(incident),
            Self::Staging { .. } | Self::Production { .. } | Self::Retry { .. } => None,
        }
    }
}

impl Company {
    pub(super) fn deploy(&mut self, repository: RepositoryRef, rollout: Rollout) {
        let there = self.repository(repository);
        let (commit, environment) = (rollout.commit(), rollout.environment());
        let last = there.deployments.iter().rev().find(|deployment| deployment.environment == environment);
        let gap = there.profile.deploy_gap_hours * HOUR;
        let too_soon = match rollout {
            Rollout::Staging { .. } => last.is_some_and(|last| self.plot.planned - last.planned_at < gap),
            Rollout::Production { .. } => last.is_some_and(|last| last.commit >= commit),
            Rollout::Retry { .. } | Rollout::Hotfix { .. } | Rollout::Rollback { .. } => false,
        };
        if too_soon {
            return;
        }
        let sha = there.commit(commit).sha[..7].to_owned();
        let (task, description) = match rollout {
            Rollout::Staging { .. } => ("deploy", format!("Deploy {sha} to staging")),
            Rollout::Production { .. } | Rollout::Retry { .. } => ("deploy", format!("Deploy {sha} to production")),
            Rollout::Hotfix { incident, .. } => ("deploy", format!("Hotfix {sha} for #{incident}")),
            Rollout::Rollback { incident, .. } => {
                ("deploy:rollback", format!("Rollback to {sha} because of #{incident}"))
            }
        };
        let creator = self.colleague(repository, None);
        let fails = if environment == "staging" { 4 } else { 6 - self.progress() / 30 };
        let succeeds = rollout.incident().is_some() || !self.plot.random.chance(fails);
        let (id, status, created_at) = (self.plot.id(), self.plot.id(), self.plot.stamp);
        let planned_at = self.plot.planned;
        let run = self.repository(repository).is_on_actions();
        let run = run.then(|| self.run_deployment(repository, commit, description.clone(), creator, succeeds));
        let there = self.repository_mut(repository);
        let deployment = there.deployments.len();
        let statuses = vec![DeploymentStatus { id: status, state: DeploymentState::InProgress, at: created_at }];
        there.deployments.push(Deployment {
            id,
            commit,
            environment,
            description,
            task,
            creator,
            created_at,
            run,
            statuses,
            rollout,
            succeeds,
            planned_at,
        });
        self.plot.tell(Happening::Deployment { repository, deployment, action: Some("created") });
        self.soon(5 * MINUTE, Event::FinishDeployment(repository, deployment));
    }

    pub(super) fn finish_deployment(&mut self, repository: RepositoryRef, index: usize) {
        let (id, inactive, at) = (self.plot.id(), self.plot.id(), self.plot.stamp);
        let there = self.repository_mut(repository);
        let (environment, rollout) = (there.deployments[index].environment, there.deployments[index].rollout);
        let succeeds = there.deployments[index].succeeds;
        let state = if succeeds { DeploymentState::Success } else { DeploymentState::Failure };
        there.deployments[index].statuses.push(DeploymentStatus { id, state, at });
        let previous = there.deployments[..index].iter_mut().rev();
        let previous = previous.filter(|other| other.environment == environment).find(|other| other.succeeded());
        if let Some(previous) = previous.filter(|_| succeeds) {
            previous.statuses.push(DeploymentStatus { id: inactive, state: DeploymentState::Inactive, at });
        }
        self.plot.tell(Happening::Deployment { repository, deployment: index, action: None });
        match (rollout, succeeds) {
            (Rollout::Staging { commit }, true) => self.promote(repository, commit),
            (Rollout::Staging { .. }, false) => (),
            (_, false) => {
                let commit = rollout.commit();
                self.soon(25 * MINUTE, Event::Deploy(repository, Rollout::Retry { commit }));
            }
            (_, true) => self.in_production(repository, index, rollout),
        }
    }

    /// From staging to production, when the last one is long enough ago, in working hours and not on a Friday evening.
    fn promote(&mut self, repository: RepositoryRef, commit: CommitRef) {
        let there = self.repository(repository);
        let gap = there.profile.deploy_gap_hours * HOUR;
        let last = there.deployments.iter().rev().find(|deployment| deployment.environment == "production");
        if last.is_none_or(|last| self.plot.planned - last.planned_at > gap) {
            let who = self.colleague(repository, None);
            self.later(repository, who, 50 * MINUTE, Event::Deploy(repository, Rollout::Production { commit }));
        }
    }

    fn in_production(&mut self, repository: RepositoryRef, index: usize, rollout: Rollout) {
        if let Some(incident) = rollout.incident() {
            self.close_issue(repository, incident);
        }
        let harms = 13 - self.progress() / 13;
        if !matches!(rollout, Rollout::Rollback { .. }) && self.plot.random.chance(harms) {
            self.soon(30 * MINUTE, Event::Notice(repository, index));
        } else if matches!(rollout, Rollout::Production { .. }) {
            self.release(repository, rollout.commit());
        }
    }

    /// Someone notices that a deployment does harm: an incident, then a rollback or a hotfix.
    pub(super) fn notice(&mut self, repository: RepositoryRef, index: usize) {
        let there = self.repository(repository);
        let harmful = there.deployments[index].commit;
        let sha = there.commit(harmful).sha.clone();
        let before = there.deployments[..index].iter().rev();
        let before = before.filter(|other| other.environment == "production" && other.succeeded());
        let before = before.map(|other| other.commit).find(|&commit| commit != harmful);
        let incident = self.report_incident(repository, Some(&sha));
        match before {
            Some(commit) if self.plot.random.chance(50) => {
                self.soon(25 * MINUTE, Event::Deploy(repository, Rollout::Rollback { commit, incident }));
                self.soon(3 * HOUR, Event::Work(repository, Intent::Bug(incident)));
            }
            _ => self.soon(6 * MINUTE, Event::Work(repository, Intent::Hotfix(incident))),
        }
        self.soon(2 * DAY, Event::Close(repository, incident));
    }

    fn release(&mut self, repository: RepositoryRef, commit: CommitRef) {
        let (id, at) = (self.plot.id(), self.plot.stamp);
        let author = self.colleague(repository, None);
        let there = self.repository_mut(repository);
        if there.releases.last().is_some_and(|last| at - last.at < 5 * DAY) {
            return;
        }
        let (n_minor, since) = (there.releases.len() + 4, there.releases.last().map(|last| last.at));
        let body = there.changes_since(since);
        there.releases.push(Release { id, tag: format!("v2.{n_minor}.0"), commit, author, at, body });
    }
}

impl Repository {
    fn changes_since(&self, since: Option<i64>) -> String {
        let merged = self.pulls.values().filter(|pull| pull.merged.is_some_and(|merged| Some(merged.at) > since));
        let lines: Vec<_> = merged.take(20).map(|pull| format!("* {} (#{})", pull.title, pull.number)).collect();
        format!("## What changed\n{}", lines.join("\n"))
    }
}

//! How a company moves: a queue of what comes next, in time order, and one step at a time.
//!
//! Two clocks: the *plan* orders events and knows working hours; the *stamp* is what records carry. While a company is
//! made up both agree. When it keeps working before an audience, the plan runs ahead and the stamp is the wall clock.

use std::collections::BTreeMap;

use super::changes::{Branch, BranchRef, Intent};
use super::deployments::Rollout;
use super::profile::{self, ORGANISATION};
use super::{Commit, CommitRef, Company, PersonRef, Repository, RepositoryRef, Size};
use crate::random::Random;
use crate::time::{DAY, HOUR, MINUTE, SECOND, WEEK};

#[derive(Debug, Clone)]
pub(super) struct Plot {
    pub(super) random: Random,
    pub(super) planned: i64,
    pub(super) stamp: i64,
    pub(super) branches: Vec<Branch>,
    queue: BTreeMap<(i64, u64), Event>,
    n_scheduled: u64,
    last_id: u64,
    started_at: i64,
    ended_at: i64,
    happenings: Vec<Happening>,
}

/// What comes next for a repository.
#[derive(Debug, Clone, Copy)]
pub(super) enum Event {
    Begin(RepositoryRef),
    Work(RepositoryRef, Intent),
    Code(BranchRef),
    Open(BranchRef),
    Ready(RepositoryRef, u64),
    Review(RepositoryRef, u64),
    Merge(RepositoryRef, u64),
    Close(RepositoryRef, u64),
    FinishRun(RepositoryRef, usize),
    Rerun(RepositoryRef, usize),
    Deploy(RepositoryRef, Rollout),
    FinishDeployment(RepositoryRef, usize),
    Notice(RepositoryRef, usize),
    Report(RepositoryRef),
    Discuss(RepositoryRef, u64),
}

/// What a step changed, as webhooks tell it: the thing and GitHub's word for what became of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Happening {
    Pushed { repository: RepositoryRef, before: CommitRef, after: CommitRef },
    Pull { repository: RepositoryRef, number: u64, action: &'static str },
    Reviewed { repository: RepositoryRef, number: u64 },
    Run { repository: RepositoryRef, run: usize, action: &'static str },
    Deployment { repository: RepositoryRef, deployment: usize, action: Option<&'static str> },
    Issue { repository: RepositoryRef, number: u64, action: &'static str },
}

impl Company {
    /// Makes up a company whose last half year (or four weeks) ends at `end_ms`, milliseconds since 1970.
    pub fn generate(seed: u64, end_ms: i64, size: Size) -> Self {
        let ended_at = end_ms / SECOND * SECOND;
        let started_at = ended_at - profile::weeks(size) * WEEK;
        let mut random = Random::new(seed);
        let people = profile::people(&mut random);
        let mut company = Self::empty(random, started_at, ended_at);
        company.people = people;
        for profile in profile::profiles(size) {
            company.found(profile);
        }
        while company.plot.next_at().is_some_and(|at| at < ended_at) {
            company.step(None);
        }
        company.plot.stamp = ended_at;
        company.plot.happenings.clear();
        company
    }

    /// One repository with `n` issues and nothing else: what a bench pages through.
    pub fn issues(n: usize) -> Self {
        let ended_at = 1_780_000_000_000;
        let mut random = Random::new(10_000);
        let people = profile::people(&mut random);
        let mut company = Self::empty(random, ended_at - 26 * WEEK, ended_at);
        company.people = people;
        company.found(&profile::profiles(Size::Demo)[0]);
        company.plot.queue.clear();
        for index in 0..n {
            let share = i64::try_from(index * 1_000 / n).unwrap_or(0);
            company.plot.stamp = ended_at - 26 * WEEK + 26 * WEEK / 1_000 * share;
            company.report_plain_issue(RepositoryRef(0));
        }
        company.plot.stamp = ended_at;
        company.plot.happenings.clear();
        company
    }

    fn empty(random: Random, started_at: i64, ended_at: i64) -> Self {
        let plot = Plot {
            random,
            planned: started_at,
            stamp: started_at,
            branches: Vec::new(),
            queue: BTreeMap::new(),
            n_scheduled: 0,
            last_id: 1_840_000_000,
            started_at,
            ended_at,
            happenings: Vec::new(),
        };
        Self { organisation: ORGANISATION.to_owned(), people: Vec::new(), repositories: Vec::new(), plot }
    }

    /// Adds a repository with its first commit, and the events that keep it going.
    fn found(&mut self, profile: &'static super::Profile) {
        let random = &mut self.plot.random;
        let created_at = self.plot.started_at - random.between(400, 1_100) * DAY;
        let mut repository = Repository {
            id: 610_000_000 + random.next() % 90_000_000,
            profile,
            created_at,
            commits: Vec::new(),
            shas: BTreeMap::new(),
            heads: Vec::new(),
            branches: BTreeMap::new(),
            pulls: BTreeMap::new(),
            issues: BTreeMap::new(),
            comments: Vec::new(),
            runs: Vec::new(),
            deployments: Vec::new(),
            releases: Vec::new(),
            last_number: random.next() % 1_800 + 120,
            last_run: BTreeMap::new(),
            broken_by: None,
        };
        let author = self.people.iter().position(|person| person.team == profile.team);
        let author = PersonRef(author.expect("every team has people"));
        let first = repository.add_commit(Commit {
            sha: self.plot.random.sha(),
            tree: self.plot.random.sha(),
            parents: Vec::new(),
            author,
            authored_at: created_at,
            committer: Some(author),
            committed_at: created_at,
            message: "Start the repository".to_owned(),
            files: Vec::new(),
        });
        repository.heads.push(first);
        let at = RepositoryRef(self.repositories.len());
        self.repositories.push(repository);
        let (begin, report) = (self.plot.random.between(0, 8), self.plot.random.between(0, 40));
        self.plot.schedule(begin * HOUR, Event::Begin(at));
        self.plot.schedule(report * HOUR, Event::Report(at));
    }

    /// Takes the next step of the plan. `stamp`: the wall clock, when it is not the plan's. Gives what changed, which may
    /// be nothing.
    pub(crate) fn step(&mut self, stamp: Option<i64>) -> Vec<Happening> {
        let Some(((planned, _), event)) = self.plot.queue.pop_first() else { return Vec::new() };
        self.plot.planned = planned;
        self.plot.stamp = stamp.unwrap_or(planned) / SECOND * SECOND;
        match event {
            Event::Begin(repository) => self.begin(repository),
            Event::Work(repository, intent) => self.start_branch(repository, intent),
            Event::Code(branch) => self.code(branch),
            Event::Open(branch) => self.open(branch),
            Event::Ready(repository, number) => self.ready(repository, number),
            Event::Review(repository, number) => self.review(repository, number),
            Event::Merge(repository, number) => self.merge(repository, number),
            Event::Close(repository, number) => self.close(repository, number),
            Event::FinishRun(repository, run) => self.finish_run(repository, run),
            Event::Rerun(repository, run) => self.rerun(repository, run),
            Event::Deploy(repository, rollout) => self.deploy(repository, rollout),
            Event::FinishDeployment(repository, deployment) => self.finish_deployment(repository, deployment),
            Event::Notice(repository, deployment) => self.notice(repository, deployment),
            Event::Report(repository) => self.report(repository),
            Event::Discuss(repository, number) => self.discuss(repository, number),
        }
        self.plot.take_happenings()
    }

    /// Percent of the usual time that work takes now: teams get faster over the half year, but for the slow one.
    pub(super) fn pace(&self, repository: RepositoryRef) -> i64 {
        let profile = self.repository(repository).profile;
        if profile.pace > 200 { profile.pace } else { profile.pace * (170 - 115 * self.progress() / 100) / 100 }
    }

    /// Percent of the planned half year that has passed.
    pub(super) fn progress(&self) -> i64 {
        let whole = (self.plot.ended_at - self.plot.started_at).max(1);
        ((self.plot.planned - self.plot.started_at) * 100 / whole).clamp(0, 100)
    }

    /// Schedules `event` after about `work` of someone's working time, stretched by the repository's pace.
    pub(super) fn later(&mut self, repository: RepositoryRef, who: PersonRef, work: i64, event: Event) {
        let work = self.plot.random.spread(work) * self.pace(repository) / 100;
        let overtime = self.plot.random.chance(4);
        let finished = self.person(who).office.after(self.plot.planned, work);
        let wait = if overtime { work } else { finished - self.plot.planned };
        self.plot.schedule(wait, event);
    }

    /// Schedules `event` after about `wait`, day or night: machines and emergencies.
    pub(super) fn soon(&mut self, wait: i64, event: Event) {
        let wait = self.plot.random.spread(wait);
        self.plot.schedule(wait, event);
    }

    pub(crate) fn repository_mut(&mut self, at: RepositoryRef) -> &mut Repository {
        &mut self.repositories[at.0]
    }

    /// Someone of the repository's team, or now and then of another, who is not `but`.
    pub(super) fn colleague(&mut self, repository: RepositoryRef, but: Option<PersonRef>) -> PersonRef {
        let team = self.repository(repository).profile.team;
        let outsider = self.plot.random.chance(8);
        let fits = |index: &usize| {
            let person = &self.people[*index];
            !person.bot && (person.team == team) != outsider && Some(PersonRef(*index)) != but
        };
        let fitting: Vec<_> = (0..self.people.len()).filter(fits).collect();
        PersonRef(*self.plot.random.pick(&fitting))
    }

    pub(super) fn bot(&self) -> PersonRef {
        PersonRef(self.people.len() - 1)
    }
}

impl Plot {
    pub(super) fn schedule(&mut self, wait: i64, event: Event) {
        let at = (self.planned + wait.max(MINUTE / 4)) / SECOND * SECOND;
        self.n_scheduled += 1;
        self.queue.insert((at, self.n_scheduled), event);
    }

    /// Ids grow with time over all repositories, with gaps, as a shared service gives them.
    pub(super) fn id(&mut self) -> u64 {
        self.last_id += self.random.next() % 900 + 1;
        self.last_id
    }

    pub(super) fn tell(&mut self, happening: Happening) {
        self.happenings.push(happening);
    }

    pub(super) fn take_happenings(&mut self) -> Vec<Happening> {
        std::mem::take(&mut self.happenings)
    }

    /// Takes the planned end of a run back: it was ended by hand.
    pub(super) fn unschedule_run(&mut self, repository: RepositoryRef, run: usize) {
        self.queue
            .retain(|_, event| !matches!(event, Event::FinishRun(at, index) if (*at, *index) == (repository, run)));
    }

    fn next_at(&self) -> Option<i64> {
        self.queue.first_key_value().map(|(&(at, _), _)| at)
    }
}

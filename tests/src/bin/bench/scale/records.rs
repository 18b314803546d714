//! A company of any size: builds, commits, changes, work items and deployments of a year, made up from their numbers
//! alone and given out block by block, so that a million of them never lie in memory.
//!
//! Builds, commits and deployments come in Weir's own formats, changes and work items as GitHub writes them. All hang
//! together: a build and a deployment name a commit, a commit its parent, a change the commit it was merged as.

use serde_json::json;
use weir_model::{DatasetName, IntegrationName, RawRecord, StreamId, Timestamp};

/// Records of a block: what a year's twentieth-of-a-thousandth brings, page after page of one kind.
pub(crate) const BLOCK: u64 = 2_000;
pub(crate) const REPOSITORIES: u64 = 200;
pub(crate) const TEAMS: u64 = 10;
const JOBS: u64 = 4;
const START_MS: i64 = 1_735_689_600_000;
const YEAR_MS: i64 = 365 * 86_400_000;
const STAGES: [&str; 6] = ["Checkout", "Compile", "Unit tests", "Integration tests", "Package", "Publish"];

/// How many of a block are of each kind, in the order they come.
const PARTS: [(Kind, u64); 5] =
    [(Kind::Commit, 400), (Kind::Change, 300), (Kind::Build, 1_000), (Kind::Deployment, 100), (Kind::WorkItem, 200)];

/// What a record is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    Commit,
    Change,
    Build,
    Deployment,
    WorkItem,
}

/// One thing that happened.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Fact {
    pub(crate) kind: Kind,
    /// Which of its kind, from 0 on.
    pub(crate) number: u64,
    /// When.
    pub(crate) at_ms: i64,
    /// Number of the newest commit of its repository by then.
    head: u64,
}

/// The things of block `block` of a company of `records`.
pub(crate) fn block(block: u64, records: u64) -> impl Iterator<Item = Fact> {
    PARTS.into_iter().flat_map(move |(kind, n)| {
        (0..n).map(move |index| {
            let number = block * n + index;
            let passed = i128::from(block * BLOCK + index * BLOCK / n);
            let at = i128::from(YEAR_MS) * passed / i128::from(records.max(1));
            let head = (block * 400 + 399) / REPOSITORIES;
            Fact { kind, number, at_ms: START_MS + i64::try_from(at).unwrap(), head }
        })
    })
}

impl Fact {
    pub(crate) fn repository(&self) -> u64 {
        self.number % REPOSITORIES
    }

    /// How many of its kind its repository had before.
    fn turn(&self) -> u64 {
        self.number / REPOSITORIES
    }

    pub(crate) fn is_red(&self) -> bool {
        self.number % 13 == 7
    }

    pub(crate) fn job(&self) -> String {
        format!("{}/job-{}", project(self.repository()), self.turn() % JOBS)
    }

    /// Number within the job.
    pub(crate) fn turn_of_job(&self) -> u64 {
        self.turn() / JOBS + 1
    }

    pub(crate) fn duration_ms(&self) -> i64 {
        61_000 + i64::try_from(self.number * 7_919 % 900_000).unwrap()
    }

    pub(crate) fn branch(&self) -> &'static str {
        if self.turn() % 5 == 4 { "release" } else { "main" }
    }

    pub(crate) fn environment(&self) -> &'static str {
        if self.turn().is_multiple_of(2) { "staging" } else { "production" }
    }

    /// Its commit: itself, what was built, deployed or merged.
    pub(crate) fn sha(&self) -> String {
        let of = if self.kind == Kind::Commit { self.turn() } else { self.head };
        sha(self.repository(), of)
    }

    pub(crate) fn merged_ms(&self) -> i64 {
        self.at_ms + 3_600_000
    }

    pub(crate) fn person(&self) -> String {
        format!("user-{}", self.number % 317)
    }

    /// The stream it comes in and the record, as the collector or the tool would give it.
    pub(crate) fn record(&self) -> (StreamId, RawRecord) {
        match self.kind {
            Kind::Build => (stream("ci", "builds"), self.build()),
            Kind::Commit => (stream("ci", "commits"), self.commit()),
            Kind::Deployment => (stream("ci", "deployments"), self.deployment()),
            Kind::Change => (stream("github", "pulls"), self.change()),
            Kind::WorkItem => (stream("github", "issues"), self.work_item()),
        }
    }

    fn build(&self) -> RawRecord {
        let (job, turn, start) = (self.job(), self.turn_of_job(), self.at_ms);
        let result = if self.is_red() { "FAILURE" } else { "SUCCESS" };
        let stage = |(index, name): (usize, &&str)| {
            let status = if *name == "Integration tests" { result } else { "SUCCESS" };
            json!({ "id": index.to_string(), "name": name, "status": status, "startTimeMillis": start,
                "durationMillis": 9_000 + index * 700 })
        };
        let stages: Vec<_> = STAGES.iter().enumerate().map(stage).collect();
        let document = json!({
            "instance_name": "jenkins", "job_name": job, "job_full_name": job, "branch_name": self.branch(),
            "build_number": turn, "state": "finished", "result": result, "start_time": start,
            "started_at": start + 900, "duration": self.duration_ms(), "queue_ms": 4_200, "user_id": self.person(),
            "web_url": format!("https://jenkins.example/job/{job}/{turn}/"), "node": format!("agent-{}", self.number % 12),
            "repo_url": format!("https://github.com/{}.git", project(self.repository())),
            "scm_commit_ids": [self.sha()],
            "tests": { "total": 1_240 + self.number % 17, "failed": u8::from(self.is_red()), "skipped": 3 },
            "job_run": { "stages": stages },
        });
        RawRecord::upsert(format!("{job}#{turn}@{}", self.branch()), Some(start), document.to_string())
    }

    fn commit(&self) -> RawRecord {
        let (repository, turn) = (self.repository(), self.turn());
        let parents: Vec<String> = turn.checked_sub(1).map(|before| sha(repository, before)).into_iter().collect();
        let document = json!({
            "sha": self.sha(), "repository": project(repository), "parents": parents,
            "author": { "name": self.person(), "email": format!("{}@acme.example", self.person()), "date": time(self.at_ms) },
            "committer": { "name": "GitHub", "email": "noreply@github.com", "date": time(self.at_ms) },
            "message": format!("service {repository}: change {turn}, of issue #{}\n\nWhy it is done so.", turn % 97),
            "files": [{ "path": format!("src/module{}/file.rs", turn % 23), "additions": 12, "deletions": 3 }],
        });
        RawRecord::upsert(self.sha(), Some(self.at_ms), document.to_string())
    }

    fn deployment(&self) -> RawRecord {
        let id = format!("deploy-{}", self.number);
        let document = json!({
            "id": id, "service": format!("service-{}", self.repository()), "environment": self.environment(),
            "result": if self.is_red() { "failure" } else { "success" }, "started_at": time(self.at_ms),
            "finished_at": time(self.at_ms + 120_000), "commit": self.sha(), "version": format!("1.{}", self.turn()),
            "repository": project(self.repository()),
        });
        RawRecord::upsert(id, Some(self.at_ms), document.to_string())
    }

    fn change(&self) -> RawRecord {
        let (number, name) = (self.turn() + 1, project(self.repository()));
        let user = json!({ "login": self.person(), "id": self.number % 317, "type": "User" });
        let document = json!({
            "id": self.number, "number": number, "state": "closed", "title": format!("Change {number} of {name}"),
            "url": format!("https://api.github.com/repos/{name}/pulls/{number}"),
            "html_url": format!("https://github.com/{name}/pull/{number}"), "user": user, "draft": false,
            "body": "What it does and why, in a few sentences that a reviewer reads. Fixes #12.",
            "created_at": time(self.at_ms), "updated_at": time(self.merged_ms()), "closed_at": time(self.merged_ms()),
            "merged_at": time(self.merged_ms()), "merge_commit_sha": self.sha(),
            "head": { "ref": format!("topic-{number}"), "sha": sha(self.repository() + REPOSITORIES, number) },
            "base": { "ref": "main", "sha": self.sha(), "repo": { "full_name": name } },
            "labels": [{ "name": format!("label-{}", self.number % 30) }],
        });
        let record = RawRecord::upsert(format!("{name}#{number}"), Some(self.merged_ms()), document.to_string());
        RawRecord { context: Some(json!({ "repository": name }).to_string()), ..record }
    }

    fn work_item(&self) -> RawRecord {
        let (number, name) = (1_000_000 + self.turn(), project(self.repository()));
        let user = json!({ "login": self.person(), "id": self.number % 317, "type": "User" });
        let document = json!({
            "id": self.number, "number": number, "state": "closed", "title": format!("Issue {number} of {name}"),
            "url": format!("https://api.github.com/repos/{name}/issues/{number}"),
            "html_url": format!("https://github.com/{name}/issues/{number}"), "user": user,
            "body": "It fails now and then with a timeout while waiting for the agent; steps to see it again are below.",
            "labels": [{ "name": if self.number.is_multiple_of(3) { "bug" } else { "feature" } }],
            "created_at": time(self.at_ms), "updated_at": time(self.at_ms + 86_400_000),
            "closed_at": time(self.at_ms + 86_400_000),
        });
        let record = RawRecord::upsert(format!("{name}#{number}"), Some(self.at_ms), document.to_string());
        RawRecord { context: Some(json!({ "repository": name }).to_string()), ..record }
    }
}

/// "acme/team-3-service-17".
pub(crate) fn project(repository: u64) -> String {
    format!("acme/team-{}-service-{repository}", repository % TEAMS)
}

/// `[[team]]` of all teams.
pub(crate) fn teams() -> String {
    let team = |team| format!("[[team]]\nname = \"team-{team}\"\nprojects = [\"*acme/team-{team}-*\"]\n");
    (0..TEAMS).map(team).collect()
}

fn stream(integration: &str, dataset: &str) -> StreamId {
    StreamId { integration: IntegrationName::new(integration).unwrap(), dataset: DatasetName::new(dataset).unwrap() }
}

fn time(ms: i64) -> String {
    Timestamp::from_ms(ms).to_string()
}

fn sha(repository: u64, turn: u64) -> String {
    // Of a good hash's spread, so that the keys of a table come in no order.
    let mut state = repository << 40 | turn;
    let mut next = || {
        state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (state ^ (state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed ^ (mixed >> 27)
    };
    format!("{:016x}{:016x}{:08x}", next(), next(), next() >> 32)
}

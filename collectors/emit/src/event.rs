//! What happened, and the report of it.

use serde::Serialize;
use weir_protocol::{Collector, Kind, LogExcerpt};

use crate::context::{About, BuildId, Context};

/// Something that happened in a build. Instants are milliseconds since 1970.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// The build began.
    Started {
        /// Parameters by name.
        parameters: Vec<(String, String)>,
    },
    /// The build ended.
    Finished {
        /// How, in a word.
        result: Option<String>,
        /// The end of its log.
        log: Option<LogExcerpt>,
    },
    /// A stage began or ended.
    Stage(Stage),
    /// An artifact was made or used.
    Artifact(Artifact),
    /// Something was put into an environment.
    Deployment(Deployment),
    /// Tests were run.
    Tests {
        /// Name of the file of the report.
        name: String,
        /// The report as the runner wrote it.
        xml: String,
    },
}

/// A stage.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Stage {
    /// Name; none: that of the job.
    pub name: Option<String>,
    /// Name of the stage it lies in.
    pub parent: Option<String>,
    /// How it ended, in a word; none while it runs.
    pub result: Option<String>,
    /// When it began.
    pub started_at: Option<i64>,
    /// When it ended.
    pub finished_at: Option<i64>,
}

/// An artifact.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Artifact {
    /// Name without version.
    pub name: String,
    /// Version or tag.
    #[serde(rename = "qualifier", skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// Registry and path.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub location: Option<String>,
    /// Digest with its algorithm in front.
    #[serde(rename = "hash", skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
    /// `container`, `package` or `file`.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// Was used.
    pub input: bool,
    /// Was made.
    pub output: bool,
}

/// A deployment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Deployment {
    /// Where to.
    pub environment: String,
    /// What: a service or application.
    pub component: Option<String>,
    /// Version.
    pub version: Option<String>,
    /// How it ended, in a word; none while it runs.
    pub result: Option<String>,
    /// Digests of what was deployed.
    pub artifacts: Vec<String>,
    /// When it began.
    pub started_at: Option<i64>,
}

/// A report, ready to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// Its sort.
    pub kind: Kind,
    /// JSON.
    pub json: String,
}

/// A part of what is to be said about a build. The host keeps the parts apart and reads them as one build.
#[derive(Default, Serialize)]
struct BuildPart<'a> {
    collector: Collector,
    part: String,
    reported_at: i64,
    #[serde(flatten)]
    build: Option<&'a BuildId>,
    #[serde(flatten)]
    about: Option<&'a About>,
    #[serde(skip_serializing_if = "Option::is_none")]
    state: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    result: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    started_at: Option<Instant<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    finished_at: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    duration_ms: Option<i64>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    job_run_params: Vec<Parameter>,
    #[serde(skip_serializing_if = "Option::is_none")]
    job_run: Option<Run>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    artifacts: Vec<Artifact>,
    #[serde(skip_serializing_if = "Option::is_none")]
    log_excerpt: Option<LogExcerpt>,
}

/// An instant of ours, or as the system wrote it.
#[derive(Serialize)]
#[serde(untagged)]
enum Instant<'a> {
    Milliseconds(i64),
    Written(&'a str),
}

#[derive(Serialize)]
struct Parameter {
    name: String,
    value: String,
}

#[derive(Serialize)]
struct Run {
    stages: Vec<StageReport>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct StageReport {
    id: String,
    display_name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    parent: Option<String>,
    state: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    result: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    start_time: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    end_time: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    duration_in_millis: Option<i64>,
}

#[derive(Serialize)]
struct DeploymentReport<'a> {
    id: String,
    reported_at: i64,
    build: String,
    environment: String,
    component: Option<String>,
    version: Option<String>,
    state: &'static str,
    result: Option<String>,
    started_at: Option<i64>,
    finished_at: Option<i64>,
    repository: Option<&'a str>,
    commit: Option<&'a str>,
    artifacts: Vec<String>,
    web_url: Option<&'a str>,
    user_id: Option<&'a str>,
}

#[derive(Serialize)]
struct TestsReport<'a> {
    id: String,
    reported_at: i64,
    name: String,
    #[serde(flatten)]
    build: &'a BuildId,
    stage: Option<&'a str>,
    commit: Option<&'a str>,
    xml: String,
}

impl Context {
    /// The report of an event. `now` is when it is reported; `began` when the build or stage or deployment began, as
    /// far as this machine remembers.
    pub fn report(&self, event: Event, now: i64, began: Option<i64>) -> Report {
        match event {
            Event::Started { parameters } => self.started(parameters, now),
            Event::Finished { result, log } => {
                report(Kind::Builds, &BuildPart { result, log_excerpt: log, ..self.finished(now, began) })
            }
            Event::Stage(stage) => self.stage(stage, now, began),
            Event::Artifact(artifact) => self.artifact(artifact, now),
            Event::Deployment(deployment) => self.deployment(deployment, now, began),
            Event::Tests { name, xml } => self.tests(name, xml, now),
        }
    }

    /// Name under which the begin of an event is remembered; none for what has no length.
    pub fn span(&self, event: &Event) -> Option<String> {
        let key = self.build.key();
        match event {
            Event::Started { .. } | Event::Finished { .. } => Some(key),
            Event::Stage(stage) => Some(format!("{key}/stage/{}", self.stage_name(stage))),
            Event::Deployment(deployment) => Some(self.deployment_id(deployment)),
            Event::Artifact(_) | Event::Tests { .. } => None,
        }
    }

    fn part<'a>(&'a self, part: &str, now: i64) -> BuildPart<'a> {
        BuildPart {
            collector: Collector { name: "emit".to_owned(), version: env!("CARGO_PKG_VERSION").to_owned() },
            part: part.to_owned(),
            reported_at: now,
            build: Some(&self.build),
            ..BuildPart::default()
        }
    }

    fn started(&self, parameters: Vec<(String, String)>, now: i64) -> Report {
        let parameters = parameters.into_iter().map(|(name, value)| Parameter { name, value }).collect();
        let started_at = self.started.as_deref().map_or(Instant::Milliseconds(now), Instant::Written);
        report(
            Kind::Builds,
            &BuildPart {
                about: Some(&self.about),
                state: Some("running"),
                started_at: Some(started_at),
                job_run_params: parameters,
                ..self.part("start", now)
            },
        )
    }

    fn finished(&self, now: i64, began: Option<i64>) -> BuildPart<'_> {
        let started_at = self.started.as_deref().map(Instant::Written).or(began.map(Instant::Milliseconds));
        BuildPart {
            about: Some(&self.about),
            state: Some("finished"),
            started_at,
            finished_at: Some(now),
            duration_ms: began.filter(|_| self.started.is_none()).map(|began| now - began),
            ..self.part("finish", now)
        }
    }

    fn stage(&self, stage: Stage, now: i64, began: Option<i64>) -> Report {
        let name = self.stage_name(&stage);
        let is_over = stage.result.is_some();
        let start_time = stage.started_at.or(began).or((!is_over).then_some(now));
        let end_time = is_over.then(|| stage.finished_at.unwrap_or(now));
        let part = format!("stage/{name}");
        let stage = StageReport {
            id: name.clone(),
            display_name: name,
            parent: stage.parent,
            state: if is_over { "FINISHED" } else { "RUNNING" },
            result: stage.result,
            start_time,
            end_time,
            duration_in_millis: start_time.zip(end_time).map(|(start, end)| (end - start).max(0)),
        };
        report(Kind::Builds, &BuildPart { job_run: Some(Run { stages: vec![stage] }), ..self.part(&part, now) })
    }

    fn stage_name(&self, stage: &Stage) -> String {
        stage.name.clone().or_else(|| self.stage.clone()).unwrap_or_else(|| "stage".to_owned())
    }

    fn artifact(&self, artifact: Artifact, now: i64) -> Report {
        let version = artifact.version.as_deref().unwrap_or_default();
        let part = format!("artifact/{}:{version}", artifact.name);
        report(Kind::Builds, &BuildPart { artifacts: vec![artifact], ..self.part(&part, now) })
    }

    fn deployment_id(&self, deployment: &Deployment) -> String {
        let component = deployment.component.as_ref().map(|component| format!("/{component}")).unwrap_or_default();
        format!("{}/{}{component}", self.build.key(), deployment.environment)
    }

    fn deployment(&self, deployment: Deployment, now: i64, began: Option<i64>) -> Report {
        let is_over = deployment.result.is_some();
        let started_at = deployment.started_at.or(began).or((!is_over).then_some(now));
        report(
            Kind::Deployments,
            &DeploymentReport {
                id: self.deployment_id(&deployment),
                reported_at: now,
                build: self.build.key(),
                environment: deployment.environment,
                component: deployment.component,
                version: deployment.version,
                state: if is_over { "finished" } else { "running" },
                result: deployment.result,
                started_at,
                finished_at: is_over.then_some(now),
                repository: self.about.repo_url.as_deref(),
                commit: self.about.commit.as_deref(),
                artifacts: deployment.artifacts,
                web_url: self.about.web_url.as_deref(),
                user_id: self.about.user_id.as_deref(),
            },
        )
    }

    fn tests(&self, name: String, xml: String, now: i64) -> Report {
        report(
            Kind::TestReports,
            &TestsReport {
                id: format!("{}/{name}", self.build.key()),
                reported_at: now,
                name,
                build: &self.build,
                stage: self.stage.as_deref(),
                commit: self.about.commit.as_deref(),
                xml,
            },
        )
    }
}

fn report(kind: Kind, document: &impl Serialize) -> Report {
    Report { kind, json: serde_json::to_string(document).expect("texts and numbers are JSON") }
}

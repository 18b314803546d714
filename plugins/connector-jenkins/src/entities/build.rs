//! A build: how it ran, why, and of what. A build that deploys is a deployment too.

use std::borrow::Cow;

use serde::Deserialize;
use weir_sdk::model::entity::{
    AttributeValue, Checkout, Deployment, Environment, LogPlace, Parameter, RunPurpose, RunResult, RunState, Trigger,
};
use weir_sdk::prelude::*;

use super::artifacts::{self, FingerprintJson};
use super::causes::{self, CauseJson};
use super::changes::{self, ChangesJson, RevisionJson, Scm};
use super::parameters::{self, ParameterJson};
use super::{result, simple_name, tests};
use crate::origin::{Origin, about, build_key};
use crate::settings::Settings;

/// Parameters that name the environment a build deploys to.
const ENVIRONMENT_PARAMETERS: [&str; 5] = ["environment", "env", "deploy_env", "target_env", "target_environment"];
/// How names of jobs that deploy begin; what follows names the environment.
const DEPLOY_PREFIXES: [&str; 4] = ["deploy-to-", "deploy_to_", "deploy-", "deploy_"];

/// A build.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct BuildJson<'a> {
    #[serde(rename = "_class", borrow)]
    class: Text<'a>,
    #[serde(borrow)]
    url: Text<'a>,
    #[serde(borrow)]
    display_name: Text<'a>,
    building: Field<bool>,
    #[serde(borrow)]
    result: Text<'a>,
    timestamp: Instant,
    duration: Field<u64>,
    #[serde(borrow)]
    built_on: Text<'a>,
    #[serde(borrow)]
    actions: List<Object<ActionJson<'a>>>,
    #[serde(borrow)]
    fingerprint: List<Object<FingerprintJson<'a>>>,
    #[serde(borrow)]
    change_set: Nested<ChangesJson<'a>>,
    #[serde(borrow)]
    change_sets: List<Object<ChangesJson<'a>>>,
}

/// What Jenkins or a plugin of it attached to a build; of any class, so most fields are mostly not there.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct ActionJson<'a> {
    #[serde(rename = "_class", borrow)]
    class: Text<'a>,
    #[serde(borrow)]
    causes: List<Object<CauseJson<'a>>>,
    #[serde(borrow)]
    parameters: List<Object<ParameterJson<'a>>>,
    #[serde(borrow)]
    last_built_revision: Nested<RevisionJson<'a>>,
    #[serde(borrow)]
    remote_urls: List<Cow<'a, str>>,
    #[serde(borrow)]
    mercurial_revision_number: Text<'a>,
    fail_count: Field<u32>,
    skip_count: Field<u32>,
    total_count: Field<u32>,
    queuing_duration_millis: Field<u64>,
    waiting_duration_millis: Field<u64>,
    blocked_duration_millis: Field<u64>,
    buildable_duration_millis: Field<u64>,
}

/// A build with its commits, tests and artifacts.
pub(crate) fn build(json: BuildJson<'_>, raw: &Raw<'_>, settings: &Settings) -> Outcome {
    let (origin, number) = match about(raw) {
        Ok(about) => about,
        Err(outcome) => return outcome,
    };
    let key = build_key(settings, &origin.job, number);
    let changes = changes::read(raw, json.change_set, json.change_sets);
    let artifacts = artifacts::read(raw, json.fingerprint, (&origin.job, number), &key);
    let attached = Attached::read(raw, raw.list("/actions", json.actions), &origin, settings);
    let word = raw.filled("/result", json.result);
    let ran = Ran {
        is_building: raw.take("/building", json.building).unwrap_or(word.is_none()),
        word,
        started_at: raw.take("/timestamp", json.timestamp),
        duration: raw.take("/duration", json.duration).map(DurationMs),
    };
    let url = raw.filled("/url", json.url);
    let build = attached
        .write(ran.write(raw, attached.is_timed_out))
        .system(origin.system.clone())
        .job(origin.pipeline())
        .number(number)
        .log(url.as_ref().map(|url| LogPlace::Url(format!("{url}consoleText"))))
        .url(url)
        .title(raw.filled("/displayName", json.display_name).filter(|title| *title != format!("#{number}")))
        .purposes([if settings.deploys(&origin) { RunPurpose::Deploy } else { RunPurpose::Build }])
        .commits(changes.iter().map(|change| change.id.clone()))
        .change(changes::change(&origin, attached.checkouts.first()))
        .parent(origin.within.as_ref().map(|job| Reference::Key(build_key(settings, job, number))))
        .artifacts(artifacts.iter().map(artifacts::Used::usage))
        .worker(raw.take("/builtOn", json.built_on).map(|node| worker(&node)));
    let mut build = placed(build, &origin);
    build.attributes.extend(raw.take("/_class", json.class).and_then(|class| job_type(&class)));
    let mut produced = Produced::default().with(&key, &build);
    if let Some(deployment) = deployment(&build, &key) {
        produced = produced.with(&key, &deployment);
    }
    if let Some(report) = attached.tests {
        produced = produced.with(&key, &tests::of_build(report, &build, &key));
    }
    produced = artifacts.iter().fold(produced, |produced, used| produced.with(used.key(), &used.artifact));
    let repository = attached.checkouts.first().and_then(|checkout| checkout.repository.clone());
    changes.into_iter().fold(produced, |produced, change| change.write(produced, repository.clone())).into()
}

/// What the actions of a build come to.
#[derive(Default)]
struct Attached {
    triggers: Vec<Trigger>,
    is_timed_out: bool,
    parameters: Vec<Parameter>,
    checkouts: Vec<Checkout>,
    tests: Option<TestReport>,
    queued_for: Option<DurationMs>,
}

impl Attached {
    fn read(raw: &Raw<'_>, actions: Vec<Object<ActionJson<'_>>>, origin: &Origin, settings: &Settings) -> Self {
        let mut attached = Self::default();
        for action in actions {
            attached.add(raw, action.0, origin, settings);
        }
        if let Some(main) = attached.checkouts.first_mut() {
            main.branch = main.branch.take().or_else(|| origin.branch.clone());
        }
        attached
    }

    fn add(&mut self, raw: &Raw<'_>, action: ActionJson<'_>, origin: &Origin, settings: &Settings) {
        let causes = raw.list("/actions/causes", action.causes);
        let class = raw.take("/actions/_class", action.class);
        if class.is_some_and(|class| simple_name(&class) == "InterruptedBuildAction") {
            self.is_timed_out |= causes.iter().any(|cause| cause.0.is_timeout());
        } else {
            self.triggers.extend(causes.into_iter().map(|cause| causes::trigger(raw, cause.0, settings)));
        }
        let parameters = raw.list("/actions/parameters", action.parameters);
        self.parameters.extend(parameters.into_iter().filter_map(|one| parameters::parameter(raw, one.0)));
        let counts = tests::counts(raw, action.total_count, action.fail_count, action.skip_count);
        self.tests = self.tests.take().or(counts);
        let parts = [action.waiting_duration_millis, action.blocked_duration_millis, action.buildable_duration_millis];
        self.queued_for = self.queued_for.or_else(|| queued_for(raw, action.queuing_duration_millis, parts));
        let scm = Scm {
            revision: action.last_built_revision,
            mercurial: action.mercurial_revision_number,
            urls: action.remote_urls,
        };
        let checkout = changes::checkout(raw, scm, origin).filter(|checkout| !self.checkouts.contains(checkout));
        self.checkouts.extend(checkout);
    }

    fn write(&self, build: Build) -> Build {
        let queued_at = build.started_at.zip(self.queued_for).and_then(|(started, DurationMs(queued))| {
            i64::try_from(queued).ok().map(|queued| Timestamp::from_ms(started.ms().saturating_sub(queued)))
        });
        build
            .attempt(1)
            .triggers(self.triggers.clone())
            .parameters(self.parameters.clone())
            .checkouts(self.checkouts.clone())
            .queued_for(self.queued_for)
            .queued_at(queued_at)
    }
}

/// Time in the queue, as the plugin Metrics counts it: all of it, or in its three parts.
fn queued_for(raw: &Raw<'_>, whole: Field<u64>, parts: [Field<u64>; 3]) -> Option<DurationMs> {
    let parts = parts.map(|part| raw.take("/actions/buildableDurationMillis", part));
    let sum = || parts.into_iter().flatten().reduce(u64::saturating_add);
    raw.take("/actions/queuingDurationMillis", whole).or_else(sum).map(DurationMs)
}

/// How a build ran.
struct Ran {
    is_building: bool,
    word: Option<String>,
    started_at: Option<Timestamp>,
    duration: Option<DurationMs>,
}

impl Ran {
    /// State, result and times. A pipeline has a result before it is over; it counts when it is. When a build ended is
    /// worked out: Jenkins only says when it began and how long it ran.
    fn write(self, raw: &Raw<'_>, is_timed_out: bool) -> Build {
        if self.is_building {
            return Build::default().state(RunState::Running).started_at(self.started_at);
        }
        let finished_at = self.started_at.zip(self.duration).map(|(started, duration)| started.plus(duration));
        let ended = match self.word.as_deref().map(|word| result(raw, "/result", word)) {
            Some(RunResult::Cancelled) if is_timed_out => Some(RunResult::Timeout),
            ended => ended,
        };
        let mut build = Build::default()
            .state(RunState::Finished)
            .result(ended)
            .result_word(self.word)
            .started_at(self.started_at)
            .finished_at(finished_at)
            .duration(self.duration);
        let derived = finished_at.map(|_| AttributeValue::Texts(vec!["finished_at".to_owned()]));
        build.attributes.extend(derived.map(|derived| ("weir.derived".to_owned(), derived)));
        build
    }
}

/// The controller has no name of its own.
fn worker(node: &str) -> String {
    if node.is_empty() { "built-in".to_owned() } else { node.to_owned() }
}

fn job_type(class: &str) -> Option<(String, AttributeValue)> {
    let word = match simple_name(class) {
        "FreeStyleBuild" => "freestyle",
        "MatrixBuild" => "matrix",
        "MatrixRun" => "matrix-configuration",
        "MavenModuleSetBuild" => "maven",
        "MavenBuild" => "maven-module",
        "WorkflowRun" => "pipeline",
        _ => return None,
    };
    Some(("ci.job_type".to_owned(), AttributeValue::Text(word.to_owned())))
}

/// Where a build that deploys does so: a parameter says it best, else what follows "deploy-" in the name of the job.
fn placed(build: Build, origin: &Origin) -> Build {
    if !build.purposes.contains(&RunPurpose::Deploy) {
        return build;
    }
    let is_named = |name: &str| ENVIRONMENT_PARAMETERS.iter().any(|known| known.eq_ignore_ascii_case(name));
    let parameter = build.parameters.iter().find(|parameter| is_named(&parameter.name));
    let told = parameter.and_then(|parameter| parameter.value.clone()).filter(|value| !value.is_empty());
    let pipeline = origin.pipeline();
    let own = pipeline.rsplit('/').next().unwrap_or_default();
    let rest = DEPLOY_PREFIXES.iter().find_map(|prefix| own.strip_prefix(prefix)).filter(|rest| !rest.is_empty());
    let name = told.or_else(|| rest.map(str::to_owned));
    build.environment(name.map(|name| Environment { name, class: None }))
}

/// The deployment a build is.
fn deployment(build: &Build, key: &str) -> Option<Deployment> {
    if !build.purposes.contains(&RunPurpose::Deploy) {
        return None;
    }
    let deployment = Deployment::default()
        .attempt(build.attempt)
        .service(build.job.clone().filter(|_| build.checkouts.is_empty()))
        .environment(build.environment.clone())
        .title(build.title.clone().or_else(|| build.job.clone()))
        .url(build.url.clone())
        .state(build.state.clone())
        .result(build.result.clone())
        .result_word(build.result_word.clone())
        .author(build.triggers.iter().find_map(|trigger| trigger.person.clone()))
        .build(Reference::Key(key.to_owned()))
        .repositories(build.checkouts.iter().filter_map(|checkout| checkout.repository.clone()))
        .commits(build.checkouts.iter().filter_map(|checkout| checkout.commit.clone()))
        .artifacts(build.artifacts.iter().map(|used| used.artifact.clone()))
        .queued_at(build.queued_at)
        .started_at(build.started_at)
        .finished_at(build.finished_at)
        .duration(build.duration);
    Some(deployment)
}

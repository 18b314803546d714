//! Builds and their stages, from spans.
//!
//! The span without a parent that tells of a run is the build of its trace. One that has a parent is a run another run
//! started: a build of its own beside, whose steps stay in the tree of the trace, for they do not say whose they are.

use std::collections::{BTreeMap, BTreeSet};

use weir_model::entity::{
    ArtifactRole, ArtifactUse, AttributeValue, Build, Checkout, Identity, LIST_ELEMENTS_MAX, Parameter, RunResult,
    RunState, Stage, StageKind, Trigger, TriggerKind,
};
use weir_model::{Diagnostic, DiagnosticKind, DurationMs, EntityKind, ObjectId, Reference};

use super::super::builds::trigger_kind;
use super::super::names::{plain_branch, without_credentials};
use super::super::words::result_of;
use super::super::{Produced, params};
use super::deliveries;
use super::spans::{Span, Status};
use super::tests_run;

const RUN_RESULT: [&str; 4] =
    ["cicd.pipeline.result", "ci.pipeline.run.result", "cicd.pipeline.run.status", "ci.pipeline.result"];
const TASK_RESULT: [&str; 3] =
    ["cicd.pipeline.task.run.result", "jenkins.pipeline.step.result", "cicd.pipeline.run.task.status"];
const RUN_NUMBER: [&str; 2] = ["ci.pipeline.run.number", "ci.pipeline.number"];
const RUN_ID: &str = "cicd.pipeline.run.id";
const TASK_RUN_ID: &str = "cicd.pipeline.task.run.id";
const TASK_NAME: [&str; 2] = ["cicd.pipeline.task.name", "jenkins.pipeline.step.name"];
const WORKER: [&str; 5] = [
    "cicd.worker.name",
    "ci.pipeline.agent.name",
    "cicd.pipeline.worker.name",
    "ci.pipeline.node.name",
    "jenkins.computer.name",
];
const INTERRUPTIONS: [&str; 2] = ["jenkins.pipeline.step.interruption.causes", "ci.pipeline.run.interruption.causes"];

/// A build as far as the spans of a body tell.
#[derive(Default)]
struct Gathered {
    build: Build,
    checkouts: BTreeSet<<Checkout as Identity>::Id>,
}

/// Roots of runs, as trace and span.
type Roots<'a> = BTreeSet<(&'a str, &'a str)>;

/// What the spans of a body give.
pub(super) fn read(spans: &[Span], diagnostics: &mut Vec<Diagnostic>) -> Vec<Produced> {
    let roots = spans.iter().filter(|span| is_root(span)).map(|span| (span.trace.as_str(), span.id.as_str())).collect();
    let mut gathered: BTreeMap<String, Gathered> = BTreeMap::new();
    let mut produced = Vec::new();
    for span in spans.iter().filter(|span| span.is_of_pipeline()) {
        let artifact = deliveries::artifact(span);
        let made = artifact.as_ref().map(|made| Reference::Key(made.key.clone()));
        gathered.entry(span.trace.clone()).or_default().add(span, made, &roots);
        produced.extend(artifact);
        produced.extend(deliveries::deployment(span, outcome(span)));
        if is_run(span) && span.parent.is_some() {
            let nested = run(span).parent(Reference::Key(span.trace.clone())).checkouts(checkout(span));
            produced.push(Produced::new(EntityKind::Build, nested_key(span), nested));
        }
    }
    produced.extend(tests_run::read(spans));
    for (key, Gathered { build, .. }) in gathered {
        let build = within_limits(&key, build, diagnostics);
        produced.push(Produced::new(EntityKind::Build, key, build));
    }
    if spans.iter().any(|span| span.is_sampled) {
        let sampled = DiagnosticKind::Unknown("sampled".to_owned());
        diagnostics.push(Diagnostic::new(sampled, "otlp.sampled").at("/resourceSpans"));
    }
    produced
}

fn within_limits(key: &str, mut build: Build, diagnostics: &mut Vec<Diagnostic>) -> Build {
    if build.stages.len() > LIST_ELEMENTS_MAX {
        let n_stages = build.stages.len().to_string();
        diagnostics.push(Diagnostic::new(DiagnosticKind::Truncated, "otlp.stages").at(key).found(&n_stages));
        build.stages.truncate(LIST_ELEMENTS_MAX);
    }
    if let Some(RunResult::Unknown(word)) = &build.result {
        diagnostics.push(Diagnostic::new(DiagnosticKind::UnknownWord, "otlp.result").at(key).found(word));
    }
    build
}

impl Gathered {
    /// Adds what a span says to the build of its trace.
    fn add(&mut self, span: &Span, made: Option<Reference>, roots: &Roots<'_>) {
        if is_root(span) {
            let parts = std::mem::replace(&mut self.build, run(span));
            self.build.stages = parts.stages;
            self.build.artifacts = parts.artifacts;
            self.build.checkouts = parts.checkouts;
        } else {
            let lies_in_root = |parent: &String| roots.contains(&(span.trace.as_str(), parent.as_str()));
            let stage = stage(span);
            let parent = stage.parent.filter(|parent| !lies_in_root(parent));
            self.build.stages.push(Stage { parent, ..stage });
        }
        let new = checkout(span).filter(|checkout| self.checkouts.insert(checkout.identity()));
        self.build.checkouts.extend(new);
        let used = made.map(|artifact| ArtifactUse { artifact, role: ArtifactRole::Produced });
        self.build.artifacts.extend(used);
    }
}

fn is_root(span: &Span) -> bool {
    span.parent.is_none() && is_run(span)
}

/// Whether a span is a whole run. What its resource says holds for all spans of the resource, so it counts for the
/// root alone.
fn is_run(span: &Span) -> bool {
    let names =
        [&RUN_RESULT[..], &RUN_NUMBER[..], &[RUN_ID, "cicd.pipeline.run.state", "ci.pipeline.run.completed"]].concat();
    let is_task = span.own_text(&TASK_NAME).is_some()
        || span.own_text(&TASK_RESULT).is_some()
        || span.text(&[TASK_RUN_ID]).is_some()
        || span.has_own("jenkins.pipeline.step.");
    !is_task && (span.own_text(&names).is_some() || span.parent.is_none() && span.text(&names).is_some())
}

fn nested_key(span: &Span) -> String {
    format!("{}/{}", span.trace, span.id)
}

fn run(span: &Span) -> Build {
    let (result, result_word) = outcome_of(span, span.text(&RUN_RESULT));
    let is_over = span.finished_at.is_some();
    let ms = span.text(&["ci.pipeline.run.durationMillis"]).and_then(|ms| ms.parse().ok()).map(DurationMs);
    let passed = span.started_at.zip(span.finished_at).and_then(|(start, end)| end.since(start));
    let mut build = Build::default()
        .attempt(attempt(span))
        .job(span.text(&["ci.pipeline.id", "cicd.pipeline.name", "ci.pipeline.name"]))
        .number(span.text(&RUN_NUMBER).and_then(|number| number.parse().ok()))
        .url(span.text(&["cicd.pipeline.run.url.full", "ci.pipeline.run.url"]).map(|url| without_credentials(&url)))
        .state(if is_over { RunState::Finished } else { RunState::Running })
        .result(result.filter(|_| is_over))
        .result_word(result_word)
        .triggers(triggers(span))
        .parameters(parameters(span))
        .change(change(span))
        .worker(span.text(&WORKER))
        .started_at(span.started_at)
        .finished_at(span.finished_at)
        .duration(ms.or(passed).filter(|_| is_over));
    let texts = [
        ("otel.trace", Some(span.trace.clone())),
        ("otel.service", span.text(&["service.name"])),
        ("otel.run", span.text(&[RUN_ID])),
        ("otel.job_type", span.text(&["ci.pipeline.type"])),
    ];
    let texts = texts.into_iter().filter_map(|(key, text)| Some((key.to_owned(), AttributeValue::Text(text?))));
    build.attributes.extend(texts);
    build.attributes.extend(span.is_sampled.then(|| ("otel.sampled".to_owned(), AttributeValue::Boolean(true))));
    build
}

/// One more than the attempt before, which is known by its page alone.
fn attempt(span: &Span) -> Option<u32> {
    let before = span.text(&["cicd.pipeline.run.previous_attempt.url.full"])?;
    before.rsplit_once("/attempts/")?.1.parse::<u32>().ok()?.checked_add(1)
}

fn stage(span: &Span) -> Stage {
    let kind = kind(span);
    let is_job = kind == StageKind::Job;
    let text = |names: &[&str]| if is_job { span.text(names) } else { span.own_text(names) };
    let (result, result_word) = outcome(span);
    let state = match result_word.as_deref() {
        _ if span.finished_at.is_none() => RunState::Running,
        Some("PAUSED_PENDING_INPUT") => RunState::Waiting,
        Some("QUEUED") => RunState::Queued,
        _ => RunState::Finished,
    };
    let is_over = state == RunState::Finished;
    Stage {
        key: span.id.clone(),
        parent: span.parent.clone(),
        name: span.own_text(&TASK_NAME).or_else(|| Some(span.name.clone())).filter(|name| !name.is_empty()),
        kind: Some(kind),
        result: result.filter(|_| is_over),
        result_word,
        started_at: span.started_at,
        finished_at: span.finished_at.filter(|_| is_over),
        duration: span.started_at.zip(span.finished_at).and_then(|(start, end)| end.since(start)).filter(|_| is_over),
        worker: text(&WORKER),
        url: text(&["cicd.pipeline.task.run.url.full"]),
        child: is_run(span).then(|| Reference::Key(nested_key(span))),
        state: Some(state),
        ..Stage::default()
    }
}

/// A task run is a job; its resource names it on all of its steps too, but only the job has the name of the pipeline
/// that its resource is.
fn kind(span: &Span) -> StageKind {
    let of_resource = || {
        span.resource_text(&[TASK_RUN_ID]).is_some()
            && span.own_text(&TASK_NAME).is_none()
            && span.resource_text(&["cicd.pipeline.name", "cicd.pipeline.task.name"]).as_ref() == Some(&span.name)
    };
    let step = span.own_text(&["jenkins.pipeline.step.type"]);
    match step.as_deref() {
        Some("stage") => StageKind::Stage,
        Some("node" | "podTemplate") => StageKind::Job,
        None if is_run(span) || span.own_text(&[TASK_RUN_ID]).is_some() || of_resource() => StageKind::Job,
        None if span.name.starts_with("Phase: ") => StageKind::Stage,
        Some(_) | None => StageKind::Step,
    }
}

/// How a task or run ended, and the word for it.
fn outcome(span: &Span) -> (Option<RunResult>, Option<String>) {
    let word = if is_run(span) {
        span.text(&RUN_RESULT)
    } else if kind(span) == StageKind::Job {
        span.text(&TASK_RESULT)
    } else {
        span.own_text(&TASK_RESULT)
    };
    outcome_of(span, word)
}

/// Where nobody wrote a word, the status of the span tells. One that is not set tells nothing, but for a run that was
/// interrupted.
fn outcome_of(span: &Span, word: Option<String>) -> (Option<RunResult>, Option<String>) {
    let interruptions = span.texts(&INTERRUPTIONS).join(" ");
    let timed_out = [Some(interruptions.as_str()), span.message.as_deref()]
        .into_iter()
        .flatten()
        .any(|text| text.contains("ExceededTimeout"));
    let result = match (&word, span.status) {
        (Some(word), _) => Some(word_result(word)),
        (None, Status::Ok) => Some(RunResult::Success),
        (None, Status::Error) => Some(match span.message.as_deref().map(word_result) {
            None | Some(RunResult::Unknown(_)) => RunResult::Failure,
            Some(known) => known,
        }),
        (None, Status::Unset) if !interruptions.is_empty() => Some(RunResult::Cancelled),
        (None, Status::Unset) => None,
    };
    let is_stopped = matches!(result, Some(RunResult::Cancelled | RunResult::Failure));
    let result = if timed_out && is_stopped { Some(RunResult::Timeout) } else { result };
    (result, word.or_else(|| span.message.clone()))
}

fn word_result(word: &str) -> RunResult {
    // As the Jenkins plugin spells it.
    if word.eq_ignore_ascii_case("not_build") { RunResult::Skipped } else { result_of(word) }
}

/// Causes are written "Class:detail".
fn triggers(span: &Span) -> Vec<Trigger> {
    let user = span.text(&["ci.pipeline.run.user", "cicd.pipeline.run.sender.login"]);
    let person = user.map(Reference::Name);
    let one = |cause: &String| {
        let (class, detail) = cause.split_once(':').unwrap_or((cause, ""));
        let kind = trigger_kind(class);
        let person = person.clone().filter(|_| kind == TriggerKind::Manual);
        let text = Some(detail.to_owned()).filter(|detail| !detail.is_empty());
        Trigger { kind, text, person, build: None, led_to: None }
    };
    let causes: Vec<Trigger> = span.texts(&["ci.pipeline.run.cause"]).iter().map(one).collect();
    if !causes.is_empty() {
        return causes;
    }
    let sender = |person| Trigger {
        kind: TriggerKind::Unknown("sender".to_owned()),
        text: None,
        person: Some(person),
        build: None,
        led_to: None,
    };
    person.map(sender).into_iter().collect()
}

/// Three lists side by side: names, values, and whether a value is a secret.
fn parameters(span: &Span) -> Vec<Parameter> {
    let values = span.texts(&["ci.pipeline.parameter.value"]);
    let secrets = span.texts(&["ci.pipeline.parameter.sensitive"]);
    let one = |(index, name): (usize, String)| {
        let value = values.get(index).filter(|value| !value.is_empty()).cloned();
        // Without a word that it is none, a value is taken for a secret.
        let is_open = secrets.get(index).is_some_and(|secret| secret == "false");
        params::parameter(name, None, value.filter(|_| is_open), !is_open)
    };
    span.texts(&["ci.pipeline.parameter.name"]).into_iter().enumerate().map(one).collect()
}

/// What the span says was checked out.
fn checkout(span: &Span) -> Option<Checkout> {
    let owner = span.text(&["vcs.owner.name"]).map(|owner| format!("{owner}/")).unwrap_or_default();
    let named = || span.text(&["vcs.repository.name"]).map(|name| format!("{owner}{name}"));
    let repository = span.text(&["vcs.repository.url.full", "git.repository"]).or_else(named);
    let branch = ["vcs.ref.head.name", "vcs.repository.ref.name", "git.branch"];
    let base = span.text(&["vcs.ref.base.name"]);
    let id = |names: &[&str]| span.text(names).and_then(|text| ObjectId::new(&text));
    let checkout = Checkout {
        repository: repository.map(|url| Reference::Name(without_credentials(&url))),
        branch: span.text(&branch).map(|branch| plain_branch(&branch).to_owned()),
        commit: id(&["vcs.ref.head.revision", "vcs.repository.ref.revision"]),
        base_branch: base.map(|branch| plain_branch(&branch).to_owned()),
        base_commit: id(&["vcs.ref.base.revision"]),
    };
    (checkout != Checkout::default()).then_some(checkout)
}

/// The change a run was for, as people write it: "acme/api#5".
fn change(span: &Span) -> Option<Reference> {
    let id = span.text(&["vcs.change.id", "vcs.repository.change.id"])?;
    let repository = checkout(span)?.repository?;
    Some(Reference::Name(format!("{}#{id}", super::super::repository_name(repository.text()))))
}

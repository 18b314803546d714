//! One build of a home, as a report.
//!
//! Invariant: every folder gives a report. What cannot be read is absent from it and named in its diagnostics; a result
//! that is not there is never guessed.

use std::path::Path;

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use weir_protocol::redact::excerpt;
use weir_protocol::{
    Build, BuildState, Collector, CommitEntry, FailureCause, Interruption, JobRun, JobType, Outcome, Promotion,
};

use crate::flow::{self, Flow, node_name};
use crate::instance::Instance;
use crate::job::Job;
use crate::layout::{BUILD_XML, Place, decoded};
use crate::notes::Notes;
use crate::stages::{self, blue_ocean_time};
use crate::xml::{self, Limits, Node, simple_name};
use crate::{causes, changelog, checkouts, console, junit, manifest};

const TITLE_BYTES_MAX: usize = 500;

/// All that is known before the first file of a build is opened.
pub(crate) struct Context<'a> {
    pub(crate) instance: &'a Instance,
    pub(crate) place: &'a Place,
    pub(crate) job: &'a Job,
    /// The number that a link gives the folder.
    pub(crate) linked_number: Option<u64>,
    /// Zone of times without an offset.
    pub(crate) zone: Option<&'a TimeZone>,
    /// The job deploys.
    pub(crate) deploys: bool,
    /// Ends of logs are reported.
    pub(crate) log_tail: bool,
}

/// What the root element of a `build.xml` stands for.
pub(crate) enum Kind {
    /// A build, or something too damaged to say.
    Build,
    /// A build script of Ant, which has the same name.
    Ant,
}

/// Reads the build in `dir`.
pub(crate) fn build(dir: &Path, context: &Context<'_>) -> (Build, Kind) {
    let mut notes = Notes::default();
    let mut tree = xml::read(&dir.join(BUILD_XML), Limits::BUILD);
    notes.add_all(BUILD_XML, std::mem::take(&mut tree.notes));
    let mut build = identity(context);
    let Some(root) = tree.root() else {
        notes.add("unreadable", BUILD_XML, "holds nothing that can be read");
        build.state = BuildState::Unknown;
        build.build_number = number(None, context);
        build.diagnostics = notes.into_diagnostics();
        return (build, Kind::Build);
    };
    let kind = if root.name() == "project" { Kind::Ant } else { Kind::Build };
    let actions: Vec<Node<'_>> = root.child("actions").into_iter().flat_map(Node::children).collect();
    build.job_type = job_type(root.name(), context.place);
    build.build_number = number(Some(root), context);
    fill_ending(&mut build, root, &mut notes);
    fill_times(&mut build, root, &actions, context, &mut notes);
    fill_reasons(&mut build, root, &actions);
    fill_changes(&mut build, dir, &actions, context, &mut notes);
    fill_run(&mut build, dir, root, &mut notes);
    fill_outcome(&mut build, dir, root, &actions, &mut notes);
    fill_purpose(&mut build, context);
    finish(build, context, notes, kind)
}

fn finish(mut build: Build, context: &Context<'_>, notes: Notes, kind: Kind) -> (Build, Kind) {
    let page = build.build_number.map(|number| context.place.page(branch_item(context).as_deref(), number));
    build.web_url = context.instance.url.as_ref().zip(page).map(|(url, page)| format!("{url}{page}"));
    // It is read in any case: it tells what timed out.
    build.log_excerpt = build.log_excerpt.filter(|_| context.log_tail);
    build.diagnostics = notes.into_diagnostics();
    (build, kind)
}

fn identity(context: &Context<'_>) -> Build {
    let Context { instance, place, .. } = context;
    let branch = branch_item(context);
    Build {
        collector: Collector { name: "jenkins".into(), version: env!("CARGO_PKG_VERSION").into() },
        instance_guid: instance.guid.clone(),
        instance_name: instance.name.clone(),
        instance_url: instance.url.clone(),
        job_name: place.job_name().to_owned(),
        job_full_name: place.job_full_name.clone(),
        qualified_name: place.qualified_name(branch.as_deref()),
        branch_name: branch,
        module_name: place.module.clone(),
        axes: place.axes.clone(),
        attempt: 1,
        ..Build::default()
    }
}

/// Real name of the branch or pull request a multibranch job has.
fn branch_item(context: &Context<'_>) -> Option<String> {
    let folder = context.place.branch.as_deref()?;
    let named = context.job.branch.clone().or_else(|| context.job.name.as_deref().map(decoded));
    Some(named.unwrap_or_else(|| decoded(folder)))
}

/// The element, the name of the folder, or the link that old homes have; in this order.
fn number(root: Option<Node<'_>>, context: &Context<'_>) -> Option<u64> {
    let told = root.and_then(|root| root.integer("number")).and_then(|number| u64::try_from(number).ok());
    told.or_else(|| context.place.folder.parse().ok()).or(context.linked_number)
}

fn job_type(root: &str, place: &Place) -> JobType {
    match simple_name(root) {
        "Promotion" => JobType::Promotion,
        _ if place.promotion.is_some() => JobType::Promotion,
        "build" | "FreeStyleBuild" => JobType::Freestyle,
        "matrix-build" | "MatrixBuild" => JobType::Matrix,
        "matrix-run" | "MatrixRun" => JobType::MatrixConfiguration,
        "MavenModuleSetBuild" | "maven2-moduleset-build" | "maven2-module-set" => JobType::Maven,
        "MavenBuild" | "maven-build" => JobType::MavenModule,
        "flow-build" | "WorkflowRun" => JobType::Pipeline,
        _ => JobType::Unknown,
    }
}

/// A pipeline writes its result while it still runs; only `completed` says that it is over.
fn fill_ending(build: &mut Build, root: Node<'_>, notes: &mut Notes) {
    let result = root.value("result").map(str::to_owned);
    let open = build.job_type == JobType::Pipeline && root.value("completed") == Some("false");
    build.state = if result.is_some() && !open { BuildState::Finished } else { BuildState::Running };
    if build.state == BuildState::Finished {
        build.result = result;
    }
    if build.job_type == JobType::Pipeline && root.value("completed") == Some("true") && build.result.is_none() {
        build.state = BuildState::Finished;
        notes.add("missing", "result", "the run is completed without a result");
    }
    build.display_name = root.value("displayName").and_then(|name| excerpt(name, TITLE_BYTES_MAX));
    build.queue_id = root.integer("queueId").and_then(|id| u64::try_from(id).ok()).filter(|id| *id > 0);
}

fn fill_times(build: &mut Build, root: Node<'_>, actions: &[Node<'_>], context: &Context<'_>, notes: &mut Notes) {
    build.start_time = root.integer("timestamp").filter(|at| *at > 0).or_else(|| folder_time(context));
    if build.start_time.is_none() {
        notes.add("missing", "start_time", "the build does not say when it started");
    }
    build.started_at = root.integer("startTime").filter(|at| *at > 0);
    if build.state == BuildState::Finished {
        let duration = root.integer("duration");
        if duration.is_some_and(|duration| duration < 0) {
            notes.add("negative", "duration", "a negative duration was dropped");
        }
        build.duration = duration.filter(|duration| *duration >= 0);
        let began = build.started_at.or(build.start_time);
        build.finished_at = began.zip(build.duration).and_then(|(began, duration)| began.checked_add(duration));
    }
    let queued = actions.iter().find(|action| simple_name(action.name()) == "TimeInQueueAction");
    let queued = queued.and_then(|action| action.integer("queuingDurationMillis"));
    build.queue_ms = queued.filter(|queued| *queued >= 0);
    build.queued_at = build.start_time.zip(build.queue_ms).and_then(|(start, queued)| start.checked_sub(queued));
}

/// Old homes name the folder by the local time of the controller.
fn folder_time(context: &Context<'_>) -> Option<i64> {
    let time = DateTime::strptime("%Y-%m-%d_%H-%M-%S", &context.place.folder).ok()?;
    Some(context.zone?.to_timestamp(time).ok()?.as_millisecond())
}

fn fill_reasons(build: &mut Build, root: Node<'_>, actions: &[Node<'_>]) {
    let causes = causes::causes(actions);
    build.causes = causes.iter().map(|cause| causes::cause(*cause)).collect();
    build.trigger_chain = causes.iter().map(|cause| causes::trigger(*cause)).collect();
    build.user_id = causes::user(&build.trigger_chain);
    build.job_run_params = causes::parameters(actions);
    build.node = root.child("builtOn").map(|node| node_name(node.text()));
}

fn fill_changes(build: &mut Build, dir: &Path, actions: &[Node<'_>], context: &Context<'_>, notes: &mut Notes) {
    build.checkouts = checkouts::checkouts(actions, build.build_number, dir);
    for path in change_lists(dir) {
        let entries = changelog::read(&path, context.zone, notes);
        let new: Vec<CommitEntry> = entries.into_iter().filter(|entry| !build.change_list.contains(entry)).collect();
        build.change_list.extend(new);
    }
    for id in build.change_list.iter().filter_map(|entry| entry.commit.as_ref()) {
        if !build.scm_commit_ids.contains(id) {
            build.scm_commit_ids.push(id.clone());
        }
    }
    let checked_out = build.checkouts.iter().find_map(|checkout| checkout.repository.clone());
    build.repo_url = checked_out.or_else(|| context.job.repository.clone());
    build.change.clone_from(&context.job.change);
    // The folder of a branch may be mangled, and the job of a pull request is called `PR-5`.
    let branch = build.checkouts.first().and_then(|checkout| checkout.branch.clone());
    build.branch_name = branch.or(build.branch_name.take());
}

/// Pipelines write one list for each checkout.
fn change_lists(dir: &Path) -> Vec<std::path::PathBuf> {
    let Ok(entries) = std::fs::read_dir(dir) else { return Vec::new() };
    let is_list = |name: &str| name.strip_prefix("changelog").is_some_and(|rest| rest.strip_suffix(".xml").is_some());
    let files = entries.flatten().filter(|entry| entry.file_name().to_str().is_some_and(is_list));
    let mut paths: Vec<_> = files.map(|entry| entry.path()).filter(|path| path.is_file()).collect();
    paths.sort();
    paths
}

fn fill_run(build: &mut Build, dir: &Path, root: Node<'_>, notes: &mut Notes) {
    if build.job_type != JobType::Pipeline {
        return;
    }
    let flow = Flow::read(dir, notes);
    if flow.nodes.is_empty() {
        if root.child("execution").is_some() {
            notes.add("missing", "workflow", "the run has no flow nodes");
        }
        return;
    }
    let running = build.state == BuildState::Running;
    let stages = stages::stages(&flow, running, notes);
    build.node = build.node.take().or(stages.agent);
    build.interruptions = stages.interruptions;
    build.failure_cause = stages.failure_cause;
    let paused = stages.stages.iter().any(|stage| stage.state == "PAUSED");
    build.job_run = Some(JobRun {
        id: build.build_number.map(|number| number.to_string()).unwrap_or_default(),
        result: build.result.clone(),
        state: if !running {
            "FINISHED"
        } else if paused {
            "PAUSED"
        } else {
            "RUNNING"
        }
        .to_owned(),
        duration_in_millis: build.duration,
        en_queue_time: build.queued_at.and_then(blue_ocean_time),
        start_time: build.started_at.or(build.start_time).and_then(blue_ocean_time),
        end_time: build.finished_at.and_then(blue_ocean_time),
        stages: stages.stages,
    });
}

fn fill_outcome(build: &mut Build, dir: &Path, root: Node<'_>, actions: &[Node<'_>], notes: &mut Notes) {
    build.tests = junit::read(dir, notes);
    build.artifacts = manifest::read(dir, notes);
    build.promotion = actions.iter().find_map(|action| promotion(*action, build));
    let interrupted = actions.iter().filter(|action| simple_name(action.name()) == "InterruptedBuildAction");
    let causes = interrupted.filter_map(|action| action.child("causes")).flat_map(flow::interruptions);
    let causes: Vec<_> = causes.map(|(kind, user_id)| Interruption { kind, user_id }).collect();
    if !causes.is_empty() {
        build.interruptions = causes;
    }
    if build.state == BuildState::Finished && build.result.as_deref() != Some("SUCCESS") {
        build.log_excerpt = console::read(dir, root.value("charset"), notes);
    } else {
        build.failure_cause = None;
    }
    let timed_out = build.interruptions.iter().any(|cause| cause.kind.contains("Timeout"))
        || build.log_excerpt.as_ref().is_some_and(|log| log.text.contains("Build timed out (after"));
    build.outcome = (build.state == BuildState::Finished).then(|| outcome(build.result.as_deref(), timed_out));
    if build.failure_cause.is_none() && build.outcome == Some(Outcome::Timeout) {
        build.failure_cause = Some(FailureCause { kind: Some("ExceededTimeout".into()), ..FailureCause::default() });
    }
}

fn outcome(result: Option<&str>, timed_out: bool) -> Outcome {
    match result {
        Some("SUCCESS") => Outcome::Success,
        Some("UNSTABLE") => Outcome::Unstable,
        Some("FAILURE") => Outcome::Failure,
        Some("ABORTED") if timed_out => Outcome::Timeout,
        Some("ABORTED") => Outcome::Cancelled,
        Some("NOT_BUILT") => Outcome::Skipped,
        Some(_) | None => Outcome::Unknown,
    }
}

fn promotion(action: Node<'_>, build: &Build) -> Option<Promotion> {
    if simple_name(action.name()) != "PromotionTargetAction" {
        return None;
    }
    let name = build.job_full_name.rsplit('/').next().unwrap_or_default().to_owned();
    let build_number = action.integer("number").and_then(|number| u64::try_from(number).ok())?;
    Some(Promotion { name, job: action.value("jobName")?.to_owned(), build_number })
}

/// A build that used artifacts deploys, one that made some builds; the operator's globs come on top.
fn fill_purpose(build: &mut Build, context: &Context<'_>) {
    let deploys = context.deploys || build.artifacts.iter().any(|artifact| artifact.input);
    let builds = !deploys || build.artifacts.iter().any(|artifact| artifact.output);
    build.cd = deploys.then_some(true);
    build.ci = builds.then_some(true);
    if deploys {
        build.environment = environment(build);
    }
}

/// A parameter says it best; else what follows `deploy-` in the name of the job.
fn environment(build: &Build) -> Option<String> {
    let is_name = |name: &str| {
        matches!(
            name.to_ascii_lowercase().as_str(),
            "environment" | "env" | "deploy_env" | "target_env" | "target_environment"
        )
    };
    let parameter = build.job_run_params.iter().find(|parameter| is_name(&parameter.name));
    let told = parameter.and_then(|parameter| parameter.value.clone()).filter(|value| !value.is_empty());
    let from_name = || {
        let rest = ["deploy-to-", "deploy_to_", "deploy-", "deploy_"]
            .iter()
            .find_map(|prefix| build.job_name.strip_prefix(prefix));
        rest.filter(|rest| !rest.is_empty()).map(str::to_owned)
    };
    told.or_else(from_name)
}

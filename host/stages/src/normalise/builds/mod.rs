//! Runs of CI jobs: reports of collectors, custom CI/CD payloads, and rows of build histories, one per stage.
//!
//! A build without a result is not over, unless its sender says so; it is never a success. Head and base commits are
//! taken where they are named; of a list of new commits the head is taken only when there is one, for the order of
//! longer lists is not known.

mod checkouts;
mod run;
mod triggers;

use weir_model::entity::{
    AttributeValue, Attributes, Build, Checkout, Deployment, Environment, Incident, IncidentLink, IncidentLinkKind,
    LogPlace, LogTail, RunPurpose, RunResult,
};
use weir_model::{DiagnosticKind, EntityKind, ObjectId, Reference};

use super::deployments::environment;
use super::fields::Fields;
use super::names::{percent_decoded, plain_branch, plain_job, without_credentials};
use super::words::class_of;
use super::{Arrival, PROJECT_ATTRIBUTE, Produced, artifacts, params, stages, tests_run};

pub(super) use triggers::kind as trigger_kind;

/// Names the part of a build that a report is about: what it does not say is said by another report.
const PART: &str = "part";
/// Names of the number of a run.
const NUMBER: [&str; 5] = ["build_number", "number", "build_id", "run_number", "job_run_number"];
const SYSTEM_ID: [&str; 2] = ["instance_guid", "jenkins_instance_guid"];
const SYSTEM_NAME: [&str; 2] = ["instance_name", "jenkins_instance_name"];
const QUALIFIED: [&str; 2] = ["qualified_name", "job_normalized_full_name"];
const JOB: [&str; 5] = ["pipeline", "job_name", "job", "workflow_name", "workflow"];
const BRANCH: [&str; 6] = ["branch_name", "branch", "pr_name", "pr", "source_branch", "head_branch"];
/// Fields that the interface for custom CI/CD demands; of aliases one is enough. A system without an id is known by its
/// name, a run without a number by the id of its execution.
pub(super) const REQUIRED: [&[&str]; 8] = [
    &JOB,
    &["job_full_name"],
    &QUALIFIED,
    &SYSTEM_NAME,
    &["start_time"],
    &["duration"],
    &["result"],
    &["build_number", "execution_id"],
];
/// Parameters that name the environment a build deploys to.
const ENVIRONMENT_PARAMETERS: [&str; 5] = ["environment", "env", "deploy_env", "target_env", "target_environment"];

/// Key of the raw record: that of the build, and of a row the stage, of a report in parts the part it is about.
pub(super) fn record_key(fields: &mut Fields<'_>) -> Option<String> {
    let key = own_key(fields)?;
    Some(match stages::row_stage(fields).or_else(|| fields.text(&[PART])) {
        Some(part) => format!("{key}/{part}"),
        None => key,
    })
}

/// Key of the build another record is about: "system/job/run/attempt", or the one that the connector of its integration
/// gives it.
pub(super) fn key(fields: &mut Fields<'_>) -> Option<String> {
    if let Some(key) = fields.text(&["build_key"]) {
        return Some(key);
    }
    let attempt = fields.count(&["attempt", "run_attempt"]).unwrap_or(1).max(1);
    key_ending(fields, &attempt.to_string())
}

/// Key of the build this record is about. A system that counts no attempts gives a number again when a job was deleted
/// and made anew: there the start tells the runs apart. An execution id never comes again.
fn own_key(fields: &mut Fields<'_>) -> Option<String> {
    let counts = ["attempt", "run_attempt", "execution_id", "build_key"].iter().any(|name| fields.has(name));
    let start = if counts || system(fields).is_none() { None } else { fields.time(&["start_time"]) };
    match start {
        Some(start) => key_ending(fields, &start.ms().to_string()),
        None => key(fields),
    }
}

fn key_ending(fields: &mut Fields<'_>, end: &str) -> Option<String> {
    let parts = [full_name(fields)?, run(fields)?, end.to_owned()];
    Some(system(fields).into_iter().chain(parts).collect::<Vec<_>>().join("/"))
}

/// What its system calls the run: the id of the execution, else the number.
fn run(fields: &mut Fields<'_>) -> Option<String> {
    let number = |fields: &mut Fields<'_>| fields.text(&NUMBER).and_then(|number| whole(&number));
    fields.text(&["execution_id"]).or_else(|| number(fields)).or_else(|| fields.text(&["run_id"]))
}

/// "12" of "12" and "12.0".
fn whole(number: &str) -> Option<String> {
    let digits = number
        .split_once('.')
        .map_or(number, |(whole, rest)| if rest.bytes().all(|b| b == b'0') { whole } else { number });
    digits.parse::<u64>().ok().map(|number| number.to_string())
}

fn system(fields: &mut Fields<'_>) -> Option<String> {
    fields.text(&SYSTEM_ID).or_else(|| fields.text(&SYSTEM_NAME))
}

/// Identity of the job within its system.
fn full_name(fields: &mut Fields<'_>) -> Option<String> {
    let stated = fields.text(&["job_full_name"]).or_else(|| fields.text(&QUALIFIED));
    stated.or_else(|| job_of_row(fields, "/"))
}

/// Rows of build histories name project and branch; their numbers count per branch.
fn job_of_row(fields: &mut Fields<'_>, joint: &str) -> Option<String> {
    if let Some(job) = JOB.iter().find_map(|name| fields.text(&[name])) {
        return Some(job);
    }
    let project = fields.text(&["project", "repository"])?;
    let branch = fields.text(&["pr_name", "pr", "branch"]).filter(|_| !joint.is_empty());
    Some(branch.map_or(project.clone(), |branch| format!("{project}{joint}{branch}")))
}

pub(super) fn read(fields: &mut Fields<'_>, arrival: Arrival) -> Vec<Produced> {
    let Some(key) = own_key(fields) else {
        let missing = [("job_full_name", full_name(fields).is_none()), ("build_number", run(fields).is_none())];
        for (field, _) in missing.into_iter().filter(|(_, is_missing)| *is_missing) {
            fields.note(DiagnosticKind::Missing, field, "");
        }
        return Vec::new();
    };
    let branch = branch(fields);
    let all = artifacts::read(fields, &artifacts::Maker { build: &key, branch: branch.as_deref() });
    let (artifacts, uses): (Vec<_>, Vec<_>) = all.into_iter().map(|used| (used.produced, used.uses)).unzip();
    let build = build(fields, arrival).artifacts(uses.into_iter().flatten());
    let mut produced = artifacts;
    produced.extend(deployment(fields, &key, &build));
    produced.extend(change_failure(fields, &key, &build, arrival));
    produced.extend(test_report(fields, &key, &build));
    produced.extend(checkouts::commits_of_change_list(fields));
    produced.push(Produced::new(EntityKind::Build, key, build));
    fields.take_over_findings();
    produced
}

fn build(fields: &mut Fields<'_>, arrival: Arrival) -> Build {
    let run = run::read(fields, arrival);
    let branch = branch(fields);
    let commits = checkouts::commits(fields);
    let checkouts = checkouts::read(fields, branch.as_deref(), &commits);
    let branch = checkouts.first().and_then(|checkout| checkout.branch.clone()).or(branch);
    let purposes = [("ci", RunPurpose::Build), ("cd", RunPurpose::Deploy)];
    let purposes = purposes.into_iter().filter(|(name, _)| fields.boolean(&[name]) == Some(true));
    let purposes: Vec<RunPurpose> = purposes.map(|(_, purpose)| purpose).collect();
    let mut build = Build::default()
        .attempt(fields.count(&["attempt", "run_attempt"]).unwrap_or(1).max(1))
        .system(system(fields))
        .job(job(fields, branch.as_deref()))
        .number(fields.text(&NUMBER).and_then(|number| whole(&number)).and_then(|number| number.parse().ok()))
        .title(fields.text(&["display_name", "title"]))
        .url(fields.text(&["web_url", "build_url", "url"]).map(|url| without_credentials(&url)))
        .purposes(purposes)
        .triggers(triggers::read(fields))
        .parameters(params::read(fields))
        .checkouts(checkouts)
        .commits(commits)
        .change(change(fields))
        .stages(stages::read(fields))
        .worker(fields.text(&["node", "node_name", "worker"]))
        .log(log(fields))
        .log_tail(log_tail(fields, run.result()));
    build.environment = target(fields, &build);
    build.attributes = attributes(fields);
    run.write(build)
}

/// The branch as people write it. A folder name may be a mangled one, so it comes last.
fn branch(fields: &mut Fields<'_>) -> Option<String> {
    let stated = BRANCH.iter().find_map(|name| fields.text(&[name]));
    let of_change = || fields.within("change", |change| change.text(&["source_branch"])).flatten();
    let stated = stated.or_else(of_change).map(|branch| plain_branch(&branch).to_owned());
    // The name of a folder of branches on disk is percent-encoded.
    let folder = fields.text(&["job_full_name"]).and_then(|full| Some(full.split_once("/branches/")?.1.to_owned()));
    match (stated, folder) {
        (Some(stated), Some(folder)) if stated == folder => Some(percent_decoded(&folder)),
        (stated, folder) => stated.or_else(|| folder.as_deref().map(percent_decoded)),
    }
}

/// Full name of the job without its branch.
fn job(fields: &mut Fields<'_>, branch: Option<&str>) -> Option<String> {
    let full_name = fields.text(&["job_full_name"]);
    let qualified = fields.text(&QUALIFIED);
    if let (Some(qualified), Some(branch)) = (&qualified, branch)
        && let Some(job) = qualified.strip_suffix(branch).and_then(|job| job.strip_suffix('/'))
    {
        return Some(job.to_owned());
    }
    match full_name {
        Some(full_name) => {
            let folder = full_name.split_once("/branches/").map(|(folder, _)| plain_job(folder));
            folder.or(qualified).or_else(|| Some(plain_job(&full_name)))
        }
        None => qualified.or_else(|| job_of_row(fields, "")),
    }
}

/// The change it ran for, as people write it: "acme/api#5".
fn change(fields: &mut Fields<'_>) -> Option<Reference> {
    let id = fields.within("change", |change| change.text(&["id", "number"])).flatten()?;
    let repository = checkouts::repository(fields)?;
    Some(Reference::Name(format!("{}#{id}", super::repository_name(&repository))))
}

fn log(fields: &mut Fields<'_>) -> Option<LogPlace> {
    fields.within("job_run", stages::log).flatten()
}

/// The end of the log of a build that did not succeed. A collector cuts it before it sends it, and says so itself.
fn log_tail(fields: &mut Fields<'_>, result: Option<&RunResult>) -> Option<LogTail> {
    if result == Some(&RunResult::Success) {
        return None;
    }
    let excerpt = fields.within("log_excerpt", |log| log.text(&["text"])).flatten();
    let stated = fields.text(&["log_tail"]);
    if let Some(cut) = stated.as_ref().filter(|text| text.len() > LogTail::BYTES_MAX) {
        fields.note(DiagnosticKind::Truncated, "log_tail", &format!("{} bytes", cut.len()));
    }
    LogTail::of(&excerpt.or(stated)?)
}

/// Where a build deploys to: what is said, a parameter that names it, or a job such as "deploy-prod".
fn target(fields: &mut Fields<'_>, build: &Build) -> Option<Environment> {
    if let Some(environment) = environment(fields) {
        return Some(environment);
    }
    if !build.purposes.contains(&RunPurpose::Deploy) {
        return None;
    }
    let is_named = |name: &str| ENVIRONMENT_PARAMETERS.iter().any(|known| known.eq_ignore_ascii_case(name));
    let parameter = build.parameters.iter().find(|parameter| is_named(&parameter.name));
    let of_job = || {
        let job = build.job.as_deref()?.rsplit('/').next()?;
        job.split(['-', '_', '.', ' ']).find(|word| class_of(word).is_some()).map(str::to_owned)
    };
    let name = parameter.and_then(|parameter| parameter.value.clone()).or_else(of_job)?;
    Some(Environment { class: class_of(&name), name })
}

fn attributes(fields: &mut Fields<'_>) -> Attributes {
    let texts = [
        (PROJECT_ATTRIBUTE, &["project_name", "project"][..]),
        ("ci.instance", &SYSTEM_NAME[..]),
        ("ci.instance_url", &["instance_url", "jenkins_instance_url"][..]),
        ("ci.job_type", &["job_type"][..]),
        ("ci.module", &["module_name"][..]),
        ("ci.cfr_status", &["cfr_status"][..]),
        ("ci.execution", &["execution_id"][..]),
    ];
    let mut attributes = Attributes::new();
    for (key, names) in texts {
        attributes.extend(fields.text(names).map(|text| (key.to_owned(), AttributeValue::Text(text))));
    }
    let cause =
        fields.within("failure_cause", |cause| [("stage", cause.text(&["stage"])), ("type", cause.text(&["type"]))]);
    for (name, text) in cause.into_iter().flatten() {
        attributes.extend(text.map(|text| (format!("ci.failure_{name}"), AttributeValue::Text(text))));
    }
    let lists = [("ci.themes", fields.texts(&["themes"])), ("ci.change_numbers", checkouts::change_numbers(fields))];
    let stated = lists.into_iter().filter(|(_, texts)| !texts.is_empty());
    attributes.extend(stated.map(|(key, texts)| (key.to_owned(), AttributeValue::Texts(texts))));
    attributes
}

/// A build that deploys is a deployment too.
fn deployment(fields: &mut Fields<'_>, key: &str, build: &Build) -> Option<Produced> {
    if build.environment.is_none() && !build.purposes.contains(&RunPurpose::Deploy) {
        return None;
    }
    let own = |field: fn(&Checkout) -> Option<Reference>| build.checkouts.iter().filter_map(field);
    let service = fields.text(&["service", "component", "application"]);
    let author = build.triggers.iter().find_map(|trigger| trigger.person.clone());
    let mut deployment = Deployment::default()
        .attempt(build.attempt)
        .service(service.or_else(|| build.checkouts.is_empty().then(|| build.job.clone()).flatten()))
        .environment(build.environment.clone())
        .title(build.title.clone().or_else(|| build.job.clone()))
        .url(build.url.clone())
        .state(build.state.clone())
        .result(build.result.clone())
        .result_word(build.result_word.clone())
        .version(fields.text(&["version"]))
        .author(author)
        .build(Reference::Key(key.to_owned()))
        .repositories(own(|checkout| checkout.repository.clone()))
        .commits(build.checkouts.iter().filter_map(|checkout| checkout.commit.clone()))
        .artifacts(build.artifacts.iter().map(|used| used.artifact.clone()))
        .queued_at(build.queued_at)
        .started_at(build.started_at)
        .finished_at(build.finished_at)
        .duration(build.duration);
    deployment
        .attributes
        .extend(build.attributes.get_key_value(PROJECT_ATTRIBUTE).map(|(k, v)| (k.clone(), v.clone())));
    Some(Produced::new(EntityKind::Deployment, key.to_owned(), deployment))
}

/// The incident that a deployment brought about, where its sender says so in the word that the settings name.
fn change_failure(fields: &mut Fields<'_>, key: &str, build: &Build, arrival: Arrival) -> Option<Produced> {
    let failed = arrival.settings.cfr_status_failed?;
    if !build.purposes.contains(&RunPurpose::Deploy) || fields.boolean(&["cfr_status"]) != Some(failed) {
        return None;
    }
    let link = IncidentLink { deployment: Reference::Key(key.to_owned()), kind: IncidentLinkKind::Caused };
    let incident = Incident::default()
        .title("change failure reported by its pipeline".to_owned())
        .environment(build.environment.clone())
        .detected_at(build.finished_at)
        .deployments([link]);
    Some(Produced::new(EntityKind::Incident, key.to_owned(), incident))
}

fn test_report(fields: &mut Fields<'_>, key: &str, build: &Build) -> Option<Produced> {
    let report = tests_run::of_build(fields, key)?;
    let commit: Option<ObjectId> = build.checkouts.first().and_then(|checkout| checkout.commit.clone());
    let mut report = report.commit(commit).started_at(build.started_at).finished_at(build.finished_at);
    report.attributes.extend(project(build).map(|project| (PROJECT_ATTRIBUTE.to_owned(), project)));
    Some(Produced::new(EntityKind::TestReport, key.to_owned(), report))
}

/// The project of a build, for what has no repository of its own.
fn project(build: &Build) -> Option<AttributeValue> {
    let repository = build.checkouts.first().and_then(|checkout| checkout.repository.as_ref());
    let named = || repository.map(|repository| AttributeValue::Text(super::repository_name(repository.text())));
    build.attributes.get(PROJECT_ATTRIBUTE).cloned().or_else(named)
}

#[cfg(test)]
mod tests;

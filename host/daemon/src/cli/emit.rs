//! `weir emit`: reports what a CI step does, from inside of it. Exit code 0 whatever happens, unless `--strict` is given;
//! a stage that runs a command ends with the command's.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::Duration;

use clap::{Args, Subcommand};
use weir_emit::{Artifact, Context, Delivery, Deployment, Event, Given, Outbox, OutboxOptions, Report, Stage, Starts};
use weir_protocol::{Key, LogEnd, LogExcerpt};

use crate::clock;
use crate::error::Fault;
use crate::ingest::{read_file, test_report_files};

#[derive(Debug, Args)]
pub(super) struct Emit {
    #[command(subcommand)]
    verb: Verb,
    #[command(flatten)]
    way: Way,
    #[command(flatten)]
    build: BuildFlags,
}

/// How reports leave.
#[derive(Debug, Args)]
struct Way {
    /// Address of the Weir host.
    #[arg(long, global = true, env = "WEIR_URL")]
    url: Option<String>,
    /// File with a key that has the scope `ingest`; `WEIR_KEY` holds the key itself.
    #[arg(long, global = true, value_name = "FILE")]
    key_file: Option<PathBuf>,
    /// Folder for reports that wait [default: weir/emit below the user's state].
    #[arg(long, global = true, value_name = "DIR", env = "WEIR_SPOOL")]
    spool: Option<PathBuf>,
    /// Integration of the CI system's connector, to whose builds the reports are added.
    #[arg(long, global = true, value_name = "NAME", env = "WEIR_INTEGRATION")]
    integration: Option<String>,
    /// Longest time spent on delivery, such as 500ms or 2s; the rest waits for the next report.
    #[arg(long, global = true, value_name = "TIME", default_value = "2s", value_parser = budget)]
    budget: Duration,
    /// Print the reports as JSON and send nothing.
    #[arg(long, global = true)]
    dry_run: bool,
    /// Fail when a report could not be kept, and when it could not be delivered.
    #[arg(long, global = true)]
    strict: bool,
}

/// Which build it is, where the environment does not tell.
#[derive(Debug, Args)]
struct BuildFlags {
    /// CI installation.
    #[arg(long, global = true)]
    instance: Option<String>,
    /// Full name of the job.
    #[arg(long, global = true)]
    job: Option<String>,
    /// Number of the run.
    #[arg(long, global = true)]
    number: Option<String>,
    /// Which repeat of the run, from 1.
    #[arg(long, global = true)]
    attempt: Option<u32>,
    /// Page of the run.
    #[arg(long, global = true, value_name = "URL")]
    page: Option<String>,
    /// Repository.
    #[arg(long, global = true, value_name = "URL")]
    repository: Option<String>,
    /// Branch.
    #[arg(long, global = true)]
    branch: Option<String>,
    /// Commit.
    #[arg(long, global = true, value_name = "SHA")]
    commit: Option<String>,
    /// Number of the pull or merge request.
    #[arg(long, global = true)]
    change: Option<String>,
    /// Who started it.
    #[arg(long, global = true)]
    actor: Option<String>,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// The build began, or ended.
    Build {
        #[command(subcommand)]
        verb: BuildVerb,
    },
    /// A stage began; with `--result` it ended; with a command it is run.
    Stage {
        /// Its name [default: that of the CI job].
        name: Option<String>,
        /// How it ended: a word, an exit status, or auto.
        #[arg(long)]
        result: Option<String>,
        /// Stage it lies in.
        #[arg(long)]
        parent: Option<String>,
        /// What to run.
        #[arg(last = true)]
        command: Vec<String>,
    },
    /// An artifact was made, or used.
    #[command(disable_version_flag = true)]
    Artifact {
        /// Name without version.
        name: String,
        /// Version or tag.
        #[arg(long)]
        version: Option<String>,
        /// Registry and path.
        #[arg(long)]
        location: Option<String>,
        /// Digest, with its algorithm in front.
        #[arg(long)]
        digest: Option<String>,
        /// container, package or file.
        #[arg(long = "type")]
        kind: Option<String>,
        /// The build uses it.
        #[arg(long)]
        input: bool,
    },
    /// Something is being put into an environment; with `--result` it was.
    #[command(disable_version_flag = true)]
    Deployment {
        /// Where to.
        environment: String,
        /// Service or application.
        #[arg(long)]
        component: Option<String>,
        /// Version.
        #[arg(long)]
        version: Option<String>,
        /// How it ended: a word, an exit status, or auto.
        #[arg(long)]
        result: Option<String>,
        /// Digests of what is deployed.
        #[arg(long = "artifact", value_name = "DIGEST")]
        artifacts: Vec<String>,
    },
    /// Tests were run: reports in XML, or folders with some below them.
    Test {
        #[arg(required = true, value_name = "FILE")]
        files: Vec<PathBuf>,
    },
    /// Deliver what waits.
    Flush,
}

#[derive(Debug, Subcommand)]
enum BuildVerb {
    /// It began.
    Start {
        /// A parameter, as NAME=VALUE; values that look like secrets are withheld by the host.
        #[arg(long = "param", value_name = "NAME=VALUE", value_parser = pair)]
        parameters: Vec<(String, String)>,
    },
    /// It ended.
    Finish {
        /// How: a word, an exit status, or auto. Nothing is guessed when it is left out.
        #[arg(long)]
        result: Option<String>,
        /// Its log, or `-` for what comes in: the end is kept of a build that did not succeed.
        #[arg(long, value_name = "FILE")]
        log: Option<PathBuf>,
    },
}

/// What went on and how that is to end.
struct Done {
    status: Option<u8>,
    outcome: Result<(), Fault>,
}

/// Reports, delivers what it can, and gives the exit code.
pub(super) fn emit(asked: &Emit) -> ExitCode {
    let done = act(asked);
    if let Err(fault) = &done.outcome {
        eprintln!("weir emit: {}", fault.chain());
        if let Some(hint) = fault.hint_text() {
            eprintln!("hint: {hint}");
        }
    }
    match (done.status, done.outcome) {
        (Some(status), _) => ExitCode::from(status),
        (None, Err(fault)) if asked.way.strict => ExitCode::from(fault.exit_code()),
        (None, _) => ExitCode::SUCCESS,
    }
}

/// Tells what was typed wrongly, and does not fail a build for it.
pub(super) fn forgive(error: &clap::Error) -> ExitCode {
    let typed: Vec<_> = std::env::args().skip(1).collect();
    let is_emit = typed.iter().find(|word| !word.starts_with('-')).is_some_and(|word| word == "emit");
    let is_strict = typed.iter().any(|word| word == "--strict");
    if is_emit && error.use_stderr() && !is_strict {
        // Nobody reads what cannot be written.
        let _ = error.print();
        return ExitCode::SUCCESS;
    }
    error.exit()
}

fn act(asked: &Emit) -> Done {
    if let Verb::Stage { name, parent, command, .. } = &asked.verb
        && !command.is_empty()
    {
        return run(asked, &Stage { name: name.clone(), parent: parent.clone(), ..Stage::default() }, command);
    }
    let outcome = match &asked.verb {
        Verb::Flush => outbox(&asked.way).and_then(|outbox| deliver(&outbox)),
        verb => context(asked).and_then(|context| {
            let events = events(verb, &context)?;
            send(asked, &context, events)
        }),
    };
    Done { status: None, outcome }
}

/// Runs a command as a stage. Its status is ours, whatever becomes of the report.
fn run(asked: &Emit, stage: &Stage, command: &[String]) -> Done {
    let context = context(asked);
    let report = |stage: Stage| match &context {
        Ok(context) => send(asked, context, vec![Event::Stage(stage)]),
        Err(_) => Ok(()),
    };
    let before = report(stage.clone());
    let status = match Command::new(&command[0]).args(&command[1..]).status() {
        // A command that a signal ended has no status; shells say so too.
        Ok(status) => status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(128),
        Err(error) => {
            eprintln!("weir emit: cannot run {}: {error}", command[0]);
            127
        }
    };
    let result = if status == 0 { "success" } else { "failure" };
    let after = report(Stage { result: Some(result.to_owned()), ..stage.clone() });
    let outcome = before.and(after).and(context.map(|_| ()));
    Done { status: Some(status), outcome }
}

fn events(verb: &Verb, context: &Context) -> Result<Vec<Event>, Fault> {
    let resolved = |result: &Option<String>| result.as_deref().and_then(|result| context.result(result));
    let one = match verb {
        Verb::Build { verb: BuildVerb::Start { parameters } } => Event::Started { parameters: parameters.clone() },
        Verb::Build { verb: BuildVerb::Finish { result, log } } => {
            Event::Finished { result: resolved(result), log: log.as_deref().and_then(log_end) }
        }
        Verb::Stage { name, result, parent, command: _ } => Event::Stage(Stage {
            name: name.clone(),
            parent: parent.clone(),
            result: resolved(result),
            ..Stage::default()
        }),
        Verb::Artifact { name, version, location, digest, kind, input } => Event::Artifact(Artifact {
            name: name.clone(),
            version: version.clone(),
            location: location.clone(),
            digest: digest.clone(),
            kind: kind.clone(),
            input: *input,
            output: !*input,
        }),
        Verb::Deployment { environment, component, version, result, artifacts } => Event::Deployment(Deployment {
            environment: environment.clone(),
            component: component.clone(),
            version: version.clone(),
            result: resolved(result),
            artifacts: artifacts.clone(),
            ..Deployment::default()
        }),
        Verb::Test { files } => return tests(files),
        Verb::Flush => return Ok(Vec::new()),
    };
    Ok(vec![one])
}

/// The end of a log. One that cannot be read must not keep the end of its build from being told.
fn log_end(path: &Path) -> Option<LogExcerpt> {
    let stdin = path == Path::new("-");
    let end = if stdin { LogEnd::of_stream(std::io::stdin().lock()) } else { LogEnd::of_file(path) };
    end.map(|end| end.excerpt(|bytes| String::from_utf8_lossy(bytes).into_owned()))
        .inspect_err(|error| eprintln!("weir emit: cannot read the log {}: {error}", path.display()))
        .ok()
}

fn tests(paths: &[PathBuf]) -> Result<Vec<Event>, Fault> {
    let files: Vec<PathBuf> = paths.iter().flat_map(|path| test_report_files(path)).collect();
    if files.is_empty() {
        return Err(
            Fault::config("there are no test reports").hint("name files, or a folder with `.xml` or `.trx` in it")
        );
    }
    let read = |path: &PathBuf| {
        let name = path.display().to_string();
        Ok(Event::Tests { name, xml: weir_junit::text(&read_file(path)?).into_owned() })
    };
    files.iter().map(read).collect()
}

/// Keeps the reports of events, and delivers them with what waits.
fn send(asked: &Emit, context: &Context, events: Vec<Event>) -> Result<(), Fault> {
    let starts = Starts::below(&spool(&asked.way)?);
    let now = clock::now().ms();
    let mut reports = Vec::with_capacity(events.len());
    for event in events {
        let span = context.span(&event);
        let began = span.as_deref().and_then(|span| starts.of(span));
        let is_over = is_over(&event);
        let report = context.report(event, now, began);
        if let Some(span) = span.filter(|_| !asked.way.dry_run) {
            if is_over { starts.forget(&span) } else { starts.note(&span, now) }
        }
        reports.push(report);
    }
    if asked.way.dry_run {
        for Report { json, .. } in &reports {
            println!("{json}");
        }
        return Ok(());
    }
    let outbox = outbox(&asked.way)?;
    let kept = |error| Fault::host("cannot keep a report").hint("`--spool` names another folder").caused_by(error);
    reports.iter().try_for_each(|report| outbox.leave(report).map_err(kept))?;
    deliver(&outbox)
}

fn is_over(event: &Event) -> bool {
    match event {
        Event::Started { .. } => false,
        Event::Stage(stage) => stage.result.is_some(),
        Event::Deployment(deployment) => deployment.result.is_some(),
        Event::Finished { .. } | Event::Artifact(_) | Event::Tests { .. } => true,
    }
}

fn deliver(outbox: &Outbox) -> Result<(), Fault> {
    match outbox.deliver() {
        Ok(Delivery::Done) => Ok(()),
        Ok(Delivery::Waiting { reports, why }) => {
            Err(Fault::new(weir_sandbox::Blame::Upstream, format!("{reports} reports wait: {why}"))
                .hint("the next report takes them along, and so does `weir emit flush`"))
        }
        Err(error) => Err(Fault::config("cannot deliver").caused_by(error)),
    }
}

fn outbox(way: &Way) -> Result<Outbox, Fault> {
    let url = way.url.clone().ok_or_else(|| {
        Fault::config("no address of a host").hint("set WEIR_URL, or pass --url http://weir.example.com:7878")
    })?;
    let options = OutboxOptions {
        dir: spool(way)?,
        url,
        key: key(way)?,
        integration: way.integration.clone(),
        budget: way.budget,
    };
    Ok(Outbox::new(options))
}

fn key(way: &Way) -> Result<Option<Key>, Fault> {
    let text =
        match &way.key_file {
            Some(path) => Some(std::fs::read_to_string(path).map_err(|error| {
                Fault::config(format!("cannot read the key file {}", path.display())).caused_by(error)
            })?),
            None => std::env::var("WEIR_KEY").ok(),
        };
    let Some(text) = text.filter(|text| !text.trim().is_empty()) else { return Ok(None) };
    Key::new(&text).map(Some).ok_or_else(|| Fault::config("the key has characters that no key has"))
}

fn spool(way: &Way) -> Result<PathBuf, Fault> {
    let variable = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let state = || variable("XDG_STATE_HOME").or_else(|| Some(variable("HOME")?.join(".local/state")));
    let found = way.spool.clone().or_else(|| Some(state()?.join("weir/emit")));
    found.ok_or_else(|| Fault::config("there is no folder for reports").hint("set WEIR_SPOOL"))
}

fn context(asked: &Emit) -> Result<Context, Fault> {
    let flags = &asked.build;
    let given = Given {
        instance: flags.instance.clone(),
        job: flags.job.clone(),
        number: flags.number.clone(),
        attempt: flags.attempt,
        url: flags.page.clone(),
        repository: flags.repository.clone(),
        branch: flags.branch.clone(),
        commit: flags.commit.clone(),
        change: flags.change.clone(),
        actor: flags.actor.clone(),
        integration: asked.way.integration.clone(),
    };
    Context::detect(&variable, &given)
        .map_err(|error| Fault::config(error.to_string()).hint("`--job` and `--number` say it; see docs/EMIT.md"))
}

/// A variable of the environment; the head of a pull request on GitHub, which stands in the event alone.
fn variable(name: &str) -> Option<String> {
    if let Ok(value) = std::env::var(name) {
        return Some(value);
    }
    if name != "GITHUB_EVENT_PULL_REQUEST_HEAD_SHA" {
        return None;
    }
    let event = std::fs::read(Path::new(&std::env::var_os("GITHUB_EVENT_PATH")?)).ok()?;
    let event: serde_json::Value = serde_json::from_slice(&event).ok()?;
    event["pull_request"]["head"]["sha"].as_str().map(str::to_owned)
}

/// "500ms", "2s", "1m".
fn budget(text: &str) -> Result<Duration, String> {
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let unit_ms = match unit {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        _ => return Err("write 500ms, 2s or 1m".to_owned()),
    };
    let ms = number.parse::<u32>().map_err(|error| error.to_string())?;
    Ok(Duration::from_millis(u64::from(ms) * unit_ms))
}

fn pair(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("write NAME=VALUE")?;
    Ok((name.to_owned(), value.to_owned()))
}

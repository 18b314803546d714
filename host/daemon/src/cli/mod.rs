//! The command line. Results go to stdout, progress and problems to stderr. Exit: 0 done, 1 negative answer, 2 usage
//! or configuration, 3 a tool failed, 4 host trouble.
#![expect(clippy::print_stdout, reason = "results of commands go to stdout")]

mod access;
mod args;
mod audit;
mod backup;
mod collect;
mod demo;
mod doctor;
mod emit;
mod erase;
mod export;
mod ingest;
mod init;
mod keys;
mod lifecycle;
mod logs;
mod note;
mod plugin;
mod print;
mod propel;
mod read;
mod remote;
mod satellite;
mod serve;
mod teams;
mod users;
mod work;

use std::process::ExitCode;

use clap::{CommandFactory, Parser};

use crate::error::Fault;
use args::{Arguments, Command};

/// What a command answers: done, or a negative answer.
pub(crate) type Answer = Result<bool, Fault>;

/// Reads the arguments, does what they say, and tells how it went.
pub fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => return emit::forgive(&error),
    };
    // A step of a build waits for this: it is not made to wait for a runtime of many threads.
    if let Command::Emit(asked) = &arguments.command {
        return emit::emit(asked);
    }
    // Whoever serves reads the configuration first: it says who gathers traces.
    if !matches!(arguments.command, Command::Run | Command::Central) {
        logs::begin(arguments.logs, None);
    }
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => return fail(&Fault::host("cannot start").caused_by(error)),
    };
    match runtime.block_on(run(arguments)) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(fault) => fail(&fault),
    }
}

async fn run(arguments: Arguments) -> Answer {
    let Arguments { command, scope, logs } = arguments;
    match command {
        Command::Init(init) => init::init(&init),
        Command::Run => serve::run(&scope, logs).await,
        Command::Central => serve::central(&scope, logs).await,
        Command::Demo(demo) => demo::demo(&scope, &demo).await,
        Command::Check => collect::check(&scope).await,
        Command::Emit(_) => Ok(true),
        Command::Collect(collect) => collect::collect(&scope, &collect).await,
        Command::Ingest(ingest) => ingest::ingest(&scope, &ingest).await,
        Command::Replay => ingest::replay(&scope).await,
        Command::Search(search) => read::search(&scope, &search).await,
        Command::Metrics(metrics) => read::metrics(&scope, &metrics).await,
        Command::Show(show) => read::show(&scope, &show).await,
        Command::Note(asked) => note::note(&scope, &asked).await,
        Command::Links(links) => read::links(&scope, &links).await,
        Command::Suspects(suspects) => read::suspects(&scope, &suspects).await,
        Command::Items(asked) => work::items(&scope, &asked).await,
        Command::Statuses(asked) => work::statuses(&scope, &asked).await,
        Command::Sprints(asked) => work::sprints(&scope, &asked).await,
        Command::Hygiene(asked) => work::hygiene(&scope, &asked).await,
        Command::Alignment(asked) => work::alignment(&scope, &asked).await,
        Command::People(asked) => work::people(&scope, &asked).await,
        Command::Teams(teams) => match teams.verb {
            args::TeamsVerb::List => work::teams(&scope).await,
            args::TeamsVerb::Import { file, to, force } => teams::import(&scope, &file, &to, force),
        },
        Command::Status => read::status(&scope).await,
        Command::Doctor => doctor::doctor(&scope).await,
        Command::Plugin(plugin) => plugin::plugin(&scope, &plugin).await,
        Command::Propel(propel) => propel::propel(&scope, &propel).await,
        Command::Gate(gate) => propel::gate(&scope, &gate).await,
        Command::Table(table) => propel::table(&scope, &table).await,
        Command::Key(key) => keys::key(&scope, &key).await,
        Command::User(user) => users::user(&scope, &user).await,
        Command::Audit(asked) => audit::audit(&scope, &asked),
        Command::Backup(asked) => backup::backup(&scope, asked).await,
        Command::Restore(asked) => backup::restore(&scope, asked).await,
        Command::Export(asked) => export::export(&scope, asked).await,
        Command::Import(asked) => export::import(&scope, asked).await,
        Command::Erase(asked) => erase::erase(&scope, asked).await,
        Command::Retention(asked) => erase::retention(&scope, &asked).await,
        Command::Decommission(asked) => lifecycle::decommission(&scope, asked).await,
        Command::Receipt(asked) => lifecycle::receipt(&scope, &asked),
        Command::Completions { shell } => {
            clap_complete::generate(shell, &mut Arguments::command(), "weir", &mut std::io::stdout());
            Ok(true)
        }
    }
}

fn fail(fault: &Fault) -> ExitCode {
    eprintln!("error: {}", fault.chain());
    if let Some(hint) = fault.hint_text() {
        eprintln!("hint: {hint}");
    }
    ExitCode::from(fault.exit_code())
}

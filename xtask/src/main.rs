//! `cargo xtask`: everything a developer or CI runs, in one place.
#![expect(clippy::print_stdout, reason = "a task runner talks to people")]

mod build;
mod process;
mod suite;
mod ui;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Weir's tasks.
#[derive(Parser)]
#[command(name = "cargo xtask", arg_required_else_help = true)]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Build everything and run a host on a made-up company; prints the URL of the dashboard.
    Demo {
        /// Passed to `weir demo`.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Everything CI needs: build, lints, tests, and the check that the built page matches its source.
    Test,
    /// Build the first-party plugins for development and put them where the host finds them.
    Plugins {
        /// Only those whose name holds this.
        name: Option<String>,
    },
    /// Kill a collecting and receiving host at random, many times, and judge what it kept.
    Faults {
        /// How often.
        #[arg(long, default_value_t = 1_000)]
        kills: u32,
    },
    /// Measure, and print the figures of docs/PERFORMANCE.md.
    Bench {
        /// Only those whose name holds this.
        name: Option<String>,
        /// Records of `scale`; a million when not given.
        #[arg(long)]
        records: Option<u64>,
    },
    /// Build the page from its source; needs Node.
    Ui {
        /// Test it on the demo, too, and take the pictures of the documentation; needs Chromium.
        #[arg(long)]
        pictures: bool,
    },
    /// Write the JSON Schemas of the entities into `wit/entities`, and the API as OpenAPI into `docs/openapi.json`.
    Schemas,
}

fn main() -> ExitCode {
    let done = match Arguments::parse().task {
        Task::Demo { arguments } => suite::demo(&arguments),
        Task::Test => suite::test(),
        Task::Plugins { name } => build::some_plugins("debug", name.as_deref().unwrap_or_default()),
        Task::Faults { kills } => suite::faults(kills),
        Task::Bench { name, records } => suite::bench(name.as_deref(), records),
        Task::Ui { pictures: false } => ui::build(),
        Task::Ui { pictures: true } => ui::build().and_then(|()| ui::pictures(&build::host()?)),
        Task::Schemas => suite::schemas(),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

//! What can be typed.

mod plugin;
mod who;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use uuid::Uuid;

use super::logs::Logs;
pub(super) use plugin::{Plugin, PluginVerb};
pub(super) use who::{Key, KeyVerb, LimitArgs, User, UserVerb};

/// Weir gauges software delivery: collects raw, processes, reacts, forwards, shows.
#[derive(Debug, Parser)]
#[command(name = "weir", version, propagate_version = true, arg_required_else_help = true)]
pub(super) struct Arguments {
    #[command(subcommand)]
    pub(super) command: Command,
    #[command(flatten)]
    pub(super) scope: Scope,
    #[command(flatten)]
    pub(super) logs: Logs,
}

/// What every command takes.
#[derive(Debug, Clone, Args)]
pub(super) struct Scope {
    /// Configuration [default: weir.toml, when there is one].
    #[arg(long, short, global = true, value_name = "FILE", env = "WEIR_CONFIG")]
    pub(super) config: Option<PathBuf>,
    /// Data folder; overrides that of the configuration.
    #[arg(long, global = true, value_name = "DIR", env = "WEIR_DATA_DIR")]
    pub(super) data_dir: Option<PathBuf>,
    /// Write results as JSON.
    #[arg(long, global = true)]
    pub(super) json: bool,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Write a commented weir.toml.
    Init(Init),
    /// Run the host: collect, process, react, forward, serve.
    Run,
    /// Run the central API, which hosts forward to.
    Central,
    /// Run a host on the bundled replay of a made-up company.
    Demo(Demo),
    /// Check the configuration, the secrets, the plugins, and every connection.
    Check,
    /// Collect now, in the foreground.
    Collect(Collect),
    /// Feed files through the same path as collected data.
    Ingest(Ingest),
    /// Report what a CI step does, from inside of it. Never fails the build.
    Emit(Box<super::emit::Emit>),
    /// Build everything derived again from the raw log.
    Replay,
    /// Search entities.
    Search(Search),
    /// Numbers, with definition, sample size and freshness.
    Metrics(Metrics),
    /// One entity, and where it comes from.
    Show(Show),
    /// Write a note on an entity, for all who look at it.
    Note(Note),
    /// What belongs to an entity, and why.
    Links(Links),
    /// The commits that may have broken a build.
    Suspects(Suspects),
    /// Work items open or in progress, now or at an instant in the past.
    Items(Items),
    /// Time in status of finished work items.
    Statuses(Statuses),
    /// Sprints: commit, done, creep, missed, velocity.
    Sprints(Sprints),
    /// How well open work items are kept.
    Hygiene(Hygiene),
    /// What finished work went into.
    Alignment(Alignment),
    /// Who is who.
    People(People),
    /// Teams: list, import.
    Teams(Teams),
    /// Health of every integration.
    Status,
    /// What is wrong and what to do about it; exit code 1 when something is.
    Doctor,
    /// Plugins: list, inspect, sign.
    Plugin(Plugin),
    /// Propels: list, runs, run, dry-run, repeat, cancel, dead-letters, send-again.
    Propel(Propel),
    /// Ask whether a build may go on; exit code 0 says yes, 1 no.
    Gate(GateAsked),
    /// Tables that people keep: list, show, import.
    Table(Tables),
    /// API keys: create, list, revoke.
    Key(Key),
    /// People who may log in.
    User(User),
    /// The audit log: list, verify, export.
    Audit(super::audit::Audit),
    /// Write everything to a folder that needs no Weir to be read, or check one.
    Export(super::export::Export),
    /// Take an export into an empty account.
    Import(super::export::Import),
    /// Copy everything, as it lies and without keys, so that it can be served again; or check such a copy.
    Backup(super::backup::Backup),
    /// Put a backup into a data folder that is not there yet.
    Restore(super::backup::Restore),
    /// Erase a part of what there is, or count what that would be.
    Erase(super::erase::Erase),
    /// How long raw records are kept: preview, run.
    Retention(super::erase::Retention),
    /// The end of an account: request, confirm, status, cancel, inventory, run.
    Decommission(super::lifecycle::Decommission),
    /// Receipts of what was erased: verify.
    Receipt(super::lifecycle::Receipt),
    /// Write a completion script.
    Completions {
        /// For which shell.
        shell: clap_complete::Shell,
    },
}

#[derive(Debug, Args)]
pub(super) struct Init {
    /// Where to write it.
    #[arg(default_value = "weir.toml")]
    pub(super) file: PathBuf,
    /// Take over the configuration of an ingestion satellite; its secrets go to files of their own.
    #[arg(long, value_name = "FILE")]
    pub(super) from_satellite: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(super) struct Demo {
    /// Address of the dashboard.
    #[arg(long, default_value = "127.0.0.1:7878")]
    pub(super) listen: String,
    /// End when everything is collected and shown, instead of serving on.
    #[arg(long)]
    pub(super) once: bool,
    /// Seed of the made-up company.
    #[arg(long, default_value_t = 7)]
    pub(super) seed: u64,
}

#[derive(Debug, Args)]
pub(super) struct Collect {
    /// Integration; all when left out.
    pub(super) name: Option<String>,
    /// Read everything again and withdraw what is gone.
    #[arg(long)]
    pub(super) full: bool,
}

#[derive(Debug, Args)]
pub(super) struct Ingest {
    /// Files, or folders for jenkins-home, git and junit. Gzip is seen through.
    #[arg(required = true, value_name = "FILE")]
    pub(super) files: Vec<PathBuf>,
    /// What they hold: jenkins-home, git, junit, builds, commits, deployments, test-reports, data, webhook:<scheme>.
    #[arg(long = "as", value_name = "KIND")]
    pub(super) kind: String,
    /// Integration the records belong to.
    #[arg(long, value_name = "NAME")]
    pub(super) integration: Option<String>,
    /// Kind of custom data, for `--as data`.
    #[arg(long = "kind", value_name = "KIND")]
    pub(super) data_kind: Option<String>,
    /// Schema of the kind, for `--as data`; needed when it is not declared yet.
    #[arg(long, value_name = "FILE")]
    pub(super) schema: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(super) struct Search {
    /// Search syntax: `kind:build AND result:failure`. Everything when left out.
    #[arg(default_value = "")]
    pub(super) query: String,
    /// Kind of entity.
    #[arg(long, short)]
    pub(super) kind: Option<String>,
    /// Fields to count by, with commas between.
    #[arg(long, short)]
    pub(super) facets: Option<String>,
    /// Most hits [default: 20; none beside groups].
    #[arg(long, short)]
    pub(super) limit: Option<usize>,
    /// `next` of the answer before.
    #[arg(long)]
    pub(super) cursor: Option<String>,
    /// A date, number or attribute, with `:asc` or `:desc`; or relevance [default: updated].
    #[arg(long)]
    pub(super) sort: Option<String>,
    /// Fields of the hits, with commas between; all when left out.
    #[arg(long)]
    pub(super) fields: Option<String>,
    /// Show where a hit matches.
    #[arg(long)]
    pub(super) highlight: bool,
    /// Fields to group by, with commas between.
    #[arg(long, short)]
    pub(super) group: Option<String>,
    /// Part the groups by day, week or month.
    #[arg(long)]
    pub(super) by: Option<String>,
    /// Date field that `--by` means [default: created].
    #[arg(long)]
    pub(super) over: Option<String>,
    /// Statistics of the groups, with commas between: count, sum:duration, avg, min, max, p50, p90.
    #[arg(long)]
    pub(super) stats: Option<String>,
    /// Value of a variable of the search: team=payments.
    #[arg(long = "var", value_name = "NAME=VALUE", value_parser = variable)]
    pub(super) variables: Vec<(String, String)>,
    /// List the searches that are kept under a name.
    #[arg(long)]
    pub(super) list: bool,
}

fn variable(text: &str) -> Result<(String, String), String> {
    let parts = text.split_once('=').map(|(name, value)| (name.to_owned(), value.to_owned()));
    parts.ok_or_else(|| "write NAME=VALUE".to_owned())
}

impl Search {
    /// The same as names and values of the API. Who asks for groups sees groups.
    pub(super) fn asked(&self) -> Vec<(String, String)> {
        let groups = self.group.is_some() || self.by.is_some() || self.stats.is_some();
        let limit = self.limit.unwrap_or(if groups { 0 } else { 20 }).to_string();
        let highlight = self.highlight.then(|| "true".to_owned());
        let named = [
            ("q", Some(self.query.clone())),
            ("kind", self.kind.clone()),
            ("facets", self.facets.clone()),
            ("limit", Some(limit)),
            ("cursor", self.cursor.clone()),
            ("sort", self.sort.clone()),
            ("fields", self.fields.clone()),
            ("highlight", highlight),
            ("group", self.group.clone()),
            ("by", self.by.clone()),
            ("over", self.over.clone()),
            ("stats", self.stats.clone()),
        ];
        let named = named.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)));
        named.chain(self.variables.iter().map(|(name, value)| (format!("var.{name}"), value.clone()))).collect()
    }
}

#[derive(Debug, Args)]
pub(super) struct Metrics {
    /// Names of metrics; all when left out.
    pub(super) names: Vec<String>,
    /// Begin of the window.
    #[arg(long)]
    pub(super) from: Option<String>,
    /// End of the window, not included.
    #[arg(long)]
    pub(super) to: Option<String>,
    /// day, week or month.
    #[arg(long, default_value = "week")]
    pub(super) by: String,
    /// Team.
    #[arg(long)]
    pub(super) team: Option<String>,
    /// Project.
    #[arg(long)]
    pub(super) project: Option<String>,
    /// Service.
    #[arg(long)]
    pub(super) service: Option<String>,
    /// A total for each team, project or service.
    #[arg(long)]
    pub(super) group: Option<String>,
    /// Version of the definition, or another system's: devlake/2023, devlake/2021, middleware/1, harness/1.0.
    #[arg(long)]
    pub(super) definition: Option<String>,
    /// Name the total by these bands: devlake/2023, devlake/2021, harness.
    #[arg(long)]
    pub(super) bands: Option<String>,
    /// Why values are unknown.
    #[arg(long)]
    pub(super) reasons: bool,
}

#[derive(Debug, Args)]
pub(super) struct Show {
    /// Id of an entity: `build:ci:folder/job/12/1`, `commit::a0d740a...`.
    pub(super) id: String,
    /// The raw records it is merged from, as they came.
    #[arg(long)]
    pub(super) raw: bool,
    /// Where each part comes from.
    #[arg(long)]
    pub(super) why: bool,
}

#[derive(Debug, Args)]
pub(super) struct Note {
    /// Id of an entity: `build:ci:folder/job/12/1`, `incident:pd:Q1`.
    pub(super) id: String,
    /// What it says; nothing takes the note of that name away.
    pub(super) text: String,
    /// Tells the notes of an entity apart; one of the same name is replaced. A new note when left out.
    #[arg(long, required_if_eq("text", ""))]
    pub(super) name: Option<String>,
}

#[derive(Debug, Args)]
pub(super) struct Links {
    /// Id of an entity: `work-item:jira:10012`, `commit::a0d740a...`.
    #[arg(required_unless_present = "dangling")]
    pub(super) id: Option<String>,
    /// How many steps to follow, up to the work and down to what runs; at most 8.
    #[arg(long, default_value_t = 1)]
    pub(super) depth: u32,
    /// Instead: keys of known projects that name no work item.
    #[arg(long, conflicts_with = "id")]
    pub(super) dangling: bool,
}

#[derive(Debug, Args)]
pub(super) struct Suspects {
    /// Id of a build.
    pub(super) build: String,
}

#[derive(Debug, Args)]
pub(super) struct Propel {
    #[command(subcommand)]
    pub(super) verb: PropelVerb,
}

#[derive(Debug, Subcommand)]
pub(super) enum PropelVerb {
    /// Configured propels, and how they are.
    List,
    /// What they did, newest first.
    Runs {
        /// Only of this propel.
        #[arg(long)]
        propel: Option<String>,
        /// In search syntax: `state:failed`, `key:"build:ci:a/1"`, words.
        query: Option<String>,
        /// Most of them.
        #[arg(long)]
        limit: Option<usize>,
    },
    /// Start one by hand.
    Run {
        /// Its name.
        name: String,
        /// What it is about.
        #[arg(long)]
        entity: Option<String>,
        /// What it is told, a JSON object.
        #[arg(long)]
        input: Option<String>,
    },
    /// Show what one would do, without doing it: about past events, or about one thing.
    DryRun {
        /// Its name.
        name: String,
        /// Only events since this day or instant.
        #[arg(long)]
        since: Option<String>,
        /// Instead of events: what it is about.
        #[arg(long)]
        entity: Option<String>,
        /// Instead of events: what it is told, a JSON object.
        #[arg(long)]
        input: Option<String>,
    },
    /// Do a run again, with what started it.
    #[command(alias = "replay")]
    Repeat {
        /// Its id.
        run: Uuid,
    },
    /// Take back a run that waits, or what was given up of it.
    Cancel {
        /// Its id.
        run: Uuid,
    },
    /// Actions that were given up.
    DeadLetters {
        /// Only of this propel.
        #[arg(long)]
        propel: Option<String>,
        /// Most of them.
        #[arg(long)]
        limit: Option<usize>,
    },
    /// Send again what was given up, under the idempotency keys it had.
    SendAgain {
        /// Name of the propel.
        name: String,
        /// Only what this run asked for.
        #[arg(long)]
        run: Option<Uuid>,
    },
}

#[derive(Debug, Args)]
pub(super) struct GateAsked {
    /// Name of the gate.
    pub(super) gate: String,
    /// Job that asks.
    #[arg(long)]
    pub(super) job: Option<String>,
    /// Number of its build.
    #[arg(long)]
    pub(super) number: Option<u64>,
    /// Key of the build, when its connector's is known.
    #[arg(long)]
    pub(super) key: Option<String>,
    /// Commit that is built or deployed.
    #[arg(long)]
    pub(super) commit: Option<String>,
    /// Its branch.
    #[arg(long)]
    pub(super) branch: Option<String>,
    /// Where it is going.
    #[arg(long)]
    pub(super) environment: Option<String>,
    /// Stop, rather than go on, when nobody answers.
    #[arg(long)]
    pub(super) closed: bool,
}

#[derive(Debug, Args)]
pub(super) struct Tables {
    #[command(subcommand)]
    pub(super) verb: TableVerb,
}

#[derive(Debug, Subcommand)]
pub(super) enum TableVerb {
    /// The tables there are.
    List,
    /// Rows of a table.
    Show {
        /// Its name.
        name: String,
    },
    /// Set rows from a CSV file with a line of column names.
    Import {
        /// The table.
        name: String,
        /// The file.
        file: PathBuf,
    },
}

#[derive(Debug, Args)]
pub(super) struct Items {
    /// Instant or day; now when left out.
    #[arg(long)]
    pub(super) at: Option<String>,
    /// Only those in progress.
    #[arg(long)]
    pub(super) begun: bool,
    /// Team.
    #[arg(long)]
    pub(super) team: Option<String>,
    /// Project.
    #[arg(long)]
    pub(super) project: Option<String>,
    /// Most items listed.
    #[arg(long, short, default_value_t = 20)]
    pub(super) limit: usize,
}

#[derive(Debug, Args)]
pub(super) struct Statuses {
    /// Begin of the window.
    #[arg(long)]
    pub(super) from: Option<String>,
    /// End of the window, not included.
    #[arg(long)]
    pub(super) to: Option<String>,
    /// Team.
    #[arg(long)]
    pub(super) team: Option<String>,
    /// Project.
    #[arg(long)]
    pub(super) project: Option<String>,
}

#[derive(Debug, Args)]
pub(super) struct Sprints {
    /// Only the sprint of this id.
    pub(super) id: Option<String>,
    /// Only of this board.
    #[arg(long)]
    pub(super) board: Option<String>,
    /// Most sprints, the newest first.
    #[arg(long, short, default_value_t = 10)]
    pub(super) limit: usize,
}

#[derive(Debug, Args)]
pub(super) struct Hygiene {
    /// Apart for each team or project too.
    #[arg(long, value_parser = ["team", "project"])]
    pub(super) by: Option<String>,
    /// Team.
    #[arg(long)]
    pub(super) team: Option<String>,
    /// Project.
    #[arg(long)]
    pub(super) project: Option<String>,
    /// Most items listed behind each check.
    #[arg(long, short, default_value_t = 5)]
    pub(super) limit: usize,
}

#[derive(Debug, Args)]
pub(super) struct Alignment {
    /// What is summed.
    #[arg(long, default_value = "count", value_parser = ["count", "points", "time"])]
    pub(super) effort: String,
    /// Begin of the window.
    #[arg(long)]
    pub(super) from: Option<String>,
    /// End of the window, not included.
    #[arg(long)]
    pub(super) to: Option<String>,
    /// Team.
    #[arg(long)]
    pub(super) team: Option<String>,
    /// Project.
    #[arg(long)]
    pub(super) project: Option<String>,
    /// Most items listed in each category.
    #[arg(long, short, default_value_t = 5)]
    pub(super) limit: usize,
}

#[derive(Debug, Args)]
pub(super) struct People {
    /// Only those of whom a name or address holds this text.
    pub(super) text: Option<String>,
    /// Only those that are several identities.
    #[arg(long)]
    pub(super) merged: bool,
    /// Humans that may be one, for they have a name in common.
    #[arg(long)]
    pub(super) suggestions: bool,
    /// Most of them.
    #[arg(long, short, default_value_t = 50)]
    pub(super) limit: usize,
}

#[derive(Debug, Args)]
pub(super) struct Teams {
    #[command(subcommand)]
    pub(super) verb: TeamsVerb,
}

#[derive(Debug, Subcommand)]
pub(super) enum TeamsVerb {
    /// Teams of the configuration.
    List,
    /// Make a file of teams from a table with the columns team, person, from, to, parent, project.
    Import {
        /// The table, as CSV with a header.
        file: PathBuf,
        /// File to write, to be named by `include` in weir.toml.
        #[arg(long, default_value = "teams.toml")]
        to: PathBuf,
        /// Write over an older one.
        #[arg(long)]
        force: bool,
    },
}

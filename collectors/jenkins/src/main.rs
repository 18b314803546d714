//! `weir-jenkins`: the agent for a machine that runs Jenkins but not Weir.
//!
//! Watches a home, keeps each report in a durable spool, delivers in the background. Invariant: it writes to its spool folder
//! and nowhere else.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::io;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use clap::Parser;
use tokio::signal::unix::{SignalKind, signal};
use tracing::{error, info, warn};
use tracing_subscriber::EnvFilter;
use weir_jenkins::{Home, Report, Scan, Seen, Settings, Stop, WatchOptions, watch};
use weir_protocol::{Client, ClientOptions, Key, Kind, SpoolOptions};

/// Reports the builds of a Jenkins home to a Weir host.
#[derive(Debug, Parser)]
#[command(version)]
struct Args {
    /// Folder of Jenkins, the one with `jobs` in it.
    #[arg(long)]
    home: PathBuf,
    /// Address of the Weir host, such as <http://host:7878>.
    #[arg(long)]
    url: String,
    /// File with a key that has the ingest right.
    #[arg(long)]
    key_file: Option<PathBuf>,
    /// Folder for reports that wait for the host.
    #[arg(long, default_value = "/var/lib/weir-jenkins")]
    spool: PathBuf,
    /// Most bytes that may wait.
    #[arg(long, default_value_t = 1 << 30)]
    spool_bytes_max: u64,
    /// Jobs to read, as a glob over the full name; may be repeated.
    #[arg(long, default_value = "**")]
    jobs: Vec<String>,
    /// Jobs that deploy, as a glob; may be repeated.
    #[arg(long, default_value = "deploy-*")]
    deployments: Vec<String>,
    /// Id of the Jenkins instance, if it must outlive a move of the home or a new address.
    #[arg(long)]
    instance: Option<String>,
    /// Zone of the controller, such as Europe/Berlin.
    #[arg(long)]
    time_zone: Option<String>,
    /// Report the end of the log of a build that did not succeed.
    #[arg(long, default_value_t = true, action = clap::ArgAction::Set)]
    log_tail: bool,
    /// Certificates to trust besides those of the system, as PEM.
    #[arg(long)]
    ca_file: Option<PathBuf>,
    /// Report what is there, deliver it, end.
    #[arg(long)]
    once: bool,
}

/// Between writes of what was seen; what is lost in between is reported again.
const SAVE_EVERY: Duration = Duration::from_secs(30);
/// Time to deliver what is left when told to stop; the rest waits in the spool.
const LAST_DELIVERY: Duration = Duration::from_secs(5);
const ONCE_FAILURES_MAX: u32 = 5;

type Failed = Box<dyn std::error::Error + Send + Sync>;

#[tokio::main(flavor = "multi_thread", worker_threads = 1)]
async fn main() -> ExitCode {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr).init();
    let args = Args::parse();
    match run(args).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(failed) => {
            let causes = std::iter::successors(failed.source(), |cause| cause.source());
            let text = causes.fold(failed.to_string(), |text, cause| format!("{text}: {cause}"));
            error!("{text}");
            ExitCode::from(4)
        }
    }
}

async fn run(args: Args) -> Result<(), Failed> {
    let once = args.once;
    let settings = settings(&args);
    let home = Home::open(&settings)?;
    let client = Arc::new(client(&args)?);
    let seen_path = args.spool.join(format!("seen-{:016x}.json", fingerprint(&settings)));
    let seen = Seen::load(&seen_path)?;
    info!(home = %settings.home.display(), n_seen = seen.len(), n_waiting = client.status().spool.reports, "reading jenkins home");
    if once { report_once(home, client, seen, seen_path).await } else { report(home, client, seen, seen_path).await }
}

async fn report_once(mut home: Home, client: Arc<Client>, mut seen: Seen, seen_path: PathBuf) -> Result<(), Failed> {
    loop {
        let (reporter, mut marks) = (Arc::clone(&client), seen);
        let work = move || {
            let scan = home.scan(&mut marks, &mut |report| keep(&reporter, &report));
            (home, marks, scan)
        };
        let (scanned, marks, scan) = tokio::task::spawn_blocking(work).await?;
        (home, seen) = (scanned, marks);
        seen.save(&seen_path)?;
        client.drain(ONCE_FAILURES_MAX).await?;
        info!(builds = scan.builds, reported = scan.reported, unreadable = scan.unreadable, "reported");
        if !scan.stopped {
            return Ok(());
        }
    }
}

async fn report(home: Home, client: Arc<Client>, mut seen: Seen, seen_path: PathBuf) -> Result<(), Failed> {
    let stop = Stop::default();
    let (stopper, reporter) = (stop.clone(), Arc::clone(&client));
    let mut watching = tokio::task::spawn_blocking(move || {
        let mut saved_at = Instant::now();
        let mut after = |seen: &Seen, scan: &Scan| {
            if scan.reported > 0 && saved_at.elapsed() >= SAVE_EVERY {
                save(seen, &seen_path);
                saved_at = Instant::now();
            }
        };
        watch(&home, &WatchOptions::default(), &mut seen, &stopper, &mut |report| keep(&reporter, &report), &mut after);
        save(&seen, &seen_path);
    });
    let mut terminate = signal(SignalKind::terminate())?;
    // All of these may be dropped at any moment.
    tokio::select! {
        () = client.deliver() => {}
        ended = &mut watching => return Ok(ended?),
        interrupted = tokio::signal::ctrl_c() => interrupted?,
        _ = terminate.recv() => {}
    }
    stop.stop();
    watching.await?;
    let delivered = tokio::time::timeout(LAST_DELIVERY, client.drain(1)).await;
    info!(n_waiting = client.status().spool.reports, all = matches!(delivered, Ok(Ok(()))), "stopped");
    Ok(())
}

/// A report that the spool has no room for stays unmarked and is read again.
fn keep(client: &Client, report: &Report) -> ControlFlow<()> {
    match client.send(Kind::Builds, &report.json) {
        Ok(()) => ControlFlow::Continue(()),
        Err(error) => {
            error!(%error, "cannot keep report, the build will be read again");
            ControlFlow::Break(())
        }
    }
}

fn save(seen: &Seen, path: &Path) {
    if let Err(error) = seen.save(path) {
        warn!(%error, "cannot keep what was seen, it will be reported again");
    }
}

fn settings(args: &Args) -> Settings {
    Settings {
        home: args.home.clone(),
        jobs: args.jobs.clone(),
        deployments: args.deployments.clone(),
        instance: args.instance.clone(),
        time_zone: args.time_zone.clone(),
        log_tail: args.log_tail,
    }
}

fn client(args: &Args) -> Result<Client, Failed> {
    let read = |path: &PathBuf| -> Result<Key, Failed> {
        let text = std::fs::read_to_string(path)
            .map_err(|error| format!("cannot read key file `{}`: {error}", path.display()))?;
        Key::new(&text).ok_or_else(|| format!("`{}` holds no key", path.display()).into())
    };
    let key = args.key_file.as_ref().map(read).transpose()?;
    let spool = SpoolOptions { dir: args.spool.clone(), bytes_max: args.spool_bytes_max };
    let options = ClientOptions { ca_file: args.ca_file.clone(), ..ClientOptions::new(&args.url, key, spool) };
    Ok(Client::open(options)?)
}

/// Other settings make other reports, so what was seen under the old ones does not count.
fn fingerprint(settings: &Settings) -> u64 {
    let mut hasher = DefaultHasher::new();
    format!("{settings:?}{}", env!("CARGO_PKG_VERSION")).hash(&mut hasher);
    hasher.finish()
}

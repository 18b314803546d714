//! What the process tells of itself: lines on stderr, and traces to whoever gathers them.

use std::future::Future;
use std::io::IsTerminal;
use std::time::Duration;

use clap::Args;
use tokio_util::sync::CancellationToken;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::{Layer, SubscriberExt};
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, fmt, registry};

use super::Answer;
use crate::config::{Config, TracingConfig};
use crate::error::Fault;
use crate::traces::{Export, Layered, TARGET};

/// Time to send what is left of the traces when everything else has ended.
const LAST_SPANS: Duration = Duration::from_secs(5);

/// What is told on stderr meanwhile.
#[derive(Debug, Clone, Copy, Args)]
pub(super) struct Logs {
    /// Tell more on stderr; twice for details.
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub(super) verbose: u8,
    /// How it is told.
    #[arg(long, global = true, value_name = "FORMAT", env = "WEIR_LOG_FORMAT", default_value = "text")]
    pub(super) log_format: LogFormat,
}

/// How the log is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum LogFormat {
    /// Lines for people.
    Text,
    /// One JSON object a line.
    Json,
}

/// Begins to tell. Without `traces` no span of one is made.
pub(super) fn begin(logs: Logs, traces: Option<Layered>) {
    let level = match logs.verbose {
        // The index warns when a merge came to nothing, for what it merged was deleted meanwhile.
        0 => "warn,tantivy::indexer::segment_manager=error",
        1 => "info",
        2 => "debug",
        _ => "trace",
    };
    let told = std::env::var("WEIR_LOG").unwrap_or_else(|_| level.to_owned());
    let lines = fmt::layer().with_writer(std::io::stderr).with_ansi(std::io::stderr().is_terminal());
    let lines = match logs.log_format {
        LogFormat::Text => lines.boxed(),
        LogFormat::Json => lines.json().flatten_event(true).boxed(),
    };
    let lines = lines.with_filter(EnvFilter::new(format!("{told},{TARGET}=off")));
    let traces = traces.map(|layer| layer.with_filter(Targets::new().with_target(TARGET, LevelFilter::INFO)));
    let _ = registry().with(traces).with(lines).try_init();
}

/// Serves with logs, and with traces where somebody gathers them.
pub(super) async fn told(logs: Logs, config: &Config, serving: impl Future<Output = Answer>) -> Answer {
    let Some(tracing) = config.tracing.clone().or_else(TracingConfig::of_environment) else {
        begin(logs, None);
        return serving.await;
    };
    let (layer, export) = Export::open(&tracing, &config.host.name)?;
    begin(logs, Some(layer));
    let stop = CancellationToken::new();
    let sending = crate::tasks::spawn("traces", export.run(stop.clone()));
    let answer = serving.await;
    stop.cancel();
    match tokio::time::timeout(LAST_SPANS, sending).await {
        Ok(Err(error)) => Err(Fault::host("sending traces ended in a panic").caused_by(error)),
        Ok(Ok(())) | Err(_) => answer,
    }
}

//! `weir doctor`: what is wrong and what to do about it. Looks at the machine itself, and asks the host or its stores.

use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;

use serde_json::{Value, json};
use weir_model::Timestamp;

use super::access::{self, Access, blocking};
use super::args::Scope;
use super::read::{ready, value};
use super::{Answer, print};
use crate::config::{Config, Interval, TlsConfig};
use crate::error::Fault;
use crate::host::egress;
use crate::plugins::{Described, PluginFiles};
use crate::query::{self, OutcomeParams, SearchParams, View};
use crate::{backup, clock, export};

/// Free space below which something is wrong, in bytes.
const FREE_BYTES_MIN: u64 = 1 << 30;
/// Days left to a certificate below which something is wrong.
const CERTIFICATE_DAYS_MIN: i64 = 14;
/// How far the newest record may lie in the future, in milliseconds.
const AHEAD_MS_MAX: u64 = 60_000;

/// What is asked of the host.
struct Told {
    status: Value,
    outcomes: Value,
    fresh_at: Value,
}

/// Something that was looked at, and what is wrong with it: what and what to do.
struct Check {
    name: &'static str,
    found: String,
    problems: Vec<(String, String)>,
}

pub(super) async fn doctor(scope: &Scope) -> Answer {
    let config = access::config(scope)?;
    let told = ask(scope).await?;
    let newest = serde_json::from_value::<Option<Timestamp>>(told.fresh_at).ok().flatten();
    let checks = [
        configuration(scope, &config),
        data_folder(&config.host.data_dir),
        key_folder(&config.host.data_dir.join("keys")),
        backup(&config, clock::now()),
        export(&config, clock::now()).await,
        time(newest, clock::now()),
        plugins(&config),
        processing(&told.status, &told.outcomes),
        integrations(&told.status),
        webhooks(&told.status),
        forwarding(&told.status),
        log_ins(&config).await?,
    ];
    let problem = |(what, hint): &(String, String)| json!({ "what": what, "hint": hint });
    let problems: Vec<Value> = checks.iter().flat_map(|check| check.problems.iter().map(problem)).collect();
    let checks: Vec<Value> = checks
        .iter()
        .map(|check| json!({ "check": check.name, "good": check.problems.is_empty(), "found": check.found }))
        .collect();
    let good = problems.is_empty();
    let standing = |one: &Value| json!({ "name": one["name"], "standing": one["standing"] });
    let integrations: Vec<Value> = print::list(&told.status, "integrations").iter().map(standing).collect();
    let answer = json!({ "good": good, "checks": checks, "integrations": integrations, "problems": problems });
    print::show(scope, &answer, print::doctor);
    Ok(good)
}

async fn ask(scope: &Scope) -> Result<Told, Fault> {
    match ready(scope).await? {
        Access::Stores(host) => {
            blocking(move || {
                let newest = SearchParams { limit: Some(0), ..SearchParams::default() };
                Ok(Told {
                    status: value(host.status()?)?,
                    outcomes: value(query::outcomes(&host.account, &OutcomeParams::default())?)?,
                    fresh_at: value(query::search(&host, &View::whole(&host.account), &newest)?.fresh_at)?,
                })
            })
            .await
        }
        Access::Running(remote) => Ok(Told {
            status: remote.get("/v1/status", &[]).await?,
            outcomes: remote.get("/v1/outcomes", &[]).await?["outcomes"].take(),
            fresh_at: remote.get("/v1/search", &[("limit", Some("0"))]).await?["fresh_at"].take(),
        }),
    }
}

impl Check {
    fn new(name: &'static str, found: impl Into<String>) -> Self {
        Self { name, found: found.into(), problems: Vec::new() }
    }

    fn problem(&mut self, what: impl Into<String>, hint: &str) {
        self.problems.push((what.into(), hint.to_owned()));
    }
}

fn configuration(scope: &Scope, config: &Config) -> Check {
    let file = scope.config.as_deref().unwrap_or(Path::new("weir.toml"));
    let n = config.integration.len();
    let found = if file.exists() { format!("{}, {n} integrations", file.display()) } else { "defaults".to_owned() };
    let mut check = Check::new("configuration", found);
    let files = config
        .tls
        .iter()
        .flat_map(|TlsConfig { certificate, key, client_ca }| [certificate, key].into_iter().chain(client_ca));
    check.problems.extend(config.tls.iter().filter_map(|tls| expiry(&tls.certificate, clock::now())));
    for file in files.filter(|file| std::fs::File::open(file).is_err()) {
        check.problem(format!("{} of `[tls]` cannot be read", file.display()), "the host needs it to start again");
    }
    check
}

/// What is wrong with the time a certificate is good for.
fn expiry(certificate: &Path, now: Timestamp) -> Option<(String, String)> {
    let days = (crate::http::ends_at(certificate)?.ms() - now.ms()) / 86_400_000;
    let what = format!("the certificate {} ends in {days} days", certificate.display());
    (days < CERTIFICATE_DAYS_MIN)
        .then(|| (what, "put a new one in its place; the host takes it within seconds".to_owned()))
}

fn data_folder(path: &Path) -> Check {
    let free = rustix::fs::statvfs(path).map(|disk| disk.f_bavail.saturating_mul(disk.f_frsize));
    let told = free.map_or_else(|error| error.to_string(), |free| format!("{} MiB free", free >> 20));
    let mut check = Check::new("data folder", format!("{}, {told}", path.display()));
    if free.is_ok_and(|free| free < FREE_BYTES_MIN) {
        let hint = "make room: when the disk is full, nothing is taken in any more";
        check.problem(format!("little space is left at {}", path.display()), hint);
    }
    if std::fs::metadata(path).is_ok_and(|about| about.permissions().readonly()) {
        check.problem(format!("{} cannot be written", path.display()), "give it to the user that Weir runs as");
    }
    check
}

fn backup(config: &Config, now: Timestamp) -> Check {
    let Some(wanted) = &config.backup else { return Check::new("backup", "none is wanted by `[backup]`") };
    let taken = backup::read(&wanted.to, None);
    let found = taken.as_ref().map_or_else(|_| "none was taken".to_owned(), |backup| format!("of {}", backup.at));
    let mut check = Check::new("backup", found);
    if is_overdue(taken.as_ref().ok().map(|backup| backup.at), &wanted.every, now) {
        let what = format!("there is no new backup in {}", wanted.to.display());
        check.problem(what, "the log of the host says why; `weir backup --to DIR` takes one now");
    }
    for problem in taken.map(|backup| backup.damaged).unwrap_or_default() {
        check.problem(format!("not in the backup: {problem}"), "put that generation back from an earlier one");
    }
    check
}

async fn export(config: &Config, now: Timestamp) -> Check {
    let Some(wanted) = &config.export else { return Check::new("export", "none is wanted by `[export]`") };
    let (to, own) = (wanted.to.clone(), config.clone());
    let finished_at = match blocking(move || export::finished_at(&*export::open(&to, &own, &egress()?)?)).await {
        Ok(finished_at) => finished_at,
        Err(fault) => {
            let mut check = Check::new("export", wanted.to.to_string());
            check.problem(fault.chain(), fault.hint_text().unwrap_or("see `[export]`"));
            return check;
        }
    };
    let found = finished_at.map_or_else(|| "none was finished".to_owned(), |at| format!("of {at}"));
    let mut check = Check::new("export", found);
    if is_overdue(finished_at, &wanted.every, now) {
        let what = format!("there is no new export in {}", wanted.to);
        check.problem(what, "the log of the host says why; `weir export --to DIR` writes one now");
    }
    check
}

/// Whether what is to be done again and again was done no time ago, or long ago.
fn is_overdue(at: Option<Timestamp>, every: &Interval, now: Timestamp) -> bool {
    at.and_then(|at| now.since(at)).is_none_or(|age| age.0 > every.length().0.saturating_mul(2))
}

fn key_folder(path: &Path) -> Check {
    let mode = std::fs::metadata(path).map(|about| about.permissions().mode() & 0o777);
    let found = mode.as_ref().map_or_else(ToString::to_string, |mode| format!("{}, mode {mode:03o}", path.display()));
    let mut check = Check::new("keys", found);
    if mode.is_ok_and(|mode| mode & 0o077 != 0) {
        let hint = format!("`chmod -R go= {}`; who has them can read everything", path.display());
        check.problem("others than the user of Weir may look into the folder of keys", &hint);
    }
    check
}

/// A clock that was turned back gives records an order that is not that in which they came.
fn time(newest: Option<Timestamp>, now: Timestamp) -> Check {
    let mut check = Check::new("clock", now.to_string());
    let ahead = newest.and_then(|newest| newest.since(now)).map_or(0, |ahead| ahead.0);
    if ahead > AHEAD_MS_MAX {
        let what = format!("the newest record was taken {} s from now: the clock was turned back", ahead / 1_000);
        check.problem(what, "set the clock, and keep it by NTP");
    }
    check
}

fn plugins(config: &Config) -> Check {
    let there: BTreeMap<String, Described> =
        PluginFiles::of(config).described().into_iter().map(|plugin| (plugin.id.clone(), plugin)).collect();
    let of_integrations = config.integration.iter().filter_map(|one| one.plugin.as_deref());
    let used: BTreeSet<&str> =
        of_integrations.chain(config.propel.iter().filter_map(|one| one.plugin.as_deref())).collect();
    let mut check = Check::new("plugins", format!("{} used, {} installed", used.len(), there.len()));
    for name in used {
        match there.get(name).map(|plugin| &plugin.refused) {
            None => {
                check.problem(format!("plugin `{name}` is not installed"), "`weir plugin list` shows those that are");
            }
            Some(Some(refused)) => {
                check.problem(refused.to_string(), "until then its integrations and propels stand still");
            }
            Some(None) => {}
        }
    }
    check
}

fn processing(status: &Value, outcomes: &Value) -> Check {
    let (accepted, processed) = (status["accepted"].as_u64(), status["processed"].as_u64());
    let lag = accepted.unwrap_or(0).saturating_sub(processed.unwrap_or(0));
    let found = format!("{} records, {lag} not processed yet", accepted.unwrap_or(0));
    let mut check = Check::new("processing", found);
    if status["quarantined"].as_u64().unwrap_or(0) > 0 {
        let hint = "raw records are lost; restore the generation from a backup, or collect again with `--full`";
        check.problem("a generation of the log cannot be read", hint);
    }
    if let Some(error) = status["processing_error"].as_str() {
        check.problem(format!("processing is stuck: {error}"), "nothing is lost; mend it and it goes on");
    }
    if let Some(error) = status["lifecycle_error"].as_str() {
        check.problem(format!("what is to be erased is not: {error}"), "mend it, and it goes on within a minute");
    }
    if lag > 0 {
        check.problem("not everything is processed", "wait, or see the log of `weir run`");
    }
    check.problems.extend(refused(outcomes));
    check
}

/// Records nothing could be made of, the newest of each stream and code.
fn refused(outcomes: &Value) -> Vec<(String, String)> {
    let mut told = BTreeSet::new();
    let rejected = outcomes.as_array().into_iter().flatten().filter(|outcome| outcome["outcome"] == "rejected");
    let mut problems = Vec::new();
    for outcome in rejected {
        let diagnostic = &outcome["diagnostics"][0];
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let (stream, code) = (text(&outcome["stream"]), text(&diagnostic["code"]));
        if told.insert((stream.clone(), code.clone())) {
            let (key, place, found) = (text(&outcome["key"]), text(&diagnostic["place"]), text(&diagnostic["found"]));
            let what = format!("record `{key}` of {stream} could not be read: {code} {place} {found}");
            problems.push((what, "it is kept; a mended connector reads it with `weir replay`".to_owned()));
        }
    }
    problems
}

fn integrations(status: &Value) -> Check {
    let all = print::list(status, "integrations");
    let mut check = Check::new("integrations", all.len().to_string());
    for one in all {
        let (name, standing) = (print::plain(&one["name"]), print::plain(&one["standing"]));
        match one["last_error"].as_str() {
            Some(error) => check.problem(format!("integration `{name}`: {error}"), "`weir check` tries its connection"),
            None if matches!(standing.as_str(), "NEEDS ATTENTION" | "CRITICAL") => {
                let hint = "see the log of `weir run`, or collect it now with `weir collect`";
                check.problem(format!("integration `{name}` is late"), hint);
            }
            None => {}
        }
    }
    check
}

fn webhooks(status: &Value) -> Check {
    let all = print::list(status, "webhooks");
    let mut check = Check::new("webhooks", all.len().to_string());
    for hook in all {
        if let Some(reason) = hook["last_refusal"].as_str() {
            let name = print::plain(&hook["integration"]);
            let what = format!("{} webhooks of `{name}` were refused, the last: {reason}", hook["refused"]);
            check.problem(what, "check the secret on both sides");
        }
    }
    check
}

fn forwarding(status: &Value) -> Check {
    let central = &status["central"];
    let Some(url) = central["url"].as_str() else { return Check::new("forwarding", "no central") };
    let waiting =
        central["last_event"].as_u64().unwrap_or(0).saturating_sub(central["acknowledged"].as_u64().unwrap_or(0));
    let mut check = Check::new("forwarding", format!("{url}, {waiting} events wait"));
    if let Some(error) = central["last_error"].as_str() {
        let hint = "nothing is lost; it goes on by itself when central takes them";
        check.problem(format!("results are not forwarded: {error}"), hint);
    }
    check
}

/// Whether the provider at which people log in is there, and is who the configuration says.
async fn log_ins(config: &Config) -> Result<Check, Fault> {
    let Some(oidc) = &config.access.oidc else { return Ok(Check::new("log-ins", "by password")) };
    Ok(match crate::oidc::probe(&config.access, &Arc::new(egress()?)).await {
        Ok(n_keys) => Check::new("log-ins", format!("{}, {n_keys} keys", oidc.issuer)),
        Err(fault) => {
            let mut check = Check::new("log-ins", oidc.issuer.as_str());
            check.problem(fault.chain(), fault.hint_text().unwrap_or("see `[access.oidc]`"));
            check
        }
    })
}

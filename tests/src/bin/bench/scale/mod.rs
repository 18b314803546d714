//! A million builds, commits, changes, work items and deployments: how fast they are processed, with how much memory,
//! and how soon questions about them are answered; beside it the same questions in plain SQL.

mod plain;
mod records;

use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::{Duration, Instant};

use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use weir_daemon::config::Config;
use weir_daemon::host::Host;
use weir_daemon::normaliser::Source;
use weir_daemon::query::SearchParams;
use weir_daemon::{process, query};
use weir_model::{EntityId, IntegrationName, Timestamp};
use weir_store::Commit;

use crate::answers;
use crate::figures::{print, print_spread};
use crate::host::Installed;
use crate::machine::{cpu, memory_mb};
pub(crate) use records::teams;
use records::{BLOCK, Kind, TEAMS, block, project};

/// Records when none are asked for.
const RECORDS: u64 = 1_000_000;
/// Records of one commit to the log.
const PAGE: usize = 500;
const CHANGED: usize = 1_000;
/// Time between two looks at the memory.
const WATCH: Duration = Duration::from_millis(50);
/// Whose they are.
const ACCOUNT: &str = "demo";

/// A part of the records of a company of any size.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Part {
    /// Which, from 0 on.
    pub(crate) index: u64,
    /// How many parts there are.
    pub(crate) of: u64,
    /// Records of the whole.
    pub(crate) records: u64,
}

impl Part {
    /// Numbers of its blocks.
    fn blocks(self) -> std::ops::Range<u64> {
        let n = self.records.div_ceil(BLOCK);
        n * self.index / self.of..n * (self.index + 1) / self.of
    }
}

/// Measures.
pub(crate) fn run() {
    let records: u64 = std::env::var("WEIR_BENCH_RECORDS").map_or(RECORDS, |text| text.parse().unwrap());
    let weir = Installed::new(&teams());
    let folder = weir.folder();
    filled(folder, ACCOUNT, Part { index: 0, of: 1, records });
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let _entered = runtime.enter();
    let host = open(folder, ACCOUNT);
    measured("backlog", records, || host.catch_up(&mut |_| {}).unwrap().records);
    measured("replay", records, || {
        process::replay(&host.account, host.normaliser().unwrap(), &mut |_| {}).unwrap().records
    });
    let mut changing = Changing::new(&host);
    changes(&mut changing);
    questions(&host, &mut changing, records);
    drop(changing);
    drop(host);
    let host = weir.run();
    host.catch_up();
    answers::overview(&host, "scale: overview");
    drop(host);
    plain::run(folder, records);
}

/// The role: fills the log of an account in a folder. Another process, for its memory is not the host's.
pub(crate) fn fill(arguments: &[String]) {
    let [index, of, records] = [2, 3, 4].map(|place: usize| arguments[place].parse().unwrap());
    let part = Part { index, of, records };
    let host = open(Path::new(&arguments[0]), &arguments[1]);
    let sources = [
        ("ci", Source::native()),
        ("github", Source { plugin: Some("connector-github".to_owned()), settings: "{}".to_owned() }),
    ];
    let remember = |(name, source): &(&str, Source)| {
        source.remember(&host.account.log, &IntegrationName::new(*name).unwrap()).unwrap()
    };
    let puts = sources.iter().filter_map(remember).collect();
    let at = |ms| Timestamp::from_ms(ms);
    host.account.log.append(Commit { records: Vec::new(), received_at: at(1), puts }).unwrap();
    for number in part.blocks() {
        let facts: Vec<_> = block(number, records).collect();
        for page in facts.chunks(PAGE) {
            let records = page.iter().map(records::Fact::record).collect();
            let received_at = at(page[0].at_ms + 7 * 86_400_000);
            host.account.log.append(Commit { records, received_at, puts: Vec::new() }).unwrap();
        }
    }
    drop(host);
}

/// Has the log of an account filled.
pub(crate) fn filled(folder: &Path, account: &str, part: Part) {
    let started = Instant::now();
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["fill", folder.to_str().unwrap(), account]);
    let status = command.args([part.index, part.of, part.records].map(|number| number.to_string())).status().unwrap();
    assert!(status.success(), "the log could not be filled");
    let blocks = part.blocks();
    let rate = ((blocks.end - blocks.start) * BLOCK) as f64 / started.elapsed().as_secs_f64();
    let note = format!("of `{account}`, made up, appended in pages of 500, sealed");
    print("scale: fill of the log", rate, "records/s", "", &note);
}

/// The host of an account in a folder.
pub(crate) fn open(folder: &Path, account: &str) -> Arc<Host> {
    Host::open(config_of(folder, account)).unwrap()
}

/// Its configuration.
pub(crate) fn config_of(folder: &Path, account: &str) -> Config {
    let head = format!("[host]\nname = \"bench\"\nlisten = \"127.0.0.1:0\"\naccount = \"{account}\"\n");
    let config = format!("{head}data_dir = \"{}\"\n{}", folder.join("data").display(), teams());
    Config::parse(&config, "bench").unwrap()
}

fn measured(name: &str, records: u64, run: impl FnOnce() -> u64) {
    let (started, cpu_before) = (Instant::now(), cpu("self"));
    let own = watched(|| assert_eq!(run(), records.div_ceil(BLOCK) * BLOCK));
    let (wall, cpu) = (started.elapsed().as_secs_f64(), (cpu("self") - cpu_before).as_secs_f64());
    let note = format!("{cpu:.1} s CPU in {wall:.1} s");
    print(&format!("scale: {name}"), records as f64 / wall, "records/s", "", &note);
    print(&format!("scale: {name}, of one core"), records as f64 / cpu, "records/CPU s", ">= 20,000", "");
    let [_, _, peak] = memory_mb(std::process::id());
    let note = format!("resident; at most {own:.0} MB not backed by files while it went on");
    print(&format!("scale: {name}, most memory until then"), peak, "MB", "< 300", &note);
}

/// Most memory of this process that no file backed while something ran, in MB.
fn watched(run: impl FnOnce()) -> f64 {
    std::thread::scope(|scope| {
        let (running, over) = mpsc::channel::<()>();
        let watching = scope.spawn(move || {
            let mut most = 0.0_f64;
            while over.recv_timeout(WATCH) == Err(RecvTimeoutError::Timeout) {
                most = most.max(memory_mb(std::process::id())[1]);
            }
            most
        });
        run();
        drop(running);
        watching.join().unwrap()
    })
}

/// Builds of all times that turn out to be otherwise.
struct Changing<'h> {
    host: &'h Host,
    processor: process::Processor,
    builds: Vec<records::Fact>,
    round: usize,
}

impl<'h> Changing<'h> {
    fn new(host: &'h Host) -> Self {
        let processor = process::Processor::new(host.account.clone(), host.normaliser().unwrap());
        let all = (0..20_u64).flat_map(|number| block(number, 40_000));
        Self { host, processor, builds: all.filter(|fact| fact.kind == Kind::Build).collect(), round: 0 }
    }

    /// Changes `n` of them; how long that took.
    fn change(&mut self, n: usize) -> Duration {
        self.round += 1;
        let changed = |fact: &records::Fact| {
            let (stream, mut record) = fact.record();
            let text = String::from_utf8(record.payload).unwrap();
            let again = format!("\"node\":\"again-{}", self.round);
            record.payload = text.replace("\"node\":\"agent", &again).into_bytes();
            (stream, record)
        };
        let records: Vec<_> = self.builds.iter().step_by(self.builds.len() / n).take(n).map(changed).collect();
        let received_at = Timestamp::from_ms(1_780_000_000_000);
        self.host.account.log.append(Commit { records, received_at, puts: Vec::new() }).unwrap();
        let started = Instant::now();
        self.processor.catch_up(&mut |_| {}).unwrap();
        started.elapsed()
    }
}

fn changes(changing: &mut Changing<'_>) {
    let first = changing.change(CHANGED).as_secs_f64() * 1_000.0;
    let note = "with plugins to load and nothing remembered";
    print("scale: 1,000 changed builds, the first after a start", first, "ms", "", note);
    let mut rounds: Vec<Duration> = (0..10).map(|_| changing.change(CHANGED)).collect();
    print_spread("scale: 1,000 changed builds", &mut rounds, "< 100", "normalised, merged, derived, tiled, indexed");
}

fn questions(host: &Host, changing: &mut Changing<'_>, records: u64) {
    let account = &host.account;
    let metric = |name: &str, params: Value| {
        query::metric(&weir_daemon::query::View::whole(account), name, &as_params(params)).unwrap()
    };
    let window = json!({ "from": "2025-03-01", "to": "2025-09-01", "by": "week" });
    ask("tiles of half a year by week", 100, "< 5", |_| drop(metric("build-success", window.clone())));
    ask("weeks of a metric of a team", 100, "< 5", |n| {
        drop(metric("build-duration", json!({ "team": format!("team-{}", n % TEAMS) })));
    });
    ask("days of a metric of a project", 100, "< 5", |n| {
        drop(metric("build-duration", json!({ "project": format!("github.com/{}", project(n)), "by": "day" })));
    });
    ask("lead time of all changes", 30, "< 5", |_| drop(metric("change-lead-time", json!({ "by": "month" }))));
    let facets = ["kind", "project", "team", "person", "result", "branch", "environment"].map(str::to_owned);
    let search = |q: String| {
        let params = SearchParams { q, facets: facets.to_vec(), ..SearchParams::default() };
        query::search(host, &weir_daemon::query::View::whole(&host.account), &params).unwrap()
    };
    let started = Instant::now();
    assert!(search(String::new()).total > 0);
    print("scale: 7 facets, everything, the first time", started.elapsed().as_secs_f64() * 1_000.0, "ms", "", "");
    ask("7 facets, everything", 30, "< 10", |_| assert!(search(String::new()).total > 0));
    let mut after_changes: Vec<_> = (0..20)
        .map(|_| {
            changing.change(100);
            let started = Instant::now();
            assert!(search(String::new()).total > 0);
            started.elapsed()
        })
        .collect();
    print_spread("scale: 7 facets, everything", &mut after_changes, "< 10", "each after 100 changed builds");
    ask("7 facets, red builds of a team", 100, "< 10", |n| {
        assert!(search(format!("kind:build AND result:failure AND team:team-{}", n % TEAMS)).total > 0);
    });
    let plain = |q: String| {
        query::search(
            host,
            &weir_daemon::query::View::whole(&host.account),
            &SearchParams { q, ..SearchParams::default() },
        )
        .unwrap()
    };
    ask("search by words", 100, "< 10", |n| drop(plain(format!("kind:commit AND change {}", n % 90))));
    let red: Vec<EntityId> =
        plain("kind:build AND result:failure".to_owned()).hits.into_iter().map(|hit| hit.id.parse().unwrap()).collect();
    let of = |n: u64| &red[usize::try_from(n).unwrap() % red.len()];
    ask("one entity with its records", 200, "", |n| {
        assert!(query::entity(&weir_daemon::query::View::whole(account), of(n)).unwrap().is_some())
    });
    ask("suspects of a red build", 100, "", |n| {
        assert!(query::suspects(&weir_daemon::query::View::whole(account), of(n)).unwrap().is_some())
    });
    ask("20 red builds with suspects", 10, "", |_| {
        drop(process::red_builds(&weir_daemon::query::View::whole(account), 20).unwrap())
    });
    ask("status", 10, "", |_| drop(host.status().unwrap()));
    let bytes = crate::host::bytes_below(account.derived_folder()) as f64;
    print("scale: bytes derived of a record", bytes / records as f64, "bytes", "", "projection and index");
}

fn as_params<T: DeserializeOwned>(params: Value) -> T {
    serde_json::from_value(params).unwrap()
}

fn ask(name: &str, times: u64, aim: &str, mut run: impl FnMut(u64)) {
    run(0);
    let mut durations: Vec<_> = (0..times)
        .map(|n| {
            let started = Instant::now();
            run(n);
            started.elapsed()
        })
        .collect();
    print_spread(&format!("scale: {name}"), &mut durations, aim, "");
}

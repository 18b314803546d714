//! The end of one of three accounts in a data folder: how long it takes, what its neighbours answer before, meanwhile
//! and after, and whether a changed byte of what proves it is noticed.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use serde_json::{Value, json};
use weir_daemon::account::Account;
use weir_daemon::config::Config;
use weir_daemon::query::{self, SearchParams, View};
use weir_model::filter::Vocabulary;
use weir_model::{AccountId, Timestamp};
use weir_store::Keys;

use crate::figures::print;
use crate::host::{Installed, bytes_below};
use crate::scale::{Part, config_of, filled, open, teams};

/// Records when none are asked for.
const RECORDS: u64 = 30_000;
/// Accounts, each with a part of the records. The first is the one that goes.
const ACCOUNTS: [&str; 3] = ["demo", "north", "south"];
/// Bytes changed in one file, evenly spread; all of a file that has no more.
const FLIPS: u64 = 100;

/// Measures.
pub(crate) fn run() {
    let records: u64 = std::env::var("WEIR_BENCH_RECORDS").map_or(RECORDS, |text| text.parse().unwrap());
    let weir = Installed::new(&teams());
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let _entered = runtime.enter();
    for (index, account) in ACCOUNTS.into_iter().enumerate() {
        filled(weir.folder(), account, Part { index: index as u64, of: ACCOUNTS.len() as u64, records });
        open(weir.folder(), account).catch_up(&mut |_| {}).unwrap();
    }
    weir.command(&["export", "--to", "export", "--raw", "--entities", "--metrics"]);
    let id = confirmed(&weir);
    let bytes = bytes_below(&weir.data().join("accounts").join(ACCOUNTS[0])) as f64 / 1e6;
    let neighbours = Neighbours::new(weir.folder());
    let before = neighbours.answers();
    let (done, rounds) = neighbours
        .asked_during(&before, || weir.answer(&["decommission", "run", "--json"])["decommissions"][0].clone());
    assert_eq!(done["state"], "completed", "{done}");
    drop(neighbours);
    assert_eq!(Neighbours::new(weir.folder()).answers(), before, "the neighbours answer as before");
    times(&done, &format!("{} records of {records}, {bytes:.0} MB", records / ACCOUNTS.len() as u64));
    let note = "meanwhile, all answers byte for byte as before";
    print("lifecycle: neighbours asked", rounds as f64, "rounds", "", note);
    proof(&weir, &id);
}

/// Asks for the end of the first account at once and has it confirmed; its id.
fn confirmed(weir: &Installed) -> String {
    let text = |answer: &Value, name: &str| answer[name].as_str().unwrap().to_owned();
    let key = text(&weir.answer(&["decommission", "owner-key", "--json"]), "owner_key");
    let statement = text(&weir.answer(&["decommission", "statement", "--json"]), "statement");
    let asked = ["decommission", "request", "--contact", "bench@example.com", "--at", "2020-01-01", "--json"];
    let id = text(&weir.answer(&[&asked[..], &["--statement", &statement]].concat()), "id");
    weir.command(&["decommission", "confirm", &id, "--owner-key", &key]);
    id
}

/// The accounts that stay, read past their host: one process locks the data folder, and that is the one that erases.
struct Neighbours(Vec<(Arc<Account>, Config)>);

impl Neighbours {
    fn new(folder: &Path) -> Self {
        let opened = |account: &&str| {
            let (config, data) = (config_of(folder, account), folder.join("data"));
            let id = AccountId::new(*account).unwrap();
            let keys = Keys::open_or_create(&data.join("keys"), &id).unwrap();
            (Account::open(&data, id, Arc::new(keys), config.context()).unwrap(), config)
        };
        Self(ACCOUNTS[1..].iter().map(opened).collect())
    }

    /// What they say to a fixed set of questions, as text.
    fn answers(&self) -> Vec<String> {
        self.0.iter().flat_map(|(account, config)| answers(account, config)).collect()
    }

    /// Asks again and again while something is done; how often.
    fn asked_during<T: Send>(&self, expected: &[String], work: impl FnOnce() -> T + Send) -> (T, u64) {
        let stop = AtomicBool::new(false);
        std::thread::scope(|scope| {
            let asking = scope.spawn(|| {
                let mut rounds = 0;
                while !stop.load(Ordering::SeqCst) {
                    assert_eq!(self.answers(), expected, "the neighbours answer as before");
                    rounds += 1;
                }
                rounds
            });
            let done = work();
            stop.store(true, Ordering::SeqCst);
            (done, asking.join().unwrap())
        })
    }
}

fn answers(account: &Account, config: &Config) -> Vec<String> {
    let (view, at) = (View::whole(account), Timestamp::from_ms(1_780_000_000_000));
    let params = |params: Value| serde_json::from_value(params).unwrap();
    let metric = |name: &&str| {
        let window = json!({ "from": "2025-01-01", "to": "2026-01-01", "by": "week" });
        json!(query::metric(&view, name, &params(window)).unwrap()).to_string()
    };
    let search = |q: &&str| {
        let params = SearchParams { q: (*q).to_owned(), facets: vec!["project".to_owned()], ..SearchParams::default() };
        let vocabulary = Vocabulary { now: Some(at), ..config.vocabulary() };
        let mut found = json!(query::search_as(&view, &vocabulary, &params).unwrap());
        // How long it took is no part of what is answered.
        found.as_object_mut().unwrap().remove("took_ms");
        found
    };
    let found: Vec<Value> =
        ["", "kind:build AND result:failure", "kind:commit AND change"].iter().map(search).collect();
    let ids = found.iter().flat_map(|answer| answer["hits"].as_array().unwrap()).map(|hit| hit["id"].as_str().unwrap());
    let document = |id: &str| json!(query::entity(&view, &id.parse().unwrap()).unwrap()).to_string();
    let documents: Vec<String> = ids.map(document).collect();
    let numbers = ["build-success", "build-duration", "change-lead-time"].iter().map(metric);
    numbers.chain(found.iter().map(Value::to_string)).chain(documents).collect()
}

/// Prints how long each step took, by the times the host has noted.
fn times(done: &Value, note: &str) {
    let ms = |time: &Value| time.as_str().unwrap().parse::<Timestamp>().unwrap().ms();
    let steps = done["steps"].as_array().unwrap();
    let at = |state: &str| ms(&steps.iter().find(|step| step["state"] == state).unwrap()["at"]);
    let key = ms(&done["keys_destroyed_at"]);
    let spans = [
        ("its records counted", at("disabled"), at("erasing"), "the whole log read, into a hash tree"),
        ("its key dead, after that", at("erasing"), key, "nobody can read its records from here on"),
        ("its space back, after that", key, at("verifying"), "folder, caches, details of the audit log gone"),
        ("what is left searched", at("verifying"), at("completed"), &files(&done["scan"])),
        ("all of it", at("disabled"), at("completed"), note),
    ];
    for (name, from, to, note) in spans {
        print(&format!("lifecycle: {name}"), (to - from) as f64 / 1e3, "s", "", note);
    }
}

fn files(scan: &Value) -> String {
    let megabytes = scan["bytes"].as_f64().unwrap() / 1e6;
    format!("{} files, {megabytes:.0} MB, found {}", scan["files"], scan["found"].as_array().unwrap().len())
}

/// Verifies receipt, audit log and export, then changes single bytes of them: every change is to be noticed.
fn proof(weir: &Installed, id: &str) {
    let key = weir.data().join("keys/signing.pub").to_str().unwrap().to_owned();
    let receipt = weir.data().join(format!("receipts/{id}.json"));
    let receipt = receipt.to_str().unwrap();
    weir.command(&["audit", "export", "audit"]);
    let audit =
        ["chain.jsonl", "details.jsonl", "checkpoints.jsonl"].map(|name| weir.folder().join("audit").join(name));
    let checks: [(&str, Vec<PathBuf>, Vec<&str>); 3] = [
        ("receipt", vec![receipt.into()], vec!["receipt", "verify", receipt]),
        ("audit log", audit.into(), vec!["audit", "verify", "--dir", "audit"]),
        ("export", files_of(&weir.folder().join("export")), vec!["export", "verify", "export"]),
    ];
    for (name, files, command) in checks {
        let verify = [&command[..], &["--public-key", &key]].concat();
        weir.command(&verify);
        let started = Instant::now();
        let (mut flipped, mut caught) = (0_u64, 0_u64);
        for file in &files {
            let bytes = std::fs::metadata(file).unwrap().len();
            let flips = bytes.min(if bytes > 1 << 20 { FLIPS / 10 } else { FLIPS });
            for flip in 0..flips {
                change(file, bytes * flip / flips);
                flipped += 1;
                caught += u64::from(!weir.is_done(&verify));
                change(file, bytes * flip / flips);
            }
        }
        weir.command(&verify);
        let note = format!("of {flipped} in {} files, {:.0} s", files.len(), started.elapsed().as_secs_f64());
        print(&format!("lifecycle: changes of the {name} seen"), caught as f64, "", &flipped.to_string(), &note);
    }
}

/// Flips a bit of the byte at a place; once more puts it back.
fn change(file: &Path, at: u64) {
    use std::os::unix::fs::FileExt;
    let opened = std::fs::File::options().read(true).write(true).open(file).unwrap();
    let mut byte = [0];
    opened.read_exact_at(&mut byte, at).unwrap();
    byte[0] ^= 4;
    opened.write_all_at(&byte, at).unwrap();
}

fn files_of(folder: &Path) -> Vec<PathBuf> {
    weir_tests::files_below(folder, "")
}

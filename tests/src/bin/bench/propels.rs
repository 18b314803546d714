//! Ten propels and a stream of events: none lost, none doubled, and what reading costs meanwhile.
//!
//! The receiver is a process of its own. It counts by path and idempotency key what comes.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use weir_tests::Client;

use crate::figures::{print, print_spread};
use crate::host::{Installed, Running};

/// Propels that hear every build that ends: rules and subscriptions in turn.
const PROPELS: usize = 10;
/// Builds of a push, each of which brings about three events.
const BATCH: u64 = 34;
/// Pushes a second.
const RATE: u32 = 10;
/// How long, in seconds; `WEIR_BENCH_SECONDS` says another.
const SECONDS: u64 = 60;

/// What came to a path: keys, and how often one came again.
type Counted = BTreeMap<String, (BTreeSet<String>, u64)>;

pub(crate) fn run() {
    let mut receiver = Receiving::start();
    let weir = Installed::new(&propels(&receiver.url));
    let host = weir.run();
    let seconds = std::env::var("WEIR_BENCH_SECONDS").ok().and_then(|text| text.parse().ok()).unwrap_or(SECONDS);
    let (stop, started) = (Arc::new(AtomicBool::new(false)), Instant::now());
    let reader = asking(&host, &stop);
    let builds = push(&host, Duration::from_secs(seconds));
    let loaded = started.elapsed();
    stop.store(true, Ordering::SeqCst);
    let mut waits = reader.join().unwrap();
    host.catch_up();
    let events = count_events(&host);
    let expected = builds * PROPELS as u64;
    let mut counts = receiver.counts();
    while counts.0 < expected && started.elapsed() < loaded + Duration::from_mins(10) {
        std::thread::sleep(Duration::from_millis(500));
        counts = receiver.counts();
    }
    let all = started.elapsed();
    let (told, again) = counts;
    print(
        "propels: events",
        events as f64 / loaded.as_secs_f64(),
        "events/s",
        ">= 1,000",
        &format!("{events} in {:.0} s", loaded.as_secs_f64()),
    );
    print("propels: effects", told as f64 / all.as_secs_f64(), "requests/s", "", &format!("{PROPELS} propels"));
    print("propels: lost", expected.saturating_sub(told) as f64, "effects", "0", &format!("of {expected}"));
    print("propels: sent again under the same key", again as f64, "requests", "0", "");
    print("propels: last effect after the load", (all - loaded).as_secs_f64(), "s", "", "");
    print_spread("propels: search meanwhile", &mut waits, "<= 100", "one at a time");
}

fn propels(url: &str) -> String {
    let one = |index: usize| {
        let head = format!("name = \"p{index}\"\non = [\"build.finished\"]\nconcurrency = 4\n");
        if index.is_multiple_of(2) {
            return format!("[[subscription]]\n{head}to = {{ url = \"{url}/p{index}\" }}\n");
        }
        let step = format!("{{ call = \"tool\", path = \"/p{index}\", json = {{ n = \"{{{{ entity.number }}}}\" }} }}");
        format!("[[rule]]\n{head}connections = {{ tool = {{ url = \"{url}\" }} }}\ndo = [{step}]\n")
    };
    (0..PROPELS).map(one).collect()
}

/// Pushes builds that have just ended, evenly; how many.
fn push(host: &Running, during: Duration) -> u64 {
    let (client, started, mut builds) = (Client::new(&host.url), Instant::now(), 0);
    for turn in 0_u32.. {
        let due = Duration::from_secs(1) * turn / RATE;
        if due >= during {
            break;
        }
        std::thread::sleep(due.saturating_sub(started.elapsed()));
        let now = now_ms();
        let body: Vec<Value> = (0..BATCH)
            .map(|index| {
                let number = builds + index;
                json!({
                    "instance_name": "ci", "job_full_name": format!("job{}", number % 50), "build_number": number + 1,
                    "result": "SUCCESS", "branch": "main", "start_time": now, "duration": 0,
                })
            })
            .collect();
        let answer = client.post("/v1/builds", Value::from(body).to_string().as_bytes());
        assert_eq!(answer.status, 202, "{}", answer.text());
        builds += BATCH;
    }
    builds
}

/// The wall clock in milliseconds.
fn now_ms() -> i64 {
    jiff::Timestamp::now().as_millisecond()
}

/// Searches until told to stop; how long each took.
fn asking(host: &Running, stop: &Arc<AtomicBool>) -> std::thread::JoinHandle<Vec<Duration>> {
    let (client, stop) = (Client::new(&host.url), stop.clone());
    std::thread::spawn(move || {
        let mut waits = Vec::new();
        while !stop.load(Ordering::SeqCst) {
            let asked = Instant::now();
            assert_eq!(client.get("/v1/search?q=kind%3Abuild&limit=20").status, 200);
            waits.push(asked.elapsed());
            std::thread::sleep(Duration::from_millis(50));
        }
        waits
    })
}

fn count_events(host: &Running) -> u64 {
    let (mut after, mut n) = (0, 0);
    loop {
        let page = host.get(&format!("/v1/events?after={after}&limit=1000"));
        let read = page["events"].as_array().unwrap().len() as u64;
        if read == 0 {
            return n;
        }
        (after, n) = (page["next"].as_u64().unwrap(), n + read);
    }
}

/// The receiver's process.
struct Receiving {
    child: Child,
    answers: BufReader<std::process::ChildStdout>,
    url: String,
}

impl Receiving {
    fn start() -> Self {
        let mut command = Command::new(std::env::current_exe().unwrap());
        let mut child = command.arg("receive").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let mut answers = BufReader::new(child.stdout.take().unwrap());
        let mut url = String::new();
        answers.read_line(&mut url).unwrap();
        Self { child, answers, url: url.trim().to_owned() }
    }

    /// Different keys so far, and how many requests repeated one.
    fn counts(&mut self) -> (u64, u64) {
        self.child.stdin.as_mut().unwrap().write_all(b"\n").unwrap();
        let mut line = String::new();
        self.answers.read_line(&mut line).unwrap();
        serde_json::from_str(&line).unwrap()
    }
}

impl Drop for Receiving {
    fn drop(&mut self) {
        // It may have ended by itself.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// The role: counts what comes, and says so for each line it is sent.
pub(crate) fn receive() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    println!("http://{}", listener.local_addr().unwrap());
    let counted = Arc::<Mutex<Counted>>::default();
    let counting = counted.clone();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let counted = counting.clone();
            std::thread::spawn(move || while answer(&stream, &counted).is_some() {});
        }
    });
    for _ in std::io::stdin().lines() {
        let counted = counted.lock().unwrap();
        let different: usize = counted.values().map(|(keys, _)| keys.len()).sum();
        let again: u64 = counted.values().map(|(_, again)| again).sum();
        println!("[{different},{again}]");
    }
}

fn answer(stream: &TcpStream, counted: &Mutex<Counted>) -> Option<()> {
    let mut reader = BufReader::new(stream);
    let mut first = String::new();
    reader.read_line(&mut first).ok().filter(|bytes| *bytes > 0)?;
    let path = first.split(' ').nth(1)?.to_owned();
    let (mut length, mut key) = (0, String::new());
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok().filter(|bytes| *bytes > 0)?;
        let Some((name, value)) = line.trim_end().split_once(':') else { break };
        match name.to_ascii_lowercase().as_str() {
            "content-length" => length = value.trim().parse().ok()?,
            "idempotency-key" => value.trim().clone_into(&mut key),
            _ => {}
        }
    }
    reader.read_exact(&mut vec![0; length]).ok()?;
    let mut all = counted.lock().unwrap();
    let (keys, again) = all.entry(path).or_default();
    *again += u64::from(!keys.insert(key));
    drop(all);
    let mut stream = stream;
    stream.write_all(b"HTTP/1.1 204 Told\r\ncontent-length: 0\r\n\r\n").ok()
}

//! Measures the log: appends of 2 kB records by many threads, each acknowledged when durable, then reading it all.
//!
//! `cargo run --profile fast -p weir-store --example append_rate -- [folder] [threads] [seconds]`

#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "a measurement prints, and may stop at any surprise")]

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use weir_model::{AccountId, DatasetName, IntegrationName, RawRecord, Seq, StreamId, Timestamp};
use weir_store::{Commit, Keys, Log, LogLimits, LogOptions, OsDisk, Put, StateKey};

fn main() {
    let mut arguments = std::env::args().skip(1);
    let dir = PathBuf::from(arguments.next().unwrap_or_else(|| "target/append-rate".to_owned()));
    let n_threads: u64 = arguments.next().map_or(64, |text| text.parse().unwrap());
    let seconds: u64 = arguments.next().map_or(5, |text| text.parse().unwrap());
    let _ = std::fs::remove_dir_all(&dir);
    let account = AccountId::new("acme").unwrap();
    let keys = Arc::new(Keys::open_or_create(&dir.join("keys"), &account).unwrap());
    let options =
        LogOptions { dir: dir.join("acme"), account, keys, disk: Arc::new(OsDisk), limits: LogLimits::default() };
    let log = Log::open(options.clone()).unwrap();
    append(&log, n_threads, seconds);
    append_pages(&log);
    read(&log, "journal");
    timed("sealed", || log.seal().unwrap());
    read(&log, "packs");
    let health = log.health();
    println!("{} records, packs of {} MB", health.last, health.generations[0].bytes >> 20);
    append(&log, n_threads, 1);
    timed("closed", || log.close().unwrap());
    let log = timed("opened after a clean end", || Log::open(options.clone()).unwrap());
    append(&log, n_threads, 1);
    drop(log);
    let log = timed("opened after a kill", || Log::open(options).unwrap());
    println!("{} records", log.last());
}

fn timed<T>(what: &str, run: impl FnOnce() -> T) -> T {
    let started = Instant::now();
    let outcome = run();
    println!("{what} in {:?}", started.elapsed());
    outcome
}

fn record(number: u64) -> (StreamId, RawRecord) {
    let integration = IntegrationName::new("github").unwrap();
    let stream = StreamId { integration, dataset: DatasetName::new("pulls").unwrap() };
    let words: Vec<_> = (0..60).map(|word| ((number * 7919 + word * word * 31) % 9973).to_string()).collect();
    let text = words.join(" ");
    let payload = format!(
        "{{\"number\":{number},\"title\":\"change {number}\",\"body\":\"{text}\",\"labels\":[\"bug\",\"ui\"],\"pad\":\"{}\"}}",
        "0123456789abcdef".repeat(100)
    );
    (stream, RawRecord::upsert(format!("pull-{number}"), None, payload))
}

fn append(log: &Log, n_threads: u64, seconds: u64) {
    let n_appends = AtomicU64::new(0);
    let slowest_us = AtomicU64::new(0);
    let started = Instant::now();
    std::thread::scope(|scope| {
        for thread in 0..n_threads {
            let (n_appends, slowest_us) = (&n_appends, &slowest_us);
            scope.spawn(move || {
                let (stream, record) = record(thread);
                while started.elapsed() < Duration::from_secs(seconds) {
                    let asked = Instant::now();
                    let number = n_appends.fetch_add(1, Ordering::Relaxed);
                    let seen = Put::set(StateKey::new(&["seen", &number.to_string()]), "");
                    let records = vec![(stream.clone(), record.clone())];
                    log.append(Commit { records, received_at: Timestamp::from_ms(1), puts: vec![seen] }).unwrap();
                    let us = u64::try_from(asked.elapsed().as_micros()).unwrap();
                    slowest_us.fetch_max(us, Ordering::Relaxed);
                }
            });
        }
    });
    let n_appends = n_appends.into_inner();
    let rate = n_appends / seconds.max(1);
    println!("{rate} appends/s by {n_threads} threads, slowest {} us", slowest_us.into_inner());
}

fn append_pages(log: &Log) {
    let n_pages = 100u64;
    let pages: Vec<_> = (0..n_pages).map(|page| (page * 100..page * 100 + 100).map(record).collect()).collect();
    timed("appended 100 pages of 100 records", || {
        for records in pages {
            let cursor = Put::set(StateKey::new(&["cursor", "github"]), "next");
            log.append(Commit { records, received_at: Timestamp::from_ms(2), puts: vec![cursor] }).unwrap();
        }
    });
}

fn read(log: &Log, from: &str) {
    let started = Instant::now();
    let (mut after, mut n_records) = (Seq::ZERO, 0u32);
    loop {
        let batch = log.read(after, 1000, 4 << 20).unwrap();
        if batch.next == after {
            break;
        }
        n_records += u32::try_from(batch.records.len()).unwrap();
        after = batch.next;
    }
    let rate = f64::from(n_records) / started.elapsed().as_secs_f64();
    println!("{rate:.0} records/s read from {from}");
}

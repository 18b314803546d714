//! Real histories fed in order and out of it, in one piece and in many, once and twice: what is derived is the same.

use std::collections::BTreeMap;

use serde_json::Value;
use weir_tests::{Chance, Weir, documents, gunzip, shared};

/// Lines of one format.
type Part = (&'static str, Vec<String>);

/// Pieces the lines of a format are cut into, when they come out of order.
const PIECES: usize = 4;

fn lines(path: &str) -> Option<Vec<String>> {
    shared(path).map(|path| gunzip(&path).lines().map(str::to_owned).collect())
}

/// Every entity as a search finds it, and every number of every day.
fn derived(parts: &[Part]) -> BTreeMap<String, Value> {
    let weir = Weir::new("");
    for (index, (format, lines)) in parts.iter().enumerate() {
        let file = weir.write(&format!("{index}.jsonl"), lines.join("\n"));
        let ingested = weir.ingest(format, &[&file]);
        assert_eq!(ingested["rejected"], 0, "{ingested}");
    }
    let host = weir.run();
    let mut all = documents(&host, "");
    for metric in host.get("/v1/metrics")["metrics"].as_array().unwrap() {
        let name = metric["name"].as_str().unwrap();
        let mut answer = host.get(&format!("/v1/metrics/{name}?by=day&reasons=true"));
        // When it was taken is no part of what is derived.
        answer["fresh_at"].take();
        all.insert(name.to_owned(), answer);
    }
    host.stop();
    all
}

/// The same lines in no order, in pieces of all formats that take turns, and one piece of each once more.
fn out_of_order(parts: &[Part], chance: &mut Chance) -> Vec<Part> {
    let mut pieces: Vec<Part> = Vec::new();
    for (format, lines) in parts {
        let mut lines = lines.clone();
        for last in (1..lines.len()).rev() {
            lines.swap(last, usize::try_from(chance.pick(0..last as u64 + 1)).unwrap());
        }
        pieces.extend(lines.chunks(lines.len().div_ceil(PIECES)).map(|piece| (*format, piece.to_vec())));
    }
    let turns = |first: usize| pieces.iter().skip(first).step_by(PIECES).cloned();
    (0..PIECES).rev().chain([0]).flat_map(turns).collect()
}

fn check(name: &str, parts: Option<Vec<Part>>) {
    let Some(parts) = parts else { return };
    let n_lines: usize = parts.iter().map(|(_, lines)| lines.len()).sum();
    let at_once = derived(&parts);
    assert!(at_once.len() > n_lines / 2, "{n_lines} lines gave {} answers", at_once.len());
    let bit_by_bit = derived(&out_of_order(&parts, &mut Chance::new(name)));
    for (what, answer) in &at_once {
        assert_eq!(bit_by_bit.get(what), Some(answer), "{name}: {what}");
    }
    assert_eq!(bit_by_bit.len(), at_once.len());
    println!("{name}: {} answers to {n_lines} lines", at_once.len());
}

#[test]
fn builds_and_commits_of_activemq() {
    let parts = || {
        let commits = lines("correlation/lrts/activemq.commits.jsonl.gz")?;
        let builds = crate::real_lrts::payloads("activemq").lines().map(str::to_owned).collect();
        Some(vec![("commits", commits), ("builds", builds)])
    };
    check("activemq", parts());
}

#[test]
fn commits_of_alloy() {
    check("alloy", lines("git/tidev-alloy.commits.jsonl.gz").map(|commits| vec![("commits", commits)]));
}

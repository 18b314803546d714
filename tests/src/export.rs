//! All that an installation answers, in an order that depends on nothing but the answers: what two of them must agree on.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::weir::Running;

/// Hits of one page.
const PAGE: usize = 1_000;

/// Every hit of a search, by id.
pub fn documents(host: &Running, query: &str) -> BTreeMap<String, Value> {
    let mut found = BTreeMap::new();
    let mut cursor = String::new();
    loop {
        let page = host.get(&format!("/v1/search?q={}&limit={PAGE}&sort=created{cursor}", encoded(query)));
        for hit in page["hits"].as_array().unwrap() {
            let again = found.insert(hit["id"].as_str().unwrap().to_owned(), hit.clone());
            assert!(
                again.is_none(),
                "{hit} is found twice, before as {again:?}, of {} after `{cursor}`",
                page["total"]
            );
        }
        let Some(next) = page["next"].as_str() else {
            assert_eq!(page["total"], json!(found.len()), "the total of `{query}`");
            return found;
        };
        cursor = format!("&cursor={next}");
    }
}

/// Ids of every hit of a search.
pub fn ids(host: &Running, query: &str) -> BTreeSet<String> {
    documents(host, query).into_keys().collect()
}

/// Entities by kind, as facets count them.
pub fn totals(host: &Running) -> BTreeMap<String, u64> {
    let found = host.get("/v1/search?limit=0&facets=kind");
    let kinds = found["facets"]["kind"].as_array().unwrap();
    kinds.iter().map(|kind| (kind["value"].as_str().unwrap().to_owned(), kind["count"].as_u64().unwrap())).collect()
}

/// Every entity with its sources and links.
pub fn entities(host: &Running) -> BTreeMap<String, Value> {
    let all = ids(host, "").into_iter();
    all.map(|id| (id.clone(), host.get(&format!("/v1/entities/{}", encoded(&id))))).collect()
}

/// Every domain event.
pub fn events(host: &Running) -> Vec<Value> {
    let (mut all, mut after) = (Vec::new(), json!(0));
    loop {
        let page = host.get(&format!("/v1/events?after={after}&limit=1000"));
        let events = page["events"].as_array().unwrap();
        if events.is_empty() {
            return all;
        }
        all.extend(events.iter().cloned());
        after = page["next"].clone();
    }
}

/// Search, entities, events and numbers.
pub fn everything(host: &Running) -> BTreeMap<String, Value> {
    host.processed();
    let mut all: BTreeMap<String, Value> = BTreeMap::new();
    all.extend(documents(host, "").into_iter().map(|(id, hit)| (format!("search {id}"), hit)));
    all.extend(entities(host).into_iter().map(|(id, entity)| (format!("entity {id}"), entity)));
    all.extend(events(host).into_iter().map(|event| (format!("event {}", event["number"]), event)));
    for definition in host.get("/v1/metrics")["metrics"].as_array().unwrap() {
        let name = definition["name"].as_str().unwrap();
        for by in ["day", "month"] {
            all.insert(format!("metric {name} {by}"), host.get(&format!("/v1/metrics/{name}?by={by}")));
        }
    }
    all
}

/// Text as one part of a path or query.
pub fn encoded(text: &str) -> String {
    text.bytes().fold(String::new(), |encoded, byte| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' => encoded + &char::from(byte).to_string(),
        other => encoded + &format!("%{other:02X}"),
    })
}

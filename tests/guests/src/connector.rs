//! The hostile connector.

use std::cell::{Cell, RefCell};
use std::hash::{BuildHasher, RandomState};
use std::time::SystemTime;

use crate::tricks::{Orders, misbehave};

#[allow(missing_docs, unreachable_pub, clippy::all, clippy::pedantic, reason = "generated")]
mod bindings {
    wit_bindgen::generate!({
        path: "../../wit",
        world: "weir:connector/connector-webhook@0.1.0",
        generate_all,
    });
}

use bindings::exports::weir::connector::{normalizer, source, webhook};
use bindings::weir::connector::raw::{Op, Payload, RawRecord};
use bindings::weir::http::http::{Connection, HttpError, Method, Request, Response, Target};
use bindings::weir::log::log;
use bindings::weir::state::state;
use bindings::weir::types::types::{Failure, FailureKind};

crate::manifest!("../connector.json");

struct Hostile;
bindings::export!(Hostile with_types_in bindings);

/// Responses it never gives back.
struct Hoard(RefCell<Vec<Response>>);

struct Reading {
    connection: Connection,
    orders: Orders,
    page: Cell<u8>,
    hoard: Hoard,
}

impl source::Guest for Hostile {
    type Reader = Reading;

    fn check(connection: &Connection, settings: String) -> Result<source::Checkup, Failure> {
        misbehave(&Orders::read(&settings).act);
        let tool = format!("{} {} {}", connection.name(), connection.kind(), connection.site());
        Ok(source::Checkup { tool, identity: None, missing: Vec::new() })
    }

    fn datasets(_: &Connection, settings: String) -> Result<Vec<source::Dataset>, Failure> {
        let orders = Orders::read(&settings);
        let name = if orders.text.is_empty() { "items".to_owned() } else { orders.text };
        let produces = vec!["build".to_owned()];
        Ok(vec![source::Dataset {
            name,
            media: "application/json".to_owned(),
            produces,
            incremental: true,
            rotates: false,
            parent: None,
        }])
    }

    fn open(connection: Connection, job: source::Job) -> Result<source::Reader, Failure> {
        let orders = Orders::read(&job.settings);
        if orders.act == "expired" {
            return Err(failure(FailureKind::CursorExpired, "guest.cursor", "too old"));
        }
        let page = job.cursor.and_then(|cursor| cursor.get(1).copied()).unwrap_or(0);
        let hoard = Hoard(RefCell::new(Vec::new()));
        Ok(source::Reader::new(Reading { connection, orders, page: Cell::new(page), hoard }))
    }
}

impl source::GuestReader for Reading {
    fn step(&self) -> Result<source::Page, Failure> {
        let Orders { act, n, size, text } = &self.orders;
        misbehave(act);
        match act.as_str() {
            "panic-second" if self.page.get() > 0 => panic!("the second page was too much"),
            "read" | "panic-second" => self.good_page(),
            "records" => Ok(records_page((0..*n).map(|i| record(&format!("k{i}"), *size)).collect())),
            "key" => Ok(records_page(vec![record(text, 1)])),
            "cursor" => Ok(source::Page { cursor: Some(vec![0; *n]), ..records_page(Vec::new()) }),
            "path" => self.try_request(&get(text)),
            "link" => self.try_request(&Request { target: Target::Link(text.clone()), ..get("") }),
            "header" => self.try_request(&Request { headers: vec![(text.clone(), b"x".to_vec())], ..get("/") }),
            "requests" => self.send_in_a_row(*n),
            "many" => Ok(self.send_many(*n)),
            "hoard" => self.hoard(*n),
            "response" => self.show_response(),
            "state" => state::set("key", &vec![0; *n]).map(none),
            "state-then-fail" => {
                state::set("key", b"lost")?;
                Err(failure(FailureKind::Throttled, "guest.throttled", "slow down"))
            }
            "log" => {
                (0..*n).for_each(|_| log::write(log::Level::Info, &"x".repeat(*size), &[]));
                Ok(none(()))
            }
            "stdout" => {
                (0..*n).for_each(|_| println!("{}", "x".repeat(*size)));
                Ok(none(()))
            }
            "fail" => Err(failure(FailureKind::Auth, "guest.auth", "who are you?")),
            "escape" => Ok(records_page(vec![record_of(&environment())])),
            other => panic!("no trick is called `{other}`"),
        }
    }
}

impl Reading {
    /// What an honest connector does: one page of records, cut by the host.
    fn good_page(&self) -> Result<source::Page, Failure> {
        let page = self.page.get();
        let response = self.connection.send(&get(&format!("/items?page={page}"))).map_err(|error| denial(&error))?;
        let next = response.pointer("/next").map_err(|error| denial(&error))?;
        let extract = source::Extract {
            body: response,
            items: "/items".to_owned(),
            key_prefix: String::new(),
            key: "/id".to_owned(),
            version: Some("/at".to_owned()),
            context: Some(r#"{"page":true}"#.to_owned()),
        };
        self.page.set(page + 1);
        Ok(source::Page {
            content: source::Content::Extract(vec![extract]),
            cursor: Some(vec![1, page + 1]),
            done: next.is_none_or(|next| next == "null"),
        })
    }

    fn try_request(&self, request: &Request) -> Result<source::Page, Failure> {
        self.connection.send(request).map(drop).map(none).map_err(|error| denial(&error))
    }

    fn send_in_a_row(&self, n: usize) -> Result<source::Page, Failure> {
        let sent = (0..n).try_for_each(|_| self.connection.send(&get("/")).map(drop));
        sent.map(none).map_err(|error| denial(&error))
    }

    fn send_many(&self, n: usize) -> source::Page {
        let requests: Vec<_> = (0..n).map(|i| get(&format!("/items?page={i}"))).collect();
        let statuses = self.connection.send_many(&requests).into_iter();
        let records = statuses.enumerate().map(|(i, response)| {
            let text = response.map_or_else(|error| format!("{error:?}"), |response| response.status().to_string());
            RawRecord { payload: Payload::Text(text), ..record(&format!("k{i}"), 0) }
        });
        records_page(records.collect())
    }

    fn hoard(&self, n: usize) -> Result<source::Page, Failure> {
        for _ in 0..n {
            let response = self.connection.send(&get("/items?page=0")).map_err(|error| denial(&error))?;
            self.hoard.0.borrow_mut().push(response);
        }
        // The reader goes, what it held stays.
        std::mem::forget(self.hoard.0.take());
        Ok(none(()))
    }

    fn show_response(&self) -> Result<source::Page, Failure> {
        let response = self.connection.send(&get("/items?page=0")).map_err(|error| denial(&error))?;
        let names: Vec<_> = response.headers().into_iter().map(|(name, _)| name).collect();
        let first = response.read(5).map_err(|error| denial(&error))?;
        let missing = response.pointer("/none").map_err(|error| denial(&error))?;
        let id = response.pointer("/items/0/id").map_err(|error| denial(&error))?;
        let bad = response.pointer("none").map_err(|error| format!("{error:?}"));
        let rest = response.text().map_err(|error| denial(&error))?.len();
        let end = response.bytes().map_err(|error| denial(&error))?.len();
        let shown = format!(
            "{} {:?} {:?} {names:?} {:?} {missing:?} {id:?} {bad:?} {} {end}",
            response.status(),
            response.header("Content-Type"),
            response.header("set-cookie"),
            String::from_utf8_lossy(&first),
            rest + first.len(),
        );
        Ok(records_page(vec![record_of(&shown)]))
    }
}

impl normalizer::Guest for Hostile {
    fn normalize(_: String, settings: String, records: Vec<RawRecord>) -> Vec<normalizer::Outcome> {
        misbehave(&Orders::read(&settings).act);
        records.iter().filter_map(normalized).collect()
    }
}

/// Each record says itself what becomes of it; "none" leaves it out.
fn normalized(record: &RawRecord) -> Option<normalizer::Outcome> {
    let Payload::Text(text) = &record.payload else {
        return Some(normalizer::Outcome::Ignored("guest.bytes".to_owned()));
    };
    misbehave(text);
    let outcome = match text.as_str() {
        "none" => return None,
        "reject" => normalizer::Outcome::Rejected(Vec::new()),
        "clock" => normalizer::Outcome::Ignored(environment()),
        "state" => {
            normalizer::Outcome::Ignored(state::get("key").map_or_else(|failure| failure.code, |_| String::new()))
        }
        "bad-key" => produced("", text),
        "big" => produced("key", &"x".repeat((1 << 20) + 1)),
        "flood" => produced("key", &"x".repeat(4 << 20)),
        json if json.starts_with('{') => produced(&record.key, &reread(json)),
        _ => produced(&record.key, text),
    };
    Some(outcome)
}

/// Parses and writes, as an honest connector would.
fn reread(json: &str) -> String {
    let value: serde_json::Value = serde_json::from_str(json).expect("the test wrote the record");
    value.to_string()
}

fn produced(key: &str, document: &str) -> normalizer::Outcome {
    let entity = normalizer::Entity { kind: "build".to_owned(), key: key.to_owned(), document: document.to_owned() };
    normalizer::Outcome::Produced(normalizer::Produced { entities: vec![entity], diagnostics: Vec::new() })
}

impl webhook::Guest for Hostile {
    fn decode(_: String, delivery: webhook::Delivery) -> Result<webhook::Decoded, Failure> {
        let Payload::Text(text) = &delivery.body else {
            return Err(failure(FailureKind::Poison, "guest.body", "not text"));
        };
        misbehave(text);
        match text.as_str() {
            "ping" => Ok(webhook::Decoded::Ignored("guest.ping".to_owned())),
            "hello" => Ok(webhook::Decoded::Challenge("hello yourself".to_owned())),
            "bad-dataset" => Ok(accepted("No Such Name!", "k")),
            "bad-key" => Ok(accepted("items", "a\nb")),
            key => Ok(accepted("items", key)),
        }
    }
}

fn accepted(dataset: &str, key: &str) -> webhook::Decoded {
    let batch = webhook::Batch { dataset: dataset.to_owned(), records: vec![record(key, 1)] };
    webhook::Decoded::Accepted(webhook::Accepted {
        id: Some("delivery-1".to_owned()),
        batches: vec![batch],
        refresh: Vec::new(),
    })
}

/// Everything around it that it can see: time, chance, environment, arguments, standard input.
fn environment() -> String {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |now| now.as_nanos());
    let chance = RandomState::new().hash_one(7);
    let (variables, arguments) = (std::env::vars().count(), std::env::args().count());
    let mut input = String::new();
    let read = std::io::stdin().read_line(&mut input).is_ok();
    format!("now {now} chance {chance} variables {variables} arguments {arguments} stdin {read} {input:?}")
}

fn get(path: &str) -> Request {
    Request {
        method: Method::Get,
        target: Target::Path(path.to_owned()),
        headers: Vec::new(),
        body: None,
        timeout: None,
        max_body: None,
        conditional: false,
    }
}

fn record(key: &str, size: usize) -> RawRecord {
    RawRecord {
        op: Op::Upsert,
        key: key.to_owned(),
        version: None,
        context: None,
        payload: Payload::Text("x".repeat(size)),
    }
}

fn record_of(text: &str) -> RawRecord {
    RawRecord { payload: Payload::Text(text.to_owned()), ..record("shown", 0) }
}

fn records_page(records: Vec<RawRecord>) -> source::Page {
    source::Page { content: source::Content::Records(records), cursor: None, done: true }
}

fn none(_: ()) -> source::Page {
    records_page(Vec::new())
}

/// Hands the error on, so that the test sees what the guest saw.
fn denial(error: &HttpError) -> Failure {
    let (code, message) = match error {
        HttpError::Denied(rule) => ("guest.denied", rule.clone()),
        HttpError::Exhausted => ("guest.exhausted", String::new()),
        other => ("guest.http", format!("{other:?}")),
    };
    failure(FailureKind::Transient, code, &message)
}

fn failure(kind: FailureKind, code: &str, message: &str) -> Failure {
    let (code, message) = (code.to_owned(), message.to_owned());
    Failure { kind, code, message, retry_after: Some(1_500), details: None }
}

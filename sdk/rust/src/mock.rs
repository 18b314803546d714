//! A host for tests: scripted answers in place of the network, and a driver that does with pages what the host does.
//!
//! A request nobody scripted fails the test with its own text, so that a test also says which requests are made.

mod scene;

use std::cell::{OnceCell, RefCell};
use std::collections::BTreeMap;
use std::marker::PhantomData;
use std::rc::Rc;

use serde::Deserialize;
use serde_json::value::RawValue;
use weir_model::Timestamp;

use crate::connector::{Checkup, Connector, Pass, Run, Webhook, read_settings};
use crate::cursor;
use crate::failure::Failure;
use crate::http::{Connection, HttpError, Method, Request, Response, Target};
use crate::log::Level;
use crate::outcome::Outcome;
use crate::page::{Content, Extract, Page};
use crate::propel::{self, Event, Propel};
use crate::raw::Raw;
use crate::record::{Op, RawRecord};
use crate::webhook::{Batch, Decoded, Delivery};

pub use scene::{Scene, describe_outcome};

/// Most steps of one pass; a connector that takes more is going in circles.
const STEPS_MAX: usize = 10_000;

/// A scripted answer.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Answer {
    /// Status code.
    #[serde(default = "ok")]
    pub status: u16,
    /// Headers, names in lower case.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// Body; in a cassette the JSON text as it stands.
    #[serde(default = "no_body", deserialize_with = "json_text")]
    pub body: String,
}

impl Answer {
    /// An answer of status 200.
    pub fn of(body: impl Into<String>) -> Self {
        Self { status: ok(), headers: BTreeMap::new(), body: body.into() }
    }
}

fn ok() -> u16 {
    200
}

fn no_body() -> String {
    "null".to_owned()
}

fn json_text<'de, D: serde::Deserializer<'de>>(json: D) -> Result<String, D::Error> {
    Ok(Box::<RawValue>::deserialize(json)?.get().to_owned())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Exchange {
    request: String,
    answer: Answer,
}

/// Scripted answers by request, written `GET /path?query` or `GET https://link`. A request with a body may be scripted
/// with it, `POST /search {"page":2}`, or without.
///
/// A request with several answers gets them in order, and the last one from then on.
#[derive(Default)]
pub struct Cassette {
    answers: BTreeMap<String, Vec<Answer>>,
    server: Option<Server>,
    trouble: Option<(Where, Trouble)>,
    heard: RefCell<Vec<String>>,
}

/// Answers what no cassette could list.
type Server = Box<dyn Fn(&str) -> Option<Answer>>;

/// Which answers something goes wrong with.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Where {
    /// The one to the request of this index, counted from 0.
    At(usize),
    /// Every one.
    Everywhere,
}

/// What goes wrong with an answer.
pub(crate) type Trouble = Box<dyn Fn(Answer) -> Result<Answer, HttpError>>;

impl Cassette {
    /// Reads a cassette: a JSON list of `{"request": "GET /path", "answer": {"status", "headers", "body"}}`.
    pub fn read(json: &str) -> Result<Self, serde_json::Error> {
        let exchanges: Vec<Exchange> = serde_json::from_str(json)?;
        let mut cassette = Self::default();
        for Exchange { request, answer } in exchanges {
            cassette.answers.entry(request).or_default().push(answer);
        }
        Ok(cassette)
    }

    /// Adds an answer with a JSON body.
    #[must_use]
    pub fn on(self, request: &str, body: &str) -> Self {
        self.on_status(request, 200, &[], body)
    }

    /// Adds an answer with status and headers.
    ///
    /// # Panics
    /// When the body is no JSON.
    #[must_use]
    pub fn on_status(mut self, request: &str, status: u16, headers: &[(&str, &str)], body: &str) -> Self {
        let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let body = RawValue::from_string(body.to_owned()).expect("the body of a scripted answer is JSON");
        let body = body.get().to_owned();
        self.answers.entry(request.to_owned()).or_default().push(Answer { status, headers, body });
        self
    }

    /// Answers requests that are not scripted by a function of the request, written as in a cassette, its body behind it.
    #[must_use]
    pub fn serving(self, server: impl Fn(&str) -> Option<Answer> + 'static) -> Self {
        Self { server: Some(Box::new(server)), ..self }
    }

    /// Has answers go wrong.
    pub(crate) fn troubled(self, place: Where, trouble: Trouble) -> Self {
        Self { trouble: Some((place, trouble)), ..self }
    }

    /// The requests made so far.
    pub fn heard(&self) -> Vec<String> {
        self.heard.borrow().clone()
    }

    fn answer(&self, request: &Request) -> Result<Answer, HttpError> {
        let line = request_line(request);
        let whole = request.body.as_ref().map(|body| format!("{line} {}", String::from_utf8_lossy(body)));
        let asked = whole.filter(|whole| self.answers.contains_key(whole) || self.server.is_some()).unwrap_or(line);
        let before = self.heard.borrow().iter().filter(|heard| **heard == asked).count();
        let index = self.heard.borrow().len();
        self.heard.borrow_mut().push(asked.clone());
        let answer = self.scripted(&asked, before)?;
        match &self.trouble {
            Some((Where::Everywhere, trouble)) => trouble(answer),
            Some((Where::At(at), trouble)) if *at == index => trouble(answer),
            _ => Ok(answer),
        }
    }

    fn scripted(&self, asked: &str, before: usize) -> Result<Answer, HttpError> {
        let scripted = self.answers.get(asked).and_then(|answers| answers.get(before).or(answers.last())).cloned();
        let answer = scripted.or_else(|| self.server.as_ref().and_then(|server| server(asked)));
        answer.ok_or_else(|| HttpError::Denied(format!("no answer scripted for `{asked}`")))
    }
}

fn request_line(request: &Request) -> String {
    let method = match request.method {
        Method::Get => "GET",
        Method::Head => "HEAD",
        Method::Post => "POST",
        Method::Put => "PUT",
        Method::Patch => "PATCH",
        Method::Delete => "DELETE",
    };
    let (Target::Path(target) | Target::Link(target)) = &request.target;
    format!("{method} {target}")
}

/// A connection that plays a cassette.
pub fn connection(cassette: &Rc<Cassette>) -> Connection<'static> {
    named_connection("tool", cassette)
}

/// A connection of that name that plays a cassette.
pub fn named_connection(name: &str, cassette: &Rc<Cassette>) -> Connection<'static> {
    kinded_connection(name, "mock", cassette)
}

/// The same to a tool of that kind.
pub fn kinded_connection(name: &str, kind: &str, cassette: &Rc<Cassette>) -> Connection<'static> {
    let [name, kind] = [name, kind].map(str::to_owned);
    Connection(Wire { name, kind, cassette: Rc::clone(cassette), lent: PhantomData })
}

pub(crate) struct Wire<'a> {
    name: String,
    kind: String,
    cassette: Rc<Cassette>,
    // A real connection may be lent for the length of a call.
    lent: PhantomData<&'a ()>,
}

impl Wire<'_> {
    pub(crate) fn name(&self) -> String {
        self.name.clone()
    }

    pub(crate) fn kind(&self) -> String {
        self.kind.clone()
    }

    #[expect(clippy::unused_self, reason = "the same function as on a real connection, which has one")]
    pub(crate) fn site(&self) -> String {
        "https://tool.example".to_owned()
    }

    pub(crate) fn send(&self, request: &Request) -> Result<WireResponse, HttpError> {
        self.cassette.answer(request).map(WireResponse)
    }

    pub(crate) fn send_many(&self, requests: &[Request]) -> Vec<Result<WireResponse, HttpError>> {
        requests.iter().map(|request| self.send(request)).collect()
    }
}

pub(crate) struct WireResponse(Answer);

impl WireResponse {
    pub(crate) fn status(&self) -> u16 {
        self.0.status
    }

    pub(crate) fn header(&self, name: &str) -> Option<String> {
        self.0.headers.get(&name.to_ascii_lowercase()).cloned()
    }

    #[expect(clippy::unnecessary_wraps, reason = "the same function as on a real response, which can fail")]
    pub(crate) fn text(&self) -> Result<String, HttpError> {
        Ok(self.0.body.clone())
    }

    pub(crate) fn pointer(&self, pointer: &str) -> Result<Option<String>, HttpError> {
        if self.0.status == 304 {
            return Err(HttpError::Protocol("body is not JSON".to_owned()));
        }
        let body: &RawValue = serde_json::from_str(&self.0.body)
            .map_err(|error| HttpError::Protocol(format!("body is not JSON: {error}")))?;
        Ok(walk(body, pointer).map(|found| found.get().to_owned()))
    }
}

/// The slice of a JSON text at an RFC 6901 pointer.
fn walk<'a>(json: &'a RawValue, pointer: &str) -> Option<&'a RawValue> {
    pointer.split('/').skip(1).try_fold(json, |json, token| {
        let token = token.replace("~1", "/").replace("~0", "~");
        if json.get().starts_with('[') {
            serde_json::from_str::<Vec<&RawValue>>(json.get()).ok()?.get(token.parse::<usize>().ok()?).copied()
        } else {
            serde_json::from_str::<BTreeMap<String, &RawValue>>(json.get()).ok()?.get(&token).copied()
        }
    })
}

/// What to read, for [`collect`].
#[derive(Debug, Clone)]
pub struct Order {
    /// Dataset to read.
    pub dataset: String,
    /// Record it is read under.
    pub parent: Option<RawRecord>,
    /// JSON object.
    pub settings: String,
    /// How much.
    pub pass: Pass,
    /// Earliest update time of interest.
    pub since: Option<Timestamp>,
    /// Last committed cursor.
    pub cursor: Option<Vec<u8>>,
    /// "Now" of the pass.
    pub run_at: Timestamp,
}

impl Order {
    /// A full pass through a dataset.
    pub fn full(dataset: &str, settings: &str) -> Self {
        Self {
            dataset: dataset.to_owned(),
            parent: None,
            settings: settings.to_owned(),
            pass: Pass::Full,
            since: None,
            cursor: None,
            run_at: Timestamp::from_ms(1_750_000_000_000),
        }
    }

    /// An incremental pass through a dataset from a cursor.
    pub fn incremental(dataset: &str, settings: &str, cursor: Option<Vec<u8>>) -> Self {
        Self { pass: Pass::Incremental, cursor, ..Self::full(dataset, settings) }
    }

    /// The same under a parent record.
    #[must_use]
    pub fn under(self, parent: RawRecord) -> Self {
        Self { parent: Some(parent), ..self }
    }
}

/// What one pass brought.
#[derive(Debug, Clone, Default)]
pub struct Collected {
    /// Records in the order of reading.
    pub records: Vec<RawRecord>,
    /// Cursor after the pass.
    pub cursor: Option<Vec<u8>>,
    /// Steps it took.
    pub steps: usize,
    /// Why it ended early.
    pub failure: Option<Failure>,
}

/// Runs one pass. After every step the reader is dropped and opened again from the last cursor, since the host may do so.
pub fn collect<C: Connector>(cassette: &Rc<Cassette>, order: &Order) -> Collected {
    let collected = collect_steps::<C>(cassette, order, STEPS_MAX);
    if collected.steps < STEPS_MAX {
        return collected;
    }
    let failure = Failure::internal("mock.steps", format!("not done after {STEPS_MAX} steps"));
    Collected { failure: Some(failure), ..collected }
}

/// Runs one pass for at most so many steps.
pub(crate) fn collect_steps<C: Connector>(cassette: &Rc<Cassette>, order: &Order, steps_max: usize) -> Collected {
    let mut collected = Collected { cursor: order.cursor.clone(), ..Collected::default() };
    while collected.steps < steps_max {
        collected.steps += 1;
        match step::<C>(cassette, order, &mut collected) {
            Ok(false) => {}
            Ok(true) => break,
            Err(failure) => return Collected { failure: Some(failure), ..collected },
        }
    }
    collected
}

fn step<C: Connector>(cassette: &Rc<Cassette>, order: &Order, collected: &mut Collected) -> Result<bool, Failure> {
    let run = Run {
        dataset: order.dataset.clone(),
        parent: order.parent.clone(),
        settings: read_settings(&order.settings)?,
        pass: order.pass,
        run_at: order.run_at,
        since: order.since,
        connection: connection(cassette),
        memo: OnceCell::new(),
    };
    let cursor = collected.cursor.as_deref().map(cursor::decode::<C>).transpose()?;
    let Page { content, cursor, done } = C::step(&run, cursor)?;
    match content {
        Content::Records(records) => collected.records.extend(records),
        Content::Extract(extracts) => {
            for extract in extracts {
                cut(extract, collected)?;
            }
        }
    }
    if let Some(cursor) = &cursor {
        collected.cursor = Some(cursor::encode::<C>(cursor)?);
    }
    Ok(done)
}

/// Cuts a body into records as the host does.
fn cut(extract: Extract, collected: &mut Collected) -> Result<(), Failure> {
    let Extract { body: Response(WireResponse(answer)), items, key_prefix, key, version, context } = extract;
    if matches!(answer.status, 204 | 304) {
        return Ok(());
    }
    let unfit = |what: String| Failure::transient("weir.extract.body", what);
    let body: &RawValue = serde_json::from_str(&answer.body).map_err(|error| unfit(error.to_string()))?;
    let found = walk(body, &items).filter(|found| found.get() != "null");
    let found = found.ok_or_else(|| unfit(format!("nothing lies at `{items}`")))?;
    let elements = serde_json::from_str::<Vec<&RawValue>>(found.get()).unwrap_or_else(|_| vec![found]);
    for element in elements {
        let Some(found) = walk(element, &key).and_then(|key| key_of(key.get())) else {
            collected.records.push(RawRecord::unreadable(element.get()));
            continue;
        };
        let version = version.as_ref().and_then(|version| walk(element, version)).and_then(version_of);
        let record = RawRecord::upsert(format!("{key_prefix}{found}"), element.get().as_bytes()).version(version);
        collected.records.push(RawRecord { context: context.clone(), ..record });
    }
    Ok(())
}

/// A key is text or a whole number.
fn key_of(json: &str) -> Option<String> {
    let text: Result<String, _> = serde_json::from_str(json);
    text.or_else(|_| serde_json::from_str::<i64>(json).map(|number| number.to_string())).ok()
}

fn version_of(json: &RawValue) -> Option<i64> {
    let text = json.get().trim_matches('"');
    text.parse().ok().or_else(|| text.parse::<Timestamp>().ok().map(Timestamp::ms))
}

/// Runs [`Connector::check`], after a look at the datasets as on the host.
pub fn check<C: Connector>(cassette: &Rc<Cassette>, settings: &str) -> Result<Checkup, Failure> {
    let settings = read_settings(settings)?;
    C::datasets(&settings)?;
    C::check(&connection(cassette), &settings)
}

/// Normalises records of one dataset, one outcome each; deletes are left out, as the host does.
pub fn normalize<C: Connector>(dataset: &str, settings: &str, records: &[RawRecord]) -> Result<Vec<Outcome>, Failure> {
    let settings = read_settings(settings)?;
    let upserts = records.iter().filter(|record| record.op == Op::Upsert);
    Ok(upserts.map(|record| normalize_one::<C>(dataset, &settings, record)).collect())
}

fn normalize_one<C: Connector>(dataset: &str, settings: &C::Settings, record: &RawRecord) -> Outcome {
    let raw = Raw::new(dataset, &record.key, record.version, record.context.as_deref(), &record.payload);
    let outcome = C::normalize(dataset, settings, &raw);
    outcome.and(raw.into_findings())
}

/// An outcome in lines for a snapshot: entities, then what was found on the way.
pub fn describe(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Ignored(reason) => format!("  ignored: {reason}\n"),
        Outcome::Rejected(findings) => format!("  rejected: {findings:?}\n"),
        Outcome::Produced(produced) => {
            let entities = produced.entities.iter();
            let entities = entities.map(|entity| format!("  {} {} {}\n", entity.kind, entity.key, entity.document));
            let findings = produced.diagnostics.iter();
            let findings = findings.map(|d| format!("  ! {} {}\n", d.code, d.found.as_deref().unwrap_or("")));
            entities.chain(findings).collect()
        }
    }
}

/// A full pass in lines for a snapshot; see [`show_records`]. The parent is a dataset and the key of one of its records,
/// or `*` to read under each of them.
///
/// # Panics
/// When a pass fails, or there is no such parent.
pub fn show<C: Connector>(
    cassette: &Rc<Cassette>,
    dataset: &str,
    parent: Option<(&str, &str)>,
    settings: &str,
) -> String {
    let order = Order::full(dataset, settings);
    let orders = match parent {
        None => vec![order],
        Some((parent, key)) => {
            let parents = collect_whole::<C>(cassette, &Order::full(parent, settings)).records;
            // One that was read twice counts as it was read last.
            let last = parents.iter().rev().find(|record| record.key == key).cloned();
            let chosen = if key == "*" { parents } else { last.into_iter().collect() };
            chosen.into_iter().map(|record| order.clone().under(record)).collect()
        }
    };
    assert!(!orders.is_empty(), "no record {parent:?} to read under");
    let collected = orders.iter().map(|order| collect_whole::<C>(cassette, order));
    collected.map(|collected| show_records::<C>(dataset, settings, &collected.records)).collect()
}

/// Records in lines for a snapshot: key, version and context of each, then what becomes of it.
///
/// # Panics
/// When the settings do not fit.
pub fn show_records<C: Connector>(dataset: &str, settings: &str, records: &[RawRecord]) -> String {
    let settings = read_settings(settings).expect("settings that fit");
    let line = |record: &RawRecord| {
        let version = record.version.map_or_else(|| "-".to_owned(), |version| version.to_string());
        let outcome = match record.op {
            Op::Upsert => describe(&normalize_one::<C>(dataset, &settings, record)),
            Op::Delete => "  gone\n".to_owned(),
        };
        format!("{} @{version} {}\n{outcome}", record.key, record.context.as_deref().unwrap_or("-"))
    };
    records.iter().map(line).collect()
}

/// Runs one pass to its end.
///
/// # Panics
/// When it fails.
pub fn collect_whole<C: Connector>(cassette: &Rc<Cassette>, order: &Order) -> Collected {
    let collected = collect::<C>(cassette, order);
    assert_eq!(collected.failure, None, "{:?}", cassette.heard());
    collected
}

/// Keys of records, in their order.
pub fn keys(records: &[RawRecord]) -> Vec<&str> {
    records.iter().map(|record| record.key.as_str()).collect()
}

/// A delivery as the host hands it over.
pub fn delivery(headers: &[(&str, &str)], body: impl Into<Vec<u8>>) -> Delivery {
    let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    Delivery { headers, query: Vec::new(), body: body.into(), received_at: Timestamp::from_ms(1_750_000_000_000) }
}

/// What became of a delivery, in a line: the keys of its records and the datasets to poll, or why there are none.
pub fn describe_delivery(decoded: &Result<Decoded, Failure>) -> String {
    let accepted = match decoded {
        Ok(Decoded::Accepted(accepted)) => accepted,
        Ok(Decoded::Ignored(reason)) => return format!("ignored {reason}"),
        Ok(Decoded::Challenge(text)) => return format!("challenge {text}"),
        Err(failure) => return format!("{:?} {}", failure.kind, failure.code),
    };
    let record = |dataset: &str, record: &RawRecord| {
        let gone = if record.op == Op::Delete { " gone" } else { "" };
        format!("{dataset} {}{gone}", record.key)
    };
    let of_batch = |batch: &Batch| batch.records.iter().map(|it| record(&batch.dataset, it)).collect::<Vec<_>>();
    let records = accepted.batches.iter().flat_map(of_batch);
    let parts: Vec<_> = records.chain(accepted.refresh.iter().map(|dataset| format!("refresh {dataset}"))).collect();
    parts.join(", ")
}

/// Decodes a delivery.
pub fn decode<C: Webhook>(settings: &str, delivery: &Delivery) -> Result<Decoded, Failure> {
    C::decode(&read_settings(settings)?, delivery)
}

/// Has a propel handle an event with connections of these names.
pub fn handle<P: Propel>(event: &Event, connections: &[&str], settings: &str) -> Result<propel::Outcome, Failure> {
    let cassette = Rc::default();
    let connections: Vec<_> = connections.iter().map(|name| named_connection(name, &cassette)).collect();
    P::handle(event, &connections, &read_settings(settings)?)
}

thread_local! {
    static STATE: RefCell<BTreeMap<String, Vec<u8>>> = const { RefCell::new(BTreeMap::new()) };
    static FACTS: RefCell<BTreeMap<(String, String), String>> = const { RefCell::new(BTreeMap::new()) };
    static LINES: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
}

/// Scripts the answer to a query of facts on this thread; `params` as the propel writes them.
pub fn on_query(name: &str, params: &str, answer: &str) {
    FACTS.with_borrow_mut(|facts| facts.insert((name.to_owned(), params.to_owned()), answer.to_owned()));
}

/// The lines logged on this thread since this was last asked.
pub fn logged() -> Vec<String> {
    LINES.take()
}

pub(crate) fn facts_query(name: &str, params: &str) -> Result<String, Failure> {
    let asked = (name.to_owned(), params.to_owned());
    let missing = || Failure::forbidden("mock.query", format!("no answer scripted for query `{name}` with {params}"));
    FACTS.with_borrow(|facts| facts.get(&asked).cloned()).ok_or_else(missing)
}

pub(crate) fn log_enabled(_: Level) -> bool {
    true
}

pub(crate) fn log(level: Level, message: &str, fields: &[(&str, &str)]) {
    LINES.with_borrow_mut(|lines| lines.push(format!("{level:?}: {message} {fields:?}")));
}

#[expect(clippy::unnecessary_wraps, reason = "the same function as on the host, which can fail")]
pub(crate) fn state_get(key: &str) -> Result<Option<Vec<u8>>, Failure> {
    Ok(STATE.with_borrow(|state| state.get(key).cloned()))
}

#[expect(clippy::unnecessary_wraps, reason = "the same function as on the host, which can fail")]
pub(crate) fn state_set(key: &str, value: &[u8]) -> Result<(), Failure> {
    STATE.with_borrow_mut(|state| state.insert(key.to_owned(), value.to_vec()));
    Ok(())
}

#[expect(clippy::unnecessary_wraps, reason = "the same function as on the host, which can fail")]
pub(crate) fn state_remove(key: &str) -> Result<(), Failure> {
    STATE.with_borrow_mut(|state| state.remove(key));
    Ok(())
}

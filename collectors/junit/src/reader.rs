//! One pass over the elements of a report.
//!
//! Invariant: a test enters the report when its element ends, or when the file ends after its outcome was told.

use std::collections::BTreeMap;

use quick_xml::Reader as XmlReader;
use quick_xml::events::{BytesStart, Event};

use crate::case::{self, Attributes};
use crate::dialect::Part;
use crate::text::{decode, place, push_within};
use crate::{Case, Counts, Dialect, Finding, FindingKind, Limits, Outcome, Report, number};

/// Most findings of a report.
const FINDINGS_MAX: usize = 100;

/// Reads a report. The bytes may be of any encoding that XML can name.
pub fn read(bytes: &[u8], limits: &Limits) -> Report {
    let (text, problem) = decode(bytes);
    let mut report = read_text(&text, limits);
    if let Some(message) = problem {
        report.findings.insert(0, Finding { kind: FindingKind::Encoding, line: 1, column: 1, message });
    }
    report
}

/// The bytes of a report as text, without what they are encoded in.
pub fn text(bytes: &[u8]) -> std::borrow::Cow<'_, str> {
    decode(bytes).0
}

/// Reads a report that is text already; what it says about its encoding is of no interest.
pub fn read_text(text: &str, limits: &Limits) -> Report {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut reader = Reader::new(text, *limits);
    let mut xml = XmlReader::from_str(text);
    xml.config_mut().allow_dangling_amp = true;
    loop {
        reader.at = byte(xml.buffer_position());
        match xml.read_event() {
            Ok(Event::Eof) => break,
            Ok(event) => reader.take(&event),
            Err(error) => {
                reader.at = byte(xml.error_position());
                reader.find(FindingKind::Malformed, error.to_string());
                break;
            }
        }
        if reader.is_done {
            break;
        }
    }
    reader.finish()
}

fn byte(position: u64) -> usize {
    usize::try_from(position).unwrap_or(usize::MAX)
}

/// An element whose end has not come yet.
enum Open {
    Suite(Suite),
    Test(Test),
    /// Its text is the message of the test around it, unless that has one.
    Message(String),
    /// A definition of a test, by its id.
    Definition(Option<String>),
    Other,
}

struct Test {
    case: Case,
    /// Id of its definition.
    id: Option<String>,
    /// Holds tests itself and is none.
    is_group: bool,
}

#[derive(Default)]
struct Suite {
    name: Option<String>,
    duration_ms: Option<u64>,
    declared: Counts,
    /// Lists tests or suites.
    has_parts: bool,
    cases: u64,
}

struct Reader<'a> {
    text: &'a str,
    limits: Limits,
    report: Report,
    open: Vec<Open>,
    /// Open elements below the limit of depth.
    too_deep: usize,
    /// Begin of the event at hand.
    at: usize,
    is_done: bool,
    /// Tests beyond the limit.
    only_counted: u64,
    /// Sum of the times of all tests, and what the outermost suites with a time say.
    of_cases_ms: u64,
    of_suites_ms: Option<u64>,
    /// Tests of a TRX file that wait for their class, by the id of their definition.
    undefined: BTreeMap<String, Vec<usize>>,
}

impl<'a> Reader<'a> {
    fn new(text: &'a str, limits: Limits) -> Self {
        Self {
            text,
            limits,
            report: Report::default(),
            open: Vec::new(),
            too_deep: 0,
            at: 0,
            is_done: false,
            only_counted: 0,
            of_cases_ms: 0,
            of_suites_ms: None,
            undefined: BTreeMap::new(),
        }
    }

    fn take(&mut self, event: &Event<'_>) {
        match event {
            Event::Start(start) => self.start(start),
            Event::Empty(start) => {
                self.start(start);
                self.end();
            }
            Event::End(_) => self.end(),
            Event::Text(text) => self.message(&text.xml11_content()),
            Event::CData(text) => self.message(&text.xml11_content()),
            Event::GeneralRef(reference) => self.message(&unescaped(&format!("&{};", &**reference))),
            Event::Comment(_) | Event::Decl(_) | Event::PI(_) | Event::DocType(_) | Event::Eof => {}
        }
    }

    fn start(&mut self, start: &BytesStart<'_>) {
        if self.is_done {
            return;
        }
        if self.open.len() >= self.limits.depth_max {
            if self.too_deep == 0 {
                self.find(FindingKind::Truncated, format!("elements deeper than {} left out", self.limits.depth_max));
            }
            self.too_deep += 1;
            return;
        }
        let name = start.local_name().into_inner();
        let Some(dialect) = self.report.dialect.or_else(|| Dialect::of_root(name)) else {
            self.find(FindingKind::Unsupported, format!("<{name}> is the root of no report we know"));
            self.is_done = true;
            return;
        };
        self.report.dialect = Some(dialect);
        let attributes = self.attributes(start);
        let opened = self.opened(dialect, dialect.part(name), &attributes);
        self.open.push(opened);
    }

    fn attributes(&mut self, start: &BytesStart<'_>) -> Attributes {
        let mut read = Attributes::new();
        for attribute in start.attributes().with_checks(false) {
            match attribute {
                Ok(attribute) if !attribute.value.trim().is_empty() => {
                    let mut value = String::new();
                    push_within(&mut value, &unescaped(&attribute.value), self.limits.text_bytes_max);
                    read.insert(attribute.key.local_name().into_inner().to_owned(), value);
                }
                Ok(_) => {}
                Err(error) => self.find(FindingKind::Malformed, error.to_string()),
            }
        }
        read
    }

    fn opened(&mut self, dialect: Dialect, part: Part, attributes: &Attributes) -> Open {
        let in_test = self.test().is_some();
        match part {
            Part::Suite => self.suite(attributes.get("name").cloned(), attributes),
            Part::Whole => self.suite(None, attributes),
            Part::Case => self.begin(dialect, attributes),
            Part::Verdict(outcome) if in_test => self.verdict(outcome, attributes),
            // NUnit repeats the failures of tests at every suite around them.
            Part::Verdict(outcome) if dialect != Dialect::Nunit => self.verdict_of_suite(outcome, attributes),
            Part::Reason if in_test => Open::Message(String::new()),
            Part::Message if matches!(self.open.last(), Some(Open::Message(_))) => Open::Message(String::new()),
            Part::Definition => Open::Definition(attributes.get("id").cloned()),
            Part::Method => {
                self.define(attributes);
                Open::Other
            }
            Part::Times => {
                self.report.started_at = attributes.get("start").cloned();
                self.report.finished_at = attributes.get("finish").cloned();
                Open::Other
            }
            Part::Verdict(_) | Part::Reason | Part::Message | Part::Other => Open::Other,
        }
    }

    fn suite(&mut self, name: Option<String>, attributes: &Attributes) -> Open {
        let get = |names: &[&str]| names.iter().find_map(|name| attributes.get(*name));
        if let Some(around) = self.innermost_suite() {
            around.has_parts = true;
        }
        let duration_ms = get(&["duration", "time"]).and_then(|time| number::seconds(time));
        let is_counted = self.open.iter().any(|open| matches!(open, Open::Suite(suite) if suite.duration_ms.is_some()));
        if let Some(ms) = duration_ms.filter(|_| !is_counted) {
            self.of_suites_ms = Some(self.of_suites_ms.unwrap_or_default().saturating_add(ms));
        }
        let report = &mut self.report;
        report.name = report.name.take().or_else(|| get(&["name"]).cloned());
        report.started_at =
            report.started_at.take().or_else(|| get(&["timestamp", "start-time", "start-rtf"]).cloned());
        report.finished_at = report.finished_at.take().or_else(|| get(&["end-time", "finish-rtf"]).cloned());
        Open::Suite(Suite { name, duration_ms, declared: declared(attributes), ..Suite::default() })
    }

    fn begin(&mut self, dialect: Dialect, attributes: &Attributes) -> Open {
        if let Some(around) = self.test() {
            around.is_group = true;
        } else if let Some(around) = self.innermost_suite() {
            around.has_parts = true;
            around.cases += 1;
        }
        let mut case = case::begun(dialect, attributes);
        case.suite = self.suite_of(&case);
        Open::Test(Test { case, id: attributes.get("testId").cloned(), is_group: false })
    }

    /// The worst of several verdicts counts, and its message with it.
    fn verdict(&mut self, outcome: Outcome, attributes: &Attributes) -> Open {
        let Some(Test { case, .. }) = self.test() else { return Open::Other };
        if outcome > case.outcome {
            case.outcome = outcome;
            case.message = None;
        }
        case.message = case.message.take().or_else(|| attributes.get("message").cloned());
        if case.message.is_some() { Open::Other } else { Open::Message(String::new()) }
    }

    /// Something broke outside of a test: it counts as one, so that the report is not green.
    fn verdict_of_suite(&mut self, outcome: Outcome, attributes: &Attributes) -> Open {
        let mut case = Case { name: attributes.get("name").cloned(), outcome, ..Case::default() };
        case.message = attributes.get("message").cloned();
        case.suite = self.suite_of(&case);
        if let Some(around) = self.innermost_suite() {
            around.has_parts = true;
            around.cases += 1;
        }
        Open::Test(Test { case, id: None, is_group: false })
    }

    fn define(&mut self, attributes: &Attributes) {
        let Some(Open::Definition(Some(id))) = self.open.last() else { return };
        let Some(class) = attributes.get("className") else { return };
        for index in self.undefined.remove(id).unwrap_or_default() {
            case::define(&mut self.report.cases[index], class);
        }
    }

    /// Names of the suites around a test, but for those that its class or name repeats.
    fn suite_of(&self, case: &Case) -> String {
        let mut names: Vec<&str> = Vec::new();
        for open in &self.open {
            let Open::Suite(Suite { name: Some(name), .. }) = open else { continue };
            let is_repeated = [&case.class, &case.name].into_iter().any(|own| own.as_deref() == Some(name));
            if !is_repeated && names.last() != Some(&name.as_str()) {
                names.push(name);
            }
        }
        names.join("/")
    }

    fn message(&mut self, more: &str) {
        let bytes_max = self.limits.text_bytes_max;
        if let Some(Open::Message(text)) = self.open.last_mut().filter(|_| self.too_deep == 0) {
            let more = if text.is_empty() { more.trim_start() } else { more };
            push_within(text, more, bytes_max);
        }
    }

    fn end(&mut self) {
        if self.too_deep > 0 {
            self.too_deep -= 1;
            return;
        }
        match self.open.pop() {
            Some(Open::Message(text)) if !text.trim().is_empty() => {
                if let Some(Test { case, .. }) = self.test() {
                    case.message.get_or_insert_with(|| text.trim_end().to_owned());
                }
            }
            Some(Open::Test(test)) => self.keep(test),
            Some(Open::Suite(suite)) => self.count_suite(&suite),
            Some(Open::Message(_) | Open::Definition(_) | Open::Other) | None => {}
        }
    }

    fn keep(&mut self, test: Test) {
        if test.is_group {
            return;
        }
        let case = test.case;
        self.report.counts.add(&case.outcome);
        self.of_cases_ms = self.of_cases_ms.saturating_add(case.duration_ms.unwrap_or_default());
        if self.report.cases.len() >= self.limits.cases_max {
            self.only_counted += 1;
            return;
        }
        if let Some(id) = test.id {
            self.undefined.entry(id).or_default().push(self.report.cases.len());
        }
        self.report.cases.push(case);
    }

    fn count_suite(&mut self, suite: &Suite) {
        let only_counted = !suite.has_parts && suite.declared.total() > 0;
        if only_counted {
            self.report.counts.add_all(suite.declared);
            let name = suite.name.as_deref().unwrap_or_default();
            self.find(FindingKind::OnlyCounted, format!("suite `{name}` counts its tests and does not list them"));
        }
        self.report.suites += u64::from(only_counted || suite.cases > 0);
    }

    fn test(&mut self) -> Option<&mut Test> {
        self.open.iter_mut().rev().find_map(|open| if let Open::Test(test) = open { Some(test) } else { None })
    }

    fn innermost_suite(&mut self) -> Option<&mut Suite> {
        self.open.iter_mut().rev().find_map(|open| if let Open::Suite(suite) = open { Some(suite) } else { None })
    }

    fn find(&mut self, kind: FindingKind, message: String) {
        if self.report.findings.len() >= FINDINGS_MAX {
            return;
        }
        let (line, column) = place(self.text, self.at);
        self.report.findings.push(Finding { kind, line, column, message });
    }

    fn finish(mut self) -> Report {
        let is_cut = !self.open.is_empty();
        if is_cut && !self.report.findings.iter().any(|finding| finding.kind == FindingKind::Malformed) {
            self.at = self.text.len();
            self.find(FindingKind::Malformed, "ends before its elements do".to_owned());
        }
        if self.report.dialect.is_none() && self.report.findings.is_empty() {
            self.find(FindingKind::Malformed, "holds no element".to_owned());
        }
        while let Some(open) = self.open.pop() {
            // Of a test that is cut off only a bad end is known for sure.
            match open {
                Open::Test(test) if test.case.outcome > Outcome::Flaky => self.keep(test),
                Open::Suite(suite) => self.report.suites += u64::from(suite.cases > 0),
                Open::Test(_) | Open::Message(_) | Open::Definition(_) | Open::Other => {}
            }
        }
        if self.only_counted > 0 {
            let (kept, left_out) = (self.limits.cases_max, self.only_counted);
            self.find(FindingKind::Truncated, format!("{left_out} tests beyond the first {kept} are only counted"));
        }
        self.report.duration_ms = self.of_suites_ms.or((!self.report.cases.is_empty()).then_some(self.of_cases_ms));
        self.report
    }
}

/// What a suite says about its tests.
fn declared(attributes: &Attributes) -> Counts {
    let count = |name: &str| attributes.get(name).and_then(|text| text.parse::<u64>().ok()).unwrap_or_default();
    let (failed, errors) = (count("failures"), count("errors"));
    let skipped = count("skipped").saturating_add(count("disabled"));
    let bad = failed.saturating_add(errors).saturating_add(skipped);
    Counts { passed: count("tests").saturating_sub(bad), failed, errors, skipped, ..Counts::default() }
}

/// Text with its references resolved; as it stands where one is unknown.
fn unescaped(text: &str) -> std::borrow::Cow<'_, str> {
    quick_xml::escape::unescape(text).unwrap_or(std::borrow::Cow::Borrowed(text))
}

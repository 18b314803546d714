//! From `SonarQube`'s JSON to entities. Pure; an odd field is reported and left out, never the record.

use weir_sdk::address;
use weir_sdk::model::entity::{AttributeValue, Attributes, Custom, TestCase, TestResult};
use weir_sdk::prelude::*;
use weir_sdk::raw::Json;

use crate::requests::{Origin, analysis_key};

/// Kind of the entity of a project, with its measures.
const PROJECT: &str = "code-project";
/// Kind of the entity of a finding of a scanner.
const ISSUE: &str = "code-issue";
/// Kind of the entity of a place that somebody should look at.
const HOTSPOT: &str = "security-hotspot";

pub(crate) fn project(raw: &Raw<'_>) -> Outcome {
    let json = raw.json();
    let Some(key) = json.filled("/key") else { return raw.missing("/key") };
    let mut project = Custom::default()
        .title(json.filled("/name"))
        .url(page(raw, "dashboard", &[("id", &key)]))
        .at(json.instant("/analysisDate"));
    project.attributes = texts(&json, &[("visibility", "/visibility")]);
    put_list(&mut project.attributes, &json, "tags");
    Produced::default().with_custom(PROJECT, key, &project).into()
}

/// The measures of a project; a rating is a number from 1, the best, to 5.
pub(crate) fn measures(raw: &Raw<'_>) -> Outcome {
    let json = raw.json();
    let Some(key) = json.filled("/key") else { return raw.missing("/key") };
    let mut project = Custom::default();
    for measure in json.items("/measures") {
        let Some(metric) = measure.filled("/metric") else { continue };
        let Some(value) = measure.filled("/value") else { continue };
        project.attributes.insert(format!("sonar.{metric}"), number_or_text(value));
    }
    Produced::default().with_custom(PROJECT, key, &project).into()
}

fn number_or_text(text: String) -> AttributeValue {
    let whole = text.parse().ok().map(AttributeValue::Integer);
    let decimal = || text.parse().ok().filter(|number: &f64| number.is_finite()).map(AttributeValue::Decimal);
    whole.or_else(decimal).unwrap_or(AttributeValue::Text(text))
}

/// An analysis of the main branch: which commit was looked at, and when.
pub(crate) fn analysis(raw: &Raw<'_>) -> Outcome {
    let json = raw.json();
    let project = raw.context::<Origin>().and_then(|origin| origin.project);
    let Some(project) = project else { return raw.missing("/project") };
    let Some(at) = json.instant("/date") else { return raw.missing("/date") };
    let mut report = report(&project, &json, at);
    report.attributes.extend(texts(&json, &[("version", "/projectVersion"), ("detected_ci", "/detectedCI")]));
    Outcome::entity(analysis_key(&project, None, at), &report)
}

/// What the quality gate said, to an analysis that was polled or one that a webhook told of. Each condition is a test.
pub(crate) fn quality_gate(raw: &Raw<'_>) -> Outcome {
    let json = raw.json();
    let polled = raw.context::<Origin>().and_then(|origin| Some((origin.project?, origin.analysed_at?)));
    let told = || Some((json.filled("/project/key")?, json.instant("/analysedAt")?));
    let Some((project, at)) = polled.or_else(told) else { return raw.missing("/analysedAt") };
    let gate = if json.text("/projectStatus/status").is_some() { "/projectStatus" } else { "/qualityGate" };
    let Some(status) = json.filled(&format!("{gate}/status")) else { return raw.missing(gate) };
    let cases: Vec<_> =
        json.items(&format!("{gate}/conditions")).iter().filter_map(|one| condition(raw, one)).collect();
    let count = |wanted: &TestResult| u32::try_from(cases.iter().filter(|case| case.result == *wanted).count()).ok();
    let branch = branch(&json);
    let mut report = report(&project, &json, at)
        .passed(count(&TestResult::Passed))
        .failed(count(&TestResult::Failed))
        .skipped(count(&TestResult::Skipped))
        .cases(cases);
    report.attributes.insert("sonar.quality_gate".to_owned(), AttributeValue::Text(status));
    if let Some((kind, name)) = &branch {
        report.attributes.insert(format!("sonar.{kind}"), AttributeValue::Text(name.clone()));
    }
    let branch = branch.map(|(_, name)| name);
    Outcome::entity(analysis_key(&project, branch.as_deref(), at), &report)
}

fn report(project: &str, json: &Json<'_>, at: Timestamp) -> TestReport {
    let mut report = TestReport::default()
        .name(format!("{project} quality gate"))
        .commit(json.read::<ObjectId>("/revision"))
        .finished_at(at);
    report.attributes.insert("sonar.project".to_owned(), AttributeValue::Text(project.to_owned()));
    report
}

/// The branch or pull request a webhook tells of, when it is not the main branch.
fn branch(json: &Json<'_>) -> Option<(&'static str, String)> {
    let name = json.filled("/branch/name").filter(|_| json.flag("/branch/isMain") != Some(true))?;
    let is_pull = json.text("/branch/type").as_deref() == Some("PULL_REQUEST");
    Some((if is_pull { "pull_request" } else { "branch" }, name))
}

/// A condition of a gate; polls and webhooks name its parts differently.
fn condition(raw: &Raw<'_>, json: &Json<'_>) -> Option<TestCase> {
    let either = |one: &str, other: &str| json.filled(one).or_else(|| json.filled(other));
    let (name, status) = (either("/metricKey", "/metric")?, json.filled("/status")?);
    let result = match status.as_str() {
        "OK" => TestResult::Passed,
        "ERROR" => TestResult::Failed,
        "NO_VALUE" => TestResult::Skipped,
        other => {
            raw.report(DiagnosticKind::UnknownWord, "/conditions/status", other);
            TestResult::Unknown(other.to_owned())
        }
    };
    let parts = [either("/actualValue", "/value"), either("/comparator", "/operator"), json.filled("/errorThreshold")];
    let [actual, comparator, threshold] = parts;
    let broken = actual.zip(comparator).zip(threshold).filter(|_| result == TestResult::Failed);
    let message = broken.map(|((actual, comparator), threshold)| format!("{actual} {comparator} {threshold}"));
    Some(TestCase { name, result, duration: None, message })
}

/// A finding of a scanner.
pub(crate) fn issue(raw: &Raw<'_>) -> Outcome {
    let json = raw.json();
    let Some(key) = json.filled("/key") else { return raw.missing("/key") };
    let project = json.filled("/project").unwrap_or_default();
    let mut issue = Custom::default()
        .title(json.filled("/message"))
        .url(page(raw, "project/issues", &[("id", &project), ("open", &key)]))
        .at(json.instant("/creationDate"));
    issue.attributes = texts(&json, OF_ISSUE);
    put_list(&mut issue.attributes, &json, "tags");
    put(&mut issue.attributes, "line", json.read("/line").map(AttributeValue::Integer));
    put(&mut issue.attributes, "updated_at", instant(&json, "/updateDate"));
    put(&mut issue.attributes, "closed_at", instant(&json, "/closeDate"));
    let effort = json.filled("/effort").or_else(|| json.filled("/debt"));
    let minutes = effort.and_then(|text| {
        let minutes = minutes(&text);
        if minutes.is_none() {
            raw.report(DiagnosticKind::WrongType, "/effort", &text);
        }
        minutes
    });
    put(&mut issue.attributes, "effort_minutes", minutes.map(AttributeValue::Integer));
    Produced::default().with_custom(ISSUE, key, &issue).into()
}

/// Texts of an issue that become attributes.
const OF_ISSUE: &[(&str, &str)] = &[
    ("project", "/project"),
    ("component", "/component"),
    ("rule", "/rule"),
    ("type", "/type"),
    ("severity", "/severity"),
    ("status", "/status"),
    ("resolution", "/resolution"),
    ("scope", "/scope"),
    ("author", "/author"),
    ("assignee", "/assignee"),
    ("hash", "/hash"),
];

/// Minutes in "1d2h30min". A day of work has eight hours.
fn minutes(text: &str) -> Option<i64> {
    let mut rest = text.trim();
    let mut minutes: i64 = 0;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit())?;
        let number: i64 = rest[..digits].parse().ok()?;
        let unit = &rest[digits..];
        let (each, after) = [("min", 1), ("h", 60), ("d", 480)]
            .iter()
            .find_map(|(word, each)| unit.strip_prefix(word).map(|after| (*each, after)))?;
        minutes = minutes.checked_add(number.checked_mul(each)?)?;
        rest = after.trim_start();
    }
    (!text.trim().is_empty()).then_some(minutes)
}

/// A place in the code that somebody should look at.
pub(crate) fn hotspot(raw: &Raw<'_>) -> Outcome {
    let json = raw.json();
    let Some(key) = json.filled("/key") else { return raw.missing("/key") };
    let project = json.filled("/project").unwrap_or_default();
    let mut hotspot = Custom::default()
        .title(json.filled("/message"))
        .url(page(raw, "security_hotspots", &[("id", &project), ("hotspots", &key)]))
        .at(json.instant("/creationDate"));
    hotspot.attributes = texts(&json, OF_HOTSPOT);
    put(&mut hotspot.attributes, "line", json.read("/line").map(AttributeValue::Integer));
    put(&mut hotspot.attributes, "updated_at", instant(&json, "/updateDate"));
    Produced::default().with_custom(HOTSPOT, key, &hotspot).into()
}

/// Texts of a hotspot that become attributes.
const OF_HOTSPOT: &[(&str, &str)] = &[
    ("project", "/project"),
    ("component", "/component"),
    ("rule", "/ruleKey"),
    ("category", "/securityCategory"),
    ("probability", "/vulnerabilityProbability"),
    ("status", "/status"),
    ("resolution", "/resolution"),
    ("author", "/author"),
    ("assignee", "/assignee"),
];

pub(crate) fn user(raw: &Raw<'_>) -> Outcome {
    let json = raw.json();
    let Some(login) = json.filled("/login") else { return raw.missing("/login") };
    let person = Person::default()
        .name(json.filled("/name"))
        .emails(json.filled("/email").map(|email| email.to_lowercase()))
        .active(json.flag("/active"))
        .teams(list(&json, "/groups"))
        .login(login.clone());
    Outcome::entity(login, &person)
}

fn list(json: &Json<'_>, pointer: &str) -> Vec<String> {
    json.items(pointer).iter().filter_map(|item| item.filled("")).collect()
}

fn instant(json: &Json<'_>, pointer: &str) -> Option<AttributeValue> {
    json.instant(pointer).map(|at| AttributeValue::Text(at.to_string()))
}

fn texts(json: &Json<'_>, names: &[(&str, &str)]) -> Attributes {
    let mut attributes = Attributes::new();
    for (name, pointer) in names {
        put(&mut attributes, name, json.filled(pointer).map(AttributeValue::Text));
    }
    attributes
}

fn put(attributes: &mut Attributes, name: &str, value: Option<AttributeValue>) {
    attributes.extend(value.map(|value| (format!("sonar.{name}"), value)));
}

fn put_list(attributes: &mut Attributes, json: &Json<'_>, name: &str) {
    let list = list(json, &format!("/{name}"));
    put(attributes, name, Some(list).filter(|list| !list.is_empty()).map(AttributeValue::Texts));
}

/// A page for people on the server the record came from.
fn page(raw: &Raw<'_>, path: &str, query: &[(&str, &str)]) -> Option<String> {
    let site = raw.context::<Origin>()?.site;
    let query: Vec<_> = query.iter().map(|(name, value)| format!("{name}={}", address::encode(value))).collect();
    Some(format!("{}/{path}?{}", site.trim_end_matches('/'), query.join("&")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn efforts_are_minutes_of_working_days() {
        let cases = [("11min", Some(11)), ("6h1min", Some(361)), ("1d2h30min", Some(630)), ("2h 5min", Some(125))];
        for (text, expected) in cases {
            assert_eq!(minutes(text), expected, "{text}");
        }
        for odd in ["", "11", "min", "3w", "9999999999999999999min", "99999999999999999d"] {
            assert_eq!(minutes(odd), None, "{odd}");
        }
    }
}

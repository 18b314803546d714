//! A build.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::{IgnoredAny, SeqAccess};
use serde_json::Value;
use weir_sdk::field::Lenient;
use weir_sdk::model::entity::{AttributeValue, Checkout, Parameter, Trigger, TriggerKind};
use weir_sdk::prelude::*;
use weir_sdk::text;

use super::{ended, person};
use crate::context::{Context, SourceStamp};
use crate::settings::Settings;

/// A build.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct BuildJson<'a> {
    buildid: Field<u64>,
    number: Field<u64>,
    started_at: Instant,
    complete_at: Instant,
    complete: Field<bool>,
    results: Field<i64>,
    #[serde(borrow)]
    state_string: Text<'a>,
    properties: Nested<BTreeMap<String, Field<Property>>>,
}

/// Value of a property; Buildbot writes it in a list, with where it comes from behind it.
#[derive(Debug)]
struct Property(Value);

impl<'de> Lenient<'de> for Property {
    fn from_list<A: SeqAccess<'de>>(mut list: A) -> Result<Field<Self>, A::Error> {
        let value = list.next_element::<Value>()?;
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(value.map_or(Field::Unstated, |value| Field::Stated(Self(value))))
    }
}

/// The properties that are known of a build.
struct Properties(BTreeMap<String, Value>);

impl Properties {
    fn read(raw: &Raw<'_>, json: Nested<BTreeMap<String, Field<Property>>>) -> Self {
        let properties = raw.take("/properties", json).unwrap_or_default().0.into_iter();
        let read = |(name, value)| raw.take("/properties/value", value).map(|Property(value)| (name, value));
        Self(properties.filter_map(read).collect())
    }

    fn text(&self, name: &str) -> Option<String> {
        let text = match self.0.get(name)? {
            Value::String(text) => text.clone(),
            value @ (Value::Bool(_) | Value::Number(_)) => value.to_string(),
            Value::Null | Value::Array(_) | Value::Object(_) => return None,
        };
        Some(text).filter(|text| !text.is_empty())
    }

    /// The revision a step checked out; of several codebases one each.
    fn got_revision(&self, codebase: &str) -> Option<String> {
        match self.0.get("got_revision")? {
            Value::Object(revisions) => revisions.get(codebase).and_then(Value::as_str).map(str::to_owned),
            _ => self.text("got_revision"),
        }
    }
}

pub(crate) fn build(json: BuildJson<'_>, raw: &Raw<'_>, settings: &Settings) -> Outcome {
    let Some(id) = raw.take("/buildid", json.buildid) else { return raw.missing("/buildid") };
    let context: Context = raw.context().unwrap_or_default();
    let properties = Properties::read(raw, json.properties);
    let ended = ended(raw, json.complete, json.results);
    let started_at = raw.take("/started_at", json.started_at);
    let finished_at = raw.take("/complete_at", json.complete_at);
    let parameters = settings.parameters.iter().filter_map(|name| {
        let value = properties.text(name);
        properties.0.contains_key(name).then(|| Parameter { name: name.clone(), value, ..Parameter::default() })
    });
    let mut build = Build::default()
        .attempt(1)
        .system(context.system.clone())
        .job(Some(context.builder.clone()).filter(|builder| !builder.is_empty()))
        .number(raw.take("/number", json.number))
        .url(context.url.clone())
        .state(ended.state)
        .result(ended.result)
        .result_word(ended.word)
        .triggers(trigger(&context, properties.text("owner")))
        .parameters(parameters)
        .checkouts(context.sources.iter().filter_map(|source| checkout(source, &properties)))
        .change(context.sources.iter().find_map(change))
        .parent(context.parent.filter(|_| context.waited_for == Some(true)).map(reference))
        .worker(properties.text("workername"))
        .queued_at(context.submitted_at.and_then(|at| Timestamp::from_epoch(at).ok()))
        .started_at(started_at)
        .finished_at(finished_at)
        .duration(finished_at.zip(started_at).and_then(|(finished, started)| finished.since(started)));
    let state = raw.filled("/state_string", json.state_string).map(AttributeValue::Text);
    build.attributes.extend(state.map(|state| ("buildbot.state".to_owned(), state)));
    let tags = Some(context.tags).filter(|tags| !tags.is_empty()).map(AttributeValue::Texts);
    build.attributes.extend(tags.map(|tags| ("buildbot.tags".to_owned(), tags)));
    Outcome::entity(id.to_string(), &build)
}

fn reference(build: u64) -> Reference {
    Reference::Key(build.to_string())
}

fn checkout(source: &SourceStamp, properties: &Properties) -> Option<Checkout> {
    let codebase = source.codebase.as_deref().unwrap_or_default();
    let revision = properties.got_revision(codebase).or_else(|| source.revision.clone());
    let checkout = Checkout {
        repository: source
            .repository
            .as_deref()
            .filter(|url| !url.is_empty())
            .map(|url| Reference::Name(url.to_owned())),
        branch: source.branch.as_deref().filter(|branch| !branch.is_empty()).map(|branch| plain(branch).to_owned()),
        commit: revision.and_then(|revision| ObjectId::new(&revision)),
        ..Checkout::default()
    };
    Some(checkout).filter(|checkout| *checkout != Checkout::default())
}

fn plain(branch: &str) -> &str {
    ["refs/heads/", "refs/tags/"].iter().fold(branch, |branch, prefix| branch.strip_prefix(prefix).unwrap_or(branch))
}

/// The change request a source is of, as people write it: "acme/api#5".
fn change(source: &SourceStamp) -> Option<Reference> {
    let number = number_of_change(source.branch.as_deref()?)?;
    let repository = source.repository.as_deref()?;
    let path = match repository.split_once("://") {
        Some((_, rest)) => rest.split_once('/')?.1,
        None => repository.split_once(':')?.1,
    };
    let path = path.trim_matches('/');
    Some(Reference::Name(format!("{}#{number}", path.strip_suffix(".git").unwrap_or(path))))
}

/// 5 of "refs/pull/5/merge".
fn number_of_change(branch: &str) -> Option<u64> {
    branch.strip_prefix("refs/pull/")?.split('/').next()?.parse().ok()
}

/// Why a build ran. Buildbot says it in a sentence, whose form is known where its own schedulers write it.
fn trigger(context: &Context, owner: Option<String>) -> Option<Trigger> {
    let is_of_change = || context.sources.iter().any(|s| s.branch.as_deref().and_then(number_of_change).is_some());
    let reason = context.reason.as_deref().unwrap_or_default();
    let kind = match scheduler(reason) {
        _ if context.rebuilt.is_some() => TriggerKind::Rerun,
        _ if context.parent.is_some() => TriggerKind::Upstream,
        _ if owner.is_some() || reason.starts_with("A build was forced by") => TriggerKind::Manual,
        _ if is_of_change() => TriggerKind::Change,
        Some("Nightly" | "Periodic" | "NightlyTriggerable") => TriggerKind::Schedule,
        Some("Dependent" | "Triggerable") => TriggerKind::Upstream,
        Some("SingleBranchScheduler" | "AnyBranchScheduler" | "Scheduler") => TriggerKind::Push,
        Some(other) => TriggerKind::Unknown(other.to_owned()),
        None if reason.is_empty() => return None,
        None => TriggerKind::Unknown("reason".to_owned()),
    };
    let build = context.rebuilt.or(context.parent).map(reference);
    let person = owner.as_deref().and_then(person);
    Some(Trigger { kind, text: text::filled(Cow::Borrowed(reason)), person, build, led_to: None })
}

/// "Nightly" of "The Nightly scheduler named 'all' triggered this build".
fn scheduler(reason: &str) -> Option<&str> {
    reason.strip_prefix("The ")?.split_once(" scheduler named ").map(|(class, _)| class)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_are_read_where_buildbot_wrote_them() {
        let kind = |reason: &str, context: Context| {
            trigger(&Context { reason: Some(reason.to_owned()), ..context }, None).unwrap().kind.as_str().to_owned()
        };
        let of =
            |class: &str| kind(&format!("The {class} scheduler named 'x' triggered this build"), Context::default());
        assert_eq!(
            ["Nightly", "AnyBranchScheduler", "Dependent", "GitPollerish"].map(of),
            ["schedule", "push", "upstream", "GitPollerish"]
        );
        assert_eq!(kind("A build was forced by 'ana': because", Context::default()), "manual");
        assert_eq!(kind("", Context { parent: Some(4), ..Context::default() }), "upstream");
        assert_eq!(kind("", Context { rebuilt: Some(4), parent: Some(3), ..Context::default() }), "rerun");
        let source = SourceStamp {
            branch: Some("refs/pull/5/merge".to_owned()),
            repository: Some("https://github.com/acme/api.git".to_owned()),
            ..SourceStamp::default()
        };
        assert_eq!(change(&source), Some(Reference::Name("acme/api#5".to_owned())));
        assert_eq!(kind("odd", Context { sources: vec![source], ..Context::default() }), "change");
    }
}

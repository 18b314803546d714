//! An issue as search and webhooks give it, cut into records: itself, its custom fields, the entries of its lists.
//!
//! Only fields that were asked for get into a record, whatever the answer holds.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use weir_sdk::prelude::*;

use crate::settings::Settings;

/// Fields of Jira's own that are read of an issue.
const FIELDS: &[&str] = &[
    "assignee",
    "components",
    "created",
    "creator",
    "description",
    "duedate",
    "fixVersions",
    "issuelinks",
    "issuetype",
    "labels",
    "parent",
    "priority",
    "project",
    "reporter",
    "resolution",
    "resolutiondate",
    "status",
    "summary",
    "timeestimate",
    "timeoriginalestimate",
    "timespent",
    "updated",
];

/// Fields whose entries in the history hold long texts that nothing is made of.
const UNTOLD: &[&str] = &["comment", "description", "environment"];

/// Fields to ask for and to keep. The time of change is always among them, for the order of reading hangs on it.
pub(crate) fn fields(settings: &Settings) -> Vec<&'static str> {
    FIELDS.iter().copied().filter(|field| *field == "updated" || !settings.hides(&[field])).collect()
}

/// An issue, its fields uncut.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct Issue<'a> {
    #[serde(borrow)]
    pub(crate) id: Text<'a>,
    #[serde(borrow)]
    key: Option<&'a RawValue>,
    #[serde(rename = "self", borrow)]
    address: Option<&'a RawValue>,
    #[serde(borrow)]
    fields: BTreeMap<Cow<'a, str>, &'a RawValue>,
    #[serde(borrow)]
    pub(crate) changelog: Option<&'a RawValue>,
}

/// An issue with some of its fields.
#[derive(Serialize)]
struct Cut<'a> {
    id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<&'a RawValue>,
    #[serde(rename = "self", skip_serializing_if = "Option::is_none")]
    address: Option<&'a RawValue>,
    fields: BTreeMap<&'a str, &'a RawValue>,
}

impl<'a> Issue<'a> {
    /// When it last changed, in milliseconds.
    pub(crate) fn updated_ms(&self) -> Option<i64> {
        self.field::<Instant>("updated")?.ms()
    }

    /// A field as any type; none when it is not there or does not fit.
    pub(crate) fn field<T: Deserialize<'a>>(&self, name: &str) -> Option<T> {
        serde_json::from_str(self.fields.get(name)?.get()).ok()
    }

    /// The field as it came.
    pub(crate) fn raw_field(&self, name: &str) -> Option<&'a RawValue> {
        self.fields.get(name).copied()
    }

    /// The issue with these fields as a record. None when it has no id.
    pub(crate) fn record<'f>(&self, fields: impl IntoIterator<Item = &'f str>) -> Option<RawRecord> {
        let id = self.id.quietly()?;
        let kept = fields.into_iter().filter_map(|name| self.fields.get_key_value(name));
        let fields = kept.map(|(name, value)| (name.as_ref(), *value)).collect();
        let cut = Cut { id, key: self.key, address: self.address, fields };
        let payload = serde_json::to_vec(&cut).ok()?;
        Some(RawRecord::upsert(id.as_ref(), payload).version(self.updated_ms()))
    }
}

/// What an entry of a list does not say: the issue it lies under, and the classes of the statuses it names, by id.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Under<'a> {
    /// Id of the issue.
    #[serde(borrow)]
    pub(crate) issue: Cow<'a, str>,
    /// Keys of status categories by status id.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) statuses: BTreeMap<Cow<'a, str>, Cow<'a, str>>,
}

/// The list an issue has of something, or a page of it, under any of the names Jira gives such lists.
#[derive(Deserialize)]
pub(crate) struct Listed<'a> {
    #[serde(default, rename = "startAt")]
    pub(crate) start: Field<u64>,
    #[serde(default)]
    pub(crate) total: Field<u64>,
    #[serde(alias = "histories", alias = "values", alias = "worklogs", alias = "comments", borrow)]
    pub(crate) items: Vec<&'a RawValue>,
}

/// An entry of the history, its items uncut.
#[derive(Deserialize)]
struct History<'a> {
    #[serde(default, borrow)]
    id: Text<'a>,
    #[serde(default, borrow)]
    author: Option<&'a RawValue>,
    #[serde(default)]
    created: Instant,
    #[serde(default, borrow)]
    items: Vec<&'a RawValue>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Item<'a> {
    #[serde(borrow)]
    field: Text<'a>,
    #[serde(rename = "fieldId", borrow)]
    field_id: Text<'a>,
    #[serde(borrow)]
    from: Text<'a>,
    #[serde(borrow)]
    to: Text<'a>,
}

#[derive(Serialize)]
struct CutHistory<'a> {
    id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    author: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    created: Option<Timestamp>,
    items: Vec<&'a RawValue>,
}

/// An entry of the history of an issue as a record, without the items that must not or need not be stored.
/// `categories` are those of all known statuses, by id.
pub(crate) fn history(
    json: &RawValue,
    issue: &str,
    categories: &BTreeMap<String, String>,
    settings: &Settings,
) -> RawRecord {
    let unreadable = || RawRecord::unreadable(json.get());
    let Ok(history) = serde_json::from_str::<History<'_>>(json.get()) else { return unreadable() };
    let Some(id) = history.id.quietly() else { return unreadable() };
    let items = history.items.into_iter().map(|item| (item, serde_json::from_str(item.get()).unwrap_or_default()));
    let kept: Vec<(&RawValue, Item<'_>)> = items.filter(|(_, item)| is_told(item, settings)).collect();
    let statuses = kept.iter().filter(|(_, item)| text(&item.field) == "status");
    let ids = statuses.flat_map(|(_, item)| [text(&item.from), text(&item.to)]);
    let known = ids.filter_map(|id| Some((Cow::Borrowed(id), Cow::Borrowed(categories.get(id)?.as_str()))));
    let under = Under { issue: issue.into(), statuses: known.collect() };
    let created = history.created.quietly().copied();
    let items = kept.iter().map(|(item, _)| *item).collect();
    let cut = CutHistory { id, author: history.author, created, items };
    let Ok(payload) = serde_json::to_vec(&cut) else { return unreadable() };
    let version = created.map(Timestamp::ms);
    RawRecord::upsert(format!("{issue}/{id}"), payload).version(version).context(&under)
}

fn is_told(item: &Item<'_>, settings: &Settings) -> bool {
    let names = [text(&item.field), text(&item.field_id)];
    let untold = |name: &&str| UNTOLD.iter().any(|untold| untold.eq_ignore_ascii_case(name));
    !names.iter().any(untold) && !settings.hides(&names)
}

fn text<'s>(field: &'s Text<'_>) -> &'s str {
    field.quietly().map_or("", |text| text.as_ref())
}

/// Head of a worklog or a comment.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Head<'a> {
    #[serde(borrow)]
    id: Text<'a>,
    updated: Instant,
}

/// A worklog or comment of an issue as a record, without the fields named.
pub(crate) fn entry(json: &RawValue, issue: &str, left_out: &[&str]) -> RawRecord {
    let unreadable = || RawRecord::unreadable(json.get());
    let Ok(head) = serde_json::from_str::<Head<'_>>(json.get()) else { return unreadable() };
    let Ok(mut fields) = serde_json::from_str::<BTreeMap<Cow<'_, str>, &RawValue>>(json.get()) else {
        return unreadable();
    };
    let Some(id) = head.id.quietly() else { return unreadable() };
    fields.retain(|name, _| !left_out.contains(&name.as_ref()));
    let Ok(payload) = serde_json::to_vec(&fields) else { return unreadable() };
    let version = head.updated.ms();
    let under = Under { issue: issue.into(), statuses: BTreeMap::new() };
    RawRecord::upsert(id.as_ref(), payload).version(version).context(&under)
}

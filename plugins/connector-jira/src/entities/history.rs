//! Entries of the history of an issue: changes of status, and of the other fields that metrics go by.

use serde::Deserialize;
use weir_sdk::model::entity::{Edit, EditedField, Transition, WorkStatus};
use weir_sdk::prelude::*;

use super::{Account, category, person};
use crate::issue::Under;
use crate::settings::Settings;

/// An entry: what one person changed at one time.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct HistoryJson<'a> {
    #[serde(borrow)]
    id: Text<'a>,
    #[serde(borrow)]
    author: Nested<Account<'a>>,
    created: Instant,
    #[serde(borrow)]
    items: List<Object<ItemJson<'a>>>,
}

/// A field that was changed: ids in `from` and `to`, what people see in the others.
#[derive(Default, Deserialize)]
#[serde(default)]
struct ItemJson<'a> {
    #[serde(borrow)]
    field: Text<'a>,
    #[serde(borrow)]
    from: Text<'a>,
    #[serde(rename = "fromString", borrow)]
    from_shown: Text<'a>,
    #[serde(borrow)]
    to: Text<'a>,
    #[serde(rename = "toString", borrow)]
    to_shown: Text<'a>,
}

/// An item with its texts taken.
struct Item {
    field: String,
    from: Option<String>,
    from_shown: Option<String>,
    to: Option<String>,
    to_shown: Option<String>,
}

pub(crate) fn history(json: HistoryJson<'_>, settings: &Settings, raw: &Raw<'_>) -> Outcome {
    let Some(under) = raw.context::<Under<'_>>() else { return raw.missing("") };
    let Some(id) = raw.filled("/id", json.id) else { return raw.missing("/id") };
    let Some(at) = raw.take("/created", json.created) else { return raw.missing("/created") };
    let entry = Entry { id, at, author: person(raw, "/author", json.author), under, settings, raw };
    let items = raw.list("/items", json.items).into_iter().map(|item| Item::take(item.0, raw));
    let (statuses, others): (Vec<Item>, Vec<Item>) = items.partition(|item| item.field == "status");
    let transitions: Vec<_> = statuses.into_iter().filter_map(|item| entry.transition(item)).collect();
    let edits: Vec<_> = others.into_iter().enumerate().filter_map(|(index, item)| entry.edit(index, item)).collect();
    if transitions.is_empty() && edits.is_empty() {
        return Outcome::ignored("jira.history.other");
    }
    Outcome::entity(entry.under.issue.as_ref(), &WorkItem::default().transitions(transitions).edits(edits))
}

impl Item {
    fn take(json: ItemJson<'_>, raw: &Raw<'_>) -> Self {
        Self {
            field: raw.filled("/items/field", json.field).unwrap_or_default(),
            from: raw.filled("/items/from", json.from),
            from_shown: raw.filled("/items/fromString", json.from_shown),
            to: raw.filled("/items/to", json.to),
            to_shown: raw.filled("/items/toString", json.to_shown),
        }
    }
}

/// What all items of an entry have in common.
struct Entry<'a> {
    id: String,
    at: Timestamp,
    author: Option<Reference>,
    under: Under<'a>,
    settings: &'a Settings,
    raw: &'a Raw<'a>,
}

impl Entry<'_> {
    fn transition(&self, item: Item) -> Option<Transition> {
        let Some(after) = self.status(item.to, item.to_shown) else {
            self.raw.report(DiagnosticKind::Missing, "/items/toString", "");
            return None;
        };
        let before = self.status(item.from, item.from_shown);
        Some(Transition { id: Some(self.id.clone()), at: self.at, author: self.author.clone(), before, after })
    }

    /// Its name then, its class now: Jira's history knows no classes.
    fn status(&self, id: Option<String>, name: Option<String>) -> Option<WorkStatus> {
        let (id, name) = (id.unwrap_or_default(), name?);
        let of_jira = || category(self.raw, "/items/to", self.under.statuses.get(id.as_str())?);
        Some(WorkStatus { category: self.settings.category(&id, &name).or_else(of_jira), name })
    }

    /// One entry may change a field several times over, as when versions are added; the index tells them apart.
    fn edit(&self, index: usize, item: Item) -> Option<Edit> {
        let field = edited(&item.field, self.settings)?;
        let (before, after) = match field {
            EditedField::Assignee | EditedField::Sprint => (item.from, item.to),
            _ => (item.from_shown, item.to_shown),
        };
        let id = Some(format!("{}/{index}", self.id));
        Some(Edit { id, at: self.at, author: self.author.clone(), field, before, after })
    }
}

/// The field an item is about, by its name in the history; only names in English are there to go by.
fn edited(name: &str, settings: &Settings) -> Option<EditedField> {
    if settings.story_points.as_ref().is_some_and(|points| points.eq_ignore_ascii_case(name)) {
        return Some(EditedField::Estimate);
    }
    Some(match name.to_lowercase().as_str() {
        "assignee" => EditedField::Assignee,
        "sprint" => EditedField::Sprint,
        "story points" | "story point estimate" => EditedField::Estimate,
        // Seconds, which must not count as points.
        "timeoriginalestimate" => EditedField::Unknown("original-estimate".to_owned()),
        "priority" => EditedField::Priority,
        "issuetype" => EditedField::Kind,
        "fix version" => EditedField::FixVersion,
        "parent" | "epic link" | "issueparentassociation" => EditedField::Parent,
        _ => return None,
    })
}

//! What is read of every issue: one search for each part, so that a webhook replaces no more than it brings.

use std::collections::BTreeSet;

use weir_sdk::http::Call;
use weir_sdk::prelude::*;

use super::site::{Deployment, Site};
use crate::issue::{self, Issue, Listed};
use crate::settings::Settings;

/// A part of issues; each is a dataset.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    /// The issue with Jira's own fields.
    Issues,
    /// Fields whose meaning only this Jira knows.
    CustomFields,
    /// Entries of the history.
    Changelogs,
    /// Time booked.
    Worklogs,
    /// Comments.
    Comments,
}

/// Entries of a list that are taken from the issue itself; longer lists are read on their own, so that one page stays
/// within what a page may hold.
const ENTRIES_MAX: usize = 100;
/// Entries of one page of a list.
pub(super) const ENTRIES_PAGE: usize = 1_000;

/// The records an issue gives, or that its list must be read on its own.
pub(super) enum Taken {
    Whole(Vec<RawRecord>),
    InPart,
}

impl Part {
    /// The part a dataset holds.
    pub(super) fn of(dataset: &str) -> Option<Self> {
        Some(match dataset {
            "issues" => Self::Issues,
            "custom-fields" => Self::CustomFields,
            "changelogs" => Self::Changelogs,
            "worklogs" => Self::Worklogs,
            "comments" => Self::Comments,
            _ => return None,
        })
    }

    /// Issues of one page.
    pub(super) fn page_size(self) -> &'static str {
        match self {
            Self::Issues | Self::CustomFields => "100",
            Self::Changelogs | Self::Worklogs | Self::Comments => "50",
        }
    }

    /// Asks for the fields of the part.
    pub(super) fn ask<'c>(self, call: Call<'c>, site: &Site, settings: &Settings) -> Call<'c> {
        let fields = match self {
            Self::Issues => issue::fields(settings),
            Self::CustomFields => [vec!["updated"], site.roles.fields()].concat(),
            Self::Changelogs => return call.query("fields", "updated").query("expand", "changelog"),
            Self::Worklogs => vec!["updated", "worklog"],
            Self::Comments => vec!["updated", "comment"],
        };
        call.query("fields", fields.join(","))
    }

    /// The records of an issue that was found.
    pub(super) fn take(self, issue: &Issue<'_>, id: &str, site: &Site, settings: &Settings) -> Taken {
        let record = match self {
            Self::Issues => issue.record(issue::fields(settings)),
            Self::CustomFields => issue.record(site.roles.fields()).map(|record| record.context(&site.roles)),
            Self::Changelogs | Self::Worklogs | Self::Comments => return self.take_list(issue, id, site, settings),
        };
        Taken::Whole(record.into_iter().collect())
    }

    fn take_list(self, issue: &Issue<'_>, id: &str, site: &Site, settings: &Settings) -> Taken {
        let listed = match self {
            Self::Changelogs => issue.changelog,
            // Where time tracking is off, issues have no such field.
            Self::Worklogs => match issue.raw_field("worklog") {
                None => return Taken::Whole(Vec::new()),
                listed => listed,
            },
            _ => issue.raw_field("comment"),
        };
        let Some(listed) = listed.and_then(|json| serde_json::from_str::<Listed<'_>>(json.get()).ok()) else {
            return Taken::InPart;
        };
        if listed.items.len() > ENTRIES_MAX {
            return Taken::InPart;
        }
        let records = self.records(&listed, 0, id, site, settings);
        let is_whole = listed.total.quietly().is_some_and(|total| count(&records) >= *total);
        if is_whole { Taken::Whole(records) } else { Taken::InPart }
    }

    /// The records of a list from its element `skip` on, at most a page of them, each once.
    pub(super) fn records(
        self,
        listed: &Listed<'_>,
        skip: usize,
        id: &str,
        site: &Site,
        settings: &Settings,
    ) -> Vec<RawRecord> {
        let items = listed.items.iter().skip(skip).take(ENTRIES_PAGE);
        let mut records: Vec<_> = match self {
            Self::Changelogs => items.map(|item| issue::history(item, id, &site.categories, settings)).collect(),
            // Texts of worklogs are nobody's business here.
            Self::Worklogs => items.map(|item| issue::entry(item, id, &["comment"])).collect(),
            _ => items.map(|item| issue::entry(item, id, &[])).collect(),
        };
        let mut keys = BTreeSet::new();
        records.retain(|record| keys.insert(record.key.clone()));
        records
    }

    /// Path of the list of one issue. Server has no address for a history alone; there it comes with its issue.
    pub(super) fn list_path(self, deployment: Deployment, id: &str) -> String {
        let below = match (self, deployment) {
            (Self::Changelogs, Deployment::Server) => String::new(),
            (Self::Changelogs, Deployment::Cloud) => "/changelog".to_owned(),
            (Self::Worklogs, _) => "/worklog".to_owned(),
            _ => "/comment".to_owned(),
        };
        format!("{}/issue/{}{below}", deployment.api(), weir_sdk::address::encode(id))
    }
}

/// How many records there are, in the type Jira counts in here.
pub(super) fn count(records: &[RawRecord]) -> u64 {
    u64::try_from(records.len()).unwrap_or(u64::MAX)
}

//! Webhooks: each delivery becomes the records that a poll would bring, with the same keys, or says why not.
//!
//! An issue comes with one entry of its history. Custom fields come too, but which is which only a poll can ask; so a
//! delivery leaves their records as they are and asks for a poll.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use weir_sdk::prelude::*;
use weir_sdk::webhook::Event;

use crate::issue::{self, Issue};
use crate::settings::Settings;

/// The parts of a delivery that matter, uncut.
#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(default, rename = "webhookEvent")]
    event: Field<String>,
    #[serde(default)]
    timestamp: Instant,
    #[serde(default, borrow)]
    issue: Option<&'a RawValue>,
    #[serde(default, borrow)]
    changelog: Option<&'a RawValue>,
    #[serde(default, borrow)]
    user: Option<&'a RawValue>,
    #[serde(default, borrow)]
    comment: Option<&'a RawValue>,
    #[serde(default, borrow)]
    worklog: Option<&'a RawValue>,
    #[serde(default, borrow)]
    sprint: Option<&'a RawValue>,
    #[serde(default, borrow)]
    project: Option<&'a RawValue>,
}

/// What is polled after an issue changed.
const OF_ISSUES: &[&str] = &["issues", "custom-fields", "changelogs"];

pub(crate) fn decode(settings: &Settings, delivery: &Delivery) -> Result<Decoded, Failure> {
    let accepted =
        Accepted { id: delivery.header("x-atlassian-webhook-identifier").map(str::to_owned), ..Accepted::default() };
    if delivery.body.trim_ascii().is_empty() {
        // Set up to leave out the body: something changed, and a poll will tell what.
        return Ok(poll(accepted, settings, OF_ISSUES).into());
    }
    let unnamed = Event { tool: "jira", name: "" };
    let body = delivery.json(unnamed)?;
    let envelope: Envelope<'_> = unnamed.read(&body)?;
    let event = Event { name: envelope.event.quietly().map_or("", String::as_str), ..unnamed };
    Received { event, envelope: &envelope, settings }.records(accepted)
}

/// Asks for polls of those datasets that are read.
fn poll(accepted: Accepted, settings: &Settings, datasets: &[&str]) -> Accepted {
    datasets.iter().filter(|name| settings.reads(name)).fold(accepted, |accepted, name| accepted.refresh(name))
}

struct Received<'a> {
    event: Event<'a>,
    envelope: &'a Envelope<'a>,
    settings: &'a Settings,
}

impl<'a> Received<'a> {
    fn records(&self, accepted: Accepted) -> Result<Decoded, Failure> {
        let envelope = self.envelope;
        let decoded = match self.event.name {
            "jira:issue_created" | "jira:issue_updated" => return self.issue(accepted),
            "jira:issue_deleted" => return self.issue_deleted(accepted),
            "issuelink_created" | "issuelink_deleted" => poll(accepted, self.settings, OF_ISSUES),
            "comment_created" | "comment_updated" => return self.entry(accepted, "comments", envelope.comment, &[]),
            "worklog_created" | "worklog_updated" => {
                return self.entry(accepted, "worklogs", envelope.worklog, &["comment"]);
            }
            "comment_deleted" => self.gone(accepted, "comments", envelope.comment)?,
            "worklog_deleted" => self.gone(accepted, "worklogs", envelope.worklog)?,
            "sprint_created" | "sprint_updated" | "sprint_started" | "sprint_closed" => self.sprint(accepted)?,
            "sprint_deleted" => accepted.with("sprints", vec![RawRecord::delete(self.sprint_key()?)]),
            "project_created" | "project_updated" => return self.project(accepted),
            "project_deleted" | "project_soft_deleted" => self.gone(accepted, "projects", envelope.project)?,
            "user_created" | "user_updated" => self.user(accepted)?,
            "user_deleted" => accepted.with("users", vec![RawRecord::delete(self.user_key()?)]),
            "board_created" | "board_updated" | "board_deleted" => poll(accepted, self.settings, &["boards"]),
            "" => return Err(self.event.incomplete("webhookEvent")),
            _ => return Ok(self.event.ignored()),
        };
        Ok(decoded.into())
    }

    /// An issue as it is now, and the entry of its history. Whether it meets a condition in JQL only Jira can say.
    fn issue(&self, accepted: Accepted) -> Result<Decoded, Failure> {
        let issue = self.read_issue()?;
        if !self.chooses(&issue) {
            return Ok(Decoded::ignored("jira.project.not-chosen"));
        }
        if self.settings.jql.is_some() {
            return Ok(poll(accepted, self.settings, OF_ISSUES).into());
        }
        let record = issue.record(issue::fields(self.settings)).ok_or_else(|| self.event.incomplete("issue.id"))?;
        let history = self.history(&issue, &record.key)?;
        let accepted = self.with(accepted, "issues", vec![record]);
        let accepted = self.with(accepted, "changelogs", history.into_iter().collect());
        Ok(poll(accepted, self.settings, OF_ISSUES).into())
    }

    /// Adds records of a dataset that is read.
    fn with(&self, accepted: Accepted, dataset: &str, records: Vec<RawRecord>) -> Accepted {
        if self.settings.reads(dataset) && !records.is_empty() { accepted.with(dataset, records) } else { accepted }
    }

    fn read_issue(&self) -> Result<Issue<'a>, Failure> {
        let json = self.envelope.issue.ok_or_else(|| self.event.incomplete("issue"))?;
        self.event.read(json.get())
    }

    fn chooses(&self, issue: &Issue<'_>) -> bool {
        #[derive(Default, Deserialize)]
        #[serde(default)]
        struct Project {
            key: Field<String>,
        }
        let project = issue.field::<Project>("project").unwrap_or_default().key;
        self.settings.projects.is_empty() || project.quietly().is_some_and(|key| self.settings.chooses(key))
    }

    /// The entry of the history, as a poll has it. The delivery says neither who nor when in it, but beside it, and the
    /// time is that of sending; so its version is the lowest, and what a poll brings takes its place.
    fn history(&self, issue: &Issue<'_>, id: &str) -> Result<Option<RawRecord>, Failure> {
        #[derive(Deserialize)]
        struct Change<'a> {
            #[serde(borrow)]
            id: &'a RawValue,
            #[serde(borrow)]
            items: &'a RawValue,
        }
        #[derive(Serialize)]
        struct Entry<'a> {
            id: &'a RawValue,
            author: Option<&'a RawValue>,
            created: Option<Timestamp>,
            items: &'a RawValue,
        }
        let Some(json) = self.envelope.changelog else { return Ok(None) };
        let unreadable = |_| self.event.incomplete("changelog.id");
        let change: Change<'_> = serde_json::from_str(json.get()).map_err(unreadable)?;
        let sent_at = self.envelope.timestamp.ms();
        let created = issue.updated_ms().or(sent_at).map(Timestamp::from_ms);
        let entry = Entry { id: change.id, author: self.envelope.user, created, items: change.items };
        let entry = serde_json::value::to_raw_value(&entry).map_err(unreadable)?;
        Ok(Some(issue::history(&entry, id, &category_now(issue), self.settings).version(0)))
    }

    /// Takes back an issue and what lies beside it; entries of its history, which nobody names, go with the next full
    /// pass.
    fn issue_deleted(&self, accepted: Accepted) -> Result<Decoded, Failure> {
        let issue = self.read_issue()?;
        let id = issue.id.quietly().ok_or_else(|| self.event.incomplete("issue.id"))?;
        let gone = || vec![RawRecord::delete(id.as_ref())];
        Ok(accepted.with("issues", gone()).with("custom-fields", gone()).into())
    }

    /// A comment comes with its issue, a worklog with the id of it.
    fn entry(
        &self,
        accepted: Accepted,
        dataset: &str,
        json: Option<&RawValue>,
        left_out: &[&str],
    ) -> Result<Decoded, Failure> {
        #[derive(Deserialize)]
        struct OfIssue {
            #[serde(default, rename = "issueId")]
            issue: Field<String>,
        }
        if !self.settings.reads(dataset) {
            return Ok(Decoded::ignored(format!("jira.dataset.{dataset}")));
        }
        let json = json.ok_or_else(|| self.event.incomplete(dataset))?;
        let issue = self.envelope.issue.map(|_| self.read_issue()).transpose()?;
        if issue.as_ref().is_some_and(|issue| !self.chooses(issue)) {
            return Ok(Decoded::ignored("jira.project.not-chosen"));
        }
        if self.settings.jql.is_some() || (issue.is_none() && !self.settings.projects.is_empty()) {
            return Ok(poll(accepted, self.settings, &[dataset]).into());
        }
        let named = serde_json::from_str::<OfIssue>(json.get()).ok().and_then(|it| it.issue.quietly().cloned());
        let id = issue.and_then(|issue| issue.id.quietly().map(ToString::to_string)).or(named);
        let id = id.ok_or_else(|| self.event.incomplete("issue.id"))?;
        Ok(accepted.with(dataset, vec![issue::entry(json, &id, left_out)]).into())
    }

    fn gone(&self, accepted: Accepted, dataset: &str, json: Option<&RawValue>) -> Result<Accepted, Failure> {
        Ok(accepted.with(dataset, vec![RawRecord::delete(self.head(json, dataset)?.key(dataset, self)?)]))
    }

    fn sprint(&self, accepted: Accepted) -> Result<Accepted, Failure> {
        let key = self.sprint_key()?;
        let json = self.envelope.sprint.ok_or_else(|| self.event.incomplete("sprint"))?;
        Ok(self.with(accepted, "sprints", vec![RawRecord::upsert(key, json.get())]))
    }

    /// Key of the record under the board it was made on.
    fn sprint_key(&self) -> Result<String, Failure> {
        let head = self.head(self.envelope.sprint, "sprint")?;
        let board = head.board.quietly().ok_or_else(|| self.event.incomplete("sprint.originBoardId"))?;
        Ok(format!("{board}/{}", head.key("sprint", self)?))
    }

    fn project(&self, accepted: Accepted) -> Result<Decoded, Failure> {
        let head = self.head(self.envelope.project, "project")?;
        if head.project.quietly().is_some_and(|key| !self.settings.chooses(key)) {
            return Ok(Decoded::ignored("jira.project.not-chosen"));
        }
        let json = self.envelope.project.map_or("", RawValue::get);
        Ok(self.with(accepted, "projects", vec![RawRecord::upsert(head.key("project", self)?, json)]).into())
    }

    fn user(&self, accepted: Accepted) -> Result<Accepted, Failure> {
        let json = self.envelope.user.map_or("", RawValue::get);
        Ok(self.with(accepted, "users", vec![RawRecord::upsert(self.user_key()?, json)]))
    }

    fn user_key(&self) -> Result<String, Failure> {
        let head = self.head(self.envelope.user, "user")?;
        let key = head.account_id.quietly().or(head.project.quietly());
        key.cloned().ok_or_else(|| self.event.incomplete("user.accountId"))
    }

    fn head(&self, json: Option<&RawValue>, part: &str) -> Result<Head, Failure> {
        let json = json.ok_or_else(|| self.event.incomplete(part))?;
        serde_json::from_str(json.get()).map_err(|_| self.event.incomplete(part))
    }
}

/// What names a thing.
#[derive(Deserialize)]
struct Head {
    #[serde(default)]
    id: Field<String>,
    #[serde(default, rename = "key")]
    project: Field<String>,
    #[serde(default, rename = "accountId")]
    account_id: Field<String>,
    #[serde(default, rename = "originBoardId")]
    board: Field<String>,
}

impl Head {
    fn key(&self, part: &str, received: &Received<'_>) -> Result<String, Failure> {
        self.id.quietly().cloned().ok_or_else(|| received.event.incomplete(&format!("{part}.id")))
    }
}

/// The category of the status the issue has now; of the one before, a delivery says nothing.
fn category_now(issue: &Issue<'_>) -> BTreeMap<String, String> {
    #[derive(Default, Deserialize)]
    #[serde(default)]
    struct Status {
        id: Field<String>,
        #[serde(rename = "statusCategory")]
        category: Nested<Category>,
    }
    #[derive(Default, Deserialize)]
    #[serde(default)]
    struct Category {
        key: Field<String>,
    }
    let status = issue.field::<Status>("status").unwrap_or_default();
    let key = status.category.inner().and_then(|category| category.key.quietly());
    status.id.quietly().cloned().zip(key.cloned()).into_iter().collect()
}

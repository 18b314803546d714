//! Issues, among which GitHub counts pull requests, their comments and events.

use serde_json::{Value, json};

use super::pulls::{merge, reactions};
use super::{Answer, Query, Shapes, node};
use crate::company::{Issue, Pull, Repository};
use crate::time::iso;

/// What `/issues` lists.
#[derive(Clone, Copy)]
enum Entry<'a> {
    Issue(&'a Issue),
    Pull(&'a Pull),
}

/// Something that happened to an issue or pull request, as its timeline tells it.
struct Occurrence<'a> {
    number: u64,
    event: &'static str,
    at: i64,
    by: crate::company::PersonRef,
    commit: Option<&'a str>,
}

impl Entry<'_> {
    fn number(self) -> u64 {
        match self {
            Self::Issue(issue) => issue.number,
            Self::Pull(pull) => pull.number,
        }
    }

    fn updated_at(self) -> i64 {
        match self {
            Self::Issue(issue) => issue.updated_at,
            Self::Pull(pull) => pull.updated_at,
        }
    }

    fn is_open(self) -> bool {
        match self {
            Self::Issue(issue) => issue.closed_at.is_none(),
            Self::Pull(pull) => pull.is_open(),
        }
    }

    fn labels(&self) -> &[&'static str] {
        match self {
            Self::Issue(issue) => &issue.labels,
            Self::Pull(pull) => &pull.labels,
        }
    }
}

impl Repository {
    fn entries(&self) -> Vec<Entry<'_>> {
        let pulls = self.pulls.values().map(Entry::Pull);
        let mut entries: Vec<_> = self.issues.values().map(Entry::Issue).chain(pulls).collect();
        entries.sort_by_key(|entry| entry.number());
        entries
    }

    pub(super) fn open_count(&self) -> usize {
        self.entries().iter().filter(|entry| entry.is_open()).count()
    }

    fn occurrences(&self) -> Vec<Occurrence<'_>> {
        let mut all = Vec::new();
        for pull in self.pulls.values() {
            let mut add = |event, at, by, commit| all.push(Occurrence { number: pull.number, event, at, by, commit });
            if let Some(at) = pull.ready_at {
                add("ready_for_review", at, pull.author, None);
            }
            if let Some(merged) = pull.merged {
                add("merged", merged.at, merged.by, Some(self.commit(merged.commit).sha.as_str()));
            }
            if let Some(at) = pull.closed_at {
                add("closed", at, pull.merged.map_or(pull.author, |merged| merged.by), None);
            }
        }
        for issue in self.issues.values() {
            let mut add = |event, at, by| {
                all.push(Occurrence { number: issue.number, event, at, by, commit: None });
            };
            add("labeled", issue.created_at, issue.author);
            if let (Some(at), Some(by)) = (issue.closed_at, issue.closed_by) {
                add("closed", at, by);
            }
        }
        all.sort_by_key(|occurrence| (occurrence.at, occurrence.number));
        all
    }
}

impl Shapes<'_> {
    pub(super) fn answer_issues(&self, rest: &[&str], query: &Query) -> Answer {
        match rest {
            [] => self.list_issues(query),
            ["comments"] => self.list_comments(query, None, false),
            ["events"] => self.list_events(query, None),
            [number, rest @ ..] => {
                let Some(number) = number.parse().ok() else { return Answer::not_found() };
                match rest {
                    [] => {
                        let entry = self.repository.entries().into_iter().find(|entry| entry.number() == number);
                        Answer::found(entry.map(|entry| self.entry(entry)))
                    }
                    ["comments"] => self.list_comments(query, Some(number), false),
                    ["events" | "timeline"] => self.list_events(query, Some(number)),
                    _ => Answer::not_found(),
                }
            }
        }
    }

    fn list_issues(&self, query: &Query) -> Answer {
        let mut entries = self.repository.entries();
        entries.retain(|entry| match query.get("state") {
            Some("all") => true,
            Some("closed") => !entry.is_open(),
            _ => entry.is_open(),
        });
        entries.retain(|entry| query.instant("since").is_none_or(|since| entry.updated_at() >= since));
        if let Some(labels) = query.get("labels") {
            entries.retain(|entry| labels.split(',').all(|label| entry.labels().contains(&label)));
        }
        if query.get("sort") == Some("updated") {
            entries.sort_by_key(|entry| (entry.updated_at(), entry.number()));
        }
        if !query.ascending(false) {
            entries.reverse();
        }
        query.list(&entries, |&entry| self.entry(entry))
    }

    fn entry(&self, entry: Entry<'_>) -> Value {
        match entry {
            Entry::Issue(issue) => self.issue(issue),
            Entry::Pull(pull) => self.pull_as_issue(pull),
        }
    }

    pub(super) fn issue(&self, issue: &Issue) -> Value {
        let assignees: Vec<_> = issue.assignee.iter().map(|&person| self.user(person)).collect();
        let mut shape = self.issue_frame(issue.number, &issue.labels, "issues");
        merge(
            &mut shape,
            json!({
                "id": issue.id, "node_id": node("I", issue.id), "title": issue.title, "user": self.user(issue.author),
                "state": if issue.closed_at.is_some() { "closed" } else { "open" },
                "assignee": assignees.first(), "assignees": assignees, "created_at": iso(issue.created_at),
                "updated_at": iso(issue.updated_at), "closed_at": issue.closed_at.map(iso), "body": issue.body,
                "closed_by": issue.closed_by.map(|person| self.user(person)),
                "state_reason": issue.closed_at.map(|_| "completed"),
            }),
        );
        shape
    }

    fn pull_as_issue(&self, pull: &Pull) -> Value {
        let html = format!("{}/pull/{}", self.html, pull.number);
        let closed_by = pull.closed_at.map(|_| self.user(pull.merged.map_or(pull.author, |merged| merged.by)));
        let mut shape = self.issue_frame(pull.number, &pull.labels, "pull");
        merge(
            &mut shape,
            json!({
                "id": pull.id + 1, "node_id": node("PR", pull.id), "title": pull.title, "user": self.user(pull.author),
                "state": if pull.is_open() { "open" } else { "closed" }, "assignee": null, "assignees": [],
                "created_at": iso(pull.created_at), "updated_at": iso(pull.updated_at),
                "closed_at": pull.closed_at.map(iso), "body": pull.body, "closed_by": closed_by, "state_reason": null,
                "draft": pull.draft,
                "pull_request": {
                    "url": format!("{}/pulls/{}", self.api, pull.number), "html_url": html,
                    "diff_url": format!("{html}.diff"), "patch_url": format!("{html}.patch"),
                    "merged_at": pull.merged.map(|merged| iso(merged.at)),
                },
            }),
        );
        shape
    }

    /// What issues and pull requests share in this list.
    fn issue_frame(&self, number: u64, labels: &[&str], page: &str) -> Value {
        let api = format!("{}/issues/{number}", self.api);
        let labels: Vec<_> = labels.iter().map(|name| self.label(name)).collect();
        json!({
            "url": api, "repository_url": self.api, "labels_url": format!("{api}/labels{{/name}}"),
            "comments_url": format!("{api}/comments"), "events_url": format!("{api}/events"),
            "html_url": format!("{}/{page}/{number}", self.html), "number": number, "labels": labels, "locked": false,
            "milestone": null, "comments": self.comments_of(Some(number), false).len(), "author_association": "MEMBER",
            "type": null, "active_lock_reason": null, "sub_issues_summary": {"total": 0, "completed": 0, "percent_completed": 0},
            "reactions": reactions(&self.api, number), "timeline_url": format!("{api}/timeline"),
            "performed_via_github_app": null,
        })
    }

    pub(super) fn label(&self, name: &str) -> Value {
        let id = 5_500_000_000 + name.bytes().map(u64::from).sum::<u64>();
        let color = if name == "incident" { "b60205" } else { "a2eeef" };
        json!({
            "id": id, "node_id": node("LA", id), "url": format!("{}/labels/{name}", self.api), "name": name,
            "color": color, "default": matches!(name, "bug" | "enhancement" | "question"), "description": "",
        })
    }

    fn list_events(&self, query: &Query, number: Option<u64>) -> Answer {
        let mut events = self.repository.occurrences();
        events.retain(|event| number.is_none_or(|number| number == event.number));
        if number.is_none() {
            events.reverse();
        }
        query.list(&events, |event| {
            let id = event.number * 100_000_000 + event.at.unsigned_abs() / 1_000 % 100_000_000;
            json!({
                "id": id, "node_id": node("EV", id), "url": format!("{}/issues/events/{id}", self.api),
                "actor": self.user(event.by), "event": event.event, "commit_id": event.commit, "commit_url": null,
                "created_at": iso(event.at), "performed_via_github_app": null, "issue": {"number": event.number},
            })
        })
    }
}

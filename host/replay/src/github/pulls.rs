//! Pull requests, their reviews and the remarks at lines.

use std::cmp::Reverse;

use serde_json::{Value, json};

use super::{Answer, Query, Shapes, link, node};
use crate::company::{Comment, CommitRef, Pull, Review, Verdict};
use crate::time::iso;

impl Shapes<'_> {
    pub(super) fn answer_pulls(&self, rest: &[&str], query: &Query) -> Answer {
        match rest {
            [] => self.list_pulls(query),
            ["comments"] => self.list_comments(query, None, true),
            [number, rest @ ..] => {
                let pull = number.parse().ok().and_then(|number: u64| self.repository.pulls.get(&number));
                pull.map_or_else(Answer::not_found, |pull| self.answer_pull(pull, rest, query))
            }
        }
    }

    fn answer_pull(&self, pull: &Pull, rest: &[&str], query: &Query) -> Answer {
        match rest {
            [] => Answer::One(self.full_pull(pull)),
            ["commits"] => query.list(&pull.commits, |&at| self.commit(at)),
            ["reviews"] => query.list(&pull.reviews, |review| self.review(pull, review)),
            ["comments"] => self.list_comments(query, Some(pull.number), true),
            ["files"] => {
                let files: Vec<_> = pull.commits.iter().flat_map(|&at| &self.repository.commit(at).files).collect();
                query.list(&files, |file| {
                    json!({"filename": file.path, "status": "modified", "additions": file.additions,
                        "deletions": file.deletions, "changes": file.additions + file.deletions})
                })
            }
            _ => Answer::not_found(),
        }
    }

    fn list_pulls(&self, query: &Query) -> Answer {
        let mut pulls: Vec<_> = self.repository.pulls.values().collect();
        pulls.retain(|pull| match query.get("state") {
            Some("all") => true,
            Some("closed") => !pull.is_open(),
            _ => pull.is_open(),
        });
        pulls.retain(|pull| {
            query.allows("base", "main") && query.get("head").is_none_or(|head| head.ends_with(&pull.branch))
        });
        let by_update = query.get("sort") == Some("updated");
        pulls.sort_by_key(|pull| (if by_update { pull.updated_at } else { pull.created_at }, pull.number));
        if !query.ascending(by_update) {
            pulls.reverse();
        }
        query.list(&pulls, |pull| self.pull(pull))
    }

    /// A pull request as lists have it.
    pub(super) fn pull(&self, pull: &Pull) -> Value {
        let (number, id) = (pull.number, pull.id);
        let (api, html) = (format!("{}/pulls/{number}", self.api), format!("{}/pull/{number}", self.html));
        let issue = format!("{}/issues/{number}", self.api);
        let statuses = format!("{}/statuses/{}", self.api, self.sha(pull.head()));
        let reviewers: Vec<_> =
            pull.reviewer.filter(|_| pull.is_open()).iter().map(|&person| self.user(person)).collect();
        let labels: Vec<_> = pull.labels.iter().map(|name| self.label(name)).collect();
        let links = json!({
            "self": link(&api), "html": link(&html), "issue": link(&issue),
            "comments": link(&format!("{issue}/comments")), "review_comments": link(&format!("{api}/comments")),
            "review_comment": link(&format!("{}/pulls/comments{{/number}}", self.api)),
            "commits": link(&format!("{api}/commits")), "statuses": link(&statuses),
        });
        let mut shape = json!({
            "url": api, "id": id, "node_id": node("PR", id), "html_url": html, "diff_url": format!("{html}.diff"),
            "patch_url": format!("{html}.patch"), "issue_url": issue, "number": number,
            "state": if pull.is_open() { "open" } else { "closed" }, "locked": false, "title": pull.title,
            "user": self.user(pull.author), "body": pull.body, "created_at": iso(pull.created_at),
            "updated_at": iso(pull.updated_at), "closed_at": pull.closed_at.map(iso),
            "merged_at": pull.merged.map(|merged| iso(merged.at)),
        });
        let rest = json!({
            "merge_commit_sha": pull.merged.map(|merged| self.sha(merged.commit)),
            "assignee": null, "assignees": [], "requested_reviewers": reviewers, "requested_teams": [], "labels": labels,
            "milestone": null, "draft": pull.draft, "commits_url": format!("{api}/commits"),
            "review_comments_url": format!("{api}/comments"),
            "review_comment_url": format!("{}/pulls/comments{{/number}}", self.api),
            "comments_url": format!("{issue}/comments"), "statuses_url": statuses,
            "head": self.end_of(&pull.branch, pull.head()), "base": self.end_of("main", pull.base), "_links": links,
            "author_association": "MEMBER", "auto_merge": null, "active_lock_reason": null,
        });
        merge(&mut shape, rest);
        shape
    }

    /// A pull request as asked for by its number.
    pub(super) fn full_pull(&self, pull: &Pull) -> Value {
        let (added, deleted) = self.lines(&pull.commits);
        let n_comments = |inline: bool| self.comments_of(Some(pull.number), inline).len();
        let files = pull.commits.iter().map(|&at| self.repository.commit(at).files.len()).sum::<usize>();
        let mut shape = self.pull(pull);
        merge(
            &mut shape,
            json!({
                "merged": pull.merged.is_some(), "mergeable": pull.is_open().then_some(true), "rebaseable": null,
                "mergeable_state": if pull.is_open() { "clean" } else { "unknown" },
                "merged_by": pull.merged.map(|merged| self.user(merged.by)), "comments": n_comments(false),
                "review_comments": n_comments(true), "maintainer_can_modify": false, "commits": pull.commits.len(),
                "additions": added, "deletions": deleted, "changed_files": files,
            }),
        );
        shape
    }

    fn end_of(&self, name: &str, at: CommitRef) -> Value {
        json!({
            "label": format!("{}:{name}", self.company.organisation()), "ref": name, "sha": self.sha(at),
            "user": self.owner(), "repo": self.minimal_repository(),
        })
    }

    pub(super) fn review(&self, pull: &Pull, review: &Review) -> Value {
        let html = format!("{}/pull/{}#pullrequestreview-{}", self.html, pull.number, review.id);
        let url = format!("{}/pulls/{}", self.api, pull.number);
        let state = match review.verdict {
            Verdict::Approved => "APPROVED",
            Verdict::ChangesRequested => "CHANGES_REQUESTED",
            Verdict::Commented => "COMMENTED",
        };
        json!({
            "id": review.id, "node_id": node("PRR", review.id), "user": self.user(review.author), "body": review.body,
            "state": state, "html_url": html, "pull_request_url": url, "author_association": "MEMBER",
            "_links": {"html": link(&html), "pull_request": link(&url)},
            "submitted_at": iso(review.at), "commit_id": self.sha(review.commit),
        })
    }

    /// Comments of one issue or pull request, or of all; those at lines, or the others. Oldest first.
    pub(super) fn comments_of(&self, number: Option<u64>, inline: bool) -> Vec<&Comment> {
        let wanted = |comment: &&Comment| {
            comment.place.is_some() == inline && number.is_none_or(|number| comment.number == number)
        };
        self.repository.comments.iter().filter(wanted).collect()
    }

    pub(super) fn list_comments(&self, query: &Query, number: Option<u64>, inline: bool) -> Answer {
        let mut comments = self.comments_of(number, inline);
        comments.retain(|comment| query.instant("since").is_none_or(|since| comment.at >= since));
        // A direction counts only together with a sort.
        if query.get("sort").is_some() && !query.ascending(false) {
            comments.sort_by_key(|comment| Reverse((comment.at, comment.id)));
        }
        query.list(&comments, |comment| self.comment(comment))
    }

    pub(super) fn comment(&self, comment: &Comment) -> Value {
        let (id, number) = (comment.id, comment.number);
        let is_pull = self.repository.pulls.contains_key(&number);
        let page = format!("{}/{}/{number}", self.html, if is_pull { "pull" } else { "issues" });
        let mut shape = json!({
            "id": id, "user": self.user(comment.author), "body": comment.body, "created_at": iso(comment.at),
            "updated_at": iso(comment.at), "author_association": "MEMBER", "reactions": reactions(&self.api, id),
        });
        let Some(place) = &comment.place else {
            merge(
                &mut shape,
                json!({
                    "url": format!("{}/issues/comments/{id}", self.api), "html_url": format!("{page}#issuecomment-{id}"),
                    "issue_url": format!("{}/issues/{number}", self.api), "node_id": node("IC", id),
                    "performed_via_github_app": null,
                }),
            );
            return shape;
        };
        let (url, pull) = (format!("{}/pulls/comments/{id}", self.api), format!("{}/pulls/{number}", self.api));
        let html = format!("{page}#discussion_r{id}");
        merge(
            &mut shape,
            json!({
                "url": url, "html_url": html, "pull_request_url": pull, "node_id": node("PRRC", id),
                "pull_request_review_id": place.review, "path": place.path, "line": place.line, "original_line": place.line,
                "side": "RIGHT", "start_line": null, "position": place.line, "original_position": place.line,
                "diff_hunk": format!("@@ -{0},6 +{0},9 @@", place.line), "subject_type": "line",
                "commit_id": self.sha(place.commit), "original_commit_id": self.sha(place.commit),
                "_links": {"self": link(&url), "html": link(&html), "pull_request": link(&pull)},
            }),
        );
        if let Some(reply_to) = place.reply_to {
            shape["in_reply_to_id"] = json!(reply_to);
        }
        shape
    }

    pub(super) fn sha(&self, at: CommitRef) -> &str {
        &self.repository.commit(at).sha
    }
}

/// Adds the fields of `more` to `shape`. Objects of forty fields are written in two halves, for the macro's sake.
pub(super) fn merge(shape: &mut Value, more: Value) {
    if let (Value::Object(shape), Value::Object(more)) = (shape, more) {
        shape.extend(more);
    }
}

pub(super) fn reactions(api: &str, id: u64) -> Value {
    json!({
        "url": format!("{api}/issues/{id}/reactions"), "total_count": 0, "+1": 0, "-1": 0, "laugh": 0, "hooray": 0,
        "confused": 0, "heart": 0, "rocket": 0, "eyes": 0,
    })
}

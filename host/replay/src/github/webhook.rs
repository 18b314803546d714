//! What GitHub would send when something happened.

use serde_json::{Value, json};

use super::{Roots, Shapes};
use crate::company::{CommitRef, Company, Happening, RepositoryRef};
use crate::time::iso;

/// One webhook: the event's name and its body.
#[derive(Debug, Clone)]
pub(crate) struct Hook {
    pub(crate) event: &'static str,
    pub(crate) action: Option<&'static str>,
    pub(crate) body: Value,
}

/// The webhooks of `happenings`, in order. What Jenkins built or deployed is no matter of GitHub's.
pub(crate) fn hooks(company: &Company, roots: &Roots, happenings: &[Happening]) -> Vec<Hook> {
    happenings.iter().filter_map(|happening| hook(company, roots, *happening)).collect()
}

fn hook(company: &Company, roots: &Roots, happening: Happening) -> Option<Hook> {
    let shapes = |at: RepositoryRef| Shapes::new(company, company.repository(at), roots);
    let (shapes, event, action, body) = match happening {
        Happening::Pushed { repository, before, after } => {
            let shapes = shapes(repository);
            let body = shapes.pushed(before, after);
            (shapes, "push", None, body)
        }
        Happening::Pull { repository, number, action } => {
            let shapes = shapes(repository);
            let pull = shapes.full_pull(&shapes.repository.pulls[&number]);
            (shapes, "pull_request", Some(action), json!({"number": number, "pull_request": pull}))
        }
        Happening::Reviewed { repository, number } => {
            let shapes = shapes(repository);
            let pull = &shapes.repository.pulls[&number];
            let review = shapes.review(pull, pull.reviews.last()?);
            let body = json!({"review": review, "pull_request": shapes.pull(pull)});
            (shapes, "pull_request_review", Some("submitted"), body)
        }
        Happening::Run { repository, run, action } => {
            let shapes = shapes(repository);
            let run = &shapes.repository.runs[run];
            let body = json!({
                "workflow_run": shapes.run(run, run.attempts.len() - 1), "workflow": shapes.workflow(run.workflow),
            });
            (shapes, "workflow_run", Some(action), body)
        }
        Happening::Deployment { repository, deployment, action } => {
            let shapes = shapes(repository);
            let deployment = &shapes.repository.deployments[deployment];
            let mut body = json!({"deployment": shapes.deployment(deployment), "workflow": null, "workflow_run": null});
            if action.is_none() {
                let last = deployment.statuses.last()?;
                body["deployment_status"] = shapes.deployment_status(deployment, last);
            }
            let event = if action.is_some() { "deployment" } else { "deployment_status" };
            (shapes, event, Some("created"), body)
        }
        Happening::Issue { repository, number, action } => {
            let shapes = shapes(repository);
            let issue = shapes.issue(&shapes.repository.issues[&number]);
            (shapes, "issues", Some(action), json!({ "issue": issue }))
        }
    };
    let on_jenkins = !shapes.repository.is_on_actions();
    if on_jenkins && matches!(event, "workflow_run" | "deployment" | "deployment_status") {
        return None;
    }
    Some(shapes.delivery(event, action, body))
}

impl Shapes<'_> {
    fn delivery(&self, event: &'static str, action: Option<&'static str>, mut body: Value) -> Hook {
        if let Some(action) = action {
            body["action"] = json!(action);
        }
        body["repository"] = self.repository();
        body["organization"] = json!({"login": self.company.organisation(), "id": 7_340_112});
        body["sender"] = self.owner();
        Hook { event, action, body }
    }

    fn pushed(&self, before: CommitRef, after: CommitRef) -> Value {
        let old = self.repository.reachable(before);
        let mut new = self.repository.reachable(after);
        new.retain(|commit| !old.contains(commit));
        new.reverse();
        let commits: Vec<_> = new.iter().map(|&commit| self.pushed_commit(commit)).collect();
        let (before, after) = (self.sha(before), self.sha(after));
        json!({
            "ref": "refs/heads/main", "before": before, "after": after, "created": false, "deleted": false,
            "forced": false, "base_ref": null, "head_commit": commits.last(), "commits": commits,
            "compare": format!("{}/compare/{}...{}", self.html, &before[..12], &after[..12]),
            "pusher": {"name": self.company.organisation(), "email": null},
        })
    }

    fn pushed_commit(&self, at: CommitRef) -> Value {
        let commit = self.repository.commit(at);
        let paths: Vec<_> = commit.files.iter().map(|file| &file.path).collect();
        json!({
            "id": commit.sha, "tree_id": commit.tree, "distinct": true, "message": commit.message,
            "timestamp": iso(commit.committed_at), "url": format!("{}/commit/{}", self.html, commit.sha),
            "author": self.signature(Some(commit.author), commit.authored_at),
            "committer": self.signature(commit.committer, commit.committed_at),
            "added": [], "removed": [], "modified": paths,
        })
    }
}

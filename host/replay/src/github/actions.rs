//! Workflow runs with their jobs, and deployments with their statuses.

use serde_json::{Value, json};

use super::pulls::merge;
use super::{Answer, Query, Shapes, node};
use crate::company::{Attempt, Conclusion, Deployment, DeploymentStatus, Job, Run, Workflow};
use crate::time::{self, DAY, iso};

/// A filtered list of runs ends here, whatever its total says; who wants more narrows the filter.
const FILTERED_RUNS_MAX: usize = 1_000;
const FILTERS: [&str; 6] = ["actor", "branch", "created", "event", "head_sha", "status"];

impl Shapes<'_> {
    pub(super) fn answer_actions(&self, rest: &[&str], query: &Query) -> Answer {
        match rest {
            ["runs"] => self.list_runs(query),
            ["workflows"] => Answer::One(json!({
                "total_count": 2, "workflows": [self.workflow(Workflow::Ci), self.workflow(Workflow::Deploy)],
            })),
            ["runs", id, rest @ ..] => {
                let run = id.parse::<u64>().ok().and_then(|id| self.repository.runs.iter().find(|run| run.id == id));
                run.map_or_else(Answer::not_found, |run| self.answer_run(run, rest, query))
            }
            _ => Answer::not_found(),
        }
    }

    fn answer_run(&self, run: &Run, rest: &[&str], query: &Query) -> Answer {
        let attempt = |number: &str| {
            let index = number.parse::<usize>().ok()?.checked_sub(1)?;
            (index < run.attempts.len()).then_some(index)
        };
        match rest {
            [] => Answer::One(self.run(run, run.attempts.len() - 1)),
            ["jobs"] if query.get("filter") == Some("all") => self.list_jobs(run, 0..run.attempts.len(), query),
            ["jobs"] => self.list_jobs(run, run.attempts.len() - 1..run.attempts.len(), query),
            ["attempts", number] => Answer::found(attempt(number).map(|index| self.run(run, index))),
            ["attempts", number, "jobs"] => match attempt(number) {
                Some(index) => self.list_jobs(run, index..index + 1, query),
                None => Answer::not_found(),
            },
            _ => Answer::not_found(),
        }
    }

    fn list_runs(&self, query: &Query) -> Answer {
        let mut runs: Vec<_> = self.repository.runs.iter().rev().filter(|run| self.run_fits(run, query)).collect();
        let total = runs.len();
        if FILTERS.iter().any(|filter| query.get(filter).is_some()) {
            runs.truncate(FILTERED_RUNS_MAX);
        }
        let (runs, page) = query.page(&runs, |run| self.run(run, run.attempts.len() - 1));
        Answer::List(json!({"total_count": total, "workflow_runs": runs}), page)
    }

    fn run_fits(&self, run: &Run, query: &Query) -> bool {
        let conclusion = run.latest().conclusion().map_or("in_progress", Conclusion::word);
        let status = if run.latest().finished_at.is_some() { "completed" } else { "in_progress" };
        query.allows("branch", &run.branch)
            && query.allows("event", run.event)
            && query.allows("head_sha", self.sha(run.commit))
            && query.allows("actor", &self.company.person(run.actor).login)
            && query.get("status").is_none_or(|wanted| wanted == status || wanted == conclusion)
            && query.get("created").is_none_or(|range| in_range(run.created_at, range))
    }

    pub(super) fn run(&self, run: &Run, attempt: usize) -> Value {
        let (id, tried) = (run.id, &run.attempts[attempt]);
        let (api, html) = (format!("{}/actions/runs/{id}", self.api), format!("{}/actions/runs/{id}", self.html));
        let suite = id + 7;
        let updated_at = tried.finished_at.unwrap_or(run.updated_at);
        let previous = (attempt > 0).then(|| format!("{api}/attempts/{attempt}"));
        let mut shape = json!({
            "id": id, "name": name(run.workflow), "node_id": node("WFR", id), "head_branch": run.branch,
            "head_sha": self.sha(run.commit), "path": path(run.workflow), "display_title": run.title,
            "run_number": run.number, "event": run.event, "status": status(tried),
            "conclusion": tried.conclusion().map(Conclusion::word), "workflow_id": self.workflow_id(run.workflow),
            "check_suite_id": suite, "check_suite_node_id": node("CS", suite), "url": api, "html_url": html,
            "pull_requests": self.pulls_of(run), "created_at": iso(run.created_at), "updated_at": iso(updated_at),
            "actor": self.user(run.actor), "run_attempt": attempt + 1, "referenced_workflows": [],
            "run_started_at": iso(tried.queued_at), "triggering_actor": self.user(tried.actor),
        });
        merge(
            &mut shape,
            json!({
                "jobs_url": format!("{api}/jobs"), "logs_url": format!("{api}/logs"),
                "check_suite_url": format!("{}/check-suites/{suite}", self.api),
                "artifacts_url": format!("{api}/artifacts"), "cancel_url": format!("{api}/cancel"),
                "rerun_url": format!("{api}/rerun"), "previous_attempt_url": previous,
                "workflow_url": format!("{}/actions/workflows/{}", self.api, self.workflow_id(run.workflow)),
                "head_commit": self.head_commit(run), "repository": self.minimal_repository(),
                "head_repository": self.minimal_repository(),
            }),
        );
        shape
    }

    fn pulls_of(&self, run: &Run) -> Vec<Value> {
        let pull = run.pull.and_then(|number| self.repository.pulls.get(&number));
        let there = json!({"id": self.repository.id, "url": self.api, "name": self.repository.profile.name});
        let shape = pull.map(|pull| {
            json!({
                "url": format!("{}/pulls/{}", self.api, pull.number), "id": pull.id, "number": pull.number,
                "head": {"ref": pull.branch, "sha": self.sha(run.commit), "repo": there},
                "base": {"ref": "main", "sha": self.sha(pull.base), "repo": there},
            })
        });
        shape.into_iter().collect()
    }

    fn head_commit(&self, run: &Run) -> Value {
        let commit = self.repository.commit(run.commit);
        let person = |person| {
            let mut signature = self.signature(person, commit.committed_at);
            signature.as_object_mut().map(|fields| fields.remove("date"));
            signature
        };
        json!({
            "id": commit.sha, "tree_id": commit.tree, "message": commit.message, "timestamp": iso(commit.committed_at),
            "author": person(Some(commit.author)), "committer": person(commit.committer),
        })
    }

    fn list_jobs(&self, run: &Run, attempts: std::ops::Range<usize>, query: &Query) -> Answer {
        let jobs: Vec<_> =
            attempts.flat_map(|index| run.attempts[index].jobs.iter().map(move |job| (index, job))).collect();
        let (shapes, page) = query.page(&jobs, |(index, job)| self.job(run, *index, job));
        Answer::List(json!({"total_count": jobs.len(), "jobs": shapes}), page)
    }

    fn job(&self, run: &Run, index: usize, job: &Job) -> Value {
        let (id, attempt) = (job.id, &run.attempts[index]);
        let done = attempt.finished_at.is_some();
        let started_at = attempt.queued_at + job.starts_after;
        json!({
            "id": id, "run_id": run.id, "workflow_name": name(run.workflow), "head_branch": run.branch,
            "run_url": format!("{}/actions/runs/{}", self.api, run.id), "run_attempt": index + 1, "node_id": node("CR", id),
            "head_sha": self.sha(run.commit), "url": format!("{}/actions/jobs/{id}", self.api),
            "html_url": format!("{}/actions/runs/{}/job/{id}", self.html, run.id), "status": status(attempt),
            "conclusion": done.then(|| job.conclusion.word()), "created_at": iso(attempt.queued_at),
            "started_at": iso(started_at), "completed_at": done.then(|| iso(started_at + job.takes)), "name": job.name,
            "steps": if done { steps(job, started_at) } else { Vec::new() },
            "check_run_url": format!("{}/check-runs/{id}", self.api), "labels": ["ubuntu-24.04"],
            "runner_id": id % 40, "runner_name": format!("runner-{}", id % 40), "runner_group_id": 2,
            "runner_group_name": "default",
        })
    }

    fn workflow_id(&self, workflow: Workflow) -> u64 {
        self.repository.id * 10 + u64::from(workflow == Workflow::Deploy)
    }

    pub(super) fn workflow(&self, workflow: Workflow) -> Value {
        let id = self.workflow_id(workflow);
        let at = iso(self.repository.created_at);
        json!({
            "id": id, "node_id": node("W", id), "name": name(workflow), "path": path(workflow), "state": "active",
            "created_at": at, "updated_at": at, "url": format!("{}/actions/workflows/{id}", self.api),
            "html_url": format!("{}/blob/main/{}", self.html, path(workflow)),
            "badge_url": format!("{}/workflows/{}/badge.svg", self.html, name(workflow)),
        })
    }

    pub(super) fn answer_deployments(&self, rest: &[&str], query: &Query) -> Answer {
        let deployments = &self.repository.deployments;
        match rest {
            [] => {
                let fits = |deployment: &&Deployment| {
                    query.allows("environment", deployment.environment)
                        && query.allows("task", deployment.task)
                        && query.allows("ref", "main")
                        && query.allows("sha", self.sha(deployment.commit))
                };
                let newest_first: Vec<_> = deployments.iter().rev().filter(fits).collect();
                query.list(&newest_first, |deployment| self.deployment(deployment))
            }
            [id, rest @ ..] => {
                let found =
                    id.parse().ok().and_then(|id: u64| deployments.iter().find(|deployment| deployment.id == id));
                match (found, rest) {
                    (Some(deployment), []) => Answer::One(self.deployment(deployment)),
                    (Some(deployment), ["statuses"]) => {
                        let newest_first: Vec<_> = deployment.statuses.iter().rev().collect();
                        query.list(&newest_first, |status| self.deployment_status(deployment, status))
                    }
                    _ => Answer::not_found(),
                }
            }
        }
    }

    pub(super) fn deployment(&self, deployment: &Deployment) -> Value {
        let id = deployment.id;
        let url = format!("{}/deployments/{id}", self.api);
        let production = deployment.environment == "production";
        json!({
            "url": url, "id": id, "node_id": node("DE", id), "task": deployment.task,
            "original_environment": deployment.environment, "environment": deployment.environment,
            "description": deployment.description, "created_at": iso(deployment.created_at),
            "updated_at": iso(deployment.updated_at()), "statuses_url": format!("{url}/statuses"),
            "repository_url": self.api, "creator": self.user(deployment.creator), "sha": self.sha(deployment.commit),
            "ref": "main", "payload": {"rollback": deployment.is_rollback()}, "transient_environment": false,
            "production_environment": production, "performed_via_github_app": null,
        })
    }

    pub(super) fn deployment_status(&self, deployment: &Deployment, status: &DeploymentStatus) -> Value {
        let url = format!("{}/deployments/{}", self.api, deployment.id);
        let run = deployment.run.map(|run| self.repository.runs[run].id);
        let log = run.map_or_else(String::new, |run| format!("{}/actions/runs/{run}", self.html));
        json!({
            "url": format!("{url}/statuses/{}", status.id), "id": status.id, "node_id": node("DES", status.id),
            "state": status.state.word(), "creator": self.user(deployment.creator), "description": "",
            "environment": deployment.environment, "target_url": log, "created_at": iso(status.at),
            "updated_at": iso(status.at), "deployment_url": url, "repository_url": self.api,
            "environment_url": format!("https://{}.{}.nordwind.example", self.repository.profile.name, deployment.environment),
            "log_url": log, "performed_via_github_app": null,
        })
    }
}

fn name(workflow: Workflow) -> &'static str {
    match workflow {
        Workflow::Ci => "CI",
        Workflow::Deploy => "Deploy",
    }
}

fn path(workflow: Workflow) -> &'static str {
    match workflow {
        Workflow::Ci => ".github/workflows/ci.yml",
        Workflow::Deploy => ".github/workflows/deploy.yml",
    }
}

fn status(attempt: &Attempt) -> &'static str {
    if attempt.finished_at.is_some() { "completed" } else { "in_progress" }
}

/// The steps of a finished job: the last but one carries its conclusion.
fn steps(job: &Job, started_at: i64) -> Vec<Value> {
    let main = match job.name {
        "lint" => "Run the linter",
        "test" => "Run tests",
        "build" => "Build the package",
        _ => "Roll out",
    };
    let names = ["Set up job", "Check out", main, "Complete job"];
    let bounds = [0, 3, 9, 99, 100].map(|percent| started_at + job.takes * percent / 100);
    let step = |(index, name): (usize, &&str)| {
        let conclusion = if *name == main { job.conclusion } else { Conclusion::Success };
        json!({
            "name": name, "status": "completed", "conclusion": conclusion.word(), "number": index + 1,
            "started_at": iso(bounds[index]), "completed_at": iso(bounds[index + 1]),
        })
    };
    names.iter().enumerate().map(step).collect()
}

/// GitHub's search syntax for dates: `>=a`, `>a`, `<=a`, `<a`, `a..b` with `*` for an open end, or one day.
fn in_range(at: i64, range: &str) -> bool {
    let bound = |text: &str| time::parse(text);
    // A bare date as an upper bound means the whole day.
    let upper = |text: &str| bound(text).map(|end| if text.len() == 10 { end + DAY - 1 } else { end });
    if let Some((low, high)) = range.split_once("..") {
        return (low == "*" || bound(low).is_some_and(|low| at >= low))
            && (high == "*" || upper(high).is_some_and(|high| at <= high));
    }
    match range.split_at(range.find(|sign| !matches!(sign, '<' | '>' | '=')).unwrap_or(0)) {
        (">=", text) => bound(text).is_some_and(|low| at >= low),
        (">", text) => upper(text).is_some_and(|low| at > low),
        ("<=", text) => upper(text).is_some_and(|high| at <= high),
        ("<", text) => bound(text).is_some_and(|high| at < high),
        (_, text) => bound(text).zip(upper(text)).is_some_and(|(low, high)| (low..=high).contains(&at)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_of_creation_follow_the_search_syntax() {
        let check = |at: &str, range, expected| {
            assert_eq!(in_range(time::parse(at).unwrap(), range), expected, "{at} in {range}");
        };
        check("2026-03-01T10:00:00Z", ">=2026-03-01", true);
        check("2026-02-28T23:59:59Z", ">=2026-03-01", false);
        check("2026-03-01T10:00:00Z", ">2026-03-01", false);
        check("2026-03-01T10:00:00Z", "<2026-03-01", false);
        check("2026-03-01T10:00:00Z", "<=2026-03-01", true);
        check("2026-03-01T10:00:00Z", "2026-03-01..2026-03-02", true);
        check("2026-03-02T10:00:00Z", "2026-03-01..2026-03-02", true);
        check("2026-03-03T00:00:00Z", "2026-03-01..2026-03-02", false);
        check("2026-03-03T00:00:00Z", "2026-03-01T00:00:00Z..*", true);
        check("2026-03-03T00:00:00Z", "2026-03-03", true);
        check("2026-03-03T00:00:00Z", "yesterday", false);
    }
}

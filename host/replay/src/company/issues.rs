//! Issues: what people report, and the incidents among them.

use super::changes::{Comment, Intent};
use super::plot::{Event, Happening};
use super::{Company, PersonRef, RepositoryRef, words};
use crate::time::{HOUR, MINUTE};

#[derive(Debug, Clone)]
pub(crate) struct Issue {
    pub(crate) id: u64,
    pub(crate) number: u64,
    pub(crate) title: String,
    pub(crate) body: String,
    pub(crate) author: PersonRef,
    pub(crate) assignee: Option<PersonRef>,
    pub(crate) labels: Vec<&'static str>,
    pub(crate) created_at: i64,
    pub(crate) updated_at: i64,
    pub(crate) closed_at: Option<i64>,
    pub(crate) closed_by: Option<PersonRef>,
}

/// An issue about to be filed.
struct Draft {
    title: String,
    body: String,
    labels: Vec<&'static str>,
    assignee: Option<PersonRef>,
}

impl Company {
    /// Someone files an issue, and the next report is planned.
    pub(super) fn report(&mut self, repository: RepositoryRef) {
        let weekly = self.repository(repository).profile.pulls_a_week;
        if self.plot.random.chance(3) {
            let outage = self.report_incident(repository, None);
            self.soon(4 * HOUR, Event::Close(repository, outage));
        } else {
            let number = self.report_plain_issue(repository);
            self.plan_answer(repository, number);
        }
        let who = self.colleague(repository, None);
        let work = self.plot.random.spread(40 * HOUR * 2 / weekly);
        let wait = self.person(who).office.after(self.plot.planned, work) - self.plot.planned;
        self.plot.schedule(wait, Event::Report(repository));
    }

    fn plan_answer(&mut self, repository: RepositoryRef, number: u64) {
        let who = self.colleague(repository, None);
        if self.plot.random.chance(45) {
            self.later(repository, who, 5 * HOUR, Event::Discuss(repository, number));
        }
        let is_bug = self.repository(repository).issues[&number].labels.contains(&"bug");
        match self.plot.random.between(0, 99) {
            0..62 if is_bug => {
                self.later(repository, who, 16 * HOUR, Event::Work(repository, Intent::Bug(number)));
            }
            0..70 => self.later(repository, who, 50 * HOUR, Event::Close(repository, number)),
            _ => (),
        }
    }

    /// Files a bug, a wish or a question.
    pub(super) fn report_plain_issue(&mut self, repository: RepositoryRef) -> u64 {
        let profile = self.repository(repository).profile;
        let random = &mut self.plot.random;
        let module = *random.pick(profile.modules);
        let (title, labels) = match random.between(0, 99) {
            0..55 => (words::bug(random, module), vec!["bug", *random.pick(&["priority:high", "priority:low"])]),
            55..88 => (words::feature(random, module), vec!["enhancement"]),
            _ => (format!("Question about {module}"), vec!["question"]),
        };
        let sentences = random.between(4, 12);
        let (body, is_taken) = (words::paragraph(random, sentences), random.chance(40));
        let assignee = is_taken.then(|| self.colleague(repository, None));
        self.file(repository, Draft { title, body, labels, assignee })
    }

    /// Files an incident: one that a deployment of `cause` made, or an outage of somebody else.
    pub(super) fn report_incident(&mut self, repository: RepositoryRef, cause: Option<&str>) -> u64 {
        let profile = self.repository(repository).profile;
        let random = &mut self.plot.random;
        let severity = *random.pick(&["severity:1", "severity:2", "severity:2", "severity:3"]);
        let title = words::symptom(random, profile.name);
        let told = words::paragraph(random, 2);
        let (body, labels) = match cause {
            Some(sha) => (format!("{told}\n\ncaused by deployment of {sha}"), vec!["incident", severity]),
            None => (
                format!("{told}\n\nOutage of a provider, nothing of ours changed."),
                vec!["incident", severity, "external"],
            ),
        };
        let assignee = Some(self.colleague(repository, None));
        self.file(repository, Draft { title, body, labels, assignee })
    }

    fn file(&mut self, repository: RepositoryRef, draft: Draft) -> u64 {
        let (id, created_at) = (self.plot.id(), self.plot.stamp);
        let author = self.colleague(repository, None);
        let there = self.repository_mut(repository);
        let number = there.next_number();
        let Draft { title, body, labels, assignee } = draft;
        there.issues.insert(
            number,
            Issue {
                id,
                number,
                title,
                body,
                author,
                assignee,
                labels,
                created_at,
                updated_at: created_at,
                closed_at: None,
                closed_by: None,
            },
        );
        self.plot.tell(Happening::Issue { repository, number, action: "opened" });
        number
    }

    pub(super) fn close_issue(&mut self, repository: RepositoryRef, number: u64) {
        let stamp = self.plot.stamp;
        let who = self.colleague(repository, None);
        let Some(issue) = self.repository_mut(repository).issues.get_mut(&number) else { return };
        if issue.closed_at.is_some() {
            return;
        }
        issue.closed_by = Some(issue.assignee.unwrap_or(who));
        (issue.closed_at, issue.updated_at) = (Some(stamp), stamp);
        self.plot.tell(Happening::Issue { repository, number, action: "closed" });
    }

    /// Someone says something on an issue or a pull request, and perhaps another one answers.
    pub(super) fn discuss(&mut self, repository: RepositoryRef, number: u64) {
        let (id, at) = (self.plot.id(), self.plot.stamp);
        let author = self.colleague(repository, None);
        let body = words::remark(&mut self.plot.random);
        let there = self.repository_mut(repository);
        there.comments.push(Comment { id, number, author, body, at, place: None });
        if let Some(issue) = there.issues.get_mut(&number) {
            issue.updated_at = at;
        } else {
            self.pull_mut(repository, number).updated_at = at;
        }
        if self.plot.random.chance(40) {
            self.later(repository, author, 90 * MINUTE, Event::Discuss(repository, number));
        }
    }
}

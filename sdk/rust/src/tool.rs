//! Changes and work items at the tools where they live: comments and transitions, none of them twice.
//!
//! Tools know no idempotency key. So a comment carries a marker, and each action a trace by which the host sees that it
//! has had its effect before.

use serde::Deserialize;
use serde_json::{Value, json};
use weir_model::{EntityId, EntityKind, Timestamp};

use crate::address::{encode, path};
use crate::failure::Failure;
use crate::http::{Connection, Method, Target};
use crate::propel::{Action, Trace};

/// How far the clocks of two tools may differ.
const CLOCKS_MS: i64 = 86_400_000;

/// How a tool is spoken to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Tongue {
    GitHub,
    GitLab,
    Jira,
}

/// A change or work item at its tool.
pub struct Place<'a> {
    connection: &'a Connection<'a>,
    tongue: Tongue,
    /// Path of the thing in the tool's API.
    path: String,
}

impl<'a> Place<'a> {
    /// Where the entity called `id` lives: the connection of that kind that is called as its integration is, else the
    /// only one of a kind that fits. Kinds are `github`, `gitlab` and `jira`.
    pub fn of(id: &str, connections: &'a [Connection<'a>]) -> Result<Self, Failure> {
        let unfit = |what: &str| Failure::config("tool.place", format!("`{id}` {what}"));
        let entity: EntityId = id.parse().map_err(|_| unfit("is no id"))?;
        let integration = entity.integration.as_ref().map_or("", weir_model::IntegrationName::as_str);
        let fitting: Vec<(&Connection<'_>, Tongue, String)> = connections
            .iter()
            .filter_map(|connection| {
                let tongue = tongue(&connection.kind())?;
                Some((connection, tongue, place(tongue, &entity)?))
            })
            .collect();
        let own = fitting.iter().position(|(connection, ..)| connection.name() == integration);
        let chosen = own.or((fitting.len() == 1).then_some(0));
        let chosen = chosen.and_then(|index| fitting.into_iter().nth(index));
        let (connection, tongue, path) =
            chosen.ok_or_else(|| unfit("has no connection; call one as its integration is"))?;
        Ok(Self { connection, tongue, path })
    }

    /// Adds a comment, once for a `marker`: of what is said since `since` none may hold it. A marker is a name such as
    /// `suspects:build:ci:shop/7/1`; what readers see of it is nothing, or at Jira a short number.
    pub fn comment(&self, id: impl Into<String>, text: &str, marker: &str, since: Timestamp) -> Action {
        let mark = format!("weir:{:016x}", hash(marker));
        let since = Timestamp::from_ms(since.ms() - CLOCKS_MS);
        let (comments, field, look) = match self.tongue {
            Tongue::GitHub => ("comments", "body", format!("?per_page=100&since={}", encode(&since.to_string()))),
            Tongue::GitLab => ("notes", "body", "?sort=desc&order_by=created_at&per_page=100".to_owned()),
            Tongue::Jira => ("comment", "body", "?orderBy=-created&maxResults=100".to_owned()),
        };
        let body = match self.tongue {
            Tongue::GitHub | Tongue::GitLab => format!("{text}\n\n<!-- {mark} -->"),
            Tongue::Jira => format!("{text}\n\n{{color:#97a0af}}{mark}{{color}}"),
        };
        let path = format!("{}/{comments}", self.path);
        let call = self.connection.post(path.clone()).json(&json!({ field: body }));
        Action::call(id, self.connection.name(), call).unless(Trace::marker(path + &look, mark))
    }

    /// Moves a work item to a status, by its name; at code hosts `closed` and `open`. None when it is there. A status
    /// that cannot be reached from where the item is, is a failure that names those that can.
    pub fn transition(&self, id: impl Into<String>, status: &str) -> Result<Option<Action>, Failure> {
        match self.tongue {
            Tongue::GitHub => self.set_state(id, Method::Patch, "state", status, status),
            Tongue::GitLab => {
                let (event, state) = if status == "closed" { ("close", "closed") } else { ("reopen", "opened") };
                self.set_state(id, Method::Put, "state_event", event, state)
            }
            Tongue::Jira => self.jira_transition(id, status),
        }
    }

    fn set_state(
        &self,
        id: impl Into<String>,
        method: Method,
        field: &str,
        value: &str,
        state: &str,
    ) -> Result<Option<Action>, Failure> {
        let now: Option<String> = self.connection.get(self.path.clone()).send()?.pointer("/state")?;
        if now.as_deref() == Some(state) {
            return Ok(None);
        }
        let call = self.connection.call(method, Target::Path(self.path.clone())).json(&json!({ field: value }));
        let trace = Trace::value(self.path.clone(), "/state", state);
        Ok(Some(Action::call(id, self.connection.name(), call).unless(trace)))
    }

    fn jira_transition(&self, id: impl Into<String>, status: &str) -> Result<Option<Action>, Failure> {
        #[derive(Deserialize)]
        struct Transition {
            id: String,
            to: Status,
        }
        #[derive(Deserialize)]
        struct Status {
            name: String,
        }
        let at = format!("{}?fields=status", self.path);
        let now: Option<String> = self.connection.get(at.clone()).send()?.pointer("/fields/status/name")?;
        if now.as_deref().is_some_and(|now| now.eq_ignore_ascii_case(status)) {
            return Ok(None);
        }
        let path = format!("{}/transitions", self.path);
        let open: Vec<Transition> =
            self.connection.get(path.clone()).send()?.pointer("/transitions")?.unwrap_or_default();
        let Some(chosen) = open.iter().find(|it| it.to.name.eq_ignore_ascii_case(status)) else {
            let names: Vec<&str> = open.iter().map(|it| it.to.name.as_str()).collect();
            let message = format!("no transition leads to `{status}`; there are: {}", names.join(", "));
            return Err(Failure::config("tool.transition", message));
        };
        let body: Value = json!({ "transition": { "id": chosen.id } });
        let trace = Trace::value(at, "/fields/status/name", chosen.to.name.as_str());
        Ok(Some(Action::call(id, self.connection.name(), self.connection.post(path).json(&body)).unless(trace)))
    }
}

fn tongue(kind: &str) -> Option<Tongue> {
    match kind {
        "github" => Some(Tongue::GitHub),
        "gitlab" => Some(Tongue::GitLab),
        "jira" => Some(Tongue::Jira),
        _ => None,
    }
}

/// Path of an entity in an API; none when it cannot live there.
fn place(tongue: Tongue, entity: &EntityId) -> Option<String> {
    let key = entity.key.as_str();
    match (tongue, &entity.kind) {
        // A pull request is an issue too, as far as comments and states go.
        (Tongue::GitHub, EntityKind::Change | EntityKind::WorkItem) => {
            let (repository, number) = key.split_once('#')?;
            let (owner, name) = repository.split_once('/').filter(|(_, name)| !name.contains('/'))?;
            Some(path(["repos", owner, name, "issues", number]))
        }
        (Tongue::GitLab, EntityKind::Change) => {
            let (project, number) = key.split_once('!')?;
            Some(path(["projects", project, "merge_requests", number]))
        }
        (Tongue::GitLab, EntityKind::WorkItem) => {
            let (project, number) = key.split_once('#')?;
            Some(path(["projects", project, "issues", number]))
        }
        (Tongue::Jira, EntityKind::WorkItem) if !key.contains(['#', '!', '/']) => {
            Some(path(["rest", "api", "2", "issue", key]))
        }
        _ => None,
    }
}

/// FNV-1a: the same on every machine and in every version.
fn hash(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use std::rc::Rc;

    use expect_test::{Expect, expect};

    use super::*;
    use crate::mock::{Cassette, kinded_connection};
    use crate::propel::Outcome;

    fn check(kinds: &[&str], cassette: Cassette, act: impl Fn(&[Connection<'_>]) -> String, expected: Expect) {
        let cassette = Rc::new(cassette);
        let connections: Vec<_> = kinds.iter().map(|kind| kinded_connection(kind, kind, &cassette)).collect();
        expected.assert_eq(&act(&connections));
    }

    fn comment(id: &str) -> impl Fn(&[Connection<'_>]) -> String {
        let id = id.to_owned();
        move |connections| match Place::of(&id, connections) {
            Ok(place) => {
                let action = place.comment("say", "It broke.", "m", Timestamp::from_ms(0));
                crate::mock::describe_outcome(&Ok(Outcome::done(vec![action])))
            }
            Err(failure) => failure.to_string(),
        }
    }

    fn transition(id: &str, status: &str) -> impl Fn(&[Connection<'_>]) -> String {
        let (id, status) = (id.to_owned(), status.to_owned());
        move |connections| {
            let place = Place::of(&id, connections).unwrap();
            let moved = place.transition("move", &status).map(|action| Outcome::done(action.into_iter().collect()));
            crate::mock::describe_outcome(&moved)
        }
    }

    #[test]
    fn a_comment_goes_where_the_thing_lives_with_a_mark_to_look_for() {
        let all = ["github", "gitlab", "jira"];
        let none = Cassette::default;
        check(
            &all,
            none(),
            comment("change:github:acme/api#7"),
            expect![[r#"
            done
            say: github POST /repos/acme/api/issues/7/comments
              {"body":"It broke.\n\n<!-- weir:af63e04c8601f358 -->"}
              unless body of GET /repos/acme/api/issues/7/comments?per_page=100&since=1969-12-31T00%3A00%3A00.000Z has weir:af63e04c8601f358
        "#]],
        );
        check(
            &all,
            none(),
            comment("change:gitlab:acme/group/api!7"),
            expect![[r#"
            done
            say: gitlab POST /projects/acme%2Fgroup%2Fapi/merge_requests/7/notes
              {"body":"It broke.\n\n<!-- weir:af63e04c8601f358 -->"}
              unless body of GET /projects/acme%2Fgroup%2Fapi/merge_requests/7/notes?sort=desc&order_by=created_at&per_page=100 has weir:af63e04c8601f358
        "#]],
        );
        check(
            &all,
            none(),
            comment("work-item:jira:10012"),
            expect![[r#"
            done
            say: jira POST /rest/api/2/issue/10012/comment
              {"body":"It broke.\n\n{color:#97a0af}weir:af63e04c8601f358{color}"}
              unless body of GET /rest/api/2/issue/10012/comment?orderBy=-created&maxResults=100 has weir:af63e04c8601f358
        "#]],
        );
        check(
            &all,
            none(),
            comment("work-item:other:10012"),
            expect![[r#"
            done
            say: jira POST /rest/api/2/issue/10012/comment
              {"body":"It broke.\n\n{color:#97a0af}weir:af63e04c8601f358{color}"}
              unless body of GET /rest/api/2/issue/10012/comment?orderBy=-created&maxResults=100 has weir:af63e04c8601f358
        "#]],
        );
        check(
            &all,
            none(),
            comment("work-item:other:acme/api#7"),
            expect!["tool.place: `work-item:other:acme/api#7` has no connection; call one as its integration is"],
        );
        check(
            &all,
            none(),
            comment("build:ci:a/1"),
            expect!["tool.place: `build:ci:a/1` has no connection; call one as its integration is"],
        );
    }

    #[test]
    fn a_transition_is_asked_for_unless_it_is_made() {
        let at = |state: &str| {
            let issue = format!(r#"{{"state": "{state}", "fields": {{"status": {{"name": "{state}"}}}}}}"#);
            Cassette::default()
                .on("GET /repos/acme/api/issues/7", &issue)
                .on("GET /projects/acme%2Fapi/issues/7", &issue)
                .on("GET /rest/api/2/issue/10012?fields=status", &issue)
                .on(
                    "GET /rest/api/2/issue/10012/transitions",
                    r#"{"transitions": [{"id": "31", "to": {"name": "Done"}}, {"id": "41", "to": {"name": "Open"}}]}"#,
                )
        };
        check(
            &["github"],
            at("open"),
            transition("work-item:github:acme/api#7", "closed"),
            expect![[r#"
            done
            move: github PATCH /repos/acme/api/issues/7
              {"state":"closed"}
              unless /state of GET /repos/acme/api/issues/7 has closed
        "#]],
        );
        check(
            &["github"],
            at("closed"),
            transition("work-item:github:acme/api#7", "closed"),
            expect![[r"
            done
        "]],
        );
        check(
            &["gitlab"],
            at("opened"),
            transition("work-item:gitlab:acme/api#7", "closed"),
            expect![[r#"
            done
            move: gitlab PUT /projects/acme%2Fapi/issues/7
              {"state_event":"close"}
              unless /state of GET /projects/acme%2Fapi/issues/7 has closed
        "#]],
        );
        check(
            &["jira"],
            at("To Do"),
            transition("work-item:jira:10012", "done"),
            expect![[r#"
            done
            move: jira POST /rest/api/2/issue/10012/transitions
              {"transition":{"id":"31"}}
              unless /fields/status/name of GET /rest/api/2/issue/10012?fields=status has Done
        "#]],
        );
        check(
            &["jira"],
            at("Done"),
            transition("work-item:jira:10012", "Done"),
            expect![[r"
            done
        "]],
        );
        check(
            &["jira"],
            at("To Do"),
            transition("work-item:jira:10012", "Released"),
            expect![[r"
            tool.transition: no transition leads to `Released`; there are: Done, Open
        "]],
        );
    }
}

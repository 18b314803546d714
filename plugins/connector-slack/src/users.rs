//! Members of the workspace, page by page. Slack says "no" with status 200, so every answer is judged by its body.

use serde::{Deserialize, Serialize};
use weir_sdk::prelude::*;

use crate::Settings;

/// Members of one page; Slack recommends no more than this.
const PAGE: &str = "200";

/// Scopes of the token, each with what is not read without it.
const SCOPES: &[(&str, &str)] =
    &[("users:read", "users:read (members)"), ("users:read.email", "users:read.email (their e-mail addresses)")];

/// Where the listing stands: Slack's own cursor of the next page; none before and after a pass.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Position {
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

/// One page of members.
pub(crate) fn step(run: &Run<Settings>, position: &Position) -> Result<Page<Position>, Failure> {
    let call = run.get("/users.list").query("limit", PAGE);
    let call = match &position.next {
        Some(next) => call.query("cursor", next),
        None => call,
    };
    let answer = accepted(call.send()?)?;
    let next: Option<String> = answer.pointer("/response_metadata/next_cursor")?;
    let page = Page::extract(answer, "/members").version("/updated");
    Ok(match next.filter(|next| !next.is_empty()) {
        Some(next) => page.next(Position { next: Some(next) }),
        None => page.done_at(Position::default()),
    })
}

/// Whose token it is, and which scopes it lacks.
pub(crate) fn check(connection: &Connection<'_>) -> Result<Checkup, Failure> {
    let answer = accepted(connection.get("/auth.test").send()?)?;
    let granted = answer.header("x-oauth-scopes").unwrap_or_default();
    let is_missing = |scope: &str| !granted.split(',').any(|granted| granted.trim() == scope);
    let missing = SCOPES.iter().filter(|(scope, _)| is_missing(scope)).map(|(_, line)| (*line).to_owned()).collect();
    let text = |pointer: &str| answer.pointer::<String>(pointer);
    let tool = text("/team")?.map_or_else(|| "Slack".to_owned(), |team| format!("Slack, workspace {team}"));
    Ok(Checkup { tool, identity: text("/user")?, missing })
}

/// The answer, or the failure that its error word stands for.
fn accepted(answer: Response) -> Result<Response, Failure> {
    if answer.pointer("/ok")? == Some(true) {
        return Ok(answer);
    }
    let Some(word) = answer.pointer::<String>("/error")? else {
        return Err(Failure::transient("slack.answer", "the answer says neither yes nor no"));
    };
    let kind = match word.as_str() {
        "not_authed" | "invalid_auth" | "account_inactive" | "token_revoked" | "token_expired" => FailureKind::Auth,
        "missing_scope" | "no_permission" | "ekm_access_denied" | "access_denied" | "org_login_required" => {
            FailureKind::Forbidden
        }
        "ratelimited" => FailureKind::Throttled,
        "invalid_cursor" => FailureKind::CursorExpired,
        _ => FailureKind::Transient,
    };
    let needed = answer.pointer::<String>("/needed")?.map_or_else(String::new, |scope| format!("; it needs {scope}"));
    Err(Failure::new(kind, format!("slack.error.{word}"), format!("Slack answered `{word}`{needed}")))
}

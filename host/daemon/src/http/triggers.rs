//! Triggers: those outside who start propels, by a signed request, by an API key, or by a command in a chat.

use std::sync::Arc;

use axum::Json;
use axum::extract::{FromRequest, Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::Shared;
use super::auth::demand;
use super::describe::{Gives, Operation};
use super::extract::{Body, Path, Unread};
use super::problem::Problem;
use super::webhook::{lower, pairs};
use crate::access::Permission;
use crate::clock;
use crate::host::TriggerHook;
use crate::propel::{self, Propel, Pulled, Run};
use crate::webhook::{Scheme, WebhookRequest, verify};

/// Fields of a command that say who gave it where. The others are a token and an address that lets anybody answer.
const TOLD: [&str; 6] = ["user_id", "user_name", "channel_id", "channel_name", "team_id", "team_domain"];

/// Runs that a trigger started.
#[derive(Serialize, JsonSchema)]
struct Started {
    runs: Vec<StartedRun>,
    /// Whether the message came before, so that nothing was started.
    #[serde(skip_serializing_if = "is_false")]
    duplicate: bool,
}

/// A run that was started.
#[derive(Serialize, JsonSchema)]
struct StartedRun {
    id: Uuid,
    /// Whose.
    propel: String,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands a reference")]
fn is_false(it: &bool) -> bool {
    !it
}

/// What comes of a message.
pub(super) enum Came {
    /// A handshake, answered with this.
    Challenged(String),
    /// A command of a chat, answered with this for whoever gave it.
    Chat(String),
    /// Runs; none when it came before.
    Runs(Option<Vec<Run>>),
}

impl IntoResponse for Came {
    fn into_response(self) -> Response {
        match self {
            Self::Challenged(challenge) => challenge.into_response(),
            Self::Chat(text) => Json(json!({ "response_type": "ephemeral", "text": text })).into_response(),
            Self::Runs(None) => Json(Started { runs: Vec::new(), duplicate: true }).into_response(),
            Self::Runs(Some(runs)) => {
                let runs = runs.into_iter().map(|run| StartedRun { id: run.id, propel: run.propel }).collect();
                (StatusCode::ACCEPTED, Json(Started { runs, duplicate: false })).into_response()
            }
        }
    }
}

impl Gives for Came {
    fn tell(operation: &mut Operation<'_>) {
        operation.answer_json::<Started>("202", "Runs are started");
        operation.answer("200", "It came before; or what a handshake or a chat wants to hear", []);
    }
}

/// Starts every propel that the trigger is named by. 202 means that its run is kept, 200 that it was before.
pub(super) async fn pull(
    State(host): State<Shared>,
    Path(name): Path<String>,
    Unread(request): Unread,
) -> Result<Came, Problem> {
    let (parts, body) = request.into_parts();
    let hook = host.trigger_hook(&name);
    if hook.is_none() {
        demand(&parts, &host, Permission::Trigger)?;
    }
    let (headers, query) = (lower(&parts.headers), pairs(parts.uri.query().unwrap_or_default()));
    let path = parts.uri.path().to_owned();
    let Body(body) = Body::from_request(Request::from_parts(parts, body), &host).await?;
    let request =
        WebhookRequest { headers: &headers, path: &path, query: &query, body: &body, received_at: clock::now() };
    let delivery_id = match hook {
        Some(hook) => match verified(hook, &request)? {
            Proved::Challenge(challenge) => return Ok(Came::Challenged(challenge)),
            Proved::Delivery(id) => id,
        },
        None => header(&headers, "idempotency-key"),
    };
    if let Some(hook) = hook.filter(|hook| hook.scheme == Scheme::Slack && is_form(&headers)) {
        return command(&host, hook, &body).await.map(Came::Chat);
    }
    let pulled = Pulled { trigger: name, input: said(&body)?, delivery_id };
    Ok(Came::Runs(started(&host, pulled).await?))
}

enum Proved {
    /// A handshake: answer with this and do nothing.
    Challenge(String),
    Delivery(Option<String>),
}

fn verified(hook: &TriggerHook, request: &WebhookRequest<'_>) -> Result<Proved, Problem> {
    let refused = |refusal: crate::webhook::Refusal| {
        let status = StatusCode::from_u16(refusal.status).unwrap_or(StatusCode::UNAUTHORIZED);
        Problem::new(status, refusal.reason.to_string()).hint("check the secret on both sides")
    };
    let verified = verify(&hook.scheme, &hook.secrets, request).map_err(refused)?;
    Ok(verified.challenge.map_or(Proved::Delivery(verified.delivery_id), Proved::Challenge))
}

/// Runs of the propels of a trigger; none when the message came before.
async fn started(host: &Shared, pulled: Pulled) -> Result<Option<Vec<Run>>, Problem> {
    let propels = host.propels().await?.values();
    let named: Vec<Arc<Propel>> =
        propels.filter(|propel| propel.trigger.names.contains(&pulled.trigger)).cloned().collect();
    if named.is_empty() {
        let problem = Problem::not_found(format!("nothing is started by the trigger `{}`", pulled.trigger));
        return Err(problem.hint("name it under `triggers` of a propel"));
    }
    // The same message twice at a time is one.
    let turn = host.turn(&format!("trigger {}", pulled.trigger));
    let _turn = turn.lock().await;
    Ok(propel::pull(&host.account, &named, pulled).await?)
}

/// `/propel NAME words` of a chat. It is always answered with a text for the one who gave it, as the chat wants it.
async fn command(host: &Shared, hook: &TriggerHook, body: &[u8]) -> Result<String, Problem> {
    let fields: Map<String, Value> =
        url::form_urlencoded::parse(body).map(|(name, value)| (name.into_owned(), json!(value))).collect();
    let text = fields.get("text").and_then(Value::as_str).unwrap_or_default();
    let mut words = text.split_whitespace();
    let name = words.next().unwrap_or_default();
    if !hook.commands.contains(name) {
        let known: Vec<&str> = hook.commands.iter().map(String::as_str).collect();
        return Ok(format!("`{name}` is no command here; there are: {}", known.join(", ")));
    }
    let mut input: Map<String, Value> =
        TOLD.into_iter().filter_map(|name| Some((name.to_owned(), fields.get(name)?.clone()))).collect();
    let args: Vec<&str> = words.collect();
    input.extend(args.iter().enumerate().map(|(index, word)| (format!("arg{index}"), json!(word))));
    input.extend([("args".to_owned(), json!(args)), ("text".to_owned(), json!(text))]);
    let pulled = Pulled { trigger: name.to_owned(), input: Value::Object(input), delivery_id: None };
    Ok(match started(host, pulled).await {
        Ok(runs) => {
            let runs: Vec<_> =
                runs.iter().flatten().map(|run| format!("{} is started, run {}", run.propel, run.id)).collect();
            runs.join("\n")
        }
        Err(problem) => format!("{}: {}", problem.title, problem.detail),
    })
}

fn is_form(headers: &[(String, String)]) -> bool {
    header(headers, "content-type").is_some_and(|kind| kind.starts_with("application/x-www-form-urlencoded"))
}

fn header(headers: &[(String, String)], name: &str) -> Option<String> {
    headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone())
}

fn said(body: &[u8]) -> Result<Value, Problem> {
    if body.trim_ascii().is_empty() {
        return Ok(json!({}));
    }
    serde_json::from_slice(body).map_err(|error| {
        Problem::new(StatusCode::BAD_REQUEST, format!("the body is no JSON: {error}"))
            .hint("it is the input of the run")
    })
}

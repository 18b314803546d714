//! Users: list, make, change, remove, and links for a password.

use std::collections::BTreeSet;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::{Value, json};
use weir_model::DurationMs;
use weir_store::Put;

use super::Shared;
use super::extract::{Body, Path};
use super::problem::Problem;
use super::session::hash;
use crate::access::{self, Principal, Role, User, UserChange};
use crate::audit::Outcome;
use crate::{clock, intake, state_keys};

/// How long a link for a password lasts, in milliseconds.
const LINK_MS: u64 = 7 * 86_400_000;

pub(super) async fn list(State(host): State<Shared>) -> Result<Json<Value>, Problem> {
    let users: Vec<_> = access::list_users(&host.account)?.iter().map(User::shown).collect();
    let roles = Role::ALL.map(|role| json!({ "role": role, "permissions": role.permissions() }));
    Ok(Json(json!({ "users": users, "roles": roles })))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewUser {
    name: String,
    title: Option<String>,
    role: Role,
    #[serde(default)]
    teams: BTreeSet<String>,
    #[serde(default)]
    projects: BTreeSet<String>,
    password: Option<String>,
}

pub(super) async fn create(
    State(host): State<Shared>,
    principal: Principal,
    body: Body,
) -> Result<(StatusCode, Json<Value>), Problem> {
    let asked: NewUser = body.json()?;
    let turn = host.turn("users");
    let _turn = turn.lock().await;
    let mut user = User::new(&asked.name, asked.role)?;
    if access::find_user(&host.account, &user.name)?.is_some() {
        return Err(taken(&user.name));
    }
    user.title = asked.title;
    user.limits = access::Limits { teams: asked.teams, projects: asked.projects };
    let link = match asked.password {
        Some(password) => {
            user.set_password(hash(&host, password).await?);
            None
        }
        None => Some(user.reset(DurationMs(LINK_MS))?),
    };
    intake::keep(&host.account, vec![user.put()]).await?;
    access::audit(&host, &principal, "user.create", &user.name, Outcome::Done).await?;
    let mut told = json!(user.shown());
    if let Some(text) = link {
        told["link"] = json!(host.link(&text));
    }
    Ok((StatusCode::CREATED, Json(told)))
}

pub(super) async fn change(
    State(host): State<Shared>,
    principal: Principal,
    Path(name): Path<String>,
    body: Body,
) -> Result<Json<Value>, Problem> {
    let change: UserChange = body.json()?;
    let turn = host.turn("users");
    let _turn = turn.lock().await;
    let mut user = known(&host, &name)?;
    let steps_down = change.role.is_some_and(|role| role != Role::Administrator) || change.disabled == Some(true);
    if steps_down {
        keep_one(&host, &user)?;
    }
    user.change(change);
    intake::keep(&host.account, vec![user.put()]).await?;
    access::audit(&host, &principal, "user.change", &user.name, Outcome::Done).await?;
    Ok(Json(json!(user.shown())))
}

pub(super) async fn remove(
    State(host): State<Shared>,
    principal: Principal,
    Path(name): Path<String>,
) -> Result<StatusCode, Problem> {
    let turn = host.turn("users");
    let _turn = turn.lock().await;
    let user = known(&host, &name)?;
    keep_one(&host, &user)?;
    intake::keep(&host.account, vec![Put { key: state_keys::user(&user.name), value: None }]).await?;
    access::audit(&host, &principal, "user.remove", &user.name, Outcome::Done).await?;
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Password {
    password: String,
}

/// Sets a password, or takes it away and gives a link.
pub(super) async fn password(
    State(host): State<Shared>,
    principal: Principal,
    Path(name): Path<String>,
    body: Body,
) -> Result<Response, Problem> {
    let turn = host.turn("users");
    let _turn = turn.lock().await;
    let mut user = known(&host, &name)?;
    let link = if body.0.trim_ascii().is_empty() {
        Some(user.reset(DurationMs(LINK_MS))?)
    } else {
        let Password { password } = body.json()?;
        user.set_password(hash(&host, password).await?);
        None
    };
    intake::keep(&host.account, vec![user.put()]).await?;
    access::audit(&host, &principal, "user.password", &user.name, Outcome::Done).await?;
    Ok(match link {
        None => StatusCode::NO_CONTENT.into_response(),
        Some(text) => {
            let expires_at = clock::now().plus(DurationMs(LINK_MS));
            Json(json!({ "link": host.link(&text), "expires_at": expires_at })).into_response()
        }
    })
}

fn known(host: &Shared, name: &str) -> Result<User, Problem> {
    let user = access::find_user(&host.account, name)?;
    user.ok_or_else(|| Problem::not_found(format!("there is no user `{name}`")))
}

/// Refuses to leave a host without an administrator.
fn keep_one(host: &Shared, user: &User) -> Result<(), Problem> {
    if access::is_last_administrator(&host.account, &user.name)? {
        return Err(Problem::new(StatusCode::CONFLICT, format!("`{}` is the last administrator", user.name))
            .hint("make another one first"));
    }
    Ok(())
}

pub(super) fn taken(name: &str) -> Problem {
    Problem::new(StatusCode::CONFLICT, format!("there is a user `{name}` already")).hint("take another name")
}

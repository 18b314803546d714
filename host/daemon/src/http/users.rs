//! Users: list, make, change, remove, and links for a password.

use std::collections::BTreeSet;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, NoContent, Response};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use weir_model::{DurationMs, Timestamp};
use weir_store::Put;

use super::Shared;
use super::answer::Created;
use super::describe::{Gives, Operation};
use super::extract::{Path, Said};
use super::problem::Problem;
use super::session::hash;
use crate::access::{self, Permissions, Principal, Role, User, UserAnswer, UserChange};
use crate::audit::Outcome;
use crate::{clock, intake, state_keys};

/// How long a link for a password lasts, in milliseconds.
const LINK_MS: u64 = 7 * 86_400_000;

/// Who may log in.
#[derive(Serialize, JsonSchema)]
pub(super) struct Users {
    users: Vec<UserAnswer>,
    roles: Vec<RoleAnswer>,
}

/// What a role may do.
#[derive(Serialize, JsonSchema)]
struct RoleAnswer {
    role: Role,
    permissions: Permissions,
}

pub(super) async fn list(State(host): State<Shared>) -> Result<Json<Users>, Problem> {
    let users = access::list_users(&host.account)?.iter().map(User::shown).collect();
    let roles = Role::ALL.map(|role| RoleAnswer { role, permissions: role.permissions() });
    Ok(Json(Users { users, roles: roles.into() }))
}

/// A user who is to be made.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewUser {
    /// Up to 64 letters, digits and `. _ - @ +`.
    name: String,
    /// Name to show.
    title: Option<String>,
    /// What they are here.
    role: Role,
    /// Names of teams they are limited to.
    #[serde(default)]
    teams: BTreeSet<String>,
    /// Projects they are limited to.
    #[serde(default)]
    projects: BTreeSet<String>,
    /// At least 12 characters; a link to set one is given when it is left out.
    password: Option<String>,
}

/// A user who was made.
#[derive(Serialize, JsonSchema)]
pub(super) struct MadeUser {
    #[serde(flatten)]
    user: UserAnswer,
    /// Where they set their password, once.
    #[serde(skip_serializing_if = "Option::is_none")]
    link: Option<String>,
}

pub(super) async fn create(
    State(host): State<Shared>,
    principal: Principal,
    Said(asked): Said<NewUser>,
) -> Result<Created<MadeUser>, Problem> {
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
    Ok(Created(MadeUser { user: user.shown(), link: link.map(|text| host.link(&text)) }))
}

pub(super) async fn change(
    State(host): State<Shared>,
    principal: Principal,
    Path(name): Path<String>,
    Said(change): Said<UserChange>,
) -> Result<Json<UserAnswer>, Problem> {
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
    Ok(Json(user.shown()))
}

pub(super) async fn remove(
    State(host): State<Shared>,
    principal: Principal,
    Path(name): Path<String>,
) -> Result<NoContent, Problem> {
    let turn = host.turn("users");
    let _turn = turn.lock().await;
    let user = known(&host, &name)?;
    keep_one(&host, &user)?;
    intake::keep(&host.account, vec![Put { key: state_keys::user(&user.name), value: None }]).await?;
    access::audit(&host, &principal, "user.remove", &user.name, Outcome::Done).await?;
    Ok(NoContent)
}

/// A password that is to be set.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Password {
    /// At least 12 characters. Without it, the one there is goes and a link is given.
    password: Option<String>,
}

/// A link by which a password is set, if one was made.
pub(super) struct Linked(Option<Link>);

/// A link by which a password is set, once.
#[derive(Serialize, JsonSchema)]
struct Link {
    link: String,
    /// When it ends.
    expires_at: Timestamp,
}

impl IntoResponse for Linked {
    fn into_response(self) -> Response {
        self.0.map_or_else(|| NoContent.into_response(), |link| Json(link).into_response())
    }
}

impl Gives for Linked {
    fn tell(operation: &mut Operation<'_>) {
        NoContent::tell(operation);
        Json::<Link>::tell(operation);
    }
}

/// Sets a password, or takes it away and gives a link.
pub(super) async fn password(
    State(host): State<Shared>,
    principal: Principal,
    Path(name): Path<String>,
    Said(asked): Said<Password>,
) -> Result<Linked, Problem> {
    let turn = host.turn("users");
    let _turn = turn.lock().await;
    let mut user = known(&host, &name)?;
    let link = match asked.password {
        None => Some(user.reset(DurationMs(LINK_MS))?),
        Some(password) => {
            user.set_password(hash(&host, password).await?);
            None
        }
    };
    intake::keep(&host.account, vec![user.put()]).await?;
    access::audit(&host, &principal, "user.password", &user.name, Outcome::Done).await?;
    let expires_at = clock::now().plus(DurationMs(LINK_MS));
    Ok(Linked(link.map(|text| Link { link: host.link(&text), expires_at })))
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

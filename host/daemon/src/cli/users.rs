//! `weir user`.

use std::io::BufRead;

use http::Method;
use serde_json::{Map, Value, json};

use super::Answer;
use super::access::{self, Access};
use super::args::{LimitArgs, Scope, User, UserVerb};
use super::print::{self, list, plain};
use crate::error::Fault;

pub(super) async fn user(scope: &Scope, asked: &User) -> Answer {
    let access = access::open(scope).await?;
    match &asked.verb {
        UserVerb::Create { name, role, title, limits: LimitArgs { teams, projects }, password_stdin } => {
            let mut new = json!({ "name": name, "role": role, "title": title, "teams": teams, "projects": projects });
            if *password_stdin {
                new["password"] = json!(line()?);
            }
            let made = access.ask(Method::POST, "/v1/users", &new).await?.unwrap_or_default();
            print::show(scope, &made, |made| match made["link"].as_str() {
                Some(link) => format!("{name} sets a password at {link} within 7 days"),
                None => format!("{name} can log in"),
            });
            Ok(true)
        }
        UserVerb::List => {
            let users = access.ask(Method::GET, "/v1/users", &Value::Null).await?.unwrap_or_default();
            print::show(scope, &users, |users| list(users, "users").iter().map(one).collect());
            Ok(true)
        }
        UserVerb::Set { name, role, title, limits: LimitArgs { teams, projects }, everything, disabled } => {
            let mut change = Map::new();
            let mut set = |what: &str, value: Value| drop(change.insert(what.to_owned(), value));
            let given = [("role", json!(role)), ("title", json!(title)), ("disabled", json!(disabled))];
            for (what, value) in given.into_iter().filter(|(_, value)| !value.is_null()) {
                set(what, value);
            }
            if *everything || !teams.is_empty() || !projects.is_empty() {
                set("teams", json!(teams));
                set("projects", json!(projects));
            }
            done(scope, &access, Method::PUT, name, "", &Value::Object(change), "changed").await
        }
        UserVerb::Remove { name } => done(scope, &access, Method::DELETE, name, "", &Value::Null, "removed").await,
        UserVerb::Password { name, password_stdin } => {
            let body = if *password_stdin { json!({ "password": line()? }) } else { Value::Null };
            done(scope, &access, Method::POST, name, "/password", &body, "the password is set").await
        }
    }
}

async fn done(
    scope: &Scope,
    access: &Access,
    method: Method,
    name: &str,
    what: &str,
    body: &Value,
    word: &str,
) -> Answer {
    let found = access.ask(method, &format!("/v1/users/{name}{what}"), body).await?;
    print::show(scope, &found.clone().unwrap_or_default(), |answer| match (&found, answer["link"].as_str()) {
        (None, _) => format!("there is no user `{name}`"),
        (Some(_), Some(link)) => format!("{name} sets a password at {link} within 7 days"),
        (Some(_), None) => word.to_owned(),
    });
    Ok(found.is_some())
}

fn one(user: &Value) -> String {
    let words = |name: &str| list(user, name).iter().map(plain).collect::<Vec<_>>().join(",");
    let last = user["last_login_at"].as_str().map_or("never".to_owned(), |_| plain(&user["last_login_at"]));
    let state = if user["disabled"] == true { " (disabled)" } else { "" };
    let limits = [words("teams"), words("projects")].join(" ");
    format!("{:<24} {:<14} last {last}{state} {}\n", plain(&user["name"]), plain(&user["role"]), limits.trim())
}

/// The first line of what is piped in.
fn line() -> Result<String, Fault> {
    let mut text = String::new();
    std::io::stdin()
        .lock()
        .read_line(&mut text)
        .map_err(|error| Fault::config("cannot read the password").caused_by(error))?;
    Ok(text.trim_end_matches(['\r', '\n']).to_owned())
}

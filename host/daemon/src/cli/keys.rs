//! `weir key`.

use http::Method;
use serde_json::{Value, json};

use super::args::{Key, KeyVerb, LimitArgs, Scope};
use super::print::{self, list, plain};
use super::{Answer, access};

const SHOWN_ONCE: &str = "It is shown this once; only its hash is kept.";

pub(super) async fn key(scope: &Scope, asked: &Key) -> Answer {
    let access = access::open(scope).await?;
    match &asked.verb {
        KeyVerb::Create { name, scopes, limits: LimitArgs { teams, projects }, hosts, days } => {
            let new = json!({
                "name": name, "scopes": scopes, "teams": teams, "projects": projects, "hosts": hosts, "days": days,
            });
            let made = access.ask(Method::POST, "/v1/keys", &new).await?.unwrap_or_default();
            print::show(scope, &made, |made| format!("{}\n{SHOWN_ONCE}", plain(&made["key"])));
            Ok(true)
        }
        KeyVerb::List => {
            let keys = access.ask(Method::GET, "/v1/keys", &Value::Null).await?.unwrap_or_default();
            print::show(scope, &keys, |keys| list(keys, "keys").iter().map(line).collect());
            Ok(true)
        }
        KeyVerb::Rotate { id, overlap } => {
            let path = format!("/v1/keys/{id}/rotate");
            let made = access.ask(Method::POST, &path, &json!({ "overlap": overlap })).await?;
            print::show(scope, &made.clone().unwrap_or_default(), |made| match made["key"].as_str() {
                Some(key) => format!("{key}\n{SHOWN_ONCE} The old one ends in {overlap}."),
                None => format!("there is no key `{id}`"),
            });
            Ok(made.is_some())
        }
        KeyVerb::Revoke { id } => {
            let revoked = access.ask(Method::DELETE, &format!("/v1/keys/{id}"), &Value::Null).await?.is_some();
            print::show(scope, &json!({ "revoked": revoked }), |_| {
                if revoked { "revoked".to_owned() } else { format!("there is no key `{id}`") }
            });
            Ok(revoked)
        }
    }
}

fn line(key: &Value) -> String {
    let words = |name: &str| list(key, name).iter().map(plain).collect::<Vec<_>>().join(",");
    let time = |name: &str, none: &str| key[name].as_str().map_or(none.to_owned(), |_| plain(&key[name]));
    let limits = [words("teams"), words("projects"), words("hosts")].join(" ");
    format!(
        "{} {:<20} {:<16} ends {}, last used {} {}\n",
        plain(&key["id"]),
        plain(&key["name"]),
        words("scopes"),
        time("expires_at", "never"),
        time("last_used_at", "never"),
        limits.trim(),
    )
}

//! `weir key`.

use serde_json::json;
use weir_model::DurationMs;

use super::access::{self, Access};
use super::args::{Key, KeyVerb, Scope};
use super::{Answer, print};
use crate::clock;
use crate::error::Fault;
use crate::http::{create_key, list_keys, revoke_key};

const DAY_MS: u64 = 86_400_000;

pub(super) async fn key(scope: &Scope, asked: &Key) -> Answer {
    let Access::Stores(host) = access::open(scope).await? else {
        return Err(
            Fault::config("a host runs on this data").hint("keys are made while it is stopped; it reads them at start")
        );
    };
    match &asked.verb {
        KeyVerb::Create { name, scopes, days } => {
            let expires_at = days.map(|days| clock::now().plus(DurationMs(u64::from(days) * DAY_MS)));
            let (key, text) = create_key(&host.account, name, scopes.iter().copied().collect(), expires_at).await?;
            let answer = json!({ "id": key.id, "name": key.name, "scopes": key.scopes, "expires_at": key.expires_at, "key": text });
            print::show(scope, &answer, |answer| {
                format!("{}\nIt is shown this once; only its hash is kept.", answer["key"].as_str().unwrap_or_default())
            });
            Ok(true)
        }
        KeyVerb::List => {
            let keys = list_keys(&host.account)?;
            let keys: Vec<_> = keys.into_iter().map(|key| json!({ "id": key.id, "name": key.name, "scopes": key.scopes, "created_at": key.created_at, "expires_at": key.expires_at })).collect();
            print::show(scope, &json!({ "keys": keys }), print::pretty);
            Ok(true)
        }
        KeyVerb::Revoke { id } => {
            let revoked = revoke_key(&host.account, id).await?;
            print::show(scope, &json!({ "revoked": revoked }), |_| {
                if revoked { "revoked".to_owned() } else { format!("there is no key `{id}`") }
            });
            Ok(revoked)
        }
    }
}

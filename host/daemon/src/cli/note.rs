//! `weir note`: writes what those are to know who look at an entity.

use bytes::Bytes;
use serde_json::json;
use uuid::Uuid;

use super::access::{self, Access, blocking};
use super::args::Note as Asked;
use super::read::{encoded, id, value};
use super::{Answer, print};
use crate::audit::Actor;
use crate::error::Fault;
use crate::notes::{self, Author, Note};
use crate::query::{self, View};
use crate::{clock, intake};

pub(super) async fn note(scope: &super::args::Scope, asked: &Asked) -> Answer {
    let id = id(&asked.id)?;
    let name = asked.name.clone().unwrap_or_else(|| Uuid::now_v7().to_string());
    let written = match access::open(scope).await? {
        Access::Stores(host) => {
            let note =
                Note { name, at: clock::now(), by: Author::User(Actor::operator().who), text: asked.text.clone() };
            let (account, to_write) = (host.account.clone(), note.clone());
            let put = blocking(move || {
                if query::notes(&View::whole(&account), &id)?.is_none() {
                    return Err(Fault::config(format!("there is no `{id}`"))
                        .hint("`weir search` prints the ids of what it finds"));
                }
                notes::set(&account, &id, &to_write)
            });
            intake::keep(&host.account, vec![put.await?]).await?;
            value(note)?
        }
        Access::Running(remote) => {
            let body = json!({ "name": name, "text": asked.text }).to_string();
            remote.post(&format!("/v1/entities/{}/notes", encoded(&asked.id)), Bytes::from(body)).await?
        }
    };
    print::show(scope, &written, print::note);
    Ok(true)
}

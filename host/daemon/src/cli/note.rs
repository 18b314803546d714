//! `weir note`: writes what those are to know who look at an entity.

use bytes::Bytes;
use serde_json::json;

use super::access::{self, Access};
use super::args::{Note, Scope};
use super::read::{encoded, id, value};
use super::{Answer, print};
use crate::access::Sight;
use crate::audit::Actor;
use crate::error::Fault;
use crate::notes::{self, ToWrite};

pub(super) async fn note(scope: &Scope, asked: &Note) -> Answer {
    let id = id(&asked.id)?;
    let written = ToWrite { name: asked.name.clone(), text: asked.text.clone() };
    let note = match access::open(scope).await? {
        Access::Stores(host) => {
            let kept = notes::write(&host.account, Sight::whole(), &id, written, Actor::operator()).await?;
            value(kept.ok_or_else(|| {
                Fault::config(format!("there is no `{id}`")).hint("`weir search` prints the ids of what it finds")
            })?)?
        }
        Access::Running(remote) => {
            let body = json!(written).to_string();
            remote.post(&format!("/v1/entities/{}/notes", encoded(&asked.id)), Bytes::from(body)).await?
        }
    };
    print::show(scope, &note, print::note);
    Ok(true)
}

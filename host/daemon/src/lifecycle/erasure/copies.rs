//! What a central has of what is erased: it is told once it has heard of everything that is left, and the erasure is done
//! when the central has signed that its copies are gone.

use std::collections::BTreeSet;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;
use weir_model::HostName;

use super::run::complete_or_wait;
use super::{Erasure, Scope, Stage, ToErase, folder, list, request_as};
use crate::account::Account;
use crate::audit::Actor;
use crate::config::CentralConfig;
use crate::egress::HostConnection;
use crate::error::Fault;
use crate::forward::{self, CopiesGone, GoneHere};
use crate::host::Host;
use crate::tasks;

/// Copies of results at a central.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Copies {
    /// The central.
    pub url: String,
    /// Their highest version; none: all there are.
    pub up_to: Option<i64>,
    /// Why they are still there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// What the central signed when they were gone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub receipt: Option<Value>,
}

impl Copies {
    /// Those of an account: at every central that has confirmed any, and at the one that is configured, which may have
    /// taken some without an answer.
    pub(crate) fn of(
        account: &Account,
        central: Option<&CentralConfig>,
        up_to: Option<i64>,
    ) -> Result<Vec<Self>, Fault> {
        let mut urls: BTreeSet<String> = forward::centrals(account)?.into_iter().collect();
        urls.extend(central.map(|central| central.url.clone()));
        Ok(urls.into_iter().map(|url| Self { url, up_to, error: None, receipt: None }).collect())
    }

    /// Whether they are waited for: what is not configured any more cannot be told.
    pub(super) fn are_awaited(&self, central: Option<&CentralConfig>) -> bool {
        self.receipt.is_none() && central.is_some_and(|central| central.url == self.url)
    }

    /// Tells the central that they are to go, and hears whether they have.
    pub(crate) async fn ask(&mut self, id: Uuid, host: &HostName, central: &HostConnection) {
        let gone = GoneHere { id, host: host.clone(), up_to: self.up_to };
        let answer = forward::gone(central, &gone).await;
        let why = |gone: CopiesGone| match gone.state {
            _ if gone.held > 0 => format!("the central holds {} of them back", gone.held),
            Stage::Asked => "somebody at the central has to confirm it".to_owned(),
            Stage::Cancelled => "it was refused at the central".to_owned(),
            _ => "the central is about to erase them".to_owned(),
        };
        (self.receipt, self.error) = match answer {
            Ok(CopiesGone { receipt: Some(receipt), held: 0, .. }) => (Some(receipt), None),
            Ok(gone) => (None, Some(why(gone))),
            Err(fault) => (None, Some(fault.chain())),
        };
    }
}

/// Tells the central of every erasure that it has copies of. Everything that is left was sent before.
pub async fn tell_central(host: &Arc<Host>, url: &str, central: &HostConnection) -> Result<(), Fault> {
    for mut one in waiting(host).await? {
        let before = one.clone();
        let id = one.id;
        for copies in one.copies.iter_mut().filter(|copies| copies.url == url && copies.receipt.is_none()) {
            copies.ask(id, &host.config.host.name, central).await;
        }
        if one != before {
            let host = host.clone();
            tasks::blocking(move || complete_or_wait(&host, &mut one)).await?;
        }
    }
    Ok(())
}

async fn waiting(host: &Arc<Host>) -> Result<Vec<Erasure>, Fault> {
    let host = host.clone();
    let all = tasks::blocking(move || list(&folder(&host))).await?;
    Ok(all.into_iter().filter(|one| one.state == Stage::AtCentral).collect())
}

/// The other side: a host says what is gone there. Its copies here go like all else that is erased, and it hears how far
/// that is, as often as it asks.
pub fn receive(host: &Host, gone: &GoneHere, by: &Actor) -> Result<CopiesGone, Fault> {
    let folder = folder(host);
    let known = list(&folder)?.into_iter().find(|one| one.id == gone.id);
    let one = match known {
        Some(one) if one.scopes.iter().all(|scope| scope.host.as_ref() == Some(&gone.host)) => one,
        Some(_) => return Err(Fault::config("this erasure is not one of that host")),
        None => {
            let scope = Scope { host: Some(gone.host.clone()), up_to: gone.up_to, ..Scope::default() };
            let reason = Some(format!("erased at {}", gone.host));
            let asked = ToErase { scopes: vec![scope], reason, ..ToErase::default() };
            request_as(host, gone.id, asked, by)?
        }
    };
    let receipt = if one.state == Stage::Completed { folder.receipt(one.id)? } else { None };
    let receipt = receipt.and_then(|text| serde_json::from_str(&text).ok());
    Ok(CopiesGone { state: one.state, held: one.records.held, receipt })
}

//! Keys of known projects that name no item.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;
use weir_model::{EntityId, EntityKind};
use weir_stages::correlate::{Loose, claims};

use super::Finder;
use crate::error::Fault;
use crate::query::View;

/// Entities read at once.
const PAGE: usize = 2_000;
/// Most entities named for one key.
const NAMED_MAX: usize = 20;

/// Keys that name no item.
#[derive(Debug, Serialize, JsonSchema)]
pub struct DanglingAnswer {
    /// The keys, in order.
    pub keys: Vec<DanglingKey>,
}

/// One key that names no item.
#[derive(Debug, Serialize, JsonSchema)]
pub struct DanglingKey {
    /// The key.
    pub key: String,
    /// How many entities name it.
    pub n: usize,
    /// Who names it; at most 20.
    pub named_by: Vec<EntityId>,
}

/// Keys of known projects in commits and changes that name no item. Reads them all.
pub fn dangling(account: &View<'_>) -> Result<DanglingAnswer, Fault> {
    let derived = account.derived().clone();
    let reader = account.reader(&derived)?;
    let (context, graph) = (account.context(), account.graph());
    let finder = Finder::new(&reader, &context, &graph)?;
    let mut keys: BTreeMap<String, Vec<EntityId>> = BTreeMap::new();
    for kind in [EntityKind::Change, EntityKind::Commit] {
        let mut after: Option<EntityId> = None;
        loop {
            let rows = reader.kind(&kind, after.as_ref(), PAGE).map_err(Fault::from_derived)?;
            let Some(last) = rows.last() else { break };
            after = Some(last.id.clone());
            for row in &rows {
                let Some(entity) = &row.entity else { continue };
                for claim in claims(&row.id, entity, context.keys()) {
                    if finder.is_dangling(&claim)? {
                        keys.entry(claim.name.text()).or_default().push(row.id.clone());
                    }
                }
            }
        }
    }
    Ok(DanglingAnswer { keys: keys.into_iter().map(|(key, named_by)| one(key, named_by)).collect() })
}

fn one(key: String, mut named_by: Vec<EntityId>) -> DanglingKey {
    named_by.dedup();
    let n = named_by.len();
    named_by.truncate(NAMED_MAX);
    DanglingKey { key, n, named_by }
}

impl Finder<'_> {
    fn is_dangling(&self, claim: &weir_stages::correlate::Claim) -> Result<bool, Fault> {
        let found = claim.found.as_ref().and_then(|found| found.project.as_ref());
        if found.is_none() || !self.lookup_n(claim.name.space(), &claim.name.text(), 1)?.is_empty() {
            return Ok(false);
        }
        Ok(self.loose(claim)?.is_some_and(|loose| loose.state == Loose::Dangling))
    }
}

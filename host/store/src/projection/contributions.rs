//! How contributions to one entity settle into its document. Pure: lists in, lists out.
//!
//! The document depends on the set of contributions and their ranks alone, never on the order of arrival.

use std::cmp::{Ordering, Reverse};

use weir_model::raw::Version;
use weir_model::{Entity, EntityKind, StreamId};

use super::values;

/// What one record says about one entity.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Contribution {
    pub(super) stream: i64,
    pub(super) key: String,
    pub(super) version: Version,
    pub(super) seq: i64,
    pub(super) document: String,
}

impl Contribution {
    pub(super) fn is_from(&self, stream: i64, key: &str) -> bool {
        self.stream == stream && self.key == key
    }
}

/// Puts `new` in the place of the contribution of `stream` and `key`, or takes that away. False: nothing changed.
pub(super) fn replace(list: &mut Vec<Contribution>, stream: i64, key: &str, new: Option<Contribution>) -> bool {
    let place = list.iter().position(|contribution| contribution.is_from(stream, key));
    match (place, new) {
        (None, None) => return false,
        (Some(place), None) => drop(list.remove(place)),
        (None, Some(new)) => list.push(new),
        (Some(place), Some(new)) => {
            if list[place].version == new.version && list[place].document == new.document {
                return false;
            }
            list[place] = new;
        }
    }
    true
}

/// The merge of all contributions, as it is stored; none of none.
pub(super) fn merged(
    kind: &EntityKind,
    list: &mut [Contribution],
    streams: &[StreamId],
) -> rusqlite::Result<Option<String>> {
    if let [] | [_] = list {
        return Ok(list.first().map(|only| only.document.clone()));
    }
    list.sort_by(|a, b| rank(a, b, streams));
    let documents = list.iter().map(|contribution| values::document(kind, &contribution.document));
    let merged = Entity::merge(documents.collect::<rusqlite::Result<Vec<_>>>()?);
    Ok(merged.map(|merged| merged.to_json()))
}

/// The highest version first; of equal ones the first by dataset, key and integration.
fn rank(a: &Contribution, b: &Contribution, streams: &[StreamId]) -> Ordering {
    let stream = |contribution: &Contribution| {
        let place = usize::try_from(contribution.stream - 1).expect("streams are numbered from 1");
        &streams[place]
    };
    let key = |contribution| {
        let stream = stream(contribution);
        (Reverse(contribution.version), &stream.dataset, &contribution.key, &stream.integration)
    };
    key(a).cmp(&key(b))
}

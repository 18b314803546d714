//! What a raw record says, as a short name for all of it.

use ring::digest::{Context, SHA256};
use weir_model::{Op, RawRecord};
use weir_store::Said;

/// Two records have the same one only when they say the same: a hash that nobody can make collide.
pub(crate) fn said(record: &RawRecord) -> Said {
    let RawRecord { op, key, version, context, payload } = record;
    let mut hash = Context::new(&SHA256);
    hash.update(&[u8::from(*op == Op::Delete), u8::from(version.is_some()), u8::from(context.is_some())]);
    hash.update(&version.unwrap_or_default().to_be_bytes());
    for part in [key.as_bytes(), context.as_deref().unwrap_or_default().as_bytes(), payload] {
        hash.update(&u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
        hash.update(part);
    }
    let hash = hash.finish();
    let (said, _) = hash.as_ref().split_first_chunk().expect("SHA-256 gives more bytes than a name has");
    *said
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_part_counts_and_none_runs_into_the_next() {
        let one = RawRecord { context: Some("{}".to_owned()), ..RawRecord::upsert("1", Some(2), "{}") };
        let others = [
            RawRecord { op: Op::Delete, ..one.clone() },
            RawRecord { key: "12".to_owned(), ..one.clone() },
            RawRecord { version: None, ..one.clone() },
            RawRecord { version: Some(0), ..one.clone() },
            RawRecord { context: None, ..one.clone() },
            RawRecord { context: Some("{}{}".to_owned()), payload: Vec::new(), ..one.clone() },
            RawRecord { payload: b"{} ".to_vec(), ..one.clone() },
        ];
        assert_eq!(said(&one), said(&one.clone()));
        for other in others {
            assert_ne!(said(&one), said(&other), "{other:?}");
        }
    }
}

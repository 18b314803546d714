//! Packs: up to a few dozen records of one stream, in order, compressed together; and blocks of the state.

use weir_model::{Seq, StoredRecord, StreamId, Timestamp};

use crate::codec::{Input, put_bytes, put_number, put_record, put_signed, put_stream};
use crate::state::StateKey;

/// Size of a block of the state before compression, in bytes.
const BLOCK_BYTES: usize = 16 << 10;

/// Bytes of a pack of `stream`. Positions and times are written as distances, for neighbours are close. The stream is
/// named in every pack, so that no single place can take all of its packs with it.
pub(crate) fn encode_pack(stream: &StreamId, records: &[StoredRecord]) -> Vec<u8> {
    let mut out = Vec::new();
    put_stream(&mut out, stream);
    put_number(&mut out, records.len() as u64);
    let (mut seq, mut at) = (0, 0);
    for stored in records {
        put_number(&mut out, stored.seq.0 - seq);
        put_signed(&mut out, stored.received_at.ms() - at);
        put_record(&mut out, &stored.record);
        (seq, at) = (stored.seq.0, stored.received_at.ms());
    }
    out
}

/// Records of a pack; none when these are not its bytes.
pub(crate) fn decode_pack(bytes: &[u8]) -> Option<Vec<StoredRecord>> {
    let mut input = Input(bytes);
    let stream = input.stream()?;
    let n_records = input.number()?;
    let (mut seq, mut at) = (0u64, 0i64);
    let mut records = Vec::new();
    for _ in 0..n_records {
        seq = seq.checked_add(input.number()?)?;
        at = at.checked_add(input.signed()?)?;
        let (stream, received_at) = (stream.clone(), Timestamp::from_ms(at));
        records.push(StoredRecord { seq: Seq(seq), stream, received_at, record: input.record()? });
    }
    input.is_empty().then_some(records)
}

/// Cuts sorted state into blocks, at least one.
pub(crate) fn encode_blocks(entries: impl Iterator<Item = (StateKey, Vec<u8>)>, mut give: impl FnMut(Vec<u8>)) {
    let mut block = Vec::new();
    let mut n_given = 0;
    for (key, value) in entries {
        put_bytes(&mut block, key.as_bytes());
        put_bytes(&mut block, &value);
        if block.len() >= BLOCK_BYTES {
            give(std::mem::take(&mut block));
            n_given += 1;
        }
    }
    if n_given == 0 || !block.is_empty() {
        give(block);
    }
}

/// Keys and values of a block, in order; none when these are not its bytes.
pub(crate) fn decode_block(bytes: &[u8]) -> Option<Vec<(StateKey, Vec<u8>)>> {
    let mut input = Input(bytes);
    let mut entries = Vec::new();
    while !input.is_empty() {
        let key = StateKey::from_bytes(input.bytes()?.to_vec());
        entries.push((key, input.bytes()?.to_vec()));
    }
    Some(entries)
}

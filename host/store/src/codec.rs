//! Bytes of commits and packs: numbers as varints, texts with their length in front.
//!
//! Reading never trusts a length: what does not fit is none, not a panic.

use weir_model::raw::{Op, RawRecord};
use weir_model::{DatasetName, IntegrationName, StreamId};

use crate::state::{Put, StateKey};

pub(crate) fn put_number(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        out.push(number.to_le_bytes()[0] | 0x80);
        number >>= 7;
    }
    out.push(number.to_le_bytes()[0]);
}

/// Small negative numbers stay short: 0, -1, 1, -2 become 0, 1, 2, 3.
pub(crate) fn put_signed(out: &mut Vec<u8>, number: i64) {
    put_number(out, ((number << 1) ^ (number >> 63)).cast_unsigned());
}

pub(crate) fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    put_number(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

pub(crate) fn put_stream(out: &mut Vec<u8>, stream: &StreamId) {
    put_bytes(out, stream.integration.as_str().as_bytes());
    put_bytes(out, stream.dataset.as_str().as_bytes());
}

pub(crate) fn put_record(out: &mut Vec<u8>, record: &RawRecord) {
    let op = u8::from(record.op == Op::Delete);
    let version = u8::from(record.version.is_some()) << 1;
    let context = u8::from(record.context.is_some()) << 2;
    out.push(op | version | context);
    put_bytes(out, record.key.as_bytes());
    if let Some(version) = record.version {
        put_signed(out, version);
    }
    if let Some(context) = &record.context {
        put_bytes(out, context.as_bytes());
    }
    put_bytes(out, &record.payload);
}

pub(crate) fn put_put(out: &mut Vec<u8>, put: &Put) {
    out.push(u8::from(put.value.is_some()));
    put_bytes(out, put.key.as_bytes());
    if let Some(value) = &put.value {
        put_bytes(out, value);
    }
}

/// Bytes that are read from the front.
pub(crate) struct Input<'a>(pub(crate) &'a [u8]);

impl<'a> Input<'a> {
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn byte(&mut self) -> Option<u8> {
        let (&byte, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(byte)
    }

    pub(crate) fn number(&mut self) -> Option<u64> {
        let mut number = 0u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            number |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Some(number);
            }
        }
        None
    }

    pub(crate) fn signed(&mut self) -> Option<i64> {
        let number = self.number()?;
        Some((number >> 1).cast_signed() ^ -(number & 1).cast_signed())
    }

    pub(crate) fn bytes(&mut self) -> Option<&'a [u8]> {
        let length = usize::try_from(self.number()?).ok()?;
        let (bytes, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(bytes)
    }

    pub(crate) fn text(&mut self) -> Option<String> {
        String::from_utf8(self.bytes()?.to_vec()).ok()
    }

    pub(crate) fn stream(&mut self) -> Option<StreamId> {
        let integration = IntegrationName::new(self.text()?).ok()?;
        let dataset = DatasetName::new(self.text()?).ok()?;
        Some(StreamId { integration, dataset })
    }

    pub(crate) fn record(&mut self) -> Option<RawRecord> {
        let flags = self.byte()?;
        let op = if flags & 1 == 0 { Op::Upsert } else { Op::Delete };
        let key = self.text()?;
        let version = if flags & 2 == 0 { None } else { Some(self.signed()?) };
        let context = if flags & 4 == 0 { None } else { Some(self.text()?) };
        let payload = self.bytes()?.to_vec();
        Some(RawRecord { op, key, version, context, payload })
    }

    pub(crate) fn put(&mut self) -> Option<Put> {
        let present = self.byte()? != 0;
        let key = StateKey::from_bytes(self.bytes()?.to_vec());
        let value = if present { Some(self.bytes()?.to_vec()) } else { None };
        Some(Put { key, value })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn numbers_come_back(number: u64, signed: i64) {
            let mut bytes = Vec::new();
            put_number(&mut bytes, number);
            put_signed(&mut bytes, signed);
            let mut input = Input(&bytes);
            prop_assert_eq!(input.number(), Some(number));
            prop_assert_eq!(input.signed(), Some(signed));
            prop_assert!(input.is_empty());
        }

        #[test]
        fn records_come_back(key: String, version: Option<i64>, context: Option<String>, payload: Vec<u8>, gone: bool) {
            let op = if gone { Op::Delete } else { Op::Upsert };
            let record = RawRecord { op, key, version, context, payload };
            let mut bytes = Vec::new();
            put_record(&mut bytes, &record);
            prop_assert_eq!(Input(&bytes).record(), Some(record));
        }

        #[test]
        fn garbage_is_none_and_never_a_panic(bytes: Vec<u8>) {
            let mut input = Input(&bytes);
            while input.record().is_some() || input.put().is_some() || input.stream().is_some() {}
        }
    }
}

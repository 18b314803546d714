//! The binary encoding of protocol buffers, as far as reading messages needs it.
//!
//! Total: any bytes give fields or an error, and never more fields than bytes.

use super::NotOtlp;

/// Value of a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Value<'a> {
    /// A number of whatever width.
    Number(u64),
    /// A text, bytes, or a message.
    Bytes(&'a [u8]),
}

/// Fields of a message in the order they were written.
#[derive(Debug, Clone)]
pub(super) struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    /// Fields of the message that `bytes` are.
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    fn field(&mut self) -> Result<(u32, Value<'a>), NotOtlp> {
        let tag = self.varint()?;
        let number = u32::try_from(tag >> 3).ok().filter(|number| *number > 0).ok_or_else(|| broken("field number"))?;
        let value = match tag & 7 {
            0 => Value::Number(self.varint()?),
            1 => Value::Number(u64::from_le_bytes(self.fixed()?)),
            2 => {
                let len = usize::try_from(self.varint()?).map_err(|_| broken("length"))?;
                Value::Bytes(self.take(len)?)
            }
            5 => Value::Number(u64::from(u32::from_le_bytes(self.fixed()?))),
            _ => return Err(broken("kind of field")),
        };
        Ok((number, value))
    }

    fn varint(&mut self) -> Result<u64, NotOtlp> {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.take(1)?[0];
            number |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Ok(number);
            }
        }
        Err(broken("number"))
    }

    fn fixed<const N: usize>(&mut self) -> Result<[u8; N], NotOtlp> {
        self.take(N)?.try_into().map_err(|_| broken("number"))
    }

    fn take(&mut self, len: usize) -> Result<&'a [u8], NotOtlp> {
        let (taken, rest) = self.0.split_at_checked(len).ok_or_else(|| broken("end of the body"))?;
        self.0 = rest;
        Ok(taken)
    }
}

impl<'a> Iterator for Fields<'a> {
    type Item = Result<(u32, Value<'a>), NotOtlp>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.0.is_empty() {
            return None;
        }
        let field = self.field();
        if field.is_err() {
            // Nothing behind it can be told apart.
            self.0 = &[];
        }
        Some(field)
    }
}

/// A message that is being written.
#[derive(Debug, Default)]
pub(super) struct Writer(Vec<u8>);

impl Writer {
    /// Writes a number. Fields have numbers below 16.
    pub(super) fn number(&mut self, field: u8, number: u64) {
        self.0.push(field << 3);
        self.varint(number);
    }

    /// Writes a text or a message.
    pub(super) fn bytes(&mut self, field: u8, bytes: &[u8]) {
        self.0.push(field << 3 | 2);
        self.varint(u64::try_from(bytes.len()).unwrap_or(u64::MAX));
        self.0.extend(bytes);
    }

    /// The message.
    pub(super) fn finish(self) -> Vec<u8> {
        self.0
    }

    fn varint(&mut self, mut number: u64) {
        while number >= 0x80 {
            self.0.push(number.to_le_bytes()[0] | 0x80);
            number >>= 7;
        }
        self.0.push(number.to_le_bytes()[0]);
    }
}

fn broken(what: &str) -> NotOtlp {
    NotOtlp(format!("bad {what}"))
}

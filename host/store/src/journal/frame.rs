//! One frame: what a group of commits becomes on disk. It is there whole or not at all.
//!
//! ```text
//! "WJF1" | body length u32 | first seq u64 | records u32 | puts u32 | crc32c of body u32 | crc32c of the above u32
//! body: AES-256-GCM ( plain length u32 | zstd ( commit* ) ), bound to account, generation, segment, offset, header
//! ```
//! Numbers are little-endian. The checksums find torn writes without a key; the seal finds everything else.

use weir_model::raw::RawRecord;
use weir_model::{AccountId, Seq, StoredRecord, StreamId, Timestamp};

use crate::codec::{Input, put_number, put_put, put_record, put_signed, put_stream};
use crate::keys::{SEAL_BYTES, SealKey};
use crate::state::Put;

pub(crate) const HEADER_BYTES: usize = 32;
pub(crate) const MAGIC: [u8; 4] = *b"WJF1";
/// Level of compression: packs will be made of these bytes later, so speed counts.
const ZSTD_LEVEL: i32 = 1;

/// The part of a frame that is not sealed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct FrameHeader {
    pub(crate) body_bytes: u32,
    pub(crate) first: Seq,
    pub(crate) n_records: u32,
    pub(crate) n_puts: u32,
    pub(crate) body_crc: u32,
}

impl FrameHeader {
    fn encode(&self) -> [u8; HEADER_BYTES] {
        let mut bytes = [0; HEADER_BYTES];
        bytes[..4].copy_from_slice(&MAGIC);
        bytes[4..8].copy_from_slice(&self.body_bytes.to_le_bytes());
        bytes[8..16].copy_from_slice(&self.first.0.to_le_bytes());
        bytes[16..20].copy_from_slice(&self.n_records.to_le_bytes());
        bytes[20..24].copy_from_slice(&self.n_puts.to_le_bytes());
        bytes[24..28].copy_from_slice(&self.body_crc.to_le_bytes());
        let crc = crc32c::crc32c(&bytes[..28]);
        bytes[28..].copy_from_slice(&crc.to_le_bytes());
        bytes
    }

    /// Reads a header; none when it is not one.
    pub(crate) fn decode(bytes: &[u8]) -> Option<Self> {
        let bytes: &[u8; HEADER_BYTES] = bytes.get(..HEADER_BYTES)?.try_into().ok()?;
        let u32_at = |at: usize| Some(u32::from_le_bytes(bytes[at..at + 4].try_into().ok()?));
        if bytes[..4] != MAGIC || u32_at(28)? != crc32c::crc32c(&bytes[..28]) {
            return None;
        }
        Some(Self {
            body_bytes: u32_at(4)?,
            first: Seq(u64::from_le_bytes(bytes[8..16].try_into().ok()?)),
            n_records: u32_at(16)?,
            n_puts: u32_at(20)?,
            body_crc: u32_at(24)?,
        })
    }

    /// Bytes of header and body.
    pub(crate) fn frame_bytes(&self) -> u64 {
        HEADER_BYTES as u64 + u64::from(self.body_bytes)
    }

    /// Position of the next frame's first record.
    pub(crate) fn end(&self) -> Seq {
        self.first.plus(u64::from(self.n_records))
    }
}

/// Where a frame lies. Sealed with it, so that no frame can stand in for another.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place<'a> {
    pub(crate) account: &'a AccountId,
    pub(crate) generation: u64,
    pub(crate) segment: u32,
    pub(crate) offset: u64,
}

impl Place<'_> {
    fn bound<T>(&self, header: &FrameHeader, run: impl FnOnce(&[&[u8]]) -> T) -> T {
        let counts = [header.n_records.to_le_bytes(), header.n_puts.to_le_bytes()].concat();
        run(&[
            b"weir journal frame 1",
            self.account.as_str().as_bytes(),
            &self.generation.to_le_bytes(),
            &self.segment.to_le_bytes(),
            &self.offset.to_le_bytes(),
            &header.first.0.to_le_bytes(),
            &counts,
        ])
    }
}

/// A commit in bytes, made by whoever submits it, so that this work is spread over all of them.
pub(crate) fn encode_commit(
    out: &mut Vec<u8>,
    received_at: Timestamp,
    records: &[(StreamId, RawRecord)],
    puts: &[Put],
) {
    put_signed(out, received_at.ms());
    put_number(out, puts.len() as u64);
    for put in puts {
        put_put(out, put);
    }
    put_number(out, records.len() as u64);
    for (stream, record) in records {
        put_stream(out, stream);
        put_record(out, record);
    }
}

/// What one frame holds.
#[derive(Debug, Default)]
pub(crate) struct Contents {
    pub(crate) records: Vec<StoredRecord>,
    pub(crate) puts: Vec<Put>,
    pub(crate) received_at: Option<Timestamp>,
}

/// Makes the bytes of frames.
pub(crate) struct FrameWriter {
    compressor: zstd::bulk::Compressor<'static>,
}

impl FrameWriter {
    pub(crate) fn new() -> std::io::Result<Self> {
        Ok(Self { compressor: zstd::bulk::Compressor::new(ZSTD_LEVEL)? })
    }

    /// Appends one frame of the encoded `commits` to `out`. None: too large, or no random bytes.
    pub(crate) fn write(
        &mut self,
        out: &mut Vec<u8>,
        key: &SealKey,
        place: Place<'_>,
        counts: (Seq, u32, u32),
        commits: &[u8],
    ) -> Option<FrameHeader> {
        let mut plain = u32::try_from(commits.len()).ok()?.to_le_bytes().to_vec();
        plain.extend(self.compressor.compress(commits).ok()?);
        let (first, n_records, n_puts) = counts;
        let body_bytes = u32::try_from(plain.len() + SEAL_BYTES).ok()?;
        let mut header = FrameHeader { body_bytes, first, n_records, n_puts, body_crc: 0 };
        let body = place.bound(&header, |aad| key.seal(aad, &plain))?;
        header.body_crc = crc32c::crc32c(&body);
        out.extend_from_slice(&header.encode());
        out.extend_from_slice(&body);
        Some(header)
    }
}

/// Opens the body of a frame; none when it is not what was written at this place.
pub(crate) fn open(key: &SealKey, place: Place<'_>, header: &FrameHeader, body: &[u8]) -> Option<Contents> {
    let plain = place.bound(header, |aad| key.open(aad, body))?;
    let (length, packed) = plain.split_first_chunk::<4>()?;
    let length = usize::try_from(u32::from_le_bytes(*length)).ok()?;
    let commits = zstd::bulk::decompress(packed, length).ok()?;
    let contents = decode(&commits, header.first)?;
    let whole = contents.records.len() == usize::try_from(header.n_records).ok()?
        && contents.puts.len() == usize::try_from(header.n_puts).ok()?;
    whole.then_some(contents)
}

fn decode(commits: &[u8], first: Seq) -> Option<Contents> {
    let mut input = Input(commits);
    let mut contents = Contents::default();
    let mut seq = first;
    while !input.is_empty() {
        let received_at = Timestamp::from_ms(input.signed()?);
        for _ in 0..input.number()? {
            contents.puts.push(input.put()?);
        }
        for _ in 0..input.number()? {
            let (stream, record) = (input.stream()?, input.record()?);
            contents.records.push(StoredRecord { seq, stream, received_at, record });
            seq = seq.plus(1);
        }
        contents.received_at = Some(received_at);
    }
    Some(contents)
}

//! Segment files: a header, then frames. Reading goes frame by frame and, after damage, on to the next whole one.
//!
//! A segment is only ever appended to, and only until the process ends: every start begins a new one.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use weir_model::Seq;

use super::frame::{FrameHeader, HEADER_BYTES, MAGIC};
use crate::disk::DiskFile;

pub(crate) const SEGMENT_HEADER_BYTES: usize = 48;
const SEGMENT_MAGIC: &[u8; 8] = b"WEIRJNL1";
/// Distance between two marks of the index, in bytes.
const MARK_EVERY_BYTES: u64 = 64 << 10;
const SEARCH_BYTES: usize = 256 << 10;

/// What the first bytes of a segment say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SegmentHeader {
    pub(crate) generation: u64,
    pub(crate) number: u32,
    pub(crate) first: Seq,
    /// Length of the segment before it when this one was begun: bytes that must all be good.
    pub(crate) previous_bytes: u64,
}

impl SegmentHeader {
    pub(crate) fn encode(&self) -> [u8; SEGMENT_HEADER_BYTES] {
        let mut bytes = [0; SEGMENT_HEADER_BYTES];
        bytes[..8].copy_from_slice(SEGMENT_MAGIC);
        bytes[8..16].copy_from_slice(&self.generation.to_le_bytes());
        bytes[16..20].copy_from_slice(&self.number.to_le_bytes());
        bytes[24..32].copy_from_slice(&self.first.0.to_le_bytes());
        bytes[32..40].copy_from_slice(&self.previous_bytes.to_le_bytes());
        let crc = crc32c::crc32c(&bytes[..44]);
        bytes[44..].copy_from_slice(&crc.to_le_bytes());
        bytes
    }

    pub(crate) fn decode(bytes: &[u8]) -> Option<Self> {
        let bytes: &[u8; SEGMENT_HEADER_BYTES] = bytes.get(..SEGMENT_HEADER_BYTES)?.try_into().ok()?;
        let u64_at = |at: usize| Some(u64::from_le_bytes(bytes[at..at + 8].try_into().ok()?));
        let u32_at = |at: usize| Some(u32::from_le_bytes(bytes[at..at + 4].try_into().ok()?));
        let whole = bytes[..8] == *SEGMENT_MAGIC && u32_at(44)? == crc32c::crc32c(&bytes[..44]);
        if !whole {
            return None;
        }
        Some(Self { generation: u64_at(8)?, number: u32_at(16)?, first: Seq(u64_at(24)?), previous_bytes: u64_at(32)? })
    }
}

/// Generation and number of a segment, in the name of its file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct SegmentName {
    pub(crate) generation: u64,
    pub(crate) number: u32,
}

impl SegmentName {
    pub(crate) fn path(self, dir: &Path) -> PathBuf {
        dir.join(format!("{:08}-{:06}.journal", self.generation, self.number))
    }

    pub(crate) fn parse(name: &str) -> Option<Self> {
        let (generation, number) = name.strip_suffix(".journal")?.split_once('-')?;
        Some(Self { generation: generation.parse().ok()?, number: number.parse().ok()? })
    }
}

/// An open segment and how far it is durable.
#[derive(Debug, Clone)]
pub(crate) struct Segment {
    pub(crate) name: SegmentName,
    pub(crate) file: Arc<dyn DiskFile>,
    pub(crate) first: Seq,
    pub(crate) bytes: u64,
    marks: Arc<Vec<Mark>>,
}

#[derive(Debug, Clone, Copy)]
struct Mark {
    first: Seq,
    offset: u64,
}

impl Segment {
    pub(crate) fn new(name: SegmentName, file: Arc<dyn DiskFile>, first: Seq) -> Self {
        Self { name, file, first, bytes: SEGMENT_HEADER_BYTES as u64, marks: Arc::default() }
    }

    /// Notes a frame that is durable and good.
    pub(crate) fn note(&mut self, offset: u64, header: &FrameHeader) {
        let distant = self.marks.last().is_none_or(|mark| offset >= mark.offset + MARK_EVERY_BYTES);
        if distant {
            Arc::make_mut(&mut self.marks).push(Mark { first: header.first, offset });
        }
        self.bytes = self.bytes.max(offset + header.frame_bytes());
    }

    /// Offset from which to read to find `seq`.
    pub(crate) fn offset_before(&self, seq: Seq) -> u64 {
        let index = self.marks.partition_point(|mark| mark.first <= seq);
        index.checked_sub(1).map_or(SEGMENT_HEADER_BYTES as u64, |index| self.marks[index].offset)
    }

    pub(crate) fn frames(&self, offset: u64) -> Frames {
        Frames { file: Arc::clone(&self.file), offset, end: self.bytes }
    }
}

/// What stands at the next place of a segment.
#[derive(Debug)]
pub(crate) enum Found {
    /// A frame whose checksums are right.
    Frame {
        /// Where it begins.
        offset: u64,
        /// Its header.
        header: FrameHeader,
        /// Its sealed body.
        body: Vec<u8>,
    },
    /// Bytes that are no frame, and then a frame.
    Damage,
    /// Bytes that are no frame, up to the end.
    Tail {
        /// Where they begin.
        offset: u64,
    },
}

/// Walks over the frames of a segment.
pub(crate) struct Frames {
    file: Arc<dyn DiskFile>,
    offset: u64,
    end: u64,
}

impl Frames {
    pub(crate) fn new(file: Arc<dyn DiskFile>, offset: u64, end: u64) -> Self {
        Self { file, offset, end }
    }

    /// The next thing found; none at the end.
    pub(crate) fn next(&mut self) -> io::Result<Option<Found>> {
        let offset = self.offset;
        if offset >= self.end {
            return Ok(None);
        }
        if let Some((header, body)) = self.frame_at(offset)? {
            self.offset += header.frame_bytes();
            return Ok(Some(Found::Frame { offset, header, body }));
        }
        let whole = self.search(offset + 1)?;
        self.offset = whole.unwrap_or(self.end);
        Ok(Some(if whole.is_some() { Found::Damage } else { Found::Tail { offset } }))
    }

    /// Header of the frame at the present place, which is then skipped; none when it is no header.
    pub(crate) fn skip_before(&mut self, seq: Seq) -> io::Result<()> {
        while let Some(header) = self.header_at(self.offset)? {
            if header.end() > seq || header.frame_bytes() > self.end - self.offset {
                break;
            }
            self.offset += header.frame_bytes();
        }
        Ok(())
    }

    fn header_at(&self, offset: u64) -> io::Result<Option<FrameHeader>> {
        let mut bytes = [0; HEADER_BYTES];
        let n_read = self.file.read_at(offset, &mut bytes)?;
        Ok(FrameHeader::decode(&bytes[..n_read]))
    }

    fn frame_at(&self, offset: u64) -> io::Result<Option<(FrameHeader, Vec<u8>)>> {
        let Some(header) = self.header_at(offset)? else { return Ok(None) };
        if header.frame_bytes() > self.end.saturating_sub(offset) {
            return Ok(None);
        }
        let Ok(length) = usize::try_from(header.body_bytes) else { return Ok(None) };
        let mut body = vec![0; length];
        let n_read = self.file.read_at(offset + HEADER_BYTES as u64, &mut body)?;
        let whole = n_read == length && crc32c::crc32c(&body) == header.body_crc;
        Ok(whole.then_some((header, body)))
    }

    /// Looks for a whole frame from `offset` on.
    fn search(&self, mut offset: u64) -> io::Result<Option<u64>> {
        let mut window = vec![0; SEARCH_BYTES];
        while offset < self.end {
            let n_read = self.file.read_at(offset, &mut window)?;
            for at in positions(&window[..n_read]) {
                if self.frame_at(offset + at as u64)?.is_some() {
                    return Ok(Some(offset + at as u64));
                }
            }
            // The last bytes may be the first half of a magic.
            let n_searched = n_read.saturating_sub(MAGIC.len() - 1);
            if n_searched == 0 {
                break;
            }
            offset += n_searched as u64;
        }
        Ok(None)
    }
}

fn positions(bytes: &[u8]) -> impl Iterator<Item = usize> {
    bytes.windows(MAGIC.len()).enumerate().filter(|(_, window)| *window == MAGIC).map(|(at, _)| at)
}

//! Opening a journal: which frames are good, what is torn, what is damaged.
//!
//! Only the end of the last segment can be torn: it was never acknowledged and is cut off. Anything else that is no
//! frame is damage: it is stepped over, what comes after it is kept, and the records in between are reported lost.

use std::collections::BTreeMap;

use weir_model::Seq;

use super::Generation;
use super::frame::{self, Place};
use super::segment::{Found, Frames, SEGMENT_HEADER_BYTES, Segment, SegmentHeader, SegmentName};
use crate::log::{Home, LogError, Lost};

/// Where the sealed generations end.
#[derive(Debug, Clone, Default)]
pub(crate) struct Since {
    /// Number of the last sealed generation; 0 when there is none.
    pub(crate) generation: u64,
    /// Its last record.
    pub(crate) last: Seq,
    /// Where the journal ended when it was closed, if it was.
    pub(crate) closed: Option<(u64, ClosedAt)>,
}

/// Where a generation ended when it was closed: up to there nothing can be torn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(crate) struct ClosedAt {
    pub(crate) segment: u32,
    pub(crate) bytes: u64,
    pub(crate) last: Seq,
}

pub(super) struct Recovered {
    pub(super) generations: Vec<Generation>,
    pub(super) next: Seq,
    pub(super) torn_bytes: u64,
}

pub(super) fn recover(home: &Home, since: &Since) -> Result<Recovered, LogError> {
    let io = |error| LogError::io("open the journal", error);
    home.disk.create_dir(&home.journal).map_err(io)?;
    let mut names: BTreeMap<u64, Vec<SegmentName>> = BTreeMap::new();
    for name in home.disk.list(&home.journal).map_err(io)?.iter().filter_map(|name| SegmentName::parse(name)) {
        names.entry(name.generation).or_default().push(name);
    }
    let open = names.split_off(&(since.generation + 1));
    let sealed: Vec<SegmentName> = names.into_values().flatten().collect();
    remove_segments(home, &sealed)?;

    let newest = open.values().flatten().max().copied();
    let mut recovery = Recovery { home, newest, closed: since.closed, expected: since.last.plus(1), torn_bytes: 0 };
    let mut generations = Vec::new();
    let mut number = since.generation + 1;
    for (generation, segments) in open {
        number = generation;
        generations.push(recovery.generation(generation, segments)?);
    }
    // The clean end is past what was found: the last files are gone.
    if generations.is_empty() {
        generations.push(Generation::new(home, number, recovery.expected));
    }
    if let Some(active) = generations.last_mut() {
        recovery.check_closed_end(active);
    }
    Ok(Recovered { generations, next: recovery.expected, torn_bytes: recovery.torn_bytes })
}

/// Removes segment files and makes that durable.
pub(super) fn remove_segments(home: &Home, names: &[SegmentName]) -> Result<(), LogError> {
    let io = |error| LogError::io("remove a sealed segment of the journal", error);
    for name in names {
        match home.disk.remove(&name.path(&home.journal)) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(io(error)),
            _ => {}
        }
    }
    if names.is_empty() { Ok(()) } else { home.disk.sync_dir(&home.journal).map_err(io) }
}

struct Recovery<'a> {
    home: &'a Home,
    newest: Option<SegmentName>,
    closed: Option<(u64, ClosedAt)>,
    expected: Seq,
    torn_bytes: u64,
}

impl Recovery<'_> {
    fn generation(&mut self, number: u64, names: Vec<SegmentName>) -> Result<Generation, LogError> {
        let mut generation = Generation::new(self.home, number, self.expected);
        for name in names {
            if let Some(segment) = self.segment(&mut generation, name)? {
                generation.segments.push(segment);
            }
        }
        generation.last = Seq(self.expected.0 - 1);
        Ok(generation)
    }

    /// Reads one segment; none when it was only begun.
    fn segment(&mut self, generation: &mut Generation, name: SegmentName) -> Result<Option<Segment>, LogError> {
        let io = |error| LogError::io("read a segment of the journal", error);
        let path = name.path(&self.home.journal);
        let file = self.home.disk.open(&path).map_err(io)?;
        let bytes = file.length().map_err(io)?;
        let mut header = [0; SEGMENT_HEADER_BYTES];
        let n_read = file.read_at(0, &mut header).map_err(io)?;
        let header = SegmentHeader::decode(&header[..n_read]).filter(|header| header.generation == name.generation);
        match header {
            Some(header) => self.check_previous(generation, &header),
            None if bytes <= SEGMENT_HEADER_BYTES as u64 && !self.is_closed_in(name) => {
                // Begun and never used: it is in nobody's way, and its number is not used again by this process.
                let removed = self.home.disk.remove(&path).and_then(|()| self.home.disk.sync_dir(&self.home.journal));
                removed.map_err(io)?;
                return Ok(None);
            }
            None => self.damage(generation, "the head of a journal segment is damaged"),
        }
        let mut segment = Segment::new(name, file, self.expected);
        self.frames(generation, &mut segment, bytes).map_err(io)?;
        Ok(Some(segment))
    }

    fn frames(&mut self, generation: &mut Generation, segment: &mut Segment, bytes: u64) -> std::io::Result<()> {
        let mut frames = Frames::new(std::sync::Arc::clone(&segment.file), SEGMENT_HEADER_BYTES as u64, bytes);
        while let Some(found) = frames.next()? {
            match found {
                Found::Frame { offset, header, body } => self.frame(generation, segment, offset, &header, &body),
                Found::Damage => self.damage(generation, "a frame of the journal is damaged"),
                Found::Tail { offset } => self.tail(segment, offset, bytes)?,
            }
        }
        if self.newest == Some(segment.name) {
            // A killed process leaves frames that were written and not synced. Readers may see them from now on.
            segment.file.sync()?;
            self.home.disk.sync_dir(&self.home.journal)?;
        }
        Ok(())
    }

    fn frame(
        &mut self,
        generation: &mut Generation,
        segment: &mut Segment,
        offset: u64,
        header: &frame::FrameHeader,
        body: &[u8],
    ) {
        let name = segment.name;
        let place = Place { account: &self.home.account, generation: name.generation, segment: name.number, offset };
        let contents = (header.first >= self.expected).then(|| frame::open(&generation.key, place, header, body));
        let Some(contents) = contents.flatten() else {
            return self.damage(generation, "a frame of the journal does not verify");
        };
        self.lose_up_to(generation, header.first, "a frame of the journal is damaged");
        self.expected = header.end();
        segment.note(offset, header);
        if let Some(at) = contents.received_at.filter(|_| header.n_records + header.n_puts > 0) {
            generation.heard_at(at);
        }
        generation.change(contents.puts);
    }

    /// Bytes at the end of a segment that are no frame.
    fn tail(&mut self, segment: &Segment, offset: u64, bytes: u64) -> std::io::Result<()> {
        let closed = self.closed_in(segment.name).is_some_and(|closed| closed.bytes > offset);
        if self.newest != Some(segment.name) || closed {
            // Elsewhere it may be what is left of a refused append; what followed tells whether anything is missing.
            return Ok(());
        }
        self.torn_bytes += bytes - offset;
        tracing::warn!(n_bytes = bytes - offset, "cut the torn end of the journal");
        segment.file.truncate(offset)
    }

    fn check_previous(&mut self, generation: &mut Generation, header: &SegmentHeader) {
        let previous = generation.segments.last().map(|segment| segment.bytes);
        if previous.is_some_and(|bytes| bytes < header.previous_bytes) {
            self.damage(generation, "the end of a journal segment is damaged");
        }
        self.lose_up_to(generation, header.first, "a part of the journal is gone");
    }

    /// A journal that was closed cleanly must still reach as far as it did then.
    fn check_closed_end(&mut self, active: &mut Generation) {
        let Some((_, closed)) = self.closed.filter(|(number, _)| active.number <= *number) else { return };
        let segment = active.segments.iter().find(|segment| segment.name.number == closed.segment);
        if segment.is_none_or(|segment| segment.bytes < closed.bytes) {
            self.damage(active, "gone from the end of the journal");
        }
        self.lose_up_to(active, closed.last.plus(1), "gone from the end of the journal");
        active.last = Seq(self.expected.0 - 1);
    }

    fn closed_in(&self, name: SegmentName) -> Option<ClosedAt> {
        let (number, closed) = self.closed?;
        (number == name.generation && closed.segment == name.number).then_some(closed)
    }

    fn is_closed_in(&self, name: SegmentName) -> bool {
        self.closed_in(name).is_some()
    }

    /// Damage that may have held changes of state even if no record is missing.
    fn damage(&mut self, generation: &mut Generation, reason: &str) {
        let last = Seq(self.expected.0 - 1);
        generation.lost.push(Lost { first: self.expected, last, reason: reason.to_owned() });
    }

    fn lose_up_to(&mut self, generation: &mut Generation, next: Seq, reason: &str) {
        if next <= self.expected {
            return;
        }
        // The damage that was noted on the way is the cause of this gap.
        let noted = generation.lost.pop_if(|lost| lost.first == self.expected && lost.last < lost.first);
        let reason = noted.map_or_else(|| reason.to_owned(), |lost| lost.reason);
        generation.lost.push(Lost { first: self.expected, last: Seq(next.0 - 1), reason });
        self.expected = next;
    }
}

//! The thread that writes: takes what waits, appends it, syncs once, then answers.
//!
//! After a sync has failed nobody knows what is on the disk, so nothing is appended until the journal is opened
//! again; a second sync that succeeds would prove nothing.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};
use std::time::Instant;

use weir_model::Seq;

use super::frame::{FrameHeader, FrameWriter, Place};
use super::queue::{Pending, Work};
use super::segment::{SEGMENT_HEADER_BYTES, Segment, SegmentHeader, SegmentName};
use super::{Generation, Shared};
use crate::disk::sync_parent;
use crate::keys::SealKey;
use crate::log::{Appended, LogError, LogErrorKind};

pub(super) struct Writer {
    shared: Arc<Shared>,
    frames: FrameWriter,
    key: Arc<SealKey>,
    generation: u64,
    /// The segment that is appended to; made by the first append.
    segment: Option<Segment>,
    /// Name of the newest segment file, good or not.
    newest: SegmentName,
    /// Durable bytes of the segment before the next one.
    previous_bytes: u64,
    next: Seq,
    suspect: Option<LogError>,
}

/// A group of commits as it goes to the disk.
struct Group {
    bytes: Vec<u8>,
    frames: Vec<(u64, FrameHeader)>,
}

impl Writer {
    pub(super) fn new(shared: Arc<Shared>, next: Seq) -> Result<Self, LogError> {
        let frames = FrameWriter::new().map_err(|error| LogError::io("start the compression", error))?;
        let view = shared.view();
        let active = view.generations.last().ok_or_else(|| LogError::new("start the journal", LogErrorKind::Closed))?;
        let (key, generation) = (Arc::clone(&active.key), active.number);
        let newest = view.generations.iter().flat_map(|generation| &generation.segments).next_back();
        let previous_bytes = newest.map_or(0, |segment| segment.bytes);
        let newest = newest.map_or(SegmentName { generation, number: 0 }, |segment| segment.name);
        drop(view);
        Ok(Self { shared, frames, key, generation, segment: None, newest, previous_bytes, next, suspect: None })
    }

    /// Works until the queue is closed and empty.
    pub(super) fn run(&mut self) {
        let shared = Arc::clone(&self.shared);
        let outcome = catch_unwind(AssertUnwindSafe(|| while self.work() {}));
        if outcome.is_err() {
            // Whatever broke here, nobody may wait for an answer that never comes.
            let error = LogError::new("append to the journal", LogErrorKind::Closed);
            shared.refuse(&error);
            shared.queue.close();
            while let Work::Write(group) = shared.queue.next(usize::MAX) {
                answer_all(group, &error);
            }
        }
    }

    fn work(&mut self) -> bool {
        match self.shared.queue.next(self.shared.home.limits.group_bytes_max) {
            Work::Write(group) => self.write_and_answer(group),
            Work::Rotate => self.rotate(),
            Work::Raise(seq) => self.raise(seq),
            Work::Stop => return false,
        }
        true
    }

    fn write_and_answer(&mut self, group: Vec<Pending>) {
        match self.write(&group) {
            Ok(frames) => self.publish(&frames, group),
            Err(error) => {
                tracing::error!(account = %self.shared.home.account, %error, "refused a group of commits");
                answer_all(group, &error);
            }
        }
    }

    fn write(&mut self, group: &[Pending]) -> Result<Vec<(u64, FrameHeader)>, LogError> {
        if let Some(error) = &self.suspect {
            return Err(error.clone());
        }
        let mut segment = match self.segment.take() {
            Some(segment) if segment.bytes < self.shared.home.limits.segment_bytes_max => segment,
            full => {
                self.previous_bytes = full.map_or(self.previous_bytes, |segment| segment.bytes);
                self.begin_segment()?
            }
        };
        let written = self.append(&segment, group);
        if let Ok(frames) = &written {
            for (offset, header) in frames {
                segment.note(*offset, header);
            }
        }
        // A new segment without a good frame stays out of the view, but its file is used all the same.
        self.segment = Some(segment);
        written
    }

    fn append(&mut self, segment: &Segment, group: &[Pending]) -> Result<Vec<(u64, FrameHeader)>, LogError> {
        let group = self.encode(segment, group)?;
        if let Err(error) = segment.file.append(&group.bytes) {
            let error = LogError::io("append to the journal", error);
            let cut = segment.file.truncate(segment.bytes);
            // A full disk is nobody's loss: what was half written is cut off, and the next commit may try again.
            let harmless = *error.kind() == LogErrorKind::Full && cut.is_ok();
            return Err(if harmless { error } else { self.distrust(error) });
        }
        let started = Instant::now();
        segment.file.sync().map_err(|error| self.distrust(LogError::io("sync the journal", error)))?;
        let sync_us = u64::try_from(started.elapsed().as_micros()).unwrap_or(u64::MAX);
        self.shared.counts.sync_us.store(sync_us, Ordering::Relaxed);
        Ok(group.frames)
    }

    fn distrust(&mut self, error: LogError) -> LogError {
        let error = error.suspect();
        self.suspect = Some(error.clone());
        self.shared.refuse(&error);
        error
    }

    fn encode(&mut self, segment: &Segment, group: &[Pending]) -> Result<Group, LogError> {
        let mut done = Group { bytes: Vec::new(), frames: Vec::new() };
        let mut rest = group;
        let mut next = self.next;
        while !rest.is_empty() {
            let n_commits = commits_per_frame(rest, self.shared.home.limits.frame_bytes);
            let (commits, later) = rest.split_at(n_commits);
            let header = self.encode_frame(&mut done, segment, commits, next)?;
            next = header.end();
            rest = later;
        }
        Ok(done)
    }

    fn encode_frame(
        &mut self,
        group: &mut Group,
        segment: &Segment,
        commits: &[Pending],
        first: Seq,
    ) -> Result<FrameHeader, LogError> {
        let offset = segment.bytes + group.bytes.len() as u64;
        let account = &self.shared.home.account;
        let place = Place { account, generation: self.generation, segment: segment.name.number, offset };
        let n_records = commits.iter().map(|commit| commit.n_records).sum();
        let n_puts = commits.iter().map(|commit| u32::try_from(commit.puts.len()).unwrap_or(u32::MAX)).sum();
        let joined: Vec<u8>;
        let plain = if let [commit] = commits {
            &commit.encoded
        } else {
            joined = commits.iter().map(|commit| commit.encoded.as_slice()).collect::<Vec<_>>().concat();
            &joined
        };
        let header = self.frames.write(&mut group.bytes, &self.key, place, (first, n_records, n_puts), plain);
        let header = header.ok_or_else(|| LogError::new("append to the journal", LogErrorKind::Random))?;
        group.frames.push((offset, header));
        Ok(header)
    }

    /// Makes the next segment file, durable with its name before anything is written to it.
    fn begin_segment(&mut self) -> Result<Segment, LogError> {
        let home = &self.shared.home;
        let number = if self.newest.generation == self.generation { self.newest.number + 1 } else { 1 };
        let name = SegmentName { generation: self.generation, number };
        let path = name.path(&home.journal);
        let header = SegmentHeader {
            generation: name.generation,
            number,
            first: self.next,
            previous_bytes: self.previous_bytes,
        };
        let make = || {
            let file = home.disk.create(&path)?;
            file.append(&header.encode())?;
            file.sync()?;
            sync_parent(&*home.disk, &path)?;
            Ok(file)
        };
        match make() {
            Ok(file) => {
                self.newest = name;
                Ok(Segment::new(name, file, self.next))
            }
            Err(error) => {
                // Nothing in it was acknowledged. If it cannot be removed now, recovery finds it empty.
                if home.disk.remove(&path).is_err() {
                    self.newest = name;
                }
                Err(LogError::io("begin a segment of the journal", error))
            }
        }
    }

    fn publish(&mut self, frames: &[(u64, FrameHeader)], group: Vec<Pending>) {
        let first = self.next;
        let last = frames.last().map_or(first, |(_, header)| header.end());
        self.next = last;
        let mut answers = Vec::with_capacity(group.len());
        {
            let mut view = self.shared.view_mut();
            let active = view.active();
            if let Some(segment) = &self.segment {
                active.put_segment(segment.clone());
            }
            active.last = Seq(self.next.0 - 1);
            let mut next = first;
            for commit in group {
                if commit.n_records > 0 || !commit.puts.is_empty() {
                    active.heard_at(commit.received_at);
                }
                active.change(commit.puts);
                let end = next.plus(u64::from(commit.n_records));
                answers.push((commit.done, Appended { first: next, last: Seq(end.0 - 1) }));
                next = end;
            }
        }
        for (done, appended) in answers {
            call(|| done(Ok(appended)));
        }
        let last = Seq(self.next.0 - 1);
        for wake in &*self.shared.wakes.read().unwrap_or_else(PoisonError::into_inner) {
            call(|| wake(last));
        }
    }

    fn rotate(&mut self) {
        let shared = Arc::clone(&self.shared);
        let mut view = shared.view_mut();
        if view.active().is_empty() {
            return;
        }
        if let Some(segment) = self.segment.take() {
            self.previous_bytes = segment.bytes;
        }
        self.generation += 1;
        let generation = Generation::new(&shared.home, self.generation, self.next);
        self.key = Arc::clone(&generation.key);
        view.generations.push(generation);
        drop(view);
        let last = Seq(self.next.0 - 1);
        for wake in &*shared.wakes.read().unwrap_or_else(PoisonError::into_inner) {
            call(|| wake(last));
        }
    }

    /// An empty frame further on makes the gap durable.
    fn raise(&mut self, seq: Seq) {
        if seq < self.next {
            return;
        }
        let gap =
            crate::log::Lost { first: self.next, last: seq, reason: "gone from the end of the journal".to_owned() };
        let before = std::mem::replace(&mut self.next, seq.plus(1));
        let mut encoded = Vec::new();
        super::encode_commit(&mut encoded, weir_model::Timestamp::from_ms(0), &[], &[]);
        let empty = Pending {
            encoded,
            n_records: 0,
            puts: Vec::new(),
            received_at: weir_model::Timestamp::from_ms(0),
            done: Box::new(|_| {}),
        };
        let group = vec![empty];
        match self.write(&group) {
            Ok(frames) => {
                self.shared.view_mut().active().lost.push(gap);
                self.publish(&frames, group);
            }
            Err(_) => self.next = before,
        }
    }
}

impl Shared {
    fn refuse(&self, error: &LogError) {
        let mut refused = self.counts.refused.lock().unwrap_or_else(PoisonError::into_inner);
        refused.get_or_insert_with(|| error.clone());
    }
}

impl Generation {
    fn put_segment(&mut self, segment: Segment) {
        match self.segments.last_mut() {
            Some(last) if last.name == segment.name => *last = segment,
            _ => self.segments.push(segment),
        }
    }
}

/// Commits that go into one frame: few enough that damage to a frame takes little, enough to compress well.
fn commits_per_frame(commits: &[Pending], frame_bytes: usize) -> usize {
    let mut bytes = 0;
    let n_commits = commits.iter().take_while(|commit| {
        let fits = bytes == 0 || bytes + commit.encoded.len() <= frame_bytes;
        bytes += commit.encoded.len();
        fits
    });
    n_commits.count().max(1)
}

fn answer_all(group: Vec<Pending>, error: &LogError) {
    for commit in group {
        call(|| (commit.done)(Err(error.clone())));
    }
}

/// Calls what a stranger gave us; its panic is not ours.
fn call(run: impl FnOnce()) {
    if catch_unwind(AssertUnwindSafe(run)).is_err() {
        tracing::error!("a listener of the journal panicked");
    }
}

// A segment header must fit before the first frame of every segment.
const _: () = assert!(SEGMENT_HEADER_BYTES < 64);

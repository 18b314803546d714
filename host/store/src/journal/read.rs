//! Reading records of generations that are not sealed yet, from the segments.

use std::io;
use std::sync::Arc;

use weir_model::{Seq, StoredRecord};

use super::frame::{self, Place};
use super::segment::{Found, Segment};
use super::{Generation, Journal};
use crate::keys::SealKey;
use crate::log::{Lost, Reading};

/// What a reader took along from the view, so that it reads without holding it.
struct Plan {
    generation: u64,
    key: Arc<SealKey>,
    segments: Vec<Segment>,
    last: Seq,
    lost: Vec<Lost>,
}

impl Plan {
    fn new(generation: &Generation, after: Seq) -> Self {
        let wanted = after.plus(1);
        let skipped = generation.segments.partition_point(|segment| segment.first <= wanted).saturating_sub(1);
        Self {
            generation: generation.number,
            key: Arc::clone(&generation.key),
            segments: generation.segments[skipped..].to_vec(),
            last: generation.last,
            lost: generation.lost.clone(),
        }
    }
}

impl Journal {
    /// Continues `reading` with the records of the generation that holds the next one. False: no generation here does.
    pub(crate) fn read(&self, reading: &mut Reading) -> io::Result<bool> {
        let next = reading.after().plus(1);
        let plan = {
            let view = self.view();
            let holds = |generation: &&Generation| generation.first <= next && next <= generation.last;
            view.generations.iter().find(holds).map(|generation| Plan::new(generation, reading.after()))
        };
        let Some(plan) = plan else { return Ok(false) };
        self.read_plan(&plan, reading)?;
        Ok(true)
    }

    fn read_plan(&self, plan: &Plan, reading: &mut Reading) -> io::Result<()> {
        for segment in &plan.segments {
            let wanted = reading.after().plus(1);
            let mut frames = segment.frames(segment.offset_before(wanted));
            frames.skip_before(wanted)?;
            while let Some(found) = frames.next()? {
                let Found::Frame { offset, header, body } = found else { continue };
                let account = &self.shared.home.account;
                let place = Place { account, generation: plan.generation, segment: segment.name.number, offset };
                let Some(contents) = frame::open(&plan.key, place, &header, &body) else { continue };
                for record in contents.records {
                    if !plan.take(reading, record) {
                        return Ok(());
                    }
                }
            }
        }
        plan.lose(reading, plan.last);
        Ok(())
    }
}

impl Plan {
    /// Gives a record to the reading; false when that wants no more.
    fn take(&self, reading: &mut Reading, record: StoredRecord) -> bool {
        if record.seq <= reading.after() || record.seq > self.last {
            return true;
        }
        self.lose(reading, Seq(record.seq.0 - 1));
        if !reading.wants(&record) {
            reading.fill();
            return false;
        }
        reading.take(record);
        !reading.is_full()
    }

    /// Reports what should have come before `last` and did not.
    fn lose(&self, reading: &mut Reading, last: Seq) {
        let first = reading.after().plus(1);
        let known = self.lost.iter().find(|lost| lost.first <= first && first <= lost.last);
        let reason = known.map_or("a frame of the journal is damaged", |lost| &lost.reason);
        reading.lose(last, reason);
    }
}

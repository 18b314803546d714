//! Which segments are written anew as one.

use std::collections::HashSet;

use tantivy::SegmentMeta;
use tantivy::indexer::{LogMergePolicy, MergeCandidate, MergePolicy};

/// Share of a segment's documents that may be deleted before it is rewritten.
const DELETED_SHARE_MAX: f64 = 0.3;
/// Smaller segments are merged soon enough, and are searched fast whatever is deleted in them.
const REWRITTEN_DOCS_MIN: u32 = 10_000;

/// Segments of about one size are merged; one with much that is deleted is rewritten by itself. The engine's own policy
/// would merge it with all others of its size, time and again while documents change.
#[derive(Debug, Default)]
pub(super) struct Merging(LogMergePolicy);

impl MergePolicy for Merging {
    fn compute_merge_candidates(&self, segments: &[SegmentMeta]) -> Vec<MergeCandidate> {
        let mut candidates = self.0.compute_merge_candidates(segments);
        let merged: HashSet<_> = candidates.iter().flat_map(|candidate| candidate.0.iter().copied()).collect();
        let rewritten = segments.iter().filter(|segment| is_worn(segment) && !merged.contains(&segment.id()));
        candidates.extend(rewritten.map(|segment| MergeCandidate(vec![segment.id()])));
        candidates
    }
}

fn is_worn(segment: &SegmentMeta) -> bool {
    let deleted = f64::from(segment.num_deleted_docs()) / f64::from(segment.max_doc());
    segment.max_doc() >= REWRITTEN_DOCS_MIN && deleted > DELETED_SHARE_MAX
}

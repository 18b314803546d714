//! A query whose documents are collected before any is asked for.
//!
//! What is excluded from a search must be: the engine asks an excluding phrase for documents before its first one,
//! which phrases do not allow (tantivy 0.27, `PhraseScorer::seek_danger`).

use tantivy::query::{BitSetDocSet, ConstScorer, EnableScoring, Explanation, Query, Scorer, Weight};
use tantivy::{BitSet, DocId, DocSet, Score, SegmentReader, TERMINATED};

/// Finds what the query in it finds; all hits have the same score.
#[derive(Debug)]
pub(super) struct Collected(pub(super) Box<dyn Query>);

impl Clone for Collected {
    fn clone(&self) -> Self {
        Self(self.0.box_clone())
    }
}

impl Query for Collected {
    fn weight(&self, scoring: EnableScoring<'_>) -> tantivy::Result<Box<dyn Weight>> {
        Ok(Box::new(CollectedWeight(self.0.weight(scoring)?)))
    }
}

struct CollectedWeight(Box<dyn Weight>);

impl Weight for CollectedWeight {
    fn scorer(&self, reader: &SegmentReader, boost: Score) -> tantivy::Result<Box<dyn Scorer>> {
        let mut found = BitSet::with_max_value(reader.max_doc());
        let mut docs = self.0.scorer(reader, boost)?;
        while docs.doc() != TERMINATED {
            found.insert(docs.doc());
            docs.advance();
        }
        Ok(Box::new(ConstScorer::new(BitSetDocSet::from(found), boost)))
    }

    fn explain(&self, reader: &SegmentReader, doc: DocId) -> tantivy::Result<Explanation> {
        self.0.explain(reader, doc)
    }
}

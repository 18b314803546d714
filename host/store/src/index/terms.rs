//! A query for all documents with a term that a predicate accepts: wildcards and ranges of keywords.

use std::fmt;
use std::sync::Arc;

use tantivy::query::{BitSetDocSet, ConstScorer, EnableScoring, Explanation, Query, Scorer, Weight};
use tantivy::schema::{Field, IndexRecordOption};
use tantivy::termdict::TermDictionary;
use tantivy::{BitSet, DocId, DocSet, Score, SegmentReader, TantivyError};

type Accepts = dyn Fn(&str) -> bool + Send + Sync;

/// Looks at each term that begins with `prefix`; `accepts` sees it whole.
#[derive(Clone)]
pub(super) struct TermsWhere {
    pub(super) field: Field,
    pub(super) prefix: String,
    pub(super) accepts: Arc<Accepts>,
}

impl fmt::Debug for TermsWhere {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TermsWhere").field("field", &self.field).field("prefix", &self.prefix).finish_non_exhaustive()
    }
}

impl Query for TermsWhere {
    fn weight(&self, _: EnableScoring<'_>) -> tantivy::Result<Box<dyn Weight>> {
        Ok(Box::new(self.clone()))
    }
}

impl Weight for TermsWhere {
    fn scorer(&self, reader: &SegmentReader, boost: Score) -> tantivy::Result<Box<dyn Scorer>> {
        let postings = reader.inverted_index(self.field)?;
        let mut found = BitSet::with_max_value(reader.max_doc());
        self.each(postings.terms(), |term| {
            let mut blocks = postings.read_block_postings_from_terminfo(term, IndexRecordOption::Basic)?;
            while !blocks.docs().is_empty() {
                for doc in blocks.docs() {
                    found.insert(*doc);
                }
                blocks.advance();
            }
            Ok(())
        })?;
        Ok(Box::new(ConstScorer::new(BitSetDocSet::from(found), boost)))
    }

    fn explain(&self, reader: &SegmentReader, doc: DocId) -> tantivy::Result<Explanation> {
        let mut scorer = self.scorer(reader, 1.0)?;
        if scorer.seek(doc) == doc {
            Ok(Explanation::new("TermsWhere", 1.0))
        } else {
            Err(TantivyError::InvalidArgument(format!("document {doc} does not match")))
        }
    }
}

impl TermsWhere {
    fn each(
        &self,
        terms: &TermDictionary,
        mut visit: impl FnMut(&tantivy::postings::TermInfo) -> std::io::Result<()>,
    ) -> std::io::Result<()> {
        let mut terms = terms.range().ge(&self.prefix).into_stream()?;
        while let Some((term, place)) = terms.next() {
            if !term.starts_with(self.prefix.as_bytes()) {
                break;
            }
            if std::str::from_utf8(term).is_ok_and(|term| (self.accepts)(term)) {
                visit(place)?;
            }
        }
        Ok(())
    }
}

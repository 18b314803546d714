//! Collecting by blocks of documents: columns are read faster by many at once.

use tantivy::collector::SegmentCollector;
use tantivy::{COLLECT_BLOCK_BUFFER_LEN, DocId, Score};

/// What is collected from one segment, block by block.
pub(super) trait Block: 'static {
    /// What comes of it.
    type Fruit: Send + 'static;

    /// Takes at most [`COLLECT_BLOCK_BUFFER_LEN`] documents, in their order.
    fn take(&mut self, docs: &[DocId]);

    /// The end of the segment.
    fn end(self) -> Self::Fruit;
}

/// Makes blocks also where documents are given one by one, as they are where some are deleted.
pub(super) struct Blocks<B> {
    waiting: Vec<DocId>,
    of: B,
}

impl<B: Block> Blocks<B> {
    pub(super) fn new(of: B) -> Self {
        Self { waiting: Vec::with_capacity(COLLECT_BLOCK_BUFFER_LEN), of }
    }
}

impl<B: Block> SegmentCollector for Blocks<B> {
    type Fruit = B::Fruit;

    fn collect(&mut self, doc: DocId, _: Score) {
        self.waiting.push(doc);
        if self.waiting.len() == COLLECT_BLOCK_BUFFER_LEN {
            self.of.take(&self.waiting);
            self.waiting.clear();
        }
    }

    fn collect_block(&mut self, docs: &[DocId]) {
        docs.chunks(COLLECT_BLOCK_BUFFER_LEN).for_each(|docs| self.of.take(docs));
    }

    fn harvest(mut self) -> B::Fruit {
        self.of.take(&self.waiting);
        self.of.end()
    }
}

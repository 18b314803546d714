//! What one step of a reader brings: records, or response bodies for the host to cut into records, and where to go on.

use serde::Serialize;

use crate::http::Response;
use crate::record::RawRecord;

/// Result of one step. Its cursor and its content are committed in one transaction.
#[must_use]
pub struct Page<C> {
    pub(crate) content: Content,
    pub(crate) cursor: Option<C>,
    pub(crate) done: bool,
}

pub(crate) enum Content {
    Records(Vec<RawRecord>),
    Extract(Vec<Extract>),
}

impl<C> Page<C> {
    /// A page without records that keeps the cursor; say [`next`](Self::next) or [`done`](Self::done).
    pub fn empty() -> Self {
        Self::records(Vec::new())
    }

    /// Records made by the plugin, at most 5,000 and 16 MiB.
    pub fn records(records: Vec<RawRecord>) -> Self {
        Self { content: Content::Records(records), cursor: None, done: false }
    }

    /// Records the host cuts from a response, so that its bytes never enter the plugin. `items` is the RFC 6901
    /// pointer to the array; say at least the [`key`](Self::key) then.
    pub fn extract(body: Response, items: &str) -> Self {
        let extract = Extract {
            body,
            items: items.to_owned(),
            key_prefix: String::new(),
            key: "/id".to_owned(),
            version: None,
            context: None,
        };
        Self { content: Content::Extract(vec![extract]), cursor: None, done: false }
    }

    /// Pointer inside one element to the text or whole number that is its key. `/id` unless told.
    pub fn key(self, pointer: &str) -> Self {
        self.each(|extract| pointer.clone_into(&mut extract.key))
    }

    /// Put before each key, such as the parent's key and `/`.
    pub fn key_prefix(self, prefix: &str) -> Self {
        self.each(|extract| prefix.clone_into(&mut extract.key_prefix))
    }

    /// Pointer inside one element to the whole number or time that is its version.
    pub fn version(self, pointer: &str) -> Self {
        self.each(|extract| extract.version = Some(pointer.to_owned()))
    }

    /// Context given to each record.
    pub fn context(self, context: &impl Serialize) -> Self {
        self.each(|extract| extract.context = serde_json::to_string(context).ok())
    }

    /// Goes on from `cursor` with the next step.
    pub fn next(mut self, cursor: C) -> Self {
        self.cursor = Some(cursor);
        self
    }

    /// Nothing more to read for now; the next pass goes on from `cursor`.
    pub fn done_at(mut self, cursor: C) -> Self {
        (self.cursor, self.done) = (Some(cursor), true);
        self
    }

    /// Nothing more to read for now; the cursor stays as it was.
    pub fn done(mut self) -> Self {
        self.done = true;
        self
    }

    /// Goes on from `cursor` if there is one, is done if not.
    pub fn next_or_done(self, cursor: Option<C>) -> Self {
        match cursor {
            Some(cursor) => self.next(cursor),
            None => self.done(),
        }
    }

    fn each(mut self, change: impl Fn(&mut Extract)) -> Self {
        if let Content::Extract(extracts) = &mut self.content {
            extracts.iter_mut().for_each(change);
        }
        self
    }
}

/// A response body for the host to cut.
pub(crate) struct Extract {
    pub(crate) body: Response,
    pub(crate) items: String,
    pub(crate) key_prefix: String,
    pub(crate) key: String,
    pub(crate) version: Option<String>,
    pub(crate) context: Option<String>,
}

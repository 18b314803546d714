//! Webhook deliveries and what they mean.

use weir_model::Timestamp;

use crate::record::RawRecord;

/// One call from the tool; origin, size and signature were checked by the host.
#[derive(Debug, Clone, PartialEq)]
pub struct Delivery {
    /// Headers, names in lower case.
    pub headers: Vec<(String, String)>,
    /// Query parameters, decoded, in order.
    pub query: Vec<(String, String)>,
    /// Body as it came.
    pub body: Vec<u8>,
    /// When the host took it.
    pub received_at: Timestamp,
}

impl Delivery {
    /// First header of that name, in any case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }
}

/// Records for one dataset.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Batch {
    /// Dataset of the same connector, or one that only webhooks feed.
    pub dataset: String,
    /// The records, with the keys that polling gives the same things.
    pub records: Vec<RawRecord>,
}

/// A delivery that brings something.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Accepted {
    /// Id the tool gave the delivery; a second one with the same id is dropped.
    pub id: Option<String>,
    /// Records.
    pub batches: Vec<Batch>,
    /// Datasets to poll soon.
    pub refresh: Vec<String>,
}

impl Accepted {
    /// Adds records of a dataset.
    #[must_use]
    pub fn with(mut self, dataset: &str, records: Vec<RawRecord>) -> Self {
        self.batches.push(Batch { dataset: dataset.to_owned(), records });
        self
    }

    /// Asks the host to poll a dataset soon.
    #[must_use]
    pub fn refresh(mut self, dataset: &str) -> Self {
        self.refresh.push(dataset.to_owned());
        self
    }
}

/// What a delivery means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decoded {
    /// Take these.
    Accepted(Accepted),
    /// Not of interest; short, stable, dotted reason.
    Ignored(String),
    /// A handshake: answer with this text, store nothing.
    Challenge(String),
}

impl From<Accepted> for Decoded {
    fn from(accepted: Accepted) -> Self {
        Self::Accepted(accepted)
    }
}

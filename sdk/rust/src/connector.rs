//! What a connector is: a cursor turned into requests, pages into raw records, records into entities.
//!
//! No function here keeps anything between calls: the host may drop a reader after any step and open another from the
//! last committed cursor, and must get the same set of keys.

use std::any::Any;
use std::cell::OnceCell;
use std::rc::Rc;

use serde::Serialize;
use serde::de::DeserializeOwned;
use weir_model::Timestamp;

use crate::failure::Failure;
use crate::http::{Call, Connection};
use crate::outcome::Outcome;
use crate::page::Page;
use crate::raw::Raw;
use crate::record::RawRecord;
use crate::webhook::{Decoded, Delivery};

/// A connector that polls. Export it with [`export_connector!`](crate::export_connector).
pub trait Connector: 'static {
    /// The JSON object the operator configured, checked against the schema in the manifest.
    type Settings: DeserializeOwned;
    /// Position at the tool; stored as JSON behind one byte, [`CURSOR_VERSION`](Self::CURSOR_VERSION).
    type Cursor: Serialize + DeserializeOwned;
    /// Grows whenever `Cursor` changes in a way that old ones do not read as.
    const CURSOR_VERSION: u8 = 1;

    /// Tries the connection: credentials, reachability, permissions. Reads only, within 10 s.
    fn check(connection: &Connection<'_>, settings: &Self::Settings) -> Result<Checkup, Failure>;

    /// What can be read with these settings.
    fn datasets(settings: &Self::Settings) -> Vec<Dataset>;

    /// Reads a bit more: few requests, then a page.
    fn step(run: &Run<Self::Settings>, cursor: Option<Self::Cursor>) -> Result<Page<Self::Cursor>, Failure>;

    /// Makes entities from one raw record. Pure: the same record and settings give the same outcome, always.
    fn normalize(dataset: &str, settings: &Self::Settings, raw: &Raw<'_>) -> Outcome;

    /// Reads a cursor of an older version; none when it is no longer usable, which starts a full pass.
    fn upgrade(version: u8, json: &[u8]) -> Option<Self::Cursor> {
        let _ = (version, json);
        None
    }
}

/// A connector that takes the tool's webhooks too. Export it with
/// [`export_connector_with_webhook!`](crate::export_connector_with_webhook).
pub trait Webhook: Connector {
    /// Decodes one delivery into raw records with the keys and shapes that polling gives the same things. As pure as
    /// [`Connector::normalize`]. Origin, size and signature were checked by the host.
    fn decode(settings: &Self::Settings, delivery: &Delivery) -> Result<Decoded, Failure>;
}

/// A dataset a connector offers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dataset {
    /// Stable name, lower case, `[a-z0-9-]`, at most 64 bytes.
    pub name: &'static str,
    /// Media type of the payloads.
    pub media: &'static str,
    /// Kinds of entity made from it.
    pub produces: &'static [&'static str],
    /// The tool can be asked for what changed since; otherwise every pass is full.
    pub incremental: bool,
    /// The tool drops old records by itself: what a full pass does not see is not taken as deleted.
    pub rotates: bool,
    /// Dataset whose records this one is read under, one reader for each.
    pub parent: Option<&'static str>,
}

impl Dataset {
    /// An incremental dataset of JSON records without a parent.
    pub const fn new(name: &'static str, produces: &'static [&'static str]) -> Self {
        Self { name, media: "application/json", produces, incremental: true, rotates: false, parent: None }
    }

    /// Says that every pass is full.
    #[must_use]
    pub const fn full_only(mut self) -> Self {
        self.incremental = false;
        self
    }

    /// Says that the tool drops old records by itself, as CI servers drop builds.
    #[must_use]
    pub const fn rotating(mut self) -> Self {
        self.rotates = true;
        self
    }

    /// Says which dataset's records it is read under.
    #[must_use]
    pub const fn under(mut self, parent: &'static str) -> Self {
        self.parent = Some(parent);
        self
    }
}

/// What [`Connector::check`] found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Checkup {
    /// Product and version on the other side: `Jira 9.12`.
    pub tool: String,
    /// Whom the tool takes the credentials for.
    pub identity: Option<String>,
    /// Permissions that are missing, each with what will not be read for it.
    pub missing: Vec<String>,
}

/// How much to read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pass {
    /// From the cursor on.
    Incremental,
    /// Everything since [`Run::since`]. What is not seen by the end counts as deleted.
    Full,
}

/// One run through one dataset: the order, the settings and the granted connection.
pub struct Run<S> {
    /// Dataset to read.
    pub dataset: String,
    /// Record it is read under, for a dataset with a parent.
    pub parent: Option<RawRecord>,
    /// Settings of the connector.
    pub settings: S,
    /// How much to read.
    pub pass: Pass,
    /// "Now" of this run; there is no other clock.
    pub run_at: Timestamp,
    /// Earliest update time of interest.
    pub since: Option<Timestamp>,
    pub(crate) connection: Connection<'static>,
    pub(crate) memo: OnceCell<Rc<dyn Any>>,
}

impl<S> Run<S> {
    /// The granted connection.
    pub fn connection(&self) -> &Connection<'static> {
        &self.connection
    }

    /// Whether only what changed is wanted.
    pub fn is_incremental(&self) -> bool {
        self.pass == Pass::Incremental
    }

    /// Begins a GET of an encoded path.
    pub fn get(&self, path: impl Into<String>) -> Call<'_> {
        self.connection.get(path)
    }

    /// Begins a GET of an absolute URL that a response named.
    pub fn follow(&self, link: impl Into<String>) -> Call<'_> {
        self.connection.follow(link)
    }

    /// Keeps one value for as long as this reader lives, such as a list of projects. A reader opened later makes it
    /// anew, so it must be the same again. A run holds one such value, of one type.
    pub fn remember<T: 'static>(&self, make: impl FnOnce() -> Result<T, Failure>) -> Result<Rc<T>, Failure> {
        if self.memo.get().is_none() {
            let value: Rc<dyn Any> = Rc::new(make()?);
            let _ = self.memo.set(value);
        }
        let kept = self.memo.get().and_then(|kept| Rc::clone(kept).downcast().ok());
        kept.ok_or_else(|| Failure::internal("run.memo", "two types were remembered in one run"))
    }
}

/// Settings as a type.
pub(crate) fn read_settings<S: DeserializeOwned>(settings: &str) -> Result<S, Failure> {
    let settings = if settings.trim().is_empty() { "{}" } else { settings };
    serde_json::from_str(settings)
        .map_err(|error| Failure::config("settings.unreadable", format!("the settings do not fit: {error}")))
}

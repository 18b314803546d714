//! What a connector is: a cursor turned into requests, pages into raw records, records into entities.
//!
//! No function here keeps anything between calls: the host may drop a reader after any step and open another from the
//! last committed cursor, and must get the same set of keys.

use std::any::Any;
use std::cell::OnceCell;
use std::rc::Rc;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use weir_model::Timestamp;

use crate::failure::Failure;
use crate::http::{Call, Connection};
use crate::outcome::Outcome;
use crate::page::Page;
use crate::raw::Raw;
use crate::record::RawRecord;
use crate::settings::Since;
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
    fn datasets(settings: &Self::Settings) -> Result<Vec<Dataset>, Failure>;

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

    /// Those of the datasets that are wanted, all when none is named. What a wanted one is read under comes with it.
    /// Refuses a name that is none of theirs.
    pub fn chosen(all: &[Self], wanted: &[String]) -> Result<Vec<Self>, Failure> {
        if let Some(unknown) = wanted.iter().find(|name| !all.iter().any(|dataset| dataset.name == **name)) {
            let known: Vec<_> = all.iter().map(|dataset| dataset.name).collect();
            let message = format!("`datasets` names `{unknown}`; there are {}", known.join(", "));
            return Err(Failure::config("settings.datasets", message));
        }
        Ok(all.iter().filter(|dataset| dataset.is_wanted(all, wanted)).cloned().collect())
    }

    fn is_wanted(&self, all: &[Self], wanted: &[String]) -> bool {
        let mut children = all.iter().filter(|child| child.parent == Some(self.name));
        wanted.is_empty()
            || wanted.iter().any(|name| name == self.name)
            || children.any(|child| child.is_wanted(all, wanted))
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

    /// The record the dataset is read under.
    pub fn parent(&self) -> Result<&RawRecord, Failure> {
        let missing = || format!("`{}` is read under a record, and there is none", self.dataset);
        self.parent.as_ref().ok_or_else(|| Failure::internal("run.parent", missing()))
    }

    /// What the record the dataset is read under says of where it belongs.
    pub fn parent_context<'a, T: Deserialize<'a>>(&'a self) -> Result<T, Failure> {
        let unknown = || format!("`{}` is read under a record that does not say where it belongs", self.dataset);
        self.parent()?.read_context().ok_or_else(|| Failure::internal("run.parent", unknown()))
    }

    /// Earliest time of interest in milliseconds: the later of the host's and of the one in the settings.
    pub fn floor(&self, since: Option<Since>) -> Option<i64> {
        self.since.map(Timestamp::ms).max(since.map(Since::ms))
    }

    /// Fails because the connector knows no such dataset.
    pub fn unknown_dataset(&self) -> Failure {
        Failure::config("dataset.unknown", format!("there is no dataset `{}` to read", self.dataset))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_wanted_dataset_is_read_under_comes_with_it() {
        let all = [
            Dataset::new("pulls", &[]),
            Dataset::new("reviews", &[]).under("pulls"),
            Dataset::new("replies", &[]).under("reviews"),
            Dataset::new("tags", &[]),
        ];
        let chosen = |wanted: &[&str]| {
            let wanted: Vec<_> = wanted.iter().map(|name| (*name).to_owned()).collect();
            let chosen = Dataset::chosen(&all, &wanted).map_err(|failure| failure.message);
            chosen.map(|datasets| datasets.iter().map(|dataset| dataset.name).collect::<Vec<_>>())
        };
        assert_eq!(chosen(&[]), Ok(vec!["pulls", "reviews", "replies", "tags"]));
        assert_eq!(chosen(&["replies"]), Ok(vec!["pulls", "reviews", "replies"]));
        assert_eq!(chosen(&["tags"]), Ok(vec!["tags"]));
        let unknown = "`datasets` names `tag`; there are pulls, reviews, replies, tags";
        assert_eq!(chosen(&["tags", "tag"]), Err(unknown.to_owned()));
    }
}

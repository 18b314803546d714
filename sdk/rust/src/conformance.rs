//! The promises of a connector, checked against its own cassette: nothing lost by a kill, a fault or an odd answer, never
//! a panic, every failure of the kind that has the host do the right thing.
//!
//! One call in a test is enough; see [`check`]. A promise that is broken fails the test and names request and fault.

mod drift;
mod faults;

use std::collections::BTreeSet;
use std::rc::Rc;

use weir_model::{DurationMs, Timestamp};

use crate::connector::{Connector, read_settings};
use crate::mock::{self, Cassette, Collected, Order, Trouble, Where};
use crate::record::{Op, RawRecord};

/// A day, in milliseconds: further off than clocks usually are.
const SKEW_MS: u64 = 24 * 60 * 60 * 1_000;

/// What a connector is checked with.
#[derive(Clone, Copy)]
pub struct Case<'a> {
    make: &'a dyn Fn() -> Cassette,
    settings: &'a str,
    parents: &'a [(&'a str, &'a str)],
}

impl<'a> Case<'a> {
    /// A cassette that answers every request of a full pass over every dataset, and settings to read it with.
    pub fn new(cassette: &'a dyn Fn() -> Cassette, settings: &'a str) -> Self {
        Self { make: cassette, settings, parents: &[] }
    }

    /// Reads children only under these records, each a dataset and a key; without this, under all.
    #[must_use]
    pub fn parents(self, parents: &'a [(&'a str, &'a str)]) -> Self {
        Self { parents, ..self }
    }

    fn collect<C: Connector>(&self, order: &Order) -> Collected {
        mock::collect::<C>(&Rc::new((self.make)()), order)
    }

    fn collect_in_trouble<C: Connector>(&self, order: &Order, place: Where, trouble: Trouble) -> Collected {
        mock::collect::<C>(&Rc::new((self.make)().troubled(place, trouble)), order)
    }

    fn is_parent(&self, dataset: &str, record: &RawRecord) -> bool {
        self.parents.is_empty() || self.parents.contains(&(dataset, &record.key))
    }
}

/// Checks every promise on every dataset.
///
/// ```
/// # use weir_sdk::conformance::{self, Case};
/// # fn check<C: weir_sdk::Connector>() {
/// let cassette = || weir_sdk::mock::Cassette::read("[]").expect("a list of exchanges");
/// conformance::check::<C>(&Case::new(&cassette, r#"{"projects": ["acme"]}"#));
/// # }
/// ```
///
/// # Panics
/// When a promise is broken.
pub fn check<C: Connector>(case: &Case<'_>) {
    let passes = passes::<C>(case);
    for pass in &passes {
        repeats::<C>(case, pass);
        survives_kills::<C>(case, pass);
        survives_other_orders::<C>(case, pass);
        survives_skew::<C>(case, pass);
        faults::survives::<C>(case, pass);
    }
    drift::survives::<C>(case.settings, &passes);
}

/// A full pass that nothing disturbed.
struct Pass {
    order: Order,
    media: &'static str,
    records: Vec<RawRecord>,
    steps: usize,
    n_requests: usize,
}

impl Pass {
    fn keys(&self) -> BTreeSet<&str> {
        keys(&self.records)
    }

    fn name(&self) -> String {
        let parent = self.order.parent.as_ref().map(|parent| format!(" under {}", parent.key));
        format!("{}{}", self.order.dataset, parent.unwrap_or_default())
    }
}

fn keys(records: &[RawRecord]) -> BTreeSet<&str> {
    records.iter().filter(|record| record.op == Op::Upsert).map(|record| record.key.as_str()).collect()
}

/// A full pass through every dataset, parents before what lies under them.
fn passes<C: Connector>(case: &Case<'_>) -> Vec<Pass> {
    let settings = read_settings(case.settings).expect("the settings of a case fit");
    let mut waiting = C::datasets(&settings).expect("the settings of a case fit");
    let mut passes: Vec<Pass> = Vec::new();
    while !waiting.is_empty() {
        let ready = |dataset: &crate::connector::Dataset| {
            dataset.parent.is_none_or(|parent| passes.iter().any(|pass| pass.order.dataset == parent))
        };
        let at =
            waiting.iter().position(ready).expect("the parent of a dataset is one, and has records in the cassette");
        let dataset = waiting.remove(at);
        let order = Order::full(dataset.name, case.settings);
        let orders = match dataset.parent {
            None => vec![order],
            Some(parent) => parents(case, &passes, parent).map(|record| order.clone().under(record)).collect(),
        };
        passes.extend(orders.into_iter().map(|order| undisturbed::<C>(case, dataset.media, order)));
    }
    passes
}

fn parents<'a>(case: &'a Case<'_>, passes: &'a [Pass], dataset: &'a str) -> impl Iterator<Item = RawRecord> + 'a {
    let records = passes.iter().filter(move |pass| pass.order.dataset == dataset).flat_map(|pass| &pass.records);
    records.filter(move |record| case.is_parent(dataset, record)).cloned()
}

fn undisturbed<C: Connector>(case: &Case<'_>, media: &'static str, order: Order) -> Pass {
    let cassette = Rc::new((case.make)());
    let collected = mock::collect::<C>(&cassette, &order);
    let pass =
        Pass { media, steps: collected.steps, n_requests: cassette.heard().len(), records: collected.records, order };
    assert_eq!(collected.failure, None, "{}: an undisturbed pass fails after {:?}", pass.name(), cassette.heard());
    assert!(
        !pass.records.iter().any(RawRecord::is_unreadable),
        "{}: the cassette has records without a key",
        pass.name()
    );
    let sizes = pass.records.iter().map(|record| record.key.len());
    assert!(sizes.clone().all(|size| (1..=512).contains(&size)), "{}: a key is 1 to 512 bytes", pass.name());
    pass
}

/// The same answers give the same records, byte for byte.
fn repeats<C: Connector>(case: &Case<'_>, pass: &Pass) {
    let again = case.collect::<C>(&pass.order);
    assert!(again.records == pass.records, "{}: the same answers gave other records", pass.name());
}

/// Killed before a page was kept, the next reader goes on from the cursor before it.
fn survives_kills<C: Connector>(case: &Case<'_>, pass: &Pass) {
    for killed_in in 0..pass.steps {
        let cassette = Rc::new((case.make)());
        let mut kept = mock::collect_steps::<C>(&cassette, &pass.order, killed_in);
        assert_eq!(kept.failure, None, "{}: step {killed_in}", pass.name());
        // The page that was under way is lost, and with it its cursor.
        let _ = mock::collect_steps::<C>(&cassette, &resumed(pass, &kept), 1);
        let rest = mock::collect::<C>(&cassette, &resumed(pass, &kept));
        assert_eq!(rest.failure, None, "{}: resumed after a kill in step {killed_in}", pass.name());
        kept.records.extend(rest.records);
        assert_eq!(keys(&kept.records), pass.keys(), "{}: killed in step {killed_in} and resumed", pass.name());
    }
}

/// The order to go on from what was kept.
fn resumed(pass: &Pass, kept: &Collected) -> Order {
    Order { cursor: kept.cursor.clone(), ..pass.order.clone() }
}

/// Items that come in another order, or twice, are still the same items.
fn survives_other_orders<C: Connector>(case: &Case<'_>, pass: &Pass) {
    let trouble: Trouble = Box::new(|answer| Ok(mock::Answer { body: faults::shuffled(&answer.body), ..answer }));
    let collected = case.collect_in_trouble::<C>(&pass.order, Where::Everywhere, trouble);
    assert_eq!(collected.failure, None, "{}: items in another order", pass.name());
    assert_eq!(keys(&collected.records), pass.keys(), "{}: items in another order", pass.name());
}

/// Our clock and the tool's need not agree.
fn survives_skew<C: Connector>(case: &Case<'_>, pass: &Pass) {
    let late = pass.order.run_at.plus(DurationMs(SKEW_MS));
    let early = Timestamp::from_ms(pass.order.run_at.ms() - i64::try_from(SKEW_MS).unwrap_or(0));
    for run_at in [late, early] {
        let collected = case.collect::<C>(&Order { run_at, ..pass.order.clone() });
        // A connector that slices time asks for slices the cassette does not have.
        let is_unscripted = collected.failure.as_ref().is_some_and(|failure| failure.code == "http.denied");
        if !is_unscripted {
            assert_eq!(collected.failure, None, "{}: at {run_at}", pass.name());
            assert_eq!(keys(&collected.records), pass.keys(), "{}: at {run_at}", pass.name());
        }
    }
}

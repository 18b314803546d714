//! From raw records to entities, in batches. Always one outcome per record: a batch that brings the plugin down is
//! halved until the guilty record is found, and that one is rejected with the reason.
//!
//! A batch runs in a store of its own, so that no record can see another one of an earlier batch.

use std::ops::Range;

use weir_model::diagnostic::{Diagnostic, DiagnosticKind};
use weir_model::{Op, RawRecord};

use crate::bindings::{PluginEntity, normalizer, raw};
use crate::context::Purpose;
use crate::error::{Blame, CallError, CallErrorKind};
use crate::limits::Limits;
use crate::page::{check_key, to_guest};
use crate::plugin::{Plugin, host, missing};
use crate::run::{Budget, limited};

/// Diagnostics kept of one record.
const DIAGNOSTICS_MAX: usize = 100;
/// Longest code and place of a diagnostic, in bytes.
const CODE_BYTES_MAX: usize = 128;
const PLACE_BYTES_MAX: usize = 1024;
/// A part of a batch that used up its CPU gets this share of it.
const PART_CPU_DIVISOR: u32 = 4;

/// What became of one record.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// Entities, with findings if any.
    Produced {
        /// At least one.
        entities: Vec<PluginEntity>,
        /// What had to be left out or guessed.
        diagnostics: Vec<Diagnostic>,
    },
    /// No entity could be made; why.
    Rejected(Vec<Diagnostic>),
    /// Not of interest by design; the reason.
    Ignored(String),
}

impl Plugin {
    /// Normalises records of one dataset. One outcome per record, in the same order.
    pub async fn normalize(
        &self,
        dataset: &str,
        settings: &str,
        records: &[RawRecord],
    ) -> Result<Vec<Outcome>, CallError> {
        let mut outcomes = Vec::with_capacity(records.len());
        for batch in batches(records, self.limits()) {
            let batch = Batch { plugin: self, dataset, settings, records: &records[batch] };
            outcomes.extend(batch.outcomes().await.map_err(|kind| self.error("normalize", kind))?);
        }
        Ok(outcomes)
    }
}

/// Cuts records into batches that fit the contract; a record larger than a batch goes alone.
fn batches(records: &[RawRecord], limits: &Limits) -> Vec<Range<usize>> {
    let mut batches = Vec::new();
    let (mut start, mut bytes) = (0, 0);
    for (index, record) in records.iter().enumerate() {
        let size = record.size();
        let is_full = index - start == limits.batch_records_max || bytes + size > limits.batch_bytes_max;
        if is_full && index > start {
            batches.push(start..index);
            (start, bytes) = (index, 0);
        }
        bytes += size;
    }
    if start < records.len() {
        batches.push(start..records.len());
    }
    batches
}

struct Batch<'a> {
    plugin: &'a Plugin,
    dataset: &'a str,
    settings: &'a str,
    records: &'a [RawRecord],
}

impl Batch<'_> {
    async fn outcomes(&self) -> Result<Vec<Outcome>, CallErrorKind> {
        // The plugin is not asked about deletes: what they withdraw, the host knows.
        let is_upsert = |record: &&RawRecord| record.op == Op::Upsert;
        let asked: Vec<_> = self.records.iter().filter(is_upsert).map(to_guest).collect();
        let mut answers = self.halve(&asked).await?.into_iter();
        let outcome = |record: &RawRecord| match record.op {
            Op::Upsert => answers.next(),
            Op::Delete => Some(Outcome::Ignored("weir.delete".to_owned())),
        };
        Ok(self.records.iter().map_while(outcome).collect())
    }

    /// Goes on with halves where a part fails, left to right, so that outcomes come in order.
    async fn halve(&self, records: &[raw::RawRecord]) -> Result<Vec<Outcome>, CallErrorKind> {
        let limits = self.plugin.limits();
        let mut cpu = limits.normalize_cpu;
        let mut faults_left = limits.batch_faults_max;
        let mut outcomes = Vec::with_capacity(records.len());
        let mut parts = vec![records];
        while let Some(part) = parts.pop() {
            if part.is_empty() {
                continue;
            }
            let budget = Budget { cpu, wall: limits.normalize_wall };
            let error = match self.call(part, budget).await {
                Ok(part) => {
                    outcomes.extend(part);
                    continue;
                }
                Err(kind) => self.plugin.error("normalize", kind),
            };
            if !matches!(error.blame(), Blame::Plugin) && !matches!(error.kind, CallErrorKind::Deadline { .. }) {
                return Err(error.kind);
            }
            cpu = limits.normalize_cpu / PART_CPU_DIVISOR;
            if part.len() == 1 || faults_left == 0 {
                faults_left = faults_left.saturating_sub(1);
                outcomes.extend(part.iter().map(|_| guilty(&error)));
            } else {
                let (first, second) = part.split_at(part.len() / 2);
                parts.extend([second, first]);
            }
        }
        Ok(outcomes)
    }

    async fn call(&self, records: &[raw::RawRecord], budget: Budget) -> Result<Vec<Outcome>, CallErrorKind> {
        let indices = self.plugin.exports.normalizer.as_ref().ok_or_else(|| missing("normalizer"))?;
        let mut run = self.plugin.run(Purpose::pure(), budget).await?;
        let guest = indices.load(&mut run.store, &run.instance).map_err(host)?;
        let called = limited(budget, guest.call_normalize(&mut run.store, self.dataset, self.settings, records)).await;
        let outcomes = run.judge(budget, called)?;
        if outcomes.len() != records.len() {
            let (found, asked) = (outcomes.len(), records.len());
            return Err(CallErrorKind::Invalid(format!("`normalize` gave {found} outcomes for {asked} records")));
        }
        Ok(outcomes.into_iter().map(|outcome| check_outcome(outcome, self.plugin.limits())).collect())
    }
}

/// The outcome of a record that brought the plugin down.
fn guilty(error: &CallError) -> Outcome {
    let kind = DiagnosticKind::Unknown("plugin-failed".to_owned());
    Outcome::Rejected(vec![Diagnostic::new(kind, error.code()).found(&error.kind.to_string())])
}

fn check_outcome(outcome: normalizer::Outcome, limits: &Limits) -> Outcome {
    match outcome {
        normalizer::Outcome::Produced(produced) => check_produced(produced, limits),
        normalizer::Outcome::Rejected(diagnostics) if diagnostics.is_empty() => {
            Outcome::Rejected(vec![Diagnostic::new(DiagnosticKind::Unsupported, "weir.rejected.unexplained")])
        }
        normalizer::Outcome::Rejected(diagnostics) => Outcome::Rejected(diagnostics_from(diagnostics)),
        normalizer::Outcome::Ignored(reason) => {
            Outcome::Ignored(crate::output::cut(&reason, CODE_BYTES_MAX).to_owned())
        }
    }
}

fn check_produced(produced: normalizer::Produced, limits: &Limits) -> Outcome {
    let mut diagnostics = diagnostics_from(produced.diagnostics);
    let mut entities = Vec::with_capacity(produced.entities.len());
    for entity in produced.entities {
        match check_entity(&entity, limits) {
            Ok(()) => entities.push(entity),
            Err(diagnostic) => diagnostics.push(diagnostic),
        }
    }
    if !entities.is_empty() {
        return Outcome::Produced { entities, diagnostics };
    }
    diagnostics.push(Diagnostic::new(DiagnosticKind::Missing, "weir.entity.none"));
    Outcome::Rejected(diagnostics)
}

fn check_entity(entity: &PluginEntity, limits: &Limits) -> Result<(), Diagnostic> {
    let malformed = |code: &str, found: &str| Err(Diagnostic::new(DiagnosticKind::Malformed, code).found(found));
    let is_kind_byte = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    if !(1..=64).contains(&entity.kind.len()) || !entity.kind.bytes().all(is_kind_byte) {
        return malformed("weir.entity.kind", &entity.kind);
    }
    if check_key(&entity.key).is_err() {
        return malformed("weir.entity.key", &entity.key);
    }
    let size = entity.document.len();
    if size > limits.document_bytes_max {
        return malformed("weir.entity.size", &format!("{size} bytes"));
    }
    Ok(())
}

fn diagnostics_from(diagnostics: Vec<normalizer::Diagnostic>) -> Vec<Diagnostic> {
    let excess = diagnostics.len().saturating_sub(DIAGNOSTICS_MAX);
    let mut kept: Vec<_> = diagnostics.into_iter().take(DIAGNOSTICS_MAX).map(diagnostic_from).collect();
    if excess > 0 {
        let cut = Diagnostic::new(DiagnosticKind::Truncated, "weir.diagnostics.cut");
        kept.push(cut.found(&format!("{excess} more")));
    }
    kept
}

fn diagnostic_from(diagnostic: normalizer::Diagnostic) -> Diagnostic {
    use normalizer::DiagnosticKind as Kind;
    let kind = match diagnostic.kind {
        Kind::Malformed => DiagnosticKind::Malformed,
        Kind::Missing => DiagnosticKind::Missing,
        Kind::WrongType => DiagnosticKind::WrongType,
        Kind::BadTime => DiagnosticKind::BadTime,
        Kind::UnknownWord => DiagnosticKind::UnknownWord,
        Kind::Conflicting => DiagnosticKind::Conflicting,
        Kind::Truncated => DiagnosticKind::Truncated,
        Kind::Unsupported => DiagnosticKind::Unsupported,
        Kind::Unknown(word) => DiagnosticKind::Unknown(crate::output::cut(&word, CODE_BYTES_MAX).to_owned()),
    };
    let mut checked = Diagnostic::new(kind, crate::output::cut(&diagnostic.code, CODE_BYTES_MAX));
    checked.place = diagnostic.place.map(|place| crate::output::cut(&place, PLACE_BYTES_MAX).to_owned());
    match diagnostic.found {
        Some(found) => checked.found(&found),
        None => checked,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ranges(sizes: &[usize], limits: &Limits) -> Vec<Range<usize>> {
        let records: Vec<_> = sizes.iter().map(|size| RawRecord::upsert("", None, vec![0; *size])).collect();
        batches(&records, limits)
    }

    #[test]
    fn batches_end_at_either_limit() {
        let limits = Limits { batch_records_max: 3, batch_bytes_max: 10, ..Limits::default() };
        assert_eq!(ranges(&[], &limits), []);
        assert_eq!(ranges(&[1, 1, 1, 1], &limits), [0..3, 3..4]);
        assert_eq!(ranges(&[5, 5, 1], &limits), [0..2, 2..3]);
        assert_eq!(ranges(&[99, 1, 99], &limits), [0..1, 1..2, 2..3]);
    }

    #[test]
    fn entities_that_break_a_rule_become_findings() {
        let limits = Limits { document_bytes_max: 2, ..Limits::default() };
        let entity = |kind: &str, key: &str, document: &str| PluginEntity {
            kind: kind.to_owned(),
            key: key.to_owned(),
            document: document.to_owned(),
        };
        assert_eq!(check_entity(&entity("build", "k", "{}"), &limits), Ok(()));
        for (bad, code) in [
            (entity("Build", "k", "{}"), "weir.entity.kind"),
            (entity("", "k", "{}"), "weir.entity.kind"),
            (entity("build", "", "{}"), "weir.entity.key"),
            (entity("build", "a\nb", "{}"), "weir.entity.key"),
            (entity("build", "k", "{ }"), "weir.entity.size"),
        ] {
            assert_eq!(check_entity(&bad, &limits).unwrap_err().code, code);
        }
    }
}

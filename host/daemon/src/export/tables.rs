//! Entities and numbers, as documents or as tables.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};
use weir_model::EntityKind;

use super::{Form, Writing, parquet};
use crate::error::Fault;
use crate::query::{self, MetricParams};

/// Entities read at a time.
const READ: usize = 1_000;

/// Writes a file for each kind of entity.
pub(super) fn write_entities(writing: &mut Writing<'_>, form: Form) -> Result<(), Fault> {
    let derived = writing.account.derived();
    let reader = derived.projection.reader().map_err(Fault::from_derived)?;
    writing.manifest.derived_up_to = reader.watermark();
    let kinds: BTreeSet<EntityKind> =
        reader.counts().map_err(Fault::from_derived)?.into_keys().map(|(_, kind)| kind).collect();
    for kind in kinds {
        let mut each = |take: &mut dyn FnMut(Map<String, Value>) -> Result<(), Fault>| {
            let mut after = None;
            loop {
                let rows = reader.kind(&kind, after.as_ref(), READ).map_err(Fault::from_derived)?;
                let Some(last) = rows.last() else { return Ok(()) };
                after = Some(last.id.clone());
                for row in rows {
                    let Some(entity) = row.entity else { continue };
                    let document: Value = serde_json::from_str(&entity.to_json()).unwrap_or_default();
                    let Value::Object(document) = document else { continue };
                    let mut fields = Map::new();
                    fields.insert("id".to_owned(), json!(row.id));
                    fields.extend(document);
                    take(fields)?;
                }
            }
        };
        table(writing, &format!("entities/{kind}"), form, "entities", &mut each)?;
    }
    Ok(())
}

/// Writes the numbers of all metrics by day: one line for each day of each metric, and one for each total.
pub(super) fn write_metrics(writing: &mut Writing<'_>, form: Form) -> Result<(), Fault> {
    let account = writing.account;
    let names: Vec<String> = {
        let context = account.context();
        query::list_metrics(&context).map(|definition| definition.name.clone()).collect()
    };
    let params = MetricParams { by: Some("day".to_owned()), ..MetricParams::default() };
    let mut answers = Vec::new();
    for name in names {
        answers.push(json!(query::metric(&query::View::whole(account), &name, &params)?));
    }
    let mut each = |take: &mut dyn FnMut(Map<String, Value>) -> Result<(), Fault>| {
        for answer in &answers {
            let points = answer["points"].as_array().into_iter().flatten();
            for point in points.chain([&answer["total"]]) {
                let mut fields = Map::new();
                for name in ["metric", "definition", "unit", "unknown", "fresh_at"] {
                    fields.insert(name.to_owned(), answer[name].clone());
                }
                fields.insert("at".to_owned(), json!("total"));
                fields.extend(point.as_object().cloned().unwrap_or_default());
                take(fields)?;
            }
        }
        Ok(())
    };
    table(writing, "metrics/by-day", form, "metrics", &mut each)
}

/// Gives every row to what it is handed; it is called twice for a table, whose columns are known at the end only.
pub(super) type Each<'a> = dyn FnMut(&mut dyn FnMut(Map<String, Value>) -> Result<(), Fault>) -> Result<(), Fault> + 'a;

fn table(writing: &mut Writing<'_>, name: &str, form: Form, kind: &str, each: &mut Each<'_>) -> Result<(), Fault> {
    let draft = match form {
        Form::Jsonl => {
            let mut draft = writing.draft(&format!("{name}.jsonl"))?;
            each(&mut |fields| draft.line(Value::Object(fields).to_string().as_bytes()))?;
            draft
        }
        Form::Csv => {
            let mut columns = BTreeSet::new();
            each(&mut |fields| {
                columns.extend(fields.into_iter().map(|(name, _)| name));
                Ok(())
            })?;
            let mut draft = writing.draft(&format!("{name}.csv"))?;
            draft.put(&row(columns.iter().cloned())?)?;
            each(&mut |fields| {
                draft.lines += 1;
                draft.put(&row(columns.iter().map(|column| cell(fields.get(column))))?)
            })?;
            draft
        }
        Form::Parquet => {
            let mut draft = writing.draft(&format!("{name}.parquet"))?;
            parquet::write(&mut draft, each)?;
            draft
        }
    };
    writing.finish(draft, kind, None)
}

/// A text as it is, nothing as nothing, anything else as JSON.
pub(super) fn cell(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    }
}

fn row(cells: impl Iterator<Item = String>) -> Result<Vec<u8>, Fault> {
    let failed = |error: csv::Error| Fault::host("a row cannot be written").caused_by(error);
    let mut writer = csv::WriterBuilder::new().from_writer(Vec::new());
    writer.write_record(cells).map_err(failed)?;
    writer.into_inner().map_err(|error| Fault::host("a row cannot be written").caused_by(error.to_string()))
}

//! Tables as Parquet. The type of a column is that of its values: an instant, a truth, a whole number, a number; all
//! else is text, lists and objects as JSON.

use std::collections::BTreeMap;
use std::sync::Arc;

use parquet::basic::{Compression, LogicalType, Repetition, TimeUnit, Type as Physical, ZstdLevel};
use parquet::data_type::{BoolType, ByteArray, ByteArrayType, DataType, DoubleType, Int64Type};
use parquet::errors::Result as Written;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::{SerializedColumnWriter, SerializedFileWriter};
use parquet::schema::types::{Type, TypePtr};
use serde_json::{Map, Value};
use weir_model::Timestamp;

use super::files::Draft;
use super::tables::{Each, cell};
use crate::error::Fault;

/// Rows of a group, which lie in memory while it is written.
const GROUP_ROWS: usize = 10_000;

type Row = Map<String, Value>;

/// What the values of a column are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Instant,
    Boolean,
    Integer,
    Number,
    Text,
}

impl Kind {
    /// None of nothing, which fits anywhere.
    fn of(name: &str, value: &Value) -> Option<Self> {
        Some(match value {
            Value::Null => return None,
            Value::Bool(_) => Self::Boolean,
            Value::Number(number) if number.is_i64() => Self::Integer,
            Value::Number(_) => Self::Number,
            // By its name too: a title can look like an instant.
            Value::String(_) if name.ends_with("_at") && instant(value).is_some() => Self::Instant,
            _ => Self::Text,
        })
    }

    /// What values of both are.
    fn or(self, other: Self) -> Self {
        match (self, other) {
            (one, other) if one == other => one,
            (Self::Integer, Self::Number) | (Self::Number, Self::Integer) => Self::Number,
            _ => Self::Text,
        }
    }

    fn column(self, name: &str) -> Written<TypePtr> {
        let (physical, logical) = match self {
            Self::Instant => (Physical::INT64, Some(LogicalType::timestamp(true, TimeUnit::MILLIS))),
            Self::Boolean => (Physical::BOOLEAN, None),
            Self::Integer => (Physical::INT64, None),
            Self::Number => (Physical::DOUBLE, None),
            Self::Text => (Physical::BYTE_ARRAY, Some(LogicalType::String)),
        };
        let column = Type::primitive_type_builder(name, physical).with_logical_type(logical);
        column.with_repetition(Repetition::OPTIONAL).build().map(Arc::new)
    }
}

fn instant(value: &Value) -> Option<i64> {
    value.as_str()?.parse().ok().map(Timestamp::ms)
}

/// Writes a table to `draft`.
pub(super) fn write(draft: &mut Draft, each: &mut Each<'_>) -> Result<(), Fault> {
    let columns = columns(each)?;
    let mut table = Table::begin(draft, columns).map_err(failed)?;
    let mut rows = Vec::new();
    let mut n_rows = 0;
    each(&mut |row| {
        rows.push(row);
        n_rows += 1;
        if rows.len() == GROUP_ROWS {
            table.group(&std::mem::take(&mut rows)).map_err(failed)?;
        }
        Ok(())
    })?;
    if !rows.is_empty() {
        table.group(&rows).map_err(failed)?;
    }
    table.end().map_err(failed)?;
    draft.lines = n_rows;
    Ok(())
}

fn failed(error: parquet::errors::ParquetError) -> Fault {
    Fault::host("a table cannot be written").caused_by(error)
}

fn columns(each: &mut Each<'_>) -> Result<BTreeMap<String, Kind>, Fault> {
    let mut columns: BTreeMap<String, Option<Kind>> = BTreeMap::new();
    each(&mut |row| {
        for (name, value) in row {
            let kind = Kind::of(&name, &value);
            let known = columns.entry(name).or_default();
            *known = known.map_or(kind, |known| Some(kind.map_or(known, |kind| known.or(kind))));
        }
        Ok(())
    })?;
    Ok(columns.into_iter().map(|(name, kind)| (name, kind.unwrap_or(Kind::Text))).collect())
}

/// A table that is being written.
struct Table<'d> {
    columns: BTreeMap<String, Kind>,
    writer: SerializedFileWriter<&'d mut Draft>,
}

impl<'d> Table<'d> {
    fn begin(draft: &'d mut Draft, columns: BTreeMap<String, Kind>) -> Written<Self> {
        let fields = columns.iter().map(|(name, kind)| kind.column(name)).collect::<Written<_>>()?;
        let schema = Arc::new(Type::group_type_builder("row").with_fields(fields).build()?);
        let properties = WriterProperties::builder()
            .set_compression(Compression::ZSTD(ZstdLevel::default()))
            .set_created_by(concat!("weir ", env!("CARGO_PKG_VERSION")).to_owned());
        let writer = SerializedFileWriter::new(draft, schema, Arc::new(properties.build()))?;
        Ok(Self { columns, writer })
    }

    fn group(&mut self, rows: &[Row]) -> Written<()> {
        let mut group = self.writer.next_row_group()?;
        for (name, kind) in &self.columns {
            let values = rows.iter().map(|row| row.get(name).unwrap_or(&Value::Null));
            let Some(column) = group.next_column()? else { break };
            match kind {
                Kind::Instant => put::<Int64Type>(column, values.map(instant)),
                Kind::Boolean => put::<BoolType>(column, values.map(Value::as_bool)),
                Kind::Integer => put::<Int64Type>(column, values.map(Value::as_i64)),
                Kind::Number => put::<DoubleType>(column, values.map(Value::as_f64)),
                Kind::Text => put::<ByteArrayType>(column, values.map(text)),
            }?;
        }
        group.close().map(drop)
    }

    fn end(self) -> Written<()> {
        self.writer.close().map(drop)
    }
}

fn text(value: &Value) -> Option<ByteArray> {
    (!value.is_null()).then(|| cell(Some(value)).into_bytes().into())
}

fn put<T: DataType>(mut column: SerializedColumnWriter<'_>, values: impl Iterator<Item = Option<T::T>>) -> Written<()> {
    let (mut there, mut known) = (Vec::new(), Vec::new());
    for value in values {
        there.push(i16::from(value.is_some()));
        known.extend(value);
    }
    column.typed::<T>().write_batch(&known, Some(&there), None)?;
    column.close()
}

#[cfg(test)]
mod tests {
    use parquet::file::reader::{FileReader, SerializedFileReader};
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_written_is_read_with_its_types() {
        let rows = [
            json!({ "id": "a", "started_at": "2024-03-01T10:00:00+01:00", "n": 1, "share": 1, "ok": true, "x": 1 }),
            json!({ "id": "b", "started_at": null, "share": 0.5, "title": "2024-03-01T10:00:00Z", "x": [1, 2] }),
            json!({ "id": "ü", "n": -7, "none": null }),
        ];
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("t.parquet");
        let file = std::fs::File::create_new(&path).unwrap();
        let mut draft = Draft::begin(file, "t.parquet".to_owned(), &[]).unwrap();
        let mut each = |take: &mut dyn FnMut(Row) -> Result<(), Fault>| {
            rows.iter().try_for_each(|row| take(row.as_object().unwrap().clone()))
        };
        write(&mut draft, &mut each).unwrap();
        let (_, sum) = draft.finish("entities", None).unwrap();
        assert_eq!(sum.lines, 3);
        let file = SerializedFileReader::new(std::fs::File::open(path).unwrap()).unwrap();
        let schema = file.metadata().file_metadata().schema_descr();
        let types: Vec<_> = schema.columns().iter().map(|column| (column.name(), column.physical_type())).collect();
        assert_eq!(
            types,
            [
                ("id", Physical::BYTE_ARRAY),
                ("n", Physical::INT64),
                ("none", Physical::BYTE_ARRAY),
                ("ok", Physical::BOOLEAN),
                ("share", Physical::DOUBLE),
                ("started_at", Physical::INT64),
                ("title", Physical::BYTE_ARRAY),
                ("x", Physical::BYTE_ARRAY),
            ]
        );
        let read: Vec<String> = file.get_row_iter(None).unwrap().map(|row| row.unwrap().to_string()).collect();
        assert_eq!(read.len(), 3);
        assert!(read[0].contains("started_at: 2024-03-01 09:00:00"), "{read:?}");
        assert!(read[1].contains("share: 0.5") && read[1].contains("x: \"[1,2]\""), "{read:?}");
        assert!(read[2].contains("id: \"ü\"") && read[2].contains("n: -7"), "{read:?}");
    }
}

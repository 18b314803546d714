//! Small tables that people keep and propels read and write.
//!
//! A row is the fold of its changes, each of which is kept: two writers of different columns lose nothing, and what a
//! row was is known for ever. Changes travel in the frames of the log as all state does.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use uuid::Uuid;
use weir_model::Timestamp;
use weir_store::Put;

use crate::account::Account;
use crate::error::Fault;
use crate::state_keys;

/// Most bytes of one change.
const CHANGE_BYTES_MAX: usize = 64 << 10;
/// Most rows that are read.
const ROWS_MAX: usize = 10_000;
/// Longest key of a row, in bytes.
const KEY_BYTES_MAX: usize = 512;

/// A table as it is written in `weir.toml`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TableConfig {
    /// Its name.
    pub name: String,
    /// The column that tells rows apart.
    pub key: String,
    /// Its columns, in order.
    pub columns: Vec<Column>,
}

/// A column.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Column {
    /// Its name.
    pub name: String,
    /// What it holds.
    #[serde(rename = "type", default)]
    pub kind: ColumnKind,
    /// Whether every row has it.
    #[serde(default)]
    pub required: bool,
    /// What a choice may be.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub choices: Vec<String>,
    /// What it is in a new row that does not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default: Option<Value>,
}

/// What a column holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ColumnKind {
    /// Text.
    #[default]
    Text,
    /// A number.
    Number,
    /// Yes or no.
    Boolean,
    /// An instant or a day.
    Date,
    /// One of `choices`.
    Choice,
}

/// A row.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[schemars(rename = "TableRow")]
pub struct Row {
    /// Its key.
    pub key: String,
    /// Counts its changes from 1.
    pub version: usize,
    /// When it was changed.
    pub at: Timestamp,
    /// Who changed it.
    pub by: String,
    /// Its columns.
    #[serde(flatten)]
    pub values: Map<String, Value>,
}

/// A change of a row.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Change {
    at: Timestamp,
    by: String,
    /// Columns that are set; null empties one. None: the row is gone.
    set: Option<Map<String, Value>>,
}

/// All tables.
#[derive(Debug, Clone, Default)]
pub struct Tables(BTreeMap<String, TableConfig>);

impl Tables {
    /// The tables of a configuration.
    pub fn new(tables: &[TableConfig]) -> Result<Self, Fault> {
        let mut all = BTreeMap::new();
        for table in tables {
            let place = format!("table `{}`", table.name);
            if !table.columns.iter().any(|column| column.name == table.key) {
                return Err(Fault::config(format!("{place} has no column `{}`, its key", table.key)));
            }
            let empty = |column: &&Column| column.kind == ColumnKind::Choice && column.choices.is_empty();
            if let Some(column) = table.columns.iter().find(empty) {
                return Err(Fault::config(format!(
                    "column `{}` of {place} is a choice without `choices`",
                    column.name
                )));
            }
            if all.insert(table.name.clone(), table.clone()).is_some() {
                return Err(Fault::config(format!("{place} is there twice")));
            }
        }
        Ok(Self(all))
    }

    /// Every table.
    pub fn all(&self) -> impl Iterator<Item = &TableConfig> {
        self.0.values()
    }

    /// The table of that name.
    pub fn table(&self, name: &str) -> Result<&TableConfig, Fault> {
        self.0.get(name).ok_or_else(|| {
            let names: Vec<&str> = self.0.keys().map(String::as_str).collect();
            let known = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
            Fault::config(format!("there is no table `{name}`"))
                .hint(format!("declare it with `[[table]]`; there are: {known}"))
        })
    }

    /// The rows of a table, by key.
    pub fn rows(&self, account: &Account, name: &str) -> Result<Vec<Row>, Fault> {
        self.table(name)?;
        read(account, &state_keys::table(name))
    }

    /// One row.
    pub fn row(&self, account: &Account, name: &str, key: &str) -> Result<Option<Row>, Fault> {
        self.table(name)?;
        Ok(read(account, &state_keys::table(name).with(key))?.pop())
    }

    /// What sets columns of a row. `row` names the key; columns it does not name stay.
    pub fn set(
        &self,
        account: &Account,
        name: &str,
        row: &Map<String, Value>,
        by: &str,
        at: Timestamp,
    ) -> Result<Vec<Put>, Fault> {
        let table = self.table(name)?;
        let key = text(row.get(&table.key)).filter(|key| !key.is_empty() && key.len() <= KEY_BYTES_MAX);
        let key = key.ok_or_else(|| wrong(table, format!("the row has no `{}`, its key", table.key)))?;
        let is_new = self.row(account, name, &key)?.is_none();
        let set = table.checked(row, is_new)?;
        put(name, &key, Change { at, by: by.to_owned(), set: Some(set) })
    }

    /// What removes a row.
    pub fn remove(&self, name: &str, key: &str, by: &str, at: Timestamp) -> Result<Vec<Put>, Fault> {
        self.table(name)?;
        put(name, key, Change { at, by: by.to_owned(), set: None })
    }

    /// What sets the rows of a CSV file with a line of names; the first mistake is told with its line.
    pub fn import(
        &self,
        account: &Account,
        name: &str,
        csv: &[u8],
        by: &str,
        at: Timestamp,
    ) -> Result<(usize, Vec<Put>), Fault> {
        let table = self.table(name)?;
        let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(csv);
        let unreadable =
            |error: csv::Error| Fault::config(format!("cannot read the rows of table `{name}`")).caused_by(error);
        let names = reader.headers().map_err(unreadable)?.clone();
        let (mut puts, mut rows) = (Vec::new(), 0);
        for line in reader.records() {
            let line = line.map_err(unreadable)?;
            let number = line.position().map_or(0, csv::Position::line);
            let cells = names.iter().zip(line.iter()).filter(|(_, cell)| !cell.is_empty());
            let row = cells.map(|(column, cell)| (column.to_owned(), table.parsed(column, cell))).collect();
            let set = self.set(account, name, &row, by, at);
            puts.extend(set.map_err(|fault| Fault::config(format!("line {number}: {}", fault.chain())))?);
            rows += 1;
        }
        Ok((rows, puts))
    }
}

/// The change itself, under a key that sorts by time and is like no other.
fn put(table: &str, key: &str, change: Change) -> Result<Vec<Put>, Fault> {
    let value = serde_json::to_vec(&change).map_err(|error| Fault::host("cannot write a row").caused_by(error))?;
    if value.len() > CHANGE_BYTES_MAX {
        return Err(Fault::config(format!("a row of table `{table}` is over {CHANGE_BYTES_MAX} bytes")));
    }
    Ok(vec![Put::set(state_keys::table_change(table, key, Uuid::now_v7()), value)])
}

fn read(account: &Account, prefix: &weir_store::StateKey) -> Result<Vec<Row>, Fault> {
    let changes = account.log.state_under(prefix).map_err(Fault::from_log)?;
    let mut rows: BTreeMap<String, Option<Row>> = BTreeMap::new();
    for (key, value) in changes {
        let parts = key.parts();
        let Some(key) = parts.get(2).and_then(|key| String::from_utf8(key.clone()).ok()) else { continue };
        let Ok(change) = serde_json::from_slice::<Change>(&value) else { continue };
        let row = rows.entry(key.clone()).or_default();
        *row = fold(row.take(), key, change);
    }
    Ok(rows.into_values().flatten().take(ROWS_MAX).collect())
}

fn fold(row: Option<Row>, key: String, change: Change) -> Option<Row> {
    let set = change.set?;
    let (mut values, version) = row.map_or_else(Default::default, |row| (row.values, row.version));
    for (column, value) in set {
        if value.is_null() {
            values.remove(&column);
        } else {
            values.insert(column, value);
        }
    }
    Some(Row { key, version: version + 1, at: change.at, by: change.by, values })
}

impl TableConfig {
    fn column(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|column| column.name == name)
    }

    /// The columns of a row, each as its type wants it.
    fn checked(&self, row: &Map<String, Value>, is_new: bool) -> Result<Map<String, Value>, Fault> {
        let mut set = Map::new();
        for (name, value) in row {
            let column = self.column(name).ok_or_else(|| wrong(self, format!("there is no column `{name}`")))?;
            let value =
                if value.is_null() { Value::Null } else { column.fit(value).map_err(|what| wrong(self, what))? };
            set.insert(name.clone(), value);
        }
        for column in &self.columns {
            if is_new && !set.contains_key(&column.name) {
                set.extend(column.default.clone().map(|default| (column.name.clone(), default)));
            }
            let stated = set.get(&column.name);
            let is_empty = stated.map_or(is_new, Value::is_null);
            if column.required && is_empty {
                return Err(wrong(self, format!("`{}` is required", column.name)));
            }
        }
        Ok(set)
    }

    /// A cell of a file, as its column wants it; what does not fit is told when the row is checked.
    fn parsed(&self, column: &str, cell: &str) -> Value {
        match self.column(column).map(|column| column.kind) {
            Some(ColumnKind::Number) => serde_json::from_str(cell).unwrap_or_else(|_| Value::from(cell)),
            Some(ColumnKind::Boolean) => match cell.to_ascii_lowercase().as_str() {
                "true" | "yes" | "1" => Value::Bool(true),
                "false" | "no" | "0" => Value::Bool(false),
                _ => Value::from(cell),
            },
            _ => Value::from(cell),
        }
    }
}

impl Column {
    fn fit(&self, value: &Value) -> Result<Value, String> {
        let fits = match self.kind {
            ColumnKind::Text => return text(Some(value)).map(Value::from).ok_or_else(|| self.misfit(value, "a text")),
            ColumnKind::Number => value.is_number(),
            ColumnKind::Boolean => value.is_boolean(),
            ColumnKind::Date => value.as_str().is_some_and(is_date),
            ColumnKind::Choice => value.as_str().is_some_and(|value| self.choices.iter().any(|choice| choice == value)),
        };
        let wanted = match self.kind {
            ColumnKind::Text => "a text".to_owned(),
            ColumnKind::Number => "a number".to_owned(),
            ColumnKind::Boolean => "true or false".to_owned(),
            ColumnKind::Date => "a date such as 2026-03-02".to_owned(),
            ColumnKind::Choice => format!("one of {}", self.choices.join(", ")),
        };
        fits.then(|| value.clone()).ok_or_else(|| self.misfit(value, &wanted))
    }

    fn misfit(&self, value: &Value, wanted: &str) -> String {
        format!("`{}` is {value}, and should be {wanted}", self.name)
    }
}

fn is_date(text: &str) -> bool {
    text.parse::<Timestamp>().is_ok() || text.parse::<jiff::civil::Date>().is_ok()
}

fn text(value: Option<&Value>) -> Option<String> {
    match value? {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(value) => Some(value.to_string()),
        _ => None,
    }
}

fn wrong(table: &TableConfig, what: String) -> Fault {
    let names: Vec<&str> = table.columns.iter().map(|column| column.name.as_str()).collect();
    Fault::config(format!("table `{}`: {what}", table.name)).hint(format!("its columns are {}", names.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::{Expect, expect};
    use serde_json::json;

    fn table() -> TableConfig {
        toml::from_str(
            r#"
            name = "quarantine"
            key = "test"
            columns = [
                { name = "test", required = true },
                { name = "since", type = "date" },
                { name = "failures", type = "number" },
                { name = "state", type = "choice", choices = ["open", "mended"], default = "open", required = true },
                { name = "seen", type = "boolean" },
            ]
            "#,
        )
        .unwrap()
    }

    #[expect(clippy::needless_pass_by_value, reason = "an `Expect` is written in place")]
    fn check(rows: &[(Value, bool)], expected: Expect) {
        let mut text = String::new();
        for (row, is_new) in rows {
            let Value::Object(row) = row else { unreachable!() };
            let told = table().checked(row, *is_new).map(|row| Value::Object(row).to_string());
            text += &format!("{}\n", told.unwrap_or_else(|fault| fault.to_string()));
        }
        expected.assert_eq(&text);
    }

    #[test]
    fn rows_are_as_their_columns_want_them() {
        check(
            &[
                (json!({ "test": "a", "failures": 3 }), true),
                (json!({ "test": 7, "seen": true, "since": "2026-03-02" }), false),
                (json!({ "test": "a", "state": null }), false),
                (json!({ "test": "a", "state": "gone" }), true),
                (json!({ "test": "a", "since": "yesterday" }), true),
                (json!({ "test": "a", "failures": "3" }), true),
                (json!({ "test": "a", "colour": "red" }), true),
            ],
            expect![[r#"
                {"failures":3,"state":"open","test":"a"}
                {"seen":true,"since":"2026-03-02","test":"7"}
                table `quarantine`: `state` is required
                table `quarantine`: `state` is "gone", and should be one of open, mended
                table `quarantine`: `since` is "yesterday", and should be a date such as 2026-03-02
                table `quarantine`: `failures` is "3", and should be a number
                table `quarantine`: there is no column `colour`
            "#]],
        );
    }

    #[test]
    fn a_row_is_the_fold_of_its_changes() {
        let at: Timestamp = "2026-03-02T10:00:00Z".parse().unwrap();
        let change = |set: Value| {
            let set = if let Value::Object(set) = set { Some(set) } else { None };
            Change { at, by: "p".to_owned(), set }
        };
        let row = fold(None, "a".to_owned(), change(json!({ "test": "a", "failures": 1 })));
        let row = fold(row, "a".to_owned(), change(json!({ "seen": true, "failures": null }))).unwrap();
        assert_eq!((row.version, Value::Object(row.values.clone())), (2, json!({ "test": "a", "seen": true })));
        assert_eq!(fold(Some(row), "a".to_owned(), change(Value::Null)), None);
    }

    #[test]
    fn tables_that_cannot_be_are_refused() {
        let nameless = TableConfig { key: "id".to_owned(), ..table() };
        assert!(Tables::new(&[nameless]).is_err());
        assert!(Tables::new(&[table(), table()]).is_err());
    }
}

//! One column of a row, in each of the shapes the Table API has for it: a bare text, a reference, or both value and
//! display value. What is stored is in UTC and in codes; what is shown depends on who asks.

use std::borrow::Cow;

use serde::Deserialize;
use serde::de::{MapAccess, value::MapAccessDeserializer};
use weir_sdk::field::{Lenient, Odd};
use weir_sdk::model::entity::{Attribute, AttributeValue};
use weir_sdk::prelude::*;
use weir_sdk::raw::Json;

/// A column that is filled.
#[derive(Debug, Clone, Default)]
pub(crate) struct Cell<'a> {
    /// As stored: a code, a time in UTC, the id of another row.
    value: Cow<'a, str>,
    /// As people see it.
    display: Option<Cow<'a, str>>,
    /// Address of the other row, for a reference.
    link: Option<Cow<'a, str>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Shape<'a> {
    #[serde(borrow)]
    value: Text<'a>,
    #[serde(borrow)]
    display_value: Text<'a>,
    #[serde(borrow)]
    link: Text<'a>,
}

impl<'de: 'a, 'a> Lenient<'de> for Cell<'a> {
    fn from_text(text: Cow<'de, str>) -> Field<Self> {
        filled(text).map_or(Field::Unstated, |value| Field::Stated(Self { value, ..Self::default() }))
    }

    fn from_whole(number: i64) -> Field<Self> {
        Self::from_text(Cow::Owned(number.to_string()))
    }

    fn from_object<A: MapAccess<'de>>(object: A) -> Result<Field<Self>, A::Error> {
        let shape = Shape::deserialize(MapAccessDeserializer::new(object))?;
        let text = |field: Text<'a>| field.quietly().cloned().and_then(filled);
        Ok(match shape.value {
            Field::Stated(value) => filled(value).map_or(Field::Unstated, |value| {
                Field::Stated(Self { value, display: text(shape.display_value), link: text(shape.link) })
            }),
            Field::Unstated => Field::Unstated,
            Field::Odd(odd) => Field::Odd(odd),
        })
    }
}

/// An empty text is how a row says that there is nothing.
fn filled(text: Cow<'_, str>) -> Option<Cow<'_, str>> {
    (!text.trim().is_empty()).then_some(text)
}

impl Cell<'_> {
    /// As stored.
    pub(crate) fn stored(&self) -> &str {
        &self.value
    }

    /// As shown, or as stored where nothing else is told.
    fn shown(self) -> String {
        self.display.unwrap_or(self.value).into_owned()
    }

    /// The name of what it refers to; none when only the id of it is told.
    fn name(self) -> Option<String> {
        if self.display.is_none() && self.link.is_some() { None } else { Some(self.shown()) }
    }

    /// The instant it holds: `2025-03-01 09:30:00`, in UTC by the rule of the Table API.
    pub(crate) fn instant(&self) -> Result<Timestamp, Odd> {
        self.bare_instant().or_else(|| self.value.parse().ok()).ok_or_else(|| Odd::bad_time(&self.value))
    }

    fn bare_instant(&self) -> Option<Timestamp> {
        let is_bare = self.value.len() == "2025-03-01 09:30:00".len();
        if is_bare { format!("{}Z", self.value).parse().ok() } else { None }
    }
}

/// A row being read, column by column; odd columns are reported and left out.
pub(crate) struct Row<'r> {
    raw: &'r Raw<'r>,
    json: Json<'r>,
}

impl<'r> Row<'r> {
    pub(crate) fn of(raw: &'r Raw<'r>) -> Self {
        Self { raw, json: raw.json() }
    }

    fn cell(&self, column: &str) -> Option<Cell<'r>> {
        self.json.read(&format!("/{column}"))
    }

    /// As stored: codes, and ids of rows.
    pub(crate) fn stored(&self, column: &str) -> Option<String> {
        self.cell(column).map(|cell| cell.value.into_owned())
    }

    /// As shown: words of a choice, texts.
    pub(crate) fn shown(&self, column: &str) -> Option<String> {
        self.cell(column).map(Cell::shown)
    }

    /// Name of what a column refers to.
    pub(crate) fn name(&self, column: &str) -> Option<String> {
        self.cell(column).and_then(Cell::name)
    }

    /// The other row a column refers to.
    pub(crate) fn reference(&self, column: &str) -> Option<Reference> {
        self.stored(column).map(Reference::Key)
    }

    /// A point in time.
    pub(crate) fn instant(&self, column: &str) -> Option<Timestamp> {
        let instant = self.cell(column)?.instant();
        self.raw.take(&format!("/{column}"), instant.into())
    }

    /// Yes or no.
    pub(crate) fn flag(&self, column: &str) -> Option<bool> {
        let cell = self.cell(column)?;
        self.raw.take(&format!("/{column}"), cell.stored().parse().map_err(|_| Odd::wrong_type(cell.stored())).into())
    }

    /// What has no field of its own: a point in time as such, all else as shown.
    pub(crate) fn attribute(&self, column: &str) -> Option<Attribute> {
        let cell = self.cell(column)?;
        let text = cell.bare_instant().map_or_else(|| cell.shown(), |instant| instant.to_string());
        Some((format!("servicenow.{}", column.to_lowercase()), AttributeValue::Text(text)))
    }

    /// Page of the row for people, at the instance that a reference of the row leads to.
    pub(crate) fn page(&self, table: &str, id: &str) -> Option<String> {
        let link = self.cell("opened_by").and_then(|cell| cell.link)?;
        let (instance, _) = link.split_once("/api/now/")?;
        Some(format!("{instance}/{table}.do?sys_id={id}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cell(json: &str) -> Option<Cell<'_>> {
        serde_json::from_str::<Field<Cell<'_>>>(json).unwrap().quietly().cloned()
    }

    #[test]
    fn every_shape_of_a_column_is_read() {
        let all =
            cell(r#"{"display_value": "Email", "value": "27d3", "link": "https://x/api/now/table/c/27d3"}"#).unwrap();
        assert_eq!((all.stored(), all.clone().name().as_deref()), ("27d3", Some("Email")));
        let bare = cell(r#"{"value": "27d3", "link": "https://x/api/now/table/c/27d3"}"#).unwrap();
        assert_eq!((bare.stored(), bare.clone().name(), bare.clone().shown().as_str()), ("27d3", None, "27d3"));
        assert_eq!(cell(r#""Email""#).unwrap().name().as_deref(), Some("Email"));
        for empty in [r#""""#, "null", "{}", "[]", "true", r#"{"value": ""}"#, r#"{"value": []}"#] {
            assert!(cell(empty).is_none(), "{empty}");
        }
    }

    #[test]
    fn what_is_stored_is_in_utc() {
        let instant = |value: &str| cell(&format!("\"{value}\"")).unwrap().instant().ok().map(|time| time.to_string());
        assert_eq!(instant("2016-12-14 02:46:44").as_deref(), Some("2016-12-14T02:46:44.000Z"));
        assert_eq!(instant("2016-12-14T02:46:44+01:00").as_deref(), Some("2016-12-14T02:46:44.000+01:00"));
        assert_eq!(instant("14.12.2016 02:46:44"), None);
        assert_eq!(instant("2016-12-14 02:46"), None);
    }
}

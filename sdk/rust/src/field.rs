//! Fields that never lose their record: a field of an odd type is kept aside as such, and the record is read on.
//!
//! Borrowed where the payload allows it, and read in one pass, so that this is also the fast way.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor, value::MapAccessDeserializer};
use weir_model::{ObjectId, TimeError, Timestamp};

use crate::outcome::DiagnosticKind;
use crate::text;

/// A field as the tool sent it. Put it into structs that derive `Deserialize` with `#[serde(default, borrow)]`, and take
/// the value out with [`Raw::take`](crate::raw::Raw::take), which reports the odd ones.
#[derive(Debug, Clone, Default, PartialEq)]
pub enum Field<T> {
    /// Not there, or null.
    #[default]
    Unstated,
    /// There, and as expected.
    Stated(T),
    /// There, but not as expected.
    Odd(Odd),
}

/// What was found in place of the expected.
#[derive(Debug, Clone, PartialEq)]
pub struct Odd {
    pub(crate) kind: DiagnosticKind,
    pub(crate) found: Box<str>,
}

impl Odd {
    /// A value of another type.
    pub fn wrong_type(found: impl fmt::Display) -> Self {
        Self { kind: DiagnosticKind::WrongType, found: found.to_string().into() }
    }

    /// A time that cannot be read.
    pub fn bad_time(found: impl fmt::Display) -> Self {
        Self { kind: DiagnosticKind::BadTime, found: found.to_string().into() }
    }
}

impl<T> Field<T> {
    /// The value if it is as expected, without a report if it is not.
    pub fn quietly(&self) -> Option<&T> {
        match self {
            Self::Stated(value) => Some(value),
            Self::Unstated | Self::Odd(_) => None,
        }
    }
}

impl Field<Cow<'_, str>> {
    /// The text if it is one, without a report if it is not.
    pub fn text(&self) -> Option<String> {
        self.quietly().map(|text| text.clone().into_owned())
    }

    /// The text if it says something, without a report.
    pub fn filled(&self) -> Option<String> {
        self.quietly().cloned().and_then(text::filled)
    }
}

impl Field<Timestamp> {
    /// The instant in milliseconds if it is one, without a report if it is not.
    pub fn ms(&self) -> Option<i64> {
        self.quietly().map(|time| time.ms())
    }
}

impl<T> Field<Object<T>> {
    /// What is in the object if it is one, without a report if it is not.
    pub fn inner(&self) -> Option<&T> {
        self.quietly().map(|object| &object.0)
    }
}

impl<T> From<Result<T, Odd>> for Field<T> {
    fn from(read: Result<T, Odd>) -> Self {
        read.map_or_else(Self::Odd, Self::Stated)
    }
}

/// A type that can be read from what tools send in its place.
pub trait Lenient<'de>: Sized {
    /// Reads a boolean.
    fn from_flag(flag: bool) -> Field<Self> {
        Field::Odd(Odd::wrong_type(flag))
    }
    /// Reads a whole number.
    fn from_whole(number: i64) -> Field<Self> {
        Field::Odd(Odd::wrong_type(number))
    }
    /// Reads a number with a fraction, or one too large to be whole.
    fn from_decimal(number: f64) -> Field<Self> {
        Field::Odd(Odd::wrong_type(number))
    }
    /// Reads a text.
    fn from_text(text: Cow<'de, str>) -> Field<Self> {
        Field::Odd(Odd::wrong_type(text))
    }
    /// Reads a list.
    fn from_list<A: SeqAccess<'de>>(mut list: A) -> Result<Field<Self>, A::Error> {
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Field::Odd(Odd::wrong_type("a list")))
    }
    /// Reads an object.
    fn from_object<A: MapAccess<'de>>(mut object: A) -> Result<Field<Self>, A::Error> {
        while object.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Field::Odd(Odd::wrong_type("an object")))
    }
}

impl<'de: 'a, 'a> Lenient<'de> for Cow<'a, str> {
    fn from_text(text: Cow<'de, str>) -> Field<Self> {
        Field::Stated(text)
    }
    /// Ids are numbers in some tools and texts in others.
    fn from_whole(number: i64) -> Field<Self> {
        Field::Stated(Cow::Owned(number.to_string()))
    }
}

impl<'de> Lenient<'de> for String {
    fn from_text(text: Cow<'de, str>) -> Field<Self> {
        Field::Stated(text.into_owned())
    }
    fn from_whole(number: i64) -> Field<Self> {
        Field::Stated(number.to_string())
    }
}

impl<'de> Lenient<'de> for bool {
    fn from_flag(flag: bool) -> Field<Self> {
        Field::Stated(flag)
    }
    fn from_text(text: Cow<'de, str>) -> Field<Self> {
        text.parse().map_err(|_| Odd::wrong_type(text)).into()
    }
}

impl<'de> Lenient<'de> for i64 {
    fn from_whole(number: i64) -> Field<Self> {
        Field::Stated(number)
    }
    fn from_text(text: Cow<'de, str>) -> Field<Self> {
        text.parse().map_err(|_| Odd::wrong_type(text)).into()
    }
}

macro_rules! counts {
    ($($type:ty),*) => {
        $(impl<'de> Lenient<'de> for $type {
            fn from_whole(number: i64) -> Field<Self> {
                Self::try_from(number).map_err(|_| Odd::wrong_type(number)).into()
            }
            fn from_text(text: Cow<'de, str>) -> Field<Self> {
                text.parse().map_err(|_| Odd::wrong_type(text)).into()
            }
        })*
    };
}
counts!(u32, u64);

impl<'de> Lenient<'de> for f64 {
    fn from_decimal(number: f64) -> Field<Self> {
        Field::Stated(number)
    }
    fn from_whole(number: i64) -> Field<Self> {
        Self::from_text(Cow::Owned(number.to_string()))
    }
    fn from_text(text: Cow<'de, str>) -> Field<Self> {
        let number = text.parse().ok().filter(|number: &f64| number.is_finite());
        number.ok_or_else(|| Odd::wrong_type(text)).into()
    }
}

impl<'de> Lenient<'de> for Timestamp {
    fn from_text(text: Cow<'de, str>) -> Field<Self> {
        match text.parse() {
            Ok(time) => Field::Stated(time),
            Err(_) if text.is_empty() => Field::Unstated,
            Err(TimeError::Unset(_)) => Field::Unstated,
            Err(TimeError::NoOffset(_) | TimeError::NotATime(_)) => Field::Odd(Odd::bad_time(text)),
        }
    }
    fn from_whole(number: i64) -> Field<Self> {
        match Self::from_epoch(number) {
            Ok(time) => Field::Stated(time),
            Err(TimeError::Unset(_)) => Field::Unstated,
            Err(TimeError::NoOffset(_) | TimeError::NotATime(_)) => Field::Odd(Odd::bad_time(number)),
        }
    }
}

impl<'de> Lenient<'de> for ObjectId {
    fn from_text(text: Cow<'de, str>) -> Field<Self> {
        if text.is_empty() {
            return Field::Unstated;
        }
        Self::new(&text).ok_or_else(|| Odd::wrong_type(text)).into()
    }
}

impl<'de, T: Lenient<'de>> Lenient<'de> for Vec<Field<T>> {
    fn from_list<A: SeqAccess<'de>>(mut list: A) -> Result<Field<Self>, A::Error> {
        let mut elements = Self::new();
        while let Some(element) = list.next_element()? {
            elements.push(element);
        }
        Ok(Field::Stated(elements))
    }
}

/// An object with lenient fields of its own.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Object<T>(pub T);

impl<'de, T: Deserialize<'de>> Lenient<'de> for Object<T> {
    fn from_object<A: MapAccess<'de>>(object: A) -> Result<Field<Self>, A::Error> {
        T::deserialize(MapAccessDeserializer::new(object)).map(|value| Field::Stated(Self(value)))
    }
}

/// A nested object.
pub type Nested<T> = Field<Object<T>>;

/// A list.
pub type List<T> = Field<Vec<Field<T>>>;

/// A text.
pub type Text<'a> = Field<Cow<'a, str>>;

/// An instant.
pub type Instant = Field<Timestamp>;

/// An object id.
pub type Sha = Field<ObjectId>;

impl<'de, T: Lenient<'de>> Deserialize<'de> for Field<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(FieldVisitor(PhantomData))
    }
}

struct FieldVisitor<T>(PhantomData<T>);

impl<'de, T: Lenient<'de>> Visitor<'de> for FieldVisitor<T> {
    type Value = Field<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any JSON value")
    }

    fn visit_unit<E>(self) -> Result<Field<T>, E> {
        Ok(Field::Unstated)
    }

    fn visit_none<E>(self) -> Result<Field<T>, E> {
        Ok(Field::Unstated)
    }

    fn visit_bool<E>(self, flag: bool) -> Result<Field<T>, E> {
        Ok(T::from_flag(flag))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Field<T>, E> {
        Ok(T::from_whole(number))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Field<T>, E> {
        // Beyond i64 nothing in the contract is a whole number; as text it may still be an id.
        Ok(i64::try_from(number).map_or_else(|_| T::from_text(Cow::Owned(number.to_string())), T::from_whole))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Field<T>, E> {
        Ok(T::from_decimal(number))
    }

    fn visit_str<E>(self, text: &str) -> Result<Field<T>, E> {
        Ok(T::from_text(Cow::Owned(text.to_owned())))
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Field<T>, E> {
        Ok(T::from_text(Cow::Borrowed(text)))
    }

    fn visit_string<E>(self, text: String) -> Result<Field<T>, E> {
        Ok(T::from_text(Cow::Owned(text)))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<Field<T>, A::Error> {
        T::from_list(list)
    }

    fn visit_map<A: MapAccess<'de>>(self, object: A) -> Result<Field<T>, A::Error> {
        T::from_object(object)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, serde::Deserialize)]
    #[serde(default)]
    #[derive(Default)]
    struct Item<'a> {
        #[serde(borrow)]
        title: Field<Cow<'a, str>>,
        at: Field<Timestamp>,
        n: Field<u32>,
        flag: Field<bool>,
        #[serde(borrow)]
        names: List<Cow<'a, str>>,
        user: Nested<User>,
    }

    #[derive(Debug, Default, serde::Deserialize)]
    #[serde(default)]
    struct User {
        login: Field<String>,
    }

    #[test]
    fn odd_fields_do_not_lose_the_record() {
        let json = r#"{"title": {"a": [1, {}]}, "at": "soon", "n": -1, "flag": "true", "names": ["a", 2, null, {}], "user": {"login": "ana"}, "more": [[]]}"#;
        let item: Item<'_> = serde_json::from_str(json).unwrap();
        assert_eq!(item.title, Field::Odd(Odd::wrong_type("an object")));
        assert_eq!(item.at, Field::Odd(Odd::bad_time("soon")));
        assert_eq!(item.n, Field::Odd(Odd::wrong_type(-1)));
        assert_eq!(item.flag, Field::Stated(true));
        let names = [
            Field::Stated("a".into()),
            Field::Stated("2".into()),
            Field::Unstated,
            Field::Odd(Odd::wrong_type("an object")),
        ];
        assert_eq!(item.names, Field::Stated(names.into()));
        assert_eq!(item.user.quietly().map(|user| &user.0.login), Some(&Field::Stated("ana".to_owned())));
    }

    #[test]
    fn texts_are_borrowed_where_they_can_be() {
        let item: Item<'_> = serde_json::from_str(r#"{"title": "plain"}"#).unwrap();
        assert!(matches!(item.title, Field::Stated(Cow::Borrowed("plain"))));
        let item: Item<'_> = serde_json::from_str(r#"{"title": "tab\t"}"#).unwrap();
        assert!(matches!(item.title, Field::Stated(Cow::Owned(_))));
    }

    #[test]
    fn never_times_are_unstated() {
        let item: Item<'_> = serde_json::from_str(r#"{"at": "0001-01-01T00:00:00Z"}"#).unwrap();
        assert_eq!(item.at, Field::Unstated);
        let item: Item<'_> = serde_json::from_str(r#"{"at": 1680006843}"#).unwrap();
        assert_eq!(item.at, Field::Stated(Timestamp::from_ms(1_680_006_843_000)));
    }
}

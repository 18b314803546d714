//! One declaration per kind of entity gives the type, its document, how contributions merge, and lenient reading.

/// Declares an entity. Each field says how it merges:
/// `one` a single value, the highest rank that states it wins; `list` united on the identity of its elements;
/// `whole` a list taken from the highest rank that states it.
macro_rules! entity {
    ($(#[$doc:meta])* $name:ident { $($(#[$field_doc:meta])* $rule:ident $field:ident: $type:ty,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Default, PartialEq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
        #[serde(default, deny_unknown_fields)]
        pub struct $name {
            $($(#[$field_doc])*
            #[serde(skip_serializing_if = "crate::entity::parts::is_unstated")]
            pub $field: entity!(@type $rule $type),)*
            /// What has no field of its own, such as `jira.customfield_10016`. Can be searched as `attr.<key>`.
            #[serde(skip_serializing_if = "crate::entity::parts::is_unstated")]
            pub attributes: crate::entity::Attributes,
        }

        impl $name {
            $(entity!(@setter $rule $field $type, $(#[$field_doc])*);)*

            /// Takes from `lower` what this does not state.
            pub(crate) fn absorb(&mut self, lower: Self) {
                $(entity!(@absorb $rule self lower $field);)*
                lower.attributes.into_iter().for_each(|(key, value)| { self.attributes.entry(key).or_insert(value); });
            }

            /// Reads the fields that fit and reports the others.
            pub(crate) fn read_leniently(
                mut document: serde_json::Map<String, serde_json::Value>,
                misfits: &mut Vec<crate::entity::Misfit>,
            ) -> Self {
                let read = Self {
                    $($field: crate::entity::parts::Lenient::take(&mut document, stringify!($field), misfits),)*
                    attributes: crate::entity::parts::Lenient::take(&mut document, "attributes", misfits),
                };
                crate::entity::parts::report_unknown(document, misfits);
                read
            }
        }
    };
    (@type one $type:ty) => { Option<$type> };
    (@type list $type:ty) => { Vec<$type> };
    (@type whole $type:ty) => { Vec<$type> };
    (@setter one $field:ident $type:ty, $(#[$doc:meta])*) => {
        $(#[$doc])*
        #[must_use]
        pub fn $field(mut self, value: impl Into<Option<$type>>) -> Self {
            self.$field = value.into();
            self
        }
    };
    (@setter $list:ident $field:ident $type:ty, $(#[$doc:meta])*) => {
        $(#[$doc])*
        #[must_use]
        pub fn $field(mut self, values: impl IntoIterator<Item = $type>) -> Self {
            self.$field = values.into_iter().collect();
            self
        }
    };
    (@absorb one $this:ident $lower:ident $field:ident) => {
        $this.$field = $this.$field.take().or($lower.$field);
    };
    (@absorb list $this:ident $lower:ident $field:ident) => {
        crate::entity::parts::unite(&mut $this.$field, $lower.$field);
    };
    (@absorb whole $this:ident $lower:ident $field:ident) => {
        if $this.$field.is_empty() { $this.$field = $lower.$field; }
    };
}

/// Declares an open vocabulary: the words that processing needs, and `Unknown` with the tool's own.
macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$word_doc:meta])* $word:ident = $text:literal,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
        pub enum $name {
            $($(#[$word_doc])* #[serde(rename = $text)] $word,)*
            /// The tool's own word, none of the others.
            #[serde(rename = "unknown")]
            Unknown(String),
        }

        impl $name {
            /// The word, the tool's own where it is unknown.
            pub fn as_str(&self) -> &str {
                match self {
                    $(Self::$word => $text,)*
                    Self::Unknown(word) => word,
                }
            }

            /// The case whose word this is, in any case of letters; else the unknown one.
            pub fn from_word(word: &str) -> Self {
                $(if word.eq_ignore_ascii_case($text) { return Self::$word; })*
                Self::Unknown(word.to_owned())
            }
        }

        impl crate::entity::Identity for $name {
            type Id = Self;
            fn identity(&self) -> Self {
                self.clone()
            }
        }
    };
}

//! Fields of the index, and how texts become terms: by the very functions a filter compares with.

use std::collections::BTreeMap;

use tantivy::Term;
use tantivy::schema::{
    BytesOptions, Field, IndexRecordOption, NumericOptions, Schema, SchemaBuilder, TextFieldIndexing, TextOptions,
};
use tantivy::tokenizer::{Token, TokenStream, Tokenizer, TokenizerManager};
use weir_model::filter::words;
use weir_model::search::{FIELDS, FieldType, field};

/// The column of all fields with open names, `attr.<name>` and `data.<path>`: its values are `name NUL value`.
pub(super) const OPEN: &str = "open";
/// Between the name of a field and its value.
pub(super) const NUL: char = '\0';
/// Terms of no field of the model: the id of the entity to the letter, by which a document is replaced.
const ENTITY: &str = "=entity";
/// The same: names of the fields the document has, so that `field:*` is one look-up.
const HAS: &str = "=has";
/// Stands between the path of a list and the place of an element in it.
const ELEMENT: &str = ".#";
/// A number made from the id, which orders hits that are equal in what they are sorted by.
pub(super) const TIE: &str = "tie";

const WORDS: &str = "weir_words";

/// The fields by what they are for.
pub(super) struct Fields {
    pub(super) schema: Schema,
    /// Id of the entity, to be shown with what is kept of the document.
    pub(super) entity: Field,
    pub(super) kept: Field,
    pub(super) tie: Field,
    /// All that is found as a whole, `name NUL value` with the value in lower case. A field of its own for each name
    /// would mean a dictionary for each, and those cost more than their terms while segments are small.
    pub(super) terms: Field,
    open: Field,
    by_name: BTreeMap<&'static str, Field>,
}

impl Fields {
    pub(super) fn new() -> Self {
        let mut schema = Schema::builder();
        let entity = schema.add_text_field("entity", TextOptions::default().set_stored());
        let kept = schema.add_bytes_field("kept", BytesOptions::default().set_stored());
        let tie = schema.add_u64_field(TIE, NumericOptions::default().set_fast());
        let whole = TextFieldIndexing::default().set_tokenizer("raw").set_index_option(IndexRecordOption::Basic);
        let terms = TextOptions::default().set_indexing_options(whole.set_fieldnorms(false));
        let terms = schema.add_text_field("terms", terms);
        let open = schema.add_text_field(OPEN, column());
        let by_name = FIELDS.iter().map(|field| (field.name, add(&mut schema, field.name, field.kind))).collect();
        Self { schema: schema.build(), entity, kept, tie, terms, open, by_name }
    }

    /// By which the document of an entity is found.
    pub(super) fn entity_term(&self, id: &str) -> Term {
        Term::from_field_text(self.terms, &of_entity(id))
    }

    /// The field a name in a filter means, with its type: of keywords it is the column of their values as they are.
    pub(super) fn named(&self, name: &str) -> Option<(Field, FieldType)> {
        let field = field(name)?;
        let own = if field.is_open() { Some(self.open) } else { self.by_name.get(name).copied() };
        own.map(|own| (own, field.kind))
    }
}

/// Whether all values of the field called `name` are in the column [`OPEN`].
pub(super) fn is_open(name: &str) -> bool {
    field(name).is_some_and(|field| field.is_open())
}

/// Begin of all values of the field called `name` in its column; empty for those that have one to themselves.
pub(super) fn column_prefix(name: &str) -> String {
    if is_open(name) { term_prefix(name) } else { String::new() }
}

/// Begin of all terms of the keyword field called `name`.
pub(super) fn term_prefix(name: &str) -> String {
    format!("{name}{NUL}")
}

/// Name of the field `name` in one element of a list: `data.items.#3.price`. No field of a document has that sign.
pub(super) fn in_element(name: &str, list: &str, at: usize) -> String {
    format!("{list}{ELEMENT}{at}{}", name.strip_prefix(list).unwrap_or_default())
}

/// Name of the field that says that there is such an element, whatever is in it.
pub(super) fn element(list: &str, at: usize) -> String {
    format!("{list}{ELEMENT}{at}#")
}

/// Whether it is a field in one element of a list.
pub(super) fn is_in_element(name: &str) -> bool {
    name.contains(ELEMENT)
}

/// The term of all documents that have the field called `name`.
pub(super) fn has(name: &str) -> String {
    format!("{HAS}{NUL}{name}")
}

/// The term of the document of an entity.
pub(super) fn of_entity(id: &str) -> String {
    format!("{ENTITY}{NUL}{id}")
}

fn add(schema: &mut SchemaBuilder, name: &str, kind: FieldType) -> Field {
    let number = NumericOptions::default().set_fast();
    match kind {
        FieldType::Keyword => schema.add_text_field(name, column()),
        // Milliseconds as a plain number: the index's own instants lose them, and end in the year 2262.
        FieldType::Date => schema.add_i64_field(name, number),
        FieldType::Number => schema.add_f64_field(name, number),
        FieldType::Text => {
            let words = TextFieldIndexing::default().set_tokenizer(WORDS);
            let positions = words.set_index_option(IndexRecordOption::WithFreqsAndPositions);
            schema.add_text_field(name, TextOptions::default().set_indexing_options(positions))
        }
    }
}

/// Values as they are, for facets and groups.
fn column() -> TextOptions {
    TextOptions::default().set_fast("raw")
}

/// The tokenizers the fields name.
pub(super) fn tokenizers() -> TokenizerManager {
    let tokenizers = TokenizerManager::default();
    tokenizers.register(WORDS, Splitter(words));
    tokenizers
}

/// A tokenizer that is a function.
#[derive(Clone, Copy)]
struct Splitter(fn(&str) -> Vec<String>);

struct Terms {
    rest: std::vec::IntoIter<String>,
    token: Token,
}

impl Tokenizer for Splitter {
    type TokenStream<'a> = Terms;

    fn token_stream<'a>(&'a mut self, text: &'a str) -> Terms {
        Terms { rest: self.0(text).into_iter(), token: Token::default() }
    }
}

impl TokenStream for Terms {
    fn advance(&mut self) -> bool {
        let Some(text) = self.rest.next() else { return false };
        self.token.text = text;
        // The position before the first one is the largest number there is.
        self.token.position = self.token.position.wrapping_add(1);
        true
    }

    fn token(&self) -> &Token {
        &self.token
    }

    fn token_mut(&mut self) -> &mut Token {
        &mut self.token
    }
}

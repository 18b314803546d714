//! Fields of the index, and how texts become terms: by the very functions a filter compares with.

use std::collections::BTreeMap;

use tantivy::schema::{
    BytesOptions, Field, IndexRecordOption, NumericOptions, Schema, SchemaBuilder, TextFieldIndexing, TextOptions,
};
use tantivy::tokenizer::{Token, TokenStream, Tokenizer, TokenizerManager};
use weir_model::filter::words;
use weir_model::search::{FIELDS, FieldType, field};

/// All fields with open names, `attr.<name>` and `data.<path>`, are terms `name NUL value` of this one field.
pub(super) const OPEN: &str = "open";
/// Between the name of such a field and its value.
pub(super) const NUL: char = '\0';
/// A number made from the id, which orders hits that are equal in what they are sorted by.
pub(super) const TIE: &str = "tie";

const KEYWORD: &str = "weir_keyword";
const NAMED: &str = "weir_named";
const WORDS: &str = "weir_words";

/// The fields by what they are for.
pub(super) struct Fields {
    pub(super) schema: Schema,
    /// Id of the entity, to the letter: by it a document is replaced.
    pub(super) entity: Field,
    /// Names of the fields the document has, so that `field:*` is one look-up.
    pub(super) has: Field,
    /// What is kept of the document, to be shown.
    pub(super) kept: Field,
    pub(super) tie: Field,
    pub(super) open: Field,
    by_name: BTreeMap<&'static str, Field>,
}

impl Fields {
    pub(super) fn new() -> Self {
        let mut schema = Schema::builder();
        let exact = TextOptions::default().set_indexing_options(indexing("raw"));
        let entity = schema.add_text_field("entity", exact.clone().set_stored());
        let has = schema.add_text_field("has", exact);
        let kept = schema.add_bytes_field("kept", BytesOptions::default().set_stored());
        let tie = schema.add_u64_field(TIE, NumericOptions::default().set_fast());
        let open = schema.add_text_field(OPEN, keyword(NAMED));
        let by_name = FIELDS.iter().map(|field| (field.name, add(&mut schema, field.name, field.kind))).collect();
        Self { schema: schema.build(), entity, has, kept, tie, open, by_name }
    }

    /// The field a name in a filter means, with its type.
    pub(super) fn named(&self, name: &str) -> Option<(Field, FieldType)> {
        let field = field(name)?;
        let own = if field.is_open() { Some(self.open) } else { self.by_name.get(name).copied() };
        own.map(|own| (own, field.kind))
    }
}

/// Whether all values of the field called `name` are terms of [`OPEN`].
pub(super) fn is_open(name: &str) -> bool {
    field(name).is_some_and(|field| field.is_open())
}

/// Begin of all terms of the field called `name`; empty for those that have a field of the index to themselves.
pub(super) fn term_prefix(name: &str) -> String {
    if is_open(name) { format!("{name}{NUL}") } else { String::new() }
}

fn add(schema: &mut SchemaBuilder, name: &str, kind: FieldType) -> Field {
    let number = NumericOptions::default().set_fast();
    match kind {
        FieldType::Keyword => schema.add_text_field(name, keyword(KEYWORD)),
        // Milliseconds as a plain number: the index's own instants lose them, and end in the year 2262.
        FieldType::Date => schema.add_i64_field(name, number),
        FieldType::Number => schema.add_f64_field(name, number),
        FieldType::Text => {
            let positions = indexing(WORDS).set_index_option(IndexRecordOption::WithFreqsAndPositions);
            schema.add_text_field(name, TextOptions::default().set_indexing_options(positions.set_fieldnorms(true)))
        }
    }
}

/// Terms in lower case for finding, a column of the values as they are for facets.
fn keyword(tokenizer: &str) -> TextOptions {
    TextOptions::default().set_indexing_options(indexing(tokenizer)).set_fast("raw")
}

fn indexing(tokenizer: &str) -> TextFieldIndexing {
    let indexing = TextFieldIndexing::default().set_tokenizer(tokenizer);
    indexing.set_index_option(IndexRecordOption::Basic).set_fieldnorms(false)
}

/// The tokenizers the fields name.
pub(super) fn tokenizers() -> TokenizerManager {
    let tokenizers = TokenizerManager::default();
    tokenizers.register(KEYWORD, Splitter(|text| vec![text.to_lowercase()]));
    tokenizers.register(NAMED, Splitter(|text| vec![named_term(text)]));
    tokenizers.register(WORDS, Splitter(words));
    tokenizers
}

/// The name as it is, the value in lower case.
fn named_term(text: &str) -> String {
    let (name, value) = text.split_once(NUL).unwrap_or(("", text));
    format!("{name}{NUL}{}", value.to_lowercase())
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

use expect_test::{Expect, expect};
use serde_json::{Value, json};

use super::*;

fn orders() -> Value {
    json!({
        "type": "object",
        "required": ["id", "total"],
        "additionalProperties": false,
        "unique": ["id"],
        "time": "sold_at",
        "title": "customer.name",
        "properties": {
            "id": { "type": "string", "pattern": "^O-[0-9]+$" },
            "total": { "type": "number", "minimum": 0, "maximum": 1000 },
            "n": { "type": "integer", "nullable": true },
            "paid": { "type": "boolean" },
            "state": { "enum": ["open", "sent"] },
            "sold_at": { "type": "timestamp" },
            "sent_at": { "type": "timestamp", "mustBeGreaterThanOrEqual": "sold_at", "requiredWith": ["carrier"] },
            "carrier": { "type": "string", "maxLength": 5 },
            "mail": { "type": "string", "format": "email" },
            "day": { "type": "string", "format": "date" },
            "customer": { "type": "object", "properties": { "name": { "type": "string", "required": true } } },
            "items": {
                "type": "array", "minItems": 1,
                "items": { "type": "object", "properties": { "price": { "type": "double", "exclusiveMinimum": 0 } } }
            }
        }
    })
}

fn context(texts: bool) -> RowContext {
    RowContext { kind: "orders".to_owned(), schema: "1".to_owned(), texts }
}

fn judged(row: &str, texts: bool) -> String {
    let schema = Schema::compile(&orders()).unwrap();
    let (raw, breaches) = record(&schema, &context(texts), row.as_bytes());
    let read = read(&raw, Some(&schema));
    let mut text = if breaches.is_empty() { raw.key.clone() } else { "orders/unfit".to_owned() };
    assert_eq!(breaches.is_empty(), !raw.key.starts_with("orders/unfit/"), "{}", raw.key);
    for breach in &breaches {
        text += &format!("\n  {} {} {}: {}", breach.path, breach.word, breach.code, breach.message);
    }
    match read.outcome {
        Outcome::Produced(made) => {
            let Some(Produced { kind, key, entity, .. }) = made.first() else { panic!("nothing is made of {row}") };
            text += &format!("\n  {kind}:{key} {}", entity.to_json());
        }
        _ => assert_eq!(read.diagnostics.len(), breaches.len()),
    }
    text + "\n"
}

#[expect(clippy::needless_pass_by_value, reason = "an `Expect` is written in place")]
fn check(rows: &[&str], texts: bool, expected: Expect) {
    expected.assert_eq(&rows.iter().map(|row| judged(row, texts)).collect::<String>());
}

#[test]
fn a_row_is_judged_word_by_word() {
    check(
        &[
            r#"{"id":"O-1","total":5,"sold_at":"2025-03-01T10:00:00Z","customer":{"name":"Ana"},"items":[{"price":2.5}]}"#,
            r#"{"id":"O-1","total":5,"n":null}"#,
            r#"{"total":"5"}"#,
            r#"{"id":"1","total":-1,"n":1.5,"paid":"yes","state":"new","colour":1}"#,
            r#"{"id":"O-1","total":1001,"sold_at":"2025-03-02","sent_at":"2025-03-01","mail":"ana","day":"1.3.2025"}"#,
            r#"{"id":"O-1","total":1,"sent_at":"yesterday","carrier":"long name","items":[]}"#,
            r#"{"id":"O-1","total":1,"customer":{},"items":[{"price":1},{"price":0},7]}"#,
            "7",
            "{",
        ],
        false,
        expect![[r#"
            orders/O-1
              custom-orders:orders/O-1 {"title":"Ana","at":"2025-03-01T10:00:00.000Z","data":{"customer":{"name":"Ana"},"id":"O-1","items":[{"price":2.5}],"sold_at":"2025-03-01T10:00:00Z","total":5}}
            orders/O-1
              custom-orders:orders/O-1 {"data":{"id":"O-1","n":null,"total":5}}
            orders/unfit
              id required MISSING_REQUIRED_FIELD: is missing
              total type WRONG_TYPE: "5" is no number
            orders/unfit
              colour additionalProperties UNKNOWN_COLUMN: is not in the schema
              id pattern NOT_ALLOWED: "1" is not like ^O-[0-9]+$
              n type WRONG_TYPE: 1.5 is no integer
              paid type WRONG_TYPE: "yes" is no boolean
              state enum NOT_ALLOWED: "new" is none of "open", "sent"
              total minimum BELOW_MIN: -1 is less than 0
            orders/unfit
              day format WRONG_TYPE: "1.3.2025" is no date
              mail format WRONG_TYPE: "ana" is no email
              sent_at mustBeGreaterThanOrEqual ORDER: "2025-03-01" is less than "2025-03-02" of `sold_at`
              sent_at requiredWith REQUIRED_WITH: needs `carrier` beside it
              total maximum ABOVE_MAX: 1001 is more than 1000
            orders/unfit
              carrier maxLength ABOVE_MAX: "long name" has more than 5 characters
              items minItems BELOW_MIN: [] has fewer than 1 elements
              sent_at type WRONG_TYPE: "yesterday" is no timestamp
            orders/unfit
              customer.name required MISSING_REQUIRED_FIELD: is missing
              items[1].price exclusiveMinimum BELOW_MIN: 0 is not above 0
              items[2] type WRONG_TYPE: 7 is no object
            orders/unfit
               type WRONG_TYPE: a row is an object
            orders/unfit
               type WRONG_TYPE: EOF while parsing an object at line 1 column 1
        "#]],
    );
}

#[test]
fn texts_are_read_as_the_schema_says() {
    check(
        &[
            r#"{"id":"O-1","total":"5.5","n":"","paid":"true","state":"open"}"#,
            r#"{"id":"O-1","total":"many","n":"1.5"}"#,
        ],
        true,
        expect![[r#"
            orders/O-1
              custom-orders:orders/O-1 {"data":{"id":"O-1","paid":true,"state":"open","total":5.5}}
            orders/unfit
              n type WRONG_TYPE: "1.5" is no integer
              total type WRONG_TYPE: "many" is no number
        "#]],
    );
}

#[test]
fn what_is_not_understood_is_refused() {
    let check = |schema: Value, expected: &str| {
        assert_eq!(Schema::compile(&schema).unwrap_err().to_string(), expected, "{schema}");
    };
    check(json!([]), "the schema: a schema is an object");
    check(json!({"oneOf": []}), "the schema: `oneOf` is no word that is understood");
    check(json!({"properties": {"a": {"type": "money"}}}), "a: `type` cannot be `money`");
    check(
        json!({"properties": {"a": {"properties": {"b": {"pattern": "("}}}}}),
        "a.b: `pattern` is no regular expression that can be used",
    );
    check(json!({"properties": {"a": {}}, "unique": ["b"]}), "b: is no property of the schema");
    check(json!({"type": "string"}), "the schema: rows are objects");
}

#[test]
fn columns_of_a_table_are_a_schema_too() {
    let columns = json!({ "columns": [
        { "name": "id", "type": "long", "required": true, "unique": true },
        { "name": "score", "type": "double", "min": 0, "max": 10, "mustBeGreaterThan": 0, "unit": "points" },
        { "name": "size", "type": "string", "allowedValues": ["S", "M"] },
    ] });
    let schema = Schema::compile(&columns).unwrap();
    let codes = |row: Value| {
        let breaches = schema.check(row.as_object().unwrap());
        breaches.into_iter().map(|breach| breach.code).collect::<Vec<_>>()
    };
    assert_eq!(codes(json!({"id": 1, "score": 1.5, "size": "S"})), Vec::<&str>::new());
    assert_eq!(codes(json!({"score": 11, "size": "L"})), ["MISSING_REQUIRED_FIELD", "ABOVE_MAX", "NOT_ALLOWED"]);
    assert_eq!(codes(json!({"id": 1, "score": 0})), ["ORDER"]);
    assert_eq!(record(&schema, &context(false), br#"{"id": 7}"#).0.key, "orders/7");
}

#[test]
fn values_are_found_by_their_paths() {
    let row = r#"{"id":"O-1","total":50,"sold_at":"2025-03-12T10:00:00Z","customer":{"name":"Eve Smith"},"items":[{"price":2},{"price":12}]}"#;
    let schema = Schema::compile(&orders()).unwrap();
    let (raw, _) = record(&schema, &context(false), row.as_bytes());
    let Outcome::Produced(made) = read(&raw, Some(&schema)).outcome else { panic!("the row fits") };
    let id = made[0].id(&weir_model::IntegrationName::new("push").unwrap());
    let document = crate::facets::search_document(&id, &made[0].entity, &crate::Context::default());
    let found = |filter: &str| filter.parse::<weir_model::Filter>().unwrap().matches(&document);
    let filters = [
        "kind:custom-orders",
        "data.total:50",
        "data.customer.name:\"eve smith\"",
        "data.items.price:>10 data.items.price:<3",
        "data.sold_at:[2025-03 TO *]",
        "created:2025-03-12",
        "title:eve",
        "smith",
        "data.items.price:*",
    ];
    for filter in filters {
        assert!(found(filter), "{filter}");
    }
    for filter in ["data.total:>50", "data.name:*", "data.customer:*", "data.items.price:3"] {
        assert!(!found(filter), "{filter}");
    }
}

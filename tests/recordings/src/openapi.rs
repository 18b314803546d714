//! OpenAPI descriptions of tools, for tests that a connector asks only for what there is and that our own cassettes
//! look like the tool's answers.
//!
//! Only what is wrong for sure is reported: where a description leaves something open, anything goes.

use std::path::Path;

use serde_json::{Map, Value};

/// A description of an API, version 3 of OpenAPI.
pub struct Description {
    document: Value,
}

/// An address of the API that a request goes to.
struct Operation<'d> {
    path: &'d Value,
    operation: &'d Value,
}

impl Description {
    /// Reads a compressed description.
    pub fn read(file: &Path) -> Self {
        Self { document: serde_json::from_str(&crate::gunzip(file)).expect("a description is JSON") }
    }

    /// What is wrong with an exchange: the request is written `GET /path?query`, the answer is its body.
    pub fn faults(&self, request: &str, answer: &Value) -> Vec<String> {
        let (method, target) = request.split_once(' ').unwrap_or(("GET", request));
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let Some(operation) = self.operation(method, path) else { return vec![format!("{method} {path}: unknown")] };
        let asked =
            query.split('&').filter(|pair| !pair.is_empty()).map(|pair| pair.split_once('=').unwrap_or((pair, "")));
        let mut faults: Vec<_> = asked.filter_map(|(name, value)| self.parameter(&operation, name, value)).collect();
        if let Some(schema) = self.answer(&operation) {
            self.compare(schema, answer, "", &mut faults);
        }
        faults.into_iter().map(|fault| format!("{method} {path}: {fault}")).collect()
    }

    /// The operation whose path has the most parts that are given literally.
    fn operation(&self, method: &str, path: &str) -> Option<Operation<'_>> {
        let paths = self.document["paths"].as_object()?.iter();
        let fitting = paths.filter(|(template, _)| fits(template, path));
        let (_, path) = fitting.min_by_key(|(template, _)| template.matches('{').count())?;
        let operation = path.get(method.to_ascii_lowercase())?;
        Some(Operation { path, operation })
    }

    fn parameter(&self, operation: &Operation<'_>, name: &str, value: &str) -> Option<String> {
        let lists = [&operation.path["parameters"], &operation.operation["parameters"]];
        let mut known = lists.into_iter().filter_map(Value::as_array).flatten().map(|it| self.resolved(it));
        let Some(parameter) = known.find(|it| it["in"] == "query" && it["name"] == name) else {
            return Some(format!("no parameter `{name}`"));
        };
        let schema = self.resolved(&parameter["schema"]);
        let most = schema["maximum"].as_i64().zip(value.parse::<i64>().ok());
        let is_word = schema["enum"].as_array().is_none_or(|words| words.iter().any(|word| word == value));
        match most {
            Some((most, asked)) if asked > most => Some(format!("`{name}` is {asked}, and {most} at most")),
            _ => (!is_word).then(|| format!("`{name}` does not take `{value}`")),
        }
    }

    /// Schema of the answer when all is well.
    fn answer<'d>(&'d self, operation: &Operation<'d>) -> Option<&'d Value> {
        let responses = operation.operation["responses"].as_object()?;
        let (_, response) = responses.iter().find(|(status, _)| status.starts_with('2'))?;
        let schema = &self.resolved(response)["content"]["application/json"]["schema"];
        (!schema.is_null()).then_some(schema)
    }

    fn resolved<'d>(&'d self, value: &'d Value) -> &'d Value {
        let named = value["$ref"].as_str().and_then(|name| self.document.pointer(name.strip_prefix('#')?));
        named.unwrap_or(value)
    }

    /// Notes fields an answer cannot have, and values of another type than said.
    fn compare(&self, schema: &Value, found: &Value, place: &str, faults: &mut Vec<String>) {
        let schema = self.resolved(schema);
        if found.is_null() {
            return;
        }
        if let Some(expected) = schema["type"].as_str().filter(|expected| !is_type(expected, found)) {
            let found: String = found.to_string().chars().take(40).collect();
            faults.push(format!("`{place}` is {found}, and must be of type {expected}"));
            return;
        }
        match found {
            Value::Object(fields) => self.compare_fields(schema, fields, place, faults),
            Value::Array(items) => items.iter().for_each(|item| self.compare(&schema["items"], item, place, faults)),
            _ => {}
        }
    }

    fn compare_fields(&self, schema: &Value, fields: &Map<String, Value>, place: &str, faults: &mut Vec<String>) {
        let open = self.is_open(schema);
        for (name, value) in fields {
            let place = format!("{place}/{name}");
            match self.property(schema, name) {
                Some(property) => self.compare(property, value, &place, faults),
                None if open => {}
                None => faults.push(format!("no field `{place}`")),
            }
        }
    }

    fn property<'d>(&'d self, schema: &'d Value, name: &str) -> Option<&'d Value> {
        let own = schema["properties"].get(name);
        own.or_else(|| self.parts(schema).find_map(|part| self.property(part, name)))
    }

    /// Whether fields may be there that no schema names: none are named at all, or others are allowed aloud.
    fn is_open(&self, schema: &Value) -> bool {
        let allowed = schema.get("additionalProperties").is_some_and(|more| *more != Value::Bool(false));
        let names_none =
            schema["properties"].as_object().is_none_or(Map::is_empty) && self.parts(schema).next().is_none();
        allowed || names_none || self.parts(schema).any(|part| self.is_open(part))
    }

    /// Schemas that one is put together from, or may be one of.
    fn parts<'d>(&'d self, schema: &'d Value) -> impl Iterator<Item = &'d Value> {
        let lists = ["allOf", "anyOf", "oneOf"].into_iter().filter_map(|name| schema[name].as_array());
        lists.flatten().map(|part| self.resolved(part))
    }
}

/// Whether a path is one of a template: `/issue/{id}/comment`.
fn fits(template: &str, path: &str) -> bool {
    let mut parts = path.split('/');
    let same = |wanted: &str| parts.next().is_some_and(|part| wanted.starts_with('{') || wanted == part);
    template.split('/').all(same) && parts.next().is_none()
}

fn is_type(expected: &str, found: &Value) -> bool {
    match expected {
        "object" => found.is_object(),
        "array" => found.is_array(),
        "string" => found.is_string(),
        "boolean" => found.is_boolean(),
        "integer" => found.is_i64() || found.is_u64(),
        "number" => found.is_number(),
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(request: &str, answer: &str) -> Vec<String> {
        let document = serde_json::json!({
            "paths": {"/item/{id}": {"get": {
                "parameters": [{"in": "query", "name": "size", "schema": {"type": "integer", "maximum": 100}}],
                "responses": {"200": {"content": {"application/json": {"schema": {"$ref": "#/components/Item"}}}}}
            }}},
            "components": {"Item": {"type": "object", "properties": {
                "id": {"type": "string"}, "any": {"type": "object"}, "many": {"type": "array", "items": {"type": "integer"}}
            }}}
        });
        Description { document }.faults(request, &serde_json::from_str(answer).unwrap())
    }

    #[test]
    fn only_what_is_wrong_for_sure_is_reported() {
        assert_eq!(faults("GET /item/7?size=100", r#"{"id": "7", "any": {"a": 1}, "many": [1, 2]}"#), [""; 0]);
        let odd = faults("GET /item/7?size=101&page=2", r#"{"id": 7, "name": "x", "many": [1, "2"]}"#);
        assert_eq!(
            odd,
            [
                "GET /item/7: `size` is 101, and 100 at most",
                "GET /item/7: no parameter `page`",
                "GET /item/7: `/id` is 7, and must be of type string",
                "GET /item/7: `/many` is \"2\", and must be of type integer",
                "GET /item/7: no field `/name`",
            ]
        );
        assert_eq!(faults("GET /items", "{}"), ["GET /items: unknown"]);
    }
}

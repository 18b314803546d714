//! What the signature of a handler says of it, for the document of the API: each of its arguments tells what it takes out
//! of a request, and its result what it answers. So the document says of an operation what the operation does.

use axum::http::StatusCode;
use axum::response::{Html, NoContent, Response};
use axum::{Json, extract};
use schemars::generate::{SchemaGenerator, SchemaSettings};
use schemars::{JsonSchema, Schema, json_schema};
use serde_json::{Map, Value, json};

use super::Route;
use super::auth::{Caller, Needs};
use super::problem::Told;
use super::tls::Vouched;
use crate::access::{Permission, Principal};

/// Where schemas that have a name stand.
const SCHEMAS: &str = "/components/schemas";

/// Schemas of everything that is said. What is asked is written out where it stands: the same type may take more spellings
/// than it is written in.
pub(super) struct Schemas {
    asked: SchemaGenerator,
    answered: SchemaGenerator,
}

/// An operation, as far as it is told.
pub(super) struct Operation<'a> {
    schemas: &'a mut Schemas,
    /// Names in its path that no argument has taken yet.
    names: Vec<&'static str>,
    parameters: Vec<Value>,
    body: Option<Value>,
    responses: Map<String, Value>,
}

/// Something a handler takes out of a request.
pub(super) trait Takes {
    fn tell(_: &mut Operation<'_>) {}
}

/// Something a handler answers.
pub(super) trait Gives {
    fn tell(operation: &mut Operation<'_>);
}

/// A handler; `T` is as in [`axum::handler::Handler`].
pub(super) trait Described<T> {
    fn tell(operation: &mut Operation<'_>);
}

impl Default for Schemas {
    fn default() -> Self {
        let settings = |inline| {
            SchemaSettings::draft2020_12().with(|settings| {
                settings.inline_subschemas = inline;
                settings.meta_schema = None;
                settings.definitions_path = SCHEMAS.into();
            })
        };
        Self {
            asked: settings(true).for_deserialize().into_generator(),
            answered: settings(false).for_serialize().into_generator(),
        }
    }
}

impl Schemas {
    /// What a route does.
    pub(super) fn operation(&mut self, route: &Route) -> Value {
        let names = route.path.split('{').skip(1).filter_map(|rest| rest.split('}').next()).collect();
        let mut operation =
            Operation { schemas: self, names, parameters: Vec::new(), body: None, responses: Map::new() };
        (route.tell)(&mut operation);
        operation.told(route)
    }

    /// Those that have a name.
    pub(super) fn named(mut self) -> Map<String, Value> {
        self.answered.take_definitions(true)
    }
}

impl Operation<'_> {
    fn told(self, route: &Route) -> Value {
        let mut told = json!({
            "summary": route.summary,
            "description": wanted(route.needs),
            "parameters": self.parameters,
            "responses": self.responses,
        });
        if matches!(route.needs, Needs::Nothing | Needs::Signature) {
            told["security"] = json!([]);
        }
        if let Some(body) = self.body {
            told["requestBody"] = body;
        }
        told
    }

    fn schema_of<T: JsonSchema>(generator: &mut SchemaGenerator) -> Value {
        generator.subschema_for::<T>().to_value()
    }

    /// Parameters of the path: one, or one for each name.
    fn take_from_path(&mut self, schema: &Value) {
        for (index, name) in std::mem::take(&mut self.names).into_iter().enumerate() {
            let schema = schema["prefixItems"].get(index).unwrap_or(schema);
            self.parameters.push(json!({ "name": name, "in": "path", "required": true, "schema": schema }));
        }
    }

    /// A parameter of the query for every property of a schema.
    fn take_from_query(&mut self, schema: &Value) {
        let is_required = |name: &String| schema["required"].as_array().is_some_and(|all| all.contains(&json!(name)));
        for (name, property) in schema["properties"].as_object().into_iter().flatten() {
            let mut property = property.clone();
            let description = property.as_object_mut().and_then(|fields| fields.remove("description"));
            let mut told = json!({ "name": name, "in": "query", "schema": never_null(property) });
            if is_required(name) {
                told["required"] = json!(true);
            }
            if let Some(description) = description {
                told["description"] = description;
            }
            self.parameters.push(told);
        }
    }

    /// A body that may be left out, by media types and what they hold.
    pub(super) fn take_body(&mut self, content: impl IntoIterator<Item = (&'static str, Value)>) {
        self.body = Some(json!({ "content": media(content) }));
    }

    /// A body that must be there.
    pub(super) fn demand_body(&mut self, content: impl IntoIterator<Item = (&'static str, Value)>) {
        self.body = Some(json!({ "content": media(content), "required": true }));
    }

    /// What is asked for in JSON.
    pub(super) fn asked<T: JsonSchema>(&mut self) -> Value {
        Self::schema_of::<T>(&mut self.schemas.asked)
    }

    /// What is answered in JSON.
    pub(super) fn answered<T: JsonSchema>(&mut self) -> Value {
        Self::schema_of::<T>(&mut self.schemas.answered)
    }

    /// An answer, by media types and what they hold.
    pub(super) fn answer(
        &mut self,
        status: &str,
        means: &str,
        content: impl IntoIterator<Item = (&'static str, Value)>,
    ) {
        let content = media(content);
        let mut told = json!({ "description": means });
        if !content.is_empty() {
            told["content"] = Value::Object(content);
        }
        self.responses.insert(status.to_owned(), told);
    }

    /// An answer in JSON.
    pub(super) fn answer_json<T: JsonSchema>(&mut self, status: &str, means: &str) {
        let schema = self.answered::<T>();
        self.answer(status, means, [("application/json", schema)]);
    }
}

/// What somebody who asks must be or have.
fn wanted(needs: Needs) -> String {
    let named = |permission: Permission| format!("Needs the permission {}", json!(permission));
    match needs {
        Needs::Nothing => "For everybody.".to_owned(),
        Needs::Signature => "For those who sign what they send, as docs/WEBHOOKS.md says.".to_owned(),
        Needs::Known => "For those who are known.".to_owned(),
        Needs::Seen(permission) => {
            format!("{}; those who are limited to teams or projects are answered from these.", named(permission))
        }
        Needs::Whole(permission) => {
            format!("{}, and no limits to teams or projects.", named(permission))
        }
    }
}

fn media(content: impl IntoIterator<Item = (&'static str, Value)>) -> Map<String, Value> {
    let told = |schema: Value| if schema == json!(true) { json!({}) } else { schema };
    content.into_iter().map(|(kind, schema)| (kind.to_owned(), json!({ "schema": told(schema) }))).collect()
}

/// An object of texts that may be there.
pub(super) fn texts(names: impl IntoIterator<Item = &'static str>) -> Schema {
    let text = json!({ "type": "string" });
    let properties: Map<String, Value> = names.into_iter().map(|name| (name.to_owned(), text.clone())).collect();
    json_schema!({ "type": "object", "properties": properties })
}

/// A parameter is there or not; it is never null.
fn never_null(mut schema: Value) -> Value {
    let Some(fields) = schema.as_object_mut() else { return schema };
    if fields.get("default").is_some_and(Value::is_null) {
        fields.remove("default");
    }
    if let Some(Value::Array(kinds)) = fields.get_mut("type") {
        kinds.retain(|kind| kind != "null");
        if let [only] = kinds.as_slice() {
            let only = only.clone();
            fields.insert("type".to_owned(), only);
        }
    }
    if let Some(Value::Array(kinds)) = fields.get_mut("enum") {
        kinds.retain(|kind| !kind.is_null());
    }
    if let Some(Value::Array(kinds)) = fields.get_mut("anyOf") {
        kinds.retain(|kind| kind["type"] != "null");
        if let [only] = kinds.as_slice() {
            return only.clone();
        }
    }
    schema
}

/// Tells an argument that is taken out of the path.
pub(super) fn in_path<T: JsonSchema>(operation: &mut Operation<'_>) {
    let schema = operation.asked::<T>();
    operation.take_from_path(&schema);
}

/// Tells an argument that is taken out of the query.
pub(super) fn in_query<T: JsonSchema>(operation: &mut Operation<'_>) {
    let schema = operation.asked::<T>();
    operation.take_from_query(&schema);
}

impl<T> Takes for extract::State<T> {}
impl Takes for extract::RawQuery {}
impl<T> Takes for axum::Extension<T> {}
impl Takes for axum::http::HeaderMap {}
impl Takes for axum::http::Uri {}
impl Takes for Principal {}
impl Takes for Caller {}
impl Takes for Vouched {}

impl<T: Gives, E: Gives> Gives for Result<T, E> {
    fn tell(operation: &mut Operation<'_>) {
        T::tell(operation);
        E::tell(operation);
    }
}

impl Gives for super::Problem {
    fn tell(operation: &mut Operation<'_>) {
        let schema = operation.answered::<Told<'_>>();
        operation.answer("default", "What is wrong, and what to do", [("application/problem+json", schema)]);
    }
}

impl<T: JsonSchema> Gives for Json<T> {
    fn tell(operation: &mut Operation<'_>) {
        operation.answer_json::<T>("200", "The answer");
    }
}

impl Gives for NoContent {
    fn tell(operation: &mut Operation<'_>) {
        operation.answer("204", "It was done", []);
    }
}

impl<T> Gives for Html<T> {
    fn tell(operation: &mut Operation<'_>) {
        operation.answer("200", "A page", [("text/html", json!({ "type": "string" }))]);
    }
}

/// What is no part of the API: files of the page, and numbers for Prometheus.
impl Gives for Response {
    fn tell(_: &mut Operation<'_>) {}
}

impl Gives for &'static str {
    fn tell(operation: &mut Operation<'_>) {
        operation.answer("200", "A word", [("text/plain", json!({ "type": "string" }))]);
    }
}

impl Gives for (StatusCode, &'static str) {
    fn tell(operation: &mut Operation<'_>) {
        <&'static str>::tell(operation);
    }
}

macro_rules! described {
    ($($argument:ident)*) => {
        impl<F, Answer, Via, $($argument: Takes),*> Described<(Via, $($argument,)*)> for F
        where
            F: FnOnce($($argument),*) -> Answer,
            Answer: Future<Output: Gives>,
        {
            fn tell(operation: &mut Operation<'_>) {
                $($argument::tell(operation);)*
                Answer::Output::tell(operation);
            }
        }
    };
}

impl<F, Answer> Described<((),)> for F
where
    F: FnOnce() -> Answer,
    Answer: Future<Output: Gives>,
{
    fn tell(operation: &mut Operation<'_>) {
        Answer::Output::tell(operation);
    }
}

described!(A);
described!(A B);
described!(A B C);
described!(A B C D);
described!(A B C D E);
described!(A B C D E G);

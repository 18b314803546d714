//! Templates over what happened. They can read facts the operator granted and nothing else, and have a bound of steps.

use std::collections::BTreeMap;
use std::sync::Arc;

use minijinja::value::{Kwargs, Rest, Serde};
use minijinja::{Environment, Error, ErrorKind, UndefinedBehavior};
use serde_json::{Map, Value};
use weir_sandbox::Facts;

use super::super::facts::{AccountFacts, FACTS};

/// Steps one template may take.
const FUEL: u64 = 500_000;
/// Longest text a template may give, in bytes.
const TEXT_BYTES_MAX: usize = 256 << 10;

/// What templates see, and the facts they may ask.
pub(super) struct Scope {
    environment: Arc<Environment<'static>>,
    values: BTreeMap<String, minijinja::Value>,
}

impl Scope {
    pub(super) fn new(facts: AccountFacts, values: BTreeMap<&'static str, Value>) -> Self {
        let shared = |(name, value): (&str, Value)| (name.to_owned(), minijinja::Value::from(Serde(value)));
        Self { environment: Arc::new(environment(Some(facts))), values: values.into_iter().map(shared).collect() }
    }

    /// The scope with one value more; the others are shared with it.
    pub(super) fn with(&self, name: &str, value: &Value) -> Self {
        let mut values = self.values.clone();
        values.insert(name.to_owned(), minijinja::Value::from(Serde(value)));
        Self { environment: self.environment.clone(), values }
    }

    fn context(&self) -> minijinja::Value {
        minijinja::Value::from_object(self.values.clone())
    }

    /// The text of a template.
    pub(super) fn text(&self, template: &str) -> Result<String, String> {
        let text = self.environment.render_str(template, self.context()).map_err(explain)?;
        if text.len() > TEXT_BYTES_MAX {
            return Err(format!("the text is over {TEXT_BYTES_MAX} bytes"));
        }
        Ok(text)
    }

    /// The value of an expression.
    pub(super) fn value(&self, expression: &str) -> Result<Value, String> {
        let expression = self.environment.compile_expression(expression).map_err(explain)?;
        let value = expression.eval(self.context()).map_err(explain)?;
        serde_json::to_value(value).map_err(|error| error.to_string())
    }

    /// Whether an expression holds.
    pub(super) fn holds(&self, expression: &str) -> Result<bool, String> {
        let expression = self.environment.compile_expression(expression).map_err(explain)?;
        Ok(expression.eval(self.context()).map_err(explain)?.is_true())
    }

    /// A tree of templates, filled. A text that is one expression and nothing else keeps the type of its value.
    pub(super) fn tree(&self, template: &Value) -> Result<Value, String> {
        match template {
            Value::String(text) => match single_expression(text) {
                Some(expression) => self.value(expression),
                None => self.text(text).map(Value::String),
            },
            Value::Array(elements) => elements.iter().map(|element| self.tree(element)).collect(),
            Value::Object(fields) => fields
                .iter()
                .map(|(name, value)| Ok((name.clone(), self.tree(value)?)))
                .collect::<Result<Map<_, _>, _>>()
                .map(Value::Object),
            other => Ok(other.clone()),
        }
    }
}

/// Says what is wrong with a template, without running it.
pub(super) fn check_text(template: &str) -> Result<(), String> {
    environment(None).template_from_str(template).map(drop).map_err(explain)
}

/// The same for an expression.
pub(super) fn check_expression(expression: &str) -> Result<(), String> {
    environment(None).compile_expression(expression).map(drop).map_err(explain)
}

/// The same for a tree.
pub(super) fn check_tree(template: &Value) -> Result<(), String> {
    match template {
        Value::String(text) => check_text(text),
        Value::Array(elements) => elements.iter().try_for_each(check_tree),
        Value::Object(fields) => fields.values().try_for_each(check_tree),
        _ => Ok(()),
    }
}

/// `x` of `{{ x }}`, when that is all.
fn single_expression(text: &str) -> Option<&str> {
    let inner = text.trim().strip_prefix("{{")?.strip_suffix("}}")?;
    (!inner.contains("{{") && !inner.contains("}}")).then_some(inner.trim())
}

fn environment(facts: Option<AccountFacts>) -> Environment<'static> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::SemiStrict);
    environment.set_fuel(Some(FUEL));
    environment.add_filter("first_line", |text: String| text.lines().next().unwrap_or_default().to_owned());
    environment.add_filter("short", |sha: String| sha.chars().take(8).collect::<String>());
    if let Some(facts) = facts.map(Arc::new) {
        let tools = facts.clone();
        environment.add_function("get", move |connection: String, path: String| {
            let found = tools.get(&connection, &path);
            found
                .map(|found| minijinja::Value::from(Serde(found)))
                .map_err(|reason| Error::new(ErrorKind::InvalidOperation, reason))
        });
        for (name, parameter) in FACTS {
            let facts = facts.clone();
            environment.add_function(name, move |values: Rest<minijinja::Value>, named: Kwargs| {
                ask(&facts, name, parameter, &values, &named)
            });
        }
    }
    environment
}

fn ask(
    facts: &AccountFacts,
    name: &str,
    parameter: &str,
    values: &[minijinja::Value],
    named: &Kwargs,
) -> Result<minijinja::Value, Error> {
    let wrong = |error: String| Error::new(ErrorKind::InvalidOperation, error);
    let mut params = Map::new();
    if let Some(value) = values.first() {
        params.insert(parameter.to_owned(), serde_json::to_value(value).unwrap_or_default());
    }
    for argument in named.args() {
        let value: minijinja::Value = named.get(argument)?;
        params.insert(argument.to_owned(), serde_json::to_value(value).unwrap_or_default());
    }
    let answer = facts.query(name, &Value::Object(params).to_string()).map_err(|failure| wrong(failure.message))?;
    let answer: Value = serde_json::from_str(&answer).map_err(|error| wrong(error.to_string()))?;
    Ok(minijinja::Value::from(Serde(answer)))
}

fn explain(error: Error) -> String {
    let line = error.line().map(|line| format!(" in line {line}")).unwrap_or_default();
    let detail = error.detail().map(|detail| format!(": {detail}")).unwrap_or_default();
    format!("{}{line}{detail}", error.kind())
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::expect;
    use serde_json::json;

    fn scope() -> Scope {
        let values = json!({ "entity": { "title": "a \"quoted\" title\nand more", "number": 7 }, "n": [1, 2] });
        let values: BTreeMap<String, Value> = serde_json::from_value(values).unwrap();
        let values = values.into_iter().map(|(name, value)| (name, minijinja::Value::from(Serde(value)))).collect();
        Scope { environment: Arc::new(environment(None)), values }
    }

    #[test]
    fn trees_keep_types_and_need_no_quoting() {
        let template = json!({
            "text": "#{{ entity.number }} {{ entity.title | first_line }}",
            "number": "{{ entity.number }}",
            "list": ["{{ n }}", true],
            "missing": "{{ entity.branch or 'none' }}",
        });
        expect![[r##"{"list":[[1,2],true],"missing":"none","number":7,"text":"#7 a \"quoted\" title"}"##]]
            .assert_eq(&scope().tree(&template).unwrap().to_string());
    }

    #[test]
    fn what_is_wrong_is_told() {
        let mut text = String::new();
        for template in
            ["{{ entity.titel.x }}", "{{ nobody() }}", "{% if %}", "{% for x in range(100000000) %}{% endfor %}"]
        {
            text += &format!("{}\n", scope().text(template).unwrap_err());
        }
        expect![[r"
            undefined value in line 1
            unknown function in line 1: nobody is unknown
            syntax error in line 1: unexpected end of block
            invalid operation in line 1: range has too many elements
        "]]
        .assert_eq(&text);
        assert!(check_text("{{ a").is_err() && check_expression("a +").is_err());
        assert!(check_tree(&json!({ "a": ["{{ b }}"] })).is_ok());
    }
}

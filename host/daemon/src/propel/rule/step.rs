//! One step of a rule: what is to be done, for each of what, and on which condition.

use serde::Deserialize;
use serde_json::{Map, Value};
use weir_sandbox::{
    Action, Asked, Call, Effect, Emission, GateDecision, Method, Notice, PluginReference, RowChange, Target, Trace,
    Urgency, Verdict,
};

use super::template::{Scope, check_expression, check_text, check_tree};
use crate::config::Interval;

/// A step as it is written. Exactly one of `call`, `notify`, `emit`, `table`, `note`, `skip`,
/// `stop`, `later` says what it does.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct StepConfig {
    /// Expression; the step is left out unless it holds.
    #[serde(rename = "if")]
    condition: Option<String>,
    /// Expression that gives a list; the step is done for each `item`.
    each: Option<String>,
    /// Connection to send a request to.
    call: Option<String>,
    /// Method of the request.
    method: Option<String>,
    /// Path below the connection's URL.
    path: Option<String>,
    /// Body as JSON.
    json: Option<Value>,
    /// What is there when the request has had its effect; it is not sent then.
    unless: Option<UnlessConfig>,
    /// Connection of a chat.
    notify: Option<String>,
    /// First line of the message.
    title: Option<String>,
    /// The message, or the body of a request as text.
    text: Option<String>,
    /// Page to open.
    url: Option<String>,
    /// Whom a message is for: a name, or a list of them.
    to: Option<Value>,
    /// Kind of event to emit.
    emit: Option<String>,
    /// What the event says.
    payload: Option<Value>,
    /// Table to write a row to.
    table: Option<String>,
    /// Columns of the row.
    row: Option<Value>,
    /// Key of the row that is removed.
    remove: Option<String>,
    /// Writes a note on an entity; an empty one takes it away.
    note: Option<String>,
    /// Id of the entity; that of the run when left out.
    about: Option<String>,
    /// What tells the notes of an entity apart; the name of the rule when left out.
    name: Option<String>,
    /// Ends the run as not of interest; the reason.
    skip: Option<String>,
    /// Stops the build that waits at a gate; the reason.
    stop: Option<String>,
    /// Tries the run again after this time.
    later: Option<IntervalText>,
}

/// `unless = { path = ..., text = ... }`, with `pointer` where one value of the answer is meant.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct UnlessConfig {
    path: String,
    pointer: Option<String>,
    text: String,
}

/// A length of time with the text it was read from.
#[derive(Debug, Clone, Deserialize)]
#[serde(transparent)]
struct IntervalText(Interval);

/// One step.
#[derive(Debug, Clone, Deserialize)]
#[serde(try_from = "StepConfig")]
pub struct Step {
    condition: Option<String>,
    each: Option<String>,
    does: Does,
}

#[derive(Debug, Clone)]
enum Does {
    Call { connection: String, method: Method, path: String, body: Option<Body>, unless: Option<UnlessConfig> },
    Notify { channel: String, title: String, text: String, url: Option<String>, to: Option<Value> },
    Emit { kind: String, payload: Value },
    Row { table: String, row: Value },
    Remove { table: String, key: String },
    Note { text: String, about: String, name: String },
    Skip(String),
    Stop(String),
    Later(Interval),
}

#[derive(Debug, Clone)]
enum Body {
    Json(Value),
    Text(String),
}

/// A step that cannot be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RuleError {
    /// Not one thing to do.
    #[error("a step does one of call, notify, emit, table, note, skip, stop and later")]
    NotOne,
    /// Something that the step needs is missing.
    #[error("`{0}` needs `{1}`")]
    Missing(&'static str, &'static str),
    /// A method nobody knows.
    #[error("there is no method `{0}`; GET, POST, PUT, PATCH and DELETE are known")]
    Method(String),
    /// A template or expression that cannot be read.
    #[error("cannot read `{0}`: {1}")]
    Template(String, String),
}

/// What a step comes to.
pub(super) enum Told {
    /// Actions, each with the item it is about.
    Actions(Vec<(Option<Value>, Asked)>),
    /// The run ends here.
    End(Verdict),
    /// Its condition does not hold.
    Nothing,
}

impl TryFrom<StepConfig> for Step {
    type Error = RuleError;

    fn try_from(config: StepConfig) -> Result<Self, RuleError> {
        config.check_templates()?;
        let StepConfig { condition, each, .. } = &config;
        let (condition, each) = (condition.clone(), each.clone());
        Ok(Self { condition, each, does: config.does()? })
    }
}

impl StepConfig {
    fn check_templates(&self) -> Result<(), RuleError> {
        let wrong = |text: &str| {
            let text = text.to_owned();
            move |reason| RuleError::Template(text, reason)
        };
        let expressions = [&self.condition, &self.each];
        let said = [&self.title, &self.text, &self.url, &self.emit, &self.note, &self.about, &self.name];
        let texts = [&self.path, &self.skip, &self.stop, &self.remove].into_iter().chain(said);
        let unless = self.unless.iter().flat_map(|unless| [&unless.path, &unless.text]);
        expressions.into_iter().flatten().try_for_each(|text| check_expression(text).map_err(wrong(text)))?;
        texts.flatten().chain(unless).try_for_each(|text| check_text(text).map_err(wrong(text)))?;
        let trees = [("json", &self.json), ("payload", &self.payload), ("row", &self.row), ("to", &self.to)];
        trees
            .into_iter()
            .try_for_each(|(name, tree)| tree.iter().try_for_each(|tree| check_tree(tree).map_err(wrong(name))))
    }

    fn does(self) -> Result<Does, RuleError> {
        let names = [&self.call, &self.notify, &self.emit, &self.table, &self.note, &self.skip, &self.stop];
        let n = names.iter().filter(|name| name.is_some()).count() + usize::from(self.later.is_some());
        if n != 1 {
            return Err(RuleError::NotOne);
        }
        if let Some(connection) = self.call {
            let method = method(self.method.as_deref())?;
            let body = self.json.map(Body::Json).or(self.text.map(Body::Text));
            let (path, unless) = (self.path.unwrap_or_default(), self.unless);
            return Ok(Does::Call { connection, method, path, body, unless });
        }
        if let Some(channel) = self.notify {
            let text = self.text.ok_or(RuleError::Missing("notify", "text"))?;
            let (title, url, to) = (self.title.unwrap_or_default(), self.url, self.to);
            return Ok(Does::Notify { channel, title, text, url, to });
        }
        if let Some(kind) = self.emit {
            return Ok(Does::Emit { kind, payload: self.payload.unwrap_or_else(|| Value::Object(Map::new())) });
        }
        if let Some(table) = self.table {
            return match (self.row, self.remove) {
                (Some(row), None) => Ok(Does::Row { table, row }),
                (None, Some(key)) => Ok(Does::Remove { table, key }),
                _ => Err(RuleError::Missing("table", "row` or `remove")),
            };
        }
        if let Some(text) = self.note {
            let about = self.about.unwrap_or_else(|| "{{ entity.id }}".to_owned());
            return Ok(Does::Note { text, about, name: self.name.unwrap_or_else(|| "{{ run.propel }}".to_owned()) });
        }
        let end = self.skip.map(Does::Skip).or(self.stop.map(Does::Stop));
        end.or(self.later.map(|later| Does::Later(later.0))).ok_or(RuleError::NotOne)
    }
}

fn method(name: Option<&str>) -> Result<Method, RuleError> {
    match name.unwrap_or("POST").to_ascii_uppercase().as_str() {
        "GET" => Ok(Method::Get),
        "POST" => Ok(Method::Post),
        "PUT" => Ok(Method::Put),
        "PATCH" => Ok(Method::Patch),
        "DELETE" => Ok(Method::Delete),
        other => Err(RuleError::Method(other.to_owned())),
    }
}

/// The method as it is sent.
pub(in crate::propel) fn method_name(method: Method) -> &'static str {
    match method {
        Method::Get => "GET",
        Method::Head => "HEAD",
        Method::Post => "POST",
        Method::Put => "PUT",
        Method::Patch => "PATCH",
        Method::Delete => "DELETE",
    }
}

impl Step {
    /// The connections it needs.
    pub fn connection(&self) -> Option<&str> {
        match &self.does {
            Does::Call { connection: name, .. } | Does::Notify { channel: name, .. } => Some(name),
            _ => None,
        }
    }

    /// The connection it sends a request to.
    pub fn called(&self) -> Option<&String> {
        if let Does::Call { connection, .. } = &self.does { Some(connection) } else { None }
    }

    /// The table it writes.
    pub fn table(&self) -> Option<&str> {
        match &self.does {
            Does::Row { table, .. } | Does::Remove { table, .. } => Some(table),
            _ => None,
        }
    }

    pub(super) fn take(&self, place: &str, scope: &Scope) -> Result<Told, String> {
        let at = |reason: String| format!("{place}: {reason}");
        let Some(each) = &self.each else {
            return Ok(self.once(scope).map_err(at)?.map_or(Told::Nothing, |told| told));
        };
        let Value::Array(items) = scope.value(each).map_err(at)? else {
            return Err(at(format!("`{each}` is no list")));
        };
        let mut actions = Vec::with_capacity(items.len());
        for item in items {
            match self.once(&scope.with("item", &item)).map_err(at)? {
                Some(Told::Actions(told)) => {
                    actions.extend(told.into_iter().map(|(_, asked)| (Some(item.clone()), asked)));
                }
                Some(end @ Told::End(_)) => return Ok(end),
                Some(Told::Nothing) | None => {}
            }
        }
        Ok(Told::Actions(actions))
    }

    /// None when its condition does not hold.
    fn once(&self, scope: &Scope) -> Result<Option<Told>, String> {
        if let Some(condition) = &self.condition
            && !scope.holds(condition)?
        {
            return Ok(None);
        }
        let effect = match &self.does {
            Does::Skip(reason) => return Ok(Some(Told::End(Verdict::Skipped(scope.text(reason)?)))),
            Does::Stop(reason) => return Ok(Some(Told::End(Verdict::Gate(GateDecision::Stop(scope.text(reason)?))))),
            Does::Later(after) => {
                let ms = u64::try_from(after.0.as_millis()).unwrap_or(u64::MAX);
                return Ok(Some(Told::End(Verdict::Later(ms))));
            }
            Does::Row { table, row } => {
                let Value::Object(row) = scope.tree(row)? else { return Err("`row` is no object".to_owned()) };
                return Ok(Some(row_change(table, RowChange::Set(row))));
            }
            Does::Remove { table, key } => return Ok(Some(row_change(table, RowChange::Remove(scope.text(key)?)))),
            Does::Note { text, about, name } => {
                let (entity, name, text) = (scope.text(about)?, scope.text(name)?, scope.text(text)?);
                return Ok(Some(told(Asked::Note { id: String::new(), entity, name, text })));
            }
            Does::Call { connection, method, path, body, unless } => {
                let call = call(scope, connection, *method, path, body.as_ref())?;
                if let Some(UnlessConfig { path, pointer, text }) = unless {
                    let unless = Trace { path: scope.text(path)?, pointer: pointer.clone(), text: scope.text(text)? };
                    return Ok(Some(told(Asked::Once { id: String::new(), call, unless, report: false })));
                }
                Effect::Call(call)
            }
            Does::Notify { channel, title, text, url, to } => Effect::Notify(Notice {
                channel: channel.clone(),
                people: to.as_ref().map_or_else(|| Ok(Vec::new()), |to| people(scope.tree(to)?))?,
                urgency: Urgency::Info,
                title: scope.text(title)?,
                text: scope.text(text)?,
                url: url.as_ref().map(|url| scope.text(url)).transpose()?,
                fold_key: None,
            }),
            Does::Emit { kind, payload } => Effect::Emit(Emission {
                kind: scope.text(kind)?,
                subject: None,
                payload: scope.tree(payload)?.to_string(),
            }),
        };
        Ok(Some(told(Asked::Action(Action { id: String::new(), effect, report: false }))))
    }
}

/// One action, about no item. It gets its id from its place.
fn told(asked: Asked) -> Told {
    Told::Actions(vec![(None, asked)])
}

/// Names of people; null names nobody.
fn people(value: Value) -> Result<Vec<PluginReference>, String> {
    match value {
        Value::Null => Ok(Vec::new()),
        Value::String(name) => Ok(vec![PluginReference::Name(name)]),
        Value::Array(names) => Ok(names.into_iter().map(people).collect::<Result<Vec<_>, _>>()?.concat()),
        other => Err(format!("`to` is {other}, which is no name and no list of them")),
    }
}

fn row_change(table: &str, change: RowChange) -> Told {
    told(Asked::Row { id: String::new(), table: table.to_owned(), change })
}

fn call(scope: &Scope, connection: &str, method: Method, path: &str, body: Option<&Body>) -> Result<Call, String> {
    let (kind, body) = match body {
        Some(Body::Json(tree)) => ("application/json", Some(scope.tree(tree)?.to_string())),
        Some(Body::Text(text)) => ("text/plain; charset=utf-8", Some(scope.text(text)?)),
        None => ("", None),
    };
    let headers = body.iter().map(|_| ("content-type".to_owned(), kind.as_bytes().to_vec())).collect();
    Ok(Call {
        connection: connection.to_owned(),
        method,
        target: Target::Path(scope.text(path)?),
        headers,
        body: body.map(String::into_bytes),
        accept: Vec::new(),
    })
}

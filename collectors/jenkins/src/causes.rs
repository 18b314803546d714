//! Why a build ran, and with which parameters.
//!
//! Invariant: the value of a parameter that is secret by its class or its name never leaves this module.

use std::collections::BTreeMap;

use weir_protocol::redact::{is_secret_name, redact};
use weir_protocol::{Cause, Parameter, TriggerCause};

use crate::xml::{Node, simple_name};

const VALUE_BYTES_MAX: usize = 4 << 10;
const UPSTREAM_DEPTH_MAX: usize = 64;

/// Elements of causes below the actions of a build. Old Jenkins keeps a list, new Jenkins a bag with counts.
pub(crate) fn causes<'a>(actions: &[Node<'a>]) -> Vec<Node<'a>> {
    let of_action = |action: &Node<'a>| {
        let listed = action.child("causes").into_iter().flat_map(Node::children);
        let bagged = action.child("causeBag").into_iter().flat_map(Node::children);
        let bagged = bagged.filter_map(|entry| entry.children().next());
        listed.chain(bagged).collect::<Vec<_>>()
    };
    actions.iter().filter(|action| simple_name(action.name()) == "CauseAction").flat_map(of_action).collect()
}

/// A cause with its class and its simple fields.
pub(crate) fn cause(node: Node<'_>) -> Cause {
    let field = |field: Node<'_>| {
        let value = redact(cut(field.text())).0;
        (field.is_leaf() && !value.is_empty() && !is_secret_name(field.name()))
            .then(|| (field.name().to_owned(), value))
    };
    let fields: BTreeMap<_, _> = node.children().filter_map(field).collect();
    Cause { kind: kind(node), class: node.name().to_owned(), fields }
}

/// A cause as the top of a tree of upstream runs.
pub(crate) fn trigger(node: Node<'_>) -> TriggerCause {
    trigger_at(node, 0)
}

/// Who started it: the person at the top of the upstream runs, or what Jenkins calls those who are no persons.
pub(crate) fn user(chain: &[TriggerCause]) -> Option<String> {
    let mut waiting: Vec<&TriggerCause> = chain.iter().rev().collect();
    let mut by_scm = false;
    while let Some(cause) = waiting.pop() {
        if matches!(cause.kind.as_str(), "UserIdCause" | "UserCause") {
            return Some(cause.id.clone());
        }
        by_scm |= cause.id == "SCMTrigger";
        waiting.extend(cause.direct_parents.iter().rev());
    }
    (!chain.is_empty()).then(|| if by_scm { "SCMTrigger" } else { "SYSTEM" }.to_owned())
}

/// All parameters of a build.
pub(crate) fn parameters(actions: &[Node<'_>]) -> Vec<Parameter> {
    let of_action = |action: &Node<'_>| {
        let parameters = action.child("parameters").into_iter().flat_map(Node::children);
        parameters.filter_map(parameter).collect::<Vec<_>>()
    };
    actions.iter().filter(|action| simple_name(action.name()) == "ParametersAction").flat_map(of_action).collect()
}

fn parameter(node: Node<'_>) -> Option<Parameter> {
    let name = node.value("name")?.to_owned();
    let kind = kind(node);
    let secret_class = ["Password", "Credentials", "Secret"].iter().any(|word| kind.contains(word));
    let value =
        ["value", "runId", "originalFileName", "location", "tag", "label"].iter().find_map(|field| node.child(field));
    let value = value.filter(|value| value.is_leaf()).map(|value| cut(value.exact_text()).to_owned());
    // What Jenkins has encrypted is secret whatever its class.
    let encrypted = value.as_ref().is_some_and(|value| value.starts_with("{AQA") && value.ends_with('}'));
    if secret_class || encrypted || is_secret_name(&name) {
        return Some(Parameter { kind, name, value: None, withheld: true });
    }
    let value = value.map(|value| redact(&value).0);
    Some(Parameter { kind, name, value, withheld: false })
}

fn trigger_at(node: Node<'_>, depth: usize) -> TriggerCause {
    let kind = kind(node);
    let upstream = node.value("upstreamProject");
    let id = match kind.as_str() {
        _ if upstream.is_some() => upstream.unwrap_or_default(),
        "UserIdCause" => node.value("userId").unwrap_or("anonymous"),
        "UserCause" => node.value("authenticationName").unwrap_or("anonymous"),
        "RemoteCause" => node.value("addr").unwrap_or("unknown"),
        "SCMTriggerCause" | "GitHubPushCause" => "SCMTrigger",
        _ => "unknown",
    };
    let parents =
        node.child("upstreamCauses").filter(|_| depth < UPSTREAM_DEPTH_MAX).into_iter().flat_map(Node::children);
    TriggerCause {
        id: id.to_owned(),
        job_run_number: node.value("upstreamBuild").map(str::to_owned),
        kind,
        direct_parents: parents.map(|parent| trigger_at(parent, depth + 1)).collect(),
    }
}

fn kind(node: Node<'_>) -> String {
    simple_name(node.name()).to_owned()
}

fn cut(text: &str) -> &str {
    &text[..text.floor_char_boundary(VALUE_BYTES_MAX)]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::xml::parse_text;

    #[test]
    fn secrets_stay_where_they_are() {
        let tree = parse_text(
            "<actions><hudson.model.ParametersAction><parameters class='x'>
            <hudson.model.StringParameterValue><name>A</name><value>x) (y</value></hudson.model.StringParameterValue>
            <hudson.model.BooleanParameterValue><name>B</name><value>false</value></hudson.model.BooleanParameterValue>
            <hudson.model.PasswordParameterValue><name>C</name><value>{AQAAABAAAAAQ}</value></hudson.model.PasswordParameterValue>
            <hudson.model.StringParameterValue><name>DB_PASSWORD</name><value>hunter2</value></hudson.model.StringParameterValue>
            <hudson.model.StringParameterValue><name>D</name><value>https://u:p@h/</value></hudson.model.StringParameterValue>
            <hudson.model.StringParameterValue><name>E</name></hudson.model.StringParameterValue>
            <hudson.model.StringParameterValue><value>no name</value></hudson.model.StringParameterValue>
            </parameters></hudson.model.ParametersAction></actions>",
        );
        let actions: Vec<_> = tree.root().unwrap().children().collect();
        let told = |parameter: Parameter| {
            format!("{}={:?}{}", parameter.name, parameter.value, if parameter.withheld { " withheld" } else { "" })
        };
        let told: Vec<_> = parameters(&actions).into_iter().map(told).collect();
        let expected = [
            "A=Some(\"x) (y\")",
            "B=Some(\"false\")",
            "C=None withheld",
            "DB_PASSWORD=None withheld",
            "D=Some(\"https://****@h/\")",
            "E=None",
        ];
        assert_eq!(told, expected);
    }

    #[test]
    fn the_person_is_the_one_at_the_top() {
        let check = |causes: &str| {
            let tree = parse_text(&format!("<a><CauseAction><causes>{causes}</causes></CauseAction></a>"));
            let actions: Vec<_> = tree.root().unwrap().children().collect();
            let chain: Vec<_> = super::causes(&actions).into_iter().map(trigger).collect();
            user(&chain).unwrap_or_default()
        };
        let upstream = |inner: &str| {
            format!(
                "<hudson.model.Cause_-UpstreamCause><upstreamProject>u</upstreamProject><upstreamBuild>7</upstreamBuild><upstreamCauses>{inner}</upstreamCauses></hudson.model.Cause_-UpstreamCause>"
            )
        };
        let person = "<hudson.model.Cause_-UserIdCause><userId>ana</userId></hudson.model.Cause_-UserIdCause>";
        let told = [
            check(person),
            check(&upstream(&upstream(person))),
            check(&upstream("<hudson.triggers.SCMTrigger_-SCMTriggerCause/>")),
            check("<hudson.triggers.TimerTrigger_-TimerTriggerCause/>"),
            check("<hudson.model.Cause_-UserIdCause/>"),
            check(""),
        ];
        assert_eq!(told, ["ana", "ana", "SCMTrigger", "SYSTEM", "anonymous", ""]);
    }
}

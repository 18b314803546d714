//! Which identities are one human: connected by the same address, the same account, or the operator's word. A name to
//! show connects nobody; it is a suggestion.
//!
//! Invariant: the answer is a function of the set of persons and of the rules. Taking a rule away undoes what it did.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::Serialize;
use weir_model::entity::Person;
use weir_model::filter::Match;
use weir_model::{EntityId, Filter};

use super::teams::PersonSettings;
use crate::Context;

/// Why identities are one human.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum SameReason {
    /// The operator says so.
    Rule,
    /// The same e-mail address in both tools.
    Address,
    /// The same account, by its page.
    Account,
    /// A no-reply address that carries the login of an account of that tool.
    Login,
}

impl SameReason {
    /// 1.0 exact, 0.8 strong.
    pub fn confidence(self) -> f64 {
        match self {
            Self::Rule | Self::Address | Self::Account => 1.0,
            Self::Login => 0.8,
        }
    }
}

/// What makes several identities one human.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Same {
    /// Why.
    pub reason: SameReason,
    /// 1.0 exact, 0.8 strong.
    pub confidence: f64,
    /// What they have in common.
    pub what: String,
    /// The identities.
    pub persons: Vec<EntityId>,
}

/// A human, or a machine that acts as one.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Human {
    /// Id of the first of the identities.
    pub id: EntityId,
    /// Name to show.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Every address and login, in lower case, and every key.
    pub names: BTreeSet<String>,
    /// A machine.
    pub bot: bool,
    /// Whether one of the identities may still log in; none when no tool says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub active: Option<bool>,
    /// Identities that are this human.
    pub persons: Vec<EntityId>,
    /// Why they are.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub why: Vec<Same>,
}

/// Humans that may be one: they have a name to show in common.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[schemars(rename = "PersonSuggestion")]
pub struct Suggestion {
    /// The name.
    pub name: String,
    /// Ids of the humans.
    pub humans: Vec<EntityId>,
}

/// Everybody.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct People {
    /// By id.
    pub humans: Vec<Human>,
    /// By name.
    pub suggestions: Vec<Suggestion>,
}

impl People {
    /// The human that goes by an address, login or id.
    pub fn called(&self, name: &str) -> Option<&Human> {
        let name = name.to_lowercase();
        self.humans.iter().find(|human| human.names.contains(&name))
    }

    /// The same search, in which `person:NAME` finds the human by every name they go by.
    pub fn in_search(&self, filter: Filter) -> Filter {
        let all = |parts: Vec<Filter>| parts.into_iter().map(|part| self.in_search(part)).collect();
        match filter {
            Filter::And(parts) => Filter::And(all(parts)),
            Filter::Or(parts) => Filter::Or(all(parts)),
            Filter::Not(part) => Filter::Not(Box::new(self.in_search(*part))),
            Filter::Term { field: Some(field), is: Match::Word(name) | Match::Phrase(name) } if field == PERSON => {
                let called =
                    |name: &String| Filter::Term { field: Some(field.clone()), is: Match::Phrase(name.clone()) };
                let others = self.called(&name).into_iter().flat_map(|human| &human.names);
                Filter::Or([&name].into_iter().chain(others).map(called).collect())
            }
            other => other,
        }
    }
}

/// The field of a search that names people.
const PERSON: &str = "person";

/// Whether a search asks for somebody by name.
pub fn asks_for_person(filter: &Filter) -> bool {
    match filter {
        Filter::And(parts) | Filter::Or(parts) => parts.iter().any(asks_for_person),
        Filter::Not(part) => asks_for_person(part),
        Filter::Term { field, .. } => field.as_deref() == Some(PERSON),
        Filter::All | Filter::Element { .. } => false,
    }
}

/// The names one text stands for, in lower case: an address, and the login in it where it is a no-reply address.
pub fn names_of(text: &str) -> Vec<String> {
    let text = text.to_lowercase();
    let login = no_reply(&text).map(|(login, _)| login.to_owned());
    [text].into_iter().chain(login).collect()
}

/// Login and host of "583231+octocat@users.noreply.github.com" and its like.
fn no_reply(address: &str) -> Option<(&str, &str)> {
    let (local, domain) = address.split_once('@')?;
    let host = domain.strip_prefix("users.noreply.")?;
    let numbered = local.split_once(['+', '-']).filter(|(number, _)| number.bytes().all(|byte| byte.is_ascii_digit()));
    let login = numbered.map_or(local, |(_, login)| login);
    (!login.is_empty()).then_some((login, host))
}

/// Works out who is who.
pub fn people(persons: &[(EntityId, Person)], context: &Context) -> People {
    let mut sorted: Vec<&(EntityId, Person)> = persons.iter().collect();
    sorted.sort_by(|one, other| one.0.cmp(&other.0));
    let sorted: Vec<Identity<'_>> = sorted.into_iter().map(|(id, person)| Identity::new(id, person, context)).collect();
    let bonds = bonds(&sorted, context.persons());
    let mut roots: Vec<usize> = (0..sorted.len()).collect();
    for members in bonds.values() {
        members.windows(2).for_each(|pair| unite(&mut roots, pair[0], pair[1]));
    }
    let mut groups: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for place in 0..sorted.len() {
        groups.entry(root(&mut roots, place)).or_default().push(place);
    }
    let humans: Vec<Human> = groups.values().map(|group| human(&sorted, group, &bonds, context.persons())).collect();
    let suggestions = suggestions(&sorted, &humans);
    People { humans, suggestions }
}

/// An identity of one tool.
struct Identity<'a> {
    id: &'a EntityId,
    person: &'a Person,
    /// Addresses and login, in lower case, and the id and its key.
    names: BTreeSet<String>,
    bot: bool,
}

impl<'a> Identity<'a> {
    fn new(id: &'a EntityId, person: &'a Person, context: &Context) -> Self {
        let stated = person.login.iter().chain(&person.emails).flat_map(|name| names_of(name));
        let names = stated.chain([id.to_string().to_lowercase(), id.key.to_lowercase()]).collect();
        let called = person.login.iter().chain(&person.emails).chain(&person.name);
        let bot = person.bot.unwrap_or_else(|| called.into_iter().any(|name| context.is_bot(name)));
        Self { id, person, names, bot }
    }

    fn goes_by(&self, name: &str) -> bool {
        self.names.contains(&name.to_lowercase())
    }

    /// A login may be that of several accounts: the rule can say which of them it does not mean.
    fn is_of(&self, rule: &PersonSettings) -> bool {
        let named = |names: &[String]| names.iter().any(|name| self.goes_by(name));
        named(&rule.is) && !named(&rule.not)
    }

    /// What of it others can have too. An address that machines send from is shared by many and says nothing.
    fn evidence(&self) -> Vec<(SameReason, String)> {
        let mut evidence = Vec::new();
        for address in self.person.emails.iter().map(|address| address.to_lowercase()) {
            match no_reply(&address) {
                Some((login, host)) => evidence.push((SameReason::Login, format!("{login} of {host}"))),
                None if !self.bot => evidence.push((SameReason::Address, address)),
                None => {}
            }
        }
        let page = self.person.url.as_ref().map(|url| url.trim_end_matches('/').to_lowercase());
        let host = page.as_deref().and_then(host_of).map(str::to_owned);
        let login = self.person.login.as_ref().zip(host);
        evidence.extend(login.map(|(login, host)| (SameReason::Login, format!("{} of {host}", login.to_lowercase()))));
        evidence.extend(page.map(|page| (SameReason::Account, page)));
        evidence
    }
}

fn host_of(url: &str) -> Option<&str> {
    let (_, rest) = url.split_once("://")?;
    rest.split(['/', ':']).next().filter(|host| !host.is_empty())
}

/// What connects whom: places of identities by what they have in common.
type Bonds = BTreeMap<(SameReason, String), Vec<usize>>;

fn bonds(identities: &[Identity<'_>], rules: &[PersonSettings]) -> Bonds {
    let mut bonds = Bonds::new();
    let apart = |identity: &Identity<'_>| rules.iter().flat_map(|rule| &rule.not).any(|name| identity.goes_by(name));
    for (place, identity) in identities.iter().enumerate() {
        for (number, rule) in rules.iter().enumerate() {
            if identity.is_of(rule) {
                let what = rule.name.clone().unwrap_or_else(|| format!("rule {}", number + 1));
                bonds.entry((SameReason::Rule, what)).or_default().push(place);
            }
        }
        if !apart(identity) {
            for evidence in identity.evidence() {
                bonds.entry(evidence).or_default().push(place);
            }
        }
    }
    for members in bonds.values_mut() {
        members.dedup();
    }
    bonds.retain(|_, members| members.len() > 1);
    bonds
}

fn root(roots: &mut [usize], mut place: usize) -> usize {
    while roots[place] != place {
        roots[place] = roots[roots[place]];
        place = roots[place];
    }
    place
}

/// The smaller place is the root.
fn unite(roots: &mut [usize], one: usize, other: usize) {
    let (one, other) = (root(roots, one), root(roots, other));
    roots[one.max(other)] = one.min(other);
}

fn human(identities: &[Identity<'_>], group: &[usize], bonds: &Bonds, rules: &[PersonSettings]) -> Human {
    let members = || group.iter().map(|place| &identities[*place]);
    let of_rule = |rule: &&PersonSettings| members().any(|member| member.is_of(rule));
    let stated = rules.iter().find(of_rule).and_then(|rule| rule.name.clone());
    let active: BTreeSet<bool> = members().filter_map(|member| member.person.active).collect();
    let why = bonds.iter().filter(|(_, bound)| bound.first().is_some_and(|first| group.contains(first)));
    let as_same = |((reason, what), bound): (&(SameReason, String), &Vec<usize>)| Same {
        reason: *reason,
        confidence: reason.confidence(),
        what: what.clone(),
        persons: bound.iter().map(|place| identities[*place].id.clone()).collect(),
    };
    Human {
        id: identities[group[0]].id.clone(),
        name: stated.or_else(|| members().find_map(|member| member.person.name.clone())),
        names: members().flat_map(|member| member.names.iter().cloned()).collect(),
        bot: members().any(|member| member.bot),
        active: active.last().copied(),
        persons: members().map(|member| member.id.clone()).collect(),
        why: why.map(as_same).collect(),
    }
}

/// Names to show that several humans have, but for machines.
fn suggestions(identities: &[Identity<'_>], humans: &[Human]) -> Vec<Suggestion> {
    let known: BTreeMap<&EntityId, &Person> = identities.iter().map(|it| (it.id, it.person)).collect();
    let mut named: BTreeMap<String, BTreeSet<&EntityId>> = BTreeMap::new();
    for human in humans.iter().filter(|human| !human.bot) {
        for name in human.persons.iter().filter_map(|id| known.get(id)?.name.as_ref()) {
            let name = name.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase();
            named.entry(name).or_default().insert(&human.id);
        }
    }
    let several = named.into_iter().filter(|(name, humans)| !name.is_empty() && humans.len() > 1);
    several.map(|(name, humans)| Suggestion { name, humans: humans.into_iter().cloned().collect() }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ContextSettings;
    use expect_test::{Expect, expect};
    use proptest::prelude::*;
    use weir_model::{Entity, SearchDocument};

    const PERSONS: &[&str] = &[
        r#"github/ana {"login":"ana-l","url":"https://github.com/ana-l","name":"Ana Lima","active":true}"#,
        r#"git/1 {"emails":["77+ana-l@users.noreply.github.com"],"name":"ana"}"#,
        r#"jira/5b {"emails":["Ana@acme.example"],"name":"Ana Lima"}"#,
        r#"gitlab/9 {"login":"alima","emails":["ana@acme.example"],"active":false}"#,
        r#"slack/U1 {"name":"ana  lima"}"#,
        r#"github/bot {"login":"renovate[bot]","emails":["ci@acme.example"]}"#,
        r#"jira/bot {"login":"ci","emails":["ci@acme.example"]}"#,
        r#"ghe/ana {"login":"ana-l","url":"https://git.acme.example/ana-l"}"#,
    ];

    fn person(text: &str) -> (EntityId, Person) {
        let (id, json) = text.split_once(' ').unwrap();
        let (integration, key) = id.split_once('/').unwrap();
        let id: EntityId = format!("person:{integration}:{key}").parse().unwrap();
        let Entity::Person(person) = Entity::read(&id.kind, json).unwrap() else { panic!("a person") };
        (id, *person)
    }

    fn context(persons: Vec<PersonSettings>) -> Context {
        Context::new(ContextSettings { persons, ..ContextSettings::default() }).unwrap()
    }

    fn rule(is: &[&str], not: &[&str]) -> PersonSettings {
        let texts = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
        PersonSettings { name: None, is: texts(is), not: texts(not) }
    }

    #[expect(clippy::needless_pass_by_value, reason = "an `Expect` is written in place")]
    fn check(rules: Vec<PersonSettings>, expected: Expect) {
        let persons: Vec<_> = PERSONS.iter().map(|text| person(text)).collect();
        let found = people(&persons, &context(rules));
        let short = |id: &EntityId| format!("{}/{}", id.integration.as_ref().unwrap(), id.key);
        let all = |ids: &[EntityId]| ids.iter().map(short).collect::<Vec<_>>().join(" ");
        let mut text = String::new();
        for human in &found.humans {
            let why = human.why.iter().map(|same| format!(" {:?} {}", same.reason, same.what)).collect::<String>();
            text += &format!("{}{why}\n", all(&human.persons));
        }
        for suggestion in &found.suggestions {
            text += &format!("{}? {}\n", suggestion.name, all(&suggestion.humans));
        }
        expected.assert_eq(&text);
    }

    #[test]
    fn addresses_accounts_and_logins_connect_and_names_suggest() {
        check(
            vec![],
            expect![[r"
            ghe/ana
            git/1 github/ana Login ana-l of github.com
            github/bot
            gitlab/9 jira/5b Address ana@acme.example
            jira/bot
            slack/U1
            ana lima? git/1 gitlab/9 slack/U1
        "]],
        );
    }

    #[test]
    fn the_operator_has_the_last_word() {
        check(
            vec![rule(&["ana-l", "ana@acme.example", "person:slack:u1"], &["person:ghe:ana"])],
            expect![[r"
            ghe/ana
            git/1 github/ana gitlab/9 jira/5b slack/U1 Rule rule 1 Address ana@acme.example Login ana-l of github.com
            github/bot
            jira/bot
        "]],
        );
        check(
            vec![rule(&[], &["alima"])],
            expect![[r"
            ghe/ana
            git/1 github/ana Login ana-l of github.com
            github/bot
            gitlab/9
            jira/5b
            jira/bot
            slack/U1
            ana lima? git/1 jira/5b slack/U1
        "]],
        );
    }

    #[test]
    fn a_search_finds_a_human_by_every_name() {
        let persons: Vec<_> = PERSONS.iter().map(|text| person(text)).collect();
        let people = people(&persons, &context(vec![]));
        let finds = |search: &str, name: &str| {
            let mut document = SearchDocument::default();
            document.add("person", name);
            people.in_search(search.parse().unwrap()).matches(&document)
        };
        assert!(
            finds("person:alima", "5B") && finds("NOT (person:alima)", "ana-l") && finds("person:nobody", "nobody")
        );
        assert!(
            !finds("person:alima", "ana-l")
                && asks_for_person(&"a:b OR person:x".replace("a:b", "type:b").parse().unwrap())
        );
    }

    #[test]
    fn logins_are_read_from_no_reply_addresses() {
        for (address, login) in [
            ("583231+octocat@users.noreply.github.com", "octocat"),
            ("octocat@users.noreply.github.com", "octocat"),
            ("12-ana-l@users.noreply.gitlab.com", "ana-l"),
            ("ana-l@users.noreply.gitlab.com", "ana-l"),
        ] {
            assert_eq!(names_of(address)[1..], [login.to_owned()], "{address}");
        }
        assert_eq!(names_of("noreply@github.com").len(), 1);
    }

    proptest! {
        #[test]
        fn no_order_shows(order in Just((0..PERSONS.len()).collect::<Vec<_>>()).prop_shuffle()) {
            let context = context(vec![rule(&["alima", "person:slack:u1"], &["ana-l"])]);
            let persons: Vec<_> = PERSONS.iter().map(|text| person(text)).collect();
            let shuffled: Vec<_> = order.into_iter().map(|place| persons[place].clone()).collect();
            prop_assert_eq!(people(&persons, &context), people(&shuffled, &context));
        }
    }
}

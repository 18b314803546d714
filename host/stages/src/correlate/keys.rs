//! Handles of work items in titles, branch names, messages and descriptions.
//!
//! What is found is a function of the text alone. Which projects there are is asked afterwards, by [`standing`]: only
//! keys of known projects are trusted; where no tracker is connected everything is a guess, and what merely looks like
//! a key (`UTF-8`, `SHA-256`) is left out.

use std::collections::{BTreeMap, BTreeSet};

use regex::Regex;
use serde::Serialize;

/// Confidence in a handle that can mean only one thing.
pub(super) const STRONG: f64 = 0.8;
/// Confidence in a guess.
pub const WEAK: f64 = 0.5;
/// Confidence in a key with a letter right behind it.
const NEAR: f64 = 0.4;
/// What looks like the key of a project and is none.
const NO_PROJECTS: &[&str] = &[
    "AES", "ASCII", "BASE", "CIS", "COVID", "CVE", "CWE", "ECMA", "EN", "ES", "GH", "GHSA", "HTTP", "IEC", "IEEE",
    "IPV", "ISO", "JEP", "JSR", "LATIN", "MD", "MP", "PEP", "PKCS", "RC", "RFC", "RSA", "SHA", "SSL", "TLS", "UCS",
    "USB", "UTC", "UTF", "WIN", "X",
];
const CLOSING: &[&str] = &["close", "closes", "closed", "fix", "fixes", "fixed", "resolve", "resolves", "resolved"];

/// What the operator says about handles.
#[derive(Debug, Default)]
pub struct KeyRules {
    /// Further forms of handles: the first group, or the whole match, is the handle.
    pub patterns: Vec<Regex>,
    /// Projects that are none, besides those everybody knows.
    pub stop: BTreeSet<String>,
    /// Keys that projects had before, and their keys now.
    pub former: BTreeMap<String, String>,
}

/// Where a text stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum TextSource {
    /// Title of a change.
    Title,
    /// Description of a change or incident.
    Body,
    /// Name of a branch, the only place where the case of letters does not matter.
    Branch,
    /// Message of a commit.
    Commit,
}

impl TextSource {
    /// The word links give as their reason.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Title => "title",
            Self::Body => "body",
            Self::Branch => "branch",
            Self::Commit => "message",
        }
    }
}

/// What the text says about the work item.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum KeyRelation {
    /// Names it.
    Mentions,
    /// Ends it.
    Closes,
    /// Takes work for it back; not counted as work.
    Reverts,
}

impl KeyRelation {
    /// Kind of the link.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Mentions => "mentions",
            Self::Closes => "closes",
            Self::Reverts => "reverts",
        }
    }
}

/// A handle found in a text.
#[derive(Debug, Clone, PartialEq)]
pub struct FoundKey {
    /// As people write it: `PROJ-12`, `#42`, `acme/api#42`, `!17`, `AB#88`, `INC0010001`.
    pub key: String,
    /// Key of the tracker's project, for a handle that has one.
    pub project: Option<String>,
    /// Project that this would be a key of, were it known: `A_B` for `B-4` in `A_B-4`, `GH` for `#4` in `GH-4`.
    pub unless: Option<String>,
    /// What is said about it.
    pub relation: KeyRelation,
    /// Where the text stands, or more exactly: a letter right behind the number is told.
    pub reason: &'static str,
    /// 0.8 strong, 0.5 weak, 0.4 near; of a handle with a project, if that is known.
    pub confidence: f64,
}

/// How sure a handle is, given the projects of the connected trackers; none when it is no handle. `knows` says whether
/// there is a project of that key, `any_known` whether there is any.
pub fn standing(found: &FoundKey, rules: &KeyRules, knows: impl Fn(&str) -> bool, any_known: bool) -> Option<f64> {
    if found.unless.as_deref().is_some_and(&knows) {
        return None;
    }
    match &found.project {
        None => Some(found.confidence),
        Some(project) if knows(project) => Some(found.confidence),
        Some(project) => {
            let stopped = NO_PROJECTS.contains(&project.as_str()) || rules.stop.contains(project);
            (!any_known && !stopped && found.unless.is_none()).then_some(WEAK)
        }
    }
}

/// Handles in a text, each once, in the order they stand there, then those of the operator's patterns.
pub fn keys_in(text: &str, source: TextSource, rules: &KeyRules) -> Vec<FoundKey> {
    let folded = if source == TextSource::Branch { text.to_ascii_uppercase() } else { text.to_owned() };
    let scanner = Scanner { text: &folded, original: text, source, rules };
    let keys = scanner.numbers().flat_map(|number| scanner.keys(number));
    let mut found: Vec<FoundKey> = Vec::new();
    for key in keys.chain(rules.patterns.iter().flat_map(|pattern| scanner.matches(pattern))) {
        match found.iter_mut().find(|other| other.key == key.key) {
            Some(other) if key.confidence > other.confidence => *other = key,
            Some(_) => {}
            None => found.push(key),
        }
    }
    found
}

struct Scanner<'a> {
    text: &'a str,
    /// The text before letters were made capital.
    original: &'a str,
    source: TextSource,
    rules: &'a KeyRules,
}

/// A run of digits: where it begins and ends.
#[derive(Clone, Copy)]
struct Number {
    start: usize,
    end: usize,
}

impl Scanner<'_> {
    fn numbers(&self) -> impl Iterator<Item = Number> {
        let bytes = self.text.as_bytes();
        let starts = move |at: &usize| bytes[*at].is_ascii_digit() && (*at == 0 || !bytes[*at - 1].is_ascii_digit());
        let end = move |start: usize| bytes[start..].iter().position(|b| !b.is_ascii_digit());
        (0..bytes.len())
            .filter(starts)
            .map(move |start| Number { start, end: end(start).map_or(bytes.len(), |n_digits| start + n_digits) })
    }

    fn keys(&self, number: Number) -> Vec<FoundKey> {
        match self.text[..number.start].chars().next_back() {
            Some('-') => self.tracker_keys(number),
            Some('#') => self.issue(number).into_iter().collect(),
            Some('!') => self.merge_request(number).into_iter().collect(),
            Some(_) => self.record(number).into_iter().collect(),
            None => Vec::new(),
        }
    }

    /// `PROJ-12`, `GH-12`; of `A_B-4` also `B-4`.
    fn tracker_keys(&self, number: Number) -> Vec<FoundKey> {
        let Some(digits) = self.digits(number) else { return Vec::new() };
        let whole = trailing(&self.text[..number.start - 1], |c| c.is_alphanumeric() || c == '_');
        let mut found: Vec<FoundKey> = self.of_project(whole, None, digits, number).into_iter().collect();
        if let Some((_, shorter)) = whole.rsplit_once('_') {
            found.extend(self.of_project(shorter, Some(whole), digits, number));
        }
        if whole == "GH" {
            let key = self.found(format!("#{digits}"), KeyRelation::Mentions, number);
            found.push(FoundKey { unless: Some("GH".to_owned()), ..key });
        }
        found
    }

    fn of_project(&self, project: &str, unless: Option<&str>, digits: &str, number: Number) -> Option<FoundKey> {
        let shaped = project.len() > 1
            && project.starts_with(|c: char| c.is_ascii_uppercase())
            && project.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_');
        let now = self.rules.former.get(project).map_or(project, String::as_str);
        shaped.then(|| FoundKey {
            project: Some(now.to_owned()),
            unless: unless.map(str::to_owned),
            ..self.found(format!("{now}-{digits}"), KeyRelation::Mentions, number)
        })
    }

    /// `#42`, `acme/api#42`, `AB#88`
    fn issue(&self, number: Number) -> Option<FoundKey> {
        let digits = self.digits(number)?;
        let before = &self.original[..number.start - 1];
        let prefix = trailing(before, |c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '/'));
        let key = match prefix {
            // `&#39;` is an apostrophe.
            "" if before.ends_with('&') => return None,
            "" => format!("#{digits}"),
            "AB" => format!("AB#{digits}"),
            repository if is_repository(repository) => format!("{repository}#{digits}"),
            _ => return None,
        };
        let relation =
            if self.closes(before.len() - prefix.len()) { KeyRelation::Closes } else { KeyRelation::Mentions };
        Some(self.found(key, relation, number))
    }

    /// `!17`
    fn merge_request(&self, number: Number) -> Option<FoundKey> {
        let digits = self.digits(number)?;
        let stands_alone = !self.text[..number.start - 1].ends_with(|c: char| c.is_alphanumeric());
        stands_alone.then(|| self.found(format!("!{digits}"), KeyRelation::Mentions, number))
    }

    /// `INC0010001`, `CHG0030001`
    fn record(&self, number: Number) -> Option<FoundKey> {
        let prefix = trailing(&self.text[..number.start], char::is_alphanumeric);
        let is_record = matches!(prefix, "INC" | "CHG" | "PRB") && number.end - number.start >= 7;
        is_record.then(|| {
            self.found(format!("{prefix}{}", &self.text[number.start..number.end]), KeyRelation::Mentions, number)
        })
    }

    /// The digits, unless they begin with 0.
    fn digits(&self, number: Number) -> Option<&str> {
        Some(&self.text[number.start..number.end]).filter(|digits| !digits.starts_with('0'))
    }

    fn closes(&self, at: usize) -> bool {
        let before = self.original[..at].trim_end().trim_end_matches(':').trim_end();
        let word = trailing(before, char::is_alphanumeric).to_lowercase();
        CLOSING.contains(&word.as_str())
    }

    /// What an operator's pattern finds.
    fn matches<'s>(&'s self, pattern: &'s Regex) -> impl Iterator<Item = FoundKey> + 's {
        pattern.captures_iter(self.text).filter_map(|captures| {
            let key = captures.get(1).or_else(|| captures.get(0)).filter(|key| !key.is_empty())?;
            let number = Number { start: key.start(), end: key.end() };
            Some(self.found(key.as_str().to_owned(), KeyRelation::Mentions, number))
        })
    }

    fn found(&self, key: String, relation: KeyRelation, number: Number) -> FoundKey {
        let merges = self.source == TextSource::Commit && starts_with(self.original, "merge ");
        let is_near = self.text[number.end..].starts_with(char::is_alphabetic);
        let reason = match (is_near, merges) {
            (true, _) => "near-key",
            (false, true) => "merge-message",
            (false, false) => self.source.as_str(),
        };
        let relation = if self.reverts(number.start) { KeyRelation::Reverts } else { relation };
        let confidence = match reason {
            "near-key" => NEAR,
            "merge-message" => WEAK,
            _ => STRONG,
        };
        FoundKey { key, project: None, unless: None, relation, reason, confidence }
    }

    /// Whether a place lies within the quoted title of what is reverted: `Revert "PROJ-9 add cache" (#12)`.
    fn reverts(&self, at: usize) -> bool {
        let first_line = self.original.lines().next().unwrap_or_default();
        starts_with(first_line, "revert \"") && first_line.rfind('"').is_some_and(|end| at < end)
            || ends_with_word(trailing_words(&self.original[..at]), "reverts")
    }
}

/// What stands before a handle on its line, without the name of the handle's repository.
fn trailing_words(before: &str) -> &str {
    let line = before.rsplit('\n').next().unwrap_or_default();
    line.trim_end_matches(|c: char| !c.is_whitespace()).trim_end()
}

fn ends_with_word(text: &str, word: &str) -> bool {
    trailing(text, char::is_alphanumeric).eq_ignore_ascii_case(word)
}

fn starts_with(text: &str, prefix: &str) -> bool {
    text.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix))
}

/// The characters at the end of a text that are like this.
fn trailing(text: &str, like: impl Fn(char) -> bool) -> &str {
    let start = text.char_indices().rev().take_while(|(_, c)| like(*c)).last().map_or(text.len(), |(at, _)| at);
    &text[start..]
}

/// `owner/name`, or deeper.
fn is_repository(text: &str) -> bool {
    text.contains('/') && text.split('/').all(|part| !part.is_empty())
}

#[cfg(test)]
mod tests;

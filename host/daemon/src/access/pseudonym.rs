//! Names for persons that tell nothing of who they are, the same for the same name, in everything that is told.

use ring::hmac;
use serde_json::Value;

use crate::hex::hex;

/// What a pseudonym begins with.
const PREFIX: &str = "person-";
/// Bytes of the MAC in a pseudonym: at 100,000 names two are alike once in 60,000 accounts.
const MAC_BYTES: usize = 6;

/// Names of fields that hold persons, whatever they are a part of: `attr.jira.reporter`.
const FIELDS: [&str; 20] = [
    "approver",
    "assignee",
    "assignees",
    "author",
    "authors",
    "committer",
    "creator",
    "culprits",
    "email",
    "emails",
    "login",
    "manager",
    "merged_by",
    "people",
    "person",
    "persons",
    "reporter",
    "reviewer",
    "reviewers",
    "user",
];

/// The field that holds the end of a build's log.
const LOG: &str = "log_tail";

/// Makes pseudonyms under a key of the account.
#[derive(Debug)]
pub(crate) struct Pseudonyms(hmac::Key);

impl Pseudonyms {
    pub(crate) fn new(key: &[u8; 32]) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, key))
    }

    /// The pseudonym of a name.
    pub(crate) fn of(&self, name: &str) -> String {
        let mac = hmac::sign(&self.0, name.to_lowercase().as_bytes());
        format!("{PREFIX}{}", hex(&mac.as_ref()[..MAC_BYTES]))
    }

    /// Whether a text is like a pseudonym.
    pub(crate) fn is_one(text: &str) -> bool {
        text.starts_with(PREFIX)
    }

    /// Replaces persons in an answer: all texts of fields that hold them, and e-mail addresses everywhere. Logs are left
    /// out.
    pub(crate) fn hide(&self, value: &mut Value) {
        match value {
            Value::String(text) => *text = self.hidden(text),
            Value::Array(values) => values.iter_mut().for_each(|value| self.hide(value)),
            Value::Object(fields) => {
                // A log says who did what, in words that nobody can look for.
                fields.remove(LOG);
                for (name, value) in fields {
                    match value {
                        value if is_person(name) => self.replace(value),
                        // What an event changed is JSON in a text.
                        Value::String(text) if name == "changes" => *text = self.hidden_in_json(text),
                        value => self.hide(value),
                    }
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    /// A text without e-mail addresses.
    pub(crate) fn hidden(&self, text: &str) -> String {
        let mut rest = text;
        let mut hidden = String::with_capacity(text.len());
        while let Some((address, end)) = next_address(rest) {
            hidden.push_str(&rest[..end - address.len()]);
            hidden.push_str(&self.of(address));
            rest = &rest[end..];
        }
        hidden + rest
    }

    fn hidden_in_json(&self, text: &str) -> String {
        match serde_json::from_str::<Value>(text) {
            Ok(mut value) => {
                self.hide(&mut value);
                value.to_string()
            }
            Err(_) => self.hidden(text),
        }
    }

    fn replace(&self, value: &mut Value) {
        match value {
            Value::String(text) => *text = self.of(text),
            Value::Array(values) => values.iter_mut().for_each(|value| self.replace(value)),
            Value::Object(fields) => fields.values_mut().for_each(|value| self.replace(value)),
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }
}

fn is_person(field: &str) -> bool {
    FIELDS.contains(&field.rsplit('.').next().unwrap_or(field))
}

/// The next e-mail address of a text, and where it ends. `git@host` of a clone URL is none.
fn next_address(text: &str) -> Option<(&str, usize)> {
    let mut from = 0;
    while let Some(at) = text[from..].find('@').map(|at| from + at) {
        let is_local = |c: char| c.is_alphanumeric() || matches!(c, '.' | '_' | '%' | '+' | '-');
        let start = text[..at].rfind(|c| !is_local(c)).map_or(0, |before| before + char_len(text, before));
        let is_domain = |c: char| c.is_alphanumeric() || matches!(c, '.' | '-');
        let end = text[at + 1..].find(|c| !is_domain(c)).map_or(text.len(), |end| at + 1 + end);
        let domain = text[at + 1..end].trim_end_matches(['.', '-']);
        let top = domain.rsplit_once('.').map_or("", |(_, top)| top);
        let is_top = top.len() >= 2 && top.chars().all(char::is_alphabetic);
        if start < at && &text[start..at] != "git" && is_top {
            let end = at + 1 + domain.len();
            return Some((&text[start..end], end));
        }
        from = at + 1;
    }
    None
}

fn char_len(text: &str, at: usize) -> usize {
    text[at..].chars().next().map_or(1, char::len_utf8)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn persons_are_replaced_wherever_they_stand() {
        let names = Pseudonyms::new(&[7; 32]);
        let ana = names.of("Ana@Example.com");
        assert_eq!(names.of("ana@example.com"), ana);
        let mut told = json!({
            "author": { "name": "ana@example.com" }, "assignees": [{ "key": "17" }], "title": "Mend it",
            "attr.jira.reporter": ["bo"], "text": "Signed-off-by: Ana <ana@example.com>.", "n": 3,
            "facets": { "person": [{ "value": "bo", "count": 2 }], "team": [{ "value": "red", "count": 2 }] },
            "changes": "{\"author\":[{\"name\":\"bo\"},null]}", "url": "git@example.com:acme/web.git",
            "document": { "n": 3, "log_tail": "Started by user Bo" },
        });
        names.hide(&mut told);
        let (bo, key) = (names.of("bo"), names.of("17"));
        assert_eq!(
            told,
            json!({
                "author": { "name": ana }, "assignees": [{ "key": key }], "title": "Mend it",
                "attr.jira.reporter": [bo], "text": format!("Signed-off-by: Ana <{ana}>."), "n": 3,
                "facets": { "person": [{ "value": bo, "count": 2 }], "team": [{ "value": "red", "count": 2 }] },
                "changes": format!("{{\"author\":[{{\"name\":\"{bo}\"}},null]}}"), "url": "git@example.com:acme/web.git",
                "document": { "n": 3 },
            })
        );
    }

    #[test]
    fn what_is_no_address_stays() {
        let names = Pseudonyms::new(&[7; 32]);
        for text in ["@", "a@b", "left-pad@1.2.3", "@scope/name", "ä@", "x @ y.com", "git@host.com:a/b"] {
            assert_eq!(names.hidden(text), text);
        }
        assert_eq!(names.hidden("é a.b+c@x.io"), format!("é {}", names.of("a.b+c@x.io")));
    }
}

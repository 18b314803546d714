//! The envelope in which the Jenkins plugins of SEI send: `{"request_type": .., "payload": ..}`, the
//! payload being JSON written as text. Scripts put an object there; that is read too, and noted.

use serde_json::{Map, Value};
use weir_model::{Diagnostic, DiagnosticKind};

/// What an envelope asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Request {
    /// Take the report of a run that is over.
    JobRunComplete,
    /// Note that the sender lives, and say whether its settings are to change.
    Heartbeat,
    /// Note that a job was made, renamed, changed or deleted.
    JobConfigChange,
    /// Say what must be waited for before a build goes on.
    Clearance,
    /// Say how far that is.
    StatusCheck,
    /// Note an error within the sender.
    ErrorReport,
    /// None of these; the sender's word.
    Other(String),
}

impl Request {
    const KNOWN: [(&'static str, Self); 6] = [
        ("JenkinsPluginJobRunComplete", Self::JobRunComplete),
        ("JenkinsHeartbeat", Self::Heartbeat),
        ("JenkinsPluginJobConfigChange", Self::JobConfigChange),
        ("JenkinsPluginJobRunClearanceRequest", Self::Clearance),
        ("RunbookRunsStatusCheckRequest", Self::StatusCheck),
        ("pluginErrorReport", Self::ErrorReport),
    ];

    /// The request that word stands for, in any case of letters.
    pub fn named(word: &str) -> Self {
        let known = Self::KNOWN.into_iter().find(|(name, _)| name.eq_ignore_ascii_case(word.trim()));
        known.map_or_else(|| Self::Other(word.trim().to_owned()), |(_, request)| request)
    }

    /// Its word.
    pub fn word(&self) -> &str {
        match self {
            Self::Other(word) => word,
            known => Self::KNOWN.iter().find(|(_, request)| request == known).map_or("", |(name, _)| name),
        }
    }

    /// The word of the reply to it.
    pub fn response_word(&self) -> String {
        let word = self.word();
        let stem = if let Self::Other(_) = self { word } else { word.trim_end_matches("Request") };
        format!("{stem}Response")
    }
}

/// An envelope, opened.
#[derive(Debug, Clone, PartialEq)]
pub struct Envelope {
    /// What it asks for.
    pub request: Request,
    /// What it holds: text that is no JSON stays text, and null stands for nothing.
    pub payload: Value,
    /// What is odd about it.
    pub notes: Vec<Diagnostic>,
}

impl Envelope {
    /// Opens `object`; none when it is no envelope.
    pub fn open(object: &Map<String, Value>) -> Option<Self> {
        let word = object.get("request_type").or_else(|| object.get("requestType"))?.as_str()?;
        let mut notes = Vec::new();
        let payload = match object.get("payload") {
            Some(Value::String(text)) => match super::json::read(text.as_bytes()) {
                Ok(read) => {
                    notes.extend(read.is_cut.then(|| note(DiagnosticKind::Truncated, "nested too deep")));
                    read.value
                }
                Err(_) => Value::String(text.clone()),
            },
            Some(other) => {
                notes.push(note(DiagnosticKind::WrongType, "not text"));
                other.clone()
            }
            None => Value::Null,
        };
        Some(Self { request: Request::named(word), payload, notes })
    }

    /// The payload as fields; none when it is no object. What the request itself says is among them: the report of a
    /// run that is complete is that of one that is over, with or without a result.
    pub fn into_fields(self) -> Option<Map<String, Value>> {
        let Value::Object(mut fields) = self.payload else { return None };
        if self.request == Request::JobRunComplete && fields.get("state").is_none_or(Value::is_null) {
            fields.insert("state".to_owned(), Value::from("finished"));
        }
        Some(fields)
    }
}

fn note(kind: DiagnosticKind, found: &str) -> Diagnostic {
    Diagnostic::new(kind, "envelope.payload").at("/payload").found(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_request_has_a_reply() {
        let replies = [
            ("JenkinsPluginJobRunComplete", "JenkinsPluginJobRunCompleteResponse"),
            ("jenkinsheartbeat", "JenkinsHeartbeatResponse"),
            ("JenkinsPluginJobConfigChange", "JenkinsPluginJobConfigChangeResponse"),
            ("JenkinsPluginJobRunClearanceRequest", "JenkinsPluginJobRunClearanceResponse"),
            ("RunbookRunsStatusCheckRequest", "RunbookRunsStatusCheckResponse"),
            ("pluginErrorReport", "pluginErrorReportResponse"),
            ("SomethingRequest", "SomethingRequestResponse"),
        ];
        for (word, reply) in replies {
            assert_eq!(Request::named(word).response_word(), reply);
        }
    }

    #[test]
    fn payloads_are_text_or_objects() {
        let open = |json: &str| Envelope::open(serde_json::from_str::<Value>(json).unwrap().as_object().unwrap());
        assert_eq!(open(r#"{"payload": "{}"}"#), None);
        let text = open(r#"{"request_type": "x", "payload": "{\"a\":1}"}"#).unwrap();
        assert_eq!((text.payload["a"].as_u64(), text.notes.len()), (Some(1), 0));
        let object = open(r#"{"requestType": "x", "payload": {"a": 1}}"#).unwrap();
        assert_eq!((object.payload["a"].as_u64(), object.notes.len()), (Some(1), 1));
        let trace = open(r#"{"request_type": "pluginErrorReport", "payload": "java.lang.Error\n at x"}"#).unwrap();
        assert_eq!(trace.payload, "java.lang.Error\n at x");
        assert_eq!(trace.into_fields(), None);
    }
}

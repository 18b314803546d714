//! Envelopes that report no run. A changed configuration of a job is worth an entity; signs of life, questions and
//! errors of the sender are kept as they came.

use serde_json::{Map, Value};
use weir_model::entity::{AttributeValue, Custom};
use weir_model::{Diagnostic, DiagnosticKind, raw};

use super::envelope::{Envelope, Request};
use super::fields::Fields;
use super::names::{plain_job, without_credentials};
use super::{Normalised, Outcome, Produced};

/// Kind of the entity of a change to the configuration of a job.
const CHANGE_KIND: &str = "configuration-change";

/// Signs of life of one sender are one record; everything else is told apart by its bytes.
pub(super) fn record_key(object: &Map<String, Value>) -> Option<String> {
    let envelope = Envelope::open(object)?;
    let word = envelope.request.word();
    let sender = envelope.payload.get("instance_id").and_then(Value::as_str);
    Some(match (&envelope.request, sender) {
        (Request::Heartbeat, Some(sender)) => format!("{word}/{sender}"),
        _ => format!("{word}/{}", raw::fingerprint(envelope.payload.to_string().as_bytes())),
    })
}

pub(super) fn read(object: &Map<String, Value>) -> Normalised {
    let Some(envelope) = Envelope::open(object) else {
        return Normalised::rejected(Diagnostic::new(DiagnosticKind::Missing, "envelopes.request_type"));
    };
    let ignored = |reason: &str| Normalised { outcome: Outcome::Ignored(reason.to_owned()), diagnostics: Vec::new() };
    match envelope.request {
        Request::JobConfigChange => change(envelope),
        Request::Heartbeat => ignored("envelope.heartbeat"),
        Request::Clearance => ignored("envelope.clearance"),
        Request::StatusCheck => ignored("envelope.status-check"),
        Request::ErrorReport => ignored("envelope.error-of-the-sender"),
        // A report of a run belongs to the builds, and is only here when nobody could read it there.
        Request::JobRunComplete | Request::Other(_) => ignored("envelope.unknown-request"),
    }
}

fn change(envelope: Envelope) -> Normalised {
    let notes = envelope.notes.clone();
    let Some(payload) = envelope.into_fields() else {
        return Normalised::rejected(Diagnostic::new(DiagnosticKind::Malformed, "envelopes.payload"));
    };
    let mut fields = Fields::new("envelopes", &payload);
    fields.note_all(notes);
    let produced = change_of_job(&mut fields);
    let outcome = produced.map_or(Outcome::Rejected, |produced| Outcome::Produced(vec![produced]));
    Normalised { outcome, diagnostics: fields.into_diagnostics() }
}

fn change_of_job(fields: &mut Fields<'_>) -> Option<Produced> {
    let full_name = fields.text(&["job_full_name"]).or_else(|| fields.text(&["job_name"]));
    let at = fields.time(&["change_time"]);
    let (Some(full_name), Some(at)) = (full_name, at) else {
        fields.note(DiagnosticKind::Missing, "job_full_name or change_time", "");
        return None;
    };
    let kind = fields.text(&["change_type"]).unwrap_or_else(|| "changed".to_owned()).to_lowercase();
    let system = fields.text(&["jenkins_instance_guid", "instance_guid"]);
    let system = system.or_else(|| fields.text(&["jenkins_instance_name", "instance_name"]));
    let key = [system, Some(full_name.clone()), Some(at.ms().to_string()), Some(kind.clone())];
    let job = plain_job(&full_name);
    let mut change = Custom::default().title(format!("{job}: {kind}")).at(at);
    let texts = [
        ("ci.job", Some(job)),
        ("ci.change_type", Some(kind)),
        ("ci.branch", fields.text(&["branch_name"])),
        ("ci.user", fields.text(&["user_id"])),
        ("ci.user_name", fields.text(&["users_name", "user_name"])),
        ("ci.instance", fields.text(&["jenkins_instance_name", "instance_name"])),
        ("ci.repository", fields.text(&["repo_url"]).map(|url| without_credentials(&url))),
    ];
    let stated = texts.into_iter().filter_map(|(key, text)| Some((key.to_owned(), AttributeValue::Text(text?))));
    change.attributes.extend(stated);
    let key = key.into_iter().flatten().collect::<Vec<_>>().join("/");
    Some(Produced::custom(CHANGE_KIND, key, change))
}

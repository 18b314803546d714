//! Names of everything the daemon keeps in the ingestion state, in one place so that no two collide.

use uuid::Uuid;
use weir_model::{EntityId, IntegrationName, Timestamp};
use weir_store::StateKey;

/// What an integration is: plugin and settings, so that its records can be normalised again when it is gone.
pub(crate) fn integration(name: &IntegrationName) -> StateKey {
    StateKey::new(&["integration", name.as_str()])
}

/// All integrations that ever brought a record.
pub(crate) fn integrations() -> StateKey {
    StateKey::new(&["integration"])
}

/// Position at the tool of a dataset.
pub(crate) fn cursor(name: &IntegrationName, dataset: &str) -> StateKey {
    StateKey::new(&["cursor", name.as_str(), dataset])
}

/// Position at the tool of a dataset under one parent record.
pub(crate) fn child_cursor(name: &IntegrationName, dataset: &str, parent: &str) -> StateKey {
    StateKey::new(&["child-cursor", name.as_str(), dataset, parent])
}

/// Parent records whose child dataset is still to be read.
pub(crate) fn pending(name: &IntegrationName, dataset: &str) -> StateKey {
    StateKey::new(&["pending", name.as_str(), dataset])
}

/// One parent record whose child dataset is still to be read.
pub(crate) fn pending_parent(name: &IntegrationName, dataset: &str, parent: &str) -> StateKey {
    StateKey::new(&["pending", name.as_str(), dataset, parent])
}

/// Version of a parent record at which a child dataset was last read under it.
pub(crate) fn children_read(name: &IntegrationName, dataset: &str, parent: &str) -> StateKey {
    StateKey::new(&["children-read", name.as_str(), dataset, parent])
}

/// Where in the log a full pass over a dataset began.
pub(crate) fn full_pass(name: &IntegrationName, dataset: &str) -> StateKey {
    StateKey::new(&["full-pass", name.as_str(), dataset])
}

/// Answers of the tool that conditional requests of one reader refer to; `parent` is empty for a dataset of its own.
pub(crate) fn validator(name: &IntegrationName, dataset: &str, parent: &str, target: &str) -> StateKey {
    StateKey::new(&["validator", name.as_str(), dataset, parent, target])
}

/// Where the refs of a repository pointed when it was last read.
pub(crate) fn git_tips(name: &IntegrationName, folder: &str) -> StateKey {
    StateKey::new(&["git-tips", name.as_str(), folder])
}

/// What a plugin remembers for an integration.
pub(crate) fn plugin_state(name: &IntegrationName) -> StateKey {
    StateKey::new(&["plugin-state", name.as_str()])
}

/// Delivery or push that was taken already.
pub(crate) fn delivery(name: &IntegrationName, id: &str) -> StateKey {
    StateKey::new(&["delivery", name.as_str(), id])
}

/// Kinds of custom data.
pub(crate) fn data_kinds() -> StateKey {
    StateKey::new(&["data-kind"])
}

/// Fingerprint of the schema of a kind of custom data.
pub(crate) fn data_kind(kind: &str) -> StateKey {
    StateKey::new(&["data-kind", kind])
}

/// A schema of custom data. It never changes, for its name is made from it.
pub(crate) fn data_schema(fingerprint: &str) -> StateKey {
    StateKey::new(&["data-schema", fingerprint])
}

/// The integration a CI system belongs to that made itself known.
pub(crate) fn instance(id: &str) -> StateKey {
    StateKey::new(&["instance", id])
}

/// Collection runs of an integration, oldest first.
pub(crate) fn runs(name: &IntegrationName) -> StateKey {
    StateKey::new(&["run", name.as_str()])
}

/// One collection run.
pub(crate) fn run(name: &IntegrationName, started_at: Timestamp) -> StateKey {
    StateKey::new(&["run", name.as_str(), &ordered(started_at.ms())])
}

/// When the last full collection of an integration that read everything to its end began.
pub(crate) fn last_full(name: &IntegrationName) -> StateKey {
    StateKey::new(&["last-full", name.as_str()])
}

/// Where each propel has come to in the events.
pub(crate) fn propel_positions() -> StateKey {
    StateKey::new(&["propel-position"])
}

/// Where a propel has come to in the events.
pub(crate) fn propel_position(propel: &str) -> StateKey {
    propel_positions().with(propel)
}

/// When a propel with a schedule last ran.
pub(crate) fn propel_schedule(propel: &str) -> StateKey {
    StateKey::new(&["propel-schedule", propel])
}

/// Runs of all propels.
pub(crate) fn propel_runs() -> StateKey {
    StateKey::new(&["propel-run"])
}

/// One run of a propel.
pub(crate) fn propel_run(propel: &str, run: Uuid) -> StateKey {
    propel_runs().with(propel).with(run.to_string())
}

/// Runs of a propel that wait, by the time they are due.
pub(crate) fn propel_dues(propel: &str) -> StateKey {
    StateKey::new(&["propel-due", propel])
}

/// A run that waits.
pub(crate) fn propel_due(propel: &str, due: Timestamp, run: Uuid) -> StateKey {
    propel_dues(propel).with(ordered(due.ms())).with(run.to_string())
}

/// Events that wait to be told together, by the end of their span.
pub(crate) fn propel_digests(propel: &str) -> StateKey {
    StateKey::new(&["propel-digest", propel])
}

/// An event that waits to be told with others.
pub(crate) fn propel_digest(propel: &str, end: Timestamp, run: Uuid) -> StateKey {
    propel_digests(propel).with(ordered(end.ms())).with(run.to_string())
}

/// When a propel last ran about an entity.
pub(crate) fn propel_throttle(propel: &str, entity: &str) -> StateKey {
    StateKey::new(&["propel-throttle", propel, entity])
}

/// What became of an action.
pub(crate) fn propel_action(propel: &str, run: Uuid, action: &str) -> StateKey {
    StateKey::new(&["propel-action", propel, &run.to_string(), action])
}

/// What a propel remembers.
pub(crate) fn propel_state(propel: &str) -> StateKey {
    StateKey::new(&["propel-state", propel])
}

/// Actions of a propel that are still to be carried out, by the time they are due.
pub(crate) fn outbox(propel: &str) -> StateKey {
    StateKey::new(&["outbox", propel])
}

/// One action.
pub(crate) fn outbox_action(propel: &str, due: Timestamp, run: Uuid, action: &str) -> StateKey {
    outbox(propel).with(ordered(due.ms())).with(run.to_string()).with(action)
}

/// Actions of all propels that were given up.
pub(crate) fn dead_letters() -> StateKey {
    StateKey::new(&["dead-letter"])
}

/// One that was given up.
pub(crate) fn dead_letter(propel: &str, run: Uuid, action: &str) -> StateKey {
    dead_letters().with(propel).with(run.to_string()).with(action)
}

/// A message that pulled a trigger.
pub(crate) fn trigger_delivery(trigger: &str, id: &str) -> StateKey {
    StateKey::new(&["trigger-delivery", trigger, id])
}

/// The health of an integration that was told last.
pub(crate) fn told_health(name: &IntegrationName) -> StateKey {
    StateKey::new(&["told-health", name.as_str()])
}

/// A threshold that is crossed.
pub(crate) fn crossed(threshold: &str) -> StateKey {
    StateKey::new(&["threshold-crossed", threshold])
}

/// Rows of a table.
pub(crate) fn table(name: &str) -> StateKey {
    StateKey::new(&["table", name])
}

/// One change of a row.
pub(crate) fn table_change(name: &str, key: &str, change: Uuid) -> StateKey {
    table(name).with(key).with(change.to_string())
}

/// Notes on entities.
pub(crate) fn notes() -> StateKey {
    StateKey::new(&["note"])
}

/// Notes on one entity.
pub(crate) fn notes_of(entity: &EntityId) -> StateKey {
    notes().with(entity.to_string())
}

/// One note.
pub(crate) fn note(entity: &EntityId, name: &str) -> StateKey {
    notes_of(entity).with(name)
}

/// Last event each central has acknowledged.
pub(crate) fn forward_positions() -> StateKey {
    StateKey::new(&["forward-position"])
}

/// Last event central has acknowledged.
pub(crate) fn forward_position(url: &str) -> StateKey {
    forward_positions().with(url)
}

/// How often everything was sent again to centrals.
pub(crate) fn forward_epoch() -> StateKey {
    StateKey::new(&["forward-epoch"])
}

/// Last event of a host that this central has taken, and the data folder it came from.
pub(crate) fn forwarded(host: &str) -> StateKey {
    StateKey::new(&["forwarded", host])
}

/// Number of the last event when something was erased: later ones get higher numbers.
pub(crate) fn event_floor() -> StateKey {
    StateKey::new(&["event-floor"])
}

/// API keys.
pub(crate) fn api_keys() -> StateKey {
    StateKey::new(&["api-key"])
}

/// One API key.
pub(crate) fn api_key(id: &str) -> StateKey {
    StateKey::new(&["api-key", id])
}

/// When an API key was last used.
pub(crate) fn api_key_use(id: &str) -> StateKey {
    StateKey::new(&["api-key-use", id])
}

/// People who may log in.
pub(crate) fn users() -> StateKey {
    StateKey::new(&["user"])
}

/// One of them.
pub(crate) fn user(name: &str) -> StateKey {
    users().with(name)
}

/// Sessions of people who logged in.
pub(crate) fn sessions() -> StateKey {
    StateKey::new(&["session"])
}

/// One of them, by the hash of its text.
pub(crate) fn session(hash: &str) -> StateKey {
    sessions().with(hash)
}

/// Kinds of what people and propels write, which may name people.
pub(crate) fn written() -> [StateKey; 9] {
    const KINDS: [&str; 9] = [
        "note",
        "table",
        "propel-run",
        "propel-action",
        "propel-due",
        "propel-digest",
        "propel-throttle",
        "outbox",
        "dead-letter",
    ];
    KINDS.map(|kind| StateKey::new(&[kind]))
}

/// The parts of a key that are the same for all that belongs together: a note, a row of a table, a run. None where it is
/// of no kind of [`written`].
pub(crate) fn unit(key: &StateKey) -> Option<Vec<Vec<u8>>> {
    let parts = key.parts();
    let run = |at: usize| Some(vec![b"run".to_vec(), parts.get(at)?.clone()]);
    match parts.first()?.as_slice() {
        b"note" | b"propel-throttle" => Some(parts),
        b"table" => Some(parts.into_iter().take(3).collect()),
        b"propel-run" | b"propel-action" | b"dead-letter" => run(2),
        b"propel-due" | b"propel-digest" | b"outbox" => run(3),
        _ => None,
    }
}

/// The time in a part of a key.
pub(crate) fn time_of(key: &StateKey, part: usize) -> Option<Timestamp> {
    let text = String::from_utf8(key.parts().get(part)?.clone()).ok()?;
    text.parse().ok().map(Timestamp::from_ms)
}

/// Digits that sort as the number does.
fn ordered(number: i64) -> String {
    format!("{:020}", number.max(0))
}

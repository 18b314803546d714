//! The receipt: what was asked for, by whom, what was there, what is left, and a signature over all of it. Pure.

use serde::Serialize;
use serde_json::{Value, json};
use uuid::Uuid;
use weir_model::Timestamp;

use super::counts::FORWARDED;
use super::request::{Decommission, State};
use crate::signing::{Purpose, Signer, checked_document};

/// What a receipt was found to be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Checked {
    /// Whether it is, byte for byte, what the holder of the key signed.
    pub valid: bool,
    /// Whether the key was given from elsewhere. A key that the receipt itself names proves only that it was not altered.
    pub key_was_given: bool,
    /// The key it was checked with.
    pub public_key: String,
    /// What was done: `decommissioning` or `erasure`.
    pub kind: Option<String>,
    /// Account it was done to.
    pub account: Option<String>,
    /// When that was done.
    pub completed_at: Option<String>,
    /// Why it is not valid.
    pub problem: Option<String>,
}

/// The receipt of a decommissioning whose search found nothing, signed. What was here is then gone with its folder; what
/// was forwarded is gone where the central has signed so.
pub(super) fn write(one: &Decommission, installation: Uuid, at: Timestamp, signer: &Signer) -> String {
    let copies_stay = one.copies.iter().any(|copies| copies.receipt.is_none());
    let left = |class: &super::Class| {
        let stays = class.class == FORWARDED && copies_stay;
        let (items, bytes) = if stays { (class.items, class.bytes) } else { (Some(0), Some(0)) };
        json!({ "class": class.class, "items": items, "bytes": bytes })
    };
    let after: Vec<Value> = one.inventory.classes.iter().map(left).collect();
    let records = one.inventory.classes.iter().find(|class| class.class == "raw records");
    let mut steps = one.steps.clone();
    steps.push(super::request::Step { state: State::Completed, at });
    let body = json!({
        "format": "weir-receipt/1",
        "kind": "decommissioning",
        "id": one.id,
        "installation": installation,
        "account": one.account,
        "projects": one.projects,
        "statement": one.statement,
        "contact": one.contact,
        "reason": one.reason,
        "requested": one.requested,
        "confirmed": one.confirmed,
        "steps": steps,
        "keys_destroyed_at": one.keys_destroyed_at,
        "completed_at": at,
        "before": one.inventory.classes,
        "after": after,
        "erased_records": {
            "count": records.and_then(|class| class.items).unwrap_or(0),
            "root": one.inventory.records_root,
        },
        "scan": one.scan,
        "copies": one.copies,
        "stays": one.inventory.stays,
        "public_key": signer.public_key(),
    });
    signer.seal(Purpose::Receipt, &body)
}

/// Checks a receipt; with the key it names when none is given.
pub fn check(text: &str, public_key: Option<&str>) -> Checked {
    let problem = checked_document(text, Purpose::Receipt, public_key).err().map(str::to_owned);
    let value: Value = serde_json::from_str(text).unwrap_or_default();
    let word = |name: &str| value[name].as_str().map(str::to_owned);
    let key = public_key.map(str::to_owned).or_else(|| word("public_key")).unwrap_or_default();
    Checked {
        valid: problem.is_none(),
        key_was_given: public_key.is_some(),
        public_key: key,
        kind: word("kind"),
        account: word("account"),
        completed_at: word("completed_at"),
        problem,
    }
}

/// A receipt as a page to read and print.
pub fn page(text: &str) -> String {
    let receipt: Value = serde_json::from_str(text).unwrap_or_default();
    let word = |value: &Value| escape(value.as_str().unwrap_or("-"));
    let row = |name: &str, value: String| format!("<tr><th>{name}</th><td>{value}</td></tr>\n");
    let act = |name: &str| format!("{} by {}", word(&receipt[name]["at"]), word(&receipt[name]["by"]));
    let list = |name: &str| receipt[name].as_array().map_or(&[][..], Vec::as_slice);
    let about = [
        row("Account", word(&receipt["account"])),
        row("Statement", word(&receipt["statement"])),
        row("Requested", act("requested")),
        row("Confirmed", act("confirmed")),
        row("Contact", word(&receipt["contact"])),
        row("Keys destroyed", word(&receipt["keys_destroyed_at"])),
        row("Completed", word(&receipt["completed_at"])),
        row(
            "Records erased",
            format!("{}, hash tree {}", receipt["erased_records"]["count"], word(&receipt["erased_records"]["root"])),
        ),
        row(
            "Search afterwards",
            format!("{} files, {} bytes, nothing found", receipt["scan"]["files"], receipt["scan"]["bytes"]),
        ),
    ];
    let copies = list("copies").iter().map(|copies| {
        let gone = if copies["receipt"].is_null() { "still there" } else { "gone, as its receipt says" };
        row(&format!("Copies at {}", word(&copies["url"])), gone.to_owned())
    });
    let about = about.into_iter().chain(copies).collect::<String>();
    let steps = list("steps").iter().map(|step| row(&word(&step["state"]), word(&step["at"])));
    let number = |value: &Value| value.as_u64().map_or_else(|| "-".to_owned(), |number| number.to_string());
    let class = |(before, after): (&Value, &Value)| {
        let [items, bytes, left] = [&before["items"], &before["bytes"], &after["items"]].map(number);
        format!("<tr><th>{}</th><td>{items}</td><td>{bytes}</td><td>{left}</td></tr>\n", word(&before["class"]))
    };
    let stay = |stay: &Value| row(&word(&stay["what"]), word(&stay["why"]));
    format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>Receipt {id}</title></head><body>\n\
        <h1>Receipt of erasure</h1>\n<table>\n{about}</table>\n<h2>Steps</h2>\n<table>\n{steps}</table>\n\
        <h2>Before and after</h2>\n<table>\n<tr><th></th><th>items</th><th>bytes</th><th>items after</th></tr>\n{classes}</table>\n\
        <h2>What stays</h2>\n<table>\n{stays}</table>\n<h2>Signature</h2>\n<p>Receipt {id}, Ed25519, public key {key}</p>\n\
        <p>{signature}</p>\n<p>The signature is over the JSON form; <code>weir receipt verify</code> checks it.</p>\n</body></html>\n",
        id = word(&receipt["id"]),
        steps = steps.collect::<String>(),
        classes = list("before").iter().zip(list("after")).map(class).collect::<String>(),
        stays = list("stays").iter().map(stay).collect::<String>(),
        key = word(&receipt["public_key"]),
        signature = word(&receipt["signature"]),
    )
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lifecycle::request::Act;
    use crate::lifecycle::{Asked, Inventory, statement};
    use weir_model::AccountId;
    use weir_store::OsDisk;

    #[test]
    fn every_flipped_bit_of_a_receipt_is_found() {
        let dir = tempfile::tempdir().unwrap();
        let signer = Signer::open_or_create(&OsDisk, dir.path()).unwrap();
        let account = AccountId::new("acme").unwrap();
        let asked = Asked { statement: statement(&account), contact: "<b>ana</b>".to_owned(), ..Asked::default() };
        let act = Act { at: Timestamp::from_ms(0), by: "ana".to_owned() };
        let one = Decommission::request(Uuid::nil(), account, asked, act, Inventory::default()).unwrap();
        let text = write(&one, Uuid::nil(), Timestamp::from_ms(1_000), &signer);
        let key = signer.public_key();
        let checked = check(&text, Some(&key));
        assert!(checked.valid && checked.key_was_given, "{checked:?}");
        assert_eq!(checked.account.as_deref(), Some("acme"));
        assert!(check(&text, None).valid && !check(&text, None).key_was_given);
        for at in 0..text.len() {
            let mut bytes = text.clone().into_bytes();
            bytes[at] ^= 1 << (at % 7);
            let damaged = String::from_utf8(bytes).unwrap();
            assert!(!check(&damaged, Some(&key)).valid, "byte {at}");
        }
        assert!(page(&text).contains("&lt;b&gt;ana"));
    }
}

//! `weir audit`. It reads the files of the data folder, whether a host runs on it or not.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use serde_json::{Value, json};
use weir_model::AccountId;

use super::args::Scope;
use super::print::{list, plain, show};
use super::{Answer, access};
use crate::audit::{self, AuditParams, Checkpoint};
use crate::error::Fault;
use crate::signing;

#[derive(Debug, Args)]
pub(super) struct Audit {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Entries, the newest first.
    List {
        /// Only of this account.
        #[arg(long)]
        account: Option<AccountId>,
        /// Only of this action: `key.create`, or `key` for all about keys.
        #[arg(long)]
        action: Option<String>,
        /// Only by this actor.
        #[arg(long)]
        actor: Option<String>,
        /// Only those that hold this text.
        text: Option<String>,
        /// Only those before this position.
        #[arg(long)]
        before: Option<u64>,
        /// Most of them.
        #[arg(long, default_value_t = 50)]
        limit: usize,
    },
    /// Check that nothing was changed, removed, moved or cut off.
    Verify {
        /// Public key to check with, a file or base64 [default: that of the data folder].
        #[arg(long, value_name = "KEY")]
        public_key: Option<String>,
        /// A checkpoint that was kept elsewhere: an earlier answer of `weir audit verify --json`.
        #[arg(long, value_name = "FILE")]
        checkpoint: Option<PathBuf>,
        /// Check an export in this folder instead.
        #[arg(long)]
        dir: Option<PathBuf>,
    },
    /// Copy it to a folder, with the public key it is checked by.
    Export {
        /// The folder.
        to: PathBuf,
    },
}

pub(super) fn audit(scope: &Scope, asked: &Audit) -> Answer {
    let data_dir = access::config(scope)?.host.data_dir;
    match &asked.verb {
        Verb::List { account, action, actor, text, before, limit } => {
            let params = AuditParams {
                account: account.clone(),
                action: action.clone(),
                actor: actor.clone(),
                q: text.clone(),
                before: *before,
                limit: Some(*limit),
                ..AuditParams::default()
            };
            let page = audit::list(&audit::folder(&data_dir), &params)?;
            show(scope, &json!(page), |page| list(page, "entries").iter().map(entry).collect());
            Ok(true)
        }
        Verb::Verify { public_key, checkpoint, dir } => {
            let own = || signing::public_key(&data_dir.join("keys")).ok_or_else(no_key);
            let exported = |dir: &PathBuf| read(&dir.join("public.key"));
            let key = match (public_key, dir) {
                (Some(key), _) => key_of(key)?,
                (None, Some(dir)) => exported(dir)?,
                (None, None) => own()?,
            };
            let kept = checkpoint.as_deref().map(kept).transpose()?;
            let dir = dir.clone().unwrap_or_else(|| audit::folder(&data_dir));
            let verified = audit::verify(&dir, &key, kept.as_slice())?;
            show(scope, &json!(verified), findings);
            Ok(verified.whole)
        }
        Verb::Export { to } => {
            audit::export(&data_dir, to)?;
            show(scope, &json!({ "to": to }), |_| format!("written to {}", to.display()));
            Ok(true)
        }
    }
}

/// A key in base64, given as such or as a file that holds it.
pub(super) fn key_of(text: &str) -> Result<String, Fault> {
    if Path::new(text).exists() { read(Path::new(text)) } else { Ok(text.to_owned()) }
}

fn no_key() -> Fault {
    Fault::config("this data folder has signed nothing yet").hint("`--data-dir` names another")
}

fn read(path: &Path) -> Result<String, Fault> {
    let failed = |error| Fault::config(format!("cannot read {}", path.display())).caused_by(error);
    std::fs::read_to_string(path).map(|text| text.trim().to_owned()).map_err(failed)
}

/// A checkpoint alone, or the last of an answer of `verify`.
fn kept(path: &Path) -> Result<Checkpoint, Fault> {
    let unfit = |error| {
        Fault::config(format!("{} is no checkpoint", path.display()))
            .hint("`weir audit verify --json` gives one as `last_checkpoint`")
            .caused_by(error)
    };
    let mut value: Value = serde_json::from_str(&read(path)?).map_err(unfit)?;
    let inner = value.get_mut("last_checkpoint").map(Value::take);
    serde_json::from_value(inner.unwrap_or(value)).map_err(unfit)
}

fn entry(entry: &Value) -> String {
    let [at, action, outcome, actor, from, subject] =
        ["at", "action", "outcome", "actor", "from", "subject"].map(|name| plain(&entry[name]));
    let who = if entry["erased"] == true { "(erased)".to_owned() } else { format!("{actor} from {from}") };
    let changed = ["before", "after"].map(|name| match &entry[name] {
        Value::Null => String::new(),
        value => format!("  {name} {}", plain(value)),
    });
    format!("{:>6}  {at}  {action:<22} {outcome:<8} {who}  {subject}{}\n", entry["sequence"], changed.concat())
}

fn findings(verified: &Value) -> String {
    let mut text = format!(
        "{} entries, {} checkpoints, signed up to {}, details of {} erased\n",
        verified["entries"], verified["checkpoints"], verified["signed_up_to"], verified["erased"]
    );
    for problem in list(verified, "problems") {
        text += &format!("{}: {}\n", plain(&problem["where"]), plain(&problem["what"]));
    }
    text + if verified["whole"] == true { "nothing was changed\n" } else { "something was changed\n" }
}

//! `weir export` and `weir import`.

use std::path::{Path, PathBuf};

use bytes::Bytes;
use clap::Args;
use clap::builder::{PathBufValueParser, TypedValueParser};
use serde_json::{Value, json};
use weir_model::Seq;

use super::access::{self, Access, bar, blocking, catch_up};
use super::args::Scope;
use super::print::{list, plain, show};
use super::{Answer, read};
use crate::audit::{self, Actor};
use crate::error::Fault;
use crate::export::{self as exports, Form, Recipient, To, Wanted};

#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(super) struct Export {
    #[command(subcommand)]
    verb: Option<Verb>,
    #[command(flatten)]
    write: Option<Write>,
}

#[derive(Debug, Args)]
struct Write {
    /// Folder to write to, or `s3://bucket/prefix` in the store of `[export.store]`; an earlier export is gone on with.
    #[arg(long, required = true, value_name = "DIR", value_parser = PathBufValueParser::new().map(To::from))]
    to: To,
    /// Raw records; with none of the three, everything.
    #[arg(long)]
    raw: bool,
    /// Entities.
    #[arg(long)]
    entities: bool,
    /// Numbers by day.
    #[arg(long)]
    metrics: bool,
    /// Form of entities and numbers.
    #[arg(long, value_enum, default_value = "jsonl")]
    format: Form,
    /// Encrypt for this age recipient, `age1...`; may be given several times.
    #[arg(long = "recipient", value_name = "RECIPIENT")]
    recipients: Vec<Recipient>,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    /// Check that an export is as it was written. Needs no host.
    Verify {
        /// Its folder.
        dir: PathBuf,
        /// Public key of the installation, a file or base64 [default: the one the export names].
        #[arg(long, value_name = "KEY")]
        public_key: Option<String>,
    },
}

#[derive(Debug, Args)]
pub(super) struct Import {
    /// Folder of the export.
    dir: PathBuf,
    /// File of `age-keygen` with the identity of a recipient, when the export is encrypted.
    #[arg(long, value_name = "FILE")]
    identity: Option<PathBuf>,
}

pub(super) async fn export(scope: &Scope, asked: Export) -> Answer {
    match asked {
        Export { verb: Some(Verb::Verify { dir, public_key }), .. } => verify(scope, &dir, public_key.as_deref()),
        Export { write: Some(write), .. } => write_to(scope, write).await,
        Export { .. } => Err(Fault::config("no folder is named").hint("weir export --to DIR")),
    }
}

async fn write_to(scope: &Scope, asked: Write) -> Answer {
    let Write { to, raw, entities, metrics, format, recipients } = asked;
    let wanted = Wanted { raw, entities, metrics, format, recipients };
    let to = absolute(to)?;
    let manifest = match read::ready(scope).await? {
        Access::Running(remote) => {
            let mut body = json!(wanted);
            body["to"] = json!(to);
            remote.post("/v1/exports", Bytes::from(body.to_string())).await?
        }
        Access::Stores(host) => {
            blocking(move || {
                let bar = bar("exporting", Some(host.account.log.last().0));
                let by = Actor::operator();
                let (place, mut progress) = (host.place(&to)?, |seq: Seq| bar.set_position(seq.0));
                let written = exports::noted(&host.account, wanted, &*place, &by, &mut progress);
                bar.finish_and_clear();
                Ok(json!(written?))
            })
            .await?
        }
    };
    show(scope, &manifest, |manifest| {
        let lines = |kind: &str| -> u64 {
            let of_kind = list(manifest, "files").iter().filter(|file| file["kind"] == kind);
            of_kind.filter_map(|file| file["lines"].as_u64()).sum()
        };
        format!("{} raw records, {} entities, {} lines of numbers", lines("raw"), lines("entities"), lines("metrics"))
    });
    Ok(true)
}

/// The host may run in another folder.
fn absolute(to: To) -> Result<To, Fault> {
    let To::Folder(path) = to else { return Ok(to) };
    let unusable = |error| Fault::config(format!("cannot use {}", path.display())).caused_by(error);
    std::path::absolute(&path).map(To::Folder).map_err(unusable)
}

fn verify(scope: &Scope, dir: &Path, public_key: Option<&str>) -> Answer {
    let key = public_key.map(super::audit::key_of).transpose()?;
    let checked = exports::check(dir, key.as_deref())?;
    show(scope, &json!(checked), |checked: &Value| {
        let mut text = format!(
            "export of {}: {} files, {} raw records{}\n",
            plain(&checked["account"]),
            checked["files"],
            checked["records"],
            if checked["complete"] == true { "" } else { ", not finished" },
        );
        for problem in list(checked, "problems") {
            text += &format!("{}\n", plain(problem));
        }
        text
    });
    Ok(checked.whole && checked.complete)
}

pub(super) async fn import(scope: &Scope, asked: Import) -> Answer {
    let Access::Stores(host) = access::open(scope).await? else {
        return Err(Fault::config("a host runs on this data").hint("stop it: an export is taken into an empty account"));
    };
    let account = host.account.clone();
    let imported = blocking(move || {
        let bar = bar("importing", None);
        let note = audit::by_hand("export.import", &asked.dir.display().to_string());
        account.audit.note(&account.id, note)?;
        let mut progress = |records| bar.set_position(records);
        let imported = exports::import(&account, &asked.dir, asked.identity.as_deref(), &mut progress);
        bar.finish_and_clear();
        imported
    })
    .await?;
    let processed = catch_up(&host).await?;
    let answer = json!({ "records": imported.records, "state": imported.state, "changed": processed.changed });
    show(scope, &answer, |answer| format!("{} raw records, {} changes", answer["records"], answer["changed"]));
    Ok(true)
}

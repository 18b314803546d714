//! `weir backup` and `weir restore`.

use std::path::{Path, PathBuf};

use bytes::Bytes;
use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::access::{self, Access, blocking, catch_up};
use super::args::Scope;
use super::print::{list, plain, show};
use super::{Answer, read};
use crate::audit::Actor;
use crate::backup as backups;
use crate::error::Fault;

#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(super) struct Backup {
    #[command(subcommand)]
    verb: Option<Verb>,
    /// Folder to write to; what an earlier backup in it holds is not written again.
    #[arg(long)]
    to: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Check that a backup is as it was written. Needs no host.
    Verify {
        /// Its folder.
        dir: PathBuf,
        /// Public key of the installation, a file or base64 [default: the one the backup names].
        #[arg(long, value_name = "KEY")]
        public_key: Option<String>,
    },
    /// Copy the keys, without which a backup cannot be opened. Keep them elsewhere than the backups.
    Keys {
        /// Folder to copy them to.
        #[arg(long)]
        to: PathBuf,
    },
}

#[derive(Debug, Args)]
pub(super) struct Restore {
    /// Folder of the backup.
    dir: PathBuf,
    /// Folder of the keys that were copied with `weir backup keys`.
    #[arg(long)]
    keys: PathBuf,
}

pub(super) async fn backup(scope: &Scope, asked: Backup) -> Answer {
    match asked {
        Backup { verb: Some(Verb::Verify { dir, public_key }), .. } => verify(scope, &dir, public_key.as_deref()),
        Backup { verb: Some(Verb::Keys { to }), .. } => keys(scope, &to),
        Backup { to: Some(to), .. } => take(scope, &to).await,
        Backup { .. } => Err(Fault::config("no folder is named").hint("weir backup --to DIR")),
    }
}

async fn take(scope: &Scope, to: &Path) -> Answer {
    let to = std::path::absolute(to)
        .map_err(|error| Fault::config(format!("cannot use {}", to.display())).caused_by(error))?;
    let taken = match read::ready(scope).await? {
        Access::Running(remote) => remote.post("/v1/backups", Bytes::from(json!({ "to": to }).to_string())).await?,
        Access::Stores(host) => {
            let data_dir = host.config.host.data_dir.clone();
            let taken = blocking(move || backups::take(&host.account, &data_dir, &to, &Actor::operator())).await?;
            json!(taken)
        }
    };
    show(scope, &taken, |taken| {
        let mut text = format!(
            "{} generations, {} of them new; the keys are not in it (`weir backup keys`)\n",
            taken["generations"], taken["new_generations"]
        );
        for problem in list(taken, "damaged") {
            text += &format!("not copied: {}\n", plain(problem));
        }
        text
    });
    Ok(list(&taken, "damaged").is_empty())
}

fn verify(scope: &Scope, dir: &Path, public_key: Option<&str>) -> Answer {
    let key = public_key.map(super::audit::key_of).transpose()?;
    let checked = backups::check(dir, key.as_deref())?;
    show(scope, &json!(checked), |checked: &Value| {
        let mut text = format!(
            "backup of {} of {}: {} files, {} bytes\n",
            plain(&checked["account"]),
            plain(&checked["at"]),
            checked["files"],
            checked["bytes"]
        );
        for problem in list(checked, "problems") {
            text += &format!("{}\n", plain(problem));
        }
        text
    });
    Ok(checked.whole)
}

fn keys(scope: &Scope, to: &Path) -> Answer {
    let data_dir = access::config(scope)?.host.data_dir;
    let copied = backups::copy_keys(&data_dir, to)?;
    show(scope, &json!({ "to": to, "files": copied }), |_| {
        format!("written to {}; whoever has them and a backup can read everything", to.display())
    });
    Ok(true)
}

pub(super) async fn restore(scope: &Scope, asked: Restore) -> Answer {
    let mut config = access::config(scope)?;
    let data_dir = config.host.data_dir.clone();
    let restored = blocking(move || backups::restore(&asked.dir, &asked.keys, &data_dir)).await?;
    config.host.account = restored.account.clone();
    let host = access::stores(config).await?;
    let processed = catch_up(&host).await?;
    backups::resume(&host, &restored).await?;
    let records = host.account.log.last().0;
    let answer =
        json!({ "account": restored.account, "at": restored.at, "records": records, "changed": processed.changed });
    show(scope, &answer, |answer| {
        format!("{} as of {}: {} raw records", plain(&answer["account"]), plain(&answer["at"]), answer["records"])
    });
    Ok(true)
}

//! `weir decommission` and `weir receipt`. What is only read comes from the files of the data folder; acts go to the
//! running host when there is one.

use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use clap::{Args, Subcommand};
use serde_json::{Value, json};
use uuid::Uuid;
use weir_model::AccountId;
use weir_store::{DataDir, OsDisk};

use super::access::{self, Access, blocking};
use super::args::Scope;
use super::print::{list, plain, show};
use super::{Answer, remote::Remote};
use crate::audit::{Actor, Audit};
use crate::config::Config;
use crate::error::Fault;
use crate::host::presence_file;
use crate::http::told;
use crate::lifecycle::{self, Asked, Folder, Office, carry_on, check, make_owner_key, page, statement};

#[derive(Debug, Args)]
pub(super) struct Decommission {
    /// Account, when the data folder holds several [default: that of the configuration].
    #[arg(long, global = true)]
    account: Option<AccountId>,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Show what would go and what would stay. Changes nothing.
    Inventory,
    /// Show the sentence to type.
    Statement,
    /// Ask for it.
    Request {
        /// The sentence of `weir decommission statement`, typed.
        #[arg(long)]
        statement: String,
        /// Who is told and can be asked.
        #[arg(long)]
        contact: String,
        /// A project of the account; each once, or none.
        #[arg(long = "project")]
        projects: Vec<String>,
        /// Day or instant [default: in 30 days].
        #[arg(long)]
        at: Option<String>,
        /// Why.
        #[arg(long)]
        reason: Option<String>,
        /// A text that must not be found in any file afterwards.
        #[arg(long = "marker")]
        markers: Vec<String>,
    },
    /// Confirm it: as somebody else than who asked, or with the owner key.
    Confirm {
        /// Its id.
        id: Uuid,
        /// The owner key.
        #[arg(long, env = "WEIR_OWNER_KEY", hide_env_values = true)]
        owner_key: Option<String>,
    },
    /// Take it back, until erasing begins.
    Cancel {
        /// Its id.
        id: Uuid,
    },
    /// Hold it, until it is released.
    Hold {
        /// Its id.
        id: Uuid,
        /// Why.
        #[arg(long)]
        reason: String,
    },
    /// Lift a hold.
    Release {
        /// Its id.
        id: Uuid,
    },
    /// How far it is; all of them without an id.
    Status {
        /// Its id.
        id: Option<Uuid>,
    },
    /// Carry out what is due, while no host runs; a running host does so by itself.
    Run,
    /// The receipt.
    Receipt {
        /// Its id.
        id: Uuid,
        /// As a page to read and print.
        #[arg(long)]
        html: bool,
    },
    /// Make the owner key and show it once.
    OwnerKey,
}

#[derive(Debug, Args)]
pub(super) struct Receipt {
    #[command(subcommand)]
    verb: ReceiptVerb,
}

#[derive(Debug, Subcommand)]
enum ReceiptVerb {
    /// Check that a receipt is what was signed. Needs no host and no network.
    Verify {
        /// The receipt, as JSON.
        file: PathBuf,
        /// Public key of the installation, a file or base64 [default: the one the receipt names].
        #[arg(long, value_name = "KEY")]
        public_key: Option<String>,
    },
}

pub(super) fn receipt(scope: &Scope, asked: &Receipt) -> Answer {
    let ReceiptVerb::Verify { file, public_key } = &asked.verb;
    let unreadable = |error| Fault::config(format!("cannot read {}", file.display())).caused_by(error);
    let text = std::fs::read_to_string(file).map_err(unreadable)?;
    let key = public_key.as_deref().map(super::audit::key_of).transpose()?;
    let checked = check(&text, key.as_deref());
    show(scope, &json!(checked), |checked| match checked["problem"].as_str() {
        Some(problem) => format!("not valid: {problem}"),
        None => format!(
            "valid: {} of account {}, completed {}\nsigned with {}{}",
            plain(&checked["kind"]),
            plain(&checked["account"]),
            plain(&checked["completed_at"]),
            plain(&checked["public_key"]),
            if checked["key_was_given"] == true { "" } else { ", which the receipt itself names: compare it" },
        ),
    });
    Ok(checked.valid)
}

pub(super) async fn decommission(scope: &Scope, asked: Decommission) -> Answer {
    let mut config = access::config(scope)?;
    if let Some(account) = asked.account {
        config.host.account = account;
    }
    let folder = Folder::new(&config.host.data_dir);
    let account = config.host.account.clone();
    match asked.verb {
        Verb::Statement => {
            let sentence = statement(&account);
            show(scope, &json!({ "account": account, "statement": sentence }), |_| sentence.clone());
        }
        Verb::Inventory => {
            let counted = match reach(config).await? {
                Access::Running(remote) => remote.get("/v1/decommissions/inventory", &[]).await?,
                Access::Stores(host) => blocking(move || Ok(json!(host.inventory()?))).await?,
            };
            show(scope, &counted, inventory);
        }
        Verb::Request { statement, contact, projects, at, reason, markers } => {
            let typed = Asked { statement, projects, at, contact, reason, markers };
            let one = match reach(config).await? {
                Access::Running(remote) => remote.post("/v1/decommissions", body(&json!(typed))).await?,
                Access::Stores(host) => {
                    blocking(move || {
                        let office = Office::new(&host.config.host.data_dir, host.account.audit.clone());
                        let counted = host.inventory()?;
                        office.request(host.account.id.clone(), typed, counted, &Actor::operator()).map(shown)
                    })
                    .await?
                }
            };
            show(scope, &one, status);
        }
        Verb::Confirm { id, owner_key } => {
            let said = json!({ "owner_key": owner_key });
            let here = move |office: &Office| office.confirm(id, owner_key.as_deref(), &Actor::operator());
            show(scope, &act(&config, id, "confirm", &said, here).await?, status);
        }
        Verb::Cancel { id } => {
            let here = move |office: &Office| office.cancel(id, &Actor::operator());
            show(scope, &act(&config, id, "cancel", &json!({}), here).await?, status);
        }
        Verb::Hold { id, reason } => {
            let said = json!({ "reason": reason });
            let here = move |office: &Office| office.hold(id, &reason, &Actor::operator());
            show(scope, &act(&config, id, "hold", &said, here).await?, status);
        }
        Verb::Release { id } => {
            let here = move |office: &Office| office.release(id, &Actor::operator());
            show(scope, &act(&config, id, "release", &json!({}), here).await?, status);
        }
        Verb::Status { id: Some(id) } => show(scope, &shown(folder.get(id)?), status),
        Verb::Status { id: None } => {
            let all: Vec<Value> = folder.list()?.into_iter().map(shown).collect();
            show(scope, &json!({ "decommissions": all }), |all| {
                list(all, "decommissions").iter().map(status).collect()
            });
        }
        Verb::Run => {
            let data_dir = config.host.data_dir.clone();
            let done = blocking(move || carry_on(&lock(&data_dir)?, &config)).await?;
            let complete = done.iter().all(|one| one.error.is_none());
            let done: Vec<Value> = done.into_iter().map(shown).collect();
            show(scope, &json!({ "decommissions": done }), |all| {
                list(all, "decommissions").iter().map(status).collect()
            });
            return Ok(complete);
        }
        Verb::Receipt { id, html } => {
            let text = folder
                .receipt(id)?
                .ok_or_else(|| Fault::config("there is no receipt yet").hint("it is written when all is verified"))?;
            print!("{}", if html { page(&text) } else { text });
        }
        Verb::OwnerKey => {
            let key = make_owner_key(&OsDisk, &config.host.data_dir)?;
            show(scope, &json!({ "owner_key": key }), |_| {
                format!("{key}\nIt is shown this once; only its hash is kept. Keep it where the data is not.")
            });
        }
    }
    Ok(true)
}

/// As the API shows it.
fn shown(one: lifecycle::Decommission) -> Value {
    json!(told(one))
}

fn body(value: &Value) -> Bytes {
    Bytes::from(value.to_string())
}

fn lock(data_dir: &std::path::Path) -> Result<DataDir, Fault> {
    DataDir::lock(data_dir).map_err(|error| {
        Fault::config(format!("cannot use the data folder {}", data_dir.display()))
            .hint("a running host carries out by itself what is due")
            .caused_by(error)
    })
}

/// The running host, or the stores opened for `config`.
async fn reach(config: Config) -> Result<Access, Fault> {
    match Remote::of(&presence_file(&config.host.data_dir)).await {
        Some(remote) => Ok(Access::Running(Box::new(remote))),
        None => Ok(Access::Stores(access::stores(config).await?)),
    }
}

/// Does something about one, through the running host or on the files.
async fn act(
    config: &Config,
    id: Uuid,
    verb: &str,
    said: &Value,
    here: impl FnOnce(&Office) -> Result<lifecycle::Decommission, Fault> + Send + 'static,
) -> Result<Value, Fault> {
    let data_dir = config.host.data_dir.clone();
    if let Some(remote) = Remote::of(&presence_file(&data_dir)).await {
        return remote.post(&format!("/v1/decommissions/{id}/{verb}"), body(said)).await;
    }
    blocking(move || {
        let locked = lock(&data_dir)?;
        let audit = Audit::open(Arc::new(OsDisk), locked.path())?;
        here(&Office::new(locked.path(), audit)).map(shown)
    })
    .await
}

fn status(one: &Value) -> String {
    let [id, state, account, due] = ["id", "state", "account", "due"].map(|name| plain(&one[name]));
    let mut text = format!("{id}  {state:<10} {account}  due {due}  asked by {}", plain(&one["requested"]["by"]));
    if let Some(by) = one["confirmed"]["by"].as_str() {
        text += &format!(", confirmed by {by}");
    }
    for (name, what) in [("waiting_for", "waits for"), ("error", "error:"), ("receipt", "receipt")] {
        if let Some(value) = one[name].as_str() {
            text += &format!("\n    {what} {value}");
        }
    }
    for found in list(&one["scan"], "found") {
        text += &format!("\n    found {} in {}", plain(&found["what"]), plain(&found["file"]));
    }
    text + "\n"
}

fn inventory(counted: &Value) -> String {
    let number = |value: &Value| value.as_u64().map_or_else(|| "-".to_owned(), |number| number.to_string());
    let mut text = format!("what would go of `{}`\n", plain(&counted["account"]));
    for class in list(counted, "classes") {
        let (items, bytes) = (number(&class["items"]), number(&class["bytes"]));
        text += &format!("  {:<34} {items:>12} {bytes:>14} bytes\n", plain(&class["class"]));
        for part in list(class, "detail") {
            let (items, bytes) = (number(&part["items"]), number(&part["bytes"]));
            text += &format!("    {:<32} {items:>12} {bytes:>14}\n", plain(&part["name"]));
        }
    }
    text += "what would stay\n";
    let stays = list(counted, "stays").iter();
    text + &stays.map(|stay| format!("  {}: {}\n", plain(&stay["what"]), plain(&stay["why"]))).collect::<String>()
}

//! `weir plugin`.

use std::path::Path;

use serde_json::{Value, json};
use weir_sandbox::Sandbox;
use weir_store::OsDisk;

use super::args::{Plugin, PluginVerb, Scope};
use super::{Answer, access, print};
use crate::error::Fault;
use crate::plugins::{self, PluginFiles};
use crate::query;
use crate::signing::Signer;

pub(super) async fn plugin(scope: &Scope, asked: &Plugin) -> Answer {
    match &asked.verb {
        PluginVerb::List => list(scope),
        PluginVerb::Inspect { file } => inspect(scope, file).await,
        PluginVerb::Keygen { file } => keygen(scope, file),
        PluginVerb::Sign { file, key } => sign(scope, file, key),
    }
}

fn list(scope: &Scope) -> Answer {
    let config = access::config(scope)?;
    let there = super::read::value(query::plugins(&PluginFiles::of(&config)))?;
    print::show(scope, &json!({ "plugins": there }), listed);
    Ok(true)
}

fn listed(answer: &Value) -> String {
    let lines = print::list(answer, "plugins").iter().map(|plugin| {
        let signers: Vec<_> = print::list(plugin, "signers").iter().map(print::plain).collect();
        let from = match plugin["comes_with_weir"].as_bool() {
            Some(true) => "comes with Weir".to_owned(),
            _ if signers.is_empty() => "unsigned".to_owned(),
            _ => format!("signed by {}", signers.join(", ")),
        };
        let (id, version, path) = (&plugin["id"], &plugin["version"], &plugin["path"]);
        let [id, version, path] = [id, version, path].map(print::plain);
        let error = plugin["error"].as_str().map(|error| format!("\n  {error}")).unwrap_or_default();
        format!("{id} {version}  {from}  {path}{error}\n")
    });
    lines.collect()
}

async fn inspect(scope: &Scope, file: &Path) -> Answer {
    let unreadable = |error| Fault::config(format!("cannot read {}", file.display())).caused_by(error);
    let bytes = tokio::fs::read(file).await.map_err(unreadable)?;
    let inspection = Sandbox::inspect(&bytes)
        .map_err(|error| Fault::config(format!("{} is no plugin of this Weir", file.display())).caused_by(error))?;
    let answer = json!({
        "manifest": super::read::value(&inspection.manifest)?,
        "digest": inspection.digest,
        "bytes": inspection.bytes,
        "imports": inspection.imports,
        "exports": inspection.exports,
    });
    print::show(scope, &answer, print::pretty);
    Ok(true)
}

fn keygen(scope: &Scope, file: &Path) -> Answer {
    if file.exists() {
        let hint = "plugins are signed with it; name a new file";
        return Err(Fault::config(format!("{} is there already", file.display())).hint(hint));
    }
    let public_key = Signer::create(&OsDisk, file)?.public_key();
    let answer = json!({ "key": file, "public_key": public_key });
    print::show(scope, &answer, |answer| {
        let public_key = print::plain(&answer["public_key"]);
        format!(
            "{public_key}\nWho wants your plugins writes in weir.toml, with your name:\n\n  \
             [trust]\n  publishers = {{ NAME = \"{public_key}\" }}\n\n\
             Keep {} to yourself: who has it signs as you.\n",
            file.display()
        )
    });
    Ok(true)
}

fn sign(scope: &Scope, file: &Path, key: &Path) -> Answer {
    let signer = Signer::open(&OsDisk, key)?.ok_or_else(|| {
        Fault::config(format!("there is no key {}", key.display())).hint("`weir plugin keygen FILE` makes one")
    })?;
    let digest = plugins::sign(&signer, file)?;
    let signature = plugins::signatures_path(file);
    let answer = json!({ "digest": digest, "signature": signature, "public_key": signer.public_key() });
    print::show(scope, &answer, |_| format!("{} signs {digest}\n", signature.display()));
    Ok(true)
}

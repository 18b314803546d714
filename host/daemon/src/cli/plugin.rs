//! `weir plugin`.

use serde_json::json;
use weir_sandbox::Sandbox;

use super::args::{Plugin, PluginVerb, Scope};
use super::{Answer, access, print};
use crate::error::Fault;
use crate::plugins::Plugins;

pub(super) async fn plugin(scope: &Scope, asked: &Plugin) -> Answer {
    match &asked.verb {
        PluginVerb::List => list(scope),
        PluginVerb::Inspect { file } => inspect(scope, file).await,
    }
}

fn list(scope: &Scope) -> Answer {
    let config = access::config(scope)?;
    let available = Plugins::available_in(config.host.plugins.as_deref());
    let listed: Vec<_> = available.iter().map(|(id, path)| json!({ "id": id, "path": path })).collect();
    print::show(scope, &json!({ "plugins": listed }), print::pretty);
    Ok(true)
}

async fn inspect(scope: &Scope, file: &std::path::Path) -> Answer {
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

//! `weir ingest FILE --as data --kind K --schema S`.

use std::sync::Arc;

use bytes::Bytes;
use serde_json::{Value, json};
use weir_model::IntegrationName;
use weir_store::Commit;

use super::super::access::{self, Access, catch_up};
use super::super::args::{Ingest, Scope};
use super::super::read::value;
use super::super::remote::Remote;
use super::super::{Answer, print};
use crate::error::Fault;
use crate::host::Host;
use crate::ingest::{data, read_file};
use crate::{clock, intake};

pub(super) async fn ingest(scope: &Scope, asked: &Ingest) -> Answer {
    let kind = asked.data_kind.as_deref().ok_or_else(|| {
        Fault::config("`--as data` needs the kind of the data").hint("add `--kind NAME`, and `--schema FILE` once")
    })?;
    let integration = IntegrationName::new(asked.integration.as_deref().unwrap_or("ingest"));
    let integration = integration.map_err(|error| Fault::config(error.to_string()))?;
    let schema = asked.schema.as_deref().map(read_file).transpose()?;
    let taken = match access::open(scope).await? {
        Access::Stores(host) => here(&host, &integration, kind, schema, asked).await?,
        Access::Running(remote) => there(&remote, &integration, kind, schema, asked).await?,
    };
    let answer = summed(&taken);
    print::show(scope, &answer, summary);
    Ok(true)
}

async fn here(
    host: &Arc<Host>,
    integration: &IntegrationName,
    kind: &str,
    schema: Option<Vec<u8>>,
    asked: &Ingest,
) -> Result<Vec<Value>, Fault> {
    if let Some(schema) = schema {
        let schema: Value =
            serde_json::from_slice(&schema).map_err(|error| Fault::config("the schema is no JSON").caused_by(error))?;
        let (_, puts) = data::declare(&host.account.log, kind, &schema)?;
        if !puts.is_empty() {
            intake::append(&host.account, Commit { records: Vec::new(), received_at: clock::now(), puts }).await?;
        }
    }
    let known = data::declared(&host.account.log, kind)?.ok_or_else(|| {
        Fault::config(format!("no data of the kind `{kind}` is declared")).hint("add `--schema FILE`")
    })?;
    let mut taken = Vec::new();
    for file in &asked.files {
        taken.push(value(data::take(&host.account, integration, &known, &read_file(file)?, None).await?)?);
    }
    catch_up(host).await?;
    Ok(taken)
}

async fn there(
    remote: &Remote,
    integration: &IntegrationName,
    kind: &str,
    schema: Option<Vec<u8>>,
    asked: &Ingest,
) -> Result<Vec<Value>, Fault> {
    if let Some(schema) = schema {
        remote.put(&format!("/v1/data/{kind}/schema"), Bytes::from(schema)).await?;
    }
    let mut taken = Vec::new();
    for file in &asked.files {
        let body = Bytes::from(read_file(file)?);
        taken.push(remote.post(&format!("/v1/data/{kind}?integration={integration}"), body).await?);
    }
    Ok(taken)
}

/// What became of all files together.
fn summed(taken: &[Value]) -> Value {
    let sum = |name: &str| taken.iter().filter_map(|one| one[name].as_u64()).sum::<u64>();
    let problems: Vec<&Value> = taken.iter().flat_map(|one| one["problems"].as_array().into_iter().flatten()).collect();
    json!({ "records": sum("accepted"), "valid": sum("valid"), "problems": problems })
}

fn summary(answer: &Value) -> String {
    let mut text = format!("{} rows kept, {} fit the schema", answer["records"], answer["valid"]);
    for problem in answer["problems"].as_array().into_iter().flatten() {
        let of = |name: &str| problem[name].as_str().unwrap_or_default().to_owned();
        text += &format!("\nrow {} {}: {} ({})", problem["row"], of("path"), of("message"), of("word"));
    }
    text
}

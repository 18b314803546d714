//! CI systems that make themselves known: each gets an id, which its runs name from then on.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value, json};
use uuid::Uuid;
use weir_model::RawRecord;
use weir_store::Put;

use super::sender::{Claim, dataset};
use crate::host::Host;
use crate::http::problem::Problem;
use crate::state_keys;

/// Dataset of the raw records.
const INSTANCES: &str = "cicd-instances";
/// Name space of the ids, so that they are like no other's.
const NAME_SPACE: Uuid = Uuid::from_u128(0x9f4d_62f1_03a8_4c0e_8d7b_51c2_aa6e_7715);

/// Gives a CI system its id. The same integration, name and type always get the same.
pub(super) async fn make(host: &Host, claim: Claim, body: &[u8]) -> Result<Response, Problem> {
    let object = match serde_json::from_slice::<Map<String, Value>>(body) {
        Ok(object) => object,
        Err(error) => {
            claim.sender(host)?.keep_refused(host, body).await?;
            return Err(Problem::new(StatusCode::BAD_REQUEST, format!("the body is no JSON object: {error}"))
                .hint("send {\"integration_id\", \"name\", \"type\"}"));
        }
    };
    let Some(name) = text(&object, "name") else {
        return Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "fields are missing: name")
            .hint("send {\"integration_id\", \"name\", \"type\"}"));
    };
    let integration_id = text(&object, "integration_id");
    let kind = text(&object, "type").unwrap_or_else(|| "jenkins".to_owned()).to_lowercase();
    let id = instance_id(integration_id.as_deref().unwrap_or_default(), &name, &kind).to_string();
    let sender = claim.named([integration_id, Some(name.clone())]).sender(host)?;
    let puts = vec![Put { key: state_keys::instance(&id), value: Some(sender.integration.to_string().into_bytes()) }];
    let record = RawRecord::upsert(id.clone(), None, body);
    sender.keep(host, vec![(dataset(INSTANCES), record)], puts).await?;
    let answer = json!({ "id": id, "name": name, "type": kind, "integration_id": object.get("integration_id") });
    Ok(Json(answer).into_response())
}

fn text(object: &Map<String, Value>, name: &str) -> Option<String> {
    let text = match object.get(name)? {
        Value::String(text) => text.trim().to_owned(),
        Value::Number(number) => number.to_string(),
        _ => return None,
    };
    Some(text).filter(|text| !text.is_empty())
}

/// A UUID made from names, as RFC 9562 has it.
fn instance_id(integration: &str, name: &str, kind: &str) -> Uuid {
    let names = json!([integration, name, kind]).to_string();
    let mut bytes = NAME_SPACE.as_bytes().to_vec();
    bytes.extend_from_slice(names.as_bytes());
    let hash = ring::digest::digest(&ring::digest::SHA1_FOR_LEGACY_USE_ONLY, &bytes);
    let mut first = [0; 16];
    first.iter_mut().zip(hash.as_ref()).for_each(|(to, from)| *to = *from);
    uuid::Builder::from_sha1_bytes(first).into_uuid()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_give_ids_that_stay() {
        let id = instance_id("1", "US1", "jenkins");
        assert_eq!(id.to_string(), "e75654c6-fc35-560d-8e42-06e8fbb21934");
        assert_eq!(id, instance_id("1", "US1", "jenkins"));
        assert_eq!(id.get_version_num(), 5);
        assert_ne!(id, instance_id("1U", "S1", "jenkins"));
        assert_ne!(id, instance_id("1", "US1", "other"));
    }
}

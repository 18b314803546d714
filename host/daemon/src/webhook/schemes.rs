//! One function per sender, from strict reading of its headers to the id it gives a delivery.

use super::signature::{equals, hex, matches, require, sha256_hex};
use super::standard::SECRET_PREFIX;
use super::{RefusalReason, Verified, WebhookRequest, body, signature, standard};

/// Most tags of one header that are looked at.
const TAGS_MAX: usize = 16;

type Outcome = Result<Verified, RefusalReason>;

/// The SHA-1 header beside the right one is ignored; alone it is not enough.
pub(super) fn github(secrets: &[&str], request: &WebhookRequest<'_>) -> Outcome {
    let Some(given) = request.optional("x-hub-signature-256")? else {
        let has_weak = request.optional("x-hub-signature")?.is_some();
        return Err(if has_weak { RefusalReason::Weak } else { RefusalReason::Missing });
    };
    require(matches(secrets, &[request.body], &sha256_hex(given)?))?;
    taken(request.id(&["x-github-delivery"]))
}

/// Once a signing secret is configured, or a signature is there, it must hold: no falling back to the token.
pub(super) fn gitlab(secrets: &[&str], request: &WebhookRequest<'_>) -> Outcome {
    let signing: Vec<&str> = secrets.iter().copied().filter(|secret| secret.starts_with(SECRET_PREFIX)).collect();
    let is_signed = request.optional("webhook-signature")?.is_some();
    match (is_signed, signing.is_empty()) {
        (true, true) => Err(RefusalReason::NotConfigured),
        (true | false, false) => standard::verify(&signing, request),
        (false, true) => {
            require(equals(secrets, request.required("x-gitlab-token")?.as_bytes()))?;
            taken(request.id(&["idempotency-key", "x-gitlab-event-uuid"]))
        }
    }
}

pub(super) fn jira(secrets: &[&str], request: &WebhookRequest<'_>) -> Outcome {
    require(matches(secrets, &[request.body], &sha256_hex(request.required("x-hub-signature")?)?))?;
    taken(request.id(&["x-atlassian-webhook-identifier"]))
}

pub(super) fn bitbucket(secrets: &[&str], request: &WebhookRequest<'_>) -> Outcome {
    require(matches(secrets, &[request.body], &sha256_hex(request.required("x-hub-signature")?)?))?;
    taken(request.id(&["x-request-uuid", "x-request-id"]))
}

pub(super) fn slack(secrets: &[&str], request: &WebhookRequest<'_>) -> Outcome {
    let timestamp = request.required("x-slack-request-timestamp")?;
    let given = request.required("x-slack-signature")?.strip_prefix("v0=").ok_or(RefusalReason::Malformed)?;
    let signed: [&[u8]; 4] = [b"v0:", timestamp.as_bytes(), b":", request.body];
    require(matches(secrets, &signed, &hex(given)?))?;
    request.check_fresh(timestamp)?;
    let (challenge, delivery_id) = body::slack(request.body);
    Ok(Verified { delivery_id, challenge })
}

/// Gitea and Forgejo also send the headers of those they came from; the first found decides.
pub(super) fn gogs(secrets: &[&str], request: &WebhookRequest<'_>) -> Outcome {
    const SENDERS: [&str; 3] = ["forgejo", "gitea", "gogs"];
    for sender in SENDERS {
        if let Some(given) = request.optional(&format!("x-{sender}-signature"))? {
            require(matches(secrets, &[request.body], &hex(given)?))?;
            return taken(request.id(&[&format!("x-{sender}-delivery")]));
        }
    }
    Err(RefusalReason::Missing)
}

/// A bare tag, or a list like `sha256=..` and `v1=..,v2=..` of which any may be ours.
pub(super) fn hmac_sha256(header: &str, secrets: &[&str], request: &WebhookRequest<'_>) -> Outcome {
    let given = request.required(header)?;
    let mut tags = Vec::new();
    for part in given.split(',').map(str::trim).take(TAGS_MAX) {
        match part.split_once('=') {
            Some(("sha256" | "v1", tag)) => tags.push(hex(tag).or_else(|_| signature::base64(tag))?),
            Some(("sha1" | "md5" | "v0" | "v2", _)) => {}
            _ => tags.push(hex(part).or_else(|_| signature::base64(part))?),
        }
    }
    any(secrets, request, &tags)?;
    taken(any_id(request))
}

/// Whether any of the tags is ours; none of a kind that proves something is weak.
fn any(secrets: &[&str], request: &WebhookRequest<'_>, tags: &[Vec<u8>]) -> Result<(), RefusalReason> {
    if tags.is_empty() {
        return Err(RefusalReason::Weak);
    }
    require(tags.iter().fold(false, |found, tag| matches(secrets, &[request.body], tag) | found))
}

pub(super) fn azure_devops(secrets: &[&str], request: &WebhookRequest<'_>) -> Outcome {
    let given = request.required("authorization")?;
    let encoded = given.split_once(' ').filter(|(kind, _)| kind.eq_ignore_ascii_case("basic"));
    let (_, encoded) = encoded.ok_or(RefusalReason::Malformed)?;
    let pair = signature::base64(encoded.trim())?;
    let colon = pair.iter().position(|byte| *byte == b':').ok_or(RefusalReason::Malformed)?;
    require(equals(secrets, &pair) | equals(secrets, &pair[colon + 1..]))?;
    taken(body::azure_devops(request.body))
}

pub(super) fn pagerduty(secrets: &[&str], request: &WebhookRequest<'_>) -> Outcome {
    let given = request.required("x-pagerduty-signature")?;
    let mut tags = Vec::new();
    for part in given.split(',').take(TAGS_MAX) {
        match part.trim().split_once('=') {
            Some(("v1", tag)) => tags.push(hex(tag)?),
            Some(_) => {}
            None => return Err(RefusalReason::Malformed),
        }
    }
    any(secrets, request, &tags)?;
    taken(body::pagerduty(request.body))
}

pub(super) fn unverified(request: &WebhookRequest<'_>) -> Outcome {
    taken(any_id(request))
}

fn any_id(request: &WebhookRequest<'_>) -> Option<String> {
    request.id(&["webhook-id", "idempotency-key", "x-delivery-id", "x-request-id"])
}

#[expect(clippy::unnecessary_wraps, reason = "the last step of a chain of checks reads best as one of them")]
fn taken(delivery_id: Option<String>) -> Outcome {
    Ok(Verified { delivery_id, challenge: None })
}

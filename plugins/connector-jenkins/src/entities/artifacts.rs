//! Files Jenkins keeps fingerprints of: which build made one, and which used it.

use serde::Deserialize;
use weir_sdk::model::entity::{ArtifactKind, ArtifactRole, ArtifactUse};
use weir_sdk::prelude::*;

/// The fingerprint of a file.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct FingerprintJson<'a> {
    #[serde(borrow)]
    file_name: Text<'a>,
    #[serde(borrow)]
    hash: Text<'a>,
    #[serde(borrow)]
    original: Nested<OriginalJson<'a>>,
}

/// The build that made it.
#[derive(Default, Deserialize)]
#[serde(default)]
struct OriginalJson<'a> {
    #[serde(borrow)]
    name: Text<'a>,
    number: Field<u64>,
}

/// An artifact with what the build did with it.
pub(super) struct Used {
    pub(super) artifact: Artifact,
    digest: String,
    role: ArtifactRole,
}

impl Used {
    /// The digest is the only name that never means something else tomorrow.
    pub(super) fn key(&self) -> &str {
        &self.digest
    }

    /// The use, for the build.
    pub(super) fn usage(&self) -> ArtifactUse {
        ArtifactUse { artifact: Reference::Key(self.digest.clone()), role: self.role.clone() }
    }
}

/// The artifacts of a build: job, number and key of it.
pub(super) fn read(
    raw: &Raw<'_>,
    fingerprints: List<Object<FingerprintJson<'_>>>,
    this: (&str, u64),
    key: &str,
) -> Vec<Used> {
    raw.list("/fingerprint", fingerprints).into_iter().filter_map(|one| used(raw, one.0, this, key)).collect()
}

fn used(raw: &Raw<'_>, json: FingerprintJson<'_>, this: (&str, u64), key: &str) -> Option<Used> {
    // Jenkins' fingerprints are MD5.
    let digest = format!("md5:{}", raw.filled("/fingerprint/hash", json.hash)?.to_lowercase());
    let name = raw.text("/fingerprint/fileName", json.file_name);
    let original = raw.take("/fingerprint/original", json.original).unwrap_or_default().0;
    let job = raw.take("/fingerprint/original/name", original.name);
    let number = raw.take("/fingerprint/original/number", original.number);
    let is_ours = job.as_deref().zip(number) == Some(this);
    let artifact = Artifact::default()
        .kind(ArtifactKind::File)
        .name(name.and_then(|name| name.rsplit('/').next().map(str::to_owned)))
        .digest(digest.clone())
        .build(is_ours.then(|| Reference::Key(key.to_owned())));
    let role = if is_ours { ArtifactRole::Produced } else { ArtifactRole::Consumed };
    Some(Used { artifact, digest, role })
}

//! Whose plugins may be used. Publishers sign the digest of a component, which holds its manifest; the operator says
//! which publishers count and how many of them must have signed. What came with Weir is trusted as Weir is.
//!
//! Signatures lie beside a plugin, in `connector_acme.wasm.sig`: a line for each, public key and Ed25519 signature in
//! base64.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};

use weir_sandbox::Inspection;

use super::files::{PluginFile, inspect, read};
use crate::config::TrustConfig;
use crate::error::Fault;
use crate::signing::{Purpose, Signer, verifies};

/// Which plugins may be used.
pub(super) struct Trust {
    /// Names by public key.
    publishers: BTreeMap<String, String>,
    signatures: usize,
    revoked: BTreeSet<String>,
}

impl Trust {
    pub(super) fn of(config: &TrustConfig) -> Self {
        let publishers = config.publishers.iter().map(|(name, key)| (key.clone(), name.clone())).collect();
        let revoked = config.revoked.iter().map(|digest| digest.to_lowercase()).collect();
        Self { publishers, signatures: config.signatures(), revoked }
    }

    /// Fails unless the component that was inspected, read from `file`, may be used as the plugin `id`.
    pub(super) fn check(&self, id: &str, file: &PluginFile, inspection: &Inspection) -> Result<(), Fault> {
        let Inspection { manifest, digest, .. } = inspection;
        let refused =
            |why: String, hint: &str| Err(Fault::config(format!("plugin {} {why}", file.path.display())).hint(hint));
        if self.revoked.contains(digest) {
            return refused("is revoked".to_owned(), "install another version; `revoked` in `[trust]` names this one");
        }
        if file.is_own || self.signatures == 0 {
            return Ok(());
        }
        let n_signers = self.signers(&file.path, digest)?.len();
        if n_signers < self.signatures {
            let why = format!("is signed by {n_signers} of the publishers in `[trust]`, {} must have", self.signatures);
            let hint = "ask its publisher for the file `.wasm.sig` of this very build, and put it beside the plugin";
            return refused(why, hint);
        }
        // Under the name of another it would get what that one was granted.
        if manifest.id != id {
            return refused(
                format!("calls itself `{}`", manifest.id),
                "a signed plugin goes by its own name: name its file so",
            );
        }
        Ok(())
    }

    /// Publishers known to the operator that signed the component of `digest`, whose file is at `path`.
    pub(super) fn signers(&self, path: &Path, digest: &str) -> Result<Vec<String>, Fault> {
        let signatures = signatures(path)?;
        let signed = signatures.iter().filter(|signature| signature.is_of(digest));
        let names: BTreeSet<&String> = signed.filter_map(|signature| self.publishers.get(&signature.key)).collect();
        Ok(names.into_iter().cloned().collect())
    }
}

/// Where the signatures of a plugin lie.
pub fn signatures_path(plugin: &Path) -> PathBuf {
    plugin.with_added_extension("sig")
}

/// Signs the plugin at `path` beside those who have signed this very file before, and gives its digest.
pub fn sign(signer: &Signer, path: &Path) -> Result<String, Fault> {
    let digest = inspect(path, &read(path)?)?.digest;
    let mut kept = signatures(path)?;
    kept.retain(|signature| signature.key != signer.public_key() && signature.is_of(&digest));
    kept.push(Signature { key: signer.public_key(), signature: signer.sign(Purpose::Plugin, digest.as_bytes()) });
    let lines: String = kept.iter().map(|one| format!("{} {}\n", one.key, one.signature)).collect();
    let file = signatures_path(path);
    let unwritable = |error| Fault::host(format!("cannot write {}", file.display())).caused_by(error);
    std::fs::write(&file, lines).map_err(unwritable)?;
    Ok(digest)
}

/// A line of the file of signatures.
struct Signature {
    key: String,
    signature: String,
}

impl Signature {
    fn is_of(&self, digest: &str) -> bool {
        verifies(&self.key, Purpose::Plugin, digest.as_bytes(), &self.signature)
    }
}

fn signatures(plugin: &Path) -> Result<Vec<Signature>, Fault> {
    let file = signatures_path(plugin);
    let text = match std::fs::read_to_string(&file) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
        Err(error) => return Err(Fault::config(format!("cannot read {}", file.display())).caused_by(error)),
    };
    let parts = text.lines().filter_map(|line| line.split_once(' '));
    Ok(parts.map(|(key, signature)| Signature { key: key.to_owned(), signature: signature.to_owned() }).collect())
}

//! Compiled plugins on disk, each with a MAC. A file whose MAC does not hold is never given to the engine: a crafted
//! one would run as native code in the daemon.

use std::fs;
use std::hash::{Hash, Hasher};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use ring::{digest, hmac};
use wasmtime::Engine;
use wasmtime::component::Component;

use crate::inspect::hex;

/// Folder of compiled plugins for one engine configuration.
pub(crate) struct Cache {
    dir: PathBuf,
    compatibility: String,
    key: hmac::Key,
}

impl Cache {
    /// Opens the folder, readable for the owner alone.
    pub(crate) fn open(root: &Path, key: &[u8; 32], engine: &Engine) -> io::Result<Self> {
        let compatibility = compatibility(engine);
        let dir = root.join(&compatibility);
        create_private(&dir)?;
        Ok(Self { dir, compatibility, key: hmac::Key::new(hmac::HMAC_SHA256, key) })
    }

    /// The compiled form of the component with this digest, if a good one is there.
    pub(crate) fn load(&self, engine: &Engine, digest: &str) -> Option<Component> {
        let compiled = fs::read(self.code_path(digest)).ok()?;
        let tag = fs::read(self.mac_path(digest)).ok()?;
        let verified = Verified::new(&self.key, &self.compatibility, digest, compiled, &tag);
        if verified.is_none() {
            tracing::warn!(digest, "compiled plugin does not match its mac, compiling again");
        }
        verified.and_then(|verified| deserialize(engine, &verified, digest))
    }

    /// Keeps a compiled component. Code first: a lone file without its MAC is compiled again, not trusted.
    pub(crate) fn store(&self, digest: &str, compiled: &[u8]) -> io::Result<()> {
        let tag = mac(&self.key, &self.compatibility, digest, compiled);
        replace(&self.code_path(digest), compiled)?;
        replace(&self.mac_path(digest), tag.as_ref())
    }

    fn code_path(&self, digest: &str) -> PathBuf {
        self.dir.join(format!("{digest}.cwasm"))
    }

    fn mac_path(&self, digest: &str) -> PathBuf {
        self.dir.join(format!("{digest}.mac"))
    }
}

/// Compiled code whose MAC held. Cannot be made otherwise.
struct Verified(Vec<u8>);

impl Verified {
    fn new(key: &hmac::Key, compatibility: &str, digest: &str, compiled: Vec<u8>, tag: &[u8]) -> Option<Self> {
        let message = message(compatibility, digest, &compiled);
        hmac::verify(key, &message, tag).is_ok().then_some(Self(compiled))
    }
}

fn mac(key: &hmac::Key, compatibility: &str, digest: &str, compiled: &[u8]) -> hmac::Tag {
    hmac::sign(key, &message(compatibility, digest, compiled))
}

/// Both names have a fixed length, so that no two different inputs give the same message.
fn message(compatibility: &str, digest: &str, compiled: &[u8]) -> Vec<u8> {
    [compatibility.as_bytes(), b"/", digest.as_bytes(), b"\n", compiled].concat()
}

#[expect(unsafe_code, reason = "the engine cannot check compiled code; the MAC does")]
fn deserialize(engine: &Engine, verified: &Verified, digest: &str) -> Option<Component> {
    // SAFETY: the bytes are what `Component::serialize` gave this host, unchanged: their MAC, under a key that only
    // this installation has, was checked over these very bytes in memory by `Verified::new`.
    let component = unsafe { Component::deserialize(engine, &verified.0) };
    component
        .inspect_err(|error| {
            tracing::info!(digest, error = %format_args!("{error:#}"), "compiled plugin is of another engine, compiling again");
        })
        .ok()
}

/// SHA-256 over what decides whether compiled code fits. Our own hasher, for the standard one may change with a
/// release of Rust.
fn compatibility(engine: &Engine) -> String {
    let mut hasher = Sha256(digest::Context::new(&digest::SHA256));
    engine.precompile_compatibility_hash().hash(&mut hasher);
    hex(hasher.0.finish().as_ref())
}

struct Sha256(digest::Context);

impl Hasher for Sha256 {
    fn write(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    fn finish(&self) -> u64 {
        0
    }
}

fn create_private(dir: &Path) -> io::Result<()> {
    fs::create_dir_all(dir)?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        fs::set_permissions(dir, fs::Permissions::from_mode(0o700))?;
    }
    Ok(())
}

/// Writes beside the file and renames, so that a reader sees the old one or the new one.
fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    static WRITES: AtomicU64 = AtomicU64::new(0);
    let n = WRITES.fetch_add(1, Ordering::Relaxed);
    let temporary = path.with_extension(format!("{}-{n}.tmp", std::process::id()));
    let mut file = fs::File::create(&temporary)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&temporary, path)
}

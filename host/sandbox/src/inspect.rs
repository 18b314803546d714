//! Looks at a plugin without running any of its code: manifest, imports, exports, digest, and everything that does
//! not fit, at once.

use ring::digest;
use wasmparser::{Parser, Payload};
use wasmtime::Engine;

use crate::error::LoadError;
use crate::manifest::{Manifest, PluginKind};

/// Largest component that is taken, in bytes.
pub(crate) const COMPONENT_BYTES_MAX: usize = 64 << 20;
/// Custom section that holds the manifest.
const SECTION: &str = "weir:manifest";
/// Version of every package of the contract, up to its breaking number.
const CONTRACT_VERSION: &str = "0.1.";
/// Version of WASI, likewise.
const WASI_VERSION: &str = "0.2.";

/// WASI a plugin may import: clocks, random numbers, output. No files, no sockets.
const WASI: [&str; 18] = [
    "wasi:cli/environment",
    "wasi:cli/exit",
    "wasi:cli/stderr",
    "wasi:cli/stdin",
    "wasi:cli/stdout",
    "wasi:cli/terminal-input",
    "wasi:cli/terminal-output",
    "wasi:cli/terminal-stderr",
    "wasi:cli/terminal-stdin",
    "wasi:cli/terminal-stdout",
    "wasi:clocks/monotonic-clock",
    "wasi:clocks/wall-clock",
    "wasi:io/error",
    "wasi:io/poll",
    "wasi:io/streams",
    "wasi:random/insecure",
    "wasi:random/insecure-seed",
    "wasi:random/random",
];

/// What can be told of a plugin without running it.
#[derive(Debug, Clone, PartialEq)]
pub struct Inspection {
    /// What it says about itself.
    pub manifest: Manifest,
    /// SHA-256 of the component, in hex.
    pub digest: String,
    /// Size of the component.
    pub bytes: usize,
    /// What it imports.
    pub imports: Vec<String>,
    /// What it exports.
    pub exports: Vec<String>,
    pub(crate) world: World,
}

/// The worlds of the contract, by what a plugin in them may import.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum World {
    /// Polls, and may take webhooks.
    Connector,
    /// Takes webhooks only; no network, no state.
    Push,
    /// Reacts to events.
    Propel,
}

impl World {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Connector => "connector",
            Self::Push => "connector-push",
            Self::Propel => "propel",
        }
    }

    /// What may be imported beside WASI.
    fn imports(self) -> &'static [&'static str] {
        match self {
            Self::Connector => &["weir:log/log", "weir:http/http", "weir:state/state"],
            Self::Push => &["weir:log/log"],
            Self::Propel => &[
                "weir:log/log",
                "weir:http/http",
                "weir:state/state",
                "weir:propel/facts",
                "weir:propel/tables",
                "weir:propel/notes",
                "weir:propel/once",
            ],
        }
    }
}

/// Interfaces that hold types and no functions; they grant nothing.
const TYPES: [&str; 5] =
    ["weir:connector/raw", "weir:entities/entities", "weir:propel/actions", "weir:propel/events", "weir:types/types"];

pub(crate) fn inspect(wasm: &[u8]) -> Result<Inspection, LoadError> {
    if wasm.len() > COMPONENT_BYTES_MAX {
        return Err(LoadError::TooLarge { found_bytes: wasm.len(), limit_bytes: COMPONENT_BYTES_MAX });
    }
    if Engine::detect_precompiled(wasm).is_some() {
        return Err(LoadError::Precompiled);
    }
    if !Parser::is_component(wasm) {
        return Err(LoadError::NotAComponent);
    }
    let shape = Shape::read(wasm).map_err(LoadError::Malformed)?;
    let (_, manifest) = shape.manifest.ok_or(LoadError::NoManifest)?;
    let manifest: Manifest = serde_json::from_slice(manifest).map_err(LoadError::Manifest)?;
    let world = world(&shape.exports);
    let misfits = misfits(&manifest, world, &shape);
    if !misfits.is_empty() {
        return Err(LoadError::Misfits(misfits));
    }
    Ok(Inspection {
        manifest,
        digest: hex(digest::digest(&digest::SHA256, wasm).as_ref()),
        bytes: wasm.len(),
        imports: shape.imports,
        exports: shape.exports,
        world,
    })
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut hex, byte| {
        for digit in [byte >> 4, byte & 15] {
            hex.extend(char::from_digit(u32::from(digit), 16));
        }
        hex
    })
}

/// What the binary holds.
#[derive(Default)]
struct Shape<'a> {
    /// With its depth: that of the outermost level counts, then the first one.
    manifest: Option<(usize, &'a [u8])>,
    imports: Vec<String>,
    exports: Vec<String>,
}

impl<'a> Shape<'a> {
    /// Reads the sections of the component. The manifest may also lie in a core module inside it, which is where a
    /// compiler puts what a `link_section` names; imports and exports count at the outermost level only.
    fn read(wasm: &'a [u8]) -> Result<Self, wasmparser::BinaryReaderError> {
        let mut shape = Self::default();
        let mut depth = 0_usize;
        for payload in Parser::new(0).parse_all(wasm) {
            match payload? {
                Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => depth += 1,
                Payload::End(_) => depth = depth.saturating_sub(1),
                Payload::CustomSection(section) if section.name() == SECTION => {
                    let nearer = shape.manifest.is_none_or(|(other, _)| depth < other);
                    shape.manifest = if nearer { Some((depth, section.data())) } else { shape.manifest };
                }
                Payload::ComponentImportSection(imports) if depth == 0 => {
                    for import in imports {
                        shape.imports.push(import?.name.name.to_owned());
                    }
                }
                Payload::ComponentExportSection(exports) if depth == 0 => {
                    for export in exports {
                        shape.exports.push(export?.name.name.to_owned());
                    }
                }
                _ => {}
            }
        }
        Ok(shape)
    }
}

fn world(exports: &[String]) -> World {
    let has = |interface: &str| exports.iter().any(|export| is(export, interface, CONTRACT_VERSION));
    if has("weir:propel/handler") {
        World::Propel
    } else if has("weir:connector/source") {
        World::Connector
    } else {
        World::Push
    }
}

/// Whether a name with version is that of `interface` in a version that fits.
fn is(name: &str, interface: &str, version: &str) -> bool {
    let rest = name.strip_prefix(interface).and_then(|rest| rest.strip_prefix('@'));
    rest.is_some_and(|found| found.starts_with(version))
}

/// Finds an export in the version the component has it.
pub(crate) fn export<'a>(exports: &'a [String], interface: &str) -> Option<&'a str> {
    exports.iter().map(String::as_str).find(|export| is(export, interface, CONTRACT_VERSION))
}

fn misfits(manifest: &Manifest, world: World, shape: &Shape<'_>) -> Vec<String> {
    let mut misfits = manifest.misfits();
    let allowed = |import: &&String| {
        let contract = world.imports().iter().chain(&TYPES).any(|name| is(import, name, CONTRACT_VERSION));
        !contract && !WASI.iter().any(|name| is(import, name, WASI_VERSION))
    };
    let refused = shape.imports.iter().filter(allowed);
    misfits.extend(refused.map(|import| format!("world {} has no import `{import}`", world.name())));
    let (kind, wanted): (_, &[&str]) = match world {
        World::Propel => (PluginKind::Propel, &[]),
        World::Connector => (PluginKind::Connector, &["weir:connector/normalizer"]),
        World::Push => (PluginKind::Connector, &["weir:connector/normalizer", "weir:connector/webhook"]),
    };
    let missing = wanted.iter().filter(|name| export(&shape.exports, name).is_none());
    misfits.extend(missing.map(|name| format!("world {} needs the export `{name}`", world.name())));
    if manifest.kind != kind {
        misfits.push(format!("the manifest says {:?}, the exports say {kind:?}", manifest.kind));
    }
    misfits
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_compared_up_to_the_breaking_number() {
        assert!(is("weir:log/log@0.1.0", "weir:log/log", "0.1."));
        assert!(is("weir:log/log@0.1.17", "weir:log/log", "0.1."));
        assert!(!is("weir:log/log@0.2.0", "weir:log/log", "0.1."));
        assert!(!is("weir:log/logs@0.1.0", "weir:log/log", "0.1."));
        assert!(!is("weir:log/log", "weir:log/log", "0.1."));
    }

    #[test]
    fn what_is_no_component_is_refused() {
        assert!(matches!(inspect(b"PK"), Err(LoadError::NotAComponent)));
        assert!(matches!(inspect(b"\0asm\x01\0\0\0"), Err(LoadError::NotAComponent)));
        assert!(matches!(inspect(b"\0asm\x0d\0\x01\0"), Err(LoadError::NoManifest)));
        assert!(matches!(inspect(b"\0asm\x0d\0\x01\0\x07"), Err(LoadError::Malformed(_))));
        let large = vec![0; COMPONENT_BYTES_MAX + 1];
        assert!(matches!(inspect(&large), Err(LoadError::TooLarge { .. })));
        assert!(matches!(inspect(&large[1..]), Err(LoadError::NotAComponent)));
    }
}

//! Where plugins lie, what their files say of themselves, and which of them may be used.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use weir_sandbox::{Inspection, Sandbox};

use super::trust::Trust;
use crate::config::Config;
use crate::error::Fault;

/// The files of the plugins that this host finds.
pub struct PluginFiles {
    /// What the operator put there.
    foreign: Vec<PathBuf>,
    /// Beside the executable, and where a package would put them.
    own: Vec<PathBuf>,
    trust: Trust,
}

/// The file of a plugin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PluginFile {
    /// Where it lies.
    pub path: PathBuf,
    /// Whether it was installed with Weir, and is trusted as Weir is.
    pub is_own: bool,
}

/// A plugin that is there.
#[derive(Debug)]
pub struct Described {
    /// Its id.
    pub id: String,
    /// Its file.
    pub file: PluginFile,
    /// What it says of itself, as far as it is a plugin.
    pub inspection: Option<Inspection>,
    /// Publishers that signed it.
    pub signers: Vec<String>,
    /// Why it cannot be used.
    pub refused: Option<Fault>,
}

impl PluginFiles {
    /// The folder that `config` names, if any, what `WEIR_PLUGINS` names, and those that came with Weir.
    pub fn of(config: &Config) -> Self {
        let named = std::env::var_os("WEIR_PLUGINS").map(PathBuf::from);
        Self {
            foreign: config.host.plugins.iter().cloned().chain(named).collect(),
            own: installed_folders(),
            trust: Trust::of(&config.trust),
        }
    }

    /// The files by the ids of their plugins. Of several of one id the first counts: the operator's before those that
    /// came with Weir.
    pub fn all(&self) -> BTreeMap<String, PluginFile> {
        let [foreign, own] = [(&self.foreign, false), (&self.own, true)]
            .map(|(folders, is_own)| folders.iter().map(move |folder| (folder, is_own)));
        let mut all = BTreeMap::new();
        for (folder, is_own) in foreign.chain(own) {
            for path in wasm_files(folder) {
                if let Some(stem) = path.file_stem().and_then(|stem| stem.to_str()) {
                    all.entry(stem.replace('_', "-")).or_insert(PluginFile { path, is_own });
                }
            }
        }
        all
    }

    /// The file of the plugin called `id`.
    pub fn find(&self, id: &str) -> Result<PluginFile, Fault> {
        self.all().remove(id).ok_or_else(|| {
            let folders = self.foreign.iter().chain(&self.own);
            let folders = folders.map(|folder| folder.display().to_string()).collect::<Vec<_>>();
            Fault::config(format!("no plugin `{id}` in {}", folders.join(", "))).hint(
                "`cargo xtask plugins` builds the first-party ones; `plugins` in `[host]` names a folder of others",
            )
        })
    }

    /// Fails unless the plugin called `id` may be used, whose file has this content.
    pub fn check(&self, id: &str, file: &PluginFile, content: &[u8]) -> Result<(), Fault> {
        self.trust.check(id, file, &inspect(&file.path, content)?)
    }

    /// What the files say of themselves, without running them.
    pub fn described(&self) -> Vec<Described> {
        self.all().into_iter().map(|(id, file)| self.describe(id, file)).collect()
    }

    fn describe(&self, id: String, file: PluginFile) -> Described {
        match read(&file.path).and_then(|content| inspect(&file.path, &content)) {
            Ok(inspection) => {
                let refused = self.trust.check(&id, &file, &inspection).err();
                let signers = self.trust.signers(&file.path, &inspection.digest).unwrap_or_default();
                Described { id, file, inspection: Some(inspection), signers, refused }
            }
            Err(fault) => Described { id, file, inspection: None, signers: Vec::new(), refused: Some(fault) },
        }
    }
}

pub(super) fn read(path: &Path) -> Result<Vec<u8>, Fault> {
    let unreadable = |error| Fault::config(format!("cannot read plugin {}", path.display())).caused_by(error);
    std::fs::read(path).map_err(unreadable)
}

/// What the plugin says of itself that has this content and lies at `path`.
pub(super) fn inspect(path: &Path, content: &[u8]) -> Result<Inspection, Fault> {
    let refused = |error| Fault::config(format!("{} is no plugin of this Weir", path.display())).caused_by(error);
    Sandbox::inspect(content).map_err(refused)
}

fn installed_folders() -> Vec<PathBuf> {
    let beside = std::env::current_exe().ok().and_then(|exe| exe.parent().map(Path::to_owned));
    // Test executables lie one folder deeper than the binary they belong to.
    let folders = beside.into_iter().flat_map(|folder| {
        let above = folder.parent().map(Path::to_owned).unwrap_or_default();
        [folder.join("plugins"), above.join("plugins"), above.join("lib/weir/plugins")]
    });
    folders.collect()
}

fn wasm_files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut files: Vec<_> =
        entries.map(|entry| entry.path()).filter(|path| path.extension().is_some_and(|e| e == "wasm")).collect();
    files.sort();
    files
}

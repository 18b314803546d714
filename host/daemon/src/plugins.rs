//! Plugins by id: found in folders, verified and loaded by the sandbox when first needed, swapped when their file
//! changes. Runs under way keep the one they began with.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arc_swap::ArcSwap;
use weir_sandbox::{Inspection, Plugin, Sandbox};

use crate::error::Fault;

/// The plugins this host can use.
pub struct Plugins {
    sandbox: Sandbox,
    folders: Vec<PathBuf>,
    loaded: ArcSwap<BTreeMap<String, Arc<Plugin>>>,
}

impl Plugins {
    /// Plugins from `configured`, if any, and from where first-party plugins are installed.
    pub fn new(sandbox: Sandbox, configured: Option<&Path>) -> Self {
        Self { sandbox, folders: folders(configured), loaded: ArcSwap::default() }
    }

    /// The folders searched, first match wins.
    pub fn folders(&self) -> &[PathBuf] {
        &self.folders
    }

    /// The plugin called `id`, loaded when it was not yet.
    pub async fn get(&self, id: &str) -> Result<Arc<Plugin>, Fault> {
        match self.loaded.load().get(id) {
            Some(plugin) => Ok(plugin.clone()),
            None => self.load(id).await,
        }
    }

    /// Loads the plugin anew from its file and puts it in place of the one in use.
    pub async fn load(&self, id: &str) -> Result<Arc<Plugin>, Fault> {
        let path = self.find(id)?;
        let unreadable = |error| Fault::config(format!("cannot read plugin {}", path.display())).caused_by(error);
        let bytes = tokio::fs::read(&path).await.map_err(unreadable)?;
        let refused = |error| Fault::config(format!("cannot load plugin {}", path.display())).caused_by(error);
        let plugin = self.sandbox.load(bytes).await.map_err(refused)?;
        self.loaded.rcu(|loaded| {
            let mut loaded = BTreeMap::clone(loaded);
            loaded.insert(id.to_owned(), plugin.clone());
            loaded
        });
        Ok(plugin)
    }

    /// Ids of the plugins whose files are there, with their paths.
    pub fn available(&self) -> BTreeMap<String, PathBuf> {
        Self::available_among(&self.folders)
    }

    /// What the files say of themselves, without running them; why not, where one is no plugin.
    pub fn described(&self) -> Vec<(String, PathBuf, Result<Inspection, Fault>)> {
        let inspect = |path: &Path| {
            let unreadable = |error| Fault::config(format!("cannot read plugin {}", path.display())).caused_by(error);
            let refused =
                |error| Fault::config(format!("{} is no plugin of this Weir", path.display())).caused_by(error);
            Sandbox::inspect(&std::fs::read(path).map_err(unreadable)?).map_err(refused)
        };
        self.available().into_iter().map(|(id, path)| (id, path.clone(), inspect(&path))).collect()
    }

    /// The same without loading anything, for `configured` and the folders of installed ones.
    pub fn available_in(configured: Option<&Path>) -> BTreeMap<String, PathBuf> {
        Self::available_among(&folders(configured))
    }

    fn available_among(folders: &[PathBuf]) -> BTreeMap<String, PathBuf> {
        let mut available = BTreeMap::new();
        for path in folders.iter().rev().flat_map(|folder| wasm_files(folder)) {
            if let Some(stem) = path.file_stem().and_then(|stem| stem.to_str()) {
                available.insert(stem.replace('_', "-"), path);
            }
        }
        available
    }

    fn find(&self, id: &str) -> Result<PathBuf, Fault> {
        self.available().remove(id).ok_or_else(|| {
            let folders = self.folders.iter().map(|folder| folder.display().to_string()).collect::<Vec<_>>();
            Fault::config(format!("no plugin `{id}` in {}", folders.join(", "))).hint(
                "`cargo xtask plugins` builds the first-party ones; `plugins` in `[host]` names a folder of others",
            )
        })
    }
}

fn folders(configured: Option<&Path>) -> Vec<PathBuf> {
    configured.map(Path::to_owned).into_iter().chain(installed_folders()).collect()
}

/// Beside the executable, and where a package would put them; `WEIR_PLUGINS` comes first.
fn installed_folders() -> impl Iterator<Item = PathBuf> {
    let named = std::env::var_os("WEIR_PLUGINS").map(PathBuf::from);
    let beside = std::env::current_exe().ok().and_then(|exe| exe.parent().map(Path::to_owned));
    // Test executables lie one folder deeper than the binary they belong to.
    let beside = beside.into_iter().flat_map(|folder| {
        let above = folder.parent().map(Path::to_owned).unwrap_or_default();
        [folder.join("plugins"), above.join("plugins"), above.join("lib/weir/plugins")]
    });
    named.into_iter().chain(beside)
}

fn wasm_files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut files: Vec<_> =
        entries.map(|entry| entry.path()).filter(|path| path.extension().is_some_and(|e| e == "wasm")).collect();
    files.sort();
    files
}

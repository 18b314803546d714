//! Plugins by id: found in folders, verified and loaded by the sandbox when first needed, swapped when their file
//! changes. Runs under way keep the one they began with.

mod files;
mod trust;

use std::collections::BTreeMap;
use std::sync::Arc;

use arc_swap::ArcSwap;
use weir_sandbox::{Plugin, Sandbox};

use crate::error::Fault;

pub use files::{Described, PluginFile, PluginFiles};
pub use trust::{sign, signatures_path};

/// The plugins this host can use.
pub struct Plugins {
    sandbox: Sandbox,
    files: PluginFiles,
    loaded: ArcSwap<BTreeMap<String, Arc<Plugin>>>,
}

impl Plugins {
    /// Plugins from `files`, run in `sandbox`.
    pub fn new(sandbox: Sandbox, files: PluginFiles) -> Self {
        Self { sandbox, files, loaded: ArcSwap::default() }
    }

    /// The files they are loaded from.
    pub fn files(&self) -> &PluginFiles {
        &self.files
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
        let file = self.files.find(id)?;
        let unreadable = |error| Fault::config(format!("cannot read plugin {}", file.path.display())).caused_by(error);
        let bytes = tokio::fs::read(&file.path).await.map_err(unreadable)?;
        self.files.check(id, &file, &bytes)?;
        let refused = |error| Fault::config(format!("cannot load plugin {}", file.path.display())).caused_by(error);
        let plugin = self.sandbox.load(bytes).await.map_err(refused)?;
        self.loaded.rcu(|loaded| {
            let mut loaded = BTreeMap::clone(loaded);
            loaded.insert(id.to_owned(), plugin.clone());
            loaded
        });
        Ok(plugin)
    }
}

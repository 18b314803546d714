//! Arguments of the commands about plugins.

use std::path::PathBuf;

use clap::{Args, Subcommand};

#[derive(Debug, Args)]
pub(in crate::cli) struct Plugin {
    #[command(subcommand)]
    pub(in crate::cli) verb: PluginVerb,
}

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum PluginVerb {
    /// Plugins that are there, who signed them, and why one cannot be used.
    List,
    /// What a plugin asks for, without running it.
    Inspect {
        /// Its file.
        file: PathBuf,
    },
    /// Make a key to sign plugins with.
    Keygen {
        /// Where to keep it; a new file.
        file: PathBuf,
    },
    /// Sign a plugin as its publisher.
    Sign {
        /// Its file; the signature goes beside it, as `.wasm.sig`.
        file: PathBuf,
        /// The file that `keygen` made.
        #[arg(long)]
        key: PathBuf,
    },
}

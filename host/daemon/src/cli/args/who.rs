//! Arguments of the commands about keys and users.

use clap::{Args, Subcommand};

use crate::access::{Role, Scope as KeyScope};

/// What somebody is limited to.
#[derive(Debug, Args)]
pub(in crate::cli) struct LimitArgs {
    /// Only of this team and those below it; may be given again.
    #[arg(long = "team")]
    pub(in crate::cli) teams: Vec<String>,
    /// Only of projects like this; may be given again.
    #[arg(long = "project")]
    pub(in crate::cli) projects: Vec<String>,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct Key {
    #[command(subcommand)]
    pub(in crate::cli) verb: KeyVerb,
}

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum KeyVerb {
    /// Make a key and show it once. Only one of the scope `read` alone can be limited to teams and projects.
    Create {
        /// What it is for.
        name: String,
        /// What it may do.
        #[arg(long = "scope", value_enum, required = true)]
        scopes: Vec<KeyScope>,
        #[command(flatten)]
        limits: LimitArgs,
        /// Only in the name of this host, where the scope is `forward`; may be given again.
        #[arg(long = "host")]
        hosts: Vec<String>,
        /// Days until it ends; never when left out.
        #[arg(long)]
        days: Option<u32>,
    },
    /// The keys there are.
    List,
    /// Make a key that takes the place of another.
    Rotate {
        /// Its public part.
        id: String,
        /// How long the old key can still be used: `2h`, `7d`.
        #[arg(long, default_value = "7d")]
        overlap: String,
    },
    /// End a key at once.
    Revoke {
        /// Its public part.
        id: String,
    },
}

#[derive(Debug, Args)]
pub(in crate::cli) struct User {
    #[command(subcommand)]
    pub(in crate::cli) verb: UserVerb,
}

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum UserVerb {
    /// Make a user, who sets a password at a link, or has the one that is piped in.
    Create {
        /// Unique name.
        name: String,
        /// What they are here.
        #[arg(long, value_enum)]
        role: Role,
        /// Name to show.
        #[arg(long)]
        title: Option<String>,
        #[command(flatten)]
        limits: LimitArgs,
        /// Read the password from the standard input.
        #[arg(long)]
        password_stdin: bool,
    },
    /// The users there are.
    List,
    /// Change a user. Their sessions end. Limits take the place of all limits before.
    Set {
        /// Their name.
        name: String,
        /// What they are here.
        #[arg(long, value_enum)]
        role: Option<Role>,
        /// Name to show.
        #[arg(long)]
        title: Option<String>,
        #[command(flatten)]
        limits: LimitArgs,
        /// Without limits to teams and projects.
        #[arg(long, conflicts_with_all = ["teams", "projects"])]
        everything: bool,
        /// Whether they may not log in.
        #[arg(long)]
        disabled: Option<bool>,
    },
    /// Remove a user.
    Remove {
        /// Their name.
        name: String,
    },
    /// Make a link at which a user sets another password, or set the one that is piped in. Their sessions end.
    Password {
        /// Their name.
        name: String,
        /// Read the password from the standard input.
        #[arg(long)]
        password_stdin: bool,
    },
}

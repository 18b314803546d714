//! What a role may do: one table.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Something one may or may not do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Permission {
    /// Search, numbers, entities, links, events.
    Read,
    /// Health of the host and its integrations, plugins.
    Status,
    /// See who persons are, in place of pseudonyms.
    Personal,
    /// Raw records, and what became of them.
    Raw,
    /// What propels did, and tables.
    Runs,
    /// Ask gates and pull triggers.
    Trigger,
    /// Start, repeat and cancel runs of propels; send again what was given up.
    Propel,
    /// Change rows of tables, and notes on entities.
    Tables,
    /// Hand over builds, commits and the like.
    Ingest,
    /// Start collections; declare kinds of custom data.
    Collect,
    /// Forward a host's results to this central.
    Forward,
    /// Users and API keys.
    Access,
    /// The audit log.
    Audit,
    /// Export, back up, erase, retain, decommission.
    Lifecycle,
}

/// What somebody may do.
pub type Permissions = BTreeSet<Permission>;

/// What a person is here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// Looks at numbers.
    Viewer,
    /// Looks after a team.
    TeamLead,
    /// Connects tools.
    Integrator,
    /// Writes and runs propels.
    PropelAuthor,
    /// Checks what was done.
    Auditor,
    /// May everything.
    Administrator,
}

use Permission::{
    Access, Audit, Collect, Forward, Ingest, Lifecycle, Personal, Propel, Raw, Read, Runs, Status, Tables, Trigger,
};

impl Permission {
    /// All of them.
    pub const ALL: [Self; 14] = [
        Read, Status, Personal, Raw, Runs, Trigger, Propel, Tables, Ingest, Collect, Forward, Access, Audit, Lifecycle,
    ];
}

impl Role {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Viewer, Self::TeamLead, Self::Integrator, Self::PropelAuthor, Self::Auditor, Self::Administrator];

    /// What it may do. The same table is in docs/ACCESS.md.
    pub fn permissions(self) -> Permissions {
        let may: &[Permission] = match self {
            Self::Viewer => &[Read, Status],
            Self::TeamLead => &[Read, Status, Personal, Raw, Runs, Tables],
            Self::Integrator => &[Read, Status, Personal, Raw, Runs, Ingest, Collect],
            Self::PropelAuthor => &[Read, Status, Runs, Trigger, Propel, Tables],
            Self::Auditor => &[Read, Status, Runs, Audit],
            Self::Administrator => &Permission::ALL,
        };
        may.iter().copied().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_documentation_has_the_table() {
        let docs = include_str!("../../../../docs/ACCESS.md");
        let word = |value: serde_json::Value| value.as_str().unwrap_or_default().to_owned();
        for permission in Permission::ALL {
            let name = word(serde_json::json!(permission));
            let may = Role::ALL.map(|role| if role.permissions().contains(&permission) { "yes" } else { "" });
            let cells: String = may.map(|may| format!(" {may} |").replace("  |", " |")).concat();
            assert!(docs.contains(&format!("| `{name}` |{cells}")), "docs/ACCESS.md lacks: | `{name}` |{cells}");
        }
    }
}

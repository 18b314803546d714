//! Who does something, and from where.

/// As the audit log names them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Actor {
    /// Who: `user:ana`, `key:3f…`, `propel nudge`, `host`, or the user of the machine.
    pub who: String,
    /// From where: an address, `cli` or `host`.
    pub from: String,
}

impl From<&Self> for Actor {
    fn from(actor: &Self) -> Self {
        actor.clone()
    }
}

impl Actor {
    /// Somebody somewhere.
    pub fn new(who: impl Into<String>, from: impl Into<String>) -> Self {
        Self { who: who.into(), from: from.into() }
    }

    /// The user who runs this process, by hand.
    pub fn operator() -> Self {
        let user = ["USER", "LOGNAME"].iter().find_map(|name| std::env::var(name).ok());
        Self::new(user.unwrap_or_else(|| "operator".to_owned()), "cli")
    }

    /// A part of the host, of itself.
    pub fn host(part: impl Into<String>) -> Self {
        Self::new(part, "host")
    }
}

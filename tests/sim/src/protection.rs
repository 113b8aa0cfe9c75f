//! Protections that can be removed on purpose, to see that the invariants notice.
//!
//! The shipped crates know nothing of this: each removal sits where the simulated world touches
//! them.

/// One protection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protection {
    /// Hands refuse commands under a lower authority than the highest seen: the world raises the
    /// authority of late ones at their door.
    Authority,
    /// What is answered for is on disk first: the world says so long before it is.
    Persistence,
    /// Hands that start again take up what runs under runners: the world does not tell them.
    TakingUp,
    /// A new DC learns what is under way: the world takes it out of the hands' histories.
    Adoption,
    /// Fencing is confirmed when the node is off: the device says so without doing it.
    Proof,
    /// A boot has an id of its own: hosts keep theirs.
    BootId,
}

impl Protection {
    /// All of them, by name.
    pub const ALL: [(&'static str, Self); 6] = [
        ("authority", Self::Authority),
        ("persistence", Self::Persistence),
        ("taking-up", Self::TakingUp),
        ("adoption", Self::Adoption),
        ("proof", Self::Proof),
        ("boot-id", Self::BootId),
    ];

    /// Finds one by name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().find(|(known, _)| *known == name).map(|(_, protection)| *protection)
    }
}

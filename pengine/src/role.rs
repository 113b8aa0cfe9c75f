//! What a resource can be doing on a node.

/// A resource's role; later ones are "more" active.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Role {
    /// Not known (or: no wish).
    #[default]
    Unknown,
    /// Not running.
    Stopped,
    /// Running.
    Started,
    /// Running, not promoted, in a promotable clone.
    Unpromoted,
    /// Running, promoted.
    Promoted,
}

impl Role {
    /// Reads a role's name, old names included.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let is = |name: &str| text.eq_ignore_ascii_case(name);
        if is("Stopped") {
            Some(Self::Stopped)
        } else if is("Started") {
            Some(Self::Started)
        } else if is("Unpromoted") || is("Slave") {
            Some(Self::Unpromoted)
        } else if is("Promoted") || is("Master") {
            Some(Self::Promoted)
        } else if is("Unknown") || is("default") {
            Some(Self::Unknown)
        } else {
            None
        }
    }

    /// Returns the role's current name.
    pub(crate) fn text(self) -> &'static str {
        match self {
            Self::Unknown => "Unknown",
            Self::Stopped => "Stopped",
            Self::Started => "Started",
            Self::Unpromoted => "Unpromoted",
            Self::Promoted => "Promoted",
        }
    }
}

//! `admin_epoch.epoch.num_updates`: which of two documents is newer, and how a change counts.

use std::fmt;

use crate::tree::Element;

/// A document's version; ordered as Pacemaker compares documents.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version {
    /// Raised by administrators only, to win over everything made before.
    pub admin_epoch: u64,
    /// Raised by every change of the configuration.
    pub epoch: u64,
    /// Raised by every other change; starts again at 0 with each epoch.
    pub num_updates: u64,
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.admin_epoch, self.epoch, self.num_updates)
    }
}

impl Version {
    /// Names of the three attributes in their order of weight.
    pub const ATTRIBUTES: [&'static str; 3] = ["admin_epoch", "epoch", "num_updates"];

    /// Reads the version off a document (or a patch's `source`); what is missing or no number
    /// counts as 0.
    pub fn of(element: &Element) -> Self {
        let number = |key| element.get(key).and_then(|v| v.trim().parse().ok()).unwrap_or(0);
        Self {
            admin_epoch: number("admin_epoch"),
            epoch: number("epoch"),
            num_updates: number("num_updates"),
        }
    }

    /// Writes the version onto a document.
    pub fn write(self, element: &mut Element) {
        element.set("epoch", self.epoch.to_string());
        element.set("num_updates", self.num_updates.to_string());
        element.set("admin_epoch", self.admin_epoch.to_string());
    }

    /// Returns the version after a change of the configuration.
    #[must_use]
    pub fn next_epoch(self) -> Self {
        Self { epoch: self.epoch.saturating_add(1), num_updates: 0, ..self }
    }

    /// Returns the version after a change of anything else.
    #[must_use]
    pub fn next_update(self) -> Self {
        Self { num_updates: self.num_updates.saturating_add(1), ..self }
    }
}

/// How far a change reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reach {
    /// Nothing differs but the version.
    Nothing,
    /// Only what the cluster itself keeps: the status section, who is DC, quorum.
    Status,
    /// What an administrator wrote.
    Configuration,
}

/// Attributes of `<cib>` that the cluster keeps; a change of them is no change of configuration.
const CLUSTER_KEPT: [&str; 8] = [
    "have-quorum",
    "dc-uuid",
    "cib-last-written",
    "update-origin",
    "update-client",
    "update-user",
    "execution-date",
    "no-quorum-panic",
];

/// Tells how far apart two documents are.
pub fn reach(old: &Element, new: &Element) -> Reach {
    let attributes = |of: &Element, kept: bool| -> Vec<(String, String)> {
        let mut found: Vec<_> = of
            .attributes()
            .filter(|(key, _)| {
                !Version::ATTRIBUTES.contains(key) && CLUSTER_KEPT.contains(key) == kept
            })
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .collect();
        found.sort();
        found
    };
    let parts = |of: &Element, status: bool| -> Vec<crate::Content> {
        of.content()
            .iter()
            .filter(|content| match content {
                crate::Content::Element(child) => (child.name() == "status") == status,
                crate::Content::Text(_) | crate::Content::Comment(_) => !status,
            })
            .cloned()
            .collect()
    };
    if old.name() != new.name()
        || attributes(old, false) != attributes(new, false)
        || parts(old, false) != parts(new, false)
    {
        Reach::Configuration
    } else if attributes(old, true) != attributes(new, true) || parts(old, true) != parts(new, true)
    {
        Reach::Status
    } else {
        Reach::Nothing
    }
}

/// Gives `new`, made from `old` by one change, its version: a changed configuration gets the next
/// epoch, any other change the next update. A change that raised `admin_epoch` or `epoch` itself
/// keeps those and counts as an update.
pub fn bump(old: &Element, new: &mut Element) {
    let (before, written) = (Version::of(old), Version::of(new));
    let next = if (written.admin_epoch, written.epoch) > (before.admin_epoch, before.epoch) {
        Version { num_updates: before.next_update().num_updates, ..written }
    } else {
        match reach(old, new) {
            Reach::Nothing => before,
            Reach::Status => before.next_update(),
            Reach::Configuration => before.next_epoch(),
        }
    };
    if next != written {
        next.write(new);
    }
}

#[cfg(test)]
mod tests {
    use super::{Reach, Version, bump, reach};
    use crate::parse;

    const BASE: &str = r#"<cib admin_epoch="1" epoch="5" num_updates="7" have-quorum="1"><configuration/><status/></cib>"#;

    #[test]
    fn admin_epoch_outweighs_epoch_and_epoch_outweighs_updates() {
        let v = |a, e, n| Version { admin_epoch: a, epoch: e, num_updates: n };
        assert!(v(1, 0, 0) > v(0, 9, 9));
        assert!(v(0, 2, 0) > v(0, 1, 9));
        assert!(v(0, 1, 2) > v(0, 1, 1));
        assert_eq!(v(1, 2, 3).to_string(), "1.2.3");
    }

    #[test]
    fn a_configuration_change_raises_the_epoch_and_a_status_change_the_updates() {
        let old = parse(BASE).unwrap();
        for (from, to, expected, far) in [
            (
                "<configuration/>",
                "<configuration><tags/></configuration>",
                "1.6.0",
                Reach::Configuration,
            ),
            ("<status/>", "<status><node_state id=\"1\"/></status>", "1.5.8", Reach::Status),
            ("have-quorum=\"1\"", "have-quorum=\"0\"", "1.5.8", Reach::Status),
            ("admin_epoch=\"1\"", "admin_epoch=\"2\"", "2.5.8", Reach::Nothing),
            ("<status/>", "<status/>", "1.5.7", Reach::Nothing),
            ("<cib ", "<cib validate-with=\"none\" ", "1.6.0", Reach::Configuration),
        ] {
            let mut new = parse(&BASE.replace(from, to)).unwrap();
            assert_eq!(reach(&old, &new), far, "{to}");
            bump(&old, &mut new);
            assert_eq!(Version::of(&new).to_string(), expected, "{to}");
        }
    }
}

//! Who made a contribution to a score, named by ids of the document where there is one.

use std::collections::BTreeMap;

use cib::Element;
use serde::Serialize;

use crate::index::{NodeIx, ResourceIx};
use crate::ledger;
use crate::place::Placed;

/// Who made a contribution.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Cause {
    /// A location constraint.
    Location {
        /// Its id.
        constraint: String,
        /// The id of its rule that made it, if it has rules.
        rule: Option<String>,
        /// When it expires, as the document says it.
        until: Option<String>,
    },
    /// `resource-stickiness`.
    Stickiness,
    /// A colocation constraint.
    Colocation {
        /// Its id.
        constraint: String,
        /// The other resource.
        with: String,
    },
    /// Another member of the same group.
    Group {
        /// The other member.
        with: String,
    },
    /// What the resource runs in (a guest's connection, a bundle's parts).
    Container {
        /// The container.
        with: String,
    },
    /// As many failures as `migration-threshold` allows.
    FailCount {
        /// Failures so far; 1,000,000 is infinity.
        count: i64,
        /// How many are too many.
        threshold: i64,
    },
    /// The health of the node.
    Health,
    /// One of [`BUILT_IN`].
    BuiltIn {
        /// Its name.
        name: String,
    },
}

/// Causes that no element of the document stands for: name and meaning.
pub const BUILT_IN: &[(&str, &str)] = &[
    ("start", "where every score begins"),
    ("node score", "the score in the node's own entry"),
    ("hard error", "an operation failed here in a way that only another node can mend"),
    ("fatal error", "an operation failed in a way that no node can mend"),
    ("failed stop", "it could not be stopped here"),
    ("failed operation with on-fail=migrate", "an operation failed here, and on-fail=migrate"),
    ("failure with on-fail=stop", "an operation failed, and on-fail=stop keeps it stopped"),
    ("unmanaged resource stays where it is", "it is not managed, so it stays here"),
    (
        "multiply active with multiple-active=stop_only",
        "it was active on several nodes, and multiple-active=stop_only",
    ),
    ("no longer configured", "it is not configured any more"),
    ("must be stopped", "it is to be stopped (target-role, or what it depends on)"),
    ("shutdown lock", "it waits for the node that it ran on before that was shut down"),
    (
        "exclusive discovery elsewhere",
        "a constraint with resource-discovery=exclusive names others",
    ),
    ("not enough capacity", "the node has not enough capacity left"),
    (
        "no room for an instance",
        "the node has as many instances as it may have, or cannot have any",
    ),
    ("instance limit reached", "the clone has as many instances as clone-max allows"),
    ("kept allowed for other instances", "kept possible although a colocation speaks against it"),
    ("priority", "the resource's priority"),
    ("promotion score", "its agent wants it to be promoted here, as far as that"),
    ("no promotion score", "its agent does not want it to be promoted here"),
    ("not active", "it does not run"),
    ("must not be promoted", "it is to be stopped or left unpromoted (target-role)"),
    ("merit of an instance", "the instance there earned as much by itself"),
    ("promoted and unmanaged", "it is promoted and not managed, so it stays so"),
    ("no ticket for promotion", "the ticket that promotion needs is not granted"),
    ("no ticket", "its ticket is not granted"),
    ("ticket is in standby", "its ticket is in standby"),
    ("ticket was lost", "its ticket was revoked"),
    ("belongs to a guest", "guest nodes cannot run what makes them"),
    ("its own container", "a bundled instance runs in its replica's container, and nowhere else"),
    ("inside the bundle's containers", "what is bundled runs in the bundle's containers only"),
    ("can't run on remote nodes", "only full members of the cluster can run it"),
];

/// Where the constraints of a document can be looked up.
#[derive(Debug)]
pub(crate) struct Origins {
    /// Rule or constraint by id: the constraint's id, and until when.
    locations: BTreeMap<String, (String, Option<String>)>,
}

impl Origins {
    pub(crate) fn of(document: &Element) -> Self {
        let mut locations = BTreeMap::new();
        let constraints = document.at(&["configuration", "constraints"]);
        for constraint in
            constraints.into_iter().flat_map(|list| list.children_named("rsc_location"))
        {
            let Some(id) = constraint.id() else { continue };
            locations.insert(id.to_owned(), (id.to_owned(), None));
            for rule in constraint.children_named("rule") {
                let name = rule.get("id").or_else(|| rule.get("id-ref"));
                if let Some(name) = name {
                    locations.insert(name.to_owned(), (id.to_owned(), end_of(rule)));
                }
            }
        }
        Self { locations }
    }

    /// Names the cause of a contribution.
    pub(crate) fn name(
        &self,
        placed: &Placed,
        cause: ledger::Cause,
        rsc: ResourceIx,
        node: Option<NodeIx>,
    ) -> Cause {
        let cluster = &placed.cluster;
        let built_in = |name: &str| Cause::BuiltIn { name: name.to_owned() };
        match cause {
            ledger::Cause::Start => built_in("start"),
            ledger::Cause::Location(index) => {
                self.location(&placed.rules.locations[index.position()].id)
            }
            ledger::Cause::Stickiness => Cause::Stickiness,
            ledger::Cause::Colocation(index, with) => {
                let (id, with) = (&placed.rules[index].id, cluster[with].id.clone());
                match id.as_str() {
                    "#group-members" => Cause::Group { with },
                    "#resource-with-container"
                    | "#ip-with-container"
                    | "#replica-remote-with-host-remote" => Cause::Container { with },
                    _ => Cause::Colocation { constraint: id.clone(), with },
                }
            }
            ledger::Cause::FailCount => Cause::FailCount {
                count: node.map_or(0, |node| crate::fail_count::raw(cluster, rsc, node).count),
                threshold: cluster[rsc].migration_threshold,
            },
            ledger::Cause::HardError => built_in("hard error"),
            ledger::Cause::FatalError => built_in("fatal error"),
            ledger::Cause::NodeScore => built_in("node score"),
            ledger::Cause::BuiltIn(name) => built_in(name),
        }
    }

    fn location(&self, id: &str) -> Cause {
        match self.locations.get(id) {
            Some((constraint, until)) => Cause::Location {
                constraint: constraint.clone(),
                rule: (constraint != id).then(|| id.to_owned()),
                until: until.clone(),
            },
            None if id == "node-health-strategy" => Cause::Health,
            None => Cause::Location { constraint: id.to_owned(), rule: None, until: None },
        }
    }
}

/// Until when a rule holds, where that is all its dates say.
fn end_of(rule: &Element) -> Option<String> {
    rule.children_named("date_expression").find_map(|date| {
        let bounded = matches!(date.get("operation"), None | Some("lt" | "in_range"));
        date.get("end").filter(|_| bounded).map(str::to_owned)
    })
}

#[cfg(test)]
mod tests {
    use super::BUILT_IN;

    /// The list is what documentation and translations are made from.
    #[test]
    fn every_built_in_cause_is_in_the_list() {
        let sources = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
        for file in std::fs::read_dir(sources).unwrap() {
            let path = file.unwrap().path();
            let text = std::fs::read_to_string(&path).unwrap();
            for part in text.split("Cause::BuiltIn(\"").skip(1) {
                let name = part.split('"').next().unwrap();
                assert!(
                    path.ends_with("explain_cause.rs") || BUILT_IN.iter().any(|(n, _)| *n == name),
                    "{}: `{name}` has no meaning in explain_cause::BUILT_IN",
                    path.display()
                );
            }
        }
    }
}

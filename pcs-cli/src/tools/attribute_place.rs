//! Where in the document an attribute of a node or an option of the cluster stands.

use cib::Element;

use super::resource_parameters::pair_id;

/// The sections that hold attributes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Section {
    /// Options of the cluster.
    Options,
    /// Attributes of nodes.
    Nodes,
    /// What nodes can carry.
    Utilization,
    /// Attributes of nodes that live as long as their membership.
    Status,
    /// Meta attributes of all resources.
    ResourceDefaults,
    /// Attributes of all operations.
    OperationDefaults,
    /// Attributes of tickets.
    Tickets,
}

impl Section {
    /// Returns the section that a word names.
    pub(super) fn of(word: &str) -> Option<Self> {
        Some(match word {
            "crm_config" => Self::Options,
            "nodes" | "forever" => Self::Nodes,
            "status" | "reboot" => Self::Status,
            "rsc_defaults" => Self::ResourceDefaults,
            "op_defaults" => Self::OperationDefaults,
            "tickets" => Self::Tickets,
            _ => return None,
        })
    }

    /// Returns the name that is shown.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Options => "crm_config",
            Self::Nodes | Self::Utilization => "nodes",
            Self::Status => "status",
            Self::ResourceDefaults => "rsc_defaults",
            Self::OperationDefaults => "op_defaults",
            Self::Tickets => "tickets",
        }
    }

    /// Returns the section of the document.
    pub(super) fn document_section(self) -> &'static str {
        if self == Self::Tickets { "status" } else { self.name() }
    }

    /// Tells whether each node has its own.
    pub(super) fn is_of_a_node(self) -> bool {
        matches!(self, Self::Nodes | Self::Utilization | Self::Status)
    }

    fn set_kind(self) -> &'static str {
        match self {
            Self::Options => "cluster_property_set",
            Self::Nodes | Self::Status | Self::Tickets => "instance_attributes",
            Self::Utilization => "utilization",
            Self::ResourceDefaults | Self::OperationDefaults => "meta_attributes",
        }
    }
}

/// Which attribute is meant.
#[derive(Debug)]
pub(super) struct Place {
    pub(super) section: Section,
    /// The number of the node, where one is meant.
    pub(super) node: Option<String>,
    /// Only in this set.
    pub(super) set: Option<String>,
    /// Only the pair with this id.
    pub(super) id: Option<String>,
    pub(super) name: Option<String>,
    pub(super) pattern: Option<regex::Regex>,
}

/// Returns the number of a node.
pub(super) fn node_id(document: &Element, name: &str) -> Option<String> {
    let nodes = view::nodes::known(document);
    nodes.into_iter().find(|node| node.name == name).map(|node| node.id)
}

impl Place {
    /// Returns the element that holds the sets.
    fn owner<'a>(&self, document: &'a Element) -> Option<&'a Element> {
        let node = |list: &'a Element, name: &str| {
            list.children().find(|e| e.name() == name && e.id() == self.node.as_deref())
        };
        match self.section {
            Section::Nodes | Section::Utilization => {
                node(document.at(&["configuration", "nodes"])?, "node")
            }
            Section::Status => {
                node(document.child("status")?, "node_state")?.child("transient_attributes")
            }
            Section::Tickets => document.at(&["status", "tickets"]),
            Section::Options | Section::ResourceDefaults | Section::OperationDefaults => {
                document.at(&["configuration", self.section.name()])
            }
        }
    }

    /// Returns the pairs that are meant.
    pub(super) fn find<'a>(&self, document: &'a Element) -> Vec<&'a Element> {
        let kind = self.section.set_kind();
        let Some(owner) = self.owner(document) else { return Vec::new() };
        owner
            .children()
            .filter(|set| set.name() == kind)
            .filter(|set| self.set.as_ref().is_none_or(|id| set.id() == Some(id)))
            .flat_map(Element::children)
            .filter(|pair| pair.name() == "nvpair")
            .filter(|pair| self.id.as_ref().is_none_or(|id| pair.id() == Some(id)))
            .filter(|pair| {
                let name = pair.get("name").unwrap_or_default();
                match (&self.pattern, &self.name) {
                    (Some(pattern), _) => pattern.is_match(name),
                    (None, Some(wanted)) => wanted == name,
                    (None, None) => true,
                }
            })
            .collect()
    }

    fn usual_set(&self) -> String {
        let node = self.node.as_deref().unwrap_or_default();
        match self.section {
            Section::Options => "cib-bootstrap-options".to_owned(),
            Section::Nodes => format!("nodes-{node}"),
            Section::Utilization => format!("nodes-{node}-utilization"),
            Section::Status => format!("status-{node}"),
            Section::ResourceDefaults => "rsc_defaults-options".to_owned(),
            Section::OperationDefaults => "op_defaults-options".to_owned(),
            Section::Tickets => "status-tickets".to_owned(),
        }
    }

    /// Makes an attribute that is not there yet, in its set and what holds that; none where the
    /// node or the name is missing.
    pub(super) fn new_pair(&self, document: &Element, value: &str) -> Option<Element> {
        let name = self.name.as_deref()?;
        let set_id = self.set.clone().unwrap_or_else(|| self.usual_set());
        let id = self.id.clone().unwrap_or_else(|| pair_id(&set_id, name));
        let pair = Element::new("nvpair").with("id", id).with("name", name).with("value", value);
        let set = Element::new(self.section.set_kind()).with("id", set_id).with_child(pair);
        let node = self.node.as_deref();
        Some(match self.section {
            Section::Nodes | Section::Utilization => {
                Element::new("node").with("id", node?).with_child(set)
            }
            Section::Status => {
                let state = document
                    .child("status")?
                    .children_named("node_state")
                    .find(|state| state.id() == node)?;
                let inner = Element::new("transient_attributes").with("id", node?).with_child(set);
                Element::new("node_state").with("id", state.id()?).with_child(inner)
            }
            Section::Tickets => Element::new("tickets").with_child(set),
            Section::Options | Section::ResourceDefaults | Section::OperationDefaults => {
                Element::new(self.section.name()).with_child(set)
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::resource_tests::document;
    use super::{Place, Section, node_id};

    fn place(section: Section, node: Option<&str>, name: &str) -> Place {
        Place {
            section,
            node: node.map(str::to_owned),
            set: None,
            id: None,
            name: Some(name.to_owned()),
            pattern: None,
        }
    }

    #[test]
    fn new_attributes_get_the_ids_that_established_tools_give() {
        let document = document();
        let made = |section, node| {
            place(section, node, "x y").new_pair(&document, "1").unwrap().to_xml_compact()
        };
        assert_eq!(
            made(Section::Options, None),
            r#"<crm_config><cluster_property_set id="cib-bootstrap-options"><nvpair id="cib-bootstrap-options-x_y" name="x y" value="1"/></cluster_property_set></crm_config>"#
        );
        assert_eq!(
            made(Section::Utilization, Some("2")),
            r#"<node id="2"><utilization id="nodes-2-utilization"><nvpair id="nodes-2-utilization-x_y" name="x y" value="1"/></utilization></node>"#
        );
        assert_eq!(
            made(Section::Status, Some("2")),
            r#"<node_state id="2"><transient_attributes id="2"><instance_attributes id="status-2"><nvpair id="status-2-x_y" name="x y" value="1"/></instance_attributes></transient_attributes></node_state>"#
        );
        assert!(place(Section::Status, Some("9"), "a").new_pair(&document, "1").is_none());
    }

    #[test]
    fn attributes_are_found_in_their_section() {
        let document = document();
        let found = place(Section::ResourceDefaults, None, "resource-stickiness");
        assert_eq!(found.find(&document)[0].get("value"), Some("1"));
        assert!(place(Section::Nodes, Some("1"), "a").find(&document).is_empty());
        assert_eq!(node_id(&document, "ser2").as_deref(), Some("2"));
        assert_eq!(node_id(&document, "2"), None);
    }
}

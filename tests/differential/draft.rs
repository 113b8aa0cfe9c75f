//! A document in the making: features add to it, one after the other.

use std::collections::BTreeMap;

use cib::Element;

use crate::made_bundles::Bundle;

/// The moment at which all documents are planned: 2026-01-01 00:00 UTC.
pub(crate) const NOW: i64 = 1_767_225_600;

/// Something that histories are about.
#[derive(Clone, Debug)]
pub(crate) struct Leaf {
    /// The primitive's id.
    pub(crate) id: String,
    /// `Dummy`, `Stateful`, `remote`, a fence agent, or what a bundle makes.
    pub(crate) kind: &'static str,
    /// On how many nodes it may be active at once; 1 unless it is cloned.
    pub(crate) copies: usize,
    /// Cloned, with instances that are told apart.
    pub(crate) unique: bool,
    /// In a promotable clone.
    pub(crate) promotable: bool,
    /// The group member before it: it is active where that is.
    pub(crate) follows: Option<String>,
    /// It may have been under way to another node.
    pub(crate) migratable: bool,
    /// Runs on members only: connections of remote nodes, what guests run in, fence devices.
    pub(crate) members_only: bool,
    /// Made by a bundle: its parameters are not known here.
    pub(crate) implied: bool,
    /// Intervals of its monitors in seconds, with the role of each.
    pub(crate) monitors: Vec<(u64, Option<&'static str>)>,
}

/// The parts of a document.
#[derive(Debug, Default)]
pub(crate) struct Draft {
    pub(crate) nodes: Vec<String>,
    /// Remote and guest nodes.
    pub(crate) remotes: Vec<String>,
    /// The nodes inside the containers of bundles.
    pub(crate) containers: Vec<String>,
    pub(crate) bundles: Vec<Bundle>,
    pub(crate) properties: BTreeMap<String, String>,
    /// Attributes, and capacities, of nodes.
    pub(crate) attributes: BTreeMap<String, BTreeMap<String, String>>,
    pub(crate) capacities: BTreeMap<String, BTreeMap<String, String>>,
    pub(crate) resources: Vec<Element>,
    pub(crate) leaves: Vec<Leaf>,
    pub(crate) constraints: Vec<Element>,
    pub(crate) tags: Vec<Element>,
    pub(crate) defaults: BTreeMap<String, String>,
    /// Further sets of defaults, of resources and of operations.
    pub(crate) default_sets: Vec<Element>,
    pub(crate) operation_default_sets: Vec<Element>,
    /// One `node_state` for each node that was ever seen.
    pub(crate) states: Vec<Element>,
    pub(crate) tickets: Vec<Element>,
    pub(crate) without_quorum: bool,
}

/// A set of name/value pairs.
pub(crate) fn pairs(set: &str, id: &str, values: &BTreeMap<String, String>) -> Element {
    let mut element = Element::new(set).with("id", id);
    for (name, value) in values {
        element.push(
            Element::new("nvpair")
                // (a `#` may be in no id)
                .with("id", format!("{id}-{name}").replace('#', "."))
                .with("name", name.as_str())
                .with("value", value.as_str()),
        );
    }
    element
}

impl Draft {
    /// Ids of all resources that constraints may name.
    pub(crate) fn names(&self) -> Vec<String> {
        self.resources
            .iter()
            .filter(|resource| resource.name() != "template")
            .filter_map(Element::id)
            .map(str::to_owned)
            .collect()
    }

    /// Sets a meta-attribute of a resource, wherever it is.
    pub(crate) fn set_meta(&mut self, resource: &str, name: &str, value: &str) {
        self.set_pair(resource, "meta_attributes", "meta", name, value);
    }

    /// Sets what a resource takes of its node's capacity.
    pub(crate) fn set_utilization(&mut self, resource: &str, name: &str, value: &str) {
        self.set_pair(resource, "utilization", "use", name, value);
    }

    /// Sets a parameter of a resource.
    pub(crate) fn set_parameter(&mut self, resource: &str, name: &str, value: &str) {
        self.set_pair(resource, "instance_attributes", "params", name, value);
    }

    /// A resource, wherever it is.
    pub(crate) fn find_resource_mut(&mut self, resource: &str) -> Option<&mut Element> {
        self.resources.iter_mut().find_map(|top| {
            if top.id() == Some(resource) { Some(top) } else { top.find_id_mut(resource) }
        })
    }

    fn set_pair(&mut self, resource: &str, set: &str, short: &str, name: &str, value: &str) {
        if let Some(found) = self.find_resource_mut(resource) {
            let id = format!("{resource}-{short}");
            if found.child(set).is_none() {
                found.content_mut().insert(
                    0,
                    cib::Content::Element(Element::new(set).with("id", id.as_str()).into()),
                );
            }
            if let Some(holder) = found.child_mut(set) {
                holder.retain_children(|pair| pair.get("name") != Some(name));
                holder.push(
                    Element::new("nvpair")
                        .with("id", format!("{id}-{name}"))
                        .with("name", name)
                        .with("value", value),
                );
            }
        }
    }

    /// Puts the document together.
    pub(crate) fn document(&self) -> Element {
        let mut configuration = Element::new("configuration");
        configuration.push(Element::new("crm_config").with_child(pairs(
            "cluster_property_set",
            "cib-bootstrap-options",
            &self.properties,
        )));
        let mut nodes = Element::new("nodes");
        for (number, name) in self.nodes.iter().enumerate() {
            let mut node = Element::new("node")
                .with("id", (number + 1).to_string())
                .with("uname", name.as_str());
            if let Some(values) = self.attributes.get(name) {
                node.push(pairs("instance_attributes", &format!("{name}-attributes"), values));
            }
            if let Some(values) = self.capacities.get(name) {
                node.push(pairs("utilization", &format!("{name}-capacity"), values));
            }
            nodes.push(node);
        }
        configuration.push(nodes);
        configuration.push(holding("resources", &self.resources));
        configuration.push(holding("constraints", &self.constraints));
        if !self.tags.is_empty() {
            configuration.push(holding("tags", &self.tags));
        }
        if !self.defaults.is_empty() || !self.default_sets.is_empty() {
            let set = pairs("meta_attributes", "defaults", &self.defaults);
            let mut defaults = Element::new("rsc_defaults").with_child(set);
            self.default_sets.iter().for_each(|set| defaults.push(set.clone()));
            configuration.push(defaults);
        }
        if !self.operation_default_sets.is_empty() {
            configuration.push(holding("op_defaults", &self.operation_default_sets));
        }
        let mut status = holding("status", &self.states);
        if !self.tickets.is_empty() {
            status.push(holding("tickets", &self.tickets));
        }
        Element::new("cib")
            .with("epoch", "1")
            .with("num_updates", "0")
            .with("admin_epoch", "0")
            .with("validate-with", "none")
            .with("crm_feature_set", "3.16.1")
            .with("have-quorum", if self.without_quorum { "0" } else { "1" })
            .with("execution-date", NOW.to_string())
            .with_child(configuration)
            .with_child(status)
    }
}

fn holding(name: &str, children: &[Element]) -> Element {
    children.iter().fold(Element::new(name), |holder, child| holder.with_child(child.clone()))
}

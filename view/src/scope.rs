//! What of a status is shown, and how much of it.

use pengine::status::{NodeStatus, ResourceStatus};

/// Which nodes and resources are listed, and how.
#[derive(Clone, Copy, Debug, Default)]
pub struct Scope<'a> {
    /// Ids of nodes, instances one by one, all parts of a bundle.
    pub detail: bool,
    /// Only what runs.
    pub active_only: bool,
    /// Primitives of one kind together, as counts.
    pub brief: bool,
    /// What a primitive is, not where.
    pub without_place: bool,
    /// Only this node, and what is there.
    pub node: Option<&'a str>,
    /// Only these resources, what is in them, and what they are in; none named: all.
    pub resources: &'a [String],
}

impl<'a> Scope<'a> {
    /// Tells whether a node is shown.
    pub fn has_node(&self, name: &str) -> bool {
        self.node.is_none_or(|node| node == name)
    }

    /// Returns what of a resource is shown: all of it where it is meant itself, the part that is
    /// meant where that is in it; none where nothing is.
    pub fn within(self, resource: &ResourceStatus) -> Option<Self> {
        if self.resources.is_empty() || self.resources.iter().any(|id| is_called(resource, id)) {
            return Some(Self { resources: &[], ..self });
        }
        self.resources.iter().any(|id| holds(resource, id)).then_some(self)
    }

    /// Tells whether what is known of a resource by its name is shown.
    pub fn names(&self, id: &str) -> bool {
        self.resources.is_empty() || self.resources.iter().any(|wanted| wanted == id)
    }

    /// Tells whether a primitive is shown as far as its place and state go.
    pub fn has_primitive(&self, resource: &ResourceStatus) -> bool {
        self.has_place(resource) && (resource.active || !self.active_only)
    }

    /// Tells whether a primitive is shown as far as its place goes.
    pub(crate) fn has_place(&self, resource: &ResourceStatus) -> bool {
        self.node.is_none_or(|node| {
            resource.nodes.is_empty() || resource.nodes.iter().any(|name| name == node)
        })
    }
}

fn is_called(resource: &ResourceStatus, wanted: &str) -> bool {
    resource.id == wanted || resource.name == wanted
}

fn holds(resource: &ResourceStatus, wanted: &str) -> bool {
    resource.children.iter().any(|child| is_called(child, wanted) || holds(child, wanted))
}

/// Returns a node's name as lists show it: with details its id, or where a guest is, too.
pub fn node_name(node: &NodeStatus, detail: bool) -> String {
    use pengine::status::NodeKind;
    match node.kind {
        NodeKind::Guest if detail => {
            format!("{}@{}", node.name, node.host.as_deref().unwrap_or_default())
        }
        NodeKind::Member | NodeKind::Remote if detail && node.id != node.name => {
            format!("{} ({})", node.name, node.id)
        }
        _ => node.name.clone(),
    }
}

//! The transition graph: what must be done, and what must be done before it.
//!
//! Parsed from the XML the policy engine answers with; written by nobody else.

use std::collections::BTreeMap;

use cib::Element;

/// Identifies an action within its graph (the `id` the policy engine numbered it with).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ActionId(pub u64);

/// Who carries an action out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ActionKind {
    /// Nobody: it is a point that others wait for.
    Pseudo,
    /// A node's hands, on a resource.
    Resource,
    /// The controller itself or fencing: `stonith`, `do_shutdown`, `clear_failcount`, …
    Cluster,
}

/// The resource an action is about, as the graph's `<primitive>` names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GraphResource {
    /// Name under which hands know it.
    pub id: String,
    /// Instance name, where that differs.
    pub long_id: Option<String>,
    /// Agent class.
    pub class: String,
    /// Agent provider.
    pub provider: Option<String>,
    /// Agent type.
    pub kind: String,
}

/// One action.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GraphAction {
    /// Its number.
    pub id: ActionId,
    /// Who does it.
    pub kind: ActionKind,
    /// What: `start`, `monitor`, `stonith`, …
    pub task: String,
    /// `RESOURCE_TASK_INTERVAL`, with the resource name that histories use.
    pub key: String,
    /// The key with the policy engine's own instance name, where that differs.
    pub internal_key: Option<String>,
    /// Node name.
    pub node: Option<String>,
    /// Node id.
    pub node_uuid: Option<String>,
    /// Cluster node that executes on behalf of a remote node.
    pub router_node: Option<String>,
    /// The resource, for resource actions and some of the controller's.
    pub resource: Option<GraphResource>,
    /// Everything of the `<attributes>` element.
    pub attributes: BTreeMap<String, String>,
    /// Ids of nodes that this action takes down.
    pub downed: Vec<String>,
    /// Ids of nodes that need maintenance state told.
    pub maintenance: Vec<(String, bool)>,
}

impl GraphAction {
    /// Returns a `CRM_meta_` attribute; `-` in its name may be written.
    pub fn meta(&self, name: &str) -> Option<&str> {
        self.attributes.get(&format!("CRM_meta_{}", name.replace('-', "_"))).map(String::as_str)
    }

    /// Returns how long it may take, in milliseconds.
    pub fn timeout_ms(&self) -> u64 {
        self.meta("timeout").and_then(|text| text.parse().ok()).unwrap_or(0)
    }

    /// Returns its interval in milliseconds; 0 = once.
    pub fn interval_ms(&self) -> u64 {
        self.meta("interval").and_then(|text| text.parse().ok()).unwrap_or(0)
    }

    /// Returns the exit status that counts as success.
    pub fn target_rc(&self) -> i32 {
        self.meta("op_target_rc").and_then(|text| text.parse().ok()).unwrap_or(0)
    }
}

/// Actions that may begin when their inputs are done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Synapse {
    /// Higher ones survive an abort of lower priority; 1,000,000 survives any.
    pub priority: i64,
    /// What begins (one action in practice).
    pub actions: Vec<ActionId>,
    /// What must be done before.
    pub inputs: Vec<ActionId>,
}

/// A transition graph.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TransitionGraph {
    /// Attributes of the head (`cluster-delay`, `batch-limit`, `recheck-by`, …).
    pub head: BTreeMap<String, String>,
    /// In the policy engine's order.
    pub synapses: Vec<Synapse>,
    /// By number.
    pub actions: BTreeMap<ActionId, GraphAction>,
}

/// Why a text is no transition graph.
#[derive(Debug, Clone, thiserror::Error)]
pub enum GraphError {
    /// The root is something else.
    #[error("expected a <transition_graph>, found <{0}>")]
    NotAGraph(String),
    /// An action lacks something.
    #[error("line {line}: <{element}> has no usable `{attribute}`")]
    Missing {
        /// Where.
        line: u32,
        /// Which element.
        element: String,
        /// What it lacks.
        attribute: &'static str,
    },
}

impl TransitionGraph {
    /// Reads a graph.
    ///
    /// # Errors
    /// What is not as the policy engine writes it.
    pub fn from_xml(root: &Element) -> Result<Self, GraphError> {
        if root.name() != "transition_graph" {
            return Err(GraphError::NotAGraph(root.name().to_owned()));
        }
        let mut graph = Self {
            head: root.attributes().map(|(k, v)| (k.to_owned(), v.to_owned())).collect(),
            ..Self::default()
        };
        for element in root.children_named("synapse") {
            let priority = element.get("priority").and_then(|p| p.parse().ok()).unwrap_or(0);
            let mut synapse = Synapse { priority, actions: Vec::new(), inputs: Vec::new() };
            for action in element.children_named("action_set").flat_map(Element::children) {
                let action = read_action(action)?;
                synapse.actions.push(action.id);
                graph.actions.insert(action.id, action);
            }
            for trigger in element.children_named("inputs").flat_map(Element::children) {
                for input in trigger.children() {
                    synapse.inputs.push(read_id(input)?);
                }
            }
            graph.synapses.push(synapse);
        }
        Ok(graph)
    }

    /// Returns a number of the head, like `batch-limit`.
    pub fn head_number(&self, name: &str) -> Option<i64> {
        self.head.get(name).and_then(|text| text.parse().ok())
    }
}

fn read_id(element: &Element) -> Result<ActionId, GraphError> {
    element.id().and_then(|id| id.parse().ok()).map(ActionId).ok_or_else(|| GraphError::Missing {
        line: element.line(),
        element: element.name().to_owned(),
        attribute: "id",
    })
}

fn read_action(element: &Element) -> Result<GraphAction, GraphError> {
    let id = read_id(element)?;
    let need = |attribute: &'static str| {
        element.get(attribute).map(str::to_owned).ok_or_else(|| GraphError::Missing {
            line: element.line(),
            element: element.name().to_owned(),
            attribute,
        })
    };
    let text = |attribute: &str| element.get(attribute).map(str::to_owned);
    let resource = element.child("primitive").map(|p| {
        let of = |attribute: &str| p.get(attribute).map(str::to_owned);
        GraphResource {
            id: of("id").unwrap_or_default(),
            long_id: of("long-id"),
            class: of("class").unwrap_or_default(),
            provider: of("provider"),
            kind: of("type").unwrap_or_default(),
        }
    });
    let nodes = |parent: &str| {
        element
            .child(parent)
            .into_iter()
            .flat_map(Element::children)
            .filter_map(|node| {
                Some((node.id()?.to_owned(), node.get("node_in_maintenance") == Some("1")))
            })
            .collect::<Vec<_>>()
    };
    Ok(GraphAction {
        id,
        kind: match element.name() {
            "rsc_op" => ActionKind::Resource,
            "crm_event" => ActionKind::Cluster,
            _ => ActionKind::Pseudo,
        },
        task: need("operation")?,
        key: need("operation_key")?,
        internal_key: text("internal_operation_key"),
        node: text("on_node"),
        node_uuid: text("on_node_uuid"),
        router_node: text("router_node"),
        resource,
        attributes: element
            .child("attributes")
            .into_iter()
            .flat_map(|all| {
                // names that no XML attribute can have come as elements
                let params = all.children_named("param");
                let params = params.filter_map(|p| Some((p.get("name")?, p.get("value")?)));
                all.attributes().chain(params)
            })
            .map(|(k, v)| (k.to_owned(), v.to_owned()))
            .collect(),
        downed: nodes("downed").into_iter().map(|(id, _)| id).collect(),
        maintenance: nodes("maintenance"),
    })
}

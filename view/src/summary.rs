//! The cluster in a few lines: who decides, how many nodes and resources there are.

use cib::Element;
use serde::Serialize;

/// What a document says about the cluster as a whole.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// The messaging layer.
    pub stack: Option<String>,
    /// Who decides: name and number.
    pub dc: Option<(String, String)>,
    /// The version of the one who decides.
    pub dc_version: Option<String>,
    /// Whether there is a quorum.
    pub quorate: bool,
    /// When the document was changed last, by whom, with what and where.
    pub last_change: LastChange,
    /// How many nodes are configured.
    pub nodes_configured: usize,
    /// How many instances of resources are configured.
    pub instances: usize,
    /// How many of them are to stay stopped.
    pub disabled: usize,
    /// How many of them can't be touched because something failed.
    pub blocked: usize,
    /// Whether the cluster keeps its hands off everything.
    pub maintenance: bool,
    /// Whether fencing is switched on.
    pub fencing: bool,
}

impl Summary {
    /// Reads what a document says of itself, without its nodes and resources.
    fn configured(cib: &Element) -> Self {
        let is_on = |name: &str, usual: bool| {
            property(cib, name).map_or(usual, |text| {
                matches!(text.to_lowercase().as_str(), "true" | "on" | "yes" | "y" | "1")
            })
        };
        let owned = |key: &str| cib.get(key).filter(|t| !t.is_empty()).map(str::to_owned);
        Self {
            stack: property(cib, "cluster-infrastructure").map(str::to_owned),
            dc: None,
            dc_version: property(cib, "dc-version").map(str::to_owned),
            quorate: cib.get("have-quorum").is_some_and(|text| text == "1" || text == "true"),
            last_change: LastChange {
                at: owned("cib-last-written"),
                user: owned("update-user"),
                client: owned("update-client"),
                node: owned("update-origin"),
            },
            nodes_configured: 0,
            instances: 0,
            disabled: 0,
            blocked: 0,
            maintenance: is_on("maintenance-mode", false),
            fencing: is_on("stonith-enabled", true),
        }
    }

    /// Reads a document of which the scheduler made a status.
    pub(crate) fn seen(cib: &Element, status: &pengine::status::Status) -> Self {
        let dc = status.nodes.iter().find(|node| node.dc);
        Self {
            dc: dc.map(|node| (node.name.clone(), node.id.clone())),
            nodes_configured: status.nodes.len(),
            instances: status.instances,
            disabled: status.disabled,
            blocked: status.blocked,
            maintenance: status.maintenance,
            fencing: status.fencing,
            ..Self::configured(cib)
        }
    }
}

/// The last change of a document.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct LastChange {
    /// When.
    pub at: Option<String>,
    /// By whom.
    pub user: Option<String>,
    /// With what.
    pub client: Option<String>,
    /// On which node.
    pub node: Option<String>,
}

/// Returns the value of a property of the cluster.
pub fn property<'a>(cib: &'a Element, name: &str) -> Option<&'a str> {
    cib.at(&["configuration", "crm_config"])?
        .children()
        .flat_map(Element::children)
        .find(|pair| pair.get("name") == Some(name))?
        .get("value")
}

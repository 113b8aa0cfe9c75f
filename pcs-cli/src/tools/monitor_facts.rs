//! What `crm_mon` shows beside nodes and resources: attributes, histories, tickets, bans.

use std::collections::BTreeMap;

use cib::Element;
use model::Score;
use view::summary::Status;

use super::resource_parameters::effective;

/// Attributes that are the cluster's own bookkeeping.
const HIDDEN: [&str; 7] =
    ["fail-count-", "last-failure-", "#", "shutdown", "terminate", "standby", "probe_complete"];

/// Returns the attributes of the nodes that are here and have any worth showing.
pub(crate) fn attributes(
    cib: &Element,
    status: &Status,
) -> Vec<(String, BTreeMap<String, String>)> {
    let mut all = Vec::new();
    for node in status.nodes.iter().filter(|node| node.online) {
        let configured = cib
            .at(&["configuration", "nodes"])
            .into_iter()
            .flat_map(|nodes| nodes.children_named("node"))
            .filter(|element| element.id() == Some(node.id.as_str()))
            .flat_map(|element| element.children_named("instance_attributes"))
            .flat_map(|set| set.children_named("nvpair"))
            .filter_map(|pair| Some((pair.get("name")?.to_owned(), pair.get("value")?.to_owned())));
        let mut shown: BTreeMap<String, String> = node.transient.clone();
        shown.extend(configured);
        shown.retain(|name, _| !HIDDEN.iter().any(|prefix| name.starts_with(prefix)));
        shown.retain(|name, _| name != "maintenance");
        if !shown.is_empty() {
            all.push((node.name.clone(), shown));
        }
    }
    all
}

/// What ran on a node.
pub(crate) struct NodeHistory<'a> {
    pub(crate) name: String,
    pub(crate) resources: Vec<ResourceHistory<'a>>,
}

/// What was done with a resource on a node.
pub(crate) struct ResourceHistory<'a> {
    pub(crate) id: String,
    pub(crate) orphaned: bool,
    pub(crate) threshold: String,
    pub(crate) fail_count: Option<String>,
    pub(crate) last_failure: Option<i64>,
    pub(crate) operations: Vec<&'a Element>,
}

/// Tells whether an operation only found out that there was nothing.
fn is_idle_probe(operation: &Element) -> bool {
    operation.get("operation") == Some("monitor")
        && matches!(operation.get("interval"), None | Some("0"))
        && operation.get("rc-code") == Some("7")
}

/// Returns the histories of the nodes that are here.
pub(crate) fn histories<'a>(cib: &'a Element, status: &Status) -> Vec<NodeHistory<'a>> {
    let counts = view::failures::fail_counts(cib);
    let mut all = Vec::new();
    let states = cib.child("status").into_iter().flat_map(|s| s.children_named("node_state"));
    for state in states {
        let name = state.get("uname").or(state.id()).unwrap_or_default();
        if !status.nodes.iter().any(|node| node.name == name && node.online) {
            continue;
        }
        let mut resources = Vec::new();
        let histories = state.at(&["lrm", "lrm_resources"]).into_iter().flat_map(Element::children);
        for history in histories {
            let mut operations: Vec<&Element> = history
                .children_named("lrm_rsc_op")
                .filter(|operation| !is_idle_probe(operation))
                .collect();
            operations.sort_by_key(|op| op.get("call-id").and_then(|id| id.parse::<i64>().ok()));
            let full = history.id().unwrap_or_default();
            let element = super::crm_resource::find(cib, full);
            let id = element.and_then(Element::id).unwrap_or(full);
            let own = || counts.iter().filter(|c| c.node == name && c.resource == id);
            if operations.is_empty() && own().next().is_none() {
                continue;
            }
            let total: Option<u64> = own().map(|count| count.count).sum();
            let fail_count = match (own().next(), total) {
                (None, _) | (_, Some(0)) => None,
                (_, Some(count)) => Some(count.to_string()),
                (_, None) => Some("INFINITY".to_owned()),
            };
            let threshold = element
                .and_then(|e| effective(cib, e, "meta_attributes", "migration-threshold"))
                .filter(|text| text != "INFINITY")
                .unwrap_or_else(|| "1000000".to_owned());
            resources.push(ResourceHistory {
                id: id.to_owned(),
                orphaned: element.is_none(),
                threshold,
                fail_count,
                last_failure: own().filter_map(|count| count.last).max(),
                operations,
            });
        }
        if !resources.is_empty() {
            all.push(NodeHistory { name: name.to_owned(), resources });
        }
    }
    all
}

/// A ticket.
pub(crate) struct Ticket {
    pub(crate) id: String,
    pub(crate) granted: bool,
    pub(crate) standby: bool,
    pub(crate) last_granted: Option<i64>,
}

/// Returns the tickets, by name.
pub(crate) fn tickets(cib: &Element) -> Vec<Ticket> {
    let states = cib.at(&["status", "tickets"]).into_iter().flat_map(Element::children);
    let mut all: Vec<Ticket> = states
        .filter(|state| state.name() == "ticket_state")
        .map(|state| {
            let holds = |key| state.get(key).is_some_and(pcs::options::is_true);
            Ticket {
                id: state.id().unwrap_or_default().to_owned(),
                granted: holds("granted"),
                standby: holds("standby"),
                last_granted: state.get("last-granted").and_then(|text| text.parse().ok()),
            }
        })
        .collect();
    all.sort_by(|a, b| a.id.cmp(&b.id));
    all
}

/// A constraint that keeps a resource off a node.
pub(crate) struct Ban {
    pub(crate) id: String,
    pub(crate) resource: String,
    pub(crate) node: String,
    pub(crate) weight: i64,
    pub(crate) promoted_only: bool,
}

/// Returns the constraints that keep resources off nodes.
pub(crate) fn bans(cib: &Element) -> Vec<Ban> {
    let constraints = cib.at(&["configuration", "constraints"]);
    constraints
        .into_iter()
        .flat_map(|all| all.children_named("rsc_location"))
        .filter_map(|constraint| {
            let score: Score = constraint.get("score")?.parse().ok()?;
            let weight = i64::from(score.value());
            (weight < 0).then_some(())?;
            Some(Ban {
                id: constraint.id()?.to_owned(),
                resource: constraint.get("rsc")?.to_owned(),
                node: constraint.get("node")?.to_owned(),
                weight,
                promoted_only: matches!(constraint.get("role"), Some("Promoted" | "Master")),
            })
        })
        .collect()
}

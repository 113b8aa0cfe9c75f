//! What `crm_mon` shows beside nodes and resources: attributes, histories, tickets, bans.

use std::collections::{BTreeMap, BTreeSet};

use cib::Element;
use model::Score;
use pengine::status::{NodeStatus, ResourceKind, ResourceStatus, Status};
use view::scope::Scope;
use view::seen::Seen;

use crate::clock;

use super::resource_parameters::{effective, effective_below};

/// Reads the state off a document, as of now.
pub(crate) fn seen(cib: &Element) -> Seen {
    let (now, options) = clock::engine();
    Seen::of(cib, now, &options)
}

/// Returns the nodes that a resource is active on, by name. A lost node counts while somebody waits
/// for its fencing.
pub(crate) fn active_nodes(cib: &Element, id: &str) -> Vec<String> {
    let mut found = BTreeSet::new();
    add_nodes(&seen(cib).status.resources, id, &mut found);
    found.into_iter().collect()
}

fn add_nodes(resources: &[ResourceStatus], id: &str, found: &mut BTreeSet<String>) {
    for resource in resources {
        let is_meant = resource.configured_id() == id;
        match resource.kind {
            // what makes a bundle is on the hosts of its containers
            ResourceKind::Bundle { .. } if is_meant => {
                found.extend(resource.children.iter().flat_map(|replica| replica.nodes.clone()));
            }
            _ if is_meant => found.extend(resource.nodes.iter().cloned()),
            _ => add_nodes(&resource.children, id, found),
        }
    }
}

/// Returns the nodes that instances of a promotable clone are active on, with their role: for the
/// clone's id, or the one of what is inside.
pub(crate) fn promotion(cib: &Element, id: &str) -> Vec<(String, String)> {
    let mut found = BTreeSet::new();
    add_roles(&seen(cib).status.resources, id, false, &mut found);
    found.into_iter().collect()
}

fn add_roles(
    resources: &[ResourceStatus],
    id: &str,
    inside: bool,
    found: &mut BTreeSet<(String, String)>,
) {
    for resource in resources {
        let is_meant = inside || resource.configured_id() == id;
        let has_role = matches!(resource.role.as_str(), "Promoted" | "Unpromoted");
        if is_meant && has_role && resource.children.is_empty() {
            let role = resource.role.to_lowercase();
            found.extend(resource.nodes.iter().map(|node| (role.clone(), node.clone())));
        }
        add_roles(&resource.children, id, is_meant, found);
    }
}

/// An attribute of a node.
pub(crate) struct Attribute<'a> {
    pub(crate) name: &'a str,
    pub(crate) value: &'a str,
    /// What it would be with all hosts that its resource asks within reach.
    pub(crate) expected: Option<i64>,
}

impl Attribute<'_> {
    /// What is to be said about it.
    pub(crate) fn remark(&self) -> String {
        let value = self.value.parse::<i64>().unwrap_or(0);
        match self.expected {
            Some(_) if value <= 0 => "\t: Connectivity is lost".to_owned(),
            Some(expected) if value < expected => {
                format!("\t: Connectivity is degraded (Expected={expected})")
            }
            _ => String::new(),
        }
    }
}

/// Attributes that are the cluster's own bookkeeping.
const HIDDEN: [&str; 5] = ["fail-count-", "last-failure-", "shutdown", "terminate", "standby"];

/// Returns the attributes of a node that are worth showing, by name.
pub(crate) fn attributes<'a>(cib: &Element, node: &'a NodeStatus) -> Vec<Attribute<'a>> {
    let shown = node
        .attributes
        .iter()
        .filter(|(name, _)| !HIDDEN.iter().any(|prefix| name.starts_with(prefix)));
    shown
        .map(|(name, value)| Attribute { name, value, expected: reachable(cib, node, name) })
        .collect()
}

/// Returns what an attribute is when every host answers that its ping resource on the node asks.
fn reachable(cib: &Element, node: &NodeStatus, attribute: &str) -> Option<i64> {
    let parameter =
        |primitive: &Element, name: &str| effective(cib, primitive, "instance_attributes", name);
    let is_here = |primitive: &Element| {
        let bases = node.running.iter().map(|id| id.split(':').next().unwrap_or_default());
        primitive.id().is_some_and(|id| bases.into_iter().any(|base| base == id))
    };
    let ping = pcs::resource::primitives(cib).find(|primitive| {
        matches!(primitive.get("type"), Some("ping" | "pingd"))
            && is_here(primitive)
            && parameter(primitive, "name").as_deref().unwrap_or("pingd") == attribute
    })?;
    let hosts = parameter(ping, "host_list").map_or(0, |hosts| hosts.split_whitespace().count());
    let multiplier = parameter(ping, "multiplier").and_then(|text| text.parse().ok()).unwrap_or(1);
    Some(i64::try_from(hosts).unwrap_or(i64::MAX).saturating_mul(multiplier))
}

/// Which histories are shown.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Histories<'a> {
    /// On which node, and of which resource.
    pub(crate) scope: Scope<'a>,
    /// Only of what failed, and no operations.
    pub(crate) failed_only: bool,
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

/// What histories are looked up in: there are as many of them as resources, and more.
struct Known<'a> {
    cib: &'a Element,
    status: &'a Status,
    /// Resources that hold no others, by the names that histories may have.
    by_history: BTreeMap<&'a str, &'a ResourceStatus>,
    /// The document's resources with what each lies in.
    configured: BTreeMap<&'a str, (&'a Element, Option<&'a Element>)>,
}

impl<'a> Known<'a> {
    fn of(cib: &'a Element, status: &'a Status) -> Self {
        let (by_history, configured) = (BTreeMap::new(), BTreeMap::new());
        let mut known = Self { cib, status, by_history, configured };
        known.add_leaves(&status.resources);
        if let Some(resources) = cib.at(&["configuration", "resources"]) {
            known.add_configured(resources, None);
        }
        known
    }

    fn add_leaves(&mut self, resources: &'a [ResourceStatus]) {
        for resource in resources {
            if resource.children.is_empty() {
                for name in [&resource.history_id, &resource.id] {
                    self.by_history.entry(name).or_insert(resource);
                }
            }
            self.add_leaves(&resource.children);
        }
    }

    fn add_configured(&mut self, within: &'a Element, parent: Option<&'a Element>) {
        for element in pcs::resource::members(within) {
            if let Some(id) = element.id() {
                self.configured.entry(id).or_insert((element, parent));
            }
            self.add_configured(element, Some(element));
        }
    }

    /// Returns how many failures make a resource leave a node.
    fn threshold(&self, id: &str) -> i64 {
        let instance = || {
            let (base, number) = id.rsplit_once(':')?;
            number.parse::<u32>().ok()?;
            self.configured.get(base)
        };
        let parent = |of: &str| self.configured.get(of).and_then(|(_, parent)| *parent);
        self.configured
            .get(id)
            .or_else(instance)
            .and_then(|(element, _)| {
                effective_below(self.cib, element, parent, "meta_attributes", "migration-threshold")
            })
            .and_then(|text| text.parse::<Score>().ok())
            .map_or(i64::from(Score::INFINITY.value()), |score| i64::from(score.value()))
    }
}

/// Returns what an operation did: what monitors once, before anything is known, is a probe.
pub(crate) fn task(operation: &Element) -> &str {
    match operation.get("operation").unwrap_or_default() {
        "monitor" if matches!(operation.get("interval"), None | Some("0")) => "probe",
        task => task,
    }
}

/// Returns the histories of the nodes that are here; none when none of them has a history.
pub(crate) fn histories<'a>(
    cib: &'a Element,
    status: &Status,
    wanted: &Histories<'_>,
) -> Option<Vec<NodeHistory<'a>>> {
    let known = Known::of(cib, status);
    let mut all = Vec::new();
    let mut any = false;
    let states = cib.child("status").into_iter().flat_map(|s| s.children_named("node_state"));
    for state in states {
        let name = state.get("uname").or(state.id()).unwrap_or_default();
        let online = status.nodes.iter().any(|node| node.name == name && node.online);
        if !online || !wanted.scope.has_node(name) {
            continue;
        }
        any = true;
        let mut resources = Vec::new();
        let histories = state.at(&["lrm", "lrm_resources"]).into_iter().flat_map(Element::children);
        for history in histories {
            let id = history.id().unwrap_or_default();
            if !wanted.scope.names(id) {
                continue;
            }
            resources.extend(resource_history(&known, name, history, wanted.failed_only));
        }
        if !resources.is_empty() {
            all.push(NodeHistory { name: name.to_owned(), resources });
        }
    }
    any.then_some(all)
}

fn resource_history<'a>(
    all: &Known<'_>,
    node: &str,
    history: &'a Element,
    failed_only: bool,
) -> Option<ResourceHistory<'a>> {
    let id = history.id().unwrap_or_default();
    let mut operations: Vec<&Element> = history
        .children_named("lrm_rsc_op")
        .filter(|operation| {
            !is_idle_probe(operation) && operation.get("operation") != Some("notify")
        })
        .collect();
    operations.sort_by_key(|op| op.get("call-id").and_then(|id| id.parse::<i64>().ok()));
    let known = all.by_history.get(id).copied();
    let named = known.map_or(id, |resource| resource.history_id.as_str());
    let count =
        all.status.fail_counts.iter().find(|count| count.node == node && count.resource == named);
    if (operations.is_empty() && count.is_none()) || (failed_only && count.is_none()) {
        return None;
    }
    let threshold = match count {
        Some(count) => count.threshold,
        None => all.threshold(id),
    };
    Some(ResourceHistory {
        id: known.map_or(id, |resource| resource.name.as_str()).to_owned(),
        orphaned: known.is_none(),
        threshold: threshold.to_string(),
        fail_count: count.map(|count| Score::new(count.count).to_string()),
        last_failure: count.and_then(|count| count.last_failure),
        operations: if failed_only { Vec::new() } else { operations },
    })
}

#[cfg(test)]
mod tests {
    use super::active_nodes;

    #[test]
    fn the_last_operation_decides_and_what_a_lost_node_ran_is_gone() {
        let here = r#"in_ccm="true" crmd="online" join="member" expected="member""#;
        let lost = r#"in_ccm="false" crmd="offline" join="down" expected="member""#;
        let operation = |name: &str, call: u32| {
            format!(
                r#"<lrm_rsc_op id="A_{name}_0" operation="{name}" operation_key="A_{name}_0" call-id="{call}" rc-code="0"
                op-status="0" interval="0" transition-key="{call}:1:0:u" transition-magic="0:0;{call}:1:0:u"/>"#
            )
        };
        let state = |id: u32, attributes: &str, operations: &str| {
            format!(
                r#"<node_state id="{id}" uname="n{id}" {attributes}><lrm id="{id}"><lrm_resources><lrm_resource id="A"
                class="ocf" provider="pacemaker" type="Dummy">{operations}</lrm_resource></lrm_resources></lrm></node_state>"#
            )
        };
        let started = operation("start", 3);
        let stopped = operation("stop", 9);
        let cib = |fencing: bool| {
            let text = format!(
                r#"<cib have-quorum="1"><configuration><crm_config><cluster_property_set id="s">
                <nvpair id="f" name="stonith-enabled" value="{fencing}"/></cluster_property_set></crm_config>
                <nodes><node id="1" uname="n1"/><node id="2" uname="n2"/><node id="3" uname="n3"/></nodes>
                <resources><group id="G"><primitive id="A" class="ocf" provider="pacemaker" type="Dummy"/></group></resources>
                </configuration><status>{}{}{}</status></cib>"#,
                state(1, here, &format!("{stopped}{started}")),
                state(2, here, &started),
                state(3, lost, &started)
            );
            cib::parse(&text).unwrap()
        };
        assert_eq!(active_nodes(&cib(false), "G"), ["n2"]);
        // it may still run there, until it is fenced
        assert_eq!(active_nodes(&cib(true), "A"), ["n2", "n3"]);
    }
}

//! What the controller itself reads in the configuration.

use std::collections::{BTreeMap, BTreeSet};

use cib::Element;
use model::{Interval, NodeId, NodeName};

/// The cluster's options as far as the controller obeys them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// `stonith-enabled`.
    pub fencing: bool,
    /// Whether any fence device is configured.
    pub fence_device: bool,
    /// `no-quorum-policy`.
    pub no_quorum_policy: String,
    /// `maintenance-mode`.
    pub maintenance: bool,
    /// `start-failure-is-fatal`.
    pub start_failure_is_fatal: bool,
    /// `dc-deadtime` in milliseconds.
    pub dc_deadtime_ms: u64,
    /// `cluster-recheck-interval` in milliseconds; 0 = never.
    pub recheck_ms: u64,
    /// `shutdown-escalation` in milliseconds.
    pub shutdown_escalation_ms: u64,
    /// `batch-limit`; none = as much as the hands take.
    pub batch_limit: Option<usize>,
    /// `migration-limit`; none = no limit.
    pub migration_limit: Option<usize>,
    /// `node-action-limit`; none = the hands' own.
    pub node_action_limit: Option<usize>,
    /// All properties as written.
    pub properties: BTreeMap<String, String>,
    /// `<node id uname>` entries.
    pub nodes: BTreeMap<NodeId, NodeName>,
}

/// The set whose values count before those of any other.
const FIRST_SET: &str = "cib-bootstrap-options";

impl Options {
    /// Tells whether a partition without quorum is to act as if it had one (`ignore`).
    pub fn ignores_quorum(&self) -> bool {
        self.no_quorum_policy == "ignore"
    }

    /// Reads a configuration; what is missing or unreadable has its default.
    pub fn read(config: &Element) -> Self {
        let properties = properties(config);
        let get = |names: &[&str]| names.iter().find_map(|name| properties.get(*name).cloned());
        let flag = |names: &[&str], default| get(names).map_or(default, |v| truth(&v, default));
        let span = |name: &str, default: u64| {
            get(&[name]).and_then(|v| v.parse().ok()).map_or(default, |Interval(ms)| ms)
        };
        let limit = |name: &str| {
            get(&[name]).and_then(|v| v.parse::<i64>().ok()).and_then(|n| usize::try_from(n).ok())
        };
        let positive = |name: &str| limit(name).filter(|n| *n > 0);
        Self {
            fencing: flag(&["stonith-enabled", "fencing-enabled"], true),
            fence_device: config
                .at(&["configuration", "resources"])
                .into_iter()
                .flat_map(Element::descendants)
                .any(|e| e.name() == "primitive" && e.get("class") == Some("stonith")),
            no_quorum_policy: get(&["no-quorum-policy"]).unwrap_or_else(|| "stop".to_owned()),
            maintenance: flag(&["maintenance-mode"], false),
            start_failure_is_fatal: flag(&["start-failure-is-fatal"], true),
            dc_deadtime_ms: span("dc-deadtime", 20_000),
            recheck_ms: span("cluster-recheck-interval", 15 * 60_000),
            shutdown_escalation_ms: span("shutdown-escalation", 20 * 60_000),
            batch_limit: positive("batch-limit"),
            // -1, the default, is no limit; 0 forbids migrations
            migration_limit: limit("migration-limit"),
            node_action_limit: positive("node-action-limit"),
            nodes: config
                .at(&["configuration", "nodes"])
                .into_iter()
                .flat_map(|nodes| nodes.children_named("node"))
                .filter_map(|node| {
                    let id = node.id()?.parse().ok()?;
                    Some((NodeId(id), node.get("uname")?.into()))
                })
                .collect(),
            properties,
        }
    }
}

impl Default for Options {
    fn default() -> Self {
        Self::read(&Element::new("cib"))
    }
}

/// Returns the cluster properties; sets with rules are left to the engine.
fn properties(config: &Element) -> BTreeMap<String, String> {
    let sets: Vec<&Element> = config
        .at(&["configuration", "crm_config"])
        .into_iter()
        .flat_map(|crm_config| crm_config.children_named("cluster_property_set"))
        .filter(|set| set.child("rule").is_none())
        .collect();
    let first = sets.iter().filter(|set| set.id() == Some(FIRST_SET));
    let others = sets.iter().filter(|set| set.id() != Some(FIRST_SET));
    let mut found = BTreeMap::new();
    for pair in first.chain(others).flat_map(|set| set.children_named("nvpair")) {
        if let (Some(name), Some(value)) = (pair.get("name"), pair.get("value")) {
            found.entry(name.to_owned()).or_insert_with(|| value.to_owned());
        }
    }
    found
}

fn truth(text: &str, default: bool) -> bool {
    match text.to_ascii_lowercase().as_str() {
        "true" | "on" | "yes" | "y" | "1" => true,
        "false" | "off" | "no" | "n" | "0" => false,
        _ => default,
    }
}

/// Returns the primitives that a resource's id stands for: itself, or what is inside a group, clone
/// or bundle.
pub(super) fn primitives_of(config: &Element, id: &str) -> BTreeSet<String> {
    config
        .at(&["configuration", "resources"])
        .and_then(|resources| resources.find_id(id))
        .into_iter()
        .flat_map(Element::descendants)
        .filter(|element| element.name() == "primitive")
        .filter_map(|primitive| primitive.id().map(str::to_owned))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bootstrap_set_counts_first_and_defaults_fill_the_rest() {
        let config = cib::parse(
            r#"<cib><configuration><crm_config>
            <cluster_property_set id="other"><nvpair id="a" name="stonith-enabled" value="true"/>
              <nvpair id="b" name="dc-deadtime" value="5s"/></cluster_property_set>
            <cluster_property_set id="cib-bootstrap-options">
              <nvpair id="c" name="stonith-enabled" value="false"/>
              <nvpair id="d" name="migration-limit" value="-1"/>
              <nvpair id="e" name="batch-limit" value="7"/></cluster_property_set>
            </crm_config><nodes><node id="2" uname="ser2"/></nodes></configuration></cib>"#,
        )
        .unwrap();
        let options = Options::read(&config);
        assert!(!options.fencing);
        assert_eq!(options.dc_deadtime_ms, 5000);
        assert_eq!((options.migration_limit, options.batch_limit), (None, Some(7)));
        assert_eq!(options.recheck_ms, 900_000);
        assert_eq!(options.nodes[&NodeId(2)].as_str(), "ser2");
    }
}

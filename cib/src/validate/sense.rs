//! Mistakes in documents that are valid: what is said makes no sense, or not what was meant.

use std::collections::{BTreeMap, BTreeSet};

use model::Interval;

use crate::tree::Element;

use super::{Finding, Level, describe, nearest};

/// Returns what makes no sense in a valid document, in document order.
pub fn sense(document: &Element) -> Vec<Finding> {
    let Some(configuration) = document.child("configuration") else { return Vec::new() };
    let mut sense = Sense { configuration, findings: Vec::new() };
    sense.fencing();
    sense.options();
    sense.resources();
    sense.constraints();
    sense.findings.sort_by_key(|finding| finding.line);
    sense.findings
}

/// Cluster options that are yes or no.
const BOOLEAN_OPTIONS: [&str; 13] = [
    "concurrent-fencing",
    "enable-acl",
    "fencing-enabled",
    "maintenance-mode",
    "node-pending-timeout-fencing",
    "shutdown-lock",
    "start-failure-is-fatal",
    "startup-fencing",
    "stonith-enabled",
    "stop-all-resources",
    "stop-orphan-actions",
    "stop-orphan-resources",
    "symmetric-cluster",
];

struct Sense<'a> {
    configuration: &'a Element,
    findings: Vec<Finding>,
}

fn is_true(value: &str) -> Option<bool> {
    match value.to_ascii_lowercase().as_str() {
        "true" | "on" | "yes" | "y" | "1" => Some(true),
        "false" | "off" | "no" | "n" | "0" => Some(false),
        _ => None,
    }
}

/// Finds a value in one of an element's own sets of one kind.
fn value_of<'a>(element: &'a Element, set: &str, name: &str) -> Option<(&'a Element, &'a str)> {
    element
        .children()
        .filter(|child| child.name() == set)
        .flat_map(Element::children)
        .find(|pair| pair.get("name") == Some(name))
        .and_then(|pair| Some((pair, pair.get("value")?)))
}

impl<'a> Sense<'a> {
    fn say(&mut self, level: Level, element: &Element, text: String) {
        self.findings.push(Finding { level, line: element.line(), text });
    }

    fn option(&self, name: &str) -> Option<(&'a Element, &'a str)> {
        value_of(self.configuration.child("crm_config")?, "cluster_property_set", name)
    }

    fn all_resources(&self) -> impl Iterator<Item = &'a Element> + use<'a> {
        self.configuration.child("resources").into_iter().flat_map(Element::descendants).filter(
            |e| {
                matches!(
                    e.name(),
                    "primitive" | "group" | "clone" | "master" | "bundle" | "template"
                )
            },
        )
    }

    fn fencing(&mut self) {
        let enabled = self.option("fencing-enabled").or_else(|| self.option("stonith-enabled"));
        let enabled = enabled.and_then(|(_, v)| is_true(v)).unwrap_or(true);
        let has_device =
            self.all_resources().any(|resource| resource.get("class") == Some("stonith"));
        if !enabled || has_device {
            return;
        }
        let at = self.configuration.child("resources").unwrap_or(self.configuration);
        for text in [
            "Resource start-up disabled since no STONITH resources have been defined",
            "Either configure some or disable STONITH with the stonith-enabled option",
            "NOTE: Clusters with shared data need STONITH to ensure data integrity",
        ] {
            self.say(Level::Error, at, text.to_owned());
        }
    }

    fn options(&mut self) {
        for name in BOOLEAN_OPTIONS {
            if let Some((pair, value)) = self.option(name)
                && is_true(value).is_none()
            {
                self.say(
                    Level::Error,
                    pair,
                    format!("the cluster option `{name}` is `{value}`, but must be true or false"),
                );
            }
        }
        const POLICIES: [&str; 6] = ["ignore", "freeze", "stop", "demote", "suicide", "fence"];
        if let Some((pair, value)) = self.option("no-quorum-policy")
            && !POLICIES.contains(&value)
        {
            let text = format!(
                "the cluster option `no-quorum-policy` is `{value}`, but must be one of {}",
                POLICIES.join(", ")
            );
            self.say(Level::Error, pair, text);
        }
    }

    fn resources(&mut self) {
        let resources: Vec<_> = self.all_resources().collect();
        for resource in &resources {
            if let Some(operations) = resource.child("operations") {
                self.operations(resource, operations);
            }
        }
        let promotable: BTreeSet<&str> = resources
            .iter()
            .filter(|clone| {
                clone.name() == "master"
                    || value_of(clone, "meta_attributes", "promotable")
                        .and_then(|(_, v)| is_true(v))
                        .unwrap_or(false)
            })
            .flat_map(|clone| clone.descendants())
            .chain(
                // what a bundle holds is promotable when the bundle says so
                resources.iter().filter(|r| r.name() == "bundle").flat_map(|b| b.descendants()),
            )
            .filter_map(Element::id)
            .collect();
        for resource in resources {
            let Some((pair, role)) = value_of(resource, "meta_attributes", "target-role") else {
                continue;
            };
            let id = resource.id().unwrap_or_default();
            let promoted = match role.to_ascii_lowercase().as_str() {
                "promoted" | "unpromoted" | "master" | "slave" => true,
                "started" | "stopped" => false,
                _ => {
                    let text = format!(
                        "Ignoring 'target-role' for {id} because '{role}' is no role; use Started, \
                         Stopped, Promoted or Unpromoted"
                    );
                    self.say(Level::Error, pair, text);
                    continue;
                }
            };
            if promoted && !promotable.contains(id) {
                self.say(
                    Level::Error,
                    pair,
                    format!(
                        "Ignoring 'target-role' for {id} because '{role}' only makes sense for \
                         promotable clones"
                    ),
                );
            }
        }
    }

    fn operations(&mut self, resource: &Element, operations: &'a Element) {
        let mut seen: BTreeMap<(&str, u64), &Element> = BTreeMap::new();
        for operation in operations.children_named("op") {
            let name = operation.get("name").unwrap_or_default();
            let written = operation.get("interval").unwrap_or_default();
            let Ok(interval) = written.parse::<Interval>() else {
                self.say(
                    Level::Warning,
                    operation,
                    format!(
                        "`interval` of {} is `{written}`, but must be a span of time like 30s",
                        describe(operation)
                    ),
                );
                continue;
            };
            if let Some(timeout) = operation.get("timeout")
                && timeout.parse::<Interval>().is_err()
            {
                let text = format!(
                    "`timeout` of {} is `{timeout}`, but must be a span of time like 30s",
                    describe(operation)
                );
                self.say(Level::Warning, operation, text);
            }
            if let Some(other) = seen.insert((name, interval.0), operation) {
                let text = format!(
                    "Operation {} is duplicate of {} (do not use same name and interval \
                     combination more than once per resource)",
                    operation.id().unwrap_or_default(),
                    other.id().unwrap_or_default()
                );
                self.say(Level::Error, operation, text);
            }
            if name == "stop"
                && let Some(wrong @ ("stop" | "restart" | "standby" | "demote")) =
                    operation.get("on-fail")
                && wrong != "standby"
            {
                let text = format!(
                    "Resetting 'on-fail' for {} stop action to default value because '{wrong}' is \
                     not allowed for stop",
                    resource.id().unwrap_or_default()
                );
                self.say(Level::Error, operation, text);
            }
        }
    }

    fn constraints(&mut self) {
        let resources: BTreeSet<&str> = self.all_resources().filter_map(Element::id).collect();
        let tags = self.configuration.child("tags");
        let known: BTreeSet<&str> = tags
            .into_iter()
            .flat_map(Element::children)
            .filter_map(Element::id)
            .chain(resources.iter().copied())
            .collect();
        let Some(constraints) = self.configuration.child("constraints") else { return };
        let nodes = self.node_names();
        for element in constraints.descendants() {
            for name in ["rsc", "with-rsc", "first", "then"] {
                if let Some(value) = element.get(name)
                    && !known.contains(value)
                {
                    self.no_resource(element, name, value, &known);
                }
            }
            if element.name() == "resource_ref"
                && let Some(value) = element.id()
                && !known.contains(value)
            {
                self.no_resource(element, "id", value, &known);
            }
            if element.name() == "rsc_location"
                && let Some(node) = element.get("node")
                && !nodes.is_empty()
                && !nodes.contains(node)
            {
                let near = nearest(node, nodes.iter().copied());
                let hint = near.map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
                let text = format!(
                    "{} names the node `{node}`, which is not known{hint}",
                    describe(element)
                );
                self.say(Level::Warning, element, text);
            }
        }
    }

    fn no_resource(&mut self, element: &Element, name: &str, value: &str, known: &BTreeSet<&str>) {
        let near = nearest(value, known.iter().copied());
        let hint = near.map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
        let text = format!(
            "`{name}` of {} is `{value}`, which is not a resource{hint}",
            describe(element)
        );
        self.say(Level::Error, element, text);
    }

    /// Names of cluster nodes, and of what runs as a remote or guest node.
    fn node_names(&self) -> BTreeSet<&'a str> {
        let nodes = self.configuration.child("nodes").into_iter().flat_map(Element::children);
        let remote = self.all_resources().filter_map(|resource| {
            let guest = value_of(resource, "meta_attributes", "remote-node").map(|(_, name)| name);
            let own = (resource.get("type") == Some("remote")).then(|| resource.id()).flatten();
            guest.or(own)
        });
        nodes.filter_map(|node| node.get("uname")).chain(remote).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::{Level, sense};
    use crate::parse;

    fn check(options: &str, resources: &str, constraints: &str, expected: &[(Level, &str)]) {
        let document = parse(&format!(
            "<cib><configuration><crm_config><cluster_property_set id=\"o\">{options}</cluster_property_set></crm_config>\
             <nodes><node id=\"1\" uname=\"n1\"/></nodes><resources>{resources}</resources>\
             <constraints>{constraints}</constraints></configuration><status/></cib>"
        ))
        .unwrap();
        let found = sense(&document);
        let told: Vec<_> = found.iter().map(|f| (f.level, f.text.as_str())).collect();
        assert_eq!(told, expected);
    }

    const NO_FENCING: &str = "<nvpair id=\"s\" name=\"stonith-enabled\" value=\"false\"/>";

    #[test]
    fn fencing_without_a_device_keeps_everything_down() {
        let first = "Resource start-up disabled since no STONITH resources have been defined";
        let document = parse("<cib><configuration><resources/></configuration></cib>").unwrap();
        assert_eq!(sense(&document)[0].text, first);
        check(NO_FENCING, "", "", &[]);
        check("", "<primitive id=\"f\" class=\"stonith\" type=\"x\"/>", "", &[]);
    }

    #[test]
    fn slips_in_options_and_operations_are_told() {
        check(
            "<nvpair id=\"s\" name=\"stonith-enabled\" value=\"false\"/>\
             <nvpair id=\"m\" name=\"maintenance-mode\" value=\"maybe\"/>",
            "<primitive id=\"p\"><meta_attributes id=\"m\"><nvpair id=\"t\" name=\"target-role\" value=\"Promoted\"/></meta_attributes>\
             <operations><op id=\"o1\" name=\"monitor\" interval=\"10s\"/><op id=\"o2\" name=\"monitor\" interval=\"10000ms\"/>\
             <op id=\"o3\" name=\"stop\" interval=\"0\" on-fail=\"stop\" timeout=\"soon\"/></operations></primitive>",
            "",
            &[
                (
                    Level::Error,
                    "the cluster option `maintenance-mode` is `maybe`, but must be true or false",
                ),
                (
                    Level::Error,
                    "Operation o2 is duplicate of o1 (do not use same name and interval combination more than once per resource)",
                ),
                (
                    Level::Warning,
                    "`timeout` of <op id=\"o3\"> is `soon`, but must be a span of time like 30s",
                ),
                (
                    Level::Error,
                    "Resetting 'on-fail' for p stop action to default value because 'stop' is not allowed for stop",
                ),
                (
                    Level::Error,
                    "Ignoring 'target-role' for p because 'Promoted' only makes sense for promotable clones",
                ),
            ],
        );
    }

    #[test]
    fn constraints_must_name_resources_and_should_name_nodes() {
        check(
            NO_FENCING,
            "<primitive id=\"web\"/>",
            "<rsc_location id=\"l\" rsc=\"o\" node=\"n2\" score=\"1\"/>",
            &[
                (Level::Error, "`rsc` of <rsc_location id=\"l\"> is `o`, which is not a resource"),
                (
                    Level::Warning,
                    "<rsc_location id=\"l\"> names the node `n2`, which is not known; did you mean `n1`?",
                ),
            ],
        );
    }
}

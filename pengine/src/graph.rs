//! The last phase: the transition graph as the controller reads it.

use std::collections::BTreeMap;

use cib::Element;

use crate::action::{Edge, key_text};
use crate::cluster::Variant;
use crate::in_graph;
use crate::index::{ActionIx, ResourceIx};
use crate::order::Ordered;
use crate::place::Placed;
use crate::plan::{Dot, Options, Plan, Report};
use crate::task;

/// Builds the plan.
pub(crate) fn build(ordered: Ordered, options: &Options) -> Plan {
    let mut graph = Graph { ordered };
    let xml = graph.write(options);
    let cluster = &graph.placed().cluster;
    let report = Report {
        actions: crate::summary::lines(&graph.ordered.planned),
        messages: cluster.messages.clone(),
        recheck_by: cluster.recheck_by,
        disabled: cluster.disabled_count,
        blocked: cluster.blocked_count,
    };
    let dot = match options.dot {
        Dot::None => String::new(),
        Dot::Needed => crate::dot::write(&graph, false),
        Dot::All => crate::dot::write(&graph, true),
    };
    Plan {
        dot,
        scores: std::mem::take(&mut graph.placed_mut().lines),
        utilization: std::mem::take(&mut graph.placed_mut().utilization_lines),
        graph: xml,
        report,
    }
}

/// The graph while it is being written.
#[derive(Debug)]
pub(crate) struct Graph {
    pub(crate) ordered: Ordered,
}

impl Graph {
    pub(crate) fn placed(&self) -> &Placed {
        &self.ordered.planned.placed
    }

    pub(crate) fn placed_mut(&mut self) -> &mut Placed {
        &mut self.ordered.planned.placed
    }

    fn write(&mut self, options: &Options) -> Element {
        let properties = &self.placed().cluster.properties;
        let text = |name: &str, default: &str| {
            properties.all.get(name).map_or(default, String::as_str).to_owned()
        };
        let mut root = Element::new("transition_graph")
            .with("cluster-delay", text("cluster-delay", "60s"))
            .with("fencing-timeout", properties.fencing_timeout.as_str())
            .with("failed-stop-offset", "INFINITY")
            .with(
                "failed-start-offset",
                if properties.start_failure_is_fatal { "INFINITY" } else { "1" },
            )
            .with("batch-limit", text("batch-limit", "0"));
        root.set("transition_id", options.transition.unwrap_or(1).to_string());
        let migrations = text("migration-limit", "");
        if migrations.parse::<i64>().is_ok_and(|limit| limit >= 0) {
            root.set("migration-limit", migrations);
        }
        if let Some(when) = self.placed().cluster.recheck_by {
            root.set("recheck-by", when.to_string());
        }
        let mut synapses = Vec::new();
        for rsc in self.placed().cluster.top.clone() {
            self.add_resource(rsc, &mut synapses);
        }
        crate::maintenance_update::add(self, &mut synapses);
        for action in crate::order::newest_first(&self.placed().book) {
            self.add(action, &mut synapses);
        }
        for (number, mut synapse) in synapses.into_iter().enumerate() {
            let priority = synapse.unset("priority");
            synapse.set("id", number.to_string());
            if let Some(priority) = priority {
                synapse.set("priority", priority);
            }
            root.push(synapse);
        }
        root
    }

    fn add_resource(&mut self, rsc: ResourceIx, synapses: &mut Vec<Element>) {
        if self.placed().cluster[rsc].is_bundle() {
            // its own actions, all of them points in time, come after all resources
            for part in crate::bundle_place::parts(&self.placed().cluster, rsc) {
                self.add_resource(part, synapses);
            }
            return;
        }
        if self.placed().cluster[rsc].is_clone() {
            let planned = &mut self.ordered.planned;
            for action in planned.placed.book.of_resource(rsc).to_vec().into_iter().rev() {
                planned.flags_of(action, None);
            }
            crate::notify::complete(planned, rsc);
            // its points in time come after what its instances do
            self.add_children(rsc, synapses);
        }
        for action in self.placed().book.of_resource(rsc).to_vec().into_iter().rev() {
            self.add(action, synapses);
        }
        self.add_children(rsc, synapses);
    }

    fn add_children(&mut self, rsc: ResourceIx, synapses: &mut Vec<Element>) {
        for child in self.placed().cluster[rsc].children.clone() {
            self.add_resource(child, synapses);
        }
    }

    /// Sorts an action's inputs and leaves one of each.
    fn dedupe(&mut self, action: ActionIx) {
        let book = &mut self.placed_mut().book;
        if book[action].processed {
            return;
        }
        book[action].processed = true;
        let mut before = std::mem::take(&mut book[action].before);
        before.sort_by_key(|edge| edge.other);
        let mut unique: Vec<Edge> = Vec::with_capacity(before.len());
        for edge in before {
            match unique.last_mut() {
                Some(last) if last.other == edge.other => {
                    last.flags |= edge.flags;
                    last.in_graph |= edge.in_graph;
                }
                _ => unique.push(edge),
            }
        }
        book[action].before = unique;
    }

    fn add(&mut self, action: ActionIx, synapses: &mut Vec<Element>) {
        self.dedupe(action);
        if self.placed().book[action].in_graph || !in_graph::action(self.placed(), action) {
            return;
        }
        self.placed_mut().book[action].in_graph = true;
        let priority = self.priority(action);
        let mut synapse = Element::new("synapse");
        if priority > 0 {
            synapse.set("priority", priority.to_string());
        }
        let mut set = Element::new("action_set");
        set.push(self.action_element(action, false));
        synapse.push(set);
        let mut inputs = Element::new("inputs");
        for at in 0..self.placed().book[action].before.len() {
            if in_graph::input(self.placed_mut(), action, at) {
                self.placed_mut().book[action].before[at].in_graph = true;
                let other = self.placed().book[action].before[at].other;
                let mut trigger = Element::new("trigger");
                trigger.push(self.action_element(other, true));
                inputs.push(trigger);
            }
        }
        synapse.push(inputs);
        synapses.push(synapse);
    }

    fn priority(&self, action: ActionIx) -> i64 {
        let known = &self.placed().book[action];
        let of_resource = known.resource.map_or(0, |rsc| self.placed().cluster[rsc].priority);
        known.priority.max(of_resource).max(0)
    }

    /// The action as the graph has it.
    pub(crate) fn action_element(&mut self, action: ActionIx, brief: bool) -> Element {
        let known = self.placed().book[action].clone();
        let cluster = &self.placed().cluster;
        let name = if known.pseudo {
            "pseudo_event"
        } else if matches!(
            known.task,
            task::STONITH | task::SHUTDOWN | task::CLEAR_FAILCOUNT | task::LRM_DELETE
        ) {
            "crm_event"
        } else {
            "rsc_op"
        };
        let mut element = Element::new(name);
        if known.task == task::LRM_DELETE {
            element.set("mode", "cib");
        }
        element.set("id", (action.position() + 1).to_string());
        match &known.name {
            // points that stand for themselves are their own operation
            Some(name) if known.pseudo && known.task != task::STONITH => {
                element.set("operation", name.as_str());
            }
            _ => element.set("operation", known.task),
        }
        let key = self.placed().book.key_text(cluster, action);
        let history = known.resource.and_then(|rsc| cluster[rsc].history_name.clone());
        match &history {
            Some(history) if known.name.is_none() => {
                element.set("operation_key", historical_key(history, &known));
                element.set("internal_operation_key", key);
            }
            _ => element.set("operation_key", key),
        }
        let with_node = !known.pseudo || known.task == task::STONITH;
        let router = crate::remote_order::router(&self.ordered.planned, action);
        if let (true, Some(node)) = (with_node, known.node) {
            element.set("on_node", cluster[node].name.as_str());
            element.set("on_node_uuid", cluster[node].id.as_str());
            if let Some(router) = router {
                element.set("router_node", cluster[router].name.as_str());
            }
        }
        if brief {
            return element;
        }
        let with_resource = !known.pseudo;
        if let (true, Some(rsc)) = (with_resource, known.resource) {
            if (known.task == task::DELETE || known.task == task::STOP)
                && let Some(lock) = crate::remote_order::shutdown_lock(cluster, rsc, &known)
            {
                element.set("shutdown-lock", lock);
            }
            let cluster = &self.placed().cluster;
            let one = &cluster[rsc];
            let mut primitive = Element::new("primitive");
            let xml_id = one.xml.id().unwrap_or_default();
            if one.removed && one.history_name.is_some() {
                primitive.set("id", one.history_id());
                primitive.set("long-id", one.id.as_str());
            } else if one.unique {
                primitive.set("id", one.id.as_str());
            } else {
                primitive.set("id", xml_id);
                match &one.history_name {
                    Some(history) if history != xml_id => {
                        primitive.set("long-id", history.as_str())
                    }
                    _ => primitive.set("long-id", one.id.as_str()),
                }
            }
            for attribute in ["class", "provider", "type"] {
                if let Some(value) = one.xml.get(attribute) {
                    primitive.set(attribute, value);
                }
            }
            element.push(primitive);
        }
        element.push(self.attributes(action, with_node));
        if let Some(downed) = self.downed(action) {
            element.push(downed);
        }
        element
    }

    fn attributes(&mut self, action: ActionIx, with_node: bool) -> Element {
        let known = self.placed().book[action].clone();
        let mut all: BTreeMap<String, String> = BTreeMap::new();
        for (name, value) in &known.parameters {
            all.insert(name.clone(), value.clone());
        }
        if let Some(rsc) = known.resource {
            let placed = self.placed_mut();
            if placed.cluster[rsc].is_primitive() {
                let mut parameters = placed.cluster.parameters(rsc, known.node);
                crate::bundle_remote::fill_address(&placed.cluster, rsc, &mut parameters);
                // what the operation itself sets goes before the resource's
                if let Some(config) = crate::operation::configured(&placed.cluster, rsc, known.key)
                {
                    let mut own = crate::rules::Pairs::new();
                    crate::pairs::collect(
                        &config,
                        "instance_attributes",
                        &placed.cluster.context(),
                        None,
                        &mut own,
                        &mut None,
                    );
                    for (name, value) in own {
                        all.entry(name).or_insert(value);
                    }
                }
                for (name, value) in parameters {
                    all.entry(name).or_insert(value);
                }
                if let Some(address) = placed.cluster[rsc].meta.get("external-ip") {
                    all.insert("pcmk_external_ip".to_owned(), address.clone());
                }
            }
        }
        let mut meta = |name: &str, value: &str| {
            all.insert(format!("CRM_meta_{}", name.replace('-', "_")), value.to_owned());
        };
        for (name, value) in &known.meta {
            meta(name, value);
        }
        let cluster = &self.placed().cluster;
        if let (true, Some(node)) = (with_node, known.node) {
            meta("on_node", &cluster[node].name);
            meta("on_node_uuid", &cluster[node].id);
        }
        let mut at = known.resource;
        while let Some(rsc) = at {
            let one = &cluster[rsc];
            match &one.variant {
                Variant::Primitive => {
                    if let Some(number) = one.meta.get("clone") {
                        meta("clone", number);
                    }
                    if let Some(remote) = one.meta.get("remote-node") {
                        meta("remote-node", remote);
                    }
                    let mut above = Some(rsc);
                    while let Some(part) = above {
                        if let Some(container) = cluster[part].container {
                            meta("container", &cluster[container].id);
                        }
                        above = cluster[part].parent;
                    }
                }
                Variant::Group { .. } | Variant::Bundle(_) => {}
                Variant::Clone(info) => {
                    meta("globally-unique", if one.unique { "true" } else { "false" });
                    meta("notify", if one.notify { "true" } else { "false" });
                    meta("clone-max", &info.max.to_string());
                    meta("clone-node-max", &info.node_max.to_string());
                    if info.promotable {
                        meta("promoted-max", &info.promoted_max.to_string());
                        meta("master-max", &info.promoted_max.to_string());
                        meta("promoted-node-max", &info.promoted_node_max.to_string());
                        meta("master-node-max", &info.promoted_node_max.to_string());
                    }
                }
            }
            at = one.parent;
        }
        crate::remote_order::guest_meta(&self.ordered.planned, action, &mut all);
        let mut element = Element::new("attributes");
        for (name, value) in all {
            if name.starts_with(|first: char| first.is_ascii_digit()) {
                // no name for an attribute; very old agents have such parameters
                let parameter = Element::new("param").with("name", name).with("value", value);
                element.push(parameter);
            } else {
                element.set(&name, value);
            }
        }
        element
    }

    fn downed(&self, action: ActionIx) -> Option<Element> {
        let (cluster, known) = (&self.placed().cluster, &self.placed().book[action]);
        let entry = |id: &str| Element::new("node").with("id", id);
        let mut downed = Element::new("downed");
        match known.task {
            task::SHUTDOWN => downed.push(entry(&cluster[known.node?].id)),
            task::STONITH => {
                let how = known.meta.get("stonith_action").map(String::as_str);
                if !matches!(how, Some("off" | "reboot" | "poweroff")) {
                    return None;
                }
                let node = known.node?;
                downed.push(entry(&cluster[node].id));
                for &guest in &cluster.node_order {
                    let here = cluster
                        .guest_container(guest)
                        .is_some_and(|container| cluster[container].running_on.contains(&node));
                    if here && guest != node {
                        downed.push(entry(&cluster[guest].id));
                    }
                }
            }
            task::STOP => {
                let rsc = known.resource?;
                if !cluster[rsc].is_remote || known.pseudo {
                    return None;
                }
                // the connection may only be on its way elsewhere
                let moving = self.placed().book.of_resource(rsc).iter().any(|other| {
                    let other = &self.placed().book[*other];
                    other.task == task::MIGRATE_FROM && other.in_graph_soon()
                });
                if moving {
                    return None;
                }
                let node = cluster.find_node(None, Some(&cluster[rsc].id))?;
                downed.push(entry(&cluster[node].id));
            }
            _ => return None,
        }
        Some(downed)
    }

    /// Whether a relation is in the graph.
    pub(crate) fn in_graph(&self, action: ActionIx, at: usize) -> bool {
        self.placed().book[action].before[at].in_graph
    }
}

impl crate::action::Action {
    fn in_graph_soon(&self) -> bool {
        self.in_graph || (self.runnable && !self.optional)
    }
}

/// An action's key as the history of its resource will have it.
fn historical_key(history: &str, action: &crate::action::Action) -> String {
    match action.task {
        task::NOTIFY => notification_key(history, action, "notify_type", "notify_operation"),
        task::NOTIFIED => key_text(history, crate::action::Key::once(task::NOTIFIED)),
        _ => key_text(history, action.key),
    }
}

/// The key of a notification whose meta-attributes of these names say when it comes, and about what.
pub(crate) fn notification_key(
    history: &str,
    action: &crate::action::Action,
    when: &str,
    about: &str,
) -> String {
    let word = |name: &str| action.meta.get(name).map_or("", String::as_str);
    format!("{history}_{}_notify_{}_0", word(when), word(about))
}

//! The last phase: the transition graph as the controller reads it.

use crate::action::key_text;
use crate::cluster::Resource;
use crate::in_graph;
use crate::index::{ActionIx, NodeIx, ResourceIx};
use crate::markup::{Digits, Markup};
use crate::order::Ordered;
use crate::place::Placed;
use crate::plan::{Dot, Options, Plan, Report};
use crate::task;

/// Builds the plan; the graph goes where `out` takes it.
pub(crate) fn build<M: Markup>(ordered: Ordered, options: &Options, mut out: M) -> Plan<M::Done> {
    let Plan { graph: (), scores, utilization, dot, report } = tell(ordered, options, &mut out);
    Plan { graph: out.finish(), scores, utilization, dot, report }
}

/// As [`build`], but for the end of the document. (Where it goes is asked at run time, so that the
/// engine is there once, in one place, and not again for each kind of place.)
fn tell(ordered: Ordered, options: &Options, out: &mut dyn Markup) -> Plan<()> {
    let mut graph = Graph { ordered, synapses: 0 };
    graph.write(options, out);
    let placed = graph.placed();
    let cluster = &placed.cluster;
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
    let scores = if options.scores { crate::decision::listing(placed) } else { Vec::new() };
    let utilization = graph.placed_mut().record.take_utilization();
    if options.is_last {
        std::mem::forget(graph);
    }
    Plan { graph: (), scores, utilization, dot, report }
}

/// The graph while it is being written.
#[derive(Debug)]
pub(crate) struct Graph {
    pub(crate) ordered: Ordered,
    /// How many synapses there are so far.
    synapses: usize,
}

impl Graph {
    pub(crate) fn placed(&self) -> &Placed {
        &self.ordered.planned.placed
    }

    pub(crate) fn placed_mut(&mut self) -> &mut Placed {
        &mut self.ordered.planned.placed
    }

    fn write(&mut self, options: &Options, out: &mut dyn Markup) {
        let cluster = &self.placed().cluster;
        let properties = &cluster.properties;
        let text = |name: &str, default: &'static str| -> String {
            properties.all.get(name).map_or(default, String::as_str).to_owned()
        };
        out.open("transition_graph");
        out.attribute("cluster-delay", &text("cluster-delay", "60s"));
        out.attribute("fencing-timeout", &properties.fencing_timeout);
        out.attribute("failed-stop-offset", "INFINITY");
        let start_offset = if properties.start_failure_is_fatal { "INFINITY" } else { "1" };
        out.attribute("failed-start-offset", start_offset);
        out.attribute("batch-limit", &text("batch-limit", "0"));
        out.attribute("transition_id", &options.transition.unwrap_or(1).to_string());
        let migrations = text("migration-limit", "");
        if migrations.parse::<i64>().is_ok_and(|limit| limit >= 0) {
            out.attribute("migration-limit", &migrations);
        }
        if let Some(when) = cluster.recheck_by {
            out.attribute("recheck-by", &when.to_string());
        }
        for rsc in cluster.top.clone() {
            self.add_resource(rsc, out);
        }
        crate::maintenance_update::add(self, out);
        for action in crate::order::newest_first(&self.placed().book) {
            self.add(action, out);
        }
        out.close();
    }

    fn add_resource(&mut self, rsc: ResourceIx, out: &mut dyn Markup) {
        if self.placed().cluster[rsc].is_bundle() {
            // its own actions, all of them points in time, come after all resources
            for part in crate::bundle_place::parts(&self.placed().cluster, rsc) {
                self.add_resource(part, out);
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
            self.add_children(rsc, out);
        }
        for action in self.placed().book.of_resource(rsc).to_vec().into_iter().rev() {
            self.add(action, out);
        }
        self.add_children(rsc, out);
    }

    fn add_children(&mut self, rsc: ResourceIx, out: &mut dyn Markup) {
        for child in self.placed().cluster[rsc].children.clone() {
            self.add_resource(child, out);
        }
    }

    /// Sorts an action's inputs and leaves one of each.
    fn dedupe(&mut self, action: ActionIx) {
        let known = &mut self.placed_mut().book[action];
        if std::mem::replace(&mut known.processed, true) {
            return;
        }
        known.before.sort_by_key(|edge| edge.other);
        known.before.dedup_by(|edge, first| {
            let same = edge.other == first.other;
            if same {
                first.flags |= edge.flags;
                first.in_graph |= edge.in_graph;
            }
            same
        });
    }

    fn add(&mut self, action: ActionIx, out: &mut dyn Markup) {
        self.dedupe(action);
        if self.placed().book[action].in_graph || !in_graph::action(self.placed(), action) {
            return;
        }
        self.placed_mut().book[action].in_graph = true;
        self.begin_synapse(self.priority(action), out);
        self.begin_action(action, out);
        self.fill_action(action, out);
        out.close();
        out.close();
        out.open("inputs");
        for at in 0..self.placed().book[action].before.len() {
            if in_graph::input(self.placed_mut(), action, at) {
                let edge = &mut self.placed_mut().book[action].before[at];
                edge.in_graph = true;
                let other = edge.other;
                out.open("trigger");
                self.begin_action(other, out);
                out.close();
                out.close();
            }
        }
        out.close();
        out.close();
    }

    /// Begins the next synapse up to where its action goes.
    pub(crate) fn begin_synapse(&mut self, priority: i64, out: &mut dyn Markup) {
        out.open("synapse");
        out.attribute("id", Digits::of_count(self.synapses).text());
        self.synapses += 1;
        if priority > 0 {
            out.attribute("priority", &priority.to_string());
        }
        out.open("action_set");
    }

    fn priority(&self, action: ActionIx) -> i64 {
        let known = &self.placed().book[action];
        let of_resource = known.resource.map_or(0, |rsc| self.placed().cluster[rsc].priority);
        i64::from(known.priority).max(of_resource).max(0)
    }

    /// Begins an action with the attributes by which it is known, also where others wait for it.
    pub(crate) fn begin_action(&self, action: ActionIx, out: &mut dyn Markup) {
        let known = &self.placed().book[action];
        let cluster = &self.placed().cluster;
        out.open(if known.pseudo {
            "pseudo_event"
        } else if matches!(
            known.task,
            task::STONITH | task::SHUTDOWN | task::CLEAR_FAILCOUNT | task::LRM_DELETE
        ) {
            "crm_event"
        } else {
            "rsc_op"
        });
        if known.task == task::LRM_DELETE {
            out.attribute("mode", "cib");
        }
        out.attribute("id", Digits::of_count(action.position() + 1).text());
        let operation = match &known.name {
            // points that stand for themselves are their own operation
            Some(name) if known.pseudo && known.task != task::STONITH => &**name,
            _ => known.task.name(),
        };
        out.attribute("operation", operation);
        let interval = Digits::of(known.key.interval_ms);
        let (name, resource) = (known.name.as_deref(), known.resource.map(|rsc| &cluster[rsc]));
        let key = match (name, resource) {
            (Some(name), _) => &[name][..],
            (None, Some(one)) => &[&one.id, "_", known.key.task.name(), "_", interval.text()],
            (None, None) => &[known.key.task.name()],
        };
        match resource.and_then(|one| one.history_name.as_ref()) {
            Some(history) if name.is_none() => {
                out.attribute("operation_key", &historical_key(history, known));
                out.attribute_of("internal_operation_key", key);
            }
            _ => out.attribute_of("operation_key", key),
        }
        if let Some(node) = self.told_node(action) {
            out.attribute("on_node", &cluster[node].name);
            out.attribute("on_node_uuid", &cluster[node].id);
            if let Some(router) = crate::remote_order::router(&self.ordered.planned, action) {
                out.attribute("router_node", &cluster[router].name);
            }
        }
    }

    /// The node that an action names: points in time have none, but for fencings.
    pub(crate) fn told_node(&self, action: ActionIx) -> Option<NodeIx> {
        let known = &self.placed().book[action];
        known.node.filter(|_| !known.pseudo || known.task == task::STONITH)
    }

    /// Tells the rest of an action that is to be carried out.
    pub(crate) fn fill_action(&mut self, action: ActionIx, out: &mut dyn Markup) {
        let known = &self.placed().book[action];
        let cluster = &self.placed().cluster;
        if let (false, Some(rsc)) = (known.pseudo, known.resource) {
            if (known.task == task::DELETE || known.task == task::STOP)
                && let Some(lock) = crate::remote_order::shutdown_lock(cluster, rsc, known)
            {
                out.attribute("shutdown-lock", &lock);
            }
            primitive(&cluster[rsc], out);
        }
        let next = crate::graph_attributes::write(self, action, out);
        self.downed(action, out);
        if let Some(when) = next {
            self.placed_mut().cluster.recheck(when);
        }
    }

    /// Lists the nodes that an action takes down.
    fn downed(&self, action: ActionIx, out: &mut dyn Markup) {
        let cluster = &self.placed().cluster;
        let Some(nodes) = self.downs(action) else { return };
        out.open("downed");
        for node in nodes {
            out.open("node");
            out.attribute("id", &cluster[node].id);
            out.close();
        }
        out.close();
    }

    fn downs(&self, action: ActionIx) -> Option<Vec<NodeIx>> {
        let (cluster, known) = (&self.placed().cluster, &self.placed().book[action]);
        match known.task {
            task::SHUTDOWN => Some(vec![known.node?]),
            task::STONITH => {
                let how = known.meta.get("stonith_action");
                if !matches!(how, Some("off" | "reboot" | "poweroff")) {
                    return None;
                }
                let node = known.node?;
                let guests = cluster.node_order.iter().copied().filter(|guest| {
                    let here = cluster
                        .guest_container(*guest)
                        .is_some_and(|container| cluster[container].running_on.contains(&node));
                    here && *guest != node
                });
                Some(std::iter::once(node).chain(guests).collect())
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
                Some(vec![cluster.find_node(None, Some(&cluster[rsc].id))?])
            }
            _ => None,
        }
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

/// Says what agent an action is for.
fn primitive(rsc: &Resource, out: &mut dyn Markup) {
    out.open("primitive");
    let xml_id = rsc.xml.id().unwrap_or_default();
    if rsc.removed && rsc.history_name.is_some() {
        out.attribute("id", rsc.history_id());
        out.attribute("long-id", &rsc.id);
    } else if rsc.unique {
        out.attribute("id", &rsc.id);
    } else {
        out.attribute("id", xml_id);
        let history = rsc.history_name.as_deref().filter(|history| *history != xml_id);
        out.attribute("long-id", history.unwrap_or(&rsc.id));
    }
    for attribute in ["class", "provider", "type"] {
        if let Some(value) = rsc.xml.get(attribute) {
            out.attribute(attribute, value);
        }
    }
    out.close();
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
    let word = |name: &str| action.meta.get(name).unwrap_or_default();
    format!("{history}_{}_notify_{}_0", word(when), word(about))
}

//! The document's configuration as nodes and resources.

use std::collections::BTreeMap;
use std::sync::Arc;

use cib::Element;
use model::{Score, WallTime};

use crate::action::Book;
use crate::cluster::{
    CloneInfo, Cluster, MultipleActive, Node, QuorumPolicy, Requires, Resource, Ticket, Variant,
};
use crate::index::ResourceIx;
use crate::ledger::{Cause, Scores};
use crate::list_sort::list_sort;
use crate::pairs;
use crate::plan::{Level, Options};
use crate::properties;
use crate::role::Role;
use crate::rules::{Context, Pairs, Zone};
use crate::values;

/// More instances of one clone or bundle than any cluster runs are a slip of the hand, and would
/// take all memory.
const INSTANCES_MAX: usize = 1000;

/// The first phase: what the document says is configured and running.
#[derive(Debug)]
pub(crate) struct Unpacked {
    pub(crate) cluster: Cluster,
    pub(crate) book: Book,
    pub(crate) scores: Scores,
}

/// Reads the document.
pub(crate) fn unpack(document: &Element, now: WallTime, options: &Options) -> Unpacked {
    let document = Arc::new(crate::remote::with_connections(document));
    let now = match document.get("execution-date").and_then(|text| text.parse::<i64>().ok()) {
        Some(date) if !options.time_is_set => date,
        _ => now.secs(),
    };
    let zone = Zone::of(options);
    let context = Context { now, zone, document: Some(&document), ..Context::default() };
    let mut next = None;
    let properties = properties::read(&document, &context, &mut next);
    let quorate = document.get("have-quorum").is_some_and(|text| values::truth(Some(text)));
    let mut unpacked = Unpacked {
        cluster: Cluster {
            now,
            zone,
            // with a watchdog, nodes can be trusted to fence themselves
            has_fencing_device: properties.have_watchdog,
            properties,
            quorate,
            has_unfencing: unfencing_provided(&document),
            nodes: Vec::new(),
            node_order: Vec::new(),
            node_by_id: BTreeMap::new(),
            node_by_name: BTreeMap::new(),
            resources: Vec::new(),
            top: Vec::new(),
            resource_by_id: BTreeMap::new(),
            tags: BTreeMap::new(),
            templates: BTreeMap::new(),
            tickets: BTreeMap::new(),
            failed_operations: Vec::new(),
            recheck_by: None,
            blocked_count: 0,
            disabled_count: 0,
            forgiven: Vec::new(),
            deferred_checks: Vec::new(),
            stop_needed: Vec::new(),
            dc: None,
            messages: Vec::new(),
            topology: false,
            document: Arc::clone(&document),
        },
        book: Book::default(),
        scores: Scores::new(),
    };
    if let Some(when) = next {
        unpacked.cluster.recheck(when);
    }
    unpacked.nodes();
    unpacked.resources();
    unpacked.tags();
    crate::node_status::unpack(&mut unpacked);
    unpacked
}

impl Unpacked {
    fn nodes(&mut self) {
        let cluster = &mut self.cluster;
        let document = Arc::clone(&cluster.document);
        cluster.topology = document
            .at(&["configuration", "fencing-topology"])
            .is_some_and(|t| t.children().next().is_some());
        let Some(nodes) = document.at(&["configuration", "nodes"]) else { return };
        for element in nodes.children_named("node") {
            let (Some(id), name) = (element.id(), element.get("uname")) else { continue };
            let kind = element.get("type").unwrap_or("member");
            if !matches!(kind, "member" | "NULL" | "normal" | "remote") && kind != "ping" {
                continue;
            }
            let name = name.unwrap_or(id);
            let mut node = Node {
                id: id.to_owned(),
                name: name.to_owned(),
                remote: kind == "remote",
                ping: kind == "ping",
                score: element.get("score").and_then(values::score).unwrap_or_default(),
                discovery: true,
                unseen: true,
                unclean: cluster.properties.fencing
                    && cluster.properties.startup_fencing
                    && kind != "remote",
                ..Node::default()
            };
            let kind = if node.remote { "remote" } else { "cluster" };
            node.attributes.insert("#kind".to_owned(), kind.to_owned());
            node.attributes.extend(special_attributes(cluster, &node));
            let context = Context { node: Some(&node.attributes), ..cluster.context() };
            let mut attributes = Pairs::new();
            let mut next = None;
            pairs::collect(
                element,
                "instance_attributes",
                &context,
                None,
                &mut attributes,
                &mut next,
            );
            let mut capacity = Pairs::new();
            pairs::collect(element, "utilization", &context, None, &mut capacity, &mut next);
            if let Some(when) = next {
                cluster.recheck(when);
            }
            node.attributes.extend(attributes);
            node.utilization = amounts(&capacity);
            if let Some(known) = cluster.find_node(None, Some(name)) {
                // a remote node may have an entry besides its connection's
                let known = &mut cluster[known];
                known.attributes.extend(node.attributes);
                known.utilization.extend(node.utilization);
                continue;
            }
            cluster.add_node(node);
        }
        crate::remote::add_nodes(cluster);
    }

    fn resources(&mut self) {
        let document = Arc::clone(&self.cluster.document);
        let Some(resources) = document.at(&["configuration", "resources"]) else { return };
        for element in resources.shared_children() {
            if element.name() == "template" {
                if let Some(id) = element.id() {
                    self.cluster.templates.entry(id.to_owned()).or_default();
                }
                continue;
            }
            if let Some(index) = self.add(element, None, None) {
                self.cluster.top.push(index);
            }
        }
        crate::remote::link(&mut self.cluster);
        let Cluster { top, resources, .. } = &mut self.cluster;
        list_sort(top, &mut |a: &ResourceIx, b: &ResourceIx| {
            resources[b.position()].priority.cmp(&resources[a.position()].priority)
        });
        let cluster = &mut self.cluster;
        if cluster.properties.fencing && !cluster.has_fencing_device {
            let managed = cluster.resources.iter().any(|r| r.is_primitive());
            if managed {
                for text in [
                    "Resource start-up disabled since no STONITH resources have been defined",
                    "Either configure some or disable STONITH with the stonith-enabled option",
                    "NOTE: Clusters with shared data need STONITH to ensure data integrity",
                ] {
                    cluster.say(Level::Error, text.to_owned());
                }
            }
        }
    }

    /// Adds a resource and all below it.
    pub(crate) fn add(
        &mut self,
        element: &Arc<Element>,
        parent: Option<ResourceIx>,
        instance: Option<usize>,
    ) -> Option<ResourceIx> {
        let xml = self.expand_template(element)?;
        let base = xml.id()?.to_owned();
        let id = instance.map_or_else(|| base.clone(), |number| format!("{base}:{number}"));
        let mut rsc = Resource::new(id, Arc::clone(&xml));
        rsc.parent = parent;
        rsc.variant = match xml.name() {
            "primitive" => Variant::Primitive,
            "group" => Variant::Group { ordered: true, colocated: true },
            "clone" | "master" if !xml.children().any(is_cloneable) => {
                let text = format!("Ignoring clone '{base}': there is no resource in it to clone");
                self.cluster.say(Level::Error, text);
                return None;
            }
            "clone" | "master" => Variant::Clone(Box::new(CloneInfo {
                max: 0,
                node_max: 1,
                min: 0,
                promotable: xml.name() == "master",
                promoted_max: 1,
                promoted_node_max: 1,
                ordered: false,
                total: 0,
                stateful_children: false,
            })),
            "bundle" => return crate::bundle_unpack::add(self, &xml),
            _ => return None,
        };
        let (meta, next) = self.meta_of(&rsc);
        rsc.meta = meta;
        if let Some(number) = instance {
            rsc.meta.insert("clone".into(), number.to_string());
        }
        self.interpret(&mut rsc);
        let index = self.cluster.add_resource(rsc);
        if let Some(when) = next {
            self.cluster.recheck(when);
        }
        if xml.name() == "primitive" {
            self.force_anonymous(index);
        }
        self.locate_by_default(index);
        match xml.name() {
            "group" => self.add_members(index, &xml, instance),
            "clone" | "master" => self.add_instances(index, &xml),
            _ => {}
        }
        self.wanted_role(index);
        Some(index)
    }

    fn add_members(&mut self, group: ResourceIx, xml: &Element, instance: Option<usize>) {
        let flag = |name: &str, meta: &Pairs| {
            meta.get(name).and_then(|text| values::boolean(text)).unwrap_or(true)
        };
        let meta = &self.cluster[group].meta;
        let (ordered, colocated) = (flag("ordered", meta), flag("collocated", meta));
        self.cluster[group].variant = Variant::Group { ordered, colocated };
        let members: Vec<_> =
            xml.shared_children().filter(|c| c.name() == "primitive").cloned().collect();
        for member in members {
            if let Some(child) = self.add(&member, Some(group), instance) {
                self.cluster[group].children.push(child);
            }
        }
    }

    fn add_instances(&mut self, clone: ResourceIx, xml: &Arc<Element>) {
        let meta = self.cluster[clone].meta.clone();
        let number = |names: &[&str]| {
            names.iter().find_map(|name| meta.get(name)).and_then(|text| values::number(text))
        };
        let count = |names: &[&str], default: usize| {
            number(names).map_or(default, |n| usize::try_from(n.max(0)).unwrap_or(0))
        };
        let flag = |name: &str| values::truth(meta.get(name).map(String::as_str));
        let promotable = xml.name() == "master" || flag("promotable");
        let unique = self.cluster[clone].unique;
        let id = self.cluster[clone].id.clone();
        let nodes = self.cluster.nodes.len().max(1);
        let info = CloneInfo {
            max: self.instances(&id, "clone-max", count(&["clone-max"], nodes)),
            node_max: if unique { count(&["clone-node-max"], 1) } else { 1 },
            min: count(&["clone-min"], 0),
            promotable,
            promoted_max: if promotable { count(&["promoted-max", "master-max"], 1) } else { 0 },
            promoted_node_max: if promotable {
                count(&["promoted-node-max", "master-node-max"], 1)
            } else {
                0
            },
            ordered: flag("ordered"),
            total: 0,
            stateful_children: false,
        };
        let none = info.max == 0;
        self.cluster[clone].variant = Variant::Clone(Box::new(info));
        // the first instance may turn out to be of a kind of which there can't be as many
        let mut made = 0;
        while made == 0 || self.cluster[clone].clone_info().is_some_and(|info| made < info.max) {
            self.add_instance(clone, none);
            made += 1;
        }
    }

    /// How many instances are made where so many are asked for.
    pub(crate) fn instances(&mut self, id: &str, option: &str, wanted: usize) -> usize {
        let most = INSTANCES_MAX.max(self.cluster.nodes.len());
        if wanted > most {
            let text = format!(
                "Making {most} instances of {id} rather than {wanted}; set its {option} to what can run"
            );
            self.cluster.say(Level::Error, text);
        }
        wanted.min(most)
    }

    /// Makes the clone that a resource is in anonymous, where agents like its can't tell instances
    /// apart.
    fn force_anonymous(&mut self, rsc: ResourceIx) {
        let cluster = &mut self.cluster;
        let distinct = matches!(cluster[rsc].class(), "ocf" | "stonith");
        let Some(clone) = cluster.clone_of(rsc).filter(|_| cluster[rsc].unique && !distinct) else {
            return;
        };
        let text = format!(
            "Ignoring globally-unique for {} because {} resources such as {} can be used only as anonymous clones",
            cluster[clone].id,
            cluster[rsc].class(),
            cluster[rsc].id
        );
        cluster.say(Level::Warning, text);
        let nodes = cluster.nodes.len();
        if let Variant::Clone(info) = &mut cluster[clone].variant {
            info.node_max = 1;
            info.max = info.max.min(nodes);
        }
        // the established scheduler forgets what is before it in an instance that is being made
        for part in cluster.family(clone).into_iter().chain([rsc]) {
            cluster[part].unique = false;
        }
    }

    /// Adds one more instance to a clone.
    pub(crate) fn add_instance(&mut self, clone: ResourceIx, removed: bool) -> Option<ResourceIx> {
        let xml = Arc::clone(&self.cluster[clone].xml);
        let inner = xml.shared_children().find(|child| is_cloneable(child))?;
        let number = self.cluster[clone].clone_info()?.total;
        let inner = Arc::clone(inner);
        let child = self.add(&inner, Some(clone), Some(number))?;
        if let Variant::Clone(info) = &mut self.cluster[clone].variant {
            info.total += 1;
        }
        let child_is_group = self.cluster[child].is_group();
        if let Variant::Clone(info) = &mut self.cluster[clone].variant {
            info.stateful_children |= child_is_group;
        }
        self.cluster[clone].children.push(child);
        if removed {
            for member in self.cluster.family(child) {
                self.cluster[member].removed = true;
            }
        }
        Some(child)
    }

    pub(crate) fn meta_of(&self, rsc: &Resource) -> (Pairs, Option<i64>) {
        let context = Context { resource: Some(&rsc.xml), ..self.cluster.context() };
        let mut meta = Pairs::new();
        let mut next = None;
        pairs::collect(&rsc.xml, "meta_attributes", &context, None, &mut meta, &mut next);
        if let Some(parent) = rsc.parent {
            for (name, value) in &self.cluster[parent].meta {
                if !meta.contains_key(name) {
                    meta.insert(name.clone(), value.clone());
                }
            }
        }
        if let Some(defaults) = self.cluster.document.at(&["configuration", "rsc_defaults"]) {
            pairs::collect(defaults, "meta_attributes", &context, None, &mut meta, &mut next);
        }
        (meta, next)
    }

    /// Turns meta-attributes into fields.
    pub(crate) fn interpret(&mut self, rsc: &mut Resource) {
        let properties = &self.cluster.properties;
        let is_clone = rsc.is_clone();
        if is_clone && !rsc.meta.contains_key("resource-stickiness") {
            rsc.meta.insert("resource-stickiness".into(), "1".into());
        }
        let meta = std::mem::take(&mut rsc.meta);
        let text = |name: &str| meta.get(name).map(String::as_str);
        let flag = |name: &str| values::truth(text(name));
        rsc.priority =
            text("priority").and_then(values::score).map_or(0, |score| i64::from(score.value()));
        rsc.critical = text("critical").is_none_or(|t| values::truth(Some(t)));
        rsc.notify = flag("notify");
        let in_clone = is_clone
            || rsc
                .parent
                .is_some_and(|p| self.cluster[p].is_clone() || self.cluster.clone_of(p).is_some());
        rsc.unique = !in_clone || unique_instances(&meta);
        rsc.is_remote = rsc.xml.get("class") == Some("ocf")
            && rsc.xml.get("provider") == Some("pacemaker")
            && rsc.xml.get("type") == Some("remote");
        rsc.allow_migrate = if is_clone || rsc.is_group() {
            false
        } else {
            // a remote node's connection can move without disturbing what runs there
            let remote = rsc.is_remote && text("container").is_none();
            text("allow-migrate").map_or(remote, |t| values::truth(Some(t)))
        };
        rsc.managed = text("is-managed").is_none_or(|t| values::boolean(t).unwrap_or(true));
        if flag("maintenance") || properties.maintenance {
            rsc.managed = false;
            rsc.maintenance = true;
        }
        rsc.multiple_active = match text("multiple-active") {
            Some("stop_only") => MultipleActive::StopOnly,
            Some("block") => MultipleActive::Block,
            Some("stop_unexpected") => MultipleActive::StopUnexpected,
            _ => MultipleActive::StopStart,
        };
        rsc.restart_on_dependency = text("restart-type") == Some("restart");
        rsc.stickiness = text("resource-stickiness").and_then(values::score).unwrap_or_default();
        rsc.migration_threshold = text("migration-threshold")
            .and_then(values::score)
            .map_or(1_000_000, |score| i64::from(score.value()));
        if rsc.migration_threshold < 0 {
            rsc.migration_threshold = 1_000_000;
        }
        if rsc.xml.get("class") == Some("stonith") {
            rsc.fence_device = true;
            self.cluster.has_fencing_device = true;
        }
        rsc.requires = self.requires(rsc, text("requires"));
        rsc.failure_timeout_s = text("failure-timeout")
            .map_or(0, |t| i64::try_from(values::milliseconds(t).div_ceil(1000)).unwrap_or(0));
        if rsc.is_remote {
            let context = self.cluster.context();
            let mut parameters = Pairs::new();
            let mut next = None;
            pairs::collect(
                &rsc.xml,
                "instance_attributes",
                &context,
                None,
                &mut parameters,
                &mut next,
            );
            if let Some(interval) = parameters.get("reconnect_interval") {
                rsc.reconnect_ms = values::milliseconds(interval);
                rsc.failure_timeout_s = i64::try_from(rsc.reconnect_ms / 1000).unwrap_or(i64::MAX);
            }
        }
        rsc.meta = meta;
        let context = self.cluster.context();
        let mut need = Pairs::new();
        let mut next = None;
        pairs::collect(&rsc.xml, "utilization", &context, None, &mut need, &mut next);
        rsc.utilization = amounts(&need);
    }

    fn requires(&self, rsc: &Resource, text: Option<&str>) -> Requires {
        let properties = &self.cluster.properties;
        match text.map(str::to_ascii_lowercase).as_deref() {
            Some("nothing") => Requires::Nothing,
            Some("quorum") => Requires::Quorum,
            Some("fencing") => Requires::Fencing,
            // devices are what others are unfenced with
            Some("unfencing") if rsc.fence_device || !properties.fencing => Requires::Quorum,
            Some("unfencing") => Requires::Unfencing,
            _ if rsc.fence_device || rsc.is_remote => Requires::Quorum,
            _ if self.cluster.has_unfencing => Requires::Unfencing,
            _ if properties.fencing => Requires::Fencing,
            _ if properties.quorum_policy == QuorumPolicy::Ignore => Requires::Nothing,
            _ => Requires::Quorum,
        }
    }

    /// Sets the next role from `target-role`.
    pub(crate) fn wanted_role(&mut self, index: ResourceIx) {
        if let Some(role) = target_role(&self.cluster, index) {
            self.cluster[index].next_role = role;
        }
    }

    /// Lets a resource run where resources may run unless something speaks against it.
    pub(crate) fn locate_by_default(&mut self, rsc: ResourceIx) {
        let one = &self.cluster[rsc];
        // a guest's connection goes where the guest is, whatever the cluster's default
        let guest = one.is_remote && one.meta.contains_key("container");
        if !(self.cluster.properties.symmetric || guest) || one.exclusive_discovery {
            return;
        }
        for position in 0..self.cluster.nodes.len() {
            let node = crate::index::NodeIx::at(position);
            // (a default says nothing of what is reserved for others; being a guest's does)
            if !(self.cluster.properties.symmetric && self.cluster[node].exclusive) {
                let Self { cluster, scores, .. } = self;
                add_own_score(cluster, scores, rsc, node, Score::ZERO, Cause::Start);
            }
        }
    }

    /// Adds a score on all nodes.
    pub(crate) fn locate_everywhere(&mut self, rsc: ResourceIx, score: Score, cause: Cause) {
        for position in 0..self.cluster.nodes.len() {
            let node = crate::index::NodeIx::at(position);
            self.locate(rsc, node, score, cause);
        }
    }

    /// As `locate_everywhere`, for the resource itself and not for what is in it.
    pub(crate) fn locate_itself_everywhere(&mut self, rsc: ResourceIx, score: Score, cause: Cause) {
        for position in 0..self.cluster.nodes.len() {
            let node = crate::index::NodeIx::at(position);
            add_own_score(&self.cluster, &mut self.scores, rsc, node, score, cause);
        }
    }

    /// Adds a score on one node.
    pub(crate) fn locate(
        &mut self,
        rsc: ResourceIx,
        node: crate::index::NodeIx,
        score: Score,
        cause: Cause,
    ) {
        add_score(&self.cluster, &mut self.scores, rsc, node, score, cause);
    }

    /// Merges a template into what refers to it.
    fn expand_template(&mut self, element: &Arc<Element>) -> Option<Arc<Element>> {
        let Some(template_id) = element.get("template") else { return Some(Arc::clone(element)) };
        let document = Arc::clone(&self.cluster.document);
        let template = document
            .at(&["configuration", "resources"])?
            .children()
            .find(|child| child.name() == "template" && child.id() == Some(template_id));
        let Some(template) = template else {
            self.cluster.say(
                Level::Error,
                format!("No template named '{template_id}' (for {})", element.id().unwrap_or("")),
            );
            return None;
        };
        if let Some(id) = element.id() {
            let users = self.cluster.templates.entry(template_id.to_owned()).or_default();
            if !users.iter().any(|user| user == id) {
                users.push(id.to_owned());
            }
        }
        let mut merged = template.clone();
        merged.rename(element.name());
        merged.unset("template");
        for (name, value) in element.attributes() {
            if name != "template" {
                merged.set(name, value);
            }
        }
        let own: Vec<_> = element.shared_children().cloned().collect();
        let own_ops: Vec<_> = own.iter().filter(|c| c.name() == "operations").cloned().collect();
        // an operation takes the place of all those of its name for the same role
        let key = |op: &Element| {
            let role = op.get("role").and_then(Role::parse).unwrap_or_default();
            let usual = matches!(role, Role::Unknown | Role::Started | Role::Unpromoted);
            let role = if usual { Role::Unknown } else { role };
            (op.get("name").unwrap_or_default().to_owned(), role)
        };
        let overridden: Vec<_> = own_ops.iter().flat_map(|ops| ops.children().map(key)).collect();
        if !own_ops.is_empty() {
            for ops in merged.children_mut().filter(|c| c.name() == "operations") {
                ops.retain_children(|op| !overridden.contains(&key(op)));
            }
            // template's remaining operations come after the resource's own
            let rest: Vec<_> = merged
                .children_named("operations")
                .flat_map(|ops| ops.shared_children().cloned().collect::<Vec<_>>())
                .collect();
            merged.retain_children(|c| c.name() != "operations");
            let mut all = (*own_ops[0]).clone();
            for extra in &own_ops[1..] {
                extra.shared_children().for_each(|op| all.push(Arc::clone(op)));
            }
            rest.into_iter().for_each(|op| all.push(op));
            merged.push(all);
        }
        // own sets go first, so that they win over the template's of the same score
        let from_template: Vec<_> = merged.content().to_vec();
        merged.content_mut().clear();
        for child in own.iter().filter(|c| c.name() != "operations") {
            merged.push(Arc::clone(child));
        }
        merged.content_mut().extend(from_template);
        Some(Arc::new(merged))
    }

    fn tags(&mut self) {
        let document = Arc::clone(&self.cluster.document);
        let Some(tags) = document.at(&["configuration", "tags"]) else { return };
        for tag in tags.children_named("tag") {
            let Some(id) = tag.id() else { continue };
            let entry = self.cluster.tags.entry(id.to_owned()).or_default();
            for reference in tag.children_named("obj_ref").filter_map(Element::id) {
                entry.push(reference.to_owned());
            }
        }
    }
}

/// Tells whether nodes are unfenced: there is a device that switches them on, or a resource that wants
/// it done.
fn unfencing_provided(document: &Element) -> bool {
    let has = |section: &str, names: &[&str]| {
        document.at(&["configuration", section]).is_some_and(|section| {
            let sets = section.descendants().filter(|one| one.name() == "meta_attributes");
            sets.flat_map(Element::children).any(|pair| {
                pair.get("value") == Some("unfencing")
                    && pair.get("name").is_some_and(|name| names.contains(&name))
            })
        })
    };
    has("resources", &["provides", "requires"]) || has("rsc_defaults", &["requires"])
}

/// Adds a score to a resource and to all that is in it; a node that was no candidate begins with
/// its own score.
pub(crate) fn add_score(
    cluster: &Cluster,
    scores: &mut Scores,
    rsc: ResourceIx,
    node: crate::index::NodeIx,
    score: Score,
    cause: Cause,
) {
    for part in cluster.family(rsc) {
        add_own_score(cluster, scores, part, node, score, cause);
    }
}

/// As `add_score`, for the resource itself only.
pub(crate) fn add_own_score(
    cluster: &Cluster,
    scores: &mut Scores,
    rsc: ResourceIx,
    node: crate::index::NodeIx,
    score: Score,
    cause: Cause,
) {
    if !scores.allowed(rsc, node) {
        let own = cluster[node].score;
        scores.set(rsc, node, crate::ledger::Cell::EMPTY);
        if own != Score::ZERO {
            scores.add(rsc, node, own, Cause::NodeScore);
        }
    }
    scores.add(rsc, node, score, cause);
}

/// What there can be in a clone.
fn is_cloneable(child: &Element) -> bool {
    matches!(child.name(), "primitive" | "group")
}

/// Tells whether a clone's instances differ; if nothing is said, several on one node must.
fn unique_instances(meta: &Pairs) -> bool {
    match meta.get("globally-unique") {
        Some(text) => values::truth(Some(text)),
        None => meta.get("clone-node-max").and_then(|n| values::number(n)).is_some_and(|n| n > 1),
    }
}

/// The role that `target-role` asks for, if it limits anything.
pub(crate) fn target_role(cluster: &Cluster, index: ResourceIx) -> Option<Role> {
    let text = cluster[index].meta.get("target-role")?;
    if text.eq_ignore_ascii_case("started") || text.eq_ignore_ascii_case("default") {
        return None;
    }
    let role = Role::parse(text)?;
    if role > Role::Started {
        let top = cluster.uppermost(index, false);
        if cluster[top].promotable() {
            // "promoted" is what promotable resources do by themselves
            return (role < Role::Promoted).then_some(role);
        }
        return None;
    }
    Some(role)
}

/// Reads amounts of capacity.
pub(crate) fn amounts(pairs: &Pairs) -> BTreeMap<String, i64> {
    pairs.iter().map(|(name, value)| (name.clone(), values::number(value).unwrap_or(0))).collect()
}

/// Adds the attributes that rules know a node by: one that is configured, or of which a state was
/// read. A remote node that is neither has none of them yet.
pub(crate) fn special_attributes(cluster: &Cluster, node: &Node) -> Pairs {
    let dc = cluster.document.get("dc-uuid") == Some(node.id.as_str());
    let cluster_name = cluster.properties.all.get("cluster-name");
    let all = [
        ("#uname", Some(node.name.clone())),
        ("#id", Some(node.id.clone())),
        ("#is_dc", Some(dc.to_string())),
        ("#cluster-name", cluster_name.cloned()),
        ("#site-name", node.attributes.get("site-name").or(cluster_name).cloned()),
    ];
    all.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
}

/// Reads tickets' states.
pub(crate) fn tickets(cluster: &mut Cluster) {
    let document = Arc::clone(&cluster.document);
    let Some(tickets) = document.at(&["status", "tickets"]) else { return };
    for element in tickets.children_named("ticket_state") {
        let Some(id) = element.id() else { continue };
        let mut ticket = Ticket::default();
        for (name, value) in element.attributes().filter(|(name, _)| *name != "id") {
            match name {
                "granted" => ticket.granted = values::truth(Some(value)),
                "standby" => ticket.standby = values::truth(Some(value)),
                "last-granted" => ticket.last_granted = value.parse().ok(),
                _ => {}
            }
            ticket.state.insert(name.to_owned(), value.to_owned());
        }
        cluster.tickets.insert(id.to_owned(), ticket);
    }
}

//! What an action's agent is told: parameters, and what `CRM_meta_` says about the action.

use crate::action::Action;
use crate::cluster::{Cluster, Variant};
use crate::graph::Graph;
use crate::index::{ActionIx, ResourceIx};
use crate::markup::{Digits, Markup};
use crate::place::Placed;
use crate::rules::{NextChange, Pairs};

/// Names with values; of one name the last value counts.
#[derive(Debug, Default)]
pub(crate) struct Attributes<'a> {
    all: Vec<(Part, Value<'a>)>,
    /// Where names and numbers are, one behind the other: each on its own would take a piece of
    /// memory.
    texts: String,
}

/// A part of [`Attributes::texts`].
type Part = std::ops::Range<usize>;

#[derive(Debug)]
enum Value<'a> {
    Text(&'a str),
    Number(Part),
}

impl<'a> Attributes<'a> {
    fn set(&mut self, name: &str, value: &'a str) {
        let begin = self.texts.len();
        self.texts.push_str(name);
        self.all.push((begin..self.texts.len(), Value::Text(value)));
    }

    fn meta_name(&mut self, name: &str) -> Part {
        let begin = self.texts.len();
        self.texts.push_str("CRM_meta_");
        if name.bytes().any(|byte| byte == b'-') {
            self.texts.extend(name.chars().map(|c| if c == '-' { '_' } else { c }));
        } else {
            self.texts.push_str(name);
        }
        begin..self.texts.len()
    }

    /// Says something about the action or its resource.
    pub(crate) fn meta(&mut self, name: &str, value: &'a str) {
        let name = self.meta_name(name);
        self.all.push((name, Value::Text(value)));
    }

    /// As [`Self::meta`], with a number.
    fn meta_number(&mut self, name: &str, number: usize) {
        let name = self.meta_name(name);
        let begin = self.texts.len();
        self.texts.push_str(Digits::of_count(number).text());
        self.all.push((name, Value::Number(begin..self.texts.len())));
    }

    /// Brings them in order, one of each name.
    fn settle(&mut self) {
        let names = self.texts.as_bytes();
        self.all.sort_by(|a, b| names[a.0.clone()].cmp(&names[b.0.clone()]));
        self.all.dedup_by(|later, kept| {
            let same = names[later.0.clone()] == names[kept.0.clone()];
            if same {
                std::mem::swap(later, kept);
            }
            same
        });
    }

    fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.all.iter().map(|(name, value)| {
            let value = match value {
                Value::Text(text) => text,
                Value::Number(digits) => &self.texts[digits.clone()],
            };
            (&self.texts[name.clone()], value)
        })
    }
}

/// Writes the `<attributes>` of an action; tells when its parameters may be others.
pub(crate) fn write(graph: &Graph, action: ActionIx, out: &mut dyn Markup) -> NextChange {
    let cluster = &graph.placed().cluster;
    let known = &graph.placed().book[action];
    let mut next = None;
    let primitive = known.resource.filter(|rsc| cluster[*rsc].is_primitive());
    let (parameters, own) = match primitive {
        Some(rsc) => parameters(graph, known, rsc, &mut next),
        None => Default::default(),
    };
    // as much as most actions have
    let mut all = Attributes { all: Vec::with_capacity(16), texts: String::with_capacity(256) };
    // the later ones go before: what the operation sets before what its resource does
    for (name, value) in parameters.iter().chain(&own) {
        all.set(name, value);
    }
    if let Some(address) = primitive.and_then(|rsc| cluster[rsc].meta.get("external-ip")) {
        all.set("pcmk_external_ip", address);
    }
    for (name, value) in known.meta.iter() {
        all.meta(name, value);
    }
    if let Some(node) = graph.told_node(action) {
        all.meta("on_node", &cluster[node].name);
        all.meta("on_node_uuid", &cluster[node].id);
    }
    let mut at = known.resource;
    while let Some(rsc) = at {
        describe(cluster, rsc, &mut all);
        at = cluster[rsc].parent;
    }
    crate::remote_order::guest_meta(&graph.ordered.planned, action, &mut all);
    all.settle();
    out.open("attributes");
    // no name for an attribute; very old agents have such parameters
    let numbered = |name: &str| name.starts_with(|first: char| first.is_ascii_digit());
    for (name, value) in all.iter().filter(|(name, _)| !numbered(name)) {
        out.attribute(name, value);
    }
    for (name, value) in all.iter().filter(|(name, _)| numbered(name)) {
        out.open("param");
        out.attribute("name", name);
        out.attribute("value", value);
        out.close();
    }
    out.close();
    next
}

/// The parameters that a resource has, and those that the operation has in its stead.
fn parameters(
    graph: &Graph,
    action: &Action,
    rsc: ResourceIx,
    next: &mut NextChange,
) -> (Pairs, Pairs) {
    let Placed { cluster, book, .. } = graph.placed();
    let mut parameters = cluster.parameters_at(rsc, action.node, next);
    crate::bundle_remote::fill_address(cluster, rsc, &mut parameters);
    let mut own = Pairs::new();
    if let Some(config) = book.operations().entry(cluster, rsc, action.key) {
        let context = cluster.context();
        crate::pairs::collect(&config, "instance_attributes", &context, None, &mut own, &mut None);
    }
    (parameters, own)
}

/// Says what an action's resource, or what that is in, is.
fn describe<'a>(cluster: &'a Cluster, rsc: ResourceIx, all: &mut Attributes<'a>) {
    let one = &cluster[rsc];
    match &one.variant {
        Variant::Primitive => {
            if let Some(number) = one.meta.get("clone") {
                all.meta("clone", number);
            }
            if let Some(remote) = one.meta.get("remote-node") {
                all.meta("remote-node", remote);
            }
            let mut above = Some(rsc);
            while let Some(part) = above {
                if let Some(container) = cluster[part].container {
                    all.meta("container", &cluster[container].id);
                }
                above = cluster[part].parent;
            }
        }
        Variant::Group { .. } | Variant::Bundle(_) => {}
        Variant::Clone(info) => {
            all.meta("globally-unique", if one.unique { "true" } else { "false" });
            all.meta("notify", if one.notify { "true" } else { "false" });
            all.meta_number("clone-max", info.max);
            all.meta_number("clone-node-max", info.node_max);
            if info.promotable {
                let (max, per_node) = (info.promoted_max, info.promoted_node_max);
                all.meta_number("promoted-max", max);
                all.meta_number("master-max", max);
                all.meta_number("promoted-node-max", per_node);
                all.meta_number("master-node-max", per_node);
            }
        }
    }
}

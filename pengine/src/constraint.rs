//! The second phase: what the constraints section and node-specific criteria ask for.

use std::sync::Arc;

use cib::Element;
use model::Score;

use crate::action::Book;
use crate::cluster::{Cluster, Variant};
use crate::index::{ColocationIx, LocationIx, NodeIx, ResourceIx};
use crate::ledger::Scores;
use crate::role::Role;
use crate::unpack::Unpacked;

/// A colocation: the dependent goes with the primary.
#[derive(Clone, Debug)]
pub(crate) struct Colocation {
    pub(crate) index: ColocationIx,
    pub(crate) id: String,
    pub(crate) node_attribute: Option<String>,
    pub(crate) dependent: ResourceIx,
    pub(crate) primary: ResourceIx,
    pub(crate) dependent_role: Role,
    pub(crate) primary_role: Role,
    pub(crate) score: Score,
    /// The dependent's preferences count for the primary even while that is active.
    pub(crate) influence: bool,
}

impl Colocation {
    /// The node attribute that must be the same.
    pub(crate) fn attribute(&self) -> &str {
        self.node_attribute.as_deref().unwrap_or("#uname")
    }

    /// Tells whether nodes themselves are compared, rather than an attribute that they share.
    pub(crate) fn by_name(&self) -> bool {
        self.attribute() == "#uname"
    }

    /// Tells whether the document asks for it, rather than the nature of a resource.
    pub(crate) fn explicit(&self) -> bool {
        !self.id.starts_with('#')
    }

    /// Must, or must not.
    pub(crate) fn mandatory(&self) -> bool {
        self.score.is_infinite() || self.score.forbids()
    }
}

/// What a location constraint gives to nodes.
#[derive(Clone, Debug)]
pub(crate) struct Location {
    pub(crate) index: LocationIx,
    pub(crate) id: String,
    pub(crate) resource: ResourceIx,
    pub(crate) role: Role,
    pub(crate) nodes: Vec<(NodeIx, Score)>,
    pub(crate) discovery: Discovery,
}

/// Where a resource's state is looked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Discovery {
    #[default]
    Always,
    Never,
    Exclusive,
}

/// A ticket constraint.
#[derive(Clone, Debug)]
pub(crate) struct TicketConstraint {
    pub(crate) ticket: String,
    pub(crate) resource: ResourceIx,
    pub(crate) role: Role,
    pub(crate) loss_policy: LossPolicy,
}

/// What happens when a ticket is lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LossPolicy {
    Stop,
    Demote,
    Fence,
    Freeze,
}

/// All constraints, indexed by resource.
#[derive(Debug, Default)]
pub(crate) struct Constraints {
    /// Shared, for they are looked at while scores change.
    pub(crate) colocations: Vec<Arc<Colocation>>,
    this_with: Vec<Vec<ColocationIx>>,
    with_this: Vec<Vec<ColocationIx>>,
    pub(crate) locations: Vec<Location>,
    pub(crate) tickets: Vec<TicketConstraint>,
    /// Discovery per resource and node.
    discovery: Vec<Vec<Discovery>>,
}

impl std::ops::Index<ColocationIx> for Constraints {
    type Output = Colocation;

    fn index(&self, index: ColocationIx) -> &Colocation {
        &self.colocations[index.position()]
    }
}

impl Constraints {
    /// Adds a colocation, made with its index.
    pub(crate) fn colocate(&mut self, make: impl FnOnce(ColocationIx) -> Colocation) {
        let index = ColocationIx::at(self.colocations.len());
        let colocation = make(index);
        if colocation.score == Score::ZERO || colocation.dependent == colocation.primary {
            return;
        }
        let add = |lists: &mut Vec<Vec<ColocationIx>>, resource: ResourceIx| {
            if lists.len() <= resource.position() {
                lists.resize(resource.position() + 1, Vec::new());
            }
            lists[resource.position()].push(index);
        };
        add(&mut self.this_with, colocation.dependent);
        add(&mut self.with_this, colocation.primary);
        self.colocations.push(Arc::new(colocation));
    }

    /// Adds a location, made with its index.
    pub(crate) fn locate(&mut self, make: impl FnOnce(LocationIx) -> Location) {
        let index = LocationIx::at(self.locations.len());
        self.locations.push(make(index));
    }

    /// Colocations whose dependent is exactly this resource.
    pub(crate) fn own_this_with(&self, resource: ResourceIx) -> &[ColocationIx] {
        self.this_with.get(resource.position()).map_or(&[], Vec::as_slice)
    }

    /// Colocations whose primary is exactly this resource.
    pub(crate) fn own_with_this(&self, resource: ResourceIx) -> &[ColocationIx] {
        self.with_this.get(resource.position()).map_or(&[], Vec::as_slice)
    }

    /// How a resource's state is looked for on a node.
    pub(crate) fn discovery(&self, resource: ResourceIx, node: NodeIx) -> Discovery {
        self.discovery
            .get(resource.position())
            .and_then(|list| list.get(node.position()))
            .copied()
            .unwrap_or_default()
    }

    /// Raises the discovery mode.
    pub(crate) fn set_discovery(&mut self, resource: ResourceIx, node: NodeIx, mode: Discovery) {
        if self.discovery.len() <= resource.position() {
            self.discovery.resize(resource.position() + 1, Vec::new());
        }
        let list = &mut self.discovery[resource.position()];
        if list.len() <= node.position() {
            list.resize(node.position() + 1, Discovery::Always);
        }
        if list[node.position()] < mode {
            list[node.position()] = mode;
        }
    }
}

/// The cluster with its constraints.
#[derive(Debug)]
pub(crate) struct Constrained {
    pub(crate) cluster: Cluster,
    pub(crate) book: Book,
    pub(crate) scores: Scores,
    pub(crate) rules: Constraints,
}

/// Reads all constraints and applies what does not depend on where anything is placed.
pub(crate) fn apply(unpacked: Unpacked) -> Constrained {
    let Unpacked { cluster, book, scores } = unpacked;
    let mut all = Constrained { cluster, book, scores, rules: Constraints::default() };
    all.book.expect(all.cluster.resources.len());
    crate::bundle_constraints::discovery(&mut all);
    crate::health::apply(&mut all);
    let document = Arc::clone(&all.cluster.document);
    if let Some(constraints) = document.at(&["configuration", "constraints"]) {
        for element in constraints.children() {
            if element.get("lifetime").is_some() || !in_effect(&all.cluster, element) {
                continue;
            }
            match element.name() {
                "rsc_order" => crate::order_constraint::unpack(&mut all, element),
                "rsc_colocation" => crate::colocation_constraint::unpack(&mut all, element),
                "rsc_location" => crate::location::unpack(&mut all, element),
                "rsc_ticket" => crate::ticket::unpack(&mut all, element),
                _ => {}
            }
        }
    }
    crate::location::apply_node_criteria(&mut all);
    crate::internal::all(&mut all);
    crate::config_change::check_all(&mut all);
    all
}

/// Reads the location constraints alone, for who wants to show them.
pub(crate) fn locations(unpacked: Unpacked) -> (Cluster, Vec<Location>) {
    let Unpacked { cluster, book, scores } = unpacked;
    let mut all = Constrained { cluster, book, scores, rules: Constraints::default() };
    let document = Arc::clone(&all.cluster.document);
    let constraints = document.at(&["configuration", "constraints"]);
    for element in constraints.into_iter().flat_map(|all| all.children_named("rsc_location")) {
        if element.get("lifetime").is_none() && in_effect(&all.cluster, element) {
            crate::location::unpack(&mut all, element);
        }
    }
    (all.cluster, all.rules.locations)
}

/// A constraint's lifetime rules.
fn in_effect(cluster: &Cluster, element: &Element) -> bool {
    element
        .child("lifetime")
        .is_none_or(|lifetime| crate::rules::any_holds(lifetime, &cluster.context(), &mut None))
}

/// What a template or tag stands for, in order; none if a reference is neither.
fn collection<'a>(cluster: &'a Cluster, id: &str) -> Option<&'a [String]> {
    let found = cluster.templates.get(id).or_else(|| cluster.tags.get(id));
    found.filter(|_| find_resource(cluster, id).is_none()).map(Vec::as_slice)
}

/// Appends the resources that a reference in a set stands for, through tags of tags; tells whether
/// all of them exist.
fn expand(cluster: &Cluster, id: &str, within: &[&str], out: &mut Vec<String>) -> bool {
    let Some(members) = collection(cluster, id) else {
        out.push(id.to_owned());
        return find_resource(cluster, id).is_some();
    };
    // (a tag in itself adds nothing)
    let path = [within, &[id]].concat();
    within.contains(&id) || members.iter().all(|member| expand(cluster, member, &path, out))
}

/// Finds a resource by its id; the member of an anonymous clone stands for the first instance's.
pub(crate) fn find_resource(cluster: &Cluster, id: &str) -> Option<ResourceIx> {
    let found = cluster.resource_by_id.get(id).copied().or_else(|| {
        // the child of a clone: what is in the first instance
        let zero = cluster.resource_by_id.get(&format!("{id}:0")).copied()?;
        Some(zero)
    })?;
    Some(found)
}

/// Resolves a reference in a constraint: what is directly in a clone stands for the clone.
pub(crate) fn constrained_resource(cluster: &Cluster, id: &str) -> Option<ResourceIx> {
    let found = find_resource(cluster, id)?;
    if cluster[found].id == id {
        return Some(found);
    }
    // an instance was meant by its base name
    let mut at = found;
    while let Some(parent) = cluster[at].parent {
        at = parent;
        if matches!(cluster[parent].variant, Variant::Clone(_) | Variant::Bundle(_)) {
            return Some(parent);
        }
    }
    Some(found)
}

/// Rewrites a constraint whose references are templates or tags as one of sets; none when there
/// is nothing to rewrite. `sides` name the attributes of each side: reference, role, action.
pub(crate) fn as_sets(
    cluster: &Cluster,
    element: &Element,
    sides: &[(&str, Option<&str>, Option<&str>)],
) -> Option<Element> {
    if element.child("resource_set").is_some() {
        let mut copy = element.clone();
        for set in copy.children_mut().filter(|c| c.name() == "resource_set") {
            let mut members = Vec::new();
            let known = set
                .children_named("resource_ref")
                .filter_map(Element::id)
                .all(|id| expand(cluster, id, &[], &mut members));
            // a reference to nothing leaves all as they are: collections can't be constrained then
            if !known {
                return None;
            }
            set.retain_children(|c| c.name() != "resource_ref");
            for id in members {
                set.push(Element::new("resource_ref").with("id", id));
            }
        }
        return Some(copy);
    }
    let is_collection = |id: Option<&str>| id.is_some_and(|id| collection(cluster, id).is_some());
    if !sides.iter().any(|(reference, _, _)| is_collection(element.get(reference))) {
        return None;
    }
    let mut copy = element.clone();
    for (number, (reference, role, action)) in sides.iter().enumerate() {
        let Some(id) = copy.unset(reference) else { continue };
        let mut set = Element::new("resource_set")
            .with("id", format!("{}-set-{number}", element.id().unwrap_or_default()))
            .with("sequential", "false");
        if let Some(value) = role.and_then(|role| copy.unset(role)) {
            set.set("role", value);
        }
        if let Some(value) = action.and_then(|action| copy.unset(action)) {
            set.set("action", value);
        }
        let alone = std::slice::from_ref(&id);
        for member in collection(cluster, &id).unwrap_or(alone) {
            set.push(Element::new("resource_ref").with("id", member));
        }
        copy.push(set);
    }
    Some(copy)
}

/// The members of a set, in order, up to the first that there is not.
pub(crate) fn set_members(cluster: &Cluster, set: &Element) -> Vec<ResourceIx> {
    references(cluster, set).map_while(|member| member).collect()
}

/// Tells whether all members of a set exist.
pub(crate) fn is_whole(cluster: &Cluster, set: &Element) -> bool {
    references(cluster, set).all(|member| member.is_some())
}

/// The last member of a set, if it exists.
pub(crate) fn last_member(cluster: &Cluster, set: &Element) -> Option<ResourceIx> {
    references(cluster, set).last().flatten()
}

fn references(cluster: &Cluster, set: &Element) -> impl Iterator<Item = Option<ResourceIx>> {
    let ids = set.children_named("resource_ref").filter_map(Element::id);
    ids.map(|id| constrained_resource(cluster, id))
}

/// The sets of a constraint, references followed.
pub(crate) fn sets(cluster: &Cluster, element: &Element) -> Vec<Element> {
    let context = cluster.context();
    element
        .children_named("resource_set")
        .filter_map(|set| match set.get("id-ref") {
            None => Some(set.clone()),
            Some(_) => context.resolve(set).cloned(),
        })
        .collect()
}

/// A set's members are a sequence unless it says otherwise.
pub(crate) fn sequential(set: &Element) -> bool {
    set.get("sequential").is_none_or(|text| crate::values::boolean(text).unwrap_or(true))
}

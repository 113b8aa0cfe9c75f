//! Colocations at work: who follows whom, and whose preferences count for whom.

use model::Score;

use crate::cluster::Variant;
use crate::constraint::Colocation;
use crate::index::{ColocationIx, NodeIx, ResourceIx};
use crate::ledger::Cause;
use crate::list_sort::insert_sorted;
use crate::place::Placing;
use crate::role::Role;

/// What a colocation bears on once the primary has its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Affects {
    Nothing,
    Location,
    Role,
}

/// Clones sort after groups, groups after primitives.
fn rank(variant: &Variant) -> u8 {
    match variant {
        Variant::Primitive => 1,
        Variant::Group { .. } => 2,
        Variant::Clone(_) => 3,
        Variant::Bundle(_) => 4,
    }
}

impl Placing {
    fn compare_others(
        &self,
        a: ColocationIx,
        b: ColocationIx,
        primary: bool,
    ) -> std::cmp::Ordering {
        let other = |index: ColocationIx| {
            let colocation = &self.rules[index];
            &self.cluster[if primary { colocation.primary } else { colocation.dependent }]
        };
        let (x, y) = (other(a), other(b));
        y.priority
            .cmp(&x.priority)
            .then_with(|| rank(&y.variant).cmp(&rank(&x.variant)))
            .then_with(|| y.promotable().cmp(&x.promotable()))
            .then_with(|| x.id.cmp(&y.id))
    }

    /// A bundle's connection must not move a healthy container.
    pub(crate) fn has_influence(&self, colocation: &Colocation, rsc: Option<ResourceIx>) -> bool {
        let rsc = rsc.unwrap_or(colocation.primary);
        let dependent = &self.cluster[colocation.dependent];
        let bundled_connection =
            dependent.is_remote && self.cluster.bundle_of(colocation.dependent).is_some();
        if bundled_connection
            && !self.cluster[rsc].failed
            && self.cluster[rsc].running_on.len() == 1
        {
            return false;
        }
        colocation.influence || self.cluster[rsc].running_on.is_empty()
    }

    fn add_this_with(&self, list: &mut Vec<ColocationIx>, new: ColocationIx) {
        if !list.contains(&new) {
            insert_sorted(list, new, |a, b| self.compare_others(*a, *b, true));
        }
    }

    fn add_with_this(&self, list: &mut Vec<ColocationIx>, new: ColocationIx) {
        if !list.contains(&new) {
            insert_sorted(list, new, |a, b| self.compare_others(*a, *b, false));
        }
    }

    /// All colocations in which a resource follows others, the most important first.
    pub(crate) fn this_with(&self, rsc: ResourceIx) -> Vec<ColocationIx> {
        let mut list = Vec::new();
        self.gather_this_with(rsc, rsc, &mut list);
        list
    }

    fn gather_this_with(&self, rsc: ResourceIx, origin: ResourceIx, list: &mut Vec<ColocationIx>) {
        let own = self.rules.own_this_with(rsc);
        let parent = self.cluster[rsc].parent;
        match &self.cluster[rsc].variant {
            Variant::Primitive => {
                if rsc == origin {
                    own.iter().for_each(|c| self.add_this_with(list, *c));
                    if let Some(parent) = parent {
                        self.gather_this_with(parent, origin, list);
                    }
                } else {
                    // what ties it to its own group's members is their affair
                    own.iter()
                        .filter(|colocation| self.rules[**colocation].explicit())
                        .for_each(|colocation| self.add_this_with(list, *colocation));
                }
            }
            Variant::Group { .. } => {
                let members = &self.cluster[rsc].children;
                let Some(&first) = members.first() else { return };
                if origin != rsc && origin != first {
                    // others follow the first member, unless one between them is left alone
                    let before = members.iter().take_while(|member| **member != origin);
                    if before.into_iter().any(|member| !self.cluster[*member].managed) {
                        own.iter()
                            .filter(|colocation| self.rules[**colocation].score.is_infinite())
                            .for_each(|colocation| self.add_this_with(list, *colocation));
                    }
                    return;
                }
                own.iter().for_each(|c| self.add_this_with(list, *c));
                if let Some(parent) = parent {
                    self.gather_this_with(parent, origin, list);
                }
                for &member in members.iter().filter(|member| **member != origin) {
                    self.gather_this_with(member, origin, list);
                }
            }
            Variant::Clone(_) => {
                own.iter().for_each(|c| self.add_this_with(list, *c));
                if let Some(parent) = parent {
                    self.gather_this_with(parent, origin, list);
                }
            }
            Variant::Bundle(_) => {
                own.iter()
                    .filter(|c| {
                        let role = self.rules[**c].dependent_role;
                        self.bundle_colocation_concerns(rsc, origin, role)
                    })
                    .for_each(|c| self.add_this_with(list, *c));
            }
        }
    }

    /// All colocations in which others follow a resource, the most important first.
    pub(crate) fn with_this(&self, rsc: ResourceIx) -> Vec<ColocationIx> {
        let mut list = Vec::new();
        self.gather_with_this(rsc, rsc, &mut list);
        list
    }

    fn gather_with_this(&self, rsc: ResourceIx, origin: ResourceIx, list: &mut Vec<ColocationIx>) {
        let own = self.rules.own_with_this(rsc);
        let parent = self.cluster[rsc].parent;
        match &self.cluster[rsc].variant {
            Variant::Primitive => {
                if rsc == origin {
                    own.iter().for_each(|c| self.add_with_this(list, *c));
                    if let Some(parent) = parent {
                        self.gather_with_this(parent, origin, list);
                    }
                } else {
                    // what ties it to its own group's members is their affair
                    own.iter()
                        .filter(|colocation| self.rules[**colocation].explicit())
                        .for_each(|colocation| self.add_with_this(list, *colocation));
                }
            }
            Variant::Group { .. } => {
                let members = &self.cluster[rsc].children;
                let Some(&last) = members.last() else { return };
                if origin != rsc && origin != last {
                    return;
                }
                own.iter().for_each(|c| self.add_with_this(list, *c));
                if let Some(parent) = parent {
                    self.gather_with_this(parent, origin, list);
                }
                for &member in members {
                    if member != origin {
                        self.gather_with_this(member, origin, list);
                    }
                }
            }
            Variant::Clone(_) => {
                own.iter().for_each(|c| self.add_with_this(list, *c));
                if let Some(parent) = parent {
                    self.gather_with_this(parent, origin, list);
                }
            }
            Variant::Bundle(_) => {
                own.iter()
                    .filter(|c| {
                        let role = self.rules[**c].primary_role;
                        self.bundle_colocation_concerns(rsc, origin, role)
                    })
                    .for_each(|c| self.add_with_this(list, *c));
            }
        }
    }

    /// Applies "this with other": the other is assigned first.
    pub(crate) fn apply_this_with(&mut self, index: ColocationIx, rsc: ResourceIx) {
        let colocation = self.colocation(index);
        let other = colocation.primary;
        let revertible = colocation.dependent_role >= Role::Promoted
            || (colocation.score < Score::ZERO && !colocation.score.forbids());
        let archive = revertible.then(|| self.scores.table(rsc));
        if self.home(other).provisional {
            self.assign(other, None, true);
        }
        self.apply_score(rsc, other, &colocation, true);
        if let Some(archive) = archive
            && !self.any_available(&self.scores.table(rsc))
        {
            self.scores.replace(rsc, archive);
        }
    }

    /// Lets a colocation's score bear on the dependent.
    pub(crate) fn apply_score(
        &mut self,
        dependent: ResourceIx,
        primary: ResourceIx,
        colocation: &Colocation,
        for_dependent: bool,
    ) {
        let side = if for_dependent { dependent } else { primary };
        match self.cluster[side].variant {
            Variant::Primitive if for_dependent => {
                self.apply_score(dependent, primary, colocation, false);
            }
            Variant::Primitive => match self.affects(dependent, primary, colocation, false) {
                Affects::Nothing => {}
                Affects::Role => self.apply_to_merit(dependent, primary, colocation),
                Affects::Location => self.apply_to_scores(dependent, primary, colocation),
            },
            Variant::Group { colocated, .. } => {
                let members = self.cluster[side].children.clone();
                if !for_dependent && self.home(side).provisional {
                    return;
                }
                let some: Vec<ResourceIx> = if !colocated {
                    if colocation.score.is_infinite() {
                        return;
                    }
                    members
                } else if for_dependent || !colocation.score.is_infinite() {
                    members.first().copied().into_iter().collect()
                } else {
                    members.last().copied().into_iter().collect()
                };
                for member in some {
                    if for_dependent {
                        self.apply_score(member, primary, colocation, true);
                    } else {
                        self.apply_score(dependent, member, colocation, false);
                    }
                }
            }
            Variant::Clone(_) => {
                if !for_dependent {
                    self.apply_clone_score(dependent, primary, colocation);
                }
            }
            Variant::Bundle(_) => {
                if !for_dependent {
                    self.apply_bundle_score(dependent, primary, colocation);
                }
            }
        }
    }

    /// The resource whose role a colocation with a resource is about.
    pub(crate) fn role_bearer(&self, rsc: ResourceIx) -> ResourceIx {
        match self.cluster.bundle_of(rsc) {
            Some(bundle) => self
                .cluster
                .bundle(bundle)
                .and_then(|b| {
                    b.replicas
                        .iter()
                        .find(|r| r.container == rsc || r.remote == Some(rsc) || r.ip == Some(rsc))
                })
                .and_then(|replica| replica.child)
                .unwrap_or(rsc),
            None => rsc,
        }
    }

    /// What a colocation bears on.
    pub(crate) fn affects(
        &self,
        dependent: ResourceIx,
        primary: ResourceIx,
        colocation: &Colocation,
        preview: bool,
    ) -> Affects {
        if !preview && self.home(primary).provisional {
            return Affects::Nothing;
        }
        let dependent_bearer = self.role_bearer(dependent);
        let primary_bearer = self.role_bearer(primary);
        let assigned = !self.home(dependent).provisional;
        if colocation.dependent_role >= Role::Unpromoted
            && self.in_promotable(dependent_bearer)
            && assigned
        {
            return Affects::Role;
        }
        if !preview && assigned {
            return Affects::Nothing;
        }
        let unfit = |role: Role, bearer: ResourceIx| {
            role != Role::Unknown && role != self.cluster[bearer].next_role
        };
        if unfit(colocation.dependent_role, dependent_bearer)
            || unfit(colocation.primary_role, primary_bearer)
        {
            return Affects::Nothing;
        }
        Affects::Location
    }

    /// Tells whether a resource is an instance, or in one, of a promotable clone.
    pub(crate) fn in_promotable(&self, rsc: ResourceIx) -> bool {
        self.cluster.clone_of(rsc).is_some_and(|clone| self.cluster[clone].promotable())
    }

    /// A node attribute, looked up as the resource wants it: of a guest itself, or of the host
    /// that it will be on.
    pub(crate) fn node_value(
        &self,
        node: NodeIx,
        attribute: &str,
        rsc: ResourceIx,
    ) -> Option<&str> {
        let of_host = || {
            let target = self.cluster[rsc].meta.get("container-attribute-target");
            target.is_some_and(|target| target == "host")
        };
        self.value_at(node, attribute, of_host)
    }

    /// As `node_value`, for colocations: nothing else can run where bundled resources do, so they
    /// are colocated by their hosts.
    pub(crate) fn colocation_value(
        &self,
        node: NodeIx,
        attribute: &str,
        rsc: ResourceIx,
    ) -> Option<&str> {
        if self.seen_at_host(rsc, node) {
            return self.value_at(node, attribute, || true);
        }
        self.node_value(node, attribute, rsc)
    }

    fn value_at(&self, node: NodeIx, attribute: &str, of_host: impl Fn() -> bool) -> Option<&str> {
        let place = match self.cluster.guest_container(node) {
            Some(container) if of_host() => self.home(container).node?,
            _ => node,
        };
        self.cluster.attribute(place, attribute)
    }

    pub(crate) fn cause_of(&mut self, colocation: &Colocation, other: ResourceIx) -> u32 {
        self.scores.ledger.cause(Cause::Colocation(colocation.index, other))
    }

    fn apply_to_scores(
        &mut self,
        dependent: ResourceIx,
        primary: ResourceIx,
        colocation: &Colocation,
    ) {
        let attribute = colocation.attribute().to_owned();
        let home = self.home(primary).node;
        if home.is_none() && colocation.score < Score::ZERO {
            return;
        }
        let value = home
            .and_then(|home| self.colocation_value(home, &attribute, primary).map(str::to_owned));
        let cause = self.cause_of(colocation, primary);
        let mut work = self.scores.table(dependent);
        for (position, place) in work.iter_mut().enumerate() {
            if !place.present() {
                continue;
            }
            let node = NodeIx::at(position);
            let delta = if home.is_none() {
                -colocation.score
            } else if same(self.colocation_value(node, &attribute, dependent), value.as_deref()) {
                if colocation.score.is_infinite() {
                    continue;
                }
                colocation.score
            } else if colocation.score.is_infinite() {
                Score::MINUS_INFINITY
            } else {
                continue;
            };
            *place = self.scores.ledger.add(*place, delta, cause);
        }
        if colocation.mandatory() || self.any_available(&work) {
            self.scores.replace(dependent, work);
        }
    }

    /// Lets a colocation bear on whether the dependent is promoted where it is.
    fn apply_to_merit(
        &mut self,
        dependent: ResourceIx,
        primary: ResourceIx,
        colocation: &Colocation,
    ) {
        let Some(here) = self.home(dependent).node else { return };
        let attribute = colocation.attribute();
        let own = self.colocation_value(here, attribute, dependent);
        let cause = Cause::Colocation(colocation.index, primary);
        // what is nowhere is not with the dependent either
        let together = self
            .home(primary)
            .node
            .is_some_and(|there| same(own, self.colocation_value(there, attribute, primary)));
        if !together {
            if colocation.score.is_infinite() && colocation.dependent_role == Role::Promoted {
                self.sway(dependent, Score::MINUS_INFINITY, cause);
            }
            return;
        }
        let bearer = self.role_bearer(primary);
        if colocation.primary_role != Role::Unknown
            && colocation.primary_role != self.cluster[bearer].next_role
        {
            return;
        }
        let unpromoted = colocation.dependent_role == Role::Unpromoted;
        let score = if unpromoted { -colocation.score } else { colocation.score };
        self.sway(dependent, score, cause);
    }

    /// Everything that must be together with a resource, the resource itself included.
    pub(crate) fn colocated(
        &self,
        rsc: ResourceIx,
        origin: ResourceIx,
        found: &mut Vec<ResourceIx>,
    ) {
        if found.contains(&rsc) {
            return;
        }
        let one = &self.cluster[rsc];
        if let Variant::Group { colocated, .. } = one.variant
            && (colocated || one.parent.is_some_and(|p| self.cluster[p].is_clone()))
        {
            for &member in &one.children {
                self.colocated(member, origin, found);
            }
        }
        if found.contains(&rsc) {
            return;
        }
        found.insert(0, rsc);
        let must = |colocation: &Colocation| {
            colocation.score.is_infinite()
                && self.affects(colocation.dependent, colocation.primary, colocation, true)
                    == Affects::Location
        };
        for index in self.this_with(rsc) {
            let colocation = &self.rules[index];
            if colocation.primary != origin && must(colocation) {
                self.colocated(colocation.primary, origin, found);
            }
        }
        for index in self.with_this(rsc) {
            let colocation = &self.rules[index];
            let dependent = colocation.dependent;
            let loose = one.is_clone() && !self.cluster[dependent].is_clone();
            if dependent != origin && !loose && must(colocation) {
                self.colocated(dependent, origin, found);
            }
        }
    }
}

/// Compares attribute values without regard to case; two missing ones are equal.
pub(crate) fn same(a: Option<&str>, b: Option<&str>) -> bool {
    match (a, b) {
        (Some(a), Some(b)) => a.eq_ignore_ascii_case(b),
        (None, None) => true,
        (Some(_), None) | (None, Some(_)) => false,
    }
}

//! The fourth phase: the actions that bring every resource from what it is to what it shall be.

use std::collections::BTreeMap;

use crate::action::{Key, Point, relation::*};
use crate::cluster::{Cluster, MultipleActive, Requires, Variant};
use crate::flags_memo::FlagsMemo;
use crate::index::{NodeIx, ResourceIx};
use crate::notify::Notification;
use crate::place::Placed;
use crate::propagate::Propagation;
use crate::role::Role;
use crate::task;

/// Everything with its actions, not ordered yet.
#[derive(Debug)]
pub(crate) struct Planned {
    pub(crate) placed: Placed,
    /// What clones want to be told, until it is known what happens.
    pub(crate) notifications: BTreeMap<ResourceIx, Vec<Notification>>,
    pub(crate) propagation: Propagation,
    pub(crate) flags_memo: FlagsMemo,
}

/// Creates all actions.
pub(crate) fn actions(placed: Placed) -> Planned {
    let mut planned = Planned {
        placed,
        notifications: BTreeMap::new(),
        propagation: Propagation::default(),
        flags_memo: FlagsMemo::default(),
    };
    crate::bundle_remote::check_deferred(&mut planned);
    if planned.cluster().properties.startup_probes {
        crate::probe::schedule(&mut planned);
    }
    planned.clear_counts_of_removed();
    for rsc in planned.cluster().top.clone() {
        planned.create(rsc);
    }
    crate::remote_order::all(&mut planned);
    crate::fence_and_shutdown::all(&mut planned);
    planned
}

impl Planned {
    pub(crate) fn cluster(&self) -> &Cluster {
        &self.placed.cluster
    }

    pub(crate) fn home(&self, rsc: ResourceIx) -> Option<NodeIx> {
        self.placed.homes.get(rsc.position()).and_then(|home| home.node)
    }

    /// The node a resource is assigned to; for a group or the like, if it is one.
    pub(crate) fn assigned_node(&self, rsc: ResourceIx) -> Option<NodeIx> {
        self.placed.scene().assigned_node(rsc)
    }

    fn clear_counts_of_removed(&mut self) {
        let Placed { cluster, book, .. } = &mut self.placed;
        for rsc in cluster.top.clone() {
            if !cluster[rsc].removed {
                continue;
            }
            for node in cluster.node_order.clone() {
                if !cluster[node].online
                    || crate::fail_count::get(cluster, rsc, node, true, false).count == 0
                {
                    continue;
                }
                let clear = book.clear_fail_count(cluster, rsc, node, "it is orphaned");
                book.order(Point::Action(clear), Point::of(rsc, task::STOP), ORDERED);
            }
        }
    }

    /// Creates the actions of a resource and of what is in it.
    pub(crate) fn create(&mut self, rsc: ResourceIx) {
        match self.cluster()[rsc].variant {
            Variant::Primitive => self.create_primitive(rsc),
            Variant::Group { .. } => {
                for member in self.cluster()[rsc].children.clone() {
                    self.create(member);
                }
                let top = self.cluster().uppermost(rsc, false);
                let promotable = self.cluster()[top].promotable();
                let Placed { cluster, book, .. } = &mut self.placed;
                for task in [task::START, task::RUNNING, task::STOP, task::STOPPED] {
                    book.pseudo(cluster, rsc, task, true, true);
                }
                if promotable {
                    for task in [task::DEMOTE, task::DEMOTED, task::PROMOTE, task::PROMOTED] {
                        book.pseudo(cluster, rsc, task, true, true);
                    }
                }
            }
            Variant::Clone(_) => crate::clone_create::create(self, rsc),
            Variant::Bundle(_) => crate::bundle_create::create(self, rsc),
        }
    }

    fn create_primitive(&mut self, rsc: ResourceIx) {
        let home = self.home(rsc);
        let Placed { cluster, book, .. } = &mut self.placed;
        let (current, all_active, _) = cluster.active_node(rsc);
        if cluster[rsc].next_role == Role::Unknown {
            cluster[rsc].next_role = if home.is_some() { Role::Started } else { Role::Stopped };
        }
        for source in cluster[rsc].dangling_migrations.clone() {
            let stop = book.simple(cluster, rsc, task::STOP, Some(source), false);
            book[stop].migration_aborted = true;
            if cluster.properties.remove_after_stop {
                crate::config_change::schedule_delete(cluster, book, rsc, source, false);
            }
        }
        let mut need_stop = false;
        let mut need_promote = false;
        let mut may_migrate = false;
        let moving = match (current, home) {
            (Some(current), Some(home)) => {
                current != home && cluster[rsc].next_role >= Role::Started
            }
            _ => false,
        };
        if moving {
            may_migrate = can_migrate(cluster, rsc, current, home);
            need_stop = true;
        }
        let one = &cluster[rsc];
        let partial = one.migration_source.is_some() || one.migration_target.is_some();
        let multiply_active;
        if one.migration_source.is_some()
            && one.migration_target.is_some()
            && may_migrate
            && all_active == 2
            && current == one.migration_source
            && home == one.migration_target
        {
            multiply_active = false;
        } else if partial {
            need_stop = true;
            may_migrate = false;
            multiply_active = false;
            cluster[rsc].migration_source = None;
            cluster[rsc].migration_target = None;
        } else {
            multiply_active = cluster.counted_active(rsc) > 1;
        }
        cluster[rsc].stop_unexpected = false;
        if multiply_active {
            match cluster[rsc].multiple_active {
                MultipleActive::StopStart => need_stop = true,
                MultipleActive::StopUnexpected => {
                    need_stop = true;
                    cluster[rsc].stop_unexpected = true;
                }
                MultipleActive::StopOnly | MultipleActive::Block => {}
            }
        }
        if cluster[rsc].start_pending {
            let start = book.simple(cluster, rsc, task::START, home, true);
            book[start].always_in_graph = true;
        }
        if moving {
        } else if cluster[rsc].failed {
            if cluster[rsc].stop_if_failed {
                need_stop = true;
            } else if cluster[rsc].next_role == Role::Promoted {
                need_promote = true;
            }
        } else if cluster[rsc].blocked {
            need_stop = true;
        } else if cluster[rsc].role > Role::Started && current.is_some() && home.is_some() {
            let start = book.simple(cluster, rsc, task::START, home, true);
            if !book[start].optional {
                need_stop = true;
            }
        }
        self.restart(rsc, current, need_stop, need_promote);
        self.role_transition(rsc);
        crate::recurring::create(self, rsc);
        if may_migrate && let Some(current) = current {
            self.migrate(rsc, current);
        }
    }

    /// Down to a stop and up to the same role again: optional unless needed.
    fn restart(
        &mut self,
        rsc: ResourceIx,
        current: Option<NodeIx>,
        need_stop: bool,
        need_promote: bool,
    ) {
        let home = self.home(rsc);
        let mut role = self.cluster()[rsc].role;
        self.placed.cluster[rsc].restarting = true;
        while role != Role::Stopped {
            let next = next_role(role, Role::Stopped);
            if next == role || !self.step(rsc, role, next, current, !need_stop) {
                break;
            }
            role = next;
        }
        loop {
            let one = &self.cluster()[rsc];
            if one.role > one.next_role || role == one.role || one.blocked {
                break;
            }
            let next = next_role(role, one.role);
            let required = need_stop || (next == Role::Promoted && need_promote);
            if next == role || !self.step(rsc, role, next, home, !required) {
                break;
            }
            role = next;
        }
        self.placed.cluster[rsc].restarting = false;
    }

    fn role_transition(&mut self, rsc: ResourceIx) {
        let home = self.home(rsc);
        let (mut role, wanted) = (self.cluster()[rsc].role, self.cluster()[rsc].next_role);
        while role != wanted {
            let next = next_role(role, wanted);
            if !self.step(rsc, role, next, home, false) || next == role {
                break;
            }
            role = next;
        }
    }

    /// Creates the action of one step; false when there is none such.
    fn step(
        &mut self,
        rsc: ResourceIx,
        from: Role,
        to: Role,
        node: Option<NodeIx>,
        optional: bool,
    ) -> bool {
        match (from, to) {
            (Role::Stopped, Role::Started | Role::Unpromoted) => self.start(rsc, node, optional),
            (Role::Unknown | Role::Started, Role::Stopped)
            | (Role::Unpromoted, Role::Stopped | Role::Started) => self.stop(rsc, optional),
            (Role::Started | Role::Unpromoted, Role::Promoted) => {
                self.promote(rsc, node, optional);
            }
            (Role::Promoted, Role::Stopped | Role::Started | Role::Unpromoted) => {
                self.demote(rsc, optional);
            }
            (Role::Stopped, Role::Stopped)
            | (Role::Started, Role::Started | Role::Unpromoted)
            | (Role::Unpromoted, Role::Unpromoted)
            | (Role::Promoted, Role::Promoted) => {}
            (Role::Unknown, _) | (_, Role::Unknown) | (Role::Stopped, Role::Promoted) => {
                return false;
            }
        }
        true
    }

    fn is_expected_node(&self, rsc: ResourceIx, node: Option<NodeIx>) -> bool {
        let one = &self.cluster()[rsc];
        one.stop_unexpected
            && one.restarting
            && one.next_role > Role::Stopped
            && node.is_some()
            && self.home(rsc) == node
    }

    fn start(&mut self, rsc: ResourceIx, node: Option<NodeIx>, optional: bool) {
        let expected = self.is_expected_node(rsc, node);
        let Placed { cluster, book, .. } = &mut self.placed;
        let start = book.simple(cluster, rsc, task::START, node, true);
        crate::unfencing::order_after(cluster, book, rsc, node, start, FIRST_IMPLIES_THEN);
        if book[start].runnable && !optional {
            book[start].optional = false;
        }
        if expected {
            book[start].pseudo = true;
        }
    }

    fn stop(&mut self, rsc: ResourceIx, optional: bool) {
        let home = self.home(rsc);
        let mut optional = optional;
        for current in self.cluster()[rsc].running_on.clone() {
            if self.is_expected_node(rsc, Some(current)) {
                continue;
            }
            let Placed { cluster, book, .. } = &mut self.placed;
            if let Some(target) = cluster[rsc].migration_target {
                if current == target && home == Some(current) {
                    continue;
                }
                optional = false;
            }
            let stop = book.simple(cluster, rsc, task::STOP, Some(current), optional);
            if home.is_none() {
                book.set_reason(stop, "node availability", true);
            } else if cluster[rsc].restarting && cluster[rsc].stop_unexpected {
                book.set_reason(stop, "being multiply active", true);
            }
            if !cluster[rsc].managed {
                book[stop].runnable = false;
            }
            if cluster.properties.remove_after_stop {
                crate::config_change::schedule_delete(cluster, book, rsc, current, optional);
            }
            if cluster[rsc].requires == Requires::Unfencing {
                let unfence = book.fencing(cluster, current, Some("on"), true, None, false);
                book.order_actions(stop, unfence, THEN_IMPLIES_FIRST);
            }
        }
    }

    fn promote(&mut self, rsc: ResourceIx, node: Option<NodeIx>, optional: bool) {
        let expected = self.is_expected_node(rsc, node);
        let Placed { cluster, book, .. } = &mut self.placed;
        let starts = book.matching(rsc, Key::once(task::START), node);
        if starts.iter().all(|start| book[*start].runnable) {
            let promote = book.simple(cluster, rsc, task::PROMOTE, node, optional);
            crate::unfencing::order_after(cluster, book, rsc, node, promote, FIRST_IMPLIES_THEN);
            if expected {
                book[promote].pseudo = true;
            }
        } else {
            for promote in book.matching(rsc, Key::once(task::PROMOTE), node) {
                book[promote].runnable = false;
            }
        }
    }

    fn demote(&mut self, rsc: ResourceIx, optional: bool) {
        for current in self.cluster()[rsc].running_on.clone() {
            if self.is_expected_node(rsc, Some(current)) {
                continue;
            }
            let Placed { cluster, book, .. } = &mut self.placed;
            book.simple(cluster, rsc, task::DEMOTE, Some(current), optional);
        }
    }

    fn migrate(&mut self, rsc: ResourceIx, current: NodeIx) {
        let home = self.home(rsc);
        let Placed { cluster, book, .. } = &mut self.placed;
        let start = book.simple(cluster, rsc, task::START, home, true);
        let stop = book.simple(cluster, rsc, task::STOP, Some(current), true);
        let fresh = cluster[rsc].migration_target.is_none();
        let migrate_to =
            fresh.then(|| book.simple(cluster, rsc, task::MIGRATE_TO, Some(current), true));
        let migrate_from = book.simple(cluster, rsc, task::MIGRATE_FROM, home, true);
        book[start].migratable = true;
        book[stop].migratable = true;
        book[start].pseudo = true;
        let first_needs = migrate_to.unwrap_or(migrate_from);
        book[first_needs].needs = book[start].needs;
        book[migrate_from].migratable = true;
        if let Some(migrate_to) = migrate_to {
            book[migrate_to].migratable = true;
        }
        let order = |book: &mut crate::action::Book, first: task::Task, then, flags| {
            book.order(Point::of(rsc, first), Point::of(rsc, then), flags);
        };
        if fresh {
            order(book, task::MONITOR, task::MIGRATE_TO, ORDERED);
            order(book, task::MIGRATE_TO, task::MIGRATE_FROM, ORDERED | UNMIGRATABLE_THEN_BLOCKS);
        } else {
            order(book, task::MONITOR, task::MIGRATE_FROM, ORDERED);
        }
        order(book, task::MIGRATE_FROM, task::STOP, ORDERED | UNMIGRATABLE_THEN_BLOCKS);
        order(
            book,
            task::MIGRATE_FROM,
            task::START,
            ORDERED | UNMIGRATABLE_THEN_BLOCKS | FIRST_ELSE_THEN,
        );
        let source = cluster[current].name.clone();
        let target = home.map(|home| cluster[home].name.clone()).unwrap_or_default();
        for action in [migrate_to, Some(migrate_from)].into_iter().flatten() {
            let meta = &mut book[action].meta;
            meta.insert("migrate_source", source.clone());
            meta.insert("migrate_target", target.clone());
        }
        if let (Some(migrate_to), false) = (migrate_to, cluster[rsc].is_remote) {
            book[migrate_to].meta.insert("record-pending", "true");
        }
    }
}

fn can_migrate(
    cluster: &Cluster,
    rsc: ResourceIx,
    current: Option<NodeIx>,
    home: Option<NodeIx>,
) -> bool {
    let one = &cluster[rsc];
    let clean = |node: Option<NodeIx>| node.is_some_and(|node| !cluster[node].unclean);
    one.allow_migrate
        && one.managed
        && !one.failed
        && !one.start_pending
        && clean(current)
        && clean(home)
}

/// One step from a role towards another.
fn next_role(from: Role, to: Role) -> Role {
    use Role::{Promoted, Started, Stopped, Unknown, Unpromoted};
    match (from, to) {
        (Unknown, Unknown) => Unknown,
        (Unknown | Stopped, Unknown | Stopped) | (Unknown, _) => Stopped,
        (Stopped, Started) => Started,
        (Stopped, Unpromoted | Promoted) => Unpromoted,
        (Started | Unpromoted, Unknown | Stopped) => Stopped,
        (Started, to) => to,
        (Unpromoted, Started) => Stopped,
        (Unpromoted, to) => to,
        (Promoted, Unknown) => Stopped,
        (Promoted, Stopped | Started | Unpromoted) => Unpromoted,
        (Promoted, Promoted) => Promoted,
    }
}

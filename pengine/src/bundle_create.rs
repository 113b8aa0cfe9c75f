//! Actions of bundles.

use crate::action::{Point, relation::*};
use crate::create::Planned;
use crate::index::{NodeIx, ResourceIx};
use crate::place::Placed;
use crate::task;

/// The priority of the points at which all replicas are through.
const COMPLETION_PRIORITY: i32 = 1_000_000;

/// Creates a bundle's actions and those of its parts.
pub(crate) fn create(planned: &mut Planned, rsc: ResourceIx) {
    let Some(bundle) = planned.cluster().bundle(rsc).cloned() else { return };
    for replica in &bundle.replicas {
        for part in replica.shell() {
            planned.create(part);
        }
    }
    crate::clone_create::of_instances(planned, rsc, &bundle.containers());
    let Some(child) = bundle.child else { return };
    planned.create(child);
    if !planned.cluster()[child].promotable() {
        return;
    }
    let Placed { cluster, book, .. } = &mut planned.placed;
    for task in [task::PROMOTE, task::DEMOTE] {
        book.pseudo(cluster, rsc, task, true, true);
        let done = book.pseudo(cluster, rsc, task::completed(task), true, true);
        book[done].priority = COMPLETION_PRIORITY;
    }
}

/// Probes a bundle's parts on a node.
pub(crate) fn probe(planned: &mut Planned, rsc: ResourceIx, node: NodeIx) {
    let Some(bundle) = planned.cluster().bundle(rsc).cloned() else { return };
    for replica in &bundle.replicas {
        if let Some(ip) = replica.ip {
            crate::probe::probe(planned, ip, node);
        }
        if let Some(child) = replica.child.filter(|_| replica.node == Some(node)) {
            crate::probe::probe(planned, child, node);
        }
        let container = replica.container;
        if crate::probe::probe(planned, container, node) && bundle.per_host == 1 {
            // a copy that runs there already would be one too many, and in the way of its ports
            for other in bundle.containers().into_iter().filter(|other| *other != container) {
                planned.placed.book.order_tasks(
                    (container, task::MONITOR),
                    (other, task::START),
                    ORDERED | IF_ON_SAME_NODE,
                );
            }
        }
        if let Some(remote) = replica.remote
            && crate::probe::probe(planned, remote, node)
        {
            // where a connection is to be looked for depends on where its container is
            let book = &mut planned.placed.book;
            if let Some(probe) = book.first_action(remote, task::MONITOR, Some(node)) {
                let here = Point::Action(probe);
                book.order(Point::of(container, task::START), here, NESTED_PROBE);
            }
        }
    }
}

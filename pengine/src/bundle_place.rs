//! Assignment of bundles: containers like instances, the rest follows.

use model::Score;

use crate::cluster::Cluster;
use crate::constraint::Colocation;
use crate::index::{NodeIx, ResourceIx};
use crate::instances::Limits;
use crate::ledger::Cause;
use crate::place::Placing;
use crate::role::Role;

impl Placing {
    /// Assigns a bundle. It is done again for each that asks, since what is colocated with a
    /// container may have become known meanwhile; parts that have their node keep it.
    pub(crate) fn assign_bundle(
        &mut self,
        rsc: ResourceIx,
        prefer: Option<NodeIx>,
        stop_if_fail: bool,
    ) -> Option<NodeIx> {
        if self.home(rsc).assigning {
            // it asks for itself, by way of others: an instance must not overtake the one that asked
            return None;
        }
        let bundle = self.cluster.bundle(rsc).cloned()?;
        self.homes[rsc.position()].assigning = true;
        self.show(rsc, "pcmk__bundle_assign");
        let mut containers = bundle.containers();
        self.sort_instances(&mut containers);
        let limits = Limits { total: bundle.replicas.len(), per_node: bundle.per_host };
        self.assign_instances(rsc, &containers, limits);
        for replica in &bundle.replicas {
            if let Some(ip) = replica.ip {
                self.assign(ip, prefer, stop_if_fail);
            }
            if let Some(remote) = replica.remote {
                self.cluster[remote].container_host = self.home(replica.container).node;
                self.follow_nested_host(remote, replica.container);
                self.assign(remote, prefer, stop_if_fail);
            }
            if let (Some(child), Some(node)) = (replica.child, replica.node) {
                self.assign_inside(child, node, stop_if_fail);
            }
        }
        if let Some(child) = bundle.child {
            let cause = self.scores.ledger.cause(Cause::BuiltIn("inside the bundle's containers"));
            for node in self.scores.candidates(child) {
                let own = bundle.replicas.iter().any(|replica| replica.node == Some(node));
                let score = if own { Score::ZERO } else { Score::MINUS_INFINITY };
                let cell = self.scores.ledger.begin(score, cause);
                self.scores.set(child, node, cell);
            }
            self.assign(child, prefer, stop_if_fail);
        }
        let home = &mut self.homes[rsc.position()];
        home.assigning = false;
        home.provisional = false;
        None
    }

    /// A connection through a remote node must be made where that node's own connection is: its
    /// executor talks to one cluster node at a time.
    fn follow_nested_host(&mut self, remote: ResourceIx, container: ResourceIx) {
        let host = self.home(container).node;
        let Some(connection) = host.and_then(|host| self.cluster[host].connection) else { return };
        self.rules.colocate(|index| Colocation {
            index,
            id: "#replica-remote-with-host-remote".into(),
            node_attribute: None,
            dependent: remote,
            primary: connection,
            dependent_role: Role::Unknown,
            primary_role: Role::Unknown,
            score: Score::INFINITY,
            influence: true,
        });
    }

    /// Assigns an instance to the node inside its container, unless it failed there too often.
    fn assign_inside(&mut self, child: ResourceIx, own: NodeIx, stop_if_fail: bool) {
        let failed = crate::fail_count::threshold_reached(&mut self.cluster, child, own).is_some();
        let cause = self.scores.ledger.cause(Cause::BuiltIn("its own container"));
        for node in self.scores.candidates(child) {
            let score = if node != own {
                Score::MINUS_INFINITY
            } else if failed {
                continue;
            } else {
                Score::INFINITY
            };
            let cell = self.scores.ledger.begin(score, cause);
            self.scores.set(child, node, cell);
        }
        let Some(clone) = self.cluster[child].parent else { return };
        let was = std::mem::replace(&mut self.homes[clone.position()].assigning, true);
        self.assign(child, Some(own), stop_if_fail);
        self.homes[clone.position()].assigning = was;
    }

    /// Tells whether a bundle's colocation in a role is about one of its parts: always for
    /// containers; for what is inside once roles are given, if it is about them.
    pub(crate) fn bundle_colocation_concerns(
        &self,
        rsc: ResourceIx,
        origin: ResourceIx,
        role: Role,
    ) -> bool {
        if origin == rsc || self.cluster.is_bundle_container(origin) {
            return true;
        }
        if role < Role::Unpromoted {
            return false;
        }
        let Some(child) = self.cluster.bundle(rsc).and_then(|bundle| bundle.child) else {
            return false;
        };
        if !self.cluster[child].promotable() || self.cluster.uppermost(origin, false) != child {
            return false;
        }
        if origin == child {
            self.promotion.begun(child)
        } else {
            // an instance that has its node asks because of its role
            !self.home(origin).provisional
        }
    }

    /// The container of a bundle on the host where another bundle's or clone's instance is or,
    /// while that has no node, on the best one that has a container.
    fn container_beside(&self, instance: ResourceIx, bundle: ResourceIx) -> Option<ResourceIx> {
        let nodes = match self.assigned_node(instance) {
            Some(node) => vec![node],
            None => self.scene().sorted_nodes(instance, None),
        };
        let containers = self.cluster.bundle(bundle)?.containers();
        nodes.into_iter().find_map(|node| {
            let host = match self.cluster.guest_container(node) {
                Some(container) if self.cluster.is_bundle_node(node) => self.home(container).node,
                _ => Some(node),
            };
            containers.iter().copied().find(|container| {
                !self.cluster.is_blocked(*container)
                    && host.is_some()
                    && self.home(*container).node == host
            })
        })
    }

    /// Tells whether a colocation sees a resource at the host of its node: nothing else can run on
    /// the node inside a bundle's container, so what is bundled stands for its container.
    pub(crate) fn seen_at_host(&self, rsc: ResourceIx, node: NodeIx) -> bool {
        self.cluster.is_bundle_node(node)
            && self
                .cluster
                .bundle_of(rsc)
                .and_then(|bundle| self.cluster.bundle(bundle)?.child)
                .is_some_and(|child| self.cluster.uppermost(rsc, false) == child)
    }

    /// Lets a colocation with a bundle bear on the dependent's scores.
    pub(crate) fn apply_bundle_score(
        &mut self,
        dependent: ResourceIx,
        primary: ResourceIx,
        colocation: &Colocation,
    ) {
        if self.home(primary).provisional {
            return;
        }
        if self.cluster[colocation.dependent].is_collective() {
            // one of its instances asks: it goes where one of the containers is
            match self.container_beside(dependent, primary) {
                Some(container) => self.apply_score(dependent, container, colocation, true),
                None if colocation.score.is_infinite() => {
                    self.assign_to(dependent, None, true, true);
                }
                None => {}
            }
            return;
        }
        let Some(bundle) = self.cluster.bundle(primary).cloned() else { return };
        if !colocation.score.is_infinite() {
            for container in bundle.containers() {
                self.apply_score(dependent, container, colocation, false);
            }
            return;
        }
        let mut hosts = Vec::new();
        for replica in &bundle.replicas {
            let Some(host) = self.home(replica.container).node else { continue };
            let promoted =
                replica.child.is_some_and(|c| self.cluster[c].next_role == Role::Promoted);
            if self.cluster.is_blocked(replica.container)
                || (colocation.primary_role == Role::Promoted && !promoted)
            {
                continue;
            }
            hosts.push((host, Score::ZERO));
        }
        self.keep_beside(dependent, primary, &hosts, colocation);
    }
}

/// The instances of a clone, or the containers of a bundle.
pub(crate) fn instances(cluster: &Cluster, rsc: ResourceIx) -> Vec<ResourceIx> {
    cluster.bundle(rsc).map_or_else(|| cluster[rsc].children.clone(), |b| b.containers())
}

/// Everything a bundle consists of, in the order in which it is planned and shown.
pub(crate) fn parts(cluster: &Cluster, rsc: ResourceIx) -> Vec<ResourceIx> {
    let Some(bundle) = cluster.bundle(rsc) else { return Vec::new() };
    let shells = bundle.replicas.iter().flat_map(|replica| replica.shell());
    bundle.child.into_iter().chain(shells).collect()
}

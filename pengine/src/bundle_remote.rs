//! Connections of bundles' nodes find their address only once the container has a host.

use crate::cluster::Cluster;
use crate::index::{NodeIx, ResourceIx};
use crate::rules::Pairs;

/// Puts the host's name in place of the mark that a bundle's connection has for an address.
pub(crate) fn fill_address(
    cluster: &Cluster,
    rsc: ResourceIx,
    _node: Option<NodeIx>,
    parameters: &mut Pairs,
) {
    if parameters.get("addr").map(String::as_str) != Some("#uname") {
        return;
    }
    let host = cluster[rsc].container.and_then(|container| cluster.current_node(container));
    if let Some(host) = host {
        parameters.insert("addr".into(), cluster[host].name.clone());
    }
}

/// As `fill_address`, once containers have their hosts.
pub(crate) fn fill_address_at(
    cluster: &Cluster,
    homes: &[crate::place::Home],
    rsc: ResourceIx,
    _node: Option<NodeIx>,
    parameters: &mut Parameters,
) {
    if parameters.get("addr").map(String::as_str) != Some("#uname") {
        return;
    }
    let Some(container) = cluster[rsc].container else { return };
    let home = homes.get(container.position()).and_then(|home| home.node);
    if let Some(host) = home.or_else(|| cluster.current_node(container)) {
        parameters.insert("addr".into(), cluster[host].name.clone());
    }
}

type Parameters = Pairs;

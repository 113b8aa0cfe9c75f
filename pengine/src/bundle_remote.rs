//! Connections of bundles' nodes that have no address of their own: they are found at the host of
//! the container, which is known only once that has its place.

use crate::cluster::Cluster;
use crate::create::Planned;
use crate::entry::Entry;
use crate::index::{NodeIx, ResourceIx};
use crate::place::Placed;
use crate::rules::Pairs;

/// What stands for the host's name in the connection's parameters.
pub(crate) const HOST_MARK: &str = "#uname";

/// A comparison of parameters that has to wait for the container's place.
#[derive(Clone, Debug)]
pub(crate) struct DeferredCheck {
    pub(crate) rsc: ResourceIx,
    pub(crate) node: NodeIx,
    pub(crate) entry: Entry,
    pub(crate) about: CheckAbout,
}

/// What a comparison is to find out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CheckAbout {
    /// Whether what runs is configured otherwise now.
    Active,
    /// Whether what failed might succeed with the parameters of today.
    LastFailure,
}

/// Tells whether a resource is a connection that is found at its container's host.
pub(crate) fn found_at_host(cluster: &mut Cluster, rsc: ResourceIx) -> bool {
    cluster[rsc].is_remote
        && cluster.bundle_of(rsc).is_some()
        && cluster.parameters(rsc, None).get("addr").is_some_and(|addr| addr == HOST_MARK)
}

/// Puts the host's name in place of the mark: of the host to be, else of the present one.
pub(crate) fn fill_address(cluster: &Cluster, rsc: ResourceIx, parameters: &mut Pairs) {
    if parameters.get("addr").is_none_or(|addr| addr != HOST_MARK) {
        return;
    }
    let one = &cluster[rsc];
    let present = || one.container.and_then(|container| cluster.current_node(container));
    if let Some(host) = one.container_host.or_else(present) {
        parameters.insert("addr".into(), cluster[host].name.clone());
    }
}

/// Makes the comparisons that had to wait.
pub(crate) fn check_deferred(planned: &mut Planned) {
    let Placed { cluster, book, .. } = &mut planned.placed;
    for check in std::mem::take(&mut cluster.deferred_checks) {
        let DeferredCheck { rsc, node, entry, about } = check;
        match about {
            CheckAbout::Active => {
                crate::config_change::check_entry(cluster, book, rsc, node, &entry);
            }
            CheckAbout::LastFailure => {
                if crate::digest::failed_with_other_parameters(cluster, book, rsc, node, &entry) {
                    let reason = "resource parameters have changed";
                    book.clear_fail_count(cluster, rsc, node, reason);
                }
            }
        }
    }
}

//! The status section as the engine is to see it, where the plain truth would mislead it.

use std::sync::Arc;

use cib::Element;
use model::NodeId;

use super::controller::Controller;
use super::history::find_mut;
use super::status::{self, Presence, StatusChange};

impl Controller {
    /// Returns the status section for the engine.
    ///
    /// The engine takes a member that does not answer for one that has just come up and runs
    /// nothing, and would start its resources elsewhere. In maintenance that member's resources are
    /// left where they may be, nothing new goes there, and what nobody knows of is started only when
    /// that member, too, was asked for it.
    ///
    /// A node that was away (cut off, or a virtual machine that stood still) stops what it ran, and
    /// may be back before that is done. What is served elsewhere by then must not be stopped there as
    /// well because it is active twice: the copy that is on its way out is shown as gone. Its hands
    /// do one thing at a time for a resource, so that whatever is planned there comes after the stop;
    /// and a stop that fails makes another plan.
    pub(super) fn status_for_planning(&self) -> Arc<Element> {
        let mut section = Arc::clone(self.status());
        for (node, peer) in self.peers.iter().filter(|(_, peer)| peer.silent) {
            let (node, name, presence) = (*node, self.name(*node), Presence::Member(peer.since));
            let section = Arc::make_mut(&mut section);
            status::apply(section, &StatusChange::Node { node, name, presence });
            let (set, name, value) = (None, "maintenance".to_owned(), Some("true".to_owned()));
            status::apply(section, &StatusChange::Attribute { node, set, name, value });
        }
        for (node, resource) in self.found_stopping() {
            if !self.is_copied(resource) && self.is_active_elsewhere(node, resource) {
                let uuid = &self.identity.uuid;
                show_stopped(Arc::make_mut(&mut section), node, resource, uuid);
            }
        }
        section
    }

    /// Returns the nodes and resources of stops that were found under way.
    fn found_stopping(&self) -> impl Iterator<Item = (NodeId, &str)> {
        self.in_flight
            .iter()
            .filter(|((_, _, action, _), under_way)| action == "stop" && under_way.is_found())
            .map(|((node, resource, ..), _)| (*node, resource.as_str()))
    }

    /// Tells whether a resource may rightly be active on several nodes.
    fn is_copied(&self, resource: &str) -> bool {
        let is_copier = |e: &&Element| matches!(e.name(), "clone" | "master" | "bundle");
        let resources = self.config.as_ref().and_then(|c| c.at(&["configuration", "resources"]));
        let copiers = resources.into_iter().flat_map(Element::descendants).filter(is_copier);
        copiers.flat_map(Element::descendants).any(|e| e.id() == Some(resource))
    }

    fn is_active_elsewhere(&self, node: NodeId, resource: &str) -> bool {
        self.view.members.keys().filter(|member| **member != node).any(|member| {
            let history = history(self.status(), *member, resource);
            history.and_then(newest).is_some_and(|last| {
                matches!(
                    (last.get("operation").unwrap_or_default(), last.get("rc-code")),
                    ("start" | "demote" | "migrate_from" | "monitor" | "promote", Some("0"))
                        | ("monitor", Some("8"))
                )
            })
        })
    }
}

/// Returns what is known of a resource on a node.
fn history<'a>(section: &'a Element, node: NodeId, resource: &str) -> Option<&'a Element> {
    let id = node.to_string();
    let state = section.children().find(|state| state.id() == Some(&id))?;
    state.at(&["lrm", "lrm_resources"])?.children().find(|history| history.id() == Some(resource))
}

fn call_id(entry: &Element) -> i64 {
    entry.get("call-id").and_then(|number| number.parse().ok()).unwrap_or(-1)
}

/// Returns the operation that ended last.
fn newest(history: &Element) -> Option<&Element> {
    history.children_named("lrm_rsc_op").max_by_key(|entry| call_id(entry))
}

/// Puts a stop that went well behind what is known of a resource on a node.
fn show_stopped(section: &mut Element, node: NodeId, resource: &str, uuid: &str) {
    let Some(mut stop) = history(section, node, resource).and_then(newest).cloned() else { return };
    stop.set("id", format!("{resource}_last_0"));
    stop.set("operation_key", format!("{resource}_stop_0"));
    stop.set("operation", "stop");
    stop.set("interval", "0");
    stop.set("call-id", (call_id(&stop) + 1).to_string());
    stop.set("rc-code", "0");
    stop.set("op-status", "0");
    let key = format!("0:0:0:{uuid}");
    stop.set("transition-magic", format!("0:0;{key}"));
    stop.set("transition-key", key);
    let id = node.to_string();
    let all = find_mut(section, |state| state.id() == Some(&id))
        .and_then(|state| state.at_mut(&["lrm", "lrm_resources"]));
    if let Some(history) = all.and_then(|all| find_mut(all, |one| one.id() == Some(resource))) {
        history.retain_children(|_| false);
        history.push(stop);
    }
}

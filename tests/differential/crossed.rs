//! Two cases of Pacemaker's own suite as one cluster: what runs in one runs on the nodes of the other,
//! and something of each depends on something of the other.

use std::collections::{BTreeMap, BTreeSet};

use cib::Element;

use crate::altered::{CONSTRAINTS, RESOURCES, STATUS, TAGS, constrain, tops};
use crate::dice::Dice;

/// Brings a guest's resources, constraints and history to the nodes of a host; none if both use the
/// same names for different things.
pub(crate) fn cross(mut host: Element, mut guest: Element, dice: &mut Dice) -> Option<Element> {
    if names(&host).intersection(&names(&guest)).next().is_some() {
        return None;
    }
    let (here, there) = (members(&host), members(&guest));
    let moved: BTreeMap<&str, &str> =
        there.iter().zip(&here).map(|(old, new)| (old.as_str(), new.as_str())).collect();
    rename_nodes(&mut guest, &moved);
    let (mine, others) = (tops(&host), tops(&guest));
    if mine.is_empty() || others.is_empty() {
        return None;
    }
    for section in [RESOURCES, CONSTRAINTS, TAGS] {
        let content: Vec<Element> =
            guest.at(section).into_iter().flat_map(Element::children).cloned().collect();
        if content.is_empty() {
            continue;
        }
        let name = section.last()?;
        let holder = host.child_mut("configuration")?.child_or_insert(name);
        for mut element in content {
            if *name == "constraints" {
                let id = format!("crossed-{}", element.id().unwrap_or_default());
                element.set("id", id);
            }
            holder.push(element);
        }
    }
    for node in guest.at(&["configuration", "nodes"])?.children() {
        bring_node(&mut host, node);
    }
    for state in guest.at(STATUS)?.children() {
        bring_state(&mut host, state);
    }
    for _ in 0..dice.between(0, 2) {
        let mut ends = [dice.pick(&mine).clone(), dice.pick(&others).clone()];
        if dice.percent(50) {
            ends.reverse();
        }
        let [one, other] = ends;
        let constraint = if dice.percent(50) {
            Element::new("rsc_order")
                .with("first", one)
                .with("then", other)
                .with("kind", dice.word(&["Mandatory", "Optional", "Serialize"]))
        } else {
            Element::new("rsc_colocation")
                .with("rsc", one)
                .with("with-rsc", other)
                .with("score", dice.word(&["INFINITY", "INFINITY", "-INFINITY", "50"]))
        };
        constrain(&mut host, constraint);
    }
    Some(host)
}

/// What a document gives names to, its members left out.
fn names(document: &Element) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for section in [RESOURCES, TAGS] {
        for element in document.at(section).into_iter().flat_map(Element::descendants) {
            if !matches!(element.name(), "obj_ref" | "nvpair" | "op" | "resources" | "tags") {
                names.extend(element.id().map(str::to_owned));
            }
            if element.get("name") == Some("remote-node") {
                names.extend(element.get("value").map(str::to_owned));
            }
        }
    }
    for state in document.at(STATUS).into_iter().flat_map(Element::descendants) {
        if matches!(state.name(), "ticket_state" | "lrm_resource") {
            names.extend(state.id().map(str::to_owned));
        }
    }
    names
}

/// Names of the nodes that are members of the cluster.
fn members(document: &Element) -> Vec<String> {
    let nodes = document.at(&["configuration", "nodes"]).into_iter().flat_map(Element::children);
    let plain = |node: &&Element| matches!(node.get("type"), None | Some("member" | "normal"));
    nodes.filter(plain).filter_map(|node| node.get("uname")).map(str::to_owned).collect()
}

fn rename_nodes(element: &mut Element, moved: &BTreeMap<&str, &str>) {
    let about: Vec<(String, String)> = element
        .attributes()
        .filter(|(name, _)| !matches!(*name, "id" | "name"))
        .filter_map(|(name, value)| Some((name.to_owned(), (*moved.get(value)?).to_owned())))
        .collect();
    for (name, value) in about {
        element.set(&name, value);
    }
    for child in element.children_mut() {
        rename_nodes(child, moved);
    }
}

/// Attributes and capacity of a guest's node go to the host's node; a node of a new name is new.
fn bring_node(host: &mut Element, node: &Element) {
    let Some(nodes) = host.at_mut(&["configuration", "nodes"]) else { return };
    let known = nodes.children_mut().find(|known| known.get("uname") == node.get("uname"));
    match known {
        Some(known) => {
            for set in node.children() {
                let mut set = set.clone();
                set.retain_children(|pair| {
                    !matches!(pair.get("name"), Some("standby" | "maintenance"))
                });
                let id = format!("crossed-{}", set.id().unwrap_or_default());
                set.set("id", id);
                known.push(set);
            }
        }
        None if node.get("type") == Some("remote") => nodes.push(node.clone()),
        None => {}
    }
}

/// What has run on a guest's node has run on the host's node.
fn bring_state(host: &mut Element, state: &Element) {
    let Some(status) = host.at_mut(STATUS) else { return };
    if state.name() == "tickets" {
        let holder = status.child_or_insert("tickets");
        state.children().for_each(|ticket| holder.push(ticket.clone()));
        return;
    }
    let Some(known) = status.children_mut().find(|known| known.get("uname") == state.get("uname"))
    else {
        if state.get("remote_node").is_some() {
            status.push(state.clone());
        }
        return;
    };
    let histories = state.child("lrm").and_then(|lrm| lrm.child("lrm_resources"));
    if let Some(histories) = histories {
        let holder = known.child_or_insert("lrm").child_or_insert("lrm_resources");
        histories.children().for_each(|history| holder.push(history.clone()));
    }
    for set in state.child("transient_attributes").into_iter().flat_map(Element::children) {
        let holder = known.child_or_insert("transient_attributes");
        let target = holder.child_or_insert("instance_attributes");
        if target.id().is_none() {
            target.set("id", format!("crossed-{}", set.id().unwrap_or_default()));
        }
        for pair in set.children() {
            let about_node = matches!(
                pair.get("name"),
                Some("shutdown" | "standby" | "terminate" | "maintenance" | "probe_complete")
            );
            if !about_node {
                target.push(pair.clone());
            }
        }
    }
}

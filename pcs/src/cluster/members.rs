//! Nodes and links that come and go in a corosync.conf that is there.

use std::collections::{BTreeMap, BTreeSet};

use membership::conf::Document;

use super::ClusterMessage;
use super::config::{nodes, transport};
use super::options::{Pairs, any_error, error};
use super::setup::{NewNode, interface, link_group, links_max, node_section, set_two_node};
use crate::report::{Failed, Outcome, Report};

/// Returns the numbers of the links that any node has an address on.
fn links(document: &Document) -> BTreeSet<usize> {
    let addresses = nodes(document).into_iter().flat_map(|node| node.addrs);
    addresses.filter_map(|address| address.link.parse().ok()).collect()
}

fn done(reports: &[Report]) -> Outcome {
    if any_error(reports) { Err(Failed::Reported) } else { Ok(()) }
}

/// Reports an address that a node has already.
fn check_address(document: &Document, address: &str, reports: &mut Vec<Report>) {
    for node in nodes(document) {
        if node.addrs.iter().any(|known| known.addr == address) {
            let (address, node) = (address.to_owned(), node.name);
            reports.push(error(ClusterMessage::AddressInUse { address, node }));
        }
    }
}

/// Adds a node; it gets the lowest number that is free.
///
/// # Errors
/// The reports say what is wrong.
pub fn add_node(document: &mut Document, node: &NewNode, reports: &mut Vec<Report>) -> Outcome {
    let known = nodes(document);
    if known.iter().any(|other| other.name == node.name) {
        reports.push(error(ClusterMessage::NodeExists { node: node.name.clone() }));
    }
    if node.addresses.iter().any(String::is_empty) {
        reports.push(error(ClusterMessage::EmptyAddress { nodes: vec![node.name.clone()] }));
    }
    let wanted = links(document).len();
    if node.addresses.len() != wanted {
        let (node, given) = (node.name.clone(), node.addresses.len());
        reports.push(error(ClusterMessage::WrongAddressCount {
            node,
            given,
            min: wanted,
            max: wanted,
        }));
    }
    for address in &node.addresses {
        check_address(document, address, reports);
    }
    done(reports)?;
    let taken: BTreeSet<u32> = known.iter().filter_map(|node| node.nodeid.parse().ok()).collect();
    let id = (1..).find(|id| !taken.contains(id)).unwrap_or(u32::MAX);
    let mut section = node_section(&NewNode { name: node.name.clone(), addresses: Vec::new() }, id);
    // Links need not be numbered without gaps.
    let mut placed = membership::conf::Section::new("node");
    for (link, address) in links(document).into_iter().zip(&node.addresses) {
        placed.set(&format!("ring{link}_addr"), &**address);
    }
    placed.items.append(&mut section.items);
    document.section_mut("nodelist").push_section(placed);
    set_two_node(document);
    Ok(())
}

/// Takes nodes away.
///
/// # Errors
/// The reports say what is wrong.
pub fn remove_nodes(
    document: &mut Document,
    names: &[String],
    reports: &mut Vec<Report>,
) -> Outcome {
    let known = nodes(document);
    for name in names {
        if !known.iter().any(|node| node.name == *name) {
            reports.push(error(ClusterMessage::NodeNotFound { node: name.clone() }));
        }
    }
    if known.iter().all(|node| names.contains(&node.name)) {
        reports.push(error(ClusterMessage::NoNodesLeft));
    }
    done(reports)?;
    let ids: BTreeSet<&str> = known
        .iter()
        .filter(|node| names.contains(&node.name))
        .map(|node| node.nodeid.as_str())
        .collect();
    document
        .section_mut("nodelist")
        .remove_sections("node", |node| ids.contains(node.get("nodeid").unwrap_or_default()));
    set_two_node(document);
    Ok(())
}

/// Gives a node another name.
///
/// # Errors
/// The reports say what is wrong.
pub fn rename_node(
    document: &mut Document,
    old: &str,
    new: &str,
    reports: &mut Vec<Report>,
) -> Outcome {
    let known = nodes(document);
    if !known.iter().any(|node| node.name == old) {
        reports.push(error(ClusterMessage::NodeNotFound { node: old.to_owned() }));
    }
    if new.is_empty() || known.iter().any(|node| node.name == new) {
        reports.push(error(ClusterMessage::NodeExists { node: new.to_owned() }));
    }
    done(reports)?;
    let id = known.iter().find(|node| node.name == old).map(|node| node.nodeid.clone());
    for node in document.section_mut("nodelist").sections_mut("node") {
        if node.get("nodeid").map(str::to_owned) == id {
            node.set("name", new);
        }
    }
    Ok(())
}

/// Adds a link; every node needs an address on it.
///
/// # Errors
/// The reports say what is wrong.
pub fn add_link(
    document: &mut Document,
    addresses: &BTreeMap<String, String>,
    options: &Pairs,
    reports: &mut Vec<Report>,
) -> Outcome {
    let transport = transport(document);
    let known = nodes(document);
    let existing = links(document);
    let max = links_max(&transport);
    if existing.len() >= max {
        reports.push(error(ClusterMessage::TooManyLinks { max }));
        return Err(Failed::Reported);
    }
    let missing: Vec<String> = known
        .iter()
        .map(|node| node.name.clone())
        .filter(|name| !addresses.contains_key(name))
        .collect();
    if !missing.is_empty() {
        reports.push(error(ClusterMessage::LinkAddressMissing { nodes: missing }));
    }
    let mut seen = BTreeSet::new();
    for (name, address) in addresses {
        if !known.iter().any(|node| node.name == *name) {
            reports.push(error(ClusterMessage::NodeNotFound { node: name.clone() }));
        }
        if address.is_empty() {
            reports.push(error(ClusterMessage::EmptyAddress { nodes: vec![name.clone()] }));
        }
        check_address(document, address, reports);
        if !seen.insert(address) {
            let addresses = vec![address.clone()];
            reports.push(error(ClusterMessage::AddressesNotUnique { addresses }));
        }
    }
    link_group(&transport).check(options, false, reports);
    let named = super::setup::last(options, "linknumber").and_then(|text| text.parse().ok());
    let number =
        named.or_else(|| (0..max).find(|number| !existing.contains(number))).unwrap_or(max);
    if existing.contains(&number) {
        reports.push(error(ClusterMessage::LinkTwice(format!("Link number '{number}'"))));
    }
    done(reports)?;
    for node in document.section_mut("nodelist").sections_mut("node") {
        let first = node.get("ring0_addr").map(str::to_owned).unwrap_or_default();
        let name = node.get("name").map_or(first, str::to_owned);
        if let Some(address) = addresses.get(&name) {
            let mut section = membership::conf::Section::new("node");
            // Addresses stand together, in front of the name.
            section.set(&format!("ring{number}_addr"), &**address);
            let at = node.items.iter().rposition(|item| {
                matches!(item, membership::conf::Item::Setting(setting)
                    if setting.key.starts_with("ring") && setting.key.ends_with("_addr"))
            });
            let at = at.map_or(0, |at| at + 1);
            node.items.splice(at..at, section.items);
        }
    }
    if !options.is_empty() {
        let section = interface(&transport, number, options);
        document.section_mut("totem").push_section(section);
    }
    Ok(())
}

/// Changes addresses and options of a link; an empty value takes an option away.
///
/// # Errors
/// The reports say what is wrong.
pub fn update_link(
    document: &mut Document,
    link: &str,
    addresses: &BTreeMap<String, String>,
    options: &Pairs,
    reports: &mut Vec<Report>,
) -> Outcome {
    let transport = transport(document);
    let known = nodes(document);
    let existing = links(document);
    let number = link.parse::<usize>().ok().filter(|number| existing.contains(number));
    let Some(number) = number else {
        let existing = existing.iter().map(ToString::to_string).collect();
        reports.push(error(ClusterMessage::LinkNotFound { link: link.to_owned(), existing }));
        return Err(Failed::Reported);
    };
    for (name, address) in addresses {
        let node = known.iter().find(|node| node.name == *name);
        if node.is_none() {
            reports.push(error(ClusterMessage::NodeNotFound { node: name.clone() }));
        }
        if address.is_empty() {
            reports.push(error(ClusterMessage::EmptyAddress { nodes: vec![name.clone()] }));
        }
        let same = |node: &super::config::NodeView| {
            node.addrs.iter().any(|known| known.addr == *address && known.link == link)
        };
        if !node.is_some_and(same) {
            check_address(document, address, reports);
        }
    }
    link_group(&transport).check(options, true, reports);
    done(reports)?;
    let ids: BTreeMap<String, &String> = known
        .iter()
        .filter_map(|node| Some((node.nodeid.clone(), addresses.get(&node.name)?)))
        .collect();
    for node in document.section_mut("nodelist").sections_mut("node") {
        if let Some(address) = node.get("nodeid").and_then(|id| ids.get(id)) {
            node.set(&format!("ring{number}_addr"), address.as_str());
        }
    }
    if options.is_empty() {
        return Ok(());
    }
    let totem = document.section_mut("totem");
    let is_it = |section: &membership::conf::Section| {
        section.get("linknumber").or(section.get("ringnumber")).unwrap_or("0") == link
    };
    if !totem.sections("interface").any(is_it) {
        totem.push_section(interface(&transport, number, &Pairs::new()));
    }
    let group = link_group(&transport);
    if let Some(section) = totem.sections_mut("interface").find(|section| is_it(section)) {
        super::setup::set_all(section, group, options);
    }
    Ok(())
}

/// Takes links away; at least one must be left.
///
/// # Errors
/// The reports say what is wrong.
pub fn remove_links(
    document: &mut Document,
    numbers: &[String],
    reports: &mut Vec<Report>,
) -> Outcome {
    let existing: BTreeSet<String> =
        links(document).into_iter().map(|number| number.to_string()).collect();
    for link in numbers {
        if !existing.contains(link) {
            let (link, existing) = (link.clone(), existing.iter().cloned().collect());
            reports.push(error(ClusterMessage::LinkNotFound { link, existing }));
        }
    }
    if existing.iter().all(|link| numbers.contains(link)) {
        reports.push(error(ClusterMessage::LastLink));
    }
    done(reports)?;
    for node in document.section_mut("nodelist").sections_mut("node") {
        for link in numbers {
            node.remove(&format!("ring{link}_addr"));
        }
    }
    let gone = |section: &membership::conf::Section| {
        let number = section.get("linknumber").or(section.get("ringnumber")).unwrap_or("0");
        numbers.iter().any(|link| link == number)
    };
    document.section_mut("totem").remove_sections("interface", gone);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::setup::{Setup, corosync_conf};

    fn node(name: &str, addresses: &[&str]) -> NewNode {
        NewNode {
            name: name.into(),
            addresses: addresses.iter().map(|&address| address.to_owned()).collect(),
        }
    }

    fn pair() -> Document {
        let nodes = vec![node("a", &["10.0.0.1"]), node("b", &["10.0.0.2"])];
        let setup = Setup { name: "c".into(), nodes, ..Setup::default() };
        corosync_conf(&setup, false, &mut Vec::new()).unwrap()
    }

    fn conf(document: &Document) -> membership::conf::Conf {
        membership::conf::load(&document.to_string(), "corosync.conf").unwrap()
    }

    fn texts(reports: &[Report]) -> Vec<String> {
        reports.iter().map(Report::text).collect()
    }

    #[test]
    fn a_third_node_ends_the_rule_for_two_and_its_removal_brings_it_back() {
        let mut document = pair();
        add_node(&mut document, &node("n3", &["10.0.0.3"]), &mut Vec::new()).unwrap();
        let three = conf(&document);
        assert!(!three.quorum.two_node && three.nodes.len() == 3);
        remove_nodes(&mut document, &["a".into()], &mut Vec::new()).unwrap();
        assert!(conf(&document).quorum.two_node);
        // The number that became free is given again.
        add_node(&mut document, &node("d", &["10.0.0.4"]), &mut Vec::new()).unwrap();
        assert_eq!(conf(&document).node_by_name("d").unwrap().id, model::NodeId(1));
    }

    #[test]
    fn a_node_that_is_there_or_has_an_address_too_few_is_refused() {
        let mut reports = Vec::new();
        assert!(add_node(&mut pair(), &node("a", &["10.0.0.2"]), &mut reports).is_err());
        assert_eq!(
            texts(&reports),
            [
                "Error: Node name 'a' is already used in the cluster",
                "Error: Address '10.0.0.2' is already used in the cluster by node 'b'",
            ]
        );
        let mut reports = Vec::new();
        assert!(add_node(&mut pair(), &node("n", &[]), &mut reports).is_err());
        assert_eq!(
            texts(&reports),
            ["Error: 1 address must be specified for a node, 0 addresses specified for node 'n'"]
        );
    }

    #[test]
    fn the_last_node_and_the_last_link_stay() {
        let mut reports = Vec::new();
        assert!(remove_nodes(&mut pair(), &["a".into(), "b".into()], &mut reports).is_err());
        assert!(remove_links(&mut pair(), &["0".into()], &mut reports).is_err());
        assert!(remove_links(&mut pair(), &["3".into()], &mut reports).is_err());
        assert_eq!(reports.len(), 3, "{reports:?}");
    }

    #[test]
    fn a_link_takes_new_addresses_and_options() {
        let mut document = pair();
        let moved: BTreeMap<String, String> = [("b".into(), "10.0.0.9".into())].into();
        let options = vec![("link_priority".to_owned(), "7".to_owned())];
        update_link(&mut document, "0", &moved, &options, &mut Vec::new()).unwrap();
        let changed = conf(&document);
        assert_eq!(changed.node_by_name("b").unwrap().addresses[&0], "10.0.0.9");
        assert_eq!(changed.totem.interfaces[&0].priority, 7);
        let mut reports = Vec::new();
        let taken: BTreeMap<String, String> = [("a".into(), "10.0.0.9".into())].into();
        assert!(update_link(&mut document, "0", &taken, &Pairs::new(), &mut reports).is_err());
        assert!(update_link(&mut document, "4", &taken, &Pairs::new(), &mut reports).is_err());
        assert_eq!(
            texts(&reports),
            [
                "Error: Address '10.0.0.9' is already used in the cluster by node 'b'",
                "Error: Link '4' does not exist, existing links: '0'",
            ]
        );
    }

    #[test]
    fn a_link_comes_with_an_address_of_every_node_and_goes_again() {
        let mut document = pair();
        let addresses: BTreeMap<String, String> =
            [("a".into(), "10.1.0.1".into()), ("b".into(), "10.1.0.2".into())].into();
        let options = vec![("link_priority".to_owned(), "5".to_owned())];
        add_link(&mut document, &addresses, &options, &mut Vec::new()).unwrap();
        assert_eq!(conf(&document).links(), [0, 1]);
        assert_eq!(conf(&document).totem.interfaces[&1].priority, 5);
        let before = document.clone();
        let mut reports = Vec::new();
        let one = [("a".into(), "10.2.0.1".into())].into();
        assert!(add_link(&mut document, &one, &Pairs::new(), &mut reports).is_err());
        assert_eq!(texts(&reports), ["Error: Addresses of the new link are missing for node 'b'"]);
        assert_eq!(document, before);
        remove_links(&mut document, &["1".into()], &mut Vec::new()).unwrap();
        assert_eq!(conf(&document).links(), [0]);
        assert!(conf(&document).totem.interfaces.is_empty());
    }
}

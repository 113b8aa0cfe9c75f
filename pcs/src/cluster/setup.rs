//! `pcs cluster setup`: from names, addresses and options to a corosync.conf.

use std::collections::{BTreeMap, BTreeSet};

use membership::conf::{Document, Section};

use super::options::{
    self, COMPRESSION, CRYPTO, Group, KNET_LINK, KNET_TRANSPORT, Pairs, QUORUM, TOTEM, UDP_LINK,
    UDP_TRANSPORT, any_error,
};
use super::setup_check;
use crate::report::{Failed, Outcome, Report};

/// Where corosync's own packages let it log; the tools read it from here.
const LOG_FILE: &str = "/var/log/corosync/corosync.log";

/// The links a node may have.
pub(super) fn links_max(transport: &str) -> usize {
    if transport == "knet" { 8 } else { 1 }
}

/// A node as it was named.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NewNode {
    /// Its name.
    pub name: String,
    /// Its addresses, one for each link, in the order of the links.
    pub addresses: Vec<String>,
}

/// Everything that was asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Setup {
    /// The cluster's name.
    pub name: String,
    /// Its nodes; all with addresses.
    pub nodes: Vec<NewNode>,
    /// `knet`, `udp` or `udpu`; none was named: `knet`.
    pub transport: Option<String>,
    /// Options of the transport.
    pub transport_options: Pairs,
    /// Options of each link.
    pub links: Vec<Pairs>,
    /// Options of compression.
    pub compression: Pairs,
    /// Options of encryption.
    pub crypto: Pairs,
    /// Options of totem.
    pub totem: Pairs,
    /// Options of quorum.
    pub quorum: Pairs,
    /// Those of the addresses that are names this host cannot resolve: members could not either.
    pub unresolvable: BTreeSet<String>,
    /// A random number by which clusters of one name are told apart.
    pub uuid: Option<String>,
}

/// Makes the file, or says what is wrong with what was asked for.
///
/// # Errors
/// Something that cannot be overridden, or is not: the reports say what.
pub fn corosync_conf(setup: &Setup, force: bool, reports: &mut Vec<Report>) -> Outcome<Document> {
    let transport = setup.transport.as_deref().unwrap_or("knet");
    setup_check::all(setup, transport, force, reports);
    if any_error(reports) {
        return Err(Failed::Reported);
    }
    Ok(write(setup, transport))
}

pub(super) fn transport_group(transport: &str) -> Group {
    if transport == "knet" { KNET_TRANSPORT } else { UDP_TRANSPORT }
}

pub(super) fn link_group(transport: &str) -> Group {
    if transport == "knet" { KNET_LINK } else { UDP_LINK }
}

/// Returns the value that counts.
pub(super) fn last<'a>(pairs: &'a Pairs, name: &str) -> Option<&'a str> {
    pairs.iter().rev().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
}

/// Gives each set of link options its link: the one it names, else the lowest that is left.
fn numbered(links: &[Pairs]) -> Vec<(usize, &Pairs)> {
    let named = |link: &Pairs| last(link, "linknumber").and_then(|number| number.parse().ok());
    let mut taken: BTreeSet<usize> = links.iter().filter_map(named).collect();
    let mut numbered: Vec<(usize, &Pairs)> = links
        .iter()
        .map(|link| {
            let number = named(link).unwrap_or_else(|| {
                (0..).find(|number| !taken.contains(number)).unwrap_or_default()
            });
            taken.insert(number);
            (number, link)
        })
        .collect();
    numbered.sort_by_key(|(number, _)| *number);
    numbered
}

fn write(setup: &Setup, transport: &str) -> Document {
    let mut document = Document::default();
    let totem = document.section_mut("totem");
    totem.set("version", "2");
    totem.set("cluster_name", &*setup.name);
    totem.set("transport", transport);
    set_all(totem, transport_group(transport), &setup.transport_options);
    set_all(totem, COMPRESSION, &setup.compression);
    set_all(totem, TOTEM, &setup.totem);
    if setup.crypto.is_empty() && transport == "knet" {
        totem.set("crypto_cipher", "aes256");
        totem.set("crypto_hash", "sha256");
    }
    set_all(totem, CRYPTO, &setup.crypto);
    if let Some(uuid) = &setup.uuid {
        totem.set("cluster_uuid", &**uuid);
    }
    for (number, link) in numbered(&setup.links) {
        let section = interface(transport, number, link);
        if section.settings().any(|setting| setting.key != "linknumber") {
            totem.push_section(section);
        }
    }
    let nodes = document.section_mut("nodelist");
    for (id, node) in (1..).zip(&setup.nodes) {
        nodes.push_section(node_section(node, id));
    }
    let quorum = document.section_mut("quorum");
    quorum.set("provider", "corosync_votequorum");
    set_all(quorum, QUORUM, &setup.quorum);
    set_two_node(&mut document);
    let logging = document.section_mut("logging");
    logging.set("to_logfile", "yes");
    logging.set("logfile", LOG_FILE);
    logging.set("to_syslog", "yes");
    logging.set("timestamp", "on");
    document
}

/// Writes the options of one link, in the order of the alphabet.
pub(super) fn interface(transport: &str, number: usize, link: &Pairs) -> Section {
    let group = link_group(transport);
    let mut settings: BTreeMap<String, String> = link
        .iter()
        .filter_map(|(name, value)| Some((group.key(name), group.written(name, value)?)))
        .collect();
    settings.insert("linknumber".to_owned(), number.to_string());
    let mut section = Section::new("interface");
    for (key, value) in settings {
        section.set(&key, value);
    }
    section
}

/// Writes a node of the list.
pub(super) fn node_section(node: &NewNode, id: u32) -> Section {
    let mut section = Section::new("node");
    for (link, address) in node.addresses.iter().enumerate() {
        section.set(&format!("ring{link}_addr"), &**address);
    }
    section.set("name", &*node.name);
    section.set("nodeid", id.to_string());
    section
}

/// Sets options; an empty value takes one away.
pub(super) fn set_all(section: &mut Section, group: Group, pairs: &options::Pairs) {
    for (name, value) in pairs {
        let key = group.key(name);
        match group.written(name, value) {
            Some(value) => section.set(&key, value),
            None => {
                section.remove(&key);
            }
        }
    }
}

/// Two nodes without a tie breaker or an arbiter follow the rule for two; others must not.
pub(super) fn set_two_node(document: &mut Document) {
    let nodes = document.section_mut("nodelist").sections("node").count();
    let quorum = document.section_mut("quorum");
    let breaks_ties = quorum.get("auto_tie_breaker") == Some("1");
    let has_device = quorum.sections("device").next().is_some();
    if nodes != 2 || breaks_ties || has_device {
        quorum.remove("two_node");
    } else if quorum.get("two_node") != Some("1") {
        // Where pcs has it: behind the provider.
        let mut rest: Vec<(String, String)> = Vec::new();
        for (name, _) in QUORUM.options {
            if let Some(value) = quorum.get(name) {
                rest.push(((*name).to_owned(), value.to_owned()));
            }
        }
        for (name, _) in &rest {
            quorum.remove(name);
        }
        quorum.set("two_node", "1");
        for (name, value) in rest {
            quorum.set(&name, value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(pairs: &[(&str, &str)]) -> Pairs {
        pairs.iter().map(|&(k, v)| (k.to_owned(), v.to_owned())).collect()
    }

    fn two_nodes() -> Setup {
        let node = |name: &str, addresses: &[&str]| NewNode {
            name: name.into(),
            addresses: addresses.iter().map(|&a| a.to_owned()).collect(),
        };
        Setup {
            name: "mycluster".into(),
            nodes: vec![node("ser1", &["10.0.0.1"]), node("ser2", &["10.0.0.2"])],
            ..Setup::default()
        }
    }

    fn errors(setup: &Setup) -> Vec<String> {
        let mut reports = Vec::new();
        assert!(corosync_conf(setup, false, &mut reports).is_err());
        reports.iter().map(Report::text).collect()
    }

    #[test]
    fn two_nodes_make_a_file_that_the_brain_takes() {
        let mut reports = Vec::new();
        let document = corosync_conf(&two_nodes(), false, &mut reports).unwrap();
        let conf = membership::conf::load(&document.to_string(), "corosync.conf").unwrap();
        assert!(conf.quorum.two_node);
        assert_eq!(conf.nodes.len(), 2);
        assert_eq!(reports, []);
    }

    #[test]
    fn three_nodes_or_a_tie_breaker_need_no_rule_for_two() {
        let mut setup = two_nodes();
        setup.quorum = pairs(&[("auto_tie_breaker", "1")]);
        let document = corosync_conf(&setup, false, &mut Vec::new()).unwrap();
        assert_eq!(document.section("quorum").unwrap().get("two_node"), None);
    }

    #[test]
    fn addresses_must_be_there_be_as_many_and_be_different() {
        let mut setup = two_nodes();
        setup.nodes[0].addresses.push("10.0.0.2".into());
        setup.nodes[1].addresses[0] = String::new();
        assert_eq!(
            errors(&setup),
            [
                "Error: Empty address set for node 'ser2', an address cannot be empty",
                "Error: All nodes must have the same number of addresses; node 'ser1' has 2 \
                 addresses; node 'ser2' has 1 address",
            ]
        );
        setup.nodes[1].addresses = vec!["10.0.0.1".into(), "10.0.0.3".into()];
        assert_eq!(
            errors(&setup),
            ["Error: Node addresses must be unique, duplicate addresses: '10.0.0.1'"]
        );
    }

    #[test]
    fn options_of_a_link_that_nobody_has_are_refused() {
        let mut setup = two_nodes();
        setup.links = vec![pairs(&[]), pairs(&[("link_priority", "3")])];
        assert_eq!(
            errors(&setup),
            ["Error: Cannot specify options for more links (2) than how many is defined by \
                 number of addresses per node (1)"]
        );
    }

    #[test]
    fn links_without_a_number_take_the_lowest_that_is_left() {
        let links = [pairs(&[("ttl", "1")]), pairs(&[("linknumber", "0")])];
        let numbers: Vec<_> = numbered(&links).iter().map(|(n, l)| (*n, l[0].0.clone())).collect();
        assert_eq!(numbers, [(0, "linknumber".to_owned()), (1, "ttl".to_owned())]);
    }
}

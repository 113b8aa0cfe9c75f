//! What `pcs cluster setup` is asked for, looked over: names, addresses, options; in the order pcs reports in.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use super::ClusterMessage;
use super::options::{COMPRESSION, CRYPTO, Pairs, QUORUM, TOTEM, UDP_LINK, error, writable};
use super::setup::{NewNode, Setup, last, link_group, links_max, transport_group};
use crate::message::Message;
use crate::report::Report;
use crate::text::{plural, quoted};

/// What GFS2 can store of a cluster's name.
const NAME_MAX: usize = 32;

/// Reports all that is wrong with what was asked for.
pub(super) fn all(setup: &Setup, transport: &str, force: bool, reports: &mut Vec<Report>) {
    name(&setup.name, force, reports);
    let known = matches!(transport, "knet" | "udp" | "udpu");
    if !known {
        reports.push(Report::error(Message::InvalidOptionValue {
            name: "transport".to_owned(),
            value: transport.to_owned(),
            choices: ["knet", "udp", "udpu"].map(str::to_owned).into(),
            words: None,
        }));
    }
    nodes(setup, transport, known, force, reports);
    if known {
        transport_group(transport).check(&setup.transport_options, false, reports);
        knet_only(transport, &setup.compression, &setup.crypto, reports);
        if transport == "knet" {
            COMPRESSION.check(&setup.compression, false, reports);
            CRYPTO.check(&setup.crypto, false, reports);
            cipher(|name| last(&setup.crypto, name).map(str::to_owned), reports);
        }
        links(setup, transport, reports);
    }
    TOTEM.check(&setup.totem, false, reports);
    QUORUM.check(&setup.quorum, false, reports);
    window(&setup.quorum, last(&setup.quorum, "last_man_standing"), reports);
}

/// Reports a window of `last_man_standing` where that is off. What is neither on nor off is reported
/// elsewhere, or taken away.
pub(super) fn window(quorum: &Pairs, last_man_standing: Option<&str>, reports: &mut Vec<Report>) {
    let on = |value: Option<&str>| value.is_some_and(|value| value != "0");
    if on(last(quorum, "last_man_standing_window")) && !on(last_man_standing) {
        reports.push(error(ClusterMessage::LastManStandingNeeded));
    }
}

/// Reports a name that is none, that GFS2 could not take, or that corosync.conf cannot hold.
pub(super) fn name(name: &str, force: bool, reports: &mut Vec<Report>) {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    if name.len() > NAME_MAX || !name.bytes().all(plain) {
        let message = ClusterMessage::ClusterNameInvalidForGfs2 { name: name.to_owned() };
        reports.push(Report::forceable(message.into(), force));
    }
    written("cluster name", name, reports);
}

/// Reports a name that is none, or that corosync.conf cannot hold.
fn written(what: &str, name: &str, reports: &mut Vec<Report>) {
    let what = what.to_owned();
    if name.is_empty() {
        reports.push(error(ClusterMessage::Empty { what }));
    } else if !writable(name) {
        reports.push(error(ClusterMessage::UnwritableCharacters { what }));
    }
}

/// A family of addresses as messages call it.
const IPV4: &str = "IPv4";
/// The other one.
const IPV6: &str = "IPv6";

/// Returns an address's family; none of a name.
fn family(address: &str) -> Option<&'static str> {
    match address.parse() {
        Ok(IpAddr::V4(_)) => Some(IPV4),
        Ok(IpAddr::V6(_)) => Some(IPV6),
        Err(_) => None,
    }
}

/// Returns the only family that the transport's options leave; none where both may be used.
fn only_family(setup: &Setup, transport: &str) -> Option<&'static str> {
    match last(&setup.transport_options, "ip_version") {
        Some("ipv4") => Some(IPV4),
        Some("ipv6") => Some(IPV6),
        Some("ipv4-6" | "ipv6-4") => None,
        // what corosync takes when nothing is said
        _ => matches!(transport, "udp" | "udpu").then_some(IPV4),
    }
}

/// Reports names and addresses of nodes; how many there may be is known of a `known` transport.
fn nodes(setup: &Setup, transport: &str, known: bool, force: bool, reports: &mut Vec<Report>) {
    let only = only_family(setup, transport);
    let max = links_max(transport);
    let mut empty = Vec::new();
    let mut seen = BTreeSet::new();
    let mut twice = BTreeSet::new();
    let mut families: BTreeMap<usize, BTreeSet<&str>> = BTreeMap::new();
    for (number, node) in (1..).zip(&setup.nodes) {
        written(&format!("node {number} name"), &node.name, reports);
        let given = node.addresses.len();
        if known && !(1..=max).contains(&given) {
            let node = node.name.clone();
            reports.push(error(ClusterMessage::WrongAddressCount { node, given, min: 1, max }));
        }
        let addresses = node.addresses.iter().enumerate();
        let addresses = addresses.filter(|(_, address)| !address.is_empty());
        if addresses.clone().count() < given && !node.name.is_empty() {
            empty.push(node.name.clone());
        }
        for (place, (link, address)) in addresses.enumerate() {
            if !seen.insert(address) {
                twice.insert(address.clone());
            }
            if !writable(address) {
                let what = "node address".to_owned();
                reports.push(error(ClusterMessage::UnwritableCharacters { what }));
            }
            let Some(family) = family(address) else { continue };
            families.entry(place).or_default().insert(family);
            if let Some(only) = only.filter(|only| *only != family) {
                let (address, family) = (address.clone(), only);
                let message = ClusterMessage::AddressOfAnotherFamily { address, link, family };
                reports.push(error(message));
            }
        }
    }
    if !empty.is_empty() {
        reports.push(error(ClusterMessage::EmptyAddress { nodes: empty }));
    }
    if !setup.unresolvable.is_empty() {
        let addresses = setup.unresolvable.iter().cloned().collect();
        let message = ClusterMessage::UnresolvableAddresses { addresses };
        reports.push(Report::forceable(message.into(), force));
    }
    if !twice.is_empty() {
        let addresses = twice.into_iter().collect();
        reports.push(error(ClusterMessage::AddressesNotUnique { addresses }));
    }
    if !matches!(transport, "udp" | "udpu") {
        same_count(&setup.nodes, reports);
    }
    let links: Vec<String> = families
        .iter()
        .filter(|(_, families)| families.len() > 1)
        .map(|(link, _)| link.to_string())
        .collect();
    if !links.is_empty() {
        reports.push(error(ClusterMessage::FamiliesMixed { links }));
    }
}

/// Reports nodes that have not as many addresses as the others.
fn same_count(nodes: &[NewNode], reports: &mut Vec<Report>) {
    let mut by_count: Vec<(usize, Vec<&str>)> = Vec::new();
    for node in nodes.iter().filter(|node| !node.name.is_empty()) {
        let count = node.addresses.len();
        match by_count.iter_mut().find(|(known, _)| *known == count) {
            Some((_, names)) => names.push(&node.name),
            None => by_count.push((count, vec![&node.name])),
        }
    }
    if by_count.len() < 2 {
        return;
    }
    let group = |(count, names): (usize, Vec<&str>)| {
        format!(
            "{} {} {} {count} {}",
            plural(names.len(), "node", "nodes"),
            quoted(&names),
            plural(names.len(), "has", "have"),
            plural(count, "address", "addresses")
        )
    };
    let groups = by_count.into_iter().map(group).collect();
    reports.push(error(ClusterMessage::AddressCountDiffers { groups }));
}

/// Reports options of links, and options for links that no node has an address on.
fn links(setup: &Setup, transport: &str, reports: &mut Vec<Report>) {
    let count = setup.nodes.iter().map(|node| node.addresses.len()).max().unwrap_or_default();
    if transport == "knet" {
        knet_links(&setup.links, count, reports);
    } else if let Some(link) = setup.links.first() {
        UDP_LINK.check(link, false, reports);
        if last(link, "broadcast") == Some("1") && last(link, "mcastaddr").is_some() {
            reports.push(error(ClusterMessage::BroadcastAndMulticast));
        }
    }
    if setup.links.len() > count {
        let given = setup.links.len();
        let message = ClusterMessage::OptionsForTooManyLinks { given, links: count };
        reports.push(error(message));
    }
}

fn knet_links(links: &[Pairs], count: usize, reports: &mut Vec<Report>) {
    let mut numbers = BTreeSet::new();
    let mut twice = Vec::new();
    for link in links {
        let number = last(link, "linknumber");
        if let Some(number) = number {
            if !numbers.insert(number) {
                twice.push(number.to_owned());
            }
            let in_range =
                number.parse::<usize>().ok().filter(|number| *number < links_max("knet"));
            if in_range.is_some_and(|number| number >= count) {
                let existing = (0..count).map(|number| number.to_string()).collect();
                let link = number.to_owned();
                reports.push(error(ClusterMessage::LinkDoesNotExist { link, existing }));
            }
        }
        link_group("knet").check(link, false, reports);
        for (given, needed) in
            [("ping_interval", "ping_timeout"), ("ping_timeout", "ping_interval")]
        {
            if last(link, given).is_some() && last(link, needed).is_none() {
                reports.push(error(ClusterMessage::LinkOptionNeeds { given, needed }));
            }
        }
    }
    if !twice.is_empty() {
        reports.push(error(ClusterMessage::LinkNumbersNotUnique { numbers: twice }));
    }
}

/// Reports options that only knet has.
pub(super) fn knet_only(
    transport: &str,
    compression: &Pairs,
    crypto: &Pairs,
    reports: &mut Vec<Report>,
) {
    if transport == "knet" {
        return;
    }
    for (kind, pairs) in [("compression", compression), ("crypto", crypto)] {
        if !pairs.is_empty() {
            let kind = kind.to_owned();
            reports.push(error(ClusterMessage::TransportUnsupportedOptions { kind }));
        }
    }
}

/// Reports encryption without authentication.
pub(super) fn cipher(option: impl Fn(&str) -> Option<String>, reports: &mut Vec<Report>) {
    let on = |value: Option<String>| value.is_some_and(|value| value != "none");
    if on(option("cipher")) && !on(option("hash")) {
        reports.push(error(ClusterMessage::CryptoCipherNeedsHash));
    }
}

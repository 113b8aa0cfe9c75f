//! What the kernel says about interfaces, their addresses and directly connected networks.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use nix::ifaddrs::getifaddrs;
use nix::sys::socket::LinkAddr;

/// An address on an interface.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Assigned {
    pub(crate) interface: String,
    pub(crate) ip: IpAddr,
    pub(crate) prefix: u8,
}

/// Returns all addresses of all interfaces.
pub(crate) fn addresses() -> std::io::Result<Vec<Assigned>> {
    let mut found = Vec::new();
    for entry in getifaddrs()? {
        let ip = |storage: &nix::sys::socket::SockaddrStorage| {
            storage
                .as_sockaddr_in()
                .map(|v4| IpAddr::V4(v4.ip()))
                .or_else(|| storage.as_sockaddr_in6().map(|v6| IpAddr::V6(v6.ip())))
        };
        let Some(address) = entry.address.as_ref().and_then(ip) else { continue };
        let prefix = match entry.netmask.as_ref().and_then(ip) {
            Some(IpAddr::V4(mask)) => mask.to_bits().count_ones(),
            Some(IpAddr::V6(mask)) => mask.to_bits().count_ones(),
            None => 0,
        };
        // IPv4 addresses come under their label, as eth0:web.
        let interface = entry.interface_name.split(':').next().unwrap_or_default().to_owned();
        let prefix = u8::try_from(prefix).unwrap_or(0);
        found.push(Assigned { interface, ip: address, prefix });
    }
    Ok(found)
}

/// Returns an interface's link address: its index, and its hardware address where it has one.
pub(crate) fn link(interface: &str) -> std::io::Result<Option<LinkAddr>> {
    Ok(getifaddrs()?
        .filter(|entry| entry.interface_name == interface)
        .find_map(|entry| entry.address.as_ref().and_then(|a| a.as_link_addr().copied())))
}

/// Returns the most specific directly connected network of an address: interface and prefix.
pub(crate) fn route(ip: IpAddr, only: Option<&str>) -> std::io::Result<Option<(String, u8)>> {
    let routes = match ip {
        IpAddr::V4(_) => parse_ipv4_routes(&std::fs::read_to_string("/proc/self/net/route")?),
        IpAddr::V6(_) => parse_ipv6_routes(&std::fs::read_to_string("/proc/self/net/ipv6_route")?),
    };
    Ok(best_route(&routes, ip, only))
}

/// A network reached without a gateway.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Connected {
    interface: String,
    network: IpAddr,
    prefix: u8,
}

fn best_route(routes: &[Connected], ip: IpAddr, only: Option<&str>) -> Option<(String, u8)> {
    routes
        .iter()
        .filter(|route| only.is_none_or(|only| only == route.interface))
        .filter(|route| contains(route, ip))
        // Of equals the first: the kernel lists the preferred one first.
        .rev()
        .max_by_key(|route| route.prefix)
        .map(|route| (route.interface.clone(), route.prefix))
}

fn contains(route: &Connected, ip: IpAddr) -> bool {
    let prefix = u32::from(route.prefix);
    match (route.network, ip) {
        (IpAddr::V4(network), IpAddr::V4(ip)) => {
            let mask = u32::MAX.checked_shl(32 - prefix).unwrap_or(0);
            network.to_bits() & mask == ip.to_bits() & mask
        }
        (IpAddr::V6(network), IpAddr::V6(ip)) => {
            let mask = u128::MAX.checked_shl(128 - prefix).unwrap_or(0);
            network.to_bits() & mask == ip.to_bits() & mask
        }
        _ => false,
    }
}

fn parse_ipv4_routes(text: &str) -> Vec<Connected> {
    text.lines().skip(1).filter_map(parse_ipv4_route).collect()
}

/// `Iface Destination Gateway Flags RefCnt Use Metric Mask …`, numbers in the machine's order.
fn parse_ipv4_route(line: &str) -> Option<Connected> {
    let words: Vec<&str> = line.split_whitespace().collect();
    let [interface, destination, gateway, _, _, _, _, mask, ..] = words.as_slice() else {
        return None;
    };
    let number = |text: &str| u32::from_str_radix(text, 16).ok().map(u32::from_be);
    let prefix = u8::try_from(number(mask)?.count_ones()).ok()?;
    // A default route reaches everything and says nothing of the network.
    if number(gateway)? != 0 || prefix == 0 {
        return None;
    }
    let network = IpAddr::V4(Ipv4Addr::from_bits(number(destination)?));
    Some(Connected { interface: (*interface).to_owned(), network, prefix })
}

fn parse_ipv6_routes(text: &str) -> Vec<Connected> {
    text.lines().filter_map(parse_ipv6_route).collect()
}

/// `destination prefix source prefix next-hop metric refcnt use flags interface`, in hex.
fn parse_ipv6_route(line: &str) -> Option<Connected> {
    const LOCAL: u32 = 0x8000_0000;
    let words: Vec<&str> = line.split_whitespace().collect();
    let [destination, prefix, _, _, gateway, _, _, _, flags, interface] = words.as_slice() else {
        return None;
    };
    let address = |text: &str| u128::from_str_radix(text, 16).ok();
    let prefix = u8::from_str_radix(prefix, 16).ok()?;
    let flags = u32::from_str_radix(flags, 16).ok()?;
    if address(gateway)? != 0 || flags & LOCAL != 0 || prefix == 0 || *interface == "lo" {
        return None;
    }
    let network = IpAddr::V6(Ipv6Addr::from_bits(address(destination)?));
    Some(Connected { interface: (*interface).to_owned(), network, prefix })
}

/// How far an IPv6 address is usable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tentative {
    /// The kernel still asks whether somebody else has it.
    Asking,
    /// Somebody else has it.
    Duplicate,
    /// It is ours.
    No,
}

/// Tells how far an IPv6 address is usable.
pub(crate) fn tentative(ip: Ipv6Addr, interface: &str) -> std::io::Result<Tentative> {
    Ok(parse_tentative(&std::fs::read_to_string("/proc/self/net/if_inet6")?, ip, interface))
}

fn parse_tentative(text: &str, ip: Ipv6Addr, interface: &str) -> Tentative {
    const TENTATIVE: u32 = 0x40;
    const DAD_FAILED: u32 = 0x08;
    let wanted = format!("{:032x}", ip.to_bits());
    for line in text.lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        if let [address, _, _, _, flags, name] = words.as_slice()
            && *address == wanted
            && *name == interface
        {
            let flags = u32::from_str_radix(flags, 16).unwrap_or(0);
            return if flags & DAD_FAILED != 0 {
                Tentative::Duplicate
            } else if flags & TENTATIVE != 0 {
                Tentative::Asking
            } else {
                Tentative::No
            };
        }
    }
    Tentative::No
}

#[cfg(test)]
mod tests {
    use super::*;

    const IPV4: &str = "\
Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT
eth0\t00000000\t010019AC\t0003\t0\t0\t0\t00000000\t0\t0\t0
eth0\t000019AC\t00000000\t0001\t0\t0\t0\t0000FFFF\t0\t0\t0
eth1\t640019AC\t00000000\t0001\t0\t0\t0\tE0FFFFFF\t0\t0\t0
";

    #[test]
    fn the_most_specific_connected_network_is_found() {
        let routes = parse_ipv4_routes(IPV4);
        for (ip, only, expected) in [
            ("172.25.0.1", None, Some(("eth0", 16))),
            ("172.25.0.100", None, Some(("eth1", 27))),
            ("172.25.0.100", Some("eth0"), Some(("eth0", 16))),
            ("10.0.0.1", None, None),
        ] {
            let found = best_route(&routes, ip.parse().unwrap(), only);
            assert_eq!(found, expected.map(|(name, prefix)| (name.to_owned(), prefix)), "{ip}");
        }
    }

    #[test]
    fn ipv6_networks_are_found_and_local_entries_are_not() {
        let routes = parse_ipv6_routes(
            "fd000009000000000000000000000000 40 00000000000000000000000000000000 00 \
             00000000000000000000000000000000 00000100 00000001 00000000 00000001 lan0\n\
             fd000009000000000000000000000001 80 00000000000000000000000000000000 00 \
             00000000000000000000000000000000 00000000 00000003 00000000 80200001 lan0\n",
        );
        let ip = "fd00:9::1".parse().unwrap();
        assert_eq!(best_route(&routes, ip, None), Some(("lan0".to_owned(), 64)));
    }

    #[test]
    fn duplicates_and_tentative_addresses_are_told_apart() {
        let text = "fd000009000000000000000000000005 03 40 00 c0 lan0\n\
                    fd000009000000000000000000000006 03 40 00 88 lan0\n";
        let state = |ip: &str| parse_tentative(text, ip.parse().unwrap(), "lan0");
        assert_eq!(state("fd00:9::5"), Tentative::Asking);
        assert_eq!(state("fd00:9::6"), Tentative::Duplicate);
        assert_eq!(state("fd00:9::7"), Tentative::No);
    }
}

//! A UDP socket for each link, and where the peers are on it.

use std::collections::BTreeMap;
use std::io;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs, UdpSocket};

use model::NodeId;
use socket2::{Domain, Protocol, Socket, Type};

use crate::conf::{Conf, IpVersion, NodeEntry};
use crate::core::LinkId;

/// Why the heartbeats cannot be sent or heard.
#[derive(Debug, thiserror::Error)]
pub enum LinkError {
    /// Another program has the port.
    #[error(
        "UDP port {port} on {address} (ring{link}_addr of {node}, {place}) is in use; stop the \
         program that has it (a running corosync? see 'ss -lunp sport = {port}') or set another \
         mcastport in every node's corosync.conf"
    )]
    PortInUse {
        /// The port.
        port: u16,
        /// The address.
        address: IpAddr,
        /// The link.
        link: LinkId,
        /// This node.
        node: String,
        /// File and line.
        place: String,
    },
    /// No interface has the address.
    #[error(
        "no interface of this machine has the address {address} (ring{link}_addr of {node}, \
         {place}); bring the interface up, or correct the address with 'pcs cluster link update'"
    )]
    NoSuchAddress {
        /// The address.
        address: IpAddr,
        /// The link.
        link: LinkId,
        /// This node.
        node: String,
        /// File and line.
        place: String,
    },
    /// A name that means no address.
    #[error(
        "ring{link}_addr of {node} ({place}) is '{name}', which has no address; add it to \
         /etc/hosts or write the address instead"
    )]
    Unresolved {
        /// The name.
        name: String,
        /// The link.
        link: LinkId,
        /// The node.
        node: String,
        /// File and line.
        place: String,
        /// What the resolver said, where it said something.
        #[source]
        source: Option<io::Error>,
    },
    /// Anything else the system refuses.
    #[error("cannot open UDP port {port} on {address} (ring{link}_addr of {node}, {place})")]
    Socket {
        /// The port.
        port: u16,
        /// The address.
        address: IpAddr,
        /// The link.
        link: LinkId,
        /// This node.
        node: String,
        /// File and line.
        place: String,
        /// What the system said.
        #[source]
        source: io::Error,
    },
}

/// Where every node is on every link, as far as names could be resolved.
pub(super) type Addresses = BTreeMap<NodeId, BTreeMap<LinkId, SocketAddr>>;

/// Resolves every address of the nodelist; names that fail come back as errors beside.
pub(super) fn resolve(conf: &Conf) -> (Addresses, Vec<LinkError>) {
    let mut addresses = Addresses::new();
    let mut failed = Vec::new();
    for node in conf.nodes.values() {
        let known = addresses.entry(node.id).or_default();
        for (link, name) in &node.addresses {
            let looked_up = (name.as_str(), conf.port(*link)).to_socket_addrs();
            let (found, source) = match looked_up {
                Ok(found) => (pick(found, conf.totem.ip_version), None),
                Err(error) => (None, Some(error)),
            };
            match found {
                Some(address) => {
                    known.insert(LinkId(*link), address);
                }
                None => failed.push(LinkError::Unresolved {
                    name: name.clone(),
                    link: LinkId(*link),
                    node: node.name.to_string(),
                    place: place(conf, node),
                    source,
                }),
            }
        }
    }
    (addresses, failed)
}

/// Picks the address of the family corosync.conf wants; a literal address is what it is.
fn pick(found: impl Iterator<Item = SocketAddr>, wanted: IpVersion) -> Option<SocketAddr> {
    let all: Vec<SocketAddr> = found.collect();
    let first = |v4: bool| all.iter().find(|address| address.is_ipv4() == v4).copied();
    match (wanted, all.as_slice()) {
        (_, [only]) => Some(*only),
        (IpVersion::V4, _) => first(true),
        (IpVersion::V6, _) => first(false),
        (IpVersion::V4ThenV6, _) => first(true).or_else(|| first(false)),
        (IpVersion::V6ThenV4, _) => first(false).or_else(|| first(true)),
    }
}

fn place(conf: &Conf, node: &NodeEntry) -> String {
    format!("{}:{}", conf.file, node.line)
}

/// Opens the socket of one link of this node.
pub(super) fn open(
    conf: &Conf,
    node: &NodeEntry,
    link: LinkId,
    local: SocketAddr,
) -> Result<UdpSocket, LinkError> {
    bind(local).map_err(|source| {
        let (address, port) = (local.ip(), local.port());
        let (node, place) = (node.name.to_string(), place(conf, node));
        match source.kind() {
            io::ErrorKind::AddrInUse => LinkError::PortInUse { port, address, link, node, place },
            io::ErrorKind::AddrNotAvailable => {
                LinkError::NoSuchAddress { address, link, node, place }
            }
            _ => LinkError::Socket { port, address, link, node, place, source },
        }
    })
}

fn bind(local: SocketAddr) -> io::Result<UdpSocket> {
    /// DSCP CS6, network control: switches that look at it send heartbeats first.
    const NETWORK_CONTROL: u32 = 0xc0;
    let socket = Socket::new(Domain::for_address(local), Type::DGRAM, Some(Protocol::UDP))?;
    let marked = if local.is_ipv4() {
        socket.set_tos_v4(NETWORK_CONTROL)
    } else {
        socket.set_only_v6(true)?;
        socket.set_tclass_v6(NETWORK_CONTROL)
    };
    // A mark is a wish; networks that refuse it carry heartbeats all the same.
    drop(marked);
    socket.set_nonblocking(true)?;
    socket.bind(&local.into())?;
    Ok(socket.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A port for each process, below those that the kernel gives to whoever asks for any.
    fn port() -> u16 {
        19_000 + u16::try_from(std::process::id() % 900).unwrap()
    }

    fn conf(address: &str) -> Conf {
        let text = format!(
            "totem {{\nversion: 2\ncluster_name: my\ninterface {{\nlinknumber: 0\nmcastport: \
             {}\n}}\n}}\nnodelist {{\nnode {{\nring0_addr: {address}\nname: n1\nnodeid: \
             1\n}}\n}}\n",
            port()
        );
        crate::conf::load(&text, "/etc/corosync/corosync.conf").unwrap()
    }

    fn open_first(conf: &Conf) -> Result<UdpSocket, LinkError> {
        let (addresses, failed) = resolve(conf);
        assert!(failed.is_empty(), "{failed:?}");
        let local = addresses[&NodeId(1)][&LinkId(0)];
        open(conf, &conf.nodes[&NodeId(1)], LinkId(0), local)
    }

    #[test]
    fn a_port_in_use_is_told_with_its_place_and_the_way_out() {
        let conf = conf("127.0.0.1");
        let _first = open_first(&conf).unwrap();
        let text = open_first(&conf).unwrap_err().to_string();
        assert!(
            text.starts_with(&format!(
                "UDP port {} on 127.0.0.1 (ring0_addr of n1, /etc/corosync/corosync.conf:10) is in \
                 use; stop the program that has it",
                port()
            )),
            "{text}"
        );
    }

    #[test]
    fn an_address_of_another_machine_is_told_with_its_place_and_the_way_out() {
        let text = open_first(&conf("192.0.2.77")).unwrap_err().to_string();
        assert_eq!(
            text,
            "no interface of this machine has the address 192.0.2.77 (ring0_addr of n1, \
             /etc/corosync/corosync.conf:10); bring the interface up, or correct the address with \
             'pcs cluster link update'"
        );
    }

    #[test]
    fn ipv6_addresses_are_bound_as_such() {
        let conf = conf("::1");
        let (addresses, _) = resolve(&conf);
        assert_eq!(addresses[&NodeId(1)][&LinkId(0)], format!("[::1]:{}", port()).parse().unwrap());
        match open_first(&conf) {
            Ok(socket) => assert!(socket.local_addr().unwrap().is_ipv6()),
            Err(error) => assert!(
                matches!(error, LinkError::NoSuchAddress { .. } | LinkError::Socket { .. }),
                "{error}"
            ),
        }
    }

    #[test]
    fn a_name_without_an_address_is_told() {
        let (_, failed) = resolve(&conf("no-such-host.invalid"));
        let [error] = &failed[..] else { panic!("{failed:?}") };
        assert!(error.to_string().contains("is 'no-such-host.invalid', which has no address"));
    }

    #[test]
    fn the_family_of_a_name_is_the_one_the_file_wants() {
        let v4: SocketAddr = "10.0.0.1:5405".parse().unwrap();
        let v6: SocketAddr = "[fd00::1]:5405".parse().unwrap();
        for (wanted, found, expect) in [
            (IpVersion::V4, vec![v6, v4], Some(v4)),
            (IpVersion::V6ThenV4, vec![v4, v6], Some(v6)),
            (IpVersion::V4ThenV6, vec![v6, v4], Some(v4)),
            (IpVersion::V6, vec![v4], Some(v4)),
        ] {
            assert_eq!(pick(found.into_iter(), wanted), expect);
        }
    }
}

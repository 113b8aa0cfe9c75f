//! Telling the neighbours where an address is now: gratuitous ARP, and unsolicited neighbour
//! advertisements for IPv6. Also asking whether somebody has it.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddrV6};
use std::os::fd::{AsRawFd as _, OwnedFd};
use std::os::unix::process::CommandExt as _;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use model::OcfCode;
use nix::sys::socket::{
    AddressFamily, LinkAddr, MsgFlags, SockFlag, SockProtocol, SockType, bind, recv, sendto,
    setsockopt, socket, sockopt,
};
use nix::sys::time::{TimeVal, TimeValLike as _};

use crate::call::{note, sleep};
use crate::interface;

type Mac = [u8; 6];

const BROADCAST: Mac = [0xff; 6];
const ETHERTYPE_ARP: [u8; 2] = [0x08, 0x06];
const REQUEST: u8 = 1;
const REPLY: u8 = 2;

/// Announces an address: once now, the other times from a process of our own when `background`.
pub(crate) fn announce(name: &str, ip: IpAddr, count: u64, interval_ms: u64, background: bool) {
    if count == 0 {
        return;
    }
    if let Err(error) = once(name, ip) {
        note(&format!("{ip} could not be announced on {name}: {error}"));
        return;
    }
    if count == 1 {
        return;
    }
    if !background {
        repeat(name, ip, count - 1, interval_ms);
        return;
    }
    let spawned = Command::new("/proc/self/exe")
        .args(["agent", "announce", name, &ip.to_string()])
        .args([(count - 1).to_string(), interval_ms.to_string()])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .process_group(0)
        .spawn();
    if let Err(error) = spawned {
        note(&format!("{ip} was announced only once: {error}"));
    }
}

/// Goes on announcing: the rest of what [`announce`] began.
pub(crate) fn continued(name: &str, ip: &str, count: &str, interval_ms: &str) -> OcfCode {
    let (Ok(ip), Ok(count), Ok(interval_ms)) = (ip.parse(), count.parse(), interval_ms.parse())
    else {
        return OcfCode::InvalidParam;
    };
    repeat(name, ip, count, interval_ms);
    OcfCode::Ok
}

fn repeat(name: &str, ip: IpAddr, count: u64, interval_ms: u64) {
    for _ in 0..count {
        sleep(Duration::from_millis(interval_ms));
        // Stopped meanwhile: it may be somebody else's by now.
        let ours = interface::addresses()
            .is_ok_and(|all| all.iter().any(|a| a.ip == ip && a.interface == name));
        if !ours || once(name, ip).is_err() {
            return;
        }
    }
}

fn once(name: &str, ip: IpAddr) -> io::Result<()> {
    let link = interface::link(name)?;
    let Some((link, mac)) = link.and_then(|link| link.addr().map(|mac| (link, mac))) else {
        // Without hardware addresses (loopback, tunnels) nobody needs to be told.
        return Ok(());
    };
    if mac == [0; 6] {
        return Ok(());
    }
    match ip {
        IpAddr::V4(ip) => {
            let socket = packet_socket()?;
            // Some listen to requests only, some to replies only.
            for operation in [REQUEST, REPLY] {
                send_arp(&socket, &link, &arp(operation, mac, ip, ip))?;
            }
            Ok(())
        }
        IpAddr::V6(ip) => advertise(&link, mac, ip),
    }
}

fn packet_socket() -> io::Result<OwnedFd> {
    let flags = SockFlag::SOCK_CLOEXEC;
    Ok(socket(AddressFamily::Packet, SockType::Raw, flags, SockProtocol::EthAll)?)
}

fn send_arp(socket: &OwnedFd, link: &LinkAddr, frame: &[u8]) -> io::Result<()> {
    sendto(socket.as_raw_fd(), frame, link, MsgFlags::empty())?;
    Ok(())
}

/// An Ethernet frame with an ARP packet, to everybody.
fn arp(operation: u8, mac: Mac, sender: Ipv4Addr, target: Ipv4Addr) -> Vec<u8> {
    let mut frame = Vec::with_capacity(42);
    frame.extend(BROADCAST);
    frame.extend(mac);
    frame.extend(ETHERTYPE_ARP);
    frame.extend([0, 1, 0x08, 0x00, 6, 4, 0, operation]);
    frame.extend(mac);
    frame.extend(sender.octets());
    frame.extend(if operation == REPLY { BROADCAST } else { [0; 6] });
    frame.extend(target.octets());
    frame
}

/// Asks for a second whether somebody on this network has an IPv4 address; returns their
/// hardware address.
pub(crate) fn who_has(name: &str, ip: Ipv4Addr) -> io::Result<Option<String>> {
    let Some(link) = interface::link(name)? else { return Ok(None) };
    let Some(mac) = link.addr() else { return Ok(None) };
    let socket = packet_socket()?;
    bind(socket.as_raw_fd(), &link)?;
    setsockopt(&socket, sockopt::ReceiveTimeout, &TimeVal::milliseconds(100))?;
    send_arp(&socket, &link, &arp(REQUEST, mac, Ipv4Addr::UNSPECIFIED, ip))?;
    let until = Instant::now() + Duration::from_secs(1);
    let mut frame = [0; 128];
    while Instant::now() < until {
        let Ok(length) = recv(socket.as_raw_fd(), &mut frame, MsgFlags::empty()) else { continue };
        if let Some(theirs) = frame.get(..length).and_then(|frame| claims(frame, ip))
            && theirs != mac
        {
            return Ok(Some(theirs.map(|byte| format!("{byte:02x}")).join(":")));
        }
    }
    Ok(None)
}

/// Reads who claims an address in an ARP frame.
fn claims(frame: &[u8], ip: Ipv4Addr) -> Option<Mac> {
    if frame.get(12..14)? != ETHERTYPE_ARP || frame.get(28..32)? != ip.octets() {
        return None;
    }
    frame.get(22..28)?.try_into().ok()
}

fn advertise(link: &LinkAddr, mac: Mac, ip: Ipv6Addr) -> io::Result<()> {
    let index = u32::try_from(link.ifindex()).unwrap_or(0);
    let socket = socket2::Socket::new(
        socket2::Domain::IPV6,
        socket2::Type::RAW,
        Some(socket2::Protocol::ICMPV6),
    )?;
    // Neighbours take no advertisement that has passed a router.
    socket.set_multicast_hops_v6(255)?;
    socket.set_multicast_if_v6(index)?;
    socket.bind(&SocketAddrV6::new(ip, 0, 0, index).into())?;
    let all_nodes = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 1);
    let target = SocketAddrV6::new(all_nodes, 0, 0, index);
    socket.send_to(&advertisement(mac, ip), &target.into())?;
    Ok(())
}

/// An unsolicited neighbour advertisement that overrides; the kernel fills in the checksum.
fn advertisement(mac: Mac, ip: Ipv6Addr) -> Vec<u8> {
    let mut message = vec![136, 0, 0, 0, 0x20, 0, 0, 0];
    message.extend(ip.octets());
    message.extend([2, 1]);
    message.extend(mac);
    message
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAC: Mac = [2, 0, 0, 0, 0, 7];

    #[test]
    fn a_gratuitous_arp_is_as_the_rfc_has_it() {
        let ip = Ipv4Addr::new(10, 9, 9, 100);
        let frame = arp(REQUEST, MAC, ip, ip);
        assert_eq!(frame.len(), 42);
        assert_eq!(frame[..6], BROADCAST);
        assert_eq!(frame[12..22], [8, 6, 0, 1, 8, 0, 6, 4, 0, 1]);
        assert_eq!((&frame[28..32], &frame[38..42]), (&ip.octets()[..], &ip.octets()[..]));
        assert_eq!(claims(&frame, ip), Some(MAC));
        assert_eq!(claims(&frame, Ipv4Addr::new(10, 9, 9, 1)), None);
        assert_eq!(claims(&frame[..20], ip), None);
    }

    #[test]
    fn an_advertisement_overrides_and_carries_the_hardware_address() {
        let message = advertisement(MAC, "fd00::1".parse().unwrap());
        assert_eq!(message.len(), 32);
        assert_eq!((message[0], message[4]), (136, 0x20));
        assert_eq!(message[24..], [2, 1, 2, 0, 0, 0, 0, 7]);
    }
}

//! Adding and removing addresses by rtnetlink: the few messages that takes, written by hand.

use std::io;
use std::net::IpAddr;
use std::os::fd::AsRawFd as _;

use nix::sys::socket::{
    AddressFamily, MsgFlags, NetlinkAddr, SockFlag, SockProtocol, SockType, recv, sendto, socket,
};

const RTM_NEWLINK: u16 = 16;
const RTM_NEWADDR: u16 = 20;
const RTM_DELADDR: u16 = 21;
const NLM_F_REQUEST: u16 = 0x1;
const NLM_F_ACK: u16 = 0x4;
const NLM_F_EXCL: u16 = 0x200;
const NLM_F_CREATE: u16 = 0x400;
const NLMSG_ERROR: u16 = 2;
const AF_INET: u8 = 2;
const AF_INET6: u8 = 10;
const IFF_UP: u32 = 1;

const IFA_ADDRESS: u16 = 1;
const IFA_LOCAL: u16 = 2;
const IFA_LABEL: u16 = 3;
const IFA_BROADCAST: u16 = 4;
const IFA_CACHEINFO: u16 = 6;
const IFA_FLAGS: u16 = 8;

/// No duplicate detection for an IPv6 address.
pub(crate) const NODAD: u32 = 0x02;
/// No route to the address's network.
pub(crate) const NO_PREFIX_ROUTE: u32 = 0x200;
/// For ever.
const FOREVER: u32 = u32::MAX;

/// Scope of an address that is good for this host alone.
pub(crate) const SCOPE_HOST: u8 = 254;

/// An address as the kernel is to have it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Address {
    pub(crate) index: u32,
    pub(crate) ip: IpAddr,
    pub(crate) prefix: u8,
    pub(crate) scope: u8,
    pub(crate) broadcast: Option<IpAddr>,
    pub(crate) label: Option<String>,
    pub(crate) flags: u32,
    /// Seconds for which it is preferred; `None` = for ever.
    pub(crate) preferred: Option<u32>,
}

impl Address {
    /// An address with nothing special about it.
    pub(crate) fn plain(index: u32, ip: IpAddr, prefix: u8) -> Self {
        Self {
            index,
            ip,
            prefix,
            scope: 0,
            broadcast: None,
            label: None,
            flags: 0,
            preferred: None,
        }
    }
}

/// Adds an address; one that is there already is fine.
pub(crate) fn add(address: &Address) -> io::Result<()> {
    const EEXIST: i32 = 17;
    let flags = NLM_F_CREATE | NLM_F_EXCL;
    match ask(&message(RTM_NEWADDR, flags, &address_body(address))) {
        Err(error) if error.raw_os_error() == Some(EEXIST) => Ok(()),
        result => result,
    }
}

/// Removes an address; one that is not there is fine.
pub(crate) fn remove(index: u32, ip: IpAddr, prefix: u8) -> io::Result<()> {
    const EADDRNOTAVAIL: i32 = 99;
    let body = address_body(&Address::plain(index, ip, prefix));
    match ask(&message(RTM_DELADDR, 0, &body)) {
        Err(error) if error.raw_os_error() == Some(EADDRNOTAVAIL) => Ok(()),
        result => result,
    }
}

/// Sets an interface up.
pub(crate) fn set_up(index: u32) -> io::Result<()> {
    let mut body = vec![0; 4];
    body.extend(index.to_ne_bytes());
    body.extend(IFF_UP.to_ne_bytes());
    body.extend(IFF_UP.to_ne_bytes());
    ask(&message(RTM_NEWLINK, 0, &body))
}

fn address_body(address: &Address) -> Vec<u8> {
    let (family, octets) = match address.ip {
        IpAddr::V4(ip) => (AF_INET, ip.octets().to_vec()),
        IpAddr::V6(ip) => (AF_INET6, ip.octets().to_vec()),
    };
    let mut body = vec![family, address.prefix, 0, address.scope];
    body.extend(address.index.to_ne_bytes());
    attribute(&mut body, IFA_LOCAL, &octets);
    attribute(&mut body, IFA_ADDRESS, &octets);
    if let Some(IpAddr::V4(broadcast)) = address.broadcast {
        attribute(&mut body, IFA_BROADCAST, &broadcast.octets());
    }
    if let Some(label) = &address.label {
        attribute(&mut body, IFA_LABEL, &[label.as_bytes(), &[0]].concat());
    }
    if let Some(preferred) = address.preferred {
        let info = [preferred, FOREVER, 0, 0].map(u32::to_ne_bytes).concat();
        attribute(&mut body, IFA_CACHEINFO, &info);
    }
    if address.flags != 0 {
        attribute(&mut body, IFA_FLAGS, &address.flags.to_ne_bytes());
    }
    body
}

fn attribute(body: &mut Vec<u8>, kind: u16, value: &[u8]) {
    let length = u16::try_from(value.len() + 4).unwrap_or(u16::MAX);
    body.extend(length.to_ne_bytes());
    body.extend(kind.to_ne_bytes());
    body.extend(value);
    body.resize(body.len().next_multiple_of(4), 0);
}

fn message(kind: u16, flags: u16, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len() + 16).unwrap_or(u32::MAX);
    let mut message = Vec::with_capacity(body.len() + 16);
    message.extend(length.to_ne_bytes());
    message.extend(kind.to_ne_bytes());
    message.extend((flags | NLM_F_REQUEST | NLM_F_ACK).to_ne_bytes());
    message.extend(1_u32.to_ne_bytes());
    message.extend(0_u32.to_ne_bytes());
    message.extend(body);
    message
}

fn ask(message: &[u8]) -> io::Result<()> {
    let socket = socket(
        AddressFamily::Netlink,
        SockType::Raw,
        SockFlag::SOCK_CLOEXEC,
        SockProtocol::NetlinkRoute,
    )?;
    sendto(socket.as_raw_fd(), message, &NetlinkAddr::new(0, 0), MsgFlags::empty())?;
    let mut answer = vec![0; 8192];
    let length = recv(socket.as_raw_fd(), &mut answer, MsgFlags::empty())?;
    answer.truncate(length);
    read_answer(&answer)
}

fn read_answer(answer: &[u8]) -> io::Result<()> {
    let strange = || io::Error::new(io::ErrorKind::InvalidData, "the kernel's answer is strange");
    let field = |at: usize| -> Option<[u8; 4]> { answer.get(at..at + 4)?.try_into().ok() };
    let kind = answer.get(4..6).and_then(|bytes| bytes.try_into().ok()).map(u16::from_ne_bytes);
    if kind != Some(NLMSG_ERROR) {
        return Err(strange());
    }
    match i32::from_ne_bytes(field(16).ok_or_else(strange)?) {
        0 => Ok(()),
        error => Err(io::Error::from_raw_os_error(error.saturating_neg())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attributes_are_padded_and_their_length_is_not() {
        let mut body = Vec::new();
        attribute(&mut body, IFA_LABEL, b"eth0\0");
        assert_eq!(body.len(), 12);
        assert_eq!(body[..2], 9_u16.to_ne_bytes());
    }

    #[test]
    fn an_answer_is_success_or_the_systems_error() {
        let answer = |errno: i32| {
            let mut bytes = message(NLMSG_ERROR, 0, &errno.to_ne_bytes());
            bytes.extend([0; 16]);
            read_answer(&bytes)
        };
        assert!(answer(0).is_ok());
        assert_eq!(answer(-1).unwrap_err().raw_os_error(), Some(1));
        assert!(read_answer(&[1, 2, 3]).is_err());
    }
}

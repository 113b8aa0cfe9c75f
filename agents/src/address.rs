//! What an IPaddr2 resource wants: read from its parameters, completed from the routing table.

use std::net::{IpAddr, Ipv4Addr};

use model::OcfCode;

use crate::call::{Call, Failure, fail, tried};
use crate::interface;

/// Characters in an interface name or label.
const LABEL_MAX: usize = 15;

/// An address as configured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Wanted {
    pub(crate) ip: IpAddr,
    pub(crate) interface: Option<String>,
    pub(crate) prefix: Option<u8>,
    pub(crate) broadcast: Option<IpAddr>,
    pub(crate) label: Option<String>,
    pub(crate) preferred: Option<u32>,
    pub(crate) lvs: bool,
}

/// Where it goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) interface: String,
    pub(crate) prefix: u8,
}

impl Wanted {
    /// Reads the parameters.
    pub(crate) fn read(call: &Call) -> Result<Self, Failure> {
        let wrong = |text: String| fail(OcfCode::NotConfigured, text);
        let Some(text) = call.parameter("ip") else {
            return wrong("IP address (the ip parameter) is mandatory".to_owned());
        };
        let Ok(ip) = text.parse::<IpAddr>() else {
            return wrong(format!("ip={text} is not an IPv4 or IPv6 address"));
        };
        for name in ["lvs_ipv6_addrlabel"] {
            if call.is_true(name) {
                return wrong(format!("{name} needs the IPaddr2 of package resource-agents"));
            }
        }
        let clones = call.meta("clone_node_max").and_then(|n| n.parse::<u32>().ok()).unwrap_or(0);
        if call.is_true("CRM_meta_globally_unique") && clones > 1 {
            return wrong(
                "sharing one address by a globally unique clone needs the IPaddr2 of package \
                 resource-agents"
                    .to_owned(),
            );
        }
        let ip = match call.meta("clone").and_then(|number| number.parse::<u8>().ok()) {
            Some(number) if call.is_true("unique_clone_address") => plus(ip, number),
            _ => ip,
        };
        let prefix = match call.parameter("cidr_netmask") {
            None => None,
            Some(text) => match prefix(text, ip) {
                Some(prefix) => Some(prefix),
                None => return wrong(format!("cidr_netmask={text} is not a netmask of {ip}")),
            },
        };
        let broadcast = match call.parameter("broadcast") {
            None => None,
            Some(text) => match text.parse() {
                Ok(broadcast) => Some(broadcast),
                Err(_) => return wrong(format!("broadcast={text} is not an address")),
            },
        };
        let preferred = match call.parameter("preferred_lft") {
            None | Some("forever") => None,
            Some(text) => match text.parse() {
                Ok(seconds) => Some(seconds),
                Err(_) => return wrong(format!("preferred_lft={text} is not a time in seconds")),
            },
        };
        let interface =
            call.parameter("nic").map(|nic| nic.split(':').next().unwrap_or(nic).to_owned());
        if let IpAddr::V6(v6) = ip
            && v6.is_unicast_link_local()
            && interface.is_none()
        {
            return wrong(format!("{ip} is link-local: the nic parameter must say on which link"));
        }
        let label = call.parameter("iflabel").map(str::to_owned);
        let lvs = call.is_true("lvs_support");
        Ok(Self { ip, interface, prefix, broadcast, label, preferred, lvs })
    }

    /// Finds interface and prefix: as configured, else from the most specific directly
    /// connected network.
    pub(crate) fn place(&self) -> Result<Place, Failure> {
        if let Some(interface) = &self.interface
            && index(interface).is_none()
        {
            return fail(
                OcfCode::NotConfigured,
                format!("nic={interface}: there is no such interface on this node"),
            );
        }
        if let (Some(interface), Some(prefix)) = (&self.interface, self.prefix) {
            return Ok(Place { interface: interface.clone(), prefix });
        }
        let route = interface::route(self.ip, self.interface.as_deref());
        match tried(route, || "the routing table cannot be read".to_owned())? {
            Some((interface, prefix)) => {
                Ok(Place { interface, prefix: self.prefix.unwrap_or(prefix) })
            }
            None => fail(
                OcfCode::UnknownError,
                format!(
                    "no interface of this node is in the network of {}: set nic and cidr_netmask",
                    self.ip
                ),
            ),
        }
    }

    /// Returns the label the address gets on its interface.
    pub(crate) fn full_label(&self, interface: &str) -> Result<Option<String>, Failure> {
        let Some(label) = self.label.as_ref().filter(|_| self.ip.is_ipv4()) else {
            return Ok(None);
        };
        let full = format!("{interface}:{label}");
        if full.len() > LABEL_MAX {
            return fail(
                OcfCode::InvalidParam,
                format!("iflabel={label} is too long: {full} has more than {LABEL_MAX} characters"),
            );
        }
        Ok(Some(full))
    }
}

/// Returns an interface's number.
pub(crate) fn index(interface: &str) -> Option<u32> {
    nix::net::if_::if_nametoindex(interface).ok()
}

fn prefix(text: &str, ip: IpAddr) -> Option<u8> {
    let most = if ip.is_ipv4() { 32 } else { 128 };
    if let Ok(prefix) = text.parse::<u8>() {
        return (prefix <= most).then_some(prefix);
    }
    let mask = text.parse::<Ipv4Addr>().ok().filter(|_| ip.is_ipv4())?.to_bits();
    // Ones, then zeros.
    (mask.leading_ones() == mask.count_ones())
        .then(|| u8::try_from(mask.count_ones()).unwrap_or(most))
}

fn plus(ip: IpAddr, number: u8) -> IpAddr {
    match ip {
        IpAddr::V4(ip) => Ipv4Addr::from_bits(ip.to_bits().wrapping_add(number.into())).into(),
        IpAddr::V6(ip) => {
            std::net::Ipv6Addr::from_bits(ip.to_bits().wrapping_add(number.into())).into()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::call::tests::call;

    fn read(parameters: &[(&str, &str)]) -> Result<Wanted, Failure> {
        Wanted::read(&call("IPaddr2", "start", parameters))
    }

    #[test]
    fn netmasks_are_read_in_both_forms() {
        for (mask, prefix) in [("24", Some(24)), ("255.255.255.0", Some(24)), ("32", Some(32))] {
            let wanted = read(&[("ip", "10.0.0.1"), ("cidr_netmask", mask)]).unwrap();
            assert_eq!(wanted.prefix, prefix, "{mask}");
        }
        for (ip, mask) in [("10.0.0.1", "99"), ("10.0.0.1", "255.0.255.0"), ("fd00::1", "129")] {
            let failure = read(&[("ip", ip), ("cidr_netmask", mask)]).unwrap_err();
            assert_eq!(failure.code, OcfCode::NotConfigured, "{mask}");
        }
        assert_eq!(read(&[("ip", "fd00::1"), ("cidr_netmask", "64")]).unwrap().prefix, Some(64));
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (parameters, words) in [
            (vec![], "the ip parameter"),
            (vec![("ip", "banana")], "ip=banana"),
            (vec![("ip", "fe80::1")], "nic parameter"),
            (vec![("ip", "10.0.0.1"), ("broadcast", "x")], "broadcast=x"),
        ] {
            let failure = read(&parameters).unwrap_err();
            assert_eq!(failure.code, OcfCode::NotConfigured);
            assert!(failure.reason.contains(words), "{}", failure.reason);
        }
    }

    #[test]
    fn an_alias_is_no_part_of_the_interface() {
        let wanted = read(&[("ip", "10.0.0.1"), ("nic", "eth0:3"), ("iflabel", "web")]).unwrap();
        assert_eq!(wanted.interface.as_deref(), Some("eth0"));
        assert_eq!(wanted.full_label("eth0").unwrap().as_deref(), Some("eth0:web"));
        assert!(wanted.full_label("a-long-name-0").is_err());
    }

    #[test]
    fn clones_may_have_addresses_of_their_own() {
        let parameters =
            [("ip", "10.0.0.9"), ("unique_clone_address", "true"), ("CRM_meta_clone", "3")];
        assert_eq!(read(&parameters).unwrap().ip, IpAddr::from([10, 0, 0, 12]));
    }
}

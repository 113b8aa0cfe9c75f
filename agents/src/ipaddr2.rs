//! `IPaddr2`: an address that moves between nodes.

use std::fs::File;
use std::net::IpAddr;
use std::time::{Duration, Instant};

use model::OcfCode;
use nix::sched::{CloneFlags, setns};

use crate::address::{Place, Wanted, index};
use crate::announce;
use crate::call::{Call, Failure, fail, note, sleep, tried};
use crate::interface::{self, Assigned, Tentative};
use crate::netlink::{self, Address};

const LOOPBACK: &str = "lo";

/// ocf:heartbeat:IPaddr2.
pub(crate) fn act(call: &Call) -> Result<OcfCode, Failure> {
    enter_namespace(call)?;
    match call.action.as_str() {
        "start" => start(call, &Wanted::read(call)?),
        "stop" => stop(call),
        "monitor" | "status" => monitor(call),
        "validate-all" => {
            Wanted::read(call)?.place()?;
            Ok(OcfCode::Ok)
        }
        _ => Ok(OcfCode::UnimplementFeature),
    }
}

fn enter_namespace(call: &Call) -> Result<(), Failure> {
    let Some(name) = call.parameter("network_namespace") else { return Ok(()) };
    let path = format!("/run/netns/{name}");
    if name.contains('/') || !std::path::Path::new(&path).exists() {
        return fail(
            OcfCode::NotConfigured,
            format!("network_namespace={name}: there is no {path} on this node"),
        );
    }
    let file = tried(File::open(&path), || format!("cannot open {path}"))?;
    tried(setns(&file, CloneFlags::CLONE_NEWNET), || format!("cannot enter namespace {name}"))
}

/// Where the address is now: on the interface asked for, or on any but the loopback.
fn served(wanted: &Wanted) -> Result<Vec<Assigned>, Failure> {
    let all = tried(interface::addresses(), || "the node's addresses cannot be read".to_owned())?;
    let fits = |assigned: &Assigned| {
        assigned.ip == wanted.ip
            && match &wanted.interface {
                Some(name) => *name == assigned.interface,
                None => assigned.interface != LOOPBACK,
            }
    };
    Ok(all.into_iter().filter(fits).collect())
}

fn start(call: &Call, wanted: &Wanted) -> Result<OcfCode, Failure> {
    if !served(wanted)?.is_empty() {
        return Ok(OcfCode::Ok);
    }
    let place = wanted.place()?;
    let interface = place.interface.as_str();
    let Some(number) = index(interface) else {
        return fail(OcfCode::UnknownError, format!("interface {interface} has just gone"));
    };
    let label = wanted.full_label(interface)?;
    if wanted.lvs {
        take_from_loopback(wanted.ip)?;
    }
    tried(netlink::set_up(number), || format!("interface {interface} cannot be set up"))?;
    if let IpAddr::V4(ip) = wanted.ip
        && call.is_true("run_arping")
    {
        let asked = tried(announce::who_has(interface, ip), || format!("cannot ask for {ip}"))?;
        if let Some(mac) = asked {
            return fail(
                OcfCode::UnknownError,
                format!("{ip} is in use on this network already, by {mac}"),
            );
        }
    }
    let mut flags = 0;
    if call.is_true("nodad") && wanted.ip.is_ipv6() {
        flags |= netlink::NODAD;
    }
    if call.is_true("noprefixroute") {
        flags |= netlink::NO_PREFIX_ROUTE;
    }
    let address = Address {
        broadcast: wanted.broadcast,
        label,
        flags,
        preferred: wanted.preferred,
        ..Address::plain(number, wanted.ip, place.prefix)
    };
    tried(netlink::add(&address), || {
        format!("{}/{} cannot be added to {interface}", wanted.ip, place.prefix)
    })?;
    wait_for_duplicate_detection(wanted.ip, &place)?;
    let background = call.parameter("arp_bg").is_none() || call.is_true("arp_bg");
    let count = call.number("arp_count", 5)?;
    announce::announce(interface, wanted.ip, count, call.number("arp_interval", 200)?, background);
    Ok(OcfCode::Ok)
}

/// An IPv6 address is of no use before the kernel has asked whether somebody else has it.
fn wait_for_duplicate_detection(ip: IpAddr, place: &Place) -> Result<(), Failure> {
    /// The kernel asks once a second, once by default; interfaces may be slow to come up.
    const PATIENCE: Duration = Duration::from_secs(15);
    let IpAddr::V6(v6) = ip else { return Ok(()) };
    let until = Instant::now() + PATIENCE;
    loop {
        let state = interface::tentative(v6, &place.interface);
        match tried(state, || "the state of IPv6 addresses cannot be read".to_owned())? {
            Tentative::No => return Ok(()),
            Tentative::Duplicate => {
                if let Some(number) = index(&place.interface) {
                    tried(netlink::remove(number, ip, place.prefix), || {
                        format!("duplicate {ip} cannot be removed")
                    })?;
                }
                return fail(
                    OcfCode::UnknownError,
                    format!("{ip} is in use on the network of {} already", place.interface),
                );
            }
            Tentative::Asking if Instant::now() > until => {
                return fail(
                    OcfCode::UnknownError,
                    format!("{ip} is still tentative after {} s", PATIENCE.as_secs()),
                );
            }
            Tentative::Asking => sleep(Duration::from_millis(20)),
        }
    }
}

fn stop(call: &Call) -> Result<OcfCode, Failure> {
    // An address that cannot be read was never added.
    let wanted = match Wanted::read(call) {
        Ok(wanted) => wanted,
        Err(failure) if call.parameter("ip").is_some() => {
            note(&failure.reason);
            return Ok(OcfCode::Ok);
        }
        Err(failure) => return Err(failure),
    };
    for assigned in served(&wanted)? {
        let Some(number) = index(&assigned.interface) else { continue };
        tried(netlink::remove(number, assigned.ip, assigned.prefix), || {
            format!("{} cannot be removed from {}", assigned.ip, assigned.interface)
        })?;
        if wanted.lvs
            && let Some(loopback) = index(LOOPBACK)
        {
            let prefix = if wanted.ip.is_ipv4() { 32 } else { 128 };
            let address = Address {
                scope: netlink::SCOPE_HOST,
                ..Address::plain(loopback, wanted.ip, prefix)
            };
            tried(netlink::add(&address), || {
                format!("{} cannot be moved to the loopback interface", wanted.ip)
            })?;
        }
    }
    Ok(OcfCode::Ok)
}

fn take_from_loopback(ip: IpAddr) -> Result<(), Failure> {
    let all = tried(interface::addresses(), || "the node's addresses cannot be read".to_owned())?;
    let Some(number) = index(LOOPBACK) else { return Ok(()) };
    for assigned in all.iter().filter(|a| a.ip == ip && a.interface == LOOPBACK) {
        tried(netlink::remove(number, ip, assigned.prefix), || {
            format!("{ip} cannot be taken from the loopback interface")
        })?;
    }
    Ok(())
}

fn monitor(call: &Call) -> Result<OcfCode, Failure> {
    let wanted = match Wanted::read(call) {
        Ok(wanted) => wanted,
        // A probe of a bad configuration finds nothing running, which is the truth.
        Err(failure) if call.is_probe() && call.parameter("ip").is_some() => {
            note(&failure.reason);
            return Ok(OcfCode::NotRunning);
        }
        Err(failure) => return Err(failure),
    };
    let Some(assigned) = served(&wanted)?.into_iter().next() else {
        return Ok(OcfCode::NotRunning);
    };
    let count = call.number("arp_count_refresh", 0)?;
    if count > 0 && !call.is_probe() {
        let interval_ms = call.number("arp_interval", 200)?;
        announce::announce(&assigned.interface, wanted.ip, count, interval_ms, true);
    }
    Ok(OcfCode::Ok)
}

//! Remote nodes and guest nodes: resources that are nodes.

use cib::Element;

use crate::environment::Environment;
use crate::ids;
use crate::message::Message;
use crate::nvset::{self, Pairs};
use crate::options::{self, Wanted};
use crate::removal::Removal;
use crate::report::{Failed, Outcome};
use crate::resource::create::{self, Request};
use crate::{node, resource};

/// What has to be done on hosts by somebody else when a document is no running cluster's.
fn tell_about_host(env: &mut Environment<'_>, host: &str, coming: bool) {
    if env.live {
        return;
    }
    let node = host.to_owned();
    if coming {
        env.info(Message::DistributionSkipped {
            what: "pacemaker authkey".into(),
            node: node.clone(),
        });
        let actions = ["pacemaker_remote enable", "pacemaker_remote start"];
        env.info(Message::ActionsSkipped { actions: actions.map(str::to_owned).to_vec(), node });
    } else {
        let actions = ["pacemaker_remote disable", "pacemaker_remote stop"];
        env.info(Message::ActionsSkipped {
            actions: actions.map(str::to_owned).to_vec(),
            node: node.clone(),
        });
        env.info(Message::RemovalSkipped { what: "pacemaker authkey".into(), node });
    }
}

/// Returns the names of remote and guest nodes.
pub(crate) fn names(cib: &Element) -> Vec<String> {
    let guests = node::guests(cib).into_iter().map(|(name, _)| name);
    node::remotes(cib).into_iter().chain(guests).collect()
}

/// Addresses under which remote and guest nodes are reached: their names, where they have no other.
pub(crate) fn addresses(cib: &Element) -> Vec<String> {
    resource::primitives(cib)
        .filter_map(|primitive| {
            let meta = |name| nvset::value(primitive, "meta_attributes", name);
            if crate::agent::AgentName::of(primitive).is_remote() {
                return nvset::value(primitive, "instance_attributes", "server").or(primitive.id());
            }
            meta("remote-node").map(|name| meta("remote-addr").unwrap_or(name))
        })
        .map(str::to_owned)
        .collect()
}

fn begin(env: &mut Environment<'_>, name: &str, address: Option<&str>) -> String {
    if !env.live {
        env.info(Message::ConflictsNotChecked);
    }
    match address {
        Some(address) => address.to_owned(),
        None => {
            env.info(Message::AddressGuessed { node: name.into(), address: name.into() });
            name.to_owned()
        }
    }
}

/// Adds a remote node: a resource that connects to it.
///
/// # Errors
/// Reported.
pub fn add_remote(
    env: &mut Environment<'_>,
    name: &str,
    address: Option<&str>,
    request: &Request,
) -> Outcome {
    let address = begin(env, name, address);
    let known_name = Some(name).filter(|name| names(&env.cib).iter().any(|n| n == name));
    let known_address = addresses(&env.cib).into_iter().find(|known| *known == address);
    let conflicts: std::collections::BTreeSet<&str> =
        known_name.into_iter().chain(known_address.as_deref()).collect();
    for text in conflicts {
        env.error(Message::IdAlreadyExists { id: text.to_owned() });
    }
    env.checked()?;
    // that the address has a place of its own is said whatever the name is
    if nvset::get(&request.parameters, "server").is_some() {
        return create::create_remote(env, name, &address, request);
    }
    if let Some(message) = ids::check(name, "resource name") {
        env.error(message);
    } else if ids::exists(&env.cib, name) {
        let is_node = node::nodes(&env.cib).iter().any(|node| node.id == name);
        if !is_node {
            env.error(Message::IdAlreadyExists { id: name.into() });
        }
    }
    env.checked()?;
    create::create_remote(env, name, &address, request)?;
    tell_about_host(env, name, true);
    Ok(())
}

const GUEST_OPTIONS: [&str; 3] = ["remote-addr", "remote-connect-timeout", "remote-port"];

/// Makes a guest node out of a resource.
///
/// # Errors
/// Reported.
pub fn add_guest(env: &mut Environment<'_>, name: &str, id: &str, typed: &Pairs) -> Outcome {
    begin_guest(env, name, typed);
    env.check_names(typed.iter().map(|(n, _)| n.as_str()), &GUEST_OPTIONS, "guest", None);
    if let Some(timeout) = nvset::get(typed, "remote-connect-timeout") {
        let wanted = Wanted::Words("time interval (e.g. 1, 2s, 3m, 4h, ...)");
        env.check_value("remote-connect-timeout", timeout, options::is_timeout(timeout), wanted);
    }
    if let Some(port) = nvset::get(typed, "remote-port") {
        let good = port.parse::<u16>().is_ok_and(|port| port > 0);
        env.check_value("remote-port", port, good, Wanted::Words("a port number (1..65535)"));
    }
    let is_taken = names(&env.cib).iter().any(|n| n == name);
    if is_taken {
        env.error(Message::IdAlreadyExists { id: name.into() });
    }
    let address = nvset::get(typed, "remote-addr").unwrap_or(name);
    if (address != name || !is_taken) && addresses(&env.cib).iter().any(|known| known == address) {
        env.error(Message::IdAlreadyExists { id: address.into() });
    }
    match resource::find(&env.cib, id).filter(|e| e.name() == "primitive") {
        None => {
            let message = Message::IdNotFound {
                id: id.into(),
                kinds: vec!["resource".into()],
                near: resource::near(&env.cib, id),
            };
            env.error(message);
        }
        Some(element) => {
            let is_guest = nvset::value(element, "meta_attributes", "remote-node").is_some();
            if is_guest {
                env.error(Message::AlreadyGuest { id: id.into() });
            }
        }
    }
    if !is_taken && resource::find(&env.cib, name).is_some() {
        env.error(Message::GuestNameTaken { name: name.into() });
    }
    env.checked()?;
    let mut meta = typed.clone();
    if nvset::get(&meta, "remote-addr").is_none() {
        meta.push(("remote-addr".into(), name.into()));
    }
    meta.push(("remote-node".into(), name.into()));
    nvset::update_in_front(&mut env.cib, id, "meta_attributes", &meta);
    tell_about_host(env, name, true);
    Ok(())
}

fn begin_guest(env: &mut Environment<'_>, name: &str, typed: &Pairs) {
    begin(env, name, nvset::get(typed, "remote-addr"));
}

fn purge(env: &mut Environment<'_>, name: &str) {
    if !env.live {
        env.warn(Message::PurgeSkipped { node: name.into() });
    }
    let remote =
        |node: &Element| node.get("uname") == Some(name) && node.get("type") == Some("remote");
    env.section("nodes").retain_children(|node| !remote(node));
}

/// Removes a remote node, named by its name or its address.
///
/// # Errors
/// Reported.
pub fn remove_remote(env: &mut Environment<'_>, text: &str) -> Outcome {
    if !env.live {
        env.warn(Message::NotStoppedBeforeDelete);
    }
    let found: Option<String> = resource::primitives(&env.cib)
        .filter(|p| crate::agent::AgentName::of(p).is_remote())
        .find(|p| {
            p.id() == Some(text) || nvset::value(p, "instance_attributes", "server") == Some(text)
        })
        .and_then(|p| p.id().map(str::to_owned));
    let Some(name) = found else {
        env.error(Message::NodeOfKindNotFound { node: text.into(), kind: "remote".into() });
        return Err(Failed::Reported);
    };
    if !env.live {
        env.warn(Message::NotCheckedStopped { resources: vec![name.clone()] });
    }
    tell_about_host(env, &name, false);
    env.info(Message::RemovingResource { id: name.clone() });
    let removal = Removal::plan(&env.cib, std::slice::from_ref(&name));
    removal.apply(&mut env.cib);
    purge(env, &name);
    Ok(())
}

/// Makes a guest node an ordinary resource again; named by its name, its address or its resource.
///
/// # Errors
/// Reported.
pub fn remove_guest(env: &mut Environment<'_>, text: &str) -> Outcome {
    let found: Option<(String, String)> = resource::primitives(&env.cib).find_map(|p| {
        let name = nvset::value(p, "meta_attributes", "remote-node")?;
        let address = nvset::value(p, "meta_attributes", "remote-addr");
        let is_it = name == text || address == Some(text) || p.id() == Some(text);
        is_it.then(|| (name.to_owned(), p.id().unwrap_or_default().to_owned()))
    });
    let Some((name, id)) = found else {
        env.error(Message::NodeOfKindNotFound { node: text.into(), kind: "guest".into() });
        return Err(Failed::Reported);
    };
    tell_about_host(env, &name, false);
    let gone: Pairs = GUEST_OPTIONS
        .iter()
        .chain(&["remote-node"])
        .map(|name| ((*name).to_owned(), String::new()))
        .collect();
    nvset::update(&mut env.cib, &id, "meta_attributes", &gone);
    purge(env, &name);
    Ok(())
}

//! Bundles: containers that hold a resource.

use cib::Element;

use super::config::CONTAINERS;
use super::{find, find_mut, members};
use crate::environment::Environment;
use crate::ids;
use crate::message::Message;
use crate::nvset::{self, Pairs};
use crate::options::{self, Wanted};
use crate::report::{Failed, Outcome};

/// What is said of a bundle.
#[derive(Clone, Debug, Default)]
pub struct Request {
    /// What runs the container.
    pub container_type: String,
    /// The container.
    pub container: Pairs,
    /// The network.
    pub network: Pairs,
    /// Ports.
    pub ports: Vec<Pairs>,
    /// Storage.
    pub storage: Vec<Pairs>,
    /// Ports to take away.
    pub ports_gone: Vec<String>,
    /// Storage to take away.
    pub storage_gone: Vec<String>,
    /// Meta attributes.
    pub meta: Pairs,
    /// Whether it is to stay stopped.
    pub disabled: bool,
}

const CONTAINER: [&str; 7] =
    ["image", "network", "options", "promoted-max", "replicas", "replicas-per-host", "run-command"];
const NETWORK: [&str; 4] = ["control-port", "host-interface", "host-netmask", "ip-range-start"];
const PORT: [&str; 4] = ["id", "internal-port", "port", "range"];
const STORAGE: [&str; 5] = ["id", "options", "source-dir", "source-dir-root", "target-dir"];
const POSITIVE: Wanted<'static> = Wanted::Words("a positive integer");
const PORT_NUMBER: Wanted<'static> = Wanted::Words("a port number (1..65535)");

fn names(pairs: &Pairs) -> impl Iterator<Item = &str> {
    pairs.iter().map(|(name, _)| name.as_str())
}

fn is_positive(text: &str) -> bool {
    text.parse::<u64>().is_ok_and(|number| number > 0)
}

fn is_port(text: &str) -> bool {
    text.parse::<u16>().is_ok_and(|port| port > 0)
}

fn check_container(env: &mut Environment<'_>, pairs: &Pairs, force: bool) {
    env.check_names(names(pairs), &CONTAINER, "container", Some(force));
    for (name, value) in pairs.iter().filter(|(_, value)| !value.is_empty()) {
        match name.as_str() {
            "replicas" | "replicas-per-host" => {
                env.check_value(name, value, is_positive(value), POSITIVE);
            }
            "promoted-max" => {
                let good = value.parse::<u64>().is_ok();
                env.check_value(name, value, good, Wanted::Words("a non-negative integer"));
            }
            _ => {}
        }
    }
}

fn check_network(env: &mut Environment<'_>, pairs: &Pairs, force: bool) {
    env.check_names(names(pairs), &NETWORK, "network", Some(force));
    for (name, value) in pairs.iter().filter(|(_, value)| !value.is_empty()) {
        match name.as_str() {
            "control-port" => env.check_value(name, value, is_port(value), PORT_NUMBER),
            "host-netmask" => {
                let good = value.parse::<u8>().is_ok_and(|bits| (1..=32).contains(&bits));
                if !good {
                    let wanted = Wanted::Words("a number of bits of the mask (1..32)");
                    env.forceable(options::bad_value(name, value, wanted), force);
                }
            }
            _ => {}
        }
    }
}

fn check_one_of(env: &mut Environment<'_>, pairs: &Pairs, kind: &str, one: &str, other: &str) {
    let has = |name| nvset::get(pairs, name).is_some();
    if has(one) && has(other) {
        env.error(Message::OnlyOneOption {
            kind: kind.into(),
            one: one.into(),
            other: other.into(),
        });
    } else if !has(one) && !has(other) {
        env.error(Message::OneOptionNeeded {
            kind: kind.into(),
            one: one.into(),
            other: other.into(),
        });
    }
}

fn check_mappings(env: &mut Environment<'_>, request: &Request, force: bool) {
    for pairs in &request.ports {
        env.check_names(names(pairs), &PORT, "port-map", Some(force));
        if let Some(id) = nvset::get(pairs, "id") {
            env.check_new_id(id, "port-map id");
        }
        check_one_of(env, pairs, "port-map", "port", "range");
        for name in ["port", "internal-port"] {
            if let Some(value) = nvset::get(pairs, name) {
                env.check_value(name, value, is_port(value), PORT_NUMBER);
            }
        }
    }
    for pairs in &request.storage {
        env.check_names(names(pairs), &STORAGE, "storage-map", Some(force));
        if let Some(id) = nvset::get(pairs, "id") {
            env.check_new_id(id, "storage-map id");
        }
        check_one_of(env, pairs, "storage-map", "source-dir", "source-dir-root");
        if nvset::get(pairs, "target-dir").is_none() {
            env.check_required(vec!["target-dir".into()], "storage-map", None);
        }
    }
}

fn warn_meta(env: &mut Environment<'_>, meta: &Pairs) {
    if meta.iter().any(|(_, value)| !value.is_empty()) {
        env.warn(Message::MetaNotValidated { kinds: vec!["bundle".into()] });
    }
}

/// Makes a bundle.
///
/// # Errors
/// Reported.
pub fn create(env: &mut Environment<'_>, id: &str, request: &Request, force: bool) -> Outcome {
    env.check_new_id(id, "bundle name");
    let kinds = &CONTAINERS[..2];
    let kind = request.container_type.as_str();
    env.check_value("container type", kind, kinds.contains(&kind), Wanted::Choice(kinds));
    if kinds.contains(&kind) {
        check_container(env, &request.container, force);
        if nvset::get(&request.container, "image").is_none_or(str::is_empty) {
            env.check_required(vec!["image".into()], "container", None);
        }
    }
    check_network(env, &request.network, force);
    check_mappings(env, request, force);
    warn_meta(env, &request.meta);
    env.checked()?;
    let mut bundle = Element::new("bundle").with("id", id);
    if request.disabled {
        let mut meta = request.meta.clone();
        meta.retain(|(name, _)| name != "target-role");
        meta.push(("target-role".into(), "Stopped".into()));
        bundle.push(nvset::new_set("meta_attributes", &format!("{id}-meta_attributes"), &meta));
    }
    bundle.push(with_pairs(Element::new(kind), &request.container));
    fill(env, &mut bundle, id, request);
    if !request.meta.is_empty() && !request.disabled {
        let set = format!("{id}-meta_attributes");
        bundle.push(nvset::new_set("meta_attributes", &set, &request.meta));
    }
    env.section("resources").push(bundle);
    Ok(())
}

fn with_pairs(mut element: Element, pairs: &Pairs) -> Element {
    for (name, value) in pairs {
        if value.is_empty() {
            element.unset(name);
        } else {
            element.set(name, value.as_str());
        }
    }
    element
}

/// Puts network, ports and storage into a bundle.
fn fill(env: &Environment<'_>, bundle: &mut Element, id: &str, request: &Request) {
    let mut taken: Vec<String> = Vec::new();
    if !request.network.is_empty() || !request.ports.is_empty() {
        let network = child_behind(bundle, "network");
        let updated = with_pairs(network.clone(), &request.network);
        *network = updated;
        for pairs in &request.ports {
            let what = nvset::get(pairs, "port").or(nvset::get(pairs, "range")).unwrap_or_default();
            let wanted = ids::sanitize(&format!("{id}-port-map-{what}"));
            network.push(mapping(env, "port-mapping", &wanted, pairs, &mut taken));
        }
    }
    if !request.storage.is_empty() {
        let storage = child_behind(bundle, "storage");
        for pairs in &request.storage {
            let wanted = format!("{id}-storage-map");
            storage.push(mapping(env, "storage-mapping", &wanted, pairs, &mut taken));
        }
    }
}

fn mapping(
    env: &Environment<'_>,
    name: &str,
    wanted: &str,
    pairs: &Pairs,
    taken: &mut Vec<String>,
) -> Element {
    let id = nvset::get(pairs, "id")
        .map_or_else(|| ids::free_besides(&env.cib, wanted, taken), str::to_owned);
    taken.push(id.clone());
    with_pairs(Element::new(name), pairs).with("id", id)
}

/// Returns a child of a bundle, made in its place when it is missing: network and storage stand
/// behind the container, in this order.
fn child_behind<'a>(bundle: &'a mut Element, name: &str) -> &'a mut Element {
    if bundle.child(name).is_none() {
        let before = |e: &Element| {
            CONTAINERS.contains(&e.name()) || (name == "storage" && e.name() == "network")
        };
        let at = bundle
            .content()
            .iter()
            .rposition(|c| matches!(c, cib::Content::Element(e) if before(e)))
            .map_or(bundle.content().len(), |at| at + 1);
        bundle.content_mut().insert(at, Element::new(name).into());
    }
    bundle.child_or_insert(name)
}

fn find_bundle(env: &Environment<'_>, id: &str) -> Outcome<Element> {
    match find(&env.cib, id) {
        Some(element) if element.name() == "bundle" => Ok(element.clone()),
        Some(_) => Err(Failed::because(Message::IdOfOtherKind {
            id: id.into(),
            expected: vec!["bundle".into()],
        })),
        None => Err(Failed::because(super::not_found(&env.cib, id, &["bundle"]))),
    }
}

fn warn_unreachable(env: &mut Environment<'_>, id: &str) {
    let Some(bundle) = find(&env.cib, id) else { return };
    let inner = members(bundle).next().and_then(Element::id).map(str::to_owned);
    if let Some(resource) = inner
        && !is_reachable(bundle)
    {
        env.warn(Message::BundleUnreachable { resource, bundle: id.into() });
    }
}

/// Says whether the cluster can reach what runs inside.
fn is_reachable(bundle: &Element) -> bool {
    bundle.child("network").is_some_and(|network| {
        network.get("ip-range-start").is_some() || network.get("control-port").is_some()
    })
}

/// Changes a bundle.
///
/// # Errors
/// Reported, or said.
pub fn update(env: &mut Environment<'_>, id: &str, request: &Request, force: bool) -> Outcome {
    let bundle = find_bundle(env, id)?;
    check_container(env, &request.container, force);
    if nvset::get(&request.container, "image") == Some("") {
        env.error(Message::ImageEmpty);
    }
    check_network(env, &request.network, force);
    check_mappings(env, request, force);
    for (kind, section, gone) in [
        ("port-map", "network", &request.ports_gone),
        ("storage-map", "storage", &request.storage_gone),
    ] {
        for map in gone {
            let there = bundle
                .child(section)
                .is_some_and(|s| s.children().any(|mapping| mapping.id() == Some(map)));
            if !there {
                env.error(Message::BundleMapNotFound {
                    kind: kind.into(),
                    map: map.clone(),
                    bundle: id.into(),
                });
            }
        }
    }
    warn_meta(env, &request.meta);
    env.checked()?;
    let mut changed = bundle;
    if let Some(container) = changed.children_mut().find(|child| CONTAINERS.contains(&child.name()))
    {
        let updated = with_pairs(container.clone(), &request.container);
        *container = updated;
    }
    for (section, gone) in [("network", &request.ports_gone), ("storage", &request.storage_gone)] {
        if let Some(part) = changed.child_mut(section) {
            part.retain_children(|m| !m.id().is_some_and(|id| gone.iter().any(|g| g == id)));
        }
    }
    fill(env, &mut changed, id, request);
    if let Some(element) = find_mut(&mut env.cib, id) {
        *element = changed;
    }
    nvset::update(&mut env.cib, id, "meta_attributes", &request.meta);
    if !request.network.is_empty() {
        warn_unreachable(env, id);
    }
    Ok(())
}

/// Makes a bundle anew, keeping its id and what is inside.
///
/// # Errors
/// Reported, or said.
pub fn reset(env: &mut Environment<'_>, id: &str, request: &Request, force: bool) -> Outcome {
    let bundle = find_bundle(env, id)?;
    check_container(env, &request.container, force);
    if nvset::get(&request.container, "image").is_none_or(str::is_empty) {
        env.check_required(vec!["image".into()], "container", None);
    }
    check_network(env, &request.network, force);
    check_mappings(env, request, force);
    warn_meta(env, &request.meta);
    env.checked()?;
    let kind = bundle
        .children()
        .find(|child| CONTAINERS.contains(&child.name()))
        .map_or("docker", Element::name)
        .to_owned();
    let mut new = Element::new("bundle").with("id", id);
    new.push(with_pairs(Element::new(kind), &request.container));
    fill(env, &mut new, id, request);
    let mut meta = request.meta.clone();
    if request.disabled {
        meta.push(("target-role".into(), "Stopped".into()));
    }
    if !meta.is_empty() {
        new.push(nvset::new_set("meta_attributes", &format!("{id}-meta_attributes"), &meta));
    }
    for member in bundle.shared_children().filter(|child| super::is_resource(child)) {
        new.push(member.clone());
    }
    if let Some(element) = find_mut(&mut env.cib, id) {
        *element = new;
    }
    warn_unreachable(env, id);
    Ok(())
}

/// Checks that a bundle can take a resource.
pub(crate) fn check_can_hold(env: &mut Environment<'_>, id: &str, force: bool) -> Outcome {
    let bundle = match find(&env.cib, id) {
        Some(element) if element.name() == "bundle" => element.clone(),
        _ => {
            let message = super::not_found(&env.cib, id, &["bundle"]);
            env.error(message);
            return Err(Failed::Reported);
        }
    };
    if let Some(inner) = members(&bundle).next().and_then(Element::id) {
        env.error(Message::BundleFull { bundle: id.into(), resource: inner.into() });
    }
    if !is_reachable(&bundle) {
        env.forceable(Message::BundleNotReachable { bundle: id.into() }, force);
    }
    env.checked()
}

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

/// Whether options are those of something new, where an empty value is a bad one, or change what is there,
/// where it takes an option away.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Of {
    New,
    Changed,
}

impl Of {
    /// Returns what is said of an option, unless it takes it away.
    fn value(self, pairs: &Pairs, name: &str) -> Option<String> {
        let value = nvset::get(pairs, name)?;
        (self == Self::New || !value.is_empty()).then(|| value.to_owned())
    }

    /// Returns the names of options that are to be there.
    fn names(self, pairs: &Pairs) -> impl Iterator<Item = &str> {
        let stays = move |value: &str| self == Self::New || !value.is_empty();
        pairs.iter().filter(move |(_, value)| stays(value)).map(|(name, _)| name.as_str())
    }
}

fn check_container(env: &mut Environment<'_>, pairs: &Pairs, of: Of, force: bool) {
    env.check_names(of.names(pairs), &CONTAINER, "container", Some(force));
    match nvset::get(pairs, "image") {
        Some("") => env.error(Message::ImageEmpty),
        None if of == Of::New => env.check_required(vec!["image".into()], "container", None),
        _ => {}
    }
    if let Some(value) = of.value(pairs, "promoted-max") {
        let good = value.parse::<u64>().is_ok();
        env.check_value("promoted-max", &value, good, Wanted::Words("a non-negative integer"));
    }
    for name in ["replicas", "replicas-per-host"] {
        if let Some(value) = of.value(pairs, name) {
            env.check_value(name, &value, is_positive(&value), POSITIVE);
        }
    }
}

fn check_network(env: &mut Environment<'_>, pairs: &Pairs, of: Of, force: bool) {
    env.check_names(of.names(pairs), &NETWORK, "network", Some(force));
    if let Some(value) = of.value(pairs, "control-port") {
        env.check_value("control-port", &value, is_port(&value), PORT_NUMBER);
    }
    if let Some(value) = of.value(pairs, "host-netmask")
        && !value.parse::<u8>().is_ok_and(|bits| (1..=32).contains(&bits))
    {
        let wanted = Wanted::Words("a number of bits of the mask (1..32)");
        env.forceable(options::bad_value("host-netmask", &value, wanted), force);
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
    let mut taken = Vec::new();
    for pairs in &request.ports {
        env.check_names(names(pairs), &PORT, "port-map", Some(force));
        if let Some(id) = nvset::get(pairs, "id") {
            env.check_new_id_besides(id, "port-map id", &mut taken);
        }
        let has = |name| nvset::get(pairs, name).is_some();
        if has("internal-port") && !has("port") {
            env.error(Message::OptionNeedsOther {
                kind: "port-map".into(),
                option: "internal-port".into(),
                other: "port".into(),
            });
        }
        check_one_of(env, pairs, "port-map", "port", "range");
        for name in ["port", "internal-port"] {
            if let Some(value) = nvset::get(pairs, name) {
                env.check_value(name, value, is_port(value), PORT_NUMBER);
            }
        }
        if let Some(value) = nvset::get(pairs, "range")
            && !value.split_once('-').is_some_and(|(from, to)| is_port(from) && is_port(to))
        {
            let wanted = Wanted::Words("port-port");
            env.forceable(options::bad_value("range", value, wanted), force);
        }
    }
    for pairs in &request.storage {
        env.check_names(names(pairs), &STORAGE, "storage-map", Some(force));
        if let Some(id) = nvset::get(pairs, "id") {
            env.check_new_id_besides(id, "storage-map id", &mut taken);
        }
        check_one_of(env, pairs, "storage-map", "source-dir", "source-dir-root");
        if nvset::get(pairs, "target-dir").is_none() {
            env.check_required(vec!["target-dir".into()], "storage-map", None);
        }
    }
}

/// Checks that mappings which are to go are there, and are the bundle's.
fn check_gone(
    env: &mut Environment<'_>,
    bundle: &Element,
    kind: &str,
    element: &str,
    gone: &[String],
) {
    let id = bundle.id().unwrap_or_default().to_owned();
    for map in gone {
        let is_it = |e: &&Element| e.name() == element && e.id() == Some(map);
        if bundle.descendants().any(|e| is_it(&e)) {
            continue;
        }
        let resources = env.peek("resources");
        let elsewhere = resources.and_then(|all| all.descendants().find(is_it)).is_some();
        env.error(if elsewhere {
            Message::BundleMapOfOther {
                element: element.into(),
                map: map.clone(),
                bundle: id.clone(),
            }
        } else if ids::exists(&env.cib, map) {
            Message::IdOfOtherKind { id: map.clone(), expected: vec![kind.into()] }
        } else {
            Message::BundleMapNotFound { kind: kind.into(), map: map.clone(), bundle: id.clone() }
        });
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
        check_container(env, &request.container, Of::New, force);
    }
    check_network(env, &request.network, Of::New, force);
    check_mappings(env, request, force);
    warn_meta(env, &request.meta);
    env.checked()?;
    let mut bundle = Element::new("bundle").with("id", id);
    let meta = all_meta(request);
    let set = nvset::new_set("meta_attributes", &format!("{id}-meta_attributes"), &meta);
    // as pcs places it: in front where nothing but '--disabled' asks for it
    let in_front = request.meta.is_empty();
    if in_front && !meta.is_empty() {
        bundle.push(set.clone());
    }
    bundle.push(with_pairs(Element::new(kind), &request.container));
    fill(env, &mut bundle, id, request, Of::New);
    if !in_front {
        bundle.push(set);
    }
    env.section("resources").push(bundle);
    Ok(())
}

/// Returns the meta attributes wanted, `--disabled` among them.
fn all_meta(request: &Request) -> Pairs {
    let mut meta = request.meta.clone();
    if request.disabled {
        meta.retain(|(name, _)| name != "target-role");
        meta.push(("target-role".into(), "Stopped".into()));
    }
    meta
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
fn fill(env: &Environment<'_>, bundle: &mut Element, id: &str, request: &Request, of: Of) {
    let mut taken: Vec<String> = Vec::new();
    let lasting = of.names(&request.network).next().is_some();
    if bundle.child("network").is_some() || lasting || !request.ports.is_empty() {
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

/// Says whether the cluster can reach what runs behind a network.
fn is_reachable(network: &Element) -> bool {
    network.get("ip-range-start").is_some() || network.get("control-port").is_some()
}

/// Changes a bundle.
///
/// # Errors
/// Reported, or said.
pub fn update(env: &mut Environment<'_>, id: &str, request: &Request, force: bool) -> Outcome {
    let bundle = find_bundle(env, id)?;
    check_container(env, &request.container, Of::Changed, force);
    let network = bundle.child("network").cloned();
    let of = if network.is_some() { Of::Changed } else { Of::New };
    check_network(env, &request.network, of, force);
    if !request.network.is_empty()
        && let Some(resource) = members(&bundle).next().and_then(Element::id)
    {
        let network = network.unwrap_or_else(|| Element::new("network"));
        if !is_reachable(&with_pairs(network, &request.network)) {
            let resource = resource.to_owned();
            env.forceable(Message::BundleUnreachable { resource, bundle: id.into() }, force);
        }
    }
    check_mappings(env, request, force);
    check_gone(env, &bundle, "port-map", "port-mapping", &request.ports_gone);
    check_gone(env, &bundle, "storage-map", "storage-mapping", &request.storage_gone);
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
    fill(env, &mut changed, id, request, Of::Changed);
    if let Some(element) = find_mut(&mut env.cib, id) {
        *element = changed;
    }
    nvset::update_in_front(&mut env.cib, id, "meta_attributes", &request.meta);
    Ok(())
}

/// Makes a bundle anew, keeping its id, what is inside, and its sections, which are emptied.
///
/// # Errors
/// Reported, or said.
pub fn reset(env: &mut Environment<'_>, id: &str, request: &Request, force: bool) -> Outcome {
    let mut bundle = find_bundle(env, id)?;
    for part in bundle.children_mut().filter(|part| !super::is_resource(part)) {
        let mut empty = Element::new(part.name());
        if let Some(id) = part.id() {
            empty.set("id", id);
        }
        *part = empty;
    }
    // ids of what is gone may be taken again
    if let Some(element) = find_mut(&mut env.cib, id) {
        *element = bundle.clone();
    }
    check_container(env, &request.container, Of::New, force);
    check_network(env, &request.network, Of::New, force);
    check_mappings(env, request, force);
    warn_meta(env, &request.meta);
    env.checked()?;
    if let Some(container) = bundle.children_mut().find(|part| CONTAINERS.contains(&part.name())) {
        *container = with_pairs(Element::new(container.name()), &request.container);
    }
    fill(env, &mut bundle, id, request, Of::Changed);
    let meta = all_meta(request);
    if let Some(element) = find_mut(&mut env.cib, id) {
        *element = bundle;
    }
    nvset::update_in_front(&mut env.cib, id, "meta_attributes", &meta);
    Ok(())
}

/// Checks that a bundle can take a resource.
pub(crate) fn check_can_hold(
    env: &mut Environment<'_>,
    id: &str,
    resource: &str,
    force: bool,
) -> Outcome {
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
    if !bundle.child("network").is_some_and(is_reachable) {
        let resource = resource.to_owned();
        env.forceable(Message::BundleUnreachable { resource, bundle: id.into() }, force);
    }
    env.checked()
}

//! Remote and guest nodes: the nodes that resources make.

use std::sync::Arc;

use cib::Element;

use crate::cluster::{Cluster, Node};
use crate::index::NodeIx;
use crate::rules::{Context, Pairs};

/// The meta-attributes of an element as they are written, the last of a name: what makes a node
/// depends neither on rules nor on scores.
fn meta(document: &Element, element: &Element) -> Pairs {
    let context = Context { document: Some(document), ..Context::default() };
    let sets = element.children_named("meta_attributes").filter_map(|set| context.resolve(set));
    let all = sets.flat_map(Element::children).filter_map(|pair| context.resolve(pair));
    all.filter_map(|pair| Some((pair.get("name")?.to_owned(), pair.get("value")?.to_owned())))
        .collect()
}

/// The primitives of a document that may make nodes: outside and in groups.
fn primitives(document: &Element) -> Vec<&Element> {
    let Some(resources) = document.at(&["configuration", "resources"]) else { return Vec::new() };
    let mut found = Vec::new();
    for element in resources.children() {
        match element.name() {
            "primitive" => found.push(element),
            "group" => found.extend(element.children_named("primitive")),
            _ => {}
        }
    }
    found
}

/// Adds the implicit connection resources of guest nodes to a document.
pub(crate) fn with_connections(document: &Element) -> Element {
    let mut connections = Vec::new();
    for primitive in primitives(document) {
        if primitive.child("meta_attributes").is_none() {
            continue;
        }
        let mut meta = meta(document, primitive);
        meta.set_default("remote-connect-timeout".into(), "60s");
        let (Some(name), Some(container)) = (meta.get("remote-node"), primitive.id()) else {
            continue;
        };
        let taken = document
            .at(&["configuration", "resources"])
            .is_some_and(|resources| resources.find_id(name).is_some());
        if !taken {
            connections.push(connection(name, container, &meta));
        }
    }
    let mut document = document.clone();
    if let (false, Some(resources)) =
        (connections.is_empty(), document.at_mut(&["configuration", "resources"]))
    {
        connections.into_iter().for_each(|connection| resources.push(connection));
    }
    document
}

/// Builds a connection resource.
pub(crate) fn connection(name: &str, container: &str, meta: &Pairs) -> Element {
    let pair = |id: String, name: &str, value: &str| {
        Element::new("nvpair").with("id", id).with("name", name).with("value", value)
    };
    let mut attributes =
        Element::new("meta_attributes").with("id", format!("{name}-meta_attributes"));
    attributes.push(pair(format!("{name}-internal"), "internal", "true"));
    attributes.push(pair(format!("{name}-container"), "container", container));
    if let Some(migrate) = meta.get("remote-allow-migrate") {
        attributes.push(pair(format!("{name}-migrate"), "allow-migrate", migrate));
    }
    if let Some(managed) = meta.get("is-managed") {
        attributes.push(pair(format!("{name}-managed"), "is-managed", managed));
    }
    let op = |task: &str, interval: &str, timeout: &str| {
        Element::new("op")
            .with("id", format!("{name}-{task}-interval-{interval}"))
            .with("name", task)
            .with("interval", interval)
            .with("timeout", timeout)
    };
    let mut operations = Element::new("operations").with_child(op("monitor", "30s", "30s"));
    if let Some(timeout) = meta.get("remote-connect-timeout") {
        operations.push(op("start", "0s", timeout));
    }
    let mut connection = Element::new("primitive")
        .with("id", name)
        .with("class", "ocf")
        .with("provider", "pacemaker")
        .with("type", "remote")
        .with_child(attributes)
        .with_child(operations);
    let (address, port) = (meta.get("remote-addr"), meta.get("remote-port"));
    if address.is_some() || port.is_some() {
        let mut parameters =
            Element::new("instance_attributes").with("id", format!("{name}-instance_attributes"));
        if let Some(address) = address {
            parameters.push(pair(format!("{name}-addr"), "addr", address));
        }
        if let Some(port) = port {
            parameters.push(pair(format!("{name}-port"), "port", port));
        }
        connection.push(parameters);
    }
    connection
}

/// Adds the nodes of remote connections and guests.
pub(crate) fn add_nodes(cluster: &mut Cluster) {
    let document = Arc::clone(&cluster.document);
    for primitive in primitives(&document) {
        let name = if primitive.get("class") == Some("ocf")
            && primitive.get("provider") == Some("pacemaker")
            && primitive.get("type") == Some("remote")
        {
            primitive.id().map(str::to_owned)
        } else {
            None
        };
        if let Some(name) = name {
            add_node(cluster, &name);
        }
    }
}

/// Adds a remote node unless there is one of that name or id, and returns it.
pub(crate) fn add_node(cluster: &mut Cluster, name: &str) -> NodeIx {
    let known = cluster.find_node(None, Some(name)).or_else(|| cluster.find_node(Some(name), None));
    if let Some(known) = known {
        return known;
    }
    let mut node = Node {
        id: name.to_owned(),
        name: name.to_owned(),
        remote: true,
        discovery: true,
        ..Node::default()
    };
    node.attributes.insert("#kind".to_owned(), "remote".to_owned());
    cluster.add_node(node)
}

/// Connects remote nodes with their connection resources, and those with their containers.
pub(crate) fn link(cluster: &mut Cluster) {
    for position in 0..cluster.resources.len() {
        let index = crate::index::ResourceIx::at(position);
        if cluster[index].removed {
            continue;
        }
        let id = cluster[index].id.clone();
        if let Some(node) = cluster.find_node(None, Some(&id))
            && cluster[node].remote
            && cluster[index].is_remote
        {
            cluster[node].connection = Some(index);
        }
        let container = cluster[index]
            .meta
            .get("container")
            .and_then(|name| cluster.resource_by_id.get(name))
            .copied();
        // (of a group, each member but the container itself)
        let is_filler = cluster[index].is_primitive() && cluster[index].container.is_none();
        if let Some(container) = container.filter(|container| is_filler && *container != index) {
            cluster[index].container = Some(container);
            if !cluster[container].fillers.contains(&index) {
                cluster[container].fillers.push(index);
            }
        }
        if let Some(node) = cluster.find_node(None, Some(&id))
            && cluster[node].remote
            && cluster[index].is_remote
        {
            let guest = cluster[index].container.is_some();
            let kind = if guest { "container" } else { "remote" };
            cluster[node].attributes.insert("#kind".into(), kind.into());
            if !guest {
                // like any node it is not trusted before it was seen; an entry without connection
                // is only a leftover
                let properties = &cluster.properties;
                cluster[node].unclean = properties.fencing && properties.startup_fencing;
                cluster[node].unseen = true;
            }
        }
    }
}

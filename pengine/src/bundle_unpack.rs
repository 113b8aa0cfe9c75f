//! Reads bundles from the document: makes containers, addresses, connections and their nodes.

use std::sync::Arc;

use cib::Element;
use model::Score;

use crate::bundle::{Bundle, Replica};
use crate::bundle_recipe::{Place, Recipe};
use crate::cluster::{Resource, Variant};
use crate::index::{NodeIx, ResourceIx};
use crate::ledger::{Cause, Cell};
use crate::plan::Level;
use crate::unpack::Unpacked;

/// What a bundled instance gets for its own node, before anything else counts.
const OWN_NODE: i64 = 500;

/// Adds a bundle and all that it implies.
pub(crate) fn add(unpacked: &mut Unpacked, xml: &Arc<Element>) -> Option<ResourceIx> {
    let recipe = read(unpacked, xml)?;
    let mut rsc = Resource::new(xml.id()?.to_owned(), Arc::clone(xml));
    rsc.variant = Variant::Bundle(Box::new(Bundle {
        replicas: Vec::new(),
        per_host: recipe.per_host(),
        child: None,
        image: recipe.image.clone(),
    }));
    let (meta, next) = unpacked.meta_of(&rsc);
    rsc.meta = meta;
    unpacked.interpret(&mut rsc);
    rsc.unique = recipe.per_host_wanted > 1;
    let bundle = unpacked.cluster.add_resource(rsc);
    if let Some(when) = next {
        unpacked.cluster.recheck(when);
    }
    let child = recipe
        .clone_element()
        .and_then(|element| unpacked.add(&Arc::new(element), Some(bundle), None));
    let instances = child.map_or_else(Vec::new, |child| unpacked.cluster[child].children.clone());
    if let Some(child) = child {
        adopt(unpacked, bundle, child, &instances);
    }
    let places = recipe.places();
    let mut replicas = Vec::new();
    for place in &places {
        let instance = instances.get(place.number).copied();
        replicas.push(replica(unpacked, bundle, &recipe, place, &places, instance)?);
    }
    let children = replicas.iter().flat_map(|replica| {
        [Some(replica.container), replica.ip, replica.remote].into_iter().flatten()
    });
    let children: Vec<ResourceIx> = children.chain(child).collect();
    let rsc = &mut unpacked.cluster[bundle];
    rsc.children = children;
    if let Variant::Bundle(own) = &mut rsc.variant {
        own.replicas = replicas;
        own.child = child;
    }
    unpacked.locate_by_default(bundle);
    unpacked.wanted_role(bundle);
    Some(bundle)
}

/// Reads a bundle's element and says what is wrong with it.
fn read(unpacked: &mut Unpacked, xml: &Element) -> Option<Recipe> {
    let id = xml.id().unwrap_or_default();
    let Some(mut recipe) = Recipe::read(xml) else {
        unpacked.cluster.say(
            Level::Error,
            format!("Bundle {id} is ignored because it has no container; add a `docker` or `podman` element to it"),
        );
        return None;
    };
    if let Some(inner) = recipe.inner().filter(|_| !recipe.reachable()) {
        unpacked.cluster.say(
            Level::Error,
            format!(
                "Bundle {id} is ignored because {} can't be reached inside it; give its network an `ip-range-start` or a `control-port`",
                inner.id().unwrap_or_default()
            ),
        );
        return None;
    }
    recipe.replicas = unpacked.instances(id, "replicas", recipe.replicas);
    if recipe.port_conflict() {
        unpacked.cluster.say(
            Level::Error,
            format!("Bundle {id} runs one replica a host because its `control-port` can be used only once there; give its network an `ip-range-start` or set `replicas-per-host` to 1"),
        );
    }
    Some(recipe)
}

/// Makes the clone inside and its instances parts of a bundle.
fn adopt(unpacked: &mut Unpacked, bundle: ResourceIx, child: ResourceIx, instances: &[ResourceIx]) {
    let cluster = &mut unpacked.cluster;
    for &instance in instances {
        // nobody looks for it but in its own container
        cluster[instance].exclusive_discovery = true;
        if cluster[instance].notify {
            cluster[child].notify = true;
        }
    }
    let name = "container-attribute-target";
    let target = instances.last().and_then(|last| cluster[*last].meta.get(name)).cloned();
    if let Some(target) = target {
        cluster[bundle].meta.insert(name.to_owned(), target.clone());
        cluster[child].meta.insert(name.to_owned(), target);
    }
}

/// Makes what belongs to one container.
fn replica(
    unpacked: &mut Unpacked,
    bundle: ResourceIx,
    recipe: &Recipe,
    place: &Place,
    places: &[Place],
    child: Option<ResourceIx>,
) -> Option<Replica> {
    let element = Arc::new(recipe.container_element(place, places));
    let container = unpacked.add(&element, Some(bundle), None)?;
    let ip = recipe
        .address_element(place)
        .and_then(|element| unpacked.add(&Arc::new(element), Some(bundle), None));
    let mut replica = Replica {
        number: place.number,
        address: place.address.clone(),
        container,
        ip,
        remote: None,
        child,
        node: None,
    };
    let Some(child) = child else { return Some(replica) };
    let name = node_name(unpacked, recipe, place, child);
    let node = node(unpacked, bundle, &name);
    confine(unpacked, child, node);
    let container_id = unpacked.cluster[container].id.clone();
    let element = Arc::new(recipe.connection_element(place, &name, &container_id));
    let remote = unpacked.add(&element, Some(bundle), None)?;
    for other in unpacked.scores.candidates(remote) {
        if unpacked.cluster[other].remote {
            let cause = Cause::BuiltIn("can't run on remote nodes");
            unpacked.locate(remote, other, Score::MINUS_INFINITY, cause);
        }
    }
    let cluster = &mut unpacked.cluster;
    // what runs inside takes of the host's capacity, as its container
    cluster[container].utilization = std::mem::take(&mut cluster[child].utilization);
    cluster[node].connection = Some(remote);
    if let Some(address) = &place.address {
        cluster[child].meta.insert("external-ip".to_owned(), address.clone());
    }
    replica.remote = Some(remote);
    replica.node = Some(node);
    Some(replica)
}

/// The name of a replica's node and connection: another one when a resource has the usual one.
fn node_name(unpacked: &mut Unpacked, recipe: &Recipe, place: &Place, child: ResourceIx) -> String {
    let cluster = &mut unpacked.cluster;
    let name = recipe.node_name(place);
    if !cluster.resources.iter().any(|other| other.parent.is_none() && other.id == name) {
        return name;
    }
    let other = format!("pcmk-internal-{}-remote-{}", cluster[child].id, place.number);
    cluster.say(
        Level::Warning,
        format!("A replica's node is called {other} because {name} is a resource; rename that"),
    );
    other
}

/// Finds or makes the node inside a container. Nothing but what is bundled runs there.
fn node(unpacked: &mut Unpacked, bundle: ResourceIx, name: &str) -> NodeIx {
    let node = crate::remote::add_node(&mut unpacked.cluster, name);
    unpacked.cluster[node].score = Score::MINUS_INFINITY;
    unpacked.cluster[node].exclusive = true;
    unpacked.cluster[node].attributes.insert("#kind".into(), "container".into());
    // resources read before took it for an ordinary node; so did this bundle's container and
    // address, which are looked for there then
    let cause = unpacked.scores.ledger.cause(Cause::NodeScore);
    for position in 0..unpacked.cluster.resources.len() {
        let rsc = ResourceIx::at(position);
        let own = unpacked.cluster.uppermost(rsc, true) == bundle;
        if unpacked.scores.allowed(rsc, node) && !own {
            let banned = unpacked.scores.ledger.begin(Score::MINUS_INFINITY, cause);
            unpacked.scores.set(rsc, node, banned);
        }
    }
    node
}

/// Lets an instance run in its own container only.
fn confine(unpacked: &mut Unpacked, child: ResourceIx, node: NodeIx) {
    let own = Cause::BuiltIn("its own container");
    unpacked.scores.replace(child, Vec::new());
    unpacked.scores.add(child, node, Score::new(OWN_NODE), own);
    if let Some(clone) = unpacked.cluster[child].parent {
        unpacked.scores.set(clone, node, Cell::EMPTY);
        unpacked.scores.add(clone, node, Score::MINUS_INFINITY, Cause::NodeScore);
    }
}

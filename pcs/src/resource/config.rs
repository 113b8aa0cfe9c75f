//! What is configured, as values that show themselves as text, JSON or commands.

use cib::Element;
use serde::Serialize;

use super::{is_clone, is_stonith, members};
use crate::agent::AgentName;
use crate::nvset::SetView;

/// All resources of a document, or some of them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Resources {
    /// Primitives, wherever they stand.
    pub primitives: Vec<PrimitiveView>,
    /// Clones.
    pub clones: Vec<CloneView>,
    /// Groups.
    pub groups: Vec<GroupView>,
    /// Bundles.
    pub bundles: Vec<BundleView>,
}

/// A primitive.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PrimitiveView {
    /// Its id.
    pub id: String,
    /// Its agent.
    pub agent_name: AgentName,
    /// What somebody wrote about it.
    pub description: Option<String>,
    /// Its operations.
    pub operations: Vec<OperationView>,
    /// Its meta attributes.
    pub meta_attributes: Vec<SetView>,
    /// Its parameters.
    pub instance_attributes: Vec<SetView>,
    /// What it uses.
    pub utilization: Vec<SetView>,
}

/// An operation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct OperationView {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its interval.
    pub interval: String,
    /// What somebody wrote about it.
    pub description: Option<String>,
    /// How long to wait before the first time.
    pub start_delay: Option<String>,
    /// From when intervals are counted.
    pub interval_origin: Option<String>,
    /// How long it may take.
    pub timeout: Option<String>,
    /// Whether it takes place.
    pub enabled: Option<bool>,
    /// Whether it is recorded while it runs.
    pub record_pending: Option<bool>,
    /// In which role.
    pub role: Option<String>,
    /// What happens when it fails.
    pub on_fail: Option<String>,
    /// Its meta attributes.
    pub meta_attributes: Vec<SetView>,
    /// Its parameters.
    pub instance_attributes: Vec<SetView>,
}

/// A clone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CloneView {
    /// Its id.
    pub id: String,
    /// What somebody wrote about it.
    pub description: Option<String>,
    /// What is cloned.
    pub member_id: String,
    /// Its meta attributes.
    pub meta_attributes: Vec<SetView>,
    /// Its parameters.
    pub instance_attributes: Vec<SetView>,
}

/// A group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct GroupView {
    /// Its id.
    pub id: String,
    /// What somebody wrote about it.
    pub description: Option<String>,
    /// Its members in order.
    pub member_ids: Vec<String>,
    /// Its meta attributes.
    pub meta_attributes: Vec<SetView>,
    /// Its parameters.
    pub instance_attributes: Vec<SetView>,
}

/// A bundle.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct BundleView {
    /// Its id.
    pub id: String,
    /// What somebody wrote about it.
    pub description: Option<String>,
    /// The resource in it.
    pub member_id: Option<String>,
    /// What runs the container.
    pub container_type: Option<String>,
    /// The container.
    pub container_options: Option<ContainerView>,
    /// Its network.
    pub network: Option<NetworkView>,
    /// Ports of it.
    pub port_mappings: Vec<PortView>,
    /// Its storage.
    pub storage_mappings: Vec<StorageView>,
    /// Its meta attributes.
    pub meta_attributes: Vec<SetView>,
    /// Its parameters.
    pub instance_attributes: Vec<SetView>,
}

/// What a container is made of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ContainerView {
    /// The image.
    pub image: String,
    /// How many at once.
    pub replicas: Option<u64>,
    /// How many on one host.
    pub replicas_per_host: Option<u64>,
    /// How many promoted.
    pub promoted_max: Option<u64>,
    /// What runs in it.
    pub run_command: Option<String>,
    /// Its network mode.
    pub network: Option<String>,
    /// Further options.
    pub options: Option<String>,
}

/// The network of a bundle.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct NetworkView {
    /// The first address.
    pub ip_range_start: Option<String>,
    /// The port of the executor inside.
    pub control_port: Option<u64>,
    /// The host's interface.
    pub host_interface: Option<String>,
    /// The host's netmask.
    pub host_netmask: Option<u64>,
    /// Whether hosts entries are made.
    pub add_host: Option<bool>,
}

/// A port of a bundle.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PortView {
    /// Its id.
    pub id: String,
    /// The port outside.
    pub port: Option<u64>,
    /// The port inside.
    pub internal_port: Option<u64>,
    /// A range of ports.
    pub range: Option<String>,
}

/// Storage of a bundle.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct StorageView {
    /// Its id.
    pub id: String,
    /// The directory outside.
    pub source_dir: Option<String>,
    /// The directory outside, one a replica.
    pub source_dir_root: Option<String>,
    /// The directory inside.
    pub target_dir: String,
    /// How it is mounted.
    pub options: Option<String>,
}

fn owned(element: &Element, key: &str) -> Option<String> {
    element.get(key).map(str::to_owned)
}

fn number(element: &Element, key: &str) -> Option<u64> {
    element.get(key).and_then(|text| text.parse().ok())
}

fn truth(element: &Element, key: &str) -> Option<bool> {
    element.get(key).map(crate::options::is_true)
}

impl PrimitiveView {
    /// Reads a `<primitive>`.
    pub fn of(element: &Element) -> Self {
        Self {
            id: owned(element, "id").unwrap_or_default(),
            agent_name: AgentName::of(element),
            description: owned(element, "description"),
            operations: element
                .children_named("operations")
                .flat_map(|list| list.children_named("op"))
                .map(OperationView::of)
                .collect(),
            meta_attributes: SetView::all(element, "meta_attributes"),
            instance_attributes: SetView::all(element, "instance_attributes"),
            utilization: SetView::all(element, "utilization"),
        }
    }
}

impl OperationView {
    fn of(element: &Element) -> Self {
        Self {
            id: owned(element, "id").unwrap_or_default(),
            name: owned(element, "name").unwrap_or_default(),
            interval: owned(element, "interval").unwrap_or_default(),
            description: owned(element, "description"),
            start_delay: owned(element, "start-delay"),
            interval_origin: owned(element, "interval-origin"),
            timeout: owned(element, "timeout"),
            enabled: truth(element, "enabled"),
            record_pending: truth(element, "record-pending"),
            role: owned(element, "role"),
            on_fail: owned(element, "on-fail"),
            meta_attributes: SetView::all(element, "meta_attributes"),
            instance_attributes: SetView::all(element, "instance_attributes"),
        }
    }
}

impl CloneView {
    /// Reads a `<clone>`.
    pub fn of(element: &Element) -> Self {
        Self {
            id: owned(element, "id").unwrap_or_default(),
            description: owned(element, "description"),
            member_id: members(element).next().and_then(Element::id).unwrap_or_default().to_owned(),
            meta_attributes: SetView::all(element, "meta_attributes"),
            instance_attributes: SetView::all(element, "instance_attributes"),
        }
    }
}

impl GroupView {
    /// Reads a `<group>`.
    pub fn of(element: &Element) -> Self {
        Self {
            id: owned(element, "id").unwrap_or_default(),
            description: owned(element, "description"),
            member_ids: members(element).filter_map(|m| owned(m, "id")).collect(),
            meta_attributes: SetView::all(element, "meta_attributes"),
            instance_attributes: SetView::all(element, "instance_attributes"),
        }
    }
}

/// What runs containers.
pub(crate) const CONTAINERS: [&str; 3] = ["docker", "podman", "rkt"];

impl BundleView {
    /// Reads a `<bundle>`.
    pub fn of(element: &Element) -> Self {
        let container = element.children().find(|c| CONTAINERS.contains(&c.name()));
        let network = element.child("network");
        let storage = element.child("storage");
        Self {
            id: owned(element, "id").unwrap_or_default(),
            description: owned(element, "description"),
            member_id: members(element).next().and_then(|m| owned(m, "id")),
            container_type: container.map(|c| c.name().to_owned()),
            container_options: container.map(|c| ContainerView {
                image: owned(c, "image").unwrap_or_default(),
                replicas: number(c, "replicas"),
                replicas_per_host: number(c, "replicas-per-host"),
                promoted_max: number(c, "promoted-max").or_else(|| number(c, "masters")),
                run_command: owned(c, "run-command"),
                network: owned(c, "network"),
                options: owned(c, "options"),
            }),
            network: network.map(|n| NetworkView {
                ip_range_start: owned(n, "ip-range-start"),
                control_port: number(n, "control-port"),
                host_interface: owned(n, "host-interface"),
                host_netmask: number(n, "host-netmask"),
                add_host: truth(n, "add-host"),
            }),
            port_mappings: network
                .into_iter()
                .flat_map(|n| n.children_named("port-mapping"))
                .map(|p| PortView {
                    id: owned(p, "id").unwrap_or_default(),
                    port: number(p, "port"),
                    internal_port: number(p, "internal-port"),
                    range: owned(p, "range"),
                })
                .collect(),
            storage_mappings: storage
                .into_iter()
                .flat_map(|s| s.children_named("storage-mapping"))
                .map(|s| StorageView {
                    id: owned(s, "id").unwrap_or_default(),
                    source_dir: owned(s, "source-dir"),
                    source_dir_root: owned(s, "source-dir-root"),
                    target_dir: owned(s, "target-dir").unwrap_or_default(),
                    options: owned(s, "options"),
                })
                .collect(),
            meta_attributes: SetView::all(element, "meta_attributes"),
            instance_attributes: SetView::all(element, "instance_attributes"),
        }
    }
}

impl Resources {
    /// Reads all resources of a document.
    pub fn of(cib: &Element) -> Self {
        let mut all = Self::default();
        if let Some(resources) = cib.at(&["configuration", "resources"]) {
            // primitives are listed as they hang: bundles, groups and clones are walked in turn
            for element in resources.children() {
                all.add(element);
            }
        }
        all
    }

    fn add(&mut self, element: &Element) {
        match element.name() {
            "primitive" => self.primitives.push(PrimitiveView::of(element)),
            "group" => self.groups.push(GroupView::of(element)),
            "bundle" => self.bundles.push(BundleView::of(element)),
            _ if is_clone(element) => self.clones.push(CloneView::of(element)),
            _ => return,
        }
        for member in members(element) {
            self.add(member);
        }
    }

    /// Keeps fence devices only, or everything else only.
    pub fn filtered(mut self, stonith: bool) -> Self {
        self.primitives.retain(|p| p.agent_name.is_stonith() == stonith);
        if stonith {
            self.clones.clear();
            self.groups.clear();
            self.bundles.clear();
        }
        self
    }

    /// Keeps these resources with what is in them; also returns which ids were not found.
    pub fn restricted(&self, ids: &[String]) -> (Self, Vec<String>) {
        let mut kept = Self::default();
        let mut missing = Vec::new();
        for id in ids {
            if !self.keep(id, &mut kept) {
                missing.push(id.clone());
            }
        }
        (kept, missing)
    }

    fn keep(&self, id: &str, kept: &mut Self) -> bool {
        if let Some(primitive) = self.primitives.iter().find(|p| p.id == id) {
            if !kept.primitives.iter().any(|p| p.id == id) {
                kept.primitives.push(primitive.clone());
            }
        } else if let Some(group) = self.groups.iter().find(|g| g.id == id) {
            if !kept.groups.iter().any(|g| g.id == id) {
                kept.groups.push(group.clone());
            }
            for member in &group.member_ids {
                self.keep(member, kept);
            }
        } else if let Some(clone) = self.clones.iter().find(|c| c.id == id) {
            if !kept.clones.iter().any(|c| c.id == id) {
                kept.clones.push(clone.clone());
            }
            self.keep(&clone.member_id, kept);
        } else if let Some(bundle) = self.bundles.iter().find(|b| b.id == id) {
            if !kept.bundles.iter().any(|b| b.id == id) {
                kept.bundles.push(bundle.clone());
            }
            if let Some(member) = &bundle.member_id {
                self.keep(member, kept);
            }
        } else {
            return false;
        }
        true
    }

    /// Sorts primitives by their ids.
    pub fn sort(&mut self) {
        self.primitives.sort_by(|a, b| a.id.cmp(&b.id));
    }

    /// Says whether there is nothing.
    pub fn is_empty(&self) -> bool {
        self.primitives.is_empty()
            && self.groups.is_empty()
            && self.clones.is_empty()
            && self.bundles.is_empty()
    }
}

/// Says whether a document has a fence device.
pub fn has_stonith(cib: &Element) -> bool {
    super::primitives(cib).any(is_stonith)
}

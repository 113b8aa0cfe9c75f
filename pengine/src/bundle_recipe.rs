//! What a bundle's element asks for, and the resources that it implies, as elements.
//!
//! Every path and option here is digested with the resource's parameters: another text would
//! restart running containers.

use std::net::Ipv4Addr;

use cib::Element;

use crate::bundle::Launcher;
use crate::bundle_remote::HOST_MARK;
use crate::rules::Pairs;
use crate::values;

/// The port on which the executor in a container listens unless the bundle says otherwise.
const DEFAULT_PORT: &str = "3121";
const KEY_FILE: &str = "/etc/pacemaker/authkey";
const LOG_DIRECTORY: &str = "/var/log/pacemaker/bundles";
const EXECUTOR: &str = "/usr/sbin/pacemaker-remoted";

/// A directory or file of the host inside the container.
#[derive(Clone, Debug)]
struct Mount {
    source: String,
    target: String,
    options: Option<String>,
    /// Each replica has a directory of its own below the source.
    own_directory: bool,
}

/// A port of the host inside the container.
#[derive(Clone, Debug)]
struct Port {
    source: String,
    target: String,
}

/// A replica's number and address.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    pub(crate) number: usize,
    pub(crate) address: Option<String>,
}

/// What a bundle's element asks for.
#[derive(Clone, Debug)]
pub(crate) struct Recipe {
    name: String,
    pub(crate) launcher: Launcher,
    pub(crate) image: String,
    pub(crate) replicas: usize,
    /// As written; with a control port alone, only one container a host can listen on it.
    pub(crate) per_host_wanted: usize,
    pub(crate) promoted_max: usize,
    command: Option<String>,
    options: Option<String>,
    network: Option<String>,
    first_address: Option<String>,
    netmask: Option<String>,
    interface: Option<String>,
    control_port: Option<String>,
    add_host: bool,
    mounts: Vec<Mount>,
    ports: Vec<Port>,
    /// The primitive inside.
    inner: Option<Element>,
}

impl Recipe {
    /// Reads a bundle's element; none when it names no launcher.
    pub(crate) fn read(xml: &Element) -> Option<Self> {
        let (launcher, how) = Launcher::ALL
            .into_iter()
            .find_map(|launcher| Some((launcher, xml.child(launcher.name())?)))?;
        let text = |element: &Element, name: &str| element.get(name).map(str::to_owned);
        let count = |names: &[&str], default: usize, least: usize| {
            names
                .iter()
                .find_map(|name| how.get(name))
                .map_or(Some(default), |text| {
                    values::number(text).map(|number| usize::try_from(number).unwrap_or(0))
                })
                .unwrap_or(default)
                .max(least)
        };
        let promoted_max = count(&["promoted-max", "masters"], 0, 0);
        let empty = Element::new("network");
        let network = xml.child("network").unwrap_or(&empty);
        let storage = xml.child("storage").into_iter().flat_map(Element::children);
        Some(Self {
            name: xml.id()?.to_owned(),
            launcher,
            image: how.get("image").unwrap_or_default().to_owned(),
            replicas: count(&["replicas"], promoted_max, 1),
            per_host_wanted: count(&["replicas-per-host"], 1, 1),
            promoted_max,
            command: text(how, "run-command"),
            options: text(how, "options"),
            network: text(how, "network"),
            first_address: text(network, "ip-range-start"),
            netmask: text(network, "host-netmask"),
            interface: text(network, "host-interface"),
            control_port: text(network, "control-port"),
            add_host: network.get("add-host").is_none_or(|t| values::truth(Some(t))),
            mounts: storage.filter_map(Mount::read).collect(),
            ports: network.children_named("port-mapping").filter_map(Port::read).collect(),
            inner: xml.child("primitive").cloned(),
        })
    }

    /// The primitive inside.
    pub(crate) fn inner(&self) -> Option<&Element> {
        self.inner.as_ref()
    }

    /// Tells whether the executor inside can be reached: by an address or a port of its own.
    pub(crate) fn reachable(&self) -> bool {
        self.first_address.is_some() || self.control_port.is_some()
    }

    /// Tells whether replicas would fight for the control port of a host.
    pub(crate) fn port_conflict(&self) -> bool {
        self.inner.is_some()
            && self.first_address.is_none()
            && self.control_port.is_some()
            && self.per_host_wanted > 1
    }

    /// How many replicas may run on one host.
    pub(crate) fn per_host(&self) -> usize {
        if self.port_conflict() { 1 } else { self.per_host_wanted }
    }

    /// Numbers and addresses of all replicas.
    pub(crate) fn places(&self) -> Vec<Place> {
        let mut last: Option<String> = None;
        (0..self.replicas)
            .map(|number| {
                let address = self.first_address.as_ref().and_then(|first| match &last {
                    None => Some(first.clone()),
                    Some(last) => following(last),
                });
                last.clone_from(&address);
                Place { number, address }
            })
            .collect()
    }

    /// The clone made of the primitive inside.
    pub(crate) fn clone_element(&self) -> Option<Element> {
        let inner = self.inner.as_ref()?;
        let kind = if self.promoted_max > 0 { "master" } else { "clone" };
        let id = format!("{}-{kind}", self.name);
        let mut meta = vec![
            ("ordered", "true".to_owned()),
            ("clone-max", self.replicas.to_string()),
            ("clone-node-max", self.per_host().to_string()),
            ("globally-unique", (self.per_host() > 1).to_string()),
        ];
        if self.promoted_max > 0 {
            meta.push(("promotable", "true".to_owned()));
            meta.push(("promoted-max", self.promoted_max.to_string()));
        }
        let set = nvpairs("meta_attributes", &format!("{id}-meta"), &meta);
        Some(Element::new("clone").with("id", id).with_child(set).with_child(inner.clone()))
    }

    /// The resource that runs a replica's container.
    pub(crate) fn container_element(&self, place: &Place, all: &[Place]) -> Element {
        let id = sanitized(&format!("{}-{}-{}", self.name, self.launcher.name(), place.number));
        let (volumes, directories) = self.volumes(place);
        let mut parameters = vec![
            ("image", self.image.clone()),
            ("allow_pull", "true".to_owned()),
            ("force_kill", "false".to_owned()),
            ("reuse", "false".to_owned()),
            ("run_opts", self.run_options(place, all, &volumes)),
            ("mount_points", directories),
        ];
        let default = self.inner.is_some().then(|| EXECUTOR.to_owned());
        if let Some(command) = self.command.clone().or(default) {
            parameters.push(("run_cmd", command));
        }
        // what runs inside has monitors of its own
        parameters.push(("monitor_cmd", "/bin/true".to_owned()));
        implicit(&id, self.launcher.name(), &self.attributes_id(place), &parameters)
    }

    /// The resource that brings a replica's address up.
    pub(crate) fn address_element(&self, place: &Place) -> Option<Element> {
        let address = place.address.as_ref()?;
        let id = sanitized(&format!("{}-ip-{address}", self.name));
        let mut parameters = vec![("ip", address.clone())];
        if let Some(interface) = &self.interface {
            parameters.push(("nic", interface.clone()));
        }
        let netmask = self.netmask.clone().unwrap_or_else(|| "32".to_owned());
        parameters.push(("cidr_netmask", netmask));
        Some(implicit(&id, "IPaddr2", &self.attributes_id(place), &parameters))
    }

    /// The usual name of a replica's node.
    pub(crate) fn node_name(&self, place: &Place) -> String {
        format!("{}-{}", self.name, place.number)
    }

    /// The connection to the executor in a replica's container. Without an address of its own it
    /// is found at the container's host, once that is known.
    pub(crate) fn connection_element(&self, place: &Place, name: &str, container: &str) -> Element {
        let address = place.address.clone().unwrap_or_else(|| HOST_MARK.to_owned());
        let meta: Pairs = [
            ("remote-addr".to_owned(), address),
            ("remote-port".to_owned(), self.port().to_owned()),
        ]
        .into();
        crate::remote::connection(name, container, &meta)
    }

    fn port(&self) -> &str {
        self.control_port.as_deref().unwrap_or(DEFAULT_PORT)
    }

    fn attributes_id(&self, place: &Place) -> String {
        format!("{}-attributes-{}", self.name, place.number)
    }

    fn run_options(&self, place: &Place, all: &[Place], volumes: &str) -> String {
        let rkt = self.launcher == Launcher::Rkt;
        let mut text = String::new();
        if self.launcher == Launcher::Docker {
            text.push_str(" --restart=no");
        }
        if self.first_address.is_some() {
            // programs that bind to their address want a name for it
            let option = if rkt { "--hostname=" } else { "-h " };
            text.push_str(&format!(" {option}{}-{}", self.name, place.number));
        }
        let environment = if rkt { "--environment=" } else { "-e " };
        text.push_str(&format!(" {environment}PCMK_stderr=1"));
        if let Some(network) = &self.network {
            text.push_str(&format!(" --net={network}"));
        }
        text.push_str(&format!(" {environment}PCMK_remote_port={}", self.port()));
        text.push_str(volumes);
        text.push_str(&self.port_options(place));
        if let Some(options) = &self.options {
            text.push_str(&format!(" {options}"));
        }
        text.push(' ');
        for other in all {
            let Some(address) = &other.address else { continue };
            let name = self.node_name(other);
            if self.add_host && !rkt {
                text.push_str(&format!(" --add-host={name}:{address}"));
            } else {
                text.push_str(&format!(" --hosts-entry={address}={name}"));
            }
        }
        text
    }

    /// The options for mounts, and the list of the replica's own directories.
    fn volumes(&self, place: &Place) -> (String, String) {
        let mut mounts = self.mounts.clone();
        if self.inner.is_some() {
            // the executor needs its key, and its log outlives the container
            mounts.push(Mount::plain(KEY_FILE, KEY_FILE));
            mounts.push(Mount { own_directory: true, ..Mount::plain(LOG_DIRECTORY, "/var/log") });
        }
        let mut directories = Vec::new();
        let mut text = String::new();
        for (number, mount) in mounts.iter().enumerate() {
            let source = if mount.own_directory {
                let own = format!("{}/{}-{}", mount.source, self.name, place.number);
                directories.push(own.clone());
                own
            } else {
                mount.source.clone()
            };
            let options = |sign: char| {
                mount.options.as_ref().map_or(String::new(), |options| format!("{sign}{options}"))
            };
            let target = &mount.target;
            text.push_str(&match self.launcher {
                Launcher::Docker | Launcher::Podman => {
                    format!(" -v {source}:{target}{}", options(':'))
                }
                Launcher::Rkt => format!(
                    " --volume vol{number},kind=host,source={source}{} --mount volume=vol{number},target={target}",
                    options(',')
                ),
            });
        }
        (text, directories.join(","))
    }

    fn port_options(&self, place: &Place) -> String {
        let control = self
            .inner
            .as_ref()
            .map(|_| Port { source: self.port().to_owned(), target: self.port().to_owned() });
        let mut text = String::new();
        for Port { source, target } in self.ports.iter().chain(&control) {
            text.push_str(&match (self.launcher, &place.address) {
                (Launcher::Docker | Launcher::Podman, Some(address)) => {
                    format!(" -p {address}:{source}:{target}")
                }
                (Launcher::Docker | Launcher::Podman, None) => {
                    if self.network.as_deref() == Some("host") {
                        // it has the host's ports anyway
                        continue;
                    }
                    format!(" -p {source}:{target}")
                }
                (Launcher::Rkt, Some(address)) => format!(" --port={target}:{address}:{source}"),
                (Launcher::Rkt, None) => format!(" --port={target}:{source}"),
            });
        }
        text
    }
}

impl Mount {
    fn plain(source: &str, target: &str) -> Self {
        Self {
            source: source.to_owned(),
            target: target.to_owned(),
            options: None,
            own_directory: false,
        }
    }

    fn read(element: &Element) -> Option<Self> {
        if element.name() != "storage-mapping" {
            return None;
        }
        let own_directory = element.get("source-dir").is_none();
        let source = element.get("source-dir").or_else(|| element.get("source-dir-root"))?;
        Some(Self {
            source: source.to_owned(),
            target: element.get("target-dir")?.to_owned(),
            options: element.get("options").map(str::to_owned),
            own_directory,
        })
    }
}

impl Port {
    fn read(element: &Element) -> Option<Self> {
        let (source, target) = match element.get("port") {
            Some(port) => (port, element.get("internal-port").unwrap_or(port)),
            None => {
                let range = element.get("range")?;
                (range, range)
            }
        };
        (!source.is_empty()).then(|| Self { source: source.to_owned(), target: target.to_owned() })
    }
}

/// The address after one; networks end before `.255`, and only IPv4 can be counted up.
fn following(address: &str) -> Option<String> {
    let [a, b, c, d] = address.parse::<Ipv4Addr>().ok()?.octets();
    if c > 253 {
        None
    } else if d > 253 {
        Some(Ipv4Addr::new(a, b, c + 1, 1).to_string())
    } else {
        Some(Ipv4Addr::new(a, b, c, d + 1).to_string())
    }
}

/// An id without what XML forbids in one.
fn sanitized(id: &str) -> String {
    id.replace([':', '#'], ".")
}

fn nvpairs(name: &str, id: &str, pairs: &[(&str, String)]) -> Element {
    let mut set = Element::new(name).with("id", id);
    for (name, value) in pairs {
        set.push(
            Element::new("nvpair")
                .with("id", format!("{id}-{name}"))
                .with("name", *name)
                .with("value", value.as_str()),
        );
    }
    set
}

/// A primitive that nobody configured, monitored every minute.
fn implicit(id: &str, agent: &str, set_id: &str, parameters: &[(&str, String)]) -> Element {
    let monitor = Element::new("op")
        .with("id", format!("{id}-monitor-60s"))
        .with("name", "monitor")
        .with("interval", "60s");
    Element::new("primitive")
        .with("id", id)
        .with("class", "ocf")
        .with("provider", "heartbeat")
        .with("type", agent)
        .with_child(nvpairs("instance_attributes", set_id, parameters))
        .with_child(Element::new("operations").with_child(monitor))
}

#[cfg(test)]
mod tests {
    use super::{Recipe, following};

    fn recipe(xml: &str) -> Recipe {
        Recipe::read(&cib::parse(xml).unwrap()).unwrap()
    }

    #[test]
    fn addresses_skip_the_ends_of_networks() {
        assert_eq!(following("10.0.0.7").as_deref(), Some("10.0.0.8"));
        assert_eq!(following("10.0.0.254").as_deref(), Some("10.0.1.1"));
        assert_eq!(following("10.0.254.1"), None);
        assert_eq!(following("fe80::1"), None);
    }

    #[test]
    fn a_control_port_allows_one_replica_a_host() {
        let text = "<bundle id='b'><podman image='i' replicas-per-host='2'/>\
                    <network control-port='99'/><primitive id='p'/></bundle>";
        let recipe = recipe(text);
        assert!(recipe.port_conflict());
        assert_eq!((recipe.per_host(), recipe.per_host_wanted), (1, 2));
    }

    #[test]
    fn as_many_replicas_as_can_be_promoted() {
        let recipe = recipe("<bundle id='b'><docker image='i' masters='3'/></bundle>");
        assert_eq!(recipe.replicas, 3);
        assert!(recipe.clone_element().is_none(), "nothing runs inside");
    }

    #[test]
    fn options_of_each_launcher() {
        let options = |launcher: &str| {
            let text = format!(
                "<bundle id='b'><{launcher} image='i' options='--x'/>\
                 <network ip-range-start='10.0.0.1'><port-mapping port='80' internal-port='8'/>\
                 </network><storage><storage-mapping source-dir-root='/s' target-dir='/t' \
                 options='rw'/></storage></bundle>"
            );
            let recipe = recipe(&text);
            let places = recipe.places();
            let element = recipe.container_element(&places[0], &places);
            let value = |name: &str| {
                element
                    .descendants()
                    .find(|pair| pair.get("name") == Some(name))
                    .and_then(|pair| pair.get("value"))
                    .map(str::to_owned)
            };
            assert_eq!(value("mount_points").as_deref(), Some("/s/b-0"));
            assert_eq!(value("run_cmd"), None, "the image knows what to run");
            value("run_opts").unwrap()
        };
        assert_eq!(
            options("docker"),
            " --restart=no -h b-0 -e PCMK_stderr=1 -e PCMK_remote_port=3121 -v /s/b-0:/t:rw \
             -p 10.0.0.1:80:8 --x  --add-host=b-0:10.0.0.1"
        );
        assert_eq!(
            options("rkt"),
            " --hostname=b-0 --environment=PCMK_stderr=1 --environment=PCMK_remote_port=3121 \
             --volume vol0,kind=host,source=/s/b-0,rw --mount volume=vol0,target=/t \
             --port=8:10.0.0.1:80 --x  --hosts-entry=10.0.0.1=b-0"
        );
    }
}

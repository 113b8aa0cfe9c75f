//! What a corosync.conf means: checked values with their defaults.

use std::collections::BTreeMap;
use std::net::IpAddr;

use model::{NodeId, NodeName};

use super::document::{Document, Section};
use super::known;
use super::problem::{ConfError, Problem, Severity};

/// Links a node may have, as with corosync's knet.
pub const LINKS_MAX: u8 = 8;

/// UDP port of the first link when no `mcastport` is given; link N uses this plus N, as knet does.
pub const MCAST_PORT_DEFAULT: u16 = 5405;

/// corosync's `last_man_standing_window` in milliseconds.
const LAST_MAN_STANDING_WINDOW_MS: u64 = 10_000;

/// A checked corosync.conf.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conf {
    /// Name of the file in messages.
    pub file: String,
    /// Section totem.
    pub totem: TotemSettings,
    /// Section nodelist, in order of node number.
    pub nodes: BTreeMap<NodeId, NodeEntry>,
    /// Section quorum.
    pub quorum: QuorumSettings,
    /// Section logging.
    pub logging: LogSettings,
    /// What somebody should look at though the file is used.
    pub warnings: Vec<Problem>,
    /// The file itself, to edit and write again.
    pub document: Document,
}

/// How packets travel. All three are sealed unicast UDP here; the names are kept for the tools.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Transport {
    /// Up to eight links.
    #[default]
    Knet,
    /// One link.
    Udpu,
    /// One link; corosync would use multicast.
    Udp,
}

impl Transport {
    /// Returns the word in corosync.conf.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Knet => "knet",
            Self::Udpu => "udpu",
            Self::Udp => "udp",
        }
    }
}

/// Which links carry data; heartbeats take all of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LinkMode {
    /// The best live link.
    #[default]
    Passive,
    /// All live links.
    Active,
    /// One after another.
    RoundRobin,
}

/// Which addresses of a host name to take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IpVersion {
    /// Only IPv4.
    V4,
    /// Only IPv6.
    V6,
    /// IPv4, else IPv6.
    V4ThenV6,
    /// IPv6, else IPv4.
    V6ThenV4,
}

/// Section totem.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TotemSettings {
    /// `cluster_name`.
    pub cluster_name: Option<String>,
    /// `cluster_uuid`.
    pub cluster_uuid: Option<String>,
    /// `config_version`.
    pub config_version: u64,
    /// `transport`.
    pub transport: Transport,
    /// `token` in milliseconds, if given.
    pub token_ms: Option<u64>,
    /// `token_coefficient` in milliseconds, if given.
    pub token_coefficient_ms: Option<u64>,
    /// `consensus` in milliseconds, if given.
    pub consensus_ms: Option<u64>,
    /// `link_mode`.
    pub link_mode: LinkMode,
    /// `ip_version`.
    pub ip_version: IpVersion,
    /// `crypto_cipher`, if given.
    pub crypto_cipher: Option<String>,
    /// `crypto_hash`, if given.
    pub crypto_hash: Option<String>,
    /// `keyfile`, if given.
    pub keyfile: Option<String>,
    /// The interface sections by link number.
    pub interfaces: BTreeMap<u8, Interface>,
}

/// Section interface of totem.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Interface {
    /// `mcastport`, if given.
    pub port: Option<u16>,
    /// `knet_link_priority`.
    pub priority: u8,
    /// `bindnetaddr`, if given.
    pub bind_net: Option<String>,
    /// Its line.
    pub line: u32,
}

/// Section node of nodelist.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeEntry {
    /// `nodeid`.
    pub id: NodeId,
    /// `name`, else the address of its first link.
    pub name: NodeName,
    /// `ringN_addr` by link number: addresses or host names.
    pub addresses: BTreeMap<u8, String>,
    /// `quorum_votes`.
    pub votes: u32,
    /// Its line.
    pub line: u32,
}

/// `auto_tie_breaker_node`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum TieBreaker {
    /// The half with the lowest node goes on.
    #[default]
    Lowest,
    /// The half with the highest node goes on.
    Highest,
    /// The half with the first of these that was in before the split.
    Listed(Vec<NodeId>),
}

/// Section quorum.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct QuorumSettings {
    /// Whether a provider is named; without one there is no vote and every view is quorate.
    pub provider: Option<String>,
    /// `expected_votes`, if given.
    pub expected_votes: Option<u32>,
    /// `two_node`.
    pub two_node: bool,
    /// `wait_for_all`, if given.
    pub wait_for_all: Option<bool>,
    /// `last_man_standing`.
    pub last_man_standing: bool,
    /// `last_man_standing_window` in milliseconds.
    pub last_man_standing_window_ms: u64,
    /// `auto_tie_breaker` with its node.
    pub auto_tie_breaker: Option<TieBreaker>,
    /// `allow_downscale`.
    pub allow_downscale: bool,
    /// Model of the device section, if there is one.
    pub device_model: Option<String>,
}

/// Section logging.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogSettings {
    /// `to_logfile`.
    pub to_logfile: bool,
    /// `logfile`.
    pub logfile: Option<String>,
    /// `to_syslog`.
    pub to_syslog: bool,
    /// `to_stderr`.
    pub to_stderr: bool,
    /// `debug` is on or trace.
    pub debug: bool,
}

/// Parses and checks a corosync.conf; `file` is its name in messages.
pub fn load(text: &str, file: &str) -> Result<Conf, ConfError> {
    Conf::from_document(Document::parse(text, file)?, file)
}

impl Conf {
    /// Checks a file that was parsed or made.
    pub fn from_document(document: Document, file: &str) -> Result<Self, ConfError> {
        let mut problems = Vec::new();
        known::check(&document.root, &mut problems);
        let totem = read_totem(&document, &mut problems);
        let nodes = read_nodes(&document, totem.transport, &mut problems);
        let quorum = read_quorum(&document, &nodes, &mut problems);
        let logging = read_logging(&document, &mut problems);
        problems.sort_by_key(|problem| (problem.line, problem.severity));
        if problems.iter().any(|problem| problem.severity == Severity::Error) {
            return Err(ConfError { file: file.to_owned(), problems });
        }
        let file = file.to_owned();
        Ok(Self { file, totem, nodes, quorum, logging, warnings: problems, document })
    }

    /// Returns the token that holds: the file's with its coefficient, else `default_ms` as it is.
    ///
    /// The coefficient is corosync's way to make room for a token that travels; heartbeats need
    /// none, so it counts only where the file asks for it.
    pub fn token_ms(&self, default_ms: u64) -> u64 {
        let base = self.totem.token_ms.unwrap_or(default_ms);
        let beyond_two = u64::try_from(self.nodes.len().saturating_sub(2)).unwrap_or(0);
        base + self.totem.token_coefficient_ms.unwrap_or(0).saturating_mul(beyond_two)
    }

    /// Returns the UDP port of a link.
    pub fn port(&self, link: u8) -> u16 {
        match self.totem.interfaces.get(&link).and_then(|interface| interface.port) {
            Some(port) => port,
            None => {
                let first = self.totem.interfaces.get(&0).and_then(|interface| interface.port);
                first.unwrap_or(MCAST_PORT_DEFAULT).saturating_add(u16::from(link))
            }
        }
    }

    /// Returns the links any node has an address on.
    pub fn links(&self) -> Vec<u8> {
        let mut links: Vec<u8> =
            self.nodes.values().flat_map(|node| node.addresses.keys().copied()).collect();
        links.sort_unstable();
        links.dedup();
        links
    }

    /// Finds a node by name.
    pub fn node_by_name(&self, name: &str) -> Option<&NodeEntry> {
        self.nodes.values().find(|node| node.name.as_str() == name)
    }

    /// Finds the node this machine is, by the rules of corosync.conf(5): the host name, its short
    /// form, a long form of it, else one of this machine's addresses.
    pub fn local_node(&self, host_name: &str, local: &[IpAddr]) -> Option<&NodeEntry> {
        let short = |name: &str| name.split('.').next().unwrap_or_default().to_owned();
        let host_short = short(host_name);
        let called = |test: &dyn Fn(&str) -> bool| {
            self.nodes.values().find(|node| {
                test(node.name.as_str()) || node.addresses.get(&0).is_some_and(|name| test(name))
            })
        };
        called(&|name| name == host_name)
            .or_else(|| called(&|name| name == host_short))
            .or_else(|| {
                called(&|name| name.parse::<IpAddr>().is_err() && short(name) == host_short)
            })
            .or_else(|| {
                self.nodes.values().find(|node| {
                    node.addresses.values().any(|address| {
                        address.parse().is_ok_and(|address: IpAddr| local.contains(&address))
                    })
                })
            })
    }

    /// Returns the lowest number no node has.
    pub fn free_node_id(&self) -> NodeId {
        let taken = |id: &u32| self.nodes.contains_key(&NodeId(*id));
        NodeId((1..=u32::MAX).find(|id| !taken(id)).unwrap_or(u32::MAX))
    }

    /// Returns a number that differs when what the nodes must agree on differs: who they are,
    /// where, how they vote. FNV-1a, so that all builds agree.
    pub fn digest(&self) -> u64 {
        let quorum = &self.quorum;
        let mut text = format!(
            "{:?} {:?} {} {:?} {} {:?} {}",
            self.totem.cluster_name,
            quorum.expected_votes,
            quorum.two_node,
            quorum.wait_for_all,
            quorum.last_man_standing,
            quorum.auto_tie_breaker,
            quorum.allow_downscale,
        );
        for node in self.nodes.values() {
            text.push_str(&format!(
                "\n{} {} {} {:?}",
                node.id, node.name, node.votes, node.addresses
            ));
        }
        text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
        })
    }
}

fn section<'a>(document: &'a Document, name: &str) -> Option<&'a Section> {
    document.section(name)
}

/// Reads a number that [`known::check`] has already judged.
fn number<T: std::str::FromStr>(section: Option<&Section>, key: &str) -> Option<T> {
    section?.get(key)?.parse().ok()
}

fn word(section: Option<&Section>, key: &str) -> Option<String> {
    section?.get(key).map(str::to_owned)
}

fn is_on(section: Option<&Section>, key: &str) -> bool {
    section
        .and_then(|section| section.get(key))
        .is_some_and(|value| matches!(value, "1" | "yes" | "on"))
}

fn read_totem(document: &Document, problems: &mut Vec<Problem>) -> TotemSettings {
    let totem = section(document, "totem");
    match totem {
        None => problems.push(Problem::error(
            None,
            "there is no section 'totem'; make the file with 'pcs cluster setup'",
        )),
        Some(totem) if totem.get("version").is_none() => {
            problems.push(Problem::error(totem.line, "totem lacks 'version: 2'"));
        }
        Some(_) => {}
    }
    let transport = match totem.and_then(|totem| totem.get("transport")) {
        Some("udpu") => Transport::Udpu,
        Some("udp") => Transport::Udp,
        _ => Transport::Knet,
    };
    let token = totem.and_then(|totem| totem.setting("token"));
    if let Some((token, value)) = token.and_then(|t| t.value.parse::<u64>().ok().map(|v| (t, v)))
        && (100..400).contains(&value)
    {
        problems.push(Problem::warning(
            token.line,
            format!("token is {value} ms, which three lost heartbeats exceed; 1000 is safer"),
        ));
    }
    let mut interfaces = BTreeMap::new();
    for section in totem.into_iter().flat_map(|totem| totem.sections("interface")) {
        let link: u8 = number(Some(section), "linknumber")
            .or_else(|| number(Some(section), "ringnumber"))
            .unwrap_or(0);
        let interface = Interface {
            port: number(Some(section), "mcastport"),
            priority: number(Some(section), "knet_link_priority").unwrap_or(1),
            bind_net: word(Some(section), "bindnetaddr"),
            line: section.line,
        };
        if let Some(first) = interfaces.insert(link, interface) {
            problems.push(Problem::error(
                section.line,
                format!(
                    "link {link} has a second interface section (the first is at line {}); give \
                     each its own linknumber",
                    first.line
                ),
            ));
        }
    }
    TotemSettings {
        cluster_name: word(totem, "cluster_name"),
        cluster_uuid: word(totem, "cluster_uuid"),
        config_version: number(totem, "config_version").unwrap_or(0),
        transport,
        token_ms: number(totem, "token"),
        token_coefficient_ms: number(totem, "token_coefficient"),
        consensus_ms: number(totem, "consensus"),
        link_mode: match totem.and_then(|totem| totem.get("link_mode")) {
            Some("active") => LinkMode::Active,
            Some("rr") => LinkMode::RoundRobin,
            _ => LinkMode::Passive,
        },
        ip_version: match totem.and_then(|totem| totem.get("ip_version")) {
            Some("ipv4") => IpVersion::V4,
            Some("ipv6") => IpVersion::V6,
            Some("ipv4-6") => IpVersion::V4ThenV6,
            _ => IpVersion::V6ThenV4,
        },
        crypto_cipher: word(totem, "crypto_cipher"),
        crypto_hash: word(totem, "crypto_hash"),
        keyfile: word(totem, "keyfile"),
        interfaces,
    }
}

fn read_nodes(
    document: &Document,
    transport: Transport,
    problems: &mut Vec<Problem>,
) -> BTreeMap<NodeId, NodeEntry> {
    let list = section(document, "nodelist");
    let mut nodes: BTreeMap<NodeId, NodeEntry> = BTreeMap::new();
    for section in list.into_iter().flat_map(|list| list.sections("node")) {
        let Some(id) = number::<u32>(Some(section), "nodeid") else {
            if section.get("nodeid").is_none() {
                problems.push(Problem::error(
                    section.line,
                    "this node has no nodeid; give each node its own, as in 'nodeid: 1'",
                ));
            }
            continue;
        };
        let addresses: BTreeMap<u8, String> = (0..LINKS_MAX)
            .filter_map(|link| Some((link, word(Some(section), &format!("ring{link}_addr"))?)))
            .collect();
        let Some(first) = addresses.get(&0) else {
            problems.push(Problem::error(
                section.line,
                format!("node {id} has no address; add 'ring0_addr: ADDRESS'"),
            ));
            continue;
        };
        if transport != Transport::Knet && addresses.len() > 1 {
            problems.push(Problem::error(
                section.line,
                format!(
                    "node {id} has {} links, but transport {} takes one; use 'transport: knet'",
                    addresses.len(),
                    transport.as_str()
                ),
            ));
        }
        for (link, address) in &addresses {
            if address.is_empty() || address.contains(char::is_whitespace) {
                let line = section.setting(&format!("ring{link}_addr")).map(|s| s.line);
                problems.push(Problem::error(
                    line,
                    format!("ring{link}_addr is '{address}', which is no address or host name"),
                ));
            }
        }
        let node = NodeEntry {
            id: NodeId(id),
            name: NodeName::new(section.get("name").unwrap_or(first)),
            votes: number(Some(section), "quorum_votes")
                .or_else(|| number(document.section("quorum"), "votes"))
                .unwrap_or(1),
            line: section.line,
            addresses,
        };
        clashes(&node, &nodes, problems);
        nodes.insert(node.id, node);
    }
    if nodes.is_empty() && problems.iter().all(|p| p.severity == Severity::Warning) {
        problems.push(Problem::error(
            list.map(|list| list.line),
            "there are no nodes; add 'nodelist { node { … } }' or make the file with 'pcs cluster \
             setup'",
        ));
    }
    let links = nodes.values().map(|node| node.addresses.len()).max().unwrap_or(0);
    for node in nodes.values().filter(|node| node.addresses.len() < links) {
        problems.push(Problem::warning(
            node.line,
            format!("node '{}' has fewer links than others", node.name),
        ));
    }
    nodes
}

/// Reports numbers, names and addresses that two nodes share.
fn clashes(node: &NodeEntry, others: &BTreeMap<NodeId, NodeEntry>, problems: &mut Vec<Problem>) {
    for other in others.values() {
        let what = if other.id == node.id {
            format!("nodeid {}", node.id)
        } else if other.name == node.name {
            format!("name '{}'", node.name)
        } else {
            let shared = node
                .addresses
                .values()
                .find(|address| other.addresses.values().any(|theirs| theirs == *address));
            match shared {
                Some(address) => format!("address {address}"),
                None => continue,
            }
        };
        problems.push(Problem::error(
            node.line,
            format!("{what} is also that of the node at line {}; make them differ", other.line),
        ));
    }
}

fn read_quorum(
    document: &Document,
    nodes: &BTreeMap<NodeId, NodeEntry>,
    problems: &mut Vec<Problem>,
) -> QuorumSettings {
    let quorum = section(document, "quorum");
    let two_node = is_on(quorum, "two_node");
    let expected: Option<u32> = number(quorum, "expected_votes");
    let line = |key: &str| quorum.and_then(|q| q.setting(key)).map(|setting| setting.line);
    if two_node {
        let votes = expected.unwrap_or_else(|| nodes.values().map(|node| node.votes).sum());
        if votes != 2 && !nodes.is_empty() {
            problems.push(Problem::warning(
                line("two_node"),
                format!("two_node has no effect: the cluster has {votes} votes, not 2"),
            ));
        }
        if is_on(quorum, "auto_tie_breaker") {
            problems.push(Problem::warning(
                line("two_node"),
                "two_node has no effect beside auto_tie_breaker; remove one of them",
            ));
        }
    }
    if is_on(quorum, "last_man_standing") && nodes.values().any(|node| node.votes != 1) {
        problems.push(Problem::error(
            line("last_man_standing"),
            "last_man_standing needs one vote for each node; remove quorum_votes",
        ));
    }
    let device = quorum.and_then(|quorum| quorum.sections("device").next());
    if let Some(device) = device {
        problems.push(Problem::warning(
            device.line,
            "the quorum device is kept in the file but has no vote; consider an arbitrator node",
        ));
    }
    let breaker = quorum.and_then(|quorum| quorum.setting("auto_tie_breaker_node"));
    let tie_breaker = match breaker.map(|setting| setting.value.as_str()) {
        None | Some("lowest") => TieBreaker::Lowest,
        Some("highest") => TieBreaker::Highest,
        Some(list) => {
            let mut ids = Vec::new();
            for id in list.split_whitespace() {
                match id.parse().map(NodeId) {
                    Ok(id) if nodes.contains_key(&id) => ids.push(id),
                    Ok(_) | Err(_) => problems.push(Problem::error(
                        line("auto_tie_breaker_node"),
                        format!(
                            "auto_tie_breaker_node names '{id}', which is no node; use lowest, \
                             highest or node numbers"
                        ),
                    )),
                }
            }
            TieBreaker::Listed(ids)
        }
    };
    QuorumSettings {
        provider: word(quorum, "provider"),
        expected_votes: expected,
        two_node,
        wait_for_all: quorum
            .and_then(|quorum| quorum.get("wait_for_all"))
            .map(|_| is_on(quorum, "wait_for_all")),
        last_man_standing: is_on(quorum, "last_man_standing"),
        last_man_standing_window_ms: number(quorum, "last_man_standing_window")
            .unwrap_or(LAST_MAN_STANDING_WINDOW_MS),
        auto_tie_breaker: is_on(quorum, "auto_tie_breaker").then_some(tie_breaker),
        allow_downscale: is_on(quorum, "allow_downscale"),
        device_model: device.map(|device| device.get("model").unwrap_or_default().to_owned()),
    }
}

fn read_logging(document: &Document, problems: &mut Vec<Problem>) -> LogSettings {
    let logging = section(document, "logging");
    let to_logfile = is_on(logging, "to_logfile");
    let logfile = word(logging, "logfile");
    if let (true, None, Some(logging)) = (to_logfile, &logfile, logging) {
        problems.push(Problem::error(
            logging.line,
            "to_logfile is yes, but there is no logfile; add 'logfile: PATH'",
        ));
    }
    LogSettings {
        to_logfile,
        logfile,
        to_syslog: word(logging, "to_syslog").is_none_or(|value| value == "yes"),
        to_stderr: word(logging, "to_stderr").is_none_or(|value| value == "yes"),
        debug: matches!(word(logging, "debug").as_deref(), Some("on" | "trace")),
    }
}

#[cfg(test)]
mod tests;

//! Looking at and changing the options of a corosync.conf that is there.

use membership::conf::{Document, Section};
use serde::Serialize;
use serde_json::{Map, Value as Json};

use super::ClusterMessage;
use super::device::NOT_BESIDE_A_DEVICE;
use super::options::{COMPRESSION, CRYPTO, Group, Pairs, QUORUM, TOTEM, any_error, error};
use super::setup::{last, link_group, set_all, set_two_node, transport_group};
use super::setup_check;
use crate::report::{Failed, Outcome, Report};

/// What a corosync.conf says, in the words of commands; options in order of the alphabet.
#[derive(Clone, Debug, Serialize)]
pub struct ConfigView {
    /// Its name.
    pub cluster_name: String,
    /// Its random number.
    pub cluster_uuid: Option<String>,
    /// In capitals.
    pub transport: String,
    /// Options of totem.
    pub totem_options: Map<String, Json>,
    /// Options of the transport.
    pub transport_options: Map<String, Json>,
    /// Options of compression.
    pub compression_options: Map<String, Json>,
    /// Options of encryption.
    pub crypto_options: Map<String, Json>,
    /// Its nodes, in the file's order.
    pub nodes: Vec<NodeView>,
    /// Options of links, by number.
    pub links_options: Map<String, Json>,
    /// Options of quorum.
    pub quorum_options: Map<String, Json>,
    /// The arbiter, if there is one.
    pub quorum_device: Option<DeviceView>,
}

/// A node.
#[derive(Clone, Debug, Serialize)]
pub struct NodeView {
    /// Its name.
    pub name: String,
    /// Its number.
    pub nodeid: String,
    /// Its addresses.
    pub addrs: Vec<AddressView>,
}

/// An address of a node.
#[derive(Clone, Debug, Serialize)]
pub struct AddressView {
    /// The address or name.
    pub addr: String,
    /// Of which link.
    pub link: String,
    /// `IPv4`, `IPv6` or `FQDN`.
    #[serde(rename = "type")]
    pub kind: &'static str,
}

/// An arbiter.
#[derive(Clone, Debug, Serialize)]
pub struct DeviceView {
    /// `net`.
    pub model: String,
    /// Options of the model.
    pub model_options: Map<String, Json>,
    /// Options of every device.
    pub generic_options: Map<String, Json>,
    /// How it tries the network out.
    pub heuristics_options: Map<String, Json>,
}

/// Returns the transport a file asks for.
pub fn transport(document: &Document) -> String {
    let named = document.section("totem").and_then(|totem| totem.get("transport"));
    named.unwrap_or("knet").to_owned()
}

/// Returns the nodes as `(name, addresses by link, number)`, in the file's order.
pub(super) fn nodes(document: &Document) -> Vec<NodeView> {
    let Some(list) = document.section("nodelist") else { return Vec::new() };
    list.sections("node")
        .map(|node| {
            let addrs: Vec<AddressView> = (0..8)
                .filter_map(|link| {
                    let addr = node.get(&format!("ring{link}_addr"))?.to_owned();
                    let kind = match addr.parse() {
                        Ok(std::net::IpAddr::V4(_)) => "IPv4",
                        Ok(std::net::IpAddr::V6(_)) => "IPv6",
                        Err(_) => "FQDN",
                    };
                    Some(AddressView { addr, link: link.to_string(), kind })
                })
                .collect();
            let first = addrs.first().map(|address| address.addr.clone()).unwrap_or_default();
            NodeView {
                name: node.get("name").map_or(first, str::to_owned),
                nodeid: node.get("nodeid").unwrap_or_default().to_owned(),
                addrs,
            }
        })
        .collect()
}

/// Tells what a file says.
pub fn view(document: &Document) -> ConfigView {
    let empty = Section::default();
    let totem = document.section("totem").unwrap_or(&empty);
    let quorum = document.section("quorum").unwrap_or(&empty);
    let transport = transport(document);
    let mut links_options = Map::new();
    for link in totem.sections("interface") {
        let mut options = options_of(link, link_group(&transport));
        let number = link.get("linknumber").or(link.get("ringnumber")).unwrap_or("0").to_owned();
        options.insert("linknumber".to_owned(), Json::from(number.clone()));
        options.sort_keys();
        links_options.insert(number, Json::Object(options));
    }
    links_options.sort_keys();
    let quorum_device = quorum.sections("device").next().map(|device| {
        let model = device.get("model").unwrap_or_default().to_owned();
        let model_section = device.sections(&model).next();
        let model_options = model_section.map(all_options).unwrap_or_default();
        DeviceView {
            model_options,
            generic_options: {
                let mut options = all_options(device);
                options.shift_remove("model");
                options
            },
            heuristics_options: {
                let section = device.sections("heuristics").next();
                section.map(all_options).unwrap_or_default()
            },
            model,
        }
    });
    ConfigView {
        cluster_name: totem.get("cluster_name").unwrap_or_default().to_owned(),
        cluster_uuid: totem.get("cluster_uuid").map(str::to_owned),
        totem_options: options_of(totem, TOTEM),
        transport_options: options_of(totem, transport_group(&transport)),
        compression_options: options_of(totem, COMPRESSION),
        crypto_options: options_of(totem, CRYPTO),
        nodes: nodes(document),
        links_options,
        quorum_options: options_of(quorum, QUORUM),
        quorum_device,
        transport: transport.to_uppercase(),
    }
}

fn options_of(section: &Section, group: Group) -> Map<String, Json> {
    let mut options: Map<String, Json> = section
        .settings()
        .filter_map(|setting| {
            let name = group.name_of(&setting.key)?;
            Some((name.to_owned(), Json::from(setting.value.clone())))
        })
        .collect();
    options.sort_keys();
    options
}

fn all_options(section: &Section) -> Map<String, Json> {
    let mut options: Map<String, Json> = section
        .settings()
        .map(|setting| (setting.key.clone(), Json::from(setting.value.clone())))
        .collect();
    options.sort_keys();
    options
}

/// What `pcs cluster config update` was asked for.
#[derive(Clone, Debug, Default)]
pub struct ConfigUpdate {
    /// Options of the transport.
    pub transport: Pairs,
    /// Options of compression.
    pub compression: Pairs,
    /// Options of encryption.
    pub crypto: Pairs,
    /// Options of totem.
    pub totem: Pairs,
}

/// Changes options; an empty value takes one away.
///
/// # Errors
/// The reports say what is wrong.
pub fn update(
    document: &mut Document,
    change: &ConfigUpdate,
    reports: &mut Vec<Report>,
) -> Outcome {
    let transport = transport(document);
    TOTEM.check(&change.totem, true, reports);
    transport_group(&transport).check(&change.transport, true, reports);
    setup_check::knet_only(&transport, &change.compression, &change.crypto, reports);
    if transport == "knet" {
        COMPRESSION.check(&change.compression, true, reports);
        CRYPTO.check(&change.crypto, true, reports);
        let totem = document.section("totem");
        let after = |name: &str| match last(&change.crypto, name) {
            Some(value) => Some(value.to_owned()).filter(|value| !value.is_empty()),
            None => totem.and_then(|totem| totem.get(&CRYPTO.key(name))).map(str::to_owned),
        };
        if !change.crypto.is_empty() {
            setup_check::cipher(after, reports);
        }
    }
    if any_error(reports) {
        return Err(Failed::Reported);
    }
    let totem = document.section_mut("totem");
    set_all(totem, transport_group(&transport), &change.transport);
    set_all(totem, COMPRESSION, &change.compression);
    set_all(totem, CRYPTO, &change.crypto);
    set_all(totem, TOTEM, &change.totem);
    Ok(())
}

/// Changes options of quorum; an empty value takes one away.
///
/// # Errors
/// The reports say what is wrong.
pub fn update_quorum(
    document: &mut Document,
    options: &Pairs,
    reports: &mut Vec<Report>,
) -> Outcome {
    QUORUM.check(options, true, reports);
    let has_device =
        document.section("quorum").is_some_and(|quorum| quorum.sections("device").next().is_some());
    if has_device {
        let names: Vec<String> = options
            .iter()
            .map(|(name, _)| name.clone())
            .filter(|name| NOT_BESIDE_A_DEVICE.contains(&name.as_str()))
            .collect();
        if !names.is_empty() {
            reports.push(error(ClusterMessage::NotBesideQuorumDevice { names }));
        }
    } else {
        let now = document.section("quorum").and_then(|quorum| quorum.get("last_man_standing"));
        let then = last(options, "last_man_standing").or(now);
        setup_check::window(options, then, reports);
    }
    if any_error(reports) {
        return Err(Failed::Reported);
    }
    set_all(document.section_mut("quorum"), QUORUM, options);
    set_two_node(document);
    Ok(())
}

/// Gives the cluster a new random number.
///
/// # Errors
/// It has one, and `force` is not said.
pub fn set_uuid(
    document: &mut Document,
    uuid: &str,
    force: bool,
    reports: &mut Vec<Report>,
) -> Outcome {
    let totem = document.section_mut("totem");
    if totem.get("cluster_uuid").is_some() {
        reports.push(Report::forceable(ClusterMessage::UuidAlreadySet.into(), force));
    }
    if any_error(reports) {
        return Err(Failed::Reported);
    }
    totem.set("cluster_uuid", uuid);
    Ok(())
}

/// Gives the cluster another name.
///
/// # Errors
/// The reports say what is wrong with it.
pub fn rename(
    document: &mut Document,
    name: &str,
    force: bool,
    reports: &mut Vec<Report>,
) -> Outcome {
    setup_check::name(name, force, reports);
    if any_error(reports) {
        return Err(Failed::Reported);
    }
    document.section_mut("totem").set("cluster_name", name);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "totem {\n    version: 2\n    cluster_name: c\n    transport: knet\n    \
        crypto_cipher: aes256\n    crypto_hash: sha256\n\n    interface {\n        linknumber: 1\n        \
        knet_link_priority: 3\n    }\n}\n\nnodelist {\n    node {\n        ring0_addr: 10.0.0.1\n        \
        name: a\n        nodeid: 1\n    }\n\n    node {\n        ring0_addr: b.example\n        name: b\n        \
        nodeid: 2\n    }\n}\n\nquorum {\n    provider: corosync_votequorum\n    two_node: 1\n}\n";

    fn file() -> Document {
        Document::parse(FILE, "corosync.conf").unwrap()
    }

    fn pairs(pairs: &[(&str, &str)]) -> Pairs {
        pairs.iter().map(|&(k, v)| (k.to_owned(), v.to_owned())).collect()
    }

    #[test]
    fn the_view_has_the_words_of_commands() {
        let view = view(&file());
        assert_eq!(view.crypto_options["cipher"], "aes256");
        assert_eq!(view.links_options["1"]["link_priority"], "3");
        assert_eq!(view.nodes[1].addrs[0].kind, "FQDN");
        assert!(view.quorum_options.is_empty());
    }

    #[test]
    fn encryption_needs_authentication_after_the_change_too() {
        let mut reports = Vec::new();
        let change = ConfigUpdate { crypto: pairs(&[("hash", "")]), ..ConfigUpdate::default() };
        assert!(update(&mut file(), &change, &mut reports).is_err());
        assert!(reports[0].text().contains("'hash' must be enabled"));
        let both = pairs(&[("hash", ""), ("cipher", "")]);
        let change = ConfigUpdate { crypto: both, ..ConfigUpdate::default() };
        assert!(update(&mut file(), &change, &mut Vec::new()).is_ok());
    }

    #[test]
    fn a_tie_breaker_ends_the_rule_for_two() {
        let two_node = |document: &Document| {
            document.section("quorum").unwrap().get("two_node").map(str::to_owned)
        };
        let mut document = file();
        update_quorum(&mut document, &pairs(&[("auto_tie_breaker", "1")]), &mut Vec::new())
            .unwrap();
        assert_eq!(two_node(&document), None);
        update_quorum(&mut document, &pairs(&[("auto_tie_breaker", "")]), &mut Vec::new()).unwrap();
        assert_eq!(two_node(&document).as_deref(), Some("1"));
    }
}

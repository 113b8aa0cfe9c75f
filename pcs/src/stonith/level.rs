//! Fencing levels: which devices fence which node, and in which order they are tried.

use cib::Element;
use serde::Serialize;

use crate::environment::Environment;
use crate::ids;
use crate::message::Message;
use crate::options::{self, Wanted};
use crate::report::Outcome;
use crate::resource;

/// Whom a level is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// A node.
    Node(String),
    /// Nodes whose names match.
    Pattern(String),
    /// Nodes with an attribute of a value.
    Attribute(String, String),
}

/// A level for a node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct NodeLevel {
    /// The level's id.
    pub id: String,
    /// Its place in the order.
    pub index: u64,
    /// Its devices.
    pub devices: Vec<String>,
    /// The node.
    pub target: String,
}

/// A level for nodes whose names match.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PatternLevel {
    /// The level's id.
    pub id: String,
    /// Its place in the order.
    pub index: u64,
    /// Its devices.
    pub devices: Vec<String>,
    /// The regular expression.
    pub target_pattern: String,
}

/// A level for nodes with an attribute.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AttributeLevel {
    /// The level's id.
    pub id: String,
    /// Its place in the order.
    pub index: u64,
    /// Its devices.
    pub devices: Vec<String>,
    /// The attribute.
    pub target_attribute: String,
    /// Its value.
    pub target_value: String,
}

/// All levels.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Levels {
    /// For nodes by name.
    pub target_node: Vec<NodeLevel>,
    /// For nodes by pattern.
    pub target_regex: Vec<PatternLevel>,
    /// For nodes by attribute.
    pub target_attribute: Vec<AttributeLevel>,
}

fn levels(cib: &Element) -> impl Iterator<Item = &Element> {
    cib.at(&["configuration", "fencing-topology"])
        .into_iter()
        .flat_map(|topology| topology.children_named("fencing-level"))
}

fn devices(level: &Element) -> Vec<String> {
    level
        .get("devices")
        .unwrap_or_default()
        .split(',')
        .map(|device| device.trim().to_owned())
        .filter(|device| !device.is_empty())
        .collect()
}

impl Levels {
    /// Reads the levels of a document.
    pub fn of(cib: &Element) -> Self {
        let mut all = Self::default();
        for level in levels(cib) {
            let get = |key: &str| level.get(key).map(str::to_owned);
            let id = get("id").unwrap_or_default();
            let index = level.get("index").and_then(|i| i.parse().ok()).unwrap_or(0);
            let devices = devices(level);
            if let Some(target) = get("target") {
                all.target_node.push(NodeLevel { id, index, devices, target });
            } else if let Some(target_pattern) = get("target-pattern") {
                all.target_regex.push(PatternLevel { id, index, devices, target_pattern });
            } else if let Some(target_attribute) = get("target-attribute") {
                let target_value = get("target-value").unwrap_or_default();
                all.target_attribute.push(AttributeLevel {
                    id,
                    index,
                    devices,
                    target_attribute,
                    target_value,
                });
            }
        }
        all
    }
}

impl Target {
    fn matches(&self, level: &Element) -> bool {
        match self {
            Self::Node(name) => level.get("target") == Some(name),
            Self::Pattern(pattern) => level.get("target-pattern") == Some(pattern),
            Self::Attribute(name, value) => {
                level.get("target-attribute") == Some(name)
                    && level.get("target-value") == Some(value)
            }
        }
    }

    fn word(&self) -> &str {
        match self {
            Self::Node(text) | Self::Pattern(text) | Self::Attribute(text, _) => text,
        }
    }

    fn shown(&self) -> String {
        match self {
            Self::Node(text) | Self::Pattern(text) => text.clone(),
            Self::Attribute(name, value) => format!("{name}={value}"),
        }
    }
}

/// Says whether a text is a level's number.
fn is_index(text: &str) -> bool {
    text.len() == 1 && ('1'..='9').contains(&text.chars().next().unwrap_or('0'))
}

fn check_index(env: &mut Environment<'_>, index: &str) {
    env.check_value("level", index, is_index(index), Wanted::Words("1..9"));
}

/// Adds a level.
///
/// # Errors
/// Reported.
pub fn add(
    env: &mut Environment<'_>,
    index: &str,
    target: &Target,
    devices: &[String],
    id: Option<&str>,
    force: bool,
) -> Outcome {
    check_index(env, index);
    if let Some(id) = id {
        env.check_new_id(id, "fencing level id");
    }
    if let Target::Node(name) = target {
        let known = crate::node::all_names(&env.cib);
        if !known.contains(name) {
            let near = options::nearest(name, known.iter().map(String::as_str));
            env.forceable(Message::NodeNotFound { node: name.clone(), near }, force);
        }
    }
    let mut missing = Vec::new();
    for device in devices {
        if let Some(message) = ids::check(device, "device id") {
            env.error(message);
        } else if !resource::find(&env.cib, device).is_some_and(resource::is_stonith) {
            missing.push(device.clone());
        }
    }
    if !missing.is_empty() {
        env.forceable(Message::StonithResourcesMissing { devices: missing }, force);
    }
    let joined = devices.join(",");
    let exists = levels(&env.cib).any(|level| {
        target.matches(level)
            && level.get("index") == Some(index)
            && level.get("devices") == Some(&joined)
    });
    if exists {
        env.error(Message::FencingLevelExists {
            target: target.shown(),
            index: index.into(),
            devices: devices.to_vec(),
        });
    }
    env.checked()?;
    let wanted =
        format!("fl-{}-{index}", ids::sanitize(&format!("x{}", target.word())).split_off(1));
    let id = id.map_or_else(|| ids::free(&env.cib, &wanted), str::to_owned);
    let mut level =
        Element::new("fencing-level").with("index", index).with("devices", joined).with("id", id);
    match target {
        Target::Node(name) => level.set("target", name.as_str()),
        Target::Pattern(pattern) => level.set("target-pattern", pattern.as_str()),
        Target::Attribute(name, value) => {
            level.set("target-attribute", name.as_str());
            level.set("target-value", value.as_str());
        }
    }
    env.section("fencing-topology").push(level);
    Ok(())
}

/// What narrows down the levels a command is about.
#[derive(Clone, Debug, Default)]
pub struct Selection<'a> {
    /// The number.
    pub index: Option<&'a str>,
    /// The target.
    pub target: Option<&'a Target>,
    /// Exactly these devices.
    pub devices: &'a [String],
}

/// Removes levels.
///
/// # Errors
/// Reported.
pub fn remove(env: &mut Environment<'_>, selection: &Selection<'_>, quietly: bool) -> Outcome {
    if let Some(index) = selection.index {
        check_index(env, index);
    }
    env.checked()?;
    for device in selection.devices {
        if let Some(message) = ids::check(device, "stonith id") {
            env.error(message);
        }
    }
    let wanted_devices = selection.devices.join(",");
    let is_it = |level: &Element| {
        level.name() == "fencing-level"
            && selection.index.is_none_or(|index| level.get("index") == Some(index))
            && selection.target.is_none_or(|target| target.matches(level))
            && (selection.devices.is_empty() || level.get("devices") == Some(&wanted_devices))
    };
    if !levels(&env.cib).any(is_it) {
        if !quietly {
            env.error(Message::FencingLevelNotFound {
                index: selection.index.map(str::to_owned),
                target: selection.target.map(Target::shown),
                devices: selection.devices.to_vec(),
            });
        }
        return env.checked();
    }
    env.checked()?;
    env.section("fencing-topology").retain_children(|level| !is_it(level));
    Ok(())
}

/// Checks that devices and nodes of all levels exist.
///
/// # Errors
/// Reported.
pub fn verify(env: &mut Environment<'_>) -> Outcome {
    let known = crate::node::all_names(&env.cib);
    let mut devices: Vec<String> = Vec::new();
    let mut nodes: Vec<String> = Vec::new();
    for level in levels(&env.cib) {
        devices.extend(self::devices(level));
        nodes.extend(level.get("target").map(str::to_owned));
    }
    devices.sort();
    devices.dedup();
    devices.retain(|d| !resource::find(&env.cib, d).is_some_and(resource::is_stonith));
    if !devices.is_empty() {
        env.error(Message::StonithResourcesMissing { devices });
    }
    nodes.sort();
    nodes.dedup();
    for node in nodes.into_iter().filter(|node| !known.contains(node)) {
        env.error(Message::NodeNotFound { node, near: None });
    }
    env.checked()
}

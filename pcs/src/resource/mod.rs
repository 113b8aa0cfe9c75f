//! Resources: finding them in the document, and the commands about them.

pub mod ban;
pub mod bundle;
pub mod clone;
pub mod config;
pub mod create;
pub mod delete;
pub mod enable;
pub mod group;
pub mod relations;
pub mod relocate;
pub mod safe;
pub mod update;

use cib::Element;

use crate::environment::Environment;
use crate::message::Message;
use crate::options;
use crate::report::{Failed, Outcome, Report};

/// Elements that are resources.
pub const RESOURCES: [&str; 5] = ["primitive", "group", "clone", "master", "bundle"];

/// Says whether an element is a resource.
pub fn is_resource(element: &Element) -> bool {
    RESOURCES.contains(&element.name())
}

/// Says whether an element is a clone, of the present or the old kind.
pub fn is_clone(element: &Element) -> bool {
    matches!(element.name(), "clone" | "master")
}

/// Says whether an element is a fence device.
pub fn is_stonith(element: &Element) -> bool {
    element.name() == "primitive" && element.get("class") == Some("stonith")
}

/// Returns the name people call this kind of resource by.
pub fn kind(element: &Element) -> &str {
    match element.name() {
        "primitive" => "resource",
        "master" => "clone",
        other => other,
    }
}

/// Finds a resource by its id.
pub fn find<'a>(cib: &'a Element, id: &str) -> Option<&'a Element> {
    find_in(cib.at(&["configuration", "resources"])?, id)
}

fn find_in<'a>(within: &'a Element, id: &str) -> Option<&'a Element> {
    members(within).find_map(|e| if e.id() == Some(id) { Some(e) } else { find_in(e, id) })
}

/// Finds a resource by its id for changing.
pub fn find_mut<'a>(cib: &'a mut Element, id: &str) -> Option<&'a mut Element> {
    find(cib, id)?;
    cib.at_mut(&["configuration", "resources"])?.find_id_mut(id)
}

/// Finds the resource that directly holds another one.
pub fn parent<'a>(cib: &'a Element, id: &str) -> Option<&'a Element> {
    parent_in(cib.at(&["configuration", "resources"])?, id)
}

fn parent_in<'a>(within: &'a Element, id: &str) -> Option<&'a Element> {
    members(within).find_map(|e| {
        if members(e).any(|c| c.id() == Some(id)) { Some(e) } else { parent_in(e, id) }
    })
}

/// Returns the resources directly inside a group, clone or bundle.
pub fn members(element: &Element) -> impl Iterator<Item = &Element> {
    element.children().filter(|child| is_resource(child))
}

/// Returns all primitives of a document.
pub fn primitives(cib: &Element) -> impl Iterator<Item = &Element> {
    cib.at(&["configuration", "resources"])
        .into_iter()
        .flat_map(Element::descendants)
        .filter(|e| e.name() == "primitive")
}

/// Names the ids of all resources.
pub fn all_ids(cib: &Element) -> Vec<&str> {
    cib.at(&["configuration", "resources"])
        .into_iter()
        .flat_map(Element::descendants)
        .filter(|e| is_resource(e))
        .filter_map(Element::id)
        .collect()
}

/// Makes the message that an element is not there, or is something else.
pub fn not_found(cib: &Element, id: &str, expected: &[&str]) -> Message {
    let kinds: Vec<String> = expected.iter().map(|kind| (*kind).to_owned()).collect();
    let here = cib.at(&["configuration"]).and_then(|c| c.find_id(id));
    if here.is_some() && !kinds.is_empty() {
        return Message::IdOfOtherKind { id: id.into(), expected: kinds };
    }
    Message::IdNotFound { id: id.into(), kinds, near: near(cib, id) }
}

/// Says which resource somebody meant who wrote this id. An id that is no more like one than
/// another is taken for the agent's name: `vip` for an address, when there is only one.
pub fn near(cib: &Element, id: &str) -> Option<String> {
    let ids = all_ids(cib);
    options::nearest(id, ids.iter().copied()).or_else(|| {
        let lower = id.to_lowercase();
        let address = ["vip", "ip", "virtualip", "virtual_ip", "address"].contains(&lower.as_str());
        let alike: Vec<&Element> = primitives(cib)
            .filter(|p| {
                let kind = p.get("type").unwrap_or_default().to_lowercase();
                kind == lower || (address && kind.starts_with("ipaddr"))
            })
            .collect();
        match alike.as_slice() {
            [only] => only.id().map(str::to_owned),
            _ => None,
        }
    })
}

impl Environment<'_> {
    /// Finds the id of a resource of some kinds or reports that there is none.
    pub fn expect_resource(&mut self, id: &str, names: &[&str], kinds: &[&str]) -> Option<Element> {
        let found = find(&self.cib, id).filter(|e| names.contains(&e.name())).cloned();
        if found.is_none() {
            let message = not_found(&self.cib, id, kinds);
            self.error(message);
        }
        found
    }

    /// Warns about, or refuses, parameters that are bad for an agent.
    pub(crate) fn run_agent_validation(
        &mut self,
        agent: &crate::agent::AgentName,
        parameters: &[(String, String)],
        force: bool,
    ) {
        if let Some(validation) = self.agents.validate(agent, parameters)
            && !validation.valid
        {
            let message =
                Message::AgentValidation { agent: agent.to_string(), output: validation.output };
            self.report(Report::forceable(message, force));
        }
    }
}

/// Fails because a resource is not there.
pub fn missing<T>(cib: &Element, id: &str, kinds: &[&str]) -> Outcome<T> {
    Err(Failed::because(not_found(cib, id, kinds)))
}

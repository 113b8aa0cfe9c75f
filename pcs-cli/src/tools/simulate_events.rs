//! What `crm_simulate` is asked to pretend before it plans.

use cib::Element;
use model::ExitCode;

use super::crm_simulate::Failure;
use super::options::Options;
use super::simulation::{self, Known, Spec, Step};

/// Something that was changed before planning.
#[derive(Debug)]
pub(crate) enum Event {
    Quorum(String),
    Watchdog(String),
    Node { node: String, change: NodeChange },
    Ticket { ticket: String, change: TicketChange },
    Operation(String),
    Attribute(Step),
}

/// What becomes of a node.
#[derive(Clone, Copy, Debug)]
pub(crate) enum NodeChange {
    Up,
    Down,
    Lost,
}

/// What becomes of a ticket.
#[derive(Clone, Copy, Debug)]
pub(crate) enum TicketChange {
    Granted,
    Revoked,
    Standby,
    Activated,
}

impl Event {
    /// The line that tells of it.
    pub(crate) fn text(&self) -> String {
        let told = match self {
            Self::Quorum(value) => format!("Setting quorum: {value}"),
            Self::Watchdog(value) => format!("Setting watchdog: {value}"),
            Self::Node { node, change } => match change {
                NodeChange::Up => format!("Bringing node {node} online"),
                NodeChange::Down => format!("Taking node {node} offline"),
                NodeChange::Lost => format!("Failing node {node}"),
            },
            Self::Ticket { ticket, change } => match change {
                TicketChange::Granted => format!("Granting ticket {ticket}"),
                TicketChange::Revoked => format!("Revoking ticket {ticket}"),
                TicketChange::Standby => format!("Making ticket {ticket} standby"),
                TicketChange::Activated => format!("Activating ticket {ticket}"),
            },
            Self::Operation(spec) => format!("Injecting {spec} into the configuration"),
            Self::Attribute(step) => return step.text(),
        };
        format!("  * {told}")
    }
}

/// Returns `<modifications>`.
pub(crate) fn xml(events: &[Event]) -> Element {
    let mut all = Element::new("modifications");
    for event in events {
        match event {
            Event::Quorum(value) => all.set("quorum", value.as_str()),
            Event::Watchdog(value) => all.set("watchdog", value.as_str()),
            Event::Node { node, change } => {
                let action = match change {
                    NodeChange::Up => "Online",
                    NodeChange::Down => "Offline",
                    NodeChange::Lost => "Failing",
                };
                let change = Element::new("modify_node").with("action", action);
                all.push(change.with("node", node.as_str()));
            }
            Event::Ticket { ticket, change } => {
                let action = match change {
                    TicketChange::Granted => "Granting",
                    TicketChange::Revoked => "Revoking",
                    TicketChange::Standby => "Standby",
                    TicketChange::Activated => "Activating",
                };
                let change = Element::new("modify_ticket").with("action", action);
                all.push(change.with("ticket", ticket.as_str()));
            }
            Event::Operation(spec) => {
                all.push(Element::new("inject_spec").with("spec", spec.as_str()));
            }
            Event::Attribute(step) => all.push(super::simulate_xml::step(step)),
        }
    }
    all
}

/// Reads all specifications of operations that an option gives.
pub(crate) fn specs(options: &Options, name: &'static str) -> Result<Vec<Spec>, Failure> {
    options
        .values(name)
        .map(|text| Spec::parse(text).map_err(|error| (ExitCode::Usage, error)))
        .collect()
}

/// Changes the document as the options for events say; tells what was done, and adds to `err` what
/// could not be. `known` says how resources are called.
pub(crate) fn inject(
    document: &mut Element,
    options: &Options,
    known: &Known,
    err: &mut String,
) -> Result<Vec<Event>, Failure> {
    let mut done = Vec::new();
    if let Some(text) = options.value("quorum") {
        document.set("have-quorum", text);
        done.push(Event::Quorum(text.to_owned()));
    }
    if let Some(text) = options.value("watchdog") {
        set_watchdog(document, text);
        done.push(Event::Watchdog(text.to_owned()));
    }
    for (option, change) in [
        ("node-up", NodeChange::Up),
        ("node-down", NodeChange::Down),
        ("node-fail", NodeChange::Lost),
    ] {
        for node in options.values(option).map(str::to_owned).collect::<Vec<_>>() {
            change_node(document, &node, change)?;
            done.push(Event::Node { node, change });
        }
    }
    for (option, change) in [
        ("ticket-grant", TicketChange::Granted),
        ("ticket-revoke", TicketChange::Revoked),
        ("ticket-standby", TicketChange::Standby),
        ("ticket-activate", TicketChange::Activated),
    ] {
        for ticket in options.values(option).map(str::to_owned).collect::<Vec<_>>() {
            change_ticket(document, &ticket, change);
            done.push(Event::Ticket { ticket, change });
        }
    }
    for text in options.values("op-inject").map(str::to_owned).collect::<Vec<_>>() {
        let spec = Spec::parse(&text).map_err(|error| (ExitCode::Usage, error))?;
        if !is_node(document, &spec.node) {
            return Err((ExitCode::NoSuch, format!("there is no node `{}`", spec.node)));
        }
        done.push(Event::Operation(text));
        match simulation::inject(document, &spec, known) {
            Ok(steps) => done.extend(steps.into_iter().map(Event::Attribute)),
            // the others may still tell something
            Err(error) => err.push_str(&format!("{error}\n")),
        }
    }
    Ok(done)
}

/// Sets the property that tells of a watchdog.
fn set_watchdog(document: &mut Element, value: &str) {
    let config = document.child_or_insert("configuration").child_or_insert("crm_config");
    let is_it = |pair: &Element| pair.get("name") == Some("have-watchdog");
    if let Some(pair) =
        config.children_mut().flat_map(Element::children_mut).find(|pair| is_it(pair))
    {
        pair.set("value", value);
        return;
    }
    let set = config.child_or_insert("cluster_property_set");
    if set.id().is_none() {
        set.set("id", "cib-bootstrap-options");
    }
    let id = format!("{}-have-watchdog", set.id().unwrap_or_default());
    set.push(
        Element::new("nvpair").with("id", id).with("name", "have-watchdog").with("value", value),
    );
}

/// Tells whether a node goes by a name: one of the nodes that are configured or have been seen, or what a
/// resource connects to.
fn is_node(document: &Element, name: &str) -> bool {
    let goes_by_it = |entries: Option<&Element>| {
        let mut entries = entries.into_iter().flat_map(Element::children);
        entries.any(|entry| entry.get("uname") == Some(name))
    };
    let connects = |element: &Element| match element.name() {
        "primitive" => element.get("type") == Some("remote") && element.id() == Some(name),
        "nvpair" => {
            element.get("name") == Some("remote-node") && element.get("value") == Some(name)
        }
        _ => false,
    };
    goes_by_it(document.at(&["configuration", "nodes"]))
        || goes_by_it(document.child("status"))
        || document
            .at(&["configuration", "resources"])
            .is_some_and(|resources| resources.descendants().any(connects))
}

fn change_node(document: &mut Element, name: &str, change: NodeChange) -> Result<(), Failure> {
    let nodes = document.child_or_insert("configuration").child_or_insert("nodes");
    let known = nodes.children().find(|node| node.get("uname") == Some(name));
    let id = known.and_then(Element::id).map(str::to_owned);
    if id.is_none() {
        // a node may come that was never there, but not go
        if !matches!(change, NodeChange::Up) {
            return Err((ExitCode::NoSuch, format!("there is no node `{name}`")));
        }
        nodes.push(Element::new("node").with("id", name).with("uname", name));
    }
    let state = simulation::node_state(document, name, id.as_deref());
    match change {
        NodeChange::Up => simulation::set_up(state),
        NodeChange::Down => {
            simulation::set_down(state);
            state.retain_children(|c| !matches!(c.name(), "lrm" | "transient_attributes"));
        }
        NodeChange::Lost => simulation::set_lost(state),
    }
    Ok(())
}

fn change_ticket(document: &mut Element, ticket: &str, change: TicketChange) {
    let (name, value) = match change {
        TicketChange::Granted => ("granted", "true"),
        TicketChange::Revoked => ("granted", "false"),
        TicketChange::Standby => ("standby", "true"),
        TicketChange::Activated => ("standby", "false"),
    };
    let tickets = document.child_or_insert("status").child_or_insert("tickets");
    if !tickets.children().any(|known| known.id() == Some(ticket)) {
        tickets.push(Element::new("ticket_state").with("id", ticket));
    }
    for state in tickets.children_mut().filter(|known| known.id() == Some(ticket)) {
        state.set(name, value);
    }
}

//! The brain's messages and their wire twins.

use crmd::core::attributes::SetAttribute;
use model::{ExitCode, NodeId, ResourceId};
use wire::{peer, tools};

use crate::core::message::{Action, Ask, Caller, Change, Outcome, PeerMessage, Target};

/// Bytes from a peer that make no message: another version's, or a broken one's.
#[derive(Debug, thiserror::Error)]
#[error("a message of this kind is unknown here: {0}")]
pub(crate) struct Unknown(String);

pub(crate) fn change_from_wire(change: tools::Change) -> Change {
    Change {
        caller: caller_from_wire(change.caller),
        action: change.action,
        xml: change.xml,
        xpath: change.xpath,
        section: change.section,
        allow_create: change.allow_create,
        no_children: change.no_children,
        base: change.base,
    }
}

fn change_to_wire(change: Change) -> tools::Change {
    tools::Change {
        caller: Some(caller_to_wire(change.caller)),
        action: change.action,
        xml: change.xml,
        xpath: change.xpath,
        section: change.section,
        allow_create: change.allow_create,
        no_children: change.no_children,
        base: change.base,
    }
}

fn caller_from_wire(caller: Option<tools::Caller>) -> Caller {
    let caller = caller.unwrap_or_default();
    Caller { user: caller.user, client: caller.client, groups: caller.groups }
}

fn caller_to_wire(caller: Caller) -> tools::Caller {
    tools::Caller { user: caller.user, client: caller.client, groups: caller.groups }
}

fn target_from_wire(target: tools::action::Target) -> Target {
    let some = |text: String| (!text.is_empty()).then_some(text);
    Target {
        resource: some(target.resource).map(ResourceId::from),
        node: some(target.node),
        operation: some(target.operation).map(|action| (action, target.interval_ms)),
    }
}

fn target_to_wire(target: Target) -> tools::action::Target {
    let (operation, interval_ms) = target.operation.unwrap_or_default();
    tools::action::Target {
        resource: target.resource.map(|id| id.to_string()).unwrap_or_default(),
        node: target.node.unwrap_or_default(),
        operation,
        interval_ms,
    }
}

pub(crate) fn action_from_wire(action: tools::Action) -> Option<(Caller, Action)> {
    use tools::action::Kind;
    let kind = match action.kind? {
        Kind::Leave(leave) => Action::Leave { all: leave.all },
        Kind::Cleanup(target) => Action::Cleanup(target_from_wire(target)),
        Kind::Refresh(target) => Action::Refresh(target_from_wire(target)),
        Kind::Fail(target) => Action::Fail(target_from_wire(target)),
        Kind::WaitIdle(wait) => Action::WaitIdle { timeout_ms: wait.timeout_ms },
        Kind::ExpectedVotes(expected) => Action::ExpectVotes { votes: expected.votes },
        Kind::Unblock(_) => Action::Unblock,
        // a matter of the node itself: the shell has taken it before
        Kind::Reload(_) => return None,
    };
    Some((caller_from_wire(action.caller), kind))
}

fn action_to_wire(action: Action) -> tools::Action {
    use tools::action::{ExpectedVotes, Kind, Leave, Unblock, WaitIdle};
    let kind = match action {
        Action::Leave { all } => Kind::Leave(Leave { all }),
        Action::Cleanup(target) => Kind::Cleanup(target_to_wire(target)),
        Action::Refresh(target) => Kind::Refresh(target_to_wire(target)),
        Action::Fail(target) => Kind::Fail(target_to_wire(target)),
        Action::WaitIdle { timeout_ms } => Kind::WaitIdle(WaitIdle { timeout_ms }),
        Action::ExpectVotes { votes } => Kind::ExpectedVotes(ExpectedVotes { votes }),
        Action::Unblock => Kind::Unblock(Unblock {}),
    };
    tools::Action { caller: None, kind: Some(kind) }
}

pub(crate) fn outcome_to_wire(outcome: Outcome) -> tools::Outcome {
    tools::Outcome { code: outcome.code.code(), message: outcome.message, xml: outcome.xml }
}

fn outcome_from_wire(outcome: tools::Outcome) -> Outcome {
    Outcome { code: ExitCode::from_code(outcome.code), message: outcome.message, xml: outcome.xml }
}

/// Returns what a tool wants to set, on a node that is resolved already.
pub(crate) fn attribute_request(
    node: NodeId,
    request: tools::AttributeRequest,
) -> (Caller, SetAttribute) {
    let update = request.verb == i32::from(tools::attribute_request::Verb::Update as u8);
    let set = SetAttribute {
        node,
        set: (!request.set.is_empty()).then_some(request.set),
        name: request.name,
        value: update.then_some(request.value),
        dampening_ms: (request.dampen_ms > 0).then_some(request.dampen_ms),
        private: request.private,
    };
    (caller_from_wire(request.caller), set)
}

/// Returns the answer to a query of attributes: (node, name, value) each.
pub(crate) fn attribute_reply(
    found: Result<Vec<(String, String, String)>, Outcome>,
) -> tools::AttributeReply {
    match found {
        Ok(values) => tools::AttributeReply {
            code: if values.is_empty() { ExitCode::NoSuch.code() } else { ExitCode::Ok.code() },
            message: String::new(),
            values: values
                .into_iter()
                .map(|(node, name, value)| tools::attribute_reply::Value { node, name, value })
                .collect(),
        },
        Err(outcome) => tools::AttributeReply {
            code: outcome.code.code(),
            message: outcome.message,
            values: Vec::new(),
        },
    }
}

/// Returns a message's wire form. crmd's own vocabulary (status changes, attributes) travels as
/// its JSON, the same that the log and the journal hold.
pub(crate) fn message_to_wire(message: PeerMessage) -> peer::message::Kind {
    use peer::message::Kind;
    match message {
        PeerMessage::Raft(bytes) => Kind::Raft(bytes),
        PeerMessage::Command(command) => Kind::Command(lrmd::wire::from_command(command)),
        PeerMessage::Report(report) => Kind::Report(lrmd::wire::from_report(report)),
        PeerMessage::HandsUp => Kind::HandsUp(peer::message::HandsUp {}),
        PeerMessage::Status(update) => Kind::Status(json(&update)),
        PeerMessage::StatusWanted => Kind::StatusWanted(peer::message::StatusWanted {}),
        PeerMessage::Attributes(changes) => Kind::Attributes(json(&changes)),
        PeerMessage::Ask { id, what } => {
            let what = match what {
                Ask::Change(change) => peer::message::ask::What::Change(change_to_wire(change)),
                Ask::Act(action) => peer::message::ask::What::Action(action_to_wire(action)),
            };
            Kind::Ask(peer::message::Ask { id, what: Some(what) })
        }
        PeerMessage::Answer { id, outcome } => {
            let outcome = Some(outcome_to_wire(outcome));
            Kind::Answer(peer::message::Answer { id, outcome })
        }
        PeerMessage::MayLeave => Kind::MayLeave(peer::message::MayLeave {}),
        PeerMessage::ExpectedVotes(votes) => Kind::ExpectedVotes(votes),
    }
}

fn json<T: serde::Serialize>(value: &T) -> Vec<u8> {
    // these types hold strings, numbers and lists: they always serialise
    serde_json::to_vec(value).unwrap_or_default()
}

/// Returns the message that a wire form means.
pub(crate) fn message_from_wire(kind: peer::message::Kind) -> Result<PeerMessage, Unknown> {
    use peer::message::Kind;
    let unknown = |e: &dyn std::fmt::Display| Unknown(e.to_string());
    Ok(match kind {
        Kind::Hello(_) => return Err(Unknown("a hello in the middle of a link".to_owned())),
        Kind::Raft(bytes) => PeerMessage::Raft(bytes),
        Kind::Command(command) => {
            PeerMessage::Command(lrmd::wire::to_command(command).map_err(|e| unknown(&e))?)
        }
        Kind::Report(report) => {
            PeerMessage::Report(lrmd::wire::to_report(report).map_err(|e| unknown(&e))?)
        }
        Kind::HandsUp(_) => PeerMessage::HandsUp,
        Kind::Status(bytes) => {
            PeerMessage::Status(serde_json::from_slice(&bytes).map_err(|e| unknown(&e))?)
        }
        Kind::StatusWanted(_) => PeerMessage::StatusWanted,
        Kind::Attributes(bytes) => {
            PeerMessage::Attributes(serde_json::from_slice(&bytes).map_err(|e| unknown(&e))?)
        }
        Kind::Ask(ask) => {
            let what = match ask.what {
                Some(peer::message::ask::What::Change(change)) => {
                    Ask::Change(change_from_wire(change))
                }
                Some(peer::message::ask::What::Action(action)) => Ask::Act(
                    action_from_wire(action)
                        .map(|(_, action)| action)
                        .ok_or_else(|| Unknown("an action".to_owned()))?,
                ),
                None => return Err(Unknown("an empty question".to_owned())),
            };
            PeerMessage::Ask { id: ask.id, what }
        }
        Kind::Answer(answer) => PeerMessage::Answer {
            id: answer.id,
            outcome: outcome_from_wire(answer.outcome.unwrap_or_default()),
        },
        Kind::MayLeave(_) => PeerMessage::MayLeave,
        Kind::ExpectedVotes(votes) => PeerMessage::ExpectedVotes(votes),
    })
}

//! People and scripts: what is asked of the cluster through its tools, and what it answered.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use model::{ExitCode, NodeId};
use node::core::Input;
use node::core::message::{Action, Caller, Change, Outcome, Target, ToolId, ToolRequest};

use crate::invariants::kept_writes;
use crate::setting::RESOURCES;
use crate::world::World;

/// Between two attempts to have something done that must be done.
const RETRY_MS: u64 = 400;

/// What a request is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Wish {
    /// The configuration of the newborn cluster.
    Configure,
    /// A write whose acknowledgement counts.
    Write(u64),
    /// A node is to run nothing, or to serve again.
    Standby(NodeId, bool),
    /// A resource is to run, or not.
    Enabled(&'static str, bool),
    /// Failures are to be forgotten.
    Cleanup,
}

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct Client {
    asked: u64,
    open: BTreeMap<ToolId, (NodeId, Wish)>,
    pub(crate) configured: bool,
    pub(crate) acknowledged: BTreeSet<u64>,
    writes: u64,
    /// What must be done before the cluster can be whole, in order.
    todo: VecDeque<Wish>,
    retry_at: u64,
}

impl Client {
    /// A brain is gone, and the answers it owed.
    pub(crate) fn forget(&mut self, node: NodeId) {
        self.open.retain(|_, (at, _)| *at != node);
    }

    /// Tells whether nothing is left to be done.
    pub(crate) fn is_content(&self) -> bool {
        self.configured && self.todo.is_empty()
    }
}

impl World {
    /// Asks a node's brain for something.
    pub(crate) fn ask(&mut self, node: NodeId, wish: Wish) {
        let Some(life) = self.hosts.get(&node).and_then(|h| h.brain.as_ref()).map(|b| b.life)
        else {
            return;
        };
        self.client.asked += 1;
        let id = ToolId(self.client.asked);
        let request = self.request(&wish);
        self.note(|| format!("n{node} is asked: {wish:?}"));
        self.client.open.insert(id, (node, wish));
        self.input(node, life, Input::Tool { id, request });
    }

    /// Makes a write that nobody made before.
    pub(crate) fn write(&mut self, node: NodeId) {
        if self.client.configured {
            self.client.writes += 1;
            let write = self.client.writes;
            self.ask(node, Wish::Write(write));
        }
    }

    fn request(&self, wish: &Wish) -> ToolRequest {
        let caller =
            Caller { user: "root".to_owned(), client: "sim".to_owned(), groups: Vec::new() };
        let modify = |xml: String| {
            ToolRequest::Change(Change {
                caller: caller.clone(),
                action: "modify".to_owned(),
                xml,
                allow_create: true,
                ..Change::default()
            })
        };
        match wish {
            Wish::Configure => modify(self.setting.configuration()),
            Wish::Write(write) => {
                let id = kept_writes::id(*write);
                modify(format!(
                    "<cluster_property_set id=\"cib-bootstrap-options\"><nvpair id=\"{id}\" \
                     name=\"{id}\" value=\"{write}\"/></cluster_property_set>"
                ))
            }
            Wish::Standby(node, on) => {
                let value = if *on { "on" } else { "off" };
                modify(format!(
                    "<node id=\"{node}\"><instance_attributes id=\"nodes-{node}\"><nvpair \
                     id=\"nodes-{node}-standby\" name=\"standby\" value=\"{value}\"/>\
                     </instance_attributes></node>"
                ))
            }
            Wish::Enabled(name, on) => {
                let value = if *on { "Started" } else { "Stopped" };
                modify(format!(
                    "<primitive id=\"{name}\"><meta_attributes id=\"{name}-meta\"><nvpair \
                     id=\"{name}-target-role\" name=\"target-role\" value=\"{value}\"/>\
                     </meta_attributes></primitive>"
                ))
            }
            Wish::Cleanup => {
                ToolRequest::Act { caller, action: Action::Cleanup(Target::default()) }
            }
        }
    }

    /// A brain answered.
    pub(crate) fn replied(&mut self, node: NodeId, id: ToolId, outcome: &Outcome) {
        let Some((_, wish)) = self.client.open.remove(&id) else { return };
        self.note(|| format!("n{node} answers {wish:?}: {:?} {}", outcome.code, outcome.message));
        if outcome.code != ExitCode::Ok {
            return;
        }
        match &wish {
            Wish::Configure => self.client.configured = true,
            Wish::Write(write) => {
                self.client.acknowledged.insert(*write);
            }
            Wish::Standby(..) | Wish::Enabled(..) | Wish::Cleanup => {}
        }
        if self.client.todo.front() == Some(&wish) {
            self.client.todo.pop_front();
            self.client.retry_at = self.now;
        }
    }

    /// Undoes what the disturbances asked for.
    pub(crate) fn wish_all_well(&mut self) {
        let mut todo = VecDeque::new();
        todo.extend(self.ids().into_iter().map(|node| Wish::Standby(node, false)));
        todo.extend(RESOURCES.iter().map(|name| Wish::Enabled(name, true)));
        todo.push_back(Wish::Cleanup);
        self.client.todo = todo;
    }

    /// Asks (again) for what must be done.
    pub(crate) fn pursue(&mut self) {
        if self.client.retry_at > self.now {
            return;
        }
        let wish = if self.client.configured {
            if !self.calm {
                return;
            }
            self.client.todo.front().cloned()
        } else {
            Some(Wish::Configure)
        };
        let brains: Vec<NodeId> = self
            .hosts
            .iter()
            .filter(|(_, host)| host.brain.as_ref().is_some_and(|b| b.brain.dc().is_some()))
            .map(|(id, _)| *id)
            .collect();
        let Some(node) = self.chance.pick(&brains).copied() else { return };
        if let Some(wish) = wish {
            self.client.retry_at = self.now + RETRY_MS;
            self.ask(node, wish);
        }
    }
}

//! What the tests of this core share: records, and a controller with hands and an engine that say
//! what the story wants.

#![allow(clippy::wildcard_enum_match_arm, reason = "a story looks for the few effects it is about")]

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use cib::Element;
use model::{
    AgentSpec, BootId, ExecStatus, Generation, HandsCommand, HandsId, HandsReport, Incarnation,
    Member, Monotonic, NodeId, OpRecord, Operation, Term, View, WallTime,
};

use super::controller::Controller;
use super::entry::NodeRecord;
use super::interface::{Effect, Event, Identity, Now, Severity};

/// Builds the record of a finished operation of an `ocf:test:Dummy` resource.
pub(crate) fn record(
    resource: &str,
    action: &str,
    interval_ms: u64,
    rc: i32,
    call_id: i64,
) -> OpRecord {
    OpRecord {
        resource: resource.into(),
        agent: AgentSpec {
            class: "ocf".into(),
            provider: Some("test".into()),
            kind: "Dummy".into(),
        },
        action: action.into(),
        interval_ms,
        call_id,
        rc,
        status: ExecStatus::Done,
        exit_reason: String::new(),
        transition_key: "1:1:0:uuid".into(),
        last_rc_change: WallTime(1_700_000_000_000),
        exec_time_ms: 20,
        queue_time_ms: 0,
        op_digest: cib::digest::operation(
            std::iter::empty::<(&str, &str)>(),
            interval_ms,
            cib::digest::Parameters::All,
        ),
        restart: None,
        secure: None,
        origin: "controld_update_resource_history".into(),
    }
}

pub(crate) const CONFIG: &str = r#"<cib><configuration><crm_config><cluster_property_set
    id="cib-bootstrap-options"><nvpair id="o1" name="stonith-enabled" value="false"/>
    </cluster_property_set></crm_config><nodes/><resources><group id="grp"><primitive id="web"
    class="ocf" provider="test" type="Dummy"/></group></resources><constraints/></configuration>
    </cib>"#;

/// A controller on node 1 and the world around it.
pub(crate) struct World {
    pub(crate) controller: Controller,
    pub(crate) now: u64,
    pub(crate) view: u64,
    /// Commands that went to hands and were not looked at yet.
    pub(crate) sent: Vec<(NodeId, HandsCommand)>,
    /// All other effects, in order.
    pub(crate) effects: Vec<Effect>,
    /// Graphs the engine answers with, in order; an empty graph when there is none left.
    pub(crate) graphs: VecDeque<String>,
    /// Requests to the engine, with their reasons' plan number and document.
    pub(crate) asked: Vec<(u64, Arc<Element>)>,
    /// Whether the engine answers at once.
    pub(crate) engine: bool,
    /// Whether the log commits at once.
    pub(crate) log: bool,
    pub(crate) records: BTreeMap<NodeId, NodeRecord>,
    /// Histories that nodes answer a join with; who is not in it does not answer.
    pub(crate) histories: BTreeMap<NodeId, Vec<OpRecord>>,
    pub(crate) reports: BTreeMap<NodeId, u64>,
    pub(crate) calls: i64,
    /// Boots of nodes that are not in their first one.
    pub(crate) boots: BTreeMap<NodeId, BootId>,
}

impl World {
    pub(crate) fn new() -> Self {
        let identity = Identity {
            me: NodeId(1),
            uuid: "our-uuid".into(),
            version: "0.1.0".into(),
            cluster_name: "c".into(),
        };
        let mut world = Self {
            controller: Controller::new(identity),
            now: 1_000,
            view: 0,
            sent: Vec::new(),
            effects: Vec::new(),
            graphs: VecDeque::new(),
            asked: Vec::new(),
            engine: true,
            log: true,
            records: BTreeMap::new(),
            histories: (1..=3).map(|n| (NodeId(n), Vec::new())).collect(),
            reports: BTreeMap::new(),
            calls: 0,
            boots: BTreeMap::new(),
        };
        world.tell(Event::Nodelist(
            (1..=3).map(|n| (NodeId(n), format!("ser{n}").as_str().into())).collect(),
        ));
        world.tell(Event::Config(Arc::new(cib::parse(CONFIG).unwrap())));
        world
    }

    /// A DC of three nodes that has made its first plan, which was empty.
    pub(crate) fn settled() -> Self {
        let mut world = Self::new();
        world.see(&[1, 2, 3], true);
        world.lead(1);
        world.pass(10);
        assert_eq!(world.asked.len(), 1);
        assert!(world.controller.is_idle());
        world.effects.clear();
        world
    }

    pub(crate) fn boot(&self, node: NodeId) -> BootId {
        self.boots.get(&node).copied().unwrap_or(BootId(node.0.into()))
    }

    pub(crate) fn clock(&self) -> Now {
        let wall = i64::try_from(self.now).unwrap() + 1_700_000_000_000;
        Now { monotonic: Monotonic(self.now), wall: WallTime(wall) }
    }

    pub(crate) fn tell(&mut self, event: Event) {
        let mut events = VecDeque::from([event]);
        while let Some(event) = events.pop_front() {
            let mut out = Vec::new();
            self.controller.handle(self.clock(), event, &mut out);
            for effect in out {
                self.effects.push(effect.clone());
                match effect {
                    Effect::Hands { node, command: HandsCommand::Join { authority } } => {
                        if let Some(records) = self.histories.get(&node) {
                            let report = HandsReport::History {
                                authority,
                                boot: self.boot(node),
                                hands: HandsId(node.0.into()),
                                records: records.clone(),
                            };
                            events.push_back(Event::Hands { node, report });
                        }
                    }
                    Effect::Hands { command: HandsCommand::Acknowledge { .. }, .. } => {}
                    Effect::Hands { node, command } => self.sent.push((node, command)),
                    Effect::Record(record) if self.log => {
                        self.records.insert(record.node, record);
                        events.push_back(Event::NodeRecords(self.records.clone()));
                    }
                    Effect::Plan { plan, document, .. } => {
                        self.asked.push((plan, document));
                        if self.engine {
                            events.push_back(self.answer());
                        }
                    }
                    Effect::Record(_)
                    | Effect::Status(_)
                    | Effect::Snapshot { .. }
                    | Effect::WantSnapshot
                    | Effect::SaveInput { .. }
                    | Effect::SetAttribute(_)
                    | Effect::Configure(_)
                    | Effect::MayLeave { .. }
                    | Effect::Fence { .. }
                    | Effect::Journal(_) => {}
                }
            }
        }
    }

    /// The engine's answer to the last request.
    pub(crate) fn answer(&mut self) -> Event {
        let text = self.graphs.pop_front().unwrap_or_else(|| graph(""));
        Event::Planned {
            plan: self.asked.last().unwrap().0,
            graph: Arc::new(cib::parse(&text).unwrap()),
            severity: Severity::Good,
            remarks: Vec::new(),
        }
    }

    pub(crate) fn pass(&mut self, ms: u64) {
        self.now += ms;
        self.tell(Event::Tick);
    }

    pub(crate) fn see(&mut self, nodes: &[u32], quorate: bool) {
        self.view += 1;
        let members = nodes.iter().map(|&n| {
            let member = Member {
                id: NodeId(n),
                name: format!("ser{n}").into(),
                boot: self.boot(NodeId(n)),
                incarnation: Incarnation(1),
            };
            (NodeId(n), member)
        });
        let view = View { number: self.view, members: members.collect(), quorate };
        self.tell(Event::View(view));
    }

    pub(crate) fn lead(&mut self, term: u64) {
        self.tell(Event::Leading { generation: Generation(1), term: Term(term) });
    }

    /// Takes the operations sent since the last look.
    pub(crate) fn operations(&mut self) -> Vec<Operation> {
        std::mem::take(&mut self.sent)
            .into_iter()
            .filter_map(|(_, command)| match command {
                HandsCommand::Execute { operation, .. } => Some(operation),
                HandsCommand::Join { .. }
                | HandsCommand::Cancel { .. }
                | HandsCommand::Forget { .. }
                | HandsCommand::Acknowledge { .. }
                | HandsCommand::Quorate { .. }
                | HandsCommand::GiveWay
                | HandsCommand::Policy { .. } => None,
            })
            .collect()
    }

    /// Takes what was sent, like `start web on ser2`.
    pub(crate) fn sent(&mut self) -> Vec<String> {
        self.operations()
            .into_iter()
            .map(|o| format!("{} {} on {}", o.action, o.resource, o.node))
            .collect()
    }

    pub(crate) fn one(&mut self) -> Operation {
        let mut operations = self.operations();
        assert_eq!(operations.len(), 1, "{operations:?}");
        operations.remove(0)
    }

    pub(crate) fn record_of(&mut self, operation: &Operation, rc: i32) -> OpRecord {
        self.calls += 1;
        OpRecord {
            resource: operation.resource.clone(),
            agent: operation.agent.clone(),
            action: operation.action.clone(),
            interval_ms: operation.interval_ms,
            call_id: self.calls,
            rc,
            status: ExecStatus::Done,
            exit_reason: String::new(),
            transition_key: operation.transition_key.clone(),
            last_rc_change: self.clock().wall,
            exec_time_ms: 1,
            queue_time_ms: 0,
            op_digest: String::new(),
            restart: None,
            secure: None,
            origin: "test".into(),
        }
    }

    pub(crate) fn report(&mut self, node: u32, record: OpRecord) {
        let node = NodeId(node);
        let report = *self.reports.entry(node).and_modify(|n| *n += 1).or_insert(1);
        self.tell(Event::Hands { node, report: HandsReport::Result { report, record } });
    }

    pub(crate) fn ends(&mut self, operation: &Operation, rc: i32) {
        let record = self.record_of(operation, rc);
        let node = operation.node.trim_start_matches("ser").parse().unwrap();
        self.report(node, record);
    }

    pub(crate) fn journal(&self) -> Vec<String> {
        self.effects
            .iter()
            .filter_map(|effect| match effect {
                Effect::Journal(entry) => Some(entry.what.to_string()),
                _ => None,
            })
            .collect()
    }

    pub(crate) fn attribute(&self, node: u32, name: &str) -> Option<&str> {
        self.controller.attribute(NodeId(node), name)
    }

    pub(crate) fn entry(&self, id: &str) -> Option<&Element> {
        self.controller.status().find_id(id)
    }

    pub(crate) fn node_state(&self, node: u32) -> (String, String) {
        let id = node.to_string();
        let state = self.controller.status().children().find(|s| s.id() == Some(&id)).unwrap();
        let get = |key| state.get(key).unwrap_or_default().to_owned();
        (get("join"), get("expected"))
    }
}

pub(crate) fn graph(synapses: &str) -> String {
    format!("<transition_graph transition_id=\"1\">{synapses}</transition_graph>")
}

/// One operation on `web`, after others by number.
pub(crate) fn operation(id: u32, task: &str, node: u32, interval: u32, after: &[u32]) -> String {
    let inputs: String = after
        .iter()
        .map(|n| {
            format!("<trigger><rsc_op id=\"{n}\" operation=\"x\" operation_key=\"x\"/></trigger>")
        })
        .collect();
    let target = if task == "monitor" && interval == 0 { 7 } else { 0 };
    format!(
        "<synapse><action_set><rsc_op id=\"{id}\" operation=\"{task}\" \
         operation_key=\"web_{task}_{interval}\" on_node=\"ser{node}\" on_node_uuid=\"{node}\">\
         <primitive id=\"web\" class=\"ocf\" provider=\"test\" type=\"Dummy\"/>\
         <attributes CRM_meta_interval=\"{interval}\" CRM_meta_timeout=\"20000\" \
         CRM_meta_op_target_rc=\"{target}\" CRM_meta_operation=\"monitor\"/></rsc_op></action_set>\
         <inputs>{inputs}</inputs></synapse>"
    )
}

/// Something of the controller's own about a node, after others by number.
pub(crate) fn cluster_event(id: u32, task: &str, node: u32) -> String {
    format!(
        "<synapse><action_set><crm_event id=\"{id}\" operation=\"{task}\" operation_key=\"{task}\" \
         on_node=\"ser{node}\" on_node_uuid=\"{node}\"><primitive id=\"web\" class=\"ocf\" \
         provider=\"test\" type=\"Dummy\"/></crm_event></action_set><inputs/></synapse>"
    )
}

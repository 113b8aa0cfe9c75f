//! The loop: one input at a time into the core, its outputs to where they belong.

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{mpsc, watch};

use cib::Element;
use crmd::core::Now;
use model::{HandsCommand, Monotonic, NodeId, WallTime};

use crate::core::message::{Action, Caller, Outcome, ToolId, ToolRequest};
use crate::core::{Brain, Input, Output};
use crate::wire::{message_from_wire, message_to_wire};

use super::disk::{Batch, LogDone, Paper, PaperTrouble};
use super::engine::{Answer, Engine};
use super::hands_link::HandsInput;
use super::heartbeats::{GroupInput, Heartbeats};
use super::info;
use super::peers::{PeerInput, Peers};
use super::showing::Showing;
use super::start;
use super::tools::ToolInput;

/// Time is told to the core this often: raft's unit is 20 ms, deadlines are no finer.
const TICK: Duration = Duration::from_millis(10);

/// Inputs of one kind that are taken before the others get their turn.
const TURN: usize = 64;

/// A tool's number that no tool has: this process asks itself to leave.
const OWN_WISH: ToolId = ToolId(0);

/// Everything around the core.
pub(super) struct Daemon {
    pub(super) brain: Brain,
    pub(super) began: Instant,
    pub(super) heartbeats: Heartbeats,
    pub(super) peers: Peers,
    pub(super) peer_inputs: mpsc::Receiver<PeerInput>,
    pub(super) hands: mpsc::Sender<HandsCommand>,
    pub(super) hands_inputs: mpsc::Receiver<HandsInput>,
    pub(super) hands_connected: bool,
    pub(super) log: std::sync::mpsc::Sender<Batch>,
    pub(super) log_done: mpsc::UnboundedReceiver<LogDone>,
    pub(super) papers: std::sync::mpsc::Sender<Paper>,
    pub(super) paper_trouble: PaperTrouble,
    pub(super) tool_inputs: mpsc::Receiver<ToolInput>,
    pub(super) plans: watch::Sender<Option<PlanRequest>>,
    pub(super) planned: mpsc::Receiver<(u64, Result<Answer, String>)>,
    pub(super) showing: Showing,
    pub(super) warnings: info::Warnings,
    /// Removed when the log is born.
    pub(super) birth_mark: std::path::PathBuf,
    pub(super) conf_file: std::path::PathBuf,
    pub(super) leaving: bool,
}

/// What the engine is asked.
#[derive(Clone, Debug)]
pub(super) struct PlanRequest {
    plan: u64,
    document: Arc<Element>,
    now: WallTime,
}

/// Serves plan requests; a newer one makes an older void that has not begun.
pub(super) async fn engine_task(
    mut engine: Engine,
    mut requests: watch::Receiver<Option<PlanRequest>>,
    planned: mpsc::Sender<(u64, Result<Answer, String>)>,
) {
    if let Err(error) = engine.warm() {
        tracing::error!(error = super::disk::whole(&error), "no policy engine");
    }
    while requests.changed().await.is_ok() {
        let Some(request) = requests.borrow_and_update().clone() else { continue };
        let text = request.document.to_xml_compact();
        let answer = engine.plan(&text, request.now.0).await;
        let answer = answer.map_err(|error| super::disk::whole(&error));
        if planned.send((request.plan, answer)).await.is_err() {
            return;
        }
        if let Err(error) = engine.warm() {
            tracing::error!(error = super::disk::whole(&error), "no policy engine");
        }
    }
}

impl Daemon {
    pub(super) fn now(&self) -> Now {
        let wall = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Now {
            monotonic: Monotonic(u64::try_from(self.began.elapsed().as_millis()).unwrap_or(0)),
            wall: WallTime(i64::try_from(wall.as_millis()).unwrap_or(0)),
        }
    }

    /// Runs until this node has left in order, or must end.
    pub(super) async fn run(mut self, first: Vec<Output>) -> std::io::Result<()> {
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        let mut ticks = tokio::time::interval(TICK);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        self.carry_out(first);
        while !self.leaving {
            tokio::select! {
                _ = ticks.tick() => self.step(Input::Tick),
                Some(input) = self.heartbeats.next() => self.take_group(input),
                Some(input) = self.peer_inputs.recv() => {
                    self.take_peer(input);
                    for _ in 0..TURN {
                        let Ok(input) = self.peer_inputs.try_recv() else { break };
                        self.take_peer(input);
                    }
                }
                Some(done) = self.log_done.recv() => self.step(match done {
                    LogDone::Written { seq, took_ms } => Input::Persisted { seq, took_ms },
                    LogDone::Failed { seq, error } => Input::PersistFailed { seq, error },
                }),
                Some(input) = self.hands_inputs.recv() => {
                    self.take_hands(input);
                    for _ in 0..TURN {
                        let Ok(input) = self.hands_inputs.try_recv() else { break };
                        self.take_hands(input);
                    }
                }
                Some((plan, answer)) = self.planned.recv() => self.take_plan(plan, answer),
                Some(input) = self.tool_inputs.recv() => self.take_tool(input),
                _ = terminate.recv() => self.wish_to_leave(),
                _ = interrupt.recv() => self.wish_to_leave(),
            }
            self.heartbeats.alive();
            self.showing.publish(self.brain.document_parts());
        }
        // the others must hear that they may go, too, before this one is gone
        self.peers.finish().await;
        self.heartbeats.leave().await;
        Ok(())
    }

    /// SIGTERM is the wish to leave in order: resources stop first.
    fn wish_to_leave(&mut self) {
        let action = Action::Leave { all: false };
        let request = ToolRequest::Act { caller: Caller::default(), action };
        self.step(Input::Tool { id: OWN_WISH, request });
    }

    fn step(&mut self, input: Input) {
        let mut out = Vec::new();
        let now = self.now();
        self.brain.handle(now, input, &mut out);
        self.carry_out(out);
    }

    fn take_group(&mut self, input: GroupInput) {
        match input {
            GroupInput::View(view) => {
                tracing::info!(
                    view = view.number,
                    quorate = view.quorate,
                    members = ?view.members.keys().map(|id| id.0).collect::<Vec<_>>(),
                    "a new view"
                );
                let lost: Vec<NodeId> = self
                    .brain
                    .view()
                    .members
                    .keys()
                    .copied()
                    .filter(|node| !view.members.contains_key(node))
                    .collect();
                for node in lost {
                    // what hangs in a connection to a dead host must not delay its next life
                    self.peers.renew(node);
                }
                self.say_view(&view);
                self.write(Paper::View(view.number));
                self.step(Input::View(view));
            }
            GroupInput::Restarted(node) => {
                tracing::info!(peer = %node, "the peer's brain has started again");
                self.peers.renew(node);
            }
            GroupInput::Said { text } => {
                tracing::warn!("{text}");
                self.warnings.note(text, self.began.elapsed());
            }
            GroupInput::Happened { kind, text } => {
                tracing::info!("{text}");
                self.say(kind, &text);
            }
            GroupInput::Left => {}
        }
    }

    fn say_view(&mut self, view: &model::View) {
        let members: Vec<&str> = view.members.values().map(|m| m.name.as_str()).collect();
        let quorum = if view.quorate { "quorate" } else { "without quorum" };
        self.say("view", &format!("view {}: {} ({quorum})", view.number, members.join(", ")));
    }

    /// Tells whoever watches; events of the controller have a form of their own.
    fn say(&mut self, kind: &str, text: &str) {
        let now = self.now().wall.0;
        let line = serde_json::json!({ "time": now, "kind": kind, "text": text });
        self.showing.tell(line.to_string());
    }

    fn take_peer(&mut self, input: PeerInput) {
        match input {
            PeerInput::Up(node) => self.step(Input::PeerUp(node)),
            PeerInput::Down(node) => self.step(Input::PeerDown(node)),
            PeerInput::Said { from, incarnation, message } => {
                let known = self.brain.view().members.get(&from).map(|m| m.incarnation);
                if known.is_some_and(|known| known > incarnation) {
                    return;
                }
                match message_from_wire(message) {
                    Ok(message) => self.step(Input::Peer { from, message }),
                    Err(error) => tracing::error!(peer = %from, %error, "dropped a message"),
                }
            }
        }
    }

    fn take_hands(&mut self, input: HandsInput) {
        match input {
            HandsInput::Up => {
                self.hands_connected = true;
                tracing::info!("the hands are there");
                self.step(Input::HandsUp);
            }
            HandsInput::Down => {
                self.hands_connected = false;
                tracing::warn!("the hands are away");
            }
            HandsInput::Said(report) => self.step(Input::Hands(report)),
        }
    }

    fn take_plan(&mut self, plan: u64, answer: Result<Answer, String>) {
        let input = match answer {
            Err(reason) => Input::PlanFailed { plan, reason },
            Ok(answer) if !answer.objections.is_empty() => Input::PlanFailed {
                plan,
                reason: format!(
                    "the plan does not pass its check: {}",
                    answer.objections.join("; ")
                ),
            },
            Ok(answer) => match cib::parse(&answer.graph) {
                Ok(graph) => {
                    let (severity, remarks) = info::remarks(&answer.report);
                    Input::Planned { plan, graph: Arc::new(graph), severity, remarks }
                }
                Err(error) => {
                    Input::PlanFailed { plan, reason: format!("its graph is no XML: {error}") }
                }
            },
        };
        self.step(input);
    }

    fn take_tool(&mut self, input: ToolInput) {
        match input {
            ToolInput::Asked { id, request, reply } => {
                self.showing.expect(id, reply);
                self.step(Input::Tool { id, request });
            }
            ToolInput::Gone(id) => {
                self.showing.forget(id);
                self.step(Input::ToolGone(id));
            }
            ToolInput::Reload(reply) => {
                let outcome = self.reload();
                // the tool may be gone
                let _told = reply.send(outcome);
            }
            ToolInput::Info(reply) => {
                let info = info::live(self);
                let text = serde_json::to_string(&info).unwrap_or_default();
                // the tool may be gone
                let _told = reply.send(text);
            }
            ToolInput::Attributes { node, name, reply } => {
                let found = info::attributes(&self.brain, node.as_deref(), name.as_deref());
                let _told = reply.send(found);
            }
            ToolInput::Resolve { node, reply } => {
                let _told = reply.send(info::resolve(&self.brain, &node));
            }
        }
    }

    /// Reads corosync.conf again; a bad one changes nothing.
    fn reload(&mut self) -> Outcome {
        let me = self.brain.settings().me;
        let read = start::read_conf(&self.conf_file)
            .and_then(|conf| Ok((start::peer_addresses(&conf, me)?, conf)));
        match read {
            Ok((peers, conf)) => {
                tracing::info!(version = conf.totem.config_version, "corosync.conf is read again");
                let names = conf.nodes.values().map(|node| (node.id, node.name.clone())).collect();
                self.heartbeats.reload(conf);
                self.peers.configure(&peers);
                self.step(Input::Nodelist(names));
                Outcome::done()
            }
            Err(error) => Outcome::refused(model::ExitCode::Config, error.to_string()),
        }
    }

    fn carry_out(&mut self, outputs: Vec<Output>) {
        let mut snapshots = Vec::new();
        let mut fencings = Vec::new();
        for output in outputs {
            match output {
                Output::Send { to, message, snapshot } => {
                    self.peers.send(to, message_to_wire(message));
                    if snapshot {
                        // the stream is reliable while it lasts; a break is told as PeerDown
                        snapshots.push(to);
                    }
                }
                Output::Persist { seq, records, sync } => {
                    if self.log.send(Batch { seq, records, sync }).is_err() {
                        tracing::error!("the log's thread has ended");
                    }
                }
                Output::SaveDocument(document) => self.write(Paper::Document(document)),
                Output::Archive { document, why } => self.write(Paper::Archive { document, why }),
                Output::Born => {
                    match std::fs::remove_file(&self.birth_mark) {
                        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                            tracing::error!(%error, "the mark of the cluster's birth stays");
                        }
                        _ => {}
                    }
                    tracing::info!("the log of this cluster is born");
                }
                Output::Hands(command) => {
                    if let Err(error) = self.hands.try_send(command) {
                        tracing::error!(%error, "the hands take no commands");
                    }
                }
                Output::Reply { id, outcome } => self.showing.answer(id, outcome),
                Output::Plan { plan, document, now } => {
                    self.plans.send_replace(Some(PlanRequest { plan, document, now }));
                }
                Output::Fence { node, boot, action } => fencings.push((node, boot, action)),
                Output::SaveInput { plan: _, severity, document, now } => {
                    self.write(Paper::Input { severity, document, now });
                }
                Output::Journal(entry) => {
                    info::log(&entry);
                    self.showing.tell(info::journal_line(&entry));
                }
                Output::Warn(text) => {
                    tracing::warn!("{text}");
                    self.warnings.note(text, self.began.elapsed());
                }
                Output::SoleVoter => self.heartbeats.wait_for_all_satisfied(),
                Output::ExpectVotes(votes) => {
                    tracing::info!(votes, "an operator has set the votes expected");
                    self.heartbeats.expected_votes(votes);
                }
                Output::Leave => self.leaving = true,
            }
        }
        for to in snapshots {
            self.step(Input::SnapshotSent { to, delivered: true });
        }
        for (node, boot, action) in fencings {
            let name = self.brain.settings().nodelist.get(&node).cloned();
            let name = name.map_or_else(|| format!("node {node}"), |name| name.to_string());
            let reason = format!(
                "{name} should be fenced ({action}), and this version has no fencing yet: nothing \
                 that may run on {name} is started elsewhere; when {name} is certainly off, \
                 remove it or set stonith-enabled=false"
            );
            self.step(Input::FencingFailed { node, boot, reason });
        }
    }

    fn write(&self, paper: Paper) {
        if self.papers.send(paper).is_err() {
            tracing::error!("the thread that writes documents has ended");
        }
    }
}

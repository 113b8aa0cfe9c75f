//! What the hands are told and what they ask of their caller.

use std::sync::Arc;

use model::{
    AgentSpec, BootId, ExecStatus, HandsCommand, HandsId, HandsReport, Operation, ResourceId,
};

use super::digests::AgentTraits;
use super::lane::Started;

/// What these hands are and may do.
#[derive(Clone, Debug)]
pub struct Settings {
    /// This boot.
    pub boot: BootId,
    /// This life.
    pub hands: HandsId,
    /// Processes at once for what was asked for, and the same number again for repetitions, so
    /// that hanging monitors cannot keep a stop from running.
    pub processes_max: usize,
    /// The first call id to give out; at least 1.
    pub next_call: i64,
    /// Whether a recurring operation that fails the same way again is told again. Pacemaker
    /// tells changes only.
    pub repeat_failures: bool,
}

/// Names one execution of an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Token(pub u64);

/// How an execution ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// `Done` where the agent returned a code, else what went wrong.
    pub status: ExecStatus,
    /// The OCF code.
    pub rc: i32,
    /// What the agent or its executor says about it.
    pub exit_reason: String,
    /// Milliseconds it ran.
    pub exec_time_ms: u64,
}

/// What the hands are told.
#[derive(Clone, Debug)]
pub enum Event {
    /// A brain has come; an earlier one is gone.
    Connected,
    /// The brain is gone.
    Disconnected,
    /// The brain wants something.
    Command(HandsCommand),
    /// A process ended, or could not be started.
    Exited {
        /// Which one.
        token: Token,
        /// How.
        outcome: Outcome,
    },
    /// What an agent's metadata says; told before the result it is needed for.
    Described {
        /// The agent.
        agent: AgentSpec,
        /// Its traits.
        traits: Arc<AgentTraits>,
    },
    /// An operation of a former life still runs under its runner, or ended meanwhile. Answered
    /// by [`Effect::Watch`]. Told before the first brain comes.
    TakenUp {
        /// Its call id in that life.
        call_id: i64,
        /// The operation.
        operation: Arc<Operation>,
        /// Milliseconds since it began.
        ran_ms: u64,
    },
    /// What a former life remembered of a resource it started.
    Remembered {
        /// The resource.
        resource: ResourceId,
        /// With what it was started.
        started: Started,
    },
    /// Time passed.
    Tick,
}

/// What the caller must do.
#[allow(clippy::large_enum_variant, reason = "a handful at a time, consumed at once")]
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Start an agent; answer with [`Event::Exited`].
    Spawn {
        /// Names the execution.
        token: Token,
        /// The operation's number; one for all repetitions of it.
        call_id: i64,
        /// What to run.
        operation: Arc<Operation>,
    },
    /// Answer with [`Event::Exited`] when the runner of this call of a former life has ended.
    Watch {
        /// Names the execution.
        token: Token,
        /// The operation's number.
        call_id: i64,
    },
    /// End an execution early.
    Kill {
        /// Which one.
        token: Token,
    },
    /// Tell the brain, if one is there.
    Report(HandsReport),
    /// The brain has recorded this call: what is kept of it on disk may go.
    Discard {
        /// The operation's number.
        call_id: i64,
    },
    /// Keep with what a resource was started (`None`: it is stopped) for a later life.
    Remember {
        /// The resource.
        resource: ResourceId,
        /// With what it was started.
        started: Option<Started>,
    },
    /// Write a line to the log.
    Log {
        /// How loud.
        level: Level,
        /// About which resource.
        resource: Option<ResourceId>,
        /// What happened.
        text: String,
    },
}

/// How loud a log line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// For developers.
    Debug,
    /// One decision.
    Info,
    /// Something to look at.
    Warn,
    /// Something is wrong.
    Error,
}

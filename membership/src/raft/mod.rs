//! The replicated log: entries are bytes, generations and lineage are ours, the rest is raft's.
//!
//! The only module tree that knows the `raft` crate. `Consensus` is sans-io: events in, effects
//! out. `log_store` is the shell that keeps its records on disk.
//!
//! ```text
//! let (store, recovered) = LogStore::open(dir)?;          // recovered.warnings: log them
//! let mut core = Consensus::open(config, recovered.state, now, &mut out);
//! core.handle(now, event, &mut out);
//! // for Effect::Persist { seq, records, sync }, on the disk thread:
//! let written = store.append(&records, sync)?;             // -> PersistDone { seq, written.took_ms }
//! ```

pub mod consensus;
mod convert;
pub mod durable;
mod election;
pub mod event;
mod lineage;
pub mod log_store;
mod logging;
mod memory;
mod peers;
mod pump;
pub mod record;
mod voters;

#[cfg(test)]
mod tests;

pub use consensus::{Consensus, ENTRY_BYTES_MAX, Obstacle, Standing, TICK_MS};

pub use event::{
    Config, Effect, Event, Licence, Rejection, RequestId, ResetReason, Role, VoterChange,
};

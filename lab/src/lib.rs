//! Hosts made of namespaces, faults and probes: what demo, benchmarks and end-to-end tests stand on.
//!
//! Knows nothing of the product but paths. The recipe is `notes/namespaces.md`'s: a lab is one set of
//! namespaces with a bridge; each host is a child of it with its own network, mounts, processes,
//! hostname and memory; the client lives on the bridge.

mod arguments;
pub mod bench;
mod bench_commands;
pub mod cluster;
pub mod demo;
pub mod enter;
mod face;
pub mod hosts;
pub mod init;
pub mod probe;

pub use cluster::{Cluster, ClusterPlan, Said};
pub use hosts::{Host, HostPlan, Lab, LabError};
pub use probe::{Outage, Prober};

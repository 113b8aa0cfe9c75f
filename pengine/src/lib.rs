//! The policy engine: one document and one instant in, one plan out.
//!
//! Pure and deterministic: it reads no clock, no file and no environment.

mod action;
mod action_meta;
mod blocking;
mod bundle;
mod bundle_constraints;
mod bundle_create;
mod bundle_order;
mod bundle_place;
mod bundle_recipe;
mod bundle_remote;
mod bundle_unpack;
pub mod check;
mod clone_colocation;
mod clone_create;
mod cluster;
mod colocate;
mod colocation_constraint;
mod config_change;
mod constraint;
mod create;
mod decision;
mod digest;
mod dot;
mod entry;
pub mod explain;
mod explain_cause;
mod fail_count;
mod fence_and_shutdown;
mod fencing;
mod few;
mod flags_memo;
mod graph;
mod graph_attributes;
mod guest_fencing;
mod health;
mod history;
mod in_graph;
mod index;
mod instances;
mod interleaved_order;
mod internal;
mod invalid_order;
mod ledger;
mod list_sort;
mod location;
mod maintenance_update;
mod markup;
mod migration_history;
mod migration_order;
mod node_status;
mod notify;
mod operation;
mod order;
mod order_constraint;
mod pair_map;
mod pairs;
pub mod parameter_digests;
mod place;
mod plan;
mod playback;
mod probe;
mod probe_order;
mod promotable_actions;
mod promote;
mod propagate;
mod properties;
mod recurring;
mod remote;
mod remote_order;
mod role;
mod rules;
mod scene;
pub mod status;
mod summary;
mod survey;
mod task;
mod ticket;
mod unfencing;
mod unpack;
mod utilization;
mod values;
mod wishes;

pub use markup::{Markup, Tree};
pub use plan::{Dot, Level, Message, Options, Plan, PlannedAction, Report, UtilizationLine};

use cib::Element;
use model::WallTime;

/// Decides what must be done, given a document (with its status) and an instant.
pub fn schedule(input: &Element, now: WallTime, options: &Options) -> Plan {
    schedule_into(input, now, options, Tree::default())
}

/// As [`schedule`], with the transition graph going where `graph` takes it: a large one need not
/// be built as a tree to be stored.
pub fn schedule_into<M: Markup>(
    input: &Element,
    now: WallTime,
    options: &Options,
    graph: M,
) -> Plan<M::Done> {
    let record = decision::Record::new(options.scores).with_utilization(options.utilization);
    graph::build(decide(input, now, options, record), options, graph)
}

/// All phases but the last.
fn decide(
    input: &Element,
    now: WallTime,
    options: &Options,
    record: decision::Record,
) -> order::Ordered {
    let unpacked = unpack::unpack(input, now, options);
    let constrained = constraint::apply(unpacked);
    let placed = place::place(constrained, record);
    let planned = create::actions(placed);
    order::relate(planned)
}

/// Digests the parameters of an operation, given the graph's `<attributes>`, as histories record
/// it (`op-digest`).
pub fn operation_digest(
    attributes: &std::collections::BTreeMap<String, String>,
    interval_ms: u64,
) -> String {
    let relevant = attributes
        .iter()
        .filter(|(name, _)| {
            !matches!(name.as_str(), "id" | "crm_feature_set" | "op-digest" | "pcmk_external_ip")
                && (!name.starts_with("CRM_meta_")
                    || (interval_ms > 0 && name.as_str() == "CRM_meta_timeout"))
        })
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    digest::of_parameters(&relevant)
}

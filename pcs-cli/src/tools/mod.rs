//! The smaller tools: `cibadmin`, `crm_*` and their like, a file each.

pub(crate) mod answer;
mod attrd_updater;
mod attribute_place;
mod attribute_wrappers;
mod cibadmin;
mod cibsecret;
mod corosync_cfgtool;
mod corosync_cmapctl;
mod corosync_keygen;
mod corosync_quorumtool;
mod crm_attribute;
mod crm_diff;
pub(crate) mod crm_error;
mod crm_mon;
mod crm_node;
mod crm_report;
mod crm_resource;
mod crm_rule;
mod crm_shadow;
mod crm_simulate;
mod crm_ticket;
mod crm_verify;
mod crmadmin;
mod events;
pub(crate) mod frame;
mod iso8601;
pub(crate) mod monitor_facts;
mod monitor_html;
pub(crate) mod monitor_text;
pub(crate) mod options;
mod pacemakerd;
mod patch_text;
mod resource_agents;
mod resource_by_hand;
mod resource_digests;
mod resource_history;
mod resource_parameters;
mod resource_places;
mod resource_queries;
mod resource_relations;
#[cfg(test)]
mod resource_tests;
mod resource_usage;
mod simulate_events;
mod simulate_profile;
mod simulate_xml;
pub(crate) mod simulation;
mod stonith_admin;

/// A tool: its arguments without its own name in, what the process exits with out.
pub type Tool = fn(&[String]) -> model::ExitCode;

/// The tools by the names they are called by; one line each.
const TOOLS: &[(&str, Tool)] = &[
    ("attrd_updater", attrd_updater::run),
    ("cibadmin", cibadmin::run),
    ("cibsecret", cibsecret::run),
    ("corosync-cfgtool", corosync_cfgtool::run),
    ("corosync-cmapctl", corosync_cmapctl::run),
    ("corosync-keygen", corosync_keygen::run),
    ("corosync-quorumtool", corosync_quorumtool::run),
    ("crm_attribute", crm_attribute::run),
    ("crm_diff", crm_diff::run),
    ("crm_error", crm_error::run),
    ("crm_failcount", attribute_wrappers::run_failcount),
    ("crm_master", attribute_wrappers::run_master),
    ("crm_mon", crm_mon::run),
    ("crm_node", crm_node::run),
    ("crm_report", crm_report::run),
    ("crm_resource", crm_resource::run),
    ("crm_rule", crm_rule::run),
    ("crm_shadow", crm_shadow::run),
    ("crm_standby", attribute_wrappers::run_standby),
    ("crm_ticket", crm_ticket::run),
    ("crm_simulate", crm_simulate::run),
    ("crm_verify", crm_verify::run),
    ("crmadmin", crmadmin::run),
    ("events", events::run),
    ("iso8601", iso8601::run),
    ("pacemakerd", pacemakerd::run),
    ("stonith_admin", stonith_admin::run),
];

/// Finds a tool by name.
pub fn find(name: &str) -> Option<Tool> {
    TOOLS.iter().find(|(known, _)| *known == name).map(|(_, tool)| *tool)
}

//! The smaller tools: `cibadmin`, `crm_*` and their like, a file each.

mod answer;
mod calendar;
mod cibadmin;
mod crm_diff;
mod crm_error;
mod crm_shadow;
mod crm_verify;
mod events;
mod iso8601;
mod options;
mod patch_text;

/// A tool: its arguments without its own name in, what the process exits with out.
pub type Tool = fn(&[String]) -> model::ExitCode;

/// The tools by the names they are called by; one line each.
const TOOLS: &[(&str, Tool)] = &[
    ("cibadmin", cibadmin::run),
    ("crm_diff", crm_diff::run),
    ("crm_error", crm_error::run),
    ("crm_shadow", crm_shadow::run),
    ("crm_verify", crm_verify::run),
    ("events", events::run),
    ("iso8601", iso8601::run),
];

/// Finds a tool by name.
pub fn find(name: &str) -> Option<Tool> {
    TOOLS.iter().find(|(known, _)| *known == name).map(|(_, tool)| *tool)
}

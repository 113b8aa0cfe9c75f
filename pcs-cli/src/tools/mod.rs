//! The smaller tools: `cibadmin`, `crm_*` and their like, a file each.

mod events;

/// A tool: its arguments without its own name in, what the process exits with out.
pub type Tool = fn(&[String]) -> model::ExitCode;

/// The tools by the names they are called by; one line each.
const TOOLS: &[(&str, Tool)] = &[("events", events::run)];

/// Finds a tool by name.
pub fn find(name: &str) -> Option<Tool> {
    TOOLS.iter().find(|(known, _)| *known == name).map(|(_, tool)| *tool)
}

//! `pcs` as people type it and the smaller tools as agents call them, on files in a directory of its own: what it prints, what it leaves
//! behind, and how it ends. Nothing of this machine is looked at but the program itself.

mod home;

mod agent_tools;
mod backups;
mod borderline;
mod borderline_order;
mod borderline_rules;
mod borderline_sets;
mod constraints;
mod desired;
mod everything_else;
mod explain;
mod files;
mod help;
mod membership_files;
mod monitor;
mod monitor_page;
mod nodes;
mod old_spellings;
mod plan;
mod properties;
mod report_tool;
mod resource_edits;
mod resources;
mod secrets;
mod simulate;
mod tools;

//! Looks at the name it was called by and hands over; nothing else.

use std::ffi::OsString;
use std::process::ExitCode;

mod roles;

fn main() -> ExitCode {
    let mut words = std::env::args_os();
    let called = words.next().unwrap_or_default();
    let name = std::path::Path::new(&called)
        .file_name()
        .map(|name| name.to_string_lossy().into_owned())
        .unwrap_or_default();
    let mut arguments: Vec<OsString> = words.collect();
    // `systole NAME …` is the same as NAME
    let name = if roles::is_tool(&name) || arguments.is_empty() {
        name
    } else {
        arguments.remove(0).to_string_lossy().into_owned()
    };
    roles::run(&name, &arguments)
}

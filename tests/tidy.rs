//! The house's rules that a compiler does not know: arrows between rooms, cores without a world,
//! a first line in every file, nothing left half done.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// The rooms from the bottom up. A room may name those on lower floors only, and `wire` as said.
const FLOORS: &[&[&str]] = &[
    &["model", "wire"],
    &["cib"],
    &["exec", "agents", "pengine"],
    &["membership", "lrmd", "crmd"],
    &["view"],
    &["pcs"],
    &["pcs-cli", "pcsd", "node", "lab"],
    &["sim", "ladder"],
    &["systole"],
];

/// Only shells and faces speak on the wire.
const ON_THE_WIRE: &[&str] = &["lrmd", "node", "pcs-cli", "pcsd"];

/// What a core must not name, and why.
const BANNED_IN_CORES: &[(&str, &str)] = &[
    ("tokio", "a core does no I/O"),
    ("std::net::Tcp", "a core opens no sockets"),
    ("std::net::Udp", "a core opens no sockets"),
    ("UnixStream", "a core opens no sockets"),
    ("std::fs", "a core touches no files"),
    ("std::process", "a core starts no processes"),
    ("std::thread", "a core starts no threads"),
    ("std::env", "a core reads no environment"),
    ("Instant::now", "a core is told the time"),
    ("SystemTime", "a core is told the time"),
    ("Timestamp::now", "a core is told the time"),
    ("Zoned::now", "a core is told the time"),
    ("thread_rng", "a core is told its random numbers"),
    ("HashMap", "order differs between runs: use BTreeMap"),
    ("HashSet", "order differs between runs: use BTreeSet"),
];

/// Cores: whole crates, and `core` trees of rooms with shells.
const CORES: &[&str] = &[
    "model/src",
    "cib/src",
    "pengine/src",
    "view/src",
    "membership/src/core",
    "crmd/src/core",
    "lrmd/src/core",
    "node/src/core",
];

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn rust_files(directory: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut open = vec![directory.to_owned()];
    while let Some(directory) = open.pop() {
        let Ok(entries) = fs::read_dir(&directory) else { continue };
        for entry in entries.map(Result::unwrap) {
            let path = entry.path();
            let name = entry.file_name().to_string_lossy().into_owned();
            if path.is_dir() {
                if !name.starts_with("target") && !name.starts_with('.') {
                    open.push(path);
                }
            } else if path.extension().is_some_and(|e| e == "rs") {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

fn shown(path: &Path) -> String {
    path.strip_prefix(root()).unwrap_or(path).display().to_string()
}

/// Names of the rooms a manifest depends on; dev-dependencies may reach anywhere.
fn arrows_of(manifest: &str) -> Vec<String> {
    let mut inside = false;
    let mut found = Vec::new();
    for line in manifest.lines() {
        if line.starts_with('[') {
            inside = line.trim() == "[dependencies]";
        } else if inside && let Some(name) = line.split(['.', ' ', '=']).next() {
            found.push(name.trim().to_owned());
        }
    }
    found
}

#[test]
fn arrows_point_down() {
    let floors: BTreeMap<&str, usize> = FLOORS
        .iter()
        .enumerate()
        .flat_map(|(floor, rooms)| rooms.iter().map(move |room| (*room, floor)))
        .collect();
    let mut wrong = Vec::new();
    for (room, floor) in &floors {
        let directory = match *room {
            "systole" => String::new(),
            room @ ("sim" | "ladder") => format!("tests/{room}/"),
            room => format!("{room}/"),
        };
        let manifest = root().join(format!("{directory}Cargo.toml"));
        let text =
            fs::read_to_string(&manifest).unwrap_or_else(|e| panic!("{}: {e}", manifest.display()));
        for target in arrows_of(&text) {
            let Some(below) = floors.get(target.as_str()) else { continue };
            if target == "wire" {
                if !ON_THE_WIRE.contains(room) {
                    wrong.push(format!("{room} speaks on the wire; only shells and faces may"));
                }
            } else if below >= floor {
                wrong.push(format!("{room} -> {target} does not point down"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The lines of a file that are code of the product: no comments, no test modules.
fn code_lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let end = text.lines().position(|line| line.trim() == "#[cfg(test)]").unwrap_or(usize::MAX);
    text.lines()
        .enumerate()
        .take_while(move |(number, _)| *number < end)
        .filter(|(_, line)| !line.trim_start().starts_with("//"))
}

fn is_test_file(path: &Path) -> bool {
    let text = shown(path);
    text.contains("/tests/")
        || text.starts_with("tests/")
        || text.ends_with("tests.rs")
        || text.ends_with("stories.rs")
        || text.ends_with("testing.rs")
        || text.ends_with("simulation.rs")
}

#[test]
fn cores_know_no_world() {
    let mut wrong = Vec::new();
    for core in CORES {
        for path in rust_files(&root().join(core)) {
            if is_test_file(&path) {
                continue;
            }
            let text = fs::read_to_string(&path).unwrap();
            for (number, line) in code_lines(&text) {
                for (word, why) in BANNED_IN_CORES {
                    if line.contains(word) {
                        wrong.push(format!("{}:{}: {word}: {why}", shown(&path), number + 1));
                    }
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn only_the_raft_module_knows_raft() {
    let mut wrong = Vec::new();
    for path in rust_files(&root()) {
        let name = shown(&path);
        if name.starts_with("membership/src/raft/") || name == "tests/tidy.rs" {
            continue;
        }
        let text = fs::read_to_string(&path).unwrap();
        for (number, line) in code_lines(&text) {
            if line.contains("use raft::")
                || line.contains("eraftpb")
                || line.contains("raft_prost")
            {
                let other = line.contains("membership::raft");
                if !other {
                    wrong.push(format!("{name}:{}", number + 1));
                }
            }
        }
    }
    // `use raft::` of a crate that imports `membership::raft` as a module is its own business
    wrong.retain(|place| !place.starts_with("node/") && !place.starts_with("tests/sim/"));
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_file_says_what_it_is_for() {
    let silent: Vec<String> = rust_files(&root())
        .iter()
        .filter(|path| !shown(path).contains("/generated/"))
        .filter(|path| !fs::read_to_string(path).unwrap().trim_start().starts_with("//!"))
        .map(|path| shown(path))
        .collect();
    assert!(silent.is_empty(), "no `//!` on the first line: {}", silent.join(", "));
}

#[test]
fn nothing_is_left_half_done() {
    let marks = [
        concat!("FIX", "ME"),
        concat!("XX", "X"),
        concat!("todo", "!("),
        concat!("unimpl", "emented!("),
    ];
    let mut wrong = Vec::new();
    for path in rust_files(&root()) {
        let text = fs::read_to_string(&path).unwrap();
        for (number, line) in text.lines().enumerate() {
            if marks.iter().any(|mark| line.contains(mark)) {
                wrong.push(format!("{}:{}: {}", shown(&path), number + 1, line.trim()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn golden_cases_are_complete() {
    let cases = root().join("tests/golden");
    let mut wrong = Vec::new();
    for entry in fs::read_dir(&cases).unwrap().map(Result::unwrap) {
        let directory = entry.path();
        if !directory.is_dir() {
            continue;
        }
        for file in ["about.txt", "cib.xml", "expected.txt"] {
            if !directory.join(file).exists() {
                wrong.push(format!("{} lacks {file}", shown(&directory)));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

//! `pcs` alone, for the recorded commands: `shared/pcs/check --pcs target/debug/examples/pcs`.
#![allow(clippy::exit, reason = "an exit status is what a command ends with")]

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    std::process::exit(pcs_cli::pcs::run(&arguments));
}

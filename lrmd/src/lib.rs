//! The hands: runs agents, one operation at a time per resource, and remembers what came of it.
//!
//! `core` decides, `shell` is the process around it (`systole lrmd`), `runner` keeps what must
//! outlive that process (`systole op-runner`). The brain's end of the line is in `node`.

mod agent;
pub mod core;
mod executor;
mod kept;
pub mod metadata;
mod paths;
pub mod runner;
mod server;
pub mod shell;
pub mod wire;

use std::ffi::OsString;
use std::process::ExitCode;

pub use paths::Paths;
pub use shell::{Config, LrmdError, serve};

/// `systole lrmd [--run DIRECTORY] [--processes N]`: runs the hands until told to end.
#[allow(clippy::print_stderr, reason = "before and after there is a log, this is the command line")]
pub fn main(arguments: &[OsString]) -> ExitCode {
    let config = match configure(arguments) {
        Ok(config) => config,
        Err(text) => {
            eprintln!("lrmd: {text}");
            return ExitCode::from(64);
        }
    };
    let filter = tracing_subscriber::EnvFilter::try_from_default_env()
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("info"));
    let logging = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(false)
        .try_init();
    if logging.is_err() {
        tracing::debug!("the log was set up already");
    }
    // Agents create files for others to read, whoever started us.
    nix::sys::stat::umask(nix::sys::stat::Mode::from_bits_truncate(0o022));
    // One thread: the work is done by the agents.
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("lrmd: no runtime: {error}");
            return ExitCode::FAILURE;
        }
    };
    match runtime.block_on(serve(config)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let cause = std::error::Error::source(&error).map(|cause| format!(": {cause}"));
            let text = format!("{error}{}", cause.unwrap_or_default());
            exec::notify::failed(&text);
            eprintln!("lrmd: {text}");
            ExitCode::FAILURE
        }
    }
}

/// Pacemaker's name for the same limit, as administrators have it in /etc/default/pacemaker.
const LIMIT_VARIABLE: &str = "PCMK_node_action_limit";

fn configure(arguments: &[OsString]) -> Result<Config, String> {
    let mut config = Config::default();
    if let Ok(limit) = std::env::var(LIMIT_VARIABLE) {
        let limit = limit.trim();
        match limit.parse() {
            Ok(0) => {}
            Ok(limit) => config.processes_max = limit,
            Err(_) => return Err(format!("{LIMIT_VARIABLE}={limit} is not a number")),
        }
    }
    let mut words = arguments.iter();
    while let Some(word) = words.next() {
        let value = words.next();
        match (word.to_str(), value) {
            (Some("--run"), Some(directory)) => config.paths.run = directory.into(),
            (Some("--processes"), Some(number)) => {
                let number = number.to_string_lossy();
                let parsed = number.parse().ok().filter(|number| *number > 0);
                config.processes_max =
                    parsed.ok_or_else(|| format!("--processes {number} is not a number from 1"))?;
            }
            _ => {
                return Err(format!(
                    "`{}` is not understood; usage: lrmd [--run DIRECTORY] [--processes N]",
                    word.to_string_lossy()
                ));
            }
        }
    }
    Ok(config)
}

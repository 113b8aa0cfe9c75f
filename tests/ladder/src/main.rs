//! Measures the policy engine on clusters of growing size against an installed `crm_simulate`.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

use clap::Parser;
use ladder::{Shape, State, Wish};
use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike as _;

/// How much processor time and memory a plan takes, ours and that of an installed Pacemaker, on the
/// same documents in the same run.
#[derive(Debug, Parser)]
#[command(name = "ladder")]
struct Wishes {
    /// Our program, called as `PROGRAM crm_simulate`.
    #[arg(long, default_value = "target/release/systole")]
    ours: PathBuf,
    /// The program to compare with; `none` measures ours alone.
    #[arg(long, default_value = "/usr/sbin/crm_simulate")]
    peer: PathBuf,
    /// Nodes x resources.
    #[arg(long, value_delimiter = ',', value_parser = size,
          default_values = ["3x100", "8x300", "16x1000", "32x1000", "32x2000"])]
    sizes: Vec<(usize, usize)>,
    /// What the clusters are made of.
    #[arg(long, value_delimiter = ',', value_enum,
          default_values = ["plain", "mixed", "clones", "promotable", "chains"])]
    shapes: Vec<Shape>,
    /// What they are going through.
    #[arg(long, value_delimiter = ',', value_enum, default_values = ["running", "failover", "stopped"])]
    states: Vec<State>,
    /// Runs of each program on each document; the median counts.
    #[arg(long, default_value_t = 3)]
    runs: usize,
    /// One JSON object a line in place of a table.
    #[arg(long)]
    json: bool,
    /// Writes the documents into this directory and measures nothing.
    #[arg(long, value_name = "DIRECTORY")]
    write: Option<PathBuf>,
    /// Runs one program and prints what it took (the ladder calls itself so, for a child's peak of
    /// memory is known only to a parent that has no others).
    #[arg(long, hide = true, num_args = 1.., allow_hyphen_values = true)]
    measure: Option<Vec<String>>,
}

#[derive(Debug, thiserror::Error)]
enum Wrong {
    #[error("{0}: {1}")]
    File(PathBuf, std::io::Error),
    #[error("{program} on {case}: {why}")]
    Run { program: String, case: String, why: String },
    #[error("cannot write the figures: {0}")]
    Output(#[from] std::io::Error),
}

/// What one run took.
#[derive(Clone, Copy, Debug, serde::Serialize, serde::Deserialize)]
struct Effort {
    cpu_ms: f64,
    peak_kib: i64,
}

/// The figures of one document.
#[derive(Debug, serde::Serialize)]
struct Rung {
    #[serde(flatten)]
    wish: Wish,
    input_kib: usize,
    ours: Effort,
    peer: Option<Effort>,
}

fn size(text: &str) -> Result<(usize, usize), String> {
    let both = text.split_once('x').and_then(|(n, r)| Some((n.parse().ok()?, r.parse().ok()?)));
    both.filter(|&(nodes, _)| nodes > 0).ok_or(format!("'{text}' is not NODESxRESOURCES"))
}

fn main() -> ExitCode {
    let wishes = Wishes::parse();
    let done = match &wishes.measure {
        Some(words) => measure(words),
        None => climb(&wishes),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(wrong) => {
            // nothing is left to tell a closed standard error
            drop(writeln!(std::io::stderr(), "ladder: {wrong}"));
            ExitCode::FAILURE
        }
    }
}

/// Runs one program and prints its effort as JSON.
fn measure(words: &[String]) -> Result<(), Wrong> {
    let [program, arguments @ ..] = words else { return Ok(()) };
    let wrong =
        |why: String| Wrong::Run { program: program.clone(), case: arguments.join(" "), why };
    let status = Command::new(program)
        .args(arguments)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .map_err(|error| wrong(error.to_string()))?;
    if !status.success() {
        return Err(wrong(status.to_string()));
    }
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN).map_err(|error| wrong(error.to_string()))?;
    let micros = usage.user_time().num_microseconds() + usage.system_time().num_microseconds();
    #[allow(clippy::cast_precision_loss, reason = "far below 2^52")]
    let effort = Effort { cpu_ms: micros as f64 / 1000.0, peak_kib: usage.max_rss() };
    writeln!(std::io::stdout(), "{}", serde_json::to_string(&effort).unwrap_or_default())?;
    Ok(())
}

/// Measures every document, or writes them down.
fn climb(wishes: &Wishes) -> Result<(), Wrong> {
    let scratch = tempfile::tempdir()?;
    let directory = wishes.write.as_deref().unwrap_or(scratch.path());
    std::fs::create_dir_all(directory).map_err(|error| Wrong::File(directory.into(), error))?;
    let mut out = std::io::stdout().lock();
    if wishes.write.is_none() && !wishes.json {
        writeln!(
            out,
            "| nodes x resources | shape | state | input MiB | CPU ms | peer's | ratio | MiB | peer's | ratio |\n\
             |---|---|---|---:|---:|---:|---:|---:|---:|---:|"
        )?;
    }
    for &(nodes, resources) in &wishes.sizes {
        for &shape in &wishes.shapes {
            for &state in &wishes.states {
                let wish = Wish { shape, state, nodes, resources };
                let path = directory.join(format!(
                    "{nodes}x{resources}-{}.xml",
                    format!("{shape:?}-{state:?}").to_lowercase()
                ));
                let text = ladder::document(&wish);
                std::fs::write(&path, &text).map_err(|error| Wrong::File(path.clone(), error))?;
                if wishes.write.is_some() {
                    continue;
                }
                let rung = step(wishes, wish, text.len() / 1024, &path)?;
                let line = if wishes.json {
                    serde_json::to_string(&rung).unwrap_or_default()
                } else {
                    row(&rung)
                };
                writeln!(out, "{line}")?;
                out.flush()?;
                std::fs::remove_file(&path).map_err(|error| Wrong::File(path, error))?;
            }
        }
    }
    Ok(())
}

fn step(wishes: &Wishes, wish: Wish, input_kib: usize, path: &Path) -> Result<Rung, Wrong> {
    let (mut ours, mut peers) = (Vec::new(), Vec::new());
    for _ in 0..wishes.runs.max(1) {
        ours.push(effort(&wishes.ours, &["crm_simulate"], path)?);
        if wishes.peer.as_os_str() != "none" {
            peers.push(effort(&wishes.peer, &[], path)?);
        }
    }
    Ok(Rung {
        wish,
        input_kib,
        ours: median(ours),
        peer: (!peers.is_empty()).then(|| median(peers)),
    })
}

/// Plans one document in a process of its own.
fn effort(program: &Path, first: &[&str], input: &Path) -> Result<Effort, Wrong> {
    let wrong = |why: String| Wrong::Run {
        program: program.display().to_string(),
        case: input.display().to_string(),
        why,
    };
    let this = std::env::current_exe()?;
    let output = Command::new(this)
        .arg("--measure")
        .arg(program)
        .args(first)
        // the plan alone, not its simulated execution
        .args(["-Q", "-G", "/dev/null", "-x"].map(std::ffi::OsStr::new))
        .arg(input)
        .output()
        .map_err(|error| wrong(error.to_string()))?;
    serde_json::from_slice(&output.stdout)
        .map_err(|_| wrong(String::from_utf8_lossy(&output.stderr).trim().to_owned()))
}

/// The run in the middle by processor time, with the highest peak of all.
fn median(mut efforts: Vec<Effort>) -> Effort {
    efforts.sort_by(|a, b| a.cpu_ms.total_cmp(&b.cpu_ms));
    let peak_kib = efforts.iter().map(|effort| effort.peak_kib).max().unwrap_or_default();
    Effort { cpu_ms: efforts[efforts.len() / 2].cpu_ms, peak_kib }
}

#[allow(clippy::cast_precision_loss, reason = "sizes of files and processes")]
fn row(rung: &Rung) -> String {
    let Rung { wish, input_kib, ours, peer } = rung;
    let mib = |kib: i64| kib as f64 / 1024.0;
    let (peer_cpu, ratio, peer_mib, peak_ratio) = match peer {
        Some(peer) => (
            format!("{:.0}", peer.cpu_ms),
            format!("{:.1}", peer.cpu_ms / ours.cpu_ms),
            format!("{:.0}", mib(peer.peak_kib)),
            format!("{:.1}", mib(peer.peak_kib) / mib(ours.peak_kib)),
        ),
        None => Default::default(),
    };
    format!(
        "| {}x{} | {} | {} | {:.1} | {:.1} | {peer_cpu} | {ratio} | {:.0} | {peer_mib} | {peak_ratio} |",
        wish.nodes,
        wish.resources,
        format!("{:?}", wish.shape).to_lowercase(),
        format!("{:?}", wish.state).to_lowercase(),
        *input_kib as f64 / 1024.0,
        ours.cpu_ms,
        mib(ours.peak_kib),
    )
}

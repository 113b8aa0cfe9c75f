//! The demo: a real cluster on three hosts, a fault, and how it goes on.

use std::ffi::OsString;
use std::io::{BufRead as _, BufReader, IsTerminal as _};
use std::net::Ipv4Addr;
use std::path::Path;
use std::process::{Child, ExitCode, Stdio};
use std::sync::mpsc;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::arguments::{Arguments, parse_number};
use crate::cluster::{Cluster, ClusterPlan, PASSWORD, Said};
use crate::enter;
use crate::face::{Command, out, pause};
use crate::hosts::LabError;
use crate::probe::{Outage, Prober};

/// The address that must always answer.
const ADDRESS: Ipv4Addr = Ipv4Addr::new(172, 25, 0, 100);

/// After this long without an answer the demo has failed.
const PATIENCE: Duration = Duration::from_secs(60);

const USAGE: &str = "usage: systole demo [--nodes N] [--fault crash|cut|pause|daemon] [--keep]

  --nodes N      hosts in the cluster, 2 to 8 (default 3)
  --fault WHAT   what happens to the host that holds the address:
                   crash   power loss: its links go down and all its processes end at once (default)
                   cut     its links go down, it runs on
                   pause   it stands still for 10 seconds, as a paused virtual machine does
                   daemon  only the cluster's brain is killed there; nothing else may notice
  --keep         leave the cluster up at the end and say how to get in
";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    Crash,
    Cut,
    Pause,
    Daemon,
}

#[derive(Clone, Debug)]
struct Options {
    nodes: u8,
    fault: Fault,
    keep: bool,
}

const COMMAND: Command = Command { name: "demo", usage: USAGE, keep_failed: false };

/// Runs the demo: `systole demo`.
pub fn main(arguments: &[OsString]) -> ExitCode {
    COMMAND.run(arguments, options(arguments), inside)
}

fn options(arguments: &[OsString]) -> Result<Options, String> {
    let mut words = Arguments::new(arguments);
    let mut options = Options { nodes: 3, fault: Fault::Crash, keep: false };
    while let Some(word) = words.next_word() {
        match word.as_str() {
            "--nodes" => options.nodes = parse_number(&words.value("--nodes")?, 2, 8)?,
            "--keep" => options.keep = true,
            "--fault" => {
                options.fault = match words.value("--fault")?.as_str() {
                    "crash" => Fault::Crash,
                    "cut" => Fault::Cut,
                    "pause" => Fault::Pause,
                    "daemon" => Fault::Daemon,
                    other => {
                        return Err(format!(
                            "`{other}` is no fault; there are crash, cut, pause and daemon"
                        ));
                    }
                }
            }
            "--help" | "-h" => return Err(String::new()),
            other => return Err(format!("`{other}` is no option of the demo")),
        }
    }
    Ok(options)
}

fn inside(options: &Options) -> Result<bool, LabError> {
    end_on_interrupt();
    let io = |what: &str| {
        let what = what.to_owned();
        move |source| LabError::Io { what, source }
    };
    let program = std::env::current_exe().map_err(io("find this program"))?;
    let directory = enter::directory();

    let real_time = can_have_real_time();
    let token_ms = real_time.then_some(1000);
    match token_ms {
        Some(ms) => out(&format!(
            "Real-time scheduling is to be had: corosync.conf gets `token: {ms}`, so a silent node is \
             lost after {ms} ms."
        )),
        None => out(
            "No real-time scheduling for this user: the token stays at its careful default of 3 s, \
             so a silent node is lost after three seconds.",
        ),
    }
    out(&format!("Booting {} hosts and a client on one bridge ...", options.nodes));
    let plan = ClusterPlan { nodes: options.nodes, links: 1, token_ms, own_agents: false };
    let cluster = Cluster::boot(plan, &program, &directory)?;
    let mut show = Show { cluster, failed: false };
    tutorial(&mut show, token_ms)?;
    let good = fault(&mut show, options, &program)?;
    if options.keep && good {
        keep(&show);
    }
    Ok(good)
}

struct Show {
    cluster: Cluster,
    failed: bool,
}

impl Show {
    /// Types a command on a host, shows what it says, and remembers whether it failed.
    fn type_on(&mut self, number: usize, line: &str) -> Result<Said, LabError> {
        let host = self.cluster.lab.hosts()[number].name().to_owned();
        out(&format!("\n{host}# {}", line.replace(PASSWORD, "***")));
        let said = self.cluster.run(number, line)?;
        let text = said.both();
        if !text.trim().is_empty() {
            out(text.trim_end());
        }
        if said.code != 0 {
            out(&format!("(exit status {})", said.code));
            self.failed = true;
        }
        Ok(said)
    }
}

/// Makes the cluster as the guides have it.
fn tutorial(show: &mut Show, token_ms: Option<u64>) -> Result<(), LabError> {
    let names = show.cluster.names();
    let token = token_ms.map(|ms| format!(" totem token={ms}")).unwrap_or_default();
    show.type_on(0, &format!("pcs cluster auth {names} -u hacluster -p {PASSWORD}"))?;
    show.type_on(0, &format!("pcs cluster setup --name mycluster {names}{token}"))?;
    let began = Instant::now();
    show.type_on(0, "pcs cluster start --all")?;
    let count = show.cluster.lab.hosts().len();
    show.cluster.wait_online(0, count, Duration::from_secs(30))?;
    out(&format!("All {count} nodes are online after {:.2} s.", began.elapsed().as_secs_f64()));
    show.type_on(0, "pcs cluster enable --all")?;
    show.type_on(0, "pcs cluster status")?;
    show.type_on(0, "corosync-cfgtool -s")?;
    show.type_on(0, "pcs status corosync")?;
    show.type_on(0, "pcs property set stonith-enabled=false")?;
    show.type_on(
        0,
        &format!(
            "pcs resource create ClusterIP ocf:heartbeat:IPaddr2 ip={ADDRESS} op monitor interval=30s"
        ),
    )?;
    if can_run_anything() {
        show.type_on(
            0,
            "pcs resource create web ocf:heartbeat:anything binfile=/bin/sleep cmdline_options=86400",
        )?;
        show.type_on(0, "pcs resource group add webgroup ClusterIP web")?;
    } else {
        out(
            "\n(`ocf:heartbeat:anything` is left out: it needs the resource-agents package, and a user \
             who may change to others for `su`; install uidmap and give this user a range in \
             /etc/subuid, or run as root.)",
        );
    }
    show.cluster.wait(
        0,
        Duration::from_secs(20),
        "the address to be up",
        |said| said.stdout.contains("Started"),
        "pcs resource status ClusterIP",
    )?;
    show.type_on(0, "pcs status")?;
    Ok(())
}

/// Whether the agent `anything` can work here: it is installed, and its `su` has users to change to.
fn can_run_anything() -> bool {
    Path::new("/usr/lib/ocf/resource.d/heartbeat/anything").exists()
        && std::env::var(enter::INSIDE).is_ok_and(|kind| kind == "root")
}

fn fault(show: &mut Show, options: &Options, program: &Path) -> Result<bool, LabError> {
    let holder = show.cluster.home_of(0, "ClusterIP")?.ok_or_else(|| LabError::Command {
        command: "crm_resource -W -r ClusterIP".to_owned(),
        reason: "the address runs nowhere".to_owned(),
    })?;
    let count = show.cluster.lab.hosts().len();
    let observer = (holder + 1) % count;
    let dc = show.cluster.dc(observer)?;
    let name = show.cluster.lab.hosts()[holder].name().to_owned();
    let dc_name = dc.map_or("nobody", |dc| show.cluster.lab.hosts()[dc].name()).to_owned();

    let prober = Prober::start(ADDRESS)
        .map_err(|source| LabError::Io { what: "probe the address".to_owned(), source })?;
    let before = Instant::now();
    if prober.wait_for_answer(before, Duration::from_secs(5)).is_none() {
        out("The address does not answer the client even before the fault.");
        return Ok(false);
    }
    let watchers = Watchers::start(&show.cluster, holder)?;
    pause(Duration::from_millis(300));
    out(&format!(
        "\nA client asks {ADDRESS} every 10 ms. {name} holds it; {dc_name} is DC. Now: {}.\n",
        match options.fault {
            Fault::Crash => format!("power loss of {name}"),
            Fault::Cut => format!("the cable of {name} is pulled"),
            Fault::Pause => format!("{name} stands still for 10 s"),
            Fault::Daemon => format!("kill -9 of the brain on {name}"),
        }
    ));
    let fault = Instant::now();
    watchers.begin(fault);
    match options.fault {
        Fault::Crash => show.cluster.lab.host(&name)?.crash()?,
        Fault::Cut => show.cluster.lab.host(&name)?.cut(0)?,
        Fault::Pause => show.cluster.lab.host(&name)?.pause()?,
        Fault::Daemon => {
            show.cluster.lab.host(&name)?.kill(&format!("{} node", program.display()))?;
        }
    }
    if options.fault == Fault::Daemon {
        return daemon_fault(show, &prober, &watchers, fault, holder);
    }
    let answered = prober.wait_for_answer(fault + Duration::from_millis(100), PATIENCE);
    let Some(answered) = answered else {
        out(&format!("No answer within {} s: the demo has FAILED.", PATIENCE.as_secs()));
        return Ok(false);
    };
    watchers.note(answered, "client", &format!("{ADDRESS} answers again"));
    pause(Duration::from_millis(700));
    let outage = prober.outage(fault);
    bring_back(show, options.fault, holder, fault)?;
    let home = show.cluster.home_of(observer, "ClusterIP")?;
    let new_dc = show.cluster.dc(observer)?;
    watchers.stop();
    let host = |number: Option<usize>| {
        number.map_or("nowhere", |n| show.cluster.lab.hosts()[n].name()).to_owned()
    };
    let reasons = watchers.reasons();
    summary(outage, &dc_name, &host(new_dc), &name, &host(home), &reasons);
    let good = outage.is_some() && home.is_some() && home != Some(holder) && !show.failed;
    if !good {
        out("Not everything went as it should: the demo has FAILED.");
    }
    Ok(good)
}

fn bring_back(
    show: &mut Show,
    fault: Fault,
    holder: usize,
    began: Instant,
) -> Result<(), LabError> {
    let count = show.cluster.lab.hosts().len();
    let observer = (holder + 1) % count;
    let name = show.cluster.lab.hosts()[holder].name().to_owned();
    match fault {
        Fault::Crash => {
            out(&format!("\nPower is back: {name} boots."));
            show.cluster.reboot(holder)?;
        }
        Fault::Cut => {
            out(&format!("\nThe cable of {name} is back."));
            show.cluster.lab.host(&name)?.mend(0)?;
        }
        Fault::Pause => {
            let left = Duration::from_secs(10).saturating_sub(began.elapsed());
            pause(left);
            out(&format!("\n{name} goes on."));
            show.cluster.lab.host(&name)?.resume()?;
        }
        Fault::Daemon => {}
    }
    let back = Instant::now();
    show.cluster.wait_online(observer, count, Duration::from_secs(60))?;
    out(&format!("{name} is online again after {:.2} s.", back.elapsed().as_secs_f64()));
    show.type_on(observer, "pcs status")?;
    Ok(())
}

fn daemon_fault(
    show: &mut Show,
    prober: &Prober,
    watchers: &Watchers,
    fault: Instant,
    holder: usize,
) -> Result<bool, LabError> {
    pause(Duration::from_secs(5));
    watchers.stop();
    let count = show.cluster.lab.hosts().len();
    let observer = (holder + 1) % count;
    show.cluster.wait_online(observer, count, Duration::from_secs(10))?;
    let home = show.cluster.home_of(observer, "ClusterIP")?;
    let gap = prober.outage(fault).map_or(Duration::ZERO, |outage| outage.length);
    let name = show.cluster.lab.hosts()[holder].name();
    out(&format!("\nSummary\n  longest time between two answers   {} ms", gap.as_millis()));
    let stayed = home == Some(holder);
    let where_now = if stayed { "still on" } else { "NOT on" };
    out(&format!("  the address                        {where_now} {name}"));
    let good = stayed && gap < Duration::from_millis(200) && prober.is_answering() && !show.failed;
    out(if good { "  no outage and no move" } else { "  the demo has FAILED" });
    Ok(good)
}

fn summary(
    outage: Option<Outage>,
    old_dc: &str,
    new_dc: &str,
    from: &str,
    to: &str,
    reasons: &[String],
) {
    out("\nSummary");
    if let Some(outage) = outage {
        out(&format!("  outage, as the client saw it   {} ms", outage.length.as_millis()));
    }
    let dc = if old_dc == new_dc {
        format!("{old_dc}, before and after")
    } else {
        format!("{old_dc} before, {new_dc} now")
    };
    out(&format!("  DC                             {dc}"));
    out(&format!("  ClusterIP moved                from {from} to {to}"));
    for reason in reasons {
        out(&format!("  why                            {reason}"));
    }
}

fn keep(show: &Show) {
    out("\nThe cluster stays up. To get in, from another terminal:");
    for host in show.cluster.lab.hosts() {
        let lab = std::process::id();
        // inside the lab's process namespace our own number is not the outer one
        if let Some(init) = host.init_pid() {
            out(&format!(
                "  {}: nsenter -t $(pgrep -f 'lab-init {} ' | head -1) -m -u -i -n -p bash   (pid {init} \
                 in the lab of {lab})",
                host.name(),
                host.name()
            ));
        }
    }
    out("The tools are in bin/ of the lab's directory; press Ctrl-C to end it all.");
    loop {
        pause(Duration::from_secs(1));
    }
}

/// Follows the events of all nodes but the one that will fail, and prints each once.
struct Watchers {
    children: Mutex<Vec<Child>>,
    state: Arc<Mutex<WatchState>>,
}

#[derive(Default)]
struct WatchState {
    began: Option<Instant>,
    seen: std::collections::BTreeSet<String>,
    reasons: Vec<String>,
    stopped: bool,
}

impl Watchers {
    fn start(cluster: &Cluster, holder: usize) -> Result<Self, LabError> {
        let state = Arc::new(Mutex::new(WatchState::default()));
        let mut children = Vec::new();
        let (sender, lines) = mpsc::channel::<(Instant, String, String)>();
        for (number, host) in cluster.lab.hosts().iter().enumerate() {
            if number == holder {
                continue;
            }
            let mut child = cluster
                .command(number, "exec systole events")?
                .stdin(Stdio::null())
                .stdout(Stdio::piped())
                .stderr(Stdio::null())
                .spawn()
                .map_err(|source| LabError::Io { what: "follow events".to_owned(), source })?;
            let (Some(stdout), name) = (child.stdout.take(), host.name().to_owned()) else {
                continue;
            };
            let sender = sender.clone();
            std::thread::spawn(move || {
                for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                    if sender.send((Instant::now(), name.clone(), line)).is_err() {
                        return;
                    }
                }
            });
            children.push(child);
        }
        let shared = Arc::clone(&state);
        std::thread::spawn(move || {
            for (at, host, line) in lines {
                let mut state = shared.lock().unwrap_or_else(PoisonError::into_inner);
                state.line(at, &host, &line);
            }
        });
        Ok(Self { children: Mutex::new(children), state })
    }

    fn begin(&self, at: Instant) {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).began = Some(at);
    }

    fn note(&self, at: Instant, host: &str, text: &str) {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).print(at, host, text);
    }

    fn reasons(&self) -> Vec<String> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).reasons.clone()
    }

    fn stop(&self) {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).stopped = true;
        for child in self.children.lock().unwrap_or_else(PoisonError::into_inner).iter_mut() {
            // it may have ended with its host
            let _gone = child.kill();
            let _reaped = child.wait();
        }
    }
}

impl Drop for Watchers {
    fn drop(&mut self) {
        self.stop();
    }
}

impl WatchState {
    fn line(&mut self, at: Instant, host: &str, line: &str) {
        let Ok(event) = serde_json::from_str::<serde_json::Value>(line) else { return };
        let text = event.get("text").and_then(serde_json::Value::as_str).unwrap_or_default();
        let kind = event.get("kind").and_then(serde_json::Value::as_str).unwrap_or_default();
        if kind == "plan" {
            self.reasons.push(text.to_owned());
        }
        // every node tells of a view; one line is enough
        if kind == "view" && !self.seen.insert(text.to_owned()) {
            return;
        }
        self.print(at, host, text);
    }

    fn print(&self, at: Instant, host: &str, text: &str) {
        let Some(began) = self.began.filter(|_| !self.stopped) else { return };
        let since = at.saturating_duration_since(began).as_secs_f64();
        let (bold, plain) =
            if std::io::stdout().is_terminal() { ("\x1b[1m", "\x1b[0m") } else { ("", "") };
        out(&format!("  {bold}+{since:6.3} s{plain}  {host:<7} {text}"));
    }
}

/// Ends the demo on Ctrl-C. The hosts end with it, and the outer process removes their disks.
#[allow(clippy::exit, reason = "the main thread may be waiting for a command on a host")]
fn end_on_interrupt() {
    use nix::sys::signal::{SigSet, Signal};
    let mut set = SigSet::empty();
    set.add(Signal::SIGINT);
    set.add(Signal::SIGTERM);
    if set.thread_block().is_ok() {
        std::thread::spawn(move || {
            if set.wait().is_ok() {
                out("\nInterrupted: everything is cleaned up.");
                std::process::exit(130);
            }
        });
    }
}

/// Tells whether this user may have real-time scheduling: what the heartbeats will try, too.
fn can_have_real_time() -> bool {
    enter::find_program("chrt").is_some_and(|chrt| {
        std::process::Command::new(chrt)
            .args(["--rr", "1", "true"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .is_ok_and(|status| status.success())
    })
}

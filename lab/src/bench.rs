//! The benchmarks: each figure as minimum, median and maximum of several runs, on real hosts made of
//! namespaces, with the commands and packets that anybody else would use.

use std::ffi::OsString;
use std::net::Ipv4Addr;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use serde_json::{Map, Value, json};

use crate::arguments::{Arguments, parse_number};
use crate::bench_commands;
use crate::cluster::{Cluster, ClusterPlan};
use crate::enter;
use crate::face::{Command, note, out, pause};
use crate::hosts::LabError;
use crate::probe::Prober;

const ADDRESS: Ipv4Addr = Ipv4Addr::new(172, 25, 0, 100);

/// A run that takes longer has failed.
const PATIENCE: Duration = Duration::from_secs(90);

const USAGE: &str = "usage: systole bench WHAT [--nodes N] [--runs N] [--json]

  failover    outage of an address after power loss of its holder, and by `pcs node standby`
  formation   `pcs cluster start --all` until all nodes are online with a DC
  commands    time of single commands
  memory      PSS of all our processes on an idle node
  scale       1,000 resources pushed at once, until all are started

  --nodes N          hosts, 2 to 8 (default 3)
  --runs N           repetitions (default 10)
  --token MS|default what `token` corosync.conf says (default 1000)
  --agents WHICH     installed (the distribution's, where it has them) or own
  --holder WHICH     failover: whose power is lost: any, dc, other (not the DC)
  --resources N      scale: how many (default 1000); commands: so many more run meanwhile (default 0)
  --monitors SECONDS scale, commands: from one monitor of such a resource to the next (default 30)
  --json             one JSON object instead of a table
";

/// What is measured and how.
#[derive(Clone, Debug)]
pub(crate) struct Options {
    what: String,
    nodes: u8,
    pub(crate) runs: u8,
    token_ms: Option<u64>,
    own_agents: bool,
    holder: Holder,
    pub(crate) resources: Option<u32>,
    pub(crate) monitors_s: u32,
    pub(crate) json: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Holder {
    Any,
    Dc,
    Other,
}

const COMMAND: Command = Command { name: "bench", usage: USAGE, keep_failed: true };

/// Runs a benchmark: `systole bench WHAT`.
pub fn main(arguments: &[OsString]) -> ExitCode {
    COMMAND.run(arguments, options(arguments), |options| inside(options).map(|()| true))
}

fn options(arguments: &[OsString]) -> Result<Options, String> {
    let mut words = Arguments::new(arguments);
    let mut options = Options {
        what: String::new(),
        nodes: 3,
        runs: 10,
        token_ms: Some(1000),
        own_agents: false,
        holder: Holder::Any,
        resources: None,
        monitors_s: 30,
        json: false,
    };
    while let Some(word) = words.next_word() {
        match word.as_str() {
            "--nodes" => options.nodes = parse_number(&words.value("--nodes")?, 2, 8)?,
            "--runs" => options.runs = parse_number(&words.value("--runs")?, 1, 100)?,
            "--json" => options.json = true,
            "--token" => {
                let value = words.value("--token")?;
                options.token_ms = match value.as_str() {
                    "default" => None,
                    number => Some(number.parse().map_err(|_| format!("`{number}` is no token"))?),
                };
            }
            "--agents" => match words.value("--agents")?.as_str() {
                "installed" => options.own_agents = false,
                "own" => options.own_agents = true,
                other => return Err(format!("`{other}`: agents are installed or own")),
            },
            "--holder" => match words.value("--holder")?.as_str() {
                "any" => options.holder = Holder::Any,
                "dc" => options.holder = Holder::Dc,
                "other" => options.holder = Holder::Other,
                other => return Err(format!("`{other}`: the holder is any, dc or other")),
            },
            "--resources" => {
                let value = words.value("--resources")?;
                let number =
                    value.parse().map_err(|_| format!("`{value}` is no number of resources"))?;
                options.resources = Some(number);
            }
            "--monitors" => {
                let value = words.value("--monitors")?;
                let number =
                    value.parse().map_err(|_| format!("`{value}` is no number of seconds"))?;
                options.monitors_s = number;
            }
            "--help" | "-h" => return Err(String::new()),
            what if !what.starts_with('-') && options.what.is_empty() => {
                options.what = what.to_owned();
            }
            other => return Err(format!("`{other}` is no option of the benchmarks")),
        }
    }
    let known = ["failover", "formation", "commands", "memory", "scale"];
    if !known.contains(&options.what.as_str()) {
        return Err(format!("name one of {}", known.join(", ")));
    }
    Ok(options)
}

/// Figures of one kind, in the order they were taken.
#[derive(Clone, Debug, Default)]
pub(crate) struct Figures {
    all: Vec<f64>,
}

impl Figures {
    pub(crate) fn add_ms(&mut self, time: Duration) {
        self.all.push((time.as_secs_f64() * 100_000.0).round() / 100.0);
    }

    fn add(&mut self, figure: f64) {
        self.all.push(figure);
    }

    /// Returns minimum, median and maximum; the median of an even number is the mean of the two
    /// in the middle.
    fn summary(&self) -> Option<(f64, f64, f64)> {
        let mut sorted = self.all.clone();
        sorted.sort_by(f64::total_cmp);
        let (first, last) = (*sorted.first()?, *sorted.last()?);
        let middle = sorted.len() / 2;
        let median = if sorted.len().is_multiple_of(2) {
            f64::midpoint(sorted[middle - 1], sorted[middle])
        } else {
            sorted[middle]
        };
        Some((first, median, last))
    }
}

/// A table of figures by name, in the order they came.
#[derive(Debug, Default)]
pub(crate) struct Table {
    rows: Vec<(String, Figures)>,
}

impl Table {
    pub(crate) fn row(&mut self, name: &str) -> &mut Figures {
        if let Some(at) = self.rows.iter().position(|(known, _)| known == name) {
            return &mut self.rows[at].1;
        }
        self.rows.push((name.to_owned(), Figures::default()));
        let last = self.rows.len() - 1;
        &mut self.rows[last].1
    }

    fn print(&self, options: &Options) {
        if options.json {
            let mut object = Map::new();
            for (name, figures) in &self.rows {
                if let Some((min, median, max)) = figures.summary() {
                    let runs = &figures.all;
                    object.insert(
                        name.clone(),
                        json!({ "min": min, "median": median, "max": max, "runs": runs }),
                    );
                }
            }
            object.insert("nodes".to_owned(), json!(options.nodes));
            if let Some(resources) = options.resources {
                object.insert("resources".to_owned(), json!(resources));
                object.insert("monitors_s".to_owned(), json!(options.monitors_s));
            }
            object.insert("token_ms".to_owned(), options.token_ms.map_or(Value::Null, Value::from));
            let agents = if options.own_agents { "own" } else { "installed" };
            object.insert("agents".to_owned(), json!(agents));
            return out(&Value::Object(object).to_string());
        }
        let token = options
            .token_ms
            .map_or_else(|| "the default token".to_owned(), |ms| format!("token: {ms}"));
        out(&format!("{}, {} nodes, {token}", options.what, options.nodes));
        out(&format!("  {:<28} {:>10} {:>10} {:>10}  runs", "", "min", "median", "max"));
        for (name, figures) in &self.rows {
            if let Some((min, median, max)) = figures.summary() {
                let runs = figures.all.len();
                out(&format!("  {name:<28} {min:>10.2} {median:>10.2} {max:>10.2}  {runs}"));
            }
        }
    }
}

fn inside(options: &Options) -> Result<(), LabError> {
    let io = |what: &str| {
        let what = what.to_owned();
        move |source| LabError::Io { what, source }
    };
    let program = std::env::current_exe().map_err(io("find this program"))?;
    let directory = enter::directory();
    let plan = ClusterPlan {
        nodes: options.nodes,
        links: 1,
        token_ms: options.token_ms,
        own_agents: options.own_agents,
    };
    if let (Some(ms), false) = (options.token_ms, options.json) {
        note(&format!("corosync.conf is written with `token: {ms}`"));
    }
    let booted = Cluster::boot(plan, &program, &directory);
    let measured = booted.and_then(|cluster| measure(cluster, options));
    if measured.is_err() {
        note(&format!("the hosts' disks and logs are kept in {}", directory.display()));
    }
    measured
}

fn measure(mut cluster: Cluster, options: &Options) -> Result<(), LabError> {
    cluster.set_up("bench")?;
    let mut table = Table::default();
    match options.what.as_str() {
        "failover" => failover(&mut cluster, options, &mut table)?,
        "formation" => formation(&cluster, options, &mut table)?,
        "commands" => bench_commands::run(&cluster, options, &mut table)?,
        "memory" => memory(&cluster, options, &mut table)?,
        _ => scale(&cluster, options, &mut table)?,
    }
    table.print(options);
    Ok(())
}

/// Starts the cluster with one address that is up and answers.
pub(crate) fn serve_address(cluster: &Cluster) -> Result<(), LabError> {
    cluster.start_all()?;
    cluster.must(0, "pcs cluster enable --all")?;
    cluster.must(0, "pcs property set stonith-enabled=false")?;
    cluster.must(
        0,
        &format!(
            "pcs resource create ClusterIP ocf:heartbeat:IPaddr2 ip={ADDRESS} op monitor interval=30s"
        ),
    )?;
    wait_answering(ADDRESS)
}

fn wait_answering(address: Ipv4Addr) -> Result<(), LabError> {
    let prober = probe(address)?;
    match prober.wait_for_answer(Instant::now(), PATIENCE) {
        Some(_) => Ok(()),
        None => Err(failed("the address does not come up")),
    }
}

fn probe(address: Ipv4Addr) -> Result<Prober, LabError> {
    Prober::start(address)
        .map_err(|source| LabError::Io { what: "probe the address".to_owned(), source })
}

fn failed(reason: &str) -> LabError {
    LabError::Command { command: "bench".to_owned(), reason: reason.to_owned() }
}

fn failover(cluster: &mut Cluster, options: &Options, table: &mut Table) -> Result<(), LabError> {
    serve_address(cluster)?;
    let count = cluster.lab.hosts().len();
    let mut observer = 0;
    for run in 0..options.runs {
        let holder = home(cluster, observer)?;
        let dc = cluster.dc(observer)?.ok_or_else(|| failed("there is no DC"))?;
        let holder = choose_holder(cluster, options.holder, observer, holder, dc)?;
        observer = (holder + 1) % count;
        let is_dc = cluster.dc(observer)? == Some(holder);
        let prober = probe(ADDRESS)?;
        prober
            .wait_for_answer(Instant::now(), PATIENCE)
            .ok_or_else(|| failed("the address does not answer before the fault"))?;
        pause(Duration::from_millis(300));
        let name = cluster.lab.hosts()[holder].name().to_owned();
        let fault = Instant::now();
        cluster.lab.host(&name)?.crash()?;
        prober
            .wait_for_answer(fault + Duration::from_millis(100), PATIENCE)
            .ok_or_else(|| failed("the address does not come back"))?;
        pause(Duration::from_millis(300));
        let outage = prober.outage(fault).ok_or_else(|| failed("there was no outage"))?;
        drop(prober);
        table.row("outage_ms").add_ms(outage.length);
        let kind = if is_dc { "outage_dc_ms" } else { "outage_not_dc_ms" };
        table.row(kind).add_ms(outage.length);
        if !options.json {
            let role = if is_dc { "DC" } else { "not DC" };
            note(&format!("run {}: {} ms ({name}, {role})", run + 1, outage.length.as_millis()));
        }
        cluster.reboot(holder)?;
        cluster.wait_online(observer, count, PATIENCE)?;
        settle(cluster, observer)?;
    }
    for _ in 0..options.runs {
        standby(cluster, observer, table)?;
    }
    Ok(())
}

fn home(cluster: &Cluster, observer: usize) -> Result<usize, LabError> {
    cluster.home_of(observer, "ClusterIP")?.ok_or_else(|| failed("the address runs nowhere"))
}

/// Moves the address so that the wanted kind of node holds it.
fn choose_holder(
    cluster: &Cluster,
    wanted: Holder,
    observer: usize,
    holder: usize,
    dc: usize,
) -> Result<usize, LabError> {
    let fits = match wanted {
        Holder::Any => true,
        Holder::Dc => holder == dc,
        Holder::Other => holder != dc,
    };
    if fits {
        return Ok(holder);
    }
    let count = cluster.lab.hosts().len();
    let target = if wanted == Holder::Dc { dc } else { (dc + 1) % count };
    let name = cluster.lab.hosts()[target].name();
    cluster.must(observer, &format!("pcs resource move ClusterIP {name}"))?;
    settle(cluster, observer)?;
    let now = home(cluster, observer)?;
    if now == target { Ok(now) } else { Err(failed("the address does not move where it should")) }
}

pub(crate) fn settle(cluster: &Cluster, observer: usize) -> Result<(), LabError> {
    cluster.must(observer, "crm_resource --wait --timeout=60s").map(drop)
}

/// The outage that an orderly `pcs node standby` of the holder causes.
fn standby(cluster: &Cluster, observer: usize, table: &mut Table) -> Result<(), LabError> {
    let holder = home(cluster, observer)?;
    let name = cluster.lab.hosts()[holder].name().to_owned();
    let prober = probe(ADDRESS)?;
    prober
        .wait_for_answer(Instant::now(), PATIENCE)
        .ok_or_else(|| failed("the address does not answer before the standby"))?;
    pause(Duration::from_millis(200));
    let asked = Instant::now();
    cluster.must(observer, &format!("pcs node standby {name}"))?;
    settle(cluster, observer)?;
    prober
        .wait_for_answer(Instant::now(), PATIENCE)
        .ok_or_else(|| failed("the address does not come back after the standby"))?;
    pause(Duration::from_millis(100));
    let outage = prober.outage(asked).ok_or_else(|| failed("there was no standby"))?;
    drop(prober);
    table.row("standby_outage_ms").add_ms(outage.length);
    cluster.must(observer, &format!("pcs node unstandby {name}"))?;
    settle(cluster, observer)
}

fn formation(cluster: &Cluster, options: &Options, table: &mut Table) -> Result<(), LabError> {
    for run in 0..options.runs {
        let took = cluster.start_all()?;
        cluster.wait(0, PATIENCE, "a DC", |said| said.code == 0, "crmadmin -D")?;
        table.row("start_all_ms").add_ms(took);
        if !options.json {
            note(&format!("run {}: {} ms", run + 1, took.as_millis()));
        }
        let began = Instant::now();
        cluster.must(0, "pcs cluster stop --all")?;
        table.row("stop_all_ms").add_ms(began.elapsed());
    }
    Ok(())
}

fn memory(cluster: &Cluster, options: &Options, table: &mut Table) -> Result<(), LabError> {
    serve_address(cluster)?;
    settle(cluster, 0)?;
    pause(Duration::from_secs(3));
    for _ in 0..options.runs {
        for host in cluster.lab.hosts() {
            let mut total = 0_u64;
            for pid in host.processes_like("")? {
                let words = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
                let line = String::from_utf8_lossy(&words).replace('\0', " ");
                let program = line.split(' ').next().unwrap_or_default();
                if program.ends_with("systole") || program.ends_with("pcsd") {
                    total += pss_kib(pid.as_raw());
                }
            }
            #[allow(clippy::cast_precision_loss, reason = "kibibytes of a host fit by far")]
            table.row("pss_mib").add((total as f64 / 10.24).round() / 100.0);
        }
        pause(Duration::from_millis(200));
    }
    Ok(())
}

fn pss_kib(pid: i32) -> u64 {
    let text = std::fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).unwrap_or_default();
    text.lines()
        .find_map(|line| line.strip_prefix("Pss:"))
        .and_then(|rest| rest.split_whitespace().next())
        .and_then(|number| number.parse().ok())
        .unwrap_or(0)
}

/// How many resources `scale` starts unless told.
const SCALE_RESOURCES: u32 = 1000;

/// Returns a section of so many resources: `d1` and so on, each with a monitor so often.
pub(crate) fn dummies(count: u32, monitors_s: u32) -> String {
    let mut resources = String::from("<resources>");
    for number in 1..=count {
        resources.push_str(&format!(
            "<primitive id=\"d{number}\" class=\"ocf\" provider=\"heartbeat\" type=\"Dummy\"><operations>\
             <op id=\"d{number}-monitor-{monitors_s}s\" name=\"monitor\" interval=\"{monitors_s}s\" timeout=\"20s\"/>\
             </operations></primitive>"
        ));
    }
    resources.push_str("</resources>");
    resources
}

fn scale(cluster: &Cluster, options: &Options, table: &mut Table) -> Result<(), LabError> {
    cluster.start_all()?;
    cluster.must(0, "pcs property set stonith-enabled=false")?;
    let count = options.resources.unwrap_or(SCALE_RESOURCES);
    let host = &cluster.lab.hosts()[0];
    host.write_file("/run/resources.xml", &dummies(count, options.monitors_s))?;
    host.write_file("/run/no-resources.xml", "<resources/>")?;
    let push = "cibadmin --replace --scope resources --xml-file /run";
    for run in 0..options.runs {
        let began = Instant::now();
        cluster.must(0, &format!("{push}/resources.xml"))?;
        table.row("push_ms").add_ms(began.elapsed());
        all_started(cluster, count, began, table)?;
        let took = (began.elapsed().as_secs_f64() * 100.0).round() / 100.0;
        table.row("all_started_s").add(took);
        if !options.json {
            note(&format!("run {}: {took} s", run + 1));
        }
        cluster.must(0, &format!("{push}/no-resources.xml"))?;
        settle(cluster, 0)?;
    }
    Ok(())
}

/// Waits until so many resources are started, and notes how long each look takes.
pub(crate) fn all_started(
    cluster: &Cluster,
    resources: u32,
    began: Instant,
    table: &mut Table,
) -> Result<(), LabError> {
    let wanted = usize::try_from(resources).unwrap_or(usize::MAX);
    loop {
        let said = cluster.must(0, "pcs status resources")?;
        table.row("status_while_starting_ms").add_ms(said.took);
        let started = said.stdout.lines().filter(|line| line.contains("Started")).count();
        if started >= wanted {
            return Ok(());
        }
        if began.elapsed() > PATIENCE * 3 {
            return Err(failed(&format!("only {started} of {wanted} are started")));
        }
        pause(Duration::from_millis(500));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_summed_up_as_min_median_max() {
        let figures = Figures { all: vec![3.0, 1.0, 2.0, 10.0] };
        assert_eq!(figures.summary(), Some((1.0, 2.5, 10.0)));
        assert_eq!(Figures::default().summary(), None);
    }

    #[test]
    fn options_are_checked() {
        let read = |words: &[&str]| options(&words.iter().map(OsString::from).collect::<Vec<_>>());
        let made = read(&["failover", "--nodes", "2", "--token", "default"]).unwrap();
        assert_eq!((made.nodes, made.token_ms, made.resources), (2, None, None));
        let made = read(&["commands", "--resources", "7", "--monitors", "3600"]).unwrap();
        assert_eq!((made.resources, made.monitors_s), (Some(7), 3600));
        assert!(read(&["commands", "--resources", "many"]).unwrap_err().contains("many"));
        assert!(read(&["banana"]).unwrap_err().contains("failover"));
        assert!(read(&["scale", "--runs", "0"]).is_err());
        assert!(read(&["failover", "--frob"]).unwrap_err().contains("--frob"));
    }
}

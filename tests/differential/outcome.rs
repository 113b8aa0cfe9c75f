//! What a scheduler makes of a document, as far as versions can be compared.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

/// The comparable part of one run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Outcome {
    /// Lines of the graph for dot, blocked actions included.
    dot: BTreeSet<String>,
    /// Scores without the names of the functions that printed them.
    scores: BTreeSet<String>,
    /// The executed steps.
    steps: Vec<String>,
    /// The plan can't be carried out to its end.
    stuck: bool,
    /// What the graph tells agents of each action, notifications among it.
    details: BTreeSet<String>,
}

/// An ordering of two actions, as the graph for dot names them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Edge {
    pub(crate) first: String,
    pub(crate) then: String,
    line: String,
}

/// Seconds of CPU that a run may take: some versions to compare make 2.1.5 go round for ever.
const CPU_SECONDS: &str = "--cpu=5";

/// What is said of a plan that can't be carried out to its end.
const STUCK: &str = "An invalid transition was produced";

/// Has a program see nothing of the machine it runs on but a directory.
pub(crate) fn apart<'a>(command: &'a mut Command, directory: &Path) -> &'a mut Command {
    command
        .current_dir(directory)
        .env_remove("CIB_file")
        .env("CIB_shadow_dir", directory)
        .env("LC_ALL", "C")
        .env("TZ", "UTC")
}

/// Runs a program that is called like `crm_simulate`.
pub(crate) fn of(program: &[&str], directory: &Path, document: &str) -> Result<Outcome, String> {
    let file = |name: &str| directory.join(name);
    let (input, dot, graph) = (file("cib.xml"), file("dot"), file("graph.xml"));
    std::fs::write(&input, document).map_err(|error| error.to_string())?;
    let mut command = Command::new("prlimit");
    command
        .arg(CPU_SECONDS)
        .args(program)
        .arg("-x")
        .arg(&input)
        .arg("-D")
        .arg(&dot)
        .arg("-G")
        .arg(&graph)
        .args(["-S", "-s"]);
    let output = apart(&mut command, directory)
        .output()
        .map_err(|error| format!("{}: {error}", program[0]))?;
    let text = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    // what waits for itself is never done
    let stuck = text.contains(STUCK) || errors.contains(STUCK);
    if !output.status.success() && !stuck {
        let last = errors.lines().last().unwrap_or_default();
        return Err(format!("{} ends with {}: {last}", program[0], output.status));
    }
    let read = |path: &Path| std::fs::read_to_string(path).map_err(|error| error.to_string());
    let (dot, graph) = (read(&dot)?, read(&graph)?);
    let graph = cib::parse(&graph).map_err(|error| error.to_string())?;
    Ok(Outcome {
        dot: dot.lines().map(plain).filter(|line| !line.is_empty()).collect(),
        scores: text.lines().filter(|line| line.contains(" score on ")).filter_map(score).collect(),
        steps: steps(&text),
        stuck,
        details: details(&graph),
    })
}

/// What the transition graph has of each action beside its name. How urgent it is does not count:
/// 2.1.5 takes the promotion score of an instance for its priority.
fn details(graph: &cib::Element) -> BTreeSet<String> {
    let mut all = BTreeSet::new();
    for synapse in graph.children_named("synapse") {
        let sets = synapse.children_named("action_set");
        for action in sets.flat_map(cib::Element::children) {
            let part = |name: &str| action.get(name).unwrap_or_default();
            let of = format!("{} {}", part("operation_key"), part("on_node"));
            for child in action.children() {
                // (what reads the feature set is told it elsewhere now)
                let told = child.attributes().filter(|(name, _)| *name != "crm_feature_set");
                for (name, value) in told {
                    all.insert(format!("{of}: {name}={value}"));
                }
            }
        }
    }
    all
}

/// A line without what only lays it out.
fn plain(line: &str) -> String {
    line.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A line of the scores listing without its function; promotion scores have none, and those of
/// instances that run nowhere are told otherwise by each version.
fn score(line: &str) -> Option<String> {
    if line.contains(" promotion score ") {
        let line = plain(line.trim_start().trim_start_matches("* "));
        return Some(line).filter(|line| !line.contains(" on none:"));
    }
    let (_, rest) = line.split_once(": ")?;
    Some(plain(rest).replace(" allocation score", " score"))
}

/// The executed steps, in any order; with scores, 2.1.5 leaves out headings and bullets.
fn steps(text: &str) -> Vec<String> {
    let kinds = ["Resource action: ", "Pseudo action: ", "Cluster action: ", "Fencing "];
    let mut steps: Vec<String> = text
        .lines()
        .map(|line| plain(line).trim_start_matches("* ").to_owned())
        .filter(|line| kinds.iter().any(|kind| line.starts_with(kind)))
        // (a resource may be called that, too)
        .filter(|line| {
            !line.starts_with("Fencing ") || line.ends_with(')') && !line.contains("(stonith:")
        })
        .collect();
    steps.sort();
    steps
}

impl Outcome {
    /// The orderings.
    pub(crate) fn edges(&self) -> impl Iterator<Item = Edge> + '_ {
        self.dot.iter().filter_map(|line| {
            let mut names = line.split('"').skip(1).step_by(2);
            let (first, then) = (names.next()?, names.next()?);
            let line = line.clone();
            Some(Edge { first: first.to_owned(), then: then.to_owned(), line })
        })
    }

    /// Takes some of the scores out.
    pub(crate) fn drop_scores(&mut self, some: impl Fn(&str) -> bool) {
        self.scores.retain(|line| !some(line));
    }

    pub(crate) fn drop_edge(&mut self, edge: &Edge) {
        self.dot.remove(&edge.line);
    }

    /// The plan alone.
    pub(crate) fn without_scores(self) -> Self {
        Self { scores: BTreeSet::new(), ..self }
    }

    /// All but what agents are told.
    pub(crate) fn without_details(self) -> Self {
        Self { details: BTreeSet::new(), ..self }
    }

    /// What only one of the two has: `-` is the other program's, `+` is ours.
    pub(crate) fn difference(&self, ours: &Self) -> String {
        let mut out = String::new();
        if self.stuck != ours.stuck {
            let who = if ours.stuck { "+ ours" } else { "- the other" };
            out.push_str(&format!("  {who} can't be carried out\n"));
        }
        let mut compare = |what: &str, theirs: &[&String], ours: &[&String]| {
            let lines = |sign: char, from: &[&String], other: &[&String]| -> String {
                let missing = from.iter().filter(|line| !other.contains(line));
                missing.map(|line| format!("  {sign} {line}\n")).collect()
            };
            let found = lines('-', theirs, ours) + &lines('+', ours, theirs);
            if !found.is_empty() {
                out.push_str(&format!("{what}\n{found}"));
            }
        };
        let all = |set: &BTreeSet<String>| -> Vec<String> { set.iter().cloned().collect() };
        let (theirs_dot, ours_dot) = (all(&self.dot), all(&ours.dot));
        let (theirs_scores, ours_scores) = (all(&self.scores), all(&ours.scores));
        let (theirs_details, ours_details) = (all(&self.details), all(&ours.details));
        for (what, theirs, ours) in [
            ("scores", &theirs_scores, &ours_scores),
            ("steps", &self.steps, &ours.steps),
            ("graph", &theirs_dot, &ours_dot),
            ("details", &theirs_details, &ours_details),
        ] {
            let (theirs, ours): (Vec<_>, Vec<_>) = (theirs.iter().collect(), ours.iter().collect());
            compare(what, &theirs, &ours);
        }
        out
    }
}

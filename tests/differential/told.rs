//! What the other program tells of its own decisions: where it says that it went a way which Pacemaker
//! has left since, the plan is not compared.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

/// Returns the change that the other program's own words show to matter for a document.
pub(crate) fn changed_since(
    oracle: &str,
    directory: &Path,
    document: &str,
) -> Option<&'static str> {
    let input = directory.join("told.xml");
    std::fs::write(&input, document).ok()?;
    let mut command = Command::new(oracle);
    command.arg("-x").arg(&input).args(["-S", "-VVVVVV"]);
    let output = crate::outcome::apart(&mut command, directory).output().ok()?;
    let text = String::from_utf8_lossy(&[output.stderr, output.stdout].concat()).into_owned();
    if keeps_spoiled_scores(&text) {
        return Some("an instance that can't stay is asked again with its scores as they were");
    }
    if optional_first(&text) {
        return Some("of a resource's colocations the mandatory ones are looked at first");
    }
    if heeds_some(&text) {
        return Some("all colocations of a clone, and with it, bear on its instances");
    }
    if minds_other_roles(&text, document) {
        return Some("keeping apart from a role is about the instances that have it");
    }
    if with_this_late(&text) {
        return Some("mandatory colocations come before optional ones, whichever side it is on");
    }
    if attenuates_once(&text) {
        return Some("along a chain of colocations every link attenuates the scores");
    }
    if stands_in_the_way(&text) {
        return Some("what is avoided makes room for what can be on one node only");
    }
    None
}

/// Where there was an instance for every node, an instance was told only of such colocations of its
/// clone as keep apart or must be kept, and of others with it only if they keep apart; since 2.1.6 of
/// all (`bug-lf-2153`, `clone-fail-block-colocation`).
fn heeds_some(text: &str) -> bool {
    let mut left_out: BTreeSet<&str> = BTreeSet::new();
    for line in text.lines().filter_map(|line| told(line, "pcmk__new_colocation")) {
        let Some((dependent, rest)) = line.split_once(" ==> ") else { continue };
        let Some((primary, rest)) = rest.split_once(" (") else { continue };
        let score = rest.trim_end_matches(')').rsplit(' ').next();
        let score = score.and_then(|score| score.parse::<i32>().ok()).unwrap_or_default();
        if score > 0 {
            left_out.insert(primary);
        }
        if score > 0 && score < 1_000_000 {
            left_out.insert(dependent);
        }
    }
    let mut clone = "";
    text.lines().any(|line| {
        if let Some(spread) = told(line, "distribute_children") {
            // "Allocating up to 2 k instances to …"
            if spread.starts_with("Allocating up to ") {
                clone = spread.split(' ').nth(4).unwrap_or_default();
            }
        }
        told(line, "allocate_instance").is_some_and(|line| line.contains("using some parent"))
            && left_out.contains(clone)
    })
}

/// A colocation that kept apart from a role, or in one, was about all who did not have the role
/// (`bundle-promoted-anticolocation-1`).
fn minds_other_roles(text: &str, document: &str) -> bool {
    text.lines().filter_map(|line| told(line, "pcmk__primitive_apply_coloc_score")).any(|line| {
        let Some((_, rest)) = line.split_once(" (") else { return false };
        let constraint = rest.split(',').next().unwrap_or_default();
        line.starts_with("Anti-colocating ")
            && document.lines().any(|line| {
                line.contains(&format!("<rsc_colocation id=\"{constraint}\""))
                    && line.contains("rsc-role=")
            })
    })
}

/// All that a resource follows was looked at before anything that follows it; now the mandatory
/// colocations of both sides go before the optional ones of both (`pipeline.md`, "Assign").
fn with_this_late(text: &str) -> bool {
    let mut optional: BTreeSet<&str> = BTreeSet::new();
    let mut target = "";
    text.lines().any(|line| {
        if let Some((resource, rest)) =
            told(line, "apply_this_with").and_then(|words| words.split_once(": Assigning "))
        {
            let mandatory = rest.contains("(score=1000000 ") || rest.contains("(score=-1000000 ");
            if !mandatory {
                optional.insert(resource);
            }
        }
        if let Some(words) = told(line, "apply_with_this") {
            target = words.split_once(": Incorporating ").map_or("", |(resource, _)| resource);
        }
        // the first of a chain is the colocation itself
        merged(line).is_some_and(|factor| {
            let late = factor.abs() >= 1.0 && optional.contains(target);
            target = "";
            late
        })
    })
}

/// The scores of what follows a follower were attenuated by that colocation only
/// (`coloc-dependee-should-stay`).
fn attenuates_once(text: &str) -> bool {
    let (mut linked, mut attenuated) = (false, false);
    text.lines().any(|line| {
        if let Some(words) = told(line, "pcmk__add_colocated_node_scores") {
            linked |= words.starts_with("Optionally merging ");
        }
        let Some(factor) = merged(line) else { return false };
        if linked && attenuated {
            return true;
        }
        attenuated = factor.abs() < 1.0;
        linked = false;
        false
    })
}

/// The factor by which scores of others are about to be added.
fn merged(line: &str) -> Option<f64> {
    let words = told(line, "init_nongroup_colocated_nodes")?;
    words.rsplit_once(" (at ")?.1.strip_suffix(')')?.parse().ok()
}

/// A resource that another one avoids stayed where it was even if that other one had no other node
/// (`group-anticolocation`).
fn stands_in_the_way(text: &str) -> bool {
    let places = text.lines().filter_map(|line| line.split_once(" allocation score on "));
    let nodes: BTreeSet<&str> =
        places.filter_map(|(_, rest)| rest.split_once(':')).map(|(node, _)| node).collect();
    let mut filtered = 0;
    text.lines().any(|line| {
        if told(line, "init_nongroup_colocated_nodes").is_some() {
            filtered = 0;
        }
        if line.contains("(double negative disallowed)") {
            filtered += 1;
        }
        filtered > 0 && filtered + 1 >= nodes.len()
    })
}

/// What a function of the other program says in a line.
fn told<'a>(line: &'a str, function: &str) -> Option<&'a str> {
    let rest = line.strip_prefix('(')?.strip_prefix(function)?.strip_prefix(") \t")?;
    rest.split_once(": ").map(|(_level, words)| words)
}

/// Where an instance would rather be elsewhere than where it is, it was assigned anew with the scores
/// that the attempt had left; since 2.1.7 they are put back, and a place is set aside there for another
/// instance (`clone-recover-no-shuffle-*`).
fn keeps_spoiled_scores(text: &str) -> bool {
    text.lines().any(|line| line.contains(" Not pre-allocating "))
}

/// Colocations of a clone or bundle were just prepended to those of its instances.
fn optional_first(text: &str) -> bool {
    let mut optional: BTreeSet<&str> = BTreeSet::new();
    for line in text.lines() {
        let Some((_, rest)) = line.split_once(") \ttrace: ") else { continue };
        let Some((resource, rest)) = rest.split_once(": Assigning colocation ") else { continue };
        let mandatory = rest.contains("(score=1000000 ") || rest.contains("(score=-1000000 ");
        if !mandatory {
            optional.insert(resource);
        } else if optional.contains(resource) {
            return true;
        }
    }
    false
}

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
    let output = command
        .env_remove("CIB_file")
        .env("CIB_shadow_dir", directory)
        .env("LC_ALL", "C")
        .env("TZ", "UTC")
        .output()
        .ok()?;
    let text = String::from_utf8_lossy(&[output.stderr, output.stdout].concat()).into_owned();
    if keeps_spoiled_scores(&text) {
        return Some("an instance that can't stay is asked again with its scores as they were");
    }
    if optional_first(&text) {
        return Some("of a resource's colocations the mandatory ones are looked at first");
    }
    None
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

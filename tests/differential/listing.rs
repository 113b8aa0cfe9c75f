//! Differences between two lists of resources that are changes of Pacemaker since 2.1.5.
//!
//! What is unmanaged (or blocked by a failure) stays where it is when its node goes. 2.1.5 forgets where for the group,
//! clone or bundle that holds it: it leaves a whole that is active nowhere else out of the list, and tells a clone's
//! instance as missing there. 3.0.2 lists both (`stop-failure-no-fencing`).

use std::collections::BTreeSet;

/// Takes out of two reports what may differ between their lists.
pub(crate) fn settle(theirs: &mut Vec<String>, ours: &mut Vec<String>) {
    let (mut listed, mut lists) = (Vec::new(), sections(ours).into_iter());
    for theirs in sections(theirs) {
        let Some(ours) = lists.next() else { return };
        listed.push(settled(theirs, ours));
    }
    let (their_lists, our_lists): (Vec<_>, Vec<_>) = listed.into_iter().unzip();
    replace(theirs, their_lists);
    replace(ours, our_lists);
}

/// A resource of the top with what is in it, and where the nodes are off.
type Block = Vec<String>;

/// One list of resources, with the nodes that are off when it is told.
struct Section {
    off: BTreeSet<String>,
    blocks: Vec<Block>,
}

const TITLE: &str = "  * Full List of Resources:";

/// Whether a line belongs to a list of resources.
fn is_inside(line: &str) -> bool {
    line.starts_with("    ")
}

fn sections(report: &[String]) -> Vec<Section> {
    let mut off = BTreeSet::new();
    let mut sections: Vec<Section> = Vec::new();
    let mut inside = false;
    for line in report {
        if line == TITLE {
            inside = true;
            sections.push(Section { off: std::mem::take(&mut off), blocks: Vec::new() });
        } else if !is_inside(line) {
            inside = false;
        } else if !inside {
            off.extend(nodes_off(line));
        } else if let Some(section) = sections.last_mut() {
            match section.blocks.last_mut().filter(|_| line.starts_with("      ")) {
                Some(block) => block.push(line.clone()),
                None => section.blocks.push(vec![line.clone()]),
            }
        }
    }
    sections
}

/// Puts lists in the place of those that a report has.
fn replace(report: &mut Vec<String>, lists: Vec<Vec<Block>>) {
    let mut lists = lists.into_iter();
    let mut inside = false;
    for line in std::mem::take(report) {
        inside = inside && is_inside(&line);
        if inside {
            continue;
        }
        inside = line == TITLE;
        report.push(line);
        if inside {
            report.extend(lists.next().into_iter().flatten().flatten());
        }
    }
}

fn settled(theirs: Section, ours: Section) -> (Vec<Block>, Vec<Block>) {
    let off = ours.off;
    let (mut theirs, mut ours) = (theirs.blocks, ours.blocks);
    ours.retain(|block| {
        theirs.iter().any(|other| other[0] == block[0]) || !is_left_behind(block, &off)
    });
    for block in &mut theirs {
        let kept: BTreeSet<String> =
            block.iter().filter_map(|line| left_behind(line, &off)).collect();
        for line in block.iter_mut().filter(|line| line.contains("* Stopped")) {
            *line = without(line, &kept);
        }
        block.retain(|line| !line.ends_with("[ ]"));
    }
    (theirs, ours)
}

/// Whether all of a group, clone or bundle that is active is left behind on nodes that are off.
fn is_left_behind(block: &[String], off: &BTreeSet<String>) -> bool {
    let running = |line: &&String| {
        ["Started", "Promoted", "Unpromoted", "FAILED"].iter().any(|word| line.contains(word))
    };
    let mut lines = block.iter().skip(1).filter(running).peekable();
    lines.peek().is_some() && lines.all(|line| left_behind(line, off).is_some())
}

/// The node that is off and that an instance is left on.
fn left_behind(line: &str, off: &BTreeSet<String>) -> Option<String> {
    let (_, state) = line.rsplit_once("):\t ")?;
    let (place, flags) = state.split_once(" (")?;
    let node = place.split(' ').next_back()?;
    let stays = flags.contains("unmanaged") || flags.contains("blocked");
    (stays && off.contains(node)).then(|| node.to_owned())
}

/// The nodes that a line of the list of nodes tells as off.
fn nodes_off(line: &str) -> Vec<String> {
    if !line.contains("OFFLINE") && !line.contains("(offline)") {
        return Vec::new();
    }
    if let Some((_, names)) = line.split_once("[ ") {
        return names.trim_end_matches(" ]").split(' ').map(str::to_owned).collect();
    }
    let named = line.split_once("Node ").and_then(|(_, rest)| rest.split_once(':'));
    named.map(|(name, _)| name.to_owned()).into_iter().collect()
}

/// A list of nodes, `* STATE: [ NODES ]`, without some of them.
fn without(line: &str, nodes: &BTreeSet<String>) -> String {
    let Some((state, names)) = line.split_once("[ ") else { return line.to_owned() };
    let names = names.trim_end_matches(" ]").split(' ');
    let kept: Vec<&str> = names.filter(|name| !nodes.contains(*name)).collect();
    if kept.is_empty() { format!("{state}[ ]") } else { format!("{state}[ {} ]", kept.join(" ")) }
}

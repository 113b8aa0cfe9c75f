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

/// A resource of the top with what is in it.
type Block = Vec<String>;

/// One list of resources, with the nodes that are on when it is told.
struct Section {
    on: BTreeSet<String>,
    blocks: Vec<Block>,
}

const TITLE: &str = "  * Full List of Resources:";
const NONE: &str = "    * No resources";

/// Whether a line belongs to a list of resources.
fn is_inside(line: &str) -> bool {
    line.starts_with("    ")
}

fn sections(report: &[String]) -> Vec<Section> {
    let mut on = BTreeSet::new();
    let mut sections: Vec<Section> = Vec::new();
    let mut inside = false;
    for line in report {
        if line == TITLE {
            inside = true;
            sections.push(Section { on: std::mem::take(&mut on), blocks: Vec::new() });
        } else if !is_inside(line) {
            inside = false;
        } else if !inside {
            on.extend(nodes_on(line));
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
    let on = ours.on;
    let (mut theirs, mut ours) = (theirs.blocks, ours.blocks);
    ours.retain(|block| {
        theirs.iter().any(|other| other[0] == block[0]) || !is_left_behind(block, &on)
    });
    if ours.is_empty() {
        theirs.retain(|block| block[0] != NONE);
    }
    for block in &mut theirs {
        let kept: BTreeSet<String> =
            block.iter().filter_map(|line| left_behind(line, &on)).collect();
        for line in block.iter_mut().filter(|line| line.contains("* Stopped")) {
            *line = without(line, &kept);
        }
        block.retain(|line| !line.ends_with("[ ]"));
    }
    (theirs, ours)
}

/// Whether all of a group, clone or bundle that is active is left behind on nodes that are off.
fn is_left_behind(block: &[String], on: &BTreeSet<String>) -> bool {
    let lists = ["* Started: [", "* Promoted: [", "* Unpromoted: ["];
    let active = |line: &&String| {
        let roles = [" Started", " Promoted", " Unpromoted"];
        let runs = state(line).is_some_and(|state| roles.iter().any(|role| state.contains(role)));
        runs || place(line).is_some() || lists.iter().any(|list| line.contains(list))
    };
    // (what is in a container whose host is not known is nowhere)
    let nowhere = |line: &str| stays(line) && place(line).is_none();
    let mut lines = block.iter().skip(1).filter(active).peekable();
    lines.peek().is_some() && lines.all(|line| left_behind(line, on).is_some() || nowhere(line))
}

/// What a primitive's line tells after its agent: ` STATE NODE (FLAGS)`.
fn state(line: &str) -> Option<&str> {
    line.rsplit_once("):\t").map(|(_, state)| state)
}

/// Whether nobody may move what a line is about.
fn stays(line: &str) -> bool {
    let flags = line.rsplit_once(" (").map_or("", |(_, flags)| flags);
    ["unmanaged", "blocked"].iter().any(|flag| flags.contains(flag))
}

/// The node that a primitive's line tells.
fn place(line: &str) -> Option<&str> {
    let words = state(line)?.trim_start().split(" (").next()?;
    let (_, last) = words.rsplit_once(' ')?;
    (!matches!(last, "Stopped" | "Started" | "Promoted" | "Unpromoted")).then_some(last)
}

/// The node that is off and that an instance is left on.
fn left_behind(line: &str, on: &BTreeSet<String>) -> Option<String> {
    let node = place(line).filter(|_| stays(line))?;
    (!on.contains(node)).then(|| node.to_owned())
}

/// The nodes that a line of the list of nodes tells as on.
fn nodes_on(line: &str) -> Vec<String> {
    if line.contains("OFFLINE") || line.contains("(offline)") {
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

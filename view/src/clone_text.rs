//! Clones as `crm_simulate` and `crm_mon` list them: nodes by state, and instances in full only
//! where there is something to say about them.

use pengine::status::{ResourceKind, ResourceStatus, Status};

use crate::scope::Scope;
use crate::status_text::{collective_flags, flags, nest, resource_lines};

/// How an instance is shown.
enum Shown {
    InFull,
    Promoted(String),
    Started(String),
    NotAtAll,
}

/// The lines of a clone, with bullets and relative indentation.
pub(crate) fn lines(
    resource: &ResourceStatus,
    promotable: bool,
    unique: bool,
    status: &Status,
    scope: Scope<'_>,
) -> Vec<String> {
    if scope.active_only && !resource.active {
        return Vec::new();
    }
    let mut words = Vec::new();
    if promotable {
        words.push("promotable".to_owned());
    }
    if unique {
        words.push("unique".to_owned());
    }
    words.extend(collective_flags(resource));
    let child = resource
        .children
        .first()
        .map_or("", |child| child.id.split(':').next().unwrap_or_default());
    let mut lines = vec![format!("* Clone Set: {} [{child}]{}:", resource.id, flags(&words))];
    let (mut promoted, mut started) = (Vec::new(), Vec::new());
    for instance in &resource.children {
        if scope.within(instance).is_none() {
            continue;
        }
        match shown(instance, unique || scope.detail) {
            Shown::InFull => {
                // primitives that are listed one by one are so whether they run or not
                let primitive = instance.kind == ResourceKind::Primitive;
                let active_only = scope.active_only && !primitive;
                let scope = Scope { active_only, ..scope };
                nest(&mut lines, resource_lines(instance, status, scope));
            }
            Shown::Promoted(node) => promoted.push(node),
            Shown::Started(node) => started.push(node),
            Shown::NotAtAll => {}
        }
    }
    let listed = promoted.len() + started.len();
    let active_role = if promotable { "Unpromoted" } else { "Started" };
    for (role, mut nodes) in [("Promoted", promoted), (active_role, started)] {
        nodes.retain(|name| scope.has_node(name));
        if !nodes.is_empty() {
            nodes.sort_by_key(|name| status.nodes.iter().position(|node| node.name == *name));
            lines.push(format!("  * {role}: [ {} ]", nodes.join(" ")));
        }
    }
    let one_by_one = unique || scope.detail;
    if !one_by_one && !scope.active_only && resource.instances_max > listed {
        inactive(resource, status, scope, &mut lines);
    }
    if lines.len() == 1 && (scope.active_only || scope.node.is_some()) {
        lines.clear();
    }
    lines
}

fn shown(instance: &ResourceStatus, one_by_one: bool) -> Shown {
    if one_by_one {
        let leftover = instance.orphaned && !instance.active;
        return if leftover { Shown::NotAtAll } else { Shown::InFull };
    }
    // (what is under way in a group is no state of the group)
    let pending = instance.pending.is_some();
    if !instance.active && !pending {
        return Shown::NotAtAll;
    }
    let special = |part: &ResourceStatus| part.orphaned || !part.managed || part.failed;
    match instance.nodes.as_slice() {
        [node]
            if instance.fully_active
                && !instance.unclean
                && !pending
                && !any(instance, &special) =>
        {
            if instance.role == "Promoted" {
                Shown::Promoted(node.clone())
            } else {
                Shown::Started(node.clone())
            }
        }
        _ => Shown::InFull,
    }
}

fn any(resource: &ResourceStatus, what: &dyn Fn(&ResourceStatus) -> bool) -> bool {
    what(resource) || resource.children.iter().any(|child| any(child, what))
}

/// The nodes without an instance, by why there is none.
fn inactive(resource: &ResourceStatus, status: &Status, scope: Scope<'_>, lines: &mut Vec<String>) {
    // the clone's own wish or, without one, what its instances are told
    let instance = resource.children.first();
    let wish = resource.target_role.as_ref().or_else(|| instance?.target_role.as_ref());
    let disabled = wish.is_some_and(|role| role == "Stopped");
    let mut lists: Vec<(&str, Vec<&str>)> = Vec::new();
    let idle = resource.candidates.iter().filter(|name| !resource.nodes.contains(name));
    for name in idle.filter(|name| scope.has_node(name)) {
        let missing =
            status.not_installed.iter().any(|(rsc, on)| on == name && names(resource, rsc));
        let state = if missing {
            "Stopped (Not installed)"
        } else if disabled {
            "Stopped (disabled)"
        } else {
            "Stopped"
        };
        match lists.iter_mut().find(|(known, _)| *known == state) {
            Some((_, list)) => list.push(name),
            None => lists.push((state, vec![name])),
        }
    }
    lists.sort();
    for (state, nodes) in lists {
        lines.push(format!("  * {state}: [ {} ]", nodes.join(" ")));
    }
}

/// Tells whether a history's name means a resource or something in it.
fn names(resource: &ResourceStatus, name: &str) -> bool {
    resource.name == name
        || resource.id == name
        || resource.id.split(':').next() == Some(name) && resource.children.is_empty()
        || resource.children.iter().any(|child| names(child, name))
}

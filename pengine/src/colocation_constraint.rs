//! Reads colocation constraints.

use cib::Element;
use model::Score;

use crate::action::relation::IF_REQUIRED_ON_SAME_NODE;
use crate::cluster::Cluster;
use crate::constraint::{
    Colocation, Constrained, as_sets, is_whole, last_member, sequential, set_members, sets,
};
use crate::index::ResourceIx;
use crate::role::Role;
use crate::task::{self, Task};
use crate::values;

struct Common<'a> {
    id: &'a str,
    influence: Option<bool>,
    /// None for sets, whose members are always placed by node.
    attribute: Option<String>,
}

/// Reads one constraint.
pub(crate) fn unpack(all: &mut Constrained, element: &Element) {
    let expanded = as_sets(
        &all.cluster,
        element,
        &[("rsc", Some("rsc-role"), None), ("with-rsc", Some("with-rsc-role"), None)],
    );
    let element = expanded.as_ref().unwrap_or(element);
    let score = element.get("score").and_then(values::score).unwrap_or(Score::INFINITY);
    let sets = sets(&all.cluster, element);
    let attribute = element.get("node-attribute").filter(|_| sets.is_empty());
    let common = Common {
        id: element.id().unwrap_or_default(),
        influence: element.get("influence").and_then(values::boolean),
        attribute: attribute.map(str::to_owned),
    };
    if sets.is_empty() {
        simple(all, element, score, &common);
        return;
    }
    let mut last: Option<&Element> = None;
    for set in &sets {
        within(all, set, score, &common);
        if let Some(last) = last {
            between(all, last, set, score, &common);
        }
        last = Some(set);
    }
}

fn role(text: Option<&str>) -> Role {
    match text.and_then(Role::parse) {
        None | Some(Role::Started | Role::Unknown) => Role::Unknown,
        Some(role) => role,
    }
}

fn add(
    all: &mut Constrained,
    common: &Common<'_>,
    score: Score,
    dependent: (ResourceIx, Role),
    primary: (ResourceIx, Role),
) {
    let influence = common.influence.unwrap_or(all.cluster[dependent.0].critical);
    if score == Score::MINUS_INFINITY {
        leave_before_coming(all, dependent, primary);
        leave_before_coming(all, primary, dependent);
    }
    all.rules.colocate(|index| Colocation {
        index,
        id: common.id.to_owned(),
        node_attribute: common.attribute.clone().filter(|name| name != "#uname"),
        dependent: dependent.0,
        primary: primary.0,
        dependent_role: dependent.1,
        primary_role: primary.1,
        score,
        influence,
    });
}

/// Where two must never meet, one leaves a node before the other comes there.
fn leave_before_coming(all: &mut Constrained, first: (ResourceIx, Role), then: (ResourceIx, Role)) {
    let leaving: &[Task] = match first.1 {
        Role::Promoted => &[task::DEMOTE],
        Role::Unpromoted => &[task::STOP, task::PROMOTE],
        Role::Unknown | Role::Stopped | Role::Started => &[task::STOP],
    };
    let coming: &[Task] = match then.1 {
        Role::Promoted => &[task::PROMOTE],
        Role::Unpromoted => &[task::START, task::DEMOTE],
        Role::Unknown | Role::Stopped | Role::Started => &[task::START],
    };
    for &leave in leaving {
        for &come in coming {
            all.book.order_tasks((first.0, leave), (then.0, come), IF_REQUIRED_ON_SAME_NODE);
        }
    }
}

fn resource(cluster: &Cluster, element: &Element, name: &str) -> Option<ResourceIx> {
    element.get(name).and_then(|id| crate::constraint::constrained_resource(cluster, id))
}

fn simple(all: &mut Constrained, element: &Element, score: Score, common: &Common<'_>) {
    let (Some(dependent), Some(primary)) =
        (resource(&all.cluster, element, "rsc"), resource(&all.cluster, element, "with-rsc"))
    else {
        return;
    };
    let roles = (role(element.get("rsc-role")), role(element.get("with-rsc-role")));
    add(all, common, score, (dependent, roles.0), (primary, roles.1));
}

fn within(all: &mut Constrained, set: &Element, score: Score, common: &Common<'_>) {
    let score = set.get("score").and_then(values::score).unwrap_or(score);
    if !sequential(set) || score == Score::ZERO {
        return;
    }
    let members = set_members(&all.cluster, set);
    let role = role(set.get("role"));
    if score >= Score::ZERO {
        for pair in members.windows(2) {
            add(all, common, score, (pair[1], role), (pair[0], role));
        }
    } else {
        // each must avoid all before it
        for (at, member) in members.iter().enumerate() {
            for other in &members[..at] {
                add(all, common, score, (*member, role), (*other, role));
            }
        }
    }
}

fn between(all: &mut Constrained, one: &Element, two: &Element, score: Score, common: &Common<'_>) {
    let first = set_members(&all.cluster, one);
    let (role_1, role_2) = (role(one.get("role")), role(two.get("role")));
    // in a sequence the first needs what is named, and the last is what is named
    let primaries = if sequential(two) {
        last_member(&all.cluster, two).into_iter().collect()
    } else {
        set_members(&all.cluster, two)
    };
    // (at one that there is not, nothing is read any further)
    let ends = sequential(one) || (!sequential(two) && !is_whole(&all.cluster, two));
    let dependents = if ends { &first[..first.len().min(1)] } else { &first };
    for dependent in dependents {
        for primary in &primaries {
            add(all, common, score, (*dependent, role_1), (*primary, role_2));
        }
    }
}

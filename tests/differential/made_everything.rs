//! Features: something of all the others, in small documents.

use crate::dice::Dice;
use crate::draft::Draft;
use crate::{Feature, made_bundles, made_constraints, made_remote, made_resources, made_status};

/// Kinds of resources, how often there are any, and what decides on them.
const RESOURCES: &[(usize, Feature)] = &[
    (40, made_remote::fencing),
    (20, made_remote::remotes),
    (15, made_remote::guests),
    (60, made_resources::primitives),
    (30, made_resources::groups),
    (25, made_resources::clones),
    (25, made_resources::promotable),
    (25, made_bundles::bundles),
    (25, made_remote::migrations),
    (60, made_resources::options),
    (10, made_resources::utilization),
    (10, made_resources::health),
];

/// Kinds of constraints, and how often there are any.
const CONSTRAINTS: &[(usize, Feature)] = &[
    (50, made_constraints::locations),
    (40, made_constraints::colocations),
    (40, made_constraints::orders),
    (15, made_constraints::sets),
    (10, made_constraints::tickets),
    (40, made_constraints::roles),
    (70, made_status::promotion_scores),
];

/// Resources of some kinds; at least one.
pub(crate) fn resources(draft: &mut Draft, dice: &mut Dice) {
    some(RESOURCES, draft, dice);
    if draft.resources.is_empty() {
        made_resources::primitives(draft, dice);
    }
}

/// Constraints of some kinds.
pub(crate) fn constraints(draft: &mut Draft, dice: &mut Dice) {
    some(CONSTRAINTS, draft, dice);
}

fn some(features: &[(usize, Feature)], draft: &mut Draft, dice: &mut Dice) {
    for (percent, feature) in features {
        if dice.percent(*percent) {
            feature(draft, dice);
        }
    }
}

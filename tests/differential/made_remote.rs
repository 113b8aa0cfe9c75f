//! Features: fencing, remote and guest nodes, resources that migrate.

use cib::Element;

use crate::dice::Dice;
use crate::draft::Draft;
use crate::made_resources::primitive;

/// A device, and options of fencing.
pub(crate) fn fencing(draft: &mut Draft, dice: &mut Dice) {
    let mut set = |name: &str, value: &str| {
        draft.properties.insert(name.to_owned(), value.to_owned());
    };
    if dice.percent(15) {
        return;
    }
    set("stonith-enabled", "true");
    // (the default depends on how Pacemaker was built)
    set("concurrent-fencing", dice.word(&["true", "false"]));
    if dice.percent(20) {
        set("startup-fencing", "false");
    }
    if dice.percent(20) {
        set("stonith-action", "off");
    }
    if dice.percent(20) {
        set("priority-fencing-delay", "30s");
    }
    if dice.percent(95) {
        let mut device = primitive(draft, dice, "fence", "fence_ssh");
        device.set("class", "stonith");
        device.unset("provider");
        draft.resources.push(device);
        bind_to_members(draft);
    }
}

/// The newest primitive runs on members only.
fn bind_to_members(draft: &mut Draft) {
    if let Some(leaf) = draft.leaves.last_mut() {
        leaf.members_only = true;
    }
}

/// One or two remote nodes.
pub(crate) fn remotes(draft: &mut Draft, dice: &mut Dice) {
    for id in ["far", "wide"].into_iter().take(dice.between(1, 2)) {
        let connection = primitive(draft, dice, id, "remote");
        bind_to_members(draft);
        draft.resources.push(connection);
        draft.remotes.push(id.to_owned());
        if dice.percent(15) {
            draft.set_meta(id, "target-role", "Stopped");
        }
    }
}

/// A guest node, maybe two.
pub(crate) fn guests(draft: &mut Draft, dice: &mut Dice) {
    for (id, name) in [("vm", "guest"), ("vm2", "guest2")].into_iter().take(dice.between(1, 2)) {
        let container = primitive(draft, dice, id, "Dummy");
        bind_to_members(draft);
        draft.resources.push(container);
        draft.set_meta(id, "remote-node", name);
        // the connection is made by what the guest runs in, but has a history of its own
        let _connection: Element = primitive(draft, dice, name, "remote");
        bind_to_members(draft);
        draft.remotes.push(name.to_owned());
    }
}

/// Lets plain resources migrate.
pub(crate) fn migrations(draft: &mut Draft, dice: &mut Dice) {
    let plain: Vec<String> = draft.names();
    for leaf in &mut draft.leaves {
        leaf.migratable = leaf.kind == "Dummy"
            && leaf.copies == 1
            && plain.contains(&leaf.id)
            && dice.percent(70);
    }
    let migratable = draft.leaves.iter().filter(|leaf| leaf.migratable);
    for id in migratable.map(|leaf| leaf.id.clone()).collect::<Vec<_>>() {
        draft.set_meta(&id, "allow-migrate", "true");
    }
}

//! What a simulation is told to pretend: options of `crm_simulate` for nodes, operations, tickets, quorum.

use cib::Element;

use crate::dice::Dice;
use crate::draft::NOW;

/// One to three events for a document.
pub(crate) fn events(document: &Element, dice: &mut Dice) -> Vec<String> {
    let scene = Scene::of(document);
    (0..dice.between(1, 3)).flat_map(|_| one(&scene, dice)).collect()
}

/// What events can be about.
struct Scene {
    nodes: Vec<String>,
    /// Remote nodes and guests.
    remotes: Vec<String>,
    primitives: Vec<String>,
    tickets: bool,
    /// There are remote nodes, guests or bundles.
    remote: bool,
}

impl Scene {
    fn of(document: &Element) -> Self {
        let ids = |name: &'static str, key: &'static str| {
            document
                .descendants()
                .filter(move |element| element.name() == name)
                .filter_map(move |element| element.get(key))
                .map(str::to_owned)
        };
        let guests = document
            .descendants()
            .filter(|pair| pair.get("name") == Some("remote-node"))
            .filter_map(|pair| pair.get("value"))
            .map(str::to_owned);
        let remotes = document
            .descendants()
            .filter(|element| {
                element.name() == "primitive" && element.get("type") == Some("remote")
            })
            .filter_map(Element::id)
            .map(str::to_owned);
        let remotes: Vec<String> = guests.chain(remotes).collect();
        Self {
            nodes: ids("node", "uname").collect(),
            remote: !remotes.is_empty() || ids("bundle", "id").next().is_some(),
            remotes,
            // and what bundles imply
            primitives: ids("primitive", "id")
                .chain(ids("bundle", "id").map(|id| format!("{id}-docker-0")))
                .collect(),
            tickets: ids("rsc_ticket", "id").next().is_some(),
        }
    }

    fn node<'a>(&'a self, dice: &mut Dice) -> &'a str {
        if !self.remotes.is_empty() && dice.percent(20) {
            return dice.pick(&self.remotes).as_str();
        }
        dice.pick(&self.nodes).as_str()
    }
}

fn one(scene: &Scene, dice: &mut Dice) -> Vec<String> {
    let option = |name: &str, value: &str| vec![name.to_owned(), value.to_owned()];
    match dice.below(100) {
        0..15 => option("--node-fail", dice.pick(&scene.nodes).as_str()),
        15..25 => option("--node-down", dice.pick(&scene.nodes).as_str()),
        // (after it, 2.1.5 makes a member of every remote node that something is done on)
        25..35 if scene.remote => Vec::new(),
        25..35 => option("--node-up", dice.pick(&scene.nodes).as_str()),
        35..60 => option("--op-inject", &operation(scene, dice)),
        60..85 => option("--op-fail", &operation(scene, dice)),
        // (alone, it is no event to 2.1.5, which changes nothing then)
        85..89 => [
            option("--quorum", dice.word(&["true", "false", "1", "0"])),
            option("--ticket-grant", "spare"),
        ]
        .concat(),
        89..91 => option("--watchdog", dice.word(&["true", "false"])),
        91..94 => option("--set-datetime", &moment(dice)),
        _ => {
            let ticket = if scene.tickets && dice.percent(80) { "site" } else { "new" };
            let change =
                ["--ticket-grant", "--ticket-revoke", "--ticket-standby", "--ticket-activate"];
            option(dice.word(&change), ticket)
        }
    }
}

/// `RESOURCE_TASK_INTERVAL@NODE=RC`.
fn operation(scene: &Scene, dice: &mut Dice) -> String {
    let resource = dice.pick(&scene.primitives);
    let task = dice.word(&["start", "start", "stop", "monitor", "monitor", "promote", "demote"]);
    let interval = if task == "monitor" { *dice.pick(&[0, 10_000, 10_000, 20_000]) } else { 0 };
    let rc = match *dice.pick(&[0, 1, 1, 5, 7, 7, 8, 9]) {
        // (of a probe that says "not installed" 2.1.5 tells only where the entry names its node)
        5 if task == "monitor" && interval == 0 => 1,
        rc => rc,
    };
    format!("{resource}_{task}_{interval}@{}={rc}", scene.node(dice))
}

/// A moment around the one at which documents are planned.
fn moment(dice: &mut Dice) -> String {
    let hours = i64::try_from(dice.below(48)).unwrap_or(0);
    let seconds = NOW + (hours - 24) * 3600;
    let of_day = seconds.rem_euclid(86_400);
    let day = if seconds < NOW { "2025-12-31" } else { "2026-01-01" };
    format!("{day} {:02}:{:02}:00Z", of_day / 3600, of_day / 60 % 60)
}

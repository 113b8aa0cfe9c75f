//! Features: bundles, and what has run in their containers.

use cib::Element;

use crate::dice::Dice;
use crate::draft::{Draft, Leaf};
use crate::made_constraints;
use crate::made_resources::{self, primitive};
use crate::made_status::Book;

/// A bundle as far as its history needs it.
#[derive(Clone, Debug)]
pub(crate) struct Bundle {
    pub(crate) id: String,
    /// `docker` or `podman`.
    launcher: &'static str,
    replicas: usize,
    per_host: usize,
    /// The last part of the first replica's address.
    first_address: Option<usize>,
    /// The primitive inside.
    pub(crate) inner: Option<Leaf>,
}

impl Bundle {
    pub(crate) fn is_promotable(&self) -> bool {
        self.inner.as_ref().is_some_and(|leaf| leaf.promotable)
    }

    /// Names of the nodes inside its containers.
    fn nodes(&self) -> Vec<String> {
        let count = if self.inner.is_some() { self.replicas } else { 0 };
        (0..count).map(|number| format!("{}-{number}", self.id)).collect()
    }

    /// Something that the bundle makes and members have a history of.
    fn part(&self, id: String, kind: &'static str, monitor: u64) -> Leaf {
        Leaf {
            id,
            kind,
            copies: 1,
            unique: false,
            promotable: false,
            follows: None,
            migratable: false,
            members_only: true,
            implied: true,
            monitors: vec![(monitor, None)],
        }
    }
}

/// A bundle, maybe two.
pub(crate) fn bundles(draft: &mut Draft, dice: &mut Dice) {
    for (id, first) in [("box", 131), ("jar", 141)].into_iter().take(dice.between(1, 2)) {
        bundle(draft, dice, id, first);
    }
}

fn bundle(draft: &mut Draft, dice: &mut Dice, id: &str, first: usize) {
    let launcher = dice.word(&["docker", "podman"]);
    let launcher = if launcher == "docker" { "docker" } else { "podman" };
    let mut container = Element::new(launcher).with("image", "registry/image:latest");
    let mut replicas = 1;
    let mut per_host = 1;
    let filled = dice.percent(75);
    let promotable = filled && dice.percent(40);
    if dice.percent(80) {
        replicas = dice.between(1, 3);
        container.set("replicas", replicas.to_string());
    }
    if promotable {
        let promoted = dice.between(1, 2);
        // the old name, too
        let name = if dice.percent(20) { "masters" } else { "promoted-max" };
        container.set(name, promoted.to_string());
        if container.get("replicas").is_none() {
            replicas = promoted;
        }
    }
    let addressed = dice.percent(65);
    if (addressed || !filled) && dice.percent(25) {
        per_host = dice.between(1, 2);
        container.set("replicas-per-host", per_host.to_string());
    }
    for (name, percent, value) in [
        ("options", 20, "--log-driver=journald"),
        ("network", 15, "host"),
        ("run-command", 20, "/bin/serve"),
    ] {
        if dice.percent(percent) {
            container.set(name, value);
        }
    }
    let mut element = Element::new("bundle").with("id", id).with_child(container);
    if addressed || filled {
        let mut network = Element::new("network");
        if addressed {
            network.set("ip-range-start", format!("192.168.122.{first}"));
        }
        if !addressed || dice.percent(20) {
            network.set("control-port", "9999");
        }
        if dice.percent(30) {
            network.set("host-interface", "eth0");
            network.set("host-netmask", "24");
        }
        if dice.percent(30) {
            network.push(
                Element::new("port-mapping").with("id", format!("{id}-port")).with("port", "80"),
            );
        }
        element.push(network);
    }
    if dice.percent(30) {
        let mapping = Element::new("storage-mapping")
            .with("id", format!("{id}-map"))
            .with(dice.word(&["source-dir", "source-dir-root"]), "/srv")
            .with("target-dir", "/var/www")
            .with("options", "rw");
        element.push(Element::new("storage").with_child(mapping));
    }
    let mut inner = None;
    if filled {
        let kind = if promotable { "Stateful" } else { "Dummy" };
        element.push(primitive(draft, dice, &format!("{id}-in"), kind));
        inner = draft.leaves.pop();
    }
    if let Some(leaf) = &mut inner {
        leaf.unique = per_host > 1;
        leaf.promotable = promotable;
    }
    draft.resources.push(element);
    let bundle = Bundle {
        id: id.to_owned(),
        launcher,
        replicas,
        per_host,
        first_address: addressed.then_some(first),
        inner,
    };
    draft.containers.extend(bundle.nodes());
    draft.bundles.push(bundle);
}

/// What stands beside bundles: nothing, a few primitives, a clone.
pub(crate) fn company(draft: &mut Draft, dice: &mut Dice) {
    if dice.percent(60) {
        made_resources::primitives(draft, dice);
    }
    if dice.percent(15) {
        made_resources::clones(draft, dice);
    }
}

/// Some constraints, where there is more than the bundle.
pub(crate) fn constraints(draft: &mut Draft, dice: &mut Dice) {
    for (percent, feature) in [
        (40, made_constraints::colocations as fn(&mut Draft, &mut Dice)),
        (40, made_constraints::orders),
        (30, made_constraints::roles),
    ] {
        if dice.percent(percent) {
            feature(draft, dice);
        }
    }
}

/// Takes out colocations that lead from a bundle to itself: which of those in the circle has its place
/// first is left to how deep the recursion goes.
pub(crate) fn no_circles(draft: &mut Draft, _dice: &mut Dice) {
    let names = draft.names();
    let place = |id: Option<&str>| names.iter().position(|name| Some(name.as_str()) == id);
    let bundled = |id: Option<&str>| draft.bundles.iter().any(|b| Some(b.id.as_str()) == id);
    draft.constraints.retain(|constraint| {
        let (one, other) = (constraint.get("rsc"), constraint.get("with-rsc"));
        other.is_none()
            || draft.bundles.is_empty()
            || (!bundled(one) && !bundled(other))
            || place(one) < place(other)
    });
}

/// What became of a bundle's replicas: `books` has the members first, the nodes in containers somewhere
/// after them.
pub(crate) fn replicas(bundle: &Bundle, members: usize, books: &mut [Book], dice: &mut Dice) {
    let first = dice.below(members);
    for number in 0..bundle.replicas {
        let host = (first + number / bundle.per_host) % members;
        let container =
            bundle.part(format!("{}-{}-{number}", bundle.id, bundle.launcher), bundle.launcher, 60);
        let address = bundle.first_address.map(|first| {
            let id = format!("{}-ip-192.168.122.{}", bundle.id, first + number);
            bundle.part(id, "IPaddr2", 60)
        });
        let name = format!("{}-{number}", bundle.id);
        let connection = bundle.inner.as_ref().map(|_| bundle.part(name.clone(), "remote", 30));
        // how far it came: nothing, the address, the container, the connection
        let reached = match dice.below(10) {
            0 => 0,
            1 => 1,
            2 => 2,
            _ => 3,
        };
        let parts = [(address, 1), (Some(container), 2), (connection, 3)];
        for (part, needed) in parts {
            let Some(part) = part else { continue };
            for (at, book) in books[..members].iter_mut().enumerate() {
                if at != host || reached < needed {
                    let probed = part.kind != "remote" && dice.percent(92);
                    if probed {
                        book.done(&part, &part.id, "monitor", 0, 7);
                    }
                } else if dice.percent(95) {
                    book.active(&part, &part.id, false, dice);
                    match dice.below(40) {
                        0 => book.failed(&part, &part.id, "stop", 0, 1),
                        1 => book.done(&part, &part.id, "stop", 0, 0),
                        _ => {}
                    }
                } else {
                    book.failed(&part, &part.id, "start", 0, 1);
                }
            }
        }
        let Some(leaf) = bundle.inner.as_ref().filter(|_| reached == 3) else { continue };
        let Some(book) = books.iter_mut().find(|book| book.is_of(&name)) else { continue };
        let entry = if leaf.unique { format!("{}:{number}", leaf.id) } else { leaf.id.clone() };
        match dice.below(12) {
            0 => book.done(leaf, &entry, "monitor", 0, 7),
            1 => book.failed(leaf, &entry, "start", 0, 1),
            2 => {
                book.active(leaf, &entry, false, dice);
                book.failed(leaf, &entry, "stop", 0, 1);
            }
            3 => {}
            _ => {
                let promoted = leaf.promotable && number == 0 && dice.percent(80);
                book.active(leaf, &entry, promoted, dice);
            }
        }
        if leaf.promotable && dice.percent(60) {
            book.promotion(&leaf.id, dice.word(&["5", "10", "100"]));
        }
    }
}

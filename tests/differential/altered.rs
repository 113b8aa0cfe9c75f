//! Cases of Pacemaker's own suite, altered at random: a constraint less, a failure more, a node in
//! standby. They hold features together that made documents hardly ever have at once.
//!
//! They come from `../shared/scheduler`; where that is missing there is nothing to alter. A case that
//! the other program plans otherwise as it stands belongs to a change since then, and is left out.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use cib::{Content, Element};

use crate::dice::Dice;
use crate::draft::NOW;
use crate::{altered_configuration, altered_status, crossed};

/// One way to alter a document; tells whether there was anything to alter.
type Change = fn(&mut Element, &mut Dice) -> bool;

const CHANGES: &[Change] = &[
    without_constraint,
    without_operation_history,
    without_resource_history,
    without_resource,
    other_result,
    other_status,
    other_property,
    other_meta,
    other_score,
    node_attribute,
    node_lost,
    node_leaves,
    another_location,
    another_colocation,
    another_order,
    other_failure_policy,
    fail_count,
    no_quorum,
    other_order_of_resources,
    resource_cloned,
    altered_configuration::constraint_of_sets,
    altered_configuration::other_kind,
    altered_configuration::about_a_role,
    altered_configuration::resource_grouped,
    altered_configuration::group_cloned,
    altered_configuration::with_ticket,
    altered_configuration::with_utilization,
    altered_configuration::guest_made,
    altered_configuration::remote_made,
    altered_configuration::operation_added,
    altered_configuration::node_removed,
    altered_configuration::primitive_removed,
    altered_configuration::location_by_rule,
    altered_configuration::colocation_by_attribute,
    altered_configuration::with_health,
    altered_configuration::with_defaults,
    altered_configuration::member_option,
    altered_status::active_elsewhere,
    altered_status::has_moved,
    altered_status::node_between,
    altered_status::node_unseen,
    altered_status::odd_result,
    altered_status::result_repeated,
    altered_status::other_agent,
    altered_status::other_parameters,
    altered_status::removed_resource,
    altered_status::locked,
    altered_status::transient_attribute,
    altered_status::migration,
];

/// The cases there are, and which of them can be compared.
pub(crate) struct Cases {
    paths: Vec<PathBuf>,
    comparable: BTreeMap<usize, bool>,
}

impl Cases {
    /// Finds the cases; the reason if there are none.
    pub(crate) fn find() -> Result<Self, String> {
        let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/scheduler/cases");
        let entries = std::fs::read_dir(&directory)
            .map_err(|error| format!("{}: {error}", directory.display()))?;
        let mut paths: Vec<PathBuf> = entries
            .filter_map(|entry| Some(entry.ok()?.path()))
            .filter(|path| path.extension().is_some_and(|extension| extension == "xml"))
            .collect();
        paths.sort();
        Ok(Self { paths, comparable: BTreeMap::new() })
    }

    /// The altered case of a seed; `same` tells whether a case can be compared as it stands.
    pub(crate) fn document(
        &mut self,
        seed: u64,
        same: &dyn Fn(&Element) -> bool,
    ) -> Option<Element> {
        let mut dice = Dice::new(seed);
        let document = self.comparable(&mut dice, same)?;
        Some(change_some(document, &mut dice))
    }

    /// Two cases as one cluster, altered.
    pub(crate) fn crossed(
        &mut self,
        seed: u64,
        same: &dyn Fn(&Element) -> bool,
    ) -> Option<Element> {
        let mut dice = Dice::new(seed);
        for _ in 0..CASES_TRIED {
            let host = self.comparable(&mut dice, same)?;
            let guest = self.comparable(&mut dice, same)?;
            if let Some(crossed) = crossed::cross(host, guest, &mut dice) {
                return Some(change_some(crossed, &mut dice));
            }
        }
        None
    }

    /// Any case that can be compared.
    fn comparable(&mut self, dice: &mut Dice, same: &dyn Fn(&Element) -> bool) -> Option<Element> {
        for _ in 0..CASES_TRIED {
            let number = dice.below(self.paths.len());
            let document = read(&self.paths[number])?;
            if *self.comparable.entry(number).or_insert_with(|| same(&document)) {
                return Some(document);
            }
        }
        None
    }
}

/// Cases that are looked at for one that can be compared.
const CASES_TRIED: usize = 20;

/// What options were called in 2.1.5.
const OLDER_NAMES: &[(&str, &str)] = &[
    ("fencing-enabled", "stonith-enabled"),
    ("fencing-action", "stonith-action"),
    ("fencing-timeout", "stonith-timeout"),
];

/// Reads a case, for the moment at which all documents are planned.
fn read(path: &Path) -> Option<Element> {
    let mut document = cib::parse(&std::fs::read_to_string(path).ok()?).ok()?;
    if document.get("execution-date").is_none() {
        document.set("execution-date", NOW.to_string());
    }
    document.set("validate-with", "none");
    // (fail counts of an older one have other names)
    document.set("crm_feature_set", "3.16.1");
    let options = document.at_mut(&["configuration", "crm_config"])?;
    for pair in options.children_mut().flat_map(Element::children_mut) {
        let older = OLDER_NAMES.iter().find(|(name, _)| pair.get("name") == Some(name));
        if let Some((_, older)) = older {
            pair.set("name", older);
        }
    }
    // its default depends on how Pacemaker was built
    let said = options.descendants().any(|pair| pair.get("name") == Some("concurrent-fencing"));
    if !said {
        let set = options.child_or_insert("cluster_property_set");
        set_pair(set, "altered", "concurrent-fencing", "true");
    }
    Some(document)
}

/// Makes one to three changes.
fn change_some(mut document: Element, dice: &mut Dice) -> Element {
    let wanted = dice.between(1, 3);
    let mut done = 0;
    // (what a change finds nothing for is thrown again)
    for _ in 0..10 * wanted {
        if done < wanted && dice.pick(CHANGES)(&mut document, dice) {
            done += 1;
        }
    }
    document
}

/// Changes one of the elements below `at` that `fits`; tells whether there is one.
pub(crate) fn change_one(
    document: &mut Element,
    at: &[&str],
    fits: impl Fn(&Element) -> bool,
    dice: &mut Dice,
    change: impl FnOnce(&mut Element, &mut Dice),
) -> bool {
    let Some(root) = document.at_mut(at) else { return false };
    let count = root.descendants().filter(|element| fits(element)).count();
    if count == 0 {
        return false;
    }
    let mut left = dice.below(count);
    match nth(root, &fits, &mut left) {
        Some(found) => {
            change(found, dice);
            true
        }
        None => false,
    }
}

fn nth<'a>(
    element: &'a mut Element,
    fits: &impl Fn(&Element) -> bool,
    left: &mut usize,
) -> Option<&'a mut Element> {
    if fits(element) {
        if *left == 0 {
            return Some(element);
        }
        *left -= 1;
    }
    element.children_mut().find_map(|child| nth(child, fits, left))
}

/// Removes one of the children, of whatever is below `at`, that `fits`.
pub(crate) fn remove_one(
    document: &mut Element,
    at: &[&str],
    fits: impl Fn(&Element) -> bool,
    dice: &mut Dice,
) -> bool {
    let holds = |element: &Element| element.children().any(&fits);
    change_one(document, at, holds, dice, |holder, dice| {
        let number = dice.below(holder.children().filter(|child| fits(child)).count());
        let mut seen = 0;
        holder.retain_children(|child| {
            let chosen = fits(child) && seen == number;
            seen += usize::from(fits(child));
            !chosen
        });
    })
}

fn is_constraint(element: &Element) -> bool {
    matches!(element.name(), "rsc_location" | "rsc_colocation" | "rsc_order" | "rsc_ticket")
}

fn is_resource(element: &Element) -> bool {
    matches!(element.name(), "primitive" | "group" | "clone" | "master" | "bundle")
}

pub(crate) const CONSTRAINTS: &[&str] = &["configuration", "constraints"];
pub(crate) const RESOURCES: &[&str] = &["configuration", "resources"];
pub(crate) const TAGS: &[&str] = &["configuration", "tags"];
pub(crate) const STATUS: &[&str] = &["status"];

fn without_constraint(document: &mut Element, dice: &mut Dice) -> bool {
    remove_one(document, CONSTRAINTS, is_constraint, dice)
}

fn without_operation_history(document: &mut Element, dice: &mut Dice) -> bool {
    remove_one(document, STATUS, |element| element.name() == "lrm_rsc_op", dice)
}

fn without_resource_history(document: &mut Element, dice: &mut Dice) -> bool {
    remove_one(document, STATUS, |element| element.name() == "lrm_resource", dice)
}

/// A resource that constraints don't name is taken out; its history stays.
fn without_resource(document: &mut Element, dice: &mut Dice) -> bool {
    let mut named: Vec<String> = Vec::new();
    for section in [CONSTRAINTS, TAGS] {
        for element in document.at(section).into_iter().flat_map(Element::descendants) {
            named.extend(element.attributes().map(|(_, value)| value.to_owned()));
        }
    }
    let free = |element: &Element| {
        is_resource(element)
            && !element
                .descendants()
                .filter_map(Element::id)
                .any(|id| named.iter().any(|n| n == id))
    };
    let Some(resources) = document.at_mut(RESOURCES) else { return false };
    let count = resources.children().filter(|child| free(child)).count();
    if count == 0 || resources.children().count() == 1 {
        return false;
    }
    let number = dice.below(count);
    let mut seen = 0;
    resources.retain_children(|child| {
        let chosen = free(child) && seen == number;
        seen += usize::from(free(child));
        !chosen
    });
    true
}

fn other_result(document: &mut Element, dice: &mut Dice) -> bool {
    let plain = |element: &Element| {
        element.name() == "lrm_rsc_op"
            && matches!(element.get("operation"), Some("monitor" | "start" | "stop" | "promote"))
    };
    change_one(document, STATUS, plain, dice, |operation, dice| {
        let code = dice.word(&["0", "1", "7", "8", "5", "9"]);
        operation.set("rc-code", code);
        operation.set("op-status", if code == "0" { "0" } else { dice.word(&["0", "4"]) });
    })
}

fn other_status(document: &mut Element, dice: &mut Dice) -> bool {
    change_one(
        document,
        STATUS,
        |element| element.name() == "lrm_rsc_op",
        dice,
        |operation, dice| {
            let (status, code) = *dice.pick(&[("2", "1"), ("-1", "193"), ("3", "7"), ("4", "1")]);
            operation.set("op-status", status);
            operation.set("rc-code", code);
        },
    )
}

const PROPERTIES: &[(&str, &[&str])] = &[
    ("stonith-enabled", &["true", "false"]),
    ("no-quorum-policy", &["stop", "freeze", "ignore", "suicide", "demote"]),
    ("symmetric-cluster", &["true", "false"]),
    ("maintenance-mode", &["true", "false"]),
    ("start-failure-is-fatal", &["true", "false"]),
    ("stop-all-resources", &["true", "false"]),
    ("stop-orphan-resources", &["true", "false"]),
    ("stop-orphan-actions", &["true", "false"]),
    ("enable-startup-probes", &["true", "false"]),
    ("startup-fencing", &["true", "false"]),
    ("stonith-action", &["reboot", "off"]),
    ("concurrent-fencing", &["true", "false"]),
    ("placement-strategy", &["default", "utilization", "minimal", "balanced"]),
    ("priority-fencing-delay", &["0", "15s"]),
    ("cluster-recheck-interval", &["5min", "0"]),
];

fn other_property(document: &mut Element, dice: &mut Dice) -> bool {
    let (name, values) = *dice.pick(PROPERTIES);
    let value = dice.word(values);
    let Some(options) = document.at_mut(&["configuration", "crm_config"]) else { return false };
    let set = options.child_or_insert("cluster_property_set");
    set_pair(set, "altered-property", name, value);
    true
}

const METAS: &[(&str, &[&str])] = &[
    ("target-role", &["Started", "Stopped", "Slave", "Master"]),
    ("is-managed", &["true", "false"]),
    ("resource-stickiness", &["0", "1", "100", "INFINITY", "-1"]),
    ("migration-threshold", &["1", "2", "1000000"]),
    ("failure-timeout", &["10s", "100000000s"]),
    ("priority", &["0", "5", "10"]),
    ("multiple-active", &["stop_start", "stop_only", "block", "stop_unexpected"]),
    ("requires", &["nothing", "quorum", "fencing"]),
    ("allow-migrate", &["true", "false"]),
    ("maintenance", &["true", "false"]),
    ("critical", &["true", "false"]),
    ("clone-max", &["1", "2", "3"]),
    ("clone-node-max", &["1", "2"]),
    ("interleave", &["true", "false"]),
    ("ordered", &["true", "false"]),
    ("notify", &["true", "false"]),
    ("globally-unique", &["true", "false"]),
    ("promoted-max", &["1", "2"]),
    ("clone-min", &["1", "2"]),
];

fn other_meta(document: &mut Element, dice: &mut Dice) -> bool {
    let (name, values) = *dice.pick(METAS);
    let value = dice.word(values);
    let about_copies = ["clone-", "interl", "ordere", "notify", "global", "promot"]
        .iter()
        .any(|start| name.starts_with(start));
    let fits = |element: &Element| match about_copies {
        true => matches!(element.name(), "clone" | "master"),
        false => is_resource(element) && element.name() != "bundle",
    };
    change_one(document, RESOURCES, fits, dice, |resource, _| {
        if resource.child("meta_attributes").is_none() {
            let id = format!("{}-altered-meta", resource.id().unwrap_or_default());
            let set = Element::new("meta_attributes").with("id", id);
            resource.content_mut().insert(0, Content::Element(set.into()));
        }
        let id = format!("{}-altered", resource.id().unwrap_or_default());
        if let Some(set) = resource.child_mut("meta_attributes") {
            set_pair(set, &id, name, value);
        }
    })
}

/// Gives a set a pair, in place of one of the same name, however it is written.
pub(crate) fn set_pair(set: &mut Element, id: &str, name: &str, value: &str) {
    let plain = |text: &str| text.replace('_', "-");
    set.retain_children(|pair| pair.get("name").map(plain) != Some(plain(name)));
    set.push(
        Element::new("nvpair")
            .with("id", format!("{id}-{name}"))
            .with("name", name)
            .with("value", value),
    );
}

const SCORES: &[&str] = &["0", "1", "50", "200", "-50", "INFINITY", "-INFINITY"];

fn other_score(document: &mut Element, dice: &mut Dice) -> bool {
    change_one(
        document,
        CONSTRAINTS,
        |element| element.get("score").is_some(),
        dice,
        |one, dice| {
            one.set("score", dice.word(SCORES));
        },
    )
}

fn node_attribute(document: &mut Element, dice: &mut Dice) -> bool {
    let name = dice.word(&["standby", "maintenance", "standby"]);
    change_one(
        document,
        &["configuration", "nodes"],
        |element| element.name() == "node",
        dice,
        |node, _| {
            let id = format!("{}-altered", node.id().unwrap_or_default());
            let set = node.child_or_insert("instance_attributes");
            if set.id().is_none() {
                set.set("id", &id);
            }
            set_pair(set, &id, name, "true");
        },
    )
}

pub(crate) fn is_state(element: &Element) -> bool {
    element.name() == "node_state" && element.get("remote_node").is_none()
}

fn node_lost(document: &mut Element, dice: &mut Dice) -> bool {
    change_one(document, STATUS, is_state, dice, |state, dice| {
        state.set("in_ccm", "false");
        state.set("crmd", "offline");
        if dice.percent(50) {
            state.set("join", "down");
            state.set("expected", "down");
        }
    })
}

fn node_leaves(document: &mut Element, dice: &mut Dice) -> bool {
    change_one(document, STATUS, is_state, dice, |state, _| {
        let id = format!("{}-altered", state.id().unwrap_or_default());
        let holder = state.child_or_insert("transient_attributes");
        let set = holder.child_or_insert("instance_attributes");
        set.set("id", &id);
        set_pair(set, &id, "shutdown", &(NOW - 60).to_string());
    })
}

/// Ids of what constraints may name: whatever is in nothing else.
pub(crate) fn tops(document: &Element) -> Vec<String> {
    let resources = document.at(RESOURCES);
    let tops = resources.into_iter().flat_map(Element::children).filter(|one| is_resource(one));
    tops.filter_map(Element::id).map(str::to_owned).collect()
}

pub(crate) fn two(document: &Element, dice: &mut Dice) -> Option<(String, String)> {
    let names = tops(document);
    if names.len() < 2 {
        return None;
    }
    let first = dice.below(names.len());
    let second = (first + 1 + dice.below(names.len() - 1)) % names.len();
    Some((names[first].clone(), names[second].clone()))
}

pub(crate) fn constrain(document: &mut Element, constraint: Element) -> bool {
    let Some(configuration) = document.child_mut("configuration") else { return false };
    let constraints = configuration.child_or_insert("constraints");
    let number = constraints.children().count();
    constraints.push(constraint.with("id", format!("altered-{number}")));
    true
}

fn another_location(document: &mut Element, dice: &mut Dice) -> bool {
    let names = tops(document);
    let nodes = node_names(document);
    if names.is_empty() || nodes.is_empty() {
        return false;
    }
    let location = Element::new("rsc_location")
        .with("rsc", dice.pick(&names))
        .with("node", dice.pick(&nodes))
        .with("score", dice.word(SCORES));
    constrain(document, location)
}

pub(crate) fn node_names(document: &Element) -> Vec<String> {
    let nodes = document.at(&["configuration", "nodes"]).into_iter().flat_map(Element::children);
    nodes.filter_map(|node| node.get("uname")).map(str::to_owned).collect()
}

fn another_colocation(document: &mut Element, dice: &mut Dice) -> bool {
    let Some((dependent, primary)) = two(document, dice) else { return false };
    let colocation = Element::new("rsc_colocation")
        .with("rsc", dependent)
        .with("with-rsc", primary)
        .with("score", dice.word(&["INFINITY", "-INFINITY", "50", "-50"]));
    constrain(document, colocation)
}

fn another_order(document: &mut Element, dice: &mut Dice) -> bool {
    let Some((first, then)) = two(document, dice) else { return false };
    let order = Element::new("rsc_order")
        .with("first", first)
        .with("then", then)
        .with("kind", dice.word(&["Mandatory", "Optional", "Serialize"]));
    constrain(document, order)
}

fn other_failure_policy(document: &mut Element, dice: &mut Dice) -> bool {
    change_one(
        document,
        RESOURCES,
        |element| element.name() == "op",
        dice,
        |operation, dice| {
            let policies = ["restart", "stop", "block", "ignore", "fence", "standby", "demote"];
            operation.set("on-fail", dice.word(&policies));
        },
    )
}

/// Ids of all primitives.
pub(crate) fn primitives(document: &Element) -> Vec<String> {
    document
        .at(RESOURCES)
        .into_iter()
        .flat_map(Element::descendants)
        .filter(|element| element.name() == "primitive")
        .filter_map(Element::id)
        .map(str::to_owned)
        .collect()
}

fn fail_count(document: &mut Element, dice: &mut Dice) -> bool {
    let primitives = primitives(document);
    if primitives.is_empty() {
        return false;
    }
    let resource = dice.pick(&primitives).clone();
    let value = dice.word(&["1", "2", "3", "1000000"]);
    change_one(document, STATUS, is_state, dice, |state, _| {
        let id = format!("{}-altered", state.id().unwrap_or_default());
        let holder = state.child_or_insert("transient_attributes");
        let set = holder.child_or_insert("instance_attributes");
        set.set("id", &id);
        let operation = format!("{resource}#monitor_10000");
        set_pair(set, &id, &format!("fail-count-{operation}"), value);
        set_pair(set, &id, &format!("last-failure-{operation}"), &(NOW - 30).to_string());
    })
}

fn no_quorum(document: &mut Element, _: &mut Dice) -> bool {
    let without = document.get("have-quorum") == Some("0");
    document.set("have-quorum", if without { "1" } else { "0" });
    true
}

fn other_order_of_resources(document: &mut Element, dice: &mut Dice) -> bool {
    let Some(resources) = document.at_mut(RESOURCES) else { return false };
    let content = resources.content_mut();
    if content.len() < 2 {
        return false;
    }
    let (one, other) = (dice.below(content.len()), dice.below(content.len()));
    content.swap(one, other);
    one != other
}

/// A primitive that stands alone becomes a clone, under its own name; constraints follow the clone.
fn resource_cloned(document: &mut Element, dice: &mut Dice) -> bool {
    // what was under way between nodes could not have been a clone
    let moved =
        |element: &Element| element.get("operation").is_some_and(|o| o.starts_with("migrate"));
    if document.at(STATUS).is_some_and(|status| status.descendants().any(moved)) {
        return false;
    }
    let promotable = dice.percent(30);
    let mut name = None;
    let Some(resources) = document.at_mut(RESOURCES) else { return false };
    let plain = |one: &Element| {
        one.name() == "primitive"
            && one.get("class") == Some("ocf")
            && one.get("type") != Some("remote")
    };
    let count = resources.children().filter(|one| plain(one)).count();
    if count == 0 {
        return false;
    }
    let number = dice.below(count);
    if let Some(found) = resources.children_mut().filter(|one| plain(one)).nth(number) {
        let id = found.id().unwrap_or_default().to_owned();
        let clone_id = format!("{id}-clone");
        let mut clone = Element::new("clone").with("id", &clone_id);
        if promotable {
            let mut set = Element::new("meta_attributes").with("id", format!("{clone_id}-meta"));
            set_pair(&mut set, &clone_id, "promotable", "true");
            clone.push(set);
        }
        clone.push(found.clone());
        *found = clone;
        name = Some((id, clone_id));
    }
    if let Some((from, to)) = name {
        for section in [CONSTRAINTS, TAGS] {
            if let Some(found) = document.at_mut(section) {
                renamed(found, &from, &to);
            }
        }
    }
    true
}

pub(crate) fn renamed(element: &mut Element, from: &str, to: &str) {
    for key in ["rsc", "with-rsc", "first", "then"] {
        if element.get(key) == Some(from) {
            element.set(key, to);
        }
    }
    if matches!(element.name(), "resource_ref" | "obj_ref") && element.id() == Some(from) {
        element.set("id", to);
    }
    for child in element.children_mut() {
        renamed(child, from, to);
    }
}

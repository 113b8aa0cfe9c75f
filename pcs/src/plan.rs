//! What a change of the document would make the cluster do, by the scheduler's own word.

use std::collections::{BTreeMap, BTreeSet};

use cib::Element;
use model::WallTime;
use pengine::PlannedAction;
use pengine::explain::{About, Explained, Explanation, explain_into};
use serde::Serialize;

use crate::plan_time::{self, Timing};

/// How an element of the configuration changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Fate {
    /// It comes into being.
    Created,
    /// It or what it says changes.
    Changed,
    /// It goes.
    Removed,
}

/// An element of the configuration that changes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ElementChange {
    /// How.
    pub fate: Fate,
    /// Its tag.
    pub element: String,
    /// Its id.
    pub id: String,
    /// `name=value`, of a name-value pair.
    pub value: Option<String>,
}

/// Something that the cluster would do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Consequence {
    /// `Start`, `Stop`, `Move`, `Promote`, `Fence (reboot)`, …
    pub verb: String,
    /// The resource, or the node of a fencing.
    pub subject: String,
    /// Nodes and roles.
    pub details: String,
    /// Why.
    pub reason: Option<String>,
    /// It can't be done now.
    pub blocked: bool,
    /// For how many milliseconds the resource is away, by the times its operations took before;
    /// none when it does not come back, or nobody knows.
    pub down_ms: Option<u64>,
}

impl Consequence {
    fn is_same(&self, other: &Self) -> bool {
        self.verb == other.verb && self.subject == other.subject && self.details == other.details
    }
}

/// One step of a command: a change, and what the cluster does until it is at rest again.
#[derive(Clone, Debug, Serialize)]
pub struct Stage {
    /// What changes in the configuration.
    pub configuration: Vec<ElementChange>,
    /// What the cluster would do because of it.
    pub actions: Vec<Consequence>,
    /// What it is about to do with or without the change.
    pub anyway: Vec<Consequence>,
    /// What it is about to do, and would not do after the change.
    pub prevented: Vec<Consequence>,
    /// What the scheduler warns of after the change and not before.
    pub warnings: Vec<String>,
    /// How long all of it takes, by what the histories know.
    pub time: Timing,
    /// Whether any node is online; without one nothing is ever done.
    pub any_node_online: bool,
    /// The transition graph after the change.
    #[serde(skip)]
    pub graph: Element,
}

impl Stage {
    /// Tells whether the cluster would do nothing because of the change.
    pub fn is_quiet(&self) -> bool {
        self.actions.is_empty() && self.prevented.is_empty()
    }
}

/// What the cluster would do with a document as it is: one half of a plan, and a whole run of the
/// policy engine, which needs nothing of the other half.
#[derive(Debug)]
pub struct Outlook {
    actions: Vec<Consequence>,
    messages: Vec<pengine::Message>,
}

impl Outlook {
    /// Asks the policy engine.
    pub fn of(document: &Element, now: WallTime, options: &pengine::Options) -> Self {
        let told = explain_into(document, now, options, About::Actions, ());
        let actions = consequences(&told, &plan_time::Schedule::default());
        Self { actions, messages: told.plan.report.messages }
    }
}

/// Works out what a change of the document leads to.
pub fn stage(
    before: &Element,
    after: &Element,
    now: WallTime,
    options: &pengine::Options,
) -> Stage {
    stage_after(before, after, now, options, || Outlook::of(before, now, options))
}

/// As [`stage`]; `outlook` is asked last for what happens without the change, so that it can be
/// worked out at the same time.
pub fn stage_after(
    before: &Element,
    after: &Element,
    now: WallTime,
    options: &pengine::Options,
    outlook: impl FnOnce() -> Outlook,
) -> Stage {
    let new = explain_into(after, now, options, About::Actions, pengine::Tree::default());
    let times = plan_time::Times::of(after, &new.plan.graph);
    let schedule = plan_time::Schedule::of(&new.plan.graph, &times);
    let new_actions = consequences(&new, &schedule);
    let configuration = differences(before, after);
    let old = outlook();
    let is_in = |list: &[Consequence], one: &Consequence| list.iter().any(|o| o.is_same(one));
    let prevented =
        old.actions.iter().filter(|one| !is_in(&new_actions, one)).cloned().collect::<Vec<_>>();
    let (anyway, actions) = new_actions.into_iter().partition(|one| is_in(&old.actions, one));
    let warnings = new.plan.report.messages.iter();
    Stage {
        configuration,
        actions,
        anyway,
        prevented,
        warnings: warnings
            .filter(|message| message.level <= pengine::Level::Warning)
            .filter(|message| !old.messages.contains(message))
            .map(|message| message.text.clone())
            .collect(),
        time: schedule.timing(),
        any_node_online: new.any_node_online,
        graph: new.plan.graph,
    }
}

fn consequences<Graph>(
    told: &Explained<Graph>,
    schedule: &plan_time::Schedule,
) -> Vec<Consequence> {
    let by_id: BTreeMap<&str, &Explanation> =
        told.resources.iter().map(|one| (one.resource.as_str(), one)).collect();
    let actions = told.plan.report.actions.iter();
    actions
        .map(|action: &PlannedAction| {
            let explanation = by_id.get(action.subject.as_str());
            Consequence {
                verb: action.verb.clone(),
                subject: action.subject.clone(),
                details: action.details.clone(),
                reason: match explanation {
                    Some(explanation) => view::explain_text::because(action, explanation),
                    None => action.reason.clone(),
                },
                blocked: action.blocked,
                down_ms: schedule.down_ms(&action.subject),
            }
        })
        .collect()
}

/// The id of an element; what only refers to another one has none of its own.
fn own_id(element: &Element) -> Option<&str> {
    element.id().filter(|_| !matches!(element.name(), "obj_ref" | "resource_ref"))
}

/// Elements with ids, each with the id of the nearest one around it.
type Identified<'a> = BTreeMap<&'a str, (&'a Element, Option<&'a str>)>;

fn collect<'a>(element: &'a Element, around: Option<&'a str>, found: &mut Identified<'a>) {
    let id = own_id(element);
    if let Some(id) = id {
        found.insert(id, (element, around));
    }
    element.children().for_each(|child| collect(child, id.or(around), found));
}

/// Collects what is in two elements that stand in the same place, but for what both share: most of
/// a document is not even copied for a change.
fn collect_apart<'a>(
    (before, after): (&'a Element, &'a Element),
    around: Option<&'a str>,
    old: &mut Identified<'a>,
    new: &mut Identified<'a>,
) {
    let id = own_id(before);
    if id != own_id(after) || before.name() != after.name() {
        collect(before, around, old);
        collect(after, around, new);
        return;
    }
    if let Some(id) = id {
        old.insert(id, (before, around));
        new.insert(id, (after, around));
    }
    let around = id.or(around);
    let (gone, added) = (unshared(before, after), unshared(after, before));
    let same_place =
        |(one, other): (&&Element, &&Element)| one.name() == other.name() && one.id() == other.id();
    if gone.len() == added.len() && gone.iter().zip(&added).all(same_place) {
        let pairs = gone.into_iter().zip(added);
        return pairs.for_each(|pair| collect_apart(pair, around, old, new));
    }
    gone.into_iter().for_each(|child| collect(child, around, old));
    added.into_iter().for_each(|child| collect(child, around, new));
}

/// Returns the children of one element that are not the very same in the other one.
fn unshared<'a>(element: &'a Element, other: &Element) -> Vec<&'a Element> {
    let shared: BTreeSet<*const Element> = other.children().map(std::ptr::from_ref).collect();
    element.children().filter(|child| !shared.contains(&std::ptr::from_ref(*child))).collect()
}

/// Returns which elements of the configuration differ; of what is new or gone the outermost only.
pub fn differences(before: &Element, after: &Element) -> Vec<ElementChange> {
    let (mut old, mut new) = (Identified::new(), Identified::new());
    match (before.child("configuration"), after.child("configuration")) {
        (Some(before), Some(after)) => collect_apart((before, after), None, &mut old, &mut new),
        (before, after) => {
            before.into_iter().for_each(|element| collect(element, None, &mut old));
            after.into_iter().for_each(|element| collect(element, None, &mut new));
        }
    }
    let outermost = |one: &Identified<'_>, other: &Identified<'_>, fate: Fate| {
        one.iter()
            .filter(|(id, (_, around))| {
                !other.contains_key(*id) && around.is_none_or(|around| other.contains_key(around))
            })
            .map(|(id, (element, _))| change(fate, id, element))
            .collect::<Vec<_>>()
    };
    let mut changes = outermost(&old, &new, Fate::Removed);
    changes.extend(new.iter().filter_map(|(id, (element, around))| {
        let (was, was_around) = old.get(id)?;
        let same = was.name() == element.name()
            && was.attributes().eq(element.attributes())
            && was_around == around
            && bare(was) == bare(element);
        (!same).then(|| change(Fate::Changed, id, element))
    }));
    changes.extend(outermost(&new, &old, Fate::Created));
    changes
}

/// What an element says beside its attributes and the elements that have ids of their own.
fn bare(element: &Element) -> Vec<String> {
    element.children().filter(|child| own_id(child).is_none()).map(Element::to_xml).collect()
}

fn change(fate: Fate, id: &str, element: &Element) -> ElementChange {
    let value = match (element.get("name"), element.get("value")) {
        (Some(name), Some(value)) if element.name() == "nvpair" => Some(format!("{name}={value}")),
        _ => None,
    };
    ElementChange { fate, element: element.name().to_owned(), id: id.to_owned(), value }
}

#[cfg(test)]
mod tests {
    use super::{Fate, differences};

    #[test]
    fn only_the_outermost_of_what_is_new_is_named() {
        let before = cib::parse(
            r#"<cib><configuration><resources><group id="g"><primitive id="a"/></group></resources>
            <constraints><rsc_location id="l"/></constraints></configuration></cib>"#,
        )
        .unwrap();
        let after = cib::parse(
            r#"<cib><configuration><resources><group id="g"/><primitive id="a"/>
            <primitive id="b"><meta_attributes id="b-m"><nvpair id="x" name="n" value="v"/></meta_attributes></primitive>
            </resources><constraints/></configuration></cib>"#,
        )
        .unwrap();
        let found: Vec<(Fate, String)> =
            differences(&before, &after).into_iter().map(|c| (c.fate, c.id)).collect();
        assert_eq!(
            found,
            [
                (Fate::Removed, "l".to_owned()),
                (Fate::Changed, "a".to_owned()),
                (Fate::Created, "b".to_owned())
            ]
        );
        assert!(differences(&after, &after).is_empty());
    }

    /// What two documents share is not looked at, and nothing is missed for it.
    #[test]
    fn a_changed_copy_differs_as_two_documents_do() {
        let before = cib::parse(
            r#"<cib><configuration><resources><group id="g"><primitive id="a"><operations><op id="o" name="start"/></operations>
            </primitive><primitive id="b"/></group><primitive id="c"/><primitive id="d"/></resources>
            <constraints><rsc_location id="l" rsc="a"/><rsc_location id="m" rsc="b"/></constraints></configuration></cib>"#,
        )
        .unwrap();
        let mut after = before.clone();
        let configuration = after.child_mut("configuration").unwrap();
        let mut moved = None;
        configuration.child_mut("resources").unwrap().retain_children(|child| {
            if child.id() == Some("c") {
                moved = Some(child.clone());
            }
            child.id() != Some("c")
        });
        let group = configuration.child_mut("resources").unwrap().children_mut().next().unwrap();
        group.push(moved.unwrap());
        group
            .children_mut()
            .next()
            .unwrap()
            .child_mut("operations")
            .unwrap()
            .push(cib::Element::new("op").with("id", "p").with("name", "stop"));
        let constraints = configuration.child_mut("constraints").unwrap();
        constraints.retain_children(|child| child.id() != Some("m"));
        let apart = |document: &cib::Element| cib::parse(&document.to_xml()).unwrap();
        let found = differences(&before, &after);
        assert_eq!(found, differences(&apart(&before), &apart(&after)));
        let found: Vec<(Fate, &str)> = found.iter().map(|c| (c.fate, c.id.as_str())).collect();
        assert_eq!(
            found,
            [
                (Fate::Removed, "m"),
                // by its list of operations, which has no id
                (Fate::Changed, "a"),
                (Fate::Changed, "c"),
                (Fate::Created, "p")
            ]
        );
    }
}

//! Constraints as they are shown: values for JSON, and their lines of text, which also stand in
//! messages about duplicates.

use cib::Element;
use serde::Serialize;

use crate::options;
use crate::rule::RuleView;

/// All constraints by kind.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Constraints {
    /// Resources and nodes.
    pub location: Vec<Location>,
    /// Sets of resources and nodes.
    pub location_set: Vec<LocationSet>,
    /// Resources with resources.
    pub colocation: Vec<Colocation>,
    /// Sets with sets.
    pub colocation_set: Vec<ColocationSet>,
    /// What before what.
    pub order: Vec<Order>,
    /// Sets before sets.
    pub order_set: Vec<OrderSet>,
    /// Tickets.
    pub ticket: Vec<Ticket>,
    /// Tickets of sets.
    pub ticket_set: Vec<TicketSet>,
}

/// Where a resource runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Location {
    /// The resource.
    pub resource_id: Option<String>,
    /// Or all whose ids match.
    pub resource_pattern: Option<String>,
    /// In which role.
    pub role: Option<String>,
    /// The rest.
    pub attributes: LocationAttributes,
}

/// Where sets of resources run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LocationSet {
    /// The sets.
    pub resource_sets: Vec<SetView>,
    /// The rest.
    pub attributes: LocationAttributes,
}

/// What location constraints have in common.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LocationAttributes {
    /// The id.
    pub constraint_id: String,
    /// The score.
    pub score: Option<String>,
    /// The node.
    pub node: Option<String>,
    /// When it holds, and with which score.
    pub rules: Vec<RuleView>,
    /// When it holds, in old documents.
    pub lifetime: Vec<RuleView>,
    /// Whether the node is asked what runs there.
    pub resource_discovery: Option<String>,
}

/// Which resource runs with which.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Colocation {
    /// The resource that follows.
    pub resource_id: String,
    /// The resource it follows.
    pub with_resource_id: String,
    /// What makes nodes the same place.
    pub node_attribute: Option<String>,
    /// The role of the one.
    pub resource_role: Option<String>,
    /// The role of the other.
    pub with_resource_role: Option<String>,
    /// The instance of the one.
    pub resource_instance: Option<String>,
    /// The instance of the other.
    pub with_resource_instance: Option<String>,
    /// The rest.
    pub attributes: ColocationAttributes,
}

/// Which sets run with which.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ColocationSet {
    /// The sets.
    pub resource_sets: Vec<SetView>,
    /// The rest.
    pub attributes: ColocationAttributes,
}

/// What colocation constraints have in common.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ColocationAttributes {
    /// The id.
    pub constraint_id: String,
    /// The score.
    pub score: Option<String>,
    /// Whether the follower counts in placement.
    pub influence: Option<String>,
    /// When it holds, in old documents.
    pub lifetime: Vec<RuleView>,
}

/// What happens before what.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Order {
    /// The resource that comes first.
    pub first_resource_id: String,
    /// The resource that comes then.
    pub then_resource_id: String,
    /// What happens with the first.
    pub first_action: Option<String>,
    /// What happens then.
    pub then_action: Option<String>,
    /// The instance of the first.
    pub first_resource_instance: Option<String>,
    /// The instance of the other.
    pub then_resource_instance: Option<String>,
    /// The rest.
    pub attributes: OrderAttributes,
}

/// Which sets come before which.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct OrderSet {
    /// The sets.
    pub resource_sets: Vec<SetView>,
    /// The rest.
    pub attributes: OrderAttributes,
}

/// What order constraints have in common.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct OrderAttributes {
    /// The id.
    pub constraint_id: String,
    /// Whether it holds the other way round for stops.
    pub symmetrical: Option<bool>,
    /// Whether all instances count.
    pub require_all: Option<bool>,
    /// The score, in old documents.
    pub score: Option<String>,
    /// How strict it is.
    pub kind: Option<String>,
}

/// What needs a ticket.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Ticket {
    /// The resource.
    pub resource_id: String,
    /// In which role.
    pub role: Option<String>,
    /// The rest.
    pub attributes: TicketAttributes,
}

/// Which sets need a ticket.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TicketSet {
    /// The sets.
    pub resource_sets: Vec<SetView>,
    /// The rest.
    pub attributes: TicketAttributes,
}

/// What ticket constraints have in common.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TicketAttributes {
    /// The id.
    pub constraint_id: String,
    /// The ticket.
    pub ticket: String,
    /// What happens when it is lost.
    pub loss_policy: Option<String>,
}

/// A set of resources.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SetView {
    /// The id.
    pub set_id: String,
    /// Whether they come one after the other.
    pub sequential: Option<bool>,
    /// Whether all are needed.
    pub require_all: Option<bool>,
    /// How they are ordered.
    pub ordering: Option<String>,
    /// What happens with them.
    pub action: Option<String>,
    /// In which role.
    pub role: Option<String>,
    /// The score.
    pub score: Option<String>,
    /// How strict it is.
    pub kind: Option<String>,
    /// The resources.
    pub resources_ids: Vec<String>,
}

fn owned(element: &Element, key: &str) -> Option<String> {
    element.get(key).map(str::to_owned)
}

fn truth(element: &Element, key: &str) -> Option<bool> {
    element.get(key).map(options::is_true)
}

fn rules(element: &Element) -> Vec<RuleView> {
    element.children_named("rule").map(RuleView::of).collect()
}

fn lifetime(element: &Element) -> Vec<RuleView> {
    element.children_named("lifetime").flat_map(rules).collect()
}

fn sets(element: &Element) -> Vec<SetView> {
    element
        .children_named("resource_set")
        .map(|set| SetView {
            set_id: owned(set, "id").unwrap_or_default(),
            sequential: truth(set, "sequential"),
            require_all: truth(set, "require-all"),
            ordering: owned(set, "ordering"),
            action: owned(set, "action"),
            role: owned(set, "role"),
            score: owned(set, "score"),
            kind: owned(set, "kind"),
            resources_ids: set
                .children_named("resource_ref")
                .filter_map(|r| owned(r, "id"))
                .collect(),
        })
        .collect()
}

impl Constraints {
    /// Reads the constraints of a document.
    pub fn of(cib: &Element) -> Self {
        Self::of_elements(super::all(cib))
    }

    /// Reads constraints.
    pub fn of_elements<'a>(elements: impl Iterator<Item = &'a Element>) -> Self {
        let mut all = Self::default();
        for element in elements {
            all.add(element);
        }
        all
    }

    fn add(&mut self, c: &Element) {
        let constraint_id = owned(c, "id").unwrap_or_default();
        let resource_sets = sets(c);
        let in_sets = !resource_sets.is_empty();
        match c.name() {
            "rsc_location" => {
                let attributes = LocationAttributes {
                    constraint_id,
                    score: owned(c, "score"),
                    node: owned(c, "node"),
                    rules: rules(c),
                    lifetime: lifetime(c),
                    resource_discovery: owned(c, "resource-discovery"),
                };
                if in_sets {
                    self.location_set.push(LocationSet { resource_sets, attributes });
                } else {
                    self.location.push(Location {
                        resource_id: owned(c, "rsc"),
                        resource_pattern: owned(c, "rsc-pattern"),
                        role: owned(c, "role"),
                        attributes,
                    });
                }
            }
            "rsc_colocation" => {
                let attributes = ColocationAttributes {
                    constraint_id,
                    score: owned(c, "score"),
                    influence: owned(c, "influence"),
                    lifetime: lifetime(c),
                };
                if in_sets {
                    self.colocation_set.push(ColocationSet { resource_sets, attributes });
                } else {
                    self.colocation.push(Colocation {
                        resource_id: owned(c, "rsc").unwrap_or_default(),
                        with_resource_id: owned(c, "with-rsc").unwrap_or_default(),
                        node_attribute: owned(c, "node-attribute"),
                        resource_role: owned(c, "rsc-role"),
                        with_resource_role: owned(c, "with-rsc-role"),
                        resource_instance: owned(c, "rsc-instance"),
                        with_resource_instance: owned(c, "with-rsc-instance"),
                        attributes,
                    });
                }
            }
            "rsc_order" => {
                let attributes = OrderAttributes {
                    constraint_id,
                    symmetrical: truth(c, "symmetrical"),
                    require_all: truth(c, "require-all"),
                    score: owned(c, "score"),
                    kind: owned(c, "kind"),
                };
                if in_sets {
                    self.order_set.push(OrderSet { resource_sets, attributes });
                } else {
                    self.order.push(Order {
                        first_resource_id: owned(c, "first").unwrap_or_default(),
                        then_resource_id: owned(c, "then").unwrap_or_default(),
                        first_action: owned(c, "first-action"),
                        then_action: owned(c, "then-action"),
                        first_resource_instance: owned(c, "first-instance"),
                        then_resource_instance: owned(c, "then-instance"),
                        attributes,
                    });
                }
            }
            "rsc_ticket" => {
                let attributes = TicketAttributes {
                    constraint_id,
                    ticket: owned(c, "ticket").unwrap_or_default(),
                    loss_policy: owned(c, "loss-policy"),
                };
                if in_sets {
                    self.ticket_set.push(TicketSet { resource_sets, attributes });
                } else {
                    self.ticket.push(Ticket {
                        resource_id: owned(c, "rsc").unwrap_or_default(),
                        role: owned(c, "rsc-role"),
                        attributes,
                    });
                }
            }
            _ => {}
        }
    }

    /// Returns the lines of whatever is here, with ids, without headings.
    pub(crate) fn lines_of_any(&self) -> Vec<String> {
        let mut lines = Vec::new();
        for c in &self.location {
            lines.extend(c.lines(true, &|_, _| Vec::new()));
        }
        for c in &self.colocation {
            lines.extend(c.lines(true));
        }
        for c in &self.order {
            lines.extend(c.lines(true));
        }
        for c in &self.ticket {
            lines.extend(c.lines(true));
        }
        let set_lines = self
            .colocation_set
            .iter()
            .map(|c| (&c.attributes.constraint_id, c.attributes.words(), &c.resource_sets))
            .chain(
                self.order_set
                    .iter()
                    .map(|c| (&c.attributes.constraint_id, c.attributes.words(), &c.resource_sets)),
            )
            .chain(self.ticket_set.iter().map(|c| {
                (&c.attributes.constraint_id, c.attributes.set_words(), &c.resource_sets)
            }));
        for (id, words, sets) in set_lines {
            lines.extend(lines_of_sets(id, &words, sets, true));
        }
        lines
    }
}

fn with_id(text: String, id: &str, ids: bool) -> String {
    if ids { format!("{text} (id: {id})") } else { text }
}

fn named(role: Option<&String>, what: &str, id: &str) -> String {
    let role = role.map(|role| format!("{role} ")).unwrap_or_default();
    format!("{role}{what} '{id}'")
}

fn word(name: &str, value: Option<&String>) -> Option<String> {
    value.map(|value| format!("{name}={value}"))
}

fn flag(name: &str, value: Option<bool>) -> Option<String> {
    value.map(|value| format!("{name}={}", u8::from(value)))
}

fn joined(words: impl IntoIterator<Item = Option<String>>) -> String {
    words.into_iter().flatten().collect::<Vec<_>>().join(" ")
}

/// Returns a head with one line of words below it, if there are any.
fn head_and_words(head: String, words: &str) -> Vec<String> {
    let mut lines = vec![head];
    if !words.is_empty() {
        lines.push(format!("  {words}"));
    }
    lines
}

/// Returns the lines of a constraint of sets.
pub fn lines_of_sets(id: &str, words: &str, sets: &[SetView], ids: bool) -> Vec<String> {
    let head = |what: &str, id: &str| {
        if ids { format!("{what}: {id}") } else { format!("{what}:") }
    };
    let mut lines = head_and_words(head("Set Constraint", id), words);
    for set in sets {
        lines.push(format!("  {}", head("Resource Set", &set.set_id)));
        let resources: Vec<String> = set.resources_ids.iter().map(|r| format!("'{r}'")).collect();
        lines.push(format!("    Resources: {}", resources.join(", ")));
        let options = set.words();
        if !options.is_empty() {
            lines.push(format!("    {options}"));
        }
    }
    lines
}

impl SetView {
    /// Returns the options of the set as words.
    pub fn words(&self) -> String {
        joined([
            flag("sequential", self.sequential),
            flag("require-all", self.require_all),
            word("ordering", self.ordering.as_ref()),
            word("action", self.action.as_ref()),
            word("role", self.role.as_ref()),
            word("kind", self.kind.as_ref()),
            word("score", self.score.as_ref()),
        ])
    }
}

impl Location {
    /// Returns how the resource is called: by its id or by a pattern.
    pub fn subject(&self) -> String {
        match (&self.resource_id, &self.resource_pattern) {
            (Some(id), _) => named(self.role.as_ref(), "resource", id),
            (None, Some(pattern)) => named(self.role.as_ref(), "resource pattern", pattern),
            (None, None) => "nothing".to_owned(),
        }
    }

    /// Returns whether the score is negative, and the score without its sign.
    pub fn verdict(&self) -> (bool, &str) {
        let score = self.attributes.score.as_deref().unwrap_or("0");
        match score.strip_prefix('-') {
            Some(score) => (true, score),
            None => (false, score),
        }
    }

    /// Returns the lines of the constraint; `rule` writes rules.
    pub fn lines(&self, ids: bool, rule: &dyn Fn(&RuleView, bool) -> Vec<String>) -> Vec<String> {
        let id = &self.attributes.constraint_id;
        let head = match &self.attributes.node {
            Some(node) => {
                let (avoids, score) = self.verdict();
                let verb = if avoids { "avoids" } else { "prefers" };
                format!("{} {verb} node '{node}' with score {score}", self.subject())
            }
            None => self.subject(),
        };
        let discovery = word("resource-discovery", self.attributes.resource_discovery.as_ref());
        let mut lines = head_and_words(with_id(head, id, ids), &discovery.unwrap_or_default());
        if !self.attributes.rules.is_empty() {
            lines.push("  Rules:".to_owned());
            for view in &self.attributes.rules {
                lines.extend(rule(view, ids).into_iter().map(|line| format!("    {line}")));
            }
        }
        lines
    }
}

impl ColocationAttributes {
    /// Returns the options as words.
    pub fn words(&self) -> String {
        joined([word("score", self.score.as_ref()), word("influence", self.influence.as_ref())])
    }
}

impl Colocation {
    /// Returns the lines of the constraint.
    pub fn lines(&self, ids: bool) -> Vec<String> {
        let head = format!(
            "{} with {}",
            named(self.resource_role.as_ref(), "resource", &self.resource_id),
            named(self.with_resource_role.as_ref(), "resource", &self.with_resource_id)
        );
        let attribute = word("node-attribute", self.node_attribute.as_ref());
        let words = joined([Some(self.attributes.words()).filter(|w| !w.is_empty()), attribute]);
        head_and_words(with_id(head, &self.attributes.constraint_id, ids), &words)
    }
}

impl OrderAttributes {
    /// Returns the options as words.
    pub fn words(&self) -> String {
        joined([
            flag("symmetrical", self.symmetrical),
            flag("require-all", self.require_all),
            word("score", self.score.as_ref()),
            word("kind", self.kind.as_ref()),
        ])
    }
}

impl Order {
    /// Returns the lines of the constraint.
    pub fn lines(&self, ids: bool) -> Vec<String> {
        let head = format!(
            "{} then {}",
            named(self.first_action.as_ref(), "resource", &self.first_resource_id),
            named(self.then_action.as_ref(), "resource", &self.then_resource_id)
        );
        head_and_words(with_id(head, &self.attributes.constraint_id, ids), &self.attributes.words())
    }
}

impl TicketAttributes {
    fn words(&self) -> String {
        joined([word("loss-policy", self.loss_policy.as_ref())])
    }

    /// Returns the options of a constraint of sets as words.
    pub fn set_words(&self) -> String {
        joined([word("ticket", Some(&self.ticket)), word("loss-policy", self.loss_policy.as_ref())])
    }
}

impl Ticket {
    /// Returns the lines of the constraint.
    pub fn lines(&self, ids: bool) -> Vec<String> {
        let head = format!(
            "{} depends on ticket '{}'",
            named(self.role.as_ref(), "resource", &self.resource_id),
            self.attributes.ticket
        );
        head_and_words(with_id(head, &self.attributes.constraint_id, ids), &self.attributes.words())
    }
}

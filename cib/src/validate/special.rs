//! Rules about attributes that exclude or need each other, one function an element.

use crate::tree::Element;

use super::describe;

/// Returns what is wrong with the element beyond its grammar.
pub(super) fn check(element: &Element) -> Vec<String> {
    let mut wrong = Wrong { element, texts: Vec::new() };
    match element.name() {
        "primitive" => wrong.primitive(),
        "template" => wrong.provider(),
        "cluster_property_set" | "meta_attributes" | "instance_attributes" | "utilization" => {
            wrong.id_or_reference();
        }
        "operations" if element.get("id-ref").is_some() => wrong.id_or_reference(),
        "nvpair" => wrong.pair(),
        "resource_set" => wrong.set(),
        "rule" => wrong.rule(),
        "date_expression" => wrong.date_expression(),
        "rsc_location" => wrong.location(),
        "rsc_colocation" => wrong.two_or_sets("rsc", "with-rsc"),
        "rsc_order" => {
            wrong.two_or_sets("first", "then");
            wrong.not_both("score", "kind");
        }
        "rsc_ticket" => {
            wrong.exactly_one(&["rsc"], &["resource_set"]);
        }
        "clone" | "master" => wrong.exactly_one(&[], &["primitive", "group"]),
        "bundle" => wrong.exactly_one(&[], &["docker", "podman", "rkt"]),
        "docker" | "podman" | "rkt" => wrong.not_both("masters", "promoted-max"),
        "port-mapping" => {
            wrong.exactly_one(&["port", "range"], &[]);
            wrong.needs("internal-port", "port");
        }
        "storage-mapping" => wrong.exactly_one(&["source-dir", "source-dir-root"], &[]),
        "fencing-level" => wrong.level(),
        "acl_permission" => {
            wrong.exactly_one(&["xpath", "reference", "object-type"], &[]);
            if element.get("object-type").is_none() && element.get("xpath").is_none() {
                wrong.needs("attribute", "reference");
            }
        }
        _ => {}
    }
    wrong.texts
}

struct Wrong<'a> {
    element: &'a Element,
    texts: Vec<String>,
}

impl Wrong<'_> {
    fn say(&mut self, what: impl AsRef<str>) {
        self.texts.push(format!("{} {}", describe(self.element), what.as_ref()));
    }

    fn has(&self, name: &str) -> bool {
        self.element.get(name).is_some()
    }

    fn require(&mut self, name: &str) {
        if !self.has(name) {
            self.say(format!("lacks the attribute `{name}`"));
        }
    }

    fn not_both(&mut self, one: &str, other: &str) {
        if self.has(one) && self.has(other) {
            self.say(format!("has both `{one}` and `{other}`; one of them is enough"));
        }
    }

    fn needs(&mut self, one: &str, other: &str) {
        if self.has(one) && !self.has(other) {
            self.say(format!("has `{one}`, which means nothing without `{other}`"));
        }
    }

    /// Exactly one of some attributes and some children must be there.
    fn exactly_one(&mut self, attributes: &[&str], children: &[&str]) {
        let found = attributes.iter().filter(|a| self.has(a)).count()
            + children.iter().filter(|c| self.element.child(c).is_some()).count();
        if found != 1 {
            let all: Vec<String> = attributes
                .iter()
                .map(|a| format!("`{a}`"))
                .chain(children.iter().map(|c| format!("<{c}>")))
                .collect();
            let verb = if found == 0 { "needs one of" } else { "has more than one of" };
            self.say(format!("{verb} {}", all.join(", ")));
        }
    }

    fn primitive(&mut self) {
        if self.has("template") {
            for name in ["class", "provider", "type"] {
                self.not_both("template", name);
            }
        } else {
            self.require("class");
            self.require("type");
            self.provider();
        }
    }

    fn provider(&mut self) {
        match (self.element.get("class"), self.has("provider")) {
            (Some("ocf"), false) => self.say("lacks the attribute `provider`, such as `heartbeat`"),
            (Some(class), true) if class != "ocf" => {
                self.say(format!("has a `provider`, which only class ocf has, not {class}"))
            }
            _ => {}
        }
    }

    fn id_or_reference(&mut self) {
        if self.has("id-ref") {
            self.not_both("id", "id-ref");
            if self.element.children().next().is_some() {
                self.say("has an `id-ref` and so can't hold anything itself");
            }
        } else {
            self.require("id");
        }
    }

    fn pair(&mut self) {
        if self.has("id-ref") {
            self.not_both("id", "id-ref");
            self.not_both("value", "id-ref");
        } else {
            self.require("id");
            self.require("name");
        }
    }

    fn set(&mut self) {
        self.id_or_reference();
        if !self.has("id-ref") && self.element.child("resource_ref").is_none() {
            self.say("lacks a <resource_ref>");
        }
    }

    fn rule(&mut self) {
        self.id_or_reference();
        self.not_both("score", "score-attribute");
        if !self.has("id-ref") && self.element.children().next().is_none() {
            self.say("holds no expression");
        }
    }

    fn date_expression(&mut self) {
        match self.element.get("operation") {
            Some("gt") => self.require("start"),
            Some("lt") => self.require("end"),
            Some("date_spec") if self.element.child("date_spec").is_none() => {
                self.say("lacks a <date_spec>");
            }
            Some("in_range") if !self.has("start") && !self.has("end") => {
                self.say("needs `start` or `end`");
            }
            _ => {}
        }
    }

    fn location(&mut self) {
        self.exactly_one(&["rsc", "rsc-pattern"], &["resource_set"]);
        if self.element.child("rule").is_some() {
            for name in ["node", "score"] {
                if self.has(name) {
                    self.say(format!("has both `{name}` and a <rule>; one of them is enough"));
                }
            }
        } else if self.element.child("lifetime").is_none() || self.has("node") || self.has("score")
        {
            for name in ["node", "score"] {
                if !self.has(name) {
                    self.say(format!("lacks the attribute `{name}`, or a <rule> in its place"));
                }
            }
        }
    }

    /// Either both attributes or sets.
    fn two_or_sets(&mut self, one: &str, other: &str) {
        let sets = self.element.child("resource_set").is_some();
        for name in [one, other] {
            if sets && self.has(name) {
                self.say(format!("has both `{name}` and a <resource_set>"));
            } else if !sets {
                self.require(name);
            }
        }
    }

    fn level(&mut self) {
        self.exactly_one(&["target", "target-pattern", "target-attribute"], &[]);
        self.needs("target-value", "target-attribute");
        if self.has("target-attribute") {
            self.require("target-value");
        }
    }
}

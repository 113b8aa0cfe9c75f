//! Defaults of resources and of operations: option sets, with or without a rule.

use cib::Element;
use serde::Serialize;

use crate::environment::Environment;
use crate::ids;
use crate::message::Message;
use crate::nvset::{self, Pairs, SetView};
use crate::options;
use crate::report::{Failed, Outcome};
use crate::rule::{self, Expression};

/// What defaults are for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// For resources.
    Resources,
    /// For operations.
    Operations,
}

impl Kind {
    /// Returns the section of the document.
    pub fn section(self) -> &'static str {
        match self {
            Self::Resources => "rsc_defaults",
            Self::Operations => "op_defaults",
        }
    }

    /// Returns the words of the command.
    pub fn command(self) -> &'static str {
        match self {
            Self::Resources => "resource defaults",
            Self::Operations => "resource op defaults",
        }
    }
}

/// All sets.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Defaults {
    /// Sets of instance attributes.
    pub instance_attributes: Vec<SetView>,
    /// Sets of meta attributes.
    pub meta_attributes: Vec<SetView>,
}

impl Defaults {
    /// Reads the sets of a document.
    pub fn of(cib: &Element, kind: Kind) -> Self {
        let Some(section) = cib.at(&["configuration", kind.section()]) else {
            return Self::default();
        };
        Self {
            instance_attributes: SetView::all(section, "instance_attributes"),
            meta_attributes: SetView::all(section, "meta_attributes"),
        }
    }
}

/// Sets values in the only set there is, which is made when there is none.
///
/// # Errors
/// Reported.
pub fn update(env: &mut Environment<'_>, kind: Kind, pairs: &Pairs) -> Outcome {
    if pairs.is_empty() {
        return Ok(());
    }
    let sets = Defaults::of(&env.cib, kind);
    let meta = sets.meta_attributes;
    if meta.len() > 1 {
        env.error(Message::DefaultsSeveralSets { command: kind.command().into() });
        return Err(Failed::Reported);
    }
    if kind == Kind::Resources {
        warn_meta(env, pairs, None);
    }
    env.warn(Message::DefaultsMayBeOverridden);
    let set = match meta.first() {
        Some(set) => set.id.clone(),
        None if pairs.iter().all(|(_, value)| value.is_empty()) => return Ok(()),
        None => {
            let id = ids::free(&env.cib, &format!("{}-meta_attributes", kind.section()));
            let new = Element::new("meta_attributes").with("id", id.as_str());
            env.section(kind.section()).push(new);
            id
        }
    };
    nvset::update_set(&mut env.cib, &set, pairs, usize::MAX);
    Ok(())
}

/// A new set.
#[derive(Clone, Debug, Default)]
pub struct NewSet {
    /// Its id, if it is given.
    pub id: Option<String>,
    /// Other attributes of the set.
    pub options: Pairs,
    /// Meta attributes.
    pub meta: Pairs,
    /// When it holds.
    pub rule: Option<String>,
}

/// Makes a set.
///
/// # Errors
/// Reported.
pub fn create(env: &mut Environment<'_>, kind: Kind, new: &NewSet, force: bool) -> Outcome {
    env.check_names(
        new.options.iter().map(|(name, _)| name.as_str()),
        &["id", "score"],
        "",
        Some(force),
    );
    if let Some(id) = &new.id {
        env.check_new_id(id, "id");
    }
    if let Some(score) = nvset::get(&new.options, "score")
        && !options::is_score(score)
    {
        env.error(Message::InvalidScore { score: score.into() });
    }
    let expression = new.rule.as_ref().and_then(|text| parse_rule(env, text, kind));
    if kind == Kind::Resources {
        warn_meta(env, &new.meta, expression.as_ref());
    }
    env.checked()?;
    env.warn(Message::DefaultsMayBeOverridden);
    let id = new
        .id
        .clone()
        .unwrap_or_else(|| ids::free(&env.cib, &format!("{}-meta_attributes", kind.section())));
    let lasting: Pairs = new.meta.iter().filter(|(_, value)| !value.is_empty()).cloned().collect();
    let mut set = nvset::new_set("meta_attributes", &id, &lasting);
    for (name, value) in new.options.iter().filter(|(_, value)| !value.is_empty()) {
        set.set(name, value.as_str());
    }
    if let Some(expression) = expression {
        let rule_id = ids::free(&env.cib, &format!("{id}-rule"));
        let rule = rule::build(&env.cib, &rule_id, &expression, &mut vec![id]);
        set.content_mut().insert(0, rule.into());
    }
    env.section(kind.section()).push(set);
    Ok(())
}

/// Parses a rule and checks that it says only what it may here.
fn parse_rule(env: &mut Environment<'_>, text: &str, kind: Kind) -> Option<Expression> {
    let expression = env.parse_rule(text)?;
    let all = expression.walk();
    let uses = |is: fn(&Expression) -> bool| all.iter().any(|e| is(e));
    let mut bad = Vec::new();
    if kind == Kind::Resources
        && uses(|e| matches!(e, Expression::Defined { .. } | Expression::Compared { .. }))
    {
        bad.push(["defined", "not_defined", "eq", "ne", "gte", "gt", "lte", "lt"].as_slice());
    }
    if kind == Kind::Resources && uses(|e| matches!(e, Expression::Operation { .. })) {
        bad.push(["op"].as_slice());
    }
    for keywords in bad {
        env.error(Message::RuleKeywordsNotAllowed {
            keywords: keywords.iter().map(|k| (*k).to_owned()).collect(),
        });
    }
    Some(expression)
}

/// Meta attributes can be checked only when it is known what they are for.
fn warn_meta(env: &mut Environment<'_>, meta: &Pairs, rule: Option<&Expression>) {
    if meta.is_empty() {
        return;
    }
    let for_primitives = rule
        .is_some_and(|rule| rule.walk().iter().any(|e| matches!(e, Expression::Resource { .. })));
    if for_primitives {
        crate::resource::create::warn_unknown_meta(env, meta, "Resource / stonith");
    } else {
        let kinds = ["bundle", "clone", "group", "resource"];
        env.warn(Message::MetaNotValidated { kinds: kinds.map(str::to_owned).to_vec() });
    }
}

fn missing_sets(env: &mut Environment<'_>, kind: Kind, ids: &[String]) -> Outcome {
    let there: Vec<String> = env
        .peek(kind.section())
        .into_iter()
        .flat_map(Element::children)
        .filter_map(|set| set.id().map(str::to_owned))
        .collect();
    for id in ids.iter().filter(|id| !there.contains(id)) {
        env.error(Message::OptionSetNotFound { id: id.clone() });
    }
    env.checked()
}

/// Deletes sets.
///
/// # Errors
/// Reported.
pub fn delete(env: &mut Environment<'_>, kind: Kind, ids: &[String]) -> Outcome {
    missing_sets(env, kind, ids)?;
    env.section(kind.section())
        .retain_children(|set| !set.id().is_some_and(|id| ids.iter().any(|i| i == id)));
    Ok(())
}

/// Changes values of a set.
///
/// # Errors
/// Reported.
pub fn update_set(env: &mut Environment<'_>, kind: Kind, id: &str, meta: &Pairs) -> Outcome {
    missing_sets(env, kind, &[id.to_owned()])?;
    if kind == Kind::Resources {
        warn_meta(env, meta, None);
    }
    env.warn(Message::DefaultsMayBeOverridden);
    nvset::update_set(&mut env.cib, id, meta, usize::MAX);
    Ok(())
}

//! The part of XPath 1.0 by which people point into a document: paths with names, `*`, `//`,
//! axes, predicates with attributes, positions and the common functions, and `|`.

use std::collections::BTreeSet;

use crate::tree::{Content, Element};
use crate::xpath_parse::{self as parse, Axis, Comparison, Expr, Function, LocationPath, Step};

/// Why an XPath has no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum XPathError {
    /// The text is no XPath, or none that is understood here.
    #[error("this XPath is not understood at character {at}: {reason}")]
    Syntax {
        /// Where, from 1.
        at: usize,
        /// What is wrong there.
        reason: String,
    },
    /// The XPath is a number or a text, not a place in the document.
    #[error("this XPath names no elements; write a path like //primitive[@id='web']")]
    NoElements,
    /// The XPath takes longer than any sensible question.
    #[error("this XPath takes too long to answer; use fewer `//` inside of brackets")]
    TooCostly,
}

/// One element that an XPath finds.
#[derive(Clone, Debug)]
pub struct Match<'a> {
    /// The element; for an attribute the one that has it.
    pub element: &'a Element,
    /// Indices into the content of each element on the way from the root; empty for the root.
    pub place: Vec<usize>,
    chain: Vec<&'a Element>,
}

impl Match<'_> {
    /// Returns the path of names and ids, as `cibadmin --node-path` prints it.
    pub fn path(&self) -> String {
        self.chain.iter().map(|e| format!("/{}", crate::path::step(e.name(), e.id()))).collect()
    }
}

/// An XPath, read once.
#[derive(Clone, Debug)]
pub struct Query(Expr);

/// Elements one question may look at: a hundred times all of a document of 10 MB.
const VISITS_MAX: u64 = 8_000_000;

impl Query {
    /// Reads an XPath.
    ///
    /// # Errors
    /// The first place that is not understood.
    pub fn parse(text: &str) -> Result<Self, XPathError> {
        match parse::parse(text)? {
            expr @ (Expr::Path(_) | Expr::Union(..)) => Ok(Self(expr)),
            _ => Err(XPathError::NoElements),
        }
    }

    /// Finds the elements, in document order, each once.
    ///
    /// # Errors
    /// When the question costs too much.
    pub fn select<'a>(&self, root: &'a Element) -> Result<Vec<Match<'a>>, XPathError> {
        let mut eval = Eval { root, visits: 0 };
        let document = Node { chain: Vec::new(), place: Vec::new(), attribute: None };
        let Value::Nodes(nodes) =
            eval.expr(&self.0, &Context { node: &document, position: 1, size: 1 })?
        else {
            return Err(XPathError::NoElements);
        };
        let mut seen = BTreeSet::new();
        let mut found: Vec<Match<'a>> = nodes
            .into_iter()
            .map(|mut node| {
                if node.chain.is_empty() {
                    node = node.child(root, 0); // the document itself counts as its root
                }
                node
            })
            .filter_map(|node| {
                let element = node.chain.last().copied()?;
                let place = node.place.get(1..)?.to_vec();
                Some(Match { element, place, chain: node.chain })
            })
            .filter(|found| seen.insert(found.place.clone()))
            .collect();
        found.sort_by(|a, b| a.place.cmp(&b.place));
        Ok(found)
    }
}

/// Finds the elements that an XPath names.
///
/// # Errors
/// When the XPath is not understood, or costs too much.
pub fn select<'a>(root: &'a Element, xpath: &str) -> Result<Vec<Match<'a>>, XPathError> {
    Query::parse(xpath)?.select(root)
}

/// Follows a place that [`select`] found, for changing.
pub fn at_mut<'a>(root: &'a mut Element, place: &[usize]) -> Option<&'a mut Element> {
    place.iter().try_fold(root, |element, at| match element.content_mut().get_mut(*at)? {
        Content::Element(child) => Some(std::sync::Arc::make_mut(child)),
        Content::Text(_) | Content::Comment(_) => None,
    })
}

#[derive(Clone, Debug)]
struct Node<'a> {
    /// From the root to here; empty for the document itself.
    chain: Vec<&'a Element>,
    /// For each of the chain its index in the parent's content, 0 for the root.
    place: Vec<usize>,
    attribute: Option<(&'a str, &'a str)>,
}

impl<'a> Node<'a> {
    fn child(&self, element: &'a Element, at: usize) -> Self {
        let mut child = self.clone();
        child.chain.push(element);
        child.place.push(at);
        child
    }

    fn parent(&self) -> Option<Self> {
        let mut parent = self.clone();
        if parent.attribute.take().is_some() {
            return Some(parent);
        }
        parent.chain.pop()?;
        parent.place.pop();
        Some(parent)
    }

    fn name(&self) -> &'a str {
        match (self.attribute, self.chain.last()) {
            (Some((name, _)), _) => name,
            (None, Some(element)) => element.name(),
            (None, None) => "",
        }
    }

    fn text(&self) -> String {
        match (self.attribute, self.chain.last()) {
            (Some((_, value)), _) => value.to_owned(),
            (None, Some(element)) => element.descendants().map(Element::text).collect(),
            (None, None) => String::new(),
        }
    }
}

enum Value<'a> {
    Nodes(Vec<Node<'a>>),
    Text(String),
    Number(f64),
    Truth(bool),
}

struct Context<'c, 'a> {
    node: &'c Node<'a>,
    position: usize,
    size: usize,
}

struct Eval<'a> {
    root: &'a Element,
    visits: u64,
}

impl<'a> Eval<'a> {
    fn visit(&mut self) -> Result<(), XPathError> {
        self.visits += 1;
        if self.visits > VISITS_MAX { Err(XPathError::TooCostly) } else { Ok(()) }
    }

    fn expr(&mut self, expr: &Expr, context: &Context<'_, 'a>) -> Result<Value<'a>, XPathError> {
        Ok(match expr {
            Expr::Or(a, b) => {
                Value::Truth(truth(&self.expr(a, context)?) || truth(&self.expr(b, context)?))
            }
            Expr::And(a, b) => {
                Value::Truth(truth(&self.expr(a, context)?) && truth(&self.expr(b, context)?))
            }
            Expr::Compare(operator, a, b) => {
                let (a, b) = (self.expr(a, context)?, self.expr(b, context)?);
                Value::Truth(compare(*operator, &a, &b))
            }
            Expr::Union(a, b) => match (self.expr(a, context)?, self.expr(b, context)?) {
                (Value::Nodes(mut a), Value::Nodes(b)) => {
                    a.extend(b);
                    Value::Nodes(a)
                }
                _ => return Err(XPathError::NoElements),
            },
            Expr::Path(path) => Value::Nodes(self.path(path, context.node)?),
            Expr::Text(text) => Value::Text(text.clone()),
            Expr::Number(number) => Value::Number(*number),
            Expr::Call(function, arguments) => self.call(*function, arguments, context)?,
        })
    }

    fn call(
        &mut self,
        function: Function,
        arguments: &[Expr],
        context: &Context<'_, 'a>,
    ) -> Result<Value<'a>, XPathError> {
        let mut values = Vec::new();
        for argument in arguments {
            values.push(self.expr(argument, context)?);
        }
        let as_text = |at: usize| values.get(at).map_or_else(|| context.node.text(), text);
        #[expect(clippy::cast_precision_loss, reason = "XPath's numbers are doubles")]
        let number = |n: usize| Value::Number(n as f64);
        Ok(match function {
            Function::Not => Value::Truth(!values.first().is_some_and(truth)),
            Function::Position => number(context.position),
            Function::Last => number(context.size),
            Function::Count => match values.first() {
                Some(Value::Nodes(nodes)) => number(nodes.len()),
                _ => return Err(XPathError::NoElements),
            },
            Function::Contains => Value::Truth(as_text(0).contains(&as_text(1))),
            Function::StartsWith => Value::Truth(as_text(0).starts_with(&as_text(1))),
            Function::Name => match values.first() {
                None => Value::Text(context.node.name().to_owned()),
                Some(Value::Nodes(nodes)) => {
                    Value::Text(nodes.first().map_or("", Node::name).to_owned())
                }
                Some(_) => return Err(XPathError::NoElements),
            },
            Function::StringLength => number(as_text(0).chars().count()),
            Function::True => Value::Truth(true),
            Function::False => Value::Truth(false),
        })
    }

    fn path(&mut self, path: &LocationPath, from: &Node<'a>) -> Result<Vec<Node<'a>>, XPathError> {
        let document = Node { chain: Vec::new(), place: Vec::new(), attribute: None };
        let mut nodes = vec![if path.absolute { document } else { from.clone() }];
        for step in &path.steps {
            let mut next = Vec::new();
            for node in &nodes {
                next.extend(self.step(step, node)?);
            }
            if nodes.len() > 1 {
                let key = |n: &Node<'a>| (n.place.clone(), n.attribute.map(|(name, _)| name));
                next.sort_by_cached_key(key);
                next.dedup_by_key(|n| key(n));
            }
            nodes = next;
        }
        Ok(nodes)
    }

    fn step(&mut self, step: &Step, from: &Node<'a>) -> Result<Vec<Node<'a>>, XPathError> {
        let mut nodes = Vec::new();
        self.axis(step.axis, from, &mut nodes, step.name.as_deref())?;
        for predicate in &step.predicates {
            let size = nodes.len();
            let mut kept = Vec::new();
            for (at, node) in nodes.into_iter().enumerate() {
                let position = at + 1;
                let holds = match self.expr(predicate, &Context { node: &node, position, size })? {
                    #[expect(clippy::cast_precision_loss, reason = "XPath's numbers are doubles")]
                    Value::Number(n) => (position as f64 - n).abs() < f64::EPSILON,
                    other => truth(&other),
                };
                if holds {
                    kept.push(node);
                }
            }
            nodes = kept;
        }
        Ok(nodes)
    }

    /// Appends what lies on the axis and has the name; reverse axes begin with the nearest.
    fn axis(
        &mut self,
        axis: Axis,
        from: &Node<'a>,
        out: &mut Vec<Node<'a>>,
        name: Option<&str>,
    ) -> Result<(), XPathError> {
        self.visit()?;
        let fits = |node: &Node<'_>| name.is_none_or(|name| name == node.name());
        match axis {
            Axis::Attribute => {
                let element = from.chain.last().filter(|_| from.attribute.is_none());
                for (key, value) in element.into_iter().flat_map(|e| e.attributes()) {
                    if name.is_none_or(|name| name == key) {
                        out.push(Node { attribute: Some((key, value)), ..from.clone() });
                    }
                }
            }
            Axis::SelfNode => out.extend(Some(from.clone()).filter(fits)),
            Axis::Parent => out.extend(from.parent().filter(fits)),
            Axis::Ancestor => {
                let mut node = from.parent();
                while let Some(ancestor) = node {
                    node = ancestor.parent();
                    if fits(&ancestor) && !ancestor.chain.is_empty() {
                        out.push(ancestor);
                    }
                }
            }
            Axis::Child => self.children(from, out, name)?,
            Axis::DescendantOrSelf | Axis::Descendant => {
                let mut stack = vec![(from.clone(), axis == Axis::DescendantOrSelf)];
                while let Some((node, counts)) = stack.pop() {
                    let mut below = Vec::new();
                    self.children(&node, &mut below, None)?;
                    stack.extend(below.into_iter().rev().map(|child| (child, true)));
                    if counts && fits(&node) {
                        out.push(node);
                    }
                }
            }
            Axis::FollowingSibling | Axis::PrecedingSibling => {
                let (Some(parent), Some(own), None) =
                    (from.parent(), from.place.last(), from.attribute)
                else {
                    return Ok(());
                };
                let mut siblings = Vec::new();
                self.children(&parent, &mut siblings, name)?;
                let after = axis == Axis::FollowingSibling;
                siblings.retain(|sibling| match sibling.place.last() {
                    Some(at) if after => at > own,
                    Some(at) => at < own,
                    None => false,
                });
                if !after {
                    siblings.reverse();
                }
                out.extend(siblings);
            }
        }
        Ok(())
    }

    fn children(
        &mut self,
        from: &Node<'a>,
        out: &mut Vec<Node<'a>>,
        name: Option<&str>,
    ) -> Result<(), XPathError> {
        if from.attribute.is_some() {
            return Ok(());
        }
        let fits = |element: &Element| name.is_none_or(|name| name == element.name());
        let Some(element) = from.chain.last() else {
            if fits(self.root) {
                out.push(from.child(self.root, 0));
            }
            return Ok(());
        };
        for (at, content) in element.content().iter().enumerate() {
            self.visit()?;
            if let Content::Element(child) = content
                && fits(child)
            {
                out.push(from.child(child, at));
            }
        }
        Ok(())
    }
}

fn truth(value: &Value<'_>) -> bool {
    match value {
        Value::Nodes(nodes) => !nodes.is_empty(),
        Value::Text(text) => !text.is_empty(),
        Value::Number(number) => *number != 0.0 && !number.is_nan(),
        Value::Truth(truth) => *truth,
    }
}

fn text(value: &Value<'_>) -> String {
    match value {
        Value::Nodes(nodes) => nodes.first().map(Node::text).unwrap_or_default(),
        Value::Text(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        Value::Truth(truth) => truth.to_string(),
    }
}

fn number(value: &Value<'_>) -> f64 {
    match value {
        Value::Number(number) => *number,
        Value::Truth(truth) => f64::from(u8::from(*truth)),
        Value::Nodes(_) | Value::Text(_) => text(value).trim().parse().unwrap_or(f64::NAN),
    }
}

/// Compares as XPath 1.0 §3.4 says: of several nodes one that fits is enough.
fn compare(operator: Comparison, a: &Value<'_>, b: &Value<'_>) -> bool {
    match (a, b) {
        (_, Value::Truth(_)) | (Value::Truth(_), _) => {
            let as_number = |v| Value::Number(f64::from(u8::from(truth(v))));
            compare_single(operator, &as_number(a), &as_number(b))
        }
        (Value::Nodes(nodes), _) => {
            nodes.iter().any(|node| compare(operator, &Value::Text(node.text()), b))
        }
        (_, Value::Nodes(nodes)) => {
            nodes.iter().any(|node| compare_single(operator, a, &Value::Text(node.text())))
        }
        _ => compare_single(operator, a, b),
    }
}

fn compare_single(operator: Comparison, a: &Value<'_>, b: &Value<'_>) -> bool {
    let both_text = matches!((a, b), (Value::Text(_), Value::Text(_)));
    #[expect(clippy::float_cmp, reason = "XPath compares its doubles exactly")]
    match operator {
        Comparison::Equal if both_text => text(a) == text(b),
        Comparison::NotEqual if both_text => text(a) != text(b),
        Comparison::Equal => number(a) == number(b),
        Comparison::NotEqual => number(a) != number(b),
        Comparison::Less => number(a) < number(b),
        Comparison::LessOrEqual => number(a) <= number(b),
        Comparison::Greater => number(a) > number(b),
        Comparison::GreaterOrEqual => number(a) >= number(b),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Query, XPathError, at_mut, select};
    use crate::{Element, parse};

    fn document() -> Element {
        parse(
            "<cib><configuration><crm_config><set id=\"s\"><nvpair id=\"o1\" name=\"n\"/></set></crm_config>
             <nodes><node id=\"1\" uname=\"n1\"/></nodes><resources>
             <group id=\"g\"><primitive id=\"A\" type=\"D\"/><!-- c --><primitive id=\"B\" type=\"D\"/></group>
             <primitive id=\"P\" type=\"D\"><operations><op id=\"m\" interval=\"10s\"/></operations></primitive>
             </resources></configuration><status/></cib>",
        )
        .unwrap()
    }

    /// Asserts the ids of what is found, a name where there is no id (as cibadmin 2.1.5 finds it).
    fn check(xpath: &str, expected: &str) {
        let document = document();
        let found: Vec<_> = select(&document, xpath)
            .unwrap_or_else(|e| panic!("{xpath}: {e}"))
            .iter()
            .map(|m| m.element.id().unwrap_or(m.element.name()).to_owned())
            .collect();
        assert_eq!(found.join(" "), expected, "{xpath}");
    }

    #[test]
    fn elements_are_found_as_libxml_finds_them() {
        check("//primitive", "A B P");
        check("//primitive[1]", "A P");
        check("//primitive[last()]", "B P");
        check("//group/primitive[2]", "B");
        check("//group/primitive[position()>1]", "B");
        check("(//primitive)", "A B P");
        check("/cib/configuration/resources/*", "g P");
        check("//primitive[@id='A' or @id='B'][@type='D']", "A B");
        check("//primitive[@id='A' and @type='X']", "");
        check("//primitive[not(@id='A')]", "B P");
        check("//primitive[@id!=\"A\"]", "B P");
        check("//primitive[operations/op/@interval='10s']", "P");
        check("//op/../..", "P");
        check("//op/ancestor::primitive", "P");
        check("//nvpair|//node", "o1 1");
        check("//node | //nvpair", "o1 1");
        check("//primitive/@id", "A B P");
        check("//*[@uname]", "1");
        check("//primitive[starts-with(@id,'A')]", "A");
        check("//primitive[contains(@type, 'D') and count(operations)=1]", "P");
        check("//group//primitive", "A B");
        check("//primitive[@id='A']/following-sibling::primitive", "B");
        check("//primitive[@id='B']/preceding-sibling::*[1]", "A");
        check("/", "cib");
        check("/cib", "cib");
        check("configuration", "");
        check("cib/status", "status");
        check("//banana", "");
        check("//primitive[@id='or']", "");
    }

    #[test]
    fn a_match_knows_its_path_and_place() {
        let mut document = document();
        let found = select(&document, "//primitive[@id='B']").unwrap();
        assert_eq!(
            found[0].path(),
            "/cib/configuration/resources/group[@id='g']/primitive[@id='B']"
        );
        let place = found[0].place.clone();
        at_mut(&mut document, &place).unwrap().set("type", "S");
        assert_eq!(document.find_id("B").unwrap().get("type"), Some("S"));
    }

    #[test]
    fn what_is_no_xpath_is_refused_with_its_place() {
        for text in [
            "",
            "//",
            "//primitive[",
            "//primitive[@id='A]",
            "//p[foo()]",
            "//p)",
            "//p[not()]",
            "//a[-]",
        ] {
            assert!(matches!(Query::parse(text), Err(XPathError::Syntax { .. })), "{text}");
        }
        assert_eq!(Query::parse("1").unwrap_err(), XPathError::NoElements);
        assert!(Query::parse(&"(".repeat(100_000)).is_err());
        assert!(Query::parse(&format!("//a{}", "[a".repeat(20_000))).is_err());
    }

    #[test]
    fn a_question_that_explodes_is_refused() {
        let mut wide = Element::new("cib");
        for _ in 0..2_000 {
            wide.push(Element::new("a"));
        }
        let outcome = select(&wide, "//a[//a[//a[//b]]]");
        assert_eq!(outcome.unwrap_err(), XPathError::TooCostly);
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn any_text_is_answered_or_refused(text in "[/@a-c\\[\\]()'|*.=<>! 0-9-]{0,24}|\\PC{0,12}") {
            let _answered_or_refused = select(&document(), &text);
        }
    }
}

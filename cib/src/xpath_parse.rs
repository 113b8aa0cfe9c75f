//! XPath text to an expression: names and punctuation first, then precedence by descent.

use super::xpath::XPathError;

/// What an expression is made of.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Expr {
    Or(Box<Expr>, Box<Expr>),
    And(Box<Expr>, Box<Expr>),
    Compare(Comparison, Box<Expr>, Box<Expr>),
    Union(Box<Expr>, Box<Expr>),
    Path(LocationPath),
    Text(String),
    Number(f64),
    Call(Function, Vec<Expr>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Comparison {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Function {
    Not,
    Position,
    Last,
    Count,
    Contains,
    StartsWith,
    Name,
    StringLength,
    True,
    False,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) struct LocationPath {
    pub(super) absolute: bool,
    pub(super) steps: Vec<Step>,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Step {
    pub(super) axis: Axis,
    /// None for `*` and `node()`.
    pub(super) name: Option<String>,
    pub(super) predicates: Vec<Expr>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Axis {
    Child,
    /// `descendant-or-self::node()`, what `//` stands for.
    DescendantOrSelf,
    Descendant,
    SelfNode,
    Parent,
    Ancestor,
    FollowingSibling,
    PrecedingSibling,
    Attribute,
}

/// Brackets and parentheses inside each other; people use three.
const DEPTH_MAX: usize = 32;
/// Nobody types longer ones, and what is this long is no question.
const LENGTH_MAX: usize = 64 * 1024;

pub(super) fn parse(text: &str) -> Result<Expr, XPathError> {
    if text.len() > LENGTH_MAX {
        return Err(XPathError::Syntax {
            at: LENGTH_MAX,
            reason: format!("it is longer than {LENGTH_MAX} bytes"),
        });
    }
    let mut parser = Parser { text, at: 0, depth: 0 };
    let expr = parser.or()?;
    parser.space();
    if parser.at < text.len() {
        return Err(parser.error("it should end here"));
    }
    Ok(expr)
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
    depth: usize,
}

impl<'a> Parser<'a> {
    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn error(&self, reason: impl Into<String>) -> XPathError {
        XPathError::Syntax { at: self.at + 1, reason: reason.into() }
    }

    fn space(&mut self) {
        self.at += self.rest().len() - self.rest().trim_start().len();
    }

    fn take(&mut self, token: &str) -> bool {
        self.space();
        let found = self.rest().starts_with(token);
        if found {
            self.at += token.len();
        }
        found
    }

    /// Takes an operator that is a word, so not the begin of a longer name.
    fn take_word(&mut self, word: &str) -> bool {
        self.space();
        let found = self.rest().strip_prefix(word).is_some_and(|rest| !rest.starts_with(is_name));
        if found {
            self.at += word.len();
        }
        found
    }

    fn expect(&mut self, token: &str) -> Result<(), XPathError> {
        if self.take(token) { Ok(()) } else { Err(self.error(format!("`{token}` is missing"))) }
    }

    fn or(&mut self) -> Result<Expr, XPathError> {
        let mut left = self.and()?;
        while self.take_word("or") {
            left = Expr::Or(Box::new(left), Box::new(self.and()?));
        }
        Ok(left)
    }

    fn and(&mut self) -> Result<Expr, XPathError> {
        let mut left = self.comparison()?;
        while self.take_word("and") {
            left = Expr::And(Box::new(left), Box::new(self.comparison()?));
        }
        Ok(left)
    }

    fn comparison(&mut self) -> Result<Expr, XPathError> {
        const OPERATORS: [(&str, Comparison); 6] = [
            ("!=", Comparison::NotEqual),
            ("<=", Comparison::LessOrEqual),
            (">=", Comparison::GreaterOrEqual),
            ("=", Comparison::Equal),
            ("<", Comparison::Less),
            (">", Comparison::Greater),
        ];
        let mut left = self.union()?;
        while let Some((_, operator)) = OPERATORS.iter().find(|(token, _)| self.take(token)) {
            left = Expr::Compare(*operator, Box::new(left), Box::new(self.union()?));
        }
        Ok(left)
    }

    fn union(&mut self) -> Result<Expr, XPathError> {
        let mut left = self.primary()?;
        while self.take("|") {
            left = Expr::Union(Box::new(left), Box::new(self.primary()?));
        }
        Ok(left)
    }

    fn primary(&mut self) -> Result<Expr, XPathError> {
        self.space();
        let rest = self.rest();
        if let Some(quote) = rest.chars().next().filter(|c| matches!(c, '\'' | '"')) {
            let (value, _) = rest[1..]
                .split_once(quote)
                .ok_or_else(|| self.error("the text that begins here has no end"))?;
            self.at += value.len() + 2;
            return Ok(Expr::Text(value.to_owned()));
        }
        if rest.starts_with(|c: char| c.is_ascii_digit() || c == '-') {
            let length = rest
                .find(|c: char| !(c.is_ascii_digit() || c == '.' || c == '-'))
                .unwrap_or(rest.len());
            let number = rest[..length].parse().map_err(|_| self.error("this is no number"))?;
            self.at += length;
            return Ok(Expr::Number(number));
        }
        if self.take("(") {
            let inner = self.deeper(Self::or)?;
            self.expect(")")?;
            return Ok(inner);
        }
        match self.call()? {
            Some(call) => Ok(call),
            None => self.path().map(Expr::Path),
        }
    }

    fn deeper<T>(
        &mut self,
        parse: impl FnOnce(&mut Self) -> Result<T, XPathError>,
    ) -> Result<T, XPathError> {
        if self.depth == DEPTH_MAX {
            return Err(self.error(format!("more than {DEPTH_MAX} brackets inside each other")));
        }
        self.depth += 1;
        let parsed = parse(self);
        self.depth -= 1;
        parsed
    }

    fn call(&mut self) -> Result<Option<Expr>, XPathError> {
        const FUNCTIONS: [(&str, Function, usize, usize); 11] = [
            ("not", Function::Not, 1, 1),
            ("position", Function::Position, 0, 0),
            ("last", Function::Last, 0, 0),
            ("count", Function::Count, 1, 1),
            ("contains", Function::Contains, 2, 2),
            ("starts-with", Function::StartsWith, 2, 2),
            ("name", Function::Name, 0, 1),
            ("local-name", Function::Name, 0, 1),
            ("string-length", Function::StringLength, 0, 1),
            ("true", Function::True, 0, 0),
            ("false", Function::False, 0, 0),
        ];
        let rest = self.rest();
        let length = rest.find(|c| !is_name(c)).unwrap_or(rest.len());
        let (name, after) = rest.split_at(length);
        if name.is_empty() || name == "node" || !after.trim_start().starts_with('(') {
            return Ok(None);
        }
        let Some((_, function, least, most)) = FUNCTIONS.iter().find(|(n, ..)| *n == name) else {
            return Err(self.error(format!("there is no function `{name}` here")));
        };
        self.at += length;
        self.expect("(")?;
        let mut arguments = Vec::new();
        if !self.take(")") {
            loop {
                arguments.push(self.deeper(Self::or)?);
                if !self.take(",") {
                    break;
                }
            }
            self.expect(")")?;
        }
        if arguments.len() < *least || arguments.len() > *most {
            return Err(self.error(format!("`{name}` takes another number of arguments")));
        }
        Ok(Some(Expr::Call(*function, arguments)))
    }

    fn path(&mut self) -> Result<LocationPath, XPathError> {
        let mut steps = Vec::new();
        let absolute = if self.take("//") {
            steps.push(anything_below());
            true
        } else if self.take("/") {
            self.space();
            if !self.rest().starts_with(|c| is_name(c) || matches!(c, '*' | '@' | '.')) {
                return Ok(LocationPath { absolute: true, steps });
            }
            true
        } else {
            false
        };
        loop {
            steps.push(self.step()?);
            if self.take("//") {
                steps.push(anything_below());
            } else if !self.take("/") {
                return Ok(LocationPath { absolute, steps });
            }
        }
    }

    fn step(&mut self) -> Result<Step, XPathError> {
        const AXES: [(&str, Axis); 9] = [
            ("child::", Axis::Child),
            ("descendant-or-self::", Axis::DescendantOrSelf),
            ("descendant::", Axis::Descendant),
            ("self::", Axis::SelfNode),
            ("parent::", Axis::Parent),
            ("ancestor::", Axis::Ancestor),
            ("following-sibling::", Axis::FollowingSibling),
            ("preceding-sibling::", Axis::PrecedingSibling),
            ("attribute::", Axis::Attribute),
        ];
        let plain = |axis| Step { axis, name: None, predicates: Vec::new() };
        let mut step = if self.take("..") {
            plain(Axis::Parent)
        } else if self.take(".") {
            plain(Axis::SelfNode)
        } else {
            let axis = if self.take("@") {
                Axis::Attribute
            } else {
                let named = AXES.iter().find(|(token, _)| self.take(token));
                named.map_or(Axis::Child, |(_, axis)| *axis)
            };
            Step { axis, name: self.node_test()?, predicates: Vec::new() }
        };
        while self.take("[") {
            step.predicates.push(self.deeper(Self::or)?);
            self.expect("]")?;
        }
        Ok(step)
    }

    fn node_test(&mut self) -> Result<Option<String>, XPathError> {
        self.space();
        if self.take("*") || self.take("node()") {
            return Ok(None);
        }
        let rest = self.rest();
        let length = rest.find(|c| !is_name(c)).unwrap_or(rest.len());
        if length == 0 {
            return Err(self.error("the name of an element or attribute is missing"));
        }
        self.at += length;
        Ok(Some(rest[..length].to_owned()))
    }
}

fn anything_below() -> Step {
    Step { axis: Axis::DescendantOrSelf, name: None, predicates: Vec::new() }
}

fn is_name(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | '-' | '.')
}

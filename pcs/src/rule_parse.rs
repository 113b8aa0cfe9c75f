//! Rules as people type them: text to tree.

use crate::options;
use crate::rule::Expression;

/// Where a rule stops making sense: the column, from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RuleError {
    /// The column in characters, from 1.
    pub column: usize,
}

struct Token {
    text: String,
    column: usize,
    quoted: bool,
}

fn tokens(text: &str) -> Vec<Token> {
    let mut tokens: Vec<Token> = Vec::new();
    let characters: Vec<char> = text.chars().collect();
    let mut at = 0;
    while at < characters.len() {
        let c = characters[at];
        if c.is_whitespace() {
            at += 1;
        } else if c == '(' || c == ')' {
            tokens.push(Token { text: c.to_string(), column: at + 1, quoted: false });
            at += 1;
        } else if c == '"' || c == '\'' {
            let end = (at + 1..characters.len())
                .find(|i| characters[*i] == c)
                .unwrap_or(characters.len());
            let word = characters[at + 1..end].iter().collect();
            tokens.push(Token { text: word, column: at + 1, quoted: true });
            at = end + 1;
        } else {
            let end = (at..characters.len())
                .find(|i| characters[*i].is_whitespace() || matches!(characters[*i], '(' | ')'))
                .unwrap_or(characters.len());
            let word = characters[at..end].iter().collect();
            tokens.push(Token { text: word, column: at + 1, quoted: false });
            at = end;
        }
    }
    tokens
}

const COMPARISONS: [&str; 6] = ["eq", "ne", "gte", "gt", "lte", "lt"];
const TYPES: [&str; 4] = ["number", "integer", "version", "string"];

/// Rules stand inside each other no deeper than this; people write one or two levels.
const DEPTH_MAX: usize = 50;

struct Parser {
    tokens: Vec<Token>,
    at: usize,
    end: usize,
    depth: usize,
}

/// Reads a rule as people type it. Keywords are known in any case; `and` and `or` bind alike, from the left.
///
/// # Errors
/// The column where it stops making sense.
pub fn parse(text: &str) -> Result<Expression, RuleError> {
    let mut parser =
        Parser { tokens: tokens(text), at: 0, end: text.chars().count() + 1, depth: 0 };
    let expression = parser.joined()?;
    if parser.at < parser.tokens.len() {
        return Err(parser.error());
    }
    Ok(expression)
}

type Pairs = Vec<(String, String)>;

impl Parser {
    fn error(&self) -> RuleError {
        RuleError { column: self.tokens.get(self.at).map_or(self.end, |token| token.column) }
    }

    /// An error behind `length` characters of the present word: at the next one when that was all of it.
    fn error_inside(&self, length: usize) -> RuleError {
        match self.tokens.get(self.at) {
            Some(token) if length < token.text.chars().count() => {
                RuleError { column: token.column + length }
            }
            Some(token) => RuleError { column: token.column + token.text.chars().count() },
            None => self.error(),
        }
    }

    fn peek_at(&self, offset: usize) -> Option<&str> {
        let token = self.tokens.get(self.at + offset).filter(|token| !token.quoted)?;
        Some(token.text.as_str())
    }

    fn peek(&self) -> Option<&str> {
        self.peek_at(0)
    }

    /// Returns which of some keywords comes next but `offset` words.
    fn keyword(&self, offset: usize, of: &[&'static str]) -> Option<&'static str> {
        let word = self.peek_at(offset)?;
        of.iter().find(|keyword| keyword.eq_ignore_ascii_case(word)).copied()
    }

    fn eat(&mut self, keyword: &'static str) -> bool {
        let found = self.keyword(0, &[keyword]).is_some();
        if found {
            self.at += 1;
        }
        found
    }

    fn word(&mut self) -> Result<String, RuleError> {
        match self.tokens.get(self.at) {
            Some(token) if token.quoted || !matches!(token.text.as_str(), "(" | ")") => {
                self.at += 1;
                Ok(token.text.clone())
            }
            _ => Err(self.error()),
        }
    }

    /// Reads as much as makes sense; what is left over is an error of whoever expects the end.
    fn joined(&mut self) -> Result<Expression, RuleError> {
        let mut whole = self.simple()?;
        // parts typed in brackets stay together, parts gathered here grow
        let mut gathered = None;
        while let Some(joint) = self.keyword(0, &["and", "or"]) {
            let before = self.at;
            self.at += 1;
            let Ok(part) = self.simple() else {
                self.at = before;
                break;
            };
            whole = match whole {
                Expression::Joined { parts, .. } if gathered == Some(joint) => {
                    let mut parts = parts;
                    parts.push(part);
                    Expression::Joined { joint, parts }
                }
                other => Expression::Joined { joint, parts: vec![other, part] },
            };
            gathered = Some(joint);
        }
        Ok(whole)
    }

    fn simple(&mut self) -> Result<Expression, RuleError> {
        if self.eat("(") {
            self.depth += 1;
            if self.depth > DEPTH_MAX {
                return Err(self.error());
            }
            let inner = self.joined()?;
            self.depth -= 1;
            return if self.eat(")") { Ok(inner) } else { Err(self.error()) };
        }
        const KEYWORDS: [&str; 6] =
            ["defined", "not_defined", "date-spec", "date", "op", "resource"];
        let start = self.at;
        let special = match self.keyword(0, &KEYWORDS) {
            None => return self.comparison(),
            Some(operation @ ("defined" | "not_defined")) => {
                self.at += 1;
                self.word().map(|attribute| Expression::Defined {
                    operation: operation.to_owned(),
                    attribute,
                })
            }
            Some("date-spec") => {
                self.at += 1;
                self.pairs().map(Expression::DateSpec)
            }
            Some("date") => self.date(),
            Some("op") => self.operation(),
            Some(_) => self.resource(),
        };
        // an attribute may be called like a keyword
        if self.tokens.get(start + 1).is_some_and(|token| is_comparison(&token.text)) {
            let end = self.at;
            self.at = start;
            let comparison = self.comparison();
            if comparison.is_ok() && (special.is_err() || self.at > end) {
                return comparison;
            }
            self.at = end;
        }
        special
    }

    fn operation(&mut self) -> Result<Expression, RuleError> {
        self.at += 1;
        let name = self.word()?;
        let interval = self.peek().and_then(|word| {
            let (key, value) = word.split_once('=')?;
            (key.eq_ignore_ascii_case("interval") && options::seconds(value).is_some())
                .then(|| value.to_owned())
        });
        if interval.is_some() {
            self.at += 1;
        }
        Ok(Expression::Operation { name, interval })
    }

    fn resource(&mut self) -> Result<Expression, RuleError> {
        self.at += 1;
        let start = self.error();
        let agent = self.word()?;
        let parts: Vec<&str> = agent.split(':').collect();
        let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        match *parts.as_slice() {
            [standard, provider, kind] => Ok(Expression::Resource {
                standard: some(standard),
                provider: some(provider),
                kind: some(kind),
            }),
            [standard, provider, kind, ..] => {
                self.at -= 1;
                let read = [standard, provider, kind].map(|part| part.chars().count());
                Err(self.error_inside(read.iter().sum::<usize>() + 2))
            }
            _ => Err(start),
        }
    }

    fn comparison(&mut self) -> Result<Expression, RuleError> {
        let attribute = self.word()?;
        let Some(operation) = self.keyword(0, &COMPARISONS) else { return Err(self.error()) };
        self.at += 1;
        let kind = self.keyword(0, &TYPES);
        if kind.is_some() {
            self.at += 1;
        }
        Ok(Expression::Compared {
            attribute,
            operation: operation.to_owned(),
            kind: kind.map(str::to_owned),
            value: self.word()?,
        })
    }

    fn date(&mut self) -> Result<Expression, RuleError> {
        self.at += 1;
        match self.keyword(0, &["gt", "lt", "in_range"]) {
            Some("in_range") => {
                self.at += 1;
                let from = self.error();
                let start =
                    if self.keyword(0, &["to"]).is_some() { None } else { Some(self.word()?) };
                if !self.eat("to") {
                    return Err(from);
                }
                let has_pairs = self.peek_at(1).is_some_and(|word| word.contains('='));
                if self.keyword(0, &["duration"]).is_some() && has_pairs {
                    self.at += 1;
                    return Ok(Expression::DateRange { start, end: None, duration: self.pairs()? });
                }
                Ok(Expression::DateRange { start, end: Some(self.word()?), duration: Vec::new() })
            }
            Some(operation) => {
                self.at += 1;
                Ok(Expression::DateUnary { operation: operation.to_owned(), moment: self.word()? })
            }
            None => Err(self.error()),
        }
    }

    /// Reads `name=value` words, one at least.
    fn pairs(&mut self) -> Result<Pairs, RuleError> {
        let mut pairs = Pairs::new();
        while let Some(word) = self.peek() {
            match word.split_once('=') {
                Some((key, value)) if !key.is_empty() && !value.is_empty() => {
                    pairs.push((key.to_owned(), value.to_owned()));
                    self.at += 1;
                }
                None if pairs.is_empty() && !matches!(word, "(" | ")") => {
                    return Err(self.error_inside(word.chars().count()));
                }
                _ => break,
            }
        }
        if pairs.is_empty() { Err(self.error()) } else { Ok(pairs) }
    }
}

fn is_comparison(word: &str) -> bool {
    COMPARISONS.iter().any(|comparison| comparison.eq_ignore_ascii_case(word))
}

#[cfg(test)]
mod tests {
    use super::parse;
    use crate::rule::Expression;

    #[test]
    fn an_error_has_its_column() {
        for (text, column) in [
            ("bad", 4),
            ("rack eq", 8),
            ("bogus=1 rack eq 1", 9),
            ("", 1),
            ("op  ", 5),
            ("defined a and", 11),
            ("(a eq 1 and b) or c eq 1", 9),
            ("a eq 1 and (b eq 2", 8),
            ("a eq string", 12),
            ("a eq integer and defined b", 18),
            ("date-spec hours", 16),
            ("date-spec hours= ", 11),
            ("date in_range 2026-01-01 2026-02-02", 15),
            ("op monitor interval=x", 12),
            ("resource systemd:foo", 10),
            ("resource ocf:heartbeat:Dummy:x", 29),
        ] {
            assert_eq!(parse(text).map_err(|error| error.column), Err(column), "{text}");
        }
    }

    #[test]
    fn keywords_are_known_in_any_case_and_may_name_attributes() {
        let moment = || "2026-01-01".to_owned();
        assert_eq!(
            parse("DATE GT 2026-01-01"),
            Ok(Expression::DateUnary { operation: "gt".into(), moment: moment() })
        );
        assert_eq!(
            parse("date eq 2026-01-01"),
            Ok(Expression::Compared {
                attribute: "date".into(),
                operation: "eq".into(),
                kind: None,
                value: moment(),
            })
        );
        assert!(matches!(parse("a Eq b Or c eQ d"), Ok(Expression::Joined { joint: "or", .. })));
    }
}

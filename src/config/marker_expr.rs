//! The marker expression of pytest's `-m`: names, `and`, `or`, `not`, parentheses.

use std::fmt;
use std::str::FromStr;

use crate::ids::MarkerName;

/// A boolean expression over marker names, evaluated against the marks of one test.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MarkerExpr {
    text: String,
    root: Node,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Node {
    Name(MarkerName),
    Not(Box<Self>),
    And(Box<Self>, Box<Self>),
    Or(Box<Self>, Box<Self>),
}

/// A text that is no marker expression.
#[derive(Debug, thiserror::Error)]
#[error("`{text}` is not a marker expression: {reason} at column {column}")]
pub struct MarkerExprError {
    text: String,
    reason: String,
    column: usize,
}

/// Parentheses and `not` may nest this deep, so that no expression can exhaust the stack.
const MAX_DEPTH: usize = 100;

impl MarkerExpr {
    /// Returns whether a test with these marks is selected. `has` says whether the test has a mark.
    pub fn selects(&self, has: impl Fn(&MarkerName) -> bool) -> bool {
        eval(&self.root, &has)
    }

    /// Returns the marker names that the expression asks for, in order of appearance.
    #[must_use]
    pub fn names(&self) -> Vec<&MarkerName> {
        let mut names = Vec::new();
        collect(&self.root, &mut names);
        names
    }
}

fn eval(node: &Node, has: &impl Fn(&MarkerName) -> bool) -> bool {
    match node {
        Node::Name(name) => has(name),
        Node::Not(inner) => !eval(inner, has),
        Node::And(left, right) => eval(left, has) && eval(right, has),
        Node::Or(left, right) => eval(left, has) || eval(right, has),
    }
}

fn collect<'n>(node: &'n Node, names: &mut Vec<&'n MarkerName>) {
    match node {
        Node::Name(name) => names.push(name),
        Node::Not(inner) => collect(inner, names),
        Node::And(left, right) | Node::Or(left, right) => {
            collect(left, names);
            collect(right, names);
        }
    }
}

struct Parser<'a> {
    text: &'a str,
    /// Words and parentheses with the byte where each begins.
    tokens: Vec<(usize, &'a str)>,
    next: usize,
}

impl<'a> Parser<'a> {
    fn new(text: &'a str) -> Self {
        let mut tokens = Vec::new();
        let mut start = None;
        for (at, c) in text.char_indices() {
            if c.is_whitespace() || c == '(' || c == ')' {
                if let Some(from) = start.take() {
                    tokens.push((from, &text[from..at]));
                }
                if !c.is_whitespace() {
                    tokens.push((at, &text[at..=at]));
                }
            } else if start.is_none() {
                start = Some(at);
            }
        }
        if let Some(from) = start {
            tokens.push((from, &text[from..]));
        }
        Self { text, tokens, next: 0 }
    }

    fn peek(&self) -> Option<&'a str> {
        self.tokens.get(self.next).map(|(_, token)| *token)
    }

    fn error(&self, reason: impl Into<String>) -> MarkerExprError {
        let byte = self.tokens.get(self.next).map_or(self.text.len(), |(at, _)| *at);
        let column = self.text[..byte].chars().count() + 1;
        MarkerExprError { text: self.text.to_owned(), reason: reason.into(), column }
    }

    fn or(&mut self, depth: usize) -> Result<Node, MarkerExprError> {
        let mut left = self.and(depth)?;
        while self.peek() == Some("or") {
            self.next += 1;
            left = Node::Or(Box::new(left), Box::new(self.and(depth)?));
        }
        Ok(left)
    }

    fn and(&mut self, depth: usize) -> Result<Node, MarkerExprError> {
        let mut left = self.not(depth)?;
        while self.peek() == Some("and") {
            self.next += 1;
            left = Node::And(Box::new(left), Box::new(self.not(depth)?));
        }
        Ok(left)
    }

    fn not(&mut self, depth: usize) -> Result<Node, MarkerExprError> {
        if depth > MAX_DEPTH {
            return Err(self.error("it nests too deep"));
        }
        match self.peek() {
            Some("not") => {
                self.next += 1;
                Ok(Node::Not(Box::new(self.not(depth + 1)?)))
            }
            Some("(") => {
                self.next += 1;
                let inner = self.or(depth + 1)?;
                if self.peek() != Some(")") {
                    return Err(self.error("expected `)`"));
                }
                self.next += 1;
                Ok(inner)
            }
            Some(word) if !matches!(word, "and" | "or" | ")") => {
                let name = word.parse().map_err(|_| self.error(format!("`{word}` is no marker name")))?;
                self.next += 1;
                Ok(Node::Name(name))
            }
            Some(word) => Err(self.error(format!("unexpected `{word}`"))),
            None => Err(self.error("expected a marker name")),
        }
    }
}

impl FromStr for MarkerExpr {
    type Err = MarkerExprError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut parser = Parser::new(text);
        let root = parser.or(0)?;
        match parser.peek() {
            None => Ok(Self { text: text.to_owned(), root }),
            Some(extra) => Err(parser.error(format!("unexpected `{extra}`"))),
        }
    }
}

impl fmt::Display for MarkerExpr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn selects(expr: &str, marks: &[&str]) -> bool {
        expr.parse::<MarkerExpr>().unwrap().selects(|name| marks.contains(&name.as_str()))
    }

    #[test]
    fn precedence_is_pythons() {
        assert!(selects("a or b and not c", &["a", "c"]));
        assert!(!selects("(a or b) and not c", &["a", "c"]));
        assert!(selects("not a and b", &["b"]));
        assert!(selects("not (a and b)", &["b"]));
    }

    #[test]
    fn what_pytest_refuses_is_refused_with_its_column() {
        for (bad, column) in [("", 1), ("a and", 6), ("(a", 3), ("a b", 3), ("and", 1), ("a)", 2), ("a-b", 1)]
        {
            let error = bad.parse::<MarkerExpr>().unwrap_err();
            assert_eq!(error.column, column, "{bad}: {error}");
        }
    }

    #[test]
    fn deep_nesting_is_an_error_and_no_crash() {
        assert!("(".repeat(100_000).parse::<MarkerExpr>().is_err());
        assert!("not ".repeat(100_000).parse::<MarkerExpr>().is_err());
    }
}

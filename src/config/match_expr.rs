//! The language of pytest's `-m` and `-k`, as pytest 9 reads it, and what can be decided about it without a test.
//!
//! ```text
//! expression: expr?                        name:  (\w | : | + | - | . | [ | ] | \ | /)+
//! expr:       and ('or' and)*              kwargs: '(' word '=' value (',' word '=' value)* ')'
//! and:        not ('and' not)*             value: "text" | 'text' | [-]digits | True | False | None
//! not:        'not' not | '(' expr ')' | name kwargs?
//! ```

use std::collections::BTreeSet;

/// Parentheses and `not` may nest this deep, so that no expression can exhaust the stack.
const MAX_DEPTH: usize = 100;

/// It may have so many words and signs, for the same reason: each `and` and `or` holds what is before it.
const MAX_TOKENS: usize = 10_000;

/// Words of Python that can not name an argument.
const KEYWORDS: &[&str] = &[
    "False", "None", "True", "and", "as", "assert", "async", "await", "break", "class", "continue", "def",
    "del", "elif", "else", "except", "finally", "for", "from", "global", "if", "import", "in", "is",
    "lambda", "nonlocal", "not", "or", "pass", "raise", "return", "try", "while", "with", "yield",
];

/// The value of a mark's keyword argument, as far as an expression can name it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum MarkerValue {
    /// A text.
    Text(String),
    /// A whole number.
    Int(i64),
    /// `True` or `False`.
    Bool(bool),
    /// `None`.
    None,
}

/// What an expression asks of a test: a name, and keyword arguments that it must bear.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Term {
    /// The name.
    pub name: String,
    /// The arguments; of a mark without them none are asked.
    pub arguments: Vec<(String, MarkerValue)>,
}

/// An expression as a tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Node {
    /// What an empty expression is: it selects nothing.
    Never,
    Term(Term),
    Not(Box<Self>),
    And(Box<Self>, Box<Self>),
    Or(Box<Self>, Box<Self>),
}

/// Why a text is no expression.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct SyntaxError {
    pub(super) reason: String,
    /// In characters, from 1.
    pub(super) column: usize,
}

impl MarkerValue {
    /// Returns whether Python holds the two equal: `True == 1`.
    #[must_use]
    pub fn equals(&self, other: &Self) -> bool {
        let number = |value: &Self| match value {
            Self::Int(value) => Some(*value),
            Self::Bool(value) => Some(i64::from(*value)),
            _ => None,
        };
        match (number(self), number(other)) {
            (Some(a), Some(b)) => a == b,
            _ => self == other,
        }
    }
}

impl Node {
    pub(super) fn parse(text: &str) -> Result<Self, SyntaxError> {
        let tokens = lex(text)?;
        if tokens.is_empty() {
            return Ok(Self::Never);
        }
        let mut parser = Parser { tokens, next: 0, end: text.chars().count() + 1 };
        let root = parser.or(0)?;
        match parser.peek() {
            None => Ok(root),
            Some(token) => Err(parser.error(format!("expected end of input; got {}", token.name()))),
        }
    }

    pub(super) fn eval(&self, matches: &impl Fn(&Term) -> bool) -> bool {
        match self {
            Self::Never => false,
            Self::Term(term) => matches(term),
            Self::Not(inner) => !inner.eval(matches),
            Self::And(left, right) => left.eval(matches) && right.eval(matches),
            Self::Or(left, right) => left.eval(matches) || right.eval(matches),
        }
    }

    pub(super) fn terms<'n>(&'n self, found: &mut Vec<&'n Term>) {
        match self {
            Self::Never => {}
            Self::Term(term) => found.push(term),
            Self::Not(inner) => inner.terms(found),
            Self::And(left, right) | Self::Or(left, right) => {
                left.terms(found);
                right.terms(found);
            }
        }
    }

    /// Returns a set of terms under which the expression holds and all others are false, or nothing where no test
    /// can ever meet it. `implied` says which terms a term brings with it.
    pub(super) fn witness(&self, implied: &impl Fn(&Term, &Term) -> bool) -> Option<BTreeSet<Term>> {
        let mut terms = Vec::new();
        self.terms(&mut terms);
        let terms: BTreeSet<Term> = terms.into_iter().cloned().collect();
        let terms: Vec<Term> = terms.into_iter().collect();
        let mut values = vec![None; terms.len()];
        self.search(&terms, &mut values, implied)
    }

    fn search(
        &self,
        terms: &[Term],
        values: &mut Vec<Option<bool>>,
        implied: &impl Fn(&Term, &Term) -> bool,
    ) -> Option<BTreeSet<Term>> {
        let value_of =
            |term: &Term, values: &[Option<bool>]| terms.binary_search(term).ok().and_then(|at| values[at]);
        // What the terms that are settled already decide is decided for all that could follow.
        match self.partial(&|term| value_of(term, values)) {
            Some(false) => return None,
            Some(true) => {
                let chosen: BTreeSet<Term> = terms
                    .iter()
                    .zip(values.iter())
                    .filter(|(_, value)| **value == Some(true))
                    .map(|(term, _)| term.clone())
                    .collect();
                // Open terms are false, unless one that is true brings them.
                let closed =
                    |term: &Term| chosen.contains(term) || chosen.iter().any(|other| implied(other, term));
                let holds = self.eval(&closed)
                    && terms
                        .iter()
                        .zip(values.iter())
                        .all(|(term, value)| *value != Some(false) || !closed(term));
                if holds {
                    return Some(terms.iter().filter(|term| closed(term)).cloned().collect());
                }
            }
            None => {}
        }
        let open = values.iter().position(Option::is_none)?;
        for value in [false, true] {
            values[open] = Some(value);
            let consistent = terms.iter().enumerate().all(|(at, term)| {
                values[at] != Some(true)
                    || terms
                        .iter()
                        .enumerate()
                        .all(|(other, brought)| values[other] != Some(false) || !implied(term, brought))
            });
            if consistent && let Some(found) = self.search(terms, values, implied) {
                return Some(found);
            }
        }
        values[open] = None;
        None
    }

    /// Returns what the expression is, where what is known of its terms decides it.
    fn partial(&self, known: &impl Fn(&Term) -> Option<bool>) -> Option<bool> {
        match self {
            Self::Never => Some(false),
            Self::Term(term) => known(term),
            Self::Not(inner) => inner.partial(known).map(|value| !value),
            Self::And(left, right) => match (left.partial(known), right.partial(known)) {
                (Some(false), _) | (_, Some(false)) => Some(false),
                (Some(true), Some(true)) => Some(true),
                _ => None,
            },
            Self::Or(left, right) => match (left.partial(known), right.partial(known)) {
                (Some(true), _) | (_, Some(true)) => Some(true),
                (Some(false), Some(false)) => Some(false),
                _ => None,
            },
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Token {
    Open,
    Close,
    Or,
    And,
    Not,
    Equal,
    Comma,
    Name(String),
    Text(String),
}

impl Token {
    fn name(&self) -> &'static str {
        match self {
            Self::Open => "left parenthesis",
            Self::Close => "right parenthesis",
            Self::Or => "or",
            Self::And => "and",
            Self::Not => "not",
            Self::Equal => "=",
            Self::Comma => ",",
            Self::Name(_) => "identifier",
            Self::Text(_) => "string literal",
        }
    }
}

/// Returns the tokens with the column of each, from 1.
fn lex(text: &str) -> Result<Vec<(usize, Token)>, SyntaxError> {
    let chars: Vec<char> = text.chars().collect();
    let mut tokens = Vec::new();
    let mut at = 0;
    while at < chars.len() {
        let start = at;
        let token = match chars[at] {
            // The manifest may break a long expression over lines; pytest's own is one line.
            ' ' | '\t' | '\n' | '\r' => {
                at += 1;
                continue;
            }
            '(' => Token::Open,
            ')' => Token::Close,
            '=' => Token::Equal,
            ',' => Token::Comma,
            quote @ ('\'' | '"') => {
                let Some(length) = chars[at + 1..].iter().position(|c| *c == quote) else {
                    return Err(SyntaxError {
                        reason: format!("closing quote `{quote}` is missing"),
                        column: at + 1,
                    });
                };
                let value: String = chars[at + 1..at + 1 + length].iter().collect();
                if let Some(slash) = value.chars().position(|c| c == '\\') {
                    return Err(SyntaxError {
                        reason: "escaping with `\\` is not supported".to_owned(),
                        column: at + 2 + slash,
                    });
                }
                at += length + 1;
                Token::Text(value)
            }
            _ => {
                let is_part = |c: char| {
                    c.is_alphanumeric() || matches!(c, '_' | ':' | '+' | '-' | '.' | '[' | ']' | '\\' | '/')
                };
                while at < chars.len() && is_part(chars[at]) {
                    at += 1;
                }
                if at == start {
                    return Err(SyntaxError {
                        reason: format!("unexpected character `{}`", chars[at].escape_debug()),
                        column: at + 1,
                    });
                }
                let word: String = chars[start..at].iter().collect();
                at -= 1;
                match word.as_str() {
                    "or" => Token::Or,
                    "and" => Token::And,
                    "not" => Token::Not,
                    _ => Token::Name(word),
                }
            }
        };
        at += 1;
        tokens.push((start + 1, token));
        if tokens.len() > MAX_TOKENS {
            let reason = format!("it has more than {MAX_TOKENS} words and signs");
            return Err(SyntaxError { reason, column: start + 1 });
        }
    }
    Ok(tokens)
}

struct Parser {
    tokens: Vec<(usize, Token)>,
    next: usize,
    end: usize,
}

impl Parser {
    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.next).map(|(_, token)| token)
    }

    fn accept(&mut self, token: &Token) -> bool {
        let found = self.peek() == Some(token);
        self.next += usize::from(found);
        found
    }

    fn error(&self, reason: impl Into<String>) -> SyntaxError {
        let column = self.tokens.get(self.next).map_or(self.end, |(column, _)| *column);
        SyntaxError { reason: reason.into(), column }
    }

    fn expect(&mut self, token: &Token) -> Result<(), SyntaxError> {
        if self.accept(token) { Ok(()) } else { Err(self.expected(token.name())) }
    }

    fn expected(&self, what: &str) -> SyntaxError {
        self.error(format!("expected {what}; got {}", self.peek().map_or("end of input", Token::name)))
    }

    fn or(&mut self, depth: usize) -> Result<Node, SyntaxError> {
        let mut left = self.and(depth)?;
        while self.accept(&Token::Or) {
            left = Node::Or(Box::new(left), Box::new(self.and(depth)?));
        }
        Ok(left)
    }

    fn and(&mut self, depth: usize) -> Result<Node, SyntaxError> {
        let mut left = self.not(depth)?;
        while self.accept(&Token::And) {
            left = Node::And(Box::new(left), Box::new(self.not(depth)?));
        }
        Ok(left)
    }

    fn not(&mut self, depth: usize) -> Result<Node, SyntaxError> {
        if depth > MAX_DEPTH {
            return Err(self.error("it nests too deep"));
        }
        if self.accept(&Token::Not) {
            return Ok(Node::Not(Box::new(self.not(depth + 1)?)));
        }
        if self.accept(&Token::Open) {
            let inner = self.or(depth + 1)?;
            self.expect(&Token::Close)?;
            return Ok(inner);
        }
        let Some(Token::Name(name)) = self.peek() else {
            return Err(self.expected("not OR left parenthesis OR identifier"));
        };
        let name = name.clone();
        self.next += 1;
        let mut arguments = Vec::new();
        if self.accept(&Token::Open) {
            arguments.push(self.argument()?);
            while self.accept(&Token::Comma) {
                arguments.push(self.argument()?);
            }
            self.expect(&Token::Close)?;
        }
        Ok(Node::Term(Term { name, arguments }))
    }

    fn argument(&mut self) -> Result<(String, MarkerValue), SyntaxError> {
        let Some(Token::Name(name)) = self.peek() else { return Err(self.expected("identifier")) };
        let name = name.clone();
        let plain = name.starts_with(|c: char| c == '_' || c.is_alphabetic())
            && name.chars().all(|c| c == '_' || c.is_alphanumeric());
        if !plain {
            return Err(self.error(format!("not a valid python identifier {name}")));
        }
        if KEYWORDS.contains(&name.as_str()) {
            return Err(self.error(format!("unexpected reserved python keyword `{name}`")));
        }
        self.next += 1;
        self.expect(&Token::Equal)?;
        let value = match self.peek() {
            Some(Token::Text(text)) => MarkerValue::Text(text.clone()),
            Some(Token::Name(word)) => match word.as_str() {
                "True" => MarkerValue::Bool(true),
                "False" => MarkerValue::Bool(false),
                "None" => MarkerValue::None,
                word => match word.parse() {
                    Ok(number) if !word.starts_with('+') => MarkerValue::Int(number),
                    _ => return Err(self.error(format!("unexpected character/s \"{word}\""))),
                },
            },
            _ => return Err(self.expected("identifier")),
        };
        self.next += 1;
        Ok((name, value))
    }
}

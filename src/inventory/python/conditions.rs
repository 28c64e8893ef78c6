//! What must hold of a parameter, of an attribute of `self` or `cls`, or of a test's marks for something to run:
//! `if client is None`, `client or make_client()`, the rest of a fixture behind `if "redis" not in request.keywords: return`.

use ruff_python_ast::{BoolOp, CmpOp, Expr, ExprCall, Stmt, UnaryOp};

use super::chains::{chain_of, is_name};

/// What is known of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Known {
    /// It is `None`.
    Null,
    /// It is not `None`, and false in a condition: `False`, `0`, an empty text.
    False,
    /// It is true in a condition.
    True,
    /// It is not `None`.
    Something,
}

/// What a condition asks of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Question {
    /// Whether it is `None`.
    IsNull,
    /// Whether it is true.
    IsTrue,
}

/// What a condition is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Subject<'s> {
    /// A parameter of the function around.
    Parameter(&'s str),
    /// An attribute of `self`, or of `cls`.
    Own(&'s str),
    /// The mark of this name that a test bears, or `None`.
    Mark(&'s str),
    /// A setting of this name, of what goes by the name of `settings`.
    Setting(&'s str),
}

/// A condition on one value that must come out in one way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Condition<'s> {
    pub(super) subject: Subject<'s>,
    pub(super) question: Question,
    pub(super) answer: bool,
    /// The condition around it, as a function counts its conditions from 1; 0 is none.
    pub(super) outer: u32,
}

impl Known {
    /// Returns what is known to come of a condition.
    pub(super) fn answer(self, question: Question) -> Option<bool> {
        match (question, self) {
            (Question::IsNull, known) => Some(known == Self::Null),
            (Question::IsTrue, Self::Null | Self::False) => Some(false),
            (Question::IsTrue, Self::True) => Some(true),
            (Question::IsTrue, Self::Something) => None,
        }
    }

    /// Returns whether it is certainly not `None`.
    pub(super) fn is_given(self) -> bool {
        matches!(self, Self::True | Self::Something)
    }
}

impl Condition<'_> {
    /// Returns whether the value is missing where this holds: it is `None`, or false.
    pub(super) fn is_missing(&self, subject: Subject<'_>) -> bool {
        self.subject == subject && !self.asks_for_it()
    }

    /// Returns whether the value is there where this holds.
    pub(super) fn asks_for_it(&self) -> bool {
        match self.question {
            Question::IsNull => !self.answer,
            Question::IsTrue => self.answer,
        }
    }

    fn inverse(self) -> Self {
        Self { answer: !self.answer, ..self }
    }
}

/// What holds where a test comes out true, and what where it does not.
#[derive(Debug, Default)]
pub(super) struct Tested<'s> {
    pub(super) when_true: Vec<Condition<'s>>,
    pub(super) when_false: Vec<Condition<'s>>,
}

impl<'s> Tested<'s> {
    /// Reads a test; `meant` says what a name stands for that a condition can be about.
    pub(super) fn of(test: &'s Expr, meant: &dyn Fn(&'s str) -> Option<Subject<'s>>) -> Self {
        let single = |question, subject| {
            let condition = Condition { subject, question, answer: true, outer: 0 };
            Self { when_true: vec![condition], when_false: vec![condition.inverse()] }
        };
        match test {
            Expr::Name(_) | Expr::Attribute(_) | Expr::Call(_) => subject_of(test, meant)
                .map_or_else(Self::default, |subject| single(Question::IsTrue, subject)),
            Expr::Named(named) => Self::of(&named.value, meant),
            Expr::UnaryOp(not) if not.op == UnaryOp::Not => Self::of(&not.operand, meant).inverse(),
            Expr::Compare(compare) => {
                let ([op], [right]) = (&*compare.ops, &*compare.comparators) else { return Self::default() };
                let is_null = || subject_of(&compare.left, meant).filter(|_| right.is_none_literal_expr());
                // `"redis" in item.keywords`
                let bears = || match (&*compare.left, &*chain_of(right)?) {
                    (Expr::StringLiteral(name), [.., "item" | "node" | "request", "keywords"]) => {
                        Some(Subject::Mark(name.value.to_str()))
                    }
                    _ => None,
                };
                let read = match op {
                    CmpOp::Is | CmpOp::Eq => is_null().map(|subject| single(Question::IsNull, subject)),
                    CmpOp::IsNot | CmpOp::NotEq => {
                        is_null().map(|subject| single(Question::IsNull, subject).inverse())
                    }
                    CmpOp::In => bears().map(|mark| single(Question::IsTrue, mark)),
                    CmpOp::NotIn => bears().map(|mark| single(Question::IsTrue, mark).inverse()),
                    _ => None,
                };
                read.unwrap_or_default()
            }
            Expr::BoolOp(several) => {
                let each = several.values.iter().map(|value| Self::of(value, meant));
                // Of `a and b` both hold where it is true; where it is not, nobody knows which of them is not.
                match several.op {
                    BoolOp::And => Self {
                        when_true: each.flat_map(|one| one.when_true).collect(),
                        when_false: Vec::new(),
                    },
                    BoolOp::Or => Self {
                        when_true: Vec::new(),
                        when_false: each.flat_map(|one| one.when_false).collect(),
                    },
                }
            }
            _ => Self::default(),
        }
    }

    fn inverse(self) -> Self {
        Self { when_true: self.when_false, when_false: self.when_true }
    }
}

/// Returns what an expression is that a condition can be about.
fn subject_of<'s>(expr: &'s Expr, meant: &dyn Fn(&'s str) -> Option<Subject<'s>>) -> Option<Subject<'s>> {
    match expr {
        Expr::Name(name) => meant(name.id.as_str()),
        Expr::Attribute(attribute) => match &*attribute.value {
            Expr::Name(name) if matches!(name.id.as_str(), "self" | "cls") => {
                Some(Subject::Own(attribute.attr.as_str()))
            }
            Expr::Name(name) if name.id.as_str() == "settings" => setting(attribute.attr.as_str()),
            _ => None,
        },
        Expr::Named(named) => subject_of(&named.value, meant),
        // `getattr(settings, "CELERY_ENABLED", False)`
        Expr::Call(call) if is_name(&call.func, &["getattr"]) => match &*call.arguments.args {
            [Expr::Name(object), Expr::StringLiteral(name), ..] if object.id.as_str() == "settings" => {
                setting(name.value.to_str())
            }
            _ => None,
        },
        Expr::Call(_) => mark_asked_for(expr).map(Subject::Mark),
        _ => None,
    }
}

/// Returns the setting of a name, as Django writes them.
fn setting(name: &str) -> Option<Subject<'_>> {
    let is_setting = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_';
    name.chars().all(is_setting).then_some(Subject::Setting(name))
}

/// Returns the name of the mark that a call asks a test for: `request.node.get_closest_marker("redis")`.
pub(super) fn mark_asked_for(expr: &Expr) -> Option<&str> {
    if let Expr::Call(call) = expr { mark_asked_by(call) } else { None }
}

/// The same of a call.
pub(super) fn mark_asked_by(call: &ExprCall) -> Option<&str> {
    if !is_name(&call.func, &["get_closest_marker", "get_marker", "iter_markers"]) {
        return None;
    }
    let named = call.arguments.find_keyword("name").map(|keyword| &keyword.value);
    match call.arguments.args.first().or(named)? {
        Expr::StringLiteral(name) => Some(name.value.to_str()),
        _ => None,
    }
}

/// Returns whether a value is what a parameter was given, or something else only where it was given nothing:
/// `client or make_client()`, `client if client is not None else make_client()`.
pub(super) fn keeps(value: &Expr, name: &str) -> bool {
    kept(value).is_some_and(|kept| matches!(kept, Expr::Name(kept) if kept.id.as_str() == name))
}

/// Returns what of a value holds where it is given: the parameter of `client or make_client()`.
pub(super) fn kept(value: &Expr) -> Option<&Expr> {
    match value {
        Expr::Name(_) => Some(value),
        Expr::BoolOp(choice) if choice.op == BoolOp::Or => choice.values.first().and_then(kept),
        Expr::If(choice) => {
            let (name, first) = match (&*choice.body, &*choice.orelse) {
                (name @ Expr::Name(_), _) => (name, true),
                (_, name) => (name, false),
            };
            let Expr::Name(named) = name else { return None };
            let subject = Subject::Parameter(named.id.as_str());
            let tested = Tested::of(&choice.test, &|other| (other == named.id.as_str()).then_some(subject));
            let otherwise = if first { tested.when_false } else { tested.when_true };
            otherwise.iter().any(|condition| condition.is_missing(subject)).then_some(name)
        }
        _ => None,
    }
}

/// Returns whether what follows a block does not run after it.
pub(super) fn leaves(body: &[Stmt]) -> bool {
    matches!(body.last(), Some(Stmt::Return(_) | Stmt::Raise(_) | Stmt::Continue(_) | Stmt::Break(_)))
}

#[cfg(test)]
mod tests {
    use ruff_python_parser::parse_expression;

    use super::*;

    fn told(source: &str) -> (Vec<String>, Vec<String>) {
        let parsed = parse_expression(source).unwrap().into_expr();
        let tested =
            Tested::of(&parsed, &|name| matches!(name, "a" | "b").then_some(Subject::Parameter(name)));
        let tell = |conditions: &[Condition<'_>]| {
            let one = |c: &Condition<'_>| {
                let subject = match c.subject {
                    Subject::Parameter(name) => name.to_owned(),
                    Subject::Own(name) => format!("self.{name}"),
                    Subject::Mark(name) => format!("@{name}"),
                    Subject::Setting(name) => format!("settings.{name}"),
                };
                format!("{subject} {:?} {}", c.question, c.answer)
            };
            conditions.iter().map(one).collect()
        };
        (tell(&tested.when_true), tell(&tested.when_false))
    }

    fn both(when_true: &[&str], when_false: &[&str]) -> (Vec<String>, Vec<String>) {
        let own = |lines: &[&str]| lines.iter().map(|line| (*line).to_owned()).collect();
        (own(when_true), own(when_false))
    }

    #[test]
    fn a_test_says_what_holds_where_it_is_true_and_where_it_is_not() {
        assert_eq!(told("a"), both(&["a IsTrue true"], &["a IsTrue false"]));
        assert_eq!(told("not self.x"), both(&["self.x IsTrue false"], &["self.x IsTrue true"]));
        assert_eq!(told("a is None"), both(&["a IsNull true"], &["a IsNull false"]));
        assert_eq!(told("a is not None and b"), both(&["a IsNull false", "b IsTrue true"], &[]));
        assert_eq!(told("a or b"), both(&[], &["a IsTrue false", "b IsTrue false"]));
        assert_eq!(told("\"x\" not in request.keywords"), both(&["@x IsTrue false"], &["@x IsTrue true"]));
        assert_eq!(
            told("r.node.get_closest_marker('x') is None"),
            both(&["@x IsNull true"], &["@x IsNull false"])
        );
        assert_eq!(
            told("not settings.ON and getattr(settings, 'OFF', False)"),
            both(&["settings.ON IsTrue false", "settings.OFF IsTrue true"], &[])
        );
        assert_eq!(told("settings.name"), both(&[], &[]));
        assert_eq!(told("c is None"), both(&[], &[]));
        assert_eq!(told("a == 3"), both(&[], &[]));
    }

    #[test]
    fn a_value_keeps_what_was_given() {
        let keeps_a = |source: &str| keeps(&parse_expression(source).unwrap().into_expr(), "a");
        assert!(keeps_a("a"));
        assert!(keeps_a("a or make()"));
        assert!(keeps_a("a if a is not None else make()"));
        assert!(keeps_a("make() if a is None else a"));
        assert!(keeps_a("make() if not a else a"));
        assert!(!keeps_a("a if flag else make()"));
        assert!(!keeps_a("a if a is None else make()"));
        assert!(!keeps_a("a and make()"));
        assert!(!keeps_a("make(a)"));
    }
}

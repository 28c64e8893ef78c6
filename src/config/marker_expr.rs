//! The expressions of pytest's `-m` (marks) and `-k` (names), evaluated as pytest 9 does.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use super::match_expr::{MarkerValue, Node, SyntaxError, Term};

/// A boolean expression over marks, evaluated against the marks of one test.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MarkerExpr {
    text: String,
    root: Node,
}

/// A boolean expression over parts of names, evaluated against the names that a test goes by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeywordExpr {
    text: String,
    root: Node,
}

/// A text that is no marker expression.
#[derive(Debug, thiserror::Error)]
#[error("`{text}` is not {kind}: {reason} at column {column}")]
pub struct MarkerExprError {
    kind: &'static str,
    text: String,
    reason: String,
    column: usize,
}

/// Returns whether a mark brings a term with it: `device(serial="a")` is a `device`.
fn mark_implies(term: &Term, other: &Term) -> bool {
    term.name == other.name
        && other
            .arguments
            .iter()
            .all(|(name, value)| term.arguments.iter().any(|(own, given)| own == name && given.equals(value)))
}

/// Returns whether a name that holds one text holds the other.
fn name_implies(term: &Term, other: &Term) -> bool {
    term.name.to_lowercase().contains(&other.name.to_lowercase())
}

impl MarkerExpr {
    /// Returns whether a test is selected. `has` says whether one of its marks bears a term's name and arguments.
    pub fn selects(&self, has: impl Fn(&Term) -> bool) -> bool {
        self.root.eval(&has)
    }

    /// Returns whether a test with these marks is selected, each with its keyword arguments.
    #[must_use]
    pub fn selects_marks<'m>(&self, marks: &[(&'m str, &'m [(String, MarkerValue)])]) -> bool {
        self.selects(|term| {
            marks.iter().any(|(name, arguments)| {
                *name == term.name
                    && term.arguments.iter().all(|(wanted, value)| {
                        arguments.iter().any(|(own, given)| own == wanted && given.equals(value))
                    })
            })
        })
    }

    /// Returns the names that the expression asks for, in order of appearance.
    #[must_use]
    pub fn names(&self) -> Vec<&str> {
        let mut terms = Vec::new();
        self.root.terms(&mut terms);
        terms.into_iter().map(|term| term.name.as_str()).collect()
    }

    /// Returns marks with which a test would be selected, or nothing where no test can be. Exact: every combination
    /// of marks is decided.
    #[must_use]
    pub fn witness(&self) -> Option<BTreeSet<Term>> {
        self.root.witness(&mark_implies)
    }

    /// Returns marks with which a test would be selected by both, or nothing where no test can be. Exact.
    #[must_use]
    pub fn overlap(&self, other: &Self) -> Option<BTreeSet<Term>> {
        Node::And(Box::new(self.root.clone()), Box::new(other.root.clone())).witness(&mark_implies)
    }

    /// Returns marks with which a test would be selected by none of these, or nothing where every test is selected by
    /// one. Exact.
    #[must_use]
    pub fn gap(expressions: &[&Self]) -> Option<BTreeSet<Term>> {
        let none = |expression: &&Self| Node::Not(Box::new(expression.root.clone()));
        let all =
            expressions.iter().map(none).reduce(|left, right| Node::And(Box::new(left), Box::new(right)));
        all.map_or_else(|| Some(BTreeSet::new()), |node| node.witness(&mark_implies))
    }
}

impl KeywordExpr {
    /// Returns whether a test that goes by these names is selected: each part must be in one of them, whatever the
    /// case of its letters.
    #[must_use]
    pub fn selects(&self, names: &[&str]) -> bool {
        self.root.eval(&|term| {
            let part = term.name.to_lowercase();
            names.iter().any(|name| name.to_lowercase().contains(&part))
        })
    }

    /// Returns parts with which a test would be selected, or nothing where no test can be.
    #[must_use]
    pub fn witness(&self) -> Option<BTreeSet<Term>> {
        self.root.witness(&name_implies)
    }
}

fn parsed(kind: &'static str, text: &str) -> Result<Node, MarkerExprError> {
    let fail =
        |SyntaxError { reason, column }| MarkerExprError { kind, text: text.to_owned(), reason, column };
    Node::parse(text).map_err(fail)
}

impl FromStr for MarkerExpr {
    type Err = MarkerExprError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(Self { text: text.to_owned(), root: parsed("a marker expression", text)? })
    }
}

impl FromStr for KeywordExpr {
    type Err = MarkerExprError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let root = parsed("a name expression", text)?;
        let mut terms = Vec::new();
        root.terms(&mut terms);
        if terms.iter().any(|term| !term.arguments.is_empty()) {
            let reason = "names take no arguments".to_owned();
            return Err(MarkerExprError {
                kind: "a name expression",
                text: text.to_owned(),
                reason,
                column: 1,
            });
        }
        Ok(Self { text: text.to_owned(), root })
    }
}

impl fmt::Display for MarkerExpr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.text)
    }
}

impl fmt::Display for KeywordExpr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expr(text: &str) -> MarkerExpr {
        text.parse().unwrap()
    }

    fn selects(text: &str, marks: &[&str]) -> bool {
        expr(text).selects(|term| marks.contains(&term.name.as_str()))
    }

    #[test]
    fn precedence_is_pythons() {
        assert!(selects("a or b and not c", &["a", "c"]));
        assert!(!selects("(a or b) and not c", &["a", "c"]));
        assert!(selects("not a and b", &["b"]));
        assert!(selects("not (a and b)", &["b"]));
    }

    #[test]
    fn an_empty_expression_selects_nothing() {
        assert!(!selects("", &["a"]));
        assert_eq!(expr(" ").witness(), None);
    }

    #[test]
    fn arguments_of_marks_are_compared_as_python_does() {
        let device = [
            ("serial".to_owned(), MarkerValue::Text("1234".to_owned())),
            ("fast".to_owned(), MarkerValue::Bool(true)),
        ];
        let marks: [(&str, &[(String, MarkerValue)]); 1] = [("device", &device)];
        for (text, expected) in [
            ("device", true),
            ("device(serial='1234')", true),
            ("device(serial='1234', fast=True)", true),
            ("device(fast=1)", true),
            ("device(serial=1234)", false),
            ("device(other=None)", false),
            ("not device(serial=\"x\")", true),
        ] {
            assert_eq!(expr(text).selects_marks(&marks), expected, "{text}");
        }
    }

    #[test]
    fn what_pytest_refuses_is_refused_with_its_column() {
        for (bad, column) in [
            ("a and", 6),
            ("(a", 3),
            ("a b", 3),
            ("and", 1),
            ("a)", 2),
            ("a(b)", 4),
            ("a(b=)", 5),
            ("a('x')", 3),
            ("a(if=1)", 3),
            ("a(b='x)", 5),
            ("a & b", 3),
            ("a(b=c)", 5),
        ] {
            let error = bad.parse::<MarkerExpr>().unwrap_err();
            assert_eq!(error.column, column, "{bad}: {error}");
        }
        assert!(
            "a-b or c.d[e]".parse::<MarkerExpr>().is_ok(),
            "pytest takes them for names that no mark bears"
        );
    }

    #[test]
    fn deep_nesting_is_an_error_and_no_crash() {
        assert!("(".repeat(100_000).parse::<MarkerExpr>().is_err());
        assert!("not ".repeat(100_000).parse::<MarkerExpr>().is_err());
    }

    #[test]
    fn satisfiability_and_overlap_are_exact() {
        assert_eq!(expr("a and not a").witness(), None);
        assert_eq!(expr("device(x=1) and not device").witness(), None, "an argument implies the mark");
        assert!(expr("device and not device(x=1)").witness().is_some());
        assert!(expr("device(x=1) and device(x=2)").witness().is_some(), "a test may bear a mark twice");
        assert_eq!(expr("db").overlap(&expr("not db")), None);
        assert!(expr("db").overlap(&expr("slow")).is_some());
        assert_eq!(MarkerExpr::gap(&[&expr("db"), &expr("not db")]), None);
        let gap = MarkerExpr::gap(&[&expr("db and not slow"), &expr("not db")]).unwrap();
        let names: Vec<&str> = gap.iter().map(|term| term.name.as_str()).collect();
        assert_eq!(names, ["db", "slow"]);
    }

    #[test]
    fn names_match_by_their_parts() {
        let keyword: KeywordExpr = "cart and not Slow".parse().unwrap();
        assert!(keyword.selects(&["test_cart.py", "TestCART", "test_add[1]"]));
        assert!(!keyword.selects(&["test_cart.py", "test_slowly"]));
        let never: KeywordExpr = "cartridge and not cart".parse().unwrap();
        assert_eq!(never.witness(), None);
        assert!("a(b=1)".parse::<KeywordExpr>().is_err());
    }
}

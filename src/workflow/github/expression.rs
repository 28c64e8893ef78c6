//! GitHub's expressions, evaluated as far as the matrix decides them.
//!
//! What depends on the run (`github`, `secrets`, the status of other jobs) is unknown, and unknown stays
//! unknown: nothing here guesses.

use github_actions_expressions::call::{Call, Function};
use github_actions_expressions::context::Context as Path;
use github_actions_expressions::literal::Literal;
use github_actions_expressions::op::{BinExpr, BinOp, UnOp};
use github_actions_expressions::{Expr, SpannedExpr};
use yaml_serde::{Mapping, Value};

/// What is known before the run.
#[derive(Clone, Debug, Default)]
pub struct Context {
    /// The row of the matrix; nothing where only the run knows it.
    matrix: Option<Mapping>,
    /// Dimensions of the matrix whose values the run computes.
    computed: Vec<String>,
}

impl Context {
    /// Returns a context that knows a matrix row, but for some dimensions.
    #[must_use]
    pub fn of_row(row: Mapping, computed: Vec<String>) -> Self {
        Self { matrix: Some(row), computed }
    }
}

/// Returns the value of an expression (without its `${{ }}`), where what is known decides it.
#[must_use]
pub fn evaluate(expression: &str, context: &Context) -> Option<Value> {
    if !is_allowed(expression) {
        return None;
    }
    value_of(&Expr::parse(expression).ok()?, context)
}

/// Returns whether an expression is as short and as flat as GitHub wants them, which keeps it from exhausting the stack; a
/// chain of so many operators is allowed there, and nobody's.
fn is_allowed(expression: &str) -> bool {
    const LONGEST: usize = 21_000;
    const DEEPEST: usize = 50;
    const MOST_SIGNS: usize = 500;
    let (mut depth, mut deepest, mut signs, mut quoted) = (0usize, 0usize, 0usize, false);
    for byte in expression.bytes() {
        match byte {
            b'\'' => quoted = !quoted,
            b'(' | b'[' if !quoted => depth += 1,
            b')' | b']' if !quoted => depth = depth.saturating_sub(1),
            b'!' | b'&' | b'|' | b'=' | b'<' | b'>' | b'.' if !quoted => signs += 1,
            _ => {}
        }
        deepest = deepest.max(depth);
    }
    expression.len() <= LONGEST && deepest <= DEEPEST && signs <= MOST_SIGNS
}

/// Returns a text with its `${{ }}` filled in, where what is known decides them all.
#[must_use]
pub fn render(template: &str, context: &Context) -> Option<String> {
    let mut rendered = String::new();
    for part in parts(template) {
        match part {
            Part::Text(text) => rendered.push_str(text),
            Part::Expression(expression) => rendered.push_str(&as_text(&evaluate(expression, context)?)),
        }
    }
    Some(rendered)
}

/// Returns a text with those of its `${{ }}` filled in that what is known decides.
pub(super) fn render_known(template: &str, context: &Context) -> String {
    let mut rendered = String::new();
    for part in parts(template) {
        match part {
            Part::Text(text) => rendered.push_str(text),
            Part::Expression(expression) => match evaluate(expression, context) {
                Some(value) => rendered.push_str(&as_text(&value)),
                None => rendered.extend(["${{ ", expression, " }}"]),
            },
        }
    }
    rendered
}

/// Returns whether a text could be a template with its `${{ }}` filled in by anything.
pub(super) fn fits(template: &str, text: &str) -> bool {
    let parts: Vec<Part<'_>> = parts(template).collect();
    let mut rest = text;
    let mut open = false;
    for (at, part) in parts.iter().enumerate() {
        match part {
            Part::Expression(_) => open = true,
            Part::Text(fixed) if at + 1 == parts.len() && open => return rest.ends_with(fixed),
            Part::Text(fixed) => match rest.find(fixed) {
                Some(found) if open || found == 0 => {
                    rest = &rest[found + fixed.len()..];
                    open = false;
                }
                _ => return false,
            },
        }
    }
    open || rest.is_empty()
}

/// Returns the pieces of a template in order: whether it is an expression, and its text.
#[must_use]
pub fn template_parts(template: &str) -> Vec<(bool, String)> {
    let parts = parts(template).map(|part| match part {
        Part::Text(text) => (false, text.to_owned()),
        Part::Expression(expression) => (true, expression.to_owned()),
    });
    parts.collect()
}

/// A piece of a template.
pub(super) enum Part<'t> {
    /// Plain text.
    Text(&'t str),
    /// What stands between `${{` and `}}`.
    Expression(&'t str),
}

/// Returns the pieces of a template in order. A `}}` inside a quoted string does not end an expression.
pub(super) fn parts(template: &str) -> impl Iterator<Item = Part<'_>> {
    let mut rest = template;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        match rest.find("${{") {
            Some(0) => {
                let Some(length) = end_of(&rest[3..]) else {
                    return Some(Part::Text(std::mem::take(&mut rest)));
                };
                let expression = &rest[3..3 + length];
                rest = &rest[3 + length + 2..];
                Some(Part::Expression(expression.trim()))
            }
            found => {
                let (text, after) = rest.split_at(found.unwrap_or(rest.len()));
                rest = after;
                Some(Part::Text(text))
            }
        }
    })
}

fn end_of(text: &str) -> Option<usize> {
    let mut quoted = false;
    let bytes = text.as_bytes();
    for (at, byte) in bytes.iter().enumerate() {
        match byte {
            b'\'' => quoted = !quoted,
            b'}' if !quoted && bytes.get(at + 1) == Some(&b'}') => return Some(at),
            _ => {}
        }
    }
    None
}

/// Returns whether a value counts as true.
#[must_use]
pub fn truthy(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(truth) => *truth,
        Value::Number(number) => number.as_f64().is_some_and(|number| number != 0.0 && !number.is_nan()),
        Value::String(text) => !text.is_empty(),
        Value::Sequence(_) | Value::Mapping(_) | Value::Tagged(_) => true,
    }
}

/// Returns a value as GitHub writes it into a text.
pub(super) fn as_text(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::Bool(truth) => truth.to_string(),
        Value::Number(number) => number.to_string(),
        Value::String(text) => text.clone(),
        Value::Sequence(_) => "Array".to_owned(),
        Value::Mapping(_) | Value::Tagged(_) => "Object".to_owned(),
    }
}

fn value_of(expression: &SpannedExpr<'_>, context: &Context) -> Option<Value> {
    match &expression.inner {
        Expr::Literal(literal) => Some(literal_value(literal)),
        Expr::Context(path) => context_value(path, context),
        Expr::UnExpr { op: UnOp::Not, expr } => Some(Value::Bool(!truthy(&value_of(expr, context)?))),
        Expr::BinExpr(binary) => binary_value(binary, context),
        Expr::Call(call) => call_value(call, context),
        Expr::Star | Expr::Identifier(_) | Expr::Index(_) => None,
    }
}

fn literal_value(literal: &Literal<'_>) -> Value {
    match literal {
        Literal::Number(number) => number_value(*number),
        Literal::String(text) => Value::String(text.clone().into_owned()),
        Literal::Boolean(truth) => Value::Bool(*truth),
        Literal::Null => Value::Null,
    }
}

/// Returns a number so that whole ones are written without a point.
#[expect(clippy::cast_possible_truncation, reason = "only whole numbers within the range are cast")]
fn number_value(number: f64) -> Value {
    if number.fract() == 0.0 && number.abs() < 9e15 {
        Value::from(number as i64)
    } else {
        Value::from(number)
    }
}

fn context_value(path: &Path<'_>, context: &Context) -> Option<Value> {
    let mut parts = path.parts.iter();
    let (mut value, mut is_matrix) = match &parts.next()?.inner {
        Expr::Identifier(name) if name.as_str().eq_ignore_ascii_case("matrix") => {
            (Value::Mapping(context.matrix.clone()?), true)
        }
        Expr::Call(call) => (call_value(call, context)?, false),
        _ => return None,
    };
    // As a whole, a matrix with a computed dimension is not known.
    if is_matrix && path.parts.len() == 1 && !context.computed.is_empty() {
        return None;
    }
    for part in parts {
        let key = match &part.inner {
            Expr::Identifier(name) => Value::String(name.as_str().to_owned()),
            Expr::Index(index) => value_of(index, context)?,
            _ => return None,
        };
        if std::mem::take(&mut is_matrix)
            && context.computed.iter().any(|computed| computed.eq_ignore_ascii_case(&as_text(&key)))
        {
            return None;
        }
        value = member(&value, &key);
    }
    Some(value)
}

/// Returns a member of a mapping or list; what is not there is null.
fn member(value: &Value, key: &Value) -> Value {
    match (value, key) {
        (Value::Mapping(mapping), key) => {
            let wanted = as_text(key);
            let found = mapping.iter().find(|(name, _)| as_text(name).eq_ignore_ascii_case(&wanted));
            found.map_or(Value::Null, |(_, value)| value.clone())
        }
        (Value::Sequence(items), Value::Number(at)) => {
            at.as_u64().and_then(|at| items.get(usize::try_from(at).ok()?)).cloned().unwrap_or(Value::Null)
        }
        _ => Value::Null,
    }
}

fn binary_value(binary: &BinExpr<'_>, context: &Context) -> Option<Value> {
    let left = value_of(&binary.lhs, context);
    match binary.op {
        BinOp::And => {
            let left = left?;
            return if truthy(&left) { value_of(&binary.rhs, context) } else { Some(left) };
        }
        BinOp::Or => {
            let left = left?;
            return if truthy(&left) { Some(left) } else { value_of(&binary.rhs, context) };
        }
        _ => {}
    }
    let (left, right) = (left?, value_of(&binary.rhs, context)?);
    let ordering = match (&left, &right) {
        (Value::String(a), Value::String(b)) => Some(a.to_lowercase().cmp(&b.to_lowercase())),
        _ => as_number(&left).partial_cmp(&as_number(&right)),
    };
    Some(Value::Bool(match binary.op {
        BinOp::Eq => ordering.is_some_and(std::cmp::Ordering::is_eq),
        BinOp::Neq => !ordering.is_some_and(std::cmp::Ordering::is_eq),
        BinOp::Gt => ordering.is_some_and(std::cmp::Ordering::is_gt),
        BinOp::Ge => ordering.is_some_and(std::cmp::Ordering::is_ge),
        BinOp::Lt => ordering.is_some_and(std::cmp::Ordering::is_lt),
        BinOp::Le => ordering.is_some_and(std::cmp::Ordering::is_le),
        BinOp::And | BinOp::Or => unreachable!("both were answered above"),
    }))
}

/// Returns a value as GitHub compares it with one of another kind.
fn as_number(value: &Value) -> f64 {
    match value {
        Value::Null => 0.0,
        Value::Bool(truth) => f64::from(u8::from(*truth)),
        Value::Number(number) => number.as_f64().unwrap_or(f64::NAN),
        Value::String(text) if text.trim().is_empty() => 0.0,
        Value::String(text) => text.trim().parse().unwrap_or(f64::NAN),
        _ => f64::NAN,
    }
}

fn call_value(call: &Call<'_>, context: &Context) -> Option<Value> {
    let arguments: Option<Vec<Value>> =
        call.args.iter().map(|argument| value_of(argument, context)).collect();
    let arguments = arguments?;
    let text = |at: usize| arguments.get(at).map(as_text).unwrap_or_default();
    let folded = |at: usize| text(at).to_lowercase();
    Some(match call.func {
        Function::Contains => match arguments.first()? {
            Value::Sequence(items) => {
                Value::Bool(items.iter().any(|item| as_text(item).to_lowercase() == folded(1)))
            }
            _ => Value::Bool(folded(0).contains(&folded(1))),
        },
        Function::StartsWith => Value::Bool(folded(0).starts_with(&folded(1))),
        Function::EndsWith => Value::Bool(folded(0).ends_with(&folded(1))),
        Function::Format => Value::String(format_text(&text(0), &arguments[1..])),
        Function::Join => match arguments.first()? {
            Value::Sequence(items) => {
                let separator = if arguments.len() > 1 { text(1) } else { ",".to_owned() };
                Value::String(items.iter().map(as_text).collect::<Vec<_>>().join(&separator))
            }
            value => Value::String(as_text(value)),
        },
        Function::FromJSON => yaml_serde::from_str(&text(0)).ok()?,
        _ => return None,
    })
}

/// Fills `{0}`, `{1}` …; doubled braces stand for themselves.
fn format_text(template: &str, arguments: &[Value]) -> String {
    let mut text = String::new();
    let mut rest = template;
    while let Some(at) = rest.find(['{', '}']) {
        text.push_str(&rest[..at]);
        rest = &rest[at..];
        if rest.starts_with("{{") || rest.starts_with("}}") {
            text.push_str(&rest[..1]);
            rest = &rest[2..];
            continue;
        }
        let end = rest.find('}').unwrap_or(0);
        let number = rest[1..].get(..end.saturating_sub(1)).and_then(|number| number.parse::<usize>().ok());
        if let Some(number) = number {
            text.push_str(&arguments.get(number).map(as_text).unwrap_or_default());
            rest = &rest[end + 1..];
        } else {
            text.push_str(&rest[..1]);
            rest = &rest[1..];
        }
    }
    text + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    fn context() -> Context {
        Context::of_row(
            yaml_serde::from_str("{python: '3.12', services: [postgres, redis], n: 2, off: false}").unwrap(),
            vec!["os".to_owned()],
        )
    }

    #[test]
    fn what_the_matrix_decides_is_evaluated_and_the_rest_stays_unknown() {
        for (expression, expected) in [
            ("matrix.python", Some("3.12")),
            ("contains(matrix.services, 'redis') && 'redis:8' || ''", Some("redis:8")),
            ("contains(matrix.services, 'red') && 'redis:8' || ''", Some("")),
            ("contains(matrix.absent, 'red') && 'redis:8' || ''", Some("")),
            ("format('postgres:{0}-{{x}}', matrix.n)", Some("postgres:2-{x}")),
            ("matrix['python'] == '3.12' && !matrix.off", Some("true")),
            ("matrix.n >= 2", Some("true")),
            ("false && github.sha", Some("false")),
            ("github.sha && 'a' || 'b'", None),
            ("secrets.TOKEN", None),
            ("matrix.os", None),
            ("matrix['OS'] == 'linux'", None),
            ("toJSON(matrix)", None),
            ("matrix.absent", Some("")),
            ("fromJSON('[1,2]')[1]", Some("2")),
        ] {
            let value = evaluate(expression, &context()).map(|value| as_text(&value));
            assert_eq!(value.as_deref(), expected, "{expression}");
        }
    }

    #[test]
    fn a_template_is_filled_or_not_at_all() {
        assert_eq!(render("py ${{ matrix.python }}!", &context()).as_deref(), Some("py 3.12!"));
        assert_eq!(render("${{ '}}' }}", &context()).as_deref(), Some("}}"));
        assert_eq!(render("py ${{ github.sha }}", &context()), None);
        assert_eq!(render("plain", &context()).as_deref(), Some("plain"));
    }

    #[test]
    fn a_shown_name_is_told_to_fit_its_template() {
        assert!(fits("test (${{ matrix.a }}, ${{ matrix.b }})", "test (3.12, pg)"));
        assert!(!fits("test (${{ matrix.a }})", "lint (3.12)"));
        assert!(!fits("test", "test 2"));
    }
}

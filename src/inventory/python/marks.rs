//! Marks: decorators, `pytestmark`, `pytest.param(marks=…)`, and names that stand for them.

use ruff_python_ast::{Expr, ExprCall};
use ruff_text_size::{Ranged, TextRange};

use super::chains::chain_of;
use super::program::{Binding, ScopeIx, ScopeKind};
use super::resolve::{Resolver, Target};

/// How far names that stand for marks are followed.
const MAX_DEPTH: u32 = 6;

/// A mark where it is written.
#[derive(Clone, Debug)]
pub(super) struct Mark<'s> {
    pub(super) name: String,
    /// Where it is applied.
    pub(super) applied: (ScopeIx, TextRange),
    /// Its call and the scope that the call stands in, where it has arguments.
    pub(super) call: Option<(ScopeIx, &'s ExprCall)>,
    pub(super) level: MarkLevel,
}

/// What bears a mark.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum MarkLevel {
    /// The function itself.
    Function,
    /// One of its sets of parameters.
    Parameters,
    /// Its class, or one that the class inherits from.
    Class,
    /// Its module.
    Module,
}

/// Returns the marks of a function's decorators, nearest to the function first, as pytest applies them.
pub(super) fn of_function<'s>(resolver: &Resolver<'_, 's, '_>, function: ScopeIx) -> Vec<Mark<'s>> {
    let ScopeKind::Function(def) = resolver.program.scope(function).kind else { return Vec::new() };
    let outer = resolver.program.scope(function).parent.unwrap_or(function);
    let decorators = def.decorator_list.iter().rev();
    decorators
        .flat_map(|decorator| {
            of_expr(
                resolver,
                outer,
                &decorator.expression,
                (outer, decorator.range()),
                MarkLevel::Function,
                MAX_DEPTH,
            )
        })
        .collect()
}

/// Returns the marks of a class: its decorators and its `pytestmark`, then those of the classes that it inherits
/// from.
pub(super) fn of_class<'s>(resolver: &Resolver<'_, 's, '_>, class: ScopeIx) -> Vec<Mark<'s>> {
    let mut marks = Vec::new();
    for base in resolver.mro(class).iter() {
        let Target::Scope(base) = *base else { continue };
        let scope = resolver.program.scope(base);
        let ScopeKind::Class(def) = scope.kind else { continue };
        let outer = scope.parent.unwrap_or(base);
        for decorator in def.decorator_list.iter().rev() {
            marks.extend(of_expr(
                resolver,
                outer,
                &decorator.expression,
                (outer, decorator.range()),
                MarkLevel::Class,
                MAX_DEPTH,
            ));
        }
        marks.extend(of_pytestmark(resolver, base, MarkLevel::Class));
    }
    marks
}

/// Returns the marks that the `pytestmark` of a module or class holds.
pub(super) fn of_pytestmark<'s>(
    resolver: &Resolver<'_, 's, '_>,
    scope: ScopeIx,
    level: MarkLevel,
) -> Vec<Mark<'s>> {
    let program = resolver.program;
    let mut marks = Vec::new();
    match program.scope(scope).binding("pytestmark") {
        Some(Binding::Scope(ix)) => {
            if let ScopeKind::Value(value) = program.scope(ix).kind {
                marks.extend(listed(resolver, scope, value, level));
            }
        }
        Some(Binding::Import(_)) => {
            if let Some(Target::Scope(ix)) = resolver.resolve(scope, &["pytestmark"]).target
                && let ScopeKind::Value(value) = program.scope(ix).kind
            {
                marks.extend(listed(resolver, program.scope(ix).parent.unwrap_or(ix), value, level));
            }
        }
        _ => {}
    }
    marks
}

/// Returns the marks of a list, tuple or single mark.
pub(super) fn listed<'s>(
    resolver: &Resolver<'_, 's, '_>,
    scope: ScopeIx,
    value: &'s Expr,
    level: MarkLevel,
) -> Vec<Mark<'s>> {
    match value {
        Expr::List(list) => {
            list.elts.iter().flat_map(|element| listed(resolver, scope, element, level)).collect()
        }
        Expr::Tuple(tuple) => {
            tuple.elts.iter().flat_map(|element| listed(resolver, scope, element, level)).collect()
        }
        Expr::Starred(starred) => listed(resolver, scope, &starred.value, level),
        Expr::BinOp(sum) => [&sum.left, &sum.right]
            .into_iter()
            .flat_map(|side| listed(resolver, scope, side, level))
            .collect(),
        value => of_expr(resolver, scope, value, (scope, value.range()), level, MAX_DEPTH),
    }
}

fn of_expr<'s>(
    resolver: &Resolver<'_, 's, '_>,
    scope: ScopeIx,
    expr: &'s Expr,
    applied: (ScopeIx, TextRange),
    level: MarkLevel,
    depth: u32,
) -> Vec<Mark<'s>> {
    let Some(depth) = depth.checked_sub(1) else { return Vec::new() };
    let (callee, call) = match expr {
        Expr::Call(call) => (&*call.func, Some(call)),
        expr => (expr, None),
    };
    // `pytest.mark.skipif(…)(function)`
    if matches!(callee, Expr::Call(_)) {
        return of_expr(resolver, scope, callee, applied, level, depth);
    }
    let Some(chain) = chain_of(callee) else { return Vec::new() };
    let program = resolver.program;
    match resolver.resolve(scope, &chain).target {
        Some(Target::External(path)) => {
            match path.strip_prefix("pytest.mark.").or_else(|| path.strip_prefix("_pytest.mark.MARK_GEN.")) {
                // `slow = pytest.mark.slow` and `slow(reason)` both come here.
                Some(rest) => {
                    let name = rest.split('.').next().unwrap_or(rest).to_owned();
                    vec![Mark { name, applied, call: call.map(|call| (scope, call)), level }]
                }
                None => match (path.as_str(), call) {
                    ("unittest.skipIf" | "unittest.skipUnless", call) => vec![Mark {
                        name: "skipif".to_owned(),
                        applied,
                        call: call.map(|call| (scope, call)),
                        level,
                    }],
                    ("unittest.skip", call) => vec![Mark {
                        name: "skip".to_owned(),
                        applied,
                        call: call.map(|call| (scope, call)),
                        level,
                    }],
                    _ => Vec::new(),
                },
            }
        }
        Some(Target::Scope(ix)) => match program.scope(ix).kind {
            ScopeKind::Value(value) => {
                let owner = program.scope(ix).parent.unwrap_or(ix);
                let mut marks = if matches!(value, Expr::List(_) | Expr::Tuple(_)) {
                    listed(resolver, owner, value, level)
                } else {
                    of_expr(resolver, owner, value, applied, level, depth)
                };
                for mark in &mut marks {
                    mark.applied = applied;
                }
                marks
            }
            // A decorator that marks what it is given.
            ScopeKind::Function(def) => {
                let mut marks = Vec::new();
                for value in super::shapes::returns_of(&def.body) {
                    marks.extend(of_expr(resolver, ix, value, applied, level, depth));
                }
                for used in &program.scope(ix).uses {
                    if let (super::program::How::Call(call), Some(Target::External(path))) =
                        (used.how, resolver.resolve(ix, &used.chain).target)
                        && let Some(rest) = path.strip_prefix("pytest.mark.")
                        && !marks.iter().any(|mark: &Mark<'_>| mark.name == rest)
                    {
                        marks.push(Mark {
                            name: rest.split('.').next().unwrap_or(rest).to_owned(),
                            applied,
                            call: Some((ix, call)),
                            level,
                        });
                    }
                }
                marks
            }
            _ => Vec::new(),
        },
        _ => Vec::new(),
    }
}

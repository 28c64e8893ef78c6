//! Fixtures that a test asks for while it runs: by a name in the code, or by one that its parameters give.

use std::collections::BTreeSet;

use ruff_python_ast::visitor::{Visitor, walk_expr};
use ruff_python_ast::{Expr, ExprCall};

use super::fixtures::{Fixture, Fixtures, Home};
use super::gather::chain_of;
use super::hints::hints_of;
use super::program::{How, ScopeIx, ScopeKind};
use super::resolve::{Resolver, Target};

/// What plugins call a parameter that stands for a fixture: `lazy_fixture("cache")`.
const LAZY: &[&str] = &["lazy_fixture", "lazy_fixtures", "lf", "lfc", "fixture_ref"];

/// How many names one test may ask for: what nobody writes by hand is not followed.
const MAX_NAMES: usize = 200;

/// Returns the names that a scope asks for by a literal: `request.getfixturevalue("db")`.
pub(super) fn asked_by_name(resolver: &Resolver<'_, '_, '_>, scope: ScopeIx) -> Vec<String> {
    calls(resolver, scope)
        .filter_map(|argument| match argument {
            Expr::StringLiteral(name) => Some(name.value.to_str().to_owned()),
            _ => None,
        })
        .collect()
}

/// Returns the fixtures that a test asks for by what its parameters say: `request.getfixturevalue(request.param)`,
/// `lazy_fixture("cache")`. `given` are the calls that give it parameters, `running` the functions that run for it.
pub(super) fn asked_by_parameter<'s>(
    resolver: &Resolver<'_, 's, '_>,
    fixtures: &Fixtures<'s>,
    homes: &[Home],
    given: &[(ScopeIx, &'s ExprCall)],
    running: &[ScopeIx],
) -> Vec<String> {
    let mut values = Values { resolver, texts: BTreeSet::new(), lazy: BTreeSet::new(), at: None, depth: 8 };
    for (scope, call) in given {
        values.at = Some(*scope);
        for argument in super::links::arguments(call) {
            values.visit_expr(argument);
        }
    }
    let mut names: BTreeSet<String> = std::mem::take(&mut values.lazy);
    for scope in running {
        for argument in calls(resolver, *scope) {
            if matches!(argument, Expr::StringLiteral(_)) {
                continue;
            }
            for text in hints_of(resolver, *scope, [argument]).texts {
                if text.contains('…') {
                    names.extend(values.texts.iter().take(MAX_NAMES).map(|value| text.replace('…', value)));
                } else {
                    names.insert(text);
                }
            }
            names.extend(values.texts.iter().cloned());
        }
    }
    names.retain(|name| fixtures.sees(homes, name));
    names.into_iter().take(MAX_NAMES).collect()
}

/// Returns the calls that give a test its parameters: those of its marks and of its fixtures' decorators.
pub(super) fn parameter_calls<'s>(
    marks: &[super::marks::Mark<'s>],
    fixtures: &[(String, Vec<&Fixture<'s>>)],
) -> Vec<(ScopeIx, &'s ExprCall)> {
    let by_mark = marks.iter().filter(|mark| mark.name == "parametrize").filter_map(|mark| mark.call);
    let by_fixture = fixtures
        .iter()
        .flat_map(|(_, used)| used)
        .filter_map(|fixture| Some((fixture.scope, fixture.call?)))
        .filter(|(_, call)| call.arguments.find_keyword("params").is_some());
    by_mark.chain(by_fixture).collect()
}

/// Returns the arguments of a scope's calls of `getfixturevalue`.
fn calls<'s>(resolver: &Resolver<'_, 's, '_>, scope: ScopeIx) -> impl Iterator<Item = &'s Expr> {
    resolver.program.scope(scope).uses.iter().filter_map(|used| match used.how {
        How::Call(call) if used.chain.last() == Some(&"getfixturevalue") => call.arguments.args.first(),
        _ => None,
    })
}

/// Gathers the texts of parameters, followed through names, and the fixtures that they stand for.
struct Values<'v, 'p, 's, 't> {
    resolver: &'v Resolver<'p, 's, 't>,
    texts: BTreeSet<String>,
    lazy: BTreeSet<String>,
    at: Option<ScopeIx>,
    depth: u32,
}

impl<'s> Visitor<'s> for Values<'_, '_, 's, '_> {
    fn visit_expr(&mut self, expr: &'s Expr) {
        match expr {
            Expr::StringLiteral(text) => {
                self.texts.insert(text.value.to_str().to_owned());
            }
            Expr::Call(call) if chain_of(&call.func).is_some_and(|chain| is_lazy(&chain)) => {
                self.lazy.extend(call.arguments.args.iter().filter_map(|argument| match argument {
                    Expr::StringLiteral(text) => Some(text.value.to_str().to_owned()),
                    _ => None,
                }));
            }
            Expr::Name(_) | Expr::Attribute(_) => {
                if let (Some(at), Some(chain), Some(depth)) =
                    (self.at, chain_of(expr), self.depth.checked_sub(1))
                    && let Some(Target::Scope(to)) = self.resolver.resolve(at, &chain).target
                    && let ScopeKind::Value(value) = self.resolver.program.scope(to).kind
                {
                    let before = (self.at.replace(to), std::mem::replace(&mut self.depth, depth));
                    self.visit_expr(value);
                    (self.at, self.depth) = before;
                }
            }
            _ => walk_expr(self, expr),
        }
    }
}

fn is_lazy(chain: &[&str]) -> bool {
    chain.last().is_some_and(|last| LAZY.contains(last))
}

//! Fixtures that a test asks for while it runs: by a name in the code, or by one that its parameters give.

use std::collections::BTreeSet;

use ruff_python_ast::visitor::{Visitor, walk_expr};
use ruff_python_ast::{
    BoolOp, CmpOp, Comprehension, Expr, ExprCall, ExprGenerator, ExprListComp, ExprSetComp, UnaryOp,
};

use super::chains::{chain_of, strings_of};
use super::fixtures::{Fixture, Fixtures, Home};
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
    let scope = resolver.program.scope(scope);
    let uses = if scope.asks_by_name { scope.uses.as_slice() } else { &[] };
    uses.iter().filter_map(|used| match used.how {
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

impl<'s> Values<'_, '_, 's, '_> {
    /// Returns the value that a name stands for, or the one of whose attributes the rest is: `CASES.values()`.
    fn value_of(&self, chain: &[&str]) -> Option<(ScopeIx, &'s Expr)> {
        let at = self.at?;
        [chain, &chain[..1]].into_iter().find_map(|chain| {
            let Some(Target::Scope(to)) = self.resolver.resolve(at, chain).target else { return None };
            match self.resolver.program.scope(to).kind {
                ScopeKind::Value(value) => Some((to, value)),
                _ => None,
            }
        })
    }

    fn visit_at(&mut self, scope: ScopeIx, value: &'s Expr) {
        if let Some(depth) = self.depth.checked_sub(1) {
            let before = (self.at.replace(scope), std::mem::replace(&mut self.depth, depth));
            self.visit_expr(value);
            (self.at, self.depth) = before;
        }
    }

    /// Returns the values that a comprehension takes of a dictionary that is written out: `[case for name, case in
    /// CASES.items() if name in {"redis"}]`.
    fn taken(&self, generators: &'s [Comprehension]) -> Option<(ScopeIx, Vec<&'s Expr>)> {
        let [generator] = generators else { return None };
        let Expr::Tuple(target) = &generator.target else { return None };
        let [Expr::Name(name), _] = &*target.elts else { return None };
        let Expr::Call(call) = &generator.iter else { return None };
        let chain = chain_of(&call.func).filter(|chain| chain.last() == Some(&"items"))?;
        let (scope, Expr::Dict(dict)) = self.value_of(&chain)? else { return None };
        let holds = |key: &str| {
            generator.ifs.iter().all(|condition| holds(condition, name.id.as_str(), key).unwrap_or(true))
        };
        let items = dict.items.iter().filter(|item| match &item.key {
            Some(Expr::StringLiteral(key)) => holds(key.value.to_str()),
            _ => true,
        });
        Some((scope, items.map(|item| &item.value).collect()))
    }
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
            Expr::ListComp(ExprListComp { generators, .. })
            | Expr::SetComp(ExprSetComp { generators, .. })
            | Expr::Generator(ExprGenerator { generators, .. })
                if let Some((scope, values)) = self.taken(generators) =>
            {
                for value in values {
                    self.visit_at(scope, value);
                }
            }
            Expr::Name(_) | Expr::Attribute(_) => {
                if let Some((scope, value)) = chain_of(expr).and_then(|chain| self.value_of(&chain)) {
                    self.visit_at(scope, value);
                }
            }
            _ => walk_expr(self, expr),
        }
    }
}

/// Returns whether a condition on a name holds for a text; nothing where only running tells.
fn holds(condition: &Expr, name: &str, text: &str) -> Option<bool> {
    let is_name = |expr: &Expr| matches!(expr, Expr::Name(found) if found.id.as_str() == name);
    match condition {
        Expr::UnaryOp(not) if not.op == UnaryOp::Not => Some(!holds(&not.operand, name, text)?),
        Expr::BoolOp(all) => {
            let parts: Option<Vec<bool>> = all.values.iter().map(|part| holds(part, name, text)).collect();
            let parts = parts?;
            Some(match all.op {
                BoolOp::And => parts.into_iter().all(|part| part),
                BoolOp::Or => parts.into_iter().any(|part| part),
            })
        }
        Expr::Compare(compare) => {
            let ([op], [right]) = (&*compare.ops, &*compare.comparators) else { return None };
            match (&*compare.left, op, right) {
                (left, CmpOp::In | CmpOp::NotIn, list) if is_name(left) => {
                    let known = matches!(list, Expr::Set(_) | Expr::List(_) | Expr::Tuple(_));
                    known.then(|| strings_of(list).contains(&text) == (*op == CmpOp::In))
                }
                (Expr::StringLiteral(part), CmpOp::In | CmpOp::NotIn, right) if is_name(right) => {
                    Some(text.contains(part.value.to_str()) == (*op == CmpOp::In))
                }
                (left, CmpOp::Eq | CmpOp::NotEq, Expr::StringLiteral(other)) if is_name(left) => {
                    Some((text == other.value.to_str()) == (*op == CmpOp::Eq))
                }
                _ => None,
            }
        }
        Expr::Call(call) => {
            let Expr::Attribute(method) = &*call.func else { return None };
            let [Expr::StringLiteral(part)] = &*call.arguments.args else { return None };
            let part = part.value.to_str();
            match method.attr.as_str() {
                _ if !is_name(&method.value) => None,
                "startswith" => Some(text.starts_with(part)),
                "endswith" => Some(text.ends_with(part)),
                _ => None,
            }
        }
        _ => None,
    }
}

fn is_lazy(chain: &[&str]) -> bool {
    chain.last().is_some_and(|last| LAZY.contains(last))
}

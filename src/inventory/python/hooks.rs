//! Fixtures that a hook gives to tests while they are collected: `item.fixturenames.append("db")`, for all of them or
//! for those that bear a mark.

use ruff_python_ast::visitor::{Visitor, walk_expr};
use ruff_python_ast::{CmpOp, Expr, Stmt};

use super::chains::{chain_of, strings_of};
use super::program::{Binding, ModuleIx, ScopeKind};
use super::resolve::Resolver;

/// Hooks that may change what a test asks for.
const HOOKS: &[&str] = &["pytest_collection_modifyitems", "pytest_itemcollected", "pytest_runtest_setup"];

/// A fixture that a hook gives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Given {
    /// The mark that a test must bear; nothing where every test gets it.
    pub(super) mark: Option<String>,
    pub(super) fixture: String,
}

/// Returns the fixtures that the hooks of a module give.
pub(super) fn given_by_hooks(resolver: &Resolver<'_, '_, '_>, module: ModuleIx) -> Vec<Given> {
    let program = resolver.program;
    let mut found = Vec::new();
    for name in HOOKS {
        if let Some(Binding::Scope(ix)) = program.scope(program.module(module).scope).binding(name)
            && let ScopeKind::Function(def) = program.scope(ix).kind
        {
            read(&def.body, None, &mut found);
        }
    }
    found
}

/// Returns whether a hook that runs around tests does for all of them what it does: no condition of its body asks the test,
/// or what it took from it, for anything but marks.
pub(super) fn runs_for_every_test(hook: ScopeKind<'_>) -> bool {
    const AROUND: &[&str] = &["pytest_runtest_protocol", "pytest_runtest_teardown", "pytest_pyfunc_call"];
    let ScopeKind::Function(def) = hook else { return true };
    if !AROUND.contains(&def.name.as_str()) {
        return true;
    }
    let mut of_test: Vec<&str> = (&*def.parameters).into_iter().map(|it| it.name().as_str()).collect();
    for stmt in &def.body {
        match stmt {
            Stmt::Assign(assign) if names_any(&assign.value, &of_test) => {
                let names = assign.targets.iter().filter_map(Expr::as_name_expr);
                of_test.extend(names.map(|name| name.id.as_str()));
            }
            Stmt::If(branch) if mark_asked(&branch.test).is_none() && names_any(&branch.test, &of_test) => {
                return false;
            }
            _ => {}
        }
    }
    true
}

/// Returns whether an expression has one of these names in it.
fn names_any(expr: &Expr, names: &[&str]) -> bool {
    struct Names<'n>(&'n [&'n str], bool);
    impl<'a> Visitor<'a> for Names<'_> {
        fn visit_expr(&mut self, expr: &'a Expr) {
            self.1 |= matches!(expr, Expr::Name(name) if self.0.contains(&name.id.as_str()));
            walk_expr(self, expr);
        }
    }
    let mut found = Names(names, false);
    found.visit_expr(expr);
    found.1
}

fn read(body: &[Stmt], mark: Option<&str>, found: &mut Vec<Given>) {
    for stmt in body {
        match stmt {
            Stmt::For(each) => read(&each.body, mark, found),
            Stmt::With(with) => read(&with.body, mark, found),
            // What only another condition decides is left alone.
            Stmt::If(branch) => {
                let tests = std::iter::once((Some(&*branch.test), &branch.body));
                let others =
                    branch.elif_else_clauses.iter().map(|clause| (clause.test.as_ref(), &clause.body));
                for (test, body) in tests.chain(others) {
                    if let Some(asked) = test.and_then(mark_asked) {
                        read(body, Some(asked), found);
                    }
                }
            }
            Stmt::Expr(stmt) => {
                if let Expr::Call(call) = &*stmt.value
                    && let Some([.., "fixturenames", "append" | "extend" | "insert"]) =
                        chain_of(&call.func).as_deref()
                    && let Some(names) = call.arguments.args.last()
                {
                    found.extend(
                        strings_of(names).into_iter().map(|fixture| Given {
                            mark: mark.map(str::to_owned),
                            fixture: fixture.to_owned(),
                        }),
                    );
                }
            }
            _ => {}
        }
    }
}

/// Returns the mark that a condition asks a test for.
fn mark_asked(condition: &Expr) -> Option<&str> {
    match condition {
        Expr::Call(call) => {
            let asks = chain_of(&call.func).is_some_and(|chain| {
                matches!(chain.last(), Some(&("get_closest_marker" | "get_marker" | "iter_markers")))
            });
            call.arguments.args.first().filter(|_| asks).and_then(super::routes::literal)
        }
        Expr::Compare(compare) => match (&*compare.ops, &*compare.comparators) {
            ([CmpOp::IsNot], [Expr::NoneLiteral(_)]) => mark_asked(&compare.left),
            ([CmpOp::In], [right]) => {
                let keywords = chain_of(right).is_some_and(|chain| chain.last() == Some(&"keywords"));
                super::routes::literal(&compare.left).filter(|_| keywords)
            }
            _ => None,
        },
        _ => None,
    }
}

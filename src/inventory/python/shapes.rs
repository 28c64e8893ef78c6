//! What a statement, an expression or a path is by its looks alone.

use ruff_python_ast::{Expr, Stmt};

use super::chains::{chain_of, is_name};
use super::program::Import;

/// Returns the module that `pytest.importorskip("redis")` or `importlib.import_module("redis")` gives.
pub(super) fn imported_by_call(value: &Expr) -> Option<Import<'_>> {
    let Expr::Call(call) = value else { return None };
    let chain = chain_of(&call.func)?;
    if !matches!(*chain.last()?, "importorskip" | "import_module") {
        return None;
    }
    match call.arguments.args.first()? {
        Expr::StringLiteral(text) => {
            Some(Import { level: 0, module: text.value.to_str(), name: None, first_only: false })
        }
        _ => None,
    }
}

/// Returns whether only tests use a file, by its place.
pub(super) fn is_for_tests(path: &str) -> bool {
    path.split('/').any(|part| {
        let part = part.strip_suffix(".py").unwrap_or(part);
        part == "conftest" || part.starts_with("test") || part.ends_with("_test") || part.ends_with("_tests")
    })
}

/// Returns whether a handler is for a module that can't be imported.
pub(super) fn for_want_of_a_module(caught: &Expr) -> bool {
    match caught {
        Expr::Tuple(tuple) => tuple.elts.iter().any(for_want_of_a_module),
        caught => is_name(caught, &["ImportError", "ModuleNotFoundError"]),
    }
}

pub(super) fn is_main_guard(expr: &Expr) -> bool {
    matches!(expr, Expr::Compare(compare) if matches!(&*compare.left, Expr::Name(name) if name.id.as_str() == "__name__"))
}

/// Returns whether a block skips the test: `pytest.skip(…)`, `self.skipTest(…)`, `raise SkipTest`, or a `return` of a
/// skip mark.
pub(super) fn ends_in_skip(body: &[Stmt]) -> bool {
    let skips = |expr: &Expr| {
        let callee = if let Expr::Call(call) = expr { &*call.func } else { expr };
        is_name(callee, &["skip", "skipTest", "SkipTest", "importorskip", "xfail"])
    };
    body.iter().any(|stmt| match stmt {
        Stmt::Expr(stmt) => match &*stmt.value {
            Expr::Call(_) => skips(&stmt.value),
            _ => false,
        },
        Stmt::Raise(raise) => raise.exc.as_deref().is_some_and(|exc| match exc {
            Expr::If(choice) => skips(&choice.body) || skips(&choice.orelse),
            exc => skips(exc),
        }),
        Stmt::If(branch) => {
            ends_in_skip(&branch.body)
                || branch.elif_else_clauses.iter().any(|clause| ends_in_skip(&clause.body))
        }
        Stmt::With(with) => ends_in_skip(&with.body),
        _ => false,
    })
}

/// Returns whether what runs where something failed neither raises nor leaves.
pub(super) fn goes_on(body: &[Stmt]) -> bool {
    !body.iter().any(|stmt| match stmt {
        Stmt::Raise(_) => true,
        Stmt::Expr(stmt) => {
            matches!(&*stmt.value, Expr::Call(call) if is_name(&call.func, &["exit", "fail", "_exit"]))
        }
        _ => false,
    })
}

/// Returns the values that a function's body returns or yields, nested functions aside.
pub(super) fn returns_of(body: &[Stmt]) -> Vec<&Expr> {
    let mut found = Vec::new();
    let mut open: Vec<&Stmt> = body.iter().rev().collect();
    while let Some(stmt) = open.pop() {
        match stmt {
            Stmt::Return(stmt) => found.extend(stmt.value.as_deref()),
            Stmt::Expr(stmt) => {
                if let Expr::Yield(inner) = &*stmt.value {
                    found.extend(inner.value.as_deref());
                }
            }
            Stmt::If(branch) => {
                for clause in branch.elif_else_clauses.iter().rev() {
                    open.extend(clause.body.iter().rev());
                }
                open.extend(branch.body.iter().rev());
            }
            Stmt::Match(choice) => {
                for case in choice.cases.iter().rev() {
                    open.extend(case.body.iter().rev());
                }
            }
            Stmt::With(with) => open.extend(with.body.iter().rev()),
            Stmt::For(each) => open.extend(each.body.iter().rev()),
            Stmt::While(each) => open.extend(each.body.iter().rev()),
            Stmt::Try(attempt) => {
                open.extend(attempt.finalbody.iter().rev());
                open.extend(attempt.orelse.iter().rev());
                open.extend(attempt.body.iter().rev());
            }
            _ => {}
        }
    }
    found
}

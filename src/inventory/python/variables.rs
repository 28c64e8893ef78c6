//! What variables of the environment are while the tests run: what a conftest file sets, what the tests' own runner and
//! the jobs of a workflow set.
//!
//! Only addresses are kept: `postgresql://…`, `sqlite://`. They count before what the application falls back to.

use std::collections::HashMap;

use ruff_python_ast::visitor::{Visitor, walk_expr, walk_stmt};
use ruff_python_ast::{DictItem, Expr, ExprCall, ExprDict, InterpolatedStringElement, Stmt};

use super::chains::chain_of;
use super::environment::Environment;
use super::fixtures::fixture_decorator;
use super::locate::folder_of;
use super::source::SourceFile;

/// The addresses that variables are while the tests run, by their names.
pub(super) type Variables = HashMap<String, String>;

/// Returns what is known of the variables; `tests` are the files of all tests.
pub(super) fn variables(files: &[SourceFile], tests: &[Vec<String>], environment: &Environment) -> Variables {
    let mut reader = Reader::default();
    for file in files.iter().filter(|file| file.path.rsplit('/').next() == Some("conftest.py")) {
        // What is set for some of the tests alone says nothing of the others.
        let folder = folder_of(&file.path);
        let above = |test: &String| folder.is_empty() || test.starts_with(&format!("{folder}/"));
        if tests.iter().flatten().all(above) {
            reader.constants = constants_of(&file.syntax.body);
            reader.visit_body(&file.syntax.body);
        }
    }
    let mut known = Variables::new();
    environment.when_tested().for_each(|(name, value)| add(&mut known, name, value));
    reader.unless_set.iter().for_each(|(name, value)| add(&mut known, name, value));
    // What the tests set themselves holds whatever was set before.
    let mut set = Variables::new();
    reader.set.iter().for_each(|(name, value)| add(&mut set, name, value));
    known.extend(set);
    // A test, or a fixture that some ask for, may set a server all the same.
    known.retain(|name, value| !is_local(value) || !files.iter().any(|file| sets_server(file, name)));
    known
}

/// Returns whether a file of tests names a server in a line with a variable.
fn sets_server(file: &SourceFile, name: &str) -> bool {
    let of_tests = super::shapes::is_for_tests(&file.path);
    let server = |line: &str| line.contains(name) && line.contains("://") && !is_local(line);
    of_tests && file.text.contains(name) && file.text.lines().any(server)
}

/// Adds a value. Where several say it, a server is meant rather than a file: what needs it must not go unseen.
fn add(known: &mut Variables, name: &str, value: &str) {
    let better = known.get(name).is_none_or(|other| is_local(other) && !is_local(value));
    if is_address(value) && better {
        known.insert(name.to_owned(), value.to_owned());
    }
}

fn is_address(value: &str) -> bool {
    value.contains("://") || is_local(value)
}

/// Returns whether an address is that of a file or of memory.
pub(super) fn is_local(value: &str) -> bool {
    ["sqlite", "memory://", ":memory:", "duckdb"].iter().any(|local| value.contains(local))
}

/// Reads what a conftest file sets for all tests below it.
#[derive(Default)]
struct Reader<'s> {
    /// The texts that names of the module stand for.
    constants: HashMap<&'s str, String>,
    set: Vec<(String, String)>,
    /// What holds only where nobody has set it before.
    unless_set: Vec<(String, String)>,
}

impl Reader<'_> {
    fn text(&self, expr: &Expr) -> Option<String> {
        match expr {
            Expr::Name(name) => self.constants.get(name.id.as_str()).cloned(),
            expr => text_of(expr),
        }
    }

    fn pair(&self, name: &Expr, value: &Expr) -> Option<(String, String)> {
        Some((self.text(name)?, self.text(value)?))
    }

    fn set_all(&mut self, dict: &ExprDict) {
        let pair = |item: &DictItem| self.pair(item.key.as_ref()?, &item.value);
        let pairs: Vec<_> = dict.items.iter().filter_map(pair).collect();
        self.set.extend(pairs);
    }
}

impl<'s> Visitor<'s> for Reader<'s> {
    fn visit_stmt(&mut self, stmt: &'s Stmt) {
        match stmt {
            Stmt::FunctionDef(def) => {
                // A fixture that only some ask for sets it for those alone.
                let for_all = fixture_decorator(def).and_then(|((), call)| call).is_some_and(is_autouse);
                if for_all || def.name.as_str().starts_with("pytest_") {
                    self.visit_body(&def.body);
                }
            }
            // What only another condition has it set, an option for one, is not set for all.
            Stmt::ClassDef(_) | Stmt::If(_) => {}
            Stmt::Assign(assign) => {
                if let [Expr::Subscript(target)] = &*assign.targets
                    && is_environment(&target.value)
                {
                    let pair = self.pair(&target.slice, &assign.value);
                    self.set.extend(pair);
                }
            }
            stmt => walk_stmt(self, stmt),
        }
    }

    fn visit_expr(&mut self, expr: &'s Expr) {
        if let Expr::Call(call) = expr
            && let Expr::Attribute(method) = &*call.func
        {
            let args = &*call.arguments.args;
            match (method.attr.as_str(), args) {
                ("setenv", [name, value, ..]) => {
                    let pair = self.pair(name, value);
                    self.set.extend(pair);
                }
                ("setdefault", [name, value]) if is_environment(&method.value) => {
                    let pair = self.pair(name, value);
                    self.unless_set.extend(pair);
                }
                ("update", [Expr::Dict(dict)]) if is_environment(&method.value) => self.set_all(dict),
                ("dict", [first, Expr::Dict(dict), ..]) if is_environment(first) => self.set_all(dict),
                _ => {}
            }
        }
        walk_expr(self, expr);
    }
}

/// Returns what a module gives variables of these names itself: `os.environ["CACHE_URL"] = f"{REDIS_URL}/1"`.
pub(super) fn given_in<'s>(body: &'s [Stmt], names: &[String]) -> Vec<&'s Expr> {
    let mut found = Vec::new();
    let mut open: Vec<&Stmt> = body.iter().collect();
    while let Some(stmt) = open.pop() {
        match stmt {
            Stmt::Assign(assign) => {
                if let [Expr::Subscript(target)] = &*assign.targets
                    && is_environment(&target.value)
                    && text_of(&target.slice).is_some_and(|name| names.contains(&name))
                {
                    found.push(&*assign.value);
                }
            }
            Stmt::If(branch) => {
                let clauses = branch.elif_else_clauses.iter().flat_map(|clause| &clause.body);
                open.extend(branch.body.iter().chain(clauses));
            }
            Stmt::Try(attempt) => open.extend(&attempt.body),
            _ => {}
        }
    }
    found
}

fn is_environment(expr: &Expr) -> bool {
    match expr {
        Expr::StringLiteral(path) => path.value.to_str() == "os.environ",
        expr => chain_of(expr).is_some_and(|chain| chain.last() == Some(&"environ")),
    }
}

fn is_autouse(call: &ExprCall) -> bool {
    call.arguments
        .find_keyword("autouse")
        .is_some_and(|keyword| matches!(&keyword.value, Expr::BooleanLiteral(literal) if literal.value))
}

fn constants_of(body: &[Stmt]) -> HashMap<&str, String> {
    body.iter().filter_map(constant).collect()
}

fn constant(stmt: &Stmt) -> Option<(&str, String)> {
    let Stmt::Assign(assign) = stmt else { return None };
    let [Expr::Name(name)] = &*assign.targets else { return None };
    Some((name.id.as_str(), text_of(&assign.value)?))
}

/// Returns a literal text; what an f-string puts in is left out.
fn text_of(expr: &Expr) -> Option<String> {
    match expr {
        Expr::StringLiteral(text) => Some(text.value.to_str().to_owned()),
        Expr::FString(text) => {
            let literals = text.value.elements().filter_map(|element| match element {
                InterpolatedStringElement::Literal(literal) => Some(&*literal.value),
                InterpolatedStringElement::Interpolation(_) => None,
            });
            Some(literals.collect())
        }
        _ => None,
    }
}

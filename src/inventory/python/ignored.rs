//! What conftest files keep pytest from collecting: `collect_ignore` and `collect_ignore_glob`.
//!
//! The statements of a conftest file are followed as far as they can be told: lists that are assigned, added to and
//! appended to. Of a branch only what runs everywhere counts: under Linux and each Python that is current, with every
//! module installed. So a file is held to be collected where only running tells.

use std::collections::BTreeMap;

use ruff_python_ast::visitor::{Visitor, walk_expr, walk_stmt};
use ruff_python_ast::{CmpOp, Expr, ExprCompare, Number, Operator, Stmt, UnaryOp};

use super::chains::chain_of;
use super::literal::{Literal, literal};
use super::locate::folder_of;
use super::program::{Binding, ModuleIx, ScopeIx, ScopeKind};
use super::resolve::{Resolver, Target};
use super::settings::normalised;
use super::tree::fnmatch;

/// The minor versions of Python 3 that conditions are asked for.
const VERSIONS: std::ops::RangeInclusive<i64> = 10..=14;
/// How often all loops of a file go round.
const MAX_ROUNDS: usize = 1_000;
/// How deep names and parts of paths are followed.
const MAX_DEPTH: u32 = 8;

/// What the conftest files of a root keep from being collected.
#[derive(Debug, Default)]
pub(super) struct Ignored {
    paths: BTreeMap<String, Vec<String>>,
    globs: BTreeMap<String, Vec<String>>,
}

impl Ignored {
    /// Returns what these conftest files say.
    pub(super) fn of(resolver: &Resolver<'_, '_, '_>, conftests: &[ModuleIx]) -> Self {
        let mut ignored = Self::default();
        for module in conftests {
            let module = resolver.program.module(*module);
            if !module.file.text.contains("collect_ignore") {
                continue;
            }
            let folder = folder_of(&module.file.path);
            let list = |name| {
                let mut reading =
                    Reading { resolver, scope: module.scope, name, loops: Vec::new(), said: None, rounds: 0 };
                reading.block(&module.file.syntax.body);
                let below = |path: String| match path.strip_prefix('/') {
                    Some(_) => path,
                    None => normalised(&format!("{folder}/{path}")),
                };
                reading.said.map(|said| said.into_iter().map(below).collect::<Vec<_>>())
            };
            if let Some(paths) = list("collect_ignore") {
                ignored.paths.insert(folder.to_owned(), paths);
            }
            if let Some(globs) = list("collect_ignore_glob") {
                ignored.globs.insert(folder.to_owned(), globs);
            }
        }
        ignored
    }

    /// Returns whether a file, or a folder that it lies in, is not collected. As in pytest the nearest conftest file that
    /// has such a list decides.
    pub(super) fn holds(&self, file: &str) -> bool {
        let ends = file.match_indices('/').map(|(at, _)| at).chain([file.len()]);
        ends.map(|end| &file[..end]).any(|path| {
            nearest(&self.paths, path).iter().any(|ignored| ignored == path)
                || nearest(&self.globs, path).iter().any(|glob| fnmatch(glob, path))
        })
    }
}

/// Returns the list of the nearest folder above a path that has one.
fn nearest<'l>(lists: &'l BTreeMap<String, Vec<String>>, path: &str) -> &'l [String] {
    let mut folder = folder_of(path);
    loop {
        if let Some(list) = lists.get(folder) {
            return list;
        }
        if folder.is_empty() {
            return &[];
        }
        folder = folder_of(folder);
    }
}

/// One list of a conftest file, while its statements are read.
struct Reading<'r, 'p, 's, 't> {
    resolver: &'r Resolver<'p, 's, 't>,
    scope: ScopeIx,
    name: &'static str,
    /// The variables of the loops around a statement, each with what it stands for.
    loops: Vec<(&'s str, &'s Expr)>,
    said: Option<Vec<String>>,
    /// How often loops went round.
    rounds: usize,
}

impl<'s> Reading<'_, '_, 's, '_> {
    fn block(&mut self, body: &'s [Stmt]) {
        for stmt in body {
            self.statement(stmt);
        }
    }

    fn statement(&mut self, stmt: &'s Stmt) {
        match stmt {
            Stmt::Assign(assign) if assign.targets.iter().any(|target| self.is_list(target)) => {
                self.said = Some(self.texts(&assign.value, MAX_DEPTH));
            }
            Stmt::AnnAssign(assign) if self.is_list(&assign.target) => {
                self.said = assign.value.as_deref().map(|value| self.texts(value, MAX_DEPTH));
            }
            Stmt::AugAssign(assign) if assign.op == Operator::Add && self.is_list(&assign.target) => {
                self.add(&assign.value);
            }
            Stmt::ImportFrom(import)
                if import
                    .names
                    .iter()
                    .any(|alias| alias.asname.as_ref().unwrap_or(&alias.name).as_str() == self.name) =>
            {
                let found = self.resolver.resolve(self.scope, &[self.name]).target;
                if let Some(Target::Scope(ix)) = found
                    && let ScopeKind::Value(value) = self.resolver.program.scope(ix).kind
                {
                    self.said = Some(self.texts(value, MAX_DEPTH));
                }
            }
            Stmt::Expr(stmt) => {
                if let Expr::Call(call) = &*stmt.value
                    && let Expr::Attribute(method) = &*call.func
                    && self.is_list(&method.value)
                {
                    match (method.attr.as_str(), &*call.arguments.args) {
                        ("append" | "extend", [value]) | ("insert", [_, value]) => self.add(value),
                        ("clear" | "pop" | "remove", _) => self.said = Some(Vec::new()),
                        _ => {}
                    }
                }
            }
            Stmt::If(branch) => {
                let others = branch.elif_else_clauses.iter();
                let clauses = std::iter::once((Some(&*branch.test), &branch.body))
                    .chain(others.map(|clause| (clause.test.as_ref(), &clause.body)));
                for (test, body) in clauses {
                    match test.map_or(Some(true), holds) {
                        Some(true) => return self.block(body),
                        Some(false) => {}
                        // What may be taken out of the list there is collected.
                        None => {
                            if resets(stmt, self.name) {
                                self.said = Some(Vec::new());
                            }
                            return;
                        }
                    }
                }
            }
            Stmt::Try(attempt) => {
                self.block(&attempt.body);
                self.block(&attempt.orelse);
                self.block(&attempt.finalbody);
            }
            Stmt::With(with) => self.block(&with.body),
            Stmt::For(each) => {
                if let (Expr::Name(name), Expr::List(_) | Expr::Tuple(_) | Expr::Set(_)) =
                    (&*each.target, &*each.iter)
                    && !jumps(&each.body)
                {
                    for value in elements(&each.iter) {
                        // Loops within loops soon take long.
                        self.rounds += 1;
                        if self.rounds > MAX_ROUNDS {
                            return;
                        }
                        self.loops.push((name.id.as_str(), value));
                        self.block(&each.body);
                        self.loops.pop();
                    }
                }
            }
            _ => {}
        }
    }

    fn is_list(&self, expr: &Expr) -> bool {
        matches!(expr, Expr::Name(name) if name.id.as_str() == self.name)
    }

    fn add(&mut self, value: &'s Expr) {
        let more = self.texts(value, MAX_DEPTH);
        self.said.get_or_insert_default().extend(more);
    }

    /// Returns the texts of a list, or of one element; those that can't be told are left out.
    fn texts(&self, value: &'s Expr, depth: u32) -> Vec<String> {
        let Some(depth) = depth.checked_sub(1) else { return Vec::new() };
        match value {
            Expr::List(_) | Expr::Tuple(_) | Expr::Set(_) => {
                elements(value).iter().flat_map(|element| self.texts(element, depth)).collect()
            }
            Expr::Starred(starred) => self.texts(&starred.value, depth),
            Expr::If(choice) => match holds(&choice.test) {
                Some(true) => self.texts(&choice.body, depth),
                Some(false) => self.texts(&choice.orelse, depth),
                None => Vec::new(),
            },
            Expr::Call(call)
                if chain_of(&call.func)
                    .is_some_and(|chain| matches!(*chain, ["list" | "sorted" | "set" | "tuple"])) =>
            {
                call.arguments.args.iter().flat_map(|value| self.texts(value, depth)).collect()
            }
            Expr::BinOp(sum) if sum.op == Operator::Add && self.path(value, depth).is_none() => {
                let sides = [&sum.left, &sum.right].into_iter();
                sides.flat_map(|side| self.texts(side, depth)).collect()
            }
            Expr::Name(name) => match self.value_of(name.id.as_str()) {
                Some(value) => self.texts(value, depth),
                None => Vec::new(),
            },
            value => self.path(value, depth).into_iter().collect(),
        }
    }

    /// Returns a path, relative to the folder of the conftest file.
    fn path(&self, value: &'s Expr, depth: u32) -> Option<String> {
        let depth = depth.checked_sub(1)?;
        let joined = |parts: Vec<String>| {
            let parts: Vec<&str> = parts.iter().map(String::as_str).filter(|part| !part.is_empty()).collect();
            parts.join("/")
        };
        match value {
            Expr::Name(name) if name.id.as_str() == "__file__" => Some("conftest.py".to_owned()),
            Expr::Name(name) => self.path(self.value_of(name.id.as_str())?, depth),
            Expr::BinOp(sum) if sum.op == Operator::Div => {
                Some(joined(vec![self.path(&sum.left, depth)?, self.path(&sum.right, depth)?]))
            }
            Expr::Attribute(attribute) if attribute.attr.as_str() == "parent" => {
                above(&self.path(&attribute.value, depth)?)
            }
            Expr::Call(call) => {
                let args = || {
                    call.arguments.args.iter().map(|arg| self.path(arg, depth)).collect::<Option<Vec<_>>>()
                };
                match &*call.func {
                    // What makes a path whole changes nothing about what it means.
                    Expr::Attribute(method)
                        if matches!(method.attr.as_str(), "resolve" | "absolute" | "as_posix") =>
                    {
                        self.path(&method.value, depth)
                    }
                    func => match *chain_of(func)?.last()? {
                        "join" => Some(joined(args()?)),
                        "dirname" => above(args()?.first()?),
                        // What is relative to where pytest was started is not known.
                        "abspath" | "realpath"
                            if call.arguments.args.iter().all(Expr::is_string_literal_expr) =>
                        {
                            None
                        }
                        "str" | "Path" | "abspath" | "realpath" | "fspath" | "normpath" => {
                            Some(joined(args()?))
                        }
                        _ => None,
                    },
                }
            }
            value => match literal(self.resolver, self.scope, value)? {
                Literal::Text(text) => Some(text),
                _ => None,
            },
        }
    }

    /// Returns what a variable of a loop or of the module stands for.
    fn value_of(&self, name: &str) -> Option<&'s Expr> {
        if let Some((_, value)) = self.loops.iter().rev().find(|(known, _)| *known == name) {
            return Some(value);
        }
        let program = self.resolver.program;
        match program.scope(self.scope).binding(name)? {
            Binding::Scope(ix) => match program.scope(ix).kind {
                ScopeKind::Value(value) => Some(value),
                _ => None,
            },
            _ => None,
        }
    }
}

/// Returns the folder of a path; nothing where that is above the conftest file.
fn above(path: &str) -> Option<String> {
    (!path.is_empty()).then(|| folder_of(path).to_owned())
}

/// Returns whether a statement may take something out of a list.
fn resets(stmt: &Stmt, name: &str) -> bool {
    struct Resets<'n>(&'n str, bool);
    impl<'a> Visitor<'a> for Resets<'_> {
        fn visit_stmt(&mut self, stmt: &'a Stmt) {
            self.1 |= match stmt {
                Stmt::Assign(assign) => assign.targets.iter().any(|target| is_of(target, self.0)),
                Stmt::Delete(delete) => delete.targets.iter().any(|target| is_of(target, self.0)),
                _ => false,
            };
            walk_stmt(self, stmt);
        }
        fn visit_expr(&mut self, expr: &'a Expr) {
            if let Expr::Attribute(method) = expr {
                let takes = matches!(method.attr.as_str(), "clear" | "pop" | "remove");
                self.1 |= takes && is_of(&method.value, self.0);
            }
            walk_expr(self, expr);
        }
    }
    /// The list itself, or a part of it.
    fn is_of(expr: &Expr, name: &str) -> bool {
        match expr {
            Expr::Name(named) => named.id.as_str() == name,
            Expr::Subscript(part) => is_of(&part.value, name),
            _ => false,
        }
    }
    let mut found = Resets(name, false);
    found.visit_stmt(stmt);
    found.1
}

/// Returns whether a loop may leave out a part of its rounds.
fn jumps(body: &[Stmt]) -> bool {
    struct Jumps(bool);
    impl<'a> Visitor<'a> for Jumps {
        fn visit_stmt(&mut self, stmt: &'a Stmt) {
            self.0 |= matches!(stmt, Stmt::Break(_) | Stmt::Continue(_));
            walk_stmt(self, stmt);
        }
    }
    let mut found = Jumps(false);
    found.visit_body(body);
    found.0
}

fn elements(list: &Expr) -> &[Expr] {
    match list {
        Expr::List(list) => &list.elts,
        Expr::Tuple(tuple) => &tuple.elts,
        Expr::Set(set) => &set.elts,
        _ => &[],
    }
}

/// Returns whether a condition holds everywhere, or nowhere; nothing where that depends.
fn holds(test: &Expr) -> Option<bool> {
    match test {
        Expr::BooleanLiteral(value) => Some(value.value),
        Expr::UnaryOp(not) if not.op == UnaryOp::Not => holds(&not.operand).map(|holds| !holds),
        Expr::BoolOp(all) => {
            let decides = all.op == ruff_python_ast::BoolOp::Or;
            let answers: Vec<Option<bool>> = all.values.iter().map(holds).collect();
            if answers.contains(&Some(decides)) {
                Some(decides)
            } else {
                answers.iter().all(Option::is_some).then_some(!decides)
            }
        }
        Expr::Compare(compare) => compared(compare),
        Expr::Call(call) => match (&*chain_of(&call.func)?, &*call.arguments.args) {
            ([.., "platform", "startswith"], [Expr::StringLiteral(start)]) => {
                Some("linux".starts_with(start.value.to_str()))
            }
            _ => None,
        },
        _ => None,
    }
}

fn compared(compare: &ExprCompare) -> Option<bool> {
    let ([op], [right]) = (&*compare.ops, &*compare.comparators) else { return None };
    if let Some(system) = system_of(&compare.left) {
        let texts: Vec<&str> = match right {
            Expr::StringLiteral(text) => vec![text.value.to_str()],
            list => elements(list)
                .iter()
                .map(|text| match text {
                    Expr::StringLiteral(text) => Some(text.value.to_str()),
                    _ => None,
                })
                .collect::<Option<_>>()?,
        };
        let is = texts.contains(&system);
        return match op {
            CmpOp::Eq | CmpOp::In => Some(is),
            CmpOp::NotEq | CmpOp::NotIn => Some(!is),
            _ => None,
        };
    }
    let parts = match &*compare.left {
        Expr::Subscript(part) if is_version(&part.value) => match &*part.slice {
            Expr::Slice(slice) => usize::try_from(number(slice.upper.as_deref()?)?).ok()?,
            first => usize::from(number(first)? == 0),
        },
        Expr::Attribute(part) if is_version(&part.value) && part.attr.as_str() == "major" => 1,
        version if is_version(version) => usize::MAX,
        _ => return None,
    };
    let asked: Vec<i64> = match right {
        Expr::Tuple(tuple) => tuple.elts.iter().map(number).collect::<Option<_>>()?,
        one => vec![number(one)?],
    };
    let mut answers = VERSIONS.map(|minor| {
        // `(3, 12)` is below `(3, 12, 1)`, and the whole version is longer than what it is compared with.
        let version = [3, minor, 99];
        let whole = &version[..parts.min(3)];
        let order = whole.cmp(&asked[..]);
        match op {
            CmpOp::Lt => Some(order.is_lt()),
            CmpOp::LtE => Some(order.is_le()),
            CmpOp::Gt => Some(order.is_gt()),
            CmpOp::GtE => Some(order.is_ge()),
            CmpOp::Eq if parts == 1 => Some(order.is_eq()),
            CmpOp::NotEq if parts == 1 => Some(order.is_ne()),
            _ => None,
        }
    });
    let first = answers.next()??;
    answers.all(|answer| answer == Some(first)).then_some(first)
}

/// Returns what an expression that asks for the system gives under Linux.
fn system_of(expr: &Expr) -> Option<&'static str> {
    match expr {
        Expr::Call(call) => matches!(*chain_of(&call.func)?, [.., "platform", "system"]).then_some("Linux"),
        expr => match *chain_of(expr)? {
            ["sys", "platform"] | ["platform"] => Some("linux"),
            ["os", "name"] => Some("posix"),
            _ => None,
        },
    }
}

fn is_version(expr: &Expr) -> bool {
    chain_of(expr).is_some_and(|chain| matches!(*chain, ["sys", "version_info"] | ["version_info"]))
}

fn number(expr: &Expr) -> Option<i64> {
    match expr {
        Expr::NumberLiteral(number) => match &number.value {
            Number::Int(int) => int.as_i64(),
            _ => None,
        },
        _ => None,
    }
}

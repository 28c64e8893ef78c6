//! Tests that another of their name, in the same block, replaces.

use std::collections::BTreeMap;

use ruff_python_ast::{Expr, Stmt};
use ruff_text_size::{Ranged, TextRange};

use super::{PytestSettings, Shadowed, SourceFile};

/// Returns the tests of a file that another of their name, in the same block, replaces.
pub(super) fn shadowed(root: &PytestSettings, file: &SourceFile) -> Vec<Shadowed> {
    let mut found = Vec::new();
    let is_test = |name: &str| root.python_functions.iter().any(|prefix| name.starts_with(prefix.as_str()));
    let is_class = |name: &str| root.python_classes.iter().any(|prefix| name.starts_with(prefix.as_str()));
    let mut open: Vec<(String, &[Stmt])> = vec![(String::new(), &file.syntax.body)];
    while let Some((around, body)) = open.pop() {
        let mut last: BTreeMap<&str, (TextRange, bool)> = BTreeMap::new();
        for stmt in body {
            let (name, range, plain) = match stmt {
                // A decorator may keep the first: `@overload`, `@case.setter`, `@singledispatch.register`.
                Stmt::FunctionDef(def) if is_test(def.name.as_str()) => (
                    def.name.as_str(),
                    def.name.range(),
                    def.decorator_list.iter().all(|decorator| is_mark(&decorator.expression)),
                ),
                Stmt::ClassDef(def) => {
                    let title = if around.is_empty() {
                        def.name.to_string()
                    } else {
                        format!("{around}.{}", def.name)
                    };
                    open.push((title, &def.body));
                    if !is_class(def.name.as_str()) {
                        continue;
                    }
                    (def.name.as_str(), def.name.range(), true)
                }
                // What is taken away or used in between was meant.
                _ => continue,
            };
            if let Some((before, true)) = last.insert(name, (range, plain))
                && plain
            {
                let name = if around.is_empty() { name.to_owned() } else { format!("{around}.{name}") };
                found.push(Shadowed { place: file.place(before), name, by: file.place(range) });
            }
        }
    }
    found.sort();
    found
}

fn is_mark(expr: &Expr) -> bool {
    let callee = if let Expr::Call(call) = expr { &*call.func } else { expr };
    super::chains::chain_of(callee)
        .is_some_and(|chain| chain.contains(&"mark") || chain.iter().any(|name| name.contains("patch")))
}

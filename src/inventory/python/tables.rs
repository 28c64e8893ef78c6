//! What a text chooses: an entry of a table, `{"redis": RedisStore}`, or a plug-in by its path, `"app.stores.redis"`.
//!
//! Which entry is meant is mostly said by a text in the test or in the settings; [`super::choices`] knows who says it. Who
//! writes the path of a plug-in into a test's settings has it imported and asked for what it makes.

use ruff_python_ast::visitor::Visitor;
use ruff_python_ast::{Expr, ExprDict};
use ruff_text_size::Ranged;

use super::chains::chain_of;
use super::choices::chooses;
use super::gather::Gatherer;
use super::links::{Linker, TouchKind};
use super::program::{Binding, How, ScopeKind, Use};
use super::resolve::Named;
use super::shapes::is_for_tests;
use super::signs::words_of;

/// A dictionary of more is data.
const MAX_ENTRIES: usize = 64;

/// A path of more is none of a module.
const MAX_PATH: usize = 120;

/// Words in the names of the functions that a plug-in's module is asked for.
const MAKES: &[&str] = &[
    "build",
    "connect",
    "create",
    "factory",
    "from",
    "get",
    "includeme",
    "init",
    "load",
    "make",
    "open",
    "setup",
];

impl<'s> Gatherer<'s> {
    /// Reads a dictionary, of which every entry of a table runs only where its key is chosen.
    pub(super) fn dict(&mut self, dict: &'s ExprDict) {
        let table = is_table(dict);
        for item in &dict.items {
            if let Some(key) = &item.key {
                self.configured(key, &item.value);
                self.named_by_path(key, &item.value);
                self.visit_expr(key);
                if let (true, Expr::StringLiteral(key), Some(chain)) = (table, key, chain_of(&item.value)) {
                    let around = self.when.replace(key.value.to_str());
                    self.record(chain, How::Entry, item.value.range());
                    self.when = around;
                }
            }
            self.visit_expr(&item.value);
        }
    }

    /// Reads the path of a plug-in that a test's settings name: `settings["cache_backend"] = "app.caches.redis"`. What is
    /// only expected to be there is named by no setting.
    pub(super) fn named_by_path(&mut self, setting: &'s Expr, value: &'s Expr) {
        let expected = || {
            let name =
                self.given_to.and_then(|call| chain_of(&call.func)).and_then(|chain| chain.last().copied());
            name.is_some_and(|name| name.to_ascii_lowercase().starts_with("assert"))
        };
        if let Expr::StringLiteral(text) = value
            && is_path(text.value.to_str())
            && is_for_tests(self.path)
            && name_of(setting).is_some_and(chooses)
            && !expected()
        {
            let chain = text.value.to_str().split('.').collect();
            self.record(chain, How::Path, text.range);
        }
    }
}

impl<'s> Linker<'_, '_, 's, '_, '_> {
    /// Links to what a plug-in is asked for that is named by its path.
    pub(super) fn plug_in(&mut self, used: &Use<'s>) {
        let program = self.resolver.program;
        let path = used.chain.join(".");
        if let Some(module) = self.resolver.find_module(&program.file_of(self.scope).path, &path) {
            for (name, binding) in &program.scope(program.module(module).scope).names {
                if let Binding::Scope(ix) = *binding
                    && matches!(program.scope(ix).kind, ScopeKind::Function(_))
                    && words_of(name).iter().any(|word| MAKES.contains(&word.as_str()))
                {
                    self.push(used, ix, &[]);
                }
            }
            return;
        }
        if let Some(Named::In(at, name)) = self.resolver.resolve_path(self.scope, &path)
            && let Some(Binding::Scope(ix)) = program.scope(at).binding(&name)
        {
            match program.scope(ix).kind {
                ScopeKind::Class(_) => self.make(used, ix, &[]),
                ScopeKind::Function(_) => self.push(used, ix, &[]),
                ScopeKind::Module | ScopeKind::Value(_) => {}
            }
            return;
        }
        // `"kinto.core.storage.postgresql"`: that of a library bears the name of what it talks to.
        if let Some(service) = self.book.named_in(&path).filter(|_| self.is_library(used.chain[0])) {
            self.touch(used, service, TouchKind::Client, &path, &[]);
        }
    }

    /// Returns whether the program imports something from a library.
    fn is_library(&self, name: &str) -> bool {
        let program = self.resolver.program;
        let libraries = self.resolver.libraries.get_or_init(|| {
            let names = program.modules.iter().flat_map(|module| &program.scope(module.scope).names);
            let tops = names.filter_map(|(_, binding)| match binding {
                Binding::Import(import) if import.level == 0 => import.module.split('.').next(),
                _ => None,
            });
            tops.collect()
        });
        libraries.contains(name)
    }
}

/// Returns the name of what is given a value.
fn name_of(setting: &Expr) -> Option<&str> {
    match setting {
        Expr::StringLiteral(key) => Some(key.value.to_str()),
        Expr::Name(name) => Some(name.id.as_str()),
        Expr::Attribute(attribute) => Some(attribute.attr.as_str()),
        Expr::Subscript(subscript) if subscript.slice.is_string_literal_expr() => name_of(&subscript.slice),
        _ => None,
    }
}

/// Returns whether a dictionary is a table of what its keys choose: of classes or functions by texts.
fn is_table(dict: &ExprDict) -> bool {
    let is_entry = |item: &ruff_python_ast::DictItem| {
        let key = match &item.key {
            Some(Expr::StringLiteral(key)) => key.value.to_str(),
            _ => return false,
        };
        (2..40).contains(&key.len()) && matches!(item.value, Expr::Name(_) | Expr::Attribute(_))
    };
    (2..=MAX_ENTRIES).contains(&dict.items.len()) && dict.items.iter().all(is_entry)
}

/// Returns whether a text may be the path of a module or of something in it.
pub(super) fn is_path(text: &str) -> bool {
    let is_name = |name: &str| {
        name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
            && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
    };
    text.len() <= MAX_PATH && text.contains('.') && text.split('.').all(is_name)
}

/// Returns the paths that a file's text has between quotes, as they stand.
pub(super) fn paths_in(text: &str) -> impl Iterator<Item = &str> {
    text.lines()
        .filter(|line| line.contains('.'))
        .flat_map(|line| line.split(['"', '\'']).skip(1).step_by(2).filter(|quoted| is_path(quoted)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_names_with_dots_between_them() {
        for path in ["app.stores.redis", "a.B", "_a.b_1"] {
            assert!(is_path(path), "{path}");
        }
        for other in ["app", "app.", ".app", "a..b", "a.b c", "1.2", "a.b/c", "a.b:c", ""] {
            assert!(!is_path(other), "{other}");
        }
        assert_eq!(
            paths_in("x = {'a': \"app.stores.redis\", 'b': 'one two.'}\n# it's a.b\ny = 'c.d'")
                .collect::<Vec<_>>(),
            ["app.stores.redis", "c.d"]
        );
    }
}

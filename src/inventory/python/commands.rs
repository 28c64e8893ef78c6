//! Commands of Django that are called by their names: `call_command("fill_index", "--all")`.

use std::collections::BTreeMap;

use ruff_python_ast::{Expr, ExprCall};

use super::links::{Linker, TouchKind};
use super::program::{Binding, ScopeIx, ScopeKind, Use};
use super::resolve::Target;
use super::tree::Tree;

/// What calls a command.
pub(super) const CALL: &str = "django.core.management.call_command";

/// Where the commands of an application stand.
const FOLDER: &str = "/management/commands/";

/// Commands of Django itself that go to the database.
const OF_DATABASE: &[&str] =
    &["createcachetable", "createsuperuser", "dumpdata", "flush", "loaddata", "migrate"];

/// Commands of libraries, with the service that they go to.
const OF_LIBRARIES: &[(&str, &str)] = &[("opensearch", "opensearch"), ("search_index", "elasticsearch")];

/// Returns the files of the project's commands, by the names of these.
pub(super) fn commands_of(tree: &Tree) -> BTreeMap<&str, Vec<&str>> {
    let mut found: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for file in &tree.files {
        if let Some((_, name)) = file.rsplit_once(FOLDER)
            && let Some(name) =
                name.strip_suffix(".py").filter(|name| !name.contains('/') && *name != "__init__")
        {
            found.entry(name).or_default().push(file);
        }
    }
    found
}

/// Returns the names of the commands that a file's text calls.
pub(super) fn commands_called(text: &str) -> impl Iterator<Item = &str> {
    text.match_indices("call_command(").filter_map(|(at, call)| {
        let rest = text[at + call.len()..].trim_start();
        let name = rest.strip_prefix(['"', '\''])?;
        name.split(['"', '\'', '\n']).next()
    })
}

impl<'s> Linker<'_, '_, 's, '_, '_> {
    /// Leads to what a command does that is called by its name, or handed over as an object.
    pub(super) fn command(&mut self, used: &Use<'s>, call: &'s ExprCall, via: &[u64]) {
        let Some(first) = call.arguments.args.first() else { return };
        let Expr::StringLiteral(name) = first else {
            let made = self.resolver.value(self.scope, first, &mut Vec::new(), 16);
            if let Some(Target::Instance(class)) = made {
                self.handle(used, class, via);
            }
            return;
        };
        let name = name.value.to_str();
        let program = self.resolver.program;
        let ending = format!("{FOLDER}{name}.py");
        let own = program.modules.iter().filter(|module| module.file.path.ends_with(&ending));
        let classes: Vec<ScopeIx> = own
            .filter_map(|module| match program.scope(module.scope).binding("Command")? {
                Binding::Scope(class) => Some(class),
                _ => None,
            })
            .collect();
        for class in &classes {
            self.handle(used, *class, via);
        }
        let of_library = OF_LIBRARIES.iter().find(|(command, _)| *command == name);
        if let (true, Some((_, service))) = (classes.is_empty(), of_library)
            && let Some(service) = self.book.word(service)
        {
            self.touch(used, service, TouchKind::Client, CALL, via);
        }
        if OF_DATABASE.contains(&name) {
            self.database(used, CALL, via);
        }
    }

    fn handle(&mut self, used: &Use<'s>, class: ScopeIx, via: &[u64]) {
        let program = self.resolver.program;
        for name in ["__init__", "handle", "execute"] {
            let method = self.resolver.mro(class).iter().find_map(|base| match *base {
                Target::Scope(base) => match program.scope(base).binding(name)? {
                    Binding::Scope(method)
                        if matches!(program.scope(method).kind, ScopeKind::Function(_)) =>
                    {
                        Some(method)
                    }
                    _ => None,
                },
                Target::External(_) | Target::Instance(_) => None,
            });
            if let Some(method) = method {
                self.push(used, self.resolver.as_seen(class, method), via);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_known_by_their_files_and_called_by_their_names() {
        let files =
            ["shop/management/commands/fill.py", "shop/management/commands/__init__.py", "a/commands/x.py"];
        let tree = Tree { files: files.iter().map(|file| (*file).to_owned()).collect(), ..Tree::default() };
        assert_eq!(commands_of(&tree), BTreeMap::from([("fill", vec!["shop/management/commands/fill.py"])]));
        let text = "call_command('fill', x=1)\ncall_command(\n    \"other\"\n)\ncall_command(name)\n";
        assert_eq!(commands_called(text).collect::<Vec<_>>(), ["fill", "other"]);
    }
}

//! Commands of Django that are called by their names: `call_command("fill_index", "--all")`.

use std::collections::BTreeMap;

use ruff_python_ast::{Expr, ExprCall};

use super::SourceNeed;
use super::links::{Linker, TouchKind};
use super::needs::NeedFinder;
use super::program::{Binding, Program, ScopeIx, ScopeKind, Use};
use super::resolve::{Resolver, Target};
use super::tree::Tree;

/// What calls a command.
pub(super) const CALL: &str = "django.core.management.call_command";

/// Where the commands of an application stand.
const FOLDER: &str = "/management/commands/";

/// The command that makes the database of the tests.
pub(super) const MIGRATE: &str = "migrate";

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
        let classes = classes_of(self.resolver.program, name);
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
        for method in run_by(self.resolver, class) {
            self.push(used, method, via);
        }
    }
}

/// Returns what runs when a command does.
fn run_by(resolver: &Resolver<'_, '_, '_>, class: ScopeIx) -> Vec<ScopeIx> {
    let program = resolver.program;
    let method = |name: &&str| {
        resolver.bindings_of(class, name).into_iter().find_map(|(_, binding)| match binding {
            Binding::Scope(method) if matches!(program.scope(method).kind, ScopeKind::Function(_)) => {
                Some(resolver.as_seen(class, method))
            }
            _ => None,
        })
    };
    ["__init__", "handle", "execute"].iter().filter_map(method).collect()
}

/// Returns the classes of the project's commands of a name.
fn classes_of(program: &Program<'_>, name: &str) -> Vec<ScopeIx> {
    let ending = format!("{FOLDER}{name}.py");
    let own = program.modules.iter().filter(|module| module.file.path.ends_with(&ending));
    let class = own.filter_map(|module| match program.scope(module.scope).binding("Command")? {
        Binding::Scope(class) => Some(class),
        _ => None,
    });
    class.collect()
}

/// Returns what a command of the project's needs that takes the place of Django's `migrate`: it runs while the database of the
/// tests is made.
pub(super) fn needs_of_migrate(finder: &NeedFinder<'_, '_, '_, '_, '_>) -> Vec<SourceNeed> {
    let classes = classes_of(finder.resolver.program, MIGRATE);
    let methods = classes.into_iter().flat_map(|class| run_by(finder.resolver, class));
    methods.flat_map(|method| finder.of_scope(method)).collect()
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

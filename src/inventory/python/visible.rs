//! Which fixture a parameter of a test or a fixture names.

use std::collections::HashMap;

use ruff_python_ast::{Expr, StmtFunctionDef};

use super::chains::chain_of;
use super::fixtures::{fixture_decorator, of_scope};
use super::locate::folder_of;
use super::plugins::plugins_of;
use super::program::{ModuleIx, Program, ScopeIx, ScopeKind};
use super::resolve::Resolver;
use super::settings::{PytestSettings, is_below};

/// The fixtures of all test files, conftest files and plug-ins, by name, each with the place from which it is seen.
#[derive(Debug, Default)]
pub(super) struct VisibleFixtures {
    by_name: HashMap<String, Namesakes>,
}

/// The fixtures of one name by where they are seen: below the folder of a conftest file, in a module, in a class,
/// in the tests of a root.
#[derive(Debug, Default)]
struct Namesakes {
    folders: HashMap<String, Vec<ScopeIx>>,
    modules: HashMap<ModuleIx, Vec<ScopeIx>>,
    classes: HashMap<ScopeIx, Vec<ScopeIx>>,
    /// With the folders of the roots that have the plug-in.
    of_plugins: Vec<(String, ScopeIx)>,
}

/// Where the fixtures of a module are seen.
#[derive(Clone, Copy)]
enum Seen<'f> {
    /// Below the folder of a conftest file.
    Below(&'f str),
    /// In the module itself.
    InModule,
    /// In all tests of a root: a plug-in's.
    InRoot(&'f str),
}

impl VisibleFixtures {
    /// Returns the fixtures of the conftest files, of the test files of each root and of the plug-ins that they name.
    pub(super) fn of_tests(
        resolver: &Resolver<'_, '_, '_>,
        roots: &[PytestSettings],
        tests: &[Vec<String>],
    ) -> Self {
        let program = resolver.program;
        let mut found = Self::default();
        let mut conftests = Vec::new();
        for (at, module) in program.modules.iter().enumerate() {
            let path = module.file.path.as_str();
            if path.rsplit('/').next() == Some("conftest.py") {
                let module = ModuleIx(u32::try_from(at).unwrap_or(u32::MAX));
                found.add(resolver, module, Seen::Below(folder_of(path)));
                conftests.push(module);
            }
        }
        for (root, tests) in roots.iter().zip(tests) {
            let tests: Vec<ModuleIx> = tests.iter().filter_map(|file| resolver.module_of(file)).collect();
            for module in &tests {
                found.add(resolver, *module, Seen::InModule);
            }
            let naming = conftests
                .iter()
                .filter(|module| root.holds(&program.module(**module).file.path))
                .chain(&tests);
            for module in plugins_of(resolver, root, naming.copied()) {
                found.add(resolver, module, Seen::InRoot(&root.root));
            }
        }
        found
    }

    /// Adds a module's fixtures.
    fn add(&mut self, resolver: &Resolver<'_, '_, '_>, module: ModuleIx, seen: Seen<'_>) {
        let scope = resolver.program.module(module).scope;
        for fixture in of_scope(resolver, scope) {
            let namesakes = self.by_name.entry(fixture.name).or_default();
            match seen {
                Seen::Below(folder) => {
                    namesakes.folders.entry(folder.to_owned()).or_default().push(fixture.scope);
                }
                Seen::InModule => namesakes.modules.entry(module).or_default().push(fixture.scope),
                Seen::InRoot(root) => namesakes.of_plugins.push((root.to_owned(), fixture.scope)),
            }
        }
        for (_, binding) in &resolver.program.scope(scope).names {
            if let super::program::Binding::Scope(class) = binding
                && matches!(resolver.program.scope(*class).kind, ScopeKind::Class(_))
            {
                for fixture in of_scope(resolver, *class) {
                    let namesakes = self.by_name.entry(fixture.name).or_default();
                    namesakes.classes.entry(*class).or_default().push(fixture.scope);
                }
            }
        }
    }

    /// Returns the fixture that a parameter of a function names: the nearest one that is not the function itself.
    pub(super) fn find(&self, program: &Program<'_>, function: ScopeIx, name: &str) -> Option<ScopeIx> {
        let known = self.by_name.get(name)?;
        let function = program.written_as(function);
        let scope = program.scope(function);
        let ScopeKind::Function(def) = scope.kind else { return None };
        let asks = fixture_decorator(def).is_some() || def.name.as_str().starts_with("test");
        if !asks || parametrised(def, name).is_some() {
            return None;
        }
        // One that overrides another asks for it by the same name.
        let other = |here: Option<&Vec<ScopeIx>>| here?.iter().rev().find(|at| **at != function).copied();
        let class = || scope.parent.and_then(|parent| other(known.classes.get(&parent)));
        let module = || other(known.modules.get(&scope.module));
        let above = || {
            let mut folder = folder_of(&program.file_of(function).path);
            loop {
                if let Some(found) = other(known.folders.get(folder)) {
                    return Some(found);
                }
                if folder.is_empty() {
                    return None;
                }
                folder = folder_of(folder);
            }
        };
        let path = program.file_of(function).path.as_str();
        let plugin = || {
            let seen =
                known.of_plugins.iter().rev().filter(|(root, at)| is_below(path, root) && *at != function);
            seen.map(|(_, at)| *at).next()
        };
        class().or_else(module).or_else(above).or_else(plugin)
    }
}

/// Returns the values that a mark gives the function's parameter, with those of the parameters beside it.
pub(super) fn parametrised<'s>(def: &'s StmtFunctionDef, name: &str) -> Option<&'s Expr> {
    def.decorator_list.iter().find_map(|decorator| {
        let Expr::Call(call) = &decorator.expression else { return None };
        if chain_of(&call.func).is_none_or(|chain| chain.last() != Some(&"parametrize")) {
            return None;
        }
        let argument = |at: usize, keyword: &str| {
            let named = call.arguments.find_keyword(keyword).map(|keyword| &keyword.value);
            call.arguments.args.get(at).or(named)
        };
        let gives = match argument(0, "argnames")? {
            Expr::StringLiteral(names) => names.value.to_str().split(',').any(|given| given.trim() == name),
            names => super::chains::strings_of(names).contains(&name),
        };
        gives.then(|| argument(1, "argvalues")).flatten()
    })
}

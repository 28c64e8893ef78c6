//! Which fixture a parameter of a test or a fixture names.

use std::collections::BTreeMap;

use ruff_python_ast::{Expr, StmtFunctionDef};

use super::chains::chain_of;
use super::fixtures::{Home, fixture_decorator, folders_of, of_scope};
use super::program::{ModuleIx, Program, ScopeIx, ScopeKind};
use super::resolve::Resolver;

/// The fixtures of all test files and conftest files, by name, each with the place from which it is seen.
#[derive(Debug, Default)]
pub(super) struct VisibleFixtures {
    by_name: BTreeMap<String, Vec<(Home, ScopeIx)>>,
}

impl VisibleFixtures {
    /// Returns the fixtures of the conftest files and of these test files.
    pub(super) fn of_tests<'t>(
        resolver: &Resolver<'_, '_, '_>,
        tests: impl Iterator<Item = &'t String>,
    ) -> Self {
        let program = resolver.program;
        let mut found = Self::default();
        for (at, module) in program.modules.iter().enumerate() {
            let path = module.file.path.as_str();
            if path.rsplit('/').next() == Some("conftest.py") {
                let folder = super::locate::folder_of(path).to_owned();
                found.add(resolver, ModuleIx(u32::try_from(at).unwrap_or(u32::MAX)), &Home::Folder(folder));
            }
        }
        for module in tests.filter_map(|file| resolver.module_of(file)) {
            found.add(resolver, module, &Home::Module(module));
        }
        found
    }

    fn add(&mut self, resolver: &Resolver<'_, '_, '_>, module: ModuleIx, home: &Home) {
        let scope = resolver.program.module(module).scope;
        for fixture in of_scope(resolver, scope) {
            self.by_name.entry(fixture.name).or_default().push((home.clone(), fixture.scope));
        }
        for (_, binding) in &resolver.program.scope(scope).names {
            if let super::program::Binding::Scope(class) = binding
                && matches!(resolver.program.scope(*class).kind, ScopeKind::Class(_))
            {
                for fixture in of_scope(resolver, *class) {
                    self.by_name.entry(fixture.name).or_default().push((Home::Class(*class), fixture.scope));
                }
            }
        }
    }

    /// Returns the fixture that a parameter of a function names: the nearest one that is not the function itself.
    pub(super) fn find(&self, program: &Program<'_>, function: ScopeIx, name: &str) -> Option<ScopeIx> {
        let known = self.by_name.get(name)?;
        let scope = program.scope(function);
        let ScopeKind::Function(def) = scope.kind else { return None };
        let asks = fixture_decorator(def).is_some() || def.name.as_str().starts_with("test");
        if !asks || parametrised(def, name).is_some() {
            return None;
        }
        let path = &program.file_of(function).path;
        let mut homes = folders_of("", path);
        homes.push(Home::Module(scope.module));
        homes.extend(scope.parent.map(Home::Class));
        homes.iter().rev().find_map(|home| {
            let here = known.iter().rev().find(|(at, fixture)| at == home && *fixture != function);
            here.map(|(_, fixture)| *fixture)
        })
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

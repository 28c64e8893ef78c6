//! What a file imports.

use ruff_python_ast::visitor::{Visitor, walk_expr, walk_stmt};
use ruff_python_ast::{Expr, Stmt};

use super::chains::{is_name, strings_of};
use super::program::Import;
use super::source::SourceFile;

/// Returns the imports of a file, wherever they stand.
pub(super) fn imports_of(file: &SourceFile) -> Vec<Import<'_>> {
    struct Imports<'s>(Vec<Import<'s>>);
    impl<'s> Imports<'s> {
        fn modules(&mut self, names: impl IntoIterator<Item = &'s str>) {
            let import = |module| Import { level: 0, module, name: None, first_only: false };
            self.0.extend(names.into_iter().map(import));
        }

        /// `MIDDLEWARE = ["shop.throttle.Throttle"]`, `ROOT_URLCONF = "shop.urls"`, `urlpatterns = [path("",
        /// include("shop.urls"))]`: what Django imports by its name.
        fn named_by_django(&mut self, target: &'s Expr, value: &'s Expr) {
            let Expr::Name(name) = target else { return };
            match name.id.as_str() {
                "MIDDLEWARE" => {
                    self.modules(
                        strings_of(value).into_iter().filter_map(|path| Some(path.rsplit_once('.')?.0)),
                    );
                }
                "ROOT_URLCONF" => self.modules(strings_of(value)),
                "urlpatterns" => {
                    let mut included = Included(Vec::new());
                    included.visit_expr(value);
                    self.modules(included.0);
                }
                _ => {}
            }
        }
    }
    /// The modules that `include` names.
    struct Included<'s>(Vec<&'s str>);
    impl<'s> Visitor<'s> for Included<'s> {
        fn visit_expr(&mut self, expr: &'s Expr) {
            if let Expr::Call(call) = expr
                && is_name(&call.func, &["include"])
            {
                self.0.extend(call.arguments.args.first().map(strings_of).unwrap_or_default());
            }
            walk_expr(self, expr);
        }
    }
    impl<'s> Visitor<'s> for Imports<'s> {
        fn visit_stmt(&mut self, stmt: &'s Stmt) {
            match stmt {
                Stmt::Import(_) | Stmt::ImportFrom(_) => each_import(stmt, |_, import| self.0.push(import)),
                Stmt::Assign(assign) => {
                    for target in &assign.targets {
                        self.named_by_django(target, &assign.value);
                    }
                }
                Stmt::AugAssign(assign) => self.named_by_django(&assign.target, &assign.value),
                Stmt::AnnAssign(assign) => {
                    if let Some(value) = &assign.value {
                        self.named_by_django(&assign.target, value);
                    }
                }
                Stmt::FunctionDef(_)
                | Stmt::ClassDef(_)
                | Stmt::If(_)
                | Stmt::Try(_)
                | Stmt::With(_)
                | Stmt::For(_)
                | Stmt::While(_)
                | Stmt::Match(_) => walk_stmt(self, stmt),
                _ => {}
            }
        }
        fn visit_expr(&mut self, _: &'s Expr) {}
    }
    let mut imports = Imports(Vec::new());
    imports.visit_body(&file.syntax.body);
    imports.0
}

/// Calls `bind` with every name that an import statement binds, `*` for all of a module.
pub(super) fn each_import<'s>(stmt: &'s Stmt, mut bind: impl FnMut(&'s str, Import<'s>)) {
    match stmt {
        Stmt::Import(import) => {
            for alias in &import.names {
                let module = alias.name.as_str();
                if let Some(name) = &alias.asname {
                    bind(name.as_str(), Import { level: 0, module, name: None, first_only: false });
                } else {
                    let first = module.split('.').next().unwrap_or(module);
                    bind(first, Import { level: 0, module, name: None, first_only: true });
                }
            }
        }
        Stmt::ImportFrom(import) => {
            let module = import.module.as_ref().map_or("", |module| module.as_str());
            for alias in &import.names {
                let name = alias.name.as_str();
                let bound = alias.asname.as_ref().map_or(name, |name| name.as_str());
                bind(bound, Import { level: import.level, module, name: Some(name), first_only: false });
            }
        }
        _ => {}
    }
}

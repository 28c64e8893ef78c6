//! Plug-ins of the project itself: modules that `pytest_plugins`, `-p` and entry points name.

use ruff_python_ast::visitor::{Visitor, walk_expr};
use ruff_python_ast::{Expr, FStringPart, InterpolatedStringElement, Stmt};

use super::chains::is_name;
use super::locate::folder_of;
use super::program::ModuleIx;
use super::resolve::Resolver;
use super::settings::PytestSettings;
use super::source::SourceFile;
use super::tree::fnmatch;

/// What a `pytest_plugins` names.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Plugins {
    /// A module by its dotted name.
    Module(String),
    /// Files by a pattern: `glob("tests/fixtures/*.py")`, `f"tests.fixtures.{name}"`.
    Files(String),
}

/// Returns what a file's `pytest_plugins` names, wherever at its top they are set.
pub(super) fn plugins_named(file: &SourceFile) -> Vec<Plugins> {
    if !file.text.contains("pytest_plugins") {
        return Vec::new();
    }
    let mut named = Names(Vec::new());
    named.block(&file.syntax.body, false);
    named.0
}

/// Returns the files among these that a pattern means, relative to the folder of the file that has it or to one above.
pub(super) fn files_matching<'p>(
    pattern: &str,
    from: &str,
    files: &(impl Iterator<Item = &'p str> + Clone),
) -> Vec<&'p str> {
    let mut folder = folder_of(from);
    loop {
        let whole = if folder.is_empty() { pattern.to_owned() } else { format!("{folder}/{pattern}") };
        let found: Vec<&str> = files.clone().filter(|file| is_meant(&whole, file)).collect();
        if !found.is_empty() || folder.is_empty() {
            return found;
        }
        folder = folder_of(folder);
    }
}

/// Returns the modules of the project that a root's settings and these modules name as plug-ins, and those that the
/// plug-ins name.
pub(super) fn plugins_of(
    resolver: &Resolver<'_, '_, '_>,
    root: &PytestSettings,
    naming: impl IntoIterator<Item = ModuleIx>,
) -> Vec<ModuleIx> {
    let program = resolver.program;
    let from = root.below_root("conftest.py");
    let named = root.option("-p").into_iter().chain(root.plugins.iter().map(String::as_str));
    let mut found: Vec<ModuleIx> = Vec::new();
    for module in named.filter_map(|name| resolver.find_module(&from, name)) {
        if !found.contains(&module) {
            found.push(module);
        }
    }
    let mut open: Vec<ModuleIx> = naming.into_iter().chain(found.iter().copied()).collect();
    while let Some(module) = open.pop() {
        let file = program.module(module).file;
        for named in plugins_named(file) {
            let modules = match named {
                Plugins::Module(name) => resolver.find_module(&file.path, &name).into_iter().collect(),
                Plugins::Files(pattern) => {
                    let files = program.modules.iter().map(|module| module.file.path.as_str());
                    let files = files_matching(&pattern, &file.path, &files);
                    files.into_iter().filter_map(|file| resolver.module_of(file)).collect::<Vec<_>>()
                }
            };
            for plugin in modules {
                if !found.contains(&plugin) {
                    found.push(plugin);
                    open.push(plugin);
                }
            }
        }
    }
    found
}

/// Returns whether a path is meant by a pattern of `glob`.
fn is_meant(pattern: &str, path: &str) -> bool {
    // What is no wildcard stands at the beginning of every path that is meant.
    let head = pattern.find(['*', '?', '[']).unwrap_or(pattern.len());
    if !path.starts_with(&pattern[..head]) {
        return false;
    }
    if pattern.contains("**/") {
        return fnmatch(&pattern.replace("**/", ""), path) || fnmatch(&pattern.replace("**/", "*/"), path);
    }
    pattern.matches('/').count() == path.matches('/').count()
        && pattern.split('/').zip(path.split('/')).all(|(pattern, part)| fnmatch(pattern, part))
}

struct Names(Vec<Plugins>);

impl Names {
    /// Reads a block; what is only added under a condition is one of several choices, and nobody knows which.
    fn block(&mut self, body: &[Stmt], conditional: bool) {
        let is_ours = |target: &Expr| is_name(target, &["pytest_plugins"]);
        for stmt in body {
            match stmt {
                Stmt::Assign(assign) if assign.targets.iter().any(is_ours) => self.visit_expr(&assign.value),
                Stmt::AugAssign(assign) if is_ours(&assign.target) && !conditional => {
                    self.visit_expr(&assign.value);
                }
                Stmt::AnnAssign(assign) if is_ours(&assign.target) => {
                    if let Some(value) = &assign.value {
                        self.visit_expr(value);
                    }
                }
                // `pytest_plugins.append("tests.fixtures")`
                Stmt::Expr(expr) if !conditional => {
                    if let Expr::Call(call) = &*expr.value
                        && let Expr::Attribute(method) = &*call.func
                        && is_ours(&method.value)
                        && matches!(method.attr.as_str(), "append" | "extend")
                    {
                        for argument in &call.arguments.args {
                            self.visit_expr(argument);
                        }
                    }
                }
                // Of several lists the last that is written.
                Stmt::If(choice) => {
                    let clauses = choice.elif_else_clauses.iter().map(|clause| &clause.body);
                    let mut last = Vec::new();
                    for body in std::iter::once(&choice.body).chain(clauses) {
                        let mut names = Self(Vec::new());
                        names.block(body, true);
                        if !names.0.is_empty() {
                            last = names.0;
                        }
                    }
                    self.0.extend(last);
                }
                Stmt::With(with) => self.block(&with.body, conditional),
                Stmt::Try(attempt) => {
                    self.block(&attempt.body, conditional);
                    for handler in &attempt.handlers {
                        let ruff_python_ast::ExceptHandler::ExceptHandler(handler) = handler;
                        self.block(&handler.body, true);
                    }
                    self.block(&attempt.orelse, conditional);
                    self.block(&attempt.finalbody, conditional);
                }
                _ => {}
            }
        }
    }
}

impl<'s> Visitor<'s> for Names {
    fn visit_expr(&mut self, expr: &'s Expr) {
        match expr {
            Expr::StringLiteral(text) => {
                let text = text.value.to_str();
                if text.contains('*') && text.contains('/') && has_ending(text) {
                    self.0.push(Plugins::Files(text.trim_start_matches("./").to_owned()));
                } else if is_dotted(text) {
                    self.0.push(Plugins::Module(text.to_owned()));
                }
            }
            // `f"fixtures.{name}"` of a comprehension: what stands before the hole at its end names the package.
            Expr::ListComp(list) => {
                if let Expr::FString(text) = &*list.elt
                    && let [FStringPart::FString(text)] = text.value.as_slice()
                    && let [
                        InterpolatedStringElement::Literal(package),
                        InterpolatedStringElement::Interpolation(_),
                    ] = &text.elements[..]
                    && let Some(package) = package.value.strip_suffix('.')
                    && is_dotted(package)
                {
                    self.0.push(Plugins::Files(format!("{}/*.py", package.replace('.', "/"))));
                }
                walk_expr(self, expr);
            }
            Expr::FString(_) => {}
            // `path.replace("/", ".")`, `environ.get("PLUGIN", "none")`: the arguments name nothing for sure.
            Expr::Call(call)
                if is_name(&call.func, &["get", "getenv"])
                    || matches!(&*call.func, Expr::Attribute(method) if method.attr.as_str() == "replace") =>
            {
                self.visit_expr(&call.func);
            }
            _ => walk_expr(self, expr),
        }
    }
}

/// Returns the modules that a `setup.py` gives pytest as plug-ins: `entry_points={"pytest11": ["name = package.plugin"]}`.
pub(super) fn entry_points_of(setup: &SourceFile) -> Vec<String> {
    struct EntryPoints(Vec<String>);
    impl<'s> Visitor<'s> for EntryPoints {
        fn visit_expr(&mut self, expr: &'s Expr) {
            let Expr::Dict(dict) = expr else { return walk_expr(self, expr) };
            for item in &dict.items {
                match (&item.key, &item.value) {
                    (Some(Expr::StringLiteral(key)), Expr::List(list))
                        if key.value.to_str() == "pytest11" =>
                    {
                        let texts = list.elts.iter().filter_map(Expr::as_string_literal_expr);
                        let modules = texts.filter_map(|text| text.value.to_str().split_once('='));
                        self.0.extend(modules.map(|(_, module)| module.trim().to_owned()));
                    }
                    (_, value) => self.visit_expr(value),
                }
            }
        }
    }
    let mut found = EntryPoints(Vec::new());
    found.visit_body(&setup.syntax.body);
    found.0
}

/// Returns whether a pattern is one of Python files.
fn has_ending(pattern: &str) -> bool {
    std::path::Path::new(pattern).extension().is_some_and(|extension| extension == "py")
}

/// Returns whether a text is the dotted name of a module.
fn is_dotted(text: &str) -> bool {
    let is_part = |part: &str| {
        part.starts_with(|first: char| first.is_alphabetic() || first == '_')
            && part.chars().all(|letter| letter.is_alphanumeric() || letter == '_')
    };
    !text.is_empty() && text.split('.').all(is_part)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(text: &str) -> Vec<Plugins> {
        plugins_named(&SourceFile::parse("tests/conftest.py", text.as_bytes()))
    }

    fn module(name: &str) -> Plugins {
        Plugins::Module(name.to_owned())
    }

    fn files(pattern: &str) -> Plugins {
        Plugins::Files(pattern.to_owned())
    }

    #[test]
    fn plugins_are_read_however_they_are_written() {
        let both = [module("tests.one"), module("two")];
        assert_eq!(named("pytest_plugins = 'tests.one', 'two'\n"), both);
        assert_eq!(named("pytest_plugins: list[str] = ['tests.one']\npytest_plugins += ['two']\n"), both);
        assert_eq!(named("pytest_plugins = ['tests.one']\npytest_plugins.append('two')\n"), both);
        assert_eq!(
            named("pytest_plugins = ['tests.one']\nif X:\n    pytest_plugins.append('two')\n"),
            both[..1]
        );
        assert_eq!(named("plugins = ['tests.one']\n# pytest_plugins\n"), []);
    }

    #[test]
    fn a_pattern_or_a_name_that_is_put_together_names_files() {
        let text = "from glob import glob\n\
            pytest_plugins = [p.replace('/', '.').replace('.py', '') for p in glob('tests/fixtures/[!_]*.py')]\n";
        assert_eq!(named(text), [files("tests/fixtures/[!_]*.py")]);
        assert_eq!(
            named("pytest_plugins = [f'tests.fixtures.{n}' for n in N]\n"),
            [files("tests/fixtures/*.py")]
        );
    }

    #[test]
    fn a_pattern_is_read_from_the_folder_of_its_file_upwards() {
        let paths = ["fixtures/a.py", "tests/fixtures/b.py", "tests/fixtures/deep/c.py"];
        let meant = |pattern, from| files_matching(pattern, from, &paths.into_iter());
        assert_eq!(meant("tests/fixtures/*.py", "tests/conftest.py"), ["tests/fixtures/b.py"]);
        assert_eq!(meant("fixtures/*.py", "tests/conftest.py"), ["tests/fixtures/b.py"]);
        assert_eq!(meant("fixtures/*.py", "conftest.py"), ["fixtures/a.py"]);
        assert_eq!(meant("tests/fixtures/**/*.py", "conftest.py"), paths[1..]);
    }
}

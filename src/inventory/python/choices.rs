//! Code that runs only where something equals a text: `if backend == "redis"`.
//!
//! Which of several backends a test uses is mostly said by a text in the test itself, in the application's settings or
//! in the files that start it. Where a text is said nowhere but in the comparison, what stands behind it does not run.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use ruff_python_ast::{CmpOp, Expr};

use super::chains::chain_of;
use super::links::choice_mark;
use super::program::{ModuleIx, Program};

/// Files beside the sources that may choose; those of the workflows come on top.
const FILES: &[&str] = &[
    ".env",
    ".env.example",
    ".env.test",
    "Makefile",
    "docker-compose.yaml",
    "docker-compose.yml",
    "noxfile.py",
    "pyproject.toml",
    "pytest.ini",
    "setup.cfg",
    "tox.ini",
];

/// What may be chosen, and who chooses it.
#[derive(Debug, Default)]
pub(super) struct Choices {
    /// For every text that nobody chooses for all: its mark, and the modules that name it.
    open: Vec<(u64, BTreeSet<ModuleIx>)>,
}

impl Choices {
    /// Returns the choices of a program; `leads` are the scopes from which something is reached, `tests` the modules
    /// of test files, whose word counts for themselves alone.
    pub(super) fn of(
        program: &Program<'_>,
        project: &Path,
        leads: &[bool],
        tests: &BTreeSet<ModuleIx>,
    ) -> Self {
        let mut wanted: BTreeMap<(&str, ModuleIx), usize> = BTreeMap::new();
        for (scope, leads) in program.scopes.iter().zip(leads) {
            for text in scope.uses.iter().filter_map(|used| used.when).filter(|_| *leads) {
                wanted.entry((text, scope.module)).or_default();
            }
        }
        if wanted.is_empty() {
            return Self::default();
        }
        let files = beside(project);
        let mut open = Vec::new();
        for (text, module) in wanted.keys() {
            let quoted = [format!("\"{text}\""), format!("'{text}'")];
            let count =
                |file: &str| quoted.iter().map(|quoted| file.matches(quoted.as_str()).count()).sum::<usize>();
            let own = &program.module(*module).file.text;
            let compared =
                quoted.iter().map(|quoted| own.matches(&format!("== {quoted}")).count()).sum::<usize>();
            if count(own) > compared || files.iter().any(|file| says(file, text)) {
                continue;
            }
            let named: BTreeSet<ModuleIx> = (0..u32::try_from(program.modules.len()).unwrap_or(u32::MAX))
                .map(ModuleIx)
                .filter(|other| other != module && count(&program.module(*other).file.text) > 0)
                .collect();
            if named.is_subset(tests) {
                open.push((choice_mark(*module, text), named));
            }
        }
        Self { open }
    }

    /// Returns the marks of what a test of a module does not choose.
    pub(super) fn not_of(&self, module: ModuleIx) -> Vec<u64> {
        self.open.iter().filter(|(_, named)| !named.contains(&module)).map(|(mark, _)| *mark).collect()
    }
}

/// Returns the text that a condition asks for, where it is one of the program's own and no variable's of the system.
pub(super) fn asked_text(condition: &Expr) -> Option<&str> {
    match condition {
        Expr::Compare(compare) => {
            let ([CmpOp::Eq], [Expr::StringLiteral(literal)]) = (&*compare.ops, &*compare.comparators) else {
                return None;
            };
            let named = match &*compare.left {
                Expr::Name(_) | Expr::Attribute(_) => chain_of(&compare.left),
                Expr::Subscript(subscript) => chain_of(&subscript.value),
                _ => None,
            }?;
            let text = literal.value.to_str();
            let plain = !named.contains(&"environ") && !named.contains(&"__name__");
            (plain && text.len() > 1 && text.len() < 40).then_some(text)
        }
        _ => None,
    }
}

fn beside(project: &Path) -> Vec<String> {
    let mut paths: Vec<std::path::PathBuf> = FILES.iter().map(|name| project.join(name)).collect();
    let workflows = std::fs::read_dir(project.join(".github/workflows")).into_iter().flatten();
    paths.extend(workflows.filter_map(|file| Some(file.ok()?.path())));
    paths.iter().filter_map(|path| std::fs::read_to_string(path).ok()).collect()
}

/// Returns whether a file sets something to a text: `BACKEND=redis`, `backend: "redis"`. The name of an image or a
/// service is no choice.
fn says(file: &str, text: &str) -> bool {
    file.lines().filter(|line| line.contains(text) && !line.contains("image")).any(|line| {
        line.match_indices(text).any(|(at, _)| {
            let before = line[..at].trim_end_matches(['"', '\'', ' ']);
            let after = line[at + text.len()..].trim_start_matches(['"', '\'']);
            before.ends_with(['=', ':'])
                && after.chars().next().is_none_or(|c| matches!(c, ' ' | ',' | ';' | '}'))
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_sets_something_chooses() {
        assert!(says("BACKEND=redis\n", "redis"));
        assert!(says("  backend: \"redis\"\n", "redis"));
        assert!(!says("services:\n  redis:\n    image: redis\n", "redis"));
        assert!(!says("dependencies = [\"redis>=4\"]\n", "redis"));
    }
}

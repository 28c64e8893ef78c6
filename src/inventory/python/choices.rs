//! Code that runs only where something equals a text: `if backend == "redis"`, or a table has it for its key.
//!
//! Which of several backends a test uses is mostly said by a text in the test itself, in the application's settings or
//! in the files that start it. Where a text is said nowhere but in the comparison, what stands behind it does not run.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use ruff_python_ast::{BoolOp, CmpOp, Expr, ExprStringLiteral};

use super::chains::chain_of;
use super::links::choice_mark;
use super::program::{How, ModuleIx, Program};
use super::signs::words_of;

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
        // Whether it is the key of a table, and of how many.
        let mut wanted: BTreeMap<(&str, ModuleIx, bool), usize> = BTreeMap::new();
        for (scope, leads) in program.scopes.iter().zip(leads) {
            for used in scope.uses.iter().filter(|_| *leads) {
                let Some(text) = used.when else { continue };
                let is_key = matches!(used.how, How::Entry);
                *wanted.entry((text, scope.module, is_key)).or_default() += usize::from(is_key);
            }
        }
        if wanted.is_empty() {
            return Self::default();
        }
        let files = beside(project);
        let mut open = Vec::new();
        for ((text, module, is_key), keys) in &wanted {
            let quoted = [format!("\"{text}\""), format!("'{text}'")];
            let count =
                |file: &str| quoted.iter().map(|quoted| file.matches(quoted.as_str()).count()).sum::<usize>();
            let own = &program.module(*module).file.text;
            let compared =
                quoted.iter().map(|quoted| own.matches(&format!("== {quoted}")).count()).sum::<usize>();
            // A constant that is only compared with says nothing either.
            let constants = constants_of(own, &quoted);
            let chosen =
                |name: &&str| program.modules.iter().any(|module| is_chosen(&module.file.text, name));
            if count(own) > compared + keys + constants.iter().filter(|name| !chosen(name)).count()
                || files.iter().any(|file| says(file, text))
            {
                continue;
            }
            let named: BTreeSet<ModuleIx> = (0..u32::try_from(program.modules.len()).unwrap_or(u32::MAX))
                .map(ModuleIx)
                .filter(|other| other != module && count(&program.module(*other).file.text) > 0)
                .collect();
            if named.is_subset(tests) {
                open.push((choice_mark(*module, text, *is_key), named));
            }
        }
        Self { open }
    }

    /// Adds what nobody chooses but these modules, which are those of tests.
    pub(super) fn add(&mut self, mark: u64, named: BTreeSet<ModuleIx>) {
        self.open.push((mark, named));
    }

    /// Returns the marks of what a test of a module does not choose.
    pub(super) fn not_of(&self, module: ModuleIx) -> Vec<u64> {
        self.open.iter().filter(|(_, named)| !named.contains(&module)).map(|(mark, _)| *mark).collect()
    }
}

/// Returns the text that a condition asks for, where it is one of the program's own and no variable's of the system;
/// `constant` gives the text that a name of the module stands for.
pub(super) fn asked_text<'s>(
    condition: &'s Expr,
    constant: &dyn Fn(&str) -> Option<&'s ExprStringLiteral>,
) -> Option<&'s str> {
    match condition {
        // All of them must hold.
        Expr::BoolOp(several) if several.op == BoolOp::And => {
            several.values.iter().find_map(|value| asked_text(value, constant))
        }
        Expr::Compare(compare) => {
            let ([CmpOp::Eq], [right]) = (&*compare.ops, &*compare.comparators) else { return None };
            let literal = match right {
                Expr::StringLiteral(literal) => literal,
                Expr::Name(name) => constant(name.id.as_str())?,
                _ => return None,
            };
            let named = match &*compare.left {
                Expr::Name(_) | Expr::Attribute(_) => chain_of(&compare.left),
                Expr::Subscript(subscript) => chain_of(&subscript.value),
                _ => None,
            }?;
            let text = literal.value.to_str();
            let plain = !named.contains(&"environ") && named.last().is_some_and(|name| chooses(name));
            (plain && text.len() > 1 && text.len() < 40).then_some(text)
        }
        _ => None,
    }
}

/// Returns the constants of a module that are nothing but one of these texts.
fn constants_of<'t>(text: &'t str, quoted: &[String]) -> Vec<&'t str> {
    let is_constant = |name: &str| {
        !name.is_empty() && name.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_')
    };
    let lines = text.lines().filter_map(|line| line.split_once(" = "));
    lines
        .filter(|(name, value)| is_constant(name) && quoted.iter().any(|text| text == value.trim()))
        .map(|(name, _)| name)
        .collect()
}

/// Returns whether a text of a module uses a constant for anything but comparing with it.
fn is_chosen(text: &str, name: &str) -> bool {
    let part = |c: char| c.is_ascii_alphanumeric() || c == '_';
    text.lines().filter(|line| line.contains(name)).any(|line| {
        let import = line.trim_start().starts_with("from ") || line.trim_start().starts_with("import ");
        !import
            && line.match_indices(name).any(|(at, _)| {
                let (before, after) = (&line[..at], &line[at + name.len()..]);
                let whole = !before.ends_with(part) && !after.starts_with(part);
                let compared = before.trim_end().ends_with("==") || before.trim_end().ends_with("!=");
                let defined = before.is_empty() && after.trim_start().starts_with('=');
                // `f"{KIND} is off"` only tells it.
                let told = before.ends_with('{') && after.starts_with('}');
                let listed = before.trim().is_empty() && matches!(after.trim(), "" | ",");
                whole && !(compared || defined || told || listed)
            })
    })
}

/// Returns whether a name is that of a choice between backends: not so the method of a request, a platform or the type of an
/// event, which the program is told from outside.
pub(super) fn chooses(name: &str) -> bool {
    const CHOICES: &[&str] = &[
        "adapter",
        "backend",
        "broker",
        "cache",
        "database",
        "db",
        "driver",
        "engine",
        "impl",
        "implementation",
        "kind",
        "mode",
        "provider",
        "storage",
        "store",
        "transport",
        "vendor",
    ];
    words_of(name).iter().any(|word| CHOICES.contains(&word.as_str()))
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
    fn what_the_program_is_told_from_outside_is_no_choice() {
        for name in ["backend", "cache_type", "dbEngine", "KIND"] {
            assert!(chooses(name), "{name}");
        }
        for name in ["method", "platform", "suffix", "type", "name"] {
            assert!(!chooses(name), "{name}");
        }
    }

    #[test]
    fn a_constant_that_is_only_compared_with_chooses_nothing() {
        let text = "KIND = \"redis\"\nif kind == KIND and on:\n    pass\nfrom a import KIND\n";
        assert_eq!(constants_of(text, &["\"redis\"".to_owned()]), ["KIND"]);
        assert!(!is_chosen(text, "KIND"));
        assert!(is_chosen("config[\"kind\"] = KIND\n", "KIND"));
        assert!(!is_chosen("config = KIND_OF\n", "KIND"));
    }

    #[test]
    fn a_file_that_sets_something_chooses() {
        assert!(says("BACKEND=redis\n", "redis"));
        assert!(says("  backend: \"redis\"\n", "redis"));
        assert!(!says("services:\n  redis:\n    image: redis\n", "redis"));
        assert!(!says("dependencies = [\"redis>=4\"]\n", "redis"));
    }
}

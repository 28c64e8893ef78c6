//! Where marks and imports can be written into a file.

use ruff_python_ast::statement_visitor::{StatementVisitor, walk_body, walk_stmt};
use ruff_python_ast::{Expr, Stmt};
use ruff_source_file::{OneIndexed, UniversalNewlines};
use ruff_text_size::Ranged;

use super::source::SourceFile;

/// Where marks and imports can be written into a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MarkSite {
    /// What marks are attributes of, by an import that is there already: `pytest.mark`, `mark`.
    pub marks: Option<String>,
    /// The module assigns `pytestmark` already.
    pub has_pytestmark: bool,
    /// The line behind which a new statement may stand, from 1; 0 for the very first.
    pub after: usize,
}

impl SourceFile {
    /// Returns where marks and imports can be written into this file.
    #[must_use]
    pub fn mark_site(&self) -> MarkSite {
        let mut site = MarkSite { marks: None, has_pytestmark: false, after: 0 };
        let mut leading = true;
        for (at, stmt) in self.syntax.body.iter().enumerate() {
            match stmt {
                Stmt::Import(_) | Stmt::ImportFrom(_) => {
                    let marks = imported_marks(stmt);
                    // What is written uses the name, so that it stands behind it and what is imported with it.
                    leading |= marks.is_some() && site.marks.is_none();
                    if leading {
                        site.after = self.line(stmt.end());
                    }
                    site.marks = site.marks.or(marks);
                }
                // The docstring stands before the imports.
                Stmt::Expr(text) if at == 0 && matches!(&*text.value, Expr::StringLiteral(_)) => {
                    site.after = self.line(stmt.end());
                }
                Stmt::Assign(assign) => {
                    leading = false;
                    site.has_pytestmark |= assign
                        .targets
                        .iter()
                        .any(|target| matches!(target, Expr::Name(name) if name.id.as_str() == "pytestmark"));
                }
                _ => leading = false,
            }
        }
        if site.after == 0 {
            // A first line of the shell, an encoding and a licence stay on top.
            site.after = self.lines_of_text().take_while(|line| line.starts_with('#')).count();
        }
        site
    }

    /// Returns the lines as Python parts them: a carriage return alone ends one as well.
    fn lines_of_text(&self) -> impl Iterator<Item = &str> {
        self.text.universal_newlines().map(|line| line.as_str())
    }

    /// Returns whether a line, from 1, is one whole decorator or one whole assignment of a single mark, so that it can be
    /// removed.
    #[must_use]
    pub fn is_lone_mark(&self, line: usize) -> bool {
        let Some(number) = OneIndexed::new(line) else { return false };
        let text = self.text[self.lines.line_range(number, &self.text)].trim();
        let text = text.split(" #").next().unwrap_or(text).trim();
        let dotted = |text: &str| {
            !text.is_empty() && text.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '.'))
        };
        let assigned = || {
            let value = text.strip_prefix("pytestmark")?.trim_start().strip_prefix('=')?;
            dotted(value.trim()).then_some(())
        };
        text.strip_prefix('@').is_some_and(dotted) || assigned().is_some() && !self.is_whole_body(line)
    }

    /// Returns whether a line is all that a class or a branch consists of: without it the file would be no Python.
    fn is_whole_body(&self, line: usize) -> bool {
        let mut bodies = Bodies { file: self, line, found: false };
        self.syntax.body.iter().for_each(|stmt| bodies.visit_stmt(stmt));
        bodies.found
    }
}

/// Returns what marks are attributes of, where an import brings it: `import pytest`, `from pytest import mark`.
fn imported_marks(stmt: &Stmt) -> Option<String> {
    let bound = |names: &[ruff_python_ast::Alias], wanted: &str| {
        let alias = names.iter().find(|alias| alias.name.as_str() == wanted)?;
        Some(alias.asname.as_ref().unwrap_or(&alias.name).to_string())
    };
    match stmt {
        Stmt::Import(import) => bound(&import.names, "pytest").map(|pytest| format!("{pytest}.mark")),
        Stmt::ImportFrom(import) if import.level == 0 => {
            let from = import.module.as_ref().map(ruff_python_ast::Identifier::as_str);
            bound(&import.names, "mark").filter(|_| from == Some("pytest"))
        }
        _ => None,
    }
}

/// Looks for a body that is one statement in a line.
struct Bodies<'f> {
    file: &'f SourceFile,
    line: usize,
    found: bool,
}

impl<'f> StatementVisitor<'f> for Bodies<'f> {
    fn visit_stmt(&mut self, stmt: &'f Stmt) {
        walk_stmt(self, stmt);
    }

    fn visit_body(&mut self, body: &'f [Stmt]) {
        if let [only] = body {
            self.found |= self.file.line(only.start()) == self.line;
        }
        walk_body(self, body);
    }
}

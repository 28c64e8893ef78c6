//! Which tool wrote a JUnit report.
//!
//! The format has no place for it, but most tools give their root or their suites a name of their own.

use super::super::framework::Framework;
use super::case::{Case, Mark};

/// What was seen of the tool so far. The first sign counts.
#[derive(Default)]
pub(super) struct Origin {
    framework: Option<Framework>,
    /// The root has an `id`. Playwright writes one, empty or not; so do others, whose suites are no scripts.
    has_root_id: bool,
}

impl Origin {
    pub(super) fn framework(&self) -> Option<Framework> {
        self.framework
    }

    pub(super) fn set(&mut self, framework: Framework) {
        self.framework.get_or_insert(framework);
    }

    pub(super) fn see_root_name(&mut self, name: &str) {
        let framework = match name {
            "pytest tests" => Framework::Pytest,
            "nextest-run" => Framework::Nextest,
            "jest tests" => Framework::Jest,
            "vitest tests" => Framework::Vitest,
            "Mocha Tests" => Framework::Mocha,
            "AllTests" => Framework::GoogleTest,
            _ => return,
        };
        self.set(framework);
    }

    pub(super) fn see_root_id(&mut self) {
        self.has_root_id = true;
    }

    pub(super) fn see_suite_name(&mut self, name: &str) {
        if self.has_root_id && looks_like_script(name) {
            self.set(Framework::Playwright);
        } else if name == "pytest" {
            self.set(Framework::Pytest);
        } else if name == "rspec" || name.starts_with("rspec") && !name.contains('.') {
            self.set(Framework::Rspec);
        }
    }

    pub(super) fn see_property(&mut self, name: &[u8]) {
        if name == b"go.version" {
            self.set(Framework::Go);
        } else if name.starts_with(b"java.") {
            self.set(Framework::Java);
        }
    }

    pub(super) fn see_schema(&mut self, place: &[u8]) {
        if memchr::memmem::find(place, b"surefire").is_some() {
            self.set(Framework::Java);
        }
    }

    pub(super) fn see_case(&mut self, case: &Case) {
        if self.framework.is_some() {
            return;
        }
        let ends_with = |ending: &str| case.file.as_deref().is_some_and(|file| file.ends_with(ending));
        if case.name.contains(" \u{203a} ") && looks_like_script(&case.class_name) {
            self.set(Framework::Playwright);
        } else if case.mark == Some(Mark::Assertions) && ends_with(".php") {
            self.set(Framework::Phpunit);
        } else if case.mark == Some(Mark::Status) && !case.name.is_empty() && case.name == case.class_name {
            self.set(Framework::Ctest);
        }
    }
}

fn looks_like_script(class_name: &str) -> bool {
    [".ts", ".tsx", ".js", ".jsx", ".mjs", ".cjs", ".mts"].iter().any(|ending| class_name.ends_with(ending))
}

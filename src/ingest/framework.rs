//! What ran the tests, where a report shows it.

use std::fmt;
use std::str::FromStr;

macro_rules! frameworks {
    ($($(#[$doc:meta])* $name:ident $word:literal $title:literal;)+) => {
        /// A test runner.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Framework {
            $($(#[$doc])* $name,)+
        }

        impl Framework {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$name,)+];

            /// Returns the word that the history stores.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$name => $word,)+
                }
            }

            /// Returns the name that people know it by.
            #[must_use]
            pub const fn title(self) -> &'static str {
                match self {
                    $(Self::$name => $title,)+
                }
            }
        }
    };
}

frameworks! {
    /// pytest.
    Pytest "pytest" "pytest";
    /// cargo-nextest.
    Nextest "nextest" "nextest";
    /// libtest, as `cargo test` runs it.
    Libtest "libtest" "libtest";
    /// Jest.
    Jest "jest" "Jest";
    /// Vitest.
    Vitest "vitest" "Vitest";
    /// Playwright Test.
    Playwright "playwright" "Playwright";
    /// Cypress.
    Cypress "cypress" "Cypress";
    /// Mocha.
    Mocha "mocha" "Mocha";
    /// Gradle or Maven's Surefire: anything that runs on a Java virtual machine.
    Java "java" "Gradle or Surefire";
    /// `go test`.
    Go "go" "Go";
    /// `RSpec`.
    Rspec "rspec" "RSpec";
    /// Minitest.
    Minitest "minitest" "Minitest";
    /// `PHPUnit`.
    Phpunit "phpunit" "PHPUnit";
    /// `CTest`.
    Ctest "ctest" "CTest";
    /// `GoogleTest`.
    GoogleTest "googletest" "GoogleTest";
}

impl FromStr for Framework {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let found = Self::ALL.iter().find(|framework| framework.as_str() == text);
        found.copied().ok_or_else(|| format!("`{text}` is not a framework that is known"))
    }
}

impl fmt::Display for Framework {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.title())
    }
}

//! What ran the tests, where a report shows it.

use super::words::words;

words! {
    /// A test runner.
    Framework, "a framework that is known";

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

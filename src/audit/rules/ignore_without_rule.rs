//! A comment asks to leave findings alone, and names no rule.
//!
//! # What it checks
//!
//! Every `# shardplan: ignore` and `# shardplan: ignore-file` in the sources and the workflow files: whether it names rules,
//! and whether there are such rules. Whether a rule still finds something there is not asked: what a rule finds depends on
//! the history and the manifest, which not every run of the audit has.
//!
//! # Why it matters
//!
//! Such a comment leaves nothing alone. Whoever reads it believes that it does.
//!
//! # Example
//!
//! ```python
//! def test_cart(cache):  # shardplan: ignore
//!     ...
//! ```
//!
//! # Remedy
//!
//! Name the rules: `# shardplan: ignore[SP101]`. `shardplan audit --explain all` lists them.

use crate::audit::context::Context;
use crate::audit::finding::{Finding, Spot};
use crate::audit::registry::{IGNORE_WITHOUT_RULE, RuleName};
use crate::audit::suppress::ignore_comment;

pub(in crate::audit) fn check(context: &Context<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in context.sources.files.iter().filter(|file| file.text.contains("shardplan:")) {
        for (line, comment) in file.comments() {
            findings.extend(in_comment(&file.path, line, comment));
        }
    }
    for workflow in context.workflows {
        for (at, line) in workflow.text.lines().enumerate() {
            findings.extend(in_comment(&workflow.path, at + 1, line));
        }
    }
    findings
}

fn in_comment(file: &str, line: usize, text: &str) -> Vec<Finding> {
    let Some(comment) = ignore_comment(text) else { return Vec::new() };
    let finding = |about: &str, message: String| {
        let spot = Spot::Line { file: file.to_owned(), line };
        Finding::new(&IGNORE_WITHOUT_RULE, spot, format!("{file} {about}"), message)
    };
    let word = comment.word;
    if comment.names.is_empty() {
        let message = format!(
            "`shardplan: {word}` names no rule and leaves nothing alone: write `shardplan: {word}[CODE]`"
        );
        return vec![finding(word, message)];
    }
    let unknown = comment.names.iter().filter_map(|name| Some((name, name.parse::<RuleName>().err()?)));
    unknown
        .map(|(name, error)| finding(name, format!("`shardplan: {word}` leaves nothing alone: {error}")))
        .collect()
}

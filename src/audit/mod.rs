//! The audit: what is wrong with marks, lanes and guards, before anything is sharded.
//!
//! Each rule is one file in `rules`, with one line in [`registry`], one test file and one section of
//! `docs/audits.md`. A rule looks at a [`Context`], which holds all that is known of the project, and returns
//! findings; what is suppressed, rendered or repaired is nobody else's business.

mod baseline;
mod context;
pub mod coverage;
mod finding;
pub mod fix;
pub mod output;
pub mod registry;
mod rules;
mod suppress;
mod workflows;

pub use baseline::{Baseline, BaselineError, BaselineV1, KnownFindingV1};
pub use context::{Context, LaneTests};
pub use finding::{Confidence, Finding, Note, Severity, Spot};
pub use fix::Edit;
pub use registry::{Rule, RuleName, UnknownRule};
pub use suppress::{Selection, Suppressed};
pub use workflows::AuditedWorkflow;

/// What an audit found.
#[derive(Debug, Default)]
pub struct Audit {
    /// What is wrong, by file and line.
    pub findings: Vec<Finding>,
    /// What is wrong and was asked to be left alone.
    pub suppressed: Suppressed,
}

/// Returns what the selected rules find, less what is suppressed.
#[must_use]
pub fn run(context: &Context<'_>, selection: &Selection, baseline: &Baseline) -> Audit {
    let mut findings = Vec::new();
    for rule in registry::RULES {
        if selection.runs(rule) {
            let mut found = (rule.check)(context);
            found.sort_by(|a, b| a.order().cmp(&b.order()));
            findings.extend(found);
        }
    }
    findings.sort_by(|a, b| (&a.spot, a.rule.code, &a.identity).cmp(&(&b.spot, b.rule.code, &b.identity)));
    findings.dedup_by(|a, b| a.rule.code == b.rule.code && a.identity == b.identity);
    suppress::apply(context, selection, baseline, findings)
}

//! A test file, or a file that tests import, can not be read.
//!
//! # What it checks
//!
//! Syntax errors, wrong encodings, files too large or nested too deep, in whatever the tests consist of.
//!
//! # Why it matters
//!
//! pytest can't collect a test file with a syntax error either. Of a file that can't be read nothing is known: no need
//! in it is found.
//!
//! # Example
//!
//! ```python
//! print "hello"
//! ```
//!
//! # Remedy
//!
//! Correct the file, or keep pytest from collecting it (`norecursedirs`, `--ignore`).

use crate::audit::context::Context;
use crate::audit::finding::{Finding, Spot};
use crate::audit::registry::UNREADABLE_FILE;

pub(in crate::audit) fn check(context: &Context<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    // What is not collected is nobody's test: files for another Python are left out like that.
    let read = context.sources.files.iter().filter(|file| !context.sources.ignored.contains(&file.path));
    for file in read {
        if let Some(broken) = &file.broken {
            let spot = Spot::Line { file: file.path.clone(), line: broken.line };
            findings.push(Finding::new(
                &UNREADABLE_FILE,
                spot,
                file.path.clone(),
                format!("this file can not be read: {}", broken.message),
            ));
        }
    }
    for folder in &context.sources.loops {
        let message =
            "this link leads back to a folder above it or out of the project, or is one of very many: it is not followed"
                .to_owned();
        findings.push(Finding::new(
            &UNREADABLE_FILE,
            Spot::Line { file: folder.clone(), line: 1 },
            folder.clone(),
            message,
        ));
    }
    findings
}

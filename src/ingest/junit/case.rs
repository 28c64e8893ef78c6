//! One `<testcase>` while it is open.

use super::super::observation::{Outcome, first_line};
use super::super::xml::Tag;
use super::{Fault, lossy, some_text, text};

/// An open `<testcase>`.
pub(super) struct Case {
    pub(super) depth: usize,
    /// The line of its tag; 0 before it is known.
    pub(super) line: u64,
    pub(super) class_name: String,
    pub(super) name: String,
    pub(super) file: Option<String>,
    pub(super) time: Option<String>,
    pub(super) outcome: Outcome,
    pub(super) reason: Option<String>,
    pub(super) retries: u32,
    /// The element whose text may give the reason, by its depth.
    pub(super) reads_text_at: Option<usize>,
    pub(super) is_teardown_error: bool,
    /// pytest's entry for a module that it could not collect.
    is_collection: bool,
    /// Attributes that only some tools write.
    pub(super) has_status: bool,
    pub(super) has_assertions: bool,
}

/// How a test ended, by the element that says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    Failure,
    Error,
    Skipped,
    /// It failed first and passed then: Surefire's and nextest's flaky tests.
    Flaky,
    /// It failed once more than the last failure says.
    Rerun,
}

impl Ending {
    pub(super) fn of(element: &[u8]) -> Option<Self> {
        match element {
            b"failure" => Some(Self::Failure),
            b"error" => Some(Self::Error),
            b"skipped" => Some(Self::Skipped),
            b"flakyFailure" | b"flakyError" => Some(Self::Flaky),
            b"rerunFailure" | b"rerunError" => Some(Self::Rerun),
            _ => None,
        }
    }
}

impl Case {
    pub(super) fn new(tag: &Tag<'_>, depth: usize) -> Result<Self, Fault> {
        let mut case = Self {
            depth,
            line: 0,
            class_name: String::new(),
            name: String::new(),
            file: None,
            time: None,
            outcome: Outcome::Passed,
            reason: None,
            retries: 0,
            reads_text_at: None,
            is_teardown_error: false,
            is_collection: false,
            has_status: false,
            has_assertions: false,
        };
        for attribute in tag.attributes() {
            let (key, value) = attribute?;
            match key {
                b"classname" => case.class_name = text(value)?.into_owned(),
                b"name" => case.name = text(value)?.into_owned(),
                b"file" | b"filepath" => case.file = some_text(value)?,
                b"time" => case.time = Some(lossy(value).into_owned()),
                b"assertions" => case.has_assertions = true,
                b"status" | b"result" => {
                    case.has_status |= key == b"status";
                    // Words of GoogleTest and CTest for a test that they only list.
                    let did_not_run = value.eq_ignore_ascii_case(b"notrun")
                        || value.eq_ignore_ascii_case(b"disabled")
                        || value.eq_ignore_ascii_case(b"skipped")
                        || value.eq_ignore_ascii_case(b"suppressed");
                    if did_not_run {
                        case.outcome = Outcome::Skipped;
                    }
                }
                _ => {}
            }
        }
        Ok(case)
    }

    /// Takes in how the test ended.
    pub(super) fn note(&mut self, ending: Ending, tag: &Tag<'_>, depth: usize) -> Result<(), Fault> {
        let (mut message, mut kind) = (String::new(), String::new());
        for attribute in tag.attributes() {
            let (key, value) = attribute?;
            match key {
                b"message" => message = lossy(value).into_owned(),
                b"type" => kind = lossy(value).into_owned(),
                _ => {}
            }
        }
        let outcome = match ending {
            Ending::Failure => Outcome::Failed,
            Ending::Error => Outcome::Error,
            // A test that fails as expected did run: its time counts, and nothing is wrong with it.
            Ending::Skipped if kind == "pytest.xfail" => Outcome::Passed,
            Ending::Skipped => Outcome::Skipped,
            Ending::Flaky | Ending::Rerun => {
                self.retries += 1;
                self.outcome
            }
        };
        self.is_teardown_error |= outcome == Outcome::Error && message.contains("teardown");
        self.is_collection |= matches!(message.as_str(), "collection failure" | "collection skipped");
        // A test can fail and then break in its tear-down: the graver of the two stands.
        if self.outcome != Outcome::Error {
            self.outcome = outcome;
        }
        if self.reason.is_none() {
            self.reason = first_line(&message);
            self.reads_text_at = self.reason.is_none().then_some(depth);
        }
        Ok(())
    }

    /// Returns whether pytest means a module here, or itself.
    pub(super) fn is_not_collected(&self) -> bool {
        self.class_name.is_empty() && self.is_collection
            || self.class_name == "pytest" && self.name == "internal"
    }
}

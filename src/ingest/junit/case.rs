//! One `<testcase>` while it is open.

use super::super::observation::{Outcome, first_line};
use super::super::seconds;
use super::super::xml::Tag;
use super::{Fault, lossy, push_text, some_text};
use crate::time::Micros;

/// An open `<testcase>`.
pub(super) struct Case {
    pub(super) depth: usize,
    /// The line of its tag; 0 before it is known.
    pub(super) line: u64,
    pub(super) class_name: String,
    pub(super) name: String,
    pub(super) file: Option<String>,
    pub(super) time: Time,
    pub(super) outcome: Outcome,
    pub(super) reason: Option<String>,
    pub(super) retries: u32,
    /// The element whose text may give the reason, by its depth.
    pub(super) reads_text_at: Option<usize>,
    pub(super) is_teardown_error: bool,
    /// pytest's entry for a module that it could not collect.
    is_collection: bool,
    /// An attribute that only some tools write.
    pub(super) mark: Option<Mark>,
}

/// An attribute that shows which tool wrote it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Mark {
    Status,
    Assertions,
}

/// The time of a test. Nearly all are plain numbers, which are not kept as text.
#[derive(Default)]
pub(super) enum Time {
    #[default]
    Missing,
    Plain(Micros),
    /// Any other text; the rules for odd times decide.
    Odd(String),
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

impl Default for Case {
    fn default() -> Self {
        Self {
            depth: 0,
            line: 0,
            class_name: String::new(),
            name: String::new(),
            file: None,
            time: Time::Missing,
            outcome: Outcome::Passed,
            reason: None,
            retries: 0,
            reads_text_at: None,
            is_teardown_error: false,
            is_collection: false,
            mark: None,
        }
    }
}

impl Case {
    /// Reads the tag. `spare` is a case that is done with: its memory serves the next one.
    pub(super) fn new(tag: &Tag<'_>, depth: usize, spare: Option<Box<Self>>) -> Result<Box<Self>, Fault> {
        let mut case = spare.unwrap_or_default();
        let (mut class_name, mut name) =
            (std::mem::take(&mut case.class_name), std::mem::take(&mut case.name));
        class_name.clear();
        name.clear();
        *case = Self { depth, class_name, name, ..Self::default() };
        for attribute in tag.attributes() {
            let (key, value) = attribute?;
            match key {
                b"classname" => push_text(&mut case.class_name, value)?,
                b"name" => push_text(&mut case.name, value)?,
                b"file" | b"filepath" => case.file = some_text(value)?,
                b"time" => {
                    case.time = match seconds::plain(value) {
                        Some(time) => Time::Plain(time),
                        None => Time::Odd(lossy(value).into_owned()),
                    }
                }
                b"assertions" => case.mark = Some(Mark::Assertions),
                b"status" | b"result" => {
                    if key == b"status" {
                        case.mark.get_or_insert(Mark::Status);
                    }
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

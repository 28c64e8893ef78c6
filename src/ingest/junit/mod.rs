//! JUnit XML, as pytest writes it in both families, and as many other tools do.
//!
//! The file is read as a stream of tags: nothing is kept but the tests, so that memory does not grow with the
//! output that a report carries. What tools do differently is in two places: [`origin`] tells which tool wrote
//! the file, and [`super::address`] makes the id that this tool would know the test by.

mod case;
#[cfg(test)]
mod checks;
mod origin;

use std::borrow::Cow;
use std::io::Read;

use quick_xml::escape::unescape;

use super::address::{Addresses, Place};
use super::framework::Framework;
use super::observation::{Extent, Observation, Outcome, Report, UnitKind, first_line};
use super::seconds::Seconds;
use super::tests::{Repeats, Tests};
use super::warning::WarningKind;
use super::xml::{Event, Scanner, Tag, XmlError};
use super::{Batches, Context, IngestErrorKind, format, input, python_modules};
use crate::ids::NodeId;
use crate::time::{Micros, Timestamp};
use case::{Case, Ending, Time};
use origin::Origin;

/// How much of a text is looked at for the reason of a failure.
const REASON_BYTES: usize = 4_096;

/// A suite that took so much longer than all of its tests is worth a word.
const OVERHEAD: Micros = Micros(10_000_000);

/// A shorter time than this is believed even where the session took less: totals are edited more often than tests
/// set their clock by minutes.
const CLOCK_JUMP: Micros = Micros(600_000_000);

/// Reads the file.
pub(super) fn read(
    input: impl Read,
    context: &Context,
    batches: Option<&mut Batches<'_>>,
) -> Result<(Report, u64), IngestErrorKind> {
    let mut scanner = Scanner::new(input);
    let mut document = Document {
        tests: Tests::new(batches),
        origin: Origin::default(),
        addresses: Addresses::new(context),
        depth: 0,
        has_root: false,
        suites: Vec::new(),
        root_suite_file: None,
        case: None,
        spare: None,
        reason: Vec::new(),
        session: None,
        sum_of_suites: Micros(0),
    };
    loop {
        let fault = match scanner.next(document.wants_text()) {
            Ok(Event::Open(tag)) => match document.open(&tag) {
                Ok(()) => {
                    if let Some(case) = document.case.as_mut().filter(|case| case.line == 0) {
                        case.line = scanner.line();
                    }
                    continue;
                }
                Err(fault) => fault,
            },
            Ok(Event::Close) => {
                document.close(&mut || scanner.line());
                continue;
            }
            Ok(Event::Text(words)) => {
                document.text(words, true);
                continue;
            }
            Ok(Event::PlainText(words)) => {
                document.text(words, false);
                continue;
            }
            Ok(Event::End) if document.has_root => return Ok(document.finish()),
            Ok(Event::End) => return Err(format::unrecognised("markup without an element")),
            Err(XmlError::CutShort) => {
                let line = scanner.line();
                return document.finish_cut_short(line);
            }
            Err(error) => Fault::Xml(error),
        };
        return Err(fault.kind(scanner.line()));
    }
}

/// What was read so far.
struct Document<'c, 'a, 'b> {
    tests: Tests<'a, 'b>,
    origin: Origin,
    addresses: Addresses<'c>,
    /// How many elements are open.
    depth: usize,
    has_root: bool,
    /// The open suites, the outermost first.
    suites: Vec<Suite>,
    /// The file that mocha names once, in a suite before those of its tests.
    root_suite_file: Option<String>,
    case: Option<Box<Case>>,
    /// The last case, for its memory.
    spare: Option<Box<Case>>,
    /// The beginning of the text that may give the reason.
    reason: Vec<u8>,
    /// What the outermost element says that all took.
    session: Option<Micros>,
    sum_of_suites: Micros,
}

/// An open `<testsuite>`.
#[derive(Default)]
struct Suite {
    depth: usize,
    name: String,
    file: Option<String>,
    host: Option<String>,
    /// What it says that it took.
    time: Option<Micros>,
    /// How many tests it says that it has.
    claims_tests: bool,
    /// Its own tests, not those of the suites inside of it.
    cases: u64,
    timed: u64,
    sum: Micros,
    has_suites: bool,
    /// Tests without a time, to be told if the suite has none either.
    without_time: Vec<(NodeId, Outcome, u64)>,
    worst: Option<Outcome>,
}

/// Why a document can't be read on.
enum Fault {
    Xml(XmlError),
    /// The first element is another one.
    OtherRoot(String),
    /// A name is not in the encoding of the document.
    Encoding(u8),
}

impl Document<'_, '_, '_> {
    fn wants_text(&self) -> bool {
        self.case.as_ref().is_some_and(|case| case.reads_text_at == Some(self.depth))
    }

    fn open(&mut self, tag: &Tag<'_>) -> Result<(), Fault> {
        self.depth += 1;
        let depth = self.depth;
        if !self.has_root {
            if !matches!(tag.name, b"testsuites" | b"testsuite") {
                return Err(Fault::OtherRoot(String::from_utf8_lossy(tag.name).into_owned()));
            }
            self.has_root = true;
        }
        match (tag.name, &mut self.case) {
            (b"testcase", None) => {
                let case = Case::new(tag, depth, self.spare.take())?;
                self.origin.see_case(&case);
                self.case = Some(case);
            }
            (name, Some(case)) if depth == case.depth + 1 => {
                if let Some(ending) = Ending::of(name) {
                    self.reason.clear();
                    case.note(ending, tag, depth)?;
                }
            }
            (b"testsuite", None) => self.open_suite(tag)?,
            (b"testsuites", None) => {
                for attribute in tag.attributes() {
                    let (key, value) = attribute?;
                    match key {
                        b"name" => self.origin.see_root_name(&lossy(value)),
                        b"uuid" => self.origin.set(Framework::Nextest),
                        b"id" => self.origin.see_root_id(),
                        b"time" => self.session = parsed(value),
                        b"timestamp" => self.began(Timestamp::parse(&lossy(value))),
                        _ => {}
                    }
                }
            }
            (b"property", None) => {
                for attribute in tag.attributes() {
                    let (key, value) = attribute?;
                    if key == b"name" {
                        self.origin.see_property(value);
                    }
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn open_suite(&mut self, tag: &Tag<'_>) -> Result<(), Fault> {
        let mut suite = Suite { depth: self.depth, ..Suite::default() };
        for attribute in tag.attributes() {
            let (key, value) = attribute?;
            match key {
                b"name" => suite.name = text(value)?.into_owned(),
                b"file" | b"filepath" => suite.file = some_text(value)?,
                b"time" => suite.time = parsed(value),
                b"tests" => suite.claims_tests = !matches!(value.trim_ascii(), b"" | b"0"),
                b"timestamp" => self.began(Timestamp::parse(&lossy(value))),
                b"hostname" => {
                    suite.host = Some(lossy(value).into_owned()).filter(|host| !host.trim().is_empty());
                }
                b"noNamespaceSchemaLocation" => self.origin.see_schema(value),
                _ => {}
            }
        }
        self.origin.see_suite_name(&suite.name);
        if suite.name == "Root Suite" {
            self.root_suite_file.clone_from(&suite.file);
        }
        if let Some(outer) = self.suites.last_mut() {
            outer.has_suites = true;
            suite.file = suite.file.or_else(|| outer.file.clone());
        }
        self.suites.push(suite);
        Ok(())
    }

    /// A merged report holds several sessions; the run began with the earliest.
    fn began(&mut self, at: Option<Timestamp>) {
        let run = &mut self.tests.run;
        run.at = [run.at, at].into_iter().flatten().min();
    }

    fn text(&mut self, words: &[u8], has_entities: bool) {
        let Some(case) = &mut self.case else { return };
        let room = REASON_BYTES.saturating_sub(self.reason.len());
        self.reason.extend_from_slice(&words[..words.len().min(room)]);
        let text = String::from_utf8_lossy(&self.reason);
        let text = if has_entities { unescaped(&text) } else { text };
        // The last line may go on in the next piece; it is taken when the element ends.
        let is_whole = text.trim_start().contains('\n') || self.reason.len() >= REASON_BYTES;
        if is_whole && let Some(reason) = first_line(&text) {
            case.reason = Some(reason);
            case.reads_text_at = None;
        }
    }

    fn close(&mut self, line: &mut dyn FnMut() -> u64) {
        let depth = self.depth;
        self.depth -= 1;
        if let Some(case) = &mut self.case {
            if case.reads_text_at == Some(depth) {
                case.reads_text_at = None;
                case.reason = first_line(&unescaped(&String::from_utf8_lossy(&self.reason)));
            }
            if case.depth == depth
                && let Some(case) = self.case.take()
            {
                self.keep(case);
            }
        } else if self.suites.last().is_some_and(|suite| suite.depth == depth)
            && let Some(suite) = self.suites.pop()
        {
            self.keep_suite(suite, line());
        }
    }

    /// Turns a whole `<testcase>` into an observation or a warning.
    fn keep(&mut self, mut case: Box<Case>) {
        let line = Some(case.line);
        let is_pytest = self.origin.framework() == Some(Framework::Pytest);
        if is_pytest && case.is_not_collected() {
            // A module that can't be imported, or a fault of a plugin: tests are missing from this report.
            if case.outcome == Outcome::Skipped {
                self.tests.warnings.add(WarningKind::NotATest, line, case.name);
            } else {
                self.tests.run.extent = Extent::Partial;
                self.tests.warnings.add(WarningKind::NotCollected, line, case.name);
            }
            return;
        }
        if case.class_name.starts_with("@setup-script:") {
            self.tests.warnings.add(WarningKind::NotATest, line, case.name);
            return;
        }
        let suite = self.suites.last();
        if case.file.is_none() {
            case.file = suite.and_then(|suite| suite.file.clone()).or_else(|| self.root_suite_file.clone());
        }
        let place = Place {
            class_name: &case.class_name,
            name: &case.name,
            file: case.file.as_deref(),
            suite: suite.map_or("", |suite| &suite.name),
            // Playwright keeps the name of its project where others have the machine.
            project: suite.and_then(|suite| suite.host.as_deref()),
        };
        if case.name.trim().is_empty() {
            self.tests.warnings.add(WarningKind::NoName, line, case.class_name);
            return;
        }
        let address = self.addresses.of(place, self.origin.framework());
        let Ok(test) = NodeId::try_from(address.id) else {
            self.tests.warnings.add(WarningKind::NoName, line, case.name);
            return;
        };
        let total = self.total(&test, &case);
        if let Some(suite) = self.suites.last_mut() {
            suite.cases += 1;
            suite.timed += u64::from(total.is_some());
            suite.sum = suite.sum + total.unwrap_or_default();
            suite.worst = suite.worst.max(Some(case.outcome).filter(|outcome| *outcome != Outcome::Skipped));
        }
        let Some(total) = total else { return };
        let mut seen = Observation::new(test, case.outcome, total);
        if self.origin.framework() == Some(Framework::Nextest) {
            // The binary is what nextest can run by itself.
            seen.file = Some(case.class_name.clone());
        }
        seen.reason = case.reason.take();
        seen.retries = case.retries;
        if self.origin.framework() == Some(Framework::Playwright) {
            seen.project = self.suites.last().and_then(|suite| suite.host.clone());
        }
        let is_unique = matches!(self.origin.framework(), Some(Framework::Pytest | Framework::Nextest))
            || python_modules::is_python(seen.test.file());
        self.tests.repeats = if is_unique { Repeats::Replace } else { Repeats::AddUp };
        if address.is_subtest {
            self.tests.add_subtest(seen, line);
        } else if case.is_teardown_error {
            self.tests.add_teardown_error(seen, line);
        } else {
            self.tests.add(seen, line);
        }
        self.spare = Some(case);
    }

    /// Returns the time of a test; nothing where it has none that can be used.
    fn total(&mut self, test: &NodeId, case: &Case) -> Option<Micros> {
        let line = Some(case.line);
        let odd = match &case.time {
            Time::Plain(time) => return self.believed(test, case, *time),
            Time::Odd(odd) => Some(odd),
            Time::Missing => None,
        };
        let Some(odd) = odd else {
            if case.outcome == Outcome::Skipped {
                return Some(Micros(0));
            }
            if let Some(suite) = self.suites.last_mut() {
                suite.without_time.push((test.clone(), case.outcome, case.line));
            } else {
                self.tests.warnings.add(WarningKind::NoTime, line, test.as_str());
                self.tests.keep_untimed(test.clone(), case.outcome);
            }
            return None;
        };
        let total = self.tests.timed(test, case.outcome, odd, line)?;
        self.believed(test, case, total)
    }

    /// Returns a time unless the session that it is part of contradicts it.
    fn believed(&mut self, test: &NodeId, case: &Case, total: Micros) -> Option<Micros> {
        let session = self.suites.last().and_then(|suite| suite.time);
        // A test that sets pytest's clock is measured by it. The session's own total is that of every part.
        if self.origin.framework() == Some(Framework::Pytest)
            && total > CLOCK_JUMP
            && session.is_some_and(|session| session.0 > 0 && total > session)
        {
            let subject = format!("{}: {}", test.as_str(), total.as_secs_f64());
            self.tests.warnings.add(WarningKind::ClockJump, Some(case.line), subject);
            self.tests.keep_untimed(test.clone(), case.outcome);
            return None;
        }
        Some(total)
    }

    /// Compares a suite with its tests. One whose tests have no times is kept as a whole.
    fn keep_suite(&mut self, suite: Suite, line: u64) {
        let line = Some(line);
        if self.suites.is_empty() {
            self.sum_of_suites = self.sum_of_suites + suite.time.unwrap_or_default();
            let run = &mut self.tests.run;
            if self.origin.framework() != Some(Framework::Playwright) {
                run.machine = run.machine.take().or(suite.host);
            }
        }
        let mut is_kept_whole = false;
        let ran = suite.worst.or((suite.cases == 0 && suite.claims_tests).then_some(Outcome::Unknown));
        if let (Some(time), Some(worst)) = (suite.time, ran)
            && time.0 > 0
            && suite.timed == 0
            && !suite.has_suites
            // pytest's one suite is its session.
            && self.origin.framework() != Some(Framework::Pytest)
        {
            let parts = [suite.file.as_deref().unwrap_or_default(), &suite.name];
            let id = parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("::");
            if let Ok(test) = id.parse() {
                self.tests.warnings.add(WarningKind::SuiteTimeOnly, line, id);
                let mut seen = Observation::new(test, worst, time);
                seen.unit = UnitKind::Class;
                seen.file = suite.file;
                self.tests.add(seen, line);
                is_kept_whole = true;
            }
        } else if self.origin.framework() != Some(Framework::Pytest)
            && suite.timed > 0
            && !suite.has_suites
            && suite.time.is_some_and(|time| time.0 > suite.sum.0.saturating_add(OVERHEAD.0))
        {
            self.tests.warnings.add(WarningKind::SuiteOverhead, line, suite.name);
        }
        for (test, outcome, line) in suite.without_time {
            if !is_kept_whole {
                self.tests.warnings.add(WarningKind::NoTime, Some(line), test.as_str());
            }
            self.tests.keep_untimed(test, outcome);
        }
    }

    fn finish(mut self) -> (Report, u64) {
        if self.tests.len() == 0 && self.tests.warnings.is_empty() {
            self.tests.warnings.add(WarningKind::EmptySuite, None, "");
        }
        let session = self.session.filter(|time| time.0 > 0).unwrap_or(self.sum_of_suites);
        self.tests.run.session = Some(session).filter(|time| time.0 > 0);
        self.tests.run.framework = self.origin.framework();
        self.tests.finish()
    }

    fn finish_cut_short(mut self, line: u64) -> Result<(Report, u64), IngestErrorKind> {
        // The case that was being read when the file ended says nothing about how it went on.
        let subject = self.case.take().map(|case| case.name).unwrap_or_default();
        while let Some(mut suite) = self.suites.pop() {
            // What a suite says it took holds for tests that are lost.
            suite.time = None;
            self.keep_suite(suite, line);
        }
        if self.tests.len() == 0 {
            return Err(IngestErrorKind::CutShort { what: "test", line });
        }
        self.tests.run.extent = Extent::Partial;
        self.tests.warnings.add(WarningKind::CutShort, Some(line), subject);
        let (mut report, handed_out) = self.finish();
        report.run.session = None;
        Ok((report, handed_out))
    }
}

impl From<XmlError> for Fault {
    fn from(error: XmlError) -> Self {
        Self::Xml(error)
    }
}

impl Fault {
    fn kind(self, line: u64) -> IngestErrorKind {
        match self {
            Self::OtherRoot(root) => format::other_xml(&root),
            Self::Encoding(byte) => IngestErrorKind::Encoding {
                expected: "UTF-8".to_owned(),
                found: format!("byte 0x{byte:02X} does not belong there"),
                line: Some(line),
            },
            Self::Xml(XmlError::Io(error)) => input::fault(error, Some(line)),
            Self::Xml(XmlError::Malformed(problem)) => {
                IngestErrorKind::Malformed { language: "XML", problem, line, column: None }
            }
            Self::Xml(XmlError::CutShort) => IngestErrorKind::CutShort { what: "test", line },
        }
    }
}

/// Returns an attribute that becomes part of an id: it must be what it was written as.
fn text(value: &[u8]) -> Result<Cow<'_, str>, Fault> {
    match std::str::from_utf8(value) {
        Ok(value) => Ok(unescaped(&Cow::Borrowed(value)).into_owned().into()),
        Err(error) => Err(Fault::Encoding(value[error.valid_up_to()])),
    }
}

/// Adds such an attribute to a text.
fn push_text(text: &mut String, value: &[u8]) -> Result<(), Fault> {
    match std::str::from_utf8(value) {
        Ok(value) if memchr::memchr(b'&', value.as_bytes()).is_none() => text.push_str(value),
        Ok(value) => text.push_str(&unescaped(&Cow::Borrowed(value))),
        Err(error) => return Err(Fault::Encoding(value[error.valid_up_to()])),
    }
    Ok(())
}

fn some_text(value: &[u8]) -> Result<Option<String>, Fault> {
    Ok(Some(text(value)?.into_owned()).filter(|text| !text.trim().is_empty()))
}

/// Returns an attribute that people read; a wrong byte in it costs nothing but that byte.
fn lossy(value: &[u8]) -> Cow<'_, str> {
    match String::from_utf8_lossy(value) {
        Cow::Borrowed(text) => match unescape(text) {
            Ok(text) => text,
            Err(_) => Cow::Borrowed(text),
        },
        Cow::Owned(text) => unescaped(&Cow::Borrowed(&text)).into_owned().into(),
    }
}

/// Replaces the entities that XML predefines. A text with an entity of its own is left as it was written. Line
/// ends are kept, though XML makes blanks of them: they show where the first line of a message ends.
fn unescaped<'a>(text: &'a Cow<'a, str>) -> Cow<'a, str> {
    unescape(text).unwrap_or(Cow::Borrowed(text))
}

fn parsed(value: &[u8]) -> Option<Micros> {
    match Seconds::parse(&lossy(value)) {
        Seconds::Plain(time) | Seconds::Local(time) => Some(time),
        _ => None,
    }
}

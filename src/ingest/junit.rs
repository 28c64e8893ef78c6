//! JUnit XML, as pytest writes it in both families, and as other tools do.
//!
//! The file is read as a stream of events: nothing is kept but the tests. Entities beyond the five that XML
//! predefines are never expanded, so a document can't grow while it is read, and no file but itself is opened.

use std::borrow::Cow;
use std::collections::HashMap;
use std::collections::hash_map::Entry;

use quick_xml::escape::unescape;
use quick_xml::events::attributes::Attribute;
use quick_xml::events::{BytesStart, Event};
use quick_xml::reader::Reader;

use super::observation::{Extent, Observation, Outcome, Report, Warning, WarningKind, first_line};
use super::python_modules::SplitClassName;
use super::{Context, IngestErrorKind};
use crate::ids::NodeId;
use crate::time::{Micros, Timestamp};

/// How deep elements may lie in one another. JUnit needs five levels.
const MAX_DEPTH: usize = 256;

/// Returns the name of the first element.
pub(super) fn root_element(text: &str) -> Option<String> {
    let mut reader = Reader::from_str(text);
    loop {
        match reader.read_event() {
            Ok(Event::Start(element) | Event::Empty(element)) => {
                return Some(element.local_name().as_ref().to_owned());
            }
            Ok(Event::Eof) | Err(_) => return None,
            Ok(_) => {}
        }
    }
}

/// Returns whether a document with this first element is JUnit XML.
pub(super) fn is_root(element: &str) -> bool {
    matches!(element, "testsuites" | "testsuite")
}

/// Reads the file.
pub(super) fn read(text: &str, context: &Context) -> Result<Report, IngestErrorKind> {
    let mut reader = Reader::from_str(text);
    let mut document = Document::new(text, context);
    let mut depth = 0_usize;
    loop {
        match reader.read_event() {
            Ok(Event::Start(element)) => {
                depth += 1;
                if depth > MAX_DEPTH {
                    let problem = format!("elements lie more than {MAX_DEPTH} deep in one another");
                    return Err(document.malformed(problem, reader.buffer_position()));
                }
                document.open(&element, depth, reader.buffer_position())?;
            }
            Ok(Event::Empty(element)) => {
                document.open(&element, depth + 1, reader.buffer_position())?;
                document.close(depth + 1);
            }
            Ok(Event::End(_)) => {
                document.close(depth);
                depth = depth.saturating_sub(1);
            }
            Ok(Event::Text(words)) => document.text(&words.xml10_content()),
            Ok(Event::CData(words)) => document.text(&words.xml10_content()),
            Ok(Event::Eof) if depth == 0 => return Ok(document.finish()),
            // Every syntax error of the parser is an input that ends inside of a tag, a comment or the like.
            Ok(Event::Eof) | Err(quick_xml::Error::Syntax(_)) => return document.finish_cut_short(),
            Ok(_) => {}
            Err(error) => return Err(document.malformed(error.to_string(), reader.error_position())),
        }
    }
}

/// What was read so far.
struct Document<'a> {
    text: &'a str,
    context: &'a Context,
    /// Whether pytest wrote it: its class names are Python's.
    from_pytest: bool,
    suite: String,
    report: Report,
    /// Of each observation, in their order.
    origins: Vec<Origin>,
    case: Option<Case>,
    /// The class name that was last taken apart: the tests of a class follow each other.
    last_prefix: Option<(ClassAddress, String)>,
    lines: LineCounter,
}

/// What is needed of an observation to merge it with another one of the same test.
struct Origin {
    offset: u64,
    is_teardown_error: bool,
}

/// An open `<testcase>`.
struct Case {
    depth: usize,
    offset: u64,
    attributes: CaseAttributes,
    outcome: Outcome,
    reason: Option<String>,
    /// The element whose text may give the reason, by its depth.
    reads_text_at: Option<usize>,
    is_teardown_error: bool,
    is_collection: bool,
}

#[derive(Default)]
struct CaseAttributes {
    address: ClassAddress,
    name: String,
    time: Option<String>,
    did_not_run: bool,
}

/// What says where a test is, besides its name.
#[derive(Default, PartialEq, Eq)]
struct ClassAddress {
    class_name: String,
    file: Option<String>,
}

impl<'a> Document<'a> {
    fn new(text: &'a str, context: &'a Context) -> Self {
        Self {
            text,
            context,
            from_pytest: false,
            suite: String::new(),
            report: Report::default(),
            origins: Vec::new(),
            case: None,
            last_prefix: None,
            lines: LineCounter { offset: 0, line: 1 },
        }
    }

    fn open(&mut self, element: &BytesStart<'_>, depth: usize, offset: u64) -> Result<(), IngestErrorKind> {
        let name = element.local_name();
        match (name.as_ref(), &mut self.case) {
            ("testcase", None) => {
                let mut attributes = CaseAttributes::default();
                self.for_each_attribute(element, offset, |key, value| attributes.set(key, value))?;
                self.case = Some(Case::new(attributes, depth, offset));
            }
            (kind @ ("failure" | "error" | "skipped"), Some(case)) if depth == case.depth + 1 => {
                let (mut message, mut kind_of_skip) = (String::new(), String::new());
                let mut case = self.case.take().expect("the pattern holds it");
                self.for_each_attribute(element, offset, |key, value| match key {
                    "message" => message = value.into_owned(),
                    "type" => kind_of_skip = value.into_owned(),
                    _ => {}
                })?;
                case.note(kind, &message, &kind_of_skip, depth);
                self.case = Some(case);
            }
            ("testsuites" | "testsuite", None) => {
                let mut suite = String::new();
                let (mut timestamp, mut host) = (None, None);
                self.for_each_attribute(element, offset, |key, value| match key {
                    "name" => suite = value.into_owned(),
                    "timestamp" => timestamp = Timestamp::parse(&value),
                    "hostname" if !value.trim().is_empty() => host = Some(value.into_owned()),
                    _ => {}
                })?;
                self.from_pytest |= suite == "pytest" || suite == "pytest tests";
                let run = &mut self.report.run;
                // A merged report holds several sessions; the run began with the earliest.
                run.at = [run.at, timestamp].into_iter().flatten().min();
                run.machine = run.machine.take().or(host);
                self.suite = suite;
            }
            _ => {}
        }
        Ok(())
    }

    fn text(&mut self, words: &str) {
        if let Some(case) = &mut self.case
            && case.reads_text_at.is_some()
            && let Some(reason) = first_line(words)
        {
            case.reason = Some(reason);
            case.reads_text_at = None;
        }
    }

    fn close(&mut self, depth: usize) {
        if let Some(case) = &mut self.case {
            if case.reads_text_at == Some(depth) {
                case.reads_text_at = None;
            }
            if case.depth == depth
                && let Some(case) = self.case.take()
            {
                self.keep(case);
            }
        }
    }

    /// Turns a whole `<testcase>` into an observation or a warning.
    fn keep(&mut self, case: Case) {
        let CaseAttributes { address, name, time, .. } = case.attributes;
        if self.from_pytest && (case.is_collection || address.class_name == "pytest" && name == "internal") {
            // A module that can't be imported, or a fault of a plugin: tests are missing from this report.
            if case.outcome != Outcome::Skipped {
                self.report.run.extent = Extent::Partial;
            }
            return self.warn(WarningKind::NotATest, name, case.offset);
        }
        if name.trim().is_empty() {
            return self.warn(WarningKind::NoName, address.class_name, case.offset);
        }
        let id = self.id_prefix(address) + &name;
        let Ok(test) = id.parse::<NodeId>() else {
            return self.warn(WarningKind::NoName, name.chars().take(80).collect(), case.offset);
        };
        let total = match (&time, case.outcome) {
            (Some(time), _) => {
                let Some(total) = time.trim().parse().ok().and_then(Micros::from_secs_f64) else {
                    let subject = format!("{}: {time}", test.as_str());
                    return self.warn(WarningKind::ImpossibleTime, subject, case.offset);
                };
                total
            }
            (None, Outcome::Skipped) => Micros(0),
            (None, _) => return self.warn(WarningKind::NoTime, test.as_str().to_owned(), case.offset),
        };
        self.origins.push(Origin { offset: case.offset, is_teardown_error: case.is_teardown_error });
        self.report.observations.push(Observation {
            test,
            file: None,
            outcome: case.outcome,
            total,
            phases: None,
            reason: case.reason,
        });
    }

    /// Returns the part of the node id before the test's name, `::` included.
    fn id_prefix(&mut self, address: ClassAddress) -> String {
        if let Some((last, prefix)) = &self.last_prefix
            && *last == address
        {
            return prefix.clone();
        }
        let prefix = if let Some(split) = self.python_class(&address) {
            format!("{}::{}", split.file, split.classes)
        } else {
            let file = address.file.as_deref().unwrap_or_default();
            let class = match address.class_name.as_str() {
                "" if file.is_empty() => self.suite.as_str(),
                class if class == file => "",
                class => class,
            };
            let parts = [file, class].into_iter().filter(|part| !part.is_empty());
            parts.fold(String::new(), |id, part| id + part + "::")
        };
        self.last_prefix = Some((address, prefix.clone()));
        prefix
    }

    fn python_class(&self, address: &ClassAddress) -> Option<SplitClassName> {
        let class_name = address.class_name.as_str();
        let python_file = address.file.as_deref().filter(|file| is_python(file));
        if class_name.is_empty() {
            return None;
        }
        if let Some(split) = python_file.and_then(|file| SplitClassName::at_file(class_name, file)) {
            return Some(split);
        }
        if self.from_pytest || python_file.is_some() {
            self.context.modules().split(class_name).or_else(|| SplitClassName::guess(class_name))
        } else {
            // pytest under a suite name of the user's: only a file that really exists tells.
            self.context.modules().split(class_name)
        }
    }

    fn finish(mut self) -> Report {
        self.merge_duplicates();
        self.report.warnings.sort_by_key(|warning| warning.line);
        self.report
    }

    fn finish_cut_short(mut self) -> Result<Report, IngestErrorKind> {
        let end = self.text.len() as u64;
        if self.report.observations.is_empty() {
            return Err(IngestErrorKind::CutShort { what: "test", line: self.lines.line_at(self.text, end) });
        }
        self.report.run.extent = Extent::Partial;
        // The case that was being read when the file ended says nothing about how it went on.
        let subject = self.case.take().map(|case| case.attributes.name).unwrap_or_default();
        self.warn(WarningKind::CutShort, subject, end);
        Ok(self.finish())
    }

    /// Leaves one observation of each test, at the place of its first.
    fn merge_duplicates(&mut self) {
        let mut firsts: HashMap<&str, usize> = HashMap::with_capacity(self.report.observations.len());
        let repeats: Vec<(usize, usize)> = self
            .report
            .observations
            .iter()
            .enumerate()
            .filter_map(|(position, seen)| match firsts.entry(seen.test.as_str()) {
                Entry::Occupied(first) => Some((position, *first.get())),
                Entry::Vacant(free) => {
                    free.insert(position);
                    None
                }
            })
            .collect();
        for &(position, first) in &repeats {
            let later = self.report.observations[position].clone();
            let Origin { offset, is_teardown_error } = self.origins[position];
            let earlier = &mut self.report.observations[first];
            if is_teardown_error {
                // pytest gives the tear-down that broke an entry of its own, with its own time.
                earlier.total = earlier.total + later.total;
                earlier.outcome = Outcome::Error;
                earlier.reason = earlier.reason.take().or(later.reason);
            } else {
                *earlier = later.clone();
            }
            self.warn(WarningKind::Duplicate, later.test.as_str().to_owned(), offset);
        }
        let mut repeats = repeats.into_iter().map(|(position, _)| position).peekable();
        let mut position = 0;
        self.report.observations.retain(|_| {
            let stays = repeats.next_if_eq(&position).is_none();
            position += 1;
            stays
        });
    }

    fn warn(&mut self, kind: WarningKind, subject: String, offset: u64) {
        let line = Some(self.lines.line_at(self.text, offset));
        self.report.warnings.push(Warning { line, kind, subject });
    }

    fn malformed(&self, problem: String, offset: u64) -> IngestErrorKind {
        let mut lines = LineCounter { offset: 0, line: 1 };
        IngestErrorKind::Malformed {
            language: "XML",
            problem,
            line: lines.line_at(self.text, offset),
            column: None,
        }
    }

    fn for_each_attribute(
        &self,
        element: &BytesStart<'_>,
        offset: u64,
        mut take: impl FnMut(&str, Cow<'_, str>),
    ) -> Result<(), IngestErrorKind> {
        let mut attributes = element.attributes();
        for attribute in attributes.with_checks(false) {
            let attribute = attribute.map_err(|error| self.malformed(error.to_string(), offset))?;
            take(attribute.key.local_name().as_ref(), unescaped(&attribute));
        }
        Ok(())
    }
}

impl CaseAttributes {
    fn set(&mut self, key: &str, value: Cow<'_, str>) {
        match key {
            "classname" => self.address.class_name = value.into_owned(),
            "name" => self.name = value.into_owned(),
            "file" if !value.trim().is_empty() => self.address.file = Some(value.into_owned()),
            "time" => self.time = Some(value.into_owned()),
            // GoogleTest's word for a test that it only lists.
            "status" => self.did_not_run = value == "notrun",
            _ => {}
        }
    }
}

impl Case {
    fn new(attributes: CaseAttributes, depth: usize, offset: u64) -> Self {
        Self {
            outcome: if attributes.did_not_run { Outcome::Skipped } else { Outcome::Passed },
            is_collection: attributes.address.class_name.is_empty(),
            attributes,
            depth,
            offset,
            reason: None,
            reads_text_at: None,
            is_teardown_error: false,
        }
    }

    /// Takes in how the test ended.
    fn note(&mut self, element: &str, message: &str, kind: &str, depth: usize) {
        let outcome = match element {
            "failure" => Outcome::Failed,
            "error" => Outcome::Error,
            // A test that fails as expected did run: its time counts, and nothing is wrong with it.
            _ if kind == "pytest.xfail" => Outcome::Passed,
            _ => Outcome::Skipped,
        };
        self.is_teardown_error |= outcome == Outcome::Error && message.contains("teardown");
        // A test can fail and then break in its tear-down: the graver of the two stands.
        if self.outcome != Outcome::Error {
            self.outcome = outcome;
        }
        if self.reason.is_none() {
            self.reason = first_line(message);
            self.reads_text_at = self.reason.is_none().then_some(depth);
        }
    }
}

fn is_python(file: &str) -> bool {
    std::path::Path::new(file).extension().is_some_and(|extension| extension == "py")
}

/// Returns an attribute's value. A value with an entity of its own is left as it was written. Line ends are
/// kept, though XML makes blanks of them: they show where the first line of a message ends.
fn unescaped<'a>(attribute: &Attribute<'a>) -> Cow<'a, str> {
    match &attribute.value {
        Cow::Borrowed(value) => unescape(value).unwrap_or(Cow::Borrowed(value)),
        Cow::Owned(value) => unescape(value).map_or_else(|_| value.clone(), Cow::into_owned).into(),
    }
}

/// Lines of offsets that are asked for in rising order, mostly, so that a file with many warnings is not
/// counted from its start for each.
struct LineCounter {
    offset: usize,
    line: u64,
}

impl LineCounter {
    fn line_at(&mut self, text: &str, offset: u64) -> u64 {
        let offset = usize::try_from(offset).map_or(text.len(), |offset| offset.min(text.len()));
        if offset < self.offset {
            *self = Self { offset: 0, line: 1 };
        }
        let skipped = text.get(self.offset..offset).unwrap_or_default();
        self.line += skipped.matches('\n').count() as u64;
        self.offset = offset;
        self.line
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ingest::PythonModules;

    fn known(paths: &'static [&'static str]) -> Context {
        Context::new(|| paths.iter().map(|&path| path.to_owned()).collect::<PythonModules>())
    }

    fn cases(cases: &str) -> Report {
        let text = format!(
            "<testsuites name=\"pytest tests\"><testsuite name=\"pytest\">\n{cases}</testsuite></testsuites>"
        );
        read(&text, &Context::default()).unwrap()
    }

    fn ids(report: &Report) -> Vec<&str> {
        report.observations.iter().map(|seen| seen.test.as_str()).collect()
    }

    fn kinds(report: &Report) -> Vec<(Option<u64>, WarningKind)> {
        report.warnings.iter().map(|warning| (warning.line, warning.kind)).collect()
    }

    #[test]
    fn ids_of_the_old_family_come_from_the_file() {
        let report = cases(
            r#"<testcase classname="t.test_a.TestA" name="test_x[a::b]" file="t/test_a.py" line="3" time="0.1"/>
            <testcase classname="t.test_a" name="test_y" file="t/test_a.py" time="0.2"/>"#,
        );
        assert_eq!(ids(&report), ["t/test_a.py::TestA::test_x[a::b]", "t/test_a.py::test_y"]);
    }

    #[test]
    fn an_inherited_test_is_where_it_was_collected() {
        let report =
            cases(r#"<testcase classname="t.test_a.TestA" name="test_x" file="t/base.py" time="0.1"/>"#);
        assert_eq!(ids(&report), ["t/test_a.py::TestA::test_x"]);
    }

    #[test]
    fn ids_of_the_new_family_come_from_the_project() {
        let text = r#"<testsuite name="mine"><testcase classname="t.api.describe_x" name="test_y" time="1"/></testsuite>"#;
        let with_files = read(text, &known(&["t/api.py"])).unwrap();
        assert_eq!(ids(&with_files), ["t/api.py::describe_x::test_y"]);
        let without = read(text, &Context::default()).unwrap();
        assert_eq!(ids(&without), ["t.api.describe_x::test_y"]);
    }

    #[test]
    fn ids_of_other_tools_are_class_and_name() {
        let text = r#"<testsuite name="com.FooTest">
            <testcase classname="com.FooTest" name="adds" time="0.1"/>
            <testcase classname="src/a.test.ts" file="src/a.test.ts" name="a &gt; b" time="0.1"/>
            <testcase name="alone" time="0.1"/></testsuite>"#;
        let report = read(text, &Context::default()).unwrap();
        assert_eq!(ids(&report), ["com.FooTest::adds", "src/a.test.ts::a > b", "com.FooTest::alone"]);
    }

    #[test]
    fn every_way_to_end_is_told_apart() {
        let report = cases(
            r#"<testcase classname="t" name="passes" time="1"/>
            <testcase classname="t" name="fails" time="1"><failure message="assert 1 == 2&#10;more">long</failure></testcase>
            <testcase classname="t" name="breaks" time="1"><error>  
                E boom
                at b</error></testcase>
            <testcase classname="t" name="skips" time="0"><skipped type="pytest.skip" message="no redis"/></testcase>
            <testcase classname="t" name="xfails" time="1"><skipped type="pytest.xfail" message="bug 7"/></testcase>
            <testcase classname="t" name="lists"><skipped/></testcase>"#,
        );
        let ends: Vec<_> =
            report.observations.iter().map(|seen| (seen.outcome, seen.reason.as_deref())).collect();
        assert_eq!(
            ends,
            [
                (Outcome::Passed, None),
                (Outcome::Failed, Some("assert 1 == 2")),
                (Outcome::Error, Some("E boom")),
                (Outcome::Skipped, Some("no redis")),
                (Outcome::Passed, Some("bug 7")),
                (Outcome::Skipped, None),
            ]
        );
    }

    #[test]
    fn a_tear_down_that_breaks_adds_its_time() {
        let report = cases(
            r#"<testcase classname="t" name="a" time="1"><failure message="assert"/></testcase>
            <testcase classname="t" name="a" time="0.5"><error message="failed on teardown with &quot;E&quot;"/></testcase>
            <testcase classname="t" name="b" time="1"/>
            <testcase classname="t" name="b" time="3"/>
            <testcase classname="t" name="c" time="7"/>"#,
        );
        let seen: Vec<_> =
            report.observations.iter().map(|seen| (seen.test.as_str(), seen.total.0, seen.outcome)).collect();
        assert_eq!(
            seen,
            [
                ("t.py::a", 1_500_000, Outcome::Error),
                ("t.py::b", 3_000_000, Outcome::Passed),
                ("t.py::c", 7_000_000, Outcome::Passed),
            ]
        );
        assert_eq!(kinds(&report), [(Some(3), WarningKind::Duplicate), (Some(5), WarningKind::Duplicate)]);
    }

    #[test]
    fn impossible_times_are_passed_over_with_their_line() {
        let report = cases(
            "<testcase classname='t' name='a' time='NaN'/>\n<testcase classname='t' name='b' time='-1'/>\n\
             <testcase classname='t' name='c' time='1,234.5'/>\n<testcase classname='t' name='d'/>\n\
             <testcase classname='t' name='e' time=' 1e-3 '/>\n<testcase classname='t' name='' time='1'/>\n",
        );
        assert_eq!(ids(&report), ["t.py::e"]);
        assert_eq!(
            kinds(&report),
            [
                (Some(2), WarningKind::ImpossibleTime),
                (Some(3), WarningKind::ImpossibleTime),
                (Some(4), WarningKind::ImpossibleTime),
                (Some(5), WarningKind::NoTime),
                (Some(7), WarningKind::NoName),
            ]
        );
    }

    #[test]
    fn a_module_that_was_not_collected_is_no_test_and_the_run_not_full() {
        let report = cases(
            r#"<testcase classname="" name="t.test_a" time="0"><error message="collection failure">E</error></testcase>"#,
        );
        assert_eq!(ids(&report), [""; 0]);
        assert_eq!(kinds(&report), [(Some(2), WarningKind::NotATest)]);
        assert_eq!(report.run.extent, Extent::Partial);
    }

    #[test]
    fn the_suite_says_when_and_where_it_ran() {
        let text = r#"<testsuites><testsuite name="pytest" timestamp="2026-06-16T10:00:00+02:00" hostname="box"/>
            <testsuite name="pytest" timestamp="2026-06-16T07:00:00" hostname="other"/></testsuites>"#;
        let run = read(text, &Context::default()).unwrap().run;
        assert_eq!(run.at, Timestamp::parse("2026-06-16T07:00:00Z"));
        assert_eq!(run.machine.as_deref(), Some("box"));
    }

    #[test]
    fn a_cut_file_keeps_its_whole_tests() {
        let whole = "<testsuite name='pytest'>\n<testcase classname='t' name='a' time='1'/>\n\
                     <testcase classname='t' name='b' time='1'></testcase>\n</testsuite>";
        let first_end = whole.find("/>").unwrap() + 2;
        let second_end = whole.find("</testcase>").unwrap() + "</testcase>".len();
        for end in 1..whole.len() {
            match read(&whole[..end], &Context::default()) {
                Ok(report) => {
                    assert_eq!(ids(&report).len(), if end < second_end { 1 } else { 2 }, "{end}");
                    assert_eq!(report.run.extent, Extent::Partial);
                    assert_eq!(report.warnings[0].kind, WarningKind::CutShort);
                }
                Err(IngestErrorKind::CutShort { .. }) => assert!(end < first_end, "{end}"),
                Err(other) => panic!("{end}: {other:?}"),
            }
        }
    }

    #[test]
    fn a_wrong_end_tag_is_named_with_its_line() {
        let error = read("<testsuite>\n<testcase name='a' time='1'>\n</testsuite>", &Context::default());
        assert_eq!(
            error.unwrap_err().to_string(),
            "is not valid XML: ill-formed document: expected `</testcase>`, but `</testsuite>` was found"
        );
    }

    #[test]
    fn entities_are_not_expanded() {
        let text = r#"<!DOCTYPE t [<!ENTITY a "aaaa"><!ENTITY b SYSTEM "file:///etc/passwd">]>
            <testsuite><testcase classname="c" name="&a;&b;&lt;" time="1"/></testsuite>"#;
        assert_eq!(ids(&read(text, &Context::default()).unwrap()), ["c::&a;&b;&lt;"]);
    }

    #[test]
    fn depth_has_an_end() {
        let text = "<testsuite>".repeat(100_000);
        assert!(matches!(read(&text, &Context::default()), Err(IngestErrorKind::Malformed { .. })));
    }
}

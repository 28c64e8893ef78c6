//! What the reader of JUnit XML holds.

use super::super::framework::Framework;
use super::super::observation::{Extent, Outcome, Report, UnitKind};
use super::super::warning::WarningKind;
use super::super::{Context, IngestErrorKind};
use crate::time::{Micros, Timestamp};

fn read(text: &str, context: &Context) -> Result<Report, IngestErrorKind> {
    super::read(text.as_bytes(), context, None).map(|(report, _)| report)
}

fn known(paths: &'static [&'static str]) -> Context {
    Context::new(|| paths.iter().map(|&path| path.to_owned()).collect())
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
    let all = report.warnings.by_kind().flat_map(|(_, _, warnings)| warnings);
    let mut kinds: Vec<_> = all.map(|warning| (warning.line, warning.kind)).collect();
    kinds.sort();
    kinds
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
    let report = cases(r#"<testcase classname="t.test_a.TestA" name="test_x" file="t/base.py" time="0.1"/>"#);
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
fn parts_of_a_test_of_unittest_are_that_test() {
    let text = r#"<testsuite name="nose2-junit">
        <testcase classname="t.test_a.A" name="test_two (i=1)" time="0.25"><failure message="no"/></testcase>
        <testcase classname="t.test_a.A" name="test_two [why] (i=2)" time="0.5"><failure message="nor"/></testcase>
        <testcase classname="t.test_a.A" name="test_p[a (b)]" time="1"/></testsuite>"#;
    let report = read(text, &known(&["t/test_a.py"])).unwrap();
    assert_eq!(ids(&report), ["t/test_a.py::A::test_two", "t/test_a.py::A::test_p[a (b)]"]);
    let two = &report.observations[0];
    assert_eq!((two.total, two.outcome, two.retries), (Micros(750_000), Outcome::Failed, 0));
}

#[test]
fn the_rest_of_a_test_of_unittest_is_no_other_try() {
    // As unittest-xml-reporting writes it: what failed in a sub-test, then the test itself, whose time is that of both.
    let text = r#"<testsuite name="test_s.T">
        <testcase classname="test_s.T" name="test_then (number=1)" time="0.000" file="test_s.py"><failure message="no"/></testcase>
        <testcase classname="test_s.T" name="test_then" time="0.304" file="test_s.py"><failure message="whole"/></testcase>
        <testcase classname="test_s.T" name="test_err (number=1)" time="0.000" file="test_s.py"><failure message="no"/></testcase>
        <testcase classname="test_s.T" name="test_err" time="0.001" file="test_s.py"><skipped message="no"/></testcase>
        <testcase classname="test_s.T" name="test_again" time="2" file="test_s.py"><failure message="no"/></testcase>
        <testcase classname="test_s.T" name="test_again" time="3" file="test_s.py"/></testsuite>"#;
    let report = read(text, &Context::default()).unwrap();
    let seen: Vec<_> = report
        .observations
        .iter()
        .map(|seen| (seen.test.as_str(), seen.total.0, seen.outcome, seen.retries))
        .collect();
    assert_eq!(
        seen,
        [
            ("test_s.py::T::test_then", 304_000, Outcome::Failed, 0),
            ("test_s.py::T::test_err", 1_000, Outcome::Failed, 0),
            ("test_s.py::T::test_again", 3_000_000, Outcome::Passed, 1),
        ]
    );
    assert_eq!(report.warnings.count(WarningKind::Subtest), 2);
    assert_eq!(report.warnings.count(WarningKind::Retried), 1);
}

#[test]
fn a_scenario_is_in_no_module_of_its_features_name() {
    let text = r#"<testsuite name="login.Login"><testcase classname="login.Login" name="Wrong password" time="1"/></testsuite>"#;
    let report = read(text, &known(&["features/login.py"])).unwrap();
    assert_eq!(ids(&report), ["login.Login::Wrong password"]);
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
    assert_eq!(kinds(&report), [(Some(3), WarningKind::TeardownError), (Some(5), WarningKind::Duplicate)]);
}

#[test]
fn impossible_times_are_passed_over_with_their_line() {
    let report = cases(
        "<testcase classname='t' name='a' time='NaN'/>\n<testcase classname='t' name='b' time='-1'/>\n\
         <testcase classname='t' name='c' time='1,234'/>\n<testcase classname='t' name='d'/>\n\
         <testcase classname='t' name='e' time=' 1e-3 '/>\n<testcase classname='t' name='' time='1'/>\n",
    );
    assert_eq!(ids(&report), ["t.py::e"]);
    assert_eq!(
        kinds(&report),
        [
            (Some(2), WarningKind::ImpossibleTime),
            (Some(3), WarningKind::ImpossibleTime),
            (Some(4), WarningKind::AmbiguousTime),
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
    assert_eq!(kinds(&report), [(Some(2), WarningKind::NotCollected)]);
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
                assert_eq!(report.warnings.count(WarningKind::CutShort), 1);
            }
            Err(IngestErrorKind::CutShort { .. }) => assert!(end < first_end, "{end}"),
            Err(other) => panic!("{end}: {other:?}"),
        }
    }
}

#[test]
fn a_suite_whose_tests_have_no_times_is_kept_as_a_whole() {
    let text = r#"<testsuites><testsuite name="Cart" time="2.5" tests="2"><testcase name="adds"/>
        <testcase name="sums"><failure/></testcase></testsuite>
        <testsuite name="Shop" time="1" tests="2"><testcase name="a" time="0.5"/><testcase name="b"/></testsuite></testsuites>"#;
    let report = read(text, &Context::default()).unwrap();
    let seen: Vec<_> = report
        .observations
        .iter()
        .map(|seen| (seen.test.as_str(), seen.total.0, seen.outcome, seen.unit))
        .collect();
    assert_eq!(
        seen,
        [
            ("Cart", 2_500_000, Outcome::Failed, UnitKind::Class),
            ("Shop::a", 500_000, Outcome::Passed, UnitKind::Test)
        ]
    );
    let untimed: Vec<_> = report.untimed.iter().map(|test| test.test.as_str()).collect();
    assert_eq!(untimed, ["Cart::adds", "Cart::sums", "Shop::b"]);
    assert_eq!(report.warnings.count(WarningKind::SuiteTimeOnly), 1);
    assert_eq!(report.warnings.count(WarningKind::NoTime), 1);
}

#[test]
fn tries_in_vain_are_counted() {
    let text = r#"<testsuite name="x"><testcase classname="c" name="flaky" time="1"><flakyFailure message="no"/></testcase>
        <testcase classname="c" name="broken" time="1"><failure/><rerunFailure/><rerunFailure/></testcase>
        <testcase classname="c" name="listed" time="1"><failure message="no"/></testcase>
        <testcase classname="c" name="listed" time="2"/>
        <testcase classname="c" name="cases" time="1"/><testcase classname="c" name="cases" time="2"/></testsuite>"#;
    let report = read(text, &Context::default()).unwrap();
    let seen: Vec<_> = report
        .observations
        .iter()
        .map(|seen| (seen.test.as_str(), seen.total.0, seen.outcome, seen.retries))
        .collect();
    assert_eq!(
        seen,
        [
            ("c::flaky", 1_000_000, Outcome::Passed, 1),
            ("c::broken", 1_000_000, Outcome::Failed, 2),
            ("c::listed", 2_000_000, Outcome::Passed, 1),
            ("c::cases", 3_000_000, Outcome::Passed, 0),
        ]
    );
}

#[test]
fn every_tool_has_ids_of_its_own() {
    for (text, framework, expected) in [
        (
            r#"<testsuites name="nextest-run" uuid="1"><testsuite name="a::b"><testcase classname="a::b" name="x::t" time="1"/></testsuite></testsuites>"#,
            Some(Framework::Nextest),
            "a::b$x::t",
        ),
        (
            "<testsuites><testsuite name='cart.spec.ts' hostname='chromium'><testcase classname='cart.spec.ts' name='cart › adds' time='1'/></testsuite></testsuites>",
            Some(Framework::Playwright),
            "cart.spec.ts::[chromium] › cart › adds",
        ),
        (
            r#"<testsuites name="vitest tests"><testsuite name="src/a.test.ts"><testcase classname="src/a.test.ts" name="a &gt; b" time="1"/></testsuite></testsuites>"#,
            Some(Framework::Vitest),
            "src/a.test.ts::a > b",
        ),
        (
            r#"<testsuites name="jest tests"><testsuite name="cart"><testcase classname="cart adds" name="cart adds" time="1"/></testsuite></testsuites>"#,
            Some(Framework::Jest),
            "cart adds",
        ),
        (
            r#"<testsuite name="rspec"><testcase classname="spec.models.a_spec" name="adds" file="./spec/models/a_spec.rb" time="1"/></testsuite>"#,
            Some(Framework::Rspec),
            "spec/models/a_spec.rb::adds",
        ),
        (
            r#"<testsuites><testsuite name="A"><testcase name="testX" class="A" classname="A" file="/ci/tests/ATest.php" assertions="1" time="1"/></testsuite></testsuites>"#,
            Some(Framework::Phpunit),
            "tests/ATest.php::A::testX",
        ),
        (
            r#"<testsuite name="Linux"><testcase classname="unit_a" name="unit_a" status="run" time="1"/></testsuite>"#,
            Some(Framework::Ctest),
            "unit_a",
        ),
        (
            r#"<testsuite name="m/p"><properties><property name="go.version" value="1.24"/></properties><testcase classname="m/p" name="TestX" time="1"/></testsuite>"#,
            Some(Framework::Go),
            "m/p::TestX",
        ),
        (
            r#"<testsuites name="Mocha Tests"><testsuite name="Root Suite" file="cypress/e2e/a.cy.ts"/><testsuite name="Cart"><testcase classname="adds" name="Cart adds" time="1"/></testsuite></testsuites>"#,
            Some(Framework::Mocha),
            "cypress/e2e/a.cy.ts::Cart adds",
        ),
    ] {
        let context = Context::new(|| vec!["tests/ATest.php".to_owned()]);
        let report = read(text, &context).unwrap();
        assert_eq!((report.run.framework, ids(&report).as_slice()), (framework, &[expected][..]), "{text}");
    }
}

#[test]
fn a_clock_that_jumps_measures_nothing() {
    let text = r#"<testsuite name="pytest" time="10.5"><testcase classname="t" name="a" time="86400.0"/>
        <testcase classname="t" name="b" time="10.0"/></testsuite>"#;
    let report = read(text, &Context::default()).unwrap();
    assert_eq!(ids(&report), ["t.py::b"]);
    assert_eq!(report.warnings.count(WarningKind::ClockJump), 1);
    assert_eq!(report.run.session, Some(Micros(10_500_000)));
}

#[test]
fn a_wrong_end_tag_is_named_with_its_line() {
    let error = read("<testsuite>\n<testcase name='a' time='1'>\n</testsuite>", &Context::default());
    assert_eq!(
        error.unwrap_err().to_string(),
        "is not valid XML: expected `</testcase>`, but `</testsuite>` was found"
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

//! One rule a file. Its module documentation is what `shardplan audit --explain` prints.

pub(super) mod always_skipped;
pub(super) mod combine_before_completeness;
pub(super) mod connects_at_import;
pub(super) mod dragging_autouse;
pub(super) mod duplicate_key;
pub(super) mod empty_selection;
pub(super) mod empty_upload;
pub(super) mod gate_that_skips;
pub(super) mod gate_without_a_lane;
pub(super) mod hidden_file_not_uploaded;
pub(super) mod idle_job_service;
pub(super) mod idle_service;
pub(super) mod ignore_without_rule;
pub(super) mod in_no_lane;
pub(super) mod in_two_lanes;
pub(super) mod lane_lacks_service;
pub(super) mod marked_without_need;
pub(super) mod more_jobs_than_runners;
pub(super) mod need_not_followed;
pub(super) mod no_history;
pub(super) mod outsized_unit;
pub(super) mod parallel_for_ci_only;
pub(super) mod paths_not_mapped;
pub(super) mod report_after_threshold;
pub(super) mod selects_nothing;
pub(super) mod serial_tests_in_workers;
pub(super) mod shadowed_test;
pub(super) mod shared_data_file;
pub(super) mod silent_skip;
pub(super) mod stale_durations;
pub(super) mod switch_on_some_lanes;
pub(super) mod threshold_of_a_part;
pub(super) mod timeout_below_usual;
pub(super) mod unmarked_service;
pub(super) mod unreadable_file;
pub(super) mod unregistered_mark;
pub(super) mod unstable_ids;
pub(super) mod unused_mark;

use super::context::Context;
use super::finding::Finding;
use crate::ids::ServiceName;
use crate::inventory::python::{SourceNeed, TestFunction};

/// Fixtures of pytest and its plugins that open nothing.
const HARMLESS: &[&str] = &[
    "request",
    "tmp_path",
    "tmpdir",
    "tmp_path_factory",
    "tmpdir_factory",
    "monkeypatch",
    "capsys",
    "capfd",
    "caplog",
    "capsysbinary",
    "capfdbinary",
    "recwarn",
    "cache",
    "pytestconfig",
    "record_property",
    "record_testsuite_property",
    "record_xml_attribute",
    "doctest_namespace",
    "pytester",
    "testdir",
    "mocker",
    "event_loop",
    "event_loop_policy",
    "anyio_backend",
    "benchmark",
    "faker",
    "freezer",
    "respx_mock",
    "httpx_mock",
    "requests_mock",
    "rf",
    "settings",
    "subtests",
    "worker_id",
    "unused_tcp_port",
    "unused_tcp_port_factory",
    "class_mocker",
    "module_mocker",
    "session_mocker",
    "snapshot",
    "aiohttp_client",
    "aiohttp_server",
    "fs",
    "time_machine",
    "client",
    "async_client",
    "django_assert_num_queries",
    "mailoutbox",
];

fn is_harmless(fixture: &str) -> bool {
    HARMLESS.contains(&fixture)
}

/// Adds the way from a test to the service, step by step.
fn with_way(finding: Finding, need: &SourceNeed) -> Finding {
    const SHOWN: usize = 6;
    let count = need.steps.len();
    let mut finding = finding;
    for (at, step) in need.steps.iter().enumerate() {
        if at >= SHOWN - 1 && at + 1 < count {
            continue;
        }
        finding =
            finding.with_note(step.said((at + 1 == count).then_some(&*need.what)), Some(step.place.clone()));
    }
    finding
}

/// Adds the first few tests that a finding is about, each with what gives it away.
fn with_examples(
    context: &Context<'_>,
    finding: Finding,
    functions: &[&TestFunction],
    service: &ServiceName,
) -> Finding {
    const SHOWN: usize = 3;
    let mut finding = finding;
    for function in functions.iter().take(SHOWN) {
        let need = context.firm_needs(function).find(|need| need.service == *service);
        let what = need.map_or_else(String::new, |need| format!(" ({})", need.what));
        finding = finding.with_note(format!("`{}` does{what}", function.id), Some(function.place.clone()));
    }
    if functions.len() > SHOWN {
        finding = finding.with_note(format!("and {} more", functions.len() - SHOWN), None);
    }
    finding
}

/// Keeps one finding for each place: a mark on a class is one fault, however many tests inherit it.
fn one_per_spot(mut findings: Vec<Finding>) -> Vec<Finding> {
    findings.sort_by(|a, b| (&a.spot, &a.identity).cmp(&(&b.spot, &b.identity)));
    findings.dedup_by(|a, b| a.spot == b.spot);
    findings
}

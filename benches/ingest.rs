//! How fast the readers are, as ratios within one run: `cargo bench --bench ingest`.
//!
//! Each format reads the same 20,000 tests, so that the rows can be compared with one another. `beside_junitparser.py`
//! compares the program with another reader.

use std::fmt::Write as _;

use divan::counter::BytesCount;
use divan::{Bencher, black_box};
use shardplan::ingest::{self, Context};

const TESTS: usize = 20_000;

fn main() {
    divan::main();
}

fn read(bencher: Bencher<'_, '_>, text: &str) {
    let context = Context::default();
    bencher
        .counter(BytesCount::of_str(text))
        .bench(|| ingest::read(black_box(text.as_bytes()), "bench", &context).expect("the text is a report"));
}

/// Returns the class and the name of a test: some twenty tests follow each other in a class.
fn address(number: usize) -> (String, String) {
    let class = number / 20;
    (
        format!("tests.integration.pkg{}.test_module_{class}.TestClass", class % 97),
        format!("test_case_{number}[{}]", number % 31),
    )
}

fn junit(output_lines: usize) -> String {
    let mut text = "<testsuites><testsuite name=\"pytest\">".to_owned();
    for number in 0..TESTS {
        let (class, name) = address(number);
        let _ =
            write!(text, "<testcase classname=\"{class}\" name=\"{name}\" time=\"0.{:03}\">", number % 1000);
        if output_lines > 0 {
            let _ = write!(
                text,
                "<system-out>{}</system-out>",
                "a line of captured output &amp; more\n".repeat(output_lines)
            );
        }
        text += "</testcase>\n";
    }
    text + "</testsuite></testsuites>"
}

#[divan::bench]
fn junit_of_tests_alone(bencher: Bencher<'_, '_>) {
    read(bencher, &junit(0));
}

#[divan::bench]
fn junit_with_output(bencher: Bencher<'_, '_>) {
    read(bencher, &junit(20));
}

#[divan::bench]
fn test_durations(bencher: Bencher<'_, '_>) {
    let lines: Vec<String> = (0..TESTS)
        .map(|number| {
            let (class, name) = address(number);
            format!("    \"{}.py::TestClass::{name}\": 0.{:06}", class.replace('.', "/"), number)
        })
        .collect();
    read(bencher, &format!("{{\n{}\n}}", lines.join(",\n")));
}

#[divan::bench]
fn reportlog(bencher: Bencher<'_, '_>) {
    let mut text = String::new();
    for number in 0..TESTS {
        let (class, name) = address(number);
        for when in ["setup", "call", "teardown"] {
            let _ = writeln!(
                text,
                "{{\"nodeid\": \"{class}.py::{name}\", \"outcome\": \"passed\", \"longrepr\": null, \"when\": \"{when}\", \
                 \"duration\": 0.25, \"$report_type\": \"TestReport\"}}"
            );
        }
    }
    text += "{\"exitstatus\": 0, \"$report_type\": \"SessionFinish\"}\n";
    read(bencher, &text);
}

#[divan::bench]
fn csv(bencher: Bencher<'_, '_>) {
    let mut text = "test,seconds,outcome\n".to_owned();
    for number in 0..TESTS {
        let (class, name) = address(number);
        let _ = writeln!(text, "{class}.py::{name},0.25,passed");
    }
    read(bencher, &text);
}

//! Measures what a question to a history costs: one line of the table in `docs/history.md`.
//!
//! ```console
//! $ cargo run --release --example history_cost -- FOLDER
//! ```
//!
//! One question a process, so that the peak of its memory is its own; `examples/history_cost.sh` makes the table.

#![expect(clippy::print_stdout, reason = "an example says what it measured")]
#![expect(clippy::disallowed_methods, reason = "a measurement needs a clock")]

use std::path::PathBuf;
use std::time::Instant;

use shardplan::config::HalfLife;
use shardplan::estimate::Estimates;
use shardplan::history::{self, Detail, Filter, Store};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut words = std::env::args().skip(1);
    let usage = "usage: history_cost FOLDER estimates|runs|show|compact";
    let folder: PathBuf = words.next().ok_or(usage)?.into();
    let question = words.next().ok_or(usage)?;
    let store = Store::of_project(&folder);
    let all = Filter::default();
    let start = Instant::now();
    let answer = match question.as_str() {
        "estimates" => {
            let observed = history::load_detail(&store, &all, Detail::Times)?;
            let read = start.elapsed();
            let estimates = Estimates::from_history(&observed, HalfLife::default());
            let millis: f64 =
                observed.tests.iter().map(|test| estimates.of(&test.test, &test.file).mean).sum();
            // The end of the process frees it all; to do so here would be measured as well.
            let (tests, seen) = (observed.tests.len(), observed.observations());
            std::mem::forget(observed);
            format!(
                "{tests} tests, {seen} observations, {:.0} s of tests, read after {:.2} s",
                millis / 1000.0,
                read.as_secs_f64()
            )
        }
        "runs" => format!("{} runs", history::load_runs(&store, &all)?.whole_runs.len()),
        "show" => {
            let test = "tests/integration/area_0/test_feature_0.py::TestFeature0::test_case_0[0]".parse()?;
            let observed = history::load_test(&store, &all, &test)?;
            format!("{} observations", observed.observations())
        }
        "compact" => format!("{:?}", history::compact(&store, false)?),
        _ => return Err(usage.into()),
    };
    let seconds = start.elapsed().as_secs_f64();
    println!("{question}\t{seconds:.2} s\t{:.2} s\t{} MB\t{answer}", processor_seconds(), peak_megabytes());
    Ok(())
}

/// Returns the largest memory the process ever held, as Linux counts it; 0 elsewhere.
fn peak_megabytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kilobytes = peak.and_then(|peak| peak.trim().trim_end_matches(" kB").parse::<u64>().ok());
    kilobytes.unwrap_or(0).div_ceil(1024)
}

/// Returns the time that the processors spent, over all threads, as Linux counts it; 0 elsewhere. On a machine
/// with other work to do it says more than the clock.
fn processor_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let after_name = stat.rsplit(')').next().unwrap_or_default();
    let ticks = after_name.split_whitespace().skip(11).take(2).filter_map(|word| word.parse::<f64>().ok());
    // Linux tells user space of a hundred ticks a second, whatever it counts by itself.
    ticks.sum::<f64>() / 100.0
}

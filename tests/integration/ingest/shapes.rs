//! Small files in the shape that each tool documents, and what happens when they are cut or spoilt.

use std::fs;
use std::path::{Path, PathBuf};

use shardplan::ingest::{self, Context, Format};

/// Returns the samples: `tests/fixtures/formats/<format>[.<what>].<extension>`.
fn samples() -> Vec<(String, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/formats");
    let mut paths: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    let name = |path: &PathBuf| path.file_name().unwrap().to_str().unwrap().to_owned();
    paths.iter().map(|path| (name(path), fs::read(path).unwrap())).collect()
}

#[test]
fn every_format_has_a_sample_and_is_recognised_in_it() {
    let mut seen = Vec::new();
    for (name, bytes) in samples() {
        let contents = ingest::read(&bytes, &name, &Context::default()).unwrap();
        assert_eq!(name.split('.').next(), Some(contents.format.as_str()), "{name}");
        let found: usize =
            contents.reports.iter().map(|report| report.observations.len() + report.jobs.len()).sum();
        assert!(found > 0, "{name}");
        seen.push(contents.format);
    }
    for format in Format::ALL {
        // The store's own files are made by the store; see the tests of the command line.
        assert!(seen.contains(format) || *format == Format::Parquet, "{format} has no sample");
    }
}

#[test]
fn a_file_that_is_cut_anywhere_says_less_and_never_more() {
    for (name, bytes) in samples() {
        let whole = ingest::read(&bytes, &name, &Context::default()).unwrap();
        let tests: Vec<&str> = whole
            .reports
            .iter()
            .flat_map(|report| &report.observations)
            .map(|seen| seen.test.as_str())
            .collect();
        for end in 0..bytes.len() {
            let Ok(cut) = ingest::read(&bytes[..end], &name, &Context::default()) else { continue };
            for seen in cut.reports.iter().flat_map(|report| &report.observations) {
                // A table of a single column of numbers can lose digits and still be one.
                let is_table = matches!(whole.format, Format::Csv);
                assert!(
                    is_table || tests.contains(&seen.test.as_str()),
                    "{name} cut at {end}: {}",
                    seen.test
                );
            }
        }
    }
}

#[test]
fn a_byte_that_is_wrong_never_ends_the_program() {
    for (name, bytes) in samples() {
        for at in 0..bytes.len() {
            for wrong in [0, b'<', b'"', b'{', b'9', 0xFF] {
                let mut spoilt = bytes.clone();
                spoilt[at] = wrong;
                let _ = ingest::read(&spoilt, &name, &Context::default());
            }
        }
    }
}

#[test]
fn batches_say_what_one_reading_says() {
    for (name, bytes) in samples() {
        let whole = ingest::read(&bytes, &name, &Context::default()).unwrap();
        let mut handed_out = std::collections::BTreeMap::<usize, Vec<ingest::Observation>>::new();
        let mut take = |batch: &mut Vec<(usize, Vec<ingest::Observation>)>| {
            for (report, observations) in batch.drain(..) {
                handed_out.entry(report).or_default().extend(observations);
            }
        };
        let mut batches = ingest::Batches { size: 2, take: &mut take };
        let parts = ingest::read_stream(&bytes[..], &name, &Context::default(), Some(&mut batches)).unwrap();
        let all = handed_out.values().map(Vec::len).sum::<usize>();
        assert_eq!(parts.handed_out, all as u64, "{name}");
        if parts.handed_out > 0 {
            let tests = |seen: &[ingest::Observation]| -> std::collections::BTreeSet<String> {
                seen.iter().map(|seen| seen.test.as_str().to_owned()).collect()
            };
            assert_eq!(parts.reports.len(), whole.reports.len(), "{name}");
            for (at, report) in whole.reports.iter().enumerate() {
                assert_eq!(tests(&handed_out[&at]), tests(&report.observations), "{name}");
                assert_eq!(parts.reports[at].run, report.run, "{name}");
            }
        }
    }
}

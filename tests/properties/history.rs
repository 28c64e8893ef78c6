//! The history gives back what was put into it: through the store, and through an export.

#![expect(clippy::unwrap_used, reason = "a test ends at the first thing that fails")]

use std::collections::BTreeMap;

use proptest::prelude::*;
use shardplan::config::HalfLife;
use shardplan::estimate::Estimates;
use shardplan::history::{self, Added, Digest, Filter, Observed, Store, Which};
use shardplan::ingest::{
    self, Context, Extent, Format, Observation, Outcome, Phases, Report, RunFacts, UnitKind,
};
use shardplan::time::{Micros, Timestamp};
use tempfile::TempDir;

/// Returns any text that can stand in a cell: CSV reads no difference between a blank cell and none.
fn cell() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-z0-9/._-]{1,12}",
        // What breaks readers: quotes, separators, other scripts, escapes.
        r#"[a-z"',;=\\é世%{}\[\]:|-]{1,12}"#,
    ]
}

fn micros() -> impl Strategy<Value = Micros> {
    prop_oneof![Just(0), 0..1_000_u64, 0..100_000_000_u64, 0..315_000_000_000_000_u64].prop_map(Micros)
}

fn phases() -> impl Strategy<Value = Phases> {
    (micros(), micros(), micros()).prop_map(|(setup, call, teardown)| Phases { setup, call, teardown })
}

fn outcome() -> impl Strategy<Value = Outcome> {
    use Outcome::{Error, Failed, Passed, Skipped, Unknown};
    prop::sample::select(vec![Passed, Failed, Error, Skipped, Unknown])
}

fn observation() -> impl Strategy<Value = Observation> {
    let test = (cell(), prop_oneof!["[a-z]{1,8}", r#"[a-z]{1,4}\[[a-z:"',|é]{0,8}\]"#])
        .prop_map(|(file, name)| format!("{file}.py::{name}").parse().unwrap());
    let more = (prop::option::of(phases()), prop::option::of(cell()), unit(), 0..3_u32);
    let places = (prop::option::of(cell()), prop::option::of(cell()));
    (test, outcome(), micros(), more, places).prop_map(
        |(test, outcome, total, (phases, reason, unit, retries), (worker, project))| Observation {
            phases,
            reason,
            unit,
            retries,
            worker,
            project,
            ..Observation::new(test, outcome, total)
        },
    )
}

fn unit() -> impl Strategy<Value = UnitKind> {
    prop::sample::select(vec![UnitKind::Test, UnitKind::Class, UnitKind::File])
}

fn facts() -> impl Strategy<Value = RunFacts> {
    let names = (
        prop::option::of(cell()),
        prop::option::of(cell()),
        prop::option::of(cell()),
        prop::option::of(cell()),
        prop::option::of("[a-z][a-z0-9_-]{0,8}"),
    );
    let services = prop::option::of(prop::collection::vec("[a-z]{1,6}", 0..3));
    let extent = prop::sample::select(vec![Extent::Full, Extent::Partial, Extent::Unknown]);
    (names, prop::option::of(1..9_u32), 0..4_000_000_000_000_i64, services, extent).prop_map(
        |((commit, branch, shard, machine, lane), attempt, at, services, extent)| RunFacts {
            run: None,
            attempt,
            commit,
            branch,
            at: Some(Timestamp(at)),
            lane: lane.map(|lane| lane.parse().unwrap()),
            shard,
            machine,
            services: services.map(|names| names.iter().map(|name| name.parse().unwrap()).collect()),
            extent,
            ..RunFacts::default()
        },
    )
}

/// Returns the reports of one file; no run has the same test twice, as no reader gives. Runs of different files
/// have different ids: what is told twice is the business of laws of its own.
fn reports() -> impl Strategy<Value = Vec<Report>> {
    let report = (facts(), prop::collection::vec(observation(), 1..8)).prop_map(|(run, mut observations)| {
        observations.sort_by(|one, other| one.test.cmp(&other.test));
        observations.dedup_by(|one, other| one.test == other.test);
        Report { run, observations, ..Report::default() }
    });
    (prop::collection::vec(report, 1..4), "[a-z0-9]{12}").prop_map(|(mut reports, file)| {
        for (number, report) in reports.iter_mut().enumerate() {
            report.run.run = Some(format!("run-{file}-{number}"));
        }
        reports
    })
}

/// Returns every observation with its run, in an order that does not depend on how they were stored.
fn flat(observed: &Observed) -> Vec<(RunFacts, Observation)> {
    let samples =
        observed.tests.iter().flat_map(|test| test.samples.iter().map(move |sample| (test, sample)));
    sorted(samples.map(|(test, sample)| {
        let observation = Observation {
            phases: sample.phases(),
            reason: sample.reason.as_deref().map(str::to_owned),
            unit: sample.unit,
            retries: sample.retries.into(),
            worker: sample.worker().map(str::to_owned),
            project: sample.project().map(str::to_owned),
            ..Observation::new(test.test.clone(), sample.outcome, sample.total)
        };
        (observed.runs[sample.run].facts.clone(), observation)
    }))
}

fn flat_reports(files: &[Vec<Report>]) -> Vec<(RunFacts, Observation)> {
    sorted(files.iter().flatten().flat_map(|report| {
        report.observations.iter().map(|observation| (report.run.clone(), observation.clone()))
    }))
}

fn sorted(rows: impl Iterator<Item = (RunFacts, Observation)>) -> Vec<(RunFacts, Observation)> {
    let mut rows: Vec<_> = rows.collect();
    rows.sort_by_cached_key(|row| format!("{row:?}"));
    rows
}

/// Stores one file per item and returns the folder that holds the history.
fn stored<'a>(files: impl Iterator<Item = (usize, &'a Vec<Report>)>) -> (TempDir, Store) {
    let folder = TempDir::new().unwrap();
    let store = Store::of_project(folder.path());
    for (number, reports) in files {
        let digest = Digest::of(&number.to_le_bytes());
        assert_eq!(store.add(&digest, Format::Csv, "a.csv", reports).unwrap(), Added::Stored);
        assert_eq!(store.add(&digest, Format::Csv, "b.csv", reports).unwrap(), Added::AlreadyThere);
    }
    (folder, store)
}

/// Stores every run as a file of its own.
fn stored_apart(files: &[Vec<Report>]) -> (TempDir, Store) {
    let folder = TempDir::new().unwrap();
    let store = Store::of_project(folder.path());
    for report in files.iter().flatten() {
        let digest = Digest::of(report.run.run.as_deref().unwrap().as_bytes());
        store.add(&digest, Format::JUnit, "apart.xml", std::slice::from_ref(report)).unwrap();
    }
    (folder, store)
}

/// Returns what is expected of every test, to the last bit.
fn expected(observed: &Observed) -> BTreeMap<String, String> {
    let estimates = Estimates::from_history(observed, HalfLife::default());
    let of = |test: &history::TestHistory| {
        (estimates.of(&test.test, &test.file), estimates.skips(&test.test).cloned())
    };
    observed.tests.iter().map(|test| (test.test.to_string(), format!("{:?}", of(test)))).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, ..ProptestConfig::default() })]

    #[test]
    fn the_store_gives_back_what_was_put_into_it(files in prop::collection::vec(reports(), 1..4)) {
        let (_folder, store) = stored(files.iter().enumerate());
        let observed = history::load(&store, &Filter::default()).unwrap();
        prop_assert_eq!(flat(&observed), flat_reports(&files));
        prop_assert!(observed.whole_runs.iter().map(|run| run.at).is_sorted());
        prop_assert!(observed.tests.iter().map(|test| &test.test).is_sorted());
    }

    #[test]
    fn the_order_of_ingests_changes_nothing(files in prop::collection::vec(reports(), 1..4)) {
        let (_one, forwards) = stored(files.iter().enumerate());
        let (_other, backwards) = stored(files.iter().enumerate().rev());
        let load = |store| history::load(store, &Filter::default()).unwrap();
        prop_assert_eq!(load(&forwards), load(&backwards));
    }

    #[test]
    fn what_an_export_tells_again_is_counted_once(files in prop::collection::vec(reports(), 1..4)) {
        let (_folder, store) = stored(files.iter().enumerate());
        let before = history::load(&store, &Filter::default()).unwrap();
        let mut csv = Vec::new();
        history::export_csv(&before, &mut csv).unwrap();
        let told_again = ingest::read(&csv, "again.csv", &Context::default()).unwrap();
        store.add(&Digest::of(&csv), told_again.format, "again.csv", &told_again.reports).unwrap();
        let after = history::load(&store, &Filter::default()).unwrap();
        prop_assert_eq!(flat(&after), flat(&before));
        prop_assert_eq!(expected(&after), expected(&before));
    }

    #[test]
    fn names_and_order_of_the_files_change_no_estimate(files in prop::collection::vec(reports(), 1..4)) {
        let (_one, forwards) = stored(files.iter().enumerate());
        // Other bytes say the same under other names: another digest, another source.
        let (_other, backwards) = stored(files.iter().enumerate().map(|(at, file)| (at + 100, file)).rev());
        let load = |store| history::load(store, &Filter::default()).unwrap();
        prop_assert_eq!(expected(&load(&forwards)), expected(&load(&backwards)));
        let (_split, apart) = stored_apart(&files);
        prop_assert_eq!(expected(&load(&apart)), expected(&load(&forwards)));
    }

    #[test]
    fn compaction_changes_nothing_that_is_read(files in prop::collection::vec(reports(), 1..6)) {
        let (folder, store) = stored(files.iter().enumerate());
        let before = history::load(&store, &Filter::default()).unwrap();
        history::compact(&store, false).unwrap();
        prop_assert_eq!(&history::load(&store, &Filter::default()).unwrap(), &before);
        // A fresh handle knows nothing but what lies in the folder.
        let store = Store::of_project(folder.path());
        for (number, reports) in files.iter().enumerate() {
            let digest = Digest::of(&number.to_le_bytes());
            prop_assert_eq!(store.add(&digest, Format::Csv, "a.csv", reports).unwrap(), Added::AlreadyThere);
        }
        let again = history::compact(&store, false).unwrap();
        prop_assert_eq!(again.files_before, again.files_after);
    }

    #[test]
    fn what_is_forgotten_is_what_a_look_at_every_run_forgets(
        files in prop::collection::vec(reports(), 1..5),
        before in 0..4_000_000_000_000_i64,
        compacted in any::<bool>(),
    ) {
        let (_folder, store) = stored(files.iter().enumerate());
        if compacted {
            history::compact(&store, false).unwrap();
        }
        let which = Which { before: Some(Timestamp(before)), ..Which::default() };
        let pretended = history::prune(&store, &which, true).unwrap();
        let pruned = history::prune(&store, &which, false).unwrap();
        prop_assert_eq!(pretended, pruned);
        let mut left: Vec<Vec<Report>> = files.clone();
        for reports in &mut left {
            reports.retain(|report| report.run.at >= Some(Timestamp(before)));
        }
        let observed = history::load(&store, &Filter::default()).unwrap();
        prop_assert_eq!(flat(&observed), flat_reports(&left));
        // A store that was pruned can be compacted and filled again.
        for (number, reports) in files.iter().enumerate() {
            store.add(&Digest::of(&number.to_le_bytes()), Format::Csv, "a.csv", reports).unwrap();
        }
        history::compact(&store, false).unwrap();
        let again = flat(&history::load(&store, &Filter::default()).unwrap());
        prop_assert!(flat_reports(&left).iter().all(|row| again.contains(row)));
    }

    #[test]
    fn less_detail_changes_no_estimate(files in prop::collection::vec(reports(), 1..4)) {
        let (_folder, store) = stored(files.iter().enumerate());
        let everything = history::load(&store, &Filter::default()).unwrap();
        let times = history::load_detail(&store, &Filter::default(), history::Detail::Times).unwrap();
        prop_assert_eq!(expected(&everything), expected(&times));
        for test in &everything.tests {
            let alone = history::load_test(&store, &Filter::default(), &test.test).unwrap();
            prop_assert_eq!(&alone.tests, &vec![test.clone()]);
            prop_assert_eq!(&alone.runs, &everything.runs);
        }
        let runs = history::load_runs(&store, &Filter::default()).unwrap();
        prop_assert_eq!((runs.runs, runs.whole_runs), (everything.runs, everything.whole_runs));
    }

    #[test]
    fn an_export_read_back_says_the_same(reports in reports()) {
        let (_folder, store) = stored([(0, &reports)].into_iter());
        let observed = history::load(&store, &Filter::default()).unwrap();
        let mut csv = Vec::new();
        history::export_csv(&observed, &mut csv).unwrap();
        let contents = ingest::read(&csv, "export.csv", &Context::default()).unwrap();
        prop_assert_eq!(contents.format, Format::Csv);
        prop_assert_eq!(flat_reports(&[contents.reports]), flat(&observed));
        let mut parquet = Vec::new();
        history::export_parquet(&observed, &mut parquet).unwrap();
        let contents = ingest::read(&parquet, "export.parquet", &Context::default()).unwrap();
        prop_assert_eq!(flat_reports(&[contents.reports]), flat(&observed));
    }

    #[test]
    fn a_filter_keeps_what_a_look_at_every_run_keeps(
        files in prop::collection::vec(reports(), 1..4),
        since in 0..4_000_000_000_000_i64,
        chosen in any::<prop::sample::Index>(),
    ) {
        let (_folder, store) = stored(files.iter().enumerate());
        let all: Vec<&Report> = files.iter().flatten().collect();
        let branch = all[chosen.index(all.len())].run.branch.clone();
        let filter = Filter { branch: branch.clone(), since: Some(Timestamp(since)), lane: None };
        let mut expected: Vec<Vec<Report>> = files.clone();
        for reports in &mut expected {
            reports.retain(|report| {
                (branch.is_none() || report.run.branch == branch) && report.run.at >= Some(Timestamp(since))
            });
        }
        prop_assert_eq!(flat(&history::load(&store, &filter).unwrap()), flat_reports(&expected));
    }

    #[test]
    fn no_bytes_make_a_reader_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = ingest::read(&bytes, "any", &Context::default());
    }

    #[test]
    fn no_almost_report_makes_a_reader_panic(
        text in r#"<testsuite( name="pytest")?>(<testcase( (name|classname|file|time)="[a.:&;1é-]{0,6}")*/?>|</testcase>|<skipped/>|<error message="teardown">|text&amp;|<!\[CDATA\[|<!--|&x;){0,8}"#,
    ) {
        let _ = ingest::read(text.as_bytes(), "any", &Context::default());
    }
}

//! The history gives back what was put into it: through the store, and through an export.

#![expect(clippy::unwrap_used, reason = "a test ends at the first thing that fails")]

use proptest::prelude::*;
use shardplan::history::{self, Added, Digest, Filter, Observed, Store};
use shardplan::ingest::{self, Context, Extent, Format, Observation, Outcome, Phases, Report, RunFacts};
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
    (test, outcome(), micros(), prop::option::of(phases()), prop::option::of(cell())).prop_map(
        |(test, outcome, total, phases, reason)| Observation {
            phases,
            reason,
            ..Observation::new(test, outcome, total)
        },
    )
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

/// Returns the reports of one file; no run has the same test twice, as no reader gives.
fn reports() -> impl Strategy<Value = Vec<Report>> {
    let report = (facts(), prop::collection::vec(observation(), 1..8)).prop_map(|(run, mut observations)| {
        observations.sort_by(|one, other| one.test.cmp(&other.test));
        observations.dedup_by(|one, other| one.test == other.test);
        Report { run, observations, ..Report::default() }
    });
    prop::collection::vec(report, 1..4).prop_map(|mut reports| {
        for (number, report) in reports.iter_mut().enumerate() {
            report.run.run = Some(format!("run-{number}"));
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
            phases: sample.phases,
            reason: sample.reason.as_deref().map(str::to_owned),
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

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn the_store_gives_back_what_was_put_into_it(files in prop::collection::vec(reports(), 1..4)) {
        let (_folder, store) = stored(files.iter().enumerate());
        let observed = history::load(&store, &Filter::default()).unwrap();
        prop_assert_eq!(flat(&observed), flat_reports(&files));
        prop_assert!(observed.runs.iter().map(|run| run.facts.at).is_sorted());
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
    fn an_export_read_back_says_the_same(reports in reports()) {
        let (_folder, store) = stored([(0, &reports)].into_iter());
        let observed = history::load(&store, &Filter::default()).unwrap();
        let mut csv = Vec::new();
        history::export_csv(&observed, &mut csv).unwrap();
        let contents = ingest::read(&csv, "export.csv", &Context::default()).unwrap();
        prop_assert_eq!(contents.format, Format::Csv);
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

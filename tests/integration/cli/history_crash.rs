//! The history under real kills, a disk that takes no more, and rivals: nothing is lost, nothing doubled.
//!
//! A kill comes when the store has reached a certain state, and from there at whatever instant the system gives
//! it. The assertions hold at every instant, so none of this depends on how fast the machine is.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::process::{Child, Command, Stdio};

use super::Project;

/// How many reports are ingested.
const REPORTS: usize = 12;

/// Returns a project with a folder of reports, several runs in each.
pub(super) fn with_reports() -> Project {
    let project = Project::new();
    for report in 0..REPORTS {
        let mut csv = "test,seconds,run,shard,branch,at\n".to_owned();
        for run in 0..3 {
            for test in 0..40 {
                let branch = if report % 3 == 0 { "main" } else { "next" };
                let day = 1 + (report + run) % 28;
                writeln!(
                    csv,
                    "t/f{report}.py::t{test},{test}.{run},{run},{report},{branch},2026-06-{day:02}T00:00:00Z"
                )
                .unwrap();
            }
        }
        project.write(&format!("reports/r{report}.csv"), csv);
    }
    project
}

pub(super) fn command(project: &Project, words: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_shardplan"));
    command.args(words.split(' ')).current_dir(project.path("")).env_clear();
    command.stdout(Stdio::null()).stderr(Stdio::null());
    command
}

/// Starts the program and kills it as soon as the store looks as it should.
fn kill_when(project: &Project, words: &str, is_time: impl Fn(&Project) -> bool) {
    let mut child: Child = command(project, words).spawn().unwrap();
    while !is_time(project) && child.try_wait().unwrap().is_none() {
        std::thread::yield_now();
    }
    child.kill().unwrap();
    child.wait().unwrap();
}

/// Returns the observations, a line each; no two are equal.
pub(super) fn observations(project: &Project) -> BTreeSet<String> {
    let said = project.shardplan("history export csv");
    assert_eq!(said.code, 0, "{said}");
    let lines: Vec<String> = said.stdout.lines().skip(1).map(str::to_owned).collect();
    let distinct: BTreeSet<String> = lines.iter().cloned().collect();
    assert_eq!(distinct.len(), lines.len(), "an observation stands there twice");
    distinct
}

pub(super) fn all_observations() -> BTreeSet<String> {
    let project = with_reports();
    assert_eq!(project.shardplan("ingest reports").code, 0);
    let all = observations(&project);
    assert_eq!(all.len(), REPORTS * 3 * 40);
    all
}

fn whole_files(project: &Project) -> usize {
    project.stored_files().iter().filter(|file| file.starts_with("tests/")).count()
}

#[test]
fn an_ingest_that_is_killed_at_any_instant_leaves_whole_reports_and_the_next_brings_the_rest() {
    let all = all_observations();
    for files in 0..REPORTS {
        let project = with_reports();
        kill_when(&project, "ingest reports", |project| {
            whole_files(project) >= files && (files > 0 || project.path(".shardplan/history/tmp").is_dir())
        });
        let kept = observations(&project);
        assert!(kept.is_subset(&all) && kept.len().is_multiple_of(120), "{} observations", kept.len());
        assert_eq!(project.shardplan("ingest reports").code, 0);
        assert_eq!(observations(&project), all);
    }
}

#[test]
fn a_compaction_that_is_killed_at_any_instant_changes_nothing() {
    let all = all_observations();
    for gone in 0..REPORTS + 2 {
        let project = with_reports();
        project.shardplan("ingest reports");
        let before: BTreeSet<String> = project.stored_files().into_iter().collect();
        kill_when(&project, "history compact", |project| {
            let now: BTreeSet<String> = project.stored_files().into_iter().collect();
            before.symmetric_difference(&now).count() > gone
        });
        assert_eq!(observations(&project), all);
        let again = project.shardplan("ingest reports");
        assert!(again.stderr.contains(&format!("{REPORTS} files already in the history")), "{again}");
        assert_eq!(project.shardplan("history compact").code, 0);
        assert_eq!(whole_files(&project), 2, "one file for each branch");
        assert_eq!(observations(&project), all);
    }
}

#[test]
fn a_pruning_that_is_killed_at_any_instant_leaves_every_report_whole_or_without_the_run() {
    let all = all_observations();
    for changed in 0..REPORTS {
        let project = with_reports();
        project.shardplan("ingest reports");
        let sizes = |project: &Project| -> BTreeSet<(String, u64)> {
            let size = |file: &String| fs::metadata(project.path(".shardplan/history").join(file)).ok();
            project
                .stored_files()
                .into_iter()
                .filter_map(|file| Some((file.clone(), size(&file)?.len())))
                .collect()
        };
        let before = sizes(&project);
        kill_when(&project, "history prune --before 2026-06-03", |project| {
            before.difference(&sizes(project)).count() > changed
        });
        let kept = observations(&project);
        assert!(kept.is_subset(&all) && kept.len().is_multiple_of(40), "{} observations", kept.len());
        assert_eq!(project.shardplan("history prune --before 2026-06-03").code, 0);
        let left = observations(&project);
        assert!(left.iter().all(|line| all.contains(line)) && left.len() < all.len());
        project.shardplan("ingest reports");
        assert!(left.is_subset(&observations(&project)), "what was kept is not forgotten by an ingest");
    }
}

#[test]
fn a_disk_that_takes_no_more_is_told_of_and_costs_nothing_that_was_stored() {
    let project = with_reports();
    let mut large = "test,seconds,run,at\n".to_owned();
    for test in 0..3_000 {
        writeln!(large, "t/f{}.py::t{test},{}.5,9,2026-06-09T00:00:00Z", test * 7919 % 3001, test % 60)
            .unwrap();
    }
    project.shardplan("ingest reports/r0.csv");
    let before = observations(&project);
    project.write("large.csv", large);
    // No file may grow over eight blocks: ignored, the signal becomes an error of the write; else it kills.
    for (trap, code) in [("trap '' XFSZ;", Some(3)), ("", None)] {
        let script = format!("{trap} ulimit -f 8; exec {} ingest large.csv", env!("CARGO_BIN_EXE_shardplan"));
        let output = Command::new("sh").args(["-c", &script]).current_dir(project.path("")).output().unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), code, "{stderr}");
        if code.is_some() {
            assert!(stderr.contains("error: could not write a file in `.shardplan/history/tmp`"), "{stderr}");
            assert!(stderr.contains("free some space"), "{stderr}");
            assert!(
                !project.stored_files().iter().any(|file| file.starts_with("tmp/")),
                "half a file is left"
            );
        }
        assert_eq!(observations(&project), before);
    }
    assert_eq!(project.shardplan("ingest large.csv").code, 0);
    assert_eq!(observations(&project).len(), before.len() + 3_000);
}

#[test]
fn rivals_store_every_report_once_while_one_compacts_and_one_reads() {
    let all = all_observations();
    let project = with_reports();
    let ingest = || command(&project, "ingest reports").spawn().unwrap();
    let mut writers: Vec<Child> = (0..3).map(|_| ingest()).collect();
    while writers.iter_mut().any(|writer| writer.try_wait().unwrap().is_none()) {
        assert_eq!(project.shardplan("history compact").code, 0);
        assert!(observations(&project).is_subset(&all));
    }
    for mut writer in writers {
        assert_eq!(writer.wait().unwrap().code(), Some(0));
    }
    assert_eq!(observations(&project), all);
    assert_eq!(project.shardplan("history compact").code, 0);
    assert_eq!(observations(&project), all);
}

#[test]
fn a_reader_sees_the_same_before_during_and_after_a_compaction() {
    let all = all_observations();
    let project = with_reports();
    project.shardplan("ingest reports");
    let mut compaction = command(&project, "history compact").spawn().unwrap();
    loop {
        let ended = compaction.try_wait().unwrap();
        assert_eq!(observations(&project), all);
        if let Some(status) = ended {
            assert_eq!(status.code(), Some(0));
            break;
        }
    }
}

#[test]
fn two_who_delete_do_not_meet() {
    let project = with_reports();
    project.shardplan("ingest reports");
    let before = project.stored_files();
    project.write(".shardplan/history/tmp/lock", "");
    let lock = fs::File::open(project.path(".shardplan/history/tmp/lock")).unwrap();
    lock.lock().unwrap();
    for words in ["history compact", "history prune --keep 1"] {
        let said = project.shardplan(words);
        assert_eq!(said.code, 3);
        assert!(said.stderr.contains("another process is compacting or pruning the history"), "{said}");
    }
    // Whoever only adds or reads needs no lock.
    assert_eq!(project.shardplan("ingest reports").code, 0);
    assert_eq!(project.shardplan("history compact --dry-run").code, 0);
    assert_eq!(project.stored_files().len(), before.len() + 1);
}

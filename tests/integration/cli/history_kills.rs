//! The history under kills at instants that nobody chose, and on a disk that is really full.
//!
//! `history_crash.rs` kills at states that are known to be delicate; here the instants are drawn, so that states of
//! which nobody thought are met as well. What must hold holds at every instant: nothing depends on how fast the
//! machine is.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::process::Command;

use super::history_crash::{all_observations, command, observations, with_reports};
use super::{Project, Said};

/// How often a process is killed. `SHARDPLAN_KILLS` asks for more.
const KILLS: usize = 40;

/// What is done to the store, again and again.
const COMMANDS: [&str; 4] =
    ["ingest reports", "history compact", "history prune --before 2026-06-03", "ingest reports"];

#[expect(clippy::disallowed_methods, reason = "a test may be asked to look longer")]
fn kills() -> usize {
    std::env::var("SHARDPLAN_KILLS").ok().and_then(|number| number.parse().ok()).unwrap_or(KILLS)
}

/// Returns the next number of a sequence that is the same in every run: `SplitMix64`.
fn draw(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mixed = (*state ^ (*state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

/// Returns how often this thread can give way until the program has ended.
fn turns_of(project: &Project, words: &str) -> u64 {
    let mut child = command(project, words).spawn().unwrap();
    let mut turns = 0;
    while child.try_wait().unwrap().is_none() {
        std::thread::yield_now();
        turns += 1;
    }
    turns
}

/// Starts the program, gives way so often, and kills it. Returns whether it was still at work.
fn kill_after(project: &Project, words: &str, turns: u64) -> bool {
    let mut child = command(project, words).spawn().unwrap();
    for _ in 0..turns {
        std::thread::yield_now();
    }
    child.kill().unwrap();
    !child.wait().unwrap().success()
}

/// Returns whether a line of the export is of a run that pruning may forget: the first parts of runs 0 and 1 are older
/// than what it names, all parts of run 2 are younger.
fn may_be_forgotten(line: &str) -> bool {
    line.split(',').nth(6).is_none_or(|run| run != "2")
}

#[test]
fn kills_at_drawn_instants_lose_nothing_and_double_nothing() {
    let all = all_observations();
    let kept = |lines: &BTreeSet<String>| -> BTreeSet<String> {
        lines.iter().filter(|line| !may_be_forgotten(line)).cloned().collect()
    };
    let turns = {
        let project = with_reports();
        COMMANDS.map(|words| turns_of(&project, words))
    };
    let mut state = 1;
    let mut killed_at_work = 0;
    let mut project = with_reports();
    let mut before = BTreeSet::new();
    for round in 0..kills() {
        // A store that has everything meets fewer states than one that grows.
        if round % 10 == 0 {
            project = with_reports();
            before = BTreeSet::new();
        }
        let which = usize::try_from(draw(&mut state)).unwrap_or(usize::MAX) % COMMANDS.len();
        let after = draw(&mut state) % (turns[which] + 1);
        killed_at_work += u32::from(kill_after(&project, COMMANDS[which], after));
        let now = observations(&project);
        let what = format!("round {round}: `{}` killed after {after} turns", COMMANDS[which]);
        assert!(now.is_subset(&all), "{what}: there is what nobody ingested");
        assert!(kept(&before).is_subset(&now), "{what}: something is lost");
        if which != 2 {
            assert!(before.is_subset(&now), "{what}: only pruning forgets");
        }
        before = now;
    }
    assert!(killed_at_work > 0, "no process was killed while it was at work");
    for words in ["ingest reports", "history compact"] {
        assert_eq!(project.shardplan(words).code, 0);
    }
    assert_eq!(kept(&observations(&project)), kept(&all));
}

/// Returns whether a file system of its own can be mounted here: as root, or in a user's own namespace.
fn mounting() -> Option<&'static [&'static str]> {
    const WAYS: [&[&str]; 2] = [&["--mount"], &["--user", "--map-root-user", "--mount"]];
    let works = |way: &&&[&str]| {
        let probe = ["sh", "-c", "mount -t tmpfs -o size=64k tmpfs /mnt"];
        Command::new("unshare").args(**way).args(probe).output().is_ok_and(|output| output.status.success())
    };
    WAYS.iter().find(works).copied()
}

#[test]
#[expect(clippy::print_stderr, reason = "a test that looks at nothing must not look like one that passed")]
fn a_disk_that_is_full_costs_nothing_that_was_stored() {
    let Some(way) = mounting() else {
        eprintln!("skipped a_disk_that_is_full_costs_nothing_that_was_stored: no file system can be mounted");
        return;
    };
    let project = with_reports();
    assert_eq!(project.shardplan("ingest reports").code, 0);
    let stored = observations(&project);
    let mut large = "test,seconds,run,at\n".to_owned();
    for test in 0..20_000 {
        writeln!(large, "t/f{}.py::t{test},{}.5,9,2026-06-09T00:00:00Z", test * 7919 % 20_011, test % 60)
            .unwrap();
    }
    project.write("large.csv", &large);
    fs::rename(project.path(".shardplan"), project.path("kept")).unwrap();
    fs::create_dir(project.path(".shardplan")).unwrap();
    // The store lies on a disk that has room for it and for a little more; what came of it is copied out.
    let size: u64 = sizes(&project.path("kept/history"));
    let script = format!(
        "mount -t tmpfs -o size={}k tmpfs .shardplan && cp -a kept/. .shardplan/ || exit 99\n\
         '{program}' ingest large.csv; code=$?\n\
         '{program}' history compact; echo compact $?\n\
         '{program}' ingest reports/r1.csv; echo again $?\n\
         cp -a .shardplan after || exit 98; exit $code",
        size / 1024 + 40,
        program = env!("CARGO_BIN_EXE_shardplan"),
    );
    let output = Command::new("unshare")
        .args(way)
        .args(["sh", "-c", &script])
        .current_dir(project.path(""))
        .output()
        .unwrap();
    let said = Said {
        code: output.status.code().unwrap(),
        stdout: project.redacted(output.stdout),
        stderr: project.redacted(output.stderr),
    };
    assert_eq!(said.code, 3, "{said}");
    assert!(said.stderr.contains("No space left on device"), "{said}");
    assert!(said.stderr.contains("free some space"), "{said}");
    assert!(said.stdout.contains("again 0"), "{said}");
    fs::remove_dir(project.path(".shardplan")).unwrap();
    fs::rename(project.path("after"), project.path(".shardplan")).unwrap();
    assert_eq!(observations(&project), stored);
    let left = project.stored_files();
    assert!(!left.iter().any(|file| file.starts_with("tmp/") && file != "tmp/lock"), "{left:?}");
    assert_eq!(project.shardplan("ingest large.csv").code, 0);
    assert_eq!(observations(&project).len(), stored.len() + 20_000);
}

/// Returns what the files below a folder take on a disk of whole pages.
fn sizes(folder: &std::path::Path) -> u64 {
    let mut size = 0;
    for entry in fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        let is_folder = entry.file_type().unwrap().is_dir();
        size += if is_folder {
            sizes(&entry.path())
        } else {
            entry.metadata().unwrap().len().div_ceil(4096) * 4096
        };
    }
    size
}

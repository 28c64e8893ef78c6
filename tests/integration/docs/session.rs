//! A reader's terminal: a folder, the built program, and a shell that stays open for a page.

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command as Process, Stdio};

use tempfile::TempDir;

use super::page::Command;
use crate::run::{plugin, python_with};

/// What ends the output of a command.
const END: &str = "@@ended@@";

/// `cargo run -- …` and `cargo shardplan …` are the program that the tests were built with.
const CARGO: &str = "#!/bin/sh\ncase \"$1\" in\n  run) shift 2 ;;\n  shardplan) shift ;;\n  *) exit 9 ;;\nesac\nexec shardplan \"$@\"\n";

/// A shell in a folder of its own.
pub(super) struct Session {
    folder: TempDir,
    shell: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    python: Option<PathBuf>,
}

impl Session {
    /// Returns a shell in a folder with the worked example and the history to measure on, where the repository has them.
    pub(super) fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let place = folder.path().join("place");
        for example in ["data/relyloop", "data/rq"] {
            copy(&super::root().join(example), &place.join(example));
        }
        let bin = folder.path().join("bin");
        script(&bin, "cargo", CARGO);
        let program = Path::new(env!("CARGO_BIN_EXE_shardplan"));
        std::os::unix::fs::symlink(program, bin.join("shardplan")).unwrap();
        let mut shell = Process::new("bash")
            .args(["--noprofile", "--norc"])
            .current_dir(&place)
            .env_clear()
            .env("PATH", format!("{}:/usr/local/bin:/usr/bin:/bin", bin.display()))
            .env("HOME", folder.path())
            .env("LANG", "C.UTF-8")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut input = shell.stdin.take().unwrap();
        let output = BufReader::new(shell.stdout.take().unwrap());
        writeln!(input, "exec 2>&1").unwrap();
        Self { folder, shell, input, output, python: None }
    }

    fn place(&self) -> PathBuf {
        self.folder.path().join("place")
    }

    /// Goes to a place of the repository, or to an empty folder.
    pub(super) fn enter(&mut self, place: &str) -> Result<(), String> {
        if place == "empty" {
            fs::remove_dir_all(self.place().join("data")).unwrap();
            return Ok(());
        }
        if !self.place().join(place).is_dir() {
            return Err(format!("`in: {place}` is neither `empty` nor a place of the repository's data"));
        }
        writeln!(self.input, "cd {place}").unwrap();
        Ok(())
    }

    pub(super) fn write(&self, name: &str, text: &str) -> Result<(), String> {
        let path = self.place().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).map_err(|error| format!("{name}: {error}"))
    }

    /// Returns whether something is installed that a command needs, and makes it known to the shell.
    pub(super) fn has(&mut self, what: &str) -> bool {
        assert_eq!(what, "pytest", "`with: {what}` is not known");
        if self.python.is_none() {
            let test = "every_command_of_the_guide_shows_what_the_guide_says";
            self.python = python_with(test, &["pytest", "redis", "psycopg"]);
            let Some(python) = &self.python else { return false };
            let pytest = format!(
                "#!/bin/sh\nPYTHONDONTWRITEBYTECODE=1 PYTHONPATH='{}' exec '{}' -m pytest -p no:cacheprovider -p \
                 pytest_shardplan.plugin \"$@\"\n",
                plugin().display(),
                python.display()
            );
            script(&self.folder.path().join("bin"), "pytest", &pytest);
        }
        true
    }

    /// Runs commands one after the other; returns the first that does not do what the page says.
    pub(super) fn run(&mut self, commands: &[Command]) -> Result<(), String> {
        for Command { text, shown, code } in commands {
            writeln!(self.input, "{text}\nprintf '\\n%s %d\\n' '{END}' $?").unwrap();
            let (lines, ended) = self.answer();
            let answer = lines.join("\n");
            if ended != *code {
                return Err(format!("`{text}` ended with {ended}, not with {code}:\n{answer}"));
            }
            if let Some(shown) = shown
                && !fits(&lines, shown)
            {
                return Err(format!("`{text}` shows\n{answer}\nand not\n{}", shown.join("\n")));
            }
        }
        Ok(())
    }

    fn answer(&mut self) -> (Vec<String>, i32) {
        let mut lines: Vec<String> = Vec::new();
        let folder = self.folder.path().to_str().unwrap().to_owned();
        loop {
            let mut line = String::new();
            assert!(self.output.read_line(&mut line).unwrap() > 0, "the shell ended: {lines:#?}");
            if let Some(code) = line.strip_prefix(END) {
                while lines.last().is_some_and(String::is_empty) {
                    lines.pop();
                }
                return (lines, code.trim().parse().unwrap());
            }
            lines.push(line.trim_end().replace(&folder, "~"));
        }
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        // The shell ends by itself when its input does; one that hangs must not outlive the test.
        let _ = self.shell.kill();
        let _ = self.shell.wait();
    }
}

/// Returns whether lines are those that are shown, where a line `…` stands for any lines.
fn fits(lines: &[String], shown: &[String]) -> bool {
    match shown.split_first() {
        None => lines.is_empty(),
        Some((first, rest)) if first.trim() == "…" => {
            (0..=lines.len()).any(|skipped| fits(&lines[skipped..], rest))
        }
        Some((first, rest)) => {
            lines.first().is_some_and(|line| is_line(line, first)) && fits(&lines[1..], rest)
        }
    }
}

/// Returns whether a line is the one that is shown, where `…` stands for any words.
fn is_line(line: &str, shown: &str) -> bool {
    let Some((start, rest)) = shown.split_once('…') else { return line == shown };
    line.strip_prefix(start).is_some_and(|line| {
        let ends = line.char_indices().map(|(at, _)| at).chain([line.len()]);
        ends.into_iter().any(|at| is_line(&line[at..], rest))
    })
}

fn script(folder: &Path, name: &str, text: &str) {
    use std::os::unix::fs::PermissionsExt as _;
    fs::create_dir_all(folder).unwrap();
    let path = folder.join(name);
    fs::write(&path, text).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

#[test]
fn dots_stand_for_any_lines_or_words_and_nothing_else_does() {
    let lines = |text: &str| text.lines().map(str::to_owned).collect::<Vec<_>>();
    for (said, shown, expected) in [
        ("a\nb\nc", "a\nb\nc", true),
        ("a\nb\nc", "a\n…", true),
        ("a\nb\nc", "…\nc", true),
        ("a\nb\nc", "a\n…\nb\nc", true),
        ("a\nb\nc", "a\nc", false),
        ("a\nb\nc", "a\nb", false),
        ("a\nb\nc", "…\nb", false),
        ("a b c", "a … c", true),
        ("a b c", "a …", true),
        ("a b c", "a … b", false),
        ("", "", true),
    ] {
        assert_eq!(fits(&lines(said), &lines(shown)), expected, "{said:?} {shown:?}");
    }
}

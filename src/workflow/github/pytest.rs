//! The tests that a step runs: pytest commands with their arguments, and runners that hide them.

use super::Step;
use super::shell::{self, Word};

/// Something in a step that runs tests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TestRunner {
    /// The position of its step in the job.
    pub step: usize,
    /// How the tests are run.
    pub via: Via,
}

/// How tests are run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Via {
    /// By pytest, whose arguments are understood.
    Pytest(Box<PytestCommand>),
    /// By a program that calls pytest with arguments of its own (`tox`, `nox`, `make`): its words.
    Wrapped(String),
    /// By a test runner that is not pytest (`manage.py test`, `unittest`): its words.
    Other(String),
}

/// A pytest command.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PytestCommand {
    /// Where the word `pytest` ends in the script, in bytes.
    pub end_of_name: usize,
    /// The folder that the script went to before, as it wrote it.
    pub folder: Option<String>,
    /// The words before it: `uv run`, `python -m`, `coverage run -m` …
    pub launcher: Vec<String>,
    /// The files and folders it is given.
    pub paths: Vec<String>,
    /// `-m`
    pub markers: Option<String>,
    /// `-k`
    pub keyword: Option<String>,
    /// `-n`
    pub workers: Option<String>,
    /// `--dist`
    pub dist: Option<String>,
    /// `--ignore`, `--deselect`
    pub ignored: Vec<String>,
    /// `--cov`, once for each, empty where it names nothing.
    pub cov: Vec<String>,
    /// `--cov-append`
    pub cov_append: bool,
    /// `--cov-fail-under`
    pub cov_fail_under: Option<String>,
    /// `--splits` of pytest-split.
    pub splits: Option<String>,
    /// `--group` of pytest-split.
    pub group: Option<String>,
    /// `--junitxml`
    pub junit: Option<String>,
    /// `--shardplan`: the shard that it runs.
    pub shard: Option<String>,
    /// Whether it only lists tests or prints help.
    pub lists_only: bool,
    /// Whether it runs inside another container (`docker compose exec …`), where the step's environment is not.
    pub elsewhere: bool,
}

/// Words before `pytest` that say it is spoken of and not run.
const NOT_RUN: [&str; 14] = [
    "install",
    "add",
    "uninstall",
    "remove",
    "lock",
    "sync",
    "freeze",
    "show",
    "echo",
    "printf",
    "cache",
    "export",
    "which",
    "grep",
];

/// Programs that may stand in front of pytest and run it.
const LAUNCHERS: [&str; 26] = [
    "uv",
    "uvx",
    "poetry",
    "pdm",
    "pipenv",
    "hatch",
    "rye",
    "pixi",
    "coverage",
    "xvfb-run",
    "time",
    "exec",
    "timeout",
    "nice",
    "env",
    "sudo",
    "docker",
    "docker-compose",
    "podman",
    "conda",
    "mamba",
    "micromamba",
    "nix",
    "ddtrace-run",
    "stdbuf",
    "command",
];

/// Options of pytest and its usual plugins that take the next word as their value.
const WITH_VALUE: [&str; 50] = [
    "-m",
    "-k",
    "-n",
    "-p",
    "-c",
    "-o",
    "-r",
    "-W",
    "--dist",
    "--maxprocesses",
    "--numprocesses",
    "--ignore",
    "--ignore-glob",
    "--deselect",
    "--cov-fail-under",
    "--cov-config",
    "--cov-report",
    "--splits",
    "--group",
    "--splitting-algorithm",
    "--durations-path",
    "--junitxml",
    "--junit-xml",
    "--junit-prefix",
    "--durations",
    "--durations-min",
    "--maxfail",
    "--tb",
    "--rootdir",
    "--confcutdir",
    "--basetemp",
    "--import-mode",
    "--log-level",
    "--log-cli-level",
    "--log-file",
    "--color",
    "--capture",
    "--timeout",
    "--timeout-method",
    "--reruns",
    "--reruns-delay",
    "--ds",
    "--html",
    "--randomly-seed",
    "--asyncio-mode",
    "--shardplan",
    "--report-log",
    "--json-report-file",
    "--override-ini",
    "--test-group-count",
];

/// Words of environments and targets that check sources and run no test.
const LINTERS: [&str; 12] = [
    "lint",
    "flake8",
    "mypy",
    "pydocstyle",
    "docs",
    "apicheck",
    "pre-commit",
    "ruff",
    "black",
    "isort",
    "typing",
    "typecheck",
];

/// Returns what runs tests in a step, in the order of its script.
#[must_use]
pub fn find_runners(step: &Step) -> Vec<TestRunner> {
    let Some(script) = &step.run else { return Vec::new() };
    let mut runners = Vec::new();
    // `cd` holds for what follows it, in a subshell only until that ends.
    let mut folders = vec![None::<String>];
    let mut read = 0;
    for words in shell::commands(script) {
        let (Some(first), Some(last)) = (words.first(), words.last()) else { continue };
        for c in script[read.min(first.start)..first.start].chars() {
            match c {
                '(' => folders.push(folders.last().cloned().flatten()),
                ')' if folders.len() > 1 => drop(folders.pop()),
                _ => {}
            }
        }
        read = last.end;
        if matches!(first.text.as_str(), "cd" | "pushd") {
            if let (Some(folder), Some(to)) = (folders.last_mut(), words.get(1)) {
                *folder = gone_to(folder.as_deref(), &to.text);
            }
            continue;
        }
        let Some(mut via) = via(&words) else { continue };
        if let Via::Pytest(command) = &mut via {
            command.folder = folders.last().cloned().flatten();
        }
        runners.push(TestRunner { step: step.index, via });
    }
    runners
}

/// Returns the folder in which `cd` ends, relative to that of the step; nothing for the step's own, and where only
/// the run knows it.
fn gone_to(from: Option<&str>, to: &str) -> Option<String> {
    if to.starts_with(['/', '~', '-']) || to.contains(['$', '`']) {
        return None;
    }
    let mut parts: Vec<&str> = from.into_iter().flat_map(|from| from.split('/')).collect();
    for part in to.split('/').filter(|part| !matches!(*part, "" | ".")) {
        if part == ".." {
            parts.pop();
        } else {
            parts.push(part);
        }
    }
    (!parts.is_empty()).then(|| parts.join("/"))
}

/// Words of the shell that stand before the command that they guard.
const KEYWORDS: [&str; 10] = ["if", "then", "elif", "else", "while", "until", "do", "!", "{", "time"];

fn via(words: &[Word]) -> Option<Via> {
    let keywords = words.iter().take_while(|word| KEYWORDS.contains(&word.text.as_str())).count();
    let words = &words[keywords..];
    let is_assignment = |word: &&Word| {
        let name = word.text.split_once('=').map(|(name, _)| name);
        name.is_some_and(|name| {
            !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
        })
    };
    let skipped = words.iter().take_while(is_assignment).count();
    let words = &words[skipped..];
    let first = base(&words.first()?.text);
    let text = || words.iter().map(|word| word.text.as_str()).collect::<Vec<_>>().join(" ");
    if let Some(at) = words.iter().position(|word| matches!(base(&word.text), "pytest" | "py.test")) {
        let before = &words[..at];
        let spoken_of = before.iter().any(|word| NOT_RUN.contains(&word.text.as_str()));
        let launched = at == 0 || LAUNCHERS.contains(&first) || is_python(first);
        // `pip -m pytest` is none, and `python script.py pytest` is not known.
        if launched && !spoken_of {
            let mut command = arguments(&words[at + 1..]);
            command.end_of_name = words[at].end;
            command.launcher = before.iter().map(|word| word.text.clone()).collect();
            command.elsewhere =
                before.iter().any(|word| matches!(base(&word.text), "docker" | "docker-compose" | "podman"));
            return (!command.lists_only).then(|| Via::Pytest(Box::new(command)));
        }
        return None;
    }
    if let Some(via) = in_container(words).or_else(|| in_shell(words)) {
        return Some(via);
    }
    let word = |at: usize| words.get(at).map_or("", |word| word.text.as_str());
    let has = |wanted: &str| words.iter().any(|word| word.text == wanted);
    let names_tests = words.iter().skip(1).any(|word| {
        let text = word.text.to_ascii_lowercase();
        let part = |part: &str| matches!(part, "unit" | "integration" | "functional" | "e2e");
        !text.starts_with('-')
            && (text.contains("test")
                || text.contains("coverage")
                || text == "check"
                || text.split(['-', '_', ':', '/']).any(part))
    });
    // An environment of a linter is no test.
    let lints = words.iter().skip(1).any(|word| {
        let text = word.text.to_ascii_lowercase();
        LINTERS.iter().any(|kind| text.contains(kind)) && !text.contains("test")
    });
    if lints {
        return None;
    }
    let installs = words.iter().any(|word| matches!(word.text.as_str(), "install" | "add" | "sync"));
    if installs {
        return None;
    }
    let launched = words.iter().map(|word| base(&word.text)).find(|word| matches!(*word, "tox" | "nox"));
    let only_lists =
        ["--list", "-l", "--listenvs", "--notest", "--version", "--install-only"].iter().any(|w| has(w));
    if launched
        .is_some_and(|_| LAUNCHERS.contains(&first) || is_python(first) || matches!(first, "tox" | "nox"))
    {
        return (!only_lists).then(|| Via::Wrapped(text()));
    }
    if (matches!(first, "make" | "just" | "task" | "invoke" | "inv") && names_tests)
        || (first == "hatch" && (word(1) == "test" || (word(1) == "run" && names_tests)))
        || (matches!(first, "poetry" | "pdm" | "uv" | "pixi" | "rye")
            && matches!(word(1), "run" | "test" | "poe")
            && is_task_of_tests(if word(2) == "poe" { word(3) } else { word(2) }))
        || (first == "poe" && is_task_of_tests(word(1)))
        || (std::path::Path::new(first).extension().is_some_and(|extension| extension == "sh")
            && first.contains("test"))
        || is_script_of_tests(word(0))
        || (matches!(first, "bash" | "sh") && word(1).contains("test"))
    {
        return Some(Via::Wrapped(text()));
    }
    let pair = |one: &[&str], other: &[&str]| {
        words
            .windows(2)
            .any(|pair| one.contains(&base(&pair[0].text)) && other.contains(&pair[1].text.as_str()))
    };
    let django = pair(&["manage.py", "django-admin", "setup.py"], &["test"]);
    let unittest = pair(&["-m"], &["unittest", "nose", "nose2", "twisted.trial", "stestr"]);
    let own = words.iter().any(|word| matches!(base(&word.text), "runtests.py"))
        || matches!(first, "nosetests" | "nose2" | "stestr" | "trial" | "zope-testrunner" | "behave");
    ((django || unittest || own) && !LISTING.iter().any(|word| has(word))).then(|| Via::Other(text()))
}

const LISTING: [&str; 1] = ["--help"];

/// Returns whether the task of a project manager is called as those that run tests are.
fn is_task_of_tests(task: &str) -> bool {
    let task = task.to_ascii_lowercase();
    task.starts_with("test") || task.contains("pytest") || task.ends_with("test") || task.ends_with("tests")
}

/// Returns the runner that a command starts in a container, where that is one that hides its tests:
/// `docker exec web make test`.
fn in_container(words: &[Word]) -> Option<Via> {
    let docker =
        words.iter().take(3).any(|word| matches!(base(&word.text), "docker" | "docker-compose" | "podman"));
    let verb = words.iter().position(|word| matches!(word.text.as_str(), "exec" | "run"))?;
    if !docker {
        return None;
    }
    // The container's name may be any word, `test` too: what counts begins with a known runner.
    let inner = (verb + 1..words.len()).filter(|at| !is_script_of_tests(&words[*at].text) || *at > verb + 1);
    let found = inner.filter_map(|at| via(&words[at..])).find(|via| !matches!(via, Via::Pytest(_)))?;
    let text = || words.iter().map(|word| word.text.as_str()).collect::<Vec<_>>().join(" ");
    Some(match found {
        Via::Other(_) => Via::Other(text()),
        _ => Via::Wrapped(text()),
    })
}

/// Returns the runner in the words that a shell is given: `bash -c "pytest tests"`. Its place in the file is within
/// quotes, so that it counts as hidden.
fn in_shell(words: &[Word]) -> Option<Via> {
    let shell = words.iter().position(|word| matches!(base(&word.text), "bash" | "sh" | "dash" | "zsh"))?;
    let option =
        |word: &&Word| word.text.starts_with('-') && !word.text.starts_with("--") && word.text.ends_with('c');
    let dash = words[shell..].iter().take(3).position(|word| option(&word))?;
    let script = &words.get(shell + dash + 1)?.text;
    let runner = shell::commands(script).iter().find_map(|inner| via(inner))?;
    let text = || words.iter().map(|word| word.text.as_str()).collect::<Vec<_>>().join(" ");
    Some(if matches!(runner, Via::Other(_)) { Via::Other(text()) } else { Via::Wrapped(text()) })
}

/// Returns whether a word is a script of the repository that is called as those that run tests are.
fn is_script_of_tests(word: &str) -> bool {
    let Some((folder, name)) = word.rsplit_once('/') else { return false };
    matches!(base(folder), "bin" | "script" | "scripts" | "ci" | ".ci" | "tools")
        && matches!(name, "test" | "tests" | "run-tests" | "run_tests" | "runtests" | "coverage" | "pytest")
}

fn arguments(words: &[Word]) -> PytestCommand {
    let mut command = PytestCommand::default();
    let mut words = words.iter().map(|word| word.text.as_str()).peekable();
    while let Some(word) = words.next() {
        if !word.starts_with('-') {
            command.paths.push(word.to_owned());
            continue;
        }
        let (name, glued) = match word.split_once('=') {
            Some((name, value)) if word.starts_with("--") => (name, Some(value.to_owned())),
            // `-n4`, `-mslow`
            _ if !word.starts_with("--")
                && word.len() > 2
                && ["-n", "-m", "-k", "-p", "-c", "-o", "-W"].contains(&&word[..2]) =>
            {
                (&word[..2], Some(word[2..].trim_start_matches('=').to_owned()))
            }
            _ => (word, None),
        };
        // `--cov` takes a value only behind `=` or where the next word is no option and no test path.
        let value = match glued {
            Some(value) => Some(value),
            None if WITH_VALUE.contains(&name) => words.next().map(str::to_owned),
            None if name == "--cov" => words.next_if(|next| !next.starts_with('-')).map(str::to_owned),
            None => None,
        };
        match name {
            "-m" => command.markers = value,
            "-k" => command.keyword = value,
            "-n" | "--numprocesses" => command.workers = value,
            "--dist" => command.dist = value,
            "--ignore" | "--ignore-glob" | "--deselect" => command.ignored.extend(value),
            "--cov" => command.cov.push(value.unwrap_or_default()),
            "--cov-append" => command.cov_append = true,
            "--cov-fail-under" => command.cov_fail_under = value,
            "--splits" => command.splits = value,
            "--group" => command.group = value,
            "--junitxml" | "--junit-xml" => command.junit = value,
            "--shardplan" => command.shard = value,
            "--collect-only" | "--co" | "--help" | "-h" | "--version" | "--fixtures" | "--markers" => {
                command.lists_only = true;
            }
            _ => {}
        }
    }
    command
}

/// Returns the last part of a path.
fn base(word: &str) -> &str {
    word.rsplit('/').next().unwrap_or(word)
}

fn is_python(word: &str) -> bool {
    word.strip_prefix("python")
        .is_some_and(|version| version.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.'))
        || word == "py"
}

#[cfg(test)]
mod tests {
    use super::*;

    fn runners(script: &str) -> Vec<Via> {
        find_runners(&Step::of_script(script)).into_iter().map(|runner| runner.via).collect()
    }

    fn pytest(script: &str) -> PytestCommand {
        let mut found = runners(script);
        assert_eq!(found.len(), 1, "{script}: {found:?}");
        match found.remove(0) {
            Via::Pytest(command) => *command,
            other => panic!("{script}: {other:?}"),
        }
    }

    #[test]
    fn the_arguments_of_a_pytest_command_are_understood() {
        let script = "A=1 uv run pytest tests/a tests/b.py::t -m 'not slow' -n auto --cov=app --cov lib \\\n --cov-fail-under=80 -q --splits 4 --group ${{ matrix.group }} --ignore=x --junitxml=r.xml";
        let command = pytest(script);
        assert_eq!(command.launcher, ["uv", "run"]);
        assert_eq!(command.paths, ["tests/a", "tests/b.py::t"]);
        assert_eq!(command.markers.as_deref(), Some("not slow"));
        assert_eq!(
            (command.workers.as_deref(), command.cov_fail_under.as_deref()),
            (Some("auto"), Some("80"))
        );
        assert_eq!(command.cov, ["app", "lib"]);
        assert_eq!(
            (command.splits.as_deref(), command.group.as_deref()),
            (Some("4"), Some("${{ matrix.group }}"))
        );
        assert_eq!((command.ignored, command.junit.as_deref()), (vec!["x".to_owned()], Some("r.xml")));
        assert_eq!(&script[..command.end_of_name], "A=1 uv run pytest");
    }

    #[test]
    fn pytest_is_found_behind_its_launchers_and_not_where_it_is_only_named() {
        for script in [
            "python3.12 -m pytest",
            "coverage run -m pytest x",
            "poetry run pytest",
            ".venv/bin/pytest",
            "docker compose exec web pytest",
            "if ! pytest tests; then",
            "for t in a b; do pytest -m $t",
            "python -W error -m pytest",
        ] {
            pytest(script);
        }
        for script in [
            "pip install pytest",
            "uv pip install pytest \\\n pytest-cov",
            "echo pytest",
            "pytest --collect-only",
            "# pytest",
            "python pytest-gevent.py",
            "tox --version",
            "pip install tox",
        ] {
            assert_eq!(runners(script), [], "{script}");
        }
    }

    #[test]
    fn a_command_knows_the_folder_that_the_script_went_to() {
        let folder = |script: &str| pytest(script).folder;
        assert_eq!(folder("cd backend && pytest").as_deref(), Some("backend"));
        assert_eq!(folder("cd ./a/b\ncd ../c; uv run pytest").as_deref(), Some("a/c"));
        assert_eq!(folder("(cd docs && make html); pytest"), None);
        assert_eq!(folder("(cd backend && pytest)").as_deref(), Some("backend"));
        assert_eq!(folder("cd $HOME\npytest"), None);
        assert_eq!(folder("cd a; cd ..; pytest"), None);
    }

    #[test]
    fn runners_that_hide_their_tests_are_named_as_such() {
        for script in [
            "docker exec -e A=1 box make unit",
            "docker compose run --rm web sh -c 'coverage run -m pytest tests'",
            "pixi run pytest-core --cov",
            "uv run poe test",
            "make sequential-unit",
            "tox -e py312",
            "python -m tox",
            "uv run --only-group x nox -s tests",
            "make test",
            "hatch run test:unit",
            "./scripts/test",
            "bin/tests --postgresql-host db",
            "bash scripts/run-tests.sh",
            "hatch test",
        ] {
            assert!(matches!(runners(script)[..], [Via::Wrapped(_)]), "{script}: {:?}", runners(script));
        }
        for script in [
            "python netbox/manage.py test netbox/ --parallel",
            "coverage run ./runtests.py",
            "python -m unittest",
            "docker compose run web python manage.py test",
            "python setup.py test",
        ] {
            assert!(matches!(runners(script)[..], [Via::Other(_)]), "{script}");
        }
    }
}

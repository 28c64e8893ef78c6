//! What stands behind a command that hides its tests: make targets, recipes of just and Task, environments of tox
//! and hatch, scripts of pdm, poe, pixi and rye, and scripts of the repository.
//!
//! Nothing is run. A definition that is not found, or that asks for more than text, is said to be unknown.

use toml::Value;
use yaml_serde::Value as Yaml;

use super::super::github::{PytestCommand, Step, Via, find_runners, nests_too_deep};

/// How many definitions may lead to each other.
const DEPTH: usize = 6;

/// What a command runs.
#[derive(Debug, Default)]
pub(super) struct Behind {
    /// The pytest commands.
    pub(super) pytest: Vec<PytestCommand>,
    /// Whether a part of it could not be looked into.
    pub(super) hidden: bool,
}

/// Returns what a command that hides its tests runs; `read` reads files of the folder that it is run in.
pub(super) fn behind(words: &str, read: &dyn Fn(&str) -> Option<String>) -> Behind {
    let mut found = Behind::default();
    look(words, read, DEPTH, &mut found);
    found
}

fn look(words: &str, read: &dyn Fn(&str) -> Option<String>, depth: usize, found: &mut Behind) {
    let script = if depth == 0 { None } else { script_of(words, read) };
    let Some(script) = script else {
        found.hidden = true;
        return;
    };
    let script = without_prefixes(&script);
    let runners = find_runners(&Step::of_script(&script));
    // It speaks of pytest, in a way that is not understood.
    let names_it = script.contains("pytest") || script.contains("py.test");
    found.hidden |= names_it && !runners.iter().any(|runner| matches!(runner.via, Via::Pytest(_)));
    for runner in runners {
        match runner.via {
            Via::Pytest(command) => found.pytest.push(*command),
            Via::Wrapped(inner) if inner != words => look(&inner, read, depth - 1, found),
            Via::Wrapped(_) | Via::Other(_) => {}
        }
    }
}

/// Returns a script without the expansions that stand right before a word: `${PREFIX}coverage`.
fn without_prefixes(script: &str) -> String {
    let mut text = String::new();
    let mut rest = script;
    while let Some(at) = rest.find("${") {
        text.push_str(&rest[..at]);
        let length = rest[at..].find('}').map_or(rest.len() - at, |end| end + 1);
        let next = rest[at + length..].chars().next();
        if !next.is_some_and(|c| c.is_ascii_alphanumeric()) || text.ends_with(|c: char| !c.is_whitespace()) {
            text.push_str(&rest[at..at + length]);
        }
        rest = &rest[at + length..];
    }
    text + rest
}

/// Returns the script that the words of a command stand for; nothing where that is not known.
fn script_of(words: &str, read: &dyn Fn(&str) -> Option<String>) -> Option<String> {
    let parts = shell_words(words);
    let mut parts: &[String] = &parts;
    // What stands before the runner: containers, environments, `python -m`.
    let is_runner = |word: &String| {
        let name = base(word);
        RUNNERS.contains(&name) || (word.contains('/') && !word.starts_with('-'))
    };
    if let Some(at) = parts.iter().position(|word| is_runner(word) || is_shell(word)) {
        parts = &parts[at..];
    }
    let first = base(parts.first()?);
    let rest = &parts[1..];
    match first {
        _ if is_shell(first) => {
            match rest.iter().position(|word| word.starts_with('-') && word.ends_with('c')) {
                Some(at) => rest.get(at + 1).cloned(),
                None => read(rest.iter().find(|word| !word.starts_with('-'))?.trim_start_matches("./")),
            }
        }
        "make" | "gmake" => makefile(rest, read),
        "just" => recipes(&first_of(read, &["justfile", "Justfile", ".justfile"])?, &targets(rest), "just"),
        "task" => taskfile(rest, read),
        "tox" => tox(rest, read),
        "hatch" => hatch(rest, read),
        "pdm" | "poe" | "pixi" | "rye" | "poetry" | "uv" => scripts(first, rest, read),
        _ => {
            let text = read(parts[0].trim_start_matches("./"))?;
            // A program in another language is not looked into.
            let shebang = text.lines().next().unwrap_or_default();
            (!shebang.starts_with("#!") || shebang.contains("sh")).then_some(text)
        }
    }
}

const RUNNERS: [&str; 12] =
    ["make", "gmake", "just", "task", "tox", "hatch", "pdm", "poe", "pixi", "rye", "poetry", "uv"];

fn is_shell(word: &str) -> bool {
    matches!(base(word), "bash" | "sh" | "dash" | "zsh")
}

fn base(word: &str) -> &str {
    word.rsplit('/').next().unwrap_or(word)
}

/// Returns the words of a command; a quoted part that was joined with spaces can not be told apart any more, but
/// what follows `-c` is taken as a whole.
fn shell_words(words: &str) -> Vec<String> {
    let mut parts: Vec<String> = words.split_whitespace().map(str::to_owned).collect();
    let shell = parts.iter().position(|word| is_shell(word));
    if let Some(at) = shell
        && let Some(dash) = parts[at..].iter().position(|word| word.starts_with('-') && word.ends_with('c'))
    {
        let rest = parts.split_off((at + dash + 1).min(parts.len()));
        parts.push(rest.join(" "));
    }
    parts
}

/// Returns the words that name targets: neither options nor assignments.
fn targets(words: &[String]) -> Vec<&str> {
    let named = words.iter().map(String::as_str);
    named.filter(|word| !word.starts_with('-') && !word.contains('=')).collect()
}

fn first_of(read: &dyn Fn(&str) -> Option<String>, names: &[&str]) -> Option<String> {
    names.iter().find_map(|name| read(name))
}

/// Returns the recipes of make's targets, those that they call or wait for included, with its variables filled in.
fn makefile(words: &[String], read: &dyn Fn(&str) -> Option<String>) -> Option<String> {
    let folder = words.iter().position(|word| word == "-C").and_then(|at| words.get(at + 1));
    let inside =
        |name: &str| read(&folder.map_or_else(|| name.to_owned(), |folder| format!("{folder}/{name}")));
    let text = first_of(&inside, &["Makefile", "makefile", "GNUmakefile"])?.replace("\\\n", " ");
    let mut named = targets(words);
    named.retain(|word| Some(*word) != folder.map(String::as_str));
    let recipes = recipes(&text, &named, "make")?;
    Some(filled(&recipes, &text))
}

/// Returns a recipe with make's variables filled in: one that is defined nowhere is empty, as make has it.
fn filled(recipe: &str, makefile: &str) -> String {
    let definition = |name: &str| {
        let lines = makefile.lines().filter(|line| !line.starts_with('\t'));
        lines.rev().find_map(|line| {
            let (known, value) = line.split_once('=')?;
            let known = known.trim_end_matches([':', '?', '+', '!']).trim().trim_start_matches("export ");
            (known == name).then(|| value.trim().to_owned())
        })
    };
    let mut text = recipe.replace("$(MAKE)", "make").replace("${MAKE}", "make");
    // Definitions may use others; what goes in circles ends here.
    for _ in 0..8 {
        let Some(start) = text.find("$(").or_else(|| text.find("${")) else { break };
        let mut next = String::new();
        let mut rest = text.as_str();
        while let Some(at) = rest.find("$(").or_else(|| rest.find("${")) {
            let close = if rest[at + 1..].starts_with('(') { ')' } else { '}' };
            let Some(length) = rest[at..].find(close) else { break };
            next.push_str(&rest[..at]);
            next.push_str(&definition(rest[at + 2..at + length].trim()).unwrap_or_default());
            rest = &rest[at + length + 1..];
        }
        next.push_str(rest);
        if next == text || start >= text.len() {
            break;
        }
        text = next;
    }
    text
}

/// Returns the recipes of some targets of a makefile or justfile, each target's prerequisites first; nothing where
/// one of them is not there.
fn recipes(text: &str, targets: &[&str], kind: &str) -> Option<String> {
    let mut script = String::new();
    let mut open: Vec<&str> = targets.iter().rev().copied().collect();
    let mut done = std::collections::BTreeSet::new();
    let mut found = false;
    while let Some(target) = open.pop() {
        if !done.insert(target.to_owned()) {
            continue;
        }
        let mut wanted = false;
        for line in text.lines() {
            if line.starts_with(['\t', ' ']) {
                if wanted && !line.trim().is_empty() {
                    script.push_str(line.trim_start().trim_start_matches(['@', '-', '+']));
                    script.push('\n');
                }
                continue;
            }
            // Not every line without indentation ends a recipe: empty ones and comments stand within.
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            wanted = false;
            let Some((names, needs)) = line.split_once(':').filter(|(_, rest)| !rest.starts_with('=')) else {
                continue;
            };
            // A recipe of just has parameters behind its name.
            let mut names = names.trim_start_matches('@').split_whitespace();
            wanted =
                if kind == "just" { names.next() == Some(target) } else { names.any(|name| name == target) };
            if wanted {
                found = true;
                open.extend(needs.split('#').next().unwrap_or_default().split_whitespace());
            }
        }
    }
    found.then_some(script)
}

/// Returns the commands of a task of Taskfile.
fn taskfile(words: &[String], read: &dyn Fn(&str) -> Option<String>) -> Option<String> {
    let names = ["Taskfile.yml", "Taskfile.yaml", "taskfile.yml", "taskfile.yaml", "Taskfile.dist.yml"];
    let text = first_of(read, &names).filter(|text| nests_too_deep(text).is_none())?;
    let document: Yaml = yaml_serde::from_str(&text).ok()?;
    let tasks = document.get("tasks")?;
    let mut script = String::new();
    for name in targets(words) {
        let task = tasks.get(name)?;
        let commands = task.get("cmds").or_else(|| task.get("cmd")).unwrap_or(task);
        let commands: Vec<&Yaml> = match commands {
            Yaml::Sequence(all) => all.iter().collect(),
            one => vec![one],
        };
        for command in commands {
            match (
                command.as_str().or_else(|| command.get("cmd").and_then(Yaml::as_str)),
                command.get("task"),
            ) {
                (Some(line), _) => script.extend([&without_braces(line), "\n"]),
                (None, Some(other)) => script.extend(["task ", other.as_str().unwrap_or_default(), "\n"]),
                (None, None) => return None,
            }
        }
    }
    (!script.is_empty()).then_some(script)
}

/// Returns a line without `{{…}}`, which only a run fills in.
fn without_braces(line: &str) -> String {
    let mut text = String::new();
    let mut rest = line;
    while let Some(at) = rest.find("{{") {
        text.push_str(&rest[..at]);
        rest = rest[at..].find("}}").map_or("", |end| &rest[at + end + 2..]);
    }
    text + rest
}

/// Returns a line with `{posargs:tests}`, `{args:tests}` filled in: by what the command line gives, else by what
/// stands behind the colon. What other braces stand for is not known.
fn with_arguments(line: &str, given: &str) -> String {
    let mut text = String::new();
    let mut rest = line;
    while let Some(at) = rest.find('{') {
        text.push_str(&rest[..at]);
        let Some(end) = rest[at..].find('}') else { break };
        let inner = &rest[at + 1..at + end];
        let (name, usual) = inner.split_once(':').unwrap_or((inner, ""));
        if matches!(name, "posargs" | "args") {
            text.push_str(if given.is_empty() { usual } else { given });
        } else {
            // Only a run knows it, as a variable of the shell.
            text.extend(["$", name]);
        }
        rest = &rest[at + end + 1..];
    }
    text + rest
}

/// Returns the commands of tox's environments.
fn tox(words: &[String], read: &dyn Fn(&str) -> Option<String>) -> Option<String> {
    let (own, given) = match words.iter().position(|word| word == "--") {
        Some(at) => (&words[..at], words[at + 1..].join(" ")),
        None => (words, String::new()),
    };
    let mut environments: Vec<&str> = Vec::new();
    for (at, word) in own.iter().enumerate() {
        if let Some(glued) = word.strip_prefix("-e").filter(|glued| !glued.is_empty()) {
            environments.extend(glued.trim_start_matches('=').split(','));
        } else if word == "-e" {
            environments.extend(own.get(at + 1)?.split(','));
        }
    }
    let ini = read("tox.ini").or_else(|| {
        let project: Value = toml::from_str(&read("pyproject.toml")?).ok()?;
        at(&project, &["tool", "tox", "legacy_tox_ini"])?.as_str().map(str::to_owned)
    });
    if environments.is_empty() || environments.iter().any(|name| name.contains('$')) {
        environments = vec![""];
    }
    let mut script = String::new();
    for name in environments {
        let commands = match &ini {
            Some(ini) => {
                let own = ini_value(ini, &format!("testenv:{name}"), "commands");
                own.or_else(|| ini_value(ini, "testenv", "commands"))?
            }
            None => native_tox(name, read)?,
        };
        let factors: Vec<&str> = name.split('-').collect();
        for line in commands.lines() {
            // `factor: command` and `!factor: command` hold for some environments.
            let line = match line.split_once(": ") {
                Some((condition, command)) if !condition.contains([' ', '/', '{']) => {
                    let holds = condition.split(',').any(|all| {
                        all.split('-').all(|factor| match factor.strip_prefix('!') {
                            Some(not) => !factors.contains(&not),
                            None => factors.contains(&factor) || name.is_empty(),
                        })
                    });
                    if !holds {
                        continue;
                    }
                    command
                }
                _ => line,
            };
            script.push_str(with_arguments(line.trim_start_matches(['-', '!', ' ']), &given).as_str());
            script.push('\n');
        }
    }
    Some(script)
}

/// Returns the commands of an environment in tox's own TOML.
fn native_tox(name: &str, read: &dyn Fn(&str) -> Option<String>) -> Option<String> {
    let (document, way): (Value, &[&str]) = match read("tox.toml") {
        Some(text) => (toml::from_str(&text).ok()?, &[]),
        None => (toml::from_str(&read("pyproject.toml")?).ok()?, &["tool", "tox"]),
    };
    let tox = at(&document, way)?;
    let commands = at(tox, &["env", name, "commands"]).or_else(|| at(tox, &["env_run_base", "commands"]))?;
    let lines = commands.as_array()?.iter().map(|line| {
        let words = line.as_array().into_iter().flatten().filter_map(Value::as_str);
        words.collect::<Vec<_>>().join(" ")
    });
    Some(lines.collect::<Vec<_>>().join("\n"))
}

/// Returns a value of an INI file, its continuation lines included.
fn ini_value(text: &str, section: &str, key: &str) -> Option<String> {
    let mut inside = false;
    let mut value: Option<String> = None;
    for line in text.lines() {
        if let Some(name) = line.strip_prefix('[') {
            inside = name.trim_end().strip_suffix(']') == Some(section);
            if value.is_some() {
                break;
            }
        } else if let Some(found) = &mut value {
            if line.starts_with([' ', '\t']) {
                found.push_str(line.trim());
                found.push('\n');
            } else if !line.trim().is_empty() && !line.starts_with('#') {
                break;
            }
        } else if inside
            && let Some((known, first)) = line.split_once('=')
            && known.trim() == key
        {
            value = Some(format!("{}\n", first.trim()));
        }
    }
    // A command that goes on in the next line.
    value.map(|value| value.replace("\\\n", " "))
}

/// Returns what a script of hatch runs: `hatch run ENVIRONMENT:SCRIPT`.
fn hatch(words: &[String], read: &dyn Fn(&str) -> Option<String>) -> Option<String> {
    let (document, way): (Value, &[&str]) = match read("hatch.toml") {
        Some(text) => (toml::from_str(&text).ok()?, &["envs"]),
        None => (toml::from_str(&read("pyproject.toml")?).ok()?, &["tool", "hatch", "envs"]),
    };
    let environments = at(&document, way)?;
    let at_run = words.iter().position(|word| word == "run")?;
    let mut rest = words[at_run + 1..].iter().filter(|word| !word.starts_with(['+', '-']));
    let named = rest.next()?;
    let given = rest.map(String::as_str).collect::<Vec<_>>().join(" ");
    let (environment, script) = named.split_once(':').unwrap_or(("default", named));
    let scripts = at(environments, &[environment, "scripts"])
        .filter(|scripts| scripts.get(script).is_some())
        .or_else(|| at(environments, &["default", "scripts"]))?;
    let mut text = String::new();
    hatch_script(scripts, script, &given, DEPTH, &mut text)?;
    Some(text)
}

fn hatch_script(scripts: &Value, name: &str, given: &str, depth: usize, text: &mut String) -> Option<()> {
    let lines: Vec<&str> = match scripts.get(name)? {
        Value::String(line) => vec![line],
        Value::Array(lines) => lines.iter().filter_map(Value::as_str).collect(),
        _ => return None,
    };
    for line in lines {
        let (first, rest) = line.split_once(' ').unwrap_or((line, ""));
        // A script may begin with another.
        if depth > 0 && first != name && scripts.get(first).is_some() {
            hatch_script(scripts, first, &with_arguments(rest, given), depth - 1, text)?;
        } else {
            text.push_str(&with_arguments(line.trim_start_matches("- "), given));
            text.push('\n');
        }
    }
    Some(())
}

/// Returns what a script of pdm, poe, pixi or rye runs.
fn scripts(runner: &str, words: &[String], read: &dyn Fn(&str) -> Option<String>) -> Option<String> {
    let mut rest = words.iter().map(String::as_str).filter(|word| !word.starts_with('-'));
    let mut name = rest.next()?;
    if name == "run" {
        name = rest.next()?;
    }
    let runner = if name == "poe" { "poe" } else { runner };
    if name == "poe" {
        name = rest.next()?;
    }
    let project: Option<Value> = read("pyproject.toml").and_then(|text| toml::from_str(&text).ok());
    let pixi: Option<Value> = read("pixi.toml").and_then(|text| toml::from_str(&text).ok());
    let tables: Vec<&Value> = match runner {
        "pdm" => project.iter().filter_map(|project| at(project, &["tool", "pdm", "scripts"])).collect(),
        "poe" => project.iter().filter_map(|project| at(project, &["tool", "poe", "tasks"])).collect(),
        "rye" => project.iter().filter_map(|project| at(project, &["tool", "rye", "scripts"])).collect(),
        "pixi" => {
            let own = pixi.iter().chain(project.iter().filter_map(|project| at(project, &["tool", "pixi"])));
            own.flat_map(|top| {
                let features = at(top, &["feature"]).and_then(Value::as_table).into_iter().flatten();
                let of_features = features.filter_map(|(_, feature)| feature.get("tasks"));
                at(top, &["tasks"]).into_iter().chain(of_features)
            })
            .collect()
        }
        _ => return None,
    };
    let mut text = String::new();
    for table in tables.iter().filter(|table| table.get(name).is_some()) {
        task_of(table, name, DEPTH, &mut text)?;
    }
    (!text.is_empty()).then_some(text)
}

fn task_of(tasks: &Value, name: &str, depth: usize, text: &mut String) -> Option<()> {
    let line = |line: &str| format!("{}\n", without_braces(line));
    // Each part of a sequence is another task, or a command where none is called so.
    let sequence = |parts: &[Value], text: &mut String| {
        for part in parts.iter().filter_map(Value::as_str) {
            let first = part.split_whitespace().next().unwrap_or_default();
            if depth > 0 && tasks.get(first).is_some() {
                task_of(tasks, first, depth - 1, text)?;
            } else {
                text.push_str(&line(part));
            }
        }
        Some(())
    };
    match tasks.get(name)? {
        Value::String(words) => text.push_str(&line(words)),
        Value::Array(parts) => sequence(parts, text)?,
        Value::Table(task) => {
            let keys = ["cmd", "shell", "composite", "sequence"];
            match keys.iter().find_map(|key| task.get(*key))? {
                Value::String(words) => text.push_str(&line(words)),
                Value::Array(parts) if task.contains_key("cmd") => {
                    let words: Vec<&str> = parts.iter().filter_map(Value::as_str).collect();
                    text.push_str(&line(&words.join(" ")));
                }
                Value::Array(parts) => sequence(parts, text)?,
                _ => return None,
            }
        }
        _ => return None,
    }
    Some(())
}

fn at<'v>(value: &'v Value, way: &[&str]) -> Option<&'v Value> {
    way.iter().try_fold(value, |value, key| value.get(*key))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paths(words: &str, files: &[(&str, &str)]) -> Option<Vec<Vec<String>>> {
        let read =
            |path: &str| files.iter().find(|(name, _)| *name == path).map(|(_, text)| (*text).to_owned());
        let found = behind(words, &read);
        (!found.hidden).then(|| found.pytest.into_iter().map(|command| command.paths).collect())
    }

    fn runs(words: &str, files: &[(&str, &str)], expected: &[&[&str]]) {
        let expected: Vec<Vec<String>> =
            expected.iter().map(|paths| paths.iter().map(|&path| path.to_owned()).collect()).collect();
        assert_eq!(paths(words, files), Some(expected), "{words}");
    }

    #[test]
    fn a_make_target_leads_through_others_to_pytest() {
        let makefile = "RUN ?= uv run\nDIR := tests/unit\n.PHONY: test\ntest: lint\n\t@$(MAKE) unit \\\n\t  integration\n\nunit:\n\t-@$(RUN) pytest -q $(EXTRA) $(DIR)\nintegration:\n\tpytest tests/integration\nlint:\n\truff check\ngo-test:\n\tgo test ./...\n";
        let files = [("Makefile", makefile), ("sub/Makefile", "test:\n\tpytest here\n")];
        runs("make test", &files, &[&["tests/unit"], &["tests/integration"]]);
        runs("make -C sub test", &files, &[&["here"]]);
        runs("docker exec box make unit", &files, &[&["tests/unit"]]);
        // It is known, and it is no test of ours.
        runs("make go-test", &files, &[]);
        assert_eq!(paths("make elsewhere-test", &files), None);
        assert_eq!(paths("make test", &[]), None);
    }

    #[test]
    fn recipes_of_just_and_task_are_read() {
        runs(
            "just test-all x",
            &[(
                "justfile",
                "set shell := [\"sh\"]\ntest-all arg *rest: (x)\n    # all\n\n    pytest tests\n",
            )],
            &[&["tests"]],
        );
        let taskfile = "version: '3'\ntasks:\n  py:test:\n    cmds:\n      - task: py:unit\n      - cmd: uv run pytest tests/e2e {{.CLI_ARGS}}\n  py:unit: poetry run pytest tests/unit\n";
        runs("task py:test", &[("Taskfile.yml", taskfile)], &[&["tests/unit"], &["tests/e2e"]]);
    }

    #[test]
    fn environments_of_tox_say_what_they_run() {
        let ini = "[tox]\nenvlist = py\n[testenv]\ndeps = pytest\ncommands =\n  unit: pytest {posargs:tests/unit}\n  psql: pytest \\\n    tests/psql\n  !unit: coverage xml\n[testenv:all]\ncommands = pytest {envdir}\n[testenv:docs]\ncommands = sphinx\n";
        let files = [("tox.ini", ini)];
        runs("tox -e py312-unit", &files, &[&["tests/unit"]]);
        runs("tox -e py312-unit -- tests/one", &files, &[&["tests/one"]]);
        runs("tox -epy-psql,all", &files, &[&["tests/psql"], &["$envdir"]]);
        runs("tox -e docs", &files, &[]);
        let by_variable = "[testenv]\ncommands = pytest -m {env:MARKERS} -q tests\n";
        runs("tox", &[("tox.ini", by_variable)], &[&["tests"]]);
        let native = "[tool.tox.env_run_base]\ncommands = [[\"pytest\", \"tests\"]]\n";
        runs("tox", &[("pyproject.toml", native)], &[&["tests"]]);
        assert_eq!(paths("tox -e py", &[]), None);
    }

    #[test]
    fn scripts_of_project_managers_are_read() {
        let project = "[tool.hatch.envs.ci.scripts]\nbase = \"pytest --cov=x {args:tests}\"\ntest = [\"base -q\", \"- echo\"]\n\
                       [tool.pdm.scripts]\ntest = {composite = [\"unit\"]}\nunit = \"pytest tests/unit\"\n\
                       [tool.poe.tasks]\ntest = {cmd = \"pytest tests/poe\"}\n[tool.rye.scripts]\ntest = {cmd = [\"pytest\", \"tests/rye\"]}\n";
        let files = [
            ("pyproject.toml", project),
            ("pixi.toml", "[feature.a.tasks]\npytest-a = {cmd = \"pytest a\", cwd = \"x\"}\n"),
        ];
        runs("hatch run +py=3.12 ci:test", &files, &[&[]]);
        runs("hatch run ci:base tests/a", &files, &[&["tests/a"]]);
        runs("pdm run test", &files, &[&["tests/unit"]]);
        runs("uv run poe test", &files, &[&["tests/poe"]]);
        runs("rye run test", &files, &[&["tests/rye"]]);
        runs("pixi run pytest-a", &files, &[&["a"]]);
        assert_eq!(paths("pixi run pytest-b", &files), None);
    }

    #[test]
    fn scripts_of_the_repository_and_of_a_shell_are_read() {
        let files = [
            ("scripts/test", "#!/bin/sh -e\nset -x\n${PREFIX}coverage run -m pytest tests\n"),
            ("bin/test", "#!/usr/bin/env python\npytest\n"),
        ];
        runs("./scripts/test", &files, &[&["tests"]]);
        runs("bash scripts/test", &files, &[&["tests"]]);
        runs("docker compose run web bash -ec pytest tests -q", &files, &[&["tests"]]);
        assert_eq!(paths("bin/test", &files), None);
        assert_eq!(paths("sh x", &[("x", "for p in pytest; do $p; done\n")]), None);
    }

    #[test]
    fn what_leads_to_itself_ends() {
        assert_eq!(paths("make test", &[("Makefile", "test:\n\tmake test2\ntest2:\n\tmake test\n")]), None);
        let circle = "A = $(B)\nB = $(A)\ntest:\n\tpytest $(A)\n";
        assert!(paths("make test", &[("Makefile", circle)]).is_some());
    }
}

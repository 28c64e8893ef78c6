//! What other repositories take from this one: the composite action, whose steps are run as the runner would, and the
//! pre-commit hooks, which pre-commit itself runs.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use tempfile::TempDir;
use yaml_serde::Value;

use super::emitted::tool;

const WORKFLOW: &str = "on: push\npermissions: {}\njobs:\n  unit:\n    runs-on: ubuntu-latest\n    steps:\n      - run: pytest tests\n";

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Returns a project whose workflow is not yet what its lock says, in a Git repository.
fn project() -> TempDir {
    let folder = TempDir::new().unwrap();
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    };
    write(".github/workflows/ci.yml", WORKFLOW);
    write("tests/test_a.py", "def test_a(): pass\n");
    write("pytest.ini", "[pytest]\n");
    write("shardplan.toml", "[workflow]\nfile = \".github/workflows/ci.yml\"\n[lanes.unit]\n");
    let output = shardplan(folder.path(), &["suggest", "--max-shards", "1", "--write"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    git(folder.path(), &["init", "-q"]);
    git(folder.path(), &["add", "-A"]);
    folder
}

fn shardplan(folder: &Path, words: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_shardplan")).args(words).current_dir(folder).output().unwrap()
}

fn git(folder: &Path, words: &[&str]) {
    let name = ["-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "commit.gpgsign=false"];
    let output = Command::new("git").args(name).args(words).current_dir(folder).output().unwrap();
    assert!(output.status.success(), "git {words:?}: {}", String::from_utf8_lossy(&output.stderr));
}

/// Returns the search path with the program in front.
fn path_with_program() -> String {
    let folder = Path::new(env!("CARGO_BIN_EXE_shardplan")).parent().unwrap();
    format!("{}:/usr/local/bin:/usr/bin:/bin", folder.display())
}

/// Runs the steps of the action with its inputs, those that are not given being the defaults; returns the exit code
/// of the first that fails, and what all said.
fn run_action(folder: &Path, inputs: &[(&str, &str)]) -> (i32, String) {
    let action: Value =
        yaml_serde::from_str(&fs::read_to_string(root().join("action.yml")).unwrap()).unwrap();
    let value = |name: &str| {
        let given = inputs.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned());
        given.unwrap_or_else(|| action["inputs"][name]["default"].as_str().unwrap().to_owned())
    };
    // The registry is not asked: what is installed is only written down.
    let bin = TempDir::new().unwrap();
    fs::write(bin.path().join("python"), "#!/bin/sh\necho \"python $*\"\n").unwrap();
    assert!(Command::new("chmod").arg("+x").arg(bin.path().join("python")).status().unwrap().success());
    let mut said = String::new();
    for step in action["runs"]["steps"].as_sequence().unwrap() {
        assert_eq!(step["shell"].as_str(), Some("bash"));
        let script = step["run"].as_str().unwrap();
        assert!(!script.contains("${{"), "an input would be part of the script: {script}");
        let mut command = Command::new("bash");
        command
            .args(["--noprofile", "--norc", "-eo", "pipefail", "-c", script])
            .current_dir(folder)
            .env("PATH", format!("{}:{}", bin.path().display(), path_with_program()));
        for (name, expression) in step["env"].as_mapping().unwrap() {
            let expression = expression.as_str().unwrap();
            let input = expression.strip_prefix("${{ inputs.").and_then(|rest| rest.strip_suffix(" }}"));
            command.env(name.as_str().unwrap(), value(input.unwrap()));
        }
        let output = command.output().unwrap();
        said.push_str(&String::from_utf8_lossy(&output.stdout));
        said.push_str(&String::from_utf8_lossy(&output.stderr));
        if !output.status.success() {
            return (output.status.code().unwrap(), said);
        }
    }
    (0, said)
}

#[test]
fn the_action_runs_each_of_its_commands() {
    let project = project();
    let folder = project.path();
    let (code, said) = run_action(folder, &[]);
    assert_eq!(code, 1, "{said}");
    assert!(said.contains(&format!("pip install shardplan=={}", env!("CARGO_PKG_VERSION"))), "{said}");
    assert!(said.contains("this is not what the lock says"), "{said}");
    assert!(shardplan(folder, &["emit", "github"]).status.success());
    assert_eq!(run_action(folder, &[("command", "emit-check")]).0, 0);
    assert_eq!(run_action(folder, &[("command", "suggest-locked")]).0, 0);
    let (code, said) = run_action(folder, &[("command", "audit")]);
    assert!(code == 0 && said.contains("No findings."), "{code}: {said}");
    fs::create_dir(folder.join("shardplan-results")).unwrap();
    let (code, said) = run_action(folder, &[("command", "verify")]);
    assert!(code != 0 && said.contains("there is no result"), "{said}");
    assert_eq!(run_action(folder, &[("command", "drop")]).0, 2);
}

#[test]
fn inputs_of_the_action_are_never_a_script() {
    let project = project();
    for attack in
        ["$(touch pwned)", "`touch pwned`", "'; touch pwned; '", "\"; touch pwned #", "--help", "a b"]
    {
        for input in ["command", "results", "version"] {
            let mut inputs = vec![(input, attack)];
            if input == "results" {
                inputs.push(("command", "verify"));
            }
            let (code, said) = run_action(project.path(), &inputs);
            assert_ne!(code, 0, "{input} {attack:?}: {said}");
            assert!(!project.path().join("pwned").exists(), "{input} {attack:?} was run");
        }
    }
}

#[test]
fn the_action_has_no_finding() {
    let (Some(schema), Some(zizmor)) = (tool("check-jsonschema"), tool("zizmor")) else { return };
    let action = root().join("action.yml");
    let said = Command::new(schema)
        .args(["--builtin-schema", "vendor.github-actions"])
        .arg(&action)
        .output()
        .unwrap();
    assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stdout));
    let said = Command::new(zizmor).args(["--offline", "--no-progress"]).arg(&action).output().unwrap();
    assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stdout));
}

#[test]
fn pre_commit_runs_the_hooks() {
    let Some(pre_commit) = tool("pre-commit") else { return };
    // The hooks in a repository of their own: pre-commit takes them from a commit.
    let hooks = TempDir::new().unwrap();
    fs::copy(root().join(".pre-commit-hooks.yaml"), hooks.path().join(".pre-commit-hooks.yaml")).unwrap();
    git(hooks.path(), &["init", "-q"]);
    git(hooks.path(), &["add", "-A"]);
    git(hooks.path(), &["commit", "-qm", "hooks"]);
    let project = project();
    let home = TempDir::new().unwrap();
    let run = |hook: &str, files: &[&str]| {
        let output = Command::new(&pre_commit)
            .arg("try-repo")
            .arg(hooks.path())
            .args([hook, "--verbose", "--files"])
            .args(files)
            .current_dir(project.path())
            .env("PATH", path_with_program())
            .env("HOME", home.path())
            .env("PRE_COMMIT_HOME", home.path())
            .env("PRE_COMMIT_COLOR", "never")
            .output()
            .unwrap();
        (output.status.success(), String::from_utf8_lossy(&output.stdout).into_owned())
    };
    let (well, said) = run("shardplan-emit-check", &["shardplan.lock"]);
    assert!(!well && said.contains("this is not what the lock says"), "{said}");
    assert!(shardplan(project.path(), &["emit", "github"]).status.success());
    git(project.path(), &["add", "-A"]);
    let (well, said) = run("shardplan-emit-check", &[".github/workflows/ci.yml"]);
    assert!(well && said.contains("Passed"), "{said}");
    // Neither has anything to do where no file is its own.
    for hook in ["shardplan-emit-check", "shardplan-audit"] {
        let (well, said) = run(hook, &["README"]);
        assert!(well && said.contains("Skipped"), "{said}");
    }
    let (_, said) = run("shardplan-audit", &["tests/test_a.py"]);
    assert!(said.contains("Passed") && said.contains("No findings."), "{said}");
}

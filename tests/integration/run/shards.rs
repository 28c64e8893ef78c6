//! Real pytest runs of 2 to 16 shards: together they run the collection, each test once, whatever else is loaded
//! and however the suite has changed since it was planned.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use super::{Workshop, python_with};

/// A small generator of its own, so that a failure is repeated by its seed.
struct Chance(u64);

impl Chance {
    fn below(&mut self, end: u64) -> u64 {
        // Knuth's MMIX constants.
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % end
    }

    fn one_in(&mut self, number: u64) -> bool {
        self.below(number) == 0
    }
}

/// A suite: its files, each with its classes, each with its tests.
type Suite = BTreeMap<String, BTreeMap<String, BTreeSet<String>>>;

fn suite(chance: &mut Chance) -> Suite {
    let mut suite = Suite::new();
    for file in 0..6 + chance.below(6) {
        let folder = ["tests", "tests/deep", "tests/other"][usize::try_from(chance.below(3)).unwrap()];
        let mut classes = BTreeMap::new();
        for class in 0..=chance.below(3) {
            let class = if class == 0 { String::new() } else { format!("Test{class}") };
            classes.insert(class, (0..=chance.below(4)).map(|test| format!("test_{test}")).collect());
        }
        suite.insert(format!("{folder}/test_{file}.py"), classes);
    }
    suite
}

/// Adds, takes away and renames.
fn change(suite: &mut Suite, chance: &mut Chance) {
    let files: Vec<String> = suite.keys().cloned().collect();
    for file in files {
        if chance.one_in(6) {
            suite.remove(&file);
        } else if chance.one_in(5) {
            let tests = suite.remove(&file).unwrap();
            suite.insert(file.replace(".py", "_renamed.py"), tests);
        } else if chance.one_in(2) {
            let classes = suite.get_mut(&file).unwrap();
            classes.entry("TestNew".to_owned()).or_default().insert("test_new".to_owned());
            classes.entry(String::new()).or_default().insert("test_new".to_owned());
        }
    }
    for new in 0..2 + chance.below(3) {
        let tests = BTreeSet::from(["test_a".to_owned(), "test_b".to_owned()]);
        let classes = BTreeMap::from([(String::new(), tests.clone()), ("TestX".to_owned(), tests)]);
        suite.insert(format!("tests/test_new_{new}.py"), classes);
    }
}

fn write(workshop: &Workshop, suite: &Suite) {
    let _ = std::fs::remove_dir_all(workshop.path("tests"));
    workshop.write(
        "tests/conftest.py",
        "import pytest\n\n@pytest.fixture(scope='session')\ndef db():\n    return 1\n",
    );
    // Without packages, files of one name in two folders would clash.
    for folder in ["tests", "tests/deep", "tests/other"] {
        workshop.write(&format!("{folder}/__init__.py"), "");
    }
    for (at, (file, classes)) in suite.iter().enumerate() {
        let mut text = "import pytest\n".to_owned();
        for (class, tests) in classes {
            let (indent, own) = if class.is_empty() { ("", "") } else { ("    ", "self, ") };
            if !class.is_empty() {
                writeln!(text, "\nclass {class}:").unwrap();
            }
            for (number, test) in tests.iter().enumerate() {
                match (at + number) % 4 {
                    0 => writeln!(text, "{indent}def {test}({own}db): pass"),
                    1 => writeln!(
                        text,
                        "{indent}@pytest.mark.parametrize('x', ['1', 'a::b', 'c/d', 'e\\nf'])\n{indent}def {test}({own}x): pass"
                    ),
                    2 => writeln!(text, "{indent}@pytest.mark.slow\n{indent}def {test}({own}): pass"),
                    _ => writeln!(
                        text,
                        "{indent}@pytest.mark.xdist_group('g')\n{indent}def {test}({own}): pass"
                    ),
                }
                .unwrap();
            }
        }
        workshop.write(file, text);
    }
}

/// Returns a lock of a part of the suite: some files whole, some by class or test, some not at all.
fn lock(suite: &Suite, shards: u64, chance: &mut Chance) -> String {
    let mut units: Vec<Vec<String>> = (0..shards).map(|_| Vec::new()).collect();
    let mut place = |unit: String, chance: &mut Chance| {
        units[usize::try_from(chance.below(shards)).unwrap()].push(unit);
    };
    for (file, classes) in suite {
        if chance.one_in(5) {
            continue;
        }
        place(file.clone(), chance);
        for (class, tests) in classes.iter().filter(|(class, _)| !class.is_empty()) {
            if chance.one_in(3) {
                place(format!("{file}::{class}"), chance);
                place(format!("{file}::{class}::{}", tests.first().unwrap()), chance);
            }
        }
    }
    let mut text = "version = 1\ninputs = ''\nlimits = {}\npredicted = {}\n".to_owned();
    let unit = ["file", "class", "test"][usize::try_from(chance.below(3)).unwrap()];
    writeln!(text, "[[lane]]\nname = 'slow'\nmarkers = 'slow'\nunit = '{unit}'").unwrap();
    writeln!(text, "[[lane]]\nname = 'rest'\nmarkers = 'not slow'\nunit = '{unit}'").unwrap();
    writeln!(text, "[[service]]\nname = 'db'\nfixtures = ['db']").unwrap();
    for (at, units) in units.iter().enumerate() {
        // The last shard is the other lane's, so that both have one.
        let lane = if at + 1 == units_of(shards) { "slow" } else { "rest" };
        let services = if at % 2 == 0 { "['db']" } else { "[]" };
        let listed: Vec<String> = units.iter().map(|unit| format!("'{unit}'")).collect();
        writeln!(text, "[[shard]]\nname = 's-{at}'\nlane = '{lane}'\nservices = {services}").unwrap();
        writeln!(text, "units = [{}]", listed.join(", ")).unwrap();
    }
    text
}

fn units_of(shards: u64) -> usize {
    usize::try_from(shards).unwrap()
}

fn ids(json: &serde_json::Value, first_of: bool) -> Vec<String> {
    let tests = json["tests"].as_array().unwrap().iter();
    tests.map(|test| if first_of { &test[0] } else { &test["id"] }.as_str().unwrap().to_owned()).collect()
}

fn every_test_runs_once(seed: u64, shards: u64, options: &[&str], workshop: &Workshop) {
    let mut chance = Chance(seed);
    let mut planned = suite(&mut chance);
    let lock = lock(&planned, shards, &mut chance);
    change(&mut planned, &mut chance);
    write(workshop, &planned);
    workshop.write("pytest.ini", "[pytest]\nmarkers =\n    slow\n");
    workshop.write("shardplan.lock", &lock);
    workshop.pytest_ends(0, &["--shardplan-collect", "inventory.json", "-p", "no:randomly"]);
    let mut expected = ids(&workshop.json("inventory.json"), false);
    expected.sort();

    let _ = std::fs::remove_dir_all(workshop.path("shardplan-results"));
    let mut ran = Vec::new();
    for shard in 0..shards {
        let name = format!("s-{shard}");
        let mut args = vec!["--shardplan", &name];
        args.extend(options);
        workshop.pytest_ends(0, &args);
        let report = workshop.json(&format!("shardplan-results/{name}.json"));
        assert_eq!(report["complete"], true, "{report}");
        ran.extend(ids(&report, true));
        // The program gives the shard the same tests.
        let listed = workshop
            .shardplan_ends(0, &format!("select --shard {name} --against inventory.json --format json"));
        let listed: serde_json::Value = serde_json::from_str(&listed).unwrap();
        let mut mine = ids(&report, true);
        mine.sort();
        let mut selected: Vec<&str> =
            listed["tests"].as_array().unwrap().iter().map(|test| test.as_str().unwrap()).collect();
        selected.sort_unstable();
        assert_eq!(mine, selected, "seed {seed}, shard {name}:\n{lock}");
    }
    ran.sort();
    assert_eq!(ran, expected, "seed {seed}, {shards} shards, {options:?}:\n{lock}");
    assert_eq!(workshop.findings("shardplan-results --inventory inventory.json"), Vec::<String>::new());
}

#[test]
fn shards_run_the_collection_and_each_test_once() {
    let Some(python) = python_with("shards_run_the_collection_and_each_test_once", &["pytest"]) else {
        return;
    };
    let workshop = Workshop::new(python);
    for (seed, shards) in [(1, 2), (2, 5), (3, 16)] {
        every_test_runs_once(seed, shards, &["-p", "no:xdist"], &workshop);
    }
}

#[test]
fn shards_run_each_test_once_beside_other_plugins() {
    let packages = ["pytest", "xdist", "pytest_randomly", "pytest_cov", "pytest_asyncio"];
    let Some(python) = python_with("shards_run_each_test_once_beside_other_plugins", &packages) else {
        return;
    };
    let mut workshop = Workshop::new(python);
    let coverage = ["--cov=tests", "--cov-report="];
    every_test_runs_once(4, 3, &coverage, &workshop);
    every_test_runs_once(5, 3, &["-n", "2", "-p", "no:randomly"], &workshop);
    every_test_runs_once(6, 2, &["-n", "2", "--dist", "loadgroup"], &workshop);
    every_test_runs_once(
        7,
        2,
        &["-n", "2", "--dist", "worksteal", "--shardplan-require-services"],
        &workshop,
    );
    // All of them at once, the plugin before the others and after them.
    let all = ["-n", "2", "--cov=tests", "--cov-report=", "-p", "randomly"];
    every_test_runs_once(8, 4, &all, &workshop);
    workshop.environment.push(("PYTEST_PLUGINS".to_owned(), "pytest_shardplan.plugin".to_owned()));
    every_test_runs_once(9, 3, &all, &workshop);
    every_test_runs_once(10, 6, &["-p", "no:xdist"], &workshop);
}

#[test]
fn a_file_of_another_shard_is_not_imported() {
    let Some(python) = python_with("a_file_of_another_shard_is_not_imported", &["pytest"]) else { return };
    let workshop = Workshop::new(python);
    workshop.write("test_mine.py", "def test_a(): pass\n");
    workshop.write("test_theirs.py", "raise RuntimeError('imported')\n");
    workshop.write(
        "shardplan.lock",
        "version = 1\ninputs = ''\nlimits = {}\npredicted = {}\n\
         shard = [{ name = 'a', lane = 'l', units = ['test_mine.py'] }, { name = 'b', lane = 'l', units = ['test_theirs.py'] }]\n",
    );
    workshop.pytest_ends(0, &["--shardplan", "a"]);
    workshop.pytest_ends(2, &["--shardplan", "b"]);
    assert_eq!(workshop.findings("shardplan-results"), ["collection-error"]);
}

#[test]
fn an_empty_shard_is_success_and_a_wrong_folder_is_not() {
    let Some(python) = python_with("an_empty_shard_is_success_and_a_wrong_folder_is_not", &["pytest"]) else {
        return;
    };
    let workshop = Workshop::new(python);
    workshop.write("tests/test_mine.py", "def test_a(): pass\n");
    workshop.write("elsewhere/readme", "");
    workshop.write(
        "shardplan.lock",
        "version = 1\ninputs = ''\nlimits = {}\npredicted = {}\n\
         shard = [{ name = 'a', lane = 'l', units = ['tests/test_mine.py'] }, { name = 'b', lane = 'l', units = ['tests/gone.py'] }]\n",
    );
    workshop.write("pytest.ini", "[pytest]\n");
    workshop.pytest_ends(0, &["--shardplan", "b"]);
    workshop.pytest_ends(5, &["--shardplan", "a", "elsewhere"]);
    let said = workshop.pytest_ends(4, &["--shardplan", "c"]);
    assert!(said.contains("the lock has no shard 'c'; its shards are a, b"), "{said}");
    // What `-k` leaves out did not run.
    workshop.pytest_ends(5, &["--shardplan", "a", "-k", "nothing"]);
    assert_eq!(workshop.findings("shardplan-results"), ["cut-short"]);
}

#[test]
fn a_skip_for_a_service_fails_where_services_are_required() {
    let Some(python) = python_with("a_skip_for_a_service_fails_where_services_are_required", &["pytest"])
    else {
        return;
    };
    let workshop = Workshop::new(python);
    workshop.write(
        "test_a.py",
        "import pytest\n\
         @pytest.mark.skip(reason='postgres not reachable')\ndef test_a(): pass\n\
         @pytest.mark.skip(reason='only on Windows')\ndef test_b(): pass\n\
         @pytest.mark.skip(reason='solr not reachable')\ndef test_c(): pass\n",
    );
    workshop.write(
        "shardplan.lock",
        "version = 1\ninputs = ''\nlimits = {}\npredicted = {}\n\
         shard = [{ name = 'a', lane = 'l', services = ['postgres'], without = ['solr'], units = ['test_a.py'] }]\n",
    );
    workshop.pytest_ends(0, &["--shardplan", "a"]);
    assert_eq!(workshop.findings("shardplan-results"), ["skipped-for-service"]);
    let said = workshop.pytest_ends(1, &["--shardplan", "a", "--shardplan-require-services"]);
    assert!(said.contains("2 skipped") && said.contains("1 error"), "{said}");
    assert_eq!(workshop.findings("shardplan-results"), ["failed"]);
}

#[test]
fn longest_first_keeps_the_tests_of_a_file_together() {
    let Some(python) = python_with("longest_first_keeps_the_tests_of_a_file_together", &["pytest"]) else {
        return;
    };
    let workshop = Workshop::new(python);
    for name in ["a", "b", "c"] {
        workshop.write(&format!("test_{name}.py"), "def test_1(): pass\ndef test_2(): pass\n");
    }
    workshop
        .write("durations", r#"{"test_a.py::test_1": 1, "test_b.py::test_2": 3, "test_c.py::test_1": 2}"#);
    workshop.write(
        "shardplan.lock",
        "version = 1\ninputs = ''\nlimits = {}\npredicted = {}\nshard = [{ name = 'a', lane = 'l', units = [] }]\n",
    );
    workshop
        .pytest_ends(0, &["--shardplan", "a", "--shardplan-longest-first", "durations", "-p", "no:randomly"]);
    let order = ids(&workshop.json("shardplan-results/a.json"), true);
    let expected = ["b", "b", "c", "c", "a", "a"].map(|name| format!("test_{name}.py"));
    let files: Vec<&str> = order.iter().map(|id| id.split("::").next().unwrap()).collect();
    assert_eq!(files, expected);
}

#[test]
fn a_file_of_arguments_runs_what_the_plugin_would() {
    let named = "a_file_of_arguments_runs_what_the_plugin_would";
    let Some(python) = python_with(named, &["pytest"]) else {
        return;
    };
    // `pytest @FILE` came with 8.2; what comes before it has the plugin.
    let asked = "import pytest, sys; sys.exit(pytest.version_tuple[:2] < (8, 2))";
    if !std::process::Command::new(&python).args(["-c", asked]).status().unwrap().success() {
        #[expect(clippy::print_stderr, reason = "a skipped test says so by name")]
        {
            eprintln!("skipped: {named}: pytest before 8.2 reads no file of arguments");
        }
        return;
    }
    let workshop = Workshop::new(python);
    workshop.write("-odd/test_a.py", "def test_a(): pass\n");
    workshop.write("@at/test_b.py", "import pytest\n@pytest.mark.parametrize('x', ['-k', '@x', 'a b', 'l\\nm'])\ndef test_b(x): pass\ndef test_c(): pass\n");
    workshop.write(
        "shardplan.lock",
        "version = 1\ninputs = ''\nlimits = {}\npredicted = {}\n\
         shard = [{ name = 's', lane = 'l', units = ['-odd/test_a.py', '@at/test_b.py::test_b'] }, { name = 't', lane = 'l', units = ['@at/test_b.py'] }]\n",
    );
    workshop.pytest_ends(0, &["--shardplan-collect", "inventory.json"]);
    for shard in ["s", "t"] {
        let args = workshop
            .shardplan_ends(0, &format!("select --shard {shard} --format pytest --against inventory.json"));
        workshop.write("args.txt", args);
        workshop.pytest_ends(0, &["--shardplan", shard, "--shardplan-report", "plugin.json"]);
        workshop.pytest_ends(0, &["@args.txt", "--shardplan-report", "args.json"]);
        let sorted = |name: &str| {
            let mut ids = ids(&workshop.json(name), true);
            ids.sort();
            ids
        };
        assert_eq!(sorted("plugin.json"), sorted("args.json"));
        assert!(!sorted("args.json").is_empty());
    }
}

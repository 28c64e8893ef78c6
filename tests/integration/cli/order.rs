//! Lanes that keep the order of their suite.

use super::Project;

const MANIFEST: &str = r#"
[services.db]
pull = "5s"
ready = "5s"
attach = "0s"

[lanes.all]
base = "10s"
tail = "0s"
order = "keep"
"#;

/// In the suite's order; only the first and the last need the database.
const TESTS: &str = "
tests/a/test_a.py::test_a      40  db
tests/b/test_b.py::test_b      10
tests/c/test_a.py::test_c      10
tests/c_d/test_d.py::test_d    40  db
";

fn files(project: &Project, shard: &str) -> Vec<String> {
    let said = project.shardplan(&format!("select --shard {shard} --format json"));
    let json = said.json();
    let mut files: Vec<String> = said
        .stdout
        .split('"')
        .filter(|word| word.starts_with("tests/"))
        .map(|word| word.split("::").next().unwrap().to_owned())
        .collect();
    files.dedup();
    assert!(json.is_object(), "{said}");
    files
}

#[test]
fn shards_are_contiguous_parts_of_the_suite() {
    let project = Project::planned(MANIFEST, TESTS);
    // Free, the two that need the database would share a shard; in order they can't without everything between them.
    let said = project.shardplan("-q suggest --max-shards 2 --write --format json");
    let json = said.json();
    assert_eq!((&json["gap"], &json["containers"]), (&0.0.into(), &2.into()), "{said}");
    let (first, second) = (files(&project, "all-1"), files(&project, "all-2"));
    let mut both = if first[0].contains("/a/test_a") { [first, second] } else { [second, first] };
    assert_eq!(both[0][0], "tests/a/test_a.py");
    let all = both.iter_mut().flat_map(std::mem::take).collect::<Vec<_>>();
    assert_eq!(all, ["tests/a/test_a.py", "tests/b/test_b.py", "tests/c/test_a.py", "tests/c_d/test_d.py"]);
    let free = Project::planned(&MANIFEST.replace("order = \"keep\"\n", ""), TESTS);
    let free = free.shardplan("-q suggest --max-shards 2 --budget 1 --format json");
    assert_eq!(free.code, 0, "{free}");
}

#[test]
fn a_budget_that_only_the_order_breaks_names_it() {
    let project = Project::planned(MANIFEST, TESTS);
    let said = project.shardplan("suggest --budget 1 --target 110s");
    assert_eq!(said.code, 4, "{said}");
    assert!(said.stderr.contains("lane `all` keeps the order of its suite (shardplan.toml:11)"), "{said}");
}

#[test]
fn a_plan_made_by_hand_is_told_where_it_breaks_the_order() {
    let project = Project::planned(MANIFEST, TESTS);
    project.write(
        "hand.lock",
        "version = 1\ninputs = \"by hand\"\n[limits]\n[predicted]\n[[shard]]\nname = \"ends\"\nlane = \"all\"\n\
         services = [\"db\"]\nunits = [\"tests/a\", \"tests/c_d\"]\n[[shard]]\nname = \"middle\"\nlane = \"all\"\n\
         services = []\nunits = [\"tests/b\", \"tests/c\"]\n",
    );
    let said = project.shardplan("-q suggest --compare hand.lock");
    let sentence = "lane `all` keeps the order of its suite, but in `ends` `tests/c_d/test_d.py` does not follow `tests/a/test_a.py`";
    assert!(said.stdout.contains(sentence), "{said}");
}

#[test]
fn what_can_not_keep_an_order_is_refused() {
    let project = Project::planned(MANIFEST, TESTS);
    let manifest = format!("project.inventory = \"inventory.csv\"\n{MANIFEST}");
    project.write("shardplan.toml", format!("{manifest}unit = \"test\"\n"));
    let said = project.shardplan("suggest");
    assert_eq!(said.code, 3, "{said}");
    assert!(said.stderr.contains("cuts between files: `unit` must be"), "{said}");
    let group = "[groups.pair]\nrule = \"together\"\nmembers = [\"tests/a\", \"tests/c\"]\n";
    project.write("shardplan.toml", format!("{manifest}{group}"));
    let said = project.shardplan("suggest");
    assert_eq!(said.code, 3, "{said}");
    assert!(said.stderr.contains("joins files of lane `all`, which keeps the order of the suite"), "{said}");
}

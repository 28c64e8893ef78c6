//! The memory of a runner as a limit on what may share it.

use super::{Project, strings};

const MANIFEST: &str = r#"
[services.db]
memory = "3GB"

[services.search]
memory = "4GiB"

[lanes.all]
base = "10s"
memory = "1GB"
runner_memory = "7GB"
"#;

const TESTS: &str = "
tests/test_a.py::test_a    50  db
tests/test_b.py::test_b    40  search
tests/test_c.py::test_c    30
";

#[test]
fn services_that_find_no_room_together_get_runners_of_their_own() {
    let project = Project::planned(MANIFEST, TESTS);
    let said = project.shardplan("-q suggest --budget 2 --max-shards 2 --format json");
    let together: Vec<usize> = said.json()["shards"]
        .as_array()
        .unwrap()
        .iter()
        .map(|shard| strings(&shard["services"]).len())
        .collect();
    assert_eq!(together, [1, 1], "{said}");
    let shard = &said.json()["shards"][0];
    assert_eq!(
        (&shard["memory_bytes"], &shard["runner_memory_bytes"]),
        (&4_000_000_000_u64.into(), &7_000_000_000_u64.into())
    );
    let text = project.shardplan("-q suggest --budget 2 --max-shards 2").stdout;
    assert!(text.contains("Memory         all-2 takes most of its runner's memory: 5.3GB of 7GB"), "{text}");
    // One runner that is large enough takes both.
    let roomy = MANIFEST.replace("runner_memory = \"7GB\"\n", "");
    let said =
        Project::planned(&roomy, TESTS).shardplan("-q suggest --max-shards 1 --budget 2 --format json");
    assert_eq!(said.shards(), ["all-1: db search: 3"]);
    assert!(said.json()["shards"][0].get("memory_bytes").is_none(), "what is not limited is not shown");
}

#[test]
fn a_test_that_needs_more_than_the_runner_has_is_named_with_what_helps() {
    let project = Project::planned(MANIFEST, &format!("{TESTS}tests/test_d.py::test_d 5 db search\n"));
    let said = project.shardplan("suggest --budget 9");
    assert_eq!(said.code, 4, "{said}");
    for line in [
        "the runner of lane `all` has 7GB of memory (shardplan.toml:12), 1GB of it for the tests",
        "`tests/test_d.py` alone takes 8.3GB with what it needs: `db` 3GB and `search` 4GiB",
        "hint: give the runner of lane `all` 8.3GB of memory: `runner_memory = \"8.3GB\"`",
        "do without `db`, needed by 2 units",
    ] {
        assert!(said.stderr.contains(line), "{line}\n{said}");
    }
}

#[test]
fn memory_that_does_not_allow_so_few_shards_clashes_with_their_limit() {
    let project = Project::planned(MANIFEST, TESTS);
    let said = project.shardplan("suggest --budget 9 --max-shards 1");
    assert_eq!(said.code, 4, "{said}");
    assert!(said.stderr.contains("at most 1 shard (`--max-shards`)"), "{said}");
    assert!(said.stderr.contains("the runner of lane `all` has 7GB of memory"), "{said}");
    assert!(said.stderr.contains("allow 2 shards: `--max-shards 2`"), "{said}");
    assert!(said.stderr.contains("give the runner of lane `all` 8.3GB of memory"), "{said}");
}

#[test]
fn a_plan_made_by_hand_is_told_where_it_takes_too_much() {
    let project = Project::planned(MANIFEST, TESTS);
    project.write(
        "hand.lock",
        "version = 1\ninputs = \"by hand\"\n[limits]\n[predicted]\n[[shard]]\nname = \"one\"\nlane = \"all\"\n\
         services = [\"db\", \"search\"]\nunits = [\"tests\"]\n",
    );
    let said = project.shardplan("-q suggest --budget 9 --compare hand.lock");
    assert!(said.stdout.contains("`one` takes 8.3GB of memory, its runner has 7GB"), "{said}");
}

#[test]
fn an_amount_that_is_none_is_named_with_its_line() {
    let project = Project::new();
    project.write("shardplan.toml", "[services.db]\nmemory = \"lots\"\n[lanes.all]\nrunner_memory = 7\n");
    let said = project.shardplan("suggest");
    assert_eq!(said.code, 3, "{said}");
    assert!(said.stderr.contains("`lots` is not an amount of memory: write it as `512MB`"), "{said}");
    assert!(said.stderr.contains("`runner_memory` must be a string"), "{said}");
}

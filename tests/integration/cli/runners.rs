//! Runners of several sizes, of which a lane takes one.

use std::fs;

use insta::assert_snapshot;

use super::emit::changes;
use super::{Project, fixture};
use crate::emitted;

const MANIFEST: &str = r#"
[runners.small]

[runners.large]
runs_on = "ubuntu-latest-4-cores"
price = 2
speed = 2

[lanes.all]
base = "30s"
tail = "0s"
max_shards = 1
runners = ["small", "large"]
"#;

/// On the small runner 340 seconds, six minutes; on the large one 185, four minutes at twice the price.
const TESTS: &str = "tests/test_a.py::test_a 310";

#[test]
fn the_end_comes_first_then_the_bill_and_both_can_be_limited() {
    let project = Project::planned(MANIFEST, TESTS);
    let plan = |options: &str| {
        let said = project.shardplan(&format!("-q suggest --format json {options}"));
        let json = said.json();
        let shard = &json["shards"][0];
        (json["end_ms"].clone(), json["billed_minutes"].clone(), shard["runner"].clone(), shard.clone())
    };
    let (end, minutes, runner, shard) = plan("");
    assert_eq!((end, minutes, runner), (185_000.into(), 8.into(), "large".into()));
    assert_eq!((&shard["price"], &shard["billed_minutes"]), (&2.0.into(), &8.0.into()));
    assert_eq!((&shard["base_ms"], &shard["run_ms"]), (&30_000.into(), &155_000.into()));
    for options in ["--max-minutes 7", "--cheapest-within 90%"] {
        let (end, minutes, runner, _) = plan(options);
        assert_eq!((end, minutes, runner), (340_000.into(), 6.into(), "small".into()), "{options}");
    }
    let said = project.shardplan("suggest --max-minutes 5");
    assert_eq!(said.code, 4, "{said}");
    assert!(said.stderr.contains("allow 6 billed minutes: `--max-minutes 6`"), "{said}");
}

#[test]
fn reports_name_the_runners_and_what_they_cost() {
    let project = Project::planned(MANIFEST, TESTS);
    let text = project.shardplan("-q suggest").stdout;
    assert!(text.contains("  Runners        all on large at 2 times the usual price\n"), "{text}");
    assert!(text.contains("Once runs on it are ingested, say so: `measured_on = \"large\"`"), "{text}");
    let markdown = project.shardplan("-q suggest --format markdown").stdout;
    assert!(markdown.contains("**Runners:** all on large at 2 times the usual price"), "{markdown}");
    let csv = project.shardplan("-q suggest --format csv").stdout;
    assert!(csv.lines().next().unwrap().ends_with(",runner") && csv.contains(",large\n"), "{csv}");
    let lane = project.shardplan("-q explain all").stdout;
    assert!(lane.contains("they may be on small, as fast as one worker, at the usual price"), "{lane}");
    assert!(
        lane.contains("its shards are on large, 2 times as fast as one worker, at 2 times the usual price"),
        "{lane}"
    );
    let shard = project.shardplan("-q explain all-1").stdout;
    assert!(shard.contains("on large, for 4 minutes at 2 times the usual price"), "{shard}");
    let frontier = project.shardplan("-q tradeoff --format csv").stdout;
    assert!(frontier.contains("all on small,0,1,6,340,0,"), "{frontier}");
    assert!(frontier.contains("all on large,0,1,8,185,0,"), "{frontier}");
    let advice = project.shardplan("-q tradeoff").stdout;
    assert!(advice.contains("billed minutes (`--max-minutes "), "{advice}");
}

#[test]
fn what_binds_is_told_for_the_runner_that_a_lane_is_on() {
    let project = Project::planned(MANIFEST, TESTS);
    let plan = |options: &str| project.shardplan(&format!("-q suggest {options}")).stdout;
    let alone = |time: &str, runner: &str| {
        format!("`tests/test_a.py` alone takes {time} of tests on a shard of its own on {runner}:")
    };
    assert!(plan("").contains(&alone("2m35s", "large")), "{}", plan(""));
    assert!(plan("--max-minutes 7").contains(&alone("5m10s", "small")), "{}", plan("--max-minutes 7"));
}

#[test]
fn the_limit_of_a_lane_is_told_with_its_name() {
    let tests = "tests/test_a.py::test_a 100\ntests/test_b.py::test_b 100\ntests/test_c.py::test_c 100\n";
    let project = Project::planned(MANIFEST, tests);
    let text = project.shardplan("-q suggest").stdout;
    let binds = "The limit of 1 shard of lane `all` (shardplan.toml:13) binds: more would end it earlier.";
    assert!(text.contains(binds), "{text}");
    assert_eq!(project.shardplan("-q suggest --format json").json()["bound_reason"], "lane-shards");
    let both = MANIFEST.replace("max_shards = 1", "max_shards = 2");
    project.write("shardplan.toml", both);
    let text = project.shardplan("-q suggest --max-shards 2").stdout;
    let binds = "The limits of 2 shards (`--max-shards`) and 2 shards of lane `all` (shardplan.toml:12) bind: only more of each would end it earlier.";
    assert!(text.contains(binds), "{text}");
}

#[test]
fn the_lock_and_the_saved_model_keep_the_choice() {
    let project = Project::planned(MANIFEST, TESTS);
    assert_eq!(project.shardplan("suggest --write --save-model saved.json").code, 0);
    let lock = fs::read_to_string(project.path("shardplan.lock")).unwrap();
    assert!(lock.contains("lane = \"all\"\nrunner = \"large\"\n"), "{lock}");
    assert_eq!(project.shardplan("suggest --locked").code, 0);
    let again = project.shardplan("-q suggest --from-model saved.json --format json").json();
    assert_eq!((&again["end_ms"], &again["billed_minutes"]), (&185_000.into(), &8.into()));
    assert_eq!(again["shards"][0]["runner"], "large");
    let cheap = project.shardplan("-q suggest --from-model saved.json --max-minutes 6 --format json").json();
    assert_eq!(cheap["shards"][0]["runner"], "small");
    // What a runner costs is part of what the plan was made from.
    project.write("shardplan.toml", MANIFEST.replace("price = 2", "price = 3"));
    assert_eq!(project.shardplan("suggest --locked").code, 5);
}

#[test]
fn only_workers_that_are_left_to_the_runner_are_more_on_a_larger_one() {
    let manifest = |workers: &str| {
        format!(
            "[runners.two]\ncpus = 2\n[runners.four]\ncpus = 4\nprice = 1.5\n\
             [lanes.all]\nbase = \"10s\"\ntail = \"0s\"\nmax_shards = 1\nefficiency = 1.0\n\
             workers = {workers}\ncpus = 2\nrunners = [\"two\", \"four\"]\n"
        )
    };
    let tests = "tests/test_a.py::test_a 100\ntests/test_b.py::test_b 100\n\
                 tests/test_c.py::test_c 100\ntests/test_d.py::test_d 100\n";
    let plan = |workers: &str| {
        let json = Project::planned(&manifest(workers), tests).shardplan("-q suggest --format json").json();
        let minutes = (json["billed_minutes"].clone(), json["shards"][0]["billed_minutes"].clone());
        (json["end_ms"].clone(), json["shards"][0]["runner"].clone(), minutes)
    };
    // Two minutes at one and a half times the price.
    assert_eq!(plan("\"auto\""), (110_000.into(), "four".into(), (3.into(), 3.0.into())));
    assert_eq!(plan("2"), (210_000.into(), "two".into(), (4.into(), 4.0.into())));
}

#[test]
fn times_from_the_fast_runner_are_not_made_faster_again() {
    let measured =
        MANIFEST.replace("runners = [", "today = { services = [] }\nmeasured_on = \"large\"\nrunners = [");
    let json = Project::planned(&measured, TESTS).shardplan("-q suggest --format json").json();
    assert_eq!((&json["end_ms"], &json["shards"][0]["runner"]), (&340_000.into(), &"large".into()));
    // And today's job is billed at its price.
    let today = &json["others"][0];
    assert_eq!((&today["end_ms"], &today["billed_minutes"]), (&340_000.into(), &12.into()), "{json}");
    let notes = json["notes"].to_string();
    assert!(!notes.contains("measured_on"), "{notes}");
}

#[test]
fn the_memory_of_the_runner_decides_what_fits() {
    let manifest = format!(
        "[services.search]\nmemory = \"4GB\"\n{}",
        MANIFEST.replace("[runners.small]", "[runners.small]\nmemory = \"3GB\"")
    );
    let tests = format!("{TESTS} search");
    let project = Project::planned(&manifest, &tests);
    let json = project.shardplan("-q suggest --cheapest-within 100% --format json").json();
    assert_eq!(json["shards"][0]["runner"], "large", "the small one would be cheaper");
    let manifest = manifest.replace("price = 2", "price = 2\nmemory = \"3.5GB\"");
    let said = Project::planned(&manifest, &tests).shardplan("suggest --budget 1");
    assert_eq!(said.code, 4, "{said}");
    assert!(said.stderr.contains("a runner of lane `all` has 3.5GB of memory"), "{said}");
    assert!(
        said.stderr.contains("give the runners of lane `all` 4GB of memory: `memory = \"4GB\"`"),
        "{said}"
    );
}

#[test]
fn a_plan_made_by_hand_may_name_its_runners() {
    let project = Project::planned(MANIFEST, TESTS);
    let hand = |runner: &str| {
        format!(
            "version = 1\ninputs = \"by hand\"\n[limits]\n[predicted]\n[[shard]]\nname = \"one\"\nlane = \"all\"\n\
             {runner}units = [\"tests\"]\n"
        )
    };
    let compared = |runner: &str| {
        project.write("hand.lock", hand(runner));
        let json = project.shardplan("-q suggest --compare hand.lock --format json").json();
        let other = &json["others"][0];
        (other["end_ms"].clone(), other["billed_minutes"].clone(), other["faults"].to_string())
    };
    assert_eq!(compared("runner = \"large\"\n"), (185_000.into(), 8.into(), "[]".to_owned()));
    // Without a word of it, on the runner that was measured.
    assert_eq!(compared(""), (340_000.into(), 6.into(), "[]".to_owned()));
    let (_, _, faults) = compared("runner = \"huge\"\n");
    assert!(faults.contains("lane `all` may not take runner `huge`"), "{faults}");
}

#[test]
fn a_price_is_what_it_is_written_as() {
    let project = Project::new();
    let manifest = |price: &str| MANIFEST.replace("price = 2", &format!("price = {price}"));
    project.write("times.csv", "test,seconds\ntests/test_a.py::test_a,310\n");
    let billed = |price: &str| {
        project.write("shardplan.toml", manifest(price));
        project.shardplan("-q ingest times.csv");
        let shard = project.shardplan("-q suggest --format json").json()["shards"][0].clone();
        (shard["price"].as_f64().unwrap(), shard["billed_minutes"].as_f64().unwrap())
    };
    // Four minutes. None of these is a whole number of thousandths.
    assert_eq!(billed("0.833333"), (0.833_333, 3.333_332));
    assert_eq!(billed("1.0004"), (1.0004, 4.0016));
    assert_eq!(billed("2.000001"), (2.000_001, 8.000_004));
    assert_eq!(billed("2.50"), (2.5, 10.0));
}

#[test]
fn a_runner_that_no_lane_may_take_is_told() {
    let project = Project::planned(&MANIFEST.replace(r#"["small", "large"]"#, r#"["small"]"#), TESTS);
    let text = project.shardplan("-q suggest").stdout;
    let note = "No lane may take the runner `large` (shardplan.toml:5): name it in `runners` of a lane, or remove it.";
    assert!(text.contains(note), "{text}");
    let measured = MANIFEST.replace(r#"["small", "large"]"#, "[\"small\"]\nmeasured_on = \"large\"");
    let text = Project::planned(&measured, TESTS).shardplan("-q suggest").stdout;
    assert!(!text.contains("No lane may take"), "{text}");
}

#[test]
fn a_runner_is_explained() {
    let project = Project::planned(MANIFEST, TESTS);
    assert_snapshot!(project.shardplan("-q explain large"), @"
    exit: 0
    --- stdout
    Runner large

    What it is

      the CI knows it as `ubuntu-latest-4-cores`
      billed at 2 times the usual price
      one worker runs tests 2 times as fast as usual
      declared at shardplan.toml:5

    Who is on it

      lane `all`, with `all-1`
    ");
    assert_snapshot!(project.shardplan("-q explain small"), @"
    exit: 0
    --- stdout
    Runner small

    What it is

      the CI knows it as `small`
      billed at the usual price
      one worker runs tests at the usual speed
      declared at shardplan.toml:3

    Who is on it

      not lane `all`, which is on `large`: the same shards would take up to 5m40s on it, for 6 billed minutes; they take up to 3m05s, for 8 billed minutes
    ");
    let said = project.shardplan("explain larg");
    assert_eq!(said.code, 3, "{said}");
    assert!(said.stderr.contains("did you mean `large`?"), "{said}");
}

#[test]
fn a_lane_stays_on_its_runner_as_far_as_the_tolerance_allows() {
    // Six minutes on the small runner and four at twice the price; so the large one is the best.
    let project = Project::planned(MANIFEST, TESTS);
    let runner = |options: &str| {
        let json = project.shardplan(&format!("-q suggest --format json {options}")).json();
        (json["shards"][0]["runner"].clone(), json["runner_changes"].to_string(), json["later_by_ms"].clone())
    };
    assert_eq!(project.shardplan("suggest --write --max-minutes 7").code, 0);
    let change = r#"[{"from":"small","lane":"all","to":"large"}]"#;
    assert_eq!(runner(""), ("large".into(), change.to_owned(), 0.into()));
    let said = project.shardplan("-q suggest").stdout;
    assert!(said.contains("nothing moves; `all` goes from `small` to `large`"), "{said}");
    // What is tolerated holds it, and no more: 340 seconds for 185.
    assert_eq!(runner("--tolerance 154s"), ("large".into(), change.to_owned(), 0.into()));
    assert_eq!(runner("--tolerance 155s"), ("small".into(), "[]".to_owned(), 155_000.into()));
    let said = project.shardplan("-q suggest --tolerance 155s").stdout;
    assert!(said.contains("nothing moves; other runners would end it 2m35s earlier"), "{said}");
    // A runner that bills more is not kept for its own sake.
    assert_eq!(project.shardplan("suggest --write").code, 0);
    assert_eq!(runner("--max-minutes 7 --tolerance 200s").0, "small");
    assert_eq!(runner("").0, "large");
    // As good a plan is no reason to leave it.
    project.write("shardplan.toml", MANIFEST.replace("price = 2\nspeed = 2", "price = 1"));
    assert_eq!(runner(""), ("large".into(), "[]".to_owned(), 0.into()));
    // One that is no longer there is left.
    project.write("shardplan.toml", MANIFEST.replace(r#"["small", "large"]"#, r#"["small"]"#));
    assert_eq!(runner("").0, "small");
}

#[test]
fn what_can_be_no_runner_is_named_with_its_line() {
    let project = Project::new();
    project.write(
        "shardplan.toml",
        "[runners.small]\nprice = 0\nspeed = 0\nruns_on = \"${{ vars.RUNNER }}\"\n[runners.large]\nruns_on = []\n\
         cpus = 0\nmemory = \"lots\"\n[lanes.all]\nrunners = [\"smal\", \"large\", \"large\"]\nmeasured_on = \"hug\"\n\
         [lanes.rest]\nmeasured_on = \"large\"\n[lanes.none]\nrunners = []\n[runners.odd]\nprice = 0.83333333\n",
    );
    let said = project.shardplan("suggest");
    assert_eq!(said.code, 3, "{said}");
    for line in [
        "`price` must be a number from 0.001 to 100",
        "`speed` must be a number from 0.01 to 100",
        "`runs_on` must name at least one label, none of them empty or an expression",
        "`cpus` must be a whole number from 1 to 1024",
        "`lots` is not an amount of memory",
        "no runner is called `smal`",
        "did you mean `small`?",
        "lane `all` names runner `large` twice",
        "no runner is called `hug`",
        "`measured_on` means nothing without `runners`",
        "`runners` names no runner",
        "remove it, or name those of `[runners]` that the lane may take",
        "`price` has more than six decimals",
        "write `price = 0.833333`",
    ] {
        assert!(said.stderr.contains(line), "{line}\n{said}");
    }
    // Seven lanes of two runners are 128 ways.
    let mut manifest = "[runners.a]\n[runners.b]\n".to_owned();
    let mut tests = String::new();
    for lane in 0..7 {
        manifest
            .push_str(&format!("[lanes.l{lane}]\npaths = [\"tests/{lane}\"]\nrunners = [\"a\", \"b\"]\n"));
        tests.push_str(&format!("tests/{lane}/test_a.py::test_a 10\n"));
    }
    let said = Project::planned(&manifest, &tests).shardplan("suggest");
    assert_eq!(said.code, 3, "{said}");
    assert!(said.stderr.contains("can be chosen in 128 ways; at most 64 are looked at"), "{said}");
}

fn emitting(runner: &str) -> Project {
    let project = Project::new();
    project.write("shardplan.toml", [emitted::MANIFEST, emitted::RUNNERS].concat());
    project.write("shardplan.lock", emitted::lock(emitted::SHARDS, Some(runner)));
    project.write(".github/workflows/ci.yml", fs::read(fixture("workflows/ci.yml")).unwrap());
    project
}

#[test]
fn the_workflow_runs_the_lane_on_its_runner() {
    for (style, jobs) in [("matrix", 1), ("jobs", 2)] {
        let project = emitting("large");
        let workflow = || fs::read_to_string(project.path(".github/workflows/ci.yml")).unwrap();
        let before = workflow();
        let said = project.shardplan(&format!("emit github --style {style}"));
        assert_eq!(said.code, 0, "{said}");
        let changed = changes(&before, &workflow());
        let runs_on = "+    runs-on:\n+      - queue=large\n+      - os=linux\n";
        assert_eq!(changed.matches(runs_on).count(), jobs, "{changed}");
        assert_eq!(project.shardplan(&format!("emit github --style {style} --check")).code, 0);
        // A job that goes back to another runner by hand is not what the lock says.
        let by_hand =
            workflow().replace("runs-on:\n      - queue=large\n      - os=linux", "runs-on: ubuntu-latest");
        project.write(".github/workflows/ci.yml", by_hand);
        assert_eq!(project.shardplan(&format!("emit github --style {style} --check")).code, 1);
    }
    let project = emitting("large");
    let path = ".github/workflows/ci.yml";
    let by_expression = fs::read_to_string(project.path(path)).unwrap();
    project.write(path, by_expression.replace("runs-on: ubuntu-latest", "runs-on: ${{ vars.RUNNER }}"));
    let said = project.shardplan("emit github");
    assert_eq!(said.code, 3, "{said}");
    assert!(said.stderr.contains("`runs-on` of job `integration` is an expression"), "{said}");
}

#[test]
fn other_systems_get_the_runner_in_their_own_words() {
    let project = emitting("large");
    let emitted = |target: &str| project.shardplan(&format!("emit {target}"));
    let gitlab = emitted("gitlab").stdout;
    assert!(gitlab.contains("  tags:\n    - queue=large\n    - os=linux\n"), "{gitlab}");
    let buildkite = emitted("buildkite").stdout;
    assert!(buildkite.contains("    agents:\n      queue: large\n      os: linux\n"), "{buildkite}");
    let matrix = emitted("matrix").stdout;
    let row = r#"{"lane":"integration","runs_on":["queue=large","os=linux"],"services":["postgres","redis"],"shard":"integration-1"}"#;
    assert!(matrix.contains(row), "{matrix}");
    assert!(matrix.contains(r#"{"lane":"unit","services":[],"shard":"unit-1"}"#), "{matrix}");
    let circle = emitted("circleci");
    assert_eq!(circle.code, 3, "{circle}");
    assert!(circle.stderr.contains("runner `large` has 2 labels"), "{circle}");
    let xlarge = emitting("xlarge").shardplan("emit circleci");
    assert!(xlarge.stdout.contains("resource_class: xlarge"), "{xlarge}");
    let gone = emitting("gone").shardplan("emit gitlab");
    assert_eq!(gone.code, 3, "{gone}");
    assert!(
        gone.stderr
            .contains("shard `integration-1` is on runner `gone`, which the manifest does not declare"),
        "{gone}"
    );
}

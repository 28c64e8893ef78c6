//! `shardplan init`.

use insta::assert_snapshot;

use super::{Project, fixture};

fn project() -> Project {
    let project = Project::empty();
    project.write(".github/workflows/ci.yml", std::fs::read(fixture("workflows/ci.yml")).unwrap());
    project.write(
        "pyproject.toml",
        "[tool.pytest.ini_options]\nmarkers = [\"redis: needs a cache\", \"slow\"]\n",
    );
    project
}

#[test]
fn a_manifest_is_proposed_from_what_the_repository_says() {
    let project = project();
    assert_snapshot!(project.shardplan("init"), @"
    exit: 0
    --- stdout
    Understood
      · .github/workflows/ci.yml: 4 jobs
      · services: postgres, redis, search
      · lane `unit`: job `unit`, no service
      · lane `integration`: job `integration`, postgres, redis, search
      · gate: job `gate` combines the coverage
    Guessed
      · `redis` is what the marker `redis` stands for.
      · Nothing in the sources says which tests need `postgres`: every shard of its lanes starts it.
      · Nothing in the sources says which tests need `search`: every shard of its lanes starts it.
    --- stderr
           Wrote shardplan.toml
    hint: `shardplan suggest` plans with it; `shardplan ingest FILE…` gives it durations
    ");
    assert_snapshot!(std::fs::read_to_string(project.path("shardplan.toml")).unwrap(), @r#"
    # How the tests of this project are split. `shardplan suggest` finds the best plan for it.
    # Proposed by `shardplan init` from what the repository says of itself; change what is wrong.
    # docs/manifest.md of shardplan lists every key.

    [project]
    # A test that no lane selects is left out, and counted. Make it "fail" once the lanes are right.
    unassigned = "ignore"

    [workflow]
    # The jobs around the lanes are read from here, and `shardplan emit github` writes the lanes into it.
    file = ".github/workflows/ci.yml"
    # Combines the coverage of the lanes.
    gate = "gate"

    [services.postgres]
    image = "postgres:17"
    # ports 5432:5432; healthy when pg_isready
    # Tests that need it: `markers`, `fixtures` or `paths`.

    [services.redis]
    image = "redis:8"
    # ports 6379:6379
    markers = ["redis"]

    [services.search]
    image = "opensearchproject/opensearch:3"
    # ports 9200:9200
    # Tests that need it: `markers`, `fixtures` or `paths`.

    [lanes.unit]
    job = "unit"
    paths = ["tests/unit"]
    workers = "auto"
    today = { services = [], shards = 1 }

    [lanes.integration]
    job = "integration"
    paths = ["tests/integration"]
    # Nothing says which tests need these, so every shard starts them. Take one out once its tests are known.
    services = ["postgres", "search"]
    today = { services = ["postgres", "redis", "search"], shards = 1 }
    "#);
    let again = project.shardplan("init");
    assert_eq!(again.code, 3, "{again}");
    assert!(again.stderr.contains("--force"), "{again}");
}

#[test]
fn what_is_proposed_can_be_planned_with_as_it_is() {
    let project = project();
    project.write(
        "report.csv",
        "test,seconds,outcome\ntests/unit/test_a.py::a,5,passed\ntests/integration/test_b.py::b,60,passed\ntests/integration/test_c.py::c,50,passed\ntests/other/test_d.py::d,1,passed\n",
    );
    assert_eq!(project.shardplan("init -q").code, 0);
    assert_eq!(project.shardplan("ingest report.csv").code, 0);
    let said = project.shardplan("suggest --write");
    assert_eq!(said.code, 0, "{said}");
    let emitted = project.shardplan("emit github");
    assert_eq!(emitted.code, 0, "{emitted}");
    assert_eq!(project.shardplan("emit github --check").code, 0);
}

#[test]
fn a_repository_without_workflows_gets_one_lane() {
    let project = Project::empty();
    let said = project.shardplan("init");
    assert_eq!(said.code, 0, "{said}");
    assert!(said.stdout.contains("no workflow file"), "{said}");
    assert!(std::fs::read_to_string(project.path("shardplan.toml")).unwrap().contains("[project]"));
}

#[test]
fn a_broken_workflow_is_named_and_the_others_are_read() {
    let project = project();
    project.write(".github/workflows/a.yml", "jobs:\n  a:\n    env: {A: 1}\n    env: {B: 1}\n");
    let said = project.shardplan("init --dry-run");
    assert_eq!(said.code, 0, "{said}");
    assert!(said.stderr.contains("a.yml") && said.stderr.contains("`env` stands twice"), "{said}");
    assert!(said.stdout.contains("[lanes.integration]"), "{said}");
    let named = project.shardplan("init --dry-run --workflow .github/workflows/a.yml");
    assert_eq!(named.code, 3, "{named}");
    assert!(!project.path("shardplan.toml").exists());
}

#[test]
fn a_service_that_the_sources_know_starts_only_where_it_is_needed() {
    let project = project();
    project.write(
        "tests/integration/test_db.py",
        "import psycopg\ndef test_a():\n    psycopg.connect('postgresql://localhost/x')\n",
    );
    project.write("tests/integration/test_plain.py", "def test_b():\n    pass\n");
    project.write(".test_durations", "{\"tests/integration/test_db.py::test_a\": 1.5}");
    let said = project.shardplan("init");
    assert_snapshot!(said, @"
    exit: 0
    --- stdout
    Understood
      · .github/workflows/ci.yml: 4 jobs
      · services: postgres, redis, search
      · lane `unit`: job `unit`, no service
      · lane `integration`: job `integration`, postgres, redis, search
      · gate: job `gate` combines the coverage
      · `postgres` is needed by 1 of 2 tests (1 of their files), by what their sources say: `shardplan explain postgres` shows why.
    Guessed
      · `redis` is what the marker `redis` stands for.
      · Nothing in the sources says which tests need `search`: every shard of its lanes starts it.
    --- stderr
           Wrote shardplan.toml
    hint: `shardplan ingest .test_durations` reads the durations that are here; `shardplan suggest` plans with them
    ");
    let manifest = std::fs::read_to_string(project.path("shardplan.toml")).unwrap();
    assert!(manifest.contains("\nservices = [\"search\"]\n"), "{manifest}");
}

#[test]
fn a_command_that_the_matrix_decides_is_read_for_every_row() {
    let project = Project::empty();
    project.write(
        ".github/workflows/ci.yml",
        "on: push\njobs:\n  checks:\n    runs-on: x\n    strategy:\n      matrix:\n        include:\n          - {name: Tests, command: bin/tests --fast}\n          - {name: Docs, command: bin/docs}\n    services:\n      shop-redis: {image: 'redis:8'}\n    steps:\n      - run: ${{ matrix.command }}\n  lint:\n    runs-on: x\n    strategy: {matrix: {job: [linting, mypy]}}\n    steps:\n      - run: tox -e ${{ matrix.job }}\n",
    );
    assert_snapshot!(project.shardplan("init"), @"
    exit: 0
    --- stdout
    Understood
      · .github/workflows/ci.yml: 2 jobs
      · services: shop-redis
      · lane `checks`: job `checks`, shop-redis
    Guessed
      · .github/workflows/ci.yml:3: job `checks` runs 2 times over its matrix; the plan counts one of these, and every shard runs for each: its shards are limited to 10.
      · Nothing in the sources says which tests need `shop-redis`: every shard of its lanes starts it.
    Missing
      · .github/workflows/ci.yml:3: job `checks` runs its tests through `bin/tests --fast`, which is not looked into: the lane is taken to run all tests. Write `paths` and `markers` if it does not.
    --- stderr
           Wrote shardplan.toml
    hint: `shardplan suggest` plans with it; `shardplan ingest FILE…` gives it durations
    ");
}

fn job(name: &str, steps: &str) -> String {
    format!("on: pull_request\njobs:\n  {name}:\n    runs-on: ubuntu-latest\n    steps:\n{steps}")
}

#[test]
fn the_workflow_of_most_tests_is_taken_and_not_the_first() {
    let project = Project::empty();
    project.write(".github/workflows/a-docs.yml", job("docs", "      - run: pytest docs\n"));
    project.write(".github/workflows/tests.yml", job("tests", "      - run: cd src && pytest app\n"));
    project.write("docs/test_docs.py", "def test_a(): pass\n");
    for number in 0..9 {
        project.write(&format!("src/app/test_{number}.py"), "def test_a(): pass\n");
    }
    let said = project.shardplan("init");
    assert!(said.stdout.contains("· .github/workflows/tests.yml: 1 job"), "{said}");
    let manifest = std::fs::read_to_string(project.path("shardplan.toml")).unwrap();
    assert!(manifest.contains("paths = [\"src/app\"]"), "{manifest}");
    assert_eq!(project.shardplan("suggest --write").code, 0);
    // The results lie where the script went to.
    assert_eq!(project.shardplan("emit github").code, 0);
    let emitted = std::fs::read_to_string(project.path(".github/workflows/tests.yml")).unwrap();
    assert!(emitted.contains("            src/shardplan-results/\n"), "{emitted}");
}

#[test]
fn commands_that_hide_their_tests_are_followed_over_the_rows_of_the_matrix() {
    let project = Project::empty();
    let steps = "      - run: docker compose -f ci.yml up -d\n      - run: tox -e ${{ matrix.env }}\n";
    let workflow = job("tests", steps).replace(
        "    runs-on",
        "    strategy:\n      matrix:\n        env: [unit, api]\n        python: ['3.12', '3.13']\n    runs-on",
    );
    project.write(".github/workflows/ci.yml", workflow);
    project.write(
        "tox.ini",
        "[testenv:unit]\ncommands = make unit\n[testenv:api]\ncommands = pytest {posargs:tests/api}\n",
    );
    project.write("Makefile", "DIR = tests/unit\nunit:\n\t@pytest $(DIR)\n");
    project.write("ci.yml", "services:\n  db:\n    image: postgres:17\n  web:\n    build: .\n");
    let said = project.shardplan("init");
    assert!(said.stdout.contains("starts db in its steps"), "{said}");
    assert!(said.stdout.contains("its shards are limited to 5"), "{said}");
    assert!(!said.stdout.contains("Missing"), "{said}");
    let manifest = std::fs::read_to_string(project.path("shardplan.toml")).unwrap();
    assert!(manifest.contains("paths = [\"tests/api\", \"tests/unit\"]"), "{manifest}");
    assert!(manifest.contains("max_shards = 5"), "{manifest}");
}

#[test]
fn what_is_no_pytest_and_no_workflow_of_github_is_named() {
    let project = Project::empty();
    project.write(".github/workflows/ci.yml", job("test", "      - run: python manage.py test app\n"));
    project.write(".gitlab-ci.yml", "test:\n  script: [pytest]\n");
    let said = project.shardplan("init");
    assert!(
        said.stdout.contains(
            ".github/workflows/ci.yml:3: job `test` runs `python manage.py test app`, which is not pytest"
        ),
        "{said}"
    );
    assert!(said.stdout.contains(".gitlab-ci.yml is there and is not read"), "{said}");
}

#[test]
fn a_service_that_the_sources_need_and_no_job_starts_is_declared_and_named() {
    let project = Project::empty();
    project.write(
        ".github/workflows/ci.yml",
        "on: push\njobs:\n  test:\n    runs-on: ubuntu-latest\n    steps:\n      - run: docker compose up -d\n      - run: pytest\n",
    );
    project.write(
        "tests/test_a.py",
        "import psycopg\n\ndef test_a():\n    psycopg.connect(\"postgresql://localhost/x\")\n\ndef test_b():\n    pass\n",
    );
    let said = project.shardplan("init");
    assert_eq!(said.code, 0, "{said}");
    assert!(said.stdout.contains("No job that was read starts `postgres`"), "{said}");
    assert!(said.stdout.contains("`postgres` is needed by 1 of 2 tests"), "{said}");
    let plan = project.shardplan("-q suggest --format json");
    assert_eq!(plan.json()["containers"], 1, "{plan}");
}

//! `shardplan emit`.

use insta::assert_snapshot;

use super::{Project, fixture};

const MANIFEST: &str = r#"
[workflow]
file = ".github/workflows/ci.yml"
gate = "gate"

[services.postgres]
image = "postgres:17"
[services.redis]
image = "redis:8"
[services.search]
image = "opensearchproject/opensearch:3"

[lanes.unit]
paths = ["tests/unit"]
workers = 4
today = { services = [] }

[lanes.integration]
paths = ["tests/integration"]
today = { services = ["postgres", "redis", "search"] }
"#;

const LOCK: &str = r#"version = 1
inputs = "by hand"
[limits]
[predicted]
[[shard]]
name = "integration-1"
lane = "integration"
services = ["postgres", "redis"]
units = ["tests/integration/test_a.py"]
[[shard]]
name = "integration-2"
lane = "integration"
services = ["postgres", "search"]
units = ["tests/integration/test_b.py"]
[[shard]]
name = "unit-1"
lane = "unit"
services = []
units = ["tests/unit"]
"#;

fn project() -> Project {
    let project = Project::new();
    project.write("shardplan.toml", MANIFEST);
    project.write("shardplan.lock", LOCK);
    project.write(".github/workflows/ci.yml", std::fs::read(fixture("workflows/ci.yml")).unwrap());
    project
}

fn workflow(project: &Project) -> String {
    std::fs::read_to_string(project.path(".github/workflows/ci.yml")).unwrap()
}

/// Returns what changed, line by line, as a unified difference without context.
pub(super) fn changes(before: &str, after: &str) -> String {
    let (old, new): (Vec<&str>, Vec<&str>) = (before.lines().collect(), after.lines().collect());
    // The longest common subsequence, from the ends backwards.
    let mut longest = vec![vec![0_usize; new.len() + 1]; old.len() + 1];
    for a in (0..old.len()).rev() {
        for b in (0..new.len()).rev() {
            longest[a][b] = if old[a] == new[b] {
                longest[a + 1][b + 1] + 1
            } else {
                longest[a + 1][b].max(longest[a][b + 1])
            };
        }
    }
    let (mut a, mut b, mut text) = (0, 0, String::new());
    while a < old.len() || b < new.len() {
        if a < old.len() && b < new.len() && old[a] == new[b] {
            (a, b) = (a + 1, b + 1);
        } else if b == new.len() || (a < old.len() && longest[a + 1][b] >= longest[a][b + 1]) {
            text.push_str(&format!("-{}\n", old[a]));
            a += 1;
        } else {
            text.push_str(&format!("+{}\n", new[b]));
            b += 1;
        }
    }
    text
}

#[test]
#[expect(clippy::too_many_lines, reason = "the lines are those of the snapshot")]
fn the_lanes_are_written_into_the_teams_workflow() {
    let project = project();
    let before = workflow(&project);
    let said = project.shardplan("emit github");
    assert_snapshot!(said, @"
    exit: 0
    --- stderr
           Wrote .github/workflows/ci.yml
    warning: gate `gate` is skipped when a lane fails; make `shardplan-gate` the required check, which fails then.
    warning: the checks `integration tests`, `unit tests` are gone: where they are required, nothing can be merged
    hint: new checks: `integration tests (integration-1)`, `integration tests (integration-2)`, `shardplan gate`, `unit tests (unit-1)`; `shardplan gate` alone stands for all of them
    ");
    assert_snapshot!(changes(&before, &workflow(&project)), @r#"
    -    name: unit tests
    +    name: unit tests (${{ matrix.shard }})
    +    strategy:
    +      fail-fast: false
    +      matrix:
    +        shard: [unit-1]
    +      - name: Install shardplan
    +        run: python -m pip install shardplan==0.1.0
    -        run: python -m pytest tests/unit -n auto --cov=shop --cov-report=
    +        run: python -m pytest --shardplan "$SHARDPLAN_SHARD" --cov-fail-under=0 tests/unit -n auto --cov=shop --cov-report=
    +        env:
    +          SHARDPLAN_SHARD: ${{ matrix.shard }}
    +          COVERAGE_FILE: .coverage.${{ matrix.shard }}
    +      - name: Upload what the shard ran
    +        if: ${{ !cancelled() }}
    +        uses: actions/upload-artifact@043fb46d1a93c77aae656e7c1c64a875d1fc6a0a # v7.0.1
    +        with:
    +          name: shardplan-${{ matrix.shard }}
    +          path: |
    +            .coverage.${{ matrix.shard }}
    +            shardplan-results/
    +            shardplan.lock
    +          include-hidden-files: true
    +          if-no-files-found: error
    -    name: integration tests
    +    name: integration tests (${{ matrix.shard }})
    +    strategy:
    +      fail-fast: false
    +      matrix:
    +        shard: [integration-1, integration-2]
    +        include:
    +          - shard: integration-1
    +            services: [postgres, redis]
    +          - shard: integration-2
    +            services: [postgres, search]
    -        image: redis:8
    +        image: ${{ contains(matrix.services, 'redis') && 'redis:8' || '' }}
    -        image: opensearchproject/opensearch:3
    +        image: ${{ contains(matrix.services, 'search') && 'opensearchproject/opensearch:3' || '' }}
    +      - name: Install shardplan
    +        run: python -m pip install shardplan==0.1.0
    +
    +          SHARDPLAN_SHARD: ${{ matrix.shard }}
    +          COVERAGE_FILE: .coverage.${{ matrix.shard }}
    -          python -m pytest tests/integration \
    -            --cov=shop --cov-report= --cov-fail-under=80  # of the sum
    +          python -m pytest --shardplan "$SHARDPLAN_SHARD" tests/integration \
    +            --cov=shop --cov-report= --cov-fail-under=0  # of the sum
    +      - name: Upload what the shard ran
    +        if: ${{ !cancelled() }}
    +        uses: actions/upload-artifact@043fb46d1a93c77aae656e7c1c64a875d1fc6a0a # v7.0.1
    +        with:
    +          name: shardplan-${{ matrix.shard }}
    +          path: |
    +            shardplan-results/
    +            shardplan.lock
    +          include-hidden-files: true
    +          if-no-files-found: error
    +
    -          name: coverage-integration
    +          name: coverage-integration-${{ matrix.shard }}
    -          name: coverage-integration
    +          pattern: coverage-integration-*
    +          merge-multiple: true
    +      - name: Download what the shards ran
    +        uses: actions/download-artifact@3e5f45b2cfb9172054b4087a40e8e0b5a5461e7c # v8.0.1
    +        with:
    +          pattern: shardplan-*
    +          merge-multiple: true
    +      - name: Install shardplan
    +        run: python -m pip install shardplan==0.1.0
    +      - name: Every test ran exactly once
    +        run: shardplan verify shardplan-results
    +  shardplan-gate:
    +    name: shardplan gate
    +    needs: [gate, integration, unit]
    +    if: ${{ always() }}
    +    runs-on: ubuntu-latest
    +    permissions:
    +      contents: read
    +    timeout-minutes: 10
    +    steps:
    +      - name: Every lane succeeded
    +        env:
    +          RESULTS: ${{ join(needs.*.result, ' ') }}
    +        run: |
    +          for result in $RESULTS; do
    +            if [ "$result" != success ]; then
    +              echo "::error::a job that this one needs ended as $result"
    +              exit 1
    +            fi
    +          done
    "#);
}

#[test]
#[expect(clippy::too_many_lines, reason = "the lines are those of the snapshot")]
fn a_job_for_each_shard_is_written_where_that_is_asked_for() {
    let project = project();
    let before = workflow(&project);
    assert_eq!(project.shardplan("emit github --style jobs").code, 0);
    assert_snapshot!(changes(&before, &workflow(&project)), @r#"
    -  unit:
    +  unit-1:
    -    name: unit tests
    +    name: unit tests (shard unit-1)
    +      - name: Install shardplan
    +        run: python -m pip install shardplan==0.1.0
    -        run: python -m pytest tests/unit -n auto --cov=shop --cov-report=
    +        run: python -m pytest --shardplan "$SHARDPLAN_SHARD" --cov-fail-under=0 tests/unit -n auto --cov=shop --cov-report=
    +        env:
    +          SHARDPLAN_SHARD: unit-1
    +          COVERAGE_FILE: .coverage.unit-1
    +      - name: Upload what the shard ran
    +        if: ${{ !cancelled() }}
    +        uses: actions/upload-artifact@043fb46d1a93c77aae656e7c1c64a875d1fc6a0a # v7.0.1
    +        with:
    +          name: shardplan-unit-1
    +          path: |
    +            .coverage.unit-1
    +            shardplan-results/
    +            shardplan.lock
    +          include-hidden-files: true
    +          if-no-files-found: error
    -  integration:
    -    name: integration tests
    +  integration-1:
    +    name: integration tests (shard integration-1)
    +
    +    steps:
    +      - uses: actions/checkout@de0fac2e4500dabe0009e67214ff5f5447ce83dd # v6.0.2
    +        with:
    +          persist-credentials: false
    +
    +      - run: python -m pip install -r requirements.txt
    +
    +      - name: Install shardplan
    +        run: python -m pip install shardplan==0.1.0
    +
    +      # The tests share one database, so they run one by one.
    +      - name: Tests
    +        env:
    +          DATABASE_URL: postgres://postgres:example@localhost/shop # only here
    +          SHARDPLAN_SHARD: integration-1
    +          COVERAGE_FILE: .coverage.integration-1
    +        run: |
    +          set -eu
    +          python -m pytest --shardplan "$SHARDPLAN_SHARD" tests/integration \
    +            --cov=shop --cov-report= --cov-fail-under=0  # of the sum
    +          echo done
    +
    +      - name: Upload what the shard ran
    +        if: ${{ !cancelled() }}
    +        uses: actions/upload-artifact@043fb46d1a93c77aae656e7c1c64a875d1fc6a0a # v7.0.1
    +        with:
    +          name: shardplan-integration-1
    +          path: |
    +            shardplan-results/
    +            shardplan.lock
    +          include-hidden-files: true
    +          if-no-files-found: error
    +
    +      - name: Keep the coverage
    +        uses: actions/upload-artifact@043fb46d1a93c77aae656e7c1c64a875d1fc6a0a # v7.0.1
    +        with:
    +          name: coverage-integration-integration-1
    +          path: .coverage*
    +          include-hidden-files: true
    +
    +  integration-2:
    +    name: integration tests (shard integration-2)
    +    needs: [lint]
    +    runs-on: ubuntu-latest
    +    timeout-minutes: 30
    +    services:
    +      # The shop's own data.
    +      postgres:
    +        image: postgres:17
    +        env:
    +          POSTGRES_PASSWORD: example
    +        ports:
    +          - 5432:5432
    +        # Ready when it answers.
    +        options: >-
    +          --health-cmd pg_isready
    +          --health-interval 5s
    +      - name: Install shardplan
    +        run: python -m pip install shardplan==0.1.0
    +
    +          SHARDPLAN_SHARD: integration-2
    +          COVERAGE_FILE: .coverage.integration-2
    -          python -m pytest tests/integration \
    -            --cov=shop --cov-report= --cov-fail-under=80  # of the sum
    +          python -m pytest --shardplan "$SHARDPLAN_SHARD" tests/integration \
    +            --cov=shop --cov-report= --cov-fail-under=0  # of the sum
    +      - name: Upload what the shard ran
    +        if: ${{ !cancelled() }}
    +        uses: actions/upload-artifact@043fb46d1a93c77aae656e7c1c64a875d1fc6a0a # v7.0.1
    +        with:
    +          name: shardplan-integration-2
    +          path: |
    +            shardplan-results/
    +            shardplan.lock
    +          include-hidden-files: true
    +          if-no-files-found: error
    +
    -          name: coverage-integration
    +          name: coverage-integration-integration-2
    -    needs: [unit, integration]
    +    needs: [unit-1, integration-1, integration-2]
    +      - name: Download what the shards ran
    +        uses: actions/download-artifact@3e5f45b2cfb9172054b4087a40e8e0b5a5461e7c # v8.0.1
    +        with:
    +          pattern: shardplan-*
    +          merge-multiple: true
    +      - name: Install shardplan
    +        run: python -m pip install shardplan==0.1.0
    +      - name: Every test ran exactly once
    +        run: shardplan verify shardplan-results
    +  shardplan-gate:
    +    name: shardplan gate
    +    needs: [gate, integration-1, integration-2, unit-1]
    +    if: ${{ always() }}
    +    runs-on: ubuntu-latest
    +    permissions:
    +      contents: read
    +    timeout-minutes: 10
    +    steps:
    +      - name: Every lane succeeded
    +        env:
    +          RESULTS: ${{ join(needs.*.result, ' ') }}
    +        run: |
    +          for result in $RESULTS; do
    +            if [ "$result" != success ]; then
    +              echo "::error::a job that this one needs ended as $result"
    +              exit 1
    +            fi
    +          done
    "#);
}

#[test]
fn a_second_run_changes_nothing_and_another_lock_is_followed() {
    for style in ["matrix", "jobs"] {
        let project = project();
        let emit = |more: &str| project.shardplan(&format!("emit github --style {style} {more}"));
        let check = emit("--check");
        assert_eq!(check.code, 1, "{check}");
        assert!(check.stderr.contains("this is not what the lock says"), "{check}");
        assert_eq!(emit("").code, 0);
        let first = workflow(&project);
        assert_eq!(emit("--check").code, 0);
        assert_eq!(emit("").code, 0);
        assert_eq!(workflow(&project), first);

        // A shard more, and other services; then back.
        let other = LOCK.replace(
            "[[shard]]\nname = \"unit-1\"",
            "[[shard]]\nname = \"integration-3\"\nlane = \"integration\"\nservices = []\nunits = [\"x\"]\n[[shard]]\nname = \"unit-1\"",
        );
        project.write("shardplan.lock", other.replace("\"postgres\", \"search\"", "\"search\""));
        let said = emit("");
        assert_eq!(said.code, 0, "{said}");
        assert!(workflow(&project).contains("integration-3"), "{}", workflow(&project));
        project.write("shardplan.lock", LOCK);
        assert_eq!(emit("").code, 0);
        // A service that comes back stands last among the services, whose order says nothing.
        let lines = |text: &str| {
            let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
            lines.sort();
            lines
        };
        assert_eq!(lines(&workflow(&project)), lines(&first), "{style}");
        assert_eq!(emit("--check").code, 0);
    }
}

#[test]
fn what_stands_in_the_way_is_said_with_its_place() {
    let project = project();
    project.write("shardplan.lock", LOCK.replace("\"redis\"", "\"kafka\""));
    assert_snapshot!(project.shardplan("emit github"), @"
    exit: 3
    --- stderr
    error: .github/workflows/ci.yml:38: shard `integration-1` starts `kafka`, but job `integration` has no service of that name
    hint: define `kafka` in the job's `services`, with its image, ports and health check
    ");
    project.write("shardplan.lock", LOCK);
    project.write("shardplan.toml", MANIFEST.replace("[lanes.unit]", "[lanes.unit]\njob = \"units\""));
    assert_snapshot!(project.shardplan("emit github"), @r#"
    exit: 3
    --- stderr
    error: .github/workflows/ci.yml: no job runs lane `unit`: it has no job called `units`
    hint: name it with `job = "…"` in `[lanes.unit]`: its id, or the name that the CI shows
    "#);
    project.write("shardplan.toml", MANIFEST);
    project.write(".github/workflows/ci.yml", workflow(&project).replace("pytest", "unittest"));
    assert_snapshot!(project.shardplan("emit github"), @"
    exit: 3
    --- stderr
    error: .github/workflows/ci.yml:38: job `integration` runs no pytest that is recognised
    hint: a step that runs `pytest` itself is recognised, behind `uv run`, `python -m` and the like
    ");
    project.write("shardplan.toml", "");
    assert_snapshot!(project.shardplan("emit github"), @r#"
    exit: 3
    --- stderr
    error: the manifest names no workflow file
    hint: write `file = ".github/workflows/ci.yml"` in `[workflow]`; `emit make`, `gitlab`, `circleci`, `buildkite` and `matrix` need none
    "#);
    project.write("shardplan.lock", "version = 1\ninputs = \"x\"\n[limits]\n[predicted]\n");
    assert_snapshot!(project.shardplan("emit make"), @"
    exit: 3
    --- stderr
    error: the lock has no shard: there is nothing to emit
    hint: `shardplan suggest --write` pins a plan
    ");
}

#[test]
#[expect(clippy::too_many_lines, reason = "the lines are those of the snapshot")]
fn other_systems_get_what_they_read() {
    let project = project();
    assert_snapshot!(project.shardplan("emit make").stdout, @"
    # The shards of shardplan.lock, one target each. Written by `shardplan emit make`; include it or run
    # `make -f shardplan.mk shardplan`. The services are those of the project's compose file.

    COMPOSE ?= docker compose
    PYTEST ?= python -m pytest

    .PHONY: shardplan test-lane-integration test-lane-unit test-integration-1 test-integration-2 test-unit-1

    shardplan: test-lane-integration test-lane-unit
    	shardplan verify shardplan-results

    test-lane-integration: test-integration-1 test-integration-2

    test-integration-1:
    	$(COMPOSE) up --detach --wait postgres redis
    	COVERAGE_FILE=.coverage.integration-1 $(PYTEST) --shardplan integration-1

    test-integration-2:
    	$(COMPOSE) up --detach --wait postgres search
    	COVERAGE_FILE=.coverage.integration-2 $(PYTEST) --shardplan integration-2

    test-lane-unit: test-unit-1

    test-unit-1:
    	COVERAGE_FILE=.coverage.unit-1 $(PYTEST) --shardplan unit-1
    ");
    assert_snapshot!(project.shardplan("emit gitlab").stdout, @r#"
    # The shards of shardplan.lock. Written by `shardplan emit gitlab`.
    test-integration-1:
      stage: test
      image: python:3.13
      parallel:
        matrix:
          - SHARDPLAN_SHARD: [integration-1]
      services:
        - name: postgres:17
          alias: postgres
        - name: redis:8
          alias: redis
      variables:
        COVERAGE_FILE: .coverage.$SHARDPLAN_SHARD
      script:
        - python -m pip install shardplan==0.1.0
        - pytest --shardplan "$SHARDPLAN_SHARD"
      artifacts:
        when: always
        paths:
          - shardplan-results/
          - .coverage.*
    test-integration-2:
      stage: test
      image: python:3.13
      parallel:
        matrix:
          - SHARDPLAN_SHARD: [integration-2]
      services:
        - name: postgres:17
          alias: postgres
        - name: opensearchproject/opensearch:3
          alias: search
      variables:
        COVERAGE_FILE: .coverage.$SHARDPLAN_SHARD
      script:
        - python -m pip install shardplan==0.1.0
        - pytest --shardplan "$SHARDPLAN_SHARD"
      artifacts:
        when: always
        paths:
          - shardplan-results/
          - .coverage.*
    test-unit:
      stage: test
      image: python:3.13
      parallel:
        matrix:
          - SHARDPLAN_SHARD: [unit-1]
      variables:
        COVERAGE_FILE: .coverage.$SHARDPLAN_SHARD
      script:
        - python -m pip install shardplan==0.1.0
        - pytest --shardplan "$SHARDPLAN_SHARD"
      artifacts:
        when: always
        paths:
          - shardplan-results/
          - .coverage.*
    shardplan-gate:
      stage: test
      image: python:3.13
      needs: [test-integration-1, test-integration-2, test-unit]
      when: always
      script:
        - python -m pip install shardplan==0.1.0
        - shardplan verify shardplan-results
    "#);
    assert_snapshot!(project.shardplan("emit circleci").stdout, @r#"
    # The shards of shardplan.lock. Written by `shardplan emit circleci`.
    version: 2.1
    jobs:
      test-integration-1:
        parameters:
          shard:
            type: string
        docker:
          - image: cimg/python:3.13
          - image: postgres:17
            name: postgres
          - image: redis:8
            name: redis
        environment:
          SHARDPLAN_SHARD: << parameters.shard >>
          COVERAGE_FILE: .coverage.<< parameters.shard >>
        steps:
          - checkout
          - run:
              name: Install shardplan
              command: python -m pip install shardplan==0.1.0
          - run:
              name: Tests of the shard
              command: pytest --shardplan "$SHARDPLAN_SHARD"
          - persist_to_workspace:
              root: .
              paths:
                - shardplan-results
                - .coverage.*
          - store_artifacts:
              path: shardplan-results
      test-integration-2:
        parameters:
          shard:
            type: string
        docker:
          - image: cimg/python:3.13
          - image: postgres:17
            name: postgres
          - image: opensearchproject/opensearch:3
            name: search
        environment:
          SHARDPLAN_SHARD: << parameters.shard >>
          COVERAGE_FILE: .coverage.<< parameters.shard >>
        steps:
          - checkout
          - run:
              name: Install shardplan
              command: python -m pip install shardplan==0.1.0
          - run:
              name: Tests of the shard
              command: pytest --shardplan "$SHARDPLAN_SHARD"
          - persist_to_workspace:
              root: .
              paths:
                - shardplan-results
                - .coverage.*
          - store_artifacts:
              path: shardplan-results
      test-unit:
        parameters:
          shard:
            type: string
        docker:
          - image: cimg/python:3.13
        environment:
          SHARDPLAN_SHARD: << parameters.shard >>
          COVERAGE_FILE: .coverage.<< parameters.shard >>
        steps:
          - checkout
          - run:
              name: Install shardplan
              command: python -m pip install shardplan==0.1.0
          - run:
              name: Tests of the shard
              command: pytest --shardplan "$SHARDPLAN_SHARD"
          - persist_to_workspace:
              root: .
              paths:
                - shardplan-results
                - .coverage.*
          - store_artifacts:
              path: shardplan-results
      shardplan-gate:
        docker:
          - image: cimg/python:3.13
        steps:
          - checkout
          - attach_workspace:
              at: .
          - run: python -m pip install shardplan==0.1.0
          - run: shardplan verify shardplan-results
    workflows:
      tests:
        jobs:
          - test-integration-1:
              matrix:
                parameters:
                  shard: [integration-1]
          - test-integration-2:
              matrix:
                parameters:
                  shard: [integration-2]
          - test-unit:
              matrix:
                parameters:
                  shard: [unit-1]
          - shardplan-gate:
              requires: [test-integration-1, test-integration-2, test-unit]
    "#);
    assert_snapshot!(project.shardplan("emit buildkite").stdout, @r#"
    # The shards of shardplan.lock. Written by `shardplan emit buildkite`.
    steps:
      - label: 'integration: integration-1'
        key: test-integration-1
        env:
          SHARDPLAN_SHARD: integration-1
          COVERAGE_FILE: .coverage.integration-1
        commands:
          - docker compose up --detach --wait postgres redis
          - python -m pip install shardplan==0.1.0
          - pytest --shardplan "$$SHARDPLAN_SHARD"
        artifact_paths:
          - shardplan-results/**/*
          - .coverage.*
      - label: 'integration: integration-2'
        key: test-integration-2
        env:
          SHARDPLAN_SHARD: integration-2
          COVERAGE_FILE: .coverage.integration-2
        commands:
          - docker compose up --detach --wait postgres search
          - python -m pip install shardplan==0.1.0
          - pytest --shardplan "$$SHARDPLAN_SHARD"
        artifact_paths:
          - shardplan-results/**/*
          - .coverage.*
      - label: 'unit: unit-1'
        key: test-unit-1
        env:
          SHARDPLAN_SHARD: unit-1
          COVERAGE_FILE: .coverage.unit-1
        commands:
          - python -m pip install shardplan==0.1.0
          - pytest --shardplan "$$SHARDPLAN_SHARD"
        artifact_paths:
          - shardplan-results/**/*
          - .coverage.*
      - label: shardplan gate
        depends_on: [test-integration-1, test-integration-2, test-unit-1]
        allow_dependency_failure: true
        commands:
          - buildkite-agent artifact download 'shardplan-results/**/*' .
          - python -m pip install shardplan==0.1.0
          - shardplan verify shardplan-results
    "#);
    assert_snapshot!(project.shardplan("emit matrix --lane integration").stdout, @r#"{"include":[{"lane":"integration","services":["postgres","redis"],"shard":"integration-1"},{"lane":"integration","services":["postgres","search"],"shard":"integration-2"}]}"#);
    assert_eq!(project.shardplan("emit matrix --lane nothing").code, 3);
}

#[test]
fn a_file_of_another_system_is_checked_too() {
    let project = project();
    assert_eq!(project.shardplan("emit make --check").code, 2);
    assert_eq!(project.shardplan("emit make --check --output shardplan.mk").code, 1);
    assert_eq!(project.shardplan("emit make --output shardplan.mk").code, 0);
    assert_eq!(project.shardplan("emit make --check --output shardplan.mk").code, 0);
}

#[test]
fn durations_go_to_those_who_stay_on_pytest_split() {
    let project = Project::planned("[lanes.a]\n", "t/test_a.py::a 5\n");
    let said = project.shardplan("emit test-durations");
    assert_eq!(said.json(), serde_json::json!({"t/test_a.py::a": 5.0}));
}

#[test]
fn a_workflow_file_outside_the_repository_is_not_written_to() {
    let project = Project::empty();
    let manifest = MANIFEST.replace(".github/workflows/ci.yml", "../theirs/ci.yml");
    let before = std::fs::read(fixture("workflows/ci.yml")).unwrap();
    project.write("theirs/ci.yml", &before);
    project.write("ours/shardplan.toml", &manifest);
    project.write("ours/shardplan.lock", LOCK);
    let said = project.shardplan("-C ours emit github");
    assert_eq!(said.code, 3, "{said}");
    assert!(said.stderr.contains("outside the repository"), "{said}");
    assert_eq!(std::fs::read(project.path("theirs/ci.yml")).unwrap(), before);
    // In one repository, a manifest of a part of it names the file of the whole.
    project.write(".git/HEAD", "");
    assert_eq!(project.shardplan("-C ours emit github").code, 0);
}

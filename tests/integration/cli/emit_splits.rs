//! `shardplan emit github` for those who split by pytest-split before.

use insta::assert_snapshot;

use super::Project;
use super::emit::changes;

/// A team that split by pytest-split before, into as many parts as a job of its own computes.
#[test]
#[expect(clippy::too_many_lines, reason = "the lines are those of the snapshot")]
fn the_shards_take_the_place_of_groups_that_an_environment_variable_numbers() {
    let project = Project::empty();
    project
        .write("shardplan.toml", "[workflow]\nfile = \"ci.yml\"\n[lanes.tests]\ntoday = { services = [] }\n");
    project.write("shardplan.lock", "version = 1\ninputs = \"by hand\"\n[limits]\n[predicted]\n[[shard]]\nname = \"tests-1\"\nlane = \"tests\"\nservices = []\nunits = [\"a.py\"]\n[[shard]]\nname = \"tests-2\"\nlane = \"tests\"\nservices = []\nunits = [\"b.py\"]\n");
    let workflow = "on: push
jobs:
  parts:
    runs-on: ubuntu-latest
    outputs: {list: '[1]'}
    steps: []
  tests:
    needs: parts
    runs-on: ubuntu-latest
    strategy:
      matrix:
        part: ${{ fromJSON(needs.parts.outputs.list) }}
    env:
      REPORT: out/${{ matrix.part }}.xml
    steps:
      - env:
          PART: ${{ matrix.part }}
        run: pytest --splits $PARTS --group ${PART} --junitxml=$REPORT
      - if: matrix.part == 1
        run: echo ${{ matrix.part }} ${{ matrix.partition }}
      - uses: actions/upload-artifact@043fb46d1a93c77aae656e7c1c64a875d1fc6a0a
        with:
          name: part-${{ matrix.part }}
          path: out
";
    project.write("ci.yml", workflow);
    let read = || std::fs::read_to_string(project.path("ci.yml")).unwrap();
    let said = project.shardplan("emit github");
    assert_eq!(said.code, 0, "{said}");
    let written = read();
    assert_snapshot!(changes(workflow, &written), @r#"
    +    name: tests (${{ matrix.shard }})
    -        part: ${{ fromJSON(needs.parts.outputs.list) }}
    +        shard: [tests-1, tests-2]
    +      fail-fast: false
    -      REPORT: out/${{ matrix.part }}.xml
    +      REPORT: out/${{ matrix.shard }}.xml
    +      - name: Install shardplan
    +        run: python -m pip install shardplan==0.1.0
    -          PART: ${{ matrix.part }}
    -        run: pytest --splits $PARTS --group ${PART} --junitxml=$REPORT
    -      - if: matrix.part == 1
    -        run: echo ${{ matrix.part }} ${{ matrix.partition }}
    +          PART: ${{ matrix.shard }}
    +          SHARDPLAN_SHARD: ${{ matrix.shard }}
    +        run: pytest --shardplan "$SHARDPLAN_SHARD" --junitxml=$REPORT
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
    +      - if: matrix.shard == 1
    +        run: echo ${{ matrix.shard }} ${{ matrix.partition }}
    -          name: part-${{ matrix.part }}
    +          name: part-${{ matrix.shard }}
    +  shardplan-gate:
    +    name: shardplan gate
    +    needs: [tests]
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
    +      - uses: actions/checkout@de0fac2e4500dabe0009e67214ff5f5447ce83dd # v6.0.2
    +        with:
    +          persist-credentials: false
    +      - uses: actions/setup-python@a309ff8b426b58ec0e2a45f0f869d46889d02405 # v6.2.0
    +        with:
    +          python-version: 3.x
    +      - name: Download what the shards ran
    +        uses: actions/download-artifact@3e5f45b2cfb9172054b4087a40e8e0b5a5461e7c # v8.0.1
    +        with:
    +          pattern: shardplan-*
    +          merge-multiple: true
    +      - name: Install shardplan
    +        run: python -m pip install shardplan==0.1.0
    +      - name: Every test ran exactly once
    +        run: shardplan verify shardplan-results
    "#);
    assert_eq!(project.shardplan("emit github --check").code, 0);
    project.write("ci.yml", workflow);
    let said = project.shardplan("emit github --style jobs");
    assert_eq!(said.code, 0, "{said}");
    let jobs = read();
    assert!(!jobs.contains("matrix.part ") && !jobs.contains("strategy:"), "{jobs}");
    assert!(jobs.contains("if: '''tests-2'' == 1'\n"), "{jobs}");
    assert!(jobs.contains("name: part-tests-2\n"), "{jobs}");
}

#[test]
fn a_matrix_that_would_be_too_long_becomes_a_job_for_each_shard() {
    let project = Project::empty();
    project
        .write("shardplan.toml", "[workflow]\nfile = \"ci.yml\"\n[lanes.tests]\ntoday = { services = [] }\n");
    let shards: Vec<String> = (1..=20)
        .map(|number| format!("[[shard]]\nname = \"tests-{number}\"\nlane = \"tests\"\nservices = []\nunits = [\"{number}.py\"]\n"))
        .collect();
    let lock = format!("version = 1\ninputs = \"by hand\"\n[limits]\n[predicted]\n{}", shards.concat());
    project.write("shardplan.lock", lock);
    let numbers: Vec<String> = (1..=16).map(|number| number.to_string()).collect();
    project.write(
        "ci.yml",
        format!(
            "on: push\njobs:\n  tests:\n    runs-on: x\n    strategy:\n      matrix:\n        instance: [{}]\n    steps:\n      - run: pytest\n",
            numbers.join(", ")
        ),
    );
    let refused = project.shardplan("emit github --style matrix");
    assert_eq!(refused.code, 3, "{refused}");
    assert!(refused.stderr.contains("ci.yml:3") && refused.stderr.contains("256"), "{refused}");
    assert_eq!(project.shardplan("emit github").code, 0);
    let written = std::fs::read_to_string(project.path("ci.yml")).unwrap();
    assert_eq!(written.matches("instance: [").count(), 20, "{written}");
}

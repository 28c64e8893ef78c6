//! What `emit github` writes is what the lock says, for any lock and for workflows of many forms.

use proptest::prelude::*;
use shardplan::config::Config;
use shardplan::emit::github::{Style, emit, prove};
use shardplan::plan::Lock;
use shardplan::workflow::github::WorkflowFile;

const SERVICES: [&str; 4] = ["cache", "db", "queue", "search"];

/// A workflow of two lanes, its job in one of several forms.
#[derive(Clone, Debug)]
struct Team {
    matrix: &'static str,
    name: &'static str,
    image: &'static str,
    command: &'static str,
    indent: usize,
    flow: bool,
}

fn team() -> impl Strategy<Value = Team> {
    (
        prop::sample::select(vec![
            "",
            "{python: ['3.12', '3.13']}",
            "{python: ['3.12', '3.13'], include: [{python: '3.13', extra: x}]}",
            "{python: ['3.12'], os: [a, b], include: [{python: '3.14', os: a}], exclude: [{os: b}]}",
            "{include: [{python: '3.12'}, {python: '3.13'}]}",
            "{group: [1, 2, 3]}",
            "{group: '${{ fromJSON(inputs.groups) }}'}",
            "{group: [1, 2], python: '${{ fromJSON(inputs.pythons) }}'}",
            "'${{ fromJSON(inputs.rows) }}'",
        ]),
        prop::sample::select(vec!["", "tests", "tests (${{ matrix.python }})"]),
        prop::sample::select(vec![
            "postgres:17",
            "it's:1",
            "postgres:${{ matrix.python }}",
            "${{ vars.IMAGE }}",
        ]),
        prop::sample::select(vec![
            "pytest tests --splits 3 --group ${{ matrix.group }}",
            "pytest tests --splits $PARTS --group ${PART}",
            "uv run pytest -m 'not slow' --cov --cov-fail-under=80",
            "pytest a && pytest b",
            "tox -e py",
        ]),
        2..5_usize,
        any::<bool>(),
    )
        .prop_map(|(matrix, name, image, command, indent, flow)| Team {
            matrix,
            name,
            image,
            command,
            indent,
            flow,
        })
}

impl Team {
    fn workflow(&self) -> String {
        let pad = |level: usize| " ".repeat(level * self.indent);
        let mut text = String::from("# ours\non: push\njobs:\n");
        let mut line = |level: usize, words: String| text.push_str(&format!("{}{words}\n", pad(level)));
        line(1, "heavy:  # the slow one".to_owned());
        if !self.name.is_empty() {
            line(2, format!("name: {}", self.name));
        }
        line(2, "runs-on: ubuntu-latest".to_owned());
        if !self.matrix.is_empty() {
            line(2, "strategy:".to_owned());
            line(3, format!("matrix: {}", self.matrix));
        }
        if self.flow {
            let all: Vec<String> =
                SERVICES.iter().map(|service| format!("{service}: {{image: '{service}:1'}}")).collect();
            line(2, format!("services: {{{}}}", all.join(", ")));
        } else {
            line(2, "services:".to_owned());
            for service in SERVICES {
                line(3, format!("{service}:"));
                line(4, format!("# about {service}"));
                line(4, format!("image: \"{}\"", self.image));
                line(4, "ports: [1]".to_owned());
            }
        }
        line(2, "env: {PART: '${{ matrix.group }}'}".to_owned());
        line(2, "steps:".to_owned());
        line(2, "- uses: actions/checkout@v4".to_owned());
        line(2, "# the tests".to_owned());
        line(2, format!("- run: {}", self.command));
        line(2, "- uses: actions/upload-artifact@v4".to_owned());
        line(2, "  with: {name: 'part ${{ matrix.group }} of 3', path: out}".to_owned());
        line(1, "light:".to_owned());
        line(2, "runs-on: ubuntu-latest".to_owned());
        line(2, "steps:".to_owned());
        line(3, "- run: |".to_owned());
        line(5, "set -e".to_owned());
        line(5, "python -m pytest light  # quick".to_owned());
        line(1, "after:".to_owned());
        line(2, "needs: [heavy, light]".to_owned());
        line(2, "runs-on: ubuntu-latest".to_owned());
        line(2, "steps:".to_owned());
        line(3, "- run: echo".to_owned());
        text
    }
}

/// A lock of one to five shards a lane, with any services.
fn lock() -> impl Strategy<Value = String> {
    let shards = prop::collection::vec(prop::sample::subsequence(SERVICES.to_vec(), 0..=4), 1..5);
    (shards, 1..4_usize).prop_map(|(heavy, light)| {
        let mut text = "version = 1\ninputs = \"x\"\n[limits]\n[predicted]\n".to_owned();
        for (at, services) in heavy.iter().enumerate() {
            text.push_str(&format!("[[shard]]\nname = \"heavy-{at}\"\nlane = \"heavy\"\nservices = {services:?}\nunits = [\"h{at}\"]\n"));
        }
        for at in 0..light {
            text.push_str(&format!("[[shard]]\nname = \"light-{at}\"\nlane = \"light\"\nservices = []\nunits = [\"l{at}\"]\n"));
        }
        text
    })
}

fn config() -> Config {
    let services: String = SERVICES.iter().map(|service| ["[services.", service, "]\n"].concat()).collect();
    Config::parse(&format!("{services}[lanes.heavy]\n[lanes.light]\n"), "shardplan.toml").unwrap()
}

fn parsed(lock: &str) -> Lock {
    Lock::parse(lock, "shardplan.lock".as_ref()).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn the_file_read_again_is_the_lock_and_a_second_run_changes_nothing(
        team in team(), first in lock(), second in lock(), jobs in any::<bool>(),
    ) {
        let style = if jobs { Style::Jobs } else { Style::Auto };
        let read = |text: &str| WorkflowFile::parse(text, "ci.yml").unwrap();
        let (config, first, second) = (config(), parsed(&first), parsed(&second));
        let text = team.workflow();
        let written = emit(&config, &read(&text), &first, style).map_err(|error| TestCaseError::fail(format!("{error}\n{text}")))?;
        prove(&read(&written.text), &config, &first).unwrap();
        for comment in text.lines().filter_map(|line| line.split_once('#')).map(|(_, comment)| comment) {
            // A service that a shard's own job does not start goes with what is said about it.
            prop_assert!(written.text.contains(comment) || comment.starts_with(" about"), "{comment} is lost:\n{}", written.text);
        }
        if team.matrix.contains("group") && team.command.contains("--group") {
            prop_assert!(!written.text.contains("matrix.group"), "what the shards replace is asked for:\n{}", written.text);
        }
        let again = emit(&config, &read(&written.text), &first, style).unwrap();
        prop_assert_eq!(&again.text, &written.text);
        // Another lock proves another file, and this file another lock only where both say the same.
        let other = emit(&config, &read(&written.text), &second, style);
        match other {
            Ok(other) => {
                prove(&read(&other.text), &config, &second).unwrap();
                let same = first.shards.iter().map(|shard| (&shard.name, &shard.services)).eq(second.shards.iter().map(|shard| (&shard.name, &shard.services)));
                prop_assert_eq!(prove(&read(&other.text), &config, &first).is_ok(), same);
            }
            // With a job for each shard, a service that no shard started is no longer defined anywhere.
            Err(error) => prop_assert!(error.to_string().contains("has no service of that name"), "{error}\n{}", written.text),
        }
    }
}

//! Whatever is in a file, its reader ends with an answer or an error: real files, spoilt in every way that is cheap.
//!
//! Reports whose bytes are wrong or missing, and Python sources, have tests of their own in `tests/integration`.

use std::path::Path;

use proptest::prelude::*;
use proptest::sample::{Index, select};
use shardplan::config::{Config, KeywordExpr, MarkerExpr, Memory, PathPattern, Pattern};
use shardplan::emit;
use shardplan::ingest;
use shardplan::inventory::Inventory;
use shardplan::model::SavedModelV1;
use shardplan::plan::Lock;
use shardplan::solve::{self, Effort};
use shardplan::time::{Millis, Tolerance};
use shardplan::workflow::github::{self, WorkflowFile};

const MANIFEST: &str = r#"
[project]
inventory = "inventory.csv"
[workflow]
file = ".github/workflows/ci.yml"
gate = "gate"
[workflow.jobs.lint]
wall = "25s"
[budget]
containers = 6
tolerance = "2%"
[runners.small]
[runners.large]
runs_on = ["self-hosted", "linux"]
price = 1.5
speed = 1.25
cpus = 4
memory = "16GB"
[services.postgres]
image = "postgres:16"
markers = ["postgres"]
fixtures = ["db"]
paths = ["tests/db"]
memory = "512MB"
[services.redis]
[services.search]
[setups.corpus]
fixtures = ["corpus"]
time = "30s"
[groups.apart]
rule = "apart"
members = ["tests/a.py", "tests/b.py"]
[lanes.unit]
paths = ["tests/unit", "tests/*/fast"]
markers = "not (slow or postgres) and fast"
base = "45s"
max_shards = 3
workers = "auto"
runners = ["small", "large"]
today = { services = ["redis"] }
[lanes.integration]
paths = ["tests/integration"]
needs = ["lint"]
order = "keep"
"#;

const LOCK: &str = r#"version = 1
inputs = "blake3:0"
[limits]
containers = 4
tolerance = "2%"
[predicted]
end_ms = 1000
[[lane]]
name = "unit"
paths = ["tests/unit"]
markers = "not slow"
[[service]]
name = "postgres"
fixtures = ["db"]
[[shard]]
name = "integration-1"
lane = "integration"
runner = "large"
services = ["postgres", "redis"]
wall_ms = 90000
tests = 2
units = ["tests/integration/test_a.py", "tests/integration/test_b.py::TestB::test_c[é-1]"]
[[shard]]
name = "integration-2"
lane = "integration"
runner = "large"
services = ["search"]
units = ["tests/integration"]
[[shard]]
name = "unit-1"
lane = "unit"
services = []
units = ["tests/unit"]
"#;

const SAVED: &str = r#"{"version": 1, "other_minutes": 3, "minute_parts": 2,
"services": [{"name": "pg", "containers": 1, "pull_ms": 5, "ready_ms": 6, "attach_ms": 7, "memory_bytes": 8}],
"jobs": [{"name": "lint", "wall_ms": 25}], "slots": 3, "floor_ms": 9,
"lanes": [{"name": "all", "base_ms": 4, "tail_ms": 1, "head_ms": 2, "after_ms": 3, "speed": 2000, "services": [0],
"max_shards": 3, "memory_bytes": 5, "runner_memory_bytes": 100, "needs": [0],
"runners": [{"name": "small", "speed": 2000, "pace": 1000, "price_parts": 2},
{"name": "large", "speed": 4000, "pace": 1100, "price_parts": 3, "memory_bytes": 90}]}],
"units": [{"name": "a", "lane": 0, "load_ms": 900, "piece_ms": 80, "needs": [0]},
{"name": "b", "lane": 0, "load_ms": 700, "piece_ms": 700}, {"name": "c", "lane": 0, "load_ms": 10}],
"apart": [{"name": "x", "units": [0, 1]}], "limits": {"containers": 4, "shards": 2}}
"#;

const INVENTORIES: [&str; 3] = [
    "test,markers,fixtures,observed\ntests/test_a.py::test_a,postgres slow,db,postgres\n\"tests/test_b.py::test_b[a,\"\"b]\",,,\n",
    r#"{"version": 1, "tests": [{"id": "tests/test_a.py::test_a[1]", "markers": ["slow"], "fixtures": ["db"], "needs": [{"service": "postgres"}]}]}"#,
    r#"{"rust-build-meta": {}, "test-count": 1, "rust-suites": {"a::b": {"package-name": "a", "binary-id": "a::b", "testcases": {"x::t": {"ignored": false, "filter-match": {"status": "matches"}}}}}}"#,
];

const WORKFLOW: &str = include_str!("../fixtures/workflows/ci.yml");

/// What is put anywhere: what means something in one of the formats, and what is too much for any.
const TOKENS: &[&str] = &[
    "\"",
    "'",
    "'''",
    "\"\"\"",
    "{",
    "}",
    "[",
    "]",
    "[[",
    "]]",
    "(",
    ")",
    "<",
    ">",
    "<!--",
    "-->",
    "<![CDATA[",
    "]]>",
    "<a ",
    "</testcase>",
    "<testcase name='",
    "&#x110000;",
    "&lol;",
    "=",
    ":",
    ": ",
    "- ",
    "- - - ",
    "? ",
    "| ",
    ">+9\n",
    ",",
    "\n",
    "\r",
    "\n\n",
    "\t",
    "  ",
    "#",
    "---\n",
    "...\n",
    "&a ",
    "*a",
    "<<: *a",
    "!!python/object:x ",
    "!!binary ",
    "${{",
    "}}",
    "${{ matrix.x && fromJSON('[' }}",
    "$(",
    "`",
    "\\",
    "\\u0000",
    "\u{0}",
    "\u{feff}",
    "\u{202e}",
    "é",
    "🦀",
    "-1",
    "0",
    "1e999",
    "NaN",
    "99999999999999999999",
    "18446744073709551615",
    "null",
    "true",
    "version",
];

/// What expressions and scripts are made of.
const WORDS: &[&str] = &[
    "not",
    "and",
    "or",
    "(",
    ")",
    "a",
    "a(b=1)",
    "==",
    "'x'",
    "\"",
    "&&",
    "||",
    "!",
    "format('{0}', 1)",
    "matrix['a'].*",
    "[0]",
    "\\",
    "\n",
    ";",
    "|",
    "pytest",
    "-m",
    "-k",
    "--cov=x",
    "${X:-y}",
    "$(",
    "for",
    "do",
    "done",
    "<<EOF",
    "1m",
    "5%",
    "GiB",
    "**",
    "{a,b}",
    "é",
];

/// A way to spoil a text.
#[derive(Clone, Debug)]
enum Spoil {
    Cut(Index),
    Remove(Index, usize),
    Repeat(Index, usize, Index),
    Put(Index, &'static str, usize),
    Byte(Index, u8),
}

impl Spoil {
    fn apply(&self, bytes: &mut Vec<u8>) {
        let place = |at: &Index, bytes: &[u8]| at.index(bytes.len() + 1);
        match self {
            Self::Cut(at) => bytes.truncate(place(at, bytes)),
            Self::Remove(at, length) => {
                let from = place(at, bytes);
                bytes.drain(from..(from + length).min(bytes.len()));
            }
            Self::Repeat(at, length, to) => {
                let from = place(at, bytes);
                let part = bytes[from..(from + length).min(bytes.len())].to_vec();
                let to = place(to, bytes);
                bytes.splice(to..to, part);
            }
            Self::Put(at, token, times) => {
                let at = place(at, bytes);
                bytes.splice(at..at, token.repeat(*times).into_bytes());
            }
            Self::Byte(at, byte) if !bytes.is_empty() => {
                let at = at.index(bytes.len());
                bytes[at] = *byte;
            }
            Self::Byte(..) => {}
        }
    }
}

fn spoilt(sample: &[u8], ways: &[Spoil]) -> Vec<u8> {
    let mut bytes = sample.to_vec();
    for way in ways {
        way.apply(&mut bytes);
    }
    bytes
}

fn spoiling() -> impl Strategy<Value = Vec<Spoil>> {
    let times = prop_oneof![12 => Just(1usize), 3 => 2usize..5, 1 => Just(3_000)];
    let way = prop_oneof![
        1 => any::<Index>().prop_map(Spoil::Cut),
        4 => (any::<Index>(), 1usize..40).prop_map(|(at, length)| Spoil::Remove(at, length)),
        4 => (any::<Index>(), 1usize..200, any::<Index>()).prop_map(|(at, length, to)| Spoil::Repeat(at, length, to)),
        6 => (any::<Index>(), select(TOKENS), times).prop_map(|(at, token, times)| Spoil::Put(at, token, times)),
        2 => (any::<Index>(), any::<u8>()).prop_map(|(at, byte)| Spoil::Byte(at, byte)),
    ];
    prop::collection::vec(way, 1..5)
}

/// What is read of each kind of file, with what follows from it.
fn read_manifest(text: &str) {
    if let Err(error) = Config::parse(text, "shardplan.toml") {
        assert!(!format!("{error:?}").is_empty());
    }
}

fn read_lock(text: &str) -> Option<Lock> {
    match Lock::parse(text, Path::new("shardplan.lock")) {
        Ok(lock) => {
            for id in
                ["tests/unit/test_x.py::test_y", "", "::", "tests/integration/test_b.py::TestB::test_c[é-1]"]
            {
                for shard in &lock.shards {
                    let _ = lock.owners().of(&shard.lane, id);
                }
            }
            Some(lock)
        }
        Err(error) => {
            assert!(error.to_string().contains("shardplan.lock"), "{error}");
            None
        }
    }
}

fn read_saved(text: &str) {
    let saved = SavedModelV1::parse(text, "m.json").and_then(|saved| saved.problem("m.json"));
    match saved {
        // What passes for a problem is solved.
        Ok((problem, limits)) if problem.units.len() < 40 => {
            if let Ok(solution) = solve::solve_within(&problem, &limits, &Effort::new(2_000_000)) {
                let _ = solve::further(&problem, &limits, &solution, 2);
            }
        }
        Ok(_) => {}
        Err(error) => assert!(error.to_string().contains("m.json"), "{error}"),
    }
}

fn read_workflow(text: &str) {
    let file = match WorkflowFile::parse(text, "ci.yml") {
        Ok(file) => file,
        Err(error) => return assert!(error.to_string().contains("ci.yml"), "{error}"),
    };
    for job in &file.jobs {
        let _ = (file.ancestors(&job.id), job.runners(), job.contexts(), job.split_dimensions(), job.stem());
        for row in job.rows().unwrap_or_default().iter().take(20) {
            let _ = job.shown_name(row);
        }
        for step in &job.steps {
            let _ =
                (github::find_runners(step), step.run.as_deref().map(github::container_starts), step.title());
        }
    }
    let config = Config::parse(MANIFEST, "shardplan.toml").unwrap();
    let lock = Lock::parse(LOCK, Path::new("shardplan.lock")).unwrap();
    for style in [emit::github::Style::Matrix, emit::github::Style::Jobs] {
        let _ = emit::github::emit(&config, &file, &lock, style);
    }
}

fn read_words(text: &str) {
    let _ = (text.parse::<MarkerExpr>(), text.parse::<KeywordExpr>(), text.parse::<Pattern>());
    let _ = (
        text.parse::<PathPattern>(),
        text.parse::<Memory>(),
        text.parse::<Millis>(),
        text.parse::<Tolerance>(),
    );
    let _ = (github::render(text, &github::Context::default()), github::template_parts(text));
    let _ = github::evaluate(text, &github::Context::default());
    let _ = github::find_runners(&github::Step::of_script(text));
}

#[test]
fn the_samples_are_whole() {
    assert!(Config::parse(MANIFEST, "shardplan.toml").is_ok());
    assert!(read_lock(LOCK).is_some());
    let (problem, limits) = SavedModelV1::parse(SAVED, "m.json").unwrap().problem("m.json").unwrap();
    assert!(solve::solve(&problem, &limits).is_ok());
    for inventory in INVENTORIES {
        assert!(!Inventory::parse(inventory.as_bytes(), "i").unwrap().tests.is_empty(), "{inventory}");
    }
    let file = WorkflowFile::parse(WORKFLOW, "ci.yml").unwrap();
    let config = Config::parse(MANIFEST, "shardplan.toml").unwrap();
    assert!(emit::github::emit(&config, &file, &read_lock(LOCK).unwrap(), emit::github::Style::Jobs).is_ok());
}

#[test]
fn a_text_that_ends_anywhere_is_read_to_its_end() {
    let cuts = |text: &'static str| text.char_indices().map(move |(at, _)| &text[..at]);
    cuts(MANIFEST).for_each(read_manifest);
    cuts(LOCK).for_each(|text| drop(read_lock(text)));
    cuts(SAVED).for_each(read_saved);
    INVENTORIES.into_iter().flat_map(cuts).for_each(|text| drop(Inventory::parse(text.as_bytes(), "i")));
    // A workflow is also written again, which takes its time: it ends with one of its lines.
    let ends_a_line = |text: &&str| WORKFLOW[text.len()..].starts_with('\n');
    cuts(WORKFLOW).filter(ends_a_line).for_each(read_workflow);
}

#[test]
fn one_sign_of_a_workflow_may_be_lost() {
    for (at, sign) in WORKFLOW.char_indices().filter(|(_, sign)| matches!(sign, '-' | ':')).step_by(2) {
        read_workflow(&format!("{} {}", &WORKFLOW[..at], &WORKFLOW[at + sign.len_utf8()..]));
    }
}

#[test]
fn nothing_nests_too_deep_for_a_reader() {
    const DEEP: usize = 5_000;
    for (open, close) in [
        ("[", "]"),
        ("{", "}"),
        ("{a: ", "}"),
        ("{a = ", "}"),
        ("{\"a\": ", "}"),
        ("(", ")"),
        ("<a>", "</a>"),
    ] {
        for text in [open.repeat(DEEP), open.repeat(DEEP) + &close.repeat(DEEP)] {
            for text in [
                text.clone(),
                format!("a = {text}"),
                format!("jobs: {text}"),
                format!("{{\"version\": 1, \"x\": {text}}}"),
            ] {
                read_manifest(&text);
                read_lock(&text);
                read_saved(&text);
                let _ = Inventory::parse(text.as_bytes(), "i");
                read_workflow(&text);
                read_words(&text);
                for name in ["a.json", "a.xml", "a.jsonl", "a.csv"] {
                    let _ = ingest::read(text.as_bytes(), name, &ingest::Context::default());
                }
            }
        }
    }
    for word in [
        "not ", "a and ", "a or ", "a == ", "!", "a && ", "a || ", "- ", "? ", "a:\n ", "a.", "**/", "[a",
        "1h",
    ] {
        let text = word.repeat(DEEP) + "a";
        read_words(&text);
        read_words(&format!("${{{{ {text} }}}}"));
        read_manifest(&format!("[lanes.a]\nmarkers = '{text}'\npaths = ['{text}']\nbase = '{text}'\n"));
        read_workflow(&format!(
            "jobs:\n  a:\n    steps:\n      - run: {text}\n        if: ${{{{ {text} }}}}\n"
        ));
        read_workflow(&text);
    }
    // Each name stands for nine of the one before.
    let mut laughs = "a0: &a0 [x]\n".to_owned();
    for at in 1..12 {
        laughs += &format!("a{at}: &a{at} [{}]\n", vec![format!("*a{}", at - 1); 9].join(", "));
    }
    read_workflow(&(laughs + "jobs: {a: {steps: [{run: pytest}]}}\n"));
}

proptest! {
    #![proptest_config(crate::cases(400))]

    #[test]
    fn a_spoilt_manifest_is_an_answer_or_an_error(ways in spoiling()) {
        read_manifest(&String::from_utf8_lossy(&spoilt(MANIFEST.as_bytes(), &ways)));
    }

    #[test]
    fn a_spoilt_lock_is_an_answer_or_an_error(ways in spoiling()) {
        read_lock(&String::from_utf8_lossy(&spoilt(LOCK.as_bytes(), &ways)));
    }

    #[test]
    fn a_spoilt_saved_model_is_an_answer_or_an_error(ways in spoiling()) {
        read_saved(&String::from_utf8_lossy(&spoilt(SAVED.as_bytes(), &ways)));
    }

    #[test]
    fn a_number_of_a_saved_model_may_be_any(at: Index, number in prop_oneof![any::<u64>(), (0u32..64).prop_map(|bit| 1 << bit)]) {
        let starts: Vec<usize> = SAVED.match_indices(": ").map(|(at, _)| at + 2).collect();
        let starts: Vec<usize> = starts.into_iter().filter(|at| SAVED[*at..].starts_with(|c: char| c.is_ascii_digit())).collect();
        let from = *at.get(&starts);
        let end = from + SAVED[from..].find(|c: char| !c.is_ascii_digit()).unwrap();
        read_saved(&format!("{}{number}{}", &SAVED[..from], &SAVED[end..]));
    }

    #[test]
    fn a_spoilt_inventory_is_an_answer_or_an_error(which: Index, ways in spoiling()) {
        let _ = Inventory::parse(&spoilt(which.get(&INVENTORIES).as_bytes(), &ways), "i");
    }

    #[test]
    fn spoilt_words_are_an_answer_or_an_error(
        words in prop::collection::vec(select(WORDS), 0..30),
        blank in select(vec!["", " "]),
    ) {
        read_words(&words.join(blank));
    }

    #[test]
    fn a_spoilt_report_is_an_answer_or_an_error(which: Index, ways in spoiling()) {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/formats");
        let mut samples: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
        samples.sort();
        let sample = which.get(&samples);
        let name = sample.file_name().unwrap().to_str().unwrap();
        let _ = ingest::read(&spoilt(&std::fs::read(sample).unwrap(), &ways), name, &ingest::Context::default());
    }
}

proptest! {
    #![proptest_config(crate::cases(80))]

    #[test]
    fn a_spoilt_workflow_is_read_and_written_or_an_error(ways in spoiling()) {
        read_workflow(&String::from_utf8_lossy(&spoilt(WORKFLOW.as_bytes(), &ways)));
    }
}

//! The manifest's schema against the reader that it describes, and against the page that explains it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;
use shardplan::config::{Config, schema};
use tempfile::TempDir;

use crate::emitted::tool;

/// A key that is near to none.
const NO_KEY: &str = "qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqq";

/// Returns the keys of every table, by its name with `x` for what users name.
fn tables() -> BTreeMap<String, BTreeSet<String>> {
    let schema = serde_json::to_value(schema()).unwrap();
    let mut tables = BTreeMap::new();
    let mut open = vec![(String::new(), schema.clone())];
    while let Some((title, node)) = open.pop() {
        let Some(properties) = node["properties"].as_object() else { continue };
        assert_eq!(node["additionalProperties"], Value::Bool(false), "[{title}] takes any key");
        tables.insert(title.clone(), properties.keys().cloned().collect());
        for (key, value) in properties {
            let below = if title.is_empty() { key.clone() } else { format!("{title}.{key}") };
            let values = &value["additionalProperties"];
            open.push((format!("{below}.x"), resolved(&schema, values)));
            open.push((below, resolved(&schema, value)));
        }
    }
    tables
}

/// Returns what a part of the schema says, its reference followed.
fn resolved(schema: &Value, node: &Value) -> Value {
    let node = node["anyOf"].as_array().map_or(node, |choices| &choices[0]);
    let Some(reference) = node["$ref"].as_str() else { return node.clone() };
    schema.pointer(reference.trim_start_matches('#')).unwrap().clone()
}

#[test]
fn the_schema_has_the_keys_of_the_reader() {
    let tables = tables();
    assert!(tables.contains_key("services.x.evidence") && tables.contains_key("lanes.x.today"));
    for (title, keys) in tables {
        let header = if title.is_empty() { String::new() } else { format!("[{title}]\n") };
        let error = Config::parse(&format!("{header}{NO_KEY} = 1\n"), "shardplan.toml").unwrap_err();
        let told = error.problems.iter().find(|problem| problem.message.contains(NO_KEY));
        let hint =
            told.and_then(|problem| problem.hint.clone()).unwrap_or_else(|| panic!("[{title}]: {error}"));
        let read: BTreeSet<String> =
            hint.trim_start_matches("the keys here are: ").split(", ").map(str::to_owned).collect();
        assert_eq!(keys, read, "[{title}] of src/config/schema.rs against the reader");
    }
}

/// Returns the keys of every table that docs/manifest.md explains.
fn documented() -> BTreeMap<String, BTreeSet<String>> {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/manifest.md");
    let mut tables: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut title = None;
    for line in fs::read_to_string(page).unwrap().lines() {
        if let Some(heading) = line.strip_prefix("## ") {
            let name = heading.strip_prefix("`[").and_then(|rest| rest.strip_suffix("]`"));
            title = name.map(|name| name.replace("NAME", "x"));
        }
        let (Some(title), Some(cells)) = (&title, line.strip_prefix("| `")) else { continue };
        let first = cells.split(" | ").next().unwrap_or_default();
        let keys = first.split(['`', ',', ' ']).filter(|word| !word.is_empty()).map(str::to_owned);
        tables.entry(title.clone()).or_default().extend(keys);
    }
    tables
}

#[test]
fn the_page_of_the_manifest_explains_every_key() {
    // What is a table of its own has a heading of its own, and the columns are those of formats.md.
    let mut known = tables();
    known.remove("");
    known.remove("ingest.columns");
    let names: BTreeSet<String> = known.keys().cloned().collect();
    for (title, keys) in &mut known {
        keys.retain(|key| {
            let below = format!("{title}.{key}");
            !names.contains(&below) && !names.contains(&format!("{below}.x")) || title == "lanes.x"
        });
    }
    known.remove("lanes.x.today");
    assert_eq!(known, documented(), "src/config/schema.rs against docs/manifest.md");
}

/// Manifests that are right.
const RIGHT: &[&str] = &[
    "",
    "[project]\ninventory = \"inventory.csv\"\nunassigned = \"ignore\"\n",
    "[history]\nhalf_life = 1\nbranch = \"main\"\n",
    "history.half_life = 2.5\n",
    "[ingest]\npaths = [\"a/{run}/*.xml\"]\ncolumns = { test = \"Name\", milliseconds = \"Duration\" }\n",
    "[services.my-db_2]\n",
    "[services.db]\nimage = \"postgres:17\"\ncontainers = 0\npull = \"1m30s\"\nready = \"250ms\"\nattach = \"0s\"\n",
    "[services.db]\npull = \"1.5s\"\nready = \"2h 5min\"\n",
    "[services.db]\nprovision = \"never\"\nneeds = []\naddresses = [\":5432\"]\nmarkers = [\"db\"]\n",
    "[services.db.evidence]\nports = [5432]\nschemes = [\"pg\"]\n",
    "[lanes.unit]\nworkers = \"auto\"\ncpus = 8\nefficiency = 0.5\ndist = \"file\"\nunit = \"auto\"\n",
    "[lanes.unit]\nworkers = 4\nmarkers = \"not slow\"\npaths = [\"tests\"]\nexclude = [\"tests/e2e\"]\n",
    "[lanes.unit]\nmax_shards = 3\nneeds = []\ntime_scale = 0.75\njob = \"Unit tests\"\nbase = \"30s\"\n",
    "[lanes.unit.today]\nservices = []\nshards = 2\n",
    "[groups.g]\nrule = \"together\"\nmembers = [\"tests/a.py\"]\n",
    "[workflow]\nfile = \".github/workflows/ci.yml\"\ngate = \"coverage\"\n[workflow.jobs.\"lint (3.12)\"]\nwall = \"3m\"\n",
    "[budget]\ncontainers = 0\nshards = 1\nminutes = 60\n",
    "[audit]\nselect = [\"SP2\"]\nignore = []\nserial = []\nbaseline = \"b.json\"\n[audit.per-file-ignores]\n\"tests/*\" = [\"SP101\"]\n",
];

/// Manifests that are wrong, each in a way of its own.
const WRONG: &[&str] = &[
    "inventory = \"a.csv\"\n",
    "[project]\nunassigned = \"skip\"\n",
    "[history]\nhalf_life = 0.5\n",
    "[history]\nhalf_life = \"long\"\n",
    "[ingest]\npaths = \"a\"\n",
    "[ingest]\ncolumns = { tset = \"Name\" }\n",
    "services = [\"db\"]\n",
    "[services.\"my db\"]\n",
    "[lanes.-x]\n",
    "[groups.\"\"]\nrule = \"apart\"\n",
    "[services.db]\ncontainers = -1\n",
    "[services.db]\npull = 5\n",
    "[services.db]\npull = \"5\"\n",
    "[services.db]\npull = \"soon\"\n",
    "[services.db]\npull = \"\"\n",
    "[services.db]\nmarkers = \"db\"\n",
    "[services.db]\nmarkers = [1]\n",
    "[services.db]\nprovision = \"sometimes\"\n",
    "[services.db.evidence]\nports = [70000]\n",
    "[lanes.unit]\nworkers = 0\n",
    "[lanes.unit]\nworkers = 1025\n",
    "[lanes.unit]\nworkers = \"many\"\n",
    "[lanes.unit]\nworkers = 4\nefficiency = 1.5\n",
    "[lanes.unit]\ndist = \"load\"\n",
    "[lanes.unit]\nunit = \"module\"\n",
    "[lanes.unit]\ntime_scale = 0\n",
    "[lanes.unit]\nmax_shards = 0\n",
    "[lanes.unit]\ntoday = { shards = 2 }\n",
    "[lanes.unit]\ntoday = { services = [], shards = 0 }\n",
    "[groups.g]\nmembers = []\n",
    "[groups.g]\nrule = \"near\"\n",
    "[workflow.jobs.lint]\nneeds = []\n",
    "[workflow.jobs.lint]\nwall = 60\n",
    "[budget]\nshards = 0\n",
    "[budget]\ncontainers = 1.5\n",
    "[budget]\nminutes = 100001\n",
    "[audit]\nper-file-ignores = [\"SP101\"]\n",
];

#[test]
fn the_schema_and_the_reader_agree_on_what_is_right() {
    let folder = TempDir::new().unwrap();
    let mut manifests: Vec<(String, String, bool)> = Vec::new();
    for (kind, texts, right) in [("right", RIGHT, true), ("wrong", WRONG, false)] {
        for (at, text) in texts.iter().enumerate() {
            manifests.push((format!("{kind}-{at}.toml"), (*text).to_owned(), right));
        }
    }
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("data/relyloop/shardplan.toml");
    manifests.push(("example.toml".to_owned(), fs::read_to_string(example).unwrap(), true));
    for (name, text, right) in &manifests {
        let read = Config::parse(text, name);
        assert_eq!(read.is_ok(), *right, "the reader on {name}:\n{text}\n{read:?}");
        fs::write(folder.path().join(name), text).unwrap();
    }

    let Some(checker) = tool("check-jsonschema") else { return };
    fs::write(folder.path().join("schema.json"), serde_json::to_string(&schema()).unwrap()).unwrap();
    let output = Command::new(checker)
        .args(["--schemafile", "schema.json", "--output-format", "json"])
        .args(manifests.iter().map(|(name, _, _)| name))
        .current_dir(folder.path())
        .output()
        .unwrap();
    let said: Value = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&output.stderr)));
    assert_eq!(said["parse_errors"], Value::Array(Vec::new()), "{said:#}");
    let refused: BTreeSet<&str> =
        said["errors"].as_array().unwrap().iter().map(|error| error["filename"].as_str().unwrap()).collect();
    let wrong: BTreeSet<&str> =
        manifests.iter().filter(|(_, _, right)| !right).map(|(name, _, _)| name.as_str()).collect();
    assert_eq!(refused, wrong, "what the schema refuses: {:#}", said["errors"]);
}

#[test]
fn the_program_prints_the_committed_schema() {
    let said = super::Project::empty().shardplan("schema manifest");
    assert_eq!(said.code, 0, "{said}");
    let committed = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/schemas/manifest-v1.json");
    assert!(
        said.stdout == fs::read_to_string(committed).unwrap(),
        "tests/integration/schemas.rs says how to renew it"
    );
}

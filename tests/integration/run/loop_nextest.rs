//! The whole way of a Rust project through nextest: listed, run, planned, run shard by shard, verified.

use std::fs;
use std::process::{Command, Output};

use super::Workshop;

fn nextest(workshop: &Workshop, args: &[&str]) -> Output {
    Command::new("cargo")
        .args(["nextest"])
        .args(args)
        .current_dir(workshop.folder.path())
        .env_remove("CARGO_TARGET_DIR")
        .output()
        .unwrap()
}

#[test]
fn a_rust_project_goes_the_whole_way() {
    // It has no package that a system installs, and takes longer to build than all tests of this project.
    let found = Command::new("cargo").args(["nextest", "--version"]).output();
    if !found.is_ok_and(|output| output.status.success()) {
        #[expect(clippy::print_stderr, reason = "a skipped test says so by name")]
        {
            eprintln!("skipped a_rust_project_goes_the_whole_way: cargo-nextest is not installed");
        }
        return;
    }
    let workshop = Workshop::new("python3".into());
    workshop.write(
        "Cargo.toml",
        "[package]\nname = \"sample\"\nversion = \"0.1.0\"\nedition = \"2021\"\n[workspace]\n",
    );
    let tests = |names: &[&str]| {
        names.iter().fold(String::new(), |text, name| format!("{text}#[test] fn {name}() {{}}\n"))
    };
    workshop.write(
        "src/lib.rs",
        format!("#[cfg(test)] mod tests {{ {} #[test] #[ignore] fn left() {{}} }}", tests(&["one", "two"])),
    );
    workshop
        .write("tests/slow.rs", format!("mod deep {{ {} }}\n{}", tests(&["a", "b"]), tests(&["c", "one"])));
    workshop.write("tests/quick.rs", tests(&["one"]));
    workshop.write(".config/nextest.toml", "[profile.default.junit]\npath = \"junit.xml\"\n");
    workshop.write(
        "shardplan.toml",
        "[project]\ninventory = \"list.json\"\n[lanes.all]\nunit = \"auto\"\nbase = \"1s\"\ntail = \"0s\"\n",
    );

    let listed = nextest(&workshop, &["list", "--message-format", "json"]);
    assert!(listed.status.success(), "{}", String::from_utf8_lossy(&listed.stderr));
    workshop.write("list.json", &listed.stdout);
    assert!(nextest(&workshop, &["run"]).status.success());
    workshop.shardplan_ends(0, "ingest target/nextest/default/junit.xml --lane all");
    workshop.shardplan_ends(0, "suggest --budget 0 --max-shards 3 --write");
    let lock: toml::Value = toml::from_str(&workshop.read("shardplan.lock")).unwrap();
    let shards = lock["shard"].as_array().unwrap();
    assert!(shards.len() > 1, "{lock}");

    // A test that nobody planned.
    workshop.write("tests/new.rs", tests(&["fresh"]));
    let listed = nextest(&workshop, &["list", "--message-format", "json"]);
    workshop.write("list.json", &listed.stdout);
    for shard in shards {
        let name = shard["name"].as_str().unwrap();
        let filter = workshop
            .shardplan_ends(0, &format!("select --shard {name} --format nextest --against list.json"));
        let ran = nextest(&workshop, &["run", "--no-tests=pass", "-E", filter.trim_end()]);
        assert!(ran.status.success(), "{filter}{}", String::from_utf8_lossy(&ran.stderr));
        fs::create_dir_all(workshop.path("results")).unwrap();
        fs::rename(
            workshop.path("target/nextest/default/junit.xml"),
            workshop.path(format!("results/{name}.xml")),
        )
        .unwrap();
    }
    assert_eq!(workshop.findings("results --inventory list.json --ingest"), [""; 0]);
    fs::remove_file(workshop.path(format!("results/{}.xml", shards[0]["name"].as_str().unwrap()))).unwrap();
    assert_eq!(workshop.findings("results --inventory list.json"), ["shard-missing"]);
}

//! Completions, as the shells themselves judge them, and what a report of a fault should say.

use std::process::Command;

use insta::assert_snapshot;

use super::Project;

const SHELLS: [&str; 5] = ["bash", "elvish", "fish", "powershell", "zsh"];

#[test]
fn every_shell_gets_a_script_that_knows_every_command() {
    for shell in SHELLS {
        let said = Project::empty().shardplan(&format!("completions {shell}"));
        assert_eq!((said.code, said.stderr.as_str()), (0, ""), "{said}");
        for command in ["init", "ingest", "suggest", "tradeoff", "verify", "completions"] {
            assert!(said.stdout.contains(command), "{shell}: {command}");
        }
    }
}

#[test]
fn bash_completes_commands_and_the_values_of_options() {
    let script = Project::empty().shardplan("completions bash").stdout;
    let completed = |words: &[&str]| {
        let last = words.len() - 1;
        let ask = format!(
            "{script}\nCOMP_WORDS=({}); COMP_CWORD={last}; _shardplan shardplan \"${{COMP_WORDS[{last}]}}\" \
             \"${{COMP_WORDS[{}]}}\"; echo \"${{COMPREPLY[@]}}\"",
            words.join(" "),
            last - 1,
        );
        let output = Command::new("bash").args(["--norc", "-c", &ask]).output().unwrap();
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    };
    assert_eq!(completed(&["shardplan", "sugg"]), "suggest");
    assert_eq!(completed(&["shardplan", "suggest", "--format", "j"]), "json");
    assert_eq!(completed(&["shardplan", "emit", "--sty"]), "--style");
}

#[test]
fn a_shell_that_is_unknown_is_a_fault_of_usage() {
    let said = Project::empty().shardplan("completions tcsh");
    assert_eq!(said.code, 2, "{said}");
    assert!(said.stderr.contains("[possible values: bash, elvish, fish, powershell, zsh]"), "{said}");
}

#[test]
fn the_long_version_says_what_a_report_of_a_fault_needs() {
    let short = Project::empty().shardplan("-V").stdout;
    assert_eq!(short, format!("shardplan {}\n", env!("CARGO_PKG_VERSION")));
    let long = Project::empty().shardplan("--version").stdout.replace(short.trim(), "shardplan [VERSION]");
    let long = long.replace(std::env::consts::ARCH, "[ARCH]").replace("release", "debug");
    assert_snapshot!(long, @"
    shardplan [VERSION]
    platform: linux [ARCH]
    build: debug
    ");
}

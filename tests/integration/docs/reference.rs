//! Pages that the code writes: commands, exit codes, the catalogue of services. `UPDATE_DOCS=1` writes them anew.

use std::fmt::Write as _;
use std::fs;

use clap::{Arg, Command, CommandFactory as _};
use shardplan::cli::args::Cli;

use super::root;

/// Compares a page with what the code says; with `UPDATE_DOCS=1` writes it anew.
fn is_committed(name: &str, text: &str) {
    let path = root().join("docs").join(name);
    #[expect(clippy::disallowed_methods, reason = "a test may be asked to write its expectation")]
    if std::env::var_os("UPDATE_DOCS").is_some() {
        fs::write(&path, text).unwrap();
    }
    let committed = fs::read_to_string(&path).unwrap_or_default();
    assert!(committed == text, "docs/{name} is out of date: run the tests with UPDATE_DOCS=1");
}

#[test]
fn the_page_of_commands_is_that_of_the_code() {
    let mut text =
        "# Commands\n\nWritten by a test from the program's own declarations; `shardplan COMMAND --help` \
                    shows the same.\n"
            .to_owned();
    let mut program = Cli::command();
    program.build();
    text.push_str("\n## Options of every command\n\n| | |\n|---|---|\n");
    for argument in program.get_arguments().filter(|argument| argument.is_global_set()) {
        row(&mut text, argument);
    }
    for command in program.get_subcommands().filter(|command| command.get_name() != "help") {
        section(&mut text, "shardplan", command, 2);
    }
    text.push_str(&exit_codes());
    is_committed("commands.md", &text);
}

fn section(text: &mut String, above: &str, command: &Command, level: usize) {
    let name = format!("{above} {}", command.get_name());
    let about = command.get_about().map(ToString::to_string).unwrap_or_default();
    write!(text, "\n{} `{name}`\n\n{about}.\n", "#".repeat(level)).unwrap();
    let mut arguments = command
        .get_arguments()
        .filter(|argument| {
            !argument.is_hide_set() && !matches!(argument.get_id().as_str(), "help" | "version")
        })
        // What all commands take stands above, and what all views take stands with the first of them.
        .filter(|argument| !argument.is_global_set() || (level == 2 && !is_everywhere(argument)))
        .peekable();
    if arguments.peek().is_some() {
        text.push_str("\n| | |\n|---|---|\n");
    }
    for argument in arguments {
        row(text, argument);
    }
    for below in command.get_subcommands().filter(|below| below.get_name() != "help") {
        section(text, &name, below, level + 1);
    }
}

fn is_everywhere(argument: &Arg) -> bool {
    Cli::command().get_arguments().any(|global| global.get_id() == argument.get_id())
}

fn row(text: &mut String, argument: &Arg) {
    let takes = argument.get_action().takes_values();
    let mut called: Vec<String> = Vec::new();
    called.extend(argument.get_short().map(|short| format!("-{short}")));
    called.extend(argument.get_long().map(|long| format!("--{long}")));
    let mut called = called.join(", ");
    if takes {
        for name in argument.get_value_names().unwrap_or_default() {
            write!(called, " {name}").unwrap();
        }
    }
    let help = argument.get_help().map(ToString::to_string).unwrap_or_default();
    write!(text, "| `{}` | {}", called.trim(), help.replace('|', "\\|").replace('\n', " ")).unwrap();
    let choices: Vec<String> = argument
        .get_possible_values()
        .iter()
        .filter(|_| takes)
        .map(|choice| format!("`{}`", choice.get_name()))
        .collect();
    if !choices.is_empty() {
        write!(text, ": {}", choices.join(", ")).unwrap();
    }
    if let Some(default) = argument.get_default_values().first().filter(|_| takes) {
        write!(text, " (default `{}`)", default.to_string_lossy()).unwrap();
    }
    text.push_str(" |\n");
}

/// Returns the exit codes as their own file explains them.
fn exit_codes() -> String {
    let source = fs::read_to_string(root().join("src/cli/exit_status.rs")).unwrap();
    let mut text = "\n## Exit codes\n\nA number never changes its meaning.\n\n| | |\n|---|---|\n".to_owned();
    let mut codes = Vec::new();
    for line in source.lines().filter_map(|line| line.trim().strip_prefix("/// ")) {
        let Some((code, meaning)) = line.split_once(": ") else { continue };
        if code.parse::<u8>().is_ok() {
            codes.push(code.to_owned());
            writeln!(text, "| {code} | {meaning} |").unwrap();
        }
    }
    assert_eq!(codes, ["0", "1", "2", "3", "4", "5", "101"], "src/cli/exit_status.rs explains its codes");
    text
}

#[test]
fn the_page_of_services_is_that_of_the_catalogue() {
    let catalogue: toml::Value =
        toml::from_str(&fs::read_to_string(root().join("models/services.toml")).unwrap()).unwrap();
    let mut text = "# Usual services\n\nWritten by a test from the catalogue that the program holds \
                    (`models/services.toml`). A service of the manifest is found by its name or its image. *Pull* is \
                    the download, *ready* the time to a passing health check, *attach* what the first test on it pays. \
                    What the manifest says comes first, and measured jobs scale the rest. *Memory* is what it \
                    takes of the runner's; the catalogue names the source of each figure, and what has none is not \
                    counted.\n\n\
                    | service | also called | pull | ready | attach | memory |\n|---|---|--:|--:|--:|--:|\n"
        .to_owned();
    for service in catalogue["service"].as_array().unwrap() {
        let names: Vec<&str> =
            service["names"].as_array().unwrap().iter().map(|name| name.as_str().unwrap()).collect();
        let time = |key: &str| service[key].as_str().unwrap().to_owned();
        writeln!(
            text,
            "| {} | {} | {} | {} | {} | {} |",
            names[0],
            names[1..].join(", "),
            time("pull"),
            time("ready"),
            time("attach"),
            service.get("memory").and_then(|memory| memory["figure"].as_str()).unwrap_or_default()
        )
        .unwrap();
    }
    is_committed("services.md", &text);
}

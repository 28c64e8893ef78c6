//! Manual pages.

use std::collections::BTreeSet;
use std::fs;

use clap::CommandFactory as _;
use shardplan::cli::args::Cli;

use super::Project;

#[test]
fn every_command_has_a_page_that_names_its_options() {
    let project = Project::empty();
    let said = project.shardplan("man pages/man1");
    assert_eq!(said.code, 0, "{said}");
    let mut command = Cli::command();
    command.build();
    let mut open = vec![("shardplan".to_owned(), command)];
    let mut expected = BTreeSet::new();
    while let Some((name, command)) = open.pop() {
        let page = fs::read_to_string(project.path(format!("pages/man1/{name}.1")))
            .unwrap_or_else(|error| panic!("{name}: {error}"));
        assert!(page.contains(".TH "), "{name} is a manual page");
        for option in command.get_opts().filter_map(clap::Arg::get_long) {
            let escaped = format!("\\-\\-{}", option.replace('-', "\\-"));
            assert!(page.contains(&escaped), "{name} lacks --{option}");
        }
        expected.insert(format!("{name}.1"));
        open.extend(
            command
                .get_subcommands()
                .filter(|below| below.get_name() != "help")
                .map(|below| (format!("{name}-{}", below.get_name()), below.clone())),
        );
    }
    let written: BTreeSet<String> = fs::read_dir(project.path("pages/man1"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| !name.contains("-help"))
        .collect();
    assert_eq!(written, expected);
}

#[test]
fn a_folder_that_can_not_be_made_is_named() {
    let project = Project::empty();
    project.write("pages", "a file");
    let said = project.shardplan("man pages");
    assert_eq!(said.code, 3, "{said}");
    assert!(said.stderr.contains("could not write the pages into `pages`"), "{said}");
}

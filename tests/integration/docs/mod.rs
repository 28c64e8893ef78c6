//! The guide: every command in it is run and what it shows is what comes out, its reference is that of the code, its
//! links lead somewhere.

mod links;
mod page;
mod reference;
mod session;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use page::{Page, Step};
use session::Session;

/// Programs whose calls are commands that a reader would type.
const PROGRAMS: &[&str] = &["shardplan", "pytest", "cargo", "pip", "gh", "duckdb", "git", "$"];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Returns the pages of the guide and those beside it, relative to the project and sorted.
fn pages() -> Vec<PathBuf> {
    let mut pages = vec![PathBuf::from("README.md"), PathBuf::from("CONTRIBUTING.md")];
    pages.extend([PathBuf::from("data/relyloop/README.md"), PathBuf::from("notebooks/README.md")]);
    let mut folders = vec![root().join("docs")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "md") {
                pages.push(path.strip_prefix(root()).unwrap().to_owned());
            }
        }
    }
    pages.sort();
    pages
}

fn read(path: &Path) -> Page {
    let text =
        fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    Page::parse(&text).unwrap_or_else(|fault| panic!("{}:{fault}", path.display()))
}

#[test]
fn every_command_of_the_guide_shows_what_the_guide_says() {
    let faults: Vec<String> = std::thread::scope(|scope| {
        let running: Vec<_> = pages().into_iter().map(|path| scope.spawn(move || run(&path))).collect();
        running.into_iter().flat_map(|page| page.join().unwrap()).collect()
    });
    assert!(faults.is_empty(), "{}", faults.join("\n\n"));
}

/// Runs a page from top to bottom, and returns what it says that is not so.
fn run(path: &Path) -> Vec<String> {
    let mut session = Session::new();
    let mut faults = Vec::new();
    for step in read(path).steps {
        let told = match &step {
            Step::Begin { place } => {
                session = Session::new();
                session.enter(place)
            }
            Step::Write { name, text } => session.write(name, text),
            Step::Run { with, commands, .. } => {
                if with.iter().any(|what| !session.has(what)) {
                    // What follows may need what this would have made.
                    return faults;
                }
                session.run(commands)
            }
        };
        if let Err(fault) = told {
            let line = if let Step::Run { line, .. } = step { line } else { 0 };
            faults.push(format!("{}:{line}: {fault}", path.display()));
        }
    }
    faults
}

#[test]
fn no_command_hides_from_the_runner() {
    let mut faults = Vec::new();
    for path in pages() {
        for (line, text) in read(&path).indented {
            let program = text.split_whitespace().next().unwrap_or_default();
            if PROGRAMS.contains(&program) {
                faults.push(format!(
                    "{}:{line}: write `{text}` into a block ```sh or ```console",
                    path.display()
                ));
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn what_is_not_run_has_a_reason_and_is_little() {
    let (mut run, mut left) = (0, Vec::new());
    for path in pages() {
        let page = read(&path);
        run += page.steps.iter().filter(|step| matches!(step, Step::Run { .. })).count();
        left.extend(page.not_run.into_iter().map(|reason| format!("{}: {reason}", path.display())));
    }
    assert!(left.iter().all(|reason| reason.len() > 12), "{left:#?}");
    assert!(run > 2 * left.len(), "{run} blocks are run, {} are not: {left:#?}", left.len());
}

#[test]
fn the_book_has_every_page_once() {
    let summary = fs::read_to_string(root().join("docs/SUMMARY.md")).unwrap();
    let listed: Vec<&str> = summary.split("](").skip(1).filter_map(|rest| rest.split(')').next()).collect();
    let unique: BTreeSet<&str> = listed.iter().copied().collect();
    assert_eq!(unique.len(), listed.len(), "a page stands twice in docs/SUMMARY.md");
    let there: BTreeSet<String> = pages()
        .iter()
        .filter_map(|page| Some(page.strip_prefix("docs").ok()?.to_str()?.to_owned()))
        .filter(|page| page != "SUMMARY.md")
        .collect();
    assert_eq!(unique.into_iter().map(str::to_owned).collect::<BTreeSet<_>>(), there, "docs/SUMMARY.md");
}

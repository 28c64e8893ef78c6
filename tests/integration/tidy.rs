//! What the compiler does not check about the sources: their order, their size, and that none is forgotten.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// The longest a source file may be, in lines.
const MOST_LINES: usize = 800;

/// The rooms of the house and what each may import, itself aside.
const ROOMS: &[(&str, &[&str])] = &[
    ("ids", &[]),
    ("time", &[]),
    ("config", &["ids", "time"]),
    ("ingest", &["ids", "time"]),
    ("history", &["ids", "time", "config", "ingest"]),
    ("inventory", &["ids", "time", "config", "ingest", "history"]),
    ("estimate", &["ids", "time", "config", "ingest", "history", "inventory"]),
    ("workflow", &["ids", "time", "config", "ingest", "history", "inventory"]),
    ("model", &["ids", "time", "config", "history", "inventory", "estimate", "workflow"]),
    ("solve", &["ids", "time", "config", "model"]),
    ("plan", &["ids", "time", "config", "history", "inventory", "estimate", "workflow", "model", "solve"]),
    (
        "report",
        &["ids", "time", "config", "history", "inventory", "estimate", "workflow", "model", "solve", "plan"],
    ),
];

/// These may import everything but the command line.
const LAST_ROOMS: &[&str] = &["audit", "emit"];

/// The file that says how the sources are laid out.
const MAP: &str = "ARCHITECTURE.md";

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Returns every Rust file below a folder of the project, relative to the project.
fn rust_files(folder: &str) -> BTreeSet<PathBuf> {
    let mut files = BTreeSet::new();
    let mut folders = vec![root().join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).into_iter().flatten() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                files.insert(path.strip_prefix(root()).unwrap().to_owned());
            }
        }
    }
    files
}

fn text_of(file: &Path) -> String {
    fs::read_to_string(root().join(file)).unwrap()
}

/// Returns the room that a file of `src` belongs to, or nothing for those that hold the house together.
fn room_of(file: &Path) -> Option<String> {
    let first = file.strip_prefix("src").unwrap().iter().next()?.to_str()?;
    let name = first.strip_suffix(".rs").unwrap_or(first);
    (!matches!(name, "lib" | "main" | "bin" | "cli")).then(|| name.to_owned())
}

/// Returns the rooms that a text reaches into, with the number of the line; comments and tests aside.
fn imports(text: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    for (at, line) in text.lines().enumerate() {
        if line.starts_with("#[cfg(test)]") {
            break;
        }
        let code = line.split("//").next().unwrap_or_default();
        for part in code.split("crate::").skip(1) {
            let names = part.strip_prefix('{').map_or(vec![part], |list| list.split(',').collect());
            for name in names {
                let end = name.trim().find(|c: char| !c.is_alphanumeric() && c != '_');
                found.push((at + 1, name.trim()[..end.unwrap_or(name.trim().len())].to_owned()));
            }
        }
    }
    found
}

#[test]
fn data_moves_down_the_house_and_never_up() {
    let mut faults = Vec::new();
    for file in rust_files("src") {
        let Some(room) = room_of(&file) else { continue };
        let allowed = ROOMS.iter().find(|(name, _)| *name == room).map(|(_, allowed)| *allowed);
        assert!(
            allowed.is_some() || LAST_ROOMS.contains(&room.as_str()),
            "`src/{room}` has no place in ROOMS"
        );
        for (line, import) in imports(&text_of(&file)) {
            let fine = match allowed {
                _ if import == room => true,
                Some(allowed) => allowed.contains(&import.as_str()),
                None => import != "cli",
            };
            if !fine {
                faults.push(format!("{}:{line}: `{room}` imports `{import}`", file.display()));
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn imports_are_found_wherever_they_stand() {
    let text = "use crate::ids::Ix;\n// crate::cli\nlet x = crate::time::f(crate::plan::g());\nuse crate::{a, b::c};\n#[cfg(test)]\nuse crate::cli;";
    let names: Vec<String> = imports(text).into_iter().map(|(line, name)| format!("{line} {name}")).collect();
    assert_eq!(names, ["1 ids", "3 time", "3 plan", "4 a", "4 b"]);
}

#[test]
fn the_map_names_only_files_that_are_there() {
    let map = fs::read_to_string(root().join(MAP)).unwrap_or_else(|error| panic!("{MAP}: {error}"));
    let mut missing = Vec::new();
    for word in map.split(|c: char| c.is_whitespace() || matches!(c, '`' | '(' | ')' | '[' | ']' | ',' | '"'))
    {
        let path = word.split('#').next().unwrap_or_default().trim_end_matches(['.', ':', ';', '/']);
        let named = path.starts_with("src/") || path.starts_with("tests/");
        if named && !path.contains(['*', '<', '{', '…']) && !root().join(path).exists() {
            missing.push(path.to_owned());
        }
    }
    assert!(missing.is_empty(), "{MAP} names files that are not there: {}", missing.join(", "));
}

#[test]
fn no_file_is_too_long_to_read() {
    let too_long: Vec<String> = [rust_files("src"), rust_files("tests")]
        .into_iter()
        .flatten()
        .map(|file| (text_of(&file).lines().count(), file))
        .filter(|(lines, _)| *lines > MOST_LINES)
        .map(|(lines, file)| format!("{}: {lines} lines", file.display()))
        .collect();
    assert!(too_long.is_empty(), "{}", too_long.join("\n"));
}

#[test]
fn no_test_file_is_forgotten() {
    for binary in ["tests/integration", "tests/properties"] {
        for file in rust_files(binary) {
            let (folder, name) = (file.parent().unwrap(), file.file_stem().unwrap().to_str().unwrap());
            let (parent, module) = match name {
                "main" => continue,
                "mod" => (folder.parent().unwrap(), folder.file_name().unwrap().to_str().unwrap()),
                _ => (folder, name),
            };
            let beside = ["main.rs", "mod.rs"].map(|name| parent.join(name));
            let parent = beside.iter().find(|path| root().join(path).exists()).unwrap();
            let declared = text_of(parent)
                .lines()
                .any(|line| line.trim_start_matches("pub ") == format!("mod {module};"));
            assert!(
                declared,
                "{} is not declared in {}: its tests never run",
                file.display(),
                parent.display()
            );
        }
    }
}

//! Links within the project lead to files that are there, and to headings that these have.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use super::{pages, root};

#[test]
fn every_link_leads_somewhere() {
    let mut faults = Vec::new();
    for page in pages() {
        let text = fs::read_to_string(root().join(&page)).unwrap();
        for target in links(&text) {
            let (file, heading) = target.split_once('#').map_or((target, None), |(file, h)| (file, Some(h)));
            let folder = page.parent().unwrap_or(Path::new(""));
            let path = if file.is_empty() { page.clone() } else { folder.join(file) };
            let there = root().join(&path);
            if !there.exists() {
                faults.push(format!("{}: there is no `{target}`", page.display()));
            } else if let Some(heading) = heading
                && !headings(&fs::read_to_string(&there).unwrap()).contains(&heading.to_owned())
            {
                faults.push(format!("{}: `{file}` has no heading `#{heading}`", page.display()));
            }
            if page.starts_with("docs") && leaves(folder, file) {
                faults
                    .push(format!("{}: `{target}` leaves the book: name it without a link", page.display()));
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// Returns the targets of a page's links within the project.
fn links(text: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut fenced = false;
    for line in text.lines() {
        fenced ^= line.trim_start().starts_with("```");
        if fenced {
            continue;
        }
        // What stands between backticks is no link.
        for part in line.split('`').step_by(2).collect::<Vec<_>>() {
            found.extend(part.split("](").skip(1).filter_map(|rest| rest.split(')').next()));
        }
    }
    found.retain(|target| !target.contains("://") && !target.starts_with("mailto:"));
    found
}

/// Returns whether a link goes out of the folder that the book is made of.
fn leaves(folder: &Path, file: &str) -> bool {
    let mut depth = folder.components().count();
    for part in PathBuf::from(file).components() {
        match part {
            std::path::Component::ParentDir => depth -= 1,
            _ => depth += 1,
        }
        if depth == 0 {
            return true;
        }
    }
    false
}

/// Returns the anchors of a page's headings, as GitHub and mdBook make them.
fn headings(text: &str) -> Vec<String> {
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    let mut found = Vec::new();
    let mut fenced = false;
    for line in text.lines() {
        fenced ^= line.trim_start().starts_with("```");
        if fenced || !line.starts_with('#') {
            continue;
        }
        let title = line.trim_start_matches('#').trim();
        let slug: String = title
            .to_lowercase()
            .chars()
            .filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'))
            .map(|c| if c == ' ' { '-' } else { c })
            .collect();
        let times = seen.entry(slug.clone()).or_default();
        found.push(if *times == 0 { slug.clone() } else { format!("{slug}-{times}") });
        *times += 1;
    }
    found
}

#[test]
fn a_link_is_found_outside_of_code_only() {
    assert_eq!(links("[a](b.md#c) `[x](y)` [d](e.md)\n```\n[f](g)\n```\n[h](https://i)"), ["b.md#c", "e.md"]);
    assert_eq!(headings("# A `b`, c!\n## A b c\n```\n# no\n```\n"), ["a-b-c", "a-b-c-1"]);
    assert!(leaves(Path::new("docs"), "../README.md") && !leaves(Path::new("docs/how-to"), "../emit.md"));
}

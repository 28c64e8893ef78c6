//! What the shards replace: the dimension of a matrix by which pytest-split numbered its groups.

use yaml_serde::Value;
use yamlpath::Component;

use super::super::EditError;
use super::super::editor::Editor;
use super::lane::{Shard, below};
use crate::workflow::github::WorkflowJob;

/// Takes the dimensions out of the job's matrix. What else the job did with their values (names of artifacts, of
/// files) it does with the shard.
///
/// The scripts are edited, so whoever knows places in them edits them before.
pub(super) fn replace(
    editor: &mut Editor,
    way: &[Component<'_>],
    job: &WorkflowJob,
    shard: &Shard,
) -> Result<(), EditError> {
    for dimension in job.split_dimensions() {
        // One that is called as ours has our values already.
        if shard.by_matrix && dimension == "shard" {
            continue;
        }
        rename(editor, way, &dimension, shard)?;
        remove(editor, way, &dimension)?;
    }
    Ok(())
}

/// Removes a dimension, and what holds nothing without it.
fn remove(editor: &mut Editor, way: &[Component<'_>], dimension: &str) -> Result<(), EditError> {
    let is_alone = |editor: &Editor, way: &[Component<'_>], key: &str| {
        editor.get(way).and_then(Value::as_mapping).is_some_and(|map| map.len() == 1 && map.contains_key(key))
    };
    let matrix = below(way, &["strategy", "matrix"]);
    if !is_alone(editor, &matrix, dimension) {
        return editor.remove(&matrix, dimension);
    }
    // What else stands in `strategy` is about the matrix.
    editor.remove(way, "strategy")
}

/// Puts the shard wherever an expression of the job asks for the dimension.
fn rename(
    editor: &mut Editor,
    way: &[Component<'_>],
    dimension: &str,
    shard: &Shard,
) -> Result<(), EditError> {
    let asked = format!("matrix.{dimension}");
    let mut places = Vec::new();
    if let Some(job) = editor.get(way) {
        find(job, &mut way.to_vec(), &asked, &mut places);
    }
    for place in places {
        if !shard.by_matrix {
            // The name itself where the expression asks for nothing else.
            for whole in [format!("${{{{ {asked} }}}}"), format!("${{{{{asked}}}}}")] {
                while editor.get(&place).and_then(Value::as_str).is_some_and(|text| text.contains(&whole)) {
                    editor.replace_within(&place, &whole, &shard.name, 0)?;
                }
            }
        }
        let instead = if shard.by_matrix { "matrix.shard".to_owned() } else { format!("'{}'", shard.name) };
        let Some(text) = editor.get(&place).and_then(Value::as_str).map(str::to_owned) else { continue };
        // From the last to the first, so that the numbers of those before stay theirs.
        let found = text
            .match_indices(&asked)
            .enumerate()
            .filter(|(_, (at, _))| is_word(&text, *at, at + asked.len()));
        let mut found: Vec<(usize, usize)> = found.map(|(nth, (at, _))| (nth, at)).collect();
        found.reverse();
        match place.split_last() {
            // A quote can't be put into a plain scalar as it is: `if: matrix.part == 1`.
            Some((Component::Key(key), above))
                if !shard.by_matrix && !text.contains('\n') && !found.is_empty() =>
            {
                let mut text = text.clone();
                for (_, at) in found {
                    text.replace_range(at..at + asked.len(), &instead);
                }
                editor.set(above, key, text.into(), &[])?;
            }
            _ => {
                for (nth, _) in found {
                    editor.replace_within(&place, &asked, &instead, nth)?;
                }
            }
        }
    }
    Ok(())
}

/// Collects the places of the texts that hold a name, but for those of the matrix itself.
fn find<'w>(value: &Value, way: &mut Vec<Component<'w>>, name: &str, places: &mut Vec<Vec<Component<'w>>>) {
    match value {
        Value::String(text) if text.contains(name) => places.push(way.clone()),
        Value::Sequence(items) => {
            for (at, item) in items.iter().enumerate() {
                way.push(at.into());
                find(item, way, name, places);
                way.pop();
            }
        }
        Value::Mapping(entries) => {
            for (key, entry) in entries {
                let Some(key) = key.as_str().filter(|key| *key != "strategy") else { continue };
                way.push(key.to_owned().into());
                find(entry, way, name, places);
                way.pop();
            }
        }
        _ => {}
    }
}

/// Returns whether a part of a text is no part of a longer name.
fn is_word(text: &str, start: usize, end: usize) -> bool {
    let of_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    !text[..start].ends_with(of_name) && !text[end..].starts_with(of_name)
}

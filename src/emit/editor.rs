//! Edits of a YAML file that keep every byte they do not own, comments included.
//!
//! Every edit is made twice: on the text, at the place that `yamlpath` finds, and on the parsed value. At the end
//! the text is parsed again and must say exactly what the value says; if it does not (anchors, tags, a layout
//! that is not understood), nothing is written. (`yamlpatch` makes some of these edits too, but flattens nested
//! mappings and knows no insertion into a sequence.)

use yaml_serde::{Mapping, Value};
use yamlpath::{Component, Document, FeatureKind, Route};

/// An edit that could not be made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EditError {
    /// There is nothing at that place.
    #[error("nothing is found at `{0}`")]
    NoPlace(String),
    /// The text after the edits does not say what was meant.
    #[error(
        "the edited file would not say what was meant: its layout (anchors, tags or flow style) is not understood"
    )]
    Misunderstood,
}

/// A file that is edited.
#[derive(Clone, Debug)]
pub(super) struct Editor {
    text: String,
    value: Value,
}

impl Editor {
    pub(super) fn new(text: &str) -> Result<Self, EditError> {
        let value = yaml_serde::from_str(text).map_err(|_| EditError::Misunderstood)?;
        let mut text = text.to_owned();
        if !text.ends_with('\n') {
            text.push('\n');
        }
        Ok(Self { text, value })
    }

    /// Returns the text, once it is sure to say what was meant.
    pub(super) fn finish(self) -> Result<String, EditError> {
        match yaml_serde::from_str::<Value>(&self.text) {
            Ok(value) if value == self.value => Ok(self.text),
            _ => Err(EditError::Misunderstood),
        }
    }

    /// Returns the value at a place.
    pub(super) fn get(&self, way: &[Component<'_>]) -> Option<&Value> {
        way.iter().try_fold(&self.value, |value, component| match component {
            Component::Key(key) => value.get(key.as_ref()),
            Component::Index(at) => value.get(*at),
        })
    }

    /// Sets a key of the mapping at a place, behind the key `after` where it is new and that one is there, else
    /// at the mapping's end. A mapping that is not there yet is made. Nothing changes where it says so already.
    pub(super) fn set(
        &mut self,
        way: &[Component<'_>],
        key: &str,
        value: Value,
        after: &[&str],
    ) -> Result<(), EditError> {
        let mut whole = way.to_vec();
        whole.push(key.to_owned().into());
        if self.get(&whole) == Some(&value) {
            return Ok(());
        }
        let Some(Value::Mapping(mapping)) = self.get(way) else {
            let (Some(Component::Key(last)), true) = (way.last(), self.get(way).is_none_or(Value::is_null))
            else {
                return Err(no_place(way));
            };
            let mut made = Mapping::new();
            made.insert(key.into(), value);
            let last = last.to_string();
            return self.set(&way[..way.len() - 1], &last, Value::Mapping(made), after);
        };
        let mut changed = mapping.clone();
        let is_new = !changed.contains_key(key);
        changed.insert(key.into(), value.clone());
        let document = self.document()?;
        let mapping_place = place(&document, way)?;
        if mapping_place.kind() != FeatureKind::BlockMapping {
            // A mapping in braces is written anew as a block.
            let Some((Component::Key(last), above)) = way.split_last() else { return Err(no_place(way)) };
            let last = last.to_string();
            return self.set(above, &last, Value::Mapping(changed), after);
        }
        let indent = column(&self.text, mapping_place.location.byte_span.0);
        let entry = entry(&scalar(&Value::from(key), 0), &value, indent);
        if is_new {
            if after == ["\0first"] {
                let start = line_start(&self.text, mapping_place.location.byte_span.0);
                self.text.insert_str(start, &format!("{}{entry}\n", " ".repeat(indent)));
                if let Some(found) = self.get_mut(way) {
                    *found = Value::Mapping(changed);
                }
                return Ok(());
            }
            let known = after.iter().copied().find(|known| mapping.contains_key(known) && *known != key);
            let end = match known {
                Some(known) => {
                    let mut sibling = way.to_vec();
                    sibling.push(known.to_owned().into());
                    let feature = document
                        .query_pretty(&Route::from(sibling.clone()))
                        .map_err(|_| no_place(&sibling))?;
                    end_of(&document, feature.location.byte_span.1)
                }
                None => end_of(&document, mapping_place.location.byte_span.1),
            };
            let end = line_end(&self.text, end);
            self.text.insert_str(end, &format!("{}{entry}\n", " ".repeat(indent)));
        } else {
            let route = Route::from(whole.clone());
            let key_place = document.query_key_only(&route).map_err(|_| no_place(&whole))?;
            let feature = document.query_pretty(&route).map_err(|_| no_place(&whole))?;
            let start = key_place.location.byte_span.0;
            let end = end_of(&document, feature.location.byte_span.1);
            self.text.replace_range(start..end, &entry);
        }
        if let Some(found) = self.get_mut(way) {
            *found = Value::Mapping(changed);
        }
        Ok(())
    }

    /// Puts the lines of a key, as they stand elsewhere, at the end of the mapping at a place, comments included;
    /// where there is no such mapping in block style yet, its value is written.
    pub(super) fn graft(
        &mut self,
        way: &[Component<'_>],
        key: &str,
        value: Value,
        lines: &str,
    ) -> Result<(), EditError> {
        let document = self.document()?;
        let mapping = place(&document, way).ok().filter(|found| found.kind() == FeatureKind::BlockMapping);
        let Some(mapping) = mapping else { return self.set(way, key, value, &[]) };
        let (indent, end) = (column(&self.text, mapping.location.byte_span.0), mapping.location.byte_span.1);
        let end = line_end(&self.text, end_of(&document, end));
        let stands = lines.len() - lines.trim_start_matches(' ').len();
        if stands != indent {
            return self.set(way, key, value, &[]);
        }
        self.text.insert_str(end, lines);
        if let Some(Value::Mapping(mapping)) = self.get_mut(way) {
            mapping.insert(key.into(), value);
        }
        Ok(())
    }

    /// Removes a key of the mapping at a place, with the comment lines right above it.
    pub(super) fn remove(&mut self, way: &[Component<'_>], key: &str) -> Result<(), EditError> {
        let mut whole = way.to_vec();
        whole.push(key.to_owned().into());
        if self.get(&whole).is_none() {
            return Ok(());
        }
        let document = self.document()?;
        if place(&document, way)?.kind() == FeatureKind::BlockMapping {
            let route = Route::from(whole.clone());
            let key_place = document.query_key_only(&route).map_err(|_| no_place(&whole))?;
            let feature = document.query_pretty(&route).map_err(|_| no_place(&whole))?;
            let start = with_comments(&self.text, line_start(&self.text, key_place.location.byte_span.0));
            let end = line_end(&self.text, end_of(&document, feature.location.byte_span.1));
            self.text.replace_range(start..end, "");
        } else {
            let Some(Value::Mapping(mapping)) = self.get(way).cloned() else { return Err(no_place(way)) };
            let mut changed = mapping;
            changed.shift_remove(key);
            let Some((Component::Key(last), above)) = way.split_last() else { return Err(no_place(way)) };
            let last = last.to_string();
            return self.set(above, &last, Value::Mapping(changed), &[]);
        }
        if let Some(Value::Mapping(mapping)) = self.get_mut(way) {
            mapping.shift_remove(key);
        }
        Ok(())
    }

    /// Puts a step into the sequence at a place, before the one at `at`, or at its end.
    pub(super) fn insert(&mut self, way: &[Component<'_>], at: usize, item: &Value) -> Result<(), EditError> {
        let Some(Value::Sequence(items)) = self.get(way) else { return Err(no_place(way)) };
        if items.is_empty() {
            return Err(no_place(way));
        }
        let at = at.min(items.len());
        let document = self.document()?;
        let item_place = |index: usize| {
            let mut whole = way.to_vec();
            whole.push(index.into());
            place(&document, &whole).map(|feature| feature.location.byte_span)
        };
        if place(&document, way)?.kind() != FeatureKind::BlockSequence {
            return Err(no_place(way));
        }
        let first = item_place(0)?;
        let dash = self.text[..first.0].rfind('-').ok_or_else(|| no_place(way))?;
        let indent = column(&self.text, dash);
        // Steps that are parted by blank lines stay so.
        let spaced = items.len() > 1 && {
            let between = &self.text[end_of(&document, first.1)..item_place(1)?.0];
            between.lines().filter(|line| line.trim().is_empty()).count() > 1
        };
        let body = block(item, indent + 2);
        let mut lines = format!("{}- {}\n", " ".repeat(indent), body.trim_start());
        if at == 0 {
            let start = with_comments(&self.text, line_start(&self.text, dash));
            if spaced {
                lines.push('\n');
            }
            self.text.insert_str(start, &lines);
        } else {
            let end = line_end(&self.text, end_of(&document, item_place(at - 1)?.1));
            if spaced {
                lines.insert(0, '\n');
            }
            self.text.insert_str(end, &lines);
        }
        if let Some(Value::Sequence(items)) = self.get_mut(way) {
            items.insert(at, item.clone());
        }
        Ok(())
    }

    /// Replaces one occurrence of a text inside the scalar at a place, the `nth` from 0.
    pub(super) fn replace_within(
        &mut self,
        way: &[Component<'_>],
        from: &str,
        to: &str,
        nth: usize,
    ) -> Result<(), EditError> {
        let document = self.document()?;
        let (start, end) = place(&document, way)?.location.byte_span;
        let nth_at = |text: &str| text.match_indices(from).nth(nth).map(|(at, _)| at);
        let at = nth_at(&self.text[start..end]).ok_or_else(|| no_place(way))? + start;
        let Some(Value::String(scalar)) = self.get(way) else { return Err(no_place(way)) };
        let within = nth_at(scalar).ok_or_else(|| no_place(way))?;
        let mut changed = scalar.clone();
        changed.replace_range(within..within + from.len(), to);
        // In a quoted scalar the new text is written as that kind of quote wants it.
        let written = match self.text.as_bytes()[start] {
            b'\'' => to.replace('\'', "''"),
            b'"' => to.replace('\\', "\\\\").replace('"', "\\\""),
            _ => to.to_owned(),
        };
        self.text.replace_range(at..at + from.len(), &written);
        if let Some(found) = self.get_mut(way) {
            *found = Value::String(changed);
        }
        Ok(())
    }

    /// Writes a remark behind the value of a key, where none stands there.
    pub(super) fn remark(&mut self, way: &[Component<'_>], remark: &str) -> Result<(), EditError> {
        let document = self.document()?;
        let end = place(&document, way)?.location.byte_span.1;
        let line = line_end(&self.text, end) - 1;
        if self.text[end..line].trim().is_empty() {
            self.text.replace_range(end..line, &format!(" # {remark}"));
        }
        Ok(())
    }

    /// Puts jobs in the place of others: the texts stand where the first of the old ones stood.
    pub(super) fn replace_jobs(
        &mut self,
        old: &[&str],
        ids: &[String],
        texts: &[String],
    ) -> Result<(), EditError> {
        let mut ranges = Vec::new();
        for id in old {
            ranges.push(self.lines(&["jobs".into(), (*id).to_owned().into()])?);
        }
        ranges.sort_by_key(|range| std::cmp::Reverse(range.start));
        let mut values = Vec::new();
        for (id, text) in ids.iter().zip(texts) {
            let parsed: Value =
                yaml_serde::from_str(&format!("jobs:\n{text}")).map_err(|_| EditError::Misunderstood)?;
            let value =
                parsed.get("jobs").and_then(|jobs| jobs.get(id.as_str())).ok_or(EditError::Misunderstood)?;
            values.push(value.clone());
        }
        let joined =
            texts.iter().map(|text| text.trim_end_matches('\n')).collect::<Vec<_>>().join("\n\n") + "\n";
        let last = ranges.len() - 1;
        for (at, range) in ranges.into_iter().enumerate() {
            if at == last {
                self.text.replace_range(range, &joined);
            } else {
                // The blank lines that parted it from the job above go with it.
                let above = self.text[..range.start].trim_end_matches(['\n', ' ']).len();
                let start = line_end(&self.text, above).min(range.start);
                self.text.replace_range(start..range.end, "");
            }
        }
        let jobs = ["jobs".into()];
        let Some(Value::Mapping(present)) = self.get(&jobs) else { return Err(no_place(&jobs)) };
        let mut changed = Mapping::new();
        let mut placed = false;
        for (key, value) in present {
            if !old.iter().any(|id| key == *id) {
                changed.insert(key.clone(), value.clone());
            } else if !std::mem::replace(&mut placed, true) {
                changed.extend(
                    ids.iter().zip(&values).map(|(id, value)| (Value::from(id.as_str()), value.clone())),
                );
            }
        }
        if changed.len() + old.len() != present.len() + ids.len() {
            return Err(EditError::NoPlace("jobs: an id of a shard is taken by another job".to_owned()));
        }
        if let Some(found) = self.get_mut(&jobs) {
            *found = Value::Mapping(changed);
        }
        Ok(())
    }

    /// Returns the lines of a key of the mapping at a place, with the comment lines right above it.
    pub(super) fn lines(&self, way: &[Component<'_>]) -> Result<std::ops::Range<usize>, EditError> {
        let document = self.document()?;
        let route = Route::from(way.to_vec());
        let key = document.query_key_only(&route).map_err(|_| no_place(way))?;
        let feature = document.query_pretty(&route).map_err(|_| no_place(way))?;
        let start = with_comments(&self.text, line_start(&self.text, key.location.byte_span.0));
        Ok(start..line_end(&self.text, end_of(&document, feature.location.byte_span.1)))
    }

    /// Returns the text as it stands.
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    fn document(&self) -> Result<Document, EditError> {
        Document::new(self.text.as_str()).map_err(|_| EditError::Misunderstood)
    }

    fn get_mut(&mut self, way: &[Component<'_>]) -> Option<&mut Value> {
        way.iter().try_fold(&mut self.value, |value, component| match component {
            Component::Key(key) => value.get_mut(key.as_ref()),
            Component::Index(at) => value.get_mut(*at),
        })
    }
}

/// Returns a value as the lines of a block, each indented, without the last line's end.
pub(super) fn block(value: &Value, indent: usize) -> String {
    let pad = " ".repeat(indent);
    match value {
        Value::Mapping(mapping) if !mapping.is_empty() => {
            let entries =
                mapping.iter().map(|(key, value)| format!("{pad}{}", entry(&scalar(key, 0), value, indent)));
            entries.collect::<Vec<_>>().join("\n")
        }
        Value::Sequence(items) if !items.is_empty() => {
            let items = items.iter().map(|item| format!("{pad}- {}", block(item, indent + 2).trim_start()));
            items.collect::<Vec<_>>().join("\n")
        }
        scalar_value => format!("{pad}{}", scalar(scalar_value, indent)),
    }
}

/// Returns `key: value`, the lines after the first indented below the key.
fn entry(key: &str, value: &Value, indent: usize) -> String {
    match value {
        // A list of plain words stays on one line.
        Value::Sequence(items)
            if !items.is_empty() && items.iter().all(|item| item.as_str().is_some_and(is_plain)) =>
        {
            let words: Vec<&str> = items.iter().filter_map(Value::as_str).collect();
            format!("{key}: [{}]", words.join(", "))
        }
        Value::Mapping(mapping) if !mapping.is_empty() => format!("{key}:\n{}", block(value, indent + 2)),
        Value::Sequence(items) if !items.is_empty() => format!("{key}:\n{}", block(value, indent + 2)),
        Value::Null => format!("{key}:"),
        value => format!("{key}: {}", scalar(value, indent)),
    }
}

/// Returns a scalar as YAML writes it; the lines after the first are indented below it.
fn scalar(value: &Value, indent: usize) -> String {
    let text = yaml_serde::to_string(value).unwrap_or_default();
    let pad = " ".repeat(indent);
    let mut lines = text.trim_end_matches('\n').split('\n');
    let first = lines.next().unwrap_or_default().to_owned();
    lines.fold(first, |text, line| if line.is_empty() { text + "\n" } else { format!("{text}\n{pad}{line}") })
}

/// Returns whether a word needs no quotes in a list and is no other kind of value.
fn is_plain(word: &str) -> bool {
    let plain = !word.is_empty()
        && word.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
        && word.starts_with(|c: char| c.is_ascii_alphabetic());
    plain && yaml_serde::from_str::<Value>(word).is_ok_and(|value| value.is_string())
}

fn place<'d>(document: &'d Document, way: &[Component<'_>]) -> Result<yamlpath::Feature<'d>, EditError> {
    let route = Route::from(way.to_vec());
    let found = if way.is_empty() { document.top_feature().map(Some) } else { document.query_exact(&route) };
    found.ok().flatten().ok_or_else(|| no_place(way))
}

fn no_place(way: &[Component<'_>]) -> EditError {
    let words = way.iter().map(|component| match component {
        Component::Key(key) => key.to_string(),
        Component::Index(at) => at.to_string(),
    });
    EditError::NoPlace(words.collect::<Vec<_>>().join("."))
}

/// Returns where the content of something really ends: blank lines and comments behind it are not its own.
fn end_of(document: &Document, end: usize) -> usize {
    let text = document.source();
    let mut end = text[..end].trim_end().len();
    loop {
        let start = line_start(text, end);
        let line = &text[start..end];
        let mark = start + (line.len() - line.trim_start().len());
        if line.trim_start().starts_with('#') && document.offset_inside_comment(mark) {
            end = text[..start].trim_end().len();
        } else {
            return end;
        }
    }
}

fn line_start(text: &str, at: usize) -> usize {
    text[..at].rfind('\n').map_or(0, |newline| newline + 1)
}

/// Returns where the next line begins.
fn line_end(text: &str, at: usize) -> usize {
    text[at..].find('\n').map_or(text.len(), |newline| at + newline + 1)
}

/// Returns where the comment lines right above a line begin, as far as they are indented as it is.
fn with_comments(text: &str, start: usize) -> usize {
    let line = &text[start..line_end(text, start)];
    let indent = line.len() - line.trim_start_matches(' ').len();
    let mut start = start;
    while start > 0 {
        let above = line_start(text, start - 1);
        let line = text[above..start].trim_end();
        let is_comment = line.trim_start().starts_with('#') && line.len() - line.trim_start().len() == indent;
        if !is_comment {
            break;
        }
        start = above;
    }
    start
}

fn column(text: &str, at: usize) -> usize {
    at - line_start(text, at)
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;

    use super::*;

    const FILE: &str = "\
# top
jobs:
  a:  # the job
    runs-on: ubuntu-latest
    env: {A: 1}  # flow
    steps:
      # first
      - uses: x@v1

      # second
      - name: tests
        run: |
          pytest -q
          # inside the script
      # trailing
  # about b
  b:
    runs-on: x
";

    fn way<'w>(words: &[&'w str]) -> Vec<Component<'w>> {
        words
            .iter()
            .map(|word| word.parse::<usize>().map_or_else(|_| (*word).into(), Component::from))
            .collect()
    }

    fn yaml(text: &str) -> Value {
        yaml_serde::from_str(text).unwrap()
    }

    #[test]
    fn edits_keep_every_comment() {
        let mut editor = Editor::new(FILE).unwrap();
        editor
            .set(
                &way(&["jobs", "a"]),
                "strategy",
                yaml("{fail-fast: false, matrix: {shard: [a-1, a-2]}}"),
                &["runs-on"],
            )
            .unwrap();
        editor.set(&way(&["jobs", "a", "env"]), "B", yaml("'${{ x }}: #'"), &[]).unwrap();
        editor.set(&way(&["jobs", "a", "steps", "1", "env"]), "S", yaml("1"), &[]).unwrap();
        editor
            .replace_within(&way(&["jobs", "a", "steps", "1", "run"]), "pytest", "pytest --x \"$S\"", 0)
            .unwrap();
        editor
            .insert(&way(&["jobs", "a", "steps"]), 2, &yaml("{name: last, with: {path: \"a\\nb\"}}"))
            .unwrap();
        editor.insert(&way(&["jobs", "a", "steps"]), 1, &yaml("{name: between}")).unwrap();
        editor.set(&way(&["jobs", "b"]), "runs-on", yaml("y"), &[]).unwrap();
        assert_snapshot!(editor.finish().unwrap(), @r#"
        # top
        jobs:
          a:  # the job
            runs-on: ubuntu-latest
            strategy:
              fail-fast: false
              matrix:
                shard: [a-1, a-2]
            env:
              A: 1
              B: '${{ x }}: #'  # flow
            steps:
              # first
              - uses: x@v1

              - name: between

              # second
              - name: tests
                run: |
                  pytest --x "$S" -q
                  # inside the script
                env:
                  S: 1

              - name: last
                with:
                  path: |-
                    a
                    b
              # trailing
          # about b
          b:
            runs-on: y
        "#);
    }

    #[test]
    fn an_edit_that_changes_nothing_leaves_the_text_alone() {
        let mut editor = Editor::new(FILE).unwrap();
        editor.set(&way(&["jobs", "a"]), "runs-on", yaml("ubuntu-latest"), &[]).unwrap();
        editor.remove(&way(&["jobs", "a"]), "absent").unwrap();
        assert_eq!(editor.finish().unwrap(), FILE);
    }

    #[test]
    fn a_key_goes_with_the_comment_above_it() {
        let mut editor = Editor::new(FILE).unwrap();
        editor.remove(&way(&["jobs"]), "b").unwrap();
        let text = editor.finish().unwrap();
        assert!(!text.contains("about b") && text.contains("# trailing"), "{text}");
    }

    #[test]
    fn an_edit_through_an_anchor_is_refused() {
        let text = "a: &x\n  k: 1\nb: *x\n";
        let mut editor = Editor::new(text).unwrap();
        let edited = editor.set(&way(&["b"]), "k", yaml("2"), &[]).and_then(|()| editor.finish());
        assert!(edited.is_err(), "{edited:?}");
    }
}

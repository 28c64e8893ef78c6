//! Edits applied to the bytes of a file.

use super::Change;
use crate::inventory::python::SourceFile;

/// A file that can not be repaired.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FixError {
    /// What came out would not be Python.
    #[error(
        "{file}: the repair would break the file ({reason}); it is left as it was: make the change by hand"
    )]
    Breaks {
        /// The file.
        file: String,
        /// What the parser says.
        reason: String,
    },
    /// The configuration can not be edited.
    #[error("{file}: the mark `{mark}` can not be registered here ({reason}): add it to `markers` by hand")]
    Unregistered {
        /// The file.
        file: String,
        /// The mark.
        mark: String,
        /// Why.
        reason: String,
    },
}

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";
const FORM_FEED: u8 = b'\x0c';

/// Returns the lines of a file, as Python parts them: a carriage return alone ends one as well.
fn lines_of(bytes: &[u8]) -> Vec<Vec<u8>> {
    let mut lines = Vec::new();
    let mut start = 0;
    for (at, byte) in bytes.iter().enumerate() {
        if *byte == b'\n' || *byte == b'\r' && bytes.get(at + 1) != Some(&b'\n') {
            lines.push(bytes[start..=at].to_vec());
            start = at + 1;
        }
    }
    if start < bytes.len() {
        lines.push(bytes[start..].to_vec());
    }
    lines
}

fn ends_line(line: &[u8]) -> bool {
    line.ends_with(b"\n") || line.ends_with(b"\r")
}

/// Returns how a line ends; one without an end as the others of most files do.
fn end_of(line: &[u8]) -> &'static [u8] {
    match line {
        [.., b'\r', b'\n'] => b"\r\n",
        [.., b'\r'] => b"\r",
        _ => b"\n",
    }
}

/// Returns how deep a line is: to Python it begins anew behind a form feed.
fn indent_of(line: &[u8]) -> &[u8] {
    let blank = line.iter().take_while(|byte| matches!(**byte, b' ' | b'\t' | FORM_FEED)).count();
    let start = line[..blank].iter().rposition(|byte| *byte == FORM_FEED).map_or(0, |at| at + 1);
    &line[start..blank]
}

/// Returns the file with these changes made. What they do not name keeps every byte.
pub fn apply(path: &str, bytes: &[u8], changes: &[&Change]) -> Result<Vec<u8>, FixError> {
    let is_python = std::path::Path::new(path).extension().is_some_and(|extension| extension == "py");
    // A mark of the encoding stays the first of all bytes.
    let (mark, bytes) =
        bytes.split_at(if bytes.starts_with(BYTE_ORDER_MARK) { BYTE_ORDER_MARK.len() } else { 0 });
    let fixed = if is_python { edited(path, bytes, changes)? } else { register_all(path, bytes, changes)? };
    Ok([mark, &fixed].concat())
}

/// Returns a Python file with these changes made.
fn edited(path: &str, bytes: &[u8], changes: &[&Change]) -> Result<Vec<u8>, FixError> {
    let mut lines = lines_of(bytes);
    let end = lines.first().map_or(&b"\n"[..], |line| end_of(line)).to_vec();
    let end = end.as_slice();
    // From the last line to the first, so that the numbers of those above stay right.
    // Position, then rank: what is inserted last at a position stands on top.
    let mut inserts: Vec<(usize, u8, Vec<u8>)> = Vec::new();
    let mut removed: Vec<usize> = Vec::new();
    let mut module_marks: Vec<(&str, usize)> = Vec::new();
    let mut import = None;
    for change in changes {
        match change {
            Change::Decorate { line, mark } => {
                let target = lines.get(line - 1).map_or(&[][..], Vec::as_slice);
                let mut text = indent_of(target).to_vec();
                text.extend_from_slice(format!("@pytest.mark.{mark}").as_bytes());
                text.extend_from_slice(end);
                inserts.push((*line - 1, 0, text));
            }
            Change::MarkModule { after, mark } => module_marks.push((mark, *after)),
            Change::ImportPytest { after } => import = Some(*after),
            Change::Remove { line } => removed.push(*line),
            Change::Register { .. } => {}
        }
    }
    let after = import.or_else(|| module_marks.first().map(|(_, after)| *after));
    if let Some(after) = after {
        let mut text = Vec::new();
        if import.is_some() {
            text.extend_from_slice(b"import pytest");
            text.extend_from_slice(end);
        }
        let marks: Vec<String> = module_marks.iter().map(|(mark, _)| format!("pytest.mark.{mark}")).collect();
        if let [one] = marks.as_slice() {
            text.extend_from_slice(end);
            text.extend_from_slice(format!("pytestmark = {one}").as_bytes());
            text.extend_from_slice(end);
        } else if !marks.is_empty() {
            text.extend_from_slice(end);
            text.extend_from_slice(format!("pytestmark = [{}]", marks.join(", ")).as_bytes());
            text.extend_from_slice(end);
        }
        let follows = lines.get(after).map_or(&[][..], Vec::as_slice);
        let parted =
            [b"\n".as_slice(), b"\r", b"import ", b"from "].iter().any(|start| follows.starts_with(start));
        if !follows.is_empty() && !parted {
            text.extend_from_slice(end);
        }
        inserts.push((after, 1, text));
    }
    for line in &removed {
        if let Some(line) = lines.get_mut(line - 1) {
            // A form feed before it parts pages, and is none of the mark's.
            line.truncate(line.iter().rposition(|byte| *byte == FORM_FEED).map_or(0, |at| at + 1));
        }
    }
    inserts.sort_by(|a, b| (b.0, a.1, &b.2).cmp(&(a.0, b.1, &a.2)));
    for (at, _, text) in inserts {
        let at = at.min(lines.len());
        // A last line without an end gets one before anything follows it.
        if at > 0 && at == lines.len() && !lines[at - 1].is_empty() && !ends_line(&lines[at - 1]) {
            lines[at - 1].extend_from_slice(end);
        }
        lines.insert(at, text);
    }
    let fixed = lines.concat();
    match SourceFile::parse(path, &fixed).broken {
        Some(broken) => Err(FixError::Breaks { file: path.to_owned(), reason: broken.message }),
        None => Ok(fixed),
    }
}

fn register_all(path: &str, bytes: &[u8], changes: &[&Change]) -> Result<Vec<u8>, FixError> {
    let marks = changes
        .iter()
        .filter_map(|change| if let Change::Register { mark } = change { Some(mark.as_str()) } else { None });
    let mut text = if let Ok(text) = std::str::from_utf8(bytes) {
        text.to_owned()
    } else {
        let mark = marks.clone().next().unwrap_or_default().to_owned();
        return Err(FixError::Unregistered {
            file: path.to_owned(),
            mark,
            reason: "it is not UTF-8".to_owned(),
        });
    };
    for mark in marks {
        let fail = |reason: &str| FixError::Unregistered {
            file: path.to_owned(),
            mark: mark.to_owned(),
            reason: reason.to_owned(),
        };
        text = if std::path::Path::new(path).extension().is_some_and(|extension| extension == "toml") {
            // What writes TOML ends every line alike: only the lines that are new are taken from it.
            let before = text.replace("\r\n", "\n");
            let after = in_toml(&before, mark).map_err(|reason| fail(&reason))?;
            spliced(&text, &before, &after)
        } else {
            let section = if path.ends_with("setup.cfg") { "tool:pytest" } else { "pytest" };
            in_ini(&text, section, mark).ok_or_else(|| fail("it has no section for pytest"))?
        };
    }
    Ok(text.into_bytes())
}

fn in_toml(text: &str, mark: &str) -> Result<String, String> {
    use toml_edit::{Array, DocumentMut, Item, Value};
    let mut document: DocumentMut =
        text.parse().map_err(|error: toml_edit::TomlError| error.message().to_owned())?;
    let bare = document.contains_key("pytest") && !document.contains_key("tool");
    let pytest = if bare {
        document.get_mut("pytest")
    } else {
        document.get_mut("tool").and_then(|tool| tool.get_mut("pytest"))
    };
    let pytest = pytest.ok_or("it has no table for pytest")?;
    let table = if pytest.get("ini_options").is_some() { &mut pytest["ini_options"] } else { pytest };
    let table = table.as_table_like_mut().ok_or("its table for pytest is no table")?;
    match table.get_mut("markers") {
        None => {
            let mut array = Array::new();
            array.push(mark);
            table.insert("markers", Item::Value(Value::Array(array)));
        }
        Some(Item::Value(Value::Array(array))) => {
            if array.iter().any(|item| {
                item.as_str().and_then(|line| line.split([':', '(']).next()).map(str::trim) == Some(mark)
            }) {
                return Ok(text.to_owned());
            }
            // A list of several lines gets one more line like its last.
            let last = array
                .iter()
                .last()
                .and_then(|last| last.decor().prefix())
                .and_then(|prefix| prefix.as_str())
                .map(|prefix| {
                    let start = prefix.rfind('\n').unwrap_or(0);
                    prefix[start..].to_owned()
                });
            let mut value = Value::from(mark);
            // Behind the last there may be a comment on it, and the line of the bracket: these stay where they are.
            let behind = |array: &mut Array| match array.trailing().as_str() {
                _ if !array.trailing_comma() => {
                    let last = array.iter_mut().last()?;
                    let suffix = last.decor().suffix()?.as_str()?.to_owned();
                    last.decor_mut().set_suffix("");
                    Some(suffix)
                }
                trailing => trailing.map(str::to_owned),
            };
            match last {
                Some(prefix) if prefix.starts_with('\n') => {
                    let behind = behind(array).unwrap_or_default();
                    let (comment, bracket) = match behind.find('\n') {
                        Some(at) => behind.split_at(at),
                        None => (behind.as_str(), ""),
                    };
                    value.decor_mut().set_prefix(format!("{comment}{prefix}"));
                    array.set_trailing(bracket);
                    array.set_trailing_comma(true);
                }
                _ if !array.is_empty() => value.decor_mut().set_prefix(" "),
                _ => {}
            }
            array.push_formatted(value);
        }
        Some(_) => return Err("its `markers` are no list".to_owned()),
    }
    Ok(document.to_string())
}

/// Returns a text in which only those lines differ from `text` that differ in `after` from `before`, which is `text` with
/// its line ends made alike.
fn spliced(text: &str, before: &str, after: &str) -> String {
    let lines = |text: &'_ str| -> Vec<String> { text.split_inclusive('\n').map(str::to_owned).collect() };
    let (text, before, after) = (lines(text), lines(before), lines(after));
    let first = before.iter().zip(&after).take_while(|(a, b)| a == b).count();
    let rest = before.len().min(after.len()) - first;
    let last = before.iter().rev().zip(after.iter().rev()).take(rest).take_while(|(a, b)| a == b).count();
    let near = text.get(first.saturating_sub(1)).is_some_and(|line| line.ends_with("\r\n"));
    let new = after[first..after.len() - last].iter().map(|line| match line.strip_suffix('\n') {
        Some(line) if near => format!("{line}\r\n"),
        _ => line.clone(),
    });
    text[..first].iter().cloned().chain(new).chain(text[text.len() - last..].iter().cloned()).collect()
}

fn in_ini(text: &str, section: &str, mark: &str) -> Option<String> {
    let newline = if text.contains("\r\n") { "\r\n" } else { "\n" };
    let mut lines: Vec<String> = text.split_inclusive('\n').map(str::to_owned).collect();
    let header = lines.iter().position(|line| line.trim_end() == format!("[{section}]"))?;
    let end = lines[header + 1..]
        .iter()
        .position(|line| line.starts_with('['))
        .map_or(lines.len(), |at| header + 1 + at);
    let key = (header + 1..end).find(|at| {
        lines[*at].strip_prefix("markers").is_some_and(|rest| rest.trim_start().starts_with(['=', ':']))
    });
    let close = |line: &mut String| {
        if !line.ends_with('\n') {
            line.push_str(newline);
        }
    };
    match key {
        None => {
            close(&mut lines[header]);
            lines.insert(header + 1, format!("markers ={newline}    {mark}{newline}"));
        }
        Some(key) => {
            let mut last = key;
            for (at, line) in lines.iter().enumerate().take(end).skip(key + 1) {
                if line.starts_with([' ', '\t']) && !line.trim().is_empty() {
                    last = at;
                } else if !line.trim().is_empty() && !line.trim_start().starts_with(['#', ';']) {
                    break;
                }
            }
            let names = |line: &str| line.split([':', '(']).next().map(str::trim) == Some(mark);
            if lines[key + 1..=last].iter().any(|line| names(line))
                || lines[key].split_once('=').is_some_and(|(_, value)| names(value))
            {
                return Some(text.to_owned());
            }
            let indent: String = lines[last].chars().take_while(|c| matches!(c, ' ' | '\t')).collect();
            let indent = if last == key { "    ".to_owned() } else { indent };
            close(&mut lines[last]);
            lines.insert(last + 1, format!("{indent}{mark}{newline}"));
        }
    }
    Some(lines.concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fixed(text: &str, changes: &[Change]) -> String {
        let changes: Vec<&Change> = changes.iter().collect();
        String::from_utf8(apply("tests/test_a.py", text.as_bytes(), &changes).expect("it can be repaired"))
            .expect("it stays text")
    }

    #[test]
    fn a_decorator_is_as_deep_as_what_it_marks_and_line_ends_stay() {
        let text =
            "import pytest\r\n\r\nclass TestA:\r\n    # why\r\n    @other\r\n    def test_a(self): pass\r\n";
        let after = fixed(text, &[Change::Decorate { line: 5, mark: "db".to_owned() }]);
        assert_eq!(
            after,
            "import pytest\r\n\r\nclass TestA:\r\n    # why\r\n    @pytest.mark.db\r\n    @other\r\n    def test_a(self): pass\r\n"
        );
    }

    #[test]
    fn marks_of_a_module_are_joined_and_pytest_is_imported_once() {
        let text = "\"\"\"Doc.\"\"\"\nimport os\n\ndef test_a(): pass";
        let changes = [
            Change::ImportPytest { after: 2 },
            Change::MarkModule { after: 2, mark: "db".to_owned() },
            Change::MarkModule { after: 2, mark: "redis".to_owned() },
        ];
        assert_eq!(
            fixed(text, &changes),
            "\"\"\"Doc.\"\"\"\nimport os\nimport pytest\n\npytestmark = [pytest.mark.db, pytest.mark.redis]\n\ndef test_a(): pass"
        );
    }

    #[test]
    fn bytes_of_another_encoding_stay() {
        let text = b"# coding: latin-1\nimport pytest\nNAME = '\xe9'\ndef test_a(): pass\n";
        let change = Change::Decorate { line: 4, mark: "db".to_owned() };
        let after = apply("a.py", text, &[&change]).expect("it can be repaired");
        assert_eq!(
            after,
            b"# coding: latin-1\nimport pytest\nNAME = '\xe9'\n@pytest.mark.db\ndef test_a(): pass\n"
        );
    }

    #[test]
    fn what_an_edit_does_not_own_keeps_every_byte() {
        let mark = |line| Change::Decorate { line, mark: "db".to_owned() };
        // A mark of the encoding stays in front, though the edit is of the first line.
        assert_eq!(
            fixed("\u{feff}def test_a(): pass\r\n", &[Change::ImportPytest { after: 0 }, mark(1)]),
            "\u{feff}import pytest\r\n\r\n@pytest.mark.db\r\ndef test_a(): pass\r\n"
        );
        assert_eq!(
            fixed("class TestA:\n\tx = 1\n\x0c\tdef test_a(self):\n\t\tpass\n", &[mark(3)]),
            "class TestA:\n\tx = 1\n\t@pytest.mark.db\n\x0c\tdef test_a(self):\n\t\tpass\n"
        );
        assert_eq!(
            fixed("x = 1\rdef test_a(): pass\r", &[mark(2)]),
            "x = 1\r@pytest.mark.db\rdef test_a(): pass\r"
        );
        assert_eq!(
            fixed("x = 1\n\x0c@pytest.mark.db\ndef test_a(): pass", &[Change::Remove { line: 2 }]),
            "x = 1\n\x0cdef test_a(): pass"
        );
    }

    #[test]
    fn a_mark_is_registered_beside_the_others() {
        let crlf = "# ours\r\n[tool.pytest.ini_options]\r\nmarkers = [\r\n  \"slow\", # yes\r\n]\nx = 1\r\n";
        let change = Change::Register { mark: "db".to_owned() };
        let after = apply("pyproject.toml", crlf.as_bytes(), &[&change]).expect("it has a table");
        assert_eq!(
            String::from_utf8(after).expect("it stays text"),
            "# ours\r\n[tool.pytest.ini_options]\r\nmarkers = [\r\n  \"slow\", # yes\r\n  \"db\",\r\n]\nx = 1\r\n"
        );
        let bare = "[tool.pytest.ini_options]\nmarkers = [\n  \"slow\" # yes\n]\n";
        assert_eq!(
            in_toml(bare, "db").as_deref(),
            Ok("[tool.pytest.ini_options]\nmarkers = [\n  \"slow\", # yes\n  \"db\",\n]\n")
        );
        let toml = "[tool.pytest.ini_options]\n# ours\nmarkers = [\n    \"slow: takes long\", # yes\n]\naddopts = \"-ra\"\n";
        let after = in_toml(toml, "db").expect("it has a table");
        assert_eq!(
            after,
            "[tool.pytest.ini_options]\n# ours\nmarkers = [\n    \"slow: takes long\", # yes\n    \"db\",\n]\naddopts = \"-ra\"\n"
        );
        assert_eq!(in_toml(&after, "db").as_deref(), Ok(after.as_str()), "once is enough");
        let ini = "[pytest]\nmarkers =\n    slow: takes long\n\naddopts = -ra\n";
        let after = in_ini(ini, "pytest", "db").expect("it has a section");
        assert_eq!(after, "[pytest]\nmarkers =\n    slow: takes long\n    db\n\naddopts = -ra\n");
        assert_eq!(in_ini(&after, "pytest", "db").as_deref(), Some(after.as_str()));
        assert_eq!(
            in_ini("[pytest]\naddopts = -ra\n", "pytest", "db").as_deref(),
            Some("[pytest]\nmarkers =\n    db\naddopts = -ra\n")
        );
    }
}

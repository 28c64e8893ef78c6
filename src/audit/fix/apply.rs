//! Edits applied to the bytes of a file.

use super::registration::register_all;
use super::{Change, FixError, Obstacle};
use crate::inventory::python::SourceFile;

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
    // The line of the file that each of them is, or stands above.
    let mut numbers: Vec<usize> = (1..=lines.len()).collect();
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
                text.extend_from_slice(format!("@{mark}").as_bytes());
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
        let marks: Vec<&str> = module_marks.iter().map(|(mark, _)| *mark).collect();
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
        numbers.insert(at, at + 1);
    }
    let fixed = lines.concat();
    let Some(broken) = SourceFile::parse(path, &fixed).broken else { return Ok(fixed) };
    let mut ends = lines.iter().scan(0, |end, line| {
        *end += lines_of(line).len();
        Some(*end)
    });
    let line = ends.position(|end| end >= broken.line).map_or(1, |at| numbers[at]);
    Err(FixError { file: path.to_owned(), line, obstacle: Obstacle::Breaks { reason: broken.message } })
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
        let after = fixed(text, &[Change::Decorate { line: 5, mark: "pytest.mark.db".to_owned() }]);
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
            Change::MarkModule { after: 2, mark: "pytest.mark.db".to_owned() },
            Change::MarkModule { after: 2, mark: "pytest.mark.redis".to_owned() },
        ];
        assert_eq!(
            fixed(text, &changes),
            "\"\"\"Doc.\"\"\"\nimport os\nimport pytest\n\npytestmark = [pytest.mark.db, pytest.mark.redis]\n\ndef test_a(): pass"
        );
    }

    #[test]
    fn bytes_of_another_encoding_stay() {
        let text = b"# coding: latin-1\nimport pytest\nNAME = '\xe9'\ndef test_a(): pass\n";
        let change = Change::Decorate { line: 4, mark: "pytest.mark.db".to_owned() };
        let after = apply("a.py", text, &[&change]).expect("it can be repaired");
        assert_eq!(
            after,
            b"# coding: latin-1\nimport pytest\nNAME = '\xe9'\n@pytest.mark.db\ndef test_a(): pass\n"
        );
    }

    #[test]
    fn what_an_edit_does_not_own_keeps_every_byte() {
        let mark = |line| Change::Decorate { line, mark: "pytest.mark.db".to_owned() };
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
}

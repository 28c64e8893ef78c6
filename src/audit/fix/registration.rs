//! Marks registered in pytest's configuration.

use super::{Change, FixError, Obstacle, Why};

/// Returns pytest's configuration with these marks registered. What they do not name keeps every byte.
pub(super) fn register_all(path: &str, bytes: &[u8], changes: &[&Change]) -> Result<Vec<u8>, FixError> {
    let marks = changes
        .iter()
        .filter_map(|change| if let Change::Register { mark } = change { Some(mark.as_str()) } else { None });
    let fail = |line, mark: &str, why| FixError {
        file: path.to_owned(),
        line,
        obstacle: Obstacle::Unregistered { mark: mark.to_owned(), why },
    };
    let mut text = match std::str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(error) => {
            let line = line_of(bytes, error.valid_up_to());
            return Err(fail(line, marks.clone().next().unwrap_or_default(), Why::NotUtf8));
        }
    };
    let named = |name: &str| path.rsplit('/').next() == Some(name);
    for mark in marks {
        text = if std::path::Path::new(path).extension().is_some_and(|extension| extension == "toml") {
            // What writes TOML ends every line alike: only the lines that are new are taken from it.
            let before = text.replace("\r\n", "\n");
            let after = in_toml(&before, mark).map_err(|(line, why)| fail(line, mark, why))?;
            spliced(&text, &before, &after)
        } else {
            let section = if named("setup.cfg") { "tool:pytest" } else { "pytest" };
            let own = named("pytest.ini") || named(".pytest.ini");
            in_ini(&text, section, mark)
                .or_else(|| own.then(|| with_section(&text, mark)))
                .ok_or_else(|| fail(1, mark, Why::NoTable))?
        };
    }
    Ok(text.into_bytes())
}

/// Returns the line of an offset, from 1.
fn line_of(text: &[u8], offset: usize) -> usize {
    1 + memchr::memchr_iter(b'\n', &text[..offset.min(text.len())]).count()
}

/// Returns a file of pytest's own, which may be empty, with a section that registers the mark.
fn with_section(text: &str, mark: &str) -> String {
    let newline = if text.contains("\r\n") { "\r\n" } else { "\n" };
    let parted = if text.is_empty() || text.ends_with('\n') { "" } else { newline };
    format!("{text}{parted}[pytest]{newline}markers ={newline}    {mark}{newline}")
}

fn in_toml(text: &str, mark: &str) -> Result<String, (usize, Why)> {
    use toml_edit::{Array, Document, Item, Value};
    let at =
        |span: Option<std::ops::Range<usize>>| span.map_or(1, |span| line_of(text.as_bytes(), span.start));
    let document = Document::parse(text)
        .map_err(|error| (at(error.span()), Why::NoToml { reason: error.message().to_owned() }))?;
    let bare = document.contains_key("pytest") && !document.contains_key("tool");
    let table = if bare { Some(document.as_item()) } else { document.get("tool") };
    let table = table.and_then(|table| table.get("pytest")).ok_or((1, Why::NoTable))?;
    let place = at(table.get("ini_options").unwrap_or(table).get("markers").unwrap_or(table).span());
    let mut document = document.into_mut();
    let pytest = if bare {
        document.get_mut("pytest")
    } else {
        document.get_mut("tool").and_then(|tool| tool.get_mut("pytest"))
    };
    let pytest = pytest.ok_or((1, Why::NoTable))?;
    let table = if pytest.get("ini_options").is_some() { &mut pytest["ini_options"] } else { pytest };
    let table = table.as_table_like_mut().ok_or((place, Why::NoTable))?;
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
        Some(_) => return Err((place, Why::NoList)),
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
    let is_header = |line: &String| {
        line.strip_prefix('[').and_then(|line| line.split(']').next()).map(str::trim) == Some(section)
    };
    let header = lines.iter().position(is_header)?;
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
    use super::super::apply;
    use super::*;

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

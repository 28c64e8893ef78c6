//! The dialect of `pytest.ini`, `tox.ini` and `setup.cfg`: sections, keys, and values that go on in indented lines.

/// A value with where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct IniValue {
    /// The lines of the value, the first maybe empty; each with its number from 1.
    pub(super) lines: Vec<(usize, String)>,
}

/// Returns the keys of a section with their values, or nothing where the text has no such section.
pub(super) fn section(text: &str, name: &str) -> Option<Vec<(String, IniValue)>> {
    let mut found: Option<Vec<(String, IniValue)>> = None;
    let mut inside = false;
    for (at, raw) in text.lines().enumerate() {
        let line = raw.trim_end();
        if line.trim().is_empty() || line.trim_start().starts_with(['#', ';']) {
            continue;
        }
        if let Some(header) = line.strip_prefix('[') {
            inside = header.split(']').next().map(str::trim) == Some(name);
            if inside {
                found.get_or_insert_default();
            }
        } else if inside && let Some(keys) = &mut found {
            let continues = line.starts_with([' ', '\t']);
            match (continues, keys.last_mut()) {
                (true, Some((_, value))) => value.lines.push((at + 1, uncommented(line))),
                _ => {
                    if let Some(split) = line.find(['=', ':']) {
                        let value = IniValue { lines: vec![(at + 1, uncommented(&line[split + 1..]))] };
                        keys.push((line[..split].trim().to_owned(), value));
                    }
                }
            }
        }
    }
    found
}

fn uncommented(line: &str) -> String {
    let end = line.find(" #").unwrap_or(line.len());
    line[..end].trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_go_on_in_indented_lines() {
        let text = "[tox]\nenvlist = a\n[pytest]\n# why\nmarkers =\n    db: needs a database  # note\n\n    slow\naddopts = -ra\n[x]\ny=1\n";
        let keys = section(text, "pytest").expect("a section");
        assert_eq!(keys.len(), 2);
        assert_eq!(keys[0].0, "markers");
        assert_eq!(
            keys[0].1.lines,
            [(5, String::new()), (6, "db: needs a database".to_owned()), (8, "slow".to_owned())]
        );
        assert_eq!(section(text, "tool:pytest"), None);
    }
}

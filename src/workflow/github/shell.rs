//! The words of a shell script, with their places: enough of the grammar to find a command and its arguments.
//!
//! Quotes, line continuations, comments and operators are understood; substitutions stay as they are written.
//! A script that uses more is still read without harm: what is not understood is not recognised as a command.

/// A word of a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Word {
    /// Its text without quotes.
    pub(super) text: String,
    /// Where it begins and ends in the script, in bytes.
    pub(super) start: usize,
    pub(super) end: usize,
}

/// Returns the commands of a script, each as its words.
pub(super) fn commands(script: &str) -> Vec<Vec<Word>> {
    let mut commands = vec![Vec::new()];
    let bytes = script.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        match bytes[at] {
            b' ' | b'\t' | b'\r' => at += 1,
            b'\\' if bytes.get(at + 1) == Some(&b'\n') => at += 2,
            b'#' => at = script[at..].find('\n').map_or(bytes.len(), |length| at + length),
            b'\n' | b';' | b'|' | b'&' | b'(' | b')' => {
                commands.push(Vec::new());
                at += 1;
            }
            b'<' | b'>' => {
                // A redirection and its target are no arguments.
                at += 1;
                while bytes.get(at).is_some_and(|byte| b"<>&-".contains(byte)) {
                    at += 1;
                }
                while bytes.get(at) == Some(&b' ') {
                    at += 1;
                }
                let (_, end) = word(script, at);
                at = end.max(at);
            }
            _ => {
                let (text, end) = word(script, at);
                if let Some(command) = commands.last_mut() {
                    command.push(Word { text, start: at, end });
                }
                at = end.max(at + 1);
            }
        }
    }
    commands.retain(|command| !command.is_empty());
    commands
}

/// Returns the word that begins at a place, and where it ends.
fn word(script: &str, start: usize) -> (String, usize) {
    let mut text = String::new();
    let mut quote = None;
    let mut at = start;
    while let Some(c) = script[at..].chars().next() {
        let rest = &script[at..];
        // GitHub fills its expressions in before any shell sees the script.
        if rest.starts_with("${{") {
            let length = rest.find("}}").map_or(rest.len(), |end| end + 2);
            text.push_str(&rest[..length]);
            at += length;
            continue;
        }
        match (quote, c) {
            (None, '\'' | '"') => quote = Some(c),
            (Some(open), c) if c == open => quote = None,
            (None | Some('"'), '\\') => {
                let escaped = rest[1..].chars().next();
                if escaped == Some('\n') && quote.is_none() {
                    break;
                }
                if let Some(escaped) = escaped {
                    text.push(escaped);
                    at += escaped.len_utf8();
                }
            }
            (None, ' ' | '\t' | '\r' | '\n' | ';' | '|' | '&' | '(' | ')' | '<' | '>')
                if !text.ends_with('$') =>
            {
                break;
            }
            _ => text.push(c),
        }
        at += c.len_utf8();
    }
    (text, at)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(script: &str) -> Vec<Vec<String>> {
        commands(script).into_iter().map(|words| words.into_iter().map(|word| word.text).collect()).collect()
    }

    #[test]
    fn commands_are_parted_and_quotes_are_taken_off() {
        assert_eq!(
            words("set -e # a b\nA=1 pytest \\\n  -m 'not slow' \"a b\"c && echo x > out.txt; true"),
            [
                vec!["set", "-e"],
                vec!["A=1", "pytest", "-m", "not slow", "a bc"],
                vec!["echo", "x"],
                vec!["true"]
            ]
        );
    }

    #[test]
    fn an_expression_is_one_word() {
        assert_eq!(
            words("pytest ${{ matrix.a && '--x' || '' }} -q"),
            [["pytest", "${{ matrix.a && '--x' || '' }}", "-q"]]
        );
    }

    #[test]
    fn every_word_knows_its_place() {
        let script = "uv run \"py\"test -q";
        let words = &commands(script)[0];
        assert_eq!(&script[words[2].start..words[2].end], "\"py\"test");
    }

    #[test]
    fn a_script_that_ends_in_the_middle_is_read_to_its_end() {
        for script in ["'", "\"\\", "${{", "a <", "$(", "\\", "é'ü"] {
            let _ = commands(script);
        }
    }
}

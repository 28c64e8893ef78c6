//! One Python file: its text, decoded as Python would, and its syntax tree.

use ruff_python_ast::ModModule;
use ruff_python_ast::token::TokenKind;
use ruff_python_parser::{ParseOptions, parse_unchecked};
use ruff_source_file::LineIndex;
use ruff_text_size::{Ranged, TextRange, TextSize};

/// The largest file that is parsed, in bytes. Hand-written tests are far below; a larger one is generated data.
pub const MAX_BYTES: u64 = 8 * 1024 * 1024;
/// As many brackets may be open at once: `CPython` refuses more.
const MAX_BRACKETS: usize = 200;
/// As many operators may follow each other in one expression, so that its tree does not exhaust the stack.
const MAX_CHAIN: usize = 6_000;

/// A Python file as it was read.
#[derive(Debug)]
pub struct SourceFile {
    /// Where it is, relative to the project, written with `/`.
    pub path: String,
    /// Its text.
    pub text: String,
    /// Where its lines begin.
    pub lines: LineIndex,
    /// What keeps Python from importing it.
    pub broken: Option<Broken>,
    pub(super) syntax: ModModule,
}

/// What keeps Python from importing a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broken {
    /// The line, from 1.
    pub line: usize,
    /// What is wrong there.
    pub message: String,
}

/// A place in a source file.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// The file, relative to the project.
    pub file: std::sync::Arc<str>,
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
    /// How many characters of that line it spans; at least 1.
    pub width: usize,
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}", crate::ids::Printable(&self.file), self.line)
    }
}

impl SourceFile {
    /// Returns the file of these bytes; whatever they are, there is a tree, and an empty one where they are no
    /// Python that can be read.
    #[must_use]
    pub fn parse(path: &str, bytes: &[u8]) -> Self {
        let (text, mut broken) = match decode(bytes) {
            Ok(text) => (text, None),
            Err(broken) => (String::from_utf8_lossy(bytes).into_owned(), Some(broken)),
        };
        if broken.is_none() {
            broken = unreadable(&text);
        }
        let lines = LineIndex::from_source_text(&text);
        let parsed = if broken.is_some() { "" } else { &text };
        let parsed = parse_unchecked(parsed, ParseOptions::from(ruff_python_parser::Mode::Module));
        if let Some(error) = parsed.errors().first() {
            let line = lines.line_index(error.location.start()).get();
            broken = Some(Broken { line, message: error.error.to_string() });
        }
        let syntax = match parsed.try_into_module() {
            Some(module) if broken.is_none() => module.into_syntax(),
            _ => empty_module(),
        };
        Self { path: path.to_owned(), text, lines, broken, syntax }
    }

    /// Returns the comments, each with its line, from 1; of a file that can not be read there are none.
    #[must_use]
    pub fn comments(&self) -> Vec<(usize, &str)> {
        if self.broken.is_some() {
            return Vec::new();
        }
        let parsed = parse_unchecked(&self.text, ParseOptions::from(ruff_python_parser::Mode::Module));
        let comments = parsed.tokens().iter().filter(|token| token.kind() == TokenKind::Comment);
        comments.map(|token| (self.line(token.range().start()), &self.text[token.range()])).collect()
    }

    /// Returns the line of an offset, from 1.
    #[must_use]
    pub fn line(&self, offset: TextSize) -> usize {
        self.lines.line_index(offset).get()
    }

    /// Returns the place of a range: its first line.
    #[must_use]
    pub fn place(&self, range: TextRange) -> Place {
        let start = self.lines.line_column(range.start(), &self.text);
        let end = self.lines.line_column(range.end(), &self.text);
        let column = start.column.get();
        let width = if end.line == start.line { end.column.get() - column } else { 1 };
        Place { file: self.path.as_str().into(), line: start.line.get(), column, width: width.max(1) }
    }
}

fn empty_module() -> ModModule {
    let parsed = parse_unchecked("", ParseOptions::from(ruff_python_parser::Mode::Module));
    parsed.try_into_module().map(ruff_python_parser::Parsed::into_syntax).expect("nothing is a module")
}

/// Returns the text of a Python file: UTF-8 with or without a mark, or Latin-1 where its cookie says so.
fn decode(bytes: &[u8]) -> Result<String, Broken> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    match std::str::from_utf8(bytes) {
        Ok(text) => Ok(text.to_owned()),
        Err(error) => {
            let cookie = coding(bytes).unwrap_or_default();
            if matches!(cookie.as_str(), "latin-1" | "latin1" | "iso-8859-1" | "iso8859-1" | "l1" | "cp1252")
            {
                return Ok(bytes.iter().map(|byte| char::from(*byte)).collect());
            }
            let line = 1 + memchr::memchr_iter(b'\n', &bytes[..error.valid_up_to()]).count();
            let message = if cookie.is_empty() {
                "it is not UTF-8 and names no encoding".to_owned()
            } else {
                format!("its encoding `{cookie}` is not read here")
            };
            Err(Broken { line, message })
        }
    }
}

/// Returns the encoding that one of the first two lines names (`# -*- coding: latin-1 -*-`).
fn coding(bytes: &[u8]) -> Option<String> {
    let head: Vec<&[u8]> = bytes.splitn(3, |byte| *byte == b'\n').take(2).collect();
    head.iter().find_map(|line| {
        let line = String::from_utf8_lossy(line).to_ascii_lowercase();
        let after = line.trim_start().strip_prefix('#')?.split_once("coding")?.1.to_owned();
        let name = after.strip_prefix([':', '='])?.trim_start();
        let end = name.find(|c: char| !(c.is_ascii_alphanumeric() || "-_.".contains(c)));
        Some(name[..end.unwrap_or(name.len())].replace('_', "-"))
    })
}

/// Returns why a text is not handed to the parser: what it would build could exhaust the stack.
fn unreadable(text: &str) -> Option<Broken> {
    if text.len() as u64 > MAX_BYTES {
        let message = format!("it has more than {} MiB: too large to be read", MAX_BYTES / (1024 * 1024));
        return Some(Broken { line: 1, message });
    }
    let (mut line, mut open, mut chain) = (1, 0_usize, 0_usize);
    let mut previous = b' ';
    for byte in text.bytes() {
        match byte {
            b'\n' => {
                line += 1;
                if open == 0 && previous != b'\\' {
                    chain = 0;
                }
            }
            b'(' | b'[' | b'{' => {
                open += 1;
                chain += 1;
            }
            b')' | b']' | b'}' => open = open.saturating_sub(1),
            b',' | b';' => chain = 0,
            b'+' | b'-' | b'*' | b'/' | b'%' | b'@' | b'|' | b'&' | b'^' | b'~' | b'<' | b'>' | b'.'
            | b':' => chain += 1,
            // `not not x`, `a if b else c if d else e`, `lambda: lambda: x` are parted by blanks.
            b' ' | b'\t' if previous.is_ascii_alphabetic() => chain += 1,
            _ => {}
        }
        previous = byte;
        // Both counts take strings and comments for code: what they refuse needs the other proof as well.
        if open > MAX_BRACKETS && brackets_nest(text) || chain > MAX_CHAIN && longest_chain(text) > MAX_CHAIN
        {
            let message = "its expressions nest too deep to be read".to_owned();
            return Some(Broken { line, message });
        }
        if open > MAX_BRACKETS {
            open = 0;
        }
        if chain > MAX_CHAIN {
            chain = 0;
        }
    }
    None
}

/// Returns whether brackets nest too deep outside of strings and comments.
fn brackets_nest(text: &str) -> bool {
    let mut deepest = 0_usize;
    let mut open = 0_usize;
    code_bytes(text, |byte| match byte {
        b'(' | b'[' | b'{' => {
            open += 1;
            deepest = deepest.max(open);
        }
        b')' | b']' | b'}' => open = open.saturating_sub(1),
        _ => {}
    });
    deepest > MAX_BRACKETS
}

/// Returns the longest run of operators and words without a comma, outside of strings and comments.
fn longest_chain(text: &str) -> usize {
    let (mut longest, mut chain, mut open, mut previous) = (0, 0_usize, 0_usize, b' ');
    code_bytes(text, |byte| {
        match byte {
            b'\n' if open == 0 && previous != b'\\' => chain = 0,
            b',' | b';' => chain = 0,
            b'(' | b'[' | b'{' => {
                open += 1;
                chain += 1;
            }
            b')' | b']' | b'}' => open = open.saturating_sub(1),
            b'+' | b'-' | b'*' | b'/' | b'%' | b'@' | b'|' | b'&' | b'^' | b'~' | b'<' | b'>' | b'.'
            | b':' => chain += 1,
            b' ' | b'\t' if previous.is_ascii_alphabetic() => chain += 1,
            _ => {}
        }
        longest = longest.max(chain);
        previous = byte;
    });
    longest
}

/// Calls `see` with every byte that is neither in a string nor in a comment.
fn code_bytes(text: &str, mut see: impl FnMut(u8)) {
    let bytes = text.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        match bytes[at] {
            b'#' => at += memchr::memchr(b'\n', &bytes[at..]).unwrap_or(bytes.len() - at),
            quote @ (b'"' | b'\'') => {
                let triple = bytes[at..].starts_with(&[quote; 3]);
                at += if triple { 3 } else { 1 };
                while at < bytes.len() {
                    if bytes[at] == b'\\' {
                        at += 2;
                        continue;
                    }
                    let ends = if triple {
                        bytes[at..].starts_with(&[quote; 3])
                    } else {
                        matches!(bytes[at], b'\n') || bytes[at] == quote
                    };
                    if ends {
                        at += if triple { 3 } else { 1 };
                        break;
                    }
                    at += 1;
                }
            }
            byte => {
                see(byte);
                at += 1;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_python_refuses_is_said_with_its_line() {
        let broken = |bytes: &[u8]| SourceFile::parse("a.py", bytes).broken.expect("it is broken");
        assert_eq!(broken(b"x = 1\nprint 'python 2'\n").line, 2);
        assert_eq!(broken(b"x = 1\n\nname = '\xe9'\n").line, 3);
        assert_eq!(broken(&b"(".repeat(100_000)).line, 1);
        assert!(SourceFile::parse("a.py", b"# coding: latin-1\nname = '\xe9'\n").broken.is_none());
        assert!(SourceFile::parse("a.py", b"\xef\xbb\xbfx = 1\r\n").broken.is_none());
    }

    #[test]
    fn deep_trees_are_refused_and_long_lists_are_not() {
        for deep in [
            "x = 1\n".to_owned() + &"not ".repeat(50_000) + "1",
            "x = 1".to_owned() + &"+1".repeat(50_000),
            "x".to_owned() + &".a".repeat(50_000),
        ] {
            assert!(SourceFile::parse("a.py", deep.as_bytes()).broken.is_some());
        }
        let list = format!("x = [{}]\n", "'(((', 1, -2.5, ".repeat(20_000));
        assert_eq!(SourceFile::parse("a.py", list.as_bytes()).broken, None);
        let prose = format!("'''{}'''\n", "a b (c ".repeat(20_000));
        assert_eq!(SourceFile::parse("a.py", prose.as_bytes()).broken, None);
    }
}

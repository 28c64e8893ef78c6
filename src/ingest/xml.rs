//! Tags of an XML document, one after the other, in memory that does not grow with the document.
//!
//! It knows what reports need and no more: elements, attributes, and the beginning of a text that someone asks
//! for. Everything else (output of tests, comments, declarations) is passed over without being kept, so that
//! a gigabyte of captured output costs the time to look for its end. A document type is passed over as well:
//! no entity is ever declared, none is expanded, and no other file is opened.

use std::io::{self, Read};

use memchr::{memchr, memchr_iter, memchr2, memmem};

/// How much is read at once.
const CHUNK: usize = 256 * 1024;

/// The longest tag, with all of its attributes. A message with a whole page of HTML is some hundred kilobytes.
const MAX_TAG: usize = 64 * 1024 * 1024;

/// How deep elements may lie in one another. JUnit needs five levels.
const MAX_DEPTH: usize = 256;

/// What comes next in a document.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Event<'a> {
    /// A tag that opens an element; [`Event::Close`] follows, for one without content as well.
    Open(Tag<'a>),
    /// The end of the element that was opened last.
    Close,
    /// A piece of text, where it was asked for. A long text comes in several pieces.
    Text(&'a [u8]),
    /// The same, in which no entity is to be replaced.
    PlainText(&'a [u8]),
    /// The end of the document.
    End,
}

/// The tag of an element.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Tag<'a> {
    /// The name without its prefix.
    pub(super) name: &'a [u8],
    attributes: &'a [u8],
}

/// Why a document can't be read on.
#[derive(Debug)]
pub(super) enum XmlError {
    /// The bytes can't be read.
    Io(io::Error),
    /// The document ends inside of an element.
    CutShort,
    /// It is no XML.
    Malformed(String),
}

/// A document while it is read.
pub(super) struct Scanner<R> {
    input: R,
    buffer: Vec<u8>,
    /// What was read and not yet passed.
    start: usize,
    end: usize,
    input_has_ended: bool,
    /// The names of the open elements, one behind the other, and where each ends.
    names: Vec<u8>,
    name_ends: Vec<usize>,
    /// An element without content was opened, and its end is to be said.
    owes_close: bool,
    in_plain_text: bool,
    lines: Lines,
}

/// How many lines lie before a place of the buffer.
struct Lines {
    number: u64,
    counted_to: usize,
}

impl<R: Read> Scanner<R> {
    pub(super) fn new(input: R) -> Self {
        Self {
            input,
            buffer: vec![0; CHUNK],
            start: 0,
            end: 0,
            input_has_ended: false,
            names: Vec::new(),
            name_ends: Vec::new(),
            owes_close: false,
            in_plain_text: false,
            lines: Lines { number: 1, counted_to: 0 },
        }
    }

    /// Returns the line that was reached, from 1.
    pub(super) fn line(&mut self) -> u64 {
        self.lines.count(&self.buffer, self.start);
        self.lines.number
    }

    /// Returns what comes next. Text is passed over unless it is wanted.
    pub(super) fn next(&mut self, wants_text: bool) -> Result<Event<'_>, XmlError> {
        if self.owes_close {
            self.owes_close = false;
            self.pop();
            return Ok(Event::Close);
        }
        loop {
            if self.in_plain_text {
                if let Some(range) = self.plain_text(wants_text)? {
                    return Ok(Event::PlainText(&self.buffer[range]));
                }
                continue;
            }
            let Some(length) = memchr(b'<', &self.buffer[self.start..self.end]) else {
                let from = self.start;
                self.start = self.end;
                if wants_text && from < self.end {
                    return Ok(Event::Text(&self.buffer[from..self.end]));
                }
                if !self.more()? {
                    return if self.name_ends.is_empty() { Ok(Event::End) } else { Err(XmlError::CutShort) };
                }
                continue;
            };
            let from = self.start;
            self.start += length;
            if wants_text && length > 0 {
                return Ok(Event::Text(&self.buffer[from..self.start]));
            }
            self.need(2)?;
            match self.buffer[self.start + 1] {
                b'!' => self.declaration()?,
                b'?' => self.skip_past(b"?>")?,
                b'/' => {
                    self.close()?;
                    return Ok(Event::Close);
                }
                _ => return self.open(),
            }
        }
    }

    /// Reads on; returns whether there was more. What lies before `start` is forgotten.
    fn more(&mut self) -> Result<bool, XmlError> {
        if self.input_has_ended {
            return Ok(false);
        }
        if self.start > 0 {
            self.lines.count(&self.buffer, self.start);
            self.lines.counted_to = 0;
            self.buffer.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.start = 0;
        }
        if self.end == self.buffer.len() {
            if self.end >= MAX_TAG {
                return Err(XmlError::Malformed(format!("a tag is longer than {} MiB", MAX_TAG >> 20)));
            }
            self.buffer.resize(2 * self.end, 0);
        }
        loop {
            match self.input.read(&mut self.buffer[self.end..]) {
                Ok(0) => {
                    self.input_has_ended = true;
                    return Ok(false);
                }
                Ok(number) => {
                    self.end += number;
                    return Ok(true);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(XmlError::Io(error)),
            }
        }
    }

    /// Reads on until so many bytes are there.
    fn need(&mut self, bytes: usize) -> Result<(), XmlError> {
        while self.end - self.start < bytes {
            if !self.more()? {
                return Err(XmlError::CutShort);
            }
        }
        Ok(())
    }

    /// Passes a comment or a document type, or enters a section of plain text.
    fn declaration(&mut self) -> Result<(), XmlError> {
        const PLAIN: &[u8] = b"<![CDATA[";
        self.need(3)?;
        match self.buffer[self.start + 2] {
            b'-' => self.skip_past(b"-->"),
            b'[' => {
                self.need(PLAIN.len())?;
                if !self.buffer[self.start..].starts_with(PLAIN) {
                    return Err(XmlError::Malformed("`<![` begins no CDATA section".to_owned()));
                }
                self.start += PLAIN.len();
                self.in_plain_text = true;
                Ok(())
            }
            _ => self.document_type(),
        }
    }

    /// Passes `<!DOCTYPE …>` with the declarations inside of it, of which none is heeded.
    fn document_type(&mut self) -> Result<(), XmlError> {
        let (mut brackets, mut quote) = (0_usize, None);
        self.start += 2;
        loop {
            for position in self.start..self.end {
                let byte = self.buffer[position];
                match (quote, byte) {
                    (Some(open), _) => quote = (byte != open).then_some(open),
                    (None, b'"' | b'\'') => quote = Some(byte),
                    (None, b'<' | b'[') => brackets += 1,
                    (None, b'>' | b']') if brackets > 0 => brackets -= 1,
                    (None, b'>') => {
                        self.start = position + 1;
                        return Ok(());
                    }
                    _ => {}
                }
            }
            self.start = self.end;
            if !self.more()? {
                return Err(XmlError::CutShort);
            }
        }
    }

    /// Returns the next piece of a section of plain text, where it is wanted.
    fn plain_text(&mut self, wanted: bool) -> Result<Option<std::ops::Range<usize>>, XmlError> {
        let from = self.start;
        if let Some(length) = memmem::find(&self.buffer[from..self.end], b"]]>") {
            self.start += length + 3;
            self.in_plain_text = false;
            return Ok((wanted && length > 0).then_some(from..from + length));
        }
        // The end may be cut in two: its first two bytes stay.
        let safe = self.end.saturating_sub(2).max(from);
        self.start = safe;
        if wanted && safe > from {
            return Ok(Some(from..safe));
        }
        if self.more()? { Ok(None) } else { Err(XmlError::CutShort) }
    }

    fn skip_past(&mut self, end: &[u8]) -> Result<(), XmlError> {
        // `<!-->` and `<?>` do not end where they begin.
        self.start += 2;
        loop {
            if let Some(length) = memmem::find(&self.buffer[self.start..self.end], end) {
                self.start += length + end.len();
                return Ok(());
            }
            self.start = self.end.saturating_sub(end.len() - 1).max(self.start);
            if !self.more()? {
                return Err(XmlError::CutShort);
            }
        }
    }

    /// Returns where the tag that begins at `start` ends, its `>` included.
    fn tag_end(&mut self) -> Result<usize, XmlError> {
        // Relative to `start`, which moves when more is read.
        let mut at = 1;
        let mut quote = None;
        loop {
            let rest = &self.buffer[self.start + at..self.end];
            let found = match quote {
                Some(quote) => memchr(quote, rest),
                // Attributes lie a few bytes apart: a plain loop is faster than any search.
                None => rest.iter().position(|byte| matches!(byte, b'>' | b'"' | b'\'')),
            };
            if let Some(length) = found {
                let byte = rest[length];
                at += length + 1;
                match (quote, byte) {
                    (Some(_), _) => quote = None,
                    (None, b'>') => return Ok(self.start + at),
                    (None, byte) => quote = Some(byte),
                }
            } else {
                at = self.end - self.start;
                if !self.more()? {
                    return Err(XmlError::CutShort);
                }
            }
        }
    }

    fn open(&mut self) -> Result<Event<'_>, XmlError> {
        let end = self.tag_end()?;
        let (from, mut to) = (self.start + 1, end - 1);
        self.start = end;
        if self.buffer[from..to].last() == Some(&b'/') {
            to -= 1;
            self.owes_close = true;
        }
        let inside = &self.buffer[from..to];
        let length = inside.iter().position(u8::is_ascii_whitespace).unwrap_or(inside.len());
        if length == 0 || matches!(inside[0], b'=' | b'"' | b'\'' | b'&' | b'<') {
            return Err(XmlError::Malformed("`<` begins no tag".to_owned()));
        }
        if self.name_ends.len() >= MAX_DEPTH {
            let problem = format!("elements lie more than {MAX_DEPTH} deep in one another");
            return Err(XmlError::Malformed(problem));
        }
        self.names.extend_from_slice(&inside[..length]);
        self.name_ends.push(self.names.len());
        Ok(Event::Open(Tag { name: local(&inside[..length]), attributes: &inside[length..] }))
    }

    fn close(&mut self) -> Result<(), XmlError> {
        let end = self.tag_end()?;
        let name = self.buffer[self.start + 2..end - 1].trim_ascii_end();
        let from = self.name_ends.len().checked_sub(2).map_or(0, |before| self.name_ends[before]);
        let expected = &self.names[from..];
        if self.name_ends.is_empty() || name != expected {
            let found = String::from_utf8_lossy(name);
            let problem = if self.name_ends.is_empty() {
                format!("`</{found}>` closes nothing")
            } else {
                format!("expected `</{}>`, but `</{found}>` was found", String::from_utf8_lossy(expected))
            };
            return Err(XmlError::Malformed(problem));
        }
        self.start = end;
        self.pop();
        Ok(())
    }

    fn pop(&mut self) {
        self.name_ends.pop();
        self.names.truncate(self.name_ends.last().copied().unwrap_or(0));
    }
}

impl Lines {
    fn count(&mut self, buffer: &[u8], to: usize) {
        if to > self.counted_to {
            self.number += memchr_iter(b'\n', &buffer[self.counted_to..to]).count() as u64;
            self.counted_to = to;
        }
    }
}

impl<'a> Tag<'a> {
    /// Returns the attributes in their order: the name without its prefix, and the value as it is written.
    pub(super) fn attributes(
        &self,
    ) -> impl Iterator<Item = Result<(&'a [u8], &'a [u8]), XmlError>> + use<'a> {
        let mut rest = self.attributes;
        std::iter::from_fn(move || {
            rest = rest.trim_ascii_start();
            if rest.is_empty() {
                return None;
            }
            let next = attribute(&mut rest);
            if next.is_err() {
                rest = &[];
            }
            Some(next)
        })
    }
}

fn attribute<'a>(rest: &mut &'a [u8]) -> Result<(&'a [u8], &'a [u8]), XmlError> {
    let problem = |text: &[u8]| {
        let start = String::from_utf8_lossy(&text[..text.len().min(40)]).into_owned();
        XmlError::Malformed(format!("an attribute without a value, at `{start}`"))
    };
    let text = *rest;
    let equals = memchr2(b'=', b'"', text).filter(|&at| text[at] == b'=').ok_or_else(|| problem(text))?;
    let name = text[..equals].trim_ascii_end();
    let value = text[equals + 1..].trim_ascii_start();
    let quote =
        value.first().copied().filter(|byte| matches!(byte, b'"' | b'\'')).ok_or_else(|| problem(text))?;
    let end = memchr(quote, &value[1..]).ok_or_else(|| problem(text))?;
    *rest = &value[end + 2..];
    Ok((local(name), &value[1..=end]))
}

fn local(name: &[u8]) -> &[u8] {
    memchr(b':', name).map_or(name, |colon| &name[colon + 1..])
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Gives so many bytes at a time, so that every border falls everywhere.
    struct Drops<'a>(&'a [u8], usize);

    impl Read for Drops<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let number = self.1.min(self.0.len()).min(buffer.len());
            buffer[..number].copy_from_slice(&self.0[..number]);
            self.0 = &self.0[number..];
            Ok(number)
        }
    }

    /// Returns the events in words, pieces of text joined.
    fn events(text: &[u8], at_once: usize) -> Result<String, String> {
        let mut scanner = Scanner::new(Drops(text, at_once));
        let mut said = String::new();
        let mut in_text = false;
        loop {
            let was_in_text = std::mem::take(&mut in_text);
            match scanner.next(true) {
                Ok(Event::Open(tag)) => {
                    said += &format!("\n<{}", String::from_utf8_lossy(tag.name));
                    for attribute in tag.attributes() {
                        let (key, value) = attribute.map_err(|error| format!("{error:?}"))?;
                        said +=
                            &format!(" {}={}", String::from_utf8_lossy(key), String::from_utf8_lossy(value));
                    }
                }
                Ok(Event::Close) => said += "\n>",
                Ok(Event::Text(piece) | Event::PlainText(piece)) => {
                    if !was_in_text {
                        said += "\n";
                    }
                    said += &String::from_utf8_lossy(piece);
                    in_text = true;
                }
                Ok(Event::End) => return Ok(said),
                Err(error) => return Err(format!("{error:?}")),
            }
        }
    }

    const SAMPLE: &str = "<?xml version='1.0'?>\n<!DOCTYPE a [<!ENTITY b \"]>\">]>\n<!-- <c> --><a x='1>2' n:y = \"'\"\n>\
                          <b/>t<![CDATA[<no>]]]]>u</a >\n";

    #[test]
    fn borders_of_what_is_read_at_once_do_not_show() {
        let whole = events(SAMPLE.as_bytes(), usize::MAX).unwrap();
        assert!(whole.contains("<a x=1>2 y='"), "{whole}");
        assert!(whole.contains("<no>]]"), "{whole}");
        for at_once in 1..20 {
            assert_eq!(
                events(SAMPLE.as_bytes(), at_once).unwrap().replace('\n', ""),
                whole.replace('\n', "")
            );
        }
    }

    #[test]
    fn a_document_cut_anywhere_is_cut_short() {
        let end = SAMPLE.find("</a >").unwrap();
        let root = SAMPLE.find("<a ").unwrap();
        for cut in root + 1..end + 4 {
            assert_eq!(events(&SAMPLE.as_bytes()[..cut], 7).unwrap_err(), "CutShort", "{cut}");
        }
    }

    #[test]
    fn lines_are_counted_over_all_borders() {
        let text = format!("<a>\n{}<b/></a>", "x\n".repeat(3 * CHUNK));
        let mut scanner = Scanner::new(text.as_bytes());
        while !matches!(scanner.next(false).unwrap(), Event::Open(Tag { name: b"b", .. })) {}
        assert_eq!(scanner.line(), 3 * CHUNK as u64 + 2);
    }

    #[test]
    fn what_is_no_xml_is_said_so() {
        for (text, problem) in [
            ("<a></b>", "expected `</a>`, but `</b>` was found"),
            ("</a>", "closes nothing"),
            ("<a><![ODD[]]></a>", "begins no CDATA"),
            ("< a/>", "begins no tag"),
            ("<a b/>", "an attribute without a value"),
            ("<a b=c/>", "an attribute without a value"),
        ] {
            let said = events(text.as_bytes(), 5).unwrap_err();
            assert!(said.contains(problem), "{text}: {said}");
        }
        assert!(events("<a>".repeat(300).as_bytes(), 5).unwrap_err().contains("256 deep"));
    }

    #[test]
    fn output_takes_no_memory() {
        struct Endless(usize);
        impl Read for Endless {
            fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
                if self.0 == 0 {
                    return Ok(0);
                }
                self.0 = self.0.saturating_sub(buffer.len());
                buffer.fill(b'x');
                Ok(buffer.len())
            }
        }
        let text = b"<a><out>".chain(Endless(100 << 20)).chain(&b"</out></a>"[..]);
        let mut scanner = Scanner::new(text);
        while scanner.next(false).unwrap() != Event::End {}
        assert!(scanner.buffer.len() <= 2 * CHUNK);
    }

    proptest! {
        /// quick-xml reads the same documents by other code.
        #[test]
        fn another_reader_sees_the_same_elements(
            text in r#"(<a( b="[x'>]{0,3}")?( c='[y"]{0,3}')?/?>|</a>|[ z\n]{1,3}|<!-- [>-]{0,2} -->|<!\[CDATA\[[<x]{0,2}\]\]>|<\?p [>]?\?>){0,12}"#,
            at_once in 1..9_usize,
        ) {
            let mine = events(text.as_bytes(), at_once);
            match reference(&text) {
                Some(other) => prop_assert_eq!(mine.map(|said| said.replace('\n', "")), Ok(other)),
                None => prop_assert!(mine.is_err(), "{:?}", mine),
            }
        }
    }

    /// Returns what quick-xml makes of a document, in the words of [`events`]; nothing where it refuses it.
    fn reference(text: &str) -> Option<String> {
        use quick_xml::events::{BytesStart, Event};
        let mut reader = quick_xml::reader::Reader::from_str(text);
        let (mut said, mut depth) = (String::new(), 0_usize);
        let open = |tag: &BytesStart<'_>| -> Option<String> {
            let mut said = format!("<{}", AsRef::<str>::as_ref(&tag.name()));
            for attribute in tag.attributes().with_checks(false) {
                let attribute = attribute.ok()?;
                said += &format!(" {}={}", AsRef::<str>::as_ref(&attribute.key), attribute.value);
            }
            Some(said)
        };
        loop {
            match reader.read_event().ok()? {
                Event::Start(tag) => {
                    depth += 1;
                    said += &open(&tag)?;
                }
                Event::Empty(tag) => said += &(open(&tag)? + ">"),
                Event::End(_) => {
                    depth -= 1;
                    said += ">";
                }
                Event::Text(words) => said += &words,
                Event::CData(words) => said += &words,
                Event::Eof => return (depth == 0).then(|| said.replace('\n', "")),
                _ => {}
            }
        }
    }
}

//! Bytes to UTF-8.
//!
//! Nearly every report is UTF-8. pytest on Windows, redirected through PowerShell, leaves UTF-16, and older XML
//! writers declare ISO-8859-1 or Windows-1252; all of them take a few lines to read. Any other declared encoding
//! is refused by name: a guess would give test ids that match nothing.

use std::io::{self, Cursor, Read};

use super::IngestErrorKind;
use super::input::{io_error, read_some};

/// How far the declaration of an encoding is looked for.
const DECLARATION_BYTES: usize = 200;

/// What Windows-1252 has where ISO-8859-1 has control characters.
const WINDOWS_1252: [char; 32] = [
    '€', '\u{81}', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\u{8d}', 'Ž', '\u{8f}', '\u{90}',
    '‘', '’', '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\u{9d}', 'ž', 'Ÿ',
];

/// An encoding that is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Encoding {
    Utf8,
    /// With the lower byte of each pair first.
    Utf16Little,
    Utf16Big,
    Latin1,
    Windows1252,
}

/// An input in UTF-8. What was in UTF-8 before is not checked here: readers keep so little of a file that they
/// check what they keep.
pub(super) struct Decoded<R> {
    input: io::Chain<Cursor<Vec<u8>>, R>,
    encoding: Encoding,
    /// Raw bytes that are half a character.
    rest: Vec<u8>,
    /// What was decoded and not yet taken.
    ready: Vec<u8>,
    taken: usize,
}

impl<R: Read> Decoded<R> {
    /// Returns the input without its byte order mark; `head` is what was read of it already.
    pub(super) fn new(mut head: Vec<u8>, input: R) -> Result<Self, IngestErrorKind> {
        let (encoding, mark) = encoding_of(&head)?;
        head.drain(..mark);
        Ok(Self {
            input: Cursor::new(head).chain(input),
            encoding,
            rest: Vec::new(),
            ready: Vec::new(),
            taken: 0,
        })
    }

    /// Decodes the next piece; returns whether there was one.
    fn decode(&mut self) -> io::Result<bool> {
        let mut chunk = [0; 16 * 1024];
        let number = read_some(&mut self.input, &mut chunk)?;
        self.ready.clear();
        self.taken = 0;
        let mut text = String::new();
        match self.encoding {
            Encoding::Utf16Little | Encoding::Utf16Big => {
                let is_little = self.encoding == Encoding::Utf16Little;
                let unit = if is_little { u16::from_le_bytes } else { u16::from_be_bytes };
                self.rest.extend_from_slice(&chunk[..number]);
                let is_end = number == 0;
                self.rest = utf16(&self.rest, unit, is_end, &mut text).map_err(io_error)?;
            }
            Encoding::Windows1252 => text.extend(chunk[..number].iter().map(|&byte| match byte {
                0x80..=0x9F => WINDOWS_1252[usize::from(byte - 0x80)],
                _ => char::from(byte),
            })),
            Encoding::Utf8 | Encoding::Latin1 => {
                text.extend(chunk[..number].iter().map(|&byte| char::from(byte)));
            }
        }
        self.ready = text.into_bytes();
        Ok(number > 0)
    }
}

impl<R: Read> Read for Decoded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.encoding == Encoding::Utf8 {
            return self.input.read(buffer);
        }
        while self.taken == self.ready.len() {
            if !self.decode()? {
                return Ok(0);
            }
        }
        let number = buffer.len().min(self.ready.len() - self.taken);
        buffer[..number].copy_from_slice(&self.ready[self.taken..self.taken + number]);
        self.taken += number;
        Ok(number)
    }
}

/// Returns the encoding of a file and how long its byte order mark is.
fn encoding_of(head: &[u8]) -> Result<(Encoding, usize), IngestErrorKind> {
    Ok(match head {
        [0xEF, 0xBB, 0xBF, ..] => (Encoding::Utf8, 3),
        // The second pair of patterns is `<` and `<?` without a byte order mark.
        [0xFF, 0xFE, ..] => (Encoding::Utf16Little, 2),
        [0xFE, 0xFF, ..] => (Encoding::Utf16Big, 2),
        [b'<', 0, b'?', 0, ..] => (Encoding::Utf16Little, 0),
        [0, b'<', 0, b'?', ..] => (Encoding::Utf16Big, 0),
        _ => match declared(head) {
            None => (Encoding::Utf8, 0),
            Some(name) => match name.to_ascii_lowercase().as_str() {
                "utf-8" | "utf8" | "us-ascii" | "ascii" => (Encoding::Utf8, 0),
                "iso-8859-1" | "iso8859-1" | "latin-1" | "latin1" => (Encoding::Latin1, 0),
                "windows-1252" | "cp1252" => (Encoding::Windows1252, 0),
                _ => {
                    return Err(IngestErrorKind::Encoding {
                        expected: "UTF-8".to_owned(),
                        found: format!("it declares the encoding `{name}`"),
                        line: Some(1),
                    });
                }
            },
        },
    })
}

/// Decodes what is whole and returns the bytes that are not.
fn utf16(
    bytes: &[u8],
    unit: fn([u8; 2]) -> u16,
    is_end: bool,
    text: &mut String,
) -> Result<Vec<u8>, IngestErrorKind> {
    let error = |found: &str| IngestErrorKind::Encoding {
        expected: "UTF-16".to_owned(),
        found: found.to_owned(),
        line: None,
    };
    let (pairs, mut rest) = bytes.as_chunks::<2>();
    let mut units: Vec<u16> = pairs.iter().map(|&pair| unit(pair)).collect();
    if !is_end && units.last().is_some_and(|last| (0xD800..0xDC00).contains(last)) {
        units.pop();
        rest = &bytes[2 * units.len()..];
    }
    if is_end && !rest.is_empty() {
        return Err(error("it ends in the middle of a character"));
    }
    for decoded in char::decode_utf16(units) {
        text.push(decoded.map_err(|_| error("half of a surrogate pair is missing"))?);
    }
    Ok(rest.to_vec())
}

/// Returns the encoding that an XML declaration names.
fn declared(bytes: &[u8]) -> Option<&str> {
    let start = bytes.trim_ascii_start().strip_prefix(b"<?xml")?;
    let declaration = &start[..start.len().min(DECLARATION_BYTES)];
    let end = declaration.windows(2).position(|pair| pair == b"?>")?;
    let declaration = std::str::from_utf8(&declaration[..end]).ok()?;
    let (_, value) = declaration.split_once("encoding")?;
    let value = value.trim_start().strip_prefix('=')?.trim_start();
    let quote = value.chars().next().filter(|c| matches!(c, '"' | '\''))?;
    value[1..].split(quote).next()
}

/// Returns the text of a whole document.
pub(super) fn text(bytes: &[u8]) -> Result<&str, IngestErrorKind> {
    std::str::from_utf8(bytes).map_err(|error| {
        let (before, after) = bytes.split_at(error.valid_up_to());
        let line = 1 + before.iter().filter(|&&byte| byte == b'\n').count() as u64;
        let byte = after.first().copied().unwrap_or_default();
        wrong_byte(byte, line)
    })
}

/// Returns the error that a byte does not belong where it stands.
pub(super) fn wrong_byte(byte: u8, line: u64) -> IngestErrorKind {
    IngestErrorKind::Encoding {
        expected: "UTF-8".to_owned(),
        found: format!("byte 0x{byte:02X} does not belong there"),
        line: Some(line),
    }
}

#[cfg(test)]
mod checks {
    use super::super::input::fault;
    use super::*;

    fn decode(bytes: &[u8]) -> Result<String, IngestErrorKind> {
        let mut text = Vec::new();
        // The head ends in the middle of everything.
        let (head, rest) = bytes.split_at(bytes.len().min(7));
        Decoded::new(head.to_vec(), rest)?.read_to_end(&mut text).map_err(|error| fault(error, None))?;
        self::text(&text).map(str::to_owned)
    }

    #[test]
    fn a_byte_order_mark_is_no_content() {
        assert_eq!(decode(b"\xEF\xBB\xBF<a/>").unwrap(), "<a/>");
    }

    #[test]
    fn utf16_is_read_in_both_orders_wherever_it_is_parted() {
        let text = "<é😀/>".repeat(10_000);
        let little: Vec<u8> = format!("\u{FEFF}{text}").encode_utf16().flat_map(u16::to_le_bytes).collect();
        let big: Vec<u8> = format!("\u{FEFF}{text}").encode_utf16().flat_map(u16::to_be_bytes).collect();
        assert_eq!(decode(&little).unwrap(), text);
        assert_eq!(decode(&big).unwrap(), text);
        assert!(matches!(decode(&little[..little.len() - 1]), Err(IngestErrorKind::Encoding { .. })));
    }

    #[test]
    fn other_encodings_are_read_where_they_are_declared() {
        let with = |name: &str, bytes: &[u8]| {
            decode(&[format!("<?xml version='1.0' encoding='{name}'?>").as_bytes(), bytes].concat())
        };
        // The declaration must lie in the head, which these tests cut short.
        let head = b"<?xml version='1.0' encoding='ISO-8859-1'?><a n='caf\xE9'/>".to_vec();
        let mut text = String::new();
        Decoded::new(head, io::empty()).unwrap().read_to_string(&mut text).unwrap();
        assert!(text.contains("café"));
        let head = b"<?xml version='1.0' encoding=\"windows-1252\"?><a n='\x80'/>".to_vec();
        let mut text = String::new();
        Decoded::new(head, io::empty()).unwrap().read_to_string(&mut text).unwrap();
        assert!(text.contains('€'));
        assert!(with("utf-8", "é".as_bytes()).is_ok());
    }

    #[test]
    fn a_wrong_byte_is_named_with_its_line() {
        assert_eq!(text(b"line one\nline \xE9 two"), Err(wrong_byte(0xE9, 2)));
    }

    #[test]
    fn an_encoding_that_is_not_read_is_named() {
        let head = b"<?xml version=\"1.0\" encoding=\"Shift_JIS\"?><a/>".to_vec();
        let error = Decoded::new(head, io::empty()).err().unwrap();
        assert_eq!(error.to_string(), "is not UTF-8 text: it declares the encoding `Shift_JIS`");
    }
}

//! Bytes to text.
//!
//! Nearly every report is UTF-8. pytest on Windows, redirected through PowerShell, leaves UTF-16, and older XML
//! writers declare ISO-8859-1; both take a few lines to read. Any other declared encoding is refused by name:
//! a guess would give test ids that match nothing.

use std::borrow::Cow;

use super::IngestErrorKind;

/// How far the declaration of an encoding is looked for.
const DECLARATION_BYTES: usize = 200;

/// Returns the text of a file, without its byte order mark.
pub(super) fn decode(bytes: &[u8]) -> Result<Cow<'_, str>, IngestErrorKind> {
    match bytes {
        [] => Err(IngestErrorKind::Empty),
        [0xEF, 0xBB, 0xBF, rest @ ..] => utf8(rest),
        // The second pair of patterns is `<` and `<?` without a byte order mark.
        [0xFF, 0xFE, rest @ ..] => utf16(rest, u16::from_le_bytes),
        [0xFE, 0xFF, rest @ ..] => utf16(rest, u16::from_be_bytes),
        [b'<', 0, b'?', 0, ..] => utf16(bytes, u16::from_le_bytes),
        [0, b'<', 0, b'?', ..] => utf16(bytes, u16::from_be_bytes),
        _ => match declared(bytes) {
            Some(name) => match name.to_ascii_lowercase().as_str() {
                "utf-8" | "utf8" | "us-ascii" | "ascii" => utf8(bytes),
                "iso-8859-1" | "iso8859-1" | "latin-1" | "latin1" => {
                    Ok(bytes.iter().map(|&byte| char::from(byte)).collect::<String>().into())
                }
                _ => Err(IngestErrorKind::Encoding {
                    expected: "UTF-8".to_owned(),
                    found: format!("it declares the encoding `{name}`"),
                    line: Some(1),
                }),
            },
            None => utf8(bytes),
        },
    }
}

fn utf8(bytes: &[u8]) -> Result<Cow<'_, str>, IngestErrorKind> {
    match std::str::from_utf8(bytes) {
        Ok(text) if text.trim_ascii().is_empty() => Err(IngestErrorKind::Empty),
        Ok(text) => Ok(text.into()),
        Err(error) => {
            let (before, after) = bytes.split_at(error.valid_up_to());
            if let Some(found) = binary_kind(bytes) {
                return Err(IngestErrorKind::Unrecognised { found: found.0.to_owned(), remedy: found.1 });
            }
            let line = 1 + String::from_utf8_lossy(before).matches('\n').count() as u64;
            let byte = after.first().copied().unwrap_or_default();
            Err(IngestErrorKind::Encoding {
                expected: "UTF-8".to_owned(),
                found: format!("byte 0x{byte:02X} does not belong there"),
                line: Some(line),
            })
        }
    }
}

fn utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> Result<Cow<'_, str>, IngestErrorKind> {
    let error = |found: &str| IngestErrorKind::Encoding {
        expected: "UTF-16".to_owned(),
        found: found.to_owned(),
        line: None,
    };
    let (pairs, rest) = bytes.as_chunks::<2>();
    if !rest.is_empty() {
        return Err(error("it ends in the middle of a character"));
    }
    let text = char::decode_utf16(pairs.iter().map(|&pair| unit(pair)))
        .collect::<Result<String, _>>()
        .map_err(|_| error("half of a surrogate pair is missing"))?;
    if text.trim_ascii().is_empty() { Err(IngestErrorKind::Empty) } else { Ok(text.into()) }
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

/// Returns what a file is that is no text at all, and what to do with it.
fn binary_kind(bytes: &[u8]) -> Option<(&'static str, &'static str)> {
    const UNPACK: &str = "unpack it and ingest the files inside";
    match bytes {
        [0x1F, 0x8B, ..] => Some(("a gzip archive", UNPACK)),
        [b'P', b'K', 3, 4, ..] => Some(("a zip archive", UNPACK)),
        [0x28, 0xB5, 0x2F, 0xFD, ..] => Some(("a zstd archive", UNPACK)),
        _ => bytes.contains(&0).then_some((
            "a binary file",
            "give JUnit XML, `.test_durations`, the jobs JSON of GitHub Actions or CSV",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DECLARED_LATIN: &[u8] = b"<?xml version='1.0' encoding='ISO-8859-1'?><a n='caf\xE9'/>";

    #[test]
    fn a_byte_order_mark_is_no_content() {
        assert_eq!(decode(b"\xEF\xBB\xBF<a/>").unwrap(), "<a/>");
        assert_eq!(decode(b"\xEF\xBB\xBF \n"), Err(IngestErrorKind::Empty));
    }

    #[test]
    fn utf16_is_read_in_both_orders() {
        let little: Vec<u8> = "\u{FEFF}<é/>".encode_utf16().flat_map(u16::to_le_bytes).collect();
        let big: Vec<u8> = "\u{FEFF}<é/>".encode_utf16().flat_map(u16::to_be_bytes).collect();
        assert_eq!(decode(&little).unwrap(), "<é/>");
        assert_eq!(decode(&big).unwrap(), "<é/>");
        assert!(matches!(decode(&little[..little.len() - 1]), Err(IngestErrorKind::Encoding { .. })));
    }

    #[test]
    fn latin_1_is_read_where_it_is_declared() {
        assert!(decode(DECLARED_LATIN).unwrap().contains("café"));
    }

    #[test]
    fn a_wrong_byte_is_named_with_its_line() {
        assert_eq!(
            decode(b"line one\nline \xE9 two"),
            Err(IngestErrorKind::Encoding {
                expected: "UTF-8".to_owned(),
                found: "byte 0xE9 does not belong there".to_owned(),
                line: Some(2),
            })
        );
    }

    #[test]
    fn an_encoding_that_is_not_read_is_named() {
        let error = decode(b"<?xml version=\"1.0\" encoding=\"Shift_JIS\"?><a/>").unwrap_err();
        assert_eq!(error.to_string(), "is not UTF-8 text: it declares the encoding `Shift_JIS`");
    }

    #[test]
    fn archives_are_called_archives() {
        let error = decode(b"\x1F\x8B\x08\x00").unwrap_err();
        assert_eq!(error.to_string(), "is no report that can be read: it is a gzip archive");
    }
}

//! The outline of a JSON document: enough to tell whose it is, without keeping its content.

use std::fmt;

use serde::de::{
    Deserialize, DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor,
};

use super::IngestErrorKind;

/// How many keys of an object and items of a list are looked at. The telling ones come early.
const LOOKED_AT: usize = 64;

/// What a JSON value is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Outline {
    Null,
    Bool,
    Number,
    Text,
    List(Vec<Self>),
    Object(Vec<(String, Self)>),
}

impl Outline {
    /// Returns the outline of a document, or where it is broken. Once the first of its entries have told what it
    /// is, the rest is not looked at: whoever reads it will find what is wrong there.
    pub(super) fn of(text: &str) -> Result<Self, IngestErrorKind> {
        let mut outline = None;
        let mut documents = serde_json::Deserializer::from_str(text);
        let read = Top(&mut outline).deserialize(&mut documents);
        match (read, outline) {
            (Ok(()), Some(outline)) => Ok(outline),
            (Err(error), Some(outline)) if !error.is_syntax() && !error.is_eof() => Ok(outline),
            (Err(error), _) => Err(malformed(&error)),
            (Ok(()), None) => Err(IngestErrorKind::Empty),
        }
    }

    /// Returns what stands under a key of an object.
    pub(super) fn get(&self, key: &str) -> Option<&Self> {
        match self {
            Self::Object(entries) => entries.iter().find(|(name, _)| name == key).map(|(_, value)| value),
            _ => None,
        }
    }

    /// Returns what the value is, in words.
    pub(super) fn describe(&self) -> String {
        const NAMED: usize = 4;
        match self {
            Self::Null => "a JSON null".to_owned(),
            Self::Bool => "a JSON boolean".to_owned(),
            Self::Number => "a JSON number".to_owned(),
            Self::Text => "a JSON string".to_owned(),
            Self::List(items) => match items.first() {
                None => "an empty JSON list".to_owned(),
                Some(first) => format!("a JSON list, its first item {}", first.describe()),
            },
            Self::Object(entries) => {
                let keys: Vec<_> = entries.iter().take(NAMED).map(|(key, _)| format!("`{key}`")).collect();
                let more = if entries.len() > NAMED { " …" } else { "" };
                format!("a JSON object with the keys {}{more}", keys.join(", "))
            }
        }
    }
}

/// Returns the error of the JSON parser with its place apart from its words.
pub(super) fn malformed(error: &serde_json::Error) -> IngestErrorKind {
    let words = error.to_string();
    let place = format!(" at line {} column {}", error.line(), error.column());
    IngestErrorKind::Malformed {
        language: "JSON",
        problem: words.strip_suffix(&place).unwrap_or(&words).to_owned(),
        line: error.line() as u64,
        // The parser counts from 1 and says 0 where a line ends too early.
        column: Some(error.column() as u64).filter(|&column| column > 0),
    }
}

impl<'de> Deserialize<'de> for Outline {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(OutlineVisitor)
    }
}

/// The outermost value, which is left behind even where its reading is broken off.
struct Top<'a>(&'a mut Option<Outline>);

impl<'de> DeserializeSeed<'de> for Top<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Top<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<(), A::Error> {
        let mut outline = Vec::new();
        while let Some(entry) = entries.next_entry()? {
            outline.push(entry);
            if outline.len() == LOOKED_AT {
                *self.0 = Some(Outline::Object(outline));
                return Err(A::Error::custom("enough"));
            }
        }
        *self.0 = Some(Outline::Object(outline));
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        let mut outline = Vec::new();
        while let Some(item) = items.next_element()? {
            outline.push(item);
            if outline.len() == LOOKED_AT {
                *self.0 = Some(Outline::List(outline));
                return Err(A::Error::custom("enough"));
            }
        }
        *self.0 = Some(Outline::List(outline));
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        *self.0 = Some(Outline::Null);
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        *self.0 = Some(Outline::Bool);
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        *self.0 = Some(Outline::Number);
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        *self.0 = Some(Outline::Number);
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        *self.0 = Some(Outline::Number);
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        *self.0 = Some(Outline::Text);
        Ok(())
    }
}

/// Returns a document without the `NaN` and `Infinity` that Python writes into JSON and that JSON does not know:
/// `null` stands in their place, which no reader takes for a time. Nothing where there are none.
pub(super) fn without_nan(text: &str) -> Option<String> {
    let bytes = text.as_bytes();
    let suspects = ["NaN", "Infinity"];
    if suspects.iter().all(|word| memchr::memmem::find(bytes, word.as_bytes()).is_none()) {
        return None;
    }
    let mut mended = String::with_capacity(text.len());
    let (mut at, mut kept) = (0, 0);
    while let Some(length) = memchr::memchr3(b'"', b'N', b'I', &bytes[at..]) {
        at += length;
        if bytes[at] == b'"' {
            at = end_of_string(bytes, at + 1);
            continue;
        }
        let Some(word) = suspects.iter().find(|word| bytes[at..].starts_with(word.as_bytes())) else {
            at += 1;
            continue;
        };
        mended += text[kept..at].trim_end_matches('-');
        mended += "null";
        at += word.len();
        kept = at;
    }
    mended += &text[kept..];
    Some(mended)
}

/// Returns the place behind a string whose content begins at `at`.
fn end_of_string(bytes: &[u8], mut at: usize) -> usize {
    while let Some(length) = memchr::memchr2(b'"', b'\\', &bytes[at..]) {
        at += length;
        if bytes[at] == b'"' {
            return at + 1;
        }
        at = (at + 2).min(bytes.len());
    }
    bytes.len()
}

struct OutlineVisitor;

impl<'de> Visitor<'de> for OutlineVisitor {
    type Value = Outline;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Outline, E> {
        Ok(Outline::Null)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Outline, E> {
        Ok(Outline::Bool)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Outline, E> {
        Ok(Outline::Number)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Outline, E> {
        Ok(Outline::Number)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Outline, E> {
        Ok(Outline::Number)
    }

    fn visit_str<E>(self, _: &str) -> Result<Outline, E> {
        Ok(Outline::Text)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Outline, A::Error> {
        let mut outline = Vec::new();
        while outline.len() < LOOKED_AT {
            match items.next_element()? {
                Some(item) => outline.push(item),
                None => return Ok(Outline::List(outline)),
            }
        }
        while items.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Outline::List(outline))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Outline, A::Error> {
        let mut outline = Vec::new();
        while outline.len() < LOOKED_AT {
            match entries.next_entry()? {
                Some(entry) => outline.push(entry),
                None => return Ok(Outline::Object(outline)),
            }
        }
        while entries.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Outline::Object(outline))
    }
}

#[cfg(test)]
mod checks {
    use super::*;

    #[test]
    fn words_that_json_does_not_know_become_null() {
        assert_eq!(
            without_nan(r#"{"NaN": "NaN \" NaN", "a": NaN, "b": [-Infinity]}"#).unwrap(),
            r#"{"NaN": "NaN \" NaN", "a": null, "b": [null]}"#
        );
        assert_eq!(without_nan("{}"), None);
    }

    #[test]
    fn a_long_document_is_told_by_its_beginning() {
        let entries: Vec<String> = (0..1_000).map(|number| format!("\"t::{number}\": 1")).collect();
        let text = format!("{{{} broken", entries.join(","));
        assert!(matches!(Outline::of(&text), Ok(Outline::Object(entries)) if entries.len() == LOOKED_AT));
        assert!(Outline::of("{\"a\": 1").is_err());
    }
}

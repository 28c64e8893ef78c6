//! The outline of a JSON document: enough to tell whose it is, without keeping its content.

use std::fmt;

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

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
    /// Returns the outline of a document, or where it is broken.
    pub(super) fn of(text: &str) -> Result<Self, IngestErrorKind> {
        let mut documents = serde_json::Deserializer::from_str(text).into_iter::<Self>();
        match documents.next() {
            Some(Ok(first)) => match documents.next() {
                None => Ok(first),
                // A second whole document: lines of JSON, as logs of events are written.
                Some(Ok(_)) => Err(IngestErrorKind::Unrecognised {
                    found: "a log of JSON lines".to_owned(),
                    remedy: "`pytest --junitxml=report.xml` writes a report that is read",
                }),
                Some(Err(error)) => Err(malformed(&error)),
            },
            Some(Err(error)) => Err(malformed(&error)),
            None => Err(IngestErrorKind::Empty),
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

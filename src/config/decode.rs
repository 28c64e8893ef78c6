//! Reads TOML tables key by key and keeps every problem with its place, so that all are shown at once.

use std::cell::RefCell;
use std::ops::Range;
use std::str::FromStr;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::Problem;
use crate::time::Millis;

/// The largest number of anything, and the longest time, that a manifest may name: sums of them stay far from
/// overflow.
const MOST: u32 = 100_000;
const LONGEST: Millis = Millis::from_secs(7 * 24 * 3600);

/// A table of the file while it is read. Every key that is asked for becomes a known key; what is left at the
/// end is unknown.
pub(super) struct Section<'t, 'i> {
    title: String,
    table: &'t DeTable<'i>,
    span: Range<usize>,
    asked: RefCell<Vec<&'static str>>,
    problems: &'t RefCell<Vec<Problem>>,
}

impl<'t, 'i> Section<'t, 'i> {
    pub(super) fn new(
        title: impl Into<String>,
        table: &'t DeTable<'i>,
        span: Range<usize>,
        problems: &'t RefCell<Vec<Problem>>,
    ) -> Self {
        Self { title: title.into(), table, span, asked: RefCell::new(Vec::new()), problems }
    }

    /// Returns where the table stands in the file.
    pub(super) fn span(&self) -> Range<usize> {
        self.span.clone()
    }

    /// Returns where a key's value stands, or the table's place where the key is absent.
    pub(super) fn span_of(&self, key: &str) -> Range<usize> {
        self.table.get(key).map_or_else(|| self.span(), Spanned::span)
    }

    /// Returns whether the file has this key.
    pub(super) fn has(&self, key: &str) -> bool {
        self.table.contains_key(key)
    }

    /// Notes a problem.
    pub(super) fn problem(&self, span: Range<usize>, message: impl Into<String>, hint: Option<String>) {
        self.problems.borrow_mut().push(Problem { message: message.into(), span, hint });
    }

    /// Returns the value of a key as `read` understands it; what it refuses is a problem.
    fn value<T>(&self, key: &'static str, read: impl FnOnce(&DeValue<'i>) -> Result<T, String>) -> Option<T> {
        self.asked.borrow_mut().push(key);
        let value = self.table.get(key)?;
        match read(value.get_ref()) {
            Ok(read) => Some(read),
            Err(expected) => {
                self.problem(value.span(), format!("`{key}` {expected}"), None);
                None
            }
        }
    }

    pub(super) fn string(&self, key: &'static str) -> Option<String> {
        self.value(key, |value| as_str(value).map(str::to_owned))
    }

    /// Returns a string that is the name of something, checked by its own type.
    pub(super) fn parsed<T: FromStr<Err: std::fmt::Display>>(&self, key: &'static str) -> Option<T> {
        self.value(key, |value| {
            as_str(value)?.parse().map_err(|error: T::Err| format!("is not valid: {error}"))
        })
    }

    /// Returns a list of strings, each with its place.
    pub(super) fn list<T: FromStr<Err: std::fmt::Display>>(&self, key: &'static str) -> Vec<Spanned<T>> {
        self.asked.borrow_mut().push(key);
        let Some(value) = self.table.get(key) else { return Vec::new() };
        let DeValue::Array(items) = value.get_ref() else {
            let message = format!("`{key}` must be a list of strings, not {}", kind(value.get_ref()));
            self.problem(value.span(), message, None);
            return Vec::new();
        };
        let mut parsed = Vec::with_capacity(items.len());
        for item in items {
            let text = as_str(item.get_ref());
            match text.and_then(|text| text.parse().map_err(|error: T::Err| error.to_string())) {
                Ok(parsed_item) => parsed.push(Spanned::new(item.span(), parsed_item)),
                Err(message) => self.problem(item.span(), format!("in `{key}`: {message}"), None),
            }
        }
        parsed
    }

    /// Returns a list of strings, or the one that stands in its place.
    pub(super) fn string_or_list(&self, key: &'static str) -> Option<Vec<String>> {
        self.value(key, |value| {
            let text = |value: &DeValue<'_>| {
                let refused = |_| format!("must hold strings, not {}", kind(value));
                as_str(value).map(str::to_owned).map_err(refused)
            };
            match value {
                DeValue::Array(items) => items.iter().map(|item| text(item.get_ref())).collect(),
                other => Ok(vec![text(other)?]),
            }
        })
    }

    /// Returns a list of port numbers.
    pub(super) fn ports(&self, key: &'static str) -> Vec<u16> {
        let read = self.value(key, |value| {
            let DeValue::Array(items) = value else {
                return Err("must be a list of port numbers".to_owned());
            };
            let port = |item: &Spanned<DeValue<'_>>| match item.get_ref() {
                DeValue::Integer(integer) => u16::from_str_radix(integer.as_str(), integer.radix()).ok(),
                _ => None,
            };
            items
                .iter()
                .map(port)
                .collect::<Option<Vec<u16>>>()
                .ok_or_else(|| "must hold numbers from 0 to 65535".to_owned())
        });
        read.unwrap_or_default()
    }

    /// Returns a table whose keys are free, each with a list of strings.
    pub(super) fn lists<K: FromStr<Err: std::fmt::Display>>(
        &self,
        key: &'static str,
    ) -> Vec<(K, Vec<String>)> {
        self.asked.borrow_mut().push(key);
        let Some(value) = self.table.get(key) else { return Vec::new() };
        let DeValue::Table(table) = value.get_ref() else {
            self.problem(value.span(), format!("`{key}` must be a table"), None);
            return Vec::new();
        };
        let mut lists = Vec::new();
        for (name, value) in table {
            let items = match value.get_ref() {
                DeValue::Array(items) => items
                    .iter()
                    .map(|item| as_str(item.get_ref()).map(str::to_owned))
                    .collect::<Result<Vec<_>, _>>(),
                other => Err(format!("must be a list of strings, not {}", kind(other))),
            };
            match (name.get_ref().parse::<K>(), items) {
                (Ok(name), Ok(items)) => lists.push((name, items)),
                (Err(error), _) => self.problem(name.span(), error.to_string(), None),
                (_, Err(message)) => {
                    self.problem(value.span(), format!("`{}` {message}", name.get_ref()), None);
                }
            }
        }
        lists
    }

    /// Returns a whole number of at least `least` and at most [`MOST`].
    pub(super) fn count(&self, key: &'static str, least: u32) -> Option<u32> {
        self.count_up_to(key, least, MOST)
    }

    /// Returns a whole number of at least `least` and at most `most`.
    pub(super) fn count_up_to(&self, key: &'static str, least: u32, most: u32) -> Option<u32> {
        self.value(key, |value| {
            let number = match value {
                DeValue::Integer(integer) => u32::from_str_radix(integer.as_str(), integer.radix()).ok(),
                _ => None,
            };
            number
                .filter(|number| (least..=most).contains(number))
                .ok_or_else(|| format!("must be a whole number from {least} to {most}"))
        })
    }

    /// Returns a number within a range.
    pub(super) fn number(&self, key: &'static str, range: std::ops::RangeInclusive<f64>) -> Option<f64> {
        self.value(key, |value| {
            let number: Option<f64> = match value {
                DeValue::Integer(integer) => integer.as_str().parse().ok(),
                DeValue::Float(float) => float.as_str().parse().ok(),
                _ => None,
            };
            number
                .filter(|number| range.contains(number))
                .ok_or_else(|| format!("must be a number from {} to {}", range.start(), range.end()))
        })
    }

    /// Returns a number of at most six decimals, in millionths.
    pub(super) fn millionths(&self, key: &'static str, range: std::ops::RangeInclusive<f64>) -> Option<u64> {
        let number = self.number(key, range)?;
        // The shortest decimal that means this number is the one that was written, but for zeros at its end.
        let text = number.to_string();
        let (whole, decimals) = text.split_once('.').unwrap_or((&text, ""));
        if decimals.len() > 6 {
            let hint = format!("write `{key} = {number:.6}`");
            self.problem(self.span_of(key), format!("`{key}` has more than six decimals"), Some(hint));
            return None;
        }
        format!("{whole}{decimals:0<6}").parse().ok()
    }

    /// Returns a span of time.
    pub(super) fn span_of_time(&self, key: &'static str) -> Option<Millis> {
        self.value(key, |value| {
            as_str(value)
                .map_err(|_| "must be a duration in quotes, such as \"45s\" or \"1m30s\"".to_owned())?
                .parse()
                .map_err(|error| format!("must be a duration: {error}"))
                .and_then(
                    |time| if time <= LONGEST { Ok(time) } else { Err("must be a week at most".to_owned()) },
                )
        })
    }

    /// Returns a choice among words.
    pub(super) fn choice<T: Copy>(&self, key: &'static str, choices: &[(&'static str, T)]) -> Option<T> {
        self.value(key, |value| {
            let text = as_str(value)?;
            choices.iter().find(|(word, _)| *word == text).map(|(_, choice)| *choice).ok_or_else(|| {
                let words = choices.iter().map(|(word, _)| *word);
                let near = nearest(text, words.clone())
                    .map(|word| format!("; did you mean `{word}`?"))
                    .unwrap_or_default();
                let words: Vec<_> = words.map(|word| format!("\"{word}\"")).collect();
                format!("must be one of {}{near}", words.join(", "))
            })
        })
    }

    /// Returns a choice, or the number that stands in its place.
    pub(super) fn count_or_word(&self, key: &'static str, word: &'static str) -> Option<Result<u32, ()>> {
        self.value(key, |value| match value {
            DeValue::Integer(integer) => u32::from_str_radix(integer.as_str(), integer.radix())
                .ok()
                .filter(|number| (1..=1024).contains(number))
                .map(Ok)
                .ok_or_else(|| format!("must be a whole number from 1 to 1024 or \"{word}\"")),
            DeValue::String(text) if text == word => Ok(Err(())),
            _ => Err(format!("must be a whole number from 1 to 1024 or \"{word}\"")),
        })
    }

    /// Returns a table inside this one.
    pub(super) fn table(&self, key: &'static str) -> Option<Self> {
        self.asked.borrow_mut().push(key);
        let value = self.table.get(key)?;
        let title = if self.title.is_empty() { key.to_owned() } else { format!("{}.{key}", self.title) };
        if let DeValue::Table(table) = value.get_ref() {
            Some(Self::new(title, table, self.place_of(key), self.problems))
        } else {
            let message = format!("`{key}` must be a table, `[{title}]`");
            self.problem(value.span(), message, None);
            None
        }
    }

    /// Returns the tables that are named by the user inside the table `key`, with their names checked.
    pub(super) fn named_tables<N: FromStr<Err: std::fmt::Display>>(
        &self,
        key: &'static str,
    ) -> Vec<(N, Self)> {
        let Some(section) = self.table(key) else { return Vec::new() };
        let mut tables = Vec::new();
        for (name, value) in section.table {
            let text = name.get_ref();
            match (text.parse::<N>(), value.get_ref()) {
                (Ok(parsed), DeValue::Table(table)) => {
                    let title = format!("{key}.{text}");
                    tables.push((parsed, Self::new(title, table, name.span(), self.problems)));
                }
                (Err(error), _) => self.problem(name.span(), error.to_string(), None),
                (Ok(_), _) => {
                    let message = format!("`{key}.{text}` must be a table, `[{key}.{text}]`");
                    self.problem(value.span(), message, None);
                }
            }
        }
        tables
    }

    /// Returns where a key's name stands.
    fn place_of(&self, key: &str) -> Range<usize> {
        self.table.get_key_value(key).map_or_else(|| self.span(), |(name, _)| name.span())
    }

    /// Notes every key that nobody asked for, with the nearest that is known here.
    pub(super) fn finish(self) {
        let asked = self.asked.borrow();
        for name in self.table.keys() {
            let text = name.get_ref();
            if asked.iter().any(|known| known == text) {
                continue;
            }
            let place = if self.title.is_empty() {
                "at the top level".to_owned()
            } else {
                format!("in `[{}]`", self.title)
            };
            let hint = nearest(text, asked.iter().copied()).map_or_else(
                || {
                    let mut known = asked.clone();
                    known.sort_unstable();
                    format!("the keys here are: {}", known.join(", "))
                },
                |near| format!("did you mean `{near}`?"),
            );
            self.problem(name.span(), format!("unknown key `{text}` {place}"), Some(hint));
        }
    }
}

fn as_str<'v>(value: &'v DeValue<'_>) -> Result<&'v str, String> {
    match value {
        DeValue::String(text) => Ok(text),
        other => Err(format!("must be a string, not {}", kind(other))),
    }
}

/// Returns what a value is, with its article.
fn kind(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a string",
        DeValue::Integer(_) | DeValue::Float(_) => "a number",
        DeValue::Boolean(_) => "a boolean",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}

/// Returns the candidate that `text` was probably meant to be.
pub(crate) fn nearest<'c>(text: &str, candidates: impl IntoIterator<Item = &'c str>) -> Option<&'c str> {
    candidates
        .into_iter()
        .map(|candidate| (strsim::damerau_levenshtein(text, candidate), candidate))
        .filter(|(distance, candidate)| *distance <= candidate.len().max(text.len()).div_ceil(3))
        .min()
        .map(|(_, candidate)| candidate)
}

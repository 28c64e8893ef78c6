//! Names and positions: what a thing is called outside, and how it is addressed inside.
//!
//! A name is checked once, when it is made; after that its type says that it is one. Inside the model things
//! are addressed by dense indices of their own type, so that a unit can't be taken for a shard.

use std::fmt;
use std::ops::{Index, IndexMut};
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize};

/// A text that is not a name of its kind.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{}` is not a {kind} name: {rule}", .text.escape_debug())]
pub struct NameError {
    kind: &'static str,
    rule: &'static str,
    text: String,
}

macro_rules! name_type {
    ($(#[$doc:meta])* $name:ident, $kind:literal, $rule:literal, $accepts:expr) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
        #[serde(transparent)]
        pub struct $name(Box<str>);

        impl $name {
            /// Returns the name as it was written.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = NameError;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                let accepts: fn(&str) -> bool = $accepts;
                if accepts(text) {
                    Ok(Self(text.into()))
                } else {
                    Err(NameError { kind: $kind, rule: $rule, text: text.to_owned() })
                }
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }
    };
}

name_type!(
    /// The name of a lane: a CI job definition whose shards share runner, install steps and selection.
    LaneName,
    "lane",
    "use 1 to 64 letters, digits, `-` and `_`, starting with a letter or digit",
    is_plain_name
);

name_type!(
    /// The name of a shard: a job of a lane, with a service set of its own.
    ShardName,
    "shard",
    "use 1 to 80 letters, digits, `-` and `_`, starting with a letter or digit",
    |text| text.len() <= 80 && text.starts_with(|c: char| c.is_ascii_alphanumeric()) && text.bytes().all(is_plain)
);

impl ShardName {
    /// Returns the name of a lane's shard: the lane's, and a number.
    #[must_use]
    pub fn numbered(lane: &LaneName, number: u32) -> Self {
        Self(format!("{lane}-{number}").into())
    }
}

name_type!(
    /// The name of a service: something started beside the job.
    ServiceName,
    "service",
    "use 1 to 64 letters, digits, `-` and `_`, starting with a letter or digit",
    is_plain_name
);

name_type!(
    /// The name of a kind of runner: a machine of some size that a lane's shards may run on.
    RunnerName,
    "runner",
    "use 1 to 64 letters, digits, `-` and `_`, starting with a letter or digit",
    is_plain_name
);

name_type!(
    /// The name of a job of the workflow that is not a lane.
    JobName,
    "job",
    "use 1 to 200 characters, none of them a control character",
    |text| !text.is_empty() && text.chars().count() <= 200 && !text.chars().any(char::is_control)
);

name_type!(
    /// The name of a pytest mark, a Python identifier.
    MarkerName,
    "marker",
    "a pytest mark is a Python identifier",
    |text| {
        text.starts_with(|c: char| c == '_' || c.is_alphabetic())
            && text.chars().all(|c| c == '_' || c.is_alphanumeric())
    }
);

fn is_plain_name(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && text.starts_with(|c: char| c.is_ascii_alphanumeric())
        && text.bytes().all(is_plain)
}

fn is_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_'
}

/// The address of a test in its runner: `path::Class::name[param]` in pytest.
///
/// It comes from the repository under test and may hold anything but nothing: whoever writes it into a file or
/// on a screen escapes it. Its `Display` escapes control characters, so that no id can drive a terminal.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId(Box<str>);

impl NodeId {
    /// The longest id that is taken, in bytes. pytest has no limit; a longer one is a broken report.
    pub const MAX_BYTES: usize = 64 * 1024;

    fn check(text: &str) -> Result<(), NameError> {
        if text.trim().is_empty() || text.len() > Self::MAX_BYTES {
            let shown = text.chars().take(80).collect();
            return Err(NameError { kind: "test", rule: "it must have 1 to 65536 bytes", text: shown });
        }
        Ok(())
    }

    /// Returns the id as its runner wrote it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the part before the first `::`: the file of a pytest test, and the whole id where there is none.
    #[must_use]
    pub fn file(&self) -> &str {
        self.0.split_once("::").map_or(&self.0, |(file, _)| file)
    }

    /// Returns the id up to its class (`path::Class`, nested classes included), or the file where the test is
    /// a plain function. Brackets of parameters are not searched: `[a::b]` is no class.
    #[must_use]
    pub fn class(&self) -> &str {
        // A folder may hold a bracket, too.
        let names = self.0.find("::").unwrap_or(self.0.len());
        let bracket = self.0[names..].find('[').map_or(self.0.len(), |bracket| names + bracket);
        let before_parameters = &self.0[..bracket];
        before_parameters.rfind("::").map_or(&*self.0, |end| &self.0[..end])
    }
}

impl FromStr for NodeId {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::check(text).map(|()| Self(text.into()))
    }
}

/// Takes a text as it is, where there are millions of them.
impl TryFrom<String> for NodeId {
    type Error = NameError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::check(&text).map(|()| Self(text.into_boxed_str()))
    }
}

impl fmt::Display for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&Printable(&self.0).to_string())
    }
}

/// Foreign text on its way to a screen: control characters and bidirectional overrides are written as escapes.
pub struct Printable<'a>(pub &'a str);

impl fmt::Display for Printable<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use fmt::Write as _;
        for c in self.0.chars() {
            if c.is_control()
                || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{2028}' | '\u{2029}')
            {
                write!(f, "{}", c.escape_default())?;
            } else {
                f.write_char(c)?;
            }
        }
        Ok(())
    }
}

macro_rules! index_type {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub u32);

        impl Ix for $name {
            fn from_position(position: usize) -> Self {
                Self(u32::try_from(position).expect("fewer than 2^32 of a kind"))
            }

            fn position(self) -> usize {
                self.0 as usize
            }
        }
    };
}

/// A position in a typed vector.
pub trait Ix: Copy {
    /// Returns the index of a position.
    fn from_position(position: usize) -> Self;
    /// Returns the position of an index.
    fn position(self) -> usize;
}

index_type!(
    /// The position of a test in the inventory.
    TestIx
);
index_type!(
    /// The position of a unit in the model.
    UnitIx
);
index_type!(
    /// The position of a lane in the model.
    LaneIx
);
index_type!(
    /// The position of a shard in a plan.
    ShardIx
);
index_type!(
    /// The position of a service in the model.
    ServiceIx
);

index_type!(
    /// The position of a part of a run in the observed history.
    RunIx
);
index_type!(
    /// The position of a run of the CI in the observed history.
    WholeRunIx
);

/// A vector that is addressed by its own kind of index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IxVec<I, T> {
    items: Vec<T>,
    index: std::marker::PhantomData<fn(I)>,
}

impl<I: Ix, T> IxVec<I, T> {
    /// Returns how many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.items.len()
    }

    /// Returns whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// Appends an item and returns its index.
    pub fn push(&mut self, item: T) -> I {
        self.items.push(item);
        I::from_position(self.items.len() - 1)
    }

    /// Returns the items in order.
    pub fn iter(&self) -> std::slice::Iter<'_, T> {
        self.items.iter()
    }

    /// Returns the items in order, as a slice.
    #[must_use]
    pub fn as_slice(&self) -> &[T] {
        &self.items
    }

    /// Returns the items in order, to change.
    pub fn iter_mut(&mut self) -> std::slice::IterMut<'_, T> {
        self.items.iter_mut()
    }

    /// Returns the items with their indices, in order.
    #[must_use]
    pub fn iter_enumerated(&self) -> impl DoubleEndedIterator<Item = (I, &T)> + ExactSizeIterator {
        self.items.iter().enumerate().map(|(position, item)| (I::from_position(position), item))
    }

    /// Returns the indices in order.
    #[must_use]
    pub fn indices(&self) -> impl DoubleEndedIterator<Item = I> + ExactSizeIterator + use<I, T> {
        (0..self.items.len()).map(I::from_position)
    }

    /// Returns the item of an index, where there is one.
    #[must_use]
    pub fn get(&self, index: I) -> Option<&T> {
        self.items.get(index.position())
    }
}

impl<I, T> Default for IxVec<I, T> {
    fn default() -> Self {
        Self { items: Vec::new(), index: std::marker::PhantomData }
    }
}

impl<I: Ix, T> FromIterator<T> for IxVec<I, T> {
    fn from_iter<It: IntoIterator<Item = T>>(items: It) -> Self {
        Self { items: items.into_iter().collect(), index: std::marker::PhantomData }
    }
}

impl<'v, I: Ix, T> IntoIterator for &'v IxVec<I, T> {
    type Item = &'v T;
    type IntoIter = std::slice::Iter<'v, T>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl<'v, I: Ix, T> IntoIterator for &'v mut IxVec<I, T> {
    type Item = &'v mut T;
    type IntoIter = std::slice::IterMut<'v, T>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter_mut()
    }
}

impl<I: Ix, T> Index<I> for IxVec<I, T> {
    type Output = T;

    fn index(&self, index: I) -> &T {
        &self.items[index.position()]
    }
}

impl<I: Ix, T> IndexMut<I> for IxVec<I, T> {
    fn index_mut(&mut self, index: I) -> &mut T {
        &mut self.items[index.position()]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lane_names_are_plain() {
        for good in ["unit", "heavy-2", "a_b", "7"] {
            assert!(good.parse::<LaneName>().is_ok(), "{good}");
        }
        for bad in ["", "-x", "a b", "a/b", "${{ x }}", "é", "a\n", &"a".repeat(65)] {
            assert!(bad.parse::<LaneName>().is_err(), "{bad}");
        }
    }

    #[test]
    fn marker_names_are_identifiers() {
        assert!("db_1".parse::<MarkerName>().is_ok());
        assert!("not slow".parse::<MarkerName>().is_err());
        assert!("1a".parse::<MarkerName>().is_err());
    }

    #[test]
    fn a_node_id_knows_its_file_and_class() {
        let id = |text: &str| text.parse::<NodeId>().expect("an id");
        assert_eq!(id("a/b.py::K::t[x::y]").file(), "a/b.py");
        assert_eq!(id("a/b.py::K::t[x::y]").class(), "a/b.py::K");
        assert_eq!(id("a/b.py::t[x::y]").class(), "a/b.py");
        assert_eq!(id("crate::binary$test").file(), "crate");
        assert_eq!(id("a/b.py").class(), "a/b.py");
    }

    #[test]
    fn a_hostile_id_can_not_drive_the_terminal() {
        let id: NodeId = "a.py::t[\u{1b}[2J\u{202e}\n]".parse().expect("an id");
        assert_eq!(id.to_string(), "a.py::t[\\u{1b}[2J\\u{202e}\\n]");
    }
}

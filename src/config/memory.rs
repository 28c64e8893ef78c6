//! Amounts of memory, in whole bytes.

use std::fmt;
use std::iter::Sum;
use std::str::FromStr;

/// An amount of memory in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Memory(pub u64);

/// A text that is not an amount of memory.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not an amount of memory: write it as `512MB`, `1.5GB` or `2GiB`")]
pub struct ParseMemoryError(String);

/// The units, longest names first so that `MiB` is not read as `B`.
const UNITS: [(&str, u64); 6] = [
    ("GiB", 1 << 30),
    ("MiB", 1 << 20),
    ("KiB", 1 << 10),
    ("GB", 1_000_000_000),
    ("MB", 1_000_000),
    ("kB", 1_000),
];

/// The most that anything may be said to take or have, a pebibyte: sums of thousands of them stay far from overflow.
const MOST: u64 = 1 << 50;

impl Memory {
    /// A megabyte.
    pub const MEGABYTE: Self = Self(1_000_000);

    /// Returns what is left of it, nothing where `taken` is more.
    #[must_use]
    pub const fn saturating_sub(self, taken: Self) -> Self {
        Self(self.0.saturating_sub(taken.0))
    }

    /// Returns the sum of both.
    #[must_use]
    pub const fn plus(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl Sum for Memory {
    fn sum<I: Iterator<Item = Self>>(amounts: I) -> Self {
        amounts.fold(Self(0), Self::plus)
    }
}

impl FromStr for Memory {
    type Err = ParseMemoryError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let refused = || ParseMemoryError(text.to_owned());
        let (number, unit) = UNITS
            .iter()
            .find_map(|(name, unit)| Some((text.trim().strip_suffix(name)?.trim_end(), *unit)))
            .ok_or_else(refused)?;
        let (whole, part) = number.split_once('.').unwrap_or((number, "0"));
        let is_number =
            |digits: &str| !digits.is_empty() && digits.bytes().all(|digit| digit.is_ascii_digit());
        if !is_number(whole) || !is_number(part) || part.len() > 9 {
            return Err(refused());
        }
        let whole: u64 = whole.parse().map_err(|_| refused())?;
        let scale = 10_u128.pow(u32::try_from(part.len()).unwrap_or(0));
        let part: u128 = part.parse().map_err(|_| refused())?;
        let bytes = u128::from(whole) * u128::from(unit) + part * u128::from(unit) / scale;
        u64::try_from(bytes).ok().filter(|bytes| *bytes <= MOST).map(Self).ok_or_else(refused)
    }
}

/// Writes the amount as people say it: `150MB`, `1.5GB`; what is a whole number of mebibytes in these, `512MiB`, `7GiB`.
impl fmt::Display for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = self.0;
        let (unit, name) = match bytes {
            0 => return f.write_str("0MB"),
            _ if bytes.is_multiple_of(1 << 30) => (1 << 30, "GiB"),
            _ if bytes.is_multiple_of(1 << 20) && bytes < 1 << 30 => (1 << 20, "MiB"),
            1_000_000_000.. => (1_000_000_000, "GB"),
            1_000_000.. => (1_000_000, "MB"),
            _ => (1_000, "kB"),
        };
        let (whole, rest) = (bytes / unit, bytes % unit);
        // Two digits are enough to read; more would be more than is known.
        let hundredths = (u128::from(rest) * 100).div_ceil(u128::from(unit));
        match hundredths {
            0 => write!(f, "{whole}{name}"),
            100 => write!(f, "{}{name}", whole + 1),
            _ => {
                let digits = format!("{hundredths:02}");
                write!(f, "{whole}.{}{name}", digits.trim_end_matches('0'))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_read_as_people_write_them() {
        let read = |text: &str| text.parse::<Memory>().map(|memory| memory.0).ok();
        assert_eq!(read("512MB"), Some(512_000_000));
        assert_eq!(read("1.5 GB"), Some(1_500_000_000));
        assert_eq!(read("2GiB"), Some(2 << 30));
        assert_eq!(read("0.5GiB"), Some(1 << 29));
        for text in ["", "12", "GB", "-1GB", "1.GB", ".5GB", "1e3GB", "9999999GiB", "1GB2"] {
            assert_eq!(read(text), None, "{text}");
        }
    }

    #[test]
    fn amounts_are_written_so_that_nothing_looks_smaller_than_it_is() {
        let shown = |text: &str| text.parse::<Memory>().unwrap().to_string();
        assert_eq!(shown("150MB"), "150MB");
        assert_eq!(shown("1536MiB"), "1.62GB");
        assert_eq!(shown("7GiB"), "7GiB");
        assert_eq!(shown("512MiB"), "512MiB");
        assert_eq!(Memory(1_999_999_999).to_string(), "2GB");
        assert_eq!(Memory(0).to_string(), "0MB");
    }
}

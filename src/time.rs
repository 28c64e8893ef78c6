//! Durations as the model counts them: whole milliseconds.
//!
//! The solver adds and compares times; integers make its answers the same on every machine. Measured test
//! durations are finer than a millisecond, so they stay [`Micros`] until the tests of a unit are added up.

use std::fmt;
use std::iter::Sum;
use std::ops::{Add, AddAssign, Sub};
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A span of time in whole milliseconds, from 0 to about 292 million years.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Millis(pub u64);

/// A measured duration in whole microseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Micros(pub u64);

/// A point in time in milliseconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(pub i64);

/// A text that is not a span of time.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a duration: write it as `45s`, `1m30s`, `2h` or `250ms`")]
pub struct ParseMillisError {
    text: String,
}

/// How much later than something else is still good enough: a share of it, or a span of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tolerance {
    /// So many millionths of it.
    Share(u32),
    /// So much later.
    Span(Millis),
}

/// A text that is not a tolerance.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{text}` is not a tolerance: write a share from `0%` to `100%`, such as `2%`, or a time such as `5s`"
)]
pub struct ParseToleranceError {
    text: String,
}

impl Millis {
    /// No time at all.
    pub const ZERO: Self = Self(0);
    /// One billed minute.
    pub const MINUTE: Self = Self(60_000);

    /// Returns a span of whole seconds.
    #[must_use]
    pub const fn from_secs(seconds: u64) -> Self {
        Self(seconds.saturating_mul(1000))
    }

    /// Returns the span nearest to `millis`; negative and not-a-number become zero.
    #[must_use]
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "`as` saturates, and the sign is checked"
    )]
    pub fn from_f64(millis: f64) -> Self {
        if millis > 0.0 { Self(millis.round() as u64) } else { Self::ZERO }
    }

    /// Returns the span in milliseconds as a float.
    #[must_use]
    pub fn as_f64(self) -> f64 {
        self.0 as f64
    }

    /// Returns the span in seconds.
    #[must_use]
    pub fn as_secs_f64(self) -> f64 {
        self.as_f64() / 1000.0
    }

    /// Returns the difference, or zero where `other` is longer.
    #[must_use]
    pub const fn saturating_sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }

    /// Returns how many minutes a CI service bills for a job this long: each job is rounded up.
    #[must_use]
    pub const fn billed_minutes(self) -> u64 {
        self.0.div_ceil(Self::MINUTE.0)
    }
}

impl Tolerance {
    /// Not a millisecond later.
    pub const NONE: Self = Self::Share(0);

    /// Returns the latest time that is still good enough where `best` is the best.
    #[must_use]
    pub fn after(self, best: Millis) -> Millis {
        match self {
            Self::Share(millionths) => {
                let later = u128::from(best.0) * u128::from(millionths) / 1_000_000;
                best + Millis(u64::try_from(later).unwrap_or(u64::MAX))
            }
            Self::Span(later) => best + later,
        }
    }
}

impl Micros {
    /// Returns the duration nearest to `seconds`, or nothing where that is not a finite number from 0 to
    /// 10 years: such a value measures no test.
    #[must_use]
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the range is checked")]
    pub fn from_secs_f64(seconds: f64) -> Option<Self> {
        const TEN_YEARS: f64 = 10.0 * 365.25 * 86_400.0;
        (0.0..=TEN_YEARS).contains(&seconds).then(|| Self((seconds * 1e6).round() as u64))
    }

    /// Returns the duration in seconds.
    #[must_use]
    pub fn as_secs_f64(self) -> f64 {
        self.0 as f64 / 1e6
    }

    /// Returns the duration in milliseconds.
    #[must_use]
    pub fn as_millis_f64(self) -> f64 {
        self.0 as f64 / 1e3
    }
}

impl Add for Millis {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl AddAssign for Millis {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl Sub for Millis {
    type Output = Self;

    /// Returns the difference; an earlier end than start is a fault of ours.
    fn sub(self, other: Self) -> Self {
        debug_assert!(self >= other, "{self} - {other} is negative");
        self.saturating_sub(other)
    }
}

impl Sum for Millis {
    fn sum<I: Iterator<Item = Self>>(spans: I) -> Self {
        spans.fold(Self::ZERO, Add::add)
    }
}

impl Add for Micros {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl Sum for Micros {
    fn sum<I: Iterator<Item = Self>>(spans: I) -> Self {
        spans.fold(Self(0), Add::add)
    }
}

/// Writes the span as people say it: `850ms`, `9.4s`, `45s`, `8m14s`, `1h02m`.
impl fmt::Display for Millis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = match self.0 {
            0 => "0s".to_owned(),
            1..=999 => format!("{}ms", self.0),
            1_000..=9_949 => format!("{:.1}s", self.as_secs_f64()),
            _ => {
                let seconds = (self.0 + 500) / 1000;
                let (hours, minutes, rest) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
                match (hours, minutes) {
                    (0, 0) => format!("{rest}s"),
                    (0, _) => format!("{minutes}m{rest:02}s"),
                    _ => format!("{hours}h{minutes:02}m"),
                }
            }
        };
        f.pad(&text)
    }
}

/// Reads `45s`, `1m30s`, `1.5h`, `250ms`, `2h 5m`.
impl FromStr for Millis {
    type Err = ParseMillisError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let error = || ParseMillisError { text: text.to_owned() };
        let mut rest = text.trim();
        let mut millis = 0.0;
        if rest.is_empty() {
            return Err(error());
        }
        while !rest.is_empty() {
            let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.').ok_or_else(error)?;
            let number: f64 = rest[..digits].parse().map_err(|_| error())?;
            let unit_end = rest[digits..]
                .find(|c: char| !c.is_ascii_alphabetic())
                .map_or(rest.len(), |end| digits + end);
            let factor = match &rest[digits..unit_end] {
                "ms" => 1.0,
                "s" | "sec" => 1_000.0,
                "m" | "min" => 60_000.0,
                "h" => 3_600_000.0,
                _ => return Err(error()),
            };
            millis += number * factor;
            rest = rest[unit_end..].trim_start();
        }
        Ok(Self::from_f64(millis))
    }
}

/// Writes the tolerance as it is read: `2%`, `5.0s`.
impl fmt::Display for Tolerance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Share(millionths) => write!(f, "{}%", f64::from(*millionths) / 10_000.0),
            Self::Span(Millis(later)) if !later.is_multiple_of(1000) => write!(f, "{later}ms"),
            Self::Span(Millis(later)) => write!(f, "{}s", later / 1000),
        }
    }
}

/// Reads `2%`, `0.5%`, or a span of time.
impl FromStr for Tolerance {
    type Err = ParseToleranceError;

    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the range is checked")]
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let error = || ParseToleranceError { text: text.to_owned() };
        let Some(share) = text.trim().strip_suffix('%') else {
            return text.parse().map(Self::Span).map_err(|_| error());
        };
        let percent: f64 = share.trim().parse().map_err(|_| error())?;
        if (0.0..=100.0).contains(&percent) {
            Ok(Self::Share((percent * 10_000.0).round() as u32))
        } else {
            Err(error())
        }
    }
}

impl Timestamp {
    /// Returns the year and month in UTC as `2026-06`: the partition of the history that holds it.
    #[must_use]
    pub fn month(self) -> String {
        jiff::Timestamp::from_millisecond(self.0)
            .map_or_else(|_| "unknown".to_owned(), |time| time.strftime("%Y-%m").to_string())
    }

    /// Reads an ISO 8601 time; one without an offset is taken as UTC.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        if let Ok(time) = text.parse::<jiff::Timestamp>() {
            return Some(Self(time.as_millisecond()));
        }
        let civil: jiff::civil::DateTime = text.parse().ok()?;
        let zoned = civil.to_zoned(jiff::tz::TimeZone::UTC).ok()?;
        Some(Self(zoned.timestamp().as_millisecond()))
    }
}

/// Writes the time as ISO 8601 in UTC.
impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_millisecond(self.0) {
            Ok(time) => f.pad(&time.to_string()),
            Err(_) => f.pad("unknown"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_read_as_people_say_them() {
        for (millis, text) in [
            (0, "0s"),
            (850, "850ms"),
            (9_440, "9.4s"),
            (9_960, "10s"),
            (45_000, "45s"),
            (59_700, "1m00s"),
            (494_000, "8m14s"),
            (3_720_000, "1h02m"),
        ] {
            assert_eq!(Millis(millis).to_string(), text);
        }
    }

    #[test]
    fn spans_are_read_in_every_unit() {
        for (text, millis) in
            [("45s", 45_000), ("1m30s", 90_000), ("1.5h", 5_400_000), ("250ms", 250), ("2m 5s", 125_000)]
        {
            assert_eq!(text.parse(), Ok(Millis(millis)), "{text}");
        }
    }

    #[test]
    fn what_is_no_span_is_refused() {
        for text in ["", "45", "s", "-3s", "1.2.3s", "4 parsecs", "NaN"] {
            assert!(text.parse::<Millis>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_tolerance_is_a_share_or_a_span() {
        for (text, latest) in
            [("2%", 102_000), ("0%", 100_000), ("0.5 %", 100_500), ("5s", 105_000), ("250ms", 100_250)]
        {
            let tolerance: Tolerance = text.parse().unwrap();
            assert_eq!(tolerance.after(Millis(100_000)), Millis(latest), "{text}");
            assert_eq!(tolerance.to_string().parse(), Ok(tolerance), "{text}");
        }
        for text in ["", "2", "%", "-1%", "101%", "NaN%", "inf%", "2 %%"] {
            assert!(text.parse::<Tolerance>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_duration_that_measures_no_test_is_nothing() {
        for seconds in [f64::NAN, f64::INFINITY, -0.1, 1e12] {
            assert_eq!(Micros::from_secs_f64(seconds), None);
        }
        assert_eq!(Micros::from_secs_f64(0.0003), Some(Micros(300)));
    }

    #[test]
    fn times_without_an_offset_are_utc() {
        assert_eq!(Timestamp::parse("2026-06-16T08:00:00"), Timestamp::parse("2026-06-16T08:00:00Z"));
        assert_eq!(Timestamp::parse("2026-06-16T10:00:00+02:00"), Timestamp::parse("2026-06-16T08:00:00Z"));
        assert_eq!(Timestamp::parse("yesterday"), None);
    }
}

//! The rules for a time as a report writes it.
//!
//! Most reports write `1.25`. Some write what their machine's locale prints, some a span with its unit, and some
//! write nonsense. A text that can mean one thing only is read; one that can mean two is not guessed at.

use crate::time::Micros;

/// No test takes longer than this. A longer time is a clock that was set, or another unit.
const MAX_SECONDS: f64 = 7.0 * 24.0 * 3600.0;

/// What a text says of a duration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Seconds {
    /// A plain number of seconds.
    Plain(Micros),
    /// A number with separators or a unit that leave no doubt.
    Local(Micros),
    /// `1,234` is a thousand in one country and one in another.
    Ambiguous,
    /// No duration of a test.
    Impossible,
    /// Nothing is written there.
    Missing,
}

impl Seconds {
    /// Reads a text.
    pub(super) fn parse(text: &str) -> Self {
        let text = text.trim();
        if text.is_empty() {
            return Self::Missing;
        }
        match text.parse::<f64>() {
            Ok(seconds) => micros(seconds).map_or(Self::Impossible, Self::Plain),
            Err(_) => local(text),
        }
    }
}

/// Reads digits with at most six behind a dot, as nearly every report has them; anything else is left to
/// [`Seconds::parse`].
pub(super) fn plain(text: &[u8]) -> Option<Micros> {
    let dot = memchr::memchr(b'.', text);
    let (whole, fraction) = dot.map_or((text, &[][..]), |dot| (&text[..dot], &text[dot + 1..]));
    if whole.is_empty() || whole.len() > 6 || fraction.len() > 6 {
        return None;
    }
    let digits = |digits: &[u8]| {
        digits.iter().try_fold(0_u64, |number, digit| {
            digit.is_ascii_digit().then(|| 10 * number + u64::from(digit - b'0'))
        })
    };
    let scale = 10_u64.pow(6 - u32::try_from(fraction.len()).ok()?);
    let time = Micros(digits(whole)? * 1_000_000 + digits(fraction)? * scale);
    (time.as_secs_f64() <= MAX_SECONDS).then_some(time)
}

/// Returns the duration of a number of seconds, where a test can take it.
pub(super) fn micros(seconds: f64) -> Option<Micros> {
    Micros::from_secs_f64(seconds).filter(|_| seconds <= MAX_SECONDS)
}

fn local(text: &str) -> Seconds {
    let known = |seconds: f64| micros(seconds).map_or(Seconds::Impossible, Seconds::Local);
    if let Some((hours, rest)) = text.split_once(':') {
        return clock(hours, rest).map_or(Seconds::Impossible, known);
    }
    for (unit, factor) in [("ms", 0.001), ("µs", 1e-6), ("us", 1e-6), ("sec", 1.0), ("s", 1.0)] {
        if let Some(number) = text.strip_suffix(unit) {
            return number
                .trim_end()
                .parse()
                .map_or(Seconds::Impossible, |number: f64| known(number * factor));
        }
    }
    // Blanks, narrow and hard ones too, and apostrophes part thousands and nothing else.
    let parted = |c: char| c == '\'' || c == '\u{2019}' || c.is_whitespace();
    if text.contains(parted) {
        let groups: Vec<&str> = text.split(parted).collect();
        let [whole @ .., last] = groups.as_slice() else { return Seconds::Impossible };
        let end = last.find([',', '.']).unwrap_or(last.len());
        let mut thousands = whole.to_vec();
        thousands.push(&last[..end]);
        if !are_thousands(&thousands) {
            return Seconds::Impossible;
        }
        return number(&(thousands.concat() + &last[end..].replace(',', ".")))
            .map_or(Seconds::Impossible, known);
    }
    let (commas, dots) = (text.matches(',').count(), text.matches('.').count());
    let (decimal, separator) = match (commas, dots) {
        (1, 0) => {
            let (whole, fraction) = text.split_once(',').unwrap_or((text, ""));
            if fraction.len() == 3 && (1..=3).contains(&whole.len()) && !whole.starts_with('0') {
                return Seconds::Ambiguous;
            }
            (Some(','), None)
        }
        (_, 0) => (None, Some(',')),
        (0, _) => (None, Some('.')),
        _ if text.rfind(',') < text.rfind('.') && dots == 1 => (Some('.'), Some(',')),
        _ if commas == 1 => (Some(','), Some('.')),
        _ => return Seconds::Impossible,
    };
    let (whole, fraction) = decimal.and_then(|decimal| text.rsplit_once(decimal)).unwrap_or((text, ""));
    let groups: Vec<&str> =
        separator.map_or_else(|| vec![whole], |separator| whole.split(separator).collect());
    if groups.len() > 1 && !are_thousands(&groups) {
        return Seconds::Impossible;
    }
    number(&format!("{}.{fraction}", groups.concat())).map_or(Seconds::Impossible, known)
}

/// Returns whether the groups are those of a number parted into thousands.
fn are_thousands(groups: &[&str]) -> bool {
    groups.first().is_some_and(|first| (1..=3).contains(&first.len()))
        && groups[1..].iter().all(|group| group.len() == 3)
        && groups.iter().all(|group| group.bytes().all(|byte| byte.is_ascii_digit()))
}

/// Reads digits with at most one dot: no sign, no exponent.
fn number(text: &str) -> Option<f64> {
    let plain = text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    plain.then(|| text.parse().ok()).flatten()
}

/// Reads `00:01:02.5`.
fn clock(hours: &str, rest: &str) -> Option<f64> {
    let (minutes, seconds) = rest.split_once(':')?;
    let seconds = number(seconds)?;
    Some(number(hours)? * 3600.0 + number(minutes)? * 60.0 + seconds)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_can_mean_one_thing_is_read() {
        for (text, seconds) in [
            ("1,234.56", 1234.56),
            ("1.234,56", 1234.56),
            ("1,234,567", 1_234_567.0),
            ("12,5", 12.5),
            ("0,123", 0.123),
            ("0,0004", 0.0004),
            ("1 234,5", 1234.5),
            ("1\u{202f}234", 1234.0),
            ("1'234.5", 1234.5),
            ("00:01:02.5", 62.5),
            ("250 ms", 0.25),
            ("1.5s", 1.5),
        ] {
            let expected = if seconds > MAX_SECONDS {
                Seconds::Impossible
            } else {
                Seconds::Local(Micros::from_secs_f64(seconds).unwrap())
            };
            assert_eq!(Seconds::parse(text), expected, "{text}");
        }
        assert_eq!(Seconds::parse(" 1e-3 "), Seconds::Plain(Micros(1000)));
    }

    #[test]
    fn the_short_way_and_the_long_way_agree() {
        for text in [
            "0",
            "1.",
            "12.000001",
            "0.512",
            "604800",
            "604800.000001",
            "999999.5",
            "1234567",
            "",
            ".",
            ".5",
            "1.2.3",
            "-1",
            "1e3",
            "0.1234567",
        ] {
            if let Some(time) = plain(text.as_bytes()) {
                assert_eq!(Seconds::parse(text), Seconds::Plain(time), "{text}");
            }
        }
        assert_eq!(plain(b"0.512"), Some(Micros(512_000)));
    }

    #[test]
    fn what_can_mean_two_things_is_not() {
        for text in ["1,234", "12,345", "999,000"] {
            assert_eq!(Seconds::parse(text), Seconds::Ambiguous, "{text}");
        }
    }

    #[test]
    fn what_means_nothing_is_impossible() {
        for text in [
            "NaN",
            "inf",
            "-1",
            "-0,5",
            "1e300",
            "<<computed>>",
            "12,34,5",
            "1,2.3,4",
            "1:2",
            "x ms",
            "604801",
            "1,23.456",
        ] {
            assert_eq!(Seconds::parse(text), Seconds::Impossible, "{text}");
        }
        assert_eq!(Seconds::parse("  "), Seconds::Missing);
    }
}

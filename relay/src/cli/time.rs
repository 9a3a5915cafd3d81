//! Times that an operator types.

use fieldlink_protocol::text;

use crate::store::{UnixTime, unix_now};

/// A time, or how long ago.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Moment {
    At(UnixTime),
    Ago(u64),
}

impl Moment {
    /// In Unix seconds.
    pub(super) fn unix(self) -> UnixTime {
        match self {
            Self::At(at) => at,
            Self::Ago(seconds) => unix_now().saturating_sub(seconds),
        }
    }
}

/// Reads `2026-11-28`, `2026-11-28T14:00`, the same with seconds and `Z`, or `7d`, `12h`, `30m`.
pub(super) fn parse(typed: &str) -> Result<Moment, String> {
    let typed = text::normalise(typed);
    ago(&typed).or_else(|| date(&typed)).ok_or_else(|| {
        "give a date and time in UTC (2026-11-28, 2026-11-28T14:00), or how long ago (7d, 12h, 30m)".into()
    })
}

fn ago(typed: &str) -> Option<Moment> {
    let (number, unit) = typed.split_at_checked(typed.len().checked_sub(1)?)?;
    let seconds = match unit {
        "d" => 86_400,
        "h" => 3_600,
        "m" => 60,
        _ => return None,
    };
    number.parse::<u64>().ok()?.checked_mul(seconds).map(Moment::Ago)
}

fn date(typed: &str) -> Option<Moment> {
    let (date, time) = typed.split_once(['T', ' ']).unwrap_or((typed, "00:00"));
    let [year, month, day] = numbers(date, '-')?;
    let time = time.trim_end_matches('Z');
    let [hour, minute, second] = numbers(time, ':').or_else(|| numbers(&format!("{time}:00"), ':'))?;
    let fits = (1970..=9999).contains(&year)
        && (1..=12).contains(&month)
        && (1..=days(year, month)).contains(&day)
        && hour < 24
        && minute < 60
        && second < 60;
    let before: u64 = (1970..year).map(|year| if is_leap(year) { 366 } else { 365 }).sum();
    let before = before + (1..month).map(|month| days(year, month)).sum::<u64>() + day.saturating_sub(1);
    fits.then_some(Moment::At(before * 86_400 + hour * 3_600 + minute * 60 + second))
}

fn numbers(text: &str, between: char) -> Option<[u64; 3]> {
    let numbers: Option<Vec<u64>> = text.split(between).map(|number| number.parse().ok()).collect();
    numbers?.try_into().ok()
}

fn days(year: u64, month: u64) -> u64 {
    match month {
        2 if is_leap(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

fn is_leap(year: u64) -> bool {
    year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
}

#[cfg(test)]
mod tests {
    use fieldlink_protocol::timestamp;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn times_are_read_and_nonsense_is_not() {
        assert_eq!(parse("2000-02-29"), Ok(Moment::At(951_782_400)));
        assert_eq!(parse(" 2023-11-14T22:13 "), Ok(Moment::At(1_700_000_000 - 20)));
        assert_eq!(parse("2023-11-14 22:13:20Z"), Ok(Moment::At(1_700_000_000)));
        assert_eq!(parse("7d"), Ok(Moment::Ago(7 * 86_400)));
        for nonsense in [
            "",
            "d",
            "yesterday",
            "2023-02-29",
            "2023-13-01",
            "2023-11-14T25:00",
            "é",
            "99999999999999999999d",
        ] {
            assert!(parse(nonsense).is_err(), "{nonsense}");
        }
    }

    proptest! {
        #[test]
        fn what_is_shown_can_be_typed(at in 0u64..253_402_300_800) {
            prop_assert_eq!(parse(&timestamp::utc(at)), Ok(Moment::At(at)));
        }

        #[test]
        fn anything_can_be_typed(typed in ".*") {
            let _ = parse(&typed);
        }
    }
}

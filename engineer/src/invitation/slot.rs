//! When an appointment is: one moment, and what the clocks of two places show then.

use chrono::{DateTime, Datelike, LocalResult, NaiveDateTime, TimeDelta, TimeZone, Timelike, Utc};
use chrono_tz::{OffsetName, TZ_VARIANTS, Tz};
use fieldlink_protocol::text;

use crate::words::say;

/// An appointment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Slot {
    /// When it begins.
    pub start: DateTime<Utc>,
    /// How long it is planned to last.
    pub minutes: u32,
    /// Where the client is.
    pub zone: Tz,
}

/// What a clock shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Shown(DateTime<Tz>);

impl Slot {
    /// From what is typed: the time as clocks in `zone` show it.
    pub(crate) fn parse(when: &str, zone: &str, minutes: u32, now: DateTime<Utc>) -> Result<Self, String> {
        let zone = parse_zone(zone)?;
        let formats = ["%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M"];
        let parsed =
            formats.iter().find_map(|format| NaiveDateTime::parse_from_str(when.trim(), format).ok());
        let local = parsed.ok_or_else(|| say!("when-unreadable", when = text::name(when)))?;
        let name = zone.name();
        let start = match zone.from_local_datetime(&local) {
            LocalResult::Single(start) => start.with_timezone(&Utc),
            LocalResult::None => return Err(say!("when-left-out", when = text::name(when), zone = name)),
            LocalResult::Ambiguous(..) => {
                return Err(say!("when-twice", when = text::name(when), zone = name));
            }
        };
        if start <= now {
            return Err(say!("when-over", when = text::name(when), zone = name));
        }
        Ok(Self { start, minutes, zone })
    }

    /// When it is planned to be over.
    pub(crate) fn end(&self) -> DateTime<Utc> {
        self.start + TimeDelta::minutes(self.minutes.into())
    }

    /// What clocks in `zone` show at the beginning and at the end.
    pub(crate) fn shown_in(&self, zone: Tz) -> (Shown, Shown) {
        (Shown(self.start.with_timezone(&zone)), Shown(self.end().with_timezone(&zone)))
    }
}

/// A zone by its name in the time zone database.
pub(crate) fn parse_zone(name: &str) -> Result<Tz, String> {
    if let Ok(zone) = name.parse() {
        return Ok(zone);
    }
    let city = name.rsplit('/').next().unwrap_or(name).replace(' ', "_").to_lowercase();
    let is_meant = |zone: &&Tz| zone.name().to_lowercase().ends_with(&format!("/{city}"));
    let name = text::name(name);
    Err(match TZ_VARIANTS.iter().find(is_meant) {
        Some(zone) => say!("zone-unknown-but", zone = name, meant = zone.name()),
        None => say!("zone-unknown", zone = name),
    })
}

impl Shown {
    /// The day of the week from Monday, 1, to Sunday, 7 (ISO 8601).
    pub(crate) fn weekday(&self) -> u64 {
        self.0.weekday().number_from_monday().into()
    }

    /// The month from 1 to 12.
    pub(crate) fn month(&self) -> u64 {
        self.0.month().into()
    }

    /// The day of the month, and the year.
    pub(crate) fn day_and_year(&self) -> (u64, String) {
        (self.0.day().into(), self.0.year().to_string())
    }

    /// Hour and minute, 24 hours to the day.
    pub(crate) fn time(&self) -> String {
        format!("{:02}:{:02}", self.0.hour(), self.0.minute())
    }

    /// The zone's name, and how far it is from UTC then: `Europe/Berlin, UTC+1`.
    pub(crate) fn zone(&self) -> String {
        let seconds = self.0.naive_local().signed_duration_since(self.0.naive_utc()).num_seconds();
        let (sign, minutes) = (if seconds < 0 { '-' } else { '+' }, seconds.abs() / 60);
        let name = self.0.offset().tz_id();
        if matches!(name, "UTC" | "Etc/UTC") {
            return "UTC".to_owned();
        }
        match (minutes / 60, minutes % 60) {
            (0, 0) => format!("{name}, UTC"),
            (hours, 0) => format!("{name}, UTC{sign}{hours}"),
            (hours, minutes) => format!("{name}, UTC{sign}{hours}:{minutes:02}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> DateTime<Utc> {
        "2026-11-30T06:00:00Z".parse().expect("a time")
    }

    fn slot(when: &str, zone: &str) -> Result<Slot, String> {
        Slot::parse(when, zone, 60, now())
    }

    #[test]
    fn a_time_is_what_the_clients_clock_shows() {
        let slot = slot("2026-12-03 14:00", "Europe/Berlin").expect("a slot");
        assert_eq!(slot.start.to_rfc3339(), "2026-12-03T13:00:00+00:00");
        let (start, end) = slot.shown_in(chrono_tz::Asia::Kolkata);
        assert_eq!((start.time(), end.time()), ("18:30".into(), "19:30".into()));
        assert_eq!(start.zone(), "Asia/Kolkata, UTC+5:30");
        assert_eq!((start.weekday(), start.month(), start.day_and_year()), (4, 12, (3, "2026".into())));
        assert_eq!(slot.shown_in(Tz::UTC).0.zone(), "UTC");
        assert_eq!(slot.shown_in(chrono_tz::America::New_York).0.zone(), "America/New_York, UTC-5");
    }

    #[test]
    fn what_is_no_time_is_refused_with_what_to_do() {
        for (when, zone, told) in [
            ("2027-03-28 02:30", "Europe/Berlin", "there is no"),
            ("2027-10-31 02:30", "Europe/Berlin", "twice"),
            ("2026-11-30 06:59", "Europe/Berlin", "over"),
            ("tomorrow", "Europe/Berlin", "YYYY-MM-DD HH:MM"),
            ("2026-12-03 25:00", "Europe/Berlin", "YYYY-MM-DD HH:MM"),
            ("2026-12-03 14:00", "berlin", "Europe/Berlin"),
            ("2026-12-03 14:00", "\u{1b}[2J", "Europe/Berlin"),
        ] {
            let error = slot(when, zone).expect_err("refused");
            assert!(error.contains(told) && !error.contains('\u{1b}'), "{when} {zone}: {error}");
        }
    }
}

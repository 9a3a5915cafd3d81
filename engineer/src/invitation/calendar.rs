//! The appointment as a calendar entry (RFC 5545, and RFC 5546 for what is sent around): made, changed and cancelled by
//! its UID.

use chrono::{DateTime, TimeDelta, Utc};
use fieldlink_protocol::ids::QuestionId;
use fieldlink_protocol::{limits, text};
use fieldlink_words::Language;
use icalendar::{
    Alarm, Calendar, CalendarDateTime, Component, DatePerhapsTime, Event, EventLike, EventStatus, Property,
};

use super::appointment::{Addresses, Appointment};
use super::letter::Letter;
use super::slot::{Slot, parse_zone};
use crate::words::say;

const PRODUCT: &str = concat!("-//Fieldlink//fieldlink-connect ", env!("CARGO_PKG_VERSION"), "//EN");
/// What only we read, to write the entry's text anew.
const ZONE: &str = "X-FIELDLINK-ZONE";
const OWN_ZONE: &str = "X-FIELDLINK-OWN-ZONE";
const LANGUAGE: &str = "X-FIELDLINK-LANGUAGE";
const TICKET: &str = "X-FIELDLINK-TICKET";
const PARTNER: &str = "X-FIELDLINK-PARTNER";
const PHONE: &str = "X-FIELDLINK-PHONE";
/// The organizer where none is named: RFC 5546 wants one, and nobody has this address (RFC 2606).
const NOBODY: &str = "nobody@fieldlink.invalid";
/// Minutes before the appointment at which calendars remind of it.
const REMINDER: i64 = 30;

/// An entry of a calendar, as it is sent.
#[derive(Debug)]
pub(crate) struct Entry {
    uid: String,
    sequence: u32,
    addresses: Addresses,
}

impl Entry {
    /// A new one. Without addresses it is published rather than sent around.
    pub(crate) fn new(addresses: Addresses) -> Self {
        // Nothing in it tells of the computer it was made on.
        let uid = format!("{}@fieldlink", QuestionId::random());
        Self { uid, sequence: 0, addresses }
    }

    /// With other addresses, where some are given.
    pub(crate) fn between(mut self, addresses: Addresses) -> Self {
        self.addresses.from = addresses.from.or(self.addresses.from);
        if !addresses.to.is_empty() {
            self.addresses.to = addresses.to;
        }
        self
    }

    /// Whether somebody is invited whose answer nobody would get.
    pub(crate) fn lacks_sender(&self) -> bool {
        self.addresses.from.is_none() && !self.addresses.to.is_empty()
    }

    /// The one in a file of ours, as its next version, and what it says.
    pub(crate) fn read(file: &str) -> Result<(Self, Appointment), String> {
        let calendar: Calendar = file.parse().map_err(|_| say!("no-calendar"))?;
        let event = calendar.events().next().ok_or_else(|| say!("no-calendar"))?;
        let appointment = read_appointment(event).ok_or_else(|| say!("no-invitation"))?;
        let uid = event.get_uid().filter(|uid| !uid.is_empty() && uid.len() <= limits::REFERENCE);
        let uid = uid.ok_or_else(|| say!("no-invitation"))?.to_owned();
        let addresses = Addresses {
            from: event.property_value("ORGANIZER").map(address).filter(|from| from != NOBODY),
            to: event
                .multi_properties()
                .get("ATTENDEE")
                .into_iter()
                .flatten()
                .map(|attendee| address(attendee.value()))
                .collect(),
        };
        let sequence = event.get_sequence().unwrap_or_default().saturating_add(1);
        Ok((Self { uid, sequence, addresses }, appointment))
    }

    /// The file.
    pub(crate) fn write(&self, appointment: &Appointment, now: DateTime<Utc>) -> String {
        let letter = Letter::new(appointment.language);
        let mut event = Event::new();
        event
            .uid(&self.uid)
            .sequence(self.sequence)
            .timestamp(now)
            .starts(CalendarDateTime::Utc(appointment.slot.start))
            .ends(CalendarDateTime::Utc(appointment.slot.end()))
            .summary(&letter.subject(appointment))
            .description(&letter.text(appointment))
            .add_property(ZONE, appointment.slot.zone.name())
            .add_property(OWN_ZONE, appointment.own_zone.name())
            .add_property(LANGUAGE, appointment.language.code());
        let kept =
            [(TICKET, &appointment.ticket), (PARTNER, &appointment.partner), (PHONE, &appointment.phone)];
        for (name, value) in kept.into_iter().filter_map(|(name, value)| Some((name, value.as_ref()?))) {
            event.add_property(name, value);
        }
        self.address(&mut event);
        if appointment.is_cancelled {
            event.status(EventStatus::Cancelled);
        } else {
            event.status(EventStatus::Confirmed);
            event.alarm(Alarm::display(&letter.reminder(), -TimeDelta::minutes(REMINDER)));
        }
        let method = match (appointment.is_cancelled, self.addresses.to.is_empty()) {
            (true, _) => "CANCEL",
            (false, true) => "PUBLISH",
            (false, false) => "REQUEST",
        };
        let mut calendar = Calendar::empty();
        let head = [("VERSION", "2.0"), ("PRODID", PRODUCT), ("CALSCALE", "GREGORIAN"), ("METHOD", method)];
        for (name, value) in head {
            calendar.append_property(Property::new(name, value));
        }
        calendar.push(event.done()).to_string()
    }

    fn address(&self, event: &mut Event) {
        let from = self.addresses.from.as_deref().map(|from| format!("mailto:{from}"));
        event.add_property("ORGANIZER", from.unwrap_or_else(|| format!("mailto:{NOBODY}")));
        for to in &self.addresses.to {
            let mut attendee = Property::new("ATTENDEE", format!("mailto:{to}"));
            let attendee =
                attendee.add_parameter("ROLE", "REQ-PARTICIPANT").add_parameter("RSVP", "TRUE").done();
            event.append_multi_property(attendee);
        }
    }
}

fn address(value: &str) -> String {
    value.strip_prefix("mailto:").unwrap_or(value).to_owned()
}

fn read_appointment(event: &Event) -> Option<Appointment> {
    let time = |time| match time {
        Some(DatePerhapsTime::DateTime(CalendarDateTime::Utc(time))) => Some(time),
        _ => None,
    };
    let (start, end) = (time(event.get_start())?, time(event.get_end())?);
    let minutes = u32::try_from((end - start).num_minutes()).ok().filter(|minutes| *minutes > 0)?;
    let value = |name| event.property_value(name).map(|value| text::clean(value, limits::REFERENCE));
    Some(Appointment {
        slot: Slot { start, minutes, zone: parse_zone(event.property_value(ZONE)?).ok()? },
        own_zone: parse_zone(event.property_value(OWN_ZONE)?).ok()?,
        language: Language::from_code(event.property_value(LANGUAGE)?)?,
        ticket: value(TICKET),
        partner: value(PARTNER),
        phone: value(PHONE),
        is_cancelled: false,
    })
}

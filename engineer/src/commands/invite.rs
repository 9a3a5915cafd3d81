//! `invite`: the text to forward and the calendar entry.

use std::path::Path;
use std::time::SystemTime;

use anyhow::Context;
use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use fieldlink_protocol::text;

use crate::args::InviteArguments;
use crate::call::check;
use crate::exit::Failure;
use crate::invitation::{Addresses, Appointment, Entry, Letter, Slot, parse_zone};
use crate::printing::{print, print_answer};
use crate::private_file;
use crate::words::say;

/// How long an appointment is, if nobody says.
const MINUTES: u32 = 60;

pub(super) fn run(arguments: &InviteArguments) -> Result<u8, Failure> {
    let now = DateTime::<Utc>::from(SystemTime::now());
    let addresses = Addresses { from: arguments.from.clone(), to: arguments.to.clone() };
    let (entry, before) = match arguments.update.as_deref().or(arguments.cancel.as_deref()) {
        Some(file) => {
            let (entry, before) = read(file)?;
            (entry.between(addresses), Some(before))
        }
        None => (Entry::new(addresses), None),
    };
    if entry.lacks_sender() {
        return Err(Failure::usage(say!("sender-missing")));
    }
    let appointment = appointment(arguments, before, now)?;
    let file = [&arguments.ics, &arguments.update, &arguments.cancel].into_iter().flatten().next();
    if let Some(file) = file {
        write(file, arguments.ics.is_some(), entry.write(&appointment, now).as_bytes())?;
    }
    print_answer(&Letter::new(appointment.language).text(&appointment));
    file.into_iter().for_each(|file| print(&say!("entry-written", path = file.display())));
    Ok(0)
}

/// What is given, and else what was agreed before.
fn appointment(
    arguments: &InviteArguments,
    before: Option<Appointment>,
    now: DateTime<Utc>,
) -> Result<Appointment, Failure> {
    let is_cancelled = arguments.cancel.is_some();
    let slot = match (&arguments.when, &arguments.zone, &before) {
        (Some(when), Some(zone), before) => {
            let minutes = arguments.minutes.or(before.as_ref().map(|before| before.slot.minutes));
            Slot::parse(when, zone, minutes.unwrap_or(MINUTES), now).map_err(Failure::usage)?
        }
        (_, _, Some(before)) => before.slot,
        _ => return Err(Failure::usage(say!("when-missing"))),
    };
    let before = before.as_ref();
    let of = |value: fn(&Appointment) -> &Option<String>| before.and_then(|before| value(before).clone());
    let ticket = normalised(&arguments.ticket).or(of(|before| &before.ticket));
    let partner = normalised(&arguments.partner).or(of(|before| &before.partner));
    let phone = normalised(&arguments.phone).or(of(|before| &before.phone));
    ticket.as_deref().map(|ticket| check("the ticket", ticket)).transpose()?;
    partner.as_deref().map(|partner| check("the partner", partner)).transpose()?;
    phone.as_deref().map(|phone| check("the phone number", phone)).transpose()?;
    let own_zone = own_zone(arguments.my_zone.as_deref(), before)?;
    let language = arguments.language.or(before.map(|before| before.language)).unwrap_or_default();
    Ok(Appointment { slot, own_zone, language, ticket, partner, phone, is_cancelled })
}

fn normalised(value: &Option<String>) -> Option<String> {
    value.as_deref().map(text::normalise)
}

/// What is named, or was before, or else what this computer is set to.
fn own_zone(named: Option<&str>, before: Option<&Appointment>) -> Result<Tz, Failure> {
    if let Some(name) = named {
        return parse_zone(name).map_err(Failure::usage);
    }
    let of_computer = || iana_time_zone::get_timezone().ok().and_then(|name| name.parse().ok());
    Ok(before.map(|before| before.own_zone).or_else(of_computer).unwrap_or_else(|| {
        print(&say!("own-zone-unknown"));
        Tz::UTC
    }))
}

fn read(file: &Path) -> Result<(Entry, Appointment), Failure> {
    let missing = || Failure::usage(say!("entry-missing", path = file.display()));
    let text = private_file::read(file)?.ok_or_else(missing)?;
    Entry::read(&text)
        .map_err(|problem| Failure::usage(say!("entry-unreadable", path = file.display(), problem = problem)))
}

fn write(file: &Path, is_new: bool, calendar: &[u8]) -> Result<(), Failure> {
    if is_new && file.try_exists().with_context(|| say!("could-not-write", path = file.display()))? {
        return Err(Failure::usage(say!("entry-exists", path = file.display())));
    }
    Ok(private_file::replace(file, calendar)?)
}

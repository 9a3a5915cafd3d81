//! Inviting a client to a call: a text to forward in their language, and an entry for calendars.

mod appointment;
mod calendar;
mod letter;
mod slot;
#[cfg(test)]
mod tests;

pub(crate) use appointment::{Addresses, Appointment};
pub(crate) use calendar::Entry;
pub(crate) use letter::Letter;
pub(crate) use slot::{Slot, parse_zone};

//! What the client reads of an appointment, in their language.

use fieldlink_words::{Argument, Language, Messages};

use super::appointment::Appointment;
use super::slot::Shown;

/// The words for invitations in one language.
pub(crate) struct Letter(Messages);

/// What is shipped.
pub(super) fn messages_of(language: Language) -> &'static str {
    match language {
        Language::English => include_str!("../../locales/invitation/en.ftl"),
        Language::German => include_str!("../../locales/invitation/de.ftl"),
    }
}

impl Letter {
    pub(crate) fn new(language: Language) -> Self {
        Self(Messages::new(language.code(), messages_of(language)))
    }

    fn say(&self, id: &str, arguments: &[(&str, Argument<'_>)]) -> String {
        self.0.say(id, arguments)
    }

    /// The subject line.
    pub(crate) fn subject(&self, appointment: &Appointment) -> String {
        let id = if appointment.is_cancelled { "cancelled-subject" } else { "subject" };
        match &appointment.ticket {
            Some(ticket) => self.say(&format!("{id}-with-ticket"), &[("ticket", ticket.into())]),
            None => self.say(id, &[]),
        }
    }

    /// The whole text.
    pub(crate) fn text(&self, appointment: &Appointment) -> String {
        let Appointment { slot, own_zone, partner, phone, is_cancelled, .. } = appointment;
        let mut lines = vec![self.subject(appointment), String::new()];
        lines.push(self.line("when", &self.span(slot.shown_in(slot.zone))));
        if *own_zone != slot.zone {
            lines.push(self.line("when-for-engineer", &self.span(slot.shown_in(*own_zone))));
        }
        if !is_cancelled {
            lines.push(self.say("length", &[("minutes", u64::from(slot.minutes).into())]));
        }
        partner.iter().for_each(|partner| lines.push(self.line("partner", partner)));
        phone.iter().for_each(|phone| lines.push(self.line("phone", phone)));
        if *is_cancelled {
            lines.extend([String::new(), self.say("cancelled", &[])]);
            return lines.join("\n") + "\n";
        }
        lines.extend([String::new(), self.say("prepare", &[])]);
        let steps = ["prepare-person", "prepare-battery", "prepare-network", "prepare-start", "prepare-pin"];
        lines.extend(steps.iter().map(|step| format!("- {}", self.say(step, &[]))));
        lines.extend([String::new(), self.say("during", &[])]);
        lines.join("\n") + "\n"
    }

    /// For the calendar's reminder.
    pub(crate) fn reminder(&self) -> String {
        self.say("reminder", &[])
    }

    fn line(&self, id: &str, what: &str) -> String {
        self.say(id, &[("what", what.into())])
    }

    fn span(&self, (start, end): (Shown, Shown)) -> String {
        let (day, year) = start.day_and_year();
        let arguments = [
            ("weekday", start.weekday().into()),
            ("day", day.into()),
            ("month", start.month().into()),
            ("year", year.into()),
            ("start", start.time().into()),
            ("end", end.time().into()),
            ("zone", start.zone().into()),
        ];
        self.say("span", &arguments)
    }
}

//! The session: who works on the device, and for how long.

use std::collections::HashMap;
use std::time::Duration;

use fieldlink_protocol::messages::people::{Attendance, Part, Participant};
use fieldlink_protocol::policy::Function;
use fieldlink_protocol::text as texts;

use super::subject::subject;
use super::text::{cleaned, given, microseconds};
use crate::notice::Person;
use crate::runbook::Runbook;
use crate::status::{Away, Beside, Status, Terms, Visitor};

subject! {
    interface SessionInterface = "com.navvis.Fieldlink1.Session";

    /// Who is connected, or wants to be. Empty and zero mean that there is none.
    properties SessionProperties {
        /// The session's ID; empty unless somebody asks to come in or is connected.
        "Id" = id: String,
        /// The engineer's name.
        "Engineer" = engineer: String,
        /// The engineer's company.
        "Company" = company: String,
        /// The support case.
        "Ticket" = ticket: String,
        /// The reseller who arranged the call.
        "Partner" = partner: String,
        /// The authority that certified the engineer's name to this device; empty if the name is the support service's word.
        "Authority" = authority: String,
        /// How many minutes a session lasts, unless more are given.
        "Minutes" = minutes: u32,
        /// What the engineer may never use: shell, exec, upload, download, forward, operations, restart, guests.
        "Never" = never: Vec<String>,
        /// What is asked about when it is to be used (Conversation, kind use).
        "AsksBefore" = asks_before: Vec<String>,
        /// Where forwards may lead beside the device itself.
        "Reaches" = reaches: Vec<String>,
        /// For how many days the record of the session is kept on this device; 0: it is not recorded.
        "RetentionDays" = retention_days: u32,
        /// When the session is over; 0 without one.
        "Deadline" = deadline: u64,
        /// While interrupted, who is out of reach: "us" (this device) or "them"; else empty.
        "Away" = away: String,
        /// Whether somebody is there: "asked" (until PresenceDeadline), "away", "held" (what the engineer sends waits for
        /// somebody); else empty.
        "Presence" = presence: String,
        /// While Presence is "asked": when no answer counts as nobody there; else 0.
        "PresenceDeadline" = presence_deadline: u64,
        /// Bytes that the session has moved, both ways; it changes every few seconds at most.
        "DataUsed" = data_used: u64,
        /// While somebody is connected: whether this connection may cost money by the amount of data.
        "Metered" = metered: bool,
        /// While somebody is connected: percent that are left in this device's battery, if they are 20 or fewer; else 0.
        "LowBattery" = low_battery: u32,
        /// After a session: its ID, as long as the client's verdict is asked for; else empty.
        "VerdictFor" = verdict_for: String,
        /// How often the engineer's program was started again and came back into the session.
        "Returns" = returns: u32,
        /// Who takes part besides the engineer: name, company, part (`working`, `observing`, `watching`) and attendance
        /// (`invited`, `here`, `away`).
        "People" = people: Vec<(String, String, String, String)>,
        /// The list of steps that the engineer goes through, by language ("en", "de"); empty without one.
        "RunbookTitles" = runbook_titles: HashMap<String, String>,
        /// What its step of now is called, by language.
        "RunbookStepTitles" = runbook_step_titles: HashMap<String, String>,
        /// Which step that is, counted from 1; 0 without one.
        "RunbookStep" = runbook_step: u32,
        /// How many steps the list has.
        "RunbookSteps" = runbook_steps: u32,
        /// Whether the list is the maker's, signed with a key that this device trusts, rather than the engineer's own.
        "RunbookIsMakers" = runbook_is_makers: bool,
    }

    /// What the person beside the device decides of the session.
    methods SessionMethods {
        /// Ends the session, or turns away whoever asks to come in. polkit: .stop
        "End" = end();
        /// Gives the session that is named 1 to 60 minutes more, asked for or not; two hours altogether are the most.
        /// polkit: .extend
        "GrantExtension" = grant_extension(session: &str, minutes: u32);
        /// Lets the caller watch what the engineer's terminals show: a stream of JSON objects, one a line, each with "event" and
        /// but for the last "channel": "opened" (kind: shell, exec, sftp or forward; what: the command or target), "size" (columns,
        /// rows), "output" (text, as a terminal gets it, with its control sequences), "skipped" (bytes: what is left out because
        /// it was before, or came faster than the caller reads), "closed" (how), "end". polkit: .credentials
        "Watch" = watch() -> ("stream": zbus::OwnedFd);
        /// Says that somebody is beside the device. polkit: .answer
        "Here" = here();
        /// Has a further engineer leave, or somebody who watches: by the name in People. polkit: .stop
        "Remove" = remove(name: String);
        /// Says whether the session that is named, which is over (VerdictFor), has helped: "solved", "partly" or "not", and in
        /// words, which may be empty; 1000 bytes at most. polkit: .answer
        "GiveVerdict" = give_verdict(session: &str, verdict: &str, words: String);
    }

    signals {}
}

impl From<&Status> for SessionProperties {
    fn from(status: &Status) -> Self {
        let mut properties = Self {
            deadline: microseconds(status.deadline.unwrap_or_default()),
            away: status.away.map_or("", Away::name).to_owned(),
            presence: status.presence.map_or("", Beside::name).to_owned(),
            presence_deadline: microseconds(status.presence_deadline.unwrap_or_default()),
            verdict_for: status.verdict_for.map(|session| session.to_string()).unwrap_or_default(),
            returns: status.returns,
            people: status.people.iter().map(to_bus).collect(),
            data_used: status.data_used,
            metered: status.is_metered,
            // An empty battery is as low as one with a percent.
            low_battery: status.low_battery.map_or(0, |percent| u32::from(percent).max(1)),
            ..Self::default()
        };
        if let Some(visitor) = &status.visitor {
            properties.id = visitor.session.to_string();
            properties.engineer = visitor.who.engineer.clone();
            properties.company = visitor.who.company.clone();
            properties.ticket = visitor.who.ticket.clone();
            properties.partner = visitor.who.partner.clone().unwrap_or_default();
            properties.authority = visitor.who.authority.clone().unwrap_or_default();
        }
        if let Some(runbook) = &status.runbook {
            properties.runbook_titles = runbook.titles.clone().into_iter().collect();
            properties.runbook_step_titles = runbook.step_titles.clone().into_iter().collect();
            (properties.runbook_step, properties.runbook_steps) = (runbook.step, runbook.steps);
            properties.runbook_is_makers = runbook.is_makers;
        }
        if let Some(terms) = &status.terms {
            let names = |functions: &[Function]| functions.iter().map(|f| f.name().to_owned()).collect();
            properties.minutes = terms.minutes;
            (properties.never, properties.asks_before) = (names(&terms.never), names(&terms.asks));
            properties.reaches = terms.reaches.clone();
            properties.retention_days = terms.retention_days;
        }
        properties
    }
}

impl SessionProperties {
    /// Writes what they say into `status`.
    pub(super) fn read_into(&self, status: &mut Status) {
        status.visitor = self.id.parse().ok().map(|session| Visitor {
            session,
            who: Person {
                engineer: self.engineer.clone(),
                company: self.company.clone(),
                ticket: self.ticket.clone(),
                partner: given(&self.partner),
                authority: given(&self.authority),
            },
        });
        let functions =
            |names: &[String]| names.iter().filter_map(|name| Function::from_name(name)).collect();
        status.terms = status.visitor.as_ref().map(|_| Terms {
            minutes: self.minutes,
            never: functions(&self.never),
            asks: functions(&self.asks_before),
            reaches: self.reaches.clone(),
            retention_days: self.retention_days,
        });
        status.deadline = Some(Duration::from_micros(self.deadline)).filter(|deadline| !deadline.is_zero());
        status.away = Away::from_name(&self.away);
        status.presence = Beside::from_name(&self.presence);
        let deadline = Duration::from_micros(self.presence_deadline);
        status.presence_deadline = Some(deadline).filter(|deadline| !deadline.is_zero());
        status.verdict_for = self.verdict_for.parse().ok();
        status.returns = self.returns;
        status.people = self.people.iter().filter_map(from_bus).collect();
        (status.data_used, status.is_metered) = (self.data_used, self.metered);
        status.runbook = (self.runbook_step > 0).then(|| Runbook {
            titles: cleaned(&self.runbook_titles),
            step_titles: cleaned(&self.runbook_step_titles),
            step: self.runbook_step,
            steps: self.runbook_steps,
            is_makers: self.runbook_is_makers,
        });
        status.low_battery = u8::try_from(self.low_battery).ok().filter(|percent| *percent > 0);
    }
}

fn to_bus(person: &Participant) -> (String, String, String, String) {
    let Participant { name, company, part, attendance, .. } = person;
    (name.clone(), company.clone(), part.name().to_owned(), attendance.name().to_owned())
}

fn from_bus((name, company, part, attendance): &(String, String, String, String)) -> Option<Participant> {
    Some(Participant {
        name: texts::name(name),
        company: texts::name(company),
        part: Part::from_name(part)?,
        attendance: Attendance::from_name(attendance)?,
        you: false,
    })
}

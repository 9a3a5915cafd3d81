//! What happened, in words: a line for every event.

mod changes;
mod course;
mod people;
mod questions;
mod record;
mod session;
mod work;

use std::collections::BTreeMap;

use fieldlink_protocol::ids::{ObserverId, QuestionId};
use fieldlink_words::Argument;

use super::account::Account;
use super::exchanges::Exchange;
use super::words::Words;
use crate::{Entry, Event, HealthMoment, Program};

/// What a line of the account is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Topic {
    /// The session and who takes part.
    Session,
    /// Questions to the client.
    Question,
    /// What is said.
    Talk,
    /// What is done on the device.
    Work,
    /// What does not go as it should.
    Trouble,
    /// The record itself.
    Record,
}

/// A line of the account, in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Line {
    /// What it is about.
    pub(super) topic: Topic,
    /// A sentence.
    pub(super) text: String,
    /// The command, path or target that the sentence ends with.
    pub(super) literal: Option<String>,
}

impl Line {
    fn new(topic: Topic, text: String) -> Self {
        Self { topic, text, literal: None }
    }
}

/// Tells the events of one account in one language.
pub(super) struct Teller<'a> {
    pub(super) words: &'a Words,
    people: BTreeMap<u64, &'a str>,
    watchers: BTreeMap<ObserverId, &'a str>,
    exchanges: BTreeMap<QuestionId, &'a Exchange>,
    programs: BTreeMap<u64, &'a Program>,
}

impl<'a> Teller<'a> {
    /// For this account.
    pub(super) fn new(account: &'a Account, words: &'a Words) -> Self {
        let people = account.people.iter().map(|attendee| (attendee.seat, attendee.person.name.as_str()));
        let watchers = account.watchers.iter().map(|watcher| (watcher.id, watcher.name.as_str()));
        let exchanges = account.exchanges.iter().filter_map(|exchange| Some((exchange.id?, exchange)));
        let programs =
            account.channels.iter().filter_map(|channel| Some((channel.number?, &channel.program)));
        Self {
            words,
            people: people.collect(),
            watchers: watchers.collect(),
            exchanges: exchanges.collect(),
            programs: programs.collect(),
        }
    }

    /// The name of who has this place.
    pub(super) fn person(&self, seat: u64) -> String {
        match self.people.get(&seat) {
            Some(name) => super::words::shown(name),
            None => self.words.say_with("somebody", &[("seat", seat.into())]),
        }
    }

    /// What happened. One arm an event and none for the rest, so that the compiler finds the event that has no words;
    /// hence longer than other functions.
    pub(super) fn line(&self, entry: &Entry) -> Line {
        match &entry.event {
            Event::RecordBegan { .. } => self.record("line-record-began"),
            Event::RecordResumed { why, torn } => self.record_resumed(*why, *torn),
            Event::RecordingStopped { why } => self.recording_stopped(*why),
            Event::Anchored { seq, time } => self.anchored(*seq, time),
            Event::RecordClosed { late, .. } => {
                self.record(if *late { "line-closed-late" } else { "line-closed" })
            }
            Event::ConsentAsked { person, certified, .. } => self.consent_asked(person, certified.as_deref()),
            Event::LetInByPin { person, certified, .. } => self.let_in_by_pin(person, certified.as_deref()),
            Event::TransfersLost { .. } => self.plain(Topic::Trouble, "line-transfers-lost"),
            Event::EventsLost { count } => {
                self.with(Topic::Trouble, "line-events-lost", &[("count", (*count).into())])
            }
            Event::ChannelsUnrecorded {} => self.plain(Topic::Trouble, "line-channels-unrecorded"),
            Event::ConsentGiven { seat } => self.of_seat(Topic::Session, "line-consent-given", *seat),
            Event::SessionBegan { seconds } => self.of_time(Topic::Session, "line-session-began", *seconds),
            Event::SessionEnded { reason, hearsay } => self.session_ended(*reason, *hearsay),
            Event::Interrupted { problem } => {
                self.with(Topic::Trouble, "line-interrupted", &[("problem", problem.into())])
            }
            Event::Resumed {} => self.plain(Topic::Trouble, "line-resumed"),
            Event::RelayLost {} => self.plain(Topic::Trouble, "line-relay-lost"),
            Event::RelayBack {} => self.plain(Topic::Trouble, "line-relay-back"),
            Event::EngineerReturned { seat } => self.of_seat(Topic::Trouble, "line-engineer-returned", *seat),
            Event::Asked { seat, question, .. } => self.asked(*seat, question),
            Event::Answered { id, answer } => self.answered(*id, answer),
            Event::LeaveAsked { leave, .. } => self.leave_asked(leave),
            Event::LeaveAnswered { id, consent } => self.leave_answered(*id, *consent),
            Event::Withdrawn { id } => self.withdrawn(*id),
            Event::Extended { seconds } => self.of_time(Topic::Session, "line-extended", *seconds),
            Event::TimeLeft { minutes } => {
                self.of_time(Topic::Session, "line-time-left", minutes.saturating_mul(60))
            }
            Event::Transfers { transfers } => self.transfers(*transfers),
            Event::Chat { from, text } => self.chat(*from, text),
            Event::Noted { text, by_client } => self.noted(text, *by_client),
            Event::QuietBegan { seconds, text } => self.quiet_began(*seconds, text),
            Event::QuietOver {} => self.plain(Topic::Talk, "line-quiet-over"),
            Event::Called {} => self.plain(Topic::Talk, "line-called"),
            Event::ClientIs { presence } => self.presence(*presence),
            Event::BatteryLow { percent } => {
                self.with(Topic::Trouble, "line-battery", &[("percent", u64::from(*percent).into())])
            }
            Event::HealthRead { moment: HealthMoment::Start, .. } => {
                self.plain(Topic::Record, "line-health-start")
            }
            Event::HealthRead { moment: HealthMoment::End, .. } => {
                self.plain(Topic::Record, "line-health-end")
            }
            Event::HealthWarned(concern) => self.health_warned(concern),
            Event::OutcomeSaid(outcome) => self.outcome_said(outcome),
            Event::VerdictGiven { verdict, words } => self.verdict_given(verdict, words),
            Event::JoinCodeDrawn { seat } => self.of_seat(Topic::Session, "line-join-code", *seat),
            Event::JoinFailed { person, reason } => self.join_failed(person, *reason),
            Event::GuestLetIn { person, observes, certified, .. } => {
                self.guest_let_in(person, *observes, certified.as_deref())
            }
            Event::EngineerJoined { seat, observes } => self.joined(*seat, *observes),
            Event::EngineerLeft { seat, reason } => self.left(*seat, *reason),
            Event::HandedOver { from, to, reason } => self.handed_over(*from, *to, *reason),
            Event::ObserverInvited { name, .. } => {
                self.with(Topic::Session, "line-observer-invited", &[("name", name.into())])
            }
            Event::ObserverIs { id, attendance } => self.observer_is(id, *attendance),
            Event::ObserverOver { id, reason } => self.observer_over(id, *reason),
            Event::Operation { name, titles, state, .. } => self.operation(name, titles, *state),
            Event::OperationRefused { name, why } => self.operation_refused(name, *why),
            Event::Restarts { power } => {
                self.plain(Topic::Work, if *power { "line-restarts-power" } else { "line-restarts" })
            }
            Event::CarryOnOffered {} => self.plain(Topic::Question, "line-carry-on-offered"),
            Event::CarryOnAgreed {} => self.plain(Topic::Question, "line-carry-on-agreed"),
            Event::Runbook { name, title, steps, settled, state, .. } => {
                self.runbook(name, (title, *steps), settled.as_ref(), state)
            }
            Event::RunbookRefused { why } => self.runbook_refused(*why),
            Event::ChannelOpened { seat, program, .. } => self.channel_opened(*seat, program),
            Event::ChannelRefused { seat, program, why } => self.channel_refused(*seat, program, why),
            Event::TerminalBegan { file, .. } => {
                self.with(Topic::Record, "line-terminal-began", &[("file", file.into())])
            }
            Event::TerminalSealed { file, seal } => self.terminal_sealed(file, seal.size),
            Event::FileTransferred(file) => self.transferred(file),
            Event::FileChanged(changed) => self.changed(changed),
            Event::ChannelOver { channel, outcome, input, output } => {
                self.channel_over(*channel, outcome, *input, *output)
            }
            Event::Unknown => self.record("line-unknown"),
        }
    }

    fn plain(&self, topic: Topic, id: &str) -> Line {
        Line::new(topic, self.words.say(id))
    }

    fn with(&self, topic: Topic, id: &str, arguments: &[(&str, Argument<'_>)]) -> Line {
        Line::new(topic, self.words.say_with(id, arguments))
    }

    fn of_seat(&self, topic: Topic, id: &str, seat: u64) -> Line {
        self.with(topic, id, &[("person", self.person(seat).into())])
    }

    fn of_time(&self, topic: Topic, id: &str, seconds: u64) -> Line {
        self.with(topic, id, &[("time", self.words.duration(seconds).into())])
    }
}

//! How the channels of a session come into its record.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use fieldlink_evidence::{ChannelOutcome, Event, Program, TerminalShape};
use fieldlink_protocol::ids::EngineerId;
use fieldlink_protocol::{limits, text};
use fieldlink_session::wire::{ConnectTarget, ExitStatus, ProgramKind, TerminalSize};
use fieldlink_ssh::transfer::{Seen, Transfers};
use fieldlink_ssh::{
    ChannelEnd, ChannelIdentity, ChannelKind, ChannelRequest, ChannelStatus, Opener, SubsystemName, Tap, Way,
};

use super::changes;
use super::hashing::{Hashing, Part};
use super::queue::{Moment, Recorder};

/// Bytes of a command that are told.
const COMMAND: usize = 8 * 1024;
/// Bytes of a reason that are told.
const REASON: usize = 400;

/// Sees the channels of one session, and tells the recorder.
pub(crate) struct Channels {
    pub(super) recorder: Recorder,
    pub(super) hashing: Hashing,
    /// The places of the engineers.
    seats: Mutex<HashMap<EngineerId, u64>>,
    transfers: Mutex<HashMap<u64, Transfers>>,
}

impl Channels {
    pub(super) fn new(recorder: Recorder, hashing: Hashing) -> Self {
        Self { recorder, hashing, seats: Mutex::default(), transfers: Mutex::default() }
    }

    /// The engineer has this place.
    pub(super) fn seat(&self, engineer: EngineerId, seat: u64) {
        locked(&self.seats).insert(engineer, seat);
    }

    fn seat_of(&self, engineer: &EngineerId) -> u64 {
        locked(&self.seats).get(engineer).copied().unwrap_or_default()
    }

    fn see(&self, channel: u64, seen: Seen<'_>) {
        match seen {
            Seen::Data { file, way, bytes } => self.hashing.data(Part { channel, file, way }, bytes),
            Seen::Over(transfer) => self.hashing.over(channel, transfer),
            Seen::Changed(changed) => self.hashing.tell_of_channel(changes::told(channel, &changed)),
            Seen::Lost => self.hashing.tell_of_channel(Event::TransfersLost { channel }),
        }
    }
}

impl Tap for Channels {
    fn opened(&self, channel: &ChannelIdentity) {
        let seat = self.seat_of(&channel.opener.engineer);
        let program = program_of(&channel.request);
        if channel.request.kind() == ChannelKind::Sftp {
            locked(&self.transfers).insert(channel.number, Transfers::default());
        }
        let event = Event::ChannelOpened { channel: channel.number, seat, program };
        self.recorder.tell_of_channel(Moment::now(), event);
    }

    fn resized(&self, channel: &ChannelIdentity, TerminalSize { columns, rows, .. }: TerminalSize) {
        let shape = TerminalShape { cols: columns, rows };
        let title = match program_of(&channel.request) {
            Program::Exec { command, .. } => text::clean(&command, limits::QUESTION),
            _ => String::new(),
        };
        self.recorder.shape(channel.number, shape, title);
    }

    fn shown(&self, channel: &ChannelIdentity, bytes: &[u8]) {
        self.recorder.output(channel.number, bytes);
    }

    fn transferred(&self, channel: &ChannelIdentity, way: Way, bytes: &[u8]) {
        if let Some(transfers) = locked(&self.transfers).get_mut(&channel.number) {
            transfers.push(way, bytes, |seen| self.see(channel.number, seen));
        }
    }

    fn refused(&self, opener: &Opener, request: &ChannelRequest, why: &str) {
        let (seat, program) = (self.seat_of(&opener.engineer), program_of(request));
        let event = Event::ChannelRefused { seat, program, why: text::clean(why, REASON) };
        self.recorder.tell_of_channel(Moment::now(), event);
    }

    fn over(&self, channel: &ChannelIdentity, end: &ChannelEnd) {
        let transfers = locked(&self.transfers).remove(&channel.number);
        let is_transfer = transfers.is_some();
        if let Some(mut transfers) = transfers {
            transfers.end(|seen| self.see(channel.number, seen));
        }
        let &ChannelEnd { ref status, input, output } = end;
        let event =
            Event::ChannelOver { channel: channel.number, outcome: outcome_of(status), input, output };
        match is_transfer {
            true => self.hashing.tell_of_channel(event),
            false => self.recorder.tell_of_channel(Moment::now(), event),
        }
    }
}

fn outcome_of(status: &ChannelStatus) -> ChannelOutcome {
    match status {
        ChannelStatus::Exit(ExitStatus::Code { code }) => ChannelOutcome::Exit { code: *code },
        ChannelStatus::Exit(ExitStatus::Signal { name, .. }) => {
            ChannelOutcome::Signal { signal: text::name(name) }
        }
        ChannelStatus::Closed => ChannelOutcome::Closed {},
        ChannelStatus::Failed => ChannelOutcome::Failed {},
        ChannelStatus::Cut => ChannelOutcome::Cut {},
    }
}

fn program_of(request: &ChannelRequest) -> Program {
    match request {
        ChannelRequest::Program(ProgramKind::Shell {}) => Program::Shell {},
        ChannelRequest::Program(ProgramKind::Sftp {}) => Program::Sftp {},
        ChannelRequest::Program(ProgramKind::Exec { command }) => {
            let length = command.len();
            // Control characters are six times as long in the account.
            let is_short = |length: &usize| {
                let text = String::from_utf8_lossy(&command[..*length]);
                serde_json::to_string(&text).is_ok_and(|text| text.len() <= COMMAND)
            };
            let lengths = std::iter::successors(Some(command.len().min(COMMAND)), |length| Some(length / 2));
            let kept = lengths.take(16).find(is_short).unwrap_or(0);
            let command = String::from_utf8_lossy(&command[..kept]).into_owned();
            let cut = kept < length;
            Program::Exec { command, cut }
        }
        ChannelRequest::Subsystem(SubsystemName::Operation) => Program::Operation {},
        ChannelRequest::Subsystem(SubsystemName::Health) => Program::Health {},
        ChannelRequest::Subsystem(SubsystemName::Diagnosis) => Program::Diagnosis {},
        ChannelRequest::Forward(ConnectTarget::Own { host, port } | ConnectTarget::Tcp { host, port }) => {
            Program::Forward { target: text::clean(&format!("{host}:{port}"), limits::QUESTION) }
        }
        ChannelRequest::Forward(ConnectTarget::Unix { path }) => {
            Program::Forward { target: text::clean(path, limits::QUESTION) }
        }
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

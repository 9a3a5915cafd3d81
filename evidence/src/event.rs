//! What a record tells, event by event. Texts in it are as the client read them: cleaned, and never more than text.

mod files;
mod parts;

use std::collections::BTreeMap;

use fieldlink_protocol::health::Concern;
use fieldlink_protocol::ids::{ObserverId, OperationId, QuestionId, SessionId};
use fieldlink_protocol::messages::announcements::Outcome;
use fieldlink_protocol::messages::health::Health;
use fieldlink_protocol::messages::operation::{OperationRefusal, OperationState};
use fieldlink_protocol::messages::people::Attendance;
use fieldlink_protocol::messages::questions::{Answer, Question};
use fieldlink_protocol::messages::runbook::RunbookRefusal;
use fieldlink_protocol::reason::Reason;
use serde::{Deserialize, Serialize};

pub use files::{Change, ChangeResult, Direction, FileChange, Transferred};
pub use parts::{
    Certified, ChannelOutcome, Consent, Device, HealthMoment, Person, Presence, Program, Resumption,
    RunbookState, Seal, StepSettled, Stop, Terms, Titles, Use,
};

use super::cast::TerminalShape;

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "kebab-case")]
pub enum Event {
    /// The first line.
    RecordBegan {
        /// The format of the record: 1.
        format: u32,
        /// The session.
        session: SessionId,
        /// 32 random bytes, in hexadecimal: no two records begin alike, and nobody can guess a head.
        random: String,
        /// Whose record it is.
        device: Device,
        /// What the client was told of the session before they said yes.
        terms: Terms,
        /// Public keys of the relay whose anchors count here, as lines of `.pub` files.
        anchor_keys: Vec<String>,
    },
    /// The record goes on, in another run of the agent.
    RecordResumed {
        /// Why there was an interruption.
        why: Resumption,
        /// Bytes of a line that was not written to its end, and was cut off.
        torn: u64,
    },
    /// What terminals show is not recorded from here on. Everything else is.
    RecordingStopped {
        /// Why.
        why: Stop,
    },
    /// The relay has signed this head of the account.
    Anchored {
        /// The number of its line.
        seq: u64,
        /// When, by the relay's clock.
        time: String,
    },
    /// The last line: what the other files of the record are.
    RecordClosed {
        /// By their names.
        files: BTreeMap<String, Seal>,
        /// Whether the agent did this at its next start, because it could not at the session's end.
        late: bool,
    },

    /// The client was asked whether an engineer may come in.
    ConsentAsked {
        /// The engineer.
        person: Person,
        /// Their place in the session.
        seat: u64,
        /// What proves who they are; none: the relay says so.
        certified: Option<Box<Certified>>,
    },
    /// An engineer is let in because they know the PIN, as the device's owner has set it: nobody is asked.
    LetInByPin {
        /// The engineer.
        person: Person,
        /// Their place in the session.
        seat: u64,
        /// What proves who they are; none: the relay says so.
        certified: Option<Box<Certified>>,
    },
    /// They may.
    ConsentGiven {
        /// Their place in the session.
        seat: u64,
    },
    /// The session began.
    SessionBegan {
        /// For how long, in seconds, unless the client gives more.
        seconds: u64,
    },
    /// The session is over.
    SessionEnded {
        /// Why, as both sides were told.
        reason: Reason,
        /// Whether only the relay says so.
        hearsay: bool,
    },

    /// The engineer's side is out of reach.
    Interrupted {
        /// What is known of it.
        problem: String,
    },
    /// It is heard again.
    Resumed {},
    /// The relay is out of reach.
    RelayLost {},
    /// It is there again.
    RelayBack {},
    /// An engineer's program was started again, and has proven itself.
    EngineerReturned {
        /// Their place.
        seat: u64,
    },

    /// The client was asked something by an engineer.
    Asked {
        /// The question, as the client saw it.
        id: QuestionId,
        /// The place of the engineer who asks.
        seat: u64,
        /// What.
        question: Question,
    },
    /// What came of it.
    Answered {
        /// The question.
        id: QuestionId,
        /// The answer; without the keys of links and the digits of join codes.
        answer: Answer,
    },
    /// The client was asked whether something may be done.
    LeaveAsked {
        /// The question.
        id: QuestionId,
        /// What.
        leave: Use,
    },
    /// What came of it.
    LeaveAnswered {
        /// The question.
        id: QuestionId,
        /// The answer.
        consent: Consent,
    },
    /// A question was taken back.
    Withdrawn {
        /// The question.
        id: QuestionId,
    },
    /// The client gave more time.
    Extended {
        /// Seconds that are left now.
        seconds: u64,
    },
    /// The client was told how much time is left.
    TimeLeft {
        /// Minutes.
        minutes: u64,
    },
    /// Channels that carry much wait, may not go on, or may again.
    Transfers {
        /// Whether they may go on.
        transfers: fieldlink_protocol::messages::control::Transfers,
    },

    /// A line of the conversation.
    Chat {
        /// The place of the engineer who said it; none: the client.
        from: Option<u64>,
        /// What.
        text: String,
    },
    /// A note.
    Noted {
        /// What.
        text: String,
        /// Whether it is what the client said, as the engineer heard it.
        by_client: bool,
    },
    /// The client was told that the engineer works alone.
    QuietBegan {
        /// For so many seconds.
        seconds: u64,
        /// At what.
        text: String,
    },
    /// That is over.
    QuietOver {},
    /// The client was called to the device.
    Called {},
    /// Whether the client is there.
    ClientIs {
        /// How it stands.
        presence: Presence,
    },
    /// The device's battery is low; both sides were warned.
    BatteryLow {
        /// Percent that are left.
        percent: u8,
    },
    /// What the device knew of itself.
    HealthRead {
        /// When in the session.
        moment: HealthMoment,
        /// What.
        health: Box<Health>,
    },
    /// Something of it was worth a warning to both sides.
    HealthWarned(Concern),
    /// What became of the case, as the engineer says.
    OutcomeSaid(Outcome),
    /// What became of it, as the client says.
    VerdictGiven {
        /// "solved", "partly" or "not".
        verdict: String,
        /// In their words; may be empty.
        words: String,
    },

    /// A further engineer, or somebody with a link.
    JoinCodeDrawn {
        /// The place of the engineer who asked for it.
        seat: u64,
    },
    /// Somebody tried to join, and did not prove what it takes.
    JoinFailed {
        /// Who, as far as is known.
        person: Person,
        /// Why.
        reason: Reason,
    },
    /// A further engineer is let in because they know the join code, as the device's owner has set it: nobody is asked.
    GuestLetIn {
        /// The engineer.
        person: Person,
        /// Their place in the session.
        seat: u64,
        /// Whether they only watch.
        observes: bool,
        /// What proves who they are; none: the relay says so.
        certified: Option<Box<Certified>>,
    },
    /// A further engineer is in.
    EngineerJoined {
        /// Their place.
        seat: u64,
        /// Whether they only watch.
        observes: bool,
    },
    /// A further engineer is gone.
    EngineerLeft {
        /// Their place.
        seat: u64,
        /// Why.
        reason: Reason,
    },
    /// The session is another engineer's.
    HandedOver {
        /// The place of the engineer whose it was.
        from: u64,
        /// The place of the engineer whose it is.
        to: u64,
        /// Why the first is gone; none: they are not.
        reason: Option<Reason>,
    },
    /// Somebody may watch with a link.
    ObserverInvited {
        /// The link.
        id: ObserverId,
        /// Who.
        name: String,
    },
    /// Whether they do.
    ObserverIs {
        /// The link.
        id: ObserverId,
        /// How it stands.
        attendance: Attendance,
    },
    /// The link leads nowhere any more.
    ObserverOver {
        /// The link.
        id: ObserverId,
        /// Why.
        reason: Reason,
    },

    /// How an operation of the device's stands.
    Operation {
        /// Its run.
        run: OperationId,
        /// Its name.
        name: String,
        /// What the client reads.
        titles: Titles,
        /// How it stands.
        state: OperationState,
    },
    /// An operation was not started.
    OperationRefused {
        /// Its name.
        name: String,
        /// Why.
        why: OperationRefusal,
    },
    /// The device restarts, and the session is to go on.
    Restarts {
        /// Whether the power is cut by hand.
        power: bool,
    },
    /// The device is back, and the client was asked whether the session goes on.
    CarryOnOffered {},
    /// It does.
    CarryOnAgreed {},
    /// A runbook: begun, further, or over.
    Runbook {
        /// Its name.
        name: String,
        /// What the client reads.
        title: Titles,
        /// The name of the maker's key that signed it; none: it is the engineer's own.
        maker: Option<String>,
        /// Steps that it has.
        steps: u64,
        /// The step that is over with this.
        settled: Option<StepSettled>,
        /// How far it is.
        state: RunbookState,
    },
    /// A runbook was not taken for what it says it is.
    RunbookRefused {
        /// Why.
        why: RunbookRefusal,
    },

    /// A channel was let in.
    ChannelOpened {
        /// Counts the channels.
        channel: u64,
        /// The place of the engineer who opened it.
        seat: u64,
        /// What for.
        program: Program,
    },
    /// A channel was not let in.
    ChannelRefused {
        /// The place of the engineer who wanted it.
        seat: u64,
        /// What for.
        program: Program,
        /// Why.
        why: String,
    },
    /// What a channel's terminal shows is recorded.
    TerminalBegan {
        /// The channel.
        channel: u64,
        /// In this file.
        file: String,
        /// The terminal's size.
        shape: TerminalShape,
    },
    /// How far a recording is: whoever changes what is before changes this.
    TerminalSealed {
        /// The file.
        file: String,
        /// Its first bytes.
        #[serde(flatten)]
        seal: Seal,
    },
    /// A channel's files have no entries from here on: what passes is no SFTP that is understood.
    TransfersLost {
        /// The channel.
        channel: u64,
    },
    /// Channels have no entries from here on: there were too many. Everything else has.
    ChannelsUnrecorded {},
    /// So many things that channels did are left out: the disk took nothing for a moment.
    EventsLost {
        /// How many.
        count: u64,
    },
    /// A file was transferred.
    FileTransferred(Transferred),
    /// A file transfer changed something on the device, or was to, beside the bytes of files.
    FileChanged(FileChange),
    /// A channel is over.
    ChannelOver {
        /// The channel.
        channel: u64,
        /// How.
        outcome: ChannelOutcome,
        /// Bytes from the engineer.
        input: u64,
        /// Bytes to the engineer.
        output: u64,
    },
    /// What a later version has written.
    #[serde(other)]
    Unknown,
}

impl Event {
    /// The number of the channel that it is about.
    pub fn channel_mut(&mut self) -> Option<&mut u64> {
        match self {
            Self::ChannelOpened { channel, .. }
            | Self::TerminalBegan { channel, .. }
            | Self::TransfersLost { channel }
            | Self::FileTransferred(Transferred { channel, .. })
            | Self::FileChanged(FileChange { channel, .. })
            | Self::ChannelOver { channel, .. } => Some(channel),
            _ => None,
        }
    }
}

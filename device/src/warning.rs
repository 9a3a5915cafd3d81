//! What the person beside the device is told of once, beside the status. It travels as messages do ([`notice`](crate::notice)).

use std::collections::BTreeMap;

use fieldlink_protocol::messages::announcements::CaseResult;
use fieldlink_protocol::policy::Function;
use fieldlink_protocol::reason::Reason;
use serde::{Deserialize, Serialize};

use crate::notice::Person;
use crate::verdict::Verdict;

/// An event that the client is told of once, beside the status.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "code", rename_all = "kebab-case")]
pub enum Warning {
    /// The end of the session is near.
    TimeLeft {
        /// Minutes until then.
        minutes: u64,
    },
    /// The session lasts longer now.
    MoreTime {
        /// Seconds until its end.
        seconds: u64,
    },
    /// It cannot last any longer.
    NoMoreTime,
    /// A wrong PIN was tried.
    WrongPin {
        /// The engineer who tried it.
        #[serde(flatten)]
        who: Person,
    },
    /// An engineer broke off while the PIN was checked, which counts as a wrong one.
    BrokenOff {
        /// The engineer who broke off.
        #[serde(flatten)]
        who: Person,
    },
    /// An engineer was turned away because nothing proves who they are.
    NotBelieved {
        /// The engineer, as the relay says.
        #[serde(flatten)]
        who: Person,
        /// What was wrong with the proof.
        reason: Reason,
    },
    /// The client did not let an engineer in.
    Refused {
        /// The engineer's name.
        engineer: String,
    },
    /// The client did not answer, so an engineer was not let in.
    NotLetIn {
        /// The engineer's name.
        engineer: String,
    },
    /// The client agreed that a function may be used.
    UseAllowed {
        /// The function.
        function: Function,
    },
    /// The client agreed that more data may go over a connection that may cost them money.
    DataAllowed,
    /// The device restarts, or may lose its power from now on.
    Restarting {
        /// Seconds after which it is expected back.
        seconds: u64,
    },
    /// The client allowed that somebody comes in.
    GuestAllowed,
    /// The engineer has drawn a join code for another one.
    Invited,
    /// Somebody wants to join and did not know the code.
    WrongCode {
        /// Who.
        #[serde(flatten)]
        who: Person,
    },
    /// A further engineer is in the session.
    GuestHere {
        /// Their name.
        engineer: String,
        /// Their company.
        company: String,
        /// Whether they only watch.
        watches: bool,
    },
    /// They are gone.
    GuestGone {
        /// Their name.
        engineer: String,
    },
    /// The session is another engineer's now.
    HandedOver {
        /// Their name.
        engineer: String,
        /// Their company.
        company: String,
    },
    /// Somebody with a link watches.
    WatcherHere {
        /// Who.
        name: String,
    },
    /// They watch no longer.
    WatcherGone {
        /// Who.
        name: String,
    },
    /// It does not restart now.
    NoRestart,
    /// The client agreed that an operation is started.
    OperationAllowed,
    /// The device's battery is low.
    BatteryLow {
        /// Percent that are left.
        percent: u8,
    },
    /// Something of the device's health is worth a warning.
    Health {
        /// What, as JSON: one of the concerns that `fieldlink health` lists.
        concern: String,
    },
    /// What the engineer's terminals show is not recorded any more.
    RecordingStopped,
    /// The client said no to a question.
    AnsweredNo,
    /// The client answered a question.
    Answered {
        /// The text of the answer.
        text: String,
    },
    /// The client chose an answer to a ready question.
    Chosen {
        /// Its name.
        choice: String,
    },
    /// The client has done what they were asked to.
    Done,
    /// A question was not answered in time.
    NoAnswer,
    /// The engineer took a question back.
    Withdrawn,
    /// An engineer's request ended before the client answered it.
    NoLongerAsks {
        /// The engineer's name.
        engineer: String,
        /// Why the request ended.
        reason: Reason,
        /// Whether only the relay says so, which may have made it up.
        hearsay: bool,
    },
    /// A line of chat from the client waits for the connection.
    Delayed,
    /// The engineer works alone for a while.
    Quiet {
        /// Seconds until that is over.
        seconds: u64,
        /// What is done meanwhile; empty if the engineer has not said.
        text: String,
    },
    /// The engineer does not work alone any more.
    QuietOver,
    /// The engineer wants the client beside the device.
    Called,
    /// The engineer made a note.
    Noted {
        /// The note.
        text: String,
        /// Whether it is what the client said.
        by_client: bool,
    },
    /// The engineer's outcome of the support case.
    Outcome {
        /// How it stands.
        result: CaseResult,
        /// What was found and done; may be empty.
        summary: String,
        /// What is to be prepared for a second session; may be empty.
        prepare: String,
    },
    /// The engineer follows a list of steps from now on.
    RunbookBegan {
        /// Whether it is the maker's, rather than the engineer's own.
        is_makers: bool,
        /// What it is called, by the code of the language.
        #[serde(flatten)]
        titles: BTreeMap<String, String>,
    },
    /// The list is over.
    RunbookOver {
        /// Whether it came to its end.
        is_finished: bool,
        /// As above.
        #[serde(flatten)]
        titles: BTreeMap<String, String>,
    },
    /// A list of steps was refused, because its signature is not right.
    RunbookRefused,
    /// The client is asked whether they are still there.
    StillThere {
        /// Seconds in which they may say so.
        seconds: u64,
    },
    /// Nobody said so.
    NobodyThere {
        /// Whether what the engineer sends is held until somebody does.
        is_held: bool,
    },
    /// The client's verdict on a session.
    VerdictGiven {
        /// Whether it has helped.
        verdict: Verdict,
        /// What they say of it; may be empty.
        words: String,
    },
    /// Somebody did.
    BackAgain {
        /// Whether something was held.
        was_held: bool,
    },
    /// A code that this version does not know.
    #[serde(other)]
    Unknown,
}

impl Warning {
    /// Whether somebody is wanted beside the device, who may not be looking.
    pub fn rings(&self) -> bool {
        matches!(self, Self::Called | Self::StillThere { .. })
    }

    /// Whether it says how the open question was closed.
    pub fn closes_question(&self) -> bool {
        match self {
            Self::TimeLeft { .. }
            | Self::WrongPin { .. }
            | Self::BrokenOff { .. }
            | Self::NotBelieved { .. }
            | Self::Delayed
            | Self::Quiet { .. }
            | Self::QuietOver
            | Self::Called
            | Self::Noted { .. }
            | Self::Outcome { .. }
            | Self::StillThere { .. }
            | Self::NobodyThere { .. }
            | Self::BackAgain { .. }
            | Self::VerdictGiven { .. }
            | Self::BatteryLow { .. }
            | Self::Health { .. }
            | Self::RecordingStopped
            | Self::Invited
            | Self::WrongCode { .. }
            | Self::GuestHere { .. }
            | Self::GuestGone { .. }
            | Self::HandedOver { .. }
            | Self::WatcherHere { .. }
            | Self::WatcherGone { .. }
            | Self::RunbookBegan { .. }
            | Self::RunbookOver { .. }
            | Self::RunbookRefused
            | Self::Unknown => false,
            Self::MoreTime { .. }
            | Self::NoMoreTime
            | Self::Refused { .. }
            | Self::NotLetIn { .. }
            | Self::UseAllowed { .. }
            | Self::DataAllowed
            | Self::OperationAllowed
            | Self::GuestAllowed
            | Self::Restarting { .. }
            | Self::NoRestart
            | Self::AnsweredNo
            | Self::Answered { .. }
            | Self::Chosen { .. }
            | Self::Done
            | Self::NoAnswer
            | Self::Withdrawn
            | Self::NoLongerAsks { .. } => true,
        }
    }
}

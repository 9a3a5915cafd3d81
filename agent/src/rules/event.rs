//! What happened: the single account of remote access, in order. It is carried out, shown and logged from here.

use std::time::Duration;

use fieldlink_device::verdict::Verdict;
use fieldlink_evidence::Stop;
use fieldlink_protocol::health::Concern;
use fieldlink_protocol::ids::{ObserverId, OperationId, QuestionId, SessionId};
use fieldlink_protocol::messages::announcements::Outcome;
use fieldlink_protocol::messages::control::Transfers;
use fieldlink_protocol::messages::operation::OperationRefusal;
use fieldlink_protocol::messages::questions::Answer;
use fieldlink_protocol::policy::{Denied, Function};
use fieldlink_protocol::reason::Reason;
use fieldlink_protocol::support_id::SupportId;

use super::ending::{Ending, Teller};
use super::operation::OperationStatus;
use super::people_event::{GuestEvent, ObserverEvent};
use super::policy::UseId;
use super::question::Asked;
use super::request::Request;
use super::restart::Continuity;
use super::runbook::RunbookEvent;
use super::seat::{RequestId, SeatId};
use crate::network::reach::Failure;

/// Something that happened. Times are times since boot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum RuleEvent {
    /// Remote access is on: the relay is to register this ID. It comes again if another ID had to be drawn.
    Opened {
        /// What the engineer asks the relay for.
        support_id: SupportId,
    },
    /// The relay knows us. What was said on the connection before may not have arrived.
    Registered,
    /// The relay has been out of reach for longer than a moment, or during a session.
    RelayLost(Failure),
    /// An engineer's run leads nowhere, and no attempt at the PIN stays charged for it.
    Declined {
        /// The engineer, and the run that is declined.
        request: Request,
        /// What they are told.
        reason: Reason,
    },
    /// An engineer has not proven who they are. Declined follows.
    NotBelieved {
        /// The engineer, as the relay says.
        request: Request,
        /// What was wrong.
        reason: Reason,
        /// Whether that is the first time since remote access was switched on.
        is_news: bool,
    },
    /// An engineer tried the PIN wrongly, or broke off once they could know whether it was right.
    TryFailed {
        /// The engineer, and the run that failed.
        request: Request,
        /// Which of the two.
        reason: Reason,
        /// Whether the pair is used up by that.
        is_last: bool,
    },
    /// An engineer knows the PIN, and is to prove the control pipe.
    PinVerified {
        /// The engineer, and the run that verified.
        request: Request,
    },
    /// The client is asked whether the engineer may come in.
    ConsentAsked {
        /// The engineer whom the question names.
        request: Request,
        /// The answer must name it.
        question: QuestionId,
        /// How long the client has.
        patience: Duration,
    },
    /// The engineer may come in: what serves them is to be started.
    Allowed {
        /// The engineer who may come in.
        request: Request,
    },
    /// What serves the engineer runs: the relay is to withdraw the support ID.
    Begun,
    /// An engineer who knew the PIN does not come in. Remote access waits again, or an end follows.
    NotLetIn {
        /// The engineer who is turned away.
        request: Request,
        /// What kept them out.
        why: NotLetIn,
        /// What the engineer is told.
        told: Reason,
        /// Whether the pair may be used again.
        is_usable: bool,
    },
    /// The session began.
    Admitted {
        /// The engineer who works in it.
        request: Request,
        /// How long it may last, unless the client extends it.
        length: Duration,
        /// When it ends, `length` from now.
        deadline: Duration,
    },
    /// The engineer's side is out of reach: no new SSH connections.
    Interrupted {
        /// What is known of it.
        problem: String,
    },
    /// The engineer's side is heard again.
    Resumed,
    /// The engineer's program was started again and took the place of the one before.
    Returned {
        /// With the run it came back in.
        request: Request,
        /// When the session ends; the same as before.
        deadline: Duration,
    },
    /// The client is asked something.
    Asked(Asked),
    /// A question was not put to the client.
    NotAsked {
        /// The engineer's number for it.
        request: RequestId,
        /// What the engineer is told instead.
        answer: Answer,
    },
    /// A question of the engineer's is over: answered, or not in time.
    Answered {
        /// The question as the client saw it.
        question: QuestionId,
        /// The engineer's number for it.
        request: RequestId,
        /// What came of it.
        answer: Answer,
    },
    /// A question was taken back, or whoever would have heard the answer is gone.
    Withdrawn {
        /// The question as the client saw it.
        question: QuestionId,
    },
    /// The client was asked whether a function may be used, and this came of it.
    UseAnswered {
        /// The question as the client saw it.
        question: QuestionId,
        /// What may be used in this session, or not.
        function: Function,
        /// The answer.
        verdict: Result<(), Denied>,
    },
    /// The client was asked whether more data may go over their metered connection, and this came of it.
    DataAnswered {
        /// The question as the client saw it.
        question: QuestionId,
        /// The answer.
        verdict: DataVerdict,
    },
    /// What becomes of channels that carry much, from now on.
    Transfers {
        /// Whether they may go on.
        transfers: Transfers,
        /// After how many bytes of the session they are held; none: never.
        limit: Option<u64>,
    },
    /// The session has moved so many bytes.
    DataUsed {
        /// Of all channels, both ways.
        bytes: u64,
    },
    /// How low the device's battery is has changed.
    BatteryIs {
        /// Percent that are left; none: it is not low.
        low: Option<u8>,
    },
    /// The device runs on its battery, which is low: both sides are warned.
    BatteryLow {
        /// Percent that are left.
        percent: u8,
    },
    /// Something of the device's health is worth a warning to both sides.
    HealthWarned {
        /// What.
        concern: Concern,
    },
    /// The client was asked whether an operation may be started, and this came of it.
    OperationAnswered {
        /// The question as the client saw it.
        question: QuestionId,
        /// The operation's name.
        name: String,
        /// The answer.
        verdict: Result<(), OperationRefusal>,
    },
    /// What the engineer wanted to start may be started, or not.
    OperationDecided {
        /// The wish.
        id: UseId,
        /// Why not, if it may not.
        verdict: Result<(), OperationRefusal>,
    },
    /// The client agreed to a restart, or need not be asked: what the session needs to go on is to be written down.
    RestartAgreed {
        /// The question as the client saw it, if they were asked.
        question: Option<QuestionId>,
        /// The engineer's number for it.
        request: RequestId,
        /// Whether the power is cut by hand, rather than the device restarted.
        is_power: bool,
    },
    /// It was written down: everything ends but the session, and the device is to restart.
    Restarts {
        /// The engineer whose session it is.
        request: Request,
        /// As above.
        is_power: bool,
    },
    /// The device has restarted, and the client is asked whether the session goes on.
    CarryOnOffered {
        /// The engineer whose session it is.
        request: Request,
        /// What it was called before.
        continuity: Continuity,
        /// The answer must name it.
        question: QuestionId,
    },
    /// It does: the relay is to know that we are back.
    CarryOnAgreed {
        /// The engineer whose session it is.
        request: Request,
    },
    /// An operation's unit did not take it.
    OperationNotStarted {
        /// How it stood.
        status: OperationStatus,
    },
    /// How an operation stands has changed.
    OperationIs {
        /// How it stands now.
        status: OperationStatus,
        /// Whether it was started, is over or waits for a restart, rather than being a bit further.
        is_turn: bool,
    },
    /// The engineer is to be told how an operation stands.
    OperationTold {
        /// How it stands.
        status: OperationStatus,
    },
    /// An engineer has heard how an operation ended: nobody needs to be told of it any more.
    OperationHeard {
        /// Which run.
        run: OperationId,
    },
    /// These uses of a function may go on, or not.
    UseDecided {
        /// Those that waited.
        uses: Vec<UseId>,
        /// What they use.
        function: Function,
        /// Why not, if they may not.
        verdict: Result<(), Denied>,
    },
    /// What the engineer said of a runbook, and what came of it.
    Runbook(RunbookEvent),
    /// What the engineer announced was told to the client.
    Announced {
        /// The engineer's number for it.
        request: RequestId,
    },
    /// The engineer works by themselves for a while.
    QuietBegan {
        /// When that is over.
        until: Duration,
        /// What is done meanwhile, cleaned; may be empty.
        text: String,
    },
    /// That is over.
    QuietOver,
    /// The engineer wants the client beside the device.
    Called,
    /// The engineer made a note of this session.
    Noted {
        /// The note, cleaned.
        text: String,
        /// Whether it is what the client said.
        by_client: bool,
    },
    /// What became of the support case, as the engineer says. Cleaned.
    OutcomeSaid(Outcome),
    /// The client is asked whether they are still there.
    PresenceAsked {
        /// When no answer counts as nobody there.
        until: Duration,
    },
    /// Nobody answered.
    ClientAway {
        /// Whether the engineer's input is held until somebody does.
        is_held: bool,
    },
    /// Somebody is there, after they were asked.
    ClientHere {
        /// Whether the engineer's input was held.
        was_held: bool,
    },
    /// The client gave more time.
    Extended {
        /// The session's new end.
        deadline: Duration,
        /// Seconds until then, as both sides are told.
        seconds: u32,
    },
    /// The end is near.
    TimeLeft {
        /// Minutes until then.
        minutes: u64,
    },
    /// A line between client and engineer, cleaned.
    Chat {
        /// The engineer's place; none: the client said it.
        from: Option<SeatId>,
        /// Cleaned.
        text: String,
    },
    /// The line before waits until the engineer's side is back.
    ChatDelayed,
    /// A line of the client's that the engineer's earlier program may not have shown is said again.
    ChatAgain {
        /// The line, as it was said first.
        text: String,
    },
    /// The client's own verdict on a session that is over.
    VerdictGiven {
        /// The session.
        session: SessionId,
        /// Whether the problem is solved.
        verdict: Verdict,
        /// What they say of it, cleaned; may be empty.
        words: String,
    },
    /// The client was asked whether somebody comes in, and has answered or has not.
    GuestAnswered {
        /// The question.
        question: QuestionId,
        /// Whether they said yes.
        is_allowed: bool,
    },
    /// Something about a further engineer.
    Guest {
        /// Their place.
        seat: SeatId,
        /// What.
        event: GuestEvent,
    },
    /// Something about somebody who only watches.
    Observer {
        /// The link.
        observer: ObserverId,
        /// Who.
        name: String,
        /// What.
        event: ObserverEvent,
    },
    /// The session is another engineer's now.
    HandedOver {
        /// The place of the engineer whose it was.
        from: SeatId,
        /// The place of the engineer whose it is.
        to: SeatId,
        /// Who that is.
        request: Request,
        /// Why the engineer whose it was is gone; none: it was handed over.
        reason: Option<Reason>,
    },
    /// The list of people is another one.
    People,
    /// What terminals show is not recorded any more.
    RecordingStopped {
        /// Why.
        why: Stop,
    },
    /// Remote access is off, and a session over if there was one.
    Closed {
        /// The engineer's, if one had got past the PIN.
        request: Option<Request>,
        /// Why, and which side said so.
        ending: Ending,
        /// Whether the relay was out of reach, and is to be told once it is back.
        is_relay_away: bool,
    },
}

/// What came of the question whether more data may go over a metered connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum DataVerdict {
    /// It may.
    Allowed,
    /// The client said no.
    Refused,
    /// The client did not answer in time.
    Unanswered,
}

/// Why an engineer who knew the PIN does not come in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NotLetIn {
    /// The client said no.
    Refused,
    /// The client did not answer in time.
    Unanswered,
    /// The engineer was gone before the client had answered.
    Gone {
        /// Why they left.
        reason: Reason,
        /// Which side said so.
        teller: Teller,
        /// Whether the client had been asked.
        was_asked: bool,
    },
}

impl NotLetIn {
    /// The reason for the log, and for an engineer who may try again.
    pub(crate) fn reason(self) -> Reason {
        match self {
            Self::Refused => Reason::ClientRefused,
            Self::Unanswered => Reason::NoAnswer,
            Self::Gone { reason, teller, .. } => Ending::told(reason, teller).reason(),
        }
    }
}

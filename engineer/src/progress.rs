//! What the engineer sees while waiting, and what scripts read with `--json`.

use std::cell::{Cell, RefCell};
use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant};

use fieldlink_protocol::health::Concern;
use fieldlink_protocol::messages::control::{ClientPresence, Transfers};
use fieldlink_protocol::messages::operation::{OperationEnd, OperationState};
use fieldlink_protocol::messages::people::Participant;
use fieldlink_protocol::{limits, text};
use serde::Serialize;

use crate::budget::{Budget, Verdict};
use crate::control::Trouble;
use crate::end::{End, Told};
use crate::exit::Failure;
use crate::local_socket::Viewed;
use crate::people::people;
use crate::printing::{LINE, print, print_json};
use crate::words::say;

/// Has the terminal remember its title, as xterm does (XTWINOPS 22 and 23); others ignore it.
const KEEP_TITLE: &str = "\u{1b}[22;2t";
/// See [`KEEP_TITLE`].
const GIVE_TITLE_BACK: &str = "\u{1b}[23;2t";

/// A change that is worth telling.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "state", rename_all = "kebab-case")]
pub(crate) enum Progress {
    /// The relay is being dialled.
    Connecting {
        /// Which.
        relay: String,
    },
    /// The PIN is awaited.
    WaitingForPin,
    /// The engineer's key is to sign: it may ask for a passphrase, or a touch.
    Signing,
    /// The PIN is being checked with the scanner.
    Pairing,
    /// The scanner restarts; it comes back once its client has agreed.
    Restarting {
        /// Minutes since it began.
        minutes: u64,
    },
    /// The client is being asked.
    Asking {
        /// Seconds until no answer counts as no.
        seconds: u64,
    },
    /// SSH connections may come; told again after an interruption.
    Active {
        /// Seconds until the session ends.
        seconds: u64,
        /// The support ID.
        id: String,
        /// The scanner's name.
        hostname: String,
        /// The account on the scanner.
        user: String,
        /// The name for ssh.
        host: String,
        /// The file for `ssh -F`.
        ssh_config: String,
    },
    /// The scanner is out of reach: what is wrong, and how often another connection was tried.
    Interrupted(Trouble),
    /// The end is near.
    TimeLeft {
        /// Minutes until then.
        minutes: u64,
    },
    /// The client granted more time.
    Extended {
        /// Seconds until the session ends.
        seconds: u64,
    },
    /// Whether the client is there.
    Presence {
        /// How it stands now.
        presence: ClientPresence,
    },
    /// Whether what carries much may go on: the client may have to pay for it.
    Transfers {
        /// How it stands now.
        transfers: Transfers,
        /// Bytes that the session has moved.
        bytes: u64,
    },
    /// What terminals show is not recorded any more.
    RecordingStopped,
    /// The scanner's battery is low.
    Battery {
        /// Percent that are left.
        percent: u8,
    },
    /// Something of the scanner's health is worth a warning.
    Health {
        /// What, as `health --json` lists it.
        concern: Concern,
        /// The same, fit to be shown.
        message: String,
    },
    /// How an operation of the scanner's stands.
    Operation {
        /// Its name.
        operation: String,
        /// How it stands now.
        how: OperationState,
    },
    /// Who takes part in the session has changed.
    People {
        /// Everybody but the client.
        people: Vec<Participant>,
    },
    /// The client wrote a line.
    Chat {
        /// The line.
        text: String,
    },
    /// What the relay signed of the session's account is not kept here.
    NotAnchored {
        /// Why.
        message: String,
    },
    /// The report of the session was fetched.
    Report {
        /// Where the page is; other forms are beside it.
        path: String,
    },
    /// The report of the session could not be kept here.
    ReportNotKept {
        /// Why.
        message: String,
    },
    /// The other side caused more than is told: so many lines were left out.
    LeftOut {
        /// How many.
        count: u64,
    },
    /// The session is over.
    Ended {
        /// Who ended it.
        by: &'static str,
        /// Why: a reason's code.
        reason: &'static str,
        /// Who says so: `scanner` (under the seal), `relay`, or `self`.
        told_by: &'static str,
        /// One sentence.
        message: String,
    },
    /// There was no session.
    Failed {
        /// The exit code.
        code: u8,
        /// The name of the failure.
        error: &'static str,
        /// One sentence.
        message: String,
    },
}

impl Progress {
    /// The end of a session.
    pub(crate) fn ended(end: &End) -> Self {
        let told_by = match end.told {
            Told::Scanner => "scanner",
            Told::Relay => "relay",
            Told::Lost | Told::Here => "self",
        };
        Self::Ended { by: end.by(), reason: end.reason.code(), told_by, message: end.sentence() }
    }

    /// A failure.
    pub(crate) fn failed(failure: &Failure) -> Self {
        let Failure { kind, message } = failure;
        Self::Failed { code: kind.code(), error: kind.name(), message: message.clone() }
    }

    /// Whether scanner or relay can cause it again and again.
    fn is_of_the_other_side(&self) -> bool {
        matches!(
            self,
            Self::Interrupted(_)
                | Self::Active { .. }
                | Self::Extended { .. }
                | Self::TimeLeft { .. }
                | Self::Presence { .. }
                | Self::Transfers { .. }
                | Self::Battery { .. }
                | Self::RecordingStopped
                | Self::Health { .. }
                | Self::Operation { .. }
                | Self::People { .. }
                | Self::Chat { .. }
        )
    }

    /// What is being waited for, if anything is.
    fn waiting(&self) -> Option<String> {
        match self {
            Self::Connecting { relay } => Some(say!("connecting", relay = relay)),
            Self::Pairing => Some(say!("checking-pin")),
            Self::Restarting { minutes } => {
                Some(say!("scanner-restarts", minutes = *minutes, most = limits::RESTART.as_secs() / 60))
            }
            Self::Interrupted(trouble) => Some(interrupted(trouble)),
            Self::Asking { seconds } => Some(say!("waiting-for-client", seconds = *seconds)),
            _ => None,
        }
    }

    fn sentence(&self) -> Option<String> {
        match self {
            Self::Active { seconds, id, hostname, user, .. } => {
                let minutes = seconds.div_ceil(60);
                Some(say!("connected", hostname = hostname, id = id, user = user, minutes = minutes))
            }
            Self::Interrupted(trouble) if trouble.tries <= 1 => Some(interrupted(trouble)),
            Self::TimeLeft { minutes } => Some(say!("time-is-short", minutes = *minutes)),
            Self::Extended { seconds } => Some(say!("more-time", minutes = seconds.div_ceil(60))),
            Self::Presence { presence } => Some(present(*presence)),
            Self::Transfers { transfers, bytes } => Some(data_used(*bytes, *transfers)),
            Self::RecordingStopped => Some(say!("recording-stopped")),
            Self::Battery { percent } => Some(say!("battery-is-low", percent = u64::from(*percent))),
            Self::Health { message, .. } => Some(message.clone()),
            Self::Operation { operation, how } => Some(operated(operation, *how)),
            Self::People { people: list } => Some(people(list)),
            Self::Chat { text } => Some(say!("chat-arrived", text = text)),
            Self::NotAnchored { message } => Some(say!("anchor-not-kept", why = message)),
            Self::Report { path } => Some(say!("report-kept", path = path)),
            Self::ReportNotKept { message } => Some(say!("report-not-kept", why = message)),
            Self::LeftOut { count } => Some(say!("lines-left-out", count = *count)),
            Self::Ended { message, .. } | Self::Failed { message, .. } => {
                Some(say!("program-says", message = message))
            }
            _ => None,
        }
    }
}

/// How an operation stands.
pub(crate) fn operated(operation: &str, how: OperationState) -> String {
    let name = text::name(operation);
    match how {
        OperationState::Starting {} => say!("operation-starts", operation = name),
        OperationState::Running { percent: None } => say!("operation-runs", operation = name),
        OperationState::Running { percent: Some(percent) } => {
            say!("operation-runs-percent", operation = name, percent = u64::from(percent))
        }
        OperationState::AfterRestart {} => say!("operation-waits", operation = name),
        OperationState::Over { result, restart } => ended(&name, result, restart),
    }
}

/// How an operation ended.
pub(crate) fn ended(operation: &str, end: OperationEnd, restart: bool) -> String {
    let operation = text::name(operation);
    let ended = match end {
        OperationEnd::Succeeded {} => say!("operation-succeeded", operation = operation),
        OperationEnd::Failed { code } => {
            say!("operation-failed", operation = operation, code = u64::from(code))
        }
        OperationEnd::Killed { signal } => {
            say!("operation-killed", operation = operation, signal = u64::from(signal))
        }
        OperationEnd::Lost {} => say!("operation-lost", operation = operation),
    };
    if restart { say!("operation-wants-restart", ended = ended) } else { ended }
}

/// Whether the client is there, and what follows.
pub(crate) fn present(presence: ClientPresence) -> String {
    match presence {
        ClientPresence::Here => say!("client-here"),
        ClientPresence::Asked => say!("client-asked"),
        ClientPresence::Away => say!("client-away"),
        ClientPresence::Held => say!("client-held"),
    }
}

/// How much the session has moved, and what becomes of what carries much.
pub(crate) fn data_used(bytes: u64, transfers: Transfers) -> String {
    let tenths = bytes / 100_000;
    let megabytes =
        if tenths < 100 { format!("{}.{}", tenths / 10, tenths % 10) } else { (tenths / 10).to_string() };
    match transfers {
        Transfers::Pass => say!("data-moved", megabytes = megabytes),
        Transfers::Held => say!("data-held", megabytes = megabytes),
        Transfers::Refused => say!("data-refused", megabytes = megabytes),
    }
}

fn interrupted(trouble: &Trouble) -> String {
    say!("interrupted", trouble = trouble.to_string())
}

/// How to tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Manner {
    /// One line that changes, on a terminal.
    Terminal,
    /// A line for each change.
    Lines,
    /// A JSON object for each change, on standard output.
    Json,
}

/// Tells the engineer, or a script, what happens.
#[derive(Debug)]
pub(crate) struct Console {
    manner: Manner,
    /// Whether a line that will change stands on the terminal.
    unfinished: Cell<bool>,
    /// The minutes that stand there.
    minutes: Cell<u64>,
    /// Whether the terminal belongs to ssh.
    muted: Cell<bool>,
    /// Whether the terminal's owner was told of an interruption.
    debugged: Cell<bool>,
    hidden: Cell<bool>,
    /// Bounds what the other side can have told.
    budget: RefCell<Budget>,
}

impl Console {
    /// For this process's standard streams.
    pub(crate) fn new(json: bool) -> Self {
        let is_terminal =
            std::io::stderr().is_terminal() && std::env::var_os("TERM").is_none_or(|term| term != "dumb");
        let manner = match (json, is_terminal) {
            (true, _) => Manner::Json,
            (false, true) => Manner::Terminal,
            (false, false) => Manner::Lines,
        };
        let (unfinished, minutes, muted, debugged, hidden) = Default::default();
        Self { manner, unfinished, minutes, muted, debugged, hidden, budget: RefCell::default() }
    }

    /// Tells a change. What the other side can cause as often as it likes is told so often, and then how much
    /// was left out.
    pub(crate) fn tell(&self, progress: &Progress) {
        if progress.is_of_the_other_side() {
            match self.budget.borrow_mut().spend(Instant::now()) {
                Verdict::LeaveOut => return,
                Verdict::Tell { left_out: 0 } => {}
                Verdict::Tell { left_out } => self.tell_now(&Progress::LeftOut { count: left_out }),
            }
        }
        self.tell_now(progress);
    }

    /// What somebody watches who does nothing else here. People read it in the view.
    pub(crate) fn show(&self, viewed: &Viewed) {
        if self.manner == Manner::Json {
            print_json(&serde_json::to_string(viewed).unwrap_or_default());
        }
    }

    fn tell_now(&self, progress: &Progress) {
        match self.manner {
            _ if self.muted.get() => self.debug(progress),
            Manner::Json => {
                print_json(&serde_json::to_string(progress).unwrap_or_default());
            }
            _ => {
                progress.waiting().inspect(|text| self.wait(text));
                progress.sentence().inspect(|text| self.say(text));
            }
        }
    }

    /// A shell that stands still must say why, and what the client says must be read. Nothing else is
    /// written to a terminal that is ssh's, and nothing of an interruption that is over after
    /// the first try.
    fn debug(&self, progress: &Progress) {
        let Some(text) = self.debug_text(progress) else { return };
        if std::io::stderr().is_terminal() && !self.hidden.get() {
            // The terminal is in raw mode.
            let _ = write!(std::io::stderr(), "\r\n[fieldlink] {}\r\n", text::clean(&text, LINE));
        }
    }

    fn debug_text(&self, progress: &Progress) -> Option<String> {
        match progress {
            Progress::Interrupted(trouble) if !self.debugged.get() && trouble.tries > 0 => {
                self.debugged.set(true);
                Some(interrupted(trouble))
            }
            Progress::Active { .. } if self.debugged.take() => Some(say!("connected-again")),
            Progress::Chat { .. }
            | Progress::Extended { .. }
            | Progress::TimeLeft { .. }
            | Progress::Presence { .. }
            | Progress::Transfers { .. }
            | Progress::Battery { .. }
            | Progress::RecordingStopped
            | Progress::Health { .. }
            | Progress::Operation { .. }
            | Progress::People { .. }
            | Progress::NotAnchored { .. }
            | Progress::LeftOut { .. } => progress.sentence(),
            _ => None,
        }
    }

    /// Tells a person something; scripts have what they need already.
    pub(crate) fn say(&self, text: &str) {
        self.clear();
        if self.manner != Manner::Json {
            print(text);
        }
    }

    /// Shows how far something is, on a line that changes; only a terminal has one.
    pub(crate) fn working(&self, text: &str) {
        if self.manner == Manner::Terminal {
            self.wait(text);
        }
    }

    /// Whether it speaks to people: [`Self::say`] says nothing to programs.
    pub(crate) fn is_for_people(&self) -> bool {
        self.manner != Manner::Json
    }

    /// While a shell has the terminal, nothing is told that would disturb it; the time that is left stands in its title.
    pub(crate) fn mute(&self, muted: bool) {
        self.clear();
        if self.manner == Manner::Terminal && self.muted.replace(muted) != muted {
            let _ = write!(std::io::stderr(), "{}", if muted { KEEP_TITLE } else { GIVE_TITLE_BACK });
        }
        self.muted.set(muted);
        self.minutes.set(0);
    }

    /// Nothing is said into a picture that another program draws; it shows itself what there is to say.
    pub(crate) fn hide(&self, hidden: bool) {
        self.hidden.set(hidden);
    }

    /// Shows how much of the session is left: on the line that changes, or in the title of the shell's terminal.
    pub(crate) fn count_down(&self, left: Duration) {
        let minutes = left.as_secs().div_ceil(60);
        let is_known = self.minutes.replace(minutes) == minutes;
        if self.manner != Manner::Terminal || is_known && (self.muted.get() || self.unfinished.get()) {
            return;
        }
        if self.muted.get() {
            let text = say!("minutes-in-title", minutes = minutes);
            let _ = write!(std::io::stderr(), "\u{1b}]2;{}\u{7}", text::clean(&text, LINE));
        } else {
            self.wait(&say!("minutes-to-go", minutes = minutes));
        }
    }

    fn wait(&self, text: &str) {
        self.clear();
        if self.manner == Manner::Terminal {
            let _ = write!(std::io::stderr(), "{} …", text::clean(text, LINE));
            self.unfinished.set(true);
        } else {
            print(text);
        }
    }

    /// Clears the line that was to change, before another program writes to the terminal.
    pub(crate) fn clear(&self) {
        if self.unfinished.take() {
            let _ = write!(std::io::stderr(), "\r\u{1b}[K");
        }
    }
}

#[cfg(test)]
mod tests {
    use fieldlink_protocol::reason::Reason;

    use super::*;

    fn json(progress: &Progress) -> String {
        serde_json::to_string(progress).expect("JSON")
    }

    #[test]
    fn lines_for_scripts_stay_as_they_are() {
        assert_eq!(json(&Progress::Pairing), r#"{"state":"pairing"}"#);
        assert_eq!(json(&Progress::WaitingForPin), r#"{"state":"waiting-for-pin"}"#);
        assert_eq!(json(&Progress::Asking { seconds: 60 }), r#"{"state":"asking","seconds":60}"#);
        assert_eq!(
            json(&Progress::ended(&End::new(Reason::ClientEnded, Told::Scanner))),
            r#"{"state":"ended","by":"client","reason":"client-ended","told_by":"scanner","message":"the session is over: the client ended it"}"#
        );
        assert_eq!(
            json(&Progress::failed(&Failure::usage("no"))),
            r#"{"state":"failed","code":2,"error":"usage","message":"no"}"#
        );
        assert_eq!(json(&Progress::Chat { text: "hi".into() }), r#"{"state":"chat","text":"hi"}"#);
        assert_eq!(json(&Progress::Extended { seconds: 5100 }), r#"{"state":"extended","seconds":5100}"#);
    }

    #[test]
    fn a_flood_is_told_once() {
        let console = Console::new(false);
        let told = |progress: &Progress| {
            !matches!(console.budget.borrow_mut().spend(Instant::now()), Verdict::LeaveOut)
                && progress.is_of_the_other_side()
        };
        let chat = Progress::Chat { text: "x".into() };
        assert!((0..100_000).filter(|_| told(&chat)).count() < 100);
    }

    #[test]
    fn people_read_what_is_waited_for() {
        let asking = Progress::Asking { seconds: 60 };
        assert_eq!(asking.waiting().as_deref(), Some("waiting for the client to allow (60 s)"));
        let connecting = Progress::Connecting { relay: "wss://a".into() };
        assert_eq!(connecting.waiting().as_deref(), Some("connecting to wss://a"));
    }

    #[test]
    fn a_shell_is_disturbed_by_what_its_user_must_know() {
        let console = Console::new(false);
        let debugged = |progress| console.debug_text(&progress);
        let interrupted = |tries| Progress::Interrupted(Trouble { problem: "cut".into(), tries });
        assert_eq!(
            debugged(Progress::Chat { text: "it blinks".into() }).as_deref(),
            Some("the client: it blinks")
        );
        assert_eq!(
            debugged(Progress::Extended { seconds: 5_041 }).as_deref(),
            Some("the client granted more time: 85 minutes left")
        );
        assert_eq!(debugged(interrupted(0)), None);
        assert!(debugged(interrupted(1)).is_some());
        assert_eq!(debugged(interrupted(2)), None, "it was told");
        assert_eq!(debugged(Progress::Pairing), None);
    }
}

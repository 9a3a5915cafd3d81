//! Whether anybody could connect: switching remote access on and off, and what to read out.

use std::collections::HashMap;

use fieldlink_protocol::{limits, text};

use super::arguments::{BusArguments, from_bus, to_bus};
use super::subject::subject;
use super::text::{cleaned, given};
use crate::notice::Notice;
use crate::operation::{Operation, OperationPhase};
use crate::status::{Phase, Status};

subject! {
    interface AccessInterface = "com.navvis.Fieldlink1.Access";

    /// Where remote access stands. Empty and zero mean that there is none.
    properties AccessProperties {
        /// "off", "connecting", "ready", "asking", "admitting", "active", "interrupted", "restarting" (the session goes on
        /// afterwards), "power-off" (the power may be cut, and the session goes on afterwards) or "returning" (the device has
        /// restarted, and the engineer comes back).
        "State" = state: String,
        /// While State is off: why it was switched off, as a code to be read out; else empty.
        "Notice" = notice: String,
        /// hearsay b: only the relay says so, of somebody else. "burnt": engineer, company, ticket, partner, authority s, of the last
        /// who tried.
        "NoticeArguments" = notice_arguments: BusArguments,
        /// While State is connecting: what went wrong last.
        "Problem" = problem: String,
        /// Wrong PINs so far, for this support ID.
        "WrongTries" = wrong_tries: u32,
        /// The operation that runs, or ran last, a system update say; it may outlive its session: "starting", "running" and
        /// "after-restart" (it goes on by itself then) must not be interrupted; "succeeded", "failed", "lost" (nobody knows how
        /// it ended). Empty without one.
        "Operation" = operation: String,
        /// What it is called, by language ("en", "de").
        "OperationTitles" = operation_titles: HashMap<String, String>,
        /// Percent that are done, plus one; 0: it does not say.
        "OperationProgress" = operation_progress: u32,
        /// The last line that it printed; foreign text.
        "OperationLine" = operation_line: String,
        /// Whether the device is to be restarted for it.
        "OperationRestart" = operation_restart: bool,
        /// The agent's version.
        "Version" = version: String,
        /// The language that the device's operator has set ("en", "de"); empty if the locale decides.
        "Language" = language: String,
        /// Goes up with every change of any interface of the object, also from one start of the agent to the next. A change
        /// is told with Access last: what other interfaces told before it belongs to the same change. If it is the same
        /// before and after several reads, they fit together.
        "Revision" = revision: u64,
    }

    /// What the person beside the device decides of remote access as a whole.
    methods AccessMethods {
        /// Switches remote access on, with a new support ID and PIN. polkit: .start
        "Start" = start();
        /// Switches remote access off. A session ends. polkit: .stop
        "Stop" = stop();
        /// What is to be read out over the phone: nine digits and four. Only while State is connecting or ready.
        /// polkit: .credentials
        "GetCredentials" = get_credentials() -> ("support_id": String, "pin": String);
    }

    signals {
        /// Something the client should know. Codes and arguments: "time-left" (minutes t) and "more-time" (seconds t) of the
        /// session, "no-more-time"; "wrong-pin" and "broken-off" (engineer, company, ticket, partner, authority s), "not-believed" (with reason s); what became of a
        /// question: "refused" and "not-let-in" (engineer s), "answered" (text s), "answered-no", "no-answer", "withdrawn",
        /// "no-longer-asks" (engineer s, reason s, hearsay b); "delayed" (a line of chat waits for the connection); "use-allowed" (function s), "data-allowed", "operation-allowed", "restarting" (seconds t), "no-restart"; "battery-low" (percent y), "health" (concern s: a JSON object, one of the concerns that `fieldlink health` lists);
        /// "quiet" (seconds t, text s), "quiet-over", "called", "noted" (text s, by_client b), "outcome" (result, summary, prepare
        /// s); "still-there" (seconds t), "nobody-there" (is_held b), "back-again" (was_held b); "verdict-given" (verdict, words s);
        /// "runbook-began" (is_makers b, and the title by language: en, de s), "runbook-over" (is_finished b, and the title),
        /// "runbook-refused"; of further people: "guest-allowed", "invited", "wrong-code" (as "wrong-pin"), "guest-here" (engineer,
        /// company s, watches b), "guest-gone" (engineer s), "handed-over" (engineer, company s), "watcher-here" and "watcher-gone"
        /// (name s).
        "Warning" = warning(code: &str, arguments: BusArguments);
    }
}

impl From<&Status> for AccessProperties {
    fn from(status: &Status) -> Self {
        let (notice, operation) = (status.notice.as_ref(), status.operation.as_ref());
        Self {
            state: status.phase.name().to_owned(),
            notice: notice.map_or("", Notice::code).to_owned(),
            notice_arguments: notice.map(|notice| to_bus(notice.arguments())).unwrap_or_default(),
            problem: status.problem.clone().unwrap_or_default(),
            wrong_tries: status.wrong_tries.into(),
            operation: operation.map_or("", |operation| operation.phase.name()).to_owned(),
            operation_titles: operation.map(|it| it.titles.clone().into_iter().collect()).unwrap_or_default(),
            operation_progress: operation
                .and_then(|it| it.percent)
                .map_or(0, |percent| u32::from(percent) + 1),
            operation_line: operation.map_or("", |operation| &operation.line).to_owned(),
            operation_restart: operation.is_some_and(|operation| operation.restart),
            ..Self::default()
        }
    }
}

impl AccessProperties {
    /// Writes what they say into `status`. `None` if the service is of a version with states that this one does not know.
    pub(super) fn read_into(&self, status: &mut Status) -> Option<()> {
        status.phase = Phase::from_name(&self.state)?;
        status.notice =
            given(&self.notice).map(|code| Notice::of_parts(&code, from_bus(&self.notice_arguments)));
        status.problem = given(&self.problem);
        status.wrong_tries = u8::try_from(self.wrong_tries).unwrap_or(u8::MAX);
        status.operation = OperationPhase::from_name(&self.operation).map(|phase| Operation {
            titles: cleaned(&self.operation_titles),
            phase,
            percent: self.operation_progress.checked_sub(1).and_then(|percent| u8::try_from(percent).ok()),
            line: text::printable(&self.operation_line, limits::CHAT),
            restart: self.operation_restart,
        });
        Some(())
    }
}

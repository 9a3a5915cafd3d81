//! What the agent, the relay and the engineer's side of Fieldlink say to each other.
//!
//! All of it is pure: identifiers, messages, tickets, pairing, the sealed control channel and the pipe take bytes
//! and times and give bytes back. They open no socket and read no clock, so that every rule in them can be tested
//! without either. The sockets of the sides that dial are in the crate `fieldlink-transport`.
//!
//! | module | is |
//! |---|---|
//! | [`limits`] | every size and time-out of the wire, in one place |
//! | [`ids`], [`support_id`], [`pin`], [`credential`] | who and what is named |
//! | [`messages`], [`reason`], [`text`] | control messages (JSON), why things end, text made safe to show |
//! | [`health`] | what of a device's health is worth a warning, and what has changed between two times |
//! | [`policy`] | what an engineer may do, by function |
//! | [`timestamp`] | times as people read them |
//! | [`join_code`], [`link`], [`live`] | how further people come in, and what those who watch are shown |
//! | [`ticket`] | what the relay signs: pipe tickets, session tickets, leases |
//! | [`pairing`], [`keys`], [`seal`] | from a PIN to keys to sealed messages |
//! | [`pipe`] | the reliable byte stream between engineer and agent |

pub mod code;
pub mod credential;
mod digits;
pub mod health;
pub mod ids;
pub mod join_code;
pub mod keys;
pub mod limits;
pub mod link;
pub mod live;
pub mod messages;
pub mod pairing;
pub mod pin;
pub mod pipe;
pub mod policy;
pub mod reason;
pub mod registration;
pub mod seal;
pub mod secret;
pub mod settings;
pub mod support_id;
pub mod text;
pub mod ticket;
pub mod timestamp;

/// The WebSocket subprotocol, which carries the version of everything in this crate.
pub const SUBPROTOCOL: &str = "fieldlink.2";

/// The prefix of every Fieldlink subprotocol; a peer that offers only other versions still shows it.
pub const SUBPROTOCOL_PREFIX: &str = "fieldlink.";

/// Features that a side of this version understands. A side sends no message of a feature that the peer did not list.
pub const FEATURES: &[&str] = &[
    "ssh",
    feature::CHAT,
    feature::QUESTIONS,
    feature::ANNOUNCEMENTS,
    feature::PRESENCE,
    feature::STEPS,
    feature::DATA,
    feature::BATTERY,
    feature::HEALTH,
    feature::QUIET,
    feature::OPERATIONS,
    feature::RESTART,
    feature::PEOPLE,
    feature::RUNBOOKS,
    feature::RECORDING,
    feature::ANCHORS,
    feature::REPORT,
    feature::TIME_STAMPS,
];

/// Names of features that messages depend on.
pub mod feature {
    /// Lines of text between client and engineer.
    pub const CHAT: &str = "chat";
    /// Questions of the engineer's to the client, an extension of the session among them.
    pub const QUESTIONS: &str = "questions";
    /// What the engineer tells the client and needs no answer: quiet periods, calls, notes, the outcome.
    pub const ANNOUNCEMENTS: &str = "announcements";
    /// Whether the client is there.
    pub const PRESENCE: &str = "presence";
    /// Steps, ready questions, reasons for more time, and in which language an answer was given.
    pub const STEPS: &str = "steps";
    /// How much data the session has moved, and whether more may be.
    pub const DATA: &str = "data";
    /// How long a quiet period lasts still.
    pub const QUIET: &str = "quiet";
    /// How a named operation stands.
    pub const OPERATIONS: &str = "operations";
    /// A restart of the device with which the session goes on; also of a relay.
    pub const RESTART: &str = "restart";
    /// Further people in a session: engineers who join it, and those who only watch; also of a relay.
    pub const PEOPLE: &str = "people";
    /// Which runbook the engineer goes through, and how far it is.
    pub const RUNBOOKS: &str = "runbooks";
    /// That what terminals show is not recorded any more.
    pub const RECORDING: &str = "recording";
    /// What a relay signs of a session's account while it grows: given to the agent, and told to the session's engineers
    /// and to those who watch.
    pub const ANCHORS: &str = "anchors";
    /// A session that is over stays until its report is fetched: an agent that offers it, a program that fetches it, a relay
    /// that keeps the session's pipes for so long.
    pub const REPORT: &str = "report";
    /// Time stamps for the record of a session, from an authority that the relay asks. A relay lists it only if it has one.
    pub const TIME_STAMPS: &str = "time-stamps";
    /// That the device's battery is low.
    pub const BATTERY: &str = "battery";
    /// That something of the device's health is worth a warning.
    pub const HEALTH: &str = "health";
}

/// Paths of the relay's five endpoints.
pub mod endpoint {
    /// Where an agent registers.
    pub const AGENT: &str = "/v1/agent";
    /// Where an engineer asks for a device.
    pub const ENGINEER: &str = "/v1/engineer";
    /// Where both sides attach to a pipe.
    pub const PIPE: &str = "/v1/pipe";
    /// Where a peer measures the way to the relay: without a credential, seldom and in bounds.
    pub const MEASURE: &str = "/v1/measure";
    /// Where somebody with an observer ticket asks for a pipe to watch on.
    pub const OBSERVER: &str = "/v1/observer";
    /// The header that carries a pipe ticket.
    pub const TICKET_HEADER: &str = "fieldlink-ticket";
    /// The header in which a side that attaches to a pipe may say its HELLO already.
    pub const HELLO_HEADER: &str = "fieldlink-hello";
    /// The header in which somebody who asks for a pipe to watch on lists what else they take on this connection, which
    /// then stays open: names of features, with commas between them.
    pub const FEATURES_HEADER: &str = "fieldlink-features";
    /// What an attachment is, if not an ordinary one: [`SPARE`].
    pub const ATTACH_HEADER: &str = "fieldlink-attach";
    /// A connection in reserve. It becomes its side's attachment when it says its HELLO, as its first message.
    pub const SPARE: &str = "spare";
    /// The header in which a relay that cannot speak the client's version lists its own.
    pub const VERSIONS_HEADER: &str = "fieldlink-versions";
    /// The header in which a relay names, as a code, why the session of a ticket is over.
    pub const REASON_HEADER: &str = "fieldlink-reason";
    /// The header in which a relay names, as a code, why it refused an upgrade.
    pub const REFUSED_HEADER: &str = "fieldlink-refused";
}

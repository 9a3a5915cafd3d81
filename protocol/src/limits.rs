//! Every size and time-out of the wire. A peer that exceeds one is dropped with a reason.

use std::time::Duration;

/// Largest control message (JSON text, or one sealed message), in bytes.
pub const CONTROL_MESSAGE: usize = 64 * 1024;
/// Largest message of an agent or engineer to the relay, in bytes: two tickets with everything around them.
pub const RELAY_MESSAGE: usize = 8 * 1024;
/// Payload of one pipe data frame as the sending sides cut it, in bytes.
pub const PIPE_CHUNK: usize = 64 * 1024;
/// Data that a pipe's side sends on a new connection right behind its own proof, before it has the peer's, in bytes of
/// payload: enough for keystrokes, and all that a forged HELLO can have sent again.
pub const PIPE_EARLY: usize = PIPE_CHUNK;
/// Bytes before the payload of a DATA frame.
pub const DATA_HEADER: usize = 9;
/// Largest message on a pipe, in bytes: a chunk behind its header.
pub const DATA_MESSAGE: usize = DATA_HEADER + PIPE_CHUNK;
/// Bytes that a pipe's connection reads at once. TLS gives 16 KiB at most, and the WebSocket layer clears the whole
/// buffer for every read, so that a larger one only costs.
pub const PIPE_READ: usize = 16 * 1024;
/// Messages on a pipe's connection that are smaller than this together are written together.
pub const PIPE_WRITE: usize = 32 * 1024;
/// Plaintext that TLS takes in one go on a pipe's connection: a whole chunk with its headers, so that their last bytes
/// are no record, and no write, of their own.
pub const PIPE_TLS: usize = PIPE_CHUNK + 4 * 1024;
/// Unacknowledged bytes that a pipe keeps per direction unless configured otherwise.
pub const PIPE_WINDOW: u32 = 4 * 1024 * 1024;
/// The smallest window a peer may announce: room for a few chunks.
pub const PIPE_WINDOW_MIN: u32 = 256 * 1024;
/// The largest window a peer may announce, in bytes.
pub const PIPE_WINDOW_MAX: u32 = 64 * 1024 * 1024;
/// A pipe's side that has said nothing for this long says something.
pub const PIPE_KEEPALIVE: Duration = Duration::from_millis(2_500);
/// With data under way and silence for this long, a pipe's side asks for a sign of life.
pub const PIPE_PROBE: Duration = Duration::from_secs(1);
/// With data under way and silence for this long, a pipe's connection is taken for dead.
pub const PIPE_SILENCE_BUSY: Duration = Duration::from_secs(4);
/// Silence for this long: a pipe's connection is taken for dead.
pub const PIPE_SILENCE: Duration = Duration::from_secs(7);
/// After the first, immediate try to connect a pipe again: the wait, doubled for every further one …
pub const PIPE_RETRY: Duration = Duration::from_millis(100);
/// … up to this.
pub const PIPE_RETRY_MAX: Duration = Duration::from_secs(5);
/// A connection that lived for this long is no failure.
pub const PIPE_STABLE: Duration = Duration::from_secs(5);
/// A pipe whose streams have both ended waits this long for the peer's word that it has everything,
/// should the connection be lost.
pub const PIPE_LINGER: Duration = Duration::from_secs(10);
/// Pipes that one session may have open at the same time, the control pipe included.
pub const PIPES_PER_SESSION: usize = 64;
/// SSH connections that the engineer's side has open at the same time; further ones wait. Fewer than there may
/// be pipes: the relay and the agent learn of an end a little later.
pub const SSH_CONNECTIONS: usize = PIPES_PER_SESSION - 8;

/// The header of a proxy's answer, in bytes.
pub const PROXY_REPLY: usize = 16 * 1024;

/// All of dialling (name, TCP, proxy, TLS and WebSocket handshake together); also how long one side of a pipe waits
/// for the other.
pub const HANDSHAKE: Duration = Duration::from_secs(10);
/// From the first message of an OPAQUE run to the last.
pub const PAIRING: Duration = Duration::from_secs(10);
/// How long an engineer may take to prove with a key who they are: a security key waits for a touch.
pub const SIGNING: Duration = Duration::from_secs(60);
/// How long the agent waits for the first message of a run; nothing is charged meanwhile.
pub const PAIRING_START: Duration = SIGNING.saturating_add(PAIRING);
/// Between two pings of an idle registration.
pub const PING_INTERVAL: Duration = Duration::from_secs(25);
/// Between two pings of a connection that belongs to a session.
pub const SESSION_PING_INTERVAL: Duration = Duration::from_secs(3);
/// Pings that may go unanswered before the peer is taken for lost.
pub const PINGS_MISSED: u32 = 2;
/// Between two sealed heartbeats on the control pipe.
pub const HEARTBEAT_INTERVAL: Duration = Duration::from_secs(5);
/// Without a sealed message for this long a session counts as interrupted.
pub const HEARTBEAT_LOST: Duration = Duration::from_secs(10);
/// A session that was interrupted for this long ends.
pub const INTERRUPTION: Duration = Duration::from_secs(5 * 60);
/// A session that was to go on after a restart of the device, and has not after so long, ends.
pub const RESTART: Duration = Duration::from_secs(15 * 60);
/// How long a restart is expected to take.
pub const RESTART_EXPECTED: Duration = Duration::from_secs(3 * 60);
/// How long the client may think about a question.
pub const CONSENT: Duration = Duration::from_secs(60);
/// Unless configured otherwise: how long a session lasts from the admission, just after the client's yes.
pub const SESSION: Duration = Duration::from_secs(60 * 60);
/// The longest a session may be made to last.
pub const SESSION_MAX: Duration = Duration::from_secs(120 * 60);
/// Minutes by which a session may be made longer at once, the least and the most.
pub const QUIET_MINUTES: std::ops::RangeInclusive<u32> = 1..=60;
/// By how many minutes a session may be made longer at once.
pub const EXTENSION_MINUTES: std::ops::RangeInclusive<u32> = 1..=60;
/// What the relay adds to `max_session`, because the engineer's touch, pairing, consent and the session's beginning come
/// after the request.
pub const SESSION_GRACE: Duration = Duration::from_secs(200);
/// One write to a peer; a peer that takes nothing for this long is too slow.
pub const WRITE: Duration = Duration::from_secs(30);
/// Time to say goodbye in when a connection closes.
pub const CLOSE: Duration = Duration::from_millis(500);

/// Round trips of one measurement of the way to the relay.
pub const MEASURE_ROUND_TRIPS: usize = 10;
/// Largest message that the relay echoes during a measurement; what is larger counts as data, in bytes.
pub const MEASURE_ECHO: usize = 64;
/// What a measurement moves in each direction, in bytes.
pub const MEASURE_BYTES: usize = 256 * 1024;
/// Largest message of those, in bytes.
pub const MEASURE_CHUNK: usize = 16 * 1024;
/// What is not measured within this time stays unmeasured; the relay cuts the peer off a second later.
pub const MEASURE: Duration = Duration::from_secs(5);

/// Wrong PINs that burn a pair of support ID and PIN.
pub const PIN_ATTEMPTS: u8 = 3;
/// Refusals by the client that burn a pair.
pub const REFUSALS: u8 = 2;
/// Questions for the client's consent that may be taken back before they burn a pair: connections do break, but
/// the client must not be worn down.
pub const WITHDRAWALS: u8 = 5;
/// Longest proof of who an engineer is, in bytes: a certificate with a signature, and what was signed.
pub const PROOF: usize = 12 * 1024;
/// OPAQUE runs that an agent takes part in at the same time.
pub const PAIRINGS_AT_ONCE: usize = 8;
/// How many of them may be one engineer's: a run may wait a minute for a touch, and nobody is to keep the others out.
pub const PAIRINGS_PER_ENGINEER: usize = 2;

/// Longest name of a person or a company, in bytes of UTF-8.
pub const NAME: usize = 100;
/// Longest case number ("ticket") or partner, in bytes of UTF-8.
pub const REFERENCE: usize = 64;
/// Longest name of an account on the scanner, in bytes of UTF-8 (`LOGIN_NAME_MAX`, without its end).
pub const ACCOUNT: usize = 255;
/// Longest host name, in bytes (RFC 1035; Linux has 64).
pub const HOST_NAME: usize = 255;
/// Longest line of chat, or answer of the client's, in bytes of UTF-8.
pub const CHAT: usize = 1000;
/// Longest question of the engineer's, in bytes of UTF-8.
pub const QUESTION: usize = 500;
/// Answers that a question may offer, and how long each may be, in bytes of UTF-8.
pub const CHOICES: usize = 6;
/// See [`CHOICES`].
pub const CHOICE: usize = 60;
/// How long a join code is good for.
pub const JOIN_CODE: Duration = Duration::from_secs(5 * 60);
/// Further engineers in a session, besides the one whose session it is.
pub const GUESTS: usize = 3;
/// Links to watch a session with that may be open at the same time.
pub const OBSERVERS: usize = 4;
/// Links to watch a session with that are made one after the other, also those that were withdrawn: the relay remembers
/// as many.
pub const LINKS: usize = 64;
/// People whom a side may list: the engineer, guests, observers, and some room.
pub const PEOPLE: usize = 16;
/// Channels of which somebody who watches says how much they have had.
pub const PLACES: usize = 64;
/// How long the client may think about an engineer's question that is not about consent: they may have to
/// walk around the scanner first.
pub const QUESTION_PATIENCE: Duration = Duration::from_secs(5 * 60);

/// Longest line of an anchor, in bytes.
pub const ANCHOR_LINE: usize = 256;
/// Longest signature of an anchor, armoured, in bytes.
pub const ANCHOR_SIGNATURE: usize = 1024;
/// Largest answer of an authority for time stamps, with the certificates in it, in bytes of DER.
pub const TIME_STAMP: usize = 16 * 1024;
/// Time stamps that one session may have.
pub const TIME_STAMPS: usize = 2;

/// How long a session that is over stays for its report to be fetched.
pub const CLOSING: Duration = Duration::from_secs(10 * 60);
/// Bytes of a report in one message.
pub const REPORT_PIECE: usize = 32 * 1024;
/// Editions of a report: as the session ended, and with what the client said of it afterwards.
pub const REPORT_EDITIONS: u32 = 2;
/// Pieces of a report that may be asked for before the first of them has come.
pub const REPORT_PIECES: usize = 8;
/// Longest report, in bytes.
pub const REPORT: u64 = 64 * 1024 * 1024;
/// Longest name of a language (BCP 47, section 4.4.1), in bytes.
pub const LANGUAGE: usize = 35;

/// Largest health of a device, in bytes of JSON: half of what a control message carries.
pub const HEALTH: usize = 32 * 1024;
/// Longest name of a part of a device, in bytes of UTF-8.
pub const HEALTH_LABEL: usize = 128;
/// Parts of a kind (disks, sensors, batteries, failed units) that a health lists at most.
pub const HEALTH_ENTRIES: usize = 32;
/// Probes of the maker's that there may be.
pub const PROBES: usize = 16;
/// Readings that one of them may give.
pub const PROBE_READINGS: usize = 32;
/// Longest name of a probe, name of a reading, and value, in bytes of UTF-8.
pub const PROBE_NAME: usize = 64;
/// Longest unit of a reading, in bytes of UTF-8.
pub const PROBE_UNIT: usize = 16;
/// Longest sentence of a reading, in bytes of UTF-8.
pub const PROBE_TEXT: usize = 300;
/// Languages in which a reading has a sentence.
pub const PROBE_LANGUAGES: usize = 8;
/// Longest line of a probe, in bytes.
pub const PROBE_LINE: usize = 4 * 1024;
/// Bytes of a probe that are read; who says more is cut off.
pub const PROBE_BYTES: usize = 32 * 1024;
/// The largest archive of a diagnosis, in bytes.
pub const DIAGNOSIS: u64 = 256 * 1024 * 1024;
/// The longest name of one, in bytes.
pub const DIAGNOSIS_NAME: usize = 128;
/// The longest reason why there is none, in bytes.
pub const DIAGNOSIS_FAULT: usize = 512;
/// How long nothing may come of one before it counts as failed.
pub const DIAGNOSIS_PATIENCE: Duration = Duration::from_secs(60);

/// How long a probe may take to say all: systemd starts it first.
pub const PROBE_PATIENCE: Duration = Duration::from_secs(3);
/// How long it may take to collect a device's health. What has not answered by then is missing.
pub const HEALTH_PATIENCE: Duration = Duration::from_secs(5);

/// How often the health of a device is looked at while somebody watches it.
pub const HEALTH_PAUSE: Duration = Duration::from_secs(5);

/// Features that a side may list, and how long the name of one may be.
pub const FEATURE_COUNT: usize = 32;
/// See [`FEATURE_COUNT`].
pub const FEATURE_LENGTH: usize = 32;

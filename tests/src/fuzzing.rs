//! One function per parser that reads another party's bytes. `make test` runs them over the committed
//! corpus, `make fuzz` lets cargo-fuzz find more. None may panic; what they return does not matter.

mod records;

use std::time::{Duration, UNIX_EPOCH};

use bytes::Bytes;
use fieldlink_diagnosis::redact;
use fieldlink_identity::{Authorities, Certificate, Moment, Proof, Requirement, RevocationList, Statement};
use fieldlink_protocol::ids::{AgentKey, PipeId, RunId, SessionId};
use fieldlink_protocol::join_code::JoinCode;
use fieldlink_protocol::link::ObserverLink;
use fieldlink_protocol::messages::health::{Health, Probe, Reading};
use fieldlink_protocol::messages::{Bounded, agent, control, decode, diagnosis, engineer, observer};
use fieldlink_protocol::pairing::{EngineerLogin, PairingContext, PairingMessage, Registration};
use fieldlink_protocol::pin::Pin;
use fieldlink_protocol::pipe::{Handshake, PipeKind, Role, Stream};
use fieldlink_protocol::seal::Opener;
use fieldlink_protocol::secret::Secret;
use fieldlink_protocol::ticket::{Lease, PipeTicket, SessionTicket, Signed, TicketKey, TicketKeys};
use fieldlink_protocol::{credential, registration, support_id::SupportId, text};
use fieldlink_runbook::{Execution, Makers, Origin, ParseError, Runbook};
use fieldlink_ssh::Way;
use fieldlink_ssh::sftp::{Packets, denial_of, functions_of};
use fieldlink_ssh::transfer::Transfers;
use fieldlink_transport::{NoProxy, Proxy, ProxyReplyReader, RelayAddress, read_distinguished_name};

pub use records::records;

/// A body and its name, which is also the name of its corpus and of its cargo-fuzz target.
pub type Target = (&'static str, fn(&[u8]));

/// Every target.
pub const TARGETS: &[Target] = &[
    ("control_messages", control_messages),
    ("agent_messages", agent_messages),
    ("engineer_messages", engineer_messages),
    ("pairing", pairing),
    ("engineer_proofs", engineer_proofs),
    ("revocation_lists", revocation_lists),
    ("pipe_handshake", pipe_handshake),
    ("pipe_stream", pipe_stream),
    ("sealed_channel", sealed_channel),
    ("tickets", tickets),
    ("credentials", credentials),
    ("typed_text", typed_text),
    ("session_process", session_process),
    ("proxy_reply", proxy_reply),
    ("certificate_names", certificate_names),
    ("sftp_requests", sftp_requests),
    ("runbooks", runbooks),
    ("runbook_signatures", runbook_signatures),
    ("records", records),
    ("observers", observers),
    ("health", health),
    ("diagnostics", diagnostics),
];

/// The requests of a file transfer, where files may not go both ways, and as its account follows them.
pub fn sftp_requests(data: &[u8]) {
    let mut packets = Packets::default();
    for piece in data.chunks(7) {
        packets.push(piece);
        while let Ok(Some(packet)) = packets.next_packet() {
            let _ = (functions_of(&packet), denial_of(&packet, "no"));
        }
    }
    let _ = functions_of(data);
    let mut transfers = Transfers::default();
    transfers.push(Way::Input, data, drop);
    // Most of what a server answers with has the same form.
    transfers.push(Way::Output, data, drop);
    transfers.end(drop);
}

/// The sealed messages, as either side reads them.
pub fn control_messages(data: &[u8]) {
    let _ = decode::<control::FromAgent>(data);
    let _ = decode::<control::FromEngineer>(data);
}

/// The messages between relay and agent.
pub fn agent_messages(data: &[u8]) {
    let _ = decode::<agent::ToAgent>(data);
    if let Ok(agent::FromAgent::Register { claim, key, signature, .. }) = decode(data) {
        let challenge = fieldlink_protocol::ids::Challenge::from_bytes([0; 32]);
        let _ = registration::verify(&key, &challenge, &claim.signed_text(), &signature);
    }
}

/// The messages between relay and engineer.
pub fn engineer_messages(data: &[u8]) {
    let _ = decode::<engineer::ToEngineer>(data);
    let _ = decode::<engineer::FromEngineer>(data);
}

fn pairing_context() -> PairingContext {
    PairingContext {
        session: SessionId::from_bytes([1; 16]),
        run: RunId::from_bytes([2; 16]),
        support_id: "000000000".parse().expect("a support ID"),
        engineer: credential::EngineerIdentity {
            id: fieldlink_protocol::ids::EngineerId::from_bytes([3; 16]),
            name: "Ada".to_owned(),
            company: "Scans".to_owned(),
        },
        ticket: "T-1".to_owned(),
        partner: None,
        certificate: [0; 32],
    }
}

/// Pairing frames, and the OPAQUE messages in them.
pub fn pairing(data: &[u8]) {
    let Ok(message) = PairingMessage::decode(&Bytes::copy_from_slice(data)) else { return };
    let pin = || Pin::parse("0471").expect("four digits");
    let context = pairing_context();
    let registration = Registration::new(&pin()).expect("a registration");
    let (login, ke1) = EngineerLogin::start(&pin()).expect("a login");
    match message {
        PairingMessage::Start { ke1, .. } => drop(registration.respond(&ke1, &context)),
        PairingMessage::Response(ke2) => drop(login.finish(&ke2, &context)),
        PairingMessage::Finish(ke3) => {
            let (agent, _) = registration.respond(&ke1, &context).expect("an honest start");
            assert!(agent.finish(&ke3).is_err(), "nobody guesses 64 bytes");
        }
        PairingMessage::Refused(_) => {}
    }
}

/// The first frames of a connection.
pub fn pipe_handshake(data: &[u8]) {
    for role in [Role::Engineer, Role::Agent] {
        let pipe = (PipeId::from_bytes([4; 16]), PipeKind::Ssh);
        let mut handshake = Handshake::new(role, pipe, Secret::new([5; 32]), [6; 32], 1, (0, 1 << 20));
        for frame in frames(data) {
            if handshake.receive(frame).is_err() {
                break;
            }
        }
    }
}

/// The frames after it: never more than the window is held.
pub fn pipe_stream(data: &[u8]) {
    let mut stream = Stream::new(1 << 20, 1 << 20);
    for frame in frames(data) {
        if stream.receive(frame).is_err() {
            break;
        }
    }
}

/// Bytes on the control pipe.
pub fn sealed_channel(data: &[u8]) {
    let (session, run) = (SessionId::from_bytes([1; 16]), RunId::from_bytes([2; 16]));
    let mut opener = Opener::new(&Secret::new([7; 32]), session, run, Role::Agent);
    for piece in frames(data) {
        opener.receive(&piece);
        while let Ok(Some(_)) = opener.open_next() {}
    }
}

/// What those who watch or join are given, and what they say: links, join codes, messages.
pub fn observers(data: &[u8]) {
    let typed = String::from_utf8_lossy(data);
    if let Ok(link) = ObserverLink::parse(&typed) {
        assert_eq!(ObserverLink::parse(&link.encode()), Ok(link));
    }
    if let Ok(code) = JoinCode::parse(&typed) {
        assert_eq!(JoinCode::parse(&code.grouped()), Ok(code));
    }
    let _ = decode::<observer::FromObserver>(data);
    let _ = decode::<observer::FromAgent>(data);
    let _ = decode::<observer::ToObserver>(data);
}

/// What the maker's probes say, and what a scanner says of its health: whatever it is, what goes on fits.
pub fn health(data: &[u8]) {
    let _ = decode::<Health>(data);
    let readings = data.split(|byte| *byte == b'\n').filter_map(Reading::from_line).collect();
    let probe = Probe { name: "probe".into(), readings, fault: None };
    let health = Health { probes: vec![probe], ..Health::default() }.fitted();
    health.check().expect("it fits");
}

/// What comes of a diagnosis on the way, and logs that secrets are left out of.
pub fn diagnostics(data: &[u8]) {
    let _ = (decode::<diagnosis::Request>(data), decode::<diagnosis::Told>(data));
    let _ = redact(data);
}

/// Tokens that the relay did or did not sign.
pub fn tickets(data: &[u8]) {
    let key = TicketKey { kid: "k1".to_owned(), master: Secret::new([8; 32]) };
    let keys = TicketKeys::new(key, Vec::new());
    let token = String::from_utf8_lossy(data);
    let _ = keys.verify(&Signed::<PipeTicket>::from_text(&*token), 1_000);
    let _ = keys.verify(&Signed::<SessionTicket>::from_text(&*token), 1_000);
    let _ = keys.verify(&Signed::<Lease>::from_text(&*token), 1_000);
}

/// Credentials and bearer tokens.
pub fn credentials(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    if credential::Credential::parse(&text).is_ok() {
        assert!(!credential::Credential::is_begun(&text));
    }
    let _ = credential::parse_bearer(&text);
}

/// What people type, and what is shown of text from the other side.
pub fn typed_text(data: &[u8]) {
    let typed = String::from_utf8_lossy(data);
    if let Ok(id) = typed.parse::<SupportId>() {
        assert_eq!(id.to_string().parse(), Ok(id));
    }
    let _ = Pin::parse(&typed);
    assert!(!text::sentence(&typed).contains(['\u{1b}', '\u{202e}', '\n']));
}

/// The messages between the session process and the agent.
pub fn session_process(data: &[u8]) {
    let _ = fieldlink_session::wire::decode::<fieldlink_session::wire::Event>(data);
    let _ = fieldlink_session::wire::decode::<fieldlink_session::wire::Request>(data);
}

/// What a proxy answers, at once and in pieces; and addresses and lists of proxies.
pub fn proxy_reply(data: &[u8]) {
    let whole = ProxyReplyReader::default().push(data);
    let mut reader = ProxyReplyReader::default();
    let pieces = data.chunks(3).map(|piece| reader.push(piece)).find(|outcome| !matches!(outcome, Ok(None)));
    let status = |reply: fieldlink_transport::ProxyReply| (reply.status, reply.takes_basic);
    // A long answer may be both complete and, further on, too long; what matters is what comes first.
    if let (Ok(Some(whole)), Some(Ok(Some(pieces)))) = (whole, pieces) {
        assert_eq!(status(whole), status(pieces), "pieces make a difference");
    }
    let typed = String::from_utf8_lossy(data);
    let _ = typed.parse::<Proxy>();
    let _ = NoProxy::parse(&typed).matches("relay.example.com", 443);
}

/// The authority of the corpus. What it has signed is judged by everything but the engineer's own statement.
const AUTHORITY: &str =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIIkBB4jyupJ9nRCjdbxNqz1yXFNIN3KInwwgEObA4haj Scans Ltd engineers";

/// What comes with an engineer's first message, and the certificate in it.
pub fn engineer_proofs(data: &[u8]) {
    let _ = Certificate::from_openssh(&String::from_utf8_lossy(data));
    let Ok(proof) = Proof::read(data) else { return };
    assert_eq!(Proof::read(&proof.encode()).as_ref(), Ok(&proof), "one form");
    let shown = format!("{}{}", proof.certificate().name(), proof.certificate().key_id());
    assert!(!shown.contains(['\u{1b}', '\u{202e}', '\n']));
    let authorities = Authorities::new(&[AUTHORITY.to_owned()], &["*".to_owned()], Requirement::Certificate)
        .expect("a key");
    let expected = Statement::new(&pairing_context(), &AgentKey::from_bytes([4; 32]), &[5; 96]);
    let now = Moment::of(UNIX_EPOCH + Duration::from_secs(1_800_000_000));
    assert!(authorities.judge(&proof, &expected, now).is_err(), "nobody signed that");
}

/// What was revoked.
pub fn revocation_lists(data: &[u8]) {
    const PROOF: &[u8] = include_bytes!("../fuzz/corpus/engineer_proofs/ed25519");
    if let Ok(list) = RevocationList::read(data) {
        list.revokes(Proof::read(PROOF).expect("a proof").certificate());
    }
}

/// What engineers and makers write: read, or refused in one line that can be shown.
pub fn runbooks(data: &[u8]) {
    let written = String::from_utf8_lossy(data);
    match Runbook::parse(&written) {
        Ok(runbook) => {
            let count = runbook.steps.len();
            let execution = Execution::begin(runbook, count - 1).expect("it has steps");
            assert_eq!(execution.checklist().count(), count);
        }
        Err(error @ ParseError { .. }) => {
            let shown = error.to_string();
            assert!(shown.chars().all(text::is_harmless), "{shown:?}");
        }
    }
}

/// The maker of the corpus.
const MAKER: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIDdCNCqiDtOEP+4XkKPgT0u2WN0lCBwC7MLBgfALtjGA maker";

/// What lies beside a runbook.
pub fn runbook_signatures(data: &[u8]) {
    let makers = Makers::new(&[MAKER.to_owned()]).expect("a key");
    let signature = String::from_utf8_lossy(data);
    let _ = makers.judge(b"name = \"x\"\n", Some(&signature));
    let another = makers.judge(b"name = \"y\"\n", Some(&signature));
    assert!(!matches!(another, Ok(Origin::Maker { .. })), "nobody signed that");
}

/// The names in a certificate that was not verified; and relays' addresses.
pub fn certificate_names(data: &[u8]) {
    let shown = read_distinguished_name(data);
    assert!(shown.chars().count() < 200 && !shown.contains(['\u{1b}', '\u{202e}', '\n']));
    let typed = String::from_utf8_lossy(data);
    match typed.parse::<RelayAddress>() {
        Ok(relay) => assert_eq!(relay.to_string().parse(), Ok(relay)),
        Err(error) => assert!(!error.to_string().contains('\n')),
    }
}

/// Cuts `data` into pieces, each behind its length in one byte.
fn frames(mut data: &[u8]) -> Vec<Bytes> {
    let mut frames = Vec::new();
    while let Some((&length, rest)) = data.split_first() {
        let (frame, rest) = rest.split_at((length as usize).min(rest.len()));
        frames.push(Bytes::copy_from_slice(frame));
        data = rest;
    }
    frames
}

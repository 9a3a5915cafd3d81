//! The directory's rules one by one, and then under arbitrary sequences of events.

mod again;
mod anchors;
mod apart;
mod arbitrary;
mod closing;
mod people;
mod rules;

use fieldlink_protocol::ids::{AgentKey, PipeId, RunId};
use fieldlink_protocol::limits;
use fieldlink_protocol::messages::agent::ToAgent;
use fieldlink_protocol::pipe::{PipeKind, Role};
use fieldlink_protocol::ticket::{Lease, PipeTicket, Tenure};

use super::session::{Admitted, State};
use super::*;

const TIMES: Times = Times {
    session: Duration::from_secs(100),
    partner: Duration::from_secs(10),
    apart: Duration::from_secs(40),
    restart: Duration::from_secs(60),
    closing: Duration::from_secs(30),
};

/// The boot in which all this happens.
const PRESENT: u64 = 2;

/// The rank of an agent that shows a lease of this boot and sequence.
fn shown(boot: u64, sequence: u64) -> Rank {
    let (support_id, agent_key) = (SupportId::random(), AgentKey::random());
    let tenure = Tenure { boot, sequence };
    Rank::of(&Lease { node: "n".into(), support_id, agent_key, tenure, earlier: None, expires: 0 }, PRESENT)
}

/// A directory with its surroundings: names are drawn, time passes when told to.
struct World {
    directory: Directory,
    began: Instant,
    now: Instant,
    next: u64,
}

impl World {
    fn new() -> Self {
        let now = Instant::now();
        Self { directory: Directory::new(TIMES), began: now, now, next: 0 }
    }

    fn link(&mut self) -> ConnectionId {
        self.next += 1;
        ConnectionId(self.next)
    }

    fn engineer(&mut self) -> ConnectionId {
        let link = self.link();
        self.directory.engineer_connected(link, EngineerId::random());
        link
    }

    fn agent(&mut self, support_id: SupportId) -> ConnectionId {
        let link = self.link();
        self.directory.register(link, AgentKey::random(), support_id, Rank::NONE).expect("free");
        link
    }

    fn request(&mut self, link: ConnectionId, support_id: SupportId) -> Option<Asked> {
        let fresh = Fresh { session: SessionId::random(), run: RunId::random(), pipe: PipeId::random() };
        let question = Question { link, support_id, now: self.now, unix_now: self.unix() };
        let asked = self.directory.request(question, fresh)?;
        assert!(self.directory.announce(&asked));
        Some(asked)
    }

    fn ticket(&self, session: SessionId, pipe: PipeId, side: Role) -> PipeTicket {
        let found = self.directory.sessions.get(&session).expect("a session");
        let kind = found.pipes.get(&pipe).map_or(PipeKind::Ssh.into(), |pipe| pipe.kind);
        let (run, (not_before, expires)) = match &found.state {
            State::Pairing(pairing) => (pairing.run, pairing.validity),
            State::Admitted(Admitted { standing, .. }) => {
                (standing.run, (standing.not_before, standing.expires))
            }
            State::Doubtful { .. } => (RunId::random(), (0, 0)),
        };
        let (subject, reference) = (found.engineer, "T".into());
        PipeTicket {
            node: "n".into(),
            session,
            run,
            pipe,
            kind,
            side: side.into(),
            subject,
            reference,
            not_before,
            expires,
        }
    }

    fn attach(&mut self, ticket: &PipeTicket) -> Result<(Attach, AttachmentId), AttachRefusal> {
        self.next += 1;
        let attachment = AttachmentId(self.next);
        self.directory.attach(ticket, attachment, self.now).map(|attach| (attach, attachment))
    }

    /// Both sides come to a pipe; returns what the splice is known by.
    fn join(&mut self, session: SessionId, pipe: PipeId) -> AttachmentId {
        let (engineer, agent) =
            (self.ticket(session, pipe, Role::Engineer), self.ticket(session, pipe, Role::Agent));
        let (waited, first) = self.attach(&engineer).expect("free");
        assert!(!matches!(waited, Attach::Join(_)));
        assert_eq!(self.attach(&agent).expect("free").0, Attach::Join(first));
        first
    }

    /// An admitted session: its request, its engineer, its agent, its control pipe's splice.
    fn admitted(&mut self, support_id: SupportId) -> (Asked, ConnectionId, AttachmentId) {
        let engineer = self.engineer();
        let agent = self.agent(support_id);
        let asked = self.request(engineer, support_id).expect("found");
        let splice = self.join(asked.session, asked.pipe);
        self.directory.admitted(agent, asked.session);
        assert!(is_admitted(&self.directory.effects, asked.session));
        self.directory.take_effects();
        (asked, engineer, splice)
    }

    fn clock(&self) -> Clock {
        Clock { now: self.now, unix: self.unix() }
    }

    /// The wall clock goes as the other one does.
    fn unix(&self) -> u64 {
        1_000 + self.now.duration_since(self.began).as_secs()
    }

    fn parted(
        &mut self,
        session: SessionId,
        pipe: PipeId,
        attachment: AttachmentId,
        end: PipeEnd,
    ) -> Option<Aftermath> {
        self.directory.parted(Place { session, pipe, attachment }, end, self.now)
    }

    /// An admitted session with a further pipe that is spliced: its tickets and its splice.
    fn piped(&mut self) -> Piped {
        let (asked, engineer, control) = self.admitted(SupportId::random());
        let pipe = self
            .directory
            .open_pipe(engineer, (PipeId::random(), PipeKind::Ssh.into()), self.now)
            .expect("admitted")
            .pipe;
        let splice = self.join(asked.session, pipe);
        let ticket = |side| self.ticket(asked.session, pipe, side);
        let (engineers, agents) = (ticket(Role::Engineer), ticket(Role::Agent));
        Piped { asked, engineer, control, pipe, engineers, agents, splice }
    }

    fn effects(&mut self) -> Vec<Effect> {
        self.directory.take_effects()
    }
}

/// Whether the audit log is to say so.
fn is_admitted(effects: &[Effect], session: SessionId) -> bool {
    effects.iter().any(|effect| matches!(effect, Effect::SessionAdmitted(id, _) if *id == session))
}

/// See [`World::piped`].
struct Piped {
    asked: Asked,
    engineer: ConnectionId,
    control: AttachmentId,
    pipe: PipeId,
    engineers: PipeTicket,
    agents: PipeTicket,
    splice: AttachmentId,
}

trait FromDigits {
    /// One of a few IDs that differ.
    fn from_digits(number: u8) -> Self;
}

impl FromDigits for SupportId {
    fn from_digits(number: u8) -> Self {
        let valid = |digit: &u32| format!("0000000{number}{digit}").parse().ok();
        (0..10).find_map(|digit| valid(&digit)).expect("one check digit fits")
    }
}

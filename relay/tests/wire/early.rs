//! Requests that come with TLS's first flight: from who comes back to a pipe, and from who has recorded that.

use crate::support::*;
use bytes::Bytes;
use fieldlink_protocol::endpoint;
use fieldlink_protocol::pipe::closing::{ATTACH_AGAIN, DONE, REPLACED};
use fieldlink_protocol::pipe::{Hello, Role};
use fieldlink_protocol::ticket::{PipeTicket, Signed};
use fieldlink_relay::config::Config;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_tungstenite::tungstenite::Message;

/// A pipe that is spliced, and an agent that has tickets to come back to it early.
struct Spliced {
    relay: TestRelay,
    _call: Call,
    tickets: [Signed<PipeTicket>; 2],
    ends: [Socket; 2],
    agent: Resumer,
    hellos: [Bytes; 2],
}

impl Spliced {
    async fn start() -> Self {
        Self::start_with(|_| {}).await
    }

    async fn start_with(change: impl FnOnce(&mut Config)) -> Self {
        let relay = TestRelay::start_with(change).await;
        let zoe = relay.add_engineer("Zoë");
        let mut call = Call::start(&relay, &zoe).await;
        let (engineer, agent) = call.open_tickets().await;
        let ends = [
            attach(&relay, &engineer).await.expect("attached"),
            attach(&relay, &agent).await.expect("attached"),
        ];
        let agents = Resumer::with_tickets(&relay).await;
        let hellos = [hello(Role::Engineer), hello(Role::Agent)];
        let mut spliced =
            Self { relay, _call: call, tickets: [engineer, agent], ends, agent: agents, hellos };
        spliced.pass().await;
        spliced
    }

    /// Both ways; nothing else comes in between.
    async fn pass(&mut self) {
        let [engineer, agent] = &mut self.ends;
        pass(engineer, agent, b"there").await;
        pass(agent, engineer, b"and back").await;
    }

    fn agents_head(&self) -> Vec<u8> {
        attaching(&self.tickets[1], &Hello::to_header(&self.hellos[1]))
    }

    async fn engineer_again(&self) -> Socket {
        let hello = Hello::to_header(&self.hellos[0]);
        let headers =
            [(endpoint::TICKET_HEADER, self.tickets[0].as_ref()), (endpoint::HELLO_HEADER, hello.as_str())];
        self.relay.connect(endpoint::PIPE, &headers).await.expect("attached")
    }

    /// The agent's connection breaks, and the engineer waits at the pipe.
    async fn lose_agent(&mut self) {
        let tcp = self.ends[1].get_ref().get_ref().0;
        tcp.set_zero_linger().expect("set");
        self.ends[1] = self.relay.connect(endpoint::AGENT, &[]).await.expect("something else");
        assert_eq!(close_reason(&mut self.ends[0]).await, ATTACH_AGAIN);
        self.ends[0] = self.engineer_again().await;
        self.wait_until_seated(0).await;
    }

    /// The answer leaves before the side has its place: asks for the same place, which it then has lost.
    async fn wait_until_seated(&mut self, side: usize) {
        let newer = self.engineer_again().await;
        assert_eq!(close_reason(&mut self.ends[side]).await, REPLACED);
        self.ends[side] = newer;
    }
}

async fn next_bytes(socket: &mut Socket) -> Bytes {
    match next_message(socket).await {
        Some(Message::Binary(bytes)) => bytes,
        other => panic!("expected data, got {other:?}"),
    }
}

/// A message from the relay as it is on the wire.
fn framed(message: &[u8]) -> Vec<u8> {
    [&[0x82, u8::try_from(message.len()).expect("short")], message].concat()
}

#[tokio::test]
async fn who_comes_back_reads_the_partners_hello_with_the_answer_and_attaches_with_its_finished() {
    let mut spliced = Spliced::start().await;
    for _ in 0..3 {
        spliced.lose_agent().await;
        let mut agent = spliced.agent.begin(&spliced.agents_head()).send(&spliced.relay).await;
        let (answer, rest) = agent.answer().await;
        assert!(answer.starts_with("HTTP/1.1 101 ") && agent.is_taken(), "{answer}");
        assert_eq!(rest, framed(&spliced.hellos[0]));
        let mut agent = agent.upgraded(&spliced.agent, rest).await;
        assert_eq!(next_bytes(&mut agent).await, spliced.hellos[0]);
        assert_eq!(next_bytes(&mut spliced.ends[0]).await, spliced.hellos[1]);
        spliced.ends[1] = agent;
        // Its partner's HELLO is not said twice.
        spliced.pass().await;
    }
}

#[tokio::test]
async fn a_partner_that_comes_later_is_read_later() {
    let mut spliced = Spliced::start().await;
    let mut agent = spliced.agent.begin(&spliced.agents_head()).send(&spliced.relay).await;
    let (_, rest) = agent.answer().await;
    assert_eq!(rest, b"", "nobody waits");
    let mut agent = agent.upgraded(&spliced.agent, rest).await;
    prodded(&mut spliced.ends[0]).await;
    let mut engineer = spliced.engineer_again().await;
    assert_eq!(next_bytes(&mut agent).await, spliced.hellos[0]);
    assert_eq!(next_bytes(&mut engineer).await, spliced.hellos[1]);
    pass(&mut engineer, &mut agent, b"over the new one").await;
    spliced.pass().await;
}

#[tokio::test]
async fn a_flight_that_was_withheld_takes_nobodys_place() {
    let mut spliced = Spliced::start().await;
    let head = spliced.agents_head();
    // Beside a splice: nobody is asked to attach again, and nobody is displaced.
    for _ in 0..2 {
        let mut withheld = spliced.agent.begin(&head).send(&spliced.relay).await;
        assert!(withheld.answer().await.0.starts_with("HTTP/1.1 101 "));
        spliced.pass().await;
        drop(withheld);
        spliced.pass().await;
    }
    // Beside a partner that waits: it goes on waiting, for the one who finishes.
    spliced.agent = Resumer::with_tickets(&spliced.relay).await;
    spliced.lose_agent().await;
    let mut withheld = spliced.agent.begin(&head).send(&spliced.relay).await;
    let (_, rest) = withheld.answer().await;
    assert_eq!(rest, framed(&spliced.hellos[0]), "only its author can read that");
    let mut agent = spliced.agent.begin(&head).send(&spliced.relay).await;
    let (_, rest) = agent.answer().await;
    let mut agent = agent.upgraded(&spliced.agent, rest).await;
    assert_eq!(next_bytes(&mut agent).await, spliced.hellos[0]);
    assert_eq!(next_bytes(&mut spliced.ends[0]).await, spliced.hellos[1]);
    spliced.ends[1] = agent;
    spliced.pass().await;
    drop(withheld);
    spliced.pass().await;
}

/// Places are for those who finish: one ticket is good for any number of flights.
#[tokio::test]
async fn flights_that_are_not_finished_take_no_places() {
    let mut spliced = Spliced::start_with(|config| config.limits.session_connections_per_engineer = 8).await;
    let head = spliced.agents_head();
    let mut withheld = Vec::new();
    for _ in 0..6 {
        let resumer = Resumer::with_tickets(&spliced.relay).await;
        for _ in 0..2 {
            let mut flight = resumer.begin(&head).send(&spliced.relay).await;
            assert!(flight.answer().await.0.starts_with("HTTP/1.1 101 "));
            withheld.push(flight);
        }
    }
    let (engineer, agent) = spliced._call.open(&spliced.relay).await;
    drop((engineer, agent));
    spliced.pass().await;
}

#[tokio::test]
async fn who_finishes_where_no_place_is_left_is_asked_to_come_again() {
    // The engineer's connection, and both sides' of two pipes.
    let mut spliced = Spliced::start_with(|config| config.limits.session_connections_per_engineer = 5).await;
    let mut agent = spliced.agent.begin(&spliced.agents_head()).send(&spliced.relay).await;
    let (_, rest) = agent.answer().await;
    let mut agent = agent.upgraded(&spliced.agent, rest).await;
    assert_eq!(close_reason(&mut agent).await, ATTACH_AGAIN);
    spliced.pass().await;
}

#[tokio::test]
async fn strangers_who_take_all_tickets_cost_others_a_whole_handshake_and_who_asks_for_none_gets_none() {
    let spliced = Spliced::start().await;
    for _ in 0..4_096 / 2 {
        drop(Resumer::with_tickets(&spliced.relay).await);
    }
    let mut tls =
        spliced.agent.begin(&spliced.agents_head()).send(&spliced.relay).await.finish(&spliced.agent).await;
    assert!(!tls.get_ref().1.is_early_data_accepted());
    within(tls.write_all(&spliced.agents_head())).await.expect("sent");
    let mut answer = [0; 12];
    within(tls.read_exact(&mut answer)).await.expect("an answer");
    assert_eq!(&answer, b"HTTP/1.1 101");
    // As the connections of agents that wait, and of engineers.
    assert!(!Resumer::asking_for_none(&spliced.relay).await.has_tickets());
}

#[tokio::test]
async fn a_flight_that_is_repeated_is_answered_once() {
    let mut spliced = Spliced::start().await;
    let begun = spliced.agent.begin(&spliced.agents_head());
    let flight = begun.flight.clone();
    let mut agent = begun.send(&spliced.relay).await;
    agent.answer().await;
    // Before the first one is through, and after.
    let repeated = async |spliced: &mut Spliced| {
        let mut repeated = spliced.relay.send_raw(&flight).await;
        // A whole handshake, with the certificate, of which the one who repeats can make nothing.
        let mut answer = [0; 4096];
        let mut read = 0;
        while read < 600 {
            read += within(repeated.read(&mut answer[read..])).await.expect("an answer");
        }
        spliced.pass().await;
    };
    repeated(&mut spliced).await;
    let mut agent = agent.upgraded(&spliced.agent, Vec::new()).await;
    prodded(&mut spliced.ends[0]).await;
    repeated(&mut spliced).await;
    let mut engineer = spliced.engineer_again().await;
    pass_hellos(&mut engineer, &mut agent, &spliced.hellos).await;
    pass(&mut engineer, &mut agent, b"undisturbed").await;
}

async fn pass_hellos(engineer: &mut Socket, agent: &mut Socket, hellos: &[Bytes; 2]) {
    assert_eq!(next_bytes(agent).await, hellos[0]);
    assert_eq!(next_bytes(engineer).await, hellos[1]);
}

#[tokio::test]
async fn nothing_but_coming_back_is_asked_for_early() {
    let mut spliced = Spliced::start().await;
    let (fresh, _) = spliced._call.open_tickets().await;
    let hello = Hello::to_header(&hello(Role::Engineer));
    for early in [
        head(endpoint::AGENT, &[]),
        head(endpoint::ENGINEER, &[]),
        head(endpoint::MEASURE, &[]),
        head("/nowhere", &[]),
        // A pipe to which nobody came before.
        attaching(&fresh, &hello),
    ] {
        let resumer = Resumer::with_tickets(&spliced.relay).await;
        let asked = resumer.begin(&early).send(&spliced.relay).await;
        let mut tls = asked.finish(&resumer).await;
        let mut answer = String::new();
        within(tls.read_to_string(&mut answer)).await.expect("an answer");
        assert!(answer.starts_with("HTTP/1.1 425 "), "{answer}");
        assert!(answer.contains("fieldlink-refused: too-early\r\n"), "{answer}");
    }
    spliced.pass().await;
    // What a server in front of the relay took early.
    let fronts = head(endpoint::AGENT, &[("Early-Data", "1")]);
    let answer = spliced.relay.raw(&fronts).await;
    assert!(answer.starts_with(b"HTTP/1.1 425 "), "{}", String::from_utf8_lossy(&answer));
    // What is refused anyway is refused as ever.
    let resumer = Resumer::with_tickets(&spliced.relay).await;
    let forged = attaching("p1.e30.AAAA", &hello);
    let mut tls = resumer.begin(&forged).send(&spliced.relay).await.finish(&resumer).await;
    let mut answer = String::new();
    within(tls.read_to_string(&mut answer)).await.expect("an answer");
    assert!(answer.starts_with("HTTP/1.1 401 "), "{answer}");
}

#[tokio::test]
async fn whatever_else_comes_early_ends_the_connection_and_nothing_else() {
    let mut spliced = Spliced::start().await;
    let head = spliced.agents_head();
    let goodbye = [&[0x88, 0x80 | 6, 0, 0, 0, 0, 3, 0xe8][..], DONE.as_bytes()].concat();
    for early in [[&head[..], &goodbye].concat(), head[..head.len() - 2].to_vec(), vec![b'x'; 8 * 1024]] {
        let resumer = Resumer::with_tickets(&spliced.relay).await;
        let begun = resumer.begin(&early).send(&spliced.relay).await;
        let mut answer = Vec::new();
        if let Ok(mut tls) = begun.try_finish(&resumer).await {
            let _ = within(tls.read_to_end(&mut answer)).await;
        }
        let answer = String::from_utf8_lossy(&answer);
        assert!(!answer.contains("101 Switching"), "{answer}");
        spliced.pass().await;
    }
}

#[tokio::test]
async fn a_partner_that_has_left_meanwhile_is_not_taken_for_another() {
    let mut spliced = Spliced::start().await;
    spliced.lose_agent().await;
    let mut agent = spliced.agent.begin(&spliced.agents_head()).send(&spliced.relay).await;
    let (_, rest) = agent.answer().await;
    assert_eq!(rest, framed(&spliced.hellos[0]));
    // The engineer waits there again: with another HELLO, for all that is known.
    spliced.wait_until_seated(0).await;
    let mut agent = agent.upgraded(&spliced.agent, Vec::new()).await;
    assert_eq!(close_reason(&mut agent).await, ATTACH_AGAIN);
    let mut agent = attach(&spliced.relay, &spliced.tickets[1]).await.expect("attached");
    assert_eq!(next_bytes(&mut agent).await, spliced.hellos[0]);
    spliced.ends[1] = agent;
    spliced.pass().await;
}

#[tokio::test]
async fn another_process_takes_nothing_early_and_asks_for_it_again() {
    let spliced = Spliced::start().await;
    let Spliced { relay, agent, tickets, .. } = spliced;
    let relay = relay.restart().await;
    let early = attaching(&tickets[1], &Hello::to_header(&hello(Role::Agent)));
    let asked = agent.begin(&early).send(&relay).await;
    let mut tls = asked.finish(&agent).await;
    assert!(!tls.get_ref().1.is_early_data_accepted());
    // It has not heard of it.
    within(tls.write_all(&head("/nowhere", &[]))).await.expect("sent");
    let mut answer = String::new();
    within(tls.read_to_string(&mut answer)).await.expect("an answer");
    assert!(answer.starts_with("HTTP/1.1 404 "), "{answer}");
}

#[tokio::test]
async fn a_pipe_of_before_the_restart_is_one_to_come_back_to() {
    let Spliced { relay, mut _call, tickets, hellos, .. } = Spliced::start().await;
    let relay = relay.restart().await;
    _call.agent_returns(&relay).await.expect("it may");
    let agents = Resumer::with_tickets(&relay).await;
    let mut asked = agents.begin(&attaching(&tickets[1], &Hello::to_header(&hellos[1]))).send(&relay).await;
    let (answer, rest) = asked.answer().await;
    assert!(answer.starts_with("HTTP/1.1 101 "), "{answer}");
    let mut agent = asked.upgraded(&agents, rest).await;
    let mut engineer = attach(&relay, &tickets[0]).await.expect("attached");
    assert_eq!(next_bytes(&mut engineer).await, hellos[1]);
    pass(&mut engineer, &mut agent, b"over the next relay").await;
}

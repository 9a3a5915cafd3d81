//! A relay at its limits, and the sessions of engineers who have not caused that.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};

use fieldlink_protocol::registration::RegistrationKey;
use fieldlink_protocol::support_id::SupportId;
use fieldlink_tests::programs::{Running, eventually, run_with_input};
use fieldlink_tests::raw::{RawAgent, runtime};
use fieldlink_tests::{Call, Engineer, PATIENCE, Relay, RelayOptions, Scanner};

#[test]
fn a_session_gets_new_connections_while_strangers_have_all_of_their_places() {
    let limits = "connections = 6".to_owned();
    let relay = Relay::start_with(RelayOptions { limits, ..Default::default() });
    let (scanner, engineer) = (Scanner::start(&relay), Engineer::enrolled(&relay, "Ada"));
    let call = engineer.call(&scanner);
    let strangers = runtime().block_on(async {
        let mut strangers = Vec::new();
        for _ in 0..5 {
            let (id, key) = (SupportId::random(), RegistrationKey::generate());
            strangers.push(RawAgent::register(&relay, id, key, None).await);
        }
        strangers
    });
    for _ in 0..3 {
        assert_eq!(call.output_of("echo here").trim(), "here");
    }
    drop(strangers);
    call.end();
}

#[test]
fn an_engineer_whose_places_are_taken_waits_for_one() {
    let limits = "session_connections_per_engineer = 5".to_owned();
    let relay = Relay::start_with(RelayOptions { limits, ..Default::default() });
    let (scanner, engineer) = (Scanner::start(&relay), Engineer::enrolled(&relay, "Ada"));
    let call = engineer.call(&scanner);
    // The engineer's connection, the control pipe, and one SSH connection.
    let mut first = call.start("echo first; read line");
    first.wait_for("first");
    let mut second = Running::start("ssh", &mut call.ssh("echo second"));
    first.type_line("");
    assert!(first.wait_for_end().success());
    second.wait_for("second");
    assert!(second.wait_for_end().success());
}

/// Sends bytes one by one through a forward to an echo, and takes each before the next.
fn single_bytes(call: &Call<'_>) {
    let echo = TcpListener::bind("127.0.0.1:0").expect("a port");
    let target = echo.local_addr().expect("an address").port();
    let serving = std::thread::spawn(move || {
        let (mut stream, _) = echo.accept().expect("a connection");
        stream.set_nodelay(true).expect("set");
        let mut byte = [0];
        while stream.read_exact(&mut byte).is_ok() && stream.write_all(&byte).is_ok() {}
    });
    let port =
        TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("free").port();
    let mut command = call.tool("ssh");
    command.args(["-N", "-L", &format!("{port}:127.0.0.1:{target}"), &call.alias]);
    let _forward = Running::start("ssh", &mut command);
    let mut connection = None;
    eventually("the forward listens", PATIENCE, || {
        connection = TcpStream::connect(("127.0.0.1", port)).ok();
        connection.is_some()
    });
    let mut stream = connection.expect("connected");
    stream.set_nodelay(true).expect("set");
    for number in 0..5_000_u32 {
        let (sent, mut back) = ([number as u8], [0]);
        stream.write_all(&sent).expect("sent");
        stream.read_exact(&mut back).expect("back");
        assert_eq!(sent, back);
    }
    drop(stream);
    serving.join().expect("served");
}

#[test]
fn honest_traffic_never_meets_the_limit_of_messages() {
    let mut relay =
        Relay::start_with(RelayOptions { log: Some("fieldlink_relay=debug"), ..Default::default() });
    let (scanner, engineer) = (Scanner::start(&relay), Engineer::enrolled(&relay, "Ada"));
    let call = engineer.call(&scanner);
    let bulk = vec![7; 64 * 1024 * 1024];
    let sent = run_with_input(&mut call.ssh("wc -c"), &bulk);
    assert_eq!(String::from_utf8_lossy(&sent.stdout).trim(), bulk.len().to_string());
    assert_eq!(call.output_of(&format!("head -c {} /dev/zero", bulk.len())).len(), bulk.len());
    let lines = call.output_of("i=0; while [ $i -lt 20000 ]; do echo $i; i=$((i+1)); done");
    assert_eq!(lines.lines().count(), 20_000);
    single_bytes(&call);
    call.end();
    // Three commands and the forward; the control pipe stays for what the client says afterwards.
    for _ in 0..4 {
        let line = relay.process().wait_for("splice is over");
        assert!(line.contains("rests=0"), "{line}");
    }
}

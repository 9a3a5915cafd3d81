//! The tests' own network laboratory, measured before anything else is measured with it.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::time::{Duration, Instant};

use fieldlink_tests::lab::{Cable, Lab, Namespace, Plug};
use fieldlink_tests::programs::{eventually, run_with_input};

const HERE: &str = "10.79.1.1";

fn two_hosts(lab: &mut Lab) -> (Namespace, Namespace) {
    (lab.host("here"), lab.host("there"))
}

fn plugs<'a>(here: &'a Namespace, there: &'a Namespace) -> (Plug<'a>, Plug<'a>) {
    (Plug::new(here, "eth0", "10.79.1.1/24"), Plug::new(there, "eth0", "10.79.1.2/24"))
}

fn joined(lab: &mut Lab) -> (Namespace, Namespace, Cable) {
    let (here, there) = two_hosts(lab);
    let (one, other) = plugs(&here, &there);
    let cable = lab.cable(one, other);
    (here, there, cable)
}

/// What `ping` prints about `count` packets from `host`, a few milliseconds apart.
fn ping(host: &Namespace, count: u32) -> String {
    let mut command = host.command(Path::new("ping"));
    command.args(["-n", "-q", "-i", "0.01", "-W", "1", "-c", &count.to_string(), HERE]);
    String::from_utf8(run_with_input(&mut command, b"").stdout).expect("text")
}

fn percent_lost(summary: &str) -> f64 {
    let before = summary.split("% packet loss").next().expect("a part");
    before.rsplit(' ').next().and_then(|number| number.parse().ok()).unwrap_or_else(|| panic!("{summary}"))
}

fn average_round_trip(summary: &str) -> f64 {
    let times = summary.split(" = ").nth(1).and_then(|times| times.split('/').nth(1));
    times.and_then(|time| time.parse().ok()).unwrap_or_else(|| panic!("{summary}"))
}

/// Copies `size` bytes by TCP from `there` to `here`; Mbit/s.
fn speed(here: &Namespace, there: &Namespace, size: usize) -> f64 {
    let listener = here.enter(|| TcpListener::bind((HERE, 0)).expect("a port"));
    let address = listener.local_addr().expect("an address");
    let begun = Instant::now();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut stream = there.enter(|| TcpStream::connect(address).expect("it listens"));
            stream.write_all(&vec![7; size]).expect("it reads");
        });
        let (mut stream, _) = listener.accept().expect("a connection");
        assert_eq!(stream.read_to_end(&mut Vec::new()).expect("bytes"), size);
    });
    size as f64 * 8.0 / begun.elapsed().as_secs_f64() / 1e6
}

#[test]
fn a_cable_is_fast_can_be_shaped_and_goes_with_the_laboratory() {
    let Some(mut lab) = Lab::new() else { return };
    let (here, there, cable) = joined(&mut lab);
    assert!(average_round_trip(&ping(&there, 10)) < 5.0);
    assert!(speed(&here, &there, 50_000_000) > 300.0);
    cable.shape("2mbit");
    let shaped = speed(&here, &there, 1_000_000);
    assert!((1.5..2.4).contains(&shaped), "{shaped} Mbit/s");
    let path = Path::new("/run/netns").join(here.name());
    assert!(path.exists());
    drop(lab);
    assert!(!path.exists());
}

#[test]
fn packets_are_lost_and_found_again() {
    let Some(mut lab) = Lab::new() else { return };
    let (_, there, cable) = joined(&mut lab);
    cable.lose(20);
    // 1 - 0.8², for there and back.
    let lost = percent_lost(&ping(&there, 600));
    assert!((28.0..44.0).contains(&lost), "{lost} %");
    cable.black_out();
    assert_eq!(percent_lost(&ping(&there, 20)), 100.0);
    cable.heal();
    assert_eq!(percent_lost(&ping(&there, 20)), 0.0);
}

#[test]
fn connections_are_reset() {
    let Some(mut lab) = Lab::new() else { return };
    let (here, there, cable) = joined(&mut lab);
    let listener = here.enter(|| TcpListener::bind((HERE, 0)).expect("a port"));
    let address = listener.local_addr().expect("an address");
    let mut stream = there.enter(|| TcpStream::connect(address).expect("it listens"));
    let _accepted = listener.accept().expect("a connection");
    cable.reset_connections();
    let mut outcome = Ok(());
    eventually("the connection is reset", Duration::from_secs(5), || {
        outcome = stream.write_all(b"x");
        outcome.is_err()
    });
    cable.heal();
    there.enter(|| TcpStream::connect(address).expect("it listens"));
}

#[test]
fn an_address_moves_with_its_cable() {
    let Some(mut lab) = Lab::new() else { return };
    let (here, there, _) = joined(&mut lab);
    here.add_address("lo", "10.79.0.1/32");
    let second = (Plug::new(&here, "eth1", "10.79.2.1/24"), Plug::new(&there, "eth1", "10.79.2.2/24"));
    lab.cable(second.0, second.1);
    let connect = |from: &str| {
        let listener = here.enter(|| TcpListener::bind(("10.79.0.1", 0)).expect("a port"));
        let address = listener.local_addr().expect("an address");
        let stream = there.enter(|| TcpStream::connect(address).expect("there is a way"));
        assert_eq!(stream.local_addr().expect("an address").ip().to_string(), from);
    };
    there.route_by("10.79.1.1");
    connect("10.79.1.2");
    there.set_down("eth0");
    there.route_by("10.79.2.1");
    connect("10.79.2.2");
    there.remove_address("eth1", "10.79.2.2/24");
    there.add_address("eth1", "10.79.2.3/24");
    there.route_by("10.79.2.1");
    connect("10.79.2.3");
}

#[test]
fn a_slow_line_holds_and_loses_packets_and_is_wide() {
    let Some(mut lab) = Lab::new() else { return };
    let (here, there) = two_hosts(&mut lab);
    let (one, other) = plugs(&here, &there);
    lab.slow_line(one, other, Duration::from_micros(82_500), 5);
    let summary = ping(&there, 300);
    let (lost, took) = (percent_lost(&summary), average_round_trip(&summary));
    // 1 - 0.95², for there and back.
    assert!((4.0..17.0).contains(&lost), "{lost} %");
    assert!((165.0..200.0).contains(&took), "{took} ms");

    let (near, far) = (lab.host("near"), lab.host("far"));
    let (one, other) = plugs(&near, &far);
    lab.slow_line(one, other, Duration::from_millis(5), 0);
    let wide = speed(&near, &far, 60_000_000);
    assert!(wide > 100.0, "{wide} Mbit/s");
    println!("{wide:.0} Mbit/s");
}

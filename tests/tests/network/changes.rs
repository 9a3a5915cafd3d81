//! The verdict of a running agent follows the network: after each change it is there within two seconds
//! of NetworkManager's signal, which the test hears over a connection of its own.

use std::time::{Duration, Instant};

use fieldlink_tests::network_lab::{Lab, Mode};

use crate::shown::Agent;

fn start_agent(lab: &Lab) -> Agent {
    Agent::start(&mut lab.agent(&["foreground"], &lab.agent_config(None)))
}

#[test]
fn a_cable_is_pulled_and_plugged_in() {
    let Some(lab) = Lab::start("a cable that is pulled") else { return };
    let (mut agent, listener) = (start_agent(&lab), lab.listen());
    lab.unplug();
    agent.reads("(N1)", listener.wait_for("State", 20));
    lab.plug();
    agent.reads("Connected by cable", listener.wait_for("State", 70));
}

#[test]
fn a_portal_wants_a_sign_in() {
    let Some(lab) = Lab::start("a captive portal") else { return };
    let (mut agent, listener) = (start_agent(&lab), lab.listen());
    lab.internet().set(Mode::Portal);
    lab.drop_relay();
    lab.check_connectivity();
    agent.reads("(N3)", listener.wait_for("Connectivity", 2));
    lab.internet().set(Mode::Open);
    lab.let_pass();
    lab.check_connectivity();
    agent.reads("Connected by cable", listener.wait_for("Connectivity", 4));
}

#[test]
fn a_portal_that_lets_the_relay_pass_changes_nothing() {
    let Some(lab) = Lab::start("a portal that lets the relay pass") else { return };
    let (mut agent, listener) = (start_agent(&lab), lab.listen());
    lab.internet().set(Mode::Portal);
    lab.check_connectivity();
    listener.wait_for("Connectivity", 2);
    let (code, report) = lab.check_network(None);
    assert_eq!((code, report["code"].as_str()), (0, Some("N0")), "{report}");
    // The next verdict that the client reads is the one for the next change: nothing came in between.
    lab.unplug();
    let signal = listener.wait_for("State", 20);
    agent.reads("(N", signal);
}

#[test]
fn a_router_without_a_way_out() {
    let Some(lab) = Lab::start("no route to the internet") else { return };
    let (mut agent, listener) = (start_agent(&lab), lab.listen());
    lab.leads_nowhere();
    lab.check_connectivity();
    agent.reads("(N4)", listener.wait_for("Connectivity", 3));
    lab.let_pass();
    lab.check_connectivity();
    agent.reads("Connected by cable", listener.wait_for("Connectivity", 4));
}

#[test]
fn a_network_that_gives_no_address() {
    let Some(mut lab) = Lab::start("a network without addresses") else { return };
    let (mut agent, listener) = (start_agent(&lab), lab.listen());
    lab.unplug();
    agent.reads("(N1)", listener.wait_for("State", 20));
    lab.stop_serving_addresses();
    lab.plug();
    agent.reads("(N2)", listener.wait_for("State", 40));
}

#[test]
fn a_cable_that_flaps_ten_times() {
    let Some(lab) = Lab::start("a cable that flaps") else { return };
    let (mut agent, listener) = (start_agent(&lab), lab.listen());
    for _ in 0..10 {
        lab.unplug();
        std::thread::sleep(Duration::from_millis(150));
        lab.plug();
        std::thread::sleep(Duration::from_millis(150));
    }
    // NetworkManager sits flaps out that are this short; if it did not, it says so when it is connected.
    let (code, report) = lab.check_network(None);
    assert_eq!(code, 0, "{report}");
    listener.forget();
    lab.unplug();
    agent.reads("(N1)", listener.wait_for("State", 20));
    lab.plug();
    agent.reads("Connected by cable", listener.wait_for("State", 70));
    agent.dials_anew();
}

#[test]
fn networkmanager_is_started_again() {
    let Some(mut lab) = Lab::start("a NetworkManager that is restarted") else { return };
    let (mut agent, listener) = (start_agent(&lab), lab.listen());
    let crashed = Instant::now();
    lab.crash_network_manager();
    agent.reads("Connected: good for a session. (N0)", crashed);
    lab.start_network_manager();
    listener.wait_for_name();
    agent.reads("Connected by cable", listener.wait_for("State", 70));
    lab.unplug();
    agent.reads("(N1)", listener.wait_for("State", 20));
}

//! A second interface, as the real NetworkManager tells of it, and a session that goes on over it.

use fieldlink_tests::PATIENCE;
use fieldlink_tests::let_in::LetIn;
use fieldlink_tests::network_lab::Lab;
use fieldlink_tests::programs::eventually;
use fieldlink_tests::raw::{RawEngineer, dialer, runtime};
use serde_json::Value;

use crate::shown::Agent;

fn interfaces(lab: &Lab) -> [Value; 2] {
    let (_, mut report) = lab.check_network(None);
    let mut network = report["network"]["known"].take();
    [network["primary"]["interface"].take(), network["second"].take()]
}

#[test]
fn an_interface_without_a_way_out_is_none() {
    let Some(lab) = Lab::start("a lidar's interface") else { return };
    assert_eq!(interfaces(&lab), [Value::from("eth0"), Value::Null]);
    lab.add_second_cable(false);
    assert_eq!(interfaces(&lab), [Value::from("eth0"), Value::Null]);
}

#[test]
fn no_interface_is_one_to_go_past_a_tunnel_by() {
    let Some(lab) = Lab::start("a tunnel") else { return };
    lab.add_second_cable(true);
    let both = [Value::from("eth0"), Value::from("eth1")];
    assert_eq!(interfaces(&lab), both);
    assert_eq!(lab.in_tunnel(|| interfaces(&lab)), [Value::from("eth0"), Value::Null]);
    assert_eq!(interfaces(&lab), both);
}

#[test]
fn a_session_goes_on_over_the_second_interface() {
    let Some(lab) = Lab::start("a session with two interfaces") else { return };
    lab.add_second_cable(true);
    assert_eq!(interfaces(&lab), [Value::from("eth0"), Value::from("eth1")]);
    let mut agent = Agent::start(&mut lab.agent(&["foreground"], &lab.agent_config(None)));
    let (support_id, pin) = agent.credentials();
    let support_id = support_id.replace(' ', "").parse().expect("an ID");
    assert_eq!(lab.connections_over_second(), 0, "there is no session yet");
    lab.at_router(|url, authority, credential| {
        runtime().block_on(async {
            let engineer = RawEngineer::connect_to(dialer(url, authority), credential).await.expect("known");
            let session = LetIn::pair(engineer, support_id, &pin).await;
            eventually("a connection is in reserve", PATIENCE, || lab.connections_over_second() == 1);
            lab.disconnect();
            agent.logs("using the connection in reserve");
            agent.logs("a pipe goes on over another connection");
            assert!(!session.reading.is_finished() && !session.driving.is_finished());
            session.driving.abort();
        });
    });
    assert_eq!(interfaces(&lab), [Value::from("eth1"), Value::Null]);
}

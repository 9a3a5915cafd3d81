//! A connection in reserve over a second interface, which the control pipe takes when it has lost its own.

use std::time::{Duration, Instant};

use fieldlink_tests::PATIENCE;
use fieldlink_tests::TwoWays;
use fieldlink_tests::programs::eventually;

/// Long enough that it is seen to go on.
const WHILE: Duration = Duration::from_millis(300);

#[test]
fn the_second_interface_takes_over_when_the_cable_is_pulled_and_gives_back() {
    let Some(mut ways) = TwoWays::start(Duration::from_millis(10)) else { return };
    for _ in 0..2 {
        let reserve = ways.reserve();
        ways.flow(WHILE);
        ways.pull_cable();
        ways.flow(WHILE);
        let ends = ways.ends_over_second();
        assert_eq!(ends, std::slice::from_ref(&reserve), "it was in reserve, and nothing was dialled");
        ways.plug_cable();
        eventually("it is over the cable again", PATIENCE, || !ways.ends_over_second().contains(&reserve));
        ways.flow(WHILE);
    }
}

#[test]
fn a_connection_that_is_reset_is_replaced_by_the_one_in_reserve() {
    let Some(mut ways) = TwoWays::start(Duration::from_millis(10)) else { return };
    let reserve = ways.reserve();
    ways.cables[0].reset_connections();
    // It counts over the second interface now, and another connection is in reserve.
    eventually("there is another one in reserve", PATIENCE, || ways.ends_over_second().len() == 2);
    ways.flow(WHILE);
    assert!(ways.ends_over_second().contains(&reserve));
    ways.cables[0].heal();
    // It may cost money there: the cable is tried again after half a minute, while the numbers come.
    let begun = Instant::now();
    while ways.ends_over_second().contains(&reserve) {
        assert!(begun.elapsed() < Duration::from_secs(60), "it stays on the second interface");
        ways.flow(WHILE);
    }
    ways.flow(WHILE);
}

#[test]
fn a_reserve_that_leads_nowhere_is_not_waited_for() {
    let Some(mut ways) = TwoWays::start(Duration::from_millis(10)) else { return };
    ways.reserve();
    // What leaves over the second interface is addressed to nobody.
    ways.device.ip("neigh replace 10.81.2.1 lladdr 02:00:00:00:00:01 dev wlan0 nud permanent");
    let pipe = ways.talking_over_first(WHILE);
    ways.cables[0].reset_connections();
    // The registration beside it is idle, and may be reset before it or after.
    eventually("the pipe is reset", PATIENCE, || !ways.ends_over_first().contains(&pipe));
    ways.cables[0].heal();
    let mut before = ways.next_number();
    let (until, mut silence) = (before + Duration::from_secs(4), Duration::ZERO);
    while before < until {
        let next = ways.next_number();
        silence = silence.max(next - before);
        before = next;
    }
    // Less than a relay is given that was heard on a connection, and more than nothing.
    assert!(silence > Duration::from_secs(1) && silence < Duration::from_secs(6), "{silence:?}");
}

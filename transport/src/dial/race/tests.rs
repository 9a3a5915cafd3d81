use super::super::learnt::Learnt;
use super::*;
use crate::hello::Hello;

const END: Duration = Duration::from_secs(10);

fn ms(milliseconds: u64) -> Duration {
    Duration::from_millis(milliseconds)
}

fn address(text: &str) -> SocketAddr {
    text.parse().expect("an address")
}

const V6: &str = "[2001:db8::1]:443";
const V4: &str = "192.0.2.1:443";

/// A race for a name with these addresses, known at once.
fn race(v6: &[&str], v4: &[&str]) -> Race {
    let mut race = Race::new(Learnt::default().plan(ms(0)), false, ms(0), END);
    let addresses = |texts: &[&str]| texts.iter().map(|text| address(text)).collect::<Vec<_>>();
    race.found(Family::V6, &addresses(v6), ms(0));
    race.found(Family::V4, &addresses(v4), ms(0));
    race
}

/// What the race begins at `now`, and nothing else.
#[track_caller]
fn begins(race: &mut Race, now: Duration, expected: &[(&str, Hello)]) {
    let mut begun = Vec::new();
    while let Some(due) = race.due(now) {
        let Due::Begin(_, route) = due else { panic!("{due:?}") };
        begun.push(route);
    }
    let expected: Vec<_> =
        expected.iter().map(|(text, hello)| Route { address: address(text), hello: *hello }).collect();
    assert_eq!(begun, expected);
}

#[test]
fn an_address_that_refuses_costs_no_time() {
    let mut race = race(&[V6], &[V4]);
    begins(&mut race, ms(0), &[(V6, Hello::Hybrid)]);
    assert_eq!(race.deadline(), STEP);
    race.failed(AttemptId(0), Setback::Address);
    begins(&mut race, ms(1), &[(V4, Hello::Hybrid)]);
    race.failed(AttemptId(1), Setback::Address);
    assert!(race.is_over(ms(2)));
}

#[test]
fn an_address_that_takes_the_connection_and_is_silent_is_overtaken_by_the_other_family() {
    let mut race = race(&[V6], &[V4]);
    begins(&mut race, ms(0), &[(V6, Hello::Hybrid)]);
    race.passed(AttemptId(0), Passed::Tcp, ms(20));
    begins(&mut race, ms(269), &[]);
    begins(&mut race, ms(270), &[(V4, Hello::Hybrid)]);
    race.passed(AttemptId(1), Passed::Tcp, ms(290));
    race.passed(AttemptId(1), Passed::Tls, ms(310));
    assert_eq!(race.due(ms(310)), Some(Due::Ask(AttemptId(1))));
}

#[test]
fn what_a_hybrid_hello_does_not_get_through_a_classical_one_may() {
    let mut race = race(&[], &[V4]);
    begins(&mut race, ms(0), &[(V4, Hello::Hybrid)]);
    race.passed(AttemptId(0), Passed::Tcp, ms(10));
    // Cut: at once.
    race.failed(AttemptId(0), Setback::Hello);
    begins(&mut race, ms(30), &[(V4, Hello::Classical)]);
    race.failed(AttemptId(1), Setback::Hello);
    assert!(race.is_over(ms(40)), "there is no third kind");
}

#[test]
fn silence_after_the_hello_is_waited_for_a_while() {
    let mut race = race(&[], &[V4]);
    begins(&mut race, ms(0), &[(V4, Hello::Hybrid)]);
    race.passed(AttemptId(0), Passed::Tcp, ms(10));
    begins(&mut race, ms(1_509), &[]);
    assert_eq!(race.deadline(), ms(1_510));
    begins(&mut race, ms(1_510), &[(V4, Hello::Classical)]);
}

#[test]
fn the_families_alternate_before_an_address_gets_another_hello() {
    let mut race = race(&[V6, "[2001:db8::2]:443"], &[V4, "192.0.2.2:443"]);
    let mut order = Vec::new();
    while let Some(Due::Begin(id, route)) = race.due(ms(0)) {
        order.push(route);
        race.failed(id, Setback::Hello);
    }
    let shown: Vec<_> = order.iter().map(|route| (route.address.to_string(), route.hello)).collect();
    let expected = [
        (V6, Hello::Hybrid),
        (V4, Hello::Hybrid),
        (V6, Hello::Classical),
        (V4, Hello::Classical),
        ("[2001:db8::2]:443", Hello::Hybrid),
        ("[2001:db8::2]:443", Hello::Classical),
        ("192.0.2.2:443", Hello::Hybrid),
        ("192.0.2.2:443", Hello::Classical),
    ];
    assert_eq!(shown, expected.map(|(address, hello)| (address.to_owned(), hello)));
}

#[test]
fn ipv4_waits_a_moment_for_a_slow_answer_about_ipv6() {
    let mut race = Race::new(Learnt::default().plan(ms(0)), false, ms(0), END);
    race.found(Family::V4, &[address(V4)], ms(10));
    begins(&mut race, ms(10), &[]);
    assert_eq!(race.deadline(), ms(60));
    begins(&mut race, ms(60), &[(V4, Hello::Hybrid)]);
    // The other answer is still welcome.
    race.found(Family::V6, &[address(V6)], ms(200));
    begins(&mut race, ms(310), &[(V6, Hello::Hybrid)]);
}

#[test]
fn the_known_way_needs_no_look_up_and_goes_alone() {
    let mut learnt = Learnt::default();
    let known = Route { address: address(V4), hello: Hello::Hybrid };
    learnt.reached(&learnt.plan(ms(0)), known.into(), ms(0));
    let mut race = Race::new(learnt.plan(ms(0)), false, ms(0), END);
    begins(&mut race, ms(0), &[(V4, Hello::Hybrid)]);
    race.found(Family::V6, &[address(V6)], ms(5));
    race.found(Family::V4, &[address(V4)], ms(5));
    begins(&mut race, ms(499), &[]);
    begins(&mut race, ms(500), &[(V6, Hello::Hybrid)]);
}

#[test]
fn a_relay_that_is_started_again_is_not_hidden_by_an_address_that_is_silent() {
    let mut learnt = Learnt::default();
    let known = Route { address: address(V4), hello: Hello::Hybrid };
    learnt.reached(&learnt.plan(ms(0)), known.into(), ms(0));
    let mut race = Race::new(learnt.plan(ms(0)), false, ms(0), END);
    begins(&mut race, ms(0), &[(V4, Hello::Hybrid)]);
    race.found(Family::V6, &[address(V6)], ms(0));
    race.found(Family::V4, &[address(V4)], ms(0));
    race.failed(AttemptId(0), Setback::Address);
    begins(&mut race, ms(1), &[(V6, Hello::Hybrid)]);
    race.passed(AttemptId(1), Passed::Tcp, ms(11));
    assert!(!race.is_over(ms(1_260)));
    assert_eq!(race.deadline(), ms(1_261));
    assert!(race.is_over(ms(1_261)));
}

#[test]
fn nor_is_one_that_is_started_again_behind_its_front() {
    let mut race = race(&[V6], &[V4]);
    begins(&mut race, ms(0), &[(V6, Hello::Hybrid)]);
    begins(&mut race, ms(250), &[(V4, Hello::Hybrid)]);
    race.passed(AttemptId(1), Passed::Tcp, ms(260));
    race.passed(AttemptId(1), Passed::Tls, ms(270));
    assert_eq!(race.due(ms(270)), Some(Due::Ask(AttemptId(1))));
    race.failed(AttemptId(1), Setback::Address);
    assert!(!race.is_over(ms(1_249)));
    assert!(race.is_over(ms(1_250)));
}

#[test]
fn one_connection_at_a_time_is_asked() {
    let mut race = race(&[V6], &[V4]);
    begins(&mut race, ms(0), &[(V6, Hello::Hybrid)]);
    begins(&mut race, ms(250), &[(V4, Hello::Hybrid)]);
    for id in [AttemptId(0), AttemptId(1)] {
        race.passed(id, Passed::Tcp, ms(260));
        race.passed(id, Passed::Tls, ms(300));
    }
    assert_eq!(race.due(ms(300)), Some(Due::Ask(AttemptId(0))));
    assert_eq!(race.due(ms(300)), None);
    assert_eq!(race.deadline(), ms(1_600));
    assert_eq!(race.due(ms(1_600)), Some(Due::Abandon(AttemptId(0))));
    assert_eq!(race.due(ms(1_600)), Some(Due::Ask(AttemptId(1))));
    race.failed(AttemptId(1), Setback::Everything);
    assert!(race.is_over(ms(1_601)) && race.due(ms(1_601)).is_none());
}

#[test]
fn a_proxy_gets_longer_to_connect() {
    let mut race = Race::new(Learnt::default().plan(ms(0)), true, ms(0), END);
    race.found(Family::V4, &[address(V4), address("192.0.2.2:443")], ms(0));
    race.found(Family::V6, &[], ms(0));
    begins(&mut race, ms(0), &[(V4, Hello::Hybrid)]);
    race.passed(AttemptId(0), Passed::Tcp, ms(1));
    begins(&mut race, ms(1_000), &[]);
    race.passed(AttemptId(0), Passed::Proxy, ms(600));
    // TLS goes as far as the proxy's connection did.
    begins(&mut race, ms(2_099), &[]);
    begins(&mut race, ms(2_100), &[("192.0.2.2:443", Hello::Hybrid)]);
}

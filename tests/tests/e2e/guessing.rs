//! Three guesses burn a pair, whichever engineers make them and however they end.

use fieldlink_protocol::support_id::SupportId;
use fieldlink_tests::raw::{PairingEnd, RawEngineer, runtime};
use fieldlink_tests::{Relay, Scanner};

struct Guessers {
    relay: Relay,
    scanner: Scanner,
    credential: String,
    support_id: SupportId,
}

fn guessers() -> Guessers {
    let relay = Relay::start();
    let scanner = Scanner::start(&relay);
    let credential = relay.add_engineer("Ada", "Scans");
    let support_id = scanner.support_id.parse().expect("a support ID");
    Guessers { relay, scanner, credential, support_id }
}

#[test]
fn three_wrong_pins_one_after_another_burn_the_pair() {
    let mut all = guessers();
    let wrong = all.scanner.wrong_pin();
    runtime().block_on(async {
        let mut engineer = RawEngineer::connect(&all.relay, &all.credential).await.expect("let in");
        for _ in 0..3 {
            let (end, _) = engineer.guess(all.support_id, &wrong, true).await;
            assert!(matches!(end, PairingEnd::WrongPin), "{end:?}");
        }
    });
    let why = all.scanner.wait_until_off();
    assert!(why.contains("Three wrong PINs") && why.contains("Ada (Scans), ticket T-1"), "{why}");
    // Burnt means gone: the right PIN does not help any more.
    runtime().block_on(async {
        let mut engineer = RawEngineer::connect(&all.relay, &all.credential).await.expect("let in");
        let right = all.scanner.pin.clone();
        assert!(matches!(engineer.guess(all.support_id, &right, true).await.0, PairingEnd::Closed));
    });
    let old = all.scanner.support_id.clone();
    all.scanner.start_again();
    assert_ne!(all.scanner.support_id, old);
}

#[test]
fn eight_wrong_pins_at_the_same_moment_are_answered_three_times_at_most() {
    let mut all = guessers();
    let wrong = all.scanner.wrong_pin();
    let answered = runtime().block_on(async {
        let mut guesses = tokio::task::JoinSet::new();
        for _ in 0..8 {
            let mut engineer = RawEngineer::connect(&all.relay, &all.credential).await.expect("let in");
            let (id, wrong) = (all.support_id, wrong.clone());
            guesses.spawn(async move { engineer.guess(id, &wrong, true).await.0 });
        }
        let ends = guesses.join_all().await;
        ends.iter().filter(|end| matches!(end, PairingEnd::WrongPin)).count()
    });
    assert_eq!(answered, 3);
    assert!(all.scanner.wait_until_off().contains("Three wrong PINs"));
}

#[test]
fn breaking_off_after_the_second_message_costs_a_charge() {
    let mut all = guessers();
    let right = all.scanner.pin.clone();
    runtime().block_on(async {
        for _ in 0..3 {
            let mut engineer = RawEngineer::connect(&all.relay, &all.credential).await.expect("let in");
            // It has learnt that the guess was right, and leaves without saying so.
            let (end, attached) = engineer.guess(all.support_id, &right, false).await;
            assert!(matches!(end, PairingEnd::Paired(_)), "{end:?}");
            drop(attached);
        }
    });
    assert!(all.scanner.wait_until_off().contains("Three wrong PINs"));
}

#[test]
fn the_right_pin_after_two_wrong_ones_is_let_in() {
    let mut all = guessers();
    let (wrong, right) = (all.scanner.wrong_pin(), all.scanner.pin.clone());
    runtime().block_on(async {
        let mut engineer = RawEngineer::connect(&all.relay, &all.credential).await.expect("let in");
        for _ in 0..2 {
            assert!(matches!(engineer.guess(all.support_id, &wrong, true).await.0, PairingEnd::WrongPin));
        }
        all.scanner.process.wait_for("Wrong PINs   2 of 3");
        let (end, _attached) = engineer.guess(all.support_id, &right, true).await;
        assert!(matches!(end, PairingEnd::Paired(_)), "{end:?}");
    });
}

#[test]
fn a_restart_makes_both_new_and_the_old_id_leads_nowhere() {
    let all = guessers();
    let Guessers { relay, mut scanner, credential, support_id } = all;
    let right = scanner.pin.clone();
    scanner.stop();
    let after = Scanner::start(&relay);
    assert_ne!(after.support_id, scanner.support_id);
    runtime().block_on(async {
        let mut engineer = RawEngineer::connect(&relay, &credential).await.expect("let in");
        assert!(engineer.request(support_id).await.is_err());
        assert!(matches!(engineer.guess(support_id, &right, true).await.0, PairingEnd::Closed));
    });
}

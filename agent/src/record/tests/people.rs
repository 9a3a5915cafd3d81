//! That everybody is named.

use fieldlink_evidence::{Person, Use};
use fieldlink_protocol::ids::{QuestionId, RunId};

use super::*;

fn person(name: &str) -> Person {
    Person {
        name: name.into(),
        company: "Scans".into(),
        ticket: "T-1".into(),
        partner: None,
        engineer: EngineerId::random(),
        run: RunId::random(),
    }
}

fn let_in(name: &str, seat: u64) -> Event {
    Event::GuestLetIn { person: person(name), seat, observes: false, certified: None }
}

/// A further engineer is named once: by the question to the client, or by themselves where nobody is asked.
#[tokio::test]
async fn a_further_engineer_is_named_once() {
    let directory = tempfile::tempdir().expect("a directory");
    let store = store(directory.path(), RecordSettings::default());
    let session = SessionId::random();
    let recording = store.begin(session, TERMS()).expect("a recording");
    let leave = Use::Guest { seat: 1, person: person("Bob"), observes: false, certified: None };
    let asked = Event::LeaveAsked { id: QuestionId::random(), leave };
    let unasked = let_in("Carol", 2);
    for event in [asked.clone(), let_in("Bob", 1), unasked.clone()] {
        recording.tell_at(Moment::now(), event);
    }
    closed(recording).await.expect("it is closed");
    let told = events(&store.path_of(session));
    assert!(told.contains(&asked) && told.contains(&unasked), "{told:?}");
    assert_eq!(told.iter().filter(|event| matches!(event, Event::GuestLetIn { .. })).count(), 1);
}

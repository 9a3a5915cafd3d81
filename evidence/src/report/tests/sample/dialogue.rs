//! What is said and asked in the sample.

use fieldlink_protocol::ids::QuestionId;
use fieldlink_protocol::messages::questions::{Answer, NotNow, Question};
use fieldlink_protocol::messages::ready::Ready;
use fieldlink_protocol::policy::Function;

use super::Writer;
use crate::{Consent, Event, Presence, Use};

pub(super) fn talk(writer: &mut Writer<'_>) {
    let text = writer.say("Good morning, I look at the log first.");
    writer.after(20, Event::Chat { from: Some(1), text });
    let text = writer.say("Thank you, it beeps twice at the start.");
    writer.after(25, Event::Chat { from: None, text });
    let text = writer.say("The lidar's cable is loose");
    writer.after(10, Event::Noted { text, by_client: false });
    let text = writer.say("It began after the transport");
    writer.after(10, Event::Noted { text, by_client: true });
    let text = writer.say("comparing calibrations");
    writer.after(10, Event::QuietBegan { seconds: 1_200, text });
    writer.after(0, Event::QuietBegan { seconds: 60, text: String::new() });
    writer.after(30, Event::QuietOver {});
    writer.after(5, Event::Called {});
    for presence in [Presence::Asked, Presence::Away, Presence::Held, Presence::Here] {
        writer.after(5, Event::ClientIs { presence });
    }
    writer.after(5, Event::BatteryLow { percent: 18 });
}

fn question(number: u8) -> QuestionId {
    QuestionId::from_bytes([number; 16])
}

pub(super) fn questions(writer: &mut Writer<'_>) {
    let (text, reason) = (writer.say("Is the light green?"), writer.say("the update takes longer"));
    let choices = vec![writer.say("yes"), writer.say("no")];
    let answer = Answer::Text { text: writer.say("yes"), language: "de".into() };
    let name = || writer.say("Carl");
    let asked = [
        (Question::Text { text, choices }, answer),
        (Question::Extension { minutes: 30, reason }, Answer::Granted { seconds: 3_000 }),
        (Question::Step { text: writer.say("Unplug the cable") }, Answer::Done {}),
        (
            Question::Ready { ready: Ready::Sounds },
            Answer::Choice { choice: "beeps".into(), language: "de".into() },
        ),
        (Question::Restart { reason: String::new(), power: false }, Answer::NotNow { why: NotNow::Never }),
        (Question::Restart { reason: String::new(), power: true }, Answer::Refused {}),
        (Question::Observer { name: name(), report: false }, Answer::NoAnswer {}),
        (Question::JoinCode {}, Answer::Busy {}),
        (Question::HandOver { name: name() }, Answer::Taken {}),
        (Question::Remove { name: name() }, Answer::NoMoreTime {}),
    ];
    for (number, (question_, answer)) in (0..).zip(asked) {
        writer.after(5, Event::Asked { id: question(number), seat: 1, question: question_ });
        writer.after(12, Event::Answered { id: question(number), answer });
    }
}

pub(super) fn leaves(writer: &mut Writer<'_>) {
    let titles = writer.titles("System update", "Systemaktualisierung");
    let person = writer.person("Grace Hopper", "Scans AG", None);
    let guest = |observes| Use::Guest { seat: 2, person: person.clone(), observes, certified: None };
    let leaves = [
        (Use::Function { function: Function::Upload }, Consent::Yes),
        (Use::Operation { titles }, Consent::Yes),
        (guest(false), Consent::Yes),
        (guest(true), Consent::No),
        (Use::Data { megabytes: 200 }, Consent::NoAnswer),
    ];
    for (number, (leave, consent)) in (50..).zip(leaves) {
        writer.after(5, Event::LeaveAsked { id: question(number), leave });
        writer.after(6, Event::LeaveAnswered { id: question(number), consent });
    }
    writer.after(5, Event::Withdrawn { id: question(99) });
    writer.after(5, Event::Extended { seconds: 3_000 });
    writer.after(5, Event::TimeLeft { minutes: 5 });
}

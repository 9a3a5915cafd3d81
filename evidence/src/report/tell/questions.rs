//! Questions to the client, and their answers.

use fieldlink_protocol::ids::QuestionId;
use fieldlink_protocol::messages::questions::{Answer, NotNow, Question};
use fieldlink_protocol::messages::ready::Ready;
use fieldlink_protocol::messages::runbook::RunbookStanding;

use super::super::exchanges::{Exchange, Matter, Reply};
use super::super::words::shown;
use super::{Line, Teller, Topic};
use crate::{Consent, Use};

impl Teller<'_> {
    pub(super) fn asked(&self, seat: u64, question: &Question) -> Line {
        let arguments = [("person", self.person(seat).into()), ("question", self.question(question).into())];
        let is_told =
            matches!(question, Question::JoinCode {} | Question::HandOver { .. } | Question::Remove { .. });
        self.with(Topic::Question, if is_told { "line-told" } else { "line-asked" }, &arguments)
    }

    pub(super) fn answered(&self, id: QuestionId, answer: &Answer) -> Line {
        let answer = self.answer(answer, self.ready(id));
        let arguments = [("question", self.question_of(id).into()), ("answer", answer.into())];
        self.with(Topic::Question, "line-answered", &arguments)
    }

    pub(super) fn leave_asked(&self, leave: &Use) -> Line {
        let mut arguments = vec![("question", self.leave(leave).into())];
        let Use::Guest { certified, .. } = leave else {
            return self.with(Topic::Question, "line-leave-asked", &arguments);
        };
        arguments.push(("proof", self.words.proof(certified.as_deref()).into()));
        self.with(Topic::Question, "line-leave-asked-guest", &arguments)
    }

    pub(super) fn leave_answered(&self, id: QuestionId, answer: Consent) -> Line {
        let arguments = [("question", self.question_of(id).into()), ("answer", self.consent(answer).into())];
        self.with(Topic::Question, "line-leave-answered", &arguments)
    }

    pub(super) fn withdrawn(&self, id: QuestionId) -> Line {
        self.with(Topic::Question, "line-withdrawn", &[("question", self.question_of(id).into())])
    }

    /// The question of an exchange.
    pub(in super::super) fn matter(&self, matter: &Matter) -> String {
        match matter {
            Matter::Entry { person, .. } => {
                self.words.say_with("question-consent", &[("person", (&person.name).into())])
            }
            Matter::Question { question, .. } => self.question(question),
            Matter::Leave(leave) => self.leave(leave),
        }
    }

    /// Who asked: an engineer, or the device.
    pub(in super::super) fn asker(&self, matter: &Matter) -> String {
        match matter {
            Matter::Question { seat, .. } => self.person(*seat),
            Matter::Entry { .. } | Matter::Leave(_) => self.words.say("party-scanner"),
        }
    }

    /// What came of an exchange.
    pub(in super::super) fn reply(&self, exchange: &Exchange) -> String {
        match &exchange.reply {
            Some(Reply::Answer(answer)) => self.answer(answer, ready(exchange)),
            Some(Reply::Consent(consent)) => self.consent(*consent),
            Some(Reply::Withdrawn) => self.words.say("answer-withdrawn"),
            None => self.words.say("answer-open"),
        }
    }

    fn question_of(&self, id: QuestionId) -> String {
        let exchange = self.exchanges.get(&id);
        exchange.map_or_else(|| self.words.say("unknown-question"), |exchange| self.matter(&exchange.matter))
    }

    fn ready(&self, id: QuestionId) -> Option<Ready> {
        self.exchanges.get(&id).and_then(|exchange| ready(exchange))
    }

    fn question(&self, question: &Question) -> String {
        let words = self.words;
        let of_name = |id, name: &String| words.say_with(id, &[("name", name.into())]);
        match question {
            Question::Extension { minutes, reason } => {
                let asked = words.say_with("question-extension", &[("minutes", u64::from(*minutes).into())]);
                self.because(asked, reason)
            }
            Question::Step { text } => words.say_with("question-step", &[("text", text.into())]),
            Question::Ready { ready } => words.named("ready", ready.name()),
            Question::Restart { reason, power } => {
                self.because(words.say(if *power { "question-power" } else { "question-restart" }), reason)
            }
            Question::Observer { name, report: false } => of_name("question-observer", name),
            Question::Observer { name, report: true } => of_name("question-observer-and-report", name),
            Question::JoinCode {} => words.say("question-join-code"),
            Question::HandOver { name } => of_name("question-hand-over", name),
            Question::Remove { name } => of_name("question-remove", name),
            Question::Text { text, choices } => {
                let question = words.say_with("question-text", &[("text", text.into())]);
                if choices.is_empty() {
                    return question;
                }
                let choices = choices.iter().map(|choice| shown(choice)).collect::<Vec<_>>().join(" / ");
                let arguments = [("question", question.into()), ("choices", choices.into())];
                words.say_with("question-choices", &arguments)
            }
        }
    }

    fn because(&self, question: String, reason: &str) -> String {
        if reason.is_empty() {
            return question;
        }
        let arguments = [("question", question.into()), ("reason", reason.into())];
        self.words.say_with("question-with-reason", &arguments)
    }

    fn leave(&self, leave: &Use) -> String {
        let words = self.words;
        match leave {
            Use::Function { function } => {
                words.say_with("question-function", &[("function", words.function(*function).into())])
            }
            Use::Operation { titles } => {
                words.say_with("question-operation", &[("title", words.title(titles, "").into())])
            }
            Use::Guest { person, observes, .. } => {
                let id = if *observes { "question-guest-observes" } else { "question-guest" };
                let arguments = [("person", (&person.name).into()), ("company", (&person.company).into())];
                words.say_with(id, &arguments)
            }
            Use::Data { megabytes } => {
                words.say_with("question-data", &[("megabytes", u64::from(*megabytes).into())])
            }
        }
    }

    fn consent(&self, consent: Consent) -> String {
        self.words.say(match consent {
            Consent::Yes => "answer-yes",
            Consent::No => "answer-no",
            Consent::NoAnswer => "answer-none",
        })
    }

    fn answer(&self, answer: &Answer, ready: Option<Ready>) -> String {
        let words = self.words;
        let of_time =
            |id, seconds: u32| words.say_with(id, &[("time", words.duration(u64::from(seconds)).into())]);
        match answer {
            Answer::Granted { seconds } => of_time("answer-granted", *seconds),
            Answer::Text { text, .. } => words.say_with("answer-text", &[("text", text.into())]),
            Answer::Choice { choice, .. } => match ready {
                Some(_) => words.named("choice", choice),
                None => words.say_with("answer-text", &[("text", choice.into())]),
            },
            Answer::Done {} => words.say("answer-done"),
            Answer::Refused {} => words.say("answer-refused"),
            Answer::NoAnswer {} => words.say("answer-none"),
            Answer::Busy {} => words.say("answer-busy"),
            Answer::Taken {} => words.say("answer-taken"),
            Answer::Restarting { seconds } => of_time("answer-restarting", *seconds),
            Answer::Link { .. } => words.say("answer-link"),
            Answer::JoinCode { seconds, .. } => of_time("answer-join-code", *seconds),
            Answer::NotNow { why } => words.say_with("answer-not-now", &[("why", self.not_now(*why).into())]),
            Answer::NoMoreTime {} => words.say("answer-no-more-time"),
            Answer::Runbook { standing } => self.standing(standing),
        }
    }

    fn standing(&self, standing: &RunbookStanding) -> String {
        match standing {
            RunbookStanding::Maker { key, .. } => {
                self.words.say_with("answer-runbook-maker", &[("key", key.into())])
            }
            RunbookStanding::Own {} => self.words.say("answer-runbook-own"),
            RunbookStanding::Refused { .. } => self.words.say("answer-runbook-refused"),
            RunbookStanding::Unknown {} => self.words.say("answer-runbook-unknown"),
        }
    }

    fn not_now(&self, why: NotNow) -> String {
        self.words.say(match why {
            NotNow::Never => "not-now-never",
            NotNow::OperationRuns => "not-now-operation-runs",
            NotNow::RelayTooOld => "not-now-relay-too-old",
            NotNow::Unable => "not-now-unable",
            NotNow::NotStored => "not-now-not-stored",
            NotNow::Interrupted => "not-now-interrupted",
            NotNow::UnderWay => "not-now-under-way",
            NotNow::NotOwner => "not-now-not-owner",
            NotNow::Nobody => "not-now-nobody",
            NotNow::TooMany => "not-now-too-many",
            NotNow::NameTaken => "not-now-name-taken",
        })
    }
}

/// The ready question of an exchange, whose choices have words.
fn ready(exchange: &Exchange) -> Option<Ready> {
    match &exchange.matter {
        Matter::Question { question: Question::Ready { ready }, .. } => Some(*ready),
        _ => None,
    }
}

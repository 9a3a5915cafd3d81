//! What is asked, answered and said while an engineer is there.

use std::collections::HashMap;
use std::time::Duration;

use fieldlink_protocol::messages::ready::Ready;
use fieldlink_protocol::policy::Function;

use super::subject::subject;
use super::text::{cleaned, given, microseconds};
use crate::notice::Person;
use crate::status::{Question, QuestionKind, QuietPeriod, Status};

subject! {
    interface ConversationInterface = "com.navvis.Fieldlink1.Conversation";

    /// The open question. Empty and zero mean that there is none.
    properties ConversationProperties {
        /// The open question's ID; empty without one. An answer must name it.
        "Question" = question: String,
        /// "consent", "extension", "use", "data", "operation", "restart", "power-off", "continue" (after a restart), "join",
        /// "join-to-watch" (of QuestionEngineer), "observe" (with a link), "step" or "text".
        "QuestionKind" = question_kind: String,
        /// How many minutes longer, for an extension; how many are left, for "continue".
        "QuestionMinutes" = question_minutes: u32,
        /// More than how many megabytes were moved (kind data): whether more may, over a connection that may cost money.
        "QuestionMegabytes" = question_megabytes: u32,
        /// What the engineer wants to use (kind use): shell, exec, upload, download, forward, operations or restart.
        "QuestionFunction" = question_function: String,
        /// What the operation is called that the engineer wants to start (kind operation), by language ("en", "de").
        "QuestionTitles" = question_titles: HashMap<String, String>,
        /// A question or step that the device has words for, by its name (kinds text and step), with QuestionChoices by their
        /// names: light-at-start, light-while-scanning, sounds, battery-swap, cable, restart-by-hand.
        "QuestionReady" = question_ready: String,
        /// What is asked, in the engineer's words (kinds text and step), or why more time or a restart is wanted, or who is to
        /// watch with a link (kind observe).
        "QuestionText" = question_text: String,
        /// What to choose from.
        "QuestionChoices" = question_choices: Vec<String>,
        /// Who wants to join, if that is the question.
        "QuestionEngineer" = question_engineer: String,
        /// Their company.
        "QuestionCompany" = question_company: String,
        /// What certified who they are; empty: the relay says so.
        "QuestionAuthority" = question_authority: String,
        /// When no answer counts as none.
        "QuestionDeadline" = question_deadline: u64,
        /// Until when the engineer works alone, as they announced; 0 unless they do.
        "QuietUntil" = quiet_until: u64,
        /// What they do meanwhile, in their words.
        "QuietText" = quiet_text: String,
    }

    /// What the person beside the device answers and says.
    methods ConversationMethods {
        /// Says yes to the question that is named (kinds consent, extension, use, data, operation, restart, power-off and continue), or that it is done (kind step). polkit: .allow
        "Allow" = allow(question: &str);
        /// Says no to the question that is named (any kind). polkit: .allow
        "Refuse" = refuse(question: &str);
        /// Answers the question that is named (kind text): one of QuestionChoices, or any words if there are none.
        /// polkit: .answer
        "Answer" = answer(question: &str, text: String);
        /// As Answer, with the language that the client reads: "en", "de". polkit: .answer
        "AnswerIn" = answer_in(question: &str, text: String, language: &str);
        /// Says something to the engineer; 1000 bytes at most. polkit: .answer
        "SendChat" = send_chat(text: String);
    }

    signals {
        /// A line between engineer and client; from is "engineer" or "client".
        "Chat" = chat(from: &str, text: &str);
    }
}

impl From<&Status> for ConversationProperties {
    fn from(status: &Status) -> Self {
        let quiet = match &status.quiet {
            Some(QuietPeriod { until, text }) => {
                Self { quiet_until: microseconds(*until), quiet_text: text.clone(), ..Self::default() }
            }
            None => Self::default(),
        };
        let Some(question) = &status.question else { return quiet };
        Self {
            question: question.id.to_string(),
            question_kind: question.kind.name().to_owned(),
            question_minutes: question.minutes,
            question_megabytes: question.megabytes,
            question_function: question.function.map_or("", Function::name).to_owned(),
            question_titles: question.titles.clone().into_iter().collect(),
            question_ready: question.ready.map_or("", Ready::name).to_owned(),
            question_text: question.text.clone(),
            question_choices: question.choices.clone(),
            question_engineer: of(&question.who, |who| who.engineer.clone()),
            question_company: of(&question.who, |who| who.company.clone()),
            question_authority: of(&question.who, |who| who.authority.clone().unwrap_or_default()),
            question_deadline: microseconds(question.until),
            ..quiet
        }
    }
}

impl ConversationProperties {
    /// Writes what they say into `status`.
    pub(super) fn read_into(&self, status: &mut Status) {
        status.question = self.to_question();
        let quiet =
            QuietPeriod { until: Duration::from_micros(self.quiet_until), text: self.quiet_text.clone() };
        status.quiet = Some(quiet).filter(|quiet| !quiet.until.is_zero());
    }

    fn to_question(&self) -> Option<Question> {
        Some(Question {
            id: self.question.parse().ok()?,
            kind: QuestionKind::from_name(&self.question_kind)?,
            minutes: self.question_minutes,
            megabytes: self.question_megabytes,
            function: Function::from_name(&self.question_function),
            titles: cleaned(&self.question_titles),
            ready: Ready::from_name(&self.question_ready),
            text: self.question_text.clone(),
            choices: self.question_choices.clone(),
            who: given(&self.question_engineer).map(|engineer| Person {
                engineer,
                company: self.question_company.clone(),
                ticket: String::new(),
                partner: None,
                authority: given(&self.question_authority),
            }),
            until: Duration::from_micros(self.question_deadline),
        })
    }
}

fn of(who: &Option<Person>, field: impl FnOnce(&Person) -> String) -> String {
    who.as_ref().map(field).unwrap_or_default()
}

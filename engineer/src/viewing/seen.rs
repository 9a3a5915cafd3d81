//! What happens in a session besides terminals, in sentences.

use fieldlink_protocol::limits;
use fieldlink_protocol::messages::announcements::{Announcement, CaseResult, Outcome};
use fieldlink_protocol::messages::observer::Seen;
use fieldlink_protocol::messages::questions::{Answer, Question};
use fieldlink_protocol::text;

use crate::dialogue;
use crate::people::people;
use crate::progress::operated;
use crate::words::say;

/// The sentence, harmless. None: nobody needs to read it.
pub(crate) fn seen(event: &Seen) -> Option<String> {
    let sentence = match event {
        Seen::People { people: list } => people(list),
        Seen::TimeLeft { seconds } => say!("seen-time-left", minutes = u64::from(seconds.div_ceil(60))),
        Seen::Chat { from_engineer: true, text } => say!("seen-chat-engineer", text = clean(text)),
        Seen::Chat { from_engineer: false, text } => say!("seen-chat-client", text = clean(text)),
        Seen::Asked { question } => asked(question)?,
        Seen::Answered { answer } => answered(answer)?,
        Seen::Announced { announcement } => announced(announcement)?,
        Seen::Operation { operation, state } => operated(operation, *state),
        Seen::Interrupted {} => say!("seen-interrupted"),
        Seen::Resumed {} => say!("seen-resumed"),
    };
    Some(sentence)
}

fn clean(words: &str) -> String {
    text::clean(words, limits::CHAT)
}

fn asked(question: &Question) -> Option<String> {
    (!question.is_of_people()).then(|| say!("seen-asked", question = clean(&dialogue::asked(question))))
}

fn answered(answer: &Answer) -> Option<String> {
    match answer {
        Answer::Link { .. } | Answer::JoinCode { .. } => None,
        answer => Some(say!("seen-answered", answer = clean(&dialogue::described(answer).0))),
    }
}

fn announced(announcement: &Announcement) -> Option<String> {
    Some(match announcement {
        Announcement::Quiet { minutes, .. } => say!("seen-quiet", minutes = u64::from(*minutes)),
        Announcement::QuietOver {} => say!("seen-quiet-over"),
        Announcement::Call {} => return None,
        Announcement::Note { text, .. } => say!("seen-note", text = clean(text)),
        Announcement::Outcome(Outcome { result, summary, .. }) => {
            let result = match result {
                CaseResult::Resolved => say!("seen-resolved"),
                CaseResult::Workaround => say!("seen-workaround"),
                CaseResult::SecondSession => say!("seen-second-session"),
            };
            match summary.as_str() {
                "" => result,
                summary => say!("seen-outcome", result = result, summary = clean(summary)),
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use fieldlink_protocol::join_code::JoinDigits;

    use super::*;

    #[test]
    fn whoever_watches_reads_harmless_sentences_and_no_secret() {
        let chat = Seen::Chat { from_engineer: false, text: "it\u{1b}[2J blinks".into() };
        assert_eq!(seen(&chat).as_deref(), Some("the client: it\u{fffd}[2J blinks"));
        let answer = Answer::JoinCode {
            address: "572400000".parse().expect("valid"),
            digits: JoinDigits::random(),
            seconds: 1,
        };
        assert_eq!(seen(&Seen::Answered { answer }), None);
        let question = Question::Text { text: "Is it green?".into(), choices: Vec::new() };
        assert!(seen(&Seen::Asked { question }).is_some_and(|line| line.contains("Is it green?")));
    }
}

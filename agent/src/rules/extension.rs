//! How long a session lasts: the client's time, given when it is asked for or unasked, and never more than two hours.

use std::time::Duration;

use fieldlink_device::order::ClientAnswer;
use fieldlink_protocol::ids::QuestionId;
use fieldlink_protocol::messages::questions::{Answer, Question};

use super::event::RuleEvent;
use super::question::{Asked, Asking};
use super::seat::RequestId;
use super::{Active, Events, GrantError, StaleAnswer};

impl Active {
    /// The client gives more time, unasked or not. An open question about it is thereby answered.
    pub(super) fn handle_grant(
        &mut self,
        minutes: u32,
        now: Duration,
        events: &mut Events,
    ) -> Result<(), GrantError> {
        let question = self.more_time.as_ref().and_then(extension);
        self.extend(minutes, question, now, events)?;
        self.more_time = None;
        Ok(())
    }

    /// The client's word on the engineer's request for more time.
    pub(super) fn handle_answer_on_time(
        &mut self,
        answer: ClientAnswer,
        now: Duration,
        events: &mut Events,
    ) -> Result<(), StaleAnswer> {
        let Some((question, request)) = self.more_time.as_ref().and_then(extension) else {
            return Err(StaleAnswer::NotOpen);
        };
        let minutes = match (&answer, self.more_time.as_ref().map(|asked| &asked.asking)) {
            (ClientAnswer::No, _) => None,
            (
                ClientAnswer::Yes,
                Some(&Asking::Engineers { question: Question::Extension { minutes, .. }, .. }),
            ) => Some(minutes),
            _ => return Err(StaleAnswer::DoesNotFit),
        };
        self.more_time = None;
        let refused = match minutes {
            None => Some(Answer::Refused {}),
            Some(minutes) => {
                let extended = self.extend(minutes, Some((question, request)), now, events);
                extended.err().map(|GrantError| Answer::NoMoreTime {})
            }
        };
        let answered = |answer| RuleEvent::Answered { question, request, answer };
        events.extend(refused.map(answered));
        Ok(())
    }

    /// `question`: what asked for it, if anything did.
    pub(super) fn extend(
        &mut self,
        minutes: u32,
        question: Option<(QuestionId, RequestId)>,
        now: Duration,
        events: &mut Events,
    ) -> Result<(), GrantError> {
        let by = Duration::from_secs(u64::from(minutes) * 60);
        let deadline = (self.deadline + by).min(self.most_deadline);
        if deadline <= self.deadline {
            return Err(GrantError);
        }
        self.deadline = deadline;
        self.set_reminder(now);
        let seconds = self.seconds_left(now);
        if let Some((question, request)) = question {
            let answer = Answer::Granted { seconds };
            events.push_back(RuleEvent::Answered { question, request, answer });
        }
        events.push_back(RuleEvent::Extended { deadline, seconds });
        Ok(())
    }

    fn seconds_left(&self, now: Duration) -> u32 {
        u32::try_from(self.deadline.saturating_sub(now).as_secs()).unwrap_or(u32::MAX)
    }
}

/// The question and the engineer's number for it, if it asks for more time.
fn extension(asked: &Asked) -> Option<(QuestionId, RequestId)> {
    match asked.asking {
        Asking::Engineers { request, question: Question::Extension { .. } } => Some((asked.id, request)),
        _ => None,
    }
}

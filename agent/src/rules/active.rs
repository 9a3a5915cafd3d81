//! An active session: until when, who is heard, and what the client is being asked meanwhile.

use std::time::Duration;

use fieldlink_device::order::ClientAnswer;
use fieldlink_protocol::ids::QuestionId;
use fieldlink_protocol::limits;
use fieldlink_protocol::messages::questions::{Answer, Question};
use fieldlink_protocol::text;

use super::{Answered, Due, GrantError, Request, Returns, StaleAnswer};

/// When the client is reminded of the end, in minutes before it.
const REMINDERS: [u64; 3] = [10, 5, 1];

/// The engineer works.
pub struct Active {
    /// Who.
    pub request: Request,
    /// When it began: the client said yes.
    began: Duration,
    /// When it is over.
    pub deadline: Duration,
    /// When the control pipe was last heard.
    pub heard: Duration,
    /// Why the engineer's side is out of reach, if it is.
    pub interrupted: Option<String>,
    /// How the engineer's program came back after it was started again.
    pub returns: Returns,
    /// What the client is being asked.
    pub asked: Option<Asked>,
    /// The next reminder, in minutes before the end.
    reminder: Option<u64>,
}

/// A question of the engineer's that the client has not answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// An answer must name it.
    pub id: QuestionId,
    /// The engineer's own number for it.
    pub request: u32,
    /// What is asked.
    pub question: Question,
    /// When no answer counts as none.
    pub until: Duration,
}

impl Active {
    pub(super) fn begin(request: Request, length: Duration, now: Duration) -> Self {
        let mut active = Self {
            request,
            began: now,
            deadline: now + length,
            heard: now,
            interrupted: None,
            returns: Returns::default(),
            asked: None,
            reminder: None,
        };
        active.set_reminder(now);
        active
    }

    pub(super) fn heard(&mut self, now: Duration) -> bool {
        self.heard = now;
        self.interrupted.take().is_some()
    }

    pub(super) fn connected(&mut self, now: Duration) {
        if now < self.heard + limits::HEARTBEAT_LOST {
            self.interrupted = None;
        }
    }

    /// Asks the client, or says at once why not.
    pub(super) fn ask(&mut self, request: u32, question: Question, now: Duration) -> Result<(), Answer> {
        if self.asked.is_some() {
            return Err(Answer::Busy {});
        }
        let patience = match question {
            Question::Extension { .. } if self.most_deadline() <= self.deadline => {
                return Err(Answer::NoMoreTime {});
            }
            Question::Extension { .. } => limits::CONSENT,
            Question::Text { .. } => limits::QUESTION_PATIENCE,
        };
        self.asked = Some(Asked { id: QuestionId::random(), request, question, until: now + patience });
        Ok(())
    }

    pub(super) fn withdraw(&mut self, request: u32) -> bool {
        self.asked.take_if(|asked| asked.request == request).is_some()
    }

    pub(super) fn answer(
        &mut self,
        id: QuestionId,
        answer: ClientAnswer,
        now: Duration,
    ) -> Result<Answered, StaleAnswer> {
        let asked = self.asked.take_if(|asked| asked.id == id).ok_or(StaleAnswer::NotOpen)?;
        match self.understand(&asked.question, answer, now) {
            Some(answer) => Ok(Answered::Told { request: asked.request, answer }),
            None => {
                self.asked = Some(asked);
                Err(StaleAnswer::DoesNotFit)
            }
        }
    }

    /// What an answer means to this question; nothing if it does not fit.
    fn understand(&mut self, question: &Question, answer: ClientAnswer, now: Duration) -> Option<Answer> {
        match (question, answer) {
            (_, ClientAnswer::No) => Some(Answer::Refused {}),
            (Question::Extension { minutes }, ClientAnswer::Yes) => {
                Some(match self.extend(minutes_long(*minutes), now) {
                    Ok(()) => Answer::Granted { seconds: self.seconds_left(now) },
                    Err(GrantError) => Answer::NoMoreTime {},
                })
            }
            (Question::Text { choices, .. }, ClientAnswer::Text(text)) => {
                let fits = choices.is_empty() && !text.trim().is_empty() || choices.contains(&text);
                // What is typed in another encoding is longer than it was.
                fits.then(|| Answer::Text { text: text::fit(&text, limits::CHAT).to_owned() })
            }
            _ => None,
        }
    }

    /// The client gives more time, unasked or not. An open question about it is thereby answered.
    pub(super) fn grant(&mut self, minutes: u32, now: Duration) -> Result<Option<u32>, GrantError> {
        self.extend(minutes_long(minutes), now)?;
        let is_extension = |asked: &mut Asked| matches!(asked.question, Question::Extension { .. });
        Ok(self.asked.take_if(is_extension).map(|asked| asked.request))
    }

    fn extend(&mut self, by: Duration, now: Duration) -> Result<(), GrantError> {
        let deadline = (self.deadline + by).min(self.most_deadline());
        if deadline <= self.deadline {
            return Err(GrantError);
        }
        self.deadline = deadline;
        self.set_reminder(now);
        Ok(())
    }

    /// However much is granted: no session lasts longer.
    fn most_deadline(&self) -> Duration {
        self.began + limits::SESSION_MAX
    }

    /// Seconds until the end.
    pub fn seconds_left(&self, now: Duration) -> u32 {
        u32::try_from(self.deadline.saturating_sub(now).as_secs()).unwrap_or(u32::MAX)
    }

    fn set_reminder(&mut self, now: Duration) {
        let lies_ahead = |minutes: &&u64| self.deadline > now + Duration::from_secs(**minutes * 60);
        self.reminder = REMINDERS.iter().find(lies_ahead).copied();
    }

    fn reminder_due(&self) -> Option<Duration> {
        self.reminder.map(|minutes| self.deadline.saturating_sub(Duration::from_secs(minutes * 60)))
    }

    pub(super) fn next_deadline(&self, patience: Duration) -> Duration {
        let silence = if self.interrupted.is_some() { patience } else { limits::HEARTBEAT_LOST };
        let asked = self.asked.as_ref().map(|asked| asked.until);
        let further = [asked, self.reminder_due()];
        further.into_iter().flatten().fold(self.deadline.min(self.heard + silence), Duration::min)
    }

    pub(super) fn tick(&mut self, patience: Duration, now: Duration) -> Option<Due> {
        use fieldlink_protocol::reason::Reason;
        if now >= self.deadline {
            return Some(Due::End(Reason::TimeUp));
        }
        if self.interrupted.is_some() && now >= self.heard + patience {
            return Some(Due::End(Reason::Silence));
        }
        if let Some(asked) = self.asked.take_if(|asked| now >= asked.until) {
            return Some(Due::Unanswered { request: asked.request });
        }
        if self.reminder_due().is_some_and(|due| now >= due) {
            let minutes = self.reminder.take().unwrap_or_default();
            self.set_reminder(now);
            return Some(Due::Remind { minutes });
        }
        if self.interrupted.is_none() && now >= self.heard + limits::HEARTBEAT_LOST {
            self.interrupted = Some("nothing comes through any more".to_owned());
            return Some(Due::Interrupted);
        }
        None
    }

    pub(super) fn returned(&mut self, run: fieldlink_protocol::ids::RunId, now: Duration) -> Duration {
        (self.request.run, self.heard, self.interrupted) = (run, now, None);
        self.returns.count += 1;
        // Whoever asked is no more.
        self.asked = None;
        self.deadline
    }
}

fn minutes_long(minutes: u32) -> Duration {
    Duration::from_secs(u64::from(minutes) * 60)
}

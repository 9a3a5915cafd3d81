//! An active session: its deadline, whether the engineer's side is heard, and what the client is being asked.

use std::time::Duration;

use fieldlink_device::order::ClientAnswer;
use fieldlink_protocol::ids::{QuestionId, RunId};
use fieldlink_protocol::limits;
use fieldlink_protocol::messages::questions::{Answer, Question};
use fieldlink_protocol::reason::Reason;
use fieldlink_protocol::text;

use super::conversation::{Rate, Said};
use super::event::RuleEvent;
use super::question::{Asked, cleaned, fits};
use super::{Events, GrantError, Refusal, Request, Returns, StaleAnswer};

/// When the client is reminded of the end, in minutes before it.
const REMINDERS: [u64; 3] = [10, 5, 1];

/// A session in which the engineer works.
pub(crate) struct Active {
    /// The engineer, and the run in use: each return of their program changes the run.
    pub request: Request,
    /// When it began: the relay had withdrawn the support ID.
    began: Duration,
    /// When it is over.
    pub deadline: Duration,
    /// When the control pipe was last heard.
    heard: Duration,
    /// Why the engineer's side is out of reach, if it is.
    pub interrupted: Option<String>,
    /// How the engineer's program came back after it was started again.
    pub returns: Returns,
    /// What the client is being asked.
    pub asked: Option<Asked>,
    /// The next reminder, in minutes before the end.
    reminder: Option<u64>,
    /// Whether the engineer's program shows lines of chat.
    shows_chat: bool,
    questions: Rate,
    chat: Rate,
    said: Said,
}

/// What an active session waits for, by rank: of several that are due at once, say after the device slept, the first
/// is carried out.
#[derive(Debug, Clone, Copy)]
enum Timer {
    /// The session is over.
    TimeUp,
    /// The engineer's side was out of reach for too long.
    Silence,
    /// The question counts as not answered.
    Question,
    /// The client is told how much time is left.
    Reminder,
    /// The engineer's side counts as out of reach.
    Interruption,
}

impl Active {
    pub(super) fn begin(request: Request, shows_chat: bool, length: Duration, now: Duration) -> Self {
        let mut active = Self {
            returns: Returns::since(request.run),
            request,
            began: now,
            deadline: now + length,
            heard: now,
            interrupted: None,
            asked: None,
            reminder: None,
            shows_chat,
            questions: Rate::of_questions(),
            chat: Rate::of_chat(),
            said: Said::default(),
        };
        active.set_reminder(now);
        active
    }

    pub(super) fn handle_heard(&mut self, now: Duration, events: &mut Events) {
        self.heard = now;
        self.resume(events);
    }

    pub(super) fn handle_link_up(&mut self, now: Duration, events: &mut Events) {
        if now < self.heard + limits::HEARTBEAT_LOST {
            self.resume(events);
        }
    }

    fn resume(&mut self, events: &mut Events) {
        if self.interrupted.take().is_some() {
            events.push_back(RuleEvent::Resumed);
        }
    }

    pub(super) fn handle_link_down(&mut self, problem: String, events: &mut Events) {
        if self.interrupted.replace(problem.clone()).is_none() {
            events.push_back(RuleEvent::Interrupted { problem });
        }
    }

    /// Asks the client, or says at once why not. What is shown is cleaned here, so that an answer is compared with
    /// what was shown.
    pub(super) fn handle_question(
        &mut self,
        request: u32,
        question: Question,
        now: Duration,
        events: &mut Events,
    ) {
        let patience = match question {
            _ if !self.questions.permits(now) || self.asked.is_some() => Err(Answer::Busy {}),
            Question::Extension { .. } if self.most_deadline() <= self.deadline => Err(Answer::NoMoreTime {}),
            Question::Extension { .. } => Ok(limits::CONSENT),
            Question::Text { .. } => Ok(limits::QUESTION_PATIENCE),
        };
        events.push_back(match patience {
            Err(answer) => RuleEvent::NotAsked { request, answer },
            Ok(patience) => {
                let question = cleaned(question);
                let asked = Asked { id: QuestionId::random(), request, question, until: now + patience };
                RuleEvent::Asked(self.asked.insert(asked).clone())
            }
        });
    }

    pub(super) fn handle_withdrawal(&mut self, request: u32, events: &mut Events) {
        if self.asked.take_if(|asked| asked.request == request).is_some() {
            events.push_back(RuleEvent::Withdrawn { request });
        }
    }

    pub(super) fn handle_answer(
        &mut self,
        id: QuestionId,
        answer: ClientAnswer,
        now: Duration,
        events: &mut Events,
    ) -> Result<(), StaleAnswer> {
        let asked = self.asked.as_ref().filter(|asked| asked.id == id).ok_or(StaleAnswer::NotOpen)?;
        let request = asked.request;
        let answer = match (&asked.question, answer) {
            (_, ClientAnswer::No) => Answer::Refused {},
            (&Question::Extension { minutes }, ClientAnswer::Yes) => {
                self.asked = None;
                return match self.extend(minutes, Some(request), now, events) {
                    Ok(()) => Ok(()),
                    Err(GrantError) => {
                        let answer = Answer::NoMoreTime {};
                        events.push_back(RuleEvent::Answered { request, answer });
                        Ok(())
                    }
                };
            }
            (Question::Text { choices, .. }, ClientAnswer::Text(text)) if fits(choices, &text) => {
                // What is typed in another encoding is longer than it was.
                Answer::Text { text: text::fit(&text, limits::CHAT).to_owned() }
            }
            _ => return Err(StaleAnswer::DoesNotFit),
        };
        self.asked = None;
        events.push_back(RuleEvent::Answered { request, answer });
        Ok(())
    }

    /// The client gives more time, unasked or not. An open question about it is thereby answered.
    pub(super) fn handle_grant(
        &mut self,
        minutes: u32,
        now: Duration,
        events: &mut Events,
    ) -> Result<(), GrantError> {
        let is_extension = |asked: &&Asked| matches!(asked.question, Question::Extension { .. });
        let request = self.asked.as_ref().filter(is_extension).map(|asked| asked.request);
        self.extend(minutes, request, now, events)?;
        self.asked.take_if(|asked| Some(asked.request) == request);
        Ok(())
    }

    fn extend(
        &mut self,
        minutes: u32,
        question: Option<u32>,
        now: Duration,
        events: &mut Events,
    ) -> Result<(), GrantError> {
        let by = Duration::from_secs(u64::from(minutes) * 60);
        let deadline = (self.deadline + by).min(self.most_deadline());
        if deadline <= self.deadline {
            return Err(GrantError);
        }
        self.deadline = deadline;
        self.set_reminder(now);
        let seconds = self.seconds_left(now);
        if let Some(request) = question {
            events.push_back(RuleEvent::Answered { request, answer: Answer::Granted { seconds } });
        }
        events.push_back(RuleEvent::Extended { deadline, seconds });
        Ok(())
    }

    /// However much is granted: no session lasts longer.
    fn most_deadline(&self) -> Duration {
        self.began + limits::SESSION_MAX
    }

    fn seconds_left(&self, now: Duration) -> u32 {
        u32::try_from(self.deadline.saturating_sub(now).as_secs()).unwrap_or(u32::MAX)
    }

    /// The engineer says something. False if that was too much, and dropped.
    pub(super) fn handle_engineers_chat(&mut self, line: &str, now: Duration, events: &mut Events) -> bool {
        let is_permitted = self.chat.permits(now);
        if is_permitted {
            let text = text::clean(line, limits::CHAT);
            events.push_back(RuleEvent::Chat { from_engineer: true, text });
        }
        is_permitted
    }

    /// The client says something. `has_room`: whether the control channel takes a message now.
    pub(super) fn handle_clients_chat(
        &mut self,
        line: &str,
        has_room: bool,
        now: Duration,
        events: &mut Events,
    ) -> Result<(), Refusal> {
        if !self.shows_chat {
            return Err(Refusal::NoChat);
        }
        if !has_room {
            return Err(Refusal::NotTaken);
        }
        let text = text::clean(line.trim(), limits::CHAT);
        let text = text::fit(&text, limits::CHAT).to_owned();
        self.said.add(now, &text);
        events.push_back(RuleEvent::Chat { from_engineer: false, text });
        if self.interrupted.is_some() {
            events.push_back(RuleEvent::ChatDelayed);
        }
        Ok(())
    }

    /// The engineer's program is back, in the run it paired in: nothing else changes, least of all the deadline.
    pub(super) fn handle_returned(
        &mut self,
        run: RunId,
        shows_chat: bool,
        now: Duration,
        events: &mut Events,
    ) {
        let heard = std::mem::replace(&mut self.heard, now);
        (self.request.run, self.interrupted, self.shows_chat) = (run, None, shows_chat);
        self.returns.count += 1;
        events.push_back(RuleEvent::Returned { request: self.request.clone(), deadline: self.deadline });
        if shows_chat {
            events.extend(self.said.take_unheard(heard).map(|text| RuleEvent::ChatAgain { text }));
        }
        // The program that would have heard the answer is gone.
        if let Some(asked) = self.asked.take() {
            events.push_back(RuleEvent::Withdrawn { request: asked.request });
        }
    }

    fn set_reminder(&mut self, now: Duration) {
        let lies_ahead = |minutes: &&u64| self.deadline > now + Duration::from_secs(**minutes * 60);
        self.reminder = REMINDERS.iter().find(lies_ahead).copied();
    }

    fn timers(&self, patience: Duration) -> impl Iterator<Item = (Timer, Duration)> {
        let is_interrupted = self.interrupted.is_some();
        let reminder = |minutes| self.deadline.saturating_sub(Duration::from_secs(minutes * 60));
        [
            (Timer::TimeUp, Some(self.deadline)),
            (Timer::Silence, is_interrupted.then(|| self.heard + patience)),
            (Timer::Question, self.asked.as_ref().map(|asked| asked.until)),
            (Timer::Reminder, self.reminder.map(reminder)),
            (Timer::Interruption, (!is_interrupted).then(|| self.heard + limits::HEARTBEAT_LOST)),
        ]
        .into_iter()
        .filter_map(|(timer, due)| Some((timer, due?)))
    }

    pub(super) fn poll_timeout(&self, patience: Duration) -> Duration {
        self.timers(patience).map(|(_, due)| due).fold(self.deadline, Duration::min)
    }

    /// Carries out the one thing that is due by [`Timer`]'s rank. Returns why the session is over, if it is.
    pub(super) fn handle_timeout(
        &mut self,
        patience: Duration,
        now: Duration,
        events: &mut Events,
    ) -> Option<Reason> {
        let (timer, _) = self.timers(patience).find(|(_, due)| *due <= now)?;
        match timer {
            Timer::TimeUp => return Some(Reason::TimeUp),
            Timer::Silence => return Some(Reason::Silence),
            Timer::Question => events.extend(
                self.asked
                    .take()
                    .map(|asked| RuleEvent::Answered { request: asked.request, answer: Answer::NoAnswer {} }),
            ),
            Timer::Reminder => {
                events.extend(self.reminder.map(|minutes| RuleEvent::TimeLeft { minutes }));
                self.set_reminder(now);
            }
            Timer::Interruption => {
                self.handle_link_down("nothing comes through any more".to_owned(), events);
            }
        }
        None
    }
}

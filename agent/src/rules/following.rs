//! What the engineer says of the runbook that they follow.

use std::time::Duration;

use fieldlink_protocol::messages::questions::Answer;
use fieldlink_protocol::messages::runbook::{RunbookRun, RunbookStanding, RunbookWord, StepResult};
use fieldlink_runbook::Makers;

use super::event::RuleEvent;
use super::runbook::{Followed, RunbookEvent, RunbookStatus};
use super::seat::RequestId;
use super::{Active, Events, Rules};

impl Active {
    /// How the runbook stands that the engineer follows, if they follow one.
    pub(crate) fn runbook(&self) -> Option<RunbookStatus> {
        self.following.now.as_ref().map(|followed| followed.status(self.request.session))
    }

    /// All of it, for an engineer who was not there.
    pub(crate) fn runbook_run(&self) -> Option<RunbookRun> {
        self.following.now.as_ref().map(Followed::run)
    }

    fn handle_runbook(
        &mut self,
        word: RunbookWord,
        makers: &Makers,
        now: Duration,
        events: &mut Events,
    ) -> Answer {
        if !self.following.words.permits(now) {
            return Answer::Busy {};
        }
        let standing = match word {
            RunbookWord::Runs(run) => self.handle_runs(run, makers, events),
            RunbookWord::Settled { before, result } => match self.handle_settled(before, result, events) {
                true => return Answer::Taken {},
                false => RunbookStanding::Unknown {},
            },
            RunbookWord::GivenUp {} => {
                if let Some(followed) = self.following.now.take() {
                    self.tell_runbook_over(&followed, false, events);
                }
                return Answer::Taken {};
            }
        };
        Answer::Runbook { standing }
    }

    fn handle_runs(&mut self, run: RunbookRun, makers: &Makers, events: &mut Events) -> RunbookStanding {
        let session = self.request.session;
        let followed = match Followed::read(run, makers) {
            Ok(followed) => followed,
            Err(why) => {
                events.push_back(RuleEvent::Runbook(RunbookEvent::Refused { session, why }));
                return RunbookStanding::Refused { why };
            }
        };
        let standing = followed.origin().standing();
        let before = self.following.now.take();
        if let Some(before) = before.as_ref().filter(|before| !before.is_same(&followed)) {
            self.tell_runbook_over(before, false, events);
        }
        let known = before.filter(|before| before.is_same(&followed));
        if let Some(is_finished) = followed.end() {
            self.tell_runbook_over(&followed, is_finished, events);
            return standing;
        }
        let status = followed.status(session);
        match known {
            None => events.push_back(RuleEvent::Runbook(RunbookEvent::Began(status))),
            Some(known) if known == followed => {}
            Some(_) => events.push_back(RuleEvent::Runbook(RunbookEvent::Stepped(status))),
        }
        self.following.now = Some(followed);
        standing
    }

    /// False if that is no result of the runbook as it is known here.
    fn handle_settled(&mut self, before: u8, result: StepResult, events: &mut Events) -> bool {
        let Some(mut followed) = self.following.now.take() else { return false };
        let is_fit = followed.settle(before, result).is_ok();
        match followed.end() {
            Some(is_finished) => self.tell_runbook_over(&followed, is_finished, events),
            None => {
                if is_fit {
                    let status = followed.status(self.request.session);
                    events.push_back(RuleEvent::Runbook(RunbookEvent::Stepped(status)));
                }
                self.following.now = Some(followed);
            }
        }
        is_fit
    }

    fn tell_runbook_over(&self, followed: &Followed, is_finished: bool, events: &mut Events) {
        let status = followed.status(self.request.session);
        events.push_back(RuleEvent::Runbook(RunbookEvent::Over { status, is_finished }));
    }
}

impl Rules {
    /// The engineer says something of a runbook, which is judged by the keys of `makers`. `request` is the engineer's
    /// number for it.
    pub(crate) fn handle_runbook(
        &mut self,
        request: RequestId,
        word: RunbookWord,
        makers: &Makers,
        now: Duration,
    ) {
        let events = &mut self.events;
        let answer = match self.state.active_mut() {
            Some(active) => active.handle_runbook(word, makers, now, events),
            None => Answer::Busy {},
        };
        self.events.push_back(RuleEvent::Runbook(RunbookEvent::Told { request, answer }));
    }
}

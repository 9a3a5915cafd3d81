//! Operations: what engineers want of them, and what becomes of the one that runs.

use std::collections::HashMap;
use std::sync::Arc;

use fieldlink_operation::record::{Record, Stage};
use fieldlink_protocol::ids::OperationId;
use fieldlink_protocol::messages::operation::{FromOperations, OperationRefusal, OperationState};
use fieldlink_protocol::policy::Function;
use tokio::sync::{broadcast, mpsc, oneshot};

use super::Access;
use crate::clock;
use crate::config::Titles;
use crate::operation::{
    Follower, NotStarted, OperationEvent, OperationRequest, OperationService, Operations, QUEUE, Refused,
    Startable, Update,
};
use crate::rules::{OperationStatus, UseId, WantedOperation};
use crate::view;

/// News that an engineer's channel may be behind with.
const NEWS: usize = 256;

/// Who waits for an answer, and what runs.
pub(super) struct OperationDesk {
    operations: Arc<Operations>,
    sender: mpsc::Sender<OperationRequest>,
    pub(super) requests: mpsc::Receiver<OperationRequest>,
    pub(super) follower: Follower,
    news: broadcast::Sender<FromOperations>,
    wishes: HashMap<UseId, oneshot::Sender<Result<(), OperationRefusal>>>,
    /// The run that is being started, and who waits for that.
    starting: Option<(OperationId, oneshot::Sender<Result<(), Refused>>)>,
}

impl OperationDesk {
    pub(super) fn new(operations: Arc<Operations>) -> Self {
        let (sender, requests) = mpsc::channel(QUEUE);
        let (news, _) = broadcast::channel(NEWS);
        let follower = Follower::new(operations.clone());
        Self { operations, sender, requests, follower, news, wishes: HashMap::new(), starting: None }
    }

    /// What serves a session's channels.
    pub(super) fn service(&self) -> OperationService {
        let (operations, rules) = (self.operations.clone(), self.sender.clone());
        OperationService { operations, rules, news: self.news.clone() }
    }

    /// The rules have decided.
    pub(super) fn decide(&mut self, id: UseId, verdict: Result<(), OperationRefusal>) {
        if let Some(reply) = self.wishes.remove(&id) {
            // The engineer may be gone.
            let _ = reply.send(verdict);
        }
    }

    /// The session is over, and what was only wanted with it.
    pub(super) fn give_up(&mut self) {
        self.wishes.clear();
    }

    fn titles(&self, name: &str) -> Titles {
        self.operations.named(name).map(|operation| operation.title.clone()).unwrap_or_default()
    }

    /// Nobody may be following.
    fn tell(&self, message: FromOperations) {
        let _ = self.news.send(message);
    }
}

impl Access {
    pub(super) fn on_operation_request(&mut self, request: OperationRequest) {
        let now = clock::now();
        match request {
            OperationRequest::Wanted { reply, .. } if reply.is_closed() => {}
            OperationRequest::Wanted { id, name, reply } => {
                let titles = self.operations.titles(&name);
                self.operations.wishes.insert(id, reply);
                let permission = self.around.policy.of(Function::Operations);
                self.rules.handle_operation_wanted(WantedOperation { id, name, titles }, permission, now);
            }
            OperationRequest::Dropped(id) => {
                self.operations.wishes.remove(&id);
                self.rules.handle_operation_dropped(id, now);
            }
            OperationRequest::Start { id, file, reply } => {
                let run = OperationId::random();
                match self.rules.handle_operation_start(id, run) {
                    Ok(()) => self.start_operation(run, file, reply),
                    Err(why) => drop(reply.send(Err((why, String::new())))),
                }
            }
            OperationRequest::Follow { reply } => {
                let session = self.rules.state().active().map(|active| active.session);
                let now = self.rules.operation();
                let _ = reply.send(now.map(|now| (now_of(now), Some(now.session) == session)));
            }
        }
    }

    fn start_operation(
        &mut self,
        run: OperationId,
        file: Option<std::os::fd::OwnedFd>,
        reply: oneshot::Sender<Result<(), Refused>>,
    ) {
        let status = self.rules.operation().filter(|status| status.run == run);
        let operation = status.and_then(|status| self.operations.operations.named(&status.name));
        let (Some(operation), Some(request)) = (operation, self.rules.state().request()) else { return };
        let startable = Startable {
            id: run,
            name: operation.name.clone(),
            socket: operation.socket(),
            session: request.session,
            engineer: view::describe(request),
            file,
        };
        self.operations.starting = Some((run, reply));
        self.operations.follower.start(startable);
    }

    pub(super) fn on_operation(&mut self, event: OperationEvent) {
        match event {
            OperationEvent::Started(run, started) => self.on_operation_started(run, started),
            OperationEvent::Read(Update { record, lines }) => self.on_operation_read(&record, lines),
        }
    }

    fn on_operation_started(&mut self, run: OperationId, started: Result<(), NotStarted>) {
        let reply = self.operations.starting.take().filter(|(starting, _)| *starting == run);
        let name = self.rules.operation().map(|status| status.name.clone()).unwrap_or_default();
        let said = match started {
            Ok(()) => {
                self.operations.tell(FromOperations::Started { operation: name });
                Ok(())
            }
            // What was asked may run all the same: then the record says so.
            Err(error @ NotStarted::Silent(_)) if self.runs(run) => {
                tracing::warn!(%error, "an operation runs");
                Ok(())
            }
            Err(error) => {
                tracing::error!(%error, name, "an operation was not started");
                self.rules.handle_operation_not_started(run);
                let why = match error {
                    NotStarted::Busy => OperationRefusal::Busy,
                    _ => OperationRefusal::NotStarted,
                };
                Err((why, error.to_string()))
            }
        };
        if let Some((_, reply)) = reply {
            let _ = reply.send(said);
        }
    }

    fn runs(&self, run: OperationId) -> bool {
        let record = self.operations.operations.records().read();
        record.is_ok_and(|record| record.is_some_and(|record| record.id == run))
    }

    fn on_operation_read(&mut self, record: &Record, lines: Vec<String>) {
        let is_over = matches!(record.stage, Stage::Over { .. });
        if is_over && self.state_files.told_operation() == Some(record.id) {
            return;
        }
        let before = self.rules.operation().filter(|status| status.run == record.id);
        let had = before.map(|status| status.state);
        let line = lines.last().cloned().or_else(|| before.map(|status| status.line.clone()));
        for line in lines {
            self.operations.tell(FromOperations::Output { line });
        }
        let status = OperationStatus {
            run: record.id,
            session: record.session,
            name: record.operation.clone(),
            titles: self.operations.titles(&record.operation),
            state: state_of(record),
            line: line.unwrap_or_default(),
        };
        if had != Some(status.state) {
            self.operations.tell(now_of(&status));
        }
        self.rules.handle_operation_is(status);
    }
}

fn state_of(record: &Record) -> OperationState {
    match record.stage {
        Stage::Running {} => OperationState::Running { percent: record.percent },
        Stage::AfterRestart {} => OperationState::AfterRestart {},
        Stage::Over { end } => OperationState::Over { result: end, restart: record.restart },
    }
}

/// What an engineer's channel is told of it.
fn now_of(status: &OperationStatus) -> FromOperations {
    match status.state {
        OperationState::Starting {} | OperationState::Running { percent: None } => {
            FromOperations::Started { operation: status.name.clone() }
        }
        OperationState::Running { percent: Some(percent) } => FromOperations::Progress { percent },
        OperationState::AfterRestart {} => FromOperations::AfterRestart {},
        OperationState::Over { result: end, restart } => {
            FromOperations::Over { operation: status.name.clone(), end, restart }
        }
    }
}

//! Deleting what sessions have left on the device, as the client orders. It waits for its turn among what else is done with
//! the records, so that nobody writes to a record while it goes.

use std::io;

use fieldlink_device::order::Order;
use fieldlink_protocol::ids::SessionId;
use tokio::sync::oneshot;

use super::{Access, Command};
use crate::clock;
use crate::record::{Deletion, RecordStore, Recording};
use crate::rules::Refusal;

/// Where the outcome of an order is sent.
type Reply = Option<oneshot::Sender<Result<(), Refusal>>>;

impl Access {
    /// Deletes what is ordered to be deleted; the outcome is told once it is gone. Any other order is given back.
    pub(super) fn delete_records(&mut self, command: Command) -> Option<Command> {
        let order = match command.order {
            order @ (Order::DeleteRecord(_) | Order::ForgetRecords) => order,
            order => return Some(Command { order, ..command }),
        };
        match self.permit_deletion(&order) {
            Ok(()) => self.delete(&order, command.reply),
            Err(refusal) => tell(command.reply, Err(refusal)),
        }
        self.show();
        None
    }

    fn permit_deletion(&mut self, order: &Order) -> Result<(), Refusal> {
        let going_on = self.on_its_way.as_ref().map(|it| it.carry_on.continuity().session);
        let written = self.records.recording().map(Recording::session);
        match order {
            Order::ForgetRecords if going_on.is_some() => return Err(Refusal::NotOff),
            Order::DeleteRecord(session) if [going_on, written].contains(&Some(*session)) => {
                return Err(Refusal::RecordOpen);
            }
            _ => {}
        }
        self.rules.handle_order(order.clone(), clock::now())?;
        match order {
            Order::DeleteRecord(_) if !self.records.are_kept() => Err(Refusal::NoRecord),
            _ => Ok(()),
        }
    }

    fn delete(&mut self, order: &Order, reply: Reply) {
        // Nobody fetches what is to be gone.
        match order {
            Order::DeleteRecord(session) => self.closings.cancel_of(*session),
            _ => self.closings.cancel(),
        }
        if let Order::DeleteRecord(session) = *order {
            return self.records.on_disk(move |store| tell(reply, delete(store, session, Deletion::Client)));
        }
        // It may name an engineer, and so may what was kept for a session that is not coming back.
        self.notice = None;
        let kept = self.around.restart.as_ref().map_or(Ok(()), |restart| restart.store.forget());
        let kept = kept.map_err(|error| refusal_of(&error));
        if !self.records.are_kept() {
            return tell(reply, kept);
        }
        self.records.on_disk(move |store| tell(reply, kept.and(delete_all(store))));
    }
}

/// A caller who is gone hears nothing.
fn tell(reply: Reply, outcome: Result<(), Refusal>) {
    if let Err(refusal) = &outcome {
        tracing::info!(%refusal, "an order was not carried out");
    }
    if let Some(reply) = reply {
        let _ = reply.send(outcome);
    }
}

/// All that can be deleted is, whatever becomes of the others.
fn delete_all(store: &RecordStore) -> Result<(), Refusal> {
    let records = store.list().map_err(|error| refusal_of(&error))?;
    let outcomes = records.iter().map(|record| delete(store, record.session, Deletion::Forgotten));
    outcomes.fold(Ok(()), Result::and)
}

fn delete(store: &RecordStore, session: SessionId, why: Deletion) -> Result<(), Refusal> {
    store.delete(session, why).map_err(|error| refusal_of(&error))
}

fn refusal_of(error: &io::Error) -> Refusal {
    if error.kind() == io::ErrorKind::NotFound {
        return Refusal::NoRecord;
    }
    tracing::error!(%error, "could not delete from the disk");
    Refusal::RecordsUnusable
}

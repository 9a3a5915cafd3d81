//! What is left of a session that is over: the control channel, over which its engineer fetches the report.

use std::collections::VecDeque;
use std::future::pending;

use fieldlink_protocol::limits;
use fieldlink_protocol::messages::control::FromAgent;
use fieldlink_protocol::messages::report::ReportWanted;
use fieldlink_protocol::reason::Reason;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::control::{Control, ControlEvent};
use crate::record::Reports;

/// A control channel on which nothing is heard but what is to be fetched.
pub(crate) struct Parting {
    pub(super) control: Control,
    pub(super) events: mpsc::Receiver<ControlEvent>,
    pub(super) reason: Reason,
}

impl Parting {
    /// Gives what is asked for, until the engineer's side has it, is gone, or it is `over`.
    pub(crate) async fn serve(self, reports: &Reports, over: &CancellationToken) {
        let Self { control, mut events, reason } = self;
        let outgoing = control.outgoing();
        over.run_until_cancelled(give(&mut events, &outgoing, reports)).await;
        // Nothing reads these events any more; an engineer's side that floods the queue must not hold up the end.
        drop((events, outgoing));
        control.send(FromAgent::End { reason });
        control.close().await;
    }
}

/// What was asked for is given in turn. Whoever asks for more at once than may be under way breaks the agreement.
async fn give(
    events: &mut mpsc::Receiver<ControlEvent>,
    outgoing: &mpsc::Sender<FromAgent>,
    reports: &Reports,
) {
    let mut wanted = VecDeque::new();
    // One at a time; what is heard meanwhile does not begin it anew.
    let mut giving: Option<BoxFuture<'_, bool>> = None;
    loop {
        if giving.is_none() {
            giving = wanted.pop_front().map(|next| give_one(outgoing, reports, next).boxed());
        }
        let given = async {
            match &mut giving {
                Some(giving) => giving.await,
                None => pending().await,
            }
        };
        tokio::select! {
            is_taken = given => match is_taken {
                true => giving = None,
                false => return,
            },
            event = events.recv() => match event {
                Some(ControlEvent::Fetch(next)) if wanted.len() < limits::REPORT_PIECES => {
                    wanted.push_back(next);
                }
                Some(ControlEvent::Fetch(_) | ControlEvent::Over(..)) | None => return,
                // Nothing else counts any more.
                Some(_) => {}
            },
        }
    }
}

/// False: nobody takes it any more.
async fn give_one(outgoing: &mpsc::Sender<FromAgent>, reports: &Reports, wanted: ReportWanted) -> bool {
    let piece = reports.piece(&wanted).await;
    outgoing.send(FromAgent::Report { piece }).await.is_ok()
}

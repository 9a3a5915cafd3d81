//! What is still said when the session is over: the scanner stays for its report to be fetched.

use std::time::Duration;

use fieldlink_protocol::limits;
use fieldlink_protocol::messages::control::FromEngineer;
use fieldlink_protocol::messages::report::{ReportPiece, ReportWanted};
use fieldlink_protocol::reason::Reason;
use tokio::sync::mpsc;
use tokio::time::timeout;

use super::talk::{Talk, hear, heartbeat};
use super::{Broken, Heard};
use crate::reports::{Fetching, Got};

/// How long the scanner may take to say whether there is a report, when the session is ended from here; and when it stays,
/// and is out of reach.
const ANSWER: Duration = Duration::from_secs(2);
const RETURN: Duration = limits::INTERRUPTION;

/// How the report is fetched.
pub(crate) struct ReportWish {
    /// In which language (BCP 47); none: the scanner's.
    pub language: Option<String>,
    /// Takes what comes. Dropped, it is not wanted any more.
    pub sender: mpsc::Sender<Got>,
}

impl Talk {
    /// We have said that it is over. Whether there is a report.
    pub(super) async fn await_word(&mut self, wish: &ReportWish, stays: bool) -> bool {
        let word = async {
            loop {
                for heard in hear((&mut self.reader, &mut self.link, &mut self.conversation)).await? {
                    match heard {
                        Heard::Closing(_) => return Ok::<_, Broken>(true),
                        Heard::End(_) => return Ok(false),
                        _ => {}
                    }
                }
            }
        };
        let patience = if stays { RETURN } else { ANSWER };
        tokio::select! {
            biased;
            () = wish.sender.closed() => false,
            word = timeout(patience, word) => word.is_ok_and(|word| word == Ok(true)),
        }
    }

    /// Fetches the report in all its forms, for as long as it is wanted.
    pub(super) async fn fetch(&mut self, wish: &ReportWish) -> Result<(), Broken> {
        let mut fetching = Fetching::new(wish.language.clone());
        let (mut heartbeat, mut wanted) = (heartbeat(), None::<ReportWanted>);
        while !fetching.is_done() {
            wanted = wanted.or_else(|| fetching.poll_transmit());
            let room = async { self.requests.room().await };
            let pieces = tokio::select! {
                biased;
                () = wish.sender.closed() => return Ok(()),
                _ = heartbeat.tick() => {
                    self.requests.try_say(FromEngineer::Heartbeat {});
                    continue;
                }
                room = room, if wanted.is_some() => {
                    let message = wanted.take().map(|wanted| FromEngineer::Fetch { wanted });
                    room.into_iter().zip(message).for_each(|(room, message)| room.send(message));
                    continue;
                }
                heard = hear((&mut self.reader, &mut self.link, &mut self.conversation)) => {
                    pieces(heard?)?
                }
            };
            for piece in pieces {
                let got = fetching.handle(piece).map_err(|_| Broken(Reason::Incompatible))?;
                if wish.sender.send(got).await.is_err() {
                    return Ok(());
                }
            }
        }
        Ok(())
    }
}

/// The pieces among what was heard; what else is said does not count any more, but for the end.
fn pieces(heard: Vec<Heard>) -> Result<Vec<ReportPiece>, Broken> {
    let mut pieces = Vec::new();
    for heard in heard {
        match heard {
            Heard::Report(piece) => pieces.push(piece),
            Heard::End(reason) => return Err(Broken(reason)),
            _ => {}
        }
    }
    Ok(pieces)
}

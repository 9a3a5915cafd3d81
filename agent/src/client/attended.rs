//! `fieldlink start` in a terminal: the panel of the foreground mode, over the bus.

use fieldlink_protocol::support_id::SupportId;
use futures_util::StreamExt;
use tokio::sync::{broadcast, mpsc, watch};

use super::device::{Device, News, NewsStream};
use super::failure::{Failure, Kind};
use super::show;
use crate::access::{Command, Happening};
use crate::console::{self, Feed};
use crate::panel::{Credentials, View};
use crate::status::{Line, Phase};

/// Lines that the console may be behind with.
const QUEUE: usize = 64;

/// Shows what happens and passes on what is typed, until Ctrl-C.
pub(super) async fn run(device: Device) -> Result<u8, Failure> {
    let news = device.news().await?;
    let mut panel = Panel { device, credentials: None };
    let (view, view_receiver) = watch::channel(panel.look().await?);
    let (happenings, happening_receiver) = broadcast::channel(QUEUE);
    let (commands, orders) = mpsc::channel(QUEUE);
    let feed = Feed { view: view_receiver, happenings: happening_receiver, commands };
    tokio::select! {
        () = console::run(feed) => {}
        outcome = panel.serve(news, view, happenings, orders) => return outcome,
        _ = tokio::signal::ctrl_c() => {}
    }
    show::print(
        "\n  Remote access goes on. \"fieldlink stop\" switches it off, \"fieldlink start\" shows it again.\n",
    )?;
    Ok(0)
}

struct Panel {
    device: Device,
    credentials: Option<Credentials>,
}

impl Panel {
    async fn serve(
        &mut self,
        mut news: NewsStream,
        view: watch::Sender<View>,
        happenings: broadcast::Sender<Happening>,
        mut orders: mpsc::Receiver<Command>,
    ) -> Result<u8, Failure> {
        let tell = |sentence: String| {
            // The console may have ended.
            let _ = happenings.send(Happening::Warning(Line { code: String::new(), sentence }));
        };
        loop {
            tokio::select! {
                heard = news.next() => match heard {
                    Some(News::Happened(happening)) => drop(happenings.send(happening)),
                    Some(News::Service { is_there: false }) => {
                        tell("The remote access service has stopped. Waiting for it to come back.".to_owned());
                    }
                    Some(News::Changed | News::Service { is_there: true }) => {
                        // It may be gone again; then that is the next news.
                        if let Ok(now) = self.look().await {
                            view.send_replace(now);
                        }
                    }
                    None => return Err(Failure::new(Kind::NoService, "the system bus is gone")),
                },
                Some(command) = orders.recv() => {
                    if let Err(failure) = self.device.give(command.order).await {
                        tell(format!("That did not work: {failure}."));
                    }
                }
            }
        }
    }

    async fn look(&mut self) -> Result<View, Failure> {
        let status = self.device.status().await?;
        let has_pair = matches!(status.phase, Phase::Connecting | Phase::Ready);
        if !has_pair {
            self.credentials = None;
        } else {
            let known = self.support_id();
            let credentials = self.device.credentials().await?;
            if known != Some(credentials.support_id) {
                self.credentials = Some(credentials);
            }
        }
        Ok(View { status, credentials: self.credentials.clone() })
    }

    fn support_id(&self) -> Option<SupportId> {
        self.credentials.as_ref().map(|credentials| credentials.support_id)
    }
}

//! `fieldlink start` in a terminal: the panel of the foreground mode, over the bus.

use fieldlink_protocol::support_id::SupportId;
use tokio::sync::{broadcast, mpsc, watch};

use super::device::{self, Device};
use super::failure::{Failure, Kind};
use super::show;
use super::watch::{News, Watch};
use crate::access::{Command, Happening};
use crate::console::{self, Feed, InputEnd};
use crate::panel::{Credentials, View};
use crate::status::{Line, Phase, Status};

/// Lines that the console may be behind with.
const QUEUE: usize = 64;

/// Shows what happens and passes on what is typed, until Ctrl-C or Ctrl-D.
pub(super) async fn run(device: Device) -> Result<u8, Failure> {
    show::print("\n  This window shows remote access. Closing it does not switch remote access off.\n")?;
    let news = Watch::open().await?;
    let mut panel = Panel { device, credentials: None };
    let (view, view_receiver) = watch::channel(panel.complete(news.status()?).await?);
    let (happenings, happening_receiver) = broadcast::channel(QUEUE);
    let (commands, orders) = mpsc::channel(QUEUE);
    let last = view_receiver.clone();
    let feed = Feed { view: view_receiver, happenings: happening_receiver, commands };
    tokio::select! {
        () = console::run(feed, InputEnd::Leave) => {}
        failure = panel.serve(news, view, happenings, orders) => return Err(failure),
        _ = tokio::signal::ctrl_c() => {}
    }
    if last.borrow().status.phase != Phase::Off {
        show::print(
            "\n  Remote access goes on. \"fieldlink stop\" switches it off, \"fieldlink start\" shows it again.\n",
        )?;
    }
    Ok(0)
}

struct Panel {
    device: Device,
    credentials: Option<Credentials>,
}

impl Panel {
    /// Until the bus is gone.
    async fn serve(
        &mut self,
        mut news: Watch,
        view: watch::Sender<View>,
        happenings: broadcast::Sender<Happening>,
        mut orders: mpsc::Receiver<Command>,
    ) -> Failure {
        let tell = |sentence: String| {
            // The console may have ended.
            let _ = happenings.send(Happening::Warning(Line { code: String::new(), sentence }));
        };
        let show = |outcome: Result<View, Failure>| match outcome {
            Ok(now) => drop(view.send_replace(now)),
            Err(failure) if failure.kind == Kind::NotPermitted => {
                tell(format!("Support ID and PIN cannot be shown: {failure}."));
            }
            // The pair is gone again; then there is other news on the way.
            Err(_) => {}
        };
        loop {
            tokio::select! {
                heard = news.next() => match heard {
                    Some(News::Happened(happening)) => drop(happenings.send(happening)),
                    Some(News::Stopped) => {
                        tell("The remote access service has stopped. Waiting for it to come back.".to_owned());
                    }
                    Some(News::Status(status)) => show(self.complete(*status).await),
                    Some(News::Back(status)) => {
                        tell("The remote access service is back.".to_owned());
                        show(self.complete(*status).await);
                    }
                    None => return device::no_bus(),
                },
                Some(command) = orders.recv() => {
                    if let Err(failure) = self.device.give(command.order).await {
                        tell(format!("That did not work: {failure}."));
                    }
                }
            }
        }
    }

    /// Adds support ID and PIN where there are any.
    async fn complete(&mut self, status: Status) -> Result<View, Failure> {
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

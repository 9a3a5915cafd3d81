//! `fieldlink start` in a terminal: the panel of the foreground mode, over the bus.

use std::convert::Infallible;
use std::sync::Arc;

use fieldlink_protocol::support_id::SupportId;
use tokio::sync::{Mutex, broadcast, mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::show;
use crate::bus::ANSWER;
use crate::client::{self, Device};
use crate::console::{self, Feed, InputEnd};
use crate::desktop;
use crate::emergency_stop;
use crate::failure::{Failure, Kind};
use crate::order::{Local, Notification, Order};
use crate::panel::{Credentials, View};
use crate::status::{Phase, Status};
use crate::watch::{News, Watch};
use crate::words::Words;

/// Lines that the console may be behind with.
const QUEUE: usize = 64;

/// Shows what happens and passes on what is typed, until Ctrl-C or Ctrl-D.
pub(super) async fn run(words: &Words, device: Device) -> Result<u8, Failure> {
    show::print(&format!("\n  {}\n", words.say("window-shows")))?;
    let news = Watch::open().await?;
    let mut panel = Panel { device, credentials: None };
    let (view, view_receiver) = watch::channel(panel.complete(news.status()?).await?);
    let (notifications, notification_receiver) = broadcast::channel(QUEUE);
    let (sender, orders) = mpsc::channel(QUEUE);
    let for_desktop = (view.subscribe(), notifications.subscribe());
    let telling = async {
        desktop::follow(words, for_desktop.0, for_desktop.1).await;
        std::future::pending::<Infallible>().await
    };
    let feed = Feed { view: view_receiver, notifications: notification_receiver, orders: sender };
    let mut giving = tokio::spawn(give(panel.device.clone(), orders, notifications.clone()));
    let failure = tokio::select! {
        () = console::run(Words::new(words.language()), feed, InputEnd::Leave) => None,
        failure = panel.follow(news, view, notifications) => Some(failure),
        never = telling => match never {},
        _ = tokio::signal::ctrl_c() => None,
    };
    // The console is gone, and no more orders come; what was typed last is still done.
    if timeout(ANSWER, &mut giving).await.is_err() {
        giving.abort();
    }
    match failure {
        Some(failure) => Err(failure),
        None => leave(words, &panel.device).await,
    }
}

/// Tells the client, who will see no more changes, if remote access is still on.
async fn leave(words: &Words, device: &Device) -> Result<u8, Failure> {
    if device.status().await.is_ok_and(|status| status.phase != Phase::Off) {
        show::print(&format!("\n  {}\n", words.say("window-left")))?;
    }
    Ok(0)
}

fn tell(notifications: &broadcast::Sender<Notification>, local: Local) {
    // The console may have ended.
    let _ = notifications.send(Notification::Local(local));
}

/// Passes orders on: one after another, as they were typed, except that the end waits for nothing. An order typed
/// before it may wait for a bus or a polkit that a process keeps busy.
async fn give(
    device: Device,
    mut orders: mpsc::Receiver<Order>,
    notifications: broadcast::Sender<Notification>,
) {
    let turn = Arc::new(Mutex::new(()));
    let mut given = JoinSet::new();
    while let Some(order) = orders.recv().await {
        let (device, notifications, turn) = (device.clone(), notifications.clone(), turn.clone());
        given.spawn(async move {
            let is_stop = emergency_stop::word_of(&order).is_some();
            let _turn = if is_stop { None } else { Some(turn.lock().await) };
            if let Err(failure) = device.give(order).await {
                tell(&notifications, Local::NotDone(failure));
            }
        });
        while given.try_join_next().is_some() {}
    }
    given.join_all().await;
}

struct Panel {
    device: Device,
    credentials: Option<Credentials>,
}

impl Panel {
    /// Follows the agent until the connection to the bus ends.
    async fn follow(
        &mut self,
        mut news: Watch,
        view: watch::Sender<View>,
        notifications: broadcast::Sender<Notification>,
    ) -> Failure {
        while let Some(heard) = news.next().await {
            let status = match heard {
                News::Notified(notification) => {
                    let _ = notifications.send(notification);
                    continue;
                }
                News::Stopped => {
                    tell(&notifications, Local::ServiceStopped);
                    continue;
                }
                News::Back(status) => {
                    tell(&notifications, Local::ServiceBack);
                    status
                }
                News::Status(status) => status,
            };
            match self.complete(*status).await {
                Ok(now) => drop(view.send_replace(now)),
                Err(failure) if failure.kind == Kind::NotPermitted => {
                    tell(&notifications, Local::NoCredentials(failure));
                }
                // The pair is gone again; then there is other news on the way.
                Err(_) => {}
            }
        }
        client::no_bus()
    }

    /// Adds support ID and PIN where there are any.
    async fn complete(&mut self, status: Status) -> Result<View, Failure> {
        let has_pair = matches!(status.phase, Phase::Connecting | Phase::Ready);
        if !has_pair {
            self.credentials = None;
        } else {
            let known = self.support_id();
            match self.device.credentials().await {
                Ok(credentials) if known == Some(credentials.support_id) => {}
                Ok(credentials) => self.credentials = Some(credentials),
                // There is no pair before the support service is reached.
                Err(failure) if status.phase == Phase::Connecting && failure.kind == Kind::Failed => {
                    self.credentials = None;
                }
                Err(failure) => return Err(failure),
            }
        }
        Ok(View { status, credentials: self.credentials.clone(), ..View::default() })
    }

    fn support_id(&self) -> Option<SupportId> {
        self.credentials.as_ref().map(|credentials| credentials.support_id)
    }
}

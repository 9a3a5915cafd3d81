//! Notifications of the desktop, with a sound where there is one: somebody is wanted who may not be looking at the
//! terminal. Desktop Notifications Specification 1.2; a desktop without them is no error.

use std::collections::HashMap;
use std::time::Duration;

use fieldlink_protocol::ids::QuestionId;
use tokio::sync::{broadcast, watch};
use tokio::time::timeout;
use zbus::connection::Builder;
use zbus::{Connection, Variant};

use crate::order::Notification;
use crate::panel::View;
use crate::warning::Warning;
use crate::words::Words;

const NAME: &str = "org.freedesktop.Notifications";
const PATH: &str = "/org/freedesktop/Notifications";
/// The name of our entry in the menu, without its ending.
const DESKTOP_ENTRY: &str = "com.navvis.Fieldlink";
const ICON: &str = "preferences-desktop-remote-desktop";
/// Sounds of the Sound Naming Specification 0.2.
const RINGING: &str = "phone-incoming-call";
const QUESTION: &str = "dialog-question";
/// The urgency of what stays until somebody has seen it.
const CRITICAL: u8 = 2;
/// How long the desktop may take for an answer.
const ANSWER: Duration = Duration::from_secs(2);

/// The desktop that this program runs in.
struct Desktop {
    bus: Connection,
    /// The question that is shown, and the desktop's number for it.
    question: Option<(QuestionId, u32)>,
    /// The desktop's number for the last ring.
    rung: u32,
}

/// Tells the desktop of what `view` and `notifications` have for somebody who does not look. Returns where there is no
/// desktop, or it is gone.
pub(crate) async fn follow(
    words: &Words,
    view: watch::Receiver<View>,
    notifications: broadcast::Receiver<Notification>,
) {
    let connecting = async { Builder::session().method_timeout(ANSWER).build().await };
    if let Ok(Ok(bus)) = timeout(ANSWER, connecting).await {
        Desktop { bus, question: None, rung: 0 }.run(words, view, notifications).await;
    }
}

impl Desktop {
    async fn run(
        &mut self,
        words: &Words,
        mut view: watch::Receiver<View>,
        mut notifications: broadcast::Receiver<Notification>,
    ) {
        let bus = self.bus.clone();
        loop {
            let shown = view.borrow_and_update().clone();
            self.show_question(words, &shown).await;
            tokio::select! {
                () = bus.closed() => return,
                changed = view.changed() => if changed.is_err() {
                    return;
                },
                told = notifications.recv() => match told {
                    Ok(Notification::Warning(warning)) if warning.rings() => self.ring(words, &warning).await,
                    Err(broadcast::error::RecvError::Closed) => return,
                    Ok(_) | Err(broadcast::error::RecvError::Lagged(_)) => {}
                },
            }
        }
    }

    /// The open question, until it is over.
    async fn show_question(&mut self, words: &Words, view: &View) {
        let open = view.status.question.as_ref();
        let shown = self.question.map(|(id, _)| id);
        if open.map(|question| question.id) == shown {
            return;
        }
        if let Some((_, number)) = self.question.take() {
            // Somebody may have closed it.
            let _ = self.close(number).await;
        }
        if let Some(question) = open {
            let text = words.question(question, view.status.visitor.as_ref());
            // One that the desktop does not take is not tried again.
            let number = self.notify(words, 0, &text, QUESTION).await.unwrap_or_default();
            self.question = Some((question.id, number));
        }
    }

    async fn ring(&mut self, words: &Words, warning: &Warning) {
        self.rung = self.notify(words, self.rung, &words.warning(warning), RINGING).await.unwrap_or_default();
    }

    /// Shows `text`, instead of `replaced` if that is a number. Returns the desktop's number for it.
    async fn notify(&self, words: &Words, replaced: u32, text: &str, sound: &str) -> zbus::Result<u32> {
        let hints = HashMap::from([
            ("urgency", Variant::from(CRITICAL)),
            ("sound-name", Variant::from(sound)),
            ("desktop-entry", Variant::from(DESKTOP_ENTRY)),
        ]);
        let (title, actions) = (words.say("desktop-title"), Vec::<&str>::new());
        // As long as the desktop likes.
        let expires = -1_i32;
        let body = &(title.as_str(), replaced, ICON, title.as_str(), escaped(text), actions, hints, expires);
        let reply = self.bus.call_method(Some(NAME), PATH, Some(NAME), "Notify", body).await?;
        reply.body().deserialize()
    }

    async fn close(&self, number: u32) -> zbus::Result<()> {
        self.bus.call_method(Some(NAME), PATH, Some(NAME), "CloseNotification", &number).await?;
        Ok(())
    }
}

/// Desktops take the text for markup.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixStream;

    use tokio::sync::mpsc;
    use zbus::{Guid, OwnedVariant};

    use super::*;
    use crate::status::{Question, QuestionKind};
    use crate::words::Language;

    /// A desktop that tells what it is told.
    struct Server(mpsc::UnboundedSender<(String, u32)>);

    #[zbus::interface(name = "org.freedesktop.Notifications")]
    impl Server {
        #[expect(clippy::too_many_arguments, reason = "the specification has so many")]
        fn notify(
            &self,
            _application: &str,
            replaced: u32,
            _icon: &str,
            _title: &str,
            text: &str,
            _actions: Vec<String>,
            hints: HashMap<String, OwnedVariant>,
            _expires: i32,
        ) -> u32 {
            let sound = String::try_from(hints["sound-name"].clone()).expect("a name");
            let _ = self.0.send((format!("{sound}: {text}"), replaced));
            7
        }

        /// As if it were gone already.
        fn close_notification(&self, number: u32) -> zbus::fdo::Result<()> {
            let _ = self.0.send(("closed".to_owned(), number));
            Err(zbus::fdo::Error::Failed("there is none".to_owned()))
        }
    }

    async fn next(told: &mut mpsc::UnboundedReceiver<(String, u32)>) -> (String, u32) {
        timeout(Duration::from_secs(20), told.recv()).await.expect("in time").expect("told")
    }

    #[tokio::test]
    async fn questions_stay_until_they_are_over_and_a_call_rings() {
        let (one, other) = UnixStream::pair().expect("a pair");
        let (sender, mut told) = mpsc::unbounded_channel();
        let desktop = Builder::unix_stream(one).server(Guid::generate()).p2p().serve_at(PATH, Server(sender));
        let (desktop, bus) =
            tokio::try_join!(desktop.build(), Builder::unix_stream(other).p2p().build()).expect("two peers");
        let (view, shown) = watch::channel(View::default());
        let (notifications, heard) = broadcast::channel(8);
        let words = Words::new(Language::English);
        let following = async move {
            Desktop { bus, question: None, rung: 0 }.run(&words, shown, heard).await;
        };
        let happening = async move {
            let plain = Question::new(QuestionId::random(), QuestionKind::Step, Duration::ZERO);
            let question = Question { text: "<b>Swap</b> & go".into(), ..plain };
            view.send_modify(|view| view.status.question = Some(question));
            let (text, _) = next(&mut told).await;
            assert!(text.starts_with("dialog-question:") && text.contains("&lt;b&gt;Swap"), "{text}");
            view.send_modify(|view| view.status.question = None);
            assert_eq!(next(&mut told).await, ("closed".into(), 7));
            for replaced in [0, 7] {
                notifications.send(Notification::Warning(Warning::QuietOver)).expect("heard");
                notifications.send(Notification::Warning(Warning::Called)).expect("heard");
                let (text, instead_of) = next(&mut told).await;
                assert!(text.starts_with("phone-incoming-call:") && instead_of == replaced, "{text}");
            }
            drop((view, notifications));
        };
        tokio::join!(following, happening);
        drop(desktop);
    }
}

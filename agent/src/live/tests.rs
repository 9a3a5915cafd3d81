use std::time::Duration;

use fieldlink_device::live::{LiveEnd, LiveEvent};
use fieldlink_protocol::ids::{EngineerId, PipeId, SessionId};
use fieldlink_session::wire::{ProgramKind, TerminalSize};
use fieldlink_ssh::{ChannelEnd, ChannelIdentity, ChannelRequest, ChannelStatus, Opener, Tap};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::net::UnixStream;
use tokio::time::timeout;

use super::*;

fn shell(number: u64) -> ChannelIdentity {
    let (session, pipe) = (SessionId::from_bytes([1; 16]), PipeId::from_bytes([2; 16]));
    let opener = Opener { session, pipe, engineer: EngineerId::from_bytes([3; 16]) };
    ChannelIdentity { number, opener, channel: 0, request: ChannelRequest::Program(ProgramKind::Shell {}) }
}

/// A session with one terminal.
fn session(view: &LiveView) -> Arc<Watched> {
    let session = view.begin();
    session.opened(&shell(1));
    session.resized(&shell(1), TerminalSize { columns: 80, rows: 24, ..TerminalSize::default() });
    session
}

fn watch(view: &LiveView) -> BufReader<UnixStream> {
    let stream = std::os::unix::net::UnixStream::from(view.watch().expect("a watcher"));
    stream.set_nonblocking(true).expect("a socket");
    BufReader::new(UnixStream::from_std(stream).expect("a socket"))
}

async fn next(watcher: &mut BufReader<UnixStream>) -> LiveEvent {
    let mut line = String::new();
    let read = timeout(Duration::from_secs(20), watcher.read_line(&mut line));
    assert!(read.await.expect("in time").expect("read") > 0, "it is over");
    serde_json::from_str(&line).unwrap_or_else(|error| panic!("{line}: {error}"))
}

#[tokio::test]
async fn a_watcher_follows_until_the_session_is_over() {
    let view = LiveView::default();
    assert!(matches!(view.watch(), Err(NoView::NoSession)));
    let session = session(&view);
    let mut watcher = watch(&view);
    assert!(matches!(next(&mut watcher).await, LiveEvent::Opened { channel: 1, .. }));
    assert_eq!(next(&mut watcher).await, LiveEvent::Size { channel: 1, columns: 80, rows: 24 });
    session.shown(&shell(1), b"$ ");
    assert_eq!(next(&mut watcher).await, LiveEvent::Output { channel: 1, text: "$ ".into() });
    session.shown(&shell(1), b"bye");
    session.over(&shell(1), &ChannelEnd { status: ChannelStatus::Cut, input: 0, output: 5 });
    view.end(&session);
    assert_eq!(next(&mut watcher).await, LiveEvent::Output { channel: 1, text: "bye".into() });
    assert_eq!(next(&mut watcher).await, LiveEvent::Closed { channel: 1, how: LiveEnd::Cut });
    assert_eq!(next(&mut watcher).await, LiveEvent::End {});
    assert_eq!(watcher.read_line(&mut String::new()).await.expect("the end"), 0);
    assert!(matches!(view.watch(), Err(NoView::NoSession)));
}

/// Whoever does not read holds up nobody, and is told what was missed.
#[tokio::test]
async fn a_watcher_that_does_not_read_skips() {
    let view = LiveView::default();
    let session = session(&view);
    let (mut slow, mut quick) = (watch(&view), watch(&view));
    let piece = vec![b'x'; 32 * 1024];
    let mut shown = 0;
    let mut followed = 0;
    for _ in 0..256 {
        session.shown(&shell(1), &piece);
        shown += piece.len() as u64;
        while followed < shown {
            match next(&mut quick).await {
                LiveEvent::Output { text, .. } => followed += text.len() as u64,
                LiveEvent::Skipped { .. } => panic!("it reads"),
                _ => {}
            }
        }
    }
    let (mut had, mut skipped) = (0, 0);
    while had + skipped < shown {
        match next(&mut slow).await {
            LiveEvent::Output { text, .. } => had += text.len() as u64,
            LiveEvent::Skipped { bytes, .. } => skipped += bytes,
            _ => {}
        }
    }
    assert!(had + skipped == shown && skipped > shown / 2, "{skipped} of {shown}");
}

/// The end of another session, or of one that never began, is none of this one's.
#[tokio::test]
async fn a_session_ends_its_own_view_alone() {
    let view = LiveView::default();
    let earlier = session(&view);
    let now = session(&view);
    let mut watcher = watch(&view);
    view.end(&earlier);
    now.shown(&shell(1), b"here");
    while !matches!(next(&mut watcher).await, LiveEvent::Output { .. }) {}
    assert!(view.watch().is_ok());
}

#[tokio::test]
async fn so_many_watch_and_whoever_goes_makes_room() {
    let view = LiveView::default();
    let _session = session(&view);
    let mut watchers: Vec<_> = (0..WATCHERS).map(|_| watch(&view)).collect();
    assert!(matches!(view.watch(), Err(NoView::TooMany)));
    watchers.pop();
    timeout(Duration::from_secs(20), async {
        while view.watch().is_err() {
            tokio::task::yield_now().await;
        }
    })
    .await
    .expect("a seat");
}

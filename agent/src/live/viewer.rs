//! One watcher: takes what it has not had and writes it, as fast as the watcher reads.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::BytesMut;
use fieldlink_device::live::LiveEvent;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::net::unix::{ReadHalf, WriteHalf};
use tokio::time::timeout;

use super::channels::Had;
use super::watched::Watched;

/// How long a watcher may take to have the last of it.
const LAST: Duration = Duration::from_millis(500);

/// Until the watcher has gone, or the session is over.
pub(super) async fn run(session: Arc<Watched>, mut stream: UnixStream) -> io::Result<()> {
    let (mut reader, writer) = stream.split();
    let mut viewer = Viewer { had: session.attach(), session, writer, pending: BytesMut::new() };
    tokio::select! {
        gone = wait_until_gone(&mut reader) => gone,
        followed = viewer.follow() => {
            followed?;
            timeout(LAST, viewer.finish()).await?
        }
    }
}

/// Nothing is expected from a watcher but that it goes.
async fn wait_until_gone(reader: &mut ReadHalf<'_>) -> io::Result<()> {
    let mut ignored = [0; 64];
    while reader.read(&mut ignored).await? > 0 {}
    Ok(())
}

struct Viewer<'s> {
    session: Arc<Watched>,
    had: Had,
    writer: WriteHalf<'s>,
    /// Lines that are not written yet.
    pending: BytesMut,
}

impl Viewer<'_> {
    /// Until the session is over, whether the watcher reads or not.
    async fn follow(&mut self) -> io::Result<()> {
        let (mut news, mut ended) = (self.session.news(), self.session.news());
        let following = async {
            loop {
                news.borrow_and_update();
                if self.write_next().await? == 0 && news.changed().await.is_err() {
                    return Ok(());
                }
            }
        };
        tokio::select! {
            _ = ended.wait_for(Option::is_none) => Ok(()),
            failed = following => failed,
        }
    }

    async fn finish(&mut self) -> io::Result<()> {
        while self.write_next().await? > 0 {}
        self.writer.write_all(&LiveEvent::End {}.to_line()).await
    }

    /// Writes what the watcher has not had, and before it what is pending. Returns how many bytes. Safe to cancel.
    async fn write_next(&mut self) -> io::Result<usize> {
        if self.pending.is_empty() {
            self.pending.extend(self.session.next(&mut self.had).iter().flat_map(LiveEvent::to_line));
        }
        let count = self.pending.len();
        self.writer.write_all_buf(&mut self.pending).await?;
        Ok(count)
    }
}

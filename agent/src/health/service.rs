//! The SSH subsystem in which an engineer reads the device's health.

use std::io;
use std::sync::Arc;

use fieldlink_protocol::{limits, messages};
use futures_util::future::BoxFuture;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::net::unix::pipe;
use tokio::time::sleep;

use super::HealthReader;
use crate::network::monitor;

/// The exit code where nobody reads any more.
const GONE: u8 = 1;

/// Tells engineers of the device's health.
#[derive(Clone)]
pub(crate) struct HealthService {
    reader: Arc<HealthReader>,
    network: monitor::Handle,
}

impl HealthService {
    /// One that reads with `reader`.
    pub(crate) fn new(reader: Arc<HealthReader>, network: monitor::Handle) -> Self {
        Self { reader, network }
    }

    /// Serves a channel.
    pub(crate) fn serve(&self, input: pipe::Receiver, output: pipe::Sender) -> BoxFuture<'static, u8> {
        let service = self.clone();
        Box::pin(async move { service.tell(input, output).await.map_or(GONE, |()| 0) })
    }

    /// Tells it once, and again for as long as the engineer's side keeps its end open.
    async fn tell(&self, mut input: pipe::Receiver, mut output: pipe::Sender) -> io::Result<()> {
        loop {
            let health = self.reader.read(self.network.verdict().notice.code()).await;
            let mut line = messages::encode(&health);
            line.push('\n');
            output.write_all(line.as_bytes()).await?;
            tokio::select! {
                over = to_end(&mut input) => return over,
                () = sleep(limits::HEALTH_PAUSE) => {}
            }
        }
    }
}

/// Reads on, whatever is said, until nothing comes any more.
async fn to_end(input: &mut (impl AsyncRead + Unpin)) -> io::Result<()> {
    let mut ignored = [0; 1024];
    while input.read(&mut ignored).await? > 0 {}
    Ok(())
}

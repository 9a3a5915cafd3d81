//! Diagnoses of the device: a unit of its own collects them, because the agent may read none of what is in one.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use fieldlink_diagnosis::DiagnosticsSettings;
use fieldlink_protocol::messages::diagnosis::{Request, Told};
use fieldlink_protocol::messages::encode;
use fieldlink_protocol::{limits, text};
use futures_util::future::BoxFuture;
use nix::sys::socket::SockType;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::net::unix::pipe;
use tokio::time::timeout;

use crate::health::HealthReader;
use crate::maker_socket::{self, SocketFault};
use crate::network::monitor;

/// How long systemd may take to start the unit's process, and that to take the request.
const PATIENCE: Duration = Duration::from_secs(10);
/// The exit code where there is no diagnosis.
const FAILED: u8 = 1;

/// Has diagnoses collected.
#[derive(Clone)]
pub struct Diagnoses {
    pub(crate) settings: DiagnosticsSettings,
    health: Arc<HealthReader>,
}

impl Diagnoses {
    /// By the unit that the settings name. Each has the device's health of its moment.
    pub fn new(settings: &DiagnosticsSettings, health: Arc<HealthReader>) -> Self {
        Self { settings: settings.clone(), health }
    }

    /// Has one collected: what comes is described in [`fieldlink_protocol::messages::diagnosis`]. `network` is the code of the
    /// network's verdict.
    pub(crate) async fn collect(&self, network: &str) -> Result<UnixStream, NotCollected> {
        let health = Some(self.health.read(network).await);
        let line = encode(&Request { health }) + "\n";
        let asking = async {
            let connection = maker_socket::open(self.settings.socket(), SockType::Stream)?;
            let mut stream = UnixStream::from_std(connection.into())?;
            stream.write_all(line.as_bytes()).await?;
            Ok(stream)
        };
        let asked = timeout(PATIENCE, asking).await;
        let asked = asked.unwrap_or_else(|_| Err(io::Error::from(io::ErrorKind::TimedOut).into()));
        asked.inspect_err(|error| tracing::error!(%error, "no diagnosis is collected"))
    }
}

/// Why no diagnosis is collected.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NotCollected {
    /// systemd closes a connection beyond those that it accepts at once.
    #[error("another diagnosis is being collected: try again in a minute")]
    Busy,
    /// The socket is not what it should be, or nobody is behind it.
    #[error("fieldlink-diagnose.socket on the scanner cannot be used: {0}")]
    Socket(#[from] SocketFault),
    /// It does not work.
    #[error("fieldlink-diagnose.socket on the scanner does not answer: {0}")]
    Silent(io::Error),
}

impl From<io::Error> for NotCollected {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            // What was asked for was not even read.
            io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe => Self::Busy,
            _ => Self::Silent(error),
        }
    }
}

/// Gives engineers diagnoses.
#[derive(Clone)]
pub(crate) struct DiagnosisService {
    pub(crate) diagnoses: Diagnoses,
    pub(crate) network: monitor::Handle,
}

impl DiagnosisService {
    /// Serves a channel, for as long as the engineer's side keeps its end open.
    pub(crate) fn serve(
        &self,
        mut input: pipe::Receiver,
        mut output: pipe::Sender,
    ) -> BoxFuture<'static, u8> {
        let service = self.clone();
        Box::pin(async move {
            tokio::select! {
                given = service.give(&mut output) => given.map_or(FAILED, |()| 0),
                () = to_end(&mut input) => FAILED,
            }
        })
    }

    async fn give(&self, output: &mut pipe::Sender) -> io::Result<()> {
        let begun = self.begin().await;
        let (mut stream, first) = match begun {
            Ok(begun) => begun,
            Err(error) => {
                let why = text::clean_to_fit(&error.to_string(), limits::DIAGNOSIS_FAULT);
                output.write_all(format!("{}\n", encode(&Told::Failed { why })).as_bytes()).await?;
                return Err(io::Error::other(error));
            }
        };
        output.write_all(&first).await?;
        tokio::io::copy(&mut stream, output).await.map(drop)
    }

    /// A diagnosis that is being collected, and what is said of it first.
    async fn begin(&self) -> Result<(UnixStream, Vec<u8>), NotCollected> {
        let mut stream = self.diagnoses.collect(self.network.verdict().notice.code()).await?;
        let mut first = Vec::with_capacity(4096);
        match stream.read_buf(&mut first).await? {
            0 => Err(NotCollected::Busy),
            _ => Ok((stream, first)),
        }
    }
}

/// Reads on, whatever is said, until nothing comes any more.
async fn to_end(input: &mut pipe::Receiver) {
    let mut ignored = [0; 1024];
    while input.read(&mut ignored).await.is_ok_and(|read| read > 0) {}
}

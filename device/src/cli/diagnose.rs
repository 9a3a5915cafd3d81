//! `fieldlink diagnose`: what the support service needs to know of this device, in one file. It needs no session and no
//! network, and as root no agent either.

use std::io::{self, IsTerminal};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream as StandardStream;
use std::path::{Path, PathBuf};

use fieldlink_fetching::{FetchError, Place, Step, bar, fetch};
use fieldlink_protocol::limits;
use fieldlink_protocol::messages::diagnosis::{Request, SOCKET};
use fieldlink_protocol::messages::encode;
use nix::errno::Errno;
use tokio::io::{AsyncWriteExt, BufReader};
use tokio::net::UnixStream;
use tokio::signal::unix::{Signal, SignalKind, signal};

use super::args::DiagnoseArguments;
use super::show::done;
use crate::client::{Device, other_version};
use crate::failure::{Failure, Kind};
use crate::usb::{self, Sticks};
use crate::words::Words;

/// The exit code where a signal stopped it, but for the signal's number: as shells count.
const STOPPED: u8 = 128;
/// What clears a line of a terminal.
const CLEAR: &str = "\r\u{1b}[K";

/// Collects it, and saves it.
pub(super) async fn run(words: &Words, arguments: DiagnoseArguments) -> Result<u8, Failure> {
    let DiagnoseArguments { output, usb: is_stick } = arguments;
    let path = if is_stick { stick()? } else { output.unwrap_or_else(|| PathBuf::from(".")) };
    let mut stops = Stops::new()?;
    // Before anything is collected: it takes a while.
    let place = Place::open(&path).map_err(|error| unwritable(&path, &error, None, words))?;
    let saving = async {
        let stream = BufReader::new(stream().await?);
        let saved = fetch(stream, place, Some(limits::DIAGNOSIS_PATIENCE), |step| show(words, step)).await;
        Ok::<_, Failure>(saved)
    };
    let saved = tokio::select! {
        biased;
        signal = stops.next() => {
            // What is half there goes, also if the window was closed.
            clear();
            return Ok(STOPPED + signal);
        }
        saved = saving => saved?,
    };
    clear();
    let saved = saved.map_err(|error| match error {
        // systemd closes a connection at once if another one is served.
        FetchError::Nothing => Failure::new(Kind::NoService, "failed-diagnosis-busy"),
        FetchError::Write { error, bytes } => unwritable(&path, &error, Some(bytes), words),
        FetchError::Lost | FetchError::Slow => Failure::new(Kind::Failed, "failed-diagnosis-stopped"),
        FetchError::Strange => other_version(),
        FetchError::Told(why) => Failure::new(Kind::Failed, "failed-diagnosis").with("detail", why),
    })?;
    let message = if is_stick { "done-diagnosis-usb" } else { "done-diagnosis" };
    done(words.say_with(message, &[("path", saved.to_string_lossy().into_owned().into())]))
}

/// What stops it.
struct Stops([Signal; 3]);

impl Stops {
    fn new() -> io::Result<Self> {
        let kinds = [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()].map(signal);
        let [interrupt, terminate, hang_up] = kinds;
        Ok(Self([interrupt?, terminate?, hang_up?]))
    }

    /// The number of the signal.
    async fn next(&mut self) -> u8 {
        let [interrupt, terminate, hang_up] = &mut self.0;
        tokio::select! {
            _ = interrupt.recv() => 2,
            _ = terminate.recv() => 15,
            _ = hang_up.recv() => 1,
        }
    }
}

/// The one stick that is in.
fn stick() -> Result<PathBuf, Failure> {
    let Sticks { mounted: mut sticks, is_other } = usb::sticks();
    match (sticks.pop(), sticks.is_empty()) {
        (Some(only), true) => Ok(only),
        (None, _) if is_other => Err(Failure::new(Kind::Failed, "failed-stick-not-open")),
        (None, _) => Err(Failure::new(Kind::Failed, "failed-no-stick")),
        (Some(last), false) => {
            sticks.push(last);
            let sticks: Vec<_> = sticks.iter().map(|stick| stick.to_string_lossy()).collect();
            Err(Failure::new(Kind::Usage, "failed-several-sticks").with("sticks", sticks.join(", ")))
        }
    }
}

/// What comes of it: from the agent, or where none answers from the unit itself, whose socket is open for root.
async fn stream() -> Result<UnixStream, Failure> {
    let by_agent = async { Device::connect().await?.diagnosis().await };
    match by_agent.await {
        Ok(stream) => of_descriptor(stream).map_err(Failure::from),
        Err(failure) if failure.kind == Kind::NoService => directly().await.map_err(|_| failure),
        Err(failure) => Err(failure),
    }
}

fn of_descriptor(stream: OwnedFd) -> io::Result<UnixStream> {
    let stream = StandardStream::from(stream);
    stream.set_nonblocking(true)?;
    UnixStream::from_std(stream)
}

async fn directly() -> io::Result<UnixStream> {
    let mut stream = UnixStream::connect(SOCKET).await?;
    let request = encode(&Request::default()) + "\n";
    stream.write_all(request.as_bytes()).await.map(|()| stream)
}

/// What the kernel says of a disk that is not there any more.
fn is_gone(error: &io::Error) -> bool {
    let gone = [Errno::EIO, Errno::ENODEV, Errno::ENXIO, Errno::ESTALE, Errno::ENOTCONN];
    error.raw_os_error().is_some_and(|code| gone.iter().any(|errno| *errno as i32 == code))
}

fn show(words: &Words, step: Step) {
    if io::stderr().is_terminal() {
        let label = match step {
            Step::Collecting { .. } => "diagnosis-collecting",
            Step::Saving { .. } => "diagnosis-saving",
        };
        eprint!("{CLEAR}{} {}", bar(step), words.say(label));
    }
}

fn clear() {
    if io::stderr().is_terminal() {
        eprint!("{CLEAR}");
    }
}

/// Why it cannot be there, in words for who put a stick in; `bytes` is how long it is, if that is known.
fn unwritable(path: &Path, error: &io::Error, bytes: Option<u64>, words: &Words) -> Failure {
    let failure = |message| Failure::new(Kind::Failed, message).with("path", path.to_string_lossy());
    match (error.kind(), bytes) {
        (io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded, Some(bytes)) => {
            failure("failed-full").with("size", words.data_used(bytes, false))
        }
        (io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded, None) => failure("failed-no-room"),
        (io::ErrorKind::ReadOnlyFilesystem, _) => failure("failed-read-only"),
        (io::ErrorKind::PermissionDenied, _) => failure("failed-not-writable"),
        _ if is_gone(error) => failure("failed-pulled-out"),
        _ => failure("failed-write").with("detail", error.to_string()),
    }
}

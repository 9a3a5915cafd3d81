//! The logic of `fieldlink-session`: starts programs and connects forwards for the agent, and takes
//! every descendant with it when the session ends.
//!
//! It knows nothing of networks or engineers. One thread waits for the agent and for children that
//! ended; connects, which may take seconds, run in short threads that answer by themselves.

mod clean_up;
mod environment;
mod forward;
mod home;
mod mounts;
mod programs;
mod signals;
mod spawn;
mod terminal;

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;
use std::time::Duration;

use fieldlink_daemon::systemd::{self, NotifyState};
use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::socket::{MsgFlags, SockType, getsockopt, sockopt};
use nix::sys::stat::{Mode, umask};
use nix::unistd::{Pid, dup2_stdin, getpid, getsid, setsid};
use thiserror::Error;

use crate::descendants;
use crate::packet::{self, Packet, PacketError};
use crate::sys;
use crate::wire::{self, Event, FailReason, Request, RequestId, WireError};

pub use clean_up::clean_up;
use environment::Account;
pub use environment::OWN_ACCOUNT;
use forward::Forwards;
use programs::Programs;
use signals::Signals;

// Killing takes milliseconds; the agent loses patience first.
const KILL_LIMIT: Duration = Duration::from_secs(2);

/// Why the session process failed.
#[derive(Debug, Error)]
pub enum HostError {
    /// Standard input is not the agent's socket.
    #[error("could not use standard input: it is no packet socket from fieldlink-agent")]
    NoSocket,
    /// The process could not be set up.
    #[error("could not prepare session process: {0}")]
    Prepare(#[source] io::Error),
    /// The account has no entry.
    #[error("could not look up user {0}: {1}")]
    Account(u32, &'static str),
    /// Waiting for input failed.
    #[error("could not wait for agent: {0}")]
    Wait(Errno),
    /// The socket failed.
    #[error("could not talk to agent: {0}")]
    Packet(#[from] PacketError),
    /// The agent sent what no agent sends.
    #[error("could not understand agent: {0}")]
    Wire(#[from] WireError),
    /// A request carried descriptors, or an ID that is in use.
    #[error("could not accept request from agent: {0}")]
    Request(&'static str),
    /// Some processes could not be killed.
    #[error("could not kill processes {0:?}")]
    Left(Vec<Pid>),
}

/// Takes the agent's socket from standard input and puts `/dev/null` there.
pub fn take_socket() -> Result<OwnedFd, HostError> {
    let stdin = io::stdin();
    if getsockopt(&stdin, sockopt::SockType) != Ok(SockType::SeqPacket) {
        return Err(HostError::NoSocket);
    }
    let socket = stdin.as_fd().try_clone_to_owned();
    let socket = socket.map_err(HostError::Prepare)?;
    let null = nix::fcntl::open("/dev/null", OFlag::O_RDWR | OFlag::O_CLOEXEC, Mode::empty());
    null.and_then(dup2_stdin).map_err(prepare)?;
    Ok(socket)
}

/// What has started this process, and so supervises it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Setting {
    /// The agent itself, under its own account: no home is prepared, and only the agent supervises.
    Child,
    /// systemd, under the support account: it gets a message when this process is ready, and signs of life.
    Service,
}

/// Milliseconds between two signs of life to systemd, which waits for `WatchdogSec=` of the unit.
const SIGN_OF_LIFE: u16 = 500;

/// Serves the agent until it says `end`, is gone, or SIGTERM arrives; then kills everything.
pub fn run(socket: OwnedFd, setting: Setting) -> Result<(), HostError> {
    prepare_process().map_err(prepare)?;
    if setting == Setting::Child {
        // Should the agent be killed while this process is stopped, it goes on, sees that, and kills everything.
        nix::sys::prctl::set_pdeathsig(nix::sys::signal::Signal::SIGCONT).map_err(prepare)?;
    }
    let served = Host::new(socket, setting).and_then(|mut host| host.serve());
    let killed = descendants::kill_descendants(KILL_LIMIT).map_err(HostError::Left);
    served.and(killed)
}

// What is inherited must reach no program: not the agent's terminal (a session of our own has
// none), not its descriptors, not its file mode mask or blocked signals.
fn prepare_process() -> Result<(), Errno> {
    if getsid(None)? != getpid() {
        setsid()?;
    }
    sys::close_on_exec_from(3)?;
    umask(Mode::from_bits_truncate(0o022));
    nix::sys::signal::SigSet::empty().thread_set_mask()?;
    descendants::become_subreaper()
}

struct Host {
    socket: Arc<OwnedFd>,
    signals: Signals,
    account: Account,
    programs: Programs,
    forwards: Forwards,
    setting: Setting,
}

enum Next {
    Serve,
    End,
}

impl Host {
    fn new(socket: OwnedFd, setting: Setting) -> Result<Self, HostError> {
        let signals = Signals::install().map_err(HostError::Prepare)?;
        let socket = Arc::new(socket);
        let forwards = Forwards::new(Arc::clone(&socket));
        let mut account = Account::of_this_process()?;
        if setting == Setting::Service {
            home::prepare(&mut account);
        }
        Ok(Self { socket, signals, account, programs: Programs::default(), forwards, setting })
    }

    fn serve(&mut self) -> Result<(), HostError> {
        self.tell(&Event::Ready(self.account.welcome()))?;
        self.tell_systemd(NotifyState::Ready);
        loop {
            let readable = self.wait()?;
            self.tell_systemd(NotifyState::Watchdog);
            if self.signals.asked_to_end() {
                return Ok(());
            }
            for event in self.programs.reap() {
                self.tell(&event)?;
            }
            if readable && matches!(self.serve_packet()?, Next::End) {
                return Ok(());
            }
        }
    }

    // True if the socket has something; signals only end the wait.
    fn wait(&mut self) -> Result<bool, HostError> {
        let mut sources = [
            PollFd::new(self.socket.as_fd(), PollFlags::POLLIN),
            PollFd::new(self.signals.as_fd(), PollFlags::POLLIN),
        ];
        let patience = match self.setting {
            Setting::Child => PollTimeout::NONE,
            Setting::Service => PollTimeout::from(SIGN_OF_LIFE),
        };
        match poll(&mut sources, patience) {
            Ok(_) => {}
            Err(Errno::EINTR) => return Ok(false),
            Err(error) => return Err(HostError::Wait(error)),
        }
        let readable = sources[0].any().unwrap_or(true);
        self.signals.drain();
        Ok(readable)
    }

    fn tell_systemd(&self, state: NotifyState<'_>) {
        if self.setting == Setting::Service {
            // If it does not arrive, systemd ends this process; there is nothing else to do.
            let _ = systemd::notify(&[state]);
        }
    }

    fn serve_packet(&mut self) -> Result<Next, HostError> {
        let packet = match packet::receive(&self.socket, MsgFlags::MSG_DONTWAIT, wire::MAX_REQUEST) {
            Err(error) if error.would_block() => return Ok(Next::Serve),
            Err(PacketError::Socket(Errno::ECONNRESET)) => return Ok(Next::End),
            other => other?,
        };
        let Packet { bytes, descriptors } = packet;
        if bytes.is_empty() {
            return Ok(Next::End);
        }
        if !descriptors.is_empty() {
            return Err(HostError::Request("descriptors came with it"));
        }
        self.serve_request(wire::decode(&bytes)?)
    }

    fn serve_request(&mut self, request: Request) -> Result<Next, HostError> {
        match request {
            Request::Start { id, program, terminal, environment } => {
                if self.programs.contains(id) {
                    return Err(HostError::Request("its number is in use"));
                }
                let wanted = spawn::Wanted { program, terminal, environment };
                self.start(id, &wanted)?;
            }
            Request::Connect { id, target } => {
                if self.has_room() {
                    self.forwards.connect(id, target)?;
                } else {
                    self.tell(&too_much(id))?;
                }
            }
            Request::Signal { id, name } => self.programs.signal(id, name),
            Request::Ping { sequence } => self.tell(&Event::Pong { sequence })?,
            Request::End {} => return Ok(Next::End),
        }
        Ok(Next::Serve)
    }

    fn start(&mut self, id: RequestId, wanted: &spawn::Wanted) -> Result<(), HostError> {
        if !self.has_room() {
            return self.tell(&too_much(id));
        }
        match spawn::spawn(wanted, &self.account) {
            Ok(spawned) => {
                let pid = spawned.child.id();
                let descriptors: Vec<_> = spawned.descriptors.iter().map(AsFd::as_fd).collect();
                let packet = wire::encode(&Event::Started { id, pid })?;
                self.programs.insert(id, spawned.child);
                packet::send(self.socket.as_fd(), &packet, &descriptors, MsgFlags::empty())?;
                Ok(())
            }
            Err(error) => self.tell(&forward::failed(id, &error)),
        }
    }

    fn has_room(&self) -> bool {
        self.programs.len() + self.forwards.len() < wire::MAX_LIVE
    }

    fn tell(&self, event: &Event) -> Result<(), HostError> {
        let packet = wire::encode(event)?;
        packet::send(self.socket.as_fd(), &packet, &[], MsgFlags::empty())?;
        Ok(())
    }
}

fn too_much(id: RequestId) -> Event {
    Event::Failed {
        id,
        reason: FailReason::Busy,
        message: "too many programs and forwards at once".to_owned(),
    }
}

fn prepare(error: Errno) -> HostError {
    HostError::Prepare(error.into())
}

//! A session process that systemd starts: one per connection to its socket, as an account of its own.
//!
//! It is no descendant of ours and we may not signal it. What we can do is ask it to end, look at its
//! control group (`cgroups(7)`) until no process is left in it, and exit if one stays: the unit is bound to
//! ours, so systemd then kills everything in it.

use std::os::fd::{AsRawFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::sys::socket::{AddressFamily, SockFlag, SockType, UnixAddr, connect, setsockopt, socket, sockopt};
use nix::unistd::Pid;

use super::leftovers::LeftoverProcesses;
use super::{SessionEvents, SessionProcess, StartError, WatchLimits, sys};
use super::{packet, stop_job};

/// Where the session processes run.
#[derive(Debug, Clone)]
pub enum Launch {
    /// As a child of ours, by this program: in development, and in the foreground mode.
    Child(PathBuf),
    /// As a service of systemd's.
    Service {
        /// The socket that starts it.
        socket: PathBuf,
        /// The account that it must run as.
        user: String,
    },
}

impl Launch {
    /// The account that engineers work as: without a service, our own.
    pub fn user(&self) -> String {
        match self {
            Self::Service { user, .. } => user.clone(),
            Self::Child(_) => {
                let own = nix::unistd::User::from_uid(nix::unistd::getuid());
                own.ok().flatten().map_or_else(|| "unknown".to_owned(), |user| user.name)
            }
        }
    }

    /// Whether a session process that is gone was stopped together with us, and did not fail.
    pub async fn is_being_stopped(&self) -> bool {
        matches!(self, Self::Service { .. }) && stop_job::is_queued().await
    }
}

/// Between two tries, and between two looks at a control group: the kernel notifies only a process that may
/// watch the directory's parent, and the agent may not.
const LOOK_AGAIN: Duration = Duration::from_millis(10);

/// How long the session before may take to be cleared away, and what else runs as the account to be gone.
const CLEARED: Duration = Duration::from_secs(5);

/// The longest that a start takes until it has succeeded or failed: the session before, the first word of the
/// process, its welcome.
pub fn longest_start(limits: WatchLimits) -> Duration {
    CLEARED + 2 * limits.ready
}

impl SessionProcess {
    /// Starts a session process and waits until it is ready.
    pub async fn launch(launch: &Launch, limits: WatchLimits) -> Result<(Self, SessionEvents), StartError> {
        match launch {
            Launch::Child(program) => Self::start(program, limits).await,
            Launch::Service { socket, user } => Self::connect(socket, user, limits).await,
        }
    }

    /// Has systemd start one. While the one before is still being cleared away, systemd closes every
    /// connection at once; then it is tried again.
    async fn connect(
        path: &Path,
        user: &str,
        limits: WatchLimits,
    ) -> Result<(Self, SessionEvents), StartError> {
        let deadline = Instant::now() + CLEARED;
        loop {
            let error = match Self::try_connect(path, user, limits).await {
                Ok(started) => return Ok(started),
                Err(error) => error,
            };
            if !error.is_passing() || Instant::now() >= deadline {
                return Err(error);
            }
            tracing::debug!(%error, "the session before is still being cleared away");
            tokio::time::sleep(LOOK_AGAIN).await;
        }
    }

    async fn try_connect(
        path: &Path,
        user: &str,
        limits: WatchLimits,
    ) -> Result<(Self, SessionEvents), StartError> {
        let leftovers = LeftoverProcesses::of(user);
        if let Some(process) = leftovers.find().await {
            return Err(StartError::Stray { user: user.to_owned(), process });
        }
        let socket = open(path).map_err(|error| StartError::Connect { path: path.to_owned(), error })?;
        let socket = sys::register(socket)?;
        let said = tokio::time::timeout(limits.ready, peer_of(&socket)).await;
        let pid = said.map_err(|_| StartError::NotReady(limits.ready))??;
        let group = ControlGroup::of(pid, leftovers);
        let (mut process, events) = Self::attach(socket.into_inner(), pid, limits).await?;
        process.group = Some(group.ok_or(StartError::NoControlGroup(pid))?);
        let is_right = process.client.welcome().user == user;
        if is_right {
            return Ok((process, events));
        }
        let found = fieldlink_protocol::text::name(&process.client.welcome().user);
        process.end().await;
        Err(StartError::WrongUser { expected: user.to_owned(), found })
    }
}

/// A connected packet socket that passes on the sender's process ID.
fn open(path: &Path) -> Result<OwnedFd, Errno> {
    let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
    let ours = socket(AddressFamily::Unix, SockType::SeqPacket, flags, None)?;
    // Before connecting: a message that was sent earlier would carry no credentials.
    setsockopt(&ours, sockopt::PassCred, &true)?;
    packet::make_room(&ours)?;
    connect(ours.as_raw_fd(), &UnixAddr::new(path)?)?;
    Ok(ours)
}

/// The process that sends the first message, as the kernel names it.
async fn peer_of(socket: &super::link::Socket) -> Result<Pid, StartError> {
    loop {
        let mut guard = socket.readable().await?;
        match packet::sender(socket.get_ref()) {
            Err(error) if error.would_block() => guard.clear_ready(),
            Ok(Some(pid)) => {
                setsockopt(socket.get_ref(), sockopt::PassCred, &false).map_err(std::io::Error::from)?;
                return Ok(pid);
            }
            Ok(None) => return Err(StartError::NoWelcome),
            Err(error) => return Err(error.into()),
        }
    }
}

/// The control group of a service, in which every process of it stays, whatever it does.
#[derive(Debug)]
pub(super) struct ControlGroup {
    members: PathBuf,
    leftovers: LeftoverProcesses,
}

impl ControlGroup {
    /// The group that a process is in; nothing if it is gone, or if groups cannot be seen here.
    pub(super) fn of(pid: Pid, leftovers: LeftoverProcesses) -> Option<Self> {
        let text = std::fs::read(format!("/proc/{pid}/cgroup")).ok()?;
        let members = members_file(&String::from_utf8_lossy(&text))?;
        members.exists().then_some(Self { members, leftovers })
    }

    /// Waits until no process is in it, and none of the account is left elsewhere. False if that takes longer than
    /// `deadline`.
    pub(super) async fn is_left_by(&self, deadline: Instant) -> bool {
        loop {
            let stays = match self.has_members() {
                Ok(true) => "a process of the session".to_owned(),
                Ok(false) => match self.leftovers.find().await {
                    Some(process) => process,
                    None => return true,
                },
                Err(error) => {
                    tracing::error!(%error, group = %self.members.display(), "could not look at a control group");
                    return false;
                }
            };
            if Instant::now() >= deadline {
                tracing::error!(stays, "the session's programs have not ended");
                return false;
            }
            tokio::time::sleep(LOOK_AGAIN).await;
        }
    }

    fn has_members(&self) -> std::io::Result<bool> {
        match std::fs::read(&self.members) {
            Ok(members) => Ok(!members.is_empty()),
            // systemd removes the group of a service that is no more.
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(false),
            Err(error) if error.raw_os_error() == Some(Errno::ENODEV as i32) => Ok(false),
            Err(error) => Err(error),
        }
    }
}

/// Where the members of the group are listed that `/proc/PID/cgroup` names: of systemd's own hierarchy in
/// version 1 (also where both versions are in use), of the only one in version 2.
fn members_file(text: &str) -> Option<PathBuf> {
    let group = |prefix: &str| {
        text.lines().find_map(|line| line.split_once(':')?.1.strip_prefix(prefix)).map(|path| path.to_owned())
    };
    let (root, path) = match group("name=systemd:") {
        Some(path) => ("/sys/fs/cgroup/systemd", path),
        None => ("/sys/fs/cgroup", group(":")?),
    };
    // The root group would not be the session's alone.
    let path = path.strip_prefix('/').filter(|path| !path.is_empty() && !path.contains(".."))?;
    Some(Path::new(root).join(path).join("cgroup.procs"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_group_is_found_in_either_version() {
        let unit = "/system.slice/system-fieldlink\\x2dsession.slice/fieldlink-session@0-1-2.service";
        let one = format!("4:memory:/x\n1:name=systemd:{unit}\n0::/y\n");
        let expected = format!("/sys/fs/cgroup/systemd{unit}/cgroup.procs");
        assert_eq!(members_file(&one), Some(expected.into()));
        let two = format!("0::{unit}\n");
        assert_eq!(members_file(&two), Some(format!("/sys/fs/cgroup{unit}/cgroup.procs").into()));
        for wrong in ["", "0::/\n", "0::/../x\n", "nonsense"] {
            assert_eq!(members_file(wrong), None, "{wrong:?}");
        }
    }
}

//! Where everything of the demo lies, and that nothing of it stays: neither after the end nor after Ctrl-C.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use fieldlink_testbed::scanner::descendants_of;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM};
use signal_hook::iterator::Signals;
use tempfile::TempDir;

use crate::screen::Screen;

/// How long the programs may take to end themselves.
const GRACE: Duration = Duration::from_secs(3);

/// One directory for this user alone, with all keys and credentials of the demo in it. Removed when dropped.
pub(crate) struct Workplace {
    /// Held for good by the thread that clears up after a signal.
    door: Arc<Mutex<()>>,
    _directory: TempDir,
}

impl Workplace {
    /// Makes the directory, and has a signal end what was started and remove it.
    pub(crate) fn new() -> std::io::Result<Self> {
        let private = Permissions::from_mode(0o700);
        let directory = tempfile::Builder::new().prefix("fieldlink-demo-").permissions(private).tempdir()?;
        // An earlier override would be another part's; there is none in this program.
        let _ = tempfile::env::override_temp_dir(directory.path());
        let mut signals = Signals::new([SIGHUP, SIGINT, SIGQUIT, SIGTERM])?;
        let (path, screen) = (directory.path().to_owned(), Screen::as_it_is());
        let door = Arc::<Mutex<()>>::default();
        let exit = door.clone();
        std::thread::spawn(move || {
            if let Some(signal) = signals.forever().next() {
                let _closed = exit.lock();
                screen.restore();
                leave(&path);
                std::process::exit(128 + signal);
            }
        });
        Ok(Self { door, _directory: directory })
    }

    /// Never returns once a signal has come: the programs that have ended since were ended by that.
    pub(crate) fn stay(&self) {
        drop(self.door.lock());
    }
}

impl Drop for Workplace {
    fn drop(&mut self) {
        // A process that ends would take the thread that clears up with it.
        self.stay();
    }
}

/// Ends what this process has started, and what that has, and removes the directory.
fn leave(directory: &Path) {
    let deadline = Instant::now() + GRACE;
    let mut signal = Signal::SIGTERM;
    loop {
        let left = descendants_of(std::process::id());
        if left.is_empty() {
            break;
        }
        for pid in left {
            // It may have ended by now.
            let _ = kill(Pid::from_raw(pid.cast_signed()), signal);
        }
        if Instant::now() > deadline {
            signal = Signal::SIGKILL;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    remove(directory);
}

/// What just ended may have been writing there.
fn remove(directory: &Path) {
    let mut problem = None;
    for _ in 0..10 {
        match std::fs::remove_dir_all(directory) {
            Ok(()) => return,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return,
            Err(error) => problem = Some(error),
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    if let Some(error) = problem {
        let path: PathBuf = directory.into();
        eprintln!("demo: could not remove {}: {error} (it has keys of the demo: remove it)", path.display());
    }
}

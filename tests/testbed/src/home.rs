//! An engineer whose home directory the system itself knows. OpenSSH asks the system, not the environment, where
//! `~/.ssh/config` is; so each program gets a mount namespace in which `/etc/passwd` names the engineer's home.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::LazyLock;

use nix::unistd::getuid;

use crate::Engineer;

/// Mounts the file `$0` over `/etc/passwd`, for the program alone that follows.
const SCRIPT: &str = "mount --bind \"$0\" /etc/passwd && exec \"$@\"";

/// A home directory with an ssh configuration of its own.
pub struct Home<'a> {
    engineer: &'a Engineer,
    passwd: PathBuf,
}

impl<'a> Home<'a> {
    /// The engineer's home; `None`, and one line that says so, where there can be none.
    pub fn of(engineer: &'a Engineer) -> Option<Self> {
        static POSSIBLE: LazyLock<bool> = LazyLock::new(is_possible);
        POSSIBLE.then_some(())?;
        let passwd = engineer.home().join("passwd");
        std::fs::write(&passwd, passwd_with(&engineer.home())).expect("writable");
        Some(Self { engineer, passwd })
    }

    /// Where ssh reads its configuration.
    pub fn ssh_config(&self) -> PathBuf {
        self.engineer.home().join(".ssh/config")
    }

    /// Any program, at home there.
    pub fn program(&self, name: impl AsRef<Path>) -> Command {
        let mut command = self.engineer.program("unshare");
        command.args(ways()).args(["sh", "-c", SCRIPT]).arg(&self.passwd).arg(name.as_ref());
        command
    }

    /// `fieldlink-connect`, at home there.
    pub fn connect(&self) -> Command {
        self.program(self.engineer.connect().get_program())
    }
}

/// How a mount namespace is had: root may make one, others get one with a user namespace where the system allows it.
fn ways() -> &'static [&'static str] {
    if getuid().is_root() { &["--mount"] } else { &["--user", "--map-root-user", "--mount"] }
}

fn is_possible() -> bool {
    let mut command = Command::new("unshare");
    command.args(ways()).args(["sh", "-c", SCRIPT, "/etc/passwd", "true"]).stderr(Stdio::null());
    let possible = command.status().is_ok_and(|status| status.success());
    if !possible {
        // Not eprintln: the test harness hides that of a test that passes.
        let _ =
            writeln!(std::io::stderr(), "skipped  tests of plain ssh: no mount namespace may be made here");
    }
    possible
}

/// The system's accounts, with another home for this user, who may be called root in there.
fn passwd_with(home: &Path) -> String {
    let uid = if getuid().is_root() { getuid().to_string() } else { "0".into() };
    let text = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    let lines = text.lines().map(|line| {
        let mut fields: Vec<_> = line.split(':').map(str::to_owned).collect();
        if fields.len() == 7 && fields[2] == uid {
            fields[5] = home.display().to_string();
        }
        fields.join(":") + "\n"
    });
    lines.collect()
}

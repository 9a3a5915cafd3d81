//! The system on the disks of the computers that boot, and whether it can boot here.

use std::io::Write;
use std::path::PathBuf;
use std::process::Command;
use std::sync::LazyLock;

use super::{Container, ContainerOptions};
use crate::Lab;

/// The variable that chooses another suite than Debian 12's.
const VARIABLE: &str = "FIELDLINK_TEST_SUITE";

/// A system that scanners are delivered with, or one that stands for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Platform {
    /// systemd 247, polkit 0.105 with `.pkla`, OpenSSH 8.4. Stands for Ubuntu 22.04.
    Debian11,
    /// systemd 252, polkit 122, OpenSSH 9.2. The usual one.
    Debian12,
    /// systemd 257, polkit 126, OpenSSH 10. Stands for Ubuntu 24.04 and later.
    Debian13,
}

/// The chosen one's root file system, once for all tests of a program.
static ROOT: LazyLock<Option<PathBuf>> = LazyLock::new(|| match root_of(Platform::chosen()) {
    Ok(root) => Some(root),
    Err(missing) => {
        say(&format!("tests in containers: {missing}"));
        None
    }
});

/// Whether it boots. The usual one must.
static BOOTS: LazyLock<bool> = LazyLock::new(|| {
    let platform = Platform::chosen();
    platform == Platform::Debian12
        || try_to_boot()
            .inspect_err(|why| say(&format!("{}: not booted, because {why}", platform.suite())))
            .is_ok()
});

impl Platform {
    /// What `FIELDLINK_TEST_SUITE` names, or else the usual one.
    pub fn chosen() -> Self {
        Self::named().unwrap_or(Self::Debian12)
    }

    /// What `FIELDLINK_TEST_SUITE` names, if anything.
    pub fn named() -> Option<Self> {
        let named = std::env::var(VARIABLE).ok().filter(|named| !named.is_empty())?;
        let all = [Self::Debian11, Self::Debian12, Self::Debian13];
        let found = all.into_iter().find(|platform| platform.suite() == named);
        Some(found.unwrap_or_else(|| panic!("{VARIABLE}={named}: it is none of {:?}", all.map(Self::suite))))
    }

    /// Debian's name for it.
    pub fn suite(self) -> &'static str {
        match self {
            Self::Debian11 => "bullseye",
            Self::Debian12 => "bookworm",
            Self::Debian13 => "trixie",
        }
    }

    /// The path of its root file system, which is made if it is missing, or why there is none.
    pub fn root(self) -> Result<PathBuf, String> {
        root_of(self)
    }
}

/// A laboratory in which containers can stand; `None`, and one line that says so, where they cannot.
pub fn laboratory() -> Option<Lab> {
    ROOT.as_ref()?;
    BOOTS.then(Lab::new)?
}

/// The root file system of the platform that was chosen.
pub(super) fn root() -> &'static PathBuf {
    ROOT.as_ref().expect("there is a laboratory")
}

/// Systems of some age do not boot on every machine (a recent systemd refuses the control groups of old ones).
fn try_to_boot() -> Result<(), String> {
    let mut lab = Lab::new().ok_or("there are no network namespaces here")?;
    let host = lab.host("first");
    Container::try_to_boot(&host, "first", ContainerOptions::default()).map(drop)
}

fn root_of(platform: Platform) -> Result<PathBuf, String> {
    if !nix::unistd::geteuid().is_root() {
        return Err("they need root (sudo)".into());
    }
    for tool in ["systemd-nspawn", "debootstrap", "unshare"] {
        if Command::new(tool).arg("--version").output().is_err() {
            return Err(format!("they need {tool} (tests/setup installs it)"));
        }
    }
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/rootfs");
    let output = Command::new(script).arg(platform.suite()).output();
    let output = output.map_err(|error| format!("{script}: {error}"))?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
    if !output.status.success() {
        let said = text(&output.stderr);
        return Err(said.lines().last().unwrap_or("there is no root file system").to_owned());
    }
    Ok(text(&output.stdout).into())
}

/// Not eprintln: the test harness hides that of a test that passes.
fn say(why: &str) {
    let _ = writeln!(std::io::stderr(), "skipped  {why}");
}

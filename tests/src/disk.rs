//! A disk of the test's own: a file that is mounted, which takes root.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;

/// Has ext4 behave as if its disk was gone (`EXT4_IOC_SHUTDOWN` without a flush).
const PULL_OUT: &str = "import fcntl, os, sys
fcntl.ioctl(os.open(sys.argv[1], os.O_RDONLY), 0x8004587d, (2).to_bytes(4, 'little'))";

/// A disk, and where it is mounted.
pub struct Disk {
    directory: TempDir,
}

impl Disk {
    /// None, and a word, where there can be none.
    pub fn mount(what: &str, megabytes: u64) -> Option<Self> {
        let directory = tempfile::tempdir().expect("a directory");
        let disk = Self { directory };
        File::create(disk.image()).and_then(|image| image.set_len(megabytes << 20)).expect("writable");
        std::fs::create_dir(disk.place()).expect("writable");
        let made = run("mkfs.ext4", &["-q".as_ref(), &disk.image()])
            && disk.mount_image(&disk.image(), &disk.place());
        if !made {
            eprintln!("{what}: left out, because no disk can be mounted here");
        }
        made.then_some(disk)
    }

    /// Mounts a file as a disk.
    pub fn mount_image(&self, image: &Path, place: &Path) -> bool {
        run("mount", &["-o".as_ref(), "loop".as_ref(), image, place])
    }

    /// Takes such a one away.
    pub fn unmount(&self, place: &Path) {
        run("umount", &[place]);
    }

    /// Beside the file that the disk is, where nothing is on it.
    pub fn beside(&self) -> &Path {
        self.directory.path()
    }

    /// The file that the disk is.
    pub fn image(&self) -> PathBuf {
        self.directory.path().join("image")
    }

    /// Where it is mounted.
    pub fn place(&self) -> PathBuf {
        self.directory.path().join("disk")
    }

    /// Has it stand still, or go on.
    pub fn freeze(&self, is_frozen: bool) {
        let flag = if is_frozen { "-f" } else { "-u" };
        assert!(run("fsfreeze", &[flag.as_ref(), &self.place()]));
    }

    /// Lets nothing be written any more.
    pub fn protect(&self) {
        assert!(run("mount", &["-o".as_ref(), "remount,ro".as_ref(), &self.place()]));
    }

    /// As if somebody had pulled it out.
    pub fn pull_out(&self) {
        assert!(run("python3", &["-c".as_ref(), PULL_OUT.as_ref(), &self.place()]));
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        run("fsfreeze", &["-u".as_ref(), &self.place()]);
        run("umount", &["-l".as_ref(), &self.place()]);
    }
}

/// Whether a program succeeds.
fn run(program: &str, arguments: &[&Path]) -> bool {
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.env("PATH", "/usr/sbin:/sbin:/usr/bin:/bin").status().is_ok_and(|status| status.success())
}

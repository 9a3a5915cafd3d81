//! File systems that an account may mount without any rights (FUSE, by a setuid helper): they stay when
//! the programs behind them are killed, and until they are detached what lies below cannot be moved or emptied.

use std::ffi::OsString;
use std::io;
use std::os::unix::ffi::OsStringExt;
use std::process::{Command, Stdio};

use nix::unistd::getuid;

/// What this process sees mounted (`proc_pid_mountinfo(5)`).
const TABLE: &str = "/proc/self/mountinfo";
/// The helpers, the newer one first. Without one the account could not mount anything.
const HELPERS: [&str; 2] = ["fusermount3", "fusermount"];

/// Detaches what this account has mounted, also where nothing answers any more.
pub(super) fn detach_own() {
    let table = std::fs::read(TABLE).unwrap_or_default();
    // The latest first: one may lie on another.
    for mount_point in own(&table, getuid().as_raw()).into_iter().rev() {
        detach(&mount_point);
    }
}

fn detach(mount_point: &OsString) {
    for helper in HELPERS {
        let helper = Command::new(helper)
            .args(["-u", "-z", "--"])
            .arg(mount_point)
            .stdin(Stdio::null())
            .stderr(Stdio::null())
            .status();
        match helper {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            // It may be gone already.
            _ => return,
        }
    }
}

/// The mount points of FUSE file systems that the account `user` has mounted.
fn own(table: &[u8], user: u32) -> Vec<OsString> {
    let option = format!("user_id={user}");
    let is_own = |fields: &Vec<&[u8]>| {
        let Some(separator) = fields.iter().position(|field| *field == b"-") else { return false };
        let (kind, options) = (fields.get(separator + 1), fields.get(separator + 3));
        kind.is_some_and(|kind| kind.starts_with(b"fuse"))
            && options.is_some_and(|all| all.split(|&byte| byte == b',').any(|one| one == option.as_bytes()))
    };
    let lines = table.split(|&byte| byte == b'\n').map(|line| line.split(|&byte| byte == b' ').collect());
    lines
        .filter(is_own)
        .filter_map(|fields| fields.get(4).map(|path| OsString::from_vec(unescape(path))))
        .collect()
}

/// Blanks and backslashes stand as `\040` and the like.
fn unescape(field: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(field.len());
    let mut rest = field;
    while let Some((&byte, after)) = rest.split_first() {
        let digits =
            after.get(..3).filter(|_| byte == b'\\').and_then(|digits| std::str::from_utf8(digits).ok());
        match digits.and_then(|digits| u8::from_str_radix(digits, 8).ok()) {
            Some(escaped) => {
                bytes.push(escaped);
                rest = &after[3..];
            }
            None => {
                bytes.push(byte);
                rest = after;
            }
        }
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOUNTED: &[u8] = b"22 1 0:20 / / rw - ext4 /dev/sda rw\n\
        90 22 0:51 / /var/lib/fieldlink-support/home/a\\040b rw,nosuid - fuse.sshfs host: rw,user_id=998,group_id=998\n\
        91 22 0:52 / /home/ada/x rw shared:9 - fuse.sshfs host: rw,user_id=9981\n\
        92 22 0:53 / /tmp/y rw shared:9 master:1 - fuse y rw,user_id=998\n\
        93 22 0:54 / /tmp/fuse rw - tmpfs fuse rw,user_id=998\n\nnonsense\n";

    #[test]
    fn only_the_accounts_own_file_systems_are_detached() {
        assert_eq!(own(MOUNTED, 998), ["/var/lib/fieldlink-support/home/a b", "/tmp/y"]);
        assert!(own(MOUNTED, 1).is_empty());
    }

    #[test]
    fn escapes_are_read_as_the_kernel_writes_them() {
        assert_eq!(unescape(b"a\\040b\\134c\\x\\01"), b"a b\\c\\x\\01");
        assert_eq!(unescape(b"\\777"), b"\\777");
    }
}

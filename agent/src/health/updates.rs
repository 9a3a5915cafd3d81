//! Updates of the operating system that wait, from what the system writes down of them by itself. Nothing is asked, and no
//! list is fetched.

use std::fs::{self, File};
use std::io::Read;
use std::path::Path;

use fieldlink_protocol::messages::health::Updates;

/// Written by update-notifier (Ubuntu): a sentence that begins with the number.
const AVAILABLE: &str = "var/lib/update-notifier/updates-available";
/// There while a restart is needed (Debian, Ubuntu).
const RESTART: &str = "run/reboot-required";
/// As much of a file is looked at, in bytes.
const LONGEST: u64 = 4096;

/// Looks for them. May block. None: whether there are any cannot be seen.
pub(super) fn read() -> Option<Updates> {
    read_below(Path::new("/"))
}

fn read_below(root: &Path) -> Option<Updates> {
    let restart_needed = fs::exists(root.join(RESTART)).ok()?;
    Some(Updates { count: count(&root.join(AVAILABLE)), restart_needed })
}

fn count(path: &Path) -> Option<u32> {
    let mut text = Vec::new();
    File::open(path).ok()?.take(LONGEST).read_to_end(&mut text).ok()?;
    String::from_utf8_lossy(&text).lines().find_map(leading_number)
}

fn leading_number(line: &str) -> Option<u32> {
    let line = line.trim_start();
    let digits = line.find(|c: char| !c.is_ascii_digit()).unwrap_or(line.len());
    line[..digits].parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_system_has_written_is_understood() {
        let root = tempfile::tempdir().expect("a directory");
        assert_eq!(read_below(root.path()), Some(Updates { count: None, restart_needed: false }));
        for path in [AVAILABLE, RESTART] {
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().expect("a directory")).expect("writable");
            let text = "\nExpanded Security Maintenance is not enabled.\n\n12 updates can be applied immediately.\n\
                        3 of these updates are standard security updates.\n";
            fs::write(path, text).expect("writable");
        }
        assert_eq!(read_below(root.path()), Some(Updates { count: Some(12), restart_needed: true }));
        assert_eq!(leading_number("99999999999 updates"), None, "no number that counts anything");
    }
}

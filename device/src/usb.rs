//! USB sticks that are in: disks that can be taken out, and where they are mounted.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// What is mounted, as the kernel says it (proc_pid_mountinfo(5)).
const MOUNTS: &str = "/proc/self/mountinfo";
/// What there is of block devices, by their numbers (sysfs(5)).
const DEVICES: &str = "/sys/dev/block";
/// A device that was started from a stick has that here: nobody takes it out.
const OWN: [&str; 6] = ["/", "/boot", "/boot/efi", "/home", "/usr", "/var"];

/// Where sticks are mounted, each once.
pub fn sticks() -> io::Result<Vec<PathBuf>> {
    Ok(sticks_of(&fs::read_to_string(MOUNTS)?, Path::new(DEVICES)))
}

fn sticks_of(mounts: &str, devices: &Path) -> Vec<PathBuf> {
    let (mut numbers, mut places) = (Vec::new(), Vec::new());
    for line in mounts.lines() {
        let fields: Vec<_> = line.split(' ').collect();
        let [_, _, number, root, place, ..] = fields[..] else { continue };
        let is_new = !numbers.contains(&number);
        if is_new && root == "/" && !OWN.contains(&place) && is_stick(&devices.join(number)) {
            numbers.push(number);
            places.push(PathBuf::from(unescaped(place)));
        }
    }
    places
}

/// Whether that device, or the disk that it is a part of, is on USB or can be taken out.
fn is_stick(device: &Path) -> bool {
    let Ok(device) = device.canonicalize() else { return false };
    let is_removable =
        |disk: &Path| fs::read(disk.join("removable")).is_ok_and(|said| said.starts_with(b"1"));
    let is_usb = device.components().any(|part| part.as_os_str().to_string_lossy().starts_with("usb"));
    is_usb || is_removable(&device) || device.parent().is_some_and(is_removable)
}

/// Blanks and the like stand as octal numbers in the list of mounts.
fn unescaped(place: &str) -> String {
    let escapes = [("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")];
    escapes.iter().fold(place.to_owned(), |place, (escape, character)| place.replace(escape, character))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn sticks_are_what_can_be_taken_out() {
        let base = tempfile::tempdir().expect("a directory");
        let device = |path: &str, number: &str, removable: Option<&str>| {
            let directory = base.path().join("devices").join(path);
            fs::create_dir_all(&directory).expect("made");
            if let Some(said) = removable {
                fs::write(directory.join("removable"), said).expect("written");
            }
            symlink(&directory, base.path().join(number)).expect("made");
        };
        device("pci0/ata1/block/sda", "8:0", Some("0\n"));
        device("pci0/ata1/block/sda/sda1", "8:1", None);
        device("pci0/usb1/1-2/block/sdb", "8:16", Some("1\n"));
        device("pci0/usb1/1-2/block/sdb/sdb1", "8:17", None);
        device("pci0/mmc0/block/mmcblk0", "179:0", Some("1\n"));
        let mounts = "22 1 8:1 / / rw - ext4 /dev/sda1 rw\n\
                      23 22 0:21 / /proc rw - proc proc rw\n\
                      24 22 8:1 /var/lib /mnt/bound rw - ext4 /dev/sda1 rw\n\
                      25 22 8:17 / /media/ada/MY\\040STICK rw - vfat /dev/sdb1 rw\n\
                      26 22 8:17 / /mnt/again rw - vfat /dev/sdb1 rw\n\
                      27 22 179:0 / /boot rw - vfat /dev/mmcblk0 rw\n\
                      28 22 9:9 / /mnt/unknown rw - ext4 /dev/x rw\n\
                      nonsense\n";
        assert_eq!(sticks_of(mounts, base.path()), [Path::new("/media/ada/MY STICK")]);
        let card = mounts.replace("/boot", "/media/card");
        assert_eq!(sticks_of(&card, base.path()).len(), 2);
        assert!(sticks().is_ok());
    }
}

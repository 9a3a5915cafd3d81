//! File systems on disks, and their room.
//!
//! The agent sees mounts as its unit has them: the same disk in several places, and homes hidden behind something else
//! (`ProtectHome=`). So a mount counts only where its own device answers, each device once, and what is hidden is told.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use fieldlink_protocol::messages::health::Disk;
use nix::sys::stat::{major, minor};
use nix::sys::statvfs::statvfs;

/// File systems on disks of this device. Those of a network may hang, images are always full.
const KINDS: [&str; 12] =
    ["ext2", "ext3", "ext4", "xfs", "btrfs", "f2fs", "vfat", "exfat", "ntfs3", "zfs", "overlay", "bcachefs"];

/// The disks that can be seen.
pub(super) struct Seen {
    /// By where they are mounted.
    pub(super) disks: Vec<Disk>,
    /// Whether there are no others.
    pub(super) are_all: bool,
}

/// A line of the kernel's list.
#[derive(Debug, PartialEq, Eq)]
struct Mount {
    /// Major and minor number of the device, as the kernel writes them.
    device: String,
    place: String,
}

/// Looks at them. May block.
pub(super) fn read() -> Option<Seen> {
    let list = fs::read_to_string("/proc/self/mountinfo").ok()?;
    let mut disks = Vec::new();
    let mut are_all = true;
    for places in by_device(list.lines().filter_map(parse)).into_values() {
        match places.iter().find_map(measure) {
            Some(disk) => disks.push(disk),
            None => are_all = false,
        }
    }
    disks.sort_by(|one, other| one.mount.cmp(&other.mount));
    Some(Seen { disks, are_all })
}

/// Where each device is mounted, the shortest path first.
fn by_device(mounts: impl Iterator<Item = Mount>) -> BTreeMap<String, Vec<Mount>> {
    let mut devices: BTreeMap<String, Vec<Mount>> = BTreeMap::new();
    mounts.for_each(|mount| devices.entry(mount.device.clone()).or_default().push(mount));
    devices.values_mut().for_each(|places| places.sort_by_key(|mount| mount.place.len()));
    devices
}

/// A line of `/proc/self/mountinfo` (proc_pid_mountinfo(5)), if it is of a disk.
fn parse(line: &str) -> Option<Mount> {
    let (before, after) = line.split_once(" - ")?;
    let kind = after.split(' ').next()?;
    let mut fields = before.split(' ').skip(2);
    let device = fields.next()?.to_owned();
    let place = fields.nth(1)?;
    KINDS.contains(&kind).then(|| Mount { device, place: unescape(place) })
}

/// Blanks and backslashes are written as three octal digits.
fn unescape(place: &str) -> String {
    [("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")]
        .iter()
        .fold(place.to_owned(), |text, (code, character)| text.replace(code, character))
}

/// Its room, unless something else is mounted over it, or it is of no size.
fn measure(mount: &Mount) -> Option<Disk> {
    let path = Path::new(&mount.place);
    // A file may be mounted, too: a part of a file system that is known from elsewhere.
    let metadata = fs::metadata(path).ok().filter(fs::Metadata::is_dir)?;
    let device = metadata.dev();
    if format!("{}:{}", major(device), minor(device)) != mount.device {
        return None;
    }
    let room = statvfs(path).ok()?;
    let fragment = room.fragment_size();
    let total_bytes = room.blocks().saturating_mul(fragment);
    let free_bytes = room.blocks_available().saturating_mul(fragment);
    (total_bytes > 0).then(|| Disk { mount: mount.place.clone(), total_bytes, free_bytes, smart: None })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_disk_is_taken_once_where_its_path_is_the_shortest() {
        let list = "22 1 259:2 / / rw shared:1 - ext4 /dev/nvme0n1p2 rw\n\
                    30 22 259:2 /var /srv\\040data/a rw - ext4 /dev/nvme0n1p2 rw\n\
                    31 22 259:1 / /boot/efi rw - vfat /dev/nvme0n1p1 rw\n\
                    32 22 0:5 / /proc rw - proc proc rw\n\
                    33 22 7:1 / /snap/core/1 ro - squashfs /dev/loop1 ro\n\
                    34 22 0:44 / /mnt/nas rw - nfs4 nas:/data rw\nnonsense\n";
        let devices = by_device(list.lines().filter_map(parse));
        let first = |device: &str| devices[device][0].place.as_str();
        assert_eq!((first("259:2"), first("259:1"), devices.len()), ("/", "/boot/efi", 2));
        assert_eq!(devices["259:2"][1].place, "/srv data/a");
    }

    #[test]
    fn what_is_hidden_behind_something_else_does_not_count() {
        let hidden = Mount { device: "259:77".into(), place: "/".into() };
        assert_eq!(measure(&hidden), None);
        assert_eq!(measure(&Mount { device: "259:77".into(), place: "/does/not/exist".into() }), None);
    }
}

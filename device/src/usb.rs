//! USB sticks that are in: disks that can be taken out, and where they are mounted.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// What is mounted, as the kernel says it (proc_pid_mountinfo(5)).
const MOUNTS: &str = "/proc/self/mountinfo";
/// What the kernel knows of devices (sysfs(5)).
const SYSTEM: &str = "/sys";
/// A disk that has one of these was started from: nobody takes it out.
const OWN: [&str; 6] = ["/", "/boot", "/boot/efi", "/home", "/usr", "/var"];
/// File systems of discs, on which nothing is saved.
const DISCS: [&str; 2] = ["iso9660", "udf"];

/// The sticks that are in.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Sticks {
    /// Where they are mounted: each disk once, at what was mounted first of it.
    pub mounted: Vec<PathBuf>,
    /// Whether there is one that is not mounted.
    pub is_other: bool,
}

/// Something that is mounted.
struct Mount<'a> {
    number: &'a str,
    place: &'a str,
    kind: &'a str,
    source: &'a str,
}

/// The sticks that are in now.
pub fn sticks() -> Sticks {
    let mounts = fs::read(MOUNTS).unwrap_or_default();
    sticks_of(&String::from_utf8_lossy(&mounts), Path::new(SYSTEM))
}

fn sticks_of(mounts: &str, system: &Path) -> Sticks {
    let (mut own, mut places) = (BTreeSet::new(), BTreeMap::new());
    let mut order = Vec::new();
    for mount in mounts.lines().filter_map(Mount::read) {
        for disk in disks_of(&mount, system) {
            if OWN.contains(&mount.place) {
                own.insert(disk);
            } else if !DISCS.contains(&mount.kind) && !places.contains_key(&disk) {
                order.push(disk.clone());
                places.insert(disk, unescaped(mount.place));
            }
        }
    }
    let is_stick = |disk: &PathBuf| !own.contains(disk) && can_be_taken_out(disk);
    let mounted: Vec<_> =
        order.iter().filter(|disk| is_stick(disk)).map(|disk| places[disk].clone()).collect();
    let all = fs::read_dir(system.join("block")).into_iter().flatten().flatten();
    let others =
        all.filter_map(|entry| entry.path().canonicalize().ok()).filter(|disk| !places.contains_key(disk));
    let is_other = others.filter(|disk| has_size(disk)).any(|disk| is_stick(&disk));
    Sticks { mounted, is_other }
}

impl<'a> Mount<'a> {
    /// None of a part of a file system: that is mounted elsewhere, too.
    fn read(line: &'a str) -> Option<Self> {
        let (first, second) = line.split_once(" - ")?;
        let fields: Vec<_> = first.split(' ').collect();
        let [_, _, number, _, place, ..] = fields[..] else { return None };
        let mut others = second.split(' ');
        let (kind, source) = (others.next()?, others.next()?);
        Some(Self { number, place, kind, source })
    }
}

/// The whole disks that something is mounted from: one, but where some are put together.
fn disks_of(mount: &Mount<'_>, system: &Path) -> Vec<PathBuf> {
    let by_number = system.join("dev/block").join(mount.number);
    // Btrfs and programs (FUSE) have numbers of their own, and say their device's name.
    let by_name = || {
        let name = Path::new(mount.source).canonicalize().unwrap_or_else(|_| PathBuf::from(mount.source));
        system.join("class/block").join(name.file_name().unwrap_or_default())
    };
    let device = by_number.canonicalize().or_else(|_| by_name().canonicalize());
    device.map(|device| disks_below(&device, 0)).unwrap_or_default()
}

/// The disk that a device is a part of, or those that it is made of, if it is encrypted say.
fn disks_below(device: &Path, depth: usize) -> Vec<PathBuf> {
    let slaves = fs::read_dir(device.join("slaves")).into_iter().flatten().flatten();
    let slaves: Vec<_> = slaves.filter_map(|slave| slave.path().canonicalize().ok()).collect();
    if !slaves.is_empty() && depth < 4 {
        return slaves.iter().flat_map(|slave| disks_below(slave, depth + 1)).collect();
    }
    match device.join("partition").exists() {
        true => device.parent().map(Path::to_owned).into_iter().collect(),
        false => vec![device.to_owned()],
    }
}

/// Whether that disk is on USB, or says that it can be taken out.
fn can_be_taken_out(disk: &Path) -> bool {
    let is_removable = fs::read(disk.join("removable")).is_ok_and(|said| said.starts_with(b"1"));
    is_removable || disk.components().any(|part| part.as_os_str().to_string_lossy().starts_with("usb"))
}

/// Readers of cards have disks without anything in them; drives of discs are none.
fn has_size(disk: &Path) -> bool {
    let is_drive = disk.file_name().is_some_and(|name| name.to_string_lossy().starts_with("sr"));
    !is_drive && fs::read_to_string(disk.join("size")).is_ok_and(|size| size.trim() != "0")
}

/// Blanks and the like stand as octal numbers in the list of mounts.
fn unescaped(place: &str) -> PathBuf {
    let escapes = [("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")];
    escapes
        .iter()
        .fold(place.to_owned(), |place, (escape, character)| place.replace(escape, character))
        .into()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    /// A system with a built-in disk, an encrypted one, two sticks, and what was started from.
    struct System(tempfile::TempDir);

    impl System {
        fn new() -> Self {
            let system = Self(tempfile::tempdir().expect("a directory"));
            for directory in ["dev/block", "class/block", "block"] {
                fs::create_dir_all(system.path(directory)).expect("made");
            }
            system.device("pci0/ata1/sda", "8:0", "0");
            system.device("pci0/ata1/sda/sda1", "8:1", "part");
            system.device("pci0/usb1/1-2/sdb", "8:16", "1");
            system.device("pci0/usb1/1-2/sdb/sdb1", "8:17", "part");
            system.device("pci0/usb1/1-2/sdb/sdb2", "8:18", "part");
            system.device("pci0/usb1/1-3/sdc", "8:32", "0");
            system.device("virtual/dm-0", "254:0", "0");
            fs::create_dir(system.path("devices/virtual/dm-0/slaves")).expect("made");
            let slave = system.path("devices/virtual/dm-0/slaves/sdc");
            symlink(system.path("devices/pci0/usb1/1-3/sdc"), slave).expect("made");
            system
        }

        fn path(&self, path: &str) -> PathBuf {
            self.0.path().join(path)
        }

        fn device(&self, path: &str, number: &str, what: &str) {
            let directory = self.path("devices").join(path);
            fs::create_dir_all(&directory).expect("made");
            fs::write(directory.join("size"), "1000\n").expect("written");
            let name = directory.file_name().expect("a name").to_owned();
            if what == "part" {
                fs::write(directory.join("partition"), "1\n").expect("written");
            } else {
                fs::write(directory.join("removable"), what).expect("written");
                symlink(&directory, self.path("block").join(&name)).expect("made");
            }
            symlink(&directory, self.path("class/block").join(&name)).expect("made");
            symlink(&directory, self.path("dev/block").join(number)).expect("made");
        }

        fn sticks(&self, mounts: &[(&str, &str, &str, &str)]) -> Sticks {
            let line = |(number, place, kind, source): &(&str, &str, &str, &str)| {
                format!("25 22 {number} / {place} rw - {kind} {source} rw\n")
            };
            sticks_of(&(mounts.iter().map(line).collect::<String>() + "nonsense\n"), self.0.path())
        }
    }

    const ROOT: (&str, &str, &str, &str) = ("8:1", "/", "ext4", "/dev/sda1");

    #[test]
    fn a_stick_is_found_wherever_it_is_mounted_and_once() {
        let system = System::new();
        let stick = ("8:17", "/media/ada/MY\\040STICK", "vfat", "/dev/sdb1");
        let found = |mounts: &[_]| system.sticks(mounts).mounted;
        assert_eq!(found(&[ROOT, stick]), [Path::new("/media/ada/MY STICK")]);
        let second = ("8:18", "/media/ada/second", "ext4", "/dev/sdb2");
        assert_eq!(found(&[ROOT, stick, second]), [Path::new("/media/ada/MY STICK")], "one disk");
        let encrypted = ("254:0", "/media/ada/secret", "ext4", "/dev/mapper/luks");
        assert_eq!(found(&[ROOT, encrypted]), [Path::new("/media/ada/secret")]);
        assert_eq!(found(&[ROOT, stick, encrypted]).len(), 2);
        let by_program = ("0:77", "/media/ada/ntfs", "fuseblk", "/dev/sdb1");
        assert_eq!(found(&[ROOT, by_program]), [Path::new("/media/ada/ntfs")]);
    }

    #[test]
    fn what_the_device_was_started_from_is_none_and_neither_is_a_disc() {
        let system = System::new();
        let started = [("8:17", "/", "ext4", "/dev/sdb1"), ("8:18", "/data", "ext4", "/dev/sdb2")];
        assert_eq!(system.sticks(&started).mounted, [] as [&Path; 0]);
        let built_in = [ROOT, ("8:1", "/srv", "ext4", "/dev/sda1"), ("0:5", "/proc", "proc", "proc")];
        assert_eq!(system.sticks(&built_in).mounted, [] as [&Path; 0]);
        assert_eq!(
            system.sticks(&[ROOT, ("8:17", "/media/cd", "iso9660", "/dev/sdb1")]).mounted,
            [] as [&Path; 0]
        );
    }

    #[test]
    fn one_that_is_not_mounted_is_known() {
        let system = System::new();
        assert!(system.sticks(&[ROOT]).is_other);
        for disk in ["1-2/sdb", "1-3/sdc"] {
            fs::write(system.path("devices/pci0/usb1").join(disk).join("size"), "0\n").expect("written");
        }
        assert!(!system.sticks(&[ROOT]).is_other, "a reader without a card");
        // Whatever this computer has.
        sticks();
    }
}

//! The disks of a scanner and a relay with everything installed and set up: made once, and read by every computer
//! that boots with them.

use std::fs::{self, File};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use super::packages::{Package, Packages};
use super::platform::{self, Platform};

/// What installing wrote, over the root file system.
pub(super) struct Installed {
    /// A scanner's.
    pub(super) scanner: PathBuf,
    /// A relay's, which is also an engineer's.
    pub(super) relay: PathBuf,
}

/// Those of the packages that were built, for all tests of a program.
static INSTALLED: OnceLock<Installed> = OnceLock::new();

impl Installed {
    /// Both, which `make` makes if they are missing.
    pub(super) fn get(make: fn(&Self)) -> &'static Self {
        INSTALLED.get_or_init(|| Self::find_or_make(make))
    }

    /// Beside the packages. Another package, another root file system or another test program makes others; one
    /// program makes them, and others that run at the same time wait.
    fn find_or_make(make: fn(&Self)) -> Self {
        let packages = Packages::built();
        let begins = format!("installed-{}-", Platform::chosen().suite());
        let place = packages.directory().join(format!("{begins}{:016x}", fingerprint(&packages)));
        let lock = File::create(packages.directory().join(format!("{begins}lock"))).expect("writable");
        lock.lock().expect("a lock");
        let installed = Self { scanner: place.join("scanner"), relay: place.join("relay") };
        if !place.join("complete").exists() {
            remove_others(packages.directory(), &begins);
            fs::create_dir_all(&place).expect("writable");
            make(&installed);
            File::create(place.join("complete")).expect("writable");
        }
        installed
    }
}

fn remove_others(directory: &Path, begins: &str) {
    for entry in fs::read_dir(directory).expect("readable").flatten() {
        if entry.path().is_dir() && entry.file_name().to_string_lossy().starts_with(begins) {
            fs::remove_dir_all(entry.path()).expect("removable");
        }
    }
}

/// A hash of everything that what is installed depends on.
fn fingerprint(packages: &Packages) -> u64 {
    let mut hasher = DefaultHasher::new();
    for package in [Package::Agent, Package::Relay, Package::Connect] {
        fs::read(packages.path_of(package)).expect("readable").hash(&mut hasher);
    }
    platform::root().hash(&mut hasher);
    let program = std::env::current_exe().and_then(fs::metadata).expect("this program");
    program.modified().expect("a time").hash(&mut hasher);
    hasher.finish()
}
